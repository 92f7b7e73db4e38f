"""Digests of a body, taken while it passes by: what S3 calls ETag and checksums.

Owns the names and their byte forms; knows no protocol. Every function here gives up the interpreter's lock on pieces
above a few KiB, so that bodies are digested in worker threads beside the event loop.
"""

import hashlib
import zlib
from collections.abc import Callable, Collection
from typing import Protocol

from cumulo.core.lazy import LazyModule

# Imported when the first body passes: 30 ms that a start need not wait for.
_awscrt = LazyModule("awscrt.checksums")

SIZES = {
    "md5": 16,
    "sha1": 20,
    "sha256": 32,
    "sha512": 64,
    "crc32": 4,
    "crc32c": 4,
    "crc64nvme": 8,
    "xxhash64": 8,
    "xxhash3": 8,
    "xxhash128": 16,
}
"""The digests that S3's clients ask for, with their bytes."""
NAMES = tuple(SIZES)

# By name once: `hashlib.new` looks its name up each time, five times as dear as the hash of nothing.
_HASHES = {"md5": hashlib.md5, "sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha512": hashlib.sha512}
_CRC_NAMES = ("crc32", "crc32c", "crc64nvme")
_XX_MAKERS = {"xxhash64": "new_xxhash64", "xxhash3": "new_xxhash3_64", "xxhash128": "new_xxhash3_128"}
"""What awscrt calls them; S3's XXHASH3 is the one of 64 bits."""

Piece = bytes | bytearray | memoryview


class _Hash(Protocol):
    def update(self, piece: Piece, /) -> None: ...

    def digest(self) -> bytes: ...


class _XxHash:
    """An xxHash in the form of hashlib's; its digest is big-endian, the canonical form, and may be asked for once."""

    def __init__(self, name: str) -> None:
        self._hash = getattr(_awscrt.XXHash, _XX_MAKERS[name])()

    def update(self, piece: Piece) -> None:
        self._hash.update(bytes(piece))  # awscrt takes no view here; the copy is a tenth of what an MD5 costs

    def digest(self) -> bytes:
        value: bytes = self._hash.finalize()
        return value


def warm() -> None:
    """Import what the first body would wait for."""
    crc64nvme(b"")


def crc64nvme(piece: Piece, before: int = 0) -> int:
    """Return the CRC-64/NVME of `piece`, going on from the CRC of what came before it."""
    value: int = _awscrt.crc64nvme(piece, before)
    return value


def combine_crc64nvme(before: int, after: int, after_bytes: int) -> int:
    """Return the CRC of two stretches joined, from the CRC of each and the length of the second."""
    value: int = _awscrt.combine_crc64nvme(before, after, after_bytes)
    return value


def combine(name: str, before: int, after: int, after_bytes: int) -> int:
    """Return the CRC `name` of two stretches joined, as `combine_crc64nvme`."""
    value: int = getattr(_awscrt, f"combine_{name}")(before, after, after_bytes)
    return value


def crc_bytes(name: str, value: int) -> bytes:
    """Return a CRC as the big-endian bytes that AWS encodes in Base64."""
    return value.to_bytes(SIZES[name], "big")


def _crc32c(piece: Piece, before: int = 0) -> int:
    value: int = _awscrt.crc32c(piece, before)
    return value


_CRCS: dict[str, Callable[..., int]] = {"crc32": zlib.crc32, "crc32c": _crc32c, "crc64nvme": crc64nvme}


def digests_of(content: Piece, names: Collection[str]) -> dict[str, bytes]:
    """Return the digests `names` of a body that is here as a whole, by name; a `Digester` costs 3 µs more."""
    return {
        name: crc_bytes(name, _CRCS[name](content))
        if name in _CRCS
        else _HASHES[name](content, usedforsecurity=False).digest()
        if name in _HASHES
        else _xx_digest(name, content)
        for name in names
    }


def _xx_digest(name: str, content: Piece) -> bytes:
    hasher = _XxHash(name)
    hasher.update(content)
    return hasher.digest()


class Digester:
    """Takes the digests `names` (of `NAMES`) of a body given piece by piece."""

    def __init__(self, names: Collection[str]) -> None:
        assert all(name in NAMES for name in names), names
        self._hashes: dict[str, _Hash] = {
            name: _HASHES[name](usedforsecurity=False) if name in _HASHES else _XxHash(name)
            for name in names
            if name not in _CRC_NAMES
        }
        self._crcs = {name: _CRCS[name] for name in names if name in _CRC_NAMES}
        self._values = dict.fromkeys(self._crcs, 0)

    def update(self, piece: Piece) -> None:
        """Take in the body's next piece."""
        for hasher in self._hashes.values():
            hasher.update(piece)
        for name, crc in self._crcs.items():
            self._values[name] = crc(piece, self._values[name])

    def finish(self) -> dict[str, bytes]:
        """Return each digest's bytes by name."""
        digests = {name: hasher.digest() for name, hasher in self._hashes.items()}
        return digests | {name: crc_bytes(name, value) for name, value in self._values.items()}
