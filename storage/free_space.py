"""The free-space reserve: refuses work that grows before the disk is full, so that deletes still find room.

LMDB reports a full disk as a general error, in the middle of a commit; so the server looks itself. Promises: a look at
the disk at most every 250 ms, or after every 16 MiB written; both far less than the reserve. Knows no engine.
"""

import os
import time
from pathlib import Path

from cumulo.core.errors import STORAGE_FULL

RESERVE_BYTES = 256 * 1024 * 1024
_LOOK_EVERY_S = 0.25
_LOOK_EVERY_BYTES = 16 * 1024 * 1024


class FreeSpace:
    """The file system of `folder`, of which `reserve_bytes` are kept free; 0 keeps nothing."""

    def __init__(self, folder: Path, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._folder = os.fspath(folder)
        self._reserve_bytes = reserve_bytes
        self._look_again_s = 0.0
        self._unseen_bytes = 0
        self.free_bytes = 0
        """What the last look found."""

    def admit(self) -> None:
        """Raise `STORAGE_FULL` while less than the reserve is free."""
        now_s = time.monotonic()
        if now_s >= self._look_again_s or self._unseen_bytes >= _LOOK_EVERY_BYTES:
            self._look_again_s = now_s + _LOOK_EVERY_S
            self._unseen_bytes = 0
            self.look()
        if self.free_bytes < self._reserve_bytes:
            raise STORAGE_FULL.error(reserve_bytes=self._reserve_bytes)

    def wrote(self, size_bytes: int) -> None:
        """Count bytes written since the last look; from any thread, for a lost count only delays a look."""
        self._unseen_bytes += size_bytes

    def look(self) -> int:
        """Ask the file system now; return the bytes that are free for us."""
        status = os.statvfs(self._folder)
        self.free_bytes = status.f_bavail * status.f_frsize
        return self.free_bytes

    @property
    def reserve_bytes(self) -> int:
        """The bytes that are kept free."""
        return self._reserve_bytes
