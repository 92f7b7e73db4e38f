"""How bodies are encrypted: as a caller asks for it, as a bucket does by default, as a record keeps it.

Records bear an `Encryption`, so its fields only ever grow. Promises that no customer's key is shown. Knows no cipher:
`encryption.py` decides, `sealing.py` encrypts. Sources: Amazon S3 user guide, "Protecting data with server-side
encryption"; API reference, PutObject.
"""

from typing import Final

import msgspec

AES256: Final = "AES256"
AWS_KMS: Final = "aws:kms"
DUAL_LAYER: Final = "aws:kms:dsse"
UNDER_KMS: Final = (AWS_KMS, DUAL_LAYER)
CUSTOMER: Final = "SSE-C"
"""The ways in which bodies are encrypted: under the server's storage keys, under a key of the key service, under the
caller's own key. The first two as S3's headers name them, the third as its documentation does."""
KMS_KEY_ID_CHARACTERS_MAX: Final = 2_048
ENCRYPTION_CONTEXT_BYTES_MAX: Final = 4_096
"""Ours: of the JSON; the record of an object must fit into a value with metadata and tags."""


class CustomerKey(msgspec.Struct, frozen=True):
    """A key that the caller keeps himself (SSE-C), as he sends it: the key and its MD5 in Base64. Never stored."""

    algorithm: str = ""
    key: str = ""
    key_md5: str = ""

    def __repr__(self) -> str:
        return f"CustomerKey({self.algorithm!r})"


class AskedEncryption(msgspec.Struct, frozen=True):
    """How a caller wants an object encrypted, None and empty texts where he does not say.

    `context` is JSON in Base64, a map of texts to texts.
    """

    algorithm: str | None = None
    kms_key_id: str = ""
    context: str = ""
    bucket_key: bool | None = None
    customer: CustomerKey | None = None


class Encryption(msgspec.Struct, frozen=True, array_like=True):
    """How an object's bytes, or an upload's parts, are encrypted, as its record keeps it.

    `algorithm` is `AES256`, `AWS_KMS`, `DUAL_LAYER` or `CUSTOMER`. `key` is the data key, wrapped under the storage key
    of that number for this bucket and key, or by the key service with `context` (JSON); of a customer's key it is a
    salted HMAC. `outer` is the key of the second of two layers, wrapped under the storage key of that number.
    `storage_key` is 0 where nothing is wrapped so. `kept` is what `storage.frames` keeps of a body that is inline.
    """

    algorithm: str
    key: bytes
    storage_key: int = 0
    salt: bytes = b""
    kept: bytes = b""
    kms_key_arn: str = ""
    context: str = ""
    bucket_key: bool = False
    outer: bytes | None = None


class BucketEncryption(msgspec.Struct, frozen=True, array_like=True):
    """How a bucket encrypts what comes to it without a word of it: `AES256`, or `AWS_KMS` or `DUAL_LAYER` under the key
    `kms_key_id`, empty for the service's own. `blocks_customer_keys` refuses writes under keys of their callers.
    """

    algorithm: str = AES256
    kms_key_id: str = ""
    bucket_key: bool = False
    blocks_customer_keys: bool = False
