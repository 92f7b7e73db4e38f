"""Quotas of buckets, our own: how many bytes and objects a bucket may hold.

Promises: decided in the transaction that would exceed it, on exact counts; what makes a bucket smaller is never
refused, also where it is above its quota already. Parts of an upload that nobody completed do not count.
"""

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.object_store import configuration_model, object_model
from cumulo.object_store.buckets import open_bucket, open_counters
from cumulo.object_store.errors import QUOTA_EXCEEDED
from cumulo.object_store.keys import Counters, Meta
from cumulo.object_store.naming import out_of_range
from cumulo.object_store.stamping import Stamped
from cumulo.storage.engine import ReadTxn


def check_quota_value(quota: configuration_model.BucketQuota) -> None:
    """Raise `InvalidArgument` for limits that are none."""
    for name in quota.__struct_fields__:
        if not 0 <= getattr(quota, name) <= configuration_model.QUOTA_MAX:
            raise out_of_range(name, getattr(quota, name), f"0 (no limit) to {configuration_model.QUOTA_MAX}")


def limited(meta: Meta, quota: configuration_model.BucketQuota | None) -> Meta:
    """Return what a bucket's partition says of it with a quota, or with none."""
    quota = quota or configuration_model.BucketQuota()
    return msgspec.structs.replace(meta, bytes_max=quota.bytes_max, objects_max=quota.objects_max)


def check_quota(meta: Meta, before: Counters, after: Counters) -> None:
    """Raise `QuotaExceeded` for counts that grow beyond a bucket's quota."""
    for what, allowed, old, new in (
        ("bytes", meta.bytes_max, before.bytes, after.bytes),
        ("objects", meta.objects_max, before.objects, after.objects),
    ):
        if allowed and new > allowed and new > old:
            raise QUOTA_EXCEEDED.error(what=what, allowed=allowed, size=new)


def beyond_quota(txn: ReadTxn, stamped: Stamped) -> ServiceError | None:
    """Return the refusal of an upload that no object could make room for: said before its bytes are read. The commit
    decides.
    """
    request: object_model.PutObject = stamped.request
    meta, size = open_bucket(txn, stamped.partition, request.bucket), request.expected.content_length
    if not meta.bytes_max or size <= meta.bytes_max:
        return None
    total = open_counters(txn, stamped.partition).bytes + size
    return QUOTA_EXCEEDED.error(what="bytes", allowed=meta.bytes_max, size=total)
