"""The gRPC door of the room: what serves a stand over a real socket, and what reads its refusals."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from cumulo.core.ports import Authenticated
from cumulo.gateway.rpc import RpcAdaptor

METADATA = (("authorization", "Bearer root"),)


class OneToken:
    """Takes the token `root` for the root of the first account."""

    def __init__(self, principal: Any) -> None:
        self.principal = principal

    def authenticate(self, token: str) -> Authenticated:
        assert token == "root"
        return Authenticated(self.principal, 0)


class Unobserved:
    def finished(self, *facts: object) -> None:
        pass


@asynccontextmanager
async def served(it: Any, edge: Any, service: Any) -> AsyncIterator[grpc.aio.Channel]:
    """Serve one service of a stand by the handlers of `edge`; yields a channel to it."""
    rpc = RpcAdaptor(OneToken(it.ctx.principal), it.clock, it.randomness, Unobserved())
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((edge.handlers(service, rpc),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)


def reason(error: Any) -> str:
    """The code in an error's `google.rpc.ErrorInfo`."""
    raw = dict(error.trailing_metadata())["grpc-status-details-bin"]
    info = ErrorInfo()
    Status.FromString(raw).details[0].Unpack(info)
    return str(info.reason)
