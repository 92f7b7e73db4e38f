"""Buckets: what callers ask of them, their policies included, and what they are answered.

Requests are what an edge parses: `bucket` is the short name. The service checks and stamps them. What a bucket is
configured to be stands in `configuration_model.py`; this knows only what one is made with.
"""

from collections.abc import Mapping

import msgspec

from cumulo.object_store.acl_model import AskedGrant


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """A bucket."""

    name: str
    account: str
    region: str
    create_ms: int

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return bucket_arn(self.name)


class BucketPage(msgspec.Struct, frozen=True):
    """One page of an account's buckets."""

    buckets: list[Bucket]
    next_page_token: str = ""


class CreateBucket(msgspec.Struct, frozen=True):
    """Make a bucket; an empty `region` is the caller's.

    `location_constraint` is set by S3's edge only, empty where the body names none: then S3's rules hold for it, and in
    us-east-1 one's own bucket may be made again, with `keeps_list` only as it is. With `locks_objects` its versions are
    kept and can be locked, for good.
    """

    bucket: str
    region: str = ""
    request_id: str = ""
    location_constraint: str | None = None
    acl: str = ""
    object_ownership: str = ""
    tags: Mapping[str, str] = {}
    grants: tuple[AskedGrant, ...] = ()
    locks_objects: bool = False
    keeps_list: bool = False


class GetBucket(msgspec.Struct, frozen=True):
    """Look at a bucket."""

    bucket: str


class GetBucketLocation(msgspec.Struct, frozen=True):
    """Read a bucket's region."""

    bucket: str


class ListBuckets(msgspec.Struct, frozen=True):
    """List the caller's account's buckets; with a `region` a page may be short, or empty, with others behind it."""

    prefix: str = ""
    page_size: int = 0
    page_token: str = ""
    region: str = ""


class DeleteBucket(msgspec.Struct, frozen=True):
    """Delete an empty bucket. `ends_uploads` is set by S3's edge only: S3 takes open uploads for nothing."""

    bucket: str
    request_id: str = ""
    ends_uploads: bool = False


class GetBucketPolicy(msgspec.Struct, frozen=True):
    """Read a bucket's policy."""

    bucket: str


class SetBucketPolicy(msgspec.Struct, frozen=True):
    """Write a bucket's policy: JSON text."""

    bucket: str
    policy: str
    request_id: str = ""


class DeleteBucketPolicy(msgspec.Struct, frozen=True):
    """Remove a bucket's policy."""

    bucket: str
    request_id: str = ""


class GetBucketPolicyStatus(msgspec.Struct, frozen=True):
    """Ask whether a bucket's policy is public: answers a bool."""

    bucket: str


def bucket_arn(name: str) -> str:
    """Return a bucket's ARN; it names no account, since bucket names are the server's."""
    return f"arn:aws:s3:::{name}"
