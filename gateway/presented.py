"""A signature as a request bears it: read strictly, in one form or none, and not yet believed.

Owns the reading of SigV4's three forms: the `Authorization` header, the presigned query, and the fields of a POST form.
Promises: a request with two forms, with one part twice or with a form of another kind is refused; what comes out is
well-formed. SigV2 and SigV4A are refused by name: who takes SigV2 reads it by `sigv2` before. Verifies nothing: that
is `sigv4`.

Rules: IAM user guide, "Signature Version 4 for API requests"; S3 API reference, "Authenticating requests (SigV4)".
"""

import functools
import itertools
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from cumulo.gateway import canonical
from cumulo.gateway.canonical import QueryPair
from cumulo.gateway.http1 import Request
from cumulo.gateway.signature_errors import AuthForm, Refusal, SignatureError
from cumulo.gateway.signing_key import Scope

ALGORITHM = "AWS4-HMAC-SHA256"
EXPIRES_S_MAX = 604_800
SIGNED_HEADERS_MAX = 100

_USUAL_ITEMS = re.compile(r"Credential=([!-+\--~]+), ?SignedHeaders=([!-+\--~]+), ?Signature=([!-+\--~]+)").fullmatch
"""In ranges of ASCII: a third of what "neither comma nor white space" costs. `_read_items` reads the rest."""
_HEADER_ITEM = re.compile(r"[ \t]*(Credential|SignedHeaders|Signature)=([^,\s]*)[ \t]*").fullmatch
_HEADER_PARTS = ("Credential", "Signature", "SignedHeaders")
_ACCESS_KEY_ID = re.compile(r"[A-Za-z0-9._+=@-]{1,128}").fullmatch
_SCOPE_WORD = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
_AMZ_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z").fullmatch
_DAY = re.compile(r"[0-9]{8}").fullmatch
_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+").fullmatch
_NUMBER = re.compile(r"-?[0-9]{1,19}").fullmatch
_QUERY_PARAMETERS = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
QUERY_NAMES = {f"X-Amz-{name}".encode(): name for name in (*_QUERY_PARAMETERS, "Security-Token")}
VERSION_2_NAMES = {b"AWSAccessKeyId", b"Signature"}
_SINGLE_HEADERS = {"authorization", "host", "date", "content-type", "content-length", "content-md5", "range"}
_LISTS = {"x-amz-object-attributes", "x-amz-optional-object-attributes"}
"""Headers that are lists, of which some SDKs send a line for each member (RFC 9110, section 5.3)."""


class Presented(msgspec.Struct, frozen=True):
    """A signature as the request bears it, well-formed and not yet believed.

    `amz_date` is the time of signing as signed, `time_s` the same since the epoch. `expires_s` is a presigned request's
    life, 0 in the other forms. `query` is the request's decoded query. `version_2`: the signature is of that version;
    then `time_s` is the end of a presigned request, and a form has no time.
    """

    form: AuthForm
    access_key_id: str
    scope: Scope
    amz_date: str
    time_s: int
    signature: str
    signed_headers: tuple[str, ...] = ()
    session_token: str = ""
    expires_s: int = 0
    query: list[QueryPair] = []
    version_2: bool = False

    def __repr__(self) -> str:
        return f"Presented({self.form}, {self.access_key_id}, {self.scope}, {self.amz_date})"


def read_signature(request: Request) -> Presented | None:
    """Return the signature that a request bears, None for an anonymous one. Raises `SignatureError`."""
    query = request.query
    pairs = canonical.query_pairs(query) if query else []
    in_query = version_2 = False
    if pairs:
        names = {name for name, _ in pairs}
        in_query = not names.isdisjoint(QUERY_NAMES)
        version_2 = not names.isdisjoint(VERSION_2_NAMES)
    authorization = request.headers.get("authorization")
    if authorization is None:
        if in_query and version_2:
            raise SignatureError(Refusal.TWO_MECHANISMS, AuthForm.QUERY)
        if version_2:
            raise SignatureError(Refusal.UNSUPPORTED_VERSION, AuthForm.QUERY)
        return _read_query(request, pairs) if in_query else None
    if in_query or version_2:
        raise SignatureError(Refusal.TWO_MECHANISMS)
    if len(request.header_lines) > len(request.headers):
        check_single(request)
    return _read_header(request, authorization, pairs)


def read_policy_signature(fields: Mapping[str, str]) -> Presented | None:
    """Return the signature of a POST form by its fields (lower-case names), None for an anonymous one."""
    if "awsaccesskeyid" in fields or "signature" in fields:
        raise SignatureError(Refusal.UNSUPPORTED_VERSION, AuthForm.POST)
    given = {name: fields[key] for name in _QUERY_PARAMETERS if (key := f"x-amz-{name.lower()}") in fields}
    if not given:
        return None
    for name in ("Algorithm", "Credential", "Date", "Signature"):
        if name not in given:
            field = f"X-Amz-{name}"
            raise SignatureError(Refusal.INCOMPLETE, AuthForm.POST, lacking=field, ArgumentName=field, ArgumentValue="")
    _check_algorithm(given["Algorithm"], AuthForm.POST)
    access_key_id, scope = _read_credential(given["Credential"], AuthForm.POST)
    return Presented(
        AuthForm.POST,
        access_key_id,
        scope,
        given["Date"],
        _read_date(given["Date"], AuthForm.POST),
        given["Signature"],
        session_token=fields.get("x-amz-security-token", ""),
    )


def amz_date(time_s: int) -> str:
    """Return a time since the epoch in ISO 8601's basic form, as in `X-Amz-Date`."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y%m%dT%H%M%SZ")


def _read_header(request: Request, authorization: str, pairs: list[QueryPair]) -> Presented:
    scheme, separator, rest = authorization.partition(" ")
    if scheme != ALGORITHM or not separator:
        raise _unsupported(scheme, authorization)
    usual = _USUAL_ITEMS(rest)
    if usual is not None:
        credential, names, signature = usual.groups()
    else:
        credential, names, signature = _read_items(rest)
    access_key_id, scope = _read_credential(credential, AuthForm.HEADER)
    stamp = request.headers.get("x-amz-date")
    if stamp is None:
        stamp = _http_date(request.headers.get("date"))
    return Presented(
        AuthForm.HEADER,
        access_key_id,
        scope,
        stamp,
        _read_date(stamp, AuthForm.HEADER),
        signature,
        _read_signed_headers(names, AuthForm.HEADER),
        request.headers.get("x-amz-security-token", ""),
        query=pairs,
    )


def _unsupported(scheme: str, authorization: str) -> SignatureError:
    """Return the refusal of an `Authorization` header of another scheme, or with nothing behind it."""
    shown = {"ArgumentName": "Authorization", "ArgumentValue": authorization}
    if scheme and scheme == authorization:
        return SignatureError(Refusal.ONE_WORD, AuthForm.HEADER, **shown)
    if scheme == "AWS" or scheme.startswith("AWS4-"):
        return SignatureError(Refusal.UNSUPPORTED_VERSION)
    return SignatureError(Refusal.UNSUPPORTED_TYPE, AuthForm.HEADER, **shown)


def _read_items(text: str) -> tuple[str, str, str]:
    """Return credential, signed headers and signature, in whatever order they stand."""
    given: dict[str, str] = {}
    pieces = text.split(",", 3)
    reason = next(
        (f'the authorization component "{one.strip()}" is malformed.' for one in pieces if "=" not in one), ""
    )
    if len(pieces) != len(_HEADER_PARTS):
        reason = "the authorization header requires three components: Credential, SignedHeaders, and Signature."
    for item in map(_HEADER_ITEM, pieces):
        if item is not None:
            if item[1] in given:
                raise SignatureError(Refusal.REPEATED, name=item[1])
            given[item[1]] = item[2]
    for name in _HEADER_PARTS:
        if not given.get(name):
            raise SignatureError(Refusal.INCOMPLETE, lacking=f"'{name}'", reason=reason or f"missing {name}.")
    if len(given) < len(pieces):
        lacking = "only 'Credential', 'Signature' and 'SignedHeaders'"
        raise SignatureError(Refusal.INCOMPLETE, lacking=lacking, reason=reason)
    return given["Credential"], given["SignedHeaders"], given["Signature"]


def _read_query(request: Request, pairs: list[QueryPair]) -> Presented:
    form = AuthForm.QUERY
    given: dict[str, str] = {}
    for key, value in pairs:
        name = QUERY_NAMES.get(key)
        if name is not None:
            if name in given:
                raise SignatureError(Refusal.REPEATED, form, name=f"X-Amz-{name}")
            given[name] = value.decode("latin-1")
    for name in _QUERY_PARAMETERS:
        if name not in given:
            raise SignatureError(Refusal.INCOMPLETE, form, lacking=f"X-Amz-{name}")
    if "Security-Token" in given and "x-amz-security-token" in request.headers:
        raise SignatureError(Refusal.REPEATED, form, name="X-Amz-Security-Token")
    if len(request.header_lines) > len(request.headers):
        check_single(request)
    _check_algorithm(given["Algorithm"], form)
    access_key_id, scope = _read_credential(given["Credential"], form)
    return Presented(
        form,
        access_key_id,
        scope,
        given["Date"],
        _read_date(given["Date"], form),
        given["Signature"],
        _read_signed_headers(given["SignedHeaders"], form),
        given.get("Security-Token") or request.headers.get("x-amz-security-token", ""),
        _read_expires(given["Expires"]),
        pairs,
    )


def check_single(request: Request) -> None:
    """Refuse a header that AWS reads once and that was sent twice. User metadata and lists may repeat: they are joined
    by commas.
    """
    seen: set[str] = set()
    for name, _ in request.header_lines:
        may_repeat = name in _LISTS or name.startswith("x-amz-meta-")
        single = name in _SINGLE_HEADERS or (name.startswith("x-amz-") and not may_repeat)
        if single and name in seen:
            raise SignatureError(Refusal.REPEATED, name=name)
        seen.add(name)


def _check_algorithm(algorithm: str, form: AuthForm) -> None:
    if algorithm != ALGORITHM:
        raise SignatureError(Refusal.UNSUPPORTED_MECHANISM, form, value=algorithm)


@functools.lru_cache(maxsize=256)
def _read_credential(credential: str, form: AuthForm) -> tuple[str, Scope]:
    words = credential.split("/", 5)
    if len(words) != 5:
        raise _malformed_credential(credential, form)
    access_key_id, day, region, service, terminator = words
    if terminator != "aws4_request":
        raise SignatureError(Refusal.SCOPE_TERMINATOR, form, terminator=terminator, **_argument(credential, form))
    if not (_ACCESS_KEY_ID(access_key_id) and _SCOPE_WORD(region) and _SCOPE_WORD(service)):
        raise _malformed_credential(credential, form)
    if not _DAY(day):
        reason = f'incorrect date format "{day}". This date in the credential must be in the format "yyyyMMdd".'
        raise _malformed_credential(credential, form, reason)
    return access_key_id, Scope(day, region, service)


def _malformed_credential(credential: str, form: AuthForm, reason: str = "") -> SignatureError:
    expected = 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
    return SignatureError(Refusal.CREDENTIAL_MALFORMED, form, reason=reason or expected, **_argument(credential, form))


def _argument(credential: str, form: AuthForm) -> dict[str, str]:
    """Return the elements that S3 tells of a form's field."""
    return {"ArgumentName": "x-amz-credential", "ArgumentValue": credential} if form is AuthForm.POST else {}


@functools.lru_cache(maxsize=256)
def _parse_date(stamp: str) -> int | None:
    parts = _AMZ_DATE(stamp)
    if parts is None:
        return None
    year, month, day, hour, minute, second = map(int, parts.groups())
    try:
        return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError:
        return None


def _read_date(stamp: str, form: AuthForm) -> int:
    time_s = _parse_date(stamp) if len(stamp) == 16 else None
    if time_s is None:
        shown = {"ArgumentName": "X-Amz-Date", "ArgumentValue": stamp[:64]} if form is AuthForm.POST else {}
        raise SignatureError(Refusal.DATE_MALFORMED, form, value=stamp[:64], **shown)
    return time_s


def _http_date(value: str | None) -> str:
    """Return what a `Date` header means in the form of `X-Amz-Date`, which stands before it where both are sent."""
    if value is None:
        raise SignatureError(Refusal.DATE_MISSING)
    if _AMZ_DATE(value):
        return value
    try:
        instant = parsedate_to_datetime(value)
        return amz_date(int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()))
    except (ValueError, OverflowError):
        raise SignatureError(Refusal.DATE_MALFORMED, value=value[:64]) from None


def _read_expires(text: str) -> int:
    if not _NUMBER(text):
        raise SignatureError(Refusal.EXPIRES_NOT_A_NUMBER, AuthForm.QUERY)
    expires_s = int(text)
    if not expires_s:
        raise SignatureError(Refusal.EXPIRES_AT_ONCE, AuthForm.QUERY)
    if expires_s < 0:
        raise SignatureError(Refusal.EXPIRES_NEGATIVE, AuthForm.QUERY)
    if expires_s > EXPIRES_S_MAX:
        raise SignatureError(Refusal.EXPIRES_TOO_LONG, AuthForm.QUERY)
    return expires_s


@functools.lru_cache(maxsize=256)
def _parse_signed_headers(text: str) -> tuple[str, ...] | None:
    names = tuple(text.split(";"))
    rising = all(before < after for before, after in itertools.pairwise(names))
    return names if rising and len(names) <= SIGNED_HEADERS_MAX and all(map(_HEADER_NAME, names)) else None


def _read_signed_headers(text: str, form: AuthForm) -> tuple[str, ...]:
    names = _parse_signed_headers(text)
    if names is None:
        raise SignatureError(Refusal.SIGNED_HEADERS_MALFORMED, form)
    return names
