"""Renames: an object gets another key of its bucket, in one commit and without moving a byte (S3's RenameObject).

Promises: nobody sees the object under both keys or neither; what it replaces is discarded in the same commit; what
describes it stays, also its age, and so does its encryption, whose key is wrapped anew for the new place. Conditions on
either object are decided at the commit.

Source: S3 user guide, "Renaming objects in directory buckets"; API reference, RenameObject. Here any bucket's objects
can be renamed.
"""

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.object_store import copy_model, encryption_model, keys, object_model
from cumulo.object_store.bodies import discard_body
from cumulo.object_store.buckets import open_bucket, open_counters, save_counters
from cumulo.object_store.conditions import check_read
from cumulo.object_store.errors import INVALID_REQUEST, NO_SUCH_KEY, PRECONDITION_FAILED
from cumulo.object_store.event_documents import CREATED_COPY, REMOVED_DELETE, Change
from cumulo.object_store.keys import ObjectRecord
from cumulo.object_store.lifecycle_index import armed, disarm
from cumulo.object_store.naming import shown
from cumulo.object_store.notifications import write_events
from cumulo.object_store.stamping import Stamped
from cumulo.object_store.versions import check_unversioned
from cumulo.storage import records
from cumulo.storage.engine import Txn


class SourceChanged(Exception):
    """The object is encrypted under another key than it was when the request was resolved."""


class Rename(msgspec.Struct, frozen=True):
    """A rename to make: `stamped.request` is the RenameObject, `seen` what encrypts the source, `encryption` the same
    for its new place.
    """

    stamped: Stamped
    seen: encryption_model.Encryption | None = None
    encryption: encryption_model.Encryption | None = None


def check_names(request: copy_model.RenameObject) -> None:
    """Raise `InvalidRequest` for keys between which S3 renames nothing."""
    if request.key == request.source_key:
        raise INVALID_REQUEST.error(reason="The source and the destination of a rename must differ.")
    if request.key.endswith("/") or request.source_key.endswith("/"):
        raise INVALID_REQUEST.error(reason="An object whose key ends with the delimiter / cannot be renamed.")


def rename_object(txn: Txn, rename: Rename) -> None:
    """Give an object another key; raises `NoSuchBucket`, `NoSuchKey`, `PreconditionFailed`."""
    stamped = rename.stamped
    request: copy_model.RenameObject = stamped.request
    partition = stamped.partition
    meta = open_bucket(txn, partition, request.bucket)
    check_unversioned(is_versioned=bool(meta.versioning))
    source_key, target_key = (keys.object_key(partition, key) for key in (request.source_key, request.key))
    stored, replaced = txn.get(source_key), txn.get(target_key)
    if stored is None:
        raise NO_SUCH_KEY.error(key=shown(request.source_key))
    source = keys.decode_object(stored)
    target = None if replaced is None else keys.decode_object(replaced)
    _check(source, request.source_conditions, stamped.wall_ms, "x-amz-rename-source-")
    _check(target, request.conditions, stamped.wall_ms, "")
    if source.encryption != rename.seen:
        raise SourceChanged
    txn.delete(source_key)
    disarm(txn, source_key, source)
    moved = msgspec.structs.replace(source, encryption=rename.encryption, due_ms=0)
    txn.put(target_key, records.encode(armed(txn, stamped, meta, request.key, moved, target)))
    counters = open_counters(txn, partition)
    number = counters.next
    if target is not None:
        discard_body(txn, partition, target, stamped.now_ms)
        counters = msgspec.structs.replace(
            counters, objects=counters.objects - 1, bytes=counters.bytes - target.size_bytes
        )
    save_counters(txn, partition, msgspec.structs.replace(counters, next=number + 2))
    if meta.listens:
        made = Change(CREATED_COPY, request.key, number, stamped.wall_ms, moved.size_bytes, moved.etag)
        gone = Change(REMOVED_DELETE, request.source_key, number + 1, stamped.wall_ms)
        for change in (made, gone):
            write_events(txn, stamped, meta, change)


def _check(found: ObjectRecord | None, conditions: object_model.Conditions, wall_ms: int, prefix: str) -> None:
    """Raise `PreconditionFailed` where an object is not as it must be, or is not there to be so."""
    if found is None:
        if conditions.if_match or conditions.if_modified_since_ms is not None:
            raise PRECONDITION_FAILED.error(condition=prefix + "If-Match")
        return
    try:
        check_read(found, conditions, wall_ms)
    except ServiceError as error:
        raise PRECONDITION_FAILED.error(condition=f"{prefix}{error.values['condition']}") from error
