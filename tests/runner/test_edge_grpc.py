"""The gRPC edge: what a caller on the wire gets for values that are not allowed, and for names in every spelling."""

import asyncio
import uuid
from typing import Any

import grpc
import pytest

from cumulo.api.runner.v1 import runner_pb2 as pb
from cumulo.client import errors

PLACE = "accounts/000000000000/regions/us-east-1"


@pytest.fixture(scope="module", autouse=True)
def edge(stand):
    """The queue of every job here."""
    stand.admin.queue("edge", create=True)


@pytest.fixture(scope="module")
def call(stand):
    """Call a method with a request as it stands, past what the SDK would have made of it."""
    connection = stand.admin._connection

    def made(method, request):
        return connection.call(getattr(connection.lane.runner, method), request)

    return made


@pytest.fixture(scope="module")
def job(stand, edge):
    """A job that waits for ever."""
    return stand.admin.jobs.submit(["true"], queue="edge", name="edge").info


SPEC = pb.JobSpec(name="edge", command=["true"])
LONG = "x" * 100_000
UNSPECIFIED: Any = 0
UNKNOWN: Any = 99
"""Numbers of no enum."""

NAMES = ["", "a/b", LONG, f"{PLACE}/queues/x", "accounts/1/regions/us-east-1/jobs/x", f"arn:aws:batch:{LONG}:1:job/x"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["GetJob", "CancelJob"])
def test_a_name_that_is_none_is_refused(call, method, name):
    with pytest.raises(errors.InvalidArgument, match="ClientException") as caught:
        call(method, getattr(pb, f"{method}Request")(name=name))

    assert caught.value.parameter == "name"
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "name", ["no-such-job", f"{PLACE}/jobs/x", "arn:aws:batch:us-east-1:000000000000:job/x", "\0", "日本"]
)
def test_a_job_that_is_not_there_is_not_found(call, name):
    for method in ("GetJob", "CancelJob"):
        with pytest.raises(errors.NotFound, match="JobNotFound"):
            call(method, getattr(pb, f"{method}Request")(name=name))


def test_a_job_is_found_by_each_spelling_of_its_name(call, job):
    for name in (job.id, job.full_name, job.arn):
        assert call("GetJob", pb.GetJobRequest(name=name)).job.name == job.full_name


@pytest.mark.parametrize(
    "queue", ["no-such-queue", f"{PLACE}/queues/none", "arn:aws:sqs:us-east-1:000000000000:none", "a b"]
)
def test_a_queue_that_is_not_there_is_not_found(call, queue):
    with pytest.raises(errors.NotFound, match="JobQueueNotFound"):
        call("SubmitJob", pb.SubmitJobRequest(queue=queue, spec=SPEC))
    trigger = pb.JobTrigger(queue=queue, spec=SPEC, deduplication_key="k")
    with pytest.raises(errors.NotFound, match="JobQueueNotFound"):
        call("ClaimJob", pb.ClaimJobRequest(worker="w", trigger=trigger))


def test_queue_that_takes_no_jobs_is_refused_with_the_reason(call, stand):
    stand.admin.queue("steps.fifo", create=True)

    with pytest.raises(errors.InvalidArgument, match=r"steps\.fifo is a FIFO queue"):
        call("SubmitJob", pb.SubmitJobRequest(queue="steps.fifo", spec=SPEC))


@pytest.mark.parametrize("queue", ["", LONG, "a/b", f"arn:aws:sqs:us-east-1:{LONG}:q"])
def test_a_queue_name_that_is_none_is_refused(call, queue):
    with pytest.raises(errors.InvalidArgument) as caught:
        call("SubmitJob", pb.SubmitJobRequest(queue=queue, spec=SPEC))
    assert caught.value.parameter == "queue"


def test_what_is_not_said_gets_the_documented_default(call):
    spec = call("SubmitJob", pb.SubmitJobRequest(queue="edge", spec=SPEC)).job.spec

    assert (spec.timeout_s, spec.memory_bytes, spec.cpu_millis) == (3600, 512 << 20, 1000)
    assert (spec.pids_max, spec.max_attempts, spec.isolation) == (256, 3, pb.ISOLATION_SANDBOX)


@pytest.mark.parametrize(
    ("method", "request_", "parameter"),
    [
        ("SubmitJob", pb.SubmitJobRequest(queue="edge"), "spec.name"),
        (
            "SubmitJob",
            pb.SubmitJobRequest(queue="edge", spec=pb.JobSpec(name="a", command=["b"], isolation=UNKNOWN)),
            "spec.isolation",
        ),
        ("ListJobs", pb.ListJobsRequest(parent="accounts/1/regions/us-east-1"), "parent"),
        ("ListJobs", pb.ListJobsRequest(parent=f"accounts/000000000000/regions/{LONG}"), "parent"),
        ("ListJobs", pb.ListJobsRequest(parent="accounts/000000000000"), "parent"),
        ("ListJobs", pb.ListJobsRequest(states=[UNSPECIFIED]), "states"),
        ("ListJobs", pb.ListJobsRequest(states=[UNKNOWN]), "states"),
        ("ListJobs", pb.ListJobsRequest(page_size=-1), "page_size"),
        ("ListJobs", pb.ListJobsRequest(page_size=1001), "page_size"),
        ("ClaimJob", pb.ClaimJobRequest(worker="w"), "target"),
        (
            "ClaimJob",
            pb.ClaimJobRequest(worker="w", trigger=pb.JobTrigger(queue="edge", spec=SPEC)),
            "deduplication_key",
        ),
        (
            "ClaimJob",
            pb.ClaimJobRequest(worker="w", trigger=pb.JobTrigger(queue="edge", spec=SPEC, deduplication_key="k" * 129)),
            "deduplication_key",
        ),
        ("AppendJobLogs", pb.AppendJobLogsRequest(job="x", stream=UNSPECIFIED, data=b"x"), "stream"),
        ("AppendJobLogs", pb.AppendJobLogsRequest(job="x", stream=UNKNOWN, data=b"x"), "stream"),
        (
            "AppendJobLogs",
            pb.AppendJobLogsRequest(job="x", stream=pb.LOG_STREAM_STDOUT, data=b"x", chunk_number=-1),
            "chunk_number",
        ),
    ],
)
def test_a_field_that_is_not_allowed_is_named(call, job, method, request_, parameter):
    with pytest.raises(errors.InvalidArgument) as caught:
        call(method, request_)

    assert (caught.value.code, caught.value.parameter) == ("ClientException", parameter)


def test_a_page_token_that_is_not_the_listings_is_refused(call, job):
    with pytest.raises(errors.InvalidArgument, match="InvalidNextToken"):
        call("ListJobs", pb.ListJobsRequest(page_token="nonsense"))


def test_the_calls_of_a_worker_answer_what_the_catalogue_says(call, stand):
    submitted = stand.admin.jobs.submit(["true"], queue="edge", name="edge").info
    claim = call("ClaimJob", pb.ClaimJobRequest(worker="w", job=submitted.id))
    assert (claim.outcome, claim.attempt) == (pb.CLAIM_OUTCOME_CLAIMED, 1)
    lease: dict[str, Any] = {"job": submitted.id, "lease_token": claim.lease_token}

    again = call("ClaimJob", pb.ClaimJobRequest(worker="v", job=submitted.id))
    assert (again.outcome, again.lease_token) == (pb.CLAIM_OUTCOME_HELD, "")
    assert call("HeartbeatJob", pb.HeartbeatJobRequest(**lease, started=True)).lease_expires_ms > 0
    piece: dict[str, Any] = {"attempt": 1, "stream": 1, "data": b"x"} | lease
    assert call("AppendJobLogs", pb.AppendJobLogsRequest(**piece)).next_chunk_number == 1
    for bad, kind, code in (
        (pb.AppendJobLogsRequest(**piece, chunk_number=5), errors.PreconditionFailed, "LogChunkOutOfOrder"),
        (pb.AppendJobLogsRequest(**(piece | {"attempt": 2}), chunk_number=1), errors.PreconditionFailed, "LeaseLost"),
        (
            pb.AppendJobLogsRequest(**(piece | {"lease_token": "x"}), chunk_number=1),
            errors.PreconditionFailed,
            "LeaseLost",
        ),
    ):
        with pytest.raises(kind, match=code) as caught:
            call("AppendJobLogs", bad)
        assert caught.value.code == code
    done = call("CompleteJob", pb.CompleteJobRequest(**lease, attempt=1, exit_code=0)).job
    assert (done.state, done.attempts[0].exit_code, done.attempts[0].log_chunks) == (pb.JOB_STATE_SUCCEEDED, 0, 1)
    with pytest.raises(errors.PreconditionFailed, match="the job is SUCCEEDED"):
        call("CompleteJob", pb.CompleteJobRequest(**lease, attempt=1, exit_code=0))
    assert call("ClaimJob", pb.ClaimJobRequest(worker="w", job=submitted.id)).outcome == pb.CLAIM_OUTCOME_ALREADY_DONE


def test_a_repeated_submission_makes_one_job_and_another_under_its_id_is_refused(call):
    request = pb.SubmitJobRequest(queue="edge", spec=SPEC, request_id=str(uuid.uuid4()))
    assert call("SubmitJob", request).job.name == call("SubmitJob", request).job.name

    request.spec.name = "other"
    with pytest.raises(errors.InvalidArgument, match="IdempotentParameterMismatch"):
        call("SubmitJob", request)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"name": "no-such-job"}, grpc.StatusCode.NOT_FOUND),
        ({"name": LONG}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"attempt": -1}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"attempt": 4}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"from_chunk": -1}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_a_log_that_cannot_be_read_says_why(stand, job, changes, status):
    connection = stand.admin._connection
    request = pb.StreamJobLogsRequest(**({"name": job.id} | changes))

    with pytest.raises(grpc.RpcError) as caught:
        list(connection.lane.runner.StreamJobLogs(request, timeout=10, metadata=connection.metadata()))

    assert caught.value.code() is status


def test_a_log_without_follow_ends_at_once_and_a_followed_one_ends_with_the_state_after_the_attempt(stand):
    job = stand.admin.jobs.submit(["true"], queue="edge", name="edge")
    connection = stand.admin._connection

    def frames(**more):
        request = pb.StreamJobLogsRequest(name=job.id, **more)
        return connection.lane.runner.StreamJobLogs(request, timeout=10, metadata=connection.metadata())

    assert [(frame.attempt, frame.state) for frame in frames()] == [(0, pb.JOB_STATE_RUNNABLE)]
    followed = frames(follow=True)
    assert next(followed).state == pb.JOB_STATE_RUNNABLE
    claim = stand.admin.jobs.claim(job.id, worker="w")
    stand.admin.jobs.append_logs(job.id, 1, claim.lease_token, 0, "stdout", b"x" * 60_000)
    stand.admin.jobs.complete(job.id, 1, claim.lease_token, exit_code=0)
    seen = list(followed)
    assert sum(len(chunk.data) for frame in seen for chunk in frame.chunks) == 60_000
    assert (seen[-1].attempt, seen[-1].state) == (1, pb.JOB_STATE_SUCCEEDED)


def test_a_follower_that_goes_away_is_forgotten(stand):
    async def scenario():
        async with stand.server.async_client() as client:
            job = await client.jobs.submit(["true"], queue="edge", name="edge")
            for _ in range(20):
                waiting = asyncio.create_task(job.wait())
                await asyncio.sleep(0)
                waiting.cancel()
            claim = await client.jobs.claim(job.id, worker="w")
            follower = asyncio.create_task(job.wait(10))
            await client.jobs.complete(job.id, 1, claim.lease_token, exit_code=0)
            return (await follower).state

    assert asyncio.run(scenario()) == "SUCCEEDED"
