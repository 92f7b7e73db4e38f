"""What a blob looks like: its file, its place, and the seal record that makes its bytes trustworthy.

A file is a 4 KiB header (magic, format version, block size, blob id, zeros), then blocks of 1 MiB, the last one
shorter. The checksum of each block stands not in the file but in the seal record, in the engine: so a block that a disk
gave back wrongly, of another file, or of an older time, is told apart.
"""

import struct
from pathlib import Path
from typing import Final

from cumulo.storage.records import Record

HEADER_BYTES: Final = 4096
BLOCK_BYTES: Final = 1024 * 1024
CHECKSUM_BYTES: Final = 8
CHECKSUMS_PER_RECORD: Final = 4_000
"""Block checksums that fit into one engine value beside other fields (32,000 of 65,536 bytes): nearly 4 GiB of body."""

_MAGIC: Final = b"CUMULOBL"
_FORMAT_VERSION: Final = 1
_HEADER = struct.Struct(">8sIIQ")


class Seal(Record, frozen=True):
    """The record of a sealed blob; whoever names the blob keeps it. `checksums` holds the CRC64NVME of each block, 8
    bytes big-endian each; above `CHECKSUMS_PER_RECORD` blocks it is kept apart, by `split_checksums`.
    """

    blob_id: int = 0
    size_bytes: int = 0
    checksums: bytes = b""

    def checksum(self, block: int) -> int:
        """Return the checksum that `block`, counted from 0, must have."""
        at = block * CHECKSUM_BYTES
        return int.from_bytes(self.checksums[at : at + CHECKSUM_BYTES], "big")


def block_count(size_bytes: int) -> int:
    """Return how many blocks a body of that size has."""
    return -(-size_bytes // BLOCK_BYTES)


def split_checksums(checksums: bytes) -> list[bytes]:
    """Return a seal's checksums in slices that each fit into one engine value; joined they are the whole."""
    step = CHECKSUMS_PER_RECORD * CHECKSUM_BYTES
    return [checksums[at : at + step] for at in range(0, len(checksums), step)]


def header(blob_id: int) -> bytes:
    """Return a blob file's first 4 KiB."""
    return _HEADER.pack(_MAGIC, _FORMAT_VERSION, BLOCK_BYTES, blob_id).ljust(HEADER_BYTES, b"\x00")


def blob_path(folder: Path, blob_id: int) -> Path:
    """Return a blob's place: `x/yyy/id`, 4,096 consecutive ids to a directory.

    Consecutive, not hashed: uploads of one moment share a directory, so that one sync makes all their names durable.
    """
    return folder / f"{blob_id >> 24:x}" / f"{blob_id >> 12 & 0xFFF:03x}" / f"{blob_id:016x}"


def parse_blob_name(name: str) -> int | None:
    """Return the id that a file's name stands for, or None for a file that is not a blob's."""
    if len(name) != 16 or name.strip("0123456789abcdef"):
        return None
    return int(name, 16)
