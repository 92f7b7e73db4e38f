"""Objects: stored, found, deleted, each in one transaction with its listing entry, its counts and its events.

Promises: conditions are decided here, on what is there at the commit; what an object replaces is discarded in the same
commit; so is every event written that the change causes.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.object_store import (
    acl,
    acl_model,
    body_model,
    configuration_model,
    copy_model,
    keys,
    lock_model,
    locks,
    object_model,
    tagging_model,
    upload_model,
)
from cumulo.object_store.archives import check_readable, restore_status
from cumulo.object_store.bodies import NewBody, read_inline, read_kept, read_seal, write_body
from cumulo.object_store.buckets import open_bucket, open_counters, save_counters
from cumulo.object_store.checksums import OWN, part_checksums
from cumulo.object_store.conditions import check_delete, check_read, check_write
from cumulo.object_store.encryption import told_of
from cumulo.object_store.errors import METHOD_NOT_ALLOWED, NO_SUCH_KEY, NO_SUCH_VERSION, PRECONDITION_FAILED
from cumulo.object_store.event_documents import (
    ACL_PUT,
    ETAG_OF_NOTHING,
    REMOVED_BY_MARKER,
    REMOVED_DELETE,
    TAGGING_DELETE,
    TAGGING_PUT,
    Change,
)
from cumulo.object_store.keys import Counters, Meta, ObjectRecord, PartRecord
from cumulo.object_store.lifecycle_index import armed, expiry_of
from cumulo.object_store.lifecycle_model import Ending
from cumulo.object_store.naming import shown
from cumulo.object_store.notifications import tell, write_events
from cumulo.object_store.quotas import check_quota
from cumulo.object_store.ranges import find_part, resolve_part, resolve_range
from cumulo.object_store.replication_outbox import sent, sent_again
from cumulo.object_store.stamping import Stamped
from cumulo.object_store.versions import (
    find_current,
    find_version,
    make_way,
    mark_deleted,
    name_replica,
    new_version_id,
    newest_other,
    remove_version,
    shown_version,
    version_id,
    write_version,
)
from cumulo.storage import records
from cumulo.storage.blobs import Seal
from cumulo.storage.engine import ReadTxn, Row, Txn
from cumulo.storage.tuples import after

MANIFEST_SLICES_MAX = -(-upload_model.PARTS_MAX // keys.MANIFEST_PARTS)


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
    version_id: str = ""


class Description(msgspec.Struct, frozen=True):
    """What is kept with an object beside its bytes."""

    content_type: str
    metadata: Mapping[str, str]
    headers: Mapping[str, str]
    storage_class: str
    tags: Mapping[str, str]


def description_of(
    request: object_model.PutObject | upload_model.CreateMultipartUpload | copy_model.CopyObject,
) -> Description:
    """Return what a request says of its object."""
    return Description(
        content_type=request.content_type or object_model.DEFAULT_CONTENT_TYPE,
        metadata=request.metadata,
        headers=request.headers,
        storage_class="" if request.storage_class == object_model.STANDARD else request.storage_class,
        tags=request.tags,
    )


class CommitObject(msgspec.Struct, frozen=True):
    """A body that is to become an object; `stamped.request` names it and the conditions. Of a replica `replica_of` is
    the version that it is of.
    """

    stamped: Stamped
    body: NewBody
    description: Description
    event_name: str
    replica_of: ObjectRecord | None = None


class Contents(msgspec.Struct, frozen=True):
    """An object as one snapshot shows it, with what it takes to read its bytes: the bytes themselves where they are
    inline, the seal of its blob, or the rows of its manifest. `kept` is what is kept of an encrypted body, `lock` as
    much of the lock as the caller may know.
    """

    record: ObjectRecord
    inline: bytes = b""
    seal: Seal | None = None
    manifest: tuple[Row, ...] = ()
    expiry: Ending | None = None
    kept: bytes = b""
    is_versioned: bool = False
    lock: lock_model.ObjectLock | None = None

    def asked(self, request: object_model.GetObject | object_model.HeadObject) -> tuple[int, int]:
        """Return the offsets of the first byte that is asked for and of the one behind the last."""
        if request.part_number:
            return resolve_part(self.record, self.manifest, request.part_number)
        return resolve_range(self.record.size_bytes, request.range)

    def download(
        self, request: object_model.GetObject | object_model.HeadObject, first: int, end: int
    ) -> object_model.Download:
        """Return what a caller is told of the bytes `first` to `end`."""
        return object_model.Download(
            object=described(
                request.bucket,
                request.key,
                self.record,
                expiry=self.expiry,
                is_versioned=self.is_versioned,
                lock=self.lock,
            ),
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
    """Return the record of the version that `request` names by bucket, key and version id, or None; it may be a delete
    marker where there is an id.
    """
    request = stamped.request
    return find_version(txn, stamped.partition, request.key, request.version_id)


def current_object(txn: ReadTxn, stamped: Stamped) -> ObjectRecord | None:
    """Return the record of the current version of the object that `request` names by bucket and key, or None."""
    return find_current(txn, stamped.partition, stamped.request.key)


def sought(txn: ReadTxn, stamped: Stamped) -> ObjectRecord | ServiceError:
    """Return what `existing` returns, or the error that it raises."""
    try:
        return existing(txn, stamped)
    except ServiceError as error:
        return error


def head_object(txn: ReadTxn, stamped: Stamped) -> object_model.Download:
    """Return what a download would bring; raises as `open_object`, and `InvalidRange` or `InvalidPartNumber`."""
    request: object_model.HeadObject = stamped.request
    record = existing(txn, stamped)
    check_read(record, request.conditions, stamped.wall_ms)
    manifest = manifest_of(txn, stamped.partition, record) if request.part_number and record.part_count else ()
    contents = Contents(
        record,
        manifest=manifest,
        expiry=_expiry(txn, stamped, record),
        is_versioned=stamped.is_versioned,
        lock=locks.shown_lock(record.lock, stamped.wall_ms, retention=stamped.shows_retention, hold=stamped.shows_hold),
    )
    return contents.download(request, *contents.asked(request))


def open_object(txn: ReadTxn, stamped: Stamped) -> Contents:
    """Return an object with what it takes to read it; raises as `existing`, `PreconditionFailed`, `NotModified` or
    `InvalidObjectState`.
    """
    record = existing(txn, stamped)
    check_read(record, stamped.request.conditions, stamped.wall_ms)
    check_readable(record)
    partition = stamped.partition
    contents = Contents(
        record,
        expiry=_expiry(txn, stamped, record),
        is_versioned=stamped.is_versioned,
        lock=locks.shown_lock(record.lock, stamped.wall_ms, retention=stamped.shows_retention, hold=stamped.shows_hold),
    )
    if record.part_count:
        return msgspec.structs.replace(contents, manifest=manifest_of(txn, partition, record))
    if record.blob:
        kept = read_kept(txn, partition, record.body) if record.encryption is not None else b""
        return msgspec.structs.replace(contents, seal=read_seal(txn, partition, record), kept=kept)
    kept = record.encryption.kept if record.encryption is not None else b""
    inline = read_inline(txn, partition, record.body, record.size_bytes)
    return msgspec.structs.replace(contents, inline=inline, kept=kept)


def _expiry(txn: ReadTxn, stamped: Stamped, record: ObjectRecord) -> Ending | None:
    """Return when an object expires; nobody is told of a version that he names."""
    request = stamped.request
    if request.version_id:
        return None
    return expiry_of(txn, stamped.partition, stamped.lifecycle, request.key, record)


def commit_object(txn: Txn, commit: CommitObject) -> Stored:
    """Give a received body its name; raises `NoSuchBucket`, `PreconditionFailed` or `NoSuchKey` (of `if_match`)."""
    stamped, new, description = commit.stamped, commit.body, commit.description
    request: object_model.PutObject | copy_model.CopyObject = stamped.request
    partition = stamped.partition
    meta = open_bucket(txn, partition, request.bucket)
    found = current_object(txn, stamped)
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
        version_id=new_version_id(meta, partition, counters.next),
        lock=locks.lock_of_new(request.lock, meta, stamped.wall_ms),
    )
    if commit.replica_of is not None:
        record = as_replica(txn, stamped, meta, record, commit.replica_of)
    write_body(txn, partition, record.body, new)
    replace_object(txn, stamped, meta, counters, found, record, commit.event_name)
    enclosed = b"" if stamped.enclosed is None else stamped.enclosed.store(txn)
    return stored_answer(record, enclosed, expiry_of(txn, partition, meta.lifecycle, request.key, record))


def as_replica(txn: Txn, stamped: Stamped, meta: Meta, record: ObjectRecord, source: ObjectRecord) -> ObjectRecord:
    """Return the record of a replica, as old as what it is of, with its id, its ETag, its checksums and its lock; and
    write the row by which it is found.
    """
    replica = msgspec.structs.replace(
        record,
        modified_ms=source.modified_ms,
        etag=source.etag,
        checksums=source.checksums,
        is_composite=source.is_composite,
        version_id=source.version_id,
        replication=object_model.REPLICA,
        lock=locks.lock_of_new(source.lock, meta, stamped.wall_ms),
    )
    name_replica(txn, stamped.partition, stamped.request.key, replica)
    return replica


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
    """Write an object's new version in place of `found`, the current one, count it, and tell of it. `record.body` is
    the counters' next.
    """
    partition, key = stamped.partition, stamped.request.key
    assert record.body == counters.next, (record.body, counters.next)
    left = make_way(txn, stamped, meta, counters, key, found)
    record = armed(txn, stamped, meta, key, sent(txn, stamped, meta, key, record), None)
    txn.put(keys.object_key(partition, key), records.encode(record))
    counted = msgspec.structs.replace(
        left,
        objects=left.objects + 1,
        bytes=left.bytes + record.size_bytes,
        uploads=left.uploads - uploads_ended,
        next=left.next + 1,
    )
    check_quota(meta, counters, counted)
    save_counters(txn, partition, counted)
    if meta.listens:
        change = Change(
            event_name, key, record.body, stamped.wall_ms, record.size_bytes, record.etag, record.version_id
        )
        write_events(txn, stamped, meta, change)


def delete_object(txn: Txn, stamped: Stamped) -> object_model.Deleted:
    """Delete an object or one of its versions; raises `NoSuchBucket`, of conditions `PreconditionFailed` and
    `NoSuchKey`, and `AccessDenied` for a version that is locked.
    """
    request: object_model.DeleteObject = stamped.request
    meta = open_bucket(txn, stamped.partition, request.bucket)
    found = find_object(txn, stamped)
    check_delete(found, request.key, request)
    if request.version_id:
        locks.check_removal(found, stamped.wall_ms, bypasses=request.bypasses_governance)
    counters = open_counters(txn, stamped.partition)
    deleted, left = remove_object(txn, stamped, meta, counters, request.key, found, request.version_id)
    if left != counters:
        save_counters(txn, stamped.partition, left)
    return deleted


class DeletedSlice(msgspec.Struct, frozen=True, array_like=True):
    """What a slice of a batch delete did not do, by places in the slice: who was another than asked for, who was not
    there to have an ETag, and who is `locked`. Of what it did, `marked` are the places whose objects got a delete
    marker, with the marker's number counted from `first`, and `unmarked` those whose version was one: small enough to
    be remembered.
    """

    differing: list[int]
    missing: list[int]
    first: int = 0
    keeps_ids: bool = False
    marked: dict[int, int] = {}
    unmarked: list[int] = []
    locked: list[int] = []

    def outcomes(
        self, partition: bytes, entries: tuple[object_model.DeleteEntry, ...]
    ) -> list[object_model.Deleted | object_model.ItemError]:
        """Return what became of each entry of the slice."""
        found: list[object_model.Deleted | object_model.ItemError] = [
            object_model.Deleted(entry.version_id) for entry in entries
        ]
        for place, offset in self.marked.items():
            number = self.first + offset
            found[place] = object_model.Deleted(
                version_id(partition, number) if self.keeps_ids else object_model.NULL_VERSION, is_delete_marker=True
            )
        for place in self.unmarked:
            found[place] = object_model.Deleted(entries[place].version_id, is_delete_marker=True)
        errors = {place: PRECONDITION_FAILED.error(condition="If-Match") for place in self.differing}
        errors |= {place: NO_SUCH_KEY.error(key=shown(entries[place].key)) for place in self.missing}
        errors |= {place: locks.protected() for place in self.locked}
        for place, error in errors.items():
            found[place] = object_model.ItemError(error.row.code, error.message)
        return found


def delete_objects(txn: Txn, stamped: Stamped) -> DeletedSlice:
    """Delete the objects of a slice of a batch, each for itself; `request` is the batch with the slice's entries."""
    request: object_model.BatchDeleteObjects = stamped.request
    partition = stamped.partition
    meta = open_bucket(txn, partition, request.bucket)
    counters = open_counters(txn, partition)
    first = counters.next
    outcome = DeletedSlice([], [], first, meta.versioning == configuration_model.VERSIONING_ENABLED, {}, [], [])
    for index, entry in enumerate(request.entries):
        found = find_version(txn, partition, entry.key, entry.version_id)
        try:
            check_delete(found, entry.key, entry)
        except ServiceError as error:
            (outcome.missing if error.row is NO_SUCH_KEY else outcome.differing).append(index)
            continue
        if entry.version_id and locks.is_protected(found, stamped.wall_ms, bypasses=entry.bypasses_governance):
            outcome.locked.append(index)
            continue
        number = counters.next
        deleted, counters = remove_object(
            txn, stamped, meta, counters, entry.key, found, entry.version_id, tells_absent=True
        )
        if deleted.is_delete_marker and entry.version_id:
            outcome.unmarked.append(index)
        elif deleted.is_delete_marker:
            outcome.marked[index] = number - first
    save_counters(txn, partition, counters)
    return outcome


def described(
    bucket: str,
    key: str,
    record: ObjectRecord,
    *,
    expiry: Ending | None = None,
    is_versioned: bool = False,
    lock: lock_model.ObjectLock | None = None,
) -> object_model.Object:
    """Return an object as callers see it; `expiry` is when it expires by the bucket's rules, `is_versioned` tells them
    the null version's id, too, `lock` is what they may know of what protects it.
    """
    return object_model.Object(
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
        checksum_type=body_model.COMPOSITE if record.is_composite else body_model.FULL_OBJECT,
        headers=record.headers,
        storage_class=record.storage_class or object_model.STANDARD,
        tag_count=len(record.tags),
        expiry=expiry,
        encryption=told_of(record.encryption),
        restore=restore_status(record),
        replication_status=record.replication,
        version_id=shown_version(record, is_versioned=is_versioned),
        lock=lock,
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
        record.version_id,
    )


def get_tags(txn: ReadTxn, stamped: Stamped) -> tagging_model.ObjectTags:
    """Return an object's tags; raises as `existing`."""
    record = existing(txn, stamped)
    return tagging_model.ObjectTags(record.tags, shown_version(record, is_versioned=stamped.is_versioned))


def set_tags(txn: Txn, stamped: Stamped) -> str:
    """Replace an object's tags, or remove them; it stays as old as it was. Raises as `existing`."""
    request: tagging_model.SetObjectTagging | tagging_model.DeleteObjectTagging = stamped.request
    sets = isinstance(request, tagging_model.SetObjectTagging)
    tags = dict(request.tags) if isinstance(request, tagging_model.SetObjectTagging) else {}
    before = existing(txn, stamped)
    meta = open_bucket(txn, stamped.partition, request.bucket)
    record = sent_again(txn, stamped, meta, request.key, msgspec.structs.replace(before, tags=tags))
    record = write_version(txn, stamped, meta, request.key, record, before)
    tell(txn, stamped, meta, TAGGING_PUT if sets else TAGGING_DELETE, request.key, record)
    return shown_version(record, is_versioned=stamped.is_versioned)


def get_acl(txn: ReadTxn, stamped: Stamped) -> acl_model.Acl:
    """Return an object's access control list; `stamped.acl` is what holds where lists are off. Raises as `existing`."""
    record = existing(txn, stamped)
    found = stamped.acl
    if found is None:
        account = open_bucket(txn, stamped.partition, stamped.request.bucket).account
        found = acl_model.Acl(*acl.read(record.acl, account))
    version_id = shown_version(record, is_versioned=stamped.is_versioned)
    return acl_model.VersionAcl(found.owner, found.grants, version_id) if version_id else found


def set_acl(txn: Txn, stamped: Stamped) -> str:
    """Replace an object's access control list; it stays as old as it was. Raises as `existing`.

    Where lists are off, `stamped.acl` says so, and there is nothing to write.
    """
    request: acl_model.SetObjectAcl = stamped.request
    before = record = existing(txn, stamped)
    if stamped.acl is None:
        meta = open_bucket(txn, stamped.partition, request.bucket)
        account = meta.account
        owner = acl.read(record.acl, account)[0]
        grants = acl.canned(request.acl, owner, account) if stamped.grants is None else stamped.grants
        record = msgspec.structs.replace(record, acl=acl.kept(owner, grants, account))
        record = sent_again(txn, stamped, meta, request.key, record)
        record = write_version(txn, stamped, meta, request.key, record, before)
        tell(txn, stamped, meta, ACL_PUT, request.key, record)
    return shown_version(record, is_versioned=stamped.is_versioned)


def get_attributes(txn: ReadTxn, stamped: Stamped) -> object_model.ObjectAttributes:
    """Return an object with a page of its parts, if it is in parts."""
    request: object_model.GetObjectAttributes = stamped.request
    record = existing(txn, stamped)
    check_read(record, request.conditions, stamped.wall_ms)
    found = described(request.bucket, request.key, record, is_versioned=stamped.is_versioned)
    name = next(iter(record.checksums), "")
    parts: list[object_model.Part] = []
    if record.part_count:
        for _, value in manifest_of(txn, stamped.partition, record):
            stored = keys.decode_parts(value).parts
            if stored[-1].number > request.part_number_marker and len(parts) <= stamped.limit:
                parts += [shown_part(part, name) for part in stored if part.number > request.part_number_marker]
    page = parts[: stamped.limit]
    return object_model.ObjectAttributes(found, page, page[-1].part_number if page else 0, len(parts) > len(page))


def shown_part(part: PartRecord, name: str) -> object_model.Part:
    """Return a part as callers see it; `name` is the algorithm of its upload's checksums, empty for none."""
    return object_model.Part(
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
    """Return the record of an object; raises `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, or `MethodNotAllowed` for a
    delete marker.
    """
    found = find_object(txn, stamped)
    if found is None:
        raise _missing(txn, stamped)
    if found.is_delete_marker:
        raise METHOD_NOT_ALLOWED.error(delete_marker="true", **_of_marker(found))
    return found


def _missing(txn: ReadTxn, stamped: Stamped) -> ServiceError:
    """Return why an object is not there; who misses the current version is told of the delete marker in its place."""
    request = stamped.request
    open_bucket(txn, stamped.partition, request.bucket)
    if request.version_id:
        return NO_SUCH_VERSION.error(key=shown(request.key), version_id=request.version_id)
    marker = newest_other(txn, stamped.partition, request.key)
    if marker is None:
        return NO_SUCH_KEY.error(key=shown(request.key))
    if isinstance(request, _SAYS_MARKER):
        return METHOD_NOT_ALLOWED.error(delete_marker="true", **_of_marker(marker))
    return NO_SUCH_KEY.error(key=shown(request.key), delete_marker="true", **_of_marker(marker))


_SAYS_MARKER: Final = (
    tagging_model.GetObjectTagging,
    tagging_model.SetObjectTagging,
    tagging_model.DeleteObjectTagging,
    acl_model.SetObjectAcl,
)
"""What is refused of a delete marker that is the newest version as it is of one that was named; to others it is no key.
"""


def _of_marker(marker: ObjectRecord) -> Mapping[str, object]:
    return {"version_id": shown_version(marker, is_versioned=True), "modified_ms": marker.modified_ms}


def remove_object(
    txn: Txn,
    stamped: Stamped,
    meta: Meta,
    counters: Counters,
    key: str,
    found: ObjectRecord | None,
    asked: str = "",
    event_names: tuple[str, str] = (REMOVED_DELETE, REMOVED_BY_MARKER),
    *,
    tells_absent: bool = False,
) -> tuple[object_model.Deleted, Counters]:
    """Delete an object, or the version that `asked` names, and tell of it; returns the counters to save.

    `found` is what is to be deleted, None where it is not there, which is no error, and no event but with
    `tells_absent`; `event_names` are those of what is gone for good and of a delete marker.
    """
    number = counters.next
    if not asked and meta.versioning:
        is_sent = event_names[1] == REMOVED_BY_MARKER  # what lifecycle rules delete stays where it is elsewhere
        marker, counters = mark_deleted(txn, stamped, meta, counters, key, found, is_sent=is_sent)
        deleted = object_model.Deleted(shown_version(marker, is_versioned=True), is_delete_marker=True)
        change = Change(
            event_names[1], key, number, stamped.wall_ms, etag=ETAG_OF_NOTHING, version_id=marker.version_id
        )
    elif found is None:
        deleted = object_model.Deleted(asked)
        if not tells_absent or asked or not meta.listens:
            return deleted, counters
        counters = msgspec.structs.replace(counters, next=number + 1)
        change = Change(event_names[0], key, number, stamped.wall_ms)
    else:
        counters = remove_version(txn, stamped, meta, counters, key, found)
        counters = msgspec.structs.replace(counters, next=number + 1)
        deleted = object_model.Deleted(asked, found.is_delete_marker)
        change = Change(event_names[0], key, number, stamped.wall_ms, version_id=found.version_id)
    if meta.listens:
        write_events(txn, stamped, meta, change)
    return deleted, counters
