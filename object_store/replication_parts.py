"""The parts of an object on their way to another bucket: stored one by one, and made a replica in its one commit.

Promises: a replica has its source's parts, so that it has its ETag and can be read part by part, and may be as large;
until its commit nothing of them is seen. They lie where those of an ended upload do, and go as those do, a day after a
copy began that never came to its end.
"""

from typing import Final

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import INTERNAL_FAILURE
from cumulo.object_store import body_model, copies, encryption_model, keys, object_model
from cumulo.object_store.bodies import NewBody, write_body
from cumulo.object_store.buckets import open_bucket, open_counters, save_counters
from cumulo.object_store.downloads import Sealed, open_for_reading, open_sealed_part
from cumulo.object_store.keys import ObjectRecord, PartRecord, Parts
from cumulo.object_store.multipart import chunk_rows
from cumulo.object_store.objects import existing, manifest_of
from cumulo.object_store.sealing import Sealing
from cumulo.object_store.stamping import Stamped
from cumulo.object_store.uploads import at_commit, commit_body, receive
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn

KEPT_MS: Final = 86_400_000


class Staged(msgspec.Struct, frozen=True):
    """Parts that lie ready in a bucket under a number, until a time."""

    number: int
    until_ms: int


class _Part(msgspec.Struct, frozen=True):
    stamped: Stamped
    staged: Staged
    part: PartRecord
    body: NewBody


class _Stored(msgspec.Struct, frozen=True):
    """What a commit answers to `commit_body`: whose bytes stayed."""

    blob: int


async def stage_parts(
    store: copies.Store, ctx: CallContext, source: Stamped, target: Stamped, sealing: Sealing | None
) -> Staged:
    """Copy the parts of the version that a stamped GetObject names next to where its replica is to be."""
    record, parts = await store.engine.read((source.partition,), _parts_of, source)
    stamped = at_commit(store, target)
    staged: Staged = await store.engine.transact((target.partition,), _begin, stamped)
    body, first = (source.partition, record.body), 0
    store.readers.hold(body)
    try:
        for part in parts:
            if is_sealed_for_others(record):
                new = await _receive_sealed(store, source.partition, part, record)
            else:
                new = await _receive(store, ctx, source, first, part, sealing)
            first += part.size_bytes
            stamped = at_commit(store, target)
            await commit_body(store, ctx, stamped, new, _stage, _Part(stamped, staged, part, new), _Stored)
    finally:
        store.readers.release(body)
    return staged


def is_sealed_for_others(record: ObjectRecord) -> bool:
    """Say whether only who wrote a version can open it: then it is copied as it is stored."""
    return record.encryption is not None and record.encryption.algorithm == encryption_model.CUSTOMER


async def receive_sealed(store: copies.Store, opened: Sealed, record: ObjectRecord | PartRecord) -> NewBody:
    """Take the stored bytes of an encrypted body in; what is said of it is that of its plain bytes."""
    expected = body_model.ExpectedContent(content_length=record.size_bytes)
    try:
        new = await receive(store.blobs, opened.body, expected)
    finally:
        await opened.body.aclose()
    return msgspec.structs.replace(new, crc64nvme=record.crc64nvme, kept=opened.kept)


async def _receive(
    store: copies.Store, ctx: CallContext, source: Stamped, first: int, part: PartRecord, sealing: Sealing | None
) -> NewBody:
    expected = body_model.ExpectedContent(content_length=part.size_bytes)
    if not part.size_bytes:
        return await receive(store.blobs, None, expected, sealing=sealing)
    asked = object_model.ByteRange(first, first + part.size_bytes - 1)
    request = msgspec.structs.replace(source.request, range=asked)
    opened = await open_for_reading(store, ctx, msgspec.structs.replace(source, request=request))
    try:
        return await receive(store.blobs, opened.body, expected, sealing=sealing)
    finally:
        await opened.body.aclose()


async def _receive_sealed(store: copies.Store, partition: bytes, part: PartRecord, record: ObjectRecord) -> NewBody:
    new = await receive_sealed(store, await open_sealed_part(store, partition, part), part)
    return msgspec.structs.replace(new, encryption=record.encryption)


def take_parts(txn: Txn, partition: bytes, staged: Staged, record: ObjectRecord) -> list[PartRecord]:
    """Return the parts that lie ready for a version's replica, which are the caller's from now on."""
    found: list[PartRecord] = []
    for row_key, value in chunk_rows(txn, partition, staged.number):
        found += keys.decode_parts(value).parts
        txn.delete(row_key)
    if len(found) != record.part_count:
        raise INTERNAL_FAILURE.error(request_id="replication")  # they were cleared, a day after they came
    txn.undue(staged.until_ms, keys.UPLOAD_CLEAR, keys.chunk_prefix(partition, staged.number))
    return found


def _parts_of(txn: ReadTxn, source: Stamped) -> tuple[ObjectRecord, list[PartRecord]]:
    record = existing(txn, source)
    rows = manifest_of(txn, source.partition, record)
    return record, [part for _, value in rows for part in keys.decode_parts(value).parts]


def _begin(txn: Txn, stamped: Stamped) -> Staged:
    open_bucket(txn, stamped.partition, stamped.request.bucket)
    counters = open_counters(txn, stamped.partition)
    staged = Staged(counters.next, stamped.now_ms + KEPT_MS)
    txn.due(staged.until_ms, keys.UPLOAD_CLEAR, keys.chunk_prefix(stamped.partition, staged.number))
    save_counters(txn, stamped.partition, msgspec.structs.replace(counters, next=counters.next + 1))
    return staged


def _stage(txn: Txn, request: _Part) -> _Stored:
    stamped, new = request.stamped, request.body
    partition = stamped.partition
    open_bucket(txn, partition, stamped.request.bucket)
    counters = open_counters(txn, partition)
    part = msgspec.structs.replace(request.part, body=counters.next, blob=new.blob)
    write_body(txn, partition, part.body, new, is_part=True)
    chunk_key = keys.chunk_key(partition, request.staged.number, part.number)
    stored = txn.get(chunk_key)
    before = [] if stored is None else keys.decode_parts(stored).parts
    txn.put(chunk_key, records.encode(Parts(parts=[*before, part])))
    save_counters(txn, partition, msgspec.structs.replace(counters, next=counters.next + 1))
    return _Stored(new.blob)
