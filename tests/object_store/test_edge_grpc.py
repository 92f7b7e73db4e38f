"""The gRPC edge over real sockets: unary calls, uploads with their commit frame, downloads, errors; and its frames."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.api.objects.v1.objects_pb2_grpc import ObjectServiceStub
from cumulo.core.ports import Authenticated
from cumulo.gateway.rpc import RpcAdaptor
from cumulo.object_store import edge_grpc
from cumulo.storage import digests

METADATA = (("authorization", "Bearer root"),)
MIB = 1024 * 1024
Scenario = Callable[[Any, Any], Any]


class OneToken:
    """Takes the token `root` for the root of the first account."""

    def __init__(self, principal: Any) -> None:
        self.principal = principal

    def authenticate(self, token: str) -> Authenticated:
        assert token == "root"
        return Authenticated(self.principal, 0)


class Unobserved:
    def finished(self, *facts: Any) -> None:
        pass


@pytest.fixture
def over_wire(run: Any) -> Callable[..., None]:
    """Run a scenario `(stand, stub)` on a server and a channel."""

    def go(scenario: Scenario, stall_s: float = 60.0) -> None:
        async def serve(stand: Any) -> None:
            rpc = RpcAdaptor(
                OneToken(stand.ctx.principal), stand.clock, stand.randomness, Unobserved(), upload_stall_s=stall_s
            )
            server = grpc.aio.server()
            server.add_generic_rpc_handlers((edge_grpc.handlers(stand.service, rpc),))
            port = server.add_insecure_port("127.0.0.1:0")
            await server.start()
            try:
                async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                    await scenario(stand, ObjectServiceStub(channel))
            finally:
                await server.stop(None)

        run(serve)

    return go


def reason(error: grpc.aio.AioRpcError) -> str:
    """The code in an error's `google.rpc.ErrorInfo`."""
    raw = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    assert isinstance(raw, bytes)
    info = ErrorInfo()
    Status.FromString(raw).details[0].Unpack(info)
    return str(info.reason)


async def put(stub: Any, data: bytes, *, commit: bool = True, **head: Any) -> pb.Object:
    async def frames() -> AsyncIterator[pb.PutObjectRequest]:
        yield pb.PutObjectRequest(head=pb.PutObjectHead(**{"bucket": "inbox", "key": "k", **head}))
        for at in range(0, len(data), MIB):
            yield pb.PutObjectRequest(data=data[at : at + MIB])
        if commit:
            expected = pb.ExpectedContent(
                content_length=len(data), crc64nvme=digests.crc64nvme(data), crc32c=digests._crc32c(data, 0)
            )
            yield pb.PutObjectRequest(commit=pb.UploadCommit(expected=expected))

    answer = await stub.PutObject(frames(), metadata=METADATA)
    stored: pb.Object = answer.object
    return stored


async def get(stub: Any, **more: Any) -> tuple[pb.GetObjectHead, bytes]:
    call = stub.GetObject(pb.GetObjectRequest(**{"bucket": "inbox", "key": "k", **more}), metadata=METADATA)
    frames = [frame async for frame in call]
    assert frames[0].WhichOneof("frame") == "head"
    assert all(0 < len(frame.data) <= MIB for frame in frames[1:])
    return frames[0].head, b"".join(frame.data for frame in frames[1:])


@pytest.mark.parametrize("size", [0, 10, 127, 128, 65_536, 3 * MIB + 5])
def test_object_goes_there_and_back(over_wire: Any, size: int) -> None:
    async def scenario(stand: Any, stub: Any) -> None:
        data = bytes(range(256)) * (size // 256) + bytes(size % 256)

        stored = await put(stub, data, metadata={"m": "1"}, content_type="text/plain")
        head, got = await get(stub)

        assert got == data
        assert (head.first_byte, head.content_length) == (0, size)
        assert head.object == stored
        assert stored.crc32c == digests._crc32c(data, 0)
        assert (stored.bucket, stored.content_type, dict(stored.metadata)) == (
            "buckets/inbox",
            "text/plain",
            {"m": "1"},
        )
        found = await stub.HeadObject(
            pb.HeadObjectRequest(bucket="buckets/inbox", key="k", if_match=f'"{stored.etag}"'), metadata=METADATA
        )
        assert found.object == stored

    over_wire(scenario)


def test_ranges_over_the_wire(over_wire: Any) -> None:
    async def scenario(stand: Any, stub: Any) -> None:
        await put(stub, b"0123456789")

        assert await get(stub, byte_range=pb.ByteRange(first=2, last=4)) == (
            (await get(stub, byte_range=pb.ByteRange(first=2, last=4)))[0],
            b"234",
        )
        assert (await get(stub, byte_range=pb.ByteRange(first=8)))[1] == b"89"
        assert (await get(stub, suffix_length=3))[1] == b"789"
        for more, code in (
            ({"byte_range": pb.ByteRange(first=10)}, "InvalidRange"),
            ({"byte_range": pb.ByteRange(first=-1)}, "InvalidArgument"),
            ({"suffix_length": 0}, "InvalidArgument"),
            ({"key": "none"}, "NoSuchKey"),
            ({"if_none_match": "*"}, "NotModified"),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await get(stub, **more)
            assert reason(caught.value) == code

    over_wire(scenario)


def test_stream_without_its_commit_stores_nothing(over_wire: Any) -> None:
    async def scenario(stand: Any, stub: Any) -> None:
        for size in (10, 2 * MIB):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await put(stub, bytes(size), commit=False)
            assert reason(caught.value) == "IncompleteBody"
        assert stand.files() == set()
        assert (await stand.list_()).objects == []

    over_wire(scenario)


def test_upload_that_stalls_is_ended_and_stores_nothing(over_wire: Any) -> None:
    async def frames() -> AsyncIterator[pb.PutObjectRequest]:
        yield pb.PutObjectRequest(head=pb.PutObjectHead(bucket="inbox", key="k"))
        yield pb.PutObjectRequest(data=bytes(MIB))
        await asyncio.Event().wait()

    async def scenario(stand: Any, stub: Any) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.PutObject(frames(), metadata=METADATA)

        assert reason(caught.value) == "RequestTimeout"
        assert stand.files() == set()
        assert (await stand.list_()).objects == []

    over_wire(scenario, stall_s=0.1)


def test_frames_in_a_wrong_order_are_refused(over_wire: Any) -> None:
    head = pb.PutObjectRequest(head=pb.PutObjectHead(bucket="inbox", key="k"))
    data = pb.PutObjectRequest(data=b"x")
    wrong: list[tuple[list[pb.PutObjectRequest], str]] = [
        ([], "InvalidRequest"),
        ([data], "InvalidRequest"),
        ([pb.PutObjectRequest(commit=pb.UploadCommit())], "InvalidRequest"),
        ([head, head], "InvalidRequest"),
        ([head, data, pb.PutObjectRequest()], "InvalidRequest"),
        ([head, pb.PutObjectRequest(data=bytes(MIB + 1))], "InvalidArgument"),
    ]

    async def scenario(stand: Any, stub: Any) -> None:
        for frames, code in wrong:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.PutObject(iter(frames), metadata=METADATA)
            assert reason(caught.value) == code

    over_wire(scenario)


def test_every_unary_call_is_answered(over_wire: Any) -> None:
    async def scenario(stand: Any, stub: Any) -> None:
        bucket = "arn:aws:s3:::photos"
        made = await stub.CreateBucket(pb.CreateBucketRequest(bucket=pb.Bucket(name="photos")), metadata=METADATA)
        assert made.bucket.name == "buckets/photos"
        assert (await stub.GetBucket(pb.GetBucketRequest(name=bucket), metadata=METADATA)).bucket == made.bucket
        listed = await stub.ListBuckets(pb.ListBucketsRequest(), metadata=METADATA)
        assert [it.name for it in listed.buckets] == ["buckets/inbox", "buckets/photos"]

        rules = await stub.SetBucketNotification(
            pb.SetBucketNotificationRequest(
                bucket=bucket, rules=[pb.NotificationRule(queue="jobs", events=["s3:ObjectCreated:*"])]
            ),
            metadata=METADATA,
        )
        found = await stub.GetBucketNotification(pb.GetBucketNotificationRequest(bucket=bucket), metadata=METADATA)
        assert list(found.rules) == list(rules.rules)
        policy = (
            '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:DeleteBucketPolicy",'
            '"Resource":"arn:aws:s3:::photos"}}'
        )
        await stub.SetBucketPolicy(pb.SetBucketPolicyRequest(bucket=bucket, policy=policy), metadata=METADATA)
        shown = await stub.GetBucketPolicy(pb.GetBucketPolicyRequest(bucket=bucket), metadata=METADATA)
        assert shown.policy == policy
        await stub.DeleteBucketPolicy(pb.DeleteBucketPolicyRequest(bucket=bucket), metadata=METADATA)

        begun = await stub.CreateMultipartUpload(
            pb.CreateMultipartUploadRequest(bucket=bucket, key="big"), metadata=METADATA
        )
        place = {"bucket": bucket, "key": "big", "upload_id": begun.upload_id}

        async def frames() -> AsyncIterator[pb.UploadPartRequest]:
            yield pb.UploadPartRequest(head=pb.UploadPartHead(part_number=1, **place))
            yield pb.UploadPartRequest(data=b"x" * 100_000)
            yield pb.UploadPartRequest(commit=pb.UploadCommit())

        part = (await stub.UploadPart(frames(), metadata=METADATA)).part
        parts = await stub.ListParts(pb.ListPartsRequest(**place), metadata=METADATA)
        assert list(parts.parts) == [part]
        uploads = await stub.ListMultipartUploads(pb.ListMultipartUploadsRequest(bucket=bucket), metadata=METADATA)
        assert uploads.uploads[0].upload_id == begun.upload_id
        completed = await stub.CompleteMultipartUpload(
            pb.CompleteMultipartUploadRequest(parts=[pb.CompletedPart(part_number=1, etag=f'"{part.etag}"')], **place),
            metadata=METADATA,
        )
        assert completed.object.part_count == 1
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.AbortMultipartUpload(pb.AbortMultipartUploadRequest(**place), metadata=METADATA)
        assert reason(caught.value) == "NoSuchUpload"

        objects = await stub.ListObjects(pb.ListObjectsRequest(bucket=bucket, delimiter="/"), metadata=METADATA)
        assert [it.key for it in objects.objects] == ["big"]
        results = await stub.BatchDeleteObjects(
            pb.BatchDeleteObjectsRequest(
                bucket=bucket,
                entries=[pb.DeleteObjectEntry(key="big", if_match="no"), pb.DeleteObjectEntry(key="big")],
            ),
            metadata=METADATA,
        )
        assert [it.error.code for it in results.results] == ["PreconditionFailed", ""]
        await stub.DeleteObject(pb.DeleteObjectRequest(bucket=bucket, key="big"), metadata=METADATA)
        await stub.DeleteBucket(pb.DeleteBucketRequest(name=bucket), metadata=METADATA)

    over_wire(scenario)


@given(st.binary(max_size=300))
def test_frame_of_a_piece_is_the_message_it_stands_for(data: bytes) -> None:
    encoded = edge_grpc.data_frame(memoryview(data))

    assert pb.GetObjectResponse.FromString(encoded).data == data
    parse = edge_grpc.frame_parser(pb.PutObjectRequest.FromString)
    assert bytes(parse(pb.PutObjectRequest(data=data).SerializeToString())) == data


@given(st.binary(max_size=64) | st.binary(max_size=64).map(lambda tail: b"\x12" + tail))
def test_any_bytes_parse_as_the_proto_library_parses_them(encoded: bytes) -> None:
    parse = edge_grpc.frame_parser(pb.PutObjectRequest.FromString)
    try:
        wanted: Any = pb.PutObjectRequest.FromString(encoded)
    except Exception as error:  # noqa: BLE001 - whatever the library raises
        with pytest.raises(type(error)):
            parse(encoded)
        return

    got = parse(encoded)

    if isinstance(got, memoryview):
        got = pb.PutObjectRequest(data=bytes(got))
    assert got == wanted


def test_one_part_is_read_and_uploads_are_rolled_up(over_wire: Any) -> None:
    async def scenario(stand: Any, stub: Any) -> None:
        bodies = [bytes(5 * MIB), b"end"]
        upload_id = await stand.begin("k")
        parts = [await stand.part("k", upload_id, number, body) for number, body in enumerate(bodies, 1)]
        await stand.complete("k", upload_id, parts)
        for key in ("a/1", "a/2", "b"):
            await stand.begin(key)

        head, second = await get(stub, part_number=2)
        with pytest.raises(grpc.aio.AioRpcError) as beyond:
            await get(stub, part_number=3)
        page = await stub.ListMultipartUploads(
            pb.ListMultipartUploadsRequest(bucket="inbox", delimiter="/"), metadata=METADATA
        )

        assert (second, head.first_byte, head.object.part_count) == (b"end", 5 * MIB, 2)
        assert reason(beyond.value) == "InvalidPartNumber"
        assert [it.key for it in page.uploads] == ["b"]
        assert list(page.common_prefixes) == ["a/"]

    over_wire(scenario)


def test_sources_of_copies_and_completions_have_conditions(over_wire: Any) -> None:
    async def scenario(stand: Any, stub: Any) -> None:
        stored = await put(stub, b"text")
        upload_id = await stand.begin("big")
        wrong: list[dict[str, Any]] = [
            {"source_if_none_match": stored.etag},
            {"source_if_modified_since_ms": stored.last_modified_ms},
            {"source_if_unmodified_since_ms": stored.last_modified_ms - 2000},
        ]

        refused = []
        for condition in wrong:
            source = {"bucket": "inbox", "source_key": "k", **condition}
            whole = pb.CopyObjectRequest(key="copy", **source)
            part = pb.UploadPartCopyRequest(key="big", upload_id=upload_id, part_number=1, **source)
            for call, request in ((stub.CopyObject, whole), (stub.UploadPartCopy, part)):
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await call(request, metadata=METADATA)
                refused.append(reason(caught.value))
        part = pb.UploadPartCopyRequest(
            bucket="inbox",
            key="big",
            upload_id=upload_id,
            part_number=1,
            source_key="k",
            range=pb.ByteRange(first=1, last=2),
        )
        copied = (await stub.UploadPartCopy(part, metadata=METADATA)).part
        complete = pb.CompleteMultipartUploadRequest(
            bucket="inbox",
            key="big",
            upload_id=upload_id,
            parts=[pb.CompletedPart(part_number=1, etag=copied.etag)],
            object_size_bytes=3,
        )
        with pytest.raises(grpc.aio.AioRpcError) as other_size:
            await stub.CompleteMultipartUpload(complete, metadata=METADATA)
        complete.object_size_bytes = 2
        await stub.CompleteMultipartUpload(complete, metadata=METADATA)

        assert refused == ["PreconditionFailed"] * 6
        assert reason(other_size.value) == "InvalidRequest"
        assert (await get(stub, key="big"))[1] == b"ex"

    over_wire(scenario)


def test_repeated_restore_gets_the_first_answer(over_wire: Any) -> None:
    async def scenario(stand: Any, stub: Any) -> None:
        await put(stub, b"text", storage_class="GLACIER")
        request = pb.RestoreObjectRequest(
            bucket="inbox", key="k", days=1, request_id="5f0c44ba-9d0b-4d0c-8d8b-5f0e3a6ce301"
        )

        answers = [await stub.RestoreObject(request, metadata=METADATA) for _ in range(2)]
        request.ClearField("request_id")
        with pytest.raises(grpc.aio.AioRpcError) as again:
            await stub.RestoreObject(request, metadata=METADATA)

        assert answers == [pb.RestoreObjectResponse()] * 2
        assert reason(again.value) == "RestoreAlreadyInProgress"

    over_wire(scenario)
