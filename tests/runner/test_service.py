"""The service on a real engine with a manual clock: limits, pages, leases over restarts, a thousand claims."""

import asyncio
import json
from collections import Counter
from typing import Any

import msgspec
import pytest

from cumulo.core.clocks import ManualClock
from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.ids import SeededRandomness
from cumulo.core.tokens import TokenSealer
from cumulo.identity.authorizer import Authorizer
from cumulo.identity.policy import Principal, PrincipalKind
from cumulo.queue_service import message_model
from cumulo.queue_service import model as queue_model
from cumulo.queue_service import service as queue_room
from cumulo.runner import invariants, jobs, keys, listing, model
from cumulo.runner.model import ClaimOutcome, State
from cumulo.runner.service import Service
from cumulo.storage import idempotency, records, tuples
from cumulo.storage.due_pump import DuePump
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.storage.memory import MemoryEngine
from cumulo.storage.storage_keys import StorageKeys

ACCOUNT, REGION = "000000000000", "us-east-1"
WHERE: Any = {"account": ACCOUNT, "region": REGION}
SPEC = model.JobSpec(name="count", command=("true",), max_attempts=2)
LEASE_S = 60


class Stand:
    """Queues and jobs on one engine."""

    def __init__(self, folder=None):
        self.folder = folder
        self.clock = ManualClock()
        self.randomness = SeededRandomness(3)
        self.engine: Any = None
        root = Principal(kind=PrincipalKind.ROOT, account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:root", id=ACCOUNT)
        self.ctx = CallContext(principal=root, request_id="test")

    async def open(self):
        self.engine = self.engine or (MemoryEngine() if self.folder is None else LmdbEngine(self.folder))
        authorizer = Authorizer(self.engine, self.clock)
        sealer = TokenSealer({1: b"k" * 32}, 1)
        storage_keys = StorageKeys({1: b"r" * 32})
        self.queues = queue_room.Service(self.engine, authorizer, self.clock, self.randomness, sealer, storage_keys)
        self.jobs = Service(
            self.engine,
            authorizer,
            self.clock,
            self.randomness,
            sealer=sealer,
            queues=self.queues.delivery_target,
            queue_guard=self.queues.guard,
        )
        self.pump = DuePump(self.engine, self.clock)
        self.pump.register(idempotency.DUE_KIND, lambda entries: idempotency.expire(self.engine, entries))
        for room in (self.queues, self.jobs):
            await room.start()
            for kind, handler in room.due_handlers().items():
                self.pump.register(kind, handler)
        return self

    async def restart(self):
        """End everything and start it anew on what is stored; the memory engine is its own disk."""
        await self.close_rooms()
        if self.folder is not None:
            await self.engine.close()
            self.engine = None
        await self.open()

    async def close_rooms(self):
        await self.jobs.drain()
        await self.queues.drain()

    async def advance(self, seconds):
        self.clock.advance(int(seconds * 1000))
        while await self.pump.run_due():
            pass

    async def call(self, operation, request):
        return (await self.jobs.call(self.ctx, operation, request)).value

    async def make_queue(self, name="work"):
        request = queue_model.CreateQueue(queue=name, attributes=queue_model.QueueAttributes())
        await self.queues.call(self.ctx, "CreateQueue", request)

    async def submit(self, queue="work", **changes):
        spec = msgspec.structs.replace(SPEC, **changes)
        return await self.call("SubmitJob", model.SubmitJob(**WHERE, queue=queue, spec=spec))

    async def claim(self, job, *, lease_s=LEASE_S, request_id=""):
        return await self.call(
            "ClaimJob", model.ClaimJob(**WHERE, worker="w", job=job, lease_s=lease_s, request_id=request_id)
        )

    async def beat(self, claim, **more):
        return await self.call(
            "HeartbeatJob", model.Heartbeat(**WHERE, job=claim.job.id, lease_token=claim.lease_token, **more)
        )

    async def complete(self, claim, **more):
        given = {"exit_code": 0, "attempt": claim.attempt, "lease_token": claim.lease_token} | more
        return await self.call("CompleteJob", model.CompleteJob(**WHERE, job=claim.job.id, **given))

    async def get(self, job):
        return await self.call("GetJob", model.GetJob(**WHERE, job=job))

    async def page(self, **more):
        return await self.call("ListJobs", model.ListJobs(**WHERE, **more))

    async def problems(self):
        return await self.engine.inspect(lambda txn, _: invariants.check(txn), None)


@pytest.fixture(params=["memory", "lmdb"])
def run(request, tmp_path):
    """Run a scenario on each engine; afterwards every invariant must hold."""

    async def go(scenario):
        stand = await Stand(None if request.param == "memory" else tmp_path / "engine").open()
        await stand.make_queue()
        try:
            await scenario(stand)
            assert await stand.problems() == []
        finally:
            await stand.close_rooms()
            await stand.engine.close()

    return lambda scenario: asyncio.run(go(scenario))


@pytest.fixture
def run_in_memory():
    async def go(scenario):
        stand = await Stand().open()
        await stand.make_queue()
        await scenario(stand)
        assert await stand.problems() == []
        await stand.close_rooms()

    return lambda scenario: asyncio.run(go(scenario))


def test_a_submitted_jobs_message_names_the_job(run):
    async def scenario(stand):
        job = await stand.submit()

        received = await stand.queues.call(
            stand.ctx, "ReceiveMessages", message_model.ReceiveMessages(queue="work", max_messages=10)
        )
        assert [json.loads(message.body) for message in received.value] == [{"cumulo_job": job.id}]

    run(scenario)


def test_a_queues_own_policy_can_refuse_its_jobs_even_to_the_accounts_root(run):
    async def scenario(stand):
        made = await stand.submit()
        deny = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "batch:*", "Resource": "*"}],
        }
        attributes = queue_model.QueueAttributes(policy=json.dumps(deny))
        await stand.queues.call(stand.ctx, "UpdateQueue", queue_model.UpdateQueue(queue="work", attributes=attributes))

        for attempt in (stand.submit(), stand.claim(made.id)):
            with pytest.raises(ServiceError, match="AccessDenied"):
                await attempt

    run(scenario)


def test_another_account_cannot_tell_a_job_that_exists_from_one_that_does_not(run):
    async def scenario(stand):
        made = await stand.submit()
        other = "111111111111"
        root = Principal(kind=PrincipalKind.ROOT, account=other, arn=f"arn:aws:iam::{other}:root", id=other)
        stand.ctx = CallContext(principal=root, request_id="test")

        said = []
        for job in (made.id, "00000000-0000-4000-8000-000000000000"):
            with pytest.raises(ServiceError, match="AccessDenied") as refused:
                await stand.claim(job)
            said.append(refused.value.message.replace(job, "JOB"))

        assert said[0] == said[1]
        assert "work" not in said[0]

    run(scenario)


def test_of_a_thousand_claims_of_a_hundred_jobs_each_job_is_started_once(run):
    async def scenario(stand):
        submitted = [(await stand.submit()).id for _ in range(100)]

        claims = await asyncio.gather(*(stand.claim(submitted[number % 100]) for number in range(1000)))

        assert Counter(claim.outcome for claim in claims) == {ClaimOutcome.CLAIMED: 100, ClaimOutcome.HELD: 900}
        assert {claim.job.id for claim in claims if claim.outcome is ClaimOutcome.CLAIMED} == set(submitted)
        assert all(claim.lease_token == "" for claim in claims if claim.outcome is ClaimOutcome.HELD)
        assert [len((await stand.get(job)).attempts) for job in submitted] == [1] * 100

    run(scenario)


def test_a_repeated_claim_finds_its_own_lease_and_nobody_elses(run):
    async def scenario(stand):
        job = (await stand.submit()).id
        first = await stand.claim(job, request_id="r1")

        again, other = await stand.claim(job, request_id="r1"), await stand.claim(job, request_id="r2")

        assert (again.outcome, again.lease_token) == (ClaimOutcome.CLAIMED, first.lease_token)
        assert (other.outcome, other.lease_token) == (ClaimOutcome.HELD, "")

    run(scenario)


# -- what waits for time, over restarts


def test_a_lease_that_was_written_before_a_restart_ends_after_it(run):
    async def scenario(stand):
        job = (await stand.submit()).id
        claim = await stand.claim(job)

        await stand.restart()
        await stand.advance(LEASE_S - 1)
        assert (await stand.get(job)).state is State.STARTING
        await stand.advance(1)

        found = await stand.get(job)
        assert (found.state, found.attempts[0].reason[:10]) == (State.RUNNABLE, "WorkerLost")
        with pytest.raises(ServiceError, match="LeaseLost"):
            await stand.beat(claim)

    run(scenario)


def test_a_server_that_was_away_for_longer_than_a_lease_lets_the_worker_go_on(run):
    async def scenario(stand):
        job = (await stand.submit()).id
        claim = await stand.claim(job)
        await stand.beat(claim, started=True)

        stand.clock.advance(10 * LEASE_S * 1000)
        await stand.restart()
        await stand.advance(0)
        other = await stand.claim(job)
        assert (other.outcome, other.lease_expires_ms) == (ClaimOutcome.HELD, stand.clock.wall_ms() + LEASE_S * 1000)
        await stand.advance(LEASE_S - 1)
        assert not (await stand.beat(claim)).cancel_requested

        assert (await stand.complete(claim)).state is State.SUCCEEDED
        assert len((await stand.get(job)).attempts) == 1

    run(scenario)


def test_a_worker_that_is_silent_after_a_restart_loses_its_job_one_lease_later(run):
    async def scenario(stand):
        job = (await stand.submit()).id
        await stand.claim(job)

        stand.clock.advance(10 * LEASE_S * 1000)
        await stand.restart()
        await stand.advance(LEASE_S)

        assert (await stand.get(job)).state is State.RUNNABLE
        assert (await stand.claim(job)).attempt == 2

    run(scenario)


def test_a_final_job_is_forgotten_when_its_time_comes_after_a_restart(run):
    async def scenario(stand):
        job = (await stand.submit()).id
        await stand.complete(await stand.claim(job))

        await stand.restart()
        await stand.advance(model.KEPT_MS / 1000 - 1)
        assert (await stand.get(job)).state is State.SUCCEEDED
        await stand.advance(1)

        with pytest.raises(ServiceError, match="JobNotFound"):
            await stand.get(job)
        assert (await stand.page()).jobs == ()

    run(scenario)


def test_a_command_that_ended_before_its_start_was_told_has_a_start_all_the_same(run):
    async def scenario(stand):
        claim = await stand.claim((await stand.submit()).id)
        stand.clock.advance(500)

        job = await stand.complete(claim, usage=model.Usage(wall_ms=200))

        assert job.attempts[0].start_ms == job.start_ms == stand.clock.wall_ms() - 200

    run(scenario)


# -- messages that are lost


async def receive(stand, queue="work", visibility_timeout_s=0):
    """Take what the queue has; return the jobs that its messages name."""
    request = message_model.ReceiveMessages(queue=queue, max_messages=10, visibility_timeout_s=visibility_timeout_s)
    messages = (await stand.queues.call(stand.ctx, "ReceiveMessages", request)).value
    return [json.loads(message.body)["cumulo_job"] for message in messages]


async def limit_receives(stand, count=1):
    await stand.make_queue("dead")
    policy = queue_model.DeadLetterPolicy(queue="dead", max_receive_count=count)
    attributes = queue_model.QueueAttributes(dead_letter_policy=policy)
    await stand.queues.call(stand.ctx, "UpdateQueue", queue_model.UpdateQueue(queue="work", attributes=attributes))


def test_a_job_whose_message_went_to_a_dead_letter_queue_is_offered_again_and_finished(run):
    async def scenario(stand):
        await limit_receives(stand)
        job = (await stand.submit()).id
        assert await receive(stand) == [job]
        await stand.complete(await stand.claim(job), exit_code=1)
        assert await receive(stand) == []
        assert await receive(stand, "dead") == [job]

        await stand.restart()
        await stand.advance(59)
        assert await receive(stand) == []
        await stand.advance(1)

        assert await receive(stand) == [job]
        claim = await stand.claim(job)
        assert (claim.outcome, claim.attempt) == (ClaimOutcome.CLAIMED, 2)
        assert (await stand.complete(claim)).state is State.SUCCEEDED
        await stand.advance(7200)
        assert await receive(stand) == []

    run(scenario)


def test_a_job_that_waits_in_a_backlog_gets_no_second_message(run):
    async def scenario(stand):
        submitted = [(await stand.submit()).id for _ in range(3)]
        await receive(stand, visibility_timeout_s=7200)

        for _ in range(20):
            await stand.advance(300)

        await stand.advance(1300)
        assert sorted(await receive(stand)) == sorted(submitted)

    run(scenario)


def test_a_job_is_looked_after_at_growing_intervals_up_to_a_quarter_of_an_hour(run_in_memory):
    async def scenario(stand):
        await stand.submit()

        found = []
        for _ in range(6):
            entries = [it for it in await stand.engine.take_due(1 << 62, 100) if it.kind == keys.OFFER_DUE]
            found.append(entries[0].at_ms - stand.clock.deadline_ms())
            stand.clock.advance(found[-1])
            await stand.advance(0)

        assert found == [60_000, 120_000, 240_000, 480_000, 900_000, 900_000]

    run_in_memory(scenario)


def test_a_purge_takes_no_job_away_for_the_record_decides(run):
    async def scenario(stand):
        job = (await stand.submit()).id
        await stand.queues.call(stand.ctx, "PurgeQueue", queue_model.PurgeQueue(queue="work"))
        assert await receive(stand) == []

        await stand.restart()
        await stand.advance(60)

        assert await receive(stand) == [job]
        await stand.advance(600)
        assert await receive(stand) == [job], "and not twice"

    run(scenario)


def test_a_job_of_a_deleted_queue_fails_with_the_reason(run):
    async def scenario(stand):
        waiting, held = (await stand.submit()).id, (await stand.submit()).id
        claim = await stand.claim(held)
        await stand.queues.call(stand.ctx, "DeleteQueue", queue_model.DeleteQueue(queue="work"))

        await stand.restart()
        await stand.advance(59)
        await stand.beat(claim)
        assert (await stand.get(waiting)).state is State.RUNNABLE
        await stand.advance(1)

        found = await stand.get(waiting)
        assert (found.state, found.status_reason) == (State.FAILED, jobs.QUEUE_GONE.format(queue="work"))
        assert (await stand.get(held)).state is State.STARTING, "who has a worker needs no queue"
        await stand.advance(LEASE_S)
        await stand.advance(60)
        assert (await stand.get(held)).state is State.FAILED

    run(scenario)


def test_a_job_of_a_queue_that_was_made_anew_is_offered_there(run):
    async def scenario(stand):
        job = (await stand.submit()).id
        await stand.queues.call(stand.ctx, "DeleteQueue", queue_model.DeleteQueue(queue="work"))
        await stand.make_queue()

        await stand.advance(60)

        assert await receive(stand) == [job]

    run(scenario)


def test_a_job_made_of_anothers_message_gets_one_of_its_own_when_it_waits_too_long(run):
    async def scenario(stand):
        trigger = model.Trigger(spec=SPEC, deduplication_key="m1/0")
        request = model.ClaimJob(**WHERE, queue="work", worker="w", trigger=trigger)
        claim = await stand.call("ClaimJob", request)
        await stand.complete(claim, exit_code=1)

        await stand.advance(60)
        assert await receive(stand) == [claim.job.id]
        await stand.advance(1800)

        assert await receive(stand) == [claim.job.id], "and not twice"

    run(scenario)


def test_a_queue_that_refuses_its_jobs_gets_them_once_it_takes_them(run):
    async def scenario(stand):
        job = (await stand.submit()).id
        await stand.queues.call(stand.ctx, "PurgeQueue", queue_model.PurgeQueue(queue="work"))
        deny = {"Effect": "Deny", "Principal": {"Service": "batch.amazonaws.com"}, "Action": "*", "Resource": "*"}
        for statements in ([deny], []):
            policy = json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else ""
            attributes = queue_model.QueueAttributes(policy=policy)
            update = queue_model.UpdateQueue(queue="work", attributes=attributes)
            await stand.queues.call(stand.ctx, "UpdateQueue", update)
            await stand.advance(180)
            assert await receive(stand) == ([] if statements else [job])
            assert (await stand.get(job)).state is State.RUNNABLE

    run(scenario)


# -- limits


def spec(**changes):
    return msgspec.structs.replace(SPEC, **changes)


def staged(count=1, source="s3://b/k", path="p{}"):
    return tuple(model.Input(source, path.format(number)) for number in range(count))


def stored(count=1, path="p", destination="s3://b/k"):
    return tuple(model.Output(path, destination) for _ in range(count))


NUMBERS = [
    ("timeout_s", 86_400, "1 to 86400"),
    ("memory_bytes", 1 << 62, f"4194304 to {1 << 62}"),
    ("cpu_millis", 1_024_000, "10 to 1024000"),
    ("pids_max", 32_768, "1 to 32768"),
    ("max_attempts", 10, "1 to 10"),
]


@pytest.mark.parametrize(
    ("bad", "field", "allowed"),
    [
        (spec(name=""), "spec.name", "1 to 128 characters"),
        (spec(name="a" * 129), "spec.name", "1 to 128 characters"),
        (spec(name="a b"), "spec.name", "[A-Za-z0-9_-]"),
        (spec(name="a\n"), "spec.name", "[A-Za-z0-9_-]"),
        (spec(command=()), "spec.command", "1 to 1024 items"),
        (spec(command=("x",) * 1025), "spec.command", "1 to 1024 items"),
        (spec(command=("",)), "spec.command", "a program's name first"),
        (spec(command=("x", "ü" * 32_768)), "spec.command", "at most 65536 bytes"),
        (spec(command=("x\0",)), "spec.command", "without NUL"),
        (spec(environment={str(it): "" for it in range(257)}), "spec.environment", "at most 256"),
        (spec(environment={"A": "ü" * 16_384}), "spec.environment", "at most 32768 bytes"),
        (spec(environment={"1A": ""}), "spec.environment", "not starting with a digit"),
        (spec(environment={"A=B": ""}), "spec.environment", "letters, digits and _"),
        (spec(environment={"SECRET": "hunter2\0"}), "spec.environment", "without NUL"),
        (spec(inputs=staged(101)), "spec.inputs", "at most 100"),
        (spec(inputs=staged(source="s3://b")), "spec.inputs.source", "s3://bucket/key"),
        (spec(inputs=staged(source="s3://b/")), "spec.inputs.source", "s3://bucket/key"),
        (spec(inputs=staged(source="http://b/k")), "spec.inputs.source", "s3://bucket/key"),
        (spec(inputs=staged(source="s3:///k")), "spec.inputs.source", "s3://bucket/key"),
        (spec(inputs=staged(source="s3://b/" + "k" * 1025)), "spec.inputs.source", "1024 bytes"),
        (spec(inputs=staged(source="s3://" + "b" * 64 + "/k")), "spec.inputs.source", "at most 63"),
        (spec(inputs=staged(path="/etc/passwd")), "spec.inputs.path", "below the job's folder"),
        (spec(inputs=staged(path="../x")), "spec.inputs.path", "without '..'"),
        (spec(inputs=staged(path="a/../../x")), "spec.inputs.path", "without '..'"),
        (spec(inputs=staged(path="a/")), "spec.inputs.path", "a path of a file"),
        (spec(inputs=staged(path="")), "spec.inputs.path", "a path of a file"),
        (spec(inputs=staged(path=".")), "spec.inputs.path", "a path of a file"),
        (spec(inputs=staged(path="a\0")), "spec.inputs.path", "a path of a file"),
        (spec(inputs=staged(path="a" * 1025)), "spec.inputs.path", "at most 1024 bytes"),
        (spec(inputs=staged(2, path="same")), "spec.inputs.path", "one input for each path"),
        (spec(inputs=(*staged(path="same"), *staged(path="./same"))), "spec.inputs.path", "one input for each path"),
        (spec(outputs=stored(101)), "spec.outputs", "at most 100"),
        (spec(outputs=stored(destination="b/k")), "spec.outputs.destination", "s3://bucket/prefix"),
        (spec(outputs=stored(destination="s3://b/" + "k" * 1025)), "spec.outputs.destination", "1024 bytes"),
        (spec(outputs=stored(path="../*")), "spec.outputs.path", "without '..'"),
        (spec(outputs=stored(path="a/**.txt")), "spec.outputs.path", "'**' only as a whole part"),
        *[(spec(**{name: top + 1}), f"spec.{name}", allowed) for name, top, allowed in NUMBERS],
        *[(spec(**{name: -1}), f"spec.{name}", allowed) for name, _, allowed in NUMBERS],
    ],
)
@pytest.mark.parametrize("by", ["SubmitJob", "ClaimJob"])
def test_a_spec_out_of_bounds_is_refused_with_the_field_and_what_is_allowed(run_in_memory, by, bad, field, allowed):
    async def scenario(stand):
        trigger = model.Trigger(spec=bad, deduplication_key="m")
        requests: dict[str, Any] = {
            "SubmitJob": model.SubmitJob(**WHERE, queue="work", spec=bad),
            "ClaimJob": model.ClaimJob(**WHERE, queue="work", worker="w", trigger=trigger),
        }
        with pytest.raises(ServiceError) as caught:
            await stand.call(by, requests[by])

        assert caught.value.row.code == "ClientException"
        assert caught.value.values["parameter"] == field
        assert allowed in str(caught.value.values["allowed"])
        assert "hunter2" not in str(caught.value)
        assert len(str(caught.value)) < 500
        assert (await stand.page()).jobs == ()

    run_in_memory(scenario)


def test_the_largest_spec_is_stored_run_and_shown_as_it_was_given(run):
    largest = spec(
        command=("x" * (64 * 1024 - 1023), *["y"] * 1023),
        environment={f"N{number:03}": "v" * 120 for number in range(256)},
        inputs=tuple(model.Input(f"s3://{'b' * 63}/" + "k" * 1024, f"{it:03}" + "p" * 1021) for it in range(100)),
        outputs=tuple(model.Output(f"{it:03}" + "p" * 1021, f"s3://{'b' * 63}/" + "k" * 1024) for it in range(100)),
        **{name: top for name, top, _ in NUMBERS},
    )

    async def scenario(stand):
        job = await stand.call("SubmitJob", model.SubmitJob(**WHERE, queue="work", spec=largest))
        outputs = tuple(
            model.OutputObject(f"s3://{'b' * 63}/" + f"{it:04}" * 256, 1 << 40, "e" * 128) for it in range(1000)
        )

        assert (await stand.get(job.id)).spec == largest
        done = await stand.complete(await stand.claim(job.id), outputs=outputs)
        assert (done.state, (await stand.get(job.id)).outputs) == (State.SUCCEEDED, outputs)
        # An answer must fit into a gRPC message of 4 MiB: pages of such jobs are short, and go on.
        for _ in range(9):
            await stand.call("SubmitJob", model.SubmitJob(**WHERE, queue="work", spec=largest))
        found, token = [], "first"
        while token:
            page = await stand.page(page_token="" if token == "first" else token)
            found += page.jobs
            token = page.next_page_token
            assert 1 <= len(page.jobs) <= 6
        assert len({it.id for it in found}) == 10

    run(scenario)


@pytest.mark.parametrize(
    ("operation", "change", "field"),
    [
        ("ClaimJob", {"worker": ""}, "worker"),
        ("ClaimJob", {"worker": "w" * 257}, "worker"),
        ("ClaimJob", {"lease_s": 4}, "lease_s"),
        ("ClaimJob", {"lease_s": 43_201}, "lease_s"),
        ("HeartbeatJob", {"lease_s": 4}, "lease_s"),
        ("HeartbeatJob", {"lease_s": -1}, "lease_s"),
        ("AppendJobLogs", {"data": b""}, "data"),
        ("AppendJobLogs", {"data": b"x" * (60 * 1024 + 1)}, "data"),
        ("CompleteJob", {"outputs": (model.OutputObject("s3://b/k", 1, "e"),) * 1001}, "outputs"),
        ("CompleteJob", {"outputs": (model.OutputObject("b/k", 1, "e"),)}, "outputs.object"),
        ("CompleteJob", {"outputs": (model.OutputObject("s3://b/" + "k" * 1100, 1, "e"),)}, "outputs.object"),
        ("CompleteJob", {"outputs": (model.OutputObject("s3://b/k", -1, "e"),)}, "outputs.size_bytes"),
        ("CompleteJob", {"outputs": (model.OutputObject("s3://b/k", 1, "e" * 129),)}, "outputs.etag"),
        ("CancelJob", {"reason": "r" * 1025}, "reason"),
        ("ListJobs", {"page_size": 1001}, "page_size"),
        ("ListJobs", {"page_size": -1}, "page_size"),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_its_field(run_in_memory, operation, change, field):
    async def scenario(stand):
        job = (await stand.submit()).id
        claim = await stand.claim((await stand.submit()).id)
        lease: Any = {"job": claim.job.id, "lease_token": claim.lease_token}
        requests: dict[str, Any] = {
            "ClaimJob": model.ClaimJob(**WHERE, worker="w", job=job),
            "HeartbeatJob": model.Heartbeat(**WHERE, **lease),
            "AppendJobLogs": model.AppendLog(
                **WHERE, **lease, attempt=1, chunk_number=0, stream=model.LogStream.STDOUT, data=b"x"
            ),
            "CompleteJob": model.CompleteJob(**WHERE, **lease, attempt=1),
            "CancelJob": model.CancelJob(**WHERE, job=job),
            "ListJobs": model.ListJobs(**WHERE),
        }
        with pytest.raises(ServiceError) as caught:
            await stand.call(operation, msgspec.structs.replace(requests[operation], **change))

        assert (caught.value.row.code, caught.value.values["parameter"]) == ("ClientException", field)

    run_in_memory(scenario)


def test_a_lease_token_that_is_not_this_attempts_is_refused_everywhere(run_in_memory):
    async def scenario(stand):
        one, two = (await stand.submit()).id, (await stand.submit()).id
        first, other = await stand.claim(one), await stand.claim(two)
        tokens = ["", "x", "A" * 300, first.lease_token[:-2] + "AA", other.lease_token, first.lease_token + "A"]
        for token in tokens:
            for request in (
                ("HeartbeatJob", model.Heartbeat(**WHERE, job=one, lease_token=token)),
                ("CompleteJob", model.CompleteJob(**WHERE, job=one, attempt=1, lease_token=token, exit_code=0)),
            ):
                with pytest.raises(ServiceError, match="LeaseLost"):
                    await stand.call(*request)
        with pytest.raises(ServiceError, match="LeaseLost"):
            await stand.complete(first, attempt=2)
        assert (await stand.get(one)).state is State.STARTING

    run_in_memory(scenario)


# -- pages


def test_pages_go_through_all_jobs_newest_first_without_gaps_or_repeats(run):
    async def scenario(stand):
        await stand.make_queue("other")
        submitted = [(await stand.submit("work" if it % 3 else "other")).id for it in range(25)]

        async def ids(**more):
            found, token = [], None
            while token != "":
                page = await stand.page(page_size=4, page_token=token or "", **more)
                assert len(page.jobs) <= 4
                found += [job.id for job in page.jobs]
                token = page.next_page_token
            return found

        assert await ids() == submitted[::-1]
        assert await ids(queue="other") == submitted[::3][::-1]
        await stand.complete(await stand.claim(submitted[7]))
        assert await ids(states=(State.SUCCEEDED,)) == [submitted[7]]
        assert await ids(states=(State.RUNNING, State.FAILED)) == []

    run(scenario)


def test_a_search_that_finds_little_stops_after_bounded_work_and_goes_on_by_its_token(run_in_memory, monkeypatch):
    monkeypatch.setattr(listing, "EXAMINED_MAX", 10)
    monkeypatch.setattr(listing, "SLICES_MAX", 3)

    async def scenario(stand):
        await stand.make_queue("rare")
        wanted = (await stand.submit("rare")).id
        for _ in range(99):
            await stand.submit()

        pages = [await stand.page(queue="rare")]
        while pages[-1].next_page_token:
            pages.append(await stand.page(queue="rare", page_token=pages[-1].next_page_token))

        assert [len(page.jobs) for page in pages] == [0, 0, 0, 1]
        assert pages[-1].jobs[0].id == wanted

    run_in_memory(scenario)


def test_a_page_token_that_is_not_this_listings_is_refused(run_in_memory):
    async def scenario(stand):
        for _ in range(5):
            await stand.submit()
        token = (await stand.page(page_size=2)).next_page_token
        assert len((await stand.page(page_size=3, page_token=token)).jobs) == 3
        lease = (await stand.claim((await stand.submit()).id)).lease_token

        bad = [
            {"page_token": token[:-1]},
            {"page_token": "nonsense"},
            {"page_token": "A" * 5000},
            {"page_token": lease},
            {"page_token": token, "queue": "work"},
            {"page_token": token, "states": (State.FAILED,)},
        ]
        for change in bad:
            with pytest.raises(ServiceError, match="InvalidNextToken"):
                await stand.page(**change)

    run_in_memory(scenario)


# -- formats


def test_the_bytes_of_every_key_are_those_that_are_on_disks():
    partition = bytes(7) + b"\x2a"
    found = {
        "directory": keys.directory_key("000000000000", "us-east-1"),
        "job": keys.job_key(partition, "j1"),
        "list": keys.list_key(partition, 258),
        "once": keys.once_key(partition, "q", "m1/0"),
        "logs": keys.logs_key(partition, "j1", 1),
        "chunk": keys.chunk_prefix(partition, "j1", 1) + tuples.u64(3),
    }

    assert {name: key.hex() for name, key in found.items()} == GOLDEN_KEYS


def test_the_bytes_of_every_record_are_those_that_are_on_disks():
    attempt = model.Attempt(1, "w", 10, 11, 12, 0, "", model.Usage(1, 2, 3))
    job = keys.JobRecord(
        id="j1",
        queue="q",
        state=State.SUCCEEDED,
        create_ms=9,
        start_ms=11,
        stop_ms=12,
        attempts=(attempt,),
        deduplication_key="m",
        number=1,
        forget_ms=99,
        max_attempts=3,
    )
    found = {
        "job": records.encode(job),
        "logs": records.encode(keys.LogRecord(chunks=2, size_bytes=3)),
        "chunk": records.encode(keys.ChunkRecord(stream=1, write_ms=5, data=b"x")),
        "spec": records.encode(keys.SpecRecord(spec=SPEC)),
        "outputs": records.encode(keys.OutputsRecord(outputs=(model.OutputObject("s3://b/k", 4, "e"),))),
    }

    assert {name: value.hex() for name, value in found.items()} == GOLDEN_RECORDS
    assert keys.decode_job.decode(found["job"]) == job
    assert keys.decode_job.decode(bytes.fromhex(JOB_BEFORE_OFFERS)) == job


JOB_BEFORE_OFFERS = "dc001101a26a31a17106a0090b0c919801a1770a0b0c00a093010203c2a16dc4000000016303"
"""A job as it was written before its message was looked after."""

GOLDEN_KEYS = {
    "directory": "0000000000000000026a6f62730002303030303030303030303030000275732d656173742d3100",
    "job": "000000000000002a026a6f6200026a3100",
    "list": "000000000000002a026c697374000000000000000102",
    "once": "000000000000002a026f6e636500027100026d312f3000",
    "logs": "000000000000002a026c6f677300026a31001501",
    "chunk": "000000000000002a026c6f6700026a310015010000000000000003",
}
GOLDEN_RECORDS = {
    "job": "dc001601a26a31a17106a0090b0c919801a1770a0b0c00a093010203c2a16dc4000000016303a0c400000000",
    "logs": "93010203",
    "chunk": "94010105c40178",
    "spec": "92019ba5636f756e7491a474727565809090cd0e10ce20000000cd03e8cd01000102",
    "outputs": "92019193a873333a2f2f622f6b04a165",
}
