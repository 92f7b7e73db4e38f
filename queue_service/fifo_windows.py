"""What a FIFO queue remembers for five minutes: deduplication ids, and the answers to receive request attempts.

Both outlive the message and a restart, and end with a purge. A window starts with the first send (receive) and is not
made longer by repetitions. What has ended is forgotten by a timer, in slices. Source: SQS developer guide, "Using the
message deduplication ID" and "Using the receive request attempt ID".
"""

import msgspec

from cumulo.queue_service.fifo_keys import (
    Attempt,
    Duplicate,
    FifoState,
    Standing,
    attempt_row,
    decode_attempt,
    decode_duplicate,
    duplicate_row,
)
from cumulo.queue_service.fifo_queue import FifoQueue
from cumulo.queue_service.message_model import DEDUPLICATION_S
from cumulo.queue_service.model import DEDUPLICATION_SCOPES, SCOPE_CHANGE_S, VISIBILITY_TIMEOUT_S_MAX
from cumulo.storage import records
from cumulo.storage.tuples import u64

FORGET_ROWS_MAX = 800
"""Windows that one run of the timer ends; 2 operations each."""
FORGET_PAUSE_MS = 1_000
"""How long the timer rests before it ends what has ended meanwhile: so one run ends many."""
_END = 1 << 63


def scope_of(queue: FifoQueue, group_id: str, now_ms: int) -> str:
    """Return in which scope a message is unique: its group's name, or an empty text for the queue."""
    meta = queue.meta
    is_before = meta.scope_changed_ms and now_ms < meta.scope_changed_ms + SCOPE_CHANGE_S * 1000
    scope = meta.scope_before if is_before else meta.deduplication_scope
    return "" if scope == DEDUPLICATION_SCOPES[0] else group_id


def find_duplicate(queue: FifoQueue, scope: str, deduplication_id: str, now_ms: int) -> Duplicate | None:
    """Return the message that an id stands for now."""
    raw = queue.txn.get(queue.places.content + duplicate_row(scope, deduplication_id))
    duplicate = None if raw is None else decode_duplicate(raw)
    return duplicate if duplicate is not None and duplicate.until_ms > now_ms else None


def remember_message(
    queue: FifoQueue, scope: str, deduplication_id: str, message_id: str, seq: int, now_ms: int
) -> None:
    """Open the window of a deduplication id."""
    row = duplicate_row(scope, deduplication_id)
    raw = queue.txn.get(queue.places.content + row)
    until_ms = now_ms + DEDUPLICATION_S * 1000
    _put(queue, row, Duplicate(1, message_id, seq, until_ms), until_ms, decode_duplicate(raw).until_ms if raw else 0)


def remember_attempt(
    queue: FifoQueue, attempt_id: str, token: bytes, due_ms: int, messages: tuple[tuple[int, int], ...], now_ms: int
) -> None:
    """Open the window of a receive request attempt."""
    row = attempt_row(attempt_id)
    raw = queue.txn.get(queue.places.content + row)
    until_ms = now_ms + DEDUPLICATION_S * 1000
    _put(
        queue, row, Attempt(1, token, due_ms, until_ms, messages), until_ms, decode_attempt(raw).until_ms if raw else 0
    )


def repeat_attempt(
    queue: FifoQueue, attempt_id: str, timeout_s: int, now_ms: int
) -> tuple[bytes, list[tuple[int, int, FifoState]]] | None:
    """Hold the messages of an attempt for `timeout_s` from now, where all are as they were left by it.

    Return their token, and number of the group, number and state of each; None where nothing was received under this
    id, too long ago, or where one of the messages was deleted, given back or held longer since.
    """
    key = queue.places.content + attempt_row(attempt_id)
    raw = queue.txn.get(key)
    attempt = Attempt() if raw is None else decode_attempt(raw)
    if min(attempt.until_ms, attempt.due_ms) <= now_ms:
        return None
    held: list[tuple[int, int, FifoState]] = []
    for number, seq in attempt.messages:
        state = queue.state(number, seq)
        if state is None or state.token != attempt.token or state.at_ms != attempt.due_ms:
            return None
        assert state.standing == Standing.LEASED, (queue.partition, seq)
        held.append((number, seq, state))
    limit_ms = held[0][2].received_ms + VISIBILITY_TIMEOUT_S_MAX * 1000
    due_ms = min(now_ms + timeout_s * 1000, limit_ms)
    for number, seq, state in held:
        queue.extend(number, seq, state, due_ms)
    queue.txn.put(key, records.encode(msgspec.structs.replace(attempt, due_ms=due_ms)))
    return attempt.token, held


def forget(queue: FifoQueue, now_ms: int) -> None:
    """Remove what has ended, and arm the timer for the next: the deed of `queue.forget`."""
    ends = queue.places.ends
    for key, _ in queue.txn.range(ends, ends + u64(now_ms + 1), FORGET_ROWS_MAX):
        queue.txn.delete(queue.places.content + key[len(ends) + 8 :])
        queue.txn.delete(key)
    rows = queue.txn.range(ends, ends + u64(_END), 1)
    queue.forget_ms = 0
    if rows:
        next_ms = int.from_bytes(rows[0][0][len(ends) : len(ends) + 8], "big")
        queue.forget_ms = next_ms if next_ms <= now_ms else max(next_ms, now_ms + FORGET_PAUSE_MS)


def _put(queue: FifoQueue, row: bytes, record: records.Record, until_ms: int, until_before_ms: int) -> None:
    if until_before_ms:
        queue.txn.delete(queue.places.ends + u64(until_before_ms) + row)
    queue.txn.put(queue.places.content + row, records.encode(record))
    queue.txn.put(queue.places.ends + u64(until_ms) + row, b"")
    queue.forget_by(until_ms)
