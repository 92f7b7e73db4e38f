"""Owners and access control lists over S3's REST API.

Every bucket is "bucket owner enforced", S3's default since April 2023: there are no ACLs, reading one shows that the
owner has full control, and setting any that says more is refused. An account's display name, which S3 itself stopped to
send in 2025, is sent where it has one: clients of before ask for it.

Source: S3 user guide, "Controlling ownership of objects and disabling ACLs for your bucket".
"""

from typing import Any, Final

from cumulo.gateway.aws_service import AwsAnswer, AwsCall, Handler
from cumulo.identity.model import canonical_id
from cumulo.identity.owners import Owner
from cumulo.object_store import model
from cumulo.object_store.edge_aws_errors import MALFORMED_XML, request_error
from cumulo.object_store.edge_aws_headers import check_headers, check_version
from cumulo.object_store.edge_aws_xml import document, escape
from cumulo.object_store.errors import ACL_NOT_SUPPORTED
from cumulo.object_store.service import Service

_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"


def handlers(service: Service) -> dict[str, Handler]:
    """Return the handlers of access control lists."""

    async def get_bucket_acl(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        return _document((await service.call(call.ctx, "GetBucketAcl", model.GetBucketAcl(bucket))).value)

    async def get_object_acl(call: AwsCall) -> AwsAnswer:
        bucket, key = call.request.Bucket, call.request.Key
        await check_headers(service, call, bucket)
        check_version(call.request.VersionId)
        return _document((await service.call(call.ctx, "GetObjectAcl", model.GetObjectAcl(bucket, key))).value)

    async def put_bucket_acl(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        await service.call(call.ctx, "SetBucketAcl", model.SetBucketAcl(bucket, await _asked(service, call)))
        return AwsAnswer()

    async def put_object_acl(call: AwsCall) -> AwsAnswer:
        bucket, key = call.request.Bucket, call.request.Key
        await check_headers(service, call, bucket)
        check_version(call.request.VersionId)
        await service.call(call.ctx, "SetObjectAcl", model.SetObjectAcl(bucket, key, await _asked(service, call)))
        return AwsAnswer()

    return {
        "GetBucketAcl": get_bucket_acl,
        "GetObjectAcl": get_object_acl,
        "PutBucketAcl": put_bucket_acl,
        "PutObjectAcl": put_object_acl,
    }


async def bucket_account(service: Service, bucket: str) -> str:
    """Return the account that owns a bucket, an empty text where there is none; only for callers who were let in."""
    guard = await service.guard(model.bucket_arn(bucket))
    return "" if guard is None else guard.account


async def owner_element(service: Service, bucket: str) -> str:
    """Return the element that names a bucket's owner."""
    return element_of(await service.owner(await bucket_account(service, bucket)))


def element_of(owner: Owner, tag: str = "Owner") -> str:
    """Return the element that names an account."""
    name = f"<DisplayName>{escape(owner.display_name)}</DisplayName>" if owner.display_name else ""
    return f"<{tag}><ID>{owner.canonical_id}</ID>{name}</{tag}>"


async def _asked(service: Service, call: AwsCall) -> str:
    """Return the canned ACL that a request asks for; a list of grants is taken only where it says what holds anyway."""
    canned, policy = call.request.ACL, call.request.AccessControlPolicy
    if canned is not None and policy is not None:
        raise request_error("Specifying both Canned ACLs and Header Grants is not allowed")
    if canned is not None:
        return str(canned)
    if policy is None:
        raise MALFORMED_XML.error()
    owner = canonical_id(await bucket_account(service, call.request.Bucket))
    if not _says_what_holds(policy, owner):
        raise ACL_NOT_SUPPORTED.error()
    return "private"


def _says_what_holds(policy: Any, owner: str) -> bool:
    grants = policy.Grants or []
    return (policy.Owner is None or owner == policy.Owner.ID) and all(
        grant.Permission == "FULL_CONTROL" and grant.Grantee is not None and owner == grant.Grantee.ID
        for grant in grants
    )


def _document(account: str) -> AwsAnswer:
    owner = canonical_id(account)
    return document(
        "AccessControlPolicy",
        f"<Owner><ID>{owner}</ID></Owner><AccessControlList><Grant>"
        f'<Grantee xmlns:xsi="{_XSI}" xsi:type="CanonicalUser"><ID>{owner}</ID></Grantee>'
        "<Permission>FULL_CONTROL</Permission></Grant></AccessControlList>",
    )
