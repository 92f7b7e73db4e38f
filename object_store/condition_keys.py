"""The condition keys that a request of S3 brings: what it writes, copies, lists and makes.

Owns their names and when each is there: none where the request does not say it, so that a policy may ask for its
absence. What is stored is added in `acl_access`, how a request was signed by its edge. Pure.

Source: service authorization reference, "Condition keys for Amazon S3" and "Actions defined by Amazon S3".
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from cumulo.core.operations import Checks
from cumulo.gateway.aws_timestamps import iso8601
from cumulo.object_store import (
    acl_model,
    bucket_model,
    copy_model,
    encryption_model,
    listing_model,
    lock_model,
    object_model,
    upload_model,
)
from cumulo.object_store.locks import days_of

RETAIN_UNTIL: Final = "s3:object-lock-retain-until-date"
Keys = dict[str, str | tuple[str, ...]]
_COPIES = (copy_model.CopyObject, upload_model.UploadPartCopy)


def of_write(request: Any) -> Keys:
    """Return the keys of what makes an object, or changes its tags or its access control list."""
    keys: Keys = {}
    keys |= of_acl(getattr(request, "acl", ""), getattr(request, "grants", ()))
    for field, key in (
        ("storage_class", "s3:x-amz-storage-class"),
        ("if_match", "s3:if-match"),
        ("if_none_match", "s3:if-none-match"),
    ):
        if said := getattr(request, field, ""):
            keys[key] = said
    if (asked := getattr(request, "encryption", None)) is not None:
        keys |= _of_encryption(asked)
    elif (customer := getattr(request, "customer", None)) is not None:
        keys["s3:x-amz-server-side-encryption-customer-algorithm"] = customer.algorithm
    if redirect := getattr(request, "headers", {}).get(object_model.WEBSITE_REDIRECT):
        keys["s3:x-amz-website-redirect-location"] = redirect
    if isinstance(request, _COPIES):
        keys["s3:x-amz-copy-source"] = f"{request.source.bucket}/{request.source.key}"
    if isinstance(request, copy_model.CopyObject) and (request.metadata_directive or request.replaces_metadata):
        keys["s3:x-amz-metadata-directive"] = request.metadata_directive or "REPLACE"
    keys |= of_lock(getattr(request, "lock", None))
    return keys | _of_tags("s3:RequestObjectTagKeys", "s3:RequestObjectTag", getattr(request, "tags", {}))


def of_acl(acl: str, grants: tuple[acl_model.AskedGrant, ...]) -> Keys:
    """Return the keys of an access control list: for each permission granted the grantees, as a header lists them."""
    keys: Keys = {"s3:x-amz-acl": acl} if acl else {}
    grantees: dict[str, list[str]] = {}
    for grant in grants:
        grantees.setdefault(grant.permission.lower().replace("_", "-"), []).append(grant.grantee)
    return keys | {f"s3:x-amz-grant-{permission}": ", ".join(names) for permission, names in grantees.items()}


def of_lock(lock: lock_model.ObjectLock | None) -> Keys:
    """Return the keys of a lock that is asked for, but for the days that it has left: those need a clock."""
    keys: Keys = {}
    if lock is None:
        return keys
    if lock.mode:
        keys["s3:object-lock-mode"] = lock.mode
    if lock.until_ms:
        keys[RETAIN_UNTIL] = iso8601(lock.until_ms)
    if lock.hold:
        keys["s3:object-lock-legal-hold"] = lock.hold
    if lock.event is not None:
        keys["s3:object-lock-event-hold"] = "ON" if lock.event.is_on else "OFF"
        if days := days_of(lock.event):
            keys["s3:object-lock-event-hold-duration-days"] = str(days)
    return keys


def with_remaining_days(checks: Checks, days: int) -> Checks:
    """Return the checks of a request that asks for a retention, with the days that this has left."""
    return tuple(
        msgspec.structs.replace(check, keys={**check.keys, "s3:object-lock-remaining-retention-days": str(days)})
        if RETAIN_UNTIL in check.keys
        else check
        for check in checks
    )


def of_new_bucket(request: bucket_model.CreateBucket) -> Keys:
    """Return the keys of a bucket to make."""
    keys = of_acl(request.acl, request.grants)
    if region := request.region or request.location_constraint:
        keys["s3:LocationConstraint"] = region
    if request.object_ownership:
        keys["s3:x-amz-object-ownership"] = request.object_ownership
    return keys | _of_tags("aws:TagKeys", "aws:RequestTag", request.tags)


def of_listing(request: listing_model.ListObjects | listing_model.ListObjectVersions) -> Keys:
    """Return the keys by which policies narrow a listing."""
    keys: Keys = {"s3:prefix": request.prefix}
    if request.delimiter:
        keys["s3:delimiter"] = request.delimiter
    if request.page_size:
        keys["s3:max-keys"] = str(request.page_size)
    return keys


def _of_encryption(asked: encryption_model.AskedEncryption) -> Keys:
    keys: Keys = {}
    if asked.algorithm is not None:
        keys["s3:x-amz-server-side-encryption"] = asked.algorithm
    if asked.kms_key_id:
        keys["s3:x-amz-server-side-encryption-aws-kms-key-id"] = asked.kms_key_id
    if asked.customer is not None:
        keys["s3:x-amz-server-side-encryption-customer-algorithm"] = asked.customer.algorithm
    return keys


def _of_tags(names: str, prefix: str, tags: Mapping[str, str]) -> Keys:
    if not tags:
        return {}
    keys: Keys = {names: tuple(tags)}
    # The names of condition keys have no case, those of tags have: of two that differ in it only, the first counts.
    for name, value in reversed(list(tags.items())):
        keys[f"{prefix}/{name.lower()}"] = value
    return keys
