"""What does AWS's protocol cost on our port, and how far is that from the servers that people would else use?

Starts our server, durable, on a data folder on a real disk, and MiniStack and moto_server, which keep everything in
memory and look at no signature; all of them get the same signed requests from the same clients, in turns. A figure is
per CPU-second of the server, all its threads counted; its floor is MiniStack's, unless the row says otherwise:

- put 8 MiB beside a raw loop: one that receives, takes MD5 and CRC64NVME (and SHA-256 where the client has signed it),
  writes and fsyncs (the floor of load.py);
- memory, parked polls, the listing: held against a figure of their own.

Run: python bench/edge.py [--seconds 4] [--short] [--only PART ...] [--alone] [--json] [--folder DIR]
"""

import argparse
import base64
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from rig import anchors, floors
from rig.clients import Plan
from rig.http_client import HttpClient
from rig.http_load import (
    Load,
    download,
    in_group,
    parked_polls,
    processes,
    put_many,
    receive_and_delete,
    send_in_groups,
    upload,
    wrk,
)
from rig.machine import cpu_s, describe, memory_mb, refuse_memory_disk
from rig.phases import answer_of, child, measure, settle
from rig.signed_requests import UNSIGNED, Address, Asked, s3, sqs
from rig.table import Row, show

from cumulo.testing import Server

KIB, MIB, GIB = 1024, 1024**2, 1024**3
OURS, MINISTACK, MOTO = "ours", "ministack", "moto"
BUCKET, QUEUE, FIFO_QUEUE = "edge-bench", "edge-bench", "edge-bench.fifo"
SMALL_CONNECTIONS, LARGE_CONNECTIONS = 32, 2
ROUNDS = 2
LISTED = 1_000
PRELOADED = 10_000
"""Messages that wait before they are received: more than a phase gets through."""
BATCH = 10
LANES = 8
POLLS, POLL_WAIT_S, POLL_CPU_S = 1_000, 20, 5.0
SEND_TARGET, SMALL_OBJECT_TARGET, GET_TARGET, PUT_TARGET, RAW_TARGET = 3.5, 4.0, 1.0, 1.4, 0.85
WRITERS, WRITERS_TARGET = 16, 5.0
AT_ONCE, MEMORY_AT_ONCE_MB_TARGET = 20, 100
GET_MB_TARGET, LISTING_MS_TARGET, MEMORY_MB_TARGET, POLL_CPU_TARGET, POLL_KB_TARGET = 2_000, 1.0, 64, 1.0, 30


class Peer(NamedTuple):
    """A server under load."""

    name: str
    pid: int
    address: Address

    def queue_url(self, queue: str) -> str:
        """Return a queue's address as the server gave it."""
        body = json.dumps({"QueueName": queue}).encode()
        return str(json.loads(HttpClient(self.address).call(sqs(self.address, "GetQueueUrl", body)))["QueueUrl"])


class Cost(NamedTuple):
    """What a peer did in all rounds, and its CPU time."""

    load: Load
    cpu_s: float

    @property
    def per_cpu_s(self) -> float:
        """Items a CPU-second."""
        return self.load.items / self.cpu_s


Phase = Callable[[Peer], Load]


def cost_of(peer: Peer, phase: Phase) -> Cost:
    """Run a phase on one peer."""
    settle()
    before = cpu_s(peer.pid)
    load = phase(peer)
    return Cost(load, max(cpu_s(peer.pid) - before, 0.01))


def together(costs: Sequence[Cost]) -> Cost:
    """Return the sum of rounds; the latencies are the last one's."""
    loads = [cost.load for cost in costs]
    load = Load(sum(one.items for one in loads), sum(one.elapsed_s for one in loads), *loads[-1][2:])
    return Cost(load, sum(cost.cpu_s for cost in costs))


class Bench:
    """One run: ours, the others, and the rows so far."""

    def __init__(self, ours: Peer, others: Sequence[Peer], folder: Path, seconds: float) -> None:
        self.ours = ours
        self.others = others
        self.folder = folder
        self.seconds = seconds
        self.rows: list[Row] = []
        for peer in self.peers:
            client = HttpClient(peer.address)
            client.call(s3(peer.address, "PUT", f"/{BUCKET}"))
            for queue, attributes in ((QUEUE, {}), (FIFO_QUEUE, {"FifoQueue": "true"})):
                document = json.dumps({"QueueName": queue, "Attributes": attributes}).encode()
                client.call(sqs(peer.address, "CreateQueue", document))

    @property
    def peers(self) -> Sequence[Peer]:
        """All servers, ours first."""
        return (self.ours, *self.others)

    def compare(
        self,
        what: str,
        phase: Phase,
        target: float | None,
        *,
        size_bytes: int = 0,
        note: str = "",
        before: Callable[[Peer], None] | None = None,
    ) -> Cost:
        """Add a row that holds ours against MiniStack, in turns; bodies of `size_bytes` are counted in MB, and what
        `before` does to prepare a round is not.
        """
        rounds: dict[str, list[Cost]] = {peer.name: [] for peer in self.peers}
        for number in range(ROUNDS):
            for peer in self.peers:
                if peer.name != MOTO or not number:  # once shows how far away it is
                    if before is not None:
                        before(peer)
                    rounds[peer.name].append(cost_of(peer, phase))
        costs = {name: together(it) for name, it in rounds.items()}
        ours = costs[OURS]
        scale, unit = (size_bytes / 1e6, "MB/CPU-s") if size_bytes >= MIB else (1.0, "calls/CPU-s")
        if MOTO in costs:
            note += f"{'; ' if note else ''}moto {costs[MOTO].per_cpu_s * scale:,.0f}"
        self.rows.append(
            Row(
                what=what,
                figure=ours.per_cpu_s * scale,
                unit=unit,
                per_s=ours.load.items / ours.load.elapsed_s,
                p50_ms=ours.load.p50_ms,
                p99_ms=ours.load.p99_ms,
                cpu_us=ours.cpu_s / ours.load.items * 1e6,
                floor=costs[MINISTACK].per_cpu_s * scale if MINISTACK in costs else None,
                target=target if MINISTACK in costs else None,
                note=note,
            )
        )
        return ours

    def repeat(self, make: Callable[[Address], Asked], connections: int = SMALL_CONNECTIONS) -> Phase:
        """Return the phase in which wrk sends one request over and over."""
        return lambda peer: self._wrk(peer, make(peer.address), connections)

    def _wrk(self, peer: Peer, asked: Asked, connections: int) -> Load:
        if peer.name == MOTO:  # of concurrent writes to one key it answers some with 500
            connections = 1
        return wrk(asked, connections=connections, seconds=self.seconds)

    # -- SQS

    def send(self) -> None:
        """SendMessage of 1 KiB."""
        text = "x" * KIB

        def one(peer: Peer) -> Load:
            document = json.dumps({"QueueUrl": peer.queue_url(QUEUE), "MessageBody": text}).encode()
            return self._wrk(peer, sqs(peer.address, "SendMessage", document), SMALL_CONNECTIONS)

        self.compare("SQS SendMessage 1 KiB", one, SEND_TARGET, note="stretch 5")

    def receive(self) -> None:
        """ReceiveMessage and DeleteMessage, one message at a time."""
        self._receive(QUEUE, "SQS ReceiveMessage + DeleteMessage 1 KiB")

    def fifo(self) -> None:
        """SendMessage, whose id must be new each time, which wrk cannot do; then as of a standard queue."""
        seconds = self.seconds

        def send(peer: Peer) -> Load:
            lanes = 1 if peer.name == MOTO else LANES
            url = peer.queue_url(FIFO_QUEUE)
            return processes(2, send_in_groups, peer.address, url, lanes, seconds, KIB)

        self.compare("SQS SendMessage 1 KiB, FIFO", send, SEND_TARGET)
        self._receive(FIFO_QUEUE, "SQS ReceiveMessage + DeleteMessage 1 KiB, FIFO")

    def _receive(self, queue: str, what: str) -> None:
        for peer in self.peers:
            self._preload(peer, queue)
        seconds = self.seconds

        def lives(peer: Peer) -> Load:
            return processes(2, receive_and_delete, peer.address, peer.queue_url(queue), LANES, seconds)

        self.compare(what, lives, SEND_TARGET)

    def _preload(self, peer: Peer, queue: str) -> None:
        client, url = HttpClient(peer.address), peer.queue_url(queue)
        client.call(sqs(peer.address, "PurgeQueue", json.dumps({"QueueUrl": url}).encode()))
        count = PRELOADED if peer.name != MOTO else LANES * BATCH
        for first in range(0, count, BATCH):
            entries = [{"Id": str(number), "MessageBody": "x" * KIB} for number in range(first, first + BATCH)]
            if queue == FIFO_QUEUE:
                entries = [entry | in_group(first + at, "preload") for at, entry in enumerate(entries)]
            client.call(
                sqs(peer.address, "SendMessageBatch", json.dumps({"QueueUrl": url, "Entries": entries}).encode())
            )

    # -- S3

    def small_objects(self) -> None:
        """Put and get of what is kept with the metadata."""
        for size, name in ((KIB, "1 KiB"), (64 * KIB, "64 KiB")):
            path, body = f"/{BUCKET}/{size}", bytes([120]) * size

            def put(address: Address, path: str = path, body: bytes = body) -> Asked:
                return s3(address, "PUT", path, body=body)

            def get(address: Address, path: str = path) -> Asked:
                return s3(address, "GET", path)

            self.compare(f"S3 PUT {name}, signed hash", self.repeat(put), SMALL_OBJECT_TARGET)
            self.compare(f"S3 GET {name}", self.repeat(get), SMALL_OBJECT_TARGET)

    def large_objects(self) -> None:
        """Put and get of 8 MiB against MiniStack and a raw loop, and get of 256 MiB."""
        size, path = 8 * MIB, f"/{BUCKET}/8m"
        count = max(4, round(self.seconds * 6))
        signed = hashlib.sha256(bytes(size)).hexdigest()
        for what, hashed, hashes in (("unsigned", UNSIGNED, ()), ("signed hash", signed, ("sha256",))):

            def put(peer: Peer, hashed: str = hashed) -> Load:
                return processes(LARGE_CONNECTIONS, upload, peer.address, path, size, count, hashed)

            ours = self.compare(f"S3 PUT 8 MiB, {what}", put, PUT_TARGET, size_bytes=size)
            figure = ours.per_cpu_s * size / 1e6
            raw_mb = self._raw_put(size, hashes)
            beside = f"  beside a raw loop, {what}"
            self.rows.append(Row(what=beside, figure=figure, unit="MB/CPU-s", floor=raw_mb, target=RAW_TARGET))

        def get(peer: Peer) -> Load:
            return processes(LARGE_CONNECTIONS, download, peer.address, path, size, 8 * count)

        self.compare("S3 GET 8 MiB", get, GET_TARGET, size_bytes=size)
        size = 256 * MIB
        path = f"/{BUCKET}/256m"
        upload(0, self.ours.address, path, size, 1, UNSIGNED)
        cost = cost_of(self.ours, lambda peer: processes(1, download, peer.address, path, size, count))
        self._figure("S3 GET 256 MiB", cost.per_cpu_s * size / 1e6, "MB/CPU-s", GET_MB_TARGET)

    def _raw_put(self, size: int, hashes: Sequence[str]) -> float:
        with child(floors.serve_raw, str(self.folder), *hashes) as (process, pipe):
            target = f"127.0.0.1:{answer_of(pipe)}"
            plans = [
                Plan(role="raw_put", target=target, seconds=self.seconds, number=number, size_bytes=size)
                for number in range(LARGE_CONNECTIONS)
            ]
            return measure(process.pid, plans).per_cpu_s * size / 1e6

    def listing(self) -> None:
        """ListObjectsV2 of a full page."""
        for peer in self.peers:
            put_many(HttpClient(peer.address), peer.address, f"/{BUCKET}/listed/", LISTED)

        def page(address: Address) -> Asked:
            return s3(address, "GET", f"/{BUCKET}", query=(("list-type", "2"), ("prefix", "listed/")))

        cost = cost_of(self.ours, self.repeat(page, LARGE_CONNECTIONS))
        self._figure("S3 ListObjectsV2 of 1,000 keys", 1000 / cost.per_cpu_s, "ms CPU", LISTING_MS_TARGET, at_most=True)

    def deletes(self) -> None:
        """DeleteObjects of a thousand keys."""
        keys = "".join(f"<Object><Key>deleted/{number:04}</Key></Object>" for number in range(LISTED))
        document = f"<Delete><Quiet>true</Quiet>{keys}</Delete>".encode()
        digest = base64.b64encode(hashlib.md5(document, usedforsecurity=False).digest()).decode()

        def delete(peer: Peer) -> Load:
            asked = s3(
                peer.address, "POST", f"/{BUCKET}", query=(("delete", ""),), body=document, more={"content-md5": digest}
            )
            started = time.monotonic()
            HttpClient(peer.address).call(asked)
            return Load(LISTED, time.monotonic() - started)

        def prepare(peer: Peer) -> None:
            put_many(HttpClient(peer.address), peer.address, f"/{BUCKET}/deleted/", LISTED)

        self.compare("S3 DeleteObjects of 1,000 keys, each", delete, None, before=prepare)

    def writers(self) -> None:
        """Put small objects by one writer, and by sixteen: what they gain by sharing commits."""

        def put(address: Address) -> Asked:
            return s3(address, "PUT", f"/{BUCKET}/shared", body=bytes(KIB))

        one, many = (self.repeat(put, connections)(self.ours) for connections in (1, WRITERS))
        self.rows.append(
            Row(
                what=f"S3 PUT 1 KiB by {WRITERS} writers, beside one",
                figure=many.items / many.elapsed_s,
                unit="calls/s",
                p50_ms=many.p50_ms,
                p99_ms=many.p99_ms,
                floor=one.items / one.elapsed_s,
                target=WRITERS_TARGET,
            )
        )

    def gibibyte(self) -> None:
        """Put and get of a body of 1 GiB, beside MiniStack."""
        path = f"/{BUCKET}/gibibyte"
        self.compare(
            "S3 PUT 1 GiB",
            lambda peer: processes(1, upload, peer.address, path, GIB, 1, UNSIGNED),
            None,
            size_bytes=GIB,
        )
        self.compare(
            "S3 GET 1 GiB", lambda peer: processes(1, download, peer.address, path, GIB, 1), None, size_bytes=GIB
        )
        for peer in self.peers:
            HttpClient(peer.address).call(s3(peer.address, "DELETE", f"{path}-0"))

    def memory(self) -> None:
        """Send a gibibyte up and down, alone and twenty at once: what it adds to the server's memory at its highest."""
        path = f"/{BUCKET}/1g"
        for count, target in ((1, MEMORY_MB_TARGET), (AT_ONCE, MEMORY_AT_ONCE_MB_TARGET)):
            for what, work, *more in (("up", upload, UNSIGNED), ("down", download)):
                before_mb, _ = memory_mb(self.ours.pid)
                Path(f"/proc/{self.ours.pid}/clear_refs").write_text("5")  # begin a new high-water mark
                processes(count, work, self.ours.address, path, GIB, 1, *more)
                added_mb = highest_mb(self.ours.pid) - before_mb
                self._figure(f"memory added by {count} of 1 GiB {what}", added_mb, "MB", target, at_most=True)
            for number in range(count):
                HttpClient(self.ours.address).call(s3(self.ours.address, "DELETE", f"{path}-{number}"))

    def parked(self) -> None:
        """Long polls that wait for a message."""
        name = json.dumps({"QueueName": "parked"}).encode()
        address = self.ours.address
        url = json.loads(HttpClient(address).call(sqs(address, "CreateQueue", name)))["QueueUrl"]
        before_mb, _ = memory_mb(self.ours.pid)
        with parked_polls(address, url, POLLS, POLL_WAIT_S):
            settle(2.0)
            rss_mb, _ = memory_mb(self.ours.pid)
            before_s = cpu_s(self.ours.pid)
            time.sleep(POLL_CPU_S)
            percent = (cpu_s(self.ours.pid) - before_s) / POLL_CPU_S * 100
        what = f"{POLLS:,} parked long polls"
        self._figure(f"{what}, CPU", percent, "%", POLL_CPU_TARGET, at_most=True)
        self._figure("  memory of each", (rss_mb - before_mb) * 1000 / POLLS, "KB", POLL_KB_TARGET, at_most=True)

    def _figure(self, what: str, figure: float, unit: str, target: float, *, at_most: bool = False) -> None:
        self.rows.append(Row(what=what, figure=figure, unit=unit, target=target, at_most=at_most))


def highest_mb(pid: int) -> float:
    """Return the most resident memory that a process has had since its mark was cleared."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1000
    raise RuntimeError(f"no process {pid}")


def main() -> int:
    """Print the table; exit 1 where a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long a round of each server takes")
    parser.add_argument("--short", action="store_true", help="rounds of a second")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS), help="the parts to measure")
    parser.add_argument("--alone", action="store_true", help="ours only: no ratios, and nothing is installed")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument(
        "--folder", type=Path, help="where data is kept meanwhile; default: the system's temporary folder"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cumulo-edge-", dir=options.folder) as name, ExitStack() as running:
        folder = Path(name)
        refuse_memory_disk(folder)
        machine = describe(folder)
        server = running.enter_context(Server(folder / "data"))
        url, key = urlsplit(server.url), server.credentials
        address = Address(str(url.hostname), int(url.port or 0), key["access_key_id"], key["secret_access_key"])
        others = []
        if not options.alone:
            for anchor, start in ((MINISTACK, anchors.ministack), (MOTO, anchors.moto)):
                others.append(Peer(anchor, *running.enter_context(start())))
        seconds = 1.0 if options.short else options.seconds
        bench = Bench(Peer(OURS, server.pid, address), others, folder, seconds)
        for part in options.only:
            PARTS[part](bench)
        assert server.stop() == 0
    if options.json:
        print(json.dumps({"machine": machine, "rows": [row.encoded() for row in bench.rows]}, indent=2))
    else:
        print(", ".join(f"{key} {value}" for key, value in machine.items()))
        show(bench.rows)
    return 0 if all(row.met is not False for row in bench.rows) else 1


PARTS: dict[str, Callable[[Bench], None]] = {
    "send": Bench.send,
    "receive": Bench.receive,
    "fifo": Bench.fifo,
    "small": Bench.small_objects,
    "large": Bench.large_objects,
    "list": Bench.listing,
    "deletes": Bench.deletes,
    "writers": Bench.writers,
    "gibibyte": Bench.gibibyte,
    "memory": Bench.memory,
    "parked": Bench.parked,
}


if __name__ == "__main__":
    sys.exit(main())
