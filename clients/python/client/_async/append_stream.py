"""Appending many records to a log through one stream: frames of up to 100, sent without waiting for the answers before.

Promises: records are appended in the order of `append`; a stream that breaks is opened again and what was not answered
is sent again under the same idempotency ids, so that nothing is lost and nothing stands twice; `flush` returns when
everything so far is durable. What the server refuses ends the stream, and nothing behind it is appended. One program
part appends; it may be another than the one that opened the stream.
"""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from cumulo.api.queue.v1 import log_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._async.connection import DEADLINE_S, AsyncConnection, AsyncLane, Metadata
from cumulo.client._async.reopening import AsyncReopeningStream
from cumulo.client.errors import from_item

FRAME_RECORDS_MAX = 100
FRAME_BYTES_MAX = 256 * 1024


class PendingRecord:
    """What becomes of one record: `position` once it is durable."""

    __slots__ = ("position",)

    def __init__(self) -> None:
        self.position: int | None = None

    @property
    def done(self) -> bool:
        """Say whether the record is durable."""
        return self.position is not None


class _Frame:
    def __init__(self, request: pb.StreamAppendRecordsRequest, pending: list[PendingRecord]) -> None:
        self.request = request
        self.pending = pending


class AsyncAppendStream(AsyncReopeningStream[pb.StreamAppendRecordsRequest, pb.StreamAppendRecordsResponse]):
    """A stream of records to one log; a context manager that flushes at a clean exit."""

    def __init__(self, connection: AsyncConnection, log: str, window: int) -> None:
        super().__init__(connection)
        self._log = log
        self._window = window
        self._waiting: deque[tuple[pb.AppendEntry, int, PendingRecord]] = deque()
        self._unanswered: deque[_Frame] = deque()
        self._again: deque[_Frame] = deque()
        """What an earlier attempt sent in vain."""
        self._is_taken = False
        """Whether the attempt's first frame was answered: until then no other follows, whose way would be in vain."""
        self._is_begun = False
        self._sequence = 0
        self._sent = 0
        self._answered = 0

    async def __aenter__(self) -> Self:
        await self._start("cumulo append stream")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flush, unless the block raised; then what was not answered yet may or may not be appended."""
        try:
            if kind is None:
                await self.flush()
        finally:
            await self.close()

    async def append(
        self, body: object, *, key: str = "", attributes: Mapping[str, model.Attribute] | None = None
    ) -> PendingRecord:
        """Put a record on its way; waits only while the window is full. Raises what ended the stream."""
        entry = _wire.append_entry(body, key, attributes)
        size = len(entry.body) + len(key) if not attributes else entry.ByteSize()
        pending = PendingRecord()
        if self._sent - self._answered >= self._window or self._failure is not None:
            await self._until(self._sent - self._window + 1)
        self._sent += 1
        self._waiting.append((entry, size, pending))
        self._work.set()
        return pending

    async def append_all(self, items: Iterable[object]) -> None:
        """Append many: bodies, or `OutgoingRecord` with what belongs to them."""
        for item in items:
            if isinstance(item, model.OutgoingRecord):
                await self.append(item.body, key=item.key, attributes=item.attributes)
            else:
                await self.append(item)

    async def flush(self) -> None:
        """Return when every record so far is durable; raises what ended the stream."""
        await self._until(self._sent)

    async def _until(self, answered: int) -> None:
        """Return when so many records were answered."""
        while True:
            self._news.clear()
            if self._failure is not None:
                raise self._failure
            if self._answered >= answered:
                return
            await self._news.wait()

    async def close(self) -> None:
        """End the stream; what was not answered yet may or may not be appended."""
        with self._lock:
            self._closing = True
            abandoned = self._answered < self._sent
            if abandoned:
                self._attempt += 1  # the running attempt cuts no further frame
            call = self._call
        self._work.set()
        if self._reader is None:
            return
        if call is not None and (abandoned or not await self._ended.wait(DEADLINE_S)):
            call.cancel()
        await self._reader.join()
        self._reader = None

    def _open(self, lane: AsyncLane, attempt: int, timeout: float, metadata: Metadata) -> Any:
        self._again = deque(self._unanswered)
        self._is_begun = self._is_taken = False
        return lane.log.StreamAppendRecords(self._frames(attempt), timeout=timeout, metadata=metadata)

    async def _frames(self, attempt: int) -> AsyncIterator[pb.StreamAppendRecordsRequest]:
        async for frame in self._cut_frames(attempt):
            yield frame

    def _cut_frame(self) -> pb.StreamAppendRecordsRequest | None:
        """Return the next frame, of an earlier attempt or of what waits, or None."""
        if self._failure is not None or (self._is_begun and not self._is_taken):
            return None
        frame = self._again.popleft() if self._again else self._new_frame()
        if frame is None:
            return None
        self._is_begun = True
        return frame.request

    def _new_frame(self) -> _Frame | None:
        entries: list[pb.AppendEntry] = []
        pending: list[PendingRecord] = []
        total = 0
        while self._waiting and len(entries) < FRAME_RECORDS_MAX:
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
        request = pb.StreamAppendRecordsRequest(
            log=self._log, sequence=self._sequence, entries=entries, request_id=self._connection.request_id()
        )
        frame = _Frame(request, pending)
        self._unanswered.append(frame)
        return frame

    async def _take(self, answer: pb.StreamAppendRecordsResponse) -> None:
        with self._lock:
            frame = self._unanswered.popleft()
            self._is_taken = True
            if answer.HasField("error"):
                self._failure = from_item(answer.error.code, answer.error.message)
                self._closing = True
        assert frame.request.sequence == answer.sequence, "frames are answered in their order"
        self._work.set()
        if self._failure is None:
            for index, pending in enumerate(frame.pending):
                pending.position = answer.first_position + index
            self._answered += len(frame.pending)
            self._patience.progress()
        self._news.set()
