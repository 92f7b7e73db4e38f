"""Reads every stored body again, slowly, and says which ones the disk no longer gives back.

Owns the walk over the bodies in the blob store and its pace. Promises: a body that stands through a whole pass under
one name is read to its first damaged block in that pass, and reported at most once; what was deleted or replaced
meanwhile is no damage; a page of records, one seal and one block are in memory, and every snapshot ends with its page.
A body whose upload is completed during the pass may have to wait for the next one. Repairs nothing: there is no second
copy to repair from.

A block that the page cache holds is verified there: what the disk has under it shows once the cache has let it go.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Final, Protocol

import msgspec

from cumulo.core.clocks import Clock
from cumulo.object_store import keys
from cumulo.object_store.bodies import read_seal
from cumulo.object_store.keys import ObjectRecord, PartRecord
from cumulo.object_store.versions import has_number
from cumulo.storage import tuples
from cumulo.storage.blobs import BlobStore, Seal
from cumulo.storage.engine import ROOT, Engine, EngineFailed, ReadTxn, Row

BYTES_PER_S: Final = 10 * 1024 * 1024
"""A tenth of what a slow disk reads: a terabyte in 29 hours."""
FIRST_REST_MS: Final = 3_600_000
"""Between the start and the first pass: a server that lives for minutes does not scrub."""
REST_MS: Final = 24 * 3_600_000
"""Between the end of a pass and the next."""
PAGE_ROWS: Final = 100
"""Records of objects and uploads that are read at once, up to 4 KiB each."""
SLICES_PER_READ: Final = 1
"""Of manifests and chunks, up to 64 KiB each."""
_WAIT_MS_MAX: Final = 60_000
"""The event loop's timers stand still while the machine is suspended, the deadline clock does not."""

Pause = Callable[[float], Awaitable[None]]
"""Waits for so many seconds."""

_log = logging.getLogger("cumulo.object_store")


class Store(Protocol):
    """What the scrub needs of the service."""

    engine: Engine
    clock: Clock
    blobs: BlobStore


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A body in the blob store, and where its name stands: in the record of the object `key`, whose body is number
    `whole`, or of the open `upload` of it; a part also in the slice of a manifest or the chunk at `parts_key`.
    """

    bucket: str
    key: str
    partition: bytes
    record: ObjectRecord | PartRecord
    whole: int = 0
    upload: int = 0
    parts_key: bytes = b""


class _Page(msgspec.Struct, frozen=True):
    start: bytes
    end: bytes
    limit: int


class Scrub:
    """The scrub of a service's bodies. `bytes_read` and `damaged` are for metrics.

    `pause` is how it waits, for its pace and in its rests.
    """

    def __init__(self, store: Store, pause: Pause = asyncio.sleep) -> None:
        self.bytes_read = 0
        self.damaged = 0
        """Bodies that the last whole pass found damaged, or this one where it found more already."""
        self._store = store
        self._pause = pause

    async def run(self) -> None:
        """Rest, pass, rest, without an end; a restart begins with the first rest."""
        await self._rest(FIRST_REST_MS)
        while True:
            try:
                await self.run_pass()
            except EngineFailed:
                raise
            except Exception:  # noqa: BLE001 - one bad record must not end the scrub until the next restart
                _log.exception("a pass of the scrub failed; the next one begins anew")
            await self._rest(REST_MS)

    async def run_pass(self) -> int:
        """Read every body once; return how many are damaged or missing."""
        found = 0
        async with contextlib.aclosing(self._bodies()) as bodies:
            async for body in bodies:
                reason = await self._damage(body)
                if reason:
                    found += 1
                    self.damaged = max(self.damaged, found)
                    _report(body, reason)
        self.damaged = found
        return found

    async def _rest(self, rest_ms: int) -> None:
        until_ms = self._store.clock.deadline_ms() + rest_ms
        while (left_ms := until_ms - self._store.clock.deadline_ms()) > 0:
            await self._pause(min(left_ms, _WAIT_MS_MAX) / 1000)

    async def _damage(self, body: Body) -> str:
        """Read a body; return what is wrong with it, or nothing where it is whole or nothing names it any more."""
        seal: Seal | None = await self._store.engine.read((body.partition,), named_seal, body)
        if seal is None:
            return ""
        async with contextlib.aclosing(self._store.blobs.scrub(_only(seal), BYTES_PER_S, self._paced)) as damages:
            async for damage in damages:
                # Its file goes only after its name: where the name still stands, nobody deleted it.
                if await self._store.engine.read((body.partition,), named_seal, body) is not None:
                    return damage.reason
        return ""

    async def _paced(self, seconds: float) -> None:
        self.bytes_read += round(seconds * BYTES_PER_S)
        await self._pause(seconds)

    # The walk

    async def _bodies(self) -> AsyncGenerator[Body, None]:
        """Walk the bodies of every bucket: its objects, then the parts of its open uploads."""
        async for row_key, value in self._rows(ROOT, keys.NAMES, PAGE_ROWS):
            bucket, partition = keys.text_of(row_key, len(keys.NAMES)), keys.decode_bucket(value).partition
            async for body in self._objects(bucket, partition):
                yield body
            async for body in self._uploaded(bucket, partition):
                yield body

    async def _objects(self, bucket: str, partition: bytes) -> AsyncIterator[Body]:
        async for row_key, value in self._rows(partition, partition + keys.OBJECTS, PAGE_ROWS):
            async for body in self._of_version(bucket, keys.parse_object_key(row_key), partition, value):
                yield body
        async for row_key, value in self._rows(partition, partition + keys.VERSIONS, PAGE_ROWS):
            async for body in self._of_version(bucket, keys.parse_version_key(row_key)[0], partition, value):
                yield body

    async def _of_version(self, bucket: str, key: str, partition: bytes, value: bytes) -> AsyncIterator[Body]:
        record = keys.decode_object(value)
        one = Body(bucket=bucket, key=key, partition=partition, record=record, whole=record.body)
        if record.blob:
            yield one
        elif record.part_count:
            async for part in self._parts(one, keys.manifest_prefix(partition, record.body)):
                yield part

    async def _uploaded(self, bucket: str, partition: bytes) -> AsyncIterator[Body]:
        async for row_key, _ in self._rows(partition, partition + keys.UPLOADS, PAGE_ROWS):
            key, upload = keys.parse_upload_key(row_key)
            one = Body(bucket=bucket, key=key, partition=partition, record=PartRecord(), upload=upload)
            async for part in self._parts(one, keys.chunk_prefix(partition, upload)):
                yield part

    async def _parts(self, one: Body, prefix: bytes) -> AsyncIterator[Body]:
        async for row_key, value in self._rows(one.partition, prefix, SLICES_PER_READ):
            for part in keys.decode_parts(value).parts:
                if part.blob:
                    yield msgspec.structs.replace(one, record=part, parts_key=row_key)

    async def _rows(self, partition: bytes, prefix: bytes, limit: int) -> AsyncIterator[Row]:
        """Walk rows in pages, each on a snapshot of its own, at the pace of the bodies: most may have none to read."""
        page = _Page(prefix, tuples.after(prefix), limit)
        while rows := await self._store.engine.read((partition,), _read_page, page):
            for row in rows:
                yield row
            page = _Page(rows[-1][0] + b"\x00", page.end, limit)
            await self._pause(sum(len(value) for _, value in rows) / BYTES_PER_S)


def named_seal(txn: ReadTxn, body: Body) -> Seal | None:
    """Return the seal of a body, None where what named it is gone or names another one now."""
    partition = body.partition
    if body.upload:
        stands = txn.get(keys.upload_key(partition, body.key, body.upload)) is not None
    else:
        # The manifest of a replaced object stands until its parts are collected: the record decides.
        stands = has_number(txn, partition, body.key, body.whole)
    if stands and body.parts_key:
        stored = txn.get(body.parts_key)
        parts = () if stored is None else keys.decode_parts(stored).parts
        stands = any(part.body == body.record.body for part in parts)
    return read_seal(txn, partition, body.record) if stands else None


def _read_page(txn: ReadTxn, page: _Page) -> list[Row]:
    return txn.range(page.start, page.end, page.limit)


async def _only(seal: Seal) -> AsyncIterator[Seal]:
    yield seal


def _report(body: Body, reason: str) -> None:
    blob = body.record.blob
    _log.error(
        "blob %d of object %r in bucket %s is damaged: %s",
        blob,
        body.key,
        body.bucket,
        reason,
        extra={"bucket": body.bucket, "key": body.key, "blob": blob},
    )
