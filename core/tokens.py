"""Opaque tokens that clients carry for us: receipts, page tokens, upload ids.

A token is base64url(version, key id, kind, payload, 16-byte HMAC-SHA256). Nobody can make or alter one without the
server's key, and each token has exactly one spelling. Owns the form; does not know what a payload means.
"""

import base64
import binascii
import enum
import hashlib
import hmac
from collections.abc import Mapping

_VERSION = 1
_HEAD_BYTES = 3
_MAC_BYTES = 16
TOKEN_CHARACTERS_MAX = 4096


class TokenKind(enum.IntEnum):
    """What a token is for; a token of one kind is never taken for another."""

    RECEIPT = 1
    PAGE = 2
    UPLOAD = 3
    LEASE = 4


class InvalidToken(ValueError):
    """The text is not a token that this server made for this purpose."""


class TokenSealer:
    """Seals and opens tokens under rotatable keys: `keys` maps a key id (0-255) to 32 secret bytes; `current` seals."""

    def __init__(self, keys: Mapping[int, bytes], current: int) -> None:
        assert current in keys
        assert all(0 <= key_id <= 255 and len(key) >= 32 for key_id, key in keys.items())
        self._keys = dict(keys)
        self._heads = {kind: bytes((_VERSION, current, kind)) for kind in TokenKind}
        self._current_key = keys[current]

    def __repr__(self) -> str:
        return f"TokenSealer(keys={sorted(self._keys)})"

    def seal(self, kind: TokenKind, payload: bytes) -> str:
        """Return the token text for `payload`."""
        body = self._heads[kind] + payload
        mac = hmac.digest(self._current_key, body, hashlib.sha256)[:_MAC_BYTES]
        text = base64.urlsafe_b64encode(body + mac).rstrip(b"=").decode("ascii")
        assert len(text) <= TOKEN_CHARACTERS_MAX, len(payload)
        return text

    def open(self, kind: TokenKind, text: str) -> bytes:
        """Return the payload of a token that this server sealed for `kind`; raise `InvalidToken` for anything else."""
        if not text or len(text) > TOKEN_CHARACTERS_MAX:
            raise InvalidToken("length")
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidToken("encoding") from error
        if len(raw) < _HEAD_BYTES + _MAC_BYTES or raw[0] != _VERSION or raw[2] != kind:
            raise InvalidToken("form")
        key = self._keys.get(raw[1])
        if key is None:
            raise InvalidToken("key")
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, hmac.digest(key, body, hashlib.sha256)[:_MAC_BYTES]):
            raise InvalidToken("authentication")
        # Base64 with non-zero pad bits is a second spelling of the same bytes; one token, one spelling.
        if base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != text:
            raise InvalidToken("spelling")
        return body[_HEAD_BYTES:]
