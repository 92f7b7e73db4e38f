"""Copies inside the server: an object, or a range of one as a part, read verified and stored as if it were sent.

Promises: bounded memory, whatever the size; the copy is of one version of its source; nothing becomes visible before
all of it is durable. The bytes are written anew: a copy shares no file with its source. Who may read the source is the
resolver's to say. Source of the rules: S3 API reference, CopyObject and UploadPartCopy.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.operations import Result
from cumulo.identity.room import Resolved
from cumulo.object_store import body_model, copy_model, downloads, object_model, upload_model, uploads
from cumulo.object_store.conditions import check_copy
from cumulo.object_store.downloads import Opened, open_for_reading
from cumulo.object_store.errors import COPY_RANGE_BEHIND_END, INVALID_COPY_RANGE, INVALID_REQUEST
from cumulo.object_store.event_documents import CREATED_COPY
from cumulo.object_store.keys import ObjectRecord
from cumulo.object_store.objects import Description, description_of
from cumulo.object_store.stamping import Stamped
from cumulo.object_store.uploads import (
    PartUpload,
    begin_sealing,
    open_upload_sealing,
    receive,
    store_object,
    store_part,
)


class Store(downloads.Store, uploads.Store, Protocol):
    """What a copy needs of the service."""


class Copy(msgspec.Struct, frozen=True):
    """A copy to make: `target` is a stamped CopyObject or UploadPartCopy, the latter with its `upload`, `source` a
    stamped GetObject, to be held to the copy's conditions. `takes_tags` says that the caller may have the source's
    tags, `encrypts` that the bucket, onto whose own object the copy goes, was given an encryption of its own.
    """

    target: Stamped
    source: Stamped
    takes_tags: bool = False
    encrypts: bool = False
    upload: PartUpload | None = None


async def copy_object(
    store: Store, ctx: CallContext, resolved: Resolved, body: AsyncIterator[memoryview] | None
) -> Result:
    """Copy an object."""
    del body
    copy: Copy = resolved.request
    request: copy_model.CopyObject = copy.target.request
    sealing = await begin_sealing(store, ctx, copy.target)
    opened = await open_for_reading(store, ctx, copy.source)
    async with contextlib.aclosing(opened.body):
        check_source(opened.record, copy)
        name = request.checksum or next(iter(opened.record.checksums), "")
        new = await receive(store.blobs, opened.body, _whole(opened), keeps=name, sealing=sealing)
    description = _description(request, opened.record, takes_tags=copy.takes_tags)
    copied = await store_object(store, ctx, copy.target, new, description, CREATED_COPY)
    version_id = copied.version_id or (object_model.NULL_VERSION if copy.target.is_versioned else "")
    return Result(msgspec.structs.replace(copied, version_id=version_id, source_version_id=opened.record.version_id))


async def copy_part(
    store: Store, ctx: CallContext, resolved: Resolved, body: AsyncIterator[memoryview] | None
) -> Result:
    """Store an object, or a range of one, as a part of an upload."""
    del body
    copy: Copy = resolved.request
    request: upload_model.UploadPartCopy = copy.target.request
    upload = copy.upload or PartUpload(copy.target)
    sealing = await open_upload_sealing(store, ctx, upload)
    opened = await open_for_reading(store, ctx, copy.source)
    async with contextlib.aclosing(opened.body):
        check_part_source(opened.record, request.source, copy.target.wall_ms)
        new = await receive(store.blobs, opened.body, _whole(opened), keeps=upload.checksum, sealing=sealing)
    part = await store_part(store, ctx, upload, new)
    version_id = opened.record.version_id
    return Result(msgspec.structs.replace(part, source_version_id=version_id, algorithm=upload.checksum))


def check_source(record: ObjectRecord, copy: Copy) -> None:
    """Raise `PreconditionFailed`, or `InvalidRequest` for what S3 does not copy in one go or would copy onto itself for
    nothing.
    """
    request: copy_model.CopyObject = copy.target.request
    check_copy(record, request.source.conditions, copy.target.wall_ms)
    if record.size_bytes > copy_model.COPY_BYTES_MAX:
        raise INVALID_REQUEST.error(
            reason="The specified copy source is larger than the maximum allowable size for a copy source: "
            f"{copy_model.COPY_BYTES_MAX}"
        )
    # An older version that is copied onto its own key becomes the current one.
    same = (request.bucket, request.key, "") == (request.source.bucket, request.source.key, request.source.version_id)
    if same and not _changes(record, copy):
        raise INVALID_REQUEST.error(
            reason="This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes."
        )


def _changes(record: ObjectRecord, copy: Copy) -> bool:
    """Say whether a copy onto itself is one that S3 makes.

    What it names counts, if it is as before, too; what it does not name does not: an object of another storage class
    than the default would not become one of that. Only an encryption is compared.
    """
    request: copy_model.CopyObject = copy.target.request
    named = request.storage_class or request.encryption is not None or object_model.WEBSITE_REDIRECT in request.headers
    if named or request.replaces_metadata or copy.encrypts:
        return True
    before = None if record.encryption is None else record.encryption.algorithm
    return before != (None if copy.target.plan is None else copy.target.plan.algorithm)


def check_part_source(record: ObjectRecord, source: copy_model.CopySource, wall_ms: int) -> None:
    """Raise `PreconditionFailed`, `InvalidArgument` or `InvalidRequest` for a source that is not as asked for, lacks
    the range, or is more than a part can be.
    """
    check_copy(record, source.conditions, wall_ms)
    size_bytes, asked = record.size_bytes, source.range
    if asked is None:
        count = size_bytes
    else:
        if asked.last is None or not 0 <= asked.first <= asked.last < size_bytes:
            if 0 < size_bytes <= asked.first:
                raise COPY_RANGE_BEHIND_END.error(size=size_bytes)
            value = f"bytes={asked.first}-{'' if asked.last is None else asked.last}"
            raise INVALID_COPY_RANGE.error(size=size_bytes, parameter="x-amz-copy-source-range", value=value)
        count = asked.last + 1 - asked.first
    if count > body_model.UPLOAD_BYTES_MAX:
        raise INVALID_REQUEST.error(
            reason="The specified copy source is larger than the maximum allowable size for a copy source: "
            f"{body_model.UPLOAD_BYTES_MAX}"
        )


def _whole(opened: Opened) -> body_model.ExpectedContent:
    return body_model.ExpectedContent(content_length=opened.download.content_length)


def _description(request: copy_model.CopyObject, record: ObjectRecord, *, takes_tags: bool) -> Description:
    description = description_of(request)
    tags: Mapping[str, str] = request.tags
    if not request.replaces_tags:
        tags = record.tags if takes_tags else {}
    if request.replaces_metadata:
        return msgspec.structs.replace(description, tags=tags)
    headers = {name: value for name, value in record.headers.items() if name != object_model.WEBSITE_REDIRECT}
    if object_model.WEBSITE_REDIRECT in request.headers:
        headers[object_model.WEBSITE_REDIRECT] = request.headers[object_model.WEBSITE_REDIRECT]
    return Description(
        content_type=record.content_type,
        metadata=record.metadata,
        headers=headers,
        storage_class=description.storage_class,
        tags=tags,
    )
