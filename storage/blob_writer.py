"""Writes one blob: takes its bytes in, digests and stores them a block at a time, and seals it.

Promises: at most two blocks (2 MiB) in memory; digests, writing and syncing are done in worker threads, a whole block
straight from the sender's piece, smaller pieces one block behind the loop that gathers them; after `seal` the file and
its name are durable; after `abort`, or a failure, nothing is left but what the sweep collects. Does not know what the
bytes mean.
"""

import asyncio
import contextlib
import errno
import os
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import msgspec

from cumulo.core.errors import STORAGE_FULL
from cumulo.storage import digests, failpoints
from cumulo.storage.blob_format import BLOCK_BYTES, CHECKSUM_BYTES, HEADER_BYTES, Seal, blob_path, header
from cumulo.storage.directory_sync import DirectorySync
from cumulo.storage.frames import TAG_BYTES, FrameSealer
from cumulo.storage.free_space import FreeSpace

BUFFERS_KEPT = 16

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Sealed(msgspec.Struct, frozen=True):
    """A durable blob: the record to keep, and the digests of its body by name (`crc64nvme` always among them).

    Of a body that was encrypted on its way, the digests are of the plain bytes, the seal is of what is stored, and
    `kept` is what `storage.frames` needs to open it.
    """

    seal: Seal
    digests: dict[str, bytes]
    kept: bytes = b""


class Buffers:
    """Block buffers that are used again: a fresh MiB costs 256 page faults, half as much as digesting it."""

    def __init__(self) -> None:
        self._free: list[bytearray] = []

    def take(self) -> bytearray:
        """Return a buffer of one block, and of room for a tag behind it."""
        return self._free.pop() if self._free else bytearray(BLOCK_BYTES + TAG_BYTES)

    def give(self, buffer: bytearray) -> None:
        """Take a buffer back that nobody looks at any more."""
        if len(self._free) < BUFFERS_KEPT:
            self._free.append(buffer)


class Place(Protocol):
    """What a writer needs of its store."""

    folder: Path
    executor: ThreadPoolExecutor
    buffers: Buffers
    free_space: FreeSpace
    directories: DirectorySync

    def prepare_directory(self, folder: Path) -> None:
        """Create a directory of the store, its own name durable; from any thread."""
        ...


class BlobWriter:
    """One upload's way to the disk. As an async context manager it aborts what was not sealed."""

    def __init__(self, place: Place, blob_id: int, names: Collection[str], sealer: FrameSealer | None = None) -> None:
        self.blob_id = blob_id
        self.size_bytes = 0
        self._place = place
        self._path = blob_path(place.folder, blob_id)
        self._sealer = sealer
        own = () if sealer is None else ("crc64nvme",)  # else the blocks' checksums make it
        self._digester = digests.Digester([*own, *(name for name in names if name != "crc64nvme")])
        self._checksums = bytearray()
        self._checksum = 0
        self._descriptor = -1
        self._written_bytes = 0
        self._filling: bytearray | None = None
        self._filled_bytes = 0
        self._job: Future[None] | None = None
        self._ended = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.abort()

    async def write(self, piece: digests.Piece) -> None:
        """Take in the next bytes; `piece` may be used again once this returns. Waits while a block is behind.

        Raises `STORAGE_FULL`, or `OSError` where the disk failed; then only `abort` is left.
        """
        assert not self._ended
        with memoryview(piece) as view:
            taken = 0
            while taken < len(view):
                if not self._filled_bytes and len(view) - taken >= BLOCK_BYTES:
                    # A whole block needs no copy; its sender gets it back only when the thread has done with it.
                    await self._settle()
                    self._place.free_space.admit()
                    with view[taken : taken + BLOCK_BYTES] as block:
                        self._job = self._place.executor.submit(self._store, block)
                        await self._settle()
                    self.size_bytes += BLOCK_BYTES
                    taken += BLOCK_BYTES
                    continue
                if self._filling is None:
                    self._filling = self._place.buffers.take()
                count = min(BLOCK_BYTES - self._filled_bytes, len(view) - taken)
                self._filling[self._filled_bytes : self._filled_bytes + count] = view[taken : taken + count]
                self._filled_bytes += count
                self.size_bytes += count
                taken += count
                if self._filled_bytes == BLOCK_BYTES:
                    await self._settle()
                    self._place.free_space.admit()
                    self._start(self._store_block)

    async def seal(self) -> Sealed:
        """Store what is left, make file and name durable, and return the seal and the digests.

        From here on the file is the caller's: he commits a record that names it, or deletes it.
        """
        assert not self._ended
        await self._settle()
        self._start(self._finish_file)
        await self._settle()
        await self._place.directories.sync(self._path.parent)
        if failpoints.armed:
            failpoints.hit("blob.after_seal")
        self._ended = True
        found = self._digester.finish()
        if self._sealer is None:
            found["crc64nvme"] = digests.crc_bytes("crc64nvme", self._checksum)
        return Sealed(
            Seal(blob_id=self.blob_id, size_bytes=self.size_bytes, checksums=bytes(self._checksums)),
            digests=found,
            kept=b"" if self._sealer is None else self._sealer.finish(),
        )

    async def abort(self) -> None:
        """Forget the blob and remove its file; does nothing after `seal`."""
        if self._ended:
            return
        self._ended = True
        # Shielded: a sender who leaves is cancelled in the middle of this too, and would leave file and descriptor.
        clearing = asyncio.ensure_future(self._clear())
        try:
            await asyncio.shield(clearing)
        except asyncio.CancelledError:
            await asyncio.wait((clearing,))
            raise

    async def _clear(self) -> None:
        with contextlib.suppress(Exception):  # the abort is the answer to it
            await self._settle()
        await asyncio.get_running_loop().run_in_executor(self._place.executor, self._remove_file)
        if self._filling is not None:
            self._place.buffers.give(self._filling)
            self._filling = None

    def _start(self, work: Callable[[bytearray | None, int], None]) -> None:
        """Hand the buffer to a worker thread and fill another one meanwhile."""
        buffer, size = self._filling, self._filled_bytes
        self._filling, self._filled_bytes = None, 0
        self._job = self._place.executor.submit(work, buffer, size)

    async def _settle(self) -> None:
        """Wait for the worker thread, and raise what it met."""
        job, self._job = self._job, None
        if job is None:
            return
        await _ended(job)
        try:
            job.result()
        except OSError as error:
            if error.errno in _NO_SPACE:
                raise STORAGE_FULL.error(reserve_bytes=self._place.free_space.reserve_bytes) from error
            raise

    # In a worker thread; never two at a time for one blob -----------------------------------------------------------

    def _store_block(self, buffer: bytearray | None, size: int) -> None:
        assert buffer is not None
        try:
            with memoryview(buffer) as whole, whole[:size] as view:
                self._store(view)
        finally:
            self._place.buffers.give(buffer)

    def _store(self, view: memoryview) -> None:
        if self._descriptor < 0:
            self._create()
        self._digester.update(view)
        if self._sealer is None:
            self._write(view)
            return
        buffer = self._place.buffers.take()
        try:
            with memoryview(buffer) as room, room[: len(view)] as sealed:
                self._sealer.seal(view, room)
                self._write(sealed)
        finally:
            self._place.buffers.give(buffer)

    def _write(self, view: memoryview) -> None:
        size = len(view)
        checksum = digests.crc64nvme(view)
        _write_all(self._descriptor, view, HEADER_BYTES + self._written_bytes)
        self._checksum = digests.combine_crc64nvme(self._checksum, checksum, size) if self._checksums else checksum
        self._checksums += checksum.to_bytes(CHECKSUM_BYTES, "big")
        self._written_bytes += size
        self._place.free_space.wrote(size)
        if failpoints.armed:
            failpoints.hit("blob.after_write")

    def _create(self) -> None:
        self._place.prepare_directory(self._path.parent)
        # O_EXCL: an id is used once; a file that is there already would be a bug that destroys somebody's bytes.
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        if failpoints.armed:
            failpoints.hit("blob.after_create")
        _write_all(self._descriptor, memoryview(header(self.blob_id)), 0)

    def _finish_file(self, buffer: bytearray | None, size: int) -> None:
        if buffer is not None:
            self._store_block(buffer, size)
        elif self._descriptor < 0:
            self._create()
        if failpoints.armed:
            failpoints.hit("blob.before_fsync")
        os.fsync(self._descriptor)
        if failpoints.armed:
            failpoints.hit("blob.after_fsync")
        os.close(self._descriptor)
        self._descriptor = -1

    def _remove_file(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._path.unlink(missing_ok=True)


async def _ended(job: "Future[None]") -> None:
    """Wait for a thread, and for the thread only: who is cancelled meanwhile hears of it once the bytes that the
    thread reads may be used again. Half the turns of the loop that `run_in_executor` under a shield takes.
    """
    if job.done():
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    job.add_done_callback(lambda _: None if loop.is_closed() else loop.call_soon_threadsafe(ended.set))
    cancelled: asyncio.CancelledError | None = None
    while not ended.is_set():
        try:
            await ended.wait()
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


def _write_all(descriptor: int, view: memoryview, offset: int) -> None:
    while view:
        written = os.pwrite(descriptor, view, offset)
        offset += written
        view = view[written:]
