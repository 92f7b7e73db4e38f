"""Group commit: one writer thread that runs everything that waits in one LMDB write transaction, with one commit.

Owns the queue, the thread and the rules of a batch. Promises: a function that fails undoes itself alone; each batch is
answered by one call into the event loop; a lone call is committed at once, and where several callers are about their
calls share a commit (`gathering`); a commit that failed is never tried again. Knows no port: the engine gives it an
environment and takes its answers.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import lmdb

from cumulo.core.errors import OUTCOME_UNKNOWN, STORAGE_FULL
from cumulo.storage import failpoints
from cumulo.storage.engine import EngineFailed, Partitions
from cumulo.storage.free_space import FreeSpace
from cumulo.storage.gathering import Gathering
from cumulo.storage.lmdb_txn import LmdbTxn

BATCH_FUNCTIONS_MAX = 512
BATCH_OPERATIONS_MAX = 20_000
BATCH_BYTES_MAX = 8 * 1024 * 1024
"""Bounds of one commit, so that nobody waits long for his neighbours."""
SAVEPOINT_BATCHES = 64
"""How many batches run with a savepoint per function after one function failed halfway."""
MAP_STEP_BYTES = 64 << 20
"""How much a full map grows so that work that frees space can go on."""
READER_CHECK_EVERY_S = 60.0

_DISK_FULL = ("MDB_SHORT_WRITE", "No space left on device", "File too large", "Disk quota exceeded")

_log = logging.getLogger("cumulo.engine")


class Call:
    """A function that waits for its commit, then its answer."""

    __slots__ = ("error", "function", "future", "grows", "partitions", "request", "result")

    def __init__(
        self,
        partitions: Partitions,
        function: Callable[[Any, Any], Any],
        request: Any,
        grows: bool,  # noqa: FBT001 - positional on the hot path
        future: "asyncio.Future[Any]",
    ) -> None:
        self.partitions = partitions
        self.function = function
        self.request = request
        self.grows = grows
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None


class Commit:
    """What one commit answers with: the calls in it, and their hints summed up."""

    __slots__ = ("calls", "earliest_due_ms", "operations", "topics")

    def __init__(self, calls: list[Call]) -> None:
        self.calls = calls
        self.operations = 0
        self.topics: dict[bytes, int] = {}
        self.earliest_due_ms: int | None = None

    def add_hints(self, txn: LmdbTxn) -> None:
        """Take in the hints of a function that succeeded."""
        for topic, count in txn.topics.items():
            self.topics[topic] = self.topics.get(topic, 0) + count
        due_ms = txn.earliest_due_ms
        if due_ms is not None and (self.earliest_due_ms is None or due_ms < self.earliest_due_ms):
            self.earliest_due_ms = due_ms


class Owner(Protocol):
    """The engine, as the writer sees it; every method is called from the writer's thread."""

    def answer(self, commit: Commit) -> None:
        """Hand the answers to the event loop."""
        ...

    def fail(self, reason: str) -> EngineFailed:
        """Stop for good; return what to raise."""
        ...

    def grow_map(self, step_bytes: int) -> None:
        """Make the full map larger; returns once it is."""
        ...


class _FailedHalfway(Exception):
    """A function raised after it had written, and no savepoint was taken before it: the batch must run again."""


class GroupCommit:
    """The writer of `environment`; starts at once, ends at `stop` or when the owner failed."""

    def __init__(self, environment: Any, owner: Owner, free_space: FreeSpace) -> None:
        self._environment = environment
        self._owner = owner
        self._free_space = free_space
        self._calls: Gathering[Call] = Gathering()
        self._savepoint_batches = 0
        self._failure: EngineFailed | None = None
        self.waiting = self._calls.__len__
        """Return how many calls wait."""
        self.submit = self._calls.add
        """Let a call wait for the next batch."""
        self.commits = 0
        self.commit_ns = 0
        self.reruns = 0
        # A daemon: a process that ends without `stop` must not hang; what was not committed was not acknowledged.
        self._thread = threading.Thread(target=self._run_forever, name="cumulo-writer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Commit what waits and end; blocks until then."""
        self._calls.close()
        self._thread.join()

    def _run_forever(self) -> None:
        txn = LmdbTxn()
        check_readers_s = time.monotonic() + READER_CHECK_EVERY_S
        while True:
            calls = self._calls.take(BATCH_FUNCTIONS_MAX, READER_CHECK_EVERY_S)
            if calls:
                rest = self._commit_some(txn, calls)
                if self._failure is not None:
                    self._refuse(rest, self._failure)
                    return
                self._calls.put_back(rest)
            elif self._calls.closed:
                return
            if time.monotonic() >= check_readers_s:
                check_readers_s = time.monotonic() + READER_CHECK_EVERY_S
                self._environment.reader_check()

    def _commit_some(self, txn: LmdbTxn, waiting: list[Call]) -> list[Call]:
        """Run and commit as many of `waiting` as fit into one commit, answer them, and return the rest."""
        savepoints = self._savepoint_batches > 0 and len(waiting) > 1
        self._savepoint_batches -= savepoints
        while True:
            try:
                commit = self._run_and_commit(txn, waiting, savepoints=savepoints)
            except _FailedHalfway:
                savepoints = True
                self._savepoint_batches = SAVEPOINT_BATCHES
            except failpoints.Injected:
                pass
            except lmdb.MapFullError:
                if len(waiting) > 1:
                    self.reruns += 1
                    self._commit_one_by_one(txn, waiting)
                    return []
                if waiting[0].grows:
                    self._owner.answer(self._all_full(waiting))
                    return []
                self._owner.grow_map(MAP_STEP_BYTES)
            else:
                if commit is None:
                    return []
                self._calls.answered(len(commit.calls), commit.operations)
                self._owner.answer(commit)
                return waiting[len(commit.calls) :]
            self.reruns += 1

    def _commit_one_by_one(self, txn: LmdbTxn, waiting: list[Call]) -> None:
        """Give each function a commit of its own: in a full map what frees space, and what still fits, goes on."""
        for call in waiting:
            if self._failure is not None:
                self._refuse([call], self._failure)
            else:
                self._commit_some(txn, [call])

    def _run_and_commit(self, txn: LmdbTxn, waiting: list[Call], *, savepoints: bool) -> Commit | None:
        """Run a batch in one write transaction and commit it; None once the engine failed."""
        commit = Commit([])
        raw = None
        try:
            raw = self._environment.begin(write=True)
            try:
                writes, written_bytes = self._run(txn, raw, waiting, commit, savepoints=savepoints)
            finally:
                txn.detach()
            if failpoints.armed:
                failpoints.hit("engine.rerun")
        except BaseException as error:
            if raw is not None:
                raw.abort()
            if isinstance(error, lmdb.Error) and not isinstance(error, lmdb.MapFullError):
                self._fail(waiting, f"a transaction failed: {error}", unknown=False)
                return None
            raise
        if not writes:
            raw.abort()
            return commit
        began_ns = time.perf_counter_ns()
        try:
            if failpoints.armed:
                failpoints.hit("engine.before_commit")
            raw.commit()
            if failpoints.armed:
                failpoints.hit("engine.after_commit")
        except lmdb.MapFullError:
            raise
        except (lmdb.Error, OSError) as error:
            raw.abort()
            if self._disk_was_full(error):
                return self._all_full(commit.calls)
            self._fail(waiting, f"a commit failed: {error}", unknown=True)
            return None
        self.commit_ns += time.perf_counter_ns() - began_ns
        self.commits += 1
        self._free_space.wrote(written_bytes)
        return commit

    def _run(self, txn: LmdbTxn, raw: Any, waiting: list[Call], commit: Commit, *, savepoints: bool) -> tuple[int, int]:
        """Run functions into `commit` until one of the batch's bounds; return how many writes and bytes they made.

        A function that fails before its first write leaves nothing to undo, which is nearly every refusal. One that
        fails later undoes the batch, which then runs again with a savepoint each: so savepoints, which cost a third of
        a small function (bench/engine.py), are paid only while such functions are about.
        """
        alone = len(waiting) == 1
        writes = written_bytes = 0
        txn.attach(raw, ())
        for call in waiting:
            commit.calls.append(call)
            call.error = None
            if call.future.cancelled():
                continue
            if savepoints:
                inner = self._environment.begin(write=True, parent=raw)
                txn.attach(inner, call.partitions)
            else:
                inner = raw
                txn.reset(call.partitions)
            try:
                call.result = call.function(txn, call.request)
                txn.finish()
            except lmdb.Error:
                raise
            except BaseException as error:  # noqa: BLE001 - whatever a function raises belongs to its caller
                # A future refuses StopIteration, which would end the generator that waits for it.
                call.error = RuntimeError("StopIteration") if isinstance(error, StopIteration) else error
            if savepoints:
                txn.detach()
            if call.error is not None:
                if savepoints:
                    inner.abort()
                elif txn.writes:
                    if alone:
                        return 0, 0
                    raise _FailedHalfway
                continue
            if savepoints:
                inner.commit()
            if txn.topics or txn.earliest_due_ms is not None:
                commit.add_hints(txn)
            writes += txn.writes
            written_bytes += txn.bytes
            commit.operations += txn.operations
            if commit.operations >= BATCH_OPERATIONS_MAX or written_bytes >= BATCH_BYTES_MAX:
                break
        return writes, written_bytes

    def _disk_was_full(self, error: BaseException) -> bool:
        """Say whether a commit failed for want of space before its meta page: then nothing of it happened, and LMDB
        goes on. After a failed meta page LMDB refuses every later transaction, and so do we.
        """
        if not any(text in str(error) for text in _DISK_FULL):
            return False
        try:
            self._environment.begin(write=True).abort()
        except lmdb.Error:
            return False
        return True

    def _all_full(self, calls: list[Call]) -> Commit:
        for call in calls:
            call.error = STORAGE_FULL.error(reserve_bytes=self._free_space.reserve_bytes)
        return Commit(calls)

    def _fail(self, waiting: list[Call], reason: str, *, unknown: bool) -> None:
        self._failure = self._owner.fail(reason)
        for call in waiting:
            call.error = OUTCOME_UNKNOWN.error() if unknown else self._failure
        self._owner.answer(Commit(waiting))

    def _refuse(self, waiting: list[Call], failure: EngineFailed) -> None:
        """Answer everything that did not run before the engine failed."""
        calls = waiting + self._calls.take_all()
        for call in calls:
            call.error = failure
        self._owner.answer(Commit(calls))
