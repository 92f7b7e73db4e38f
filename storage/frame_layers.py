"""A body under two keys, one after the other: what the first sealed, the second seals again, frame by frame.

Each layer has a prefix, nonces and tags of its own (`storage.frames`); what is kept beside the body is that of the
inner one, and behind it that of the outer one, which are equally long. A frame opens when both keys open it.
"""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cumulo.storage import frames
from cumulo.storage.digests import Piece
from cumulo.storage.frames import FRAME_BYTES, TAG_BYTES, FrameOpener, FrameSealer, frame_count


def seal_whole(
    inner: AESGCM, outer: AESGCM, prefixes: tuple[bytes, bytes], body: Piece, room: memoryview
) -> tuple[bytes, bytes]:
    """Do as `frames.seal_whole` does, twice."""
    between, inner_kept = frames.seal_whole(inner, prefixes[0], body, room)
    sealed, outer_kept = frames.seal_whole(outer, prefixes[1], between, room)
    return sealed, inner_kept + outer_kept


def open_whole(inner: AESGCM, outer: AESGCM, kept: bytes, sealed: bytes) -> bytes:
    """Return what `seal_whole` sealed; raises `FramesDamaged`."""
    half = len(kept) // 2
    return frames.open_whole(inner, kept[:half], frames.open_whole(outer, kept[half:], sealed))


class LayeredSealer(FrameSealer):
    """The outer layer of a body, with the inner one in it."""

    def __init__(self, inner: FrameSealer, cipher: AESGCM, prefix: bytes) -> None:
        super().__init__(cipher, prefix)
        self._inner = inner
        self._between = memoryview(bytearray(FRAME_BYTES + TAG_BYTES))

    def seal(self, block: memoryview, room: memoryview) -> None:
        """Seal the next block."""
        for at in range(0, len(block), FRAME_BYTES):
            frame = block[at : at + FRAME_BYTES]
            self._inner.seal(frame, self._between)
            super().seal(self._between[: len(frame)], room[at:])

    def finish(self) -> bytes:
        """Return what is to be kept beside the sealed body."""
        return self._inner.finish() + super().finish()


class LayeredOpener(FrameOpener):
    """Opens the outer layer of a body's frames, and then the inner one."""

    def __init__(self, inner: AESGCM, outer: AESGCM, kept: bytes, size_bytes: int) -> None:
        half = len(kept) // 2
        super().__init__(outer, kept[half:], size_bytes)
        self._inner = FrameOpener(inner, kept[:half], size_bytes)
        self._between = memoryview(bytearray(FRAME_BYTES + TAG_BYTES))

    def open(self, first: int, sealed: memoryview, size_bytes: int, room: memoryview) -> None:
        """Open frames; raises `FramesDamaged`."""
        # From the last to the first, as one layer does: each tag is put over the frame behind, which is open already.
        for index in range(frame_count(size_bytes) - 1, -1, -1):
            at = index * FRAME_BYTES
            end = min(at + FRAME_BYTES, size_bytes)
            super().open(first + index, sealed[at : end + TAG_BYTES], end - at, self._between)
            self._inner.open(first + index, self._between, end - at, room[at:end])
