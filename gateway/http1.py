"""A strict HTTP/1.1 listener on httptools: one connection, one protocol object, one answer per request.

Owns heads, limits, timers and the form of an answer. Promises: a head beyond its limits, both length headers, or a
stalled client end the connection within a stated time; head and small body leave in one write; whatever a handler does,
each request gets exactly one answer. Knows no service: a handler gets a `Request` and gives a `Response`.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import httptools
import msgspec

from cumulo.gateway.http_answer import Response
from cumulo.gateway.http_body import Body, WholeBody

__all__ = ["Body", "Handler", "HttpListener", "Request", "Response", "WholeBody"]

BODY_BYTES_MAX = 1024 * 1024
HEAD_BYTES_MAX = 16 * 1024
HEADER_LINES_MAX = 100
HEAD_TIMEOUT_S = 10
IDLE_TIMEOUT_S = 60
ANSWER_TIMEOUT_S = 60
CONNECTIONS_MAX = 10_000
"""Limits of architecture.md section 5; the timers end slow and stalled clients."""

_HEAD_TOO_LONG = f"the request head is longer than {HEAD_BYTES_MAX} bytes"
_log = logging.getLogger("cumulo.http")


class Request(msgspec.Struct, frozen=True):
    """A request's head and the body that comes with it.

    `target` is the raw path and query as sent (latin-1). `header_lines` are all lines as sent, in order, names in lower
    case; `headers` has each name once, the values of repeated lines joined by ",". `secure` says that TLS was used.
    `peer` is the address at the other end of the connection, whatever a header may claim.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    header_lines: tuple[tuple[str, str], ...]
    peer: str
    secure: bool
    body: Body

    @property
    def path(self) -> str:
        """The raw path, without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The raw query, without its question mark; empty where there is none."""
        return self.target.partition("?")[2]


Handler = Callable[[Request], Awaitable[Response]]


class Refused(Exception):
    """The head breaks a rule; answered with `status`, then the connection is closed."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class HttpConnection(asyncio.Protocol):
    """One connection's requests, one after another; pipelined ones wait their turn."""

    def __init__(self, handler: Handler, connections: set["HttpConnection"]) -> None:
        self._handler = handler
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._peer = ""
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting: list[tuple[Request | Refused, bool]] = []
        self._parser = httptools.HttpRequestParser(self)
        self._closing = False
        self._reset()

    def _reset(self) -> None:
        self._target = b""
        self._headers: dict[str, str] = {}
        self._header_lines: list[tuple[str, str]] = []
        self._body = bytearray()
        self._head_bytes = self._parsed_bytes = 0
        self._lines = 0
        self._begun = False

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there are too many."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        if len(self._connections) >= CONNECTIONS_MAX:
            transport.abort()
            return
        self._connections.add(self)
        self._arm(HEAD_TIMEOUT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop what is left to do."""
        del exc
        self._connections.discard(self)
        self._disarm()
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse; whole heads are queued for answering."""
        if self._closing:
            return
        self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._closing = True  # the request was taken; what follows it is in no protocol of ours
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            if isinstance(cause, Refused):
                self._refuse(cause.status, cause.reason)
            else:
                self._refuse(400, "malformed request")
        except httptools.HttpParserError:
            self._refuse(400, "malformed request")
        else:
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse(431, _HEAD_TOO_LONG)

    def eof_received(self) -> bool:
        """Answer what was asked before the client said that it sends no more."""
        assert self._transport is not None
        self._closing = True
        answering = self._task is not None and not self._task.done()
        return answering and self._transport.get_extra_info("sslcontext") is None

    # -- httptools callbacks

    def on_message_begin(self) -> None:
        """Give the head of a later request no more time than that of the first."""
        self._begun = True
        if self._task is not None and self._task.done():
            self._arm(HEAD_TIMEOUT_S)

    def on_url(self, url: bytes) -> None:
        """Collect the request target."""
        self._target += url
        self._count(len(url))

    def _count(self, size_bytes: int) -> None:
        self._parsed_bytes += size_bytes
        if self._parsed_bytes > HEAD_BYTES_MAX:
            raise Refused(431, _HEAD_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect one header line."""
        self._lines += 1
        self._count(len(name) + len(value) + 4)
        if self._lines > HEADER_LINES_MAX:
            raise Refused(431, f"more than {HEADER_LINES_MAX} header lines")
        key = name.decode("latin-1").lower()
        if key in self._headers and key in ("content-length", "transfer-encoding", "host"):
            raise Refused(400, f"header {key} is given twice")
        text = value.decode("latin-1")
        self._header_lines.append((key, text))
        self._headers[key] = f"{self._headers[key]},{text}" if key in self._headers else text

    def on_body(self, piece: bytes) -> None:
        """Collect the body."""
        self._head_bytes -= len(piece)
        self._body += piece
        if len(self._body) > BODY_BYTES_MAX:
            raise Refused(413, "too long")

    def on_headers_complete(self) -> None:
        """Check what the headers say together."""
        if "content-length" in self._headers and "transfer-encoding" in self._headers:
            raise Refused(400, "both content-length and transfer-encoding are given")
        if self._parser.get_http_version() != "1.0" and "host" not in self._headers:
            raise Refused(400, "header host is missing")

    def on_message_complete(self) -> None:
        """Queue the request; answer it when its turn comes."""
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            target=self._target.decode("latin-1"),
            headers=self._headers,
            header_lines=tuple(self._header_lines),
            peer=self._peer,
            secure=False,
            body=WholeBody(bytes(self._body)),
        )
        keep_alive = self._parser.should_keep_alive() and not self._parser.should_upgrade()
        self._reset()
        if len(self._waiting) >= HEADER_LINES_MAX:
            raise Refused(400, "too many pipelined requests")
        self._queue(request, keep_alive=keep_alive)

    def _queue(self, request: Request | Refused, *, keep_alive: bool) -> None:
        self._waiting.append((request, keep_alive))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._answer_all())

    async def _answer_all(self) -> None:
        while self._waiting:
            request, keep_alive = self._waiting.pop(0)
            self._arm(ANSWER_TIMEOUT_S)
            if isinstance(request, Refused):
                self._write("GET", Response(request.status, request.reason.encode() + b"\n"), keep_alive=False)
                return
            try:
                response = await self._handler(request)
            except Exception:  # noqa: BLE001 - a bug in a handler is answered, too
                _log.exception("bug while answering %s", request.path)
                response = Response(500, b"internal error\n")
            self._write(request.method, response, keep_alive=keep_alive)
            if not keep_alive:
                return
        if self._closing:
            self.close()
        else:
            self._arm(HEAD_TIMEOUT_S if self._begun else IDLE_TIMEOUT_S)

    def _write(self, method: str, response: Response, *, keep_alive: bool) -> None:
        assert self._transport is not None
        if self._transport.is_closing():
            return
        head = (
            f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}\r\n"
            + "".join(
                f"{name}: {value}\r\n" for name, value in (("content-type", response.content_type), *response.headers)
            )
            + f"content-length: {len(response.body)}\r\n"
            f"connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
        )
        self._transport.write(head.encode("latin-1") + (b"" if method == "HEAD" else response.body))
        if not keep_alive:
            self.close()

    def _refuse(self, status: int, reason: str) -> None:
        """Read no more, and say why once the requests before have been answered."""
        if not self._closing:
            self._closing = True
            self._queue(Refused(status, reason), keep_alive=False)

    def close(self) -> None:
        """End the connection once what was written is sent."""
        self._closing = True
        self._disarm()
        if self._transport is not None:
            self._transport.close()

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._expired)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expired(self) -> None:
        self._closing = True
        if self._transport is not None:
            self._transport.abort()


class HttpListener:
    """The listening socket and its connections."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._connections: set[HttpConnection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen; return the port that was bound."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: HttpConnection(self._handler, self._connections), host, port, ssl=tls
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        assert self._server is not None
        self._server.close()
        for connection in tuple(self._connections):
            connection.close()
        await self._server.wait_closed()
