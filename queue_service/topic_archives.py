"""What a topic keeps: a log without a name, in a partition of its own, of everything that was published.

Owns when the log is there, and what its records are: `StoredNotice`, in the order in which messages are delivered, at
the times at which they were published (`open_log`: times never fall); the key is the number in the outbox, which a FIFO
topic's sequence number is made of. A message is kept in the commit that delivers it
to its first subscribers, so it is kept once, or not at all while nobody has it. Retention is the log's own work.
"""

import msgspec

from cumulo.queue_service.entrances import TRIM
from cumulo.queue_service.keys import CLEAR
from cumulo.queue_service.log_keys import ENDS, META, PIECE_BYTES, LogEnds, LogMeta, decode_ends
from cumulo.queue_service.log_model import AppendEntry
from cumulo.queue_service.open_log import find_log
from cumulo.queue_service.topic_keys import TopicMeta
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn


class KeptNotice(msgspec.Struct, frozen=True, gc=False):
    """A message to keep: its number in the outbox, 0 where it was in none, its bytes, and when it was published."""

    seq: int
    body: bytes
    published_ms: int


class Kept(msgspec.Struct, frozen=True):
    """Messages to keep in an archive, in the order of their numbers."""

    archive: bytes
    notices: tuple[KeptNotice, ...]
    now_ms: int


def keep(txn: Txn, topic: TopicMeta, keep_s: int, partition: bytes, now_ms: int, wall_ms: int) -> TopicMeta:
    """Let a topic keep messages for `keep_s`, 0 for not at all; return its record as it is to be written. `partition`
    is used where the topic keeps nothing yet, from `wall_ms` on.
    """
    if not keep_s:
        if topic.archive:
            destroy(txn, topic.archive, now_ms)
        return msgspec.structs.replace(topic, archive=b"", keep_s=0, archive_ms=0)
    if topic.archive:
        log = find_log(txn, topic.archive)
        assert log is not None, topic.archive
        log.meta = msgspec.structs.replace(log.meta, retention_s=keep_s)
        txn.put(topic.archive + META, records.encode(log.meta))
        log.trim(now_ms)
        log.save()
    else:
        meta = LogMeta(account=topic.account, region=topic.region, name=topic.name, retention_s=keep_s)
        txn.put(partition + META, records.encode(meta))
        txn.put(partition + ENDS, records.encode(LogEnds()))
        topic = msgspec.structs.replace(topic, archive=partition, archive_ms=wall_ms)
    return msgspec.structs.replace(topic, keep_s=keep_s)


def destroy(txn: Txn, partition: bytes, now_ms: int) -> None:
    """Let go of everything that is kept."""
    log = find_log(txn, partition)
    assert log is not None, partition
    if log.trim_ms:
        txn.undue(log.trim_ms, TRIM, partition)
    txn.delete(partition + META)
    txn.delete(partition + ENDS)
    txn.due(now_ms, CLEAR, partition)


def append(txn: Txn, kept: Kept, behind: int = -1) -> int | None:
    """Keep messages, those with a number above `behind`; return the position of the last, None where there are none, or
    the topic keeps nothing any more.
    """
    log = find_log(txn, kept.archive)
    notices = [it for it in kept.notices if it.seq > behind]
    if log is None or not notices:
        return None
    for notice in notices:
        key = str(notice.seq) if notice.seq else ""
        log.append((AppendEntry(notice.body, key),), notice.published_ms, kept.now_ms)
    log.save()
    return log.next - 1


def operations_of(notice: bytes) -> int:
    """Return what keeping a message takes."""
    return 2 + len(notice) // PIECE_BYTES


def ends_of(txn: ReadTxn, partition: bytes) -> LogEnds | None:
    """Return the ends of what is kept; None where nothing is."""
    raw = txn.get(partition + ENDS) if partition else None
    return None if raw is None else decode_ends(raw)


def count(txn: ReadTxn, partition: bytes) -> int:
    """Return how many messages are kept."""
    ends = ends_of(txn, partition)
    return 0 if ends is None else ends.next - ends.first
