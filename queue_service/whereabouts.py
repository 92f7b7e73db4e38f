"""Where messages stand, found by their numbers: ready, delayed or in flight, until when, and how often received.

Nothing leads from a number to a place under d or l, since those rows move with every receive and an index of them would
cost each life two more writes. Most places can be told from the message: its lane under r, h, and the time for which it
was scheduled. For the others a bounded number of rows under d and l is read; a message that is not among them is in the
one that was not read to its end, or, where neither was, at a place that is not known. Of FIFO queues a group leads to
each message.
"""

from collections.abc import Mapping

import msgspec

from cumulo.queue_service.fifo_keys import FifoState, Standing
from cumulo.queue_service.fifo_queue import FifoQueue
from cumulo.queue_service.keys import SCHEDULED, Lease, StoredMessage, lane_of
from cumulo.queue_service.message_model import MessageState
from cumulo.queue_service.model import DELAY_S_MAX
from cumulo.queue_service.open_queue import OpenQueue, lease_of
from cumulo.storage.tuples import u64

ROWS_MAX = 5_000
"""Rows that are read of those under d, and of those under l: a few milliseconds each."""


class Whereabouts(msgspec.Struct, frozen=True, gc=False):
    """Where one message stands. `due_ms`: when it becomes ready, by the deadline clock, 0 for now or not known.

    `state` is what stands there, with the counts of its receives; `place` is its key under r or o where it is ready,
    and `group` the number of a FIFO queue's group.
    """

    where: MessageState
    due_ms: int = 0
    state: Lease | FifoState = Lease()
    place: bytes = b""
    group: int = 0


def whereabouts(queue: OpenQueue, messages: Mapping[int, StoredMessage]) -> dict[int, Whereabouts]:
    """Return where each message stands, by its number."""
    if isinstance(queue, FifoQueue):
        return {seq: _in_group(queue, seq, stored) for seq, stored in messages.items()}
    found: dict[int, Whereabouts] = {}
    left: dict[int, StoredMessage] = {}
    for seq, stored in messages.items():
        there = _at_its_place(queue, seq, stored)
        if there is None:
            left[seq] = stored
        else:
            found[seq] = there
    if left:
        _search(queue, left, found)
    return found


def _in_group(queue: FifoQueue, seq: int, stored: StoredMessage) -> Whereabouts:
    number = queue.number_of(stored.group_id)
    assert number is not None, (queue.partition, seq)
    state = queue.state(number, seq)
    assert state is not None, (queue.partition, seq)
    if state.standing == Standing.READY:
        return Whereabouts(MessageState.READY, 0, state, group=number)
    if state.standing == Standing.DELAYED:
        due_ms = state.at_ms + queue.meta.delay_s * 1000
        return Whereabouts(MessageState.DELAYED, due_ms, state, group=number)
    return Whereabouts(MessageState.IN_FLIGHT, state.at_ms, state, group=number)


def _at_its_place(queue: OpenQueue, seq: int, stored: StoredMessage) -> Whereabouts | None:
    """Look where the message itself says that it may stand."""
    txn, layout, number = queue.txn, queue.layout, u64(seq)
    for lane in (lane_of(stored.priority), lane_of(stored.priority) + SCHEDULED):
        place = layout.ready_in(lane, stored.group_id, number)
        state = txn.get(place)
        if state is not None:
            return Whereabouts(MessageState.READY, 0, lease_of(state), place)
    state = txn.get(layout.held + number)
    if state is not None:
        lease = lease_of(state)
        return Whereabouts(MessageState.IN_FLIGHT, lease.due_ms, lease)
    state = txn.get(layout.delayed + u64(stored.kept_from_ms) + number)
    if state is not None:
        return Whereabouts(MessageState.DELAYED, stored.kept_from_ms, lease_of(state))
    return None


def _search(queue: OpenQueue, left: dict[int, StoredMessage], found: dict[int, Whereabouts]) -> None:
    """Look for the messages that are left among the rows under d, and then under l."""
    layout = queue.layout
    sent = [stored.kept_from_ms for stored in left.values()]
    from_ms, to_ms = min(sent), max(sent) + DELAY_S_MAX * 1000
    complete = []
    for where, start, end in (
        (MessageState.DELAYED, layout.delayed + u64(from_ms), layout.delayed + u64(to_ms + 1)),
        (MessageState.IN_FLIGHT, layout.leased, layout.leased + b"\xff" * 8),
    ):
        rows = queue.txn.range(start, end, ROWS_MAX) if left else []
        for key, state in rows:
            seq = int.from_bytes(key[-8:], "big")
            if seq in left:
                del left[seq]
                lease = lease_of(state)
                found[seq] = Whereabouts(where, lease.due_ms or int.from_bytes(key[-16:-8], "big"), lease)
        complete.append(len(rows) < ROWS_MAX)
    delays_are_known, leases_are_known = complete
    for seq in left:
        where = MessageState.UNKNOWN
        if delays_are_known:
            where = MessageState.IN_FLIGHT
        elif leases_are_known:
            where = MessageState.DELAYED
        found[seq] = Whereabouts(where)
