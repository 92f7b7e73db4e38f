"""Object lock: versions that must not be deleted until a date, or while somebody holds them.

Owns what a lock may be, what it is for a new version, and whether it protects a version at a moment. Promises: decided
at the commit, by the system's clock; what is retained in compliance mode nobody deletes or frees before its date, in
governance mode only who may bypass that and says so; a legal hold stands beside both and ends only by being taken off.
Only versions are protected: a delete marker, or a newer version, may hide one at any time. Knows no row: who reads and
writes locks is `object_locks.py`.

Source: S3 user guide, "Locking objects with Object Lock"; API reference, PutObjectRetention, PutObjectLegalHold,
PutObjectLockConfiguration; the words are those of Amazon S3.
"""

from typing import Final

import msgspec

from cumulo.core.errors import ACCESS_DENIED, ServiceError
from cumulo.object_store import model
from cumulo.object_store.errors import (
    INVALID_BUCKET_STATE,
    INVALID_REQUEST,
    INVALID_RETENTION_PERIOD,
    MALFORMED_CONFIGURATION,
    REFUSED_ARGUMENT,
)
from cumulo.object_store.keys import Meta, ObjectRecord
from cumulo.object_store.model import GOVERNANCE, LOCK_MODES, ObjectLock
from cumulo.object_store.naming import shown

_DAY_MS: Final = 86_400_000
_YEAR_DAYS: Final = 365
_MODE: Final = "x-amz-object-lock-mode"
_UNTIL: Final = "x-amz-object-lock-retain-until-date"
_HOLD: Final = "x-amz-object-lock-legal-hold"
_BYPASS: Final = "x-amz-bypass-governance-retention"


# Of buckets


def check_bucket_lock(lock: model.BucketLock) -> None:
    """Raise `MalformedXML` or `InvalidArgument` for a default retention that cannot be."""
    if not lock.mode:
        if lock.days is not None or lock.years is not None:
            raise MALFORMED_CONFIGURATION.error()
        return
    if lock.mode not in LOCK_MODES or (lock.days is None) == (lock.years is None):
        raise MALFORMED_CONFIGURATION.error()
    parameter, period, allowed = "Days", lock.days, model.RETENTION_DAYS_MAX
    if lock.years is not None:
        parameter, period, allowed = "Years", lock.years, model.RETENTION_YEARS_MAX
    assert period is not None, lock
    if not 1 <= period <= allowed:
        reason = "Default retention period must be a positive integer value."
        if period > allowed:
            reason = "Default retention period too large."
        raise INVALID_RETENTION_PERIOD.error(reason=reason, parameter=parameter, value=period)


def check_versioned(meta: Meta) -> None:
    """Raise `InvalidBucketState` for a bucket whose objects cannot be made lockable: their versions are not kept."""
    if meta.versioning != model.VERSIONING_ENABLED:
        raise INVALID_BUCKET_STATE.error(
            reason="Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
        )


def check_suspension(meta: Meta, status: str) -> None:
    """Raise `InvalidBucketState` for a bucket that must go on to keep versions: its objects may be locked."""
    if meta.lock is not None and status != model.VERSIONING_ENABLED:
        raise INVALID_BUCKET_STATE.error(
            reason="An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
        )


# Of requests


def check_date(until_ms: int, parameter: str = _UNTIL) -> None:
    """Raise `InvalidArgument` for a date that no calendar has."""
    if not 0 <= until_ms <= model.RETAIN_UNTIL_MS_MAX:
        raise REFUSED_ARGUMENT.error(
            reason="The retain until date must be between 1970 and the year 10000.", parameter=parameter, value=until_ms
        )


def check_asked(lock: ObjectLock, wall_ms: int) -> None:
    """Raise `InvalidArgument` for a lock that no new object can have."""
    if bool(lock.mode) != bool(lock.until_ms):
        raise REFUSED_ARGUMENT.error(
            reason=f"{_UNTIL} and {_MODE} must both be supplied", parameter=_UNTIL if lock.mode else _MODE, value=""
        )
    if lock.mode and lock.mode not in LOCK_MODES:
        raise REFUSED_ARGUMENT.error(reason="Unknown wormMode directive.", parameter=_MODE, value=shown(lock.mode))
    if lock.mode:
        _check_future(lock.until_ms, wall_ms, _UNTIL)
    if lock.hold not in ("", *model.LEGAL_HOLDS):
        raise REFUSED_ARGUMENT.error(
            reason="Legal Hold must be either of 'ON' or 'OFF'", parameter=_HOLD, value=shown(lock.hold)
        )


def check_retention(mode: str, until_ms: int, wall_ms: int) -> None:
    """Raise `MalformedXML` or `InvalidArgument` for a retention that cannot be set; none at all frees an object."""
    if not mode and not until_ms:
        return
    if mode not in LOCK_MODES or not until_ms:
        raise MALFORMED_CONFIGURATION.error()
    check_date(until_ms, "RetainUntilDate")
    _check_future(until_ms, wall_ms, "RetainUntilDate")


def check_legal_hold(hold: str) -> None:
    """Raise `MalformedXML` for what says neither that an object is held nor that it is not."""
    if hold not in model.LEGAL_HOLDS:
        raise MALFORMED_CONFIGURATION.error()


def refused_new(*, locks_objects: bool) -> ServiceError | None:
    """Return why a new object cannot be locked as it is asked to be."""
    return None if locks_objects else INVALID_REQUEST.error(reason="Bucket is missing ObjectLockConfiguration")


def refused_change(*, locks_objects: bool) -> ServiceError | None:
    """Return why the lock of an object is nothing to speak of. The words differ from those of a new object in S3."""
    return None if locks_objects else INVALID_REQUEST.error(reason="Bucket is missing Object Lock Configuration")


def refused_unverified(what: str) -> ServiceError:
    """Return the refusal of bytes that are to be locked and that nobody can say are those that were sent."""
    return INVALID_REQUEST.error(
        reason=f"Content-MD5 OR x-amz-checksum- HTTP header is required for {what} requests with Object Lock parameters"
    )


def refused_bypass(*, locks_objects: bool) -> ServiceError | None:
    """Return why a deletion must not say that it bypasses anything."""
    if locks_objects:
        return None
    return REFUSED_ARGUMENT.error(
        reason=f"{_BYPASS} is only applicable to Object Lock enabled buckets.", parameter=_BYPASS, value="true"
    )


def remaining_days(until_ms: int, wall_ms: int) -> int:
    """Return how many days are left until a time, begun ones included, as policies ask for it."""
    return max(-(-(until_ms - wall_ms) // _DAY_MS), 0)


# Of versions


def lock_of_new(asked: ObjectLock | None, meta: Meta, wall_ms: int) -> ObjectLock | None:
    """Return the lock of a new version: what was asked for, else the bucket's default retention."""
    default = meta.lock
    if default is None or not default.mode or (asked is not None and asked.mode):
        return asked
    days = default.days or (default.years or 0) * _YEAR_DAYS
    return ObjectLock(default.mode, wall_ms + days * _DAY_MS, "" if asked is None else asked.hold)


def is_held(lock: ObjectLock | None) -> bool:
    """Say whether a version is under a legal hold."""
    return lock is not None and lock.hold == model.HOLD_ON


def is_protected(record: ObjectRecord | None, wall_ms: int, *, bypasses: bool) -> bool:
    """Say whether a version must not be deleted; `bypasses` lets governance mode count for nothing."""
    lock = None if record is None else record.lock
    return lock is not None and (is_held(lock) or _is_retained(lock, wall_ms, bypasses=bypasses))


def check_removal(record: ObjectRecord | None, wall_ms: int, *, bypasses: bool) -> None:
    """Raise `AccessDenied` for a version that must not be deleted, as `is_protected`."""
    if is_protected(record, wall_ms, bypasses=bypasses):
        raise protected()


def check_retained(before: ObjectLock, after: ObjectLock, wall_ms: int, *, bypasses: bool) -> None:
    """Raise `AccessDenied` for what would weaken a retention that holds."""
    weakens = after.mode != before.mode or after.until_ms < before.until_ms
    if weakens and _is_retained(before, wall_ms, bypasses=bypasses):
        raise protected()


def protected() -> ServiceError:
    """Return the refusal of what a lock forbids."""
    return ACCESS_DENIED.error(reason="Access Denied because object protected by object lock.")


def shown_lock(lock: ObjectLock | None, *, retention: bool, hold: bool) -> ObjectLock | None:
    """Return what a caller may know of a lock: the retention, the hold, both, or nothing."""
    if lock is None:
        return None
    told = ObjectLock(lock.mode, lock.until_ms) if retention else ObjectLock()
    told = msgspec.structs.replace(told, hold=lock.hold) if hold else told
    return None if told == ObjectLock() else told


def _is_retained(lock: ObjectLock, wall_ms: int, *, bypasses: bool) -> bool:
    return lock.until_ms > wall_ms and not (bypasses and lock.mode == GOVERNANCE)


def _check_future(until_ms: int, wall_ms: int, parameter: str) -> None:
    if until_ms <= wall_ms:
        raise REFUSED_ARGUMENT.error(
            reason="The retain until date must be in the future!", parameter=parameter, value=until_ms
        )
