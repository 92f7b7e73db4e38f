"""The memory engine: the contract on a sorted list, for tests, models and `--ephemeral` servers.

Promises everything of the port but durability beyond the process; refuses what the contract refuses. One function at a
time, on the event loop.
"""

import asyncio
import bisect
from collections.abc import Callable
from typing import Any

from cumulo.storage.contract import Meter, due_key, due_range, parse_due
from cumulo.storage.engine import ContractBroken, Due, Partitions, Row, Watcher

_FOREVER_MS = (1 << 63) - 1


class MemoryEngine:
    """An engine whose bytes live in this process."""

    atomic_across = True
    notify_lossy = False

    def __init__(self) -> None:
        self._keys: list[bytes] = []
        self._values: dict[bytes, bytes] = {}
        self._watchers: list[Watcher] = []

    async def transact(
        self,
        partitions: Partitions,
        function: Callable[[Any, Any], Any],
        request: Any,
        *,
        reads: tuple[Any, ...] = (),
        grows: bool = True,
    ) -> Any:
        """Run the function; on an exception put every key back as it was."""
        del reads, grows
        txn = MemoryTxn(self, Meter(partitions))
        try:
            result = function(txn, request)
        except BaseException:
            txn.undo()
            raise
        if txn.topics or txn.earliest_due_ms is not None:
            asyncio.get_running_loop().call_soon(self._tell, txn.topics, txn.earliest_due_ms)
        return result

    async def read(self, partitions: Partitions, function: Callable[[Any, Any], Any], request: Any) -> Any:
        """Run the function; whatever it wrote against the port's rule is a bug and refused."""
        txn = MemoryTxn(self, Meter(partitions))
        result = function(txn, request)
        if txn.meter.writes:
            txn.undo()
            raise ContractBroken("a read function wrote")
        return result

    async def take_due(self, now_ms: int, limit: int) -> list[Due]:
        """Return the earliest entries that are due."""
        start, end = due_range(now_ms)
        return [parse_due(key, value) for key, value in self.rows(start, end, limit, reverse=False)]

    async def next_due_ms(self) -> int | None:
        """Return the time of the earliest entry."""
        start, end = due_range(_FOREVER_MS)
        rows = self.rows(start, end, 1, reverse=False)
        return parse_due(*rows[0]).at_ms if rows else None

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher` of each commit."""
        self._watchers.append(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        """Stop telling `watcher`."""
        self._watchers.remove(watcher)

    async def close(self) -> None:
        """Nothing is held."""

    def _tell(self, topics: dict[bytes, int], earliest_due_ms: int | None) -> None:
        for watcher in tuple(self._watchers):
            watcher.committed(topics, earliest_due_ms)

    def value(self, key: bytes) -> bytes | None:
        """Return the value of `key` now."""
        return self._values.get(key)

    def set(self, key: bytes, value: bytes | None) -> bytes | None:
        """Write or, with None, remove `key`; return what was there."""
        before = self._values.get(key)
        if value is not None:
            if before is None:
                bisect.insort(self._keys, key)
            self._values[key] = value
        elif before is not None:
            del self._values[key]
            del self._keys[bisect.bisect_left(self._keys, key)]
        return before

    def rows(self, start: bytes, end: bytes, limit: int, *, reverse: bool) -> list[Row]:
        """Return the rows of a range as of now."""
        low, high = bisect.bisect_left(self._keys, start), bisect.bisect_left(self._keys, end)
        keys = self._keys[max(low, high - limit) : high][::-1] if reverse else self._keys[low : min(high, low + limit)]
        return [(key, self._values[key]) for key in keys]


class MemoryTxn:
    """One function's view; remembers how to undo each write."""

    def __init__(self, engine: MemoryEngine, meter: Meter) -> None:
        self._engine = engine
        self._before: list[tuple[bytes, bytes | None]] = []
        self.meter = meter
        self.topics: dict[bytes, int] = {}
        self.earliest_due_ms: int | None = None

    def get(self, key: bytes) -> bytes | None:
        """Return the value of `key`, or None."""
        self.meter.key(key)
        return self._engine.value(key)

    def range(self, start: bytes, end: bytes, limit: int, *, reverse: bool = False) -> list[Row]:
        """Return at most `limit` rows of the range."""
        self.meter.key(start)
        rows = self._engine.rows(start, end, limit, reverse=reverse)
        self.meter.rows(len(rows))
        return rows

    def put(self, key: bytes, value: bytes) -> None:
        """Write `value` under `key`."""
        self.meter.write(key, value)
        self._before.append((key, self._engine.set(key, bytes(value))))

    def delete(self, key: bytes) -> bool:
        """Remove `key`; say whether it was there."""
        self.meter.write(key, b"")
        before = self._engine.set(key, None)
        self._before.append((key, before))
        return before is not None

    def delete_range(self, start: bytes, end: bytes, limit: int) -> int:
        """Remove at most `limit` rows, lowest first."""
        keys = [key for key, _ in self._engine.rows(start, end, limit, reverse=False)]
        for key in keys:
            self.delete(key)
        return len(keys)

    def notify(self, topic: bytes, count: int = 1) -> None:
        """Sum the hint up for after the commit."""
        self.topics[topic] = self.topics.get(topic, 0) + count

    def due(self, at_ms: int, kind: str, key: bytes, payload: bytes = b"") -> None:
        """Write a due entry."""
        self.meter.write(key, payload)
        row_key = due_key(at_ms, kind, key)
        self._before.append((row_key, self._engine.set(row_key, payload)))
        if self.earliest_due_ms is None or at_ms < self.earliest_due_ms:
            self.earliest_due_ms = at_ms

    def undue(self, at_ms: int, kind: str, key: bytes) -> bool:
        """Remove a due entry."""
        self.meter.write(key, b"")
        row_key = due_key(at_ms, kind, key)
        before = self._engine.set(row_key, None)
        self._before.append((row_key, before))
        return before is not None

    def undo(self) -> None:
        """Put back what was there, newest write first."""
        while self._before:
            key, value = self._before.pop()
            self._engine.set(key, value)
