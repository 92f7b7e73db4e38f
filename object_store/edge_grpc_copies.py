"""Copies and renames over gRPC: of an object, and of one, or a range of one, into a part."""

from collections.abc import Callable, Mapping

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.gateway.rpc import UnaryRow
from cumulo.object_store import copy_model, edge_grpc_descriptions, edge_grpc_locks, object_model, upload_model
from cumulo.object_store import edge_grpc_encryption as encryption
from cumulo.object_store.edge_grpc_descriptions import encode_object, encode_part, source_conditions_of, unquoted


def rows(bucket_name: Callable[[str], str]) -> Mapping[str, UnaryRow]:
    """Return the calls that copy and rename; `bucket_name` reads what a request calls a bucket."""

    def decode_copy(request: pb.CopyObjectRequest, _: CallContext) -> copy_model.CopyObject:
        bucket = bucket_name(request.bucket)
        return copy_model.CopyObject(
            bucket=bucket,
            key=request.key,
            source=copy_model.CopySource(
                bucket_name(request.source_bucket) if request.source_bucket else bucket,
                request.source_key,
                source_conditions_of(request),
                customer=encryption.customer_key(request.source_customer_key),
                version_id=request.source_version_id,
            ),
            replaces_metadata=request.replace_metadata,
            content_type=request.content_type,
            metadata=dict(request.metadata),
            if_match=unquoted(request.if_match),
            if_none_match=unquoted(request.if_none_match),
            request_id=request.request_id,
            encryption=encryption.asked(request.encryption if request.HasField("encryption") else None),
            lock=edge_grpc_locks.asked(request),
            replaces_tags=request.replace_tags,
            **edge_grpc_descriptions.asked(request),
        )

    def decode_rename(request: pb.RenameObjectRequest, _: CallContext) -> copy_model.RenameObject:
        return copy_model.RenameObject(
            bucket=bucket_name(request.bucket),
            key=request.key,
            source_key=request.source_key,
            source_conditions=object_model.Conditions(if_match=unquoted(request.source_if_match)),
            conditions=object_model.Conditions(unquoted(request.if_match), unquoted(request.if_none_match)),
            request_id=request.request_id,
        )

    def decode_part_copy(request: pb.UploadPartCopyRequest, _: CallContext) -> upload_model.UploadPartCopy:
        bucket, asked = bucket_name(request.bucket), request.range
        return upload_model.UploadPartCopy(
            bucket=bucket,
            key=request.key,
            upload_id=request.upload_id,
            part_number=request.part_number,
            source=copy_model.CopySource(
                bucket_name(request.source_bucket) if request.source_bucket else bucket,
                request.source_key,
                source_conditions_of(request),
                range=object_model.ByteRange(asked.first, asked.last if asked.HasField("last") else None)
                if request.HasField("range")
                else None,
                customer=encryption.customer_key(request.source_customer_key),
                version_id=request.source_version_id,
            ),
            request_id=request.request_id,
            encryption=encryption.with_customer_key(request.customer_key),
        )

    return {
        "CopyObject": (
            pb.CopyObjectRequest,
            decode_copy,
            lambda it: pb.CopyObjectResponse(object=encode_object(it), source_version_id=it.source_version_id),
        ),
        "RenameObject": (pb.RenameObjectRequest, decode_rename, lambda _: pb.RenameObjectResponse()),
        "UploadPartCopy": (
            pb.UploadPartCopyRequest,
            decode_part_copy,
            lambda it: pb.UploadPartCopyResponse(part=encode_part(it), source_version_id=it.source_version_id),
        ),
    }
