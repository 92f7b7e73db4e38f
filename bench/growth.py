"""Does an operation cost the same with 10^3, 10^5 and 10^6 messages and objects?

Fills one data folder for each size through the rooms' own transaction functions, then measures the same operations on
all of them in turns, round by round and back again, so that whatever else the machine does meets every size alike:
first through a server (CPU of its process per call), then the functions on the engine alone (CPU per function).
Messages and objects of 1 KiB. Prints each cost and its ratio to the smallest size's; target: at most 1.1.

Run: python bench/growth.py [--max 1000000] [--rounds 9] [--calls 200] [--json] [--folder DIR]
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
from rig.machine import describe, precise_cpu_s, refuse_memory_disk
from rig.table import Row, show

from cumulo.api.objects.v1 import objects_pb2 as objects
from cumulo.api.objects.v1.objects_pb2_grpc import ObjectServiceStub
from cumulo.api.queue.v1 import queue_pb2 as queues
from cumulo.api.queue.v1.queue_pb2_grpc import QueueServiceStub
from cumulo.object_store import object_model
from cumulo.object_store.bodies import NewBody
from cumulo.object_store.buckets import find_bucket
from cumulo.object_store.event_documents import CREATED_PUT
from cumulo.object_store.listing import ListStep, first_position, list_step
from cumulo.object_store.objects import CommitObject, commit_object, description_of, open_object
from cumulo.object_store.stamping import Stamped
from cumulo.queue_service import stamping
from cumulo.queue_service.leases import StampedDelete, delete_messages
from cumulo.queue_service.message_model import SendEntry
from cumulo.queue_service.messages import Demand, StampedReceive, StampedSend, receive_messages, send_messages
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.queues import Lookup, follow
from cumulo.queue_service.receipts import Receipt
from cumulo.storage import digests
from cumulo.storage.data_folder import DataFolder
from cumulo.storage.engine import ROOT, Txn
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.testing import Server

SIZES = (1_000, 100_000, 1_000_000)
FLAT_TARGET = 1.1
QUEUE, BUCKET = "growth", "growth-bucket"
ACCOUNT, REGION = "000000000000", "us-east-1"
TOKEN_LIFE_S = 3600
CALL_S = 30.0
BODY = random.Random(0).randbytes(1024)
MD5 = hashlib.md5(BODY, usedforsecurity=False).digest()
BATCH = 100
BATCHES_AT_ONCE = 16
FUNCTIONS_AT_ONCE = 10
PAGE = 100


def key_of(number: int) -> str:
    """Return the key of an object; keys of one store are spread over folders as people do."""
    return f"folder-{number % 97:02d}/object-{number:08d}"


def commit_many(txn: Txn, commits: tuple[CommitObject, ...]) -> None:
    """Store several objects in one transaction."""
    for commit in commits:
        commit_object(txn, commit)


class Filled:
    """A data folder with `size` messages and as many objects; its engine, while no server has it open."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size
        self.random = random.Random(size)
        self.now_ms = time.time_ns() // 1_000_000
        self.crc64nvme = digests.crc64nvme(BODY)

    async def open(self) -> None:
        """Open the engine and find the queue's and the bucket's partitions."""
        self.folder = DataFolder(self.path)
        self.engine = LmdbEngine(self.folder.engine)
        queue = await self.engine.read((ROOT,), follow, Lookup(Place(ACCOUNT, REGION, QUEUE)))
        bucket = await self.engine.read((ROOT,), find_bucket, BUCKET)
        self.queue: bytes = queue.row.partition
        self.bucket: bytes = bucket.row.partition

    async def close(self) -> None:
        """Close the engine."""
        await self.engine.close()
        self.folder.close()

    async def fill(self) -> None:
        """Write the messages and the objects."""
        for start in range(0, self.size, BATCH * BATCHES_AT_ONCE):
            starts = range(start, min(start + BATCH * BATCHES_AT_ONCE, self.size), BATCH)
            await asyncio.gather(*(self.send(min(BATCH, self.size - first)) for first in starts))
            await asyncio.gather(*(self._put(range(first, min(first + BATCH, self.size))) for first in starts))

    async def _put(self, numbers: range) -> None:
        commits = tuple(self._commit(key_of(number)) for number in numbers)
        await self.engine.transact((self.bucket,), commit_many, commits)

    def _commit(self, key: str) -> CommitObject:
        request = object_model.PutObject(bucket=BUCKET, key=key)
        stamped = Stamped(request=request, partition=self.bucket, now_ms=self.now_ms, wall_ms=self.now_ms)
        body = NewBody(size_bytes=len(BODY), md5=MD5, etag=MD5, crc64nvme=self.crc64nvme, inline=BODY)
        return CommitObject(stamped, body, description_of(request), CREATED_PUT)

    def any_key(self) -> str:
        """Return the key of any object."""
        return key_of(self.random.randrange(self.size))

    # The operations on the engine alone

    async def send(self, count: int = 1) -> None:
        """Store messages."""
        seed = os.urandom(stamping.SEED_BYTES)
        entries = (SendEntry(BODY),) * count
        messages, _, _ = stamping.stamp_entries(entries, seed, "AIDAEXAMPLE", self.now_ms, self.now_ms)
        request = StampedSend(QUEUE, self.queue, tuple(messages), seed, self.now_ms)
        await self.engine.transact((self.queue,), send_messages, request)

    async def receive_and_delete(self) -> None:
        """Take one message and delete it."""
        token = os.urandom(16)
        demand = Demand(1, None, token)
        request = StampedReceive(QUEUE, self.queue, (demand,), b"", self.now_ms)
        received = await self.engine.transact((self.queue,), receive_messages, request)
        ((taken,),) = received.taken
        receipt = Receipt(0, received.generation, taken.seq, taken.lease_at, token)
        request_to_delete = StampedDelete(QUEUE, self.queue, (receipt,), self.now_ms)
        await self.engine.transact((self.queue,), delete_messages, request_to_delete)

    async def put(self) -> None:
        """Overwrite an object."""
        await self.engine.transact((self.bucket,), commit_object, self._commit(self.any_key()))

    async def get(self) -> None:
        """Read an object."""
        request = object_model.GetObject(bucket=BUCKET, key=self.any_key())
        await self.engine.read((self.bucket,), open_object, Stamped(request=request, partition=self.bucket))

    async def list_page(self) -> None:
        """List a page from anywhere."""
        step = ListStep(
            partition=self.bucket,
            bucket=BUCKET,
            prefix="",
            delimiter="",
            position=first_position("", "", self.any_key()),
            limit=PAGE,
        )
        await self.engine.read((self.bucket,), list_step, step)

    async def engine_us(self, operation: Callable[[], Awaitable[None]], calls: int) -> float:
        """Return the process's CPU of one call."""
        started = time.process_time()
        for _ in range(calls // FUNCTIONS_AT_ONCE):
            await asyncio.gather(*(operation() for _ in range(FUNCTIONS_AT_ONCE)))
        return (time.process_time() - started) / calls * 1e6


class Served:
    """A filled folder behind a server, and the same operations as calls."""

    def __init__(self, filled: Filled, server: Server, channel: grpc.Channel) -> None:
        self.filled = filled
        self.server = server
        self.queue = QueueServiceStub(channel)
        self.objects = ObjectServiceStub(channel)
        with server.client() as client:
            token = client.iam.issue_token(TOKEN_LIFE_S).token
        self.with_token: dict[str, Any] = {
            "metadata": (("authorization", f"Bearer {token}"),),
            "timeout": CALL_S,
        }

    def send(self) -> None:
        """Store a message."""
        self.queue.SendMessage(queues.SendMessageRequest(queue=QUEUE, body=BODY), **self.with_token)

    def receive_and_delete(self) -> None:
        """Take one message and delete it."""
        answer = self.queue.ReceiveMessages(queues.ReceiveMessagesRequest(queue=QUEUE, wait_s=0), **self.with_token)
        (message,) = answer.messages
        request = queues.DeleteMessageRequest(queue=QUEUE, receipt_handle=message.receipt_handle)
        self.queue.DeleteMessage(request, **self.with_token)

    def put(self) -> None:
        """Overwrite an object."""
        frames = (
            objects.PutObjectRequest(head=objects.PutObjectHead(bucket=BUCKET, key=self.filled.any_key())),
            objects.PutObjectRequest(data=BODY),
            objects.PutObjectRequest(commit=objects.UploadCommit()),
        )
        self.objects.PutObject(iter(frames), **self.with_token)

    def get(self) -> None:
        """Read an object."""
        request = objects.GetObjectRequest(bucket=BUCKET, key=self.filled.any_key())
        for _ in self.objects.GetObject(request, **self.with_token):
            pass

    def list_page(self) -> None:
        """List a page from anywhere."""
        request = objects.ListObjectsRequest(bucket=BUCKET, start_after=self.filled.any_key(), page_size=PAGE)
        self.objects.ListObjects(request, **self.with_token)

    def server_us(self, operation: Callable[[], None], calls: int) -> float:
        """Return the server's CPU of one call."""
        before = precise_cpu_s(self.server.pid)
        for _ in range(calls):
            operation()
        return (precise_cpu_s(self.server.pid) - before) / calls * 1e6


OPERATIONS = {
    "send": "send",
    "receive + delete": "receive_and_delete",
    "put 1 KiB over an old one": "put",
    "get 1 KiB": "get",
    f"list a page of {PAGE}": "list_page",
}


def fill(folder: Path, size: int) -> Filled:
    """Make and fill a data folder."""
    path = folder / f"data-{size}"
    with Server(path) as server, server.client() as client:
        client.queue(QUEUE).create(managed_sse=False)  # the engine is measured alone, too
        client.bucket(BUCKET).create()
    filled = Filled(path, size)

    async def run() -> None:
        await filled.open()
        await filled.fill()
        await filled.close()

    started = time.perf_counter()
    asyncio.run(run())
    used_mb = sum(path.stat().st_blocks for path in path.rglob("*") if path.is_file()) * 512 / 1e6
    print(f"{size:,} messages and objects in {time.perf_counter() - started:.0f} s, {used_mb:,.0f} MB", file=sys.stderr)
    return filled


def rows_of(where: str, what: str, costs: dict[int, list[float]]) -> list[Row]:
    """Return a row for each size: its median cost, and the median over the rounds of its ratio to the smallest."""
    smallest = min(costs)
    rows = []
    for size, taken in costs.items():
        ratios = [cost / least for cost, least in zip(taken, costs[smallest], strict=True)]
        cost = statistics.median(taken)
        rows.append(
            Row(
                what=f"{where} {what}, {size:,}",
                figure=cost,
                unit="CPU µs",
                floor=cost / statistics.median(ratios),
                target=None if size == smallest else FLAT_TARGET,
                at_most=True,
            )
        )
    return rows


def measure_servers(stores: list[Filled], rounds: int, calls: int) -> list[Row]:
    """Measure every operation on servers of all sizes in turns."""
    with ExitStack() as stack:
        served = []
        for filled in stores:
            server = stack.enter_context(Server(filled.path))
            served.append(Served(filled, server, stack.enter_context(grpc.insecure_channel(server.target))))
        rows = []
        for what, name in OPERATIONS.items():
            costs: dict[int, list[float]] = {filled.size: [] for filled in stores}
            for one in served:
                one.server_us(getattr(one, name), calls)  # warms up
            for number in range(rounds):
                for one in served[:: 1 if number % 2 else -1]:
                    costs[one.filled.size].append(one.server_us(getattr(one, name), calls))
            rows += rows_of("server:", what, costs)
    return rows


async def measure_engines(stores: list[Filled], rounds: int, calls: int) -> list[Row]:
    """Measure every operation's functions on engines of all sizes in turns."""
    for filled in stores:
        await filled.open()
    rows = []
    for what, name in OPERATIONS.items():
        costs: dict[int, list[float]] = {filled.size: [] for filled in stores}
        for filled in stores:
            await filled.engine_us(getattr(filled, name), calls)
        for number in range(rounds):
            for filled in stores[:: 1 if number % 2 else -1]:
                costs[filled.size].append(await filled.engine_us(getattr(filled, name), calls))
        rows += rows_of("engine:", what, costs)
    for filled in stores:
        await filled.close()
    return rows


def main() -> int:
    """Print the table; exit 1 where a cost grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--max", type=int, default=SIZES[-1], help="the largest size to fill")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=200, help="calls of one operation in a round")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument(
        "--folder", type=Path, help="where data is kept meanwhile; default: the system's temporary folder"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cumulo-growth-", dir=options.folder) as name:
        folder = Path(name)
        refuse_memory_disk(folder)
        machine = describe(folder)
        stores = [fill(folder, size) for size in SIZES if size <= options.max]
        rows = measure_servers(stores, options.rounds, options.calls)
        rows += asyncio.run(measure_engines(stores, options.rounds, options.calls))
    if options.json:
        print(json.dumps({"machine": machine, "rows": [row.encoded() for row in rows]}, indent=2))
    else:
        print(", ".join(f"{key} {value}" for key, value in machine.items()))
        show(rows)
    return 0 if all(row.met is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
