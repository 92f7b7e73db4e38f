"""The quota of calls on FIFO queues: so many a second of each action, as SQS has it; off unless it is set.

Owns one bucket for each queue and action in use, which holds the calls of one second and fills as time passes. A call
about up to ten messages counts one, as in SQS, where that is the largest batch; a larger one, over gRPC, counts one for
each ten begun. Buckets are lost at a restart, and the one that was not used for longest where there are too many: a
bucket that is made anew is full. Knows no clock.
"""

from collections import OrderedDict

import msgspec

from cumulo.queue_service.errors import REQUEST_THROTTLED
from cumulo.queue_service.keys import META, decode_meta
from cumulo.queue_service.leases import StampedChange, StampedDelete
from cumulo.queue_service.messages import StampedReceive, StampedSend
from cumulo.queue_service.model import FIFO_THROUGHPUT_LIMITS
from cumulo.storage.engine import ReadTxn

BUCKETS_MAX = 10_000
MESSAGES_PER_CALL = 10
ACTIONS = frozenset(
    (
        "SendMessage",
        "BatchSendMessages",
        "CommitMessages",
        "ReceiveMessages",
        "DeleteMessage",
        "BatchDeleteMessages",
        "ChangeMessageVisibility",
        "BatchChangeMessageVisibility",
    )
)
"""The operations that are counted, each for itself."""


class _Bucket(msgspec.Struct, gc=False):
    """What is left of a second's calls, in thousandths of a call, as of `at_ms`."""

    left: int
    at_ms: int


class Throughput:
    """The buckets of a server; `calls_per_s` is the quota."""

    def __init__(self, calls_per_s: int) -> None:
        self._calls_per_s = calls_per_s
        self._buckets: OrderedDict[tuple[bytes, str], _Bucket] = OrderedDict()

    @property
    def is_limited(self) -> bool:
        """Say whether there is a quota at all."""
        return self._calls_per_s > 0

    def take(self, partition: bytes, action: str, messages: int, now_ms: int) -> None:
        """Count a call about so many messages; raises `RequestThrottled` where the second's calls are used up."""
        full = self._calls_per_s * 1000
        bucket = self._buckets.get((partition, action))
        if bucket is None:
            bucket = self._buckets[partition, action] = _Bucket(full, now_ms)
            if len(self._buckets) > BUCKETS_MAX:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end((partition, action))
        bucket.left = min(full, bucket.left + (now_ms - bucket.at_ms) * self._calls_per_s)
        bucket.at_ms = now_ms
        cost = min(full, max(1, -(-messages // MESSAGES_PER_CALL)) * 1000)
        if bucket.left < cost:
            raise REQUEST_THROTTLED.error()
        bucket.left -= cost


def messages_asked(stamped: StampedSend | StampedReceive | StampedDelete | StampedChange) -> int:
    """Return about how many messages a call is, or may be."""
    if isinstance(stamped, StampedReceive):
        return stamped.demands[0].max_messages
    return len(stamped.messages if isinstance(stamped, StampedSend) else stamped.receipts)


def has_quota(txn: ReadTxn, partition: bytes) -> bool:
    """Say whether a queue's throughput limit is for the queue as a whole; a read function."""
    meta = txn.get(partition + META)
    return meta is not None and decode_meta(meta).fifo_throughput_limit == FIFO_THROUGHPUT_LIMITS[0]
