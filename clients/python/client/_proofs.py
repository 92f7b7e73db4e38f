"""The proof of an access key: an HMAC that shows knowledge of the secret, which itself never travels.

The text that is signed is imposed by `IssueTokenRequest` in identity.proto.
"""

import hashlib
import hmac
import os

NONCE_BYTES = 16


def new_nonce() -> bytes:
    """Return the random bytes of one proof; the server takes each only once."""
    return os.urandom(NONCE_BYTES)


def prove(access_key_id: str, secret_access_key: str, timestamp_ms: int, nonce: bytes, ttl_s: int) -> bytes:
    """Return the 32 bytes of the proof."""
    text = f"cumulo-token-v1\n{access_key_id}\n{timestamp_ms}\n{nonce.hex()}\n{ttl_s}"
    return hmac.digest(secret_access_key.encode(), text.encode(), hashlib.sha256)
