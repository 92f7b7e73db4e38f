"""Requests and replies by the SDK against a real server: who is answered, who is not, and what stays behind."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cumulo.client import Client, Message, Queue, errors
from cumulo.client._replies import (
    CORRELATION_ID,
    REPLY_QUEUE_PREFIX,
    RESPONSE_QUEUE,
    VIRTUAL_QUEUE,
    response_address,
    response_queue,
)
from cumulo.testing import Server

Answer = Callable[[Message], Any]


@pytest.fixture
def serve(server: Server, queue: Queue) -> Iterator[Callable[[Answer], None]]:
    """Have a client of its own answer what comes to the queue, in a thread, until the test ends."""
    stopping = threading.Event()
    threads = []

    def run(answer: Answer) -> None:
        with server.client() as client:
            while not stopping.is_set():
                for message in client.queue(queue.name).receive(1, 10):
                    answer(message)
                    message.delete()

    def start(answer: Answer) -> None:
        threads.append(threading.Thread(target=run, args=(answer,)))
        threads[-1].start()

    yield start
    stopping.set()
    for thread in threads:
        thread.join()


def reply_queues(client: Client) -> list[str]:
    return [it.name for it in client.queues(REPLY_QUEUE_PREFIX)]


def test_request_gets_the_reply_of_whoever_receives_it(queue: Queue, serve: Callable[[Answer], None]):
    serve(lambda message: message.reply({"doubled": message.json() * 2}, attributes={"unit": "m"}))

    reply = queue.request(21, attributes={"colour": "blue"})

    assert reply.json() == {"doubled": 42}
    assert reply.text == '{"doubled":42}'
    assert reply.attributes == {"unit": "m"}


def test_many_requests_at_once_share_a_reply_queue_and_each_gets_its_own(
    client: Client, queue: Queue, serve: Callable[[Answer], None]
):
    held: list[Message] = []
    everybody = 8

    def answer_the_last_first(message: Message) -> None:
        held.append(message)
        if len(held) == everybody:
            for one in reversed(held):
                one.reply(one.text.upper())

    before = set(reply_queues(client))
    serve(answer_the_last_first)

    with ThreadPoolExecutor(everybody) as pool:
        replies = list(pool.map(lambda number: queue.request(f"r{number}").text, range(everybody)))

    assert replies == [f"R{number}" for number in range(everybody)]
    assert len(set(reply_queues(client)) - before) == 1


def test_request_says_where_its_reply_goes_in_attributes_of_known_names(client: Client, queue: Queue):
    with pytest.raises(errors.NoReply) as caught:
        queue.request("?", timeout=0.3)

    (asked,) = queue.peek()
    address = str(asked.attributes[RESPONSE_QUEUE])
    (name,) = (it for it in reply_queues(client) if address.endswith(it))
    assert "0.3 s" in str(caught.value)
    assert (RESPONSE_QUEUE, CORRELATION_ID) == ("ResponseQueueUrl", "CorrelationId")
    assert address.startswith("http://")
    assert len(str(asked.attributes[CORRELATION_ID])) == 36
    assert client.queue(name).info().expire_after_idle_s == 300


def test_late_reply_reaches_nobody_else(queue: Queue):
    with pytest.raises(errors.NoReply):
        queue.request("late", timeout=0.3)
    (late,) = queue.receive_batch(0, 1)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(queue.request, "next")
        (second,) = queue.receive_batch(10, 1)
        assert late.reply("too late")
        assert second.reply("in time")

        assert asking.result().text == "in time"


def test_closed_client_leaves_no_reply_queue_and_replies_to_it_say_so(server: Server, client: Client, queue: Queue):
    before = reply_queues(client)
    with server.client() as asker:
        with pytest.raises(errors.NoReply):
            asker.queue(queue.name).request("?", timeout=0.3)
        during = reply_queues(client)
    (message,) = queue.receive_batch(0, 1)

    assert len(during) == len(before) + 1
    assert reply_queues(client) == before
    assert message.reply("!") is False


def test_reply_queue_that_ended_meanwhile_is_made_again(client: Client, queue: Queue, serve: Callable[[Answer], None]):
    before = set(reply_queues(client))
    serve(lambda message: message.reply(message.text))
    assert queue.request("a").text == "a"
    (name,) = set(reply_queues(client)) - before

    client.queue(name).delete()

    # The client hears of it when it receives next; a quick reply to its first request could come before that.
    with pytest.raises(errors.NoReply):
        client.queue(f"{queue.name}-elsewhere", create=True).request("lost", timeout=1)
    assert queue.request("b").text == "b"


def test_message_that_asks_for_no_reply_gets_none(queue: Queue):
    queue.send("plain")
    (message,) = queue.receive_batch(0, 1)

    assert message.reply_to == ""
    with pytest.raises(ValueError, match="asks for no reply"):
        message.reply("!")


def test_request_that_cannot_be_sent_says_why(client: Client, name: str):
    with pytest.raises(errors.NotFound):
        client.queue(f"{name}-nowhere").request("?")


def test_responder_without_correlation_ids_answers_who_asks_alone(client: Client, queue: Queue):
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(queue.request, "?")
        (message,) = queue.receive_batch(10, 1)
        place, _ = response_queue(message.reply_to, "us-east-1")
        client.queue(place).send("plain")

        assert asking.result().text == "plain"


def test_reply_to_a_virtual_queue_of_awss_client_names_it(client: Client, queue: Queue, name: str):
    host = client.queue(f"{name}-host", create=True)
    queue.send("?", attributes={RESPONSE_QUEUE: f"http://127.0.0.1:4566/000000000000/{host.name}#mine"})
    (message,) = queue.receive_batch(0, 1)

    assert message.reply("!")

    (reply,) = host.peek()
    assert (reply.text, reply.attributes) == ("!", {VIRTUAL_QUEUE: "mine"})


@pytest.mark.parametrize(
    ("address", "queue", "virtual"),
    [
        ("https://sqs.eu-west-3.amazonaws.com/123456789012/q", "accounts/123456789012/regions/eu-west-3/queues/q", ""),
        ("http://127.0.0.1:4566/000000000000/q#v", "accounts/000000000000/regions/us-east-1/queues/q", "v"),
        ("http://h/prefix/000000000000/q.fifo", "accounts/000000000000/regions/us-east-1/queues/q.fifo", ""),
        ("arn:aws:sqs:us-east-1:000000000000:q", "arn:aws:sqs:us-east-1:000000000000:q", ""),
        ("q", "q", ""),
    ],
)
def test_response_addresses_are_understood(address: str, queue: str, virtual: str):
    assert response_queue(address, "us-east-1") == (queue, virtual)


def test_response_address_without_a_queue_is_refused():
    with pytest.raises(ValueError, match="is no queue's URL"):
        response_queue("http://127.0.0.1:4566/q", "us-east-1")


def test_client_that_knows_no_url_names_its_reply_queue_by_arn():
    full, arn = "accounts/1/regions/r/queues/q", "arn:aws:sqs:r:1:q"

    assert response_address("", full, arn) == arn
    assert response_address("http://h:1/", full, arn) == "http://h:1/1/q"


def test_requests_work_on_asyncio(server: Server, queue: Queue):
    async def scenario() -> None:
        async with server.async_client() as client, server.async_client() as other:
            theirs = client.queue(queue.name)

            async def answer() -> None:
                left = 3
                while left:
                    async for message in other.queue(queue.name).receive(10, 10):
                        async with message:
                            await message.reply(message.text.upper())
                        left -= 1

            answering = asyncio.create_task(answer())
            replies = await asyncio.gather(*(theirs.request(text) for text in "abc"))
            await answering
            assert [reply.text for reply in replies] == ["A", "B", "C"]

    asyncio.run(scenario())
