"""Encryption over S3's REST API: what its headers and form fields ask, and those that an answer tells it by.

Owns their names. Promises that a request without any of them costs one look at its headers. What may stand together is
the room's to say; which operation takes which header, is known here.

Sources: S3 API reference, PutObject, GetObject, UploadPart, CopyObject.
"""

from collections.abc import Mapping
from typing import Final

from cumulo.object_store import encryption_model
from cumulo.object_store.edge_aws_errors import argument_error

_ALGORITHM: Final = "x-amz-server-side-encryption"
_KMS_KEY_ID: Final = _ALGORITHM + "-aws-kms-key-id"
_CONTEXT: Final = _ALGORITHM + "-context"
_BUCKET_KEY: Final = _ALGORITHM + "-bucket-key-enabled"
_CUSTOMER: Final = _ALGORITHM + "-customer-"
_SOURCE: Final = "x-amz-copy-source-server-side-encryption-customer-"
_SERVERS: Final = frozenset((_ALGORITHM, _KMS_KEY_ID, _CONTEXT, _BUCKET_KEY))
_CUSTOMERS: Final = frozenset(_CUSTOMER + name for name in ("algorithm", "key", "key-md5"))
_ALL: Final = _SERVERS | _CUSTOMERS
_STORAGE_KEYS: Final = ((_ALGORITHM, encryption_model.AES256),)
NOT_ECHOED: Final[Mapping[str, str]] = {}
"""The headers of a completion, whose answer does not tell of customers' keys."""
Headers = tuple[tuple[str, str], ...]


def asked_encryption(headers: Mapping[str, str]) -> encryption_model.AskedEncryption | None:
    """Return how the headers of a request, or the fields of a form, want an object encrypted, None where they say
    nothing of it.
    """
    if _ALL.isdisjoint(headers):
        return None
    bucket_key = headers.get(_BUCKET_KEY)
    if bucket_key is not None and bucket_key.lower() not in ("true", "false"):
        raise argument_error(_BUCKET_KEY, bucket_key, "The bucket key is enabled by true or disabled by false.")
    return encryption_model.AskedEncryption(
        algorithm=headers.get(_ALGORITHM),
        kms_key_id=headers.get(_KMS_KEY_ID, ""),
        context=headers.get(_CONTEXT, ""),
        bucket_key=None if bucket_key is None else bucket_key.lower() == "true",
        customer=_key(headers, _CUSTOMER),
    )


def part_encryption(headers: Mapping[str, str]) -> encryption_model.AskedEncryption | None:
    """Return the customer's key that a part or a completion brings; what else there is to say, its upload has said."""
    customer = None if _CUSTOMERS.isdisjoint(headers) else _key(headers, _CUSTOMER)
    return None if customer is None else encryption_model.AskedEncryption(customer=customer)


def customer_key(headers: Mapping[str, str]) -> encryption_model.CustomerKey | None:
    """Return the customer's key that a read brings; raises `InvalidArgument` where it also asks for an encryption."""
    if _ALL.isdisjoint(headers):
        return None
    for name in _SERVERS:
        if name in headers:
            raise argument_error(name, headers[name], f"{name} header is not supported for this operation.")
    return _key(headers, _CUSTOMER)


def source_key(headers: Mapping[str, str]) -> encryption_model.CustomerKey | None:
    """Return the customer's key with which a copy's source is to be read."""
    return _key(headers, _SOURCE)


def _key(headers: Mapping[str, str], prefix: str) -> encryption_model.CustomerKey | None:
    algorithm, key = headers.get(prefix + "algorithm"), headers.get(prefix + "key")
    key_md5 = headers.get(prefix + "key-md5")
    if algorithm is None and key is None and key_md5 is None:
        return None
    return encryption_model.CustomerKey(algorithm or "", key or "", key_md5 or "")


def encryption_headers(encryption: encryption_model.Encryption | None, headers: Mapping[str, str]) -> Headers:
    """Return the headers that tell how an object is encrypted; a customer's key is known by what its request brought
    (`headers`).
    """
    if encryption is None:
        return ()
    if encryption.algorithm == encryption_model.AES256:
        return _STORAGE_KEYS
    if encryption.algorithm == encryption_model.CUSTOMER:
        return tuple(
            (_CUSTOMER + name, headers[_CUSTOMER + name])
            for name in ("algorithm", "key-md5")
            if _CUSTOMER + name in headers
        )
    told: Headers = ((_ALGORITHM, encryption.algorithm), (_KMS_KEY_ID, encryption.kms_key_arn))
    return (*told, (_BUCKET_KEY, "true")) if encryption.bucket_key else told
