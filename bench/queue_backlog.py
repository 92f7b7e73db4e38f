"""Does a queue keep its rates, and start as fast, with a million or ten million messages that wait in it?

Fills one server for each size through its own gRPC port, with messages of 1 KiB, and keeps one whose queue is empty
but for what is being measured. Then the same load meets all of them in turns, round by round and back again, so that
whatever else the machine does meets each alike: send, and receive with delete, one at a time by several callers and by
hundreds. Each rate stands beside the empty queue's: end to end, and per CPU-second of the server, which other work on
the machine moves less. Last, each server is killed, started again, and asked for a message: the time from the spawn.

Run: python bench/queue_backlog.py [--sizes 1000000] [--full] [--seconds 3] [--rounds 5] [--json] [--folder DIR]

Ten million messages (--full) take 15 GB of disk and about a quarter of an hour to fill.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from rig.clients import CHANNEL_OPTIONS, Plan
from rig.machine import describe, refuse_memory_disk
from rig.phases import Measured, measure, settle
from rig.progress import Progress
from rig.table import Row, show

from cumulo.api.queue.v1 import queue_pb2 as queues
from cumulo.api.queue.v1.queue_pb2_grpc import QueueServiceStub
from cumulo.testing import Server

EMPTY = 0
MILLION = 1_000_000
QUEUE = "backlog"
BODY = b"x" * 1024
BATCH = 100
TOKEN_LIFE_S = 3600
FILL_S = 3600.0
FIRST_WAIT_S = 20
RATE_TARGET, FIRST_TARGET_S = 0.9, 1.0
RESTARTS = 3
LEFT_FOR_RECEIVERS = 2
"""An empty queue is given, before its receivers' turn, so many times what they took in the turn before."""


class Way(NamedTuple):
    """A load: the role of its clients, how many processes, and their plans' other fields."""

    what: str
    role: str
    processes: int
    settings: dict[str, Any]


WAYS = (
    Way("send, 16 callers", "send", 2, {"depth": 8}),
    Way("send, batches of 100", "send_batch", 2, {"depth": 3, "batch": BATCH}),
    Way("receive + delete, 16 callers", "consume", 2, {"depth": 8, "is_timed": True}),
    Way("receive + delete, batches of 100", "consume", 2, {"depth": 3, "batch": BATCH, "is_timed": True}),
)


class Filled:
    """A server whose queue holds `size` messages."""

    def __init__(self, folder: Path, size: int) -> None:
        self.size = size
        self.server = Server(folder / f"data-{size}")

    def start(self) -> None:
        """Start, and make the queue if need be."""
        self.server.start()
        with self.server.client() as client:
            client.queue(QUEUE).create()
            self.token = client.iam.issue_token(TOKEN_LIFE_S).token

    def _stub(self, channel: grpc.Channel) -> tuple[QueueServiceStub, dict[str, Any]]:
        return QueueServiceStub(channel), {"metadata": (("authorization", f"Bearer {self.token}"),)}

    def fill(self, count: int) -> None:
        """Send so many messages by one stream, with a bar where it takes a while."""
        entries = [queues.SendMessageEntry(body=BODY)] * BATCH

        def frames() -> Iterator[queues.StreamSendMessagesRequest]:
            for number in range(1, count // BATCH + 1):
                yield queues.StreamSendMessagesRequest(queue=QUEUE, sequence=number, entries=entries)

        progress = Progress(f"filling {self.size:,}", count)
        with grpc.insecure_channel(self.server.target, CHANNEL_OPTIONS) as channel:
            stub, options = self._stub(channel)
            for answer in stub.StreamSendMessages(frames(), timeout=FILL_S, **options):
                assert all(result.HasField("sent") for result in answer.results), answer
                progress.advance(len(answer.results))
        progress.end()

    def turn(self, way: Way, seconds: float) -> Measured:
        """Put the server under one load."""
        common = {"target": self.server.target, "token": self.token, "queue": QUEUE, "seconds": seconds}
        settings: dict[str, Any] = common | way.settings
        plans = [Plan(role=way.role, number=number, **settings) for number in range(way.processes)]
        measured = measure(self.server.pid, plans)
        settle()
        return measured

    def first_delivery_s(self) -> float:
        """Kill the server; return the time from the spawn of the next one to a message in a client's hands."""
        self.server.kill()
        spawned = time.monotonic()
        self.server.start()
        with grpc.insecure_channel(self.server.target, CHANNEL_OPTIONS) as channel:
            stub, options = self._stub(channel)
            request = queues.ReceiveMessagesRequest(queue=QUEUE, max_messages=1, wait_s=FIRST_WAIT_S)
            answer = stub.ReceiveMessages(request, timeout=2 * FIRST_WAIT_S, wait_for_ready=True, **options)
        assert len(answer.messages) == 1, answer
        return time.monotonic() - spawned


def measure_rates(stores: list[Filled], seconds: float, rounds: int) -> list[Row]:
    """Measure every load on all servers in turns."""
    taken: dict[tuple[str, int], list[Measured]] = {(way.what, it.size): [] for way in WAYS for it in stores}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        for way in WAYS:
            for store in stores[:: 1 if number % 2 == 0 else -1]:
                before = taken[way.what, store.size]
                if store.size == EMPTY and way.settings.get("is_timed"):
                    most = max((it.items for it in before), default=FIRST_FILL[way.what])
                    store.fill(-(-LEFT_FOR_RECEIVERS * most // BATCH) * BATCH)
                before.append(store.turn(way, seconds))
    return [row for way in WAYS for row in _rows(way, stores, taken)]


FIRST_FILL = {way.what: 10_000 if way.settings.get("batch") is None else 100_000 for way in WAYS}
"""What receivers may take in their first turn."""


def _rows(way: Way, stores: list[Filled], taken: dict[tuple[str, int], list[Measured]]) -> Iterator[Row]:
    empty = taken[way.what, EMPTY]
    for store in stores:
        these = taken[way.what, store.size]
        for kind, unit in (("per_s", "messages/s"), ("per_cpu_s", "messages/CPU-s")):
            rate = statistics.median(getattr(it, kind) for it in these)
            ratios = [getattr(it, kind) / getattr(beside, kind) for it, beside in zip(these, empty, strict=True)]
            is_empty = store.size == EMPTY
            yield Row(
                what=f"{way.what}, {store.size:,} waiting",
                figure=rate,
                unit=unit,
                floor=None if is_empty else rate / statistics.median(ratios),
                target=None if is_empty else RATE_TARGET,
            )


def main() -> int:
    """Print the table; exit 1 where a rate fell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=int, default=[MILLION], help="messages that wait, a server for each")
    parser.add_argument("--full", action="store_true", help="ten million, too")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each turn takes")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument(
        "--folder", type=Path, help="where data is kept meanwhile; default: the system's temporary folder"
    )
    options = parser.parse_args()
    sizes = sorted({EMPTY, *options.sizes, *([10 * MILLION] if options.full else [])})
    with tempfile.TemporaryDirectory(prefix="cumulo-backlog-", dir=options.folder) as name, ExitStack() as stack:
        folder = Path(name)
        refuse_memory_disk(folder)
        machine = describe(folder)
        stores = [Filled(folder, size) for size in sizes]
        for store in stores:
            store.start()
            stack.callback(store.server.stop)
            if store.size:
                store.fill(store.size)
        rows = measure_rates(stores, options.seconds, options.rounds)
        for store in stores:
            if store.size == EMPTY:
                store.fill(BATCH)
            taken = [store.first_delivery_s() for _ in range(RESTARTS)]
            rows.append(
                Row(
                    what=f"killed, from start to first delivery, {store.size:,} waiting",
                    figure=statistics.median(taken),
                    unit="s",
                    target=FIRST_TARGET_S,
                    at_most=True,
                )
            )
    if options.json:
        print(json.dumps({"machine": machine, "rows": [row.encoded() for row in rows]}, indent=2))
    else:
        print(", ".join(f"{key} {value}" for key, value in machine.items()))
        show(rows)
    return 0 if all(row.met is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
