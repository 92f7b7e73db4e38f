"""FIFO queues by the SDK against a real server: order in groups, sending once, and answers that get lost."""

import asyncio
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from cumulo.api.identity.v1.identity_pb2_grpc import IdentityServiceStub
from cumulo.api.queue.v1.queue_pb2_grpc import QueueServiceStub
from cumulo.client import Client, Outgoing, Queue, errors
from cumulo.testing import Server


@pytest.fixture
def fifo(client: Client, name: str) -> Queue:
    return client.queue(f"{name}.fifo", create=True, content_based_deduplication=True)


def callers(context: grpc.ServicerContext) -> tuple[tuple[str, str | bytes], ...]:
    """Return who calls, to be said to the real server."""
    return tuple(it for it in context.invocation_metadata() if it[0] in ("authorization", "cumulo-region"))


@pytest.fixture
def forwarded(server: Server, script: Any) -> Iterator[Client]:
    """A client whose calls go to the real server by way of `script`, which may lose their answers."""
    with grpc.insecure_channel(server.target) as channel:
        queues, identity = QueueServiceStub(channel), IdentityServiceStub(channel)

        def forward(stub: Any) -> Any:
            def call(request: Any, context: grpc.ServicerContext) -> Any:
                return stub(request, metadata=callers(context))

            return call

        script.answers["IssueToken"] = [forward(identity.IssueToken)]
        for method in ("SendMessage", "BatchSendMessages", "ReceiveMessages", "GetQueue"):
            script.answers[method] = [forward(getattr(queues, method))]
        credentials: dict[str, Any] = server.credentials
        with Client(script.target, **credentials) as client:
            yield client


def lose_first_answer(script: Any, method: str, refuse: Any) -> None:
    """Let the server do what is asked of it, and let its first answer come to nobody."""
    (forward,) = script.answers[method]

    def lose(request: Any, context: grpc.ServicerContext) -> Any:
        forward(request, context)
        return refuse(grpc.StatusCode.UNAVAILABLE)(request, context)

    script.answers[method] = [lose, forward]


def test_attributes_are_made_changed_and_reset(client: Client, name: str):
    queue = client.queue(
        f"{name}.fifo", create=True, deduplication_scope="messageGroup", throughput_limit="perMessageGroupId"
    )
    made = queue.info()
    changed = queue.set(content_based_deduplication=True, throughput_limit="perQueue")
    reset = queue.set(reset=("content_based_deduplication", "deduplication_scope"))

    def attributes(it):
        return it.content_based_deduplication, it.deduplication_scope, it.fifo_throughput_limit

    assert attributes(made) == (False, "messageGroup", "perMessageGroupId")
    assert attributes(changed) == (True, "messageGroup", "perQueue")
    assert attributes(reset) == (False, "queue", "perQueue")
    assert attributes(client.queue(name, create=True).info()) == (None, None, None)


def test_message_knows_its_group_its_deduplication_id_and_its_number(fifo: Queue):
    sent = fifo.send("a", group="g", deduplication_id="d")

    (message,) = fifo.receive(0)
    (peeked,) = fifo.peek()

    for it in (message, peeked):
        assert (it.group, it.deduplication_id, it.sequence_number) == ("g", "d", sent.sequence_number)
    assert len(sent.sequence_number) == 20


def test_standard_queue_says_nothing_of_groups(queue: Queue):
    sent = queue.send("a")

    (message,) = queue.receive(0)

    assert (message.group, message.deduplication_id, message.sequence_number) == ("", "", "")
    assert sent.sequence_number == ""


def test_message_of_a_known_deduplication_id_is_answered_and_not_stored(fifo: Queue):
    first = fifo.send("a", group="g", deduplication_id="d")
    second = fifo.send("other", group="g", deduplication_id="d")
    by_content = [fifo.send("b", group="g") for _ in range(2)]

    assert (second.message_id, second.sequence_number) == (first.message_id, first.sequence_number)
    assert by_content[0] == by_content[1]
    assert [it.text for it in fifo.peek()] == ["a", "b"]


def test_group_is_closed_while_one_of_its_messages_is_being_handled(fifo: Queue):
    fifo.send_batch([Outgoing(body=f"{group}{number}", group=group) for number in range(2) for group in "gh"])

    (g0,) = fifo.receive(0)
    with g0:
        (h0,) = fifo.receive(0)
        nothing = list(fifo.receive(0, 10))
    after = list(fifo.receive(0, 10))

    assert (g0.text, h0.text, nothing) == ("g0", "h0", [])
    assert [it.text for it in after] == ["g1"]


def test_loop_that_raises_leaves_the_group_in_order(fifo: Queue):
    fifo.send_batch([Outgoing(body=f"{number}", group="g") for number in range(4)])

    def handle_all():
        for message in fifo.receive(0, 10):
            with message:
                if message.text == "1":
                    raise KeyError("the handler failed")

    with pytest.raises(KeyError):
        handle_all()

    assert [it.text for it in fifo.receive(0, 10)] == ["1", "2", "3"]


def test_batch_of_a_hundred_is_stored_in_order_with_numbers(fifo: Queue):
    sent = fifo.send_batch([Outgoing(body=f"{n}", group=f"g{n % 3}", deduplication_id=f"d{n}") for n in range(100)])

    numbers = [it.sequence_number for it in sent]
    assert numbers == sorted(set(numbers))
    assert [it.sequence_number for it in fifo.peek(100)] == numbers


def test_streams_keep_the_order_of_each_group(fifo: Queue):
    with fifo.send_stream() as stream:
        pending = [stream.send(f"{n}", group=f"g{n % 3}") for n in range(150)]
        stream.send_all(Outgoing(body=f"{n}", group=f"g{n % 3}", deduplication_id=f"d{n}") for n in range(150, 300))
    received: dict[str, list[int]] = {"g0": [], "g1": [], "g2": []}
    with fifo.receive_stream(credits=50) as incoming:
        for message in incoming:
            with message:
                received[message.group].append(int(message.text))
            if sum(map(len, received.values())) == 300:
                break

    numbers = [it.sequence_number for it in pending]
    assert numbers == sorted(set(numbers))
    assert received == {f"g{rest}": list(range(rest, 300, 3)) for rest in range(3)}


def test_what_a_fifo_queue_needs_and_a_standard_one_refuses_is_an_invalid_argument(
    client: Client, queue: Queue, name: str
):
    strict = client.queue(f"{name}.fifo", create=True)

    for call, parameter in (
        (lambda: strict.send("a", deduplication_id="d"), "group_id"),
        (lambda: strict.send("a", group="g g", deduplication_id="d"), "group_id"),
        (lambda: strict.send("a", group="g", deduplication_id="d", delay=1), "delay_s"),
        (lambda: strict.send("a", group="g"), ""),
        (lambda: queue.send("a", deduplication_id="d"), "deduplication_id"),
        (lambda: queue.set(deduplication_scope="queue"), "deduplication_scope"),
        (lambda: strict.set(throughput_limit="perMessageGroupId"), "fifo_throughput_limit"),
    ):
        with pytest.raises(errors.InvalidArgument) as caught:
            call()
        assert caught.value.parameter == parameter, caught.value

    with pytest.raises(errors.PartialFailure) as several:
        strict.send_batch([Outgoing(body=group, group=group, deduplication_id=group) for group in ("g g", "h")])
    ((index, failure),) = several.value.failures
    assert (index, type(failure)) == (0, errors.InvalidArgument)
    assert [it.text for it in strict.peek()] == ["h"]


def test_receive_whose_answer_was_lost_gets_the_same_messages(fifo: Queue, forwarded: Client, script: Any, refuse: Any):
    fifo.send_batch([Outgoing(body=f"{number}", group="g") for number in range(3)])
    lose_first_answer(script, "ReceiveMessages", refuse)

    messages = list(forwarded.queue(fifo.name).receive(0, 2))
    fifo.delete_batch(messages)

    assert [it.text for it in messages] == ["0", "1"]
    first, second = (request for request, _ in script.calls("ReceiveMessages"))
    assert first.attempt_id == second.attempt_id != ""
    assert [it.text for it in fifo.receive(0, 10)] == ["2"]


def test_receives_are_attempts_of_their_own_on_fifo_queues_only(
    queue: Queue, fifo: Queue, forwarded: Client, script: Any
):
    for name in (fifo.name, fifo.name, fifo.info().arn, queue.name):
        list(forwarded.queue(name).receive(0))

    attempts = [request.attempt_id for request, _ in script.calls("ReceiveMessages")]
    assert len(set(attempts)) == 4
    assert attempts[3] == ""


def test_send_whose_answer_was_lost_is_stored_once(fifo: Queue, forwarded: Client, script: Any, refuse: Any):
    lose_first_answer(script, "SendMessage", refuse)
    lose_first_answer(script, "BatchSendMessages", refuse)
    queue = forwarded.queue(fifo.name)

    sent = [queue.send("one", group="g"), *queue.send_batch([Outgoing(body=f"{n}", group="g") for n in range(100)])]

    assert [len(script.calls(it)) for it in ("SendMessage", "BatchSendMessages")] == [2, 2]
    assert [it.message_id for it in fifo.peek(200)] == [it.message_id for it in sent]


def test_stream_whose_answers_were_lost_stores_each_message_once_and_in_order(
    server: Server, fifo: Queue, forwarded: Client, script: Any, refuse: Any
):
    opened = []

    def forward(frames: Any, context: grpc.ServicerContext) -> Any:
        opened.append(context)
        with grpc.insecure_channel(server.target) as channel:
            for answer in QueueServiceStub(channel).StreamSendMessages(frames, metadata=callers(context)):
                if len(opened) == 1:
                    refuse(grpc.StatusCode.UNAVAILABLE)(None, context)
                yield answer

    script.answers["StreamSendMessages"] = [forward]

    with forwarded.queue(fifo.name).send_stream() as stream:
        pending = [stream.send(f"{n}", group=f"g{n % 3}") for n in range(250)]

    assert len(opened) == 2
    peeked = fifo.peek(300)
    assert [it.text for it in peeked] == [f"{n}" for n in range(250)]
    assert [it.sequence_number for it in peeked] == [it.sequence_number for it in pending]


async def async_life(server: Server, name: str) -> list[object]:
    async with server.async_client() as client:
        queue = await client.queue(f"{name}.fifo", create=True, content_based_deduplication=True)
        sent = await queue.send("a", group="g", deduplication_id="d")
        again = await queue.send("a", group="g", deduplication_id="d")
        async with queue.send_stream() as stream:
            pending = await stream.send("b", group="g")
        seen: list[object] = []
        async for message in queue.receive(0, 10):
            async with message:
                seen.append((message.text, message.group))
        return [*seen, sent == again, sent.sequence_number < pending.sequence_number]


def test_asynchronous_flavour_does_the_same(server: Server, name: str):
    assert asyncio.run(async_life(server, name)) == [("a", "g"), ("b", "g"), True, True]
