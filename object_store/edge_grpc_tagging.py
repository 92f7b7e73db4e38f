"""Tags of objects over gRPC."""

from collections.abc import Callable, Mapping

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.gateway.rpc import UnaryRow
from cumulo.object_store import tagging_model


def rows(bucket_name: Callable[[str], str]) -> Mapping[str, UnaryRow]:
    """Return the calls about tags; `bucket_name` reads what a request calls a bucket."""
    return {
        "GetObjectTagging": (
            pb.GetObjectTaggingRequest,
            lambda request, _: tagging_model.GetObjectTagging(
                bucket_name(request.bucket), request.key, request.version_id
            ),
            lambda it: pb.GetObjectTaggingResponse(tags=it.tags, version_id=it.version_id),
        ),
        "SetObjectTagging": (
            pb.SetObjectTaggingRequest,
            lambda request, _: tagging_model.SetObjectTagging(
                bucket_name(request.bucket), request.key, dict(request.tags), request.version_id, request.request_id
            ),
            lambda version_id: pb.SetObjectTaggingResponse(version_id=version_id),
        ),
        "DeleteObjectTagging": (
            pb.DeleteObjectTaggingRequest,
            lambda request, _: tagging_model.DeleteObjectTagging(
                bucket_name(request.bucket), request.key, request.version_id, request.request_id
            ),
            lambda version_id: pb.DeleteObjectTaggingResponse(version_id=version_id),
        ),
    }
