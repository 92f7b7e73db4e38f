"""The operation table: the room on one page.

Each row names an operation, what it checks, and the function that does it. Actions are IAM's of S3 ("Actions,
resources, and condition keys for Amazon S3"); a conditional write on an ETag also reads, hence also needs
`s3:GetObject`, as in S3. Listings over more than one snapshot and batch deletes are driven by the service, from the
functions named here.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from cumulo.core.operations import Check, Checks, Kind, Operation, OperationTable
from cumulo.object_store import (
    acl_model,
    bucket_model,
    condition_keys,
    configuration_model,
    copy_model,
    listing_model,
    lock_model,
    notification_model,
    object_locks,
    object_model,
    tagging_model,
    upload_model,
)
from cumulo.object_store import buckets as of_buckets
from cumulo.object_store import objects as of_objects
from cumulo.object_store.appends import put_or_append
from cumulo.object_store.bucket_policies import get_policy, get_policy_status, set_policy
from cumulo.object_store.buckets import create_bucket, delete_bucket, get_bucket, get_location, list_buckets
from cumulo.object_store.configurations import KINDS, get_configuration, list_configurations, set_configuration
from cumulo.object_store.copies import copy_object, copy_part
from cumulo.object_store.downloads import get_object
from cumulo.object_store.listing import list_step
from cumulo.object_store.multipart import (
    abort_upload,
    complete_upload,
    create_upload,
    list_parts,
    list_uploads,
)
from cumulo.object_store.notification_rules import get_rules, set_rules
from cumulo.object_store.objects import (
    delete_object,
    delete_objects,
    get_attributes,
    get_tags,
    head_object,
    set_tags,
)
from cumulo.object_store.renames import rename_object
from cumulo.object_store.restores import restore_object
from cumulo.object_store.uploads import DATA_WINDOW_MS, upload_part
from cumulo.object_store.version_listing import list_versions

CONTROL_WINDOW_MS = 86_400_000
"""How long a request id of buckets themselves is remembered: 24 hours."""


def on_bucket(action: str) -> Callable[[Any], Checks]:
    """Return the check of an action on the request's bucket."""
    return lambda request: (Check(action, bucket_model.bucket_arn(request.bucket)),)


def on_object(action: str) -> Callable[[Any], Checks]:
    """Return the checks of an action on the request's object, with those of its conditions, tags and ACL."""

    def checks(request: Any) -> Checks:
        arn = object_model.object_arn(request.bucket, request.key)
        keys = condition_keys.of_write(request) if action in _WRITES_WITH_KEYS else {}
        version_id = getattr(request, "version_id", "")
        if version_id:
            keys = {**keys, "s3:VersionId": version_id}
        found: Checks = (Check(_OF_VERSIONS[action] if version_id else action, arn, keys),)
        if action != "s3:GetObject" and _has_condition(request):
            reads = Check("s3:GetObjectVersion", arn, keys) if version_id else Check("s3:GetObject", arn)
            found += (reads,)
        if action == "s3:PutObject":
            if getattr(request, "tags", None):
                found += (Check("s3:PutObjectTagging", arn, keys),)
            if getattr(request, "acl", "") or getattr(request, "grants", ()):
                found += (Check("s3:PutObjectAcl", arn, keys),)
            lock: lock_model.ObjectLock | None = getattr(request, "lock", None)
            if lock is not None and lock.mode:
                found += (Check("s3:PutObjectRetention", arn, keys),)
            if lock is not None and lock.hold:
                found += (Check("s3:PutObjectLegalHold", arn, keys),)
        return found

    return checks


_OF_VERSIONS = {
    "s3:GetObject": "s3:GetObjectVersion",
    "s3:DeleteObject": "s3:DeleteObjectVersion",
    "s3:GetObjectTagging": "s3:GetObjectVersionTagging",
    "s3:PutObjectTagging": "s3:PutObjectVersionTagging",
    "s3:DeleteObjectTagging": "s3:DeleteObjectVersionTagging",
    "s3:GetObjectAcl": "s3:GetObjectVersionAcl",
    "s3:PutObjectAcl": "s3:PutObjectVersionAcl",
    "s3:GetObjectAttributes": "s3:GetObjectVersionAttributes",
    "s3:RestoreObject": "s3:RestoreObject",
    "s3:GetObjectRetention": "s3:GetObjectRetention",
    "s3:GetObjectLegalHold": "s3:GetObjectLegalHold",
}
"""What each action is called where its request names a version (service authorization reference)."""


def _has_condition(request: Any) -> bool:
    """Say whether a write tells by its success what is there."""
    if getattr(request, "if_match", ""):
        return True
    return isinstance(request, object_model.DeleteObject | object_model.DeleteEntry) and (
        request.if_modified_ms is not None or request.if_size_bytes is not None
    )


_WRITES_WITH_KEYS = frozenset(("s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectAcl"))


def _set_bucket_acl(request: acl_model.SetBucketAcl) -> Checks:
    return (
        Check(
            "s3:PutBucketAcl",
            bucket_model.bucket_arn(request.bucket),
            condition_keys.of_acl(request.acl, request.grants),
        ),
    )


def _create_bucket(request: bucket_model.CreateBucket) -> Checks:
    arn = bucket_model.bucket_arn(request.bucket)
    keys = condition_keys.of_new_bucket(request)
    found: Checks = (Check("s3:CreateBucket", arn, keys),)
    if request.acl or request.grants:
        found += (Check("s3:PutBucketAcl", arn, keys),)
    if request.object_ownership:
        found += (Check("s3:PutBucketOwnershipControls", arn, keys),)
    if request.tags:
        found += (Check("s3:TagResource", arn, keys),)
    if request.locks_objects:
        found += (Check("s3:PutBucketObjectLockConfiguration", arn, keys), Check("s3:PutBucketVersioning", arn, keys))
    return found


def _reads_configuration(
    request: configuration_model.GetBucketConfiguration | configuration_model.ListBucketConfigurations,
) -> Checks:
    return (Check(KINDS[request.kind].reads, bucket_model.bucket_arn(request.bucket)),)


def _writes_configuration(
    request: configuration_model.SetBucketConfiguration | configuration_model.DeleteBucketConfiguration,
) -> Checks:
    kind = KINDS[request.kind]
    deletes = isinstance(request, configuration_model.DeleteBucketConfiguration) and kind.deletes
    return (Check(deletes or kind.writes, bucket_model.bucket_arn(request.bucket)),)


def _attributes(request: object_model.GetObjectAttributes) -> Checks:
    return on_object("s3:GetObject")(request) + on_object("s3:GetObjectAttributes")(request)


def _lock_change(request: lock_model.SetObjectRetention | lock_model.SetObjectLegalHold) -> Checks:
    if isinstance(request, lock_model.SetObjectRetention):
        action, lock = "s3:PutObjectRetention", request.lock
    else:
        action, lock = "s3:PutObjectLegalHold", lock_model.ObjectLock(hold=request.hold)
    keys = condition_keys.of_lock(lock)
    if request.version_id:
        keys["s3:VersionId"] = request.version_id
    return (Check(action, object_model.object_arn(request.bucket, request.key), keys),)


def bypass_checks(request: lock_model.SetObjectRetention | object_model.DeleteObject) -> Checks:
    """Return the check of whether who asks for it may bypass governance mode. It is no condition of the request: what
    nothing protects may be deleted without.
    """
    keys = {}
    if isinstance(request, lock_model.SetObjectRetention):
        keys = condition_keys.of_lock(request.lock)
    if request.version_id:
        keys["s3:VersionId"] = request.version_id
    return (Check("s3:BypassGovernanceRetention", object_model.object_arn(request.bucket, request.key), keys),)


def _rename(request: copy_model.RenameObject) -> Checks:
    source, target = (object_model.object_arn(request.bucket, key) for key in (request.source_key, request.key))
    found = (Check("s3:PutObject", target), Check("s3:GetObject", source), Check("s3:DeleteObject", source))
    return found if request.conditions == object_model.UNCONDITIONAL else (*found, Check("s3:GetObject", target))


def _list_all(_request: bucket_model.ListBuckets) -> Checks:
    return (Check("s3:ListAllMyBuckets", "*"),)


def list_checks(request: listing_model.ListObjects | listing_model.ListObjectVersions) -> Checks:
    """Return the check of a listing, with the keys by which policies narrow it."""
    action = "s3:ListBucketVersions" if isinstance(request, listing_model.ListObjectVersions) else "s3:ListBucket"
    return (Check(action, bucket_model.bucket_arn(request.bucket), condition_keys.of_listing(request)),)


def batch_delete_checks(request: object_model.BatchDeleteObjects) -> tuple[Checks, ...]:
    """Return each item's checks: every item is decided for itself."""
    of_one = on_object("s3:DeleteObject")
    return tuple(
        of_one(
            object_model.DeleteObject(
                bucket=request.bucket,
                key=entry.key,
                if_match=entry.if_match,
                if_modified_ms=entry.if_modified_ms,
                if_size_bytes=entry.if_size_bytes,
                version_id=entry.version_id,
            )
        )
        for entry in request.entries
    )


def _all_batch_delete_checks(request: object_model.BatchDeleteObjects) -> Checks:
    return tuple(check for checks in batch_delete_checks(request) for check in checks)


def _row(
    request: type,
    kind: Kind,
    action: str,
    checks: Callable[[Any], Checks],
    handler: Callable[..., Any],
    summary: str,
    *,
    also: tuple[str, ...] = (),
    result: Any = None,
    window_ms: int = 0,
) -> Operation:
    return Operation(
        name=request.__name__,
        kind=kind,
        request=request,
        permissions=(action, *also),
        checks=checks,
        handler=handler,
        result=result,
        idempotency_window_ms=window_ms,
        summary=summary,
    )


def _bucket_row(
    request: type, kind: Kind, action: str, handler: Callable[..., Any], summary: str, *, window_ms: int = 0
) -> Operation:
    return _row(request, kind, action, on_bucket(action), handler, summary, window_ms=window_ms)


def _object_row(
    request: type[msgspec.Struct],
    kind: Kind,
    action: str,
    handler: Callable[..., Any],
    summary: str,
    *,
    also: tuple[str, ...] = (),
    result: Any = None,
    window_ms: int = 0,
) -> Operation:
    checks = on_object(action)
    if "version_id" in request.__struct_fields__:
        also = (*also, _OF_VERSIONS[action])
    return _row(request, kind, action, checks, handler, summary, also=also, result=result, window_ms=window_ms)


_LISTS = ("s3:ListBucket",)
_READS = ("s3:GetObject",)
_VERSION_READS = ("s3:GetObject", "s3:GetObjectVersion")
_DESCRIBES = ("s3:PutObjectTagging", "s3:PutObjectAcl", "s3:PutObjectRetention", "s3:PutObjectLegalHold")
"""What a new object's tags, its ACL and its lock need."""
_BYPASSES = "s3:BypassGovernanceRetention"
_SHOWS_LOCKS = ("s3:GetObjectRetention", "s3:GetObjectLegalHold")
_CONFIGURATION_READS = tuple(kind.reads for kind in KINDS.values())
_CONFIGURATION_LISTS = tuple(kind.reads for kind in KINDS.values() if kind.has_ids)
_CONFIGURATION_WRITES = tuple(kind.writes for kind in KINDS.values())
_CONFIGURATION_DELETES = tuple(kind.deletes for kind in KINDS.values() if kind.deletes)

TABLE = OperationTable(
    "object_store",
    (
        _row(
            bucket_model.CreateBucket,
            Kind.WRITE,
            "s3:CreateBucket",
            _create_bucket,
            create_bucket,
            "Makes a bucket.",
            also=(
                "s3:PutBucketAcl",
                "s3:PutBucketOwnershipControls",
                "s3:TagResource",
                "s3:PutBucketObjectLockConfiguration",
                "s3:PutBucketVersioning",
            ),
            result=bucket_model.Bucket,
            window_ms=CONTROL_WINDOW_MS,
        ),
        _bucket_row(bucket_model.GetBucket, Kind.READ, "s3:ListBucket", get_bucket, "Answers a bucket."),
        _bucket_row(
            bucket_model.GetBucketLocation,
            Kind.READ,
            "s3:GetBucketLocation",
            get_location,
            "Answers a bucket's region.",
        ),
        _row(
            bucket_model.ListBuckets,
            Kind.READ,
            "s3:ListAllMyBuckets",
            _list_all,
            list_buckets,
            "Lists the caller's account's buckets by name.",
        ),
        _bucket_row(
            bucket_model.DeleteBucket,
            Kind.WRITE,
            "s3:DeleteBucket",
            delete_bucket,
            "Deletes a bucket that holds no object and no upload.",
            window_ms=CONTROL_WINDOW_MS,
        ),
        _bucket_row(
            bucket_model.GetBucketPolicy,
            Kind.READ,
            "s3:GetBucketPolicy",
            get_policy,
            "Answers a bucket's resource policy.",
        ),
        _bucket_row(
            bucket_model.SetBucketPolicy,
            Kind.WRITE,
            "s3:PutBucketPolicy",
            set_policy,
            "Writes a bucket's resource policy.",
            window_ms=CONTROL_WINDOW_MS,
        ),
        _bucket_row(
            bucket_model.DeleteBucketPolicy,
            Kind.WRITE,
            "s3:DeleteBucketPolicy",
            set_policy,
            "Removes a bucket's resource policy.",
            window_ms=CONTROL_WINDOW_MS,
        ),
        _bucket_row(
            bucket_model.GetBucketPolicyStatus,
            Kind.READ,
            "s3:GetBucketPolicyStatus",
            get_policy_status,
            "Says whether a bucket's policy is public.",
        ),
        _row(
            configuration_model.GetBucketConfiguration,
            Kind.READ,
            _CONFIGURATION_READS[0],
            _reads_configuration,
            get_configuration,
            "Answers one of a bucket's configurations.",
            also=_CONFIGURATION_READS[1:],
        ),
        _row(
            configuration_model.SetBucketConfiguration,
            Kind.WRITE,
            _CONFIGURATION_WRITES[0],
            _writes_configuration,
            set_configuration,
            "Writes one of a bucket's configurations.",
            also=(*_CONFIGURATION_WRITES[1:], "iam:PassRole"),
            window_ms=CONTROL_WINDOW_MS,
        ),
        _row(
            configuration_model.DeleteBucketConfiguration,
            Kind.WRITE,
            _CONFIGURATION_WRITES[0],
            _writes_configuration,
            set_configuration,
            "Removes one of a bucket's configurations.",
            also=(*_CONFIGURATION_WRITES[1:], *_CONFIGURATION_DELETES),
            window_ms=CONTROL_WINDOW_MS,
        ),
        _row(
            configuration_model.ListBucketConfigurations,
            Kind.READ,
            _CONFIGURATION_LISTS[0],
            _reads_configuration,
            list_configurations,
            "Lists a bucket's configurations of a kind that has ids.",
            also=_CONFIGURATION_LISTS[1:],
        ),
        _bucket_row(
            acl_model.GetBucketAcl,
            Kind.READ,
            "s3:GetBucketAcl",
            of_buckets.get_acl,
            "Answers a bucket's access control list.",
        ),
        _row(
            acl_model.SetBucketAcl,
            Kind.WRITE,
            "s3:PutBucketAcl",
            _set_bucket_acl,
            of_buckets.set_acl,
            "Replaces a bucket's access control list.",
            window_ms=CONTROL_WINDOW_MS,
        ),
        _bucket_row(
            notification_model.GetBucketNotification,
            Kind.READ,
            "s3:GetBucketNotification",
            get_rules,
            "Answers a bucket's notification rules.",
        ),
        _bucket_row(
            notification_model.SetBucketNotification,
            Kind.WRITE,
            "s3:PutBucketNotification",
            set_rules,
            "Replaces all notification rules of a bucket.",
            window_ms=CONTROL_WINDOW_MS,
        ),
        _object_row(
            object_model.PutObject,
            Kind.UPLOAD,
            "s3:PutObject",
            put_or_append,
            "Stores an object.",
            also=(*_READS, *_DESCRIBES),
        ),
        _object_row(
            copy_model.CopyObject,
            Kind.UPLOAD,
            "s3:PutObject",
            copy_object,
            "Stores an object that is a copy of another one of this server.",
            also=(*_VERSION_READS, *_LISTS, "s3:GetObjectTagging", "s3:GetObjectVersionTagging", *_DESCRIBES),
        ),
        _row(
            copy_model.RenameObject,
            Kind.WRITE,
            "s3:PutObject",
            _rename,
            rename_object,
            "Gives an object another key of its bucket; no byte is moved.",
            also=(*_READS, "s3:DeleteObject", *_LISTS),
            window_ms=DATA_WINDOW_MS,
        ),
        _object_row(
            object_model.GetObject,
            Kind.DOWNLOAD,
            "s3:GetObject",
            get_object,
            "Reads an object or a range of it.",
            also=(*_LISTS, *_SHOWS_LOCKS),
        ),
        _object_row(
            object_model.HeadObject,
            Kind.READ,
            "s3:GetObject",
            head_object,
            "Answers an object's description without its bytes.",
            also=(*_LISTS, *_SHOWS_LOCKS),
        ),
        _row(
            object_model.GetObjectAttributes,
            Kind.READ,
            "s3:GetObjectAttributes",
            _attributes,
            get_attributes,
            "Answers an object's checksums, size and parts.",
            also=("s3:GetObjectVersionAttributes", *_VERSION_READS, *_LISTS),
        ),
        _object_row(
            object_model.RestoreObject,
            Kind.WRITE,
            "s3:RestoreObject",
            restore_object,
            "Asks for a copy of an archived object that can be read for some days.",
            also=_LISTS,
            result=bool,
            window_ms=DATA_WINDOW_MS,
        ),
        _object_row(
            tagging_model.GetObjectTagging,
            Kind.READ,
            "s3:GetObjectTagging",
            get_tags,
            "Answers an object's tags.",
            also=_LISTS,
        ),
        _object_row(
            tagging_model.SetObjectTagging,
            Kind.WRITE,
            "s3:PutObjectTagging",
            set_tags,
            "Replaces an object's tags.",
            also=_LISTS,
            result=str,
            window_ms=DATA_WINDOW_MS,
        ),
        _object_row(
            tagging_model.DeleteObjectTagging,
            Kind.WRITE,
            "s3:DeleteObjectTagging",
            set_tags,
            "Removes an object's tags.",
            also=_LISTS,
            result=str,
            window_ms=DATA_WINDOW_MS,
        ),
        _object_row(
            acl_model.GetObjectAcl,
            Kind.READ,
            "s3:GetObjectAcl",
            of_objects.get_acl,
            "Answers an object's access control list.",
            also=_LISTS,
        ),
        _object_row(
            acl_model.SetObjectAcl,
            Kind.WRITE,
            "s3:PutObjectAcl",
            of_objects.set_acl,
            "Replaces an object's access control list.",
            also=_LISTS,
            result=str,
            window_ms=DATA_WINDOW_MS,
        ),
        _object_row(
            lock_model.GetObjectRetention,
            Kind.READ,
            "s3:GetObjectRetention",
            object_locks.get_retention,
            "Answers until when an object is retained.",
            also=_LISTS,
        ),
        _row(
            lock_model.SetObjectRetention,
            Kind.WRITE,
            "s3:PutObjectRetention",
            _lock_change,
            object_locks.set_retention,
            "Retains an object until a time, or no longer.",
            also=(_BYPASSES, *_LISTS),
            result=str,
            window_ms=DATA_WINDOW_MS,
        ),
        _object_row(
            lock_model.GetObjectLegalHold,
            Kind.READ,
            "s3:GetObjectLegalHold",
            object_locks.get_legal_hold,
            "Answers whether an object is held.",
            also=_LISTS,
        ),
        _row(
            lock_model.SetObjectLegalHold,
            Kind.WRITE,
            "s3:PutObjectLegalHold",
            _lock_change,
            object_locks.set_legal_hold,
            "Holds an object, or lets it go.",
            also=_LISTS,
            result=str,
            window_ms=DATA_WINDOW_MS,
        ),
        _object_row(
            object_model.DeleteObject,
            Kind.WRITE,
            "s3:DeleteObject",
            delete_object,
            "Deletes an object, or one of its versions for good.",
            also=(*_VERSION_READS, _BYPASSES),
            result=object_model.Deleted,
            window_ms=DATA_WINDOW_MS,
        ),
        _row(
            object_model.BatchDeleteObjects,
            Kind.WRITE,
            "s3:DeleteObject",
            _all_batch_delete_checks,
            delete_objects,
            "Deletes up to 1000 objects or versions, with a result for each.",
            also=("s3:DeleteObjectVersion", *_VERSION_READS, _BYPASSES),
            window_ms=DATA_WINDOW_MS,
        ),
        _row(
            listing_model.ListObjects,
            Kind.READ,
            "s3:ListBucket",
            list_checks,
            list_step,
            "Lists objects in order of their keys, as S3's ListObjectsV2.",
        ),
        _row(
            listing_model.ListObjectVersions,
            Kind.READ,
            "s3:ListBucketVersions",
            list_checks,
            list_versions,
            "Lists versions and delete markers in order of their keys, newest first.",
        ),
        _object_row(
            upload_model.CreateMultipartUpload,
            Kind.WRITE,
            "s3:PutObject",
            create_upload,
            "Starts an upload in parts.",
            also=_DESCRIBES,
            result=int,
            window_ms=DATA_WINDOW_MS,
        ),
        _object_row(upload_model.UploadPart, Kind.UPLOAD, "s3:PutObject", upload_part, "Stores one part of an upload."),
        _object_row(
            upload_model.UploadPartCopy,
            Kind.UPLOAD,
            "s3:PutObject",
            copy_part,
            "Stores an object of this server, or a range of one, as a part of an upload.",
            also=(*_VERSION_READS, *_LISTS),
        ),
        # Without a window: the room remembers a completion by its upload, longer and whoever asks again.
        _object_row(
            upload_model.CompleteMultipartUpload,
            Kind.WRITE,
            "s3:PutObject",
            complete_upload,
            "Makes the object out of its parts; no byte is copied.",
            also=_READS,
        ),
        _object_row(
            upload_model.AbortMultipartUpload,
            Kind.WRITE,
            "s3:AbortMultipartUpload",
            abort_upload,
            "Ends an upload and drops its parts.",
            window_ms=DATA_WINDOW_MS,
        ),
        _object_row(
            upload_model.ListParts,
            Kind.READ,
            "s3:ListMultipartUploadParts",
            list_parts,
            "Lists the parts of an upload by number.",
        ),
        _bucket_row(
            upload_model.ListMultipartUploads,
            Kind.READ,
            "s3:ListBucketMultipartUploads",
            list_uploads,
            "Lists a bucket's open uploads by key and start.",
        ),
    ),
)
