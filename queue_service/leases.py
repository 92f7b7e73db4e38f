"""Leases: what a receive holds, until it is deleted, given back, or its visibility timeout ends.

A lease is written at l(due, seq) and its receipt names that place, so a delete needs one look-up and no index of its
own. When the due time changes, the row need not move at once:

    later           the value at its first place says so; the promoter that meets the row there moves it to h(seq),
                    with an alias, an empty row, at l(new due, seq)
    earlier         the same move, at once: a timer must meet the alias before the old time
    0               the message returns to ready at once

After the timeout, and until another receive, the state in r keeps the token: the latest receipt still deletes, and a
visibility timeout that it sets anew takes the message back, as in SQS. A later receive writes a new token, and the
older receipt is refused from then on. Of a message that is gone a delete succeeds.
"""

import msgspec

from cumulo.queue_service import acknowledgements
from cumulo.queue_service.errors import AS_LOST, Refusal, Refused
from cumulo.queue_service.fair import GROUP_OPERATIONS
from cumulo.queue_service.fair_keys import fair_layout, name_in
from cumulo.queue_service.keys import FRESH, Lease
from cumulo.queue_service.model import DELAY_S_MAX, IN_FLIGHT_MAX, VISIBILITY_TIMEOUT_S_MAX
from cumulo.queue_service.open_queue import OpenQueue, lease_of, open_queue
from cumulo.queue_service.receipts import Receipt
from cumulo.storage import records
from cumulo.storage.engine import Txn
from cumulo.storage.tuples import u64

PROMOTE_OPERATIONS_OF_RECEIVE = 800
PROMOTE_OPERATIONS_OF_TIMER = 1_800
"""Operations that one promotion may take of the 2,000 that a function has."""
_DELAYED_OPERATIONS = 2
_SCHEDULED_OPERATIONS = 5
_LEASE_OPERATIONS = 4
_ALIAS_OPERATIONS = 6
"""What one row takes at most: where a large message is dropped that has a row under x."""


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What became of a batch: all but the refused items are done. `seed` is what a send made its message ids from.

    Of a FIFO queue `first_seq` is the number of the first message that was stored, the next ones follow; `duplicates`
    were not stored: the place of each, its message's id (16 bytes) and number. Of an exactly-once delete `already` are
    the places of those that the same receipts had deleted before.
    """

    refused: tuple[Refused, ...] = ()
    seed: bytes = b""
    first_seq: int = 0
    duplicates: tuple[tuple[int, bytes, int], ...] = ()
    already: tuple[int, ...] = ()


class StampedDelete(msgspec.Struct, frozen=True):
    """Receipts of messages to delete; with `must_be_there` one whose message is gone is refused, with `exactly_once`
    the answers are certain (see `acknowledgements`).
    """

    queue: str
    partition: bytes
    receipts: tuple[Receipt, ...]
    now_ms: int
    in_flight_max: int = IN_FLIGHT_MAX
    must_be_there: bool = False
    exactly_once: bool = False


class Deletion:
    """What becomes of the receipts of one delete, standard queue or FIFO."""

    def __init__(self, txn: Txn, request: StampedDelete) -> None:
        self._txn = txn
        self._request = request
        self._deleted: list[Receipt] = []
        self._refused: list[Refused] = []
        self._already: list[int] = []

    def deleted(self, receipt: Receipt) -> None:
        """Note that the message of a receipt is deleted by this commit."""
        self._deleted.append(receipt)

    def refused(self, receipt: Receipt, reason: Refusal) -> None:
        """Note that a receipt proves nothing; a message that is gone counts as deleted where nobody must be certain."""
        if not self._request.exactly_once:
            if reason is not Refusal.GONE or self._request.must_be_there:
                self._refused.append(Refused(receipt.index, reason))
        elif self._was_deleted(receipt):
            self._already.append(receipt.index)
        else:
            self._refused.append(Refused(receipt.index, AS_LOST[reason]))

    def _was_deleted(self, receipt: Receipt) -> bool:
        """Say whether the same receipt deleted the message, earlier or in this very request."""
        if any((it.seq, it.token) == (receipt.seq, receipt.token) for it in self._deleted):
            return True
        request = self._request
        return acknowledgements.was_acknowledged(self._txn, request.partition, receipt, request.now_ms)

    def outcome(self) -> Outcome:
        """Remember what must be, and return the answers."""
        if self._request.exactly_once:
            acknowledgements.remember(self._txn, self._request.partition, self._deleted, self._request.now_ms)
        return Outcome(tuple(self._refused), already=tuple(self._already))


class StampedChange(msgspec.Struct, frozen=True):
    """Receipts and the visibility timeout for each, in seconds from now."""

    queue: str
    partition: bytes
    receipts: tuple[Receipt, ...]
    timeouts_s: tuple[int, ...]
    now_ms: int


class Held(msgspec.Struct, frozen=True, gc=False):
    """Where a message stands: in its first place under l, under h, or in r (`leased` is False)."""

    key: bytes
    lease: Lease
    leased: bool


def delete_messages(txn: Txn, request: StampedDelete) -> Outcome:
    """Delete the messages whose latest receive the receipts prove; those that are gone already count as deleted."""
    queue = open_queue(txn, request.partition, request.queue)
    generation, leased, now_ms = queue.meta.generation, queue.layout.leased, request.now_ms
    held_before = queue.leased
    deletion = Deletion(txn, request)
    state, lease, is_simple = b"", FRESH, False
    message_at, get, delete = queue.layout.message, txn.get, txn.delete
    for receipt in request.receipts:
        if receipt.generation != generation:
            deletion.refused(receipt, Refusal.GONE)
            continue
        number = u64(receipt.seq)
        key = leased + u64(receipt.lease_at) + number
        found = get(key)
        if found:
            if found != state:  # messages of one receive share their state
                state, lease = found, lease_of(found)
                is_simple = lease.pieces == 1 and not (lease.dated or lease.group or queue.group_count)
            if lease.token == receipt.token:
                delete(key)
                if is_simple:
                    queue.leased -= 1
                    delete(message_at + number)
                else:
                    queue.count_leased(lease, -1, now_ms)
                    queue.drop(receipt.seq, lease, now_ms)
                deletion.deleted(receipt)
                continue
        place = _look_further(queue, receipt)
        if isinstance(place, Held):
            take_out(queue, receipt.seq, place, now_ms)
            queue.drop(receipt.seq, place.lease, now_ms)
            deletion.deleted(receipt)
        else:
            deletion.refused(receipt, place)
    if held_before >= request.in_flight_max:
        # Receivers may be parked although messages are ready; there is room for some of these now.
        queue.woken += min(queue.ready, held_before - queue.leased)
    queue.save()
    return deletion.outcome()


def change_visibilities(txn: Txn, request: StampedChange) -> Outcome:
    """Set when received messages become visible again."""
    queue = open_queue(txn, request.partition, request.queue)
    refused = []
    for receipt, timeout_s in zip(request.receipts, request.timeouts_s, strict=True):
        reason = _change(queue, receipt, timeout_s, request.now_ms)
        if reason is not None:
            limit = VISIBILITY_TIMEOUT_S_MAX if reason is Refusal.BEYOND_LIMIT else 0
            refused.append(Refused(receipt.index, reason, limit))
    queue.save()
    return Outcome(tuple(refused))


def promote(queue: OpenQueue, now_ms: int, operations: int) -> None:
    """Make ready what is due, delays first, then leases, within so many operations, and look at the groups whose time
    has come; arm the wake timer for the rest.
    """
    layout, txn = queue.layout, queue.txn
    until = u64(now_ms + 1)
    if queue.group_count:
        operations = _look_at_groups(queue, now_ms, operations)
    for key, state in txn.range(layout.delayed, layout.delayed + until, operations // _DELAYED_OPERATIONS):
        lease = lease_of(state)
        operations -= _SCHEDULED_OPERATIONS if lease.dated else _DELAYED_OPERATIONS
        operations -= _group_operations(queue, lease, now_ms)
        if operations < 0:
            break
        txn.delete(key)
        queue.count_delayed(lease, -1, now_ms)
        sent_ms = 0
        if not lease.dated:
            # When it was sent is not known here, only the earliest time at which it can have been; so the timer may
            # come too early, once, and then arms itself for the true time.
            sent_ms = int.from_bytes(key[-16:-8], "big") - DELAY_S_MAX * 1000
            queue.retain_by(sent_ms + queue.meta.message_retention_s * 1000)
        queue.return_to_ready(int.from_bytes(key[-8:], "big"), lease, state, now_ms, sent_ms)
    for key, state in txn.range(layout.leased, layout.leased + until, max(1, operations // _LEASE_OPERATIONS)):
        operations -= _LEASE_OPERATIONS if state else _ALIAS_OPERATIONS
        seq = int.from_bytes(key[-8:], "big")
        held = state or txn.get(layout.held + u64(seq))
        assert held, (queue.partition, seq)
        lease = lease_of(held)
        operations -= _group_operations(queue, lease, now_ms)
        if operations < 0:
            break
        txn.delete(key)
        if lease.due_ms > now_ms:
            _hold(queue, seq, lease, lease.due_ms)
            continue
        if not state:
            txn.delete(layout.held + u64(seq))
        queue.count_leased(lease, -1, now_ms)
        queue.return_to_ready(seq, lease, _without_alias(lease) if lease.alias_ms else held, now_ms)
    queue.wake_ms = earliest_wake_ms(queue)


def _group_operations(queue: OpenQueue, lease: Lease, now_ms: int) -> int:
    """Return what a message of a group takes more: the row that says where it stands, and once its group's rows."""
    if not lease.group:
        return 0
    return 1 if lease.group in queue.groups(now_ms).opened else 1 + GROUP_OPERATIONS


def _look_at_groups(queue: OpenQueue, now_ms: int, operations: int) -> int:
    """Look at groups whose time has come, for half of the operations at most; return how many of these are left."""
    groups = queue.groups(now_ms)
    start = groups.places.look
    each = 1 + GROUP_OPERATIONS
    rows = queue.txn.range(start, start + u64(now_ms + 1), operations // 2 // each)
    for key, _ in rows:
        groups.look(key, name_in(key[len(start) + 8 :]))
    return operations - len(rows) * each


def earliest_wake_ms(queue: OpenQueue) -> int:
    """Return when the first row under d, l or t is due, 0 where there is none."""
    places = [queue.layout.delayed, queue.layout.leased]
    if queue.group_count:
        places.append(fair_layout(queue.partition, queue.meta.generation).look)
    times = []
    for start in places:
        rows = queue.txn.range(start, start + b"\xff" * 8, 1)
        times += [int.from_bytes(key[len(start) : len(start) + 8], "big") for key, _ in rows]
    return min(times, default=0)


def _hold(queue: OpenQueue, seq: int, lease: Lease, alias_ms: int) -> None:
    """Write a lease under h with its alias; its row or alias under l is gone."""
    moved = msgspec.structs.replace(lease, alias_ms=alias_ms)
    queue.txn.put(queue.layout.held + u64(seq), records.encode(moved))
    queue.txn.put(queue.layout.leased + u64(alias_ms) + u64(seq), b"")
    queue.wake_by(alias_ms)


def _without_alias(lease: Lease) -> bytes:
    return records.encode(msgspec.structs.replace(lease, alias_ms=0))


def find_held(queue: OpenQueue, receipt: Receipt) -> Held | Refusal:
    """Return where the message of a receipt stands, or why the receipt proves nothing any more."""
    if receipt.generation != queue.meta.generation:
        return Refusal.GONE
    key = queue.layout.leased + u64(receipt.lease_at) + u64(receipt.seq)
    state = queue.txn.get(key)
    if state:
        lease = lease_of(state)
        if lease.token == receipt.token:
            return Held(key, lease, leased=True)
    return _look_further(queue, receipt)


def _look_further(queue: OpenQueue, receipt: Receipt) -> Held | Refusal:
    """As `find_held`, for a lease that is not in its first place."""
    seq = u64(receipt.seq)
    for key, leased in ((queue.layout.held + seq, True), (queue.ready_key(receipt.lane, seq), False)):
        state = queue.txn.get(key)
        if state:
            lease = lease_of(state)
            return Held(key, lease, leased) if lease.token == receipt.token else Refusal.SUPERSEDED
    return Refusal.GONE if queue.txn.get(queue.layout.message + seq) is None else Refusal.SUPERSEDED


def take_out(queue: OpenQueue, seq: int, place: Held, now_ms: int) -> None:
    """Remove a message from where it stands, counter included."""
    if not place.leased:
        queue.take_ready(place.key, place.lease, now_ms)
        return
    queue.txn.delete(place.key)
    queue.count_leased(place.lease, -1, now_ms)
    if place.lease.alias_ms:
        queue.txn.delete(queue.layout.leased + u64(place.lease.alias_ms) + u64(seq))


def _change(queue: OpenQueue, receipt: Receipt, timeout_s: int, now_ms: int) -> Refusal | None:
    place = find_held(queue, receipt)
    if isinstance(place, Refusal):
        return place
    lease, seq = place.lease, receipt.seq
    due_ms = now_ms + timeout_s * 1000
    if due_ms > lease.received_ms + VISIBILITY_TIMEOUT_S_MAX * 1000:
        return Refusal.BEYOND_LIMIT
    changed = msgspec.structs.replace(lease, due_ms=due_ms)
    met_ms = lease.alias_ms or receipt.lease_at
    if not place.leased:
        if timeout_s:
            take_out(queue, seq, place, now_ms)
            queue.count_leased(lease, 1, now_ms)
            _hold(queue, seq, changed, due_ms)
    elif timeout_s == 0:
        take_out(queue, seq, place, now_ms)
        queue.return_to_ready(seq, changed, _without_alias(changed), now_ms)
    elif due_ms >= met_ms:
        queue.txn.put(place.key, records.encode(changed))
    else:
        queue.txn.delete(queue.layout.leased + u64(met_ms) + u64(seq))
        _hold(queue, seq, changed, due_ms)
    return None
