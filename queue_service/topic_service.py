"""Topics and subscriptions: the second service of the room, beside that of queues.

Owns what a transaction function must not do: it decides who wants a message and in what words, stamps it, and does the
due work that brings messages on from outboxes. Knows no wire protocol.

A message for a queue of SQS needs that queue's leave: its policy is asked about `sns.amazonaws.com` in the topic's
name, as `delivery` does it for buckets, at each delivery anew.
"""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import TOO_BUSY, ServiceError
from cumulo.core.ids import Randomness
from cumulo.core.operations import Operation, Result
from cumulo.core.tokens import TokenSealer
from cumulo.identity import resource_policy
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.room import Resolved, Room
from cumulo.queue_service import publishing, stamping
from cumulo.queue_service import topic_model as model
from cumulo.queue_service.delivery import QueueTarget
from cumulo.queue_service.endpoint_delivery import Carrier, EndpointDelivery, Target
from cumulo.queue_service.farewells import Farewells
from cumulo.queue_service.keys import StoredMessage
from cumulo.queue_service.messages import Outgoing, OutgoingInGroup, StampedSend
from cumulo.queue_service.model import SendEntry, SentMessage, is_fifo
from cumulo.queue_service.peeking import Looked, StampedLook, peek_messages
from cumulo.queue_service.publishing import QueueDelivery, StampedEnd, StampedFanOut, StampedPublish
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.queues import DirectoryChanged, Found, Lookup
from cumulo.queue_service.queues import follow as follow_queue
from cumulo.queue_service.resolve_topics import (
    RESOLVERS,
    SOURCE_OWNER,
    ResolvedPublish,
    TopicDesk,
    confirmation_token,
    in_force,
    listing_of,
    with_keys,
)
from cumulo.queue_service.sealing import MessageSeals, Sealing
from cumulo.queue_service.subscriptions import (
    ListedPage,
    NumberedPage,
    Subscribed,
    expire,
    expiring_queues,
    shown,
)
from cumulo.queue_service.topic_attributes import topic_place
from cumulo.queue_service.topic_envelopes import CONFIRMATION, Notice, Signer, StoredNotice
from cumulo.queue_service.topic_errors import INVALID_PARAMETER, TOPIC_NOT_FOUND
from cumulo.queue_service.topic_keys import CLEAR_TOPIC, DELIVER, EXPIRE, FAN_OUT, FAREWELL, TopicMeta, owner_of
from cumulo.queue_service.topic_operations import TABLE
from cumulo.queue_service.topic_plans import Plan, Plans, Subscriber, subscriber_of
from cumulo.queue_service.topics import clear_topic, meta_of, queues_to_clear
from cumulo.storage.due_pump import DueHandler
from cumulo.storage.engine import ROOT, Due, Engine, ReadTxn, Txn
from cumulo.storage.remembered import Remembered
from cumulo.storage.tuples import u64

RESOLVES_MAX = 5
"""How often a request is resolved anew whose topic or subscriptions changed at the same time."""
OUTBOX_LOOK_MESSAGES = 50
"""Messages of an outbox that are looked at together."""
_log = logging.getLogger("cumulo.topics")


class _Route(msgspec.Struct, frozen=True):
    """The queue that a subscriber's messages go to: one of SQS with what seals them, else the subscription's own."""

    subscriber: Subscriber
    queue: Place | None
    found: Found | None
    sealing: Sealing | None

    def delivery(
        self, topic: model.TopicPlace, topic_partition: bytes, messages: tuple[Outgoing, ...], now_ms: int
    ) -> QueueDelivery:
        """Return the delivery of messages on this way."""
        if self.queue is None or self.found is None:
            send = StampedSend(topic.name, self.subscriber.row.queue, messages, b"", now_ms)
            return QueueDelivery(send, owner_of(topic_partition, self.subscriber.number))
        key_id = b"" if self.sealing is None else self.sealing.key_id
        return QueueDelivery(StampedSend(self.queue.name, self.found.row.partition, messages, b"", now_ms, key_id))


class _Load:
    """What one transaction delivers: at most as much as fits into it."""

    def __init__(self, topic: model.TopicPlace, topic_partition: bytes, now_ms: int) -> None:
        self.topic = topic
        self.topic_partition = topic_partition
        self.now_ms = now_ms
        self.routes: dict[int, _Route | None] = {}
        self._messages: dict[int, list[Outgoing]] = {}
        self._operations = 0
        self._bytes = 0

    def add(self, number: int, outgoing: Outgoing) -> bool:
        """Take a message for a subscriber; say whether there was room."""
        known = self._messages.get(number)
        operations = self._operations + publishing.operations_of(1)
        if known:
            operations -= publishing.operations_of(0)
        size_bytes = self._bytes + len(outgoing.record)
        if self._messages and (operations > publishing.OPERATIONS_MAX or size_bytes > publishing.BYTES_MAX):
            return False
        self._operations, self._bytes = operations, size_bytes
        known = self._messages.setdefault(number, [])
        known.append(msgspec.structs.replace(outgoing, index=len(known)))
        return True

    def deliveries(self) -> tuple[QueueDelivery, ...]:
        """Return the deliveries, one to each subscriber."""
        found = []
        for number, messages in self._messages.items():
            route = self.routes[number]
            assert route is not None, number
            found.append(route.delivery(self.topic, self.topic_partition, tuple(messages), self.now_ms))
        return tuple(found)

    def partitions(self) -> tuple[bytes, ...]:
        """Return the partitions that the deliveries touch."""
        return tuple(dict.fromkeys(delivery.send.partition for delivery in self.deliveries()))


class TopicService(Room):
    """The topics of a server.

    Arguments: `engine`, `authorizer`, `clock`, `randomness`, `sealer` as for every room; `seals` are those of the
    queues; `signer` signs what subscribers get; `carriers` bring it to endpoints, by protocol.
    """

    table = TABLE

    def __init__(
        self,
        engine: Engine,
        authorizer: Authorizer,
        clock: Clock,
        randomness: Randomness,
        sealer: TokenSealer,
        seals: MessageSeals,
        signer: Signer,
        carriers: Mapping[str, Carrier] = MappingProxyType({}),
    ) -> None:
        super().__init__(engine, authorizer, clock, randomness)
        self.endpoints = EndpointDelivery(
            engine, clock, randomness, sealer, signer, carriers, lambda: self.base_url, self._dead_letter
        )
        self.farewells = Farewells(engine, clock, self.endpoints.tell)
        self.desk = TopicDesk(engine, authorizer, clock, randomness, sealer, self.endpoints.refusal)
        self.base_url = ""
        """Where clients reach the AWS edge; known once the server listens, and before it takes calls."""
        self._signer = signer
        self._plans = Plans(engine)
        self._queues = Remembered(engine, (ROOT,), follow_queue)
        self._seals = seals
        self._target = QueueTarget(engine, seals)
        self._fanning_out: dict[bytes, asyncio.Lock] = {}

    async def start(self) -> None:
        """Begin; there is nothing to do."""

    async def drain(self) -> None:
        """End the deliveries that are under way; what remains is the due index's."""
        await self.farewells.drain()
        await self.endpoints.drain()

    def due_handlers(self) -> Mapping[str, DueHandler]:
        """Return the service's due kinds."""
        return {
            FAN_OUT: self._on_fan_out,
            DELIVER: self.endpoints.on_due,
            FAREWELL: self.farewells.on_due,
            EXPIRE: self._on_expire,
            CLEAR_TOPIC: self._on_clear,
        }

    async def guard(self, arn: str) -> Guard | None:
        """Return what protects the topic of an ARN, None where there is no such topic."""
        with contextlib.suppress(ServiceError):
            place = topic_place(arn, "", "")
            found = await self.desk.find(place)
            return None if found is None else Guard(place.account, found.policy)
        return None

    async def resolve(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Follow the topic's name, check the request and stamp it."""
        resolved = await RESOLVERS[operation.name](self.desk, ctx, operation, request)
        guard = in_force(ctx, operation, resolved.guard)
        if guard.policy:  # the default one is of the owner alone
            checks = with_keys(resolved.checks, {SOURCE_OWNER: ctx.principal.account})
            return msgspec.structs.replace(resolved, guard=guard, checks=checks)
        return resolved if guard is resolved.guard else msgspec.structs.replace(resolved, guard=guard)

    async def call(
        self, ctx: CallContext, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None
    ) -> Result:
        """Run one operation; anew, from the name on, where what it is about changed at the same time."""
        for _ in range(RESOLVES_MAX):
            try:
                result = await super().call(ctx, operation, request, body)
            except DirectoryChanged:
                continue
            if isinstance(request, model.Subscribe):
                await self._ask_queue(result.value)
            return result
        raise TOO_BUSY.error(what="The number of changes to the topic at once", limit=RESOLVES_MAX)

    def present(self, request: Any, resolved: Resolved, value: Any) -> Any:
        """Return the answer for what a function answered."""
        if isinstance(value, model.Topic) and value.policy:
            return msgspec.structs.replace(value, policy=resource_policy.shown(value.policy, self.engine))
        stamped = resolved.request
        if isinstance(request, model.ListTopics):
            listing = listing_of(request, f"{stamped.account}/{stamped.region}")
            last = value[-1].name.encode() if len(value) == stamped.limit else b""
            return model.TopicPage(tuple(value), self.desk.page_token(listing, last))
        if isinstance(value, ListedPage):
            listing = listing_of(request, f"{stamped.account}/{stamped.region}")
            return model.SubscriptionPage(value.subscriptions, self.desk.page_token(listing, value.last.encode()))
        if isinstance(value, NumberedPage):
            listing = listing_of(request, stamped.place.arn)
            last = u64(value.last) if value.last else b""
            return model.SubscriptionPage(value.subscriptions, self.desk.page_token(listing, last))
        if isinstance(value, Subscribed):
            return shown(stamped.place, value.row)
        if isinstance(request, model.CreateTopic):
            return stamped.place
        return value

    async def _ask_queue(self, made: model.Subscription) -> None:
        """Send a queue that another account subscribed the message by which its owner confirms; each Subscribe does, so
        that one lost to a crash can be had again. A queue that lets the topic send nothing is not asked.
        """
        found = None if made.confirmed or made.protocol != "sqs" else await self.desk.find_subscription(made.place)
        meta = None if found is None else await self.engine.read((found.partition,), meta_of, found.partition)
        if found is None or meta is None:
            return
        place = made.place.topic
        subscriber = msgspec.structs.replace(subscriber_of(found.number, found.row), raw=True)
        route = await self._route_to(subscriber, (subscriber.queue,), place)
        if route is None or route.queue is None:
            return
        message_id, wall_ms, now_ms = self.desk.new_id(), self.clock.wall_ms(), self.clock.deadline_ms()
        token = confirmation_token(self.desk.sealer, found.partition, found.number, found.row.nonce)
        asking = self._notice(meta, place, model.PublishEntry(body=""), message_id, wall_ms, "")
        _, _, document = asking.asking(CONFIRMATION, made.place.arn, token)
        group_id = made.place.id if is_fifo(route.queue.name) else None
        entry = model.PublishEntry(body=document, group_id=group_id, deduplication_id=message_id)
        notice = self._notice(meta, place, entry, message_id, wall_ms, "")
        outgoing = self._outgoing(route, place, notice, entry, message_id, wall_ms, now_ms)
        delivery = route.delivery(place, found.partition, (outgoing,), now_ms)
        with contextlib.suppress(DirectoryChanged):  # the queue is gone, and with it whom to ask
            await self.engine.transact((delivery.send.partition,), publishing.deliver, (delivery,))

    # Publishing

    async def publish(self, ctx: CallContext, resolved: ResolvedPublish) -> tuple[model.PublishAnswer, ...]:
        """Publish messages: durable, and on their way to every subscriber, when this returns."""
        del ctx
        place, request = resolved.request
        plan = await self._plans.of(resolved.partition)
        if plan is None:
            raise TOPIC_NOT_FOUND.error()
        if place.fifo and plan.meta.attributes.get("ContentBasedDeduplication") != "true":
            _check_deduplication_ids(request.entries)
        seed = self.randomness.token_bytes(stamping.SEED_BYTES)
        ids = stamping.message_ids(seed, len(request.entries))
        wall_ms, now_ms = self.clock.wall_ms(), self.clock.deadline_ms()
        if not place.fifo:
            numbered = list(zip(request.entries, ids, strict=True))
            load = await self._deliveries(plan, place, numbered, wall_ms, now_ms)
            if load is not None:
                stamped = StampedPublish(resolved.partition, plan.version, load.deliveries(), seed=seed)
                await self.engine.transact((resolved.partition, *load.partitions()), publishing.publish, stamped)
                return tuple(SentMessage(message_id, "") for message_id in ids)
        stored = [
            self._stored(place, entry, message_id, index, wall_ms, now_ms)
            for index, (entry, message_id) in enumerate(zip(request.entries, ids, strict=True))
        ]
        send = StampedSend(place.name, plan.meta.outbox, tuple(stored), seed, now_ms)
        stamped = StampedPublish(resolved.partition, plan.version, (), send, seed)
        outcome = await self.engine.transact((resolved.partition, plan.meta.outbox), publishing.publish, stamped)
        sent: Sequence[SentMessage] = [SentMessage(message_id, "") for message_id in ids]
        if outcome.first_seq:
            sent = stamping.sent_to_fifo(sent, {refused.index for refused in outcome.refused}, outcome)
        refused = {it.index: stamping.item_error(it.error()) for it in outcome.refused}
        return tuple(refused.get(index, it) for index, it in enumerate(sent))

    async def _deliveries(
        self,
        plan: Plan,
        place: model.TopicPlace,
        entries: list[tuple[model.PublishEntry, str]],
        wall_ms: int,
        now_ms: int,
    ) -> "_Load | None":
        """Return what to send to whom at once; None where it is too much for one transaction."""
        load = _Load(place, plan.partition, now_ms)
        for entry, message_id in entries:
            notice = self._notice(plan.meta, place, entry, message_id, wall_ms, "")
            for subscriber in plan.wanting(entry):
                number = subscriber.number
                if number not in load.routes:
                    load.routes[number] = await self._route(subscriber, place)
                route = load.routes[number]
                if route is not None:
                    outgoing = self._outgoing(route, place, notice, entry, message_id, wall_ms, now_ms)
                    if not load.add(number, outgoing):
                        return None
        return load

    async def _route(self, subscriber: Subscriber, topic: model.TopicPlace) -> "_Route | None":
        """Return the queue that a subscriber's messages go to now; None where nobody may have them."""
        if subscriber.queue is None:
            return _Route(subscriber, None, None, None)
        return await self._route_to(subscriber, (subscriber.queue, subscriber.dead_letter), topic)

    async def _route_to(
        self, subscriber: Subscriber, queues: tuple[Place | None, ...], topic: model.TopicPlace
    ) -> "_Route | None":
        """Return the first of some queues that is there and takes messages of the topic."""
        for queue in queues:
            found: Found | None = None if queue is None else await self._queues.read(Lookup(queue))
            if queue is None or found is None:
                continue
            if not self._target.refusal(queue, found.row.policy, topic.arn, topic.account):
                return _Route(subscriber, queue, found, self._seals.sealing(found.row, self.clock.deadline_ms()))
        return None

    async def _dead_letter(self, target: Target, notice: Notice, stored: StoredNotice) -> QueueDelivery | None:
        """Return how a message that an endpoint did not take reaches its dead-letter queue."""
        place, subscriber = target.place.topic, subscriber_of(target.number, target.row)
        route = await self._route_to(subscriber, (subscriber.dead_letter,), place)
        if route is None:
            return None
        now_ms = self.clock.deadline_ms()
        outgoing = self._outgoing(route, place, notice, stored.entry, stored.message_id, stored.published_ms, now_ms)
        return route.delivery(place, target.partition, (outgoing,), now_ms)

    def _notice(
        self,
        meta: TopicMeta,
        place: model.TopicPlace,
        entry: model.PublishEntry,
        message_id: str,
        wall_ms: int,
        sequence_number: str,
    ) -> Notice:
        version = meta.attributes.get("SignatureVersion", "1")
        return Notice(place, entry, message_id, wall_ms, sequence_number, version, self.base_url, self._signer)

    def _outgoing(
        self,
        route: "_Route",
        place: model.TopicPlace,
        notice: Notice,
        entry: model.PublishEntry,
        message_id: str,
        wall_ms: int,
        now_ms: int,
    ) -> Outgoing:
        """Return the message that a subscriber's queue gets."""
        subscriber = route.subscriber
        if route.queue is None:
            return self._stored(place, entry, message_id, 0, wall_ms, now_ms)
        arn = f"{place.arn}:{subscriber.row.id}"
        protocol = subscriber.row.protocol
        text = notice.text(protocol) if subscriber.raw else notice.document(protocol, arn)
        fifo = is_fifo(route.queue.name)
        sent = SendEntry(
            text.encode(),
            entry.attributes if subscriber.raw else (),
            trace_header=entry.trace_header,
            # A FIFO topic orders its messages itself; only a standard one hands on whose fair share they are.
            group_id=entry.group_id if fifo or not place.fifo else None,
            deduplication_id=(entry.deduplication_id or _by_content(entry)) if fifo else None,
        )
        seed = hashlib.sha256(f"{message_id}/{subscriber.number}".encode()).digest()[: stamping.SEED_BYTES]
        messages, _, invalid = stamping.stamp_entries(
            (sent,), seed, place.account, wall_ms, now_ms, fifo=fifo, sealing=route.sealing
        )
        for error in invalid.values():
            raise error
        return messages[0]

    def _stored(
        self, place: model.TopicPlace, entry: model.PublishEntry, message_id: str, index: int, wall_ms: int, now_ms: int
    ) -> Outgoing:
        """Return a message as it lies in the topic's outbox, or in a subscription's own queue."""
        in_group = None
        if place.fifo:
            deduplication_id = entry.deduplication_id or _by_content(entry)
            in_group = OutgoingInGroup(
                message_id, entry.group_id or "", deduplication_id, entry.deduplication_id is None
            )
        return StoredNotice(entry, message_id, wall_ms).outgoing(index, now_ms, in_group)

    # Outboxes

    async def _on_fan_out(self, entries: list[Due]) -> None:
        await asyncio.gather(*(self._empty(entry) for entry in entries))

    async def _empty(self, entry: Due) -> None:
        """Deliver everything that lies in an outbox; the due entry's payload is the topic's partition."""
        outbox, partition = entry.key, entry.payload
        lock = self._fanning_out.setdefault(outbox, asyncio.Lock())
        async with lock:
            done = False
            while not done:
                plan = await self._plans.of(partition)
                if plan is None or not await self._deliver_some(plan, outbox):
                    stamped = StampedEnd(entry, self.clock.deadline_ms())
                    done = await self.engine.transact((outbox,), publishing.end, stamped, grows=False) or plan is None
        if not lock.locked():
            self._fanning_out.pop(outbox, None)

    async def _deliver_some(self, plan: Plan, outbox: bytes) -> bool:
        """Deliver the outbox's first messages, as many as fit into one commit; say whether there were any."""
        place = model.TopicPlace(plan.meta.account, plan.meta.region, plan.meta.name)
        now_ms, wall_ms = self.clock.deadline_ms(), self.clock.wall_ms()
        look = StampedLook(place.name, outbox, 0, OUTBOX_LOOK_MESSAGES, now_ms, wall_ms)
        looked: Looked = await self.engine.read((outbox,), peek_messages, look)
        if not looked.messages:
            return False
        first = looked.messages[0][0]
        after = await self.engine.read((outbox,), _progress, (outbox, first))
        load = _Load(place, plan.partition, now_ms)
        done: list[tuple[int, str]] = []
        upto: int | None = None
        for seq, stored, _ in looked.messages:
            upto = await self._load(load, plan, seq, stored, after if seq == first else 0)
            if upto is not None:
                break
            done.append((seq, stored.group_id))
        request = StampedFanOut(
            outbox,
            first,
            after,
            tuple(done),
            looked.messages[len(done)][0] if upto else 0,
            upto or 0,
            load.deliveries(),
            now_ms,
        )
        with contextlib.suppress(DirectoryChanged):  # a queue or its key is another by now: route anew
            await self.engine.transact((outbox, *load.partitions()), publishing.fan_out, request)
        return True

    async def _load(self, load: "_Load", plan: Plan, seq: int, stored: StoredMessage, after: int) -> int | None:
        """Load a message for the subscribers behind the number `after`; return None where it goes to all of them, else
        up to which it does, as there was room for no more.
        """
        it = msgspec.msgpack.decode(stored.body, type=StoredNotice)
        place = load.topic
        sequence_number = stamping.sequence_number(seq) if place.fifo else ""
        notice = self._notice(plan.meta, place, it.entry, it.message_id, it.published_ms, sequence_number)
        upto = after
        for subscriber in plan.wanting(it.entry):
            if subscriber.number <= after:
                continue
            number = subscriber.number
            if number not in load.routes:
                load.routes[number] = await self._route(subscriber, place)
            route = load.routes[number]
            if route is not None:
                outgoing = self._outgoing(route, place, notice, it.entry, it.message_id, it.published_ms, load.now_ms)
                if not load.add(number, outgoing):
                    return upto
            upto = number
        return None

    # Other due work

    async def _on_expire(self, entries: list[Due]) -> None:
        await asyncio.gather(*(self._remove(entry, entry.key[:8], expiring_queues, expire) for entry in entries))

    async def _on_clear(self, entries: list[Due]) -> None:
        await asyncio.gather(*(self._remove(entry, entry.key, queues_to_clear, clear_topic) for entry in entries))

    async def _remove(
        self,
        entry: Due,
        partition: bytes,
        queues: Callable[[ReadTxn, Due], tuple[bytes, ...]],
        function: Callable[[Txn, Due], None],
    ) -> None:
        """Remove subscriptions of a topic with the queues of their own."""
        found = await self.engine.read((partition,), queues, entry)
        await self.engine.transact((ROOT, partition, *found), function, entry, grows=False)


def _progress(txn: Any, request: tuple[bytes, int]) -> int:
    return publishing.progress(txn, *request)


def _check_deduplication_ids(entries: Sequence[model.PublishEntry]) -> None:
    if not all(entry.deduplication_id for entry in entries):
        raise INVALID_PARAMETER.error(
            text="The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
            "explicitly"
        )


def _by_content(entry: model.PublishEntry) -> str:
    """Return the deduplication id of a message that was given none."""
    return hashlib.sha256(entry.body.encode()).hexdigest()
