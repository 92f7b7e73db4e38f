"""Configurations that S3's own shapes describe, over S3's REST API: taken, kept and given back as they came.

Promises: what was put is what is got, element by element. What a shape may say, and what it does, is the room's.

Source: S3 API reference, on each.
"""

from collections.abc import Mapping
from typing import Any, Final

from cumulo.core.lazy import LazyModule
from cumulo.gateway.aws_service import AwsAnswer, AwsCall, Handler
from cumulo.gateway.aws_timestamps import iso8601_of_s3
from cumulo.gateway.aws_xml import writer
from cumulo.object_store import configuration_model
from cumulo.object_store.edge_aws_headers import check_headers
from cumulo.object_store.edge_aws_xml import document
from cumulo.object_store.service import Service

_aws_s3 = LazyModule("cumulo.object_store.aws_s3")

_SINGLE: Final[Mapping[str, tuple[str, str, str]]] = {
    "BucketAccelerateConfiguration": ("accelerate", "AccelerateConfiguration", ""),
    "BucketCors": ("cors", "CORSConfiguration", ""),
    "BucketLogging": ("logging", "BucketLoggingStatus", ""),
    "BucketReplication": ("replication", "ReplicationConfiguration", ""),
    "BucketRequestPayment": ("request_payment", "RequestPaymentConfiguration", "<Payer>BucketOwner</Payer>"),
    "BucketWebsite": ("website", "WebsiteConfiguration", ""),
}
"""By what stands behind Put, Get and Delete: the kind, the shape and root element, and what a bucket that nobody
configured answers where that is no error.
"""
_DELETES: Final = {
    "DeleteBucketCors": "cors",
    "DeleteBucketReplication": "replication",
    "DeleteBucketWebsite": "website",
}
"""Removing what is not there succeeds, as in S3."""
_MANY: Final = {
    "BucketAnalyticsConfiguration": ("analytics", "AnalyticsConfiguration"),
    "BucketIntelligentTieringConfiguration": ("intelligent_tiering", "IntelligentTieringConfiguration"),
    "BucketInventoryConfiguration": ("inventory", "InventoryConfiguration"),
    "BucketMetricsConfiguration": ("metrics", "MetricsConfiguration"),
}
"""Likewise for the kinds of which a bucket has many."""


def handlers(service: Service) -> dict[str, Handler]:
    """Return the handlers of these configurations."""
    table: dict[str, Handler] = {}
    for noun, (kind, shape, empty) in _SINGLE.items():
        table[f"Put{noun}"] = _putter(service, kind, shape)
        table[f"Get{noun}"] = _getter(service, kind, shape, empty)
    for noun, (kind, shape) in _MANY.items():
        table[f"Put{noun}"] = _putter(service, kind, shape, status=204)
        table[f"Get{noun}"] = _getter(service, kind, shape, "")
        table[f"Delete{noun}"] = _deleter(service, kind)
        table[f"List{noun}s"] = _lister(service, kind, noun, shape)
    return table | {name: _deleter(service, kind) for name, kind in _DELETES.items()}


def _id(call: AwsCall) -> str:
    """Return the id in the query of a call about one of many."""
    return getattr(call.request, "Id", None) or ""


def _putter(service: Service, kind: str, shape: str, status: int = 200) -> Handler:
    async def put(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        asked = configuration_model.SetBucketConfiguration(bucket, kind, getattr(call.request, shape), id=_id(call))
        await service.call(call.ctx, "SetBucketConfiguration", asked)
        return AwsAnswer(status=status)

    return put


def _getter(service: Service, kind: str, root: str, empty: str) -> Handler:
    async def get(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        asked = configuration_model.GetBucketConfiguration(bucket, kind, _id(call))
        found: Any = (await service.call(call.ctx, "GetBucketConfiguration", asked)).value
        return document(root, empty if found is None else writer(type(found), iso8601_of_s3)(found))

    return get


def _deleter(service: Service, kind: str) -> Handler:
    async def delete(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        asked = configuration_model.DeleteBucketConfiguration(bucket, kind, id=_id(call))
        await service.call(call.ctx, "DeleteBucketConfiguration", asked)
        return AwsAnswer(status=204)

    return delete


def _lister(service: Service, kind: str, noun: str, shape: str) -> Handler:
    async def list_(call: AwsCall) -> AwsAnswer:
        bucket, token = call.request.Bucket, call.request.ContinuationToken
        await check_headers(service, call, bucket)
        asked = configuration_model.ListBucketConfigurations(bucket, kind, page_token=token or "")
        page: configuration_model.ConfigurationPage = (
            await service.call(call.ctx, "ListBucketConfigurations", asked)
        ).value
        answered = {
            "IsTruncated": bool(page.next_page_token),
            "ContinuationToken": token or None,
            "NextContinuationToken": page.next_page_token or None,
            f"{shape}List": page.values or None,
        }
        return AwsAnswer(getattr(_aws_s3, f"List{noun}sOutput")(**answered))

    return list_
