"""Logs themselves: make, look at, change, list, delete.

A log is a name in the directory and a partition of its own. Deleting removes name and record; records and groups are
cleared later, in slices, through the due index. All functions that follow a name read it again inside their
transaction, and raise `DirectoryChanged` where it leads elsewhere than the caller saw.
"""

import msgspec

from cumulo.queue_service.entrances import TRIM
from cumulo.queue_service.errors import INVALID_ATTRIBUTE_VALUE, LOG_DOES_NOT_EXIST, LOG_NAME_EXISTS
from cumulo.queue_service.keys import CLEAR
from cumulo.queue_service.log_attributes import LANE_COUNT, LogPlace
from cumulo.queue_service.log_keys import (
    ENDS,
    META,
    LogEnds,
    LogMeta,
    LogName,
    decode_ends,
    decode_name,
    name_key,
    name_of,
    names_prefix,
)
from cumulo.queue_service.log_model import Log
from cumulo.queue_service.open_log import look, open_log
from cumulo.queue_service.queues import DirectoryChanged
from cumulo.storage import records, tuples
from cumulo.storage.engine import ReadTxn, Txn


class LogNamed(msgspec.Struct, frozen=True, array_like=True):
    """The log that an operation made or changed, without its policy, which is longer than what is remembered."""

    partition: bytes
    then: Log


class StampedCreateLog(msgspec.Struct, frozen=True):
    """A log to make; `partition` is the existing log's, or a new one (`is_new`) that nobody has used.

    `fields` are those of `LogMeta`; `policy` is in its stored form, None where it was not given.
    """

    place: LogPlace
    partition: bytes
    is_new: bool
    fields: dict[str, int]
    policy: str | None
    now_ms: int


class StampedUpdateLog(msgspec.Struct, frozen=True):
    """Attributes to write, as in `StampedCreateLog`."""

    place: LogPlace
    partition: bytes
    fields: dict[str, int]
    policy: str | None
    now_ms: int
    deadline_ms: int


class StampedGetLog(msgspec.Struct, frozen=True):
    """A log to look at."""

    place: LogPlace
    partition: bytes


class StampedDeleteLog(msgspec.Struct, frozen=True):
    """A log to delete."""

    place: LogPlace
    partition: bytes
    deadline_ms: int


class StampedListLogs(msgspec.Struct, frozen=True):
    """A page of names to list, from behind the name `last`."""

    account: str
    region: str
    prefix: str
    last: str
    limit: int


def follow_log(txn: ReadTxn, place: LogPlace) -> LogName | None:
    """Return where a name leads, or None."""
    raw = txn.get(name_key(place.account, place.region, place.name))
    return None if raw is None else decode_name(raw)


def create_log(txn: Txn, request: StampedCreateLog) -> LogNamed:
    """Make a log, or find the one that has the given attributes."""
    place, partition = request.place, request.partition
    row = follow_log(txn, place)
    if row is not None:
        if row.partition != partition:
            raise DirectoryChanged
        if request.policy is not None and request.policy != row.policy:
            raise LOG_NAME_EXISTS.error(attribute="policy")
        log = open_log(txn, partition, place.name)
        for field, value in request.fields.items():
            if getattr(log.meta, field) != value:
                raise LOG_NAME_EXISTS.error(attribute=field)
        return _named(txn, partition, log.meta)
    if not request.is_new:
        raise DirectoryChanged
    now_ms = request.now_ms
    meta = LogMeta(account=place.account, region=place.region, name=place.name, create_ms=now_ms, update_ms=now_ms)
    meta = msgspec.structs.replace(meta, **request.fields)
    lanes = (0,) * meta.lane_count if meta.lane_count > 1 else ()
    txn.put(partition + ENDS, records.encode(LogEnds(lanes=lanes)))
    _write_meta(txn, partition, meta, request.policy or "")
    return _named(txn, partition, meta)


def get_log(txn: ReadTxn, request: StampedGetLog) -> Log:
    """Return a log with its ends and its policy in its stored form; a read function."""
    row = _confirm(txn, request.place, request.partition)
    meta, ends = look(txn, request.partition, request.place.name)
    return _log(meta, ends, row.policy)


def find_log_of_name(txn: ReadTxn, request: StampedGetLog) -> Log | None:
    """As `get_log`; None where the name leads elsewhere now."""
    row = follow_log(txn, request.place)
    return None if row is None or row.partition != request.partition else get_log(txn, request)


def update_log(txn: Txn, request: StampedUpdateLog) -> LogNamed:
    """Change attributes; retention is looked at anew at once."""
    row = _confirm(txn, request.place, request.partition)
    log = open_log(txn, request.partition, request.place.name)
    if request.fields.get(LANE_COUNT, log.meta.lane_count) != log.meta.lane_count:
        raise INVALID_ATTRIBUTE_VALUE.error(
            parameter=LANE_COUNT,
            value=request.fields[LANE_COUNT],
            allowed="a log keeps the lanes it was made with",
        )
    log.meta = msgspec.structs.replace(log.meta, update_ms=request.now_ms, **request.fields)
    _write_meta(txn, request.partition, log.meta, row.policy if request.policy is None else request.policy)
    log.trim(request.deadline_ms)
    log.save()
    return _named(txn, request.partition, log.meta)


def delete_log(txn: Txn, request: StampedDeleteLog) -> None:
    """Delete a log and everything in it."""
    place, partition = request.place, request.partition
    _confirm(txn, place, partition)
    log = open_log(txn, partition, place.name)
    if log.trim_ms:
        txn.undue(log.trim_ms, TRIM, partition)
    txn.delete(name_key(place.account, place.region, place.name))
    txn.delete(partition + META)
    txn.delete(partition + ENDS)
    txn.due(request.deadline_ms, CLEAR, partition)
    txn.notify(partition)  # whoever reads there shall hear of it now


def list_logs(txn: ReadTxn, request: StampedListLogs) -> list[Log]:
    """Return at most `limit` logs by name, without attributes; a read function."""
    base = names_prefix(request.account, request.region)
    first = base + b"\x02" + request.prefix.encode()
    start = base + tuples.encode((request.last,)) + b"\x00" if request.last else first
    return [
        Log(account=request.account, region=request.region, name=name_of(key), create_ms=decode_name(value).create_ms)
        for key, value in txn.range(start, tuples.after(first), request.limit)
    ]


def _confirm(txn: ReadTxn, place: LogPlace, partition: bytes) -> LogName:
    """Return the directory row of a name; raises unless it still leads to `partition`."""
    row = follow_log(txn, place)
    if row is None:
        raise LOG_DOES_NOT_EXIST.error(log=place.name)
    if row.partition != partition:
        raise DirectoryChanged
    return row


def _write_meta(txn: Txn, partition: bytes, meta: LogMeta, policy: str) -> None:
    txn.put(partition + META, records.encode(meta))
    row = LogName(partition=partition, policy=policy, create_ms=meta.create_ms)
    txn.put(name_key(meta.account, meta.region, meta.name), records.encode(row))


def _named(txn: ReadTxn, partition: bytes, meta: LogMeta) -> LogNamed:
    ends = txn.get(partition + ENDS)
    assert ends is not None, partition
    return LogNamed(partition, _log(meta, decode_ends(ends), ""))


def _log(meta: LogMeta, ends: LogEnds, policy: str) -> Log:
    return Log(
        account=meta.account,
        region=meta.region,
        name=meta.name,
        create_ms=meta.create_ms,
        update_ms=meta.update_ms,
        lane_count=meta.lane_count,
        retention_s=meta.retention_s,
        retention_bytes=meta.retention_bytes,
        retention_records=meta.retention_records,
        policy=policy,
        first_position=ends.first,
        next_position=ends.next,
        size_bytes=ends.size_bytes,
        last_append_ms=ends.last_ms,
    )
