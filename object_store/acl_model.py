"""Access control lists, who owns what others write, and what a bucket forbids to the public.

Owns the words of S3's ACLs and the list as it is kept: records bear an `Acl`, so its fields only ever grow. Knows no
caller: `acl.py` decides. Sources: Amazon S3 user guide, "Access control list (ACL) overview", "Controlling ownership
of objects and disabling ACLs for your bucket", "Blocking public access to your Amazon S3 storage".
"""

from typing import Final

import msgspec

OWNERS_ENFORCED: Final = "BucketOwnerEnforced"
OWNER_PREFERRED: Final = "BucketOwnerPreferred"
OBJECT_WRITER: Final = "ObjectWriter"
OBJECT_OWNERSHIPS: Final = (OWNERS_ENFORCED, OWNER_PREFERRED, OBJECT_WRITER)
FULL_CONTROL: Final = "FULL_CONTROL"
READ: Final = "READ"
WRITE: Final = "WRITE"
READ_ACP: Final = "READ_ACP"
WRITE_ACP: Final = "WRITE_ACP"
GRANTS_MAX: Final = 100
"""Of one access control list."""
HARMLESS_ACLS: Final = ("private", "bucket-owner-full-control")
"""The canned ACLs that a bucket without ACLs may be made with: they say what holds anyway."""
CANNED_ACLS: Final = (
    *HARMLESS_ACLS,
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "log-delivery-write",
)


class PublicAccessBlock(msgspec.Struct, frozen=True, array_like=True):
    """What a bucket forbids to the public, whatever its policy says. New buckets forbid all of it."""

    block_public_acls: bool = True
    ignore_public_acls: bool = True
    block_public_policy: bool = True
    restrict_public_buckets: bool = True


class OwnershipControls(msgspec.Struct, frozen=True, array_like=True):
    """Who owns what others write: one of `OBJECT_OWNERSHIPS`; without any it is the writer, as `ObjectWriter` says."""

    object_ownership: str = OWNERS_ENFORCED


class Grant(msgspec.Struct, frozen=True, array_like=True):
    """What an access control list gives to whom: an account's number, or a group's name (`object_store.acl`)."""

    grantee: str
    permission: str


class Acl(msgspec.Struct, frozen=True, array_like=True):
    """An access control list as it is kept; an empty `owner` is the bucket's account."""

    owner: str = ""
    grants: tuple[Grant, ...] = ()


class VersionAcl(Acl, frozen=True, array_like=True):
    """The access control list of a version, with its id where there is one to tell."""

    version_id: str = ""


class AskedGrant(msgspec.Struct, frozen=True):
    """A grant as a request spells it: `grantee` is `id=…` (a canonical user id), `emailAddress=…`, `uri=…` (a group),
    an account's number, or a group's name.
    """

    grantee: str
    permission: str


class GetBucketAcl(msgspec.Struct, frozen=True):
    """Read a bucket's ACL: answers an `Acl` whose owner is spelled out."""

    bucket: str


class SetBucketAcl(msgspec.Struct, frozen=True):
    """Write a bucket's ACL: a canned one, or `grants`, which may be none at all.

    `owner` is the canonical id of whom the sender takes for the owner, empty where he does not say.
    """

    bucket: str
    acl: str = ""
    grants: tuple[AskedGrant, ...] = ()
    owner: str = ""
    request_id: str = ""


class GetObjectAcl(msgspec.Struct, frozen=True):
    """Read an object's ACL, as `GetBucketAcl`; where versions are kept it is a `VersionAcl`."""

    bucket: str
    key: str
    version_id: str = ""


class SetObjectAcl(msgspec.Struct, frozen=True):
    """Write an object's ACL, as `SetBucketAcl`."""

    bucket: str
    key: str
    acl: str = ""
    grants: tuple[AskedGrant, ...] = ()
    owner: str = ""
    version_id: str = ""
    request_id: str = ""
