"""A request's body as its handler sees it: pieces, asked for one after another.

Owns the shapes, the buffers and the refusals that a body can raise. Promises: no byte is taken from the client before
it is asked for, but for what came along with others; a piece is borrowed, good until the next one is asked for; a long
body goes from the socket into a buffer of `PIECE_BYTES`, aligned to a page and reused, and nowhere else. Does not know
what a body means, nor the connection beyond what `Wire` says.
"""

import contextlib
import mmap
import re
from collections.abc import AsyncIterator, Callable
from typing import NoReturn, Protocol

from cumulo.core.errors import ErrorRow, ServiceError, Status

INCOMPLETE_BODY = ErrorRow(
    "IncompleteBody",
    400,
    Status.INVALID_ARGUMENT,
    "You did not provide the number of bytes specified by the Content-Length HTTP header.",
)
BODY_TOO_LARGE = ErrorRow(
    "RequestEntityTooLarge", 413, Status.RESOURCE_EXHAUSTED, "The request body is longer than {allowed} bytes."
)
BROKEN_CHUNKS = ErrorRow(
    "InvalidRequest", 400, Status.INVALID_ARGUMENT, "The chunked transfer coding of the request body is broken."
)

PIECE_BYTES = 1024 * 1024
"""What the digests, the disk and the socket like best (object_storage.md section 6)."""
SMALL_BODY_BYTES = 80 * 1024
"""An object of 64 KiB in signed chunks. Up to here a body has a buffer of its own size, and what nobody has read of it
is read and dropped.
"""
BUFFERS_MAX = 64
"""Long bodies that are received at once into buffers of `PIECE_BYTES`; more get along with `SMALL_BODY_BYTES`."""
BUFFERS_KEPT = 8
CHUNK_LINE_BYTES_MAX = 4 * 1024
TRAILER_LINES_MAX = 20
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\t\x20-\x7e\x80-\xff]*)?")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*")


class Body(AsyncIterator[memoryview]):
    """A body's pieces, at most `PIECE_BYTES` each, not aligned to the transfer coding's chunks.

    `content_length` is 0 without a body and None where the transfer coding is chunked. Asking for a piece raises
    `INCOMPLETE_BODY` where the client is gone or has sent too little, `BROKEN_CHUNKS`, or `REQUEST_TIMEOUT` where it
    sends too slowly.
    """

    content_length: int | None

    def settle(self) -> int | None:
        """Drop what has arrived of what was not asked for; return how much is still to come, None for "too much"."""
        return 0

    def abandon(self) -> None:
        """Let go of the buffer, which somebody may still be looking into."""

    async def read(self, limit_bytes: int) -> bytes:
        """Return what is left of the body; raises `BODY_TOO_LARGE` as soon as that is known to pass `limit_bytes`."""
        if self.content_length is not None and self.content_length > limit_bytes:
            raise BODY_TOO_LARGE.error(allowed=limit_bytes)
        content = bytearray()
        async for piece in self:
            if len(content) + len(piece) > limit_bytes:
                raise BODY_TOO_LARGE.error(allowed=limit_bytes)
            content += piece
        return bytes(content)


class WholeBody(Body):
    """A body that is here already: one piece, or none."""

    def __init__(self, content: bytes | memoryview) -> None:
        self.content_length = len(content)
        self._content = content

    def take_whole(self) -> memoryview:
        """Return the whole content, once; afterwards nothing."""
        content, self._content = self._content, b""
        return memoryview(content)

    async def __anext__(self) -> memoryview:
        """Return the whole content, once."""
        if not self._content:
            raise StopAsyncIteration
        return self.take_whole()

    async def read(self, limit_bytes: int) -> bytes:
        """Return the content at once."""
        if len(self._content) > limit_bytes:
            raise BODY_TOO_LARGE.error(allowed=limit_bytes)
        content, self._content = self._content, b""
        return bytes(content)


NO_BODY = WholeBody(b"")


class Wire(Protocol):
    """What a body needs of its connection. A failure is final: each later call raises it again."""

    def take(self, size_bytes: int) -> bytes:
        """Return what has arrived already, `size_bytes` at most."""

    def put_back(self, rest: bytes) -> None:
        """Return bytes that are not the body's."""

    async def fill(self, window: memoryview) -> None:
        """Receive until the window is full."""

    async def receive(self) -> bytes:
        """Return what has arrived, or what arrives next."""


class BufferPool:
    """Page-aligned buffers for long bodies, used again and again."""

    def __init__(self) -> None:
        self._free: list[memoryview] = []
        self._lent = 0

    def take(self) -> memoryview:
        """Lend a buffer of `PIECE_BYTES`, or a smaller one where too many are lent: no upload waits for another."""
        if self._lent >= BUFFERS_MAX:
            return memoryview(bytearray(SMALL_BODY_BYTES))
        self._lent += 1
        return self._free.pop() if self._free else memoryview(mmap.mmap(-1, PIECE_BYTES))

    def give_back(self, buffer: memoryview, *, reusable: bool) -> None:
        """Take a buffer back; one that somebody may still look into is not lent again."""
        if len(buffer) != PIECE_BYTES:
            return
        self._lent -= 1
        if reusable and len(self._free) < BUFFERS_KEPT:
            self._free.append(buffer)


class MeasuredBody(Body):
    """A body of known length, received straight into its buffer."""

    def __init__(self, wire: Wire, content_length: int, pool: BufferPool) -> None:
        self.content_length = content_length
        self._wire = wire
        self._pool = pool
        self._left = content_length
        self._buffer: memoryview | None = None

    async def __anext__(self) -> memoryview:
        """Return the next `PIECE_BYTES`, or all that is left."""
        if self._left == 0:
            self._let_go(reusable=True)
            raise StopAsyncIteration
        if self._buffer is None:
            small = self._left <= SMALL_BODY_BYTES
            self._buffer = memoryview(bytearray(self._left)) if small else self._pool.take()
        piece = self._buffer[: self._left]
        await self._wire.fill(piece)
        self._left -= len(piece)
        return piece

    def settle(self) -> int | None:
        """Drop what has arrived."""
        while self._left and (dropped := self._wire.take(self._left)):
            self._left -= len(dropped)
        return self._left if self._left <= SMALL_BODY_BYTES else None

    def abandon(self) -> None:
        """Let go of the buffer without its being lent again."""
        self._let_go(reusable=False)

    def _let_go(self, *, reusable: bool) -> None:
        if self._buffer is not None:
            self._pool.give_back(self._buffer, reusable=reusable)
            self._buffer = None


class ChunkedBody(Body):
    """A body in the chunked transfer coding; its pieces are what arrived at a time."""

    content_length = None

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._decoder = ChunkDecoder()

    async def __anext__(self) -> memoryview:
        """Return the content of what arrives next."""
        while not self._decoder.ended:
            content = self._decode(await self._wire.receive())
            if content:
                return memoryview(content)
        raise StopAsyncIteration

    def settle(self) -> int | None:
        """Drop what has arrived; how much there is behind it is not known."""
        if not self._decoder.ended:
            with contextlib.suppress(ServiceError):  # broken: its end will never be known
                self._decode(self._wire.take(SMALL_BODY_BYTES))
        return 0 if self._decoder.ended else None

    def _decode(self, received: bytes) -> bytes:
        content, rest = self._decoder.decode(received)
        if rest:
            self._wire.put_back(rest)
        return content


class ChunkDecoder:
    """Decodes the chunked transfer coding (RFC 9112 section 7.1), strictly.

    Parsers for whole requests cannot be stopped at the body's end: they would read the next request along with it.
    Extensions are read over and trailers are dropped, as the RFC allows; neither line may be longer than
    `CHUNK_LINE_BYTES_MAX`.
    """

    def __init__(self) -> None:
        self.ended = False
        self._step: Callable[[], bool] = self._size
        self._received = b""
        self._at = 0
        self._left = 0
        self._trailers = 0
        self._content: list[bytes | memoryview] = []

    def decode(self, received: bytes) -> tuple[bytes, bytes]:
        """Return the content in `received`, and what stands behind the body's end; raises `BROKEN_CHUNKS`."""
        self._received, self._at = self._received + received, 0
        while self._step() and not self.ended:
            pass
        rest, self._received = self._received[self._at :], b""
        content = b"".join(self._content)
        self._content.clear()
        if self.ended:
            return content, rest
        self._received = rest
        return content, b""

    # Each step takes one element from `_at` on and names its successor; False where more has to arrive first.

    def _size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        match = _CHUNK_SIZE.fullmatch(line) or self._fail()
        self._left = int(match[1], 16)
        self._step = self._data if self._left else self._trailer
        return True

    def _data(self) -> bool:
        piece = memoryview(self._received)[self._at : self._at + self._left]
        if piece:
            self._content.append(piece)
        self._at += len(piece)
        self._left -= len(piece)
        if self._left:
            return False
        self._step = self._data_end
        return True

    def _data_end(self) -> bool:
        end = self._received[self._at : self._at + 2]
        if not b"\r\n".startswith(end):
            self._fail()
        if len(end) < len(b"\r\n"):
            return False
        self._at += len(end)
        self._step = self._size
        return True

    def _trailer(self) -> bool:
        line = self._line()
        if line is None:
            return False
        self._trailers += 1
        self.ended = not line
        if self._trailers > TRAILER_LINES_MAX or not (self.ended or _TRAILER.fullmatch(line)):
            self._fail()
        return True

    def _line(self) -> bytes | None:
        end = self._received.find(b"\r\n", self._at, self._at + CHUNK_LINE_BYTES_MAX)
        if end < 0:
            if len(self._received) - self._at >= CHUNK_LINE_BYTES_MAX or self._received.find(b"\n", self._at) >= 0:
                self._fail()
            return None
        line = self._received[self._at : end]
        self._at = end + 2
        return line

    def _fail(self) -> NoReturn:
        self._step = self._fail
        raise BROKEN_CHUNKS.error()
