"""Runs a task as processes of this machine: in a sandbox or plainly, limited by control groups or, without them, by
rlimits.

Owns the way from a task to its processes and back to none. Knows nothing of jobs, buckets or servers.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

from cumulo.runner import cgroups, processes, sandbox
from cumulo.runner.executor import TERM_GRACE_S, Handle, LogSink, Task, Usage, pump
from cumulo.runner.sandbox import JOB_FOLDER, PATH, Sandbox

_ENTER = """
for group in $CUMULO_CGROUPS; do echo $$ > "$group/cgroup.procs" || exit 125; done
unset CUMULO_CGROUPS
exec "$@"
"""
"""Enters the groups before the command exists, so that it can start nothing outside them."""
_ENTER_RLIMITS = """
ulimit -v "$CUMULO_MEMORY_KIB" || exit 125
unset CUMULO_MEMORY_KIB
exec "$@"
"""
EXIT_NOT_STARTED = 125
_POLL_S = 0.02


class ProcessExecutor:
    """Starts tasks in `box` (None: no isolation) and in groups that `groups` makes (None: address space limit only)."""

    def __init__(self, box: Sandbox | None, groups: cgroups.Groups | None, folder: Path) -> None:
        self._box = box
        self._groups = groups
        self._folder = folder
        self.name = box.name if box is not None else "plain process"

    def probe(self) -> str:
        """Really run `true` in the sandbox."""
        return "" if self._box is None else sandbox.probe(self._box, self._folder)

    async def start(self, task: Task, sink: LogSink, write_handle: Callable[[Handle], None]) -> "RunningProcess":
        """Start a task in a session of its own."""
        job_folder = JOB_FOLDER if self._box is not None else str(task.folder)
        inside = {"PATH": PATH, "HOME": job_folder, **task.environment, processes.MARK_VARIABLE: task.mark}
        folders: tuple[str, ...] = ()
        if self._groups is not None:
            name = f"cumulo-job-{task.mark}"
            folders = self._groups.make(name, task.memory_bytes, task.cpu_millis, task.pids_max)
        own = os.getpid()
        handle = Handle(task.mark, str(task.folder), own, processes.start_ticks(own), self.name, folders)
        write_handle(handle)
        outside = dict(inside)
        if folders:
            enter, outside["CUMULO_CGROUPS"] = _ENTER, " ".join(folders)
        else:
            enter, outside["CUMULO_MEMORY_KIB"] = _ENTER_RLIMITS, str(task.memory_bytes // 1024)
        command = self._box.arguments(task, inside) if self._box is not None else list(task.command)
        process = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            enter,
            "sh",
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=task.folder,
            env=outside,
            start_new_session=True,
        )
        handle.pid = process.pid
        handle.start_ticks = processes.start_ticks(process.pid)
        write_handle(handle)
        return RunningProcess(process, handle, self._groups, sink)


class RunningProcess:
    """A started task of this executor."""

    def __init__(
        self, process: asyncio.subprocess.Process, handle: Handle, groups: cgroups.Groups | None, sink: LogSink
    ) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._groups = groups
        self.handle = handle
        self._pumps = asyncio.gather(pump(process.stdout, 1, sink), pump(process.stderr, 2, sink))

    async def wait(self) -> int:
        """Wait for the command; a child that it left behind with its output open does not hold this up."""
        code = await self._process.wait()
        processes.send(members(self.handle), signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._pumps), TERM_GRACE_S)
        return code if code >= 0 else 128 - code

    async def kill(self, grace_s: float = TERM_GRACE_S) -> None:
        """TERM to all but the launcher, which would end the sandbox at once; after the grace KILL to all."""
        launcher = self.handle.pid
        processes.send([pid for pid in members(self.handle) if pid != launcher or self._plain], signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), grace_s)
        while alive := members(self.handle):
            processes.send(alive, signal.SIGKILL)
            await asyncio.sleep(_POLL_S)

    async def reap(self) -> Usage:
        """End what the command left behind and remove its groups."""
        while alive := [
            pid for pid in members(self.handle) if pid != self.handle.pid or self._process.returncode is None
        ]:
            processes.send(alive, signal.SIGKILL)
            await asyncio.sleep(_POLL_S)
        self._pumps.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._pumps
        usage = Usage()
        if self._groups is not None:
            usage = self._groups.usage(self.handle.cgroups)
            await asyncio.to_thread(cgroups.remove, self.handle.cgroups)
        return usage

    @property
    def _plain(self) -> bool:
        return self.handle.executor == "plain process"


def members(handle: Handle) -> list[int]:
    """Return every process of a task: in its groups, below its launcher, or carrying its mark."""
    found = dict.fromkeys(cgroups.members(handle.cgroups))
    if processes.is_same(handle.pid, handle.start_ticks):
        found[handle.pid] = None
        found.update(dict.fromkeys(processes.descendants(handle.pid)))
    if not handle.cgroups:
        found.update(dict.fromkeys(processes.marked(handle.mark)))
    return list(found)
