"""Session credentials (`GetSessionToken`): short-lived access keys that are stored nowhere.

All that the server must know of one stands in its session token, sealed under the server key for that very access key
id, so that a session survives a restart and costs no write. Promises that a token opens only beside the access key id
that it was issued with, in the one spelling in which it was issued. Whether the parent user and key still stand is
asked at each use elsewhere.
"""

import base64
import binascii
from typing import Final

import msgspec

from cumulo.core.ids import Randomness, iam_id
from cumulo.identity.callers import Claim
from cumulo.identity.sealing import SealBroken, SecretBox
from cumulo.identity.token_model import SessionCredentials
from cumulo.identity.tokens import new_secret

PREFIX: Final = "ASIA"
TOKEN_CHARACTERS_MAX: Final = 2_048
_RECORD: Final = "session"


class SealedSession(msgspec.Struct, frozen=True, array_like=True):
    """What a session token holds; `parent_key_id` is the long-term key that asked for it."""

    account: str
    principal_id: str
    parent_key_id: str
    secret: str
    issued_ms: int
    expires_ms: int

    def __repr__(self) -> str:
        return f"SealedSession({self.principal_id})"

    def claim(self, access_key_id: str) -> Claim:
        """Return who the session says that it is. Its id stands for it where tokens and principals are revoked."""
        return Claim(
            self.account, self.principal_id, self.parent_key_id, access_key_id, self.issued_ms, is_session=True
        )


_decoder = msgspec.msgpack.Decoder(SealedSession)


def issue(box: SecretBox, randomness: Randomness, parent: Claim, now_ms: int, life_s: int) -> SessionCredentials:
    """Return new session credentials of whoever holds the key of `parent`."""
    key_id, secret = iam_id(randomness, PREFIX), new_secret(randomness)
    expires_ms = now_ms + life_s * 1_000
    session = SealedSession(parent.account, parent.principal_id, parent.access_key_id, secret, now_ms, expires_ms)
    sealed = box.seal(randomness, msgspec.msgpack.encode(session), (_RECORD, key_id))
    return SessionCredentials(key_id, secret, base64.b64encode(sealed).decode(), expires_ms)


def open_session(box: SecretBox, access_key_id: str, token: str) -> SealedSession | None:
    """Return what the token of `access_key_id` holds, or None for a text that was not issued with it."""
    if len(token) > TOKEN_CHARACTERS_MAX:
        return None
    try:
        sealed = base64.b64decode(token.encode("ascii"), validate=True)
        # Base64 with non-zero pad bits is a second spelling of the same bytes; one token, one spelling.
        if base64.b64encode(sealed).decode() != token:
            return None
        return _decoder.decode(box.open(sealed, (_RECORD, access_key_id)))
    except (binascii.Error, UnicodeEncodeError, SealBroken):
        return None
