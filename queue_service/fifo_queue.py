"""A FIFO queue inside one transaction: the moves of its messages and groups, and the counters that go with them.

Owns the rule by which groups are ready: a group is to be received from exactly while its first message, the oldest that
is not deleted, is ready. So a message that is in flight, or delayed, holds back those behind it in its group, and
nothing else; and those before it may be received again once they are back, as in SQS. A group that becomes ready goes
to the end of the line of ready groups, and wakes one receiver.

Whoever changes where messages of a group stand calls `settle` for the group afterwards, once. A group is looked at by
its first message alone, so its length costs nothing.
"""

import msgspec

from cumulo.queue_service.errors import QUEUE_DOES_NOT_EXIST
from cumulo.queue_service.fifo_keys import (
    FIFO,
    FORGET,
    FifoCounters,
    FifoState,
    Group,
    Standing,
    decode_fifo_counters,
    decode_group,
    encoded_state,
    fifo_layout,
    state_of,
)
from cumulo.queue_service.keys import (
    CLEAR,
    COUNTERS,
    META,
    PIECE_BYTES,
    Counters,
    Meta,
    decode_counters,
    decode_meta,
)
from cumulo.queue_service.open_queue import OpenQueue
from cumulo.storage import records, tuples
from cumulo.storage.engine import ReadTxn, Txn
from cumulo.storage.tuples import u64


class FifoQueue(OpenQueue):
    """One FIFO queue's state while a function runs; made by `find_fifo` and `open_fifo`."""

    __slots__ = ("_stored_fifo", "forget_ms", "next_turn", "places", "ready_groups")

    def __init__(self, txn: Txn, partition: bytes, meta: Meta, counters: Counters) -> None:
        super().__init__(txn, partition, meta, counters)
        raw = txn.get(partition + FIFO)
        self._stored_fifo = FifoCounters() if raw is None else decode_fifo_counters(raw)
        self.places = fifo_layout(partition, meta.generation)
        self.next_turn = self._stored_fifo.next_turn
        self.ready_groups = self._stored_fifo.ready_groups
        self.forget_ms = self._stored_fifo.forget_ms

    def forget_by(self, at_ms: int) -> None:
        """See to it that the timer of windows fires no later than `at_ms`."""
        if not self.forget_ms or at_ms < self.forget_ms:
            self.forget_ms = at_ms

    # Messages

    def enqueue(self, group_id: str, record: bytes, delay_s: int, now_ms: int) -> int:
        """Write a new message at the end of its group, ready or delayed; return its number."""
        pieces = -(-len(record) // PIECE_BYTES)
        seq = self.add(record, pieces, PIECE_BYTES)
        name_key = self.places.name + tuples.encode((group_id,))
        known = self.txn.get(name_key)
        number = seq if known is None else int.from_bytes(known, "big")
        if delay_s:
            self._put(number, seq, FifoState(standing=Standing.DELAYED, at_ms=now_ms, pieces=pieces))
            self.txn.put(self.places.delayed + u64(now_ms) + u64(seq), u64(number))
            self.delayed += 1
            self.wake_by(now_ms + delay_s * 1000)
        else:
            self._put(number, seq, FifoState(pieces=pieces))
            self.ready += 1
        if known is None:
            self.txn.put(name_key, u64(number))
            if delay_s:
                self._put_group(number, Group(name=group_id))
            else:
                self._line_up(number, group_id)
        self.retain_by(now_ms + self.meta.message_retention_s * 1000)
        return seq

    def state(self, number: int, seq: int) -> FifoState | None:
        """Return where a message of a group stands, None where it is deleted."""
        value = self.txn.get(self.places.order + u64(number) + u64(seq))
        return None if value is None else state_of(value)

    def lease(self, number: int, seq: int, state: FifoState, token: bytes, due_ms: int, now_ms: int) -> FifoState:
        """Hand a ready message to a receiver until `due_ms`; return its state then."""
        assert state.standing == Standing.READY, (self.partition, seq)
        leased = FifoState(
            standing=Standing.LEASED,
            at_ms=due_ms,
            token=token,
            received_ms=now_ms,
            receive_count=state.receive_count + 1,
            first_received_ms=state.first_received_ms or now_ms,
            pieces=state.pieces,
        )
        self._put(number, seq, leased)
        self.txn.put(self.places.leased + u64(due_ms) + u64(seq), u64(number))
        self.ready -= 1
        self.leased += 1
        self.wake_by(due_ms)
        return leased

    def extend(self, number: int, seq: int, state: FifoState, due_ms: int) -> None:
        """Set anew until when a receiver holds a message."""
        self._leave(seq, state)
        self._put(number, seq, msgspec.structs.replace(state, at_ms=due_ms))
        self.txn.put(self.places.leased + u64(due_ms) + u64(seq), u64(number))
        self.leased += 1
        self.wake_by(due_ms)

    def make_ready(self, number: int, seq: int, state: FifoState) -> None:
        """End a message's delay, or a receiver's hold; `settle` says what that means for the group."""
        assert state.standing != Standing.READY, (self.partition, seq)
        self._leave(seq, state)
        self._put(number, seq, msgspec.structs.replace(state, standing=Standing.READY, at_ms=0, token=b""))
        self.ready += 1

    def remove(self, number: int, seq: int, state: FifoState, now_ms: int) -> None:
        """Delete a message, wherever it stands."""
        self._leave(seq, state)
        self.txn.delete(self.places.order + u64(number) + u64(seq))
        key = self.places.message + u64(seq)
        self.txn.delete(key)
        if state.pieces > 1:
            # A batch of large messages has more pieces than one function may delete.
            self.txn.due(now_ms, CLEAR, key)

    def _leave(self, seq: int, state: FifoState) -> None:
        if state.standing == Standing.LEASED:
            self.txn.delete(self.places.leased + u64(state.at_ms) + u64(seq))
            self.leased -= 1
        elif state.standing == Standing.DELAYED:
            self.txn.delete(self.places.delayed + u64(state.at_ms) + u64(seq))
            self.delayed -= 1
        else:
            self.ready -= 1

    def _put(self, number: int, seq: int, state: FifoState) -> None:
        self.txn.put(self.places.order + u64(number) + u64(seq), encoded_state(state))

    # Groups

    def number_of(self, group_id: str) -> int | None:
        """Return the number of the group of a name, None where it has no messages."""
        value = self.txn.get(self.places.name + tuples.encode((group_id,)))
        return None if value is None else int.from_bytes(value, "big")

    def first_ready(self) -> int | None:
        """Return the number of the first ready group."""
        rows = self.txn.range(self.places.ready, self.places.ready + b"\xff" * 9, 1)
        return int.from_bytes(rows[0][1], "big") if rows else None

    def messages_of(self, number: int, behind: int, limit: int) -> list[tuple[int, FifoState]]:
        """Return the first messages of a group with a number above `behind`, in order."""
        start = self.places.order + u64(number)
        rows = self.txn.range(start + u64(behind + 1), start + b"\xff" * 9, limit)
        return [(int.from_bytes(key[-8:], "big"), state_of(value)) for key, value in rows]

    def settle(self, number: int) -> None:
        """Put a group into the line of ready groups, or take it out, as its first message says; end an empty one."""
        raw = self.txn.get(self.places.group + u64(number))
        if raw is None:
            return
        group = decode_group(raw)
        first = self.messages_of(number, 0, 1)
        if first and first[0][1].standing == Standing.READY:
            if not group.turn:
                self._line_up(number, group.name)
            return
        if group.turn:
            self.txn.delete(self.places.ready + u64(group.turn))
            self.ready_groups -= 1
        if first:
            if group.turn:
                self._put_group(number, Group(name=group.name))
        else:
            self.txn.delete(self.places.group + u64(number))
            self.txn.delete(self.places.name + tuples.encode((group.name,)))

    def _line_up(self, number: int, name: str) -> None:
        turn = self.next_turn
        self.next_turn = turn + 1
        self.txn.put(self.places.ready + u64(turn), u64(number))
        self._put_group(number, Group(name=name, turn=turn))
        self.ready_groups += 1
        self.woken += 1

    def _put_group(self, number: int, group: Group) -> None:
        self.txn.put(self.places.group + u64(number), records.encode(group))

    def save(self) -> None:
        """Write the counters where they changed, arm what must be armed, and wake whom it concerns."""
        stored = self._stored_fifo
        self._arm(FORGET, stored.forget_ms, self.forget_ms)
        counters = FifoCounters(1, self.next_turn, self.ready_groups, self.forget_ms)
        assert 0 <= self.ready_groups <= self.ready, counters
        if counters != stored:
            self.txn.put(self.partition + FIFO, records.encode(counters))
            self._stored_fifo = counters
        super().save()


def first_delay_ms(txn: ReadTxn, partition: bytes, meta: Meta) -> int:
    """Return when the first delay of a queue ends that has delayed messages."""
    prefix = fifo_layout(partition, meta.generation).delayed
    ((key, _),) = txn.range(prefix, prefix + b"\xff" * 8, 1)
    return int.from_bytes(key[-16:-8], "big") + meta.delay_s * 1000


def find_fifo(txn: Txn, partition: bytes) -> FifoQueue | None:
    """Return the FIFO queue in `partition`, or None once it is deleted."""
    queue = find_any(txn, partition)
    assert queue is None or isinstance(queue, FifoQueue), partition
    return queue


def find_any(txn: Txn, partition: bytes) -> OpenQueue | None:
    """Return the queue in `partition`, whatever its kind, None once it is deleted."""
    raw = txn.get(partition + META)
    if raw is None:
        return None
    counters = txn.get(partition + COUNTERS)
    assert counters is not None, partition
    meta = decode_meta(raw)
    return (FifoQueue if meta.fifo else OpenQueue)(txn, partition, meta, decode_counters(counters))


def open_fifo(txn: Txn, partition: bytes, name: str) -> FifoQueue:
    """Return the FIFO queue in `partition`; raises `QueueDoesNotExist` once it is deleted."""
    queue = find_fifo(txn, partition)
    if queue is None:
        raise QUEUE_DOES_NOT_EXIST.error(queue=name)
    return queue
