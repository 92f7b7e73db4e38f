"""Retention: messages that are older than their queue keeps them are deleted, and content that was purged is cleared.

The retention timer walks each lane under r from the lowest number, the oldest message, to the first that may stay;
messages whose age their number does not tell, since they came from another queue or were scheduled, have an index of
their own, x, and the lanes of scheduled ones are not walked. Message groups have an index by age, a, and the lanes of
each that is too old are walked in the same way. Leased and delayed messages are left alone: their age is looked at when
they return. Everything goes in slices. FIFO queues have their own way (`fifo`) behind the same timers.
"""

import msgspec

from cumulo.queue_service import fifo, fifo_windows
from cumulo.queue_service.fair import GROUP_OPERATIONS, OpenGroup
from cumulo.queue_service.fair_keys import fair_layout, name_in
from cumulo.queue_service.fifo_queue import find_fifo
from cumulo.queue_service.keys import MIDDLE_LANE, RETAIN, WAKE, decode_message, is_scheduled
from cumulo.queue_service.leases import PROMOTE_OPERATIONS_OF_TIMER, promote
from cumulo.queue_service.open_queue import OpenQueue, find_queue, lease_of
from cumulo.storage.engine import Due, Txn
from cumulo.storage.tuples import after

EXPIRE_MAX = 100
"""Messages that one run of the timer deletes of those under r, and of those under x."""
EXPIRE_OPERATIONS_MAX = 700
"""Operations of one run for messages under r: 4 each, and one for each piece that must be read."""
EXPIRE_OPERATIONS_OF_DATED_MAX = 600
"""Operations of one run for messages under x: 6 each, and those of its group, once."""
EXPIRE_GROUPS_MAX = 25
"""Groups that one run looks at."""
EXPIRE_GROUP_ROWS = 10
"""Messages of a group that are read at once."""
EXPIRE_OPERATIONS_OF_GROUPS_MAX = 500
"""Operations of one run for messages of groups: 5 each, and one for each piece that must be read."""
CLEAR_ROWS_MAX = 1_000


class Timer(msgspec.Struct, frozen=True):
    """A due entry of one queue, and the time by the deadline clock."""

    entry: Due
    now_ms: int


def wake(txn: Txn, timer: Timer) -> None:
    """Make ready what is due, and arm the timer for the next: the deed of `queue.wake`."""
    queue = _fired(txn, timer)
    if queue is not None and 0 < queue.wake_ms <= timer.now_ms:
        if queue.meta.fifo:
            fifo.wake(txn, queue.partition, timer.now_ms)
            return
        promote(queue, timer.now_ms, PROMOTE_OPERATIONS_OF_TIMER)
        queue.save()


def retain(txn: Txn, timer: Timer) -> None:
    """Delete what is too old, and arm the timer for the next: the deed of `queue.retain`."""
    queue = _fired(txn, timer)
    if queue is not None and 0 < queue.retain_ms <= timer.now_ms:
        if queue.meta.fifo:
            fifo.retain(txn, queue.partition, timer.now_ms)
            return
        queue.retain_ms = 0
        _expire_dated(queue, timer.now_ms)
        _expire_ready(queue, timer.now_ms)
        if queue.group_count:
            _expire_groups(queue, timer.now_ms)
        queue.save()


def forget(txn: Txn, timer: Timer) -> None:
    """Forget what a FIFO queue remembered long enough, and arm the timer for the next: the deed of `queue.forget`."""
    entry = timer.entry
    queue = find_fifo(txn, entry.key)
    if queue is None or queue.forget_ms != entry.at_ms:
        txn.undue(entry.at_ms, entry.kind, entry.key)
    if queue is not None and 0 < queue.forget_ms <= timer.now_ms:
        fifo_windows.forget(queue, timer.now_ms)
        queue.save()


def clear(txn: Txn, entry: Due) -> None:
    """Delete a slice of the rows that start with the entry's key: the deed of `queue.clear`."""
    if txn.delete_range(entry.key, after(entry.key), CLEAR_ROWS_MAX) < CLEAR_ROWS_MAX:
        txn.undue(entry.at_ms, entry.kind, entry.key)


def _fired(txn: Txn, timer: Timer) -> OpenQueue | None:
    """Return the queue of an entry; an entry that no queue counts as armed is removed.

    It may be the queue's all the same: one whose deed failed is put off by the pump, to a time that no queue knows. So
    what is done depends on the queue's time, not on the entry's.
    """
    entry = timer.entry
    queue = find_queue(txn, entry.key)
    armed = 0 if queue is None else {WAKE: queue.wake_ms, RETAIN: queue.retain_ms}[entry.kind]
    if armed != entry.at_ms:
        txn.undue(entry.at_ms, entry.kind, entry.key)
    return queue


def _expire_ready(queue: OpenQueue, now_ms: int) -> None:
    left, operations = EXPIRE_MAX, 0
    for lane in queue.lanes_in_use():
        if is_scheduled(lane[-1] - MIDDLE_LANE):
            continue
        for key, state in queue.txn.range(lane, lane + b"\xff" * 9, left):
            lease, seq = lease_of(state), int.from_bytes(key[-8:], "big")
            left -= 1
            operations += lease.pieces + 4
            if operations > EXPIRE_OPERATIONS_MAX:
                left = 0
                break
            kept_from_ms = decode_message(queue.message_bytes(seq, lease.pieces)).kept_from_ms
            if not queue.is_too_old(kept_from_ms, now_ms):
                queue.retain_by(kept_from_ms + queue.meta.message_retention_s * 1000)
                break
            queue.take_ready(key, lease, now_ms)
            queue.drop(seq, lease, now_ms)
        if not left:
            queue.retain_by(now_ms)
            return


def _expire_dated(queue: OpenQueue, now_ms: int) -> None:
    start = queue.layout.dated
    operations = 0
    for key, value in queue.txn.range(start, start + b"\xff" * 16, EXPIRE_MAX):
        kept_from_ms, seq = int.from_bytes(key[-16:-8], "big"), key[-8:]
        if not queue.is_too_old(kept_from_ms, now_ms):
            queue.retain_by(kept_from_ms + queue.meta.message_retention_s * 1000)
            return
        ready_key = queue.layout.ready_of_dated(value, seq)
        state = queue.txn.get(ready_key)
        if state is None:
            # Leased, or delayed: the age stands in its state, and is looked at when it returns.
            queue.txn.delete(key)
            continue
        lease = lease_of(state)
        is_news = bool(lease.group) and lease.group not in queue.groups(now_ms).opened
        operations += 6 + GROUP_OPERATIONS * is_news
        if operations > EXPIRE_OPERATIONS_OF_DATED_MAX:
            break
        queue.take_ready(ready_key, lease, now_ms)
        queue.drop(int.from_bytes(seq, "big"), lease, now_ms)
    if queue.txn.range(start, start + b"\xff" * 16, 1):
        queue.retain_by(now_ms)


def _expire_groups(queue: OpenQueue, now_ms: int) -> None:
    """Walk the groups from the one with the oldest message, and each as far as its messages are too old."""
    age = fair_layout(queue.partition, queue.meta.generation).age
    operations = EXPIRE_OPERATIONS_OF_GROUPS_MAX
    rows = queue.txn.range(age, age + b"\xff" * 9, EXPIRE_GROUPS_MAX)
    for key, _ in rows:
        kept_from_ms = int.from_bytes(key[len(age) : len(age) + 8], "big")
        if not queue.is_too_old(kept_from_ms, now_ms):
            queue.retain_by(kept_from_ms + queue.meta.message_retention_s * 1000)
            return
        group = queue.groups(now_ms).open(name_in(key[len(age) + 8 :]))
        operations = _expire_group(queue, group, now_ms, operations - GROUP_OPERATIONS)
        if operations <= 0:
            break
    if rows:
        queue.retain_by(now_ms)


def _expire_group(queue: OpenQueue, group: OpenGroup, now_ms: int, operations: int) -> int:
    """Delete what is too old of a group; return the operations that are left, none where there may be more of it."""
    oldest_ms = 0
    for lane in queue.lanes_in_use(group.name):
        if is_scheduled(lane[-1] - MIDDLE_LANE):
            continue
        kept_from_ms, operations = _expire_lane(queue, lane, now_ms, operations)
        if operations <= 0:
            return 0
        if kept_from_ms and not 0 < oldest_ms <= kept_from_ms:
            oldest_ms = kept_from_ms
    group.oldest_ms = oldest_ms
    return operations


def _expire_lane(queue: OpenQueue, lane: bytes, now_ms: int, operations: int) -> tuple[int, int]:
    """Do so for one lane of a group; return since when its first message is kept that may stay, 0 where there is none,
    and the operations that are left.
    """
    while rows := queue.txn.range(lane, lane + b"\xff" * 9, EXPIRE_GROUP_ROWS):
        for key, state in rows:
            lease, seq = lease_of(state), int.from_bytes(key[-8:], "big")
            operations -= lease.pieces + 5
            if operations <= 0:
                return 0, 0
            kept_from_ms = decode_message(queue.message_bytes(seq, lease.pieces)).kept_from_ms
            if not queue.is_too_old(kept_from_ms, now_ms):
                return kept_from_ms, operations
            queue.take_ready(key, lease, now_ms)
            queue.drop(seq, lease, now_ms)
    return 0, operations
