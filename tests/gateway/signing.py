"""A signer of our own for tests that need what SDKs never send; botocore's is the oracle of `test_sigv4_properties`."""

import hashlib
import hmac
from urllib.parse import quote

from cumulo.gateway import canonical
from cumulo.gateway.http1 import Request
from cumulo.gateway.signature_errors import SignatureError
from tests.gateway.signing_world import EMPTY_SHA256, KEY_ID, SECRET, request


def _signature(secret: str, scope: str, stamp: str, asked: str) -> str:
    key = f"AWS4{secret}".encode()
    for word in scope.split("/"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    digest = hashlib.sha256(asked.encode("latin-1")).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _target(target: str) -> tuple[str, str]:
    path, _, query = target.partition("?")
    try:
        return canonical.s3_path(path), canonical.canonical_query(canonical.query_pairs(query))
    except SignatureError:  # what no signer could have signed
        return path, query


def sign(
    *,
    method: str,
    target: str,
    stamp: str,
    key_id: str = KEY_ID,
    secret: str = SECRET,
    region: str = "us-east-1",
    token: str = "",
    date_header: str = "",
) -> Request:
    """Return a request for S3 signed in its header."""
    lines = {"host": "localhost:4566", "x-amz-content-sha256": EMPTY_SHA256}
    lines |= {"date": date_header} if date_header else {"x-amz-date": stamp}
    if token:
        lines["x-amz-security-token"] = token
    names = sorted(lines)
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    path, query = _target(target)
    headers = "".join(f"{name}:{lines[name]}\n" for name in names)
    asked = f"{method}\n{path}\n{query}\n{headers}\n{';'.join(names)}\n{EMPTY_SHA256}"
    value = (
        f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={';'.join(names)},"
        f" Signature={_signature(secret, scope, stamp, asked)}"
    )
    return request(method, target, [*lines.items(), ("authorization", value)])


def presign(
    *,
    method: str,
    path: str,
    stamp: str,
    expires: int | str = 900,
    key_id: str = KEY_ID,
    secret: str = SECRET,
    token: str = "",
) -> Request:
    """Return a presigned request for S3."""
    scope = f"{stamp[:8]}/us-east-1/s3/aws4_request"
    parameters = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{key_id}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(expires),
        "X-Amz-SignedHeaders": "host",
    }
    if token:
        parameters["X-Amz-Security-Token"] = token
    query = "&".join(f"{name}={quote(parameters[name], safe='')}" for name in sorted(parameters))
    asked = f"{method}\n{path}\n{query}\nhost:localhost:4566\n\nhost\nUNSIGNED-PAYLOAD"
    signature = _signature(secret, scope, stamp, asked)
    return request(method, f"{path}?{query}&X-Amz-Signature={signature}", [("host", "localhost:4566")])
