"""What a bucket is configured to be, over S3's REST API: policy, and one sub-resource a kind.

Promises: a kind that is not built is read as S3 answers for a bucket that nobody configured, after the permission was
checked; writing it is refused by name.

Source: S3 API reference, on each.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from cumulo.gateway.aws_service import AwsAnswer, AwsCall, Handler
from cumulo.object_store import acl_model, bucket_model, configuration_model, encryption_model
from cumulo.object_store.configurations import ENCRYPTION, OWNERSHIP_CONTROLS, PUBLIC_ACCESS_BLOCK, VERSIONING
from cumulo.object_store.edge_aws_errors import MALFORMED_XML, MFA_REQUIRED
from cumulo.object_store.edge_aws_headers import check_headers
from cumulo.object_store.edge_aws_xml import document, escape
from cumulo.object_store.service import Service


def public_access_block_elements(it: Any) -> str:
    """Return the elements of a public access block."""
    return "".join(
        f"<{name}>{str(value).lower()}</{name}>"
        for name, value in (
            ("BlockPublicAcls", it.block_public_acls),
            ("IgnorePublicAcls", it.ignore_public_acls),
            ("BlockPublicPolicy", it.block_public_policy),
            ("RestrictPublicBuckets", it.restrict_public_buckets),
        )
    )


def public_access_block_of(said: Any) -> acl_model.PublicAccessBlock:
    """Return what S3's shape of a public access block says."""
    return acl_model.PublicAccessBlock(
        bool(said.BlockPublicAcls),
        bool(said.IgnorePublicAcls),
        bool(said.BlockPublicPolicy),
        bool(said.RestrictPublicBuckets),
    )


def ownership_controls_of(said: Any) -> acl_model.OwnershipControls:
    """Return what S3's shape of ownership controls says; raises `MalformedXML` for other than one rule, and for an
    ownership that is none.
    """
    if len(said.Rules) != 1 or said.Rules[0].ObjectOwnership not in acl_model.OBJECT_OWNERSHIPS:
        raise MALFORMED_XML.error()
    return acl_model.OwnershipControls(said.Rules[0].ObjectOwnership)


def ownership_controls_elements(it: Any) -> str:
    """Return the elements of ownership controls."""
    return f"<Rule><ObjectOwnership>{it.object_ownership}</ObjectOwnership></Rule>"


def versioning_of(said: Any) -> configuration_model.Versioning:
    """Return a bucket's versioning; raises `MalformedXML`, and `AccessDenied` where a second factor would be needed."""
    if said.MFADelete == "Enabled":
        raise MFA_REQUIRED.error()
    if said.Status not in (None, configuration_model.VERSIONING_ENABLED, configuration_model.VERSIONING_SUSPENDED):
        raise MALFORMED_XML.error()
    return configuration_model.Versioning(said.Status or "")


def versioning_elements(it: Any) -> str:
    """Return a bucket's versioning as S3 writes it: nothing where it was never enabled."""
    return "" if it is None else f"<Status>{it.status}</Status>"


def encryption_of(said: Any) -> encryption_model.BucketEncryption:
    """Return a bucket's encryption; raises `MalformedXML` for what S3 has no form of."""
    if len(said.Rules) != 1:
        raise MALFORMED_XML.error()
    rule = said.Rules[0]
    default, blocked = rule.ApplyServerSideEncryptionByDefault, rule.BlockedEncryptionTypes
    types = (blocked.EncryptionType or ()) if blocked is not None else ()
    if not set(types) <= {"NONE", "SSE-C"} or ("NONE" in types and len(types) > 1):
        raise MALFORMED_XML.error()
    return encryption_model.BucketEncryption(
        algorithm=encryption_model.AES256 if default is None else default.SSEAlgorithm,
        kms_key_id="" if default is None else default.KMSMasterKeyID or "",
        bucket_key=bool(rule.BucketKeyEnabled),
        blocks_customer_keys="SSE-C" in types,
    )


def encryption_elements(it: Any) -> str:
    """Return a bucket's encryption as S3 writes it."""
    key = f"<KMSMasterKeyID>{escape(it.kms_key_id)}</KMSMasterKeyID>" if it.kms_key_id else ""
    blocked = "SSE-C" if it.blocks_customer_keys else "NONE"
    return (
        "<Rule><ApplyServerSideEncryptionByDefault>"
        f"<SSEAlgorithm>{it.algorithm}</SSEAlgorithm>{key}</ApplyServerSideEncryptionByDefault>"
        f"<BucketKeyEnabled>{str(it.bucket_key).lower()}</BucketKeyEnabled>"
        f"<BlockedEncryptionTypes><EncryptionType>{blocked}</EncryptionType></BlockedEncryptionTypes></Rule>"
    )


_READS: Final[Mapping[str, tuple[str, str, Callable[[Any], str]]]] = {
    "GetPublicAccessBlock": (PUBLIC_ACCESS_BLOCK, "PublicAccessBlockConfiguration", public_access_block_elements),
    "GetBucketOwnershipControls": (OWNERSHIP_CONTROLS, "OwnershipControls", ownership_controls_elements),
    "GetBucketEncryption": (ENCRYPTION, "ServerSideEncryptionConfiguration", encryption_elements),
    "GetBucketVersioning": (VERSIONING, "VersioningConfiguration", versioning_elements),
}
"""Each read: its kind, the root element of its document, and what stands in that."""

_DELETES: Final = {
    "DeletePublicAccessBlock": PUBLIC_ACCESS_BLOCK,
    "DeleteBucketOwnershipControls": OWNERSHIP_CONTROLS,
    "DeleteBucketEncryption": ENCRYPTION,
    "DeleteBucketLifecycle": "lifecycle",
}
"""Removing what is not there succeeds, as in S3."""


def handlers(service: Service) -> dict[str, Handler]:
    """Return the handlers of configurations."""

    async def get_bucket_policy(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        policy = (await service.call(call.ctx, "GetBucketPolicy", bucket_model.GetBucketPolicy(bucket))).value
        return AwsAnswer(content=policy.encode(), content_type="application/json")

    async def put_bucket_policy(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        await service.call(call.ctx, "SetBucketPolicy", bucket_model.SetBucketPolicy(bucket, call.request.Policy or ""))
        return AwsAnswer(status=204)

    async def delete_bucket_policy(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        await service.call(call.ctx, "DeleteBucketPolicy", bucket_model.DeleteBucketPolicy(bucket))
        return AwsAnswer(status=204)

    async def get_bucket_policy_status(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        asked = bucket_model.GetBucketPolicyStatus(bucket)
        is_public = (await service.call(call.ctx, "GetBucketPolicyStatus", asked)).value
        return document("PolicyStatus", f"<IsPublic>{str(is_public).lower()}</IsPublic>")

    async def put_public_access_block(call: AwsCall) -> AwsAnswer:
        value = public_access_block_of(call.request.PublicAccessBlockConfiguration)
        return await write_configuration(service, call, PUBLIC_ACCESS_BLOCK, value)

    async def put_ownership_controls(call: AwsCall) -> AwsAnswer:
        value = ownership_controls_of(call.request.OwnershipControls)
        return await write_configuration(service, call, OWNERSHIP_CONTROLS, value)

    async def put_bucket_encryption(call: AwsCall) -> AwsAnswer:
        value = encryption_of(call.request.ServerSideEncryptionConfiguration)
        return await write_configuration(service, call, ENCRYPTION, value)

    async def put_versioning(call: AwsCall) -> AwsAnswer:
        value = versioning_of(call.request.VersioningConfiguration)
        return await write_configuration(service, call, VERSIONING, value)

    table: dict[str, Handler] = {
        "PutBucketEncryption": put_bucket_encryption,
        "PutBucketVersioning": put_versioning,
        "GetBucketPolicy": get_bucket_policy,
        "PutBucketPolicy": put_bucket_policy,
        "DeleteBucketPolicy": delete_bucket_policy,
        "GetBucketPolicyStatus": get_bucket_policy_status,
        "PutPublicAccessBlock": put_public_access_block,
        "PutBucketOwnershipControls": put_ownership_controls,
    }
    table |= {name: _reader(service, *row) for name, row in _READS.items()}
    table |= {name: _deleter(service, kind) for name, kind in _DELETES.items()}
    return table


def _reader(service: Service, kind: str, root: str, inner: Callable[[Any], str]) -> Handler:
    async def read(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        only_written = kind == ENCRYPTION and call.dialect.hides_default_encryption
        asked = configuration_model.GetBucketConfiguration(bucket, kind, only_written=only_written)
        found = (await service.call(call.ctx, "GetBucketConfiguration", asked)).value
        return document(root, inner(found))

    return read


def _deleter(service: Service, kind: str) -> Handler:
    async def delete(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        asked = configuration_model.DeleteBucketConfiguration(bucket, kind)
        await service.call(call.ctx, "DeleteBucketConfiguration", asked)
        return AwsAnswer(status=204)

    return delete


async def write_configuration(
    service: Service, call: AwsCall, kind: str, value: configuration_model.Configuration
) -> AwsAnswer:
    """Write a configuration of the bucket that a call names."""
    bucket = call.request.Bucket
    await check_headers(service, call, bucket)
    asked = configuration_model.SetBucketConfiguration(bucket, kind, value)
    await service.call(call.ctx, "SetBucketConfiguration", asked)
    return AwsAnswer()
