"""How many messages a second live through our queue, and through the brokers that people would else use?

Starts our server and those of RabbitMQ (a quorum queue), Redis (a stream, `appendfsync always`) and NATS (JetStream)
that are at hand, each on a folder of one real disk; clients are processes of Python, a connection each, that publish,
consume and delete messages of 1 KiB at the same time. What counts is the rate at which whole lives end. All take turns,
several times, and the median of each counts. Ours, RabbitMQ and Redis have every message on the disk before they
answer for it; JetStream has not. RabbitMQ and JetStream never answer an acknowledgement, so theirs is done when sent.

- one at a time: publish, confirmed, then the next; deliver, acknowledge, then the next. Ours by unary calls (send;
  receive, delete) and, as AMQP does it on its channel, by streams with one message under way whose
  acknowledgement is not answered, either;
- batches of 100: unary calls again, each with 100 messages; one call after the other on each connection;
- streams: 8 frames of 100 messages under way to the server, 1,000 open at each receiver;
- RabbitMQ pipelined: 1,000 publishes that wait for their confirms, prefetch 1,000, each acknowledged;
- Redis: pipelines of 100 XADD; XREADGROUP of 100, then XACK and XDEL in one pipeline;
- JetStream: 8 groups of 100 publishes under way, fetches of 100.

Run: python bench/queue_peers.py [--connections 1 8] [--seconds 4] [--turns 3] [--short] [--only PEER ...] [--json]
     python bench/queue_peers.py --peers   installs the Python clients and says which brokers are at hand
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from rig.clients import Plan
from rig.machine import describe, refuse_memory_disk
from rig.peers import KINDS, Kind, Peer, import_clients
from rig.phases import Measured, measure, settle
from rig.table import Row, show

from cumulo.testing import Server

QUEUE = "peers"
TOKEN_LIFE_S = 3600
BATCH = 100
WINDOW = 1_000
RABBITMQ, REDIS, NATS = "rabbitmq", "redis", "nats"
ONE_TARGETS = {1: 1.0, 8: 1.5}
"""By connections; in between, that of fewer."""
MANY_TARGETS = {RABBITMQ: 4.0, REDIS: 1.0, NATS: 1.0}


class Way(NamedTuple):
    """A way of using a broker: the roles of its clients, and their plans' other fields."""

    broker: str
    name: str
    producer: str
    consumer: str
    settings: dict[str, Any]


OURS = "ours"
STREAM_ONE = {"frames": 1, "credits": 1, "is_answered": False}
ONE_BY_CALLS = Way(OURS, "calls, one at a time", "send", "consume", {})
ONE_BY_STREAMS = Way(OURS, "streams, one at a time", "send_stream", "consume_stream", STREAM_ONE)
BATCHES = Way(OURS, "batches of 100", "send_batch", "consume", {"batch": BATCH})
STREAMS = Way(OURS, "streams", "send_stream", "consume_stream", {"batch": BATCH})
WAYS = (
    ONE_BY_CALLS,
    ONE_BY_STREAMS,
    BATCHES,
    STREAMS,
    Way(RABBITMQ, "one at a time", "rabbitmq_produce", "rabbitmq_consume", {}),
    Way(RABBITMQ, "pipelined", "rabbitmq_produce", "rabbitmq_consume", {"batch": WINDOW}),
    Way(REDIS, "pipelines of 100", "redis_produce", "redis_consume", {"batch": BATCH}),
    Way(NATS, "groups of 100", "nats_produce", "nats_consume", {"batch": BATCH}),
)


class Bench:
    """One run: the servers that are there, and what was measured of each way."""

    def __init__(self, server: Server, peers: dict[str, Peer], seconds: float) -> None:
        self.seconds = seconds
        self.brokers = {OURS: Peer(server.pid, server.target)} | peers
        with server.client() as client:
            client.queue(QUEUE).create()
            self.token = client.iam.issue_token(TOKEN_LIFE_S).token

    @property
    def ways(self) -> Sequence[Way]:
        """The ways of those that are there."""
        return [way for way in WAYS if way.broker in self.brokers]

    def turn(self, way: Way, connections: int) -> Measured:
        """Let messages live one way, with so many connections on each side."""
        broker = self.brokers[way.broker]
        common = {"target": broker.target, "token": self.token, "queue": QUEUE, "seconds": self.seconds}
        settings: dict[str, Any] = common | way.settings
        plans = [
            Plan(role=role, number=number, **settings)
            for role in (way.producer, way.consumer)
            for number in range(connections)
        ]
        measured = measure(broker.pid, plans)
        settle()
        return measured

    def measure(self, connections: int, turns: int) -> list[Row]:
        """Measure all ways in turns; return a row for each, and one for each comparison that has a target."""
        taken: dict[tuple[str, str], list[Measured]] = {way[:2]: [] for way in self.ways}
        for number in range(turns):
            for way in self.ways[:: 1 if number % 2 == 0 else -1]:
                print(f"{connections}/{connections} {number + 1} of {turns}: {way.broker}, {way.name}", file=sys.stderr)
                taken[way[:2]].append(self.turn(way, connections))
        middle = {key: sorted(them, key=lambda it: it.per_s)[len(them) // 2] for key, them in taken.items()}
        return list(_rows(self.ways, middle, f"{connections}/{connections}", _one_target(connections)))


def _rows(ways: Sequence[Way], middle: dict[tuple[str, str], Measured], shape: str, one_target: float) -> Iterator[Row]:
    for way in ways:
        it = middle[way[:2]]
        yield Row(
            what=f"{shape} {_NAMES.get(way.broker, way.broker)}, {way.name}",
            figure=it.per_s,
            unit="messages/s",
            p50_ms=it.p50_ms,
            p99_ms=it.p99_ms,
            cpu_us=it.cpu_us,
        )
        if way.broker != OURS:
            continue
        for other in ways:
            is_one = way in (ONE_BY_CALLS, ONE_BY_STREAMS)
            if other.broker == OURS or is_one != (other.name == "one at a time" and other.broker == RABBITMQ):
                continue
            target = one_target if is_one else MANY_TARGETS[other.broker]
            yield Row(
                what=f"  beside {_NAMES[other.broker]}, {other.name}",
                figure=it.per_s,
                unit="messages/s",
                floor=middle[other[:2]].per_s,
                target=target,
            )


_NAMES = {kind.client: kind.name for kind in KINDS}


def _one_target(connections: int) -> float:
    return ONE_TARGETS[max(count for count in ONE_TARGETS if count <= connections)]


def at_hand(kinds: Sequence[Kind]) -> list[Kind]:
    """Return those of the brokers that can be started; say what is missing."""
    found = [kind for kind in kinds if not kind.missing]
    for kind in kinds:
        if kind.missing:
            print(f"missing: {kind.name} (`make bench-peers`, or apt-get install {kind.missing})", file=sys.stderr)
    if found:
        try:
            import_clients()
        except subprocess.CalledProcessError as error:
            print(f"missing: the brokers' Python clients ({error})", file=sys.stderr)
            return []
    return found


def main() -> int:
    """Print the table; exit 1 where a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", nargs="+", type=int, default=[1, 8], help="on each side")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long producers work in each turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--short", action="store_true", help="one turn of two seconds")
    names = [kind.client for kind in KINDS]
    parser.add_argument("--only", choices=names, nargs="*", default=names, help="the brokers to hold ours against")
    parser.add_argument("--peers", action="store_true", help="install what PyPI has, say what is at hand, and end")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument(
        "--folder", type=Path, help="where data is kept meanwhile; default: the system's temporary folder"
    )
    options = parser.parse_args()
    kinds = at_hand([kind for kind in KINDS if kind.client in options.only])
    if options.peers:
        print("at hand: " + (", ".join(kind.name for kind in kinds) or "none"))
        return 0
    seconds, turns = (2.0, 1) if options.short else (options.seconds, options.turns)
    with tempfile.TemporaryDirectory(prefix="cumulo-peers-", dir=options.folder) as name, ExitStack() as running:
        folder = Path(name)
        refuse_memory_disk(folder)
        machine = describe(folder)
        server = running.enter_context(Server(folder / "data"))
        peers = {}
        for kind in kinds:
            (folder / kind.client).mkdir()
            peers[kind.client] = running.enter_context(kind.start(folder / kind.client))
        bench = Bench(server, peers, seconds)
        rows = [row for connections in options.connections for row in bench.measure(connections, turns)]
        assert server.stop() == 0
    if options.json:
        print(json.dumps({"machine": machine, "rows": [row.encoded() for row in rows]}, indent=2))
    else:
        print(", ".join(f"{key} {value}" for key, value in machine.items()))
        show(rows)
        missing = [kind.name for kind in KINDS if kind.client in options.only and kind not in kinds]
        if missing:
            print(f"missing: {', '.join(missing)} (`make bench-peers` installs what is missing)")
    return 0 if all(row.met is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
