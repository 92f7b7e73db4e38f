"""The versions of an object: which one is current, what becomes of the others, and what they are called.

Promises: the current version stands in a row of its own, so that reading it takes one look; every other version and
every delete marker stands beside, newest first, older than the current one; where nothing is current, the newest of
them is a delete marker, else there is none. At most one version of an object is the null version, and it is found in
one look. No step depends on how many versions there are. Does not know what versions hold.

A version id is the version's number, so that ids sort by time, and a hash of it and of the bucket's partition, so that
nobody takes one for a number or for that of another bucket. A replica keeps the id that it has where it comes from;
a row of its own leads to its number. Source of the rules: S3 user guide, "How S3 Versioning
works", "Working with objects in a versioning-suspended bucket".
"""

import base64
import binascii
import hashlib
from typing import Final

import msgspec

from cumulo.object_store import keys
from cumulo.object_store.bodies import discard_body
from cumulo.object_store.configuration_model import VERSIONING_ENABLED
from cumulo.object_store.errors import INVALID_REQUEST, INVALID_VERSION
from cumulo.object_store.keys import Counters, Meta, ObjectRecord
from cumulo.object_store.lifecycle_index import armed, disarm
from cumulo.object_store.lifecycle_versions import rearmed, replace_marker, replaced, restore_marker
from cumulo.object_store.naming import shown
from cumulo.object_store.object_model import NULL_VERSION, REPLICA
from cumulo.object_store.replication_outbox import sent
from cumulo.object_store.stamping import Stamped
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn
from cumulo.storage.tuples import u64

ID_BYTES: Final = 20
_HASH_BYTES: Final = 12
_ID_CHARACTERS: Final = 32
_PREFIX_BYTES: Final = 8


def version_id(partition: bytes, number: int) -> str:
    """Return the id of the version that a number stands for: 32 digits and capitals."""
    begin = u64(number)
    return base64.b32hexencode(begin + hashlib.sha256(partition + begin).digest()[:_HASH_BYTES]).decode()


def check_version_id(asked: str) -> None:
    """Raise `InvalidArgument` for what cannot be the id of a version; an empty one stands for the current version."""
    if asked not in ("", NULL_VERSION) and number_of(asked) is None:
        raise INVALID_VERSION.error(parameter="version_id", value=shown(asked))


def number_of(asked: str) -> int | None:
    """Return the number in the id of a version, None where it has none or cannot be one."""
    if len(asked) != _ID_CHARACTERS:
        return None
    try:
        number = int.from_bytes(base64.b32hexdecode(asked)[:_PREFIX_BYTES], "big")
    except (binascii.Error, ValueError):
        return None
    return number if number >> 63 == 0 else None


def check_unversioned(*, is_versioned: bool) -> None:
    """Raise `InvalidRequest` where versions are kept, for what changes an object in its place."""
    if is_versioned:
        raise INVALID_REQUEST.error(reason="A bucket with versioning takes no appends and no renames.")


def shown_version(record: ObjectRecord, *, is_versioned: bool) -> str:
    """Return the id of a version as those are told it who read: nobody hears of ids who never asked for versions."""
    return record.version_id or (NULL_VERSION if is_versioned else "")


def find_current(txn: ReadTxn, partition: bytes, key: str) -> ObjectRecord | None:
    """Return the current version of an object, or None."""
    stored = txn.get(keys.object_key(partition, key))
    return None if stored is None else keys.decode_object(stored)


def find_version(txn: ReadTxn, partition: bytes, key: str, asked: str) -> ObjectRecord | None:
    """Return a version or a delete marker by its id, the current version for an empty one, or None."""
    current = find_current(txn, partition, key)
    if not asked or (current is not None and (current.version_id or NULL_VERSION) == asked):
        return current
    number = place_of_id(txn, partition, key, asked)
    if number is None:
        return None
    found = _other(txn, partition, key, number)
    return found if found is not None and (found.version_id or NULL_VERSION) == asked else None


def place_of_id(txn: ReadTxn, partition: bytes, key: str, asked: str) -> int | None:
    """Return the number that an id of a key's version stands for, whether the version is there or not; None where that
    is not known: the null version, and replicas, are known by their rows alone.
    """
    if asked == NULL_VERSION:
        return _null_number(txn, partition, key)
    number = number_of(asked)
    if number is None or version_id(partition, number) == asked:
        return number
    stored = txn.get(keys.foreign_version_key(partition, key, base64.b32hexdecode(asked)))
    return None if stored is None else int.from_bytes(stored, "big")


def has_number(txn: ReadTxn, partition: bytes, key: str, number: int) -> bool:
    """Say whether a version of this number is there, current or not."""
    current = find_current(txn, partition, key)
    return (current is not None and current.body == number) or _other(txn, partition, key, number) is not None


def newest_other(txn: ReadTxn, partition: bytes, key: str) -> ObjectRecord | None:
    """Return the newest of the versions and delete markers of a key that are not current, or None."""
    rows = txn.range(keys.version_prefix(partition, key), keys.versions_end(partition, key), 1)
    return keys.decode_object(rows[0][1]) if rows else None


def new_version_id(meta: Meta, partition: bytes, number: int) -> str:
    """Return the id of a version to be written: none where versioning is not enabled, which makes it the null one."""
    return version_id(partition, number) if meta.versioning == VERSIONING_ENABLED else ""


def make_way(
    txn: Txn, stamped: Stamped, meta: Meta, counters: Counters, key: str, current: ObjectRecord | None
) -> Counters:
    """Take the current version out of the way of one that the caller is about to write, or of a delete marker.

    It is kept as another version, or goes where versions are not kept: the null version has no other. Returns the
    counters without what goes; the row of the current version is the caller's to overwrite or to delete.
    """
    partition = stamped.partition
    replaces_null = meta.versioning != VERSIONING_ENABLED
    disarm(txn, keys.object_key(partition, key), current)
    if current is not None and (not meta.versioning or (replaces_null and not current.version_id)):
        discard_body(txn, partition, current, stamped.now_ms)
        return _counted(counters, objects=-1, size_bytes=-current.size_bytes)
    if meta.versioning and replaces_null:
        number = _null_number(txn, partition, key)
        if number is not None:
            found = _other(txn, partition, key, number)
            assert found is not None, (partition, key, number)
            counters = _drop_other(txn, stamped, counters, key, found)
    if current is not None:
        _keep_other(txn, partition, key, replaced(txn, stamped, meta, key, current))
        counters = _counted(counters, objects=-1, versions=1)
    elif counters.versions:
        marker = newest_other(txn, partition, key)
        if marker is not None and not marker.replaced_ms:
            replace_marker(txn, stamped, meta, key, marker)
    return counters


def name_replica(txn: Txn, partition: bytes, key: str, record: ObjectRecord) -> None:
    """Write the row by which a replica is found: its id tells nothing of its number."""
    txn.put(_replica_row(partition, key, record), u64(record.body))


def mark_deleted(
    txn: Txn,
    stamped: Stamped,
    meta: Meta,
    counters: Counters,
    key: str,
    current: ObjectRecord | None,
    *,
    is_sent: bool = False,
    replica_of: ObjectRecord | None = None,
) -> tuple[ObjectRecord, Counters]:
    """Make a delete marker the newest of a key's versions; returns it, and the counters to save. `is_sent` says that it
    goes where the bucket's replication rules say, `replica_of` is the one that came from another bucket.
    """
    assert meta.versioning, meta
    partition = stamped.partition
    counters = make_way(txn, stamped, meta, counters, key, current)
    if current is not None:
        txn.delete(keys.object_key(partition, key))
    number = counters.next
    marker = ObjectRecord(modified_ms=stamped.wall_ms, body=number, version_id=new_version_id(meta, partition, number))
    if replica_of is not None:
        marker = msgspec.structs.replace(
            marker, modified_ms=replica_of.modified_ms, version_id=replica_of.version_id, replication=REPLICA
        )
        name_replica(txn, partition, key, marker)
    elif is_sent:
        marker = sent(txn, stamped, meta, key, marker)
    marker = rearmed(txn, stamped, meta, key, marker, None)
    _keep_other(txn, partition, key, marker)
    return marker, msgspec.structs.replace(_counted(counters, versions=1), next=number + 1)


def remove_version(
    txn: Txn, stamped: Stamped, meta: Meta, counters: Counters, key: str, found: ObjectRecord
) -> Counters:
    """Remove a version or a delete marker for good; where it was the newest, the next one becomes current, unless that
    is a delete marker. Returns the counters to save.
    """
    partition = stamped.partition
    current = find_current(txn, partition, key)
    if current is None or current.body != found.body:
        counters = _drop_other(txn, stamped, counters, key, found)
        return counters if current is not None else _restore(txn, stamped, meta, counters, key)
    row_key = keys.object_key(partition, key)
    txn.delete(row_key)
    disarm(txn, row_key, found)
    _forget_replica(txn, partition, key, found)
    discard_body(txn, partition, found, stamped.now_ms)
    counters = _counted(counters, objects=-1, size_bytes=-found.size_bytes)
    return _restore(txn, stamped, meta, counters, key)


def write_version(
    txn: Txn, stamped: Stamped, meta: Meta, key: str, record: ObjectRecord, before: ObjectRecord
) -> ObjectRecord:
    """Write what describes a version anew, and return it as it was written; it stays where it stands."""
    partition = stamped.partition
    current = find_current(txn, partition, key)
    if current is not None and current.body == record.body:
        record = armed(txn, stamped, meta, key, record, before)
        txn.put(keys.object_key(partition, key), records.encode(record))
    else:
        record = rearmed(txn, stamped, meta, key, record, before)
        txn.put(keys.version_key(partition, key, record.body), records.encode(record))
    return record


def _null_number(txn: ReadTxn, partition: bytes, key: str) -> int | None:
    stored = txn.get(keys.null_version_key(partition, key))
    return None if stored is None else int.from_bytes(stored, "big")


def _other(txn: ReadTxn, partition: bytes, key: str, number: int) -> ObjectRecord | None:
    stored = txn.get(keys.version_key(partition, key, number))
    return None if stored is None else keys.decode_object(stored)


def _keep_other(txn: Txn, partition: bytes, key: str, record: ObjectRecord) -> None:
    txn.put(keys.version_key(partition, key, record.body), records.encode(record))
    if not record.version_id:
        txn.put(keys.null_version_key(partition, key), u64(record.body))


def _take_other(txn: Txn, partition: bytes, key: str, record: ObjectRecord) -> None:
    row_key = keys.version_key(partition, key, record.body)
    removed = txn.delete(row_key)
    disarm(txn, row_key, record)
    assert removed, (partition, key, record.body)
    if not record.version_id:
        txn.delete(keys.null_version_key(partition, key))


def _drop_other(txn: Txn, stamped: Stamped, counters: Counters, key: str, found: ObjectRecord) -> Counters:
    _take_other(txn, stamped.partition, key, found)
    _forget_replica(txn, stamped.partition, key, found)
    if not found.is_delete_marker:
        discard_body(txn, stamped.partition, found, stamped.now_ms)
    return _counted(counters, versions=-1, size_bytes=-found.size_bytes)


def _replica_row(partition: bytes, key: str, record: ObjectRecord) -> bytes:
    return keys.foreign_version_key(partition, key, base64.b32hexdecode(record.version_id))


def _forget_replica(txn: Txn, partition: bytes, key: str, record: ObjectRecord) -> None:
    if record.replication == REPLICA:
        txn.delete(_replica_row(partition, key, record))


def _restore(txn: Txn, stamped: Stamped, meta: Meta, counters: Counters, key: str) -> Counters:
    """Make the newest version current, where nothing is and it is no delete marker."""
    partition = stamped.partition
    newest = newest_other(txn, partition, key) if counters.versions else None
    if newest is None:
        return counters
    if newest.is_delete_marker:
        restore_marker(txn, stamped, meta, key, newest)
        return counters
    _take_other(txn, partition, key, newest)
    newest = armed(txn, stamped, meta, key, msgspec.structs.replace(newest, replaced_ms=0), None)
    txn.put(keys.object_key(partition, key), records.encode(newest))
    return _counted(counters, objects=1, versions=-1)


def _counted(counters: Counters, *, objects: int = 0, versions: int = 0, size_bytes: int = 0) -> Counters:
    return msgspec.structs.replace(
        counters,
        objects=counters.objects + objects,
        versions=counters.versions + versions,
        bytes=counters.bytes + size_bytes,
    )
