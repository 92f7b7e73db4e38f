"""Tells new lifecycle rules to the records that are there already: the deed of `bucket.survey`.

Promises: a slice of records a transaction, each of which leaves the entry of the next one, so that it goes on where it
was after a restart, and never holds up others for long; rules that came since end it, for they have a survey of their
own.
"""

from typing import Final

import msgspec

from cumulo.object_store import keys
from cumulo.object_store.keys import Meta, UploadRecord
from cumulo.object_store.lifecycle_index import armed, upload_ends_ms
from cumulo.object_store.lifecycle_versions import rearmed
from cumulo.object_store.stamping import Stamped
from cumulo.storage import records, tuples
from cumulo.storage.engine import Due, Txn

SURVEYED_PER_TRANSACTION: Final = 100
"""Records that new rules are told to at once: of 25 KiB each at the most, where a function may write 4 MiB."""
_SUBSPACES: Final = (keys.OBJECTS, keys.UPLOADS, keys.VERSIONS)
"""In the order of their keys."""


class Surveying(msgspec.Struct, frozen=True):
    """One slice of a survey to do; `stamped` says when, and of which bucket."""

    entry: Due
    stamped: Stamped


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
    place = sum(position >= partition + subspace for subspace in _SUBSPACES) - 1
    subspace = _SUBSPACES[place]
    rows = txn.range(position, tuples.after(partition + subspace), SURVEYED_PER_TRANSACTION)
    for row_key, value in rows:
        if subspace == keys.UPLOADS:
            _survey_upload(txn, stamped, meta, row_key, keys.decode_upload(value))
            continue
        record = keys.decode_object(value)
        if subspace == keys.OBJECTS:
            changed = armed(txn, stamped, meta, keys.parse_object_key(row_key), record, record)
        else:
            changed = rearmed(txn, stamped, meta, keys.parse_version_key(row_key)[0], record, record)
        if changed != record:
            txn.put(row_key, records.encode(changed))
    if len(rows) == SURVEYED_PER_TRANSACTION:
        return rows[-1][0] + b"\x00"
    return partition + _SUBSPACES[place + 1] if place + 1 < len(_SUBSPACES) else b""


def _survey_upload(txn: Txn, stamped: Stamped, meta: Meta, row_key: bytes, upload: UploadRecord) -> None:
    key, number = keys.parse_upload_key(row_key)
    expires_ms = upload_ends_ms(txn, stamped, meta, key, upload.create_ms)
    if expires_ms == upload.expires_ms:
        return
    chunks = keys.chunk_prefix(stamped.partition, number)
    txn.undue(upload.expires_ms, keys.UPLOAD_EXPIRE, chunks)
    txn.due(expires_ms, keys.UPLOAD_EXPIRE, chunks, key.encode())
    txn.put(row_key, records.encode(msgspec.structs.replace(upload, expires_ms=expires_ms)))
