"""What do ten thousand waiting receivers, and ten thousand queues, cost a server while nothing happens?

Long polls of 20 s are parked on one queue: over gRPC on 100 connections, each with the 100 calls that the server
allows it, and over HTTP on a connection each. What they cost is read between the last one's arrival and the first
one's end: CPU time in percent of one processor, and memory beyond what the server had before. That they do wait is
seen after: a message is sent, and one of them gets it.

Ten thousand queues, of which every hundredth holds a message: what a server that starts with them takes while idle
beyond one that starts with an empty folder.

Run: python bench/queue_idle.py [--polls 10000] [--queues 10000] [--json] [--folder DIR]
"""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import grpc
from rig.clients import CHANNEL_OPTIONS
from rig.http_client import HttpClient
from rig.http_load import parked_polls
from rig.machine import describe, memory_mb, precise_cpu_s, refuse_memory_disk
from rig.phases import answer_of, child, settle
from rig.progress import Progress
from rig.signed_requests import Address, sqs
from rig.table import Row, show

from cumulo.api.queue.v1 import queue_pb2 as queues
from cumulo.api.queue.v1.queue_pb2_grpc import QueueServiceStub
from cumulo.testing import Server

CALLS_OF_A_CONNECTION = 100
"""What the server allows (`grpc.max_concurrent_streams`)."""
HTTP_CONNECTIONS_SPARE = 100
"""Of the 10,000 connections that the server holds, so many are left for others."""
POLL_WAIT_S = 20
POLLS_PER_S = 1_500
"""How fast they come: gRPC's core refuses calls where more than 1,000 have come that the server has not taken up."""
POLL_CPU_TARGET, POLL_KB_TARGET = 1.0, 30.0
IDLE_CPU_TARGET, IDLE_MB_TARGET = 0.1, 4.0
"""How exactly "nothing" can be read: a server's own idling moves by as much from start to start."""
WATCHED_S = 5.0
SETTLED_S = 2.0
TOKEN_LIFE_S = 3600
ANSWER_S = 60.0
QUEUES_AT_ONCE = 32
FILLED_EVERY = 100
QUEUE = "parked"


class Idle(NamedTuple):
    """What a server takes while nothing happens."""

    cpu_percent: float
    rss_mb: float


def watch(pid: int, seconds: float = WATCHED_S) -> Idle:
    """Look at a server for a while."""
    before = precise_cpu_s(pid)
    time.sleep(seconds)
    return Idle((precise_cpu_s(pid) - before) / seconds * 100, memory_mb(pid)[0])


# Parked receivers over gRPC


def park(answer: Connection, target: str, token: str, count: int) -> None:
    """Be the process that parks; tell when the first call was made, and at the end which calls got a message."""
    asyncio.run(_park(answer, target, token, count))


async def _park(answer: Connection, target: str, token: str, count: int) -> None:
    metadata = (("authorization", f"Bearer {token}"),)
    request = queues.ReceiveMessagesRequest(queue=QUEUE, max_messages=1, wait_s=POLL_WAIT_S)
    channels = [
        grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS) for _ in range(-(-count // CALLS_OF_A_CONNECTION))
    ]
    await asyncio.gather(*(channel.channel_ready() for channel in channels))
    answer.send(None)
    stubs = [QueueServiceStub(channel) for channel in channels]
    answer.send(time.monotonic())
    polls = []
    for number in range(count):
        polls.append(stubs[number % len(stubs)].ReceiveMessages(request, timeout=ANSWER_S, metadata=metadata))
        if len(polls) % len(stubs) == 0:
            await asyncio.sleep(len(stubs) / POLLS_PER_S)
    got = await asyncio.gather(*polls)
    answer.send(sum(len(it.messages) for it in got))
    for channel in channels:
        await channel.close()


def parked_over_grpc(server: Server, count: int) -> list[Row]:
    """Park receivers on gRPC connections."""
    with server.client() as client, child(park, server.target, token_of(server), count) as (_, pipe):
        queue = client.queue(QUEUE)
        queue.create()
        answer_of(pipe)
        before_mb = memory_mb(server.pid)[0]
        began = answer_of(pipe)
        _wait_until_parked(server, began)
        idle = watch(server.pid, _window_s(began))
        queue.send(b"x")
        assert answer_of(pipe, ANSWER_S) == 1
        return _parked_rows(f"{count:,} parked long polls, gRPC", idle, before_mb, count)


# Parked receivers over HTTP


def parked_over_http(server: Server, count: int) -> list[Row]:
    """Park receivers on HTTP connections, one each."""
    url, key = urlsplit(server.url), server.credentials
    address = Address(str(url.hostname), int(url.port or 0), key["access_key_id"], key["secret_access_key"])
    client = HttpClient(address)
    name = json.dumps({"QueueName": QUEUE}).encode()
    queue_url = json.loads(client.call(sqs(address, "CreateQueue", name)))["QueueUrl"]
    before_mb = memory_mb(server.pid)[0]
    began = time.monotonic()
    with parked_polls(address, queue_url, count, POLL_WAIT_S) as polls:
        _wait_until_parked(server, began)
        idle = watch(server.pid, _window_s(began))
        message = {"QueueUrl": queue_url, "MessageBody": "x"}
        client.call(sqs(address, "SendMessage", json.dumps(message).encode()))
        assert b"MessageId" in polls[0].recv(65_536)
    return _parked_rows(f"{count:,} parked long polls, HTTP", idle, before_mb, count)


def _wait_until_parked(server: Server, began: float) -> None:
    """Wait until the server has nothing more to do, so that whoever came is parked."""
    while watch(server.pid, 0.5).cpu_percent > 5:
        assert time.monotonic() - began < POLL_WAIT_S, "the first poll ended before the last was parked"


def _window_s(began: float) -> float:
    left_s = began + POLL_WAIT_S - time.monotonic() - 1
    assert left_s > 1, f"{left_s:.1f} s are left to look at: too busy a machine, or too many --polls"
    return min(left_s, WATCHED_S)


def _parked_rows(what: str, idle: Idle, before_mb: float, count: int) -> list[Row]:
    each_kb = (idle.rss_mb - before_mb) * 1000 / count
    return [
        Row(what=f"{what}, CPU", figure=idle.cpu_percent, unit="%", target=POLL_CPU_TARGET, at_most=True),
        Row(what="  memory of each", figure=each_kb, unit="KB", target=POLL_KB_TARGET, at_most=True),
    ]


# Many queues


def token_of(server: Server) -> str:
    """Return a token of root's."""
    with server.client() as client:
        token: str = client.iam.issue_token(TOKEN_LIFE_S).token
        return token


async def make_queues(server: Server, count: int) -> None:
    """Make queues, and put a message into every hundredth."""
    progress = Progress("making queues", count)
    numbers = iter(range(count))

    async def lane() -> None:
        for number in numbers:
            queue = client.queue(f"idle-{number:05}")
            await queue.create()
            if number % FILLED_EVERY == 0:
                await queue.send(b"x" * 1024)
            progress.advance(1)

    async with server.async_client() as client:
        await asyncio.gather(*(lane() for _ in range(QUEUES_AT_ONCE)))
    progress.end()


def idle_with_queues(folder: Path, count: int) -> list[Row]:
    """Hold a server with many queues against one with none, both just started."""
    found = []
    for queues_made in (0, count):
        path = folder / f"data-{queues_made}"
        with Server(path) as server:
            asyncio.run(make_queues(server, queues_made))
        with Server(path) as server:
            settle(SETTLED_S)
            found.append(watch(server.pid))
    none, many = found
    what = f"{count:,} queues, idle CPU beyond none's"
    cpu, added_mb = many.cpu_percent - none.cpu_percent, many.rss_mb - none.rss_mb
    note = f"{none.cpu_percent:.2f} and {many.cpu_percent:.2f}"
    return [
        Row(what=what, figure=cpu, unit="%", target=IDLE_CPU_TARGET, at_most=True, note=note),
        Row(what="  memory beyond none's", figure=added_mb, unit="MB", target=IDLE_MB_TARGET, at_most=True),
    ]


def main() -> int:
    """Print the table; exit 1 where a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polls", type=int, default=10_000)
    parser.add_argument("--queues", type=int, default=10_000)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument(
        "--folder", type=Path, help="where data is kept meanwhile; default: the system's temporary folder"
    )
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a connection is a file, here and in the server
    with tempfile.TemporaryDirectory(prefix="cumulo-idle-", dir=options.folder) as name:
        folder = Path(name)
        refuse_memory_disk(folder)
        machine = describe(folder)
        rows = []
        with Server(folder / "grpc") as server:
            rows += parked_over_grpc(server, options.polls)
        with Server(folder / "http") as server:
            rows += parked_over_http(server, options.polls - HTTP_CONNECTIONS_SPARE)
        rows += idle_with_queues(folder, options.queues)
    if options.json:
        print(json.dumps({"machine": machine, "rows": [row.encoded() for row in rows]}, indent=2))
    else:
        print(", ".join(f"{key} {value}" for key, value in machine.items()))
        show(rows)
    return 0 if all(row.met is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
