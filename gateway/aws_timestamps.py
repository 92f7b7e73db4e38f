"""AWS's three spellings of a point in time, read and written as milliseconds since 1970.

Owns the formats `iso8601` (XML and query strings), `rfc822` (headers) and `unixTimestamp` (JSON: seconds). A reader
takes any of the three, as AWS does; a writer writes the one that its place is used to.
"""

import functools
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

MS_PER_S = 1000
SECONDS_PER_DAY = 86_400
MS_MIN = -62_135_596_800_000
MS_MAX = 253_402_300_799_999
"""Years 1 to 9999, what ISO 8601 with four digits can say."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,9})?", re.ASCII)
_MINUTES = tuple(f"T{minute // 60:02}:{minute % 60:02}:" for minute in range(24 * 60))
_SECONDS = tuple(f"{second:02}" for second in range(60))
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parsed(text: str) -> int:
    """Return the milliseconds that a text of any of the three formats means. Raises `ValueError`."""
    if _NUMBER.fullmatch(text):
        return in_range(round(float(text) * MS_PER_S))
    if text[4:5] == "-":
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
    else:
        try:
            moment = parsedate_to_datetime(text)
        except OverflowError as error:  # of a number that no machine's word holds
            raise ValueError(f"{text[:64]!r} is no point in time") from error
        if moment.tzinfo is None:  # "-0000": the zone is not known
            moment = moment.replace(tzinfo=UTC)
    elapsed = moment - _EPOCH
    return in_range((elapsed.days * SECONDS_PER_DAY + elapsed.seconds) * MS_PER_S + elapsed.microseconds // 1000)


def in_range(moment_ms: int) -> int:
    """Return `moment_ms`. Raises `ValueError` where no calendar has it."""
    if not MS_MIN <= moment_ms <= MS_MAX:
        raise ValueError(f"{moment_ms} ms is outside the years 1 to 9999")
    return moment_ms


def iso8601(moment_ms: int) -> str:
    """Return `2026-10-03T12:00:00Z`, with milliseconds where there are any."""
    days, seconds = divmod(moment_ms // MS_PER_S, SECONDS_PER_DAY)
    rest_ms = moment_ms % MS_PER_S
    end = f".{rest_ms:03}Z" if rest_ms else "Z"
    return _day(days) + _MINUTES[seconds // 60] + _SECONDS[seconds % 60] + end


def iso8601_of_s3(moment_ms: int) -> str:
    """Return `2026-10-03T12:00:00.000Z`: S3 keeps whole seconds and writes them so."""
    seconds = moment_ms // MS_PER_S
    return _day(seconds // SECONDS_PER_DAY) + _MINUTES[seconds // 60 % 1440] + _SECONDS[seconds % 60] + ".000Z"


def iso8601_column_of_s3(moments_ms: list[int]) -> list[str]:
    """Return `iso8601_of_s3` of each; msgspec writes a thousand in half the time, and a listing has a thousand."""
    moments = msgspec.convert([moment_ms // MS_PER_S for moment_ms in moments_ms], list[datetime], strict=False)
    return msgspec.json.encode(moments).decode()[2:-2].replace("Z", ".000Z").split('","')


def rfc822(moment_ms: int) -> str:
    """Return `Sat, 03 Oct 2026 12:00:00 GMT`: HTTP's own format, in whole seconds."""
    moment = datetime.fromtimestamp(moment_ms // MS_PER_S, UTC)
    day = f"{_WEEKDAYS[moment.weekday()]}, {moment.day:02} {_MONTHS[moment.month - 1]} {moment.year:04}"
    return f"{day} {moment.hour:02}:{moment.minute:02}:{moment.second:02} GMT"


def unix_seconds(moment_ms: int) -> int | float:
    """Return the seconds since 1970, whole where they are."""
    seconds, rest_ms = divmod(moment_ms, MS_PER_S)
    return moment_ms / MS_PER_S if rest_ms else seconds


@functools.lru_cache(maxsize=4096)
def _day(days: int) -> str:
    return datetime.fromordinal(days + _EPOCH.toordinal()).strftime("%Y-%m-%d").rjust(10, "0")
