"""Listings: order, prefixes, delimiters, pages, and how much the engine is asked for."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cumulo.object_store import keys, listing_model
from cumulo.object_store.configuration_model import VERSIONING_ENABLED, SetBucketConfiguration, Versioning
from cumulo.object_store.keys import Counters, Meta, ObjectRecord
from cumulo.object_store.listing import SEEKS_PER_STEP, ListStep, first_position, list_step
from cumulo.object_store.object_model import DeleteObject
from cumulo.storage import records
from cumulo.storage.memory import MemoryEngine

P = (77).to_bytes(8, "big")


def fill(engine: MemoryEngine, names: list[str]) -> None:
    engine.set(P + keys.META, records.encode(Meta(name="b")))
    engine.set(P + keys.COUNTERS, records.encode(Counters()))
    for name in names:
        engine._values[keys.object_key(P, name)] = records.encode(ObjectRecord(size_bytes=len(name)))
    engine._keys = sorted(engine._values)


class Counting:
    """A transaction that counts what it is asked."""

    def __init__(self, txn: Any) -> None:
        self.txn = txn
        self.ranges = 0
        self.rows = 0

    def get(self, key: bytes) -> Any:
        return self.txn.get(key)

    def range(self, start: bytes, end: bytes, limit: int, *, reverse: bool = False) -> Any:
        self.ranges += 1
        rows = self.txn.range(start, end, limit, reverse=reverse)
        self.rows += len(rows)
        return rows


def listed(
    engine: MemoryEngine, prefix: str, delimiter: str, start_after: str, page: int
) -> tuple[list[list[str]], int, int, int]:
    """Return the pages of a whole listing, and the ranges, the rows and the snapshots that it took."""

    async def whole() -> tuple[list[list[str]], int, int, int]:
        pages: list[list[str]] = []
        ranges = rows = snapshots = 0
        position = first_position(prefix, delimiter, start_after)
        while position:
            found: list[str] = []
            left, full = page, False
            while position and not full:
                step = ListStep(
                    partition=P, bucket="b", prefix=prefix, delimiter=delimiter, position=position, limit=left
                )

                def look(txn: Any, _: None, step: ListStep = step) -> Any:
                    counting = Counting(txn)
                    return list_step(counting, step), counting

                got, counting = await engine.read((P,), look, None)
                snapshots += 1
                ranges += counting.ranges
                rows += counting.rows
                found += sorted([it.key for it in got.objects] + got.common_prefixes, key=str.encode)
                left -= len(got)
                position, full = got.position, got.is_full
            pages.append(found)
        return pages, ranges, rows, snapshots

    return asyncio.run(whole())


def expected(names: list[str], prefix: str, delimiter: str, start_after: str) -> list[str]:
    """What S3 lists, the slow way."""
    out: list[str] = []
    for name in sorted(names, key=str.encode):
        if not name.startswith(prefix) or (start_after and name.encode() <= start_after.encode()):
            continue
        entry = name
        if delimiter and (at := name.find(delimiter, len(prefix))) >= 0:
            entry = name[: at + len(delimiter)]
        if entry == start_after or (out and out[-1] == entry):
            continue
        out.append(entry)
    return out


NAMES = st.lists(st.text(alphabet="ab/\x00é\uffff\U00010000", min_size=1, max_size=8), unique=True, max_size=40)
TEXT = st.text(alphabet="ab/\x00é", max_size=4)


@given(
    names=NAMES,
    prefix=TEXT,
    delimiter=st.sampled_from(["", "/", "a", "b/", "\x00", "é"]),
    after=TEXT,
    page=st.integers(1, 9),
)
@settings(max_examples=300)
def test_pages_joined_are_what_s3_lists(names: list[str], prefix: str, delimiter: str, after: str, page: int) -> None:
    engine = MemoryEngine()
    fill(engine, names)

    pages, *_ = listed(engine, prefix, delimiter, after, page)

    assert [entry for found in pages for entry in found] == expected(names, prefix, delimiter, after)
    assert all(len(found) == page for found in pages[:-1])
    assert len(pages[-1]) <= page


def test_a_thousand_common_prefixes_cost_a_seek_each() -> None:
    engine = MemoryEngine()
    fill(engine, [f"{folder:04}/{name:03}" for folder in range(1000) for name in range(100)])

    pages, ranges, rows, snapshots = listed(engine, "", "/", "", 1000)

    assert pages == [[f"{folder:04}/" for folder in range(1000)]]
    assert ranges <= 1010
    assert rows <= 1010
    assert snapshots == 2


def test_a_step_never_asks_for_more_than_its_share() -> None:
    engine = MemoryEngine()
    fill(engine, [f"{n:05}" if n % 2 else f"{n:05}/x" for n in range(4000)])

    pages, ranges, rows, snapshots = listed(engine, "", "/", "", 1000)

    assert [len(page) for page in pages] == [1000] * 4
    assert ranges <= 2.1 * 4000
    assert rows <= 3 * 4000
    assert snapshots >= ranges // (SEEKS_PER_STEP + 1)


def test_flat_listing_reads_each_row_once() -> None:
    engine = MemoryEngine()
    fill(engine, [f"{n:05}" for n in range(3000)])

    _, ranges, rows, snapshots = listed(engine, "", "", "", 1000)

    assert (ranges, rows, snapshots) == (3, 3002, 3)


def test_page_tokens_belong_to_their_listing(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        for n in range(5):
            await stand.put(f"f{n}/x", b"")
        page = await stand.list_(delimiter="/", page_size=2)
        assert page.common_prefixes == ["f0/", "f1/"]

        second = await stand.list_(delimiter="/", page_size=3, page_token=page.next_page_token)
        assert second.common_prefixes == ["f2/", "f3/", "f4/"]
        assert second.next_page_token == ""
        for more in (
            {"prefix": "f"},
            {"delimiter": ""},
            {"page_token": page.next_page_token[:-1]},
            {"page_token": "\ud800"},
            {"page_token": "x" * 5000},
        ):
            error = await refused(
                stand.list_(**{"delimiter": "/", "page_size": 2, "page_token": page.next_page_token, **more})
            )
            assert error.row.code == "InvalidArgument"
        await stand.make("other")
        error = await refused(stand.list_("other", delimiter="/", page_token=page.next_page_token))
        assert error.row.code == "InvalidArgument"

    run(scenario)


def test_start_after_and_limits_of_a_listing(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        for key in ("a/1", "a/2", "b", "c"):
            await stand.put(key, b"12")

        assert [it.key for it in (await stand.list_(start_after="a/1")).objects] == ["a/2", "b", "c"]
        assert (await stand.list_(start_after="a/1", delimiter="/")).common_prefixes == ["a/"]
        assert (await stand.list_(start_after="a/", delimiter="/")).common_prefixes == []
        assert (await stand.list_(start_after="zzz")).objects == []
        assert (await stand.list_(prefix="a/")).objects[0].size_bytes == 2
        assert len((await stand.list_(page_size=99_999)).objects) == 4
        assert (await refused(stand.list_(page_size=-1))).row.code == "InvalidArgument"
        assert (await refused(stand.list_(prefix="p" * 1025))).row.code == "InvalidArgument"
        assert (await refused(stand.list_(bucket="no-such"))).row.code == "NoSuchBucket"

    run(scenario)


def test_listing_follows_an_object_that_comes_and_goes_between_pages(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        for key in "abcd":
            await stand.put(key, b"")
        page = await stand.list_(page_size=2)

        await stand.delete("c")
        await stand.put("bb", b"")
        rest = await stand.list_(page_size=2, page_token=page.next_page_token)

        assert [it.key for it in rest.objects] == ["d"]

    run(scenario)


@pytest.mark.parametrize("key", ["k", "k\x00k", "k\x00"])
def test_versions_that_are_deleted_page_by_page_hide_no_older_one(run: Any, key: str) -> None:
    async def scenario(stand: Any) -> None:
        enabled = SetBucketConfiguration("inbox", "versioning", Versioning(VERSIONING_ENABLED))
        await stand.call("SetBucketConfiguration", enabled)
        stored = [(await stand.put(key, b"")).version_id for _ in range(5)]

        found, token = [], ""
        while True:
            request = listing_model.ListObjectVersions(bucket="inbox", page_size=2, page_token=token)
            page = await stand.call("ListObjectVersions", request)
            for one in page.versions:
                found.append(one.version_id)
                await stand.call("DeleteObject", DeleteObject(bucket="inbox", key=key, version_id=one.version_id))
            token = page.next_page_token
            if not token:
                break

        assert found == stored[::-1]

    run(scenario)


@pytest.mark.long
def test_a_million_keys_under_one_prefix_are_one_seek() -> None:
    engine = MemoryEngine()
    fill(engine, [f"big/{n:07}" for n in range(1_000_000)] + ["small"])

    pages, ranges, rows, _ = listed(engine, "", "/", "", 1000)

    assert pages == [["big/", "small"]]
    assert (ranges, rows) == (3, 3)


def test_key_order_is_that_of_utf8_bytes() -> None:
    names = ["\uffff", "\U00010000", "z", "é"]

    assert sorted(names, key=lambda name: keys.object_key(P, name)) == sorted(names, key=str.encode)
    assert listing_model.PAGE_MAX <= SEEKS_PER_STEP
