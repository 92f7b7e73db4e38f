"""How calls about topics are resolved: their making, attributes, policies, permissions and tags, and publishing.

Owns the policy that SNS gives a new topic, and the partitions that one is made with. Knows no subscription.
"""

import json
from collections.abc import Mapping

from cumulo.core.context import CallContext
from cumulo.core.operations import Operation
from cumulo.identity import resource_policy
from cumulo.identity.authorizer import Guard
from cumulo.identity.policy import DocumentKind, MalformedPolicy
from cumulo.identity.room import Resolved
from cumulo.queue_service import topic_attributes as attributes
from cumulo.queue_service import topic_model as model
from cumulo.queue_service.archive_policies import ARCHIVE_POLICY
from cumulo.queue_service.topic_attributes import wrong
from cumulo.queue_service.topic_errors import TAGGED_NOT_FOUND, TOPIC_NOT_FOUND
from cumulo.queue_service.topic_model import TopicPlace
from cumulo.queue_service.topic_operations import TABLE
from cumulo.queue_service.topic_permissions import check_scope, with_permission, without_permission
from cumulo.queue_service.topic_resolving import (
    SOURCE_OWNER,
    TopicDesk,
    TopicResolver,
    belongings,
    checks_of,
    listing_of,
    missing,
    place_in,
    with_keys,
)
from cumulo.queue_service.topics import (
    StampedCreate,
    StampedList,
    StampedPolicy,
    StampedTags,
    StampedTopic,
    StampedUpdate,
    meta_of,
)
from cumulo.storage.engine import ROOT


async def _create(desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.CreateTopic) -> Resolved:
    place = place_in(ctx, request.topic)
    if (request.attributes.get("FifoTopic", "false").lower() == "true") is not place.fifo:
        raise wrong("Topic Name")
    given = {name: value for name, value in request.attributes.items() if name not in ("FifoTopic", attributes.POLICY)}
    for name, value in given.items():
        attributes.check_topic_attribute(place, name, value)
    attributes.check_tags(request.tags)
    policy = stored_policy(desk, request.attributes.get(attributes.POLICY))
    keep_s = attributes.keep_s_of(given, request.keep_s)
    given = {name: value for name, value in given.items() if name != ARCHIVE_POLICY or keep_s}
    found = await desk.find(place)
    partition, outbox, archive = b"", b"", b""
    if found is None:
        partition, outbox = await desk.new_partition(), await desk.new_partition()
        archive = await desk.new_partition() if keep_s else b""
    else:
        partition = found.partition
    checks = checks_of(operation, place)
    if request.tags:
        checks += checks_of(TABLE["TagTopic"], place)
    return Resolved(
        StampedCreate(
            place,
            partition,
            outbox,
            found is None,
            given,
            policy,
            request.tags,
            desk.clock.wall_ms(),
            keep_s,
            archive,
        ),
        tuple(it for it in (ROOT, partition, outbox, archive) if it),
        checks,
        Guard(place.account, found.policy if found else ""),
    )


async def _on_topic(
    desk: TopicDesk,
    ctx: CallContext,
    operation: Operation,
    request: model.GetTopic | model.DeleteTopic | model.ListTopicTags,
) -> Resolved:
    place = place_in(ctx, request.topic)
    found = await desk.find(place)
    if found is None:
        error = TAGGED_NOT_FOUND if isinstance(request, model.ListTopicTags) else TOPIC_NOT_FOUND
        return missing(operation, place, error.error())
    partitions: tuple[bytes, ...] = (ROOT, found.partition)
    if not isinstance(request, model.ListTopicTags):
        partitions += await belongings(desk, found.partition)
    return Resolved(
        StampedTopic(place, found.partition, desk.clock.deadline_ms()),
        partitions,
        checks_of(operation, place),
        Guard(place.account, found.policy),
        grows=not isinstance(request, model.DeleteTopic),
    )


async def _set_attribute(
    desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.SetTopicAttribute
) -> Resolved:
    place = place_in(ctx, request.topic)
    policy = None
    if request.name == attributes.POLICY:
        policy = stored_policy(desk, request.value)
    given = {} if request.name == attributes.POLICY else {request.name: request.value}
    return await resolved_update(desk, operation, place, given, policy, None)


async def resolved_update(
    desk: TopicDesk,
    operation: Operation,
    place: TopicPlace,
    given: Mapping[str, str],
    policy: str | None,
    keep_s: int | None,
) -> Resolved:
    """Return the change of a topic's attributes, an empty value takes one away; of its policy, in the stored form, and
    of what it keeps, as far as they are not None.
    """
    for name, value in given.items():
        if value or name in ("FifoTopic", ARCHIVE_POLICY):
            attributes.check_topic_attribute(place, name, value)
    keep_s = attributes.keep_s_of(given, keep_s)
    if keep_s is not None and (not keep_s or ARCHIVE_POLICY not in given):
        given = {**given, ARCHIVE_POLICY: ""}  # there is none any more, or it no longer says how long
    found = await desk.find(place)
    if found is None:
        return missing(operation, place, TOPIC_NOT_FOUND.error())
    meta = await desk.engine.read((found.partition,), meta_of, found.partition)
    archive = b"" if meta is None else meta.archive
    if keep_s and not archive:
        archive = await desk.new_partition()
    outbox = b"" if meta is None else meta.outbox
    clock = desk.clock
    return Resolved(
        StampedUpdate(
            place, found.partition, dict(given), policy, keep_s, archive, clock.deadline_ms(), clock.wall_ms()
        ),
        tuple(it for it in (ROOT, found.partition, archive, outbox) if it),
        checks_of(operation, place),
        Guard(place.account, found.policy),
    )


async def _permission(
    desk: TopicDesk,
    ctx: CallContext,
    operation: Operation,
    request: model.AddTopicPermission | model.RemoveTopicPermission,
) -> Resolved:
    place = place_in(ctx, request.topic)
    found = await desk.find(place)
    if found is None:
        return missing(operation, place, TOPIC_NOT_FOUND.error())
    checks = with_keys(checks_of(operation, place), {SOURCE_OWNER: ctx.principal.account})
    guard = Guard(place.account, found.policy)
    # Before a word about what the policy says: the edit below answers which labels there are.
    desk.authorizer.authorize(ctx, checks, guard)
    text = resource_policy.shown(found.policy, desk.engine) if found.policy else default_policy(place)
    if isinstance(request, model.AddTopicPermission):
        text = with_permission(text, place.arn, request)
    else:
        text = without_permission(text, request.label)
    return Resolved(
        StampedPolicy(place, found.partition, found.policy, stored_policy(desk, text) or ""),
        (ROOT, found.partition),
        checks,
        guard,
    )


async def _tags(
    desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.TagTopic | model.UntagTopic
) -> Resolved:
    place = place_in(ctx, request.topic)
    written, removed = (request.tags, ()) if isinstance(request, model.TagTopic) else ({}, request.keys)
    attributes.check_tags(written)
    found = await desk.find(place)
    if found is None:
        return missing(operation, place, TAGGED_NOT_FOUND.error())
    return Resolved(
        StampedTags(place, found.partition, written, removed),
        (ROOT, found.partition),
        checks_of(operation, place),
        Guard(place.account, found.policy),
    )


async def _list(desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.ListTopics) -> Resolved:
    account, region = ctx.principal.account, ctx.region
    last = desk.last_listed(listing_of(request, f"{account}/{region}"), request.page_token)
    return Resolved(
        StampedList(account, region, last, request.page_size),
        (ROOT,),
        checks_of(operation, TopicPlace(account, region, "")),
        Guard(account),
    )


def default_policy(place: TopicPlace) -> str:
    """Return the policy that SNS gives a new topic: its owner's."""
    actions = (
        "GetTopicAttributes",
        "SetTopicAttributes",
        "AddPermission",
        "RemovePermission",
        "DeleteTopic",
        "Subscribe",
        "ListSubscriptionsByTopic",
        "Publish",
    )
    return json.dumps(
        {
            "Version": "2008-10-17",
            "Id": "__default_policy_ID",
            "Statement": [
                {
                    "Sid": "__default_statement_ID",
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": [f"SNS:{action}" for action in actions],
                    "Resource": place.arn,
                    "Condition": {"StringEquals": {"AWS:SourceOwner": place.account}},
                }
            ],
        },
        separators=(",", ":"),
    )


def stored_policy(desk: TopicDesk, text: str | None) -> str | None:
    """Return a policy in its stored form; raises SNS's refusal of a malformed one."""
    if not text:
        return text
    try:
        stored = resource_policy.validate(text, DocumentKind.QUEUE, desk.engine)
    except MalformedPolicy as error:
        raise wrong(f"Policy Error: {error}") from error
    check_scope(text)
    return stored


class ResolvedPublish(Resolved, frozen=True):
    """Messages to publish, and where."""

    partition: bytes = b""


async def _publish(desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.Publish) -> Resolved:
    place = place_in(ctx, request.topic)
    found = await desk.find(place)
    if found is None:
        return missing(operation, place, TOPIC_NOT_FOUND.error())
    return ResolvedPublish(
        (place, request),
        (found.partition,),
        checks_of(operation, place),
        Guard(place.account, found.policy),
        partition=found.partition,
    )


RESOLVERS: Mapping[str, TopicResolver] = {
    "CreateTopic": _create,
    "DeleteTopic": _on_topic,
    "GetTopic": _on_topic,
    "SetTopicAttribute": _set_attribute,
    "ListTopics": _list,
    "ListTopicTags": _on_topic,
    "TagTopic": _tags,
    "UntagTopic": _tags,
    "AddTopicPermission": _permission,
    "RemoveTopicPermission": _permission,
    "Publish": _publish,
}
