"""What does a transaction function cost on the LMDB engine, and what does each way to undo a failed one cost?

Three parts, each number beside the floor that the same run measures:
- waiters: CPU and wall µs per function when 1, 8, 64 or 512 callers wait at once; the floor is the same operations in
  one bare LMDB transaction without checks, and one bare commit (two flushes) per function;
- batches: one function that does the work of a hundred;
- savepoints: a batch of functions with a nested transaction each, with an undo log in Python, or with neither (what the
  engine does: it runs a batch again, with nested transactions, when a function failed after it had written).
A function is two puts, two gets and a delete, with values of 200 bytes. Run: python bench/engine.py [--folder DIR]
"""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import lmdb

from cumulo.storage import tuples
from cumulo.storage.lmdb_engine import LmdbEngine

PARTITION = tuples.u64(1_000)
VALUE = b"v" * 200
SWITCH_INTERVAL_S = 0.001
"""What the server sets, so that the loop and the writer hand over quickly."""


def work(txn: Any, number: int) -> None:
    """Do the mix once; the key two rounds back was written by an earlier function."""
    key = PARTITION + tuples.u64(number)
    txn.put(key + b"a", VALUE)
    txn.put(key + b"b", VALUE)
    txn.get(key + b"a")
    txn.get(PARTITION + tuples.u64(number - 2) + b"b")
    txn.delete(PARTITION + tuples.u64(number - 2) + b"a")


def work_of_hundred(txn: Any, number: int) -> None:
    """Do the mix a hundred times in one function."""
    for inner in range(number, number + 100):
        work(txn, inner)


class Timer:
    """CPU and wall time of a block, per function."""

    def __init__(self, functions: int) -> None:
        self._functions = functions
        self.cpu_us = self.wall_us = 0.0

    def __enter__(self) -> Self:
        self._cpu_s, self._wall_s = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu_us = (time.process_time() - self._cpu_s) / self._functions * 1e6
        self.wall_us = (time.perf_counter() - self._wall_s) / self._functions * 1e6


def bare_environment(folder: Path) -> Any:
    return lmdb.open(str(folder), map_size=1 << 40, lib_version=1)


def bare_operations_us(folder: Path, functions: int = 20_000) -> float:
    """CPU of the mix in one bare LMDB transaction."""
    with bare_environment(folder) as environment, environment.begin(write=True) as txn, Timer(functions) as timer:
        for number in range(2, functions + 2):
            work(txn, number)
    return timer.cpu_us


def bare_commit(folder: Path, commits: int = 500) -> Timer:
    """Give each mix a bare LMDB commit of its own."""
    with bare_environment(folder) as environment, Timer(commits) as timer:
        for number in range(2, commits + 2):
            with environment.begin(write=True) as txn:
                work(txn, number)
    return timer


def fsync_us(folder: Path, times: int = 300) -> float:
    """Wall time of appending a page to a file and syncing it."""
    descriptor = os.open(folder / "fsync", os.O_WRONLY | os.O_CREAT)
    with Timer(times) as timer:
        for number in range(times):
            os.pwrite(descriptor, b"x" * 4096, number * 4096)
            os.fdatasync(descriptor)
    os.close(descriptor)
    return timer.wall_us


async def with_waiters(engine: LmdbEngine, waiters: int, function: Callable[[Any, int], None], rounds: int) -> Timer:
    async def wait_often(first: int) -> None:
        for number in range(first, first + rounds * 100, 100):
            await engine.transact((PARTITION,), function, number)

    with Timer(waiters * rounds) as timer:
        await asyncio.gather(*(wait_often(10_000_000 * (waiter + 1)) for waiter in range(waiters)))
    return timer


class UndoLog:
    """The alternative that was measured: every write remembers what it replaced."""

    def __init__(self, txn: Any) -> None:
        self._txn = txn
        self.get = txn.get
        self.log: list[tuple[bytes, bytes | None]] = []

    def put(self, key: bytes, value: bytes) -> None:
        """Write, and remember."""
        self.log.append((key, self._txn.replace(key, value)))

    def delete(self, key: bytes) -> None:
        """Remove, and remember."""
        self.log.append((key, self._txn.pop(key)))


def savepoints(folder: Path, functions: int = 512, batches: int = 20) -> dict[str, float]:
    """CPU per function of the ways to undo, commits not counted."""
    costs = {"neither": 0.0, "undo log": 0.0, "nested transaction": 0.0}
    with bare_environment(folder) as environment:
        number = 2
        for _ in range(batches):
            for way in costs:
                with environment.begin(write=True) as txn:
                    with Timer(functions * batches) as timer:
                        for _ in range(functions):
                            if way == "neither":
                                work(txn, number)
                            elif way == "undo log":
                                work(UndoLog(txn), number)
                            else:
                                with environment.begin(write=True, parent=txn) as inner:
                                    work(inner, number)
                            number += 1
                    costs[way] += timer.cpu_us
    return costs


async def run(folder: Path) -> None:
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    operations_us = bare_operations_us(folder / "operations")
    commit = bare_commit(folder / "commit")
    print(f"fsync of one appended page            {fsync_us(folder):8.1f} µs wall")
    print(f"bare LMDB commit with the mix         {commit.cpu_us:8.1f} µs CPU {commit.wall_us:8.1f} µs wall")
    print(f"the mix in a bare LMDB transaction    {operations_us:8.1f} µs CPU")
    engine = LmdbEngine(folder / "engine")
    for waiters in (1, 8, 64, 512):
        timer = await with_waiters(engine, waiters, work, max(20, 2_000 // waiters))
        print(
            f"engine, {waiters:3} waiters                   {timer.cpu_us:8.1f} µs CPU {timer.wall_us:8.1f} µs wall"
            f"   {timer.cpu_us / operations_us:5.1f} x the bare operations"
        )
    timer = await with_waiters(engine, 8, work_of_hundred, 50)
    cpu_us, wall_us = timer.cpu_us / 100, timer.wall_us / 100
    print(
        f"engine, 8 waiters, 100 mixes each     {cpu_us:8.1f} µs CPU {wall_us:8.1f} µs wall"
        f"   {cpu_us / operations_us:5.1f} x the bare operations"
    )
    await engine.close()
    costs = savepoints(folder / "savepoints")
    for way, cost_us in costs.items():
        print(f"batch of 512, undo by {way:18}{cost_us:6.1f} µs CPU {cost_us - costs['neither']:+8.1f} µs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, help="where to write; the disk under it is what is measured")
    with tempfile.TemporaryDirectory(dir=parser.parse_args().folder) as folder:
        print(f"Python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores; LMDB in {folder}")
        for name in ("operations", "commit", "savepoints"):
            (Path(folder) / name).mkdir()
        asyncio.run(run(Path(folder)))


if __name__ == "__main__":
    main()
