"""How much memory bodies may take together that are read whole, most of them before anybody has proved who he is.

Owns that sum. Promises: what would pass it is refused, and may be sent again later; only bytes that have come count, so
that nobody takes a place by announcing a body; a body comes within `READ_S_MAX` or gives its place back. Short bodies,
of which every connection may have one, are not counted. A body that streams holds one piece and needs no place.
"""

import asyncio
import contextlib
from collections.abc import Iterator

from cumulo.core.errors import REQUEST_TIMEOUT, ErrorRow, Status
from cumulo.gateway.http_body import SMALL_BODY_BYTES, Body

HELD_BYTES_MAX = 128 * 1024 * 1024
"""Of our own: 8 of the longest bodies, or 128 batches of 1 MiB. A body is copied once more when it is whole."""
READ_S_MAX = 120
"""Of our own: 16 MiB in it are 1.1 Mbit/s."""

SLOW_DOWN = ErrorRow(
    "SlowDown",
    503,
    Status.RESOURCE_EXHAUSTED,
    "Please reduce your request rate.",
    query_code="ServiceUnavailable",
    retryable=True,
)


class HeldBodies:
    """The places of a listener's bodies."""

    def __init__(self, bytes_max: int = HELD_BYTES_MAX) -> None:
        self.bytes_left = bytes_max

    @contextlib.contextmanager
    def place(self, body: Body) -> Iterator[Body]:
        """Return a body that takes a place while it is read and gives it back when the block ends."""
        held = HeldBody(body, self)
        try:
            yield held
        finally:
            held.give_back()


class HeldBody(Body):
    """A body whose bytes are counted."""

    def __init__(self, body: Body, places: HeldBodies) -> None:
        self.content_length = body.content_length
        self._body = body
        self._places = places
        self._bytes = 0

    async def __anext__(self) -> memoryview:
        """Return the next piece; raises `SlowDown` where there is no place for it."""
        piece = await anext(self._body)
        if len(piece) > self._places.bytes_left:
            raise SLOW_DOWN.error()
        self._places.bytes_left -= len(piece)
        self._bytes += len(piece)
        return piece

    async def read(self, limit_bytes: int) -> bytes:
        """Return the whole body; raises `RequestTimeout` where it takes too long, and what `Body.read` raises."""
        try:
            async with asyncio.timeout(READ_S_MAX):
                return await super().read(limit_bytes)
        except TimeoutError:
            raise REQUEST_TIMEOUT.error() from None

    def give_back(self) -> None:
        """Let another body have the place."""
        self._places.bytes_left += self._bytes
        self._bytes = 0


def is_long(body: Body) -> bool:
    """Say whether a body needs a place."""
    return body.content_length is None or body.content_length > SMALL_BODY_BYTES
