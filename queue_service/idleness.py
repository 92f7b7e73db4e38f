"""Queues that end by themselves: when one was last used, and the timer that looks.

A queue with `expire_after_idle_s` is deleted, with its messages, once nobody sent, received or polled for so long.
Nothing is written for a use: the service keeps in memory when queues were last used (`Uses`), and a timer in the due
index, one for each such queue, asks it. What reaches a queue without the service's knowing (a bucket's notification, a
dead letter) shows in the queue's next number, and then the time begins anew when the timer looks. After a restart every
such queue counts as just used. So a queue may live up to twice as long as it should, and none dies earlier.
"""

from collections import OrderedDict

from cumulo.queue_service.keys import COUNTERS, IDLE, IDLENESS, Idleness, Meta, decode_counters, decode_idleness
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn

USES_REMEMBERED_MAX = 100_000
"""Queues whose last use is remembered, 100 bytes each; of others it is presumed that they were used with the last one
that was forgotten."""


class Uses:
    """When queues that end by themselves were last used, by the deadline clock; `start_ms` is when the server began."""

    def __init__(self, start_ms: int) -> None:
        self._floor_ms = start_ms
        self._used_ms: OrderedDict[bytes, int] = OrderedDict()

    def note(self, partition: bytes, now_ms: int) -> None:
        """Remember that a queue is used now."""
        self._used_ms[partition] = now_ms
        self._used_ms.move_to_end(partition)
        if len(self._used_ms) > USES_REMEMBERED_MAX:
            _, self._floor_ms = self._used_ms.popitem(last=False)

    def note_again(self, partition: bytes, now_ms: int) -> None:
        """As `note`, for a queue that is remembered already: the end of what began as a use of it."""
        if partition in self._used_ms:
            self.note(partition, now_ms)

    def last_ms(self, partition: bytes) -> int:
        """Return when a queue was last used, at the latest."""
        return max(self._used_ms.get(partition, 0), self._floor_ms)

    def forget(self, partition: bytes) -> None:
        """Forget a queue that is gone."""
        self._used_ms.pop(partition, None)


def find_idleness(txn: ReadTxn, partition: bytes) -> Idleness | None:
    """Return the armed timer of a queue that ends by itself, None for any other."""
    raw = txn.get(partition + IDLENESS)
    return None if raw is None else decode_idleness(raw)


def arm(txn: Txn, partition: bytes, due_ms: int) -> None:
    """Look at a queue at `due_ms`, and not when it was to be looked at before."""
    disarm(txn, partition)
    counters = txn.get(partition + COUNTERS)
    assert counters is not None, partition
    idleness = Idleness(due_ms=due_ms, next_seq=decode_counters(counters).next_seq)
    txn.put(partition + IDLENESS, records.encode(idleness))
    txn.due(due_ms, IDLE, partition)


def arm_anew(txn: Txn, partition: bytes, meta: Meta, now_ms: int) -> None:
    """Arm or disarm as a queue's attributes say that were just written: it counts as used now."""
    if meta.expire_after_idle_s:
        arm(txn, partition, now_ms + meta.expire_after_idle_s * 1000)
    else:
        disarm(txn, partition)


def disarm(txn: Txn, partition: bytes) -> None:
    """Take a queue's timer back, if it has one."""
    idleness = find_idleness(txn, partition)
    if idleness is not None:
        txn.undue(idleness.due_ms, IDLE, partition)
        txn.delete(partition + IDLENESS)
