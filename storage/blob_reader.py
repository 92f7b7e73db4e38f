"""Reads a sealed blob; no byte leaves before the checksum of its block was verified.

Promises: one block (1 MiB) in memory, used again; a damaged or missing block is `DATA_LOSS` before any byte of it is
seen. A block that the page cache holds is read and verified inline, in the event loop (0.1 ms; a thread's hop costs
15-35 % more per byte); one that the disk must fetch is read in a worker thread.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from concurrent.futures import Executor
from pathlib import Path
from types import TracebackType
from typing import Self

from cumulo.core.errors import DATA_LOSS
from cumulo.storage import digests
from cumulo.storage.blob_format import BLOCK_BYTES, HEADER_BYTES, Seal, header
from cumulo.storage.blob_writer import Buffers
from cumulo.storage.frames import FRAME_BYTES, FrameOpener, FramesDamaged


class BlobMissing(LookupError):
    """No file bears the blob's id: it was deleted since its record was read, or, if the record still stands, lost."""


class BlobReader:
    """An open blob: deleting it does not disturb who reads it already. Close it, or use it in a `with`.

    Raises `BlobMissing` at once. Opening is done inline: one look into the directory cache.
    """

    def __init__(self, path: Path, seal: Seal, executor: Executor, buffers: Buffers) -> None:
        self._seal = seal
        self._executor = executor
        self._buffers = buffers
        self._descriptor = -1
        self.file_range: tuple[int, int] | None = None
        """Where the last piece lies, as (descriptor, offset): good until the next one is asked for, or `close`."""
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise BlobMissing(f"blob {seal.blob_id}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()  # an answer that was never begun leaves a reader that nobody closes

    def close(self) -> None:
        """Release the file."""
        self.file_range = None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    async def read(
        self, start: int = 0, end: int | None = None, opener: FrameOpener | None = None
    ) -> AsyncGenerator[memoryview, None]:
        """Yield bytes `start` to `end` (exclusive; None is the blob's end) in pieces of at most 1 MiB.

        With an `opener` the plain bytes, which lie in no file; else they come as they are stored. A piece is borrowed
        until the next one is asked for. Raises `DATA_LOSS` in place of a damaged block.
        """
        size_bytes = self._seal.size_bytes
        end = size_bytes if end is None else end
        assert 0 <= start <= end <= size_bytes, (start, end, size_bytes)
        if start == end:
            return
        buffer = self._buffers.take()
        spare = None if opener is None else self._buffers.take()
        try:
            with memoryview(buffer) as whole, memoryview(spare or b"") as room:
                for block in range(start // BLOCK_BYTES, (end - 1) // BLOCK_BYTES + 1):
                    first = block * BLOCK_BYTES
                    with whole[: min(BLOCK_BYTES, size_bytes - first)] as view:
                        await self._load(block, view)
                        begin, stop = max(start - first, 0), min(end - first, len(view))
                        if opener is None:
                            self.file_range = (self._descriptor, HEADER_BYTES + max(start, first))
                        else:
                            self._open(opener, block, whole, len(view), room, begin, stop)
                        with (view if opener is None else room)[begin:stop] as piece:
                            yield piece
                    await asyncio.sleep(0)  # others get their turn between two blocks
        finally:
            self._buffers.give(buffer)
            if spare is not None:
                self._buffers.give(spare)

    def _open(
        self, opener: FrameOpener, block: int, sealed: memoryview, size: int, room: memoryview, begin: int, stop: int
    ) -> None:
        """Open those frames of a block of `size` bytes that hold bytes `begin` to `stop`, in their places in `room`."""
        at = begin - begin % FRAME_BYTES
        behind = min(-(-stop // FRAME_BYTES) * FRAME_BYTES, size)
        try:
            opener.open((block * BLOCK_BYTES + at) // FRAME_BYTES, sealed[at:], behind - at, room[at:])
        except FramesDamaged as error:
            raise self._data_loss(block) from error

    async def _load(self, block: int, view: memoryview) -> None:
        """Fill `view` with a block and verify it."""
        try:
            if not self._read_cached(block, view):
                await asyncio.get_running_loop().run_in_executor(self._executor, self._read_from_disk, block, view)
        except OSError as error:
            raise self._data_loss(block) from error
        if digests.crc64nvme(view) != self._seal.checksum(block):
            raise self._data_loss(block)

    def _read_cached(self, block: int, view: memoryview) -> bool:
        """Read the block if the page cache holds all of it; say whether."""
        if block == 0 and self._read_header(os.RWF_NOWAIT) is None:
            return False
        try:
            count = os.preadv(self._descriptor, [view], HEADER_BYTES + block * BLOCK_BYTES, os.RWF_NOWAIT)
        except OSError:  # not in the cache, or a file system that cannot tell: ask the disk, which repeats a real error
            return False
        return count == len(view)

    def _read_from_disk(self, block: int, view: memoryview) -> None:
        if block == 0:
            self._read_header(0)
        offset = HEADER_BYTES + block * BLOCK_BYTES
        while view:
            count = os.preadv(self._descriptor, [view], offset)
            if count == 0:
                raise OSError("the file ends early")
            offset += count
            view = view[count:]

    def _read_header(self, flags: int) -> bool | None:
        """Verify the header, with the first block; None where it is not in the page cache."""
        found = bytearray(HEADER_BYTES)
        try:
            os.preadv(self._descriptor, [found], 0, flags)
        except OSError:
            if flags:
                return None
            raise
        if found != header(self._seal.blob_id):
            raise self._data_loss(0)
        return True

    def _data_loss(self, block: int) -> Exception:
        return DATA_LOSS.error(what=f"blob {self._seal.blob_id}, block {block}")
