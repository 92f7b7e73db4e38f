"""The end of a queue that nobody uses any more: the deed of `queue.idle`."""

import msgspec

from cumulo.queue_service.idleness import arm, find_idleness
from cumulo.queue_service.open_queue import find_queue
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.queues import StampedRemoval, delete_queue
from cumulo.storage.engine import Due, Txn


class IdleTimer(msgspec.Struct, frozen=True):
    """A due entry, the time by the deadline clock, and when the queue was last used as far as the service knows."""

    entry: Due
    now_ms: int
    used_ms: int


def expire(txn: Txn, timer: IdleTimer) -> bool:
    """Delete a queue that was idle for as long as it may be, or look at it later; say whether it is gone."""
    entry, now_ms = timer.entry, timer.now_ms
    partition = entry.key
    queue, idleness = find_queue(txn, partition), find_idleness(txn, partition)
    if queue is None or idleness is None:
        txn.undue(entry.at_ms, entry.kind, partition)
        return queue is None
    if idleness.due_ms != entry.at_ms:
        txn.undue(entry.at_ms, entry.kind, partition)  # the pump put it off, or the queue's attributes changed since
    if idleness.due_ms > now_ms:
        return False
    used_ms = now_ms if queue.next_seq != idleness.next_seq else timer.used_ms
    due_ms = used_ms + queue.meta.expire_after_idle_s * 1000
    if due_ms > now_ms:
        arm(txn, partition, due_ms)
        return False
    meta = queue.meta
    delete_queue(txn, StampedRemoval(Place(meta.account, meta.region, meta.name), partition, now_ms))
    return True
