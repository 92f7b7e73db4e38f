"""The blob store: bodies too large for the engine, one file each, under ids that are never used again.

Owns the folder `blobs/`. Promises: *bytes first, name last* - a blob is durable before anybody can name it, so a crash
leaves at most a file that no record names, and `sweep` collects those; a blob is never overwritten or cut; no byte
leaves unverified. Does not know whose body it is: callers keep the `Seal` in their own records.

The port is `begin`, `open` and `delete` of `BlobStore`, `write`, `seal` and `abort` of its writers, `read` of its
readers.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from cumulo.core.errors import DATA_LOSS, ServiceError
from cumulo.storage import failpoints
from cumulo.storage.blob_format import BLOCK_BYTES, HEADER_BYTES, Seal, blob_path, parse_blob_name
from cumulo.storage.blob_reader import BlobMissing, BlobReader
from cumulo.storage.blob_writer import BlobWriter, Buffers
from cumulo.storage.directory_sync import DirectorySync
from cumulo.storage.durable import make_directory, sync_directory
from cumulo.storage.engine import ROOT, Engine, Txn, allocate
from cumulo.storage.frames import FrameSealer
from cumulo.storage.free_space import RESERVE_BYTES, FreeSpace

THREADS = 8
"""Digesting needs as many as there are cores, waiting for the disk a few more."""
IDS_RESERVED = 1_024
"""Ids taken from the engine at once: an upload begins without a transaction; a restart skips what is left."""

Known = Callable[[list[int]], Awaitable[Collection[int]]]
"""Given blob ids (at most 4,096), returns those of them that some record names."""

_log = logging.getLogger("cumulo.blobs")


class Damage(msgspec.Struct, frozen=True):
    """What a scrub found: a blob that does not give back its bytes, and why."""

    seal: Seal
    reason: str


def _reserve(txn: Txn, count: int) -> int:
    return allocate(txn, "blob", count)


class BlobStore:
    """The blobs in `folder`; ids come from `engine`. `await start()` before use, `await close()` after.

    `reserve_bytes` of the disk stay free, as for the engine.
    """

    def __init__(self, folder: Path, engine: Engine, *, reserve_bytes: int = RESERVE_BYTES) -> None:
        make_directory(folder)
        self.folder = folder
        self.executor = ThreadPoolExecutor(THREADS, thread_name_prefix="cumulo-blob")
        self.buffers = Buffers()
        self.free_space = FreeSpace(folder, reserve_bytes)
        self.directories = DirectorySync(self.executor, _sync_directory)
        self._engine = engine
        self._next_id = self._ids_end = 0
        self._first_id = 0
        self._reserving = asyncio.Lock()
        self._prepared: set[Path] = set()
        self._preparing = threading.Lock()

    async def start(self) -> None:
        """Reserve the first ids: whatever file bears a lower one is of an earlier run."""
        await self._reserve_ids()
        self._first_id = self._next_id

    async def _reserve_ids(self) -> None:
        self._next_id = await self._engine.transact((ROOT,), _reserve, IDS_RESERVED)
        self._ids_end = self._next_id + IDS_RESERVED

    async def begin(self, digest_names: Collection[str] = ("md5",), sealer: FrameSealer | None = None) -> BlobWriter:
        """Return the writer of a new blob that takes these digests (`digests.NAMES`; `crc64nvme` comes free).

        With a `sealer` the bytes are encrypted before they are stored; the digests are of the plain ones. Raises
        `STORAGE_FULL` below the reserve.
        """
        assert self._first_id, "start() first"
        self.free_space.admit()
        if self._next_id == self._ids_end:
            async with self._reserving:
                if self._next_id == self._ids_end:
                    await self._reserve_ids()
        blob_id = self._next_id
        self._next_id += 1
        return BlobWriter(self, blob_id, digest_names, sealer)

    def open(self, seal: Seal) -> BlobReader:
        """Return a reader; raises `BlobMissing` where no file bears the id."""
        return BlobReader(blob_path(self.folder, seal.blob_id), seal, self.executor, self.buffers)

    def look(self, seal: Seal) -> str:
        """Return what is wrong with a blob's file at first sight (it is missing, its size is another), or nothing.

        For invariants: cheap, and blind to damage inside, which `scrub` finds.
        """
        try:
            size_bytes = blob_path(self.folder, seal.blob_id).stat().st_size - HEADER_BYTES
        except FileNotFoundError:
            return f"blob {seal.blob_id} has no file"
        if size_bytes != seal.size_bytes:
            return f"blob {seal.blob_id} has {size_bytes} bytes instead of {seal.size_bytes}"
        return ""

    async def delete(self, blob_ids: Collection[int]) -> None:
        """Remove blobs that no record names any more; one that is gone already is no error.

        Not synced: a name that comes back after a power cut is an orphan like any other.
        """
        await asyncio.get_running_loop().run_in_executor(self.executor, self._delete_files, tuple(blob_ids))

    async def sweep(self, known: Known) -> int:
        """Remove files of earlier runs that no record names, one directory after the other; return how many.

        Blobs of this run are left alone: their records may not be written yet.
        """
        run = asyncio.get_running_loop().run_in_executor
        removed = 0
        for leaf in await run(self.executor, self._leaves):
            ids = [blob_id for blob_id in await run(self.executor, self._list, leaf) if blob_id < self._first_id]
            orphans = set(ids).difference(await known(ids)) if ids else set()
            await run(self.executor, self._delete_files, tuple(orphans))
            removed += len(orphans)
            await run(self.executor, self._remove_if_unused, leaf)
        return removed

    async def ids(self) -> set[int]:
        """Return the ids of every file that is there, for checks."""

        def walk() -> set[int]:
            return {blob_id for leaf in self._leaves() for blob_id in self._list(leaf)}

        return await asyncio.get_running_loop().run_in_executor(self.executor, walk)

    async def scrub(
        self,
        seals: AsyncIterable[Seal],
        bytes_per_s: int,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> AsyncGenerator[Damage, None]:
        """Read every block of `seals` at most that fast, and yield what is damaged or missing.

        A blob that is reported missing may have been deleted meanwhile: look at its record again.
        """
        async for seal in seals:
            try:
                with self.open(seal) as reader:
                    async with contextlib.aclosing(reader.read()) as pieces:
                        async for piece in pieces:
                            await pause(len(piece) / bytes_per_s)
            except BlobMissing:
                yield Damage(seal, "missing")
            except ServiceError as error:
                if error.row is not DATA_LOSS:
                    raise
                yield Damage(seal, error.message)

    async def close(self) -> None:
        """Wait for the worker threads and end them."""
        await asyncio.to_thread(self.executor.shutdown)

    # In worker threads --------------------------------------------------------------------------------------------

    def prepare_directory(self, folder: Path) -> None:
        """Create a directory of blobs, its name durable before the first file's.

        The lock keeps a second upload from taking a directory for durable that the first has only just made.
        """
        if folder in self._prepared:
            return
        with self._preparing:
            make_directory(folder)
            for made in (folder.parent, folder.parent.parent):
                sync_directory(made)  # also where it existed: the run that made it may have been cut off
            self._prepared.add(folder)

    def _delete_files(self, blob_ids: tuple[int, ...]) -> None:
        for blob_id in blob_ids:
            if failpoints.armed:
                failpoints.hit("blob.before_delete")
            blob_path(self.folder, blob_id).unlink(missing_ok=True)

    def _remove_if_unused(self, leaf: Path) -> None:
        """Remove an empty directory, unless this run writes into it; the lock keeps one from being taken into use
        between the look and the removal.
        """
        with self._preparing, contextlib.suppress(OSError):  # it holds blobs
            if leaf not in self._prepared:
                leaf.rmdir()

    def _leaves(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*/*") if path.is_dir())

    def _list(self, leaf: Path) -> list[int]:
        ids: list[int] = []
        for path in leaf.iterdir():
            blob_id = parse_blob_name(path.name)
            if blob_id is None:
                _log.warning("a file that is no blob lies among the blobs", extra={"path": str(path)})
            else:
                ids.append(blob_id)
        return ids


def _sync_directory(folder: Path) -> None:
    if failpoints.armed:
        failpoints.hit("blob.before_directory_fsync")
    sync_directory(folder)


__all__ = ["BLOCK_BYTES", "BlobMissing", "BlobReader", "BlobStore", "BlobWriter", "Damage", "Seal"]
