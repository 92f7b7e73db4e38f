"""The worker: takes messages from a queue, and runs the job that each tells of.

Promises: the message is deleted only after the job's record is final, and that only after its outputs are stored; a
worker that loses its lease stops the command and stores nothing more; whatever an earlier worker left on this machine
is ended first. Talks to the server through `cumulo.client` alone, so it can live on another machine.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import socket
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from cumulo.client import AsyncClient, AsyncMessage, errors, model
from cumulo.runner import cgroups, handles, processes, sandbox, staging, templates
from cumulo.runner.executor import Handle, Task, Usage
from cumulo.runner.log_upload import LogUpload
from cumulo.runner.model import (
    CPU_MILLIS_DEFAULT,
    LEASE_S_DEFAULT,
    MEMORY_BYTES_DEFAULT,
    PIDS_DEFAULT,
    TIMEOUT_S_DEFAULT,
)
from cumulo.runner.process_executor import EXIT_NOT_STARTED, ProcessExecutor
from cumulo.runner.templates import Template

POLL_S = 20
AWAY_PAUSE_S = 1.0
BACKOFF_EXPONENT_MAX = 10
_NOT_FOUND_CODES = (126, 127)

_log = logging.getLogger("cumulo.worker")


class Isolation(msgspec.Struct, frozen=True):
    """What this machine can do: the executors, and in words what is in use and why nothing stronger is."""

    sandboxed: ProcessExecutor | None
    plain: ProcessExecutor | None
    description: str


def find_isolation(work_folder: Path, *, allow_plain: bool) -> Isolation:
    """Try what there is, strongest first, by really running `true`.

    `allow_plain` lets jobs that ask for no isolation run as plain processes; those that ask for a sandbox never do.
    """
    groups, no_groups = cgroups.probe()
    limits = "limits by control groups" if groups is not None else f"address space limit only ({no_groups})"
    plain = ProcessExecutor(None, groups, work_folder) if allow_plain else None
    reasons: list[str] = []
    for box in (sandbox.Bubblewrap(), sandbox.Namespaces()):
        reason = sandbox.probe(box, work_folder / "probes")
        if not reason:
            notes = f"; {'; '.join(reasons)}" if reasons else ""
            return Isolation(ProcessExecutor(box, groups, work_folder), plain, f"{box.name}, {limits}{notes}")
        reasons.append(reason)
    return Isolation(None, plain, f"no sandbox: {'; '.join(reasons)}; {limits}")


class WorkerOptions(msgspec.Struct, frozen=True):
    """How a worker works. `once_idle_s` ends it when the queue was empty for that long (0: never)."""

    queue: str
    work_folder: Path
    template: Template | None = None
    slots: int = 1
    lease_s: int = LEASE_S_DEFAULT
    visible: tuple[str, ...] = ()
    once_idle_s: float = 0


class Worker:
    """One worker process."""

    def __init__(self, client: AsyncClient, options: WorkerOptions, isolation: Isolation) -> None:
        self._client = client
        self._options = options
        self._isolation = isolation
        self._label = f"{socket.gethostname()}/{os.getpid()}"
        self._stopping = asyncio.Event()
        self._last_message = time.monotonic()
        self._busy = 0

    def stop(self) -> None:
        """Take no new message; what runs is finished."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until stopped."""
        self._options.work_folder.mkdir(parents=True, exist_ok=True)
        for mark in await asyncio.to_thread(handles.clean_up, self._options.work_folder):
            _log.warning("ended what a dead worker left", extra={"mark": mark})
        async with asyncio.TaskGroup() as slots:
            for _ in range(self._options.slots):
                slots.create_task(self._take_messages())

    async def _take_messages(self) -> None:
        queue = self._client.queue(self._options.queue)
        while not self._stopping.is_set() and not self._is_idle():
            wait_s = min(POLL_S, max(1, int(self._options.once_idle_s or POLL_S)))
            receive = asyncio.create_task(queue.receive_batch(wait_s, 1, visibility_timeout=self._options.lease_s))
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait((receive, stopping), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not receive.done():
                # A message that was leased to a cancelled call comes back at once, by the server's care.
                receive.cancel()
            try:
                messages: Sequence[AsyncMessage] = await receive
            except asyncio.CancelledError:
                return
            except (errors.Unavailable, errors.DeadlineExceeded, errors.Throttled) as error:
                _log.warning("the server does not answer", extra={"error": str(error)})
                await asyncio.sleep(AWAY_PAUSE_S)
                continue
            for message in messages:
                self._busy += 1
                try:
                    await self._handle(message)
                finally:
                    self._busy -= 1
                    self._last_message = time.monotonic()

    def _is_idle(self) -> bool:
        limit_s = self._options.once_idle_s
        return bool(limit_s) and not self._busy and time.monotonic() - self._last_message > limit_s

    async def _handle(self, message: AsyncMessage) -> None:
        """Run what the message tells of; then it is deleted, or given back for later."""
        try:
            async with message:
                pause_s = await self._run_jobs(message)
                if pause_s is not None:
                    await message.release(pause_s)
        except errors.CumuloError as error:
            _log.warning("the message was not finished", extra={"message_id": message.id, "error": str(error)})

    async def _run_jobs(self, message: AsyncMessage) -> int | None:
        """Return None where everything that the message tells of is final, or after how many seconds to look again."""
        job = templates.job_of(message.body)
        if job:
            try:
                claim = await self._client.jobs.claim(job, worker=self._label, lease_s=self._options.lease_s)
            except errors.NotFound:
                return None
            return await self._run_claim(claim, message)
        events = templates.events_of(message.body, message.id)
        template = self._options.template
        if events is None or (events and template is None):
            _log.warning("a message that this worker has no template for", extra={"message_id": message.id})
            return self._backoff_s(message)
        pauses = []
        for event in events:
            assert template is not None
            claim = await self._client.jobs.claim(
                worker=self._label,
                lease_s=self._options.lease_s,
                trigger_queue=self._options.queue,
                trigger_spec=templates.fill(template, event, message.id),
                deduplication_key=event.deduplication_key,
            )
            pauses.append(await self._run_claim(claim, message))
        return max((pause for pause in pauses if pause is not None), default=None)

    async def _run_claim(self, claim: model.Claim, message: AsyncMessage) -> int | None:
        if claim.outcome == "already done":
            return None
        if claim.outcome == "held":
            _log.info("another worker has the job", extra={"job": claim.job.id})
            assert claim.lease_expires is not None
            left_s = (claim.lease_expires - datetime.now(UTC)).total_seconds()
            return min(max(1, int(left_s) + 1), self._options.lease_s)
        attempt = Attempt(self._client, self._options, self._isolation, claim, message)
        return None if await attempt.run() else self._backoff_s(message)

    def _backoff_s(self, message: AsyncMessage) -> int:
        exponent = min(message.receive_count - 1, BACKOFF_EXPONENT_MAX)
        pause_s: int = min(2**exponent, self._options.lease_s)
        return pause_s


class AttemptFailed(Exception):
    """The attempt cannot go on; the text is its reason."""


class Attempt:
    """One attempt at one job, from its claim to its record's last word."""

    def __init__(
        self,
        client: AsyncClient,
        options: WorkerOptions,
        isolation: Isolation,
        claim: model.Claim,
        message: AsyncMessage,
    ) -> None:
        self._client = client
        self._options = options
        self._isolation = isolation
        self._claim = claim
        self._spec = claim.job.spec
        self._message = message
        self._log = LogUpload(client, claim)
        self._stop = asyncio.Event()
        self._lost = False
        self._cancelled = False
        self._started = False
        self._usage = Usage()
        self._wall_ms = 0
        mark = f"{claim.job.id}-{claim.attempt}-{os.getpid()}"
        self._folder = options.work_folder / mark
        self._task = Task(
            mark=mark,
            command=self._spec.command,
            environment=dict(self._spec.environment),
            folder=self._folder / "job",
            memory_bytes=self._spec.memory_bytes or MEMORY_BYTES_DEFAULT,
            cpu_millis=self._spec.cpu_millis or CPU_MILLIS_DEFAULT,
            pids_max=self._spec.pids_max or PIDS_DEFAULT,
            visible=options.visible,
        )

    async def run(self) -> bool:
        """Run to the end; return whether the job is final."""
        claim = self._claim
        _log.info("job taken", extra={"job": claim.job.id, "attempt": claim.attempt, "job_name": self._spec.name})
        beating = asyncio.create_task(self._beat(), name="heartbeat")
        exit_code: int | None = None
        reason = ""
        outputs: list[model.JobOutputObject] = []
        try:
            exit_code, reason = await self._run_command()
            if exit_code == 0 and not reason:
                outputs = await staging.store_outputs(self._client, self._spec.outputs, self._task.folder)
                self._log.say(f"stored {len(outputs)} objects")
        except (AttemptFailed, staging.StagingFailed) as failed:
            reason = str(failed)
        except errors.CumuloError as error:
            reason = f"StagingError: {error}"
        except OSError as error:
            reason = f"WorkerError: {error}"
        finally:
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating
            await asyncio.to_thread(self._remove_folder)
        return await self._complete(exit_code, reason, outputs)

    async def _complete(self, exit_code: int | None, reason: str, outputs: list[model.JobOutputObject]) -> bool:
        claim = self._claim
        if self._lost:
            await self._log.abandon()
            _log.warning("the job's lease was lost; nothing is reported", extra={"job": claim.job.id})
            return False
        if reason:
            self._log.say(reason)
        await self._log.close()
        usage = model.JobUsage(
            cpu_ms=self._usage.cpu_ms, wall_ms=self._wall_ms, memory_peak_bytes=self._usage.memory_peak_bytes
        )
        try:
            job = await self._client.jobs.complete(
                claim.job.id,
                claim.attempt,
                claim.lease_token,
                exit_code=exit_code,
                reason=reason,
                outputs=outputs,
                usage=usage,
            )
        except errors.PreconditionFailed:
            _log.warning("the job's lease was lost at its end", extra={"job": claim.job.id})
            return False
        _log.info("job ended", extra={"job": job.id, "state": job.state, "exit_code": exit_code, "reason": reason})
        return job.state in model.FINAL_STATES

    async def _run_command(self) -> tuple[int | None, str]:
        """Stage, run within the limits, and say how it ended."""
        executor = self._isolation.sandboxed if self._spec.isolation == "sandbox" else self._isolation.plain
        if executor is None:
            raise AttemptFailed(
                f"IsolationUnavailable: {self._spec.isolation} was asked for; {self._isolation.description}"
            )
        self._task.folder.mkdir(parents=True)
        # Read by others only through the parent, which is the worker's alone; a sandbox may map another user here.
        self._folder.chmod(0o700)
        await staging.fetch_inputs(self._client, self._spec.inputs, self._task.folder)
        if self._stop.is_set():
            return None, self._why_stopped()
        started = time.monotonic()
        try:
            running = await executor.start(self._task, self._log.add, self._write_handle)
        except OSError as error:
            raise AttemptFailed(f"CannotStart: {error}") from error
        self._started = True
        reason = ""
        timeout_s = self._spec.timeout_s or TIMEOUT_S_DEFAULT
        waiting = asyncio.create_task(running.wait())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            done, _ = await asyncio.wait((waiting, stopping), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if waiting not in done:
                reason = (
                    self._why_stopped() if stopping in done else f"Timeout: the command ran longer than {timeout_s} s"
                )
                self._log.say(reason)
                await running.kill()
            code = await waiting
        finally:
            stopping.cancel()
            waiting.cancel()
            self._usage = await running.reap()
            self._wall_ms = int((time.monotonic() - started) * 1000)
        if self._usage.oom_kills and code != 0 and not reason:
            reason = f"OutOfMemory: the limit is {self._task.memory_bytes} bytes"
        if code == EXIT_NOT_STARTED or code in _NOT_FOUND_CODES:
            reason = reason or f"CannotStart: exit code {code}; the command was not found or could not be run"
        return code, reason

    def _why_stopped(self) -> str:
        return "Cancelled" if self._cancelled else "LeaseLost"

    def _write_handle(self, handle: Handle) -> None:
        handles.write(self._folder, handle)

    async def _beat(self) -> None:
        """Extend the job's lease at a third of its length; the message's own is kept by the client."""
        claim = self._claim
        ends = time.monotonic() + self._options.lease_s
        told_started = False
        while True:
            pause_s = self._options.lease_s / 3 if told_started or not self._started else 0
            await asyncio.sleep(min(pause_s, 1) if not told_started else pause_s)
            try:
                beat = await self._client.jobs.heartbeat(claim.job.id, claim.lease_token, started=self._started)
            except (errors.Unavailable, errors.DeadlineExceeded, errors.Throttled) as error:
                _log.warning("a heartbeat did not get through", extra={"job": claim.job.id, "error": str(error)})
                self._lost = time.monotonic() >= ends
            except errors.CumuloError as error:
                _log.warning("the lease is lost", extra={"job": claim.job.id, "error": str(error)})
                self._lost = True
            else:
                ends = time.monotonic() + self._options.lease_s
                told_started = told_started or self._started
                self._cancelled = beat.cancel_requested
            if self._lost or self._message.lost or self._cancelled:
                self._lost = self._lost or self._message.lost
                self._stop.set()
                return

    def _remove_folder(self) -> None:
        if (self._folder / handles.HANDLE_FILE).exists():
            handles.remove(self._folder)
        else:
            shutil.rmtree(self._folder, ignore_errors=True)


def prepare_process() -> None:
    """Make this process a good parent: orphaned grandchildren come here and can be ended."""
    processes.become_subreaper()
