"""Concurrency of the asynchronous flavour, on asyncio. `_threads` offers the same names on threads; the SDK's one
source is written against either.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from typing import Any, ParamSpec, Self, TypeVar

import grpc

P = ParamSpec("P")
T = TypeVar("T")

Channel = grpc.aio.Channel
Lock = asyncio.Lock
Method = Callable[..., Awaitable[T]]
"""A call of a stub with one request and one answer."""


def open_channel(
    target: str, credentials: grpc.ChannelCredentials | None, options: Sequence[tuple[str, Any]]
) -> grpc.aio.Channel:
    """Return a channel, encrypted where there are credentials for it; connects at its first call."""
    if credentials is None:
        return grpc.aio.insecure_channel(target, options=options)
    return grpc.aio.secure_channel(target, credentials, options=options)


async def sleep(seconds: float) -> None:
    """Wait."""
    await asyncio.sleep(seconds)


async def run_blocking(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Run what would hold up the event loop, elsewhere."""
    return await asyncio.to_thread(function, *arguments, **named)


class Signal:
    """Wakes whoever waits; stays set until cleared. Clear before you look, look before you wait."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake everybody."""
        self._event.set()

    def clear(self) -> None:
        """Let the next wait wait."""
        self._event.clear()

    async def wait(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - the twin on threads has no other way
        """Wait until set, at most `timeout` seconds; say whether it was."""
        if timeout is None:
            return await self._event.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._event.wait()
        return self._event.is_set()


class Background:
    """One function that runs beside its owner until it returns."""

    def __init__(self, function: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        self._task = asyncio.create_task(function(), name=name)

    async def join(self) -> None:
        """Wait until it returned."""
        await self._task

    def is_current(self) -> bool:
        """Say whether the caller is that function itself."""
        return asyncio.current_task() is self._task


class Crew:
    """Runs up to `size` calls at once and hands back the first error."""

    def __init__(self, size: int) -> None:
        self._free = asyncio.Semaphore(size)
        self._tasks: list[asyncio.Task[None]] = []
        self._failure: BaseException | None = None

    async def start(self, function: Callable[[], Awaitable[None]]) -> None:
        """Start a call as soon as there is a free place; raises what an earlier one raised."""
        await self._free.acquire()
        if self._failure is not None:
            self._free.release()
            raise self._failure
        self._tasks.append(asyncio.create_task(self._run(function)))

    async def _run(self, function: Callable[[], Awaitable[None]]) -> None:
        try:
            await function()
        except Exception as error:  # noqa: BLE001 - handed to whoever starts or finishes next
            self._failure = self._failure or error
        finally:
            self._free.release()

    async def finish(self) -> None:
        """Wait for all calls; raises the first error."""
        await asyncio.gather(*self._tasks)
        if self._failure is not None:
            raise self._failure

    async def abandon(self) -> None:
        """End all calls without looking at how they came out."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Handle:
    """A thing on the server that may have to be made first: awaiting it does that, and gives the thing itself."""

    _preparation: Callable[[], Awaitable[object]] | None = None

    def prepare_by(self, preparation: Callable[[], Awaitable[object]]) -> None:
        """Have `await` do this first, once."""
        self._preparation = preparation

    def __await__(self) -> Generator[Any, None, Self]:
        return self._prepared().__await__()

    async def _prepared(self) -> Self:
        preparation, self._preparation = self._preparation, None
        if preparation is not None:
            await preparation()
        return self


class RawStream:
    """What asynchronous file-like objects have in common; its twin is `io.RawIOBase`."""

    closed = False

    async def close(self) -> None:
        """Mark the stream as closed."""
        self.closed = True
