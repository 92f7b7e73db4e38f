"""Objects: what callers ask of one, or of some at once, what they are answered, and the limits of one.

Requests are what an edge parses: `bucket` is the short name, an ETag bears no quotes. The service checks and stamps
them. Copies, listings and multipart uploads have modules of their own, which know this one; it knows none of them.
Sources of the limits: Amazon S3 user guide, "Naming Amazon S3 objects", "Working with object metadata"; API reference.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from cumulo.core.ports import EnclosedMessage, SentEnclosed
from cumulo.object_store.acl_model import AskedGrant
from cumulo.object_store.body_model import FULL_OBJECT, NOTHING_EXPECTED, UNKNOWN, ExpectedContent
from cumulo.object_store.encryption_model import AskedEncryption, CustomerKey, Encryption
from cumulo.object_store.lifecycle_model import Ending
from cumulo.object_store.lock_model import ObjectLock

KEY_BYTES_MAX: Final = 1_024
KEY_ENCODING_BYTES_MAX: Final = 1_850
"""Of a key's place in the engine's key order, where NUL takes two bytes (docs/architecture.md, section 3)."""
METADATA_BYTES_MAX: Final = 2_048
CONTENT_TYPE_BYTES_MAX: Final = 256
CONTENT_HEADER_BYTES_MAX: Final = 1_024
WEBSITE_REDIRECT: Final = "x-amz-website-redirect-location"
WEBSITE_REDIRECT_BYTES_MAX: Final = 2_048
CONTENT_HEADERS: Final = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
    WEBSITE_REDIRECT,
)
"""Headers beside Content-Type that are kept with an object as text and given back as they came. Where a website leads
elsewhere is the object's own: no copy takes it over.
"""
DEFAULT_CONTENT_TYPE: Final = "binary/octet-stream"
BATCH_DELETE_MAX: Final = 1_000
REPLICATION_PENDING: Final = "PENDING"
REPLICATION_COMPLETED: Final = "COMPLETED"
REPLICATION_FAILED: Final = "FAILED"
REPLICA: Final = "REPLICA"
"""What S3 says of a version's replication."""
ANY_ETAG: Final = "*"

STANDARD: Final = "STANDARD"
STORAGE_CLASSES: Final = (
    STANDARD,
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "GLACIER_IR",
    "DEEP_ARCHIVE",
)
"""All are stored alike; the name is kept and given back."""
NULL_VERSION: Final = "null"
"""The id of what was written while versioning was not enabled."""


class RestoreStatus(msgspec.Struct, frozen=True):
    """What is told of the copy of an archived object: when it will be gone, 0 while it is waited for."""

    expires_ms: int = 0


class Object(msgspec.Struct, frozen=True, kw_only=True):
    """An object's description. `checksums` are those that its sender gave; `crc64nvme` is always the server's own.

    `headers` are those of `CONTENT_HEADERS` that it bears. `checksum_type` is that of `checksums`: a `COMPOSITE` one is
    the digest of the parts' digests, and is written with `-` and `part_count` behind it. `messages` are those that its
    commit stored, told to who made it and nobody else. `expiry` is when a lifecycle rule will end it. `version_id` is
    empty where nobody needs to be told; of a copy, `source_version_id` is the version that was copied. `lock` is as
    much of what protects it as the caller may know.
    """

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
    checksum_type: str = FULL_OBJECT
    headers: Mapping[str, str] = {}
    storage_class: str = STANDARD
    tag_count: int = 0
    messages: tuple[SentEnclosed, ...] = ()
    expiry: Ending | None = None
    encryption: Encryption | None = None
    restore: RestoreStatus | None = None
    version_id: str = ""
    source_version_id: str = ""
    lock: ObjectLock | None = None
    replication_status: str = ""

    @property
    def shown_checksums(self) -> Mapping[str, bytes]:
        """What S3 shows: what the sender chose, else the CRC64NVME that every object has."""
        return self.checksums or {"crc64nvme": self.crc64nvme.to_bytes(8, "big")}


class ByteRange(msgspec.Struct, frozen=True):
    """Bytes `first` to `last`, both included; `last` None stands for the end. A negative `first` is a suffix: the last
    so many bytes.
    """

    first: int
    last: int | None = None


class Conditions(msgspec.Struct, frozen=True):
    """Conditions of a read (RFC 9110, section 13); an empty text or None is none. Commas separate several ETags."""

    if_match: str = ""
    if_none_match: str = ""
    if_modified_since_ms: int | None = None
    if_unmodified_since_ms: int | None = None


UNCONDITIONAL: Final = Conditions()


class Download(msgspec.Struct, frozen=True):
    """What a download brings: the object, the offset of the first byte, and how many bytes follow.

    `is_partial` says that a range or a part was asked for. `parts_count` and the part's own checksum are told where a
    part was asked for, of an object in parts.
    """

    object: Object
    first_byte: int
    content_length: int
    is_partial: bool = False
    parts_count: int = 0
    part_checksums: Mapping[str, bytes] = {}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A stored part of an open upload, or of an object. `checksums` holds that of the upload's algorithm. Of a copy,
    `source_version_id` is the version that was copied, and `algorithm` that of its upload, empty where none was chosen.
    """

    part_number: int
    etag: str
    size_bytes: int
    last_modified_ms: int
    crc64nvme: int
    checksums: Mapping[str, bytes] = {}
    encryption: Encryption | None = None
    source_version_id: str = ""
    algorithm: str = ""


class ObjectAttributes(msgspec.Struct, frozen=True):
    """An object and a page of its parts; `last` is the page's last number, `is_truncated` says that more follow."""

    object: Object
    parts: list[Part]
    last: int
    is_truncated: bool


class Deleted(msgspec.Struct, frozen=True, array_like=True):
    """What a delete did: the version that it removed, or the delete marker that it made or removed; both empty where
    there is nothing to tell.
    """

    version_id: str = ""
    is_delete_marker: bool = False


class ItemError(msgspec.Struct, frozen=True):
    """Why one item of a batch failed."""

    code: str
    message: str


class PutObject(msgspec.Struct, frozen=True, kw_only=True):
    """Store an object; the body comes beside it. `headers` are of `CONTENT_HEADERS`; an empty `storage_class` is the
    standard one. `is_form` says that it came as a browser's form (S3's PostObject). `messages` are stored
    in the object's own commit. `encryption` None leaves it to the bucket. With a `write_offset` the body is put behind
    an object of that length, whose description stays; at 0 there may be none yet. What `lock` does not say, the
    bucket's default retention does. `demands_digest` is set by S3's edge only: what is to be locked must come with a
    digest of its bytes.
    """

    bucket: str
    key: str
    content_type: str = ""
    metadata: Mapping[str, str] = {}
    if_match: str = ""
    if_none_match: str = ""
    expected: ExpectedContent = NOTHING_EXPECTED
    request_id: str = ""
    headers: Mapping[str, str] = {}
    storage_class: str = ""
    tags: Mapping[str, str] = {}
    acl: str = ""
    is_form: bool = False
    messages: tuple[EnclosedMessage, ...] = ()
    grants: tuple[AskedGrant, ...] = ()
    encryption: AskedEncryption | None = None
    write_offset: int = UNKNOWN
    lock: ObjectLock | None = None
    demands_digest: bool = False


class GetObject(msgspec.Struct, frozen=True, kw_only=True):
    """Read an object, a range of it, or one of its parts; answers a `Download`."""

    bucket: str
    key: str
    range: ByteRange | None = None
    conditions: Conditions = UNCONDITIONAL
    part_number: int = 0
    customer: CustomerKey | None = None
    version_id: str = ""


class HeadObject(msgspec.Struct, frozen=True, kw_only=True):
    """Look at an object: answers the `Download` that `GetObject` would, without its bytes."""

    bucket: str
    key: str
    conditions: Conditions = UNCONDITIONAL
    range: ByteRange | None = None
    part_number: int = 0
    customer: CustomerKey | None = None
    version_id: str = ""


class GetObjectAttributes(msgspec.Struct, frozen=True, kw_only=True):
    """Look at an object and its parts behind a number: answers `ObjectAttributes`."""

    bucket: str
    key: str
    part_number_marker: int = 0
    page_size: int = 0
    conditions: Conditions = UNCONDITIONAL
    customer: CustomerKey | None = None
    version_id: str = ""


class RestoreObject(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for a copy of an archived object that can be read for some days; answers whether there was one already, which
    then stays so long.
    """

    bucket: str
    key: str
    days: int
    tier: str = "Standard"
    version_id: str = ""
    request_id: str = ""


class DeleteObject(msgspec.Struct, frozen=True, kw_only=True):
    """Delete an object, if it is there, or one of its versions for good; answers `Deleted`. Where versions are kept,
    an object is deleted by a delete marker. `if_modified_ms` (compared in whole seconds) and `if_size_bytes` delete
    only one of that age and size; they hold where there is none. `bypasses_governance` deletes a version that is
    retained in governance mode, too, where the caller may do that.
    """

    bucket: str
    key: str
    if_match: str = ""
    request_id: str = ""
    if_modified_ms: int | None = None
    if_size_bytes: int | None = None
    version_id: str = ""
    bypasses_governance: bool = False


class DeleteEntry(msgspec.Struct, frozen=True):
    """One object of a batch delete, with the conditions of `DeleteObject`."""

    key: str
    if_match: str = ""
    if_modified_ms: int | None = None
    if_size_bytes: int | None = None
    version_id: str = ""
    bypasses_governance: bool = False


class BatchDeleteObjects(msgspec.Struct, frozen=True, kw_only=True):
    """Delete objects one by one, not all or none: answers a `Deleted` or an `ItemError` for each."""

    bucket: str
    entries: tuple[DeleteEntry, ...]
    request_id: str = ""


def object_arn(bucket: str, key: str) -> str:
    """Return an object's ARN."""
    return f"arn:aws:s3:::{bucket}/{key}"
