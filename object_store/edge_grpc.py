"""The gRPC edge of the room: proto <-> model, and the streams of bodies.

Knows `cumulo.api.objects.v1` and the service's one door, `call`; decides nothing. A body's frame is never made a proto
message: an arriving one is cut out of the bytes that gRPC read, a leaving one is built once, its four bytes of proto
framing before the piece. Otherwise each would be copied three times, which costs as much as digesting it.
"""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.message import Message

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.api.queue.v1.queue_pb2 import SentMessage
from cumulo.core.context import CallContext
from cumulo.core.lazy import LazyModule
from cumulo.core.names import parse_arn
from cumulo.core.ports import EnclosedMessage
from cumulo.gateway.rpc import CallableService, RpcAdaptor, UnaryRow, parser
from cumulo.object_store import (
    body_model,
    bucket_model,
    configuration_model,
    edge_grpc_acl,
    edge_grpc_copies,
    edge_grpc_descriptions,
    edge_grpc_locks,
    edge_grpc_tagging,
    edge_grpc_versions,
    listing_model,
    notification_model,
    object_model,
    upload_model,
)
from cumulo.object_store import edge_grpc_encryption as encryption
from cumulo.object_store.body_model import CONTENT_MD5, UNKNOWN, ExpectedContent
from cumulo.object_store.edge_grpc_descriptions import conditions_of, encode_object, encode_part, unquoted
from cumulo.object_store.errors import INCOMPLETE_BODY, INVALID_ARGUMENT, INVALID_REQUEST
from cumulo.object_store.outbox import service_of

if TYPE_CHECKING:
    from cumulo.object_store import edge_documents
else:
    edge_documents = LazyModule("cumulo.object_store.edge_documents")

SERVICE_NAME = "cumulo.api.objects.v1.ObjectService"
_TARGETS: Final = {"sqs": "queue", "sns": "topic"}
"""What the contract calls the target of a rule, by its service."""
FRAME_BYTES_MAX: Final = 1024 * 1024
_DATA_TAG: Final = pb.PutObjectRequest.DATA_FIELD_NUMBER << 3 | 2
assert (
    pb.UploadPartRequest.DATA_FIELD_NUMBER
    == pb.GetObjectResponse.DATA_FIELD_NUMBER
    == pb.PutObjectRequest.DATA_FIELD_NUMBER
)


def handlers(service: CallableService, rpc: RpcAdaptor) -> grpc.GenericRpcHandler:
    """Return the handlers of ObjectService."""
    rows: dict[str, Any] = {
        name: grpc.unary_unary_rpc_method_handler(
            rpc.unary(service, SERVICE_NAME, edge_grpc_versions.OPERATIONS.get(name, name), decode, encode),
            parser(request.FromString),
            serialize_frame,
        )
        for name, (request, decode, encode) in _UNARY.items()
    }
    for name, frame, decode, encode in (
        ("PutObject", pb.PutObjectRequest, _decode_put, _encode_put),
        ("UploadPart", pb.UploadPartRequest, _decode_part, _encode_part),
    ):
        rows[name] = grpc.stream_unary_rpc_method_handler(
            rpc.upload(SERVICE_NAME, name, _uploader(service, name, decode, encode)),
            frame_parser(frame.FromString),
            serialize_frame,
        )
    rows["GetObject"] = grpc.unary_stream_rpc_method_handler(
        rpc.stream(SERVICE_NAME, "GetObject", _downloader(service)),
        parser(pb.GetObjectRequest.FromString),
        serialize_frame,
    )
    return grpc.method_handlers_generic_handler(SERVICE_NAME, rows)


# Frames


def serialize_frame(message: Any) -> bytes:
    """Return the bytes of an answer; those of a body's frame are made already."""
    if type(message) is bytes:
        return message
    encoded: bytes = message.SerializeToString()
    return encoded


def data_frame(piece: memoryview) -> bytes:
    """Return the encoded frame that carries a piece."""
    head = bytearray((_DATA_TAG,))
    left = len(piece)
    while left > 0x7F:
        head.append(left & 0x7F | 0x80)
        left >>= 7
    head.append(left)
    return b"".join((head, piece))


def frame_parser(parse: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Return the parser of an upload's frames: a memoryview for one that is nothing but data, else the message."""

    def parse_frame(encoded: bytes) -> Any:
        if encoded[:1] != bytes((_DATA_TAG,)):
            return parse(encoded)
        length = shift = 0
        for at in range(1, min(len(encoded), 6)):
            byte = encoded[at]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                # Anything behind the data, or data that is cut off, is the parser's to judge.
                return memoryview(encoded)[at + 1 :] if at + 1 + length == len(encoded) else parse(encoded)
        return parse(encoded)

    return parse_frame


class _Frames(body_model.UploadBody):
    """The body of an upload, between its head and its commit."""

    def __init__(self, frames: AsyncIterator[Any]) -> None:
        self._frames = frames
        self._received_bytes = 0
        self._ended = False

    async def head(self) -> Any:
        """Return the first frame, which must be the head."""
        first = await anext(self._frames, None)
        if first is None or isinstance(first, memoryview) or first.WhichOneof("frame") != "head":
            raise INVALID_REQUEST.error(reason="The first frame of an upload must be its head.")
        return first.head

    async def __anext__(self) -> memoryview:
        if self._ended:
            raise StopAsyncIteration
        while True:
            frame = await anext(self._frames, None)
            if frame is None:
                raise INCOMPLETE_BODY.error(received=self._received_bytes, promised="a commit frame at the end")
            if not isinstance(frame, memoryview):
                kind = frame.WhichOneof("frame")
                if kind == "commit":
                    self._ended = True
                    self.trailer = _expected(frame.commit.expected)
                    raise StopAsyncIteration
                if kind != "data":
                    raise INVALID_REQUEST.error(
                        reason="Behind its head an upload has data frames and one commit frame."
                    )
                frame = memoryview(frame.data)
            if len(frame) > FRAME_BYTES_MAX:
                raise INVALID_ARGUMENT.error(
                    parameter="data", value=f"of {len(frame)} bytes", allowed=f"at most {FRAME_BYTES_MAX} a frame"
                )
            if frame:
                self._received_bytes += len(frame)
                return frame


def _uploader(
    service: CallableService,
    operation: str,
    decode: Callable[[Any], Any],
    encode: Callable[[Any], Message],
) -> Callable[[AsyncIterator[Any], CallContext], Any]:
    async def upload(frames: AsyncIterator[Any], ctx: CallContext) -> Message:
        body = _Frames(aiter(frames))
        request = decode(await body.head())
        return encode((await service.call(ctx, operation, request, body)).value)

    return upload


def _downloader(service: CallableService) -> Callable[[Any, CallContext], AsyncGenerator[Any, None]]:
    async def download(request: pb.GetObjectRequest, ctx: CallContext) -> AsyncGenerator[Any, None]:
        result = await service.call(ctx, "GetObject", _decode_get(request))
        body: Any = result.body
        async with contextlib.aclosing(body):
            yield pb.GetObjectResponse(
                head=pb.GetObjectHead(
                    object=encode_object(result.value.object),
                    first_byte=result.value.first_byte,
                    content_length=result.value.content_length,
                )
            )
            async for piece in body:
                yield data_frame(piece)

    return download


# Requests


def _bucket_name(text: str) -> str:
    """Return the short name of `buckets/{bucket}`, of an ARN, or of a short name; what is none of them is no name."""
    if text.startswith("buckets/"):
        return text.removeprefix("buckets/")
    arn = parse_arn(text)
    return text if arn is None or arn.service != "s3" else arn.resource


def _expected(expected: pb.ExpectedContent) -> ExpectedContent:
    digests: dict[str, bytes] = {}
    if expected.content_md5:
        digests[CONTENT_MD5] = expected.content_md5
    if expected.HasField("crc64nvme"):
        digests["crc64nvme"] = expected.crc64nvme.to_bytes(8, "big")
    if expected.HasField("crc32c"):
        digests["crc32c"] = expected.crc32c.to_bytes(4, "big")
    length = expected.content_length if expected.HasField("content_length") else UNKNOWN
    if expected.HasField("content_length") and length < 0:
        raise INVALID_ARGUMENT.error(parameter="content_length", value=length, allowed="0 or more")
    # The commit frame behind the body may tell a CRC32C that nobody spoke of before.
    return ExpectedContent(length, digests, announced=("crc32c",))


def _range(request: pb.GetObjectRequest) -> object_model.ByteRange | None:
    match request.WhichOneof("range"):
        case "byte_range":
            asked = request.byte_range
            if asked.first < 0:
                raise INVALID_ARGUMENT.error(parameter="byte_range.first", value=asked.first, allowed="0 or more")
            return object_model.ByteRange(asked.first, asked.last if asked.HasField("last") else None)
        case "suffix_length":
            if request.suffix_length < 1:
                raise INVALID_ARGUMENT.error(
                    parameter="suffix_length", value=request.suffix_length, allowed="1 or more"
                )
            return object_model.ByteRange(-request.suffix_length)
    return None


def _decode_put(head: pb.PutObjectHead) -> object_model.PutObject:
    return object_model.PutObject(
        bucket=_bucket_name(head.bucket),
        key=head.key,
        content_type=head.content_type,
        metadata=dict(head.metadata),
        if_match=unquoted(head.if_match),
        if_none_match=unquoted(head.if_none_match),
        expected=_expected(head.expected),
        request_id=head.request_id,
        messages=_enclosed(head.messages),
        write_offset=_write_offset(head),
        encryption=encryption.asked(head.encryption if head.HasField("encryption") else None),
        lock=edge_grpc_locks.asked(head),
        **edge_grpc_descriptions.asked(head),
    )


def _write_offset(head: pb.PutObjectHead) -> int:
    if not head.HasField("write_offset"):
        return UNKNOWN
    if head.write_offset < 0:
        raise INVALID_ARGUMENT.error(parameter="write_offset", value=head.write_offset, allowed="0 or more")
    return head.write_offset


def _enclosed(messages: Iterable[pb.EnclosedMessage]) -> tuple[EnclosedMessage, ...]:
    """Return messages of a commit; a map has no order on the wire, and a repeated request must read the same."""
    return tuple(EnclosedMessage(it.queue, it.entry.SerializeToString(deterministic=True)) for it in messages)


def _decode_part(head: pb.UploadPartHead) -> upload_model.UploadPart:
    return upload_model.UploadPart(
        bucket=_bucket_name(head.bucket),
        key=head.key,
        upload_id=head.upload_id,
        part_number=head.part_number,
        expected=_expected(head.expected),
        request_id=head.request_id,
        encryption=encryption.with_customer_key(head.customer_key),
    )


def _decode_get(request: pb.GetObjectRequest) -> object_model.GetObject:
    return object_model.GetObject(
        bucket=_bucket_name(request.bucket),
        key=request.key,
        range=_range(request),
        part_number=request.part_number,
        conditions=conditions_of(request),
        customer=encryption.customer_key(request.customer_key),
        version_id=request.version_id,
    )


def _decode_head(request: pb.HeadObjectRequest, _: CallContext) -> object_model.HeadObject:
    return object_model.HeadObject(
        bucket=_bucket_name(request.bucket),
        key=request.key,
        conditions=conditions_of(request),
        customer=encryption.customer_key(request.customer_key),
        version_id=request.version_id,
    )


def _decode_delete(request: pb.DeleteObjectRequest, _: CallContext) -> object_model.DeleteObject:
    return object_model.DeleteObject(
        bucket=_bucket_name(request.bucket),
        key=request.key,
        if_match=unquoted(request.if_match),
        request_id=request.request_id,
        if_modified_ms=request.if_modified_ms if request.HasField("if_modified_ms") else None,
        if_size_bytes=request.if_size_bytes if request.HasField("if_size_bytes") else None,
        version_id=request.version_id,
        bypasses_governance=request.bypass_governance,
    )


def _decode_batch_delete(request: pb.BatchDeleteObjectsRequest, _: CallContext) -> object_model.BatchDeleteObjects:
    return object_model.BatchDeleteObjects(
        bucket=_bucket_name(request.bucket),
        entries=tuple(
            object_model.DeleteEntry(
                entry.key,
                unquoted(entry.if_match),
                entry.if_modified_ms if entry.HasField("if_modified_ms") else None,
                entry.if_size_bytes if entry.HasField("if_size_bytes") else None,
                version_id=entry.version_id,
                bypasses_governance=entry.bypass_governance,
            )
            for entry in request.entries
        ),
        request_id=request.request_id,
    )


def _decode_list(request: pb.ListObjectsRequest, _: CallContext) -> listing_model.ListObjects:
    return listing_model.ListObjects(
        bucket=_bucket_name(request.bucket),
        prefix=request.prefix,
        delimiter=request.delimiter,
        start_after=request.start_after,
        page_size=request.page_size,
        page_token=request.page_token,
        with_owners=request.fetch_owner,
    )


def _decode_create_bucket(request: pb.CreateBucketRequest, _: CallContext) -> bucket_model.CreateBucket:
    return bucket_model.CreateBucket(
        _bucket_name(request.bucket.name),
        request.bucket.region,
        request.request_id,
        acl=request.canned_acl,
        object_ownership=request.object_ownership,
        tags=dict(request.tags),
        grants=edge_grpc_acl.decode(request.grants),
        locks_objects=request.object_lock,
    )


def _decode_list_buckets(request: pb.ListBucketsRequest, _: CallContext) -> bucket_model.ListBuckets:
    return bucket_model.ListBuckets(request.prefix, request.page_size, request.page_token, request.region)


def _decode_set_notification(
    request: pb.SetBucketNotificationRequest, _: CallContext
) -> notification_model.SetBucketNotification:
    return notification_model.SetBucketNotification(
        _bucket_name(request.bucket),
        tuple(map(_decode_rule, request.rules)),
        request.request_id,
        request.event_bridge,
        request.skip_destination_validation,
    )


def _decode_rule(rule: pb.NotificationRule) -> notification_model.NotificationRule:
    targets = [text for text in (rule.queue, rule.topic, rule.endpoint) if text]
    if len(targets) != 1:
        raise INVALID_ARGUMENT.error(
            parameter="rules", value=f"of {len(targets)} targets", allowed="one of queue, topic and endpoint"
        )
    target = targets[0]
    if rule.topic and "/" not in target and not target.startswith("arn:"):
        raise INVALID_ARGUMENT.error(parameter="topic", value=target[:80], allowed="a topic's ARN or full name")
    if rule.endpoint and service_of(target) not in notification_model.ENDPOINT_SCHEMES:
        raise INVALID_ARGUMENT.error(parameter="endpoint", value=target[:80], allowed="a URL of http or https")
    return notification_model.NotificationRule(
        id=rule.id, target=target, events=tuple(rule.events), prefix=rule.prefix, suffix=rule.suffix
    )


def _decode_set_configuration(
    request: pb.SetBucketConfigurationRequest, _: CallContext
) -> configuration_model.SetBucketConfiguration:
    value = edge_documents.parsed(request.kind, request.document)
    return configuration_model.SetBucketConfiguration(
        _bucket_name(request.bucket), request.kind, value, request.request_id, request.id
    )


def _decode_create_upload(
    request: pb.CreateMultipartUploadRequest, _: CallContext
) -> upload_model.CreateMultipartUpload:
    return upload_model.CreateMultipartUpload(
        bucket=_bucket_name(request.bucket),
        key=request.key,
        content_type=request.content_type,
        metadata=dict(request.metadata),
        request_id=request.request_id,
        encryption=encryption.asked(request.encryption if request.HasField("encryption") else None),
        lock=edge_grpc_locks.asked(request),
        **edge_grpc_descriptions.asked(request),
    )


def _decode_complete(
    request: pb.CompleteMultipartUploadRequest, _: CallContext
) -> upload_model.CompleteMultipartUpload:
    return upload_model.CompleteMultipartUpload(
        bucket=_bucket_name(request.bucket),
        key=request.key,
        upload_id=request.upload_id,
        parts=tuple(upload_model.CompletedPart(part.part_number, unquoted(part.etag)) for part in request.parts),
        if_match=unquoted(request.if_match),
        if_none_match=unquoted(request.if_none_match),
        request_id=request.request_id,
        object_size_bytes=request.object_size_bytes if request.HasField("object_size_bytes") else UNKNOWN,
        messages=_enclosed(request.messages),
        encryption=encryption.with_customer_key(request.customer_key),
    )


def _decode_abort(request: pb.AbortMultipartUploadRequest, _: CallContext) -> upload_model.AbortMultipartUpload:
    return upload_model.AbortMultipartUpload(
        bucket=_bucket_name(request.bucket),
        key=request.key,
        upload_id=request.upload_id,
        request_id=request.request_id,
    )


def _decode_list_parts(request: pb.ListPartsRequest, _: CallContext) -> upload_model.ListParts:
    return upload_model.ListParts(
        bucket=_bucket_name(request.bucket),
        key=request.key,
        upload_id=request.upload_id,
        page_size=request.page_size,
        page_token=request.page_token,
    )


def _decode_list_uploads(request: pb.ListMultipartUploadsRequest, _: CallContext) -> upload_model.ListMultipartUploads:
    return upload_model.ListMultipartUploads(
        bucket=_bucket_name(request.bucket),
        prefix=request.prefix,
        delimiter=request.delimiter,
        page_size=request.page_size,
        page_token=request.page_token,
    )


# Answers


def _bucket(it: bucket_model.Bucket) -> pb.Bucket:
    return pb.Bucket(
        name="buckets/" + it.name, arn=it.arn, region=it.region, account=it.account, create_ms=it.create_ms
    )


def _rules(rules: tuple[notification_model.NotificationRule, ...]) -> list[pb.NotificationRule]:
    return [
        pb.NotificationRule(
            id=it.id,
            events=it.events,
            prefix=it.prefix,
            suffix=it.suffix,
            **{_TARGETS.get(service_of(it.target), "endpoint"): it.target},
        )
        for it in rules
    ]


def _encode_put(it: object_model.Object) -> pb.PutObjectResponse:
    return pb.PutObjectResponse(object=encode_object(it), messages=_sent(it))


def _encode_complete(it: object_model.Object) -> pb.CompleteMultipartUploadResponse:
    return pb.CompleteMultipartUploadResponse(object=encode_object(it), messages=_sent(it))


def _sent(it: object_model.Object) -> list[SentMessage]:
    return [
        SentMessage(message_id=one.message_id, md5_of_body=one.md5_of_body, sequence_number=one.sequence_number)
        for one in it.messages
    ]


def _encode_part(it: object_model.Part) -> pb.UploadPartResponse:
    return pb.UploadPartResponse(part=encode_part(it))


def _encode_list(page: listing_model.ObjectPage) -> pb.ListObjectsResponse:
    return pb.ListObjectsResponse(
        objects=[
            pb.ObjectSummary(
                key=it.key,
                size_bytes=it.size_bytes,
                etag=it.etag,
                last_modified_ms=it.last_modified_ms,
                storage_class=it.storage_class,
                owner=it.owner,
            )
            for it in page.objects
        ],
        common_prefixes=page.common_prefixes,
        next_page_token=page.next_page_token,
    )


def _encode_buckets(page: bucket_model.BucketPage) -> pb.ListBucketsResponse:
    return pb.ListBucketsResponse(buckets=map(_bucket, page.buckets), next_page_token=page.next_page_token)


def _encode_parts(page: upload_model.PartPage) -> pb.ListPartsResponse:
    return pb.ListPartsResponse(parts=map(encode_part, page.parts), next_page_token=page.next_page_token)


def _encode_uploads(page: upload_model.UploadPage) -> pb.ListMultipartUploadsResponse:
    uploads = [pb.MultipartUpload(key=it.key, upload_id=it.upload_id, create_ms=it.create_ms) for it in page.uploads]
    return pb.ListMultipartUploadsResponse(
        uploads=uploads, common_prefixes=page.common_prefixes, next_page_token=page.next_page_token
    )


_UNARY: Mapping[str, UnaryRow] = {
    "CreateBucket": (
        pb.CreateBucketRequest,
        _decode_create_bucket,
        lambda it: pb.CreateBucketResponse(bucket=_bucket(it)),
    ),
    "GetBucket": (
        pb.GetBucketRequest,
        lambda request, _: bucket_model.GetBucket(_bucket_name(request.name)),
        lambda it: pb.GetBucketResponse(bucket=_bucket(it)),
    ),
    "ListBuckets": (pb.ListBucketsRequest, _decode_list_buckets, _encode_buckets),
    "DeleteBucket": (
        pb.DeleteBucketRequest,
        lambda request, _: bucket_model.DeleteBucket(_bucket_name(request.name), request.request_id),
        lambda _: pb.DeleteBucketResponse(),
    ),
    "GetBucketPolicy": (
        pb.GetBucketPolicyRequest,
        lambda request, _: bucket_model.GetBucketPolicy(_bucket_name(request.bucket)),
        lambda policy: pb.GetBucketPolicyResponse(policy=policy),
    ),
    "SetBucketPolicy": (
        pb.SetBucketPolicyRequest,
        lambda request, _: bucket_model.SetBucketPolicy(
            _bucket_name(request.bucket), request.policy, request.request_id
        ),
        lambda _: pb.SetBucketPolicyResponse(),
    ),
    "DeleteBucketPolicy": (
        pb.DeleteBucketPolicyRequest,
        lambda request, _: bucket_model.DeleteBucketPolicy(_bucket_name(request.bucket), request.request_id),
        lambda _: pb.DeleteBucketPolicyResponse(),
    ),
    "GetBucketPolicyStatus": (
        pb.GetBucketPolicyStatusRequest,
        lambda request, _: bucket_model.GetBucketPolicyStatus(_bucket_name(request.bucket)),
        lambda is_public: pb.GetBucketPolicyStatusResponse(public=is_public),
    ),
    "GetBucketNotification": (
        pb.GetBucketNotificationRequest,
        lambda request, _: notification_model.GetBucketNotification(_bucket_name(request.bucket)),
        lambda it: pb.GetBucketNotificationResponse(rules=_rules(it.rules), event_bridge=it.event_bridge),
    ),
    "SetBucketNotification": (
        pb.SetBucketNotificationRequest,
        _decode_set_notification,
        lambda it: pb.SetBucketNotificationResponse(rules=_rules(it.rules), event_bridge=it.event_bridge),
    ),
    "GetBucketConfiguration": (
        pb.GetBucketConfigurationRequest,
        lambda request, _: configuration_model.GetBucketConfiguration(
            _bucket_name(request.bucket), request.kind, request.id
        ),
        lambda it: pb.GetBucketConfigurationResponse(document=edge_documents.document(it)),
    ),
    "SetBucketConfiguration": (
        pb.SetBucketConfigurationRequest,
        _decode_set_configuration,
        lambda _: pb.SetBucketConfigurationResponse(),
    ),
    "DeleteBucketConfiguration": (
        pb.DeleteBucketConfigurationRequest,
        lambda request, _: configuration_model.DeleteBucketConfiguration(
            _bucket_name(request.bucket), request.kind, request.request_id, request.id
        ),
        lambda _: pb.DeleteBucketConfigurationResponse(),
    ),
    "ListBucketConfigurations": (
        pb.ListBucketConfigurationsRequest,
        lambda request, _: configuration_model.ListBucketConfigurations(
            _bucket_name(request.bucket), request.kind, request.page_size, request.page_token
        ),
        lambda page: pb.ListBucketConfigurationsResponse(
            documents=map(edge_documents.document, page.values), next_page_token=page.next_page_token
        ),
    ),
    "HeadObject": (
        pb.HeadObjectRequest,
        _decode_head,
        lambda it: pb.HeadObjectResponse(object=encode_object(it.object)),
    ),
    "DeleteObject": (pb.DeleteObjectRequest, _decode_delete, edge_grpc_versions.encode_delete),
    "BatchDeleteObjects": (
        pb.BatchDeleteObjectsRequest,
        _decode_batch_delete,
        edge_grpc_versions.encode_batch_delete,
    ),
    "ListObjects": (pb.ListObjectsRequest, _decode_list, _encode_list),
    "CreateMultipartUpload": (
        pb.CreateMultipartUploadRequest,
        _decode_create_upload,
        lambda opened: pb.CreateMultipartUploadResponse(upload_id=opened.upload_id),
    ),
    "CompleteMultipartUpload": (
        pb.CompleteMultipartUploadRequest,
        _decode_complete,
        _encode_complete,
    ),
    "AbortMultipartUpload": (
        pb.AbortMultipartUploadRequest,
        _decode_abort,
        lambda _: pb.AbortMultipartUploadResponse(),
    ),
    "ListParts": (pb.ListPartsRequest, _decode_list_parts, _encode_parts),
    "ListMultipartUploads": (pb.ListMultipartUploadsRequest, _decode_list_uploads, _encode_uploads),
    **edge_grpc_acl.rows(_bucket_name),
    **edge_grpc_copies.rows(_bucket_name),
    **edge_grpc_descriptions.rows(_bucket_name),
    **edge_grpc_locks.rows(_bucket_name),
    **edge_grpc_tagging.rows(_bucket_name),
    **edge_grpc_versions.rows(_bucket_name),
}
