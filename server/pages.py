"""What the HTTP port serves today, all under `/_cumulo/`: health, readiness, metrics, and the check of a live data
folder.

`_` is illegal in a bucket's name, so these paths can never shadow one. Everything else answers that AWS's protocols are
not offered on this port yet.
"""

import json
from collections.abc import Awaitable, Callable
from xml.sax.saxutils import escape

from cumulo.core.context import CallContext
from cumulo.core.errors import MISSING_AUTHENTICATION_TOKEN, ServiceError
from cumulo.core.ids import Randomness, message_id
from cumulo.core.operations import Check
from cumulo.core.ports import Authenticator
from cumulo.gateway.http1 import Request, Response
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.server.observability import METRICS_CONTENT_TYPE, Metrics

_BEARER = "Bearer "
_JSON = "application/json"
CHECK_ACTION = "cumulo:CheckData"


def _text(status: int, body: bytes) -> Response:
    return Response(status, body, content_type="text/plain; charset=utf-8")


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
    ) -> None:
        self.ready = False
        self._metrics = metrics
        self._authenticator = authenticator
        self._authorizer = authorizer
        self._randomness = randomness
        self._check = check
        self._version = version

    async def answer(self, request: Request) -> Response:
        """Route one request."""
        if request.path == "/_cumulo/check":
            return await self._answer_check(request)
        if request.path.startswith(("/_cumulo/", "/_localstack/")):
            if request.method not in ("GET", "HEAD"):
                return _text(405, b"GET and HEAD are allowed here\n")
            return self._page(request.path)
        message = f"AWS's protocols are not served on this port yet: {request.method} {request.path[:200]}"
        body = f"<Error><Code>NotImplemented</Code><Message>{escape(message)}</Message></Error>"
        return Response(501, f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode(), content_type="application/xml")

    def _page(self, path: str) -> Response:
        if path == "/_cumulo/health/live":
            return _text(200, b"ok\n")
        if path == "/_cumulo/health/ready":
            return _text(200, b"ready\n") if self.ready else _text(503, b"not ready\n")
        if path == "/_cumulo/metrics":
            return Response(200, self._metrics.render(), content_type=METRICS_CONTENT_TYPE)
        if path == "/_localstack/health":
            body = json.dumps({"services": {}, "edition": "cumulo", "version": self._version}).encode()
            return Response(200, body, content_type=_JSON)
        return _text(404, b"no such page\n")

    async def _answer_check(self, request: Request) -> Response:
        if request.method != "POST":
            return _text(405, b"POST is allowed here\n")
        try:
            self._authorize(request)
        except ServiceError as error:
            body = json.dumps({"code": error.row.code, "message": error.message}).encode()
            return Response(error.row.http_status, body, content_type=_JSON)
        return Response(200, json.dumps({"problems": await self._check()}).encode(), content_type=_JSON)

    def _authorize(self, request: Request) -> None:
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
        self._authorizer.authorize(ctx, (Check(CHECK_ACTION, "*"),), Guard(authenticated.principal.account))
