"""A request id: the first answer again, the deed once, and a refusal where the request is another."""

import asyncio
from typing import Any

import msgspec
import pytest

from cumulo.core.clocks import ManualClock
from cumulo.core.errors import IDEMPOTENT_PARAMETER_MISMATCH, ServiceError
from cumulo.storage import idempotency, records
from cumulo.storage.due_pump import DuePump
from cumulo.storage.engine import ROOT
from cumulo.storage.idempotency import DUE_KIND, Once, run_once
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.storage.memory import MemoryEngine

WINDOW_MS = 600_000


class Made(msgspec.Struct, frozen=True):
    number: int
    name: str


def make(txn: Any, name: str) -> Made | None:
    count = int.from_bytes(txn.get(ROOT + b"count") or b"", "big") + 1
    txn.put(ROOT + b"count", count.to_bytes(8, "big"))
    if name == "nothing":
        return None
    if name == "refused":
        raise KeyError(name)
    return Made(count, name)


def count(txn, request):
    return int.from_bytes(txn.get(ROOT + b"count") or b"", "big")


def rows(txn, request):
    return txn.range(ROOT + idempotency._SUBSPACE, ROOT + idempotency._SUBSPACE + b"\xff", 100)


def once(name="a", request_id="r1", now_ms=1_000, account="1", operation="Make"):
    return Once(
        partition=ROOT,
        account=account,
        operation=operation,
        request_id=request_id,
        identity=name.encode(),
        now_ms=now_ms,
        window_ms=WINDOW_MS,
        function=make,
        request=name,
        result_type=Made,
    )


class World:
    def __init__(self, engine=None):
        self.engine = engine or MemoryEngine()
        self.clock = ManualClock(1_000)
        self.pump = DuePump(self.engine, self.clock)

        async def expire(entries):
            await idempotency.expire(self.engine, entries)

        self.pump.register(DUE_KIND, expire)

    async def ask(self, **changes):
        return await self.engine.transact((ROOT,), run_once, once(**changes))

    async def see(self, function):
        return await self.engine.read((ROOT,), function, None)


def test_repeated_request_gets_the_first_answer_and_happens_once():
    async def run():
        world = World()

        assert await world.ask() == Made(1, "a")
        assert await world.ask(now_ms=1_500) == Made(1, "a")
        assert await world.see(count) == 1

    asyncio.run(run())


def test_answer_of_nothing_is_remembered_too():
    async def run():
        world = World()

        assert [await world.ask(name="nothing"), await world.ask(name="nothing")] == [None, None]
        assert await world.see(count) == 1

    asyncio.run(run())


def test_same_id_with_another_request_is_refused():
    async def run():
        world = World()
        await world.ask()

        with pytest.raises(ServiceError) as refused:
            await world.ask(name="b")

        assert refused.value.row is IDEMPOTENT_PARAMETER_MISMATCH
        assert "r1" in refused.value.message
        assert await world.see(count) == 1

    asyncio.run(run())


@pytest.mark.parametrize("change", [{"account": "2"}, {"operation": "Remake"}, {"request_id": "r2"}])
def test_id_counts_per_account_and_operation(change):
    async def run():
        world = World()

        await world.ask()
        assert await world.ask(**change) == Made(2, "a")

    asyncio.run(run())


def test_refused_request_is_not_remembered():
    async def run():
        world = World()

        for _ in range(2):
            with pytest.raises(KeyError):
                await world.ask(name="refused")

        assert await world.see(rows) == []

    asyncio.run(run())


def test_request_happens_again_after_its_window():
    async def run():
        world = World()

        await world.ask()
        assert await world.ask(now_ms=1_000 + WINDOW_MS - 1) == Made(1, "a")
        assert await world.ask(now_ms=1_000 + WINDOW_MS) == Made(2, "a")
        assert len(await world.see(rows)) == 1

    asyncio.run(run())


def test_rows_are_removed_after_their_window():
    async def run():
        world = World()
        await world.ask()
        world.clock.advance(WINDOW_MS - 1)
        await world.pump.run_due()
        assert len(await world.see(rows)) == 1

        world.clock.advance(1)
        await world.pump.run_due()

        assert await world.see(rows) == []
        assert await world.engine.next_due_ms() is None

    asyncio.run(run())


def test_row_that_was_renewed_outlives_the_first_window():
    async def run():
        world = World()
        await world.ask()
        await world.ask(now_ms=1_000 + WINDOW_MS)
        world.clock.advance(WINDOW_MS)

        await world.pump.run_due()

        assert len(await world.see(rows)) == 1
        assert await world.engine.next_due_ms() == 1_000 + 2 * WINDOW_MS

    asyncio.run(run())


def test_restart_between_request_and_repetition_changes_nothing(tmp_path):
    async def ask():
        world = World(LmdbEngine(tmp_path))
        answer = await world.ask()
        await world.engine.close()
        return answer

    async def expire():
        world = World(LmdbEngine(tmp_path))
        world.clock.advance(WINDOW_MS)
        await world.pump.run_due()
        left = await world.see(rows)
        await world.engine.close()
        return left

    assert [asyncio.run(ask()), asyncio.run(ask())] == [Made(1, "a"), Made(1, "a")]
    assert asyncio.run(expire()) == []


def test_stored_row_is_these_bytes():
    async def run():
        world = World()
        await world.ask()
        return await world.see(rows)

    ((key, value),) = asyncio.run(run())

    assert key[8:].hex() == "026964656d706f74656e637900" + "023100" + "024d616b6500" + "02723100"
    assert value.hex() == "9401c410ca978112ca1bbdcafac231b39a23dc4dc41082a66e756d62657201a46e616d65a161ce00092ba8"
    assert issubclass(idempotency._Row, records.Record)
