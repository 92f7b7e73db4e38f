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
from cumulo.runner.executor import TERM_GRACE_S, Handle, LogSink, Task, Usage, new_handle
from cumulo.runner.sandbox import EXECUTE, JOB_FOLDER, PATH, Sandbox, why_not_started

_STDERR = 2
_ENTER = """
for group in $CUMULO_CGROUPS; do
    if ! echo $$ > "$group/cgroup.procs"; then echo "cumulo: the limits could not be set" >&2; exit 125; fi
done
unset CUMULO_CGROUPS
exec "$@"
"""
"""Enters the groups before the command exists, so that it can start nothing outside them."""
_ENTER_RLIMITS = """
if ! ulimit -v "$CUMULO_MEMORY_KIB"; then echo "cumulo: the limits could not be set" >&2; exit 125; fi
unset CUMULO_MEMORY_KIB
exec "$@"
"""
_NO_LIMITS = b"cumulo: the limits could not be set\n"
_NOT_STARTED_CODES = (125, 126, 127)
_WORDS_BYTES = 64
"""Of the end of standard error, besides the command's name: what is said by those who start a command."""
_POLL_S = 0.02


class _Launching:
    """The children whose exit this process's event loop waits for: whoever collects orphans must leave them alone."""

    def __init__(self) -> None:
        self.count = 0
        self.pids: set[int] = set()


_launching = _Launching()


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
        folders = self._groups.folders(f"cumulo-job-{task.mark}") if self._groups is not None else ()
        handle = new_handle(task, self.name, folders)
        write_handle(handle)
        _launching.count += 1
        try:
            if self._groups is not None:
                self._groups.make(folders, task.memory_bytes, task.cpu_millis, task.pids_max)
            transport, output = await self._launch(task, inside, folders, sink)
            _launching.pids.add(transport.get_pid())
        except OSError:
            await asyncio.to_thread(cgroups.remove, folders)
            raise
        finally:
            _launching.count -= 1
        handle.pid = transport.get_pid()
        handle.start_ticks = processes.start_ticks(handle.pid)
        write_handle(handle)
        return RunningProcess(transport, output, handle, self._groups)

    async def _launch(
        self, task: Task, inside: dict[str, str], folders: tuple[str, ...], sink: LogSink
    ) -> tuple[asyncio.SubprocessTransport, "_Output"]:
        with sandbox.private_files(() if self._box is None else self._box.private(inside)) as private_fds:
            if self._box is None:
                command, outside, cwd = [*EXECUTE, *task.command], dict(inside), str(task.folder)
            else:
                # The launcher runs outside: neither the job's variables (LD_PRELOAD, PATH) nor its folder may reach it.
                command = self._box.arguments(task, inside, private_fds)
                outside, cwd = {"PATH": os.environ.get("PATH", PATH), processes.MARK_VARIABLE: task.mark}, "/"
            if folders:
                enter, outside["CUMULO_CGROUPS"] = _ENTER, " ".join(folders)
            else:
                enter, outside["CUMULO_MEMORY_KIB"] = _ENTER_RLIMITS, str(task.memory_bytes // 1024)
            return await asyncio.get_running_loop().subprocess_exec(
                lambda: _Output(sink, task.command[0]),
                "/bin/sh",
                "-c",
                enter,
                "sh",
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=cwd,
                env=outside,
                start_new_session=True,
                pass_fds=private_fds,
            )


class _Output(asyncio.SubprocessProtocol):
    """Hands on what a task writes as it comes; tells its exit from the end of its output, which a daemon may hold
    open (asyncio's own `Process.wait` waits for both).
    """

    def __init__(self, sink: LogSink, command: str) -> None:
        self._sink = sink
        self._command = command
        self._last_words = b""
        self._last_words_max = len(os.fsencode(command)) + _WORDS_BYTES
        self._open = 2
        self.exited = asyncio.Event()
        self.ended = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        """Take a piece of output."""
        assert isinstance(data, bytes)
        self._sink(fd, data)
        if fd == _STDERR:
            self._last_words = (self._last_words + data[-self._last_words_max :])[-self._last_words_max :]

    def why_not_started(self, code: int) -> str:
        """Return what was said by who should have started the command and did not."""
        if code not in _NOT_STARTED_CODES:
            return ""
        if self._last_words.endswith(_NO_LIMITS):
            return "CannotStart: the limits could not be set"
        return why_not_started(self._command, self._last_words)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Note the end of a stream."""
        del fd, exc
        self._open -= 1
        if not self._open:
            self.ended.set()

    def process_exited(self) -> None:
        """Note the launcher's exit."""
        self.exited.set()


class RunningProcess:
    """A started task of this executor."""

    def __init__(
        self, transport: asyncio.SubprocessTransport, output: _Output, handle: Handle, groups: cgroups.Groups | None
    ) -> None:
        self._transport = transport
        self._output = output
        self._groups = groups
        self.handle = handle
        self.why_not_started = ""

    async def wait(self) -> int:
        """Wait for the command; a child that it left behind with its output open does not hold this up."""
        await self._output.exited.wait()
        await self._end_all()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._output.ended.wait(), TERM_GRACE_S)
        code = self._transport.get_returncode()
        assert code is not None, self.handle
        self.why_not_started = self._output.why_not_started(code)
        return code if code >= 0 else 128 - code

    async def kill(self, grace_s: float = TERM_GRACE_S) -> None:
        """TERM to the command's processes, as soon as there are any; after the grace KILL to all."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                processes.send(await self._begun(), signal.SIGTERM)
                await self._output.exited.wait()
        await self._end_all()

    async def _begun(self) -> list[int]:
        """Return the command's processes once there are any, none where it has ended already."""
        while True:
            command = self._command()
            if command or self._output.exited.is_set():
                return command
            await asyncio.sleep(_POLL_S)

    def _command(self) -> list[int]:
        """Return the task's processes but the launcher, whose end would be the sandbox's at once, and its child, which
        is the first process inside and takes no TERM.
        """
        alive = members(self.handle)
        if self.handle.executor == "plain process":
            return alive
        launching = {self.handle.pid, *processes.children(self.handle.pid)}
        return [pid for pid in alive if pid not in launching]

    async def reap(self) -> Usage:
        """End what the command left behind and remove its groups."""
        await self._end_all()
        await self._output.exited.wait()
        _launching.pids.discard(self.handle.pid)
        if not _launching.count:
            processes.reap_orphans(_launching.pids)
        self._transport.close()
        usage = Usage()
        if self._groups is not None:
            usage = self._groups.usage(self.handle.cgroups)
            await asyncio.to_thread(cgroups.remove, self.handle.cgroups)
        return usage

    async def _end_all(self) -> None:
        """KILL every process of the task until there is none."""
        while alive := [
            pid for pid in members(self.handle) if pid != self.handle.pid or not self._output.exited.is_set()
        ]:
            processes.send(alive, signal.SIGKILL)
            await asyncio.sleep(_POLL_S)


def members(handle: Handle) -> list[int]:
    """Return every process of a task: in its groups, below its launcher, or carrying its mark."""
    found = dict.fromkeys(cgroups.members(handle.cgroups))
    if processes.is_same(handle.pid, handle.start_ticks):
        found[handle.pid] = None
        found.update(dict.fromkeys(processes.descendants(handle.pid)))
    if not handle.cgroups:
        found.update(dict.fromkeys(processes.marked(handle.mark)))
    return list(found)
