"""AWS Signature Version 2 as S3 had it first: HMAC-SHA-1 of a few lines, in base64, under the secret itself.

Owns its three forms (the `Authorization` header, the presigned query, the fields of a POST form) and the text that is
signed. Promises: read strictly, one form or none; every `x-amz-*` value, in the head or in the query, is in that text.
S3 takes it for buckets from before June 2020; here only a server does whose operator says so. It covers neither the
body nor those parameters of the query that are no subresource. Verifies nothing: that is `sigv4`.

Rules: S3 user guide, "Signing and authenticating REST requests (AWS signature version 2)".
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from cumulo.gateway.canonical import QueryPair, check_unrepeated, query_pairs
from cumulo.gateway.http1 import Request
from cumulo.gateway.presented import QUERY_NAMES, VERSION_2_NAMES, Presented, amz_date, check_single
from cumulo.gateway.signature_errors import AuthForm, Refusal, SignatureError
from cumulo.gateway.signing_key import Scope

SCOPE = Scope("", "us-east-1", "s3")
"""Such a signature names no region: it is served in the first one."""
SUBRESOURCES = frozenset(
    b"abac accelerate acl analytics annotation annotationName attributes cors delete encryption"
    b" intelligent-tiering inventory legal-hold lifecycle location logging metadataAnnotationTable"
    b" metadataConfiguration metadataInventoryTable metadataJournalTable metadataTable metrics notification"
    b" object-lock ownershipControls partNumber policy policyStatus publicAccessBlock renameObject replication"
    b" requestPayment response-cache-control response-content-disposition response-content-encoding"
    b" response-content-language response-content-type response-expires restore retention select select-type"
    b" session storageClass tagging torrent uploadId uploads versionId versioning versions website".split()
)
"""The parameters of a query that are signed: all that tell one operation from another, so that nobody adds one."""

_CREDENTIALS = re.compile(r"AWS ([A-Za-z0-9._+=@-]{1,128}):([A-Za-z0-9+/=]{1,64})").fullmatch
_EPOCH = re.compile(r"[0-9]{1,12}").fullmatch
_FORM_FIELDS = {"awsaccesskeyid": "AWSAccessKeyId", "signature": "Signature"}
_SIGNED_STANDARD = ("content-md5", "content-type")


def read_old_signature(request: Request) -> Presented | None:
    """Return the signature of version 2 that a request bears, None where it has none. Raises `SignatureError`."""
    authorization = request.headers.get("authorization")
    pairs = query_pairs(request.query)
    names = {name for name, _ in pairs}
    in_query = not names.isdisjoint(VERSION_2_NAMES)
    if authorization is None or not authorization.startswith("AWS "):
        if not in_query:
            return None
        if authorization is not None or not names.isdisjoint(QUERY_NAMES):
            raise SignatureError(Refusal.TWO_MECHANISMS, AuthForm.QUERY)
        check_single(request)
        return _read_query(request, pairs)
    if in_query or not names.isdisjoint(QUERY_NAMES):
        raise SignatureError(Refusal.TWO_MECHANISMS)
    check_single(request)
    return _read_header(request, authorization, pairs)


def read_old_form_signature(fields: Mapping[str, str]) -> Presented | None:
    """Return the signature of version 2 that a form bears, None where it has none. Raises `SignatureError`."""
    if _FORM_FIELDS.keys().isdisjoint(fields):
        return None
    if any(name.decode().lower() in fields for name in QUERY_NAMES if name != b"X-Amz-Security-Token"):
        raise SignatureError(Refusal.TWO_MECHANISMS, AuthForm.POST)
    for field, shown in _FORM_FIELDS.items():
        if field not in fields:
            raise SignatureError(Refusal.INCOMPLETE, AuthForm.POST, lacking=shown, ArgumentName=shown, ArgumentValue="")
    token = fields.get("x-amz-security-token", "")
    return Presented(
        AuthForm.POST, fields["awsaccesskeyid"], SCOPE, "", 0, fields["signature"], session_token=token, version_2=True
    )


def text_to_sign(request: Request, presented: Presented, bucket: str) -> str:
    """Return what a request's signature signs; `bucket` is the one that its host names, empty where the path does.

    Raises `SignatureError` where a parameter comes twice.
    """
    check_unrepeated(presented.query)
    beside = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in presented.query}
    given = {name: value for name, value in beside.items() if name.startswith("x-amz-")} | {
        name: value for name, value in request.headers.items() if name.startswith("x-amz-")
    }
    standard = [request.headers.get(name, beside.get(name, "")) for name in _SIGNED_STANDARD]
    if presented.form is AuthForm.QUERY:
        time = str(presented.time_s)
    else:
        time = "" if "x-amz-date" in given else request.headers["date"]
    headers = "".join(f"{name}:{given[name].strip()}\n" for name in sorted(given))
    signed = sorted(pair for pair in presented.query if pair[0] in SUBRESOURCES)
    query = "&".join((name + b"=" + value if value else name).decode("latin-1") for name, value in signed)
    path = (f"/{bucket}" if bucket else "") + request.path
    if "/" not in path[1:]:
        path = path.rstrip("/") + "/"  # a bucket's own resource ends in a slash, however it was asked for
    resource = path + ("?" + query if query else "")
    return "\n".join((request.method, *standard, time, headers + resource))


def _read_header(request: Request, authorization: str, pairs: list[QueryPair]) -> Presented:
    words = _CREDENTIALS(authorization)
    if words is None:
        raise SignatureError(Refusal.UNSUPPORTED_TYPE, ArgumentName="Authorization", ArgumentValue=authorization)
    stamp = request.headers.get("x-amz-date") or request.headers.get("date")
    if stamp is None:
        raise SignatureError(Refusal.DATE_MISSING)
    try:
        time_s = int(parsedate_to_datetime(stamp).timestamp())
        shown = amz_date(time_s)
    except (ValueError, OverflowError):
        raise SignatureError(Refusal.DATE_MALFORMED, value=stamp[:64]) from None
    token = request.headers.get("x-amz-security-token", "")
    return Presented(
        AuthForm.HEADER, words[1], SCOPE, shown, time_s, words[2], session_token=token, query=pairs, version_2=True
    )


def _read_query(request: Request, pairs: list[QueryPair]) -> Presented:
    check_unrepeated(pairs)
    given = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
    if not {"AWSAccessKeyId", "Expires", "Signature"} <= given.keys():
        raise SignatureError(Refusal.OLD_QUERY_INCOMPLETE, AuthForm.QUERY)
    if not _EPOCH(given["Expires"]):
        raise SignatureError(Refusal.OLD_EXPIRES_MALFORMED, AuthForm.QUERY, value=given["Expires"][:64])
    token = given.get("x-amz-security-token") or request.headers.get("x-amz-security-token", "")
    return Presented(
        AuthForm.QUERY,
        given["AWSAccessKeyId"],
        SCOPE,
        "",
        int(given["Expires"]),
        given["Signature"],
        session_token=token,
        query=pairs,
        version_2=True,
    )
