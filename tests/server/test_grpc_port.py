"""The gRPC port seen by strangers: health and reflection, odd paths, odd tokens, limits of streams and metadata.

Rows 44 to 46 of the attacks that must be refused stand here; `raw_http2` speaks below gRPC's own library.
"""

import asyncio
import contextlib
import socket
import time
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

from cumulo.api.identity.v1 import identity_pb2
from cumulo.api.identity.v1.identity_pb2_grpc import IdentityServiceStub
from cumulo.api.keys.v1 import keys_pb2
from cumulo.api.objects.v1 import objects_pb2
from cumulo.api.queue.v1 import log_pb2, queue_pb2, schedule_pb2
from cumulo.api.queue.v1.queue_pb2_grpc import QueueServiceStub
from cumulo.api.runner.v1 import runner_pb2
from cumulo.api.topics.v1 import topics_pb2
from cumulo.testing import Server
from tests.server.running import wait_until_parked

LIMIT_S = 10
STREAMS = 100
SERVICES = [
    module.DESCRIPTOR.services_by_name[name]
    for module, name in (
        (identity_pb2, "IdentityService"),
        (queue_pb2, "QueueService"),
        (log_pb2, "LogService"),
        (schedule_pb2, "ScheduleService"),
        (topics_pb2, "TopicService"),
        (keys_pb2, "KeyService"),
        (objects_pb2, "ObjectService"),
        (runner_pb2, "RunnerService"),
    )
]
METHODS = [(service.full_name, method.name) for service in SERVICES for method in service.methods]
WHOAMI = "/cumulo.api.identity.v1.IdentityService/GetCallerIdentity"


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.target) as channel:
        yield channel


@pytest.fixture(scope="module")
def token(client):
    return client.iam.issue_token().token


@pytest.fixture(scope="module")
def powerless(server, client):
    """Token of a user to whom nothing is allowed."""
    client.iam.create_user("powerless")
    key = client.iam.create_access_key("powerless")
    with server.client(access_key_id=key.access_key_id, secret_access_key=key.secret_access_key) as user:
        return user.iam.issue_token().token


def bearer(token):
    return (("authorization", f"Bearer {token}"),)


def refusal(call):
    """Make a call that must fail; return its status code and reason."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    status = rpc_status.from_call(error)
    reason = ""
    if status is not None:
        info = ErrorInfo()
        assert status.details[0].Unpack(info)
        reason = info.reason
    return error.code(), reason


def raw_call(channel, path, metadata=(), request=b""):
    """Make a unary call to any path."""
    return channel.unary_unary(path)(request, metadata=metadata, timeout=LIMIT_S)


def request_of(service_name, method_name):
    """Return a request whose texts all name something plausible."""
    pool = descriptor_pool.Default()
    method = pool.FindServiceByName(service_name).methods_by_name[method_name]
    request = message_factory.GetMessageClass(method.input_type)()
    for field in method.input_type.fields:
        if field.type == field.TYPE_STRING and not field.is_repeated and field.name not in ("request_id", "page_token"):
            with contextlib.suppress(AttributeError):
                setattr(request, field.name, "thing")
    return request, method


def make(channel, service_name, method_name, metadata):
    """Call a method of any kind with a plausible request; return its first answer."""
    request, method = request_of(service_name, method_name)
    path = f"/{service_name}/{method_name}"
    answer_type = message_factory.GetMessageClass(method.output_type)
    serialize = type(request).SerializeToString
    many_in, many_out = method.client_streaming, method.server_streaming
    if many_in and many_out:
        call = channel.stream_stream(path, serialize, answer_type.FromString)
    elif many_in:
        call = channel.stream_unary(path, serialize, answer_type.FromString)
    elif many_out:
        call = channel.unary_stream(path, serialize, answer_type.FromString)
    else:
        call = channel.unary_unary(path, serialize, answer_type.FromString)
    answer = call(iter([request]) if many_in else request, metadata=metadata, timeout=LIMIT_S)
    return next(answer) if many_out else answer


# Health and reflection


def test_health_says_serving_for_the_server_and_each_service(channel):
    stub: Any = health_pb2_grpc.HealthStub(channel)

    for name in ("", *(service.full_name for service in SERVICES)):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=LIMIT_S)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_shows_every_service_and_nothing_of_anybodys_data(channel):
    database = ProtoReflectionDescriptorDatabase(channel)

    names = set(database.get_services())

    assert names == {
        *(service.full_name for service in SERVICES),
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


def test_reflection_describes_services_that_nobody_has_called(tmp_path):
    with Server(tmp_path / "data") as server, grpc.insecure_channel(server.target) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)

        for service in SERVICES:
            described = database.FindFileContainingSymbol(service.full_name)
            assert service.name in {it.name for it in described.service}


# Row 44: paths


@pytest.mark.parametrize(
    "path",
    [
        WHOAMI.lower(),
        "/" + WHOAMI,
        WHOAMI + "/",
        WHOAMI.replace("/GetCaller", "//GetCaller"),
        WHOAMI.replace("Get", "%47et"),
        "/cumulo.api.identity.v1.IdentityService/_resolve",
        "/cumulo.api.identity.v1.IdentityService/",
        "/cumulo.api.identity.v1/GetCallerIdentity",
        "/IdentityService/GetCallerIdentity",
        "/",
    ],
)
def test_path_that_is_not_exactly_a_methods_is_unimplemented_even_for_root(channel, token, path):
    code, _ = refusal(lambda: raw_call(channel, path, bearer(token)))

    assert code is grpc.StatusCode.UNIMPLEMENTED


# Row 45: every method asks who calls and whether he may


@pytest.mark.parametrize(("service", "method"), METHODS)
def test_method_without_a_token_is_refused(channel, service, method):
    code, reason = refusal(lambda: make(channel, service, method, ()))

    if method == "IssueToken":
        assert code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INVALID_ARGUMENT)
    else:
        assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "MissingAuthenticationToken")


FOR_EVERYBODY = {"GetCallerIdentity", "ExplainAccess", "IssueToken"}
"""Methods that need no permission: one's own identity, what one may do oneself, and the proof of a key."""


@pytest.mark.parametrize(("service", "method"), [row for row in METHODS if row[1] not in FOR_EVERYBODY])
def test_method_is_refused_to_a_user_without_permission(channel, powerless, service, method):
    code, reason = refusal(lambda: make(channel, service, method, bearer(powerless)))

    # A request that is not even well-formed, or names nothing that exists, may be told so.
    assert code in (
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
    ), reason
    assert reason


# Row 46: tokens and metadata


@pytest.mark.parametrize(
    "metadata_of",
    [
        lambda token: (*bearer(token), *bearer(token)),
        lambda token: (*bearer(token), ("authorization", "Basic eDp5")),
        lambda token: (("authorization", token),),
        lambda token: (("authorization", f"bearer {token}"),),
        lambda token: (("authorization", f"Basic {token}"),),
        lambda token: (("authorization", f"Bearer  {token}"),),
        lambda token: (("authorization", f"Bearer {token[:-2]}"),),
        lambda token: (("authorization", f"Bearer {token}="),),
        lambda token: (("authorization", "Bearer "),),
        lambda token: (("authorization", f"Bearer {token.rpartition('.')[0]}."),),
        lambda token: (("authorization-bin", f"Bearer {token}".encode()),),
        lambda token: (("x-authorization", f"Bearer {token}"),),
    ],
)
def test_token_in_an_odd_place_or_form_is_refused(channel, token, metadata_of):
    code, _ = refusal(lambda: raw_call(channel, WHOAMI, metadata_of(token)))

    assert code is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("size", [20_000, 1_000_000])
def test_metadata_beyond_its_limit_is_refused_and_the_next_call_is_served(channel, token, size):
    code, _ = refusal(lambda: raw_call(channel, WHOAMI, (*bearer(token), ("x-padding", "x" * size))))

    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert raw_call(channel, WHOAMI, bearer(token))


def test_headers_that_a_client_may_not_set_change_nothing(channel, powerless, token):
    stub = IdentityServiceStub(channel)
    claims = (("x-forwarded-for", "10.0.0.1"), ("x-amz-source-arn", "arn:x"), ("principal", "root"), ("account", "1"))

    answer = stub.GetCallerIdentity(
        identity_pb2.GetCallerIdentityRequest(), metadata=(*bearer(powerless), *claims), timeout=LIMIT_S
    )

    assert answer.arn.endswith(":user/powerless")


def test_message_beyond_its_limit_is_refused_before_it_is_read(channel, token):
    code, _ = refusal(lambda: raw_call(channel, WHOAMI, bearer(token), b"x" * (4 * 1024 * 1024 + 1)))

    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("request_bytes", [b"\xff" * 100, b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x04\xff\xfe\xfd\xfc"])
def test_bytes_that_are_no_message_are_refused_without_a_traceback(server, channel, token, request_bytes):
    path = "/cumulo.api.queue.v1.QueueService/SendMessage"

    code, _ = refusal(lambda: raw_call(channel, path, bearer(token), request_bytes))

    assert code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
    assert "Traceback" not in server.output


# Streams


class RawHttp2:
    """A connection that sends HTTP/2 frames as it likes."""

    def __init__(self, target):
        host, _, port = target.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=LIMIT_S)
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(4, 0, 0))

    @staticmethod
    def frame(kind, flags, stream, payload=b""):
        return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

    @classmethod
    def open_stream(cls, stream, path):
        headers = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "x"}
        headers |= {"content-type": "application/grpc", "te": "trailers"}
        block = b"".join(
            b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
            for name, value in headers.items()
        )
        return cls.frame(1, 4, stream, block)

    @classmethod
    def reset(cls, stream):
        return cls.frame(3, 0, stream, (8).to_bytes(4, "big"))

    def settings(self):
        """Return the server's settings by their numbers."""
        found = {}
        while True:
            head = self.socket.recv(9, socket.MSG_WAITALL)
            payload = self.socket.recv(int.from_bytes(head[:3], "big"), socket.MSG_WAITALL)
            if head[3] == 4 and not head[4] & 1:
                for at in range(0, len(payload), 6):
                    found[int.from_bytes(payload[at : at + 2], "big")] = int.from_bytes(payload[at + 2 : at + 6], "big")
                return found


def resident_mb(pid):
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1000


def test_connection_is_told_how_many_streams_it_may_have(server):
    raw = RawHttp2(server.target)
    with contextlib.closing(raw.socket):
        assert raw.settings()[3] == STREAMS


def test_streams_that_are_opened_and_reset_at_once_do_not_grow_the_server(server, client):
    before_mb = resident_mb(server.pid)
    for _ in range(4):
        raw = RawHttp2(server.target)
        with contextlib.closing(raw.socket), contextlib.suppress(OSError):
            for first in range(1, 10_000, 200):
                burst = b"".join(
                    raw.open_stream(stream, WHOAMI) + raw.reset(stream) for stream in range(first, first + 200, 2)
                )
                raw.socket.sendall(burst)

    assert client.iam.whoami()
    assert resident_mb(server.pid) - before_mb < 20


def test_300_parked_polls_of_one_client_do_not_starve_a_send_and_cost_no_cpu(server):
    async def run():
        async with server.async_client() as client:
            for name in ("parked", "busy"):
                await client.queue(name).create()
            polls = [asyncio.create_task(client.queue("parked").receive_batch(20)) for _ in range(300)]
            await asyncio.to_thread(wait_until_parked, server, 300)
            began = time.monotonic()
            await client.queue("busy").send(b"x")
            sent_s = time.monotonic() - began
            cpu_before = cpu_s(server.pid)
            await asyncio.sleep(1)
            cpu_used = cpu_s(server.pid) - cpu_before
            await client.queue("parked").send(b"y")
            done, _ = await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
            for poll in polls:
                poll.cancel()
            await asyncio.gather(*polls, return_exceptions=True)
            return sent_s, cpu_used, [[message.body for message in poll.result()] for poll in done]

    sent_s, cpu_used_s, received = asyncio.run(run())

    assert sent_s < 2
    assert cpu_used_s < 0.2
    assert received == [[b"y"]]


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_stream_cannot_be_opened_with_a_revoked_token(server, channel, client):
    token = client.iam.issue_token(60)
    client.queue("streamed").create()
    stub = QueueServiceStub(channel)
    client.iam.revoke_token(token_id=token.token_id)

    start = queue_pb2.StreamReceiveMessagesStart(queue="streamed")
    frames = iter([queue_pb2.StreamReceiveMessagesRequest(start=start, credits=1)])
    code, _ = refusal(lambda: next(stub.StreamReceiveMessages(frames, metadata=bearer(token.token), timeout=LIMIT_S)))

    assert code is grpc.StatusCode.UNAUTHENTICATED


async def outcomes_of_calls_at_once(target, token, connections, calls, wait_s):
    """How so many calls on each of so many connections end; the connections are open before."""
    ours = (("grpc.use_local_subchannel_pool", 1),)
    channels = [grpc.aio.insecure_channel(target, options=ours) for _ in range(connections)]
    stubs = [QueueServiceStub(channel) for channel in channels]
    request = queue_pb2.ReceiveMessagesRequest(queue="crowded", wait_s=wait_s)

    async def ask(stub):
        try:
            await stub.ReceiveMessages(request, metadata=bearer(token), timeout=60)
        except grpc.aio.AioRpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    for stub in stubs:
        assert await ask(stub) is grpc.StatusCode.OK
    found = await asyncio.gather(*(ask(stub) for stub in stubs for _ in range(calls)))
    for channel in channels:
        await channel.close()
    return found


@pytest.mark.long
def test_thousands_of_calls_at_once_are_answered_and_none_is_cancelled(server, client, token):
    client.queue("crowded", create=True)

    found = asyncio.run(outcomes_of_calls_at_once(server.target, token, 30, STREAMS, 0))

    assert set(found) == {grpc.StatusCode.OK}


@pytest.mark.long
def test_calls_beyond_what_a_connection_carries_wait_or_are_refused_as_not_begun(server, client, token):
    client.queue("crowded", create=True)

    found = asyncio.run(outcomes_of_calls_at_once(server.target, token, 1, 20 * STREAMS, 1))

    assert set(found) <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
    assert found.count(grpc.StatusCode.OK) >= STREAMS
