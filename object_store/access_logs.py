"""Server access logs: lines about the requests to a bucket, gathered in it and delivered as objects to another one.

Promises: who calls waits for no log; a line is durable within a second of its answer, and delivered after the interval,
across restarts, at least once. A target that is gone or lets the log service write nothing loses its lines with a word
in the server's log, as S3's best effort does. Does not know what a line says.

Source: S3 user guide, "Logging requests with server access logging".
"""

import asyncio
import contextlib
import datetime as dt
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import ACCESS_DENIED, ServiceError
from cumulo.core.ids import Randomness
from cumulo.core.operations import Result
from cumulo.identity.principal_model import service_principal
from cumulo.object_store import bucket_model, configurations, keys, object_model
from cumulo.object_store.acl_model import FULL_CONTROL, AskedGrant
from cumulo.object_store.errors import ACL_NOT_SUPPORTED, NO_SUCH_BUCKET
from cumulo.object_store.keys import Meta
from cumulo.object_store.logging_rules import LOG_SERVICE
from cumulo.storage.engine import PARTITION_BYTES, ROOT, Due, Engine, ReadTxn, Row, Txn
from cumulo.storage.tuples import after, u64

if TYPE_CHECKING:
    from cumulo.object_store import aws_s3

GATHERED_S: Final = 1.0
"""How long lines wait in memory for more."""
ROW_BYTES: Final = 60_000
HELD_BYTES_MAX: Final = 8 * 1024 * 1024
"""Of lines in memory; beyond it they are dropped: their bucket is logged faster than the engine writes."""
ROWS_AT_ONCE: Final = 32
"""Of one append and of one delivered object, about 2 MB."""
_log = logging.getLogger("cumulo.object_store")


class Service(Protocol):
    """What the delivery needs of the service."""

    engine: Engine
    clock: Clock
    randomness: Randomness

    async def call(
        self, ctx: CallContext, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None
    ) -> Result:
        """Run one operation."""
        ...


# Gathering


class _Append(msgspec.Struct, frozen=True):
    partition: bytes
    rows: tuple[tuple[bytes, bytes], ...]
    due_ms: int


def append(txn: Txn, request: _Append) -> None:
    """Write lines, and when they are to be delivered; of a bucket that is gone they are nobody's."""
    partition = request.partition
    if txn.get(partition + keys.META) is None:
        return
    for key, lines in request.rows:
        txn.put(key, lines)
    # One entry an interval, however many appends: the same time and key are the same entry.
    txn.due(request.due_ms, keys.ACCESS_DELIVER, partition + keys.ACCESS_LINES)


class AccessLog:
    """The lines of a server's buckets on their way into the engine; `interval_ms` is the time between deliveries."""

    def __init__(self, service: Service, interval_ms: int) -> None:
        self.is_used = False
        """Whether any bucket may be logged: while none ever was, no request is looked at."""
        self._service = service
        self._interval_ms = interval_ms
        self._held: dict[bytes, list[tuple[int, bytes]]] = {}
        self._held_bytes = 0
        self._flushing: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()

    async def start(self) -> None:
        """Find out whether any bucket is logged."""
        self.is_used = bool(await self._service.engine.read((ROOT,), _any_logged, None))

    async def drain(self) -> None:
        """Write what is held."""
        self._ending.set()
        if self._flushing is not None:
            await self._flushing
        await self.flush()

    def note(self, partition: bytes, wall_ms: int, line: str) -> None:
        """Take a line about a bucket, of the time of its request."""
        encoded = line.encode("utf-8", "replace") + b"\n"
        if self._held_bytes + len(encoded) > HELD_BYTES_MAX:
            _log.warning("a line of an access log was dropped: too many wait", extra={"bytes": self._held_bytes})
            return
        self._held.setdefault(partition, []).append((wall_ms, encoded))
        self._held_bytes += len(encoded)
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush_soon(), name="access log")

    async def _flush_soon(self) -> None:
        while self._held:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), GATHERED_S)
            await self.flush()

    async def flush(self) -> None:
        """Write what is held; what cannot be written is dropped with a word, as it would be again."""
        held, self._held, self._held_bytes = self._held, {}, 0
        for partition, lines in held.items():
            rows = self._rows(partition, lines)
            for first in range(0, len(rows), ROWS_AT_ONCE):
                append_ = _Append(partition, rows[first : first + ROWS_AT_ONCE], self._due_ms())
                try:
                    await self._service.engine.transact((partition,), append, append_)
                except ServiceError:
                    _log.exception("lines of an access log were dropped", extra={"rows": len(append_.rows)})

    def _rows(self, partition: bytes, lines: list[tuple[int, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
        """Return lines as rows, each of one day, at most so long, and by time."""
        rows: list[tuple[bytes, bytes]] = []
        joined, first_ms, size = [lines[0][1]], lines[0][0], len(lines[0][1])
        for wall_ms, line in lines[1:]:
            if size + len(line) > ROW_BYTES or _day(wall_ms) != _day(first_ms):
                rows.append((self._row_key(partition, first_ms), b"".join(joined)))
                joined, first_ms, size = [], wall_ms, 0
            joined.append(line)
            size += len(line)
        rows.append((self._row_key(partition, first_ms), b"".join(joined)))
        return tuple(rows)

    def _row_key(self, partition: bytes, wall_ms: int) -> bytes:
        return partition + keys.ACCESS_LINES + u64(wall_ms) + self._service.randomness.token_bytes(8)

    def _due_ms(self) -> int:
        now_ms = self._service.clock.deadline_ms()
        return (now_ms // self._interval_ms + 1) * self._interval_ms if self._interval_ms else now_ms


def _any_logged(txn: ReadTxn, _: None) -> list[Row]:
    return txn.range(keys.LOGGED, after(keys.LOGGED), 1)


def _day(wall_ms: int) -> int:
    return wall_ms // 86_400_000


# Delivering


class _Batch(msgspec.Struct, frozen=True):
    """What goes into one object: the bucket that it is about, where it goes, and the rows."""

    meta: Meta
    target: Any
    rows: list[Row]


def read_batch(txn: ReadTxn, partition: bytes) -> _Batch | None:
    """Return the oldest lines of a bucket, all of one day; None where there are none, or the bucket is gone."""
    stored = txn.get(partition + keys.META)
    prefix = partition + keys.ACCESS_LINES
    rows = txn.range(prefix, after(prefix), ROWS_AT_ONCE)
    if stored is None or not rows:
        return None
    day = _day(_time_of(rows[0]))
    same = [row for row in rows if _day(_time_of(row)) == day]
    status: Any = configurations.read(txn, partition, configurations.LOGGING)
    return _Batch(keys.decode_meta(stored), None if status is None else status.LoggingEnabled, same)


def _time_of(row: Row) -> int:
    return int.from_bytes(row[0][-16:-8], "big")


def remove_batch(txn: Txn, rows: tuple[bytes, ...]) -> None:
    """Remove lines that were delivered, or that nobody takes."""
    for key in rows:
        txn.delete(key)


def finish(txn: Txn, entry: Due) -> bool:
    """End a delivery where nothing is left; says whether it must go on."""
    prefix, partition = entry.key, entry.key[:PARTITION_BYTES]
    if txn.get(partition + keys.META) is not None and txn.range(prefix, after(prefix), 1):
        return True
    txn.undue(entry.at_ms, entry.kind, entry.key)
    return False


async def deliver(service: Service, entries: list[Due]) -> None:
    """Deliver the lines of some buckets: the deed of `access_log.deliver`."""
    for entry in entries:
        partition = entry.key[:PARTITION_BYTES]
        while True:
            batch: _Batch | None = await service.engine.read((partition,), read_batch, partition)
            if batch is not None:
                if batch.target is not None:
                    await _put(service, batch)
                rows = tuple(key for key, _ in batch.rows)
                await service.engine.transact((partition,), remove_batch, rows, grows=False)
            if not await service.engine.transact((partition,), finish, entry, grows=False):
                break


async def _put(service: Service, batch: _Batch) -> None:
    meta, target = batch.meta, batch.target
    source = bucket_model.bucket_arn(meta.name)
    ctx = CallContext(
        principal=service_principal(LOG_SERVICE),
        request_id=service.randomness.token_bytes(8).hex().upper(),
        region=meta.region,
        condition_keys={"aws:SourceArn": source, "aws:SourceAccount": meta.account},
    )
    key = object_key(
        meta, target, _time_of(batch.rows[0]), service.clock.wall_ms(), service.randomness.token_bytes(8).hex().upper()
    )
    request = object_model.PutObject(
        bucket=target.TargetBucket, key=key, content_type="text/plain", grants=_grants(target, meta.account)
    )
    pieces = [value for _, value in batch.rows]
    try:
        try:
            await service.call(ctx, "PutObject", request, _body(pieces))
        except ServiceError as error:
            if error.row is not ACL_NOT_SUPPORTED:
                raise
            # The target's lists were turned off since the grants were configured.
            await service.call(ctx, "PutObject", msgspec.structs.replace(request, grants=()), _body(pieces))
    except ServiceError as error:
        if error.row not in (ACCESS_DENIED, NO_SUCH_BUCKET) and error.row.http_status >= 500:
            raise
        _log.warning(
            "lines of an access log were dropped: their target does not take them: %s",
            error.row.code,
            extra={"source": source, "target": target.TargetBucket},
        )


def _grants(target: "aws_s3.LoggingEnabled", account: str) -> tuple[AskedGrant, ...]:
    """Return what a delivered object's list gives: what the configuration says, and all to who owns the bucket."""
    said = tuple(
        AskedGrant(_grantee(grant.Grantee), grant.Permission or "")
        for grant in target.TargetGrants or ()
        if grant.Grantee is not None
    )
    return (AskedGrant(account, FULL_CONTROL), *said) if said else ()


def _grantee(grantee: "aws_s3.Grantee") -> str:
    if grantee.URI is not None:
        return f"uri={grantee.URI}"
    return f"emailAddress={grantee.EmailAddress}" if grantee.EmailAddress is not None else f"id={grantee.ID or ''}"


async def _body(pieces: list[bytes]) -> AsyncIterator[memoryview]:
    for piece in pieces:
        yield memoryview(piece)


def object_key(meta: Meta, target: "aws_s3.LoggingEnabled", event_ms: int, now_ms: int, unique: str) -> str:
    """Return the key of a delivered object, in the form that the configuration asks for."""
    shape = target.TargetObjectKeyFormat
    partitioned = None if shape is None else shape.PartitionedPrefix
    now = _moment(now_ms)
    if partitioned is None:
        return f"{target.TargetPrefix}{now:%Y-%m-%d-%H-%M-%S}-{unique}"
    is_event = partitioned.PartitionDateSource == "EventTime"
    day = _moment(event_ms - event_ms % 86_400_000) if is_event else now
    return (
        f"{target.TargetPrefix}{meta.account}/{meta.region}/{meta.name}/{day:%Y/%m/%d}/{day:%Y-%m-%d-%H-%M-%S}-{unique}"
    )


def _moment(wall_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(wall_ms // 1000, dt.UTC)
