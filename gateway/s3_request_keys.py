"""The condition keys that say how a request of S3 came: signed in which way and when, over which TLS, from which page.

Owns their values. Every one of them is a fact of the request as it was received; an anonymous request has none of those
about a signature.

Source: service authorization reference, "Condition keys for Amazon S3"; IAM user guide, "AWS global condition context
keys".
"""

from collections.abc import Mapping

from cumulo.gateway.http1 import Request
from cumulo.gateway.signature_errors import AuthForm

_AUTH_TYPES = {AuthForm.HEADER: "REST-HEADER", AuthForm.QUERY: "REST-QUERY-STRING", AuthForm.POST: "POST"}
REFERER_CHARACTERS_MAX = 1_024


def request_keys(
    request: Request, form: AuthForm, signed_s: int, now_ms: int, payload: str, *, version_2: bool = False
) -> Mapping[str, str]:
    """Return a request's condition keys. `signed_s` is the time of its signature since the epoch, 0
    where it bears none or does not say; `payload` is what the request says of its payload by what counts, not by a
    header that nobody signed; `version_2`: it is a signature of that version.
    """
    keys = {}
    if form is not AuthForm.ANONYMOUS:
        keys["s3:authType"] = _AUTH_TYPES[form]
        keys["s3:signatureversion"] = "AWS" if version_2 else "AWS4-HMAC-SHA256"
        if signed_s:
            keys["s3:signatureAge"] = str(max(0, now_ms - signed_s * 1000))
        keys["s3:x-amz-content-sha256"] = payload
    if request.tls_version:
        keys["s3:TlsVersion"] = request.tls_version
    if "referer" in request.headers:
        keys["aws:Referer"] = request.headers["referer"][:REFERER_CHARACTERS_MAX]
    return keys
