# Generated from _async/leases.py by `make gen` (.ci/sync_twin.py). Do not edit.
"""Keeping received messages invisible to others while they are being handled.

One background function for a client extends, at a third of their visibility timeouts, the messages that wait to be
handed out and those whose `with` block runs. Promises that a message is left alone once it is deleted or given back,
or while nobody handles it in a block. Knows the queue service's calls and no more.
"""

import threading
import time
from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.client._sync.connection import DEADLINE_S, Connection
from cumulo.client._threads import Background, Signal
from cumulo.client.errors import CumuloError

EXTENSIONS_PER_CALL_MAX = 100
INTERVAL_MIN_S = 0.2
EXTENSION_DEADLINE_MIN_S = 2.0


class Care(IntEnum):
    """Who looks after a received message."""

    WAITING = 0
    """It waits to be handed out: it is extended."""
    HANDED_OUT = 1
    """The program has it and said nothing: its visibility timeout runs."""
    IN_BLOCK = 2
    """Its `with` block runs: it is extended."""
    DONE = 3
    """Deleted or given back."""
    LOST = 4
    """Another receiver has it, or had it."""
    IN_TRANSACTION = 5
    """A transaction is to delete it: it is extended."""


KEPT = frozenset((Care.WAITING, Care.IN_BLOCK, Care.IN_TRANSACTION))
"""Those that are extended."""


class Leased(Protocol):
    """What a keeper needs to know of a received message."""

    care: Care
    leased_until: float
    """By `time.monotonic`."""
    batch: object
    """With which others it comes due; set by the keeper."""

    @property
    def receipt_handle(self) -> str:
        """Proof of the receive."""
        ...


class _Batch:
    """Messages that were received together and come due together."""

    def __init__(self, queue: str, timeout_s: int, messages: Sequence[Leased]) -> None:
        self.queue = queue
        self.timeout_s = timeout_s
        self.messages = list(messages)
        self.interval_s = max(INTERVAL_MIN_S, timeout_s / 3)
        self.due = messages[0].leased_until - timeout_s + self.interval_s
        for message in messages:
            message.batch = self


class LeaseKeeper:
    """Extends messages until closed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        """The client's, for whoever has the keeper."""
        self._batches: list[_Batch] = []
        self._changed = Signal()
        self._lock = threading.Lock()
        self._background: Background | None = None
        self._closed = False

    def keep(self, queue: str, timeout_s: int, messages: Sequence[Leased]) -> None:
        """Look after messages of `queue`, extending them for `timeout_s` seconds each time.

        The first time comes a third of `timeout_s` after they were received, at once where it is too late for that.
        """
        if not messages or timeout_s <= 0:
            return
        batch = _Batch(queue, timeout_s, messages)
        with self._lock:
            self._batches.append(batch)
            if self._background is None and not self._closed:
                self._background = Background(self._run, "cumulo leases")
        self._changed.set()

    def _run(self) -> None:
        while not self._closed:
            self._changed.clear()
            with self._lock:
                next_due = min((it.due for it in self._batches), default=None)
            wait_s = None if next_due is None else max(0.0, next_due - time.monotonic())
            if wait_s is None or wait_s > 0:
                self._changed.wait(wait_s)
                continue
            now = time.monotonic()
            with self._lock:
                due = [it for it in self._batches if it.due <= now]
            for batch in due:
                self._extend(batch)
            with self._lock:
                self._batches = [it for it in self._batches if it.messages]

    def _extend(self, batch: _Batch) -> None:
        """Extend what is being looked after, and set the next time."""
        now = time.monotonic()
        batch.due = now + batch.interval_s
        batch.messages = [it for it in batch.messages if it.batch is batch and _is_open(it, now)]
        kept = [it for it in batch.messages if it.care in KEPT]
        for start in range(0, len(kept), EXTENSIONS_PER_CALL_MAX):
            self._extend_together(batch, kept[start : start + EXTENSIONS_PER_CALL_MAX])

    def _extend_together(self, batch: _Batch, messages: Sequence[Leased]) -> None:
        request = pb.BatchChangeMessageVisibilityRequest(
            queue=batch.queue,
            entries=[
                pb.VisibilityChange(receipt_handle=it.receipt_handle, visibility_timeout_s=batch.timeout_s)
                for it in messages
            ],
        )
        asked = time.monotonic()
        try:
            response = self.connection.call(
                self.connection.lane.queue.BatchChangeMessageVisibility,
                request,
                min(DEADLINE_S, max(EXTENSION_DEADLINE_MIN_S, batch.interval_s)),
            )
        except CumuloError:
            return  # two thirds of the timeout are left for the next turn
        for message, result in zip(messages, response.results, strict=True):
            if not result.HasField("error"):
                message.leased_until = asked + batch.timeout_s
            elif result.error.sender_fault and message.care is not Care.DONE:
                message.care = Care.LOST

    def close(self) -> None:
        """Stop."""
        with self._lock:
            self._closed = True
            background, self._background = self._background, None
        self._changed.set()
        if background is not None and not background.is_current():
            background.join()


def _is_open(message: Leased, now: float) -> bool:
    """Say whether a message may still need an extension. One that was handed out may enter its block later."""
    return message.care in KEPT or (message.care is Care.HANDED_OUT and message.leased_until > now)
