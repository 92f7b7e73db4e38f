"""What of boto3's own rate is left when it talks to our queues, and how soon does a waiting receiver get a message?

boto3 spends most of a call in itself. So the same calls go, in turns, to our server, durable, over standard and FIFO
queues, and to a server that answers nothing: a loop over a socket that reads a request and writes a valid answer that
was made beforehand. Each process has one client and makes one call after the other; messages of 1 KiB.

Delivery: a receiver's long poll waits on an empty queue, then a message is sent. The time is from the beginning of
the send to the message in the receiver's hands, by gRPC's stubs and by boto3; both are threads of one process.

Run: python bench/queue_boto3.py [--processes 1] [--seconds 3] [--rounds 5] [--deliveries 100] [--json] [--folder DIR]
"""

import argparse
import contextlib
import hashlib
import json
import re
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from rig.clients import CHANNEL_OPTIONS
from rig.http_load import processes
from rig.machine import describe, refuse_memory_disk
from rig.phases import answer_of, child
from rig.signed_requests import REGION
from rig.table import Row, show

from cumulo.api.queue.v1 import queue_pb2 as queues
from cumulo.api.queue.v1.queue_pb2_grpc import QueueServiceStub
from cumulo.testing import Server

BODY = "x" * 1024
SHARE_TARGET = 0.6
GRPC_TARGET_MS, BOTO3_TARGET_MS = 3.0, 5.0
BATCH = 10
ANSWER_S = 60
POLL_WAIT_S = 20
PARKED_S = 0.02
"""How long a receiver is left alone to get parked."""
TOKEN_LIFE_S = 3600
STANDARD, FIFO = "standard", "fifo"
NAMES = {STANDARD: "boto3-bench", FIFO: "boto3-bench.fifo"}
GROUPS = 16


Act = Callable[[], object]


class Target(NamedTuple):
    """Where boto3 goes."""

    url: str
    key_id: str
    secret: str

    def client(self) -> Any:
        """Return a client of boto3's."""
        import boto3  # noqa: PLC0415 - the child's own import

        session = boto3.session.Session(self.key_id, self.secret, region_name=REGION)
        return session.client("sqs", endpoint_url=self.url)


# The server that answers nothing

_TARGET = re.compile(rb"x-amz-target: *AmazonSQS\.(\w+)", re.IGNORECASE)
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def serve_nothing(port: Connection) -> None:
    """Answer each call of SQS with an answer made beforehand; a thread a connection. Tell the port."""
    answers = {name.encode(): _http(document) for name, document in _documents().items()}
    listener = socket.create_server(("127.0.0.1", 0))
    port.send(listener.getsockname()[1])
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_answer, args=(connection, answers), daemon=True).start()


def _documents() -> dict[str, Any]:
    """Return an answer of each operation, as large as ours."""
    digest = hashlib.md5(BODY.encode(), usedforsecurity=False).hexdigest()
    identifier, handle = "0" * 36, "A" * 100
    sent = {"MessageId": identifier, "MD5OfMessageBody": digest}
    message = {"MessageId": identifier, "ReceiptHandle": handle, "MD5OfBody": digest, "Body": BODY}
    return {"SendMessage": sent, "ReceiveMessage": {"Messages": [message]}, "DeleteMessage": {}}


def _http(document: Any) -> bytes:
    content = json.dumps(document).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {len(content)}\r\n\r\n"
    return head.encode() + content


def _answer(connection: socket.socket, answers: dict[bytes, bytes]) -> None:
    received = b""
    with connection, contextlib.suppress(ConnectionError):
        while piece := connection.recv(65_536):
            received += piece
            head, _, content = received.partition(b"\r\n\r\n")
            length, target = _LENGTH.search(head), _TARGET.search(head)
            if length is not None and target is not None and len(content) >= int(length[1]):
                connection.sendall(answers[target[1]])
                received = b""


# What a process does


def send(number: int, target: Target, url: str, kind: str, seconds: float) -> int:
    """Send one message after the other; return how many."""
    client = target.client()
    calls, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        fifo = {"MessageGroupId": str(calls % GROUPS), "MessageDeduplicationId": f"{time.time_ns()}-{number}"}
        client.send_message(QueueUrl=url, MessageBody=BODY, **(fifo if kind == FIFO else {}))
        calls += 1
    return calls


def receive_and_delete(_: int, target: Target, url: str, _kind: str, seconds: float) -> int:
    """Receive a message, delete it, and so on; return how many. There must be enough of them."""
    client = target.client()
    lives, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        (message,) = client.receive_message(QueueUrl=url, MaxNumberOfMessages=1)["Messages"]
        client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        lives += 1
    return lives


class Bench:
    """One run: our server, the one that answers nothing, and the rows so far."""

    def __init__(self, server: Server, nothing: Target, options: argparse.Namespace) -> None:
        self.server = server
        self.options = options
        key = server.credentials
        self.ours = Target(server.url, key["access_key_id"], key["secret_access_key"])
        self.nothing = nothing
        self.rows: list[Row] = []
        client = self.ours.client()
        fifo = {"FifoQueue": "true"}
        self.urls = {
            kind: client.create_queue(QueueName=name, Attributes=fifo if kind == FIFO else {})["QueueUrl"]
            for kind, name in NAMES.items()
        }

    def rates(self) -> None:
        """Hold ours against nothing, in turns."""
        for what, work, calls in (
            ("SendMessage", send, 1),
            ("ReceiveMessage + DeleteMessage", receive_and_delete, 2),
        ):
            taken: dict[str, list[float]] = {"nothing": [], **{kind: [] for kind in NAMES}}
            for number in range(self.options.rounds):
                print(f"{what}: round {number + 1} of {self.options.rounds}", file=sys.stderr)
                for kind in list(taken)[:: 1 if number % 2 == 0 else -1]:
                    taken[kind].append(calls * self._rate(work, kind))
            for kind in NAMES:
                shares = [ours / most for ours, most in zip(taken[kind], taken["nothing"], strict=True)]
                rate = statistics.median(taken[kind])
                self.rows.append(
                    Row(
                        what=f"boto3 {what}, {kind}",
                        figure=rate,
                        unit="calls/s",
                        floor=rate / statistics.median(shares),
                        target=SHARE_TARGET,
                    )
                )

    def _rate(self, work: Callable[..., int], kind: str) -> float:
        count, seconds = self.options.processes, self.options.seconds
        if kind == "nothing":
            load = processes(count, work, self.nothing, self.nothing.url, STANDARD, seconds)
        else:
            if work is receive_and_delete:
                self._preload(kind, round(seconds * count * 1_000))
            load = processes(count, work, self.ours, self.urls[kind], kind, seconds)
        return load.items / load.elapsed_s

    def _preload(self, kind: str, count: int) -> None:
        client, url = self.ours.client(), self.urls[kind]
        waiting = int(
            client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"][
                "ApproximateNumberOfMessages"
            ]
        )
        for first in range(waiting, count, BATCH):
            entries: list[dict[str, str]] = [{"Id": str(number), "MessageBody": BODY} for number in range(BATCH)]
            for number, entry in enumerate(entries if kind == FIFO else ()):
                entry["MessageGroupId"] = str((first + number) % GROUPS)
                entry["MessageDeduplicationId"] = f"{time.time_ns()}-{number}"
            answer = client.send_message_batch(QueueUrl=url, Entries=entries)
            assert len(answer["Successful"]) == BATCH, answer

    # -- Delivery through a waiting long poll

    def deliveries(self) -> None:
        """Time single messages on their way to a receiver who waits."""
        with self._by_grpc() as (send_one, receive_one):
            self._delivery("gRPC", send_one, receive_one, GRPC_TARGET_MS)
        with self._by_boto3() as (send_one, receive_one):
            self._delivery("boto3", send_one, receive_one, BOTO3_TARGET_MS)

    def _delivery(self, name: str, send_one: Act, receive_one: Callable[[], Act], target: float) -> None:
        taken, deletes = [], []
        for _ in range(self.options.deliveries + 1):
            arrived: list[float] = []

            def wait(arrived: list[float] = arrived) -> None:
                deletes.append(receive_one())
                arrived.append(time.monotonic())

            receiver = threading.Thread(target=wait)
            receiver.start()
            time.sleep(PARKED_S)
            began = time.monotonic()
            send_one()
            receiver.join(ANSWER_S)
            taken.append((arrived[0] - began) * 1000)
            deletes.pop()()
        del taken[0]  # the first opens connections
        middle = statistics.median(taken)
        p99 = statistics.quantiles(taken, n=100, method="inclusive")[98]
        what = f"delivery to a waiting long poll, {name}, p50"
        self.rows.append(Row(what=what, figure=middle, unit="ms", p99_ms=p99, target=target, at_most=True))

    @contextlib.contextmanager
    def _by_grpc(self) -> Iterator[tuple[Act, Callable[[], Act]]]:
        queue = "delivery-grpc"
        with self.server.client() as client:
            client.queue(queue).create()
            token = client.iam.issue_token(TOKEN_LIFE_S).token
        options: dict[str, Any] = {"metadata": (("authorization", f"Bearer {token}"),), "timeout": ANSWER_S}
        with (
            grpc.insecure_channel(self.server.target, CHANNEL_OPTIONS) as sending,
            grpc.insecure_channel(self.server.target, CHANNEL_OPTIONS) as receiving,
        ):
            sender, receiver = QueueServiceStub(sending), QueueServiceStub(receiving)
            message = queues.SendMessageRequest(queue=queue, body=BODY.encode())
            poll = queues.ReceiveMessagesRequest(queue=queue, max_messages=1, wait_s=POLL_WAIT_S)

            def receive_one() -> Act:
                (got,) = receiver.ReceiveMessages(poll, **options).messages
                delete = queues.DeleteMessageRequest(queue=queue, receipt_handle=got.receipt_handle)
                return lambda: receiver.DeleteMessage(delete, **options)

            yield lambda: sender.SendMessage(message, **options), receive_one

    @contextlib.contextmanager
    def _by_boto3(self) -> Iterator[tuple[Act, Callable[[], Act]]]:
        sender, receiver = self.ours.client(), self.ours.client()
        url = sender.create_queue(QueueName="delivery-boto3")["QueueUrl"]

        def receive_one() -> Act:
            poll = {"MaxNumberOfMessages": 1, "WaitTimeSeconds": POLL_WAIT_S}
            (got,) = receiver.receive_message(QueueUrl=url, **poll)["Messages"]
            return lambda: receiver.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])

        yield lambda: sender.send_message(QueueUrl=url, MessageBody=BODY), receive_one


@contextlib.contextmanager
def nothing() -> Iterator[Target]:
    """Run the server that answers nothing."""
    with child(serve_nothing) as (_, pipe):
        yield Target(f"http://127.0.0.1:{answer_of(pipe)}", "test", "test")


def main() -> int:
    """Print the table; exit 1 where a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=1, help="clients that call at once")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each turn takes")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--deliveries", type=int, default=100)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument(
        "--folder", type=Path, help="where data is kept meanwhile; default: the system's temporary folder"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cumulo-boto3-", dir=options.folder) as name:
        folder = Path(name)
        refuse_memory_disk(folder)
        machine = describe(folder)
        with Server(folder / "data") as server, nothing() as target:
            bench = Bench(server, target, options)
            bench.deliveries()
            bench.rates()
    if options.json:
        print(json.dumps({"machine": machine, "rows": [row.encoded() for row in bench.rows]}, indent=2))
    else:
        print(", ".join(f"{key} {value}" for key, value in machine.items()))
        show(bench.rows)
    return 0 if all(row.met is not False for row in bench.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
