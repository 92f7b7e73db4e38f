"""Records of a log: append, read, and the deed of its retention.

Pure functions over a transaction. An append is all or nothing; a read takes nothing away.
"""

import msgspec

from cumulo.queue_service.errors import LOG_POSITION_MISMATCH, LOG_POSITION_OUT_OF_RANGE
from cumulo.queue_service.log_keys import LogEnds
from cumulo.queue_service.log_model import Appended, AppendEntry, From, RecordPage, Start
from cumulo.queue_service.open_log import find_log, look, open_log, position_at, read, read_lane
from cumulo.queue_service.retention import Timer
from cumulo.queue_service.stamping import out_of_range
from cumulo.storage.engine import ReadTxn, Txn


class StampedAppend(msgspec.Struct, frozen=True):
    """Checked records to append. `log` is its name, for errors."""

    log: str
    partition: bytes
    entries: tuple[AppendEntry, ...]
    expected_position: int | None
    wall_ms: int
    deadline_ms: int


class StampedRead(msgspec.Struct, frozen=True):
    """What to read; `lane` is None for all."""

    log: str
    partition: bytes
    start: Start
    max_records: int
    bytes_max: int
    lane: int | None


def append_records(txn: Txn, request: StampedAppend) -> Appended:
    """Append records; raises `LogPositionMismatch` where the first would not get the expected position."""
    log = open_log(txn, request.partition, request.log)
    first = log.next
    if request.expected_position not in (None, first):
        raise LOG_POSITION_MISMATCH.error(expected=request.expected_position, next_position=first)
    log.append(request.entries, request.wall_ms, request.deadline_ms)
    log.save()
    txn.notify(request.partition, len(request.entries))
    return Appended(first, len(request.entries), log.last_ms)


def read_records(txn: ReadTxn, request: StampedRead) -> RecordPage:
    """Return a page of records; a read function. A start that was trimmed away means the oldest record there is."""
    partition = request.partition
    meta, ends = look(txn, partition, request.log)
    start = starting_at(txn, partition, ends, request.start)
    if request.lane is None:
        records = read(txn, partition, meta.lane_count, start, ends.next, request.max_records, request.bytes_max)
    else:
        if request.lane >= meta.lane_count:
            raise out_of_range("lane", request.lane, 0, meta.lane_count - 1)
        records = read_lane(
            txn, partition, meta.lane_count, request.lane, start, ends.next, request.max_records, request.bytes_max
        )
    next_position = records[-1].position + 1 if records else ends.next
    return RecordPage(tuple(records), next_position, ends.first, ends.next)


def starting_at(txn: ReadTxn, partition: bytes, ends: LogEnds, start: Start) -> int:
    """Return the position that a start means now; raises `LogPositionOutOfRange`."""
    match start.by:
        case From.END:
            return ends.next
        case From.TIME:
            return position_at(txn, partition, ends, start.value)
        case From.POSITION:
            if start.value > ends.next:
                raise LOG_POSITION_OUT_OF_RANGE.error(parameter="position", value=start.value, next_position=ends.next)
            return max(start.value, ends.first)


def trim(txn: Txn, timer: Timer) -> None:
    """Delete records beyond the log's retention: the deed of `log.trim`.

    The entry may stand at another time than the log knows, where an earlier deed failed and was put off.
    """
    entry = timer.entry
    log = find_log(txn, entry.key)
    if log is None or log.trim_ms != entry.at_ms:
        txn.undue(entry.at_ms, entry.kind, entry.key)
    if log is not None and 0 < log.trim_ms <= timer.now_ms:
        log.trim(timer.now_ms)
        log.save()
