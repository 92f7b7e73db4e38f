"""Celery with kombu's SQS transport: a worker process takes tasks, delayed and repeated ones, and dies in the midst."""

import contextlib
import os
import signal
import subprocess
import time

import pytest

from tests.compat.client_programs import SCRIPTS, need_python, run, whole_environment

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]
DONE_S = 60


@pytest.fixture
def environment(aws, new_name, tmp_path):
    return aws | {"CELERY_RESULTS": str(tmp_path), "CELERY_PREFIX": f"{new_name}-", "PYTHONPATH": str(SCRIPTS)}


@pytest.fixture
def send(environment, tmp_path):
    """Send tasks as a program does: `send("add", "5")`."""

    def call(*words):
        program = "import celery_tasks; celery_tasks.send()"  # not -m: tasks bear their module's name
        run(need_python(), "-c", program, *words, environment=environment, cwd=tmp_path)

    return call


@pytest.fixture
def worker(environment, tmp_path):
    """Run a worker around a block."""

    @contextlib.contextmanager
    def running():
        command = [need_python(program="celery"), "-A", "celery_tasks", "worker", "--pool=solo", "--loglevel=INFO"]
        with (tmp_path / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=tmp_path, env=whole_environment(environment), stdout=log, stderr=subprocess.STDOUT
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    return running


def left(folder, *names):
    """Wait until the tasks have left their files; what stands in them."""
    deadline = time.monotonic() + DONE_S
    while not all((folder / name).exists() for name in names):
        assert time.monotonic() < deadline, (folder / "worker.log").read_text()
        time.sleep(0.1)
    return [(folder / name).read_text() for name in names]


def test_celery_worker_runs_every_task(send, worker, tmp_path):
    send("add", "20")

    with worker():
        sums = left(tmp_path, *(f"sum-{n}" for n in range(20)))

    assert sums == [str(n + 1) for n in range(20)]


def test_celery_task_with_a_countdown_runs_when_it_is_due(send, worker, tmp_path):
    with worker():
        send("delayed", "2")
        ran, sent = left(tmp_path, "ran-at", "sent-at")

    assert 1.5 < float(ran) - float(sent) < 20


def test_celery_task_that_asks_for_it_is_repeated(send, worker, tmp_path):
    send("retried")

    with worker():
        assert left(tmp_path, "retried") == ["2"]


def test_celery_tasks_of_a_fifo_queue_run_in_the_order_of_their_groups_and_once(environment, send, worker, tmp_path):
    environment["CELERY_QUEUE"] = "jobs.fifo"
    send("ordered", "a", "b")

    with worker():
        left(tmp_path, "end-a", "end-b")

    everything = "".join(f"{n} " for n in range(12))
    assert left(tmp_path, "order-a", "order-b") == [everything, everything]


@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_celery_worker_uses_a_predefined_queue_and_makes_none(
    environment, send, worker, tmp_path, sqs, new_name, suffix
):
    attributes = {"FifoQueue": "true"} if suffix else {}
    environment["CELERY_QUEUE_URL"] = sqs.create_queue(QueueName=new_name + suffix, Attributes=attributes)["QueueUrl"]
    send("add", "5")

    with worker():
        sums = left(tmp_path, *(f"sum-{n}" for n in range(5)))

    assert sums == [str(n + 1) for n in range(5)]
    assert sqs.list_queues(QueueNamePrefix=new_name)["QueueUrls"] == [environment["CELERY_QUEUE_URL"]]


def test_celery_task_due_beyond_the_longest_delay_of_sqs_is_kept(environment, send, worker, tmp_path, sqs, new_name):
    """The worker holds it and gives it back when it ends; kombu cuts a delay of its own to SQS's 900 s."""
    url = environment["CELERY_QUEUE_URL"] = sqs.create_queue(QueueName=new_name)["QueueUrl"]
    send("later", "1200")

    with worker():
        send("add", "1")
        left(tmp_path, "sum-0")

    states = ("", "NotVisible", "Delayed")
    names = [f"ApproximateNumberOfMessages{state}" for state in states]
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    visible, in_flight, delayed = (int(counts[name]) for name in names)
    assert (visible + in_flight, delayed) == (1, 1)
    assert not (tmp_path / "ran-at").exists()


def test_celery_task_of_a_killed_worker_is_done_by_another(send, worker, tmp_path):
    send("outlive")
    with worker() as first:
        (pid,) = left(tmp_path, "outlived-begun")
        assert int(pid) == first.pid
        os.kill(first.pid, signal.SIGKILL)
        first.wait()

    with worker():
        assert left(tmp_path, "outlived") == ["done by another worker"]
