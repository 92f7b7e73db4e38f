"""Peeking: a look at the messages of a queue that takes none of them.

Messages are shown in the order of their numbers, their positions, from behind a given one, whatever their state: those
that somebody holds, that are delayed, or that their group blocks are there, too. What a look shows may be gone a moment
later. It leaves no trace, and no receive is counted.

A look for certain ids reads on until it has found them, in slices. No index leads from an id to a message: it would
cost each life two writes more, a fifth, for what operators do now and then.
"""

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from cumulo.queue_service.fifo_queue import open_fifo
from cumulo.queue_service.keys import StoredMessage, decode_message, message_id_in
from cumulo.queue_service.message_model import BATCH_BYTES_MAX, PeekedMessage, PeekedPage
from cumulo.queue_service.model import is_fifo
from cumulo.queue_service.move_model import Hop
from cumulo.queue_service.open_queue import OpenQueue, open_queue
from cumulo.queue_service.sealing import MessageSeals
from cumulo.queue_service.stamping import sequence_number
from cumulo.queue_service.whereabouts import Whereabouts, whereabouts
from cumulo.storage.engine import Row, Txn
from cumulo.storage.tuples import u64

PAGE_ROWS = 20
"""Of rows that hold bodies, up to 64 KB each."""
ROWS_MAX = 1_000
"""Rows that one look reads; with them pieces of messages that are gone, and that are not cleared yet."""
SEARCH_PAGE_ROWS = 100
SEARCH_ROWS_MAX = 2_000
SEARCH_BYTES_MAX = 8 * 1024 * 1024
"""What one look for ids reads: some milliseconds, in which the server does nothing else."""
POSITION_MAX = (1 << 63) - 1


class StampedLook(msgspec.Struct, frozen=True):
    """A look at `limit` messages behind the position `after`, at those of certain ids where there are any."""

    queue: str
    partition: bytes
    after: int
    limit: int
    now_ms: int
    wall_ms: int
    message_ids: frozenset[str] = frozenset()


class Looked(msgspec.Struct, frozen=True):
    """Messages as they are stored, with position and place; and behind which position to go on, 0 for nowhere."""

    messages: tuple[tuple[int, StoredMessage, Whereabouts], ...]
    next_position: int


def peek_messages(txn: Txn, request: StampedLook) -> Looked:
    """Return messages of up to 1 MiB together, or one that is larger; a read function."""
    opened = open_fifo if is_fifo(request.queue) else open_queue
    queue = opened(txn, request.partition, request.queue)
    found, next_position = _look(queue, request)
    there = whereabouts(queue, found)
    return Looked(tuple((seq, stored, there[seq]) for seq, stored in found.items()), next_position)


def _look(queue: OpenQueue, request: StampedLook) -> tuple[dict[int, StoredMessage], int]:
    """Return the messages by their numbers, and behind which to go on, 0 where there is nothing more to find."""
    ids = request.message_ids
    page_rows, rows_max = (SEARCH_PAGE_ROWS, SEARCH_ROWS_MAX) if ids else (PAGE_ROWS, ROWS_MAX)
    limit = min(request.limit, len(ids)) if ids else request.limit
    found: dict[int, StoredMessage] = {}
    size_bytes, position, rows_read, bytes_read = 0, request.after, 0, 0
    while rows_read < rows_max and bytes_read < SEARCH_BYTES_MAX:
        start = queue.layout.message + u64(position + 1)
        rows = queue.txn.range(start, queue.layout.message + b"\xff" * 9, page_rows)
        if not rows:
            return found, 0
        rows_read += len(rows)
        for seq, record in _records(queue, rows):
            bytes_read += len(record)
            if record and (not ids or message_id_in(record) in ids):
                stored = decode_message(record)
                if not queue.is_too_old(stored.kept_from_ms, request.now_ms):
                    size_bytes += len(stored.body)
                    if len(found) == limit or (size_bytes > BATCH_BYTES_MAX and found):
                        return found, position
                    found[seq] = stored
                    if len(found) == len(ids):
                        return found, 0
            position = seq
    return found, position


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


def shown(seals: MessageSeals, request: StampedLook, looked: Looked) -> PeekedPage:
    """Return what the caller sees; raises `MESSAGE_UNREADABLE` for a message that cannot be decrypted."""
    messages = tuple(_shown(seals, request, seq, stored, there) for seq, stored, there in looked.messages)
    return PeekedPage(messages, looked.next_position)


def _shown(
    seals: MessageSeals, request: StampedLook, seq: int, stored: StoredMessage, there: Whereabouts
) -> PeekedMessage:
    written = seals.open(request.partition, stored)
    state = there.state
    # The deadline clock may differ from the wall clock by up to an hour, and people compare with the latter.
    ahead_ms = request.now_ms - request.wall_ms
    due_ms, first_ms, last_ms = (
        at_ms and at_ms - ahead_ms for at_ms in (there.due_ms, state.first_received_ms, state.received_ms)
    )
    return PeekedMessage(
        position=seq,
        message_id=stored.message_id,
        body=written.body,
        md5_of_body=written.md5_of_body,
        sent_ms=stored.sent_ms,
        sender_id=stored.sender_id,
        attributes=written.attributes,
        dead_letter_source_arn=stored.dead_letter_source,
        trace_header=written.trace_header,
        group_id=stored.group_id,
        deduplication_id=stored.deduplication_id,
        sequence_number=sequence_number(seq) if is_fifo(request.queue) else "",
        priority=stored.priority,
        state=there.where,
        due_ms=due_ms,
        receive_count=stored.received_before + state.receive_count,
        first_received_ms=first_ms,
        last_received_ms=last_ms,
        history=tuple(_hop(hop, ahead_ms) for hop in stored.history),
    )


def _hop(hop: Hop, ahead_ms: int) -> Hop:
    return replace(
        hop,
        moved_ms=hop.moved_ms - ahead_ms,
        first_received_ms=hop.first_received_ms and hop.first_received_ms - ahead_ms,
        last_received_ms=hop.last_received_ms and hop.last_received_ms - ahead_ms,
    )
