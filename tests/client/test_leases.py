"""The visibility timeout is extended for as long as somebody works on a message, and no longer."""

import json

import pytest

from cumulo.client import Client, Queue, errors
from cumulo.testing import Server

# The running time of these blocks is a long poll on the same queue: it ends early if the message came back.


def nobody_else_gets_one_within(queue: Queue, seconds: int) -> bool:
    return not list(queue.receive(seconds, 10, visibility_timeout=60))


def test_message_stays_invisible_while_its_block_runs(client: Client, name: str):
    queue = client.queue(name, create=True, visibility_timeout=2)
    queue.send("a")

    for message in queue.receive(0, 1):
        with message:
            assert nobody_else_gets_one_within(queue, 3)

    info = queue.info()
    assert (info.message_count, info.in_flight_count) == (0, 0)


def test_messages_that_wait_for_the_loop_stay_invisible(queue: Queue):
    queue.send_batch(["a", "b"])

    handled: list[str] = []
    for message in queue.receive(0, 2, visibility_timeout=2):
        with message:
            if not handled:
                assert nobody_else_gets_one_within(queue, 3)
            handled.append(message.text)

    assert handled == ["a", "b"]
    assert queue.info().in_flight_count == 0


def test_block_that_begins_late_is_extended_at_once(queue: Queue):
    queue.send_batch(["a", "b"])

    first, second = queue.receive(0, 2, visibility_timeout=2)
    with first:
        list(queue.receive(1, 1))
        with second:
            assert nobody_else_gets_one_within(queue, 3)

    assert queue.info().in_flight_count == 0


def test_message_without_a_block_comes_back_when_its_timeout_ends(queue: Queue):
    queue.send("a")

    (message,) = queue.receive(0, 1, visibility_timeout=1)
    (again,) = queue.receive(5, 1)

    assert again.id == message.id
    with pytest.raises(errors.InvalidArgument, match="ReceiptHandleIsInvalid"):
        message.delete()


def test_waiting_messages_of_a_stream_stay_invisible(queue: Queue):
    queue.send_batch(["a", "b", "c"])

    handled: list[str] = []
    with queue.receive_stream(visibility_timeout=2) as stream:
        for message in stream:
            with message:
                if not handled:
                    assert nobody_else_gets_one_within(queue, 3)
                handled.append(message.text)
            if len(handled) == 3:
                break

    assert sorted(handled) == ["a", "b", "c"]
    info = queue.info()
    assert (info.message_count, info.in_flight_count) == (0, 0)


def test_caller_who_may_not_read_the_queue_keeps_its_messages_all_the_same(server: Server, client: Client, name: str):
    client.queue(name, create=True, visibility_timeout=2).send("a")
    client.iam.create_user(name)
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    client.iam.put_user_policy(name, "worker", json.dumps(document))
    key = client.iam.create_access_key(name)

    with server.client(access_key_id=key.access_key_id, secret_access_key=key.secret_access_key) as worker:
        queue = worker.queue(name)
        for message in queue.receive(0, 1):
            with message:
                assert nobody_else_gets_one_within(queue, 3)

    info = client.queue(name).info()
    assert (info.message_count, info.in_flight_count) == (0, 0)


def test_message_of_a_stream_stays_invisible_without_a_block(queue: Queue):
    queue.send("a")

    with queue.receive_stream(visibility_timeout=1) as stream:
        message = next(iter(stream))
        assert nobody_else_gets_one_within(queue, 3)
        message.delete()

    info = queue.info()
    assert (info.message_count, info.in_flight_count) == (0, 0)


def test_stream_lets_go_of_a_message_at_its_maximum(queue: Queue):
    queue.send("a")

    with queue.receive_stream(visibility_timeout=1, hold_max=2) as stream:
        incoming = iter(stream)
        message = next(incoming)
        again = next(incoming)
        with pytest.raises(errors.LeaseLost):
            message.ack()
        again.ack()

    assert message.lost
    assert again.receive_count == 2


def test_own_extension_of_a_held_message_is_kept_while_its_block_runs(queue: Queue):
    queue.send("a")

    with queue.receive_stream(visibility_timeout=30) as stream, next(iter(stream)) as message:
        message.extend(2)
        assert nobody_else_gets_one_within(queue, 3)

    assert queue.info().in_flight_count == 0


def test_stream_that_holds_nothing_leaves_it_to_the_client(queue: Queue):
    queue.send("a")

    with queue.receive_stream(visibility_timeout=2, hold_max=0) as stream, next(iter(stream)):
        assert nobody_else_gets_one_within(queue, 3)

    assert queue.info().in_flight_count == 0
