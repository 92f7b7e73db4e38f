"""Multipart uploads: opened, filled, completed without copying a byte, aborted, expired.

Promises: completing is metadata only; the same completion asked again gets the same answer; of a completion and an
abort one wins and the other finds no upload; a part that is replaced, dropped or aborted leaves with its bytes; an
upload that nobody ends is ended by a lifecycle rule, or else after a week. Source of the rules: S3 API reference,
CompleteMultipartUpload; S3 user guide, "Amazon S3 multipart upload limits".
"""

import hashlib

import msgspec

from cumulo.object_store import body_model, keys, locks, naming, object_model, upload_model
from cumulo.object_store.bodies import NewBody, discard_body, write_body
from cumulo.object_store.buckets import open_bucket, open_counters, save_counters
from cumulo.object_store.checksums import OWN, check_completed, check_whole, of_parts, upload_type
from cumulo.object_store.conditions import check_write
from cumulo.object_store.encryption import told_of
from cumulo.object_store.errors import (
    CONDITIONAL_REQUEST_CONFLICT,
    ENTITY_TOO_SMALL,
    INVALID_PART,
    INVALID_PART_ORDER,
    INVALID_REQUEST,
    NO_PARTS,
    NO_SUCH_UPLOAD,
)
from cumulo.object_store.event_documents import CREATED_COMPLETE
from cumulo.object_store.keys import CompletedRecord, ObjectRecord, PartRecord, Parts, UploadRecord
from cumulo.object_store.lifecycle_index import expiry_of, upload_ends_ms
from cumulo.object_store.listing import ListStep, common_prefix, rolled_up
from cumulo.object_store.objects import current_object, described, description_of, replace_object, shown_part
from cumulo.object_store.stamping import Stamped
from cumulo.object_store.versions import new_version_id
from cumulo.storage import records, tuples
from cumulo.storage.engine import PARTITION_BYTES, Due, ReadTxn, Row, Txn
from cumulo.storage.tuples import u64

CHUNKS_MAX = -(-upload_model.PARTS_MAX // keys.CHUNK_PARTS)
ENDED_PER_TRANSACTION = 200
"""Uploads that end with their bucket: some 3 operations each, of 2,000."""


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
    record: UploadRecord


class ListedUploads(msgspec.Struct, frozen=True):
    """A page of uploads; `position` is where the next one starts, empty where nothing is left."""

    uploads: list[OpenUpload]
    common_prefixes: list[str]
    position: bytes = b""


class ListedParts(msgspec.Struct, frozen=True):
    """One more part than a page holds, if there are so many, and their upload."""

    parts: list[object_model.Part]
    record: UploadRecord


def create_upload(txn: Txn, stamped: Stamped) -> int:
    """Open an upload and return its number; raises `InvalidRequest` for a checksum that no upload can have."""
    request: upload_model.CreateMultipartUpload = stamped.request
    partition = stamped.partition
    meta = open_bucket(txn, partition, request.bucket)
    counters = open_counters(txn, partition)
    upload = counters.next
    description = description_of(request)
    record = UploadRecord(
        create_ms=stamped.wall_ms,
        expires_ms=upload_ends_ms(txn, stamped, meta, request.key, stamped.wall_ms),
        content_type=description.content_type,
        metadata=dict(description.metadata),
        headers=dict(description.headers),
        storage_class=description.storage_class,
        tags=dict(description.tags),
        checksum=request.checksum,
        is_composite=upload_type(request.checksum, request.checksum_type) == body_model.COMPOSITE,
        initiator=stamped.origin.arn,
        acl=stamped.acl,
        encryption=stamped.encryption,
        lock=request.lock,
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
    upload = find_upload(txn, stamped)
    assert upload.checksum in ("", OWN, *new.checksums), (upload.checksum, tuple(new.checksums))
    counters = open_counters(txn, partition)
    part = PartRecord(
        number=number,
        size_bytes=new.size_bytes,
        md5=new.etag,
        modified_ms=stamped.wall_ms,
        body=counters.next,
        blob=new.blob,
        crc64nvme=new.crc64nvme,
        checksum=new.checksums.get(upload.checksum, b""),
    )
    assert (upload.encryption is None) == (new.encryption is None), stamped.upload
    write_body(txn, partition, part.body, new, is_part=True)
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


def complete_upload(txn: Txn, stamped: Stamped) -> object_model.Object:
    """Make the object out of its parts.

    Raises `NoSuchUpload`, `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `InvalidRequest`, `BadDigest`,
    `PreconditionFailed`, `NoSuchKey`, `ConditionalRequestConflict` where the object that is to be matched was written
    after the upload had begun.
    """
    request: upload_model.CompleteMultipartUpload = stamped.request
    partition = stamped.partition
    meta = open_bucket(txn, partition, request.bucket)
    asked = (request.parts, request.messages) if request.messages else request.parts
    fingerprint = hashlib.sha256(msgspec.msgpack.encode(asked)).digest()[:16]
    upload_key = keys.upload_key(partition, request.key, stamped.upload)
    stored = txn.get(upload_key)
    if stored is None:
        return _completed_before(txn, stamped, fingerprint)
    if not request.parts:
        raise NO_PARTS.error()
    upload = keys.decode_upload(stored)
    rows = chunk_rows(txn, partition, stamped.upload)
    chosen = _choose(rows, request.parts)
    check_completed(upload, chosen, request.parts, etags_suffice=request.etags_suffice)
    size_bytes = sum(part.size_bytes for part in chosen)
    if request.object_size_bytes not in (body_model.UNKNOWN, size_bytes):
        raise INVALID_REQUEST.error(
            reason=f"The provided 'x-amz-mp-object-size' header value {request.object_size_bytes} does not match what "
            f"was computed: {size_bytes}"
        )
    crc64nvme, checksums = of_parts(upload, chosen)
    shown = checksums or {"crc64nvme": crc64nvme.to_bytes(8, "big")}
    check_whole(upload, shown, request.checksums, request.checksum_type)
    found = current_object(txn, stamped)
    check_write(found, request.key, request.if_match, request.if_none_match)
    if request.if_match and found is not None and found.modified_ms > upload.create_ms:
        raise CONDITIONAL_REQUEST_CONFLICT.error(key=naming.shown(request.key), condition="If-Match")

    counters = open_counters(txn, partition)
    record = ObjectRecord(
        size_bytes=size_bytes,
        etag=etag_of(chosen),
        modified_ms=stamped.wall_ms,
        body=counters.next,
        part_count=len(chosen),
        crc64nvme=crc64nvme,
        checksums=checksums,
        content_type=upload.content_type,
        metadata=upload.metadata,
        headers=upload.headers,
        storage_class=upload.storage_class,
        tags=upload.tags,
        is_composite=upload.is_composite,
        acl=upload.acl,
        encryption=upload.encryption,
        version_id=new_version_id(meta, partition, counters.next),
        lock=locks.lock_of_new(upload.lock, meta, stamped.wall_ms),
    )
    write_manifest(txn, partition, record.body, chosen)
    left = _drop_chosen(txn, rows, chosen)
    _end_upload(txn, stamped, upload_key, upload, clear=left)
    enclosed = b"" if stamped.enclosed is None else stamped.enclosed.store(txn)
    _remember(txn, stamped, fingerprint, record, enclosed)
    replace_object(txn, stamped, meta, counters, found, record, CREATED_COMPLETE, uploads_ended=1)
    expiry = expiry_of(txn, partition, meta.lifecycle, request.key, record)
    answer = described(request.bucket, request.key, record, expiry=expiry)
    return _with_messages(answer, stamped, enclosed)


def abort_upload(txn: Txn, stamped: Stamped) -> None:
    """End an upload; its parts are cleared by the due index. Raises `NoSuchUpload`."""
    upload = find_upload(txn, stamped)
    upload_key = keys.upload_key(stamped.partition, stamped.request.key, stamped.upload)
    _end_upload(txn, stamped, upload_key, upload, clear=True)
    counters = open_counters(txn, stamped.partition)
    counters = msgspec.structs.replace(counters, uploads=counters.uploads - 1)
    save_counters(txn, stamped.partition, counters)


def end_uploads(txn: Txn, stamped: Stamped) -> bool:
    """End some of the uploads of a bucket that holds nothing else; return whether others are left."""
    partition = stamped.partition
    open_bucket(txn, partition, stamped.request.bucket)
    counters = open_counters(txn, partition)
    if counters.objects or counters.versions:
        return False
    uploads = partition + keys.UPLOADS
    rows = txn.range(uploads, tuples.after(uploads), ENDED_PER_TRANSACTION)
    for row_key, value in rows:
        _, number = keys.parse_upload_key(row_key)
        one = msgspec.structs.replace(stamped, upload=number)
        _end_upload(txn, one, row_key, keys.decode_upload(value), clear=True)
    left = counters.uploads - len(rows)
    save_counters(txn, partition, msgspec.structs.replace(counters, uploads=left))
    return left > 0


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


def list_parts(txn: ReadTxn, stamped: Stamped) -> ListedParts:
    """Return an upload's parts behind the number in `after`, at most `limit`."""
    upload = find_upload(txn, stamped)
    behind = int.from_bytes(stamped.after, "big")
    parts: list[object_model.Part] = []
    if behind < upload_model.PARTS_MAX:
        start = keys.chunk_key(stamped.partition, stamped.upload, behind + 1)
        end = tuples.after(keys.chunk_prefix(stamped.partition, stamped.upload))
        # Chunks hold a hundred numbers each, so the page is full after a few, or a few more where numbers are sparse.
        for _, value in txn.range(start, end, CHUNKS_MAX):
            parts += [
                shown_part(part, upload.checksum) for part in keys.decode_parts(value).parts if part.number > behind
            ]
            if len(parts) >= stamped.limit:
                break
    return ListedParts(parts[: stamped.limit], upload)


def uploads_position(prefix: str, delimiter: str, key_marker: str, upload: int | None) -> bytes:
    """Return where a listing of uploads begins: at its prefix, behind all uploads of a key, or behind one of them.

    A marker within a common prefix stands for all of it.
    """
    begin = keys.text_prefix(b"", prefix)
    if not key_marker:
        return begin
    common = rolled_up(key_marker, prefix, delimiter)
    if common:
        return tuples.after(keys.text_prefix(b"", common))
    of_key = tuples.encode((key_marker,))
    return max(begin, tuples.after(of_key) if upload is None else of_key + u64(upload) + b"\x00")


def list_uploads(txn: ReadTxn, step: ListStep) -> ListedUploads:
    """Return a page of a bucket's open uploads, from a position on, rolled up at a delimiter as objects are.

    Each seek finds an entry of the page, so a page is one snapshot.
    """
    open_bucket(txn, step.partition, step.bucket)
    subspace = step.partition + keys.UPLOADS
    position, end = subspace + step.position, tuples.after(keys.text_prefix(subspace, step.prefix))
    found = ListedUploads([], [])
    count = 0
    while position < end:
        batch = 1 if step.delimiter else step.limit + 1 - count
        rows = txn.range(position, end, batch)
        for row_key, value in rows:
            if count == step.limit:
                return msgspec.structs.replace(found, position=row_key[len(subspace) :])
            count += 1
            key, upload = keys.parse_upload_key(row_key)
            common = common_prefix(key, step.prefix, step.delimiter)
            if common:
                found.common_prefixes.append(common)
                position = tuples.after(keys.text_prefix(subspace, common))
            else:
                found.uploads.append(OpenUpload(key, upload, keys.decode_upload(value)))
                position = row_key + b"\x00"
        if len(rows) < batch:
            break
    return found


def chunk_rows(txn: ReadTxn, partition: bytes, upload: int) -> list[Row]:
    """Return the rows of an upload's parts."""
    prefix = keys.chunk_prefix(partition, upload)
    return txn.range(prefix, tuples.after(prefix), CHUNKS_MAX)


def _choose(rows: list[Row], wanted: tuple[upload_model.CompletedPart, ...]) -> list[PartRecord]:
    """Return the stored parts that a completion names; raises what S3 raises for a list that cannot be."""
    stored = {part.number: part for _, value in rows for part in keys.decode_parts(value).parts}
    chosen: list[PartRecord] = []
    for one in wanted:
        if chosen and one.part_number <= chosen[-1].number:
            raise INVALID_PART_ORDER.error(part_number=one.part_number, before=chosen[-1].number)
        part = stored.get(one.part_number)
        if part is None or one.etag != part.md5.hex():
            raise INVALID_PART.error(part_number=one.part_number, etag=one.etag)
        chosen.append(part)
    for part in chosen[:-1]:
        if part.size_bytes < upload_model.PART_BYTES_MIN:
            raise ENTITY_TOO_SMALL.error(
                part_number=part.number, etag=part.md5.hex(), size=part.size_bytes, allowed=upload_model.PART_BYTES_MIN
            )
    return chosen


def etag_of(parts: list[PartRecord]) -> str:
    """Return S3's ETag of an object in parts: the MD5 of their MD5s, a hyphen, and their number."""
    joined = hashlib.md5(b"".join(part.md5 for part in parts), usedforsecurity=False)
    return f"{joined.hexdigest()}-{len(parts)}"


def write_manifest(txn: Txn, partition: bytes, body: int, parts: list[PartRecord]) -> None:
    """Write the manifest of an object in parts."""
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


def _with_messages(completed: object_model.Object, stamped: Stamped, enclosed: bytes) -> object_model.Object:
    if stamped.enclosed is None:
        return completed
    return msgspec.structs.replace(completed, messages=stamped.enclosed.sent(enclosed))


def _remember(txn: Txn, stamped: Stamped, fingerprint: bytes, record: ObjectRecord, enclosed: bytes) -> None:
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
        checksums=record.checksums,
        is_composite=record.is_composite,
        enclosed=enclosed,
        encryption=told_of(record.encryption),
        version_id=record.version_id,
    )
    key = keys.completed_key(stamped.partition, stamped.upload)
    txn.put(key, records.encode(completed))
    txn.due(stamped.now_ms + upload_model.COMPLETED_KEPT_MS, keys.UPLOAD_FORGET, key)


def _completed_before(txn: ReadTxn, stamped: Stamped, fingerprint: bytes) -> object_model.Object:
    request: upload_model.CompleteMultipartUpload = stamped.request
    stored = txn.get(keys.completed_key(stamped.partition, stamped.upload))
    completed = None if stored is None else keys.decode_completed(stored)
    if completed is None or completed.key != request.key or completed.fingerprint != fingerprint:
        raise NO_SUCH_UPLOAD.error()
    answer = object_model.Object(
        bucket=request.bucket,
        key=request.key,
        size_bytes=completed.size_bytes,
        etag=completed.etag,
        last_modified_ms=completed.modified_ms,
        content_type=completed.content_type,
        metadata=completed.metadata,
        crc64nvme=completed.crc64nvme,
        part_count=completed.part_count,
        checksums=completed.checksums,
        checksum_type=body_model.COMPOSITE if completed.is_composite else body_model.FULL_OBJECT,
        encryption=completed.encryption,
        version_id=completed.version_id,
    )
    return _with_messages(answer, stamped, completed.enclosed)
