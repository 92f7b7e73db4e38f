"""Topics: make, look at, change, list, tag, delete.

A topic is a name in the directory and a partition of its own, beside a queue without a name, its outbox. Deleting
removes name and record at once; the subscriptions go later, in slices, through the due index. All functions that follow
a name read it again inside their transaction; they raise `DirectoryChanged` where it leads elsewhere by then.
"""

import msgspec

from cumulo.queue_service import own_queues, topic_archives, topic_sizes
from cumulo.queue_service.archive_policies import ARCHIVE_POLICY
from cumulo.queue_service.entrances import CLEAR_TOPIC, EXPIRE
from cumulo.queue_service.keys import Tags, decode_tags
from cumulo.queue_service.model import TAGS_MAX
from cumulo.queue_service.queues import DirectoryChanged
from cumulo.queue_service.topic_errors import (
    INVALID_PARAMETER,
    TAG_LIMIT_EXCEEDED,
    TAGGED_NOT_FOUND,
    TOPIC_HAS_ARCHIVE,
    TOPIC_NOT_FOUND,
)
from cumulo.queue_service.topic_keys import (
    SNAPSHOTS,
    SQS,
    STATE,
    TAGS,
    TOPIC,
    SubscriptionRow,
    TopicMeta,
    TopicName,
    TopicState,
    decode_name,
    decode_state,
    decode_subscription,
    decode_topic,
    endpoint_key,
    id_key,
    last_part,
    listed_key,
    name_key,
    names_prefix,
    replay_key,
    subscription_key,
    subscriptions_prefix,
)
from cumulo.queue_service.topic_model import SNAPSHOTS_MAX, Topic, TopicPlace
from cumulo.storage import records, tuples
from cumulo.storage.engine import Due, ReadTxn, Txn
from cumulo.storage.tuples import u64

CLEARED_MAX = 50
"""Subscriptions of a deleted topic that one transaction removes; some twenty operations each."""


class StampedTopic(msgspec.Struct, frozen=True):
    """A topic to look at, or to delete."""

    place: TopicPlace
    partition: bytes
    now_ms: int = 0


class StampedCreate(msgspec.Struct, frozen=True):
    """A topic to make. `partition` and `outbox` are the existing topic's, or new ones (`is_new`) that nobody has used.

    `policy` is in its stored form, None where it was not given; `given` are the attributes that were, as they would be
    shown, to compare them with those of a topic that is there. `keep_s` is None where it was not given, and `archive` a
    partition for what a new topic keeps.
    """

    place: TopicPlace
    partition: bytes
    outbox: bytes
    is_new: bool
    attributes: dict[str, str]
    policy: str | None
    tags: dict[str, str]
    now_ms: int
    keep_s: int | None = None
    archive: bytes = b""


class StampedUpdate(msgspec.Struct, frozen=True):
    """Attributes to write, an empty value takes one away; `policy` and `keep_s` are None where they stay. `archive` is
    the topic's, or a partition that nobody has used.
    """

    place: TopicPlace
    partition: bytes
    attributes: dict[str, str]
    policy: str | None
    keep_s: int | None
    archive: bytes
    now_ms: int
    wall_ms: int


class StampedPolicy(msgspec.Struct, frozen=True):
    """A policy to write in the place of the policy `before`, both in their stored form."""

    place: TopicPlace
    partition: bytes
    before: str
    policy: str


class StampedTags(msgspec.Struct, frozen=True):
    """Tags to write and keys to remove."""

    place: TopicPlace
    partition: bytes
    written: dict[str, str]
    removed: tuple[str, ...] = ()


class StampedList(msgspec.Struct, frozen=True):
    """A page of names to list, from behind the name `last`."""

    account: str
    region: str
    last: str
    limit: int


def follow(txn: ReadTxn, place: TopicPlace) -> TopicName | None:
    """Return where a topic's name leads, or None."""
    raw = txn.get(name_key(place.account, place.region, place.name))
    return None if raw is None else decode_name(raw)


def confirm(txn: ReadTxn, place: TopicPlace, partition: bytes) -> TopicName:
    """Return the directory row of a name; raises unless it still leads to `partition`."""
    row = follow(txn, place)
    if row is None:
        raise TOPIC_NOT_FOUND.error()
    if row.partition != partition:
        raise DirectoryChanged
    return row


def meta_of(txn: ReadTxn, partition: bytes) -> TopicMeta | None:
    """Return a topic's record; None once it is deleted."""
    raw = txn.get(partition + TOPIC)
    return None if raw is None else decode_topic(raw)


def state_of(txn: ReadTxn, partition: bytes) -> TopicState:
    """Return a topic's counts."""
    raw = txn.get(partition + STATE)
    return TopicState() if raw is None else decode_state(raw)


def put_state(txn: Txn, partition: bytes, state: TopicState) -> None:
    """Write a topic's counts, and say that something about it or its subscriptions changed."""
    txn.put(partition + STATE, records.encode(msgspec.structs.replace(state, revision=state.revision + 1)))


def create_topic(txn: Txn, request: StampedCreate) -> None:
    """Make a topic, or find the one that has the given attributes and tags."""
    place, partition = request.place, request.partition
    row = follow(txn, place)
    if row is not None:
        if row.partition != partition:
            raise DirectoryChanged
        _check_same(txn, request, row)
        return
    if not request.is_new:
        raise DirectoryChanged
    meta = TopicMeta(
        account=place.account,
        region=place.region,
        name=place.name,
        create_ms=request.now_ms,
        attributes=request.attributes,
        outbox=request.outbox,
    )
    if request.keep_s:
        meta = topic_archives.keep(txn, meta, request.keep_s, request.archive, request.now_ms, request.now_ms)
    _write(txn, partition, meta, request.policy or "")
    put_state(txn, partition, TopicState(revision=0))
    _write_tags(txn, partition, request.tags)
    own_queues.make(txn, request.outbox, meta, fifo=place.fifo)
    _set_up_outbox(txn, meta)


def _check_same(txn: Txn, request: StampedCreate, row: TopicName) -> None:
    """Raise where a topic that is there has other attributes or tags than were given."""
    meta = meta_of(txn, request.partition)
    assert meta is not None, request.partition
    differs = any(meta.attributes.get(name, "") != value for name, value in request.attributes.items())
    differs = differs or request.keep_s not in (None, meta.keep_s)
    if differs or (request.policy is not None and request.policy != row.policy):
        raise INVALID_PARAMETER.error(text="Attributes Reason: Topic already exists with different attributes")
    tags = _tags(txn, request.partition)
    if any(tags.get(key) != value for key, value in request.tags.items()):
        raise INVALID_PARAMETER.error(text="Tags Reason: Topic already exists with different tags")


def get_topic(txn: ReadTxn, request: StampedTopic | StampedUpdate) -> Topic:
    """Return a topic with its counts, its policy in the stored form; a read function."""
    row = confirm(txn, request.place, request.partition)
    meta, state = meta_of(txn, request.partition), state_of(txn, request.partition)
    assert meta is not None, request.partition
    return Topic(
        place=request.place,
        create_ms=meta.create_ms,
        attributes=meta.attributes,
        policy=row.policy,
        confirmed=state.confirmed,
        pending=state.pending,
        deleted=state.deleted,
        keep_s=meta.keep_s,
        kept=topic_archives.count(txn, meta.archive),
        kept_from_ms=meta.archive_ms,
    )


def update_topic(txn: Txn, request: StampedUpdate) -> None:
    """Write several attributes of a topic, all or none."""
    row = confirm(txn, request.place, request.partition)
    meta = meta_of(txn, request.partition)
    assert meta is not None, request.partition
    attributes = {name: value for name, value in (meta.attributes | request.attributes).items() if value}
    if topic_sizes.MAXIMUM_MESSAGE_SIZE in request.attributes:
        topic_sizes.check_subscribers(txn, request.partition, attributes)
    meta = msgspec.structs.replace(meta, attributes=attributes)
    if request.keep_s is not None:
        if meta.archive and meta.archive != request.archive:
            raise DirectoryChanged
        meta = topic_archives.keep(txn, meta, request.keep_s, request.archive, request.now_ms, request.wall_ms)
    _write(txn, request.partition, meta, row.policy if request.policy is None else request.policy)
    _set_up_outbox(txn, meta)
    put_state(txn, request.partition, state_of(txn, request.partition))


def replace_policy(txn: Txn, request: StampedPolicy) -> None:
    """Write a policy that was made from the one that stands there; raises `DirectoryChanged` where it is another."""
    row = confirm(txn, request.place, request.partition)
    if row.policy != request.before:
        raise DirectoryChanged
    meta = meta_of(txn, request.partition)
    assert meta is not None, request.partition
    _write(txn, request.partition, meta, request.policy)


def list_topics(txn: ReadTxn, request: StampedList) -> list[TopicPlace]:
    """Return at most `limit` topics by name."""
    prefix = names_prefix(request.account, request.region)
    start = name_key(request.account, request.region, request.last) + b"\0" if request.last else prefix
    rows = txn.range(start, prefix + b"\xff", request.limit)
    return [TopicPlace(request.account, request.region, last_part(key)) for key, _ in rows]


def list_tags(txn: ReadTxn, request: StampedTopic) -> dict[str, str]:
    """Return a topic's tags; a read function."""
    confirm(txn, request.place, request.partition)
    return _tags(txn, request.partition)


def change_tags(txn: Txn, request: StampedTags) -> None:
    """Write and remove tags of a topic."""
    if follow(txn, request.place) is None:
        raise TAGGED_NOT_FOUND.error()
    confirm(txn, request.place, request.partition)
    tags = _tags(txn, request.partition) | request.written
    if len(tags) > TAGS_MAX:
        raise TAG_LIMIT_EXCEEDED.error()
    _write_tags(txn, request.partition, {key: tags[key] for key in tags if key not in request.removed})


def delete_topic(txn: Txn, request: StampedTopic) -> None:
    """Delete a topic; its subscriptions deliver nothing from then on, and are cleared later. One with an archive policy
    must lose that before (`InvalidState`), so that nobody deletes an archive unaware.
    """
    place, partition = request.place, request.partition
    confirm(txn, place, partition)
    meta = meta_of(txn, partition)
    assert meta is not None, partition
    if ARCHIVE_POLICY in meta.attributes:
        raise TOPIC_HAS_ARCHIVE.error()
    txn.delete(name_key(place.account, place.region, place.name))
    txn.delete(partition + TOPIC)
    txn.delete(partition + TAGS)
    own_queues.destroy(txn, meta.outbox, request.now_ms)
    if meta.archive:
        topic_archives.destroy(txn, meta.archive, request.now_ms)
    txn.due(request.now_ms, CLEAR_TOPIC, partition, records.encode(meta))


def queues_to_clear(txn: ReadTxn, entry: Due) -> tuple[bytes, ...]:
    """Return the subscriptions' own queues that the next `clear_topic` removes; nobody adds to them any more."""
    prefix = subscriptions_prefix(entry.key)
    rows = txn.range(prefix, prefix + b"\xff" * 9, CLEARED_MAX)
    return tuple(queue for _, value in rows if (queue := decode_subscription(value).queue))


def clear_topic(txn: Txn, entry: Due) -> None:
    """Remove some subscriptions of a deleted topic: the deed of `topic.clear`."""
    partition, meta = entry.key, decode_topic(entry.payload)
    prefix = subscriptions_prefix(partition)
    rows = txn.range(prefix, prefix + b"\xff" * 9, CLEARED_MAX)
    for key, value in rows:
        number = int.from_bytes(key[len(prefix) :], "big")
        remove_rows(txn, partition, meta.region, number, decode_subscription(value), entry.at_ms)
    if len(rows) < CLEARED_MAX:
        txn.delete(partition + STATE)
        txn.delete_range(partition + SNAPSHOTS, tuples.after(partition + SNAPSHOTS), SNAPSHOTS_MAX)
        txn.undue(entry.at_ms, entry.kind, entry.key)


def remove_rows(txn: Txn, partition: bytes, region: str, number: int, row: SubscriptionRow, now_ms: int) -> None:
    """Remove every row of a subscription, and its own queue."""
    txn.delete(subscription_key(partition, number))
    txn.delete(id_key(partition, row.id))
    txn.delete(endpoint_key(partition, row.protocol, row.endpoint))
    txn.delete(listed_key(region, partition, row))
    if row.protocol == SQS:
        txn.delete(replay_key(partition, number))
    if row.expire_ms:
        txn.undue(row.expire_ms, EXPIRE, partition + u64(number))
    if row.queue:
        own_queues.destroy(txn, row.queue, now_ms)


def _write(txn: Txn, partition: bytes, meta: TopicMeta, policy: str) -> None:
    txn.put(partition + TOPIC, records.encode(meta))
    name = TopicName(partition=partition, policy=policy, create_ms=meta.create_ms)
    txn.put(name_key(meta.account, meta.region, meta.name), records.encode(name))


def _set_up_outbox(txn: Txn, meta: TopicMeta) -> None:
    """Let the outbox of a FIFO topic deduplicate as the topic does."""
    if meta.name.endswith(".fifo"):
        by_content = meta.attributes.get("ContentBasedDeduplication", "false") == "true"
        scope = "messageGroup" if meta.attributes.get("FifoThroughputScope") == "MessageGroup" else "queue"
        own_queues.set_deduplication(txn, meta.outbox, by_content=by_content, scope=scope)


def _tags(txn: ReadTxn, partition: bytes) -> dict[str, str]:
    raw = txn.get(partition + TAGS)
    return {} if raw is None else decode_tags(raw).tags


def _write_tags(txn: Txn, partition: bytes, tags: dict[str, str]) -> None:
    if tags:
        txn.put(partition + TAGS, records.encode(Tags(tags=tags)))
    else:
        txn.delete(partition + TAGS)
