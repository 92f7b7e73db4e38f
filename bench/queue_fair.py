"""Does the backlog of a noisy tenant, however long, slow the others on its queue?

Two standard queues on one server: in one, a group has a backlog of a million messages and 60 messages in flight; in the
other it has 100 and 60. The same life, a quiet tenant's send, receive and delete, and the noisy one's receive and send,
meets both in turns; each step's median time in the first queue stands beside the second's. That the receive brings the
quiet tenant's message at once is asserted. Then batches of 100 live through a queue: all of one group, and of ten,
beside the same without groups.

Run: python bench/queue_fair.py [--length 1000000] [--lives 400] [--json] [--folder DIR]
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

LONG, SHORT = "long-backlog", "short-backlog"
LOUD, QUIET = "loud", "quiet"
BATCH = 100
SHORT_LENGTH = 100
BODY = b"x" * 1024
HELD = 60
HELD_S = 43_200
SLOWER_TARGET = 1.15
"""A median of some hundred commits on a shared disk repeats within a tenth or so."""
GROUPED_TARGET = 0.5
"""Of the rate without groups: a group's record and lines are read and written with its messages."""
STEPS = ("quiet send", "quiet receive", "quiet delete", "noisy receive and delete", "noisy send")
GROUPS = (0, 1, 10)


def make_noisy(queue: Queue, length: int) -> None:
    """Fill a group, and take some of it."""
    for first in range(0, length + HELD, BATCH):
        queue.send_batch([Outgoing(BODY, group=LOUD)] * min(BATCH, length + HELD - first))
    taken = queue.receive_batch(max=HELD, wait=1, visibility_timeout=HELD_S)
    assert [message.group for message in taken] == [LOUD] * HELD


def live(queue: Queue) -> tuple[float, ...]:
    """Take one message of the quiet tenant through its life, and one of the noisy one; return each step's ms."""
    times = [time.perf_counter()]
    queue.send(BODY, group=QUIET)
    times.append(time.perf_counter())
    (message,) = queue.receive_batch(max=1, wait=0)
    times.append(time.perf_counter())
    assert message.group == QUIET
    queue.delete_message(message.receipt_handle)
    times.append(time.perf_counter())
    (message,) = queue.receive_batch(max=1, wait=0)
    assert message.group == LOUD
    queue.delete_message(message.receipt_handle)
    times.append(time.perf_counter())
    queue.send(BODY, group=LOUD)
    times.append(time.perf_counter())
    return tuple((end - start) * 1000 for start, end in itertools.pairwise(times))


def live_in_batches(queue: Queue, groups: int) -> float:
    """Take a batch through its life; return how long that took, in ms."""
    names = [f"tenant-{place % groups}" if groups else None for place in range(BATCH)]
    started = time.perf_counter()
    queue.send_batch([Outgoing(BODY, group=name) for name in names])
    left = BATCH
    while left:
        taken = queue.receive_batch(max=left, wait=0)
        queue.delete_batch(taken)
        left -= len(taken)
    return (time.perf_counter() - started) * 1000


def main() -> int:
    """Run as the module docstring says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--length", type=int, default=1_000_000)
    parser.add_argument("--lives", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    refuse_memory_disk(options.folder)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        machine = describe(Path(folder))
        with Server(Path(folder) / "data") as server, server.client() as client:
            queues = {name: client.queue(name, create=True) for name in (LONG, SHORT)}
            make_noisy(queues[LONG], options.length)
            make_noisy(queues[SHORT], SHORT_LENGTH)
            taken: dict[str, list[tuple[float, ...]]] = {name: [] for name in queues}
            for number in range(options.lives):
                for name in (LONG, SHORT) if number % 2 else (SHORT, LONG):
                    taken[name].append(live(queues[name]))
            batched: dict[int, list[float]] = {groups: [] for groups in GROUPS}
            others = {groups: client.queue(f"batches-{groups}", create=True) for groups in GROUPS}
            for _ in range(options.lives // 4):
                for groups in GROUPS:
                    batched[groups].append(live_in_batches(others[groups], groups))
    medians = {name: [statistics.median(step) for step in zip(*lives, strict=True)] for name, lives in taken.items()}
    rows = [
        Row(
            what=f"{step} beside {options.length:,} of a noisy group",
            figure=medians[LONG][at],
            unit="ms",
            floor=medians[SHORT][at],
            target=SLOWER_TARGET,
            at_most=True,
        )
        for at, step in enumerate(STEPS)
    ]
    rates = {groups: BATCH * 1000 / statistics.median(times) for groups, times in batched.items()}
    rows += [
        Row(
            what=f"lives in batches of {BATCH}, of {groups} {'group' if groups == 1 else 'groups'}",
            figure=rates[groups],
            unit="/s",
            floor=rates[0],
            target=GROUPED_TARGET,
        )
        for groups in GROUPS[1:]
    ]
    if options.json:
        print(json.dumps({"machine": machine, "rows": [row.encoded() for row in rows]}, indent=2))
    else:
        print(machine)
        show(rows)
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
