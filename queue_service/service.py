"""The room's only stateful object: resolve, authorise, run, wait, wake.

Owns what a transaction function must not do: it parks receivers, seals receipts, and does the room's due work. How a
request is looked up and stamped stands in the `resolve_*` files. Knows no wire protocol.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import TOO_BUSY, ServiceError
from cumulo.core.ids import Randomness
from cumulo.core.operations import Operation
from cumulo.core.ports import KeyService, TrackedDeliveryTarget
from cumulo.core.tokens import TokenSealer
from cumulo.identity import resource_policy
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.room import Resolved
from cumulo.identity.snapshots import read_now
from cumulo.queue_service import (
    message_model,
    model,
    receipts,
    resolve_commits,
    resolve_messages,
    resolve_moves,
    resolve_queues,
    resolve_schedules,
    stamping,
)
from cumulo.queue_service.commits import StampedCommit
from cumulo.queue_service.delivery import QueueTarget
from cumulo.queue_service.errors import MESSAGE_UNREADABLE, OVER_LIMIT
from cumulo.queue_service.expiry import IdleTimer, expire
from cumulo.queue_service.fifo_keys import FORGET
from cumulo.queue_service.keys import CLEAR, IDLE, MOVE, RETAIN, WAKE, QueueName
from cumulo.queue_service.kinds import change_visibilities, peek, receive_messages
from cumulo.queue_service.leases import StampedChange
from cumulo.queue_service.messages import (
    Demand,
    Received,
    StampedPeek,
    StampedReceive,
    own_visibility_timeout_s,
)
from cumulo.queue_service.mover import Mover
from cumulo.queue_service.named_room import NamedRoom
from cumulo.queue_service.operations import TABLE
from cumulo.queue_service.peeking import Looked, peek_messages, shown
from cumulo.queue_service.peeking import StampedLook as PeekLook
from cumulo.queue_service.queue_attributes import Place, place_of
from cumulo.queue_service.queues import (
    Found,
    Lookup,
    Named,
    StampedGet,
    StampedList,
    StampedSources,
    find_queue_of_name,
    follow,
)
from cumulo.queue_service.receipts import Receipt
from cumulo.queue_service.renewals import Hold, Renewals
from cumulo.queue_service.resolve_commits import ResolvedCommit
from cumulo.queue_service.resolve_messages import ResolvedItems, ResolvedReceive, resolve_receive
from cumulo.queue_service.resolve_schedules import ResolvedWrite, shown_page
from cumulo.queue_service.resolving import Desk, Resolver, guard_of, in_force, listing_of
from cumulo.queue_service.retention import Timer, clear, forget, retain, wake
from cumulo.queue_service.rewraps import REWRAP, Rewraps
from cumulo.queue_service.scheduler import Scheduler
from cumulo.queue_service.schedules import FIRE, ScheduleShown, StampedPage, get_schedule, shown_schedule, unwrapped
from cumulo.queue_service.sealing import MessageSeals, SealsOfTopics
from cumulo.queue_service.throughput import ACTIONS, Throughput, has_quota, messages_asked
from cumulo.queue_service.waiting import ParkedReceivers, Served, Taken, Waiter
from cumulo.storage.due_pump import DueHandler
from cumulo.storage.engine import ROOT, Due, Engine
from cumulo.storage.storage_keys import StorageKeys

ROUNDS_MAX = 20
"""How often one receive goes on that found only messages to set aside; each round sets aside 16 to 44."""
DECISION_LIFE_MS = 500
"""How long a receiver may have been parked before he is authorised again: changes are in force within a second."""
_RESOLVERS: Mapping[str, Resolver] = {
    **resolve_queues.RESOLVERS,
    **resolve_messages.RESOLVERS,
    **resolve_moves.RESOLVERS,
    **resolve_commits.RESOLVERS,
    **resolve_schedules.RESOLVERS,
}
_log = logging.getLogger("cumulo.queue_service")


class Service(NamedRoom):
    """The queues of a server.

    Arguments: `engine`, `authorizer`, `clock`, `randomness` as for every room; `sealer` seals receipts and page tokens,
    `storage_keys` wrap the keys of encrypted queues. `in_flight_max` is the quota of messages of one queue that are
    received and not deleted, `fifo_calls_per_s` that of calls of each action on a FIFO queue whose throughput limit is
    the queue's as a whole, 0 for none. `key_service`, where there is one, makes data keys for queues under keys of KMS;
    `of_topics` opens what native subscriptions get of topics under such keys.
    Call `start` on the event loop before the first call, `drain` before the engine closes.
    """

    table = TABLE

    def __init__(
        self,
        engine: Engine,
        authorizer: Authorizer,
        clock: Clock,
        randomness: Randomness,
        sealer: TokenSealer,
        storage_keys: StorageKeys,
        in_flight_max: int = model.IN_FLIGHT_MAX,
        fifo_calls_per_s: int = 0,
        key_service: KeyService | None = None,
        of_topics: SealsOfTopics | None = None,
    ) -> None:
        super().__init__(engine, authorizer, clock, randomness)
        self._throughput = Throughput(fifo_calls_per_s)
        self.throttles = self._throughput.is_limited
        # On an engine that may lose notifications a line would have to look again by itself; no engine does yet.
        assert not engine.notify_lossy
        self.seals = MessageSeals(engine, randomness, storage_keys, key_service, of_topics)
        """Encrypts and decrypts what stands in messages."""
        self.completes = self.seals.has_key_service
        self.desk = Desk(engine, authorizer, clock, randomness, sealer, self.seals, in_flight_max)
        """Where requests are looked up and stamped."""
        self.delivery_target: TrackedDeliveryTarget = QueueTarget(engine, self.seals)
        """The port by which other rooms deliver to queues."""
        self._parked = ParkedReceivers(self._serve, self._put_back)
        self.renewals = Renewals(clock, self._renew)
        """Extends the leases of open streams."""
        self._mover = Mover(engine, authorizer, clock, randomness, self.seals)
        self._scheduler = Scheduler(engine, authorizer, clock, randomness, self.seals)
        self.rewraps = Rewraps(engine, clock, randomness, storage_keys)
        self._background: set[asyncio.Task[Any]] = set()

    async def guard(self, arn: str) -> Guard | None:
        """Return what protects the queue of an ARN, None where there is no such queue."""
        place = place_of(arn)
        if place is None:
            return None
        found: Found | None = await self.engine.read((ROOT,), follow, Lookup(place))
        return None if found is None else Guard(place.account, found.row.policy)

    @property
    def parked(self) -> int:
        """How many receivers are parked now."""
        return len(self._parked)

    @property
    def draining(self) -> bool:
        """Whether waits end at once, because the server stops."""
        return self._parked.is_closed

    async def start(self) -> None:
        """Listen to the engine's commits, and begin what a new storage key asks for."""
        self.engine.watch(self._parked)
        self.renewals.start()
        await self.rewraps.begin()

    async def drain(self) -> None:
        """Answer parked receivers with nothing, and finish what is under way."""
        self._parked.close()
        await self._parked.settle()
        await self.renewals.stop()
        while self._background:
            await asyncio.wait(self._background)
        self.engine.unwatch(self._parked)

    def due_handlers(self) -> Mapping[str, DueHandler]:
        """Return the room's due kinds."""
        return {
            WAKE: self._on_wake,
            RETAIN: self._on_retain,
            FORGET: self._on_forget,
            CLEAR: self._on_clear,
            MOVE: self._mover.run,
            IDLE: self._on_idle,
            FIRE: self._scheduler.run,
            REWRAP: self.rewraps.run,
        }

    async def resolve(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Follow the queue's name, check the request and stamp it."""
        resolved = await _RESOLVERS[operation.name](self.desk, ctx, operation, request)
        guard = in_force(ctx, operation, resolved.guard)
        return resolved if guard is resolved.guard else msgspec.structs.replace(resolved, guard=guard)

    async def throttle(self, operation: Operation, resolved: Resolved) -> None:
        """Raise `RequestThrottled` for a call on a FIFO queue beyond its quota."""
        if operation.name not in ACTIONS or resolved.missing is not None:
            return
        request = resolved.request
        calls = (request,) if not isinstance(request, StampedCommit) else request.calls
        for stamped in calls:
            partition = stamped.partition
            if model.is_fifo(stamped.queue) and await self.engine.read((partition,), has_quota, partition):
                self._throughput.take(partition, operation.name, messages_asked(stamped), self.clock.deadline_ms())

    def present(self, request: Any, resolved: Resolved, value: Any) -> Any:
        """Return the answer for what a function answered."""
        if isinstance(resolved, ResolvedItems):
            return _answer(resolved, value)
        if isinstance(resolved, ResolvedCommit):
            return resolve_commits.answer(resolved, value)
        if isinstance(value, Named):
            then = value.then
            looked_at = StampedGet(Place(then.account, then.region, then.name), value.partition)
            value = read_now(self.engine, (ROOT, value.partition), find_queue_of_name, looked_at)
            if value is None:
                # A repeated request (AIP-155): what was answered then, with the policy that it asked for.
                asked = request.attributes
                return msgspec.structs.replace(
                    then, policy=asked.policy or "", redrive_allow_policy=asked.redrive_allow_policy or ""
                )
        if isinstance(value, model.Queue) and value.policy:
            return msgspec.structs.replace(value, policy=resource_policy.shown(value.policy, self.engine))
        stamped = resolved.request
        if isinstance(value, Looked):
            return shown(self.seals, stamped, value)
        if isinstance(resolved, ResolvedWrite):
            value = resolved.shown(read_now(self.engine, resolved.partitions, get_schedule, resolved.look))
        if isinstance(value, ScheduleShown):
            return shown_schedule(self.seals, value)
        if isinstance(stamped, StampedPage):
            return shown_page(self.desk, stamped, value)
        if isinstance(stamped, StampedList):
            return self.desk.page(listing_of(request, f"{stamped.account}/{stamped.region}"), stamped.limit, value)
        if isinstance(stamped, StampedSources):
            return self.desk.page(listing_of(request, stamped.place.arn), stamped.limit, value)
        return value

    async def complete(self, ctx: CallContext, resolved: Resolved, value: Any) -> Any:
        """Return messages that are looked at in the clear where the key service must be asked for them."""
        now_ms = self.clock.deadline_ms()
        if isinstance(value, Looked):
            partition, seals = resolved.request.partition, self.seals
            messages = [
                (seq, await seals.unwrapped(ctx, partition, stored, now_ms), there)
                for seq, stored, there in value.messages
            ]
            return msgspec.structs.replace(value, messages=tuple(messages))
        if isinstance(value, ScheduleShown):
            row = await unwrapped(self.seals, ctx, value.partition, value.schedule_id, value.row, now_ms)
            return msgspec.structs.replace(value, row=row)
        return value

    # Receiving

    async def admit(self, ctx: CallContext, request: message_model.ReceiveMessages) -> int:
        """Raise what a receive would be refused with now, or return the visibility timeout it gives; takes nothing."""
        resolved = await resolve_receive(self.desk, ctx, self.table["ReceiveMessages"], request)
        self.authorizer.authorize(ctx, resolved.checks, resolved.guard)
        if resolved.missing is not None:
            raise resolved.missing
        if request.visibility_timeout_s is not None:
            return request.visibility_timeout_s
        stamped: StampedReceive = resolved.request
        timeout_s: int = await self.engine.read(resolved.partitions, own_visibility_timeout_s, stamped)
        return timeout_s

    def hold(self, ctx: CallContext, queue: str, timeout_s: int, hold_max_s: int) -> Hold:
        """Return what renews the leases of one stream, until it is closed."""
        return self.renewals.hold(ctx, queue, timeout_s, hold_max_s)

    async def _renew(
        self, ctx: CallContext, request: message_model.RenewLeases
    ) -> Sequence[message_model.ItemError | None]:
        answers: Sequence[message_model.ItemError | None] = (await self.call(ctx, "RenewLeases", request)).value
        return answers

    async def receive(self, ctx: CallContext, resolved: ResolvedReceive) -> tuple[message_model.Message, ...]:
        """Take messages for one receiver, parked up to its wait until there are some."""
        request: StampedReceive = resolved.request
        if resolved.row is not None and self.seals.asks(resolved.row):
            await self._check_key(ctx, resolved, resolved.row)
        waiter = Waiter(request.partition, request.queue, request.dead_letter, request.demands[0])
        if resolved.wait_s:
            if self._parked.is_full:
                raise TOO_BUSY.error(what="The number of waiting receivers", limit=len(self._parked))
            looked_for = StampedPeek(
                request.queue,
                request.partition,
                self.clock.deadline_ms(),
                is_repeatable=bool(waiter.demand.attempt_id),
            )
            look = self.engine.read((request.partition,), peek, looked_for)
            parked_ms = self.clock.deadline_ms()
            try:
                taken = await self._parked.wait(waiter, look, resolved.wait_s)
            finally:
                self.desk.uses.note_again(request.partition, self.clock.deadline_ms())
            if taken is not None and self.clock.deadline_ms() - parked_ms >= DECISION_LIFE_MS:
                await self._ask_again(ctx, resolved, waiter, taken)
        else:
            taken = await self._receive_now(waiter)
        if taken is None:
            return ()
        for it in taken.messages:
            if it.stored.envelope is not None:
                taken = await self._unwrapped(ctx, resolved, waiter, taken)
                break
        return self._sealed(request.partition, taken)

    async def _check_key(self, ctx: CallContext, resolved: ResolvedReceive, row: QueueName) -> None:
        """Raise what forbids a receiver the key of a queue's first message, before a receive is counted: who may not
        read messages shall not drive them into a dead-letter queue.
        """
        assert resolved.place is not None
        now_ms, reuse_s = self.clock.deadline_ms(), row.kms_data_key_reuse_s
        if self.seals.opens(ctx, resolved.place.arn, reuse_s, now_ms):
            return
        look = PeekLook(resolved.place.name, row.partition, 0, 1, now_ms, self.clock.wall_ms())
        looked: Looked = await self.engine.read((row.partition,), peek_messages, look)
        for _, stored, _ in looked.messages:
            await self.seals.unwrapped(ctx, row.partition, stored, now_ms, reuse_s)

    async def _unwrapped(self, ctx: CallContext, resolved: ResolvedReceive, waiter: Waiter, taken: Taken) -> Taken:
        """Return messages in the clear, without those that their receiver may not read. Where that is all, they are put
        back, and he is refused.
        """
        row, now_ms = resolved.row, self.clock.deadline_ms()
        reuse_s = model.KMS_DATA_KEY_REUSE_S if row is None else row.kms_data_key_reuse_s
        messages, refused = [], None
        for it in taken.messages:
            try:
                stored = await self.seals.unwrapped(ctx, waiter.partition, it.stored, now_ms, reuse_s)
            except ServiceError as error:
                refused = error
                if error.row is MESSAGE_UNREADABLE:
                    _log.error("a message cannot be handed out: %s", error)
            except asyncio.CancelledError:
                self._put_back(waiter.partition, waiter.queue, taken)
                raise
            else:
                messages.append(msgspec.structs.replace(it, stored=stored))
        if refused is not None and not messages:
            if refused.row is not MESSAGE_UNREADABLE:
                self._put_back(waiter.partition, waiter.queue, taken)
            raise refused
        return Taken(taken.generation, taken.demand, messages)

    async def _ask_again(self, ctx: CallContext, resolved: ResolvedReceive, waiter: Waiter, taken: Taken) -> None:
        """Put back what was taken for a receiver who lost his permission while he was parked, and refuse him."""
        try:
            assert resolved.place is not None
            found = await self.desk.find(resolved.place)
            guard = resolved.guard if found is None else guard_of(resolved.place, found)
            self.authorizer.authorize(ctx, resolved.checks, guard)
        except (ServiceError, asyncio.CancelledError):
            self._put_back(waiter.partition, waiter.queue, taken)
            raise

    async def _receive_now(self, waiter: Waiter) -> Taken | None:
        for _ in range(ROUNDS_MAX):
            # Shielded: a caller that leaves in the middle must not take messages with it.
            serving = self._in_background(self._receive([waiter]))
            try:
                received, demands = await asyncio.shield(serving)
            except asyncio.CancelledError:
                self._in_background(self._put_back_late(waiter, serving))
                raise
            if received.taken[0]:
                return Taken(received.generation, demands[0], received.taken[0])
            if received.is_full:
                raise OVER_LIMIT.error(limit=self.desk.in_flight_max)
            if not received.left:
                break
        return None

    async def _receive(self, waiters: list[Waiter]) -> tuple[Received, tuple[Demand, ...]]:
        """Run one receive transaction for several receivers of a queue."""
        first = waiters[0]
        demands = tuple(
            Demand(
                waiter.demand.max_messages,
                waiter.demand.visibility_timeout_s,
                self.randomness.token_bytes(receipts.TOKEN_BYTES),
                waiter.demand.attempt_id,
            )
            for waiter in waiters
        )
        request = StampedReceive(
            first.queue, first.partition, demands, first.dead_letter, self.clock.deadline_ms(), self.desk.in_flight_max
        )
        partitions = (first.partition, first.dead_letter) if first.dead_letter else (first.partition,)
        received: Received = await self.engine.transact(partitions, receive_messages, request, grows=False)
        return received, demands

    async def _serve(self, waiters: list[Waiter]) -> Served:
        received, demands = await self._receive(waiters)
        taken = [
            Taken(received.generation, demand, messages)
            for demand, messages in zip(demands, received.taken, strict=True)
        ]
        return Served(taken, 0 if received.is_full else received.left)

    def _sealed(self, partition: bytes, taken: Taken) -> tuple[message_model.Message, ...]:
        """Return messages as their receiver gets them, without those that cannot be decrypted: they come up again when
        their visibility timeout ends, and go the way of every message that nobody deletes. Raises where that is all.
        """
        sealer, generation, token = self.desk.sealer, taken.generation, taken.demand.token
        messages: list[message_model.Message] = []
        unreadable: ServiceError | None = None
        for it in taken.messages:
            stored = it.stored
            try:
                is_sealed = stored.key_id or stored.envelope is not None
                written = self.seals.open(partition, stored) if is_sealed else stored
            except ServiceError as error:
                unreadable = error
                _log.error("a message cannot be handed out: %s", error)
                continue
            messages.append(
                message_model.Message(
                    stored.message_id,
                    receipts.seal(sealer, partition, generation, it.seq, it.lease_at, it.token or token, it.lane),
                    written.body,
                    written.md5_of_body,
                    stored.sent_ms,
                    it.receive_count,
                    it.first_received_ms,
                    stored.sender_id,
                    written.attributes,
                    stored.dead_letter_source,
                    written.trace_header,
                    stored.group_id,
                    stored.deduplication_id,
                    stamping.sequence_number(it.seq) if stored.deduplication_id else "",
                    stored.priority,
                )
            )
        if unreadable is not None and not messages:
            raise unreadable
        return tuple(messages)

    # Messages that were taken for somebody who left

    def _put_back(self, partition: bytes, queue: str, taken: Taken) -> None:
        """Make messages visible again at once; their receive stays counted, as it did happen."""
        held = tuple(
            Receipt(index, taken.generation, it.seq, it.lease_at, it.token or taken.demand.token, it.lane)
            for index, it in enumerate(taken.messages)
        )
        request = StampedChange(queue, partition, held, (0,) * len(held), self.clock.deadline_ms())
        self._in_background(self.engine.transact((partition,), change_visibilities, request, grows=False))

    async def _put_back_late(self, waiter: Waiter, serving: asyncio.Task[tuple[Received, tuple[Demand, ...]]]) -> None:
        await asyncio.wait((serving,))
        if serving.cancelled() or serving.exception() is not None:
            return
        received, demands = serving.result()
        if received.taken[0]:
            taken = Taken(received.generation, demands[0], received.taken[0])
            self._put_back(waiter.partition, waiter.queue, taken)

    def _in_background(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ServiceError):
            # Who asked for it is told as well, if he is there still; a message that could not be put back comes back
            # by itself when its visibility timeout ends.
            _log.error("background work failed", exc_info=error)

    # Due work

    async def _on_wake(self, entries: list[Due]) -> None:
        await self._each(entries, wake)

    async def _on_retain(self, entries: list[Due]) -> None:
        await self._each(entries, retain)

    async def _on_forget(self, entries: list[Due]) -> None:
        await self._each(entries, forget)

    async def _on_idle(self, entries: list[Due]) -> None:
        await asyncio.gather(*map(self._look_at_idle, entries))

    async def _look_at_idle(self, entry: Due) -> None:
        partition, uses, now_ms = entry.key, self.desk.uses, self.clock.deadline_ms()
        if self._parked.is_waited_for(partition):
            uses.note(partition, now_ms)
        timer = IdleTimer(entry, now_ms, uses.last_ms(partition))
        if await self.engine.transact((ROOT, partition), expire, timer, grows=False):
            uses.forget(partition)

    async def _on_clear(self, entries: list[Due]) -> None:
        await asyncio.gather(*(self.engine.transact((entry.key[:8],), clear, entry, grows=False) for entry in entries))

    async def _each(self, entries: list[Due], deed: Callable[[Any, Timer], None]) -> None:
        now_ms = self.clock.deadline_ms()
        await asyncio.gather(
            *(self.engine.transact((entry.key,), deed, Timer(entry, now_ms), grows=False) for entry in entries)
        )


def _answer(resolved: ResolvedItems, outcome: Any) -> Any:
    """Return the answers to the items of a batch, or the one answer (or error) of a single form."""
    good = resolved.good
    if outcome.seed and outcome.seed != resolved.request.seed:
        # A repeated request: the ids are those of the first.
        ids = stamping.message_ids(outcome.seed, len(good))
        good = [
            message_model.SentMessage(message_id, sent.md5_of_body, sent.md5_of_attributes)
            for message_id, sent in zip(ids, good, strict=True)
        ]
    if outcome.first_seq:
        refused_places = {refused.index for refused in outcome.refused} | resolved.invalid.keys()
        good = stamping.sent_to_fifo(good, refused_places, outcome)
    if resolved.is_batch:
        return stamping.answers(good, resolved.invalid, outcome)
    for error in resolved.invalid.values():
        raise error
    for refused in outcome.refused:
        raise refused.error()
    return message_model.AlreadyAcknowledged() if outcome.already else good[0]
