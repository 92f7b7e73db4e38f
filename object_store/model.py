"""The room's types: what callers ask, what they are answered, and every limit with its source.

Requests are what an edge parses: `bucket` is the short name, an ETag bears no quotes. The service checks and stamps
them. Sources of the limits: Amazon S3 user guide ("General purpose bucket naming rules", "Naming Amazon S3 objects",
"Working with object metadata", "Amazon S3 multipart upload limits") and API reference.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Final

import msgspec

from cumulo.storage.engine import VALUE_BYTES_MAX

KEY_BYTES_MAX: Final = 1_024
KEY_ENCODING_BYTES_MAX: Final = 1_850
"""Of a key's place in the engine's key order, where NUL takes two bytes (docs/architecture.md, section 3)."""
METADATA_BYTES_MAX: Final = 2_048
CONTENT_TYPE_BYTES_MAX: Final = 256
DEFAULT_CONTENT_TYPE: Final = "binary/octet-stream"
UPLOAD_BYTES_MAX: Final = 5 * 1024**3
"""Of one put and of one part."""
PART_BYTES_MIN: Final = 5 * 1024**2
PARTS_MAX: Final = 10_000
PAGE_MAX: Final = 1_000
BATCH_DELETE_MAX: Final = 1_000
NOTIFICATION_RULES_MAX: Final = 100
RULE_ID_CHARACTERS_MAX: Final = 255
INLINE_BYTES_MAX: Final = VALUE_BYTES_MAX
"""Bodies up to this size live in the engine, larger ones in the blob store."""
UPLOAD_KEPT_MS: Final = 7 * 86_400_000
"""A multipart upload that nobody completed ends after a week: the lifecycle rule that AWS advises, as the default."""
COMPLETED_KEPT_MS: Final = 3_600_000
"""How long the same CompleteMultipartUpload gets the first answer again."""
ANY_ETAG: Final = "*"
UNKNOWN: Final = -1
"""A length that nobody told."""


class ExpectedContent(msgspec.Struct, frozen=True):
    """What the sender says about the bytes: their number (`UNKNOWN` where he does not), and raw digests by the names
    of `cumulo.storage.digests`. All that is present is checked before anything becomes visible.
    """

    content_length: int = UNKNOWN
    digests: Mapping[str, bytes] = {}


NOTHING_EXPECTED: Final = ExpectedContent()


class UploadBody(AsyncIterator[memoryview]):
    """A body whose sender may say more about it at its end; other bodies are plain iterators.

    A piece is borrowed: it is valid until the next one is asked for. An edge whose stream was cut off raises
    `IncompleteBody` in place of the end.
    """

    trailer: ExpectedContent = NOTHING_EXPECTED


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """A bucket."""

    name: str
    account: str
    region: str
    create_ms: int

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return bucket_arn(self.name)


class Object(msgspec.Struct, frozen=True, kw_only=True):
    """An object's description. `checksums` are those that its sender gave; `crc64nvme` is always the server's own."""

    bucket: str
    key: str
    size_bytes: int
    etag: str
    last_modified_ms: int
    content_type: str
    metadata: Mapping[str, str]
    crc64nvme: int
    checksums: Mapping[str, bytes] = {}
    part_count: int = 0


class ObjectSummary(msgspec.Struct, frozen=True, gc=False):
    """An object in a listing."""

    key: str
    size_bytes: int
    etag: str
    last_modified_ms: int


class ObjectPage(msgspec.Struct, frozen=True):
    """One page of a listing."""

    objects: list[ObjectSummary]
    common_prefixes: list[str]
    next_page_token: str = ""


class BucketPage(msgspec.Struct, frozen=True):
    """One page of an account's buckets."""

    buckets: list[Bucket]
    next_page_token: str = ""


class ByteRange(msgspec.Struct, frozen=True):
    """Bytes `first` to `last`, both included; `last` None stands for the end. A negative `first` is a suffix: the last
    so many bytes.
    """

    first: int
    last: int | None = None


class Conditions(msgspec.Struct, frozen=True):
    """Conditions of a read (RFC 9110, section 13); an empty text or None is none."""

    if_match: str = ""
    if_none_match: str = ""
    if_modified_since_ms: int | None = None
    if_unmodified_since_ms: int | None = None


UNCONDITIONAL: Final = Conditions()


class Download(msgspec.Struct, frozen=True):
    """What a download brings: the object, the offset of the first byte, and how many bytes follow."""

    object: Object
    first_byte: int
    content_length: int


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A stored part of an open upload."""

    part_number: int
    etag: str
    size_bytes: int
    last_modified_ms: int
    crc64nvme: int


class PartPage(msgspec.Struct, frozen=True):
    """One page of an upload's parts."""

    parts: list[Part]
    next_page_token: str = ""


class Upload(msgspec.Struct, frozen=True):
    """An open multipart upload."""

    key: str
    upload_id: str
    create_ms: int


class UploadPage(msgspec.Struct, frozen=True):
    """One page of a bucket's open uploads."""

    uploads: list[Upload]
    next_page_token: str = ""


class NotificationRule(msgspec.Struct, frozen=True, kw_only=True):
    """Which events go to which queue; `queue` is its ARN, and in a request its name or short name, too."""

    queue: str
    events: tuple[str, ...]
    id: str = ""
    prefix: str = ""
    suffix: str = ""


class ItemError(msgspec.Struct, frozen=True):
    """Why one item of a batch failed."""

    code: str
    message: str


# Requests -----------------------------------------------------------------------------------------------------------


class CreateBucket(msgspec.Struct, frozen=True):
    """Make a bucket; an empty `region` is the caller's."""

    bucket: str
    region: str = ""
    request_id: str = ""


class GetBucket(msgspec.Struct, frozen=True):
    """Look at a bucket."""

    bucket: str


class ListBuckets(msgspec.Struct, frozen=True):
    """List the caller's account's buckets."""

    prefix: str = ""
    page_size: int = 0
    page_token: str = ""


class DeleteBucket(msgspec.Struct, frozen=True):
    """Delete an empty bucket."""

    bucket: str
    request_id: str = ""


class GetBucketPolicy(msgspec.Struct, frozen=True):
    """Read a bucket's policy."""

    bucket: str


class SetBucketPolicy(msgspec.Struct, frozen=True):
    """Write a bucket's policy: JSON text."""

    bucket: str
    policy: str
    request_id: str = ""


class DeleteBucketPolicy(msgspec.Struct, frozen=True):
    """Remove a bucket's policy."""

    bucket: str
    request_id: str = ""


class GetBucketNotification(msgspec.Struct, frozen=True):
    """Read a bucket's notification rules."""

    bucket: str


class SetBucketNotification(msgspec.Struct, frozen=True):
    """Replace a bucket's notification rules."""

    bucket: str
    rules: tuple[NotificationRule, ...]
    request_id: str = ""


class PutObject(msgspec.Struct, frozen=True, kw_only=True):
    """Store an object; the body comes beside it."""

    bucket: str
    key: str
    content_type: str = ""
    metadata: Mapping[str, str] = {}
    if_match: str = ""
    if_none_match: str = ""
    expected: ExpectedContent = NOTHING_EXPECTED
    request_id: str = ""


class GetObject(msgspec.Struct, frozen=True, kw_only=True):
    """Read an object or a range of it."""

    bucket: str
    key: str
    range: ByteRange | None = None
    conditions: Conditions = UNCONDITIONAL


class HeadObject(msgspec.Struct, frozen=True, kw_only=True):
    """Look at an object."""

    bucket: str
    key: str
    conditions: Conditions = UNCONDITIONAL


class DeleteObject(msgspec.Struct, frozen=True, kw_only=True):
    """Delete an object, if it is there."""

    bucket: str
    key: str
    if_match: str = ""
    request_id: str = ""


class DeleteEntry(msgspec.Struct, frozen=True):
    """One object of a batch delete."""

    key: str
    if_match: str = ""


class BatchDeleteObjects(msgspec.Struct, frozen=True, kw_only=True):
    """Delete objects one by one, not all or none."""

    bucket: str
    entries: tuple[DeleteEntry, ...]
    request_id: str = ""


class ListObjects(msgspec.Struct, frozen=True, kw_only=True):
    """List objects as S3's ListObjectsV2."""

    bucket: str
    prefix: str = ""
    delimiter: str = ""
    start_after: str = ""
    page_size: int = 0
    page_token: str = ""


class CreateMultipartUpload(msgspec.Struct, frozen=True, kw_only=True):
    """Open an upload in parts."""

    bucket: str
    key: str
    content_type: str = ""
    metadata: Mapping[str, str] = {}
    request_id: str = ""


class UploadPart(msgspec.Struct, frozen=True, kw_only=True):
    """Store a part; the body comes beside it."""

    bucket: str
    key: str
    upload_id: str
    part_number: int
    expected: ExpectedContent = NOTHING_EXPECTED
    request_id: str = ""


class CompletedPart(msgspec.Struct, frozen=True, array_like=True):
    """One part of the object to be."""

    part_number: int
    etag: str


class CompleteMultipartUpload(msgspec.Struct, frozen=True, kw_only=True):
    """Make the object out of its parts."""

    bucket: str
    key: str
    upload_id: str
    parts: tuple[CompletedPart, ...]
    if_match: str = ""
    if_none_match: str = ""
    request_id: str = ""


class AbortMultipartUpload(msgspec.Struct, frozen=True, kw_only=True):
    """End an upload and drop its parts."""

    bucket: str
    key: str
    upload_id: str
    request_id: str = ""


class ListParts(msgspec.Struct, frozen=True, kw_only=True):
    """List an upload's parts."""

    bucket: str
    key: str
    upload_id: str
    page_size: int = 0
    page_token: str = ""


class ListMultipartUploads(msgspec.Struct, frozen=True, kw_only=True):
    """List a bucket's open uploads."""

    bucket: str
    prefix: str = ""
    page_size: int = 0
    page_token: str = ""


def bucket_arn(name: str) -> str:
    """Return a bucket's ARN; it names no account, since bucket names are the server's."""
    return f"arn:aws:s3:::{name}"


def object_arn(bucket: str, key: str) -> str:
    """Return an object's ARN."""
    return f"arn:aws:s3:::{bucket}/{key}"
