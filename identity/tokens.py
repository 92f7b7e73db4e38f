"""Our own bearer tokens: JWTs of one algorithm, made and read by this server alone.

Owns the form and nothing else; whether the bearer still exists is asked elsewhere. Strict by construction rather than
by checks: a header is not parsed but must be, byte for byte, one of those that this server writes (so there is no
algorithm, `jwk`, `crit` or key id to be confused about), and the claims must be, byte for byte, what this server would
write for them (so there is no duplicate member and no second spelling of a number). Each token has one spelling, also
in base64. RFC 7519, RFC 8037 (EdDSA), RFC 8725 (best practices), RFC 9068 (`at+jwt`).
"""

import base64
import binascii
import re
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cumulo.core.errors import INVALID_CLIENT_TOKEN_ID
from cumulo.core.ids import Randomness
from cumulo.identity.token_model import TOKEN_LIFE_S_MAX

ISSUER: Final = "cumulo"
AUDIENCE: Final = "cumulo-api"
TOKEN_CHARACTERS_MAX = 4_096
_SIGNATURE_BYTES = 64
_TOKEN_ID = re.compile(r"([0-9]{12})\.([A-Z0-9]{1,128})\.[A-Za-z0-9_-]{22}")


class Header(msgspec.Struct, frozen=True):
    """The JOSE header; members are written in this order."""

    alg: str
    kid: str
    typ: str


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a token says; members are written in this order, times are whole seconds.

    `sub` is a user id or an account's number, `acc` the account, `key` the access key that it was issued to. `ims` is
    the time of issue in milliseconds, which "issued before" is compared with.
    """

    iss: str
    aud: str
    sub: str
    acc: str
    key: str
    jti: str
    iat: int
    nbf: int
    exp: int
    ims: int


_claims = msgspec.json.Decoder(Claims)
_encode = msgspec.json.Encoder().encode


class Signer:
    """The keys that sign and verify: `private` maps key ids to 32-byte Ed25519 seeds, `current` signs."""

    def __init__(self, private: dict[str, bytes], current: str) -> None:
        seeds = {key_id: Ed25519PrivateKey.from_private_bytes(seed) for key_id, seed in private.items()}
        self._current = seeds[current]
        self._header = _header(current)
        self._public: dict[str, Ed25519PublicKey] = {_header(key_id): key.public_key() for key_id, key in seeds.items()}

    def sign(self, claims: Claims) -> str:
        """Return the token of `claims`."""
        signed = f"{self._header}.{to_base64(_encode(claims))}"
        token = f"{signed}.{to_base64(self._current.sign(signed.encode()))}"
        assert len(token) <= TOKEN_CHARACTERS_MAX
        return token

    def knows(self, token: str) -> bool:
        """Say whether a key of ours could have signed the token, by its header alone."""
        return token.partition(".")[0] in self._public

    def verify(self, token: str, now_s: int) -> Claims:
        """Return the claims of a token that this server signed, expired or not.

        Raises `InvalidClientTokenId` for everything else, one answer for every fault.
        """
        if len(token) > TOKEN_CHARACTERS_MAX or not token.isascii():
            raise INVALID_CLIENT_TOKEN_ID.error()
        parts = token.split(".")
        key = self._public.get(parts[0])
        if len(parts) != 3 or key is None:
            raise INVALID_CLIENT_TOKEN_ID.error()
        text, signature = _from_base64(parts[1]), _from_base64(parts[2])
        if len(signature) != _SIGNATURE_BYTES:
            raise INVALID_CLIENT_TOKEN_ID.error()
        try:
            key.verify(signature, f"{parts[0]}.{parts[1]}".encode())
            claims = _claims.decode(text)
        except (InvalidSignature, msgspec.DecodeError, UnicodeDecodeError):
            raise INVALID_CLIENT_TOKEN_ID.error() from None
        if (
            _encode(claims) != text
            or claims.iss != ISSUER
            or claims.aud != AUDIENCE
            or claims.nbf > now_s
            or not claims.iat < claims.exp <= claims.iat + TOKEN_LIFE_S_MAX
            or principal_of(claims.jti) != (claims.acc, claims.sub)
        ):
            raise INVALID_CLIENT_TOKEN_ID.error()
        return claims


def token_id(account: str, principal_id: str, unique: bytes) -> str:
    """Return a token's id: it says whose token it is, so that a revocation by id alone knows whom to ask."""
    return f"{account}.{principal_id}.{to_base64(unique)}"


def principal_of(identifier: str) -> tuple[str, str] | None:
    """Return account and principal id of a token id, or None for a text that is none."""
    parts = _TOKEN_ID.fullmatch(identifier)
    return (parts[1], parts[2]) if parts is not None else None


def _header(key_id: str) -> str:
    return to_base64(_encode(Header("EdDSA", key_id, "at+jwt")))


def to_base64(raw: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def new_secret(randomness: Randomness) -> str:
    """Return a new secret access key: 40 characters, 240 random bits."""
    return to_base64(randomness.token_bytes(30))


def _from_base64(text: str) -> bytes:
    """Return the bytes of the one spelling that they have; other text is an invalid token."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise INVALID_CLIENT_TOKEN_ID.error() from None
    if to_base64(raw) != text:
        raise INVALID_CLIENT_TOKEN_ID.error()
    return raw
