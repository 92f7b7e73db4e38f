"""Reads and writes the locks of objects that are there: their retention and their legal hold.

Promises: a change of a lock is one commit with what lifecycle rules do about it; the object stays as old as it was.
What a lock may be and what it protects is `locks.py`'s.
"""

import msgspec

from cumulo.object_store import lock_model, locks
from cumulo.object_store.buckets import open_bucket
from cumulo.object_store.errors import NO_SUCH_OBJECT_LOCK_OF_OBJECT
from cumulo.object_store.event_documents import RETENTION_PUT
from cumulo.object_store.keys import ObjectRecord
from cumulo.object_store.lock_model import ObjectLock
from cumulo.object_store.notifications import tell
from cumulo.object_store.objects import existing
from cumulo.object_store.replication_outbox import sent_again
from cumulo.object_store.stamping import Stamped
from cumulo.object_store.versions import shown_version, write_version
from cumulo.storage.engine import ReadTxn, Txn


def get_retention(txn: ReadTxn, stamped: Stamped) -> ObjectLock:
    """Return an object's retention; raises as `existing`, and `NoSuchObjectLockConfiguration` where it has none."""
    lock = existing(txn, stamped).lock
    if lock is None or not lock.mode:
        raise NO_SUCH_OBJECT_LOCK_OF_OBJECT.error()
    return ObjectLock(lock.mode, locks.until_ms_of(lock, stamped.wall_ms), event=lock.event)


def get_legal_hold(txn: ReadTxn, stamped: Stamped) -> str:
    """Return whether an object is held; raises as `existing`, and `NoSuchObjectLockConfiguration` where nobody ever
    said.
    """
    lock = existing(txn, stamped).lock
    if lock is None or not lock.hold:
        raise NO_SUCH_OBJECT_LOCK_OF_OBJECT.error()
    return lock.hold


def set_retention(txn: Txn, stamped: Stamped) -> str:
    """Retain an object until a time, or free it; returns the id of its version. Raises as `existing` and
    `locks.changed`.
    """
    request: lock_model.SetObjectRetention = stamped.request
    found = existing(txn, stamped)
    before, asked = found.lock or ObjectLock(), request.lock
    after = locks.changed(before, asked, stamped.wall_ms, bypasses=request.bypasses_governance)
    version_id = _write(txn, stamped, found, after)
    tell(txn, stamped, open_bucket(txn, stamped.partition, request.bucket), RETENTION_PUT, request.key, found)
    return version_id


def set_legal_hold(txn: Txn, stamped: Stamped) -> str:
    """Hold an object, or let it go; returns the id of its version. Raises as `existing`."""
    request: lock_model.SetObjectLegalHold = stamped.request
    found = existing(txn, stamped)
    return _write(txn, stamped, found, msgspec.structs.replace(found.lock or ObjectLock(), hold=request.hold))


def _write(txn: Txn, stamped: Stamped, found: ObjectRecord, lock: ObjectLock) -> str:
    meta = open_bucket(txn, stamped.partition, stamped.request.bucket)
    record = msgspec.structs.replace(found, lock=None if lock == ObjectLock() else lock)
    record = sent_again(txn, stamped, meta, stamped.request.key, record)
    write_version(txn, stamped, meta, stamped.request.key, record, found)
    return shown_version(record, is_versioned=stamped.is_versioned)
