"""A real server for the whole run, and what several tests make on it."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as ProtoAny
from google.rpc.status_pb2 import Status

from cumulo.api.identity.v1 import identity_pb2
from cumulo.api.objects.v1 import objects_pb2
from cumulo.api.queue.v1 import queue_pb2
from cumulo.client import Bucket, Client, Queue
from cumulo.testing import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def name() -> str:
    """A name that nothing on the server has yet."""
    return f"t-{uuid.uuid4().hex[:16]}"


@pytest.fixture
def queue(client: Client, name: str) -> Queue:
    return client.queue(name, create=True, visibility_timeout=30)


@pytest.fixture
def bucket(client: Client, name: str) -> Bucket:
    return client.bucket(name, create=True)


class Script(grpc.GenericRpcHandler):
    """A gRPC server whose answers a test writes: failures that a real server does not give to order.

    `answers` holds, for each method's name, what is done with its calls one after the other: a message to answer, or a
    function of (request or requests, context). The last one stays. `seen` are the requests.
    """

    def __init__(self) -> None:
        self.answers: dict[str, list[Any]] = {"IssueToken": [self.issue_token]}
        self.seen: list[tuple[str, Any, Any]] = []
        self.tokens = 0
        self._server = grpc.server(ThreadPoolExecutor(8), handlers=[self])
        self.target = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def issue_token(self, _request: Any, _context: Any) -> identity_pb2.IssueTokenResponse:
        self.tokens += 1
        return identity_pb2.IssueTokenResponse(token=f"token-{self.tokens}", token_id=str(self.tokens))

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        path: str = details.method
        method = path.rpartition("/")[2]
        module = next(it for it in (identity_pb2, objects_pb2, queue_pb2) if it.DESCRIPTOR.package in path)
        parse = getattr(module, f"{method}Request").FromString
        if method.startswith("Stream"):
            return grpc.stream_stream_rpc_method_handler(self._next(method), parse, bytes_of)
        if method == "GetObject":
            return grpc.unary_stream_rpc_method_handler(self._next(method), parse, bytes_of)
        if method == "PutObject":
            return grpc.stream_unary_rpc_method_handler(self._next(method), parse, bytes_of)
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._unary(method, request, context), parse, bytes_of
        )

    def _next(self, method: str) -> Callable[..., Any]:
        answers = self.answers[method]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer if callable(answer) else lambda _request, _context: answer

    def _unary(self, method: str, request: Any, context: Any) -> Any:
        metadata = dict(context.invocation_metadata())
        self.seen.append((method, request, {"left": context.time_remaining(), **metadata}))
        return self._next(method)(request, context)

    def calls(self, method: str) -> list[tuple[Any, Any]]:
        return [(request, facts) for name, request, facts in self.seen if name == method]

    def close(self) -> None:
        self._server.stop(None).wait()


def bytes_of(message: Any) -> bytes:
    encoded: bytes = message.SerializeToString()
    return encoded


def refuse(status: grpc.StatusCode, message: str = "no", *details: Any) -> Callable[[Any, Any], Any]:
    """An answer of `Script` that ends the call with a status and `google.rpc` details."""

    def answer(_request: Any, context: grpc.ServicerContext) -> Any:
        packed = []
        for detail in details:
            box = ProtoAny()
            box.Pack(detail)
            packed.append(box)
        encoded = Status(code=status.value[0], message=message, details=packed).SerializeToString()
        context.set_trailing_metadata((("grpc-status-details-bin", encoded),))
        context.abort(status, message)

    return answer


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()
    yield script
    script.close()


@pytest.fixture(name="refuse")
def refuse_fixture() -> Callable[..., Any]:
    return refuse


@pytest.fixture
def scripted(script: Script) -> Iterator[Client]:
    with Client(script.target, access_key_id="AKIATESTTESTTESTTEST", secret_access_key="secret-of-the-test") as client:
        yield client
