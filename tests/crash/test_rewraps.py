"""A server that is killed while it wraps keys anew under a storage key that was added: the next starts go on, and in
the end the new key wraps all, and everything opens.
"""

import asyncio
import secrets
import time
from pathlib import Path

import pytest

from cumulo.key_service import keys as key_schema
from cumulo.object_store import keys as object_schema
from cumulo.queue_service import rewraps as queue_rewraps
from cumulo.storage.engine import ROOT, ReadTxn
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.storage.rewraps import Route, Walk, walk_in
from cumulo.testing import Server
from tests.crash.test_move_tasks import problems, run_into

OBJECTS = 700
"""Four slices in each of the two rounds that a walk makes."""
QUEUES = 60
KEYS = 20
ROUTES = (object_schema.REWRAPS, key_schema.REWRAPS, queue_rewraps.ROUTE)
POINTS = (
    "due.before_deed=crash@2",
    "engine.before_commit=crash@5",
    "engine.after_commit=crash@5",
    "due.after_deed=crash@1",
)
ENDED_S = 30.0


def walks(data: Path) -> list[Walk]:
    """Where the walks stand in a folder that no server has open."""

    async def look() -> list[Walk]:
        engine = LmdbEngine(data / "engine")
        found: list[Walk] = [await engine.read((ROOT,), _walk, route) for route in ROUTES]
        await engine.close()
        return found

    return asyncio.run(look())


def _walk(txn: ReadTxn, route: Route) -> Walk:
    return walk_in(txn, route.row)


def fill(server: Server) -> list[bytes]:
    """Objects, two of them with older versions, queues with a message, and keys; return a ciphertext of each key."""
    with server.client() as client:
        bucket = client.bucket("inbox", create=True)
        bucket.set_configuration("versioning", {"Status": "Enabled"})
        for number in range(OBJECTS):
            bucket.put(f"k{number % (OBJECTS - 2)}", b"%d" % number)
        for number in range(QUEUES):
            client.queue(f"q{number}", create=True).send(f"m{number}")
        made = [client.keys.create() for _ in range(KEYS)]
        return [client.keys.encrypt(key.id, key.id).ciphertext for key in made]


@pytest.mark.long
@pytest.mark.timeout(300)
def test_keys_are_wrapped_anew_across_crashes(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Server(data) as server:
        sealed = fill(server)
    file = data / "secrets" / "storage_keys" / "2.key"
    file.touch(mode=0o600)
    file.write_bytes(secrets.token_bytes(32))

    died = [run_into(data, point) for point in POINTS]
    middle = walks(data)
    until = time.monotonic() + ENDED_S
    while any(walk.due_ms for walk in walks(data)) and time.monotonic() < until:
        with Server(data):
            time.sleep(0.5)

    assert all(died)
    assert any(walk.due_ms for walk in middle)
    assert walks(data) == [Walk(storage_key=2)] * len(ROUTES)
    assert problems(data) == []  # also where the old key wraps anything still
    with Server(data) as server, server.client() as client:
        bucket = client.bucket("inbox")
        assert bucket.get("k0") == b"%d" % (OBJECTS - 2)
        versions = [bucket.get("k0", version_id=it.version_id) for it in bucket.versions("k0") if it.key == "k0"]
        assert versions == [b"%d" % (OBJECTS - 2), b"0"]
        assert all(bucket.get(f"k{number}") == b"%d" % number for number in range(2, OBJECTS - 2, 7))
        for number in (0, QUEUES - 1):
            assert [it.text for it in client.queue(f"q{number}").receive_batch()] == [f"m{number}"]
        assert all(client.keys.decrypt(it).text == client.keys.decrypt(it).key_id for it in sealed)
