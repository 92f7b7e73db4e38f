"""A queue inside one transaction: its record, its counters, and the moves that keep the two true.

Owns the rule that counters change only with a move, that a message that becomes ready wakes somebody, and that at most
one due entry of each kind is armed per queue, never later than what it waits for. Everything else of the room reads and
writes a queue's content through one of these. `save` must be the last call of every function that moved something.
"""

from collections.abc import Iterator, Sequence

from cumulo.queue_service.errors import QUEUE_DOES_NOT_EXIST
from cumulo.queue_service.fair import Groups
from cumulo.queue_service.fair_keys import fair_layout
from cumulo.queue_service.keys import (
    CLEAR,
    COUNTERS,
    FRESH,
    META,
    RETAIN,
    WAKE,
    Counters,
    Lease,
    Meta,
    dated_value,
    decode_counters,
    decode_lease,
    decode_meta,
    layout,
    piece_key,
    place_part,
)
from cumulo.storage import records
from cumulo.storage.engine import Txn
from cumulo.storage.tuples import u64


class OpenQueue:
    """One queue's state while a function runs; made by `open_queue` and `find_queue`."""

    __slots__ = (
        "_groups",
        "_stored",
        "delayed",
        "group_count",
        "layout",
        "leased",
        "meta",
        "next_seq",
        "partition",
        "ready",
        "retain_ms",
        "txn",
        "wake_ms",
        "woken",
    )

    def __init__(self, txn: Txn, partition: bytes, meta: Meta, counters: Counters) -> None:
        self.txn = txn
        self.partition = partition
        self.meta = meta
        self.layout = layout(partition, meta.generation)
        self._stored = counters
        self.ready = counters.ready
        self.delayed = counters.delayed
        self.leased = counters.leased
        self.next_seq = counters.next_seq
        self.wake_ms = counters.wake_ms
        self.retain_ms = counters.retain_ms
        self.woken = 0
        self.group_count = counters.groups
        self._groups: Groups | None = None

    def groups(self, now_ms: int) -> Groups:
        """Return the message groups. Where there are any, whoever changes `leased` calls this: the time in flight until
        now is counted then.
        """
        if self._groups is None:
            stored = self._stored
            self._groups = Groups(self.txn, self.partition, self.meta.generation, stored.groups, stored.leased, now_ms)
        return self._groups

    def wake_by(self, at_ms: int) -> None:
        """See to it that the wake timer fires no later than `at_ms`, when a delay or a lease ends."""
        if not self.wake_ms or at_ms < self.wake_ms:
            self.wake_ms = at_ms

    def retain_by(self, at_ms: int) -> None:
        """See to it that the retention timer fires no later than `at_ms`, when a message may be too old."""
        if not self.retain_ms or at_ms < self.retain_ms:
            self.retain_ms = at_ms

    def is_too_old(self, kept_from_ms: int, now_ms: int) -> bool:
        """Say whether a message that is kept since then has reached the queue's retention period."""
        return kept_from_ms + self.meta.message_retention_s * 1000 <= now_ms

    def put_ready(self, seq: int, lease: Lease, state: bytes, kept_from_ms: int, now_ms: int) -> None:
        """Write a message that may be received now, and wake somebody. It is kept since `kept_from_ms` or later;
        `state` are the bytes of `lease`.
        """
        if lease.group:
            self.groups(now_ms).add_ready(u64(seq), lease, state, kept_from_ms)
        else:
            self.txn.put(self.layout.ready_at(lease.lane, u64(seq)), state)
        self.ready += 1
        self.woken += 1

    def take_ready(self, key: bytes, lease: Lease, now_ms: int) -> None:
        """Remove a message from where it waits to be received, counter included."""
        if lease.group:
            self.groups(now_ms).remove_ready(key, lease)
        else:
            self.txn.delete(key)
        self.ready -= 1

    def ready_key(self, lane: int, seq: bytes) -> bytes:
        """Return the key of a message that is ready, and was received before; else one where nothing stands."""
        if self.group_count:
            places = fair_layout(self.partition, self.meta.generation)
            place = self.txn.get(places.place + seq)
            if place is not None:
                return places.content + place + seq
        return self.layout.ready_at(lane, seq)

    def count_leased(self, lease: Lease, by: int, now_ms: int) -> None:
        """Count a message as in flight (1), or as no longer so (-1)."""
        self.leased += by
        if lease.group:
            self.groups(now_ms).open(lease.group).leased += by
        elif self.group_count:
            self.groups(now_ms)

    def count_delayed(self, lease: Lease, by: int, now_ms: int) -> None:
        """Count a message as delayed (1), or as no longer so (-1)."""
        self.delayed += by
        if lease.group:
            self.groups(now_ms).open(lease.group).delayed += by

    def return_to_ready(self, seq: int, lease: Lease, state: bytes, now_ms: int, kept_from_ms: int = 0) -> None:
        """Put a message back that was leased or delayed, or drop it where it has become too old meanwhile.

        The caller has removed it from where it stood, counter included; `state` are the bytes of `lease`. Of a message
        that was never received the age is not known here: the caller sees to the retention timer, and it is kept since
        `kept_from_ms` or later.
        """
        if lease.kept_from_ms:
            if self.is_too_old(lease.kept_from_ms, now_ms):
                self.drop(seq, lease, now_ms)
                return
            self.retain_by(lease.kept_from_ms + self.meta.message_retention_s * 1000)
            if lease.dated:
                # The timer may have removed the row when the message was too old under its lease.
                value = dated_value(lease.lane, lease.group)
                self.txn.put(self.layout.dated + u64(lease.kept_from_ms) + u64(seq), value)
        self.put_ready(seq, lease, state, lease.kept_from_ms or kept_from_ms, now_ms)

    def lanes_in_use(self, group: str = "") -> Iterator[bytes]:
        """Return the prefix of each lane in which messages are ready, those of a group or those that have none, the
        first to be received first.
        """
        lanes = self.layout.content + place_part(group, 0)[:-1] if group else self.layout.lanes
        position, end = lanes, lanes + b"\xff"
        while rows := self.txn.range(position, end, 1):
            lane = rows[0][0][: len(lanes) + 1]
            yield lane
            position = lane + b"\xff" * 9

    def add(self, record: bytes, pieces: int, piece_bytes: int) -> int:
        """Write a new message's bytes and return its number; the caller writes where it stands."""
        seq = self.next_seq
        self.next_seq = seq + 1
        key = self.layout.message + u64(seq)
        self.txn.put(key, record if pieces == 1 else record[:piece_bytes])
        for piece in range(1, pieces):
            self.txn.put(piece_key(key, piece), record[piece * piece_bytes : (piece + 1) * piece_bytes])
        return seq

    def add_plain(self, message_records: Sequence[bytes]) -> None:
        """Write new messages of one piece each, of the middle lane and without a group, that may be received now. The
        caller sees to the retention timer.
        """
        put, message, ready, seq = self.txn.put, self.layout.message, self.layout.ready, self.next_seq
        for record in message_records:
            number = u64(seq)
            put(message + number, record)
            put(ready + number, b"")
            seq += 1
        self.next_seq = seq
        self.ready += len(message_records)
        self.woken += len(message_records)

    def message_bytes(self, seq: int, pieces: int) -> bytes:
        """Return the stored bytes of a message that exists."""
        return self.bytes_at(self.layout.message + u64(seq), pieces)

    def bytes_at(self, key: bytes, pieces: int) -> bytes:
        """Return the stored bytes of a message that exists, whose row under m is at `key`."""
        first = self.txn.get(key)
        assert first is not None, key
        if pieces == 1:
            return first
        further = [self.txn.get(piece_key(key, piece)) for piece in range(1, pieces)]
        assert None not in further, (key, pieces)
        return b"".join((first, *(piece for piece in further if piece is not None)))

    def drop(self, seq: int, lease: Lease, now_ms: int) -> None:
        """Remove a message's bytes; the caller has removed where it stood, counter included."""
        key = self.layout.message + u64(seq)
        self.txn.delete(key)
        if lease.pieces > 1:
            # A batch of large messages has more pieces than one function may delete.
            self.txn.due(now_ms, CLEAR, key)
        if lease.dated:
            self.txn.delete(self.layout.dated + u64(lease.kept_from_ms) + u64(seq))

    def save(self) -> None:
        """Write the counters where they changed, arm what must be armed, and wake whom it concerns."""
        stored = self._stored
        if self._groups is not None:
            look_ms = self._groups.settle(self.leased)
            if look_ms:
                self.wake_by(look_ms)
            self.group_count = self._groups.count
        self._arm(WAKE, stored.wake_ms, self.wake_ms)
        self._arm(RETAIN, stored.retain_ms, self.retain_ms)
        counters = Counters(
            1, self.ready, self.delayed, self.leased, self.next_seq, self.wake_ms, self.retain_ms, self.group_count
        )
        assert self.ready >= 0, counters
        assert self.delayed >= 0, counters
        assert self.leased >= 0, counters
        if counters != stored:
            self.txn.put(self.partition + COUNTERS, records.encode(counters))
            self._stored = counters
        if self.woken:
            self.txn.notify(self.partition, self.woken)
            self.woken = 0

    def _arm(self, kind: str, before_ms: int, after_ms: int) -> None:
        if before_ms != after_ms:
            if before_ms:
                self.txn.undue(before_ms, kind, self.partition)
            if after_ms:
                self.txn.due(after_ms, kind, self.partition)


def find_queue(txn: Txn, partition: bytes) -> OpenQueue | None:
    """Return the queue in `partition`, or None once it is deleted."""
    meta = txn.get(partition + META)
    if meta is None:
        return None
    counters = txn.get(partition + COUNTERS)
    assert counters is not None, partition
    return OpenQueue(txn, partition, decode_meta(meta), decode_counters(counters))


def open_queue(txn: Txn, partition: bytes, name: str) -> OpenQueue:
    """Return the queue in `partition`; raises `QueueDoesNotExist` once it is deleted."""
    queue = find_queue(txn, partition)
    if queue is None:
        raise QUEUE_DOES_NOT_EXIST.error(queue=name)
    return queue


def lease_of(state: bytes) -> Lease:
    """Return the lease in a state value; an empty value stands for a message that was never received."""
    return decode_lease(state) if state else FRESH
