"""Both engines pass the suite that the port promises."""

import asyncio
import itertools
from pathlib import Path

import pytest

from cumulo.storage.conformance import CASES, run_model
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.storage.memory import MemoryEngine


class MemoryStand:
    durable = False

    def open(self):
        return MemoryEngine()

    def open_small(self):
        return None


class LmdbStand:
    durable = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self):
        return LmdbEngine(self._folder, reserve_bytes=0)

    def open_small(self):
        return LmdbEngine(self._folder, reserve_bytes=0, map_bytes=4 << 20)


@pytest.mark.parametrize("name", CASES)
def test_memory_engine_keeps_the_contract(name):
    asyncio.run(CASES[name](MemoryStand()))


@pytest.mark.parametrize("name", CASES)
def test_lmdb_engine_keeps_the_contract(name, tmp_path):
    asyncio.run(CASES[name](LmdbStand(tmp_path / "engine")))


@pytest.mark.parametrize("examples", [20, pytest.param(500, marks=pytest.mark.long)])
@pytest.mark.timeout(900)
def test_memory_engine_agrees_with_the_model(examples):
    run_model(MemoryStand, examples)


@pytest.mark.parametrize("examples", [10, pytest.param(200, marks=pytest.mark.long)])
@pytest.mark.timeout(900)
def test_lmdb_engine_agrees_with_the_model(tmp_path, examples):
    folders = (tmp_path / str(number) for number in itertools.count())

    run_model(lambda: LmdbStand(next(folders)), examples)
