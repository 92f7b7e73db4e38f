"""The form of an answer.

Owns what a handler returns. Knows no connection and no service.
"""

from collections.abc import AsyncIterator

import msgspec


class Response(msgspec.Struct, frozen=True):
    """What a handler answers.

    Either `body`, which is small and whole, or `stream`: pieces borrowed until the next one is asked for, closed
    (`aclose`) by the writer where it can be. `content_length` announces a stream's length (None: chunked), or what a
    `HEAD` request would have got. Where the stream has an attribute `file_range`, `(descriptor, offset)` of the last
    piece or None, those bytes may be sent from the file instead. `headers` come as they are, in order; `content-length`,
    `transfer-encoding`, `connection` and `date` are the writer's own. An empty `content_type` sends none.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = ""
    stream: AsyncIterator[memoryview] | None = None
    content_length: int | None = None
