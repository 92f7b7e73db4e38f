"""How copies and renames are resolved: two objects, each under the guard of its own bucket.

Owns the authorisation of a copy's source, which is decided here since its guard is not the target's. Promises that a
source which is not there is an answer for after the target's authorisation.
"""

from collections.abc import Mapping

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.operations import Check, Checks, Operation
from cumulo.identity.room import Resolved
from cumulo.object_store import (
    acl_access,
    acl_asked,
    bucket_model,
    configurations,
    copy_model,
    encryption_asked,
    naming,
    object_model,
)
from cumulo.object_store.checksums import check_algorithm
from cumulo.object_store.copies import Copy, check_source
from cumulo.object_store.errors import COPY_OF_MARKER, NO_SUCH_BUCKET, NO_SUCH_KEY, NO_SUCH_VERSION
from cumulo.object_store.keys import ObjectRecord
from cumulo.object_store.new_objects import check_description, refused_lock, refused_write
from cumulo.object_store.objects import find_object
from cumulo.object_store.operations import on_object
from cumulo.object_store.renames import Rename, check_names
from cumulo.object_store.resolving import Desk, Resolver, caught, guard_of
from cumulo.object_store.sealing import place_of
from cumulo.object_store.stamping import Stamped
from cumulo.object_store.versions import check_version_id
from cumulo.storage.idempotency import check_request_id


class Source(msgspec.Struct, frozen=True):
    """What a copy takes: a stamped GetObject, its record, or why there is none."""

    stamped: Stamped
    missing: ServiceError | None
    record: ObjectRecord | None = None


async def _copy(desk: Desk, ctx: CallContext, operation: Operation, request: copy_model.CopyObject) -> Resolved:
    found = await desk.bucket(request.bucket)
    check_description(request)
    check_algorithm(request.checksum)
    check_request_id(request.request_id)
    copied = await source_of(desk, ctx, request.source, tags=not request.replaces_tags)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    asked = await acl_asked.of_new_object(desk.engine, ctx, found.row, request)
    plan, unencryptable = encryption_asked.of_new_object(ctx, request, found)
    target = msgspec.structs.replace(desk.stamp(ctx, request, found, plan), acl=asked.acl)
    missing, record = unencryptable or refused_lock(desk, request, found) or copied.missing, copied.record
    takes_tags = record is not None and bool(record.tags) and not request.replaces_tags
    encrypts = (request.bucket, request.key) == (request.source.bucket, request.source.key) and (
        await desk.engine.read(
            (target.partition,), configurations.is_written, (target.partition, configurations.ENCRYPTION)
        )
    )
    copy = Copy(target, copied.stamped, takes_tags, encrypts)
    if missing is None and record is not None:
        missing = caught(lambda: check_source(record, copy))
    there, refused = await refused_write(desk, target)
    missing = missing or asked.refused or refused
    also = (Check("s3:PutObjectTagging", object_model.object_arn(request.bucket, request.key)),) if takes_tags else ()
    return desk.resolved(
        ctx, operation, request, found, copy, also=also, missing=missing, record=there, makes_object=True
    )


async def _rename(desk: Desk, ctx: CallContext, operation: Operation, request: copy_model.RenameObject) -> Resolved:
    found = await desk.bucket(request.bucket)
    naming.check_key(request.key)
    naming.check_key(request.source_key)
    check_names(request)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    assert operation.checks is not None
    stamped = desk.stamp(ctx, request, found)
    source = object_model.GetObject(bucket=request.bucket, key=request.source_key)
    old = desk.stamp(ctx, source, found)
    record: ObjectRecord | None = await desk.engine.read((stamped.partition,), find_object, old)
    if record is None:
        also: Checks = (
            Check("s3:ListBucket", bucket_model.bucket_arn(request.bucket), {"s3:prefix": request.source_key}),
        )
        missing = NO_SUCH_KEY.error(key=naming.shown(request.source_key))
        return desk.resolved(ctx, operation, request, found, Rename(stamped), also=also, missing=missing)
    encryption = desk.seals.rebound(record.encryption, place_of(old), place_of(stamped))
    rename = Rename(stamped, record.encryption, encryption)
    resolved = desk.resolved(ctx, operation, request, found, rename, grows=False)
    there = await desk.condition_record(resolved.checks, found, request)
    arn = object_model.object_arn(request.bucket, request.source_key)
    checks = tuple(
        one
        for check in operation.checks(request)
        for one in acl_access.with_stored(
            (check,), ctx.principal.account, found.row, record if check.resource == arn else there
        )
    )
    return msgspec.structs.replace(resolved, checks=checks)


async def source_of(desk: Desk, ctx: CallContext, source: copy_model.CopySource, *, tags: bool) -> Source:
    """Find and authorise what a copy takes; `tags` says that it takes the tags, too.

    The source has a guard of its own, so it is decided here; that it does not exist is for after the target's.
    """
    found = await desk.bucket(source.bucket)
    naming.check_key(source.key)
    check_version_id(source.version_id)
    if found is None:
        return Source(Stamped(request=None), NO_SUCH_BUCKET.error(bucket=source.bucket))
    request = object_model.GetObject(
        bucket=source.bucket,
        key=source.key,
        range=source.range,
        customer=source.customer,
        version_id=source.version_id,
    )
    checks: Checks = on_object("s3:GetObject")(request)
    stamped = desk.stamp(ctx, request, found)
    record: ObjectRecord | None = await desk.engine.read((stamped.partition,), find_object, stamped)
    missing = None
    if record is None:
        checks += (Check("s3:ListBucket", bucket_model.bucket_arn(source.bucket), {"s3:prefix": source.key}),)
        missing = (NO_SUCH_VERSION if source.version_id else NO_SUCH_KEY).error(
            key=naming.shown(source.key), version_id=source.version_id
        )
    elif record.is_delete_marker:
        record, missing = None, COPY_OF_MARKER.error()
    elif tags and record.tags:
        checks += on_object("s3:GetObjectTagging")(request)
    checks = acl_access.with_stored(checks, ctx.principal.account, found.row, record)
    desk.authorizer.authorize(ctx, checks, guard_of(ctx, found))
    if record is not None:
        missing = encryption_asked.refused_reader(ctx, record.encryption, source.customer)
    return Source(stamped, missing, record)


RESOLVERS: Mapping[str, Resolver] = {
    "CopyObject": _copy,
    "RenameObject": _rename,
}
