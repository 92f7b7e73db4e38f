"""Workers that die, freeze or lose their server in the middle of a job. Each waits for a lease, hence `long`."""

import contextlib
import os
import signal
import socket
import time
from pathlib import Path

import msgspec
import pytest

from cumulo.client import DeadLetterPolicy
from cumulo.runner import cgroups, handles, processes
from cumulo.runner.executor import Handle
from cumulo.testing import Server

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("sandboxed")]

BY_ATTEMPT = 'case "$CUMULO_JOB_MARK" in *-1-*) {first};; *) {later};; esac'
"""A script that does one thing at the first attempt and another later. A job's id holds no `-1-`."""


def script(first, later):
    return BY_ATTEMPT.format(first=first, later=later)


def handle_of(worker):
    return msgspec.json.decode((worker.attempts()[0] / handles.HANDLE_FILE).read_bytes(), type=Handle)


@pytest.mark.parametrize("kind", ["sandbox", "none"])
def test_a_killed_workers_job_is_finished_by_another_and_nothing_of_it_is_left(stand, queue, until, kind):
    first = stand.worker(queue, "--allow-plain")
    job = stand.shell(
        script("echo begun; (setsid sleep 7771.5 &); sleep 7771.5", "echo again; echo x > out"),
        queue=queue,
        isolation=kind,
        max_attempts=3,
        outputs={"out": "s3://outbox/killed/out"},
    )
    assert next(job.logs(follow=True)) == "begun"
    left = handle_of(first)
    folder = first.attempts()[0]

    first.send(signal.SIGKILL)
    first.wait()
    second = stand.worker(queue, "--allow-plain", "--exit-when-idle", "8", work=first.work)
    job.wait(40)

    assert job.state == "SUCCEEDED"
    assert [it.reason[:10] for it in job.info.attempts] == ["WorkerLost", ""]
    assert stand.log(job, 1)["stdout"] == b"begun\n"
    assert not folder.exists()
    assert not any(Path(group).exists() for group in left.cgroups)
    assert cgroups.members(left.cgroups) == []
    assert processes.marked(left.mark) == []
    assert second.wait(40) == 0, second.log
    assert stand.depth(queue) == 0


@pytest.mark.parametrize(
    "first", ["echo begun; sleep 300", "echo begun; sleep 1; echo stale > out"], ids=["still running", "ended"]
)
def test_a_frozen_worker_is_fenced_when_it_thaws_and_the_second_attempt_stands(stand, queue, until, first):
    frozen = stand.worker(queue)
    target = f"frozen/{queue}/out"
    job = stand.shell(
        script(first, "echo fresh > out"), queue=queue, max_attempts=3, outputs={"out": f"s3://outbox/{target}"}
    )
    assert next(job.logs(follow=True)) == "begun"
    mark = handle_of(frozen).mark

    frozen.send(signal.SIGSTOP)
    other = stand.worker(queue)
    job.wait(40)
    assert (job.state, len(job.info.attempts)) == ("SUCCEEDED", 2)
    stored = stand.admin.bucket("outbox").head(target)
    frozen.send(signal.SIGCONT)
    until(lambda: not frozen.attempts())

    assert "the lease is lost" in frozen.log
    assert "nothing is reported" in frozen.log
    assert processes.marked(mark) == []
    assert stand.admin.bucket("outbox").get(target) == b"fresh\n"
    assert stand.admin.bucket("outbox").head(target).modified == stored.modified
    after = job.refresh().info
    assert (after.state, len(after.attempts), after.attempts[0].exit_code) == ("SUCCEEDED", 2, None)
    assert after.attempts[0].reason.startswith("WorkerLost")
    for worker in (frozen, other):
        worker.send(signal.SIGTERM)
        assert worker.wait() == 0, worker.log
    assert stand.depth(queue) == 0


def test_a_job_that_kills_its_worker_is_tried_as_often_as_it_says_and_then_failed(stand, queue):
    job = stand.shell("kill -9 $PPID; sleep 60", queue=queue, isolation="none", max_attempts=2)
    for _ in range(2):
        victim = stand.worker(queue, "--allow-plain")
        assert victim.wait(30) == -signal.SIGKILL

    survivor = stand.worker(queue, "--allow-plain", "--exit-when-idle", "7")
    job.wait(40)

    assert (job.state, len(job.info.attempts)) == ("FAILED", 2)
    assert job.info.status_reason.startswith("WorkerLost")
    assert survivor.wait(40) == 0
    assert stand.depth(queue) == 0


def test_a_job_of_several_leases_keeps_its_lease_and_its_message(stand, queue):
    job = stand.shell("echo begun; sleep 16; echo ended", queue=queue, max_attempts=3)
    workers = [stand.worker(queue) for _ in range(2)]

    job.wait(40)

    assert (job.state, len(job.info.attempts)) == ("SUCCEEDED", 1)
    for worker in workers:
        worker.send(signal.SIGTERM)
        assert worker.wait() == 0
        assert "another worker has the job" not in worker.log
        assert "did not get through" not in worker.log


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_a_job_runs_on_while_its_server_is_killed_and_away_for_longer_than_the_lease(stand, tmp_path, until):
    server = Server(tmp_path / "data", settings={"grpc_port": free_port()})
    with server, contextlib.closing(type(stand)(server, tmp_path)) as there:
        workers = [there.worker("jobs", key=there.narrow) for _ in range(2)]
        job = there.shell(
            "echo begun; sleep 11; echo ended; echo x > out", max_attempts=3, outputs={"out": "s3://outbox/away/out"}
        )
        assert next(job.logs(follow=True)) == "begun"

        server.kill()
        time.sleep(7)
        server.start()
        with server.client() as admin:
            job = admin.jobs.get(job.id).wait(40)
            log = b"".join(chunk.data for chunk in admin.jobs.log_chunks(job.id) if chunk.stream == "stdout")
            stored = admin.bucket("outbox").get("away/out")
        for worker in workers:
            worker.send(signal.SIGTERM)
        codes = [worker.wait() for worker in workers]

    assert (job.state, len(job.info.attempts)) == ("SUCCEEDED", 1), job.info
    assert (log, stored) == (b"begun\nended\n", b"x\n")
    assert codes == [0, 0]


def test_a_plain_job_is_ended_when_its_lease_may_be_over_and_no_server_answers(stand, tmp_path, until):
    with Server() as server, contextlib.closing(type(stand)(server, tmp_path)) as there:
        worker = there.worker("jobs", "--allow-plain", key=there.narrow)
        job = there.shell(
            script("echo begun; sleep 7772.5", "echo again"), isolation="none", max_attempts=2, name="plain"
        )
        assert next(job.logs(follow=True)) == "begun"
        mark = handle_of(worker).mark

        os.kill(server.pid, signal.SIGSTOP)
        until(lambda: not processes.marked(mark), 30, "the job was not ended")
        os.kill(server.pid, signal.SIGCONT)
        job.wait(40)

        assert (job.state, len(job.info.attempts)) == ("SUCCEEDED", 2)
        assert "no heartbeat got through" in worker.log
        worker.send(signal.SIGTERM)
        assert worker.wait() == 0


def test_a_job_whose_message_the_dead_letter_queue_took_is_offered_again_and_finished(stand, queue, until):
    dead = stand.admin.queue(f"{queue}-dead", create=True)
    stand.admin.queue(queue).set(dead_letter_policy=DeadLetterPolicy(queue=dead.name, max_receive_count=1))
    stand.worker(queue)
    job = stand.shell(script("exit 3", "echo fine"), queue=queue, max_attempts=3)

    until(lambda: stand.depth(dead.name) == 1, 30, "the message was not moved")
    job.wait(120)

    assert (job.state, [it.exit_code for it in job.info.attempts]) == ("SUCCEEDED", [3, 0])
    until(lambda: stand.depth(queue) == 0)
