"""AWS Signature Version 4: who signed a request, and whether what was signed is what was sent.

Owns the verification of what `presented` has read. Promises: `host` and every `x-amz-*` header that was sent is signed;
the path and query that were signed are the ones that are served (`canonical`); an unknown access key takes the path and
time of a known one; comparison takes constant time. Does not know the body: its hash, or what stands for it, comes in
as `payload_hash` (`payload.declared_payload` for S3, `payload.body_hash` for every other service).

The order of use, by the edge:

    presented = read_signature(request)                       # None: anonymous
    declared = declared_payload(request, form, streams=...)   # S3; the form is `presented.form`, or anonymous
    verified = verifier.verify(request, presented, "s3", declared.text)
    body = open_payload(request, verified, declared)

Everything raises `SignatureError`; `error.service_error(dialect)` says it in the words of the caller's protocol.
Rules: as in `presented`.
"""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.errors import EXPIRED_TOKEN, ServiceError
from cumulo.core.ports import Credential, CredentialSource
from cumulo.gateway import canonical, sigv2
from cumulo.gateway.http1 import Request
from cumulo.gateway.presented import ALGORITHM, Presented, amz_date
from cumulo.gateway.signature_errors import AuthForm, Refusal, SignatureError
from cumulo.gateway.signing_key import Scope, SigningKey

SKEW_S_MAX = 900
CONTENT_SHA256 = "x-amz-content-sha256"
"""The one `x-amz-*` header that a presigned request may bear unsigned: S3 ignores it then."""
SIGNING_KEYS_MAX = 4_096
"""Kept by secret, day, region and service. A key that fell out is derived again, 5 µs."""

_SIGNATURE = re.compile(r"[0-9a-f]{64}").fullmatch


class Verified(msgspec.Struct, frozen=True):
    """A signature that holds. The rest serves the signatures of chunks; the signing key never appears in `repr`.

    `expires_ms` is the wall time at which the credential ends, 0: it does not.
    """

    principal: Any
    access_key_id: str
    form: AuthForm
    scope: Scope
    amz_date: str
    seed_signature: str
    signing_key: SigningKey
    expires_ms: int

    def __repr__(self) -> str:
        return f"Verified({self.access_key_id}, {self.scope}, {self.amz_date})"

    @property
    def region(self) -> str:
        """The region that the request is for."""
        return self.scope.region


class Verifier:
    """Verifies signatures against the credentials of one source."""

    def __init__(self, credentials: CredentialSource, clock: Clock) -> None:
        self._credentials = credentials
        self._clock = clock
        self._signing_keys: dict[tuple[str, str, str, str], SigningKey] = {}

    def verify(self, request: Request, presented: Presented, service: str, payload_hash: str) -> Verified:
        """Verify a request for a service (a scope's word for it: `s3`, `sqs`) and return who signed it.

        `payload_hash` is the last line of the canonical request. Raises `SignatureError`.
        """
        self.check_head(request, presented, service)
        asked = canonical_request(request, presented, payload_hash)
        digest = hashlib.sha256(asked.encode("latin-1")).hexdigest()
        to_sign = f"{ALGORITHM}\n{presented.amz_date}\n{presented.scope}\n{digest}"
        return self._compare(presented, to_sign, asked)

    def check_head(self, request: Request, presented: Presented, service: str) -> None:
        """Check what needs neither the body nor a secret; `verify` does it, too. Raises `SignatureError`."""
        self._check_scope(presented, service)
        self._check_time(presented)
        _check_signed(request, presented)

    def verify_policy(self, presented: Presented, policy: str) -> Verified:
        """Verify a POST form's signature over its policy, in base64 as sent. Its life is the policy's `expiration`."""
        self._check_scope(presented, "s3")
        return self._compare(presented, policy, "")

    def verify_old(self, request: Request, presented: Presented, bucket: str) -> Verified:
        """Verify a request that is signed with version 2; `bucket` as in `sigv2.text_to_sign`. Raises
        `SignatureError`.
        """
        now_s = self._clock.wall_ms() // 1000
        if presented.form is not AuthForm.QUERY:
            self._check_time(presented)
        elif now_s > presented.time_s:
            shown = {"Expires": _iso(presented.time_s), "ServerTime": _iso(now_s)}
            raise SignatureError(Refusal.EXPIRED, presented.form, **shown)
        return self.verify_old_text(presented, sigv2.text_to_sign(request, presented, bucket))

    def verify_old_text(self, presented: Presented, to_sign: str) -> Verified:
        """Verify a signature of version 2 over a text: of a POST form, its policy in base64 as sent."""
        credential = self._credential(presented.access_key_id, presented.session_token, presented.form)
        secret = credential.secret if credential is not None else ""
        signed = to_sign.encode("latin-1", "replace")
        expected = base64.b64encode(hmac.digest(secret.encode(), signed, "sha1"))
        right = hmac.compare_digest(expected, presented.signature.encode())
        if credential is None:
            raise SignatureError(Refusal.UNKNOWN_KEY, presented.form, AWSAccessKeyId=presented.access_key_id)
        if not right:
            raise _mismatch(presented, to_sign, signed)
        return _verified(presented, credential, self._signing_key(credential.secret, presented.scope))

    def _credential(self, access_key_id: str, session_token: str, form: AuthForm) -> Credential | None:
        try:
            return self._credentials.credential(access_key_id, session_token)
        except ServiceError as error:
            refusal = Refusal.SESSION_EXPIRED if error.row is EXPIRED_TOKEN else Refusal.SESSION_INVALID
            raise SignatureError(refusal, form) from None

    def _compare(self, presented: Presented, to_sign: str, asked: str) -> Verified:
        credential = self._credential(presented.access_key_id, presented.session_token, presented.form)
        # An unknown key costs what a known one costs: the same derivation and comparison, under nobody's secret.
        signing_key = self._signing_key(credential.secret if credential is not None else "", presented.scope)
        expected = signing_key.sign(to_sign.encode())
        right = hmac.compare_digest(expected, presented.signature) if _SIGNATURE(presented.signature) else False
        if credential is None:
            refusal = Refusal.SESSION_INVALID if presented.session_token else Refusal.UNKNOWN_KEY
            raise SignatureError(refusal, presented.form, AWSAccessKeyId=presented.access_key_id)
        if not right:
            shown = {}
            if asked:
                shown = {"CanonicalRequest": asked, "CanonicalRequestBytes": asked.encode("latin-1").hex(" ")}
            raise _mismatch(presented, to_sign, to_sign.encode(), **shown)
        return _verified(presented, credential, signing_key)

    def _signing_key(self, secret: str, scope: Scope) -> SigningKey:
        known_as = (secret, scope.day, scope.region, scope.service)
        found = self._signing_keys.get(known_as)
        if found is None:
            if len(self._signing_keys) >= SIGNING_KEYS_MAX:
                del self._signing_keys[next(iter(self._signing_keys))]
            found = self._signing_keys[known_as] = SigningKey(secret, scope)
        return found

    def _check_scope(self, presented: Presented, service: str) -> None:
        scope = presented.scope
        if scope.service != service:
            raise SignatureError(Refusal.SCOPE_SERVICE, presented.form, service=scope.service, expected=service)
        if not presented.amz_date.startswith(scope.day):
            raise SignatureError(
                Refusal.SCOPE_DATE,
                presented.form,
                scope_date=scope.day,
                date=presented.amz_date[:8],
                amz_date=presented.amz_date,
            )

    def _check_time(self, presented: Presented) -> None:
        now_s = self._clock.wall_ms() // 1000
        life_s = presented.expires_s or SKEW_S_MAX
        if now_s - presented.time_s > life_s:
            refusal = Refusal.EXPIRED if presented.expires_s else Refusal.TOO_OLD
            limit_s = now_s - life_s
        elif presented.time_s - now_s > SKEW_S_MAX:
            refusal = Refusal.NOT_YET_VALID if presented.expires_s else Refusal.TOO_NEW
            limit_s = now_s + SKEW_S_MAX
        else:
            return
        if presented.expires_s:
            shown = {"X-Amz-Expires": life_s, "Expires": _iso(presented.time_s + life_s), "ServerTime": _iso(now_s)}
        else:
            shown = {
                "RequestTime": presented.amz_date,
                "ServerTime": _iso(now_s),
                "MaxAllowedSkewMilliseconds": SKEW_S_MAX * 1000,
            }
        raise SignatureError(
            refusal,
            presented.form,
            amz_date=presented.amz_date,
            expires_s=life_s,
            limit=amz_date(limit_s),
            now=amz_date(now_s),
            **shown,
        )


def _mismatch(presented: Presented, to_sign: str, signed: bytes, **more: str) -> SignatureError:
    """Return the refusal of a signature over another text than `to_sign`, as bytes `signed`."""
    return SignatureError(
        Refusal.MISMATCH,
        presented.form,
        AWSAccessKeyId=presented.access_key_id,
        StringToSign=to_sign,
        SignatureProvided=presented.signature,
        StringToSignBytes=signed.hex(" "),
        **more,
    )


def _verified(presented: Presented, credential: Credential, signing_key: SigningKey) -> Verified:
    return Verified(
        credential.principal,
        presented.access_key_id,
        presented.form,
        presented.scope,
        presented.amz_date,
        presented.signature,
        signing_key,
        credential.expires_ms,
    )


def canonical_request(request: Request, presented: Presented, payload_hash: str) -> str:
    """Return the text whose hash is signed. Raises `SignatureError` where the target has more than one reading."""
    path = request.path
    if presented.scope.service == "s3":
        path = canonical.s3_path(path)
    elif canonical.is_normal(path):
        path = canonical.plain_path(path)
    else:
        raise SignatureError(Refusal.URI_AMBIGUOUS, presented.form, reason="the path has empty or dot segments")
    query = ""
    if presented.query:
        canonical.check_unrepeated(presented.query)
        query = canonical.canonical_query(pair for pair in presented.query if pair[0] != b"X-Amz-Signature")
    sent = request.headers
    try:
        headers = "".join([f"{name}:{canonical.header_value(sent[name])}\n" for name in presented.signed_headers])
    except KeyError:
        sent = dict.fromkeys(presented.signed_headers, "") | _stated(presented) | dict(sent)
        headers = "".join([f"{name}:{canonical.header_value(sent[name])}\n" for name in presented.signed_headers])
    return f"{request.method}\n{path}\n{query}\n{headers}\n{';'.join(presented.signed_headers)}\n{payload_hash}"


def _stated(presented: Presented) -> dict[str, str]:
    """Return the `x-amz-*` headers that a presigned request of S3 has in its query. They count where the header itself
    is signed and not sent; a header that is nowhere counts as empty, so that its signature does not match.
    """
    stated = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in presented.query)
    return {name: value for name, value in stated if name.startswith("x-amz-")}


def _check_signed(request: Request, presented: Presented) -> None:
    """Require that what decides was signed, and that each signed header was sent, but where `_stated` says."""
    headers, signed = request.headers, presented.signed_headers
    unsigned = [name for name in headers if name[:6] == "x-amz-" and name not in signed]
    if unsigned and presented.form is AuthForm.QUERY:
        unsigned = [name for name in unsigned if name != CONTENT_SHA256]
    if "host" not in signed:
        unsigned.append("host")
    if presented.form is AuthForm.HEADER and "x-amz-date" not in headers and "date" not in signed:
        unsigned.append("date")
    if unsigned:
        raise SignatureError(
            Refusal.HEADERS_NOT_SIGNED, presented.form, names=", ".join(unsigned), HeadersNotSigned=", ".join(unsigned)
        )
    if presented.form is AuthForm.QUERY and presented.scope.service == "s3":
        return
    absent = [name for name in signed if name not in headers]
    if absent:
        raise SignatureError(Refusal.HEADERS_ABSENT, presented.form, names=", ".join(absent))


def _iso(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
