"""Automatic lease renewal: what open receiving streams hold is kept invisible while they live.

One task for the server; it sleeps until the first lease is half over. The messages of one receive come due together and
are extended together, by one operation of their stream's caller; what was acknowledged meanwhile is not. A message is
held up to a maximum from its receive on, so that a consumer that hangs loses it in the end; a stream that ends takes
its messages out of here, and their leases run out. Nothing is stored: after a restart a client opens its streams again
and says what it still holds. Knows no transaction: it calls the operation `RenewLeases`.
"""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.queue_service import message_model
from cumulo.queue_service.message_model import BATCH_ENTRIES_MAX, HELD_MESSAGES_MAX, RENEWED_PER_SECOND_MAX, ItemError

_WAIT_MS_MAX = 60_000
"""The event loop's timers stand still while the machine is suspended, the deadline clock does not."""

_EMPTY_MAX = 1_000
"""Batches that were acknowledged whole and stay planned: else a stream with long leases would leave one a receive."""

Renew = Callable[[CallContext, message_model.RenewLeases], Awaitable[Sequence[ItemError | None]]]


class _Batch:
    """Messages that come due together: when, and until when they are held at most."""

    __slots__ = ("handles", "hold", "until_ms")

    def __init__(self, hold: "Hold", handles: Sequence[str], until_ms: int) -> None:
        self.hold = hold
        self.handles = dict.fromkeys(handles)
        self.until_ms = until_ms


class Hold:
    """What one stream holds. `ended` are receipt handles that are renewed no longer, for the stream to tell; `failure`
    is what a renewal was refused with as a whole. `on_change` is called when one of the two has news.
    """

    def __init__(self, renewals: "Renewals", ctx: CallContext, queue: str, timeout_s: int, hold_max_s: int) -> None:
        self.ctx = ctx
        self.queue = queue
        self.timeout_s = timeout_s
        self.ended: deque[str] = deque()
        self.failure: Exception | None = None
        self.on_change: Callable[[], None] = lambda: None
        self._renewals = renewals
        self._hold_max_ms = hold_max_s * 1000
        self._batches: dict[str, _Batch] = {}

    def __len__(self) -> int:
        return len(self._batches)

    @property
    def room(self) -> int:
        """How many messages more it may hold: so many renewals a second as a stream may cause, and no more at all."""
        most = min(HELD_MESSAGES_MAX, RENEWED_PER_SECOND_MAX * self.timeout_s // 2)
        return max(0, most - len(self._batches))

    def add(self, handles: Sequence[str]) -> None:
        """Hold messages that were just received."""
        now_ms = self._renewals.now_ms()
        self._take(handles, now_ms + self._hold_max_ms, now_ms + self.timeout_s * 500)

    def resume(self, handles: Sequence[str], held_s: int) -> None:
        """Hold messages that an earlier stream received `held_s` seconds ago; they are extended at once."""
        now_ms = self._renewals.now_ms()
        new = [handle for handle in handles if handle not in self._batches]
        self._take(new, now_ms + self._hold_max_ms - held_s * 1000, now_ms)

    def let_go(self, handle: str) -> None:
        """Stop to renew a message: it is acknowledged, or its lease is its holder's own affair."""
        batch = self._batches.pop(handle, None)
        if batch is not None:
            del batch.handles[handle]
            if not batch.handles:
                self._renewals.emptied()
            self.on_change()

    def close(self) -> None:
        """Let everything go."""
        for batch in set(self._batches.values()):
            batch.handles.clear()
            self._renewals.emptied()
        self._batches.clear()

    def end(self, handle: str) -> None:
        """Note that a message is renewed no longer, and why does not matter: it may be somebody else's."""
        self._batches.pop(handle, None)
        self.ended.append(handle)

    def _take(self, handles: Sequence[str], until_ms: int, due_ms: int) -> None:
        for start in range(0, len(handles), BATCH_ENTRIES_MAX):
            batch = _Batch(self, handles[start : start + BATCH_ENTRIES_MAX], until_ms)
            self._batches.update(dict.fromkeys(batch.handles, batch))
            self._renewals.plan(batch, min(due_ms, until_ms))


class Renewals:
    """All holds of a server. `renew` extends leases in the name of a stream's caller."""

    def __init__(self, clock: Clock, renew: Renew) -> None:
        self._clock = clock
        self._renew = renew
        self._due: list[tuple[int, int, _Batch]] = []
        self._empty = 0
        self._numbers = itertools.count()
        self._nudge = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_running = False

    @property
    def planned(self) -> int:
        """How many batches of messages are planned for."""
        return len(self._due)

    def now_ms(self) -> int:
        """Return the deadline clock's time."""
        return self._clock.deadline_ms()

    def hold(self, ctx: CallContext, queue: str, timeout_s: int, hold_max_s: int) -> Hold:
        """Return a new hold for a stream."""
        return Hold(self, ctx, queue, timeout_s, hold_max_s)

    def plan(self, batch: _Batch, due_ms: int) -> None:
        """Have a batch extended at `due_ms`."""
        if not self._is_running:
            return
        heapq.heappush(self._due, (due_ms, next(self._numbers), batch))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="lease renewals")
        if self._due[0][2] is batch:
            self._nudge.set()

    def emptied(self) -> None:
        """Note that a batch holds nothing any more; such ones are swept out before they are most of what is planned."""
        self._empty += 1
        if self._empty > max(_EMPTY_MAX, len(self._due) // 2):
            self._due = [entry for entry in self._due if entry[2].handles]
            heapq.heapify(self._due)
            self._empty = 0

    def start(self) -> None:
        """Renew from now on what is planned."""
        self._is_running = True

    async def run_due(self) -> None:
        """Extend everything that is due now."""
        works = []
        while self._due and self._due[0][0] <= self.now_ms():
            _, _, batch = heapq.heappop(self._due)
            if batch.handles:
                works.append(self._extend(batch))
            else:
                self._empty -= 1
        await asyncio.gather(*works)

    async def stop(self) -> None:
        """End the task; what is held runs out."""
        self._is_running = False
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
        self._due.clear()

    async def _run(self) -> None:
        while True:
            self._nudge.clear()
            await self.run_due()
            wait_ms = self._due[0][0] - self.now_ms() if self._due else _WAIT_MS_MAX
            try:
                await asyncio.wait_for(self._nudge.wait(), min(max(wait_ms, 1), _WAIT_MS_MAX) / 1000)
            except TimeoutError:
                continue

    async def _extend(self, batch: _Batch) -> None:
        """Extend a batch up to its maximum, or end it there."""
        hold, now_ms = batch.hold, self.now_ms()
        handles = tuple(batch.handles)
        timeout_s = min(hold.timeout_s, -(-(batch.until_ms - now_ms) // 1000))
        if timeout_s <= 0:
            batch.handles.clear()
            for handle in handles:
                hold.end(handle)
            hold.on_change()
            return
        request = message_model.RenewLeases(queue=hold.queue, receipt_handles=handles, timeout_s=timeout_s)
        try:
            results = await self._renew(hold.ctx, request)
        except Exception as error:  # noqa: BLE001 - it is the stream's to answer with
            hold.failure = error
            hold.on_change()
            return
        for handle, result in zip(handles, results, strict=True):
            if result is not None and handle in batch.handles:
                del batch.handles[handle]
                hold.end(handle)
        if hold.ended:
            hold.on_change()
        if batch.handles:
            self.plan(batch, min(now_ms + hold.timeout_s * 500, batch.until_ms))
