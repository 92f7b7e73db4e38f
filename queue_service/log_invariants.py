"""Every fact about logs that must hold on disk, checked.

`check` walks a snapshot; it is run after tests and by `cumulo check`. What it holds:

- a directory row leads to a log's record of the same name, and no two rows to the same partition;
- a record stands at each position between the ends and nowhere else, with all of its pieces; times never fall;
- the bytes, and the time of the latest record, are those of the records;
- in a log of several lanes each record stands in its own, and numbers in a lane are dense up to the lane's next one;
- a group has the log's lanes, no position behind the end, holders who are members, and no token twice or to come;
- retention is armed where there is something to keep an eye on, with its due entry (`check_due`).
"""

from collections.abc import Container, Iterable, Iterator

from cumulo.queue_service.entrances import TRIM
from cumulo.queue_service.log_keys import (
    ENDS,
    GROUPS,
    LANES,
    META,
    NAMES,
    RECORDS,
    LogEnds,
    LogMeta,
    decode_ends,
    decode_group,
    decode_meta,
    decode_name,
    decode_record,
    group_name,
    name_key,
)
from cumulo.queue_service.open_log import lane_of
from cumulo.storage.engine import Due, ReadTxn, rows_under

RECORD_PAGE_ROWS = 100
"""Of rows that hold bodies, up to 64 KB each."""


def partitions(txn: ReadTxn) -> tuple[bytes, ...]:
    """Return the partitions of all logs."""
    return tuple(decode_name(value).partition for _, value in rows_under(txn, NAMES))


def check(txn: ReadTxn) -> list[str]:
    """Return what is wrong with any log; `txn` can read ROOT and every log's partition."""
    problems: list[str] = []
    seen: set[bytes] = set()
    for key, value in rows_under(txn, NAMES):
        partition = decode_name(value).partition
        if partition in seen:
            problems.append(f"log partition {partition.hex()}: two names lead to it")
        seen.add(partition)
        raw_meta, raw_ends = txn.get(partition + META), txn.get(partition + ENDS)
        if raw_meta is None or raw_ends is None:
            problems.append(f"log partition {partition.hex()}: a name leads to it, and it has no record")
            continue
        meta = decode_meta(raw_meta)
        where = f"log {meta.account}/{meta.region}/{meta.name}"
        if name_key(meta.account, meta.region, meta.name) != key:
            problems.append(f"{where}: it is listed under another name")
        problems += [f"{where}: {problem}" for problem in _check_log(txn, partition, meta, decode_ends(raw_ends))]
    return problems


def check_due(txn: ReadTxn, entries: Iterable[Due]) -> list[str]:
    """Return the logs whose armed retention is not among `entries`, all those of the due index."""
    there = {(entry.key, entry.at_ms) for entry in entries if entry.kind == TRIM}
    return [problem for partition in partitions(txn) for problem in check_armed(txn, partition, there)]


def check_armed(txn: ReadTxn, partition: bytes, there: Container[tuple[bytes, int]]) -> list[str]:
    """Return whether the armed retention of one log, named or not, is not `there`: among the due entries of `TRIM`."""
    raw = txn.get(partition + ENDS)
    trim_ms = decode_ends(raw).trim_ms if raw else 0
    if trim_ms and (partition, trim_ms) not in there:
        return [f"log partition {partition.hex()}: {TRIM} is armed for {trim_ms} without a due entry"]
    return []


def check_log(txn: ReadTxn, partition: bytes) -> list[str]:
    """Return what is wrong with the content of a log that is there, named or not."""
    raw_meta, raw_ends = txn.get(partition + META), txn.get(partition + ENDS)
    assert raw_meta is not None, partition
    assert raw_ends is not None, partition
    return list(_check_log(txn, partition, decode_meta(raw_meta), decode_ends(raw_ends)))


def _check_log(txn: ReadTxn, partition: bytes, meta: LogMeta, ends: LogEnds) -> Iterator[str]:
    if len(ends.lanes) != (meta.lane_count if meta.lane_count > 1 else 0):
        yield f"it has {meta.lane_count} lanes, and the numbers of {len(ends.lanes)}"
        return
    if ends.first < ends.next and meta.retention_s and not ends.trim_ms:
        yield "there are records, and retention is not armed"
    lanes: dict[tuple[int, int], None] = {}
    yield from _check_records(txn, partition, meta, ends, lanes)
    yield from _check_lanes(txn, partition, ends, lanes if meta.lane_count > 1 else {})
    for key, value in rows_under(txn, partition + GROUPS):
        group = decode_group(value)
        where = f"group {group_name(key, partition)}"
        members = {it.id for it in group.members}
        tokens = [it.token for it in group.lanes if it.member]
        if len(group.lanes) != meta.lane_count:
            yield f"{where} has {len(group.lanes)} lanes, and the log {meta.lane_count}"
        if any(it.position > ends.next for it in group.lanes):
            yield f"{where} has a position behind the end"
        if len(members) < len(group.members) or any(it.member and it.member not in members for it in group.lanes):
            yield f"{where} has a member twice, or a lane is held by nobody of it"
        if len(set(tokens)) < len(tokens) or any(not 0 < token < group.next_token for token in tokens):
            yield f"{where} has a token twice, or one to come"


def _check_records(
    txn: ReadTxn, partition: bytes, meta: LogMeta, ends: LogEnds, lanes: dict[tuple[int, int], None]
) -> Iterator[str]:
    """Walk the records, and note in which lane each must stand."""
    base = len(partition) + len(RECORDS) + 8
    expected, size_bytes, missing_bytes, last_ms = ends.first, 0, 0, 0
    for key, value in rows_under(txn, partition + RECORDS, RECORD_PAGE_ROWS):
        position = int.from_bytes(key[base - 8 : base], "big")
        size_bytes += len(value)
        if len(key) > base:
            missing_bytes -= len(value)
            if position != expected - 1:
                yield f"there is a piece of record {position}, and no such record"
            continue
        if missing_bytes:
            yield f"record {expected - 1} is without all of its pieces"
        if position != expected:
            yield f"record {expected} was to come, and {position} stands there"
        record = decode_record(value)
        if record.time_ms < last_ms:
            yield f"record {position} is older than the one before"
        expected, missing_bytes, last_ms = position + 1, record.pieces_bytes, record.time_ms
        lanes[lane_of(record.key, position, meta.lane_count), position] = None
    if missing_bytes:
        yield f"record {expected - 1} is without all of its pieces"
    if expected != ends.next:
        yield f"the records end before {expected}, and the next position is {ends.next}"
    if size_bytes != ends.size_bytes:
        yield f"the records take {size_bytes} bytes, and {ends.size_bytes} are noted"
    if last_ms > ends.last_ms:
        yield f"the latest record is of {last_ms}, and {ends.last_ms} is noted"


def _check_lanes(txn: ReadTxn, partition: bytes, ends: LogEnds, lanes: dict[tuple[int, int], None]) -> Iterator[str]:
    """Compare the rows of lanes with the records that must stand there."""
    base = len(partition) + len(LANES)
    numbers: dict[int, list[int]] = {}
    for key, value in rows_under(txn, partition + LANES):
        lane, position = key[base], int.from_bytes(key[base + 1 :], "big")
        if (lane, position) not in lanes:
            yield f"record {position} stands in lane {lane}, and does not belong there"
        lanes.pop((lane, position), None)
        numbers.setdefault(lane, []).append(int.from_bytes(value, "big"))
    for lane, position in lanes:
        yield f"record {position} does not stand in its lane {lane}"
    for lane, there in numbers.items():
        if there != list(range(ends.lanes[lane] - len(there), ends.lanes[lane])):
            yield f"the numbers of lane {lane} are not dense up to {ends.lanes[lane]}"
