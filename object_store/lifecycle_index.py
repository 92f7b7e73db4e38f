"""The due-time index of lifecycle rules: every record that a rule will do something to has one entry, at that time.

Promises: the entry is written, moved and removed in the commits that write, change and remove the record, which says in
`due_ms` where it is; so no timer looks at what is not due. Here it is that of current versions and of uploads; that of
others is `lifecycle_versions.py`'s. New rules are told to the records that are there already by a survey
(`lifecycle_survey.py`); until then old entries fire, find nothing to do, and are set anew. Knows no deed:
`lifecycle.py` does them.
"""

import hashlib
from typing import Final

import msgspec

from cumulo.object_store import keys
from cumulo.object_store.configuration_rows import read_value
from cumulo.object_store.keys import Meta, ObjectRecord, SurveyRecord
from cumulo.object_store.lifecycle_model import Ending, Lifecycle
from cumulo.object_store.lifecycle_rules import S3_TERMS, Rules, Thing, moments_of
from cumulo.object_store.object_model import REPLICATION_FAILED, REPLICATION_PENDING
from cumulo.object_store.stamping import Stamped
from cumulo.object_store.upload_model import UPLOAD_KEPT_MS
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn

KIND: Final = "lifecycle"
"""Of a bucket's configurations."""
_COMPILED_MAX: Final = 64
_compiled: dict[bytes, Rules] = {}
"""Rules by the digest of their configuration, which tells them wholly: what is remembered is never wrong."""


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
        begin_survey(txn, stamped, digest)
    return digest


def begin_survey(txn: Txn, stamped: Stamped, digest: bytes) -> None:
    """Begin to tell a bucket's rules to what is there."""
    survey = SurveyRecord(lifecycle=digest, position=stamped.partition + keys.OBJECTS)
    txn.due(stamped.now_ms, keys.BUCKET_SURVEY, stamped.partition + keys.SURVEY, records.encode(survey))


def is_unreplicated(meta: Meta, record: ObjectRecord) -> bool:
    """Say whether rules leave a version alone because it is still to arrive in another bucket, or failed to; in a
    bucket that replicates nothing any more they do not wait for that. Source: S3 user guide, "How S3 Lifecycle
    interacts with other bucket configurations".
    """
    return bool(meta.replication) and record.replication in (REPLICATION_PENDING, REPLICATION_FAILED)


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
    if rules is not None and not is_unreplicated(meta, record):
        thing, terms = thing_of(key, record), stamped.terms
        moments += moments_of(rules.end_of_current(thing, terms), rules.steps_of_current(thing, terms))
    return with_due(record, arm(txn, stamped, row_key, moments + restore_moments(record)))


def disarm(txn: Txn, row_key: bytes, record: ObjectRecord | None) -> None:
    """Remove the due entry of a record that is removed or replaced."""
    if record is not None and record.due_ms:
        txn.undue(record.due_ms, keys.OBJECT_AGE, row_key)


def expiry_of(txn: ReadTxn, partition: bytes, digest: bytes, key: str, record: ObjectRecord) -> Ending | None:
    """Return when a current version expires, as callers are told."""
    rules = rules_of(txn, partition, digest)
    return None if rules is None else rules.end_of_current(thing_of(key, record), S3_TERMS)


def upload_ends_ms(txn: ReadTxn, stamped: Stamped, meta: Meta, key: str, create_ms: int) -> int:
    """Return when an open upload ends by itself: by a rule, or else after a week."""
    rules = rules_of(txn, stamped.partition, meta.lifecycle)
    end = None if rules is None else rules.abort_of(Thing(key, create_ms), stamped.terms)
    wall_ms = create_ms + UPLOAD_KEPT_MS if end is None else end.wall_ms
    return stamped.now_ms + max(wall_ms - stamped.wall_ms, 0)


def upload_ending(txn: ReadTxn, upload: AskedUpload) -> Ending | None:
    """Return when a rule aborts an upload, as callers are told."""
    rules = rules_of(txn, upload.partition, upload.lifecycle)
    return None if rules is None else rules.abort_of(Thing(upload.key, upload.create_ms), S3_TERMS)


def thing_of(key: str, record: ObjectRecord) -> Thing:
    """Return what rules look at of a record."""
    return Thing(key, record.modified_ms, record.size_bytes, record.tags, record.storage_class, record.is_delete_marker)


def arm(txn: Txn, stamped: Stamped, row_key: bytes, moments: list[int], payload: bytes = b"") -> int:
    """Write a due entry for the first of some moments of the wall clock; returns its time, 0 for none."""
    if not moments:
        return 0
    due_ms = stamped.now_ms + max(min(moments) - stamped.wall_ms, 0)
    txn.due(due_ms, keys.OBJECT_AGE, row_key, payload)
    return due_ms


def with_due(record: ObjectRecord, due_ms: int) -> ObjectRecord:
    """Return a record that says where its due entry is."""
    return record if record.due_ms == due_ms else msgspec.structs.replace(record, due_ms=due_ms)


def restore_moments(record: ObjectRecord) -> list[int]:
    """Return when the restore of an archived version goes on: its copy comes, or goes."""
    restore = record.restore
    return [] if restore is None else [restore.expires_ms or restore.ready_ms]
