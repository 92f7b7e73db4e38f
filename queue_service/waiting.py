"""Parked receivers: who waits for a queue's messages, and who is woken.

Per queue, receivers stand in a line, first come first. A commit that makes n messages ready lets at most n of them be
served, together, by one receive transaction; who got nothing returns to the front. Nothing polls: a line moves on a
commit's notification, a receiver leaves it when served, at its own deadline, when it is cancelled, or at the drain.
Messages that were taken for a receiver who left meanwhile are handed to `put_back`. Lives on one event loop; knows no
transaction itself.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping

from cumulo.queue_service.messages import SERVED_MESSAGES_MAX, Demand, LeasedMessage

WAITERS_MAX = 20_000
"""Parked receivers of one server; each costs about 2 KiB and no time."""


class Taken:
    """Messages that were taken for one receiver under one token; the generation belongs into their receipts."""

    __slots__ = ("demand", "generation", "messages")

    def __init__(self, generation: int, demand: Demand, messages: list[LeasedMessage]) -> None:
        self.generation = generation
        self.demand = demand
        self.messages = messages


class Waiter:
    """One parked receiver; `answer` gets what it is served, or None at its deadline."""

    __slots__ = ("answer", "dead_letter", "demand", "expired", "partition", "queue")

    def __init__(self, partition: bytes, queue: str, dead_letter: bytes, demand: Demand) -> None:
        self.partition = partition
        self.queue = queue
        self.dead_letter = dead_letter
        self.demand = demand
        self.expired = False
        self.answer: asyncio.Future[Taken | None] = asyncio.get_running_loop().create_future()


class Served:
    """What one receive transaction brought: an entry per waiter, and whether the line may go on at once."""

    __slots__ = ("more", "taken")

    def __init__(self, taken: list[Taken], more: int) -> None:
        self.taken = taken
        self.more = more


Serve = Callable[[list[Waiter]], Awaitable[Served]]
PutBack = Callable[[bytes, str, Taken], None]


class _Line:
    __slots__ = ("hints", "serving", "waiters")

    def __init__(self) -> None:
        self.waiters: OrderedDict[Waiter, None] = OrderedDict()
        self.hints = 0
        self.serving: asyncio.Task[None] | None = None


class ParkedReceivers:
    """All lines of a server; the engine's watcher of this room."""

    def __init__(self, serve: Serve, put_back: PutBack) -> None:
        self._serve = serve
        self._put_back = put_back
        self._lines: dict[bytes, _Line] = {}
        self._count = 0
        self.is_closed = False

    def __len__(self) -> int:
        return self._count

    def is_waited_for(self, partition: bytes) -> bool:
        """Say whether anybody waits for a queue's messages now."""
        return partition in self._lines

    @property
    def is_full(self) -> bool:
        """Say whether no more receivers may park."""
        return self._count >= WAITERS_MAX

    def committed(self, topics: Mapping[bytes, int], earliest_due_ms: int | None) -> None:
        """Note how many messages became ready, and move the lines that this concerns (the engine's watcher)."""
        del earliest_due_ms
        for topic, count in topics.items():
            if topic in self._lines:
                self.hint(topic, count)

    def hint(self, partition: bytes, count: int) -> None:
        """Let at most `count` more waiters of a queue be served."""
        line = self._lines.get(partition)
        if line is not None:
            line.hints += count
            if line.serving is None and line.waiters:
                line.serving = asyncio.create_task(self._move(partition, line))

    async def wait(self, waiter: Waiter, look: Awaitable[bool], wait_s: float) -> Taken | None:
        """Park until served, or until `wait_s` have passed: then None.

        `look` says whether there may be something already; it is asked when the waiter stands in line, so that no
        message can become ready unseen in between.
        """
        self._count += 1
        self._lines.setdefault(waiter.partition, _Line()).waiters[waiter] = None
        timer = asyncio.get_running_loop().call_later(wait_s, self._expire, waiter)
        try:
            if await look:
                self.hint(waiter.partition, 1)
            if self.is_closed:
                self._expire(waiter)
            return await waiter.answer
        except asyncio.CancelledError:
            taken = _answered(waiter)
            if taken is not None:
                self._put_back(waiter.partition, waiter.queue, taken)
            raise
        finally:
            timer.cancel()
            waiter.answer.cancel()
            self._count -= 1
            self._leave(waiter)

    def close(self) -> None:
        """Answer everyone who waits, and everyone who comes, with nothing."""
        self.is_closed = True
        for line in self._lines.values():
            for waiter in tuple(line.waiters):
                self._expire(waiter)

    async def settle(self) -> None:
        """Wait for the receive transactions that are under way."""
        tasks = [line.serving for line in self._lines.values() if line.serving is not None]
        if tasks:
            await asyncio.wait(tasks)

    def _expire(self, waiter: Waiter) -> None:
        """End a wait: at once where the waiter stands in line; one who is being served gets what that brings."""
        waiter.expired = True
        line = self._lines.get(waiter.partition)
        if line is not None and waiter in line.waiters and not waiter.answer.done():
            waiter.answer.set_result(None)

    def _leave(self, waiter: Waiter) -> None:
        line = self._lines.get(waiter.partition)
        if line is not None:
            line.waiters.pop(waiter, None)
            if not line.waiters and line.serving is None:
                del self._lines[waiter.partition]

    async def _move(self, partition: bytes, line: _Line) -> None:
        """Serve the line while there are hints and waiters."""
        try:
            while line.hints and line.waiters:
                hints, line.hints = line.hints, 0
                group = self._first(line, hints)
                await self._serve_group(line, group)
        finally:
            line.serving = None
            line.hints = 0
            if not line.waiters and self._lines.get(partition) is line:
                del self._lines[partition]

    def _first(self, line: _Line, count: int) -> list[Waiter]:
        """Take the first waiters out of the line, as many as `count` messages and one transaction can serve."""
        group: list[Waiter] = []
        wanted = 0
        while line.waiters and len(group) < count and wanted < SERVED_MESSAGES_MAX:
            waiter, _ = line.waiters.popitem(last=False)
            if not waiter.answer.done():
                group.append(waiter)
                wanted += waiter.demand.max_messages
        return group

    async def _serve_group(self, line: _Line, group: list[Waiter]) -> None:
        if not group:
            return
        try:
            served = await self._serve(group)
        except Exception as error:  # noqa: BLE001 - it belongs to those who wait: the queue is gone, or the engine failed
            for waiter in (*group, *line.waiters):
                if not waiter.answer.done():
                    waiter.answer.set_exception(error)
            line.waiters.clear()
            return
        for waiter, taken in zip(reversed(group), reversed(served.taken), strict=True):
            if waiter.answer.done():
                if taken.messages:
                    self._put_back(waiter.partition, waiter.queue, taken)
            elif taken.messages:
                waiter.answer.set_result(taken)
            elif waiter.expired:
                waiter.answer.set_result(None)
            else:
                line.waiters[waiter] = None
                line.waiters.move_to_end(waiter, last=False)
        line.hints += served.more


def _answered(waiter: Waiter) -> Taken | None:
    """Return what a waiter was served that was cancelled in the same moment."""
    answer = waiter.answer
    return answer.result() if answer.done() and not answer.cancelled() and answer.exception() is None else None
