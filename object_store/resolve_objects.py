"""How calls about single objects are resolved: puts, reads, deletes, and what is kept beside the bytes.

Owns what a caller may see or bypass of an object's lock. Promises that who may not list learns nothing of whether an
object is there. Copies, listings and multipart uploads lie beside it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.operations import Check, Checks, Operation
from cumulo.identity.room import Resolved
from cumulo.object_store import (
    acl,
    acl_access,
    acl_asked,
    acl_model,
    body_model,
    bucket_model,
    encryption_asked,
    encryption_model,
    lock_model,
    locks,
    naming,
    object_model,
    tagging_model,
)
from cumulo.object_store.appends import check_offset
from cumulo.object_store.buckets import Found
from cumulo.object_store.downloads import Reading
from cumulo.object_store.enclosures import enclose
from cumulo.object_store.errors import INVALID_REQUEST, NO_SUCH_BUCKET, NO_SUCH_KEY, NO_SUCH_VERSION
from cumulo.object_store.keys import ObjectRecord
from cumulo.object_store.new_objects import check_description, refused_lock, refused_write
from cumulo.object_store.objects import Contents, current_object, find_object, open_object, sought
from cumulo.object_store.operations import bypass_checks, on_object
from cumulo.object_store.quotas import beyond_quota
from cumulo.object_store.ranges import check_asked
from cumulo.object_store.resolving import Desk, Resolver, caught
from cumulo.object_store.restores import check_restore
from cumulo.object_store.stamping import Stamped
from cumulo.object_store.versions import check_unversioned, check_version_id
from cumulo.storage.idempotency import check_request_id

_NOT_THERE = (NO_SUCH_KEY, NO_SUCH_VERSION, NO_SUCH_BUCKET)


async def _put(desk: Desk, ctx: CallContext, operation: Operation, request: object_model.PutObject) -> Resolved:
    found = await desk.bucket(request.bucket)
    check_description(request)
    check_request_id(request.request_id)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    if request.write_offset != body_model.UNKNOWN and request.messages:
        raise INVALID_REQUEST.error(reason="An append carries no messages.")
    # Refused now rather than after 5 GiB; they are made ready again for the commit.
    await enclose(desk.sender, desk.engine, ctx, request.messages)
    asked = await acl_asked.of_new_object(desk.engine, ctx, found.row, request)
    plan, unencryptable = encryption_asked.of_new_object(ctx, request, found)
    stamped = msgspec.structs.replace(desk.stamp(ctx, request, found, plan), acl=asked.acl)
    there, refused = await refused_write(desk, stamped)
    refused = asked.refused or unencryptable or refused_lock(desk, request, found) or refused
    if refused is None and request.write_offset != body_model.UNKNOWN and not request.request_id:
        there = await desk.engine.read((found.row.partition,), current_object, stamped)
        refused = caught(lambda: check_offset(there, request.write_offset))
    if refused is None and request.write_offset != body_model.UNKNOWN:
        refused = caught(lambda: check_unversioned(is_versioned=found.row.is_versioned))
    if refused is None and found.row.has_quota and request.expected.content_length > 0 and not request.request_id:
        refused = await desk.engine.read((found.row.partition,), beyond_quota, stamped)
    return desk.resolved(ctx, operation, request, found, stamped, missing=refused, record=there, makes_object=True)


async def _get(desk: Desk, ctx: CallContext, operation: Operation, request: object_model.GetObject) -> Resolved:
    """Resolve a download with all that its answer needs of the engine: one snapshot, where two would cost more."""
    check_asked(request.range, request.part_number)
    found = await desk.bucket(request.bucket)
    naming.check_key(request.key)
    check_version_id(request.version_id)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    stamped = desk.stamp(ctx, request, found)
    try:
        contents: Contents = await desk.engine.read((found.row.partition,), open_object, stamped)
    except ServiceError as error:
        if error.row in _NOT_THERE:
            return _without_object(desk, ctx, operation, request, found, stamped, error)
        # Whose object it is, an unmet condition does not change.
        record = await desk.engine.read((found.row.partition,), find_object, stamped)
        return desk.resolved(ctx, operation, request, found, stamped, missing=error, record=record)
    record = contents.record
    if record.lock is not None:
        stamped = _showing_lock(desk, ctx, stamped, found, record)
        shown = locks.shown_lock(
            record.lock, stamped.wall_ms, retention=stamped.shows_retention, hold=stamped.shows_hold
        )
        contents = msgspec.structs.replace(contents, lock=shown)
    reading = Reading(stamped, contents)
    refused = caught(lambda: contents.asked(request)) if request.part_number else None
    refused = refused or encryption_asked.refused_reader(ctx, record.encryption, request.customer)
    return desk.resolved(ctx, operation, request, found, reading, missing=refused, record=record)


async def _read(desk: Desk, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
    if not isinstance(request, object_model.GetObjectAttributes):
        check_asked(request.range, request.part_number)
    return await _existing_object(desk, ctx, operation, request)


async def _existing_object(desk: Desk, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
    """Resolve a request about an object that must be there."""
    found = await desk.bucket(request.bucket)
    naming.check_key(request.key)
    check_version_id(request.version_id)
    limit = 0
    match request:
        case tagging_model.SetObjectTagging():
            naming.check_tags(request.tags, "Object", tagging_model.OBJECT_TAGS_MAX)
        case object_model.RestoreObject():
            check_restore(request)
        case object_model.GetObjectAttributes():
            limit = naming.check_page_size(request.page_size)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    customer: encryption_model.CustomerKey | None = getattr(request, "customer", None)
    stamped = desk.stamp(ctx, request if customer is None else encryption_asked.keyless(request), found)
    if limit:
        stamped = msgspec.structs.replace(stamped, limit=limit)
    there: ObjectRecord | ServiceError = await desk.engine.read((found.row.partition,), sought, stamped)
    if isinstance(there, ServiceError):
        if there.row in _NOT_THERE:
            return _without_object(desk, ctx, operation, request, found, stamped, there)
        return desk.resolved(ctx, operation, request, found, stamped, missing=there)
    record = there
    missing = None if customer is None else encryption_asked.refused_reader(ctx, record.encryption, customer)
    if isinstance(request, acl_model.GetObjectAcl | acl_model.SetObjectAcl):
        stamped, missing = await _with_acl(desk, ctx, stamped, found, record)
    elif isinstance(request, object_model.HeadObject):
        stamped = _showing_lock(desk, ctx, stamped, found, record)
    elif isinstance(request, lock_model.SetObjectRetention) and request.bypasses_governance:
        stamped = _bypassing(desk, ctx, stamped, found, record)
    return desk.resolved(ctx, operation, request, found, stamped, missing=missing, record=record)


async def _with_acl(
    desk: Desk, ctx: CallContext, stamped: Stamped, found: Found, record: ObjectRecord
) -> tuple[Stamped, ServiceError | None]:
    """Return what a request about an object's list must be told, and why it cannot be done."""
    row, request = found.row, stamped.request
    if not row.object_ownership:
        stamped = msgspec.structs.replace(stamped, acl=acl_model.Acl(*acl.read(None, row.account)))
    if isinstance(request, acl_model.GetObjectAcl):
        return stamped, None
    owner = acl.read(record.acl if row.object_ownership else None, row.account)[0]
    arn = object_model.object_arn(request.bucket, request.key)
    asked = await acl_asked.of_replaced(desk.engine, ctx, row, request, owner, arn=arn)
    return msgspec.structs.replace(stamped, grants=asked.grants), asked.refused


def _without_object(
    desk: Desk,
    ctx: CallContext,
    operation: Operation,
    request: Any,
    found: Found,
    stamped: Stamped,
    error: ServiceError,
) -> Resolved:
    """Resolve a request about an object that is not there: 404 is for those who may list what begins with its key,
    and so can see as much; others learn no more than that they may not.
    """
    checks: Checks = (Check("s3:ListBucket", bucket_model.bucket_arn(request.bucket), {"s3:prefix": request.key}),)
    checks = acl_access.with_stored(checks, ctx.principal.account, found.row, None)
    resolved = desk.resolved(ctx, operation, request, found, stamped, missing=error)
    return msgspec.structs.replace(resolved, checks=checks)


async def _object_lock(desk: Desk, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
    """Resolve a request about an object's lock."""
    match request:
        case lock_model.SetObjectRetention():
            locks.check_retention(request.lock, desk.clock.wall_ms())
        case lock_model.SetObjectLegalHold(hold=hold):
            locks.check_legal_hold(hold)
    resolved = await _existing_object(desk, ctx, operation, request)
    found = await desk.find(request.bucket)
    refused = locks.refused_change(locks_objects=found is not None and found.row.locks_objects)
    return resolved if refused is None else msgspec.structs.replace(resolved, missing=refused)


def _showing_lock(desk: Desk, ctx: CallContext, stamped: Stamped, found: Found, record: ObjectRecord) -> Stamped:
    """Return a stamped request that says what its caller may know of an object's lock."""
    if record.lock is None:
        return stamped
    may_see = [
        desk.may(ctx, found, on_object(action)(stamped.request), record)
        for action in ("s3:GetObjectRetention", "s3:GetObjectLegalHold")
    ]
    return msgspec.structs.replace(stamped, shows_retention=may_see[0], shows_hold=may_see[1])


async def _delete(desk: Desk, ctx: CallContext, operation: Operation, request: object_model.DeleteObject) -> Resolved:
    found = await desk.bucket(request.bucket)
    naming.check_key(request.key)
    check_version_id(request.version_id)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    assert operation.checks is not None
    record = await desk.condition_record(operation.checks(request), found, request)
    stamped, refused = desk.stamp(ctx, request, found), None
    if request.bypasses_governance:
        refused = locks.refused_bypass(locks_objects=found.row.locks_objects)
        stamped = _bypassing(desk, ctx, stamped, found, record)
    return desk.resolved(ctx, operation, request, found, stamped, missing=refused, record=record, grows=False)


def _bypassing(desk: Desk, ctx: CallContext, stamped: Stamped, found: Found, record: ObjectRecord | None) -> Stamped:
    """Return a stamped request that bypasses governance mode only where its caller may do that."""
    allowed = desk.may(ctx, found, bypass_checks(stamped.request), record)
    request = msgspec.structs.replace(stamped.request, bypasses_governance=allowed)
    return msgspec.structs.replace(stamped, request=request)


def bypassing_entry(
    desk: Desk, ctx: CallContext, bucket: str, entry: object_model.DeleteEntry, found: Found
) -> object_model.DeleteEntry:
    """Return an entry of a batch delete that bypasses governance mode only where its caller may do that."""
    if not entry.bypasses_governance:
        return entry
    asked = object_model.DeleteObject(bucket=bucket, key=entry.key, version_id=entry.version_id)
    allowed = desk.may(ctx, found, bypass_checks(asked), None)
    return msgspec.structs.replace(entry, bypasses_governance=allowed)


RESOLVERS: Mapping[str, Resolver] = {
    "PutObject": _put,
    "GetObject": _get,
    "HeadObject": _read,
    "GetObjectAttributes": _read,
    "GetObjectTagging": _existing_object,
    "RestoreObject": _existing_object,
    "SetObjectTagging": _existing_object,
    "DeleteObjectTagging": _existing_object,
    "GetObjectAcl": _existing_object,
    "SetObjectAcl": _existing_object,
    "GetObjectRetention": _object_lock,
    "SetObjectRetention": _object_lock,
    "GetObjectLegalHold": _object_lock,
    "SetObjectLegalHold": _object_lock,
    "DeleteObject": _delete,
}
