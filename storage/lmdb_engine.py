"""The LMDB engine: durable bytes on one disk, with group commit.

Owns one LMDB environment. Promises the port's contract, and that:
- an answer of success was preceded by a commit in LMDB's default mode (data and meta page synced); a commit that failed
  answers `OUTCOME_UNKNOWN` and ends the engine, for an fsync that failed must never be tried again;
- growing work is refused before the disk is full;
- no read transaction lives longer than the call that opened it.
Does not know what any key means.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import lmdb
import msgspec

from cumulo.core.errors import TOO_BUSY
from cumulo.storage import contract
from cumulo.storage.durable import make_directory, sync_directory
from cumulo.storage.engine import Due, EngineFailed, Partitions, Row, Watcher
from cumulo.storage.free_space import RESERVE_BYTES, FreeSpace
from cumulo.storage.group_commit import Call, Commit, GroupCommit
from cumulo.storage.lmdb_txn import LmdbReadTxn, read_rows

MAP_BYTES = 1 << 40
"""1 TiB of address space; costs 12 KiB of disk. Halved where the system grants less, down to `MAP_BYTES_MIN`."""
MAP_BYTES_MIN = 16 << 30
READERS_MAX = 1_024
WAITING_MAX = 65_536
"""Functions that may wait for the writer; edges admit far fewer requests at once."""

_log = logging.getLogger("cumulo.engine")


class EngineStats(msgspec.Struct, frozen=True):
    """What the metrics show; totals count since the engine was opened. `used_bytes` are pages ever used: LMDB uses
    freed ones again and never shrinks.
    """

    map_bytes: int
    used_bytes: int
    free_disk_bytes: int
    readers: int
    waiting: int
    commits: int
    commit_ns: int
    functions: int
    functions_failed: int
    batch_functions_max: int
    reruns: int


class LmdbEngine:
    """An engine on the LMDB environment in `folder` (made where missing), for the event loop that runs now.

    `reserve_bytes` of the disk stay free: growing work is refused below. `on_failure(reason)` is called once, on the
    loop, when the engine cannot go on; the server then says so and exits. `map_bytes` is for tests of a full map.
    """

    atomic_across = True
    notify_lossy = False

    def __init__(
        self,
        folder: Path,
        *,
        reserve_bytes: int = RESERVE_BYTES,
        on_failure: Callable[[str], None] | None = None,
        map_bytes: int = MAP_BYTES,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._folder = folder
        self._on_failure = on_failure
        self._environment = _open(folder, map_bytes)
        self._environment.reader_check()
        self.free_space = FreeSpace(folder, reserve_bytes)
        """The reserve, which blobs on the same disk keep, too."""
        self._watchers: list[Watcher] = []
        self._read_txn = LmdbReadTxn()
        self._looking: set[asyncio.Future[Any]] = set()
        self._failure: str | None = None
        self._closing = False
        self._functions = self._functions_failed = self._batch_functions_max = 0
        self._writer = GroupCommit(self._environment, self, self.free_space)

    @property
    def commits(self) -> int:
        """How many commits there were; the data folder's lock keeps other processes out."""
        return self._writer.commits

    async def transact(
        self,
        partitions: Partitions,
        function: Callable[[Any, Any], Any],
        request: Any,
        *,
        reads: tuple[Any, ...] = (),
        grows: bool = True,
    ) -> Any:
        """Hand the function to the writer and wait for its commit; `reads` are free here."""
        del reads
        self._refuse_if_ended()
        if grows:
            self.free_space.admit()
        if self._writer.waiting() >= WAITING_MAX:
            raise TOO_BUSY.error(what="The storage engine's queue", limit=WAITING_MAX)
        future = self._loop.create_future()
        self._writer.submit(Call(partitions, function, request, grows, future))
        try:
            self._refuse_if_ended()  # in this very moment: the writer may have refused its last calls already
        except EngineFailed:
            future.cancel()
            raise
        return await future

    async def read(self, partitions: Partitions, function: Callable[[Any, Any], Any], request: Any) -> Any:
        """Run the function inline, on a snapshot of its own: a point read costs 0.5 µs, a thread's hop 50."""
        self._refuse_if_ended()
        txn = self._read_txn
        try:
            with self._environment.begin() as raw:
                txn.attach(raw, partitions)
                try:
                    result = function(txn, request)
                    txn.finish()
                finally:
                    txn.detach()
        except lmdb.Error as error:
            raise self.fail(f"reading failed: {error}") from error
        return result

    async def inspect(self, function: Callable[[Any, Any], Any], request: Any) -> Any:
        """Run the function in a thread, on a snapshot of its own."""
        self._refuse_if_ended()

        def look() -> Any:
            txn = LmdbReadTxn()
            try:
                with self._environment.begin() as raw:
                    txn.attach(raw, contract.EVERY_PARTITION)
                    try:
                        return function(txn, request)
                    finally:
                        txn.detach()
            except lmdb.Error as error:
                raise self.fail(f"reading failed: {error}") from error

        looking = asyncio.ensure_future(asyncio.to_thread(look))
        self._looking.add(looking)
        looking.add_done_callback(self._looking.discard)
        return await asyncio.shield(looking)

    async def take_due(self, now_ms: int, limit: int, *, skip: Collection[str] = ()) -> list[Due]:
        """Return the earliest entries of each kind that are due."""
        due: list[Due] = self._ask_due_index(contract.take_due, now_ms, limit, skip)
        return due

    async def next_due_ms(self, *, skip: Collection[str] = ()) -> int | None:
        """Return the time of the earliest entry."""
        next_ms: int | None = self._ask_due_index(contract.next_due_ms, skip)
        return next_ms

    def _ask_due_index(self, question: Callable[..., Any], *arguments: Any) -> Any:
        self._refuse_if_ended()
        try:
            with self._environment.begin() as raw, raw.cursor() as cursor:

                def rows(start: bytes, end: bytes, limit: int) -> list[Row]:
                    return read_rows(cursor, start, end, limit)

                return question(rows, *arguments)
        except lmdb.Error as error:
            raise self.fail(f"reading failed: {error}") from error

    def _refuse_if_ended(self) -> None:
        if self._failure is not None or self._closing:
            raise EngineFailed(self._failure or f"storage engine {self._folder} is closed")

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher` of each commit."""
        self._watchers.append(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        """Stop telling `watcher`."""
        self._watchers.remove(watcher)

    async def close(self) -> None:
        """Commit what waits, end the writer, release the environment."""
        if self._closing:
            return
        self._closing = True
        await asyncio.to_thread(self._writer.stop)
        if self._looking:
            await asyncio.wait(self._looking)
        self._environment.close()

    def stats(self) -> EngineStats:
        """Return sizes and totals for the metrics."""
        info = self._environment.info()
        return EngineStats(
            map_bytes=info["map_size"],
            used_bytes=(info["last_pgno"] + 1) * self._environment.stat()["psize"],
            free_disk_bytes=self.free_space.look(),
            readers=info["num_readers"],
            waiting=self._writer.waiting(),
            commits=self._writer.commits,
            commit_ns=self._writer.commit_ns,
            functions=self._functions,
            functions_failed=self._functions_failed,
            batch_functions_max=self._batch_functions_max,
            reruns=self._writer.reruns,
        )

    def answer(self, commit: Commit) -> None:
        """Hand a batch's answers to the event loop: one wake-up, however many they are. From the writer's thread."""
        try:
            self._loop.call_soon_threadsafe(self._deliver, commit)
        except RuntimeError:
            _log.debug("the event loop ended without close: nobody is left to answer")

    def _deliver(self, commit: Commit) -> None:
        self._functions += len(commit.calls)
        self._batch_functions_max = max(self._batch_functions_max, len(commit.calls))
        for call in commit.calls:
            future = call.future
            if future.done():
                continue
            if call.error is None:
                future.set_result(call.result)
            else:
                self._functions_failed += 1
                future.set_exception(call.error)
        if commit.topics or commit.earliest_due_ms is not None:
            for watcher in tuple(self._watchers):
                watcher.committed(commit.topics, commit.earliest_due_ms)

    def fail(self, reason: str) -> EngineFailed:
        """Stop for good, with one log line; return what to raise. From both threads."""
        if self._failure is None:
            self._failure = f"storage engine {self._folder} stopped: {reason}"
            _log.critical(self._failure)
            if self._on_failure is not None:
                self._loop.call_soon_threadsafe(self._on_failure, self._failure)
        return EngineFailed(self._failure)

    def grow_map(self, step_bytes: int) -> None:
        """Make room in a full map; from the writer's thread.

        LMDB allows it only while no transaction is open. The writer's was aborted, and the loop's reads never span a
        callback, so the loop does it between two of them, once nobody inspects.
        """
        done = threading.Event()

        async def grow() -> None:
            while self._looking:
                await asyncio.wait(self._looking)
            self._environment.set_mapsize(self._environment.info()["map_size"] + step_bytes)
            done.set()

        asyncio.run_coroutine_threadsafe(grow(), self._loop)
        done.wait()


def _open(folder: Path, map_bytes: int) -> Any:
    """Open or create the environment, its names durable: LMDB syncs contents, never directories."""
    make_directory(folder)
    environment = None
    while environment is None:
        try:
            environment = lmdb.open(
                str(folder), map_size=map_bytes, lib_version=1, max_readers=READERS_MAX, mode=0o600, max_dbs=0
            )
        except lmdb.MemoryError as error:
            if map_bytes <= MAP_BYTES_MIN:
                raise EngineFailed(f"storage engine {folder} cannot map {map_bytes} bytes: {error}") from error
            map_bytes //= 2
        except lmdb.Error as error:
            raise EngineFailed(f"storage engine {folder} cannot be opened: {error}") from error
    # At every start: the last one may have been cut off before it came here.
    sync_directory(folder)
    sync_directory(folder.parent)
    return environment
