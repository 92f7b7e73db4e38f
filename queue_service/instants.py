"""The instants of a schedule: when it sends next. Pure functions of a timing and the wall clock's time.

A cron expression has five fields (minute, hour, day of month, month, day of week) and means wall time in its time zone,
by Debian cron's rules, as the library cronsim has them: what stands in the hour that summer time skips is sent right
after it, what stands in the hour that comes twice is sent once. Rates count from when they were set.
"""

from datetime import UTC, datetime
from typing import Any

from cumulo.core.errors import INVALID_PARAMETER_VALUE, ServiceError
from cumulo.core.lazy import LazyModule
from cumulo.queue_service.schedule_model import (
    CRON_CHARACTERS_MAX,
    EVERY_S_MAX,
    TIME_ZONE_CHARACTERS_MAX,
    Timing,
)

_cronsim = LazyModule("cronsim")
_zoneinfo = LazyModule("zoneinfo")
CRON_FIELDS = 5
AT_MS_MAX = 253_402_300_799_000
"""The end of the year 9999."""


def check_timing(timing: Timing, anchor_ms: int) -> None:
    """Raise `InvalidParameterValue` for a timing that is none, or never comes."""
    given = [name for name in ("cron", "every_s", "at_ms") if getattr(timing, name)]
    if len(given) != 1:
        raise _invalid("timing", ", ".join(given) or "absent", "exactly one of cron, every_s and at_ms is given")
    if timing.time_zone and not timing.cron:
        raise _invalid("time_zone", repr(timing.time_zone[:TIME_ZONE_CHARACTERS_MAX]), "it belongs to cron")
    if timing.every_s and not 1 <= timing.every_s <= EVERY_S_MAX:
        raise _invalid("every_s", timing.every_s, f"it must be >= 1 and <= {EVERY_S_MAX}")
    if timing.at_ms and not 0 < timing.at_ms <= AT_MS_MAX:
        raise _invalid("at_ms", timing.at_ms, f"it must be >= 1 and <= {AT_MS_MAX}")
    if timing.cron:
        _check_cron(timing, anchor_ms)


def _check_cron(timing: Timing, anchor_ms: int) -> None:
    shown = repr(timing.cron[:CRON_CHARACTERS_MAX])
    if len(timing.cron) > CRON_CHARACTERS_MAX or len(timing.cron.split()) != CRON_FIELDS:
        raise _invalid("cron", shown, f"it has {CRON_FIELDS} fields and at most {CRON_CHARACTERS_MAX} characters")
    try:
        _zone(timing.time_zone)
    except (ValueError, OSError, _zoneinfo.ZoneInfoNotFoundError) as error:
        zone = repr(timing.time_zone[:TIME_ZONE_CHARACTERS_MAX])
        raise _invalid("time_zone", zone, "it is a name of the IANA time zone database, as Europe/Berlin") from error
    try:
        found = next_instant_ms(timing, anchor_ms, anchor_ms)
    except _cronsim.CronSimError as error:
        raise _invalid("cron", shown, f"{error}: it is minute, hour, day of month, month, day of week") from error
    if found is None:
        raise _invalid("cron", shown, "it must come within 50 years")


def next_instant_ms(timing: Timing, anchor_ms: int, after_ms: int) -> int | None:
    """Return the first instant after `after_ms`, None where there is none. Rates count from `anchor_ms`."""
    if timing.at_ms:
        return timing.at_ms if timing.at_ms > after_ms else None
    if timing.every_s:
        period_ms = timing.every_s * 1000
        return anchor_ms + (max(0, after_ms - anchor_ms) // period_ms + 1) * period_ms
    after = datetime.fromtimestamp(after_ms / 1000, UTC).astimezone(_zone(timing.time_zone))
    found: datetime
    for found in _cronsim.CronSim(timing.cron, after):
        # Not so at once where `after` lies in the second of two hours that bear one name.
        if (found_ms := round(found.timestamp() * 1000)) > after_ms:
            return found_ms
    return None


def _zone(name: str) -> Any:
    if not name or name == "UTC":
        return UTC
    if len(name) > TIME_ZONE_CHARACTERS_MAX:
        raise ValueError(name)
    return _zoneinfo.ZoneInfo(name)


def _invalid(parameter: str, value: object, allowed: str) -> ServiceError:
    return INVALID_PARAMETER_VALUE.error(parameter=parameter, value=value, allowed=allowed)
