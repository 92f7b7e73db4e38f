"""Versions over gRPC: a bucket's versioning, listings of versions, and what a delete did.

Versioning is one of a bucket's configurations in the room, and has calls of its own in the contract.
"""

from collections.abc import Callable, Mapping
from typing import Final

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.gateway.rpc import UnaryRow
from cumulo.object_store import configuration_model, listing_model, object_model
from cumulo.object_store.configurations import VERSIONING

OPERATIONS: Final = {
    "GetBucketVersioning": "GetBucketConfiguration",
    "SetBucketVersioning": "SetBucketConfiguration",
}
"""The room's operation behind a call that is named otherwise."""


def rows(bucket_name: Callable[[str], str]) -> Mapping[str, UnaryRow]:
    """Return the calls about versions; `bucket_name` reads what a request calls a bucket."""

    def decode_list(request: pb.ListObjectVersionsRequest, _: CallContext) -> listing_model.ListObjectVersions:
        return listing_model.ListObjectVersions(
            bucket=bucket_name(request.bucket),
            prefix=request.prefix,
            delimiter=request.delimiter,
            key_marker=request.start_after,
            version_id_marker=request.start_after_version_id,
            page_size=request.page_size,
            page_token=request.page_token,
        )

    return {
        "GetBucketVersioning": (
            pb.GetBucketVersioningRequest,
            lambda request, _: configuration_model.GetBucketConfiguration(bucket_name(request.bucket), VERSIONING),
            lambda it: pb.GetBucketVersioningResponse(status="" if it is None else it.status),
        ),
        "SetBucketVersioning": (
            pb.SetBucketVersioningRequest,
            lambda request, _: configuration_model.SetBucketConfiguration(
                bucket_name(request.bucket),
                VERSIONING,
                configuration_model.Versioning(request.status),
                request.request_id,
            ),
            lambda _: pb.SetBucketVersioningResponse(),
        ),
        "ListObjectVersions": (pb.ListObjectVersionsRequest, decode_list, _encode_list),
    }


def _encode_list(page: listing_model.VersionPage) -> pb.ListObjectVersionsResponse:
    return pb.ListObjectVersionsResponse(
        versions=[
            pb.ObjectVersion(
                key=it.key,
                version_id=it.version_id,
                latest=it.is_latest,
                delete_marker=it.is_delete_marker,
                size_bytes=it.size_bytes,
                etag=it.etag,
                last_modified_ms=it.last_modified_ms,
                storage_class=it.storage_class,
                owner=it.owner,
            )
            for it in page.versions
        ],
        common_prefixes=page.common_prefixes,
        next_page_token=page.next_page_token,
    )


def encode_delete(it: object_model.Deleted) -> pb.DeleteObjectResponse:
    """Return what a delete did."""
    return pb.DeleteObjectResponse(version_id=it.version_id, delete_marker=it.is_delete_marker)


def encode_batch_delete(
    results: tuple[object_model.Deleted | object_model.ItemError, ...],
) -> pb.BatchDeleteObjectsResponse:
    """Return what became of each entry of a batch."""
    return pb.BatchDeleteObjectsResponse(results=map(_delete_result, results))


def _delete_result(it: object_model.Deleted | object_model.ItemError) -> pb.DeleteObjectResult:
    if isinstance(it, object_model.ItemError):
        return pb.DeleteObjectResult(error=pb.ItemError(code=it.code, message=it.message))
    return pb.DeleteObjectResult(version_id=it.version_id, delete_marker=it.is_delete_marker)
