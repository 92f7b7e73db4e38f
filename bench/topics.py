"""What does a native subscription carry over gRPC, and how soon?

- Stream: one process publishes frames of 100 messages of 100 bytes and of 1 KiB by a stream, another receives them from
  one native subscription by a stream, and acknowledges. Counted is what was received, and acknowledged, a second, from
  the first publish to the last acknowledgement, while both go on at once; and what it costs the server. All durable.
- A backlog: the subscription holds messages already, and nobody publishes.
- Delivery: a subscriber waits on an open stream, then one message is published. The time is from the beginning of the
  publish to the message in the subscriber's hands; publisher and subscriber are threads of one process.
- Seek: the subscription is sought back to the beginning; how many messages a second are brought back.

Run: python bench/topics.py [--seconds 4] [--turns 3] [--deliveries 200] [--json] [--folder DIR]
"""

import argparse
import asyncio
import itertools
import json
import queue
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from rig.clients import CHANNEL_OPTIONS
from rig.machine import cpu_s, describe, refuse_memory_disk
from rig.phases import answer_of, child
from rig.table import Row, show

from cumulo.api.topics.v1 import topics_pb2 as pb
from cumulo.api.topics.v1.topics_pb2_grpc import TopicServiceStub
from cumulo.testing import Server

STREAM_TARGET, DELIVERY_MS_TARGET = 25_000.0, 3.0
BATCH = 100
FRAMES_UNDER_WAY = 8
CREDITS = 2_000
TOKEN_LIFE_S = 3600
CALL_S = 300
KEEP_S = 3600
PARKED_S = 0.02
"""How long a subscriber is left alone to get parked."""


class Place(NamedTuple):
    """Where a process works, and as whom."""

    target: str
    token: str
    topic: str
    body_bytes: int

    @property
    def subscription(self) -> str:
        """The short form of the subscription's name."""
        return f"topics/{self.topic}/subscriptions/s"

    def options(self) -> dict[str, Any]:
        """Return what goes with every call."""
        return {"metadata": (("authorization", f"Bearer {self.token}"),), "timeout": CALL_S}


def publish(answer: Connection, place: Place, seconds: float, count: int) -> None:
    """Publish for so long, or so many messages where that is more than none; tell how many, and when it began."""
    answer.send(asyncio.run(_publish(place, seconds, count)))


async def _publish(place: Place, seconds: float, count: int) -> tuple[int, float]:
    entries = [pb.PublishEntry(body=b"x" * place.body_bytes)] * BATCH
    async with grpc.aio.insecure_channel(place.target, CHANNEL_OPTIONS) as channel:
        stream: Any = TopicServiceStub(channel).StreamPublish(**place.options())
        numbers = itertools.count(1)
        under_way = published = 0
        began = time.monotonic()

        async def write() -> None:
            frame = pb.StreamPublishRequest(topic=place.topic, sequence=next(numbers), entries=entries)
            await stream.write(frame)

        for _ in range(FRAMES_UNDER_WAY):
            await write()
            under_way += 1
        while under_way:
            frame = await stream.read()
            assert all(result.HasField("published") for result in frame.results), frame
            published += len(frame.results)
            under_way -= 1
            if time.monotonic() - began < seconds or published + under_way * BATCH < count:
                await write()
                under_way += 1
        await stream.done_writing()
    return published, began


def subscribe(answer: Connection, place: Place, count: int) -> None:
    """Receive and acknowledge so many messages; tell when the first came, and the last acknowledgement was durable.

    A count of 0 is one that is not known yet: it goes on until nothing came for a second.
    """
    answer.send(asyncio.run(_subscribe(place, count)))


async def _subscribe(place: Place, count: int) -> tuple[int, float, float]:
    async with grpc.aio.insecure_channel(place.target, CHANNEL_OPTIONS) as channel:
        stream: Any = TopicServiceStub(channel).StreamSubscribe(**place.options())
        start = pb.StreamSubscribeStart(subscription=place.subscription)
        await stream.write(pb.StreamSubscribeRequest(start=start, credits=CREDITS))
        received = acknowledged = 0
        numbers = itertools.count(1)
        under_way: dict[int, int] = {}
        first = last = 0.0
        while not count or acknowledged < count:
            try:
                frame = await asyncio.wait_for(stream.read(), 1 if first and not count else CALL_S)
            except TimeoutError:
                break
            if frame.messages:
                first = first or time.monotonic()
                number = next(numbers)
                under_way[number] = len(frame.messages)
                received += len(frame.messages)
                acks = [it.receipt_handle for it in frame.messages]
                await stream.write(pb.StreamSubscribeRequest(credits=len(acks), acks=acks, sequence=number))
            for result in frame.ack_results:
                assert not result.failures, result
                acknowledged += under_way.pop(result.sequence)
                last = time.monotonic()
        stream.cancel()
    return acknowledged, first, last


class Bench:
    """One run: the server, and the rows so far."""

    def __init__(self, server: Server, options: argparse.Namespace) -> None:
        self.server = server
        self.options = options
        self.rows: list[Row] = []
        with server.client() as client:
            self.token = client.iam.issue_token(TOKEN_LIFE_S).token

    def place(self, topic: str, body_bytes: int, keep: int | None = None) -> Place:
        """Make a topic with one native subscription."""
        with self.server.client() as client:
            client.topic(topic).create(keep=keep)
            client.topic(topic).subscribe("s")
        return Place(self.server.target, self.token, topic, body_bytes)

    def streams(self, body_bytes: int) -> None:
        """Publish and receive at once; then receive what was published before."""
        together, costs, backlogs = [], [], []
        for turn in range(self.options.turns):
            print(f"{body_bytes} bytes: turn {turn + 1} of {self.options.turns}", file=sys.stderr)
            place = self.place(f"stream-{body_bytes}-{turn}", body_bytes)
            cpu = cpu_s(self.server.pid)
            with (
                child(subscribe, place, 0) as (_, receiving),
                child(publish, place, self.options.seconds, 0) as (
                    _,
                    sending,
                ),
            ):
                published, began = answer_of(sending, CALL_S)
                received, _, ended = answer_of(receiving, CALL_S)
            assert received == published, (received, published)
            together.append(received / (ended - began))
            costs.append((cpu_s(self.server.pid) - cpu) / received * 1e6)
            with child(publish, place, 0, published) as (_, sending):
                published, _ = answer_of(sending, CALL_S)
            with child(subscribe, place, published) as (_, receiving):
                received, first, ended = answer_of(receiving, CALL_S)
            backlogs.append(received / (ended - first))
        size = f"messages of {body_bytes} bytes"
        self._row(f"published, received, acknowledged at once, {size}", together, "msg/s", STREAM_TARGET)
        self._row(f"received, acknowledged out of a backlog, {size}", backlogs, "msg/s", STREAM_TARGET)
        self._row(f"server CPU of a message, {size}", costs, "us")

    def _row(self, what: str, taken: list[float], unit: str, target: float | None = None) -> None:
        self.rows.append(Row(what=what, figure=statistics.median(taken), unit=unit, target=target))

    def deliveries(self) -> None:
        """Time single messages on their way to a subscriber who waits."""
        place = self.place("delivery", 1024)
        taken: list[float] = []
        with (
            grpc.insecure_channel(place.target, CHANNEL_OPTIONS) as sending,
            grpc.insecure_channel(place.target, CHANNEL_OPTIONS) as receiving,
        ):
            out: queue.SimpleQueue[Any] = queue.SimpleQueue()
            start = pb.StreamSubscribeStart(subscription=place.subscription)
            out.put(pb.StreamSubscribeRequest(start=start, credits=CREDITS))
            stream = TopicServiceStub(receiving).StreamSubscribe(_frames(out), **place.options())
            message = pb.PublishRequest(topic=place.topic, entries=[pb.PublishEntry(body=b"x" * 1024)])
            publisher = TopicServiceStub(sending)
            for _ in range(self.options.deliveries + 1):
                time.sleep(PARKED_S)
                began = time.monotonic()
                publishing = publisher.Publish.future(message, **place.options())
                (got,) = next(stream).messages
                taken.append((time.monotonic() - began) * 1000)
                publishing.result()
                out.put(pb.StreamSubscribeRequest(acks=[got.receipt_handle]))
            out.put(None)
            stream.cancel()
        del taken[0]  # the first opens connections
        p99 = statistics.quantiles(taken, n=100, method="inclusive")[98]
        self.rows.append(
            Row(
                what="publish to receive on an open stream, p50",
                figure=statistics.median(taken),
                unit="ms",
                p99_ms=p99,
                target=DELIVERY_MS_TARGET,
                at_most=True,
            )
        )

    def seek(self) -> None:
        """Bring back what a topic keeps."""
        place = self.place("seek", 1024, KEEP_S)
        with child(publish, place, self.options.seconds, 0) as (_, sending):
            published, _ = answer_of(sending, CALL_S)
        with self.server.client() as client:
            subscription = client.topic(place.topic).subscription("s")
            first = subscription.peek(1)[0].sent
            began = time.monotonic()
            subscription.seek(time=first)
            while subscription.info().is_replaying:
                time.sleep(0.01)
            taken_s = time.monotonic() - began
            assert subscription.info().message_count == published
        self.rows.append(Row(what="brought back by a seek, 1024 bytes", figure=published / taken_s, unit="msg/s"))


def _frames(out: "queue.SimpleQueue[Any]") -> Iterator[Any]:
    while (frame := out.get()) is not None:
        yield frame


def main() -> int:
    """Print the table; exit 1 where a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long a turn publishes")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--deliveries", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument(
        "--folder", type=Path, help="where data is kept meanwhile; default: the system's temporary folder"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cumulo-topics-", dir=options.folder) as name:
        folder = Path(name)
        refuse_memory_disk(folder)
        machine = describe(folder)
        with Server(folder / "data") as server:
            bench = Bench(server, options)
            bench.deliveries()
            for body_bytes in (100, 1024):
                bench.streams(body_bytes)
            bench.seek()
    if options.json:
        print(json.dumps({"machine": machine, "rows": [row.encoded() for row in bench.rows]}, indent=2))
    else:
        print(", ".join(f"{key} {value}" for key, value in machine.items()))
        show(bench.rows)
    return 0 if all(row.met is not False for row in bench.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
