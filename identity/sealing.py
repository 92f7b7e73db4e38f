"""Secrets at rest: AES-256-GCM under the server key, bound to the record that holds them.

Promises that a sealed secret opens only in the record for which it was sealed (a copy into another record fails to
authenticate), and that a missing or all-zero key is refused, not used. Does not know where the server key is kept.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cumulo.core.ids import Randomness
from cumulo.storage import tuples

SERVER_KEY_BYTES = 32
_NONCE_BYTES = 12
_FORM = b"\x01"
"""First byte of every sealed secret: which form follows."""


class SealBroken(RuntimeError):
    """A stored secret does not open: the record was altered, or the data folder has another server key."""


class SecretBox:
    """Seals and opens secrets under one server key of 32 bytes."""

    def __init__(self, server_key: bytes) -> None:
        if len(server_key) != SERVER_KEY_BYTES or not any(server_key):
            raise ValueError(f"the server key must be {SERVER_KEY_BYTES} random bytes")
        self._cipher = AESGCM(server_key)

    def seal(self, randomness: Randomness, secret: bytes, record: tuple[str, ...]) -> bytes:
        """Return `secret` sealed for `record`, the texts that name the record that will hold it."""
        nonce = randomness.token_bytes(_NONCE_BYTES)
        return _FORM + nonce + self._cipher.encrypt(nonce, secret, _FORM + tuples.encode(record))

    def open(self, sealed: bytes, record: tuple[str, ...]) -> bytes:
        """Return the secret that was sealed for `record`; raises `SealBroken`."""
        nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if sealed[:1] != _FORM or not text:
            raise SealBroken(f"a secret of {record} has an unknown form")
        try:
            return self._cipher.decrypt(nonce, text, _FORM + tuples.encode(record))
        except InvalidTag:
            raise SealBroken(f"a secret of {record} does not open under the server key") from None
