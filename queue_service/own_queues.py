"""Queues that belong to a topic or a subscription: without a name in the directory, in partitions of their own.

They hold messages like any other queue, and by the same functions; nobody reaches them but the room itself.
"""

import msgspec

from cumulo.queue_service.keys import COUNTERS, META, Counters, Meta
from cumulo.queue_service.model import MESSAGE_RETENTION_S_MAX
from cumulo.queue_service.open_queue import find_queue
from cumulo.queue_service.queues import abandon_content
from cumulo.queue_service.topic_keys import TopicMeta
from cumulo.storage import records
from cumulo.storage.engine import Txn


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


def destroy(txn: Txn, partition: bytes, now_ms: int) -> None:
    """Delete a queue and everything in it."""
    queue = find_queue(txn, partition)
    assert queue is not None, partition
    abandon_content(txn, queue, now_ms)
    txn.notify(partition)
    txn.delete(partition + META)
    txn.delete(partition + COUNTERS)
