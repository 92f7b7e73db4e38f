"""Moving selected messages: from one queue to another of its kind, in one transaction.

A message is selected by its position, while it is ready, or by the receipt handle of who holds it. It keeps id, time of
sending, body, attributes, sender, priority and group, and its history goes on; retention and receives count anew, and
the other queue's delay applies, as for what a move task moves. It is in one queue or in the other, never in both or
none, and no deduplication id keeps it out. Items that cannot be moved are refused one by one; those that the
transaction has no room for may be asked for again.
"""

import msgspec

from cumulo.queue_service import fifo, leases
from cumulo.queue_service.data_keys import take_key_along
from cumulo.queue_service.errors import QUEUE_DOES_NOT_EXIST, Refusal, Refused
from cumulo.queue_service.fifo_keys import FifoState
from cumulo.queue_service.fifo_queue import FifoQueue, find_any
from cumulo.queue_service.histories import history_with
from cumulo.queue_service.keys import Lease, StoredMessage, decode_message, lane_of
from cumulo.queue_service.leases import Held, Outcome
from cumulo.queue_service.message_model import MessageState
from cumulo.queue_service.messages import store
from cumulo.queue_service.move_model import MoveReason
from cumulo.queue_service.open_queue import OpenQueue
from cumulo.queue_service.receipts import Receipt
from cumulo.queue_service.redrive import MOVED_BYTES_MAX
from cumulo.queue_service.whereabouts import whereabouts
from cumulo.storage import records
from cumulo.storage.engine import Txn
from cumulo.storage.tuples import u64

_PIECES_MAX = 20
"""More than the largest message has: 1 MiB in pieces of 64,000 bytes."""


class Selected(msgspec.Struct, frozen=True, array_like=True):
    """One message to move: its place in the request, and its position or its receipt. Where `message_id` is not empty
    the message at the position must have it.
    """

    index: int
    position: int = 0
    message_id: str = ""
    receipt: Receipt | None = None


class StampedMove(msgspec.Struct, frozen=True):
    """Messages to move from one queue to another."""

    queue: str
    partition: bytes
    destination: str
    destination_partition: bytes
    messages: tuple[Selected, ...]
    now_ms: int
    in_flight_max: int


class _Found(msgspec.Struct):
    """A selected message that is there: its number, its record, and where it stands once that is known."""

    seq: int
    stored: StoredMessage
    place: Held | None = None
    group: int = 0
    group_state: FifoState | None = None

    @property
    def state(self) -> Lease | FifoState:
        """What stands there of it."""
        if self.group_state is not None:
            return self.group_state
        assert self.place is not None, self.seq
        return self.place.lease


def move_messages(txn: Txn, request: StampedMove) -> Outcome:
    """Move what can be moved, in the order of the request; say why the others cannot."""
    source = _opened(txn, request.partition, request.queue)
    target = _opened(txn, request.destination_partition, request.destination)
    held_before = source.leased
    moving = _Moving(source, request)
    moving.find()
    for item in moving.found.values():
        _move(source, target, item, request.now_ms)
    if isinstance(source, FifoQueue):
        for number in dict.fromkeys(item.group for item in moving.found.values()):
            source.settle(number)
    if held_before >= request.in_flight_max:
        # Receivers may be parked although messages are ready; there is room for some of these now.
        source.woken += min(source.ready, held_before - source.leased)
    source.save()
    target.save()
    return Outcome(tuple(sorted(moving.refused, key=lambda it: it.index)))


class _Moving:
    """The finding of the selected messages: `found` and `refused` say what became of each, by its place."""

    def __init__(self, source: OpenQueue, request: StampedMove) -> None:
        self.found: dict[int, _Found] = {}
        self.refused: list[Refused] = []
        self._source = source
        self._request = request
        self._seqs: set[int] = set()
        self._size_bytes = 0

    def find(self) -> None:
        """Read every selected message, until the transaction is full, and find out where it stands."""
        unplaced: dict[int, int] = {}
        for it in self._request.messages:
            if self._size_bytes >= MOVED_BYTES_MAX:
                self._refuse(it.index, Refusal.NO_ROOM)
            elif it.receipt is not None:
                self._find_held(it.index, it.receipt)
            elif (stored := self._read(it.index, it.position, it.message_id)) is not None:
                self.found[it.index] = _Found(it.position, stored)
                unplaced[it.position] = it.index
        there = whereabouts(self._source, {seq: self.found[index].stored for seq, index in unplaced.items()})
        for seq, index in unplaced.items():
            place, item = there[seq], self.found[index]
            if place.where is not MessageState.READY:
                del self.found[index]
                self._refuse(index, Refusal.NOT_READY)
            elif isinstance(place.state, FifoState):
                item.group, item.group_state = place.group, place.state
            else:
                item.place = Held(place.place, place.state, leased=False)

    def _find_held(self, index: int, receipt: Receipt) -> None:
        source = self._source
        if isinstance(source, FifoQueue):
            state = fifo.held_by(source, receipt, self._request.now_ms)
            if isinstance(state, Refusal):
                self._refuse(index, state)
            elif (stored := self._read(index, receipt.seq)) is not None:
                item = _Found(receipt.seq, stored, group=receipt.lease_at, group_state=state)
                self.found[index] = item
            return
        place = leases.find_held(source, receipt)
        if isinstance(place, Refusal):
            self._refuse(index, place)
        elif (stored := self._read(index, receipt.seq)) is not None:
            self.found[index] = _Found(receipt.seq, stored, place)

    def _read(self, index: int, seq: int, message_id: str = "") -> StoredMessage | None:
        """Return a message that is there, is not selected twice, is young enough, and has the id that it should."""
        key = self._source.layout.message + u64(seq)
        rows = [] if seq in self._seqs else self._source.txn.range(key, key + b"\xff" * 2, _PIECES_MAX)
        if rows and rows[0][0] == key:
            record = b"".join(piece for _, piece in rows)
            stored = decode_message(record)
            is_young = not self._source.is_too_old(stored.kept_from_ms, self._request.now_ms)
            if is_young and message_id in ("", stored.message_id):
                self._seqs.add(seq)
                self._size_bytes += len(record)
                return stored
        self._refuse(index, Refusal.NOT_THERE)
        return None

    def _refuse(self, index: int, reason: Refusal) -> None:
        self.refused.append(Refused(index, Refusal.NOT_THERE if reason is Refusal.GONE else reason))


def _opened(txn: Txn, partition: bytes, name: str) -> OpenQueue:
    queue = find_any(txn, partition)
    if queue is None:
        raise QUEUE_DOES_NOT_EXIST.error(queue=name)
    return queue


def _move(source: OpenQueue, target: OpenQueue, item: _Found, now_ms: int) -> None:
    stored = item.stored
    if isinstance(source, FifoQueue):
        assert item.group_state is not None, item.seq
        source.remove(item.group, item.seq, item.group_state, now_ms)
    else:
        assert item.place is not None, item.seq
        leases.take_out(source, item.seq, item.place, now_ms)
        source.drop(item.seq, item.place.lease, now_ms)
    moved = msgspec.structs.replace(
        stored,
        kept_from_ms=now_ms,
        arrived_ms=0,
        dead_letter_source="",
        received_before=0,
        history=history_with(stored, source.meta, item.state, MoveReason.SELECTED, now_ms),
    )
    if stored.key_id:
        take_key_along(source.txn, source.partition, target.partition, stored.key_id)
    record, delay_s = records.encode(moved), target.meta.delay_s
    if isinstance(target, FifoQueue):
        target.enqueue(stored.group_id, record, delay_s, now_ms)
    else:
        store(target, record, delay_s, now_ms, lane_of(stored.priority), stored.group_id)
