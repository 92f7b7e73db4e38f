"""A storage key that is added: the keys of objects, versions and uploads are wrapped under it in the background."""

from typing import Any

import msgspec
import pytest

from cumulo.object_store import configuration_model, invariants, keys, rewraps
from cumulo.object_store.encryption_model import AES256
from cumulo.storage import records
from cumulo.storage.engine import ROOT
from cumulo.storage.rewraps import Walk
from cumulo.storage.storage_keys import StorageKeys
from tests.object_store.test_encryption import TWICE, KeyRing

FIRST, BOTH = StorageKeys({1: b"1" * 32}), StorageKeys({1: b"1" * 32, 2: b"2" * 32})
NEW = StorageKeys({2: b"2" * 32})


async def begin(stand: Any, *buckets: str) -> None:
    """Begin with the first storage key alone; the bucket `inbox` is there."""
    stand.storage_keys = FIRST
    await stand.restart()
    for bucket in buckets:
        await stand.make(bucket)


async def add_key(stand: Any) -> None:
    stand.storage_keys = BOTH
    await stand.restart()


async def walk(stand: Any, slices: int) -> None:
    for _ in range(slices):
        await stand.advance(1)


async def wrapped_by(stand: Any) -> list[int]:
    """The storage keys that wrap keys of anything, in all buckets."""
    partitions = await stand.engine.read((ROOT,), lambda txn, _: invariants.partitions(txn), None)

    def look(txn: Any, _: None) -> list[int]:
        found = []
        for partition in partitions:
            for subspace, decode in (
                (keys.OBJECTS, keys.decode_object),
                (keys.UPLOADS, keys.decode_upload),
                (keys.VERSIONS, keys.decode_object),
            ):
                prefix = partition + subspace
                for _, raw in txn.range(prefix, prefix + b"\xff", 2_000):
                    encryption = decode(raw).encryption
                    if encryption is not None and encryption.algorithm == AES256:
                        found.append(encryption.storage_key)
        return found

    found: list[int] = await stand.engine.read(partitions, look, None)
    return found


async def problems(stand: Any) -> list[str]:
    partitions = await stand.engine.read((ROOT,), lambda txn, _: invariants.partitions(txn), None)
    found: list[str] = await stand.engine.read((ROOT, *partitions), invariants.check_keys, stand.storage_keys)
    found += await stand.problems()
    return found


async def stands(stand: Any) -> Walk:
    raw = await stand.engine.read((ROOT,), lambda txn, _: txn.get(keys.REWRAPS.row), None)
    return records.decoder(Walk).decode(raw)


def test_objects_versions_and_uploads_are_wrapped_anew_across_restarts(run: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(rewraps, "ROWS_MAX", 3)
    monkeypatch.setattr(rewraps, "BUCKETS_MAX", 2)

    async def scenario(stand: Any) -> None:
        names = ("b-one", "b-two", "c-three", "d-four")
        await begin(stand, *names)
        versioning = configuration_model.Versioning(configuration_model.VERSIONING_ENABLED)
        put = configuration_model.SetBucketConfiguration("b-one", "versioning", versioning)
        await stand.call("SetBucketConfiguration", put)
        first = await stand.put("k0", b"first", "b-one")
        for bucket in names:
            for number in range(4):
                await stand.put(f"k{number}", bucket.encode() * 9_000, bucket)
        await stand.delete("k1", "b-one")
        upload_id = await stand.begin("parts", "b-two")
        part = await stand.part("parts", upload_id, 1, b"part", "b-two")
        before = await wrapped_by(stand)

        await add_key(stand)
        assert (await stands(stand)).storage_key == 2
        await walk(stand, 3)
        await stand.restart()  # amid the walk, which goes on
        assert set(await wrapped_by(stand)) == {1, 2}
        await walk(stand, 60)

        assert await wrapped_by(stand) == [2] * len(before)
        assert await stand.due(keys.OBJECT_REWRAP) == 0
        assert await problems(stand) == []
        stand.storage_keys = NEW
        await stand.restart()
        for bucket in names:
            assert await stand.get("k2", bucket=bucket) == bucket.encode() * 9_000
        assert await stand.get("k0", bucket="b-one", version_id=first.version_id) == b"first"
        await stand.complete("parts", upload_id, [part], "b-two")
        assert await stand.get("parts", bucket="b-two") == b"part"
        assert await problems(stand) == []

    run(scenario)


def test_the_outer_key_of_two_layers_is_wrapped_anew_too(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        stand.key_service = KeyRing()
        await begin(stand)
        await stand.put("twice", b"text", encryption=TWICE)
        await add_key(stand)
        await walk(stand, 4)
        stand.storage_keys = NEW
        await stand.restart()

        assert await stand.get("twice") == b"text"
        assert await problems(stand) == []

    run(scenario)


def test_a_walk_that_has_ended_does_not_begin_again(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await begin(stand)
        await stand.put("k", b"x")
        assert await stand.due(keys.OBJECT_REWRAP) == 0
        await add_key(stand)
        await walk(stand, 4)
        ended = await stands(stand)
        await stand.restart()

        assert ended == Walk(storage_key=2)
        assert await stand.due(keys.OBJECT_REWRAP) == 0

    run(scenario)


def test_an_upload_that_became_an_object_behind_the_walk_is_met_by_the_next(run: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(rewraps, "ROWS_MAX", 1)

    async def scenario(stand: Any) -> None:
        await begin(stand)
        await stand.put("z", b"x")
        upload_id = await stand.begin("a")
        part = await stand.part("a", upload_id, 1, b"part")
        await add_key(stand)

        await walk(stand, 1)
        await stand.complete("a", upload_id, [part])
        await walk(stand, 12)

        assert await wrapped_by(stand) == [2, 2]
        assert await stand.get("a") == b"part"
        assert await problems(stand) == []

    run(scenario)


def test_what_changes_while_it_is_wrapped_anew_keeps_the_change(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await begin(stand)
        await stand.put("changed", b"old")
        await stand.put("same", b"same")
        await add_key(stand)
        transact = stand.engine.transact

        async def once_changed(partitions: Any, function: Any, request: Any, **more: Any) -> Any:
            if function.__name__ == "write_slice":
                stand.engine.transact = transact
                await stand.put("changed", b"new")
            return await transact(partitions, function, request, **more)

        stand.engine.transact = once_changed
        await walk(stand, 4)

        assert (await stand.get("changed"), await stand.get("same")) == (b"new", b"same")
        assert await wrapped_by(stand) == [2, 2]

    run(scenario)


def test_an_append_goes_on_whose_object_is_wrapped_anew_meanwhile(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await begin(stand)
        await stand.put("k", b"one")
        await add_key(stand)
        transact = stand.engine.transact

        async def after_the_walk(partitions: Any, function: Any, request: Any, **more: Any) -> Any:
            stand.engine.transact = transact
            await walk(stand, 4)
            return await transact(partitions, function, request, **more)

        stand.engine.transact = after_the_walk
        await stand.put("k", b"two", write_offset=3)

        assert await wrapped_by(stand) == [2]
        assert await stand.get("k") == b"onetwo"

    run(scenario)


def test_a_key_that_does_not_open_is_left_and_told_of(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(stand: Any) -> None:
        await begin(stand)
        await stand.put("bad", b"x")
        await stand.put("good", b"x")
        (partition,) = await stand.engine.read((ROOT,), lambda txn, _: invariants.partitions(txn), None)
        row = keys.object_key(partition, "bad")

        def alter(txn: Any, _: None) -> None:
            record = keys.decode_object(txn.get(row))
            assert record.encryption is not None
            altered = msgspec.structs.replace(record.encryption, key=bytes(60))
            txn.put(row, records.encode(msgspec.structs.replace(record, encryption=altered)))

        await stand.engine.transact((partition,), alter, None)
        await add_key(stand)
        await walk(stand, 4)

        assert await wrapped_by(stand) == [1, 2]
        assert "an object's key cannot be wrapped anew" in caplog.text
        assert ["does not open" in problem for problem in await problems(stand)] == [True]

    run(scenario)


def test_the_check_finds_a_walk_without_its_entry_and_a_key_that_it_has_left(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await begin(stand)
        await stand.put("k", b"x")
        stand.storage_keys = BOTH

        def pretend(txn: Any, at_ms: int) -> None:
            txn.put(keys.REWRAPS.row, records.encode(Walk(storage_key=2, due_ms=at_ms)))

        await stand.engine.transact((ROOT,), pretend, 5)
        assert await stand.problems() == ["the walk object.rewrap for storage key 2 has no due entry"]
        await stand.engine.transact((ROOT,), pretend, 0)
        assert await problems(stand) == ["bucket inbox: object 'k': storage key 1 wraps its key still"]

    run(scenario)
