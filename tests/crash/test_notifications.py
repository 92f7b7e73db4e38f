"""A server that is killed between a change and the delivery of its event: what was acknowledged is told, at least once
to topics, once to queues.
"""

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cumulo.testing import Server, ServerFailed
from tests.crash.server_loop import _alive
from tests.crash.test_move_tasks import problems, take_all

ACCOUNT = "000000000000"
OBJECTS = 12
DELIVERED_S = 130.0
"""An attempt that the crash ended is made again after two minutes (`remote_deliveries.HELD_MS`)."""
FAILPOINTS = (
    "engine.before_commit=crash@3",
    "engine.after_commit=crash@2",
    "engine.after_commit=crash@6",
    "due.before_deed=crash@2",
    "due.after_deed=crash@2",
)


def set_up(server: Server) -> None:
    """A bucket whose events go to a queue, and to a topic that another queue reads."""
    s3, sns, sqs = server.boto3("s3"), server.boto3("sns"), server.boto3("sqs")
    for name in ("queue", "reader"):
        sqs.create_queue(QueueName=name)
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:reader",
        Attributes={"RawMessageDelivery": "true"},
    )
    s3.create_bucket(Bucket="inbox")
    s3.put_bucket_notification_configuration(
        Bucket="inbox",
        NotificationConfiguration={
            "QueueConfigurations": [
                {"QueueArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue", "Events": ["s3:ObjectCreated:Put"]}
            ],
            "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectTagging:Put"]}],
        },
        SkipDestinationValidation=True,
    )


def put_until_killed(server: Server, keys: list[str]) -> tuple[list[str], list[str]]:
    """Put and tag objects while the server lives; return what was acknowledged, and what may have been."""
    s3 = server.boto3("s3", config=Config(retries={"total_max_attempts": 1}))
    acknowledged: list[str] = []
    unclear: list[str] = []
    for key in keys:
        try:
            s3.put_object(Bucket="inbox", Key=key, Body=b"x")
            s3.put_object_tagging(Bucket="inbox", Key=key, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
        except (BotoCoreError, ClientError):
            unclear.append(key)
            break
        acknowledged.append(key)
    until = time.monotonic() + 3
    while time.monotonic() < until and _alive(server.pid):
        time.sleep(0.01)
    return acknowledged, unclear


def told(server: Server, queue: str) -> list[str]:
    """The keys of the events that are in a queue."""
    messages = take_all(server.boto3("sqs"), f"{server.url}/{ACCOUNT}/{queue}")
    events: list[dict[str, Any]] = [json.loads(one["Body"]) for one in messages]
    return [record["s3"]["object"]["key"] for event in events for record in event.get("Records", ())]


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_event_of_what_was_acknowledged_arrives_across_a_crash(tmp_path: Path, failpoint: str) -> None:
    data = tmp_path / "data"
    keys = [f"k{number}" for number in range(OBJECTS)]
    with Server(data) as server:
        set_up(server)
    server = Server(data, settings={"failpoints": failpoint})
    acknowledged: list[str] = []
    unclear: list[str] = []
    died = True
    with contextlib.suppress(ServerFailed), server:
        acknowledged, unclear = put_until_killed(server, keys)
        died = not _alive(server.pid)
    assert died
    with Server(data) as server:
        found: dict[str, list[str]] = {"queue": [], "reader": []}
        until = time.monotonic() + DELIVERED_S
        while time.monotonic() < until:
            for queue, got in found.items():
                got.extend(told(server, queue))
            if all(set(acknowledged) <= set(got) for got in found.values()):
                break
            time.sleep(0.5)
        for queue, got in found.items():
            assert set(acknowledged) <= set(got) <= set(acknowledged) | set(unclear), queue
        assert len(found["queue"]) == len(set(found["queue"])), "once, into a queue"
    assert problems(data) == []
