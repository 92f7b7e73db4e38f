"""Multipart uploads: opened, filled, completed without copying a byte, aborted, expired.

Promises: completing is metadata only; the same completion asked again gets the same answer; of a completion and an
abort one wins and the other finds no upload; a part that is replaced, dropped or aborted leaves with its bytes; an
upload that nobody ends is ended after a week. Source of the rules: S3 API reference, CompleteMultipartUpload; S3 user
guide, "Amazon S3 multipart upload limits".
"""

import hashlib

import msgspec

from cumulo.object_store import keys, model
from cumulo.object_store.bodies import NewBody, discard_body, write_body
from cumulo.object_store.buckets import open_bucket, open_counters, save_counters
from cumulo.object_store.conditions import check_write
from cumulo.object_store.errors import (
    ENTITY_TOO_SMALL,
    INVALID_PART,
    INVALID_PART_ORDER,
    NO_SUCH_UPLOAD,
)
from cumulo.object_store.keys import CompletedRecord, ObjectRecord, PartRecord, Parts, UploadRecord
from cumulo.object_store.notifications import CREATED_COMPLETE
from cumulo.object_store.objects import described, find_object, replace_object
from cumulo.object_store.stamping import Stamped
from cumulo.storage import digests, records, tuples
from cumulo.storage.engine import PARTITION_BYTES, Due, ReadTxn, Row, Txn
from cumulo.storage.tuples import u64

CHUNKS_MAX = -(-model.PARTS_MAX // keys.CHUNK_PARTS)


class CommitPart(msgspec.Struct, frozen=True):
    """A body that is to become a part; `stamped.request` is the UploadPart."""

    stamped: Stamped
    body: NewBody


class StoredPart(msgspec.Struct, frozen=True, array_like=True):
    """What storing a part answers; `blob` tells whose bytes stayed."""

    size_bytes: int
    etag: str
    modified_ms: int
    crc64nvme: int
    blob: int = 0


class OpenUpload(msgspec.Struct, frozen=True):
    """An upload of a listing, by its number."""

    key: str
    upload: int
    create_ms: int


def create_upload(txn: Txn, stamped: Stamped) -> int:
    """Open an upload and return its number."""
    request: model.CreateMultipartUpload = stamped.request
    partition = stamped.partition
    open_bucket(txn, partition, request.bucket)
    counters = open_counters(txn, partition)
    upload = counters.next
    record = UploadRecord(
        create_ms=stamped.wall_ms,
        expires_ms=stamped.now_ms + model.UPLOAD_KEPT_MS,
        content_type=request.content_type or model.DEFAULT_CONTENT_TYPE,
        metadata=dict(request.metadata),
    )
    txn.put(keys.upload_key(partition, request.key, upload), records.encode(record))
    txn.due(record.expires_ms, keys.UPLOAD_EXPIRE, keys.chunk_prefix(partition, upload), request.key.encode())
    counters = msgspec.structs.replace(counters, uploads=counters.uploads + 1, next=upload + 1)
    save_counters(txn, partition, counters)
    return upload


def find_upload(txn: ReadTxn, stamped: Stamped) -> UploadRecord:
    """Return an open upload; raises `NoSuchBucket` or `NoSuchUpload`."""
    stored = txn.get(keys.upload_key(stamped.partition, stamped.request.key, stamped.upload))
    if stored is None:
        open_bucket(txn, stamped.partition, stamped.request.bucket)
        raise NO_SUCH_UPLOAD.error()
    return keys.decode_upload(stored)


def commit_part(txn: Txn, commit: CommitPart) -> StoredPart:
    """Put a received body in its place among the parts, and discard what was there."""
    stamped, new = commit.stamped, commit.body
    partition, number = stamped.partition, stamped.request.part_number
    find_upload(txn, stamped)
    counters = open_counters(txn, partition)
    part = PartRecord(
        number=number,
        size_bytes=new.size_bytes,
        md5=new.md5,
        modified_ms=stamped.wall_ms,
        body=counters.next,
        blob=new.blob,
        crc64nvme=new.crc64nvme,
    )
    write_body(txn, partition, part.body, new)
    chunk_key = keys.chunk_key(partition, stamped.upload, number)
    stored = txn.get(chunk_key)
    chunk = {one.number: one for one in keys.decode_parts(stored).parts} if stored is not None else {}
    before = chunk.get(number)
    if before is not None:
        discard_body(txn, partition, before, stamped.now_ms)
    chunk[number] = part
    txn.put(chunk_key, records.encode(Parts(parts=[chunk[one] for one in sorted(chunk)])))
    save_counters(txn, partition, msgspec.structs.replace(counters, next=counters.next + 1))
    return StoredPart(part.size_bytes, part.md5.hex(), part.modified_ms, part.crc64nvme, part.blob)


def complete_upload(txn: Txn, stamped: Stamped) -> model.Object:
    """Make the object out of its parts.

    Raises `NoSuchUpload`, `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `PreconditionFailed`, `NoSuchKey`.
    """
    request: model.CompleteMultipartUpload = stamped.request
    partition = stamped.partition
    meta = open_bucket(txn, partition, request.bucket)
    fingerprint = hashlib.sha256(msgspec.msgpack.encode(request.parts)).digest()[:16]
    upload_key = keys.upload_key(partition, request.key, stamped.upload)
    stored = txn.get(upload_key)
    if stored is None:
        return _completed_before(txn, stamped, fingerprint)
    upload = keys.decode_upload(stored)
    rows = _chunk_rows(txn, partition, stamped.upload)
    chosen = _choose(rows, request.parts)
    found = find_object(txn, stamped)
    check_write(found, request.key, request.if_match, request.if_none_match)

    counters = open_counters(txn, partition)
    record = ObjectRecord(
        size_bytes=sum(part.size_bytes for part in chosen),
        etag=_etag(chosen),
        modified_ms=stamped.wall_ms,
        body=counters.next,
        part_count=len(chosen),
        crc64nvme=_combined_crc(chosen),
        content_type=upload.content_type,
        metadata=upload.metadata,
    )
    _write_manifest(txn, partition, record.body, chosen)
    left = _drop_chosen(txn, rows, chosen)
    _end_upload(txn, stamped, upload_key, upload, clear=left)
    _remember(txn, stamped, fingerprint, record)
    replace_object(txn, stamped, meta, counters, found, record, CREATED_COMPLETE, uploads_ended=1)
    return described(request.bucket, request.key, record)


def abort_upload(txn: Txn, stamped: Stamped) -> None:
    """End an upload; its parts are cleared by the due index. Raises `NoSuchUpload`."""
    upload = find_upload(txn, stamped)
    upload_key = keys.upload_key(stamped.partition, stamped.request.key, stamped.upload)
    _end_upload(txn, stamped, upload_key, upload, clear=True)
    counters = open_counters(txn, stamped.partition)
    counters = msgspec.structs.replace(counters, uploads=counters.uploads - 1)
    save_counters(txn, stamped.partition, counters)


def expire_uploads(txn: Txn, entries: tuple[Due, ...]) -> None:
    """End uploads that nobody ended: the deed of `upload.expire`."""
    for entry in entries:
        partition = entry.key[:PARTITION_BYTES]
        txn.undue(entry.at_ms, entry.kind, entry.key)
        upload = int.from_bytes(entry.key[-8:], "big")
        if txn.delete(keys.upload_key(partition, entry.payload.decode(), upload)):
            txn.due(entry.at_ms, keys.UPLOAD_CLEAR, entry.key)
            counters = open_counters(txn, partition)
            save_counters(txn, partition, msgspec.structs.replace(counters, uploads=counters.uploads - 1))


def forget_completed(txn: Txn, entries: tuple[Due, ...]) -> None:
    """Remove remembered completions: the deed of `upload.forget`."""
    for entry in entries:
        txn.undue(entry.at_ms, entry.kind, entry.key)
        txn.delete(entry.key)


def list_parts(txn: ReadTxn, stamped: Stamped) -> list[model.Part]:
    """Return an upload's parts behind the number in `after`, at most `limit`."""
    find_upload(txn, stamped)
    partition, upload = stamped.partition, stamped.upload
    behind = int.from_bytes(stamped.after, "big")
    parts: list[model.Part] = []
    if behind >= model.PARTS_MAX:
        return parts
    end = tuples.after(keys.chunk_prefix(partition, upload))
    for _, value in txn.range(keys.chunk_key(partition, upload, behind + 1), end, CHUNKS_MAX):
        for part in keys.decode_parts(value).parts:
            if part.number > behind:
                parts.append(shown_part(part))
            if len(parts) == stamped.limit:
                return parts
    return parts


def list_uploads(txn: ReadTxn, stamped: Stamped) -> list[OpenUpload]:
    """Return a bucket's open uploads of a prefix, behind the row that `after` names, at most `limit`."""
    open_bucket(txn, stamped.partition, stamped.request.bucket)
    subspace = stamped.partition + keys.UPLOADS
    first = keys.text_prefix(subspace, stamped.request.prefix)
    start = max(first, subspace + stamped.after + b"\x00") if stamped.after else first
    uploads = []
    for row_key, value in txn.range(start, tuples.after(first), stamped.limit):
        key, upload = keys.parse_upload_key(row_key)
        uploads.append(OpenUpload(key, upload, keys.decode_upload(value).create_ms))
    return uploads


def shown_part(part: PartRecord) -> model.Part:
    """Return a part as callers see it."""
    return model.Part(
        part_number=part.number,
        etag=part.md5.hex(),
        size_bytes=part.size_bytes,
        last_modified_ms=part.modified_ms,
        crc64nvme=part.crc64nvme,
    )


def _chunk_rows(txn: ReadTxn, partition: bytes, upload: int) -> list[Row]:
    prefix = keys.chunk_prefix(partition, upload)
    return txn.range(prefix, tuples.after(prefix), CHUNKS_MAX)


def _choose(rows: list[Row], wanted: tuple[model.CompletedPart, ...]) -> list[PartRecord]:
    """Return the stored parts that a completion names; raises what S3 raises for a list that cannot be."""
    stored = {part.number: part for _, value in rows for part in keys.decode_parts(value).parts}
    chosen: list[PartRecord] = []
    for one in wanted:
        if chosen and one.part_number <= chosen[-1].number:
            raise INVALID_PART_ORDER.error(part_number=one.part_number, before=chosen[-1].number)
        part = stored.get(one.part_number)
        if part is None or one.etag != part.md5.hex():
            raise INVALID_PART.error(part_number=one.part_number)
        chosen.append(part)
    for part in chosen[:-1]:
        if part.size_bytes < model.PART_BYTES_MIN:
            raise ENTITY_TOO_SMALL.error(part_number=part.number, size=part.size_bytes, allowed=model.PART_BYTES_MIN)
    return chosen


def _etag(parts: list[PartRecord]) -> str:
    """Return S3's ETag of an object in parts: the MD5 of their MD5s, a hyphen, and their number."""
    joined = hashlib.md5(b"".join(part.md5 for part in parts), usedforsecurity=False)
    return f"{joined.hexdigest()}-{len(parts)}"


def _combined_crc(parts: list[PartRecord]) -> int:
    crc = parts[0].crc64nvme
    for part in parts[1:]:
        crc = digests.combine_crc64nvme(crc, part.crc64nvme, part.size_bytes)
    return crc


def _write_manifest(txn: Txn, partition: bytes, body: int, parts: list[PartRecord]) -> None:
    prefix, offset = keys.manifest_prefix(partition, body), 0
    for first in range(0, len(parts), keys.MANIFEST_PARTS):
        slice_ = parts[first : first + keys.MANIFEST_PARTS]
        txn.put(prefix + u64(offset), records.encode(Parts(parts=slice_)))
        offset += sum(part.size_bytes for part in slice_)


def _drop_chosen(txn: Txn, rows: list[Row], chosen: list[PartRecord]) -> bool:
    """Take the chosen parts out of the upload's chunks; say whether others are left, which are to be cleared."""
    numbers = {part.number for part in chosen}
    any_left = False
    for row_key, value in rows:
        left = [part for part in keys.decode_parts(value).parts if part.number not in numbers]
        if left:
            txn.put(row_key, records.encode(Parts(parts=left)))
            any_left = True
        else:
            txn.delete(row_key)
    return any_left


def _end_upload(txn: Txn, stamped: Stamped, upload_key: bytes, upload: UploadRecord, *, clear: bool) -> None:
    """Remove an upload's record; `clear` says whether parts are left to be removed by the due index."""
    txn.delete(upload_key)
    chunks = keys.chunk_prefix(stamped.partition, stamped.upload)
    expiry_was_armed = txn.undue(upload.expires_ms, keys.UPLOAD_EXPIRE, chunks)
    assert expiry_was_armed, (stamped.partition, stamped.upload)
    if clear:
        txn.due(stamped.now_ms, keys.UPLOAD_CLEAR, chunks)


def _remember(txn: Txn, stamped: Stamped, fingerprint: bytes, record: ObjectRecord) -> None:
    completed = CompletedRecord(
        key=stamped.request.key,
        fingerprint=fingerprint,
        size_bytes=record.size_bytes,
        etag=record.etag,
        modified_ms=record.modified_ms,
        crc64nvme=record.crc64nvme,
        part_count=record.part_count,
        content_type=record.content_type,
        metadata=record.metadata,
    )
    key = keys.completed_key(stamped.partition, stamped.upload)
    txn.put(key, records.encode(completed))
    txn.due(stamped.now_ms + model.COMPLETED_KEPT_MS, keys.UPLOAD_FORGET, key)


def _completed_before(txn: ReadTxn, stamped: Stamped, fingerprint: bytes) -> model.Object:
    request: model.CompleteMultipartUpload = stamped.request
    stored = txn.get(keys.completed_key(stamped.partition, stamped.upload))
    completed = None if stored is None else keys.decode_completed(stored)
    if completed is None or completed.key != request.key or completed.fingerprint != fingerprint:
        raise NO_SUCH_UPLOAD.error()
    return model.Object(
        bucket=request.bucket,
        key=request.key,
        size_bytes=completed.size_bytes,
        etag=completed.etag,
        last_modified_ms=completed.modified_ms,
        content_type=completed.content_type,
        metadata=completed.metadata,
        crc64nvme=completed.crc64nvme,
        part_count=completed.part_count,
    )
