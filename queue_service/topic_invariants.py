"""Every fact about topics and subscriptions that must hold on disk, checked.

`check` walks a snapshot; it is run after tests and by `cumulo check`. What it holds:

- a directory row leads to a topic's record of the same name, and no two rows to the same partition;
- the outbox of a topic, and the own queue of a subscription, are queues, and what they hold is as `invariants` says;
- id and endpoint of each subscription lead to it, and its account lists it as it is;
- the counts are the numbers of subscriptions, and the next number is above all;
- a subscription of SQS has no queue of its own, and every other has one; a native one's name is its id;
- what a topic keeps is a log as `log_invariants` says, there while it is kept for any time; a subscription that is
  replaying has its due entry, and is not ahead of what is kept;
- what is sealed in an outbox, or in a subscription's own queue, is sealed with a key that was made for the topic;
- settings of short messages are such as may be written;
- one that is not confirmed has an end, with its due entry, and messages that wait for somebody have theirs
  (`check_due`), as have subscriptions that have ended and may be restored.
"""

from collections.abc import Iterable, Iterator

from cumulo.queue_service import invariants as queues
from cumulo.queue_service import log_invariants as logs
from cumulo.queue_service import short_messages, topic_archives, topic_sizes
from cumulo.queue_service.entrances import DELIVER, EXPIRE, FAN_OUT, FAREWELL, REFILL, REPLAY_DUE, TRIM
from cumulo.queue_service.fifo_keys import FIFO, FORGET, decode_fifo_counters
from cumulo.queue_service.keys import (
    COUNTERS,
    META,
    RETAIN,
    WAKE,
    Meta,
    decode_counters,
    decode_message,
    decode_meta,
    layout,
)
from cumulo.queue_service.sealed_notices import envelope_in
from cumulo.queue_service.subscriptions import FILTER_POLICY
from cumulo.queue_service.topic_keys import (
    NAMED,
    NATIVE,
    REPLAY,
    SMS_SETTINGS,
    TOPICS,
    Replay,
    SubscriptionRow,
    TopicMeta,
    TopicName,
    decode_name,
    decode_replay,
    decode_sms_settings,
    decode_subscription,
    decode_subscription_name,
    ended_key,
    endpoint_key,
    id_key,
    listed_key,
    name_key,
    owner_of,
    replay_key,
    subscription_key,
    subscriptions_prefix,
)
from cumulo.queue_service.topic_model import TopicPlace
from cumulo.queue_service.topics import meta_of, state_of
from cumulo.storage.engine import Due, ReadTxn, rows_under
from cumulo.storage.tuples import u64


def names(txn: ReadTxn) -> tuple[TopicName, ...]:
    """Return the directory rows of all topics."""
    return tuple(decode_name(value) for _, value in rows_under(txn, TOPICS))


def own_queues(txn: ReadTxn, partition: bytes) -> dict[bytes, str]:
    """Return the partitions of the queues that belong to a topic and its subscriptions, and which due kind empties
    them; none those that are received from.
    """
    meta = meta_of(txn, partition)
    outbox = {} if meta is None else {meta.outbox: FAN_OUT}
    return outbox | {
        row.queue: "" if row.protocol == NATIVE else DELIVER for _, row in _subscriptions(txn, partition) if row.queue
    }


def archives(txn: ReadTxn, partition: bytes) -> tuple[bytes, ...]:
    """Return the partition of what a topic keeps, none where it keeps nothing."""
    meta = meta_of(txn, partition)
    return () if meta is None or not meta.archive else (meta.archive,)


def check(txn: ReadTxn) -> list[str]:
    """Return what is wrong with any topic; `txn` can read ROOT, every topic's partition and its queues'."""
    problems: list[str] = []
    seen: set[bytes] = set()
    for key, value in rows_under(txn, TOPICS):
        partition = decode_name(value).partition
        if partition in seen:
            problems.append(f"topic partition {partition.hex()}: two names lead to it")
        seen.add(partition)
        meta = meta_of(txn, partition)
        if meta is None:
            problems.append(f"topic partition {partition.hex()}: a name leads to it, and it has no record")
            continue
        where = f"topic {meta.account}/{meta.region}/{meta.name}"
        if name_key(meta.account, meta.region, meta.name) != key:
            problems.append(f"{where}: it is listed under another name")
        problems += [f"{where}: {problem}" for problem in _check_subscriptions(txn, partition, meta)]
        problems += [f"{where}: {problem}" for problem in _check_archive(txn, partition, meta)]
        for queue, kind in own_queues(txn, partition).items():
            raw = txn.get(queue + META)
            if raw is None:
                problems.append(f"{where}: its queue {queue.hex()} is not there")
            else:
                content, seals = decode_meta(raw), _check_seals(txn, queue, kind, decode_meta(raw), meta)
                found = [*queues.check_content(txn, queue, content), *seals]
                problems += [f"{where}: its queue {queue.hex()}: {problem}" for problem in found]
    for key, value in rows_under(txn, SMS_SETTINGS):
        wrong = short_messages.problems_of(decode_sms_settings(value))
        problems += [f"settings of short messages {key.hex()}: {problem}" for problem in wrong]
    return problems


def _check_subscriptions(txn: ReadTxn, partition: bytes, meta: TopicMeta) -> Iterator[str]:
    state = state_of(txn, partition)
    confirmed = pending = filtered = 0
    protocols: set[str] = set()
    for number, row in _subscriptions(txn, partition):
        confirmed += row.confirmed
        pending += not row.confirmed
        filtered += FILTER_POLICY in row.attributes
        protocols.add(row.protocol)
        if number >= state.next_number:
            yield f"the next number {state.next_number} is not above {number}"
        if txn.get(id_key(partition, row.id)) != u64(number):
            yield f"the id of subscription {number} does not lead to it"
        if txn.get(endpoint_key(partition, row.protocol, row.endpoint)) != u64(number):
            yield f"the endpoint of subscription {number} does not lead to it"
        if bool(row.queue) is (row.protocol == "sqs"):
            yield f"subscription {number} of {row.protocol} has a queue of its own, or should have"
        if bool(row.expire_ms) is row.confirmed:
            yield f"subscription {number} has an end and is confirmed, or neither"
        if row.protocol in NAMED and row.endpoint != row.id:
            yield f"subscription {number} of {row.protocol} is called {row.endpoint}, and its id is {row.id}"
        listed = txn.get(listed_key(meta.region, partition, row))
        name = None if listed is None else decode_subscription_name(listed)
        if name is None or (name.partition, name.protocol, name.endpoint, name.confirmed) != (
            partition,
            row.protocol,
            row.endpoint,
            row.confirmed,
        ):
            yield f"its account does not list subscription {number} as it is"
    if (state.confirmed, state.pending, state.filtered) != (confirmed, pending, filtered):
        yield f"it counts {state}, and there are {confirmed} confirmed, {pending} pending, {filtered} filtered"
    if reason := topic_sizes.refusal(meta.attributes, sorted(protocols), confirmed + pending):
        yield f"its subscriptions are not those of a topic of large messages: {reason}"


def _check_seals(txn: ReadTxn, queue: bytes, kind: str, meta: Meta, topic: TopicMeta) -> Iterator[str]:
    """Check what seals the messages in a queue of a topic's own."""
    arn = TopicPlace(topic.account, topic.region, topic.name).arn
    for seq, record in queues.messages_of(txn, layout(queue, meta.generation)):
        stored = decode_message(record)
        envelope = envelope_in(stored.body) if kind else stored.envelope  # without a kind it is a native one's
        if envelope is not None and not (envelope.wrapped and envelope.context_arn == arn):
            yield f"message {seq} is sealed with a key that was made for {envelope.context_arn or 'nothing'}"


def _check_archive(txn: ReadTxn, partition: bytes, meta: TopicMeta) -> Iterator[str]:
    """Check what a topic keeps, and the places of snapshots and replays in it."""
    if bool(meta.archive) is not bool(meta.keep_s):
        yield f"it keeps messages for {meta.keep_s} s, and that is in {meta.archive.hex() or 'nothing'}"
    ends = topic_archives.ends_of(txn, meta.archive)
    if meta.archive and ends is None:
        yield f"what it keeps, {meta.archive.hex()}, is not there"
    if ends is None:
        return
    for key, _ in rows_under(txn, partition + REPLAY):
        if txn.get(subscription_key(partition, int.from_bytes(key[-8:], "big"))) is None:
            yield f"there is a replay, {key.hex()}, of no subscription"
    yield from (f"what it keeps: {problem}" for problem in logs.check_log(txn, meta.archive))
    for number, row in _subscriptions(txn, partition):
        replay = _replay_of(txn, partition, number, row)
        if replay is not None and replay.archive == meta.archive and replay.position > ends.next:
            yield f"subscription {number} has come to {replay.position}, and {ends.next} is kept next"


def _replay_of(txn: ReadTxn, partition: bytes, number: int, row: SubscriptionRow) -> Replay | None:
    raw = txn.get(row.queue + REPLAY if row.queue else replay_key(partition, number))
    return None if raw is None else decode_replay(raw)


def check_due(txn: ReadTxn, entries: Iterable[Due]) -> list[str]:
    """Return what of topics waits for time without being among `entries`, all those of the due index."""
    there = {(entry.kind, entry.key, entry.at_ms) for entry in entries}
    armed = {(entry.kind, entry.key) for entry in entries}
    trims = {(entry.key, entry.at_ms) for entry in entries if entry.kind == TRIM}
    problems = []
    for name in names(txn):
        for archive in archives(txn, name.partition):
            problems += logs.check_armed(txn, archive, trims)
        for number, row in _subscriptions(txn, name.partition):
            replay = _replay_of(txn, name.partition, number, row)
            due = (REFILL, row.queue) if row.queue else (REPLAY_DUE, owner_of(name.partition, number))
            if replay is not None and replay.is_under_way and due not in armed:
                problems.append(f"topic partition {name.partition.hex()}: {number} is replaying, and nobody goes on")
            if row.expire_ms and (EXPIRE, name.partition + u64(number), row.expire_ms) not in there:
                problems.append(f"topic partition {name.partition.hex()}: the end of {number} has no due entry")
        problems += [
            f"topic partition {name.partition.hex()}: the ended subscription {number} has no due entry"
            for number in _ended(txn, name.partition)
            if (FAREWELL, name.partition + u64(number)) not in armed
        ]
        for queue, kind in own_queues(txn, name.partition).items():
            raw = txn.get(queue + COUNTERS)
            if raw is None:
                continue
            counters = decode_counters(raw)
            timers = [(WAKE, counters.wake_ms), (RETAIN, counters.retain_ms)]
            if (fifo := txn.get(queue + FIFO)) is not None:
                timers.append((FORGET, decode_fifo_counters(fifo).forget_ms))
            problems += [
                f"queue {queue.hex()} of a topic: {timer} is armed for {at_ms} without a due entry"
                for timer, at_ms in timers
                if at_ms and (timer, queue, at_ms) not in there
            ]
            if kind and (counters.ready or counters.leased or counters.delayed) and (kind, queue) not in armed:
                problems.append(f"queue {queue.hex()} of a topic: messages lie there, and nobody is to take them")
    return problems


def _ended(txn: ReadTxn, partition: bytes) -> Iterator[int]:
    prefix = ended_key(partition, 0)[:-8]
    for key, _ in rows_under(txn, prefix):
        yield int.from_bytes(key[len(prefix) :], "big")


def _subscriptions(txn: ReadTxn, partition: bytes) -> Iterator[tuple[int, SubscriptionRow]]:
    prefix = subscriptions_prefix(partition)
    for key, value in rows_under(txn, prefix):
        yield int.from_bytes(key[len(prefix) :], "big"), decode_subscription(value)
