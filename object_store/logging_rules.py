"""What a bucket's logging configuration may say.

Source: S3 API reference, PutBucketLogging, and what S3 answers: whether the log service may write is not asked when
logging is configured, it shows at the first delivery.
"""

from typing import TYPE_CHECKING, Any, Final

from cumulo.core.names import DEFAULT_REGION
from cumulo.object_store.acl import PERMISSIONS
from cumulo.object_store.errors import (
    ACL_NOT_SUPPORTED,
    CROSS_LOCATION_LOGGING,
    INVALID_TARGET_BUCKET,
    MALFORMED_CONFIGURATION,
)
from cumulo.object_store.keys import BucketRow

if TYPE_CHECKING:
    from cumulo.object_store import aws_s3

LOG_SERVICE: Final = "logging.s3.amazonaws.com"
"""Who delivers access logs: bucket policies name it, access control lists the group LogDelivery."""
_DATE_SOURCES: Final = ("EventTime", "DeliveryTime")


def is_logged(value: Any) -> bool:
    """Say whether a bucket's configuration, None for none, lets its requests be logged."""
    return value is not None and value.LoggingEnabled is not None


def check_logging(_bucket: str, value: "aws_s3.BucketLoggingStatus") -> None:
    """Raise `MalformedXML` for a configuration that S3's schema does not know."""
    enabled = value.LoggingEnabled
    if enabled is None:
        return
    shape = enabled.TargetObjectKeyFormat
    if shape is not None:
        if (shape.SimplePrefix is None) == (shape.PartitionedPrefix is None):
            raise MALFORMED_CONFIGURATION.error(parameter="TargetObjectKeyFormat", allowed="one form of keys")
        partitioned = shape.PartitionedPrefix
        if partitioned is not None and partitioned.PartitionDateSource not in (None, *_DATE_SOURCES):
            raise MALFORMED_CONFIGURATION.error(parameter="PartitionDateSource", allowed=" or ".join(_DATE_SOURCES))
    for grant in enabled.TargetGrants or ():
        if grant.Permission not in PERMISSIONS or grant.Grantee is None:
            raise MALFORMED_CONFIGURATION.error(parameter="Permission", allowed=", ".join(PERMISSIONS))


def check_target(enabled: "aws_s3.LoggingEnabled", source: BucketRow, target: BucketRow | None) -> None:
    """Raise `InvalidTargetBucketForLogging`, `CrossLocationLoggingProhibitted` or `AccessControlListNotSupported` for a
    target, None where there is none, that cannot take another bucket's log as a configuration asks.
    """
    name = enabled.TargetBucket
    if target is None:
        raise INVALID_TARGET_BUCKET.error(reason="The target bucket for logging does not exist", TargetBucket=name)
    if target.account != source.account:
        reason = "The owner for the bucket to be logged and the target bucket must be the same."
        raise INVALID_TARGET_BUCKET.error(reason=reason, TargetBucket=name)
    if target.region != source.region:
        regions = {"TargetBucketLocation": target.region}
        if source.region != DEFAULT_REGION:  # which S3 knows without a name
            regions["SourceBucketLocation"] = source.region
        raise CROSS_LOCATION_LOGGING.error(**regions)
    if enabled.TargetGrants and not target.object_ownership:
        raise ACL_NOT_SUPPORTED.error()
