"""Asking for a copy of an archived object that can be read for some days.

Promises: what is asked for comes after its delay and goes after its days, by the due-time index, which the object's
record is written with. What can be read meanwhile, `archives.py` knows. Source: S3 API reference, RestoreObject.
"""

from typing import Final

import msgspec

from cumulo.object_store import object_model
from cumulo.object_store.archives import ARCHIVES
from cumulo.object_store.buckets import open_bucket
from cumulo.object_store.errors import (
    INVALID_CONFIGURATION,
    MALFORMED_CONFIGURATION,
    RESTORE_IN_PROGRESS,
    RESTORE_NOT_ALLOWED,
)
from cumulo.object_store.event_documents import RESTORE_POST
from cumulo.object_store.keys import RestoreRecord
from cumulo.object_store.lifecycle_model import DAYS_MAX
from cumulo.object_store.notifications import tell
from cumulo.object_store.objects import existing
from cumulo.object_store.stamping import Stamped
from cumulo.object_store.versions import write_version
from cumulo.storage.engine import Txn

TIERS: Final = ("Bulk", "Standard", "Expedited")
"""From slow to fast; here they differ by name, and by what may overtake what."""


def check_restore(request: object_model.RestoreObject) -> None:
    """Raise `MalformedXML` or `InvalidArgument` for a restore that cannot be asked for."""
    if request.tier not in TIERS:
        raise MALFORMED_CONFIGURATION.error()
    if not 1 <= request.days <= DAYS_MAX:
        raise INVALID_CONFIGURATION.error(reason="'Days' for restoring an archived object must be a positive integer")


def restore_object(txn: Txn, stamped: Stamped) -> bool:
    """Ask for a copy of an archived object, or for one that is there to stay longer; says whether it was there.

    Raises as `existing`, `InvalidObjectState`, `RestoreAlreadyInProgress`.
    """
    request: object_model.RestoreObject = stamped.request
    found = existing(txn, stamped)
    if found.storage_class not in ARCHIVES:
        raise RESTORE_NOT_ALLOWED.error(storage_class=found.storage_class or object_model.STANDARD)
    if request.tier == "Expedited" and found.storage_class == "DEEP_ARCHIVE":
        raise INVALID_CONFIGURATION.error(reason="Retrieval option is not supported by this storage class")
    before = found.restore
    if before is not None and before.expires_ms:
        restore = msgspec.structs.replace(
            before, days=request.days, expires_ms=stamped.terms.after(stamped.wall_ms, request.days)
        )
    elif before is not None and TIERS.index(request.tier) <= TIERS.index(before.tier):
        raise RESTORE_IN_PROGRESS.error()
    else:
        restore = RestoreRecord(
            ready_ms=stamped.wall_ms + stamped.terms.restore_delay_ms, days=request.days, tier=request.tier
        )
    meta = open_bucket(txn, stamped.partition, request.bucket)
    waiting = msgspec.structs.replace(found, restore=restore)
    record = write_version(txn, stamped, meta, request.key, waiting, found)
    if not restore.expires_ms:
        tell(txn, stamped, meta, RESTORE_POST, request.key, record)
    return bool(restore.expires_ms)
