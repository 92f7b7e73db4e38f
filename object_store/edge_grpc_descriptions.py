"""Descriptions of objects over gRPC: what a new one is to be like, what there is to know of one, and restores."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.gateway.rpc import UnaryRow
from cumulo.object_store import body_model, edge_grpc_acl, edge_grpc_locks, object_model
from cumulo.object_store import edge_grpc_encryption as encryption

_WITH_FIELDS: Final = frozenset(("crc64nvme", "crc32c"))
"""Checksums that have fields of their own in `Object`."""


def rows(bucket_name: Callable[[str], str]) -> Mapping[str, UnaryRow]:
    """Return the calls about attributes and restores; `bucket_name` reads what a request calls a bucket."""

    def decode_attributes(request: pb.GetObjectAttributesRequest, _: CallContext) -> object_model.GetObjectAttributes:
        return object_model.GetObjectAttributes(
            bucket=bucket_name(request.bucket),
            key=request.key,
            part_number_marker=request.after_part_number,
            page_size=request.page_size,
            conditions=conditions_of(request),
            customer=encryption.customer_key(request.customer_key),
            version_id=request.version_id,
        )

    def decode_restore(request: pb.RestoreObjectRequest, _: CallContext) -> object_model.RestoreObject:
        return object_model.RestoreObject(
            bucket=bucket_name(request.bucket),
            key=request.key,
            days=request.days,
            tier=request.tier or "Standard",
            version_id=request.version_id,
            request_id=request.request_id,
        )

    return {
        "GetObjectAttributes": (pb.GetObjectAttributesRequest, decode_attributes, _encode_attributes),
        "RestoreObject": (
            pb.RestoreObjectRequest,
            decode_restore,
            lambda was_there: pb.RestoreObjectResponse(restored=was_there),
        ),
    }


def asked(head: "pb.PutObjectHead | pb.CopyObjectRequest | pb.CreateMultipartUploadRequest") -> dict[str, Any]:
    """Return what a request says of a new object beside its type and its metadata, as fields of the room's request."""
    return {
        "headers": dict(head.headers),
        "storage_class": head.storage_class,
        "tags": dict(head.tags),
        "acl": head.canned_acl,
        "grants": edge_grpc_acl.decode(head.grants),
    }


def unquoted(etag: str) -> str:
    """Return an ETag without the quotes that may stand around it."""
    return etag[1:-1] if len(etag) >= 2 and etag[0] == etag[-1] == '"' else etag


def conditions_of(
    request: "pb.GetObjectRequest | pb.HeadObjectRequest | pb.GetObjectAttributesRequest",
) -> object_model.Conditions:
    """Return the conditions of a read."""
    return object_model.Conditions(
        unquoted(request.if_match),
        unquoted(request.if_none_match),
        request.if_modified_since_ms if request.HasField("if_modified_since_ms") else None,
        request.if_unmodified_since_ms if request.HasField("if_unmodified_since_ms") else None,
    )


def source_conditions_of(request: "pb.CopyObjectRequest | pb.UploadPartCopyRequest") -> object_model.Conditions:
    """Return the conditions on what a copy takes."""
    return object_model.Conditions(
        unquoted(request.source_if_match),
        unquoted(request.source_if_none_match),
        request.source_if_modified_since_ms if request.HasField("source_if_modified_since_ms") else None,
        request.source_if_unmodified_since_ms if request.HasField("source_if_unmodified_since_ms") else None,
    )


def encode_object(it: object_model.Object) -> pb.Object:
    """Return an object's description."""
    return pb.Object(
        bucket="buckets/" + it.bucket,
        key=it.key,
        size_bytes=it.size_bytes,
        etag=it.etag,
        last_modified_ms=it.last_modified_ms,
        content_type=it.content_type,
        metadata=it.metadata,
        crc64nvme=it.crc64nvme,
        crc32c=_crc32c(it),
        part_count=it.part_count,
        encryption="" if it.encryption is None else it.encryption.algorithm,
        kms_key_arn="" if it.encryption is None else it.encryption.kms_key_arn,
        version_id=it.version_id,
        lock=edge_grpc_locks.encode(it.lock),
        replication_status=it.replication_status,
        headers=it.headers,
        storage_class=it.storage_class,
        tag_count=it.tag_count,
        restore=None if it.restore is None else pb.ObjectRestore(expires_ms=it.restore.expires_ms),
    )


def _crc32c(it: object_model.Object) -> int | None:
    """Return the CRC-32C of a whole object; one of the parts' checksums is none."""
    value = it.checksums.get("crc32c") if it.checksum_type == body_model.FULL_OBJECT else None
    return None if value is None else int.from_bytes(value, "big")


def encode_part(it: object_model.Part) -> pb.Part:
    """Return a part, as its upload shows it."""
    return pb.Part(
        part_number=it.part_number,
        etag=it.etag,
        size_bytes=it.size_bytes,
        last_modified_ms=it.last_modified_ms,
        crc64nvme=it.crc64nvme,
    )


def _encode_attributes(it: object_model.ObjectAttributes) -> pb.GetObjectAttributesResponse:
    parts = []
    for part in it.parts:
        encoded = encode_part(part)
        encoded.checksums.update({name: value for name, value in part.checksums.items() if name != "crc64nvme"})
        parts.append(encoded)
    return pb.GetObjectAttributesResponse(
        object=encode_object(it.object),
        checksums={
            name: value
            for name, value in it.object.checksums.items()
            if it.object.checksum_type == body_model.COMPOSITE or name not in _WITH_FIELDS
        },
        checksum_type=it.object.checksum_type,
        parts=parts,
        next_part_number=it.last if it.is_truncated else 0,
    )
