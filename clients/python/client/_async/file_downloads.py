"""Large downloads to a file: stretches side by side, all of one version, the whole compared with the object's checksum.

Promises: the file appears, or is replaced, once all of it has arrived and its CRC-64/NVME is the object's; a download
that is to be resumed leaves what arrived, and fetches only the rest next time.
"""

from functools import partial
from pathlib import Path
from typing import NamedTuple

from cumulo.client import model
from cumulo.client._async.connection import AsyncConnection
from cumulo.client._async.downloads import AsyncObjectReader, read_request
from cumulo.client._async.uploads import Progress
from cumulo.client._stretched_file import StretchedFile
from cumulo.client._tasks import Crew, run_blocking
from cumulo.client.errors import DataLoss

STRETCHES_AT_ONCE = 4


class Source(NamedTuple):
    """What is downloaded: one version of an object, and the key that it is encrypted with, where its owner keeps it.
    `version_id` is empty where the current version was asked for, which needs another permission.
    """

    connection: AsyncConnection
    bucket: str
    info: model.ObjectInfo
    customer_key: bytes
    version_id: str


async def download_stretches(source: Source, path: Path, progress: Progress | None, *, resume: bool) -> None:
    """Write an object to a file; raises `PreconditionFailed` where it is replaced meanwhile."""
    info = source.info
    file = await run_blocking(StretchedFile, path, info.etag, info.size)
    crew = Crew(STRETCHES_AT_ONCE)
    try:
        if progress is not None and (arrived := file.arrived_bytes()):
            progress(arrived)
        for number, first, last in list(file.missing()):
            await crew.start(partial(_fetch, source, file, number, first, last, progress))
        await crew.finish()
        await _check(file, info)
        await run_blocking(file.finish)
    except BaseException as error:
        await crew.abandon()
        await run_blocking(file.close if resume and not isinstance(error, DataLoss) else file.remove)
        raise


async def _check(file: StretchedFile, info: model.ObjectInfo) -> None:
    if info.crc64nvme is not None and await run_blocking(file.crc64nvme) != info.crc64nvme:
        raise DataLoss(f"what arrived of {info.key} is not what its checksum says", code="BadDigest")


async def _fetch(
    source: Source, file: StretchedFile, number: int, first: int, last: int, progress: Progress | None
) -> None:
    info = source.info
    request = read_request(
        source.bucket,
        info.key,
        first=first,
        last=last,
        if_match=info.etag,
        customer_key=source.customer_key,
        version_id=source.version_id,
    )
    async with await AsyncObjectReader(source.connection, request).open() as reader:
        async for piece in reader.chunks():
            await run_blocking(file.write, first, piece)
            first += len(piece)
            if progress is not None:
                progress(len(piece))
    await run_blocking(file.note, number)
