"""Exactly-once acknowledgement: which receipts have deleted their message, remembered for a while.

A receiver that asks for it is told for certain what became of its acknowledgement: done, done before by the same
receipt, or too late, since the lease was lost. What is in the queue answers all but one case: of a message that is gone
it says neither who deleted it, nor whether it was deleted at all. So such an acknowledgement leaves a row behind, in
the commit that deletes the message:

    q     ("acks",) period token                   Acknowledged: the numbers of messages that were deleted under a token

`token` is a receive's, shared by all its messages, so that the acknowledgements of one receive share a row; `period` is
the deadline clock's time in units of `WINDOW_MS`. A row is found in its period and the next, and is cleared with its
whole period through the due index, so an acknowledgement is remembered for one to two windows. It stands outside of the
content: a purge makes no repeated answer false. An acknowledgement that nobody wants to be certain of leaves nothing.
"""

from collections.abc import Iterable

from cumulo.queue_service.keys import CLEAR
from cumulo.queue_service.receipts import TOKEN_BYTES, Receipt
from cumulo.storage import records, tuples
from cumulo.storage.engine import ReadTxn, Txn
from cumulo.storage.tuples import u64

WINDOW_MS = 600_000
"""For so long an acknowledgement is remembered at least: ten times as long as a client tries to open a stream again."""
ACKS = tuples.encode(("acks",))


class Acknowledged(records.Record, frozen=True):
    """The numbers of the messages that one token's receipts have deleted; at most what one receive takes."""

    seqs: tuple[int, ...] = ()


decode_acknowledged = records.decoder(Acknowledged).decode


def remember(txn: Txn, partition: bytes, receipts: Iterable[Receipt], now_ms: int) -> None:
    """Note that the messages of these receipts are deleted by this commit."""
    by_token: dict[bytes, list[int]] = {}
    for receipt in receipts:
        by_token.setdefault(receipt.token, []).append(receipt.seq)
    if not by_token:
        return
    period = now_ms // WINDOW_MS
    rows = period_key(partition, period)
    for token, seqs in by_token.items():
        raw = txn.get(rows + token)
        before = () if raw is None else decode_acknowledged(raw).seqs
        txn.put(rows + token, records.encode(Acknowledged(seqs=(*before, *seqs))))
    txn.due(cleared_ms(period), CLEAR, rows)


def was_acknowledged(txn: ReadTxn, partition: bytes, receipt: Receipt, now_ms: int) -> bool:
    """Say whether this very receipt is known to have deleted its message."""
    period = now_ms // WINDOW_MS
    for rows in (period_key(partition, period), period_key(partition, period - 1)):
        raw = txn.get(rows + receipt.token)
        if raw is not None and receipt.seq in decode_acknowledged(raw).seqs:
            return True
    return False


def period_key(partition: bytes, period: int) -> bytes:
    """Return what the keys of one period's rows start with; a token follows."""
    return partition + ACKS + u64(period)


def cleared_ms(period: int) -> int:
    """Return when the rows of a period are cleared."""
    return (period + 2) * WINDOW_MS


def problem_of(key: bytes, value: bytes) -> str | None:
    """Return what is wrong with a row, for the invariants."""
    token = key[len(period_key(key[:8], 0)) :]
    if len(token) != TOKEN_BYTES:
        return f"an acknowledgement's token has {len(token)} bytes"
    seqs = decode_acknowledged(value).seqs
    if not seqs or len(set(seqs)) != len(seqs):
        return f"an acknowledgement names no message, or one twice: {seqs}"
    return None
