"""The outbox of replication: which versions still have to go to which buckets, in the order of their key's changes.

Promises: a row is written in the commit of the version that it tells of, or of the change of its tags or its access
control list, and it goes in the commit that makes the last replica: nothing is lost, across crashes, too. A version's
record says how far it is: `PENDING` while there is a row, then `COMPLETED` or `FAILED`; a replica is a `REPLICA`, and
goes nowhere. A bucket without rules pays nothing. `replication.py` carries what stands here.
"""

import hashlib
from typing import Final

import msgspec

from cumulo.object_store import keys
from cumulo.object_store.configuration_rows import read_value
from cumulo.object_store.keys import Meta, ObjectRecord, ReplicaRecord
from cumulo.object_store.replication_rules import KIND, Rules
from cumulo.object_store.stamping import Stamped
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn

PENDING: Final = "PENDING"
COMPLETED: Final = "COMPLETED"
FAILED: Final = "FAILED"
REPLICA: Final = "REPLICA"
_COMPILED_MAX: Final = 64
_compiled: dict[bytes, Rules] = {}
"""Rules by the digest of their configuration, which tells them wholly: what is remembered is never wrong."""


def digest_of(value: bytes) -> bytes:
    """Return what tells an encoded configuration from others, empty for none."""
    return hashlib.sha256(value).digest()[:16] if value else b""


def rules_of(txn: ReadTxn, partition: bytes, digest: bytes) -> Rules:
    """Return a bucket's rules; `digest` is that of its Meta, and not empty."""
    found = _compiled.get(digest)
    if found is not None:
        return found
    from cumulo.object_store import aws_s3  # noqa: PLC0415 - S3's shapes take their time, and few buckets replicate

    value = read_value(txn, partition, KIND)
    rules = Rules(msgspec.msgpack.decode(value, type=aws_s3.ReplicationConfiguration))
    if len(_compiled) >= _COMPILED_MAX:
        _compiled.clear()
    _compiled[digest] = rules
    return rules


def sent(txn: Txn, stamped: Stamped, meta: Meta, key: str, record: ObjectRecord) -> ObjectRecord:
    """Return the record of a new version, or of a delete marker, as it is to be written, and write where it goes."""
    if not meta.replication or record.replication:
        return record
    rules = rules_of(txn, stamped.partition, meta.replication)
    return _send(txn, stamped, key, record, rules, rules.ways(key, record), revision=0)


def sent_again(txn: Txn, stamped: Stamped, meta: Meta, key: str, record: ObjectRecord) -> ObjectRecord:
    """Likewise of a version whose tags or access control list changed: such a change follows a version that went, and,
    where a rule says so, one that came.
    """
    if not meta.replication or not record.replication:
        return record
    rules = rules_of(txn, stamped.partition, meta.replication)
    ways = rules.ways(key, record, is_replica=record.replication == REPLICA)
    stored = txn.get(keys.replica_key(stamped.partition, key, record.body))
    revision = 0 if stored is None else keys.decode_replica(stored).revision + 1
    return _send(txn, stamped, key, record, rules, ways, revision)


def _send(
    txn: Txn, stamped: Stamped, key: str, record: ObjectRecord, rules: Rules, ways: list[keys.WayRecord], revision: int
) -> ObjectRecord:
    if not ways:
        return record
    row = ReplicaRecord(
        version_id=record.version_id, role=rules.role, ways=ways, wall_ms=stamped.wall_ms, revision=revision
    )
    txn.put(keys.replica_key(stamped.partition, key, record.body), records.encode(row))
    txn.due(stamped.now_ms, keys.OBJECT_REPLICATE, keys.replica_prefix(stamped.partition, key))
    return record if record.replication == REPLICA else msgspec.structs.replace(record, replication=PENDING)
