"""How calls about native subscriptions, what topics keep, and messages to publish from over gRPC are resolved."""

import json
from collections.abc import Mapping, Sequence

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.operations import Operation
from cumulo.identity.authorizer import Guard
from cumulo.identity.room import Resolved
from cumulo.queue_service import message_attributes, stamping
from cumulo.queue_service import native_model as model
from cumulo.queue_service import topic_attributes as attributes
from cumulo.queue_service.filter_policies import SCOPES
from cumulo.queue_service.model import MESSAGE_RETENTION_S_MAX, is_fifo, queue_arn
from cumulo.queue_service.mover import on_behalf_of
from cumulo.queue_service.native_subscriptions import (
    FILTER_SCOPE,
    Settings,
    StampedChangeOf,
    StampedMake,
    StampedNative,
    find_named,
    get_native,
)
from cumulo.queue_service.own_queues import OwnSettings
from cumulo.queue_service.queue_attributes import place as queue_place
from cumulo.queue_service.resolve_topics import ResolvedPublish, resolved_update, stored_policy
from cumulo.queue_service.seeking import StampedForget, StampedSeek, StampedSnapshot, StampedSnapshots
from cumulo.queue_service.subscription_sources import native_place
from cumulo.queue_service.subscriptions import FILTER_POLICY, FoundSubscription
from cumulo.queue_service.topic_attributes import wrong
from cumulo.queue_service.topic_errors import (
    BATCH_REQUEST_TOO_LONG,
    EMPTY_BATCH_REQUEST,
    MESSAGE_TOO_LONG,
    SUBSCRIPTION_NOT_FOUND,
    TOO_MANY_ENTRIES_IN_BATCH_REQUEST,
    TOPIC_NOT_FOUND,
)
from cumulo.queue_service.topic_keys import JOB, JOB_TEMPLATE, NATIVE, SubscriptionRow, TopicName
from cumulo.queue_service.topic_model import (
    MESSAGE_BYTES_MAX,
    SUBJECT_CHARACTERS_MAX,
    Publish,
    PublishEntry,
    TopicPlace,
)
from cumulo.queue_service.topic_resolving import (
    TopicDesk,
    TopicResolver,
    archive_of,
    belongings,
    checks_of,
    missing,
    place_in,
)
from cumulo.storage.engine import ROOT

_RANGES = {
    "ack_deadline_s": (1, model.ACK_DEADLINE_S_MAX),
    "retention_s": (model.RETENTION_S_MIN, model.RETENTION_S_MAX),
    "max_deliveries": (1, model.MAX_DELIVERIES_MAX),
}


_JOB_TEMPLATE = "job_template"


# Topics


async def _update_topic(
    desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.UpdateTopic
) -> Resolved:
    place = place_in(ctx, request.topic)
    if attributes.POLICY in request.attributes:
        raise wrong("attributes Reason: the policy has a field of its own")
    policy = stored_policy(desk, request.policy)
    return await resolved_update(desk, operation, place, request.attributes, policy, request.keep_s)


async def _publish(desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.PublishMessages) -> Resolved:
    place = place_in(ctx, request.topic)
    _check_entries(place, request.entries)
    found = await desk.find(place)
    if found is None:
        return missing(operation, place, TOPIC_NOT_FOUND.error())
    return ResolvedPublish(
        (place, Publish(topic=place.name, entries=request.entries, request_id=request.request_id)),
        (found.partition,),
        checks_of(operation, place),
        Guard(place.account, found.policy),
        partition=found.partition,
    )


def _check_entries(place: TopicPlace, entries: Sequence[PublishEntry]) -> None:
    """Raise for the first message that breaks a rule, or where they are too many, or too large together."""
    if not entries:
        raise EMPTY_BATCH_REQUEST.error()
    if len(entries) > model.PUBLISH_ENTRIES_MAX:
        raise TOO_MANY_ENTRIES_IN_BATCH_REQUEST.error()
    total_bytes = 0
    fifo = place.fifo
    for index, entry in enumerate(entries):
        body = entry.body
        total_bytes += len(body) if body.isascii() else len(body.encode())
        if body and not (fifo or entry.attributes or entry.subject or entry.group_id or entry.deduplication_id):
            continue
        try:
            _check_entry(entry, fifo=fifo)
        except ServiceError as error:
            raise wrong(f"entries[{index}] Reason: {error.message}") from error
        total_bytes += message_attributes.size_bytes(entry.attributes)
    if total_bytes > MESSAGE_BYTES_MAX:
        raise BATCH_REQUEST_TOO_LONG.error() if len(entries) > 1 else MESSAGE_TOO_LONG.error()


def _check_entry(entry: PublishEntry, *, fifo: bool) -> None:
    if not entry.body:
        raise wrong("Empty message")
    subject = entry.subject
    if subject and (len(subject) > SUBJECT_CHARACTERS_MAX or not subject.isprintable() or subject[0].isspace()):
        raise wrong("Subject")
    message_attributes.check(entry.attributes)
    if fifo and entry.group_id is None:
        raise wrong("The group_id is required for FIFO topics")
    if entry.group_id is not None:
        stamping.check_id("group_id", entry.group_id)
    if entry.deduplication_id is not None:
        if not fifo:
            raise wrong("deduplication_id Reason: it is for FIFO topics")
        stamping.check_id("deduplication_id", entry.deduplication_id)


# Subscriptions


async def _find(
    desk: TopicDesk, ctx: CallContext, text: str
) -> tuple[model.NativePlace, TopicName | None, FoundSubscription | None]:
    """Return which subscription a caller means, and what is there of topic and subscription now."""
    place = native_place(text, ctx.principal.account, ctx.region)
    topic = await desk.find(place.topic)
    if topic is None:
        return place, None, None
    stamped = StampedNative(place, topic.partition)
    found: FoundSubscription | None = await desk.engine.read((topic.partition,), find_named, stamped)
    return place, topic, found


def _guard(topic: TopicName, found: FoundSubscription) -> Guard:
    """Return what protects a subscription: it is its subscriber's, and the topic's owner's by the topic's policy."""
    return Guard(found.row.owner, topic.policy)


async def _create(
    desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.CreateSubscription
) -> Resolved:
    place, topic, found = await _find(desk, ctx, request.subscription)
    given = _given(place, request.attributes)
    if not given.get(_JOB_TEMPLATE):
        given.pop(_JOB_TEMPLATE, None)
    settings = _settings(place, given)
    if topic is None:
        return missing(operation, place.topic, TOPIC_NOT_FOUND.error())
    await _check_template(desk, ctx, given)
    queue = await desk.new_partition() if found is None else found.row.queue
    row = SubscriptionRow(
        id=place.name,
        protocol=JOB if _JOB_TEMPLATE in given else NATIVE,
        endpoint=place.name,
        owner=ctx.principal.account,
        principal_arn=ctx.principal.arn,
        confirmed=True,
        authenticated=True,
        create_ms=desk.clock.wall_ms(),
        on_behalf_of=on_behalf_of(ctx) if _JOB_TEMPLATE in given else b"",
    )
    return Resolved(
        StampedMake(place, topic.partition, row, settings, given, queue, desk.clock.deadline_ms()),
        (ROOT, topic.partition, queue),
        checks_of(operation, place.topic),
        Guard(place.topic.account, topic.policy),
    )


async def _describe(
    desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.DescribeSubscription
) -> Resolved:
    place, topic, found = await _find(desk, ctx, request.subscription)
    if topic is None or found is None:
        return missing(operation, place.topic, SUBSCRIPTION_NOT_FOUND.error())
    return Resolved(
        StampedNative(place, topic.partition),
        (ROOT, topic.partition, found.row.queue),
        checks_of(operation, place.topic),
        _guard(topic, found),
    )


async def _update(
    desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.UpdateSubscription
) -> Resolved:
    place, topic, found = await _find(desk, ctx, request.subscription)
    given = _given(place, request.attributes)
    if topic is None or found is None:
        return missing(operation, place.topic, SUBSCRIPTION_NOT_FOUND.error())
    checks, guard = checks_of(operation, place.topic), _guard(topic, found)
    # Before a word about what the subscription is like: that it has no dead-letter queue can refuse the change below.
    desk.authorizer.authorize(ctx, checks, guard)
    partitions = (ROOT, topic.partition, found.row.queue)
    before: model.NativeSubscription = await desk.engine.read(
        partitions, get_native, StampedNative(place, topic.partition)
    )
    names = ["filter_policy", "filter_scope", "dead_letter_queue"]
    names += [_JOB_TEMPLATE] if before.job_template else _RANGES
    there = {name: getattr(before, name) for name in names}
    if not before.dead_letter_queue:
        there.pop("max_deliveries", None)
    if (_JOB_TEMPLATE in given) and not (before.job_template and given[_JOB_TEMPLATE]):
        raise wrong(f"{_JOB_TEMPLATE} Reason: a native subscription gets none, and a job's is not taken away")
    settings = _settings(place, there | given)
    if before.job_template:
        await _check_template(desk, ctx, there | given)
    name = on_behalf_of(ctx) if before.job_template else b""
    return Resolved(
        StampedChangeOf(place, topic.partition, before, settings, found.row.queue, desk.clock.deadline_ms(), name),
        partitions,
        checks,
        guard,
    )


def _given(place: model.NativePlace, asked: model.NativeAttributes) -> dict[str, str | int]:
    """Return the settings that were given, by the names of `NativeSubscription`, with the queue's name in full."""
    given = {name: value for name, value in msgspec.structs.asdict(asked).items() if value is not None}
    for name, (lowest, highest) in _RANGES.items():
        if name in given and not lowest <= given[name] <= highest:
            raise wrong(f"{name} Reason: it must be between {lowest} and {highest}")
    if given.get(_JOB_TEMPLATE):
        if len(given[_JOB_TEMPLATE]) > model.JOB_TEMPLATE_CHARACTERS_MAX:
            raise wrong(f"{_JOB_TEMPLATE} Reason: it has at most {model.JOB_TEMPLATE_CHARACTERS_MAX} characters")
        if place.topic.fifo:
            raise wrong(f"{_JOB_TEMPLATE} Reason: jobs keep no order, so a FIFO topic has none")
    if given.get("dead_letter_queue"):
        topic = place.topic
        queue = queue_place(given["dead_letter_queue"], topic.account, topic.region, "dead_letter_queue")
        if (queue.account, queue.region) != (topic.account, topic.region):
            raise wrong("dead_letter_queue Reason: it must be of the topic's account and region")
        if is_fifo(queue.name) is not topic.fifo:
            raise wrong("dead_letter_queue Reason: it must be a FIFO queue for a FIFO topic, and no other")
        given["dead_letter_queue"] = f"accounts/{queue.account}/regions/{queue.region}/queues/{queue.name}"
    return given


def _settings(place: model.NativePlace, given: Mapping[str, str | int]) -> Settings:
    """Return what a subscription is to be like with these settings, and the defaults of the others."""
    scope = str(given.get("filter_scope", model.IN_ATTRIBUTES))
    if scope not in SCOPES:
        raise wrong(f"filter_scope Reason: it must be {' or '.join(SCOPES)}")
    policy = str(given.get("filter_policy", ""))
    policy = attributes.subscription_attribute(place.topic, NATIVE, "", FILTER_POLICY, policy, scope=scope)
    kept = {FILTER_POLICY: policy} if policy else {}
    if scope != model.IN_ATTRIBUTES:
        kept[FILTER_SCOPE] = scope
    dead_letter = str(given.get("dead_letter_queue", "")).rpartition("/")[2]
    if _JOB_TEMPLATE in given:
        for name in _RANGES:
            if name in given:
                raise wrong(f"{name} Reason: messages that become jobs are not received")
        kept[JOB_TEMPLATE] = str(given[_JOB_TEMPLATE])
        if dead_letter:
            topic = place.topic
            target = {"deadLetterTargetArn": queue_arn(topic.account, topic.region, dead_letter)}
            kept["RedrivePolicy"] = json.dumps(target, separators=(",", ":"))
        return Settings(kept, OwnSettings(model.ACK_DEADLINE_S_DEFAULT, MESSAGE_RETENTION_S_MAX, 0), dead_letter)
    if not dead_letter and "max_deliveries" in given:
        raise wrong("max_deliveries Reason: it needs a dead_letter_queue")
    deliveries = int(given.get("max_deliveries", model.MAX_DELIVERIES_DEFAULT)) if dead_letter else 0
    queue = OwnSettings(
        int(given.get("ack_deadline_s", model.ACK_DEADLINE_S_DEFAULT)),
        int(given.get("retention_s", model.RETENTION_S_DEFAULT)),
        deliveries,
    )
    return Settings(kept, queue, dead_letter)


async def _check_template(desk: TopicDesk, ctx: CallContext, given: Mapping[str, str | int]) -> None:
    """Raise where a template is none, or its queue takes no jobs of this caller."""
    template = str(given.get(_JOB_TEMPLATE, ""))
    if template and desk.jobs is None:
        raise wrong(f"{_JOB_TEMPLATE} Reason: there is no runner here")
    if template and desk.jobs is not None:
        await desk.jobs.check(ctx, template)


# Seeks and snapshots


async def _seek(desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.SeekSubscription) -> Resolved:
    place, topic, found = await _find(desk, ctx, request.subscription)
    if not 0 <= request.time_ms <= model.TIME_MS_MAX:
        raise wrong(f"time_ms Reason: it must be between 0 and {model.TIME_MS_MAX}")
    snapshot = ""
    if request.by is model.Target.SNAPSHOT:
        at = _snapshot_place(ctx, request.snapshot)
        if at.topic != place.topic:
            raise wrong("snapshot Reason: it must be of the same topic")
        snapshot = at.name
    if topic is None or found is None:
        return missing(operation, place.topic, SUBSCRIPTION_NOT_FOUND.error())
    archive = await archive_of(desk, topic.partition)
    queue = found.row.queue
    return Resolved(
        StampedSeek(
            place,
            topic.partition,
            queue,
            archive,
            request.by,
            request.time_ms,
            snapshot,
            desk.clock.deadline_ms(),
        ),
        tuple(it for it in (ROOT, topic.partition, queue, archive) if it),
        checks_of(operation, place.topic),
        _guard(topic, found),
        grows=False,
    )


def _snapshot_place(ctx: CallContext, text: str) -> model.NativePlace:
    return native_place(text, ctx.principal.account, ctx.region, "snapshots")


async def _create_snapshot(
    desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.CreateSnapshot
) -> Resolved:
    at = _snapshot_place(ctx, request.snapshot)
    place, topic, found = await _find(desk, ctx, request.subscription)
    if at.topic != place.topic:
        raise wrong("subscription Reason: it must be of the snapshot's topic")
    if topic is None or found is None:
        return missing(operation, place.topic, SUBSCRIPTION_NOT_FOUND.error())
    archive = await archive_of(desk, topic.partition)
    queue = found.row.queue
    return Resolved(
        StampedSnapshot(at, topic.partition, place, queue, archive, desk.clock.wall_ms()),
        tuple(it for it in (ROOT, topic.partition, queue, archive) if it),
        checks_of(operation, place.topic),
        _guard(topic, found),
    )


async def _list_snapshots(
    desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.ListSnapshots
) -> Resolved:
    place = place_in(ctx, request.topic)
    found = await desk.find(place)
    if found is None:
        return missing(operation, place, TOPIC_NOT_FOUND.error())
    return Resolved(
        StampedSnapshots(place, found.partition, await archive_of(desk, found.partition)),
        (ROOT, found.partition, *await belongings(desk, found.partition)),
        checks_of(operation, place),
        Guard(place.account, found.policy),
    )


async def _delete_snapshot(
    desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.DeleteSnapshot
) -> Resolved:
    at = _snapshot_place(ctx, request.snapshot)
    found = await desk.find(at.topic)
    if found is None:
        return missing(operation, at.topic, TOPIC_NOT_FOUND.error())
    return Resolved(
        StampedForget(at, found.partition),
        (ROOT, found.partition),
        checks_of(operation, at.topic),
        Guard(at.topic.account, found.policy),
        grows=False,
    )


RESOLVERS: Mapping[str, TopicResolver] = {
    "UpdateTopic": _update_topic,
    "PublishMessages": _publish,
    "CreateSubscription": _create,
    "DescribeSubscription": _describe,
    "UpdateSubscription": _update,
    "SeekSubscription": _seek,
    "CreateSnapshot": _create_snapshot,
    "ListSnapshots": _list_snapshots,
    "DeleteSnapshot": _delete_snapshot,
}
