"""Frames: what was sealed opens in its own place alone, whole or by ranges, and nothing that was altered opens."""

import asyncio
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.errors import DATA_LOSS, ServiceError
from cumulo.storage import digests
from cumulo.storage.blob_format import BLOCK_BYTES, HEADER_BYTES, blob_path
from cumulo.storage.blobs import BlobStore
from cumulo.storage.frame_layers import LayeredOpener, LayeredSealer
from cumulo.storage.frames import (
    FRAME_BYTES,
    PREFIX_BYTES,
    TAG_BYTES,
    FrameOpener,
    FramesDamaged,
    FrameSealer,
    kept_bytes,
    open_whole,
    seal_whole,
)
from cumulo.storage.memory import MemoryEngine

CIPHER = AESGCM(bytes(range(32)))
PREFIX = b"prefix 8"
BODY = os.urandom(2 * BLOCK_BYTES + FRAME_BYTES + 12_345)


def sealed(body: bytes, prefix: bytes = PREFIX) -> tuple[bytearray, bytes]:
    """Return a body sealed block by block, and what is kept of it."""
    sealer = FrameSealer(CIPHER, prefix)
    stored = bytearray()
    for at in range(0, len(body), BLOCK_BYTES):
        block = body[at : at + BLOCK_BYTES]
        room = bytearray(len(block) + TAG_BYTES)
        sealer.seal(memoryview(block), memoryview(room))
        stored += room[: len(block)]
    return stored, sealer.finish()


def opened(stored: bytes | bytearray, kept: bytes) -> bytes:
    out = bytearray()
    opener = FrameOpener(CIPHER, kept, len(stored))
    for at in range(0, len(stored), BLOCK_BYTES):
        block = stored[at : at + BLOCK_BYTES]
        room = bytearray(len(block))
        opener.open(at // FRAME_BYTES, memoryview(bytearray(block) + bytes(TAG_BYTES)), len(block), memoryview(room))
        out += room
    return bytes(out)


@given(size=st.sampled_from((0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, BLOCK_BYTES, BLOCK_BYTES + 1)))
def test_two_layers_come_back_and_each_of_them_is_asked(size: int) -> None:
    other = AESGCM(bytes(32))
    once, _ = sealed(BODY[:size])
    sealer = LayeredSealer(FrameSealer(CIPHER, PREFIX), other, b"other 8b")
    room = bytearray(size + TAG_BYTES)
    for at in range(0, size, BLOCK_BYTES):
        block = BODY[at : min(at + BLOCK_BYTES, size)]
        sealer.seal(memoryview(block), memoryview(room)[at:])
    stored, kept = bytes(room[:size]), sealer.finish()

    def opened_by(inner: AESGCM, outer: AESGCM, beside: bytes) -> bytes:
        plain = bytearray(size)
        LayeredOpener(inner, outer, beside, size).open(
            0, memoryview(bytearray(stored) + bytes(TAG_BYTES)), size, memoryview(plain)
        )
        return bytes(plain)

    assert len(kept) == 2 * kept_bytes(size)
    assert not size or stored[:64] not in (BODY[: min(size, 64)], bytes(once[:64]))
    assert opened_by(CIPHER, other, kept) == BODY[:size]
    half = len(kept) // 2
    for inner, outer, beside in (
        (other, other, kept),
        (CIPHER, CIPHER, kept),
        (CIPHER, other, kept[half:] + kept[:half]),
        (CIPHER, other, kept[:-1]),
        (CIPHER, other, kept[:half]),
    ):
        with pytest.raises(FramesDamaged):
            opened_by(inner, outer, beside)


@given(size=st.sampled_from((0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, BLOCK_BYTES, BLOCK_BYTES + 1)))
def test_a_body_comes_back_and_is_stored_at_its_own_length(size: int) -> None:
    stored, kept = sealed(BODY[:size])

    assert (len(stored), len(kept)) == (size, kept_bytes(size))
    assert opened(stored, kept) == BODY[:size]
    assert not size or stored[:64] != BODY[:64]


def test_a_small_body_is_one_seal() -> None:
    stored, kept = seal_whole(CIPHER, PREFIX, b"one body", memoryview(bytearray(100)))

    assert (len(stored), len(kept)) == (8, PREFIX_BYTES + TAG_BYTES)
    assert open_whole(CIPHER, kept, stored) == b"one body"
    for other_stored, other_kept in (
        (stored[:-1], kept),
        (b"", kept),
        (stored + b"x", kept),
        (stored, PREFIX + bytes(TAG_BYTES)),
        (stored, b""),
    ):
        with pytest.raises(FramesDamaged):
            open_whole(CIPHER, other_kept, other_stored)


def test_no_frame_opens_altered_or_in_another_place() -> None:
    stored, kept = sealed(BODY)
    flipped = bytearray(stored)
    flipped[FRAME_BYTES] ^= 1
    swapped = stored[FRAME_BYTES : 2 * FRAME_BYTES] + stored[:FRAME_BYTES] + stored[2 * FRAME_BYTES :]
    _, of_another = sealed(BODY, b"another8")

    for wrong, beside in ((flipped, kept), (swapped, kept), (stored, of_another)):
        with pytest.raises(FramesDamaged):
            opened(wrong, beside)


@pytest.mark.parametrize("size", [0, FRAME_BYTES, 2 * FRAME_BYTES, len(BODY) - 1])
def test_a_body_that_was_cut_off_is_refused_before_a_byte_of_it(size: int) -> None:
    stored, kept = sealed(BODY)
    frames = kept_bytes(size)
    cut = kept[: frames - TAG_BYTES] + kept[-TAG_BYTES:]

    for beside in (kept, kept[:frames], cut):
        with pytest.raises(FramesDamaged):
            FrameOpener(CIPHER, beside, len(stored[:size]))


def test_the_blob_store_seals_what_it_is_given_and_opens_ranges(tmp_path: Path) -> None:
    async def run() -> None:
        store = BlobStore(tmp_path, MemoryEngine(), reserve_bytes=0)
        await store.start()
        async with await store.begin(("md5", "sha256"), FrameSealer(CIPHER, PREFIX)) as writer:
            await writer.write(memoryview(BODY)[:BLOCK_BYTES])
            for at in range(BLOCK_BYTES, len(BODY), 100_000):
                await writer.write(BODY[at : at + 100_000])
            found = await writer.seal()

        plain = digests.digests_of(BODY, ("md5", "sha256", "crc64nvme"))
        assert found.digests == plain
        file = blob_path(tmp_path, writer.blob_id)
        assert file.stat().st_size == HEADER_BYTES + len(BODY)
        assert BODY[:64] not in file.read_bytes()
        with store.open(found.seal) as reader:
            opener = FrameOpener(CIPHER, found.kept, len(BODY))
            for first, end in (
                (0, len(BODY)),
                (1, 2),
                (FRAME_BYTES - 1, FRAME_BYTES + 1),
                (BLOCK_BYTES - 1, BLOCK_BYTES + FRAME_BYTES + 1),
                (len(BODY) - 1, len(BODY)),
                (5, 5),
            ):
                pieces = [bytes(piece) async for piece in reader.read(first, end, opener)]
                assert b"".join(pieces) == BODY[first:end]
            assert reader.file_range is None
        await store.close()

    asyncio.run(run())


def test_bytes_that_were_altered_together_with_their_checksum_do_not_leave(tmp_path: Path) -> None:
    async def run() -> None:
        store = BlobStore(tmp_path, MemoryEngine(), reserve_bytes=0)
        await store.start()
        async with await store.begin((), FrameSealer(CIPHER, PREFIX)) as writer:
            await writer.write(BODY[:FRAME_BYTES])
            found = await writer.seal()
        file = blob_path(tmp_path, writer.blob_id)
        altered = bytearray(file.read_bytes())
        altered[HEADER_BYTES] ^= 1
        file.write_bytes(altered)
        checksum = digests.crc64nvme(altered[HEADER_BYTES:]).to_bytes(8, "big")
        seal = type(found.seal)(blob_id=writer.blob_id, size_bytes=FRAME_BYTES, checksums=checksum)

        with store.open(seal) as reader, pytest.raises(ServiceError) as caught:
            async for _ in reader.read(opener=FrameOpener(CIPHER, found.kept, FRAME_BYTES)):
                pass
        assert caught.value.row is DATA_LOSS
        await store.close()

    asyncio.run(run())
