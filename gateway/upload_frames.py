"""The frames of an upload, each awaited only so long.

Owns the two ends that a client's silence has: a stall, and the expiry of its token. Promises that only waiting for a
frame is timed, never what is done with one: a commit that has begun is not interrupted from here. Knows no message.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

from cumulo.core.errors import EXPIRED_TOKEN, REQUEST_TIMEOUT

UPLOAD_STALL_S = 60.0
"""How long a client may send nothing in the midst of an upload: an open one holds memory and a blob."""


class TimedFrames:
    """An iterator over `frames` that raises `REQUEST_TIMEOUT` after `stall_s` seconds without one, and `EXPIRED_TOKEN`
    once the token's `left_s` seconds are over (None: it never expires).
    """

    def __init__(self, frames: AsyncIterator[Any], stall_s: float, left_s: float | None) -> None:
        self._frames = aiter(frames)
        self._stall_s = stall_s
        self._time = asyncio.get_running_loop().time
        self._expires_at = math.inf if left_s is None else self._time() + left_s

    def __aiter__(self) -> "TimedFrames":
        return self

    async def __anext__(self) -> Any:
        now = self._time()
        if now >= self._expires_at:
            raise EXPIRED_TOKEN.error()
        ends_at = min(now + self._stall_s, self._expires_at)
        try:
            async with asyncio.timeout_at(ends_at):
                return await anext(self._frames)
        except TimeoutError:
            raise (EXPIRED_TOKEN if ends_at == self._expires_at else REQUEST_TIMEOUT).error() from None
