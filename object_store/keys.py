"""The schema: each subspace of a bucket's partition, its keys, its records; and the directory of buckets.

A bucket's partition (an 8-byte prefix P that is never used again):

    ("m")                      Meta: the bucket repeated, so that a transaction sees whether it still exists
    ("c")                      Counters: exact counts, and the next number
    ("o", key)                 ObjectRecord, the current version
    ("v", key, number)         ObjectRecord of another version or of a delete marker, newest first
    ("w", key)                 the number of the null version, where it stands under "v"
    ("y", key) id              the number of a version that bears an id of another bucket, of which it is a replica
    ("r", key) number          ReplicaRecord: a version that is to go to other buckets
    ("d") body                 the bytes of a body up to 64 KiB
    ("s") body slice           the block checksums of a body in the blob store, 4,000 a slice
    ("t") body slice           what `storage.frames` keeps of an encrypted body: in the blob store, or of a part
    ("f") body offset          Manifest: up to 450 parts of an object, from that offset of it on
    ("u", key, upload)         UploadRecord
    ("p") upload chunk         Chunk: up to 100 consecutive part numbers of an upload
    ("n", index)               RuleRecord
    ("x") upload               CompletedRecord: the answer to a repeated completion
    ("k", kind)                ConfigurationRecord
    ("k", kind, id)            the same, of the kinds of which a bucket has many
    ("l") time random          lines of the bucket's access log that wait for their delivery
    ("j", kind, id) slice      what a long configuration has beyond its record; the id is empty where the kind has none

`body` and `upload` are numbers of the bucket's counter, eight bytes; a version's number is that of its body, and stands
inverted in its key. The root partition: `("buckets", "name", name)` and `("buckets", "policy", name)`,
`("buckets", "account", account, name)`, `("buckets", "logged", name)`, `("object_rewraps")`, a walk's place,
and `("blobs") blob` -> who owns the blob.
"""

from typing import Final

import msgspec

from cumulo.object_store import acl_model, encryption_model, lock_model
from cumulo.storage import records, tuples
from cumulo.storage.engine import PARTITION_BYTES, ROOT
from cumulo.storage.rewraps import Route
from cumulo.storage.tuples import u64

MANIFEST_PARTS: Final = 450
"""Of what is written; slices of 500 stand in older folders."""
CHUNK_PARTS: Final = 100
"""An uploaded part rewrites its chunk, about 6 KiB; completing 10,000 parts reads 100 chunks."""

META: Final = tuples.encode(("m",))
COUNTERS: Final = tuples.encode(("c",))
OBJECTS: Final = tuples.encode(("o",))
VERSIONS: Final = tuples.encode(("v",))
NULL_VERSIONS: Final = tuples.encode(("w",))
FOREIGN_VERSIONS: Final = tuples.encode(("y",))
REPLICAS: Final = tuples.encode(("r",))
BODIES: Final = tuples.encode(("d",))
SEALS: Final = tuples.encode(("s",))
FRAMES: Final = tuples.encode(("t",))
MANIFESTS: Final = tuples.encode(("f",))
UPLOADS: Final = tuples.encode(("u",))
CHUNKS: Final = tuples.encode(("p",))
RULES: Final = tuples.encode(("n",))
COMPLETED: Final = tuples.encode(("x",))
CONFIGURATIONS: Final = tuples.encode(("k",))
CONFIGURATION_SLICES: Final = tuples.encode(("j",))
ACCESS_LINES: Final = tuples.encode(("l",))

GARBAGE: Final = tuples.encode(("g",))
EVENTS: Final = tuples.encode(("e",))
SURVEY: Final = tuples.encode(("l",))
"""These only tell due entries of one partition apart; no row stands under them."""

BLOB_DELETE: Final = "blob.delete"
UPLOAD_CLEAR: Final = "upload.clear"
UPLOAD_EXPIRE: Final = "upload.expire"
UPLOAD_FORGET: Final = "upload.forget"
OBJECT_NOTIFY: Final = "object.notify"
OBJECT_REPLICATE: Final = "object.replicate"
OBJECT_AGE: Final = "object.age"
"""Its key is the record's."""
BUCKET_SURVEY: Final = "bucket.survey"
BUCKET_CLEAR: Final = "bucket.clear"
ACCESS_DELIVER: Final = "access_log.deliver"
OBJECT_REWRAP: Final = "object.rewrap"
REWRAPS: Final = Route(OBJECT_REWRAP, ROOT + tuples.encode(("object_rewraps",)))
"""The walk that wraps keys of objects anew."""

NAMES: Final = ROOT + tuples.encode(("buckets", "name"))
_POLICIES: Final = ROOT + tuples.encode(("buckets", "policy"))
LOGGED: Final = ROOT + tuples.encode(("buckets", "logged"))
"""The names of buckets whose requests are logged."""
_ACCOUNTS: Final = ROOT + tuples.encode(("buckets", "account"))
OWNERS: Final = ROOT + tuples.encode(("blobs",))


class BucketRow(records.Record, frozen=True):
    """The directory's row of a bucket.

    `is_policy_public` repeats what its policy says, `may_be_public` its public access block (RestrictPublicBuckets is
    off), as do `takes_public_acls` (BlockPublicAcls) and `honors_public_acls` (IgnorePublicAcls), `requester_pays` its
    request payment, `lifecycle` is the digest of its lifecycle rules, empty where it has none, `is_logged` says that
    its requests are logged, `has_quota` that what it may hold is limited, `is_versioned` that versioning was enabled
    once: every request must know them. An empty `object_ownership` is BucketOwnerEnforced: then there are no access
    control lists. A bucket whose `acl` is None is private. `encryption` is None where new objects are not encrypted.
    `locks_objects` says that they can be locked, `retains_objects` that those that do not say are. `location` is what
    S3 was told instead of `region`, where that has another name.
    """

    partition: bytes = b""
    account: str = ""
    region: str = ""
    create_ms: int = 0
    has_policy: bool = False
    is_policy_public: bool = False
    may_be_public: bool = False
    requester_pays: bool = False
    lifecycle: bytes = b""
    is_logged: bool = False
    object_ownership: str = ""
    takes_public_acls: bool = False
    honors_public_acls: bool = False
    acl: acl_model.Acl | None = None
    has_quota: bool = False
    encryption: encryption_model.BucketEncryption | None = encryption_model.BucketEncryption()
    is_versioned: bool = False
    locks_objects: bool = False
    retains_objects: bool = False
    location: str = ""


class Meta(records.Record, frozen=True):
    """What a transaction must know of its bucket. `event_bridge` says that EventBridge gets its events; `versioning` is
    its state, empty where it was never enabled; `replication` is the digest of its replication rules, empty for none;
    `lock` is None where objects cannot be locked.
    """

    name: str = ""
    account: str = ""
    region: str = ""
    rule_count: int = 0
    lifecycle: bytes = b""
    bytes_max: int = 0
    objects_max: int = 0
    event_bridge: bool = False
    versioning: str = ""
    replication: bytes = b""
    lock: lock_model.BucketLock | None = None

    @property
    def listens(self) -> bool:
        """Whether anybody is told of changes."""
        return self.rule_count > 0 or self.event_bridge


class Counters(records.Record, frozen=True):
    """Exact counts of a bucket, and the next number that it hands out.

    `objects` are current versions, `versions` all others and the delete markers; `bytes` are those of both.
    """

    objects: int = 0
    bytes: int = 0
    uploads: int = 0
    next: int = 1
    versions: int = 0


class Summary(records.Record, frozen=True):
    """What a listing reads of an ObjectRecord: its first fields. The others are passed over, which costs a third."""

    size_bytes: int = 0
    etag: str = ""
    modified_ms: int = 0
    storage_class: str = ""
    checksums: dict[str, bytes] = msgspec.field(default_factory=dict)
    is_composite: bool = False


class RestoreRecord(records.Record, frozen=True):
    """A restored copy of an archived object: there from `ready_ms` on, for `days`; then `expires_ms` is their end, 0
    before. Both are of the wall clock.
    """

    ready_ms: int = 0
    days: int = 0
    tier: str = ""
    expires_ms: int = 0


class ObjectRecord(records.Record, frozen=True):
    """A version of an object, or a delete marker, which has no ETag.

    Its body is `part_count` parts under its manifest, or blob number `blob`, or, where both are 0, inline. `body` is
    its number in any case, and orders the versions of an object. `is_composite` tells of `checksums`. An empty
    `storage_class` is the standard one, an empty `version_id` the null version's. Version 2 begins with the fields of
    Summary. `due_ms` is the time of its `object.age` entry, 0 where it has none. `replaced_ms` is when another version
    took its place, 0 for the newest, which is the current one or a delete marker. Without an `acl` it is the bucket
    owner's and private. `replication` says how far its replication is, or that it is a replica; empty for neither. A
    `lock` that says nothing is None.
    """

    version: int = 2
    size_bytes: int = 0
    etag: str = ""
    modified_ms: int = 0
    storage_class: str = ""
    checksums: dict[str, bytes] = msgspec.field(default_factory=dict)
    is_composite: bool = False
    body: int = 0
    blob: int = 0
    part_count: int = 0
    crc64nvme: int = 0
    content_type: str = ""
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    due_ms: int = 0
    acl: acl_model.Acl | None = None
    encryption: encryption_model.Encryption | None = None
    restore: RestoreRecord | None = None
    version_id: str = ""
    replaced_ms: int = 0
    replication: str = ""
    lock: lock_model.ObjectLock | None = None

    @property
    def is_delete_marker(self) -> bool:
        """Say whether this marks the object as deleted: everything that has bytes has an ETag."""
        return not self.etag


FIRST_VERSION: Final = 1
"""The second byte of an object's record of version 1, and of no other: those had at most fifteen fields."""


class _FirstObjectRecord(records.Record, frozen=True):
    """An ObjectRecord of version 1: the same fields in the order in which they came."""

    size_bytes: int = 0
    etag: str = ""
    modified_ms: int = 0
    body: int = 0
    blob: int = 0
    part_count: int = 0
    crc64nvme: int = 0
    checksums: dict[str, bytes] = msgspec.field(default_factory=dict)
    content_type: str = ""
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    storage_class: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    is_composite: bool = False


class PartRecord(records.Record, frozen=True):
    """A part of an upload or of an object; its body is blob number `blob`, or inline where that is 0.

    `checksum` is of the upload's algorithm, empty where it has none. At most 136 bytes, so that 450 fit into a value.
    """

    number: int = 0
    size_bytes: int = 0
    md5: bytes = b""
    modified_ms: int = 0
    body: int = 0
    blob: int = 0
    crc64nvme: int = 0
    checksum: bytes = b""


class Parts(records.Record, frozen=True):
    """Some parts in order of their numbers: a manifest's slice, or a chunk of an open upload."""

    parts: list[PartRecord] = msgspec.field(default_factory=list)


class UploadRecord(records.Record, frozen=True):
    """An open multipart upload; `checksum` is its algorithm, empty where none was asked for. `lock` is what was asked
    for the object to be.
    """

    create_ms: int = 0
    expires_ms: int = 0
    content_type: str = ""
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    storage_class: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    checksum: str = ""
    is_composite: bool = False
    initiator: str = ""
    acl: acl_model.Acl | None = None
    encryption: encryption_model.Encryption | None = None
    lock: lock_model.ObjectLock | None = None


class CompletedRecord(records.Record, frozen=True):
    """A completed upload: what was asked, and what was answered; `enclosed` tells of the messages that its
    commit stored.
    """

    key: str = ""
    fingerprint: bytes = b""
    size_bytes: int = 0
    etag: str = ""
    modified_ms: int = 0
    crc64nvme: int = 0
    part_count: int = 0
    content_type: str = ""
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    checksums: dict[str, bytes] = msgspec.field(default_factory=dict)
    is_composite: bool = False
    enclosed: bytes = b""
    encryption: encryption_model.Encryption | None = None
    version_id: str = ""


class ConfigurationRecord(records.Record, frozen=True):
    """One configuration of a bucket: the encoded value of its kind's type, empty where it was removed. A long one goes
    on in `slices` rows more.
    """

    value: bytes = b""
    slices: int = 0


class SurveyRecord(records.Record, frozen=True):
    """How far new lifecycle rules were told to a bucket's records: the payload of a `bucket.survey` entry.

    `lifecycle` is the digest of the rules, `position` the row key from which on they are not told yet.
    """

    lifecycle: bytes = b""
    position: bytes = b""


class RuleRecord(records.Record, frozen=True):
    """A notification rule; `target` is the ARN of a queue or topic, or a URL, `empty_filters` are the model's."""

    id: str = ""
    target: str = ""
    events: list[str] = msgspec.field(default_factory=list)
    prefix: str = ""
    suffix: str = ""
    empty_filters: list[str] = msgspec.field(default_factory=list)


class OwnerRecord(records.Record, frozen=True):
    """Whose bytes a blob holds: a body of a bucket's partition."""

    partition: bytes = b""
    body: int = 0


class WayRecord(records.Record, frozen=True):
    """Where a version is to go: a bucket, which `account` must own, unless that is empty; and how it is kept there. An
    empty `storage_class` is the version's own. With `changes_owner` the bucket's owner gets it.
    """

    bucket: str = ""
    rule_id: str = ""
    storage_class: str = ""
    account: str = ""
    changes_owner: bool = False
    kms_key_id: str = ""


class ReplicaRecord(records.Record, frozen=True):
    """A version, or a delete marker, that is to go to some buckets in the name of a role, and where it did not arrive
    yet. `has_failed` says that it will never arrive at one of them. `is_change` says that it was there already, and has
    other tags or another access control list since; `revision` counts such changes while the row stands.
    """

    version_id: str = ""
    role: str = ""
    ways: list[WayRecord] = msgspec.field(default_factory=list)
    wall_ms: int = 0
    is_change: bool = False
    revision: int = 0
    attempts: int = 0
    has_failed: bool = False


class EventRecord(records.Record, frozen=True):
    """An event on its way: the payload of an `object.notify` entry."""

    target: str = ""
    source_arn: str = ""
    account: str = ""
    delivery_id: str = ""
    body: bytes = b""
    attempts: int = 0
    trace_header: str = ""


decode_bucket = records.decoder(BucketRow).decode
decode_meta = records.decoder(Meta).decode
decode_counters = records.decoder(Counters).decode
decode_current_summary = records.decoder(Summary).decode
_decode_current_object = records.decoder(ObjectRecord).decode
_decode_first_object = records.decoder(_FirstObjectRecord).decode
decode_parts = records.decoder(Parts).decode
decode_upload = records.decoder(UploadRecord).decode
decode_completed = records.decoder(CompletedRecord).decode
decode_configuration = records.decoder(ConfigurationRecord).decode
decode_survey = records.decoder(SurveyRecord).decode
decode_rule = records.decoder(RuleRecord).decode
decode_owner = records.decoder(OwnerRecord).decode
decode_replica = records.decoder(ReplicaRecord).decode
decode_event = records.decoder(EventRecord).decode


def decode_object(value: bytes) -> ObjectRecord:
    """Return an object's record, of either version."""
    return _of_first(value) if value[1] == FIRST_VERSION else _decode_current_object(value)


def decode_summary(value: bytes) -> Summary | ObjectRecord:
    """Return what a listing reads of an object's record, of either version."""
    return _of_first(value) if value[1] == FIRST_VERSION else decode_current_summary(value)


def _of_first(value: bytes) -> ObjectRecord:
    fields = msgspec.structs.asdict(_decode_first_object(value))
    return ObjectRecord(**(fields | {"version": 2}))


def bucket_key(name: str) -> bytes:
    """Return the directory's key of a bucket."""
    return NAMES + tuples.encode((name,))


def policy_key(name: str) -> bytes:
    """Return the key of a bucket's policy."""
    return _POLICIES + tuples.encode((name,))


def logged_key(name: str) -> bytes:
    """Return the key that says that a bucket is logged."""
    return LOGGED + tuples.encode((name,))


def account_prefix(account: str) -> bytes:
    """Return the prefix under which an account's bucket names stand."""
    return _ACCOUNTS + tuples.encode((account,))


def account_key(account: str, name: str) -> bytes:
    """Return the key that lists a bucket for its account."""
    return account_prefix(account) + tuples.encode((name,))


def owner_key(blob: int) -> bytes:
    """Return the key of a blob's owner."""
    return OWNERS + u64(blob)


def object_key(partition: bytes, key: str) -> bytes:
    """Return the key of an object's record."""
    return partition + OBJECTS + tuples.encode((key,))


_NUMBER_BYTES: Final = 8
_HIGHEST_NUMBER: Final = (1 << 63) - 1
"""What numbers are inverted in: below the byte with which the codec goes on behind a zero in a text, so that the
versions of a key stand before every longer key.
"""


def version_key(partition: bytes, key: str, number: int) -> bytes:
    """Return the key of a version that is not the current one."""
    return partition + VERSIONS + version_place(key, number)


def version_place(key: str, number: int) -> bytes:
    """Return where a version stands in its subspace."""
    return tuples.encode((key,)) + u64(_HIGHEST_NUMBER - number)


def parse_version_place(position: bytes) -> tuple[str, int, bool] | None:
    """Return the key and the number of the version at whose place a position is, and whether it is just behind that;
    None where it is a key's own place, or one between keys.
    """
    end = position.find(b"\x00", 1)
    while end >= 0 and position[end + 1 : end + 2] == b"\xff":
        end = position.find(b"\x00", end + 2)
    left = len(position) - end - 1
    if end < 0 or left < _NUMBER_BYTES:
        return None
    number = _HIGHEST_NUMBER - int.from_bytes(position[end + 1 : end + 1 + _NUMBER_BYTES], "big")
    return text_of(position[: end + 1], 0), number, left > _NUMBER_BYTES


def parse_object_key(row_key: bytes) -> str:
    """Return the object's key."""
    return text_of(row_key, PARTITION_BYTES + len(OBJECTS))


def parse_version_key(row_key: bytes) -> tuple[str, int]:
    """Return the object's key and the version's number."""
    text = text_of(row_key[:-8], PARTITION_BYTES + len(VERSIONS))
    return text, _HIGHEST_NUMBER - int.from_bytes(row_key[-8:], "big")


def behind_versions(key: str) -> bytes:
    """Return the place behind all versions of a key."""
    return tuples.encode((key,)) + b"\x80"


def version_prefix(partition: bytes, key: str) -> bytes:
    """Return where the versions of a key begin that are not the current one."""
    return partition + VERSIONS + tuples.encode((key,))


def versions_end(partition: bytes, key: str) -> bytes:
    """Return where the versions of a key end that are not the current one."""
    return partition + VERSIONS + behind_versions(key)


def null_version_key(partition: bytes, key: str) -> bytes:
    """Return the key of the row that leads to the null version."""
    return partition + NULL_VERSIONS + tuples.encode((key,))


def foreign_version_key(partition: bytes, key: str, id_: bytes) -> bytes:
    """Return the key of the row that leads to a version by its id of another bucket, decoded."""
    return partition + FOREIGN_VERSIONS + tuples.encode((key,)) + id_


def parse_foreign_version_key(row_key: bytes, id_bytes: int) -> tuple[str, bytes]:
    """Return the object's key and the decoded id, which has `id_bytes`."""
    return text_of(row_key[:-id_bytes], PARTITION_BYTES + len(FOREIGN_VERSIONS)), row_key[-id_bytes:]


def replica_prefix(partition: bytes, key: str) -> bytes:
    """Return where the rows of a key's versions begin that are to go to other buckets; also the due key of them all."""
    return partition + REPLICAS + tuples.encode((key,))


def replica_key(partition: bytes, key: str, number: int) -> bytes:
    """Return the key of a version that is to go to other buckets: the oldest comes first."""
    return replica_prefix(partition, key) + u64(number)


def parse_replica_prefix(prefix: bytes) -> str:
    """Return the object's key."""
    return text_of(prefix, PARTITION_BYTES + len(REPLICAS))


def text_prefix(subspace: bytes, prefix: str) -> bytes:
    """Return what the keys of every text that starts with `prefix` start with."""
    return subspace + tuples.encode((prefix,))[:-1]


def text_of(row_key: bytes, subspace_bytes: int) -> str:
    """Return the text with which a row's key ends behind its subspace's prefix."""
    return row_key[subspace_bytes + 1 : -1].replace(b"\x00\xff", b"\x00").decode()


def texts_of(row_keys: list[bytes], subspace_bytes: int) -> list[str]:
    """Return `text_of` of many keys: each ends with a zero, and where none holds an escaped one they are decoded as
    one text.
    """
    begin = subspace_bytes + 1
    joined = b"".join([row_key[begin:] for row_key in row_keys])
    if b"\x00\xff" in joined:
        return [text_of(row_key, subspace_bytes) for row_key in row_keys]
    return joined.decode().split("\x00")[:-1]


def body_key(partition: bytes, body: int) -> bytes:
    """Return the key of an inline body."""
    return partition + BODIES + u64(body)


def seal_prefix(partition: bytes, body: int) -> bytes:
    """Return the prefix of the slices of a body's block checksums."""
    return partition + SEALS + u64(body)


def frames_prefix(partition: bytes, body: int) -> bytes:
    """Return the prefix of the slices of what is kept of an encrypted body."""
    return partition + FRAMES + u64(body)


def manifest_prefix(partition: bytes, body: int) -> bytes:
    """Return the prefix of an object's manifest."""
    return partition + MANIFESTS + u64(body)


def upload_key(partition: bytes, key: str, upload: int) -> bytes:
    """Return the key of an upload's record."""
    return partition + UPLOADS + tuples.encode((key,)) + u64(upload)


def parse_upload_key(row_key: bytes) -> tuple[str, int]:
    """Return the object's key and the upload's number."""
    text = text_of(row_key[:-8], PARTITION_BYTES + len(UPLOADS))
    return text, int.from_bytes(row_key[-8:], "big")


def chunk_prefix(partition: bytes, upload: int) -> bytes:
    """Return the prefix of an upload's chunks."""
    return partition + CHUNKS + u64(upload)


def chunk_key(partition: bytes, upload: int, part_number: int) -> bytes:
    """Return the key of the chunk that holds a part number."""
    return chunk_prefix(partition, upload) + bytes(((part_number - 1) // CHUNK_PARTS,))


def rule_key(partition: bytes, index: int) -> bytes:
    """Return the key of a notification rule."""
    return partition + RULES + tuples.encode((index,))


def configuration_key(partition: bytes, kind: str, id_: str = "") -> bytes:
    """Return the key of a bucket's configuration."""
    return partition + CONFIGURATIONS + tuples.encode((kind, id_) if id_ else (kind,))


def slice_key(partition: bytes, kind: str, id_: str, index: int) -> bytes:
    """Return the key of what a configuration has beyond its record."""
    return partition + CONFIGURATION_SLICES + tuples.encode((kind, id_)) + bytes((index,))


def completed_key(partition: bytes, upload: int) -> bytes:
    """Return the key of a completed upload's answer."""
    return partition + COMPLETED + u64(upload)


def garbage_key(partition: bytes, body: int) -> bytes:
    """Return the due key of a body that is to be removed."""
    return partition + GARBAGE + u64(body)


def event_key(partition: bytes, number: int, index: int) -> bytes:
    """Return the due key of an event: the number of its change, and which of the change's events it is."""
    return partition + EVENTS + u64(number) + bytes((index,))
