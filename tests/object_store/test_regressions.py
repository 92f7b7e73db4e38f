"""Defects that were found from outside, each kept away by the call that showed it."""

from typing import Any

import grpc
import msgspec
import pytest

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.api.objects.v1.objects_pb2_grpc import ObjectServiceStub
from cumulo.core.context import CallContext
from cumulo.core.ports import Authenticated
from cumulo.gateway.rpc import RpcAdaptor
from cumulo.identity.policy import ANONYMOUS
from cumulo.identity.principal_model import root_of
from cumulo.object_store import bucket_model, edge_grpc, listing_model, notification_model, object_model

OTHER = CallContext(principal=root_of("111111111111"), request_id="other")
NOBODY = CallContext(principal=ANONYMOUS, request_id="anonymous")
QUEUE = "arn:aws:sqs:us-east-1:000000000000:jobs"


def notification(bucket: str = "inbox") -> notification_model.SetBucketNotification:
    rule = notification_model.NotificationRule(target=QUEUE, events=("s3:ObjectCreated:*",))
    return notification_model.SetBucketNotification(bucket, (rule,))


def test_guest_of_a_bucket_cannot_direct_its_events_to_the_owners_queues(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": "111111111111"},
            "Action": "s3:PutBucketNotification",
            "Resource": "arn:aws:s3:::inbox",
        }
        policy = msgspec.json.encode({"Version": "2012-10-17", "Statement": [statement]}).decode()
        await stand.call("SetBucketPolicy", bucket_model.SetBucketPolicy("inbox", policy))

        error = await refused(stand.call("SetBucketNotification", notification(), ctx=OTHER))

        assert error.row.code == "AccessDenied"
        assert "sqs:SendMessage" in error.message

    run(scenario)


def test_refusal_to_configure_notifications_says_nothing_of_the_queue(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        error = await refused(stand.call("SetBucketNotification", notification(), ctx=NOBODY))

        assert error.row.code == "AccessDenied"
        assert "sqs" not in error.message

    run(scenario)


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("GetBucket", bucket_model.GetBucket("nowhere")),
        ("GetObject", object_model.GetObject(bucket="nowhere", key="k")),
        ("ListObjects", listing_model.ListObjects(bucket="nowhere")),
        ("DeleteBucket", bucket_model.DeleteBucket("nowhere")),
        (
            "BatchDeleteObjects",
            object_model.BatchDeleteObjects(bucket="nowhere", entries=(object_model.DeleteEntry("a"),)),
        ),
    ],
)
def test_everybody_learns_that_there_is_no_bucket_of_a_name(
    run: Any, refused: Any, operation: str, request_: Any
) -> None:
    async def scenario(stand: Any) -> None:
        error = await refused(stand.call(operation, request_, ctx=NOBODY))

        assert error.row.code == "NoSuchBucket"

    run(scenario)


class RootsToken:
    """Takes every token for one principal's."""

    def __init__(self, principal: Any) -> None:
        self.principal = principal

    def authenticate(self, token: str) -> Authenticated:
        return Authenticated(self.principal, 0)


class Unobserved:
    def finished(self, *facts: Any) -> None:
        pass


def test_damaged_bytes_are_told_to_who_runs_the_server(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"x" * 200_000)
        (path,) = stand.blobs.folder.glob("*/*/*")
        path.write_bytes(path.read_bytes()[:-1] + b"y")
        server = grpc.aio.server()
        rpc = RpcAdaptor(RootsToken(stand.ctx.principal), stand.clock, stand.randomness, Unobserved())
        server.add_generic_rpc_handlers((edge_grpc.handlers(stand.service, rpc),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                call = ObjectServiceStub(channel).GetObject(
                    pb.GetObjectRequest(bucket="inbox", key="k"), metadata=(("authorization", "Bearer root"),)
                )
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    _ = [frame async for frame in call]
                assert refused.value.code() == grpc.StatusCode.DATA_LOSS
        finally:
            await server.stop(None)

    run(scenario)
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "checksum" in record.getMessage()
    assert not record.exc_info
