"""Rewraps: after a storage key was added, the queues' data keys are wrapped under it, in the background.

At a start with more than one storage key a walk over all queues begins, unless one has ended for the highest; slice
after slice is the deed of a due entry, so it goes on after a crash. A data key itself stays what it is: what it sealed
is not touched, and everybody who remembers it goes on. A key is written only where it is still the one that was looked
at. Since a message that moves takes a copy of its key along, from where the walk has not been to where it has, the walk
begins anew until it has met no old key.

Owns where the walk stands. A key that does not open is left as it is: `cumulo check` tells of it.
"""

import logging

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.ids import Randomness
from cumulo.queue_service.keys import DIRECTORY, KEYS, DataKey, decode_data_key, decode_name
from cumulo.queue_service.sealing import rewrapped
from cumulo.storage import records, tuples
from cumulo.storage.engine import ROOT, Due, Engine, ReadTxn, Txn
from cumulo.storage.storage_keys import KeyUnreadable, StorageKeys

REWRAP = "queue.rewrap"
"""Due kind: the walk over the queues goes on. Key: `WALK`. At most one."""
WALK = ROOT + tuples.encode(("queue_rewraps",))
QUEUES_MAX = 50
"""Queues that one slice looks at."""
KEYS_MAX = 200
"""Data keys that it looks at of one queue, and in all."""
PAUSE_MS = 20
"""Between two slices, for everybody else."""

_log = logging.getLogger(__name__)


class Walk(records.Record, frozen=True):
    """How far the walk is for a storage key: the directory row and the key up to which it went, and how many keys it
    has wrapped anew since it last began. `due_ms` 0: it has ended.
    """

    storage_key: int = 0
    due_ms: int = 0
    name: bytes = b""
    after: bytes = b""
    wrapped: int = 0


decode_walk = records.decoder(Walk).decode


class Ahead(msgspec.Struct, frozen=True):
    """Where the walk stands, and the directory rows that come next."""

    walk: Walk
    names: tuple[tuple[bytes, bytes], ...]

    @property
    def partitions(self) -> tuple[bytes, ...]:
        """The partitions of these queues."""
        return tuple(decode_name(value).partition for _, value in self.names)


class Old(msgspec.Struct, frozen=True):
    """A data key that an older storage key wraps: where it stands, as it stands there, and its queue's directory
    row.
    """

    key: bytes
    raw: bytes
    name: bytes


class Slice(msgspec.Struct, frozen=True):
    """What a slice of the walk met, and where the next begins; an empty `name` where it was the last."""

    walk: Walk
    old: tuple[Old, ...]
    name: bytes
    after: bytes


class StampedSlice(msgspec.Struct, frozen=True):
    """Keys to write in the place of what was met."""

    entry: Due
    met: Slice
    wrapped: tuple[tuple[Old, DataKey], ...]
    now_ms: int


class StampedBegin(msgspec.Struct, frozen=True):
    """The storage key for which a walk is to be made."""

    storage_key: int
    now_ms: int


def walk_in(txn: ReadTxn) -> Walk:
    """Return where the walk stands."""
    raw = txn.get(WALK)
    return Walk() if raw is None else decode_walk(raw)


def begin(txn: Txn, request: StampedBegin) -> None:
    """Begin a walk, unless one for that storage key has begun, or ended, before."""
    walk = walk_in(txn)
    if walk.storage_key >= request.storage_key:
        return
    if walk.due_ms:
        txn.undue(walk.due_ms, REWRAP, WALK)
    _arm(txn, Walk(storage_key=request.storage_key), request.now_ms)


def ahead(txn: ReadTxn, _: None) -> Ahead:
    """Return which queues the walk comes to next; a read function."""
    walk = walk_in(txn)
    # The queue at which the last slice ended comes again, for the keys that it has left.
    return Ahead(walk, tuple(txn.range(walk.name or DIRECTORY, DIRECTORY + b"\xff", QUEUES_MAX)))


def next_slice(txn: ReadTxn, request: Ahead) -> Slice:
    """Return what comes next of the walk; a read function."""
    walk, old = request.walk, list[Old]()
    for (name, _), partition in zip(request.names, request.partitions, strict=True):
        prefix = partition + KEYS
        after = walk.after + b"\0" if name == walk.name and walk.after.startswith(prefix) else prefix
        room = KEYS_MAX - len(old)
        keys = txn.range(after, prefix + b"\xff", room)
        old += [Old(key, raw, name) for key, raw in keys if decode_data_key(raw).storage_key < walk.storage_key]
        if len(keys) == room:
            return Slice(walk, tuple(old), name, keys[-1][0])
    last = request.names[-1][0] + b"\0" if len(request.names) == QUEUES_MAX else b""
    return Slice(walk, tuple(old), last, b"")


def write_slice(txn: Txn, request: StampedSlice) -> None:
    """Write keys where they are still what was met, in the directory too, and arm the next slice."""
    met, entry = request.met, request.entry
    txn.undue(entry.at_ms, entry.kind, entry.key)
    walk = walk_in(txn)
    if walk.due_ms != entry.at_ms or walk != met.walk:
        return  # a walk for a newer storage key has its own entry
    count = walk.wrapped
    for old, fresh in request.wrapped:
        if txn.get(old.key) != old.raw:
            continue
        txn.put(old.key, records.encode(fresh))
        count += 1
        row = txn.get(old.name)
        name = None if row is None else decode_name(row)
        if name is not None and name.data_key == decode_data_key(old.raw):
            txn.put(old.name, records.encode(msgspec.structs.replace(name, data_key=fresh)))
    if met.name:
        after = msgspec.structs.replace(walk, name=met.name, after=met.after, wrapped=count)
        _arm(txn, after, request.now_ms + PAUSE_MS)
    elif count:
        _arm(txn, Walk(storage_key=walk.storage_key), request.now_ms + PAUSE_MS)
    else:
        txn.put(WALK, records.encode(Walk(storage_key=walk.storage_key)))


def _arm(txn: Txn, walk: Walk, at_ms: int) -> None:
    txn.put(WALK, records.encode(msgspec.structs.replace(walk, due_ms=at_ms)))
    txn.due(at_ms, REWRAP, WALK)


class Rewraps:
    """The walk of a server."""

    def __init__(self, engine: Engine, clock: Clock, randomness: Randomness, storage_keys: StorageKeys) -> None:
        self._engine = engine
        self._clock = clock
        self._randomness = randomness
        self._storage_keys = storage_keys

    async def begin(self) -> None:
        """See to it that there is a walk where there may be something to wrap anew."""
        if self._storage_keys.has_older:
            stamped = StampedBegin(self._storage_keys.current, self._clock.deadline_ms())
            await self._engine.transact((ROOT,), begin, stamped, grows=False)

    async def run(self, entries: list[Due]) -> None:
        """Go on: the handler of `queue.rewrap`."""
        for entry in entries:
            await self.slice(entry)

    async def slice(self, entry: Due) -> None:
        """Wrap the keys of some queues anew."""
        queues: Ahead = await self._engine.read((ROOT,), ahead, None)
        met: Slice = await self._engine.read((ROOT, *queues.partitions), next_slice, queues)
        wrapped = []
        for old in met.old:
            try:
                wrapped.append((old, rewrapped(self._storage_keys, self._randomness, decode_data_key(old.raw))))
            except KeyUnreadable as error:
                _log.warning("a data key cannot be wrapped anew", extra={"reason": str(error)})
        partitions = dict.fromkeys((ROOT, *(old.key[:8] for old, _ in wrapped)))
        stamped = StampedSlice(entry, met, tuple(wrapped), self._clock.deadline_ms())
        await self._engine.transact(tuple(partitions), write_slice, stamped, grows=False)
        if wrapped:
            about = {"count": len(wrapped), "storage_key": self._storage_keys.current}
            _log.info("data keys of queues are wrapped anew", extra=about)
