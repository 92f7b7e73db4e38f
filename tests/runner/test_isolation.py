"""What a worker says of its machine: only what it has tried."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cumulo.runner import cgroups
from cumulo.runner.isolation import find_isolation


def test_a_machine_without_a_sandbox_is_said_to_have_none_and_offers_nothing_in_its_place(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    found = find_isolation(tmp_path, allow_plain=True)

    assert found.sandboxed is None
    assert found.plain is not None
    assert found.description.startswith("no sandbox: bwrap is not installed; unshare is not installed; ")
    assert list(tmp_path.iterdir()) == []


def test_a_sandbox_that_is_there_and_does_not_work_is_passed_over_with_its_own_words(tmp_path, monkeypatch):
    for name in ("bwrap", "unshare"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{name}: no permission here' >&2\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    found = find_isolation(tmp_path, allow_plain=False)

    assert (found.sandboxed, found.plain) == (None, None)
    assert "bwrap cannot be used: bwrap: no permission here" in found.description
    assert "unshare cannot be used: unshare: no permission here" in found.description


def test_the_description_names_the_filter_of_system_calls_and_the_version_of_the_groups(isolation, grouped, sandboxed):
    assert "system calls" in isolation.description
    assert "limits by control groups (version " in isolation.description


def test_groups_whose_limits_do_not_hold_are_not_offered(monkeypatch, grouped):
    groups, _ = cgroups.probe()
    assert groups is not None
    kind = type(groups)
    real = kind.make
    for loose, what in (({"pids_max": 64}, "processes"), ({"memory_bytes": 1 << 30}, "memory")):

        def make(self, folders, memory_bytes, cpu_millis, pids_max, loose=loose):
            limits = {"memory_bytes": memory_bytes, "cpu_millis": cpu_millis, "pids_max": pids_max} | loose
            real(self, folders, **limits)

        monkeypatch.setattr(kind, "make", make)
        found, reason = cgroups.probe()

        assert found is None
        assert f"the limit of {what} does not hold" in reason
        assert not any(Path(folder).exists() for folder in groups.folders(f"cumulo-probe-{os.getpid()}"))


def unified():
    """The folder of version 2's hierarchy on a machine whose controllers are version 1's, None elsewhere."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, folder, kind, *_ = line.split()
        if kind == "cgroup2" and "memory" not in Path(folder, "cgroup.controllers").read_text().split():
            return folder
    return None


def test_version_2_without_its_controllers_says_so_and_puts_everything_back():
    folder = unified()
    if folder is None or os.geteuid() != 0:
        pytest.skip("version 2 has its controllers here, and the other tests use them, or this user may not move")
    script = (
        "import os, pathlib, sys\n"
        "from cumulo.runner import cgroups\n"
        "cgroups._ROOT = pathlib.Path(sys.argv[1])\n"
        "before = cgroups.own_paths()['']\n"
        "print(cgroups.probe(), cgroups.own_paths()[''] == before)\n"
        "print(list(cgroups._ROOT.rglob(f'cumulo-*-{os.getpid()}')))\n"
    )

    done = subprocess.run(
        [sys.executable, "-P", "-c", script, folder], capture_output=True, text=True, check=True, timeout=30
    )

    first, second = done.stdout.splitlines()
    assert first.startswith("(None, 'control groups cannot be used: "), done
    assert first.endswith(" True")
    assert second == "[]"
