"""Copies inside the server: bytes, descriptions, tags, conditions, permissions, parts."""

import hashlib
from typing import Any

import pytest

from cumulo.core.context import CallContext
from cumulo.identity.principal_model import root_of
from cumulo.object_store import bucket_model, copy_model, notification_model, object_model, tagging_model, upload_model
from cumulo.object_store.body_model import ExpectedContent
from cumulo.object_store.copy_model import CopySource
from cumulo.object_store.object_model import ByteRange, Conditions

MIB = 1024 * 1024
NOW = -1
OTHER = CallContext(principal=root_of("111111111111"), request_id="other")


async def copy(stand: Any, key: str, source: str, *, ctx: Any = None, **more: Any) -> object_model.Object:
    conditions = more.pop("conditions", object_model.UNCONDITIONAL)
    source_bucket = more.pop("source_bucket", "inbox")
    request = copy_model.CopyObject(
        bucket=more.pop("bucket", "inbox"), key=key, source=CopySource(source_bucket, source, conditions), **more
    )
    stored: object_model.Object = await stand.call("CopyObject", request, ctx=ctx)
    return stored


async def tags_of(stand: Any, key: str) -> dict[str, str]:
    found: tagging_model.ObjectTags = await stand.call("GetObjectTagging", tagging_model.GetObjectTagging("inbox", key))
    return dict(found.tags)


DESCRIBED = {
    "content_type": "text/plain",
    "metadata": {"m": "1"},
    "headers": {"cache-control": "no-store", "expires": "tomorrow"},
    "tags": {"team": "a"},
}


@pytest.mark.parametrize("size", [0, 1000, 3 * MIB + 1])
def test_copy_has_the_bytes_and_the_description_of_its_source(run: Any, size: int) -> None:
    data = (bytes(range(256)) * (size // 256 + 1))[:size]

    async def scenario(stand: Any) -> None:
        await stand.put("from", data, storage_class="GLACIER_IR", **DESCRIBED)

        stored = await copy(stand, "to", "from")

        assert await stand.get("to") == data
        found = await stand.head("to")
        assert (found.content_type, found.metadata, found.headers) == (
            DESCRIBED["content_type"],
            DESCRIBED["metadata"],
            DESCRIBED["headers"],
        )
        assert (found.storage_class, found.tag_count, stored.etag) == ("STANDARD", 1, found.etag)
        assert found.etag == hashlib.md5(data).hexdigest()
        assert await tags_of(stand, "to") == {"team": "a"}

    run(scenario)


def test_directives_replace_metadata_and_tags_each_for_itself(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("from", b"x", **DESCRIBED)

        await copy(stand, "metadata", "from", replaces_metadata=True, metadata={"n": "2"})
        await copy(stand, "tags", "from", replaces_tags=True, tags={"new": "1"})

        found = await stand.head("metadata")
        assert (found.metadata, found.headers, found.content_type) == (
            {"n": "2"},
            {},
            object_model.DEFAULT_CONTENT_TYPE,
        )
        assert await tags_of(stand, "metadata") == {"team": "a"}
        assert (await stand.head("tags")).metadata == {"m": "1"}
        assert await tags_of(stand, "tags") == {"new": "1"}

    run(scenario)


def test_object_copied_onto_itself_must_change(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"data", metadata={"m": "1"})

        error = await refused(copy(stand, "k", "k"))
        assert error.row.code == "InvalidRequest"
        assert error.message == (
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes."
        )
        await copy(stand, "k", "k", replaces_metadata=True, metadata={"m": "2"})
        await copy(stand, "k", "k", storage_class="STANDARD_IA")

        found = await stand.head("k")
        assert (found.metadata, found.storage_class, await stand.get("k")) == ({"m": "2"}, "STANDARD_IA", b"data")

    run(scenario)


def test_copy_keeps_the_algorithm_of_its_source_or_takes_another(run: Any) -> None:
    sha1 = hashlib.sha1(b"data").digest()

    async def scenario(stand: Any) -> None:
        await stand.put("from", b"data", expected=ExpectedContent(digests={"sha1": sha1}))

        assert (await copy(stand, "same", "from")).checksums == {"sha1": sha1}
        assert (await copy(stand, "other", "from", checksum="sha256")).checksums == {
            "sha256": hashlib.sha256(b"data").digest()
        }
        assert (await copy(stand, "own", "from", checksum="crc64nvme")).checksums == {}

    run(scenario)


def test_copy_of_an_object_in_parts_is_one_body(run: Any) -> None:
    first, last = b"a" * (5 * MIB), b"b"

    async def scenario(stand: Any) -> None:
        upload_id = await stand.begin("from")
        parts = [await stand.part("from", upload_id, n, data) for n, data in ((1, first), (2, last))]
        await stand.complete("from", upload_id, parts)

        stored = await copy(stand, "to", "from")

        assert stored.etag == hashlib.md5(first + last).hexdigest()
        assert await stand.get("to") == first + last

    run(scenario)


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        (Conditions(if_match="{etag}"), True),
        (Conditions(if_match="other"), False),
        (Conditions(if_none_match="other"), True),
        (Conditions(if_none_match="{etag}"), False),
        (Conditions(if_modified_since_ms=0), True),
        (Conditions(if_modified_since_ms=NOW), False),
        (Conditions(if_modified_since_ms=1 << 50), True),
        (Conditions(if_unmodified_since_ms=0), False),
        (Conditions(if_match="{etag}", if_unmodified_since_ms=0), True),
        (Conditions(if_none_match="{etag}", if_modified_since_ms=0), False),
    ],
)
def test_copy_heeds_conditions_on_its_source(run: Any, refused: Any, conditions: Conditions, holds: bool) -> None:
    async def scenario(stand: Any) -> None:
        etag = (await stand.put("from", b"x")).etag
        since_ms = conditions.if_modified_since_ms
        asked = Conditions(
            conditions.if_match.format(etag=etag),
            conditions.if_none_match.format(etag=etag),
            stand.clock.wall_ms() if since_ms == NOW else since_ms,
            conditions.if_unmodified_since_ms,
        )
        if holds:
            await copy(stand, "to", "from", conditions=asked)
        else:
            error = await refused(copy(stand, "to", "from", conditions=asked))
            assert error.row.code == "PreconditionFailed"
            assert error.values["condition"].startswith("x-amz-copy-source-If-")

    run(scenario)


def test_copy_heeds_conditions_on_its_target(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("from", b"x")
        await stand.put("there", b"y")

        assert (await refused(copy(stand, "there", "from", if_none_match="*"))).row.code == "PreconditionFailed"
        assert (await refused(copy(stand, "gone", "from", if_match="e"))).row.code == "NoSuchKey"
        await copy(stand, "new", "from", if_none_match="*")

        assert await stand.get("there") == b"y"

    run(scenario)


def test_copy_of_nothing_is_refused(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        assert (await refused(copy(stand, "to", "gone"))).row.code == "NoSuchKey"
        assert (await refused(copy(stand, "to", "k", source_bucket="nowhere"))).row.code == "NoSuchBucket"
        await stand.put("from", b"x")
        assert (await refused(copy(stand, "to", "from", bucket="nowhere"))).row.code == "NoSuchBucket"

    run(scenario)


def test_copy_needs_to_read_its_source_and_to_write_its_target(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("from", b"x", tags={"team": "a"})
        await stand.call("CreateBucket", bucket_model.CreateBucket("theirs"), ctx=OTHER)
        out = {"bucket": "theirs", "ctx": OTHER}
        error = await refused(copy(stand, "to", "from", **out))
        assert (error.row.code, error.values["action"]) == ("AccessDenied", "s3:GetObject")

        allow = {
            "Effect": "Allow",
            "Principal": {"AWS": "111111111111"},
            "Action": ["s3:GetObject"],
            "Resource": "arn:aws:s3:::inbox/*",
        }
        await stand.set_policy(allow)
        error = await refused(copy(stand, "to", "from", **out))
        assert (error.row.code, error.values["action"]) == ("AccessDenied", "s3:GetObjectTagging")
        await copy(stand, "to", "from", replaces_tags=True, **out)
        error = await refused(copy(stand, "back", "to", source_bucket="theirs"))
        assert error.row.code == "AccessDenied"
        assert (await refused(copy(stand, "to", "gone", **out))).row.code == "AccessDenied"
        assert (await refused(copy(stand, "to", "from", ctx=OTHER))).row.code == "AccessDenied"

    run(scenario)


def test_event_of_a_copy_is_told_as_one(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("from", b"x")
        queue = "arn:aws:sqs:us-east-1:000000000000:q"
        await stand.notify_me(notification_model.NotificationRule(target=queue, events=("s3:ObjectCreated:Copy",)))

        await copy(stand, "to", "from")
        await stand.advance()

        assert b'"eventName":"ObjectCreated:Copy"' in (await stand.messages())[-1]

    run(scenario)


def test_part_is_copied_from_a_range_of_an_object(run: Any, refused: Any) -> None:
    data = bytes(range(256)) * (6 * MIB // 256)

    async def scenario(stand: Any) -> None:
        await stand.put("from", data)
        upload_id = await stand.begin("to", checksum="sha256")

        async def part(number: int, range_: ByteRange | None, **more: Any) -> object_model.Part:
            source = CopySource("inbox", "from", more.pop("conditions", object_model.UNCONDITIONAL), range_)
            request = upload_model.UploadPartCopy(
                bucket="inbox", key="to", upload_id=upload_id, part_number=number, source=source
            )
            stored: object_model.Part = await stand.call("UploadPartCopy", request)
            return stored

        parts = [await part(1, None), await part(2, ByteRange(7, 1000))]
        error = await refused(part(3, ByteRange(0, len(data))))
        assert (error.row.code, error.message) == (
            "InvalidArgument",
            f"Range specified is not valid for source object of size: {len(data)}",
        )
        error = await refused(part(3, ByteRange(len(data), len(data) + 1)))
        assert (error.row.code, error.message) == (
            "InvalidRequest",
            "The specified copy range is invalid for the source object size",
        )
        error = await refused(part(3, None, conditions=Conditions(if_match="other")))
        assert error.row.code == "PreconditionFailed"

        assert parts[1].checksums["sha256"] == hashlib.sha256(data[7:1001]).digest()
        wanted = tuple(
            upload_model.CompletedPart(it.part_number, it.etag, {"sha256": it.checksums["sha256"]}) for it in parts
        )
        request = upload_model.CompleteMultipartUpload(bucket="inbox", key="to", upload_id=upload_id, parts=wanted)
        await stand.call("CompleteMultipartUpload", request)
        assert await stand.get("to") == data + data[7:1001]

    run(scenario)


def test_part_copied_into_no_upload_is_refused(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("from", b"x")
        request = upload_model.UploadPartCopy(
            bucket="inbox", key="to", upload_id="none", part_number=1, source=CopySource("inbox", "from")
        )

        assert (await refused(stand.call("UploadPartCopy", request))).row.code == "NoSuchUpload"

    run(scenario)
