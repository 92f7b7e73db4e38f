"""Archived objects: which can be read, and what is told of copies that are restored for a while.

An object of an archive class keeps its bytes where they are; what S3 makes wait, waits here, too. Pure: `restores.py`
asks for copies, the due-time index ends their waiting and their days. Source: S3 user guide, "Restoring an archived
object"; API reference, GetObject and HeadObject.
"""

from typing import Final

import msgspec

from cumulo.object_store import object_model
from cumulo.object_store.errors import INVALID_OBJECT_STATE
from cumulo.object_store.keys import ObjectRecord
from cumulo.object_store.lifecycle_rules import Terms

ARCHIVES: Final = ("GLACIER", "DEEP_ARCHIVE")


def check_readable(record: ObjectRecord) -> None:
    """Raise `InvalidObjectState` for an archived object of which no copy is restored."""
    if record.storage_class in ARCHIVES and (record.restore is None or not record.restore.expires_ms):
        raise INVALID_OBJECT_STATE.error(storage_class=record.storage_class)


def restored(record: ObjectRecord, wall_ms: int, terms: Terms) -> ObjectRecord:
    """Return a record as its restore leaves it at a time: still waiting, with a copy to be read, or without again."""
    restore = record.restore
    if restore is None:
        return record
    if not restore.expires_ms and restore.ready_ms <= wall_ms:
        restore = msgspec.structs.replace(restore, expires_ms=terms.after(wall_ms, restore.days))
    elif restore.expires_ms and restore.expires_ms <= wall_ms:
        restore = None
    return msgspec.structs.replace(record, restore=restore)


def restore_status(record: ObjectRecord) -> object_model.RestoreStatus | None:
    """Return what callers are told of a restore, None where there is none."""
    return None if record.restore is None else object_model.RestoreStatus(record.restore.expires_ms)
