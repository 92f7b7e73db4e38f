"""Replays: brings queues of SQS what their topics keep, by the replay policies of their subscriptions (`replaying`).

Owns the deed of `topic.replay`: page by page, which of the kept messages a subscription's filter wants, and in what
words; sending them is the transaction's.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from cumulo.core.clocks import Clock
from cumulo.queue_service import replaying, stamping
from cumulo.queue_service.log_model import LogRecord
from cumulo.queue_service.notice_seals import NoticeSeals
from cumulo.queue_service.publishing import QueueDelivery
from cumulo.queue_service.queues import DirectoryChanged
from cumulo.queue_service.replaying import StampedSlice
from cumulo.queue_service.sealed_notices import NotOpened, opened, wait
from cumulo.queue_service.sealing import Sealing
from cumulo.queue_service.topic_copies import Copies
from cumulo.queue_service.topic_envelopes import StoredNotice
from cumulo.queue_service.topic_keys import Replay, owner_in
from cumulo.queue_service.topic_loads import Load
from cumulo.queue_service.topic_plans import Plan, Plans, Subscriber
from cumulo.queue_service.topic_routes import Route, Routes
from cumulo.storage.engine import Due, Engine

MakeReplayed = Callable[[Plan, StoredNotice, str, int, Sealing | None], Copies]
"""As `topic_outboxes.MakeCopies`, of a message that was kept."""


class Replays:
    """The replays of a server. Arguments: `engine`, `clock`; `plans` and `routes` of the topics; `copies` words a
    message; `ids` are those of the copies; `seals` open what is sealed.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        plans: Plans,
        routes: Routes,
        copies: MakeReplayed,
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

    async def run(self, entries: list[Due]) -> None:
        """Do what is due: the handler of `topic.replay`."""
        await asyncio.gather(*map(self._replay, entries))

    async def _replay(self, entry: Due) -> None:
        is_over = False
        while not is_over:
            with contextlib.suppress(DirectoryChanged):  # a queue or the policy is another by now: look anew
                try:
                    is_over = await self.slice(entry)
                except NotOpened as error:
                    await wait(self._engine, entry, self._clock.deadline_ms(), error)
                    return

    async def slice(self, entry: Due) -> bool:
        """Send one page to a subscription's queue; say whether the replay is over."""
        partition, number = owner_in(entry.key)
        plan = await self._plans.of(partition)
        archive = b"" if plan is None else plan.meta.archive
        places = (partition, archive) if archive else (partition,)
        asked = (partition, number, archive)
        page: replaying.Page | None = await self._engine.read(places, replaying.next_page, asked)
        if plan is None or page is None:
            request = StampedSlice(entry, Replay(), 0, ())
        else:
            subscriber = plan.subscribers.get(number)
            if subscriber is None:
                raise DirectoryChanged
            routes = await self._routes.of(plan, (subscriber,))
            route = routes[number]
            if route is None:
                request = StampedSlice(entry, page.replay, page.upto, (), fails=True)
            else:
                request = StampedSlice(entry, page.replay, *await self._sent(plan, subscriber, route, page))
        partitions = dict.fromkeys((*places, *(it.send.partition for it in request.deliveries)))
        is_over: bool = await self._engine.transact(tuple(partitions), replaying.replay_slice, request)
        return is_over

    async def _sent(
        self, plan: Plan, subscriber: Subscriber, route: Route, page: replaying.Page
    ) -> tuple[int, tuple[QueueDelivery, ...]]:
        """Return how far a slice comes, and what it sends: as much of the page as fits into a transaction, up to a
        message that waits for its key; raises `NotOpened` where that is the first.
        """
        number, now_ms = subscriber.number, self._clock.deadline_ms()
        load = Load(plan.place, plan.partition, b"", self._routes, self._ids, now_ms)
        wants = plan.filter_of(number)
        for record in page.kept:
            try:
                it = await opened(self._seals, record.body, now_ms)
            except NotOpened:
                if record is page.kept[0]:
                    raise
                return record.position, load.deliveries()
            if wants(it.notice.entry):
                copies = self._copies(plan, it.notice, _sequence_number(record), now_ms, it.sealing)
                if not load.fill(copies, (subscriber,), {number: route}):
                    return record.position, load.deliveries()
        return page.upto, load.deliveries()


def _sequence_number(record: LogRecord) -> str:
    """Return the sequence number that a kept message had."""
    return stamping.topic_sequence_number(int(record.key)) if record.key else ""
