"""Conditional reads, writes and copies: RFC 9110, section 13, with S3's answers.

Promises: a conditional write is decided inside its transaction, so of two writers that both saw the same object one
wins. Sources: S3 user guide, "Add preconditions to S3 operations with conditional requests"; API reference, CopyObject.
"""

from cumulo.core.errors import ServiceError
from cumulo.object_store.errors import NO_SUCH_KEY, NOT_MODIFIED, PRECONDITION_FAILED
from cumulo.object_store.keys import ObjectRecord
from cumulo.object_store.naming import shown
from cumulo.object_store.object_model import ANY_ETAG, Conditions, DeleteEntry, DeleteObject


def check_write(found: ObjectRecord | None, key: str, if_match: str, if_none_match: str) -> None:
    """Raise `PreconditionFailed` where a write must not happen, `NoSuchKey` where `if_match` has nothing to match."""
    if if_match:
        if found is None:
            raise NO_SUCH_KEY.error(key=shown(key))
        if not _meets(found, if_match):
            raise PRECONDITION_FAILED.error(condition="If-Match")
    if if_none_match and found is not None and _meets(found, if_none_match):
        raise PRECONDITION_FAILED.error(condition="If-None-Match")


def check_delete(found: ObjectRecord | None, key: str, asked: DeleteObject | DeleteEntry) -> None:
    """Raise `PreconditionFailed` where an object must not be deleted, `NoSuchKey` where `if_match` finds none."""
    check_write(found, key, asked.if_match, "")
    if found is None:
        return
    if asked.if_modified_ms is not None and asked.if_modified_ms // 1000 != found.modified_ms // 1000:
        raise PRECONDITION_FAILED.error(condition="x-amz-if-match-last-modified-time")
    if asked.if_size_bytes is not None and asked.if_size_bytes != found.size_bytes:
        raise PRECONDITION_FAILED.error(condition="x-amz-if-match-size")


def check_read(found: ObjectRecord, conditions: Conditions, wall_ms: int) -> None:
    """Raise `PreconditionFailed` or `NotModified`; the order is RFC 9110's, section 13.2.2.

    Times are compared in whole seconds, as headers carry them. An `If-Modified-Since` that `wall_ms`, the present, has
    not reached is no condition, as in S3.
    """
    modified_s = found.modified_ms // 1000
    unmodified_since_ms = conditions.if_unmodified_since_ms
    if conditions.if_match:
        if not _meets(found, conditions.if_match):
            raise PRECONDITION_FAILED.error(condition="If-Match")
    elif unmodified_since_ms is not None and modified_s > unmodified_since_ms // 1000:
        raise PRECONDITION_FAILED.error(condition="If-Unmodified-Since")
    modified_since_ms = conditions.if_modified_since_ms
    if conditions.if_none_match:
        if _meets(found, conditions.if_none_match):
            raise NOT_MODIFIED.error(etag=found.etag, modified_ms=found.modified_ms, condition="If-None-Match")
    elif modified_since_ms is not None and modified_s * 1000 <= modified_since_ms <= wall_ms:
        raise NOT_MODIFIED.error(etag=found.etag, modified_ms=found.modified_ms, condition="If-Modified-Since")


def check_copy(found: ObjectRecord, conditions: Conditions, wall_ms: int) -> None:
    """Raise `PreconditionFailed` where a copy's source is not what was asked for; a copy has no `NotModified`."""
    try:
        check_read(found, conditions, wall_ms)
    except ServiceError as error:
        condition = f"x-amz-copy-source-{error.values['condition']}"
        raise PRECONDITION_FAILED.error(condition=condition) from error


def _meets(found: ObjectRecord, etags: str) -> bool:
    if "," not in etags:
        return etags in (ANY_ETAG, found.etag)
    return any(etag.strip() == found.etag for etag in etags.split(","))
