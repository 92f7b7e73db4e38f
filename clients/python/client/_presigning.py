"""URLs that carry their own signature: AWS Signature Version 4 in the query, for one object.

Source: "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)" of the S3 API reference. A pure
function of its inputs; the time comes in. Only the host is signed, the body is `UNSIGNED-PAYLOAD`.
"""

import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote, urlsplit

from cumulo.client.configuration import Configuration
from cumulo.core.settings import InvalidSetting

ALGORITHM = "AWS4-HMAC-SHA256"
METHODS = ("GET", "PUT")
EXPIRES_S = 3_600
EXPIRES_S_MAX = 7 * 24 * 3_600
"""What AWS allows."""
BUCKET_ARN = "arn:aws:s3:::"
UNRESERVED = "-._~"
DEFAULT_PORTS = {"http": 80, "https": 443}


def presigned(
    where: Configuration, method: str, bucket: str, key: str, expires_s: int, now: datetime, version_id: str = ""
) -> str:
    """Return the URL; `bucket` is a name or an ARN, `now` is in UTC.

    Raises `ValueError` for a method, version or time that cannot be, `InvalidSetting` where the HTTP endpoint is not
    known.
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r}: it must be one of {', '.join(METHODS)}")
    if not 1 <= expires_s <= EXPIRES_S_MAX:
        raise ValueError(f"expires {expires_s}: it must be 1 to {EXPIRES_S_MAX} seconds")
    if not key:
        raise ValueError("a key is missing")
    if version_id and method != "GET":
        raise ValueError(f"version_id {version_id!r}: a version is read, not put")
    scheme, host = _endpoint(where.url)
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{where.region}/s3/aws4_request"
    path = f"/{quote(bucket.removeprefix(BUCKET_ARN), safe=UNRESERVED)}/{quote(key, safe='/' + UNRESERVED)}"
    fields = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{where.access_key_id}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(expires_s),
        "X-Amz-SignedHeaders": "host",
    }
    if version_id:
        fields["versionId"] = version_id
    query = "&".join(f"{name}={quote(value, safe=UNRESERVED)}" for name, value in sorted(fields.items()))
    request = "\n".join((method, path, query, f"host:{host}", "", "host", "UNSIGNED-PAYLOAD"))
    text = "\n".join((ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    signature = hmac.new(_signing_key(where.secret_access_key, scope), text.encode(), hashlib.sha256).hexdigest()
    return f"{scheme}://{host}{path}?{query}&X-Amz-Signature={signature}"


def _endpoint(url: str) -> tuple[str, str]:
    """Return scheme and `Host` of an endpoint; clients leave out a scheme's own port."""
    if not url:
        raise InvalidSetting("url: the HTTP endpoint is not known; give url, or set CUMULO_URL or AWS_ENDPOINT_URL")
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise InvalidSetting(f"url: {url!r} is not http://host:port or https://host:port")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = parts.port in (None, DEFAULT_PORTS[parts.scheme])
    return parts.scheme, name if usual else f"{name}:{parts.port}"


def _signing_key(secret: str, scope: str) -> bytes:
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return key
