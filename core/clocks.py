"""The two clocks of the server, both ports so that tests move time by hand.

`wall_ms` is what people and signatures mean by time: it may jump. `deadline_ms` drives leases, delays, retention and
deduplication windows: it never goes back, not even over a restart, so a jump of the system clock moves no lease.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Time in whole milliseconds."""

    def wall_ms(self) -> int:
        """Return milliseconds since the Unix epoch by the system clock."""
        ...

    def deadline_ms(self) -> int:
        """Return a millisecond count that never decreases, near the wall clock's value at start."""
        ...


ONE_HOUR_MS = 3_600_000


class SystemClock:
    """The real clocks; `recorded_ms` is the last `deadline_ms` that the data folder saw (0 for a new one).

    The recorded value is believed only up to one hour ahead of the wall clock: otherwise a folder that once ran under a
    clock set years ahead would freeze every lease for years.
    """

    def __init__(self, recorded_ms: int = 0) -> None:
        wall = time.time_ns() // 1_000_000
        start = max(wall, min(recorded_ms, wall + ONE_HOUR_MS))
        self._offset_ms = start - _boot_ms()

    def wall_ms(self) -> int:
        """Return milliseconds since the Unix epoch by the system clock."""
        return time.time_ns() // 1_000_000

    def deadline_ms(self) -> int:
        """Return boot time plus the offset fixed at start."""
        return _boot_ms() + self._offset_ms


def _boot_ms() -> int:
    """Milliseconds since boot, counting suspended time: a lease must not outlive a laptop's sleep."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class ManualClock:
    """A clock for tests: both times stand still until `advance` moves them."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self.wall = now_ms
        self.deadline = now_ms

    def wall_ms(self) -> int:
        """Return the wall time set by the test."""
        return self.wall

    def deadline_ms(self) -> int:
        """Return the deadline time set by the test."""
        return self.deadline

    def advance(self, milliseconds: int) -> None:
        """Move both clocks forward."""
        assert milliseconds >= 0
        self.wall += milliseconds
        self.deadline += milliseconds
