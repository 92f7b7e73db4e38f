"""Notifications: which change tells whom, the event as AWS writes it, and the outbox that carries it.

Promises: an event is written in the commit of the change that it tells of, as an `object.notify` entry of the due
index; nothing changes without its event, and no event tells of what was not committed. Source of the form: S3 user
guide, "Event message structure" (version 2.1), "Supported event types" and "Configuring event notifications using
object key name filtering".
"""

import urllib.parse
from datetime import UTC, datetime
from typing import Any

import msgspec

from cumulo.object_store import keys, model
from cumulo.object_store.buckets import open_bucket, open_counters, save_counters
from cumulo.object_store.errors import INVALID_ARGUMENT
from cumulo.object_store.keys import EventRecord, Meta, RuleRecord
from cumulo.object_store.naming import check_text, shown
from cumulo.object_store.stamping import Stamped
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn
from cumulo.storage.tuples import after

CREATED_PUT = "ObjectCreated:Put"
CREATED_POST = "ObjectCreated:Post"
CREATED_COPY = "ObjectCreated:Copy"
CREATED_COMPLETE = "ObjectCreated:CompleteMultipartUpload"
REMOVED_DELETE = "ObjectRemoved:Delete"
EXPIRED_DELETE = "LifecycleExpiration:Delete"
TRANSITIONED = "LifecycleTransition"
EVENT_VERSION = "2.1"

EVENTS = (
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:LifecycleTransition",
)
"""The events that a rule may name. Those of versions happen once these exist."""


class Change(msgspec.Struct, frozen=True):
    """One change of an object; `number` orders the changes of a bucket. A removal has no size and no ETag."""

    event_name: str
    key: str
    number: int
    wall_ms: int
    size_bytes: int = 0
    etag: str = ""


def write_events(txn: Txn, stamped: Stamped, meta: Meta, change: Change) -> None:
    """Put the events of a change into the outbox: one for each rule that it meets."""
    for index, rule in enumerate(_rules(txn, stamped.partition)):
        if not _meets(rule, change):
            continue
        event = EventRecord(
            target_arn=rule.queue,
            source_arn=model.bucket_arn(meta.name),
            account=meta.account,
            delivery_id=f"{stamped.partition.hex()}-{change.number:016x}-{index:02x}",
            body=_event(stamped, meta, rule.id, change),
        )
        key = keys.event_key(stamped.partition, change.number, index)
        txn.due(stamped.now_ms, keys.OBJECT_NOTIFY, key, records.encode(event))


def get_rules(txn: ReadTxn, stamped: Stamped) -> tuple[model.NotificationRule, ...]:
    """Return a bucket's rules in the order in which they were written."""
    open_bucket(txn, stamped.partition, stamped.request.bucket)
    return tuple(
        model.NotificationRule(
            id=rule.id, queue=rule.queue, events=tuple(rule.events), prefix=rule.prefix, suffix=rule.suffix
        )
        for rule in _rules(txn, stamped.partition)
    )


def set_rules(txn: Txn, stamped: Stamped) -> None:
    """Replace a bucket's rules, and send each of their queues a test event, as S3 does.

    `request` holds checked rules (`check_rules`) with ids and ARNs.
    """
    request: model.SetBucketNotification = stamped.request
    partition = stamped.partition
    meta = open_bucket(txn, partition, request.bucket)
    rules = partition + keys.RULES
    txn.delete_range(rules, after(rules), model.NOTIFICATION_RULES_MAX)
    for index, rule in enumerate(request.rules):
        record = RuleRecord(
            id=rule.id, queue=rule.queue, events=list(rule.events), prefix=rule.prefix, suffix=rule.suffix
        )
        txn.put(keys.rule_key(partition, index), records.encode(record))
    changed = msgspec.structs.replace(meta, rule_count=len(request.rules))
    txn.put(partition + keys.META, records.encode(changed))
    if request.rules:
        _send_test_events(txn, stamped, meta)


def _send_test_events(txn: Txn, stamped: Stamped, meta: Meta) -> None:
    counters = open_counters(txn, stamped.partition)
    body = msgspec.json.encode(
        {
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": _time(stamped.wall_ms),
            "Bucket": meta.name,
            "RequestId": stamped.origin.request_id,
            "HostId": stamped.origin.request_id,
        }
    )
    for index, queue in enumerate(sorted({rule.queue for rule in stamped.request.rules})):
        event = EventRecord(
            target_arn=queue,
            source_arn=model.bucket_arn(meta.name),
            account=meta.account,
            delivery_id=f"{stamped.partition.hex()}-{counters.next:016x}-{index:02x}",
            body=body,
        )
        key = keys.event_key(stamped.partition, counters.next, index)
        txn.due(stamped.now_ms, keys.OBJECT_NOTIFY, key, records.encode(event))
    save_counters(txn, stamped.partition, msgspec.structs.replace(counters, next=counters.next + 1))


def check_rules(rules: tuple[model.NotificationRule, ...]) -> None:
    """Raise `InvalidArgument` for rules that S3 refuses: too many, unknown events, an id twice, or two rules of which
    one key could meet both for the same event.
    """
    if len(rules) > model.NOTIFICATION_RULES_MAX:
        raise INVALID_ARGUMENT.error(
            parameter="rules", value=f"of {len(rules)} rules", allowed=f"at most {model.NOTIFICATION_RULES_MAX}"
        )
    ids = set()
    for rule in rules:
        if len(rule.id) > model.RULE_ID_CHARACTERS_MAX or not rule.id.isprintable():
            raise INVALID_ARGUMENT.error(
                parameter="id",
                value=repr(shown(rule.id)),
                allowed=f"at most {model.RULE_ID_CHARACTERS_MAX} printable characters",
            )
        if rule.id in ids:
            raise INVALID_ARGUMENT.error(parameter="id", value=repr(rule.id), allowed="each rule has an id of its own")
        ids.add(rule.id)
        if not rule.events:
            raise INVALID_ARGUMENT.error(parameter="events", value="of no event", allowed="at least one of the events")
        for event in rule.events:
            if event not in EVENTS:
                raise INVALID_ARGUMENT.error(
                    parameter="events", value=repr(shown(event)), allowed="one of " + ", ".join(EVENTS)
                )
        check_text("prefix", rule.prefix, model.KEY_BYTES_MAX)
        check_text("suffix", rule.suffix, model.KEY_BYTES_MAX)
    for place, one in enumerate(rules):
        for other in rules[:place]:
            if _overlap(one, other):
                raise INVALID_ARGUMENT.error(
                    parameter="rules",
                    value=f"{other.id}, {one.id}",
                    allowed="configuration is ambiguously defined: the same event of one key would meet both rules",
                )


def _overlap(one: model.NotificationRule, other: model.NotificationRule) -> bool:
    return (
        (one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix))
        and (one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix))
        and any(_covers(a, b) or _covers(b, a) for a in one.events for b in other.events)
    )


def _covers(pattern: str, event: str) -> bool:
    return event.startswith(pattern[:-1]) if pattern.endswith("*") else event == pattern


def _meets(rule: RuleRecord, change: Change) -> bool:
    return (
        change.key.startswith(rule.prefix)
        and change.key.endswith(rule.suffix)
        and any(_covers(event, "s3:" + change.event_name) for event in rule.events)
    )


def _rules(txn: ReadTxn, partition: bytes) -> list[RuleRecord]:
    prefix = partition + keys.RULES
    rows = txn.range(prefix, after(prefix), model.NOTIFICATION_RULES_MAX)
    return [keys.decode_rule(value) for _, value in rows]


def _event(stamped: Stamped, meta: Meta, rule_id: str, change: Change) -> bytes:
    thing: dict[str, Any] = {"key": urllib.parse.quote_plus(change.key, safe="/")}
    if change.event_name not in (REMOVED_DELETE, EXPIRED_DELETE):
        thing |= {"size": change.size_bytes, "eTag": change.etag}
    thing["sequencer"] = f"{change.number:016X}"
    origin = stamped.origin
    record = {
        "eventVersion": EVENT_VERSION,
        "eventSource": "aws:s3",
        "awsRegion": meta.region,
        "eventTime": _time(change.wall_ms),
        "eventName": change.event_name,
        "userIdentity": {"principalId": f"AWS:{origin.principal_id}"},
        "requestParameters": {"sourceIPAddress": origin.source_ip},
        "responseElements": {"x-amz-request-id": origin.request_id, "x-amz-id-2": origin.request_id},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": rule_id,
            "bucket": {
                "name": meta.name,
                "ownerIdentity": {"principalId": meta.account},
                "arn": model.bucket_arn(meta.name),
            },
            "object": thing,
        },
    }
    return msgspec.json.encode({"Records": [record]})


def _time(wall_ms: int) -> str:
    moment = datetime.fromtimestamp(wall_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{wall_ms % 1000:03d}Z"
