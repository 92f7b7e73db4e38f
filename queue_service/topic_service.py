"""Topics and subscriptions: the second service of the room, beside that of queues.

Owns the calls: who may, what is answered, and what a publish does at once. Who wants a message is `topic_plans`', on
which way it goes `topic_routes`', in what words `topic_copies`', and what does not go at once `topic_outboxes`'. Knows
no wire protocol.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.ids import Randomness
from cumulo.core.operations import Operation, Result
from cumulo.core.ports import JobSubmitter
from cumulo.core.tokens import TokenSealer
from cumulo.identity import resource_policy
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.room import Resolved
from cumulo.identity.snapshots import read_now
from cumulo.queue_service import (
    native_model,
    publishing,
    resolve_native,
    resolve_short_messages,
    resolve_subscriptions,
    resolve_topics,
    short_messages,
    stamping,
    topic_sizes,
)
from cumulo.queue_service import topic_model as model
from cumulo.queue_service.delivery import QueueTarget
from cumulo.queue_service.endpoint_delivery import Carrier, EndpointDelivery, NotTaken, Target
from cumulo.queue_service.entrances import CLEAR_TOPIC, DELIVER, EXPIRE, FAN_OUT, FAREWELL, REFILL, REPLAY_DUE
from cumulo.queue_service.farewells import Farewells
from cumulo.queue_service.job_carrier import JobCarrier
from cumulo.queue_service.leases import Outcome
from cumulo.queue_service.message_model import SentMessage
from cumulo.queue_service.messages import StampedSend
from cumulo.queue_service.model import is_fifo
from cumulo.queue_service.named_room import NamedRoom
from cumulo.queue_service.native_subscriptions import get_native
from cumulo.queue_service.notice_seals import NoticeSeals
from cumulo.queue_service.publishing import QueueDelivery, StampedPublish
from cumulo.queue_service.queues import DirectoryChanged
from cumulo.queue_service.refills import Refills
from cumulo.queue_service.replays import Replays
from cumulo.queue_service.resolve_subscriptions import confirmation_token
from cumulo.queue_service.resolve_topics import ResolvedPublish
from cumulo.queue_service.sealed_notices import notice_bytes
from cumulo.queue_service.sealing import MessageSeals, Sealing
from cumulo.queue_service.seeking import get_snapshot
from cumulo.queue_service.subscriptions import (
    ListedPage,
    NumberedPage,
    Subscribed,
    expire,
    expiring_queues,
    shown,
)
from cumulo.queue_service.topic_attributes import KMS_KEY, topic_place
from cumulo.queue_service.topic_copies import Copies, kept, sign
from cumulo.queue_service.topic_envelopes import CONFIRMATION, Notice, Signer, StoredNotice
from cumulo.queue_service.topic_errors import INVALID_PARAMETER, NOT_TAKEN, TOPIC_NOT_FOUND
from cumulo.queue_service.topic_keys import JOB
from cumulo.queue_service.topic_loads import Load, copies_ids
from cumulo.queue_service.topic_operations import TABLE
from cumulo.queue_service.topic_outboxes import Outboxes
from cumulo.queue_service.topic_plans import Plan, Plans, has_documents, subscriber_of
from cumulo.queue_service.topic_resolving import SOURCE_OWNER, TopicDesk, in_force, listing_of, with_keys
from cumulo.queue_service.topic_routes import Route, Routes
from cumulo.queue_service.topics import clear_topic, get_topic, meta_of, queues_to_clear
from cumulo.storage.due_pump import DueHandler
from cumulo.storage.engine import ROOT, Due, Engine, ReadTxn, Txn
from cumulo.storage.idempotency import Once, check_request_id, run_once

REQUEST_WINDOW_MS = 600_000
"""How long the request id of a publish is remembered: 10 minutes, as for queues."""
_RESOLVERS = {
    **resolve_topics.RESOLVERS,
    **resolve_subscriptions.RESOLVERS,
    **resolve_native.RESOLVERS,
    **resolve_short_messages.RESOLVERS,
}


class TopicService(NamedRoom):
    """The topics of a server.

    Arguments: `engine`, `authorizer`, `clock`, `randomness`, `sealer` as for every room; `seals` are those of the
    queues; `signer` signs what subscribers get; `carriers` bring it to endpoints, by protocol; `jobs` is the runner.
    `notice_seals` seal and open what waits in topics under keys of KMS, where there is a key service.
    """

    table = TABLE
    resolves_max = 5
    """More than of a queue: not only a topic may have changed, but each of its subscriptions."""
    changes = "The number of changes to the topic at once"

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
        jobs: JobSubmitter | None = None,
        notice_seals: NoticeSeals | None = None,
    ) -> None:
        super().__init__(engine, authorizer, clock, randomness)
        if jobs is not None:
            carriers = {**carriers, JOB: JobCarrier(jobs)}
        self.endpoints = EndpointDelivery(
            engine, clock, randomness, sealer, signer, carriers, lambda: self.base_url, self._dead_letter, notice_seals
        )
        self.farewells = Farewells(engine, clock, self.endpoints.tell)
        self.desk = TopicDesk(engine, authorizer, clock, randomness, sealer, self.endpoints.refusal, jobs)
        self.base_url = ""
        """Where clients reach the AWS edge; known once the server listens, and before it takes calls."""
        self._signer = signer
        self._seals = notice_seals
        self._plans = Plans(engine)
        self._routes = Routes(engine, clock, QueueTarget(engine, seals), seals)
        self._ids = copies_ids(randomness)
        self.refills = Refills(engine, clock, self._plans, notice_seals)
        self._outboxes = Outboxes(engine, clock, self._plans, self._routes, self._copies, self._ids, notice_seals)
        self.replays = Replays(engine, clock, self._plans, self._routes, self._replayed, self._ids, notice_seals)

    def begin(self) -> None:
        """Begin; there is nothing to do."""

    def close(self) -> None:
        """Begin no deliveries to endpoints from now on."""
        self.farewells.close()
        self.endpoints.close()

    async def drain(self) -> None:
        """End the deliveries that are under way; what remains is the due index's."""
        await asyncio.gather(self.farewells.drain(), self.endpoints.drain())

    def due_handlers(self) -> Mapping[str, DueHandler]:
        """Return the service's due kinds."""
        return {
            FAN_OUT: self._outboxes.on_due,
            DELIVER: self.endpoints.on_due,
            FAREWELL: self.farewells.on_due,
            EXPIRE: self._on_expire,
            CLEAR_TOPIC: self._on_clear,
            REFILL: self.refills.run,
            REPLAY_DUE: self.replays.run,
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
        resolved = await _RESOLVERS[operation.name](self.desk, ctx, operation, request)
        guard = in_force(ctx, operation, resolved.guard)
        if guard.policy:  # the default one is of the owner alone
            checks = with_keys(resolved.checks, {SOURCE_OWNER: ctx.principal.account})
            return msgspec.structs.replace(resolved, guard=guard, checks=checks)
        return resolved if guard is resolved.guard else msgspec.structs.replace(resolved, guard=guard)

    async def call(
        self, ctx: CallContext, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None
    ) -> Result:
        """Run one operation, and ask the queue of another account that was subscribed by it."""
        result = await super().call(ctx, operation, request, body)
        if isinstance(request, model.Subscribe):
            await self._ask_queue(result.value)
        return result

    def present(self, request: Any, resolved: Resolved, value: Any) -> Any:
        """Return the answer for what a function answered."""
        if isinstance(request, native_model.UpdateTopic):
            value = read_now(self.engine, resolved.partitions, get_topic, resolved.request)
        elif isinstance(request, native_model.CreateSubscription | native_model.UpdateSubscription):
            value = read_now(self.engine, resolved.partitions, get_native, resolved.request)
        elif isinstance(request, native_model.CreateSnapshot):
            value = read_now(self.engine, resolved.partitions, get_snapshot, resolved.request)
        if isinstance(value, model.Topic):
            return self._shown(value)
        stamped = resolved.request
        if isinstance(request, model.ListTopics):
            listing = listing_of(request, f"{stamped.account}/{stamped.region}")
            last = value[-1].name if len(value) == stamped.limit else ""
            return model.TopicPage(tuple(value), self.desk.page_token(listing, last))
        if isinstance(value, ListedPage):
            listing = listing_of(request, f"{stamped.account}/{stamped.region}")
            return model.SubscriptionPage(value.subscriptions, self.desk.page_token(listing, value.last))
        if isinstance(value, NumberedPage):
            listing = listing_of(request, stamped.place.arn)
            last = str(value.last) if value.last else ""
            return model.SubscriptionPage(value.subscriptions, self.desk.page_token(listing, last))
        if isinstance(value, Subscribed):
            return shown(stamped.place, value.row)
        if isinstance(request, model.CreateTopic):
            return stamped.place
        return value

    def _shown(self, topic: model.Topic) -> model.Topic:
        """Return a topic as callers see it: its policy as it was written, and from when on it keeps what now."""
        if topic.policy:
            topic = msgspec.structs.replace(topic, policy=resource_policy.shown(topic.policy, self.engine))
        if topic.keep_s:
            from_ms = max(topic.kept_from_ms, self.clock.wall_ms() - topic.keep_s * 1000)
            topic = msgspec.structs.replace(topic, kept_from_ms=from_ms)
        return topic

    async def _ask_queue(self, made: model.Subscription) -> None:
        """Send a queue that another account subscribed the message by which its owner confirms; each Subscribe does, so
        that one lost to a crash can be had again. A queue that lets the topic send nothing is not asked.
        """
        found = None if made.confirmed or made.protocol != "sqs" else await self.desk.find_subscription(made.place)
        meta = None if found is None else await self.engine.read((found.partition,), meta_of, found.partition)
        if found is None or meta is None:
            return
        subscriber = msgspec.structs.replace(subscriber_of(found.number, found.row), raw=True)
        plan = Plan(found.partition, meta, 0, [])
        asked = None if subscriber.queue is None else await self._routes.to(plan.place, subscriber, subscriber.queue)
        if asked is None:
            return
        message_id, wall_ms = self.desk.new_id(), self.clock.wall_ms()
        token = confirmation_token(self.desk.sealer, found.partition, found.number, found.row.nonce)
        asking = self._notice(plan, StoredNotice(model.PublishEntry(body=""), message_id, wall_ms), "")
        _, _, document = asking.asking(CONFIRMATION, made.place.arn, token)
        group_id = made.place.id if asked.words.fifo else None
        entry = model.PublishEntry(body=document, group_id=group_id, deduplication_id=message_id)
        copies = self._copies(plan, StoredNotice(entry, message_id, wall_ms), "", self.clock.deadline_ms())
        delivery = self._one(plan.place, found.partition, asked, copies)
        if delivery is not None:
            with contextlib.suppress(DirectoryChanged):  # the queue is gone, and with it whom to ask
                await self.engine.transact((delivery.send.partition,), publishing.deliver, (delivery,))

    # Publishing

    async def publish(
        self, ctx: CallContext, resolved: ResolvedPublish, asker: CallContext | None = None
    ) -> tuple[model.PublishAnswer, ...]:
        """Publish messages: durable, and on their way to every subscriber, when this returns.

        A topic's key of KMS is asked in the name of `asker`, of the caller where there is none other; raises what
        forbids it, `KMS*`.
        """
        place, request = resolved.request
        plan = await self._plans.of(resolved.partition)
        if plan is None:
            raise TOPIC_NOT_FOUND.error()
        topic_sizes.check_messages(request, plan.message_bytes_max)
        if place.fifo and plan.meta.attributes.get("ContentBasedDeduplication") != "true":
            _check_deduplication_ids(request.entries)
        key_id = plan.meta.attributes.get(KMS_KEY, "")
        sealing = None
        if key_id and self._seals is not None:
            sealing = await self._seals.sealing(asker or ctx, place.arn, key_id, self.clock.deadline_ms())
        seed = self.randomness.token_bytes(stamping.SEED_BYTES)
        ids = stamping.message_ids(seed, len(request.entries))
        wall_ms, now_ms = self.clock.wall_ms(), self.clock.deadline_ms()
        published = [StoredNotice(entry, it, wall_ms) for entry, it in zip(request.entries, ids, strict=True)]
        load = None if place.fifo else await self._load(plan, published, now_ms, sealing)
        if load is not None:
            deliveries = load.deliveries()
            keep = load.kept()
            stamped = StampedPublish(resolved.partition, plan.revision, deliveries, seed=seed, kept=keep)
            partitions = dict.fromkeys((resolved.partition, *(it.send.partition for it in deliveries)))
            if keep is not None:
                partitions[keep.archive] = None
            outcome = await self._once(ctx, request, tuple(partitions), stamped)
            if outcome.seed != seed:
                ids = stamping.message_ids(outcome.seed, len(ids))
            return tuple(SentMessage(message_id, "") for message_id in ids)
        stored = tuple(kept(place, it, index, now_ms, sealing) for index, it in enumerate(published))
        send = StampedSend(place.name, plan.meta.outbox, stored, seed, now_ms)
        stamped = StampedPublish(resolved.partition, plan.revision, (), send, seed)
        outcome = await self._once(ctx, request, (resolved.partition, plan.meta.outbox), stamped)
        if outcome.seed != seed:
            ids = stamping.message_ids(outcome.seed, len(ids))
        sent: Sequence[SentMessage] = [SentMessage(message_id, "") for message_id in ids]
        if outcome.first_seq:
            refused_at = {refused.index for refused in outcome.refused}
            sent = stamping.sent_to_fifo(sent, refused_at, outcome, stamping.topic_sequence_number)
        refused = {it.index: stamping.item_error(it.error()) for it in outcome.refused}
        return tuple(refused.get(index, it) for index, it in enumerate(sent))

    async def send_short_message(self, request: short_messages.SendShortMessage) -> str:
        """Record a short message to a telephone number; return its id."""
        message_id = self.desk.new_id()
        number, text = request.phone_number, request.text
        try:
            await self.endpoints.carry_text(short_messages.SMS, number, text, message_id, self.clock.wall_ms())
        except NotTaken as reason:
            raise NOT_TAKEN.error(reason=reason) from reason
        return message_id

    async def _once(
        self, ctx: CallContext, request: model.Publish, partitions: tuple[bytes, ...], stamped: StampedPublish
    ) -> Outcome:
        """Run a publish, or answer what the first one with its request id was answered. The deduplication ids of a FIFO
        topic do that already.
        """
        function: Any = publishing.publish
        call: Any = stamped
        if request.request_id and not is_fifo(request.topic):
            check_request_id(request.request_id)
            function = run_once
            call = Once(
                partition=stamped.partition,
                account=ctx.principal.account,
                operation="Publish",
                request_id=request.request_id,
                identity=msgspec.msgpack.encode((ctx.principal.id, request)),
                now_ms=self.clock.deadline_ms(),
                window_ms=REQUEST_WINDOW_MS,
                function=publishing.publish,
                request=stamped,
                result_type=Outcome,
            )
        outcome: Outcome = await self.engine.transact(partitions, function, call)
        return outcome

    async def _load(
        self, plan: Plan, published: Sequence[StoredNotice], now_ms: int, sealing: Sealing | None
    ) -> Load | None:
        """Return what to send to whom at once; None where it is too much for one transaction."""
        wanting = [plan.wanting(it.entry) for it in published]
        subscribers = {it.number: it for each in wanting for it in each}
        if len(subscribers) * publishing.OPERATIONS_OF_QUEUE > publishing.OPERATIONS_MAX:
            return None
        routes = await self._routes.of(plan, tuple(subscribers.values()))
        copies = [self._copies(plan, it, "", now_ms, sealing) for it in published]
        await sign(it for it, each in zip(copies, wanting, strict=True) if has_documents(each))
        load = Load(plan.place, plan.partition, plan.meta.archive, self._routes, self._ids, now_ms)
        for notice, it, each in zip(published, copies, wanting, strict=True):
            if plan.meta.archive and not load.keep(notice_bytes(notice, sealing), notice.published_ms):
                return None
            if load.fill(it, each, routes) < len(each):
                return None
        return load

    def _copies(
        self, plan: Plan, published: StoredNotice, sequence_number: str, now_ms: int, sealing: Sealing | None = None
    ) -> Copies:
        """Return the copies of a message."""
        return Copies(plan.place, self._notice(plan, published, sequence_number), published, now_ms, sealing)

    def _replayed(
        self, plan: Plan, published: StoredNotice, sequence_number: str, now_ms: int, sealing: Sealing | None
    ) -> Copies:
        """Return the copies of a message that was published before, and comes again."""
        notice = self._notice(plan, published, sequence_number, replayed=True)
        return Copies(plan.place, notice, published, now_ms, sealing, replayed=True)

    def _notice(self, plan: Plan, published: StoredNotice, sequence_number: str, *, replayed: bool = False) -> Notice:
        return Notice(
            plan.place,
            published.entry,
            published.message_id,
            published.published_ms,
            sequence_number,
            plan.meta.attributes.get("SignatureVersion", "1"),
            self.base_url,
            self._signer,
            replayed=replayed,
        )

    async def _dead_letter(self, target: Target, notice: Notice, stored: StoredNotice) -> QueueDelivery | None:
        """Return how a message that an endpoint did not take reaches its dead-letter queue."""
        topic, subscriber = target.place.topic, subscriber_of(target.number, target.row)
        buried = subscriber.dead_letter
        route = None if buried is None else await self._routes.to(topic, subscriber, buried)
        if route is None:
            return None
        return self._one(topic, target.partition, route, Copies(topic, notice, stored, self.clock.deadline_ms()))

    def _one(self, topic: model.TopicPlace, partition: bytes, route: Route, copies: Copies) -> QueueDelivery | None:
        """Return the delivery of one message on one way, None where SQS would refuse it."""
        load = Load(topic, partition, b"", self._routes, self._ids, self.clock.deadline_ms())
        load.fill(copies, (route.subscriber,), {route.subscriber.number: route})
        return next(iter(load.deliveries()), None)

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


def _check_deduplication_ids(entries: Sequence[model.PublishEntry]) -> None:
    if not all(entry.deduplication_id for entry in entries):
        raise INVALID_PARAMETER.error(
            text="The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
            "explicitly"
        )
