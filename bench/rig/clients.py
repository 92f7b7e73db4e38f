"""The load: client processes that speak the generated stubs directly, so that the SDK's own cost is not in the way.

Each client connects, makes one call, waits at the gate with all others, works for the plan's time, and reports how much
it did and how long each call took. Everything is bounded by `Plan.seconds` and each call's deadline.
"""

import asyncio
import itertools
import os
import socket
import time
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable
from multiprocessing.connection import Connection
from typing import Any

import grpc
import msgspec

CALL_S = 60.0
FRAME_BYTES = 1024 * 1024
FRAMES_UNDER_WAY = 8
CREDITS = 1_000
POLL_WAIT_S = 1
CHANNEL_OPTIONS = (("grpc.max_receive_message_length", 4 * 1024 * 1024), ("grpc.use_local_subchannel_pool", 1))


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What one client does. `number` tells it from its neighbours."""

    role: str
    target: str
    token: str = ""
    seconds: float
    number: int
    depth: int = 1
    """Calls that are under way at once."""
    batch: int = 1
    frames: int = FRAMES_UNDER_WAY
    """Frames of a sending stream that wait for their answers."""
    credits: int = CREDITS
    """Messages that a receiving stream may have open."""
    is_answered: bool = True
    """Whether a receiving stream asks for the results of its acknowledgements; failures are told in any case."""
    is_timed: bool = False
    """Whether a consumer ends when the time is over, and not when all is done."""
    queue: str = ""
    exchange: str = ""
    """Of RabbitMQ's, to publish to in place of the queue."""
    bucket: str = ""
    size_bytes: int = 1024
    count_max: int = 1_000_000
    """Calls after which to end early: what bounds the data of large objects."""
    is_floor: bool = False
    """Whether the target is an empty servicer, which takes an object's size for its key."""


class Report(msgspec.Struct, frozen=True):
    """What one client did: items, its first and last moment (monotonic clock), and its calls' times."""

    items: int
    started_s: float
    ended_s: float
    call_s: array  # type: ignore[type-arg]


class Failed(msgspec.Struct, frozen=True):
    """What a client says that could not do its work."""

    reason: str


class Shared(msgspec.Struct):
    """What the clients of one phase share: the gate, how many messages will exist, and how many are done."""

    gate: Any
    expected: Any
    done: Any


class Client:
    """One client process's state."""

    def __init__(self, plan: Plan, shared: Shared) -> None:
        self.plan = plan
        self.shared = shared
        self.metadata = (("authorization", f"Bearer {plan.token}"),)
        self.body = os.urandom(plan.size_bytes)
        self.items = 0
        self.calls = array("d")
        self.until = 0.0
        self.last_s = 0.0

    def begin(self) -> float:
        """Wait at the gate with all others; return the moment at which it opened."""
        self.shared.gate.wait(CALL_S)
        started = time.monotonic()
        self.until = started + self.plan.seconds
        return started

    def report(self, started_s: float) -> Report:
        """Return what was done."""
        return Report(self.items, started_s, self.last_s or started_s, self.calls)

    @property
    def in_time(self) -> bool:
        """Whether to go on."""
        return time.monotonic() < self.until and len(self.calls) < self.plan.count_max

    def did(self, items: int, began_s: float) -> None:
        """Count a finished call."""
        self.last_s = time.monotonic()
        self.calls.append(self.last_s - began_s)
        self.items += items

    @property
    def all_done(self) -> bool:
        """Whether every message that was sent in this phase has been deleted, or a timed consumer's time is over."""
        if self.plan.is_timed:
            return not self.in_time
        expected = self.shared.expected.value
        return bool(0 <= expected <= self.shared.done.value)

    def deleted(self, count: int) -> None:
        """Count messages whose life is over."""
        with self.shared.done.get_lock():
            self.shared.done.value += count


def run(plan: Plan, shared: Shared, answer: Connection) -> None:
    """Be a client process."""
    try:
        if plan.role == "raw_put":
            answer.send(_raw_put(Client(plan, shared)))
        else:
            answer.send(asyncio.run(_run(Client(plan, shared))))
    except BaseException as error:  # noqa: BLE001 - the parent shows it
        shared.gate.abort()
        answer.send(Failed(f"{type(error).__name__}: {error}"))


async def _run(client: Client) -> Report:
    work: Callable[[Client, Any, int], Awaitable[None]] = _ROLES[client.plan.role]
    async with grpc.aio.insecure_channel(client.plan.target, options=CHANNEL_OPTIONS) as channel:
        await channel.channel_ready()
        started = await asyncio.to_thread(client.begin)
        await asyncio.gather(*(work(client, channel, lane) for lane in range(client.plan.depth)))
    return client.report(started)


# Queues


def _queue(channel: Any) -> tuple[Any, Any]:
    from cumulo.api.queue.v1 import queue_pb2, queue_pb2_grpc  # noqa: PLC0415 - the child's own imports

    return queue_pb2, queue_pb2_grpc.QueueServiceStub(channel)


async def _send(client: Client, channel: Any, _: int) -> None:
    pb, stub = _queue(channel)
    while client.in_time:
        began = time.monotonic()
        request = pb.SendMessageRequest(queue=client.plan.queue, body=client.body)
        await stub.SendMessage(request, timeout=CALL_S, metadata=client.metadata)
        client.did(1, began)


async def _send_batch(client: Client, channel: Any, _: int) -> None:
    pb, stub = _queue(channel)
    entries = [pb.SendMessageEntry(body=client.body)] * client.plan.batch
    while client.in_time:
        began = time.monotonic()
        request = pb.BatchSendMessagesRequest(queue=client.plan.queue, entries=entries)
        answer = await stub.BatchSendMessages(request, timeout=CALL_S, metadata=client.metadata)
        assert all(result.HasField("sent") for result in answer.results), answer
        client.did(client.plan.batch, began)


async def _send_stream(client: Client, channel: Any, _: int) -> None:
    pb, stub = _queue(channel)
    entries = [pb.SendMessageEntry(body=client.body)] * client.plan.batch
    stream = stub.StreamSendMessages(timeout=CALL_S, metadata=client.metadata)
    began: dict[int, float] = {}
    numbers = itertools.count(1)

    async def write() -> None:
        number = next(numbers)
        began[number] = time.monotonic()
        await stream.write(pb.StreamSendMessagesRequest(queue=client.plan.queue, sequence=number, entries=entries))

    for _ in range(client.plan.frames):
        await write()
    while began:
        answer = await stream.read()
        assert all(result.HasField("sent") for result in answer.results), answer
        client.did(len(answer.results), began.pop(answer.sequence))
        if client.in_time:
            await write()
    await stream.done_writing()
    assert await stream.read() is grpc.aio.EOF


async def _consume(client: Client, channel: Any, _: int) -> None:
    pb, stub = _queue(channel)
    queue, batch = client.plan.queue, client.plan.batch
    receive = pb.ReceiveMessagesRequest(queue=queue, max_messages=batch, wait_s=POLL_WAIT_S)
    while not client.all_done:
        began = time.monotonic()
        messages = (await stub.ReceiveMessages(receive, timeout=CALL_S, metadata=client.metadata)).messages
        if not messages:
            continue
        if batch == 1:
            request = pb.DeleteMessageRequest(queue=queue, receipt_handle=messages[0].receipt_handle)
            await stub.DeleteMessage(request, timeout=CALL_S, metadata=client.metadata)
        else:
            handles = [message.receipt_handle for message in messages]
            deletes = pb.BatchDeleteMessagesRequest(queue=queue, receipt_handles=handles)
            answer = await stub.BatchDeleteMessages(deletes, timeout=CALL_S, metadata=client.metadata)
            assert not any(result.HasField("error") for result in answer.results), answer
        client.did(len(messages), began)
        client.deleted(len(messages))


async def _consume_stream(client: Client, channel: Any, _: int) -> None:
    pb, stub = _queue(channel)
    stream = stub.StreamReceiveMessages(timeout=CALL_S, metadata=client.metadata)
    start = pb.StreamReceiveMessagesStart(queue=client.plan.queue)
    await stream.write(pb.StreamReceiveMessagesRequest(start=start, credits=client.plan.credits))
    under_way: dict[int, tuple[int, float]] = {}
    numbers = itertools.count(1)

    async def end_when_done() -> None:
        while not client.all_done:  # noqa: ASYNC110 - told by other processes
            await asyncio.sleep(0.02)
        await stream.done_writing()

    ending = asyncio.create_task(end_when_done())
    while (answer := await stream.read()) is not grpc.aio.EOF:
        count = len(answer.messages)
        if count:
            number = next(numbers) if client.plan.is_answered else 0
            under_way[number] = (count, time.monotonic())
            acks = [message.receipt_handle for message in answer.messages]
            await stream.write(pb.StreamReceiveMessagesRequest(credits=count, acks=acks, sequence=number))
            if not number:
                client.did(*under_way.pop(0))
                client.deleted(count)
        for result in answer.ack_results:
            assert not result.failures, result
            count, began = under_way.pop(result.sequence)
            client.did(count, began)
            client.deleted(count)
    await ending


# Objects


def _objects(channel: Any) -> tuple[Any, Any]:
    from cumulo.api.objects.v1 import objects_pb2, objects_pb2_grpc  # noqa: PLC0415 - the child's own imports

    return objects_pb2, objects_pb2_grpc.ObjectServiceStub(channel)


def key_of(plan: Plan, number: int) -> str:
    """Return the key of one of a client's objects; a floor reads the size from it."""
    return f"{plan.size_bytes}/{plan.number}/{number}"


async def _put(client: Client, channel: Any, lane: int) -> None:
    pb, stub = _objects(channel)
    plan = client.plan
    pieces = [client.body[at : at + FRAME_BYTES] for at in range(0, plan.size_bytes, FRAME_BYTES)]

    async def frames(key: str) -> AsyncIterator[Any]:
        yield pb.PutObjectRequest(head=pb.PutObjectHead(bucket=plan.bucket, key=key))
        for piece in pieces:
            yield pb.PutObjectRequest(data=piece)
        yield pb.PutObjectRequest(commit=pb.UploadCommit())

    number = lane
    while client.in_time or number < plan.depth:
        began = time.monotonic()
        await stub.PutObject(frames(key_of(plan, number)), timeout=CALL_S, metadata=client.metadata)
        client.did(1, began)
        number += plan.depth


async def _get(client: Client, channel: Any, lane: int) -> None:
    pb, stub = _objects(channel)
    plan = client.plan
    done = lane
    while client.in_time or done < plan.depth:
        began = time.monotonic()
        key = str(plan.size_bytes) if plan.is_floor else key_of(plan, lane)
        request = pb.GetObjectRequest(bucket=plan.bucket, key=key)
        size = 0
        async for frame in stub.GetObject(request, timeout=CALL_S, metadata=client.metadata):
            size += len(frame.data)
        assert size == plan.size_bytes, (size, plan.size_bytes)
        client.did(1, began)
        done += plan.depth


def _raw_put(client: Client) -> Report:
    host, _, port = client.plan.target.rpartition(":")
    head = client.plan.size_bytes.to_bytes(8, "big")
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        started = client.begin()
        while client.in_time or not client.items:
            began = time.monotonic()
            connection.sendall(head)
            connection.sendall(client.body)
            assert connection.recv(1) == b"\1"
            client.did(1, began)
    return client.report(started)


_ROLES: dict[str, Callable[[Client, Any, int], Awaitable[None]]] = {
    "send": _send,
    "send_batch": _send_batch,
    "send_stream": _send_stream,
    "consume": _consume,
    "consume_stream": _consume_stream,
    "put": _put,
    "get": _get,
}
