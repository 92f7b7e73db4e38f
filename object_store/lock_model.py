"""S3's Object Lock: retention, legal holds and event holds, of a version and by a bucket's default.

Records bear an `ObjectLock`, so its fields only ever grow. Knows no time: `locks.py` decides. Sources of the limits:
Amazon S3 user guide, "Locking objects with Object Lock"; API reference, DefaultRetention.
"""

from typing import Final

import msgspec

GOVERNANCE: Final = "GOVERNANCE"
COMPLIANCE: Final = "COMPLIANCE"
LOCK_MODES: Final = (GOVERNANCE, COMPLIANCE)
HOLD_ON: Final = "ON"
LEGAL_HOLDS: Final = (HOLD_ON, "OFF")
RETENTION_DAYS_MAX: Final = 36_500
RETENTION_YEARS_MAX: Final = 100
"""Of a bucket's default retention: S3's limits, which are the same where a year has 365 days."""
RETAIN_UNTIL_MS_MAX: Final = 253_402_300_799_999
"""The end of the year 9999, behind which no calendar goes."""


class EventHold(msgspec.Struct, frozen=True, array_like=True):
    """A retention that begins with an event: while it is on, so many days or years, of 365 days each, are always left;
    from its release on they pass. Once it is off it has no duration.
    """

    is_on: bool
    days: int = 0
    years: int = 0


class ObjectLock(msgspec.Struct, frozen=True, array_like=True):
    """What protects a version of an object: it is retained in one of `LOCK_MODES` until a time of the system's clock,
    for as long as its event hold says, whichever is longer, or it is held. An empty `mode` is no retention, an empty
    `hold` says that nobody ever said; None of `event` likewise.
    """

    mode: str = ""
    until_ms: int = 0
    hold: str = ""
    event: EventHold | None = None


class BucketLock(msgspec.Struct, frozen=True, array_like=True):
    """That a bucket's objects can be locked, and how new ones are that do not say: retained in a mode for so many days
    or years, of 365 days each, or by an event hold, or both. An empty `mode` leaves them free.
    """

    mode: str = ""
    days: int | None = None
    years: int | None = None
    event: EventHold | None = None


class GetObjectRetention(msgspec.Struct, frozen=True):
    """Read until when an object is retained: answers an `ObjectLock` without a hold."""

    bucket: str
    key: str
    version_id: str = ""


class SetObjectRetention(msgspec.Struct, frozen=True):
    """Retain an object until a time, or by an `event` hold, or, without a mode, no longer; answers the id of its
    version. What is not said of time and event stays; a hold that is on may be released, which leaves its duration.

    A retention that still holds may always be prolonged; in governance mode anything else needs the caller to ask for
    it by `bypasses_governance` and to be allowed that, in compliance mode nobody can do anything else.
    """

    bucket: str
    key: str
    mode: str = ""
    until_ms: int = 0
    version_id: str = ""
    bypasses_governance: bool = False
    request_id: str = ""
    event: EventHold | None = None

    @property
    def lock(self) -> ObjectLock:
        """The lock that is asked for."""
        return ObjectLock(self.mode, self.until_ms, event=self.event)


class GetObjectLegalHold(msgspec.Struct, frozen=True):
    """Read whether an object is held: answers one of `LEGAL_HOLDS`."""

    bucket: str
    key: str
    version_id: str = ""


class SetObjectLegalHold(msgspec.Struct, frozen=True):
    """Hold an object, or let it go: `hold` is one of `LEGAL_HOLDS`. Answers the id of its version."""

    bucket: str
    key: str
    hold: str
    version_id: str = ""
    request_id: str = ""
