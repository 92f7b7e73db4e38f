"""What an event says: S3's message structure, the test event, and the form of EventBridge.

Owns the words and their order. Pure functions of a change and of who caused it. Sources: S3 user guide, "Event message
structure" (version 2.1, and 2.2 to 2.3 for the events that came later), "EventBridge event message structure".
"""

import base64
import hashlib
import urllib.parse
import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec

from cumulo.object_store import bucket_model
from cumulo.object_store.keys import Meta
from cumulo.object_store.stamping import Origin

CREATED_PUT = "ObjectCreated:Put"
CREATED_POST = "ObjectCreated:Post"
CREATED_COPY = "ObjectCreated:Copy"
CREATED_COMPLETE = "ObjectCreated:CompleteMultipartUpload"
REMOVED_DELETE = "ObjectRemoved:Delete"
REMOVED_BY_MARKER = "ObjectRemoved:DeleteMarkerCreated"
EXPIRED_DELETE = "LifecycleExpiration:Delete"
EXPIRED_BY_MARKER = "LifecycleExpiration:DeleteMarkerCreated"
TRANSITIONED = "LifecycleTransition"
TAGGING_PUT = "ObjectTagging:Put"
TAGGING_DELETE = "ObjectTagging:Delete"
ACL_PUT = "ObjectAcl:Put"
RETENTION_PUT = "ObjectRetention:Put"
RESTORE_POST = "ObjectRestore:Post"
RESTORE_COMPLETED = "ObjectRestore:Completed"
RESTORE_DELETE = "ObjectRestore:Delete"
REPLICATION_FAILED = "Replication:OperationFailedReplication"

S3 = "s3.amazonaws.com"
"""What events call S3 where nobody else caused a change."""
_S3_ITSELF = ("", S3)
ETAG_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e"
"""What events of delete markers say."""
_OF_LABELS = frozenset((TAGGING_PUT, TAGGING_DELETE, ACL_PUT))
"""Events of what is said of an object: S3 tells neither how large that is nor their order."""
_OF_RESTORES = frozenset((RESTORE_POST, RESTORE_COMPLETED))
"""Events of which EventBridge is not told the order, but the class that the object is in."""
_OF_MARKERS = frozenset((REMOVED_BY_MARKER, EXPIRED_BY_MARKER))
WITHOUT_CONTENTS = frozenset((REMOVED_DELETE, EXPIRED_DELETE))
"""Events of what is gone: they tell neither size nor ETag."""
_VERSIONS = (
    ("Replication:", "2.2"),
    ("LifecycleExpiration:", "2.3"),
    ("LifecycleTransition", "2.3"),
    ("IntelligentTiering", "2.3"),
    ("ObjectAcl:", "2.3"),
    ("ObjectTagging:", "2.3"),
    ("ObjectRetention:", "2.3"),
    (RESTORE_DELETE, "2.3"),
)
"""Of the message structure, by how an event's name begins; of every other event it is 2.1."""
_BRIDGED = {
    CREATED_PUT: ("Object Created", {"reason": "PutObject"}),
    CREATED_POST: ("Object Created", {"reason": "POST Object"}),
    CREATED_COPY: ("Object Created", {"reason": "CopyObject"}),
    CREATED_COMPLETE: ("Object Created", {"reason": "CompleteMultipartUpload"}),
    REMOVED_DELETE: ("Object Deleted", {"reason": "DeleteObject", "deletion-type": "Permanently Deleted"}),
    REMOVED_BY_MARKER: ("Object Deleted", {"reason": "DeleteObject", "deletion-type": "Delete Marker Created"}),
    EXPIRED_DELETE: ("Object Deleted", {"reason": "Lifecycle Expiration", "deletion-type": "Permanently Deleted"}),
    EXPIRED_BY_MARKER: ("Object Deleted", {"reason": "Lifecycle Expiration", "deletion-type": "Delete Marker Created"}),
    TRANSITIONED: ("Object Storage Class Changed", {}),
    TAGGING_PUT: ("Object Tags Added", {}),
    TAGGING_DELETE: ("Object Tags Deleted", {}),
    ACL_PUT: ("Object ACL Updated", {}),
    RESTORE_POST: ("Object Restore Initiated", {}),
    RESTORE_COMPLETED: ("Object Restore Completed", {}),
    RESTORE_DELETE: ("Object Restore Expired", {}),
}
"""What EventBridge calls an event, and what its detail says of the reason. It does not get others."""
_NAMESPACE = uuid.UUID("b5a5b1f3-7b2c-4c1d-8d53-0f8a6c1e9d21")
"""Of the ids of events for EventBridge (UUIDv5 of the delivery); any fixed value does."""


class Unreplicated(msgspec.Struct, frozen=True):
    """What did not arrive at a bucket, by which rule, and why, in S3's words ("Amazon S3 replication failure reasons");
    `wall_ms` is when it was to go.
    """

    rule_id: str
    bucket: str
    operation: str
    wall_ms: int
    reason: str


class Change(msgspec.Struct, frozen=True):
    """One change of an object; `number` orders the changes of a bucket. A removal has no size and no ETag.

    `storage_class` is the new one of a transition, or that of what was restored until `restored_until_ms`. `version_id`
    is empty of the null version.
    """

    event_name: str
    key: str
    number: int
    wall_ms: int
    size_bytes: int = 0
    etag: str = ""
    version_id: str = ""
    storage_class: str = ""
    unreplicated: Unreplicated | None = None
    restored_until_ms: int = 0


def event(change: Change, meta: Meta, origin: Origin, rule_id: str) -> bytes:
    """Return the message of a change."""
    thing: dict[str, Any] = {"key": urllib.parse.quote_plus(change.key, safe="/")}
    thing |= _contents(change, "eTag")
    if change.version_id:
        thing["versionId"] = change.version_id
    if change.event_name not in _OF_LABELS:
        thing["sequencer"] = sequencer(change)
    record = {
        "eventVersion": next((it for begin, it in _VERSIONS if change.event_name.startswith(begin)), "2.1"),
        "eventSource": "aws:s3",
        "awsRegion": meta.region,
        "eventTime": _time(change.wall_ms),
        "eventName": change.event_name,
        "userIdentity": {"principalId": _identity(change, meta, origin)},
        "requestParameters": {"sourceIPAddress": origin.source_ip or S3},
        "responseElements": {"x-amz-request-id": origin.request_id, "x-amz-id-2": _host_id(origin)},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": rule_id,
            "bucket": {
                "name": meta.name,
                "ownerIdentity": {"principalId": meta.account},
                "arn": bucket_model.bucket_arn(meta.name),
            },
            "object": thing,
        },
    }
    if change.event_name == RESTORE_COMPLETED:
        record["glacierEventData"] = {
            "restoreEventData": {
                "lifecycleRestorationExpiryTime": _time(change.restored_until_ms),
                "lifecycleRestoreStorageClass": change.storage_class,
            }
        }
    if change.event_name == TRANSITIONED:
        record["lifecycleEventData"] = {"transitionEventData": {"destinationStorageClass": change.storage_class}}
    if change.unreplicated is not None:
        failed = change.unreplicated
        record["replicationEventData"] = {
            "replicationRuleId": failed.rule_id,
            "destinationBucket": bucket_model.bucket_arn(failed.bucket),
            "s3Operation": failed.operation,
            "requestTime": _time(failed.wall_ms),
            "failureReason": failed.reason,
        }
    return msgspec.json.encode({"Records": [record]})


def _identity(change: Change, meta: Meta, origin: Origin) -> str:
    """Return who caused a change: of a restore that is done, who owns the bucket; of what else S3 does, S3."""
    if origin.principal_id not in _S3_ITSELF:
        return f"AWS:{origin.principal_id}"
    return f"AmazonCustomer:{meta.account}" if change.event_name == RESTORE_COMPLETED else S3


def _contents(change: Change, etag: str) -> dict[str, Any]:
    """Return what an event tells of an object's bytes, its ETag under the name that the form has for it."""
    if change.event_name in WITHOUT_CONTENTS:
        return {}
    size = {} if change.event_name in _OF_MARKERS | _OF_LABELS else {"size": change.size_bytes}
    return {**size, etag: change.etag}


def bridged_event(change: Change, meta: Meta, origin: Origin, delivery_id: str) -> bytes | None:
    """Return the event of a change for EventBridge; None where that does not get it."""
    if change.event_name not in _BRIDGED:
        return None
    kind, reason = _BRIDGED[change.event_name]
    thing: dict[str, Any] = {"key": change.key}
    thing |= _contents(change, "etag")
    if change.version_id:
        thing["version-id"] = change.version_id
    if change.event_name not in _OF_LABELS | _OF_RESTORES:
        thing["sequencer"] = sequencer(change)
    detail = {
        "version": "0",
        "bucket": {"name": meta.name},
        "object": thing,
        "request-id": origin.request_id,
        "requester": _requester(origin, meta),
    }
    if origin.source_ip not in _S3_ITSELF:
        detail["source-ip-address"] = origin.source_ip
    if change.event_name in _OF_RESTORES:
        detail["source-storage-class"] = change.storage_class
    if change.event_name == RESTORE_COMPLETED:
        detail["restore-expiry-time"] = _second(change.restored_until_ms)
    if change.event_name == TRANSITIONED:
        detail["destination-storage-class"] = change.storage_class
    return msgspec.json.encode(
        {
            "version": "0",
            "id": str(uuid.uuid5(_NAMESPACE, delivery_id)),
            "detail-type": kind,
            "source": "aws.s3",
            "account": meta.account,
            "time": _second(change.wall_ms),
            "region": meta.region,
            "resources": [bucket_model.bucket_arn(meta.name)],
            "detail": detail | reason,
        }
    )


def configuration_event(meta: Meta, origin: Origin, wall_ms: int) -> bytes:
    """Return the message that a destination gets when it is configured."""
    return msgspec.json.encode(
        {
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": _time(wall_ms),
            "Bucket": meta.name,
            "RequestId": origin.request_id,
            "HostId": _host_id(origin),
        }
    )


def sequencer(change: Change) -> str:
    """Return what orders the events of one key."""
    return f"{change.number:016X}"


def _requester(origin: Origin, meta: Meta) -> str:
    """Return the account of who caused a change, S3 itself where nobody did."""
    account = origin.arn.split(":")[4] if origin.arn.count(":") >= 5 else ""
    return account or (S3 if origin.principal_id in _S3_ITSELF else meta.account)


def _host_id(origin: Origin) -> str:
    """Return S3's second id of a request, as its answer bears it."""
    return base64.b64encode(hashlib.sha256(origin.request_id.encode()).digest()).decode()


def _time(wall_ms: int) -> str:
    moment = datetime.fromtimestamp(wall_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{wall_ms % 1000:03d}Z"


def _second(wall_ms: int) -> str:
    """Return a time as EventBridge writes it."""
    return _time(wall_ms)[:-5] + "Z"
