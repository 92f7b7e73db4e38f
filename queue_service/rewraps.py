"""Rewraps: after a storage key was added, the queues' data keys are wrapped under it, in the background.

A walk over all queues (`storage.rewraps`). A data key itself stays what it is: what it sealed is not touched, and
everybody who remembers it goes on. A message that moves takes a copy of its key along, maybe from where the walk has
not been to where it has.

Owns which keys come next. A key that does not open is left as it is: `cumulo check` tells of it.
"""

import logging

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.ids import Randomness
from cumulo.queue_service.keys import DIRECTORY, KEYS, DataKey, decode_data_key, decode_name
from cumulo.queue_service.sealing import rewrapped
from cumulo.storage import records, rewraps, tuples
from cumulo.storage.engine import PARTITION_BYTES, ROOT, Due, Engine, ReadTxn, Txn
from cumulo.storage.rewraps import Route, StampedSlice, Walk
from cumulo.storage.storage_keys import KeyUnreadable, StorageKeys

REWRAP = "queue.rewrap"
"""Due kind: the walk over the queues goes on. Key: `WALK`. At most one."""
WALK = ROOT + tuples.encode(("queue_rewraps",))
ROUTE = Route(REWRAP, WALK)
QUEUES_MAX = 50
"""Queues that one slice looks at."""
KEYS_MAX = 200
"""Data keys that it looks at of one queue, and in all."""

_log = logging.getLogger(__name__)


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


class Met(msgspec.Struct, frozen=True):
    """The old keys of a slice, and where the next begins; an empty `name` where it was the last."""

    old: tuple[Old, ...]
    name: bytes
    after: bytes


class StampedKeys(msgspec.Struct, frozen=True):
    """Keys to write in the place of what was met."""

    slice: StampedSlice
    wrapped: tuple[tuple[Old, DataKey], ...]


def ahead(txn: ReadTxn, _: None) -> Ahead:
    """Return which queues the walk comes to next; a read function."""
    walk = rewraps.walk_in(txn, WALK)
    # The queue at which the last slice ended comes again, for the keys that it has left.
    return Ahead(walk, tuple(txn.range(walk.name or DIRECTORY, DIRECTORY + b"\xff", QUEUES_MAX)))


def next_slice(txn: ReadTxn, request: Ahead) -> Met:
    """Return what comes next of the walk; a read function."""
    walk, old = request.walk, list[Old]()
    for (name, _), partition in zip(request.names, request.partitions, strict=True):
        prefix = partition + KEYS
        after = walk.after + b"\0" if name == walk.name and walk.after.startswith(prefix) else prefix
        room = KEYS_MAX - len(old)
        keys = txn.range(after, prefix + b"\xff", room)
        old += [Old(key, raw, name) for key, raw in keys if decode_data_key(raw).storage_key < walk.storage_key]
        if len(keys) == room:
            return Met(tuple(old), name, keys[-1][0])
    last = request.names[-1][0] + b"\0" if len(request.names) == QUEUES_MAX else b""
    return Met(tuple(old), last, b"")


def write_slice(txn: Txn, request: StampedKeys) -> None:
    """Write keys where they are still what was met, in the directory too, and arm the next slice."""
    if not rewraps.is_taken(txn, request.slice):
        return
    count = 0
    for old, fresh in request.wrapped:
        if txn.get(old.key) != old.raw:
            continue
        txn.put(old.key, records.encode(fresh))
        count += 1
        row = txn.get(old.name)
        name = None if row is None else decode_name(row)
        if name is not None and name.data_key == decode_data_key(old.raw):
            txn.put(old.name, records.encode(msgspec.structs.replace(name, data_key=fresh)))
    rewraps.go_on(txn, request.slice, count)


class Rewraps:
    """The walk of a server."""

    def __init__(self, engine: Engine, clock: Clock, randomness: Randomness, storage_keys: StorageKeys) -> None:
        self._engine = engine
        self._clock = clock
        self._randomness = randomness
        self._storage_keys = storage_keys

    async def begin(self) -> None:
        """See to it that there is a walk where there may be something to wrap anew."""
        await rewraps.begin_walk(self._engine, self._clock, self._storage_keys, ROUTE)

    async def run(self, entries: list[Due]) -> None:
        """Go on: the handler of `queue.rewrap`."""
        for entry in entries:
            await self.slice(entry)

    async def slice(self, entry: Due) -> None:
        """Wrap the keys of some queues anew."""
        queues: Ahead = await self._engine.read((ROOT,), ahead, None)
        met: Met = await self._engine.read((ROOT, *queues.partitions), next_slice, queues)
        wrapped = []
        for old in met.old:
            try:
                wrapped.append((old, rewrapped(self._storage_keys, self._randomness, decode_data_key(old.raw))))
            except KeyUnreadable as error:
                _log.warning("a data key cannot be wrapped anew", extra={"reason": str(error)})
        partitions = dict.fromkeys((ROOT, *(old.key[:PARTITION_BYTES] for old, _ in wrapped)))
        following = rewraps.Slice((), met.name, met.after, is_last=not met.name)
        slice_ = StampedSlice(ROUTE, entry, queues.walk, following, self._clock.deadline_ms())
        stamped = StampedKeys(slice_, tuple(wrapped))
        await self._engine.transact(tuple(partitions), write_slice, stamped, grows=False)
        if wrapped:
            about = {"count": len(wrapped), "storage_key": self._storage_keys.current}
            _log.info("data keys of queues are wrapped anew", extra=about)
