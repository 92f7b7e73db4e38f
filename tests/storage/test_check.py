"""The storage room's invariants: silent where all is well, a sentence for each broken fact."""

import asyncio

from cumulo.storage import clock_record
from cumulo.storage.check import check
from cumulo.storage.engine import ROOT, allocate, new_partition
from cumulo.storage.memory import MemoryEngine


def make(txn, request):
    partition = new_partition(txn)
    allocate(txn, "blob", 10)
    return partition


def plan(txn, partition):
    for number in range(1_500):
        txn.due(number, "a.b", partition + b"%d" % number)


def spoil(txn, request):
    txn.put(ROOT + b"counter/blob", b"short")
    txn.put(ROOT + b"counter/zero", bytes(8))
    txn.put(clock_record._KEY, b"\xff" * 8)
    txn.due(5, "c.d", b"\x00" * 7 + b"\x63" + b"x")
    txn.due(1 << 63, "e.f", ROOT + b"y")


def test_sound_engine_has_no_problems():
    async def run():
        engine = MemoryEngine()
        assert await check(engine) == []
        partition = await engine.transact((ROOT,), make, None)
        await engine.transact((partition,), plan, partition)
        return await check(engine)

    assert asyncio.run(run()) == []


def test_each_broken_fact_is_named():
    async def run():
        engine = MemoryEngine()
        await engine.transact((ROOT,), make, None)
        await engine.transact((ROOT, b"\x00" * 7 + b"\x63"), spoil, None)
        return await check(engine)

    problems = asyncio.run(run())

    assert len(problems) == 5
    for text in ("counter blob", "counter zero", "e.f", "deadline clock", "a partition that was never made"):
        assert sum(text in problem for problem in problems) == 1, (text, problems)
