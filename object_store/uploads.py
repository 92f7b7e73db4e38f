"""Takes a body in: counts, digests, verifies and stores it, in bounded memory, and commits once at the end.

Promises: nothing becomes visible before every byte is durable and every check held; whatever goes wrong before the
commit leaves nothing behind but a blob that the sweep collects. At most about 3 MiB of a body are in memory: the piece
that arrived and the two blocks of the blob writer, whose threads do the digesting.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Protocol

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import OUTCOME_UNKNOWN, ServiceError
from cumulo.core.operations import Result
from cumulo.core.ports import MessageSender
from cumulo.identity.room import Resolved
from cumulo.object_store import body_model, copy_model, encryption_model, object_model, upload_model
from cumulo.object_store.bodies import NewBody
from cumulo.object_store.body_model import CONTENT_MD5, NOTHING_EXPECTED, UNKNOWN, ExpectedContent, UploadBody
from cumulo.object_store.enclosures import enclose
from cumulo.object_store.encryption import raw_key, told_of, without_key
from cumulo.object_store.encryption_model import AskedEncryption
from cumulo.object_store.errors import (
    BAD_CHECKSUM,
    BAD_CONTENT_MD5,
    ENTITY_TOO_LARGE,
    INCOMPLETE_BODY,
    INVALID_CHECKSUM_VALUE,
    INVALID_DIGEST,
    INVALID_REQUEST,
)
from cumulo.object_store.event_documents import CREATED_POST, CREATED_PUT
from cumulo.object_store.keys import UploadRecord
from cumulo.object_store.multipart import CommitPart, StoredPart, commit_part
from cumulo.object_store.objects import CommitObject, Description, Stored, commit_object, description_of
from cumulo.object_store.sealing import ObjectSeals, Sealing, place_of
from cumulo.object_store.stamping import Stamped
from cumulo.storage import digests
from cumulo.storage.blobs import BlobStore, Seal
from cumulo.storage.engine import ROOT, Engine, Partitions
from cumulo.storage.idempotency import Once, run_once

DATA_WINDOW_MS = 600_000
"""How long a request id of objects and parts is remembered: 10 minutes."""
_ALWAYS = ("md5",)
"""The ETag. The CRC64NVME of every body is the blob store's own."""


class Store(Protocol):
    """What an upload needs of the service."""

    engine: Engine
    clock: Clock
    blobs: BlobStore
    sender: MessageSender | None
    seals: ObjectSeals


class PartUpload(msgspec.Struct, frozen=True):
    """A part on its way, and its open upload where it was seen."""

    stamped: Stamped
    record: UploadRecord | None = None

    @property
    def checksum(self) -> str:
        """The upload's algorithm, taken of each part whether its sender tells it or not."""
        return "" if self.record is None else self.record.checksum


async def put_object(
    store: Store, ctx: CallContext, resolved: Resolved, body: AsyncIterator[memoryview] | None
) -> Result:
    """Store an object."""
    stamped: Stamped = resolved.request
    request: object_model.PutObject = stamped.request
    new = await receive(store.blobs, body, request.expected, sealing=await begin_sealing(store, ctx, stamped))
    if request.messages:
        stamped = await _enclosing(store, ctx, stamped, new)
    event_name = CREATED_POST if request.is_form else CREATED_PUT
    return Result(await store_object(store, ctx, stamped, new, description_of(request), event_name))


async def begin_sealing(store: Store, ctx: CallContext, stamped: Stamped) -> Sealing | None:
    """Return what seals the body that a stamped request brings, None where it is not to be encrypted."""
    if stamped.plan is None:
        return None
    return await store.seals.begin(ctx, stamped.plan, place_of(stamped))


async def open_upload_sealing(store: Store, ctx: CallContext, upload: PartUpload) -> Sealing | None:
    """Return what seals a part: its upload's key. Raises `InvalidRequest` where a customer's key is another one."""
    encryption = None if upload.record is None else upload.record.encryption
    if encryption is None:
        return None
    asked: AskedEncryption | None = upload.stamped.request.encryption
    customer_key = b""
    if encryption.algorithm == encryption_model.CUSTOMER:
        assert asked is not None and asked.customer is not None  # noqa: PT018 - else the resolver refused it
        customer_key = raw_key(asked.customer)
    return await store.seals.open(ctx, encryption, place_of(upload.stamped), customer_key)


async def store_object(
    store: Store, ctx: CallContext, stamped: Stamped, new: NewBody, description: Description, event_name: str
) -> object_model.Object:
    """Give a received body its name and say what was stored; `stamped.request` is a PutObject or a CopyObject."""
    request: object_model.PutObject | copy_model.CopyObject = stamped.request
    stamped = at_commit(store, stamped)
    commit = CommitObject(stamped, new, description, event_name)
    stored: Stored = await commit_body(store, ctx, stamped, new, commit_object, commit, Stored)
    return object_model.Object(
        bucket=request.bucket,
        key=request.key,
        size_bytes=stored.size_bytes,
        etag=stored.etag,
        last_modified_ms=stored.modified_ms,
        content_type=description.content_type,
        metadata=description.metadata,
        crc64nvme=stored.crc64nvme,
        checksums=new.checksums,
        headers=description.headers,
        storage_class=description.storage_class or object_model.STANDARD,
        tag_count=len(description.tags),
        expiry=stored.expiry,
        encryption=told_of(new.encryption),
        messages=() if stamped.enclosed is None else stamped.enclosed.sent(stored.enclosed),
        version_id=stored.version_id,
    )


async def _enclosing(store: Store, ctx: CallContext, stamped: Stamped, new: NewBody) -> Stamped:
    """Make the commit's messages ready, anew: the body may have taken hours, and the queues may be others since."""
    try:
        enclosed = await enclose(store.sender, store.engine, ctx, stamped.request.messages)
    except BaseException:
        if new.blob:
            await store.blobs.delete((new.blob,))
        raise
    return msgspec.structs.replace(stamped, enclosed=enclosed)


async def upload_part(
    store: Store, ctx: CallContext, resolved: Resolved, body: AsyncIterator[memoryview] | None
) -> Result:
    """Store a part of an upload."""
    upload: PartUpload = resolved.request
    request: upload_model.UploadPart = upload.stamped.request
    sealing = await open_upload_sealing(store, ctx, upload)
    new = await receive(store.blobs, body, request.expected, keeps=upload.checksum, sealing=sealing)
    return Result(await store_part(store, ctx, upload, new))


async def store_part(store: Store, ctx: CallContext, upload: PartUpload, new: NewBody) -> object_model.Part:
    """Put a received body in its place; `stamped.request` is an UploadPart or an UploadPartCopy."""
    stamped = at_commit(store, upload.stamped)
    commit = CommitPart(stamped, new)
    stored: StoredPart = await commit_body(store, ctx, stamped, new, commit_part, commit, StoredPart)
    checksums = {"crc64nvme": stored.crc64nvme.to_bytes(8, "big")}
    return object_model.Part(
        part_number=stamped.request.part_number,
        etag=stored.etag,
        size_bytes=stored.size_bytes,
        last_modified_ms=stored.modified_ms,
        crc64nvme=stored.crc64nvme,
        checksums=checksums | new.checksums,
        encryption=told_of(new.encryption),
    )


async def receive(
    blobs: BlobStore,
    body: AsyncIterator[memoryview] | None,
    expected: ExpectedContent,
    keeps: str = "",
    sealing: Sealing | None = None,
) -> NewBody:
    """Take a whole body in and verify it against what its sender said, before and after it.

    `keeps` is a checksum to take and keep although he may not tell it; `sealing` encrypts what is stored. Raises
    `IncompleteBody`, `EntityTooLarge`, `BadDigest`, `InvalidDigest`, `STORAGE_FULL`. A blob is sealed, and the caller's
    to name or to delete.
    """
    if expected is not NOTHING_EXPECTED:
        check_expected(expected)
    if expected.content_length > body_model.UPLOAD_BYTES_MAX:
        raise ENTITY_TOO_LARGE.error(allowed=body_model.UPLOAD_BYTES_MAX)
    names = {*_ALWAYS, *expected.digests, *expected.announced} - {CONTENT_MD5}
    if keeps:
        names.add(keeps)
    take_whole: Callable[[], memoryview] | None = getattr(body, "take_whole", None)
    if take_whole is not None and 0 <= expected.content_length <= body_model.INLINE_BYTES_MAX:
        inline: digests.Piece = take_whole()  # borrowed: nothing is waited for until it is stored
        _check_size(len(inline), expected)
    else:
        pieces = aiter(body or _nothing())
        head = bytearray()
        async for piece in pieces:
            _check_size(len(head) + len(piece), expected)
            if len(head) + len(piece) > body_model.INLINE_BYTES_MAX:
                return await _receive_blob(blobs, body, pieces, (head, piece), expected, names, keeps, sealing)
            head += piece
        inline = head
    trailer = _trailer(body, expected, len(inline))
    names.add("crc64nvme")
    found = digests.digests_of(inline, names)
    checksums = _verified(found, (expected, trailer), keeps)
    size_bytes = len(inline)
    if sealing is None:
        return _new_body(size_bytes, found, checksums, inline=bytes(inline))
    stored, kept = sealing.seal(inline)
    encryption = msgspec.structs.replace(sealing.encryption, kept=kept)
    return _new_body(size_bytes, found, checksums, sealing, inline=stored, kept=kept, encryption=encryption)


async def _receive_blob(
    blobs: BlobStore,
    body: AsyncIterator[memoryview] | None,
    pieces: AsyncIterator[memoryview],
    begun: tuple[bytearray, memoryview],
    expected: ExpectedContent,
    names: set[str],
    keeps: str,
    sealing: Sealing | None,
) -> NewBody:
    """Go on with a body that is too large for the engine: `begun` was read of it already."""
    size_bytes = 0
    async with await blobs.begin(names, None if sealing is None else sealing.sealer()) as writer:
        for piece in begun:
            if piece:
                size_bytes += len(piece)
                await writer.write(piece)
        async for piece in pieces:
            size_bytes += len(piece)
            _check_size(size_bytes, expected)
            await writer.write(piece)
        trailer = _trailer(body, expected, size_bytes)
        sealed = await writer.seal()
    try:
        checksums = _verified(sealed.digests, (expected, trailer), keeps)
    except ServiceError:
        await blobs.delete((writer.blob_id,))
        raise
    encryption = None if sealing is None else sealing.encryption
    return _new_body(
        size_bytes,
        sealed.digests,
        checksums,
        sealing,
        seal=sealed.seal,
        kept=sealed.kept,
        encryption=encryption,
    )


def _new_body(
    size_bytes: int,
    found: Mapping[str, bytes],
    checksums: dict[str, bytes],
    sealing: Sealing | None = None,
    *,
    inline: bytes = b"",
    seal: Seal | None = None,
    kept: bytes = b"",
    encryption: encryption_model.Encryption | None = None,
) -> NewBody:
    """Return a body whose digests `found` were verified."""
    md5 = found["md5"]
    return NewBody(
        size_bytes=size_bytes,
        md5=md5,
        etag=md5 if sealing is None else sealing.etag(md5),
        crc64nvme=int.from_bytes(found["crc64nvme"], "big"),
        checksums=checksums,
        inline=inline,
        seal=seal,
        kept=kept,
        encryption=encryption,
    )


def _check_size(size_bytes: int, expected: ExpectedContent) -> None:
    """Raise `IncompleteBody` or `EntityTooLarge` as soon as a body is longer than it may be."""
    if expected.content_length != UNKNOWN and size_bytes > expected.content_length:
        raise INCOMPLETE_BODY.error(received=f"{size_bytes} or more", promised=expected.content_length)
    if size_bytes > body_model.UPLOAD_BYTES_MAX:
        raise ENTITY_TOO_LARGE.error(allowed=body_model.UPLOAD_BYTES_MAX)


def _trailer(body: AsyncIterator[memoryview] | None, expected: ExpectedContent, size_bytes: int) -> ExpectedContent:
    """Return what the sender said at the end of a body of this size; raises `IncompleteBody`, `InvalidDigest`."""
    trailer = body.trailer if isinstance(body, UploadBody) else NOTHING_EXPECTED
    if trailer is not NOTHING_EXPECTED:
        check_expected(trailer)
    for said in (expected, trailer):
        if said.content_length not in (UNKNOWN, size_bytes):
            raise INCOMPLETE_BODY.error(received=size_bytes, promised=said.content_length)
    return trailer


def check_expected(expected: ExpectedContent) -> None:
    """Raise `InvalidDigest` or `InvalidRequest` for a digest that cannot be one."""
    for name, value in expected.digests.items():
        if name == CONTENT_MD5:
            if len(value) != digests.SIZES["md5"]:
                raise INVALID_DIGEST.error(allowed="16 bytes")
        elif digests.SIZES.get(name) != len(value):
            raise INVALID_CHECKSUM_VALUE.error(header=f"x-amz-checksum-{name}", place="header")
    for name in expected.announced:
        if name not in digests.SIZES:
            raise INVALID_CHECKSUM_VALUE.error(header=f"x-amz-checksum-{name}", place="header")


def _verified(found: Mapping[str, bytes], said: tuple[ExpectedContent, ...], keeps: str) -> dict[str, bytes]:
    """Return the checksums that a body's sender gave and that held; raises `BadDigest`."""
    given = {keeps} if keeps else set()
    for one in said:
        for name, value in one.digests.items():
            taken = "md5" if name == CONTENT_MD5 else name
            if taken not in found:
                raise INVALID_REQUEST.error(reason=f"The {name} of the trailer was not announced before the body.")
            if value != found[taken]:
                calculated = found[taken].hex()
                if name == CONTENT_MD5:
                    raise BAD_CONTENT_MD5.error(digest="Content-MD5", calculated=calculated)
                raise BAD_CHECKSUM.error(digest=name.upper(), calculated=calculated)
            given.add(name)
    given -= {CONTENT_MD5, "crc64nvme"}
    return {name: found[name] for name in sorted(given)}


def at_commit(store: Store, stamped: Stamped) -> Stamped:
    """Stamp anew: the body may have taken hours, and an object is as old as its commit. A customer's key stays here."""
    request = stamped.request
    if request.encryption is not None:
        request = msgspec.structs.replace(request, encryption=without_key(request.encryption))
    now_ms, wall_ms = store.clock.deadline_ms(), store.clock.wall_ms()
    return msgspec.structs.replace(stamped, request=request, plan=None, now_ms=now_ms, wall_ms=wall_ms)


async def commit_body(
    store: Store,
    ctx: CallContext,
    stamped: Stamped,
    new: NewBody,
    function: Callable[[Any, Any], Any],
    request: Any,
    result_type: Any,
    *,
    also: Partitions = (),
) -> Any:
    """Run the one transaction of an upload, and drop its blob unless the commit may have named it; `also` are
    partitions that it needs beside the bucket's.
    """
    asked = stamped.request
    if asked.request_id:
        if isinstance(asked, object_model.PutObject | upload_model.UploadPart):
            asked = msgspec.structs.replace(asked, expected=NOTHING_EXPECTED)
        said = msgspec.msgpack.encode(asked)
        request = Once(
            partition=stamped.partition,
            account=ctx.principal.account,
            operation=type(asked).__name__,
            request_id=asked.request_id,
            identity=hashlib.sha256(said).digest() + new.md5,
            now_ms=stamped.now_ms,
            window_ms=DATA_WINDOW_MS,
            function=function,
            request=request,
            result_type=result_type,
        )
        function = run_once
    partitions: Partitions = (stamped.partition, ROOT) if new.blob else (stamped.partition,)
    partitions += tuple(one for one in also if one not in partitions)
    if stamped.enclosed is not None:
        partitions += stamped.enclosed.partitions
    if not new.blob:
        return await store.engine.transact(partitions, function, request)
    committing = asyncio.ensure_future(store.engine.transact(partitions, function, request))
    # Shielded: a caller who leaves now must not leave a blob whose fate nobody knows.
    try:
        stored = await asyncio.shield(committing)
    except asyncio.CancelledError:
        await asyncio.wait((committing,))
        if _is_nameless(committing, new.blob):
            await store.blobs.delete((new.blob,))
        raise
    except ServiceError:
        if _is_nameless(committing, new.blob):
            await store.blobs.delete((new.blob,))
        raise
    if _is_nameless(committing, new.blob):
        await store.blobs.delete((new.blob,))
    return stored


def _is_nameless(committing: "asyncio.Future[Any]", blob: int) -> bool:
    """Say whether a commit is known to have left a blob without a name: it was refused, or it was the repetition of a
    request whose first bytes stay. Where its outcome is unknown the sweep of the next start decides.
    """
    error = committing.exception()
    if error is not None:
        return isinstance(error, ServiceError) and error.row is not OUTCOME_UNKNOWN
    named: int = committing.result().blob
    return named != blob


async def _nothing() -> AsyncIterator[memoryview]:
    """Be the body of a request that has none."""
    pieces: tuple[memoryview, ...] = ()
    for piece in pieces:
        yield piece
