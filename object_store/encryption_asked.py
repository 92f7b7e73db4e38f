"""What a request's encryption comes to: the plan of a new object, the reader's key, and what policies see of a part.

Owns the way from what a caller asks, beside his bucket's default or what his upload said, to `encryption.py`'s
decisions. Promises that what is wrong with it is an error for after the authorisation, and that no customer's key goes
on to a transaction. Reads nothing: records are given to it.
"""

from typing import Any

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.object_store import copy_model, encryption_model, object_model, upload_model
from cumulo.object_store.buckets import Found
from cumulo.object_store.encryption import Plan, check_customer_key, check_reader, planned, without_key
from cumulo.object_store.resolving import caught


def of_new_object(
    ctx: CallContext,
    request: object_model.PutObject | copy_model.CopyObject | upload_model.CreateMultipartUpload,
    found: Found,
) -> tuple[Plan | None, ServiceError | None]:
    """Return how a new object is to be encrypted, and why it cannot be: an answer for after the authorisation."""
    asked, default = request.encryption, found.row.encryption
    try:
        if asked is not None and asked.customer is not None:
            check_customer_key(ctx, asked.customer, object_model.object_arn(request.bucket, request.key), default)
        return planned(asked, default), None
    except ServiceError as error:
        return None, error


def refused_reader(
    ctx: CallContext, encryption: encryption_model.Encryption | None, customer: encryption_model.CustomerKey | None
) -> ServiceError | None:
    """Return why a caller cannot read an object with the key that he brings, or does not."""
    if customer is None and (encryption is None or encryption.algorithm != encryption_model.CUSTOMER):
        return None
    return caught(lambda: check_reader(ctx, encryption, customer))


def customer_of(
    request: upload_model.UploadPart | upload_model.UploadPartCopy | upload_model.CompleteMultipartUpload,
) -> Any:
    """Return the customer's key that a request of an upload brings, None where it brings none."""
    return None if request.encryption is None else request.encryption.customer


def as_encrypted(request: Any, encryption: encryption_model.Encryption | None) -> Any:
    """Return a request of an upload as policies see it: it says what the upload said."""
    if encryption is None or encryption.algorithm == encryption_model.CUSTOMER:
        return request
    told = encryption_model.AskedEncryption(encryption.algorithm, encryption.kms_key_arn, customer=customer_of(request))
    return msgspec.structs.replace(request, encryption=told)


def keyless(request: Any) -> Any:
    """Return a request as a transaction may see it: without a customer's key."""
    if isinstance(request, upload_model.CreateMultipartUpload | upload_model.CompleteMultipartUpload):
        return msgspec.structs.replace(request, encryption=without_key(request.encryption))
    return msgspec.structs.replace(request, customer=None)
