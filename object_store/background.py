"""What the room does beside its calls, in tasks of its own.

Owns their end: a server that stops begins nothing any more and breaks off what is under way, whose due entries come
again at the next start. Knows no deed.
"""

import asyncio


class Background:
    """Tasks under way: who begins one adds it to `_tasks`, unless `_is_closed`, and takes it out at its end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def drain(self) -> None:
        """Begin nothing any more, and leave what is under way to the next start."""
        self._is_closed = True
        for task in tuple(self._tasks):
            task.cancel()
        await self.settle()
