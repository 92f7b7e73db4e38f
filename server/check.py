"""All invariants of all rooms: what `cumulo check` and the tests of crashes ask."""

import itertools

from cumulo.identity import invariants as identity
from cumulo.object_store import invariants as objects
from cumulo.queue_service import invariants as queues
from cumulo.runner import invariants as runner
from cumulo.storage import check as storage
from cumulo.storage.contract import DUE_PREFIX, parse_due
from cumulo.storage.engine import Due, Engine, ReadTxn

PAGE_ROWS = 1_000


async def check_engine(engine: Engine) -> list[str]:
    """Return every broken fact as a sentence; an empty list where all holds."""
    problems = await storage.check(engine)
    problems += await engine.inspect(_check_rooms, None)
    return problems


def _check_rooms(txn: ReadTxn, _: None) -> list[str]:
    due = _all_due(txn)
    found = (
        identity.check(txn),
        queues.check(txn),
        queues.check_due(txn, due),
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
