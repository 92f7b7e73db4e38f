"""Owners and access control lists over S3's REST API.

Owns how lists are written in documents and headers. What they mean and who may set them is the room's. An account's
display name, which S3 itself stopped to send in 2025, is sent where it has one: clients of before ask for it.

Source: S3 API reference, PutBucketAcl, GetObjectAcl; user guide, "Access control list (ACL) overview".
"""

from typing import Any, Final

from cumulo.core.names import parse_arn
from cumulo.gateway.aws_service import AwsAnswer, AwsCall, Dialect, Handler
from cumulo.identity.owners import Owner
from cumulo.object_store import acl_model, bucket_model
from cumulo.object_store.acl import EXECUTION, EXECUTION_ID, GRANT_HEADERS, GROUPS, PERMISSIONS, from_headers
from cumulo.object_store.edge_aws_errors import MISSING_SECURITY_HEADER, UNEXPECTED_CONTENT
from cumulo.object_store.edge_aws_headers import asked_version, check_headers, version_header
from cumulo.object_store.edge_aws_xml import document, escape
from cumulo.object_store.errors import CANNED_AND_GRANTS, MALFORMED_ACL
from cumulo.object_store.service import Service

_GRANTEE_TYPES: Final = ("CanonicalUser", "AmazonCustomerByEmail", "Group")
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"


def handlers(service: Service) -> dict[str, Handler]:
    """Return the handlers of access control lists."""

    async def get_bucket_acl(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        found = (await service.call(call.ctx, "GetBucketAcl", acl_model.GetBucketAcl(bucket))).value
        return await _document(service, found, call.dialect)

    async def get_object_acl(call: AwsCall) -> AwsAnswer:
        bucket, key = call.request.Bucket, call.request.Key
        await check_headers(service, call, bucket)
        asked = acl_model.GetObjectAcl(bucket, key, asked_version(call.request.VersionId))
        return await _document(service, (await service.call(call.ctx, "GetObjectAcl", asked)).value, call.dialect)

    async def put_bucket_acl(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        await service.call(call.ctx, "SetBucketAcl", acl_model.SetBucketAcl(bucket, *_asked(call)))
        return AwsAnswer()

    async def put_object_acl(call: AwsCall) -> AwsAnswer:
        bucket, key = call.request.Bucket, call.request.Key
        await check_headers(service, call, bucket)
        version_id = asked_version(call.request.VersionId)
        asked = acl_model.SetObjectAcl(bucket, key, *_asked(call), version_id=version_id)
        told = (await service.call(call.ctx, "SetObjectAcl", asked)).value
        return AwsAnswer(headers=version_header(told))

    return {
        "GetBucketAcl": get_bucket_acl,
        "GetObjectAcl": get_object_acl,
        "PutBucketAcl": put_bucket_acl,
        "PutObjectAcl": put_object_acl,
    }


async def bucket_account(service: Service, bucket: str) -> str:
    """Return the account that owns a bucket, an empty text where there is none; only for callers who were let in."""
    guard = await service.guard(bucket_model.bucket_arn(bucket))
    return "" if guard is None else guard.account


async def owner_element(service: Service, bucket: str, account: str = "") -> str:
    """Return the element that names a bucket's owner, or another account."""
    return element_of(await service.owner(account or await bucket_account(service, bucket)))


async def initiator_element(service: Service, arn: str) -> str:
    """Return the element that names who began an upload: an account by its canonical id, a user by his ARN."""
    name = parse_arn(arn)
    if name is not None and name.resource == "root":
        return element_of(await service.owner(name.account), "Initiator")
    shown = "" if name is None else name.resource.rpartition("/")[2]
    return f"<Initiator><ID>{escape(arn)}</ID><DisplayName>{escape(shown)}</DisplayName></Initiator>"


def element_of(owner: Owner, tag: str = "Owner") -> str:
    """Return the element that names an account."""
    return f"<{tag}>{account_elements(owner)}</{tag}>"


def account_elements(owner: Owner) -> str:
    """Return what stands in such an element."""
    name = f"<DisplayName>{escape(owner.display_name)}</DisplayName>" if owner.display_name else ""
    return f"<ID>{owner.canonical_id}</ID>{name}"


def _asked(call: AwsCall) -> tuple[str, tuple[acl_model.AskedGrant, ...], str]:
    """Return the canned list, the grants and the owner that a request names."""
    canned, policy = call.http.headers.get("x-amz-acl", ""), call.request.AccessControlPolicy
    grants_in_headers = not GRANT_HEADERS.keys().isdisjoint(call.http.headers)
    if policy is None:
        if canned and grants_in_headers:
            raise CANNED_AND_GRANTS.error()
        grants = from_headers(call.http.headers.get)
        if not canned and not grants:  # an empty header, too: it shall not take every grant away
            raise MISSING_SECURITY_HEADER.error(MissingHeaderName="x-amz-acl")
        return canned, grants, ""
    if canned or grants_in_headers:
        raise UNEXPECTED_CONTENT.error()
    if policy.Owner is None or policy.Owner.ID is None:
        raise MALFORMED_ACL.error()
    return "", tuple(_grant(one) for one in policy.Grants or ()), policy.Owner.ID


def _grant(it: Any) -> acl_model.AskedGrant:
    """Return a grant of a document; raises `MalformedACLError` for one that names nobody, or several."""
    grantee = it.Grantee
    if grantee is None or it.Permission is None:
        raise MALFORMED_ACL.error()
    given = {"id": grantee.ID, "emailAddress": grantee.EmailAddress, "uri": grantee.URI}
    if grantee.Type not in _GRANTEE_TYPES:
        raise MALFORMED_ACL.error()
    named = [f"{kind}={text}" for kind, text in given.items() if text is not None]
    if len(named) != 1 or it.Permission not in PERMISSIONS:
        raise MALFORMED_ACL.error()
    return acl_model.AskedGrant(named[0], it.Permission)


async def _document(service: Service, acl: acl_model.Acl, dialect: Dialect) -> AwsAnswer:
    ordered = acl.grants
    if dialect.lists_groups_first:
        ordered = tuple(sorted(ordered, key=lambda grant: grant.grantee not in GROUPS))
    grants = "".join([await _grant_element(service, grant) for grant in ordered])
    return document(
        "AccessControlPolicy",
        f"{element_of(await service.owner(acl.owner))}<AccessControlList>{grants}</AccessControlList>",
        headers=version_header(acl.version_id) if isinstance(acl, acl_model.VersionAcl) else (),
    )


async def _grant_element(service: Service, grant: acl_model.Grant) -> str:
    kind, inner = "CanonicalUser", ""
    if grant.grantee in GROUPS:
        kind, inner = "Group", f"<URI>{GROUPS[grant.grantee]}</URI>"
    elif grant.grantee == EXECUTION:
        inner = f"<ID>{EXECUTION_ID}</ID>"
    else:
        inner = account_elements(await service.owner(grant.grantee))
    return (
        f'<Grant><Grantee xmlns:xsi="{_XSI}" xsi:type="{kind}">{inner}</Grantee>'
        f"<Permission>{grant.permission}</Permission></Grant>"
    )
