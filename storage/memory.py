"""The memory engine: the contract on a sorted list, for tests, models and `--ephemeral` servers.

Promises everything of the port but durability beyond the process; refuses what the contract refuses. One function at a
time, on the event loop.
"""

import asyncio
import bisect
from collections.abc import Callable, Collection
from typing import Any

from cumulo.core.errors import OUTCOME_UNKNOWN
from cumulo.storage import contract, failpoints
from cumulo.storage.contract import Meter, due_key
from cumulo.storage.engine import Due, EngineFailed, Partitions, Row, Watcher


class MemoryEngine:
    """An engine whose bytes live in this process."""

    atomic_across = True
    notify_lossy = False

    def __init__(self) -> None:
        self._keys: list[bytes] = []
        self._values: dict[bytes, bytes] = {}
        self._watchers: list[Watcher] = []
        self._failed = False
        self.commits = 0

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
        self._refuse_if_failed()
        txn = MemoryTxn(self, partitions)
        try:
            result = function(txn, request)
            txn.finish()
            if failpoints.armed:
                result = self._inject(txn, function, request, result)
        except BaseException:
            txn.undo()
            raise
        self.commits += 1
        if failpoints.armed:
            self._inject_after_commit()
        if txn.topics or txn.earliest_due_ms is not None:
            asyncio.get_running_loop().call_soon(self._tell, txn.topics, txn.earliest_due_ms)
        return result

    def _inject(self, txn: "MemoryTxn", function: Callable[[Any, Any], Any], request: Any, result: Any) -> Any:
        try:
            failpoints.hit("engine.rerun")
        except failpoints.Injected:
            txn.undo()
            txn.reset(txn.partitions)
            result = function(txn, request)
            txn.finish()
        try:
            failpoints.hit("engine.before_commit")
        except failpoints.Injected as error:
            self._failed = True
            raise OUTCOME_UNKNOWN.error() from error
        return result

    def _inject_after_commit(self) -> None:
        try:
            failpoints.hit("engine.after_commit")
        except failpoints.Injected as error:
            self._failed = True
            raise OUTCOME_UNKNOWN.error() from error

    def _refuse_if_failed(self) -> None:
        if self._failed:
            raise EngineFailed("the memory engine failed")

    async def read(self, partitions: Partitions, function: Callable[[Any, Any], Any], request: Any) -> Any:
        """Run the function on what is there now."""
        self._refuse_if_failed()
        txn = MemoryReadTxn(self, partitions)
        result = function(txn, request)
        txn.finish()
        return result

    async def inspect(self, function: Callable[[Any, Any], Any], request: Any) -> Any:
        """Run the function at once: nothing else runs meanwhile, which is a snapshot."""
        self._refuse_if_failed()
        return function(MemoryTxn(self, contract.EVERY_PARTITION), request)

    async def take_due(self, now_ms: int, limit: int, *, skip: Collection[str] = ()) -> list[Due]:
        """Return the earliest entries of each kind that are due."""
        self._refuse_if_failed()
        return contract.take_due(self.rows, now_ms, limit, skip)

    async def next_due_ms(self, *, skip: Collection[str] = ()) -> int | None:
        """Return the time of the earliest entry."""
        self._refuse_if_failed()
        return contract.next_due_ms(self.rows, skip)

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

    def rows(self, start: bytes, end: bytes, limit: int, reverse: bool = False) -> list[Row]:  # noqa: FBT001, FBT002
        """Return the rows of a range as of now."""
        low, high = bisect.bisect_left(self._keys, start), bisect.bisect_left(self._keys, end)
        keys = self._keys[max(low, high - limit) : high][::-1] if reverse else self._keys[low : min(high, low + limit)]
        return [(key, self._values[key]) for key in keys]


class MemoryReadTxn(Meter):
    """One function's view."""

    __slots__ = ("_engine",)

    def __init__(self, engine: MemoryEngine, partitions: Partitions) -> None:
        super().__init__()
        self._engine = engine
        self.reset(partitions)

    def get(self, key: bytes) -> bytes | None:
        """Return the value of `key`, or None."""
        self.check(key)
        self.reads += 1
        return self._engine.value(key)

    def range(self, start: bytes, end: bytes, limit: int, *, reverse: bool = False) -> list[Row]:
        """Return at most `limit` rows of the range."""
        self.check(start)
        self.reads += 1
        rows = self._engine.rows(start, end, limit, reverse)
        self.rows(len(rows))
        return rows


class MemoryTxn(MemoryReadTxn):
    """One function's view and its writes; remembers how to undo each."""

    __slots__ = ("_before",)

    def __init__(self, engine: MemoryEngine, partitions: Partitions) -> None:
        super().__init__(engine, partitions)
        self._before: list[tuple[bytes, bytes | None]] = []

    def put(self, key: bytes, value: bytes) -> None:
        """Write `value` under `key`."""
        self.check(key, value)
        self._set(key, bytes(value))

    def delete(self, key: bytes) -> bool:
        """Remove `key`; say whether it was there."""
        self.check(key)
        return self._set(key, None) is not None

    def delete_range(self, start: bytes, end: bytes, limit: int) -> int:
        """Remove at most `limit` rows, lowest first."""
        self.check(start)
        keys = [key for key, _ in self._engine.rows(start, end, limit)]
        for key in keys:
            self._set(key, None)
        return len(keys)

    def due(self, at_ms: int, kind: str, key: bytes, payload: bytes = b"") -> None:
        """Write a due entry."""
        self.check(key, payload)
        self._set(due_key(at_ms, kind, key), payload)
        if self.earliest_due_ms is None or at_ms < self.earliest_due_ms:
            self.earliest_due_ms = at_ms

    def undue(self, at_ms: int, kind: str, key: bytes) -> bool:
        """Remove a due entry."""
        self.check(key)
        return self._set(due_key(at_ms, kind, key), None) is not None

    def _set(self, key: bytes, value: bytes | None) -> bytes | None:
        self.writes += 1
        self.bytes += len(key) + len(value or b"")
        before = self._engine.set(key, value)
        self._before.append((key, before))
        return before

    def undo(self) -> None:
        """Put back what was there, newest write first."""
        while self._before:
            key, value = self._before.pop()
            self._engine.set(key, value)
