"""Directory syncs, shared: one fsync makes the names of all files durable that were created before it began.

Promises that `sync` returns only after an fsync that began after it was called. Knows no file.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path


class DirectorySync:
    """Runs `sync_directory` (the real one, or a test's) in `executor`, one round per folder at a time."""

    def __init__(self, executor: Executor, sync_directory: Callable[[Path], None]) -> None:
        self._executor = executor
        self._sync_directory = sync_directory
        self._running: dict[Path, asyncio.Future[None]] = {}
        self._next: dict[Path, asyncio.Future[None]] = {}

    async def sync(self, folder: Path) -> None:
        """Make the names that are in `folder` now durable; raises `OSError` where that failed."""
        joined = self._next.get(folder)
        if joined is None:
            joined = asyncio.ensure_future(self._round(folder, self._running.get(folder)))
            self._next[folder] = joined
        # Shielded: a caller who gives up must not take the round away from the others.
        await asyncio.shield(joined)

    async def _round(self, folder: Path, before: "asyncio.Future[None] | None") -> None:
        if before is not None:
            await asyncio.wait((before,))
        # Whoever comes from here on joins the next round: his file may be younger than this one's fsync.
        mine = self._running[folder] = self._next.pop(folder)
        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._sync_directory, folder)
        finally:
            if self._running.get(folder) is mine:
                del self._running[folder]
