"""The job's state machine: submit, claim, heartbeat, complete, cancel, lease end, forgetting; pure functions of a
transaction.

Promises: the record decides, a queue's message is only a hint; whoever writes to a held job shows the lease token of
its attempt, so a worker that was thought dead cannot overwrite its successor; a job becomes final exactly once.

    RUNNABLE --claim--> STARTING --heartbeat(started)--> RUNNING --complete--> SUCCEEDED | FAILED | RUNNABLE (attempts
    left) STARTING | RUNNING --lease ends--> RUNNABLE | FAILED (none left)        RUNNABLE --cancel--> FAILED

A RUNNABLE job waits for whoever receives its message. That may be lost: moved to a dead-letter queue because the queue
allows fewer receives than the job attempts, purged, too old, deleted. So each RUNNABLE job has a due entry by which its
message is looked after, at growing intervals; where the queue does not hold it any more, the job gets another.
"""

import hmac
import json
from collections.abc import Callable

import msgspec

from cumulo.core.names import parse_arn
from cumulo.core.ports import Delivery
from cumulo.runner import keys
from cumulo.runner.errors import JOB_NOT_FOUND, LEASE_LOST, QUEUE_NOT_FOUND
from cumulo.runner.keys import JobRecord
from cumulo.runner.model import (
    FINAL,
    HELD,
    KEPT_MS,
    REASON_CHARACTERS_MAX,
    Attempt,
    Claim,
    ClaimOutcome,
    HeartbeatResult,
    Job,
    JobSpec,
    OutputObject,
    State,
    Usage,
)
from cumulo.runner.subject import job_arn, queue_arn
from cumulo.storage import records, tuples
from cumulo.storage.engine import Due, ReadTxn, Txn, new_partition

LEASE_ENDED = "WorkerLost: the lease ended without a sign of life from the worker"
QUEUE_GONE = "QueueDeleted: the queue {queue} does not exist any more, so no worker can take the job"
NOT_RETRIED = ("CommandNotFound:", "CommandNotExecutable:")
"""How the reasons begin that the next attempt would meet again."""
LOOK_MS = 60_000
"""How long a RUNNABLE job waits before its message is looked after: longer than a worker's usual pause between two
attempts."""
LOOK_MS_MAX = 900_000
"""The interval doubles up to this, so that a backlog of a million jobs costs about a thousand looks a second."""


class Place(msgspec.Struct, frozen=True):
    """Where a job's records lie, and whose they are."""

    partition: bytes
    account: str
    region: str


class Times(msgspec.Struct, frozen=True):
    """Both clocks at one moment, and the deadline clock's time since when workers can give signs of life.

    While no server answered nobody could: after a start each lease holds for its whole length once more.
    """

    deadline_ms: int
    wall_ms: int
    serving_since_ms: int = 0


# -- reading


def get_record(txn: ReadTxn, place: Place, job: str) -> JobRecord:
    """Return a job's record; raise `JobNotFound`."""
    stored = txn.get(keys.job_key(place.partition, job)) if place.partition else None
    if stored is None:
        raise JOB_NOT_FOUND.error(job=job)
    return keys.decode_job.decode(stored)


def read_spec(txn: ReadTxn, place: Place, job: str) -> JobSpec:
    """Return what a job that exists runs."""
    spec = keys.decode_spec.decode(keys.get_pieces(txn, place.partition, "spec", job)).spec
    assert spec is not None, job
    return spec


def view(txn: ReadTxn, place: Place, record: JobRecord, *, whole: bool) -> Job:
    """Return a job as callers see it; `whole` adds attempts, outputs and log counts."""
    outputs: tuple[OutputObject, ...] = ()
    chunks: tuple[int, ...] = ()
    if whole:
        encoded = keys.get_pieces(txn, place.partition, "out", record.id)
        outputs = keys.decode_outputs.decode(encoded).outputs if encoded else ()
        chunks = tuple(log_count(txn, place, record.id, attempt.number).chunks for attempt in record.attempts)
    return Job(
        id=record.id,
        account=place.account,
        region=place.region,
        queue=record.queue,
        spec=read_spec(txn, place, record.id),
        state=record.state,
        status_reason=record.status_reason,
        create_ms=record.create_ms,
        start_ms=record.start_ms,
        stop_ms=record.stop_ms,
        attempts=record.attempts if whole else (),
        cancel_requested=record.cancel_requested,
        deduplication_key=record.deduplication_key,
        outputs=outputs,
        log_chunks=chunks,
    )


def log_count(txn: ReadTxn, place: Place, job: str, attempt: int) -> keys.LogRecord:
    """Return how much of an attempt's log is stored."""
    stored = txn.get(keys.logs_key(place.partition, job, attempt))
    return keys.LogRecord() if stored is None else keys.decode_logs.decode(stored)


class JobAt(msgspec.Struct, frozen=True):
    """A job to look at."""

    place: Place
    job: str


def get_job(txn: ReadTxn, request: JobAt) -> Job:
    """Return a job with everything."""
    return view(txn, request.place, get_record(txn, request.place, request.job), whole=True)


# -- making


class NewJob(msgspec.Struct, frozen=True):
    """A job to store."""

    place: Place
    queue: str
    spec: JobSpec
    id: str
    times: Times
    deduplication_key: str = ""


def partition_of(txn: Txn, place: Place) -> Place:
    """Return the place with its partition, made at an account's first job; the call names ROOT."""
    key = keys.directory_key(place.account, place.region)
    partition = txn.get(key)
    if partition is None:
        partition = new_partition(txn)
        txn.put(key, partition)
    return msgspec.structs.replace(place, partition=partition)


class PlaceWanted(msgspec.Struct, frozen=True):
    """A place whose partition shall exist."""

    place: Place


def ensure_partition(txn: Txn, request: PlaceWanted) -> Place:
    """Return the place with its partition, made now if need be."""
    return partition_of(txn, request.place)


def add_job(txn: Txn, new: NewJob, message: bytes = b"") -> JobRecord:
    """Store a job, ready for a worker; `message` is where its message lies, empty where it is made of another's."""
    partition = new.place.partition
    number = keys.next_number(txn, partition)
    record = JobRecord(
        id=new.id,
        queue=new.queue,
        state=State.RUNNABLE,
        create_ms=new.times.wall_ms,
        deduplication_key=new.deduplication_key,
        number=number,
        max_attempts=new.spec.max_attempts,
        queue_arn=queue_arn(new.place.account, new.place.region, new.queue),
        message=message,
    )
    record = _look_later(txn, partition, record, new.times)
    _save(txn, partition, record)
    keys.put_pieces(txn, partition, "spec", new.id, keys.SpecRecord(spec=new.spec))
    txn.put(keys.list_key(partition, number), new.id.encode())
    if new.deduplication_key:
        txn.put(keys.once_key(partition, new.queue, new.deduplication_key), new.id.encode())
    return record


Deliver = Callable[[Txn, Delivery, int], bytes]
"""Sends a job's message (`TrackedDeliveryTarget.deliver_tracked`)."""


class Submission(msgspec.Struct, frozen=True):
    """A job to store together with the message that tells workers of it (`message_of`, prepared)."""

    new: NewJob
    deliver: Deliver
    delivery: Delivery


def submit(txn: Txn, request: Submission) -> str:
    """Store a job and send its message, both or neither; return its id. A key that has a job makes no other."""
    new = request.new
    if new.deduplication_key:
        made = txn.get(keys.once_key(new.place.partition, new.queue, new.deduplication_key))
        if made is not None:
            return made.decode()
    message = request.deliver(txn, request.delivery, new.times.deadline_ms)
    if not message:
        raise QUEUE_NOT_FOUND.error(queue=new.queue)
    return add_job(txn, new, message).id


def message_of(job: str, target_arn: str, offers: int = 0) -> Delivery:
    """Return the message that tells a job queue's workers of a job, which was offered so often before."""
    arn = parse_arn(target_arn)
    assert arn is not None, target_arn
    return Delivery(
        target_arn=target_arn,
        body=json.dumps({"cumulo_job": job}).encode(),
        delivery_id=f"{job}/{offers}" if offers else job,
        source_arn=job_arn(arn.account, arn.region, job),
        account=arn.account,
    )


# -- holding


class ClaimAt(msgspec.Struct, frozen=True):
    """A worker that wants a job: the one named `job`, or with `new` the one made for that deduplication key."""

    place: Place
    job: str
    new: NewJob | None
    worker: str
    lease_s: int
    lease_token: bytes
    times: Times


def claim(txn: Txn, request: ClaimAt) -> Claim:
    """Give the job to the worker if nobody holds it; tell why not otherwise. The service seals the token."""
    place, times = request.place, request.times
    if request.new is None:
        record = get_record(txn, place, request.job)
    else:
        made = txn.get(keys.once_key(place.partition, request.new.queue, request.new.deduplication_key))
        record = add_job(txn, request.new) if made is None else get_record(txn, place, made.decode())
    if record.state in HELD and lease_end_ms(record, times) <= times.deadline_ms:
        record = _lose(txn, place.partition, record, times)
    if record.state in FINAL:
        return Claim(ClaimOutcome.ALREADY_DONE, view(txn, place, record, whole=True))
    if record.state in HELD:
        number = len(record.attempts)
        outcome = ClaimOutcome.HELD
        if hmac.compare_digest(record.lease_token, request.lease_token):
            outcome = ClaimOutcome.CLAIMED  # the same claim once more: its first answer was lost on the way
        expires_ms = times.wall_ms + lease_end_ms(record, times) - times.deadline_ms
        token = request.lease_token.hex() if outcome is ClaimOutcome.CLAIMED else ""
        return Claim(outcome, view(txn, place, record, whole=True), number, token, expires_ms)
    number = len(record.attempts) + 1
    assert number <= record.max_attempts, record.id
    record = msgspec.structs.replace(
        _look_no_more(txn, place.partition, record),
        state=State.STARTING,
        status_reason=f"attempt {number} is held by {request.worker}",
        attempts=(*record.attempts, Attempt(number, request.worker, times.wall_ms)),
        lease_token=request.lease_token,
        lease_s=request.lease_s,
    )
    record = _extend(txn, place.partition, record, request.lease_s, times)
    _save(txn, place.partition, record)
    expires_ms = times.wall_ms + request.lease_s * 1000
    job = view(txn, place, record, whole=True)
    return Claim(ClaimOutcome.CLAIMED, job, number, request.lease_token.hex(), expires_ms)


class Beat(msgspec.Struct, frozen=True):
    """A sign of life of the attempt that holds `lease_token`."""

    place: Place
    job: str
    attempt: int
    lease_token: bytes
    lease_s: int
    started: bool
    times: Times


def heartbeat(txn: Txn, request: Beat) -> HeartbeatResult:
    """Extend the lease; the first beat with `started` makes the job RUNNING."""
    times = request.times
    record = held_record(txn, request.place, request.job, request.attempt, request.lease_token, times)
    lease_s = request.lease_s or record.lease_s
    if request.started and record.state is State.STARTING:
        record = msgspec.structs.replace(
            _with_last_attempt(record, start_ms=times.wall_ms), state=State.RUNNING, start_ms=times.wall_ms
        )
    record = _extend(txn, request.place.partition, record, lease_s, times)
    _save(txn, request.place.partition, record)
    return HeartbeatResult(times.wall_ms + lease_s * 1000, record.cancel_requested)


def held_record(txn: ReadTxn, place: Place, job: str, attempt: int, lease_token: bytes, times: Times) -> JobRecord:
    """Return the record for a worker whose lease is good; raise `LeaseLost` or `JobNotFound`."""
    record = get_record(txn, place, job)
    if record.state not in HELD or len(record.attempts) != attempt:
        raise LEASE_LOST.error(attempt=attempt, job=job, why=f"the job is {record.state.name}")
    if not hmac.compare_digest(record.lease_token, lease_token):
        raise LEASE_LOST.error(attempt=attempt, job=job, why="another attempt holds the job")
    if lease_end_ms(record, times) <= times.deadline_ms:
        raise LEASE_LOST.error(attempt=attempt, job=job, why="no heartbeat came in time")
    return record


def lease_end_ms(record: JobRecord, times: Times) -> int:
    """Return when the lease of a held job ends, by the deadline clock."""
    return max(record.lease_ends_ms, times.serving_since_ms + record.lease_s * 1000)


class Completion(msgspec.Struct, frozen=True):
    """How the attempt that holds `lease_token` ended."""

    place: Place
    job: str
    attempt: int
    lease_token: bytes
    exit_code: int | None
    reason: str
    outputs: tuple[OutputObject, ...]
    usage: Usage
    times: Times


def complete(txn: Txn, request: Completion) -> str:
    """End the attempt: exit code 0 without a reason succeeds, all else fails or tries again; return the job's id."""
    times = request.times
    record = held_record(txn, request.place, request.job, request.attempt, request.lease_token, times)
    succeeded = request.exit_code == 0 and not request.reason
    reason = "" if succeeded else request.reason or f"the command exited with {request.exit_code}"
    if request.exit_code is not None and record.state is State.STARTING:
        # The command was faster than the word of its start.
        last = record.attempts[-1]
        start_ms = max(last.claim_ms, times.wall_ms - request.usage.wall_ms)
        record = msgspec.structs.replace(_with_last_attempt(record, start_ms=start_ms), start_ms=start_ms)
    record = _with_last_attempt(
        record, stop_ms=times.wall_ms, exit_code=request.exit_code, reason=reason, usage=request.usage
    )
    record = _release(txn, request.place.partition, record)
    if succeeded:
        keys.put_pieces(txn, request.place.partition, "out", record.id, keys.OutputsRecord(outputs=request.outputs))
        record = _finish(txn, request.place.partition, record, State.SUCCEEDED, "", times)
    else:
        record = _fail_or_retry(txn, request.place.partition, record, reason, times)
    _save(txn, request.place.partition, record)
    return record.id


class Cancellation(msgspec.Struct, frozen=True):
    """Somebody's wish that a job stop."""

    place: Place
    job: str
    reason: str
    times: Times


def cancel(txn: Txn, request: Cancellation) -> str:
    """Fail a job that nobody holds at once; mark a held one for its worker's next heartbeat; return its id."""
    record = get_record(txn, request.place, request.job)
    if record.state not in FINAL:
        reason = f"cancelled: {request.reason}" if request.reason else "cancelled"
        record = msgspec.structs.replace(record, cancel_requested=True, status_reason=reason[:REASON_CHARACTERS_MAX])
        if record.state not in HELD:
            record = _finish(txn, request.place.partition, record, State.FAILED, record.status_reason, request.times)
        _save(txn, request.place.partition, record)
    return record.id


# -- what waits for time


class DueJobs(msgspec.Struct, frozen=True):
    """Due entries of one kind; their keys are job records' keys."""

    entries: tuple[Due, ...]
    times: Times


def end_leases(txn: Txn, request: DueJobs) -> None:
    """Take jobs from workers that gave no sign of life: the due deed of `job.lease`."""
    for entry in request.entries:
        txn.undue(entry.at_ms, entry.kind, entry.key)
        stored = txn.get(entry.key)
        if stored is None:
            continue
        record = keys.decode_job.decode(stored)
        if record.state not in HELD or record.lease_ends_ms > request.times.deadline_ms:
            continue
        ends_ms = lease_end_ms(record, request.times)
        if ends_ms <= request.times.deadline_ms:
            _lose(txn, entry.key[:8], record, request.times)
        else:
            txn.due(ends_ms, keys.LEASE_DUE, entry.key)
            _save(txn, entry.key[:8], msgspec.structs.replace(record, lease_ends_ms=ends_ms))


class Offering(msgspec.Struct, frozen=True):
    """The due entry of a job whose message is to be looked after. `queue_exists` as the service saw it; `delivery` is
    the message to send anew, prepared, and None where the job is gone.
    """

    entry: Due
    times: Times
    queue_exists: bool
    holds: Callable[[Txn, str, bytes], bool]
    deliver: Deliver
    delivery: Delivery | None


def offer(txn: Txn, request: Offering) -> None:
    """Send a waiting job's message anew where its queue has lost it; fail the job where the queue itself is gone: the
    due deed of `job.offer`. A message too many harms nothing, since the record decides who runs the job.
    """
    entry, times = request.entry, request.times
    txn.undue(entry.at_ms, entry.kind, entry.key)
    stored = txn.get(entry.key)
    if stored is None:
        return
    partition, record = entry.key[:8], keys.decode_job.decode(stored)
    if record.look_ms != entry.at_ms:
        return
    if not request.queue_exists:
        record = _finish(txn, partition, record, State.FAILED, QUEUE_GONE.format(queue=record.queue), times)
        _save(txn, partition, record)
        return
    if not record.message or not request.holds(txn, record.queue_arn, record.message):
        # Nothing else sends offers, so this one has the number that the service saw.
        assert request.delivery is not None, record.id
        message = request.deliver(txn, request.delivery, times.deadline_ms)
        if message:  # else the queue's policy refuses it, or the queue has gone since: seen at the next look
            record = msgspec.structs.replace(record, message=message, offers=record.offers + 1)
    record = _look_later(txn, partition, msgspec.structs.replace(record, looks=record.looks + 1), times)
    _save(txn, partition, record)


_FORGET_ROWS = 400


def forget(txn: Txn, request: DueJobs) -> None:
    """Remove a job that was final long enough, its logs in slices: the due deed of `job.forget`."""
    for entry in request.entries:
        stored = txn.get(entry.key)
        if stored is None:
            txn.undue(entry.at_ms, entry.kind, entry.key)
            continue
        partition, record = entry.key[:8], keys.decode_job.decode(stored)
        for attempt in record.attempts:
            prefix = keys.chunk_prefix(partition, record.id, attempt.number)
            if txn.delete_range(prefix, tuples.after(prefix), _FORGET_ROWS) == _FORGET_ROWS:
                return
            txn.delete(keys.logs_key(partition, record.id, attempt.number))
        keys.delete_pieces(txn, partition, "spec", record.id)
        keys.delete_pieces(txn, partition, "out", record.id)
        txn.delete(keys.list_key(partition, record.number))
        if record.deduplication_key:
            txn.delete(keys.once_key(partition, record.queue, record.deduplication_key))
        txn.delete(entry.key)
        txn.undue(entry.at_ms, entry.kind, entry.key)


# -- the moves


def _save(txn: Txn, partition: bytes, record: JobRecord) -> None:
    assert (record.state in HELD) == bool(record.lease_token), record
    assert (record.state is State.RUNNABLE) == bool(record.look_ms), record
    assert len(record.attempts) <= record.max_attempts, record
    key = keys.job_key(partition, record.id)
    txn.put(key, records.encode(record))
    txn.notify(key)


def _extend(txn: Txn, partition: bytes, record: JobRecord, lease_s: int, times: Times) -> JobRecord:
    key = keys.job_key(partition, record.id)
    if record.lease_ends_ms:
        txn.undue(record.lease_ends_ms, keys.LEASE_DUE, key)
    ends_ms = times.deadline_ms + lease_s * 1000
    txn.due(ends_ms, keys.LEASE_DUE, key)
    return msgspec.structs.replace(record, lease_ends_ms=ends_ms)


def _release(txn: Txn, partition: bytes, record: JobRecord) -> JobRecord:
    txn.undue(record.lease_ends_ms, keys.LEASE_DUE, keys.job_key(partition, record.id))
    return msgspec.structs.replace(record, lease_token=b"", lease_ends_ms=0, lease_s=0)


def _lose(txn: Txn, partition: bytes, record: JobRecord, times: Times) -> JobRecord:
    record = _with_last_attempt(record, stop_ms=times.wall_ms, reason=LEASE_ENDED)
    record = _release(txn, partition, record)
    record = _fail_or_retry(txn, partition, record, LEASE_ENDED, times)
    _save(txn, partition, record)
    return record


def _fail_or_retry(txn: Txn, partition: bytes, record: JobRecord, reason: str, times: Times) -> JobRecord:
    if record.cancel_requested:
        return _finish(txn, partition, record, State.FAILED, record.status_reason, times)
    if len(record.attempts) >= record.max_attempts or reason.startswith(NOT_RETRIED):
        return _finish(txn, partition, record, State.FAILED, reason, times)
    waiting = msgspec.structs.replace(record, state=State.RUNNABLE, status_reason=reason, looks=0)
    return _look_later(txn, partition, waiting, times)


def _look_later(txn: Txn, partition: bytes, record: JobRecord, times: Times) -> JobRecord:
    """Arm the entry by which a waiting job's message is looked after."""
    look_ms = times.deadline_ms + min(LOOK_MS << min(record.looks, LOOK_MS_MAX.bit_length()), LOOK_MS_MAX)
    txn.due(look_ms, keys.OFFER_DUE, keys.job_key(partition, record.id))
    return msgspec.structs.replace(record, look_ms=look_ms)


def _look_no_more(txn: Txn, partition: bytes, record: JobRecord) -> JobRecord:
    if record.look_ms:
        txn.undue(record.look_ms, keys.OFFER_DUE, keys.job_key(partition, record.id))
    return msgspec.structs.replace(record, look_ms=0, looks=0)


def _finish(txn: Txn, partition: bytes, record: JobRecord, state: State, reason: str, times: Times) -> JobRecord:
    assert record.state not in FINAL, record
    record = _look_no_more(txn, partition, record)
    forget_ms = times.deadline_ms + KEPT_MS
    txn.due(forget_ms, keys.FORGET_DUE, keys.job_key(partition, record.id))
    return msgspec.structs.replace(
        record, state=state, status_reason=reason, stop_ms=times.wall_ms, forget_ms=forget_ms
    )


def _with_last_attempt(record: JobRecord, **changes: object) -> JobRecord:
    *earlier, last = record.attempts
    changed = msgspec.structs.replace(last, **changes)
    return msgspec.structs.replace(record, attempts=(*earlier, changed))
