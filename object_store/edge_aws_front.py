"""What stands before S3's operations: preflights, websites, headers for pages of other origins, who pays.

Promises: a page of another origin reads no answer, and sends no request that must be asked for first, unless a rule of
the bucket lets it; a refusal bears the same headers as an answer, or the page could not read why. A preflight is
answered to anybody: browsers do not sign it.

Source: S3 user guide, "Using cross-origin resource sharing (CORS)", and what S3 answers; the Fetch standard.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from cumulo.core.errors import ErrorRow, ServiceError, Status
from cumulo.gateway.bucket_front import Visit
from cumulo.gateway.http1 import Request, Response
from cumulo.object_store import cors, edge_aws_websites
from cumulo.object_store.bucket_model import bucket_arn
from cumulo.object_store.edge_aws_access import logged
from cumulo.object_store.errors import NO_SUCH_BUCKET
from cumulo.object_store.service import Service

_BAD_REQUEST: Final = ErrorRow("BadRequest", 400, Status.INVALID_ARGUMENT, "{message}")
_ACCESS_FORBIDDEN: Final = ErrorRow("AccessForbidden", 403, Status.PERMISSION_DENIED, "{message}")
_ORIGIN: Final = "origin"
_METHOD: Final = "access-control-request-method"
_HEADERS: Final = "access-control-request-headers"
_PAYER: Final = "x-amz-request-payer"
_NOT_ALLOWED: Final = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method /"
    " Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
)
"""S3's words, with its spelling."""
Headers = tuple[tuple[str, str], ...]


async def no_bucket(service: Service, bucket: str) -> ServiceError | None:
    """Return `NoSuchBucket` where there is no such bucket."""
    is_there = await service.guard(bucket_arn(bucket)) is not None
    return None if is_there else NO_SUCH_BUCKET.error(bucket=bucket, BucketName=bucket)


class Front:
    """The front of a service's buckets."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def hears_of(self, request: Request) -> bool:
        """Say whether an answer may be given headers, or a line in a log."""
        return self._service.access_log.is_used or _ORIGIN in request.headers or _PAYER in request.headers

    async def receive(self, visit: Visit) -> Response:
        """Answer a preflight, or a visitor of a website."""
        if visit.request.method == "OPTIONS":
            return await self._preflight(visit)
        return await edge_aws_websites.serve(self._service, visit)

    async def find(self, bucket: str) -> None:
        """Raise `NoSuchBucket` where there is no such bucket."""
        if (missing := await no_bucket(self._service, bucket)) is not None:
            raise missing

    async def leave(self, visit: Visit, response: Response) -> Response:
        """Give an answer the headers that a page of another origin, or one who pays, is to see; have it logged."""
        headers = visit.request.headers
        added: Headers = ()
        if _ORIGIN in headers and visit.request.method != "OPTIONS":
            rule = _find(await self._service.cors_rules(visit.address.bucket), visit.request)
            added = () if rule is None else _answer_headers(rule, visit.request)
        if _PAYER in headers and not visit.error and await self._service.charges_requester(visit.address.bucket):
            added += (("x-amz-request-charged", "requester"),)
        if added:
            response = msgspec.structs.replace(response, headers=response.headers + added)
        return await logged(self._service, visit, response) if self._service.access_log.is_used else response

    async def _preflight(self, visit: Visit) -> Response:
        request, bucket = visit.request, visit.address.bucket
        headers = request.headers
        if not headers.get(_ORIGIN):
            raise _BAD_REQUEST.error(message="Insufficient information. Origin request header needed.")
        method = headers.get(_METHOD)
        rules = await self._service.cors_rules(bucket)
        if not rules:
            said = "Bucket not found" if rules is None else "CORS is not enabled for this bucket."
            raise _ACCESS_FORBIDDEN.error(
                message=f"CORSResponse: {said}", Method=method or request.method, ResourceType="BUCKET"
            )
        if method not in cors.METHODS:
            raise _BAD_REQUEST.error(message=f"Invalid Access-Control-Request-Method: {method or 'null'}")
        rule = _find(rules, request)
        if rule is None:
            kind = "OBJECT" if visit.address.key else "BUCKET"
            raise _ACCESS_FORBIDDEN.error(message=_NOT_ALLOWED, Method=method, ResourceType=kind)
        return Response(200, headers=visit.ids + _answer_headers(rule, request))


def _find(rules: Sequence[Any] | None, request: Request) -> Any:
    headers = request.headers
    return cors.find_rule(
        rules or (), headers[_ORIGIN], headers.get(_METHOD, request.method), _asked_headers(headers.get(_HEADERS, ""))
    )


def _asked_headers(text: str) -> list[str]:
    return [name for one in text.lower().split(",") if (name := one.strip())]


def _answer_headers(rule: Any, request: Request) -> Headers:
    """Return what a rule says to the browser: an origin that was named may use credentials, "any" may not."""
    is_any = cors.ANY in rule.AllowedOrigins
    found = [("access-control-allow-origin", cors.ANY if is_any else request.headers[_ORIGIN])]
    found.append(("access-control-allow-methods", ", ".join(rule.AllowedMethods)))
    if asked := _asked_headers(request.headers.get(_HEADERS, "")):
        found.append(("access-control-allow-headers", ", ".join(asked)))
    if rule.ExposeHeaders:
        found.append(("access-control-expose-headers", ", ".join(rule.ExposeHeaders)))
    if rule.MaxAgeSeconds is not None:
        found.append(("access-control-max-age", str(rule.MaxAgeSeconds)))
    if not is_any:
        found.append(("access-control-allow-credentials", "true"))
    found.append(("vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"))
    return tuple(found)
