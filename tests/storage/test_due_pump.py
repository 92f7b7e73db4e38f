"""The due pump: at its time, again after a failure or a restart, and nobody is held up by another's failure."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from cumulo.core.clocks import ManualClock
from cumulo.storage.due_pump import RETRY_MS, TAKE_MAX, DuePump
from cumulo.storage.engine import ROOT, Due, EngineFailed
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.storage.memory import MemoryEngine


class Plan(msgspec.Struct, frozen=True):
    entries: tuple[Due, ...]


def plan(txn, request):
    for entry in request.entries:
        txn.due(entry.at_ms, entry.kind, entry.key, entry.payload)


def remove(txn, request):
    for entry in request.entries:
        txn.undue(entry.at_ms, entry.kind, entry.key)


async def write(engine, *entries: Due) -> None:
    for at in range(0, len(entries), 1_000):
        await engine.transact((ROOT,), plan, Plan(entries[at : at + 1_000]))


def entry(at_ms: int, kind: str, name: str = "x") -> Due:
    return Due(at_ms, kind, ROOT + name.encode())


class World:
    """A memory engine, a manual clock and a pump; `done` is what the handlers did, in order."""

    def __init__(self, refuses: Callable[[Due], bool] = lambda entry: False) -> None:
        self.engine = MemoryEngine()
        self.clock = ManualClock(1_000_000)
        self.pump = DuePump(self.engine, self.clock)
        self.done: list[Due] = []
        self.did = asyncio.Event()
        self.calls = 0
        self._refuses = refuses

    async def handle(self, entries: list[Due]) -> None:
        self.calls += 1
        if any(map(self._refuses, entries)):
            raise ConnectionError("refused")
        await self.engine.transact((ROOT,), remove, Plan(tuple(entries)))
        self.done += entries
        self.did.set()


def test_entry_is_handed_over_at_its_time_and_not_before():
    async def run():
        world = World()
        world.pump.register("a.b", world.handle)
        await write(world.engine, entry(1_000_500, "a.b"))

        assert await world.pump.run_due() == 0
        world.clock.advance(499)
        assert await world.pump.run_due() == 0
        world.clock.advance(1)
        assert await world.pump.run_due() == 1
        assert await world.pump.run_due() == 0

    asyncio.run(run())


def test_backlog_larger_than_one_take_is_done_in_order():
    async def run():
        world = World()
        world.pump.register("a.b", world.handle)
        entries = [entry(1_000 + n, "a.b", f"{n:05}") for n in range(3 * TAKE_MAX + 7)]
        await write(world.engine, *entries)

        assert await world.pump.run_due() == len(entries)
        assert world.done == entries
        assert world.calls == 4

    asyncio.run(run())


def test_thousand_entries_of_a_failing_kind_do_not_hold_up_another_kind():
    async def run():
        world = World(refuses=lambda entry: entry.kind == "sick.kind")
        world.pump.register("sick.kind", world.handle)
        world.pump.register("well.kind", world.handle)
        await write(world.engine, *(entry(n, "sick.kind", f"{n}") for n in range(1_000)), entry(999_999, "well.kind"))

        await world.pump.run_due()

        assert world.done == [entry(999_999, "well.kind")]

    asyncio.run(run())


def test_resting_kind_is_not_tried_before_its_rest_is_over():
    async def run():
        world = World(refuses=lambda entry: True)
        world.pump.register("sick.kind", world.handle)
        await write(world.engine, *(entry(n, "sick.kind", f"{n}") for n in range(100)))
        await world.pump.run_due()
        calls = world.calls

        await world.pump.run_due()
        assert world.calls == calls
        world.clock.advance(RETRY_MS)
        await world.pump.run_due()
        assert world.calls > calls

    asyncio.run(run())


def test_pauses_of_a_failing_kind_grow():
    async def run():
        world = World(refuses=lambda entry: True)
        world.pump.register("sick.kind", world.handle)
        await write(world.engine, *(entry(n, "sick.kind", f"{n}") for n in range(1_000)))

        for _ in range(300):
            await world.pump.run_due()
            world.clock.advance(RETRY_MS)

        assert 8 <= world.calls <= 14

    asyncio.run(run())


def test_one_bad_entry_does_not_hold_up_the_others_of_its_kind():
    async def run():
        bad = entry(5, "a.b", "bad")
        world = World(refuses=lambda entry: entry.key == bad.key)
        world.pump.register("a.b", world.handle)
        good = [entry(n, "a.b", f"{n}") for n in range(600)]
        await write(world.engine, bad, *good)

        await world.pump.run_due()

        assert sorted(done.at_ms for done in world.done) == list(range(600))

    asyncio.run(run())


def test_bad_entry_is_tried_again_later():
    async def run():
        sick = True
        world = World(refuses=lambda entry: sick)
        world.pump.register("a.b", world.handle)
        await write(world.engine, entry(5, "a.b"))
        await world.pump.run_due()
        assert world.done == []

        sick = False
        await world.pump.run_due()
        assert world.done == []
        world.clock.advance(RETRY_MS)
        await world.pump.run_due()

        assert [done.key for done in world.done] == [ROOT + b"x"]

    asyncio.run(run())


def test_kind_that_nobody_registered_waits_and_harms_nobody():
    async def run():
        world = World()
        world.pump.register("a.b", world.handle)
        await write(world.engine, entry(5, "gone.kind"), entry(6, "a.b"))

        await world.pump.run_due()

        assert world.done == [entry(6, "a.b")]

    asyncio.run(run())


def test_entry_that_its_handler_left_is_handed_over_again_without_a_busy_loop():
    async def run():
        world = World()
        handed: list[Due] = []

        async def leave(entries):
            handed.extend(entries)

        world.pump.register("a.b", leave)
        await write(world.engine, entry(5, "a.b"))

        assert await world.pump.run_due() == 1
        assert await world.pump.run_due() == 1

    asyncio.run(run())


def test_failed_engine_ends_the_pump():
    async def run():
        world = World()

        async def fail(entries):
            raise EngineFailed("disk")

        world.pump.register("a.b", fail)
        await write(world.engine, entry(5, "a.b"))

        with pytest.raises(EngineFailed):
            await world.pump.run()

    asyncio.run(run())


def test_sleeping_pump_wakes_for_an_entry_that_is_due_sooner():
    async def run():
        world = World()
        world.pump.register("a.b", world.handle)
        await write(world.engine, entry(2_000_000, "a.b", "late"))
        running = asyncio.create_task(world.pump.run())
        await asyncio.sleep(0)

        await write(world.engine, entry(1_000_000, "a.b", "now"))
        await world.did.wait()

        assert world.done == [entry(1_000_000, "a.b", "now")]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())


def test_entry_written_before_a_restart_is_handed_over_after_it(tmp_path):
    async def first():
        engine = LmdbEngine(tmp_path)
        await write(engine, entry(5_000, "a.b"))
        await engine.close()

    async def second():
        engine = LmdbEngine(tmp_path)
        pump = DuePump(engine, ManualClock(6_000))
        handed: list[Due] = []

        async def handle(entries):
            handed.extend(entries)
            await engine.transact((ROOT,), remove, Plan(tuple(entries)))

        pump.register("a.b", handle)
        await pump.run_due()
        left = await engine.next_due_ms()
        await engine.close()
        return handed, left

    asyncio.run(first())

    assert asyncio.run(second()) == ([entry(5_000, "a.b")], None)
