"""Load over HTTP: `wrk` with one signed request, and client processes where bodies are large or answers are read.

Promises: every answer's status is looked at, clients are processes of their own that begin together, and every wait is
bounded.
"""

import json
import multiprocessing
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from rig.http_client import ANSWER_S, PIECE_BYTES, HttpClient
from rig.phases import answer_of, child
from rig.signed_requests import UNSIGNED, Address, Asked, s3, sqs

_COUNT = re.compile(r"(\d+) requests in ([0-9.]+)(ms|s|m)")
_LATENCY = re.compile(r"^\s+(50|99)%\s+([0-9.]+)(us|ms|s)", re.MULTILINE)
GROUPS = 128
"""Of a FIFO queue: more than receivers, so that none finds all of them taken."""
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


class Load(NamedTuple):
    """What clients did: items, wall time, and the latencies where they were taken."""

    items: int
    elapsed_s: float
    p50_ms: float | None = None
    p99_ms: float | None = None


def wrk(asked: Asked, *, connections: int, seconds: float) -> Load:
    """Send one request over and over; raises where an answer is no success."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("the load is driven by wrk: `make system-deps`, or apt-get install wrk")
    lines = [f"wrk.method = {_lua(asked.method.encode())}"]
    for name, value in asked.headers.items():
        if name not in ("host", "content-length"):
            lines.append(f"wrk.headers[{_lua(name.encode())}] = {_lua(value.encode())}")
    if asked.body:
        lines.append(f"wrk.body = {_lua(asked.body)}")
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="ascii") as script:
        script.write("\n".join(lines))
        script.flush()
        words = ["-t", "1", "-c", str(connections), "-d", f"{max(1, round(seconds))}s", "--timeout", "30s"]
        url = f"http://{asked.headers['host']}{asked.target}"
        ran = subprocess.run(
            [program, *words, "--latency", "-s", script.name, url],
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + ANSWER_S,
        )
    count = _COUNT.search(ran.stdout)
    if count is None or "Non-2xx" in ran.stdout:
        raise RuntimeError(f"{asked.method} {url}:\n{ran.stdout}")
    latency = {at: float(value) * _SECONDS[unit] * 1000 for at, value, unit in _LATENCY.findall(ran.stdout)}
    return Load(int(count[1]), float(count[2]) * _SECONDS[count[3]], latency["50"], latency["99"])


def _lua(text: bytes) -> str:
    """Return a string of Lua's."""
    plain = "".join(chr(octet) if 32 <= octet < 127 and octet not in b'"\\' else f"\\{octet:03d}" for octet in text)
    return f'"{plain}"'


def processes(count: int, work: Callable[..., int], *arguments: Any) -> Load:
    """Run `work(number, *arguments)`, which returns how many items it did, in so many processes that begin together."""
    gate = multiprocessing.get_context("spawn").Barrier(count + 1)
    with ExitStack() as running:
        pipes = [running.enter_context(child(_work, gate, work, number, *arguments))[1] for number in range(count)]
        gate.wait(ANSWER_S)
        started = time.monotonic()
        items = sum(answer_of(pipe) for pipe in pipes)
        return Load(items, time.monotonic() - started)


def _work(answer: Connection, gate: Any, work: Callable[..., int], *arguments: Any) -> None:
    gate.wait(ANSWER_S)
    answer.send(work(*arguments))


# What a process does


def upload(number: int, address: Address, path: str, size_bytes: int, count: int, payload_hash: str) -> int:
    """Put so many bodies of zeros; `payload_hash` is their SHA-256, or UNSIGNED-PAYLOAD."""
    client = HttpClient(address)
    piece = bytes(min(PIECE_BYTES, size_bytes))
    for _ in range(count):
        asked = s3(address, "PUT", f"{path}-{number}", size_bytes=size_bytes, payload_hash=payload_hash)
        client.call(asked, piece, size_bytes // len(piece))
    return count


def download(number: int, address: Address, path: str, size_bytes: int, count: int) -> int:
    """Get the body that `upload` has put, so many times."""
    client = HttpClient(address)
    for _ in range(count):
        length = client.download(s3(address, "GET", f"{path}-{number}", payload_hash=UNSIGNED))
        assert length == size_bytes, (length, size_bytes)
    return count


def put_many(client: HttpClient, address: Address, path: str, count: int) -> None:
    """Put so many objects of a byte, one after the other."""
    for number in range(count):
        client.call(s3(address, "PUT", f"{path}{number:04}", body=b"x"))


def receive_and_delete(_: int, address: Address, queue_url: str, lanes: int, seconds: float) -> int:
    """Receive messages one by one and delete each; end when there are none. Return how many."""
    until = time.monotonic() + seconds
    receive = json.dumps({"QueueUrl": queue_url, "MaxNumberOfMessages": 1}).encode()

    def lane() -> int:
        client, lives = HttpClient(address), 0
        while time.monotonic() < until:
            messages = json.loads(client.call(sqs(address, "ReceiveMessage", receive))).get("Messages")
            if not messages:
                break
            delete = {"QueueUrl": queue_url, "ReceiptHandle": messages[0]["ReceiptHandle"]}
            client.call(sqs(address, "DeleteMessage", json.dumps(delete).encode()))
            lives += 1
        return lives

    with ThreadPoolExecutor(lanes) as pool:
        return sum(future.result() for future in [pool.submit(lane) for _ in range(lanes)])


def send_in_groups(number: int, address: Address, queue_url: str, lanes: int, seconds: float, size_bytes: int) -> int:
    """Send messages to a FIFO queue one by one, each with an id of its own, to many groups in turn. Return how many."""
    until = time.monotonic() + seconds
    text = "x" * size_bytes

    def lane(index: int) -> int:
        client, calls = HttpClient(address), 0
        while time.monotonic() < until:
            message = {"QueueUrl": queue_url, "MessageBody": text} | in_group(calls, f"{number}-{index}")
            client.call(sqs(address, "SendMessage", json.dumps(message).encode()))
            calls += 1
        return calls

    with ThreadPoolExecutor(lanes) as pool:
        return sum(future.result() for future in [pool.submit(lane, index) for index in range(lanes)])


def in_group(count: int, sender: str) -> dict[str, str]:
    """Return what a message to a FIFO queue must say besides: a sender's next group, and an id that is new."""
    return {
        "MessageGroupId": str(count % GROUPS),
        "MessageDeduplicationId": f"{sender}-{count}-{time.monotonic_ns()}",
    }


@contextmanager
def parked_polls(address: Address, queue_url: str, count: int, wait_s: int) -> Iterator[Sequence[socket.socket]]:
    """Open so many connections and let each wait for a message; close them at the block's end."""
    poll = {"QueueUrl": queue_url, "MaxNumberOfMessages": 1, "WaitTimeSeconds": wait_s}
    asked = sqs(address, "ReceiveMessage", json.dumps(poll).encode())
    with ExitStack() as opened:
        polls = [opened.enter_context(socket.create_connection(address[:2], timeout=ANSWER_S)) for _ in range(count)]
        for one in polls:
            one.sendall(asked.head + asked.body)
        yield polls
