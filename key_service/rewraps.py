"""Rewraps: after a storage key was added, the material of keys is wrapped under it, in the background.

A walk over all materials (`storage.rewraps`). A material itself stays what it is, so that what it encrypted opens. One
that does not open is left as it is: `cumulo check` tells of it.
"""

import logging
from typing import Final

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.ids import Randomness
from cumulo.key_service import keys, materials
from cumulo.key_service.keys import KeyRecord, MaterialRecord
from cumulo.key_service.resolving import material_scope
from cumulo.storage import records, rewraps, tuples
from cumulo.storage.engine import Due, Engine, ReadTxn
from cumulo.storage.rewraps import Replacement, Slice, Walk
from cumulo.storage.storage_keys import KeyUnreadable, StorageKeys, WrappedKey

ROWS_MAX: Final = 200
"""Materials that one slice looks at."""

_log = logging.getLogger(__name__)


class Old(msgspec.Struct, frozen=True):
    """A material that an older storage key wraps, as it stands there, and its key."""

    row: bytes
    raw: bytes
    material: MaterialRecord
    record: KeyRecord

    @property
    def key(self) -> bytes:
        """The id of the key."""
        return self.row[len(keys.MATERIALS) : -keys.NUMBER_BYTES]


class Met(msgspec.Struct, frozen=True):
    """The old materials of a slice, and where the next begins; an empty `after` where it was the last."""

    old: tuple[Old, ...]
    after: bytes


def next_slice(txn: ReadTxn, walk: Walk) -> Met:
    """Return what comes next of the walk; a read function."""
    start = walk.after + b"\0" if walk.after else keys.MATERIALS
    rows = txn.range(start, tuples.after(keys.MATERIALS), ROWS_MAX)
    old = []
    for row, raw in rows:
        material = keys.decode_material(raw)
        record = materials.find_key(txn, row[len(keys.MATERIALS) : -keys.NUMBER_BYTES])
        if material.storage_key < walk.storage_key and record is not None:
            old.append(Old(row, raw, material, record))
    return Met(tuple(old), rows[-1][0] if len(rows) == ROWS_MAX else b"")


class Rewraps:
    """The walk of a server."""

    def __init__(self, engine: Engine, clock: Clock, randomness: Randomness, storage_keys: StorageKeys) -> None:
        self._engine = engine
        self._clock = clock
        self._randomness = randomness
        self._storage_keys = storage_keys

    async def run(self, entries: list[Due]) -> None:
        """Go on: the handler of `key.rewrap`."""
        await rewraps.run_slices(self._engine, self._clock, keys.REWRAPS, self._look, entries)

    async def _look(self, walk: Walk) -> Slice:
        met: Met = await self._engine.read(keys.PARTITIONS, next_slice, walk)
        wrapped = []
        for old in met.old:
            try:
                fresh = self._rewrapped(old)
            except KeyUnreadable as error:
                _log.warning("a key's material cannot be wrapped anew", extra={"reason": str(error)})
            else:
                wrapped.append(Replacement(old.row, old.raw, records.encode(fresh)))
        return Slice(tuple(wrapped), after=met.after, is_last=not met.after)

    def _rewrapped(self, old: Old) -> MaterialRecord:
        scope, place = material_scope(old.record.account, old.key), keys.MATERIALS + old.key
        plain = self._storage_keys.unwrap(WrappedKey(old.material.storage_key, old.material.sealed), scope, place)
        fresh = self._storage_keys.wrap(self._randomness, plain, scope, place)
        return msgspec.structs.replace(old.material, storage_key=fresh.storage_key, sealed=fresh.sealed)
