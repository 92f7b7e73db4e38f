"""The key that an access key's secret gives for one day, region and service; it signs requests, chunks and trailers.

Owns the derivation and HMAC-SHA-256 with a kept key. `hmac.digest` sets the key up at every call, 3.2 µs for a string
to sign; a copy of two prepared hashes takes 1.3 µs (RFC 2104, section 4, names the trick). Promises that neither secret
nor key appears in `repr`.
"""

import hashlib
import hmac

import msgspec

_BLOCK_BYTES = 64
_INNER = bytes(octet ^ 0x36 for octet in range(256))
_OUTER = bytes(octet ^ 0x5C for octet in range(256))


class Scope(msgspec.Struct, frozen=True):
    """What a signing key is good for: a day (YYYYMMDD), a region, a service."""

    day: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


class SigningKey:
    """A derived key, ready to sign."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: str, scope: Scope) -> None:
        key = f"AWS4{secret}".encode()
        for word in (scope.day, scope.region, scope.service, "aws4_request"):
            key = hmac.digest(key, word.encode(), "sha256")
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def __repr__(self) -> str:
        return "SigningKey()"

    def sign(self, text: bytes) -> str:
        """Return a text's signature, 64 hexadecimal digits in lower case."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.hexdigest()
