"""A log inside one transaction: an append-only keyspace of positions, and the moves that keep its ends true.

Owns the rule that positions are dense and times never fall, that `LogEnds` changes only with an append or a trim, and
that at most one due entry is armed per log. Appending writes, reading and searching by time look: each costs what is
asked for and never more with what the log holds. Knows no name, no caller and no consumer group.
"""

import zlib

from cumulo.queue_service.entrances import TRIM
from cumulo.queue_service.errors import LOG_DOES_NOT_EXIST
from cumulo.queue_service.log_keys import (
    ENDS,
    META,
    PIECE_BYTES,
    RECORDS,
    LogEnds,
    LogMeta,
    StoredRecord,
    decode_ends,
    decode_meta,
    decode_record,
    lane_key,
    piece_key,
    record_key,
)
from cumulo.queue_service.log_model import AppendEntry, LogRecord
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn
from cumulo.storage.tuples import u64

TRIM_PAUSE_MS = 1_000
"""How long a record may outlive its retention, so that a busy log is trimmed once a second and not at every append."""
TRIM_OPERATIONS_MAX = 1_000
READ_ROWS_FIRST = 16
"""Rows that a read takes at first, not knowing how large they are; then as many as should fit, up to the next."""
READ_ROWS_MAX = 100
TRIM_ROWS = 32


class OpenLog:
    """One log's state while a function runs; `save` must be the last call of every function that changed it."""

    __slots__ = ("_stored", "first", "lanes", "last_ms", "meta", "next", "partition", "size_bytes", "trim_ms", "txn")

    def __init__(self, txn: Txn, partition: bytes, meta: LogMeta, ends: LogEnds) -> None:
        self.txn = txn
        self.partition = partition
        self.meta = meta
        self._stored = ends
        self.first = ends.first
        self.next = ends.next
        self.size_bytes = ends.size_bytes
        self.last_ms = ends.last_ms
        self.trim_ms = ends.trim_ms
        self.lanes = list(ends.lanes)

    def append(self, entries: tuple[AppendEntry, ...], wall_ms: int, deadline_ms: int) -> None:
        """Write records behind the last one, all at one time: `wall_ms`, or the last record's where that is later."""
        put = self.txn.put
        prefix = self.partition + RECORDS
        self.last_ms = time_ms = max(wall_ms, self.last_ms)
        lane_count = self.meta.lane_count
        for entry in entries:
            position = self.next
            self.next = position + 1
            key = prefix + u64(position)
            encoded = records.encode(StoredRecord(1, time_ms, deadline_ms, entry.key, entry.attributes, entry.body))
            if len(encoded) > PIECE_BYTES:
                encoded = self._put_pieces(key, entry, time_ms, deadline_ms)
                self.size_bytes += len(entry.body)
            put(key, encoded)
            self.size_bytes += len(encoded)
            if lane_count > 1:
                lane = lane_of(entry.key, position, lane_count)
                put(lane_key(self.partition, lane, position), u64(self.lanes[lane]))
                self.lanes[lane] += 1
        if self._is_over():
            self._trim_by(deadline_ms + TRIM_PAUSE_MS)
        elif self.meta.retention_s and not self.trim_ms:
            self._trim_by(deadline_ms + self.meta.retention_s * 1000)

    def _put_pieces(self, key: bytes, entry: AppendEntry, time_ms: int, deadline_ms: int) -> bytes:
        """Write a large body in pieces, and return the record without it."""
        body = entry.body
        for piece, at in enumerate(range(0, len(body), PIECE_BYTES), 1):
            self.txn.put(piece_key(key, piece), body[at : at + PIECE_BYTES])
        return records.encode(StoredRecord(1, time_ms, deadline_ms, entry.key, entry.attributes, b"", len(body)))

    def trim(self, now_ms: int) -> None:
        """Delete the oldest records as far as a limit is broken, in bounded work, and arm retention for what is left.

        Where there is more to delete it is armed for now.
        """
        self.trim_ms = 0
        operations = 0
        while self.first < self.next:
            start, end = record_key(self.partition, self.first), record_key(self.partition, self.next)
            for key, value in self.txn.range(start, end, TRIM_ROWS):
                record = decode_record(value)
                kept_until_ms = record.kept_from_ms + self.meta.retention_s * 1000
                if not self._is_over() and not (self.meta.retention_s and kept_until_ms <= now_ms):
                    if self.meta.retention_s:
                        self._trim_by(max(kept_until_ms, now_ms + TRIM_PAUSE_MS))
                    return
                if operations >= TRIM_OPERATIONS_MAX:
                    self._trim_by(now_ms)
                    return
                operations += self._drop_first(key, value, record)
                if record.pieces_bytes:
                    break  # the rows behind it were its pieces

    def _drop_first(self, key: bytes, value: bytes, record: StoredRecord) -> int:
        """Delete the oldest record, and return how many operations that took."""
        delete = self.txn.delete
        delete(key)
        pieces = -(-record.pieces_bytes // PIECE_BYTES)
        for piece in range(1, pieces + 1):
            delete(piece_key(key, piece))
        if self.meta.lane_count > 1:
            lane = lane_of(record.key, self.first, self.meta.lane_count)
            delete(lane_key(self.partition, lane, self.first))
        self.first += 1
        self.size_bytes -= len(value) + record.pieces_bytes
        return pieces + 2

    def _is_over(self) -> bool:
        """Say whether there are more records, or bytes, than the log keeps."""
        meta = self.meta
        return bool(
            (meta.retention_records and self.next - self.first > meta.retention_records)
            or (meta.retention_bytes and self.size_bytes > meta.retention_bytes)
        )

    def _trim_by(self, at_ms: int) -> None:
        if not self.trim_ms or at_ms < self.trim_ms:
            self.trim_ms = at_ms

    def save(self) -> None:
        """Write the ends, and arm or disarm retention."""
        before_ms = self._stored.trim_ms
        if self.trim_ms != before_ms:
            if before_ms:
                self.txn.undue(before_ms, TRIM, self.partition)
            if self.trim_ms:
                self.txn.due(self.trim_ms, TRIM, self.partition)
        ends = LogEnds(
            1,
            self.first,
            self.next,
            self.size_bytes,
            self.last_ms,
            self.trim_ms,
            tuple(self.lanes),
            self._stored.groups_made,
        )
        self.txn.put(self.partition + ENDS, records.encode(ends))


def find_log(txn: Txn, partition: bytes) -> OpenLog | None:
    """Return the log of a partition; None where it was deleted."""
    meta = txn.get(partition + META)
    if meta is None:
        return None
    ends = txn.get(partition + ENDS)
    assert ends is not None, partition
    return OpenLog(txn, partition, decode_meta(meta), decode_ends(ends))


def open_log(txn: Txn, partition: bytes, name: str) -> OpenLog:
    """Return the log of a partition; raises `LogDoesNotExist`. `name` is for the error."""
    log = find_log(txn, partition)
    if log is None:
        raise LOG_DOES_NOT_EXIST.error(log=name)
    return log


def look(txn: ReadTxn, partition: bytes, name: str) -> tuple[LogMeta, LogEnds]:
    """Return what a log is, for functions that only read; raises `LogDoesNotExist`."""
    meta, ends = txn.get(partition + META), txn.get(partition + ENDS)
    if meta is None or ends is None:
        raise LOG_DOES_NOT_EXIST.error(log=name)
    return decode_meta(meta), decode_ends(ends)


def lane_of(key: str, position: int, lane_count: int) -> int:
    """Return a record's lane: by its key, in turn where it has none. Records lie on disk by this: it never changes."""
    return (zlib.crc32(key.encode()) if key else position) % lane_count


def position_at(txn: ReadTxn, partition: bytes, ends: LogEnds, time_ms: int) -> int:
    """Return the position of the first record that was appended at or after a time; the next one's where none was."""
    if time_ms > ends.last_ms:
        return ends.next
    low, high = ends.first, ends.next
    while low < high:
        middle = (low + high) // 2
        row = txn.get(record_key(partition, middle))
        assert row is not None, (partition, middle)
        if decode_record(row).time_ms < time_ms:
            low = middle + 1
        else:
            high = middle
    return low


def read(
    txn: ReadTxn, partition: bytes, lane_count: int, start: int, end: int, count_max: int, bytes_max: int
) -> list[LogRecord]:
    """Return records from `start` to before `end`: at most `count_max`, and `bytes_max` or one larger record."""
    found: list[LogRecord] = []
    size_bytes, rows_max = 0, READ_ROWS_FIRST
    position, stop = start, record_key(partition, end)
    while position < end and len(found) < count_max:
        for key, value in txn.range(record_key(partition, position), stop, min(rows_max, count_max - len(found))):
            stored = decode_record(value)
            size_bytes += len(value) + stored.pieces_bytes
            if size_bytes > bytes_max and found:
                return found
            found.append(_record(txn, key, position, stored, lane_count))
            position += 1
            if stored.pieces_bytes:
                break  # the rows behind it were its pieces
        rows_max = max(1, min(READ_ROWS_MAX, (bytes_max - size_bytes) * len(found) // size_bytes))
    return found


def read_lane(
    txn: ReadTxn, partition: bytes, lane_count: int, lane: int, start: int, end: int, count_max: int, bytes_max: int
) -> list[LogRecord]:
    """As `read`, of one lane."""
    if lane_count == 1:
        return read(txn, partition, lane_count, start, end, count_max, bytes_max)
    found: list[LogRecord] = []
    size_bytes = 0
    rows = txn.range(lane_key(partition, lane, start), lane_key(partition, lane, end), count_max)
    for row_key, _ in rows:
        position = int.from_bytes(row_key[-8:], "big")
        key = record_key(partition, position)
        value = txn.get(key)
        assert value is not None, (partition, position)
        stored = decode_record(value)
        size_bytes += len(value) + stored.pieces_bytes
        if size_bytes > bytes_max and found:
            break
        found.append(_record(txn, key, position, stored, lane_count))
    return found


def lag(txn: ReadTxn, partition: bytes, ends: LogEnds, lane: int, position: int) -> int:
    """Return how many records of a lane stand at `position` and behind it."""
    if not ends.lanes:
        return ends.next - max(position, ends.first)
    start = lane_key(partition, lane, position)
    rows = txn.range(start, lane_key(partition, lane, ends.next), 1)
    return ends.lanes[lane] - int.from_bytes(rows[0][1], "big") if rows else 0


def _record(txn: ReadTxn, key: bytes, position: int, stored: StoredRecord, lane_count: int) -> LogRecord:
    body = stored.body
    if stored.pieces_bytes:
        pieces = -(-stored.pieces_bytes // PIECE_BYTES)
        body = b"".join(value for _, value in txn.range(piece_key(key, 1), piece_key(key, pieces) + b"\0", pieces))
        assert len(body) == stored.pieces_bytes, key
    lane = 0 if lane_count == 1 else lane_of(stored.key, position, lane_count)
    return LogRecord(position, stored.time_ms, stored.key, body, stored.attributes, lane)
