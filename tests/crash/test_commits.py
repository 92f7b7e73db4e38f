"""A server that is killed around commits over queues and objects: all of each commit is there, or nothing of it."""

import random
from pathlib import Path
from typing import Any

import pytest

from cumulo.client import Enclosed
from cumulo.client.errors import CumuloError
from cumulo.testing import Server
from tests.crash.test_move_tasks import problems

ROUNDS_MAX = 400
"""More than any failpoint below lets happen."""
KILLS = (
    ("engine.before_commit", 9),
    ("engine.after_commit", 10),
    ("engine.before_commit", 24),
    ("engine.after_commit", 31),
    ("blob.after_seal", 3),
)
"""Failpoints and the hit at which they kill; commits are many, blobs few."""
LARGE = b"x" * 100_000
"""Kept as a blob, where smaller bodies lie in the engine."""


def work_until_killed(server: Server, started: int, dice: random.Random) -> int:
    """Put objects with a message each, and hand messages on from `jobs` to `done`; return how many were begun."""
    with server.client(retries=False, timeout=5) as client:
        bucket, jobs = client.bucket("objects"), client.queue("jobs")
        for number in range(started, started + ROUNDS_MAX):
            try:
                key = f"{number:04}"
                body = LARGE if dice.random() < 0.3 else b"x"
                bucket.put(key, body, messages=[Enclosed(queue="jobs", body=key)])
                if dice.random() < 0.5:
                    for message in jobs.receive_batch(0, 1, visibility_timeout=0):
                        with client.transaction() as transaction:
                            transaction.send("done.fifo", message.body, group="g", deduplication_id=message.id)
                            transaction.send("copies", message.body)
                            transaction.delete(message)
            except CumuloError:
                return number + 1
    raise AssertionError("the server was not killed")


def bodies(client: Any, queue: str) -> list[str]:
    return sorted(message.text for message in client.queue(queue).peek(ROUNDS_MAX))


@pytest.mark.long
@pytest.mark.timeout(180)
def test_commits_are_whole_or_not_at_all_when_the_server_is_killed_at_any_point(tmp_path: Path) -> None:
    data = tmp_path / "data"
    dice = random.Random(7)
    with Server(data) as server, server.client() as client:
        client.bucket("objects", create=True)
        for name in ("jobs", "done.fifo", "copies"):
            client.queue(name, create=True)

    begun = 0
    for failpoint, hit in KILLS:
        with Server(data, environment={"CUMULO_FAILPOINTS": f"{failpoint}=crash@{hit}"}) as server:
            begun = work_until_killed(server, begun, dice)
        assert problems(data) == []
    with Server(data) as server, server.client() as client:
        keys = [it.key for it in client.bucket("objects").list()]
        jobs, done, copies = (bodies(client, name) for name in ("jobs", "done.fifo", "copies"))

    assert begun > len(KILLS) * 2
    assert done == copies
    assert done
    assert sorted(jobs + done) == keys
    assert begun - len(KILLS) * 2 <= len(keys) <= begun
