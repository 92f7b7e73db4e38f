"""The due-time index of lifecycle rules: every record that a rule will do something to has one entry, at that time.

Promises: the entry is written, moved and removed in the commits that write, change and remove the record, which says in
`due_ms` where it is; so no timer looks at what is not due. New rules are told to the records that are there already in
slices, one entry after the other (`survey`), each of which begins where the last one ended, across restarts too; until
then old entries fire, find nothing to do, and are set anew. Knows no deed: `lifecycle.py` does them.
"""

import hashlib
from typing import Final

import msgspec

from cumulo.object_store import keys
from cumulo.object_store.configuration_rows import read_value
from cumulo.object_store.keys import Meta, ObjectRecord, SurveyRecord, UploadRecord
from cumulo.object_store.lifecycle_model import Ending, Lifecycle
from cumulo.object_store.lifecycle_rules import TRUE_DAYS, Days, Rules, Thing, moments_of
from cumulo.object_store.model import UPLOAD_KEPT_MS
from cumulo.object_store.stamping import Stamped
from cumulo.storage import records, tuples
from cumulo.storage.engine import PARTITION_BYTES, Due, ReadTxn, Txn

KIND: Final = "lifecycle"
"""Of a bucket's configurations."""
SURVEYED_PER_TRANSACTION: Final = 100
"""Records that new rules are told to at once: of 25 KiB each at the most, where a function may write 4 MiB."""
_COMPILED_MAX: Final = 64
_compiled: dict[bytes, Rules] = {}
"""Rules by the digest of their configuration, which tells them wholly: what is remembered is never wrong."""


class Surveying(msgspec.Struct, frozen=True):
    """One slice of a survey to do; `stamped` says when, and of which bucket."""

    entry: Due
    stamped: Stamped


class AskedUpload(msgspec.Struct, frozen=True):
    """An upload of which somebody asks when a rule ends it."""

    partition: bytes
    lifecycle: bytes
    key: str
    create_ms: int


def digest_of(lifecycle: Lifecycle | None) -> bytes:
    """Return what tells a configuration from others, empty for none."""
    return b"" if lifecycle is None else hashlib.sha256(msgspec.msgpack.encode(lifecycle)).digest()[:16]


def rules_of(txn: ReadTxn, partition: bytes, digest: bytes) -> Rules | None:
    """Return a bucket's rules, None for none; `digest` is that of its Meta or its row."""
    if not digest:
        return None
    found = _compiled.get(digest)
    if found is not None:
        return found
    value = read_value(txn, partition, KIND)
    if not value:
        return None  # removed since the row was read
    lifecycle = msgspec.msgpack.decode(value, type=Lifecycle)
    if len(_compiled) >= _COMPILED_MAX:
        _compiled.clear()
    rules = Rules(lifecycle)
    _compiled[digest_of(lifecycle)] = rules
    return rules


def change_rules(txn: Txn, stamped: Stamped, meta: Meta, lifecycle: Lifecycle | None) -> bytes:
    """Note new rules, and begin to tell them to what is there; returns their digest."""
    digest = digest_of(lifecycle)
    if digest != meta.lifecycle:
        txn.put(stamped.partition + keys.META, records.encode(msgspec.structs.replace(meta, lifecycle=digest)))
        survey = SurveyRecord(lifecycle=digest, position=stamped.partition + keys.OBJECTS)
        txn.due(stamped.now_ms, keys.BUCKET_SURVEY, stamped.partition + keys.SURVEY, records.encode(survey))
    return digest


def armed(
    txn: Txn, stamped: Stamped, meta: Meta, key: str, record: ObjectRecord, before: ObjectRecord | None
) -> ObjectRecord:
    """Return a current version's record as it is to be written, and write its due entry; `before` is what it replaces,
    or was itself.
    """
    row_key = keys.object_key(stamped.partition, key)
    disarm(txn, row_key, before)
    rules = rules_of(txn, stamped.partition, meta.lifecycle)
    moments = []
    if rules is not None:
        thing, days = thing_of(key, record), Days(stamped.day_ms)
        moments += moments_of(rules.end_of_current(thing, days), rules.steps_of_current(thing, days))
    if record.restore is not None:
        moments.append(record.restore.expires_ms or record.restore.ready_ms)
    due_ms = _arm(txn, stamped, row_key, moments)
    return record if record.due_ms == due_ms else msgspec.structs.replace(record, due_ms=due_ms)


def armed_other(
    txn: Txn, stamped: Stamped, key: str, record: ObjectRecord, before: ObjectRecord | None
) -> ObjectRecord:
    """Return the record of a version that is not current as `armed` does; `before` is what it was in that place."""
    row_key = keys.version_key(stamped.partition, key, record.body)
    disarm(txn, row_key, before)
    restore = record.restore
    due_ms = _arm(txn, stamped, row_key, [] if restore is None else [restore.expires_ms or restore.ready_ms])
    return record if record.due_ms == due_ms else msgspec.structs.replace(record, due_ms=due_ms)


def disarm(txn: Txn, row_key: bytes, record: ObjectRecord | None) -> None:
    """Remove the due entry of a record that is removed or replaced."""
    if record is not None and record.due_ms:
        txn.undue(record.due_ms, keys.OBJECT_AGE, row_key)


def expiry_of(txn: ReadTxn, partition: bytes, digest: bytes, key: str, record: ObjectRecord) -> Ending | None:
    """Return when a current version expires, as callers are told."""
    rules = rules_of(txn, partition, digest)
    return None if rules is None else rules.end_of_current(thing_of(key, record), TRUE_DAYS)


def upload_ends_ms(txn: ReadTxn, stamped: Stamped, meta: Meta, key: str, create_ms: int) -> int:
    """Return when an open upload ends by itself: by a rule, or else after a week."""
    rules = rules_of(txn, stamped.partition, meta.lifecycle)
    end = None if rules is None else rules.abort_of(Thing(key, create_ms), Days(stamped.day_ms))
    wall_ms = create_ms + UPLOAD_KEPT_MS if end is None else end.wall_ms
    return stamped.now_ms + max(wall_ms - stamped.wall_ms, 0)


def upload_ending(txn: ReadTxn, upload: AskedUpload) -> Ending | None:
    """Return when a rule aborts an upload, as callers are told."""
    rules = rules_of(txn, upload.partition, upload.lifecycle)
    return None if rules is None else rules.abort_of(Thing(upload.key, upload.create_ms), TRUE_DAYS)


def thing_of(key: str, record: ObjectRecord) -> Thing:
    """Return what rules look at of a record."""
    return Thing(key, record.modified_ms, record.size_bytes, record.tags, record.storage_class)


def survey(txn: Txn, surveying: Surveying) -> None:
    """Tell a bucket's rules to some of its records, and leave an entry for the rest: the deed of `bucket.survey`."""
    entry, stamped = surveying.entry, surveying.stamped
    partition = stamped.partition
    txn.undue(entry.at_ms, entry.kind, entry.key)
    stored_meta = txn.get(partition + keys.META)
    record = keys.decode_survey(entry.payload)
    if stored_meta is None:
        return
    meta = keys.decode_meta(stored_meta)
    if meta.lifecycle != record.lifecycle:
        return  # other rules came since, and have a survey of their own
    position = _survey_rows(txn, stamped, meta, record.position)
    if position:
        following = msgspec.structs.replace(record, position=position)
        txn.due(stamped.now_ms, entry.kind, entry.key, records.encode(following))


def _survey_rows(txn: Txn, stamped: Stamped, meta: Meta, position: bytes) -> bytes:
    """Tell the rules to a slice of rows; returns where the next one begins, empty for the end."""
    partition = stamped.partition
    subspace = keys.UPLOADS if position >= partition + keys.UPLOADS else keys.OBJECTS
    rows = txn.range(position, tuples.after(partition + subspace), SURVEYED_PER_TRANSACTION)
    for row_key, value in rows:
        if subspace == keys.OBJECTS:
            record = keys.decode_object(value)
            key = keys.text_of(row_key, PARTITION_BYTES + len(subspace))
            changed = armed(txn, stamped, meta, key, record, record)
            if changed != record:
                txn.put(row_key, records.encode(changed))
        else:
            _survey_upload(txn, stamped, meta, row_key, keys.decode_upload(value))
    if len(rows) == SURVEYED_PER_TRANSACTION:
        return rows[-1][0] + b"\x00"
    return partition + keys.UPLOADS if subspace == keys.OBJECTS else b""


def _survey_upload(txn: Txn, stamped: Stamped, meta: Meta, row_key: bytes, upload: UploadRecord) -> None:
    key, number = keys.parse_upload_key(row_key)
    expires_ms = upload_ends_ms(txn, stamped, meta, key, upload.create_ms)
    if expires_ms == upload.expires_ms:
        return
    chunks = keys.chunk_prefix(stamped.partition, number)
    txn.undue(upload.expires_ms, keys.UPLOAD_EXPIRE, chunks)
    txn.due(expires_ms, keys.UPLOAD_EXPIRE, chunks, key.encode())
    txn.put(row_key, records.encode(msgspec.structs.replace(upload, expires_ms=expires_ms)))


def _arm(txn: Txn, stamped: Stamped, row_key: bytes, moments: list[int]) -> int:
    """Write a due entry for the first of some moments of the wall clock; returns its time, 0 for none."""
    if not moments:
        return 0
    due_ms = stamped.now_ms + max(min(moments) - stamped.wall_ms, 0)
    txn.due(due_ms, keys.OBJECT_AGE, row_key)
    return due_ms
