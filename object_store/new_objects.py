"""What is asked of an object that a put, a copy or a multipart upload makes, before there are any bytes.

Owns the checks that these have in common: its description, its lock, and the conditions of the write. Promises that
what depends on the bucket, or on what the object replaces, is an error for after the authorisation. Decides no
condition for good: the transaction does, again.
"""

from typing import Any

from cumulo.core.errors import ServiceError
from cumulo.object_store import copy_model, locks, naming, object_model, tagging_model, upload_model
from cumulo.object_store.buckets import Found
from cumulo.object_store.conditions import check_write
from cumulo.object_store.keys import ObjectRecord
from cumulo.object_store.objects import current_object
from cumulo.object_store.resolving import Desk, caught
from cumulo.object_store.stamping import Stamped


def check_description(
    request: object_model.PutObject | upload_model.CreateMultipartUpload | copy_model.CopyObject,
) -> None:
    """Raise what is wrong with how a new object is described."""
    naming.check_key(request.key)
    if request.content_type:
        naming.check_content_type(request.content_type)
    if request.metadata:
        of_form = isinstance(request, object_model.PutObject) and request.is_form
        naming.check_metadata(request.metadata, of_form=of_form)
    if request.headers:
        naming.check_headers(request.headers)
    if request.tags:
        naming.check_tags(request.tags, "Object", tagging_model.OBJECT_TAGS_MAX)
    naming.check_storage_class(request.storage_class)
    if request.lock is not None:
        locks.check_date(request.lock.until_ms)


def refused_lock(
    desk: Desk,
    request: object_model.PutObject | copy_model.CopyObject | upload_model.CreateMultipartUpload,
    found: Found,
) -> ServiceError | None:
    """Return why a new object cannot be locked as it is asked to be, None also where nobody asks for that."""
    lock, refused = request.lock, None
    if lock is not None:
        refused = caught(lambda: locks.check_asked(lock, desk.clock.wall_ms()))
        refused = refused or locks.refused_new(locks_objects=found.row.locks_objects)
    if refused is None and (lock is not None or found.row.retains_objects) and lacks_digest(request):
        return locks.refused_unverified("Put Object")
    return refused


def lacks_digest(request: Any) -> bool:
    """Say whether a request must tell a digest of its bytes, and does not."""
    if not isinstance(request, object_model.PutObject | upload_model.UploadPart):
        return False
    return request.demands_digest and not request.expected.digests and not request.expected.announced


async def refused_write(desk: Desk, stamped: Stamped) -> tuple[ObjectRecord | None, ServiceError | None]:
    """Return what a conditional write is to replace, and the error with which it would be refused now rather than
    after 5 GiB; the transaction decides again, and knows repeated requests.
    """
    request = stamped.request
    if not request.if_match and not request.if_none_match:
        return None, None
    there: ObjectRecord | None = await desk.engine.read((stamped.partition,), current_object, stamped)
    if request.request_id:
        return there, None
    return there, caught(lambda: check_write(there, request.key, request.if_match, request.if_none_match))
