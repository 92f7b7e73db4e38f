"""How calls about topics and subscriptions are resolved."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.ids import Randomness, uuid4_text
from cumulo.core.names import masked_url
from cumulo.core.operations import Checks, Operation
from cumulo.core.ports import JobSubmitter
from cumulo.core.tokens import InvalidToken, TokenKind, TokenSealer
from cumulo.identity import resource_policy
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.policy import DocumentKind, MalformedPolicy
from cumulo.identity.room import Resolved
from cumulo.queue_service import page_tokens
from cumulo.queue_service import topic_attributes as attributes
from cumulo.queue_service import topic_model as model
from cumulo.queue_service.archive_policies import ARCHIVE_POLICY, REPLAY_POLICY
from cumulo.queue_service.queues import allocate_partition
from cumulo.queue_service.subscriptions import (
    FoundSubscription,
    StampedConfirm,
    StampedSubscribe,
    StampedSubscription,
    StampedSubscriptionAttribute,
    StampedSubscriptionList,
    StampedTopicList,
    SubscriptionLookup,
    find_by_endpoint,
    find_subscription,
    may_be_restored,
)
from cumulo.queue_service.topic_attributes import wrong
from cumulo.queue_service.topic_envelopes import CONFIRMATION, StoredNotice
from cumulo.queue_service.topic_errors import (
    INVALID_IN_FULL,
    SUBSCRIPTION_NOT_FOUND,
    TAGGED_NOT_FOUND,
    TOPIC_NOT_FOUND,
)
from cumulo.queue_service.topic_keys import Farewell, SubscriptionRow, TopicName
from cumulo.queue_service.topic_model import SubscriptionPlace, TopicPlace
from cumulo.queue_service.topic_operations import OWNERS_ALONE, TABLE
from cumulo.queue_service.topic_permissions import check_scope, with_permission, without_permission
from cumulo.queue_service.topics import (
    StampedCreate,
    StampedList,
    StampedPolicy,
    StampedTags,
    StampedTopic,
    StampedUpdate,
    follow,
    meta_of,
)
from cumulo.storage.engine import ROOT, Engine
from cumulo.storage.remembered import Remembered
from cumulo.storage.tuples import u64

NONCE_BYTES = 16
SOURCE_OWNER = "aws:SourceOwner"
"""The condition key of SNS's default policy: the caller's account."""
_HEX = re.compile(r"[0-9a-fA-F]+")
_U64 = 8
_FROM_URL = str.maketrans("-_", "+/")
_TO_URL = str.maketrans("+/", "-_")


EndpointRefusal = Callable[[str, str], Awaitable[str]]
"""Returns why nothing is delivered to an endpoint of a protocol, an empty text where it is."""


class TopicDesk:
    """What resolvers of topics share."""

    def __init__(
        self,
        engine: Engine,
        authorizer: Authorizer,
        clock: Clock,
        randomness: Randomness,
        sealer: TokenSealer,
        endpoint_refusal: EndpointRefusal,
        jobs: JobSubmitter | None = None,
    ) -> None:
        self.engine = engine
        self.authorizer = authorizer
        self.clock = clock
        self.randomness = randomness
        self.sealer = sealer
        self.endpoint_refusal = endpoint_refusal
        self.jobs = jobs
        self._followed = Remembered(engine, (ROOT,), follow)

    async def find(self, place: TopicPlace) -> TopicName | None:
        """Return where a topic's name leads now; None where there is none."""
        found: TopicName | None = await self._followed.read(place)
        return found

    async def find_subscription(self, place: SubscriptionPlace) -> FoundSubscription | None:
        """Return where a subscription lies now; None where there is none."""
        topic = await self.find(place.topic)
        if topic is None:
            return None
        found: FoundSubscription | None = await self.engine.read(
            (ROOT, topic.partition), find_subscription, SubscriptionLookup(place)
        )
        return found

    async def new_partition(self) -> bytes:
        """Return a partition that nobody has used."""
        partition: bytes = await self.engine.transact((ROOT,), allocate_partition, None)
        return partition

    def new_id(self) -> str:
        """Return a new UUIDv4."""
        return uuid4_text(self.randomness.token_bytes(16).hex())

    def last_listed(self, listing: bytes, page_token: str) -> str:
        """Return behind what a page begins, empty for the first page."""
        try:
            return page_tokens.opened(self.sealer, listing, page_token.rstrip("=").translate(_TO_URL))
        except ServiceError as error:
            raise wrong("NextToken") from error

    def page_token(self, listing: bytes, last: str) -> str:
        """Return the token of the page that begins behind `last`, none where that is empty; in base64 as SNS's are."""
        if not last:
            return ""
        token = page_tokens.sealed(self.sealer, listing, last).translate(_FROM_URL)
        return token + "=" * (-len(token) % 4)


TopicResolver = Callable[[TopicDesk, CallContext, Operation, Any], Awaitable[Resolved]]


def checks_of(operation: Operation, place: TopicPlace) -> Checks:
    """Return what an operation checks on a topic."""
    assert operation.checks is not None
    return operation.checks(place)


def with_keys(checks: Checks, keys: Mapping[str, str]) -> Checks:
    """Return the checks with condition keys that this request adds."""
    return tuple(msgspec.structs.replace(check, keys={**check.keys, **keys}) for check in checks)


def in_force(ctx: CallContext, operation: Operation, guard: Guard) -> Guard:
    """Return what protects a topic in this call: to other accounts its policy can allow some operations only."""
    if guard.account == ctx.principal.account or operation.name not in OWNERS_ALONE:
        return guard
    return Guard(guard.account)


def missing(operation: Operation, place: TopicPlace, error: ServiceError) -> Resolved:
    """Return what a request for something that is not there resolves to: refused as such once it is authorised."""
    return Resolved(
        request=None,
        partitions=(ROOT,),
        checks=checks_of(operation, place),
        guard=Guard(place.account),
        missing=error,
    )


def listing_of(request: Any, of: str) -> bytes:
    """Return what a page token is bound to; `of` is whose topics or subscriptions are listed."""
    return page_tokens.listing(type(request).__name__, of, str(request.page_size))


def place_in(ctx: CallContext, text: str) -> TopicPlace:
    """Return which topic a caller means."""
    return attributes.topic_place(text, ctx.principal.account, ctx.region)


# Topics


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


async def archive_of(desk: TopicDesk, partition: bytes) -> bytes:
    """Return the partition of what a topic keeps, empty where it keeps nothing."""
    meta = await desk.engine.read((partition,), meta_of, partition)
    return b"" if meta is None else meta.archive


async def belongings(desk: TopicDesk, partition: bytes) -> tuple[bytes, ...]:
    """Return the partitions of a topic's outbox and of what it keeps, as far as there are any."""
    meta = await desk.engine.read((partition,), meta_of, partition)
    return () if meta is None else tuple(it for it in (meta.outbox, meta.archive) if it)


# Subscriptions


async def _subscribe(desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.Subscribe) -> Resolved:
    place = place_in(ctx, request.topic)
    attributes.check_endpoint(place, request.protocol, request.endpoint)
    if refusal := await desk.endpoint_refusal(request.protocol, request.endpoint):
        raise wrong(f"Endpoint Reason: {refusal}")
    scope = attributes.scope_of(request.attributes)
    kept = {
        name: attributes.subscription_attribute(
            place, request.protocol, request.endpoint, name, value, scope=scope, prefix="Attributes Reason: "
        )
        for name, value in request.attributes.items()
    }
    found = await desk.find(place)
    if found is None:
        return missing(operation, place, TOPIC_NOT_FOUND.error())
    at_once = request.protocol == "sqs" and request.endpoint.split(":")[4] == ctx.principal.account
    row = SubscriptionRow(
        id=desk.new_id(),
        protocol=request.protocol,
        endpoint=request.endpoint,
        owner=ctx.principal.account,
        principal_arn=ctx.principal.arn,
        attributes={name: value for name, value in kept.items() if value},
        confirmed=at_once or request.protocol == "sms",
        authenticated=at_once or request.protocol == "sms",
        create_ms=desk.clock.wall_ms(),
        nonce=desk.randomness.token_bytes(NONCE_BYTES),
    )
    queue, now_ms = b"", desk.clock.deadline_ms()
    confirmation, there = None, None
    if request.protocol != "sqs":
        there = await desk.engine.read(
            (found.partition,), find_by_endpoint, (found.partition, request.protocol, request.endpoint)
        )
        queue = await desk.new_partition() if there is None else there.queue
    archive = await archive_of(desk, found.partition) if REPLAY_POLICY in row.attributes else b""
    if queue and not row.confirmed:
        asked = StoredNotice(model.PublishEntry(body=""), desk.new_id(), desk.clock.wall_ms(), kind=CONFIRMATION)
        confirmation = asked.outgoing(0, now_ms)
    return Resolved(
        StampedSubscribe(place, found.partition, row, queue, now_ms, confirmation, there is not None, archive),
        tuple(it for it in (ROOT, found.partition, queue, archive) if it),
        with_keys(
            checks_of(operation, place),
            {"sns:Protocol": request.protocol, "sns:Endpoint": masked_url(request.endpoint)},
        ),
        Guard(place.account, found.policy),
    )


async def _confirm(
    desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.ConfirmSubscription
) -> Resolved:
    place = place_in(ctx, request.topic)
    try:
        payload = desk.sealer.open(TokenKind.CONFIRMATION, bytes.fromhex(request.token).decode())
    except InvalidToken as error:
        raise wrong("Token") from error
    except ValueError as error:
        raise (
            wrong("Token") if _HEX.fullmatch(request.token) else INVALID_IN_FULL.error(text="Invalid token")
        ) from error
    found = await desk.find(place)
    if found is None:
        # As SNS has it, beside the name of no topic the token alone says which is meant, of this account and region.
        meta = await desk.engine.read((payload[:_U64],), meta_of, payload[:_U64])
        if meta is not None:
            if (meta.account, meta.region) != (place.account, place.region):
                raise wrong("Topic")
            place = TopicPlace(meta.account, meta.region, meta.name)
            found = await desk.find(place)
    if found is None:
        return missing(operation, place, TOPIC_NOT_FOUND.error())
    if payload[:_U64] != found.partition:
        raise wrong("Token")
    number, nonce = int.from_bytes(payload[_U64 : 2 * _U64], "big"), payload[2 * _U64 :]
    signed = bool(ctx.principal.account) and request.authenticate_on_unsubscribe
    queue = b""
    if await desk.engine.read((found.partition,), may_be_restored, (found.partition, number)):
        queue = await desk.new_partition()
    archive = await archive_of(desk, found.partition)
    return Resolved(
        StampedConfirm(place, found.partition, number, nonce, signed, queue, desk.clock.deadline_ms(), archive),
        tuple(it for it in (ROOT, found.partition, queue, archive) if it),
        (),
        Guard(place.account, found.policy),
    )


def confirmation_token(sealer: TokenSealer, partition: bytes, number: int, nonce: bytes) -> str:
    """Return the token that confirms a subscription; in hexadecimal digits, as SNS's are."""
    return sealer.seal(TokenKind.CONFIRMATION, partition + u64(number) + nonce).encode().hex()


async def _unsubscribe(desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.Unsubscribe) -> Resolved:
    place = attributes.subscription_place(request.subscription)
    topic, found = await desk.find(place.topic), await desk.find_subscription(place)
    if topic is None or found is None:
        # Ended already, or never made: that does no harm.
        return Resolved(
            StampedSubscription(place, b""),
            (ROOT,) if topic is None else (ROOT, topic.partition),
            (),
            Guard(place.topic.account),
        )
    checks = checks_of(operation, place.topic)
    of_topic = ctx.principal.account == place.topic.account
    guard = Guard(place.topic.account if of_topic else found.row.owner)
    if found.row.authenticated or ctx.principal.account in (found.row.owner, place.topic.account):
        desk.authorizer.authorize(ctx, checks, guard)
    now_ms = desk.clock.deadline_ms()
    farewell = Farewell(
        message_id=desk.new_id(), published_ms=desk.clock.wall_ms(), end_ms=now_ms + model.CONFIRMATION_S * 1000
    )
    nonce = desk.randomness.token_bytes(NONCE_BYTES)
    return Resolved(
        StampedSubscription(place, found.partition, now_ms, farewell, nonce),
        (ROOT, found.partition, found.row.queue) if found.row.queue else (ROOT, found.partition),
        checks,
        guard,
        grows=False,
    )


async def _get_subscription(
    desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.GetSubscription
) -> Resolved:
    del ctx
    place = attributes.subscription_place(request.subscription)
    found = await desk.find_subscription(place)
    if found is None:
        return missing(operation, place.topic, SUBSCRIPTION_NOT_FOUND.error())
    return Resolved(
        StampedSubscription(place, found.partition),
        (ROOT, found.partition),
        checks_of(operation, place.topic),
        _subscribers_guard(place, found),
    )


async def _set_subscription_attribute(
    desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.SetSubscriptionAttribute
) -> Resolved:
    del ctx
    place = attributes.subscription_place(request.subscription)
    found = await desk.find_subscription(place)
    if found is None:
        return missing(operation, place.topic, SUBSCRIPTION_NOT_FOUND.error())
    scope = attributes.scope_of(found.row.attributes)
    of = (place.topic, found.row.protocol, found.row.endpoint)
    value = attributes.subscription_attribute(*of, request.name, request.value, scope=scope)
    if request.name == "FilterPolicyScope" and "FilterPolicy" in found.row.attributes:
        policy = found.row.attributes["FilterPolicy"]
        attributes.subscription_attribute(*of, "FilterPolicy", policy, scope=value)
    archive = await archive_of(desk, found.partition)
    return Resolved(
        StampedSubscriptionAttribute(place, found.partition, request.name, value, archive, desk.clock.deadline_ms()),
        (ROOT, found.partition, archive) if archive else (ROOT, found.partition),
        checks_of(operation, place.topic),
        _subscribers_guard(place, found),
    )


def _subscribers_guard(place: SubscriptionPlace, found: FoundSubscription) -> Guard:
    """Return what protects a subscription: it is its subscriber's, and the topic's owner's by the topic's policy."""
    del place
    return Guard(found.row.owner, found.topic_policy)


async def _list_subscriptions(
    desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.ListSubscriptions
) -> Resolved:
    account, region = ctx.principal.account, ctx.region
    last = desk.last_listed(listing_of(request, f"{account}/{region}"), request.page_token)
    return Resolved(
        StampedSubscriptionList(account, region, last, request.page_size),
        (ROOT,),
        checks_of(operation, TopicPlace(account, region, "")),
        Guard(account),
    )


async def _list_by_topic(
    desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.ListSubscriptionsByTopic
) -> Resolved:
    place = place_in(ctx, request.topic)
    last = desk.last_listed(listing_of(request, place.arn), request.page_token)
    found = await desk.find(place)
    if found is None:
        return missing(operation, place, TOPIC_NOT_FOUND.error())
    return Resolved(
        StampedTopicList(place, found.partition, int(last or 0), request.page_size),
        (ROOT, found.partition),
        checks_of(operation, place),
        Guard(place.account, found.policy),
    )


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
    "Subscribe": _subscribe,
    "ConfirmSubscription": _confirm,
    "Unsubscribe": _unsubscribe,
    "GetSubscription": _get_subscription,
    "SetSubscriptionAttribute": _set_subscription_attribute,
    "ListSubscriptions": _list_subscriptions,
    "ListSubscriptionsByTopic": _list_by_topic,
    "Publish": _publish,
}
