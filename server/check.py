"""All invariants of all rooms: what `cumulo check` and the tests of crashes ask."""

import itertools

from cumulo.identity import invariants as identity
from cumulo.key_service import invariants as keys
from cumulo.object_store import invariants as objects
from cumulo.queue_service import invariants as queues
from cumulo.queue_service import log_invariants as logs
from cumulo.queue_service import topic_invariants as topics
from cumulo.runner import invariants as runner
from cumulo.storage import check as storage
from cumulo.storage.blobs import BlobStore
from cumulo.storage.contract import DUE_PREFIX, parse_due
from cumulo.storage.engine import Due, Engine, ReadTxn
from cumulo.storage.storage_keys import StorageKeys

PAGE_ROWS = 1_000


async def check_house(engine: Engine, blobs: BlobStore, storage_keys: StorageKeys) -> list[str]:
    """Return every broken fact as a sentence; an empty list where all holds.

    Files without a name are no broken fact: a crash may leave some, and the next start removes them.
    """
    problems = await storage.check(engine)
    problems += await engine.inspect(_check_rooms, None)
    problems += await engine.inspect(queues.check_keys, storage_keys)
    problems += await engine.inspect(objects.check_keys, storage_keys)
    problems += await engine.inspect(keys.check_materials, storage_keys)
    missing = await _missing_blobs(engine, blobs)
    if missing:
        # On a live folder a body may have gone between the look at its record and the look at its file.
        again = await _missing_blobs(engine, blobs)
        missing = [problem for problem in missing if problem in again]
    return problems + missing


async def _missing_blobs(engine: Engine, blobs: BlobStore) -> list[str]:
    files = await blobs.ids()
    missing: list[str] = await engine.inspect(_check_blobs, files)
    return missing


def _check_blobs(txn: ReadTxn, files: set[int]) -> list[str]:
    return objects.check_blobs(txn, files, 0, _all_due(txn))


def _check_rooms(txn: ReadTxn, _: None) -> list[str]:
    due = _all_due(txn)
    found = (
        identity.check(txn),
        keys.check(txn, due),
        queues.check(txn),
        queues.check_due(txn, due),
        logs.check(txn),
        logs.check_due(txn, due),
        topics.check(txn),
        topics.check_due(txn, due),
        objects.check(txn, due),
        runner.check(txn),
    )
    return list(itertools.chain.from_iterable(found))


def _all_due(txn: ReadTxn) -> list[Due]:
    start, end = DUE_PREFIX, DUE_PREFIX + b"\xff"
    entries: list[Due] = []
    while rows := txn.range(start, end, PAGE_ROWS):
        entries += [parse_due(key, value) for key, value in rows]
        start = rows[-1][0] + b"\0"
    return entries
