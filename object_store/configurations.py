"""A bucket's configurations: one row a kind, with S3's default where none was written.

Owns the table of kinds: who may read and write each, its type, its default, and what S3 answers where there is none.
Promises that each kind is kept, read, removed and checked in one way, and given back exactly as it was written. What a
configuration does is known where it is done: of the public access block, what a policy may say is decided here, and
whom it may serve in the bucket's row. Source: S3 API reference, and the user guide on each kind.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cumulo.core.errors import ErrorRow
from cumulo.core.lazy import LazyModule
from cumulo.object_store import (
    acl,
    acl_model,
    configuration_model,
    cors,
    encryption_model,
    errors,
    inventories,
    keys,
    lock_model,
    locks,
    logging_rules,
    payments,
    quotas,
    replication_outbox,
    replication_rules,
    tagging_model,
    websites,
)
from cumulo.object_store.buckets import open_bucket, replace_row, row_of
from cumulo.object_store.configuration_model import Configuration
from cumulo.object_store.configuration_rows import whole_value
from cumulo.object_store.encryption import check_bucket_encryption
from cumulo.object_store.errors import (
    CONFIGURATION_ID_MISMATCH,
    ILLEGAL_VERSIONING,
    INVALID_ARGUMENT,
    MALFORMED_CONFIGURATION,
    REFUSED_ARGUMENT,
    TOO_MANY_CONFIGURATIONS,
    UNREPLICABLE_BUCKET,
)
from cumulo.object_store.keys import ConfigurationRecord
from cumulo.object_store.lifecycle_checks import check_lifecycle
from cumulo.object_store.lifecycle_index import KIND, begin_survey, change_rules
from cumulo.object_store.lifecycle_model import Lifecycle
from cumulo.object_store.naming import check_tags, shown
from cumulo.object_store.stamping import Stamped
from cumulo.storage import records
from cumulo.storage.engine import VALUE_BYTES_MAX, ReadTxn, Txn
from cumulo.storage.tuples import after

if TYPE_CHECKING:
    from cumulo.object_store import aws_s3
else:
    aws_s3 = LazyModule("cumulo.object_store.aws_s3")

PUBLIC_ACCESS_BLOCK: Final = "public_access_block"
OWNERSHIP_CONTROLS: Final = "ownership_controls"
ENCRYPTION: Final = "encryption"
TAGGING: Final = "tagging"
CORS: Final = "cors"
LIFECYCLE: Final = KIND
REPLICATION: Final = replication_rules.KIND
REQUEST_PAYMENT: Final = "request_payment"
WEBSITE: Final = "website"
LOGGING: Final = "logging"
QUOTA: Final = "quota"
SLICE_BYTES: Final = VALUE_BYTES_MAX - 64
"""Of an encoded configuration in one row; the record around it takes a few bytes."""
VERSIONING: Final = "versioning"
OBJECT_LOCK: Final = "object_lock"


class Kind(msgspec.Struct, frozen=True):
    """One kind: its actions, the error where there is none (None: S3 answers an empty one), its type (None: it is not
    kept yet, so there never is one), and the value of a bucket that nobody configured.

    `shape` names the type where S3's own shape is the domain (`aws_s3.py`, which is imported when it is needed).
    `check` raises what S3 refuses of a value, given the bucket's name. With `has_ids` a bucket has many of the kind,
    each with an id that its value bears. `deletes` is the action of removing where that is not the one of writing.
    """

    reads: str
    writes: str
    missing: ErrorRow | None
    type: Any = None
    default: Configuration | None = None
    shape: str = ""
    check: Callable[[str, Any], None] | None = None
    has_ids: bool = False
    other_id: ErrorRow = MALFORMED_CONFIGURATION
    deletes: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether there can be one."""
        return self.type is not None or bool(self.shape)

    @property
    def value_type(self) -> Any:
        """The type of a value of a kind that is kept."""
        return self.type if self.type is not None else getattr(aws_s3, self.shape)


def _many(
    noun: str, shape: str, check: Callable[[str, Any], None], other_id: ErrorRow = MALFORMED_CONFIGURATION
) -> Kind:
    """Return a kind of which a bucket has up to a thousand; they are kept and given back, and do nothing."""
    missing = errors.NO_SUCH_CONFIGURATION
    return Kind(f"s3:Get{noun}", f"s3:Put{noun}", missing, shape=shape, check=check, has_ids=True, other_id=other_id)


KINDS: Final = {
    PUBLIC_ACCESS_BLOCK: Kind(
        "s3:GetBucketPublicAccessBlock",
        "s3:PutBucketPublicAccessBlock",
        errors.NO_SUCH_PUBLIC_ACCESS_BLOCK,
        acl_model.PublicAccessBlock,
        acl_model.PublicAccessBlock(),
    ),
    OWNERSHIP_CONTROLS: Kind(
        "s3:GetBucketOwnershipControls",
        "s3:PutBucketOwnershipControls",
        errors.NO_SUCH_OWNERSHIP_CONTROLS,
        acl_model.OwnershipControls,
        acl_model.OwnershipControls(),
    ),
    TAGGING: Kind("s3:GetBucketTagging", "s3:PutBucketTagging", errors.NO_SUCH_TAG_SET, tagging_model.BucketTagging),
    "accelerate": Kind(
        "s3:GetAccelerateConfiguration",
        "s3:PutAccelerateConfiguration",
        None,
        shape="AccelerateConfiguration",
        check=inventories.check_acceleration,
    ),
    CORS: Kind(
        "s3:GetBucketCORS", "s3:PutBucketCORS", errors.NO_SUCH_CORS, shape="CORSConfiguration", check=cors.check_rules
    ),
    ENCRYPTION: Kind(
        "s3:GetEncryptionConfiguration",
        "s3:PutEncryptionConfiguration",
        errors.NO_SUCH_ENCRYPTION,
        encryption_model.BucketEncryption,
        encryption_model.BucketEncryption(),
    ),
    LIFECYCLE: Kind(
        "s3:GetLifecycleConfiguration",
        "s3:PutLifecycleConfiguration",
        errors.NO_SUCH_LIFECYCLE,
        Lifecycle,
        check=lambda _, rules: check_lifecycle(rules),
    ),
    LOGGING: Kind(
        "s3:GetBucketLogging",
        "s3:PutBucketLogging",
        None,
        shape="BucketLoggingStatus",
        check=logging_rules.check_logging,
    ),
    OBJECT_LOCK: Kind(
        "s3:GetBucketObjectLockConfiguration",
        "s3:PutBucketObjectLockConfiguration",
        errors.NO_SUCH_OBJECT_LOCK,
        lock_model.BucketLock,
        check=lambda _, lock: locks.check_bucket_lock(lock),
    ),
    REPLICATION: Kind(
        "s3:GetReplicationConfiguration",
        "s3:PutReplicationConfiguration",
        errors.NO_SUCH_REPLICATION,
        shape="ReplicationConfiguration",
        check=replication_rules.check_replication,
    ),
    REQUEST_PAYMENT: Kind(
        "s3:GetBucketRequestPayment",
        "s3:PutBucketRequestPayment",
        None,
        shape="RequestPaymentConfiguration",
        check=payments.check_payer,
    ),
    VERSIONING: Kind("s3:GetBucketVersioning", "s3:PutBucketVersioning", None, configuration_model.Versioning),
    WEBSITE: Kind(
        "s3:GetBucketWebsite",
        "s3:PutBucketWebsite",
        errors.NO_SUCH_WEBSITE,
        shape="WebsiteConfiguration",
        check=websites.check_website,
        deletes="s3:DeleteBucketWebsite",
    ),
    QUOTA: Kind(
        "cumulo:GetBucketQuota",
        "cumulo:PutBucketQuota",
        None,
        configuration_model.BucketQuota,
        check=lambda _, quota: quotas.check_quota_value(quota),
    ),
    "analytics": _many("AnalyticsConfiguration", "AnalyticsConfiguration", inventories.check_analytics),
    "intelligent_tiering": _many(
        "IntelligentTieringConfiguration", "IntelligentTieringConfiguration", inventories.check_tiering
    ),
    "inventory": _many(
        "InventoryConfiguration",
        "InventoryConfiguration",
        inventories.check_inventory,
        other_id=CONFIGURATION_ID_MISMATCH,
    ),
    "metrics": _many("MetricsConfiguration", "MetricsConfiguration", inventories.check_metrics),
}


def kind_of(name: str) -> Kind:
    """Return a kind; raises `InvalidArgument` for a name that is none."""
    kind = KINDS.get(name)
    if kind is None:
        raise INVALID_ARGUMENT.error(parameter="kind", value=repr(shown(name)), allowed="one of " + ", ".join(KINDS))
    return kind


def check_configuration(bucket: str, name: str, value: Configuration | None, id_: str = "") -> None:
    """Raise what S3 raises for a configuration that cannot be: `InvalidArgument`, `MalformedXML`, `InvalidRequest`,
    `IdMismatch`, `InvalidTag`, `BadRequest`.
    """
    kind = kind_of(name)
    if not kind.is_kept or not isinstance(value, kind.value_type):
        raise INVALID_ARGUMENT.error(parameter="value", value=type(value).__name__, allowed=f"a value of kind {name}")
    check_id(kind, id_)
    if kind.has_ids and id_ != getattr(value, "Id", ""):
        raise kind.other_id.error()
    if kind.check is not None:
        kind.check(bucket, value)
    match value:
        case tagging_model.BucketTagging(tags=tags):
            check_tags(tags, "Bucket", tagging_model.BUCKET_TAGS_MAX)
        case acl_model.OwnershipControls(object_ownership=ownership):
            check_ownership(ownership)
        case encryption_model.BucketEncryption():
            check_bucket_encryption(value)
        case configuration_model.Versioning(status=status):
            _check_versioning(status)


def check_removal(name: str) -> None:
    """Raise `InvalidArgument` for a configuration that no bucket loses once it has it."""
    kind_of(name)
    if name == VERSIONING:
        raise INVALID_ARGUMENT.error(parameter="kind", value=name, allowed="versioning can be suspended, not removed")
    if name == OBJECT_LOCK:
        raise INVALID_ARGUMENT.error(
            parameter="kind", value=name, allowed="the default retention can be removed, the lock of objects cannot"
        )


def check_id(kind: Kind, id_: str) -> None:
    """Raise `InvalidArgument` for an id that a configuration cannot have, or that one of its kind does not have."""
    if not kind.has_ids:
        if id_:
            raise INVALID_ARGUMENT.error(parameter="id", value=repr(shown(id_)), allowed="none: there is only one")
        return
    allowed = configuration_model.CONFIGURATION_ID_CHARACTERS_MAX
    if not 1 <= len(id_) <= allowed or not id_.isascii() or not id_.isprintable():
        raise INVALID_ARGUMENT.error(
            parameter="id", value=repr(shown(id_)), allowed=f"1 to {allowed} printable ASCII characters"
        )


def check_ownership(ownership: str) -> None:
    """Raise `InvalidArgument` for an object ownership that S3 does not know."""
    if ownership not in acl_model.OBJECT_OWNERSHIPS:
        raise REFUSED_ARGUMENT.error(
            reason=f"Invalid x-amz-object-ownership header: {shown(ownership)}", parameter="x-amz-object-ownership"
        )


def _check_versioning(status: str) -> None:
    """Raise `IllegalVersioningConfigurationException` or `InvalidArgument` for a state that is none."""
    if not status:
        raise ILLEGAL_VERSIONING.error()
    if status not in (configuration_model.VERSIONING_ENABLED, configuration_model.VERSIONING_SUSPENDED):
        raise INVALID_ARGUMENT.error(
            parameter="status",
            value=repr(shown(status)),
            allowed=f"{configuration_model.VERSIONING_ENABLED} or {configuration_model.VERSIONING_SUSPENDED}",
        )


def read(txn: ReadTxn, partition: bytes, name: str, id_: str = "") -> Configuration | None:
    """Return a bucket's configuration, its default where nobody wrote one, None where there is none."""
    kind = KINDS[name]
    stored = txn.get(keys.configuration_key(partition, name, id_)) if kind.is_kept else None
    return kind.default if stored is None else _decoded(txn, partition, name, id_, stored)


def is_written(txn: ReadTxn, place: tuple[bytes, str]) -> bool:
    """Say whether somebody wrote the configuration of a bucket's partition and a kind, be it what the default is."""
    partition, name = place
    stored = txn.get(keys.configuration_key(partition, name))
    return stored is not None and bool(whole_value(txn, partition, name, "", stored))


def read_of(txn: ReadTxn, place: tuple[bytes, str]) -> Any:
    """Return the configuration of a bucket's partition and a kind, as `read`."""
    return read(txn, *place)


def _decoded(txn: ReadTxn, partition: bytes, name: str, id_: str, stored: bytes) -> Configuration | None:
    value = whole_value(txn, partition, name, id_, stored)
    found: Configuration | None = msgspec.msgpack.decode(value, type=KINDS[name].value_type) if value else None
    return found


def get_configuration(txn: ReadTxn, stamped: Stamped) -> Configuration | None:
    """Return a bucket's configuration; raises `NoSuchBucket` and what S3 raises where there is none."""
    request: configuration_model.GetBucketConfiguration = stamped.request
    open_bucket(txn, stamped.partition, request.bucket)
    found = read(txn, stamped.partition, request.kind, request.id)
    if request.only_written and not is_written(txn, (stamped.partition, request.kind)):
        found = None
    missing = KINDS[request.kind].missing
    if found is None and missing is not None:
        raise missing.error(bucket=request.bucket)
    return found


class Listed(msgspec.Struct, frozen=True):
    """A page of configurations; `last` is the last id, empty where nothing is left."""

    values: list[Configuration]
    last: str = ""


def list_configurations(txn: ReadTxn, stamped: Stamped) -> Listed:
    """Return a page of a bucket's configurations of a kind, at most `limit`, behind the id in `after`."""
    request: configuration_model.ListBucketConfigurations = stamped.request
    partition, name = stamped.partition, request.kind
    open_bucket(txn, partition, request.bucket)
    prefix = keys.configuration_key(partition, name)
    start = keys.configuration_key(partition, name, stamped.after.decode()) + b"\x00" if stamped.after else prefix
    rows = txn.range(start, after(prefix), stamped.limit + 1)
    ids = [keys.text_of(row_key, len(prefix)) for row_key, _ in rows[: stamped.limit]]
    values = [
        value
        for id_, (_, stored) in zip(ids, rows, strict=False)
        if (value := _decoded(txn, partition, name, id_, stored)) is not None
    ]
    return Listed(values, ids[-1] if len(rows) > stamped.limit else "")


def set_configuration(txn: Txn, stamped: Stamped) -> None:
    """Write a bucket's configuration (checked), or remove it; raises `NoSuchBucket`, for one with an id
    `TooManyConfigurations`, and where it is to be removed `NoSuchConfiguration`.
    """
    request: configuration_model.SetBucketConfiguration | configuration_model.DeleteBucketConfiguration = (
        stamped.request
    )
    meta = open_bucket(txn, stamped.partition, request.bucket)
    kind = KINDS[request.kind]
    to_default = isinstance(request, configuration_model.DeleteBucketConfiguration) and request.to_default
    value = (
        request.value
        if isinstance(request, configuration_model.SetBucketConfiguration)
        else kind.default
        if to_default
        else None
    )
    if value == tagging_model.BucketTagging({}):
        value = None  # to S3 no tags are no tag set
    if kind.has_ids and txn.get(keys.configuration_key(stamped.partition, request.kind, request.id)) is None:
        if value is None:
            raise errors.NO_SUCH_CONFIGURATION.error()
        prefix = keys.configuration_key(stamped.partition, request.kind)
        allowed = configuration_model.CONFIGURATIONS_OF_KIND_MAX
        if len(txn.range(prefix, after(prefix), allowed)) == allowed:
            raise TOO_MANY_CONFIGURATIONS.error(allowed=allowed)
    write(txn, stamped.partition, request.kind, None if to_default else value, request.id, keeps_default=to_default)
    match request.kind:
        case "public_access_block":
            block = value if isinstance(value, acl_model.PublicAccessBlock) else None
            replace_row(txn, request.bucket, **row_fields(block))
        case "ownership_controls":
            ownership = (
                value.object_ownership if isinstance(value, acl_model.OwnershipControls) else acl_model.OBJECT_WRITER
            )
            _set_ownership(txn, request.bucket, ownership)
        case "request_payment":
            replace_row(txn, request.bucket, requester_pays=payments.is_requester(value))
        case "encryption":
            replace_row(txn, request.bucket, encryption=value)
        case "lifecycle":
            assert value is None or isinstance(value, Lifecycle), value
            replace_row(txn, request.bucket, lifecycle=change_rules(txn, stamped, meta, value))
        case "replication":
            if value is not None and meta.versioning != configuration_model.VERSIONING_ENABLED:
                raise UNREPLICABLE_BUCKET.error()
            digest = replication_outbox.digest_of(_stored(value))
            txn.put(stamped.partition + keys.META, records.encode(msgspec.structs.replace(meta, replication=digest)))
            if meta.lifecycle and not digest:
                begin_survey(txn, stamped, meta.lifecycle)  # nothing waits for its replication any more
        case "versioning":
            assert isinstance(value, configuration_model.Versioning), value
            if meta.replication and value.status != configuration_model.VERSIONING_ENABLED:
                raise errors.INVALID_BUCKET_STATE.error(
                    reason="A replication configuration is present on this bucket, so the versioning state cannot be "
                    "changed. To change the versioning state, first delete the replication configuration."
                )
            locks.check_suspension(meta, value.status)
            changed = msgspec.structs.replace(meta, versioning=value.status)
            txn.put(stamped.partition + keys.META, records.encode(changed))
            replace_row(txn, request.bucket, is_versioned=True)
        case "object_lock":
            assert isinstance(value, lock_model.BucketLock), value
            locks.check_versioned(meta)
            txn.put(stamped.partition + keys.META, records.encode(msgspec.structs.replace(meta, lock=value)))
            replace_row(txn, request.bucket, locks_objects=True, retains_objects=bool(value.mode))
        case "quota":
            assert value is None or isinstance(value, configuration_model.BucketQuota), value
            txn.put(stamped.partition + keys.META, records.encode(quotas.limited(meta, value)))
            replace_row(txn, request.bucket, has_quota=value is not None)
        case "logging":
            is_logged = logging_rules.is_logged(value)
            replace_row(txn, request.bucket, is_logged=is_logged)
            if is_logged:
                txn.put(keys.logged_key(request.bucket), b"")
            else:
                txn.delete(keys.logged_key(request.bucket))


def row_fields(block: acl_model.PublicAccessBlock | None) -> dict[str, bool]:
    """Return what a bucket's row says of its public access block; without one nothing is forbidden."""
    return {
        "may_be_public": block is None or not block.restrict_public_buckets,
        "takes_public_acls": block is None or not block.block_public_acls,
        "honors_public_acls": block is None or not block.ignore_public_acls,
    }


def _set_ownership(txn: Txn, bucket: str, ownership: str) -> None:
    """Turn lists on or off; raises `InvalidBucketAclWithObjectOwnership` where they are to go and the bucket's gives
    others anything.
    """
    row = row_of(txn, bucket)
    if ownership == acl_model.OWNERS_ENFORCED:
        if any(grant.grantee != row.account for grant in acl.read(row.acl, row.account)[1]):
            raise errors.INVALID_BUCKET_ACL.error()
        ownership = ""
    replace_row(txn, bucket, object_ownership=ownership)


def write(
    txn: Txn, partition: bytes, name: str, value: Configuration | None, id_: str = "", *, keeps_default: bool = False
) -> None:
    """Write a configuration, None for none, or with `keeps_default` for the kind's default, as if nobody ever wrote."""
    key = keys.configuration_key(partition, name, id_)
    found = txn.get(key)
    before = 0 if found is None else keys.decode_configuration(found).slices
    for index in range(before):
        txn.delete(keys.slice_key(partition, name, id_, index))
    if value is None and (keeps_default or KINDS[name].default is None):
        txn.delete(key)
        return
    stored = _stored(value)
    if len(stored) > configuration_model.CONFIGURATION_BYTES_MAX:
        raise MALFORMED_CONFIGURATION.error(size=len(stored), allowed=configuration_model.CONFIGURATION_BYTES_MAX)
    more = [stored[at : at + SLICE_BYTES] for at in range(SLICE_BYTES, len(stored), SLICE_BYTES)]
    txn.put(key, records.encode(ConfigurationRecord(value=stored[:SLICE_BYTES], slices=len(more))))
    for index, one in enumerate(more):
        txn.put(keys.slice_key(partition, name, id_, index), one)


def encoded(value: Configuration | None) -> bytes:
    """Return the record of a short configuration; None for one that was removed, or never was."""
    return records.encode(ConfigurationRecord(value=_stored(value)))


def _stored(value: Configuration | None) -> bytes:
    return b"" if value is None else msgspec.msgpack.encode(value)
