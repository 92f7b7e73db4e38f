"""A request's body as its handler sees it: pieces, asked for one after another.

Owns the shapes and the refusals that a body can raise. Promises: no byte is taken from the client before it is asked
for; a piece is borrowed, good until the next one is asked for. Does not know what a body means.
"""

from collections.abc import AsyncIterator

from cumulo.core.errors import ErrorRow, Status

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
    "InvalidRequest",
    400,
    Status.INVALID_ARGUMENT,
    "The chunked transfer coding of the request body is broken: {reason}.",
)


class Body(AsyncIterator[memoryview]):
    """A body's pieces, at most `PIECE_BYTES` each, not aligned to the transfer coding's chunks.

    `content_length` is 0 without a body and None where the transfer coding is chunked. Asking for a piece raises
    `INCOMPLETE_BODY` where the client is gone or has sent too little, `BROKEN_CHUNKS`, or `REQUEST_TIMEOUT` where it
    sends too slowly.
    """

    content_length: int | None

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

    def __init__(self, content: bytes) -> None:
        self.content_length = len(content)
        self._content = content

    async def __anext__(self) -> memoryview:
        """Return the whole content, once."""
        if not self._content:
            raise StopAsyncIteration
        content, self._content = self._content, b""
        return memoryview(content)

    async def read(self, limit_bytes: int) -> bytes:
        """Return the content as it is, without a copy."""
        if len(self._content) > limit_bytes:
            raise BODY_TOO_LARGE.error(allowed=limit_bytes)
        content, self._content = self._content, b""
        return content
