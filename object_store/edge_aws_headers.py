"""What the headers of an S3 request mean, whichever operation they come with, and those that describe an object.

Owns conditions, ranges, checksums, dates, canned ACLs, the expected owner, and the headers that ask for what is not
built: these are refused, never ignored. Promises that an ordinary request costs one look at its headers. Does not know
what is stored.

Sources: S3 API reference (GetObject, PutObject, "Common request headers"), user guide ("Checking object integrity",
"Working with object metadata"), RFC 9110.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from cumulo.core.errors import ACCESS_DENIED, ServiceError
from cumulo.core.names import is_account_id
from cumulo.gateway import aws_timestamps
from cumulo.gateway.aws_service import AwsCall
from cumulo.gateway.encoded_words import plain_text
from cumulo.object_store import body_model, bucket_model, object_model
from cumulo.object_store.body_model import CONTENT_MD5
from cumulo.object_store.edge_aws_errors import (
    INVALID_EXPECTED_OWNER,
    argument_error,
    header_error,
    request_error,
)
from cumulo.object_store.errors import INVALID_CHECKSUM_VALUE, INVALID_DIGEST
from cumulo.object_store.object_model import ANY_ETAG
from cumulo.object_store.service import Service
from cumulo.storage import digests

CHECKSUMS: Final = {f"x-amz-checksum-{name}": name for name in body_model.CHECKSUMS}
"""The checksums that are built, by their headers."""

_NOT_BUILT: Final = frozenset(
    (
        "x-amz-mfa",
        "x-amz-object-annotation-directive",
    )
)
_OWNER: Final = "x-amz-expected-bucket-owner"
_SPECIAL: Final = _NOT_BUILT | {_OWNER}
_CONDITIONS: Final = frozenset(("if-match", "if-none-match", "if-modified-since", "if-unmodified-since"))
_REFUSED_CONDITION: Final = "We don't accept the provided value of {} header for this API"
_RANGE: Final = re.compile(r"bytes=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*")
broken_escape: Final = re.compile("%(?![0-9A-Fa-f]{2})").search
"""Find a percent sign in a header that begins no octet: S3 refuses it, and a decoder would keep it."""
_CONTENT_HEADERS: Final = frozenset(object_model.CONTENT_HEADERS)
_MD5_BYTES: Final = 16
BEYOND_ANY: Final = 1 << 62
"""The first byte of a range that no object satisfies: `bytes=-0`."""


async def check_headers(service: Service, call: AwsCall, bucket: str) -> None:
    """Refuse what is not built, and a bucket that is not its expected owner's; raises S3's errors."""
    if not _SPECIAL.isdisjoint(call.http.headers):
        await _check_special(service, call, bucket)


async def _check_special(service: Service, call: AwsCall, bucket: str) -> None:
    refuse_not_built(call.http.headers)
    await check_owner(service, bucket, call.http.headers.get(_OWNER))


def refuse_not_built(headers: Mapping[str, str]) -> None:
    """Refuse the headers of a request, or the fields of a form, that ask for what is not built."""
    for name in headers:
        if name in _NOT_BUILT:
            raise header_error(name)


async def check_owner(service: Service, bucket: str, expected: str | None) -> None:
    """Raise `AccessDenied` where a bucket is another account's than its caller believes.

    Who asks learns no more than that he may not: without the permission the answer is the same.
    """
    if expected is None:
        return
    if not is_account_id(expected):
        raise INVALID_EXPECTED_OWNER.error(value=expected)
    guard = await service.guard(bucket_model.bucket_arn(bucket))
    if guard is not None and guard.account != expected:
        raise ACCESS_DENIED.error(reason="Access Denied")


def asked_version(version_id: str | None) -> str:
    """Return the version that a request names, an empty text for none; raises `InvalidArgument` for an empty id."""
    if version_id == "":
        raise argument_error("versionId", "", "Version id cannot be the empty string")
    return version_id or ""


def version_header(version_id: str, name: str = "x-amz-version-id") -> tuple[tuple[str, str], ...]:
    """Return the header that tells a version's id, where there is one to tell."""
    return ((name, version_id),) if version_id else ()


def conditions(headers: Mapping[str, str]) -> object_model.Conditions:
    """Return the conditions of a read; a date that is none is no condition (RFC 9110, section 13.1.3)."""
    if _CONDITIONS.isdisjoint(headers):
        return object_model.UNCONDITIONAL
    return read_conditions(headers, "")


def read_conditions(headers: Mapping[str, str], prefix: str) -> object_model.Conditions:
    """Return the conditions in the headers whose names begin with `prefix`."""
    return object_model.Conditions(
        etags(headers.get(prefix + "if-match", "")),
        etags(headers.get(prefix + "if-none-match", "")),
        parse_date(headers.get(prefix + "if-modified-since")),
        parse_date(headers.get(prefix + "if-unmodified-since")),
    )


def write_conditions(call: AwsCall) -> tuple[str, str]:
    """Return the entity tags that a write must meet and must not meet; raises `NotImplemented` as S3 does for both.

    S3 has two conditions of a write: that the object is one version, and that there is none. A dialect may have the
    others of RFC 9110: that there is any version, and that it is not this one.
    """
    headers = call.http.headers
    match, none_match = headers.get("if-match", ""), headers.get("if-none-match", "")
    if match and none_match:
        raise header_error("If-Match,If-None-Match", "Multiple conditional request headers present in the request")
    if not call.dialect.any_condition:
        if match == ANY_ETAG:
            raise header_error("If-Match", _REFUSED_CONDITION.format("If-Match"))
        if none_match not in ("", ANY_ETAG):
            raise header_error("If-None-Match", _REFUSED_CONDITION.format("If-None-Match"))
    return etags(match), etags(none_match)


def etags(text: str) -> str:
    """Return a list of entity tags without their quotes."""
    return etag(text) if "," not in text else ",".join(etag(one.strip()) for one in text.split(","))


def etag(text: str) -> str:
    """Return an entity tag without its quotes; S3 misses neither of them."""
    return text.removeprefix("W/").removeprefix('"').removesuffix('"')


def parse_date(text: str | None) -> int | None:
    """Return the milliseconds of a date, None where it is none."""
    if text is None:
        return None
    try:
        return aws_timestamps.parsed(text)
    except ValueError:
        return None


def byte_range(text: str | None) -> object_model.ByteRange | None:
    """Return a request's range; several ranges and what is no range mean the whole object, as in S3."""
    if text is None:
        return None
    matched = _RANGE.fullmatch(text)
    if matched is None:
        return None
    first, last = matched.groups()
    if first:
        if last and int(last) < int(first):
            return None
        return object_model.ByteRange(int(first), int(last) if last else None)
    if not last:
        return None
    return object_model.ByteRange(-int(last)) if int(last) else object_model.ByteRange(BEYOND_ANY)


def expected_content(call: AwsCall, length: int) -> body_model.ExpectedContent:
    """Return what an upload's sender says of its bytes; raises `InvalidDigest` or `InvalidRequest`."""
    headers = call.http.headers
    given = expected_digests(headers)
    announced: tuple[str, ...] = ()
    if "x-amz-trailer" in headers:
        announced = (_trailing_checksum(headers["x-amz-trailer"]),)
        if given.keys() - {CONTENT_MD5}:
            raise _several_checksums()
    if "x-amz-sdk-checksum-algorithm" in headers:
        _check_announced(headers["x-amz-sdk-checksum-algorithm"], {*given, *announced} - {CONTENT_MD5})
    return body_model.ExpectedContent(length, given, announced)


def expected_digests(headers: Mapping[str, str]) -> dict[str, bytes]:
    """Return the digests that a request's headers, or a form's fields, promise of its bytes; raises as above."""
    check_one_checksum(headers)
    given = {name: checksum_value(header, headers[header]) for header, name in CHECKSUMS.items() if header in headers}
    if "content-md5" in headers:
        given[CONTENT_MD5] = _unbase64(headers["content-md5"])
        if len(given[CONTENT_MD5]) != _MD5_BYTES:
            raise INVALID_DIGEST.error(digest="Content-MD5", allowed=f"{_MD5_BYTES} bytes")
    return given


def check_one_checksum(headers: Mapping[str, str]) -> None:
    """Raise `InvalidRequest` for the checksums of several algorithms."""
    if len(CHECKSUMS.keys() & headers.keys()) > 1:
        raise _several_checksums()


def _several_checksums() -> ServiceError:
    """Return the refusal of checksums of several algorithms."""
    return request_error("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")


def checksum_value(header: str, value: str, place: str = "header") -> bytes:
    """Return the bytes of a checksum, which stood in a place; raises `InvalidRequest`."""
    decoded = _unbase64(value)
    if len(decoded) != digests.SIZES[CHECKSUMS[header]]:
        raise INVALID_CHECKSUM_VALUE.error(header=header, place=place)
    return decoded


def whole_checksums(headers: Mapping[str, str]) -> dict[str, bytes]:
    """Return the checksum of a whole object that a completion promises: a composite one bears `-` and the number of
    parts. Raises `InvalidRequest`.
    """
    check_one_checksum(headers)
    found = {}
    for header, name in CHECKSUMS.items():
        if header in headers:
            value, is_composite, parts = headers[header].partition("-")
            if is_composite and not (parts.isascii() and parts.isdigit()):
                raise INVALID_CHECKSUM_VALUE.error(header=header, place="header")
            found[name] = checksum_value(header, value)
    return found


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _trailing_checksum(announced: str) -> str:
    header = announced.strip().lower()
    if header not in CHECKSUMS:
        raise request_error("The value specified in the x-amz-trailer header is not supported")
    return CHECKSUMS[header]


def _check_announced(announced: str, given: set[str]) -> None:
    """Raise `InvalidRequest` where an SDK says which checksum it sends, and sends another one or none."""
    if not given and announced.lower() in body_model.CHECKSUMS:
        raise request_error(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers"
            " were found."
        )
    if announced.lower() not in given:
        raise request_error("Value for x-amz-sdk-checksum-algorithm header is invalid.")


def content_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the content headers that are kept with an object; `aws-chunked` encodes the transfer, not the object."""
    if _CONTENT_HEADERS.isdisjoint(headers):
        return {}
    found = {name: headers[name] for name in object_model.CONTENT_HEADERS if name in headers}
    encoding = found.get("content-encoding", "")
    if "aws-chunked" in encoding:
        left = ",".join(coding for coding in map(str.strip, encoding.split(",")) if coding not in ("", "aws-chunked"))
        del found["content-encoding"]
        if left:
            found["content-encoding"] = left
    return found


def metadata(call: AwsCall) -> Mapping[str, str]:
    """Return the metadata that a request brings, which may be in encoded words."""
    return {name: plain_text(value) for name, value in (call.request.Metadata or {}).items()}


@lru_cache(maxsize=1024)
def http_date(second: int) -> str:
    """Return a second as headers write it."""
    return aws_timestamps.rfc822(second * 1000)
