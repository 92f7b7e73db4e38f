"""A bucket's configurations: one row a kind, with S3's default where none was written.

Owns the table of kinds: who may read and write each, its type, its default, and what S3 answers where there is none.
Promises that each kind is kept, read, removed and checked in one way. What a configuration does is known where it is
done: of the public access block, what a policy may say is decided here, and whom it may serve in the bucket's row.
Source: S3 API reference, and the user guide on each kind.
"""

from typing import Any, Final

import msgspec

from cumulo.core.errors import ErrorRow
from cumulo.object_store import errors, keys, model
from cumulo.object_store.buckets import open_bucket, replace_row
from cumulo.object_store.errors import INVALID_ARGUMENT
from cumulo.object_store.keys import ConfigurationRecord
from cumulo.object_store.model import Configuration
from cumulo.object_store.naming import check_tags, shown
from cumulo.object_store.stamping import Stamped
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn

PUBLIC_ACCESS_BLOCK: Final = "public_access_block"
OWNERSHIP_CONTROLS: Final = "ownership_controls"
TAGGING: Final = "tagging"


class Kind(msgspec.Struct, frozen=True):
    """One kind: its actions, the error where there is none (None: S3 answers an empty one), its type (None: it is not
    kept yet, so there never is one), and the value of a bucket that nobody configured.
    """

    reads: str
    writes: str
    missing: ErrorRow | None
    type: Any = None
    default: Configuration | None = None


KINDS: Final = {
    PUBLIC_ACCESS_BLOCK: Kind(
        "s3:GetBucketPublicAccessBlock",
        "s3:PutBucketPublicAccessBlock",
        errors.NO_SUCH_PUBLIC_ACCESS_BLOCK,
        model.PublicAccessBlock,
        model.PublicAccessBlock(),
    ),
    OWNERSHIP_CONTROLS: Kind(
        "s3:GetBucketOwnershipControls",
        "s3:PutBucketOwnershipControls",
        errors.NO_SUCH_OWNERSHIP_CONTROLS,
        model.OwnershipControls,
        model.OwnershipControls(),
    ),
    TAGGING: Kind("s3:GetBucketTagging", "s3:PutBucketTagging", errors.NO_SUCH_TAG_SET, model.BucketTagging),
    "accelerate": Kind("s3:GetAccelerateConfiguration", "s3:PutAccelerateConfiguration", None),
    "cors": Kind("s3:GetBucketCORS", "s3:PutBucketCORS", errors.NO_SUCH_CORS),
    "encryption": Kind("s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration", errors.NO_SUCH_ENCRYPTION),
    "lifecycle": Kind("s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration", errors.NO_SUCH_LIFECYCLE),
    "logging": Kind("s3:GetBucketLogging", "s3:PutBucketLogging", None),
    "object_lock": Kind(
        "s3:GetBucketObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration", errors.NO_SUCH_OBJECT_LOCK
    ),
    "replication": Kind("s3:GetReplicationConfiguration", "s3:PutReplicationConfiguration", errors.NO_SUCH_REPLICATION),
    "request_payment": Kind("s3:GetBucketRequestPayment", "s3:PutBucketRequestPayment", None),
    "versioning": Kind("s3:GetBucketVersioning", "s3:PutBucketVersioning", None),
    "website": Kind("s3:GetBucketWebsite", "s3:PutBucketWebsite", errors.NO_SUCH_WEBSITE),
}


def kind_of(name: str) -> Kind:
    """Return a kind; raises `InvalidArgument` for a name that is none."""
    kind = KINDS.get(name)
    if kind is None:
        raise INVALID_ARGUMENT.error(parameter="kind", value=repr(shown(name)), allowed="one of " + ", ".join(KINDS))
    return kind


def check_configuration(name: str, value: Configuration | None) -> None:
    """Raise what S3 raises for a configuration that cannot be: `InvalidArgument`, `InvalidTag`, `BadRequest`."""
    kind = kind_of(name)
    if kind.type is None or not isinstance(value, kind.type):
        raise INVALID_ARGUMENT.error(parameter="value", value=type(value).__name__, allowed=f"a value of kind {name}")
    match value:
        case model.BucketTagging(tags=tags):
            check_tags(tags, "Bucket", model.BUCKET_TAGS_MAX)
        case model.OwnershipControls(object_ownership=ownership):
            check_ownership(ownership)


def check_ownership(ownership: str) -> None:
    """Raise `InvalidArgument` for an object ownership that S3 does not know."""
    if ownership not in model.OBJECT_OWNERSHIPS:
        raise INVALID_ARGUMENT.error(
            parameter="x-amz-object-ownership",
            value=repr(shown(ownership)),
            allowed="one of " + ", ".join(model.OBJECT_OWNERSHIPS),
        )


def read(txn: ReadTxn, partition: bytes, name: str) -> Configuration | None:
    """Return a bucket's configuration, its default where nobody wrote one, None where there is none."""
    kind = KINDS[name]
    stored = txn.get(keys.configuration_key(partition, name)) if kind.type is not None else None
    if stored is None:
        return kind.default
    value = keys.decode_configuration(stored).value
    found: Configuration | None = msgspec.msgpack.decode(value, type=kind.type) if value else None
    return found


def get_configuration(txn: ReadTxn, stamped: Stamped) -> Configuration | None:
    """Return a bucket's configuration; raises `NoSuchBucket` and what S3 raises where there is none."""
    request: model.GetBucketConfiguration = stamped.request
    open_bucket(txn, stamped.partition, request.bucket)
    found = read(txn, stamped.partition, request.kind)
    missing = KINDS[request.kind].missing
    if found is None and missing is not None:
        raise missing.error(bucket=request.bucket)
    return found


def set_configuration(txn: Txn, stamped: Stamped) -> None:
    """Write a bucket's configuration (checked), or remove it; raises `NoSuchBucket`."""
    request: model.SetBucketConfiguration | model.DeleteBucketConfiguration = stamped.request
    open_bucket(txn, stamped.partition, request.bucket)
    value = request.value if isinstance(request, model.SetBucketConfiguration) else None
    write(txn, stamped.partition, request.kind, value)
    if request.kind == PUBLIC_ACCESS_BLOCK:
        restricts = isinstance(value, model.PublicAccessBlock) and value.restrict_public_buckets
        replace_row(txn, request.bucket, may_be_public=not restricts)


def write(txn: Txn, partition: bytes, name: str, value: Configuration | None) -> None:
    """Write a configuration, None for none; where the kind has no default, none leaves nothing."""
    key = keys.configuration_key(partition, name)
    if value is None and KINDS[name].default is None:
        txn.delete(key)
        return
    txn.put(key, encoded(value))


def encoded(value: Configuration | None) -> bytes:
    """Return a configuration as it is stored; None for one that was removed, or never was."""
    return records.encode(ConfigurationRecord(value=b"" if value is None else msgspec.msgpack.encode(value)))
