"""Every fact that must hold on disk, checked: after tests, and by `cumulo check`.

What it holds:

- a directory row leads to a bucket's record of the same name, and is listed for its account; no two lead to one
  partition; it says of policy and public access block what they say;
- of an object's versions the current one is the newest, and stands alone in its place; where none is, the newest is a
  delete marker; at most one is the null version, and its row leads there; a bucket without versioning has none but
  current ones;
- a replica is found by the id that it has in another bucket; a version that is to be replicated has its row, and its
  key an entry in the due index;
- the counters are the numbers of rows, and the next number is above every number in use;
- every body that a record names is there and of its size: inline bytes with their checksum, block checksums of a blob
  and the row that says whose it is, the manifest of an object in parts, whose parts make its size, checksum and ETag;
- what is kept of an encrypted body is there and of its size, and nothing of any other; that each key opens, and each
  encrypted body that is inline, `check_keys` says, which needs the storage keys;
- every row of a body is named by a record, or waits for its removal;
- an open upload has its entry in the due index, and so has every object that a lifecycle rule will do something to;
- every blob that a row names has its file, and every file a row (`check_blobs`).

Reads in pages. Exact while nothing writes.
"""

import base64
import hashlib
from collections.abc import Collection, Iterable, Iterator

import msgspec

from cumulo.core.clocks import SystemClock
from cumulo.core.errors import ServiceError
from cumulo.core.ids import SystemRandomness
from cumulo.object_store import (
    acl_model,
    configuration_model,
    configurations,
    encryption_model,
    keys,
    lock_model,
    logging_rules,
    notification_model,
    object_model,
    payments,
    quotas,
    replication_outbox,
    versions,
)
from cumulo.object_store.bodies import read_kept, read_seal
from cumulo.object_store.checksums import of_parts
from cumulo.object_store.configuration_rows import read_value
from cumulo.object_store.keys import BucketRow, Counters, Meta, ObjectRecord, PartRecord, UploadRecord
from cumulo.object_store.lifecycle_index import digest_of
from cumulo.object_store.lifecycle_model import Lifecycle
from cumulo.object_store.sealing import ObjectSeals, Place
from cumulo.storage import digests, tuples
from cumulo.storage.blob_format import block_count
from cumulo.storage.engine import PARTITION_BYTES, Due, ReadTxn, rows_under
from cumulo.storage.frames import PREFIX_BYTES, TAG_BYTES, FramesDamaged, kept_bytes
from cumulo.storage.rewraps import check_walk, is_done
from cumulo.storage.storage_keys import StorageKeys

_OF_ENDED_UPLOAD = encryption_model.Encryption("", b"")
"""Stands for what an ended upload took along with its record: what is kept of its parts tells that there was any."""


class Tally(msgspec.Struct):
    """What the records of one bucket name."""

    objects: int = 0
    bytes: int = 0
    uploads: int = 0
    versions: int = 0
    locks: int = 0
    highest: int = 0
    inline: set[int] = msgspec.field(default_factory=set)
    blobs: dict[int, int] = msgspec.field(default_factory=dict)
    kept: set[int] = msgspec.field(default_factory=set)
    manifests: set[int] = msgspec.field(default_factory=set)
    replicas: dict[tuple[str, str], int] = msgspec.field(default_factory=dict)
    pending: set[tuple[str, int]] = msgspec.field(default_factory=set)


def partitions(txn: ReadTxn) -> tuple[bytes, ...]:
    """Return the partitions of all buckets."""
    return tuple(keys.decode_bucket(value).partition for _, value in rows_under(txn, keys.NAMES))


def check(txn: ReadTxn, entries: Iterable[Due]) -> list[str]:
    """Return what is wrong with any bucket; `txn` can read ROOT and every bucket's partition, `entries` are all those
    of the due index.
    """
    waiting = {(entry.kind, entry.key): entry for entry in entries}
    problems = check_walk(txn, keys.REWRAPS, waiting.values())
    seen: set[bytes] = set()
    for row_key, value in rows_under(txn, keys.NAMES):
        name, row = keys.text_of(row_key, len(keys.NAMES)), keys.decode_bucket(value)
        if row.partition in seen:
            problems.append(f"bucket {name}: another name leads to its partition")
        seen.add(row.partition)
        problems += [f"bucket {name}: {problem}" for problem in _check_bucket(txn, name, row, waiting)]
    return problems


def check_keys(txn: ReadTxn, storage_keys: StorageKeys) -> list[str]:
    """Return what is wrong with the keys of objects that hang from the storage keys, and with the encrypted bodies that
    are inline under them, and which an older one wraps although none should; `txn` can read ROOT and every bucket's
    partition.
    """
    seals = ObjectSeals(SystemRandomness(), storage_keys, SystemClock())
    wanted = storage_keys.current if is_done(txn, keys.REWRAPS.row, storage_keys.current) else 0
    problems: list[str] = []
    for row_key, value in rows_under(txn, keys.NAMES):
        bucket, row = keys.text_of(row_key, len(keys.NAMES)), keys.decode_bucket(value)
        stored_objects = (
            (parse(row_key), value)
            for subspace, parse in ((keys.OBJECTS, keys.parse_object_key), (keys.VERSIONS, _key_of_version))
            for row_key, value in rows_under(txn, row.partition + subspace)
        )
        for key, stored in stored_objects:
            place = Place(row.partition, bucket, key)
            record = keys.decode_object(stored)
            problem = _check_key(txn, seals, place, record.encryption, wanted, record)
            if problem:
                problems.append(f"bucket {bucket}: object {place.key!r}: {problem}")
        for upload_key, stored in rows_under(txn, row.partition + keys.UPLOADS):
            key, upload = keys.parse_upload_key(upload_key)
            encryption = keys.decode_upload(stored).encryption
            problem = _check_key(txn, seals, Place(row.partition, bucket, key), encryption, wanted)
            if problem:
                problems.append(f"bucket {bucket}: upload {upload} of {key!r}: {problem}")
    return problems


def _key_of_version(row_key: bytes) -> str:
    return keys.parse_version_key(row_key)[0]


def _check_key(
    txn: ReadTxn,
    seals: ObjectSeals,
    place: Place,
    encryption: encryption_model.Encryption | None,
    wanted: int,
    record: ObjectRecord | None = None,
) -> str:
    if encryption is None or not encryption.storage_key:
        return ""
    try:
        seals.check(encryption, place)
        is_inline = record is not None and not record.blob and not record.part_count
        if record is not None and is_inline and encryption.algorithm == encryption_model.AES256:
            sealing = seals.opened_by_storage_key(encryption, place)
            inline = txn.get(keys.body_key(place.partition, record.body)) or b""
            if digests.crc64nvme(sealing.open(encryption.kept, inline)) != record.crc64nvme:
                return "its bytes are others than those it was given"
        if encryption.storage_key < wanted:
            return f"storage key {encryption.storage_key} wraps its key still"
    except ServiceError as error:
        return error.message
    except FramesDamaged:
        return "its bytes do not open under its key"
    return ""


def check_blobs(txn: ReadTxn, files: Collection[int], swept_below: int, entries: Iterable[Due]) -> list[str]:
    """Return the blobs of `files` (ids) that no row names, among those that a sweep should have removed, and the rows
    whose file is missing though nothing waits to remove them. `txn` can read everything, `entries` are all those of the
    due index.
    """
    named = {int.from_bytes(row_key[-8:], "big") for row_key, _ in rows_under(txn, keys.OWNERS)}
    missing = named.difference(files)
    if missing:  # a file goes before the row that names it (garbage.py)
        missing -= {blob for entry in entries for blob in _going(txn, entry)}
    problems = [f"blob {blob}: a body is in it, its file is missing" for blob in sorted(missing)]
    nameless = (blob for blob in files if blob < swept_below and blob not in named)
    return problems + [f"blob {blob}: its file is there, nothing names it" for blob in sorted(nameless)]


def _going(txn: ReadTxn, entry: Due) -> Iterator[int]:
    """Return the blobs that a due entry waits to remove."""
    if entry.kind == keys.BLOB_DELETE and entry.payload:
        yield int.from_bytes(entry.payload, "big")
    elif entry.kind in (keys.BLOB_DELETE, keys.UPLOAD_CLEAR):
        partition, body = entry.key[:PARTITION_BYTES], int.from_bytes(entry.key[-8:], "big")
        prefix = entry.key if entry.kind == keys.UPLOAD_CLEAR else keys.manifest_prefix(partition, body)
        for _, value in rows_under(txn, prefix):
            yield from (part.blob for part in keys.decode_parts(value).parts if part.blob)


def _check_bucket(txn: ReadTxn, name: str, row: BucketRow, waiting: dict[tuple[str, bytes], Due]) -> Iterator[str]:
    partition = row.partition
    raw_meta, raw_counters = txn.get(partition + keys.META), txn.get(partition + keys.COUNTERS)
    if raw_meta is None or raw_counters is None:
        yield "a name leads to it, and it has no record"
        return
    meta, counters = keys.decode_meta(raw_meta), keys.decode_counters(raw_counters)
    if (meta.name, meta.account, meta.region, meta.lifecycle) != (name, row.account, row.region, row.lifecycle):
        yield "the directory row differs from the record"
    if txn.get(keys.account_key(row.account, name)) is None:
        yield "it is not listed for its account"
    if row.has_policy != (txn.get(keys.policy_key(name)) is not None):
        yield "its policy is not where its row says"
    yield from _check_configurations(txn, name, row, meta, waiting)
    tally = Tally()
    yield from _check_objects(txn, partition, tally, waiting)
    yield from _check_versions(txn, meta, partition, tally, waiting)
    yield from _check_replication(txn, partition, tally, waiting)
    yield from _check_uploads(txn, partition, tally, waiting)
    yield from _check_counts(txn, meta, counters, partition, tally)
    yield from _check_rows(txn, partition, tally, waiting)


def _check_configurations(
    txn: ReadTxn, name: str, row: BucketRow, meta: Meta, waiting: dict[tuple[str, bytes], Due]
) -> Iterator[str]:
    prefix = row.partition + keys.CONFIGURATIONS
    slices = 0
    for row_key, value in rows_under(txn, prefix):
        kind, *ids = (str(element) for element in tuples.decode(row_key[len(prefix) :]))
        known = configurations.KINDS.get(kind)
        if known is None or not known.is_kept:
            yield f"it has a configuration of no kind: {kind!r}"
        elif known.has_ids != bool(ids):
            yield f"its configuration of kind {kind} has the id {ids}"
        record = keys.decode_configuration(value)
        slices += record.slices
        for index in range(record.slices):
            if txn.get(keys.slice_key(row.partition, kind, "".join(ids), index)) is None:
                yield f"its configuration of kind {kind} lacks a slice"
    if slices != sum(1 for _ in rows_under(txn, row.partition + keys.CONFIGURATION_SLICES)):
        yield "a slice of a configuration is left over"
    payment = configurations.read(txn, row.partition, configurations.REQUEST_PAYMENT)
    if row.requester_pays != payments.is_requester(payment):
        yield "its request payment is not what its row says"
    is_logged = logging_rules.is_logged(configurations.read(txn, row.partition, configurations.LOGGING))
    if not row.is_logged == is_logged == (txn.get(keys.logged_key(name)) is not None):
        yield "its logging is not what its row says"
    quota = configurations.read(txn, row.partition, configurations.QUOTA)
    assert quota is None or isinstance(quota, configuration_model.BucketQuota), quota
    if row.has_quota != (quota is not None) or quotas.limited(meta, quota) != meta:
        yield "its quota is not what its row and its record say"
    if any(rows_under(txn, row.partition + keys.ACCESS_LINES)) and not any(
        kind == keys.ACCESS_DELIVER and key == row.partition + keys.ACCESS_LINES for kind, key in waiting
    ):
        yield "lines of its access log wait, and nothing will deliver them"
    block = configurations.read(txn, row.partition, configurations.PUBLIC_ACCESS_BLOCK)
    fields = configurations.row_fields(block if isinstance(block, acl_model.PublicAccessBlock) else None)
    if any(getattr(row, name) != value for name, value in fields.items()):
        yield "its public access block is not what its row says"
    rules = configurations.read(txn, row.partition, configurations.LIFECYCLE)
    if row.lifecycle != digest_of(rules if isinstance(rules, Lifecycle) else None):
        yield "its lifecycle rules are not those of its row"
    controls = configurations.read(txn, row.partition, configurations.OWNERSHIP_CONTROLS)
    ownership = (
        controls.object_ownership if isinstance(controls, acl_model.OwnershipControls) else acl_model.OBJECT_WRITER
    )
    if (row.object_ownership or acl_model.OWNERS_ENFORCED) != ownership:
        yield "its ownership controls are not what its row says"
    versioning = configurations.read(txn, row.partition, configurations.VERSIONING)
    state = versioning.status if isinstance(versioning, configuration_model.Versioning) else ""
    if (meta.versioning, row.is_versioned) != (state, bool(state)):
        yield "its versioning is not what its record and its row say"
    if meta.replication != replication_outbox.digest_of(read_value(txn, row.partition, configurations.REPLICATION)):
        yield "its replication rules are not those of its record"
    lock = configurations.read(txn, row.partition, configurations.OBJECT_LOCK)
    retains = isinstance(lock, lock_model.BucketLock) and bool(lock.mode)
    if meta.lock != lock or (row.locks_objects, row.retains_objects) != (lock is not None, retains):
        yield "its object lock is not what its record and its row say"
    if lock is not None and state != configuration_model.VERSIONING_ENABLED:
        yield "its objects can be locked, and their versions are not kept"
    if row.is_policy_public and not row.has_policy:
        yield "its row says that it has a public policy, and it has none"
    if row.encryption != configurations.read(txn, row.partition, configurations.ENCRYPTION):
        yield "its encryption is not what its row says"


def _check_objects(
    txn: ReadTxn, partition: bytes, tally: Tally, waiting: dict[tuple[str, bytes], Due]
) -> Iterator[str]:
    for row_key, value in rows_under(txn, partition + keys.OBJECTS):
        record = keys.decode_object(value)
        tally.objects += 1
        key = keys.parse_object_key(row_key)
        if record.is_delete_marker:
            yield f"object {key!r}: a delete marker is current"
        yield from _check_record(txn, row_key, key, record, tally, waiting)


def _check_record(
    txn: ReadTxn, row_key: bytes, key: str, record: ObjectRecord, tally: Tally, waiting: dict[tuple[str, bytes], Due]
) -> Iterator[str]:
    partition = row_key[:PARTITION_BYTES]
    if (record.due_ms != 0) != ((keys.OBJECT_AGE, row_key) in waiting):
        yield f"object {key!r}: its record and the due index disagree on whether a rule will do something to it"
    tally.bytes += record.size_bytes
    tally.highest = max(tally.highest, record.body)
    if record.lock is not None:
        tally.locks += 1
        is_retained = bool(record.lock.until_ms) or (record.lock.event is not None and record.lock.event.is_on)
        if record.lock == lock_model.ObjectLock() or bool(record.lock.mode) != is_retained:
            yield f"object {key!r}: its lock says {record.lock}"
    if record.replication == object_model.REPLICATION_PENDING:
        tally.pending.add((key, record.body))
    if record.replication == object_model.REPLICA:
        tally.replicas[key, record.version_id] = record.body
    elif record.version_id and record.version_id != versions.version_id(partition, record.body):
        yield f"object {key!r}: version {record.version_id} has the number {record.body}"
    if record.part_count:
        tally.manifests.add(record.body)
        problems = _check_manifest(txn, partition, record, tally)
    else:
        problems = _check_body(txn, partition, record, tally, record.encryption)
    yield from (f"object {key!r}: {problem}" for problem in problems)


def _check_versions(
    txn: ReadTxn, meta: Meta, partition: bytes, tally: Tally, waiting: dict[tuple[str, bytes], Due]
) -> Iterator[str]:
    """Check the versions that are not current."""
    nulls: dict[str, int] = {}
    before = ""
    for row_key, value in rows_under(txn, partition + keys.VERSIONS):
        (key, number), record = keys.parse_version_key(row_key), keys.decode_object(value)
        tally.versions += 1
        yield from _check_record(txn, row_key, key, record, tally, waiting)
        if record.body != number:
            yield f"object {key!r}: version {record.body} stands under {number}"
        current = versions.find_current(txn, partition, key)
        if key != before and current is None and not record.is_delete_marker:
            yield f"object {key!r}: its newest version is not current"
        if (record.replaced_ms == 0) != (key != before and current is None):
            yield f"object {key!r}: version {number} says wrongly whether another took its place"
        if current is not None and current.body <= number:
            yield f"object {key!r}: version {number} is newer than the current one"
        if not record.version_id:
            if key in nulls or (current is not None and not current.version_id):
                yield f"object {key!r}: it has two null versions"
            nulls[key] = number
        before = key
    prefix = partition + keys.NULL_VERSIONS
    found = {
        keys.text_of(row_key, len(prefix)): int.from_bytes(value, "big") for row_key, value in rows_under(txn, prefix)
    }
    if found != nulls:
        yield "its null versions are not where their rows lead"
    if tally.versions and not meta.versioning:
        yield "it has versions, and versioning was never enabled"


def _check_replication(
    txn: ReadTxn, partition: bytes, tally: Tally, waiting: dict[tuple[str, bytes], Due]
) -> Iterator[str]:
    """Check that replicas are found by their ids, and that what is to be replicated waits for it."""
    found: dict[tuple[str, str], int] = {}
    for row_key, value in rows_under(txn, partition + keys.FOREIGN_VERSIONS):
        key, id_ = keys.parse_foreign_version_key(row_key, versions.ID_BYTES)
        found[key, base64.b32hexencode(id_).decode()] = int.from_bytes(value, "big")
    if found != tally.replicas:
        yield "its replicas are not where their rows lead"
    rows: set[tuple[str, int]] = set()
    for row_key, value in rows_under(txn, partition + keys.REPLICAS):
        key, number = keys.parse_replica_prefix(row_key[:-8]), int.from_bytes(row_key[-8:], "big")
        rows.add((key, number))
        if not keys.decode_replica(value).ways:
            yield f"object {key!r}: version {number} is to be replicated to nowhere"
        if (keys.OBJECT_REPLICATE, row_key[:-8]) not in waiting:
            yield f"object {key!r}: version {number} is to be replicated, and nothing will do it"
    for key, number in tally.pending - rows:
        yield f"object {key!r}: version {number} waits for its replication, and nothing will do it"


def _check_manifest(txn: ReadTxn, partition: bytes, record: ObjectRecord, tally: Tally) -> Iterator[str]:
    parts: list[PartRecord] = []
    size_bytes = 0
    for row_key, value in rows_under(txn, keys.manifest_prefix(partition, record.body)):
        if int.from_bytes(row_key[-8:], "big") != size_bytes:
            yield f"its manifest goes on at {int.from_bytes(row_key[-8:], 'big')}, not at {size_bytes}"
        for part in keys.decode_parts(value).parts:
            problems = _check_body(txn, partition, part, tally, record.encryption)
            yield from (f"part {part.number}: {problem}" for problem in problems)
            size_bytes += part.size_bytes
            parts.append(part)
    etag = hashlib.md5(b"".join(part.md5 for part in parts), usedforsecurity=False).hexdigest()
    chosen = UploadRecord(checksum=next(iter(record.checksums), ""), is_composite=record.is_composite)
    crc, checksums = of_parts(chosen, parts) if parts else (0, {})
    found = (len(parts), size_bytes, crc, f"{etag}-{len(parts)}", checksums)
    if found != (record.part_count, record.size_bytes, record.crc64nvme, record.etag, record.checksums):
        yield f"its manifest makes {found}"


def _check_body(
    txn: ReadTxn,
    partition: bytes,
    record: ObjectRecord | PartRecord,
    tally: Tally,
    encryption: encryption_model.Encryption | None,
) -> Iterator[str]:
    tally.highest = max(tally.highest, record.body)
    if encryption is not None:
        yield from _check_kept(txn, partition, record, tally, encryption)
    if record.blob:
        tally.blobs[record.body] = record.blob
        if len(read_seal(txn, partition, record).checksums) != 8 * block_count(record.size_bytes):
            yield f"blob {record.blob} has not one checksum a block"
        yield from _check_owner(txn, partition, record.body, record.blob)
    elif record.size_bytes:
        tally.inline.add(record.body)
        inline = txn.get(keys.body_key(partition, record.body))
        if inline is None:
            yield "its bytes are missing"
        elif len(inline) != record.size_bytes:
            yield f"its bytes are {len(inline)} instead of {record.size_bytes}"
        elif encryption is None and digests.crc64nvme(inline) != record.crc64nvme:
            yield "its bytes are others than those it was given"


def _check_kept(
    txn: ReadTxn,
    partition: bytes,
    record: ObjectRecord | PartRecord,
    tally: Tally,
    encryption: encryption_model.Encryption,
) -> Iterator[str]:
    if isinstance(record, ObjectRecord) and not record.blob:
        size_bytes = len(encryption.kept)
    else:
        tally.kept.add(record.body)
        size_bytes = len(read_kept(txn, partition, record.body))
    wanted = kept_bytes(record.size_bytes) if record.blob else PREFIX_BYTES + TAG_BYTES
    if encryption.algorithm == encryption_model.DUAL_LAYER:
        wanted *= 2
    if size_bytes != wanted:
        yield f"{size_bytes} bytes are kept of its encrypted frames instead of {wanted}"


def _check_owner(txn: ReadTxn, partition: bytes, body: int, blob: int) -> Iterator[str]:
    stored = txn.get(keys.owner_key(blob))
    owner = None if stored is None else keys.decode_owner(stored)
    if owner is None:
        yield f"no row says whose blob {blob} is"
    elif (owner.partition, owner.body) != (partition, body):
        yield f"blob {blob} is said to be body {owner.body} of {owner.partition.hex()}"


def _check_uploads(
    txn: ReadTxn, partition: bytes, tally: Tally, waiting: dict[tuple[str, bytes], Due]
) -> Iterator[str]:
    open_: dict[int, encryption_model.Encryption | None] = {}
    for row_key, value in rows_under(txn, partition + keys.UPLOADS):
        key, upload = keys.parse_upload_key(row_key)
        record = keys.decode_upload(value)
        open_[upload] = record.encryption
        tally.uploads += 1
        tally.highest = max(tally.highest, upload)
        expiry = waiting.get((keys.UPLOAD_EXPIRE, keys.chunk_prefix(partition, upload)))
        if expiry is None or expiry.at_ms != record.expires_ms:
            yield f"upload {upload} of {key!r} has no due entry that ends it"
    prefix = partition + keys.CHUNKS
    for row_key, value in rows_under(txn, prefix):
        upload = int.from_bytes(row_key[len(prefix) : -1], "big")
        if upload not in open_ and (keys.UPLOAD_CLEAR, row_key[:-1]) not in waiting:
            yield f"parts of upload {upload} are left, and nothing will clear them"
        for part in keys.decode_parts(value).parts:
            if keys.chunk_key(partition, upload, part.number) != row_key:
                yield f"part {part.number} of upload {upload} is in a wrong row"
            encryption = open_.get(upload)
            if upload not in open_ and read_kept(txn, partition, part.body):
                encryption = _OF_ENDED_UPLOAD
            problems = _check_body(txn, partition, part, tally, encryption)
            yield from (f"part {part.number} of upload {upload}: {problem}" for problem in problems)


def _check_counts(txn: ReadTxn, meta: Meta, counters: Counters, partition: bytes, tally: Tally) -> Iterator[str]:
    found = (tally.objects, tally.versions, tally.bytes, tally.uploads)
    if found != (counters.objects, counters.versions, counters.bytes, counters.uploads):
        yield f"its counters are {counters}, its rows make {found}"
    if tally.highest >= counters.next:
        yield f"its next number {counters.next} is not above {tally.highest}"
    if tally.locks and meta.lock is None:
        yield f"{tally.locks} versions are locked, and its objects cannot be"
    rules = sum(1 for _ in rows_under(txn, partition + keys.RULES))
    if rules != meta.rule_count or rules > notification_model.NOTIFICATION_RULES_MAX:
        yield f"it has {rules} notification rules, its record says {meta.rule_count}"


def _check_rows(txn: ReadTxn, partition: bytes, tally: Tally, waiting: dict[tuple[str, bytes], Due]) -> Iterator[str]:
    """Check that no row of a body is left over."""
    garbage = {
        int.from_bytes(key[-8:], "big")
        for kind, key in waiting
        if kind == keys.BLOB_DELETE and key[:PARTITION_BYTES] == partition
    }
    for body in garbage - tally.manifests:
        # Parts of a replaced object: their bodies are named by its manifest until it is cleared.
        for _, value in rows_under(txn, keys.manifest_prefix(partition, body)):
            for part in keys.decode_parts(value).parts:
                tally.kept.add(part.body)
                if part.blob:
                    tally.blobs[part.body] = part.blob
                else:
                    tally.inline.add(part.body)
    for body in _numbers(txn, partition + keys.BODIES):
        if body not in tally.inline:
            yield f"body {body} is inline, and nothing names it"
    for body in _numbers(txn, partition + keys.SEALS):
        if body not in tally.blobs and body not in garbage:
            yield f"body {body} has block checksums, and nothing names it"
    for body in _numbers(txn, partition + keys.FRAMES):
        if body not in tally.kept and body not in garbage:
            yield f"body {body} has encrypted frames, and nothing names it"
    for body in _numbers(txn, partition + keys.MANIFESTS):
        if body not in tally.manifests and body not in garbage:
            yield f"body {body} has a manifest, and nothing names it"


def _numbers(txn: ReadTxn, prefix: bytes) -> set[int]:
    return {int.from_bytes(row_key[len(prefix) : len(prefix) + 8], "big") for row_key, _ in rows_under(txn, prefix)}
