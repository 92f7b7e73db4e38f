"""The front door of AWS's protocols: from a request on the HTTP port to a handler of a room, and back.

Owns the order of the steps: which service, who signed it, which operation, what is asked, the handler, the answer.
Promises: nothing is decoded for a handler before its signature held; a body that streams is verified while its receiver
reads it, and not read at all where the receiver refuses first; whatever goes wrong is said in the caller's protocol,
and a bug says no more than its request id. Knows no service: those come as `AwsService`.
"""

import asyncio
import base64
import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import AnonymousPrincipal, CallContext
from cumulo.core.errors import INTERNAL_FAILURE, NOT_IMPLEMENTED, ErrorRow, ServiceError, Status
from cumulo.core.ids import Randomness, RequestIds
from cumulo.core.names import DEFAULT_REGION, is_region
from cumulo.core.ports import CredentialSource
from cumulo.gateway import aws_cbor, aws_codec, aws_errors, aws_query, aws_query_json
from cumulo.gateway.addressing import (
    S3Address,
    ServiceDirectory,
    bucket_of_host,
    decoded,
    decoded_query,
    s3_address,
    scope_service,
    website_of_host,
)
from cumulo.gateway.aws_model import (
    Encoded,
    MalformedInput,
    MissingMember,
    OperationModel,
    Protocol,
    RequestHead,
    ServiceModel,
)
from cumulo.gateway.aws_routes import BucketRoutes, check_part, level_of, no_operation
from cumulo.gateway.aws_service import (
    AnnouncedService,
    AwsAnswer,
    AwsCall,
    AwsService,
    Handler,
    PostedForm,
    RefusalWithHeaders,
)
from cumulo.gateway.aws_shapes import payload_member
from cumulo.gateway.bucket_front import Visit
from cumulo.gateway.held_bodies import HeldBodies, is_long
from cumulo.gateway.http1 import Request, Response
from cumulo.gateway.http_body import BODY_TOO_LARGE, Body, WholeBody
from cumulo.gateway.payload import PayloadMode, body_hash, declared_payload, open_payload, read_payload
from cumulo.gateway.post_form import read_post_form
from cumulo.gateway.post_policy import check_post_head, open_form
from cumulo.gateway.presented import Presented, read_signature
from cumulo.gateway.rpc import REASON_CHARACTERS_MAX, UNTRUSTED, Observer
from cumulo.gateway.s3_request_keys import request_keys
from cumulo.gateway.signature_errors import AuthForm, Dialect, Refusal, SignatureError
from cumulo.gateway.sigv2 import read_old_signature
from cumulo.gateway.sigv4 import CONTENT_SHA256, Verified, Verifier

S3 = "s3"
POST_OBJECT = "PostObject"
"""The one operation of S3 that its service description lacks: a browser's form."""
USER_AGENT_CHARACTERS_MAX = 512
TRACE_HEADER = "x-amzn-trace-id"
TRACE_HEADER_CHARACTERS_MAX = 1_024
"""What a queue takes of X-Ray's header; a longer one is dropped."""
DECODED_BESIDE_BYTES = 256 * 1024
"""Above it a body is decoded in a worker thread: the worst that 16 MiB hold takes seconds, and anybody may send it."""
FORM_BYTES_MAX = 4 * 1024 * 1024
"""A message of 1 MiB that nobody signed, percent-encoded, with its parameters: read to learn whose it is."""
NO_VERSION = "NO_VERSION_SPECIFIED"
"""What AWS calls the version of a query call that names none."""
_SIGNATURE_PARAMETERS = frozenset(
    f"x-amz-{name}"
    for name in ("algorithm", "credential", "date", "expires", "signedheaders", "signature", "security-token")
)
_CHECKSUM_PARAMETERS = frozenset(
    f"x-amz-{name}"
    for name in (
        "sdk-checksum-algorithm",
        "checksum-crc32",
        "checksum-crc32c",
        "checksum-crc64nvme",
        "checksum-sha1",
        "checksum-sha256",
    )
)
_CONDITION_PARAMETERS = frozenset(("if-match", "if-none-match"))
_NOT_HOISTED = _SIGNATURE_PARAMETERS | _CHECKSUM_PARAMETERS
_LENGTH_NAMES = ("content-length", "Content-Length")
_TYPE_NAMES = ("content-type", "Content-Type")
"""As the model and the handlers spell them; both lines are the HTTP writer's own."""
_UNKNOWN_SERVICE = ErrorRow(
    "NotImplemented", 501, Status.UNIMPLEMENTED, "The service {service} is not offered here; see docs/compatibility.md."
)
_REGION_MALFORMED = ErrorRow(
    "InvalidArgument", 400, Status.INVALID_ARGUMENT, "{region} is no name of a region: 1-63 of a-z, 0-9 and -."
)
_S3_REGION_MALFORMED = ErrorRow(
    "AuthorizationHeaderMalformed",
    400,
    Status.INVALID_ARGUMENT,
    "The authorization header is malformed; the region '{region}' is wrong; expecting '{Region}'",
)
"""Clients that guess a region (s3cmd: `US`) take the right one from this answer."""
_S3_PSEUDO_REGION = "aws-global"
"""Where SDKs look for the endpoint of no region: S3's endpoint of that is us-east-1's, and wants its signature."""
_S3_INTERNAL = ErrorRow(
    "InternalError",
    500,
    Status.INTERNAL,
    "We encountered an internal error. Please try again.",
)
_log = logging.getLogger("cumulo.aws")


class _Exchange:
    """One request on its way through the steps."""

    __slots__ = (
        "address",
        "asked",
        "ctx",
        "form",
        "in_json",
        "model",
        "operation",
        "protocol",
        "request",
        "request_id",
        "service",
    )

    def __init__(self, request: Request, request_id: str) -> None:
        self.request = request
        self.request_id = request_id
        self.service: AwsService | None = None
        self.model: ServiceModel | None = None
        self.protocol: Protocol = "rest-xml"
        self.operation: OperationModel | None = None
        self.address: S3Address | None = None
        self.form = AuthForm.ANONYMOUS
        self.in_json = False
        self.asked: Any = None
        self.ctx: CallContext | None = None

    @property
    def host_id(self) -> str:
        """S3's second id of a request; no other protocol has one."""
        if self.protocol != "rest-xml":
            return ""
        return base64.b64encode(hashlib.sha256(self.request_id.encode()).digest()).decode()

    @property
    def ids(self) -> tuple[tuple[str, str], ...]:
        """The headers of every answer that name its request."""
        return aws_codec.request_id_headers(self.protocol, self.request_id, self.host_id)

    @property
    def base_url(self) -> str:
        """Scheme and host as the client addressed the server."""
        return f"{'https' if self.request.secure else 'http'}://{self.request.headers.get('host', '')}"

    @property
    def dialect(self) -> Dialect:
        """The family of words in which a bad signature is refused."""
        if self.protocol == "rest-xml":
            return "s3"
        if self.protocol == "query":
            return "query"
        return "compatible" if self.service is not None and self.service.load().query_compatible else "json"


class AwsEdge:
    """Answers AWS's protocols for `services`; `domains` are the host names below which a label is a bucket's name.

    `takes_version_2` admits requests of S3 signed with version 2; `sites` are host names that are websites of the
    buckets of the same names.
    """

    def __init__(
        self,
        services: Sequence[AnnouncedService],
        credentials: CredentialSource,
        clock: Clock,
        randomness: Randomness,
        observer: Observer,
        domains: Sequence[str],
        *,
        takes_version_2: bool = False,
        sites: Sequence[str] = (),
    ) -> None:
        self._takes_version_2 = takes_version_2
        self._services = {service.name: service for service in services}
        self._directory = ServiceDirectory(
            [(it.name, it.target_prefix, it.api_version) for it in services],
            {action: it.name for it in services for action in it.links},
        )
        self._verifier = Verifier(credentials, clock)
        self._held = HeldBodies()
        self._clock = clock
        self._new_request_id = RequestIds(randomness).new
        self._observer = observer
        self._routes: BucketRoutes | None = None
        self._domains = tuple(sorted(domains, key=len, reverse=True))
        self._sites = frozenset(sites)

    def names_bucket(self, request: Request) -> bool:
        """Say whether the host of a request is a bucket's, so that every path below it is a key."""
        host = request.headers.get("host", "")
        return bool(bucket_of_host(host, self._domains) or website_of_host(host, self._domains, self._sites))

    @property
    def service_names(self) -> tuple[str, ...]:
        """The services that have at least one operation."""
        return tuple(name for name, service in self._services.items() if service.is_offered)

    async def answer(self, request: Request) -> Response:
        """Answer one request; raises nothing."""
        started = time.perf_counter()
        exchange = _Exchange(request, self._new_request_id())
        status = "OK"
        try:
            if not _is_unsigned_form(request):
                answer = await self._serve(exchange)
                return answer if exchange.address is None else await _left(exchange, answer, started)
            with self._held.place(request.body) as held:
                content = await held.read(FORM_BYTES_MAX)
                exchange.request = msgspec.structs.replace(request, body=WholeBody(content))
                if len(content) > DECODED_BESIDE_BYTES:
                    form = await asyncio.to_thread(_form_if_readable, content)
                else:
                    form = _form_if_readable(content)
                return await self._serve(exchange, form)
        except Exception as error:  # noqa: BLE001 - the one place where an error becomes an answer
            expected = _in_dialect(_expected(error, exchange), exchange.service)
            status = expected.row.code
            if isinstance(error, SignatureError) or expected.row.grpc_status in UNTRUSTED:
                _log_refusal(exchange, expected, error)
            answer = _refusal(exchange, expected)
            return answer if exchange.address is None else await _left(exchange, answer, started, status)
        finally:
            self._observer.finished(
                exchange.service.name if exchange.service is not None else "unknown",
                exchange.operation.name if exchange.operation is not None else "unknown",
                status,
                time.perf_counter() - started,
                exchange.request_id,
            )

    async def _serve(self, exchange: _Exchange, form: Sequence[tuple[str, str]] = ()) -> Response:
        service = self._find_service(exchange, form)
        if service.name == S3:
            return await self._serve_s3(exchange, service)
        return await self._serve_call(exchange, service)

    def _find_service(self, exchange: _Exchange, form: Sequence[tuple[str, str]]) -> AwsService:
        request = exchange.request
        name = scope_service(request) or self._directory.of_head(request.headers, form or _query_if_readable(request))
        if not name:
            name = request.headers.get("x-amz-target", "").partition(".")[0] or S3
        exchange.protocol = _protocol(request, name)
        exchange.in_json = exchange.protocol == "query" and aws_query_json.is_accepted(request.headers)
        if exchange.protocol == "rest-xml":
            exchange.request_id = exchange.request_id.replace("-", "")[:16].upper()
        announced = self._services.get(name)
        if announced is None:
            raise _UNKNOWN_SERVICE.error(service=name[:64])
        service = exchange.service = announced.service()
        return service

    def _context(
        self,
        exchange: _Exchange,
        verified: Verified | None,
        keys: Mapping[str, str],
        asked: Mapping[str, str] = MappingProxyType({}),
    ) -> CallContext:
        request = exchange.request
        trace_header = request.headers.get(TRACE_HEADER, "")
        if verified is not None:
            is_s3 = exchange.protocol == "rest-xml"
            if is_s3 and (verified.region == _S3_PSEUDO_REGION or not is_region(verified.region)):
                raise _S3_REGION_MALFORMED.error(region=verified.region, Region=DEFAULT_REGION)
            if not is_region(verified.region):
                raise _REGION_MALFORMED.error(region=verified.region)
        return CallContext(
            principal=AnonymousPrincipal() if verified is None else verified.principal,
            request_id=exchange.request_id,
            region=DEFAULT_REGION if verified is None else verified.region,
            source_ip=request.peer,
            secure_transport=request.secure,
            user_agent=request.headers.get("user-agent", "")[:USER_AGENT_CHARACTERS_MAX],
            expires_ms=0 if verified is None else verified.expires_ms,
            condition_keys=keys,
            requester_pays=asked.get("x-amz-request-payer", "").lower() == "requester",
            trace_header=trace_header if len(trace_header) <= TRACE_HEADER_CHARACTERS_MAX else "",
        )

    # -- JSON, query and CBOR: the whole body is read, then everything is known

    async def _serve_call(self, exchange: _Exchange, service: AwsService) -> Response:
        request = exchange.request
        presented = read_signature(request)
        if presented is None and not service.anonymous:
            raise SignatureError(Refusal.MISSING, AuthForm.ANONYMOUS)
        if not is_long(request.body):
            return await self._serve_body(exchange, service, presented, request.body)
        if presented is not None:
            self._verifier.check_head(request, presented, service.name)
        with self._held.place(request.body) as body:
            return await self._serve_body(exchange, service, presented, body)

    async def _serve_body(
        self, exchange: _Exchange, service: AwsService, presented: Presented | None, body: Body
    ) -> Response:
        request = exchange.request
        content = await body.read(service.body_bytes_max)
        verified = None
        if presented is not None:
            verified = self._verifier.verify(request, presented, service.name, body_hash(content))
        model = exchange.model = service.load()
        if len(content) > DECODED_BESIDE_BYTES:
            operation, handler, asked = await asyncio.to_thread(_read_call, exchange, service, model, content)
        else:
            operation, handler, asked = _read_call(exchange, service, model, content)
        ctx = self._context(exchange, verified, {})
        answer = await handler(AwsCall(ctx, operation.name, asked, None, request, exchange.base_url))
        if exchange.in_json:
            encoded = aws_query_json.encode(operation, answer, exchange.request_id, service.json_names)
        else:
            encoded = aws_codec.encode(model, operation, exchange.protocol, answer, exchange.request_id)
        return Response(encoded.status, encoded.body, exchange.ids + encoded.headers, encoded.content_type)

    # -- S3: head first, the body while its receiver reads it

    async def _serve_s3(self, exchange: _Exchange, service: AwsService) -> Response:
        request = exchange.request
        address = s3_address(request.headers.get("host", ""), request.path, self._domains, self._sites)
        query = decoded_query(request.query)
        model = exchange.model = service.load()
        exchange.address = address
        if service.front is not None and (request.method == "OPTIONS" or address.website):
            return await service.front.receive(_visit(exchange, address))
        is_form = bool(address.bucket) or "content-type" in request.headers
        if request.method == "POST" and not query and not address.key and is_form:
            return await self._serve_form(exchange, service, address)
        presented = read_old_signature(request) if self._takes_version_2 else None
        if presented is None:
            presented = read_signature(request)
        form = exchange.form = AuthForm.ANONYMOUS if presented is None else presented.form
        asking = _with_hoisted(request, query) if form is AuthForm.QUERY else request
        if self._routes is None:
            self._routes = BucketRoutes(model)
        level = level_of(has_bucket=bool(address.bucket), has_key=bool(address.key))
        operation = self._routes.route(request.method, level, query=query, headers=asking.headers)
        if operation is None:
            raise no_operation(request.method, level, {name for name, _ in query})
        exchange.operation = operation
        version_2 = presented is not None and presented.version_2
        verified = None
        if presented is not None and version_2:
            verified = self._verifier.verify_old(request, presented, address.bucket if address.virtual_host else "")
        header_signed = True
        if presented is not None and form is AuthForm.QUERY and not version_2:
            self._verifier.check_head(request, presented, S3)  # what is not signed, before what that says
            header_signed = CONTENT_SHA256 in presented.signed_headers
        streams = bool(operation.input_stream)
        declared = declared_payload(request, form, streams=streams, version_2=version_2, header_signed=header_signed)
        if presented is not None and not version_2:
            verified = self._verifier.verify(request, presented, S3, declared.text)
        signed_s = 0 if presented is None or (version_2 and form is AuthForm.QUERY) else presented.time_s
        keys = request_keys(request, form, signed_s, self._clock.wall_ms(), declared.text, version_2=version_2)
        ctx = exchange.ctx = self._context(exchange, verified, keys, asking.headers)
        if query:
            check_part(request.method, level, {name for name, _ in query})
        handler = service.handlers.get(operation.name)
        if handler is None:
            raise NOT_IMPLEMENTED.error(what=f"S3 {operation.name}")
        body, content = None, b""
        if operation.input_stream:
            body = open_payload(request, verified, declared)
        elif is_long(request.body):
            with self._held.place(request.body) as held:
                content = await read_payload(held, declared, service.body_bytes_max)
        else:
            content = await read_payload(request.body, declared, service.body_bytes_max)
        labels = {"Bucket": address.bucket, "Key": address.key} if address.bucket else {}
        head = RequestHead(labels, query, asking.headers)
        try:
            asked = exchange.asked = aws_codec.decode(operation, exchange.protocol, head, content)
        except (MalformedInput, MissingMember):
            if service.front is not None and address.bucket and operation.name != "CreateBucket":
                await service.front.find(address.bucket)
            raise
        call = AwsCall(ctx, operation.name, asked, body, asking, exchange.base_url, content, service.dialect)
        answer = await handler(call)
        return _s3_response(exchange, model, operation, answer)

    async def _serve_form(self, exchange: _Exchange, service: AwsService, address: S3Address) -> Response:
        request = exchange.request
        handler = service.handlers[POST_OBJECT]
        exchange.operation = OperationModel(name=POST_OBJECT)
        check_post_head(request)
        form = await read_post_form(request)
        opened = open_form(form, address.bucket, self._verifier, self._clock, takes_version_2=self._takes_version_2)
        exchange.form = AuthForm.POST
        signed = AuthForm.ANONYMOUS if opened.verified is None else AuthForm.POST
        now_ms, payload = self._clock.wall_ms(), PayloadMode.UNSIGNED.value
        keys = request_keys(request, signed, opened.signed_s, now_ms, payload, version_2=opened.version_2)
        ctx = exchange.ctx = self._context(exchange, opened.verified, keys, form.fields)
        asked = PostedForm(address.bucket, form.fields)
        call = AwsCall(ctx, POST_OBJECT, asked, opened.file, request, exchange.base_url)
        answer: AwsAnswer = await handler(call)
        return Response(answer.status, answer.content, exchange.ids + answer.headers, answer.content_type)


def _visit(exchange: _Exchange, address: S3Address, started: float = 0.0, error: str = "") -> Visit:
    return Visit(
        exchange.request,
        address,
        exchange.request_id,
        exchange.host_id,
        exchange.ids,
        exchange.form,
        "" if exchange.operation is None else exchange.operation.name,
        exchange.ctx,
        started,
        time.perf_counter(),
        error,
        exchange.asked,
    )


async def _left(exchange: _Exchange, answer: Response, started: float, error: str = "") -> Response:
    """Return an answer of S3 as its front lets it out."""
    front = None if exchange.service is None else exchange.service.front
    if front is None or exchange.address is None or not front.hears_of(exchange.request):
        return answer
    try:
        return await front.leave(_visit(exchange, exchange.address, started, error), answer)
    except Exception as bug:  # noqa: BLE001 - what was done is done, and its caller is told so
        _log.exception("bug behind an answer of S3", exc_info=bug, extra={"request_id": exchange.request_id})
        return answer


def _read_call(
    exchange: _Exchange, service: AwsService, model: ServiceModel, content: bytes
) -> tuple[OperationModel, Handler, Any]:
    """Return what a body asks for: the operation, its handler and its input."""
    request, head, version = exchange.request, RequestHead(), service.api_version
    match exchange.protocol:
        case "query":
            pairs = (*decoded_query(request.query), *aws_query.parse_form(content))
            parameters = dict(pairs)
            version = parameters.get("Version", NO_VERSION)
            exchange.in_json |= parameters.get(aws_query_json.CONTENT_TYPE_PARAMETER) == "JSON"
            if service.path_member and service.path_member not in parameters:
                pairs += ((service.path_member, decoded(request.path)),)
            head, content, named = RequestHead(query=pairs), b"", parameters.get("Action", "")
            if not named:
                raise (aws_errors.NO_OPERATION if model.query_compatible else aws_errors.MISSING_ACTION).error()
            is_of_version = version == service.api_version or not service.version_required
            operation = model.by_action(named) if is_of_version else None
        case "smithy-rpc-v2-cbor":
            named = aws_cbor.operation_name(request.path)
            operation = model.by_action(named)
        case _:
            named = request.headers.get("x-amz-target", "") or f"{request.method} {request.path}"
            operation = model.by_target(named)
    # A protocol that AWS's service does not speak: no client means it, and its codec bears no load here.
    if operation is None or exchange.protocol not in model.protocols:
        raise service.input_errors.unknown_operation.error(operation=named[:128], version=version[:128])
    exchange.operation = operation
    handler = service.handlers.get(operation.name)
    if handler is None:
        raise NOT_IMPLEMENTED.error(what=f"{service.name} {operation.name}")
    return operation, handler, aws_codec.decode(operation, exchange.protocol, head, content)


def _is_unsigned_form(request: Request) -> bool:
    """Say whether only a request's body can tell whose operation it means; S3 has no form of this type."""
    return (
        "authorization" not in request.headers
        and request.method == "POST"
        and not request.query
        and "x-amz-target" not in request.headers
        and request.headers.get("content-type", "").startswith(aws_query.FORM_TYPE)
    )


def _form_if_readable(content: bytes) -> Sequence[tuple[str, str]]:
    """Return a form for the detection of the service; a broken one is refused later, in S3's words."""
    try:
        return aws_query.parse_form(content)
    except MalformedInput:
        return ()


def _query_if_readable(request: Request) -> Sequence[tuple[str, str]]:
    """Return a query for the same purpose."""
    try:
        return decoded_query(request.query)
    except (ServiceError, SignatureError):
        return ()


def _protocol(request: Request, service: str) -> Protocol:
    headers = request.headers
    if service == S3:
        return "rest-xml"
    if "x-amz-target" in headers or headers.get("content-type", "").startswith("application/x-amz-json"):
        return "json"
    if headers.get("smithy-protocol") == "rpc-v2-cbor":
        return "smithy-rpc-v2-cbor"
    if headers.get("content-type", "").startswith("application/json") or service == "batch":
        return "rest-json"
    return "query"


def _with_hoisted(request: Request, query: Sequence[tuple[str, str]]) -> Request:
    """Return a presigned request with those `x-amz-*` headers that its signer wrote into the query, as the Go and
    JavaScript SDKs do. They are signed there; a header of the same name that was sent, and so signed, counts before.
    Conditions, which Java's SDK writes there, count before a header: that need not be signed.

    A checksum in the query is no header: the JavaScript SDK writes the empty body's there by default, whatever will be
    sent, and S3 ignores it.
    """
    hoisted = {
        name.lower(): value
        for name, value in query
        if name[:6].lower() == "x-amz-" and name.lower() not in _NOT_HOISTED
    }
    conditions = {name.lower(): value for name, value in query if name.lower() in _CONDITION_PARAMETERS}
    if not hoisted and not conditions:
        return request
    return msgspec.structs.replace(request, headers={**hoisted, **request.headers, **conditions})


def _s3_response(exchange: _Exchange, model: ServiceModel, operation: OperationModel, answer: object) -> Response:
    given = answer if isinstance(answer, AwsAnswer) else AwsAnswer(answer)
    if given.output is None:
        encoded = Encoded(operation.status)  # what there is, the handler has written itself
    else:
        encoded = aws_codec.encode(model, operation, exchange.protocol, given.output, exchange.request_id)
    content_length, headers = given.content_length, list(exchange.ids)
    content_type = encoded.content_type
    for header in (*encoded.headers, *given.headers):
        name, value = header
        if name in _LENGTH_NAMES:
            content_length = int(value)
        elif name in _TYPE_NAMES:
            content_type = value
        else:
            headers.append(header)
    return Response(
        given.status or encoded.status,
        encoded.body or given.content,
        tuple(headers),
        content_type or given.content_type,
        given.body,
        content_length,
    )


def _refusal(exchange: _Exchange, error: ServiceError) -> Response:
    encoded = aws_errors.render(
        error,
        exchange.model or _nameless(exchange.service),
        exchange.protocol,
        exchange.request_id,
        host_id=exchange.host_id,
        head=exchange.request.method == "HEAD",
        in_json=exchange.in_json,
    )
    headers = encoded.headers + (error.headers if isinstance(error, RefusalWithHeaders) else ())
    return Response(encoded.status, encoded.body, headers, encoded.content_type)


def _log_refusal(exchange: _Exchange, expected: ServiceError, error: Exception) -> None:
    """Tell who runs the server of a call whose caller is not trusted. What a caller has written stays in the fields."""
    _log.info(
        "refused: %s",
        expected.row.code,
        extra={
            "request_id": exchange.request_id,
            "peer": exchange.request.peer,
            "service": exchange.service.name if exchange.service is not None else "",
            "operation": exchange.operation.name if exchange.operation is not None else "",
            "access_key_id": error.values.get("AWSAccessKeyId", "") if isinstance(error, SignatureError) else "",
            "reason": expected.message[:REASON_CHARACTERS_MAX],
        },
    )


def _nameless(service: AwsService | None) -> ServiceModel:
    """Return a model for the refusal of a request that came to no service, or not as far as to need its model."""
    if service is not None:
        return service.load()
    return ServiceModel(
        name="", api_version="", endpoint_prefix="", protocols=("json",), operations={}, errors={}, json_version="1.0"
    )


def _is_document(operation: OperationModel | None, path: str) -> bool:
    payload = None if operation is None else payload_member(operation.input)
    return payload is not None and path == payload.wire


def _in_dialect(error: ServiceError, service: AwsService | None) -> ServiceError:
    row = None if service is None else service.dialect.said_otherwise.get(error.row)
    return error if row is None else ServiceError(row, error.values)


def _expected(error: Exception, exchange: _Exchange) -> ServiceError:
    """Return what to say of an error: a bug's text stays in the log."""
    service = exchange.service
    if isinstance(error, SignatureError):
        return error.service_error(exchange.dialect)
    if isinstance(error, ServiceError):
        if error.row is BODY_TOO_LARGE and service is not None:
            return service.input_errors.too_large.error(**error.values)
        return error
    if service is not None and isinstance(error, MissingMember):
        operation = "" if exchange.operation is None else exchange.operation.name
        if service.input_errors.no_document is not None and _is_document(exchange.operation, error.path):
            return service.input_errors.no_document.error()
        if service.input_errors.incomplete is not None and "." in error.path:
            return service.input_errors.incomplete.error(parameter=error.path)
        return service.input_errors.missing.error(parameter=error.path, operation=operation)
    if service is not None and isinstance(error, MalformedInput):
        row = service.input_errors.malformed
        if error.where in ("uri", "header") and service.input_errors.malformed_parameter is not None:
            row = service.input_errors.malformed_parameter
            named = {"ArgumentName": error.member, "ArgumentValue": error.value}
            return row.error(parameter=error.member, value=error.value, allowed=error.allowed, **named)
        return row.error(parameter=error.member, value=error.value, allowed=error.allowed)
    _log.exception("bug in an AWS call", exc_info=error, extra={"request_id": exchange.request_id})
    row = _S3_INTERNAL if exchange.protocol == "rest-xml" else INTERNAL_FAILURE
    return row.error(request_id=exchange.request_id)
