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

from cumulo.core.errors import ACCESS_DENIED, ErrorRow, ServiceError
from cumulo.object_store import configuration_model, lock_model
from cumulo.object_store.errors import (
    INVALID_BUCKET_STATE,
    INVALID_REQUEST,
    MALFORMED_CONFIGURATION,
    REFUSED_ARGUMENT,
    RETENTION_PERIOD_TOO_LONG,
    RETENTION_PERIOD_TOO_SHORT,
)
from cumulo.object_store.keys import Meta, ObjectRecord
from cumulo.object_store.lock_model import GOVERNANCE, LOCK_MODES, EventHold, ObjectLock
from cumulo.object_store.naming import shown

_DAY_MS: Final = 86_400_000
_YEAR_DAYS: Final = 365
_MODE: Final = "x-amz-object-lock-mode"
_UNTIL: Final = "x-amz-object-lock-retain-until-date"
_HOLD: Final = "x-amz-object-lock-legal-hold"
_EVENT: Final = "x-amz-object-lock-event-hold"
_BYPASS: Final = "x-amz-bypass-governance-retention"


# Of buckets


def check_bucket_lock(lock: lock_model.BucketLock) -> None:
    """Raise `MalformedXML` or `InvalidArgument` for a default retention that cannot be."""
    event = lock.event
    if not lock.mode and (lock.days is not None or lock.years is not None or event is not None):
        raise MALFORMED_CONFIGURATION.error()
    if not lock.mode:
        return
    has_period = (lock.days is None) != (lock.years is None)
    if lock.mode not in LOCK_MODES or not (has_period or (event is not None and lock.days is lock.years is None)):
        raise MALFORMED_CONFIGURATION.error()
    if event is not None:
        _check_event(event, MALFORMED_CONFIGURATION)
    if not has_period:
        return
    parameter, period, allowed = "Days", lock.days, lock_model.RETENTION_DAYS_MAX
    if lock.years is not None:
        parameter, period, allowed = "Years", lock.years, lock_model.RETENTION_YEARS_MAX
    assert period is not None, lock
    if not 1 <= period <= allowed:
        row = RETENTION_PERIOD_TOO_SHORT if period < 1 else RETENTION_PERIOD_TOO_LONG
        raise row.error(parameter=parameter, value=period)


def check_versioned(meta: Meta) -> None:
    """Raise `InvalidBucketState` for a bucket whose objects cannot be made lockable: their versions are not kept."""
    if meta.versioning != configuration_model.VERSIONING_ENABLED:
        raise INVALID_BUCKET_STATE.error(
            reason="Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
        )


def check_suspension(meta: Meta, status: str) -> None:
    """Raise `InvalidBucketState` for a bucket that must go on to keep versions: its objects may be locked."""
    if meta.lock is not None and status != configuration_model.VERSIONING_ENABLED:
        raise INVALID_BUCKET_STATE.error(
            reason="An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
        )


# Of requests


def check_date(until_ms: int, parameter: str = _UNTIL) -> None:
    """Raise `InvalidArgument` for a date that no calendar has."""
    if not 0 <= until_ms <= lock_model.RETAIN_UNTIL_MS_MAX:
        raise REFUSED_ARGUMENT.error(
            reason="The retain until date must be between 1970 and the year 10000.", parameter=parameter, value=until_ms
        )


def check_asked(lock: ObjectLock, wall_ms: int) -> None:
    """Raise `InvalidArgument` for a lock that no new object can have."""
    event = lock.event
    varies = event is not None and event.is_on
    if bool(lock.mode) != (bool(lock.until_ms) or varies) or (event is not None and not lock.mode):
        raise REFUSED_ARGUMENT.error(
            reason=f"{_UNTIL} and {_MODE} must both be supplied", parameter=_UNTIL if lock.mode else _MODE
        )
    if lock.mode and lock.mode not in LOCK_MODES:
        raise REFUSED_ARGUMENT.error(reason="Unknown wormMode directive.", parameter=_MODE, value=shown(lock.mode))
    if lock.until_ms:
        _check_future(lock.until_ms, wall_ms, _UNTIL)
    if event is not None:
        _check_event(event, REFUSED_ARGUMENT)
    if lock.hold not in ("", *lock_model.LEGAL_HOLDS):
        raise REFUSED_ARGUMENT.error(
            reason="Legal Hold must be either of 'ON' or 'OFF'", parameter=_HOLD, value=shown(lock.hold)
        )


def check_retention(lock: ObjectLock, wall_ms: int) -> None:
    """Raise `MalformedXML` or `InvalidArgument` for a retention that cannot be set; none at all frees an object."""
    if lock == ObjectLock():
        return
    if lock.mode not in LOCK_MODES or not (lock.until_ms or lock.event is not None):
        raise MALFORMED_CONFIGURATION.error()
    check_date(lock.until_ms, "RetainUntilDate")
    if lock.until_ms:
        _check_future(lock.until_ms, wall_ms, "RetainUntilDate")
    if lock.event is not None:
        _check_event(lock.event, MALFORMED_CONFIGURATION, may_stay=True)


def _check_event(event: EventHold, row: ErrorRow, *, may_stay: bool = False) -> None:
    """Raise the error of a row, or `InvalidArgument`, for an event hold that cannot be; `may_stay` lets one without a
    duration keep that which it has.
    """
    given = [unit for unit in (event.days, event.years) if unit]
    allowed = lock_model.RETENTION_YEARS_MAX if event.years else lock_model.RETENTION_DAYS_MAX
    if len(given) > 1 or (given and not event.is_on):
        raise row.error(reason="An event hold has one duration while it is on.", parameter=_EVENT, value="")
    if (given and not 1 <= given[0] <= allowed) or (event.is_on and not given and not may_stay):
        raise REFUSED_ARGUMENT.error(
            reason="The event hold duration must be 1 to 36500 days, or 1 to 100 years.",
            parameter=_EVENT,
            value=given[0] if given else "",
        )


def check_legal_hold(hold: str) -> None:
    """Raise `MalformedXML` for what says neither that an object is held nor that it is not."""
    if hold not in lock_model.LEGAL_HOLDS:
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
    until_ms = wall_ms + days * _DAY_MS if days else 0
    return ObjectLock(default.mode, until_ms, "" if asked is None else asked.hold, default.event)


def until_ms_of(lock: ObjectLock, wall_ms: int) -> int:
    """Return until when a version is retained; while its event hold is on that moves on with time."""
    if lock.event is None or not lock.event.is_on:
        return lock.until_ms
    return max(lock.until_ms, wall_ms + days_of(lock.event) * _DAY_MS)


def days_of(event: EventHold) -> int:
    """Return the duration of an event hold."""
    return event.days or event.years * _YEAR_DAYS


def is_held(lock: ObjectLock) -> bool:
    """Say whether nobody knows until when a version is protected: it is under a legal hold, or under an event's."""
    return lock.hold == lock_model.HOLD_ON or (lock.event is not None and lock.event.is_on)


def is_protected(record: ObjectRecord | None, wall_ms: int, *, bypasses: bool) -> bool:
    """Say whether a version must not be deleted; `bypasses` lets governance mode count for nothing."""
    lock = None if record is None else record.lock
    return lock is not None and (lock.hold == lock_model.HOLD_ON or _is_retained(lock, wall_ms, bypasses=bypasses))


def check_removal(record: ObjectRecord | None, wall_ms: int, *, bypasses: bool) -> None:
    """Raise `AccessDenied` for a version that must not be deleted, as `is_protected`."""
    if is_protected(record, wall_ms, bypasses=bypasses):
        raise protected()


def changed(before: ObjectLock, asked: ObjectLock, wall_ms: int, *, bypasses: bool) -> ObjectLock:
    """Return what a lock becomes by a change of its retention.

    A release leaves the event hold's duration, and one that becomes shorter no earlier end: both only where governance
    mode is not bypassed with another end. Raises `MalformedXML` for an event hold of which nobody ever told a duration,
    `AccessDenied` for what would weaken a retention that holds.
    """
    event = asked.event
    if not asked.mode:
        after = ObjectLock(hold=before.hold)
    else:
        until_ms = asked.until_ms or before.until_ms
        if event is not None and not (bypasses and asked.until_ms and before.mode == GOVERNANCE):
            until_ms = max(until_ms, until_ms_of(before, wall_ms))
        if event is not None and event.is_on and not days_of(event):
            event = before.event
        if (event is None or not event.is_on) and asked.event is not None and asked.event.is_on:
            raise MALFORMED_CONFIGURATION.error()
        if not until_ms and (event is None or not event.is_on):
            raise MALFORMED_CONFIGURATION.error()
        after = ObjectLock(asked.mode, until_ms, before.hold, before.event if event is None else event)
    weakens = after.mode != before.mode or until_ms_of(after, wall_ms) < until_ms_of(before, wall_ms)
    if weakens and _is_retained(before, wall_ms, bypasses=bypasses):
        raise protected()
    return after


def replicated(before: ObjectLock, source: ObjectLock, wall_ms: int) -> ObjectLock:
    """Return what the lock of a replica becomes by that of its source: where an event hold is released, its duration is
    left here, too. Raises `AccessDenied` for what would weaken a compliance mode that holds.
    """
    after = source
    if source.event is not None and not source.event.is_on and source.mode == before.mode:
        after = msgspec.structs.replace(source, until_ms=max(source.until_ms, until_ms_of(before, wall_ms)))
    weakens = after.mode != before.mode or until_ms_of(after, wall_ms) < until_ms_of(before, wall_ms)
    if weakens and _is_retained(before, wall_ms, bypasses=True):
        raise protected()
    return after


def protected() -> ServiceError:
    """Return the refusal of what a lock forbids."""
    return ACCESS_DENIED.error(reason="Access Denied because object protected by object lock.")


def shown_lock(lock: ObjectLock | None, wall_ms: int, *, retention: bool, hold: bool) -> ObjectLock | None:
    """Return what a caller may know of a lock: the retention, the hold, both, or nothing."""
    if lock is None:
        return None
    told = ObjectLock(lock.mode, until_ms_of(lock, wall_ms), event=lock.event) if retention else ObjectLock()
    told = msgspec.structs.replace(told, hold=lock.hold) if hold else told
    return None if told == ObjectLock() else told


def _is_retained(lock: ObjectLock, wall_ms: int, *, bypasses: bool) -> bool:
    return until_ms_of(lock, wall_ms) > wall_ms and not (bypasses and lock.mode == GOVERNANCE)


def _check_future(until_ms: int, wall_ms: int, parameter: str) -> None:
    if until_ms <= wall_ms:
        raise REFUSED_ARGUMENT.error(
            reason="The retain until date must be in the future!", parameter=parameter, value=until_ms
        )
