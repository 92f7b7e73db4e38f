"""The worker: takes messages from a queue, and runs the job that each tells of.

Promises: the message is deleted only after the job's record is final, and that only after its outputs are stored; the
record decides, so a message that was lost meanwhile stops no job; whatever an earlier worker left on this machine is
ended first. Talks to the server through `cumulo.client` alone, so it can live on another machine.
"""

import asyncio
import logging
import os
import socket
import stat
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from cumulo.client import AsyncClient, AsyncMessage, errors, model
from cumulo.runner import handles, processes, templates
from cumulo.runner.attempt import Attempt
from cumulo.runner.away import AWAY, PAUSE_S
from cumulo.runner.isolation import Isolation
from cumulo.runner.model import LEASE_S_DEFAULT
from cumulo.runner.templates import Template

POLL_S = 20
BACKOFF_EXPONENT_MAX = 10

_log = logging.getLogger("cumulo.worker")


class WorkFolderRefused(Exception):
    """The work folder is not this user's alone: whoever can write there could have this process end any other."""


def prepare_work_folder(path: Path) -> None:
    """Make the folder for this user alone, or raise `WorkFolderRefused` where it exists and is somebody else's, too."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise WorkFolderRefused(f"{path} must be a folder of user {os.geteuid()} that nobody else may write to")


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
        self._failure: errors.CumuloError | None = None
        self._last_message = time.monotonic()
        self._busy = 0

    @property
    def stopping(self) -> bool:
        """Say whether it was told to stop."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Take no new message; what runs is finished."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until stopped. Raises what the queue refuses for good (`NotFound`, `PermissionDenied`…), once what runs
        is finished.
        """
        for mark in await asyncio.to_thread(handles.clean_up, self._options.work_folder):
            _log.warning("ended what a dead worker left", extra={"mark": mark})
        async with asyncio.TaskGroup() as slots:
            for _ in range(self._options.slots):
                slots.create_task(self._take_messages())
        if self._failure is not None:
            raise self._failure

    async def _take_messages(self) -> None:
        while not self._stopping.is_set() and not self._is_idle():
            try:
                messages = await self._receive()
            except AWAY as error:
                _log.warning("the server does not answer", extra={"error": str(error)})
                await asyncio.sleep(PAUSE_S)
                continue
            except errors.CumuloError as error:
                self._failure = error
                self.stop()
                return
            for message in messages:
                self._busy += 1
                try:
                    await self._handle(message)
                finally:
                    self._busy -= 1
                    self._last_message = time.monotonic()

    async def _receive(self) -> Sequence[AsyncMessage]:
        """Wait for a message, at most for a while; return none when it is time to stop."""
        wait_s = min(POLL_S, max(1, int(self._options.once_idle_s or POLL_S)))
        queue = self._client.queue(self._options.queue)
        receive = asyncio.create_task(queue.receive_batch(wait_s, 1, visibility_timeout=self._options.lease_s))
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((receive, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not receive.done():
            # A message that was leased to a cancelled call comes back at once, by the server's care.
            receive.cancel()
            await asyncio.wait((receive,))
        return () if receive.cancelled() else receive.result()

    def _is_idle(self) -> bool:
        limit_s = self._options.once_idle_s
        return bool(limit_s) and not self._busy and time.monotonic() - self._last_message > limit_s

    async def _handle(self, message: AsyncMessage) -> None:
        """Run what the message tells of; then it is deleted, or given back for later."""
        try:
            async with message:
                pause_s = await self._pause_after(message)
                if pause_s is not None:
                    await message.release(pause_s)
        except errors.CumuloError as error:
            _log.warning("the message could not be answered", extra={"message_id": message.id, "error": str(error)})

    async def _pause_after(self, message: AsyncMessage) -> int | None:
        """Do what the message tells of; return None where all of it is final, or in how many seconds to look again."""
        try:
            return await self._run_jobs(message)
        except errors.CumuloError as error:
            _log.warning("the message was not finished", extra={"message_id": message.id, "error": str(error)})
        except Exception:  # noqa: BLE001 - one message must not end each worker that takes it
            _log.exception("bug while a message was handled", extra={"message_id": message.id})
        return self._backoff_s(message)

    async def _run_jobs(self, message: AsyncMessage) -> int | None:
        job = templates.job_of(message.body)
        if job:
            asked = time.monotonic()
            try:
                claim = await self._client.jobs.claim(job, worker=self._label, lease_s=self._options.lease_s)
            except errors.NotFound:
                return None
            return await self._run_claim(claim, asked, message)
        events = templates.events_of(message.body, message.id)
        template = self._options.template
        if events is None or (events and template is None):
            _log.warning("a message that this worker has no template for", extra={"message_id": message.id})
            return self._backoff_s(message)
        pauses = []
        for event in events:
            assert template is not None
            asked = time.monotonic()
            claim = await self._client.jobs.claim(
                worker=self._label,
                lease_s=self._options.lease_s,
                trigger_queue=self._options.queue,
                trigger_spec=templates.fill(template, event, message.id),
                deduplication_key=event.deduplication_key,
            )
            pauses.append(await self._run_claim(claim, asked, message))
        return max((pause for pause in pauses if pause is not None), default=None)

    async def _run_claim(self, claim: model.Claim, asked: float, message: AsyncMessage) -> int | None:
        if claim.outcome == "already done":
            return None
        if claim.outcome == "held":
            _log.info("another worker has the job", extra={"job": claim.job.id})
            assert claim.lease_expires is not None
            left_s = (claim.lease_expires - datetime.now(UTC)).total_seconds()
            return min(max(1, int(left_s) + 1), self._options.lease_s)
        attempt = Attempt(
            self._client,
            self._isolation,
            claim,
            work_folder=self._options.work_folder,
            visible=self._options.visible,
            lease_s=self._options.lease_s,
            claimed_at=asked,
        )
        return None if await attempt.run() else self._backoff_s(message)

    def _backoff_s(self, message: AsyncMessage) -> int:
        exponent = min(message.receive_count - 1, BACKOFF_EXPONENT_MAX)
        pause_s: int = min(2**exponent, self._options.lease_s)
        return pause_s


def prepare_process() -> None:
    """Make this process a good parent: orphaned grandchildren come here and can be ended."""
    processes.become_subreaper()
