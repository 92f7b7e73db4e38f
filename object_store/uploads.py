"""Takes a body in: counts, digests, verifies and stores it, in bounded memory, and commits once at the end.

Promises: nothing becomes visible before every byte is durable and every check held; whatever goes wrong before the
commit leaves nothing behind but a blob that the sweep collects. At most about 3 MiB of a body are in memory: the piece
that arrived and the two blocks of the blob writer, whose threads do the digesting.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Protocol

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import OUTCOME_UNKNOWN, ServiceError
from cumulo.core.operations import Result
from cumulo.identity.room import Resolved
from cumulo.object_store import model
from cumulo.object_store.bodies import NewBody
from cumulo.object_store.errors import (
    BAD_DIGEST,
    ENTITY_TOO_LARGE,
    INCOMPLETE_BODY,
    INVALID_DIGEST,
)
from cumulo.object_store.model import NOTHING_EXPECTED, UNKNOWN, ExpectedContent, UploadBody
from cumulo.object_store.multipart import CommitPart, StoredPart, commit_part
from cumulo.object_store.objects import CommitObject, Stored, commit_object
from cumulo.object_store.stamping import Stamped
from cumulo.storage.blobs import BlobStore, BlobWriter
from cumulo.storage.digests import Digester
from cumulo.storage.engine import ROOT, Engine
from cumulo.storage.idempotency import Once, run_once

DATA_WINDOW_MS = 600_000
"""How long a request id of objects and parts is remembered: 10 minutes."""
_DIGEST_BYTES = {"md5": 16, "sha1": 20, "sha256": 32, "crc32": 4, "crc32c": 4, "crc64nvme": 8}
_ALWAYS = ("md5", "crc32c")
"""Digested always: the ETag, and the one checksum that a sender may give at the end without having said so before."""
_SHOWN = {"md5": "Content-MD5", "crc32": "CRC32", "crc32c": "CRC32C", "crc64nvme": "CRC64NVME"}


class Store(Protocol):
    """What an upload needs of the service."""

    engine: Engine
    clock: Clock
    blobs: BlobStore


async def put_object(
    store: Store, ctx: CallContext, resolved: Resolved, body: AsyncIterator[memoryview] | None
) -> Result:
    """Store an object."""
    stamped: Stamped = resolved.request
    request: model.PutObject = stamped.request
    new = await receive(store.blobs, body, request.expected)
    stamped = _at_commit(store, stamped)
    stored: Stored = await _commit(
        store, ctx, "PutObject", stamped, new, commit_object, CommitObject(stamped, new), Stored
    )
    return Result(
        model.Object(
            bucket=request.bucket,
            key=request.key,
            size_bytes=stored.size_bytes,
            etag=stored.etag,
            last_modified_ms=stored.modified_ms,
            content_type=request.content_type or model.DEFAULT_CONTENT_TYPE,
            metadata=request.metadata,
            crc64nvme=stored.crc64nvme,
            checksums=new.checksums,
        )
    )


async def upload_part(
    store: Store, ctx: CallContext, resolved: Resolved, body: AsyncIterator[memoryview] | None
) -> Result:
    """Store a part of an upload."""
    stamped: Stamped = resolved.request
    request: model.UploadPart = stamped.request
    new = await receive(store.blobs, body, request.expected)
    stamped = _at_commit(store, stamped)
    stored: StoredPart = await _commit(
        store, ctx, "UploadPart", stamped, new, commit_part, CommitPart(stamped, new), StoredPart
    )
    return Result(
        model.Part(
            part_number=request.part_number,
            etag=stored.etag,
            size_bytes=stored.size_bytes,
            last_modified_ms=stored.modified_ms,
            crc64nvme=stored.crc64nvme,
        )
    )


async def receive(blobs: BlobStore, body: AsyncIterator[memoryview] | None, expected: ExpectedContent) -> NewBody:
    """Take a whole body in and verify it against what its sender said, before and after it.

    Raises `IncompleteBody`, `EntityTooLarge`, `BadDigest`, `InvalidDigest`, `STORAGE_FULL`. A blob is sealed, and the
    caller's to name or to delete.
    """
    check_expected(expected)
    if expected.content_length > model.UPLOAD_BYTES_MAX:
        raise ENTITY_TOO_LARGE.error(allowed=model.UPLOAD_BYTES_MAX)
    names = {*_ALWAYS, *expected.digests}
    head = bytearray()
    size_bytes = 0
    async with contextlib.AsyncExitStack() as stack:
        writer: BlobWriter | None = None
        async for piece in body or _nothing():
            size_bytes += len(piece)
            if expected.content_length != UNKNOWN and size_bytes > expected.content_length:
                raise INCOMPLETE_BODY.error(received=f"{size_bytes} or more", promised=expected.content_length)
            if size_bytes > model.UPLOAD_BYTES_MAX:
                raise ENTITY_TOO_LARGE.error(allowed=model.UPLOAD_BYTES_MAX)
            if writer is not None:
                await writer.write(piece)
            elif size_bytes <= model.INLINE_BYTES_MAX:
                head += piece
            else:
                writer = await stack.enter_async_context(await blobs.begin(names))
                if head:
                    await writer.write(head)
                    head.clear()
                await writer.write(piece)
        if expected.content_length not in (UNKNOWN, size_bytes):
            raise INCOMPLETE_BODY.error(received=size_bytes, promised=expected.content_length)
        trailer = body.trailer if isinstance(body, UploadBody) else NOTHING_EXPECTED
        check_expected(trailer)
        if trailer.content_length not in (UNKNOWN, size_bytes):
            raise INCOMPLETE_BODY.error(received=size_bytes, promised=trailer.content_length)
        if writer is None:
            digester = Digester([*names, "crc64nvme"])
            digester.update(head)
            return _verified(size_bytes, digester.finish(), expected, trailer, inline=bytes(head))
        sealed = await writer.seal()
        try:
            new = _verified(size_bytes, sealed.digests, expected, trailer)
        except ServiceError:
            await blobs.delete((writer.blob_id,))
            raise
        return msgspec.structs.replace(new, seal=sealed.seal)


def check_expected(expected: ExpectedContent) -> None:
    """Raise `InvalidDigest` for a digest that cannot be one."""
    for name, value in expected.digests.items():
        if name not in _DIGEST_BYTES or len(value) != _DIGEST_BYTES[name]:
            raise INVALID_DIGEST.error(digest=_SHOWN.get(name, name), allowed=f"{_DIGEST_BYTES.get(name, 0)} bytes")


def _verified(
    size_bytes: int,
    found: Mapping[str, bytes],
    expected: ExpectedContent,
    trailer: ExpectedContent,
    inline: bytes = b"",
) -> NewBody:
    """Return the body, with the checksums that its sender gave and that held; raises `BadDigest`."""
    for said in (expected.digests, trailer.digests):
        for name, value in said.items():
            if name not in found:
                raise INVALID_DIGEST.error(digest=_SHOWN.get(name, name), allowed="announced before the body")
            if value != found[name]:
                raise BAD_DIGEST.error(digest=_SHOWN.get(name, name.upper()), calculated=found[name].hex())
    given = {*expected.digests, *trailer.digests} - {"md5", "crc64nvme"}
    return NewBody(
        size_bytes=size_bytes,
        md5=found["md5"],
        crc64nvme=int.from_bytes(found["crc64nvme"], "big"),
        checksums={name: found[name] for name in sorted(given)},
        inline=inline,
    )


def _at_commit(store: Store, stamped: Stamped) -> Stamped:
    """Stamp anew: the body may have taken hours, and an object is as old as its commit."""
    return msgspec.structs.replace(stamped, now_ms=store.clock.deadline_ms(), wall_ms=store.clock.wall_ms())


async def _commit(
    store: Store,
    ctx: CallContext,
    operation: str,
    stamped: Stamped,
    new: NewBody,
    function: Callable[[Any, Any], Any],
    request: Any,
    result_type: Any,
) -> Any:
    """Run the one transaction of an upload, and drop its blob unless the commit may have named it."""
    if stamped.request.request_id:
        said = msgspec.msgpack.encode(msgspec.structs.replace(stamped.request, expected=NOTHING_EXPECTED))
        request = Once(
            partition=stamped.partition,
            account=ctx.principal.account,
            operation=operation,
            request_id=stamped.request.request_id,
            identity=hashlib.sha256(said).digest() + new.md5,
            now_ms=stamped.now_ms,
            window_ms=DATA_WINDOW_MS,
            function=function,
            request=request,
            result_type=result_type,
        )
        function = run_once
    partitions = (stamped.partition, ROOT) if new.blob else (stamped.partition,)
    committing = asyncio.ensure_future(store.engine.transact(partitions, function, request))
    if not new.blob:
        return await committing
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
