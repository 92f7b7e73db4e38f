"""The gRPC adaptor: turns a room's `service.call` into gRPC handlers. Knows the protocol, knows no service.

Owns: reading the bearer token from metadata, building the call context, and the only place where a `ServiceError`
becomes a gRPC status with `google.rpc` details. Promises that no handler runs without an authenticated caller unless
its row says why, that no exception text of a bug reaches a client, and that a stream ends `UNAUTHENTICATED` when its
token expires.
"""

import functools
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn, Protocol

import grpc
from google.protobuf.any_pb2 import Any as ProtoAny
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RequestInfo, RetryInfo
from google.rpc.status_pb2 import Status as RpcStatus

from cumulo.core.clocks import Clock
from cumulo.core.context import AnonymousPrincipal, CallContext
from cumulo.core.errors import (
    DATA_LOSS,
    INTERNAL_FAILURE,
    INVALID_CLIENT_TOKEN_ID,
    INVALID_PARAMETER_VALUE,
    MISSING_AUTHENTICATION_TOKEN,
    ServiceError,
    Status,
)
from cumulo.core.ids import Randomness, RequestIds
from cumulo.core.lazy import LazyPart
from cumulo.core.names import DEFAULT_REGION, is_region
from cumulo.core.operations import Result
from cumulo.core.ports import Authenticator
from cumulo.gateway.expiring_answers import UntilExpiry
from cumulo.gateway.upload_frames import UPLOAD_STALL_S, TimedFrames

ERROR_DOMAIN = "cumulo"
RETRY_AFTER_S = 1
METADATA_VALUE_CHARACTERS_MAX = 1024
PEERS_REMEMBERED_MAX = 1024
_STATUS_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}
_BEARER = "Bearer "
UNTRUSTED = frozenset({Status.UNAUTHENTICATED, Status.PERMISSION_DENIED})
"""Refusals that go to the log."""
REASON_CHARACTERS_MAX = 512
_log = logging.getLogger("cumulo.rpc")


class CallableService(Protocol):
    """The part of a room that an edge may use."""

    async def call(
        self, ctx: CallContext, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None
    ) -> Result:
        """Run one operation."""
        ...


class Observer(Protocol):
    """Is told of each finished call (metrics, access log)."""

    def finished(self, service: str, operation: str, status: str, seconds: float, request_id: str) -> None:
        """One call ended with `status` (a gRPC status name)."""
        ...


Decode = Callable[[Any, CallContext], Any]
Encode = Callable[[Any], Message]
StreamHandler = Callable[[AsyncIterator[Any], CallContext], AsyncGenerator[Message, None]]
UploadHandler = Callable[[AsyncIterator[Any], CallContext], Awaitable[Message]]
DownloadHandler = Callable[[Any, CallContext], AsyncGenerator[Message, None]]
UnaryRow = tuple[Any, Decode, Encode]
"""Of a call with one request and one answer: the request's class, its decoder, the encoder of the answer."""


class _Malformed:
    """Stands for bytes that are no message of the call's type."""


_MALFORMED = _Malformed()


def parser(parse: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Return the parser of a call's one request: bytes that are no message are the handler's to refuse.

    gRPC answers an error of a parser with `UNKNOWN` and logs it, before anybody was authenticated.
    """

    def parse_or_mark(encoded: bytes) -> Any:
        try:
            return parse(encoded)
        except DecodeError:
            return _MALFORMED

    return parse_or_mark


def _refuse_malformed(request: Any) -> None:
    if request is _MALFORMED:
        raise DecodeError


class LazyHandler(grpc.GenericRpcHandler):
    """The handlers of one service, made when its first call comes."""

    def __init__(self, service_name: str, make: Callable[[], grpc.GenericRpcHandler]) -> None:
        self._path = f"/{service_name}/"
        self._handlers = LazyPart(make)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Return the handler of a call, None where it is not one of this service."""
        if not handler_call_details.method.startswith(self._path):
            return None
        return self._handlers().service(handler_call_details)


class RpcAdaptor:
    """Makes handlers; one per listener. An upload whose client sends nothing for `upload_stall_s` seconds is ended."""

    def __init__(
        self,
        authenticator: Authenticator,
        clock: Clock,
        randomness: Randomness,
        observer: Observer,
        *,
        upload_stall_s: float = UPLOAD_STALL_S,
    ) -> None:
        self._authenticator = authenticator
        self._clock = clock
        self._new_request_id = RequestIds(randomness).new
        self._observer = observer
        self._upload_stall_s = upload_stall_s

    def context(self, rpc: grpc.aio.ServicerContext[Any, Any], *, anonymous: bool = False) -> CallContext:
        """Authenticate the caller of `rpc` and describe the call; raises a `ServiceError`."""
        token, region, user_agent = "", DEFAULT_REGION, ""
        for key, value in rpc.invocation_metadata() or ():
            if key == "authorization":
                if token or not isinstance(value, str) or not value.startswith(_BEARER):
                    raise INVALID_CLIENT_TOKEN_ID.error()
                token = value[len(_BEARER) :]
            elif key == "cumulo-region" and isinstance(value, str) and is_region(value):
                region = value
            elif key == "user-agent" and isinstance(value, str):
                user_agent = value
        if anonymous:
            principal, expires_ms = AnonymousPrincipal(), 0
        elif not token:
            raise MISSING_AUTHENTICATION_TOKEN.error(allowed="the metadata 'authorization: Bearer <token>'")
        else:
            authenticated = self._authenticator.authenticate(token)
            principal, expires_ms = authenticated.principal, authenticated.expires_ms
        return CallContext(
            principal=principal,
            request_id=self._new_request_id(),
            region=region,
            source_ip=_peer_address(rpc.peer()),
            user_agent=user_agent,
            expires_ms=expires_ms,
            requester_pays=True,
        )

    def unary(
        self,
        service: CallableService,
        service_name: str,
        operation: str,
        decode: Decode,
        encode: Encode,
        *,
        anonymous: bool = False,
    ) -> Any:
        """Return the handler of a call with one request and one answer."""

        async def handle(request: Any, rpc: grpc.aio.ServicerContext[Any, Any]) -> Message:
            started = time.perf_counter()
            ctx: CallContext | None = None
            status = "OK"
            try:
                ctx = self.context(rpc, anonymous=anonymous)
                _refuse_malformed(request)
                return encode((await service.call(ctx, operation, decode(request, ctx))).value)
            except Exception as error:  # noqa: BLE001 - the one place where an error becomes a status
                expected = self._expected(error, ctx, operation)
                status = expected.row.grpc_status.name
                return await self._abort(rpc, expected, ctx)
            finally:
                self._observer.finished(
                    service_name,
                    operation,
                    status,
                    time.perf_counter() - started,
                    ctx.request_id if ctx is not None else "",
                )

        return handle

    def upload(self, service_name: str, operation: str, handler: UploadHandler) -> Any:
        """Return the handler of a call with a stream of requests and one answer.

        It ends `DEADLINE_EXCEEDED` where the stream stalls, and `UNAUTHENTICATED` at the token's expiry.
        """

        async def handle(requests: AsyncIterator[Any], rpc: grpc.aio.ServicerContext[Any, Any]) -> Message:
            started = time.perf_counter()
            ctx: CallContext | None = None
            status = "OK"
            try:
                ctx = self.context(rpc)
                left_s = (ctx.expires_ms - self._clock.wall_ms()) / 1000 if ctx.expires_ms else None
                return await handler(TimedFrames(requests, self._upload_stall_s, left_s), ctx)
            except Exception as error:  # noqa: BLE001 - as above
                expected = self._expected(error, ctx, operation)
                status = expected.row.grpc_status.name
                return await self._abort(rpc, expected, ctx)
            finally:
                self._observer.finished(
                    service_name,
                    operation,
                    status,
                    time.perf_counter() - started,
                    ctx.request_id if ctx is not None else "",
                )

        return handle

    def stream(self, service_name: str, operation: str, handler: StreamHandler | DownloadHandler) -> Any:
        """Return the handler of a call that answers with a stream (and takes one request or a stream of them).

        The answer stream ends `UNAUTHENTICATED` at the token's expiry.
        """

        async def handle(request: Any, rpc: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Message]:
            started = time.perf_counter()
            ctx: CallContext | None = None
            status = "OK"
            try:
                ctx = self.context(rpc)
                _refuse_malformed(request)
                left_s = (ctx.expires_ms - self._clock.wall_ms()) / 1000 if ctx.expires_ms else None
                async with UntilExpiry(handler(request, ctx), left_s) as answers:
                    async for message in answers:
                        yield message
            except Exception as error:  # noqa: BLE001 - as above
                expected = self._expected(error, ctx, operation)
                status = expected.row.grpc_status.name
                await self._abort(rpc, expected, ctx)
            finally:
                self._observer.finished(
                    service_name,
                    operation,
                    status,
                    time.perf_counter() - started,
                    ctx.request_id if ctx is not None else "",
                )

        return handle

    def _expected(self, error: Exception, ctx: CallContext | None, operation: str) -> ServiceError:
        """Return `error` itself, or what a client may know of a bug."""
        if isinstance(error, ServiceError):
            if error.row is DATA_LOSS:  # the client can do nothing about it; who runs the server must hear of it
                request_id = ctx.request_id if ctx is not None else ""
                _log.error("%s: %s", operation, error.message, extra={"request_id": request_id})
            return error
        if isinstance(error, DecodeError):
            return INVALID_PARAMETER_VALUE.error(
                parameter="request",
                value="that is no message",
                allowed="a message of the call's type, its text in UTF-8",
            )
        request_id = ctx.request_id if ctx is not None else ""
        _log.error("bug in %s", operation, exc_info=error, extra={"request_id": request_id})
        return INTERNAL_FAILURE.error(request_id=request_id)

    async def _abort(
        self, rpc: grpc.aio.ServicerContext[Any, Any], error: ServiceError, ctx: CallContext | None
    ) -> NoReturn:
        request_id = ctx.request_id if ctx is not None else ""
        if error.row.grpc_status in UNTRUSTED:
            _log.info(
                "refused: %s",
                error.row.code,
                extra={
                    "request_id": request_id,
                    "peer": _peer_address(rpc.peer()),
                    "reason": error.message[:REASON_CHARACTERS_MAX],
                },
            )
        status = status_of(error, request_id)
        details = (("grpc-status-details-bin", status.SerializeToString()),)
        await rpc.abort(_STATUS_BY_NUMBER[status.code], status.message, details)
        raise AssertionError("abort always raises")


def status_of(error: ServiceError, request_id: str) -> RpcStatus:
    """Return the `google.rpc.Status` of an error: ErrorInfo always, BadRequest where a parameter is named, RetryInfo
    where a retry may help.
    """
    row = error.row
    metadata = {key: str(value)[:METADATA_VALUE_CHARACTERS_MAX] for key, value in error.values.items()}
    details: list[Message] = [ErrorInfo(reason=row.code, domain=ERROR_DOMAIN, metadata=metadata)]
    if "parameter" in error.values:
        violation = BadRequest.FieldViolation(field=str(error.values["parameter"]), description=error.message)
        details.append(BadRequest(field_violations=[violation]))
    if row.retryable:
        details.append(RetryInfo(retry_delay=Duration(seconds=RETRY_AFTER_S)))
    if request_id:
        details.append(RequestInfo(request_id=request_id))
    packed = []
    for detail in details:
        box = ProtoAny()
        box.Pack(detail)
        packed.append(box)
    return RpcStatus(code=int(row.grpc_status), message=error.message, details=packed)


@functools.lru_cache(maxsize=PEERS_REMEMBERED_MAX)
def _peer_address(peer: str) -> str:
    """Return the address in gRPC's peer text (`ipv4:127.0.0.1:1234`, `ipv6:%5B::1%5D:1234`, `unix:…`); empty over a
    local socket.
    """
    scheme, _, rest = peer.partition(":")
    if scheme == "ipv4":
        return rest.rpartition(":")[0]
    if scheme == "ipv6":
        return rest.rpartition(":")[0].replace("%5B", "").replace("%5D", "").strip("[]")
    return ""
