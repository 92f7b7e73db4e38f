"""Retention: messages that are older than their queue keeps them are deleted, and content that was purged is cleared.

The retention timer walks each lane under r from the lowest number, the oldest message, to the first that may stay;
messages whose age their number does not tell, since they came from another queue or were scheduled, have an index of
their own, x, and the lanes of scheduled ones are not walked. Leased and delayed messages are left alone: their age is
looked at when they return. Everything goes in slices. FIFO queues have their own way (`fifo`) behind the same timers.
"""

import msgspec

from cumulo.queue_service import fifo, fifo_windows
from cumulo.queue_service.fifo_queue import find_fifo
from cumulo.queue_service.keys import MIDDLE_LANE, RETAIN, WAKE, decode_message, is_scheduled, lane_in
from cumulo.queue_service.leases import PROMOTE_OPERATIONS_OF_TIMER, promote
from cumulo.queue_service.open_queue import OpenQueue, find_queue, lease_of
from cumulo.storage.engine import Due, Txn
from cumulo.storage.tuples import after

EXPIRE_MAX = 100
"""Messages that one run of the timer deletes from each of the two indexes."""
EXPIRE_OPERATIONS_MAX = 1_000
"""Operations of one run for messages under r: 4 each, and one for each piece that must be read."""
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
            queue.txn.delete(key)
            queue.ready -= 1
            queue.drop(seq, lease, now_ms)
        if not left:
            queue.retain_by(now_ms)
            return


def _expire_dated(queue: OpenQueue, now_ms: int) -> None:
    start = queue.layout.dated
    for key, lane in queue.txn.range(start, start + b"\xff" * 16, EXPIRE_MAX):
        kept_from_ms, seq = int.from_bytes(key[-16:-8], "big"), key[-8:]
        if not queue.is_too_old(kept_from_ms, now_ms):
            queue.retain_by(kept_from_ms + queue.meta.message_retention_s * 1000)
            return
        ready_key = queue.layout.ready_at(lane_in(lane), seq)
        state = queue.txn.get(ready_key)
        if state is None:
            # Leased, or delayed: the age stands in its state, and is looked at when it returns.
            queue.txn.delete(key)
            continue
        queue.txn.delete(ready_key)
        queue.ready -= 1
        queue.drop(int.from_bytes(seq, "big"), lease_of(state), now_ms)
    if queue.txn.range(start, start + b"\xff" * 16, 1):
        queue.retain_by(now_ms)
