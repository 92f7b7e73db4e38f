"""What does a record of a log cost to append and to read, over gRPC beside the engine alone, and with a million there?

A server on a disk, clients in this process that speak the generated stubs; records of 1 KiB. Appends in batches of 100
from 1 and 8 clients, appends by 1 and 8 streams of such frames, reads of pages and by a stream: records per CPU-second
of the server, beside the room's own functions on an engine alone (the floor). Then what one append, one read in the
middle, and one read by time cost on logs of 1,000 and of 1,000,000 records, in turns.

Run: python bench/log.py [--seconds 3] [--max 1000000] [--json] [--folder DIR]
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
from rig.machine import cpu_s, describe, refuse_memory_disk
from rig.table import Row, show

from cumulo.api.queue.v1 import log_pb2 as pb
from cumulo.api.queue.v1.log_pb2_grpc import LogServiceStub
from cumulo.queue_service.log_attributes import LogPlace
from cumulo.queue_service.log_model import AppendEntry, From, Start
from cumulo.queue_service.log_records import StampedAppend, StampedRead, append_records, read_records
from cumulo.queue_service.logs import StampedCreateLog, create_log
from cumulo.queue_service.queues import allocate_partition
from cumulo.storage.engine import ROOT
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.testing import Server

BODY = random.Random(0).randbytes(1024)
BATCH = 100
PAGE = 1_000
PAGE_BYTES = 1 << 20
CLIENTS = (1, 8)
IN_FLIGHT = 8
TOKEN_LIFE_S = 3600
CALL_S = 30.0
WINDOW = 4
"""Frames that a stream has on their way unanswered."""
APPEND_TARGET = 0.25
"""A commit that several share, and conversions of the room, leave this much beside grpcio with Python on both sides."""
READ_TARGET = 0.4
FLAT_TARGET = 1.1
CALLS = 200
ENTRIES = (AppendEntry(BODY),) * BATCH
WIRE_ENTRIES = [pb.AppendEntry(body=BODY)] * BATCH
NEVER_BEGUN_MS = 1_700_000_000_000

Work = Callable[[], Awaitable[int]]
"""Does one step, and returns how many records it moved."""


class Alone:
    """A log on an engine without a service."""

    def __init__(self, engine: LmdbEngine, partition: bytes) -> None:
        self.engine = engine
        self.partition = partition
        self.now_ms = NEVER_BEGUN_MS
        self.length = 0
        self.random = random.Random(1)

    async def append(self) -> int:
        """Append a batch, a millisecond after the one before."""
        self.now_ms += 1
        request = StampedAppend("log", self.partition, ENTRIES, None, self.now_ms, self.now_ms)
        await self.engine.transact((self.partition,), append_records, request)
        self.length += BATCH
        return BATCH

    async def read(self, start: Start, count: int = BATCH) -> int:
        """Read a page."""
        request = StampedRead("log", self.partition, start, count, PAGE_BYTES, None)
        page = await self.engine.read((self.partition,), read_records, request)
        return len(page.records)

    async def read_somewhere(self) -> int:
        """Read a page from any position."""
        return await self.read(Start(From.POSITION, self.random.randrange(self.length - BATCH)))

    async def read_by_time(self) -> int:
        """Read a page from any time."""
        return await self.read(Start(From.TIME, self.random.randrange(NEVER_BEGUN_MS, self.now_ms)))


async def make_log(engine: LmdbEngine, name: str, length: int) -> Alone:
    """Return a log of so many records, each batch a millisecond after the one before."""
    partition: bytes = await engine.transact((ROOT,), allocate_partition, None)
    place = LogPlace("000000000000", "us-east-1", name)
    request = StampedCreateLog(place, partition, is_new=True, fields={}, policy=None, now_ms=NEVER_BEGUN_MS)
    await engine.transact((ROOT, partition), create_log, request)
    log = Alone(engine, partition)
    while log.length < length:
        await asyncio.gather(*(log.append() for _ in range(IN_FLIGHT)))
    return log


async def rate(work: list[Work], seconds: float, clock: Callable[[], float]) -> tuple[float, float]:
    """Let each of `work` run again and again; return records per CPU-second of `clock`, and per second."""
    moved = 0
    end = time.monotonic() + seconds

    async def go_on(step: Work) -> None:
        nonlocal moved
        while time.monotonic() < end:
            count = await step()
            moved += count  # on a line of its own: others count while this one waits

    began, cpu = time.monotonic(), clock()
    await asyncio.gather(*map(go_on, work))
    return moved / (clock() - cpu), moved / (time.monotonic() - began)


async def measure_alone(folder: Path, seconds: float) -> dict[str, float]:
    """Return what the functions do per CPU-second on an engine alone: appends of each number of clients, and reads."""
    engine = LmdbEngine(folder)
    log = await make_log(engine, "floor", BATCH)
    floors = {}
    for clients in CLIENTS:
        floors[f"append {clients}"], _ = await rate([log.append] * clients, seconds, time.process_time)

    async def read() -> int:
        return await log.read(Start(From.POSITION, log.random.randrange(log.length)), PAGE)

    floors["read"], _ = await rate([read], seconds, time.process_time)
    await engine.close()
    return floors


class Stream:
    """An append stream that has some frames on their way."""

    def __init__(self, stub: Any, metadata: Any) -> None:
        self.frames: asyncio.Queue[pb.StreamAppendRecordsRequest] = asyncio.Queue()
        self.call = stub.StreamAppendRecords(self._frames(), metadata=metadata)
        self.sent = 0

    async def _frames(self) -> AsyncIterator[pb.StreamAppendRecordsRequest]:
        while True:
            yield await self.frames.get()

    async def step(self) -> int:
        """Send what the window has room for, and take one answer."""
        while self.sent < WINDOW:
            self.sent += 1
            self.frames.put_nowait(pb.StreamAppendRecordsRequest(log="log", entries=WIRE_ENTRIES))
        answer = await self.call.read()
        self.sent -= 1
        return int(answer.count)


async def measure_server(server: Server, token: str, seconds: float) -> list[tuple[str, str, float, float]]:
    """Return (what, which floor, records per CPU-second of the server, records per second)."""
    metadata = (("authorization", f"Bearer {token}"),)
    found = []
    async with grpc.aio.insecure_channel(
        server.target, options=(("grpc.max_receive_message_length", 1 << 23),)
    ) as wire:
        stub: Any = LogServiceStub(wire)

        async def append() -> int:
            request = pb.AppendRecordsRequest(log="log", entries=WIRE_ENTRIES)
            return int((await stub.AppendRecords(request, timeout=CALL_S, metadata=metadata)).count)

        async def read() -> int:
            start = pb.LogStart(position=random.randrange(BATCH))
            request = pb.ReadRecordsRequest(log="log", start=start, max_records=PAGE)
            return len((await stub.ReadRecords(request, timeout=CALL_S, metadata=metadata)).records)

        def clock() -> float:
            return cpu_s(server.pid)

        for clients in CLIENTS:
            figures = await rate([append] * clients, seconds, clock)
            found.append((f"append in batches, {clients} clients", f"append {clients}", *figures))
        for clients in CLIENTS:
            streams = [Stream(stub, metadata) for _ in range(clients)]
            steps: list[Work] = [stream.step for stream in streams]
            figures = await rate(steps, seconds, clock)
            found.append((f"append by {clients} streams", f"append {clients}", *figures))
            for stream in streams:
                stream.call.cancel()
        found.append(("read in pages, 1 client", "read", *await rate([read], seconds, clock)))
        length = (await stub.GetLog(pb.GetLogRequest(name="log"), metadata=metadata)).log.next_position
        tail: Any = None

        async def follow() -> int:
            nonlocal tail
            if tail is None:
                tail = stub.StreamReadRecords(pb.StreamReadRecordsRequest(log="log"), metadata=metadata)
            frame = await tail.read()
            if frame.next_position == length:  # from the beginning once more
                tail.cancel()
                tail = None
            return len(frame.records)

        found.append(("read by a stream", "read", *await rate([follow], seconds, clock)))
        if tail is not None:
            tail.cancel()
    return found


async def measure_growth(folder: Path, sizes: tuple[int, ...]) -> list[Row]:
    """Return what a function costs on the larger log, as a part of what it costs on the smaller."""
    engine = LmdbEngine(folder)
    logs = [await make_log(engine, f"log-{size}", size) for size in sizes]
    rows = []
    for what, step in (
        ("append of 100", Alone.append),
        ("read of 100 somewhere", Alone.read_somewhere),
        ("read of 100 by time", Alone.read_by_time),
    ):
        costs: list[list[float]] = [[] for _ in logs]
        for _ in range(CALLS):
            for log, taken in zip(logs, costs, strict=True):
                began = time.process_time()
                await step(log)
                taken.append((time.process_time() - began) * 1e6)
        small, large = map(statistics.median, costs)
        rows.append(
            Row(
                what=f"{what}, {sizes[1]:,} records beside {sizes[0]:,}",
                figure=large,
                unit="CPU µs",
                floor=small,
                target=FLAT_TARGET if step is not Alone.read_by_time else None,
                at_most=True,
            )
        )
    await engine.close()
    return rows


def main() -> int:
    """Run as the module docstring says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--max", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cumulo-bench-", dir=options.folder) as temporary:
        folder = Path(temporary)
        refuse_memory_disk(folder)
        machine = describe(folder)
        floors = asyncio.run(measure_alone(folder / "floor", options.seconds))
        with Server(folder / "data") as server:
            with server.client() as client:
                client.log("log", create=True)
                token = client.iam.issue_token(TOKEN_LIFE_S).token
            found = asyncio.run(measure_server(server, token, options.seconds))
        growth = asyncio.run(measure_growth(folder / "growth", (1_000, options.max)))
    rows = [
        Row(
            what=what,
            figure=per_cpu,
            unit="records per CPU-second",
            per_s=per_s,
            floor=floors[kind],
            target=READ_TARGET if kind == "read" else APPEND_TARGET,
        )
        for what, kind, per_cpu, per_s in found
    ]
    rows += growth
    if options.json:
        print(json.dumps({"machine": machine, "rows": [row.encoded() for row in rows]}))
    else:
        print(*(f"{name} {value}" for name, value in machine.items()), sep="; ")
        show(rows)
    return 0 if all(row.met is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
