"""Look-ups that are remembered while nothing is committed."""

import asyncio

import pytest

from cumulo.storage.engine import ROOT
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.storage.memory import MemoryEngine
from cumulo.storage.remembered import ANSWERS_MAX, Remembered


class Counting:
    """A look-up that counts how often it ran."""

    def __init__(self):
        self.runs = 0

    def __call__(self, txn, name):
        self.runs += 1
        return txn.get(ROOT + name)


def put(txn, value):
    txn.put(ROOT + b"k", value)


@pytest.mark.parametrize("kind", ["memory", "lmdb"])
def test_an_answer_is_kept_until_something_is_committed(tmp_path, kind):
    async def scenario():
        engine = MemoryEngine() if kind == "memory" else LmdbEngine(tmp_path)
        look_up = Counting()
        remembered = Remembered(engine, (ROOT,), look_up)

        before = [await remembered.read(b"k"), await remembered.read(b"k")]
        await engine.transact((ROOT,), put, b"1")
        after = [await remembered.read(b"k"), await remembered.read(b"k")]

        assert (before, after, look_up.runs) == ([None, None], [b"1", b"1"], 2)
        await engine.close()

    asyncio.run(scenario())


def test_an_engine_that_numbers_no_commits_is_read_each_time():
    async def scenario():
        engine, look_up = MemoryEngine(), Counting()
        engine.commits = None  # type: ignore[assignment]
        remembered = Remembered(engine, (ROOT,), look_up)

        for _ in range(3):
            await remembered.read(b"k")

        assert look_up.runs == 3

    asyncio.run(scenario())


def test_no_more_answers_are_kept_than_the_bound():
    async def scenario():
        look_up = Counting()
        remembered = Remembered(MemoryEngine(), (ROOT,), look_up)

        for number in range(2 * ANSWERS_MAX):
            await remembered.read(b"%d" % number)

        assert len(remembered._answers) <= ANSWERS_MAX
        assert look_up.runs == 2 * ANSWERS_MAX

    asyncio.run(scenario())


def test_what_is_remembered_is_known_without_waiting_until_something_is_committed():
    async def scenario():
        engine = MemoryEngine()
        remembered = Remembered(engine, (ROOT,), Counting())
        await engine.transact((ROOT,), put, b"1")

        assert remembered.known(b"k") is None
        assert await remembered.read(b"k") == remembered.known(b"k") == b"1"
        await engine.transact((ROOT,), put, b"2")
        assert remembered.known(b"k") is None

    asyncio.run(scenario())
