"""The executor port: how a worker runs a command apart from its machine.

Five verbs: prepare, start, wait, kill, reap. A handle is plain data, written to disk before the command starts, so that
another process can clean up after a worker's death. Promises: a job never runs with weaker isolation than it asked for;
whatever happened, after `reap` no process of it is left.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from cumulo.runner import processes

TERM_GRACE_S = 5.0
"""Between TERM and KILL."""


class Task(msgspec.Struct, frozen=True):
    """What to run: `folder` is the job's own, the only place it may write; `mark` names the attempt on this machine.

    `visible` are host folders that the job may read besides the system's.
    """

    mark: str
    command: tuple[str, ...]
    environment: dict[str, str]
    folder: Path
    memory_bytes: int
    cpu_millis: int
    pids_max: int
    visible: tuple[str, ...] = ()


class Handle(msgspec.Struct):
    """A task on this machine, as it is written to disk: by it alone everything can be found and removed.

    `owner_*` identify the worker process, `pid`/`start_ticks` the launcher (0 before the start). Start times guard
    against reused process ids.
    """

    mark: str
    folder: str
    owner_pid: int
    owner_start_ticks: int
    executor: str
    cgroups: tuple[str, ...] = ()
    pid: int = 0
    start_ticks: int = 0


def new_handle(task: Task, executor: str = "", groups: tuple[str, ...] = ()) -> Handle:
    """Return the handle of a task of this process that was not started yet."""
    own = os.getpid()
    return Handle(task.mark, str(task.folder), own, processes.start_ticks(own), executor, groups)


class Usage(msgspec.Struct, frozen=True):
    """What a task used; 0 where nothing measures it."""

    cpu_ms: int = 0
    memory_peak_bytes: int = 0
    oom_kills: int = 0


LogSink = Callable[[int, bytes], None]
"""Takes (stream, bytes) as the command writes them; stream 1 is standard output, 2 standard error."""


class Running(Protocol):
    """A started task."""

    @property
    def handle(self) -> Handle:
        """The task as plain data."""
        ...

    why_not_started: str
    """After `wait`: the reason where the command itself was never begun, else empty."""

    async def wait(self) -> int:
        """Return the exit code, 128 + n when signal n ended it, once the command and its output have ended."""
        ...

    async def kill(self, grace_s: float = TERM_GRACE_S) -> None:
        """Send TERM to every process of the task, after the grace KILL."""
        ...

    async def reap(self) -> Usage:
        """Remove what is left of the task: processes, groups; return what it used."""
        ...


class Executor(Protocol):
    """One way to run tasks."""

    name: str

    def probe(self) -> str:
        """Really run `true`; return an empty text when it worked, or why this executor cannot be used here."""
        ...

    async def start(self, task: Task, sink: LogSink, write_handle: Callable[[Handle], None]) -> Running:
        """Start a task; `write_handle` is called before the command can run, and again with its process id."""
        ...
