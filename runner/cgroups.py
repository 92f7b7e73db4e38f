"""Control groups, version 1 and 2: limits that a job cannot leave, and the list of all its processes.

Owns the folders it makes below this process's own group. Promises to say what it cannot do: `probe` makes a group, sets
limits, exceeds them, and removes it again: what does not hold here is not offered. Version 2 has no other test than
that wherever the machine that runs the tests has version 1.
"""

import contextlib
import os
import subprocess
import time
from pathlib import Path
from typing import Protocol

from cumulo.runner.executor import Usage

_ROOT = Path("/sys/fs/cgroup")
_PERIOD_US = 100_000
_QUOTA_US_MIN = 1_000
_NANOSECONDS_PER_MS = 1_000_000
_MICROSECONDS_PER_MS = 1_000
ABANDONED_S = 60.0
"""How old the empty group of a process that is gone must be: one of another process namespace may be just being made.
"""
_REMOVE_TRIES = 50
_REMOVE_PAUSE_S = 0.01
_PROBE_BYTES = 8 * 1024 * 1024
_PROBE_S = 20
_NOT_ENTERED = 125


class Groups(Protocol):
    """One version's way to make groups."""

    version: str

    def folders(self, name: str) -> tuple[str, ...]:
        """Return where a task's group will be; a process enters it by its id in each folder's `cgroup.procs`."""
        ...

    def make(self, folders: tuple[str, ...], memory_bytes: int, cpu_millis: int, pids_max: int) -> None:
        """Make the group with its limits."""
        ...

    def usage(self, folders: tuple[str, ...]) -> Usage:
        """Return what the group used."""
        ...

    def parents(self) -> set[Path]:
        """Return the folders in which groups are made."""
        ...


def own_paths() -> dict[str, str]:
    """Return this process's group by controller; the unified hierarchy's key is empty (cgroups(7))."""
    paths = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            paths[controller] = path
    return paths


def members(folders: tuple[str, ...]) -> list[int]:
    """Return the processes in a task's groups."""
    found: set[int] = set()
    for folder in folders:
        with contextlib.suppress(OSError):
            found.update(int(pid) for pid in Path(folder, "cgroup.procs").read_text().split())
    return sorted(found)


def remove(folders: tuple[str, ...]) -> None:
    """Remove empty groups; a group stays busy for a moment after its last process died."""
    for folder in folders:
        for _ in range(_REMOVE_TRIES):
            try:
                Path(folder).rmdir()
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(_REMOVE_PAUSE_S)
            else:
                break


def sweep(groups: Groups, abandoned_s: float = ABANDONED_S) -> None:
    """Remove the empty groups of workers that are gone, whose handles may be gone as well: a name ends in the worker's
    process id. The kernel itself refuses to remove one that holds a process.
    """
    for parent in groups.parents():
        for folder in parent.glob("cumulo-*"):
            owner = folder.name.rpartition("-")[2]
            with contextlib.suppress(OSError):
                is_old = time.time() - folder.stat().st_mtime >= abandoned_s
                if owner.isdigit() and is_old and not Path("/proc", owner).exists():
                    folder.rmdir()


class GroupsV1:
    """Version 1: one folder a controller."""

    version = "version 1"
    _CONTROLLERS = ("memory", "pids", "cpu", "cpuacct")

    def __init__(self) -> None:
        own = own_paths()
        self._parents: dict[str, Path] = {}
        for controller in self._CONTROLLERS:
            parent = _ROOT / controller / own.get(controller, "/").lstrip("/")
            # In a container the path in /proc may not exist below the mount, whose root is then our own group.
            self._parents[controller] = parent if parent.is_dir() else _ROOT / controller

    def folders(self, name: str) -> tuple[str, ...]:
        """Return one folder for each hierarchy: `cpu` and `cpuacct` are often the same."""
        return tuple({parent.resolve(): str(parent / name) for parent in self._parents.values()}.values())

    def make(self, folders: tuple[str, ...], memory_bytes: int, cpu_millis: int, pids_max: int) -> None:
        """Make one folder for each hierarchy."""
        quota_us = max(_QUOTA_US_MIN, cpu_millis * _PERIOD_US // 1000)
        limits = {
            "memory": (("memory.limit_in_bytes", memory_bytes), ("memory.memsw.limit_in_bytes", memory_bytes)),
            "pids": (("pids.max", pids_max),),
            "cpu": (("cpu.cfs_period_us", _PERIOD_US), ("cpu.cfs_quota_us", quota_us)),
        }
        for folder in folders:
            Path(folder).mkdir()
        name = Path(folders[0]).name
        for controller, files in limits.items():
            for file, value in files:
                path = self._parents[controller] / name / file
                if file != "memory.memsw.limit_in_bytes" or path.exists():
                    path.write_text(str(value))

    def parents(self) -> set[Path]:
        """Return this process's own group in each hierarchy."""
        return {parent.resolve() for parent in self._parents.values()}

    def usage(self, folders: tuple[str, ...]) -> Usage:
        """Read the counters of the controllers."""
        memory = next(folder for folder in folders if Path(folder, "memory.limit_in_bytes").exists())
        account = next(folder for folder in folders if Path(folder, "cpuacct.usage").exists())
        return Usage(
            cpu_ms=int(Path(account, "cpuacct.usage").read_text()) // _NANOSECONDS_PER_MS,
            memory_peak_bytes=int(Path(memory, "memory.max_usage_in_bytes").read_text()),
            oom_kills=_field(Path(memory, "memory.oom_control"), "oom_kill"),
        )


class GroupsV2:
    """Version 2: one folder. Groups with processes of their own cannot hand controllers down, so this process moves
    into a leaf beside its jobs first, and back where that does not help.
    """

    version = "version 2"

    def __init__(self) -> None:
        own = _ROOT / own_paths()[""].lstrip("/")
        if own.name.startswith("cumulo-worker"):
            own = own.parent
        self._parent = own
        leaf = own / f"cumulo-worker-{os.getpid()}"
        leaf.mkdir(exist_ok=True)
        try:
            (leaf / "cgroup.procs").write_text(str(os.getpid()))
            (own / "cgroup.subtree_control").write_text("+memory +pids +cpu")
        except OSError:
            (own / "cgroup.procs").write_text(str(os.getpid()))
            remove((str(leaf),))
            raise

    def folders(self, name: str) -> tuple[str, ...]:
        """Return the folder."""
        return (str(self._parent / name),)

    def make(self, folders: tuple[str, ...], memory_bytes: int, cpu_millis: int, pids_max: int) -> None:
        """Make the folder."""
        folder = Path(folders[0])
        folder.mkdir()
        (folder / "memory.max").write_text(str(memory_bytes))
        if (folder / "memory.swap.max").exists():
            (folder / "memory.swap.max").write_text("0")
        (folder / "pids.max").write_text(str(pids_max))
        (folder / "cpu.max").write_text(f"{max(_QUOTA_US_MIN, cpu_millis * _PERIOD_US // 1000)} {_PERIOD_US}")

    def parents(self) -> set[Path]:
        """Return the group above the worker's leaf."""
        return {self._parent}

    def usage(self, folders: tuple[str, ...]) -> Usage:
        """Read the counters."""
        folder = Path(folders[0])
        peak = folder / "memory.peak"
        return Usage(
            cpu_ms=_field(folder / "cpu.stat", "usage_usec") // _MICROSECONDS_PER_MS,
            memory_peak_bytes=int(peak.read_text()) if peak.exists() else 0,
            oom_kills=_field(folder / "memory.events", "oom_kill"),
        )


def _field(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


def probe() -> tuple[Groups | None, str]:
    """Return a working way to make groups, or None and why there is none."""
    try:
        groups: Groups = GroupsV2() if (_ROOT / "cgroup.controllers").exists() else GroupsV1()
        _exceed(groups, f"cumulo-probe-{os.getpid()}")
    except (OSError, KeyError, StopIteration, ValueError, subprocess.TimeoutExpired) as error:
        return None, f"control groups cannot be used: {error}"
    return groups, ""


def _exceed(groups: Groups, name: str) -> None:
    """Raise `OSError` where a program gets past a limit: a process too many, or 32 MiB in a group of 8."""
    forked = _in_group(groups, name, pids_max=1, script="(:); echo forked")[0]
    if forked:
        raise OSError(f"{groups.version}: the limit of processes does not hold")
    usage = _in_group(groups, name, pids_max=16, script="head -c 33554432 /dev/zero | tail -n 1")[1]
    if not usage.oom_kills and not 0 < usage.memory_peak_bytes <= _PROBE_BYTES:
        raise OSError(f"{groups.version}: the limit of memory does not hold")


def _in_group(groups: Groups, name: str, *, pids_max: int, script: str) -> tuple[bool, Usage]:
    """Run a shell script in a group of its own; return whether it ended well, and what it used."""
    folders = groups.folders(name)
    enter = f'for group in $GROUPS_OF_PROBE; do echo $$ > "$group/cgroup.procs" || exit 125; done\n{script}'
    try:
        groups.make(folders, _PROBE_BYTES, 1000, pids_max)
        done = subprocess.run(  # noqa: S603 - our own script
            ("/bin/sh", "-c", enter),
            env={"PATH": os.defpath, "GROUPS_OF_PROBE": " ".join(folders)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_PROBE_S,
            check=False,
        )
        if done.returncode == _NOT_ENTERED:
            raise OSError(f"{groups.version}: {done.stderr.decode(errors='replace').strip()}")
        return done.returncode == 0, groups.usage(folders)
    finally:
        remove(folders)
