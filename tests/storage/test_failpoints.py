"""Every failpoint of the registry: a process that dies or fails there loses nothing that it acknowledged."""

import asyncio
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cumulo.core.settings import InvalidSetting
from cumulo.storage import failpoints
from tests.crash.ack_log import Outcome
from tests.crash.engine_check import check_folder
from tests.crash.engine_loop import run_worker

ROOMS = Path(failpoints.__file__).parent.parent
POINTS = [name for name in failpoints.POINTS if not name.startswith(("bootstrap.", "topic."))]
"""Those of the storage room; servers die at the others in test_first_start.py and test_topic_endpoints.py."""
ITEMS = 60
HITS = {"data_folder.before_format": 1, "blob.before_delete": 2}
"""At which hit the process dies; the fifth where nothing is said."""


@pytest.fixture(autouse=True)
def _inert_afterwards():
    yield
    failpoints.disarm()


def work_on(folder, *failpoint):
    status, calls, said = run_worker(folder, "1", items=ITEMS, failpoint="".join(failpoint))
    return status, calls, said


@pytest.mark.parametrize("name", POINTS)
def test_process_that_is_killed_there_loses_nothing_acknowledged(name, tmp_path):
    folder = tmp_path / "data"

    status, calls, _ = work_on(folder, f"{name}=crash@{HITS.get(name, 5)}")

    assert status == -9
    assert asyncio.run(check_folder(folder, calls)) == []

    status, more, said = work_on(folder)

    assert (status, said) == (0, "")
    assert asyncio.run(check_folder(folder, calls + more)) == []


@pytest.mark.parametrize("name", [name for name in POINTS if name.startswith("blob.") or name.endswith("commit")])
def test_process_that_meets_an_error_there_stops_and_loses_nothing_acknowledged(name, tmp_path):
    folder = tmp_path / "data"

    status, calls, said = work_on(folder, f"{name}=error@{HITS.get(name, 5)}")

    assert status == 3
    assert f"failpoint {name}" in said
    assert asyncio.run(check_folder(folder, calls)) == []


def test_failed_commit_is_unknown_to_those_who_wait_and_nobody_is_told_success(tmp_path):
    _, calls, _ = work_on(tmp_path / "data", "engine.before_commit=error@5")

    outcomes = {call.outcome for call in calls[-16:]}

    assert Outcome.UNKNOWN in outcomes


def test_each_failpoint_stands_in_the_code_and_each_in_the_code_is_registered():
    named = {
        name
        for room in ("storage", "identity", "queue_service", "object_store", "runner", "gateway", "server", "core")
        for path in (ROOMS / room).rglob("*.py")
        if path.name not in ("failpoints.py", "conformance.py")
        for name in re.findall(r'failpoints\.hit\("([^"]+)"\)', path.read_text())
    }

    assert named == set(failpoints.POINTS)


def test_unarmed_failpoint_does_nothing():
    failpoints.hit("engine.before_commit")

    assert not failpoints.armed
    assert failpoints.hits("engine.before_commit") == 0


def test_error_strikes_at_its_hit_only():
    failpoints.arm("blob.after_write=error@2")

    failpoints.hit("blob.after_write")
    with pytest.raises(failpoints.Injected, match=r"failpoint blob\.after_write"):
        failpoints.hit("blob.after_write")
    failpoints.hit("blob.after_write")

    assert failpoints.hits("blob.after_write") == 3


def test_delay_pauses():
    failpoints.arm("due.before_deed=delay:20; blob.after_seal=error")
    before = time.monotonic()

    failpoints.hit("due.before_deed")

    assert time.monotonic() - before >= 0.02


@pytest.mark.parametrize(
    "text",
    ["nowhere=crash", "engine.rerun", "engine.rerun=explode", "engine.rerun=delay", "engine.rerun=error@0",
     "engine.rerun=error@x", "engine.rerun=crash:5"],
)  # fmt: skip
def test_mistyped_failpoint_is_refused(text):
    with pytest.raises(InvalidSetting, match="failpoint"):
        failpoints.arm(text)


def test_crash_is_a_kill_that_nothing_cleans_up_after():
    code = "from cumulo.storage import failpoints as f; f.arm('engine.rerun=crash'); f.hit('engine.rerun')"

    assert subprocess.run([sys.executable, "-c", code], check=False, env=os.environ).returncode == -9
