"""Streams of messages by the SDK: order, durability, credits, and a server that is killed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from cumulo.client import Client, Message, Queue, errors
from cumulo.testing import Server


def test_stream_stores_messages_in_order_and_says_their_ids(queue: Queue):
    with queue.send_stream() as stream:
        pending = [stream.send(f"{number}") for number in range(250)]

    assert all(it.done and it.error is None for it in pending)
    assert len({it.message_id for it in pending}) == 250
    received = []
    with queue.receive_stream(credits=50) as incoming:
        for message in incoming:
            with message:
                received.append(int(message.text))
            if len(received) == 250:
                break
    assert received == list(range(250))
    info = queue.info()
    assert (info.message_count, info.in_flight_count) == (0, 0)


def test_flush_returns_when_everything_is_durable(queue: Queue):
    with queue.send_stream(window=10) as stream:
        stream.send_all(f"{number}" for number in range(100))
        stream.flush()

        count = queue.info().message_count

    assert count == 100


def test_flush_names_what_was_refused(client: Client, name: str):
    queue = client.queue(name, create=True, maximum_message_size=1024)

    with queue.send_stream() as stream:
        stream.send("a")
        refused = stream.send(b"x" * 2000)
        with pytest.raises(errors.PartialFailure) as caught:
            stream.flush()
        stream.send("b")

    assert [index for index, _ in caught.value.failures] == [1]
    assert isinstance(refused.error, errors.InvalidArgument)
    assert queue.info().message_count == 2


def test_stream_to_a_queue_that_does_not_exist_raises(client: Client, name: str):
    with pytest.raises(errors.NotFound), client.queue(name).send_stream() as stream:
        stream.send("a")


def test_stream_from_a_queue_that_does_not_exist_raises(client: Client, name: str):
    with pytest.raises(errors.NotFound), client.queue(name).receive_stream() as stream:
        list(stream)


def test_messages_that_nobody_was_handed_are_back_after_the_stream(queue: Queue):
    queue.send_batch([str(number) for number in range(20)])

    with queue.receive_stream(credits=20) as stream, next(iter(stream)):
        pass

    info = queue.info()
    assert (info.message_count, info.in_flight_count) == (19, 0)


def test_block_that_raises_gives_back_through_the_stream(queue: Queue):
    queue.send("a")

    with queue.receive_stream(idle_timeout=20) as stream:
        incoming = iter(stream)
        with pytest.raises(KeyError), next(incoming):
            raise KeyError("the handler failed")
        with next(incoming) as again:
            count = again.receive_count

    assert count == 2


def test_iterating_ends_when_nothing_comes_for_a_while(queue: Queue):
    with queue.receive_stream(idle_timeout=0.1) as stream:
        assert list(stream) == []


def test_stale_acknowledgement_is_told_at_flush(client: Client, name: str):
    queue = client.queue(name, create=True)
    queue.send("a")
    (stale,) = queue.receive(0, 1, visibility_timeout=0)

    with queue.receive_stream(idle_timeout=20) as stream, next(iter(stream)):
        stream.acknowledge(stale)
        with pytest.raises(errors.PartialFailure) as caught:
            stream.flush()

    assert caught.value.failures[0][0] == stale.receipt_handle


@pytest.mark.long
def test_streams_go_on_after_the_server_was_killed(tmp_path):
    server = Server(tmp_path / "data", settings={"grpc_port": free_port()})
    with server, server.client() as client:
        queue = client.queue("jobs", create=True)
        with queue.send_stream() as stream:
            stream.send_all(f"{number}" for number in range(500))
            server.kill()
            stream.send_all(f"{number}" for number in range(500, 1000))
            server.start()
        count = queue.info().message_count
        bodies = []
        with queue.receive_stream(idle_timeout=5) as incoming:
            for message in incoming:
                with message:
                    bodies.append(int(message.text))
                if len(bodies) == 500:
                    server.kill()
                    server.start()

    assert count == 1000
    assert set(bodies) == set(range(1000))


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def async_streams(server: Server, name: str) -> list[str]:
    async with server.async_client() as client:
        queue = await client.queue(name, create=True)
        async with queue.send_stream() as outgoing:
            await outgoing.send_all(["a", "b", "c"])
        bodies = []
        async with queue.receive_stream() as incoming:
            async for message in incoming:
                async with message:
                    bodies.append(message.text)
                if len(bodies) == 3:
                    break
        return bodies


def test_asynchronous_streams_do_the_same(server: Server, name: str):
    assert asyncio.run(async_streams(server, name)) == ["a", "b", "c"]


def test_300_parked_polls_do_not_hold_up_a_send(server: Server, name: str):
    asyncio.run(park_and_send(server, name))


async def park_and_send(server: Server, name: str) -> None:
    async with server.async_client() as client:
        empty = await client.queue(f"{name}-empty", create=True)
        busy = await client.queue(f"{name}-busy", create=True)
        polls = [asyncio.create_task(empty.receive_batch(20, 1)) for _ in range(300)]
        while sum(lane.parked for lane in client._connection._parked) < 300:  # noqa: ASYNC110 - the client tells nobody
            await asyncio.sleep(0)

        started = time.monotonic()
        for _ in range(10):
            await busy.send("a")
        taken = time.monotonic() - started
        lanes = client._connection._parked
        for _ in range(3):
            await empty.send_batch(["a"] * 100)
        answers = await asyncio.gather(*polls)

    assert taken < 2
    assert len(lanes) == 4
    assert sum(map(len, answers)) == 300


def test_acknowledgement_for_certain_is_told_again_and_again(queue: Queue):
    queue.send_batch(["a", "b"])

    with queue.receive_stream(exactly_once=True, idle_timeout=20) as stream:
        incoming = iter(stream)
        first, second = next(incoming), next(incoming)
        first.ack()
        first.ack()
        with second:
            pass

    first.ack()
    info = queue.info()
    assert (info.message_count, info.in_flight_count) == (0, 0)


def test_block_in_an_exactly_once_stream_raises_where_the_message_was_lost(queue: Queue):
    queue.send("a")

    def handle_too_slowly(message: Message, incoming: Iterator[Message]) -> None:
        with message:
            next(incoming).ack()

    with queue.receive_stream(exactly_once=True, visibility_timeout=1, hold_max=1) as stream:
        incoming = iter(stream)
        message = next(incoming)
        with pytest.raises(errors.LeaseLost):
            handle_too_slowly(message, incoming)

    assert message.lost


def test_flush_of_an_exactly_once_stream_names_what_was_lost(queue: Queue):
    queue.send("a")
    (stale,) = queue.receive(0, 1, visibility_timeout=0)

    with queue.receive_stream(exactly_once=True) as stream:
        next(iter(stream)).ack()
        stream.acknowledge(stale)
        with pytest.raises(errors.PartialFailure) as caught:
            stream.flush()

    assert isinstance(caught.value.failures[0][1], errors.LeaseLost)


def test_unary_acknowledgement_for_certain(queue: Queue):
    queue.send("a")
    (stale,) = queue.receive(0, 1, visibility_timeout=0)
    (message,) = queue.receive(0, 1)

    message.ack()
    message.ack()
    with pytest.raises(errors.LeaseLost):
        stale.ack()

    assert stale.lost


@pytest.mark.long
def test_exactly_once_over_kills_of_the_server(tmp_path):
    server = Server(tmp_path / "data", settings={"grpc_port": free_port()})
    with server, server.client() as client:
        queue = client.queue("jobs", create=True, visibility_timeout=60)
        queue.send_batch([str(number) for number in range(60)])
        done: list[str] = []
        with queue.receive_stream(exactly_once=True, idle_timeout=10, credits=20) as incoming:
            for message in incoming:
                if len(done) in {10, 30, 50}:
                    server.kill()
                    server.start()
                message.ack()
                done.append(message.text)
                if len(done) == 60:
                    break
        info = queue.info()

    assert sorted(done, key=int) == [str(number) for number in range(60)]
    assert (info.message_count, info.in_flight_count) == (0, 0)


FROZEN_CONSUMER = """
import sys
from cumulo.client import Client, errors
with Client() as client:
    queue = client.queue(sys.argv[1])
    with queue.receive_stream(exactly_once=True, visibility_timeout=1, hold_max=2, credits=1) as stream:
        message = next(iter(stream))
        print("received", flush=True)
        sys.stdin.readline()
        try:
            message.ack()
        except errors.LeaseLost:
            print("lost", flush=True)
"""


@pytest.mark.long
def test_frozen_consumer_loses_its_message_and_is_told_when_it_thaws(server: Server, queue: Queue):
    queue.send("a")
    command = (sys.executable, "-c", FROZEN_CONSUMER, queue.name)
    pipe = subprocess.PIPE
    environment = {**os.environ, **server.environment()}
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as consumer:
        assert consumer.stdin is not None
        assert consumer.stdout is not None
        assert consumer.stdout.readline() == "received\n"
        consumer.send_signal(signal.SIGSTOP)
        try:
            while not (taken := list(queue.receive(20, 1, visibility_timeout=600))):
                pass
            taken[0].ack()
        finally:
            consumer.send_signal(signal.SIGCONT)
        consumer.stdin.write("\n")
        consumer.stdin.flush()
        said = consumer.stdout.readline()
        consumer.kill()

    assert said == "lost\n"
    assert taken[0].receive_count >= 2
