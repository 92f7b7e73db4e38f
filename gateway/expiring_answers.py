"""The answers of a stream, until the caller's token ends.

Owns the moment at which a stream is over. Promises that only the handler is ended, never a write of the protocol's:
gRPC whose write is cancelled sends no status any more, and its client learns nothing. A handler whose answers a client
does not read ends at that moment too, with all that it does beside them; the client finds the error behind what it had
not read yet. Knows no message.
"""

import asyncio
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Any, Generic, TypeVar

from cumulo.core.errors import EXPIRED_TOKEN

T = TypeVar("T")


class UntilExpiry(Generic[T]):
    """An iterator over `answers` that raises `EXPIRED_TOKEN` once the token's `left_s` seconds are over (None: it never
    expires); within `async with`, by one task, which owns the answers.

    One timer serves the whole stream: a timeout for each answer would be a tenth of what a small one costs.
    """

    def __init__(self, answers: AsyncGenerator[T, None], left_s: float | None) -> None:
        self._answers = answers
        self._left_s = left_s
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Task[Any] | None = None
        self._expired = False
        self._ending: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "UntilExpiry[T]":
        if self._left_s is not None:
            self._timer = asyncio.get_running_loop().call_later(self._left_s, self._expire)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._ending is not None:
            await self._ending
        await self._answers.aclose()

    def __aiter__(self) -> "UntilExpiry[T]":
        return self

    async def __anext__(self) -> T:
        if self._ending is not None:
            raise EXPIRED_TOKEN.error()
        task = self._waiting = asyncio.current_task()
        try:
            return await anext(self._answers)
        except asyncio.CancelledError:
            if self._expired and task is not None and not task.uncancel():
                raise EXPIRED_TOKEN.error() from None
            raise
        finally:
            self._waiting = None

    def _expire(self) -> None:
        self._expired = True
        if self._waiting is not None:
            self._waiting.cancel()
        else:
            self._ending = asyncio.ensure_future(self._answers.aclose())
