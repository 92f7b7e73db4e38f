"""`client.jobs` against a real server, with the test as the worker."""

import threading

import pytest

from cumulo.client import Client, JobSpec, Queue, errors, model


def submitted(client: Client, queue: Queue, **options):
    return client.jobs.submit(["sh", "-c", "true"], queue=queue.name, **options)


def claimed(client: Client, job_id: str) -> model.Claim:
    claim = client.jobs.claim(job_id, worker="test/1", lease_s=60)
    assert claim.outcome == "claimed"
    return claim


def test_job_is_stored_with_what_was_asked_for(client: Client, queue: Queue):
    job = submitted(
        client,
        queue,
        name="count",
        environment={"A": "b"},
        inputs={"in.txt": "s3://inbox/a.txt"},
        outputs={"out/*": "s3://outbox/a/"},
        timeout_s=60,
        memory_bytes=64 << 20,
    )

    info = client.jobs.get(job.id).info

    assert info == job.info
    assert (info.queue, info.state, info.spec.name) == (queue.name, "RUNNABLE", "count")
    assert info.spec.environment == {"A": "b"}
    assert info.spec.inputs == (model.JobInput(source="s3://inbox/a.txt", path="in.txt"),)
    assert info.spec.outputs == (model.JobOutput(path="out/*", destination="s3://outbox/a/"),)
    assert (info.spec.timeout_s, info.spec.memory_bytes, info.spec.max_attempts) == (60, 64 << 20, 3)
    assert queue.info().message_count == 1


def test_job_lives_through_a_worker(client: Client, queue: Queue):
    job = submitted(client, queue)
    claim = claimed(client, job.id)

    beat = client.jobs.heartbeat(job.id, claim.lease_token, started=True)
    number = client.jobs.append_logs(job.id, claim.attempt, claim.lease_token, 0, "stdout", b"one\ntw")
    client.jobs.append_logs(job.id, claim.attempt, claim.lease_token, number, "stderr", b"warning\n")
    client.jobs.append_logs(job.id, claim.attempt, claim.lease_token, number + 1, "stdout", "o\nthreé".encode())
    stored = model.JobOutputObject(object="s3://outbox/a", size=3, etag="e")
    usage = model.JobUsage(cpu_ms=1, wall_ms=2, memory_peak_bytes=3)
    done = client.jobs.complete(job.id, claim.attempt, claim.lease_token, exit_code=0, outputs=[stored], usage=usage)

    assert not beat.cancel_requested
    assert done.state == "SUCCEEDED"
    assert job.wait(10).finished
    assert job.info.outputs == (stored,)
    (attempt,) = job.info.attempts
    assert (attempt.exit_code, attempt.worker, attempt.usage) == (0, "test/1", usage)
    assert list(job.logs()) == ["one", "warning", "two", "threé"]
    assert [it.stream for it in client.jobs.log_chunks(job.id, from_chunk=1)] == ["stderr", "stdout"]
    assert client.jobs.claim(job.id, worker="test/2").outcome == "already done"


def test_job_that_is_held_is_not_claimed(client: Client, queue: Queue):
    job = submitted(client, queue)
    claimed(client, job.id)

    claim = client.jobs.claim(job.id, worker="test/2")

    assert claim.outcome == "held"
    assert claim.lease_expires is not None


def test_log_is_followed_over_attempts_until_the_job_has_ended(client: Client, queue: Queue):
    job = submitted(client, queue, max_attempts=2)
    lines: list[str] = []
    begun = threading.Event()

    def follow() -> None:
        for line in job.logs(follow=True):
            lines.append(line)
            begun.set()

    follower = threading.Thread(target=follow)
    follower.start()
    for number, exit_code in ((1, 1), (2, 0)):
        claim = claimed(client, job.id)
        assert claim.attempt == number
        client.jobs.append_logs(job.id, number, claim.lease_token, 0, "stdout", f"attempt {number}\n".encode())
        assert begun.wait(10)
        client.jobs.complete(job.id, number, claim.lease_token, exit_code=exit_code)
    follower.join(10)

    assert not follower.is_alive()
    assert lines == ["attempt 1", "attempt 2"]
    assert job.refresh().state == "SUCCEEDED"


def test_waiting_ends_at_its_deadline(client: Client, queue: Queue):
    job = submitted(client, queue)

    with pytest.raises(errors.DeadlineExceeded):
        job.wait(0.3)


def test_cancelled_job_ends(client: Client, queue: Queue):
    job = submitted(client, queue)

    job.cancel("not wanted")

    assert job.wait(10).state == "FAILED"
    assert "not wanted" in job.info.status_reason
    assert list(job.logs(follow=True)) == []


def test_trigger_makes_one_job_of_one_message(client: Client, queue: Queue, name: str):
    spec = JobSpec(name="count", command=("true",))

    def claim(worker: str) -> model.Claim:
        return client.jobs.claim(
            worker=worker, trigger_queue=queue.name, trigger_spec=spec, deduplication_key=f"{name}-message"
        )

    first, second = claim("test/1"), claim("test/2")

    assert (first.outcome, second.outcome) == ("claimed", "held")
    assert first.job.id == second.job.id
    assert first.job.deduplication_key == f"{name}-message"


def test_jobs_are_listed_by_queue_and_state(client: Client, queue: Queue):
    jobs = [submitted(client, queue) for _ in range(3)]
    jobs[0].cancel()

    listed = [it.id for it in client.jobs.list(queue=queue.name, page_size=2)]
    runnable = [it.id for it in client.jobs.list(queue=queue.name, states=["RUNNABLE"])]

    assert set(listed) == {it.id for it in jobs}
    assert set(runnable) == {it.id for it in jobs[1:]}


def test_late_worker_is_told_that_its_lease_is_lost(client: Client, queue: Queue):
    job = submitted(client, queue)
    claim = claimed(client, job.id)
    client.jobs.complete(job.id, claim.attempt, claim.lease_token, exit_code=0)

    with pytest.raises(errors.PreconditionFailed, match="LeaseLost"):
        client.jobs.heartbeat(job.id, claim.lease_token)


def test_job_that_does_not_exist_is_not_found(client: Client):
    with pytest.raises(errors.NotFound, match="JobNotFound"):
        client.jobs.get("00000000-0000-4000-8000-000000000000")
