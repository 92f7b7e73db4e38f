"""Defects that were found from outside, each kept away by what showed it."""

import asyncio
import contextlib
from pathlib import Path

from cumulo.storage.blob_format import BLOCK_BYTES
from cumulo.storage.blobs import BlobStore
from cumulo.storage.memory import MemoryEngine


def test_abort_that_is_cancelled_leaves_no_file_behind(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = BlobStore(tmp_path, MemoryEngine(), reserve_bytes=0)
        await store.start()
        writer = await store.begin()
        await writer.write(b"x" * (2 * BLOCK_BYTES + 1))
        abort = asyncio.create_task(writer.abort())
        await asyncio.sleep(0)
        abort.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await abort
        await store.close()

    asyncio.run(scenario())

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
