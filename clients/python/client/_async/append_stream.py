"""Appending many records to a log through one stream: frames of up to 100, sent without waiting for the answers before.

Promises: records are appended in the order of `append`; a stream that breaks is opened again and what was not answered
is sent again under the same idempotency ids, so that nothing is lost and nothing stands twice; `flush` returns when
everything so far is durable. What the server refuses ends the stream, and nothing behind it is appended. One program
part appends; it may be another than the one that opened the stream.
"""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Self

from cumulo.api.queue.v1 import log_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._async.connection import AsyncConnection, AsyncLane, Metadata
from cumulo.client._async.outgoing_stream import AsyncOutgoingStream, Frame
from cumulo.client.errors import from_item


class PendingRecord:
    """What becomes of one record: `position` once it is durable."""

    __slots__ = ("position",)

    def __init__(self) -> None:
        self.position: int | None = None

    @property
    def done(self) -> bool:
        """Say whether the record is durable."""
        return self.position is not None


class AsyncAppendStream(
    AsyncOutgoingStream[pb.StreamAppendRecordsRequest, pb.StreamAppendRecordsResponse, pb.AppendEntry, PendingRecord]
):
    """A stream of records to one log; a context manager that flushes at a clean exit."""

    def __init__(self, connection: AsyncConnection, log: str, window: int) -> None:
        super().__init__(connection, window)
        self._log = log
        self._again: deque[Frame[pb.StreamAppendRecordsRequest, PendingRecord]] = deque()
        """What an earlier attempt sent in vain."""
        self._is_taken = False
        """Whether the attempt's first frame was answered: until then no other follows, whose way would be in vain."""
        self._is_begun = False

    async def __aenter__(self) -> Self:
        await self._start("cumulo append stream")
        return self

    async def append(
        self, body: object, *, key: str = "", attributes: Mapping[str, model.Attribute] | None = None
    ) -> PendingRecord:
        """Put a record on its way; waits only while the window is full. Raises what ended the stream."""
        entry = _wire.append_entry(body, key, attributes)
        size = len(entry.body) + len(key) if not attributes else entry.ByteSize()
        pending = PendingRecord()
        await self._put(entry, size, pending)
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

    def _request(self, sequence: int, entries: Sequence[pb.AppendEntry]) -> pb.StreamAppendRecordsRequest:
        return pb.StreamAppendRecordsRequest(
            log=self._log, sequence=sequence, entries=entries, request_id=self._connection.request_id()
        )

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
