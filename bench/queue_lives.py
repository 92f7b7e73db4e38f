"""What does the life of a message (send, receive, delete) cost, without any edge?

Runs the room's own transaction functions on an engine: first alone, on requests that were stamped beforehand, then with
all that the service adds to them (digests, ids, encoded records, receipts sealed and opened), and with all that on a
queue that is encrypted. Prints whole lives per
CPU-second of the process, all its threads counted, and the writes of one life. Target: 30,000 lives per CPU-second of
the functions alone, in batches of 100 on LMDB. Messages of 1 KiB. Run: python bench/queue_lives.py [--seconds 3]
"""

import argparse
import asyncio
import platform
import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cumulo.core.ids import SystemRandomness
from cumulo.core.tokens import TokenSealer
from cumulo.queue_service import receipts, stamping
from cumulo.queue_service.keys import DataKey, QueueName
from cumulo.queue_service.leases import StampedDelete, delete_messages
from cumulo.queue_service.message_model import SendEntry
from cumulo.queue_service.messages import Demand, Received, StampedReceive, StampedSend, receive_messages, send_messages
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.queues import StampedCreate, allocate_partition, create_queue
from cumulo.queue_service.receipts import Receipt
from cumulo.queue_service.sealing import MessageSeals
from cumulo.storage.engine import ROOT, Engine
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.storage.memory import MemoryEngine
from cumulo.storage.storage_keys import StorageKeys

NOW_MS = 1_700_000_000_000
BODY = b"x" * 1024
NAME = "lives"
IN_FLIGHT = 8
"""Batches that go through the engine at once, as from so many clients."""

writes = 0


def counted(txn: Any, call: tuple[Any, Any]) -> Any:
    """Run a function and add up its writes."""
    global writes  # noqa: PLW0603 - one number of one run
    function, request = call
    result = function(txn, request)
    writes += txn.writes
    return result


class Life:
    """Batches of messages that live through an engine, one after the other; `stamped` prepares requests beforehand."""

    def __init__(self, engine: Engine, partition: bytes, size: int, seals: MessageSeals, key: DataKey | None) -> None:
        self.engine: Any = engine
        self.seals = seals
        self.row = QueueName(data_key=key)
        self.partition = partition
        self.entries = (SendEntry(BODY),) * size
        self.demand = (Demand(size, None, secrets.token_bytes(16)),)
        self.sealer = TokenSealer({1: secrets.token_bytes(32)}, 1)
        self.send = self.stamp()

    def stamp(self) -> StampedSend:
        """Do what the service does with a batch to send."""
        seed = secrets.token_bytes(stamping.SEED_BYTES)
        sealing = self.seals.sealing(self.row, NOW_MS)
        messages, _, _ = stamping.stamp_entries(self.entries, seed, "AIDAEXAMPLE", NOW_MS, NOW_MS, sealing=sealing)
        key_id = sealing.key_id if sealing else b""
        return StampedSend(NAME, self.partition, tuple(messages), seed, NOW_MS, key_id)

    async def run_alone(self) -> None:
        """Run the three functions."""
        partitions = (self.partition,)
        await self.engine.transact(partitions, send_messages, self.send)
        received = await self._receive()
        token = self.demand[0].token
        held = tuple(
            Receipt(index, received.generation, it.seq, it.lease_at, token)
            for index, it in enumerate(received.taken[0])
        )
        await self.engine.transact(partitions, delete_messages, StampedDelete(NAME, self.partition, held, NOW_MS))

    async def run_as_service(self) -> None:
        """Run them with all that the service adds."""
        partitions = (self.partition,)
        await self.engine.transact(partitions, send_messages, self.stamp())
        received = await self._receive()
        token = self.demand[0].token
        for it in received.taken[0]:
            if it.stored.key_id:
                self.seals.open(self.partition, it.stored)
        handles = [
            receipts.seal(self.sealer, self.partition, received.generation, it.seq, it.lease_at, token)
            for it in received.taken[0]
        ]
        parsed, _ = stamping.parse_receipts(self.sealer, self.partition, handles)
        request = StampedDelete(NAME, self.partition, tuple(parsed), NOW_MS)
        await self.engine.transact(partitions, delete_messages, request)

    async def _receive(self) -> Received:
        request = StampedReceive(NAME, self.partition, self.demand, b"", NOW_MS)
        received: Received = await self.engine.transact((self.partition,), receive_messages, request)
        return received


async def make_life(engine: Engine, name: str, size: int, *, encrypted: bool = False) -> Life:
    """Return lives in a new queue of that name."""
    seals = MessageSeals(engine, SystemRandomness(), StorageKeys({1: secrets.token_bytes(32)}))
    partition: bytes = await engine.transact((ROOT,), allocate_partition, None)
    place = Place("000000000000", "us-east-1", name)
    key = seals.new_key(place, partition, "") if encrypted else None
    fields: dict[str, object] = {"managed_sse_enabled": encrypted}
    request = StampedCreate(place, partition, is_new=True, fields=fields, policy=None, now_ms=NOW_MS, data_key=key)
    await engine.transact((ROOT, partition), create_queue, request)
    return Life(engine, partition, size, seals, key)


async def lives_per_cpu_second(life: Life, method: str, seconds: float) -> float:
    run = getattr(life, method)
    lives = 0
    end = time.perf_counter() + seconds
    started = time.process_time()
    while time.perf_counter() < end:
        await asyncio.gather(*(run() for _ in range(IN_FLIGHT)))
        lives += IN_FLIGHT * len(life.entries)
    return lives / (time.process_time() - started)


async def writes_per_life(engine: Engine, size: int) -> float:
    """Count the writes of steady lives: the timers are armed."""
    global writes  # noqa: PLW0603 - one number of one run
    life = await make_life(engine, f"writes-{size}", size)
    await life.run_alone()
    writes = 0
    life.engine = Counting(engine)
    await life.run_alone()
    return writes / size


class Counting:
    """An engine whose functions' writes are added up."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def transact(self, partitions: Any, function: Any, request: Any) -> Any:
        """Run a function, counted."""
        return await self._engine.transact(partitions, counted, (function, request))


async def measure(name: str, engine: Engine, seconds: float) -> None:
    for size in (1, 10, 100):
        plain = await make_life(engine, f"plain-{size}", size)
        encrypted = await make_life(engine, f"encrypted-{size}", size, encrypted=True)
        for life, method, what in (
            (plain, "run_alone", "functions alone"),
            (plain, "run_as_service", "with the service's part"),
            (encrypted, "run_as_service", "and encryption"),
        ):
            rate = await lives_per_cpu_second(life, method, seconds)
            print(f"{name:7} batches of {size:3}  {what:23}  {rate:9,.0f} lives per CPU-second")
    for size in (1, 100):
        print(f"{name:7} batches of {size:3}  writes per life          {await writes_per_life(engine, size):9.2f}")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each line is measured")
    arguments = parser.parse_args()
    sys.setswitchinterval(0.001)  # as the server does
    print(f"Python {platform.python_version()} on {platform.machine()}; target: 30,000 lives per CPU-second alone")
    with tempfile.TemporaryDirectory() as folder:
        lmdb = LmdbEngine(Path(folder) / "engine")
        await measure("LMDB", lmdb, arguments.seconds)
        await lmdb.close()
    await measure("memory", MemoryEngine(), arguments.seconds)


if __name__ == "__main__":
    asyncio.run(main())
