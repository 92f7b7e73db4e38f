"""Pages by plain positions, S3's markers and numbers, beside sealed tokens; and which bytes a read is about."""

import os
from typing import Any

import msgspec
import pytest

from cumulo.core.context import CallContext
from cumulo.identity.principal_model import root_of
from cumulo.object_store import body_model, bucket_model, listing_model, object_model, upload_model

MIB = 1024 * 1024
KEYS = ["a", "b/1", "b/2", "b/3/x", "c", "d--1", "d--2", "e"]


async def pages(stand: Any, **more: Any) -> list[list[str]]:
    """Walk a listing by markers; each page's keys and prefixes in order."""
    found, marker = [], ""
    while True:
        page = await stand.list_(start_after=marker, **more)
        entries = [*(it.key for it in page.objects), *page.common_prefixes]
        found.append(sorted(entries, key=str.encode))
        assert bool(page.last) == bool(page.next_page_token)
        if not page.last:
            return found
        assert page.last == found[-1][-1]
        marker = page.last


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize(
    ("delimiter", "prefix", "expected"),
    [
        ("", "", KEYS),
        ("/", "", ["a", "b/", "c", "d--1", "d--2", "e"]),
        ("--", "", ["a", "b/1", "b/2", "b/3/x", "c", "d--", "e"]),
        ("/", "b/", ["b/1", "b/2", "b/3/"]),
        ("/", "z", []),
    ],
)
def test_listing_goes_on_behind_its_last_entry(
    run: Any, size: int, delimiter: str, prefix: str, expected: list[str]
) -> None:
    async def scenario(stand: Any) -> None:
        for key in KEYS:
            await stand.put(key, b"")

        found = await pages(stand, delimiter=delimiter, prefix=prefix, page_size=size)

        assert [entry for page in found for entry in page] == expected
        assert all(len(page) == size for page in found[:-1])

    run(scenario)


def test_marker_inside_a_common_prefix_shows_the_prefix_again(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        for key in KEYS:
            await stand.put(key, b"")

        assert (await stand.list_(start_after="b/1", delimiter="/")).common_prefixes == ["b/"]
        assert (await stand.list_(start_after="b/3/x", delimiter="/")).common_prefixes == []
        assert (await stand.list_(start_after="b/", delimiter="/")).common_prefixes == []

    run(scenario)


def test_page_without_entries_is_not_cut_off(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"")
        upload_id = await stand.begin("u")
        await stand.part("u", upload_id, 1, b"x")

        assert await stand.list_(without_entries=True) == listing_model.ObjectPage([], [])
        uploads = upload_model.ListMultipartUploads(bucket="inbox", without_entries=True)
        assert await stand.call("ListMultipartUploads", uploads) == upload_model.UploadPage([])
        parts = upload_model.ListParts(bucket="inbox", key="u", upload_id=upload_id, without_entries=True)
        page = await stand.call("ListParts", parts)
        assert (page.parts, page.last) == ([], 0)
        gone = listing_model.ListObjects(bucket="nowhere", without_entries=True)
        assert (await refused(stand.call("ListObjects", gone))).row.code == "NoSuchBucket"

    run(scenario)


def test_listing_shows_class_and_checksum(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        expected = body_model.ExpectedContent(digests={"crc32": bytes(4)})
        await stand.put("a", b"", storage_class="GLACIER", expected=expected)
        await stand.put("b", b"")

        first, second = (await stand.list_()).objects

        assert (first.storage_class, first.checksum, first.checksum_type) == ("GLACIER", "crc32", "FULL_OBJECT")
        assert (second.storage_class, second.checksum) == ("STANDARD", "crc64nvme")

    run(scenario)


def test_parts_are_listed_behind_a_number(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        upload_id = await stand.begin("u", checksum="crc32", checksum_type="FULL_OBJECT", storage_class="GLACIER")
        for number in (1, 2, 150, 10_000):
            await stand.part("u", upload_id, number, b"x")

        async def page(marker: int, size: int = 2) -> upload_model.PartPage:
            request = upload_model.ListParts(
                bucket="inbox", key="u", upload_id=upload_id, part_number_marker=marker, page_size=size
            )
            found: upload_model.PartPage = await stand.call("ListParts", request)
            return found

        first = await page(0)
        assert ([it.part_number for it in first.parts], first.last) == ([1, 2], 2)
        assert ([it.part_number for it in (await page(2)).parts], (await page(2)).last) == ([150, 10_000], 0)
        assert (await page(10_000)).parts == (await page(upload_model.MARKER_MAX)).parts == []
        assert (first.upload.checksum, first.upload.checksum_type, first.upload.storage_class) == (
            "crc32",
            "FULL_OBJECT",
            "GLACIER",
        )
        assert first.upload.initiator == "arn:aws:iam::000000000000:root"
        assert (await refused(page(-1))).row.code == "InvalidArgument"

    run(scenario)


async def upload_pages(stand: Any, **more: Any) -> list[tuple[str, str]]:
    """Walk a listing of uploads by markers: (key, id) of each, and (prefix, "") of each common prefix."""
    found: list[tuple[str, str]] = []
    key, upload_id = "", ""
    while True:
        request = upload_model.ListMultipartUploads(bucket="inbox", key_marker=key, upload_id_marker=upload_id, **more)
        page = await stand.call("ListMultipartUploads", request)
        entries = [*((it.key, it.upload_id) for it in page.uploads), *((it, "") for it in page.common_prefixes)]
        assert len(entries) <= (more.get("page_size") or 1000)
        found += sorted(entries, key=lambda entry: entry[0])
        if not page.next_page_token:
            return found
        key, upload_id = page.last_key, page.last_upload_id


@pytest.mark.parametrize("size", [1, 2, 0])
def test_uploads_are_listed_behind_a_key_and_an_upload(run: Any, refused: Any, size: int) -> None:
    async def scenario(stand: Any) -> None:
        begun = [(key, await stand.begin(key)) for key in ("a", "a", "b/1", "b/2", "c", "c", "c", "d")]

        assert await upload_pages(stand, page_size=size) == begun
        rolled = await upload_pages(stand, page_size=size, delimiter="/")
        assert rolled == [*begun[:2], ("b/", ""), *begun[4:]]
        assert await upload_pages(stand, page_size=size, prefix="b/") == begun[2:4]
        behind = upload_model.ListMultipartUploads(bucket="inbox", key_marker="b/1")
        page = await stand.call("ListMultipartUploads", behind)
        assert [(it.key, it.upload_id) for it in page.uploads] == begun[3:]
        bad = upload_model.ListMultipartUploads(bucket="inbox", key_marker="a", upload_id_marker="none")
        error = await refused(stand.call("ListMultipartUploads", bad))
        assert (error.row.code, error.message) == ("InvalidArgument", "Invalid uploadId marker")

    run(scenario)


def test_uploads_are_listed_by_token_too(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        begun = [await stand.begin(key) for key in ("a", "b/1", "b/2", "c")]
        found, token = [], ""
        while True:
            request = upload_model.ListMultipartUploads(bucket="inbox", page_size=1, delimiter="/", page_token=token)
            page = await stand.call("ListMultipartUploads", request)
            found += [*(it.upload_id for it in page.uploads), *page.common_prefixes]
            if not (token := page.next_page_token):
                break

        assert found == [begun[0], "b/", begun[3]]

    run(scenario)


def test_buckets_are_listed_by_region(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        for n in range(6):
            await stand.call(
                "CreateBucket", bucket_model.CreateBucket(f"b-{n}", region="eu-west-1" if n % 2 else "us-east-1")
            )
        found, token = [], ""
        while True:
            request = bucket_model.ListBuckets(region="eu-west-1", page_size=2, page_token=token)
            page = await stand.call("ListBuckets", request)
            found += [it.name for it in page.buckets]
            if not (token := page.next_page_token):
                break

        assert found == ["b-1", "b-3", "b-5"]
        assert await stand.call("GetBucketLocation", bucket_model.GetBucketLocation("b-1")) == "eu-west-1"

    run(scenario)


# Parts and ranges of a read


def test_part_of_an_object_is_read_by_its_number(run: Any, refused: Any) -> None:
    first, last = b"a" * (5 * MIB), b"the end"

    async def scenario(stand: Any) -> None:
        upload_id = await stand.begin("big")
        parts = [await stand.part("big", upload_id, n, data) for n, data in ((3, first), (700, last))]
        await stand.complete("big", upload_id, parts)

        request = object_model.GetObject(bucket="inbox", key="big", part_number=700)
        result = await stand.service.call(stand.ctx, "GetObject", request)
        assert b"".join([bytes(piece) async for piece in result.body]) == last
        told = result.value
        assert (told.first_byte, told.content_length, told.is_partial, told.parts_count) == (
            len(first),
            len(last),
            True,
            2,
        )
        head = object_model.HeadObject(bucket="inbox", key="big", part_number=700)
        assert await stand.call("HeadObject", head) == told
        for number, code in ((4, "InvalidPartNumber"), (10_001, "InvalidArgument")):
            error = await refused(stand.call("HeadObject", msgspec.structs.replace(head, part_number=number)))
            assert error.row.code == code
        both = object_model.GetObject(bucket="inbox", key="big", part_number=3, range=object_model.ByteRange(0))
        assert (await refused(stand.call("GetObject", both))).row.code == "InvalidRequest"

    run(scenario)


def test_pieces_of_files_can_be_sent_from_where_they_lie(run: Any) -> None:
    first, last = bytes(range(256)) * (5 * MIB // 256) + b"more", b"the end"

    async def scenario(stand: Any) -> None:
        await stand.store_plain()
        await stand.put("inline", b"data")
        await stand.put("whole", first)
        upload_id = await stand.begin("parts")
        parts = [await stand.part("parts", upload_id, n, data) for n, data in ((1, first), (2, last))]
        await stand.complete("parts", upload_id, parts)

        for key, body, in_files in (("inline", b"data", 0), ("whole", first, 6), ("parts", first + last, 6)):
            result = await stand.service.call(stand.ctx, "GetObject", object_model.GetObject(bucket="inbox", key=key))
            sent, from_files = b"", 0
            async for piece in result.body:
                if result.body.file_range is not None:
                    from_files += 1
                    descriptor, offset = result.body.file_range
                    assert os.pread(descriptor, len(piece), offset) == piece
                sent += piece
            assert (sent, from_files) == (body, in_files)

    run(scenario)


def test_object_that_was_stored_whole_is_its_first_part(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"data")
        head = object_model.HeadObject(bucket="inbox", key="k", part_number=1)

        told = await stand.call("HeadObject", head)

        assert (told.content_length, told.is_partial, told.parts_count) == (4, True, 0)
        error = await refused(stand.call("HeadObject", msgspec.structs.replace(head, part_number=2)))
        assert (error.row.code, error.row.http_status) == ("InvalidPartNumber", 416)

    run(scenario)


def test_head_of_a_range_tells_what_the_range_would_bring(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"0123456789")

        for asked, told in (
            (object_model.ByteRange(2, 4), (2, 3)),
            (object_model.ByteRange(-3), (7, 3)),
            (object_model.ByteRange(5, 99), (5, 5)),
        ):
            head = object_model.HeadObject(bucket="inbox", key="k", range=asked)
            found = await stand.call("HeadObject", head)
            assert (found.first_byte, found.content_length) == told
            assert found.is_partial
        beyond = object_model.HeadObject(bucket="inbox", key="k", range=object_model.ByteRange(10))
        error = await refused(stand.call("HeadObject", beyond))
        assert (error.row.code, error.values["size"]) == ("InvalidRange", 10)

    run(scenario)


def test_several_etags_may_be_given(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        etag = (await stand.put("k", b"data")).etag

        await stand.head("k", if_match=f"other, {etag}")
        assert (await refused(stand.head("k", if_none_match=f"{etag},other"))).row.code == "NotModified"
        assert (await refused(stand.head("k", if_match="one,two"))).row.code == "PreconditionFailed"

    run(scenario)


# Where a bucket is made


@pytest.mark.parametrize(
    ("endpoint", "constraint", "made_in"),
    [
        ("us-east-1", "", "us-east-1"),
        ("us-east-1", "us-east-1", "InvalidLocationConstraint"),
        ("us-east-1", "eu-west-1", "eu-west-1"),
        ("eu-west-1", "eu-west-1", "eu-west-1"),
        ("eu-west-1", "", "IllegalLocationConstraintException"),
        ("eu-west-1", "us-west-2", "IllegalLocationConstraintException"),
        ("us-east-1", "Nowhere!", "InvalidLocationConstraint"),
    ],
)
def test_location_constraint_follows_the_rules_of_s3(
    run: Any, refused: Any, endpoint: str, constraint: str, made_in: str
) -> None:
    async def scenario(stand: Any) -> None:
        ctx = msgspec.structs.replace(stand.ctx, region=endpoint)
        call = stand.call("CreateBucket", bucket_model.CreateBucket("new", location_constraint=constraint), ctx=ctx)
        if made_in[0].isupper():
            assert (await refused(call)).row.code == made_in
        else:
            assert (await call).region == made_in

    run(scenario)


def test_own_bucket_may_be_made_again_only_in_the_first_region(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        other = CallContext(principal=root_of("111111111111"), request_id="other")
        again = bucket_model.CreateBucket("inbox", location_constraint="")

        assert (await stand.call("CreateBucket", again)).name == "inbox"
        assert (await refused(stand.call("CreateBucket", again, ctx=other))).row.code == "BucketAlreadyExists"
        west = msgspec.structs.replace(stand.ctx, region="eu-west-1")
        there = bucket_model.CreateBucket("there", location_constraint="eu-west-1")
        await stand.call("CreateBucket", there, ctx=west)
        error = await refused(stand.call("CreateBucket", there, ctx=west))
        assert error.row.code == "BucketAlreadyOwnedByYou"

    run(scenario)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"headers": {"x-other": "1"}}, "InvalidArgument"),
        ({"headers": {"expires": "a\nb"}}, "InvalidArgument"),
        ({"headers": {"cache-control": "x" * 1025}}, "InvalidArgument"),
        ({"storage_class": "COLD"}, "InvalidStorageClass"),
    ],
)
def test_descriptions_that_cannot_be_kept_are_refused(run: Any, refused: Any, more: dict[str, Any], code: str) -> None:
    async def scenario(stand: Any) -> None:
        assert (await refused(stand.put("k", b"", **more))).row.code == code
        assert (await refused(stand.begin("k", **more))).row.code == code

    run(scenario)


def test_description_is_kept_by_objects_and_uploads(run: Any) -> None:
    described = {
        "headers": dict.fromkeys(object_model.CONTENT_HEADERS, "/v"),
        "storage_class": "GLACIER_IR",
        "tags": {"a": "1"},
        "metadata": {"m": "1"},
    }

    async def scenario(stand: Any) -> None:
        await stand.put("whole", b"x", **described)
        upload_id = await stand.begin("parts", **described)
        await stand.complete("parts", upload_id, [await stand.part("parts", upload_id, 1, b"x")])
        await stand.restart()

        for key in ("whole", "parts"):
            found = await stand.head(key)
            assert (found.headers, found.storage_class) == (described["headers"], "GLACIER_IR")
            assert (found.metadata, found.tag_count) == ({"m": "1"}, 1)

    run(scenario)
