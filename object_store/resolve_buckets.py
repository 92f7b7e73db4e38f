"""How calls about buckets are resolved: their making and deletion, their policies and their access control lists.

Owns the region and the first configurations of a new bucket. Changes nothing, except that a new bucket's partition is
taken here, and that uploads are ended before their bucket is deleted: there may be more of them than a transaction
ends. Knows no other configuration than those that a bucket is made with.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.names import is_region
from cumulo.core.operations import Operation
from cumulo.identity import resource_policy
from cumulo.identity.authorizer import Guard
from cumulo.identity.policy import DocumentKind, MalformedPolicy, NotJson
from cumulo.identity.room import Resolved
from cumulo.object_store import (
    acl_asked,
    acl_model,
    bucket_model,
    configuration_model,
    configurations,
    lock_model,
    naming,
    object_model,
    page_tokens,
    tagging_model,
)
from cumulo.object_store.bucket_policies import PolicyChange
from cumulo.object_store.buckets import Creation, allocate_partition
from cumulo.object_store.errors import (
    ILLEGAL_LOCATION_CONSTRAINT,
    INVALID_LOCATION_CONSTRAINT,
    MALFORMED_POLICY,
    NO_SUCH_BUCKET,
)
from cumulo.object_store.keys import BucketRow
from cumulo.object_store.multipart import end_uploads
from cumulo.object_store.resolving import Desk, Resolver, in_bucket
from cumulo.object_store.stamping import Stamped
from cumulo.storage.engine import ROOT

FIRST_REGION = "us-east-1"
"""The one without a location constraint, and where one's own bucket may be made again."""
_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}")
"""What a location constraint of the first region names: S3 takes no others than AWS's own."""
_EU: Final = "EU"
_EU_REGION: Final = "eu-west-1"
"""S3's first region beyond the first one had another name at first, which it keeps."""


async def _create_bucket(
    desk: Desk, ctx: CallContext, operation: Operation, request: bucket_model.CreateBucket
) -> Resolved:
    naming.check_bucket_name(request.bucket)
    is_s3 = request.location_constraint is not None
    region = _constrained(ctx.region, request.location_constraint or "") if is_s3 else request.region or ctx.region
    if not is_region(region):
        raise INVALID_LOCATION_CONSTRAINT.error(region=naming.shown(region))
    if request.object_ownership:
        configurations.check_ownership(request.object_ownership)
    row = _first_row(desk, ctx.principal.account, request)
    asked = await acl_asked.of_new_bucket(desk.engine, ctx, request, row)
    assert operation.checks is not None
    checks, guard = operation.checks(request), Guard(ctx.principal.account)
    desk.authorizer.authorize(ctx, checks, guard)  # before a partition is spent on it
    if asked.refused is not None:
        raise asked.refused
    partition: bytes = await desk.engine.transact((ROOT,), allocate_partition, None)
    creation = Creation(
        request.bucket,
        ctx.principal.account,
        region,
        partition,
        desk.clock.wall_ms(),
        configurations=_first_configurations(request, desk.defaults),
        row=msgspec.structs.replace(row, acl=asked.acl),
        may_exist=is_s3 and region == FIRST_REGION and not request.tags,
        keeps_list=request.keeps_list,
    )
    return Resolved(creation, (ROOT, partition), checks, guard)


def _constrained(region: str, constraint: str) -> str:
    """Return the region of a bucket that S3's endpoint of `region` is asked to make.

    Raises `InvalidLocationConstraint`, `IllegalLocationConstraintException`.
    """
    if region == FIRST_REGION:
        if constraint == FIRST_REGION or (constraint and constraint != _EU and not _REGION.fullmatch(constraint)):
            raise INVALID_LOCATION_CONSTRAINT.error(region=naming.shown(constraint))
        return _EU_REGION if constraint == _EU else constraint or FIRST_REGION
    if constraint != region and (constraint, region) != (_EU, _EU_REGION):
        raise ILLEGAL_LOCATION_CONSTRAINT.error(region=naming.shown(constraint or "unspecified"))
    return region


def _first_row(desk: Desk, account: str, request: bucket_model.CreateBucket) -> BucketRow:
    """Return what access needs to know of a new bucket."""
    ownership = request.object_ownership or desk.defaults.object_ownership
    block = acl_model.PublicAccessBlock() if desk.defaults.blocks_public_access else None
    row = BucketRow(
        account=account,
        object_ownership="" if ownership == acl_model.OWNERS_ENFORCED else ownership,
        location=_EU if request.location_constraint == _EU else "",
    )
    fields = configurations.row_fields(block)
    return msgspec.structs.replace(
        row,
        encryption=desk.defaults.encryption,
        is_versioned=request.locks_objects,
        locks_objects=request.locks_objects,
        **fields,
    )


def _first_configurations(
    request: bucket_model.CreateBucket, defaults: configuration_model.BucketDefaults
) -> tuple[tuple[str, bytes], ...]:
    """Return the configurations that a bucket is made with, as they are stored."""
    found: list[tuple[str, configuration_model.Configuration | None]] = []
    if request.tags:
        naming.check_unreserved(request.tags)
        found.append((configurations.TAGGING, tagging_model.BucketTagging(dict(request.tags))))
    if request.object_ownership:
        found.append((configurations.OWNERSHIP_CONTROLS, acl_model.OwnershipControls(request.object_ownership)))
    if request.locks_objects:
        found.append(
            (configurations.VERSIONING, configuration_model.Versioning(configuration_model.VERSIONING_ENABLED))
        )
        found.append((configurations.OBJECT_LOCK, lock_model.BucketLock()))
    for kind, value in found:
        configurations.check_configuration(request.bucket, kind, value)
    if not request.object_ownership and defaults.object_ownership == acl_model.OBJECT_WRITER:
        found.append((configurations.OWNERSHIP_CONTROLS, None))  # the same as none at all
    elif not request.object_ownership and defaults.object_ownership != acl_model.OWNERS_ENFORCED:
        found.append((configurations.OWNERSHIP_CONTROLS, acl_model.OwnershipControls(defaults.object_ownership)))
    if not defaults.blocks_public_access:
        found.append((configurations.PUBLIC_ACCESS_BLOCK, None))
    if defaults.encryption is None:
        found.append((configurations.ENCRYPTION, None))
    return tuple((kind, configurations.encoded(value)) for kind, value in found)


async def _list_buckets(
    desk: Desk, ctx: CallContext, operation: Operation, request: bucket_model.ListBuckets
) -> Resolved:
    account = ctx.principal.account
    limit = naming.check_page_size(request.page_size)
    naming.check_text("prefix", request.prefix, object_model.KEY_BYTES_MAX)
    after = b""
    if request.page_token:
        listing = page_tokens.buckets_listing(account, request.prefix, request.region)
        after = page_tokens.open_page(desk.sealer, listing, request.page_token)
    assert operation.checks is not None
    return Resolved(
        request=Stamped(request=(account, request.prefix, request.region), after=after, limit=limit),
        partitions=(ROOT,),
        checks=operation.checks(request),
        guard=Guard(account),
    )


async def _delete_bucket(
    desk: Desk, ctx: CallContext, operation: Operation, request: bucket_model.DeleteBucket
) -> Resolved:
    found = await desk.bucket(request.bucket)
    if found is None:
        missing = NO_SUCH_BUCKET.error(bucket=request.bucket)
        if not request.request_id:
            raise missing
        # It may be the repetition of the call that deleted it: the root partition remembers.
        assert operation.checks is not None
        checks = operation.checks(request)
        return Resolved(None, (ROOT,), checks, Guard(ctx.principal.account), missing)
    stamped = desk.stamp(ctx, request, found)
    resolved = desk.resolved(ctx, operation, request, found, stamped, root=True, grows=False)
    if request.ends_uploads:
        desk.authorizer.authorize(ctx, resolved.checks, resolved.guard)
        while await desk.engine.transact((stamped.partition,), end_uploads, stamped, grows=False):
            pass
    return resolved


async def _policy(desk: Desk, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
    found = await desk.bucket(request.bucket)
    stored = ""
    if isinstance(request, bucket_model.SetBucketPolicy):
        stored = _checked_policy(desk, request.policy)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    what = request if isinstance(request, bucket_model.GetBucketPolicy) else PolicyChange(request.bucket, stored)
    resolved = desk.resolved(ctx, operation, request, found, desk.stamp(ctx, what, found), root=True)
    if ctx.principal.arn == f"arn:aws:iam::{found.row.account}:root":
        # No policy locks the owner out of changing it (S3 user guide, "Bucket policies").
        return msgspec.structs.replace(resolved, guard=Guard(found.row.account))
    return resolved


def _checked_policy(desk: Desk, policy: str) -> str:
    try:
        return resource_policy.validate(policy, DocumentKind.BUCKET, desk.engine)
    except MalformedPolicy as error:
        if isinstance(error, NotJson) or not policy.startswith("{"):
            reason = "Policies must be valid JSON and the first byte must be '{'"
        else:
            reason = error.detail if error.path == "$" else str(error)
        raise MALFORMED_POLICY.error(reason=reason) from error


async def _set_bucket_acl(
    desk: Desk, ctx: CallContext, operation: Operation, request: acl_model.SetBucketAcl
) -> Resolved:
    found = await desk.bucket(request.bucket)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    row, arn = found.row, bucket_model.bucket_arn(request.bucket)
    asked = await acl_asked.of_replaced(desk.engine, ctx, row, request, row.account, arn=arn)
    stamped = msgspec.structs.replace(desk.stamp(ctx, request, found), grants=asked.grants)
    return desk.resolved(ctx, operation, request, found, stamped, missing=asked.refused, root=True)


RESOLVERS: Mapping[str, Resolver] = {
    "CreateBucket": _create_bucket,
    "GetBucket": in_bucket,
    "GetBucketLocation": in_bucket,
    "ListBuckets": _list_buckets,
    "DeleteBucket": _delete_bucket,
    "GetBucketPolicy": _policy,
    "GetBucketPolicyStatus": in_bucket,
    "SetBucketPolicy": _policy,
    "DeleteBucketPolicy": _policy,
    "GetBucketAcl": in_bucket,
    "SetBucketAcl": _set_bucket_acl,
}
