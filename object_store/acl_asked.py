"""What a request's access control list comes to: its grantees looked up, its owner found, and what forbids it.

Owns the exchange of canonical ids and e-mail addresses for accounts, the effect of object ownership on who owns a new
object, and BlockPublicAcls. Promises that what depends on who exists, or on how the bucket is configured, is an error
for after the authorisation: whoever may not ask learns nothing.

Sources: S3 user guide, "Controlling ownership of objects and disabling ACLs for your bucket", "Blocking public access
to your Amazon S3 storage"; API reference, PutBucketAcl.
"""

from typing import Any

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import ACCESS_DENIED, ServiceError
from cumulo.identity import owners
from cumulo.identity.principal_model import canonical_id
from cumulo.object_store import acl, acl_model, bucket_model, object_model
from cumulo.object_store.acl_model import Acl, AskedGrant, Grant
from cumulo.object_store.errors import (
    ACL_NOT_SUPPORTED,
    INVALID_BUCKET_ACL,
    INVALID_GRANTEE_ID,
    UNRESOLVABLE_EMAIL,
)
from cumulo.object_store.keys import BucketRow
from cumulo.object_store.naming import shown
from cumulo.storage.engine import ROOT, Engine


class Asked(msgspec.Struct, frozen=True):
    """The list of a new object as it is kept, or why there can be none.

    Of a list that replaces another one `grants` are the looked up ones, None where it is a canned one: that is written
    out in the transaction, which knows the owner.
    """

    acl: Acl | None = None
    grants: tuple[Grant, ...] | None = None
    refused: ServiceError | None = None


NOTHING_ASKED = Asked()


async def of_new_object(engine: Engine, ctx: CallContext, row: BucketRow, request: Any) -> Asked:
    """Return the list of an object that a request makes; raises `InvalidArgument` for what is no list."""
    canned, asked = request.acl, request.grants
    if not row.object_ownership:
        if not asked and canned in ("", *acl_model.HARMLESS_ACLS):
            return NOTHING_ASKED
        acl.check_asked(canned, asked)
        grants, refused = await _looked_up(engine, asked)
        if refused is None and not acl.says_what_holds(canned, grants if asked else None, row.account):
            refused = ACL_NOT_SUPPORTED.error()
        return Asked(refused=refused)
    acl.check_asked(canned, asked)
    grants, refused = await _looked_up(engine, asked)
    # What nobody owns could be changed by nobody: what a stranger leaves is the bucket owner's.
    owner = ctx.principal.account or row.account
    if row.object_ownership == acl_model.OWNER_PREFERRED and canned == "bucket-owner-full-control":
        owner = row.account
    if not asked:
        grants = acl.canned(canned, owner, row.account)
    if refused is None:
        refused = _blocked(ctx, row, grants, "s3:PutObject", object_model.object_arn(request.bucket, request.key))
    return Asked(acl.kept(owner, grants, row.account), refused=refused)


async def of_replaced(engine: Engine, ctx: CallContext, row: BucketRow, request: Any, owner: str, *, arn: str) -> Asked:
    """Return the list that replaces that of a bucket or an object of `owner`; raises as `of_new_object`."""
    acl.check_asked(request.acl, request.grants)
    grants, refused = await _looked_up(engine, request.grants)
    given = None if request.acl else grants
    if refused is None and request.owner and not await _is_known(engine, request.owner):
        refused = INVALID_GRANTEE_ID.error(parameter="id", value=shown(request.owner))
    if refused is None and not row.object_ownership and not acl.says_what_holds(request.acl, given, row.account):
        refused = ACL_NOT_SUPPORTED.error()
    action = "s3:PutObjectAcl" if "/" in arn else "s3:PutBucketAcl"
    if refused is None and request.owner and request.owner != canonical_id(owner):
        refused = ACCESS_DENIED.error(reason="Access Denied", action=action, resource=arn)
    if refused is None:
        written = acl.canned(request.acl, owner, row.account) if given is None else given
        refused = _blocked(ctx, row, written, action, arn) if row.object_ownership else None
    return Asked(grants=given, refused=refused)


async def of_new_bucket(engine: Engine, ctx: CallContext, request: bucket_model.CreateBucket, row: BucketRow) -> Asked:
    """Return the list of a bucket that is made as `row` says; raises `InvalidBucketAclWithObjectOwnership`, too."""
    acl.check_asked(request.acl, request.grants)
    if not row.object_ownership:
        if request.grants or request.acl not in ("", *acl_model.HARMLESS_ACLS):
            raise INVALID_BUCKET_ACL.error()
        return NOTHING_ASKED
    grants, refused = await _looked_up(engine, request.grants)
    if not request.grants:
        grants = acl.canned(request.acl, row.account, row.account)
    if refused is None:
        refused = _blocked(ctx, row, grants, "s3:CreateBucket", bucket_model.bucket_arn(request.bucket))
    return Asked(acl.kept(row.account, grants, row.account), refused=refused)


def _blocked(ctx: CallContext, row: BucketRow, grants: tuple[Grant, ...], action: str, arn: str) -> ServiceError | None:
    if row.takes_public_acls or not acl.is_public(grants):
        return None
    return ACCESS_DENIED.error(
        reason=f'User: {ctx.principal.arn} is not authorized to perform: {action} on resource: "{arn}" because public '
        "access control lists (ACLs) are prevented by the BlockPublicAcls setting in S3 Block Public Access.",
        action=action,
        resource=arn,
    )


async def _is_known(engine: Engine, owner: str) -> bool:
    return await engine.read((ROOT,), owners.by_canonical_id, owner) is not None


async def _looked_up(engine: Engine, asked: tuple[AskedGrant, ...]) -> tuple[tuple[Grant, ...], ServiceError | None]:
    """Return grants by account and group, and the first grantee's error who does not exist."""
    found: list[Grant] = []
    refused: ServiceError | None = None
    for grant in asked:
        kind, separator, text = grant.grantee.partition("=")
        if kind == "uri":
            found.append(Grant(acl.group_of(grant.grantee), grant.permission))
            continue
        if kind in (*acl.GROUPS, acl.EXECUTION):
            found.append(Grant(kind, grant.permission))
            continue
        if not separator:
            kind, text = "id", canonical_id(kind)
        if kind == "id" and text == acl.EXECUTION_ID:
            found.append(Grant(acl.EXECUTION, grant.permission))
            continue
        look_up = owners.by_email if kind == "emailAddress" else owners.by_canonical_id
        owner: owners.Owner | None = await engine.read((ROOT,), look_up, text)
        if owner is not None:
            found.append(Grant(owner.account, grant.permission))
        elif refused is None:
            missing = UNRESOLVABLE_EMAIL if kind == "emailAddress" else INVALID_GRANTEE_ID
            refused = missing.error(parameter=kind, value=shown(text))
    return tuple(found), refused
