"""Seeks and snapshots: a native subscription begins anew, from a place in what its topic keeps.

A seek empties the subscription's queue and notes a position; everything that is kept from there on is then sent to the
queue in slices, each in the commit that moves the position, until the end is reached. Until then what is published does
not come by itself, since it is kept, too, and so comes in its order. From the slice that reaches the end the
subscription is live again, in that very commit. A crash repeats nothing and leaves nothing out. A snapshot is a
position under a name.
"""

import msgspec

from cumulo.queue_service import kinds, own_queues, topic_archives
from cumulo.queue_service.entrances import REFILL
from cumulo.queue_service.keys import META, decode_message, decode_meta, layout
from cumulo.queue_service.log_keys import LogEnds
from cumulo.queue_service.log_model import LogRecord
from cumulo.queue_service.messages import StampedSend
from cumulo.queue_service.native_model import NativePlace, NativeSnapshot, Target
from cumulo.queue_service.native_subscriptions import StampedNative, open_native
from cumulo.queue_service.open_log import position_at
from cumulo.queue_service.open_log import read as read_log
from cumulo.queue_service.open_queue import find_queue
from cumulo.queue_service.queues import DirectoryChanged
from cumulo.queue_service.topic_errors import (
    SNAPSHOT_EXISTS,
    SNAPSHOT_LIMIT_EXCEEDED,
    SNAPSHOT_NOT_FOUND,
    TOPIC_KEEPS_NOTHING,
)
from cumulo.queue_service.topic_keys import (
    REPLAY,
    SNAPSHOTS,
    Replay,
    Snapshot,
    decode_replay,
    decode_snapshot,
    snapshot_key,
    snapshot_name,
)
from cumulo.queue_service.topic_model import SNAPSHOTS_MAX, TopicPlace
from cumulo.queue_service.topics import confirm, meta_of
from cumulo.storage import records, tuples
from cumulo.storage.engine import Due, ReadTxn, Txn
from cumulo.storage.tuples import u64

PAGE_MESSAGES = 100
"""Messages that one slice looks at; each that is wanted takes up to 14 operations in a FIFO queue."""
PAGE_BYTES = 1024 * 1024
_PIECES_MAX = 20
"""More than the largest message has: 1 MiB in pieces of 64,000 bytes."""
_ROWS_OF_GONE_MAX = 50
"""Rows of messages that are gone, not cleared yet, that a snapshot steps over to find the first that is there."""


class StampedSeek(msgspec.Struct, frozen=True):
    """A seek; `snapshot` is a name. `queue` and `archive` are where the subscription's queue and the archive lie."""

    place: NativePlace
    partition: bytes
    queue: bytes
    archive: bytes
    by: Target
    time_ms: int
    snapshot: str
    now_ms: int


class StampedSnapshot(msgspec.Struct, frozen=True):
    """A snapshot to make of a subscription's place."""

    place: NativePlace
    partition: bytes
    subscription: NativePlace
    queue: bytes
    archive: bytes
    wall_ms: int


class StampedSnapshots(msgspec.Struct, frozen=True):
    """Snapshots to list."""

    place: TopicPlace
    partition: bytes
    archive: bytes


class StampedForget(msgspec.Struct, frozen=True):
    """A snapshot to forget."""

    place: NativePlace
    partition: bytes


class Page(msgspec.Struct, frozen=True):
    """What comes next of a replay: kept messages from `start` on, and the position behind them."""

    start: int
    upto: int
    kept: list[LogRecord]


class StampedRefill(msgspec.Struct, frozen=True):
    """A slice of a replay: the messages that the subscription wants of what is kept from `start` to before `upto`."""

    entry: Due
    archive: bytes
    start: int
    upto: int
    send: StampedSend


def seek(txn: Txn, request: StampedSeek) -> None:
    """Let a native subscription begin anew; raises `TopicKeepsNothing`, `SnapshotNotFound`."""
    found = open_native(txn, StampedNative(request.place, request.partition))
    meta = meta_of(txn, request.partition)
    assert meta is not None, request.partition
    if (meta.archive, found.row.queue) != (request.archive, request.queue):
        raise DirectoryChanged
    ends = topic_archives.ends_of(txn, request.archive)
    position = _position(txn, request, ends)
    own_queues.empty(txn, request.queue, request.now_ms)
    if ends is None:
        txn.delete(request.queue + REPLAY)
        return
    is_live = position >= ends.next
    txn.put(request.queue + REPLAY, records.encode(Replay(position=position, is_live=is_live, archive=request.archive)))
    if not is_live:
        txn.due(request.now_ms, REFILL, request.queue, request.partition + u64(found.number))


def _position(txn: ReadTxn, request: StampedSeek, ends: LogEnds | None) -> int:
    if request.by is Target.END:
        return 0 if ends is None else ends.next
    if ends is None:
        raise TOPIC_KEEPS_NOTHING.error(topic=request.place.topic.name)
    if request.by is Target.TIME:
        return position_at(txn, request.archive, ends, request.time_ms)
    raw = txn.get(snapshot_key(request.partition, request.snapshot))
    if raw is None:
        raise SNAPSHOT_NOT_FOUND.error(snapshot=request.snapshot)
    return max(decode_snapshot(raw).position, ends.first)


def next_page(txn: ReadTxn, request: tuple[bytes, bytes]) -> Page | None:
    """Return what comes next of the replay of a queue out of an archive; None where it is over. A read function."""
    queue, archive = request
    raw = txn.get(queue + REPLAY)
    replay = None if raw is None else decode_replay(raw)
    if replay is None or replay.is_live:
        return None
    ends = topic_archives.ends_of(txn, archive)
    if ends is None or replay.archive != archive:
        return Page(replay.position, replay.position, [])
    start = max(replay.position, ends.first)
    kept = read_log(txn, archive, 1, start, ends.next, PAGE_MESSAGES, PAGE_BYTES)
    return Page(replay.position, kept[-1].position + 1 if kept else ends.next, kept)


def refill(txn: Txn, request: StampedRefill) -> bool:
    """Send a slice of what is kept to a subscription's queue; say whether the replay is over."""
    queue, entry = request.entry.key, request.entry
    raw = txn.get(queue + REPLAY)
    replay = None if raw is None else decode_replay(raw)
    if replay is None or replay.is_live or find_queue(txn, queue) is None:
        txn.undue(entry.at_ms, entry.kind, entry.key)
        return True
    if replay.position != request.start:
        raise DirectoryChanged
    if request.send.messages:
        kinds.send_messages(txn, request.send)
    ends = topic_archives.ends_of(txn, request.archive)
    is_live = ends is None or replay.archive != request.archive or request.upto >= ends.next
    txn.put(queue + REPLAY, records.encode(msgspec.structs.replace(replay, position=request.upto, is_live=is_live)))
    if is_live:
        txn.undue(entry.at_ms, entry.kind, entry.key)
    return is_live


def create_snapshot(txn: Txn, request: StampedSnapshot) -> None:
    """Remember the place of the first message that a subscription has not acknowledged, or of the next to come."""
    place, partition = request.place, request.partition
    found = open_native(txn, StampedNative(request.subscription, partition))
    meta = meta_of(txn, partition)
    assert meta is not None, partition
    if (meta.archive, found.row.queue) != (request.archive, request.queue):
        raise DirectoryChanged
    ends = topic_archives.ends_of(txn, request.archive)
    if ends is None:
        raise TOPIC_KEEPS_NOTHING.error(topic=place.topic.name)
    key = snapshot_key(partition, place.name)
    if txn.get(key) is not None:
        raise SNAPSHOT_EXISTS.error(snapshot=place.name)
    prefix = partition + SNAPSHOTS
    if len(txn.range(prefix, tuples.after(prefix), SNAPSHOTS_MAX)) >= SNAPSHOTS_MAX:
        raise SNAPSHOT_LIMIT_EXCEEDED.error(limit=SNAPSHOTS_MAX)
    position = _first_open(txn, request.queue, request.archive, ends)
    row = Snapshot(position=position, subscription=request.subscription.name, create_ms=request.wall_ms)
    txn.put(key, records.encode(row))


def get_snapshot(txn: ReadTxn, request: StampedSnapshot) -> NativeSnapshot:
    """Return a snapshot; a read function."""
    raw = txn.get(snapshot_key(request.partition, request.place.name))
    if raw is None:
        raise SNAPSHOT_NOT_FOUND.error(snapshot=request.place.name)
    ends = topic_archives.ends_of(txn, request.archive) or LogEnds()
    return _shown(request.place, decode_snapshot(raw), ends)


def _first_open(txn: ReadTxn, queue: bytes, archive: bytes, ends: LogEnds) -> int:
    """Return the position before which a subscription has acknowledged everything that came to it.

    Messages lie in the order of their numbers, which is that of what is kept; a message knows when it was published,
    not where it is kept, so others of the same time may come again, too.
    """
    raw = txn.get(queue + REPLAY)
    replay = None if raw is None else decode_replay(raw)
    is_behind = replay is not None and not replay.is_live and replay.archive == archive
    end = max(replay.position, ends.first) if replay is not None and is_behind else ends.next
    meta = txn.get(queue + META)
    assert meta is not None, queue
    prefix = layout(queue, decode_meta(meta).generation).message
    start = prefix
    for _ in range(_ROWS_OF_GONE_MAX):
        rows = txn.range(start, prefix + b"\xff" * 9, 1)
        if not rows:
            return end
        key = rows[0][0][: len(prefix) + 8]
        if rows[0][0] != key:
            start = key + b"\xff"  # pieces of a message that is gone
            continue
        pieces = txn.range(key, key + b"\xff", _PIECES_MAX)
        published_ms = decode_message(b"".join(piece for _, piece in pieces)).sent_ms
        return min(position_at(txn, archive, ends, published_ms), end)
    return ends.first


def list_snapshots(txn: ReadTxn, request: StampedSnapshots) -> tuple[NativeSnapshot, ...]:
    """Return the snapshots of a topic by name; a read function."""
    confirm(txn, request.place, request.partition)
    ends = topic_archives.ends_of(txn, request.archive) or LogEnds()
    prefix = request.partition + SNAPSHOTS
    return tuple(
        _shown(
            NativePlace(request.place, snapshot_name(key, request.partition), "snapshots"), decode_snapshot(raw), ends
        )
        for key, raw in txn.range(prefix, tuples.after(prefix), SNAPSHOTS_MAX)
    )


def delete_snapshot(txn: Txn, request: StampedForget) -> None:
    """Forget a snapshot; nothing where it is not there."""
    confirm(txn, request.place.topic, request.partition)
    txn.delete(snapshot_key(request.partition, request.place.name))


def _shown(place: NativePlace, row: Snapshot, ends: LogEnds) -> NativeSnapshot:
    return NativeSnapshot(
        place=place,
        subscription=NativePlace(place.topic, row.subscription).full_name,
        create_ms=row.create_ms,
        message_count=max(0, ends.next - max(row.position, ends.first)),
    )
