"""Tokens and sessions: proofs that are traded for them, what is issued, and how it ends.

Owns how long each may live: IAM's and STS's limits where these have such. Promises that neither a proof nor a token nor
a secret appears in `repr`. Knows no cipher.
"""

import msgspec

from cumulo.identity.model import Mutation, Request

TOKEN_LIFE_S_DEFAULT = 900
TOKEN_LIFE_S_MIN = 60
TOKEN_LIFE_S_MAX = 43_200
"""Twelve hours, the longest session of AWS STS."""
SESSION_LIFE_S_DEFAULT = 43_200
SESSION_LIFE_S_MIN = 900
SESSION_LIFE_S_MAX = 129_600
"""Of GetSessionToken's credentials (STS API reference)."""
ROOT_SESSION_LIFE_S_MAX = 3_600
"""A root's session is never longer; a wish for more gets this."""
PROOF_SKEW_MS_MAX = 300_000
"""How far a proof's timestamp may be from our clock, either way."""
NONCE_BYTES_MIN = 16
NONCE_BYTES_MAX = 64


class IssueToken(Request, frozen=True, kw_only=True):
    """A proof of an access key, to be traded for a token; `ttl_s` 0 means the default."""

    access_key_id: str
    timestamp_ms: int
    nonce: bytes
    ttl_s: int
    proof: bytes

    def __repr__(self) -> str:
        return f"IssueToken({self.access_key_id!a})"


class GetCallerIdentity(Request, frozen=True, kw_only=True):
    """Who am I?"""


class GetSessionToken(Request, frozen=True, kw_only=True):
    """Session credentials for the caller; `duration_s` 0 means the default."""

    duration_s: int = 0


class RevokeToken(Mutation, frozen=True, kw_only=True):
    """The end of one token, named by its id or by itself; exactly one is set."""

    token_id: str = ""
    token: str = ""

    def __repr__(self) -> str:
        return f"RevokeToken({self.token_id!a})"


class RevokePrincipalTokens(Mutation, frozen=True, kw_only=True):
    """The end of all tokens of `principal` that were issued before a time; 0 means now."""

    principal: str
    issued_before_ms: int = 0


class SessionCredentials(msgspec.Struct, frozen=True):
    """Short-lived credentials. Neither secret nor token appears in `repr`."""

    access_key_id: str
    secret: str
    session_token: str
    expires_ms: int

    def __repr__(self) -> str:
        return f"SessionCredentials({self.access_key_id})"


class Token(msgspec.Struct, frozen=True):
    """A token that was issued. It never appears in `repr`."""

    text: str
    token_id: str
    expires_ms: int

    def __repr__(self) -> str:
        return f"Token({self.token_id})"


class CallerIdentity(msgspec.Struct, frozen=True):
    """Who calls."""

    account: str
    arn: str
    user_id: str
    access_key_id: str
    token_expires_ms: int


class Revoked(msgspec.Struct, frozen=True):
    """Tokens issued before this time are refused."""

    issued_before_ms: int
