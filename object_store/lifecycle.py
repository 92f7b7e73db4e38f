"""What lifecycle rules do to objects once their time has come: the deed of `object.age`.

Promises: a rule is asked again before anything is done, by the rules, tags and times that hold then; a deed and its
event are one commit; nothing is done twice or lost across a restart. Source: S3 user guide, "Expiring objects",
"Transitioning objects", "Lifecycle and other bucket configurations".
"""

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
    TRANSITIONED,
)
from cumulo.object_store.keys import Meta, ObjectRecord
from cumulo.object_store.lifecycle_index import armed, armed_other, rules_of, thing_of
from cumulo.object_store.lifecycle_rules import Days, coldest_due
from cumulo.object_store.notifications import tell
from cumulo.object_store.objects import remove_object
from cumulo.object_store.stamping import Origin, Stamped
from cumulo.storage import records
from cumulo.storage.engine import PARTITION_BYTES, Due, Txn

AGED_PER_TRANSACTION: Final = 100
"""Some ten operations each, of 2,000, and a record and its events, of 4 MiB."""
LIFECYCLE: Final = Origin(principal_id="s3.amazonaws.com", source_ip="s3.amazonaws.com", arn="s3.amazonaws.com")
"""Who S3 says did what a rule did."""


_EXPIRED: Final = (EXPIRED_DELETE, EXPIRED_BY_MARKER)


class Ageing(msgspec.Struct, frozen=True):
    """Entries that are due; `stamped` says when it is, and has no partition."""

    entries: tuple[Due, ...]
    stamped: Stamped


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
            in_place = _age_current if entry.key.startswith(partition + keys.OBJECTS) else _age_other
            in_place(txn, stamped, keys.decode_meta(stored_meta), entry.key, record)


def _age_other(txn: Txn, stamped: Stamped, meta: Meta, row_key: bytes, record: ObjectRecord) -> None:
    key, _ = keys.parse_version_key(row_key)
    after = restored(record, stamped.wall_ms, Days(stamped.day_ms))
    txn.put(row_key, records.encode(armed_other(txn, stamped, key, after, record)))
    if after.restore != record.restore:
        tell(txn, stamped, meta, RESTORE_DELETE if after.restore is None else RESTORE_COMPLETED, key, after)


def _age_current(txn: Txn, stamped: Stamped, meta: Meta, row_key: bytes, record: ObjectRecord) -> None:
    key = keys.text_of(row_key, PARTITION_BYTES + len(keys.OBJECTS))
    rules = rules_of(txn, stamped.partition, meta.lifecycle)
    thing, days = thing_of(key, record), Days(stamped.day_ms)
    end = None if rules is None else rules.end_of_current(thing, days)
    if end is not None and end.wall_ms <= stamped.wall_ms:
        counters = open_counters(txn, stamped.partition)
        _, counters = remove_object(txn, stamped, meta, counters, key, record, event_names=_EXPIRED)
        save_counters(txn, stamped.partition, counters)
        return
    after = restored(record, stamped.wall_ms, days)
    to = "" if rules is None else coldest_due(rules.steps_of_current(thing, days), stamped.wall_ms)
    if to:
        after = msgspec.structs.replace(after, storage_class=to)
    txn.put(row_key, records.encode(armed(txn, stamped, meta, key, after, record)))
    if after.restore != record.restore:
        tell(txn, stamped, meta, RESTORE_DELETE if after.restore is None else RESTORE_COMPLETED, key, after)
    if to:
        tell(txn, stamped, meta, TRANSITIONED, key, after)
