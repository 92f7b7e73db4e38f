"""ListObjectsV2: keys in order, rolled up at a delimiter, a page at a time.

Promises: one seek per common prefix, however many keys stand behind it; bounded work on each snapshot, so that a page
that takes more is read over several. Keys sort by their UTF-8 bytes, as in S3.

A listing is a position in the bucket's key order and what stands behind it: a step reads from the position on and says
where the next one starts.
"""

from typing import Generic, TypeVar

import msgspec

from cumulo.object_store import keys
from cumulo.object_store.body_model import COMPOSITE, FULL_OBJECT
from cumulo.object_store.buckets import open_bucket
from cumulo.object_store.listing_model import ObjectSummary
from cumulo.object_store.object_model import STANDARD
from cumulo.storage import tuples
from cumulo.storage.engine import FUNCTION_OPERATIONS_MAX, PARTITION_BYTES, ReadTxn

SEEKS_PER_STEP = FUNCTION_OPERATIONS_MAX // 2
_ROWS_PER_OPERATION = 100
_SUBSPACE_BYTES = PARTITION_BYTES + len(keys.OBJECTS)


class ListStep(msgspec.Struct, frozen=True, kw_only=True):
    """Read on from `position`, a place behind the subspace of the bucket's keys; `limit` counts keys and prefixes.
    `account` is the bucket's, where it is asked whose each object is and that may be another: records are read whole.
    """

    partition: bytes
    bucket: str
    prefix: str
    delimiter: str
    position: bytes
    limit: int
    account: str = ""


E = TypeVar("E")


class Listed(msgspec.Struct, Generic[E], frozen=True):
    """What a step found, objects or their versions, and where the next one starts: `position`, empty for nowhere.

    `is_full` says that the page is full; otherwise a step ended early, and the page goes on with another one.
    """

    objects: list[E]
    common_prefixes: list[str]
    position: bytes
    is_full: bool

    def __len__(self) -> int:
        return len(self.objects) + len(self.common_prefixes)


def first_position(prefix: str, delimiter: str, start_after: str) -> bytes:
    """Return where a listing begins: at its prefix, or behind `start_after`.

    A `start_after` that is itself a common prefix stands for all of it, as does one in a page token: what was listed is
    not listed again.
    """
    begin = keys.text_prefix(b"", prefix)
    if not start_after:
        return begin
    behind = tuples.encode((start_after,)) + b"\x00"
    if rolled_up(start_after, prefix, delimiter) == start_after:
        behind = tuples.after(keys.text_prefix(b"", start_after))
    return max(begin, behind)


def list_step(txn: ReadTxn, step: ListStep) -> Listed[ObjectSummary]:
    """Read one snapshot's part of a page; raises `NoSuchBucket`."""
    open_bucket(txn, step.partition, step.bucket)
    subspace = step.partition + keys.OBJECTS
    position, end = subspace + step.position, tuples.after(keys.text_prefix(subspace, step.prefix))
    if not step.delimiter:
        return _plain_page(txn, step, position, end)
    decode = keys.decode_object if step.account else keys.decode_summary
    objects: list[ObjectSummary] = []
    prefixes: list[str] = []
    seeks, count = 0, 0
    batch = 2
    while seeks < SEEKS_PER_STEP and position < end:
        rows = txn.range(position, end, batch)
        seeks += 1 + len(rows) // _ROWS_PER_OPERATION
        behind_common = b""
        for row_key, value in rows:
            if behind_common and row_key < behind_common:
                continue
            behind_common = b""
            if count == step.limit:
                return Listed(objects, prefixes, row_key[len(subspace) :], is_full=True)
            key = keys.text_of(row_key, _SUBSPACE_BYTES)
            common = common_prefix(key, step.prefix, step.delimiter)
            count += 1
            if common:
                prefixes.append(common)
                behind_common = tuples.after(keys.text_prefix(subspace, common))
            else:
                objects.append(_shown(key, decode(value), step.account))
        if len(rows) < batch:
            return Listed(objects, prefixes, b"", is_full=False)
        # Behind a common prefix most likely stands another one: look at one row. Behind keys stand keys: read more.
        position = behind_common or rows[-1][0] + b"\x00"
        batch = 1 if behind_common else min(batch * 2, step.limit + 1 - count)
    return Listed(objects, prefixes, position[len(subspace) :] if position < end else b"", is_full=False)


def _plain_page(txn: ReadTxn, step: ListStep, position: bytes, end: bytes) -> Listed[ObjectSummary]:
    """Read a page without a delimiter: one range has all of it, and every row is a key."""
    limit = step.limit
    rows = txn.range(position, end, limit + 1)
    found = rows[:limit]
    # A call saved is a tenth of what a row costs: hence the decoder itself where all records are of today's form.
    is_older = keys.FIRST_VERSION in [value[1] for _, value in found]
    decode = keys.decode_summary if is_older else keys.decode_current_summary
    if step.account:
        decode = keys.decode_object
    names = keys.texts_of([row_key for row_key, _ in found], _SUBSPACE_BYTES)
    objects = [_shown(name, decode(value), step.account) for name, (_, value) in zip(names, found, strict=True)]
    is_full = len(rows) > limit
    return Listed(objects, [], rows[limit][0][_SUBSPACE_BYTES:] if is_full else b"", is_full=is_full)


def _shown(key: str, summary: keys.Summary | keys.ObjectRecord, account: str) -> ObjectSummary:
    owner = owner_of(summary, account) if account and isinstance(summary, keys.ObjectRecord) else ""
    if not summary.checksums and not summary.storage_class and not owner:
        return ObjectSummary(key, summary.size_bytes, summary.etag, summary.modified_ms)
    return ObjectSummary(
        key,
        summary.size_bytes,
        summary.etag,
        summary.modified_ms,
        summary.storage_class or STANDARD,
        next(iter(summary.checksums), "crc64nvme"),
        COMPOSITE if summary.is_composite else FULL_OBJECT,
        owner,
    )


def owner_of(record: keys.ObjectRecord, account: str) -> str:
    """Return the account that an object belongs to, empty for the bucket's, which is `account`."""
    return "" if record.acl is None or record.acl.owner == account else record.acl.owner


def rolled_up(marker: str, prefix: str, delimiter: str) -> str:
    """Return the common prefix that a marker lies in, empty where it lies in none of this listing."""
    return common_prefix(marker, prefix, delimiter) if marker.startswith(prefix) else ""


def common_prefix(key: str, prefix: str, delimiter: str) -> str:
    """Return what a key is rolled up into, empty where it stands for itself."""
    if not delimiter:
        return ""
    at = key.find(delimiter, len(prefix))
    return key[: at + len(delimiter)] if at >= 0 else ""
