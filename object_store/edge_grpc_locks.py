"""Object lock over gRPC: retention and legal holds of objects, and the lock that a new one is to have."""

from collections.abc import Callable, Mapping

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.gateway.rpc import UnaryRow
from cumulo.object_store import lock_model


def rows(bucket_name: Callable[[str], str]) -> Mapping[str, UnaryRow]:
    """Return the calls about locks; `bucket_name` reads what a request calls a bucket."""
    return {
        "GetObjectRetention": (
            pb.GetObjectRetentionRequest,
            lambda request, _: lock_model.GetObjectRetention(
                bucket_name(request.bucket), request.key, request.version_id
            ),
            lambda it: pb.GetObjectRetentionResponse(
                mode=it.mode, retain_until_ms=it.until_ms, event_hold=_encode_event(it.event)
            ),
        ),
        "SetObjectRetention": (
            pb.SetObjectRetentionRequest,
            lambda request, _: lock_model.SetObjectRetention(
                bucket_name(request.bucket),
                request.key,
                request.mode,
                request.retain_until_ms,
                request.version_id,
                request.bypass_governance,
                request.request_id,
                _event(request),
            ),
            lambda version_id: pb.SetObjectRetentionResponse(version_id=version_id),
        ),
        "GetObjectLegalHold": (
            pb.GetObjectLegalHoldRequest,
            lambda request, _: lock_model.GetObjectLegalHold(
                bucket_name(request.bucket), request.key, request.version_id
            ),
            lambda hold: pb.GetObjectLegalHoldResponse(legal_hold=hold),
        ),
        "SetObjectLegalHold": (
            pb.SetObjectLegalHoldRequest,
            lambda request, _: lock_model.SetObjectLegalHold(
                bucket_name(request.bucket), request.key, request.legal_hold, request.version_id, request.request_id
            ),
            lambda version_id: pb.SetObjectLegalHoldResponse(version_id=version_id),
        ),
    }


def asked(
    head: "pb.PutObjectHead | pb.CopyObjectRequest | pb.CreateMultipartUploadRequest",
) -> lock_model.ObjectLock | None:
    """Return the lock that a new object is to have, None where nothing is said."""
    if not head.HasField("lock"):
        return None
    lock = head.lock
    return lock_model.ObjectLock(lock.mode, lock.retain_until_ms, lock.legal_hold, _event(lock))


def encode(lock: lock_model.ObjectLock | None) -> pb.ObjectLock | None:
    """Return a lock as callers are told it."""
    if lock is None:
        return None
    return pb.ObjectLock(
        mode=lock.mode, retain_until_ms=lock.until_ms, legal_hold=lock.hold, event_hold=_encode_event(lock.event)
    )


def _event(it: "pb.ObjectLock | pb.SetObjectRetentionRequest") -> lock_model.EventHold | None:
    if not it.HasField("event_hold"):
        return None
    return lock_model.EventHold(it.event_hold.on, it.event_hold.days, it.event_hold.years)


def _encode_event(event: lock_model.EventHold | None) -> pb.EventHold | None:
    return None if event is None else pb.EventHold(on=event.is_on, days=event.days, years=event.years)
