"""Blobs: what was sealed comes back verified, ranges included; a damaged block never leaves; orphans are swept."""

import asyncio
import hashlib
import os
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.errors import DATA_LOSS, STORAGE_FULL, ServiceError
from cumulo.storage import digests
from cumulo.storage.blob_format import (
    BLOCK_BYTES,
    CHECKSUMS_PER_RECORD,
    HEADER_BYTES,
    Seal,
    blob_path,
    header,
    parse_blob_name,
    split_checksums,
)
from cumulo.storage.blobs import BlobMissing, BlobStore, Damage
from cumulo.storage.memory import MemoryEngine

BODY = os.urandom(2 * BLOCK_BYTES + 12_345)


@asynccontextmanager
async def opened(folder: Path, engine: MemoryEngine | None = None, reserve_bytes: int = 0) -> AsyncIterator[BlobStore]:
    store = BlobStore(folder, engine or MemoryEngine(), reserve_bytes=reserve_bytes)
    await store.start()
    try:
        yield store
    finally:
        await store.close()


def with_store(folder: Path, test: Callable[[BlobStore], Awaitable[None]]) -> None:
    async def run() -> None:
        async with opened(folder) as store:
            await test(store)

    asyncio.run(run())


async def put(store: BlobStore, body: bytes, names: tuple[str, ...] = ("md5",)) -> Seal:
    async with await store.begin(names) as writer:
        for at in range(0, len(body), 100_000):
            await writer.write(body[at : at + 100_000])
        return (await writer.seal()).seal


async def get_into(seen: bytearray, store: BlobStore, seal: Seal, start: int, end: int | None) -> None:
    with store.open(seal) as reader:
        async for piece in reader.read(start, end):
            seen.extend(piece)


async def get(store: BlobStore, seal: Seal, start: int = 0, end: int | None = None) -> bytes:
    seen = bytearray()
    await get_into(seen, store, seal, start, end)
    return bytes(seen)


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes((byte ^ 1,)))


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, len(BODY)])
def test_body_comes_back_as_it_was_sealed(tmp_path, size):
    async def test(store) -> None:
        seal = await put(store, BODY[:size])

        assert await get(store, seal) == BODY[:size]
        assert seal.size_bytes == size

    with_store(tmp_path, test)


def test_any_range_comes_back(tmp_path):
    ends = st.integers(0, len(BODY)) | st.sampled_from((BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1))

    async def test(store) -> None:
        seal = await put(store, BODY)
        ranges: list[tuple[int, int]] = []

        @given(st.tuples(ends, ends).map(sorted))
        def collect(both):
            ranges.append((both[0], both[1]))

        collect()
        for start, end in ranges:
            assert await get(store, seal, start, end) == BODY[start:end], (start, end)

    with_store(tmp_path, test)


def test_pieces_are_at_most_one_block(tmp_path):
    async def test(store) -> None:
        seal = await put(store, BODY)

        with store.open(seal) as reader:
            sizes = [len(piece) async for piece in reader.read(10)]

        assert sizes == [BLOCK_BYTES - 10, BLOCK_BYTES, 12_345]

    with_store(tmp_path, test)


def test_digests_are_those_of_the_whole_body(tmp_path):
    async def test(store) -> None:
        async with await store.begin(("md5", "sha1", "sha256", "crc32")) as writer:
            for at in range(0, len(BODY), 70_001):
                await writer.write(memoryview(BODY)[at : at + 70_001])
            found = (await writer.seal()).digests

        assert found == {
            "md5": hashlib.md5(BODY).digest(),
            "sha1": hashlib.sha1(BODY).digest(),
            "sha256": hashlib.sha256(BODY).digest(),
            "crc32": zlib.crc32(BODY).to_bytes(4, "big"),
            "crc64nvme": digests.crc64nvme(BODY).to_bytes(8, "big"),
        }

    with_store(tmp_path, test)


def test_crc_values_are_those_of_their_specifications():
    digester = digests.Digester(("crc32", "crc32c", "crc64nvme"))

    for piece in (b"1234", b"5", b"6789"):
        digester.update(piece)

    assert {name: value.hex() for name, value in digester.finish().items()} == {
        "crc32": "cbf43926",
        "crc32c": "e3069283",
        "crc64nvme": "ae8b14860a799888",
    }


@pytest.mark.parametrize("content", [b"", b"123456789", bytes(70_000)])
def test_digests_of_a_whole_are_those_of_its_pieces(content: bytes) -> None:
    digester = digests.Digester(digests.NAMES)

    digester.update(content[:5])
    digester.update(content[5:])

    assert digests.digests_of(content, digests.NAMES) == digester.finish()


@pytest.mark.parametrize(
    ("offset", "start", "end", "damaged_from"),
    [
        (HEADER_BYTES + 5, 5, 6, 0),
        (HEADER_BYTES + 5, 900_000, 900_001, 0),
        (HEADER_BYTES + BLOCK_BYTES + 7, BLOCK_BYTES - 1, BLOCK_BYTES + 1, BLOCK_BYTES),
        (HEADER_BYTES + len(BODY) - 1, 2 * BLOCK_BYTES, 2 * BLOCK_BYTES + 1, 2 * BLOCK_BYTES),
        (0, 0, 1, 0),
        (16, 0, 1, 0),
    ],
)
def test_one_flipped_bit_refuses_its_block(tmp_path, offset, start, end, damaged_from):
    async def test(store) -> None:
        seal = await put(store, BODY)
        flip(blob_path(tmp_path, seal.blob_id), offset)
        seen = bytearray()

        with pytest.raises(ServiceError) as refused:
            await get_into(seen, store, seal, start, end)

        assert refused.value.row is DATA_LOSS
        assert seen == BODY[start : max(start, damaged_from)]

    with_store(tmp_path, test)


def test_blocks_beside_a_damaged_one_are_served(tmp_path):
    async def test(store) -> None:
        seal = await put(store, BODY)
        flip(blob_path(tmp_path, seal.blob_id), HEADER_BYTES + BLOCK_BYTES)

        assert await get(store, seal, 0, BLOCK_BYTES) == BODY[:BLOCK_BYTES]
        assert await get(store, seal, 2 * BLOCK_BYTES) == BODY[2 * BLOCK_BYTES :]

    with_store(tmp_path, test)


def test_file_that_ends_early_is_data_loss(tmp_path):
    async def test(store) -> None:
        seal = await put(store, BODY)
        os.truncate(blob_path(tmp_path, seal.blob_id), HEADER_BYTES + 2 * BLOCK_BYTES + 5)

        with pytest.raises(ServiceError, match="block 2"):
            await get(store, seal)

    with_store(tmp_path, test)


def test_file_of_another_blob_is_data_loss(tmp_path):
    async def test(store) -> None:
        first, second = await put(store, BODY), await put(store, BODY)
        blob_path(tmp_path, second.blob_id).replace(blob_path(tmp_path, first.blob_id))

        with pytest.raises(ServiceError, match="do not match"):
            await get(store, first)

    with_store(tmp_path, test)


def test_reader_that_is_open_outlives_the_deletion(tmp_path):
    async def test(store) -> None:
        seal = await put(store, BODY)

        with store.open(seal) as reader:
            await store.delete([seal.blob_id])
            got = b"".join([bytes(piece) async for piece in reader.read()])

        assert got == BODY
        with pytest.raises(BlobMissing):
            store.open(seal)

    with_store(tmp_path, test)


def test_reader_says_where_the_verified_piece_lies(tmp_path):
    async def test(store) -> None:
        seal = await put(store, BODY)

        for start, end in ((0, None), (5, 9), (BLOCK_BYTES - 1, 2 * BLOCK_BYTES + 1)):
            with store.open(seal) as reader:
                async for piece in reader.read(start, end):
                    assert reader.file_range is not None
                    descriptor, offset = reader.file_range
                    assert os.pread(descriptor, len(piece), offset) == piece
            assert reader.file_range is None

    with_store(tmp_path, test)


@pytest.mark.parametrize("pieces", [[BLOCK_BYTES], [7, BLOCK_BYTES, BLOCK_BYTES], [2 * BLOCK_BYTES + 5, BLOCK_BYTES]])
def test_whole_blocks_and_odd_pieces_make_one_body(tmp_path, pieces):
    async def test(store) -> None:
        async with await store.begin(("md5",)) as writer:
            reused = bytearray(max(pieces))
            body = b""
            for number, size in enumerate(pieces):
                reused[:size] = bytes((number,)) * size
                body += reused[:size]
                await writer.write(memoryview(reused)[:size])
            sealed = await writer.seal()

        assert sealed.seal.size_bytes == len(body)
        assert sealed.digests["md5"] == hashlib.md5(body).digest()
        assert sealed.digests["crc64nvme"] == digests.crc64nvme(body).to_bytes(8, "big")
        assert await get(store, sealed.seal) == body

    with_store(tmp_path, test)


def test_cancelled_sender_gets_his_piece_back_only_when_it_is_stored(tmp_path):
    async def test(store) -> None:
        piece = bytearray(b"a" * BLOCK_BYTES)
        async with await store.begin(("md5",)) as writer:
            task = asyncio.create_task(writer.write(memoryview(piece)))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            piece[:] = b"b" * BLOCK_BYTES

            stored = blob_path(store.folder, writer.blob_id).read_bytes()
            assert stored[HEADER_BYTES:] == b"a" * BLOCK_BYTES

    with_store(tmp_path, test)


def test_deleting_twice_is_no_error(tmp_path):
    async def test(store) -> None:
        seal = await put(store, b"x")

        await store.delete([seal.blob_id])
        await store.delete([seal.blob_id])

    with_store(tmp_path, test)


def test_upload_that_is_left_without_seal_leaves_no_file(tmp_path):
    async def test(store) -> None:
        with suppress(ConnectionError):
            async with await store.begin() as writer:
                await writer.write(BODY)
                raise ConnectionError

        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    with_store(tmp_path, test)


def test_cancelled_upload_leaves_no_file(tmp_path):
    async def test(store) -> None:
        async def upload() -> None:
            async with await store.begin() as writer:
                while True:
                    await writer.write(BODY)

        task = asyncio.create_task(upload())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    with_store(tmp_path, test)


def test_uploads_at_once_do_not_mix(tmp_path):
    async def test(store) -> None:
        bodies = [BODY[at : at + 1_100_000 + at] for at in range(12)]

        seals = await asyncio.gather(*(put(store, body) for body in bodies))

        assert [await get(store, seal) for seal in seals] == bodies

    with_store(tmp_path, test)


def test_ids_are_never_used_again_after_a_restart(tmp_path):
    async def run() -> None:
        engine = MemoryEngine()
        async with opened(tmp_path, engine) as store:
            first = await put(store, b"a")
        async with opened(tmp_path, engine) as store:
            second = await put(store, b"b")
            assert second.blob_id > first.blob_id
            assert await get(store, first) == b"a"

    asyncio.run(run())


def test_sweep_removes_what_no_record_names_and_spares_this_run(tmp_path):
    async def run() -> None:
        engine = MemoryEngine()
        async with opened(tmp_path, engine) as store:
            kept, orphan = await put(store, b"kept"), await put(store, b"orphan")
        async with opened(tmp_path, engine) as store:
            young = await put(store, b"not yet named")

            async def known(ids):
                return {kept.blob_id}.intersection(ids)

            assert await store.sweep(known) == 1
            assert await store.sweep(known) == 0
            assert await get(store, kept) == b"kept"
            assert await get(store, young) == b"not yet named"
            with pytest.raises(BlobMissing):
                store.open(orphan)

    asyncio.run(run())


def test_sweep_leaves_foreign_files_alone(tmp_path):
    async def test(store) -> None:
        seal = await put(store, b"x")
        foreign = blob_path(tmp_path, seal.blob_id).with_name("notes.txt")
        foreign.write_text("mine")

        await store.sweep(none_known)

        assert foreign.read_text() == "mine"

    with_store(tmp_path, test)


async def none_known(ids):
    return ()


def test_scrub_finds_damaged_and_missing_blobs_at_the_given_rate(tmp_path):
    async def test(store) -> None:
        whole, damaged, missing = [await put(store, BODY) for _ in range(3)]
        flip(blob_path(tmp_path, damaged.blob_id), HEADER_BYTES + BLOCK_BYTES)
        await store.delete([missing.blob_id])
        paused: list[float] = []

        async def seals():
            for seal in (whole, damaged, missing):
                yield seal

        async def pause(seconds) -> None:
            paused.append(seconds)

        found = [damage async for damage in store.scrub(seals(), BLOCK_BYTES, pause)]

        assert found == [
            Damage(damaged, f"Stored bytes of blob {damaged.blob_id}, block 1 do not match their checksum;"
                            " they were not served."),
            Damage(missing, "missing"),
        ]  # fmt: skip
        assert sum(paused) == pytest.approx(len(BODY) / BLOCK_BYTES + 1)

    with_store(tmp_path, test)


def test_upload_is_refused_below_the_free_space_reserve(tmp_path):
    async def run() -> None:
        async with opened(tmp_path, reserve_bytes=1 << 62) as store:
            with pytest.raises(ServiceError) as refused:
                await store.begin()
            assert refused.value.row is STORAGE_FULL

    asyncio.run(run())


def test_one_upload_holds_at_most_two_blocks(tmp_path):
    async def test(store) -> None:
        taken = given_back = 0
        take, give = store.buffers.take, store.buffers.give

        def counting_take():
            nonlocal taken
            taken += 1
            assert taken - given_back <= 2
            return take()

        def counting_give(buffer):
            nonlocal given_back
            given_back += 1
            give(buffer)

        store.buffers.take, store.buffers.give = counting_take, counting_give
        await put(store, BODY * 3)

        assert taken == given_back == 7

    with_store(tmp_path, test)


def test_file_and_path_have_their_documented_form(tmp_path):
    async def test(store) -> None:
        seal = await put(store, b"hello")
        content = (tmp_path / "0" / "000" / f"{seal.blob_id:016x}").read_bytes()

        assert content == header(seal.blob_id) + b"hello"
        assert content[:24].hex() == "43554d554c4f424c" + "00000001" + "00100000" + f"{seal.blob_id:016x}"
        assert blob_path(Path("b"), 0x1_2345_6789) == Path("b/123/456/0000000123456789")

    with_store(tmp_path, test)


def test_block_checksums_split_into_slices_that_fit_an_engine_value():
    checksums = os.urandom(8 * (2 * CHECKSUMS_PER_RECORD + 1))

    slices = split_checksums(checksums)

    assert [len(part) for part in slices] == [32_000, 32_000, 8]
    assert b"".join(slices) == checksums


@pytest.mark.parametrize("name", ["", "notes.txt", "000000000000000G", "00000000000000001", "000000000000000A"])
def test_only_sixteen_lower_case_hexadecimal_digits_name_a_blob(name):
    assert parse_blob_name(name) is None
