"""The transactions of replication: what a key's oldest row asks for, the replica in the bucket where it goes, and the
end of its way.

Promises: a replica is made, or brought up to date, in the commit that takes it off the outbox and notes at its source
how far that is; so it is made once, however often it is tried. A version that changed meanwhile goes again. Who carries
its bytes, and who may, `replication.py` knows.
"""

import msgspec

from cumulo.object_store import configuration_model, keys, lock_model, locks, object_model
from cumulo.object_store.buckets import Found, open_bucket, open_counters, save_counters
from cumulo.object_store.errors import UNREPLICABLE_BUCKET
from cumulo.object_store.event_documents import (
    CREATED_PUT,
    ETAG_OF_NOTHING,
    REMOVED_BY_MARKER,
    REPLICATION_FAILED,
    Change,
    Unreplicated,
)
from cumulo.object_store.keys import Meta, ObjectRecord, ReplicaRecord, WayRecord
from cumulo.object_store.multipart import write_manifest
from cumulo.object_store.notifications import tell, write_events
from cumulo.object_store.objects import (
    CommitObject,
    Description,
    Stored,
    as_replica,
    commit_object,
    replace_object,
    stored_answer,
)
from cumulo.object_store.replication_outbox import arrived, ended, with_status
from cumulo.object_store.replication_parts import Staged, take_parts
from cumulo.object_store.stamping import Stamped
from cumulo.object_store.versions import find_current, find_version, mark_deleted, write_version
from cumulo.storage import records
from cumulo.storage.engine import PARTITION_BYTES, Due, ReadTxn, Row, Txn


class Held(msgspec.Struct, frozen=True):
    """Entries that are to lie at a time, since their keys are under way."""

    entries: tuple[Due, ...]
    until_ms: int


class Key(msgspec.Struct, frozen=True):
    """A key of a bucket's partition, by the prefix of its rows."""

    prefix: bytes

    @property
    def partition(self) -> bytes:
        """The bucket's."""
        return self.prefix[:PARTITION_BYTES]

    @property
    def text(self) -> str:
        """The object's key."""
        return keys.parse_replica_prefix(self.prefix)


class First(msgspec.Struct, frozen=True):
    """What a key's oldest row asks for, the version that it is about, None where that is gone, and its bucket."""

    row_key: bytes
    row: ReplicaRecord
    record: ObjectRecord | None
    meta: Meta

    @property
    def way(self) -> WayRecord:
        """Where it goes next."""
        return self.row.ways[0]


class Arrival(msgspec.Struct, frozen=True):
    """A way that comes to its end, in one commit: `target` is stamped for the bucket where a replica is to be, None
    where none is to be made; then there is a `reason`, unless the version is gone. Its bytes are those of `commit`, or
    the parts that lie `staged`, or it is a delete marker, or it is there already and `acl` and tags are what is new.
    """

    first: First
    stamped: Stamped
    target: Stamped | None = None
    commit: CommitObject | None = None
    staged: Staged | None = None
    reason: str = ""


class Later(msgspec.Struct, frozen=True):
    """What could not be done now, and when it is to be tried again."""

    first: First
    held: Due
    until_ms: int


class Wanted(msgspec.Struct, frozen=True):
    """A version that may be in a bucket already."""

    found: Found
    key: str
    version_id: str


def description_of_replica(record: ObjectRecord, way: WayRecord) -> Description:
    """Return what is kept with a replica beside its bytes."""
    storage_class = way.storage_class or record.storage_class
    return Description(
        content_type=record.content_type,
        metadata=record.metadata,
        headers=record.headers,
        storage_class="" if storage_class == object_model.STANDARD else storage_class,
        tags=record.tags,
    )


def hold(txn: Txn, held: Held) -> None:
    """Let entries lie in the future."""
    for entry in held.entries:
        if txn.undue(entry.at_ms, entry.kind, entry.key):
            txn.due(held.until_ms, entry.kind, entry.key)


def _rows(txn: ReadTxn, prefix: bytes) -> list[Row]:
    return txn.range(prefix, prefix + b"\x80", 1)


def oldest(txn: ReadTxn, key: Key) -> First | None:
    """Return what the oldest row of a key asks for, None where there is none, or no bucket any more."""
    rows = _rows(txn, key.prefix)
    stored = txn.get(key.partition + keys.META)
    if not rows or stored is None:
        return None
    row_key, value = rows[0]
    row = keys.decode_replica(value)
    return First(row_key, row, _version(txn, key.partition, row_key, row), keys.decode_meta(stored))


def _version(txn: ReadTxn, partition: bytes, row_key: bytes, row: ReplicaRecord) -> ObjectRecord | None:
    """Return the version, or the delete marker, that a row is about, None where it is gone."""
    key = keys.parse_replica_prefix(row_key[:-8])
    found = find_version(txn, partition, key, row.version_id or object_model.NULL_VERSION)
    return found if found is not None and found.body == int.from_bytes(row_key[-8:], "big") else None


def is_there(txn: ReadTxn, wanted: Wanted) -> bool:
    """Say whether a version is in a bucket already."""
    return find_version(txn, wanted.found.row.partition, wanted.key, wanted.version_id) is not None


def finish(txn: Txn, held: Due) -> bool:
    """Remove a key's entry where nothing is left of it; False where something came since."""
    if _rows(txn, held.key) and txn.get(held.key[:PARTITION_BYTES] + keys.META) is not None:
        return False
    txn.undue(held.at_ms, held.kind, held.key)
    return True


def postpone(txn: Txn, later: Later) -> None:
    """Count an attempt, and let the key's entry lie until the next one."""
    first, held = later.first, later.held
    if txn.get(first.row_key) == records.encode(first.row):
        row = msgspec.structs.replace(first.row, attempts=first.row.attempts + 1)
        txn.put(first.row_key, records.encode(row))
    if txn.undue(held.at_ms, held.kind, held.key):
        txn.due(later.until_ms, held.kind, held.key)


def arrive(txn: Txn, arrival: Arrival) -> Stored:
    """Bring a way to its end: make the replica, or give it up, and note that at its source."""
    first, source = arrival.first, arrival.stamped
    stored = txn.get(first.row_key)
    row = None if stored is None else keys.decode_replica(stored)
    way = first.way
    if row is None or all(one.bucket != way.bucket for one in row.ways):
        return Stored(0, "", 0, 0)  # done already
    made = Stored(0, "", 0, 0)
    record = _version(txn, source.partition, first.row_key, row)
    if record is not None and arrival.target is not None:
        made = _replicate(txn, arrival, arrival.target, record)
    if row.revision != first.row.revision:
        return made  # it changed since: what changed is to go, too
    left = arrived(row, way.bucket, failed=bool(arrival.reason))
    if left.ways and record is not None:
        txn.put(first.row_key, records.encode(left))
    else:
        txn.delete(first.row_key)
    if record is None:
        return made
    meta, key = open_bucket(txn, source.partition, first.meta.name), source.request.key
    if not left.ways:
        record = write_version(txn, source, meta, key, with_status(record, ended(left)), record)
    if arrival.reason:
        operation = "OBJECT_DELETE" if record.is_delete_marker else "OBJECT_PUT"
        failed = Unreplicated(way.rule_id, way.bucket, operation, row.wall_ms, arrival.reason)
        tell(txn, source, meta, REPLICATION_FAILED, key, record, failed)
    return made


def _replicate(txn: Txn, arrival: Arrival, target: Stamped, record: ObjectRecord) -> Stored:
    """Make a replica, or bring the one that is there up to date."""
    partition, key = target.partition, target.request.key
    meta = open_bucket(txn, partition, target.request.bucket)
    if meta.versioning != configuration_model.VERSIONING_ENABLED:
        raise UNREPLICABLE_BUCKET.error()  # suspended since it was looked at
    there = find_version(txn, partition, key, record.version_id)
    if there is not None:
        if not there.is_delete_marker:
            before, after = there.lock or lock_model.ObjectLock(), record.lock or lock_model.ObjectLock()
            lock = locks.replicated(before, after, target.wall_ms)
            kept = None if lock == lock_model.ObjectLock() else lock
            changed = msgspec.structs.replace(there, tags=record.tags, acl=target.acl, lock=kept)
            write_version(txn, target, meta, key, changed, there)
        return Stored(0, "", 0, 0)
    if record.is_delete_marker:
        _mark(txn, target, meta, key, record)
        return Stored(0, "", 0, 0)
    if arrival.commit is not None:
        # The tags are those of now, not those of when its bytes began to be copied.
        description = msgspec.structs.replace(arrival.commit.description, tags=record.tags)
        return commit_object(txn, msgspec.structs.replace(arrival.commit, description=description, replica_of=record))
    if arrival.staged is not None:
        return _join(txn, arrival.staged, target, meta, record, arrival.first.way)
    # It was there when this was begun, and is gone: it was deleted for good.
    return Stored(0, "", 0, 0)


def _join(txn: Txn, staged: Staged, target: Stamped, meta: Meta, source: ObjectRecord, way: WayRecord) -> Stored:
    """Make the replica of an object in parts."""
    partition, key = target.partition, target.request.key
    parts = take_parts(txn, partition, staged, source)
    counters = open_counters(txn, partition)
    description = description_of_replica(source, way)
    record = ObjectRecord(
        size_bytes=source.size_bytes,
        body=counters.next,
        part_count=len(parts),
        crc64nvme=source.crc64nvme,
        content_type=description.content_type,
        metadata=dict(description.metadata),
        headers=dict(description.headers),
        storage_class=description.storage_class,
        tags=dict(description.tags),
        acl=target.acl,
        encryption=target.encryption,
    )
    record = as_replica(txn, target, meta, record, source)
    write_manifest(txn, partition, record.body, parts)
    replace_object(txn, target, meta, counters, find_current(txn, partition, key), record, CREATED_PUT)
    return stored_answer(record)


def _mark(txn: Txn, target: Stamped, meta: Meta, key: str, source: ObjectRecord) -> None:
    """Make the replica of a delete marker, and tell of it."""
    counters = open_counters(txn, target.partition)
    current = find_current(txn, target.partition, key)
    marker, counters = mark_deleted(txn, target, meta, counters, key, current, replica_of=source)
    save_counters(txn, target.partition, counters)
    if meta.listens:
        change = Change(
            REMOVED_BY_MARKER,
            key,
            marker.body,
            target.wall_ms,
            etag=ETAG_OF_NOTHING,
            version_id=marker.version_id,
        )
        write_events(txn, target, meta, change)
