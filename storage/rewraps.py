"""Walks that wrap anew, in the background, what older storage keys wrap: begun at a start with more than one storage
key, unless one has ended for the highest.

Slice after slice of a walk is the deed of a due entry, so it goes on after a crash. A wrapped key is written only where
it is still what was looked at. What moves from where a walk has not been to where it has would be missed: so a walk
begins anew until it has met no old key.

Owns where a walk stands. What is wrapped, and where that lies, its room knows.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import msgspec

from cumulo.core.clocks import Clock
from cumulo.storage import records
from cumulo.storage.engine import PARTITION_BYTES, ROOT, Due, Engine, ReadTxn, Txn
from cumulo.storage.storage_keys import StorageKeys

PAUSE_MS: Final = 20
"""Between two slices, for everybody else."""

_log = logging.getLogger(__name__)


class Walk(records.Record, frozen=True):
    """How far a walk is for a storage key: the directory row and the row up to which it went, and how many keys it has
    wrapped anew since it last began. `due_ms` 0: it has ended.
    """

    storage_key: int = 0
    due_ms: int = 0
    name: bytes = b""
    after: bytes = b""
    wrapped: int = 0


_decode_walk = records.decoder(Walk).decode


class Route(msgspec.Struct, frozen=True):
    """Which walk: its due kind, of which there is at most one entry, and the row where it stands, the entry's key."""

    kind: str
    row: bytes


class Replacement(msgspec.Struct, frozen=True):
    """A row that holds an old key, as it is and as it is to be."""

    key: bytes
    old: bytes
    new: bytes


class Slice(msgspec.Struct, frozen=True):
    """What a slice of a walk met, and where the next begins; `is_last`: nowhere."""

    met: tuple[Replacement, ...]
    name: bytes = b""
    after: bytes = b""
    is_last: bool = False


Look = Callable[[Walk], Awaitable[Slice]]
"""Returns what comes next of a walk."""


class StampedSlice(msgspec.Struct, frozen=True):
    """A slice to write, and the walk from which it was looked for."""

    route: Route
    entry: Due
    walk: Walk
    slice: Slice
    now_ms: int


class StampedBegin(msgspec.Struct, frozen=True):
    """The storage key for which a walk is to be made."""

    route: Route
    storage_key: int
    now_ms: int


def walk_in(txn: ReadTxn, row: bytes) -> Walk:
    """Return where the walk in that row stands."""
    raw = txn.get(row)
    return Walk() if raw is None else _decode_walk(raw)


def is_done(txn: ReadTxn, row: bytes, storage_key: int) -> bool:
    """Say whether the walk in that row has ended for a storage key."""
    walk = walk_in(txn, row)
    return not walk.due_ms and walk.storage_key >= storage_key


def check_walk(txn: ReadTxn, route: Route, entries: Iterable[Due]) -> list[str]:
    """Return what is wrong with where a walk stands."""
    walk = walk_in(txn, route.row)
    if not walk.due_ms or any((it.kind, it.key, it.at_ms) == (route.kind, route.row, walk.due_ms) for it in entries):
        return []
    return [f"the walk {route.kind} for storage key {walk.storage_key} has no due entry"]


def begin(txn: Txn, request: StampedBegin) -> None:
    """Begin a walk, unless one for that storage key has begun, or ended, before."""
    route = request.route
    walk = walk_in(txn, route.row)
    if walk.storage_key >= request.storage_key:
        return
    if walk.due_ms:
        txn.undue(walk.due_ms, route.kind, route.row)
    _arm(txn, route, Walk(storage_key=request.storage_key), request.now_ms)


def is_taken(txn: Txn, request: StampedSlice) -> bool:
    """Take a slice's due entry away, and say whether the slice counts: not where the walk has become another one."""
    entry = request.entry
    txn.undue(entry.at_ms, entry.kind, entry.key)
    walk = walk_in(txn, request.route.row)
    return walk.due_ms == entry.at_ms and walk == request.walk


def go_on(txn: Txn, request: StampedSlice, count: int) -> None:
    """Arm the next slice, or end the walk, after one that wrapped `count` keys."""
    walk, met, at_ms = request.walk, request.slice, request.now_ms + PAUSE_MS
    count += walk.wrapped
    if not met.is_last:
        after = msgspec.structs.replace(walk, name=met.name, after=met.after, wrapped=count)
        _arm(txn, request.route, after, at_ms)
    elif count:
        _arm(txn, request.route, Walk(storage_key=walk.storage_key), at_ms)
    else:
        txn.put(request.route.row, records.encode(Walk(storage_key=walk.storage_key)))


def write_slice(txn: Txn, request: StampedSlice) -> None:
    """Write keys where they are still what was met, and arm the next slice."""
    if is_taken(txn, request):
        count = 0
        for it in request.slice.met:
            if txn.get(it.key) == it.old:
                txn.put(it.key, it.new)
                count += 1
        go_on(txn, request, count)


def _arm(txn: Txn, route: Route, walk: Walk, at_ms: int) -> None:
    txn.put(route.row, records.encode(msgspec.structs.replace(walk, due_ms=at_ms)))
    txn.due(at_ms, route.kind, route.row)


def _read(txn: ReadTxn, row: bytes) -> Walk:
    return walk_in(txn, row)


async def begin_walk(engine: Engine, clock: Clock, storage_keys: StorageKeys, route: Route) -> None:
    """See to it that there is a walk where there may be something to wrap anew."""
    if storage_keys.has_older:
        stamped = StampedBegin(route, storage_keys.current, clock.deadline_ms())
        await engine.transact((ROOT,), begin, stamped, grows=False)


async def run_slices(engine: Engine, clock: Clock, route: Route, look: Look, entries: list[Due]) -> None:
    """Go on with a walk: the deed of its due entries."""
    for entry in entries:
        walk: Walk = await engine.read((ROOT,), _read, route.row)
        found = await look(walk)
        partitions = tuple(dict.fromkeys((ROOT, *(it.key[:PARTITION_BYTES] for it in found.met))))
        stamped = StampedSlice(route, entry, walk, found, clock.deadline_ms())
        await engine.transact(partitions, write_slice, stamped, grows=False)
        if found.met:
            about = {"walk": route.kind, "count": len(found.met), "storage_key": walk.storage_key}
            _log.info("data keys are wrapped anew", extra=about)
