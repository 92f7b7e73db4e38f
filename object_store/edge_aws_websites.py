"""Websites over HTTP: pages for whoever comes, redirects, and errors that people read.

Promises: a visitor is nobody, whatever he sends along, and gets what the bucket's policy and ACLs give to everybody;
nothing but GET and HEAD does anything. What S3's own protocol says in XML, a website says in HTML.

Source: S3 user guide, "Website endpoints", "Configuring a custom error document"; what S3's endpoints answer.
"""

import html
import string
import urllib.parse
from http import HTTPStatus
from typing import Any, Final

import msgspec

from cumulo.core.context import AnonymousPrincipal, CallContext
from cumulo.core.errors import ACCESS_DENIED, ServiceError
from cumulo.gateway.bucket_front import Visit
from cumulo.gateway.http1 import Response
from cumulo.object_store import object_model, websites
from cumulo.object_store.downloads import InlineBody
from cumulo.object_store.edge_aws_headers import byte_range, conditions, http_date
from cumulo.object_store.edge_aws_objects import described
from cumulo.object_store.errors import (
    NO_SUCH_BUCKET,
    NO_SUCH_KEY,
    NO_SUCH_WEBSITE,
    NOT_MODIFIED,
)
from cumulo.object_store.service import Service
from cumulo.object_store.websites import Place

_HTML: Final = "text/html; charset=utf-8"
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}
SERVER_ERRORS: Final = 500
"""Those are the server's own affair, and said as S3 says them."""
Details = tuple[tuple[str, str], ...]


class Failure(msgspec.Struct, frozen=True):
    """What a visitor is told instead of a page."""

    status: int
    code: str
    message: str
    details: Details = ()


async def serve(service: Service, visit: Visit) -> Response:
    """Answer a request to a website's host."""
    request, address = visit.request, visit.address
    site = await service.website(address.bucket)
    if request.method not in ("GET", "HEAD"):
        details = (("Method", request.method), ("ResourceType", "OBJECT"))
        message = "The specified method is not allowed against this resource."
        return _page(visit, Failure(405, "MethodNotAllowed", message, details))
    if site is None or site == ():
        row = NO_SUCH_BUCKET if site is None else NO_SUCH_WEBSITE
        return _page(visit, Failure(row.http_status, row.code, row.message, (("BucketName", address.bucket),)))
    scheme = "https" if request.secure else "http"
    place = Place(scheme, request.headers.get("host", ""), address.key, request.query)
    if site.RedirectAllRequestsTo is not None:
        return _moved(visit, *websites.redirection_of_all(site.RedirectAllRequestsTo, place))
    rule = websites.find_redirect(site, address.key)
    if rule is not None:
        return _moved(visit, *websites.redirection(rule, place))
    try:
        return await _document(service, visit, websites.index_of(site, address.key))
    except ServiceError as error:
        if error.row is NOT_MODIFIED:
            return _not_modified(visit, error)
        if error.row.http_status >= SERVER_ERRORS:
            raise
        return await _instead(service, visit, site, place, error)


async def _instead(service: Service, visit: Visit, site: Any, place: Place, error: ServiceError) -> Response:
    """Answer where there is no page: with the folder of that name, where a rule leads, or with the error document."""
    key, status = visit.address.key, error.row.http_status
    if status in (403, 404) and key and not key.endswith("/") and await _is_folder(service, visit, site):
        found = Failure(302, "Found", "Resource Found")
        return _page(visit, found, location=f"/{websites.quoted_key(key)}/")
    rule = websites.find_redirect(site, key, status)
    if rule is not None:
        return _moved(visit, *websites.redirection(rule, place))
    details = (("Key", websites.index_of(site, key)),) if error.row is NO_SUCH_KEY else ()
    message = "Access Denied" if error.row is ACCESS_DENIED else error.message
    failure = Failure(status, error.row.code, message, details)
    if site.ErrorDocument is None:
        return _page(visit, failure)
    try:
        page = await _document(service, visit, site.ErrorDocument.Key, as_error=True)
    except ServiceError as other:
        if other.row.http_status >= SERVER_ERRORS:
            raise
        message = "Access Denied" if other.row is ACCESS_DENIED else other.message
        custom = Failure(other.row.http_status, other.row.code, message, (("Key", site.ErrorDocument.Key),))
        return _page(visit, failure, custom=custom)
    if page.status == websites.MOVED:  # also an error document may be elsewhere
        return page
    return msgspec.structs.replace(page, status=status, headers=page.headers + _error_headers(failure))


async def _is_folder(service: Service, visit: Visit, site: Any) -> bool:
    index = websites.index_of(site, visit.address.key + "/")
    try:
        await service.call(
            _nobody(visit), "HeadObject", object_model.HeadObject(bucket=visit.address.bucket, key=index)
        )
    except ServiceError:
        return False
    return True


async def _document(service: Service, visit: Visit, key: str, *, as_error: bool = False) -> Response:
    """Return an object as a page, or the redirect that it bears; raises what a GetObject raises."""
    headers = visit.request.headers
    asked = object_model.GetObject(bucket=visit.address.bucket, key=key)
    if not as_error:
        wanted = byte_range(headers.get("range")) if "if-range" not in headers else None
        asked = msgspec.structs.replace(asked, range=wanted, conditions=conditions(headers))
    result = await service.call(_nobody(visit), "GetObject", asked)
    download: object_model.Download = result.value
    found, body = download.object, result.body
    elsewhere = found.headers.get(object_model.WEBSITE_REDIRECT, "")
    if elsewhere:
        if body is not None and not isinstance(body, InlineBody):
            await body.aclose()  # type: ignore[attr-defined]  # a blob's reader, which keeps its file open
        # The text is that of a header: each character is one of the octets that were sent.
        octets = elsewhere.encode("latin-1", "replace")
        return _moved(visit, websites.MOVED, urllib.parse.quote(octets, safe=string.punctuation))
    told = [header for header in described(found) if header[0] not in ("content-type", object_model.WEBSITE_REDIRECT)]
    content_type = next(value for name, value in described(found) if name == "content-type")
    length = download.content_length
    if download.is_partial and length:
        last = download.first_byte + length - 1
        told.append(("content-range", f"bytes {download.first_byte}-{last}/{found.size_bytes}"))
    status, sent = 206 if download.is_partial else 200, visit.ids + tuple(told)
    if isinstance(body, InlineBody):
        return Response(status, body.content, sent, content_type)
    return Response(status, b"", sent, content_type, body, length)


def _nobody(visit: Visit) -> CallContext:
    request = visit.request
    return CallContext(
        principal=AnonymousPrincipal(),
        request_id=visit.request_id,
        source_ip=request.peer,
        secure_transport=request.secure,
        user_agent=request.headers.get("user-agent", "")[:512],
    )


def _moved(visit: Visit, status: int, location: str) -> Response:
    return Response(status, headers=(*visit.ids, ("location", location)))


def _not_modified(visit: Visit, error: ServiceError) -> Response:
    modified = http_date(int(str(error.values["modified_ms"])) // 1000)
    return Response(304, headers=(*visit.ids, ("etag", f'"{error.values["etag"]}"'), ("last-modified", modified)))


def _error_headers(failure: Failure) -> tuple[tuple[str, str], ...]:
    return (
        ("x-amz-error-code", failure.code),
        ("x-amz-error-message", failure.message),
        *((f"x-amz-error-detail-{name}", websites.quoted_key(value)) for name, value in failure.details),
    )


def _page(visit: Visit, failure: Failure, *, custom: Failure | None = None, location: str = "") -> Response:
    """Return S3's page for an error."""
    title = f"{failure.status} {_REASONS[failure.status]}"
    ids = (("RequestId", visit.request_id), ("HostId", visit.host_id))
    also = ""
    if custom is not None:
        also = "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n" + _list(custom, ())
    body = (
        f"<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n{_list(failure, ids)}{also}"
        "<hr/>\n</body>\n</html>\n"
    )
    headers = visit.ids + _error_headers(failure) + ((("location", location),) if location else ())
    return Response(failure.status, body.encode(), headers, _HTML)


def _list(failure: Failure, ids: Details) -> str:
    rows = (("Code", failure.code), ("Message", failure.message), *failure.details, *ids)
    return "<ul>\n" + "".join(f"<li>{name}: {html.escape(value)}</li>\n" for name, value in rows) + "</ul>\n"
