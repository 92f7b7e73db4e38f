"""The crash loop itself: a short run of it, and that its check sees what it is there to see."""

import asyncio
import json
import os
import random

import pytest

from cumulo.storage.data_folder import DataFolder
from cumulo.storage.engine import ROOT
from cumulo.storage.lmdb_engine import LmdbEngine
from tests.crash.ack_log import AckLog, Outcome, read_calls
from tests.crash.engine_check import check_folder
from tests.crash.engine_loop import run_worker
from tests.crash.engine_work import COUNT, item_key, mirror_key, remove


@pytest.mark.parametrize("cycles", [3, pytest.param(50, marks=pytest.mark.long)])
@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_by_kills(tmp_path, cycles):
    calls = []
    for cycle in range(cycles):
        status, more, _ = run_worker(tmp_path / "data", str(cycle), kill_after_s=random.uniform(0.01, 0.4))
        calls += more

        assert status == -9
        assert asyncio.run(check_folder(tmp_path / "data", calls)) == []
    assert any(call.outcome is Outcome.ACKED for call in calls)


def drop_mirror(txn, name):
    txn.delete(mirror_key(name))


def count_again(txn, name):
    txn.put(COUNT, (12_345).to_bytes(8, "big"))


def strange_due(txn, name):
    txn.due(1, "queue.lease", b"\x00\x00\x00\x00\x00\x00\x00\x09lost")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (remove, "acknowledged and lost"),
        (drop_mirror, "half-written"),
        (count_again, "the counter says 12345"),
        (strange_due, "in a partition that was never made"),
    ],
)
def test_check_sees_damage(tmp_path, damage, says):
    _, calls, _ = run_worker(tmp_path / "data", "1", items=20)
    gone = {call.what["name"] for call in calls if call.op == "remove"}
    name = next(call.what["name"] for call in calls if call.op == "add" and call.what["name"] not in gone)

    async def spoil():
        folder = DataFolder(tmp_path / "data")
        engine = LmdbEngine(folder.engine)
        await engine.transact((ROOT, b"\x00" * 7 + b"\x09"), damage, name)
        await engine.close()
        folder.close()

    asyncio.run(spoil())

    problems = asyncio.run(check_folder(tmp_path / "data", calls))
    assert any(says in problem for problem in problems), problems


def test_check_sees_a_lost_blob(tmp_path):
    _, calls, _ = run_worker(tmp_path / "data", "1", items=20)
    for path in (tmp_path / "data" / "blobs").rglob("*"):
        if path.is_file():
            os.truncate(path, path.stat().st_size - 1)

    problems = asyncio.run(check_folder_tolerantly(tmp_path / "data", calls))

    assert any("bytes instead of" in problem or "do not match" in problem for problem in problems), problems


async def check_folder_tolerantly(folder, calls):
    try:
        return await check_folder(folder, calls)
    except Exception as error:  # noqa: BLE001 - a block that cannot be read ends the check
        return [str(error)]


def test_ack_log_reads_back_and_leaves_out_a_line_that_was_cut_off(tmp_path):
    path = tmp_path / "log"
    log = AckLog.append_to(path, "client")
    first = log.begin("send", body="x")
    second = log.begin("send", body="y")
    log.end(first, Outcome.ACKED, id=1)
    with path.open("ab") as file:
        file.write(json.dumps({"call": second, "answer": "acked", "what": {}}).encode()[:-5])

    calls = read_calls(path.read_bytes().splitlines(keepends=True))

    assert [(call.op, call.what, call.outcome, call.answer) for call in calls] == [
        ("send", {"body": "x"}, Outcome.ACKED, {"id": 1}),
        ("send", {"body": "y"}, Outcome.UNKNOWN, {}),
    ]
    assert item_key("a") != mirror_key("a")
