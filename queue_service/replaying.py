"""Replays to queues of SQS: what a FIFO topic kept comes to a subscription again, by its replay policy.

Beside the subscription stands how far it came (`topic_keys.Replay`), as a sought native one has it in its queue: what
is kept is sent in slices, each in the commit that moves the position, and until the end is reached nothing that is
published comes by itself, since it is kept, too. A policy without an end leaves the subscription live in the commit of
its last slice; one with an end leaves it paused. A crash repeats nothing and leaves nothing out.

A replay has failed where the archive went meanwhile, or no queue takes anything from the topic; then the subscription
is live, and what was not replayed is left out.
"""

import msgspec

from cumulo.queue_service import publishing, topic_archives
from cumulo.queue_service.archive_policies import REPLAY_POLICY, replay_points
from cumulo.queue_service.entrances import REPLAY_DUE
from cumulo.queue_service.log_model import LogRecord
from cumulo.queue_service.open_log import position_at
from cumulo.queue_service.open_log import read as read_log
from cumulo.queue_service.publishing import QueueDelivery
from cumulo.queue_service.queues import DirectoryChanged
from cumulo.queue_service.topic_errors import INVALID_PARAMETER
from cumulo.queue_service.topic_keys import (
    Phase,
    Replay,
    SubscriptionRow,
    decode_replay,
    owner_in,
    owner_of,
    replay_key,
)
from cumulo.queue_service.topics import meta_of
from cumulo.storage import records
from cumulo.storage.engine import Due, ReadTxn, Txn

PAGE_MESSAGES = 60
"""Messages that one slice looks at; each that is wanted takes up to 15 operations in a FIFO queue, and its pieces."""
PAGE_BYTES = 1024 * 1024
_STATUS = {
    Phase.PENDING: "Pending",
    Phase.IN_PROGRESS: "In progress",
    Phase.COMPLETED: "Completed",
    Phase.FAILED: "Failed",
}


class Page(msgspec.Struct, frozen=True):
    """What comes next of a replay: kept messages, and the position behind them."""

    replay: Replay
    upto: int
    kept: list[LogRecord]


class StampedSlice(msgspec.Struct, frozen=True):
    """A slice of a replay that stood as `replay`: what goes to the subscription's queue of what is kept up to `upto`.
    With `fails` there is no queue for it.
    """

    entry: Due
    replay: Replay
    upto: int
    deliveries: tuple[QueueDelivery, ...]
    fails: bool = False


def find(txn: ReadTxn, partition: bytes, number: int) -> Replay | None:
    """Return the replay of a topic's subscription, None where it has none."""
    raw = txn.get(replay_key(partition, number))
    return None if raw is None else decode_replay(raw)


def status(txn: ReadTxn, partition: bytes, number: int, row: SubscriptionRow) -> str:
    """Return SNS's `ReplayStatus`, empty where the subscription has no replay policy."""
    if REPLAY_POLICY not in row.attributes:
        return ""
    replay = find(txn, partition, number)
    return _STATUS[Phase.PENDING if replay is None else replay.phase]


def begin(txn: Txn, partition: bytes, number: int, row: SubscriptionRow, archive: bytes, now_ms: int) -> None:
    """Do what the replay policy of a confirmed subscription says, from its beginning; without one, let a replay end.
    `archive` is the topic's.
    """
    meta = meta_of(txn, partition)
    assert meta is not None, partition
    if meta.archive != archive:
        raise DirectoryChanged
    points = replay_points(row.attributes[REPLAY_POLICY]) if REPLAY_POLICY in row.attributes else None
    if points is None:
        before = find(txn, partition, number)
        if before is not None:  # what was kept behind its position and is still on its way comes
            _put(txn, partition, number, msgspec.structs.replace(before, is_live=True, phase=Phase.COMPLETED))
        return
    ends = topic_archives.ends_of(txn, archive)
    if ends is None:
        raise INVALID_PARAMETER.error(text=f"{REPLAY_POLICY}: the topic has no active ArchivePolicy")
    position = position_at(txn, archive, ends, points.start_ms)
    _put(txn, partition, number, Replay(position=position, archive=archive, end_ms=points.end_ms))
    txn.due(now_ms, REPLAY_DUE, owner_of(partition, number))


def next_page(txn: ReadTxn, request: tuple[bytes, int, bytes]) -> Page | None:
    """Return what comes next of a subscription's replay out of an archive; None where it is over. A read function."""
    partition, number, archive = request
    replay = find(txn, partition, number)
    if replay is None or not replay.is_under_way:
        return None
    ends = topic_archives.ends_of(txn, archive)
    if ends is None or replay.archive != archive:
        return Page(replay, replay.position, [])
    stop = position_at(txn, archive, ends, replay.end_ms) if replay.end_ms else ends.next
    start = max(replay.position, ends.first)
    kept = read_log(txn, archive, 1, start, stop, PAGE_MESSAGES, PAGE_BYTES) if start < stop else []
    return Page(replay, kept[-1].position + 1 if kept else max(start, stop), kept)


def replay_slice(txn: Txn, request: StampedSlice) -> bool:
    """Send a slice of what is kept; say whether the replay is over. Raises `DirectoryChanged` where it is another."""
    entry = request.entry
    partition, number = owner_in(entry.key)
    there = find(txn, partition, number)
    if there is None or not there.is_under_way:
        txn.undue(entry.at_ms, entry.kind, entry.key)
        return True
    if there != request.replay:
        raise DirectoryChanged
    publishing.deliver(txn, request.deliveries)
    meta = meta_of(txn, partition)
    ends = None if meta is None or meta.archive != there.archive else topic_archives.ends_of(txn, there.archive)
    if ends is None or request.fails:
        position = there.position if ends is None else ends.next
        after = msgspec.structs.replace(there, position=position, is_live=True, phase=Phase.FAILED)
    elif there.end_ms:
        is_over = request.upto >= position_at(txn, there.archive, ends, there.end_ms)
        phase = Phase.COMPLETED if is_over else Phase.IN_PROGRESS
        after = msgspec.structs.replace(there, position=request.upto, phase=phase)
    else:
        is_live = request.upto >= ends.next
        phase = Phase.COMPLETED if is_live else Phase.IN_PROGRESS
        after = msgspec.structs.replace(there, position=request.upto, is_live=is_live, phase=phase)
    _put(txn, partition, number, after)
    if not after.is_under_way:
        txn.undue(entry.at_ms, entry.kind, entry.key)
    return not after.is_under_way


def _put(txn: Txn, partition: bytes, number: int, replay: Replay) -> None:
    txn.put(replay_key(partition, number), records.encode(replay))
