"""How old the messages of a queue are: what its consumers lag behind.

`oldest_age_s` is CloudWatch's ApproximateAgeOfOldestMessage: the age of the oldest message that is not deleted, whoever
holds it, counted from when it came into this queue; of a message that is scheduled from when it becomes visible.
`lag_s` is the age of the message that the next receive gets, 0 where none is visible. Both are found by a few reads,
however many messages there are: numbers rise with arrival, so the oldest message is the first under m. Only messages
that are scheduled for later stand in its way; behind `SCHEDULED_MAX` of these what is visible is looked at instead, and
what somebody holds is not seen.

SQS leaves out messages that were received more than three times; here they count, for they are what an operator wants
to hear of.
"""

import msgspec

from cumulo.queue_service.fair_keys import fair_layout
from cumulo.queue_service.fair_turns import first_in_turn
from cumulo.queue_service.fifo_queue import FifoQueue
from cumulo.queue_service.keys import MIDDLE_LANE, StoredMessage, decode_message, is_scheduled, lane_in
from cumulo.queue_service.open_queue import OpenQueue
from cumulo.storage.engine import Row
from cumulo.storage.tuples import u64

SCHEDULED_MAX = 20
"""Messages for later that are stepped over."""
_PIECES_MAX = 20
"""More than the largest message has: 1 MiB in pieces of 64,000 bytes."""
_DATED_ROWS = 100


class Ages(msgspec.Struct, frozen=True):
    """Ages in whole seconds; 0 where there is no such message."""

    oldest_age_s: int = 0
    lag_s: int = 0


def ages_of(queue: OpenQueue, now_ms: int) -> Ages:
    """Return how old the messages of a queue are; reads alone."""
    if not queue.ready + queue.leased + queue.delayed:
        return Ages()
    oldest = _first_arrived_ms(queue, now_ms)
    if oldest is None:
        oldest = min(_first_visible_ms(queue), default=now_ms)
    lag = _next_arrived_ms(queue) if queue.ready else None
    return Ages(_seconds(now_ms - oldest), _seconds(now_ms - (now_ms if lag is None else lag)))


def _seconds(milliseconds: int) -> int:
    return max(0, milliseconds) // 1000


def _first_arrived_ms(queue: OpenQueue, now_ms: int) -> int | None:
    """Return when the first message came that is not for later; None where there are too many of those before it."""
    seq = 0
    for _ in range(SCHEDULED_MAX):
        found = _message_behind(queue, seq)
        if found is None:
            return None
        seq, stored = found
        arrived_ms = _arrived_ms(stored)
        if arrived_ms <= now_ms:
            return arrived_ms
    return None


def _message_behind(queue: OpenQueue, seq: int) -> tuple[int, StoredMessage] | None:
    """Return the first message with a number above `seq`; pieces of messages that are gone are stepped over."""
    prefix, end = queue.layout.message, queue.layout.message + b"\xff" * 9
    for _ in range(SCHEDULED_MAX):
        rows = queue.txn.range(prefix + u64(seq + 1), end, 1)
        if not rows:
            return None
        key = rows[0][0][: len(prefix) + 8]
        seq = int.from_bytes(key[-8:], "big")
        if rows[0][0] == key:
            return seq, _decoded(queue.txn.range(key, key + b"\xff", _PIECES_MAX))
    return None


def _decoded(rows: list[Row]) -> StoredMessage:
    return decode_message(b"".join(piece for _, piece in rows))


def _arrived_ms(stored: StoredMessage) -> int:
    return stored.arrived_ms or stored.kept_from_ms


def read_arrived_ms(queue: OpenQueue, seq: bytes) -> int:
    """Return when a message came into its queue, or became visible that was scheduled."""
    key = queue.layout.message + seq
    return _arrived_ms(_decoded(queue.txn.range(key, key + b"\xff", _PIECES_MAX)))


def _first_visible_ms(queue: OpenQueue) -> list[int]:
    """Return when the first message of each lane came; of scheduled ones the one that became visible first."""
    times = [
        read_arrived_ms(queue, rows[0][0][-8:])
        for lane in queue.lanes_in_use()
        if not is_scheduled(lane[-1] - MIDDLE_LANE) and (rows := queue.txn.range(lane, lane + b"\xff" * 9, 1))
    ]
    dated = queue.layout.dated
    for key, value in queue.txn.range(dated, dated + b"\xff" * 16, _DATED_ROWS):
        if is_scheduled(lane_in(value)):
            times.append(int.from_bytes(key[-16:-8], "big"))
            break
    if queue.group_count:
        age = fair_layout(queue.partition, queue.meta.generation).age
        rows = queue.txn.range(age, age + b"\xff" * 9, 1)
        times += [int.from_bytes(key[len(age) : len(age) + 8], "big") for key, _ in rows]
    return times


def _next_arrived_ms(queue: OpenQueue) -> int | None:
    """Return when the message came that the next receive gets; None where its group is blocked."""
    if isinstance(queue, FifoQueue):
        number = queue.first_ready()
        first = [] if number is None else queue.messages_of(number, 0, 1)
        return read_arrived_ms(queue, u64(first[0][0])) if first else None
    seq = first_in_turn(queue.txn, queue.layout.lanes, fair_layout(queue.partition, queue.meta.generation))
    return None if seq is None else read_arrived_ms(queue, seq)
