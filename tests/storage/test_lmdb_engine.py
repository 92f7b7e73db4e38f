"""What only the LMDB engine promises: shared commits, fail-stop, the free-space reserve, and a map that fills."""

import asyncio
import os
import subprocess
import sys
import textwrap
from contextlib import asynccontextmanager
from pathlib import Path

import lmdb
import pytest

from cumulo.core.errors import OUTCOME_UNKNOWN, STORAGE_FULL, TOO_BUSY, ServiceError
from cumulo.storage import failpoints, group_commit, lmdb_engine
from cumulo.storage.durable import make_directory, write_file
from cumulo.storage.engine import ROOT, EngineFailed
from cumulo.storage.group_commit import BATCH_FUNCTIONS_MAX, SAVEPOINT_BATCHES
from cumulo.storage.lmdb_engine import LmdbEngine


@pytest.fixture(autouse=True)
def _inert_afterwards():
    yield
    failpoints.disarm()


@pytest.fixture
def synced(monkeypatch):
    """The paths that were synced, in order; they really are."""
    paths: list[Path] = []
    real = os.fsync

    def sync(descriptor):
        paths.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        real(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    return paths


@asynccontextmanager
async def opened(folder, **options):
    engine = LmdbEngine(folder, **options)
    try:
        yield engine
    finally:
        await engine.close()


def put(txn, key):
    txn.put(ROOT + key, b"v")
    return key


def put_large(txn, key):
    for number in range(60):
        txn.put(ROOT + key + b"%d" % number, bytes(65_000))


def put_and_fail(txn, key):
    txn.put(ROOT + key, b"v")
    raise KeyError(key)


def fail(txn, key):
    raise KeyError(key)


def fail_oddly(txn, key):
    raise StopIteration


def get(txn, key):
    return txn.get(ROOT + key)


def delete(txn, key):
    return txn.delete(ROOT + key)


async def together(engine, function, count):
    calls = (engine.transact((ROOT,), function, b"%d" % number) for number in range(count))
    return await asyncio.gather(*calls, return_exceptions=True)


def test_functions_that_wait_together_share_a_commit(tmp_path):
    async def run():
        async with opened(tmp_path) as engine:
            await together(engine, put, 400)

            stats = engine.stats()
            assert stats.functions == 400
            assert stats.commits <= 4
            assert stats.batch_functions_max >= 100

    asyncio.run(run())


def test_batch_is_bounded_in_functions_and_bytes(tmp_path):
    async def run():
        async with opened(tmp_path) as engine:
            await together(engine, put, 3 * BATCH_FUNCTIONS_MAX)
            assert engine.stats().batch_functions_max <= BATCH_FUNCTIONS_MAX
            before = engine.stats().commits

            await together(engine, put_large, 10)

            assert engine.stats().commits - before >= 4

    asyncio.run(run())


def test_failure_before_the_first_write_costs_nobody_a_second_run(tmp_path):
    async def run():
        async with opened(tmp_path) as engine:
            await asyncio.gather(together(engine, put, 50), together(engine, fail, 50))

            assert engine.stats().reruns == 0
            assert engine.stats().functions_failed == 50

    asyncio.run(run())


def test_failure_halfway_runs_the_batch_once_more_and_the_next_ones_with_savepoints(tmp_path):
    async def run():
        async with opened(tmp_path) as engine:
            for _ in range(SAVEPOINT_BATCHES // 2):
                await asyncio.gather(together(engine, put, 10), together(engine, put_and_fail, 10))

            assert engine.stats().reruns <= 2

    asyncio.run(run())


def test_answer_that_a_future_cannot_carry_still_reaches_the_caller(tmp_path):
    async def run():
        async with opened(tmp_path) as engine:
            with pytest.raises(RuntimeError, match="StopIteration"):
                await engine.transact((ROOT,), fail_oddly, None)

    asyncio.run(run())


def test_failed_commit_stops_the_engine_with_one_reason(tmp_path, caplog):
    async def run():
        reasons: list[str] = []
        engine = LmdbEngine(tmp_path, on_failure=reasons.append)
        failpoints.arm("engine.before_commit=error")

        answers = await together(engine, put, 30)
        await engine.close()

        assert {type(answer) for answer in answers} <= {ServiceError, EngineFailed}
        assert OUTCOME_UNKNOWN in {answer.row for answer in answers if isinstance(answer, ServiceError)}
        assert len(reasons) == 1
        assert str(tmp_path) in reasons[0]
        assert "\n" not in reasons[0]

    asyncio.run(run())
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]


def test_growing_work_is_refused_below_the_reserve_while_deletes_and_reads_go_on(tmp_path):
    async def run():
        async with opened(tmp_path) as engine:
            await engine.transact((ROOT,), put, b"a")
        async with opened(tmp_path, reserve_bytes=1 << 60) as engine:
            with pytest.raises(ServiceError) as refused:
                await engine.transact((ROOT,), put, b"b")
            assert refused.value.row is STORAGE_FULL
            assert await engine.read((ROOT,), get, b"a") == b"v"
            assert await engine.transact((ROOT,), delete, b"a", grows=False) is True

    asyncio.run(run())


def test_free_space_is_looked_at_again_when_it_was_short(tmp_path, monkeypatch):
    async def run():
        async with opened(tmp_path, reserve_bytes=1000) as engine:
            free = [10]
            monkeypatch.setattr(engine.free_space, "look", lambda: setattr(engine.free_space, "free_bytes", free[0]))
            with pytest.raises(ServiceError):
                await engine.transact((ROOT,), put, b"a")
            free[0] = 10_000
            engine.free_space._look_again_s = 0.0

            assert await engine.transact((ROOT,), put, b"a") == b"a"

    asyncio.run(run())


def test_too_many_waiting_functions_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(lmdb_engine, "WAITING_MAX", 20)

    async def run():
        async with opened(tmp_path) as engine:
            failpoints.arm("engine.before_commit=delay:50@1")
            answers = await together(engine, put, 100)

        refused = [answer for answer in answers if isinstance(answer, ServiceError)]
        assert {answer.row for answer in refused} == {TOO_BUSY}
        assert len(refused) + sum(isinstance(answer, bytes) for answer in answers) == 100

    asyncio.run(run())


def test_work_that_frees_space_goes_on_in_a_map_without_a_free_page(tmp_path, monkeypatch):
    monkeypatch.setattr(group_commit, "MAP_STEP_BYTES", 1 << 20)

    async def run():
        async with opened(tmp_path, reserve_bytes=0, map_bytes=64 * 4096) as engine:
            before = engine.stats().map_bytes

            await engine.transact((ROOT,), put_large, b"x", grows=False)

            assert engine.stats().map_bytes > before
            assert await engine.read((ROOT,), get, b"x0") == bytes(65_000)

    asyncio.run(run())


def test_file_system_that_is_full_refuses_growth_and_recovers_without_a_restart(tmp_path):
    """A limit on the file's size stands for the full disk: the commit's write comes back short."""
    code = textwrap.dedent("""
        import asyncio, resource, signal, sys
        from pathlib import Path
        from cumulo.core.errors import STORAGE_FULL, ServiceError
        from cumulo.storage.engine import ROOT
        from cumulo.storage.lmdb_engine import LmdbEngine

        def put(txn, key):
            for number in range(30):
                txn.put(ROOT + key + b"%d" % number, bytes(65_000))

        def delete(txn, key):
            return txn.delete_range(ROOT + key, ROOT + key + b"~", 100)

        async def run():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            engine = LmdbEngine(Path(sys.argv[1]), reserve_bytes=0)
            resource.setrlimit(resource.RLIMIT_FSIZE, (20 << 20, resource.RLIM_INFINITY))
            stored = 0
            while True:
                try:
                    await engine.transact((ROOT,), put, b"%d-" % stored)
                except ServiceError as error:
                    assert error.row is STORAGE_FULL, error
                    break
                stored += 1
            assert stored > 5, stored
            for number in range(stored):
                assert await engine.transact((ROOT,), delete, b"%d-" % number, grows=False) == 30
            await engine.transact((ROOT,), put, b"again-")
            await engine.close()

        asyncio.run(run())
    """)

    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, env=os.environ
    )

    assert (ended.returncode, ended.stderr) == (0, "")


def test_address_space_that_is_short_gives_a_smaller_map(tmp_path):
    code = textwrap.dedent("""
        import asyncio, resource, sys
        from pathlib import Path
        from cumulo.storage.lmdb_engine import LmdbEngine

        async def run():
            resource.setrlimit(resource.RLIMIT_AS, (100 << 30, 100 << 30))
            engine = LmdbEngine(Path(sys.argv[1]))
            print(engine.stats().map_bytes >> 30)
            await engine.close()

        asyncio.run(run())
    """)

    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, env=os.environ
    )

    assert (ended.stdout, ended.stderr) == ("64\n", "")


def test_file_of_the_older_lmdb_is_refused_by_name(tmp_path):
    old = lmdb.open(str(tmp_path), lib_version=0)
    with old.begin(write=True) as txn:
        txn.put(b"a", b"b")
    old.close()

    async def run():
        with pytest.raises(EngineFailed, match="cannot be opened") as refused:
            LmdbEngine(tmp_path)
        assert str(tmp_path) in str(refused.value)

    asyncio.run(run())


def test_damaged_file_is_refused_by_name(tmp_path):
    (tmp_path / "data.mdb").write_bytes(b"x" * 8192)

    async def run():
        with pytest.raises(EngineFailed, match="cannot be opened"):
            LmdbEngine(tmp_path)

    asyncio.run(run())


def test_read_functions_see_one_snapshot_and_cannot_write(tmp_path):
    async def run():
        async with opened(tmp_path) as engine:
            with pytest.raises(AttributeError):
                await engine.read((ROOT,), put, b"a")
            assert engine.stats().readers <= 2

    asyncio.run(run())


def test_loop_that_ends_without_close_does_not_hang(tmp_path):
    code = textwrap.dedent("""
        import asyncio, sys
        from pathlib import Path
        from cumulo.storage.lmdb_engine import LmdbEngine

        async def run():
            LmdbEngine(Path(sys.argv[1]))

        asyncio.run(run())
    """)

    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, timeout=20, env=os.environ)

    assert ended.returncode == 0


def test_every_new_directory_and_file_is_synced_with_its_directory(tmp_path, synced):
    make_directory(tmp_path / "a" / "b")
    write_file(tmp_path / "a" / "b" / "file", b"content")

    below = tmp_path / "a" / "b"
    assert synced == [tmp_path, tmp_path / "a", below / "file.new", below]


def test_opening_syncs_the_names_of_the_environment(tmp_path, synced):
    async def run():
        async with opened(tmp_path / "engine"):
            pass

    asyncio.run(run())

    assert synced[-2:] == [tmp_path / "engine", tmp_path]
