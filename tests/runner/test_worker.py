"""The worker as a process: what becomes of jobs, their messages, logs and outputs."""

import signal
import time
from pathlib import Path

import pytest

from cumulo.client import DeadLetterPolicy, errors
from cumulo.runner.model import LOG_BYTES_MAX

PATIENCE_S = 60
"""How long a job may take on a machine that does much else."""


def test_a_submitted_job_runs_isolated_and_its_outputs_are_stored_and_its_message_deleted(stand, worker, until):
    source = stand.put("one two three")

    job = stand.shell(
        "mkdir out; wc -w < in.txt > out/words; cp in.txt out/again; pwd",
        inputs={"in.txt": source},
        outputs={"out/*": "s3://outbox/first/"},
    ).wait(PATIENCE_S)

    assert (job.state, job.info.attempts[0].exit_code) == ("SUCCEEDED", 0), job.info
    assert [(it.object, it.size) for it in job.info.outputs] == [
        ("s3://outbox/first/again", 13),
        ("s3://outbox/first/words", 2),
    ]
    assert stand.admin.bucket("outbox").get("first/words") == b"3\n"
    assert stand.log(job) == {"stdout": b"/job\n", "worker": b"stored 2 objects\n"}
    assert job.info.attempts[0].started is not None
    assert job.info.attempts[0].usage.wall_ms > 0
    until(lambda: stand.depth("jobs") == 0)
    assert worker.attempts() == []


def test_a_line_is_read_while_its_job_runs_and_cancelling_ends_the_job_with_all_its_processes(
    stand, queue, sandboxed, until
):
    stand.worker(queue)
    job = stand.shell("echo first; (sleep 1234.5 &); sleep 1234.5", queue=queue)

    line = next(job.logs(follow=True))
    assert (line, job.refresh().state) == ("first", "RUNNING")
    job.cancel("seen enough")

    job.wait(PATIENCE_S)
    assert (job.state, job.info.status_reason) == ("FAILED", "cancelled: seen enough")
    assert (job.info.attempts[0].exit_code, job.info.attempts[0].reason) == (143, "Cancelled")
    assert not list(_running("1234.5"))
    until(lambda: stand.depth(queue) == 0)


def test_a_job_that_is_cancelled_while_it_waits_never_runs_and_its_message_goes(stand, queue, until):
    job = stand.shell("echo ran", queue=queue)
    job.cancel()
    assert (job.state, job.info.attempts) == ("FAILED", ())

    other = stand.worker(queue, "--exit-when-idle", "1")

    assert other.wait() == 0
    assert stand.depth(queue) == 0
    assert job.refresh().info.attempts == ()


def test_an_input_that_is_not_there_fails_each_attempt_with_the_reason(stand, worker, until):
    job = stand.shell("echo ran", inputs={"x": "s3://inbox/nowhere"}, max_attempts=2).wait(PATIENCE_S)

    assert job.state == "FAILED"
    assert len(job.info.attempts) == 2
    # Who may not list a bucket is not told that a key is missing: S3's rule.
    assert all(it.reason.startswith("StagingError: s3://inbox/nowhere: AccessDenied") for it in job.info.attempts)
    assert job.info.attempts[0].exit_code is None
    assert stand.log(job, 1)["worker"].startswith(b"StagingError: s3://inbox/nowhere")
    until(lambda: stand.depth("jobs") == 0)


def test_what_the_workers_user_may_not_do_fails_the_attempt_with_the_explanation(stand, worker):
    job = stand.shell("echo x > y", outputs={"y": "s3://inbox/y"}).wait(PATIENCE_S)

    assert job.info.attempts[0].reason.startswith("StagingError: s3://inbox/y: AccessDenied")
    assert "s3:PutObject" in job.info.status_reason


def test_a_job_over_its_time_is_asked_to_end_and_fails_with_the_reason(stand, worker):
    job = stand.shell("trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done", timeout_s=1).wait(PATIENCE_S)

    assert (job.state, job.info.status_reason) == ("FAILED", "Timeout: the command ran longer than 1 s")
    assert stand.log(job)["stdout"] == b"bye\n"


@pytest.mark.long
def test_a_job_over_its_time_that_ignores_term_is_killed_with_everything_it_started(stand, worker):
    script = "trap '' TERM; (setsid sleep 4321.1 &); (setsid sh -c 'sleep 4321.1 & sleep 4321.1' &); sleep 4321.1"
    job = stand.shell(script, timeout_s=1).wait(PATIENCE_S)

    assert (job.info.attempts[0].exit_code, job.info.status_reason[:7]) == (137, "Timeout")
    assert not list(_running("4321.1"))


def test_a_job_over_its_memory_fails_as_out_of_memory(stand, worker, grouped):
    job = stand.shell("head -c 200000000 /dev/zero | tail > swollen", memory_bytes=64 << 20).wait(PATIENCE_S)

    assert job.info.status_reason == f"OutOfMemory: the limit is {64 << 20} bytes", job.info


@pytest.mark.parametrize(
    ("command", "code", "reason"),
    [
        ("/no/such/program", 127, "CommandNotFound: /no/such/program is not among the programs that the job sees"),
        ("no-such-program", 127, "CommandNotFound: no-such-program is not among the programs that the job sees"),
        ("/usr", 126, "CommandNotExecutable: /usr is a folder, or a file that the job may not run"),
    ],
)
def test_a_command_that_does_not_exist_fails_its_job_at_once_and_says_so(stand, worker, command, code, reason):
    job = stand.admin.jobs.submit([command], name="test", max_attempts=3).wait(PATIENCE_S)

    assert (job.state, job.info.status_reason) == ("FAILED", reason), job.info
    assert [attempt.exit_code for attempt in job.info.attempts] == [code]
    assert command.encode() in b"".join(stand.log(job).values())


def test_a_script_whose_program_is_missing_is_a_failure_like_any_other(stand, worker):
    job = stand.shell("no-such-program", max_attempts=2).wait(PATIENCE_S)

    assert len(job.info.attempts) == 2
    assert job.info.status_reason == "the command exited with 127, as a shell does after a program that was not found"


def test_a_job_without_isolation_is_refused_by_a_worker_that_does_not_allow_it(stand, worker):
    job = stand.shell("echo ran", isolation="none").wait(PATIENCE_S)

    assert job.info.status_reason.startswith("IsolationUnavailable: none was asked for")
    assert "stdout" not in stand.log(job)


def test_a_pattern_that_matches_nothing_fails_the_attempt_before_anything_is_stored(stand, worker):
    outputs = {"there": "s3://outbox/half/", "missing/*.csv": "s3://outbox/half/"}
    job = stand.shell("echo x > there", outputs=outputs).wait(PATIENCE_S)

    assert job.info.status_reason == "MissingOutput: no file matches missing/*.csv"
    assert list(stand.admin.bucket("outbox").list(prefix="half/")) == []


def test_the_last_bytes_of_both_streams_are_stored_each_in_its_order(stand, worker):
    script = "i=0; while [ $i -lt 20000 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done; printf end; printf END >&2"
    job = stand.shell(script).wait(PATIENCE_S)

    log = stand.log(job)
    assert log["stdout"] == b"".join(b"o%d\n" % number for number in range(20000)) + b"end"
    assert log["stderr"] == b"".join(b"e%d\n" % number for number in range(20000)) + b"END"


def test_lines_of_different_streams_keep_their_order_while_the_sending_keeps_up(stand, worker):
    job = stand.shell("for i in 1 2 3; do echo o$i; sleep 0.1; echo e$i >&2; sleep 0.1; done").wait(PATIENCE_S)

    said = [chunk.data.decode().strip() for chunk in stand.admin.jobs.log_chunks(job.id)]
    assert said == ["o1", "e1", "o2", "e2", "o3", "e3"], said


def test_a_chatty_job_fills_its_log_to_the_limit_and_the_workers_memory_stays_bounded(stand, worker):
    stand.shell("true").wait(PATIENCE_S)  # the worker has started, and imported what a job needs
    before = _peak_bytes(worker.pid)

    job = stand.shell("yes 0123456789abcde | head -c 24000000; exit 3").wait(PATIENCE_S)

    log = stand.log(job)
    assert LOG_BYTES_MAX - 16_000 < sum(len(data) for data in log.values()) <= LOG_BYTES_MAX
    assert b"has reached its limit" in log["worker"]
    assert _peak_bytes(worker.pid) - before < 3 * LOG_BYTES_MAX
    assert job.info.status_reason == "the command exited with 3"


@pytest.mark.parametrize("key", ["events/a b+c=ü & 100%.txt", "events/deep/er/日本.tar.gz"])
def test_an_uploaded_object_becomes_a_job_by_the_template_whatever_its_name(stand, worker, until, key):
    source = stand.put(f"body of {key}", key)

    info = until(
        lambda: next(
            (it for it in stand.admin.jobs.list() if it.spec.inputs[:1] and it.spec.inputs[0].source == source), None
        )
    )
    job = stand.admin.jobs.get(info.id).wait(PATIENCE_S)

    assert (job.state, len(job.info.attempts)) == ("SUCCEEDED", 1), job.info
    assert stand.admin.bucket("outbox").get(f"copies/{key}/copy").decode() == f"body of {key}"
    name, stem = key.rpartition("/")[2], key.rpartition(".")[0]
    assert stand.log(job)["stdout"].decode() == f"{name}|{stem}"
    until(lambda: stand.depth("jobs") == 0)


def test_a_removal_and_a_test_event_make_no_job_and_their_messages_go(stand, worker, until):
    jobs = len(list(stand.admin.jobs.list(queue="jobs")))
    stand.admin.queue("jobs").send({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "inbox"})
    stand.admin.bucket("inbox").delete("events/never there")
    until(lambda: stand.depth("jobs") == 0)

    assert len(list(stand.admin.jobs.list(queue="jobs"))) == jobs


def test_messages_that_are_nobodys_job_go_back_with_growing_pauses_and_end_in_the_dead_letter_queue(
    stand, queue, until
):
    dead = stand.admin.queue(f"{queue}-dead", create=True)
    stand.admin.queue(queue).set(dead_letter_policy=DeadLetterPolicy(queue=dead.name, max_receive_count=2))
    for body in ("not JSON", '{"Records": [{"eventSource": "aws:s3"}]}', "\udce4".encode("utf-8", "surrogatepass")):
        stand.admin.queue(queue).send(body)
    started = time.monotonic()

    other = stand.worker(queue)
    until(lambda: stand.depth(dead.name) == 3)

    assert time.monotonic() - started > 2
    assert stand.depth(queue) == 0
    other.send(signal.SIGTERM)
    assert other.wait() == 0, other.log


def test_sigterm_lets_the_running_job_finish_and_then_the_worker_exits_with_0(stand, queue, sandboxed):
    job = stand.shell("echo begun; sleep 1; echo done > out", queue=queue, outputs={"out": "s3://outbox/term/out"})
    other = stand.worker(queue)
    assert next(job.logs(follow=True)) == "begun"

    other.send(signal.SIGTERM)

    assert other.wait() == 0, other.log
    assert job.refresh().state == "SUCCEEDED"
    assert stand.depth(queue) == 0
    assert other.attempts() == []


def test_a_second_signal_ends_the_worker_at_once_and_its_sandbox_with_it(stand, queue, sandboxed, until):
    job = stand.shell("echo begun; sleep 5678.9", queue=queue)
    other = stand.worker(queue)
    assert next(job.logs(follow=True)) == "begun"

    other.send(signal.SIGTERM)
    until(lambda: _ends_at_the_next(other, signal.SIGTERM))

    assert other.wait() == 130
    until(lambda: not list(_running("5678.9")))


def test_a_queue_that_does_not_exist_ends_the_worker_with_one_clear_line(stand):
    other = stand.worker("nowhere", key=stand.narrow)

    assert other.wait() == 1
    assert "cumulo: AccessDenied" in other.log
    assert "Traceback" not in other.log


def test_a_work_folder_that_others_may_write_to_is_refused(stand, queue, tmp_path):
    tmp_path.chmod(0o777)
    other = stand.worker(queue, work=tmp_path)

    assert other.wait() == 1
    assert "nobody else may write to" in other.log


def test_a_job_whose_queue_was_forbidden_meanwhile_cannot_be_claimed_by_the_worker(stand, queue):
    job = stand.shell("echo ran", queue=queue)
    with (
        stand.server.client(
            access_key_id=stand.narrow.access_key_id, secret_access_key=stand.narrow.secret_access_key
        ) as narrow,
        pytest.raises(errors.PermissionDenied, match="batch:ClaimJob"),
    ):
        narrow.jobs.claim(job.id, worker="w")


def _ends_at_the_next(worker, number):
    """Two signals at once are one: send until it has ended."""
    worker.send(number)
    return worker.process.poll() is not None


def _running(argument):
    """The processes that have `argument` on their command line."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if argument.encode() in words:
                yield int(entry.name)


def _peak_bytes(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(pid)
