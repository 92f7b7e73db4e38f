"""A file that arrives in stretches, in any order, and appears under its name once it is whole.

Promises: what arrived is noted beside it, so that another run fetches the rest; the rest of another version is never
taken for one of this.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from cumulo.client._checksums import crc64nvme

STRETCH_BYTES = 32 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024


class StretchedFile:
    """The partial file of `path`: `size` bytes of the version `etag`."""

    def __init__(self, path: Path, etag: str, size: int) -> None:
        self._path = path
        self._size = size
        name = hashlib.sha256(f"{path.name} {etag} {size}".encode()).hexdigest()[:24]
        self._partial = path.with_name(f".{name}.partial")
        self._notes = path.with_name(f".{name}.notes")
        self._descriptor = os.open(self._partial, os.O_RDWR | os.O_CREAT, 0o666)
        self._done: set[int] = set()
        if os.fstat(self._descriptor).st_size == size:
            with contextlib.suppress(FileNotFoundError):
                words = self._notes.read_text().split()
                self._done = {int(word) for word in words if word.isascii() and word.isdecimal()}
        else:
            self._notes.unlink(missing_ok=True)
        os.truncate(self._descriptor, size)

    def missing(self) -> Iterator[tuple[int, int, int]]:
        """Return number, first and last byte of each stretch that has not arrived."""
        for number, first in enumerate(range(0, self._size, STRETCH_BYTES)):
            if number not in self._done:
                yield number, first, min(first + STRETCH_BYTES, self._size) - 1

    def arrived_bytes(self) -> int:
        """Return how much is here already."""
        return self._size - sum(last + 1 - first for _, first, last in self.missing())

    def write(self, offset: int, data: bytes) -> None:
        """Write all of `data` at an offset."""
        view = memoryview(data)
        while view:
            count = os.pwrite(self._descriptor, view, offset)
            offset, view = offset + count, view[count:]

    def note(self, number: int) -> None:
        """Note that a stretch is here, durably: a note must not outlive its bytes."""
        os.fdatasync(self._descriptor)
        with self._notes.open("a") as notes:
            notes.write(f"{number}\n")

    def crc64nvme(self) -> int:
        """Return the checksum of the whole file."""
        value = offset = 0
        while piece := os.pread(self._descriptor, _PIECE_BYTES, offset):
            value = crc64nvme(piece, value)
            offset += len(piece)
        return value

    def finish(self) -> None:
        """Give the whole file its name."""
        self.close()
        self._partial.replace(self._path)
        self._notes.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave what arrived for another run."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def remove(self) -> None:
        """Leave nothing."""
        self.close()
        self._partial.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)
