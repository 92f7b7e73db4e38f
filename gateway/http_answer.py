"""The form of an answer.

Owns what a handler returns, the head that it becomes, and the way from a file to the socket. Promises: nothing that a
handler puts into a header can end that header or begin a body. Knows no connection and no service.
"""

import asyncio
import contextlib
import email.utils
import functools
import os
import socket
import time
from collections.abc import AsyncIterator
from http import HTTPStatus

import msgspec

ANSWER_STALL_S = 60
"""How long a client may read nothing of an answer that waits for it."""
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_BODILESS = frozenset((204, 304))


class Response(msgspec.Struct, frozen=True):
    """What a handler answers.

    Either `body`, which is small and whole, or `stream`: pieces borrowed until the next one is asked for, closed
    (`aclose`) by the writer where it can be. `content_length` announces a stream's length (None: chunked), or what a
    `HEAD` request would have got. Where the stream has an attribute `file_range`, `(descriptor, offset)` of the last
    piece or None, those bytes may be sent from the file instead. `headers` come as they are, in order;
    `content-length`, `transfer-encoding`, `connection` and `date` are the writer's own. An empty `content_type` sends
    none.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = ""
    stream: AsyncIterator[memoryview] | None = None
    content_length: int | None = None


def is_bodiless(method: str, status: int) -> bool:
    """Whether the answer ends with its head (RFC 9112 section 6.3)."""
    return method == "HEAD" or status in _BODILESS


def render_head(response: Response, *, framing: str, connection: str) -> bytes:
    """Return the answer's head.

    `framing` is the header line that says how long the body is, and `connection` the one that says what comes after
    it; either may be empty. Raises `ValueError` where a header has a character that would end it, or none of latin-1.
    """
    content_type = f"content-type: {response.content_type}\r\n" if response.content_type else ""
    lines = "".join([f"{name}: {value}\r\n" for name, value in response.headers]) if response.headers else ""
    ends = len(response.headers) + (1 if content_type else 0)
    given = content_type + lines
    if given.count("\r") != ends or given.count("\n") != ends or "\0" in given:
        raise ValueError("a header of the answer has a control character")
    status_line = _STATUS_LINES.get(response.status) or f"HTTP/1.1 {response.status} \r\n"
    return f"{status_line}date: {_date(int(time.time()))}\r\n{given}{framing}{connection}\r\n".encode("latin-1")


@functools.lru_cache(maxsize=1)
def _date(second: int) -> str:
    return email.utils.formatdate(second, usegmt=True)


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
