"""Whom an access control list lets do what, and which tags an object had when it was asked for.

Owns the step between an operation's checks and the decision: it adds to each check what is stored of the thing that the
check is about. Where lists are off (BucketOwnerEnforced) it adds nothing but tags: everything is the bucket owner's. A
list only allows, beside the bucket's policy; an object of another account than the bucket's is that account's to read
and to share, and of the bucket's policy only denials reach it. Decides nothing itself.

Sources: S3 user guide, "Access control list (ACL) overview", sections "Mapping of ACL permissions and access policy
permissions" and "What permissions can I grant?"; "How Amazon S3 authorizes a request"; "Blocking public access to your
Amazon S3 storage"; service authorization reference, "Condition keys for Amazon S3".
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from cumulo.core.operations import Check, Checks
from cumulo.identity.policy import PrincipalKind
from cumulo.object_store import acl
from cumulo.object_store.acl_model import FULL_CONTROL, READ, READ_ACP, WRITE, WRITE_ACP, Grant
from cumulo.object_store.keys import BucketRow, ObjectRecord
from cumulo.object_store.logging_rules import LOG_SERVICE

_OF_BUCKET: Final[Mapping[str, str]] = {
    "s3:ListBucket": READ,
    "s3:ListBucketVersions": READ,
    "s3:ListBucketMultipartUploads": READ,
    "s3:PutObject": WRITE,
    "s3:DeleteObject": WRITE,
    "s3:DeleteObjectVersion": WRITE,
    "s3:GetBucketAcl": READ_ACP,
    "s3:PutBucketAcl": WRITE_ACP,
}
"""What the bucket's list must give for an action. Who may write may replace and delete whatever is there."""
_OF_OBJECT: Final[Mapping[str, str]] = {
    "s3:GetObject": READ,
    "s3:GetObjectVersion": READ,
    "s3:GetObjectAcl": READ_ACP,
    "s3:GetObjectVersionAcl": READ_ACP,
    "s3:PutObjectAcl": WRITE_ACP,
    "s3:PutObjectVersionAcl": WRITE_ACP,
}
"""What the object's list must give for an action. These are the actions that an object's owner decides on."""
_WITHOUT_TAGS: Final = frozenset(("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"))


def listed_as(principal: Any) -> str:
    """Return what grants call a caller: his account, and the service that delivers access logs by its group."""
    if getattr(principal, "kind", None) is PrincipalKind.SERVICE and principal.name == LOG_SERVICE:
        return acl.LOG_DELIVERY
    account: str = principal.account
    return account


def with_stored(checks: Checks, account: str, row: BucketRow, record: ObjectRecord | None) -> Checks:
    """Return the checks of a caller of `account` with what is stored of a bucket and, where it exists, of an object."""
    tags = _tag_keys(record) if record is not None and record.tags else {}
    if not row.object_ownership and not tags:
        return checks
    return tuple(_with_stored(check, account, row, record, tags) for check in checks)


def with_new(checks: Checks, account: str, row: BucketRow) -> Checks:
    """Return the checks of a new object's list and tags: its writer may say of his own object what he likes, within
    what he may do in his own account; its tags need no more than writing it does, where a list allows that.
    """
    if not row.object_ownership:
        return checks
    found = []
    for check in checks:
        if check.action == "s3:PutObjectAcl":
            check = msgspec.structs.replace(check, granted=True, owner=account)  # noqa: PLW2901
        elif check.action == "s3:PutObjectTagging":
            check = msgspec.structs.replace(check, granted=_bucket_gives(row, account, WRITE))  # noqa: PLW2901
        found.append(check)
    return tuple(found)


def _with_stored(
    check: Check, account: str, row: BucketRow, record: ObjectRecord | None, tags: Mapping[str, str]
) -> Check:
    granted, owner, keys = check.granted, check.owner, check.keys
    if row.object_ownership and not owner and not granted:
        if check.action in _OF_BUCKET:
            granted = _bucket_gives(row, account, _OF_BUCKET[check.action])
        elif check.action in _OF_OBJECT and record is not None:
            owner, grants = acl.read(record.acl, row.account)
            granted = _gives(grants, account, _OF_OBJECT[check.action], public=row.honors_public_acls)
        elif check.action in _OF_OBJECT:
            # What is not there has no list: who may list the bucket may know that it is not there.
            granted = _bucket_gives(row, account, READ)
    if tags and check.action not in _WITHOUT_TAGS and "/" in check.resource:
        keys = {**keys, **tags}
    return msgspec.structs.replace(check, granted=granted, owner="" if owner == row.account else owner, keys=keys)


def _bucket_gives(row: BucketRow, account: str, permission: str) -> bool:
    return _gives(acl.read(row.acl, row.account)[1], account, permission, public=row.honors_public_acls)


def _gives(grants: tuple[Grant, ...], account: str, permission: str, *, public: bool) -> bool:
    """Say whether grants give a permission to an account, an empty one for nobody's; `public` says that what is given
    to everybody counts.
    """
    for grant in grants:
        if grant.permission not in (permission, FULL_CONTROL):
            continue
        if grant.grantee in acl.PUBLIC_GROUPS:
            if public and (account or grant.grantee == acl.ALL_USERS):
                return True
        elif account and grant.grantee == account:
            return True
    return False


def _tag_keys(record: ObjectRecord) -> dict[str, str]:
    """Return an object's tags as condition keys. Of two names that differ in case only the first counts, as policies
    see them.
    """
    found: dict[str, str] = {}
    for name, value in record.tags.items():
        found.setdefault(f"s3:ExistingObjectTag/{name.lower()}", value)
    return found
