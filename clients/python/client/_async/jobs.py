"""Jobs: submitting and watching them, and the calls with which a worker runs them."""

import codecs
import math
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Literal

import grpc

from cumulo.api.runner.v1 import runner_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._async.connection import AsyncConnection
from cumulo.client._async.pages import AsyncPager
from cumulo.client._retries import REOPEN_PAUSE_S, Patience
from cumulo.client._tasks import sleep
from cumulo.client.errors import Unauthenticated, from_rpc
from cumulo.client.model import Page

RUNNING_STATES = ("STARTING", "RUNNING")


class AsyncJobs:
    """`client.jobs`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def submit(
        self,
        command: Sequence[str],
        *,
        queue: str = "jobs",
        name: str | None = None,
        environment: Mapping[str, str] | None = None,
        inputs: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | None = None,
        timeout_s: int | None = None,
        memory_bytes: int | None = None,
        cpu_millis: int | None = None,
        pids_max: int | None = None,
        isolation: Literal["sandbox", "none"] = "sandbox",
        max_attempts: int | None = None,
    ) -> "AsyncJob":
        """Store a job and send its message to `queue`.

        `inputs` says which object goes to which path of the job's folder (`{"in.txt": "s3://inbox/a.txt"}`), `outputs`
        where the files of a pattern are stored (`{"out/*": "s3://outbox/a/"}`). `name` defaults to the program's.
        What is None takes the server's default. Raises `NotFound` where the queue does not exist.
        """
        spec = model.JobSpec(
            name=name if name is not None else _job_name(command),
            command=tuple(command),
            environment=dict(environment or {}),
            inputs=tuple(model.JobInput(source=source, path=path) for path, source in (inputs or {}).items()),
            outputs=tuple(model.JobOutput(path=path, destination=to) for path, to in (outputs or {}).items()),
            timeout_s=timeout_s,
            memory_bytes=memory_bytes,
            cpu_millis=cpu_millis,
            pids_max=pids_max,
            isolation=isolation,
            max_attempts=max_attempts,
        )
        return await self.submit_spec(queue, spec)

    async def submit_spec(self, queue: str, spec: model.JobSpec) -> "AsyncJob":
        """Store a job that is described as a whole."""
        response = await self._connection.call(
            self._connection.lane.runner.SubmitJob,
            pb.SubmitJobRequest(
                queue=queue, spec=_wire.job_spec_message(spec), request_id=self._connection.request_id()
            ),
        )
        return AsyncJob(self, _wire.job_info(response.job))

    async def get(self, name: str) -> "AsyncJob":
        """Return a job by id or full name; raises `NotFound`."""
        return AsyncJob(self, await self.info(name))

    async def info(self, name: str) -> model.JobInfo:
        """Return a job's record as it is now."""
        response = await self._connection.call(self._connection.lane.runner.GetJob, pb.GetJobRequest(name=name))
        return _wire.job_info(response.job)

    def list(
        self, *, queue: str = "", states: Iterable[str] = (), page_size: int | None = None
    ) -> AsyncPager[model.JobInfo]:
        """List jobs, newest first; `states` are AWS Batch's words."""
        numbers = [_wire.job_state_number(state) for state in states]

        async def fetch(page_token: str) -> Page[model.JobInfo]:
            response = await self._connection.call(
                self._connection.lane.runner.ListJobs,
                pb.ListJobsRequest(queue=queue, states=numbers, page_size=page_size or 0, page_token=page_token),
            )
            return Page([_wire.job_info(it) for it in response.jobs], response.next_page_token)

        return AsyncPager(fetch)

    async def cancel(self, name: str, reason: str = "") -> model.JobInfo:
        """Ask for a job's end: one that does not run fails at once, a running one at its worker's next heartbeat."""
        response = await self._connection.call(
            self._connection.lane.runner.CancelJob,
            pb.CancelJobRequest(name=name, reason=reason, request_id=self._connection.request_id()),
        )
        return _wire.job_info(response.job)

    async def log_chunks(
        self, name: str, *, attempt: int = 0, from_chunk: int = 0, follow: bool = False
    ) -> AsyncIterator[model.LogChunk]:
        """Iterate over the pieces of an attempt's log (0: the latest), with `follow` until the attempt ends.

        A stream that breaks is opened again behind the last piece that came.
        """
        async for frame in self.log_frames(name, attempt=attempt, from_chunk=from_chunk, follow=follow):
            for piece in frame.chunks:
                yield _wire.log_chunk(frame.attempt, piece)

    async def log_frames(
        self, name: str, *, attempt: int, from_chunk: int = 0, follow: bool, timeout: float | None = None
    ) -> AsyncIterator[pb.StreamJobLogsResponse]:
        """Iterate over the contract's own frames, which tell the job's state, too."""
        end = time.monotonic() + timeout if timeout is not None else math.inf
        patience = Patience()
        while True:
            patience.opening()
            request = pb.StreamJobLogsRequest(name=name, attempt=attempt, from_chunk=from_chunk, follow=follow)
            metadata = await self._connection.metadata()
            deadline = min(self._connection.stream_deadline_s(), end - time.monotonic())
            lane = self._connection.take_parked_lane()
            try:
                async for frame in lane.runner.StreamJobLogs(request, timeout=max(0.0, deadline), metadata=metadata):
                    patience.progress()
                    attempt = frame.attempt or attempt
                    if frame.chunks:
                        from_chunk = frame.chunks[-1].number + 1
                    yield frame
            except grpc.RpcError as error:
                failure = from_rpc(error)
                if not patience.allows(failure) or time.monotonic() > end:
                    raise failure from error
                if isinstance(failure, Unauthenticated):
                    self._connection.discard_token(metadata)
            else:
                return
            finally:
                self._connection.give_back(lane)
            await sleep(REOPEN_PAUSE_S)

    async def claim(
        self,
        job: str | None = None,
        *,
        worker: str,
        trigger_queue: str | None = None,
        trigger_spec: model.JobSpec | None = None,
        deduplication_key: str | None = None,
        lease_s: int = 0,
    ) -> model.Claim:
        """For workers: take a job, by its name or by a trigger.

        A trigger makes a job out of a message that is not a job's own: `trigger_queue` is where the message came from,
        `trigger_spec` what to run, `deduplication_key` the message's id; later claims with that key find the job.
        """
        request = pb.ClaimJobRequest(worker=worker, lease_s=lease_s, request_id=self._connection.request_id())
        if job is not None:
            request.job = job
        else:
            assert trigger_spec is not None, "a claim names a job, or a trigger's queue, spec and key"
            request.trigger.CopyFrom(
                pb.JobTrigger(
                    queue=trigger_queue or "",
                    spec=_wire.job_spec_message(trigger_spec),
                    deduplication_key=deduplication_key or "",
                )
            )
        return _wire.claim(await self._connection.call(self._connection.lane.runner.ClaimJob, request))

    async def heartbeat(
        self, job: str, lease_token: str, *, lease_s: int = 0, started: bool = False, timeout: float | None = None
    ) -> model.Heartbeat:
        """For workers: extend the lease; `started` says that the command runs.

        Raises `PreconditionFailed` (`LeaseLost`).
        """
        response = await self._connection.call(
            self._connection.lane.runner.HeartbeatJob,
            pb.HeartbeatJobRequest(job=job, lease_token=lease_token, lease_s=lease_s, started=started),
            timeout,
        )
        return model.Heartbeat(
            lease_expires=_wire.time_of(response.lease_expires_ms), cancel_requested=response.cancel_requested
        )

    async def append_logs(
        self, job: str, attempt: int, lease_token: str, chunk_number: int, stream: model.LogStreamName, data: bytes
    ) -> int:
        """For workers: store a piece of log (1 byte to 60 KiB); return the number that comes next."""
        response = await self._connection.call(
            self._connection.lane.runner.AppendJobLogs,
            pb.AppendJobLogsRequest(
                job=job,
                attempt=attempt,
                lease_token=lease_token,
                chunk_number=chunk_number,
                stream=_wire.LOG_STREAM_NUMBERS[stream],
                data=data,
            ),
        )
        return response.next_chunk_number

    async def complete(
        self,
        job: str,
        attempt: int,
        lease_token: str,
        *,
        exit_code: int | None = None,
        reason: str = "",
        outputs: Iterable[model.JobOutputObject] = (),
        usage: model.JobUsage | None = None,
    ) -> model.JobInfo:
        """For workers: end the attempt, after its outputs were stored."""
        response = await self._connection.call(
            self._connection.lane.runner.CompleteJob,
            pb.CompleteJobRequest(
                job=job,
                attempt=attempt,
                lease_token=lease_token,
                exit_code=exit_code,
                reason=reason,
                outputs=[pb.JobOutputObject(object=it.object, size_bytes=it.size, etag=it.etag) for it in outputs],
                usage=None
                if usage is None
                else pb.JobUsage(cpu_ms=usage.cpu_ms, wall_ms=usage.wall_ms, memory_peak_bytes=usage.memory_peak_bytes),
                request_id=self._connection.request_id(),
            ),
        )
        return _wire.job_info(response.job)


class AsyncJob:
    """A job. `info` is its record as last seen; `refresh` looks again."""

    def __init__(self, jobs: AsyncJobs, info: model.JobInfo) -> None:
        self._jobs = jobs
        self.info = info

    def __repr__(self) -> str:
        return f"AsyncJob({self.id!r}, state={self.state!r})"

    @property
    def id(self) -> str:
        """The job's id."""
        return self.info.id

    @property
    def state(self) -> model.JobState:
        """The state as last seen."""
        return self.info.state

    @property
    def finished(self) -> bool:
        """Say whether the job had ended when last seen."""
        return self.info.state in model.FINAL_STATES

    async def refresh(self) -> "AsyncJob":
        """Look again; returns the job itself."""
        self.info = await self._jobs.info(self.info.full_name)
        return self

    async def cancel(self, reason: str = "") -> "AsyncJob":
        """Ask for the job's end; returns the job itself."""
        self.info = await self._jobs.cancel(self.info.full_name, reason)
        return self

    async def logs(self, *, follow: bool = False, attempt: int = 0) -> AsyncIterator[str]:
        """Iterate over the log's lines, without their ends; with `follow` until the job has ended, over all attempts.

        Lines of different streams do not mix; bytes that are not UTF-8 come as replacement characters.
        """
        wanted, from_chunk = attempt, 0
        while True:
            lines, state = _Lines(), ""
            async for frame in self._jobs.log_frames(
                self.info.full_name, attempt=wanted, from_chunk=from_chunk, follow=follow
            ):
                state = _wire.job_state(frame.state)
                wanted = frame.attempt or wanted
                for piece in frame.chunks:
                    from_chunk = piece.number + 1
                    for line in lines.add(_wire.log_chunk(frame.attempt, piece)):
                        yield line
            for line in lines.rest():
                yield line
            if not follow or attempt or state in model.FINAL_STATES:
                return
            if wanted and state not in RUNNING_STATES:
                wanted, from_chunk = wanted + 1, 0

    async def wait(self, timeout: float | None = None) -> "AsyncJob":
        """Wait until the job has ended, by following its log; returns the job itself.

        Raises `DeadlineExceeded` after `timeout` seconds.
        """
        end = time.monotonic() + timeout if timeout is not None else math.inf
        attempt = len((await self.refresh()).info.attempts)
        while not self.finished:
            left = end - time.monotonic()
            async for _ in self._jobs.log_frames(
                self.info.full_name, attempt=attempt, follow=True, timeout=None if left == math.inf else left
            ):
                pass
            await self.refresh()
            attempt = max(attempt + (self.state not in RUNNING_STATES), len(self.info.attempts))
        return self


def _job_name(command: Sequence[str]) -> str:
    """Return a name made from the program's: letters, digits, `-` and `_` only, at most 128."""
    program = command[0].rpartition("/")[2] if command else ""
    return "".join(it if it.isascii() and (it.isalnum() or it in "-_") else "-" for it in program)[:128]


class _Lines:
    """Cuts the pieces of a log into lines, each stream by itself."""

    def __init__(self) -> None:
        self._decoders: dict[str, codecs.IncrementalDecoder] = {}
        self._begun: dict[str, str] = {}

    def add(self, chunk: model.LogChunk) -> list[str]:
        """Return the lines that a piece completes."""
        decoder = self._decoders.setdefault(chunk.stream, codecs.getincrementaldecoder("utf-8")("replace"))
        text = self._begun.get(chunk.stream, "") + decoder.decode(chunk.data)
        *lines, self._begun[chunk.stream] = text.split("\n")
        return lines

    def rest(self) -> list[str]:
        """Return what is left without an end of line."""
        return [text for text in self._begun.values() if text]
