"""Appends: bytes behind those that an object has, at an offset that must be its length."""

import asyncio
import hashlib
from typing import Any

import pytest

from cumulo.core.errors import ServiceError
from cumulo.object_store import configuration_model, keys, object_model, upload_model
from cumulo.object_store.body_model import ExpectedContent
from cumulo.storage import digests

KIB = 1024
LARGE = bytes(range(256)) * 300


def of(name: str, data: bytes) -> bytes:
    return digests.digests_of(data, (name,))[name]


async def append(stand: Any, key: str, data: bytes, offset: int, **more: Any) -> object_model.Object:
    stored: object_model.Object = await stand.put(key, data, write_offset=offset, **more)
    return stored


@pytest.mark.parametrize("encrypted", [True, False])
@pytest.mark.parametrize("first", [b"", b"begin", LARGE])
@pytest.mark.parametrize("more", [b"end", LARGE])
def test_object_grows_by_what_is_appended(run: Any, encrypted: bool, first: bytes, more: bytes) -> None:
    async def scenario(stand: Any) -> None:
        if not encrypted:
            await stand.call(
                "DeleteBucketConfiguration", configuration_model.DeleteBucketConfiguration("inbox", "encryption")
            )
        await stand.put("log", first, metadata={"a": "b"}, content_type="text/plain")
        one = await append(stand, "log", more, len(first))
        two = await append(stand, "log", b"!", len(first + more))

        whole = first + more + b"!"
        assert (one.size_bytes, two.size_bytes) == (len(first + more), len(whole))
        assert await stand.get("log") == whole
        assert (
            await stand.get("log", object_model.ByteRange(max(0, len(first) - 2), len(first) + 1))
            == whole[max(0, len(first) - 2) : len(first) + 2]
        )
        found = await stand.head("log")
        assert (found.etag, found.part_count, found.content_type, found.metadata) == (
            two.etag,
            3,
            "text/plain",
            {"a": "b"},
        )
        assert two.etag.endswith("-3")
        assert found.shown_checksums == two.shown_checksums == {"crc64nvme": of("crc64nvme", whole)}
        assert await stand.problems() == []
        await stand.delete("log")
        await stand.advance()
        assert stand.files() == set()

    run(scenario)


def test_append_at_another_offset_is_refused(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("log", b"12345")

        for key, offset in (("log", 4), ("log", 6), ("log", 0), ("none", 1)):
            error = await refused(append(stand, key, b"x", offset))
            assert error.row.code == "InvalidWriteOffset"
        assert await stand.get("log") == b"12345"
        assert (await append(stand, "new", b"x", 0)).size_bytes == 1
        assert (await refused(append(stand, "log", b"x", 5, if_match="other"))).row.code == "PreconditionFailed"

    run(scenario)


def test_of_two_appends_at_one_offset_one_wins(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("log", b"")

        async def attempt(data: bytes) -> str:
            try:
                await append(stand, "log", data, 0)
            except ServiceError as error:
                return error.row.code
            return "taken"

        outcomes = await asyncio.gather(*(attempt(bytes([n]) * 70_000) for n in range(5)))

        assert sorted(outcomes) == ["InvalidWriteOffset"] * 4 + ["taken"]
        assert (await stand.head("log")).size_bytes == 70_000
        assert len(stand.files()) == 1

    run(scenario)


def test_repeated_append_counts_once(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("log", b"a")

        one = await append(stand, "log", b"b", 1, request_id="same")
        again = await append(stand, "log", b"b", 1, request_id="same")

        assert (one.etag, one.size_bytes) == (again.etag, again.size_bytes)
        assert await stand.get("log") == b"ab"

    run(scenario)


@pytest.mark.parametrize("name", ["crc32", "crc32c"])
def test_crc_of_an_object_is_joined_as_it_grows(run: Any, name: str) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("log", b"12345", expected=ExpectedContent(digests={name: of(name, b"12345")}))

        stored = await append(stand, "log", b"6789", 5)

        assert stored.shown_checksums == {name: of(name, b"123456789")}
        assert (await stand.head("log")).shown_checksums == stored.shown_checksums

    run(scenario)


def test_hash_of_an_object_gives_way_to_the_servers_crc(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        given = ExpectedContent(digests={"sha256": hashlib.sha256(b"12345").digest()})
        await stand.put("log", b"12345", expected=given)

        stored = await append(stand, "log", b"6789", 5)

        assert stored.shown_checksums == {"crc64nvme": of("crc64nvme", b"123456789")}

    run(scenario)


def test_object_in_parts_goes_on_behind_its_last_part(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        first, last = b"a" * (5 * KIB * KIB), b"b" * 10
        upload_id = await stand.begin("big")
        parts = [await stand.part("big", upload_id, n, data) for n, data in ((3, first), (7, last))]
        await stand.complete("big", upload_id, parts)

        stored = await append(stand, "big", b"end", len(first + last))

        assert stored.part_count == 3
        assert await stand.get("big", object_model.ByteRange(-8)) == b"b" * 5 + b"end"
        request = object_model.GetObjectAttributes(bucket="inbox", key="big")
        shown = await stand.call("GetObjectAttributes", request)
        assert [part.part_number for part in shown.parts] == [3, 7, 8]

    run(scenario)


def test_manifest_goes_on_in_another_slice_where_one_is_full(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MANIFEST_PARTS", 3)

    async def scenario(stand: Any) -> None:
        for number in range(11):
            await append(stand, "log", b"%d" % (number % 10), number)

        assert await stand.get("log") == b"01234567890"
        assert await stand.get("log", object_model.ByteRange(4, 6)) == b"456"

    run(scenario)


def test_object_with_all_its_parts_takes_no_more(run: Any, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_model, "PARTS_MAX", 3)

    async def scenario(stand: Any) -> None:
        for number in range(3):
            await append(stand, "log", b"x", number)

        assert (await refused(append(stand, "log", b"x", 3))).row.code == "TooManyParts"

    run(scenario)


def test_reader_reads_on_what_it_began(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("log", LARGE)
        await append(stand, "log", LARGE, len(LARGE))
        result = await stand.service.call(stand.ctx, "GetObject", object_model.GetObject(bucket="inbox", key="log"))
        assert result.body is not None
        read = bytes(await anext(result.body))

        await append(stand, "log", b"more", 2 * len(LARGE))
        async for piece in result.body:
            read += piece

        assert read == LARGE * 2

    run(scenario)


def test_append_survives_a_restart(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await append(stand, "log", b"a", 0)
        await append(stand, "log", LARGE, 1)

        await stand.restart()

        assert await stand.get("log") == b"a" + LARGE

    run(scenario)


@pytest.mark.parametrize(
    ("conditions", "deleted"),
    [
        ({"if_size_bytes": 5}, True),
        ({"if_size_bytes": 4}, False),
        ({"if_modified_ms": 1_700_000_000_999}, True),
        ({"if_modified_ms": 1_699_999_999_000}, False),
        ({"if_match": "*", "if_size_bytes": 5}, True),
    ],
)
@pytest.mark.parametrize("in_batch", [True, False])
def test_delete_on_age_and_size(run: Any, conditions: dict[str, Any], deleted: bool, in_batch: bool) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"12345")
        code = ""
        if in_batch:
            entries = (object_model.DeleteEntry("k", **conditions), object_model.DeleteEntry("none", if_size_bytes=1))
            request = object_model.BatchDeleteObjects(bucket="inbox", entries=entries)
            error, none = await stand.call("BatchDeleteObjects", request)
            code = getattr(error, "code", "")
            assert none == object_model.Deleted()
        else:
            try:
                await stand.delete("k", **conditions)
            except ServiceError as refusal:
                code = refusal.row.code
            await stand.delete("none", if_size_bytes=1)

        assert code == ("" if deleted else "PreconditionFailed")
        assert len((await stand.list_()).objects) == (0 if deleted else 1)

    run(scenario)
