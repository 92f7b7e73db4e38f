"""The runner's service: looks up jobs, stamps requests, seals lease tokens, wakes log followers. The only stateful
object of the room.

Knows queues only through `TrackedDeliveryTarget`: a job's message is sent in the job's own transaction. Workers reach
all of this through `cumulo.client`.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import INVALID_PAGE_TOKEN, SHUTTING_DOWN, ServiceError
from cumulo.core.ids import Randomness, message_id
from cumulo.core.operations import Operation, Result
from cumulo.core.ports import TrackedDeliveryTarget
from cumulo.core.tokens import InvalidToken, TokenKind, TokenSealer
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.room import Resolved, Room
from cumulo.identity.service import GuardSource
from cumulo.runner import jobs, keys, listing, logs, model, specs
from cumulo.runner.errors import JOB_NOT_FOUND, LEASE_LOST, QUEUE_NOT_FOUND, QUEUE_REFUSES
from cumulo.runner.jobs import Place, Times
from cumulo.runner.operations import TABLE
from cumulo.runner.subject import Subject, job_arn, queue_arn
from cumulo.storage.due_pump import DueHandler
from cumulo.storage.engine import ROOT, Due, Engine, ReadTxn, Txn

ON_QUEUE = ("SubmitJob", "ClaimJob", "HeartbeatJob", "AppendJobLogs", "CompleteJob")
"""Operations whose permission is one on the job's queue."""
_LEASE_TOKEN_BYTES = 16
_NEWEST = (1 << 64) - 1


class _LeasePayload(msgspec.Struct, frozen=True, array_like=True):
    job: str
    attempt: int
    token: bytes


class _PagePayload(msgspec.Struct, frozen=True, array_like=True):
    parameters: bytes
    before: int


class Service(Room):
    """Jobs of every account. `queues` sends a job's message, `queue_guard` says what protects a queue; `sealer` makes
    lease and page tokens.
    """

    table = TABLE

    def __init__(
        self,
        engine: Engine,
        authorizer: Authorizer,
        clock: Clock,
        randomness: Randomness,
        *,
        sealer: TokenSealer,
        queues: TrackedDeliveryTarget,
        queue_guard: GuardSource,
    ) -> None:
        super().__init__(engine, authorizer, clock, randomness)
        self._sealer = sealer
        self._queues = queues
        self._queue_guard = queue_guard
        self._followers: dict[bytes, set[asyncio.Event]] = {}
        self._draining = False
        self._serving_since_ms = clock.deadline_ms()

    async def start(self) -> None:
        """Hear of commits, to wake those who follow a log."""
        self.engine.watch(self)

    async def drain(self) -> None:
        """End every followed log."""
        self._draining = True
        for events in self._followers.values():
            for event in events:
                event.set()
        self.engine.unwatch(self)

    def committed(self, topics: Mapping[bytes, int], earliest_due_ms: int | None) -> None:
        """Wake the followers of jobs that changed (the engine's watcher)."""
        del earliest_due_ms
        for topic in topics:
            for event in self._followers.get(topic, ()):
                event.set()

    def due_handlers(self) -> Mapping[str, DueHandler]:
        """Return what to do when a lease or a job's keeping time ends, or a waiting job's message is looked after."""
        return {
            keys.LEASE_DUE: self._due(jobs.end_leases),
            keys.FORGET_DUE: self._due(jobs.forget),
            keys.OFFER_DUE: self._offer_all,
        }

    def _due(self, function: Callable[[Txn, jobs.DueJobs], None]) -> DueHandler:
        async def handle(entries: list[Due]) -> None:
            for entry in entries:
                request = jobs.DueJobs((entry,), self._times())
                await self.engine.transact((entry.key[:8],), function, request, grows=False)

        return handle

    async def _offer_all(self, entries: list[Due]) -> None:
        await asyncio.gather(*(self._offer(entry) for entry in entries))

    async def _offer(self, entry: Due) -> None:
        partition = entry.key[:8]
        stored = await self.engine.read((partition,), _get, entry.key)
        record = None if stored is None else keys.decode_job.decode(stored)
        target = () if record is None else self._queues.partitions(record.queue_arn)
        times, delivery = self._times(), None
        if record is not None:
            delivery = jobs.message_of(record.id, record.queue_arn, record.offers + 1)
            delivery = await self._queues.prepared(delivery, times.deadline_ms)
        queues = self._queues
        offering = jobs.Offering(entry, times, bool(target), queues.holds, queues.deliver_tracked, delivery)
        await self.engine.transact((partition, *target), jobs.offer, offering)

    # -- calls

    async def call(
        self, ctx: CallContext, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None
    ) -> Result:
        """Run one operation. Writes about a job answer with its id, small enough to be remembered; it is shown whole
        here.
        """
        result = await super().call(ctx, operation, request, body)
        if TABLE[operation].result is str:
            place = await self._place(request.account, request.region)
            return Result(await self.engine.read((place.partition,), jobs.get_job, jobs.JobAt(place, result.value)))
        if isinstance(result.value, model.Claim) and result.value.outcome is model.ClaimOutcome.CLAIMED:
            claim = result.value
            payload = _LeasePayload(claim.job.id, claim.attempt, bytes.fromhex(claim.lease_token))
            token = self._sealer.seal(TokenKind.LEASE, msgspec.msgpack.encode(payload))
            return Result(msgspec.structs.replace(claim, lease_token=token))
        return result

    async def resolve(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Find the job and its queue; stamp times, ids and tokens."""
        place = await self._place(request.account, request.region)
        if isinstance(request, model.ListJobs):
            return self._resolved(operation, place, Subject(), (place, request))
        if isinstance(request, model.SubmitJob):
            return await self._resolve_submission(ctx, operation, place, request)
        if isinstance(request, model.ClaimJob) and request.trigger is not None:
            return await self._resolve_trigger(ctx, operation, place, request, request.trigger)
        job_name = request.job
        arn = job_arn(place.account, place.region, job_name)
        record = await self._record(place, job_name)
        if record is None:
            return self._resolved(operation, place, Subject(arn, arn), None, JOB_NOT_FOUND.error(job=job_name))
        if ctx.principal.account != place.account:
            # To another account a job that exists looks like one that does not: its queue is not named in the denial.
            return self._resolved(operation, place, Subject(arn, arn), None, JOB_NOT_FOUND.error(job=job_name))
        subject = Subject(arn, queue_arn(place.account, place.region, record.queue))
        stamped, missing = self._stamp(ctx, place, request)
        guard = await self._guard_of(operation, place, subject)
        return self._resolved(operation, place, subject, stamped, missing, guard=guard)

    async def _guard_of(self, operation: Operation, place: Place, subject: Subject) -> Guard:
        """Return the queue's guard where the permission is one on the queue; a job has no policy of its own."""
        guard = await self._queue_guard(subject.queue_arn) if operation.name in ON_QUEUE else None
        return guard or Guard(place.account)

    async def _resolve_submission(
        self, ctx: CallContext, operation: Operation, place: Place, request: model.SubmitJob
    ) -> Resolved:
        specs.validate(request.spec)
        assert len(request.deduplication_key) <= model.DEDUPLICATION_KEY_CHARACTERS_MAX, request
        arn = queue_arn(place.account, place.region, request.queue)
        subject = Subject(queue_arn=arn)
        target = self._queues.partitions(arn)
        if not target:
            missing = QUEUE_NOT_FOUND.error(queue=request.queue)
            return self._resolved(operation, place, subject, None, missing)
        place = await self._existing_place(ctx, operation, place, subject)
        new = self._new_job(place, request.queue, request.spec, request.deduplication_key)
        message = jobs.message_of(new.id, arn)
        if why := self._queues.check(arn, message.source_arn, place.account):
            missing = QUEUE_REFUSES.error(queue=request.queue, why=why)
            return self._resolved(operation, place, subject, None, missing)
        delivery = await self._queues.prepared(message, new.times.deadline_ms)
        submission = jobs.Submission(new, self._queues.deliver_tracked, delivery)
        guard = await self._guard_of(operation, place, subject)
        return self._resolved(operation, place, subject, submission, further_partitions=target, guard=guard)

    async def _resolve_trigger(
        self, ctx: CallContext, operation: Operation, place: Place, request: model.ClaimJob, trigger: model.Trigger
    ) -> Resolved:
        specs.validate(trigger.spec)
        _validate_claim(request)
        if not 1 <= len(trigger.deduplication_key) <= model.DEDUPLICATION_KEY_CHARACTERS_MAX:
            allowed = f"1 to {model.DEDUPLICATION_KEY_CHARACTERS_MAX} characters"
            raise specs.refused("deduplication_key", trigger.deduplication_key, allowed)
        arn = queue_arn(place.account, place.region, request.queue)
        subject = Subject(queue_arn=arn)
        if not self._queues.partitions(arn):
            missing = QUEUE_NOT_FOUND.error(queue=request.queue)
            return self._resolved(operation, place, subject, None, missing)
        place = await self._existing_place(ctx, operation, place, subject)
        new = self._new_job(place, request.queue, trigger.spec, trigger.deduplication_key)
        stamped = jobs.ClaimAt(
            place, "", new, request.worker, request.lease_s, self._lease_token(ctx, request), self._times()
        )
        return self._resolved(operation, place, subject, stamped, guard=await self._guard_of(operation, place, subject))

    def _stamp(self, ctx: CallContext, place: Place, request: Any) -> tuple[Any, ServiceError | None]:
        """Return the transaction's request for a call about one existing job, or why its lease token is no good."""
        times = self._times()
        match request:
            case model.GetJob():
                return jobs.JobAt(place, request.job), None
            case model.ReadLog():
                return logs.LogAt(place, request.job, request.attempt, request.from_chunk), None
            case model.CancelJob():
                if len(request.reason) > model.REASON_CHARACTERS_MAX:
                    raise specs.refused("reason", request.reason, f"at most {model.REASON_CHARACTERS_MAX} characters")
                return jobs.Cancellation(place, request.job, request.reason, times), None
            case model.ClaimJob():
                _validate_claim(request)
                token = self._lease_token(ctx, request)
                return jobs.ClaimAt(place, request.job, None, request.worker, request.lease_s, token, times), None
        try:
            lease = self._open_lease(request)
        except InvalidToken:
            why = "the lease token is not one that this server gave for this attempt"
            return None, LEASE_LOST.error(attempt=getattr(request, "attempt", "?"), job=request.job, why=why)
        match request:
            case model.Heartbeat():
                if request.lease_s:
                    _validate_lease(request.lease_s)
                beat = jobs.Beat(
                    place, request.job, lease.attempt, lease.token, request.lease_s, request.started, times
                )
                return beat, None
            case model.AppendLog():
                if not 1 <= len(request.data) <= model.LOG_CHUNK_BYTES_MAX:
                    allowed = f"1 to {model.LOG_CHUNK_BYTES_MAX} bytes"
                    raise specs.refused("data", f"of {len(request.data)} bytes", allowed)
                piece = logs.Piece(
                    place,
                    request.job,
                    lease.attempt,
                    lease.token,
                    request.chunk_number,
                    request.stream,
                    request.data,
                    times,
                )
                return piece, None
            case model.CompleteJob():
                if len(request.outputs) > model.OUTPUT_OBJECTS_MAX:
                    shown = f"of {len(request.outputs)} objects"
                    raise specs.refused("outputs", shown, f"at most {model.OUTPUT_OBJECTS_MAX}")
                for output in request.outputs:
                    specs.validate_output(output)
                completion = jobs.Completion(
                    place,
                    request.job,
                    lease.attempt,
                    lease.token,
                    request.exit_code,
                    request.reason[: model.REASON_CHARACTERS_MAX],
                    request.outputs,
                    request.usage,
                    times,
                )
                return completion, None
        raise AssertionError(request)

    def _open_lease(self, request: Any) -> _LeasePayload:
        if len(request.lease_token) > model.LEASE_TOKEN_CHARACTERS_MAX:
            raise InvalidToken("length")
        payload = self._sealer.open(TokenKind.LEASE, request.lease_token)
        lease = msgspec.msgpack.decode(payload, type=_LeasePayload)
        attempt = getattr(request, "attempt", lease.attempt)
        if lease.job != request.job or lease.attempt != attempt:
            raise InvalidToken("job")
        return lease

    def _lease_token(self, ctx: CallContext, request: model.ClaimJob) -> bytes:
        """Return the claim's secret: the same for a claim repeated under its request id; a lost answer loses no job."""
        if not request.request_id:
            return self.randomness.token_bytes(_LEASE_TOKEN_BYTES)
        seed = f"{ctx.principal.id}\n{request.request_id}".encode()
        return hashlib.sha256(seed).digest()[:_LEASE_TOKEN_BYTES]

    def _resolved(
        self,
        operation: Operation,
        place: Place,
        subject: Subject,
        stamped: Any,
        missing: ServiceError | None = None,
        *,
        further_partitions: tuple[bytes, ...] = (),
        guard: Guard | None = None,
    ) -> Resolved:
        assert operation.checks is not None
        return Resolved(
            request=stamped,
            partitions=(place.partition or ROOT, *further_partitions) if missing is None else (),
            checks=operation.checks(subject),
            guard=guard or Guard(place.account),
            missing=missing,
            grows=operation.name in ("SubmitJob", "ClaimJob", "AppendJobLogs"),
        )

    async def _place(self, account: str, region: str) -> Place:
        partition = await self.engine.read((ROOT,), _get, keys.directory_key(account, region))
        return Place(partition or b"", account, region)

    async def _existing_place(self, ctx: CallContext, operation: Operation, place: Place, subject: Subject) -> Place:
        """Return the place, made now at an account's first job, for a caller who may do what he asks."""
        if place.partition:
            return place
        assert operation.checks is not None
        guard = await self._guard_of(operation, place, subject)
        self.authorizer.authorize(ctx, operation.checks(subject), guard)
        made: Place = await self.engine.transact((ROOT,), jobs.ensure_partition, jobs.PlaceWanted(place))
        return made

    async def _record(self, place: Place, job: str) -> keys.JobRecord | None:
        if not place.partition or len(job) > model.DEDUPLICATION_KEY_CHARACTERS_MAX:
            return None
        stored = await self.engine.read((place.partition,), _get, keys.job_key(place.partition, job))
        return None if stored is None else keys.decode_job.decode(stored)

    def _new_job(self, place: Place, queue: str, spec: model.JobSpec, deduplication_key: str = "") -> jobs.NewJob:
        return jobs.NewJob(place, queue, spec, message_id(self.randomness), self._times(), deduplication_key)

    def _times(self) -> Times:
        return Times(self.clock.deadline_ms(), self.clock.wall_ms(), self._serving_since_ms)

    # -- reading over several snapshots

    async def list_page(self, ctx: CallContext, resolved: Resolved, body: object) -> Result:
        """Return one page of jobs; the token names the parameters it was made for."""
        del ctx, body
        place, request = resolved.request
        if not 1 <= request.page_size <= model.PAGE_SIZE_MAX:
            raise specs.refused("page_size", request.page_size, f"1 to {model.PAGE_SIZE_MAX}")
        described = (place.account, place.region, request.queue, request.states)
        parameters = hashlib.sha256(msgspec.msgpack.encode(described)).digest()[:8]
        before = self._open_page(request.page_token, parameters) if request.page_token else _NEWEST
        found: list[model.Job] = []
        spec_bytes = listing.SPEC_BYTES_MAX
        for _ in range(listing.SLICES_MAX):
            wanted = request.page_size - len(found)
            if not before or not wanted or spec_bytes <= 0:
                break
            query = listing.JobsBefore(place, request.queue, request.states, before, wanted, spec_bytes)
            part = await self.engine.read((place.partition or ROOT,), listing.list_jobs, query)
            found += part.jobs
            before = part.before
            spec_bytes -= part.spec_bytes
        token = ""
        if before:
            token = self._sealer.seal(TokenKind.PAGE, msgspec.msgpack.encode(_PagePayload(parameters, before)))
        return Result(model.JobPage(tuple(found), token))

    def _open_page(self, token: str, parameters: bytes) -> int:
        try:
            page = msgspec.msgpack.decode(self._sealer.open(TokenKind.PAGE, token), type=_PagePayload)
        except (InvalidToken, msgspec.DecodeError) as error:
            raise INVALID_PAGE_TOKEN.error(allowed="a next_page_token of this listing") from error
        if page.parameters != parameters:
            raise INVALID_PAGE_TOKEN.error(allowed="the parameters of the page before, unchanged")
        return page.before

    async def read_logs(self, ctx: CallContext, resolved: Resolved, body: object) -> Result:
        """Return an iterator over the frames that follow a position; the edge sends them as they come."""
        del ctx, body
        return Result(self._frames(resolved.request))

    async def _frames(self, at: logs.LogAt) -> AsyncIterator[model.LogFrame]:
        """Yield frames for ever, waking at each commit about the job; the reader stops when it has seen enough."""
        topic = keys.job_key(at.place.partition, at.job)
        event = asyncio.Event()
        self._followers.setdefault(topic, set()).add(event)
        try:
            while True:
                event.clear()
                frame = await self.engine.read((at.place.partition,), logs.read, at)
                yield frame
                if frame.chunks:
                    at = msgspec.structs.replace(at, attempt=frame.attempt, from_chunk=frame.chunks[-1].number + 1)
                    continue
                if frame.attempt_ended:
                    return
                await event.wait()
                if self._draining:
                    raise SHUTTING_DOWN.error()
        finally:
            followers = self._followers[topic]
            followers.discard(event)
            if not followers:
                del self._followers[topic]


def _get(txn: ReadTxn, key: bytes) -> bytes | None:
    return txn.get(key)


def _validate_claim(request: model.ClaimJob) -> None:
    if not 1 <= len(request.worker) <= model.WORKER_CHARACTERS_MAX:
        raise specs.refused("worker", request.worker, f"1 to {model.WORKER_CHARACTERS_MAX} characters")
    _validate_lease(request.lease_s)


def _validate_lease(lease_s: int) -> None:
    if not model.LEASE_S_MIN <= lease_s <= model.LEASE_S_MAX:
        raise specs.refused("lease_s", lease_s, f"{model.LEASE_S_MIN} to {model.LEASE_S_MAX}")
