"""What the HTTP port serves beside AWS's protocols, under `/_cumulo/`: health, readiness, metrics, the check of a live
data folder, and the e-mail and SMS that topics sent; and the certificate by which messages of topics are verified,
under the name that SNS's has.

`_` and capitals are illegal in a bucket's name, so these paths can never shadow one. Everything else is AWS's
(`AwsEdge`).
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from cumulo.core.context import CallContext
from cumulo.core.errors import MISSING_AUTHENTICATION_TOKEN, ServiceError
from cumulo.core.ids import Randomness, message_id
from cumulo.core.operations import Check
from cumulo.core.ports import Authenticator
from cumulo.gateway.aws_edge import AwsEdge
from cumulo.gateway.http1 import Request, Response
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.queue_service.entrances import CERTIFICATE_PREFIX
from cumulo.server.observability import METRICS_CONTENT_TYPE, Metrics

_BEARER = "Bearer "
_JSON = "application/json"
_OWN = ("/_cumulo/", "/_localstack/", CERTIFICATE_PREFIX)
CHECK_ACTION = "cumulo:CheckData"
METRICS_ACTION = "cumulo:ReadMetrics"
OUTGOING_ACTION = "cumulo:ReadOutgoing"
OUTGOING_SHOWN = 100


def _text(status: int, body: bytes) -> Response:
    return Response(status, body, content_type="text/plain; charset=utf-8")


def _refusal(error: ServiceError) -> Response:
    body = json.dumps({"code": error.row.code, "message": error.message}).encode()
    return Response(error.row.http_status, body, content_type=_JSON)


class Pages:
    """The handler of the HTTP listener."""

    def __init__(
        self,
        metrics: Metrics,
        authenticator: Authenticator,
        authorizer: Authorizer,
        randomness: Randomness,
        check: Callable[[], Awaitable[list[str]]],
        version: str,
        aws: AwsEdge,
        signing_certificate: Callable[[str], bytes | None],
        outgoing: Callable[[int], list[dict[str, Any]]],
    ) -> None:
        self.ready = False
        self._metrics = metrics
        self._authenticator = authenticator
        self._authorizer = authorizer
        self._randomness = randomness
        self._check = check
        self._version = version
        self._aws = aws
        self._signing_certificate = signing_certificate
        self._outgoing = outgoing

    async def answer(self, request: Request) -> Response:
        """Route one request."""
        path = request.path
        if not path.startswith(_OWN) or self._aws.names_bucket(request):
            return await self._aws.answer(request)
        if path == "/_cumulo/check":
            return await self._answer_check(request)
        if request.method not in ("GET", "HEAD"):
            return _text(405, b"GET and HEAD are allowed here\n")
        if path == "/_cumulo/metrics":
            return await self._answer_metrics(request)
        if path == "/_cumulo/outgoing":
            return await self._answer_outgoing(request)
        return self._page(path)

    def _page(self, path: str) -> Response:
        if path == "/_cumulo/health/live":
            return _text(200, b"ok\n")
        if path == "/_cumulo/health/ready":
            return _text(200, b"ready\n") if self.ready else _text(503, b"not ready\n")
        if path.startswith(CERTIFICATE_PREFIX):
            certificate = self._signing_certificate(path)
            if certificate is not None:
                return Response(200, certificate, content_type="application/x-pem-file")
        if path == "/_localstack/health":
            services = dict.fromkeys(self._aws.service_names, "available")
            body = json.dumps({"services": services, "edition": "cumulo", "version": self._version}).encode()
            return Response(200, body, content_type=_JSON)
        return _text(404, b"no such page\n")

    async def _answer_check(self, request: Request) -> Response:
        if request.method != "POST":
            return _text(405, b"POST is allowed here\n")
        try:
            self._authorize(request, CHECK_ACTION)
        except ServiceError as error:
            return _refusal(error)
        return Response(200, json.dumps({"problems": await self._check()}).encode(), content_type=_JSON)

    async def _answer_metrics(self, request: Request) -> Response:
        """Show the metrics, with the names of queues only to who proves that he may see them."""
        trusted = "authorization" in request.headers
        try:
            if trusted:
                self._authorize(request, METRICS_ACTION)
        except ServiceError as error:
            return _refusal(error)
        return Response(200, await self._metrics.render(trusted=trusted), content_type=METRICS_CONTENT_TYPE)

    async def _answer_outgoing(self, request: Request) -> Response:
        """Show the newest e-mail and SMS: they hold links that confirm subscriptions, so to who may see them alone."""
        try:
            self._authorize(request, OUTGOING_ACTION)
        except ServiceError as error:
            return _refusal(error)
        found = await asyncio.to_thread(self._outgoing, OUTGOING_SHOWN)
        return Response(200, json.dumps({"messages": found}).encode(), content_type=_JSON)

    def _authorize(self, request: Request, action: str) -> None:
        header = request.headers.get("authorization", "")
        if not header.startswith(_BEARER):
            raise MISSING_AUTHENTICATION_TOKEN.error(allowed="the header 'authorization: Bearer <token>'")
        authenticated = self._authenticator.authenticate(header[len(_BEARER) :])
        ctx = CallContext(
            principal=authenticated.principal,
            request_id=message_id(self._randomness),
            source_ip=request.peer,
            expires_ms=authenticated.expires_ms,
        )
        self._authorizer.authorize(ctx, (Check(action, "*"),), Guard(authenticated.principal.account))
