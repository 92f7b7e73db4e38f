"""One line of a server access log, in Amazon S3's form.

Owns the order of the fields, the names of operations, and how what clients send is kept from ending a field. Source: S3
user guide, "Amazon S3 server access log format".
"""

import datetime as dt
import re
import urllib.parse
from collections.abc import Mapping
from typing import Final

import msgspec

NOTHING: Final = "-"
_PRINTABLE: Final = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in '"\\')
_RESOURCES: Final[Mapping[str, str]] = {
    "AbortMultipartUpload": "UPLOAD",
    "CompleteMultipartUpload": "UPLOAD",
    "CopyObject": "OBJECT",
    "CreateMultipartUpload": "UPLOADS",
    "DeleteBucketPolicy": "BUCKETPOLICY",
    "DeleteBucketReplication": "REPLICATION",
    "DeleteObjects": "MULTI_OBJECT_DELETE",
    "GetBucketLifecycleConfiguration": "LIFECYCLE",
    "GetBucketLogging": "LOGGING_STATUS",
    "GetBucketNotificationConfiguration": "NOTIFICATION",
    "GetBucketPolicy": "BUCKETPOLICY",
    "GetBucketRequestPayment": "REQUEST_PAYMENT",
    "GetBucketVersioning": "VERSIONING",
    "GetObjectLegalHold": "LEGAL_HOLD",
    "GetObjectLockConfiguration": "OBJECT_LOCK_CONFIGURATION",
    "GetObjectRetention": "RETENTION",
    "GetObjectTagging": "OBJECT_TAGGING",
    "ListMultipartUploads": "UPLOADS",
    "ListObjectVersions": "BUCKETVERSIONS",
    "ListParts": "UPLOAD",
    "UploadPart": "PART",
    "UploadPartCopy": "PART",
}
"""What S3 calls what an operation is about, where it is not the object, the bucket, or the name of the sub-resource."""
_COPIES: Final = ("CopyObject", "UploadPartCopy")
_NOUN: Final = re.compile(r"(?:Get|Put|Delete)(?:Bucket|Object)?(.+?)(?:Configuration)?")
_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WHOLE: Final = ("PutObject", "GetObject", "HeadObject", "DeleteObject", "PostObject", "RestoreObject")
_BUCKETS: Final = ("CreateBucket", "DeleteBucket", "HeadBucket", "ListObjects", "ListObjectsV2")


class Access(msgspec.Struct, frozen=True):
    """What a line tells; an empty text, or -1, is what is not known or does not apply."""

    owner: str
    bucket: str
    wall_ms: int
    remote_ip: str
    requester: str
    request_id: str
    operation: str
    key: str
    request_line: str
    status: int
    error: str
    bytes_sent: int
    object_size: int
    total_ms: int
    turn_around_ms: int
    referer: str
    user_agent: str
    version_id: str
    host_id: str
    signature_version: str
    authentication: str
    host: str


def operation_name(method: str, operation: str, *, website: bool, has_key: bool) -> str:
    """Return what S3's logs call an operation."""
    if website:
        return f"WEBSITE.{method}.{'OBJECT' if has_key else 'BUCKET'}"
    if method == "OPTIONS":
        return "REST.OPTIONS.PREFLIGHT"
    verb = "COPY" if operation in _COPIES else method
    resource = _RESOURCES.get(operation, "")
    if not resource:
        noun = _NOUN.fullmatch(operation)
        if operation in _WHOLE or not operation or noun is None:
            resource = "OBJECT" if has_key else "BUCKET"
        elif operation in _BUCKETS:
            resource = "BUCKET"
        else:
            resource = _WORDS.sub("_", noun[1]).upper()
    return f"REST.{verb}.{resource}"


def line(access: Access) -> str:
    """Return the line."""
    moment = dt.datetime.fromtimestamp(access.wall_ms // 1000, dt.UTC)
    fields = (
        access.owner,
        access.bucket,
        f"[{moment:%d/%b/%Y:%H:%M:%S} +0000]",
        access.remote_ip or NOTHING,
        access.requester or NOTHING,
        access.request_id,
        access.operation,
        urllib.parse.quote(access.key) or NOTHING,
        f'"{_kept(access.request_line) or NOTHING}"',
        str(access.status),
        access.error or NOTHING,
        _number(access.bytes_sent or -1),
        _number(access.object_size),
        _number(access.total_ms),
        _number(access.turn_around_ms),
        f'"{_kept(access.referer) or NOTHING}"',
        f'"{_kept(access.user_agent) or NOTHING}"',
        _kept(access.version_id).replace(" ", "%20") or NOTHING,
        access.host_id or NOTHING,
        access.signature_version or NOTHING,
        NOTHING,  # the cipher suite: a proxy's, or not told by the listener
        access.authentication or NOTHING,
        _kept(access.host).replace(" ", "%20") or NOTHING,
        NOTHING,  # the version of TLS, likewise
        NOTHING,  # an access point
        NOTHING,  # whether an ACL was needed
    )
    return " ".join(fields)


def _kept(text: str) -> str:
    """Return what a client sent without what would end its field, or the line: the octets of a header."""
    return urllib.parse.quote(text, safe=_PRINTABLE, encoding="latin-1", errors="replace")


def _number(value: int) -> str:
    return str(value) if value >= 0 else NOTHING
