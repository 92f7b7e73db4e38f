"""How calls about multipart uploads are resolved, from their making to their end.

Owns the opening of upload ids and what a part must have of its upload: its encryption and its checksum. Promises that
an upload which is not there is an answer for after the authorisation, or the transaction's, where a repeated call may
be about one that ended since. Stores nothing.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.operations import Operation
from cumulo.identity.room import Resolved
from cumulo.object_store import (
    acl_asked,
    body_model,
    encryption_asked,
    locks,
    naming,
    object_model,
    page_tokens,
    upload_model,
)
from cumulo.object_store.buckets import Found
from cumulo.object_store.checksums import OWN, check_part
from cumulo.object_store.copies import Copy, check_part_source
from cumulo.object_store.enclosures import enclose
from cumulo.object_store.encryption import check_customer_key, check_part_key
from cumulo.object_store.errors import INVALID_UPLOAD_ID_MARKER, NO_SUCH_BUCKET, REFUSED_ARGUMENT
from cumulo.object_store.keys import UploadRecord
from cumulo.object_store.listing import ListStep
from cumulo.object_store.multipart import find_upload, uploads_position
from cumulo.object_store.new_objects import check_description, lacks_digest, refused_lock
from cumulo.object_store.resolve_copies import source_of
from cumulo.object_store.resolving import Desk, Resolver, caught
from cumulo.object_store.sealing import place_of
from cumulo.object_store.stamping import Stamped
from cumulo.object_store.uploads import PartUpload
from cumulo.storage.idempotency import check_request_id


async def _create_upload(
    desk: Desk, ctx: CallContext, operation: Operation, request: upload_model.CreateMultipartUpload
) -> Resolved:
    found = await desk.bucket(request.bucket)
    check_description(request)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    asked = await acl_asked.of_new_object(desk.engine, ctx, found.row, request)
    plan, unencryptable = encryption_asked.of_new_object(ctx, request, found)
    stamped = msgspec.structs.replace(desk.stamp(ctx, encryption_asked.keyless(request), found), acl=asked.acl)
    refused = asked.refused or unencryptable or refused_lock(desk, request, found)
    resolved = desk.resolved(ctx, operation, request, found, stamped, missing=refused, makes_object=True)
    if plan is None or refused is not None:
        return resolved
    desk.authorizer.authorize(ctx, resolved.checks, resolved.guard)  # before anybody is asked for a key
    sealing = await desk.seals.begin(ctx, plan, place_of(stamped))
    stamped = msgspec.structs.replace(stamped, encryption=sealing.encryption)
    return msgspec.structs.replace(resolved, request=stamped)


async def _upload_part(
    desk: Desk, ctx: CallContext, operation: Operation, request: upload_model.UploadPart
) -> Resolved:
    found = await desk.bucket(request.bucket)
    naming.check_key(request.key)
    naming.check_part_number(request.part_number)
    check_request_id(request.request_id)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    upload, missing = await _open_upload(desk, desk.stamp(ctx, request, found))
    request, missing = _encrypted_part(ctx, upload, found, missing)
    if missing is None and upload.record is not None:
        record = upload.record
        given = {*request.expected.digests, *request.expected.announced} - {body_model.CONTENT_MD5}
        missing = caught(lambda: check_part(record, given))
        if missing is None and record.lock is not None and lacks_digest(request):
            missing = locks.refused_unverified("Put Part")
    return desk.resolved(ctx, operation, request, found, upload, missing=missing)


async def _copy_part(
    desk: Desk, ctx: CallContext, operation: Operation, request: upload_model.UploadPartCopy
) -> Resolved:
    found = await desk.bucket(request.bucket)
    naming.check_key(request.key)
    naming.check_part_number(request.part_number)
    check_request_id(request.request_id)
    copied = await source_of(desk, ctx, request.source, tags=False)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    upload, missing = await _open_upload(desk, desk.stamp(ctx, request, found))
    request, missing = _encrypted_part(ctx, upload, found, missing)
    record = copied.record
    if missing is None:
        missing = copied.missing
    if missing is None and record is not None:
        missing = caught(lambda: check_part_source(record, request.source, upload.stamped.wall_ms))
    copy = Copy(upload.stamped, copied.stamped, upload=upload)
    return desk.resolved(ctx, operation, request, found, copy, missing=missing)


async def _open_upload(desk: Desk, stamped: Stamped) -> tuple[PartUpload, ServiceError | None]:
    """Return the upload of a part, and why there is none.

    With a request id the part may be a repeated one, of an upload that ended since: the transaction decides.
    """
    missing = record = None
    try:
        upload = page_tokens.open_upload_id(desk.sealer, stamped.partition, stamped.request.upload_id)
        stamped = msgspec.structs.replace(stamped, upload=upload)
        record = await desk.engine.read((stamped.partition,), find_upload, stamped)
    except ServiceError as error:
        may_be_a_repeat = bool(stamped.upload and stamped.request.request_id)
        missing = None if may_be_a_repeat else error
    return PartUpload(stamped, record), missing


def _encrypted_part(
    ctx: CallContext, upload: PartUpload, found: Found, missing: ServiceError | None
) -> tuple[Any, ServiceError | None]:
    """Return the request of a part as its policy is to see it, encrypted as its upload is; and why it must not
    be stored.
    """
    request: upload_model.UploadPart | upload_model.UploadPartCopy = upload.stamped.request
    if upload.record is None:
        return request, missing
    encryption, customer = upload.record.encryption, encryption_asked.customer_of(request)
    if missing is None:
        arn = object_model.object_arn(request.bucket, request.key)
        missing = caught(lambda: check_customer_key(ctx, customer, arn, found.row.encryption))
    if missing is None:
        missing = caught(lambda: check_part_key(encryption, customer))
    return encryption_asked.as_encrypted(request, encryption), missing


async def _upload(desk: Desk, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
    """Resolve the end of an upload."""
    found = await desk.bucket(request.bucket)
    naming.check_key(request.key)
    if isinstance(request, upload_model.CompleteMultipartUpload):
        _check_completed_parts(request.parts)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    stamped, missing = _with_upload(desk, desk.stamp(ctx, request, found))
    if isinstance(request, upload_model.CompleteMultipartUpload) and missing is None:
        request, missing = await _encrypted_completion(desk, stamped)
        stamped = msgspec.structs.replace(stamped, request=encryption_asked.keyless(stamped.request))
    grows = not isinstance(request, upload_model.AbortMultipartUpload)
    enclosed = None
    if isinstance(request, upload_model.CompleteMultipartUpload):
        enclosed = await enclose(desk.sender, desk.engine, ctx, request.messages)
    if enclosed is None:
        granted = not grows and await _began(desk, ctx, found, stamped)
        return desk.resolved(ctx, operation, request, found, stamped, missing=missing, grows=grows, granted=granted)
    stamped = msgspec.structs.replace(stamped, enclosed=enclosed)
    resolved = desk.resolved(ctx, operation, request, found, stamped, missing=missing, grows=grows)
    return msgspec.structs.replace(resolved, partitions=(*resolved.partitions, *enclosed.partitions))


def _check_completed_parts(parts: tuple[upload_model.CompletedPart, ...]) -> None:
    if len(parts) > upload_model.PARTS_MAX:
        raise naming.out_of_range("parts", f"of {len(parts)} parts", f"at most {upload_model.PARTS_MAX} parts")
    for part in parts:
        if part.part_number < 1:  # of a document S3 says it in other words than of a query
            raise REFUSED_ARGUMENT.error(
                reason="PartNumber must be >= 1", parameter="PartNumber", value=part.part_number
            )
        naming.check_part_number(part.part_number)


async def _encrypted_completion(desk: Desk, stamped: Stamped) -> tuple[Any, ServiceError | None]:
    """Return a completion as a policy is to see it, and why it must not be done: the customer's key that it brings
    is not the upload's, or it brings none although the upload asked for a checksum (API reference).
    """
    request: upload_model.CompleteMultipartUpload = stamped.request
    customer = encryption_asked.customer_of(request)
    try:
        record: UploadRecord = await desk.engine.read((stamped.partition,), find_upload, stamped)
    except ServiceError:
        return request, None  # it may be completed already: the transaction knows
    needs_key = customer is not None or request.needs_key or record.checksum not in ("", OWN)
    refused = caught(lambda: check_part_key(record.encryption, customer)) if needs_key else None
    return encryption_asked.as_encrypted(request, record.encryption), refused


async def _began(desk: Desk, ctx: CallContext, found: Found, stamped: Stamped) -> bool:
    """Say whether a caller from elsewhere began an upload himself: then he may list its parts and abort it."""
    if ctx.principal.account == found.row.account or not stamped.upload:
        return False
    try:
        record: UploadRecord = await desk.engine.read((stamped.partition,), find_upload, stamped)
    except ServiceError:
        return False
    return record.initiator == ctx.principal.arn


def _with_upload(desk: Desk, stamped: Stamped) -> tuple[Stamped, ServiceError | None]:
    try:
        upload = page_tokens.open_upload_id(desk.sealer, stamped.partition, stamped.request.upload_id)
    except ServiceError as error:
        return stamped, error
    return msgspec.structs.replace(stamped, upload=upload), None


async def _list_parts(desk: Desk, ctx: CallContext, operation: Operation, request: upload_model.ListParts) -> Resolved:
    found = await desk.bucket(request.bucket)
    naming.check_key(request.key)
    limit = naming.check_page_size(request.page_size) + 1
    if not 0 <= request.part_number_marker <= upload_model.MARKER_MAX:
        raise naming.out_of_range(
            "part-number-marker", request.part_number_marker, f"an integer between 0 and {upload_model.MARKER_MAX}"
        )
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    stamped, missing = _with_upload(desk, desk.stamp(ctx, request, found))
    after = request.part_number_marker.to_bytes(4, "big")
    if missing is None and request.page_token:
        listing = page_tokens.parts_listing(stamped.partition, stamped.upload)
        try:
            after = page_tokens.open_page(desk.sealer, listing, request.page_token)
        except ServiceError as error:
            missing = error
    stamped = msgspec.structs.replace(stamped, after=after, limit=limit)
    granted = await _began(desk, ctx, found, stamped)
    return desk.resolved(ctx, operation, request, found, stamped, missing=missing, granted=granted)


async def _list_uploads(
    desk: Desk, ctx: CallContext, operation: Operation, request: upload_model.ListMultipartUploads
) -> Resolved:
    found = await desk.bucket(request.bucket)
    limit = naming.check_page_size(request.page_size)
    for parameter, text in (
        ("prefix", request.prefix),
        ("delimiter", request.delimiter),
        ("key-marker", request.key_marker),
    ):
        naming.check_text(parameter, text, object_model.KEY_BYTES_MAX)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    partition = found.row.partition
    missing = None
    position = b""
    try:
        if request.page_token:
            listing = page_tokens.uploads_listing(partition, request.prefix, request.delimiter)
            position = page_tokens.open_page(desk.sealer, listing, request.page_token)
        else:
            position = _uploads_position(desk, partition, request)
    except ServiceError as error:
        missing = error
    step = ListStep(
        partition=partition,
        bucket=request.bucket,
        prefix=request.prefix,
        delimiter=request.delimiter,
        position=position,
        limit=limit,
    )
    return desk.resolved(ctx, operation, request, found, step, missing=missing)


def _uploads_position(desk: Desk, partition: bytes, request: upload_model.ListMultipartUploads) -> bytes:
    """Return where a listing of uploads begins: S3 heeds an upload's marker only beside that of its key."""
    upload = None
    if request.key_marker and request.upload_id_marker:
        try:
            upload = page_tokens.open_upload_id(desk.sealer, partition, request.upload_id_marker)
        except ServiceError as error:
            raise INVALID_UPLOAD_ID_MARKER.error() from error
    return uploads_position(request.prefix, request.delimiter, request.key_marker, upload)


RESOLVERS: Mapping[str, Resolver] = {
    "CreateMultipartUpload": _create_upload,
    "UploadPart": _upload_part,
    "UploadPartCopy": _copy_part,
    "CompleteMultipartUpload": _upload,
    "AbortMultipartUpload": _upload,
    "ListParts": _list_parts,
    "ListMultipartUploads": _list_uploads,
}
