"""Encryption of objects over gRPC: what a request asks, and the keys that callers keep themselves.

Owns the way from the contract's raw bytes to the form in which the room takes a customer's key, which is S3's.
"""

import base64
import hashlib

import msgspec

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.object_store.encryption_model import AES256, AskedEncryption, CustomerKey


def customer_key(key: bytes) -> CustomerKey | None:
    """Return a customer's key, None for no bytes."""
    if not key:
        return None
    digest = hashlib.md5(key, usedforsecurity=False).digest()
    return CustomerKey(AES256, base64.b64encode(key).decode(), base64.b64encode(digest).decode())


def with_customer_key(key: bytes) -> AskedEncryption | None:
    """Return what a part or a completion says of encryption: its upload's customer key, where it brings one."""
    return AskedEncryption(customer=customer_key(key)) if key else None


def asked(encryption: "pb.ObjectEncryption | None") -> AskedEncryption | None:
    """Return how an object is to be encrypted, None where a request says nothing of it."""
    if encryption is None:
        return None
    context = ""
    if encryption.kms_context:
        context = base64.b64encode(msgspec.json.encode(dict(encryption.kms_context))).decode()
    return AskedEncryption(
        algorithm=encryption.algorithm or None,
        kms_key_id=encryption.kms_key_id,
        context=context,
        bucket_key=encryption.bucket_key if encryption.HasField("bucket_key") else None,
        customer=customer_key(encryption.customer_key),
    )
