"""A real server, and real workers on it, for the tests that need the whole path."""

import ast
import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cumulo.client import Client, model
from cumulo.runner.isolation import Isolation, find_isolation
from cumulo.testing import Server

LEASE_S = 5
"""The shortest lease there is, for what waits for its end."""
CALM_LEASE_S = 60
"""For a worker whose jobs nobody waits to be lost: a loaded machine can be late by more than the shortest lease."""
DEMO = Path(__file__).parents[2] / "examples" / "demo" / "run.py"
_CUMULO = "import sys; from cumulo.server.main import main; sys.argv[0] = 'cumulo'; main()"


def demo_worker_policy() -> dict[str, Any]:
    """The permissions that the demo gives its workers: queue `jobs`, read `inbox`, write `outbox`."""
    for node in ast.parse(DEMO.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "WORKER_POLICY":
            policy: dict[str, Any] = ast.literal_eval(node.value)
            return policy
    raise AssertionError("the demo has no WORKER_POLICY")


class WorkerProcess:
    """A `cumulo worker`."""

    def __init__(self, folder: Path, environment: dict[str, str], queue: str, *arguments: str, lease_s: int) -> None:
        self.work = folder
        self.queue = queue
        self.log_path = folder.with_name(f"{folder.name}-{uuid.uuid4().hex[:6]}.log")
        command = [sys.executable, "-P", "-c", _CUMULO, "worker", "--queue", queue, "--work", str(folder)]
        command += ["--lease", str(lease_s), "--log-format", "json", *arguments]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd="/"
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, timeout: float = 30) -> int:
        return self.process.wait(timeout)

    def attempts(self) -> list[Path]:
        """The folders of attempts that are in the work folder."""
        return sorted(path for path in self.work.iterdir() if (path / "handle.json").exists())

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()


class Stand:
    """A server with buckets and queues, its root client, and users for workers."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.workers: list[WorkerProcess] = []
        self.admin: Client = server.client()
        self.admin.queue("jobs", create=True)
        for bucket in ("inbox", "outbox"):
            self.admin.bucket(bucket, create=True)
        self.narrow = self._user("worker", demo_worker_policy())
        self.wide = self._user("worker-of-all", _policy_for_all_queues())

    def _user(self, name: str, policy: dict[str, Any]) -> model.NewAccessKey:
        self.admin.iam.create_user(name)
        self.admin.iam.put_user_policy(name, "work", policy)
        return self.admin.iam.create_access_key(name)

    def environment(self, key: model.NewAccessKey | None = None) -> dict[str, str]:
        key = key or self.wide
        own = {name: value for name, value in os.environ.items() if not name.startswith(("CUMULO_", "AWS_"))}
        return own | {
            "CUMULO_TARGET": self.server.target,
            "CUMULO_ACCESS_KEY_ID": key.access_key_id,
            "CUMULO_SECRET_ACCESS_KEY": key.secret_access_key,
        }

    def worker(
        self,
        queue: str,
        *arguments: str,
        work: Path | None = None,
        key: model.NewAccessKey | None = None,
        lease_s: int = LEASE_S,
    ) -> WorkerProcess:
        folder = work or self.folder / f"work-{uuid.uuid4().hex[:8]}"
        made = WorkerProcess(folder, self.environment(key), queue, *arguments, lease_s=lease_s)
        self.workers.append(made)
        return made

    def close(self) -> None:
        """End what a test left running."""
        for worker in self.workers:
            worker.end()
        self.admin.close()

    def put(self, data: bytes | str, name: str = "") -> str:
        """Store an input; return its URI."""
        key = name or f"given/{uuid.uuid4().hex[:8]}"
        self.admin.bucket("inbox").put(key, data)
        return f"s3://inbox/{key}"

    def shell(self, script: str, **options: Any) -> Any:
        """Submit a job that runs a shell script; once, unless said otherwise."""
        given: dict[str, Any] = {"max_attempts": 1, "name": "test"}
        return self.admin.jobs.submit(["sh", "-c", script], **(given | options))

    def depth(self, queue: str) -> int:
        """Messages of a queue, whatever their state."""
        info = self.admin.queue(queue).info()
        return (info.message_count or 0) + (info.in_flight_count or 0) + (info.delayed_count or 0)

    def log(self, job: Any, attempt: int = 0) -> dict[str, bytes]:
        """The stored log by stream."""
        found: dict[str, bytes] = {}
        for number, chunk in enumerate(self.admin.jobs.log_chunks(job.id, attempt=attempt)):
            assert chunk.number == number
            found[chunk.stream] = found.get(chunk.stream, b"") + chunk.data
        return found


def _policy_for_all_queues() -> dict[str, Any]:
    policy = demo_worker_policy()
    policy["Statement"][0]["Resource"] = "*"
    return policy


def wait_until(condition: Any, timeout: float = 20, what: str = "") -> Any:
    """Return what `condition` returns once that is true; processes outside give no signal to wait for."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < end, what or "it did not happen in time"
        time.sleep(0.02)
    return value


@pytest.fixture(name="until", scope="session")
def until_fixture() -> Any:
    return wait_until


@pytest.fixture(scope="session")
def isolation(tmp_path_factory: pytest.TempPathFactory) -> Isolation:
    """What this machine can do; where it has no sandbox, or no groups, the tests of them are skipped."""
    return find_isolation(tmp_path_factory.mktemp("probe"), allow_plain=True)


@pytest.fixture(scope="session")
def sandboxed(isolation: Isolation) -> None:
    if isolation.sandboxed is None:
        pytest.skip(isolation.description)


@pytest.fixture(scope="session")
def grouped(isolation: Isolation) -> None:
    if "limits by control groups" not in isolation.description:
        pytest.skip(isolation.description)


@pytest.fixture(scope="session")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Server() as server:
        made = Stand(server, tmp_path_factory.mktemp("runner"))
        try:
            yield made
        finally:
            made.close()


TEMPLATE = """
name = "copy"
command = ["sh", "-c", "mkdir out && cat in/data > out/copy && printf '%s' \\"$1\\"", "sh", "{file}|{stem}"]
max_attempts = 2

[[inputs]]
source = "s3://{bucket}/{key}"
path = "in/data"

[[outputs]]
path = "out/*"
destination = "s3://outbox/copies/{key}/"
"""


@pytest.fixture(scope="session")
def worker(stand: Stand, sandboxed: None) -> Iterator[WorkerProcess]:
    """One worker on queue `jobs` for all tests that share it, with the demo's permissions and no more."""
    template = stand.folder / "template.toml"
    template.write_text(TEMPLATE)
    rule = model.NotificationRule(
        queue="jobs", events=("s3:ObjectCreated:*", "s3:ObjectRemoved:*"), prefix="events/", id="e"
    )
    stand.admin.bucket("inbox").set_notifications([rule])
    made = stand.worker("jobs", "--slots", "4", "--template", str(template), key=stand.narrow, lease_s=CALM_LEASE_S)
    try:
        yield made
    finally:
        made.send(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            assert made.wait() == 0, made.log
        made.end()


@pytest.fixture
def queue(stand: Stand) -> Iterator[str]:
    """A queue of the test's own; its workers end with it."""
    name = f"q-{uuid.uuid4().hex[:8]}"
    stand.admin.queue(name, create=True, visibility_timeout=LEASE_S)
    yield name
    for worker in [it for it in stand.workers if it.queue == name]:
        worker.end()
        stand.workers.remove(worker)
