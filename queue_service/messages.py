"""Messages: send and receive.

A send writes a message's bytes once and one small row that says where it stands. A receive moves that row from r to l,
and decides on the way what must not be delivered: what is too old is dropped, what was received too often goes to the
dead-letter queue (`redrive`). Whose turn it is where messages have groups, `fair_turns` says. Several parked receivers
are served by one call, each with a fair share of what is ready.
"""

from collections.abc import Iterator

import msgspec

from cumulo.queue_service.errors import Refusal, Refused
from cumulo.queue_service.fair import GROUP_OPERATIONS
from cumulo.queue_service.fair_turns import Turns
from cumulo.queue_service.keys import (
    FRESH,
    PIECE_BYTES,
    Lease,
    StoredMessage,
    dated_value,
    decode_lease,
    decode_message,
)
from cumulo.queue_service.leases import PROMOTE_OPERATIONS_OF_RECEIVE, Outcome, promote
from cumulo.queue_service.message_model import BATCH_BYTES_MAX
from cumulo.queue_service.model import IN_FLIGHT_MAX
from cumulo.queue_service.open_queue import OpenQueue, open_queue
from cumulo.queue_service.queues import DirectoryChanged
from cumulo.queue_service.redrive import DeadLetters
from cumulo.storage import records
from cumulo.storage.engine import Row, Txn
from cumulo.storage.tuples import u64

SERVED_MESSAGES_MAX = 200
"""Messages that one receive transaction takes for all whom it serves; 3 operations each."""
SET_ASIDE_OPERATIONS_MAX = 400
"""What one receive transaction spends on messages that it drops or moves to the dead-letter queue."""
_SET_ASIDE_OPERATIONS = 11
"""What one such message takes, and one more for each piece of a large one."""


class OutgoingInGroup(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a message of a FIFO queue has more. `by_content` says that the deduplication id was made from the body."""

    message_id: str
    group_id: str
    deduplication_id: str
    by_content: bool


class Outgoing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A checked message: its place in the batch, its encoded `StoredMessage`, and what SQS counts as its size; `fifo`
    where the queue is one; elsewhere `lane` is its priority's, and `group` its group or empty. What is scheduled has a
    `due_ms`, by the deadline clock.
    """

    index: int
    record: bytes
    size_bytes: int
    delay_s: int | None = None
    fifo: "OutgoingInGroup | None" = None
    lane: int = 0
    due_ms: int = 0
    group: str = ""


class StampedSend(msgspec.Struct, frozen=True):
    """Messages to store; `seed` is where their ids came from, `key_id` names the key that sealed them, if any did."""

    queue: str
    partition: bytes
    messages: tuple[Outgoing, ...]
    seed: bytes
    now_ms: int
    key_id: bytes = b""


class Demand(msgspec.Struct, frozen=True, gc=False):
    """One receiver's wish; `token` marks its leases, `visibility_timeout_s` None takes the queue's. `attempt_id` is for
    FIFO queues.
    """

    max_messages: int
    visibility_timeout_s: int | None
    token: bytes
    attempt_id: str = ""


class StampedReceive(msgspec.Struct, frozen=True):
    """Receivers to serve, first come first; `dead_letter` is the dead-letter queue's partition, empty for none."""

    queue: str
    partition: bytes
    demands: tuple[Demand, ...]
    dead_letter: bytes
    now_ms: int
    in_flight_max: int = IN_FLIGHT_MAX


class LeasedMessage(msgspec.Struct, frozen=True, gc=False):
    """A message that was taken, with what its receipt is made of; `token` is empty where it is the demand's."""

    seq: int
    lease_at: int
    receive_count: int
    first_received_ms: int
    stored: StoredMessage
    token: bytes = b""
    lane: int = 0


class Received(msgspec.Struct, frozen=True):
    """What each demand got, in their order. `left` messages are ready still; `is_full` says that too many messages are
    in flight for more.
    """

    generation: int
    taken: tuple[list[LeasedMessage], ...]
    left: int
    is_full: bool


class StampedPeek(msgspec.Struct, frozen=True):
    """Whether a receive may find something; `is_repeatable` says that it may have been answered before."""

    queue: str
    partition: bytes
    now_ms: int
    is_repeatable: bool = False


def send_messages(txn: Txn, request: StampedSend) -> Outcome:
    """Store messages; those larger than the queue takes are refused."""
    return send_to(open_queue(txn, request.partition, request.queue), request)


def send_to(queue: OpenQueue, request: StampedSend) -> Outcome:
    """Do as `send_messages`, to a queue that is open already."""
    confirm_sealing(queue, request.key_id)
    meta, now_ms = queue.meta, request.now_ms
    size_bytes_max = meta.maximum_message_size_bytes
    refused = []
    plain: list[bytes] = []
    for message in request.messages:
        record, delay_s = message.record, message.delay_s
        if message.size_bytes > size_bytes_max:
            refused.append(Refused(message.index, Refusal.TOO_LONG, size_bytes_max))
            continue
        if delay_s is None:
            delay_s = meta.delay_s
        if not (delay_s or message.due_ms or message.lane or message.group) and len(record) <= PIECE_BYTES:
            plain.append(record)
            continue
        queue.add_plain(plain)  # numbers follow the batch's order
        plain.clear()
        if message.due_ms:
            schedule(queue, message, now_ms)
        else:
            store(queue, record, delay_s, now_ms, message.lane, message.group)
    if plain:
        queue.add_plain(plain)
        queue.retain_by(now_ms + meta.message_retention_s * 1000)
    queue.save()
    return Outcome(tuple(refused), request.seed)


def confirm_sealing(queue: OpenQueue, key_id: bytes) -> None:
    """Raise unless what was sealed with a key, or with none, is sealed as the queue says now."""
    if queue.meta.key_id != key_id:
        raise DirectoryChanged


def store(queue: OpenQueue, record: bytes, delay_s: int, now_ms: int, lane: int = 0, group: str = "") -> int:
    """Write one new message, ready or delayed; return its number."""
    pieces = -(-len(record) // PIECE_BYTES)
    seq = queue.add(record, pieces, PIECE_BYTES)
    lease = FRESH if pieces == 1 and not lane and not group else Lease(pieces=pieces, lane=lane, group=group)
    state = b"" if lease is FRESH else records.encode(lease)
    if group:
        queue.groups(now_ms).open(group).sent_ms = now_ms
    if delay_s:
        due_ms = now_ms + delay_s * 1000
        queue.txn.put(queue.layout.delayed + u64(due_ms) + u64(seq), state)
        queue.count_delayed(lease, 1, now_ms)
        queue.wake_by(due_ms)
    else:
        queue.put_ready(seq, lease, state, now_ms, now_ms)
    # Later than what is armed for older messages, unless the retention period was shortened since.
    queue.retain_by(now_ms + queue.meta.message_retention_s * 1000)
    return seq


def schedule(queue: OpenQueue, message: Outgoing, now_ms: int) -> None:
    """Write one new message that stays back until its `due_ms`; its record says that retention counts from then."""
    due_ms, lane, group = message.due_ms, message.lane, message.group
    pieces = -(-len(message.record) // PIECE_BYTES)
    seq = queue.add(message.record, pieces, PIECE_BYTES)
    lease = Lease(pieces=pieces, kept_from_ms=due_ms, dated=True, lane=lane, group=group)
    if group:
        queue.groups(now_ms).open(group).sent_ms = now_ms
    queue.txn.put(queue.layout.delayed + u64(due_ms) + u64(seq), records.encode(lease))
    queue.txn.put(queue.layout.dated + u64(due_ms) + u64(seq), dated_value(lane, group))
    queue.count_delayed(lease, 1, now_ms)
    queue.wake_by(due_ms)
    queue.retain_by(due_ms + queue.meta.message_retention_s * 1000)


def peek(txn: Txn, request: StampedPeek) -> bool:
    """Say whether a receive may find something: so an empty poll costs no transaction. A read function."""
    queue = open_queue(txn, request.partition, request.queue)
    return queue.ready > 0 or 0 < queue.wake_ms <= request.now_ms


def own_visibility_timeout_s(txn: Txn, request: StampedReceive) -> int:
    """Return the visibility timeout of a queue, FIFO or not. A read function."""
    return open_queue(txn, request.partition, request.queue).meta.visibility_timeout_s


def receive_messages(txn: Txn, request: StampedReceive) -> Received:
    """Take messages for each demand: what is ready is shared out fairly, earlier demands first."""
    queue = open_queue(txn, request.partition, request.queue)
    now_ms = request.now_ms
    if queue.group_count:
        queue.groups(now_ms)
    if 0 < queue.wake_ms <= now_ms:
        promote(queue, now_ms, PROMOTE_OPERATIONS_OF_RECEIVE)
    room = request.in_flight_max - queue.leased
    shares = _shares(request.demands, min(queue.ready, room, SERVED_MESSAGES_MAX))
    dead_letters = DeadLetters(queue, request.dead_letter)
    picked = _pick(queue, dead_letters, sum(shares), now_ms) if shares else []
    taken = []
    start = 0
    for demand, share in zip(request.demands, shares, strict=False):
        taken.append(_lease(queue, demand, picked[start : start + share], now_ms))
        start += share
    taken += [[] for _ in request.demands[len(shares) :]]
    dead_letters.save()
    queue.save()
    return Received(queue.meta.generation, tuple(taken), queue.ready, room <= 0)


def _shares(demands: tuple[Demand, ...], available: int) -> list[int]:
    """Return how many each gets: an equal part of what is left, at least one, at most what it asked for."""
    shares = []
    for served, demand in enumerate(demands):
        if available <= 0:
            break
        share = min(demand.max_messages, -(-available // (len(demands) - served)))
        shares.append(share)
        available -= share
    return shares


_Picked = tuple[bytes, Lease, StoredMessage]
"""Key under r, state, message."""


def _pick(queue: OpenQueue, dead_letters: DeadLetters, wanted: int, now_ms: int) -> list[_Picked]:
    """Read the first `wanted` messages that may be delivered; set aside those that may not, up to a budget.

    Those of a group are moved out of its ready messages, and counted as in flight there, at once, since the next one's
    turn depends on it; everything else is `_lease`'s.
    """
    picked: list[_Picked] = []
    turns = None
    if queue.group_count:
        turns = Turns(queue.txn, queue.groups(now_ms), queue.layout.lanes, lambda: queue.leased + len(picked))
    set_aside = size_bytes = 0
    message_at = queue.layout.message
    too_old_ms = now_ms - queue.meta.message_retention_s * 1000
    for key, state in turns or _ready_rows(queue, wanted):
        lease = decode_lease(state) if state else FRESH
        number = key[-8:]
        stored = decode_message(queue.bytes_at(message_at + number, lease.pieces))
        too_old = stored.kept_from_ms <= too_old_ms
        if too_old or (dead_letters.is_there and dead_letters.is_due(lease.receive_count)):
            seq = int.from_bytes(number, "big")
            set_aside += _SET_ASIDE_OPERATIONS + lease.pieces
            if set_aside > SET_ASIDE_OPERATIONS_MAX or dead_letters.is_full:
                break
            if turns is not None:
                turns.operations -= _SET_ASIDE_OPERATIONS + lease.pieces + GROUP_OPERATIONS
            if too_old:
                queue.take_ready(key, lease, now_ms)
                queue.drop(seq, lease, now_ms)
            else:
                dead_letters.move(key, seq, lease, stored, now_ms)
            continue
        size_bytes += len(stored.body)
        if size_bytes > BATCH_BYTES_MAX and picked:
            break
        picked.append((key, lease, stored))
        if lease.group:
            queue.groups(now_ms).remove_ready(key, lease).leased += 1
        if len(picked) == wanted:
            break
    return picked


def _ready_rows(queue: OpenQueue, wanted: int) -> Iterator[Row]:
    """Return the ready messages of a queue without groups, in pages of what may be wanted."""
    position, end = queue.layout.lanes, queue.layout.lanes + b"\xff"
    while rows := queue.txn.range(position, end, wanted):
        yield from rows
        position = rows[-1][0] + b"\x00"


def _lease(queue: OpenQueue, demand: Demand, picked: list[_Picked], now_ms: int) -> list[LeasedMessage]:
    """Move picked messages from r to l under the demand's token."""
    if not picked:
        return []
    timeout_s = demand.visibility_timeout_s
    due_ms = now_ms + (queue.meta.visibility_timeout_s if timeout_s is None else timeout_s) * 1000
    txn, leased = queue.txn, queue.layout.leased + u64(due_ms)
    first_time, kept_from_ms = b"", -1
    messages: list[LeasedMessage] = []
    add, put, delete, token = messages.append, txn.put, txn.delete, demand.token
    for key, before, stored in picked:
        number = key[-8:]
        if not stored.group_id:
            delete(key)
        if before is FRESH:
            if stored.kept_from_ms != kept_from_ms:  # messages that were sent together share their state
                kept_from_ms = stored.kept_from_ms
                first_time = records.encode(Lease(1, token, due_ms, now_ms, 1, now_ms, 1, kept_from_ms))
            put(leased + number, first_time)
            count, first_ms, lane = 1, now_ms, 0
        else:
            count, first_ms, lane = before.receive_count + 1, before.first_received_ms or now_ms, before.lane
            lease = Lease(
                token=token,
                due_ms=due_ms,
                received_ms=now_ms,
                receive_count=count,
                first_received_ms=first_ms,
                pieces=before.pieces,
                kept_from_ms=stored.kept_from_ms,
                dated=before.dated,
                lane=lane,
                group=before.group,
            )
            put(leased + number, records.encode(lease))
        count += stored.received_before
        add(LeasedMessage(int.from_bytes(number, "big"), due_ms, count, first_ms, stored, b"", lane))
    queue.ready -= len(messages)
    queue.leased += len(messages)
    queue.wake_by(due_ms)
    return messages
