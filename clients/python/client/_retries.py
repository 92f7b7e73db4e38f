"""When a call is tried again, and after how long: full jitter, within the call's own deadline.

Knows nothing of calls: a failure and a count go in, a pause or None comes out.
"""

import random
import time

from cumulo.client.errors import (
    Conflict,
    CumuloError,
    DeadlineExceeded,
    OutcomeUnknown,
    Throttled,
    Unauthenticated,
    Unavailable,
)

ATTEMPTS_MAX = 8
PAUSE_FIRST_S = 0.05
PAUSE_MAX_S = 2.0

_jitter = random.SystemRandom()  # forked workers must not pause in step


def pause_before_retry(failure: CumuloError, attempt: int, left_s: float) -> float | None:
    """Return how long to wait before attempt number `attempt + 1` of a call that may safely be repeated.

    None where a repeat cannot help or its pause would outlive the `left_s` seconds of the call's deadline. The pause is
    drawn evenly from 0 to a bound that doubles ("full jitter": clients that failed together come back apart).
    """
    if not isinstance(failure, (Unavailable, OutcomeUnknown, Conflict, Throttled)) or attempt >= ATTEMPTS_MAX:
        return None
    if failure.code == "InsufficientStorage":  # a disk does not empty itself within seconds
        return None
    bound = min(PAUSE_MAX_S, PAUSE_FIRST_S * 2 ** (attempt - 1))
    pause = _jitter.uniform(0, bound)
    if isinstance(failure, Throttled):
        pause += failure.retry_after or 0
    return pause if pause < left_s else None


REOPEN_PAUSE_S = 0.1
REOPEN_FOR_S = 60.0
STABLE_S = 30.0
"""A stream that lived so long was open: gRPC gives up connecting after 20 s."""


class Patience:
    """How long a stream that breaks is opened again: `limit_s` since it last worked."""

    def __init__(self, limit_s: float = REOPEN_FOR_S) -> None:
        self._limit_s = limit_s
        self._opened = self._worked = time.monotonic()

    def opening(self) -> None:
        """Note that the stream is being opened."""
        self._opened = time.monotonic()

    def progress(self) -> None:
        """Note that something came through it, or that somebody begins to wait for it."""
        self._worked = time.monotonic()

    def allows(self, failure: CumuloError | None) -> bool:
        """Say whether a stream that ended with `failure` (None: in good order) is to be opened again."""
        now = time.monotonic()
        if now - self._opened > STABLE_S:
            self._worked = now
        passing = (
            failure is None
            or isinstance(failure, (Unauthenticated, DeadlineExceeded))
            or pause_before_retry(failure, 1, REOPEN_FOR_S) is not None
        )
        return passing and now - self._worked < self._limit_s
