"""The wrapped data keys of a queue, as transaction functions move them: found, written, taken along, never opened.

A queue keeps one key for each way of encryption that it was ever told, and copies of those of the messages that came to
it from other queues. A key's id is made from the queue's partition, which is never used again, and the KMS key id.
"""

import hashlib

from cumulo.queue_service.errors import INVALID_ATTRIBUTE_VALUE
from cumulo.queue_service.keys import CLEAR, KEYS, META, DataKey, Meta, decode_data_key
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn
from cumulo.storage.tuples import after

DATA_KEYS_MAX = 100
"""Ours: data keys that a queue may make, one for each KMS key id that it was ever given."""
CLEARED_AT_ONCE_MAX = 1_000
"""Keys that the deletion of a queue destroys in its own commit; a dead-letter queue may have more, of other queues."""
KEY_ID_BYTES = 16


def data_key_id(partition: bytes, kms_master_key_id: str) -> bytes:
    """Return the id of a queue's own data key."""
    return hashlib.sha256(partition + kms_master_key_id.encode()).digest()[:KEY_ID_BYTES]


def wanted_key_id(partition: bytes, meta: Meta) -> bytes:
    """Return the id of the key under which a queue's record says that new messages are sealed, empty for none."""
    if not meta.kms_master_key_id and not meta.managed_sse_enabled:
        return b""
    return data_key_id(partition, meta.kms_master_key_id)


def data_key_in(txn: ReadTxn, place: tuple[bytes, bytes]) -> DataKey | None:
    """Return the key (partition, key id) as a queue keeps it; a read function."""
    raw = txn.get(b"".join((place[0], KEYS, place[1])))
    return None if raw is None else decode_data_key(raw)


def is_there(txn: ReadTxn, partition: bytes) -> bool:
    """Say whether a queue is there still; a read function."""
    return txn.get(partition + META) is not None


def keep_key(txn: Txn, partition: bytes, fresh: DataKey, count: int) -> tuple[DataKey, int]:
    """Return a queue's key of the id that `fresh` has: the one that it has already, or `fresh`, which is written then;
    and how many keys the queue has made, `count` until now.
    """
    known = data_key_in(txn, (partition, fresh.key_id))
    if known is not None:
        return known, count
    if count >= DATA_KEYS_MAX:
        raise INVALID_ATTRIBUTE_VALUE.error(
            parameter="kms_master_key_id",
            value=fresh.kms_master_key_id,
            allowed=f"a queue can have had at most {DATA_KEYS_MAX} encryption keys",
        )
    txn.put(partition + KEYS + fresh.key_id, records.encode(fresh))
    return fresh, count + 1


def take_key_along(txn: Txn, source: bytes, target: bytes, key_id: bytes) -> None:
    """Copy the key of a sealed message that moves from one queue's partition to another's: three operations at most."""
    if txn.get(target + KEYS + key_id) is None:
        wrapped = txn.get(source + KEYS + key_id)
        if wrapped is not None:  # else nobody can read the message, and it shall not block others where it is
            txn.put(target + KEYS + key_id, wrapped)


def destroy_keys(txn: Txn, partition: bytes, now_ms: int) -> None:
    """Delete every key of a queue that is deleted: what they sealed can never be read again."""
    prefix = partition + KEYS
    if txn.delete_range(prefix, after(prefix), CLEARED_AT_ONCE_MAX) == CLEARED_AT_ONCE_MAX:
        txn.due(now_ms, CLEAR, prefix)
