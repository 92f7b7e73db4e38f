"""Ciphertexts: what a key's material makes of bytes, and how it opens them again.

    version 1 (1 byte) | key id (16) | material number (4) | salt (16) | AES-256-GCM of the bytes (+ 16)

Each ciphertext has a key of its own, which HMAC-SHA-256 derives from the material and the random salt, so that a
material may encrypt as often as it is asked to; the nonce is constant for that reason. Authenticated with it are the
head and the encryption context. Promises: a ciphertext that was altered, or is opened with another context, does not
open. Pure; whose key it is and who may use it are others' business.
"""

import hashlib
import hmac
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cumulo.key_service.errors import INVALID_CIPHERTEXT
from cumulo.key_service.keys import ID_BYTES, NUMBER_BYTES
from cumulo.key_service.model import Context

SALT_BYTES: Final = 16
MATERIAL_BYTES: Final = 32
_TAG_BYTES: Final = 16
_VERSION: Final = b"\x01"
_HEAD_BYTES: Final = 1 + ID_BYTES + NUMBER_BYTES + SALT_BYTES
_NONCE: Final = bytes(12)
_PURPOSE: Final = b"cumulo kms ciphertext "


class Head(msgspec.Struct, frozen=True):
    """Which key and which material of it made a ciphertext."""

    key: bytes
    material: int


def read_head(ciphertext: bytes) -> Head:
    """Return what a ciphertext says of its origin; raises `InvalidCiphertextException`."""
    if len(ciphertext) < _HEAD_BYTES + _TAG_BYTES or ciphertext[:1] != _VERSION:
        raise INVALID_CIPHERTEXT.error()
    key = ciphertext[1 : 1 + ID_BYTES]
    return Head(key, int.from_bytes(ciphertext[1 + ID_BYTES : 1 + ID_BYTES + NUMBER_BYTES], "big"))


def seal(material: bytes, head: Head, salt: bytes, plaintext: bytes, context: Context) -> bytes:
    """Return the ciphertext of `plaintext`; `salt` is random."""
    lead = _VERSION + head.key + head.material.to_bytes(NUMBER_BYTES, "big") + salt
    return lead + _cipher(material, salt).encrypt(_NONCE, plaintext, lead + _bound(context))


def unseal(material: bytes, ciphertext: bytes, context: Context) -> bytes:
    """Return what a ciphertext holds; raises `InvalidCiphertextException`."""
    lead, text = ciphertext[:_HEAD_BYTES], ciphertext[_HEAD_BYTES:]
    try:
        return _cipher(material, lead[-SALT_BYTES:]).decrypt(_NONCE, text, lead + _bound(context))
    except InvalidTag:
        raise INVALID_CIPHERTEXT.error() from None


def _cipher(material: bytes, salt: bytes) -> AESGCM:
    # HKDF's expand step (RFC 5869) of one block: material is uniformly random, so nothing is to be extracted.
    return AESGCM(hmac.digest(material, _PURPOSE + salt + b"\x01", hashlib.sha256))


def _bound(context: Context) -> bytes:
    return msgspec.msgpack.encode(sorted(context.items()))
