"""A storage key that is added: the material of keys is wrapped under it in the background."""

from cumulo.key_service import invariants, keys, model, rewraps
from cumulo.storage import records
from cumulo.storage.engine import ROOT
from cumulo.storage.rewraps import Walk, begin_walk
from cumulo.storage.storage_keys import StorageKeys

BOTH = StorageKeys({1: b"r" * 32, 2: b"n" * 32})


async def wrapped_by(stand):
    """The storage keys that wrap materials, in the order of these."""

    def look(txn, _):
        rows = txn.range(keys.MATERIALS, keys.MATERIALS + b"\xff", 1_000)
        return [keys.decode_material(raw).storage_key for _, raw in rows]

    return await stand.engine.read((ROOT,), look, None)


async def add_key(stand):
    """A server that starts with one storage key more."""
    stand.storage_keys = BOTH
    await stand.restart()
    await begin_walk(stand.engine, stand.clock, stand.storage_keys, keys.REWRAPS)


async def walk(stand, slices):
    for _ in range(slices):
        stand.clock.advance(1_000)
        await stand.pump.run_due()


def test_materials_are_wrapped_anew_and_open_under_the_new_key_alone(run, monkeypatch):
    monkeypatch.setattr(rewraps, "ROWS_MAX", 2)

    async def body(stand):
        key_ids = [await stand.key() for _ in range(3)]
        sealed = [(await stand.call(model.Encrypt(it, b"text"))).ciphertext for it in key_ids]
        for _ in range(3):
            await stand.call(model.RotateKeyOnDemand(key_ids[0]))
        await add_key(stand)

        await walk(stand, 1)
        await stand.restart()  # amid the walk, which goes on
        assert set(await wrapped_by(stand)) == {1, 2}
        await walk(stand, 10)

        assert await wrapped_by(stand) == [2] * 6
        stand.storage_keys = StorageKeys({2: b"n" * 32})
        await stand.restart()
        assert {(await stand.call(model.Decrypt(it))).plaintext for it in sealed} == {b"text"}

    run(body)


def test_a_deleted_key_is_not_brought_back(run):
    async def body(stand):
        await stand.key()
        gone = await stand.key()
        await stand.call(model.ScheduleKeyDeletion(gone, 7))
        await add_key(stand)
        transact = stand.engine.transact

        async def once_deleted(partitions, function, request, **more):
            if function.__name__ == "write_slice":
                stand.engine.transact = transact
                await stand.pass_days(7)
            return await transact(partitions, function, request, **more)

        stand.engine.transact = once_deleted
        await walk(stand, 4)

        assert await wrapped_by(stand) == [2]

    run(body)


def test_the_check_finds_a_material_that_an_ended_walk_has_left(run):
    async def body(stand):
        await stand.key()

        def pretend(txn, walk):
            txn.put(keys.REWRAPS.row, records.encode(walk))

        await stand.engine.transact((ROOT,), pretend, Walk(storage_key=2))
        (problem,) = await stand.engine.inspect(invariants.check_materials, BOTH)
        assert "storage key 1 wraps it still" in problem
        await stand.engine.transact((ROOT,), pretend, Walk(storage_key=2, due_ms=5))
        found = await stand.engine.inspect(invariants.check, [])
        assert found == ["the walk key.rewrap for storage key 2 has no due entry"]
        await stand.engine.transact((ROOT,), pretend, Walk())

    run(body)
