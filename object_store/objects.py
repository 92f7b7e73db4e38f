"""Objects: stored, found, deleted, each in one transaction with its listing entry, its counts and its events.

Promises: conditions are decided here, on what is there at the commit; what an object replaces is discarded in the same
commit; so is every event written that the change causes.
"""

from collections.abc import Mapping

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.object_store import acl, keys, model
from cumulo.object_store.archives import check_readable, restore_status
from cumulo.object_store.bodies import NewBody, discard_body, read_inline, read_kept, read_seal, write_body
from cumulo.object_store.buckets import open_bucket, open_counters, save_counters
from cumulo.object_store.checksums import OWN, part_checksums
from cumulo.object_store.conditions import check_delete, check_read, check_write
from cumulo.object_store.encryption import told_of
from cumulo.object_store.errors import NO_SUCH_KEY, PRECONDITION_FAILED
from cumulo.object_store.event_documents import ACL_PUT, REMOVED_DELETE, TAGGING_DELETE, TAGGING_PUT, Change
from cumulo.object_store.keys import Counters, Meta, ObjectRecord, PartRecord
from cumulo.object_store.lifecycle_index import armed, disarm, expiry_of
from cumulo.object_store.lifecycle_model import Ending
from cumulo.object_store.naming import shown
from cumulo.object_store.notifications import tell, write_events
from cumulo.object_store.quotas import check_quota
from cumulo.object_store.ranges import find_part, resolve_part, resolve_range
from cumulo.object_store.stamping import Stamped
from cumulo.storage import records
from cumulo.storage.blobs import Seal
from cumulo.storage.engine import ReadTxn, Row, Txn
from cumulo.storage.tuples import after

MANIFEST_SLICES_MAX = -(-model.PARTS_MAX // keys.MANIFEST_PARTS)


class Stored(msgspec.Struct, frozen=True, array_like=True):
    """What a commit answers, small enough to be remembered for a repeated request. `blob` tells whose bytes stayed,
    `enclosed` which messages were stored with them.
    """

    size_bytes: int
    etag: str
    modified_ms: int
    crc64nvme: int
    part_count: int = 0
    blob: int = 0
    enclosed: bytes = b""
    expiry: Ending | None = None


class Description(msgspec.Struct, frozen=True):
    """What is kept with an object beside its bytes."""

    content_type: str
    metadata: Mapping[str, str]
    headers: Mapping[str, str]
    storage_class: str
    tags: Mapping[str, str]


def description_of(request: model.PutObject | model.CreateMultipartUpload | model.CopyObject) -> Description:
    """Return what a request says of its object."""
    return Description(
        content_type=request.content_type or model.DEFAULT_CONTENT_TYPE,
        metadata=request.metadata,
        headers=request.headers,
        storage_class="" if request.storage_class == model.STANDARD else request.storage_class,
        tags=request.tags,
    )


class CommitObject(msgspec.Struct, frozen=True):
    """A body that is to become an object; `stamped.request` names it and the conditions."""

    stamped: Stamped
    body: NewBody
    description: Description
    event_name: str


class Contents(msgspec.Struct, frozen=True):
    """An object as one snapshot shows it, with what it takes to read its bytes: the bytes themselves where they are
    inline, the seal of its blob, or the rows of its manifest. `kept` is what is kept of an encrypted body.
    """

    record: ObjectRecord
    inline: bytes = b""
    seal: Seal | None = None
    manifest: tuple[Row, ...] = ()
    expiry: Ending | None = None
    kept: bytes = b""

    def asked(self, request: model.GetObject | model.HeadObject) -> tuple[int, int]:
        """Return the offsets of the first byte that is asked for and of the one behind the last."""
        if request.part_number:
            return resolve_part(self.record, self.manifest, request.part_number)
        return resolve_range(self.record.size_bytes, request.range)

    def download(self, request: model.GetObject | model.HeadObject, first: int, end: int) -> model.Download:
        """Return what a caller is told of the bytes `first` to `end`."""
        return model.Download(
            object=described(request.bucket, request.key, self.record, self.expiry),
            first_byte=first,
            content_length=end - first,
            is_partial=request.range is not None or request.part_number > 0,
            parts_count=self.record.part_count if request.part_number else 0,
            part_checksums=self._part_checksums(request.part_number) if request.part_number else {},
        )

    def _part_checksums(self, part_number: int) -> Mapping[str, bytes]:
        """Return a part's checksum of the object's algorithm."""
        found = find_part(self.manifest, part_number)
        name = next(iter(self.record.checksums), OWN)
        known = {} if found is None else part_checksums(name, found[0])
        return {name: known[name]} if name in known else {}


def find_object(txn: ReadTxn, stamped: Stamped) -> ObjectRecord | None:
    """Return an object's record, or None; `request` names bucket and key."""
    stored = txn.get(keys.object_key(stamped.partition, stamped.request.key))
    return None if stored is None else keys.decode_object(stored)


def head_object(txn: ReadTxn, stamped: Stamped) -> model.Download:
    """Return what a download would bring; raises as `open_object`, and `InvalidRange` or `InvalidPartNumber`."""
    request: model.HeadObject = stamped.request
    record = existing(txn, stamped)
    check_read(record, request.conditions)
    manifest = manifest_of(txn, stamped.partition, record) if request.part_number and record.part_count else ()
    contents = Contents(record, manifest=manifest, expiry=_expiry(txn, stamped, record))
    return contents.download(request, *contents.asked(request))


def open_object(txn: ReadTxn, stamped: Stamped) -> Contents:
    """Return an object with what it takes to read it; raises `NoSuchKey`, `PreconditionFailed`, `NotModified` or
    `InvalidObjectState`.
    """
    record = existing(txn, stamped)
    check_read(record, stamped.request.conditions)
    check_readable(record)
    partition = stamped.partition
    expiry = _expiry(txn, stamped, record)
    if record.part_count:
        return Contents(record, manifest=manifest_of(txn, partition, record), expiry=expiry)
    if record.blob:
        kept = read_kept(txn, partition, record.body) if record.encryption is not None else b""
        return Contents(record, seal=read_seal(txn, partition, record), expiry=expiry, kept=kept)
    kept = record.encryption.kept if record.encryption is not None else b""
    inline = read_inline(txn, partition, record.body, record.size_bytes)
    return Contents(record, inline=inline, expiry=expiry, kept=kept)


def _expiry(txn: ReadTxn, stamped: Stamped, record: ObjectRecord) -> Ending | None:
    return expiry_of(txn, stamped.partition, stamped.lifecycle, stamped.request.key, record)


def commit_object(txn: Txn, commit: CommitObject) -> Stored:
    """Give a received body its name; raises `NoSuchBucket`, `PreconditionFailed` or `NoSuchKey` (of `if_match`)."""
    stamped, new, description = commit.stamped, commit.body, commit.description
    request: model.PutObject | model.CopyObject = stamped.request
    partition = stamped.partition
    meta = open_bucket(txn, partition, request.bucket)
    found = find_object(txn, stamped)
    check_write(found, request.key, request.if_match, request.if_none_match)
    counters = open_counters(txn, partition)
    record = ObjectRecord(
        size_bytes=new.size_bytes,
        etag=new.etag.hex(),
        modified_ms=stamped.wall_ms,
        body=counters.next,
        blob=new.blob,
        crc64nvme=new.crc64nvme,
        checksums=new.checksums,
        content_type=description.content_type,
        metadata=dict(description.metadata),
        headers=dict(description.headers),
        storage_class=description.storage_class,
        tags=dict(description.tags),
        acl=stamped.acl,
        encryption=new.encryption,
    )
    write_body(txn, partition, record.body, new)
    replace_object(txn, stamped, meta, counters, found, record, commit.event_name)
    enclosed = b"" if stamped.enclosed is None else stamped.enclosed.store(txn)
    return stored_answer(record, enclosed, expiry_of(txn, partition, meta.lifecycle, request.key, record))


def replace_object(
    txn: Txn,
    stamped: Stamped,
    meta: Meta,
    counters: Counters,
    found: ObjectRecord | None,
    record: ObjectRecord,
    event_name: str,
    uploads_ended: int = 0,
) -> None:
    """Write an object's new version over `found`, count it, and tell of it. `record.body` is the counters' next."""
    partition, key = stamped.partition, stamped.request.key
    assert record.body == counters.next, (record.body, counters.next)
    record = armed(txn, stamped, meta, key, record, found)
    txn.put(keys.object_key(partition, key), records.encode(record))
    if found is not None:
        discard_body(txn, partition, found, stamped.now_ms)
    counted = Counters(
        objects=counters.objects + (found is None),
        bytes=counters.bytes + record.size_bytes - (0 if found is None else found.size_bytes),
        uploads=counters.uploads - uploads_ended,
        next=counters.next + 1,
    )
    check_quota(meta, counters, counted)
    save_counters(txn, partition, counted)
    if meta.listens:
        change = Change(event_name, key, record.body, stamped.wall_ms, record.size_bytes, record.etag)
        write_events(txn, stamped, meta, change)


def delete_object(txn: Txn, stamped: Stamped) -> None:
    """Delete an object, if it is there; raises `NoSuchBucket`, of conditions `PreconditionFailed` and `NoSuchKey`."""
    meta = open_bucket(txn, stamped.partition, stamped.request.bucket)
    found = find_object(txn, stamped)
    check_delete(found, stamped.request.key, stamped.request)
    if found is not None:
        counters = open_counters(txn, stamped.partition)
        counters = remove_object(txn, stamped, meta, counters, stamped.request.key, found)
        save_counters(txn, stamped.partition, counters)


class DeletedSlice(msgspec.Struct, frozen=True, array_like=True):
    """What a slice of a batch delete did not do, by places in the slice: who was another than asked for, and who was
    not there to have an ETag.
    """

    differing: list[int]
    missing: list[int]


def delete_objects(txn: Txn, stamped: Stamped) -> DeletedSlice:
    """Delete the objects of a slice of a batch, each for itself; `request` is the batch with the slice's entries."""
    request: model.BatchDeleteObjects = stamped.request
    partition = stamped.partition
    meta = open_bucket(txn, partition, request.bucket)
    counters = open_counters(txn, partition)
    outcome = DeletedSlice([], [])
    for index, entry in enumerate(request.entries):
        stored = txn.get(keys.object_key(partition, entry.key))
        found = None if stored is None else keys.decode_object(stored)
        try:
            check_delete(found, entry.key, entry)
        except ServiceError as error:
            (outcome.missing if error.row is NO_SUCH_KEY else outcome.differing).append(index)
            continue
        if found is not None:
            counters = remove_object(txn, stamped, meta, counters, entry.key, found)
    save_counters(txn, partition, counters)
    return outcome


def refusals(outcome: DeletedSlice, entries: tuple[model.DeleteEntry, ...]) -> dict[int, model.ItemError]:
    """Return the errors of a slice's entries by their places."""
    errors = {index: PRECONDITION_FAILED.error(condition="If-Match") for index in outcome.differing}
    errors |= {index: NO_SUCH_KEY.error(key=shown(entries[index].key)) for index in outcome.missing}
    return {index: model.ItemError(error.row.code, error.message) for index, error in errors.items()}


def described(bucket: str, key: str, record: ObjectRecord, expiry: Ending | None = None) -> model.Object:
    """Return an object as callers see it; `expiry` is when it expires by the bucket's rules."""
    return model.Object(
        bucket=bucket,
        key=key,
        size_bytes=record.size_bytes,
        etag=record.etag,
        last_modified_ms=record.modified_ms,
        content_type=record.content_type,
        metadata=record.metadata,
        crc64nvme=record.crc64nvme,
        checksums=record.checksums,
        part_count=record.part_count,
        checksum_type=model.COMPOSITE if record.is_composite else model.FULL_OBJECT,
        headers=record.headers,
        storage_class=record.storage_class or model.STANDARD,
        tag_count=len(record.tags),
        expiry=expiry,
        encryption=told_of(record.encryption),
        restore=restore_status(record),
    )


def stored_answer(record: ObjectRecord, enclosed: bytes = b"", expiry: Ending | None = None) -> Stored:
    """Return what a commit answers about the record that it wrote."""
    return Stored(
        record.size_bytes,
        record.etag,
        record.modified_ms,
        record.crc64nvme,
        record.part_count,
        record.blob,
        enclosed,
        expiry,
    )


def get_tags(txn: ReadTxn, stamped: Stamped) -> dict[str, str]:
    """Return an object's tags; raises `NoSuchKey`."""
    return existing(txn, stamped).tags


def set_tags(txn: Txn, stamped: Stamped) -> None:
    """Replace an object's tags, or remove them; it stays as old as it was. Raises `NoSuchKey`."""
    request: model.SetObjectTagging | model.DeleteObjectTagging = stamped.request
    sets = isinstance(request, model.SetObjectTagging)
    tags = dict(request.tags) if isinstance(request, model.SetObjectTagging) else {}
    found = existing(txn, stamped)
    record = msgspec.structs.replace(found, tags=tags)
    meta = open_bucket(txn, stamped.partition, request.bucket)
    record = armed(txn, stamped, meta, request.key, record, found)
    txn.put(keys.object_key(stamped.partition, request.key), records.encode(record))
    tell(txn, stamped, meta, TAGGING_PUT if sets else TAGGING_DELETE, request.key, record)


def get_acl(txn: ReadTxn, stamped: Stamped) -> model.Acl:
    """Return an object's access control list; `stamped.acl` is what holds where lists are off. Raises `NoSuchKey`."""
    record = existing(txn, stamped)
    if stamped.acl is not None:
        return stamped.acl
    account = open_bucket(txn, stamped.partition, stamped.request.bucket).account
    return model.Acl(*acl.read(record.acl, account))


def set_acl(txn: Txn, stamped: Stamped) -> None:
    """Replace an object's access control list; it stays as old as it was. Raises `NoSuchKey`.

    Where lists are off, `stamped.acl` says so, and there is nothing to write.
    """
    request: model.SetObjectAcl = stamped.request
    record = existing(txn, stamped)
    if stamped.acl is None:
        meta = open_bucket(txn, stamped.partition, request.bucket)
        account = meta.account
        owner = acl.read(record.acl, account)[0]
        grants = acl.canned(request.acl, owner, account) if stamped.grants is None else stamped.grants
        record = msgspec.structs.replace(record, acl=acl.kept(owner, grants, account))
        txn.put(keys.object_key(stamped.partition, request.key), records.encode(record))
        tell(txn, stamped, meta, ACL_PUT, request.key, record)


def get_attributes(txn: ReadTxn, stamped: Stamped) -> model.ObjectAttributes:
    """Return an object with a page of its parts, if it is in parts."""
    request: model.GetObjectAttributes = stamped.request
    record = existing(txn, stamped)
    check_read(record, request.conditions)
    found = described(request.bucket, request.key, record)
    name = next(iter(record.checksums), "")
    parts: list[model.Part] = []
    if record.part_count:
        for _, value in manifest_of(txn, stamped.partition, record):
            stored = keys.decode_parts(value).parts
            if stored[-1].number > request.part_number_marker and len(parts) <= stamped.limit:
                parts += [shown_part(part, name) for part in stored if part.number > request.part_number_marker]
    page = parts[: stamped.limit]
    return model.ObjectAttributes(found, page, page[-1].part_number if page else 0, len(parts) > len(page))


def shown_part(part: PartRecord, name: str) -> model.Part:
    """Return a part as callers see it; `name` is the algorithm of its upload's checksums, empty for none."""
    return model.Part(
        part_number=part.number,
        etag=part.md5.hex(),
        size_bytes=part.size_bytes,
        last_modified_ms=part.modified_ms,
        crc64nvme=part.crc64nvme,
        checksums=part_checksums(name, part),
    )


def manifest_of(txn: ReadTxn, partition: bytes, record: ObjectRecord) -> tuple[Row, ...]:
    """Return the rows of an object's manifest; none where it was stored whole."""
    if not record.part_count:
        return ()
    prefix = keys.manifest_prefix(partition, record.body)
    return tuple(txn.range(prefix, after(prefix), MANIFEST_SLICES_MAX))


def existing(txn: ReadTxn, stamped: Stamped) -> ObjectRecord:
    """Return the record of an object; raises `NoSuchBucket` or `NoSuchKey`."""
    found = find_object(txn, stamped)
    if found is None:
        open_bucket(txn, stamped.partition, stamped.request.bucket)
        raise NO_SUCH_KEY.error(key=shown(stamped.request.key))
    return found


def remove_object(
    txn: Txn,
    stamped: Stamped,
    meta: Meta,
    counters: Counters,
    key: str,
    found: ObjectRecord,
    event_name: str = REMOVED_DELETE,
) -> Counters:
    """Remove an object that is there and tell of it; returns the counters to save."""
    row_key = keys.object_key(stamped.partition, key)
    txn.delete(row_key)
    disarm(txn, row_key, found)
    discard_body(txn, stamped.partition, found, stamped.now_ms)
    if meta.listens:
        write_events(txn, stamped, meta, Change(event_name, key, counters.next, stamped.wall_ms))
    return Counters(
        objects=counters.objects - 1,
        bytes=counters.bytes - found.size_bytes,
        uploads=counters.uploads,
        next=counters.next + 1,
    )
