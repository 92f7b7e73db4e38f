# Generated from _async/receive_stream.py by `make gen` (.ci/sync_twin.py). Do not edit.
"""Receiving many messages through one stream: the server sends what is ready, as far as credits go, and takes
acknowledgements in the same stream.

Promises: at most the granted credits wait at the client; messages that wait or are being handled are kept invisible;
a stream that breaks is opened again, with acknowledgements that were not answered sent again (deleting twice is
harmless); at a clean end every acknowledgement is durable and messages nobody looked at are back in the queue.
"""

import contextlib
import time
from collections import deque
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.client import _wire
from cumulo.client._sync.connection import DEADLINE_S, Connection, Lane, Metadata
from cumulo.client._sync.leases import Care
from cumulo.client._sync.messages import Acknowledger, Message
from cumulo.client._sync.reopening import ReopeningStream
from cumulo.client.errors import CumuloError, DeadlineExceeded, PartialFailure

FRAME_ACKS_MAX = 1_000


class ReceivingQueue(Protocol):
    """What a stream needs of its queue."""

    @property
    def name(self) -> str:
        """The queue's name."""
        ...

    def received(
        self, messages: Sequence[pb.Message], visibility_timeout: int | None, origin: Acknowledger
    ) -> list[Message]:
        """Look after messages that were received."""
        ...

    def give_back(self, messages: Sequence[Message]) -> None:
        """Put messages that nobody was handed back into the queue."""
        ...


class ReceiveStream(ReopeningStream[pb.StreamReceiveMessagesRequest, pb.StreamReceiveMessagesResponse]):
    """A stream of messages from one queue: a context manager and an iterator that ends when the stream is closed."""

    def __init__(
        self,
        connection: Connection,
        queue: ReceivingQueue,
        credits: int,  # noqa: A002 - the word of the contract
        visibility_timeout: int | None,
        idle_timeout: float | None,
    ) -> None:
        super().__init__(connection)
        self._queue = queue
        self._credits = credits
        self._visibility_timeout = visibility_timeout
        self._idle_timeout = idle_timeout
        self._inbox: deque[Message] = deque()
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

    def __enter__(self) -> Self:
        self._start("cumulo receive stream")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until every acknowledgement is durable, and give back what was not handed out."""
        try:
            if kind is None:
                self.flush()
            else:
                with contextlib.suppress(CumuloError):
                    self.flush()
        finally:
            self.close()

    def __iter__(self) -> Iterator[Message]:
        while True:
            message = self._next()
            if message is None:
                return
            yield message

    def _next(self) -> Message | None:
        """Return the next message; None after the idle timeout or the stream's end."""
        end = None if self._idle_timeout is None else time.monotonic() + self._idle_timeout
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
            self._news.wait(left)

    def acknowledge(self, message: Message) -> None:
        """Delete a message with the stream's next frame; `flush` says when that is durable."""
        self._put(message.receipt_handle)

    def change_visibility(self, message: Message, timeout_s: int) -> None:
        """Change a message's visibility timeout with the stream's next frame."""
        self._put(pb.VisibilityChange(receipt_handle=message.receipt_handle, visibility_timeout_s=timeout_s))

    def _put(self, item: str | pb.VisibilityChange) -> None:
        if self._failure is not None:
            raise self._failure
        self._outbox.append(item)
        self._acknowledged += 1
        self._work.set()

    def flush(self, timeout: float = DEADLINE_S) -> None:
        """Return when every acknowledgement so far is durable; raises `PartialFailure` where some were refused."""
        upto = self._acknowledged
        end = time.monotonic() + timeout
        while self._answered < upto:
            self._news.clear()
            if self._failure is not None:
                raise self._failure
            if self._answered < upto and not self._news.wait(max(0.0, end - time.monotonic())):
                raise DeadlineExceeded(f"{upto - self._answered} acknowledgements are unanswered after {timeout} s")
        failures, self._failures = self._failures, []
        if failures:
            raise PartialFailure(failures, upto)

    def close(self) -> None:
        """End the stream, and give back what was not handed out."""
        self._closing = True
        self._news.set()
        self._work.set()
        if self._reader is None:
            return
        if not self._ended.wait(DEADLINE_S) and self._call is not None:
            self._call.cancel()
        self._reader.join()
        self._reader = None
        self._queue.give_back(list(self._inbox))
        self._inbox.clear()

    def _open(self, lane: Lane, attempt: int, timeout: float, metadata: Metadata) -> Any:
        self._granted = self._received
        return lane.queue.StreamReceiveMessages(self._frames(attempt), timeout=timeout, metadata=metadata)

    def _take(self, answer: pb.StreamReceiveMessagesResponse) -> None:
        self._patience.progress()
        if answer.messages:
            self._received += len(answer.messages)
            self._inbox.extend(self._queue.received(answer.messages, self._visibility_timeout, self))
        for result in answer.ack_results:
            with self._lock:
                answered = self._unanswered.popleft()
            assert answered.sequence == result.sequence, "frames are answered in their order"
            self._failures.extend((it.receipt_handle, _wire.item_error(it.error)) for it in result.failures)
            self._answered += len(answered.acks) + len(answered.visibility_changes)
        self._news.set()

    def _frames(self, attempt: int) -> Iterator[pb.StreamReceiveMessagesRequest]:
        """Yield what an attempt of the stream sends: the start, then what earlier ones sent in vain."""
        with self._lock:
            again = list(self._unanswered)
        yield pb.StreamReceiveMessagesRequest(
            start=pb.StreamReceiveMessagesStart(queue=self._queue.name, visibility_timeout_s=self._visibility_timeout)
        )
        yield from again
        yield from self._cut_frames(attempt)

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
