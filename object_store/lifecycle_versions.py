"""The due-time index of versions that are not current, and of delete markers.

Promises, as `lifecycle_index.py`, that the entry is written with the record. What a rule does to such a version depends
on when another took its place, and on how many newer ones there are; so

- a version that another takes the place of is looked at once more at once, where a rule counts newer ones: its entry
  wakes the version that has just enough of them now, as an entry of its own;
- a version that is due, and has too few newer ones, loses its entry until it is woken;
- a locked version is passed over: it is looked at again when its retention ends, or when it is let go;
- so is one that is not replicated yet: it is looked at again when it is;
- the delete marker that is the newest of a key gets its entry once nothing is left beneath it.

No step depends on how many versions there are. Source: S3 user guide, "Lifecycle rules: non-current versions",
"Removing expired object delete markers".
"""

from typing import Final

import msgspec

from cumulo.object_store import keys
from cumulo.object_store.keys import Meta, ObjectRecord
from cumulo.object_store.lifecycle_index import (
    arm,
    disarm,
    is_unreplicated,
    restore_moments,
    rules_of,
    thing_of,
    with_due,
)
from cumulo.object_store.lifecycle_model import NEWER_VERSIONS_MAX
from cumulo.object_store.lifecycle_rules import Deed
from cumulo.object_store.locks import is_held
from cumulo.object_store.stamping import Stamped
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn

WAKES: Final = b"\x01"
"""The payload of an entry that wakes another version, too."""


def newer_than(txn: ReadTxn, partition: bytes, key: str, number: int, count_max: int) -> int:
    """Return how many versions that are not current are newer than one, counted up to `count_max`."""
    prefix, row_key = keys.version_prefix(partition, key), keys.version_key(partition, key, number)
    rows = txn.range(prefix, row_key, count_max + 1)
    # The newest of a key without a current version is a delete marker, which is in the place of one.
    is_marked = bool(rows) and not keys.decode_object(rows[0][1]).replaced_ms
    return min(len(rows) - is_marked, count_max)


def deeds_of(txn: ReadTxn, stamped: Stamped, meta: Meta, key: str, record: ObjectRecord) -> list[Deed]:
    """Return what rules do to a version that is not current."""
    rules = rules_of(txn, stamped.partition, meta.lifecycle)
    return [] if rules is None else rules.deeds_of_other(thing_of(key, record), record.replaced_ms, stamped.terms)


def allowed(meta: Meta, deeds: list[Deed], record: ObjectRecord) -> list[Deed]:
    """Return when rules do what they do to a version, given its lock and its replication: they never end one that is
    held, by an event's hold either, nor one that is retained before its time, and leave one alone that is not
    replicated yet.
    """
    if is_unreplicated(meta, record):
        return []
    lock = record.lock
    if lock is None:
        return deeds
    ends = [
        msgspec.structs.replace(deed, wall_ms=max(deed.wall_ms, lock.until_ms))
        for deed in deeds
        if not deed.storage_class and not is_held(lock)
    ]
    return ends + [deed for deed in deeds if deed.storage_class]


def replaced(txn: Txn, stamped: Stamped, meta: Meta, key: str, record: ObjectRecord) -> ObjectRecord:
    """Return the record of a version that another takes the place of now, as it is to be written under its number, and
    write its due entry.
    """
    record = msgspec.structs.replace(record, replaced_ms=stamped.wall_ms)
    deeds = deeds_of(txn, stamped, meta, key, record)
    wakes = any(deed.newer for deed in deeds)
    moments = [stamped.wall_ms] if wakes else _moments(meta, deeds, record)
    row_key = keys.version_key(stamped.partition, key, record.body)
    return with_due(record, arm(txn, stamped, row_key, moments, WAKES if wakes else b""))


def rearmed(
    txn: Txn, stamped: Stamped, meta: Meta, key: str, record: ObjectRecord, before: ObjectRecord | None
) -> ObjectRecord:
    """Return the record of a version that is not current, or of a delete marker, as it is to be written, and write its
    due entry; `before` is what it was in that place.
    """
    row_key = keys.version_key(stamped.partition, key, record.body)
    disarm(txn, row_key, before)
    payload = b""
    if record.replaced_ms:
        deeds = deeds_of(txn, stamped, meta, key, record)
        moments = _moments(meta, deeds, record)
        if before is not None and 0 < before.due_ms <= stamped.now_ms and any(deed.newer for deed in deeds):
            moments, payload = [stamped.wall_ms], WAKES  # whom it was to wake a moment ago, it still has to
    else:
        moments = marker_moments(txn, stamped, meta, key, record)
    return with_due(record, arm(txn, stamped, row_key, moments, payload))


def marker_moments(txn: ReadTxn, stamped: Stamped, meta: Meta, key: str, record: ObjectRecord) -> list[int]:
    """Return when rules remove the delete marker that is the newest of a key: never while there is anything else."""
    rules = None if is_unreplicated(meta, record) else rules_of(txn, stamped.partition, meta.lifecycle)
    moments = [] if rules is None else rules.ends_of_marker(thing_of(key, record), stamped.terms)
    if not moments:
        return []
    row_key = keys.version_key(stamped.partition, key, record.body)
    return [] if txn.range(row_key + b"\x00", keys.versions_end(stamped.partition, key), 1) else moments


def replace_marker(txn: Txn, stamped: Stamped, meta: Meta, key: str, marker: ObjectRecord) -> None:
    """Note that another version takes the place of a delete marker, the newest of a key."""
    row_key = keys.version_key(stamped.partition, key, marker.body)
    disarm(txn, row_key, marker)
    txn.put(row_key, records.encode(replaced(txn, stamped, meta, key, marker)))


def restore_marker(txn: Txn, stamped: Stamped, meta: Meta, key: str, marker: ObjectRecord) -> None:
    """Note that a delete marker is the newest of a key, or still is, and what is beneath it has changed."""
    changed = rearmed(txn, stamped, meta, key, msgspec.structs.replace(marker, replaced_ms=0), marker)
    if changed != marker:
        txn.put(keys.version_key(stamped.partition, key, marker.body), records.encode(changed))


def wake(txn: Txn, stamped: Stamped, key: str, record: ObjectRecord, deeds: list[Deed]) -> None:
    """Set the entries of those versions that have just enough newer ones since a version stands above them."""
    counts = {deed.newer for deed in deeds} - {0}
    start = keys.version_key(stamped.partition, key, record.body) + b"\x00"
    rows = txn.range(start, keys.versions_end(stamped.partition, key), max(counts, default=0) or 1)
    for count in counts:
        if count <= len(rows):
            row_key, value = rows[count - 1]
            older = keys.decode_object(value)
            disarm(txn, row_key, older)
            changed = with_due(older, arm(txn, stamped, row_key, [stamped.wall_ms]))
            txn.put(row_key, records.encode(changed))


def _moments(meta: Meta, deeds: list[Deed], record: ObjectRecord) -> list[int]:
    return [deed.wall_ms for deed in allowed(meta, deeds, record)] + restore_moments(record)


def newer_max(deeds: list[Deed]) -> int:
    """Return up to how many newer versions count."""
    return min(max((deed.newer for deed in deeds), default=0), NEWER_VERSIONS_MAX)
