"""Transactions over queues by the SDK against a real server: all or nothing, and answers that get lost."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.client import Bucket, Client, Enclosed, Message, Queue, errors
from cumulo.client.etags import PART_BYTES
from cumulo.testing import Server


@pytest.fixture
def done(client: Client, name: str) -> Queue:
    return client.queue(f"{name}-done.fifo", create=True)


def take(queue: Queue, **more: Any) -> Message:
    (message,) = queue.receive_batch(0, 1, **more)
    return message


def test_message_is_taken_and_what_is_made_of_it_is_sent_in_one_commit(client: Client, queue: Queue, done: Queue):
    queue.send("in")
    message = take(queue)

    with client.transaction() as transaction:
        sent = transaction.send(done, "out", group="g", deduplication_id="d", attributes={"n": 1})
        other = transaction.send(queue.name, b"again", delay=60)
        transaction.delete(message)
        assert not sent.done
        assert done.info().message_count == 0

    info = queue.info()
    assert (info.message_count, info.in_flight_count, info.delayed_count) == (0, 0, 1)
    arrived = take(done)
    assert (arrived.text, arrived.attributes, arrived.id) == ("out", {"n": 1}, sent.message_id)
    assert arrived.sequence_number == sent.sequence_number
    assert other.message_id not in ("", sent.message_id)


def test_block_that_raises_sends_nothing_and_gives_the_messages_back(client: Client, queue: Queue, done: Queue):
    queue.send("in")
    message = take(queue)

    transaction = client.transaction()
    transaction.send(done, "out", group="g", deduplication_id="d")
    transaction.delete(message)
    with pytest.raises(ZeroDivisionError), transaction:
        raise ZeroDivisionError

    assert done.info().message_count == 0
    assert take(queue).receive_count == 2


def test_message_block_around_or_inside_leaves_the_message_to_the_transaction(client: Client, queue: Queue):
    queue.send_batch(["a", "b"])
    first, second = queue.receive_batch(0, 2)

    with first, client.transaction() as transaction:
        transaction.delete(first)
    with client.transaction() as transaction, second:
        transaction.delete(second)

    info = queue.info()
    assert (info.message_count, info.in_flight_count) == (0, 0)


def test_message_that_somebody_else_received_refuses_the_commit(client: Client, queue: Queue, done: Queue):
    queue.send("in")
    message = take(queue, visibility_timeout=0)
    take(queue)

    transaction = client.transaction()
    sent = transaction.send(done, "out", group="g", deduplication_id="d")
    transaction.delete(message)
    with pytest.raises(errors.PreconditionFailed) as caught:
        transaction.commit()

    assert (caught.value.code, caught.value.details["item"]) == ("ReceiptHandleIsInvalid", "deletes[0]")
    assert sent.error is caught.value
    assert done.info().message_count == 0


def test_message_stays_invisible_while_the_transaction_is_open(client: Client, queue: Queue):
    queue.send("in")
    message = take(queue, visibility_timeout=2)

    with client.transaction() as transaction:
        transaction.delete(message)
        assert not list(queue.receive(3, 1))

    assert queue.info().in_flight_count == 0


def test_empty_transaction_asks_nothing_of_the_server(scripted: Client, script: Any):
    with scripted.transaction():
        pass

    assert script.seen == []


def test_commit_is_repeated_under_one_request_id(scripted: Client, script: Any, refuse: Any):
    answer = pb.CommitMessagesResponse(sent=[pb.SentMessage(message_id="m")])
    script.answers["CommitMessages"] = [refuse(grpc.StatusCode.UNAVAILABLE), answer]

    with scripted.transaction() as transaction:
        sent = transaction.send("jobs", "a")

    first, second = (request for request, _ in script.calls("CommitMessages"))
    assert first.request_id
    assert first == second
    assert sent.message_id == "m"


def test_transaction_works_on_asyncio(server: Server, queue: Queue):
    async def scenario() -> None:
        async with server.async_client() as client:
            theirs = client.queue(queue.name)
            await theirs.send("in")
            (message,) = await theirs.receive_batch(0, 1)
            async with client.transaction() as transaction:
                transaction.send(theirs, "out", delay=60)
                transaction.delete(message)
            info = await theirs.info()
            assert (info.in_flight_count, info.delayed_count) == (0, 1)

    asyncio.run(scenario())


@pytest.mark.parametrize("size", [1, PART_BYTES + 1])
def test_object_is_put_with_messages_in_one_commit(
    client: Client, bucket: Bucket, queue: Queue, done: Queue, size: int
):
    stored = bucket.put(
        "k",
        b"x" * size,
        messages=[
            Enclosed(queue=queue.name, body={"key": "k"}, delay=60, attributes={"n": 1}),
            Enclosed(queue=done.name, body="k", group="g", deduplication_id="d"),
        ],
    )

    delayed, (step,) = queue.peek()[0], done.peek()
    assert [it.message_id for it in stored.messages] == [delayed.message_id, step.message_id]
    assert (delayed.text, delayed.attributes) == ('{"key":"k"}', {"n": 1})
    assert stored.messages[1].sequence_number == step.sequence_number
    assert bucket.head("k").messages == ()


@pytest.mark.parametrize("size", [1, PART_BYTES + 1])
def test_object_is_refused_with_its_message(client: Client, bucket: Bucket, queue: Queue, name: str, size: int):
    messages = [Enclosed(queue=queue.name, body="a"), Enclosed(queue=f"{name}-nowhere", body="b")]

    with pytest.raises(errors.NotFound) as caught:
        bucket.put("k", b"x" * size, messages=messages)

    assert caught.value.code == "QueueDoesNotExist"
    assert not list(bucket.list())
    assert queue.info().message_count == 0


def test_file_and_written_object_carry_messages(bucket: Bucket, queue: Queue, tmp_path: Path):
    (tmp_path / "file").write_bytes(b"x")

    bucket.upload_file(tmp_path / "file", messages=[Enclosed(queue=queue.name, body="file")])
    with bucket.open("written", "wb", messages=[Enclosed(queue=queue.name, body="written")]) as writer:
        writer.write(b"x")
        assert len(queue.peek()) == 1

    assert [it.text for it in queue.peek()] == ["file", "written"]
