"""Redrive: a message that was received too often goes to its dead-letter queue.

The move happens in the receive that meets the message, in one transaction over both queues, so it cannot happen twice.
Message id, sent time and, but for FIFO queues, the start of retention are kept, as in SQS, and so is the priority. What
is shown goes on counting receives, as there; the new queue's own policy counts its own alone. The move stands in the
message's history. Where the dead-letter queue does not exist (any more), the message stays and is delivered.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from cumulo.queue_service.data_keys import take_key_along
from cumulo.queue_service.fifo_keys import FifoState
from cumulo.queue_service.histories import history_with
from cumulo.queue_service.keys import PIECE_BYTES, Lease, StoredMessage, dated_value, lane_of
from cumulo.queue_service.model import queue_arn
from cumulo.queue_service.move_model import MoveReason
from cumulo.queue_service.open_queue import OpenQueue, find_queue
from cumulo.storage import records
from cumulo.storage.engine import Txn
from cumulo.storage.tuples import u64

MOVED_BYTES_MAX = 2 * 1024 * 1024
"""What one function moves at most before it stops; it may write 4 MiB in all."""


class DeadLetters:
    """The way from one queue to its dead-letter queue in one transaction; that queue is opened when first needed."""

    def __init__(
        self, source: OpenQueue, partition: bytes, find: Callable[[Txn, bytes], OpenQueue | None] = find_queue
    ) -> None:
        self._source = source
        self._find = find
        self._partition = partition if source.meta.max_receive_count else b""
        self._target: OpenQueue | None = None
        self._moved_bytes = 0

    @property
    def is_there(self) -> bool:
        """Say whether there is somewhere to go, as far as is known; where not, `is_due` says no of every message."""
        return bool(self._partition)

    @property
    def is_full(self) -> bool:
        """Say whether this transaction has moved as much as it may."""
        return self._moved_bytes >= MOVED_BYTES_MAX

    @property
    def target(self) -> OpenQueue:
        """The dead-letter queue, once `is_due` has said yes."""
        assert self._target is not None
        return self._target

    def is_due(self, receive_count: int) -> bool:
        """Say whether one more receive would be too many, and there is somewhere to go."""
        if not self._partition or receive_count < self._source.meta.max_receive_count:
            return False
        if self._target is None:
            self._target = self._find(self._source.txn, self._partition)
            if self._target is None:
                self._partition = b""
        return self._target is not None

    def move(self, ready_key: bytes, seq: int, lease: Lease, stored: StoredMessage, now_ms: int) -> None:
        """Take a ready message out of the source and add it to the dead-letter queue."""
        source, target = self._source, self.target
        record = self.record_of(stored, lease, now_ms, arrived_ms=now_ms)
        pieces = -(-len(record) // PIECE_BYTES)
        new_seq = target.add(record, pieces, PIECE_BYTES)
        lane = lane_of(stored.priority)
        group, kept_from_ms = stored.group_id, stored.kept_from_ms
        moved = Lease(pieces=pieces, kept_from_ms=kept_from_ms, dated=True, lane=lane, group=group)
        if group:
            target.groups(now_ms).open(group).sent_ms = now_ms
        target.txn.put(target.layout.dated + u64(kept_from_ms) + u64(new_seq), dated_value(lane, group))
        target.put_ready(new_seq, moved, records.encode(moved), kept_from_ms, now_ms)
        target.retain_by(kept_from_ms + target.meta.message_retention_s * 1000)
        source.take_ready(ready_key, lease, now_ms)
        source.drop(seq, lease, now_ms)

    def record_of(self, stored: StoredMessage, state: Lease | FifoState, now_ms: int, **changes: Any) -> bytes:
        """Return the bytes of a message as the dead-letter queue keeps it, and count them."""
        meta = self._source.meta
        if stored.key_id:
            take_key_along(self._source.txn, self._source.partition, self.target.partition, stored.key_id)
        moved = msgspec.structs.replace(
            stored,
            dead_letter_source=queue_arn(meta.account, meta.region, meta.name),
            received_before=stored.received_before + state.receive_count,
            history=history_with(stored, meta, state, MoveReason.RECEIVED_TOO_OFTEN, now_ms),
            **changes,
        )
        record = records.encode(moved)
        self._moved_bytes += len(record)
        return record

    def save(self) -> None:
        """Write the dead-letter queue's counters where something was moved; the last call."""
        if self._target is not None:
            self._target.save()
