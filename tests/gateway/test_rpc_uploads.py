"""An upload of which nothing comes any more ends, with the reason: its client stalled, or its token is over."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from cumulo.core.clocks import ManualClock
from cumulo.core.ids import SeededRandomness
from cumulo.core.ports import Authenticated
from cumulo.gateway.rpc import RpcAdaptor

CLOCK = ManualClock()
SOON_S = 0.03
LIMIT_S = 5


class Lasts:
    """An authenticator whose every token has so many milliseconds left; 0: it never expires."""

    def __init__(self, left_ms):
        self.left_ms = left_ms

    def authenticate(self, token):
        return Authenticated(principal=token, expires_ms=CLOCK.wall_ms() + self.left_ms if self.left_ms else 0)


class Statuses:
    """An observer that remembers."""

    def __init__(self):
        self.seen = []

    def finished(self, service, operation, status, seconds, request_id):
        self.seen.append(status)


async def take_all(requests, ctx):
    async for _ in requests:
        pass
    return Empty()


async def one_frame_and_then_nothing():
    yield Empty()
    await asyncio.Event().wait()


async def frames_without_end():
    while True:
        yield Empty()


def upload(frames, *, left_ms=0, stall_s=60.0):
    """Upload `frames` to a server that takes them all; return its answer or error, and the statuses it observed."""

    async def run():
        statuses = Statuses()
        adaptor = RpcAdaptor(Lasts(left_ms), CLOCK, SeededRandomness(1), statuses, upload_stall_s=stall_s)
        handler = grpc.stream_unary_rpc_method_handler(
            adaptor.upload("test.Service", "Take", take_all), Empty.FromString, Empty.SerializeToString
        )
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Service", {"Take": handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                method = channel.stream_unary("/test.Service/Take", Empty.SerializeToString, Empty.FromString)
                outcome: Any = await method(frames, metadata=(("authorization", "Bearer t"),), timeout=LIMIT_S)
        except grpc.aio.AioRpcError as error:
            outcome = error
        finally:
            await server.stop(None)
        return outcome, statuses.seen

    return asyncio.run(run())


def reason(error):
    """The code in an error's `google.rpc.ErrorInfo`."""
    (details,) = (value for key, value in error.trailing_metadata() if key == "grpc-status-details-bin")
    info = ErrorInfo()
    assert Status.FromString(details).details[0].Unpack(info)
    return info.reason


def test_upload_that_stalls_ends_with_the_reason():
    ended, seen = upload(one_frame_and_then_nothing(), stall_s=SOON_S)

    assert ended.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert reason(ended) == "RequestTimeout"
    assert seen == ["DEADLINE_EXCEEDED"]


@pytest.mark.parametrize("frames", [one_frame_and_then_nothing, frames_without_end])
def test_upload_ends_unauthenticated_when_its_token_expires(frames):
    ended, seen = upload(frames(), left_ms=round(SOON_S * 1000))

    assert ended.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason(ended) == "ExpiredToken"
    assert seen == ["UNAUTHENTICATED"]
