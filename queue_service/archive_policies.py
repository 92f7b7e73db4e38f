"""What SNS's policies about archives say: how long a FIFO topic keeps what is published, and what is to come again.

Pure functions of the texts that `ArchivePolicy` of a topic and `ReplayPolicy` of a subscription have. Sources: Amazon
SNS developer guide, "Message archiving for FIFO topic owners" and "Message replay for FIFO topic subscribers".
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.queue_service.json_tokens import Malformed, compact
from cumulo.queue_service.topic_errors import INVALID_PARAMETER

ARCHIVE_POLICY = "ArchivePolicy"
REPLAY_POLICY = "ReplayPolicy"
DAYS_MAX = 365
DAY_S = 86_400
POLICY_CHARACTERS_MAX = 1_024
"""Ours: neither policy has more than three members."""
_PERIOD = "MessageRetentionPeriod"
_POINT_TYPE, _START, _END = "PointType", "StartingPoint", "EndingPoint"
_TIMESTAMP = "Timestamp"


class ReplayPoints(msgspec.Struct, frozen=True):
    """From when to when a subscription is to get what its topic kept, in wall time; `end_ms` 0: up to the present, and
    what is published from then on.
    """

    start_ms: int
    end_ms: int = 0


def archive_s(text: str) -> int:
    """Return for how many seconds a topic with this policy keeps what is published; 0 where it does not."""
    policy = _members(ARCHIVE_POLICY, text, (_PERIOD,))
    if not policy:
        return 0
    days = policy[_PERIOD]
    if isinstance(days, str) and days.isascii() and days.isdecimal():
        days = int(days[: len(str(DAYS_MAX)) + 1])
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= DAYS_MAX:
        raise _wrong(f"{ARCHIVE_POLICY}: {_PERIOD} must be an integer between 1 and {DAYS_MAX}")
    return days * DAY_S


def replay_points(text: str, prefix: str = "") -> ReplayPoints | None:
    """Return what a replay policy asks for, None where it ends a replay; `prefix` goes before each complaint."""
    name = f"{prefix}{REPLAY_POLICY}"
    policy = _members(name, text, (_POINT_TYPE, _START, _END))
    if not policy:
        return None
    for required in (_POINT_TYPE, _START):
        if required not in policy:
            raise _wrong(f"{name}: {required} is required")
    if policy[_POINT_TYPE] != _TIMESTAMP:
        raise _wrong(f"{name}: {_POINT_TYPE} must be {_TIMESTAMP}")
    start_ms = _time_ms(name, _START, policy[_START])
    end_ms = _time_ms(name, _END, policy[_END]) if policy.get(_END) else 0
    if end_ms and end_ms <= start_ms:
        raise _wrong(f"{name}: {_END} must be later than {_START}")
    return ReplayPoints(start_ms, end_ms)


def _time_ms(name: str, member: str, value: object) -> int:
    """Return a time of the form of ISO 8601; one without an offset is UTC's."""
    try:
        time = datetime.fromisoformat(value if isinstance(value, str) else "")
        if time.tzinfo is None:
            time = time.replace(tzinfo=UTC)
        at_ms = round(time.timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise _wrong(f"{name}: {member} must be a timestamp such as 2023-10-01T10:00:00.000Z") from error
    return max(0, at_ms)


def _members(name: str, text: str, known: tuple[str, ...]) -> dict[str, Any]:
    """Return the members of a policy; an empty one has none."""
    try:
        policy = msgspec.json.decode(compact(text)) if len(text) <= POLICY_CHARACTERS_MAX else None
    except (Malformed, msgspec.DecodeError, RecursionError) as error:
        raise _wrong(f"{name}: failed to parse JSON.") from error
    if not isinstance(policy, dict):
        raise _wrong(f"{name}: failed to parse JSON.")
    for member in policy:
        if member not in known:
            raise _wrong(f"{name}: invalid JSON. Attribute {member[:80]} is unknown.")
    return policy


def _wrong(text: str) -> ServiceError:
    return INVALID_PARAMETER.error(text=text)
