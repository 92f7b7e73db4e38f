"""Peeking: a look at the messages of a queue that takes none of them.

Messages are shown in the order of their numbers, their positions, from behind a given one, whatever their state: those
that somebody holds, that are delayed, or that their group blocks are there, too. What a look shows may be gone a moment
later. It leaves no trace, and no receive is counted.
"""

from collections.abc import Iterator

import msgspec

from cumulo.queue_service.keys import StoredMessage, decode_message
from cumulo.queue_service.model import BATCH_BYTES_MAX, PeekedMessage, PeekedPage, is_fifo
from cumulo.queue_service.open_queue import OpenQueue, open_queue
from cumulo.queue_service.stamping import sequence_number
from cumulo.storage.engine import Row, Txn
from cumulo.storage.tuples import u64

PAGE_ROWS = 20
"""Of rows that hold bodies, up to 64 KB each."""
ROWS_MAX = 1_000
"""Rows that one look reads; with them pieces of messages that are gone, and that are not cleared yet."""
POSITION_MAX = (1 << 63) - 1


class StampedLook(msgspec.Struct, frozen=True):
    """A look at `limit` messages behind the position `after`."""

    queue: str
    partition: bytes
    after: int
    limit: int
    now_ms: int


def peek_messages(txn: Txn, request: StampedLook) -> PeekedPage:
    """Return messages of up to 1 MiB together, or one that is larger; a read function."""
    queue = open_queue(txn, request.partition, request.queue)
    found: list[PeekedMessage] = []
    size_bytes, position, rows_read = 0, request.after, 0
    while rows_read < ROWS_MAX:
        start = queue.layout.message + u64(position + 1)
        rows = txn.range(start, queue.layout.message + b"\xff" * 9, PAGE_ROWS)
        if not rows:
            return PeekedPage(tuple(found), 0)
        rows_read += len(rows)
        for seq, record in _records(queue, rows):
            if record:
                stored = decode_message(record)
                if not queue.is_too_old(stored.kept_from_ms, request.now_ms):
                    size_bytes += len(stored.body)
                    if len(found) == request.limit or (size_bytes > BATCH_BYTES_MAX and found):
                        return PeekedPage(tuple(found), position)
                    found.append(_shown(request.queue, seq, stored))
            position = seq
    return PeekedPage(tuple(found), position)


def _records(queue: OpenQueue, rows: list[Row]) -> Iterator[tuple[int, bytes]]:
    """Return number and bytes of each message that begins in `rows`, no bytes where its first piece is gone."""
    base = len(queue.layout.message) + 8
    pieces: dict[bytes, list[Row]] = {}
    for row in rows:
        pieces.setdefault(row[0][:base], []).append(row)
    for key, found in pieces.items():
        whole = list(found)
        if found[-1] is rows[-1]:
            whole += queue.txn.range(rows[-1][0] + b"\0", key + b"\xff" * 2, PAGE_ROWS)
        is_there = len(whole[0][0]) == base
        yield int.from_bytes(key[-8:], "big"), b"".join(value for _, value in whole) if is_there else b""


def _shown(queue: str, seq: int, stored: StoredMessage) -> PeekedMessage:
    return PeekedMessage(
        position=seq,
        message_id=stored.message_id,
        body=stored.body,
        md5_of_body=stored.md5_of_body,
        sent_ms=stored.sent_ms,
        sender_id=stored.sender_id,
        attributes=stored.attributes,
        dead_letter_source_arn=stored.dead_letter_source,
        group_id=stored.group_id,
        deduplication_id=stored.deduplication_id,
        sequence_number=sequence_number(seq) if is_fifo(queue) else "",
        priority=stored.priority,
    )
