"""ListObjectVersions: current versions, other versions and delete markers by key, newest first, in one pass.

Promises: what a listing of objects promises (listing.py): one seek per common prefix, bounded work on each snapshot.
The current versions and the others stand in two ranges of one order, and are merged as they are read.

A position is a place in both ranges: a key's own is that of its current version, one with a number behind it that of
another version.
"""

from collections.abc import Iterator

import msgspec

from cumulo.object_store import keys
from cumulo.object_store.body_model import COMPOSITE, FULL_OBJECT
from cumulo.object_store.buckets import open_bucket
from cumulo.object_store.keys import ObjectRecord
from cumulo.object_store.listing import SEEKS_PER_STEP, Listed, ListStep, common_prefix, owner_of, rolled_up
from cumulo.object_store.listing_model import ObjectVersion
from cumulo.object_store.object_model import NULL_VERSION, STANDARD
from cumulo.object_store.versions import find_current, find_version, newest_other, place_of_id
from cumulo.storage import tuples
from cumulo.storage.engine import PARTITION_BYTES, ReadTxn, Row

_ROWS_PER_OPERATION = 100
_NUMBER_BYTES = 8
_SUBSPACE_BYTES = PARTITION_BYTES + len(keys.OBJECTS)
assert len(keys.VERSIONS) == len(keys.OBJECTS)


class VersionStep(ListStep, frozen=True, kw_only=True):
    """Read on from `position`, or, where that is empty, from behind a version of `key_marker`: which one is the null
    version shows on the snapshot.
    """

    key_marker: str = ""
    version_id_marker: str = ""


class _Rows:
    """The rows of a range from a position on, in batches that grow."""

    def __init__(self, txn: ReadTxn, subspace: bytes, position: bytes, end: bytes, batch: int) -> None:
        self._txn = txn
        self._subspace = subspace
        self._start, self._end = subspace + position, subspace + end
        self._batch, self._largest = min(2, batch), batch
        self._ahead: list[Row] = []
        self._is_last = False
        self.operations = 0

    def head(self) -> Row | None:
        """Return the next row, None where there is none; its key is its place in the subspace."""
        if not self._ahead:
            if self._is_last or self._start >= self._end:
                return None
            rows = self._txn.range(self._start, self._end, self._batch)
            self.operations += 1 + len(rows) // _ROWS_PER_OPERATION
            self._is_last = len(rows) < self._batch
            self._batch = min(self._batch * 2, self._largest)
            if not rows:
                return None
            self._start = rows[-1][0] + b"\x00"
            self._ahead = [(row_key[_SUBSPACE_BYTES:], value) for row_key, value in reversed(rows)]
        return self._ahead[-1]

    def take(self) -> None:
        """Leave the head behind."""
        self._ahead.pop()

    def skip_to(self, position: bytes) -> None:
        """Leave all that stands before a position behind."""
        while self._ahead and self._ahead[-1][0] < position:
            self._ahead.pop()
        if not self._ahead and self._start < self._subspace + position:
            self._start = self._subspace + position
            self._batch = 1  # behind a common prefix most likely stands another one


def first_position(prefix: str, delimiter: str, key_marker: str) -> bytes:
    """Return where a listing begins: at its prefix, or behind all versions of `key_marker`.

    A marker within a common prefix stands for all of it.
    """
    begin = keys.text_prefix(b"", prefix)
    if not key_marker:
        return begin
    common = rolled_up(key_marker, prefix, delimiter)
    if common:
        return max(begin, tuples.after(keys.text_prefix(b"", common)))
    return max(begin, keys.behind_versions(key_marker))


def list_versions(txn: ReadTxn, step: VersionStep) -> Listed[ObjectVersion]:
    """Read one snapshot's part of a page; raises `NoSuchBucket`."""
    partition = step.partition
    open_bucket(txn, partition, step.bucket)
    position = _with_restored(txn, partition, step.position or _behind_marker(txn, step))
    end = tuples.after(keys.text_prefix(b"", step.prefix))
    batch = step.limit + 1
    current = _Rows(txn, partition + keys.OBJECTS, position, end, batch)
    others = _Rows(txn, partition + keys.VERSIONS, position, end, batch)
    found: Listed[ObjectVersion] = Listed([], [], b"", is_full=False)
    key, newest = "", 0
    for place, value, is_current in _merged(current, others):
        if len(found) == step.limit:
            return msgspec.structs.replace(found, position=place, is_full=True)
        if current.operations + others.operations >= SEEKS_PER_STEP:
            return msgspec.structs.replace(found, position=place)
        text = keys.text_of(place if is_current else place[:-_NUMBER_BYTES], 0)
        common = common_prefix(text, step.prefix, step.delimiter)
        if common:
            found.common_prefixes.append(common)
            behind = tuples.after(keys.text_prefix(b"", common))
            current.skip_to(behind)
            others.skip_to(behind)
            continue
        record = keys.decode_object(value)
        if text != key:
            # A step may begin in the midst of a key; of every other one the newest version comes first.
            key, newest = text, record.body if key or is_current else _newest(txn, partition, text)
        owner = owner_of(record, step.account) if step.account else ""
        found.objects.append(_shown(text, record, owner, is_latest=record.body == newest))
    return found


def _merged(current: _Rows, others: _Rows) -> Iterator[tuple[bytes, bytes, bool]]:
    """Yield the rows of both ranges in one order, and whether each is of a current version; what follows may be skipped
    before the next one is asked for.
    """
    while True:
        first, second = current.head(), others.head()
        if first is None and second is None:
            return
        if first is not None and (second is None or first[0] < second[0]):
            current.take()
            yield *first, True
        elif second is not None:
            others.take()
            yield *second, False


def _behind_marker(txn: ReadTxn, step: VersionStep) -> bytes:
    """Return the place behind a version: where the null version or the replica that a marker names is gone, that of its
    key, since what was listed and then deleted must not hide what is older.
    """
    key = step.key_marker
    if step.version_id_marker == NULL_VERSION:
        found = find_version(txn, step.partition, key, NULL_VERSION)
        number = None if found is None else found.body
    else:
        number = place_of_id(txn, step.partition, key, step.version_id_marker)
    begin = keys.text_prefix(b"", step.prefix)
    return max(begin, tuples.encode((key,)) if number is None else keys.version_place(key, number) + b"\x00")


def _with_restored(txn: ReadTxn, partition: bytes, position: bytes) -> bytes:
    """Return where to read on from a position within a key: from the key's own place where what stood behind the
    position is the current version since, because all that was listed of the key is deleted.
    """
    place = keys.parse_version_place(position)
    if place is None:
        return position
    key, number, is_behind = place
    current = find_current(txn, partition, key)
    is_left = current is not None and (current.body < number or (current.body == number and not is_behind))
    return tuples.encode((key,)) if is_left else position


def _newest(txn: ReadTxn, partition: bytes, key: str) -> int:
    """Return the number of a key's newest version or delete marker; it has one."""
    newest = find_current(txn, partition, key) or newest_other(txn, partition, key)
    assert newest is not None, (partition, key)
    return newest.body


def _shown(key: str, record: ObjectRecord, owner: str, *, is_latest: bool) -> ObjectVersion:
    return ObjectVersion(
        key,
        record.version_id or NULL_VERSION,
        is_latest,
        record.size_bytes,
        record.etag,
        record.modified_ms,
        record.storage_class or STANDARD,
        next(iter(record.checksums), "crc64nvme"),
        COMPOSITE if record.is_composite else FULL_OBJECT,
        owner,
    )
