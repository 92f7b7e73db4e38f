"""Gives a body out: from a snapshot of its record, in verified pieces of at most 1 MiB.

Promises: what is read is one version of the object, whatever is written meanwhile; no byte leaves before the checksum
of its block was verified, ranges included; a body is not removed while it is being read. Does not know any protocol.
"""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Protocol

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import DATA_LOSS
from cumulo.core.operations import Result
from cumulo.identity.room import Resolved
from cumulo.object_store import keys, model
from cumulo.object_store.bodies import read_inline, read_seal
from cumulo.object_store.errors import INVALID_ARGUMENT, INVALID_RANGE
from cumulo.object_store.keys import ObjectRecord, PartRecord
from cumulo.object_store.naming import shown
from cumulo.object_store.objects import Contents, described, open_object
from cumulo.object_store.stamping import Stamped
from cumulo.storage import digests
from cumulo.storage.blobs import BlobMissing, BlobReader, BlobStore, Seal
from cumulo.storage.engine import Engine, ReadTxn, Row

SNAPSHOTS_MAX = 100
"""How often a read begins anew because the object was replaced in that very moment."""

BodyId = tuple[bytes, int]
"""A body: its bucket's partition and its number."""


class Readers:
    """Who reads which body that is made of parts, in this process: the garbage collection spares these.

    A body of one blob needs none of it: who has the file open keeps it.
    """

    def __init__(self) -> None:
        self._reading: Counter[BodyId] = Counter()

    def __contains__(self, body: BodyId) -> bool:
        return body in self._reading

    def hold(self, body: BodyId) -> None:
        """Spare a body until `release`."""
        self._reading[body] += 1

    def release(self, body: BodyId) -> None:
        """End what `hold` began."""
        self._reading[body] -= 1
        if not self._reading[body]:
            del self._reading[body]


class Store(Protocol):
    """What a download needs of the service."""

    engine: Engine
    blobs: BlobStore
    readers: Readers


async def get_object(
    store: Store, ctx: CallContext, resolved: Resolved, body: AsyncIterator[memoryview] | None
) -> Result:
    """Open an object for reading; the answer's body must be closed (`aclose`) by who does not read it to its end."""
    del ctx, body
    stamped: Stamped = resolved.request
    request: model.GetObject = stamped.request
    for _ in range(SNAPSHOTS_MAX):
        contents: Contents = await store.engine.read((stamped.partition,), open_object, stamped)
        record = contents.record
        first, end = resolve_range(record.size_bytes, request.range)
        value = model.Download(described(request.bucket, request.key, record), first, end - first)
        if contents.seal is not None:
            try:
                return Result(value, _BlobBody(store.blobs.open(contents.seal), first, end))
            except BlobMissing:
                continue  # replaced and collected since the snapshot
        if record.part_count:
            held = _PartsBody(store, stamped.partition, record, contents.manifest, first, end)
            # Held first, seen to be the current one after: from here on nobody collects it.
            again: Contents = await store.engine.read((stamped.partition,), open_object, stamped)
            if again.record.body == record.body:
                return Result(value, held)
            await held.aclose()
            continue
        if digests.crc64nvme(contents.inline) != record.crc64nvme:
            raise DATA_LOSS.error(what=f"object {request.bucket}/{shown(request.key)}")
        return Result(value, _InlineBody(contents.inline, first, end))
    raise DATA_LOSS.error(what=f"object {request.bucket}/{shown(request.key)}, whose blob is missing")


def resolve_range(size_bytes: int, asked: model.ByteRange | None) -> tuple[int, int]:
    """Return the offsets of a range's first byte and of the byte behind its last; raises `InvalidRange`."""
    if asked is None:
        return 0, size_bytes
    if asked.first < 0:
        if not size_bytes:
            raise INVALID_RANGE.error(range=str(asked.first), size=size_bytes)
        return max(0, size_bytes + asked.first), size_bytes
    if asked.first >= size_bytes:
        raise INVALID_RANGE.error(range=f"{asked.first}-", size=size_bytes)
    return asked.first, size_bytes if asked.last is None else min(asked.last + 1, size_bytes)


def check_range(asked: model.ByteRange | None) -> None:
    """Raise `InvalidArgument` for a range that no object could satisfy."""
    if asked is not None and asked.last is not None and not 0 <= asked.first <= asked.last:
        raise INVALID_ARGUMENT.error(
            parameter="range", value=f"{asked.first}-{asked.last}", allowed="the last byte is not before the first"
        )


class _InlineBody(AsyncIterator[memoryview]):
    """A body that one snapshot brought along."""

    def __init__(self, inline: bytes, first: int, end: int) -> None:
        self._rest: memoryview | None = memoryview(inline)[first:end] if first < end else None

    async def __anext__(self) -> memoryview:
        piece, self._rest = self._rest, None
        if piece is None:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """Nothing is held."""


class _BlobBody(AsyncIterator[memoryview]):
    """A body in one blob; the open file keeps it."""

    def __init__(self, reader: BlobReader, first: int, end: int) -> None:
        self._reader = reader
        self._pieces: AsyncGenerator[memoryview, None] = reader.read(first, end)

    async def __anext__(self) -> memoryview:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """Release buffer and file."""
        await self._pieces.aclose()
        self._reader.close()


class _SealOf(msgspec.Struct, frozen=True):
    partition: bytes
    part: PartRecord


def _part_contents(txn: ReadTxn, request: _SealOf) -> Seal | bytes:
    """Return what it takes to read one part."""
    part = request.part
    if part.blob:
        return read_seal(txn, request.partition, part)
    return read_inline(txn, request.partition, part.body, part.size_bytes)


class _PartsBody(AsyncIterator[memoryview]):
    """A body of parts. Holds the manifest's encoded rows (about 50 bytes a part) and opens one part at a time."""

    def __init__(
        self, store: Store, partition: bytes, record: ObjectRecord, manifest: tuple[Row, ...], first: int, end: int
    ) -> None:
        self._store = store
        self._partition = partition
        self._body = (partition, record.body)
        self._held = True
        store.readers.hold(self._body)
        self._pieces = self._read(manifest, first, end)

    async def __anext__(self) -> memoryview:
        try:
            return await anext(self._pieces)
        except BaseException:
            self._release()
            raise

    async def aclose(self) -> None:
        """Let the garbage collection have the body."""
        await self._pieces.aclose()
        self._release()

    def __del__(self) -> None:
        self._release()

    def _release(self) -> None:
        if self._held:
            self._held = False
            self._store.readers.release(self._body)

    async def _read(self, manifest: tuple[Row, ...], first: int, end: int) -> AsyncGenerator[memoryview, None]:
        for part, start, stop in _stretches(manifest, first, end):
            contents = await self._store.engine.read((self._partition,), _part_contents, _SealOf(self._partition, part))
            if isinstance(contents, bytes):
                if digests.crc64nvme(contents) != part.crc64nvme:
                    raise DATA_LOSS.error(what=f"part {part.number} of an object")
                yield memoryview(contents)[start:stop]
                continue
            try:
                reader = self._store.blobs.open(contents)
            except BlobMissing as error:
                raise DATA_LOSS.error(what=f"part {part.number} of an object, whose blob is missing") from error
            with reader:
                async for piece in reader.read(start, stop):
                    yield piece


def _stretches(manifest: tuple[Row, ...], first: int, end: int) -> Iterator[tuple[PartRecord, int, int]]:
    """Yield the parts that a range touches, each with the offsets inside it; a slice of the manifest is decoded only
    where the range reaches it.
    """
    offsets = [int.from_bytes(row_key[-8:], "big") for row_key, _ in manifest]
    for place, (_, value) in enumerate(manifest):
        offset = offsets[place]
        behind = offsets[place + 1] if place + 1 < len(offsets) else end
        if behind <= first and place + 1 < len(offsets):
            continue
        if offset >= end:
            return
        for part in keys.decode_parts(value).parts:
            start, stop = max(first - offset, 0), min(end - offset, part.size_bytes)
            if start < stop:
                yield part, start, stop
            offset += part.size_bytes
