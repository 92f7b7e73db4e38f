"""Objects: put, get, head, delete, ranges, conditions, checksums, and what is refused."""

import asyncio
import base64
import contextlib
import hashlib
import zlib
from typing import Any

import pytest

from cumulo.core.errors import ServiceError
from cumulo.object_store import acl_model, body_model, configuration_model, garbage, keys, object_model, tagging_model
from cumulo.object_store.body_model import ExpectedContent
from cumulo.object_store.object_model import ByteRange
from cumulo.storage import digests, failpoints
from cumulo.storage.engine import ROOT

MIB = 1024 * 1024
SIZES = (0, 1, 65_535, 65_536, 65_537, MIB, MIB + 1, 3 * MIB + 17)


def patterned(size: int) -> bytes:
    return bytes(i * 7 % 251 for i in range(256)) * (size // 256) + bytes(size % 256)


@pytest.mark.parametrize("size", SIZES)
def test_object_comes_back_as_it_was_put(run: Any, size: int) -> None:
    async def scenario(stand: Any) -> None:
        data = patterned(size)

        stored = await stand.put("a/b", data, content_type="text/plain", metadata={"origin": "test"})

        assert await stand.get("a/b") == data
        assert await stand.head("a/b") == stored
        assert stored.etag == hashlib.md5(data).hexdigest()
        assert stored.crc64nvme == digests.crc64nvme(data)
        assert (stored.size_bytes, stored.content_type, stored.metadata) == (size, "text/plain", {"origin": "test"})

    run(scenario)


def test_bytes_survive_a_restart(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("small", b"x" * 100)
        await stand.put("large", b"y" * 200_000)

        await stand.restart()

        assert await stand.get("small") == b"x" * 100
        assert await stand.get("large") == b"y" * 200_000

    run(scenario)


@pytest.mark.parametrize("size", [1000, 2 * MIB + 300])
@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        (ByteRange(0, 0), 0, 1),
        (ByteRange(5), 5, None),
        (ByteRange(100, 200), 100, 201),
        (ByteRange(990, 10**12), 990, None),
        (ByteRange(-7), -7, None),
        (ByteRange(-(10**12)), 0, None),
    ],
)
def test_range_is_exactly_the_bytes_asked_for(
    run: Any, size: int, asked: ByteRange, start: int, stop: int | None
) -> None:
    async def scenario(stand: Any) -> None:
        data = patterned(size)
        await stand.put("k", data)

        assert await stand.get("k", asked) == data[start:stop]

    run(scenario)


def test_range_beyond_the_end_is_refused(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"abc")
        await stand.put("empty", b"")

        for key, asked in (
            ("k", ByteRange(3)),
            ("k", ByteRange(3, 5)),
            ("empty", ByteRange(0)),
            ("empty", ByteRange(-1)),
        ):
            error = await refused(stand.get(key, asked))
            assert (error.row.code, error.row.http_status) == ("InvalidRange", 416)
        assert (await refused(stand.get("k", ByteRange(2, 1)))).row.code == "InvalidArgument"

    run(scenario)


def test_missing_key_and_missing_bucket_have_names_of_their_own(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        assert (await refused(stand.get("nothing"))).row.code == "NoSuchKey"
        assert (await refused(stand.head("nothing"))).row.code == "NoSuchKey"
        assert (await refused(stand.get("k", bucket="no-such"))).row.code == "NoSuchBucket"
        assert (await refused(stand.put("k", b"", bucket="no-such"))).row.code == "NoSuchBucket"
        await stand.delete("nothing")

    run(scenario)


def test_body_whose_file_is_gone_is_a_broken_fact_unless_its_removal_waits(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("kept", b"1" * 100_000)
        await stand.put("going", b"2" * 100_000)
        kept, going = sorted(stand.files())
        await stand.delete("going")

        await stand.blobs.delete([going])
        assert await stand.problems() == []

        assert any(f"blob {kept}" in problem for problem in await stand.problems(files=set()))

    run(scenario)


def test_overwritten_and_deleted_bytes_are_removed_from_the_disk(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"1" * 100_000)
        await stand.put("k", b"2" * 100_000)
        assert len(stand.files()) == 2

        await stand.advance()
        assert len(stand.files()) == 1

        await stand.delete("k")
        await stand.restart()
        await stand.advance()
        assert stand.files() == set()
        assert await stand.due(keys.BLOB_DELETE) == 0

    run(scenario)


def test_reader_keeps_its_version_while_the_object_is_replaced_and_collected(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        data = patterned(3 * MIB)
        await stand.put("k", data)
        result = await stand.service.call(stand.ctx, "GetObject", object_model.GetObject(bucket="inbox", key="k"))
        first = bytes(await anext(result.body))

        await stand.put("k", b"other" * 50_000)
        await stand.advance()

        rest = b"".join([bytes(piece) async for piece in result.body])
        await result.body.aclose()
        assert first + rest == data

    run(scenario)


def test_damaged_block_is_not_served(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", patterned(2 * MIB))
        (path,) = stand.blobs.folder.glob("*/*/*")
        with path.open("r+b") as file:
            file.seek(4096 + MIB + 5)
            file.write(b"\xff\xfe")

        assert len(await stand.get("k", ByteRange(0, MIB - 1))) == MIB
        assert (await refused(stand.get("k"))).row.code == "InternalError"
        assert (await refused(stand.get("k", ByteRange(-1)))).row.code == "InternalError"

    run(scenario)


def test_damaged_inline_bytes_are_not_served(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"precious")
        partition = next(iter(await stand.engine.read((ROOT,), _partitions, None)))
        await stand.engine.transact((partition,), _damage, partition)

        assert (await refused(stand.get("k", ByteRange(0, 0)))).row.code == "InternalError"

        await stand.engine.transact((partition,), _repair, partition)

    run(scenario)


def _partitions(txn: Any, _: None) -> Any:
    from cumulo.object_store import invariants

    return invariants.partitions(txn)


def _damage(txn: Any, partition: bytes) -> None:
    txn.put(keys.body_key(partition, 1), b"preciouz")


def _repair(txn: Any, partition: bytes) -> None:
    txn.put(keys.body_key(partition, 1), b"precious")


# Conditions


def test_put_if_none_match_makes_an_object_once(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        async def attempt(data: bytes) -> str:
            try:
                await stand.put("lock", data, if_none_match="*")
            except ServiceError as error:
                return error.row.code
            return "made"

        outcomes = await asyncio.gather(*(attempt(bytes([n]) * 70_000) for n in range(5)))

        assert sorted(outcomes) == ["PreconditionFailed"] * 4 + ["made"]
        assert len(stand.files()) == 1

    run(scenario)


def test_put_if_none_match_spares_only_the_version_that_it_names(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        first = await stand.put("k", b"1")

        second = await stand.put("k", b"2", if_none_match=first.etag[::-1])

        assert (await refused(stand.put("k", b"3", if_none_match=second.etag))).row.code == "PreconditionFailed"
        await stand.put("k", b"4", if_match="*")
        assert (await refused(stand.put("other", b"", if_match="*"))).row.code == "NoSuchKey"

    run(scenario)


def test_put_if_match_replaces_only_what_was_seen(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        first = await stand.put("k", b"1")

        second = await stand.put("k", b"2", if_match=first.etag)

        assert (await refused(stand.put("k", b"3", if_match=first.etag))).row.code == "PreconditionFailed"
        assert (await refused(stand.put("new", b"3", if_match=first.etag))).row.code == "NoSuchKey"
        await stand.put("k", b"4", if_match="*")
        assert (await refused(stand.delete("k", if_match=second.etag))).row.code == "PreconditionFailed"
        assert (await refused(stand.delete("gone", if_match="*"))).row.code == "NoSuchKey"
        await stand.delete("k", if_match="*")
        assert (await refused(stand.head("k"))).row.code == "NoSuchKey"

    run(scenario)


def test_conditions_of_reads_follow_rfc_9110(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        stored = await stand.put("k", b"1")
        second_ms = stored.last_modified_ms // 1000 * 1000
        for conditions, code in (
            ({"if_match": "other"}, "PreconditionFailed"),
            ({"if_match": "other", "if_none_match": stored.etag}, "PreconditionFailed"),
            ({"if_none_match": stored.etag}, "NotModified"),
            ({"if_none_match": "*"}, "NotModified"),
            ({"if_modified_since_ms": second_ms}, "NotModified"),
            ({"if_unmodified_since_ms": second_ms - 1000}, "PreconditionFailed"),
        ):
            assert (await refused(stand.head("k", **conditions))).row.code == code
        for conditions in (
            {"if_match": stored.etag, "if_unmodified_since_ms": 0},
            {"if_none_match": "other", "if_modified_since_ms": second_ms},
            {"if_modified_since_ms": second_ms - 1000},
            {"if_unmodified_since_ms": second_ms},
        ):
            assert (await stand.head("k", **conditions)).etag == stored.etag

    run(scenario)


# Bodies that must be refused


def test_every_checksum_that_is_sent_is_verified_and_kept(run: Any, refused: Any) -> None:
    data = patterned(70_000)
    right = {
        "content-md5": hashlib.md5(data).digest(),
        "md5": hashlib.md5(data).digest(),
        "sha512": hashlib.sha512(data).digest(),
        "sha1": hashlib.sha1(data).digest(),
        "sha256": hashlib.sha256(data).digest(),
        "crc32": zlib.crc32(data).to_bytes(4, "big"),
        "crc32c": digests._crc32c(data, 0).to_bytes(4, "big"),
        "crc64nvme": digests.crc64nvme(data).to_bytes(8, "big"),
    }

    async def scenario(stand: Any) -> None:
        for name, value in right.items():
            stored = await stand.put(name, data, expected=ExpectedContent(digests={name: value}))
            assert stored.checksums == ({} if name in ("content-md5", "crc64nvme") else {name: value})
            assert (await stand.head(name)).checksums == stored.checksums
            wrong = bytes([value[0] ^ 1]) + value[1:]
            error = await refused(stand.put("bad", data, expected=ExpectedContent(digests={name: wrong})))
            assert error.row.code == "BadDigest"
            error = await refused(stand.put("bad", data[:9], expected=ExpectedContent(digests={name: wrong[1:]})))
            assert error.row.code == ("InvalidDigest" if name == "content-md5" else "InvalidRequest")
        assert (await refused(stand.head("bad"))).row.code == "NoSuchKey"

    run(scenario)


@pytest.mark.parametrize("size", [10, 100_000])
def test_trailer_is_verified_like_the_head(run: Any, refused: Any, pieces: Any, size: int) -> None:
    data = patterned(size)

    async def scenario(stand: Any) -> None:
        announced = ExpectedContent(announced=("crc32c",))
        request = object_model.PutObject(bucket="inbox", key="k", expected=announced)
        for trailer, code in (
            (ExpectedContent(content_length=size + 1), "IncompleteBody"),
            (ExpectedContent(digests={"crc32c": b"1234"}), "BadDigest"),
            (ExpectedContent(digests={"sha256": hashlib.sha256(data).digest()}), "InvalidRequest"),
        ):
            error = await refused(stand.call("PutObject", request, pieces([data], trailer)))
            assert error.row.code == code
        assert stand.files() == set()
        good = ExpectedContent(size, {"crc32c": digests._crc32c(data, 0).to_bytes(4, "big")})
        assert (await stand.call("PutObject", request, pieces([data], good))).checksums == good.digests

    run(scenario)


@pytest.mark.parametrize("size", [10, 100_000, 3 * MIB])
def test_truncated_stream_stores_nothing(run: Any, refused: Any, size: int) -> None:
    async def scenario(stand: Any) -> None:
        for promised in (size + 1, size - 1):
            error = await refused(stand.put("k", patterned(size), expected=ExpectedContent(promised)))
            assert error.row.code == "IncompleteBody"
        assert (await refused(stand.head("k"))).row.code == "NoSuchKey"
        assert stand.files() == set()

    run(scenario)


def test_upload_whose_sender_fails_or_leaves_stores_nothing(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        sent = asyncio.Event()

        async def stuck() -> Any:
            yield memoryview(bytes(2 * MIB))
            sent.set()
            await asyncio.Event().wait()

        request = object_model.PutObject(bucket="inbox", key="k")
        task = asyncio.create_task(stand.call("PutObject", request, stuck()))
        await sent.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

        assert stand.files() == set()
        assert (await stand.list_()).objects == []

    run(scenario)


def test_too_large_a_body_is_refused_before_it_is_read(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        expected = ExpectedContent(body_model.UPLOAD_BYTES_MAX + 1)

        assert (await refused(stand.put("k", b"", expected=expected))).row.code == "EntityTooLarge"

    run(scenario)


def test_bad_names_have_precise_errors(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k" * 1024, b"1")
        await stand.put("ö" * 512, b"1")
        for key, code in (
            ("", "UserKeyMustBeSpecified"),
            ("k" * 1025, "KeyTooLongError"),
            ("ö" * 513, "KeyTooLongError"),
            ("\x00" * 925, "KeyTooLongError"),
            ("\ud800", "InvalidArgument"),
        ):
            assert (await refused(stand.put(key, b""))).row.code == code
        for metadata, code in (
            ({"a": "x" * 2048}, "MetadataTooLarge"),
            ({"A": "x"}, "InvalidArgument"),
            ({"a b": "x"}, "InvalidArgument"),
            ({"": "x"}, "InvalidArgument"),
            ({"a": "x\r\ny"}, "InvalidArgument"),
        ):
            assert (await refused(stand.put("k", b"", metadata=metadata))).row.code == code
        await stand.put("k", b"", metadata={"a": "x" * 2047})
        assert (await refused(stand.put("k", b"", content_type="x" * 257))).row.code == "InvalidArgument"

    run(scenario)


def test_keys_of_every_kind_of_character_come_back(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        keys_ = ["a\x00b", "a\x00", "/", "//", "..", "\x7f", "\U0010ffff", "\uffff", "a b+c%", "\x00" * 924]
        for key in keys_:
            await stand.put(key, key.encode())

        page = await stand.list_()

        assert [it.key for it in page.objects] == sorted(keys_, key=str.encode)
        for key in keys_:
            assert await stand.get(key) == key.encode()

    run(scenario)


# Idempotency


def test_repeated_change_of_tags_or_a_list_is_about_the_version_that_the_first_met(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        versioning = configuration_model.Versioning(configuration_model.VERSIONING_ENABLED)
        await stand.call(
            "SetBucketConfiguration", configuration_model.SetBucketConfiguration("inbox", "versioning", versioning)
        )
        first = await stand.put("k", b"1", tags={"a": "0"})
        changes = (
            tagging_model.SetObjectTagging("inbox", "k", {"a": "1"}, request_id="one"),
            tagging_model.DeleteObjectTagging("inbox", "k", request_id="two"),
            tagging_model.SetObjectTagging("inbox", "k", {"a": "2"}, request_id="three"),
        )
        answers = [await stand.call(type(it).__name__, it) for it in changes]
        await stand.put("k", b"2")
        assert [await stand.call(type(it).__name__, it) for it in changes] == answers == [first.version_id] * 3
        assert (await stand.call("GetObjectTagging", tagging_model.GetObjectTagging("inbox", "k"))).tags == {}
        older = tagging_model.GetObjectTagging("inbox", "k", first.version_id)
        assert (await stand.call("GetObjectTagging", older)).tags == {"a": "2"}

        lists = acl_model.OwnershipControls("BucketOwnerPreferred")
        await stand.call(
            "SetBucketConfiguration", configuration_model.SetBucketConfiguration("inbox", "ownership_controls", lists)
        )
        listed = acl_model.SetObjectAcl("inbox", "k", "private", request_id="four")
        assert await stand.call("SetObjectAcl", listed) == await stand.call("SetObjectAcl", listed)

    run(scenario)


def test_repeated_request_id_stores_once(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        data = b"z" * 100_000
        first = await stand.put("k", data, if_none_match="*", request_id="one", metadata={"m": "x" * 2000})

        again = await stand.put("k", data, if_none_match="*", request_id="one", metadata={"m": "x" * 2000})

        assert again == first
        assert len(stand.files()) == 1
        error = await refused(stand.put("k", data + b"!", if_none_match="*", request_id="one"))
        assert error.row.code == "IdempotentParameterMismatch"
        assert len(stand.files()) == 1

    run(scenario)


def test_blob_without_a_name_is_swept_at_the_next_start(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("kept", b"k" * 100_000)
        failpoints.arm("blob.after_seal=error")
        with contextlib.suppress(OSError):
            await stand.put("lost", b"l" * 100_000)
        failpoints.disarm()
        writer = await stand.blobs.begin()
        await writer.write(b"o" * 100_000)
        await writer.seal()

        await stand.restart()
        await stand.swept()

        assert len(stand.files()) == 1
        assert await stand.get("kept") == b"k" * 100_000

    run(scenario)


# Batch delete


def test_batch_delete_decides_each_entry(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        for n in range(450):
            await stand.put(f"k{n:03}", b"x")
        kept = await stand.put("kept", b"x")
        entries = [object_model.DeleteEntry(f"k{n:03}") for n in range(450)]
        entries += [
            object_model.DeleteEntry("kept", "other"),
            object_model.DeleteEntry("missing"),
            object_model.DeleteEntry("missing", kept.etag),
            object_model.DeleteEntry("k" * 1025),
        ]

        request = object_model.BatchDeleteObjects(bucket="inbox", entries=tuple(entries), request_id="r")
        results = await stand.call("BatchDeleteObjects", request)

        codes = [it.code if isinstance(it, object_model.ItemError) else None for it in results]
        assert codes == [None] * 450 + ["PreconditionFailed", None, "NoSuchKey", "KeyTooLongError"]
        assert [it.key for it in (await stand.list_()).objects] == ["kept"]
        await stand.put("k000", b"again")
        assert await stand.call("BatchDeleteObjects", request) == results
        assert await stand.get("k000") == b"again"
        for bad in ((), tuple(object_model.DeleteEntry("k") for _ in range(1001))):
            error = await refused(
                stand.call("BatchDeleteObjects", object_model.BatchDeleteObjects(bucket="inbox", entries=bad))
            )
            assert error.row.code == "InvalidArgument"

    run(scenario)


def test_md5_is_what_content_md5_says(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        md5 = base64.b64decode("XrY7u+Ae7tCTyyK7j1rNww==")

        stored = await stand.put("k", b"hello world", expected=ExpectedContent(11, {"content-md5": md5}))

        assert stored.etag == "5eb63bbbe01eeed093cb22bb8f5acdc3"

    run(scenario)


def test_removal_that_fails_half_way_is_done_again(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        for n in range(3):
            await stand.put(f"k{n}", b"x" * 100_000)
            await stand.delete(f"k{n}")
        failpoints.arm("blob.before_delete=error@2")
        try:
            with contextlib.suppress(OSError):
                await garbage.delete_blobs(stand.service, await stand.engine.take_due(1 << 62, 10))
        finally:
            failpoints.disarm()
        assert await stand.problems() == [], "a file may go before its row, while its removal waits"

        await stand.restart()
        await stand.advance()

        assert stand.files() == set()
        assert await stand.due(keys.BLOB_DELETE) == 0

    run(scenario)
