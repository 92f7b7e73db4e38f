"""Drives everything that waits for time or delivery: takes what is due from the engine and hands it to the room that
wrote it.

Promises: each entry is handed over at or after its time, again after a crash or a failure, until its handler's
transaction removes it; a kind that fails does not hold up other kinds, an entry that fails does not hold up its own.
Knows no kind itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.errors import ServiceError
from cumulo.storage import failpoints
from cumulo.storage.engine import PARTITION_BYTES, Due, Engine, EngineFailed, Txn

DueHandler = Callable[[list[Due]], Awaitable[None]]
"""Does the deeds of some entries of one kind and removes them (`txn.undue`) in the same transactions."""

TAKE_MAX = 256
"""Entries of one kind that are handed over at once."""
RETRY_MS = 1_000
RETRY_MS_MAX = 64_000
"""How long an entry, or a kind, that failed is left alone before it is tried again: doubled each time, up to this."""
_WAIT_MS_MAX = 60_000
"""The event loop's timers stand still while the machine is suspended, the deadline clock does not."""

_log = logging.getLogger("cumulo.due")


class _Kind:
    """How a kind has fared. After a failure its entries come one by one, so that the one at fault shows itself."""

    __slots__ = ("failures", "group_max", "resting_until_ms")

    def __init__(self) -> None:
        self.group_max = TAKE_MAX
        self.failures = 0
        self.resting_until_ms = 0

    def succeeded(self) -> None:
        self.group_max = min(self.group_max * 2, TAKE_MAX)
        self.failures = 0

    def failed_alone(self, now_ms: int) -> int:
        """Count an entry that failed by itself; return for how long to postpone it. The first one only stands aside;
        when the next fails as well, it is the kind that rests.
        """
        self.failures += 1
        if self.failures > 1:
            self.resting_until_ms = now_ms + min(RETRY_MS << (self.failures - 2), RETRY_MS_MAX)
        return min(RETRY_MS << (self.failures - 1), RETRY_MS_MAX)


class _Postpone(msgspec.Struct, frozen=True):
    entry: Due
    until_ms: int


def _postpone(txn: Txn, request: _Postpone) -> None:
    entry = request.entry
    if txn.undue(entry.at_ms, entry.kind, entry.key):
        txn.due(request.until_ms, entry.kind, entry.key, entry.payload)


class DuePump:
    """The engine's one reader of the due index. Register every kind before `run`."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._handlers: dict[str, DueHandler] = {}
        self._kinds: dict[str, _Kind] = {}
        self._nudge = asyncio.Event()
        self._sleeping_until_ms: int | None = None

    def register(self, kind: str, handler: DueHandler) -> None:
        """Name the handler of a kind."""
        assert kind not in self._handlers, kind
        self._handlers[kind] = handler

    def committed(self, topics: Mapping[bytes, int], earliest_due_ms: int | None) -> None:
        """Wake up early when a commit wrote an entry that is due sooner than planned (the engine's watcher)."""
        del topics
        if earliest_due_ms is not None and (
            self._sleeping_until_ms is None or earliest_due_ms < self._sleeping_until_ms
        ):
            self._nudge.set()

    async def run_due(self) -> int:
        """Do everything that is due now; return how many entries were handed over."""
        handed = 0
        while True:
            now_ms = self._clock.deadline_ms()
            entries = await self._engine.take_due(now_ms, TAKE_MAX, skip=self._resting(now_ms))
            by_kind: dict[str, list[Due]] = {}
            for entry in entries:
                by_kind.setdefault(entry.kind, []).append(entry)
            more = False
            for name, taken in by_kind.items():
                kind = self._kinds.setdefault(name, _Kind())
                group = taken[: kind.group_max]
                done = await self._hand_over(name, kind, group, now_ms)
                handed += len(group)
                more = more or not done or len(taken) > len(group) or len(taken) == TAKE_MAX
            if not more:
                return handed

    def _resting(self, now_ms: int) -> frozenset[str]:
        return frozenset(name for name, kind in self._kinds.items() if kind.resting_until_ms > now_ms)

    async def _hand_over(self, name: str, kind: _Kind, group: list[Due], now_ms: int) -> bool:
        """Let the kind's handler do its deeds; say whether it did."""
        try:
            if failpoints.armed:
                failpoints.hit("due.before_deed")
            await self._handlers[name](group)
            if failpoints.armed:
                failpoints.hit("due.after_deed")
        except (EngineFailed, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - one kind that fails must not hold up the others
            about = {"kind": name, "entries": len(group), "reason": str(error)}
            trace = None if isinstance(error, ServiceError) else error
            _log.warning("due work failed, will be tried again", extra=about, exc_info=trace)
            if len(group) > 1:
                kind.group_max = 1
                return False
            postpone = _Postpone(group[0], now_ms + kind.failed_alone(now_ms))
            await self._engine.transact((group[0].key[:PARTITION_BYTES],), _postpone, postpone, grows=False)
            return False
        kind.succeeded()
        return True

    async def run(self) -> None:
        """Run until cancelled, asleep while nothing is due."""
        self._engine.watch(self)
        try:
            while True:
                self._nudge.clear()
                self._sleeping_until_ms = 0
                await self.run_due()
                wake_ms = await self._wake_ms()
                self._sleeping_until_ms = wake_ms
                wait_ms = _WAIT_MS_MAX if wake_ms is None else wake_ms - self._clock.deadline_ms()
                try:
                    await asyncio.wait_for(self._nudge.wait(), min(max(wait_ms, 1), _WAIT_MS_MAX) / 1000)
                except TimeoutError:
                    continue
        finally:
            self._engine.unwatch(self)

    async def _wake_ms(self) -> int | None:
        """Return when there is something to do next: an entry falls due, or a kind has rested."""
        now_ms = self._clock.deadline_ms()
        resting = self._resting(now_ms)
        times = [self._kinds[name].resting_until_ms for name in resting]
        next_ms = await self._engine.next_due_ms(skip=resting)
        return min(times if next_ms is None else [*times, next_ms], default=None)
