"""Messages of FIFO queues: send, receive, delete, change visibility, and what timers do.

The counterpart of `messages`, `leases` and `retention`, by the same requests and answers. A receive takes the first
ready group and as many of its messages as it may, in order, up to the first that is not ready; then the next group, as
SQS was recorded to do it. Blocked groups are not in the line, so a receive never meets them.

A receipt proves something only while its receive holds the message: afterwards it has expired, other than on a standard
queue, since somebody else may work on the group already. The retention period ends a message wherever it stands; in a
dead-letter queue it starts anew ("Setting-up dead-letter queue retention in Amazon SQS").
"""

import uuid
from collections.abc import Iterable

import msgspec

from cumulo.queue_service import fifo_windows as windows
from cumulo.queue_service.errors import DEDUPLICATION_ID_REQUIRED, Refusal, Refused
from cumulo.queue_service.fifo_keys import FifoState, Standing
from cumulo.queue_service.fifo_queue import FifoQueue, find_fifo, open_fifo
from cumulo.queue_service.keys import decode_message
from cumulo.queue_service.leases import Deletion, Outcome, StampedChange, StampedDelete
from cumulo.queue_service.message_model import BATCH_BYTES_MAX
from cumulo.queue_service.messages import (
    Demand,
    LeasedMessage,
    Received,
    StampedPeek,
    StampedReceive,
    StampedSend,
    confirm_sealing,
)
from cumulo.queue_service.model import VISIBILITY_TIMEOUT_S_MAX
from cumulo.queue_service.receipts import Receipt
from cumulo.queue_service.redrive import DeadLetters
from cumulo.storage.engine import Txn
from cumulo.storage.tuples import u64

SERVED_MESSAGES_MAX = 80
"""Messages that one receive transaction takes for all whom it serves; 9 operations each where each has its group."""
SET_ASIDE_OPERATIONS_MAX = 300
"""What one receive transaction spends on messages that it drops or moves to the dead-letter queue."""
_SET_ASIDE_OPERATIONS = 13
"""What one such message takes, and two more for each piece of a large one."""
PROMOTE_OPERATIONS_OF_RECEIVE = 360
PROMOTE_OPERATIONS_OF_TIMER = 1_800
_PROMOTE_OPERATIONS = 9
"""What one message that is due takes at most: its own rows, and its group's."""
EXPIRE_OPERATIONS_MAX = 1_500
"""Operations of one run of the retention timer."""
_PIECES_MAX = 20
"""More than the largest message has: 1 MiB in pieces of 64,000 bytes."""
_GONE_MAX = 50
"""Messages that are gone, and whose further pieces are not cleared yet, that one run steps over to find the next."""
_EXPIRE_OPERATIONS = 16
"""What one message takes that is too old."""


def send_messages(txn: Txn, request: StampedSend) -> Outcome:
    """Store messages at the ends of their groups, but for duplicates, and for those larger than the queue takes.

    Raises `DEDUPLICATION_ID_REQUIRED` for the batch where one has no id, and the queue makes none from the content.
    """
    return send_to(open_fifo(txn, request.partition, request.queue), request)


def send_to(queue: FifoQueue, request: StampedSend) -> Outcome:
    """Do as `send_messages`, to a queue that is open already."""
    confirm_sealing(queue, request.key_id)
    meta, now_ms = queue.meta, request.now_ms
    first_seq = queue.next_seq
    refused, duplicates = [], []
    for message in request.messages:
        it = message.fifo
        assert it is not None, request.queue
        if it.by_content and not meta.content_based_deduplication:
            raise DEDUPLICATION_ID_REQUIRED.error()
        if message.size_bytes > meta.maximum_message_size_bytes:
            refused.append(Refused(message.index, Refusal.TOO_LONG, meta.maximum_message_size_bytes))
            continue
        scope = windows.scope_of(queue, it.group_id, now_ms)
        known = windows.find_duplicate(queue, scope, it.deduplication_id, now_ms)
        if known is not None:
            duplicates.append((message.index, uuid.UUID(known.message_id).bytes, known.seq))
            continue
        seq = queue.enqueue(it.group_id, message.record, meta.delay_s, now_ms)
        windows.remember_message(queue, scope, it.deduplication_id, it.message_id, seq, now_ms)
    queue.save()
    return Outcome(tuple(refused), request.seed, first_seq, tuple(duplicates))


def peek(txn: Txn, request: StampedPeek) -> bool:
    """Say whether a receive may find something: so an empty poll costs no transaction. A read function."""
    queue = open_fifo(txn, request.partition, request.queue)
    return request.is_repeatable or queue.ready_groups > 0 or 0 < queue.wake_ms <= request.now_ms


def receive_messages(txn: Txn, request: StampedReceive) -> Received:
    """Take messages for each demand, earlier demands first; the groups of one are blocked for the next."""
    queue = open_fifo(txn, request.partition, request.queue)
    now_ms = request.now_ms
    if 0 < queue.wake_ms <= now_ms:
        promote(queue, now_ms, PROMOTE_OPERATIONS_OF_RECEIVE)
    dead_letters = DeadLetters(queue, request.dead_letter, find_fifo)
    receiving = _Receiving(queue, dead_letters, request.in_flight_max, now_ms)
    taken = tuple(receiving.take(demand) for demand in request.demands)
    receiving.dead_letters.save()
    queue.save()
    # SQS gives no error where too many messages of a FIFO queue are in flight, only nothing.
    is_full = queue.leased >= request.in_flight_max
    return Received(queue.meta.generation, taken, 0 if is_full else queue.ready_groups, is_full=False)


class _Receiving:
    """One receive transaction, and what it may still do."""

    def __init__(self, queue: FifoQueue, dead_letters: DeadLetters, in_flight_max: int, now_ms: int) -> None:
        self.dead_letters = dead_letters
        self._queue = queue
        self._now_ms = now_ms
        self._room = min(in_flight_max - queue.leased, SERVED_MESSAGES_MAX)
        self._set_aside_operations = SET_ASIDE_OPERATIONS_MAX
        self._size_bytes = 0
        self._is_over = False

    def take(self, demand: Demand) -> list[LeasedMessage]:
        """Return what one demand gets."""
        queue, now_ms = self._queue, self._now_ms
        timeout_s = demand.visibility_timeout_s
        if timeout_s is None:
            timeout_s = queue.meta.visibility_timeout_s
        if demand.attempt_id and self._room > 0:
            repeated = windows.repeat_attempt(queue, demand.attempt_id, timeout_s, now_ms)
            if repeated is not None:
                token, held = repeated
                self._room -= len(held)
                return [self._shown(number, seq, state, token) for number, seq, state in held]
        due_ms = now_ms + timeout_s * 1000
        messages: list[LeasedMessage] = []
        while self._may_take(demand, messages) and (number := queue.first_ready()) is not None:
            self._take_of_group(number, demand, due_ms, messages)
            queue.settle(number)
        if demand.attempt_id and messages:
            places = tuple((it.lease_at, it.seq) for it in messages)
            windows.remember_attempt(queue, demand.attempt_id, demand.token, due_ms, places, now_ms)
        return messages

    def _may_take(self, demand: Demand, messages: list[LeasedMessage]) -> bool:
        return not self._is_over and self._room > 0 and len(messages) < demand.max_messages

    def _take_of_group(self, number: int, demand: Demand, due_ms: int, messages: list[LeasedMessage]) -> None:
        queue, behind = self._queue, 0
        while self._may_take(demand, messages):
            wanted = min(demand.max_messages - len(messages), self._room)
            rows = queue.messages_of(number, behind, wanted)
            if not rows:
                return
            behind = rows[-1][0]
            for seq, state in rows:
                if state.standing != Standing.READY:
                    return
                it = self._shown(number, seq, state, b"")
                if self._set_aside(it, state):
                    continue
                self._size_bytes += len(it.stored.body)
                if self._size_bytes > BATCH_BYTES_MAX and self._size_bytes > len(it.stored.body):
                    self._is_over = True
                if self._is_over:
                    return
                leased = queue.lease(number, seq, state, demand.token, due_ms, self._now_ms)
                self._room -= 1
                messages.append(
                    msgspec.structs.replace(
                        it,
                        receive_count=it.receive_count + 1,
                        first_received_ms=leased.first_received_ms,
                    )
                )

    def _shown(self, number: int, seq: int, state: FifoState, token: bytes) -> LeasedMessage:
        stored = decode_message(self._queue.message_bytes(seq, state.pieces))
        count = state.receive_count + stored.received_before
        return LeasedMessage(seq, number, count, state.first_received_ms, stored, token)

    def _set_aside(self, it: LeasedMessage, state: FifoState) -> bool:
        """Drop a ready message that is too old, move one that was received too often, and say whether it was one.

        Once this transaction has done enough of that it is over, and nothing more is done.
        """
        queue, now_ms = self._queue, self._now_ms
        too_old = queue.is_too_old(it.stored.kept_from_ms, now_ms)
        if not too_old and not self.dead_letters.is_due(state.receive_count):
            return False
        self._set_aside_operations -= _SET_ASIDE_OPERATIONS + 2 * state.pieces
        if self._set_aside_operations < 0 or self.dead_letters.is_full:
            self._is_over = True
            return False
        if not too_old:
            target, stored = self.dead_letters.target, it.stored
            assert isinstance(target, FifoQueue), target.meta.name
            # The id is the message's own there, as in SQS: two messages of one deduplication id both have their place.
            record = self.dead_letters.record_of(
                stored, state, now_ms, kept_from_ms=now_ms, deduplication_id=stored.message_id
            )
            target.enqueue(stored.group_id, record, 0, now_ms)
        queue.remove(it.lease_at, it.seq, state, now_ms)
        return True


def delete_messages(txn: Txn, request: StampedDelete) -> Outcome:
    """Delete the messages that the receipts' receives hold; those that are gone already count as deleted."""
    queue = open_fifo(txn, request.partition, request.queue)
    held_before = queue.leased
    deletion = Deletion(txn, request)
    numbers: dict[int, None] = {}
    for receipt in request.receipts:
        state = held_by(queue, receipt, request.now_ms)
        if isinstance(state, FifoState):
            queue.remove(receipt.lease_at, receipt.seq, state, request.now_ms)
            numbers[receipt.lease_at] = None
            deletion.deleted(receipt)
        else:
            deletion.refused(receipt, state)
    _settle(queue, numbers)
    if held_before >= request.in_flight_max:
        # Receivers may be parked although groups are ready; there is room for some of these now.
        queue.woken += queue.ready_groups
    queue.save()
    return deletion.outcome()


def change_visibilities(txn: Txn, request: StampedChange) -> Outcome:
    """Set when received messages become visible again."""
    queue = open_fifo(txn, request.partition, request.queue)
    refused = []
    numbers: dict[int, None] = {}
    for receipt, timeout_s in zip(request.receipts, request.timeouts_s, strict=True):
        state = held_by(queue, receipt, request.now_ms)
        if not isinstance(state, FifoState):
            refused.append(Refused(receipt.index, state))
            continue
        due_ms = request.now_ms + timeout_s * 1000
        if due_ms > state.received_ms + VISIBILITY_TIMEOUT_S_MAX * 1000:
            refused.append(Refused(receipt.index, Refusal.BEYOND_LIMIT, VISIBILITY_TIMEOUT_S_MAX))
        elif timeout_s:
            queue.extend(receipt.lease_at, receipt.seq, state, due_ms)
        else:
            queue.make_ready(receipt.lease_at, receipt.seq, state)
            numbers[receipt.lease_at] = None
    _settle(queue, numbers)
    queue.save()
    return Outcome(tuple(refused))


def held_by(queue: FifoQueue, receipt: Receipt, now_ms: int) -> FifoState | Refusal:
    """Return the state of the message that a receipt's receive holds, or why it holds none."""
    state = queue.state(receipt.lease_at, receipt.seq) if receipt.generation == queue.meta.generation else None
    if state is None:
        return Refusal.GONE
    if state.standing != Standing.LEASED or state.token != receipt.token or state.at_ms <= now_ms:
        return Refusal.EXPIRED
    return state


def _settle(queue: FifoQueue, numbers: Iterable[int]) -> None:
    for number in numbers:
        queue.settle(number)


def wake(txn: Txn, partition: bytes, now_ms: int) -> None:
    """Make ready what is due, and arm the timer for the next."""
    queue = find_fifo(txn, partition)
    assert queue is not None, partition
    promote(queue, now_ms, PROMOTE_OPERATIONS_OF_TIMER)
    queue.save()


def promote(queue: FifoQueue, now_ms: int, operations: int) -> None:
    """Make ready what is due, delays first, then leases, within so many operations; arm the wake timer for the rest."""
    numbers: dict[int, None] = {}
    left = operations // _PROMOTE_OPERATIONS
    for prefix, until_ms in (
        (queue.places.delayed, now_ms - queue.meta.delay_s * 1000),
        (queue.places.leased, now_ms),
    ):
        rows = queue.txn.range(prefix, prefix + u64(max(until_ms, 0) + 1), left) if left > 0 else []
        left -= len(rows)
        for key, value in rows:
            number, seq = int.from_bytes(value, "big"), int.from_bytes(key[-8:], "big")
            state = queue.state(number, seq)
            assert state is not None, (queue.partition, seq)
            queue.make_ready(number, seq, state)
            numbers[number] = None
    _settle(queue, numbers)
    queue.wake_ms = min(_due_times(queue), default=0)


def _due_times(queue: FifoQueue) -> list[int]:
    """Return when the first delay and the first lease end, of those that there are."""
    times = []
    for prefix, further_ms in ((queue.places.delayed, queue.meta.delay_s * 1000), (queue.places.leased, 0)):
        rows = queue.txn.range(prefix, prefix + b"\xff" * 8, 1)
        times += [int.from_bytes(key[-16:-8], "big") + further_ms for key, _ in rows]
    return times


def retain(txn: Txn, partition: bytes, now_ms: int) -> None:
    """Delete what is too old, the lowest number first, and arm the timer for the next."""
    queue = find_fifo(txn, partition)
    assert queue is not None, partition
    queue.retain_ms = 0
    numbers: dict[int, None] = {}
    operations, seq = EXPIRE_OPERATIONS_MAX, 0
    while operations > 0 and (pieces := _next_message(queue, seq)):
        seq, record = pieces
        stored = decode_message(record)
        if not queue.is_too_old(stored.kept_from_ms, now_ms):
            queue.retain_by(stored.kept_from_ms + queue.meta.message_retention_s * 1000)
            break
        number = queue.number_of(stored.group_id)
        assert number is not None, (partition, seq)
        state = queue.state(number, seq)
        assert state is not None, (partition, seq)
        queue.remove(number, seq, state, now_ms)
        numbers[number] = None
        operations -= _EXPIRE_OPERATIONS
    _settle(queue, numbers)
    if not queue.retain_ms and queue.ready + queue.delayed + queue.leased:
        queue.retain_by(now_ms)
    queue.save()


def _next_message(queue: FifoQueue, behind: int) -> tuple[int, bytes] | None:
    """Return the number and the bytes of the first message with a number above `behind`, None where there is none."""
    prefix = queue.places.message
    start = prefix + u64(behind + 1)
    for _ in range(_GONE_MAX):
        rows = queue.txn.range(start, prefix + b"\xff" * 9, 1)
        if not rows:
            break
        key = rows[0][0][: len(prefix) + 8]
        start = key + b"\xff"
        if rows[0][0] == key:
            pieces = queue.txn.range(key, start, _PIECES_MAX)
            return int.from_bytes(key[-8:], "big"), b"".join(piece for _, piece in pieces)
        # Else it is the pieces of a message that is gone, which will be cleared.
    return None
