"""Native subscriptions: make, look at, change.

Such a subscription is a row as every other, with a queue of its own, whose settings are the queue's: how long a message
is held back, how long it is kept, how often it is delivered. Who receives from it goes by `subscription_sources` to the
functions of queues. It is confirmed from the start, for nobody is sent anything.
"""

from typing import Any

import msgspec

from cumulo.core.names import resource_name
from cumulo.queue_service import own_queues, redrive_allow, topic_sizes
from cumulo.queue_service.errors import QUEUE_DOES_NOT_EXIST
from cumulo.queue_service.keys import COUNTERS, META, QueueName, decode_counters, decode_meta
from cumulo.queue_service.keys import decode_name as decode_queue_name
from cumulo.queue_service.keys import name_key as queue_name_key
from cumulo.queue_service.native_model import IN_ATTRIBUTES, NativePlace, NativeSubscription
from cumulo.queue_service.own_queues import OwnSettings
from cumulo.queue_service.queues import DirectoryChanged
from cumulo.queue_service.subscriptions import FILTER_POLICY, FoundSubscription, write_changed, write_new
from cumulo.queue_service.topic_errors import (
    INVALID_PARAMETER,
    SUBSCRIPTION_EXISTS,
    SUBSCRIPTION_LIMIT_EXCEEDED,
    SUBSCRIPTION_NOT_FOUND,
)
from cumulo.queue_service.topic_keys import (
    JOB_TEMPLATE,
    NAMED,
    NATIVE,
    REPLAY,
    SubscriptionRow,
    decode_replay,
    decode_subscription,
    id_key,
    subscription_key,
)
from cumulo.queue_service.topic_model import FIFO_SUBSCRIPTIONS_MAX, SUBSCRIPTIONS_MAX
from cumulo.queue_service.topics import confirm, meta_of, state_of
from cumulo.storage.engine import ReadTxn, Txn

FILTER_SCOPE = "FilterPolicyScope"


class Settings(msgspec.Struct, frozen=True):
    """What a native subscription is to be like: `attributes` are SNS's, its filter."""

    attributes: dict[str, str]
    queue: OwnSettings
    dead_letter_name: str


class StampedMake(msgspec.Struct, frozen=True):
    """A native subscription to make, should there be none of its name. `queue` is a partition that nobody has used;
    `given` are the settings that were given, by the names of `NativeSubscription`.
    """

    place: NativePlace
    partition: bytes
    row: SubscriptionRow
    settings: Settings
    given: dict[str, Any]
    queue: bytes
    now_ms: int


class StampedChangeOf(msgspec.Struct, frozen=True):
    """Settings to write; decided on `before`, what they were. `on_behalf_of` is in whose name jobs are submitted."""

    place: NativePlace
    partition: bytes
    before: NativeSubscription
    settings: Settings
    queue: bytes
    now_ms: int
    on_behalf_of: bytes = b""


class StampedNative(msgspec.Struct, frozen=True):
    """A native subscription to look at."""

    place: NativePlace
    partition: bytes


def find_native(txn: ReadTxn, request: StampedNative) -> FoundSubscription | None:
    """Return a native subscription of a topic; None where there is none. A read function."""
    found = find_named(txn, request)
    return found if found is not None and found.row.protocol == NATIVE else None


def find_named(txn: ReadTxn, request: StampedNative) -> FoundSubscription | None:
    """Return a subscription that bears a name: a native one, or one of jobs. A read function."""
    number = txn.get(id_key(request.partition, request.place.name))
    if number is None:
        return None
    at = int.from_bytes(number, "big")
    raw = txn.get(subscription_key(request.partition, at))
    assert raw is not None, (request.partition, at)
    row = decode_subscription(raw)
    return FoundSubscription(request.partition, at, row, "") if row.protocol in NAMED else None


def open_native(txn: ReadTxn, request: StampedNative) -> FoundSubscription:
    """As `find_native`; raises where the topic, or the subscription, is not there."""
    found = open_named(txn, request)
    if found.row.protocol != NATIVE:
        raise SUBSCRIPTION_NOT_FOUND.error()
    return found


def open_named(txn: ReadTxn, request: StampedNative) -> FoundSubscription:
    """As `find_named`; raises where the topic, or the subscription, is not there."""
    confirm(txn, request.place.topic, request.partition)
    found = find_named(txn, request)
    if found is None:
        raise SUBSCRIPTION_NOT_FOUND.error()
    return found


def make_subscription(txn: Txn, request: StampedMake) -> None:
    """Make a native subscription, or find the one of its name, which must not differ in a given setting."""
    place, partition = request.place, request.partition
    confirm(txn, place.topic, partition)
    meta = meta_of(txn, partition)
    assert meta is not None, partition
    known = find_named(txn, StampedNative(place, partition))
    if known is not None:
        if known.row.queue != request.queue:
            raise DirectoryChanged
        if known.row.protocol != request.row.protocol:
            raise SUBSCRIPTION_EXISTS.error(attribute="job_template")
        there = _shown(txn, place, known.row)
        for name, value in request.given.items():
            if getattr(there, name) != value:
                raise SUBSCRIPTION_EXISTS.error(attribute=name)
        return
    if txn.get(request.queue + META) is not None:
        raise DirectoryChanged
    state = state_of(txn, partition)
    topic_sizes.check_subscriber(meta.attributes, request.row.protocol, state.confirmed + state.pending)
    limit = FIFO_SUBSCRIPTIONS_MAX if place.topic.fifo else SUBSCRIPTIONS_MAX
    if state.confirmed + state.pending >= limit:
        raise SUBSCRIPTION_LIMIT_EXCEEDED.error(limit=limit)
    _check_dead_letter(txn, place, request.settings.dead_letter_name)
    own_queues.make(txn, request.queue, meta, fifo=place.topic.fifo)
    _set_up(txn, request.queue, place, request.settings, request.now_ms)
    row = msgspec.structs.replace(
        request.row,
        queue=request.queue,
        attributes=request.settings.attributes,
        dead_letter_name=request.settings.dead_letter_name,
    )
    write_new(txn, place.topic, partition, state.next_number, row)


def get_native(txn: ReadTxn, request: StampedNative | StampedMake | StampedChangeOf) -> NativeSubscription:
    """Return a native subscription; a read function."""
    return _shown(txn, request.place, open_named(txn, StampedNative(request.place, request.partition)).row)


def change_subscription(txn: Txn, request: StampedChangeOf) -> None:
    """Change settings of a native subscription; raises `DirectoryChanged` where they are others than were seen."""
    found = open_named(txn, StampedNative(request.place, request.partition))
    if found.row.queue != request.queue or _settings_of(_shown(txn, request.place, found.row)) != _settings_of(
        request.before
    ):
        raise DirectoryChanged
    if request.settings.dead_letter_name != found.row.dead_letter_name:
        _check_dead_letter(txn, request.place, request.settings.dead_letter_name)
    _set_up(txn, request.queue, request.place, request.settings, request.now_ms)
    row = msgspec.structs.replace(
        found.row,
        attributes=request.settings.attributes,
        dead_letter_name=request.settings.dead_letter_name,
        on_behalf_of=request.on_behalf_of,
    )
    write_changed(txn, found, row)


def _set_up(txn: Txn, queue: bytes, place: NativePlace, settings: Settings, now_ms: int) -> None:
    name = f"{place.topic.name}/{place.short_name}"
    own_queues.configure(txn, queue, name, settings.queue, now_ms)


def _settings_of(it: NativeSubscription) -> NativeSubscription:
    return msgspec.structs.replace(it, message_count=0, in_flight_count=0, is_replaying=False)


def _check_dead_letter(txn: ReadTxn, place: NativePlace, name: str) -> None:
    """Raise where the dead-letter queue is not there, or does not allow to be one for this subscription."""
    if not name:
        return
    topic = place.topic
    raw = txn.get(queue_name_key(topic.account, topic.region, name))
    if raw is None:
        raise QUEUE_DOES_NOT_EXIST.error(queue=name)
    row: QueueName = decode_queue_name(raw)
    if not redrive_allow.parse(row.redrive_allow_policy).allows(place.arn):
        raise INVALID_PARAMETER.error(text="dead_letter_queue Reason: its redrive allow policy does not allow it")


def _shown(txn: ReadTxn, place: NativePlace, row: SubscriptionRow) -> NativeSubscription:
    raw_meta, raw_counters = txn.get(row.queue + META), txn.get(row.queue + COUNTERS)
    assert raw_meta is not None, row.queue
    assert raw_counters is not None, row.queue
    meta, counters = decode_meta(raw_meta), decode_counters(raw_counters)
    replay = txn.get(row.queue + REPLAY)
    topic = place.topic
    dead_letter = resource_name(topic.account, topic.region, "queues", row.dead_letter_name)
    return NativeSubscription(
        place=place,
        create_ms=row.create_ms,
        filter_policy=row.attributes.get(FILTER_POLICY, ""),
        filter_scope=row.attributes.get(FILTER_SCOPE, IN_ATTRIBUTES),
        ack_deadline_s=meta.visibility_timeout_s,
        retention_s=meta.message_retention_s,
        dead_letter_queue=dead_letter if row.dead_letter_name else "",
        max_deliveries=meta.max_receive_count,
        message_count=counters.ready,
        in_flight_count=counters.leased,
        is_replaying=replay is not None and not decode_replay(replay).is_live,
        job_template=row.attributes.get(JOB_TEMPLATE, ""),
    )
