"""A stream that answers ends when its caller's token does, with the status that tells a client to come back."""

import asyncio

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.wrappers_pb2 import BytesValue
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from cumulo.core.clocks import ManualClock
from cumulo.core.ids import SeededRandomness
from cumulo.core.ports import Authenticated
from cumulo.gateway.rpc import RpcAdaptor

CLOCK = ManualClock()
LEFT_MS = 30
LIMIT_S = 5


class EndsSoon:
    """An authenticator whose every token has a moment left."""

    def authenticate(self, token):
        return Authenticated(principal=token, expires_ms=CLOCK.wall_ms() + LEFT_MS)


class Statuses:
    """An observer that remembers."""

    def __init__(self):
        self.seen = []

    def finished(self, service, operation, status, seconds, request_id):
        self.seen.append((service, operation, status))


async def one_answer_and_then_nothing(request, ctx):
    yield Empty()
    await asyncio.Event().wait()


async def answers_without_end(request, ctx):
    while True:
        yield BytesValue(value=bytes(1 << 20))


def serialized(message):
    return message.SerializeToString()


async def listen(statuses, answers=one_answer_and_then_nothing):
    """Serve one stream on a free port; return the server and its port."""
    adaptor = RpcAdaptor(EndsSoon(), CLOCK, SeededRandomness(1), statuses)
    handler = grpc.unary_stream_rpc_method_handler(
        adaptor.stream("test.Service", "Listen", answers),
        request_deserializer=Empty.FromString,
        response_serializer=serialized,
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Service", {"Listen": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port


def test_stream_ends_unauthenticated_when_its_token_expires():
    async def run():
        statuses = Statuses()
        server, port = await listen(statuses)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            method = channel.unary_stream("/test.Service/Listen", Empty.SerializeToString, Empty.FromString)
            call = method(Empty(), metadata=(("authorization", "Bearer t"),), timeout=LIMIT_S)
            first = await call.read()
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await call.read()
        await server.stop(None)
        return first, ended.value, statuses.seen

    first, ended, seen = asyncio.run(run())

    assert first == Empty()
    assert ended.code() is grpc.StatusCode.UNAUTHENTICATED
    (details,) = (value for key, value in ended.trailing_metadata() if key == "grpc-status-details-bin")
    info = ErrorInfo()
    assert Status.FromString(details).details[0].Unpack(info)
    assert info.reason == "ExpiredToken"
    assert seen == [("test.Service", "Listen", "UNAUTHENTICATED")]


async def read_to_the_end(call):
    while await call.read() is not grpc.aio.EOF:
        pass


def test_stream_to_a_reader_that_stands_still_ends_unauthenticated_too():
    async def run():
        statuses = Statuses()
        server, port = await listen(statuses, answers_without_end)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            method = channel.unary_stream("/test.Service/Listen", Empty.SerializeToString, BytesValue.FromString)
            call = method(Empty(), metadata=(("authorization", "Bearer t"),), timeout=LIMIT_S)
            await call.wait_for_connection()
            await asyncio.sleep(4 * LEFT_MS / 1000)  # the stream's window is full, its token ends while gRPC writes
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await read_to_the_end(call)
        await server.stop(None)
        return ended.value.code(), statuses.seen

    code, seen = asyncio.run(run())

    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert seen == [("test.Service", "Listen", "UNAUTHENTICATED")]


def test_what_a_handler_does_beside_its_answers_ends_with_the_token_though_nobody_reads():
    ended = asyncio.Event()

    async def answers(request, ctx):
        try:
            async for answer in answers_without_end(request, ctx):
                yield answer
        finally:
            ended.set()

    async def run():
        server, port = await listen(Statuses(), answers)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            method = channel.unary_stream("/test.Service/Listen", Empty.SerializeToString, BytesValue.FromString)
            call = method(Empty(), metadata=(("authorization", "Bearer t"),), timeout=LIMIT_S)
            await asyncio.wait_for(ended.wait(), LIMIT_S / 2)
            call.cancel()
        await server.stop(None)

    asyncio.run(run())
