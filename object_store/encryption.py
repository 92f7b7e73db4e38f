"""What a request says of encryption, what its bucket adds, and what becomes of both: the plan of a body to be stored.

Promises S3's answer to every combination that cannot be, given after the authorisation. Sees customers' keys, stores
none. Knows no cipher: that is `sealing.py`. Sources: S3 user guide, "Protecting data with server-side encryption",
"Using server-side encryption with customer-provided keys"; API reference, PutObject, PutBucketEncryption; messages as
S3 answers them.
"""

import base64
import binascii
import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from typing import Final

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import ACCESS_DENIED, ServiceError
from cumulo.object_store import encryption_model, naming
from cumulo.object_store.encryption_model import (
    AES256,
    AWS_KMS,
    CUSTOMER,
    UNDER_KMS,
    AskedEncryption,
    BucketEncryption,
    CustomerKey,
)
from cumulo.object_store.errors import (
    ENCRYPTION_ARGUMENT,
    INVALID_ENCRYPTION_ALGORITHM,
    INVALID_REQUEST,
    WRONG_CUSTOMER_KEY,
)
from cumulo.storage.storage_keys import KEY_BYTES

SERVICE_KEY: Final = "alias/aws/s3"
"""The key of KMS that S3 asks for where nobody names one."""
_HEADER: Final = "x-amz-server-side-encryption"
_WRONG_STATE: Final = "The object was stored using a form of Server Side Encryption. The correct parameters must be "
STORED_WITH_KEY: Final = _WRONG_STATE + "provided to retrieve the object."
NOT_APPLICABLE: Final = "The encryption parameters are not applicable to this object."
_WITH_CUSTOMER_KEY: Final = "Requests specifying Server Side Encryption with Customer provided keys must "
UPLOAD_IS_ENCRYPTED: Final = (
    "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate "
    "encryption parameters."
)
_PROOF: Final = b"cumulo customer key"


class Plan(msgspec.Struct, frozen=True):
    """How a body is to be encrypted: `algorithm` is of a record's `Encryption`; `customer_key` are the raw 32 bytes."""

    algorithm: str
    kms_key_id: str = ""
    context: Mapping[str, str] = {}
    bucket_key: bool = False
    customer_key: bytes = b""

    def __repr__(self) -> str:
        return f"Plan({self.algorithm})"


def planned(asked: AskedEncryption | None, default: BucketEncryption | None) -> Plan | None:
    """Return how a body is to be encrypted, None where it is not; raises S3's errors for what cannot be."""
    if asked is None:
        return None if default is None else _by_default(default)
    customer, algorithm = asked.customer, asked.algorithm
    if customer is not None:
        if algorithm is not None:
            raise argument(
                "Server Side Encryption with Customer provided key is incompatible with the encryption method "
                "specified",
                algorithm,
            )
        return Plan(CUSTOMER, customer_key=raw_key(customer))
    if algorithm not in (None, AES256, *UNDER_KMS):
        raise argument("The encryption method specified is not supported", algorithm)
    if algorithm in UNDER_KMS:
        same = default is not None and default.algorithm == AWS_KMS
        bucket_key = asked.bucket_key
        if bucket_key is None:
            bucket_key = same and default is not None and default.bucket_key
        check_key_id(asked.kms_key_id)
        key_id = asked.kms_key_id or SERVICE_KEY
        return Plan(algorithm, key_id, _context(asked.context), _may_share(algorithm, bucket_key=bucket_key))
    if asked.kms_key_id or asked.context:
        raise argument(
            "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : "
            "aws:kms",
            algorithm or "null",
        )
    if algorithm == AES256:
        return Plan(AES256)
    if default is None:
        return None
    plan = _by_default(default)
    if asked.bucket_key is None:
        return plan
    return msgspec.structs.replace(plan, bucket_key=_may_share(plan.algorithm, bucket_key=asked.bucket_key))


def _by_default(default: BucketEncryption) -> Plan:
    if default.algorithm == AES256:
        return _STORAGE_KEYS
    bucket_key = _may_share(default.algorithm, bucket_key=default.bucket_key)
    return Plan(default.algorithm, default.kms_key_id or SERVICE_KEY, {}, bucket_key)


def _may_share(algorithm: str, *, bucket_key: bool) -> bool:
    """Say whether one data key may serve several objects: never of two layers, whatever a request asks for."""
    return bucket_key and algorithm == AWS_KMS


_STORAGE_KEYS: Final = Plan(AES256)
_TOLD: Final = encryption_model.Encryption(AES256, b"")


def check_customer_key(
    ctx: CallContext, customer: CustomerKey | None, arn: str, default: BucketEncryption | None = None
) -> None:
    """Raise where a caller may not use a key of his own: it came unprotected over a network, or, of a write, the bucket
    (`default`) blocks such keys.
    """
    if customer is None:
        return
    if not ctx.secure_transport and not _is_near(ctx.source_ip):
        raise argument(_WITH_CUSTOMER_KEY + "be made over a secure connection.")
    if default is not None and default.blocks_customer_keys:
        raise ACCESS_DENIED.error(
            reason=f'User: {ctx.principal.arn} is not authorized to perform: s3:PutObject on resource: "{arn}" because '
            "this bucket has blocked upload requests that specify Server Side Encryption with Customer provided keys "
            "(SSE-C). Please specify a different server-side encryption type"
        )


def _is_near(source_ip: str) -> bool:
    """Say whether a peer is on this machine: a local socket has no address."""
    try:
        return not source_ip or ipaddress.ip_address(source_ip).is_loopback
    except ValueError:
        return False


def raw_key(customer: CustomerKey) -> bytes:
    """Return a customer's key; raises `InvalidArgument` and `InvalidEncryptionAlgorithmError`."""
    if not customer.algorithm:
        raise argument(_WITH_CUSTOMER_KEY + "provide a valid encryption algorithm.")
    if customer.algorithm != AES256:
        raise INVALID_ENCRYPTION_ALGORITHM.error(parameter=_HEADER, value=naming.shown(customer.algorithm))
    if not customer.key:
        raise argument(_WITH_CUSTOMER_KEY + "provide an appropriate secret key.")
    if not customer.key_md5:
        raise argument(_WITH_CUSTOMER_KEY + "provide the client calculated MD5 of the secret key.")
    try:
        key = base64.b64decode(customer.key, validate=True)
        said = base64.b64decode(customer.key_md5, validate=True)
    except (binascii.Error, ValueError):
        raise argument("The secret key was invalid for the specified algorithm.") from None
    if not hmac.compare_digest(hashlib.md5(key, usedforsecurity=False).digest(), said):
        raise argument("The calculated MD5 hash of the key did not match the hash that was provided.")
    if len(key) != KEY_BYTES:
        raise argument("The secret key was invalid for the specified algorithm.")
    return key


def without_key(asked: AskedEncryption | None) -> AskedEncryption | None:
    """Return what a request says without a customer's key itself: transactions see none."""
    if asked is None or asked.customer is None:
        return asked
    return msgspec.structs.replace(asked, customer=msgspec.structs.replace(asked.customer, key=""))


def told_of(encryption: encryption_model.Encryption | None) -> encryption_model.Encryption | None:
    """Return what is told of an object's encryption: not its keys, which are others of a repeated request, too."""
    if encryption is None:
        return None
    if encryption.algorithm == AES256:
        return _TOLD
    return encryption_model.Encryption(
        encryption.algorithm, b"", kms_key_arn=encryption.kms_key_arn, bucket_key=encryption.bucket_key
    )


def readable_with(encryption: encryption_model.Encryption | None, customer: CustomerKey | None) -> bytes:
    """Return the raw key that an object is to be read with, empty where it needs none of its reader; raises
    `InvalidRequest` where he brings one in vain, or none.
    """
    needs = encryption is not None and encryption.algorithm == CUSTOMER
    if customer is None:
        if needs:
            raise INVALID_REQUEST.error(reason=STORED_WITH_KEY)
        return b""
    key = raw_key(customer)
    if not needs:
        raise INVALID_REQUEST.error(reason=NOT_APPLICABLE)
    return key


def check_reader(
    ctx: CallContext, encryption: encryption_model.Encryption | None, customer: CustomerKey | None
) -> None:
    """Raise where an object cannot be read with the key that its reader brings, or without one: `InvalidRequest`,
    `InvalidArgument`, `AccessDenied`.
    """
    check_customer_key(ctx, customer, "")
    key = readable_with(encryption, customer)
    if key and encryption is not None:
        check_proof(encryption, key)


def check_unread(encryption: encryption_model.Encryption | None, customer: CustomerKey | None) -> None:
    """Raise `InvalidRequest` where an object that was found needs a key of its reader, and he brought none."""
    if customer is None and encryption is not None and encryption.algorithm == CUSTOMER:
        raise INVALID_REQUEST.error(reason=STORED_WITH_KEY)


def check_part_key(encryption: encryption_model.Encryption | None, customer: CustomerKey | None) -> None:
    """Raise where a part brings a customer's key that its upload (`encryption`) has not, or another one, or none."""
    needs = encryption is not None and encryption.algorithm == CUSTOMER
    if needs != (customer is not None):
        raise INVALID_REQUEST.error(reason=UPLOAD_IS_ENCRYPTED)
    if customer is not None and encryption is not None and not proves(encryption, raw_key(customer)):
        raise INVALID_REQUEST.error(reason="The provided encryption parameters did not match the ones used originally.")


def check_proof(encryption: encryption_model.Encryption, customer_key: bytes) -> None:
    """Raise `AccessDenied` where a customer's key is another one than that with which an object was encrypted."""
    if not proves(encryption, customer_key):
        raise WRONG_CUSTOMER_KEY.error()


def proves(encryption: encryption_model.Encryption, customer_key: bytes) -> bool:
    """Say whether a customer's key is the one whose proof a record keeps."""
    return hmac.compare_digest(encryption.key, proof(customer_key, encryption.salt))


def proof(customer_key: bytes, salt: bytes) -> bytes:
    """Return what a record keeps to tell a customer's key by."""
    return hmac.digest(customer_key, _PROOF + salt, hashlib.sha256)


def check_bucket_encryption(encryption: BucketEncryption) -> None:
    """Raise what S3 raises for an encryption that no bucket can have."""
    if encryption.algorithm not in (AES256, *UNDER_KMS):
        raise argument("The encryption method specified is not supported", encryption.algorithm)
    if encryption.kms_key_id and encryption.algorithm not in UNDER_KMS:
        raise ENCRYPTION_ARGUMENT.error(
            message="a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
            parameter="ApplyServerSideEncryptionByDefault",
        )
    check_key_id(encryption.kms_key_id)


def check_key_id(key_id: str) -> None:
    """Raise `InvalidArgument` for an id that is too long to be one."""
    if len(key_id) > encryption_model.KMS_KEY_ID_CHARACTERS_MAX:
        raise ENCRYPTION_ARGUMENT.error(
            message=f"A KMS key id has at most {encryption_model.KMS_KEY_ID_CHARACTERS_MAX} characters.",
            parameter=_HEADER + "-aws-kms-key-id",
            value=naming.shown(key_id),
        )


def _context(encoded: str) -> Mapping[str, str]:
    if not encoded:
        return {}
    try:
        text = base64.b64decode(encoded, validate=True)
        found = msgspec.json.decode(text, type=dict[str, str])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        text, found = b"", {}
    if not text or len(text) > encryption_model.ENCRYPTION_CONTEXT_BYTES_MAX:
        raise ENCRYPTION_ARGUMENT.error(
            message=f"The header '{_HEADER}-context' shall be Base64-encoded UTF-8 string holding JSON which "
            f"represents a string-string map of at most {encryption_model.ENCRYPTION_CONTEXT_BYTES_MAX} bytes",
            parameter=_HEADER + "-context",
            value=naming.shown(encoded),
        )
    return found


def argument(message: str, value: str = "") -> ServiceError:
    """Return S3's `InvalidArgument` about the encryption that a request asks for, without a value for a key."""
    told = {"value": naming.shown(value)} if value else {}
    return ENCRYPTION_ARGUMENT.error(message=message, parameter=_HEADER, **told)
