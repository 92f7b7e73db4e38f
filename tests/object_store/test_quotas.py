"""Quotas of buckets: exact, decided at the commit, and never in the way of what makes a bucket smaller."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cumulo.object_store import body_model, configuration_model, copy_model, object_model


async def limit(stand: Any, **quota: int) -> None:
    request = configuration_model.SetBucketConfiguration("inbox", "quota", configuration_model.BucketQuota(**quota))
    await stand.call("SetBucketConfiguration", request)


def test_bucket_takes_what_its_quota_leaves_and_no_byte_more(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await limit(stand, bytes_max=10)
        await stand.put("a", b"123456")

        error = await refused(stand.put("b", b"12345"))

        assert (error.row.code, error.row.http_status) == ("QuotaExceeded", 403)
        assert error.message == "The bucket would hold 11 bytes, and its quota is 10."
        await stand.put("b", b"1234")
        await stand.put("a", b"1")
        await stand.delete("b")
        assert (await refused(stand.put("c", b"x" * 10))).row.code == "QuotaExceeded"

    run(scenario)


def test_objects_are_counted_and_replacing_one_adds_none(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await limit(stand, objects_max=1)
        await stand.put("a", b"1")
        await stand.put("a", b"22")

        error = await refused(stand.put("b", b""))

        assert error.message == "The bucket would hold 2 objects, and its quota is 1."

    run(scenario)


def test_completion_and_copy_are_held_to_the_quota(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("a", b"123456")
        upload = await stand.begin("b")
        part = await stand.part("b", upload, 1, b"12345")
        await limit(stand, bytes_max=10)

        copy = copy_model.CopyObject(bucket="inbox", key="c", source=copy_model.CopySource("inbox", "a"))
        assert (await refused(stand.call("CopyObject", copy))).row.code == "QuotaExceeded"
        assert (await refused(stand.complete("b", upload, [part]))).row.code == "QuotaExceeded"
        await limit(stand)
        await stand.complete("b", upload, [part])

    run(scenario)


def test_bucket_above_its_quota_may_only_shrink(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("a", b"x" * 100)
        await limit(stand, bytes_max=10)

        await stand.put("a", b"x" * 50)

        assert (await refused(stand.put("a", b"x" * 51))).row.code == "QuotaExceeded"
        await stand.restart()
        assert (await refused(stand.put("b", b"x"))).row.code == "QuotaExceeded"
        await stand.call("DeleteBucketConfiguration", configuration_model.DeleteBucketConfiguration("inbox", "quota"))
        await stand.put("b", b"x" * 100)

    run(scenario)


def test_upload_that_can_never_fit_is_refused_before_its_bytes_are_read(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await limit(stand, bytes_max=10)

        read: list[int] = []

        async def body() -> AsyncIterator[memoryview]:
            read.append(1)
            yield memoryview(b"x" * 11)

        request = object_model.PutObject(
            bucket="inbox", key="k", expected=body_model.ExpectedContent(content_length=11)
        )
        assert (await refused(stand.call("PutObject", request, body()))).row.code == "QuotaExceeded"
        assert read == []

    run(scenario)


@pytest.mark.parametrize("quota", [{"bytes_max": -1}, {"objects_max": 2**62 + 1}])
def test_quota_that_is_none_is_refused(run: Any, refused: Any, quota: dict[str, int]) -> None:
    async def scenario(stand: Any) -> None:
        assert (await refused(limit(stand, **quota))).row.code == "InvalidArgument"

    run(scenario)
