"""Publishing: a message goes to every subscription's queue in one commit, or through the topic's outbox.

A message that few subscribers of a standard topic want is written to their queues at once, all or none. One for many,
and every one of a FIFO topic, is first sent to the topic's outbox, which is a queue itself: it deduplicates and orders
as such. From there it is delivered in slices, each in the commit that notes how far it came, and the last in the one
that deletes it: a crash repeats nothing and leaves out nobody. A topic that keeps messages keeps one in the first of
these commits.

Owns what happens in a transaction; which queues want which message, and in what words, was decided before.
"""

import msgspec

from cumulo.queue_service import kinds, own_queues, topic_archives
from cumulo.queue_service.entrances import DELIVER, FAN_OUT
from cumulo.queue_service.fifo_queue import find_any
from cumulo.queue_service.keys import PIECE_BYTES
from cumulo.queue_service.leases import Outcome
from cumulo.queue_service.messages import Outgoing, StampedSend
from cumulo.queue_service.open_queue import find_queue
from cumulo.queue_service.queues import DirectoryChanged
from cumulo.queue_service.topic_archives import Kept
from cumulo.queue_service.topic_errors import TOPIC_NOT_FOUND
from cumulo.queue_service.topic_keys import KEPT, PROGRESS, decode_replay
from cumulo.queue_service.topics import meta_of, state_of
from cumulo.storage.engine import Due, ReadTxn, Txn
from cumulo.storage.tuples import u64

OPERATIONS_MAX = 1_300
"""What the deliveries of one transaction may take; the engine allows 2,000, and an outbox has its own part."""
BYTES_MAX = 3 * 1024 * 1024
"""What they may write; the engine allows 4 MiB."""
OPERATIONS_OF_QUEUE = 8
"""What a delivery takes beside its messages, at most: record, counters, and due entries moved."""
_OPERATIONS_IN_GROUP = 14
EVERYBODY = b"\xff" * 8
"""In place of a subscription's number: a message went to all."""


class QueueDelivery(msgspec.Struct, frozen=True):
    """Messages for one subscription. `owner` leads to it (`topic_keys.owner_of`) where the queue is its own; it is
    empty for a queue of SQS. Somebody must be told, unless the queue is `pulled` from: a native one's. `with_first`
    says that the first message is the first of the transaction. `replay` is the key of the subscription's replay, empty
    where it can have none.
    """

    send: StampedSend
    owner: bytes = b""
    pulled: bool = False
    with_first: bool = False
    replay: bytes = b""


class StampedPublish(msgspec.Struct, frozen=True):
    """Messages to deliver at once, and to keep, or to send to the outbox (`outbox`); decided on the topic's state
    `revision`.
    """

    partition: bytes
    revision: int
    deliveries: tuple[QueueDelivery, ...]
    outbox: StampedSend | None = None
    seed: bytes = b""
    kept: Kept | None = None


class StampedFanOut(msgspec.Struct, frozen=True):
    """A slice of deliveries out of an outbox. `before` is how far it must have come (`reached`), and `upto` how far it
    comes with the slice: a message's number, and the number of the subscription up to which it went, or `EVERYBODY`.

    `done` are the messages that went to everybody with this slice, by number and group; they are deleted. `kept` are
    all messages of the slice, for the topic's archive, where it has one; the first may have been kept before.
    """

    outbox: bytes
    before: bytes
    upto: bytes
    done: tuple[tuple[int, str], ...]
    deliveries: tuple[QueueDelivery, ...]
    now_ms: int
    kept: Kept | None = None


def operations_of(message: Outgoing) -> int:
    """Return what a message takes at most where it is stored: its pieces, its place, and its group's rows."""
    pieces = 1 + len(message.record) // PIECE_BYTES
    return pieces + (_OPERATIONS_IN_GROUP if message.fifo is not None or message.group else 1)


def publish(txn: Txn, request: StampedPublish) -> Outcome:
    """Deliver messages, or send them to the outbox; raises `DirectoryChanged` where the subscriptions are others."""
    meta = meta_of(txn, request.partition)
    if meta is None:
        raise TOPIC_NOT_FOUND.error()
    if request.outbox is not None:
        outcome = kinds.send_messages(txn, request.outbox)
        txn.due(request.outbox.now_ms, FAN_OUT, meta.outbox, request.partition)
        return outcome
    if state_of(txn, request.partition).revision != request.revision:
        raise DirectoryChanged
    archive = b""
    if request.kept is not None:
        archive = request.kept.archive
        topic_archives.append(txn, request.kept)
    deliver(txn, request.deliveries, archive)
    return Outcome((), request.seed)


def deliver(txn: Txn, deliveries: tuple[QueueDelivery, ...], archive: bytes = b"", kept_at: int | None = None) -> int:
    """Send messages to the queues that want them; return how many were too large for theirs. `archive` is where they
    are kept, empty where they are not; the first may have been kept before, at `kept_at`.

    Raises `DirectoryChanged` where one of SQS's is gone since: whoever has a dead-letter queue shall get them there.
    """
    too_large = 0
    for delivery in deliveries:
        send = delivery.send
        if delivery.replay and archive:
            send = _to_come(txn, delivery, archive, kept_at)
            if not send.messages:
                continue
        queue = find_any(txn, send.partition)
        if queue is None:
            if delivery.owner:
                continue  # the subscription has ended
            raise DirectoryChanged
        if delivery.owner and not delivery.pulled and not queue.ready:
            txn.due(send.now_ms, DELIVER, send.partition, delivery.owner)
        too_large += len(kinds.send_to(queue, send).refused)
    return too_large


def _to_come(txn: ReadTxn, delivery: QueueDelivery, archive: bytes, kept_at: int | None) -> StampedSend:
    """Return what of kept messages comes to a subscription now, and not by its replay out of the archive."""
    send = delivery.send
    raw = txn.get(delivery.replay)
    replay = None if raw is None else decode_replay(raw)
    if replay is None or replay.archive != archive:
        return send
    if not replay.is_live:
        return msgspec.structs.replace(send, messages=())
    if delivery.with_first and kept_at is not None and kept_at < replay.position:
        return msgspec.structs.replace(send, messages=send.messages[1:])
    return send


def fan_out(txn: Txn, request: StampedFanOut) -> None:
    """Deliver a slice of an outbox's messages, once; raises `DirectoryChanged` where it is not this one's turn."""
    outbox = find_any(txn, request.outbox)
    if outbox is None:
        return
    if reached(txn, request.outbox) != request.before:
        raise DirectoryChanged
    archive, kept_at = b"", None
    if request.kept is not None:
        archive, kept_at = request.kept.archive, _keep(txn, request.outbox, request.kept)
    deliver(txn, request.deliveries, archive, kept_at)
    own_queues.remove(outbox, request.done, request.now_ms)
    txn.put(request.outbox + PROGRESS, request.upto)


def _keep(txn: Txn, outbox: bytes, kept: Kept) -> int | None:
    """Keep messages of an outbox, each once; return where the first of them was kept before, if it was."""
    raw = txn.get(outbox + KEPT) or b""
    is_known = raw[:8] == kept.archive
    last, position = (int.from_bytes(raw[8:16], "big"), int.from_bytes(raw[16:], "big")) if is_known else (0, 0)
    new = topic_archives.append(txn, kept, behind=last)
    if new is not None:
        txn.put(outbox + KEPT, kept.archive + u64(kept.notices[-1].seq) + u64(new))
    return position if is_known and kept.notices[0].seq == last else None


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


class StampedWait(msgspec.Struct, frozen=True):
    """A due entry whose work waits for a key."""

    entry: Due
    until_ms: int


def put_off(txn: Txn, request: StampedWait) -> None:
    """Put a due entry off, unless somebody did its work meanwhile."""
    entry = request.entry
    if txn.undue(entry.at_ms, entry.kind, entry.key):
        txn.due(request.until_ms, entry.kind, entry.key, entry.payload)


def reached(txn: ReadTxn, outbox: bytes) -> bytes:
    """Return how far the deliveries of an outbox came, empty before the first; a read function."""
    return txn.get(outbox + PROGRESS) or b""


def went_to(progress: bytes, seq: int) -> int:
    """Return up to which subscription the message `seq` was delivered where deliveries came as far as `progress`."""
    return int.from_bytes(progress[8:], "big") if progress[:8] == u64(seq) else 0
