"""Does one blocked group of a FIFO queue, however long, slow the other groups?

Two FIFO queues on one server: in one, a group of 200,000 messages is blocked, because its first message is in flight;
the other is empty but for what is being measured. The same life, a send to another group, a receive, a delete, and a
send to the first group, meets both in turns; each step's median time in the first queue stands beside the second's.

Run: python bench/queue_blocked_group.py [--length 200000] [--lives 400] [--json] [--folder DIR]
"""

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from rig.machine import describe, refuse_memory_disk
from rig.table import Row, show

from cumulo.client import Outgoing, Queue
from cumulo.testing import Server

BLOCKED, FREE = "blocked.fifo", "free.fifo"
LONG, OTHER = "long", "other"
BATCH = 100
BODY = b"x" * 1024
HELD_S = 43_200
SLOWER_TARGET = 1.15
"""A median of some hundred commits on a shared disk repeats within a tenth or so."""
STEPS = ("send to another group", "receive", "delete", "send to the long group")


def block(queue: Queue, length: int) -> None:
    """Fill one group and take its first message."""
    for first in range(0, length, BATCH):
        numbers = range(first, min(first + BATCH, length))
        queue.send_batch([Outgoing(BODY, group=LONG, deduplication_id=f"fill-{n}") for n in numbers])
    taken = queue.receive_batch(max=1, wait=1, visibility_timeout=HELD_S)
    assert [message.group for message in taken] == [LONG]


def live(queue: Queue, number: int) -> tuple[float, ...]:
    """Take one message of another group through its life; return how long each step took, in ms."""
    times = [time.perf_counter()]
    queue.send(BODY, group=OTHER, deduplication_id=f"other-{number}")
    times.append(time.perf_counter())
    (message,) = queue.receive_batch(max=10, wait=0)
    times.append(time.perf_counter())
    assert message.group == OTHER
    queue.delete_message(message.receipt_handle)
    times.append(time.perf_counter())
    queue.send(BODY, group=LONG, deduplication_id=f"long-{number}")
    times.append(time.perf_counter())
    return tuple((end - start) * 1000 for start, end in itertools.pairwise(times))


def main() -> int:
    """Run as the module docstring says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--length", type=int, default=200_000)
    parser.add_argument("--lives", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    refuse_memory_disk(options.folder)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        machine = describe(Path(folder))
        with Server(Path(folder) / "data") as server, server.client() as client:
            queues = {name: client.queue(name) for name in (BLOCKED, FREE)}
            for queue in queues.values():
                queue.create()
            block(queues[BLOCKED], options.length)
            block(queues[FREE], 1)
            taken: dict[str, list[tuple[float, ...]]] = {name: [] for name in queues}
            for number in range(options.lives):
                for name in (BLOCKED, FREE) if number % 2 else (FREE, BLOCKED):
                    taken[name].append(live(queues[name], number))
    medians = {name: [statistics.median(step) for step in zip(*lives, strict=True)] for name, lives in taken.items()}
    rows = [
        Row(
            what=f"{step}, {options.length:,} blocked",
            figure=medians[BLOCKED][at],
            unit="ms",
            floor=medians[FREE][at],
            target=SLOWER_TARGET,
            at_most=True,
        )
        for at, step in enumerate(STEPS)
    ]
    if options.json:
        print(json.dumps({"machine": machine, "rows": [row.encoded() for row in rows]}, indent=2))
    else:
        print(machine)
        show(rows)
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
