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


def test_celery_task_of_a_killed_worker_is_done_by_another(send, worker, tmp_path):
    send("outlive")
    with worker() as first:
        (pid,) = left(tmp_path, "outlived-begun")
        assert int(pid) == first.pid
        os.kill(first.pid, signal.SIGKILL)
        first.wait()

    with worker():
        assert left(tmp_path, "outlived") == ["done by another worker"]
