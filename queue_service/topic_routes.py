"""Routes: the queue that a subscriber's messages go to now.

A message for a queue of SQS needs that queue's leave: its policy is asked about `sns.amazonaws.com` in the topic's
name, as `delivery` does it for buckets. What was decided is kept with the plan, for as long as the directory says the
same of the queue: so each delivery is decided by what stands there, and few decisions are made. A queue under a key of
KMS needs the key's leave, too, each time: its policy is asked about `sns.amazonaws.com` (SNS developer guide, "Enabling
compatibility between event sources and encrypted topics"). Knows no message.
"""

import logging
import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.errors import ServiceError
from cumulo.queue_service.delivery import QueueTarget
from cumulo.queue_service.keys import QueueName, name_key
from cumulo.queue_service.keys import decode_name as decode_queue_name
from cumulo.queue_service.kms_data_keys import is_refusal_of_key, service_context
from cumulo.queue_service.messages import Outgoing, StampedSend
from cumulo.queue_service.model import is_fifo
from cumulo.queue_service.publishing import QueueDelivery
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.sealing import MessageSeals, Sealing
from cumulo.queue_service.topic_keys import NATIVE, REPLAY, owner_of, replay_key
from cumulo.queue_service.topic_model import TopicPlace
from cumulo.queue_service.topic_plans import Plan, Subscriber
from cumulo.storage.engine import ROOT, Engine, ReadTxn

SUBSCRIBERS_MAX = 500
"""Whose routes are looked up together: up to a millisecond."""
_log = logging.getLogger(__name__)


class Words(NamedTuple):
    """What decides the words: the subscription's protocol, whether it is raw, and whether the queue is a FIFO one."""

    protocol: str
    raw: bool
    fifo: bool


class Route(msgspec.Struct, frozen=True):
    """The way to a subscriber: the queue of SQS of that name with its directory row, else the subscription's own."""

    subscriber: Subscriber
    words: Words
    queue: str = ""
    row: QueueName | None = None
    sealing: Sealing | None = None
    """How what goes there is sealed, of a queue under a key of KMS."""

    @property
    def pulled(self) -> bool:
        """Whether it leads to a native subscription."""
        return self.subscriber.row.protocol == NATIVE

    def delivery(
        self,
        topic: TopicPlace,
        partition: bytes,
        messages: tuple[Outgoing, ...],
        key_id: bytes,
        now_ms: int,
        *,
        with_first: bool,
    ) -> QueueDelivery:
        """Return the delivery of a topic's messages on this way, which were sealed with the key of that id;
        `with_first` says that the first of them is the first of the transaction.
        """
        number, queue = self.subscriber.number, self.subscriber.row.queue
        if self.row is None:
            send = StampedSend(topic.name, queue, messages, b"", now_ms)
            replay = queue + REPLAY if self.pulled else b""
            return QueueDelivery(send, owner_of(partition, number), self.pulled, with_first, replay)
        send = StampedSend(self.queue, self.row.partition, messages, b"", now_ms, key_id)
        return QueueDelivery(send, with_first=with_first, replay=replay_key(partition, number) if topic.fifo else b"")


_Decided = dict[int, tuple[tuple[bytes | None, ...], Route | None]]
"""By a subscriber's number: on which directory rows it was decided, and what."""


class Routes:
    """Finds routes. Arguments: `engine`, `clock`; `target` says what queues refuse; `seals` are theirs."""

    def __init__(self, engine: Engine, clock: Clock, target: QueueTarget, seals: MessageSeals) -> None:
        self._engine = engine
        self._clock = clock
        self._target = target
        self._seals = seals
        self._known: weakref.WeakKeyDictionary[Plan, _Decided] = weakref.WeakKeyDictionary()

    async def of(self, plan: Plan, subscribers: Sequence[Subscriber]) -> dict[int, Route | None]:
        """Return the routes to at most `SUBSCRIBERS_MAX` subscribers by number, None where no queue takes anything."""
        assert len(subscribers) <= SUBSCRIBERS_MAX, len(subscribers)
        keys = tuple(it.directory_keys for it in subscribers)
        found: list[tuple[bytes | None, ...]] = await self._engine.read((ROOT,), _rows, keys)
        known = self._known.setdefault(plan, {})
        routes: dict[int, Route | None] = {}
        for subscriber, rows in zip(subscribers, found, strict=True):
            number = subscriber.number
            decided = known.get(number)
            if decided is None or decided[0] != rows:
                decided = known[number] = (rows, self._decided(plan.place, subscriber, rows))
            route = decided[1]
            if route is not None and route.row is not None and self._seals.asks(route.row):
                route = await self._with_key(plan.place, self._ways(plan.place, subscriber, _queues(subscriber, rows)))
            routes[number] = route
        return routes

    async def to(self, topic: TopicPlace, subscriber: Subscriber, queue: Place) -> Route | None:
        """Return the way to one of a subscriber's queues of SQS, None where it is gone or takes nothing."""
        ((raw,),) = await self._engine.read((ROOT,), _rows, ((name_key(queue.account, queue.region, queue.name),),))
        return await self._with_key(topic, self._ways(topic, subscriber, ((queue, raw),)))

    async def _with_key(self, topic: TopicPlace, ways: Iterable[tuple[Place, Route]]) -> Route | None:
        """Return the first of some ways to queues for which the key service lets the topic use the queue's key."""
        for place, route in ways:
            if route.row is None or not self._seals.asks(route.row):
                return route
            ctx = service_context(topic.arn, topic.account, place.region)
            try:
                sealing = await self._seals.sealing_for(ctx, place.arn, route.row, self._clock.deadline_ms())
            except ServiceError as error:
                if not is_refusal_of_key(error):
                    raise
                _log.warning("a queue takes nothing: %s", error, extra={"queue": place.arn, "topic": topic.arn})
            else:
                return msgspec.structs.replace(route, sealing=sealing)
        return None

    def sealing(self, route: Route) -> Sealing | None:
        """Return how to seal what goes on a way now, None where it is not encrypted."""
        if route.row is None or route.sealing is not None:
            return route.sealing
        return self._seals.sealing(route.row, self._clock.deadline_ms())

    def _decided(self, topic: TopicPlace, subscriber: Subscriber, rows: tuple[bytes | None, ...]) -> Route | None:
        if subscriber.queue is None:
            return Route(subscriber, Words(subscriber.row.protocol, subscriber.raw, topic.fifo))
        for _, route in self._ways(topic, subscriber, _queues(subscriber, rows)):
            return route
        return None

    def _ways(
        self, topic: TopicPlace, subscriber: Subscriber, queues: Iterable[tuple[Place, bytes | None]]
    ) -> Iterator[tuple[Place, Route]]:
        """Return the ways to those of some queues, given with their rows, that take messages of the topic."""
        for place, raw in queues:
            if raw is None:
                continue
            row = decode_queue_name(raw)
            if not self._target.refusal(place, row.policy, topic.arn, topic.account):
                words = Words(subscriber.row.protocol, subscriber.raw, is_fifo(place.name))
                yield place, Route(subscriber, words, place.name, row)


def _queues(subscriber: Subscriber, rows: tuple[bytes | None, ...]) -> Iterable[tuple[Place, bytes | None]]:
    """Return a subscriber's queue of SQS, and its dead-letter queue, with their directory rows."""
    assert subscriber.queue is not None
    places = (subscriber.queue,) if subscriber.dead_letter is None else (subscriber.queue, subscriber.dead_letter)
    return zip(places, rows, strict=True)


def _rows(txn: ReadTxn, keys: tuple[tuple[bytes, ...], ...]) -> list[tuple[bytes | None, ...]]:
    get = txn.get
    return [tuple([get(key) for key in each]) for each in keys]
