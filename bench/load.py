"""What does a durable server do per CPU-second, and how far is that from the least that the wire and the disk cost?

Starts a server on a data folder on a real disk, and client processes that speak the generated stubs. Messages of 1 KiB:
unary, batches of 10 and of 100, streams. Objects: put and get of 1 KiB to 256 MiB. Each number stands beside a floor
that is measured in the same run, because machines differ by a factor of two:

- unary send: an empty servicer of the same proto;
- a message's whole life (send, receive, delete): the same transaction functions on the engine alone (queue_lives.py);
- put: a socket loop that receives, takes MD5 and CRC64NVME, writes and fsyncs; beside it what an empty servicer needs
  only to be handed the frames, which no gRPC server can go below;
- get: an empty servicer that streams zeros; beside it one that has encoded its only frame beforehand.

Neither floor of objects encrypts, so a server without a default encryption stands beside them first; what encryption
costs is shown after, without a target.

Ratios are per CPU-second of the server process, with the clients in processes of their own. Where a target compares
with an empty servicer, server and floor are measured in turns, several times, and the median of each counts: a machine
that others load is not the same machine half a minute later.

Run: python bench/load.py [--processes 1/1 2/2 4/4] [--seconds 4] [--short] [--json] [--folder DIR]
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rig import floors
from rig.clients import Plan, key_of
from rig.machine import describe, refuse_memory_disk
from rig.phases import Measured, answer_of, child, measure, middle, settle
from rig.table import Row, show

if TYPE_CHECKING:
    from cumulo.testing import Server

KIB, MIB = 1024, 1024 * 1024
UNARY_DEPTH = 32
BATCH_DEPTH = 6
TOKEN_LIFE_S = 3600
QUEUE = "load"
BUCKET = "load-bucket"
DELETES = 1_000
UNARY_TARGET = 0.65
LIVES_TARGET = 0.6
ENGINE_TARGET = 30_000
RATE_TARGET, RATE_STRETCH = 15_000, 25_000
PUT_TARGET, GET_TARGET = 0.6, 0.8
GET_FRAME_BYTES = MIB
PLAIN = {"s3_default_encryption": ""}
"""Of a server whose buckets encrypt nothing unless they are asked to."""
TURNS = 3
SIZES = (
    # size, calls under way in each process, calls of each lane at most
    (KIB, 16, 10_000),
    (64 * KIB, 8, 2_000),
    (8 * MIB, 2, 40),
    (256 * MIB, 1, 2),
)


class Bench:
    """One run: a server, a token, and the rows so far."""

    def __init__(self, server: "Server", folder: Path, seconds: float, rows: list[Row]) -> None:
        self.server = server
        self.folder = folder
        self.seconds = seconds
        self.rows = rows
        self.client = server.client()
        self.token = self.client.iam.issue_token(TOKEN_LIFE_S).token
        self.client.queue(QUEUE).create()
        self.client.bucket(BUCKET).create()

    def plans(self, role: str, processes: int, **what: Any) -> list[Plan]:
        """Return one plan for each of `processes` clients on the real server."""
        common = {"target": self.server.target, "token": self.token, "queue": QUEUE, "bucket": BUCKET}
        settings = common | {"seconds": self.seconds} | what
        return [Plan(role=role, number=number, **settings) for number in range(processes)]

    def messages(self, producers: int, consumers: int) -> None:
        """Measure messages with so many processes on each side."""
        shape = f"{producers}/{consumers}"
        self._unary_send(producers, shape)
        engine = self._engine_alone()
        for what, sender, receiver, batch, depth in (
            ("unary", "send", "consume", 1, UNARY_DEPTH),
            ("batch of 10", "send_batch", "consume", 10, BATCH_DEPTH),
            ("batch of 100", "send_batch", "consume", 100, BATCH_DEPTH),
            ("stream", "send_stream", "consume_stream", 100, 1),
        ):
            plans = self.plans(sender, producers, batch=batch, depth=depth)
            plans += self.plans(receiver, consumers, batch=batch, depth=depth)
            lives = measure(self.server.pid, plans)
            settle()
            held = batch == 100
            self.rows.append(
                _row(
                    f"message life, {what} {shape}",
                    lives,
                    "lives/CPU-s",
                    lives.per_cpu_s,
                    floor=engine,
                    target=LIVES_TARGET if held else None,
                )
            )
            if held:
                self.rows.append(
                    Row(
                        what=f"  end to end, {what} {shape}",
                        figure=lives.per_s,
                        unit="messages/s",
                        target=RATE_TARGET,
                        note=f"stretch {RATE_STRETCH:,}: {'yes' if lives.per_s >= RATE_STRETCH else 'no'}",
                    )
                )

    def _unary_send(self, producers: int, shape: str) -> None:
        took, floors_took = [], []
        turn = {"seconds": self.seconds / TURNS, "depth": UNARY_DEPTH}
        with _empty_server() as (pid, target):
            for _ in range(TURNS):
                took.append(measure(self.server.pid, self.plans("send", producers, **turn)))
                floors_took.append(measure(pid, self.plans("send", producers, target=target, **turn)))
        self.client.queue(QUEUE).purge()
        sends, floor = middle(took), middle(floors_took)
        self.rows.append(
            _row(
                f"unary send {shape}",
                sends,
                "calls/CPU-s",
                sends.per_cpu_s,
                floor=floor.per_cpu_s,
                target=UNARY_TARGET,
            )
        )

    def _engine_alone(self) -> float:
        with child(floors.engine_lives, self.seconds, 100, str(self.folder / "engine-alone")) as (_, pipe):
            engine = float(answer_of(pipe))
        row = Row(what="message life, engine alone", figure=engine, unit="lives/CPU-s", target=ENGINE_TARGET)
        self.rows.append(row)
        return engine

    def objects(self, processes: int) -> None:
        """Measure puts and gets of each size, not encrypted; the objects are removed again."""
        for size, depth, count_max in SIZES:
            clients = processes if size < 256 * MIB else 1
            limits: dict[str, Any] = {"size_bytes": size, "depth": depth, "count_max": count_max}
            held = size == 8 * MIB
            put = measure(self.server.pid, self.plans("put", clients, **limits))
            with child(floors.serve_raw, str(self.folder)) as (process, pipe):
                target = f"127.0.0.1:{answer_of(pipe)}"
                raw_plans = self.plans("raw_put", clients, target=target, **limits)
                raw = measure(process.pid, raw_plans)
            self.rows.append(
                _object_row(f"put {_size(size)}", size, put, raw, PUT_TARGET if held else None),
            )
            with _empty_server() as (pid, target):
                empty = limits | {"target": target, "is_floor": True}
                gets, floors_took = [], []
                for _ in range(TURNS if held else 1):
                    gets.append(measure(self.server.pid, self.plans("get", clients, **limits)))
                    floors_took.append(measure(pid, self.plans("get", clients, **empty)))
                get, zeros = middle(gets), middle(floors_took)
                if held:
                    taken = measure(pid, self.plans("put", clients, **empty))
                    self.rows.append(_object_row(f"put {_size(size)}, empty servicer", size, taken, raw, None))
                    encoded = measure(pid, self.plans("get", clients, **empty | {"bucket": floors.ENCODED}))
                    self.rows.append(_object_row(f"get {_size(size)}, encoded zeros", size, encoded, zeros, None))
            self.rows.append(
                _object_row(f"get {_size(size)}", size, get, zeros, GET_TARGET if held else None),
            )
            self._remove(put.items, self.plans("put", clients, **limits))

    def encrypted_objects(self, processes: int) -> None:
        """Measure puts and gets of 8 MiB as buckets have them by default, beside those without encryption."""
        size, depth, count_max = next(it for it in SIZES if it[0] == 8 * MIB)
        limits: dict[str, Any] = {"size_bytes": size, "depth": depth, "count_max": count_max}
        for role in ("put", "get"):
            taken = middle([measure(self.server.pid, self.plans(role, processes, **limits)) for _ in range(TURNS)])
            figure = taken.per_cpu_s * size / 1e6
            plain = next(row.figure for row in self.rows if row.what == f"{role} {_size(size)}")
            what = f"{role} {_size(size)}, encrypted"
            self.rows.append(_row(what, taken, "MB/CPU-s", figure, floor=plain, target=None))

    def _remove(self, count: int, plans: list[Plan]) -> None:
        bucket = self.client.bucket(BUCKET)
        names = [key_of(plan, number) for number in range(count + UNARY_DEPTH) for plan in plans]
        for at in range(0, len(names), DELETES):
            bucket.delete_batch(names[at : at + DELETES])


def _row(what: str, it: Measured, unit: str, figure: float, *, floor: float, target: float | None) -> Row:
    return Row(
        what=what,
        figure=figure,
        unit=unit,
        per_s=it.per_s,
        p50_ms=it.p50_ms,
        p99_ms=it.p99_ms,
        cpu_us=it.cpu_us,
        floor=floor,
        target=target,
    )


def _object_row(what: str, size: int, it: Measured, floor: Measured, target: float | None) -> Row:
    if size < MIB:
        return _row(what, it, "calls/CPU-s", it.per_cpu_s, floor=floor.per_cpu_s, target=target)
    scale = size / 1e6
    return _row(what, it, "MB/CPU-s", it.per_cpu_s * scale, floor=floor.per_cpu_s * scale, target=target)


def _size(size: int) -> str:
    return f"{size // MIB} MiB" if size >= MIB else f"{size // KIB} KiB"


@contextmanager
def _empty_server() -> Iterator[tuple[int, str]]:
    """Run an empty servicer; give its process id and address."""
    with child(floors.serve_empty, GET_FRAME_BYTES) as (process, pipe):
        yield process.pid, f"127.0.0.1:{answer_of(pipe)}"


def _shape(text: str) -> tuple[int, int]:
    producers, _, consumers = text.partition("/")
    return int(producers), int(consumers)


def main() -> int:
    """Print the table; exit 1 where a target was missed."""
    from cumulo.testing import Server  # noqa: PLC0415 - client processes import this file, too, and need no SDK

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", nargs="+", type=_shape, default=[(2, 2)], help="producers/consumers")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long producers work in each phase")
    parser.add_argument("--short", action="store_true", help="under a minute in all")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument(
        "--folder", type=Path, help="where data is kept meanwhile; default: the system's temporary folder"
    )
    options = parser.parse_args()
    seconds = 1.0 if options.short else options.seconds
    with tempfile.TemporaryDirectory(prefix="cumulo-load-", dir=options.folder) as name:
        folder = Path(name)
        refuse_memory_disk(folder)
        machine = describe(folder)
        rows: list[Row] = []
        processes = options.processes[0][0]
        with Server(folder / "data") as server, Server(folder / "plain", settings=PLAIN) as plain:
            bench, unencrypted = (Bench(it, folder, seconds, rows) for it in (server, plain))
            for producers, consumers in options.processes:
                bench.messages(producers, consumers)
            unencrypted.objects(processes)
            bench.encrypted_objects(processes)
            for one in (bench, unencrypted):
                one.client.close()
                assert one.server.stop() == 0
    if options.json:
        print(json.dumps({"machine": machine, "rows": [row.encoded() for row in rows]}, indent=2))
    else:
        print(", ".join(f"{key} {value}" for key, value in machine.items()))
        show(rows)
    return 0 if all(row.met is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
