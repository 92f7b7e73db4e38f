"""Sending many messages through one stream: frames of up to 100, sent without waiting for the answers before.

Promises what `message_stream` does, in the order of `send`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._async.connection import AsyncConnection, AsyncLane, Metadata
from cumulo.client._async.message_stream import AsyncMessageStream, PendingSend


def send_request_id(connection: AsyncConnection, queue: str) -> str:
    """Return the idempotency id of a send to `queue`.

    None for a FIFO queue: its messages' deduplication ids make a repeat safe already, and without an id it takes 100
    messages at once instead of 32.
    """
    return "" if _wire.is_fifo(queue) else connection.request_id()


class AsyncSendStream(
    AsyncMessageStream[pb.StreamSendMessagesRequest, pb.StreamSendMessagesResponse, pb.SendMessageEntry]
):
    """A stream of messages to one queue; a context manager that flushes at a clean exit."""

    _stored = "sent"

    def __init__(self, connection: AsyncConnection, queue: str, window: int) -> None:
        super().__init__(connection, window)
        self._queue = queue

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
        return await self._send(entry)

    async def send_all(self, items: Iterable[object]) -> None:
        """Send many: bodies, or `Outgoing` with what belongs to them."""
        for item in items:
            await self._send(_wire.outgoing_entry(item))

    async def _send(self, entry: pb.SendMessageEntry) -> PendingSend:
        size = entry.ByteSize() if entry.attributes else len(entry.body)
        pending = PendingSend()
        await self._put(entry, size, pending)
        return pending

    def _open(self, lane: AsyncLane, attempt: int, timeout: float, metadata: Metadata) -> Any:
        return lane.queue.StreamSendMessages(self._frames(attempt), timeout=timeout, metadata=metadata)

    def _request(self, sequence: int, entries: Sequence[pb.SendMessageEntry]) -> pb.StreamSendMessagesRequest:
        return pb.StreamSendMessagesRequest(
            queue=self._queue,
            sequence=sequence,
            entries=entries,
            request_id=send_request_id(self._connection, self._queue),
        )
