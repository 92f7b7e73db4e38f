"""A bar on standard error for what takes a while; where that is no terminal, a line now and then."""

import sys
import time

WIDTH = 30
BAR_EVERY_S, LINE_EVERY_S = 0.2, 10.0


class Progress:
    """How far something with a known number of steps has come."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._terminal = sys.stderr.isatty()
        self._began_s = self._shown_s = time.monotonic()

    def advance(self, count: int) -> None:
        """Note that so many more are done."""
        self._done += count
        every_s = BAR_EVERY_S if self._terminal else LINE_EVERY_S
        if time.monotonic() - self._shown_s >= every_s:
            self._show()

    def end(self) -> None:
        """Leave the last line standing, where one was shown."""
        if time.monotonic() - self._began_s >= (BAR_EVERY_S if self._terminal else LINE_EVERY_S):
            self._show()
            if self._terminal:
                sys.stderr.write("\n")

    def _show(self) -> None:
        self._shown_s = time.monotonic()
        per_s = self._done / max(self._shown_s - self._began_s, 1e-3)
        filled = WIDTH * self._done // max(self._total, 1)
        left_s = (self._total - self._done) / max(per_s, 1e-3)
        bar = "#" * filled + "." * (WIDTH - filled)
        line = f"{self._what} [{bar}] {self._done:,} of {self._total:,}, {per_s:,.0f}/s, {left_s:.0f} s left"
        sys.stderr.write(f"\r\x1b[K{line}" if self._terminal else f"{line}\n")
        sys.stderr.flush()
