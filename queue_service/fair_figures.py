"""The figures of fair queues: the noisy groups, and what waits, is in flight or is delayed beside their messages.

SQS has them as metrics (developer guide, "Available CloudWatch metrics for Amazon SQS"):
`ApproximateNumberOfNoisyGroups`, and those that end in `InQuietGroups`. The counts are exact. The age is that of the
oldest message among those whose turn is next in each lane, so a message of a low priority that waits behind one of its
own group is not seen.
"""

from collections.abc import Iterator

from cumulo.queue_service.ages import read_arrived_ms
from cumulo.queue_service.fair_keys import FAIR, FairCounters, decode_fair_counters, fair_layout
from cumulo.queue_service.model import Fairness
from cumulo.queue_service.open_queue import OpenQueue

LANES_MAX = 20
"""Lanes of which the first message is looked at: two of each priority."""


def fairness_of(queue: OpenQueue, now_ms: int) -> Fairness:
    """Return the figures of a standard queue; reads alone."""
    raw = queue.txn.get(queue.partition + FAIR) if queue.group_count else None
    fair = FairCounters() if raw is None else decode_fair_counters(raw)
    lines = (queue.layout.lanes, fair_layout(queue.partition, queue.meta.generation).quiet)
    oldest_ms = min((arrived_ms for line in lines for arrived_ms in _firsts(queue, line)), default=now_ms)
    return Fairness(
        noisy_groups=fair.noisy_groups,
        message_count=queue.ready - fair.noisy_ready,
        in_flight_count=queue.leased - fair.noisy_leased,
        delayed_count=queue.delayed - fair.noisy_delayed,
        oldest_age_s=max(0, now_ms - oldest_ms) // 1000,
    )


def _firsts(queue: OpenQueue, line: bytes) -> Iterator[int]:
    """Return when the first message of each lane came."""
    position = line
    for _ in range(LANES_MAX):
        rows = queue.txn.range(position, line + b"\xff", 1)
        if not rows:
            return
        key = rows[0][0]
        yield read_arrived_ms(queue, key[-8:])
        position = key[:-8] + b"\xff" * 9
