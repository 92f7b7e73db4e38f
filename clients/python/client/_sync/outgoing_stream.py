# Generated from _async/outgoing_stream.py by `make gen` (.ci/sync_twin.py). Do not edit.
"""What streams that send have in common: what waits for its frame, what waits for its answer, and the end.

Promises: what was put first is sent first, in frames of up to 100; `_until` returns when so much was answered; closing
abandons what was not answered. Knows neither messages nor records: the kind of stream makes a frame's request and reads
its answer. One program part puts; it may be another than the one that opened the stream.
"""

from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Generic, TypeVar

from cumulo.client._sync.connection import DEADLINE_S, Connection
from cumulo.client._sync.reopening import Answer, ReopeningStream, Request

FRAME_ENTRIES_MAX = 100
FRAME_BYTES_MAX = 256 * 1024

Entry = TypeVar("Entry")
Pending = TypeVar("Pending")


class Frame(Generic[Request, Pending]):
    """A request, and what becomes of each of its entries."""

    def __init__(self, request: Request, pending: list[Pending]) -> None:
        self.request = request
        self.pending = pending


class OutgoingStream(ReopeningStream[Request, Answer], Generic[Request, Answer, Entry, Pending]):
    """A stream that sends entries with up to `window` of them unanswered; flushed at a clean exit of its block."""

    def __init__(self, connection: Connection, window: int) -> None:
        super().__init__(connection)
        self._window = window
        self._waiting: deque[tuple[Entry, int, Pending]] = deque()
        """Entries without a frame yet, with their sizes."""
        self._unanswered: deque[Frame[Request, Pending]] = deque()
        self._sequence = 0
        self._sent = 0
        self._answered = 0

    def flush(self) -> None:
        """Return when everything so far was answered."""
        raise NotImplementedError

    def _request(self, sequence: int, entries: Sequence[Entry]) -> Request:
        """Return the request of a new frame."""
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flush, unless the block raised; then what was not answered yet may or may not be stored."""
        try:
            if kind is None:
                self.flush()
        finally:
            self.close()

    def close(self) -> None:
        """End the stream; what was not answered yet may or may not be stored."""
        with self._lock:
            self._closing = True
            abandoned = self._answered < self._sent
            if abandoned:
                self._attempt += 1  # the running attempt cuts no further frame
            call = self._call
        self._work.set()
        if self._reader is None:
            return
        if call is not None and (abandoned or not self._ended.wait(DEADLINE_S)):
            call.cancel()
        self._reader.join()
        self._reader = None

    def _put(self, entry: Entry, size_bytes: int, pending: Pending) -> None:
        """Put an entry on its way; waits only while the window is full. Raises what ended the stream."""
        if self._failure is not None:
            raise self._failure
        if self._sent - self._answered >= self._window:
            self._until(self._sent - self._window + 1)
        self._sent += 1
        self._waiting.append((entry, size_bytes, pending))
        self._work.set()

    def _until(self, answered: int) -> None:
        """Return when so many entries were answered; raises what ended the stream before."""
        while self._answered < answered:
            self._news.clear()
            if self._failure is not None:
                raise self._failure
            if self._answered < answered:
                self._news.wait()

    def _new_frame(self) -> Frame[Request, Pending] | None:
        """Return a frame of what waits, None where nothing does; it counts as unanswered."""
        entries: list[Entry] = []
        pending: list[Pending] = []
        total = 0
        while self._waiting and len(entries) < FRAME_ENTRIES_MAX:
            entry, size, one = self._waiting[0]
            if entries and total + size > FRAME_BYTES_MAX:
                break
            self._waiting.popleft()
            entries.append(entry)
            pending.append(one)
            total += size
        if not entries:
            return None
        self._sequence += 1
        frame = Frame(self._request(self._sequence, entries), pending)
        self._unanswered.append(frame)
        return frame
