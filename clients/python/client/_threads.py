"""Concurrency of the synchronous flavour, on threads. `_tasks` offers the same names on asyncio; the SDK's one source
is written against either.
"""

import io
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import grpc

P = ParamSpec("P")
T = TypeVar("T")

Channel = grpc.Channel
Lock = threading.Lock
Method = Callable[..., T]
"""A call of a stub with one request and one answer."""
RawStream = io.RawIOBase
sleep = time.sleep


def open_channel(
    target: str, credentials: grpc.ChannelCredentials | None, options: Sequence[tuple[str, Any]]
) -> grpc.Channel:
    """Return a channel, encrypted where there are credentials for it; connects at its first call."""
    if credentials is None:
        return grpc.insecure_channel(target, options=options)
    return grpc.secure_channel(target, credentials, options=options)


def run_blocking(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Run it: here there is no event loop to hold up."""
    return function(*arguments, **named)


class Signal:
    """Wakes whoever waits; stays set until cleared. Clear before you look, look before you wait."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.set = self._event.set
        self.clear = self._event.clear

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until set, at most `timeout` seconds; say whether it was."""
        return self._event.wait(timeout)


class Background:
    """One function that runs beside its owner until it returns."""

    def __init__(self, function: Callable[[], None], name: str) -> None:
        self._thread = threading.Thread(target=function, name=name, daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until it returned."""
        self._thread.join()

    def is_current(self) -> bool:
        """Say whether the caller is that function itself."""
        return threading.current_thread() is self._thread


class Crew:
    """Runs up to `size` calls at once and hands back the first error."""

    def __init__(self, size: int) -> None:
        self._free = threading.Semaphore(size)
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="cumulo transfer")
        self._futures: list[Future[None]] = []
        self._failure: BaseException | None = None

    def start(self, function: Callable[[], None]) -> None:
        """Start a call as soon as there is a free place; raises what an earlier one raised."""
        self._free.acquire()
        if self._failure is not None:
            self._free.release()
            raise self._failure
        self._futures.append(self._pool.submit(self._run, function))

    def _run(self, function: Callable[[], None]) -> None:
        try:
            function()
        except Exception as error:  # noqa: BLE001 - handed to whoever starts or finishes next
            self._failure = self._failure or error
        finally:
            self._free.release()

    def finish(self) -> None:
        """Wait for all calls; raises the first error."""
        self._pool.shutdown()
        if self._failure is not None:
            raise self._failure

    def abandon(self) -> None:
        """End all calls without looking at how they came out; those that run already are waited for."""
        self._pool.shutdown(cancel_futures=True)


class Handle:
    """A thing on the server that may have to be made first, which happens at once."""

    def prepare_by(self, preparation: Callable[[], object]) -> None:
        """Do this."""
        preparation()
