# Generated from _async/message_stream.py by `make gen` (.ci/sync_twin.py). Do not edit.
"""What streams of messages have in common, to queues and to topics: what becomes of each message.

Promises: messages are stored in the order in which they were put; a stream that breaks is opened again and what was not
answered is sent again under the same idempotency or deduplication ids, so that nothing is lost and nothing stands
twice; `flush` returns when everything so far is durable. One program part puts; it may be another than the one that
opened the stream.
"""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from cumulo.client import _wire
from cumulo.client._sync.connection import Connection
from cumulo.client._sync.outgoing_stream import OutgoingStream
from cumulo.client._sync.reopening import Answer, Request
from cumulo.client.errors import CumuloError, PartialFailure

Entry = TypeVar("Entry")


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


def send_request_id(connection: Connection, queue: str) -> str:
    """Return the idempotency id of a send to `queue`.

    None for a FIFO queue: its messages' deduplication ids make a repeat safe already, and without an id it takes 100
    messages at once instead of 32.
    """
    return "" if _wire.is_fifo(queue) else connection.request_id()


class MessageStream(OutgoingStream[Request, Answer, Entry, PendingSend], Generic[Request, Answer, Entry]):
    """A stream that sends messages; `_stored` is what its kind calls the outcome of one that is durable."""

    _stored = ""

    def __init__(self, connection: Connection, window: int) -> None:
        super().__init__(connection, window)
        self._failures: list[tuple[int | str, CumuloError]] = []

    def flush(self) -> None:
        """Return when every message so far is durable; raises `PartialFailure` where some were refused."""
        upto = self._sent
        self._until(upto)
        failures, self._failures = self._failures, []
        if failures:
            raise PartialFailure(failures, upto)

    def _frames(self, attempt: int) -> Iterator[Request]:
        """Yield what an attempt of the stream sends: first what earlier ones sent in vain."""
        with self._lock:
            again = [frame.request for frame in self._unanswered]
        yield from again
        yield from self._cut_frames(attempt)

    def _cut_frame(self) -> Request | None:
        """Return the next frame of what waits, or None."""
        frame = self._new_frame()
        return None if frame is None else frame.request

    def _take(self, answer: Any) -> None:
        with self._lock:
            frame: Any = self._unanswered.popleft()
        assert frame.request.sequence == answer.sequence, "frames are answered in their order"
        for index, (pending, result) in enumerate(zip(frame.pending, answer.results, strict=True)):
            if result.WhichOneof("outcome") == self._stored:
                stored = getattr(result, self._stored)
                pending.sequence_number = stored.sequence_number
                pending.message_id = stored.message_id
            else:
                pending.error = _wire.item_error(result.error)
                self._failures.append((self._answered + index, pending.error))
        self._answered += len(frame.pending)
        self._patience.progress()
        self._news.set()
