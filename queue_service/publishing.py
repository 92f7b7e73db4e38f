"""Publishing: a message goes to every subscription's queue in one commit, or through the topic's outbox.

A message that few subscribers of a standard topic want is written to their queues at once, all or none. One for many,
and every one of a FIFO topic, is first sent to the topic's outbox, which is a queue itself: it deduplicates and orders
as such. From there it is delivered in slices, each in the commit that notes how far it came, and the last in the one
that deletes it: a crash repeats nothing and leaves out nobody.

Owns what happens in a transaction; which queues want which message, and in what words, was decided before.
"""

import msgspec

from cumulo.queue_service import kinds, own_queues
from cumulo.queue_service.fifo_queue import find_any
from cumulo.queue_service.leases import Outcome
from cumulo.queue_service.messages import StampedSend
from cumulo.queue_service.open_queue import find_queue
from cumulo.queue_service.queues import DirectoryChanged
from cumulo.queue_service.topic_errors import TOPIC_NOT_FOUND
from cumulo.queue_service.topic_keys import DELIVER, FAN_OUT, PROGRESS
from cumulo.queue_service.topics import meta_of, state_of
from cumulo.storage.engine import Due, ReadTxn, Txn
from cumulo.storage.tuples import u64

OPERATIONS_MAX = 1_300
"""What the deliveries of one transaction may take; the engine allows 2,000, and an outbox has its own part."""
BYTES_MAX = 3 * 1024 * 1024
"""What they may write; the engine allows 4 MiB."""
_OPERATIONS_OF_QUEUE = 8
_OPERATIONS_OF_MESSAGE = 14
"""At most, in a FIFO queue."""


class QueueDelivery(msgspec.Struct, frozen=True):
    """Messages for one subscription. `owner` leads to it (`topic_keys.owner_of`) where the queue is its own, and
    somebody must be told; it is empty for a queue of SQS.
    """

    send: StampedSend
    owner: bytes = b""


class StampedPublish(msgspec.Struct, frozen=True):
    """Messages to deliver at once, or to send to the outbox (`outbox`); decided on the topic's state `version`."""

    partition: bytes
    version: int
    deliveries: tuple[QueueDelivery, ...]
    outbox: StampedSend | None = None
    seed: bytes = b""


class StampedFanOut(msgspec.Struct, frozen=True):
    """A slice of deliveries out of an outbox. `first` is its first message, which went to the subscriptions up to the
    number `after` before.

    `done` are the messages that went to everybody with this slice, by number and group; they are deleted. `partly` is
    one that went to the subscriptions up to `upto`, 0 for none.
    """

    outbox: bytes
    first: int
    after: int
    done: tuple[tuple[int, str], ...]
    partly: int
    upto: int
    deliveries: tuple[QueueDelivery, ...]
    now_ms: int


def operations_of(messages: int) -> int:
    """Return what a delivery of so many messages to one queue takes at most."""
    return _OPERATIONS_OF_QUEUE + _OPERATIONS_OF_MESSAGE * messages


def publish(txn: Txn, request: StampedPublish) -> Outcome:
    """Deliver messages, or send them to the outbox; raises `DirectoryChanged` where the subscriptions are others."""
    meta = meta_of(txn, request.partition)
    if meta is None:
        raise TOPIC_NOT_FOUND.error()
    if request.outbox is not None:
        outcome = kinds.send_messages(txn, request.outbox)
        txn.due(request.outbox.now_ms, FAN_OUT, meta.outbox, request.partition)
        return outcome
    if state_of(txn, request.partition).version != request.version:
        raise DirectoryChanged
    deliver(txn, request.deliveries)
    return Outcome((), request.seed)


def deliver(txn: Txn, deliveries: tuple[QueueDelivery, ...]) -> None:
    """Send messages to the queues that want them; raises `DirectoryChanged` where one of SQS's is gone since: whoever
    has a dead-letter queue shall get them there.
    """
    for delivery in deliveries:
        send = delivery.send
        queue = find_queue(txn, send.partition)
        if queue is None:
            if delivery.owner:
                continue  # the subscription has ended
            raise DirectoryChanged
        if delivery.owner and not queue.ready:
            txn.due(send.now_ms, DELIVER, send.partition, delivery.owner)
        kinds.send_messages(txn, send)


def fan_out(txn: Txn, request: StampedFanOut) -> None:
    """Deliver a slice of an outbox's messages, once."""
    outbox = find_any(txn, request.outbox)
    if outbox is None:
        return
    if progress(txn, request.outbox, request.first) != request.after:
        raise DirectoryChanged
    deliver(txn, request.deliveries)
    own_queues.remove(outbox, request.done, request.now_ms)
    if request.partly:
        txn.put(request.outbox + PROGRESS, u64(request.partly) + u64(request.upto))
    else:
        txn.delete(request.outbox + PROGRESS)


class StampedEnd(msgspec.Struct, frozen=True):
    """The end of a due entry's work on a queue of the room's own: where nothing is left there to take."""

    entry: Due
    now_ms: int


def end(txn: Txn, request: StampedEnd) -> bool:
    """Remove the due entry of a queue in which nothing is ready; say whether that is so. Where messages are in flight,
    left behind by a crash, the entry is put off until they are back.
    """
    entry = request.entry
    queue = find_queue(txn, entry.key)
    if queue is not None and queue.ready:
        return False
    txn.undue(entry.at_ms, entry.kind, entry.key)
    if queue is not None and queue.wake_ms:
        txn.due(max(queue.wake_ms, request.now_ms + 1), entry.kind, entry.key, entry.payload)
    return True


def progress(txn: ReadTxn, outbox: bytes, seq: int) -> int:
    """Return up to which subscription the outbox's message `seq` was delivered."""
    raw = txn.get(outbox + PROGRESS)
    if raw is None or raw[:8] != u64(seq):
        return 0
    return int.from_bytes(raw[8:], "big")
