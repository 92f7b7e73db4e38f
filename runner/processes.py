"""Processes as the kernel shows them in /proc: identity, descendants, and ending all of a task's.

A process id alone identifies nothing for long; with its start time it does.
"""

import ctypes
import os
import signal
from pathlib import Path

MARK_VARIABLE = "CUMULO_JOB_MARK"
"""Stands in the environment of everything a task starts: the way to find processes that left their group and session.
"""
_PR_SET_CHILD_SUBREAPER = 36


def start_ticks(pid: int) -> int:
    """Return when a process started, in clock ticks since boot; 0 where it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[19])


def is_same(pid: int, ticks: int) -> bool:
    """Say whether the process that started then still runs under this id."""
    return pid > 0 and ticks > 0 and start_ticks(pid) == ticks


def become_subreaper() -> None:
    """Let orphaned grandchildren come to this process instead of init, so that they can be found and reaped."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def reap_orphans(known: set[int]) -> None:
    """Collect dead children that nobody waits for; `known` are launchers whose exit somebody does wait for."""
    for child in children(os.getpid()):
        if child not in known and _state(child) == "Z":
            try:
                os.waitpid(child, os.WNOHANG)
            except ChildProcessError:
                continue


def children(pid: int) -> list[int]:
    """Return a process's direct children."""
    found: list[int] = []
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return found
    for thread in threads:
        try:
            found += [int(child) for child in (thread / "children").read_text().split()]
        except OSError:
            continue
    return found


def descendants(pid: int) -> list[int]:
    """Return every process below `pid`, nearest first."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children(waiting.pop(0))
        found += below
        waiting += below
    return found


def marked(mark: str) -> list[int]:
    """Return the processes that carry a task's mark in their environment, wherever they went."""
    needle = f"{MARK_VARIABLE}={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if needle in environment.split(b"\0"):
                found.append(int(entry.name))
    return found


def send(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to processes; those that are gone need none."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
