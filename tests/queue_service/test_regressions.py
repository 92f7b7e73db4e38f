"""Defects that were found from outside, each kept away by the call that showed it."""

import asyncio
import json

import grpc
import pytest

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.api.queue.v1.queue_pb2_grpc import QueueServiceStub
from cumulo.core.errors import ServiceError
from cumulo.queue_service import edge_grpc, message_model
from tests.queue_service.grpc_door import METADATA, served

NOBODY_RECEIVES = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:ReceiveMessage",
            "Resource": "arn:aws:sqs:us-east-1:000000000000:jobs",
        },
    }
)


async def until(condition, settle):
    while not condition():
        await settle()


def test_receiver_who_loses_his_permission_while_parked_gets_nothing(run, settle):
    async def scenario(it):
        await it.create()
        receiver = asyncio.ensure_future(it.receive(wait_s=20))
        await until(lambda: it.service.parked, settle)
        await it.update(policy=NOBODY_RECEIVES)
        await it.advance(1)

        await it.send(b"secret")
        with pytest.raises(ServiceError) as refused:
            await receiver

        assert refused.value.row.code == "AccessDenied"
        await settle()
        assert await it.counts() == (1, 0, 0)

    run(scenario)


@pytest.mark.parametrize(
    ("start", "status"),
    [
        (pb.StreamReceiveMessagesStart(queue="nope"), grpc.StatusCode.NOT_FOUND),
        (pb.StreamReceiveMessagesStart(queue="a/b"), grpc.StatusCode.INVALID_ARGUMENT),
        (pb.StreamReceiveMessagesStart(queue="jobs", visibility_timeout_s=43_201), grpc.StatusCode.INVALID_ARGUMENT),
        (pb.StreamReceiveMessagesStart(queue="shut"), grpc.StatusCode.PERMISSION_DENIED),
    ],
    ids=["unknown", "malformed", "timeout", "denied"],
)
def test_stream_is_refused_at_its_start_and_not_at_its_first_credit(run, start, status):
    async def scenario(it):
        await it.create()
        await it.create("shut", policy=NOBODY_RECEIVES.replace(":jobs", ":shut"))
        async with served(it, edge_grpc, it.service) as channel:
            call = QueueServiceStub(channel).StreamReceiveMessages(metadata=METADATA)
            await call.write(pb.StreamReceiveMessagesRequest(start=start))
            async with asyncio.timeout(3):
                assert await call.code() == status

    run(scenario)


@pytest.mark.parametrize(
    ("method", "answers"),
    [("GetQueue", "unary_unary"), ("StreamReceiveMessages", "stream_stream")],
)
@pytest.mark.parametrize("encoded", [b"\xff\xff\xff\xff", b"\x0a\x02\xff\xfe"], ids=["no message", "no text"])
def test_bytes_that_are_no_message_are_an_invalid_argument_and_no_bug(run, caplog, method, answers, encoded):
    async def scenario(it):
        async with served(it, edge_grpc, it.service) as channel:
            path = f"/{edge_grpc.SERVICE_NAME}/{method}"
            call = getattr(channel, answers)(path)(
                encoded if answers == "unary_unary" else iter((encoded,)), metadata=METADATA
            )

            assert await call.code() == grpc.StatusCode.INVALID_ARGUMENT

    run(scenario)
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("name", ["arn:aws:sqs::000000000000:q", "arn:aws:sqs:us-east-1::q", "arn:aws:sqs:A/B:1:q"])
def test_arn_without_a_true_region_and_account_is_no_queues_name(run, name):
    async def scenario(it):
        with pytest.raises(ServiceError) as refused:
            await it.create(name)

        assert refused.value.row.code == "InvalidParameterValue"

    run(scenario)


def test_number_attribute_is_written_in_ascii_digits(run):
    async def scenario(it):
        await it.create()
        attribute = message_model.MessageAttribute("n", "Number", "\u0663".encode(), binary=False)

        (result,) = await it.send(b"x", attributes=(attribute,))

        assert result.code == "InvalidParameterValue"

    run(scenario)
