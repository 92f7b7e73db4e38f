# Generated from _async/reopening.py by `make gen` (.ci/sync_twin.py). Do not edit.
"""What a stream to the server is that is opened again where it breaks: the loop that both kinds of streams run.

Promises: one attempt at a time; when an attempt is over, its frames stop; a token that was refused is not used again; a
failure that does not pass, or lasts too long, ends the stream and stands in `_failure`. Knows no frames: the kind of
stream opens a call, takes its answers and cuts its requests.
"""

import threading
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import grpc

from cumulo.client._retries import REOPEN_PAUSE_S, Patience
from cumulo.client._sync.connection import Connection, Lane, Metadata
from cumulo.client._threads import Background, Signal, sleep
from cumulo.client.errors import CumuloError, Unauthenticated, from_rpc

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class ReopeningStream(Generic[Request, Answer]):
    """A stream that outlives its calls; a kind of stream says what `_open`, `_take` and `_cut_frame` do."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()  # frames are cut in one order, whichever attempt of the stream cuts them
        self._attempt = 0
        self._failure: CumuloError | None = None
        self._closing = False
        self._work = Signal()
        """Set when there may be something to send."""
        self._news = Signal()
        """Set when something came, or nothing will come any more."""
        self._ended = Signal()
        self._patience = Patience()
        self._call: Any = None
        self._reader: Background | None = None

    def _start(self, name: str) -> None:
        """Begin to read; wrong credentials are an error here already."""
        self._connection.metadata()
        self._reader = Background(self._run, name)

    def _open(self, lane: Lane, attempt: int, timeout: float, metadata: Metadata) -> Any:
        """Return the call of an attempt; called under the lock."""
        raise NotImplementedError

    def _take(self, answer: Answer) -> None:
        """Take what the server sent."""
        raise NotImplementedError

    def _cut_frame(self) -> Request | None:
        """Return the next request, or None where there is nothing to say; called under the lock."""
        raise NotImplementedError

    def _over(self) -> None:
        """Do what is to be done when no answer comes any more; a kind of stream may have nothing."""

    def _run(self) -> None:
        """Read answers until the stream is closed, opening it again where it breaks."""
        while True:
            self._patience.opening()
            failure = self._read()
            with self._lock:
                self._attempt += 1
                self._call = None
            self._work.set()  # wakes the frames of this attempt, which see that it is over
            if self._closing:
                break
            if failure is not None and not self._patience.allows(failure):
                self._failure = failure
                self._news.set()
                break
            sleep(REOPEN_PAUSE_S)
        self._ended.set()
        self._over()

    def _read(self) -> CumuloError | None:
        """Open the stream and read its answers; return what ended it."""
        lane = self._connection.take_parked_lane()
        metadata: Metadata = ()
        try:
            metadata = self._connection.metadata()
            with self._lock:
                if self._closing:
                    return None
                self._attempt += 1
                self._call = call = self._open(lane, self._attempt, self._connection.stream_deadline_s(), metadata)
            for answer in call:
                self._take(answer)
        except grpc.RpcError as error:
            failure = from_rpc(error)
            if isinstance(failure, Unauthenticated):
                self._connection.discard_token(metadata)
            return failure
        except CumuloError as error:
            return error
        finally:
            self._connection.give_back(lane)
        return None

    def _cut_frames(self, attempt: int) -> Iterator[Request]:
        """Yield what there is to say until the attempt is over, or the stream is closed and all is said."""
        while True:
            self._work.clear()
            with self._lock:
                if attempt != self._attempt:
                    return
                frame = self._cut_frame()
            if frame is not None:
                yield frame
            elif self._closing:
                return
            else:
                self._work.wait()
