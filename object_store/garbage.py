"""Bodies that nobody names any more: removed after the commit that dropped them, and never under a reader.

Promises: a file is removed only after the commit that took its last name away, and its rows only after the file: a
crash between the two repeats the removal. A body that somebody reads waits. Files of earlier runs that no row names are
swept at start. Owns the deeds of `blob.delete` and `upload.clear`.
"""

from collections.abc import Collection, Iterable
from typing import Protocol

import msgspec

from cumulo.core.clocks import Clock
from cumulo.object_store import keys
from cumulo.object_store.bodies import discard_inline_part, forget_blob
from cumulo.object_store.downloads import Readers
from cumulo.object_store.keys import PartRecord
from cumulo.storage import tuples
from cumulo.storage.blobs import BlobStore
from cumulo.storage.engine import PARTITION_BYTES, ROOT, Due, Engine, ReadTxn, Row, Txn

POSTPONED_MS = 1_000
"""How long a body that is being read is left alone."""
ENTRIES_PER_TRANSACTION = 256
OWNERS_PER_READ = 1_000


class Store(Protocol):
    """What the collection needs of the service."""

    engine: Engine
    clock: Clock
    blobs: BlobStore
    readers: Readers


class _Collected(msgspec.Struct, frozen=True):
    """Blobs whose files are gone."""

    entries: tuple[Due, ...]


class _Cleared(msgspec.Struct, frozen=True):
    """One row of parts whose files are gone."""

    row_key: bytes
    parts: tuple[PartRecord, ...]


class _Rows(msgspec.Struct, frozen=True):
    prefix: bytes


class _Postponed(msgspec.Struct, frozen=True):
    entries: tuple[Due, ...]
    until_ms: int


async def delete_blobs(store: Store, entries: list[Due]) -> None:
    """Remove bodies: the deed of `blob.delete`."""
    held = [entry for entry in entries if _body_of(entry) in store.readers]
    if held:
        postponed = _Postponed(tuple(held), store.clock.deadline_ms() + POSTPONED_MS)
        await store.engine.transact(_partitions(held), _postpone, postponed, grows=False)
    free = [entry for entry in entries if entry not in held]
    for entry in free:
        if not entry.payload:
            partition, body = _body_of(entry)
            await _clear(store, partition, keys.manifest_prefix(partition, body), entry)
    single = [entry for entry in free if entry.payload]
    for first in range(0, len(single), ENTRIES_PER_TRANSACTION):
        group = single[first : first + ENTRIES_PER_TRANSACTION]
        await store.blobs.delete([_blob_of(entry) for entry in group])
        partitions = (*_partitions(group), ROOT)
        await store.engine.transact(partitions, _forget_blobs, _Collected(tuple(group)), grows=False)


async def clear_uploads(store: Store, entries: list[Due]) -> None:
    """Remove the parts that an ended upload left: the deed of `upload.clear`."""
    for entry in entries:
        await _clear(store, entry.key[:PARTITION_BYTES], entry.key, entry)


async def sweep_orphans(store: Store) -> int:
    """Remove files of earlier runs that no record names; return how many."""

    async def known(blob_ids: list[int]) -> Collection[int]:
        named: set[int] = set()
        for first in range(0, len(blob_ids), OWNERS_PER_READ):
            named |= await store.engine.read((ROOT,), owned, tuple(blob_ids[first : first + OWNERS_PER_READ]))
        return named

    return await store.blobs.sweep(known)


def owned(txn: ReadTxn, blob_ids: Iterable[int]) -> set[int]:
    """Return those of the blobs that a body's row names: one look each."""
    return {blob for blob in blob_ids if txn.get(keys.owner_key(blob)) is not None}


async def _clear(store: Store, partition: bytes, prefix: bytes, entry: Due) -> None:
    """Remove every part under the rows of a prefix, a row a transaction, then the due entry."""
    while True:
        rows: list[Row] = await store.engine.read((partition,), _first_row, _Rows(prefix))
        if not rows:
            break
        row_key, value = rows[0]
        parts = tuple(keys.decode_parts(value).parts)
        await store.blobs.delete([part.blob for part in parts if part.blob])
        await store.engine.transact((partition, ROOT), _clear_row, _Cleared(row_key, parts), grows=False)
    await store.engine.transact((partition,), _done, entry, grows=False)


def _first_row(txn: ReadTxn, request: _Rows) -> list[Row]:
    return txn.range(request.prefix, tuples.after(request.prefix), 1)


def _clear_row(txn: Txn, cleared: _Cleared) -> None:
    partition = cleared.row_key[:PARTITION_BYTES]
    txn.delete(cleared.row_key)
    for part in cleared.parts:
        if part.blob:
            forget_blob(txn, partition, part.body, part.blob)
        else:
            discard_inline_part(txn, partition, part)


def _done(txn: Txn, entry: Due) -> None:
    txn.undue(entry.at_ms, entry.kind, entry.key)


def _forget_blobs(txn: Txn, collected: _Collected) -> None:
    for entry in collected.entries:
        partition, body = _body_of(entry)
        forget_blob(txn, partition, body, _blob_of(entry))
        txn.undue(entry.at_ms, entry.kind, entry.key)


def _postpone(txn: Txn, postponed: _Postponed) -> None:
    for entry in postponed.entries:
        if txn.undue(entry.at_ms, entry.kind, entry.key):
            txn.due(postponed.until_ms, entry.kind, entry.key, entry.payload)


def _body_of(entry: Due) -> tuple[bytes, int]:
    return entry.key[:PARTITION_BYTES], int.from_bytes(entry.key[-8:], "big")


def _blob_of(entry: Due) -> int:
    return int.from_bytes(entry.payload, "big")


def _partitions(entries: list[Due]) -> tuple[bytes, ...]:
    return tuple({entry.key[:PARTITION_BYTES] for entry in entries})
