"""Whether a file is what an ETag says: S3's ETags are an MD5, or the MD5 of the parts' MD5s and their number.

Knows the sizes of parts that the SDK's own uploads have (`part_bytes`) and those of other usual clients; a file that
was uploaded in other parts is taken for a different one.
"""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

PART_BYTES = 8 * 1024 * 1024
PARTS_BEFORE_GROWTH = 1_000
"""After so many parts each further one is twice as large, so that 10,000 parts hold S3's largest object."""
USUAL_PART_MIB = (5, 8, 10, 15, 16, 20, 25, 32, 50, 64, 100, 128, 256, 512)
PIECE_BYTES = 1024 * 1024


def part_bytes(number: int) -> int:
    """Return the size of part `number`, counted from 0, of an upload by the SDK."""
    growth: int = 2 ** (number // PARTS_BEFORE_GROWTH)
    return PART_BYTES * growth


def file_has_etag(path: Path, etag: str) -> bool:
    """Say whether the file's bytes have this ETag; reads the file once for each way in which it may have been cut."""
    digest, _, parts = etag.partition("-")
    size = path.stat().st_size
    if not parts:
        return _digest(path, None) == digest
    if not parts.isdecimal():
        return False
    layouts = [part_bytes, *(_fixed(mib << 20) for mib in USUAL_PART_MIB if mib << 20 != PART_BYTES)]
    return any(_digest(path, it) == digest for it in layouts if _count(size, it, int(parts)) == int(parts))


def _fixed(size: int) -> Callable[[int], int]:
    return lambda _: size


def _count(size: int, layout: Callable[[int], int], most: int) -> int:
    """Return the number of parts of a layout, counting no further than one more than `most`."""
    count = 0
    while size > 0 and count <= most:
        size -= layout(count)
        count += 1
    return count


def _digest(path: Path, layout: Callable[[int], int] | None) -> str:
    """Return the hexadecimal MD5 of a file, or of the MD5s of its parts."""
    with path.open("rb", buffering=0) as file:
        if layout is None:
            return hashlib.file_digest(file, _md5).hexdigest()
        digests = _md5()
        for number in range(_count(path.stat().st_size, layout, 10_000)):
            part = _md5()
            for piece in _pieces(file.read, layout(number)):
                part.update(piece)
            digests.update(part.digest())
        return digests.hexdigest()


def _md5() -> "hashlib._Hash":
    return hashlib.md5(usedforsecurity=False)


def _pieces(read: Callable[[int], bytes], size: int) -> Iterator[bytes]:
    while size and (piece := read(min(size, PIECE_BYTES))):
        yield piece
        size -= len(piece)
