"""The bytes of a body under AES-256-GCM, in frames of 64 KiB, so that a range is opened without what is before it.

Sealed bytes are as long as the plain ones: what is stored beside them, by whoever keeps the body, is a random prefix of
8 bytes and a tag of 16 for each frame and for the end. A nonce is the prefix and the frame's number; the end's number
is the highest there is, and its tag covers the body's length: so no frame opens in the place of another, of the same
body or of another one under the key, and a body that was cut off or made longer is found before a byte of it is given
out. A small body is one seal, the end's. A key must not seal more than about 2**16 bodies: their prefixes are random.

Promises that a frame which was altered is refused; that no plain byte is copied where the caller gives the room. Does
not know where keys come from.
"""

import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cumulo.storage.digests import Piece

FRAME_BYTES: Final = 64 * 1024
TAG_BYTES: Final = 16
PREFIX_BYTES: Final = 8
_END: Final = 0xFFFF_FFFF
_LENGTH = struct.Struct(">Q").pack
_NUMBER = struct.Struct(">I").pack


class FramesDamaged(Exception):
    """Sealed bytes, or what stands beside them, are not what was sealed under this key."""


def frame_count(size_bytes: int) -> int:
    """Return how many frames a body of that size has."""
    return -(-size_bytes // FRAME_BYTES)


def kept_bytes(size_bytes: int) -> int:
    """Return how many bytes stand beside a framed body of that size."""
    return PREFIX_BYTES + TAG_BYTES * (frame_count(size_bytes) + 1)


def seal_whole(cipher: AESGCM, prefix: bytes, body: Piece, room: memoryview) -> tuple[bytes, bytes]:
    """Seal a small body in one go; return the sealed bytes, and what is to be kept beside them.

    `room` is longer than the body by a tag at least, and may be used again at once: fresh memory for what is only cut
    in two costs as much as the sealing.
    """
    size = len(body)
    end = size + TAG_BYTES
    cipher.encrypt_into(prefix + _NUMBER(_END), body, _LENGTH(size), room[:end])
    return bytes(room[:size]), prefix + room[size:end]


def open_whole(cipher: AESGCM, kept: bytes, sealed: bytes) -> bytes:
    """Return what `seal_whole` sealed; raises `FramesDamaged`."""
    try:
        nonce = kept[:PREFIX_BYTES] + _NUMBER(_END)
        return cipher.decrypt(nonce, sealed + kept[PREFIX_BYTES:], _LENGTH(len(sealed)))
    except (InvalidTag, ValueError):
        raise FramesDamaged from None


class FrameSealer:
    """Seals one body block by block; every block but the last is whole frames."""

    def __init__(self, cipher: AESGCM, prefix: bytes) -> None:
        assert len(prefix) == PREFIX_BYTES
        self._encrypt = cipher.encrypt_into
        self._prefix = prefix
        self._frames = 0
        self._size_bytes = 0
        self._cipher = cipher
        self._tags = bytearray()

    def seal(self, block: memoryview, room: memoryview) -> None:
        """Seal the next block into the beginning of `room`, which is longer than it by a tag."""
        assert self._size_bytes == self._frames * FRAME_BYTES, "a block behind the last"
        for at in range(0, len(block), FRAME_BYTES):
            end = min(at + FRAME_BYTES, len(block))
            # The tag lies where the next frame will: taken out before it comes.
            self._encrypt(self._prefix + _NUMBER(self._frames), block[at:end], None, room[at : end + TAG_BYTES])
            self._tags += room[end : end + TAG_BYTES]
            self._frames += 1
        self._size_bytes += len(block)

    def finish(self) -> bytes:
        """Return what is to be kept beside the sealed body."""
        end = self._cipher.encrypt(self._prefix + _NUMBER(_END), b"", _LENGTH(self._size_bytes))
        return self._prefix + bytes(self._tags) + end


class FrameOpener:
    """Opens the frames of one body; raises `FramesDamaged` at once where the body is not as long as it was."""

    def __init__(self, cipher: AESGCM, kept: bytes, size_bytes: int) -> None:
        if len(kept) != kept_bytes(size_bytes):
            raise FramesDamaged
        self._prefix = kept[:PREFIX_BYTES]
        self._tags = memoryview(kept)[PREFIX_BYTES:]
        self._decrypt = cipher.decrypt_into
        try:
            cipher.decrypt(self._prefix + _NUMBER(_END), kept[-TAG_BYTES:], _LENGTH(size_bytes))
        except InvalidTag:
            raise FramesDamaged from None

    def open(self, first: int, sealed: memoryview, size_bytes: int, room: memoryview) -> None:
        """Open the first `size_bytes` of `sealed`, which are frames from number `first` on, into `room`.

        `sealed` is longer than them by a tag at least, and is spoilt. Raises `FramesDamaged`.
        """
        # From the last to the first: each frame's tag is put behind it, over a frame that is open already.
        for index in range(frame_count(size_bytes) - 1, -1, -1):
            at, number = index * FRAME_BYTES, first + index
            end = min(at + FRAME_BYTES, size_bytes)
            sealed[end : end + TAG_BYTES] = self._tags[number * TAG_BYTES : (number + 1) * TAG_BYTES]
            try:
                self._decrypt(self._prefix + _NUMBER(number), sealed[at : end + TAG_BYTES], None, room[at:end])
            except InvalidTag:
                raise FramesDamaged from None
