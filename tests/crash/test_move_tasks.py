"""A server that is killed at each failpoint around the slices of a move task: every message is in one place, once."""

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cumulo.testing import Server, ServerFailed
from tests.crash.server_loop import _alive

MESSAGES = 240
RATE = 100
"""Messages a second: slices of 10, a tenth of a second apart, so that the task outlives several kills."""
FAILPOINT_S = 6.0
ENDED_S = 30.0
POINTS = ("engine.before_commit", "engine.after_commit", "due.before_deed", "due.after_deed")


def arn(name: str) -> str:
    return f"arn:aws:sqs:us-east-1:000000000000:{name}"


def fill(sqs: Any, suffix: str) -> str:
    """Put messages into a dead-letter queue and start to move them; return the destination's URL."""
    kind = {"FifoQueue": "true"} if suffix else {}
    dead = sqs.create_queue(QueueName=f"dead{suffix}", Attributes=kind)["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": arn(f"dead{suffix}"), "maxReceiveCount": 1})
    sqs.create_queue(QueueName=f"jobs{suffix}", Attributes=kind | {"RedrivePolicy": redrive})
    url = str(sqs.create_queue(QueueName=f"there{suffix}", Attributes=kind)["QueueUrl"])
    for first in range(0, MESSAGES, 10):
        entries = [
            {"Id": str(n), "MessageBody": str(n)}
            | ({"MessageGroupId": f"g{n % 7}", "MessageDeduplicationId": str(n)} if suffix else {})
            for n in range(first, first + 10)
        ]
        assert "Failed" not in sqs.send_message_batch(QueueUrl=dead, Entries=entries)
    sqs.start_message_move_task(
        SourceArn=arn(f"dead{suffix}"), DestinationArn=arn(f"there{suffix}"), MaxNumberOfMessagesPerSecond=RATE
    )
    return url


def run_into(data: Path, failpoint: str) -> bool:
    """Start a server with an armed failpoint, wait for its death, and say whether that came."""
    server = Server(data, environment={"CUMULO_FAILPOINTS": failpoint})
    with contextlib.suppress(ServerFailed):
        server.start()
        until = time.monotonic() + FAILPOINT_S
        while time.monotonic() < until and _alive(server.pid):
            time.sleep(0.01)
        died = not _alive(server.pid)
        server.kill()
        return died
    return True


def problems(data: Path) -> Any:
    """What `cumulo check` says of the folder."""
    words = [str(Path(sys.executable).with_name("cumulo")), "check", "--data", str(data), "-o", "json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60)
    return json.loads(done.stdout)["problems"] if done.stdout else [done.stderr]


def take_all(sqs: Any, url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "AttributeNames": ["All"]}
    while messages := sqs.receive_message(**asked).get("Messages"):
        found += messages
        entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]
        assert "Failed" not in sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return found


@pytest.mark.long
@pytest.mark.timeout(180)
@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_move_task_loses_and_repeats_nothing_when_the_server_is_killed_at_any_point(tmp_path, suffix):
    data = tmp_path / "data"
    with Server(data) as server:
        fill(server.boto3("sqs"), suffix)
        server.kill()

    died = [run_into(data, f"{point}=crash@{hit}") for point, hit in zip(POINTS, (3, 4, 2, 2), strict=True)]
    found = problems(data)
    with Server(data) as server:
        sqs = server.boto3("sqs")
        until = time.monotonic() + ENDED_S
        while True:
            (task,) = sqs.list_message_move_tasks(SourceArn=arn(f"dead{suffix}"))["Results"]
            if task["Status"] != "RUNNING" or time.monotonic() > until:
                break
            time.sleep(0.05)
        messages = take_all(sqs, f"{server.url}/000000000000/there{suffix}")

    assert (died, found) == ([True] * len(POINTS), [])
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", MESSAGES)
    bodies = [int(one["Body"]) for one in messages]
    assert sorted(bodies) == list(range(MESSAGES))
    if suffix:
        for group in range(7):
            mine = [body for body in bodies if body % 7 == group]
            assert mine == sorted(mine)
    assert problems(data) == []
