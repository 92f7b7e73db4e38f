"""Configurations that are kept and given back exactly, and change nothing here: inventory, analytics, metrics,
intelligent tiering, and acceleration.

Owns what S3 refuses of them. Source: S3 API reference, Put… of each, and what S3 answers.
"""

from typing import TYPE_CHECKING, Final

from cumulo.core.names import parse_arn
from cumulo.object_store.errors import INVALID_DESTINATION_BUCKET, INVALID_REQUEST, MALFORMED_CONFIGURATION

if TYPE_CHECKING:
    from cumulo.object_store import aws_s3

_STATES: Final = ("Enabled", "Suspended")
_TIERING_STATES: Final = ("Enabled", "Disabled")
_TIERS: Final = {"ARCHIVE_ACCESS": 90, "DEEP_ARCHIVE_ACCESS": 180}
"""Each tier, and the fewest days without access after which an object goes there."""
_TIER_DAYS_MAX: Final = 730
_FORMATS: Final = ("CSV", "ORC", "Parquet")
_FREQUENCIES: Final = ("Daily", "Weekly")
_VERSIONS: Final = ("All", "Current")
_FIELDS: Final = frozenset(
    (
        "Size",
        "LastModifiedDate",
        "StorageClass",
        "ETag",
        "IsMultipartUploaded",
        "ReplicationStatus",
        "EncryptionStatus",
        "ObjectLockRetainUntilDate",
        "ObjectLockMode",
        "ObjectLockLegalHoldStatus",
        "IntelligentTieringAccessTier",
        "BucketKeyStatus",
        "ChecksumAlgorithm",
        "ObjectAccessControlList",
        "ObjectOwner",
        "LifecycleExpirationDate",
    )
)


def check_acceleration(bucket: str, value: "aws_s3.AccelerateConfiguration") -> None:
    """Raise `InvalidRequest` for a bucket that S3 could not accelerate, `MalformedXML` for no state."""
    if "." in bucket:
        raise INVALID_REQUEST.error(
            reason="S3 Transfer Acceleration is not supported for buckets with periods (.) in their names"
        )
    _check_one_of("Status", value.Status, _STATES)


def check_analytics(_bucket: str, value: "aws_s3.AnalyticsConfiguration") -> None:
    """Raise `MalformedXML`, or `InvalidS3DestinationBucket`."""
    if value.Filter is not None:
        _check_filter(value.Filter.Prefix, value.Filter.Tag, value.Filter.And)
    export = value.StorageClassAnalysis.DataExport
    if export is not None:
        _check_one_of("OutputSchemaVersion", export.OutputSchemaVersion, ("V_1",))
        destination = export.Destination.S3BucketDestination
        _check_one_of("Format", destination.Format, ("CSV",))
        _check_bucket_arn(destination.Bucket)


def check_tiering(_bucket: str, value: "aws_s3.IntelligentTieringConfiguration") -> None:
    """Raise `MalformedXML`."""
    _check_one_of("Status", value.Status, _TIERING_STATES)
    if value.Filter is not None:
        _check_filter(value.Filter.Prefix, value.Filter.Tag, value.Filter.And)
    tiers = [tiering.AccessTier for tiering in value.Tierings]
    if not tiers or len(set(tiers)) < len(tiers):
        raise MALFORMED_CONFIGURATION.error(parameter="Tiering", allowed="one or two, of different tiers")
    for tiering in value.Tierings:
        _check_one_of("AccessTier", tiering.AccessTier, tuple(_TIERS))
        if not _TIERS[tiering.AccessTier] <= tiering.Days <= _TIER_DAYS_MAX:
            raise MALFORMED_CONFIGURATION.error(
                parameter="Days", allowed=f"{_TIERS[tiering.AccessTier]} to {_TIER_DAYS_MAX}"
            )


def check_inventory(_bucket: str, value: "aws_s3.InventoryConfiguration") -> None:
    """Raise `MalformedXML`, or `InvalidS3DestinationBucket`."""
    destination = value.Destination.S3BucketDestination
    _check_bucket_arn(destination.Bucket)
    _check_one_of("Format", destination.Format, _FORMATS)
    _check_one_of("Frequency", value.Schedule.Frequency, _FREQUENCIES)
    _check_one_of("IncludedObjectVersions", value.IncludedObjectVersions, _VERSIONS)
    for field in value.OptionalFields or ():
        _check_one_of("Field", field, tuple(sorted(_FIELDS)))


def check_metrics(_bucket: str, value: "aws_s3.MetricsConfiguration") -> None:
    """Raise `MalformedXML`."""
    if value.Filter is not None:
        _check_filter(value.Filter.Prefix, value.Filter.Tag, value.Filter.And or value.Filter.AccessPointArn)


def _check_filter(*conditions: object) -> None:
    """Refuse a filter of several conditions that no `And` holds together, and one of none."""
    if sum(condition is not None for condition in conditions) != 1:
        raise MALFORMED_CONFIGURATION.error(parameter="Filter", allowed="one condition, or several in And")


def _check_one_of(parameter: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise MALFORMED_CONFIGURATION.error(parameter=parameter, allowed="one of " + ", ".join(allowed))


def _check_bucket_arn(text: str) -> None:
    arn = parse_arn(text)
    if arn is None or arn.service != "s3" or not arn.resource or "/" in arn.resource:
        raise INVALID_DESTINATION_BUCKET.error()
