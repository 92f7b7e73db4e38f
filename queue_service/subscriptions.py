"""Subscriptions: make, confirm, look at, change, list, end.

A subscription lies in its topic's partition under a number, and its id leads there; the subscriber's account lists it
by id. One that delivers to a queue of SQS has nothing else; every other has a queue of its own, in which messages wait
for whoever delivers them. One that is not confirmed in time goes by the due index.
"""

import msgspec

from cumulo.core.names import masked_url
from cumulo.queue_service import own_queues, publishing, replaying, topic_sizes
from cumulo.queue_service.archive_policies import REPLAY_POLICY
from cumulo.queue_service.entrances import EXPIRE, FAREWELL
from cumulo.queue_service.messages import Outgoing, StampedSend
from cumulo.queue_service.publishing import QueueDelivery
from cumulo.queue_service.queues import DirectoryChanged
from cumulo.queue_service.topic_errors import (
    FILTER_POLICY_LIMIT_EXCEEDED,
    INVALID_PARAMETER,
    SUBSCRIPTION_LIMIT_EXCEEDED,
    SUBSCRIPTION_NOT_FOUND,
)
from cumulo.queue_service.topic_keys import (
    Farewell,
    SubscriptionName,
    SubscriptionRow,
    TopicState,
    decode_subscription,
    decode_subscription_name,
    ended_key,
    endpoint_key,
    id_in,
    id_key,
    last_part,
    listed_key,
    owner_of,
    subscription_key,
    subscription_name_key,
    subscription_names_prefix,
    subscriptions_prefix,
)
from cumulo.queue_service.topic_model import (
    CONFIRMATION_S,
    FIFO_SUBSCRIPTIONS_MAX,
    FILTER_POLICIES_MAX,
    SUBSCRIPTIONS_MAX,
    Subscription,
    SubscriptionPlace,
    TopicPlace,
)
from cumulo.queue_service.topics import confirm, follow, meta_of, put_state, remove_rows, state_of
from cumulo.storage import records
from cumulo.storage.engine import Due, ReadTxn, Txn
from cumulo.storage.tuples import u64

FILTER_POLICY = "FilterPolicy"
TOLD_OF_THE_END = ("http", "https")
"""Protocols whose endpoints are told that their subscription has ended."""
_DEFAULTS = {"RawMessageDelivery": "false", "FilterPolicyScope": "MessageAttributes"}


class StampedSubscribe(msgspec.Struct, frozen=True):
    """A subscription to make, should its endpoint have none. `queue` is a partition that nobody has used, or the own
    queue of the subscription that was `found`; empty for a protocol that needs none. `confirmation` is sent through it.
    `archive` is what a topic keeps that the subscription wants replayed.
    """

    place: TopicPlace
    partition: bytes
    row: SubscriptionRow
    queue: bytes
    now_ms: int
    confirmation: Outgoing | None = None
    found: bool = False
    archive: bytes = b""


class Subscribed(msgspec.Struct, frozen=True):
    """The subscription that an endpoint has, and its number."""

    row: SubscriptionRow
    number: int


class StampedConfirm(msgspec.Struct, frozen=True):
    """A subscription to confirm, which a token names. `queue` is a partition that nobody has used, where it has ended
    and is to be restored. `archive` is what its topic keeps.
    """

    place: TopicPlace
    partition: bytes
    number: int
    nonce: bytes
    authenticated: bool
    queue: bytes = b""
    now_ms: int = 0
    archive: bytes = b""


class StampedSubscription(msgspec.Struct, frozen=True):
    """A subscription to look at, or to end. With `farewell` its endpoint is told, where it is one that can be told, and
    may restore it by a token with `nonce`.
    """

    place: SubscriptionPlace
    partition: bytes
    now_ms: int = 0
    farewell: Farewell | None = None
    nonce: bytes = b""


class StampedSubscriptionAttribute(msgspec.Struct, frozen=True):
    """An attribute to write; an empty value takes it away. `archive` is what the topic keeps."""

    place: SubscriptionPlace
    partition: bytes
    name: str
    value: str
    archive: bytes
    now_ms: int


class StampedSubscriptionList(msgspec.Struct, frozen=True):
    """A page of an account's subscriptions, from behind the id `last`."""

    account: str
    region: str
    last: str
    limit: int


class StampedTopicList(msgspec.Struct, frozen=True):
    """A page of a topic's subscriptions, from behind the number `last`."""

    place: TopicPlace
    partition: bytes
    last: int
    limit: int


class ListedPage(msgspec.Struct, frozen=True):
    """Subscriptions, and the id behind which the next page begins, empty where there is none."""

    subscriptions: tuple[Subscription, ...]
    last: str


class NumberedPage(msgspec.Struct, frozen=True):
    """Subscriptions, and the number behind which the next page begins, 0 where there is none."""

    subscriptions: tuple[Subscription, ...]
    last: int


class SubscriptionLookup(msgspec.Struct, frozen=True):
    """A subscription to find by its ARN's parts."""

    place: SubscriptionPlace


class FoundSubscription(msgspec.Struct, frozen=True):
    """Where a subscription lies, and what it is."""

    partition: bytes
    number: int
    row: SubscriptionRow
    topic_policy: str


def subscribe(txn: Txn, request: StampedSubscribe) -> Subscribed:
    """Make a subscription, or find the endpoint's, which must not differ in a given attribute."""
    partition, row = request.partition, request.row
    confirm(txn, request.place, partition)
    meta = meta_of(txn, partition)
    assert meta is not None, partition
    known = txn.get(endpoint_key(partition, row.protocol, row.endpoint))
    if known is not None:
        number = int.from_bytes(known, "big")
        there = _row(txn, partition, number)
        if any(there.attributes.get(name, _DEFAULTS.get(name, "")) != value for name, value in row.attributes.items()):
            raise INVALID_PARAMETER.error(
                text="Attributes Reason: Subscription already exists with different attributes"
            )
        if there.queue != request.queue:
            raise DirectoryChanged
        _ask(txn, request, there, number)
        return Subscribed(there, number)
    if request.found:
        raise DirectoryChanged
    state = state_of(txn, partition)
    topic_sizes.check_subscriber(meta.attributes, row.protocol, state.confirmed + state.pending)
    limit = FIFO_SUBSCRIPTIONS_MAX if request.place.fifo else SUBSCRIPTIONS_MAX
    if state.confirmed + state.pending >= limit:
        raise SUBSCRIPTION_LIMIT_EXCEEDED.error(limit=limit)
    number = state.next_number
    expire_ms = 0 if row.confirmed else request.now_ms + CONFIRMATION_S * 1000
    row = msgspec.structs.replace(row, queue=request.queue, expire_ms=expire_ms)
    if request.queue:
        own_queues.make(txn, request.queue, meta, fifo=request.place.fifo)
    if expire_ms:
        txn.due(expire_ms, EXPIRE, partition + u64(number))
    write_new(txn, request.place, partition, number, row)
    if row.confirmed and REPLAY_POLICY in row.attributes:
        replaying.begin(txn, partition, number, row, request.archive, request.now_ms)
    _ask(txn, request, row, number)
    return Subscribed(row, number)


def write_new(txn: Txn, place: TopicPlace, partition: bytes, number: int, row: SubscriptionRow) -> None:
    """Write all rows of a new subscription, which gets the topic's next number; its queue is there already."""
    state = state_of(txn, partition)
    assert number == state.next_number, (partition, number)
    _put(txn, partition, number, row)
    txn.put(id_key(partition, row.id), u64(number))
    txn.put(endpoint_key(partition, row.protocol, row.endpoint), u64(number))
    _list_row(txn, place, partition, row)
    _put_counted(txn, partition, msgspec.structs.replace(state, next_number=number + 1), None, row)


def _ask(txn: Txn, request: StampedSubscribe, row: SubscriptionRow, number: int) -> None:
    """Let the endpoint of a subscription be asked to confirm it, where it has not."""
    if request.confirmation is not None and not row.confirmed:
        send = StampedSend(request.place.name, row.queue, (request.confirmation,), b"", request.now_ms)
        publishing.deliver(txn, (QueueDelivery(send, owner_of(request.partition, number)),))


def find_by_endpoint(txn: ReadTxn, request: tuple[bytes, str, str]) -> SubscriptionRow | None:
    """Return the subscription of an endpoint: of a topic's partition, by protocol and endpoint; a read function."""
    partition, protocol, endpoint = request
    known = txn.get(endpoint_key(partition, protocol, endpoint))
    return None if known is None else _row(txn, partition, int.from_bytes(known, "big"))


def confirm_subscription(txn: Txn, request: StampedConfirm) -> Subscription:
    """Confirm a subscription; again, where it is confirmed already."""
    partition, number = request.partition, request.number
    confirm(txn, request.place, partition)
    raw = txn.get(subscription_key(partition, number))
    row = _restored(txn, request) if raw is None else decode_subscription(raw)
    if row is None or row.nonce != request.nonce:
        raise INVALID_PARAMETER.error(text="Token")
    if not row.confirmed:
        txn.undue(row.expire_ms, EXPIRE, partition + u64(number))
        after = msgspec.structs.replace(row, confirmed=True, authenticated=request.authenticated, expire_ms=0)
        _put(txn, partition, number, after)
        _list_row(txn, request.place, partition, after)
        _put_counted(txn, partition, state_of(txn, partition), row, after)
        if REPLAY_POLICY in after.attributes:
            replaying.begin(txn, partition, number, after, request.archive, request.now_ms)
        row = after
    return shown(request.place, row)


def _restored(txn: Txn, request: StampedConfirm) -> SubscriptionRow | None:
    """Make a subscription that has ended anew, unless its endpoint has another by now."""
    key = ended_key(request.partition, request.number)
    raw = txn.get(key)
    row = None if raw is None or not request.queue else decode_subscription(raw)
    if row is None or row.nonce != request.nonce:
        return None
    if txn.get(endpoint_key(request.partition, row.protocol, row.endpoint)) is not None:
        return None
    txn.delete(key)
    row = msgspec.structs.replace(row, authenticated=request.authenticated)
    return subscribe(txn, StampedSubscribe(request.place, request.partition, row, request.queue, request.now_ms)).row


def may_be_restored(txn: ReadTxn, request: tuple[bytes, int]) -> bool:
    """Say whether the subscription of a topic's partition and a number has ended not long ago; a read function."""
    return txn.get(ended_key(*request)) is not None


def unsubscribe(txn: Txn, request: StampedSubscription) -> None:
    """End a subscription; nothing where it is not there."""
    found = find_subscription(txn, SubscriptionLookup(request.place))
    if found is None or found.partition != request.partition:
        return
    partition, number, row = found.partition, found.number, found.row
    remove(txn, partition, number, row, request.now_ms)
    if request.farewell is not None and row.confirmed and row.protocol in TOLD_OF_THE_END:
        kept = msgspec.structs.replace(row, queue=b"", nonce=request.nonce)
        txn.put(ended_key(partition, number), records.encode(kept))
        txn.due(request.now_ms, FAREWELL, owner_of(partition, number), records.encode(request.farewell))


def remove(txn: Txn, partition: bytes, number: int, row: SubscriptionRow, now_ms: int) -> None:
    """Remove a subscription of a topic that is there."""
    meta = meta_of(txn, partition)
    assert meta is not None, partition
    remove_rows(txn, partition, meta.region, number, row, now_ms)
    _put_counted(txn, partition, state_of(txn, partition), row, None)


def expiring_queues(txn: ReadTxn, entry: Due) -> tuple[bytes, ...]:
    """Return the own queue of the subscription that `expire` is about, as a tuple."""
    raw = txn.get(subscription_key(entry.key[:8], int.from_bytes(entry.key[8:], "big")))
    queue = b"" if raw is None else decode_subscription(raw).queue
    return (queue,) if queue else ()


def expire(txn: Txn, entry: Due) -> None:
    """Remove a subscription that was not confirmed in time: the deed of `topic.expire`."""
    partition, number = entry.key[:8], int.from_bytes(entry.key[8:], "big")
    txn.undue(entry.at_ms, entry.kind, entry.key)
    raw = txn.get(subscription_key(partition, number))
    if raw is not None and meta_of(txn, partition) is not None:
        row = decode_subscription(raw)
        if not row.confirmed:
            remove(txn, partition, number, row, entry.at_ms)


def find_subscription(txn: ReadTxn, lookup: SubscriptionLookup) -> FoundSubscription | None:
    """Return where a subscription lies, None where there is none; a read function."""
    name = follow(txn, lookup.place.topic)
    number = None if name is None else txn.get(id_key(name.partition, lookup.place.id))
    if name is None or number is None:
        return None
    at = int.from_bytes(number, "big")
    return FoundSubscription(name.partition, at, _row(txn, name.partition, at), name.policy)


def get_subscription(txn: ReadTxn, request: StampedSubscription) -> Subscription:
    """Return a subscription; a read function."""
    found = find_subscription(txn, SubscriptionLookup(request.place))
    if found is None:
        raise SUBSCRIPTION_NOT_FOUND.error()
    status = replaying.status(txn, found.partition, found.number, found.row)
    return msgspec.structs.replace(shown(request.place.topic, found.row), replay_status=status)


def set_subscription_attribute(txn: Txn, request: StampedSubscriptionAttribute) -> None:
    """Write one attribute of a subscription."""
    found = find_subscription(txn, SubscriptionLookup(request.place))
    if found is None:
        raise SUBSCRIPTION_NOT_FOUND.error()
    attributes = {name: value for name, value in found.row.attributes.items() if name != request.name}
    if request.value:
        attributes[request.name] = request.value
    row = msgspec.structs.replace(found.row, attributes=attributes)
    write_changed(txn, found, row)
    if request.name == REPLAY_POLICY and row.confirmed:
        replaying.begin(txn, found.partition, found.number, row, request.archive, request.now_ms)


def write_changed(txn: Txn, found: FoundSubscription, row: SubscriptionRow) -> None:
    """Write a subscription that is there anew."""
    _put(txn, found.partition, found.number, row)
    _put_counted(txn, found.partition, state_of(txn, found.partition), found.row, row)


def list_subscriptions(txn: ReadTxn, request: StampedSubscriptionList) -> ListedPage:
    """Return at most `limit` subscriptions of an account by id, without their attributes, and without those whose topic
    is gone; a read function.
    """
    prefix = subscription_names_prefix(request.account, request.region)
    start = prefix
    if request.last:
        start = subscription_name_key(request.account, request.region, request.last) + b"\0"
    found = []
    rows = txn.range(start, prefix + b"\xff", request.limit)
    for key, value in rows:
        name = decode_subscription_name(value)
        place = _place_in(name.topic)
        topic = follow(txn, place)
        if topic is not None and topic.partition == name.partition:
            row = SubscriptionRow(
                id=id_in(last_part(key)),
                protocol=name.protocol,
                endpoint=name.endpoint,
                owner=request.account,
                confirmed=name.confirmed,
            )
            found.append(shown(place, row))
    return ListedPage(tuple(found), last_part(rows[-1][0]) if len(rows) == request.limit else "")


def list_by_topic(txn: ReadTxn, request: StampedTopicList) -> NumberedPage:
    """Return at most `limit` subscriptions of a topic by number; a read function."""
    confirm(txn, request.place, request.partition)
    rows = numbered(txn, request.partition, request.last, request.limit)
    page = tuple(shown(request.place, row) for _, row in rows)
    return NumberedPage(page, rows[-1][0] if len(rows) == request.limit else 0)


def numbered(txn: ReadTxn, partition: bytes, last: int, limit: int) -> list[tuple[int, SubscriptionRow]]:
    """Return at most `limit` subscriptions of a topic with their numbers, from behind the number `last`."""
    prefix = subscriptions_prefix(partition)
    rows = txn.range(prefix + u64(last + 1), prefix + b"\xff" * 9, limit)
    return [(int.from_bytes(key[len(prefix) :], "big"), decode_subscription(value)) for key, value in rows]


def _place_in(arn: str) -> TopicPlace:
    _, _, _, region, account, topic = arn.split(":")
    return TopicPlace(account, region, topic)


def shown(topic: TopicPlace, row: SubscriptionRow) -> Subscription:
    """Return a subscription as callers see it: as in SNS, without the password that its endpoint may have."""
    return Subscription(
        place=SubscriptionPlace(topic, row.id),
        protocol=row.protocol,
        endpoint=masked_url(row.endpoint),
        owner=row.owner,
        principal_arn=row.principal_arn,
        attributes=row.attributes,
        confirmed=row.confirmed,
        authenticated=row.authenticated,
    )


def _row(txn: ReadTxn, partition: bytes, number: int) -> SubscriptionRow:
    raw = txn.get(subscription_key(partition, number))
    assert raw is not None, (partition, number)
    return decode_subscription(raw)


def _put(txn: Txn, partition: bytes, number: int, row: SubscriptionRow) -> None:
    txn.put(subscription_key(partition, number), records.encode(row))


def _list_row(txn: Txn, topic: TopicPlace, partition: bytes, row: SubscriptionRow) -> None:
    """Write the directory row of a subscription, by which its account lists it."""
    name = SubscriptionName(
        topic=topic.arn, partition=partition, protocol=row.protocol, endpoint=row.endpoint, confirmed=row.confirmed
    )
    txn.put(listed_key(topic.region, partition, row), records.encode(name))


def _put_counted(
    txn: Txn, partition: bytes, state: TopicState, before: SubscriptionRow | None, after: SubscriptionRow | None
) -> None:
    """Write the topic's counts after a change of one subscription; None where there was none, or is none any more."""
    had, has = (it is not None and FILTER_POLICY in it.attributes for it in (before, after))
    if has and not had and state.filtered >= FILTER_POLICIES_MAX:
        raise FILTER_POLICY_LIMIT_EXCEEDED.error(limit=FILTER_POLICIES_MAX)
    was_confirmed, is_confirmed = (it is not None and it.confirmed for it in (before, after))
    was_pending, is_pending = (it is not None and not it.confirmed for it in (before, after))
    put_state(
        txn,
        partition,
        msgspec.structs.replace(
            state,
            filtered=state.filtered + has - had,
            confirmed=state.confirmed + is_confirmed - was_confirmed,
            pending=state.pending + is_pending - was_pending,
            deleted=state.deleted + (after is None and was_confirmed),
        ),
    )
