"""Names and attributes of logs, and what a record may be: what is allowed, and the defaults of what was not given."""

import functools
import re
from collections.abc import Sequence

import msgspec

from cumulo.core.errors import INVALID_PARAMETER_VALUE, MISSING_PARAMETER
from cumulo.core.names import is_account_id, is_region, parse_arn, parse_resource_name
from cumulo.queue_service import message_attributes
from cumulo.queue_service.errors import (
    BATCH_REQUEST_TOO_LONG,
    INVALID_ATTRIBUTE_VALUE,
    RECORD_TOO_LONG,
)
from cumulo.queue_service.log_keys import LogMeta
from cumulo.queue_service.log_model import (
    APPEND_BYTES_MAX,
    APPEND_RECORDS_MAX,
    GROUP_NAME_CHARACTERS_MAX,
    LANES_MAX,
    LOG_NAME_CHARACTERS_MAX,
    MEMBER_ID_CHARACTERS_MAX,
    POSITION_MAX,
    RECORD_ATTRIBUTES_BYTES_MAX,
    RECORD_BYTES_MAX,
    RECORD_KEY_BYTES_MAX,
    RETENTION_BYTES_MIN,
    RETENTION_MAX,
    RETENTION_S_MAX,
    RETENTION_S_MIN,
    TIME_MS_MAX,
    AppendEntry,
    From,
    LaneCursor,
    LogAttributes,
    Start,
    log_arn,
)
from cumulo.queue_service.stamping import check_count, out_of_range

POLICY = "policy"
LANE_COUNT = "lane_count"
_RANGES = {
    "retention_s": (RETENTION_S_MIN, RETENTION_S_MAX),
    "retention_bytes": (RETENTION_BYTES_MIN, RETENTION_MAX),
    "retention_records": (1, RETENTION_MAX),
}
"""Each may be 0, too: no limit."""
NAMES = (LANE_COUNT, *_RANGES, POLICY)
"""The attributes that a caller may give, by the names of `LogAttributes`."""
_DEFAULTS = LogMeta()
_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{LOG_NAME_CHARACTERS_MAX}}}")
_GROUP = re.compile(rf"[A-Za-z0-9_.-]{{1,{GROUP_NAME_CHARACTERS_MAX}}}")
_MEMBER = re.compile(rf"[A-Za-z0-9_.-]{{1,{MEMBER_ID_CHARACTERS_MAX}}}")
_RESOURCE = "log/"
_SHOWN_CHARACTERS_MAX = 120


class LogPlace(msgspec.Struct, frozen=True):
    """Which log a request means, whether it exists or not."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The log's ARN."""
        return log_arn(self.account, self.region, self.name)


@functools.lru_cache(maxsize=4096)
def place(text: str, account: str, region: str) -> LogPlace:
    """Return which log `text` means: an ARN, a full name, or a short name in the caller's own account and region.

    Raises `MissingParameter` and `InvalidParameterValue`.
    """
    if not text:
        raise MISSING_PARAMETER.error(parameter="log")
    if text.startswith("arn:"):
        meant = place_of(text)
    else:
        parts = parse_resource_name(text, "logs", account, region)
        meant = LogPlace(*parts) if parts is not None and _NAME.fullmatch(parts[2]) else None
    if meant is None:
        raise INVALID_PARAMETER_VALUE.error(
            parameter="log",
            value=repr(text[:_SHOWN_CHARACTERS_MAX]),
            allowed=f"a log name has 1 to {LOG_NAME_CHARACTERS_MAX} letters, digits, hyphens and underscores;"
            " in full it is accounts/{account}/regions/{region}/logs/{log} or the log's ARN",
        )
    return meant


def place_of(arn_text: str) -> LogPlace | None:
    """Return whose log of which name an ARN means; None where it is no log's ARN."""
    arn = parse_arn(arn_text)
    if arn is None or arn.service != "sqs" or not arn.resource.startswith(_RESOURCE):
        return None
    name = arn.resource.removeprefix(_RESOURCE)
    if not (is_account_id(arn.account) and is_region(arn.region) and _NAME.fullmatch(name)):
        return None
    return LogPlace(arn.account, arn.region, name)


def written(attributes: LogAttributes) -> dict[str, int]:
    """Return the fields of `LogMeta` that the given attributes set, checked; the policy is no part of it.

    Raises `InvalidAttributeValue`.
    """
    fields: dict[str, int] = {}
    lane_count = attributes.lane_count
    if lane_count is not None:
        if not 1 <= lane_count <= LANES_MAX:
            raise INVALID_ATTRIBUTE_VALUE.error(
                parameter=LANE_COUNT, value=lane_count, allowed=f"it must be between 1 and {LANES_MAX}"
            )
        fields[LANE_COUNT] = lane_count
    for name, (lowest, highest) in _RANGES.items():
        value = getattr(attributes, name)
        if value is not None:
            if value and not lowest <= value <= highest:
                raise INVALID_ATTRIBUTE_VALUE.error(
                    parameter=name, value=value, allowed=f"it must be 0, or between {lowest} and {highest}"
                )
            fields[name] = value
    return fields


def default(name: str) -> dict[str, int]:
    """Return the fields of `LogMeta` that bring an attribute back to its default; raises `InvalidAttributeValue`."""
    if name == POLICY:
        return {}
    if name not in NAMES:
        raise INVALID_ATTRIBUTE_VALUE.error(
            parameter="update_mask", value=repr(name[:_SHOWN_CHARACTERS_MAX]), allowed=f"one of {', '.join(NAMES)}"
        )
    return {name: getattr(_DEFAULTS, name)}


def check_entries(entries: Sequence[AppendEntry]) -> None:
    """Raise what is wrong with records to append: `RecordTooLong`, `BatchRequestTooLong`, `InvalidParameterValue`."""
    check_count(entries, APPEND_RECORDS_MAX)
    total = 0
    for index, entry in enumerate(entries):
        size = len(entry.body)
        if entry.key:
            size += _checked(index, "key", len(entry.key.encode()), RECORD_KEY_BYTES_MAX)
        if entry.attributes:
            message_attributes.check(entry.attributes)
            length = message_attributes.size_bytes(entry.attributes)
            size += _checked(index, "attributes", length, RECORD_ATTRIBUTES_BYTES_MAX)
        if size > RECORD_BYTES_MAX:
            _checked(index, "key, attributes and body", size, RECORD_BYTES_MAX)
        total += size
    if total > APPEND_BYTES_MAX:
        raise BATCH_REQUEST_TOO_LONG.error(limit=APPEND_BYTES_MAX, size=total)


def _checked(index: int, part: str, size: int, limit: int) -> int:
    """Return the size of a part of a record; raise `RecordTooLong`."""
    if size > limit:
        raise RECORD_TOO_LONG.error(index=index, size=size, part=part, limit=limit)
    return size


def check_range(parameter: str, value: int, lowest: int, highest: int) -> None:
    """Raise `InvalidParameterValue` for a number out of its range."""
    if not lowest <= value <= highest:
        raise out_of_range(parameter, value, lowest, highest)


def check_start(start: Start) -> None:
    """Raise `InvalidParameterValue` for a position or a time that cannot be."""
    if start.by is From.POSITION:
        check_range("position", start.value, 0, POSITION_MAX)
    elif start.by is From.TIME:
        check_range("time_ms", start.value, 0, TIME_MS_MAX)


def check_cursors(parameter: str, cursors: Sequence[LaneCursor]) -> None:
    """Raise `InvalidParameterValue` for lanes, tokens or positions that cannot be."""
    if len({it.lane for it in cursors}) < len(cursors):
        raise INVALID_PARAMETER_VALUE.error(
            parameter=parameter, value="a lane that stands twice", allowed="each lane is named once"
        )
    for it in cursors:
        check_range(f"{parameter}.lane", it.lane, 0, LANES_MAX - 1)
        check_range(f"{parameter}.token", it.token, 0, POSITION_MAX)
        check_range(f"{parameter}.position", it.position, 0, POSITION_MAX)


def check_group(name: str) -> None:
    """Raise `MissingParameter` or `InvalidParameterValue` for what is no name of a consumer group."""
    _check_name("group", name, _GROUP, GROUP_NAME_CHARACTERS_MAX)


def check_member(member: str) -> None:
    """Raise `MissingParameter` or `InvalidParameterValue` for what is no id of a member."""
    _check_name("member", member, _MEMBER, MEMBER_ID_CHARACTERS_MAX)


def _check_name(parameter: str, value: str, pattern: re.Pattern[str], limit: int) -> None:
    if not value:
        raise MISSING_PARAMETER.error(parameter=parameter)
    if not pattern.fullmatch(value):
        raise INVALID_PARAMETER_VALUE.error(
            parameter=parameter,
            value=repr(value[:_SHOWN_CHARACTERS_MAX]),
            allowed=f"1 to {limit} letters, digits, hyphens, underscores and periods",
        )
