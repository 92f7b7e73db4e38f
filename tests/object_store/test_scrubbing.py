"""The scrub: every body is read again, slowly, and what the disk no longer gives back is said once a pass."""

import asyncio
import logging
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from cumulo.object_store.scrubbing import BYTES_PER_S, FIRST_REST_MS, PAGE_ROWS, REST_MS, Scrub
from cumulo.storage.blob_format import BLOCK_BYTES, HEADER_BYTES

MIB = 1024 * 1024
PART = bytes(range(256)) * (5 * MIB // 256)
BODY = PART[: 2 * MIB + 1]


class Enough(Exception):
    """Ends what would go on for ever."""


async def at_once(seconds: float) -> None:
    """Wait in no time."""


def flip(stand: Any, blob: int, block: int = 0) -> None:
    """Flip one bit of a block in a blob's file."""
    (path,) = stand.blobs.folder.glob(f"*/*/{blob:016x}")
    with path.open("r+b") as file:
        file.seek(HEADER_BYTES + block * BLOCK_BYTES)
        (byte,) = file.read(1)
        file.seek(HEADER_BYTES + block * BLOCK_BYTES)
        file.write(bytes((byte ^ 1,)))


async def blob_of(stand: Any, write: Any) -> Any:
    """Await a write that makes one file; return the file's blob and what the write answered."""
    before = stand.files()
    answer = await write
    (blob,) = stand.files() - before
    return blob, answer


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, int]]:
    """Return what was said since the last look: bucket, key and blob of each error."""
    errors: list[Any] = [record for record in caplog.records if record.levelno == logging.ERROR]
    caplog.clear()
    for error in errors:
        assert all(text in error.getMessage() for text in (error.bucket, repr(error.key), str(error.blob)))
    return [(error.bucket, error.key, error.blob) for error in errors]


def test_flipped_bit_is_found_in_objects_and_in_parts_once_a_pass(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(stand: Any) -> None:
        single, _ = await blob_of(stand, stand.put("single", BODY))
        upload = await stand.begin("parts")
        _, first = await blob_of(stand, stand.part("parts", upload, 1, PART))
        second_blob, second = await blob_of(stand, stand.part("parts", upload, 2, BODY))
        await stand.complete("parts", upload, [first, second])
        open_upload = await stand.begin("open")
        open_blob, _ = await blob_of(stand, stand.part("open", open_upload, 7, BODY))
        await stand.put("inline", b"small")
        await stand.put("whole", BODY)
        scrub = Scrub(stand.service, at_once)

        assert await scrub.run_pass() == 0
        assert scrub.bytes_read == len(PART) + 4 * len(BODY)
        flip(stand, single, 2)
        flip(stand, second_blob, 1)
        flip(stand, open_blob)
        expected = [("inbox", "parts", second_blob), ("inbox", "single", single), ("inbox", "open", open_blob)]

        for _ in range(2):
            assert await scrub.run_pass() == scrub.damaged == 3
            assert told(caplog) == expected

        await stand.delete("single")
        await stand.delete("parts")
        await stand.abort("open", open_upload)
        assert await scrub.run_pass() == scrub.damaged == 0
        assert told(caplog) == []

    run(scenario)


def test_missing_file_is_damage(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(stand: Any) -> None:
        blob, _ = await blob_of(stand, stand.put("lost", BODY))
        await stand.blobs.delete([blob])

        assert await Scrub(stand.service, at_once).run_pass() == 1
        assert told(caplog) == [("inbox", "lost", blob)]

        await stand.delete("lost")
        await stand.advance()

    run(scenario)


@pytest.mark.parametrize("change", ["delete", "replace"])
@pytest.mark.parametrize("kind", ["single", "parts", "open"])
def test_what_is_deleted_or_replaced_while_it_is_read_is_no_damage(
    run: Any, caplog: pytest.LogCaptureFixture, kind: str, change: str
) -> None:
    async def scenario(stand: Any) -> None:
        upload = ""
        if kind == "single":
            blob, _ = await blob_of(stand, stand.put("k", BODY))
        else:
            upload = await stand.begin("k")
            blob, part = await blob_of(stand, stand.part("k", upload, 1, BODY))
            if kind == "parts":
                await stand.complete("k", upload, [part])
        flip(stand, blob, 2)
        seen: list[float] = []

        async def meanwhile(seconds: float) -> None:
            seen.append(seconds)
            if seconds != MIB / BYTES_PER_S or seen.count(seconds) > 1:
                return  # not the body's first block
            if kind != "open":
                await (stand.delete("k") if change == "delete" else stand.put("k", BODY))
            elif change == "delete":
                await stand.abort("k", upload)
            else:
                await stand.part("k", upload, 1, BODY)

        assert await Scrub(stand.service, meanwhile).run_pass() == 0
        assert seen.count(MIB / BYTES_PER_S) == 2, "the damaged block was not reached"
        assert told(caplog) == []
        await stand.advance()

    run(scenario)


def test_object_that_is_collected_while_another_is_read_is_no_damage(
    run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(stand: Any) -> None:
        for key in ("a", "b", "c"):
            await stand.put(key, BODY)

        async def meanwhile(seconds: float) -> None:
            await stand.delete("b")
            await stand.advance()

        scrub = Scrub(stand.service, meanwhile)

        assert await scrub.run_pass() == 0
        assert scrub.bytes_read in (2 * len(BODY), 3 * len(BODY))
        assert told(caplog) == []

    run(scenario)


def test_bodies_behind_many_records_and_in_every_bucket_are_found(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(stand: Any) -> None:
        for number in range(2 * PAGE_ROWS + 1):
            await stand.put(f"k{number:04}", b"small")
        last, _ = await blob_of(stand, stand.put("z", BODY))
        await stand.make("other")
        other, _ = await blob_of(stand, stand.put("k", BODY, bucket="other"))
        flip(stand, last)
        flip(stand, other)

        assert await Scrub(stand.service, at_once).run_pass() == 2
        assert told(caplog) == [("inbox", "z", last), ("other", "k", other)]

    run(scenario)


def test_pass_takes_a_page_of_records_and_one_block_of_memory(stand_in: Any, tmp_path: Path) -> None:
    async def whole() -> int:
        stand = stand_in(tmp_path, durable=True)
        await stand.open()
        await stand.make()
        metadata = {"x": "y" * 2000}
        await asyncio.gather(*(stand.put(f"k{number}", b"", metadata=metadata) for number in range(1500)))
        await stand.put("body", PART * 4)
        tracemalloc.start()
        await Scrub(stand.service, at_once).run_pass()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        await stand.close()
        return peak

    assert asyncio.run(whole()) < 2 * MIB


def test_bodies_are_read_at_the_named_rate(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", PART)
        waited: list[float] = []

        async def pause(seconds: float) -> None:
            waited.append(seconds)

        await Scrub(stand.service, pause).run_pass()

        assert sum(waited) == pytest.approx(len(PART) / BYTES_PER_S, rel=0.01)
        assert max(waited) <= MIB / BYTES_PER_S

    run(scenario)


def test_passes_rest_an_hour_after_the_start_and_a_day_after_each_end(
    run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(stand: Any) -> None:
        blob, _ = await blob_of(stand, stand.put("k", BODY))
        flip(stand, blob, 2)
        start_ms = stand.clock.deadline_ms()
        passes: list[int] = []

        async def pause(seconds: float) -> None:
            if seconds == MIB / BYTES_PER_S:
                passes.append(stand.clock.deadline_ms() - start_ms)
            if stand.clock.deadline_ms() - start_ms > FIRST_REST_MS + 1.5 * REST_MS:
                raise Enough
            stand.clock.advance(round(seconds * 1000))

        with pytest.raises(Enough):
            await Scrub(stand.service, pause).run()

        begins = passes[::2]
        assert len(begins) == 2
        assert begins[0] == pytest.approx(FIRST_REST_MS, abs=1000)
        assert begins[1] == pytest.approx(FIRST_REST_MS + REST_MS, abs=1000)
        assert len(told(caplog)) == 2

    run(scenario)


def test_pass_that_fails_is_said_and_the_next_one_finds_the_rest(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(stand: Any) -> None:
        blob, _ = await blob_of(stand, stand.put("k", BODY))
        (path,) = stand.blobs.folder.glob(f"*/*/{blob:016x}")
        bytes_ = path.read_bytes()
        path.unlink()
        path.symlink_to(path)  # the disk answers with an error: too many links
        end_ms = stand.clock.deadline_ms() + FIRST_REST_MS + REST_MS

        async def pause(seconds: float) -> None:
            if stand.clock.deadline_ms() >= end_ms:
                raise Enough
            stand.clock.advance(round(seconds * 1000))

        scrub = Scrub(stand.service, pause)
        with pytest.raises(Enough):
            await scrub.run()

        assert "a pass of the scrub failed" in caplog.text
        path.unlink()
        path.write_bytes(bytes_)
        assert await Scrub(stand.service, at_once).run_pass() == 0

    run(scenario)


def test_service_scrubs_from_its_start_to_its_drain(stand_in: Any, tmp_path: Path) -> None:
    async def whole() -> tuple[bool, bool, int]:
        stand = stand_in(tmp_path, durable=False)
        await stand.open()
        await stand.make()
        await stand.put("k", BODY)
        await stand.swept()
        await asyncio.sleep(0)
        scrubbing_task = stand.service._scrubbing
        running = not scrubbing_task.done()
        await stand.close()
        return running, scrubbing_task.cancelled(), stand.service.scrub.bytes_read

    assert asyncio.run(whole()) == (True, True, 0)
