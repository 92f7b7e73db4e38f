"""Rewraps: after a storage key was added, the keys of objects are wrapped under it, in the background.

A walk over the buckets (`storage.rewraps`), and in each over its objects, its open uploads and its other versions. An
object's key itself stays what it is, and its body is not touched. Keys that hang from the key service or from callers
are none of the storage keys' business, but for the outer one of two layers.

Owns which records come next. A key that does not open is left as it is: `cumulo check` tells of it.
"""

import logging
from typing import Final, Protocol

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.errors import ServiceError
from cumulo.object_store import keys
from cumulo.object_store.keys import REWRAPS, ObjectRecord, UploadRecord
from cumulo.object_store.sealing import ObjectSeals, Place
from cumulo.storage import records, rewraps, tuples
from cumulo.storage.engine import ROOT, Due, Engine, ReadTxn
from cumulo.storage.rewraps import Replacement, Slice, Walk

BUCKETS_MAX: Final = 50
"""Buckets that one slice looks at."""
ROWS_MAX: Final = 200
"""Records that it looks at in all: up to 10 KiB each, read, compared and written in a function of 4 MiB."""
SUBSPACES: Final = (keys.OBJECTS, keys.UPLOADS, keys.VERSIONS)
"""In the order of their keys."""

_log = logging.getLogger("cumulo.object_store")


class Store(Protocol):
    """What the walk needs of the service."""

    engine: Engine
    clock: Clock
    seals: ObjectSeals


class Ahead(msgspec.Struct, frozen=True):
    """Where the walk stands, and the directory rows of buckets that come next."""

    walk: Walk
    names: tuple[tuple[bytes, bytes], ...]

    @property
    def partitions(self) -> tuple[bytes, ...]:
        """The partitions of these buckets."""
        return tuple(keys.decode_bucket(value).partition for _, value in self.names)


class Old(msgspec.Struct, frozen=True):
    """A record whose key an older storage key wraps, as it stands there."""

    place: Place
    key: bytes
    raw: bytes
    record: ObjectRecord | UploadRecord


class Met(msgspec.Struct, frozen=True):
    """The old records of a slice, and where the next begins; an empty `name` where it was the last."""

    old: tuple[Old, ...]
    name: bytes
    after: bytes


def ahead(txn: ReadTxn, walk: Walk) -> Ahead:
    """Return which buckets the walk comes to next; a read function."""
    # The bucket in which the last slice ended comes again, for the records that it has left.
    return Ahead(walk, tuple(txn.range(walk.name or keys.NAMES, tuples.after(keys.NAMES), BUCKETS_MAX)))


def next_slice(txn: ReadTxn, request: Ahead) -> Met:
    """Return what comes next of the walk; a read function."""
    walk, old, room = request.walk, list[Old](), ROWS_MAX
    for (name, _), partition in zip(request.names, request.partitions, strict=True):
        bucket = keys.text_of(name, len(keys.NAMES))
        begin = walk.after + b"\0" if name == walk.name and walk.after.startswith(partition) else partition
        for subspace in SUBSPACES:
            prefix = partition + subspace
            rows = txn.range(max(begin, prefix), max(begin, tuples.after(prefix)), room)
            found = (_of_row(partition, bucket, subspace, row_key, raw) for row_key, raw in rows)
            old += [it for it in found if is_old(it.record, walk.storage_key)]
            room -= len(rows)
            if not room:
                return Met(tuple(old), name, rows[-1][0])
    last = request.names[-1][0] + b"\0" if len(request.names) == BUCKETS_MAX else b""
    return Met(tuple(old), last, b"")


def _of_row(partition: bytes, bucket: str, subspace: bytes, row_key: bytes, raw: bytes) -> Old:
    record: ObjectRecord | UploadRecord
    if subspace == keys.OBJECTS:
        key, record = keys.parse_object_key(row_key), keys.decode_object(raw)
    elif subspace == keys.VERSIONS:
        key, record = keys.parse_version_key(row_key)[0], keys.decode_object(raw)
    else:
        key, record = keys.parse_upload_key(row_key)[0], keys.decode_upload(raw)
    return Old(Place(partition, bucket, key), row_key, raw, record)


def is_old(record: ObjectRecord | UploadRecord, storage_key: int) -> bool:
    """Say whether a storage key before that one wraps a record's key."""
    encryption = record.encryption
    return encryption is not None and 0 < encryption.storage_key < storage_key


class Rewraps:
    """The walk of a server."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self, entries: list[Due]) -> None:
        """Go on: the handler of `object.rewrap`."""
        await rewraps.run_slices(self._store.engine, self._store.clock, REWRAPS, self._look, entries)

    async def _look(self, walk: Walk) -> Slice:
        engine = self._store.engine
        buckets: Ahead = await engine.read((ROOT,), ahead, walk)
        met: Met = await engine.read((ROOT, *buckets.partitions), next_slice, buckets)
        wrapped = []
        for old in met.old:
            try:
                encryption = self._store.seals.rebound(old.record.encryption, old.place, old.place)
            except ServiceError as error:
                _log.warning("an object's key cannot be wrapped anew", extra={"reason": error.message})
            else:
                fresh = msgspec.structs.replace(old.record, encryption=encryption)
                wrapped.append(Replacement(old.key, old.raw, records.encode(fresh)))
        return Slice(tuple(wrapped), met.name, met.after, is_last=not met.name)
