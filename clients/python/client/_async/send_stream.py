"""Sending many messages through one stream: frames of up to 100, sent without waiting for the answers before.

Promises: messages are stored in the order of `send`; a stream that breaks is opened again and what was not answered is
sent again under the same idempotency or deduplication ids, so that nothing is lost and nothing stands twice; `flush`
returns when everything that was sent is durable. One program part sends; it may be another than the one that opened the
stream.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._async.connection import AsyncConnection, AsyncLane, Metadata
from cumulo.client._async.outgoing_stream import AsyncOutgoingStream
from cumulo.client.errors import CumuloError, PartialFailure


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


class AsyncSendStream(
    AsyncOutgoingStream[pb.StreamSendMessagesRequest, pb.StreamSendMessagesResponse, pb.SendMessageEntry, PendingSend]
):
    """A stream of messages to one queue; a context manager that flushes at a clean exit."""

    def __init__(self, connection: AsyncConnection, queue: str, window: int) -> None:
        super().__init__(connection, window)
        self._queue = queue
        self._failures: list[tuple[int | str, CumuloError]] = []

    async def __aenter__(self) -> Self:
        await self._start("cumulo send stream")
        return self

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
        await self._put(entry, size, pending)
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

    async def flush(self) -> None:
        """Return when every message sent so far is durable; raises `PartialFailure` where some were refused."""
        upto = self._sent
        await self._until(upto)
        failures, self._failures = self._failures, []
        if failures:
            raise PartialFailure(failures, upto)

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
        frame = self._new_frame()
        return None if frame is None else frame.request

    def _request(self, sequence: int, entries: Sequence[pb.SendMessageEntry]) -> pb.StreamSendMessagesRequest:
        return pb.StreamSendMessagesRequest(
            queue=self._queue,
            sequence=sequence,
            entries=entries,
            request_id=send_request_id(self._connection, self._queue),
        )

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
