"""The calls that wait for the writer's thread, and how long it waits for more of them before it commits.

Owns the hand-over between the event loop and the writer, and the guess of how many callers are about. Promises: a lone
caller, and the first after a pause, are committed at once; the writer is woken once for a batch, not for each call; it
never waits longer than `GATHER_MAX_S`, nor longer than `GATHER_LOOK_S` where the event loop has nothing to do
(docs/decisions/0013). Knows neither functions nor storage.
"""

import contextlib
import queue
import threading
import time
from typing import Generic, TypeVar

GATHER_LOOK_S = 0.000_5
"""About what a commit takes; after that long the writer looks whether waiting further makes sense."""
GATHER_MAX_S = 0.005
"""A bound that is rarely met: in five milliseconds a busy loop brings about 16 unary gRPC calls."""
BUSY_SHARE = 0.25
"""The part of the time that the event loop computed above which more calls are thought to be on their way; no larger,
because on a machine that others load it gets no more of a processor however much it has to do.
"""
FORGET_S = 0.02
"""A pause after which nobody is expected any more."""
ENOUGH_OPERATIONS = 4_000
"""A batch that did as much took some 5 ms of the writer: sharing a commit of 0.2 ms wins nothing then."""
_NEVER = 1 << 30

T = TypeVar("T")


class Gathering(Generic[T]):
    """A line of calls. The thread that made it, the event loop's, adds to it; the writer's takes.

    Both touch the list only by single operations, each of which the interpreter's lock makes whole.
    """

    def __init__(self) -> None:
        self._calls: list[T] = []
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._wake_at = _NEVER
        self._expected = 1
        self._loop_cpu_clock = time.pthread_getcpuclockid(threading.get_ident())
        self.closed = False
        """Whether no further call comes."""

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, call: T) -> None:
        """Let a call wait for the next batch."""
        calls = self._calls
        calls.append(call)
        if len(calls) >= self._wake_at:
            self._wake()

    def close(self) -> None:
        """Say that no further call comes; from any thread."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        self._wake_at = _NEVER  # once for each wait
        self._woken.put(None)

    def take(self, count_max: int, idle_s: float) -> list[T]:
        """Wait for calls, at most `idle_s` for the first, and return up to `count_max`, in their order."""
        calls = self._calls
        if not calls:
            began_s = time.monotonic()
            self._wait(1, idle_s)
            if time.monotonic() - began_s > FORGET_S:
                self._expected = 1
        if calls:
            self._gather(min(self._expected, count_max))
        taken = calls[:count_max]
        del calls[:count_max]
        return taken

    def take_all(self) -> list[T]:
        """Return what is here, without waiting."""
        taken = self._calls[:]
        del self._calls[: len(taken)]
        return taken

    def put_back(self, calls: list[T]) -> None:
        """Let calls that were taken stand at the front again, which did not fit into the commit."""
        self._calls[:0] = calls

    def answered(self, count: int, operations: int) -> None:
        """Note that a batch of `count` calls is about to be answered: its callers, and those who wait already, are
        expected to be here again soon.
        """
        self._expected = count + len(self._calls) if operations < ENOUGH_OPERATIONS else 1

    def _gather(self, count: int) -> None:
        """Wait until `count` calls are here, as long as that makes sense."""
        for wait_s in (GATHER_LOOK_S, GATHER_MAX_S - GATHER_LOOK_S):
            if len(self._calls) >= count or self.closed:
                return
            began_s, computed_s = time.monotonic(), time.clock_gettime(self._loop_cpu_clock)
            self._wait(count, wait_s)
            waited_s, computed_s = time.monotonic() - began_s, time.clock_gettime(self._loop_cpu_clock) - computed_s
            if computed_s < waited_s * BUSY_SHARE:
                return

    def _wait(self, count: int, timeout_s: float) -> None:
        """Wait until `count` calls are here. May end early, by a wake-up that crossed with the end of the last wait."""
        self._wake_at = count
        if len(self._calls) < count and not self.closed:
            with contextlib.suppress(queue.Empty):
                self._woken.get(timeout=timeout_s)
        self._wake_at = _NEVER
