"""One HTTP/1.1 connection: one protocol object, one request at a time, one answer per request.

Owns what is read and written when, and the timers. Promises: reading goes no further than what is asked for, so that
whoever sends faster than it is served waits in its own socket; a head beyond its limits, a stalled or dripping client
end the connection within a stated time, while a handler may think for as long as it likes; whatever a handler does,
each request gets exactly one answer, and one that cannot be finished ends the connection. Knows no service, and leaves
heads, bodies and answers to `http_head.py`, `http_body.py` and `http_answer.py`.
"""

import asyncio
import logging
import math
import socket
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from cumulo.core.errors import REQUEST_TIMEOUT, ServiceError
from cumulo.gateway.http_answer import ANSWER_STALL_S, INTERNAL_ERROR, Response, render_head, send_answer
from cumulo.gateway.http_body import (
    INCOMPLETE_BODY,
    NO_BODY,
    SMALL_BODY_BYTES,
    Body,
    BufferPool,
    ChunkedBody,
    MeasuredBody,
    WholeBody,
)
from cumulo.gateway.http_head import Head, Refused, find_head, read_head

HEAD_TIMEOUT_S = 10
IDLE_TIMEOUT_S = 60
BODY_STALL_S = 30
BODY_RATE_MIN = 1024
"""A client has `BODY_STALL_S` to send something that is waited for, and earns new time by `BODY_RATE_MIN` bytes a
second: one that drips runs out of it like one that sends nothing.
"""
LINGER_S = 10
LINGER_BYTES_MAX = 64 * 1024 * 1024
"""What is read and dropped of a client that still sends while it is refused, so that it gets to see the refusal."""
CONNECTIONS_MAX = 10_000
"""Limits of architecture.md section 5."""

RECEIVE_BYTES = 96 * 1024
"""The buffer that all connections of a listener share: what it receives is taken out of it at once. A small body
and its head fit in.
"""
_CRLF = b"\r\n"
_log = logging.getLogger("cumulo.http")


def _nobody_waits() -> None:
    """Stand for `park` where there is no connection."""


class Request(msgspec.Struct, frozen=True):
    """A request's head and the body that comes with it.

    `target` is the raw path and query as sent (latin-1). `header_lines` are all lines as sent, in order, names in lower
    case; `headers` has each name once, the values of repeated lines joined by ",". `secure` says that TLS was used,
    `tls_version` which (`1.3`).
    `peer` is the address at the other end of the connection, whatever a header may claim. What a handler has not read
    of `body` when it returns is dropped. A handler that is about to wait for what others do calls `park`: from then on
    a client that ends its side counts as gone, and the handler is cancelled, though a half-closed client might read.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    header_lines: tuple[tuple[str, str], ...]
    peer: str
    secure: bool
    body: Body
    park: Callable[[], None] = _nobody_waits
    tls_version: str = ""

    @property
    def path(self) -> str:
        """The raw path, without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The raw query, without its question mark; empty where there is none."""
        return self.target.partition("?")[2]


Handler = Callable[[Request], Awaitable[Response]]


class Shared(msgspec.Struct):
    """What the connections of a listener share."""

    handler: Handler
    received: memoryview
    pool: BufferPool
    connections: set["HttpConnection"]
    gone: asyncio.Event
    stopping: bool = False


class HttpConnection(asyncio.BufferedProtocol):
    """One connection's requests, one after another; pipelined ones wait their turn.

    A task runs while there is a request to answer. Bytes that arrive with nobody waiting for them are held, and reading
    stops; so `_held` is at most two receive buffers long. At most one of the timer's uses is on at a time: waiting for
    a head, for body bytes, for the client to read, or for it to go.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._transport: asyncio.Transport | None = None
        self._peer = ""
        self.secure = False
        self._tls_version = ""
        self._task: asyncio.Task[None] | None = None
        # Reading
        self._held = b""
        self._window: memoryview | None = None
        self._filled = 0
        self._waiting: asyncio.Future[None] | None = None
        self._failure: ServiceError | None = None
        self._continue_due = False
        self._credit_s = 0.0
        self._asked_at = 0.0
        self._head_begun = False
        self._body_unread = False
        self._reading_paused = False
        self._ended = False
        self._parked = False
        self._lingering = False
        self._lingered_bytes = 0
        # Writing
        self._writing_paused = False
        self._unread_bytes = 0
        self._flushed: asyncio.Future[None] | None = None
        # The timer
        self._deadline = math.inf
        self._timer: asyncio.TimerHandle | None = None

    # -- asyncio.BufferedProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there are too many."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        self.secure = transport.get_extra_info("sslcontext") is not None
        if self.secure:
            self._tls_version = str(transport.get_extra_info("ssl_object").version()).removeprefix("TLSv")
        # Paused means "something is in the buffer": a borrowed piece is free, and a file may follow, once it is not.
        # TLS compares otherwise, and with 0 would never go on.
        transport.set_write_buffer_limits(high=1 if self.secure else 0, low=0)
        if self._shared.stopping or len(self._shared.connections) >= CONNECTIONS_MAX:
            transport.abort()
            return
        self._shared.connections.add(self)
        self._arm(HEAD_TIMEOUT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop what is left to do: a handler that waits for the body hears of it, any other is cancelled."""
        del exc
        self._ended = True
        self._shared.connections.discard(self)
        if self._shared.stopping and not self._shared.connections:
            self._shared.gone.set()
        self._deadline = math.inf
        if self._timer is not None:
            self._timer.cancel()
        if self._waiting is not None:
            self._wake(INCOMPLETE_BODY.error())
        elif self._task is not None:
            self._task.cancel()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Receive into the body's own buffer if it is waited for, and else into the one of all."""
        del sizehint
        return self._shared.received if self._window is None else self._window[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Hand on what was received, or hold it and read no more."""
        if self._window is not None:
            self._filled += nbytes
            self._earn(nbytes)
            if self._filled == len(self._window):
                self._window = None
                self._wake()
            return
        if self._lingering:
            self._lingered_bytes += nbytes
            if self._lingered_bytes > LINGER_BYTES_MAX:
                self.abort()
            return
        received = bytes(self._shared.received[:nbytes])
        self._held = self._held + received if self._held else received
        if self._waiting is not None:
            self._earn(nbytes)
            self._wake()
        elif self._task is None:
            self._begin()
        else:
            self._pause_reading()

    def eof_received(self) -> bool:
        """Answer what was asked before the client said that it sends no more; TLS cannot, and who waits need not."""
        self._ended = True
        if self._waiting is not None:
            self._wake(INCOMPLETE_BODY.error())
        return self._task is not None and not self.secure and not self._parked

    def pause_writing(self) -> None:
        """Note that the client has something to read."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Go on: the client has read, or the kernel has taken, all of it."""
        self._writing_paused = False
        if self._flushed is not None and not self._flushed.done():
            self._flushed.set_result(None)

    # -- Requests

    def _park(self) -> None:
        """Take a client that sends no more for one that is gone, until the handler returns."""
        assert self._transport is not None
        self._parked = True
        if self._ended:
            self._transport.close()

    def _begin(self) -> None:
        """Begin to answer if a request is there."""
        try:
            taken = self._take_request()
        except Refused as refused:
            self._refuse(refused)
            return
        if taken is not None:
            self._task = asyncio.get_running_loop().create_task(self._serve(*taken))

    def _take_request(self) -> tuple[Head, Request] | None:
        """Take a request from what is held; None where its head is not complete."""
        if not self._held:
            return None
        if self._held.startswith(_CRLF):
            self._held = self._held[2:]  # RFC 9112 section 2.2: some clients send one behind a body
        size = find_head(self._held)
        if not size:
            if not self._head_begun:
                self._head_begun = True
                self._arm(HEAD_TIMEOUT_S)
            return None
        head = read_head(self._held[:size])
        self._head_begun = False
        self._deadline = math.inf
        request = Request(
            method=head.method,
            target=head.target,
            headers=head.headers,
            header_lines=head.header_lines,
            peer=self._peer,
            secure=self.secure,
            body=self._take_body(head, size),
            park=self._park,
            tls_version=self._tls_version,
        )
        return head, request

    def _take_body(self, head: Head, at: int) -> Body:
        """Take the body whose head is the first `at` bytes of what is held."""
        held, length = self._held, head.content_length
        self._continue_due = False
        if length is not None and length <= SMALL_BODY_BYTES and at + length <= len(held):
            self._held = held[at + length :]
            return WholeBody(memoryview(held)[at : at + length]) if length else NO_BODY
        self._held = held[at:]
        self._continue_due = head.expects_continue
        self._credit_s = BODY_STALL_S
        return ChunkedBody(self) if length is None else MeasuredBody(self, length, self._shared.pool)

    async def _serve(self, head: Head, request: Request) -> None:
        """Answer a request and those that are there behind it."""
        assert self._transport is not None
        try:
            while await self._answer(head, request):
                taken = self._take_request()
                if taken is None:
                    self._task = None
                    self._idle()
                    return
                head, request = taken
            self._close()
        except Refused as refused:
            self._refuse(refused)
        except ConnectionError:
            self.abort()
        except Exception:  # noqa: BLE001 - the client must not wait for ever because of a bug
            _log.exception("bug while answering %s", request.path)
            self.abort()
        finally:
            self._task = None

    def _idle(self) -> None:
        """Wait for the next request."""
        if self._ended or self._shared.stopping:
            self._close()
        else:
            if not self._head_begun:
                self._arm(IDLE_TIMEOUT_S)
            self._resume_reading()

    async def _answer(self, head: Head, request: Request) -> bool:
        """Answer one request; return whether another one may follow it."""
        body = request.body
        try:
            response = await self._ask_handler(request)
            rest = body.settle()
        finally:
            body.abandon()
        self._body_unread = rest != 0
        unasked = self._continue_due and rest != 0  # the client may or may not send it: nobody could tell what follows
        follows = head.keep_alive and rest is not None and not unasked and self._failure is None
        follows = await send_answer(self, head, response, follows=follows and not self._shared.stopping)
        await self.flush()
        if rest and follows:
            try:
                async for _ in body:
                    pass
            except ServiceError:
                return False
            self._body_unread = False
        return follows

    async def _ask_handler(self, request: Request) -> Response:
        try:
            return await self._shared.handler(request)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            _log.exception("a handler of %s was cancelled from within", request.path)
        except Exception:  # noqa: BLE001 - a bug in a handler is answered, too
            _log.exception("bug while answering %s", request.path)
        finally:
            self._parked = False
        return INTERNAL_ERROR

    def _refuse(self, refused: Refused) -> None:
        """Say why nothing more is read."""
        assert self._transport is not None
        if not self._transport.is_closing():
            body = refused.args[0].encode() + b"\n"
            response = Response(refused.status, body, content_type="text/plain; charset=utf-8")
            framing = f"content-length: {len(body)}\r\n"
            self._transport.write(render_head(response, framing=framing, connection="connection: close\r\n") + body)
            self._linger()

    # -- Wire: what a body asks for

    def take(self, size_bytes: int) -> bytes:
        """Return what is held, `size_bytes` at most."""
        taken, self._held = self._held[:size_bytes], self._held[size_bytes:]
        return taken

    def put_back(self, rest: bytes) -> None:
        """Hold what belongs to the next request."""
        self._held = rest + self._held

    async def fill(self, window: memoryview) -> None:
        """Receive until `window` is full."""
        held = self.take(len(window))
        window[: len(held)] = held
        if len(held) < len(window):
            await self._wait(window[len(held) :])

    async def receive(self) -> bytes:
        """Return what is held, or what arrives next."""
        if not self._held:
            await self._wait(None)
        return self.take(len(self._held))

    async def _wait(self, window: memoryview | None) -> None:
        """Let the client send, into `window` until it is full, or else whatever comes next."""
        if self._failure is None and self._ended:
            self._failure = INCOMPLETE_BODY.error()
        if self._failure is not None:
            raise self._failure
        loop = asyncio.get_running_loop()
        assert self._transport is not None
        assert self._waiting is None, "a body has one reader"
        try:
            if self._continue_due:
                self._continue_due = False
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._window, self._filled = window, 0
            self._waiting = loop.create_future()
            self._asked_at = loop.time()
            self._arm(self._credit_s)
            self._resume_reading()
            await self._waiting
        except BaseException as error:
            # What has arrived of the piece is lost with it: nothing that follows can be understood.
            self._failure = error if isinstance(error, ServiceError) else INCOMPLETE_BODY.error()
            raise
        finally:
            self._waiting = self._window = None
            self._deadline = math.inf

    def _earn(self, received_bytes: int) -> None:
        """Give the client as much time as it has earned."""
        now = asyncio.get_running_loop().time()
        left_s = self._credit_s - (now - self._asked_at)
        self._credit_s = min(BODY_STALL_S, left_s + received_bytes / BODY_RATE_MIN)
        self._asked_at = now
        self._deadline = now + self._credit_s  # never sooner than the timer that is set, which looks here

    def _wake(self, error: ServiceError | None = None) -> None:
        if self._waiting is None or self._waiting.done():
            return
        if error is None:
            self._waiting.set_result(None)
        else:
            self._waiting.set_exception(error)

    def _pause_reading(self) -> None:
        if not self._reading_paused and not self._ended and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._reading_paused and not self._ended and self._transport is not None:
            self._reading_paused = False
            self._transport.resume_reading()

    # -- Outgoing: what an answer asks for

    def write(self, data: bytes | memoryview) -> None:
        """Send, or keep for sending."""
        assert self._transport is not None
        if self._transport.is_closing():
            raise ConnectionAbortedError
        if data:
            self._transport.write(data)

    async def flush(self) -> None:
        """Return once the client, or the kernel for it, has taken all that was written."""
        assert self._transport is not None
        if not self._writing_paused:
            return
        self._flushed = asyncio.get_running_loop().create_future()
        self._unread_bytes = self._transport.get_write_buffer_size()
        self._arm(ANSWER_STALL_S)
        try:
            await self._flushed
        finally:
            self._flushed = None
            self._deadline = math.inf

    def socket(self) -> socket.socket:
        """Return the connection's socket."""
        assert self._transport is not None
        connected: socket.socket = self._transport.get_extra_info("socket")
        return connected

    # -- The end, and the timer

    def _close(self) -> None:
        """End the connection; the client may have more to say, which must not reset it before it has read."""
        assert self._transport is not None
        # TLS cannot say "I send no more": its client must go by `connection: close`, and one that pipelines may not.
        if self._body_unread or (not self.secure and (self._held or self._reading_paused)):
            self._linger()
        else:
            self._transport.close()

    def _linger(self) -> None:
        """Send no more, and read and drop until the client goes, or time or patience runs out."""
        assert self._transport is not None
        self._held = b""
        if self._ended:
            self._arm(LINGER_S)
            self._transport.close()
            return
        self._lingering = True
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._resume_reading()
        self._arm(LINGER_S)

    def stop(self) -> None:
        """End the connection once the request under way, if any, is answered."""
        if self._task is None and self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _arm(self, seconds: float) -> None:
        """Let the timer run out in `seconds`; most deadlines are dropped, so the loop's own is only set for sooner."""
        loop = asyncio.get_running_loop()
        self._deadline = loop.time() + seconds
        if self._timer is None:
            self._timer = loop.call_at(self._deadline, self._expired)
        elif self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = loop.call_at(self._deadline, self._expired)

    def _expired(self) -> None:
        self._timer = None
        left_s = self._deadline - asyncio.get_running_loop().time()
        if left_s > 0:
            if left_s < math.inf:
                self._arm(left_s)
        elif self._waiting is not None:
            self._wake(REQUEST_TIMEOUT.error())
        elif self._flushed is not None and self._transport is not None:
            unread_bytes = self._transport.get_write_buffer_size()
            if unread_bytes < self._unread_bytes:
                self._unread_bytes = unread_bytes
                self._arm(ANSWER_STALL_S)
            else:
                self.abort()
        else:
            self.abort()
