"""One attempt at one job: stage its inputs, run its command within its limits, store its outputs, report.

Promises: outputs are stored only under a lease that the server has just confirmed, and reported only after all of them
are; an attempt whose lease is lost ends its command, stores no more and reports nothing. A server that is away for a
while costs no attempt.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from cumulo.client import AsyncClient, errors, model
from cumulo.runner import handles, staging
from cumulo.runner.away import persist
from cumulo.runner.executor import Executor, Handle, Running, Task, Usage
from cumulo.runner.heartbeats import Heartbeats
from cumulo.runner.isolation import Isolation
from cumulo.runner.log_upload import LogUpload
from cumulo.runner.model import CPU_MILLIS_DEFAULT, MEMORY_BYTES_DEFAULT, PIDS_DEFAULT, TIMEOUT_S_DEFAULT

TRANSFER_PATIENCE_S = 600.0
"""How long a transfer waits for a server that is away; then the attempt fails, for the disk may be full for days."""
REPORT_PATIENCE_S = 3_600.0
"""How long what is done waits to be reported."""
_SHELLS_WORDS = {126: "a program that could not be run", 127: "a program that was not found"}
T = TypeVar("T")

_log = logging.getLogger("cumulo.worker")


class AttemptFailed(Exception):
    """The attempt cannot go on; the text is its reason."""


class _Outcome(msgspec.Struct):
    """How an attempt came out so far."""

    exit_code: int | None = None
    reason: str = ""
    outputs: list[model.JobOutputObject] = []
    usage: Usage = Usage()
    wall_ms: int = 0


class Attempt:
    """One attempt, from its claim (asked for at `claimed_at`, by `time.monotonic`) to its record's last word."""

    def __init__(
        self,
        client: AsyncClient,
        isolation: Isolation,
        claim: model.Claim,
        *,
        work_folder: Path,
        visible: tuple[str, ...],
        lease_s: int,
        claimed_at: float,
    ) -> None:
        self._client = client
        self._isolation = isolation
        self._claim = claim
        self._spec = claim.job.spec
        self._log = LogUpload(client, claim)
        self._lease = Heartbeats(client, claim, lease_s, claimed_at)
        mark = f"{claim.job.id}-{claim.attempt}-{os.getpid()}"
        self._folder = work_folder / mark
        self._task = Task(
            mark=mark,
            command=self._spec.command,
            environment=dict(self._spec.environment),
            folder=self._folder / "job",
            memory_bytes=self._spec.memory_bytes or MEMORY_BYTES_DEFAULT,
            cpu_millis=self._spec.cpu_millis or CPU_MILLIS_DEFAULT,
            pids_max=self._spec.pids_max or PIDS_DEFAULT,
            visible=visible,
        )

    async def run(self) -> bool:
        """Run to the end; return whether the job is final."""
        claim = self._claim
        _log.info("job taken", extra={"job": claim.job.id, "attempt": claim.attempt, "job_name": self._spec.name})
        beating = asyncio.create_task(self._lease.run(), name="heartbeat")
        outcome = _Outcome()
        try:
            try:
                await self._work(outcome)
            finally:
                await asyncio.to_thread(handles.remove, self._folder)
            return await self._report(outcome)
        finally:
            beating.cancel()
            await asyncio.wait((beating,))
            await self._log.abandon()

    async def _work(self, outcome: _Outcome) -> None:
        """Do the job, noting in `outcome` what comes of it."""
        try:
            await self._stage_and_run(outcome)
            if outcome.exit_code == 0 and not outcome.reason:
                outcome.outputs = await self._store_outputs()
        except (AttemptFailed, staging.StagingFailed) as failed:
            outcome.reason = str(failed)
        except errors.CumuloError as error:
            outcome.reason = f"StagingError: {error}"
        except OSError as error:
            outcome.reason = f"WorkerError: {error}"
        except Exception as error:  # noqa: BLE001 - the attempt fails; the worker, with its other jobs, must not
            _log.exception("bug in an attempt", extra={"job": self._claim.job.id})
            outcome.reason = f"WorkerError: {type(error).__name__}: {error}"

    async def _stage_and_run(self, outcome: _Outcome) -> None:
        """Fetch the inputs and run the command."""
        executor = self._isolation.sandboxed if self._spec.isolation == "sandbox" else self._isolation.plain
        if executor is None:
            raise AttemptFailed(
                f"IsolationUnavailable: {self._spec.isolation} was asked for; {self._isolation.description}"
            )
        handles.begin(self._folder, self._task)
        self._task.folder.mkdir()
        for staged in self._spec.inputs:
            await self._unless_over(partial(staging.fetch, self._client, staged, self._task.folder))
        await self._run_command(executor, outcome)

    async def _run_command(self, executor: Executor, outcome: _Outcome) -> None:
        started = time.monotonic()
        try:
            running = await executor.start(self._task, self._log.add, self._write_handle)
        except OSError as error:
            raise AttemptFailed(f"CannotStart: {error}") from error
        self._lease.command_started()
        try:
            outcome.exit_code, outcome.reason = await self._wait(running)
        finally:
            outcome.usage = await running.reap()
            outcome.wall_ms = int((time.monotonic() - started) * 1000)
        code = outcome.exit_code
        if outcome.usage.oom_kills and code != 0 and not outcome.reason:
            outcome.reason = f"OutOfMemory: the limit is {self._task.memory_bytes} bytes"
        if running.why_not_started and not outcome.reason:
            outcome.reason = running.why_not_started
        elif code in _SHELLS_WORDS and not outcome.reason:
            outcome.reason = f"the command exited with {code}, as a shell does after {_SHELLS_WORDS[code]}"

    async def _wait(self, running: Running) -> tuple[int, str]:
        """Wait for the command, or end it when its time is over or nobody wants it any more; return code and reason."""
        timeout_s = self._spec.timeout_s or TIMEOUT_S_DEFAULT
        waiting = asyncio.create_task(running.wait())
        over = asyncio.create_task(self._lease.over.wait())
        try:
            done, _ = await asyncio.wait((waiting, over), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            reason = ""
            if waiting not in done:
                reason = self._lease.why() if over in done else f"Timeout: the command ran longer than {timeout_s} s"
                await running.kill()
            return await waiting, reason
        finally:
            over.cancel()
            waiting.cancel()

    async def _store_outputs(self) -> list[model.JobOutputObject]:
        found = staging.find_outputs(self._spec.outputs, self._task.folder)
        # This process may have stood still for long, and another attempt may have begun.
        if not await self._lease.confirm():
            raise AttemptFailed(self._lease.why())
        outputs = [await self._unless_over(partial(staging.store, self._client, file)) for file in found]
        if outputs:
            self._log.say(f"stored {len(outputs)} objects")
        return outputs

    async def _unless_over(self, step: Callable[[], Awaitable[T]]) -> T:
        """Do a step, again while the server is away; give it up once the attempt is to end."""
        doing = asyncio.create_task(persist(step, "transfer", TRANSFER_PATIENCE_S))
        over = asyncio.create_task(self._lease.over.wait())
        try:
            await asyncio.wait((doing, over), return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                doing.cancel()
                await asyncio.wait((doing,))
            if doing.cancelled():
                raise AttemptFailed(self._lease.why())
            return doing.result()
        finally:
            over.cancel()
            doing.cancel()

    async def _report(self, outcome: _Outcome) -> bool:
        """Send what is left of the log and end the attempt; return whether the job is final."""
        claim = self._claim
        if outcome.reason:
            self._log.say(outcome.reason)
        sending = asyncio.create_task(self._log.close())
        lost = asyncio.create_task(self._lease.lost.wait())
        await asyncio.wait((sending, lost), return_when=asyncio.FIRST_COMPLETED)
        lost.cancel()
        sending.cancel()
        if not self._lease.lost.is_set():
            with contextlib.suppress(errors.PreconditionFailed):
                job = await persist(partial(self._complete, outcome), "completion", REPORT_PATIENCE_S)
                about = {"job": job.id, "state": job.state, "exit_code": outcome.exit_code, "reason": outcome.reason}
                _log.info("job ended", extra=about)
                return job.state in model.FINAL_STATES
        _log.warning("the job's lease was lost; nothing is reported", extra={"job": claim.job.id})
        return False

    async def _complete(self, outcome: _Outcome) -> model.JobInfo:
        usage = outcome.usage
        return await self._client.jobs.complete(
            self._claim.job.id,
            self._claim.attempt,
            self._claim.lease_token,
            exit_code=outcome.exit_code,
            reason=outcome.reason,
            outputs=outcome.outputs,
            usage=model.JobUsage(
                cpu_ms=usage.cpu_ms, wall_ms=outcome.wall_ms, memory_peak_bytes=usage.memory_peak_bytes
            ),
        )

    def _write_handle(self, handle: Handle) -> None:
        handles.write(self._folder, handle)
