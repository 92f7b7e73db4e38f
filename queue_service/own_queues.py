"""Queues that belong to a topic or a subscription: without a name in the directory, in partitions of their own.

They hold messages like any other queue, and by the same functions; nobody reaches them but the room itself.
"""

from collections.abc import Iterable

import msgspec

from cumulo.queue_service.fifo_keys import FifoState
from cumulo.queue_service.fifo_queue import FifoQueue
from cumulo.queue_service.keys import COUNTERS, META, Counters, Meta, StoredMessage
from cumulo.queue_service.leases import Held, take_out
from cumulo.queue_service.model import MESSAGE_RETENTION_S_MAX
from cumulo.queue_service.open_queue import OpenQueue, find_queue
from cumulo.queue_service.queues import abandon_content
from cumulo.queue_service.topic_keys import KEPT, PROGRESS, REPLAY, TopicMeta
from cumulo.queue_service.whereabouts import whereabouts
from cumulo.storage import records
from cumulo.storage.engine import Txn


class OwnSettings(msgspec.Struct, frozen=True):
    """What is to be set of a native subscription's queue."""

    visibility_timeout_s: int
    message_retention_s: int
    max_receive_count: int


def make(txn: Txn, partition: bytes, topic: TopicMeta, *, fifo: bool) -> None:
    """Make a queue in a partition that nobody has used. What it holds is kept for as long as SQS keeps anything."""
    meta = Meta(
        account=topic.account,
        region=topic.region,
        name=topic.name,
        message_retention_s=MESSAGE_RETENTION_S_MAX,
        create_ms=topic.create_ms,
        fifo=fifo,
    )
    txn.put(partition + META, records.encode(meta))
    txn.put(partition + COUNTERS, records.encode(Counters()))


def set_deduplication(txn: Txn, partition: bytes, *, by_content: bool, scope: str) -> None:
    """Set how a FIFO queue tells duplicates."""
    queue = find_queue(txn, partition)
    assert queue is not None, partition
    meta = msgspec.structs.replace(queue.meta, content_based_deduplication=by_content, deduplication_scope=scope)
    if meta != queue.meta:
        txn.put(partition + META, records.encode(meta))


def remove(queue: OpenQueue, messages: Iterable[tuple[int, str]], now_ms: int) -> None:
    """Delete ready messages, by number and group."""
    groups = dict.fromkeys(_remove(queue, seq, group_id, now_ms) for seq, group_id in messages)
    if isinstance(queue, FifoQueue):
        for number in groups:
            queue.settle(number)
    queue.save()


def _remove(queue: OpenQueue, seq: int, group_id: str, now_ms: int) -> int:
    """Delete one; return the number of its group, 0 where it has none."""
    there = whereabouts(queue, {seq: StoredMessage(group_id=group_id)})[seq]
    if isinstance(there.state, FifoState):
        assert isinstance(queue, FifoQueue), queue.partition
        queue.remove(there.group, seq, there.state, now_ms)
        return there.group
    take_out(queue, seq, Held(there.place, there.state, leased=False), now_ms)
    queue.drop(seq, there.state, now_ms)
    return 0


def configure(txn: Txn, partition: bytes, name: str, settings: OwnSettings, now_ms: int) -> None:
    """Set how a queue holds messages, and what its dead letters say where they come from."""
    queue = find_queue(txn, partition)
    assert queue is not None, partition
    meta = msgspec.structs.replace(queue.meta, name=name, **msgspec.structs.asdict(settings))
    if meta == queue.meta:
        return
    txn.put(partition + META, records.encode(meta))
    if queue.retain_ms:
        queue.retain_by(now_ms)
    queue.save()


def empty(txn: Txn, partition: bytes, now_ms: int) -> None:
    """Delete everything that a queue holds; receipts of it prove nothing from then on."""
    queue = find_queue(txn, partition)
    assert queue is not None, partition
    abandon_content(txn, queue, now_ms)
    txn.put(partition + META, records.encode(msgspec.structs.replace(queue.meta, generation=queue.meta.generation + 1)))
    txn.put(partition + COUNTERS, records.encode(Counters(next_seq=queue.next_seq)))


def destroy(txn: Txn, partition: bytes, now_ms: int) -> None:
    """Delete a queue and everything in it."""
    queue = find_queue(txn, partition)
    assert queue is not None, partition
    abandon_content(txn, queue, now_ms)
    txn.notify(partition)
    for row in (META, COUNTERS, PROGRESS, KEPT, REPLAY):
        txn.delete(partition + row)
