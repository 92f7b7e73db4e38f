"""Drives everything that waits for time or delivery: takes what is due from the engine and hands it to the room that
wrote it.

Promises: each entry is handed over at or after its time, again after a crash or a failure, until its handler's
transaction removes it; one kind that fails does not hold up the others. Knows no kind itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from cumulo.core.clocks import Clock
from cumulo.storage.engine import Due, Engine, EngineFailed

DueHandler = Callable[[list[Due]], Awaitable[None]]
"""Does the deeds of some entries of one kind and removes them (`txn.undue`) in the same transactions."""

TAKE_MAX = 256
RETRY_MS = 1_000
"""How long a kind whose handler failed is left alone before it is tried again."""

_log = logging.getLogger("cumulo.due")


class DuePump:
    """The engine's one reader of the due index. Register every kind before `run`."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._handlers: dict[str, DueHandler] = {}
        self._resting: dict[str, int] = {}
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
            entries = await self._engine.take_due(now_ms, TAKE_MAX)
            by_kind: dict[str, list[Due]] = {}
            for entry in entries:
                if self._resting.get(entry.kind, 0) <= now_ms:
                    by_kind.setdefault(entry.kind, []).append(entry)
            for kind, group in by_kind.items():
                await self._hand_over(kind, group, now_ms)
                handed += len(group)
            if len(entries) < TAKE_MAX or not by_kind:
                return handed

    async def _hand_over(self, kind: str, group: list[Due], now_ms: int) -> None:
        try:
            await self._handlers[kind](group)
        except (EngineFailed, asyncio.CancelledError):
            raise
        except Exception:  # noqa: BLE001 - one kind that fails must not hold up the others
            _log.exception("due work failed, will be tried again", extra={"kind": kind, "entries": len(group)})
            self._resting[kind] = now_ms + RETRY_MS
        else:
            self._resting.pop(kind, None)

    async def run(self) -> None:
        """Run until cancelled, asleep while nothing is due."""
        self._engine.watch(self)
        try:
            while True:
                self._nudge.clear()
                self._sleeping_until_ms = 0
                await self.run_due()
                wake_ms = await self._engine.next_due_ms()
                now_ms = self._clock.deadline_ms()
                if wake_ms is not None and wake_ms <= now_ms:
                    wake_ms = now_ms + (RETRY_MS if self._resting else 1)
                self._sleeping_until_ms = wake_ms
                try:
                    await asyncio.wait_for(self._nudge.wait(), None if wake_ms is None else (wake_ms - now_ms) / 1000)
                except TimeoutError:
                    continue
        finally:
            self._engine.unwatch(self)
