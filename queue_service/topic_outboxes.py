"""Outboxes: messages on their way to more subscribers than one commit reaches, and in a FIFO topic's order.

Owns the due work `topic.fan_out`: it reads an outbox in order and delivers slice after slice. Several slices are under
way at once, so that the next are prepared while one is committed; each says which one must have come before it
(`publishing.fan_out`), so where one fails, all after it fail, and the work begins anew from what is on disk.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator

from cumulo.core.clocks import Clock
from cumulo.queue_service import publishing, stamping
from cumulo.queue_service.notice_seals import NoticeSeals
from cumulo.queue_service.peeking import Looked, StampedLook, peek_messages
from cumulo.queue_service.publishing import StampedEnd, StampedFanOut
from cumulo.queue_service.queues import DirectoryChanged
from cumulo.queue_service.sealed_notices import NotOpened, opened, wait
from cumulo.queue_service.sealing import Sealing
from cumulo.queue_service.topic_copies import Copies, sign
from cumulo.queue_service.topic_envelopes import StoredNotice
from cumulo.queue_service.topic_loads import Load
from cumulo.queue_service.topic_plans import Plan, Plans, Subscriber, has_documents
from cumulo.queue_service.topic_routes import SUBSCRIBERS_MAX, Routes
from cumulo.storage.engine import Due, Engine
from cumulo.storage.tuples import u64

LOOK_MESSAGES = 50
"""Messages of an outbox that are looked at together."""
SLICE_OPERATIONS_MAX = 400
"""Some thirty deliveries. A function that touches more partitions costs each delivery more, and commits are shared."""
SLICES_UNDER_WAY = 8

MakeCopies = Callable[[Plan, StoredNotice, str, int, Sealing | None], Copies]
"""Of a plan's topic, a message, its sequence number, the time now, and how copies inside of the topic are sealed."""


class Outboxes:
    """Empties outboxes. Arguments: `engine`, `clock`; `plans` and `routes` of the topics; `copies` words a message;
    `ids` are those of the copies; `seals` open what is sealed.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        plans: Plans,
        routes: Routes,
        copies: MakeCopies,
        ids: Iterator[str],
        seals: NoticeSeals | None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._plans = plans
        self._routes = routes
        self._copies = copies
        self._ids = ids
        self._seals = seals
        self._locks: dict[bytes, asyncio.Lock] = {}
        self._waits: dict[bytes, int] = {}
        """Of outboxes that wait for a key, when it is asked for again, whatever is published until then."""

    async def on_due(self, entries: list[Due]) -> None:
        """Do the due work of some outboxes."""
        await asyncio.gather(*map(self._empty, entries))

    async def _empty(self, entry: Due) -> None:
        """Deliver everything that lies in an outbox; the due entry's payload is the topic's partition."""
        outbox, partition = entry.key, entry.payload
        lock = self._locks.setdefault(outbox, asyncio.Lock())
        async with lock:
            done = await self._waits_still(entry)
            while not done:
                plan = await self._plans.of(partition)
                try:
                    is_empty = plan is None or not await self._deliver(plan, outbox)
                except NotOpened as error:
                    self._waits[outbox] = await wait(self._engine, entry, self._clock.deadline_ms(), error)
                    break
                self._waits.pop(outbox, None)
                if is_empty:
                    stamped = StampedEnd(entry, self._clock.deadline_ms())
                    done = await self._engine.transact((outbox,), publishing.end, stamped, grows=False) or plan is None
        if not lock.locked():
            self._locks.pop(outbox, None)

    async def _waits_still(self, entry: Due) -> bool:
        """Say whether an outbox waits for a key until later; then the entry is put off, too."""
        now_ms = self._clock.deadline_ms()
        if self._waits.get(entry.key, 0) <= now_ms:
            return False
        await wait(self._engine, entry, now_ms)
        return True

    async def _deliver(self, plan: Plan, outbox: bytes) -> bool:
        """Deliver the outbox's first messages; say whether there were any."""
        now_ms, wall_ms = self._clock.deadline_ms(), self._clock.wall_ms()
        reached: bytes = await self._engine.read((outbox,), publishing.reached, outbox)
        look = StampedLook(plan.place.name, outbox, 0, LOOK_MESSAGES, now_ms, wall_ms)
        looked: Looked = await self._engine.read((outbox,), peek_messages, look)
        under_way: deque[asyncio.Task[None]] = deque()
        try:
            async with contextlib.aclosing(self._slices(plan, outbox, reached, looked, now_ms)) as slices:
                async for request in slices:
                    under_way.append(asyncio.ensure_future(self._commit(request)))
                    if len(under_way) == SLICES_UNDER_WAY:
                        await under_way.popleft()
            while under_way:
                await under_way.popleft()
        except DirectoryChanged:
            pass  # a queue or its key is another by now: look anew
        finally:
            # Where one failed, so did all after it, and what they say is not news.
            await asyncio.gather(*under_way, return_exceptions=True)
        return bool(looked.messages)

    async def _commit(self, request: StampedFanOut) -> None:
        partitions = dict.fromkeys((request.outbox, *(it.send.partition for it in request.deliveries)))
        if request.kept is not None:
            partitions[request.kept.archive] = None
            partitions |= dict.fromkeys(it.replay[:8] for it in request.deliveries if it.replay)
        await self._engine.transact(tuple(partitions), publishing.fan_out, request)

    async def _slices(
        self, plan: Plan, outbox: bytes, reached: bytes, looked: Looked, now_ms: int
    ) -> AsyncGenerator[StampedFanOut, None]:
        """Return how to deliver messages, slice after slice; `reached` is how far it came before. Raises `NotOpened` at
        one that waits for its key, behind which everything waits: order is the outbox's.
        """
        load = self._load(plan, now_ms)
        done: list[tuple[int, str]] = []
        sealed: NotOpened | None = None
        for seq, stored, _ in looked.messages:
            try:
                it = await opened(self._seals, stored.body, now_ms)
            except NotOpened as error:
                sealed = error
                break
            published = it.notice
            sequence_number = stamping.topic_sequence_number(seq) if plan.place.fifo else ""
            copies = self._copies(plan, published, sequence_number, now_ms, it.sealing)
            if not load.keep(stored.body, published.published_ms, seq):
                before, reached = reached, u64(done[-1][0]) + publishing.EVERYBODY
                yield StampedFanOut(outbox, before, reached, tuple(done), load.deliveries(), now_ms, load.kept())
                load, done = self._load(plan, now_ms), []
                load.keep(stored.body, published.published_ms, seq)
            wanting = plan.wanting(published.entry)
            if has_documents(wanting) and not plan.place.fifo:
                await sign([copies])
            for some in _pages(wanting, publishing.went_to(reached, seq)):
                routes = await self._routes.of(plan, some)
                at = 0
                while (at := load.fill(copies, some, routes, at)) < len(some):
                    upto = some[at].number - 1
                    before, reached = reached, u64(seq) + u64(upto)
                    yield StampedFanOut(outbox, before, reached, tuple(done), load.deliveries(), now_ms, load.kept())
                    load, done = self._load(plan, now_ms), []
                    load.keep(stored.body, published.published_ms, seq)
            done.append((seq, stored.group_id))
        if done:
            before, reached = reached, u64(done[-1][0]) + publishing.EVERYBODY
            yield StampedFanOut(outbox, before, reached, tuple(done), load.deliveries(), now_ms, load.kept())
        if sealed is not None:
            raise sealed

    def _load(self, plan: Plan, now_ms: int) -> Load:
        return Load(
            plan.place, plan.partition, plan.meta.archive, self._routes, self._ids, now_ms, SLICE_OPERATIONS_MAX
        )


def _pages(subscribers: list[Subscriber], after: int) -> Iterator[list[Subscriber]]:
    """Return the subscribers behind the number `after` in pages."""
    left = [it for it in subscribers if it.number > after] if after else subscribers
    for at in range(0, len(left), SUBSCRIBERS_MAX):
        yield left[at : at + SUBSCRIBERS_MAX]
