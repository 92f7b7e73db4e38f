"""Topics by the SDK, on a real server."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime

import pytest

from cumulo.client import Client, Notice, Subscription, errors
from cumulo.testing import Server


def taken(subscription: Subscription, idle_timeout: float) -> list[str]:
    """Receive and delete what comes, and say what it was."""
    found = []
    for message in subscription.messages(idle_timeout=idle_timeout):
        found.append(message.text)
        message.delete()
    return found


def test_message_reaches_a_subscription_and_is_acknowledged_by_a_clean_block(client: Client, name: str):
    topic = client.topic(name, create=True)
    subscription = topic.subscribe("s", ack_deadline=30)

    published = topic.publish({"n": 1}, subject="Hi", attributes={"kind": "order", "size": 3})

    for message in subscription.messages(idle_timeout=0.3):
        with message:
            assert (message.id, message.json()) == (published.message_id, {"n": 1})
            assert message.attributes == {"kind": "order", "size": 3, "AWS.SNS.Subject": "Hi"}
    info = subscription.info()
    assert (info.message_count, info.in_flight_count, info.ack_deadline_s) == (0, 0, 30)


def test_message_whose_block_raises_comes_again(client: Client, name: str):
    topic = client.topic(name, create=True)
    subscription = topic.subscribe("s")
    topic.publish("hard")

    seen = 0
    for message in subscription.messages(idle_timeout=0.3):
        seen += 1
        with contextlib.suppress(ZeroDivisionError), message:
            assert 1 / (seen - 1)

    assert seen == 2


def test_filter_makes_the_subscription_and_changes_it(client: Client, name: str):
    topic = client.topic(name, create=True)
    subscription = topic.subscription("s")
    assert list(subscription.messages(filter={"kind": ["a"]}, idle_timeout=0.05)) == []
    topic.publish_many([Notice(body=kind, attributes={"kind": kind}) for kind in "abab"])

    first = taken(subscription, idle_timeout=0.3)
    assert list(subscription.messages(filter={"kind": ["b"]}, idle_timeout=0.05)) == []
    topic.publish_many([Notice(body=kind, attributes={"kind": kind}) for kind in "ab"])
    second = taken(subscription, idle_timeout=0.3)

    assert (first, second) == (["a", "a"], ["b"])


def test_many_messages_go_by_a_stream(client: Client, name: str):
    topic = client.topic(name, create=True)
    subscription = topic.subscribe("s")

    with topic.publish_stream() as stream:
        stream.publish_all(f"{number}" for number in range(250))
        pending = stream.publish("last", attributes={"a": "b"})

    assert pending.message_id
    with subscription.stream(idle_timeout=0.5) as received:
        bodies = []
        for message in received:
            message.delete()
            bodies.append(message.text)
    assert bodies == [*(f"{number}" for number in range(250)), "last"]


def test_ordering_keys_keep_their_order(client: Client, name: str):
    topic = client.topic(f"{name}.fifo").create(attributes={"ContentBasedDeduplication": "true"})
    assert topic.name == f"{name}.fifo"
    news = client.topic(f"{name}.fifo")
    subscription = news.subscribe("s")

    news.publish_many([Notice(body=f"{key}{number}", group=key) for number in range(5) for key in "ab"])

    bodies = []
    for message in subscription.messages(idle_timeout=0.5):
        with message:
            bodies.append(message.text)
    for key in "ab":
        assert [body for body in bodies if body[0] == key] == [f"{key}{number}" for number in range(5)]


def test_subscription_is_sought_back_to_a_time_and_a_snapshot(client: Client, name: str):
    topic = client.topic(name)
    topic.create(keep=600)
    subscription = topic.subscribe("s")
    topic.publish("old")
    time.sleep(0.01)
    since = datetime.now(UTC)
    subscription.snapshot("all")
    topic.publish("new")
    assert taken(subscription, idle_timeout=0.3) == ["old", "new"]

    subscription.seek(time=since)
    assert taken(subscription, idle_timeout=0.3) == ["new"]
    subscription.seek(snapshot="all")
    assert taken(subscription, idle_timeout=0.3) == ["old", "new"]
    subscription.seek(end=True)

    (snapshot,) = topic.snapshots()
    assert (snapshot.name, snapshot.message_count) == ("all", 2)
    topic.delete_snapshot("all")
    with pytest.raises(errors.NotFound):
        subscription.seek(snapshot="all")
    with pytest.raises(ValueError, match="one of"):
        subscription.seek()


def test_tail_ends_its_subscription(client: Client, name: str):
    topic = client.topic(name, create=True)

    assert list(topic.tail(idle_timeout=0.05)) == []

    assert list(topic.subscriptions()) == []


def test_topics_and_subscriptions_are_listed_changed_and_deleted(client: Client, name: str):
    topic = client.topic(name, create=True, keep=60, tags={"team": "press"})
    subscription = topic.subscribe("s", filter={"a": ["b"]})

    assert name in [it.name for it in client.topics(page_size=50)]
    assert [(it.name, it.protocol, it.filter_policy) for it in topic.subscriptions()] == [
        ("s", "native", '{"a": ["b"]}')
    ]
    assert topic.set(keep=0, attributes={"DisplayName": "News"}).attributes == {"DisplayName": "News"}
    assert subscription.set(filter="", ack_deadline=7).ack_deadline_s == 7
    assert topic.info().subscription_count == 1
    assert (subscription.pull(5), subscription.peek()) == ((), [])
    subscription.delete()
    topic.delete()
    with pytest.raises(errors.NotFound):
        topic.info()


async def _on_asyncio(server: Server, name: str) -> list[str]:
    async with server.async_client() as client:
        topic = await client.topic(name, create=True)
        subscription = await topic.subscribe("s")
        await topic.publish("hello")
        bodies = []
        async for message in subscription.messages(idle_timeout=0.3):
            async with message:
                bodies.append(message.text)
        return bodies


def test_asyncio_does_the_same(server: Server, name: str):
    assert asyncio.run(_on_asyncio(server, name)) == ["hello"]


def test_receiving_is_allowed_on_the_subscription_alone(server: Server, client: Client, name: str):
    topic = client.topic(name, create=True)
    arn = topic.info().arn
    for subscription in ("theirs", "others"):
        topic.subscribe(subscription)
    topic.publish("hello")
    user = client.iam.create_user(name)
    statement = {"Effect": "Allow", "Action": ["sns:ReceiveMessage", "sns:DeleteMessage"], "Resource": f"{arn}:theirs"}
    client.iam.put_user_policy(user.name, "reader", {"Version": "2012-10-17", "Statement": [statement]})
    key = client.iam.create_access_key(user.name)

    with server.client(access_key_id=key.access_key_id, secret_access_key=key.secret_access_key) as theirs:
        mine = theirs.topic(name).subscription("theirs")
        (message,) = mine.pull(wait=2, ack_deadline=30)
        with message:
            assert message.text == "hello"
        with pytest.raises(errors.PermissionDenied):
            theirs.topic(name).subscription("others").pull(ack_deadline=30)
        with pytest.raises(errors.PermissionDenied):
            mine.seek(end=True)
        with pytest.raises(errors.PermissionDenied):
            theirs.topic(name).publish("no")
