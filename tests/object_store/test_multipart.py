"""Multipart uploads: completing without copying, rules for parts, aborting, expiry."""

import asyncio
import hashlib
from typing import Any

import pytest

from cumulo.core.errors import ServiceError
from cumulo.object_store import bucket_model, keys, object_model, upload_model
from cumulo.object_store.checksums import joined
from cumulo.object_store.keys import PartRecord
from cumulo.object_store.object_model import ByteRange
from cumulo.storage import digests

MIB = 1024 * 1024
FIRST, SECOND, LAST = b"a" * (5 * MIB), bytes(range(256)) * (5 * MIB // 256 + 9), b"the end"


async def three_parts(stand: Any, key: str = "big") -> tuple[str, list[object_model.Part]]:
    upload_id = await stand.begin(key, content_type="video/mp4", metadata={"m": "1"})
    return upload_id, [await stand.part(key, upload_id, n, data) for n, data in ((1, FIRST), (5, SECOND), (9, LAST))]


def test_completed_upload_is_its_parts_joined(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        whole = FIRST + SECOND + LAST
        upload_id, parts = await three_parts(stand)
        files = stand.files()

        stored = await stand.complete("big", upload_id, parts)

        md5s = b"".join(hashlib.md5(data).digest() for data in (FIRST, SECOND, LAST))
        assert stored.etag == hashlib.md5(md5s).hexdigest() + "-3"
        assert stored.crc64nvme == digests.crc64nvme(whole)
        assert (stored.part_count, stored.content_type, stored.metadata) == (3, "video/mp4", {"m": "1"})
        assert stand.files() == files
        await stand.restart()
        assert await stand.head("big") == stored
        assert await stand.get("big") == whole
        for asked in (
            ByteRange(0, 0),
            ByteRange(5 * MIB - 3, 5 * MIB + 3),
            ByteRange(5 * MIB),
            ByteRange(-9),
            ByteRange(3 * MIB + 1, len(whole) - 3),
        ):
            start = asked.first if asked.first >= 0 else len(whole) + asked.first
            stop = len(whole) if asked.last is None else asked.last + 1
            assert await stand.get("big", asked) == whole[start:stop]

    run(scenario)


def test_the_same_completion_asked_again_gets_the_same_answer(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        upload_id, parts = await three_parts(stand)
        stored = await stand.complete("big", upload_id, parts)
        await stand.delete("big")

        assert await stand.complete("big", upload_id, parts) == stored
        assert (await refused(stand.complete("big", upload_id, parts[:1]))).row.code == "NoSuchUpload"

        await stand.restart()
        await stand.advance(upload_model.COMPLETED_KEPT_MS / 1000 + 1)
        assert (await refused(stand.complete("big", upload_id, parts))).row.code == "NoSuchUpload"
        assert await stand.due(keys.UPLOAD_FORGET) == 0

    run(scenario)


def test_parts_that_cannot_be_are_refused(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        upload_id, (one, two, three) = await three_parts(stand)
        wrong = object_model.Part(part_number=5, etag=one.etag, size_bytes=0, last_modified_ms=0, crc64nvme=0)
        unknown = object_model.Part(part_number=6, etag=one.etag, size_bytes=0, last_modified_ms=0, crc64nvme=0)
        beyond = object_model.Part(part_number=10_001, etag=one.etag, size_bytes=0, last_modified_ms=0, crc64nvme=0)
        small = await stand.part("big", upload_id, 7, b"small")
        for parts, code in (
            ([], "InvalidRequest"),
            ([two, one], "InvalidPartOrder"),
            ([one, one], "InvalidPartOrder"),
            ([one, wrong], "InvalidPart"),
            ([one, unknown], "InvalidPart"),
            ([one, small, three], "EntityTooSmall"),
            ([one, beyond], "InvalidArgument"),
        ):
            assert (await refused(stand.complete("big", upload_id, parts))).row.code == code
        for number in (0, -1, 10_001):
            assert (await refused(stand.part("big", upload_id, number, b""))).row.code == "InvalidArgument"
        stored = await stand.complete("big", upload_id, [one, two, three])
        assert stored.part_count == 3
        await stand.advance()
        assert len(stand.files()) == 2

    run(scenario)


def test_part_uploaded_again_replaces_the_first(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        upload_id = await stand.begin("k")
        await stand.part("k", upload_id, 1, b"1" * 100_000)
        await stand.part("k", upload_id, 1, b"2" * 200_000)
        await stand.part("k", upload_id, 2, b"inline")
        latest = await stand.part("k", upload_id, 1, b"3" * 10)

        await stand.advance()

        assert stand.files() == set()
        page = await stand.call("ListParts", upload_model.ListParts(bucket="inbox", key="k", upload_id=upload_id))
        assert [part.size_bytes for part in page.parts] == [10, 6]
        await stand.complete("k", upload_id, [latest])
        await stand.advance()
        assert await stand.get("k") == b"3" * 10

    run(scenario)


def test_aborted_upload_leaves_nothing(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        upload_id, parts = await three_parts(stand)
        for number in range(101, 351):
            await stand.part("big", upload_id, number, b"x" * 100)

        await stand.abort("big", upload_id)

        assert (await refused(stand.complete("big", upload_id, parts))).row.code == "NoSuchUpload"
        assert (await refused(stand.part("big", upload_id, 1, b""))).row.code == "NoSuchUpload"
        assert (await refused(stand.abort("big", upload_id))).row.code == "NoSuchUpload"
        assert await stand.problems() == []
        await stand.restart()
        await stand.advance()
        assert stand.files() == set()
        assert await stand.due(keys.UPLOAD_CLEAR) == 0
        await stand.call("DeleteBucket", bucket_model.DeleteBucket("inbox"))

    run(scenario)


def test_of_completion_and_abort_one_wins(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        for turn in range(4):
            upload_id = await stand.begin("k")
            part = await stand.part("k", upload_id, 1, b"x" * 100_000)
            calls = [stand.complete("k", upload_id, [part]), stand.abort("k", upload_id)]

            outcomes = await asyncio.gather(*(calls if turn % 2 else calls[::-1]), return_exceptions=True)

            errors = [outcome for outcome in outcomes if isinstance(outcome, ServiceError)]
            assert [error.row.code for error in errors] == ["NoSuchUpload"]

    run(scenario)


def test_abandoned_upload_ends_after_a_week(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        upload_id, parts = await three_parts(stand)
        await stand.advance(upload_model.UPLOAD_KEPT_MS / 1000 - 1)
        assert len(stand.files()) == 2

        await stand.restart()
        await stand.advance(2)

        assert stand.files() == set()
        assert (await refused(stand.complete("big", upload_id, parts))).row.code == "NoSuchUpload"

    run(scenario)


def test_part_arriving_after_the_abort_is_refused_and_leaves_nothing(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        upload_id = await stand.begin("k")

        async def body() -> Any:
            yield memoryview(bytes(MIB))
            await stand.abort("k", upload_id)
            yield memoryview(bytes(MIB))

        request = upload_model.UploadPart(bucket="inbox", key="k", upload_id=upload_id, part_number=1)
        assert (await refused(stand.call("UploadPart", request, body()))).row.code == "NoSuchUpload"
        assert stand.files() == set()

    run(scenario)


def test_object_in_parts_is_not_collected_under_a_reader(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        upload_id, parts = await three_parts(stand)
        await stand.complete("big", upload_id, parts)
        result = await stand.service.call(stand.ctx, "GetObject", object_model.GetObject(bucket="inbox", key="big"))
        first = bytes(await anext(result.body))

        await stand.delete("big")
        await stand.advance()
        assert len(stand.files()) == 2
        rest = b"".join([bytes(piece) async for piece in result.body])

        assert first + rest == FIRST + SECOND + LAST
        await stand.advance(2)
        assert stand.files() == set()

    run(scenario)


def test_answer_that_nobody_reads_holds_nothing_back(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        upload_id, parts = await three_parts(stand)
        await stand.complete("big", upload_id, parts)
        result = await stand.service.call(stand.ctx, "GetObject", object_model.GetObject(bucket="inbox", key="big"))
        await stand.delete("big")

        await result.body.aclose()
        await stand.advance(2)

        assert stand.files() == set()

    run(scenario)


def test_conditions_hold_at_completion(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        upload_id, parts = await three_parts(stand)
        there = await stand.put("big", b"there")

        error = await refused(stand.complete("big", upload_id, parts, if_none_match="*"))
        assert error.row.code == "PreconditionFailed"
        error = await refused(stand.complete("big", upload_id, parts, if_match="other"))
        assert error.row.code == "PreconditionFailed"
        await stand.complete("big", upload_id, parts, if_match=there.etag)

    run(scenario)


def test_foreign_and_forged_upload_ids_name_nothing(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.make("other")
        upload_id = await stand.begin("k")
        elsewhere = await stand.begin("k", bucket="other")
        for key, forged in (("k", elsewhere), ("k", upload_id[:-2]), ("k", ""), ("k", "ü"), ("j", upload_id)):
            assert (await refused(stand.part(key, forged, 1, b""))).row.code == "NoSuchUpload"

    run(scenario)


def test_parts_and_uploads_are_listed_in_pages(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        upload_id = await stand.begin("b")
        for number in (250, 3, 1, 100, 101):
            await stand.part("b", upload_id, number, b"x")
        numbers, token = [], ""
        while True:
            request = upload_model.ListParts(
                bucket="inbox", key="b", upload_id=upload_id, page_size=2, page_token=token
            )
            page = await stand.call("ListParts", request)
            numbers += [part.part_number for part in page.parts]
            if not (token := page.next_page_token):
                break
        assert numbers == [1, 3, 100, 101, 250]

        ids = [upload_id] + [await stand.begin(key) for key in ("b", "a", "c", "bb")]
        found, token = [], ""
        while True:
            listing = upload_model.ListMultipartUploads(bucket="inbox", prefix="b", page_size=1, page_token=token)
            uploads = await stand.call("ListMultipartUploads", listing)
            found += [(upload.key, upload.upload_id) for upload in uploads.uploads]
            if not (token := uploads.next_page_token):
                break
        assert found == [("b", ids[0]), ("b", ids[1]), ("bb", ids[4])]
        bad = upload_model.ListMultipartUploads(bucket="inbox", prefix="", page_token="x")
        assert (await refused(stand.call("ListMultipartUploads", bad))).row.code == "InvalidArgument"

    run(scenario)


def test_upload_of_ten_thousand_parts_fits_into_one_transaction(run: Any) -> None:
    """The engine refuses a function that does too much, so that it commits is the proof."""

    async def scenario(stand: Any) -> None:
        upload_id = await stand.begin("k")
        first = await stand.part("k", upload_id, 1, b"x")
        partition = (await stand.engine.read((b"\0" * 8,), _partitions, None))[0]
        await stand.engine.transact((partition,), _many_parts, partition)
        wanted = [first] + [
            object_model.Part(part_number=n, etag=first.etag, size_bytes=0, last_modified_ms=0, crc64nvme=0)
            for n in range(2, 10_001)
        ]
        error = await _error(stand.complete("k", upload_id, wanted))
        assert error.row.code == "EntityTooSmall"
        await stand.engine.transact((partition,), _large_parts, partition)

        stored = await stand.complete("k", upload_id, wanted)

        assert (stored.part_count, stored.size_bytes) == (10_000, 9_999 * upload_model.PART_BYTES_MIN + 1)
        await stand.engine.transact((partition, b"\0" * 8), _forget_all, partition)

    run(scenario)


async def _error(call: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await call
    return caught.value


def _partitions(txn: Any, _: None) -> Any:
    from cumulo.object_store import invariants

    return invariants.partitions(txn)


def _parts(txn: Any, partition: bytes, size_bytes: int) -> None:
    """Fill the chunks of upload 1 as if 10,000 parts had been sent, all the body of the first."""
    from cumulo.storage import records

    first = keys.decode_parts(txn.get(keys.chunk_key(partition, 1, 1))).parts[0]
    for chunk in range(100):
        parts = [
            PartRecord(
                number=n,
                size_bytes=1 if n == 10_000 else size_bytes,
                md5=first.md5,
                modified_ms=1,
                body=first.body,
                crc64nvme=first.crc64nvme,
            )
            for n in range(chunk * 100 + 1, chunk * 100 + 101)
        ]
        txn.put(keys.chunk_key(partition, 1, chunk * 100 + 1), records.encode(keys.Parts(parts=parts)))


def _many_parts(txn: Any, partition: bytes) -> None:
    _parts(txn, partition, 1)


def _large_parts(txn: Any, partition: bytes) -> None:
    _parts(txn, partition, upload_model.PART_BYTES_MIN)


def _forget_all(txn: Any, partition: bytes) -> None:
    """Take the made-up object away again, which has no bytes."""
    from cumulo.storage import records
    from cumulo.storage.tuples import after

    body = keys.decode_object(txn.get(keys.object_key(partition, "k"))).body
    txn.delete(keys.object_key(partition, "k"))
    prefix = keys.manifest_prefix(partition, body)
    txn.delete_range(prefix, after(prefix), 100)
    txn.delete_range(partition + keys.BODIES, after(partition + keys.BODIES), 10)
    txn.delete_range(partition + keys.FRAMES, after(partition + keys.FRAMES), 10)
    counters = keys.decode_counters(txn.get(partition + keys.COUNTERS))
    txn.put(partition + keys.COUNTERS, records.encode(keys.Counters(next=counters.next)))


@pytest.mark.parametrize("name", ["crc32", "crc32c", "crc64nvme"])
def test_combined_checksum_is_that_of_the_whole(name: str) -> None:
    bodies = [b"a" * 1000, b"", b"b", bytes(range(256)) * 7]

    whole = joined(name, [(crc(name, body), len(body)) for body in bodies])

    assert whole == crc(name, b"".join(bodies))


def crc(name: str, body: bytes) -> int:
    digester = digests.Digester((name,))
    digester.update(body)
    return int.from_bytes(digester.finish()[name], "big")
