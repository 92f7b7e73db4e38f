"""What the access log tells of a request over HTTP: read off the request and its answer, when the last byte has left.

Owns the reading, and the counting of an answer that streams. Knows no form of a line.
"""

import html
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.gateway.bucket_front import Visit
from cumulo.gateway.http1 import Response
from cumulo.gateway.signature_errors import AuthForm
from cumulo.identity.principal_model import canonical_id, root_arn
from cumulo.object_store.access_lines import Access, line, operation_name
from cumulo.object_store.edge_aws_copies import parsed_source
from cumulo.object_store.service import Service

_AUTHENTICATIONS: Final = {AuthForm.HEADER: "AuthHeader", AuthForm.QUERY: "QueryString"}
_VERSION: Final = re.compile(r"(?:^|&)versionId=([^&]*)")
_TOTAL: Final = re.compile(r"bytes .*/(\d+)")
_SIZED: Final = frozenset(("GetObject", "HeadObject", ""))
"""Operations whose answer's length is the object's; a website's page has none."""
_COPIES: Final = {"CopyObject": "OBJECT", "UploadPartCopy": "PART"}
_FAILED: Final = re.compile(r"<Error><Key>(.*?)</Key>(?:<VersionId>(.*?)</VersionId>)?<Code>(.*?)</Code>", re.DOTALL)
_DELETED: Final = 204
_REFUSED: Final = 403
_SENT: Final = frozenset(("PutObject", "UploadPart"))


async def logged(service: Service, visit: Visit, response: Response) -> Response:
    """Return an answer that writes its line once it has left, where its bucket is logged. A batch delete has a line for
    each of its objects, too, and a copy one in the log of its source.
    """
    if visit.operation in _COPIES and not visit.error:
        await _log_source(service, visit, response)
    found = await service.logged_bucket(visit.address.bucket)
    if found is None:
        return response
    wall_ms, name, row = service.clock.wall_ms(), found.name, found.row

    def write(bytes_sent: int) -> None:
        access = _access(name, row.account, visit, response, wall_ms, bytes_sent)
        service.access_log.note(row.partition, wall_ms, line(access))
        if visit.operation == "DeleteObjects" and not visit.error:
            for one in _deleted(access, visit, response):
                service.access_log.note(row.partition, wall_ms, line(one))

    if response.stream is None or visit.request.method == "HEAD":
        write(0 if visit.request.method == "HEAD" else len(response.body))
        return response
    return msgspec.structs.replace(response, stream=_Counted(response.stream, write))


def _deleted(whole: Access, visit: Visit, response: Response) -> Iterator[Access]:
    """Return what is to be told of each object of a batch delete; what failed stands in the answer."""
    failed = {
        (html.unescape(key), html.unescape(version)): code
        for key, version, code in _FAILED.findall(response.body.decode())
    }
    for one in visit.asked.Delete.Objects:
        version = one.VersionId or ""
        error = failed.get((one.Key, version), "")
        yield msgspec.structs.replace(
            whole,
            operation="BATCH.DELETE.OBJECT",
            key=one.Key,
            request_line="",
            status=_REFUSED if error else _DELETED,
            error=error,
            bytes_sent=0,
            version_id=version,
        )


async def _log_source(service: Service, visit: Visit, response: Response) -> None:
    """Tell the log of a copy's source that it was read."""
    try:
        bucket, key, *_ = parsed_source(visit.request.headers.get("x-amz-copy-source", ""))
    except ServiceError:
        return
    found = await service.logged_bucket(bucket)
    if found is not None:
        wall_ms = service.clock.wall_ms()
        access = msgspec.structs.replace(
            _access(found.name, found.row.account, visit, response, wall_ms, 0),
            operation=f"REST.COPY.{_COPIES[visit.operation]}_GET",
            key=key,
            version_id="",
        )
        service.access_log.note(found.row.partition, wall_ms, line(access))


class _Counted(AsyncIterator[memoryview]):
    """A stream that says how much of it was taken, when it is closed."""

    def __init__(self, stream: Any, ended: Callable[[int], None]) -> None:
        self._stream = stream
        self._ended = ended
        self._bytes = 0
        self._is_open = True

    @property
    def file_range(self) -> tuple[int, int] | None:
        """Where the last piece lies in a file."""
        found: tuple[int, int] | None = getattr(self._stream, "file_range", None)
        return found

    async def __anext__(self) -> memoryview:
        piece: memoryview = await anext(self._stream)
        self._bytes += len(piece)
        return piece

    async def aclose(self) -> None:
        """Close the stream, and tell."""
        close = getattr(self._stream, "aclose", None)
        try:
            if close is not None:
                await close()
        finally:
            if self._is_open:
                self._is_open = False
                self._ended(self._bytes)


def _access(name: str, account: str, visit: Visit, response: Response, wall_ms: int, bytes_sent: int) -> Access:
    request, headers = visit.request, dict(response.headers)
    now, version = time.perf_counter(), _VERSION.search(request.query)
    return Access(
        owner=canonical_id(account),
        bucket=name,
        wall_ms=wall_ms,
        remote_ip=request.peer,
        requester=_requester(visit),
        request_id=visit.request_id,
        operation=operation_name(
            request.method, visit.operation, website=visit.address.website, has_key=bool(visit.address.key)
        ),
        key=visit.address.key,
        request_line=f"{request.method} {request.target} HTTP/1.1",
        status=response.status,
        error=visit.error or headers.get("x-amz-error-code", ""),
        bytes_sent=bytes_sent,
        object_size=_object_size(visit, response, headers),
        total_ms=int((now - visit.started) * 1000),
        turn_around_ms=int((visit.turned - visit.started) * 1000),
        referer=request.headers.get("referer", ""),
        user_agent=request.headers.get("user-agent", ""),
        version_id=headers.get("x-amz-version-id", "" if version is None else version[1]),
        host_id=visit.host_id,
        signature_version="" if visit.form is AuthForm.ANONYMOUS else "SigV4",
        authentication=_AUTHENTICATIONS.get(visit.form, ""),
        host=request.headers.get("host", ""),
    )


def _requester(visit: Visit) -> str:
    """Return who asked: an account's root by its canonical id, everybody else by the ARN."""
    principal = None if visit.ctx is None else visit.ctx.principal
    if principal is None or not principal.account:
        return ""
    return canonical_id(principal.account) if principal.arn == root_arn(principal.account) else principal.arn


def _object_size(visit: Visit, response: Response, headers: dict[str, str]) -> int:
    if visit.error or not visit.address.key:
        return -1
    if visit.operation in _SENT:
        length = visit.request.headers.get("x-amz-decoded-content-length", visit.request.headers.get("content-length"))
        return int(length) if length is not None and length.isascii() and length.isdigit() else -1
    if visit.operation not in _SIZED or response.status not in (200, 206):
        return -1
    total = _TOTAL.fullmatch(headers.get("content-range", ""))
    if total is not None:
        return int(total[1])
    return len(response.body) if response.content_length is None else response.content_length
