"""The room's types: what callers ask, what they are answered, and every limit with its source.

Requests are what an edge parses: `bucket` is the short name, an ETag bears no quotes. The service checks and stamps
them. Sources of the limits: Amazon S3 user guide ("General purpose bucket naming rules", "Naming Amazon S3 objects",
"Working with object metadata", "Amazon S3 multipart upload limits") and API reference.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Final

import msgspec

from cumulo.core.ports import EnclosedMessage, SentEnclosed
from cumulo.gateway.aws_model import Structure
from cumulo.object_store.lifecycle_model import Ending, Lifecycle
from cumulo.storage.engine import VALUE_BYTES_MAX

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
UPLOAD_BYTES_MAX: Final = 5 * 1024**3
"""Of one put and of one part."""
COPY_BYTES_MAX: Final = 5 * 1024**3
PART_BYTES_MIN: Final = 5 * 1024**2
PARTS_MAX: Final = 10_000
PAGE_MAX: Final = 1_000
MARKER_MAX: Final = 2**31 - 1
"""Of a listing of parts: S3 takes more than there can be."""
BATCH_DELETE_MAX: Final = 1_000
NOTIFICATION_RULES_MAX: Final = 100
OBJECT_TAGS_MAX: Final = 10
BUCKET_TAGS_MAX: Final = 50
TAG_KEY_CHARACTERS_MAX: Final = 128
TAG_VALUE_CHARACTERS_MAX: Final = 256
RULE_ID_CHARACTERS_MAX: Final = 255
ENDPOINT_SCHEMES: Final = ("http", "https")
TARGET_BYTES_MAX: Final = 2_048
"""Ours: of an ARN or URL that events go to."""
CONFIGURATIONS_OF_KIND_MAX: Final = 1_000
"""Of inventory, analytics, metrics and intelligent-tiering configurations: each, in a bucket."""
CONFIGURATION_PAGE_MAX: Final = 100
CONFIGURATION_ID_CHARACTERS_MAX: Final = 64
CONFIGURATION_BYTES_MAX: Final = 1024 * 1024
"""Of one configuration as it is stored. Lifecycle and replication take 1,000 rules, of about 300 bytes."""
CORS_RULES_MAX: Final = 100
REPLICATION_PENDING: Final = "PENDING"
REPLICATION_COMPLETED: Final = "COMPLETED"
REPLICATION_FAILED: Final = "FAILED"
REPLICA: Final = "REPLICA"
"""What S3 says of a version's replication."""
QUOTA_MAX: Final = 2**62
ROUTING_RULES_MAX: Final = 50
INLINE_BYTES_MAX: Final = VALUE_BYTES_MAX
"""Bodies up to this size live in the engine, larger ones in the blob store."""
UPLOAD_KEPT_MS: Final = 7 * 86_400_000
"""A multipart upload that nobody completed ends after a week: the lifecycle rule that AWS advises, as the default."""
COMPLETED_KEPT_MS: Final = 3_600_000
"""How long the same CompleteMultipartUpload gets the first answer again."""
ANY_ETAG: Final = "*"
UNKNOWN: Final = -1
"""A length that nobody told."""

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

CHECKSUMS: Final = (
    "crc32",
    "crc32c",
    "crc64nvme",
    "md5",
    "sha1",
    "sha256",
    "sha512",
    "xxhash128",
    "xxhash3",
    "xxhash64",
)
"""The algorithms of S3's checksums, by the names of `cumulo.storage.digests`."""
CONTENT_MD5: Final = "content-md5"
"""The MD5 that is only compared (RFC 1864); `md5` is a checksum like the others, which the object keeps."""
FULL_OBJECT: Final = "FULL_OBJECT"
COMPOSITE: Final = "COMPOSITE"

AES256: Final = "AES256"
AWS_KMS: Final = "aws:kms"
DUAL_LAYER: Final = "aws:kms:dsse"
UNDER_KMS: Final = (AWS_KMS, DUAL_LAYER)
CUSTOMER: Final = "SSE-C"
"""The ways in which bodies are encrypted: under the server's storage keys, under a key of the key service, under the
caller's own key. The first two as S3's headers name them, the third as its documentation does."""
KMS_KEY_ID_CHARACTERS_MAX: Final = 2_048
ENCRYPTION_CONTEXT_BYTES_MAX: Final = 4_096
"""Ours: of the JSON; the record of an object must fit into a value with metadata and tags."""
NULL_VERSION: Final = "null"
"""The id of what was written while versioning was not enabled."""
VERSIONING_ENABLED: Final = "Enabled"
VERSIONING_SUSPENDED: Final = "Suspended"

GOVERNANCE: Final = "GOVERNANCE"
COMPLIANCE: Final = "COMPLIANCE"
LOCK_MODES: Final = (GOVERNANCE, COMPLIANCE)
HOLD_ON: Final = "ON"
LEGAL_HOLDS: Final = (HOLD_ON, "OFF")
RETENTION_DAYS_MAX: Final = 36_500
RETENTION_YEARS_MAX: Final = 100
"""Of a bucket's default retention: S3's limits, which are the same where a year has 365 days."""
RETAIN_UNTIL_MS_MAX: Final = 253_402_300_799_999
"""The end of the year 9999, behind which no calendar goes."""

OWNERS_ENFORCED: Final = "BucketOwnerEnforced"
OWNER_PREFERRED: Final = "BucketOwnerPreferred"
OBJECT_WRITER: Final = "ObjectWriter"
OBJECT_OWNERSHIPS: Final = (OWNERS_ENFORCED, OWNER_PREFERRED, OBJECT_WRITER)
FULL_CONTROL: Final = "FULL_CONTROL"
READ: Final = "READ"
WRITE: Final = "WRITE"
READ_ACP: Final = "READ_ACP"
WRITE_ACP: Final = "WRITE_ACP"
GRANTS_MAX: Final = 100
"""Of one access control list."""
HARMLESS_ACLS: Final = ("private", "bucket-owner-full-control")
"""The canned ACLs that a bucket without ACLs may be made with: they say what holds anyway."""
CANNED_ACLS: Final = (
    *HARMLESS_ACLS,
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "log-delivery-write",
)


class ExpectedContent(msgspec.Struct, frozen=True):
    """What the sender says about the bytes: their number (`UNKNOWN` where he does not), and raw digests by the names
    of `CHECKSUMS`, and `CONTENT_MD5`. All that is present is checked before anything becomes visible.

    `announced` are digests whose values the sender may tell in the trailer: they are taken while the bytes pass by.
    """

    content_length: int = UNKNOWN
    digests: Mapping[str, bytes] = {}
    announced: tuple[str, ...] = ()


NOTHING_EXPECTED: Final = ExpectedContent()


class UploadBody(AsyncIterator[memoryview]):
    """A body whose sender may say more about it at its end; other bodies are plain iterators.

    A piece is borrowed: it is valid until the next one is asked for. An edge whose stream was cut off raises
    `IncompleteBody` in place of the end. A body, of this class or not, that has a method `take_whole` is here already,
    and is taken by it where it is small.
    """

    trailer: ExpectedContent = NOTHING_EXPECTED


class CustomerKey(msgspec.Struct, frozen=True):
    """A key that the caller keeps himself (SSE-C), as he sends it: the key and its MD5 in Base64. Never stored."""

    algorithm: str = ""
    key: str = ""
    key_md5: str = ""

    def __repr__(self) -> str:
        return f"CustomerKey({self.algorithm!r})"


class AskedEncryption(msgspec.Struct, frozen=True):
    """How a caller wants an object encrypted, None and empty texts where he does not say.

    `context` is JSON in Base64, a map of texts to texts.
    """

    algorithm: str | None = None
    kms_key_id: str = ""
    context: str = ""
    bucket_key: bool | None = None
    customer: CustomerKey | None = None


class Encryption(msgspec.Struct, frozen=True, array_like=True):
    """How an object's bytes, or an upload's parts, are encrypted, as its record keeps it.

    `algorithm` is `AES256`, `AWS_KMS`, `DUAL_LAYER` or `CUSTOMER`. `key` is the data key, wrapped under the storage key
    of that number for this bucket and key, or by the key service with `context` (JSON); of a customer's key it is a
    salted HMAC. `outer` is the key of the second of two layers, wrapped under the storage key of that number.
    `storage_key` is 0 where nothing is wrapped so. `kept` is what `storage.frames` keeps of a body that is inline.
    """

    algorithm: str
    key: bytes
    storage_key: int = 0
    salt: bytes = b""
    kept: bytes = b""
    kms_key_arn: str = ""
    context: str = ""
    bucket_key: bool = False
    outer: bytes | None = None


class EventHold(msgspec.Struct, frozen=True, array_like=True):
    """A retention that begins with an event: while it is on, so many days or years, of 365 days each, are always left;
    from its release on they pass. Once it is off it has no duration.
    """

    is_on: bool
    days: int = 0
    years: int = 0


class ObjectLock(msgspec.Struct, frozen=True, array_like=True):
    """What protects a version of an object: it is retained in one of `LOCK_MODES` until a time of the system's clock,
    for as long as its event hold says, whichever is longer, or it is held. An empty `mode` is no retention, an empty
    `hold` says that nobody ever said; None of `event` likewise.
    """

    mode: str = ""
    until_ms: int = 0
    hold: str = ""
    event: EventHold | None = None


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


class ObjectSummary(msgspec.Struct, frozen=True, gc=False):
    """An object in a listing. `checksum` is the name of the algorithm that S3 shows of it, `owner` the account that it
    belongs to, where owners are asked for and it is not the bucket's.
    """

    key: str
    size_bytes: int
    etag: str
    last_modified_ms: int
    storage_class: str = STANDARD
    checksum: str = "crc64nvme"
    checksum_type: str = FULL_OBJECT
    owner: str = ""


class ObjectVersion(msgspec.Struct, frozen=True, gc=False):
    """A version, or a delete marker, in a listing; the latter has no size, no ETag and no checksum. `owner` is the
    account that it belongs to, where that is not the bucket's.
    """

    key: str
    version_id: str
    is_latest: bool
    size_bytes: int
    etag: str
    last_modified_ms: int
    storage_class: str = STANDARD
    checksum: str = "crc64nvme"
    checksum_type: str = FULL_OBJECT
    owner: str = ""

    @property
    def is_delete_marker(self) -> bool:
        """Say whether this marks the object as deleted."""
        return not self.etag


class VersionPage(msgspec.Struct, frozen=True):
    """One page of a listing of versions. Where more follow, `last_key` and `last_version_id` are what it ended with;
    the latter is empty behind a common prefix.
    """

    versions: list[ObjectVersion]
    common_prefixes: list[str]
    next_page_token: str = ""
    last_key: str = ""
    last_version_id: str = ""


class ObjectPage(msgspec.Struct, frozen=True):
    """One page of a listing. `last` is its last key or common prefix where more follow: with it as `start_after` the
    listing goes on as with the token.
    """

    objects: list[ObjectSummary]
    common_prefixes: list[str]
    next_page_token: str = ""
    last: str = ""


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
    `source_version_id` is the version that was copied.
    """

    part_number: int
    etag: str
    size_bytes: int
    last_modified_ms: int
    crc64nvme: int
    checksums: Mapping[str, bytes] = {}
    encryption: Encryption | None = None
    source_version_id: str = ""


class Upload(msgspec.Struct, frozen=True):
    """An open multipart upload; `checksum` is its algorithm, empty where none was asked for. `initiator` is an ARN.

    `owner` is the account that the object will belong to, empty for the bucket's.
    """

    key: str
    upload_id: str
    create_ms: int
    storage_class: str = STANDARD
    checksum: str = ""
    checksum_type: str = ""
    initiator: str = ""
    owner: str = ""
    encryption: Encryption | None = None


class CreatedUpload(msgspec.Struct, frozen=True):
    """A multipart upload that was opened just now."""

    upload_id: str
    encryption: Encryption | None = None


class PartPage(msgspec.Struct, frozen=True):
    """One page of an upload's parts. `last` is the last number of the page where more follow."""

    parts: list[Part]
    next_page_token: str = ""
    last: int = 0
    upload: Upload = Upload("", "", 0)


class UploadPage(msgspec.Struct, frozen=True):
    """One page of a bucket's open uploads. Where more follow, `last_key` and `last_upload_id` are what it ended with;
    the latter is empty behind a common prefix.
    """

    uploads: list[Upload]
    next_page_token: str = ""
    common_prefixes: list[str] = []
    last_key: str = ""
    last_upload_id: str = ""


class ObjectAttributes(msgspec.Struct, frozen=True):
    """An object and a page of its parts; `last` is the page's last number, `is_truncated` says that more follow."""

    object: Object
    parts: list[Part]
    last: int
    is_truncated: bool


class ObjectTags(msgspec.Struct, frozen=True):
    """The tags of a version; `version_id` as `Object.version_id`."""

    tags: Mapping[str, str]
    version_id: str = ""


class PublicAccessBlock(msgspec.Struct, frozen=True, array_like=True):
    """What a bucket forbids to the public, whatever its policy says. New buckets forbid all of it."""

    block_public_acls: bool = True
    ignore_public_acls: bool = True
    block_public_policy: bool = True
    restrict_public_buckets: bool = True


class OwnershipControls(msgspec.Struct, frozen=True, array_like=True):
    """Who owns what others write: one of `OBJECT_OWNERSHIPS`; without any it is the writer, as `ObjectWriter` says."""

    object_ownership: str = OWNERS_ENFORCED


class Grant(msgspec.Struct, frozen=True, array_like=True):
    """What an access control list gives to whom: an account's number, or a group's name (`object_store.acl`)."""

    grantee: str
    permission: str


class Acl(msgspec.Struct, frozen=True, array_like=True):
    """An access control list as it is kept; an empty `owner` is the bucket's account."""

    owner: str = ""
    grants: tuple[Grant, ...] = ()


class VersionAcl(Acl, frozen=True, array_like=True):
    """The access control list of a version, with its id where there is one to tell."""

    version_id: str = ""


class AskedGrant(msgspec.Struct, frozen=True):
    """A grant as a request spells it: `grantee` is `id=…` (a canonical user id), `emailAddress=…`, `uri=…` (a group),
    an account's number, or a group's name.
    """

    grantee: str
    permission: str


class BucketEncryption(msgspec.Struct, frozen=True, array_like=True):
    """How a bucket encrypts what comes to it without a word of it: `AES256`, or `AWS_KMS` or `DUAL_LAYER` under the key
    `kms_key_id`, empty for the service's own. `blocks_customer_keys` refuses writes under keys of their callers.
    """

    algorithm: str = AES256
    kms_key_id: str = ""
    bucket_key: bool = False
    blocks_customer_keys: bool = False


class BucketDefaults(msgspec.Struct, frozen=True):
    """What holds for a new bucket that does not say: AWS's defaults since April 2023, or those of before."""

    object_ownership: str = OWNERS_ENFORCED
    blocks_public_access: bool = True
    encryption: BucketEncryption | None = BucketEncryption()


class BucketTagging(msgspec.Struct, frozen=True, array_like=True):
    """A bucket's tags."""

    tags: dict[str, str]


class Versioning(msgspec.Struct, frozen=True, array_like=True):
    """Whether a bucket keeps the versions of its objects: `VERSIONING_ENABLED` or `VERSIONING_SUSPENDED`."""

    status: str


class BucketLock(msgspec.Struct, frozen=True, array_like=True):
    """That a bucket's objects can be locked, and how new ones are that do not say: retained in a mode for so many days
    or years, of 365 days each, or by an event hold, or both. An empty `mode` leaves them free.
    """

    mode: str = ""
    days: int | None = None
    years: int | None = None
    event: EventHold | None = None


class BucketQuota(msgspec.Struct, frozen=True):
    """What a bucket may hold: our own; 0 is no limit."""

    bytes_max: int = 0
    objects_max: int = 0


Configuration = (
    BucketQuota
    | PublicAccessBlock
    | OwnershipControls
    | BucketEncryption
    | BucketTagging
    | Versioning
    | BucketLock
    | Lifecycle
    | Structure
)
"""What a bucket is configured to be; a `Structure` is S3's own shape (`object_store/aws_s3.py`)."""


class ConfigurationPage(msgspec.Struct, frozen=True):
    """One page of a bucket's configurations of a kind, in order of their ids."""

    values: list[Configuration]
    next_page_token: str = ""


class NotificationRule(msgspec.Struct, frozen=True, kw_only=True):
    """Which events go where: `target` is the ARN of a queue or topic, or the URL of an endpoint; in a request also a
    queue's or topic's name, and a queue's short name.
    """

    target: str
    events: tuple[str, ...]
    id: str = ""
    prefix: str = ""
    suffix: str = ""


class BucketNotification(msgspec.Struct, frozen=True):
    """A bucket's rules, and whether EventBridge gets all events."""

    rules: tuple[NotificationRule, ...] = ()
    event_bridge: bool = False


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


# Requests -----------------------------------------------------------------------------------------------------------


class CreateBucket(msgspec.Struct, frozen=True):
    """Make a bucket; an empty `region` is the caller's.

    `location_constraint` is set by S3's edge only, empty where the body names none: then S3's rules hold for it, and in
    us-east-1 one's own bucket may be made again, with `keeps_list` only as it is. With `locks_objects` its versions are
    kept and can be locked, for good.
    """

    bucket: str
    region: str = ""
    request_id: str = ""
    location_constraint: str | None = None
    acl: str = ""
    object_ownership: str = ""
    tags: Mapping[str, str] = {}
    grants: tuple[AskedGrant, ...] = ()
    locks_objects: bool = False
    keeps_list: bool = False


class GetBucket(msgspec.Struct, frozen=True):
    """Look at a bucket."""

    bucket: str


class GetBucketLocation(msgspec.Struct, frozen=True):
    """Read a bucket's region."""

    bucket: str


class ListBuckets(msgspec.Struct, frozen=True):
    """List the caller's account's buckets; with a `region` a page may be short, or empty, with others behind it."""

    prefix: str = ""
    page_size: int = 0
    page_token: str = ""
    region: str = ""


class DeleteBucket(msgspec.Struct, frozen=True):
    """Delete an empty bucket. `ends_uploads` is set by S3's edge only: S3 takes open uploads for nothing."""

    bucket: str
    request_id: str = ""
    ends_uploads: bool = False


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


class GetBucketPolicyStatus(msgspec.Struct, frozen=True):
    """Ask whether a bucket's policy is public: answers a bool."""

    bucket: str


class GetBucketConfiguration(msgspec.Struct, frozen=True):
    """Read one of a bucket's configurations: `kind` is a name of `object_store.configurations.KINDS`, `id` says which
    one where a bucket has many of the kind. `only_written`: the default of what nobody wrote is not asked for.

    Answers a `Configuration`, or None where S3 answers an empty one.
    """

    bucket: str
    kind: str
    id: str = ""
    only_written: bool = False


class SetBucketConfiguration(msgspec.Struct, frozen=True):
    """Write one of a bucket's configurations, of the type of its kind."""

    bucket: str
    kind: str
    value: Configuration | None
    request_id: str = ""
    id: str = ""


class DeleteBucketConfiguration(msgspec.Struct, frozen=True):
    """Remove one of a bucket's configurations; not even its default is left, unless `to_default`."""

    bucket: str
    kind: str
    request_id: str = ""
    id: str = ""
    to_default: bool = False


class ListBucketConfigurations(msgspec.Struct, frozen=True):
    """List a bucket's configurations of a kind of which it has many."""

    bucket: str
    kind: str
    page_size: int = 0
    page_token: str = ""


class GetBucketAcl(msgspec.Struct, frozen=True):
    """Read a bucket's ACL: answers an `Acl` whose owner is spelled out."""

    bucket: str


class SetBucketAcl(msgspec.Struct, frozen=True):
    """Write a bucket's ACL: a canned one, or `grants`, which may be none at all.

    `owner` is the canonical id of whom the sender takes for the owner, empty where he does not say.
    """

    bucket: str
    acl: str = ""
    grants: tuple[AskedGrant, ...] = ()
    owner: str = ""
    request_id: str = ""


class GetObjectAcl(msgspec.Struct, frozen=True):
    """Read an object's ACL, as `GetBucketAcl`; where versions are kept it is a `VersionAcl`."""

    bucket: str
    key: str
    version_id: str = ""


class SetObjectAcl(msgspec.Struct, frozen=True):
    """Write an object's ACL, as `SetBucketAcl`."""

    bucket: str
    key: str
    acl: str = ""
    grants: tuple[AskedGrant, ...] = ()
    owner: str = ""
    version_id: str = ""
    request_id: str = ""


class GetBucketNotification(msgspec.Struct, frozen=True):
    """Read a bucket's notification rules."""

    bucket: str


class SetBucketNotification(msgspec.Struct, frozen=True):
    """Replace a bucket's notification rules. `skips_validation` takes targets that are not there, or take nothing."""

    bucket: str
    rules: tuple[NotificationRule, ...]
    request_id: str = ""
    event_bridge: bool = False
    skips_validation: bool = False


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


class CopySource(msgspec.Struct, frozen=True):
    """What a copy takes: an object, on conditions; of a part also a range."""

    bucket: str
    key: str
    conditions: Conditions = UNCONDITIONAL
    range: ByteRange | None = None
    customer: CustomerKey | None = None
    version_id: str = ""


class CopyObject(msgspec.Struct, frozen=True, kw_only=True):
    """Copy an object of this server; answers the new `Object`.

    What describes it (`content_type`, `metadata`, `headers`) is the source's, unless `replaces_metadata`; so are the
    tags, unless `replaces_tags`. `checksum` is the algorithm to keep, empty for the source's.
    `metadata_directive` is what S3's header says, which policies may ask for. `lock` as in `PutObject`: the source's is
    not copied.
    """

    bucket: str
    key: str
    source: CopySource
    replaces_metadata: bool = False
    content_type: str = ""
    metadata: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    replaces_tags: bool = False
    tags: Mapping[str, str] = {}
    storage_class: str = ""
    checksum: str = ""
    acl: str = ""
    if_match: str = ""
    if_none_match: str = ""
    request_id: str = ""
    grants: tuple[AskedGrant, ...] = ()
    encryption: AskedEncryption | None = None
    metadata_directive: str = ""
    lock: ObjectLock | None = None


class RenameObject(msgspec.Struct, frozen=True, kw_only=True):
    """Give an object another key of its bucket; `conditions` are about what it replaces."""

    bucket: str
    key: str
    source_key: str
    source_conditions: Conditions = UNCONDITIONAL
    conditions: Conditions = UNCONDITIONAL
    request_id: str = ""


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


class GetObjectTagging(msgspec.Struct, frozen=True):
    """Read an object's tags: answers `ObjectTags`."""

    bucket: str
    key: str
    version_id: str = ""


class SetObjectTagging(msgspec.Struct, frozen=True):
    """Replace an object's tags; answers the id of the version that has them now, as `Object.version_id`."""

    bucket: str
    key: str
    tags: Mapping[str, str]
    version_id: str = ""
    request_id: str = ""


class DeleteObjectTagging(msgspec.Struct, frozen=True):
    """Remove an object's tags; answers as `SetObjectTagging`."""

    bucket: str
    key: str
    version_id: str = ""
    request_id: str = ""


class GetObjectRetention(msgspec.Struct, frozen=True):
    """Read until when an object is retained: answers an `ObjectLock` without a hold."""

    bucket: str
    key: str
    version_id: str = ""


class SetObjectRetention(msgspec.Struct, frozen=True):
    """Retain an object until a time, or by an `event` hold, or, without a mode, no longer; answers the id of its
    version. What is not said of time and event stays; a hold that is on may be released, which leaves its duration.

    A retention that still holds may always be prolonged; in governance mode anything else needs the caller to ask for
    it by `bypasses_governance` and to be allowed that, in compliance mode nobody can do anything else.
    """

    bucket: str
    key: str
    mode: str = ""
    until_ms: int = 0
    version_id: str = ""
    bypasses_governance: bool = False
    request_id: str = ""
    event: EventHold | None = None

    @property
    def lock(self) -> ObjectLock:
        """The lock that is asked for."""
        return ObjectLock(self.mode, self.until_ms, event=self.event)


class GetObjectLegalHold(msgspec.Struct, frozen=True):
    """Read whether an object is held: answers one of `LEGAL_HOLDS`."""

    bucket: str
    key: str
    version_id: str = ""


class SetObjectLegalHold(msgspec.Struct, frozen=True):
    """Hold an object, or let it go: `hold` is one of `LEGAL_HOLDS`. Answers the id of its version."""

    bucket: str
    key: str
    hold: str
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


class ListObjects(msgspec.Struct, frozen=True, kw_only=True):
    """List objects as S3's ListObjectsV2; `start_after` is also the marker of ListObjects.

    `without_entries` asks for an empty page (S3's `max-keys=0`); a `page_size` of 0 stands for the largest.
    `with_owners` asks whose each object is.
    """

    bucket: str
    prefix: str = ""
    delimiter: str = ""
    start_after: str = ""
    page_size: int = 0
    page_token: str = ""
    without_entries: bool = False
    with_owners: bool = False


class ListObjectVersions(msgspec.Struct, frozen=True, kw_only=True):
    """List versions and delete markers as S3's ListObjectVersions: by key, newest first; answers a `VersionPage`.

    It begins behind the versions of `key_marker`, or with `version_id_marker`, too, behind this one of that key.
    """

    bucket: str
    prefix: str = ""
    delimiter: str = ""
    key_marker: str = ""
    version_id_marker: str = ""
    page_size: int = 0
    page_token: str = ""
    without_entries: bool = False


class CreateMultipartUpload(msgspec.Struct, frozen=True, kw_only=True):
    """Open an upload in parts. `checksum` is the algorithm of all its parts; `checksum_type` may be empty for the
    algorithm's own. `lock` is that of the object to be.
    """

    bucket: str
    key: str
    content_type: str = ""
    metadata: Mapping[str, str] = {}
    request_id: str = ""
    headers: Mapping[str, str] = {}
    storage_class: str = ""
    tags: Mapping[str, str] = {}
    acl: str = ""
    checksum: str = ""
    checksum_type: str = ""
    grants: tuple[AskedGrant, ...] = ()
    encryption: AskedEncryption | None = None
    lock: ObjectLock | None = None


class UploadPart(msgspec.Struct, frozen=True, kw_only=True):
    """Store a part; the body comes beside it. `encryption` brings the upload's customer key, where it has one;
    `demands_digest` as in `PutObject`.
    """

    bucket: str
    key: str
    upload_id: str
    part_number: int
    expected: ExpectedContent = NOTHING_EXPECTED
    request_id: str = ""
    encryption: AskedEncryption | None = None
    demands_digest: bool = False


class UploadPartCopy(msgspec.Struct, frozen=True, kw_only=True):
    """Store a part that is an object of this server, or a range of one; answers the `Part`."""

    bucket: str
    key: str
    upload_id: str
    part_number: int
    source: CopySource
    request_id: str = ""
    encryption: AskedEncryption | None = None


class CompletedPart(msgspec.Struct, frozen=True, array_like=True):
    """One part of the object to be."""

    part_number: int
    etag: str
    checksums: Mapping[str, bytes] = {}


class CompleteMultipartUpload(msgspec.Struct, frozen=True, kw_only=True):
    """Make the object out of its parts. `checksums` (of the whole object), `checksum_type` and `object_size_bytes` are
    checked where they are told; a composite checksum is given without its `-` and number. `messages`
    are stored in the object's own commit. `needs_key`: an upload under a customer's key is completed with it only;
    `etags_suffice`: its parts may be named without their checksums, although the upload has a composite one.
    """

    bucket: str
    key: str
    upload_id: str
    parts: tuple[CompletedPart, ...]
    if_match: str = ""
    if_none_match: str = ""
    request_id: str = ""
    checksums: Mapping[str, bytes] = {}
    checksum_type: str = ""
    object_size_bytes: int = UNKNOWN
    messages: tuple[EnclosedMessage, ...] = ()
    encryption: AskedEncryption | None = None
    needs_key: bool = False
    etags_suffice: bool = False


class AbortMultipartUpload(msgspec.Struct, frozen=True, kw_only=True):
    """End an upload and drop its parts."""

    bucket: str
    key: str
    upload_id: str
    request_id: str = ""


class ListParts(msgspec.Struct, frozen=True, kw_only=True):
    """List an upload's parts, behind the number `part_number_marker` or where a token goes on."""

    bucket: str
    key: str
    upload_id: str
    page_size: int = 0
    page_token: str = ""
    part_number_marker: int = 0
    without_entries: bool = False


class ListMultipartUploads(msgspec.Struct, frozen=True, kw_only=True):
    """List a bucket's open uploads, where a token goes on, or behind those of the key `key_marker`; with an
    `upload_id_marker`, too, behind this one of that key.
    """

    bucket: str
    prefix: str = ""
    page_size: int = 0
    page_token: str = ""
    delimiter: str = ""
    key_marker: str = ""
    upload_id_marker: str = ""
    without_entries: bool = False


def bucket_arn(name: str) -> str:
    """Return a bucket's ARN; it names no account, since bucket names are the server's."""
    return f"arn:aws:s3:::{name}"


def object_arn(bucket: str, key: str) -> str:
    """Return an object's ARN."""
    return f"arn:aws:s3:::{bucket}/{key}"
