"""A bucket's notification rules: which event of which key goes where, and whether EventBridge gets all of them.

Owns the rules' rows and what S3 refuses of them. A destination is the ARN of a queue or topic, or the URL of an
endpoint; whether it may be one is known where it is resolved. Sources: S3 user guide, "Supported event types and
destinations", "Configuring event notifications using object key name filtering"; API reference,
PutBucketNotificationConfiguration.
"""

import msgspec

from cumulo.object_store import configuration_model, keys, notification_model, object_model
from cumulo.object_store.buckets import open_bucket
from cumulo.object_store.errors import (
    EVENT_NOT_SUPPORTED,
    INVALID_ARGUMENT,
    RULES_AMBIGUOUS,
    RULES_OVERLAP,
)
from cumulo.object_store.keys import RuleRecord
from cumulo.object_store.naming import check_text, shown
from cumulo.object_store.notifications import rules_of, send_configuration_events
from cumulo.object_store.stamping import Stamped
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn
from cumulo.storage.tuples import after

EVENTS = (
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:ReducedRedundancyLostObject",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:Replication:OperationNotTracked",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
    "s3:ObjectAcl:Put",
    "s3:ObjectAnnotation:*",
    "s3:ObjectAnnotation:Put",
    "s3:ObjectAnnotation:Delete",
    "s3:ObjectRetention:Put",
)
"""The events that a rule may name. Some of them never happen here: see docs/compatibility.md."""


def get_rules(txn: ReadTxn, stamped: Stamped) -> notification_model.BucketNotification:
    """Return a bucket's rules in the order in which they were written."""
    meta = open_bucket(txn, stamped.partition, stamped.request.bucket)
    rules = tuple(
        notification_model.NotificationRule(
            id=rule.id,
            target=rule.target,
            events=tuple(rule.events),
            prefix=rule.prefix,
            suffix=rule.suffix,
            empty_filters=tuple(rule.empty_filters),
        )
        for rule in rules_of(txn, stamped.partition)
    )
    return notification_model.BucketNotification(rules, meta.event_bridge)


def set_rules(txn: Txn, stamped: Stamped) -> None:
    """Replace a bucket's rules, and send each of their targets a test event, as S3 does where it validates them.

    `request` holds checked rules (`check_rules`) with ids and ARNs.
    """
    request: notification_model.SetBucketNotification = stamped.request
    partition = stamped.partition
    meta = open_bucket(txn, partition, request.bucket)
    rules = partition + keys.RULES
    txn.delete_range(rules, after(rules), notification_model.NOTIFICATION_RULES_MAX)
    for index, rule in enumerate(request.rules):
        record = RuleRecord(
            id=rule.id,
            target=rule.target,
            events=list(rule.events),
            prefix=rule.prefix,
            suffix=rule.suffix,
            empty_filters=list(rule.empty_filters),
        )
        txn.put(keys.rule_key(partition, index), records.encode(record))
    changed = msgspec.structs.replace(meta, rule_count=len(request.rules), event_bridge=request.event_bridge)
    txn.put(partition + keys.META, records.encode(changed))
    if request.rules and not request.skips_validation:
        send_configuration_events(txn, stamped, meta, sorted({rule.target for rule in request.rules}))


def check_rules(rules: tuple[notification_model.NotificationRule, ...]) -> None:
    """Raise `InvalidArgument` for rules that S3 refuses: too many, unknown events, an id twice, or two rules of which
    one key could meet both for the same event.
    """
    if len(rules) > notification_model.NOTIFICATION_RULES_MAX:
        raise INVALID_ARGUMENT.error(
            parameter="rules",
            value=f"of {len(rules)} rules",
            allowed=f"at most {notification_model.NOTIFICATION_RULES_MAX}",
        )
    ids = set()
    for rule in rules:
        if len(rule.id) > configuration_model.RULE_ID_CHARACTERS_MAX or not rule.id.isprintable():
            raise INVALID_ARGUMENT.error(
                parameter="id",
                value=repr(shown(rule.id)),
                allowed=f"at most {configuration_model.RULE_ID_CHARACTERS_MAX} printable characters",
            )
        if rule.id in ids:
            raise INVALID_ARGUMENT.error(parameter="id", value=repr(rule.id), allowed="each rule has an id of its own")
        ids.add(rule.id)
        if not rule.events:
            raise INVALID_ARGUMENT.error(parameter="events", value="of no event", allowed="at least one of the events")
        for event in rule.events:
            if event not in EVENTS:
                raise EVENT_NOT_SUPPORTED.error(parameter="Event", value=shown(event))
        check_text("target", rule.target, notification_model.TARGET_BYTES_MAX)
        check_text("prefix", rule.prefix, object_model.KEY_BYTES_MAX)
        check_text("suffix", rule.suffix, object_model.KEY_BYTES_MAX)
    for place, one in enumerate(rules):
        for other in rules[:place]:
            if _overlap(one, other):
                filtered = one.prefix or one.suffix or other.prefix or other.suffix
                raise (RULES_AMBIGUOUS if filtered else RULES_OVERLAP).error(rules=f"{other.id}, {one.id}")


def _covers(pattern: str, event: str) -> bool:
    """Say whether an event of a rule stands for another one."""
    return event.startswith(pattern[:-1]) if pattern.endswith("*") else event == pattern


def _overlap(one: notification_model.NotificationRule, other: notification_model.NotificationRule) -> bool:
    return (
        (one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix))
        and (one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix))
        and any(_covers(a, b) or _covers(b, a) for a in one.events for b in other.events)
    )
