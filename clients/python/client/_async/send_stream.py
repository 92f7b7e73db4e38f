"""Sending many messages through one stream: frames of up to 100, sent without waiting for the answers before.

Promises: messages are stored in the order of `send`; a stream that breaks is opened again and what was not answered is
sent again under the same idempotency or deduplication ids, so that nothing is lost and nothing stands twice; `flush`
returns when everything that was sent is durable. One program part sends; it may be another than the one that opened the
stream.
"""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._async.connection import DEADLINE_S, AsyncConnection, AsyncLane, Metadata
from cumulo.client._async.reopening import AsyncReopeningStream
from cumulo.client.errors import CumuloError, PartialFailure

FRAME_MESSAGES_MAX = 100
FRAME_BYTES_MAX = 256 * 1024


class PendingSend:
    """What becomes of one message: `message_id` once it is durable, `error` once it was refused; in a FIFO queue a
    `sequence_number` comes with the id.
    """

    __slots__ = ("error", "message_id", "sequence_number")

    def __init__(self) -> None:
        self.message_id = ""
        self.sequence_number = ""
        self.error: CumuloError | None = None

    @property
    def done(self) -> bool:
        """Say whether the server answered."""
        return bool(self.message_id) or self.error is not None


def send_request_id(connection: AsyncConnection, queue: str) -> str:
    """Return the idempotency id of a send to `queue`.

    None for a FIFO queue: its messages' deduplication ids make a repeat safe already, and without an id it takes 100
    messages at once instead of 32.
    """
    return "" if _wire.is_fifo(queue) else connection.request_id()


class _Frame:
    def __init__(self, request: pb.StreamSendMessagesRequest, pending: list[PendingSend]) -> None:
        self.request = request
        self.pending = pending


class AsyncSendStream(AsyncReopeningStream[pb.StreamSendMessagesRequest, pb.StreamSendMessagesResponse]):
    """A stream of messages to one queue; a context manager that flushes at a clean exit."""

    def __init__(self, connection: AsyncConnection, queue: str, window: int) -> None:
        super().__init__(connection)
        self._queue = queue
        self._window = window
        self._waiting: deque[tuple[pb.SendMessageEntry, int, PendingSend]] = deque()
        self._unanswered: deque[_Frame] = deque()
        self._sequence = 0
        self._sent = 0
        self._answered = 0
        self._failures: list[tuple[int | str, CumuloError]] = []

    async def __aenter__(self) -> Self:
        await self._start("cumulo send stream")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flush, unless the block raised; then what was not answered yet may or may not be stored."""
        try:
            if kind is None:
                await self.flush()
        finally:
            await self.close()

    async def send(
        self,
        body: object,
        *,
        delay: int | None = None,
        attributes: Mapping[str, model.Attribute] | None = None,
        group: str | None = None,
        deduplication_id: str | None = None,
        priority: int | None = None,
        deliver_at: datetime | None = None,
        trace_header: str = "",
    ) -> PendingSend:
        """Put a message on its way; waits only while the window is full. Raises what ended the stream."""
        entry = _wire.send_entry(body, attributes, delay, group, deduplication_id, priority, deliver_at, trace_header)
        size = len(entry.body) if not attributes else entry.ByteSize()
        pending = PendingSend()
        if self._sent - self._answered >= self._window or self._failure is not None:
            await self._wait_for_room()
        self._sent += 1
        self._waiting.append((entry, size, pending))
        self._work.set()
        return pending

    async def send_all(self, items: Iterable[object]) -> None:
        """Send many: bodies, or `Outgoing` with what belongs to them."""
        for item in items:
            if isinstance(item, model.Outgoing):
                await self.send(
                    item.body,
                    delay=item.delay,
                    attributes=item.attributes,
                    group=item.group,
                    deduplication_id=item.deduplication_id,
                    priority=item.priority,
                    deliver_at=item.deliver_at,
                )
            else:
                await self.send(item)

    async def _wait_for_room(self) -> None:
        while True:
            self._news.clear()
            if self._failure is not None:
                raise self._failure
            if self._sent - self._answered < self._window:
                return
            await self._news.wait()

    async def flush(self) -> None:
        """Return when every message sent so far is durable; raises `PartialFailure` where some were refused."""
        upto = self._sent
        while self._answered < upto:
            self._news.clear()
            if self._failure is not None:
                raise self._failure
            if self._answered < upto:
                await self._news.wait()
        failures, self._failures = self._failures, []
        if failures:
            raise PartialFailure(failures, upto)

    async def close(self) -> None:
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
        if call is not None and (abandoned or not await self._ended.wait(DEADLINE_S)):
            call.cancel()
        await self._reader.join()
        self._reader = None

    def _open(self, lane: AsyncLane, attempt: int, timeout: float, metadata: Metadata) -> Any:
        return lane.queue.StreamSendMessages(self._frames(attempt), timeout=timeout, metadata=metadata)

    async def _frames(self, attempt: int) -> AsyncIterator[pb.StreamSendMessagesRequest]:
        """Yield what an attempt of the stream sends: first what earlier ones sent in vain."""
        with self._lock:
            again = [frame.request for frame in self._unanswered]
        for request in again:
            yield request
        async for frame in self._cut_frames(attempt):
            yield frame

    def _cut_frame(self) -> pb.StreamSendMessagesRequest | None:
        """Return the next frame of what waits, or None."""
        entries: list[pb.SendMessageEntry] = []
        pending: list[PendingSend] = []
        total = 0
        while self._waiting and len(entries) < FRAME_MESSAGES_MAX:
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
        request = pb.StreamSendMessagesRequest(
            queue=self._queue,
            sequence=self._sequence,
            entries=entries,
            request_id=send_request_id(self._connection, self._queue),
        )
        self._unanswered.append(_Frame(request, pending))
        return request

    async def _take(self, answer: pb.StreamSendMessagesResponse) -> None:
        with self._lock:
            frame = self._unanswered.popleft()
        assert frame.request.sequence == answer.sequence, "frames are answered in their order"
        for index, (pending, result) in enumerate(zip(frame.pending, answer.results, strict=True)):
            if result.WhichOneof("outcome") == "sent":
                pending.sequence_number = result.sent.sequence_number
                pending.message_id = result.sent.message_id
            else:
                pending.error = _wire.item_error(result.error)
                self._failures.append((self._answered + index, pending.error))
        self._answered += len(frame.pending)
        self._patience.progress()
        self._news.set()
