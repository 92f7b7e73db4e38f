"""Publishing many messages through one stream: frames of up to 100, sent without waiting for the answers before.

Promises what a queue's sending stream does: messages are published in the order of `publish`, a stream that breaks is
opened again and what was not answered is sent again, once. A standard topic may deliver them in another order.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from cumulo.api.topics.v1 import topics_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._async.connection import AsyncConnection, AsyncLane, Metadata
from cumulo.client._async.message_stream import AsyncMessageStream, PendingSend
from cumulo.client._async.send_stream import send_request_id


class AsyncPublishStream(AsyncMessageStream[pb.StreamPublishRequest, pb.StreamPublishResponse, pb.PublishEntry]):
    """A stream of messages to one topic; a context manager that flushes at a clean exit."""

    _stored = "published"

    def __init__(self, connection: AsyncConnection, topic: str, window: int) -> None:
        super().__init__(connection, window)
        self._topic = topic

    async def __aenter__(self) -> Self:
        await self._start("cumulo publish stream")
        return self

    async def publish(
        self,
        body: object,
        *,
        subject: str = "",
        attributes: Mapping[str, model.Attribute] | None = None,
        group: str | None = None,
        deduplication_id: str | None = None,
    ) -> PendingSend:
        """Put a message on its way; waits only while the window is full. Raises what ended the stream."""
        return await self._publish(_wire.publish_entry(body, subject, attributes, group, deduplication_id))

    async def publish_all(self, items: Iterable[object]) -> None:
        """Publish many: bodies, or `Notice` with what belongs to them."""
        for item in items:
            await self._publish(_wire.notice_entry(item))

    async def _publish(self, entry: pb.PublishEntry) -> PendingSend:
        size = entry.ByteSize() if entry.attributes else len(entry.body) + len(entry.subject)
        pending = PendingSend()
        await self._put(entry, size, pending)
        return pending

    def _open(self, lane: AsyncLane, attempt: int, timeout: float, metadata: Metadata) -> Any:
        return lane.topics.StreamPublish(self._frames(attempt), timeout=timeout, metadata=metadata)

    def _request(self, sequence: int, entries: Sequence[pb.PublishEntry]) -> pb.StreamPublishRequest:
        return pb.StreamPublishRequest(
            topic=self._topic,
            sequence=sequence,
            entries=entries,
            request_id=send_request_id(self._connection, self._topic),
        )
