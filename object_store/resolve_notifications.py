"""How a bucket's notifications are resolved: targets named by ARNs, and asked whether they take events.

Owns the ids of rules without one. Promises that nobody makes a bucket send to where he may not send himself. Knows no
target: it asks the ports behind which the services of queues and topics stand.
"""

import hashlib
from collections.abc import Mapping

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.names import Arn, parse_arn, parse_resource_name
from cumulo.core.operations import Check, Operation
from cumulo.core.ports import NO_QUEUE, NO_TOPIC
from cumulo.identity.authorizer import Guard
from cumulo.identity.room import Resolved
from cumulo.object_store import bucket_model, naming, notification_model, outbox
from cumulo.object_store.buckets import Found
from cumulo.object_store.errors import INVALID_DESTINATION, NO_SUCH_BUCKET
from cumulo.object_store.notification_rules import check_rules
from cumulo.object_store.resolving import Desk, Resolver, guard_of, in_bucket

_SENDS = {"sqs": "sqs:SendMessage", "sns": "sns:Publish"}
"""What who configures notifications must be allowed to do to a target of his account or the bucket's."""


async def _set_notification(
    desk: Desk, ctx: CallContext, operation: Operation, request: notification_model.SetBucketNotification
) -> Resolved:
    found = await desk.bucket(request.bucket)
    rules = tuple(_named_rule(ctx, rule) for rule in request.rules)
    check_rules(rules)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    assert operation.checks is not None
    # First, for what follows says something of the bucket and of the targets.
    desk.authorizer.authorize(ctx, operation.checks(request), guard_of(ctx, found))
    # Inside one account a target needs no policy to get events, so who configures them must be allowed to send:
    # another account that may configure this bucket must not reach the queues of its owner by it.
    for rule in rules:
        arn = parse_arn(rule.target)
        if arn is not None and arn.account in (ctx.principal.account, found.row.account):
            action = _SENDS.get(arn.service)
            if action is not None:
                desk.authorizer.authorize(ctx, (Check(action, rule.target),), Guard(arn.account))
    refused = None if request.skips_validation else await _refused_target(desk, rules, found)
    checked = msgspec.structs.replace(request, rules=rules)
    stamped = desk.stamp(ctx, checked, found)
    return desk.resolved(ctx, operation, request, found, stamped, missing=refused)


def _named_rule(ctx: CallContext, rule: notification_model.NotificationRule) -> notification_model.NotificationRule:
    """Return a rule with its target's ARN, and with an id where it has none: the same one if it is set again."""
    target = rule.target
    if not target.startswith("arn:") and "://" not in target:
        for kind, service in (("queues", "sqs"), ("topics", "sns")):
            place = parse_resource_name(target, kind, ctx.principal.account, ctx.region)
            if place is not None:
                account, region, name = place
                target = str(Arn(service, region, account, name))
                break
    identity = hashlib.sha256(msgspec.msgpack.encode((target, rule.events, rule.prefix, rule.suffix)))
    return msgspec.structs.replace(rule, target=target, id=rule.id or identity.hexdigest()[:32])


async def _refused_target(
    desk: Desk, rules: tuple[notification_model.NotificationRule, ...], found: Found
) -> ServiceError | None:
    """Return the refusal that names each target which takes nothing, with the reason; None where all of them do."""
    source, account = bucket_model.bucket_arn(found.name), found.row.account
    told: dict[str, str] = {}
    for name in dict.fromkeys(rule.target for rule in rules):
        service = outbox.service_of(name)
        reason = f"{naming.shown(name)} is no place that notifications can go to"
        if service in desk.targets:
            reason = desk.targets[service].check(name, source, account)
        elif service in desk.remotes:
            reason = await desk.remotes[service].check(name, source, account)
        if reason:
            number = len(told) // 2 + 1
            told[f"ArgumentName{number}"] = naming.shown(name) + ("" if reason in (NO_QUEUE, NO_TOPIC) else ", null")
            told[f"ArgumentValue{number}"] = reason
    return INVALID_DESTINATION.error(**told) if told else None


RESOLVERS: Mapping[str, Resolver] = {
    "GetBucketNotification": in_bucket,
    "SetBucketNotification": _set_notification,
}
