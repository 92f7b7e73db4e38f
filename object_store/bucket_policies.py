"""Bucket policies: written, read, removed, and kept from the public where the public access block says so.

Promises: whether a policy is public stands in the bucket's row in the commit that writes the policy, so that each
request knows it. Source: S3 user guide, "Blocking public access to your Amazon S3 storage".
"""

import msgspec

from cumulo.core.errors import ACCESS_DENIED
from cumulo.identity.resource_policy import decided_text
from cumulo.object_store import acl, acl_model, bucket_model, configurations, keys
from cumulo.object_store.buckets import find_bucket, replace_row, row_of
from cumulo.object_store.errors import NO_SUCH_BUCKET, NO_SUCH_BUCKET_POLICY
from cumulo.object_store.public_access import is_public
from cumulo.object_store.stamping import Stamped
from cumulo.storage.engine import ReadTxn, Txn


class PolicyChange(msgspec.Struct, frozen=True):
    """A policy to write, as `identity.resource_policy` gave it, or with an empty text to remove."""

    bucket: str
    policy: str


def get_policy(txn: ReadTxn, stamped: Stamped) -> str:
    """Return a bucket's policy as it is stored; raises `NoSuchBucketPolicy`."""
    name = stamped.request.bucket
    found = find_bucket(txn, name)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=name)
    if not found.policy:
        raise NO_SUCH_BUCKET_POLICY.error(bucket=name)
    return found.policy


def get_policy_status(txn: ReadTxn, stamped: Stamped) -> bool:
    """Say whether a bucket is public by its policy, or by its access control list where such lists act; raises
    `NoSuchBucketPolicy` where neither is there.
    """
    row = row_of(txn, stamped.request.bucket)
    if row.object_ownership:
        if row.honors_public_acls and acl.is_public(acl.read(row.acl, row.account)[1]):
            return True
        if not row.has_policy:
            return False
    return is_public(decided_text(get_policy(txn, stamped)))


def set_policy(txn: Txn, stamped: Stamped) -> None:
    """Write or remove a bucket's policy; raises `NoSuchBucket`, and `AccessDenied` for a public policy where the public
    access block forbids it.
    """
    change: PolicyChange = stamped.request
    found = find_bucket(txn, change.bucket)
    if found is None or found.row.partition != stamped.partition:
        raise NO_SUCH_BUCKET.error(bucket=change.bucket)
    opens = is_public(decided_text(change.policy))
    if opens and _is_blocked(txn, stamped.partition):
        raise ACCESS_DENIED.error(
            reason=f"User: {stamped.origin.arn} is not authorized to perform: s3:PutBucketPolicy on resource: "
            f'"{bucket_model.bucket_arn(change.bucket)}" because public policies are prevented by the '
            "BlockPublicPolicy setting in S3 Block Public Access.",
            action="s3:PutBucketPolicy",
            resource=bucket_model.bucket_arn(change.bucket),
        )
    if change.policy:
        txn.put(keys.policy_key(change.bucket), change.policy.encode())
    elif found.row.has_policy:
        txn.delete(keys.policy_key(change.bucket))
    replace_row(txn, change.bucket, has_policy=bool(change.policy), is_policy_public=opens)


def _is_blocked(txn: Txn, partition: bytes) -> bool:
    block = configurations.read(txn, partition, configurations.PUBLIC_ACCESS_BLOCK)
    return isinstance(block, acl_model.PublicAccessBlock) and block.block_public_policy
