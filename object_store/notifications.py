"""Notifications: which change tells whom, written into the outbox that carries it.

Promises: an event is written in the commit of the change that it tells of, as an `object.notify` entry of the due
index; nothing changes without its event, and no event tells of what was not committed. What an event says is
`event_documents.py`'s.
"""

from collections.abc import Sequence

import msgspec

from cumulo.object_store import bucket_model, keys, notification_model, object_model
from cumulo.object_store.buckets import open_counters, save_counters
from cumulo.object_store.event_documents import Change, Unreplicated, bridged_event, configuration_event, event
from cumulo.object_store.keys import EventRecord, Meta, ObjectRecord, RuleRecord
from cumulo.object_store.stamping import Stamped
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn
from cumulo.storage.tuples import after

EVENTS_SERVICE = "events"
"""EventBridge's word in an ARN. Where its events really go, the outbox knows."""


def write_events(txn: Txn, stamped: Stamped, meta: Meta, change: Change) -> None:
    """Put the events of a change into the outbox: one for each rule that it meets, and EventBridge's. `change.number`
    is one that no other change of the bucket has; call it where `meta.listens`.
    """
    delivery = f"{stamped.partition.hex()}-{change.number:016x}"
    rules = rules_of(txn, stamped.partition) if meta.rule_count else []
    for index, rule in enumerate(rules):
        if _meets(rule, change):
            body = event(change, meta, stamped.origin, rule.id)
            _send(txn, stamped, meta, rule.target, change.number, index, body)
    if meta.event_bridge:
        index = notification_model.NOTIFICATION_RULES_MAX
        bridged = bridged_event(change, meta, stamped.origin, f"{delivery}-{index:02x}")
        if bridged is not None:
            bus = f"arn:aws:{EVENTS_SERVICE}:{meta.region}:{meta.account}:event-bus/default"
            _send(txn, stamped, meta, bus, change.number, index, bridged)


def tell(
    txn: Txn,
    stamped: Stamped,
    meta: Meta,
    event_name: str,
    key: str,
    record: ObjectRecord,
    unreplicated: Unreplicated | None = None,
) -> None:
    """Write the events of a change that left an object's bytes as they were, under a number of its own."""
    if not meta.listens:
        return
    counters = open_counters(txn, stamped.partition)
    change = Change(
        event_name,
        key,
        counters.next,
        stamped.wall_ms,
        record.size_bytes,
        record.etag,
        record.version_id,
        storage_class=record.storage_class or object_model.STANDARD,
        unreplicated=unreplicated,
        restored_until_ms=0 if record.restore is None else record.restore.expires_ms,
    )
    write_events(txn, stamped, meta, change)
    save_counters(txn, stamped.partition, msgspec.structs.replace(counters, next=counters.next + 1))


def send_configuration_events(txn: Txn, stamped: Stamped, meta: Meta, targets: Sequence[str]) -> None:
    """Send each target the test event."""
    counters = open_counters(txn, stamped.partition)
    body = configuration_event(meta, stamped.origin, stamped.wall_ms)
    for index, target in enumerate(targets):
        _send(txn, stamped, meta, target, counters.next, index, body)
    save_counters(txn, stamped.partition, msgspec.structs.replace(counters, next=counters.next + 1))


def rules_of(txn: ReadTxn, partition: bytes) -> list[RuleRecord]:
    """Return a bucket's rules as they are stored."""
    prefix = partition + keys.RULES
    rows = txn.range(prefix, after(prefix), notification_model.NOTIFICATION_RULES_MAX)
    return [keys.decode_rule(value) for _, value in rows]


def _send(txn: Txn, stamped: Stamped, meta: Meta, target: str, number: int, index: int, body: bytes) -> None:
    record = EventRecord(
        target=target,
        source_arn=bucket_model.bucket_arn(meta.name),
        account=meta.account,
        delivery_id=f"{stamped.partition.hex()}-{number:016x}-{index:02x}",
        body=body,
        trace_header=stamped.origin.trace_header,
    )
    txn.due(
        stamped.now_ms, keys.OBJECT_NOTIFY, keys.event_key(stamped.partition, number, index), records.encode(record)
    )


def _meets(rule: RuleRecord, change: Change) -> bool:
    name = "s3:" + change.event_name
    return (
        change.key.startswith(rule.prefix)
        and change.key.endswith(rule.suffix)
        and any(name.startswith(it[:-1]) if it.endswith("*") else name == it for it in rule.events)
    )
