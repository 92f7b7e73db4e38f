"""Appends: bytes put behind those that an object has, without moving any of these (S3's `x-amz-write-offset-bytes`).

Promises: an append counts only where the object is as long as its caller believes, decided at the commit: of two
appends at one offset one wins; until then, and after a crash, the object is as it was; readers read on what they began.
The object becomes one in parts, a part for each append, 10,000 at most, under the key that encrypts it already; what
describes it stays. Its CRC is joined from those of its parts; a checksum that cannot be joined is dropped, and the
server's own is shown.

Source: S3 user guide, "Appending data to objects in directory buckets"; API reference, PutObject. Here any bucket's
objects can be appended to.
"""

from collections.abc import AsyncIterator

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.operations import Result
from cumulo.identity.room import Resolved
from cumulo.object_store import body_model, keys, object_model, upload_model
from cumulo.object_store.bodies import NewBody, write_body
from cumulo.object_store.buckets import open_bucket, open_counters, save_counters
from cumulo.object_store.checksums import LINEAR, OWN
from cumulo.object_store.conditions import check_write
from cumulo.object_store.encryption import readable_with
from cumulo.object_store.errors import ENCRYPTION_TYPE_MISMATCH, INVALID_WRITE_OFFSET, TOO_MANY_PARTS
from cumulo.object_store.event_documents import CREATED_PUT, Change
from cumulo.object_store.keys import ObjectRecord, PartRecord, Parts
from cumulo.object_store.lifecycle_index import armed
from cumulo.object_store.multipart import etag_of
from cumulo.object_store.notifications import write_events
from cumulo.object_store.objects import current_object, described, manifest_of
from cumulo.object_store.quotas import check_quota
from cumulo.object_store.sealing import place_of
from cumulo.object_store.stamping import Stamped
from cumulo.object_store.uploads import Store, at_commit, commit_body, put_object, receive
from cumulo.object_store.versions import check_unversioned
from cumulo.storage import digests, records
from cumulo.storage.engine import Row, Txn
from cumulo.storage.tuples import u64


class CommitAppend(msgspec.Struct, frozen=True):
    """A body that is to become the last part of an object; `stamped.request` is the PutObject."""

    stamped: Stamped
    body: NewBody
    seen: int
    """The number of the body behind which it is to come."""


class Appended(msgspec.Struct, frozen=True, array_like=True):
    """What an append answers: the object as it became. `blob` tells whose bytes stayed."""

    size_bytes: int
    etag: str
    modified_ms: int
    crc64nvme: int
    checksums: dict[str, bytes]
    part_count: int
    blob: int = 0


async def put_or_append(
    store: Store, ctx: CallContext, resolved: Resolved, body: AsyncIterator[memoryview] | None
) -> Result:
    """Store an object, or put a body behind one: the handler of PutObject."""
    stamped: Stamped = resolved.request
    request: object_model.PutObject = stamped.request
    if request.write_offset == body_model.UNKNOWN:
        return await put_object(store, ctx, resolved, body)
    found: ObjectRecord | None = await store.engine.read((stamped.partition,), current_object, stamped)
    if not request.request_id:  # a repeated request finds the object grown: the transaction knows it
        check_offset(found, request.write_offset)
    if found is not None:
        return await _append(store, ctx, stamped, body, found)
    if request.write_offset:
        raise INVALID_WRITE_OFFSET.error(offset=request.write_offset, size=0)
    only_new = msgspec.structs.replace(request, if_none_match=request.if_none_match or object_model.ANY_ETAG)
    stamped = msgspec.structs.replace(stamped, request=only_new)
    return await put_object(store, ctx, msgspec.structs.replace(resolved, request=stamped), body)


async def _append(
    store: Store, ctx: CallContext, stamped: Stamped, body: AsyncIterator[memoryview] | None, found: ObjectRecord
) -> Result:
    request: object_model.PutObject = stamped.request
    sealing = None
    if found.encryption is not None:
        asked = request.encryption
        if asked is not None and asked.algorithm not in (None, found.encryption.algorithm):
            raise ENCRYPTION_TYPE_MISMATCH.error()
        customer_key = readable_with(found.encryption, None if asked is None else asked.customer)
        sealing = await store.seals.open(ctx, found.encryption, place_of(stamped), customer_key)
    new = await receive(store.blobs, body, request.expected, keeps=_joinable(found), sealing=sealing)
    stamped = at_commit(store, stamped)
    commit = CommitAppend(stamped, new, found.body)
    stored: Appended = await commit_body(store, ctx, stamped, new, commit_append, commit, Appended)
    became = msgspec.structs.replace(
        found,
        size_bytes=stored.size_bytes,
        etag=stored.etag,
        modified_ms=stored.modified_ms,
        crc64nvme=stored.crc64nvme,
        checksums=stored.checksums,
        part_count=stored.part_count,
        is_composite=False,
    )
    return Result(described(request.bucket, request.key, became))


def check_offset(found: ObjectRecord | None, offset: int) -> None:
    """Raise `InvalidWriteOffset` where an object does not end there, or `TooManyParts` where it has all its parts."""
    size_bytes = 0 if found is None else found.size_bytes
    if offset != size_bytes:
        raise INVALID_WRITE_OFFSET.error(offset=offset, size=size_bytes)
    if found is not None and max(found.part_count, 1) >= upload_model.PARTS_MAX:
        raise TOO_MANY_PARTS.error()


def commit_append(txn: Txn, commit: CommitAppend) -> Appended:
    """Make a received body an object's last part.

    Raises `NoSuchBucket`, `PreconditionFailed`, `NoSuchKey` (of `if_match`), `InvalidWriteOffset`, `TooManyParts`.
    """
    stamped, new = commit.stamped, commit.body
    request: object_model.PutObject = stamped.request
    partition = stamped.partition
    meta = open_bucket(txn, partition, request.bucket)
    check_unversioned(is_versioned=bool(meta.versioning))
    found = current_object(txn, stamped)
    check_write(found, request.key, request.if_match, request.if_none_match)
    check_offset(found, request.write_offset)
    if found is None or not _has_same_key(found, commit):
        # Another object of the same length took its place meanwhile.
        raise INVALID_WRITE_OFFSET.error(offset=request.write_offset, size=0 if found is None else found.size_bytes)
    name = _joinable(found)
    counters = open_counters(txn, partition)
    number, manifest = counters.next, found.body
    rows = manifest_of(txn, partition, found)
    parts = [part for _, value in rows for part in keys.decode_parts(value).parts]
    if not found.part_count:
        manifest = number + 1
        parts = [_first_part(txn, partition, found, name)]
    part = PartRecord(
        number=parts[-1].number + 1,
        size_bytes=new.size_bytes,
        md5=new.etag,
        modified_ms=stamped.wall_ms,
        body=number,
        blob=new.blob,
        crc64nvme=new.crc64nvme,
        checksum=new.checksums.get(name, b""),
    )
    if part.number > upload_model.PARTS_MAX:
        raise TOO_MANY_PARTS.error()
    write_body(txn, partition, part.body, new, is_part=True)
    _add_to_manifest(txn, keys.manifest_prefix(partition, manifest), rows, parts, part, found.size_bytes)
    parts.append(part)
    checksums = {}
    if name in found.checksums:
        before, after = (int.from_bytes(it, "big") for it in (found.checksums[name], part.checksum))
        checksums[name] = digests.crc_bytes(name, digests.combine(name, before, after, new.size_bytes))
    record = msgspec.structs.replace(
        found,
        size_bytes=found.size_bytes + new.size_bytes,
        etag=etag_of(parts),
        modified_ms=stamped.wall_ms,
        body=manifest,
        blob=0,
        part_count=len(parts),
        crc64nvme=digests.combine(OWN, found.crc64nvme, new.crc64nvme, new.size_bytes),
        checksums=checksums,
        is_composite=False,
        encryption=None if found.encryption is None else msgspec.structs.replace(found.encryption, kept=b""),
    )
    record = armed(txn, stamped, meta, request.key, record, found)
    txn.put(keys.object_key(partition, request.key), records.encode(record))
    following = max(number, manifest) + 1
    counted = msgspec.structs.replace(counters, bytes=counters.bytes + new.size_bytes, next=following)
    check_quota(meta, counters, counted)
    save_counters(txn, partition, counted)
    if meta.listens:
        change = Change(CREATED_PUT, request.key, number, stamped.wall_ms, record.size_bytes, record.etag)
        write_events(txn, stamped, meta, change)
    return Appended(
        record.size_bytes,
        record.etag,
        record.modified_ms,
        record.crc64nvme,
        record.checksums,
        record.part_count,
        new.blob,
    )


def _joinable(found: ObjectRecord) -> str:
    """Return the checksum that an object keeps as it grows, empty for none."""
    name = next(iter(found.checksums), "")
    return name if name in LINEAR and not found.is_composite else ""


def _has_same_key(found: ObjectRecord, commit: CommitAppend) -> bool:
    """Say whether an object is still under the key that sealed the new part, however that is wrapped by now."""
    if found.encryption is None or commit.body.encryption is None:
        return found.encryption is commit.body.encryption
    return found.body == commit.seen


def _first_part(txn: Txn, partition: bytes, found: ObjectRecord, name: str) -> PartRecord:
    """Return what was an object's whole body, as a part."""
    if found.encryption is not None and not found.blob:
        txn.put(keys.frames_prefix(partition, found.body) + b"\x00", found.encryption.kept)
    return PartRecord(
        number=1,
        size_bytes=found.size_bytes,
        md5=bytes.fromhex(found.etag),
        modified_ms=found.modified_ms,
        body=found.body,
        blob=found.blob,
        crc64nvme=found.crc64nvme,
        checksum=found.checksums.get(name, b""),
    )


def _add_to_manifest(
    txn: Txn, prefix: bytes, rows: tuple[Row, ...], parts: list[PartRecord], part: PartRecord, offset: int
) -> None:
    """Write a part behind the others: into the last slice, or, where that is full, into one of its own."""
    last = keys.decode_parts(rows[-1][1]).parts if rows else parts
    if len(last) < keys.MANIFEST_PARTS:
        row_key = rows[-1][0] if rows else prefix + u64(0)
        txn.put(row_key, records.encode(Parts(parts=[*last, part])))
    else:
        txn.put(prefix + u64(offset), records.encode(Parts(parts=[part])))
