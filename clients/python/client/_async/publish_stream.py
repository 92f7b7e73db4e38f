"""Publishing many messages through one stream: frames of up to 100, sent without waiting for the answers before.

Promises what a queue's sending stream does: messages are published in the order of `publish`, a stream that breaks is
opened again and what was not answered is sent again, once. A standard topic may deliver them in another order.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Self

from cumulo.api.topics.v1 import topics_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._async.connection import AsyncConnection, AsyncLane, Metadata
from cumulo.client._async.outgoing_stream import AsyncOutgoingStream
from cumulo.client._async.send_stream import PendingSend, send_request_id
from cumulo.client.errors import CumuloError, PartialFailure


class AsyncPublishStream(
    AsyncOutgoingStream[pb.StreamPublishRequest, pb.StreamPublishResponse, pb.PublishEntry, PendingSend]
):
    """A stream of messages to one topic; a context manager that flushes at a clean exit."""

    def __init__(self, connection: AsyncConnection, topic: str, window: int) -> None:
        super().__init__(connection, window)
        self._topic = topic
        self._failures: list[tuple[int | str, CumuloError]] = []

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

    async def flush(self) -> None:
        """Return when every message so far is durable; raises `PartialFailure` where some were refused."""
        upto = self._sent
        await self._until(upto)
        failures, self._failures = self._failures, []
        if failures:
            raise PartialFailure(failures, upto)

    def _open(self, lane: AsyncLane, attempt: int, timeout: float, metadata: Metadata) -> Any:
        return lane.topics.StreamPublish(self._frames(attempt), timeout=timeout, metadata=metadata)

    async def _frames(self, attempt: int) -> AsyncIterator[pb.StreamPublishRequest]:
        """Yield what an attempt of the stream sends: first what earlier ones sent in vain."""
        with self._lock:
            again = [frame.request for frame in self._unanswered]
        for request in again:
            yield request
        async for frame in self._cut_frames(attempt):
            yield frame

    def _cut_frame(self) -> pb.StreamPublishRequest | None:
        """Return the next frame of what waits, or None."""
        frame = self._new_frame()
        return None if frame is None else frame.request

    def _request(self, sequence: int, entries: Sequence[pb.PublishEntry]) -> pb.StreamPublishRequest:
        return pb.StreamPublishRequest(
            topic=self._topic,
            sequence=sequence,
            entries=entries,
            request_id=send_request_id(self._connection, self._topic),
        )

    async def _take(self, answer: pb.StreamPublishResponse) -> None:
        with self._lock:
            frame = self._unanswered.popleft()
        assert frame.request.sequence == answer.sequence, "frames are answered in their order"
        for index, (pending, result) in enumerate(zip(frame.pending, answer.results, strict=True)):
            if result.WhichOneof("outcome") == "published":
                pending.sequence_number = result.published.sequence_number
                pending.message_id = result.published.message_id
            else:
                pending.error = _wire.item_error(result.error)
                self._failures.append((self._answered + index, pending.error))
        self._answered += len(frame.pending)
        self._patience.progress()
        self._news.set()
