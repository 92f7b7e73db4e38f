"""The program that gets killed: it works on a data folder and writes an ack log to standard output.

    python -m tests.crash.engine_work FOLDER SEED [ITEMS]

It passes every durable step of the storage room. An *item* is a name with two rows that are always written together, a
place in a counter, a due entry that makes the pump confirm it, and, for every third, a blob. Without ITEMS it goes on
until it is killed.
"""

import asyncio
import os
import random
import sys
from pathlib import Path
from typing import Any

import msgspec

from cumulo.core.clocks import SystemClock
from cumulo.core.errors import OUTCOME_UNKNOWN, ServiceError
from cumulo.storage import clock_record, failpoints, records, tuples
from cumulo.storage.blob_format import Seal
from cumulo.storage.blobs import BlobStore
from cumulo.storage.data_folder import DataFolder
from cumulo.storage.due_pump import DuePump
from cumulo.storage.engine import ROOT, Due, EngineFailed
from cumulo.storage.lmdb_engine import LmdbEngine
from tests.crash.ack_log import AckLog, Outcome

CONFIRM = "crash.confirm"
TASKS = 16
COUNT = ROOT + b"crash/count"
ITEMS = ROOT + b"crash/item/"
MIRRORS = ROOT + b"crash/mirror/"


class Item(records.Record, frozen=True):
    """One item's row; the mirror row holds its payload. `confirmed` counts the pump's deeds: one in the end."""

    size: int = 0
    confirmed: int = 0
    seal: Seal | None = None


decode_item = records.decoder(Item)


class Add(msgspec.Struct, frozen=True):
    """Write an item."""

    name: str
    payload: bytes
    due_ms: int
    seal: Seal | None = None


def item_key(name: str) -> bytes:
    """Return the key of an item's row."""
    return ITEMS + tuples.encode((name,))


def mirror_key(name: str) -> bytes:
    """Return the key of an item's mirror."""
    return MIRRORS + tuples.encode((name,))


def _count(txn: Any, step: int) -> None:
    txn.put(COUNT, tuples.u64(int.from_bytes(txn.get(COUNT) or b"", "big") + step))


def add(txn: Any, request: Add) -> None:
    """Write both rows, count them, and ask for a confirmation."""
    txn.put(item_key(request.name), records.encode(Item(size=len(request.payload), seal=request.seal)))
    txn.put(mirror_key(request.name), request.payload)
    txn.due(request.due_ms, CONFIRM, item_key(request.name))
    _count(txn, 1)


def add_and_refuse(txn: Any, request: Add) -> None:
    """Write, then fail: nothing of it may stay."""
    add(txn, request)
    raise KeyError(request.name)


def remove(txn: Any, request: str) -> Seal | None:
    """Remove an item; return its blob's seal."""
    stored = txn.get(item_key(request))
    if stored is None:
        return None
    txn.delete(item_key(request))
    txn.delete(mirror_key(request))
    _count(txn, -1)
    return decode_item.decode(stored).seal


def confirm(txn: Any, entries: tuple[Due, ...]) -> None:
    """Do the deed of due entries: the item counts its confirmation, in the commit that removes the entry."""
    for entry in entries:
        stored = txn.get(entry.key)
        if txn.undue(entry.at_ms, entry.kind, entry.key) and stored is not None:
            item = decode_item.decode(stored)
            txn.put(entry.key, records.encode(msgspec.structs.replace(item, confirmed=item.confirmed + 1)))


class Worker:
    """Adds and removes items, several at once, and logs each call."""

    def __init__(self, folder: DataFolder, engine: LmdbEngine, blobs: BlobStore, clock: SystemClock, seed: str) -> None:
        self.engine = engine
        self.blobs = blobs
        self.clock = clock
        self.log = AckLog(1, f"{os.getpid()}-{folder.path.name}")
        self.random = random.Random(seed)
        self.left: int | None = None

    async def call(self, op: str, function: Any, request: Any, **what: Any) -> Any:
        """Make one logged call; return its answer, or None where it was not acknowledged."""
        call = self.log.begin(op, **what)
        try:
            answer = await self.engine.transact((ROOT,), function, request)
        except KeyError:
            self.log.end(call, Outcome.REFUSED)
            return None
        except ServiceError as error:
            self.log.end(call, Outcome.UNKNOWN if error.row is OUTCOME_UNKNOWN else Outcome.REFUSED)
            return None
        self.log.end(call, Outcome.ACKED)
        return answer

    async def one_item(self, name: str) -> None:
        """Add an item, and remove every fourth again."""
        seal = None
        draw = self.random.random()
        payload = self.random.randbytes(self.random.randrange(2_000))
        if draw < 1 / 3:
            async with await self.blobs.begin() as writer:
                await writer.write(blob_body(name))
                seal = (await writer.seal()).seal
        request = Add(name, payload, self.clock.deadline_ms() + self.random.randrange(20), seal)
        if draw > 0.9:
            await self.call("refuse", add_and_refuse, request, name=name)
            return
        await self.call("add", add, request, name=name, payload=payload.hex(), blob=seal is not None)
        if draw < 0.3 or draw > 0.85:
            old = await self.call("remove", remove, name, name=name)
            if old is not None:
                await self.blobs.delete([old.blob_id])

    async def go_on(self, lane: int) -> None:
        """Work until killed, or until `left` is used up."""
        number = 0
        while self.left is None or self.left > 0:
            if self.left is not None:
                self.left -= 1
            number += 1
            await self.one_item(f"{os.getpid()}-{lane}-{number}-{self.random.getrandbits(32):08x}")


def blob_body(name: str) -> bytes:
    """Return the body of an item's blob, 64 KiB to 1.3 MiB, known from its name alone."""
    source = random.Random(name)
    return source.randbytes(1_000) * source.randrange(66, 1_300)


async def work(path: Path, seed: str, items: int | None) -> None:
    """Open the folder, work, close."""
    folder = DataFolder(path)
    engine = LmdbEngine(folder.engine)
    clock = SystemClock(await clock_record.load(engine))
    blobs = BlobStore(folder.blobs, engine)
    await blobs.start()
    pump = DuePump(engine, clock)

    async def confirm_all(entries: list[Due]) -> None:
        await engine.transact((ROOT,), confirm, tuple(entries), grows=False)

    pump.register(CONFIRM, confirm_all)
    running = [asyncio.ensure_future(clock_record.keep(engine, clock)), asyncio.ensure_future(pump.run())]
    worker = Worker(folder, engine, blobs, clock, seed)
    worker.left = items
    try:
        async with asyncio.TaskGroup() as lanes:
            for lane in range(TASKS):
                lanes.create_task(worker.go_on(lane))
        await asyncio.sleep(0.05)  # the last items fall due
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await blobs.close()
        await engine.close()
        folder.close()


def main() -> None:
    """Run as the module docstring says; a failed engine ends it with exit status 3."""
    failpoints.arm(os.environ.get("CUMULO_FAILPOINTS", ""))
    items = int(sys.argv[3]) if len(sys.argv) > 3 else None
    try:
        asyncio.run(work(Path(sys.argv[1]), sys.argv[2], items))
    except* (EngineFailed, OSError) as group:
        print(*group.exceptions, sep="\n", file=sys.stderr)
        sys.exit(3)


if __name__ == "__main__":
    main()
