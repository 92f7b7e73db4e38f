"""Refills: brings native subscriptions what their topics keep, after a seek (`seeking`).

Owns the deed of `topic.refill`: page by page, which of the kept messages a subscription's filter wants; sending them is
the transaction's.
"""

import asyncio
import contextlib

import msgspec

from cumulo.core.clocks import Clock
from cumulo.queue_service import seeking
from cumulo.queue_service.messages import Outgoing, StampedSend
from cumulo.queue_service.notice_seals import NoticeSeals
from cumulo.queue_service.pulled_messages import pulled_message
from cumulo.queue_service.queues import DirectoryChanged
from cumulo.queue_service.sealed_notices import NotOpened, opened, wait
from cumulo.queue_service.topic_plans import Plan, Plans
from cumulo.storage.engine import Due, Engine


class Refills:
    """The replays of a server."""

    def __init__(self, engine: Engine, clock: Clock, plans: Plans, seals: NoticeSeals | None) -> None:
        self._engine = engine
        self._clock = clock
        self._plans = plans
        self._seals = seals

    async def run(self, entries: list[Due]) -> None:
        """Do what is due: the handler of `topic.refill`."""
        await asyncio.gather(*map(self._refill, entries))

    async def _refill(self, entry: Due) -> None:
        is_over = False
        while not is_over:
            with contextlib.suppress(DirectoryChanged):  # another seek came between: from its place on
                try:
                    is_over = await self.slice(entry)
                except NotOpened as error:
                    await wait(self._engine, entry, self._clock.deadline_ms(), error)
                    return

    async def slice(self, entry: Due) -> bool:
        """Send one page to a subscription's queue; say whether the replay is over."""
        queue, partition, number = entry.key, entry.payload[:8], int.from_bytes(entry.payload[8:], "big")
        plan = await self._plans.of(partition)
        archive = b"" if plan is None else plan.meta.archive
        partitions = (queue, archive) if archive else (queue,)
        page: seeking.Page | None = await self._engine.read(partitions, seeking.next_page, (queue, archive))
        start = upto = 0
        messages: tuple[Outgoing, ...] = ()
        if page is not None:
            start, upto = page.start, page.upto
            if plan is not None:
                upto, messages = await self._wanted(plan, number, page)
        name = "" if plan is None else plan.meta.name
        send = StampedSend(name, queue, messages, b"", self._clock.deadline_ms())
        request = seeking.StampedRefill(entry, archive, start, upto, send)
        is_over: bool = await self._engine.transact(partitions, seeking.refill, request)
        return is_over

    async def _wanted(self, plan: Plan, number: int, page: seeking.Page) -> tuple[int, tuple[Outgoing, ...]]:
        """Return how far a slice comes, and what it sends: up to a message that waits for its key; raises `NotOpened`
        where that is the first.
        """
        wants, now_ms = plan.filter_of(number), self._clock.deadline_ms()
        messages: list[Outgoing] = []
        for record in page.kept:
            try:
                it = await opened(self._seals, record.body, now_ms)
            except NotOpened:
                if record is page.kept[0]:
                    raise
                return record.position, tuple(messages)
            if wants(it.notice.entry):
                message = pulled_message(plan.place, it.notice, now_ms, it.sealing)
                messages.append(msgspec.structs.replace(message, index=len(messages)))
        return page.upto, tuple(messages)
