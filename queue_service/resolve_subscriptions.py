"""How calls about subscriptions are resolved, from asking for one over its confirmation to its end.

Owns the tokens that confirm one, and says whose a subscription is. Delivers nothing: what asks for a confirmation is
stored by the transaction and goes out after it.
"""

import re
from collections.abc import Mapping

from cumulo.core.context import CallContext
from cumulo.core.names import masked_url
from cumulo.core.operations import Operation
from cumulo.core.tokens import InvalidToken, TokenKind, TokenSealer
from cumulo.identity.authorizer import Guard
from cumulo.identity.room import Resolved
from cumulo.queue_service import topic_attributes as attributes
from cumulo.queue_service import topic_model as model
from cumulo.queue_service.archive_policies import REPLAY_POLICY
from cumulo.queue_service.subscriptions import (
    FoundSubscription,
    StampedConfirm,
    StampedSubscribe,
    StampedSubscription,
    StampedSubscriptionAttribute,
    StampedSubscriptionList,
    StampedTopicList,
    find_by_endpoint,
    may_be_restored,
)
from cumulo.queue_service.topic_attributes import wrong
from cumulo.queue_service.topic_envelopes import CONFIRMATION, StoredNotice
from cumulo.queue_service.topic_errors import INVALID_IN_FULL, SUBSCRIPTION_NOT_FOUND, TOPIC_NOT_FOUND
from cumulo.queue_service.topic_keys import Farewell, SubscriptionRow
from cumulo.queue_service.topic_model import SubscriptionPlace, TopicPlace
from cumulo.queue_service.topic_resolving import (
    TopicDesk,
    TopicResolver,
    archive_of,
    checks_of,
    listing_of,
    missing,
    place_in,
    with_keys,
)
from cumulo.queue_service.topics import meta_of
from cumulo.storage.engine import ROOT
from cumulo.storage.tuples import u64

NONCE_BYTES = 16
_HEX = re.compile(r"[0-9a-fA-F]+")
_U64 = 8


async def _subscribe(desk: TopicDesk, ctx: CallContext, operation: Operation, request: model.Subscribe) -> Resolved:
    place = place_in(ctx, request.topic)
    found = await desk.find(place)
    if found is None:
        return missing(operation, place, TOPIC_NOT_FOUND.error())
    keys = {"sns:Protocol": request.protocol, "sns:Endpoint": masked_url(request.endpoint)}
    checks, guard = with_keys(checks_of(operation, place), keys), Guard(place.account, found.policy)
    # Before a word about the subscriber, which tells that the topic is there.
    desk.authorizer.authorize(ctx, checks, guard)
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
        checks,
        guard,
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


RESOLVERS: Mapping[str, TopicResolver] = {
    "Subscribe": _subscribe,
    "ConfirmSubscription": _confirm,
    "Unsubscribe": _unsubscribe,
    "GetSubscription": _get_subscription,
    "SetSubscriptionAttribute": _set_subscription_attribute,
    "ListSubscriptions": _list_subscriptions,
    "ListSubscriptionsByTopic": _list_by_topic,
}
