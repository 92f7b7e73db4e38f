"""A server that is killed between a publish and its deliveries: every subscriber has each message once, or none has."""

import contextlib
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cumulo.testing import Server, ServerFailed
from tests.crash.server_loop import _alive
from tests.crash.test_move_tasks import problems, take_all

SUBSCRIBERS = {"": 160, ".fifo": 5}
"""Of the standard topic more than the commit of a publish reaches."""
MESSAGES = 12
DELIVERED_S = 60.0
FAILPOINTS = (
    "engine.before_commit=crash@3",
    "engine.after_commit=crash@2",
    "engine.after_commit=crash@5",
    "due.before_deed=crash@1",
    "due.after_deed=crash@1",
)


def set_up(server: Server, suffix: str, key: str) -> str:
    """Make a topic and queues that subscribe to it; return the topic's ARN."""
    sns, sqs = server.boto3("sns"), server.boto3("sqs")
    attributes = ({"FifoTopic": "true"} if suffix else {}) | ({"KmsMasterKeyId": key} if key else {})
    topic: str = sns.create_topic(Name=f"news{suffix}", Attributes=attributes)["TopicArn"]
    for number in range(SUBSCRIBERS[suffix]):
        kind = {"FifoQueue": "true"} if suffix else {}
        sqs.create_queue(QueueName=f"q{number}{suffix}", Attributes=kind)
        sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=f"arn:aws:sqs:us-east-1:000000000000:q{number}{suffix}",
            Attributes={"RawMessageDelivery": "true"},
        )
    return topic


def publish_until_killed(server: Server, topic: str, suffix: str, names: list[str]) -> tuple[list[str], list[str]]:
    """Publish while the server lives; return what was acknowledged, and what may have been."""
    sns = server.boto3("sns", config=Config(retries={"total_max_attempts": 1}))
    acknowledged: list[str] = []
    unclear: list[str] = []
    for name in names:
        fifo = {"MessageGroupId": "g", "MessageDeduplicationId": name} if suffix else {}
        try:
            sns.publish(TopicArn=topic, Message=name, **fifo)
        except (BotoCoreError, ClientError):
            unclear.append(name)
            break
        acknowledged.append(name)
    until = time.monotonic() + 3
    while time.monotonic() < until and _alive(server.pid):
        time.sleep(0.01)
    return acknowledged, unclear


def run_into(
    data: Path, failpoint: str, topic: str, suffix: str, names: list[str]
) -> tuple[bool, list[str], list[str]]:
    """Publish to a server with an armed failpoint; say whether that killed it, and what was and may be published."""
    server = Server(data, environment={"CUMULO_FAILPOINTS": failpoint})
    with contextlib.suppress(ServerFailed):
        server.start()
        acknowledged, unclear = publish_until_killed(server, topic, suffix, names)
        died = not _alive(server.pid)
        server.kill()
        return died, acknowledged, unclear
    return True, [], []


def settle(sqs: Any, urls: list[str]) -> None:
    """Wait until every queue counts the same, for a while."""
    until = time.monotonic() + DELIVERED_S
    asked = ["ApproximateNumberOfMessages"]
    steady = 0
    before: set[str] = set()
    while time.monotonic() < until and steady < 5:
        counts = {sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked)["Attributes"][asked[0]] for url in urls}
        steady = steady + 1 if len(counts) == 1 and counts == before else 0
        before = counts
        time.sleep(0.2)


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("suffix", "key"), [("", ""), (".fifo", ""), (".fifo", "alias/aws/sns")])
def test_all_subscribers_or_none_get_each_message_once_when_the_server_is_killed(tmp_path, suffix, key):
    data = tmp_path / "data"
    with Server(data) as server:
        topic = set_up(server, suffix, key)
        server.kill()

    alive, acknowledged, unclear = [], [], []
    for at, failpoint in enumerate(FAILPOINTS):
        names = [f"{at}-{number}" for number in range(MESSAGES)]
        died, sent, perhaps = run_into(data, failpoint, topic, suffix, names)
        alive += [] if died else [failpoint]
        acknowledged += sent
        unclear += perhaps
        assert problems(data) == []
    with Server(data) as server:
        sqs = server.boto3("sqs")
        urls = [f"{server.url}/000000000000/q{number}{suffix}" for number in range(SUBSCRIBERS[suffix])]
        settle(sqs, urls[:10])
        got = [[one["Body"] for one in take_all(sqs, url)] for url in urls]

    assert alive == []
    assert all(sorted(bodies) == sorted(got[0]) for bodies in got)
    assert set(acknowledged) <= set(got[0]) <= {*acknowledged, *unclear}
    assert len(set(got[0])) == len(got[0])
    if suffix:
        order = {name: at for at, name in enumerate(f"{cycle}-{n}" for cycle in range(9) for n in range(MESSAGES))}
        assert all(bodies == sorted(bodies, key=order.__getitem__) for bodies in got)
    assert problems(data) == []
