"""How fast do messages of a topic reach its queues, and what does it cost to say who wants them?

- One to a thousand: 1,000 queues subscribe, a message of 1 KiB is published, and the time counts until the last queue
  has it on the disk: a receiver waits at the queue that subscribed last, which is served last. Once with raw delivery,
  once with SNS's documents; and the server's CPU time of a delivery, which other load on the machine moves less.
- Ten to ten: batches of 10 messages are published to 10 queues whose filter policies all want them, over AWS's query
  protocol, beside RabbitMQ's fanout exchange into 10 quorum queues, where it is at hand, with 10 and with 100 messages
  under way on each connection; the better of the two is the floor. Raw delivery is what the exchange does; SNS's
  documents, which bear a signature each, stand beside it. Nobody consumes. In turns, medians count.
- Filters, without any server: a policy of five keys is asked; a topic of 1,000 filtered subscriptions is asked who
  wants a message that one of them does. CPU time of this process.
- A dead endpoint: a queue's deliveries beside endpoints that accept connections and never answer, held against those
  beside as many further queues, which are as much work.
- Ten thousand topics: what a server that starts with them takes while idle beyond one with an empty folder.

Run: python bench/topic_fan_out.py [--subscribers 1000] [--topics 10000] [--seconds 4] [--turns 3] [--json]
     [--folder DIR]
"""

import argparse
import functools
import json
import re
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from rig.clients import Plan
from rig.http_client import HttpClient
from rig.http_load import wrk
from rig.machine import describe, memory_mb, precise_cpu_s, refuse_memory_disk
from rig.peers import KINDS, Peer, empty, fan_out, import_clients
from rig.phases import measure, settle
from rig.progress import Progress
from rig.signed_requests import Address, sns, sqs
from rig.table import Row, show

from cumulo.queue_service.filter_policies import IN_ATTRIBUTES, IN_BODY, attribute_fields, compiled
from cumulo.queue_service.message_model import MessageAttribute
from cumulo.queue_service.topic_keys import SubscriptionRow, TopicMeta
from cumulo.queue_service.topic_model import PublishEntry
from cumulo.queue_service.topic_plans import Plan as TopicPlan
from cumulo.testing import Server

ACCOUNT = "000000000000"
BODY = "x" * 1024
DELIVERIES_TARGET = 25_000.0
RABBITMQ_TARGET = 4.0
POLICY_US_TARGET, INDEX_US_TARGET = 2.0, 100.0
IDLE_CPU_TARGET, IDLE_MB_TARGET = 0.1, 4.0
"""How exactly "nothing" can be read: a server's own idling moves by as much from start to start."""
SLOWED_TARGET = 1.25
"""What noise lets two equal halves of one run differ by."""
WARM_UP, PUBLISHES = 3, 20
QUEUES, BATCH, CONNECTIONS = 10, 10, 4
PIPELINED = 100
LANES = 16
EXCHANGE = "news"
DEAD_ENDPOINTS = 20
WAIT_S = 20
WATCHED_S, SETTLED_S = 5.0, 2.0
ASKED_S = 0.5
IDLE_SHARE = 0.1
_TAGGED = re.compile(r"<(TopicArn|SubscriptionArn)>([^<]+)<")


class Talker:
    """Somebody who talks AWS's protocols to a server, call by call."""

    def __init__(self, server: Server) -> None:
        url, key = urlsplit(server.url), server.credentials
        self.address = Address(str(url.hostname), int(url.port or 0), key["access_key_id"], key["secret_access_key"])
        self._client = HttpClient(self.address)

    def sns(self, operation: str, **members: str) -> str:
        """Call SNS; return the ARN in the answer, if there is one."""
        answer = self._client.call(sns(self.address, form(operation, **members))).decode()
        found = _TAGGED.search(answer)
        return found[2] if found else ""

    def sqs(self, operation: str, **members: object) -> dict[str, Any]:
        """Call SQS."""
        answer = self._client.call(sqs(self.address, operation, json.dumps(members).encode()))
        found: dict[str, Any] = json.loads(answer) if answer else {}
        return found

    def subscribe(self, topic: str, queue: str, **attributes: str) -> str:
        """Make a queue that subscribes to a topic; return its URL."""
        url = str(self.sqs("CreateQueue", QueueName=queue)["QueueUrl"])
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{queue}"
        self.sns("Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=arn, **_entries("Attributes", attributes))
        return url


def many(what: str, server: Server, count: int, work: Callable[[Talker, int], object]) -> None:
    """Do something so many times, in a few lanes."""
    progress = Progress(what, count)
    numbers = iter(range(count))
    lock = threading.Lock()

    def lane(_: int) -> None:
        talker = Talker(server)
        while True:
            with lock:
                number = next(numbers, -1)
                progress.advance(1)
            if number < 0:
                return
            work(talker, number)

    with ThreadPoolExecutor(LANES) as pool:
        list(pool.map(lane, range(LANES)))
    progress.end()


def form(operation: str, **members: str) -> bytes:
    """Return a call's form; members of members have dots in their names."""
    return urlencode({"Action": operation, "Version": "2010-03-31"} | members).encode()


def _entries(name: str, values: dict[str, str]) -> dict[str, str]:
    numbered = list(enumerate(values.items(), 1))
    return {f"{name}.entry.{at}.key": key for at, (key, _) in numbered} | {
        f"{name}.entry.{at}.value": value for at, (_, value) in numbered
    }


# One to a thousand


class Delivered(NamedTuple):
    """What publishes took each until the last queue had the message, and the server's CPU time of all."""

    seconds: tuple[float, ...]
    cpu_s: float


def publish_and_wait(server: Server, talker: Talker, topic: str, last_url: str, publishes: int) -> Delivered:
    """Publish one message after the other, each once the last queue has the one before."""
    receiver = Talker(server)
    taken = []
    cpu_before = precise_cpu_s(server.pid)
    for _ in range(publishes):
        began = time.perf_counter()
        talker.sns("Publish", TopicArn=topic, Message=BODY)
        received = receiver.sqs("ReceiveMessage", QueueUrl=last_url, WaitTimeSeconds=WAIT_S)
        taken.append(time.perf_counter() - began)
        (message,) = received["Messages"]
        receiver.sqs("DeleteMessage", QueueUrl=last_url, ReceiptHandle=message["ReceiptHandle"])
    return Delivered(tuple(taken), precise_cpu_s(server.pid) - cpu_before)


def one_to_many(server: Server, subscribers: int) -> Iterator[Row]:
    """Measure what one publish to many queues takes."""
    talker = Talker(server)
    for what, attributes in (("raw", {"RawMessageDelivery": "true"}), ("documents", {})):
        topic = talker.sns("CreateTopic", Name=f"news-{what}")

        def subscribe(its: Talker, number: int, topic: str = topic, what: str = what, more: Any = attributes) -> None:
            its.subscribe(topic, f"{what}-{number}", **more)

        many("making queues", server, subscribers - 1, subscribe)
        url = talker.subscribe(topic, f"{what}-last", **attributes)
        publish_and_wait(server, talker, topic, url, WARM_UP)
        took = publish_and_wait(server, talker, topic, url, PUBLISHES)
        count = subscribers * PUBLISHES
        yield Row(
            what=f"one publish to {subscribers:,} queues, {what}",
            figure=subscribers / statistics.median(took.seconds),
            unit="deliveries/s",
            p50_ms=statistics.median(took.seconds) * 1000,
            cpu_us=took.cpu_s / count * 1e6,
            target=DELIVERIES_TARGET,
            note=f"{count / took.cpu_s:,.0f} per CPU-second",
        )


# Ten to ten


def ten_to_ten(server: Server, rabbitmq: Peer | None, seconds: float, turns: int) -> Iterator[Row]:
    """Measure batches for filtered queues, beside RabbitMQ."""
    talker = Talker(server)
    ways = ["raw", "documents", *([f"RabbitMQ, {BATCH}", f"RabbitMQ, {PIPELINED}"] if rabbitmq else [])]
    asked = {}
    for what in ways[:2]:
        topic = talker.sns("CreateTopic", Name=f"batches-{what}")
        for number in range(QUEUES):
            policy = json.dumps({"kind": ["order", f"other-{number}"], "size": [{"numeric": [">", number]}]})
            raw = {"RawMessageDelivery": "true"} if what == "raw" else {}
            talker.subscribe(topic, f"batches-{what}-{number}", FilterPolicy=policy, **raw)
        asked[what] = sns(talker.address, form("PublishBatch", TopicArn=topic, **_batch()))
    if rabbitmq:
        fan_out(rabbitmq, EXCHANGE, QUEUES)
    per_s: dict[str, list[float]] = {way: [] for way in ways}
    cpu_us: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(turns):
        for way in ways[:: 1 if turn % 2 == 0 else -1]:
            print(f"ten to ten, {turn + 1} of {turns}: {way}", file=sys.stderr)
            if way in asked:
                before = precise_cpu_s(server.pid)
                load = wrk(asked[way], connections=CONNECTIONS, seconds=seconds)
                messages, elapsed_s = load.items * BATCH, load.elapsed_s
                cpu = precise_cpu_s(server.pid) - before
            else:
                assert rabbitmq is not None
                batch = int(way.rpartition(" ")[2])
                plans = [
                    Plan(
                        role="rabbitmq_produce",
                        target=rabbitmq.target,
                        seconds=seconds,
                        number=number,
                        batch=batch,
                        exchange=EXCHANGE,
                    )
                    for number in range(CONNECTIONS)
                ]
                measured = measure(rabbitmq.pid, plans)
                messages, elapsed_s, cpu = measured.items, measured.elapsed_s, measured.cpu_s
            per_s[way].append(messages / elapsed_s)
            cpu_us[way].append(cpu / messages * 1e6)
            if rabbitmq is not None:
                empty(rabbitmq, EXCHANGE, QUEUES)
                _wait_until_idle(rabbitmq.pid)
    floor = max((statistics.median(per_s[way]) for way in ways[2:]), default=None)
    for way in ways:
        yield Row(
            what=f"batches of {BATCH} to {QUEUES} filtered queues, {way}",
            figure=statistics.median(per_s[way]),
            unit="messages/s",
            cpu_us=statistics.median(cpu_us[way]),
            floor=floor if way in asked else None,
            target=RABBITMQ_TARGET if way == "raw" and floor else None,
            note="each message is signed" if way == "documents" else "",
        )


def _wait_until_idle(pid: int) -> None:
    """Wait until a broker has done what its last turn left behind, for a while."""
    until = time.monotonic() + WAIT_S
    before = precise_cpu_s(pid)
    while time.monotonic() < until:
        time.sleep(ASKED_S)
        now = precise_cpu_s(pid)
        if now - before < IDLE_SHARE * ASKED_S:
            return
        before = now


def _batch() -> dict[str, str]:
    members: dict[str, str] = {}
    for number in range(1, BATCH + 1):
        entry = f"PublishBatchRequestEntries.member.{number}"
        members |= {f"{entry}.Id": str(number), f"{entry}.Message": BODY}
        for at, (name, kind, value) in enumerate((("kind", "String", "order"), ("size", "Number", "100")), 1):
            attribute = f"{entry}.MessageAttributes.entry.{at}"
            members |= {
                f"{attribute}.Name": name,
                f"{attribute}.Value.DataType": kind,
                f"{attribute}.Value.StringValue": value,
            }
    return members


# Filters


def filters() -> Iterator[Row]:
    """Measure what asking policies takes, in CPU time."""
    attributes = tuple(MessageAttribute(name, "String", b"order-7") for name in "abcde")
    policy = compiled(
        json.dumps(
            {
                "a": ["order-7", "order-8"],
                "b": [{"prefix": "order"}],
                "c": [{"anything-but": "bill"}],
                "d": [{"exists": True}],
                "e": [{"suffix": "-7"}, "none"],
            }
        ),
        IN_ATTRIBUTES,
    )
    fields = attribute_fields(attributes)
    assert policy.accepts(fields)
    yield Row(
        what="a policy of five keys is asked",
        figure=_cpu_us(lambda: policy.accepts(fields)),
        unit="µs",
        target=POLICY_US_TARGET,
        at_most=True,
    )
    for scope, entry in (
        (IN_ATTRIBUTES, PublishEntry(body=BODY, attributes=(MessageAttribute("kind", "String", b"kind-500"),))),
        (IN_BODY, PublishEntry(body=json.dumps({"kind": "kind-500", "text": BODY}))),
    ):
        plan = TopicPlan(b"", TopicMeta(), 1, [(number, _filtered(number, scope)) for number in range(1, 1_001)])
        assert len(plan.wanting(entry)) == 1
        yield Row(
            what=f"1,000 subscriptions are asked, one wants it ({scope})",
            figure=_cpu_us(functools.partial(plan.wanting, entry)),
            unit="µs",
            target=INDEX_US_TARGET,
            at_most=True,
        )


def _filtered(number: int, scope: str) -> SubscriptionRow:
    policy = json.dumps({"kind": [f"kind-{number}"], "size": [{"exists": False}, {"numeric": [">", 10]}]})
    return SubscriptionRow(
        id=str(number),
        protocol="sqs",
        endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:q{number}",
        attributes={"FilterPolicy": policy, "FilterPolicyScope": scope},
        confirmed=True,
    )


def _cpu_us(work: Callable[[], object]) -> float:
    """Return the CPU time of one call: the best of five runs."""
    best = float("inf")
    for _ in range(5):
        count, began = 0, time.process_time()
        while (taken := time.process_time() - began) < ASKED_S / 5:
            for _ in range(100):
                work()
            count += 100
        best = min(best, taken / count)
    return best * 1e6


# A dead endpoint


@contextmanager
def dead_endpoint() -> Iterator[str]:
    """Listen, confirm a subscription that is asked for, and answer nothing after that."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        held: list[socket.socket] = []
        confirmed = threading.Event()

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                held.append(connection)
                if confirmed.is_set():
                    continue
                received = b""
                while b"SubscribeURL" not in received or not received.endswith(b"}"):
                    received += connection.recv(65_536)
                url = json.loads(received.partition(b"\r\n\r\n")[2])["SubscribeURL"]
                confirmed.set()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                _get(url)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


def _get(url: str) -> None:
    parts = urlsplit(url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), WAIT_S) as connection:
        request = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        while connection.recv(65_536):
            pass


def beside_the_dead(server: Server) -> Row:
    """Hold a queue's deliveries beside dead endpoints against those beside living queues, in turns."""
    talker = Talker(server)
    living, dead = (talker.sns("CreateTopic", Name=name) for name in ("living", "dead"))
    for number in range(DEAD_ENDPOINTS):
        talker.subscribe(living, f"living-{number}")
    with ExitStack() as endpoints:
        for _ in range(DEAD_ENDPOINTS):
            url = endpoints.enter_context(dead_endpoint())
            talker.sns("Subscribe", TopicArn=dead, Protocol="http", Endpoint=url)
        _wait_until_confirmed(talker, dead)
        urls = {topic: talker.subscribe(topic, f"queue-{at}") for at, topic in enumerate((living, dead))}
        taken: dict[str, list[float]] = {living: [], dead: []}
        for _ in range(PUBLISHES):
            for topic in (living, dead):
                taken[topic] += publish_and_wait(server, talker, topic, urls[topic], 2).seconds
    return Row(
        what=f"publish until a queue has it, beside {DEAD_ENDPOINTS} dead endpoints, and beside as many queues",
        figure=statistics.median(taken[dead]) * 1000,
        unit="ms",
        floor=statistics.median(taken[living]) * 1000,
        target=SLOWED_TARGET,
        at_most=True,
    )


def _wait_until_confirmed(talker: Talker, topic: str) -> None:
    asked = sns(talker.address, form("GetTopicAttributes", TopicArn=topic))
    until = time.monotonic() + WAIT_S
    pending = "<key>SubscriptionsPending</key><value>0</value>"
    client = HttpClient(talker.address)
    while pending not in re.sub(r"\s", "", client.call(asked).decode()):
        assert time.monotonic() < until, "the endpoints were not asked to confirm in time"
        time.sleep(0.05)


# Many topics


def idle_with_topics(folder: Path, count: int) -> Iterator[Row]:
    """Hold a server with many topics against one with none, both just started."""
    found = []
    for made in (0, count):
        path = folder / f"idle-{made}"
        with Server(path) as server:
            many("making topics", server, made, lambda its, number: its.sns("CreateTopic", Name=f"idle-{number}"))
        with Server(path) as server:
            settle(SETTLED_S)
            before = precise_cpu_s(server.pid)
            time.sleep(WATCHED_S)
            cpu = (precise_cpu_s(server.pid) - before) / WATCHED_S * 100
            found.append((cpu, memory_mb(server.pid)[0]))
    (none_cpu, none_mb), (cpu, megabytes) = found
    yield Row(
        what=f"{count:,} topics, idle CPU beyond none's",
        figure=cpu - none_cpu,
        unit="%",
        target=IDLE_CPU_TARGET,
        at_most=True,
        note=f"{none_cpu:.2f} and {cpu:.2f}",
    )
    yield Row(what="  memory beyond none's", figure=megabytes - none_mb, unit="MB", target=IDLE_MB_TARGET, at_most=True)


def main() -> int:
    """Print the table; exit 1 where a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=1_000)
    parser.add_argument("--topics", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each turn of ten to ten takes")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument(
        "--folder", type=Path, help="where data is kept meanwhile; default: the system's temporary folder"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cumulo-topics-", dir=options.folder) as name:
        folder = Path(name)
        refuse_memory_disk(folder)
        machine = describe(folder)
        rows = list(filters())
        with Server(folder / "many") as server:
            rows += one_to_many(server, options.subscribers)
        with ExitStack() as running:
            kind = next(kind for kind in KINDS if kind.client == "rabbitmq")
            rabbitmq = None
            if kind.missing:
                print(f"missing: {kind.name} (`make bench-peers` installs it)", file=sys.stderr)
            else:
                import_clients()
                (folder / kind.client).mkdir()
                rabbitmq = running.enter_context(kind.start(folder / kind.client))
            server = running.enter_context(Server(folder / "ten"))
            rows += ten_to_ten(server, rabbitmq, options.seconds, options.turns)
        with Server(folder / "dead") as server:
            rows.append(beside_the_dead(server))
        rows += idle_with_topics(folder, options.topics)
    if options.json:
        print(json.dumps({"machine": machine, "rows": [row.encoded() for row in rows]}, indent=2))
    else:
        print(", ".join(f"{key} {value}" for key, value in machine.items()))
        show(rows)
    return 0 if all(row.met is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
