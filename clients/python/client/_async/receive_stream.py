"""Receiving many messages through one stream: the server sends what is ready, as far as credits go, and takes
acknowledgements in the same stream.

Promises: at most the granted credits wait at the client; messages are kept invisible, by the server as long as the
stream lives, up to the stream's maximum for each; a stream that breaks is opened again, with acknowledgements that were
not answered sent again (deleting twice is harmless) and the messages that are held still named; at a clean end every
acknowledgement is durable and messages nobody looked at are back in the queue.
"""

import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.client import _wire
from cumulo.client._async.connection import DEADLINE_S, AsyncConnection, AsyncLane, Metadata
from cumulo.client._async.leases import Care
from cumulo.client._async.messages import AsyncAcknowledger, AsyncMessage
from cumulo.client._async.reopening import AsyncReopeningStream
from cumulo.client._tasks import Signal
from cumulo.client.errors import Cancelled, CumuloError, DeadlineExceeded, PartialFailure

FRAME_ACKS_MAX = 1_000


class AsyncReceivingQueue(Protocol):
    """What a stream needs of its queue."""

    @property
    def name(self) -> str:
        """The queue's name."""
        ...

    def held(self, messages: Sequence[pb.Message], origin: AsyncAcknowledger) -> list[AsyncMessage]:
        """Return messages whose leases the stream renews."""
        ...

    async def received(
        self, messages: Sequence[pb.Message], visibility_timeout: int | None, origin: AsyncAcknowledger
    ) -> list[AsyncMessage]:
        """Look after messages that were received."""
        ...

    async def give_back(self, messages: Sequence[AsyncMessage]) -> None:
        """Put messages that nobody was handed back into the queue."""
        ...

    async def acknowledge_once(self, message: AsyncMessage) -> None:
        """Delete a message by a call of its own, and know for certain."""
        ...


class StreamOptions(NamedTuple):
    """How a stream was asked for; see `receive_stream`."""

    credits: int
    visibility_timeout: int | None
    idle_timeout: float | None
    hold_max: int
    exactly_once: bool

    @property
    def renews(self) -> bool:
        """Whether the server renews leases; messages that are received without one have none."""
        return self.hold_max > 0 and self.visibility_timeout != 0


class _Certain:
    """An acknowledgement that somebody waits for."""

    def __init__(self) -> None:
        self.told = Signal()
        self.is_answered = False
        self.error: CumuloError | None = None

    def answer(self, error: CumuloError | None) -> None:
        """Note the server's answer."""
        self.is_answered = True
        self.error = error
        self.told.set()


class AsyncReceiveStream(AsyncReopeningStream[pb.StreamReceiveMessagesRequest, pb.StreamReceiveMessagesResponse]):
    """A stream of messages from one queue: a context manager and an iterator that ends when the stream is closed."""

    def __init__(
        self,
        connection: AsyncConnection,
        queue: AsyncReceivingQueue,
        options: StreamOptions,
    ) -> None:
        super().__init__(connection)
        self._queue = queue
        self._options = options
        self._credits = options.credits
        self._held: dict[str, tuple[AsyncMessage, float]] = {}
        """By receipt handles what the server is to hold, and since when it does."""
        self._certain: dict[str, _Certain] = {}
        self._is_over = False
        self._inbox: deque[AsyncMessage] = deque()
        self._outbox: deque[str | pb.VisibilityChange] = deque()
        self._unanswered: deque[pb.StreamReceiveMessagesRequest] = deque()
        self._failures: list[tuple[int | str, CumuloError]] = []
        self._sequence = 0
        self._acknowledged = 0
        self._answered = 0
        self._handed = 0
        self._granted = 0
        self._received = 0

    @property
    def name(self) -> str:
        """The queue's name."""
        return self._queue.name

    @property
    def exactly_once(self) -> bool:
        """Whether acknowledgements are answered for certain."""
        return self._options.exactly_once

    async def __aenter__(self) -> Self:
        await self._start("cumulo receive stream")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until every acknowledgement is durable, and give back what was not handed out."""
        try:
            if kind is None:
                await self.flush()
            else:
                with contextlib.suppress(CumuloError):
                    await self.flush()
        finally:
            await self.close()

    async def __aiter__(self) -> AsyncIterator[AsyncMessage]:
        while True:
            message = await self._next()
            if message is None:
                return
            yield message

    async def _next(self) -> AsyncMessage | None:
        """Return the next message; None after the idle timeout or the stream's end."""
        idle_timeout = self._options.idle_timeout
        end = None if idle_timeout is None else time.monotonic() + idle_timeout
        while True:
            self._news.clear()
            with contextlib.suppress(IndexError):
                message = self._inbox.popleft()
                message.care = Care.HANDED_OUT
                self._handed += 1
                if self._handed + self._credits - self._granted >= max(1, self._credits // 2) or not self._inbox:
                    self._work.set()
                return message
            if self._failure is not None:
                raise self._failure
            left = None if end is None else end - time.monotonic()
            if self._closing or (left is not None and left <= 0):
                return None
            await self._news.wait(left)

    async def acknowledge(self, message: AsyncMessage) -> None:
        """Delete a message with the stream's next frame; `flush` says when that is durable."""
        self._held.pop(message.receipt_handle, None)
        self._put(message.receipt_handle)

    async def acknowledge_once(self, message: AsyncMessage) -> None:
        """Delete a message, and return when it is known what became of that; raises `LeaseLost`."""
        handle = message.receipt_handle
        if not self.exactly_once or self._closing:
            self._held.pop(handle, None)
            await self._queue.acknowledge_once(message)
            return
        certain = self._certain.setdefault(handle, _Certain())
        await self.acknowledge(message)
        if not self._is_over:
            await certain.told.wait()
        if not certain.is_answered:
            raise self._failure or Cancelled("the stream was closed before the acknowledgement was answered")
        if certain.error is not None:
            raise certain.error

    async def change_visibility(self, message: AsyncMessage, timeout_s: int) -> None:
        """Change a message's visibility timeout with the stream's next frame."""
        self._held.pop(message.receipt_handle, None)
        self._put(pb.VisibilityChange(receipt_handle=message.receipt_handle, visibility_timeout_s=timeout_s))

    def _put(self, item: str | pb.VisibilityChange) -> None:
        if self._failure is not None:
            raise self._failure
        self._outbox.append(item)
        self._acknowledged += 1
        self._work.set()

    async def flush(self, timeout: float = DEADLINE_S) -> None:
        """Return when every acknowledgement so far is durable; raises `PartialFailure` where some were refused."""
        upto = self._acknowledged
        end = time.monotonic() + timeout
        while self._answered < upto:
            self._news.clear()
            if self._failure is not None:
                raise self._failure
            if self._answered < upto and not await self._news.wait(max(0.0, end - time.monotonic())):
                raise DeadlineExceeded(f"{upto - self._answered} acknowledgements are unanswered after {timeout} s")
        failures, self._failures = self._failures, []
        if failures:
            raise PartialFailure(failures, upto)

    async def close(self) -> None:
        """End the stream, and give back what was not handed out."""
        self._closing = True
        self._news.set()
        self._work.set()
        if self._reader is None:
            return
        if not await self._ended.wait(DEADLINE_S) and self._call is not None:
            self._call.cancel()
        await self._reader.join()
        self._reader = None
        await self._queue.give_back(list(self._inbox))
        self._inbox.clear()

    def _open(self, lane: AsyncLane, attempt: int, timeout: float, metadata: Metadata) -> Any:
        self._granted = self._received
        return lane.queue.StreamReceiveMessages(self._frames(attempt), timeout=timeout, metadata=metadata)

    async def _take(self, answer: pb.StreamReceiveMessagesResponse) -> None:
        self._patience.progress()
        if answer.messages:
            self._received += len(answer.messages)
            if self._options.renews:
                held = self._queue.held(answer.messages, self)
                now = time.monotonic()
                self._held.update((it.receipt_handle, (it, now)) for it in held)
                self._inbox.extend(held)
            else:
                timeout_s = self._options.visibility_timeout
                self._inbox.extend(await self._queue.received(answer.messages, timeout_s, self))
        for handle in answer.ended_renewals:
            message, _ = self._held.pop(handle, (None, 0.0))
            if message is not None and message.care is not Care.DONE:
                message.care = Care.LOST
        for result in answer.ack_results:
            with self._lock:
                answered = self._unanswered.popleft()
            assert answered.sequence == result.sequence, "frames are answered in their order"
            errors = {it.receipt_handle: _wire.item_error(it.error) for it in result.failures}
            for handle in answered.acks:
                certain = self._certain.pop(handle, None)
                if certain is not None:
                    certain.answer(errors.pop(handle, None))
            self._failures.extend(errors.items())
            self._answered += len(answered.acks) + len(answered.visibility_changes)
        self._news.set()

    def _over(self) -> None:
        """Tell who waits for an answer that there comes none."""
        self._is_over = True
        for certain in list(self._certain.values()):
            certain.told.set()

    async def _frames(self, attempt: int) -> AsyncIterator[pb.StreamReceiveMessagesRequest]:
        """Yield what an attempt of the stream sends: the start, then what earlier ones sent in vain."""
        with self._lock:
            again = list(self._unanswered)
        options = self._options
        yield pb.StreamReceiveMessagesRequest(
            start=pb.StreamReceiveMessagesStart(
                queue=self._queue.name,
                visibility_timeout_s=options.visibility_timeout,
                renew_leases=pb.LeaseRenewal(hold_max_s=options.hold_max) if options.renews else None,
                exactly_once=options.exactly_once,
            )
        )
        now = time.monotonic()
        held = [
            pb.ResumedLease(receipt_handle=handle, held_s=min(int(now - since), options.hold_max))
            for handle, (_, since) in list(self._held.items())
        ]
        for start in range(0, len(held), FRAME_ACKS_MAX):
            yield pb.StreamReceiveMessagesRequest(resumed=held[start : start + FRAME_ACKS_MAX])
        for request in again:
            yield request
        async for frame in self._cut_frames(attempt):
            yield frame

    def _cut_frame(self) -> pb.StreamReceiveMessagesRequest | None:
        """Return the next frame: acknowledgements that wait and credits that are due; None where there are none."""
        frame = pb.StreamReceiveMessagesRequest()
        due = self._handed + self._credits - self._granted
        if not self._closing and (due >= max(1, self._credits // 2) or (due > 0 and self._received == self._handed)):
            frame.credits = due
            self._granted += due
        acks: list[str] = []
        changes: list[pb.VisibilityChange] = []
        while self._outbox and len(acks) + len(changes) < FRAME_ACKS_MAX:
            item = self._outbox.popleft()
            if isinstance(item, str):
                acks.append(item)
            else:
                changes.append(item)
        if acks or changes:
            self._sequence += 1
            frame.sequence = self._sequence
            frame.acks.extend(acks)
            frame.visibility_changes.extend(changes)
            kept = pb.StreamReceiveMessagesRequest(sequence=frame.sequence, acks=acks, visibility_changes=changes)
            self._unanswered.append(kept)
        elif not frame.credits:
            return None
        return frame
