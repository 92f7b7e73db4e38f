"""Parked readers: who waits for news of a log.

A reader takes nothing away, so a commit wakes everybody who listens to what it changed, and each looks again by
himself. Listen first, look, then wait: nothing can come unseen in between. Nothing polls. Lives on one event loop.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

READERS_MAX = 20_000
"""Parked readers of one server."""


class Listener:
    """One parked reader."""

    __slots__ = ("_news",)

    def __init__(self) -> None:
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Let the reader look again."""
        self._news.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for news; say whether there were some before `seconds` had passed."""
        if seconds > 0 and not self._news.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._news.wait()
            except TimeoutError:
                return False
        there = self._news.is_set()
        self._news.clear()
        return there


class ParkedReaders:
    """All who wait for news of logs; a watcher of the engine."""

    def __init__(self) -> None:
        self._by_topic: dict[bytes, set[Listener]] = {}
        self._count = 0
        self._left = asyncio.Event()
        self.is_closed = False

    def __len__(self) -> int:
        return self._count

    @property
    def is_full(self) -> bool:
        """Say whether no more readers may park."""
        return self._count >= READERS_MAX

    def committed(self, topics: Mapping[bytes, int], earliest_due_ms: int | None) -> None:
        """Wake those whom a commit concerns (the engine's watcher)."""
        del earliest_due_ms
        if self._by_topic:
            for topic in topics:
                for listener in self._by_topic.get(topic, ()):
                    listener.wake()

    @contextmanager
    def listening(self, *topics: bytes) -> Iterator[Listener]:
        """Listen to topics while the block runs."""
        listener = Listener()
        self._count += 1
        for topic in topics:
            self._by_topic.setdefault(topic, set()).add(listener)
        try:
            yield listener
        finally:
            self._count -= 1
            self._left.set()
            for topic in topics:
                there = self._by_topic[topic]
                there.discard(listener)
                if not there:
                    del self._by_topic[topic]

    def close(self) -> None:
        """Wake everybody: whoever waits looks at `is_closed`, and leaves."""
        self.is_closed = True
        for listeners in self._by_topic.values():
            for listener in listeners:
                listener.wake()

    async def settle(self) -> None:
        """Return when everybody has left."""
        while self._count:
            self._left.clear()
            await self._left.wait()
