"""The form of an answer.

Owns what a handler returns, the head that it becomes, and the way from a stream or a file to the client. Promises:
nothing that a handler puts into a header can end that header or begin a body; head and small body leave in one write; a
stream is asked for its next piece when the client has taken the last one; whatever is announced is sent to the byte, or
fails. Knows no service, and of the connection what `Outgoing` says.
"""

import asyncio
import contextlib
import email.utils
import functools
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Protocol

import msgspec

from cumulo.gateway.http_head import Head

ANSWER_STALL_S = 60
"""How long a client may read nothing of an answer that waits for it."""
SENDFILE_BYTES_MIN = 256 * 1024
"""Smaller pieces are cheaper written than sent from their file (object_storage.md section 6)."""
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_BODILESS = frozenset((204, 304))
_SPELT = {
    name.lower(): name
    for name in (
        "Accept-Ranges",
        "Access-Control-Allow-Credentials",
        "Access-Control-Allow-Headers",
        "Access-Control-Allow-Methods",
        "Access-Control-Allow-Origin",
        "Access-Control-Expose-Headers",
        "Access-Control-Max-Age",
        "Allow",
        "Cache-Control",
        "Content-Disposition",
        "Content-Encoding",
        "Content-Language",
        "Content-Range",
        "ETag",
        "Expires",
        "Last-Modified",
        "Location",
        "Vary",
    )
}
"""HTTP's own names as RFC 9110 spells them: case means nothing, but scripts look for `ETag:` as AWS writes it."""
_log = logging.getLogger("cumulo.http")


class Response(msgspec.Struct, frozen=True):
    """What a handler answers.

    Either `body`, which is small and whole, or `stream`: pieces borrowed until the next one is asked for, closed
    (`aclose`) by the writer where it can be. `content_length` announces a stream's length (None: chunked), or what a
    `HEAD` request would have got. Where the stream has an attribute `file_range`, `(descriptor, offset)` of the last
    piece or None, those bytes may be sent from the file instead. `headers` come in order, their names in small letters;
    `content-length`, `transfer-encoding`, `connection` and `date` are the writer's own. An empty `content_type` sends
    none.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = ""
    stream: AsyncIterator[memoryview] | None = None
    content_length: int | None = None


INTERNAL_ERROR = Response(500, b"internal error\n", content_type="text/plain; charset=utf-8")


def is_bodiless(method: str, status: int) -> bool:
    """Whether the answer ends with its head (RFC 9112 section 6.3)."""
    return method == "HEAD" or status in _BODILESS


def render_head(response: Response, *, framing: str, connection: str) -> bytes:
    """Return the answer's head.

    `framing` is the header line that says how long the body is, and `connection` the one that says what comes after
    it; either may be empty. Raises `ValueError` where a header has a character that would end it, or none of latin-1.
    """
    content_type = f"Content-Type: {response.content_type}\r\n" if response.content_type else ""
    lines = "".join([f"{_SPELT.get(name, name)}: {value}\r\n" for name, value in response.headers])
    ends = len(response.headers) + (1 if content_type else 0)
    given = content_type + lines
    if given.count("\r") != ends or given.count("\n") != ends or "\0" in given:
        raise ValueError("a header of the answer has a control character")
    status_line = _STATUS_LINES.get(response.status) or f"HTTP/1.1 {response.status} \r\n"
    return f"{status_line}Date: {_date(int(time.time()))}\r\n{given}{framing}{connection}\r\n".encode("latin-1")


@functools.lru_cache(maxsize=1)
def _date(second: int) -> str:
    return email.utils.formatdate(second, usegmt=True)


class Outgoing(Protocol):
    """What the writer of an answer needs of its connection."""

    secure: bool

    def write(self, data: bytes | memoryview) -> None:
        """Send, or keep for sending; `ConnectionAbortedError` where the client is gone."""

    async def flush(self) -> None:
        """Return once nothing is kept for sending."""

    def socket(self) -> socket.socket:
        """Return the connection's socket."""


async def send_answer(out: Outgoing, head: Head, response: Response, *, follows: bool) -> bool:
    """Send the answer to the request of `head`; return whether another one may follow it on the connection.

    What fails before the first byte becomes a 500. What fails later is raised: only the connection's end can say it.
    """
    stream = response.stream
    bodiless = is_bodiless(head.method, response.status)
    try:
        first = await anext(stream, None) if stream is not None and not bodiless else None
        framing = _framing(head, response)
        if first is not None and not framing:
            follows = False  # HTTP/1.0 knows such a stream's end by the connection's
        start = render_head(response, framing=framing, connection=_connection(head, follows=follows))
    except Exception:  # noqa: BLE001 - a bug in a handler's stream is answered, too
        _log.exception("bug while answering %s", head.target)
        await _close_stream(stream)
        return await send_answer(out, head, INTERNAL_ERROR, follows=follows)
    except BaseException:
        await _close_stream(stream)
        raise
    if stream is None:
        out.write(start if bodiless else start + response.body)
        return follows
    try:
        if bodiless:
            out.write(start)
        elif framing.startswith("Transfer-Encoding"):
            await _send_chunks(out, start, first, stream)
        else:
            await _send_pieces(out, start, first, stream, response.content_length)
    finally:
        await _close_stream(stream)
    return follows


async def _send_chunks(
    out: Outgoing, start: bytes, piece: memoryview | None, stream: AsyncIterator[memoryview]
) -> None:
    while piece is not None:
        if piece:
            out.write(b"".join((start, b"%x\r\n" % len(piece), piece, b"\r\n")))
            start = b""
            await out.flush()
            await asyncio.sleep(0)  # others' turn
        piece = await anext(stream, None)
    out.write(start + b"0\r\n\r\n")


async def _send_pieces(
    out: Outgoing, start: bytes, piece: memoryview | None, stream: AsyncIterator[memoryview], announced: int | None
) -> None:
    """Send a stream of `announced` bytes, or one that the connection's end will end."""
    sent_bytes = 0
    sender: FileSender | None = None
    try:
        while piece is not None:
            sent_bytes += len(piece)
            assert announced is None or sent_bytes <= announced, "the stream is longer than it was announced"
            file_range: tuple[int, int] | None = getattr(stream, "file_range", None)
            if file_range is not None and len(piece) >= SENDFILE_BYTES_MIN and not out.secure:
                out.write(start)
                await out.flush()
                if sender is None:
                    sender = FileSender(out.socket())
                await sender.send(*file_range, len(piece))
            elif start and len(piece) <= SENDFILE_BYTES_MIN:
                out.write(b"".join((start, piece)))
            else:
                out.write(start)
                out.write(piece)
            start = b""
            await out.flush()
            if sent_bytes != announced:
                await asyncio.sleep(0)  # others' turn
            piece = await anext(stream, None)
    finally:
        if sender is not None:
            sender.close()
    out.write(start)
    assert announced is None or sent_bytes == announced, "the stream is shorter than it was announced"


def _framing(head: Head, response: Response) -> str:
    """Return the header line that tells the body's end, empty where the status or the connection's end does."""
    if is_bodiless("GET", response.status):
        return ""
    if response.content_length is not None and (response.stream is not None or head.method == "HEAD"):
        return f"Content-Length: {response.content_length}\r\n"
    if response.stream is None:
        return f"Content-Length: {len(response.body)}\r\n"
    return "" if head.http_1_0 else "Transfer-Encoding: chunked\r\n"


def _connection(head: Head, *, follows: bool) -> str:
    if follows:
        return "Connection: keep-alive\r\n" if head.http_1_0 else ""
    return "Connection: close\r\n"


async def _close_stream(stream: AsyncIterator[memoryview] | None) -> None:
    close: Callable[[], Awaitable[None]] | None = getattr(stream, "aclose", None)
    if close is not None:
        await close()


class FileSender:
    """Sends ranges of files to a connection's socket, past its transport.

    The transport's buffer has to be empty, and stay so until a range is sent. Event loops refuse to watch a transport's
    own descriptor, so this one watches a duplicate; it must be closed, or the client never sees the connection's end.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._descriptor = os.dup(connected.fileno())

    async def send(self, file: int, offset: int, size: int) -> None:
        """Send `size` bytes from `offset` of the open `file`; `ConnectionError` where the client is gone or stalls."""
        while size:
            try:
                sent = os.sendfile(self._descriptor, file, offset, size)
            except BlockingIOError:
                await self._writable()
                continue
            assert sent, "the file ends before the range does"
            offset += sent
            size -= sent

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        loop.add_writer(self._descriptor, _set, ready)
        try:
            async with asyncio.timeout(ANSWER_STALL_S):
                await ready
        except TimeoutError as error:
            raise ConnectionAbortedError from error
        finally:
            loop.remove_writer(self._descriptor)

    def close(self) -> None:
        """Close the duplicate."""
        with contextlib.suppress(OSError):  # the socket may be reset already
            os.close(self._descriptor)


def _set(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
