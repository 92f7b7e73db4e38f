"""Gives a body out: from a snapshot of its record, in verified pieces of at most 1 MiB.

Promises: what is read is one version of the object, whatever is written meanwhile; no byte leaves before the checksum
of its block was verified, ranges included; a body is not removed while it is being read. Does not know any protocol.
"""

import abc
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Protocol

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import DATA_LOSS
from cumulo.core.operations import Result
from cumulo.identity.room import Resolved
from cumulo.object_store import keys, object_model
from cumulo.object_store.bodies import read_inline, read_kept, read_seal
from cumulo.object_store.encryption import readable_with
from cumulo.object_store.keys import ObjectRecord, PartRecord
from cumulo.object_store.naming import shown
from cumulo.object_store.objects import Contents, open_object
from cumulo.object_store.sealing import ObjectSeals, Sealing, place_of
from cumulo.object_store.stamping import Stamped
from cumulo.storage import digests
from cumulo.storage.blobs import BlobMissing, BlobReader, BlobStore, Seal
from cumulo.storage.engine import Engine, ReadTxn, Row
from cumulo.storage.frames import FrameOpener, FramesDamaged

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
    seals: ObjectSeals


class Reading(msgspec.Struct, frozen=True):
    """A stamped GetObject, and the object as it was found while the request was resolved: it need not be read again."""

    stamped: Stamped
    found: Contents


class Opened(msgspec.Struct, frozen=True):
    """An object that is being read: its record, what the caller is told, and the body, to be closed by `aclose`."""

    record: ObjectRecord
    download: object_model.Download
    body: "Body"


async def get_object(
    store: Store, ctx: CallContext, resolved: Resolved, body: AsyncIterator[memoryview] | None
) -> Result:
    """Open an object for reading; the answer's body must be closed (`aclose`) by who does not read it to its end."""
    del body
    reading: Reading = resolved.request
    opened = await open_for_reading(store, ctx, reading.stamped, reading.found)
    return Result(opened.download, opened.body)


async def open_for_reading(store: Store, ctx: CallContext, stamped: Stamped, found: Contents | None = None) -> Opened:
    """Open an object; `request` is a GetObject, `found` what `open_object` has just answered, if it was asked.

    Raises as `open_object`, `InvalidRange`, `InvalidPartNumber`, and as `ObjectSeals.open` where it is encrypted.
    """
    request: object_model.GetObject = stamped.request
    partitions = (stamped.partition,)
    for _ in range(SNAPSHOTS_MAX):
        contents: Contents = found or await store.engine.read(partitions, open_object, stamped)
        found = None
        record = contents.record
        customer_key = readable_with(record.encryption, request.customer)
        first, end = contents.asked(request)
        download = contents.download(request, first, end)
        sealing = None
        if record.encryption is not None:
            sealing = await store.seals.open(ctx, record.encryption, place_of(stamped), customer_key)
        if contents.seal is not None:
            try:
                reader = store.blobs.open(contents.seal)
            except BlobMissing:
                continue  # replaced and collected since the snapshot
            opener = None if sealing is None else _opener(sealing, contents.kept, record.size_bytes, stamped)
            return Opened(record, download, _BlobBody(reader, first, end, opener))
        if record.part_count:
            held = _PartsBody(store, stamped.partition, record, contents.manifest, first, end, sealing)
            # Held first, seen to be the current one after: from here on nobody collects it.
            again: Contents = await store.engine.read(partitions, open_object, stamped)
            if again.record.body == record.body:
                return Opened(record, download, held)
            await held.aclose()
            continue
        whole = _plain(sealing, contents.kept, contents.inline, record.crc64nvme)
        if whole is None:
            raise DATA_LOSS.error(what=f"object {request.bucket}/{shown(request.key)}")
        return Opened(record, download, InlineBody(whole[first:end]))
    raise DATA_LOSS.error(what=f"object {request.bucket}/{shown(request.key)}, whose blob is missing")


class Sealed(msgspec.Struct, frozen=True):
    """The bytes of an encrypted body as they are stored, to be closed by `aclose`, and what is kept beside them."""

    body: "Body"
    kept: bytes


async def open_sealed(store: Store, stamped: Stamped) -> Sealed:
    """Open the stored bytes of an encrypted object that is not in parts, for who has no key to it: `stamped` is a
    GetObject. Raises as `open_object`.
    """
    contents: Contents = await store.engine.read((stamped.partition,), open_object, stamped)
    if contents.seal is None:
        return Sealed(InlineBody(contents.inline), contents.kept)
    return _sealed_blob(store, contents.seal, contents.kept, contents.record.size_bytes)


async def open_sealed_part(store: Store, partition: bytes, part: PartRecord) -> Sealed:
    """Open the stored bytes of an encrypted part; the caller holds its object (`Readers.hold`)."""
    asked = _SealOf(partition, part, encrypted=True)
    contents, kept = await store.engine.read((partition,), _part_contents, asked)
    if isinstance(contents, bytes):
        return Sealed(InlineBody(contents), kept)
    return _sealed_blob(store, contents, kept, part.size_bytes)


def _sealed_blob(store: Store, seal: Seal, kept: bytes, size_bytes: int) -> Sealed:
    try:
        reader = store.blobs.open(seal)
    except BlobMissing as error:
        raise DATA_LOSS.error(what="an object, whose blob is missing") from error
    return Sealed(_BlobBody(reader, 0, size_bytes, None), kept)


def _plain(sealing: Sealing | None, kept: bytes, stored: bytes, crc64nvme: int) -> bytes | None:
    """Return an inline body, verified, None where it is not what was stored: the tag of an encrypted one says so."""
    if sealing is None:
        return stored if digests.crc64nvme(stored) == crc64nvme else None
    try:
        return sealing.open(kept, stored)
    except FramesDamaged:
        return None


def _opener(sealing: Sealing, kept: bytes, size_bytes: int, stamped: Stamped) -> FrameOpener:
    try:
        return sealing.opener(kept, size_bytes)
    except FramesDamaged as error:
        raise DATA_LOSS.error(what=f"object {stamped.request.bucket}/{shown(stamped.request.key)}") from error


class Body(AsyncIterator[memoryview]):
    """The bytes of a download, verified. A piece is borrowed until the next one is asked for.

    `file_range` is where the last piece lies on disk, as (descriptor, offset), None where it is in no file: who sends
    those bytes by `sendfile` sends what was verified, since a file of the store is never written again. The descriptor
    is good until the next piece is asked for or the body is closed.
    """

    @property
    @abc.abstractmethod
    def file_range(self) -> tuple[int, int] | None:
        """Where the last piece lies on disk."""

    @abc.abstractmethod
    async def aclose(self) -> None:
        """Release what the body holds."""


class InlineBody(Body):
    """A body that one snapshot brought along: it may as well be taken whole, as `content`."""

    file_range = None

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._ended = not content

    async def __anext__(self) -> memoryview:
        if self._ended:
            raise StopAsyncIteration
        self._ended = True
        return memoryview(self.content)

    async def aclose(self) -> None:
        """Nothing is held."""


class _BlobBody(Body):
    """A body in one blob; the open file keeps it."""

    def __init__(self, reader: BlobReader, first: int, end: int, opener: FrameOpener | None) -> None:
        self._reader = reader
        self._pieces: AsyncGenerator[memoryview, None] = reader.read(first, end, opener)

    @property
    def file_range(self) -> tuple[int, int] | None:
        """Where the last piece lies on disk."""
        return self._reader.file_range

    async def __anext__(self) -> memoryview:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """Release buffer and file."""
        await self._pieces.aclose()
        self._reader.close()


class _SealOf(msgspec.Struct, frozen=True):
    partition: bytes
    part: PartRecord
    encrypted: bool


def _part_contents(txn: ReadTxn, request: _SealOf) -> tuple[Seal | bytes, bytes]:
    """Return what it takes to read one part: its seal or bytes, and what is kept of it where it is encrypted."""
    part = request.part
    kept = read_kept(txn, request.partition, part.body) if request.encrypted else b""
    if part.blob:
        return read_seal(txn, request.partition, part), kept
    return read_inline(txn, request.partition, part.body, part.size_bytes), kept


class _PartsBody(Body):
    """A body of parts. Holds the manifest's encoded rows (about 50 bytes a part) and opens one part at a time."""

    def __init__(
        self,
        store: Store,
        partition: bytes,
        record: ObjectRecord,
        manifest: tuple[Row, ...],
        first: int,
        end: int,
        sealing: Sealing | None,
    ) -> None:
        self._sealing = sealing
        self._store = store
        self._partition = partition
        self._body = (partition, record.body)
        self._held = True
        store.readers.hold(self._body)
        self._pieces = self._read(manifest, first, end)
        self._reader: BlobReader | None = None

    @property
    def file_range(self) -> tuple[int, int] | None:
        """Where the last piece lies on disk."""
        return None if self._reader is None else self._reader.file_range

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
            asked = _SealOf(self._partition, part, self._sealing is not None)
            contents, kept = await self._store.engine.read((self._partition,), _part_contents, asked)
            self._reader = None
            if isinstance(contents, bytes):
                whole = _plain(self._sealing, kept, contents, part.crc64nvme)
                if whole is None:
                    raise DATA_LOSS.error(what=f"part {part.number} of an object")
                yield memoryview(whole)[start:stop]
                continue
            opener = None
            try:
                if self._sealing is not None:
                    opener = self._sealing.opener(kept, part.size_bytes)
                reader = self._store.blobs.open(contents)
            except FramesDamaged as error:
                raise DATA_LOSS.error(what=f"part {part.number} of an object") from error
            except BlobMissing as error:
                raise DATA_LOSS.error(what=f"part {part.number} of an object, whose blob is missing") from error
            with reader:
                self._reader = reader
                async for piece in reader.read(start, stop, opener):
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
