"""Large files: stretches and parts side by side, resumed where they failed, and folders made like buckets."""

import os
from pathlib import Path
from typing import Any

import pytest

from cumulo.client import AsyncClient, Bucket, errors
from cumulo.client._stretched_file import STRETCH_BYTES, StretchedFile
from cumulo.client.etags import PART_BYTES
from cumulo.testing import Server

DATA = os.urandom(1024 * 1024) * (3 * STRETCH_BYTES // (1024 * 1024)) + b"the rest"


class Broken(Exception):
    """What a test's progress function raises to end a transfer."""


ENDED = (Broken, errors.CumuloError)
"""An upload on threads hears of it from gRPC."""


def breaking_after(bytes_count: int) -> tuple[list[int], Any]:
    told: list[int] = []

    def progress(count: int) -> None:
        told.append(count)
        if sum(told) > bytes_count:
            raise Broken

    return told, progress


def test_large_download_arrives_in_stretches(bucket: Bucket, tmp_path: Path):
    bucket.put("big", DATA)
    told: list[int] = []

    info = bucket.download_file("big", tmp_path / "big", progress=told.append)

    assert (tmp_path / "big").read_bytes() == DATA
    assert (info.size, sum(told)) == (len(DATA), len(DATA))
    assert [it.name for it in tmp_path.iterdir()] == ["big"]


def test_download_fetches_only_the_rest_after_it_failed(bucket: Bucket, tmp_path: Path):
    bucket.put("big", DATA)
    _, breaking = breaking_after(2 * STRETCH_BYTES)
    with pytest.raises(Broken):
        bucket.download_file("big", tmp_path / "big", progress=breaking, resume=True)
    assert not (tmp_path / "big").exists()
    told: list[int] = []

    bucket.download_file("big", tmp_path / "big", progress=told.append, resume=True)

    assert (tmp_path / "big").read_bytes() == DATA
    assert sum(told) == len(DATA)
    assert [it.name for it in tmp_path.iterdir()] == ["big"]


def test_rest_of_another_version_is_not_taken(bucket: Bucket, tmp_path: Path):
    bucket.put("big", DATA)
    _, breaking = breaking_after(STRETCH_BYTES)
    with pytest.raises(Broken):
        bucket.download_file("big", tmp_path / "big", progress=breaking, resume=True)
    bucket.put("big", DATA[::-1])

    bucket.download_file("big", tmp_path / "big", resume=True)

    assert (tmp_path / "big").read_bytes() == DATA[::-1]


def test_damaged_rest_is_found_by_the_checksum(bucket: Bucket, tmp_path: Path):
    info = bucket.put("big", DATA)
    file = StretchedFile(tmp_path / "big", info.etag, info.size)
    file.write(0, b"damaged")
    file.note(0)
    file.close()

    with pytest.raises(errors.DataLoss):
        bucket.download_file("big", tmp_path / "big", resume=True)
    assert list(tmp_path.iterdir()) == []
    bucket.download_file("big", tmp_path / "big", resume=True)
    assert (tmp_path / "big").read_bytes() == DATA


def test_upload_sends_only_the_parts_that_are_missing(bucket: Bucket, tmp_path: Path):
    (tmp_path / "big").write_bytes(DATA)
    _, breaking = breaking_after(4 * PART_BYTES)
    with pytest.raises(ENDED):
        bucket.upload_file(tmp_path / "big", progress=breaking, resume=True)
    (left,) = bucket.uploads("big")
    assert left.key == "big"

    info = bucket.upload_file(tmp_path / "big", resume=True)

    assert bucket.get("big") == DATA
    assert info.part_count == -(-len(DATA) // PART_BYTES)
    assert list(bucket.uploads("big")) == []


def test_upload_that_is_not_resumed_leaves_nothing(bucket: Bucket, tmp_path: Path):
    (tmp_path / "big").write_bytes(DATA)
    _, breaking = breaking_after(PART_BYTES)

    with pytest.raises(ENDED):
        bucket.upload_file(tmp_path / "big", progress=breaking)

    assert list(bucket.uploads("big")) == []


def test_bucket_is_made_like_a_folder_and_back(bucket: Bucket, tmp_path: Path):
    source, target = tmp_path / "in", tmp_path / "out"
    (source / "deep").mkdir(parents=True)
    (source / "a").write_bytes(b"a")
    (source / "deep" / "b").write_bytes(b"bb")
    bucket.put("p/gone", b"")

    first = bucket.sync_from(source, "p/", delete=True)
    again = bucket.sync_from(source, "p/")
    assert (first.copied, first.deleted, first.unchanged) == (("a", "deep/b"), ("p/gone",), 0)
    assert (again.copied, again.unchanged) == ((), 2)

    there = bucket.sync_to(target, "p/")
    (target / "surplus").write_bytes(b"")
    (target / "a").write_bytes(b"A")
    back = bucket.sync_to(target, "p/", delete=True)
    assert there.copied == ("a", "deep/b")
    assert (back.copied, back.deleted, back.unchanged) == (("a",), ("surplus",), 1)
    assert (target / "a").read_bytes() == b"a"
    assert sorted(it.name for it in target.rglob("*")) == ["a", "b", "deep"]


@pytest.mark.parametrize("key", ["../out", "a//b", "/etc/x"])
def test_key_that_leads_out_of_the_folder_is_refused(bucket: Bucket, tmp_path: Path, key: str):
    bucket.put(key, b"x")

    with pytest.raises(ValueError, match="cannot be a file"):
        bucket.sync_to(tmp_path / "in")
    assert list(tmp_path.rglob("*")) == []


def test_asynchronous_flavour_does_the_same(server: Server, bucket: Bucket, tmp_path: Path):
    import asyncio

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "big").write_bytes(DATA)

    async def whole() -> None:
        async with server.async_client() as client:
            assert isinstance(client, AsyncClient)
            there = client.bucket(bucket.name)
            assert (await there.sync_from(tmp_path / "in")).copied == ("big",)
            assert (await there.sync_to(tmp_path / "out")).copied == ("big",)

    asyncio.run(whole())
    assert (tmp_path / "out" / "big").read_bytes() == DATA
