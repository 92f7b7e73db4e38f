"""What lifecycle rules do to objects once their time has come: the deed of `object.age`.

Promises: a rule is asked again before anything is done, by the rules, tags and times that hold then; a deed and its
event are one commit; nothing is done twice or lost across a restart. Source: S3 user guide, "Expiring objects",
"Transitioning objects", "Lifecycle and other bucket configurations".
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from cumulo.object_store import keys
from cumulo.object_store.archives import restored
from cumulo.object_store.buckets import open_counters, save_counters
from cumulo.object_store.event_documents import (
    EXPIRED_BY_MARKER,
    EXPIRED_DELETE,
    RESTORE_COMPLETED,
    RESTORE_DELETE,
    S3,
    TRANSITIONED,
)
from cumulo.object_store.keys import Meta, ObjectRecord
from cumulo.object_store.lifecycle_index import (
    arm,
    armed,
    is_unreplicated,
    restore_moments,
    rules_of,
    thing_of,
    with_due,
)
from cumulo.object_store.lifecycle_rules import coldest
from cumulo.object_store.lifecycle_versions import (
    WAKES,
    allowed,
    deeds_of,
    marker_moments,
    newer_max,
    newer_than,
    wake,
)
from cumulo.object_store.notifications import tell
from cumulo.object_store.object_model import NULL_VERSION
from cumulo.object_store.objects import remove_object
from cumulo.object_store.stamping import Origin, Stamped
from cumulo.storage import records
from cumulo.storage.engine import PARTITION_BYTES, Due, Txn

AGED_PER_TRANSACTION: Final = 60
"""Up to 25 operations each, of 2,000, and a record and its events, of 4 MiB."""
WAKING_PER_TRANSACTION: Final = 4
"""Of entries that wake others: one for each number of newer versions that the rules name, up to a hundred."""
LIFECYCLE: Final = Origin(principal_id=S3, source_ip=S3, arn=S3)
"""Who S3 says did what a rule did."""
_EXPIRED: Final = (EXPIRED_DELETE, EXPIRED_BY_MARKER)


class Ageing(msgspec.Struct, frozen=True):
    """Entries that are due; `stamped` says when it is, and has no partition."""

    entries: tuple[Due, ...]
    stamped: Stamped


def groups_of(entries: list[Due]) -> Iterator[tuple[Due, ...]]:
    """Return entries as transactions can take them."""
    for waking, size in ((False, AGED_PER_TRANSACTION), (True, WAKING_PER_TRANSACTION)):
        chosen = [entry for entry in entries if (entry.payload == WAKES) == waking]
        for first in range(0, len(chosen), size):
            yield tuple(chosen[first : first + size])


def age(txn: Txn, ageing: Ageing) -> None:
    """Do what is due to some records, and set when to look at them again."""
    for entry in ageing.entries:
        partition = entry.key[:PARTITION_BYTES]
        txn.undue(entry.at_ms, entry.kind, entry.key)
        stored_meta, stored = txn.get(partition + keys.META), txn.get(entry.key)
        if stored_meta is None or stored is None:
            continue
        record = keys.decode_object(stored)
        if record.due_ms:
            stamped = msgspec.structs.replace(ageing.stamped, partition=partition)
            meta = keys.decode_meta(stored_meta)
            if entry.key.startswith(partition + keys.OBJECTS):
                _age_current(txn, stamped, meta, entry.key, record)
            else:
                _age_other(txn, stamped, meta, entry.key, record, wakes=entry.payload == WAKES)


def _age_other(txn: Txn, stamped: Stamped, meta: Meta, row_key: bytes, record: ObjectRecord, *, wakes: bool) -> None:
    """Do what is due to a version that is not current, or to a delete marker."""
    key, number = keys.parse_version_key(row_key)
    if not record.replaced_ms:
        moments = marker_moments(txn, stamped, meta, key, record)
        if moments and min(moments) <= stamped.wall_ms:
            _end(txn, stamped, meta, key, record)
        else:
            txn.put(row_key, records.encode(with_due(record, arm(txn, stamped, row_key, moments))))
        return
    deeds = deeds_of(txn, stamped, meta, key, record)
    if wakes:
        wake(txn, stamped, key, record, deeds)
    deeds = allowed(meta, deeds, record)
    counted = newer_max(deeds)
    newer = newer_than(txn, stamped.partition, key, number, counted) if counted else 0
    due = [deed for deed in deeds if deed.wall_ms <= stamped.wall_ms and deed.newer <= newer]
    if any(not deed.storage_class for deed in due):
        _end(txn, stamped, meta, key, record)
        return
    after = restored(record, stamped.wall_ms, stamped.terms)
    to = coldest([deed.storage_class for deed in due])
    if to:
        after = msgspec.structs.replace(after, storage_class=to)
    left = [deed.wall_ms for deed in deeds if deed.wall_ms > stamped.wall_ms]
    txn.put(row_key, records.encode(with_due(after, arm(txn, stamped, row_key, left + restore_moments(after)))))
    _tell(txn, stamped, meta, key, record, after)


def _end(txn: Txn, stamped: Stamped, meta: Meta, key: str, record: ObjectRecord) -> None:
    """Remove a version that is not current, or a delete marker, for good."""
    counters = open_counters(txn, stamped.partition)
    asked = record.version_id or NULL_VERSION
    _, counters = remove_object(txn, stamped, meta, counters, key, record, asked, event_names=_EXPIRED)
    save_counters(txn, stamped.partition, counters)


def _tell(txn: Txn, stamped: Stamped, meta: Meta, key: str, before: ObjectRecord, after: ObjectRecord) -> None:
    if after.restore != before.restore:
        tell(txn, stamped, meta, RESTORE_DELETE if after.restore is None else RESTORE_COMPLETED, key, after)
    if after.storage_class != before.storage_class:
        tell(txn, stamped, meta, TRANSITIONED, key, after)


def _age_current(txn: Txn, stamped: Stamped, meta: Meta, row_key: bytes, record: ObjectRecord) -> None:
    key = keys.parse_object_key(row_key)
    rules = None if is_unreplicated(meta, record) else rules_of(txn, stamped.partition, meta.lifecycle)
    thing, terms = thing_of(key, record), stamped.terms
    end = None if rules is None else rules.end_of_current(thing, terms)
    if end is not None and end.wall_ms <= stamped.wall_ms:
        counters = open_counters(txn, stamped.partition)
        _, counters = remove_object(txn, stamped, meta, counters, key, record, event_names=_EXPIRED)
        save_counters(txn, stamped.partition, counters)
        return
    after = restored(record, stamped.wall_ms, terms)
    steps = [] if rules is None else rules.steps_of_current(thing, terms)
    to = coldest([step.storage_class for step in steps if step.wall_ms <= stamped.wall_ms])
    if to:
        after = msgspec.structs.replace(after, storage_class=to)
    txn.put(row_key, records.encode(armed(txn, stamped, meta, key, after, record)))
    _tell(txn, stamped, meta, key, record, after)
