"""Queues: make, look at, change, list, purge, delete.

A queue is a name in the directory and a partition of its own. Purging swaps the content generation, deleting removes
name and record; what they leave behind is cleared later, in slices, through the due index. All functions that follow a
name read it again inside their transaction, and raise `DirectoryChanged` where it leads elsewhere than the caller saw.
"""

from collections.abc import Iterator

import msgspec

from cumulo.queue_service import redrive_allow
from cumulo.queue_service.ages import ages_of
from cumulo.queue_service.data_keys import destroy_keys, keep_key, wanted_key_id
from cumulo.queue_service.errors import (
    INVALID_ATTRIBUTE_VALUE,
    PURGE_QUEUE_IN_PROGRESS,
    QUEUE_DOES_NOT_EXIST,
    QUEUE_NAME_EXISTS,
    TOO_MANY_TAGS,
)
from cumulo.queue_service.fair_figures import fairness_of
from cumulo.queue_service.fair_keys import FAIR
from cumulo.queue_service.fifo_keys import FIFO, FORGET, decode_fifo_counters
from cumulo.queue_service.fifo_queue import find_any, first_delay_ms
from cumulo.queue_service.idleness import arm_anew, disarm
from cumulo.queue_service.keys import (
    CLEAR,
    COUNTERS,
    META,
    MOVES,
    RETAIN,
    SCHEDULES,
    TAGS,
    WAKE,
    Counters,
    DataKey,
    Meta,
    QueueName,
    Tags,
    decode_name,
    decode_tags,
    layout,
    name_key,
    name_of,
    names_prefix,
)
from cumulo.queue_service.model import MANAGED_SSE, TAGS_MAX, Queue, is_fifo
from cumulo.queue_service.open_queue import OpenQueue, open_queue
from cumulo.queue_service.queue_attributes import Place, check_throughput_limit, encrypted_with
from cumulo.queue_service.schedule_model import SCHEDULES_MAX
from cumulo.storage import records, tuples
from cumulo.storage.engine import ReadTxn, Txn, new_partition

NAMES_PAGE_ROWS = 1_000
"""Rows of the directory that are read at once."""


class DirectoryChanged(Exception):
    """A name leads elsewhere than when the request was resolved: resolve it again."""


class Named(msgspec.Struct, frozen=True, array_like=True):
    """The queue that an operation made or changed, and what it was then, for the answer to a repeated request whose
    queue is gone; without its policies and the words of its redrive policy, which are longer than what is remembered.
    """

    partition: bytes
    then: Queue


class Lookup(msgspec.Struct, frozen=True):
    """A name to follow, and whether the partition of its dead-letter queue is wanted, too."""

    place: Place
    dead_letter: bool = False


class Found(msgspec.Struct, frozen=True):
    """Where a name leads; `dead_letter` is a partition, empty for none. `owner` is the account that owns a native
    subscription, empty for a queue, whose place says it.
    """

    row: QueueName
    dead_letter: bytes = b""
    owner: str = ""


class StampedCreate(msgspec.Struct, frozen=True):
    """A queue to make; `partition` is the existing queue's, or a new one (`is_new`) that nobody has used.

    `fields` are those of `Meta`; `policy` is in its stored form. It and `redrive_allow_policy` are None where they were
    not given. `data_key` is a new one for the way of encryption that these fields mean, None where it is none.
    """

    place: Place
    partition: bytes
    is_new: bool
    fields: dict[str, object]
    policy: str | None
    now_ms: int
    tags: dict[str, str] = {}
    redrive_allow_policy: str | None = None
    data_key: DataKey | None = None
    deadline_ms: int = 0


class StampedUpdate(msgspec.Struct, frozen=True):
    """Attributes to write, as in `StampedCreate`."""

    place: Place
    partition: bytes
    fields: dict[str, object]
    policy: str | None
    now_ms: int
    deadline_ms: int
    redrive_allow_policy: str | None = None
    data_key: DataKey | None = None


class StampedRemoval(msgspec.Struct, frozen=True):
    """A queue to purge or to delete; not to purge where its last purge is less than `interval_s` ago."""

    place: Place
    partition: bytes
    deadline_ms: int
    interval_s: int = 0


class StampedList(msgspec.Struct, frozen=True):
    """A page of names to list, from behind the name `last`."""

    account: str
    region: str
    prefix: str
    last: str
    limit: int


class StampedGet(msgspec.Struct, frozen=True):
    """A queue to look at; its messages' ages are wanted where there is a `now_ms`."""

    place: Place
    partition: bytes
    now_ms: int = 0


class StampedSources(msgspec.Struct, frozen=True):
    """A page of the queues whose dead-letter queue is at `place`, from behind the name `last`."""

    place: Place
    last: str
    limit: int


class StampedTags(msgspec.Struct, frozen=True):
    """Tags to write and keys to remove."""

    place: Place
    partition: bytes
    written: dict[str, str]
    removed: tuple[str, ...] = ()


class StampedPolicy(msgspec.Struct, frozen=True):
    """A policy to write in the place of the policy `before`, both in their stored form."""

    place: Place
    partition: bytes
    before: str
    policy: str
    now_ms: int


def follow(txn: ReadTxn, lookup: Lookup) -> Found | None:
    """Return where a name leads, or None."""
    place = lookup.place
    raw = txn.get(name_key(place.account, place.region, place.name))
    if raw is None:
        return None
    row = decode_name(raw)
    if not lookup.dead_letter or not row.dead_letter_name:
        return Found(row)
    target = txn.get(name_key(place.account, place.region, row.dead_letter_name))
    dead_letter = b"" if target is None else decode_name(target).partition
    # A queue may be its own dead-letter queue: what was received too often is where it belongs already.
    return Found(row, b"" if dead_letter == row.partition else dead_letter)


def allocate_partition(txn: Txn, request: None) -> bytes:
    """Return a partition that nobody has used."""
    del request
    return new_partition(txn)


def create_queue(txn: Txn, request: StampedCreate) -> Named:
    """Make a queue, or find the one that has the given attributes."""
    place = request.place
    raw = txn.get(name_key(place.account, place.region, place.name))
    if raw is not None:
        row = decode_name(raw)
        if row.partition != request.partition:
            raise DirectoryChanged
        if request.policy is not None and request.policy != row.policy:
            raise QUEUE_NAME_EXISTS.error(attribute="policy")
        given = request.redrive_allow_policy
        if given is not None and redrive_allow.parse(given) != redrive_allow.parse(row.redrive_allow_policy):
            raise QUEUE_NAME_EXISTS.error(attribute=redrive_allow.PARAMETER)
        meta = open_queue(txn, request.partition, place.name).meta
        for field, value in request.fields.items():
            if getattr(meta, field) != value and field != "dead_letter_text":
                raise QUEUE_NAME_EXISTS.error(attribute=field)
        return _named(txn, request.partition, meta)
    if not request.is_new:
        raise DirectoryChanged
    meta = msgspec.structs.replace(
        Meta(
            account=place.account,
            region=place.region,
            name=place.name,
            create_ms=request.now_ms,
            fifo=is_fifo(place.name),
        ),
        update_ms=request.now_ms,
        **request.fields,
    )
    _check_dead_letter(txn, place, request.fields)
    check_throughput_limit(meta)
    meta, data_key = _encrypt(txn, request, meta, Meta(managed_sse_enabled=MANAGED_SSE))
    row = QueueName(policy=request.policy or "", redrive_allow_policy=request.redrive_allow_policy or "")
    _write_meta(txn, request.partition, meta, row, data_key)
    txn.put(request.partition + COUNTERS, records.encode(Counters()))
    arm_anew(txn, request.partition, meta, request.deadline_ms)
    _write_tags(txn, request.partition, request.tags)
    return _named(txn, request.partition, meta)


def update_queue(txn: Txn, request: StampedUpdate) -> Named:
    """Change attributes of a queue."""
    row = confirm(txn, request.place, request.partition)
    queue = open_queue(txn, request.partition, request.place.name)
    _check_dead_letter(txn, request.place, request.fields)
    meta = msgspec.structs.replace(queue.meta, update_ms=request.now_ms, **request.fields)
    check_throughput_limit(meta)
    if meta.deduplication_scope != queue.meta.deduplication_scope:
        before = queue.meta.deduplication_scope
        meta = msgspec.structs.replace(meta, scope_before=before, scope_changed_ms=request.deadline_ms)
    meta, data_key = _encrypt(txn, request, meta, queue.meta)
    if request.policy is not None:
        row = msgspec.structs.replace(row, policy=request.policy)
    if request.redrive_allow_policy is not None:
        row = msgspec.structs.replace(row, redrive_allow_policy=request.redrive_allow_policy)
    _write_meta(txn, request.partition, meta, row, data_key)
    if meta.message_retention_s != queue.meta.message_retention_s and (queue.ready or (meta.fifo and queue.retain_ms)):
        queue.retain_by(request.deadline_ms)
    if meta.fifo and meta.delay_s != queue.meta.delay_s and queue.delayed:
        # The new delay is in force for those, too.
        queue.wake_by(first_delay_ms(txn, request.partition, meta))
    queue.save()
    if meta.expire_after_idle_s != queue.meta.expire_after_idle_s:
        arm_anew(txn, request.partition, meta, request.deadline_ms)
    return _named(txn, request.partition, meta)


def get_queue(txn: Txn, request: StampedGet) -> Queue:
    """Return a queue with its exact counts and ages, its policy in the stored form; a read function."""
    row = confirm(txn, request.place, request.partition)
    shown = _shown(open_queue(txn, request.partition, request.place.name), row)
    queue = find_any(txn, request.partition) if request.now_ms else None
    if queue is None:
        return shown
    ages = ages_of(queue, request.now_ms)
    fairness = None if queue.meta.fifo else fairness_of(queue, request.now_ms)
    return msgspec.structs.replace(shown, oldest_age_s=ages.oldest_age_s, lag_s=ages.lag_s, fairness=fairness)


def find_queue_of_name(txn: Txn, request: StampedGet) -> Queue | None:
    """As `get_queue`, but None where the name leads elsewhere or nowhere; a read function."""
    found = follow(txn, Lookup(request.place))
    if found is None or found.row.partition != request.partition:
        return None
    return _shown(open_queue(txn, request.partition, request.place.name), found.row)


def _named(txn: Txn, partition: bytes, meta: Meta) -> Named:
    queue = _shown(open_queue(txn, partition, meta.name), QueueName())
    return Named(partition, msgspec.structs.replace(queue, dead_letter_text=""))


def _shown(queue: OpenQueue, row: QueueName) -> Queue:
    meta = queue.meta
    return Queue(
        account=meta.account,
        region=meta.region,
        name=meta.name,
        create_ms=meta.create_ms,
        update_ms=meta.update_ms,
        visibility_timeout_s=meta.visibility_timeout_s,
        delay_s=meta.delay_s,
        message_retention_s=meta.message_retention_s,
        maximum_message_size_bytes=meta.maximum_message_size_bytes,
        receive_wait_s=meta.receive_wait_s,
        dead_letter_name=meta.dead_letter_name,
        max_receive_count=meta.max_receive_count,
        dead_letter_text=meta.dead_letter_text,
        policy=row.policy,
        redrive_allow_policy=row.redrive_allow_policy,
        message_count=queue.ready,
        in_flight_count=queue.leased,
        delayed_count=queue.delayed,
        content_based_deduplication=meta.content_based_deduplication,
        deduplication_scope=meta.deduplication_scope if meta.fifo else "",
        fifo_throughput_limit=meta.fifo_throughput_limit if meta.fifo else "",
        managed_sse_enabled=meta.managed_sse_enabled,
        kms_master_key_id=meta.kms_master_key_id,
        kms_data_key_reuse_s=meta.kms_data_key_reuse_s,
        expire_after_idle_s=meta.expire_after_idle_s,
    )


def list_queues(txn: ReadTxn, request: StampedList) -> list[Queue]:
    """Return at most `limit` queues by name, without attributes."""
    base = names_prefix(request.account, request.region)
    first = base + b"\x02" + request.prefix.encode()
    start = base + tuples.encode((request.last,)) + b"\x00" if request.last else first
    return [
        Queue(
            account=request.account,
            region=request.region,
            name=name_of(key),
            create_ms=decode_name(value).create_ms,
        )
        for key, value in txn.range(start, tuples.after(first), request.limit)
    ]


def list_dead_letter_sources(txn: ReadTxn, request: StampedSources) -> list[Queue]:
    """Return at most `limit` queues by name whose dead-letter queue is the given one, without attributes.

    Looks at every queue of the account and region: a redrive policy means whichever queue bears the name, so nothing
    else is true for longer than the next creation or deletion.
    """
    place = request.place
    sources: list[Queue] = []
    for key, row in _rows_behind(txn, place, request.last):
        if row.dead_letter_name == place.name:
            sources.append(
                Queue(account=place.account, region=place.region, name=name_of(key), create_ms=row.create_ms)
            )
            if len(sources) == request.limit:
                break
    return sources


def _rows_behind(txn: ReadTxn, place: Place, last: str) -> Iterator[tuple[bytes, QueueName]]:
    base = names_prefix(place.account, place.region)
    position = base + tuples.encode((last,)) + b"\x00" if last else base + b"\x02"
    while rows := txn.range(position, tuples.after(base + b"\x02"), NAMES_PAGE_ROWS):
        for key, value in rows:
            yield key, decode_name(value)
        position = rows[-1][0] + b"\x00"


def list_tags(txn: ReadTxn, request: StampedGet) -> dict[str, str]:
    """Return a queue's tags; a read function."""
    confirm(txn, request.place, request.partition)
    return _tags(txn, request.partition)


def change_tags(txn: Txn, request: StampedTags) -> None:
    """Write and remove tags of a queue; raises `InvalidParameterValue` where there would be too many."""
    confirm(txn, request.place, request.partition)
    tags = _tags(txn, request.partition) | request.written
    if len(tags) > TAGS_MAX:
        raise TOO_MANY_TAGS.error(queue=request.place.name)
    _write_tags(txn, request.partition, {key: tags[key] for key in tags if key not in request.removed})


def replace_policy(txn: Txn, request: StampedPolicy) -> None:
    """Write a policy that was made from the one that stands there; raises `DirectoryChanged` where it is another."""
    row = confirm(txn, request.place, request.partition)
    if row.policy != request.before:
        raise DirectoryChanged
    queue = open_queue(txn, request.partition, request.place.name)
    meta = msgspec.structs.replace(queue.meta, update_ms=request.now_ms)
    _write_meta(txn, request.partition, meta, msgspec.structs.replace(row, policy=request.policy), row.data_key)


def purge_queue(txn: Txn, request: StampedRemoval) -> None:
    """Delete every message of a queue, whatever its state."""
    queue = open_queue(txn, request.partition, request.place.name)
    purged_ms, interval_ms = queue.meta.purged_ms, request.interval_s * 1000
    if purged_ms and request.deadline_ms < purged_ms + interval_ms:
        raise PURGE_QUEUE_IN_PROGRESS.error(queue=request.place.name, interval_s=request.interval_s)
    abandon_content(txn, queue, request.deadline_ms)
    meta = msgspec.structs.replace(queue.meta, generation=queue.meta.generation + 1, purged_ms=request.deadline_ms)
    txn.put(request.partition + META, records.encode(meta))
    txn.put(request.partition + COUNTERS, records.encode(Counters(next_seq=queue.next_seq)))


def delete_queue(txn: Txn, request: StampedRemoval) -> None:
    """Delete a queue and everything in it."""
    place = request.place
    confirm(txn, place, request.partition)
    queue = open_queue(txn, request.partition, place.name)
    abandon_content(txn, queue, request.deadline_ms)
    disarm(txn, request.partition)
    txn.notify(request.partition)  # whoever is parked there shall hear of it now
    txn.delete(name_key(place.account, place.region, place.name))
    txn.delete(request.partition + META)
    txn.delete(request.partition + COUNTERS)
    txn.delete(request.partition + TAGS)
    destroy_keys(txn, request.partition, request.deadline_ms)
    # The due entries of a running task and of schedules find that out.
    txn.delete(request.partition + MOVES)
    schedules = request.partition + SCHEDULES
    txn.delete_range(schedules, tuples.after(schedules), SCHEDULES_MAX)


def _tags(txn: ReadTxn, partition: bytes) -> dict[str, str]:
    raw = txn.get(partition + TAGS)
    return {} if raw is None else decode_tags(raw).tags


def _write_tags(txn: Txn, partition: bytes, tags: dict[str, str]) -> None:
    if tags:
        txn.put(partition + TAGS, records.encode(Tags(tags=tags)))
    else:
        txn.delete(partition + TAGS)


def confirm(txn: ReadTxn, place: Place, partition: bytes) -> QueueName:
    """Return the directory row of a name; raises unless it still leads to `partition`."""
    raw = txn.get(name_key(place.account, place.region, place.name))
    if raw is None:
        raise QUEUE_DOES_NOT_EXIST.error(queue=place.name)
    row = decode_name(raw)
    if row.partition != partition:
        raise DirectoryChanged
    return row


def _check_dead_letter(txn: Txn, place: Place, fields: dict[str, object]) -> None:
    """Raise where a dead-letter queue that is to be written does not exist, or does not allow this queue's messages."""
    target = fields.get("dead_letter_name")
    if not isinstance(target, str) or not target:
        return
    raw = txn.get(name_key(place.account, place.region, target))
    refusal = ""
    if raw is None:
        refusal = "the dead-letter queue must exist"
    elif not redrive_allow.parse(decode_name(raw).redrive_allow_policy).allows(place.arn):
        refusal = "the redrive allow policy of the dead-letter queue does not allow this source queue"
    if refusal:
        raise INVALID_ATTRIBUTE_VALUE.error(parameter="dead_letter_policy.queue", value=target, allowed=refusal)


def _encrypt(txn: Txn, request: StampedCreate | StampedUpdate, meta: Meta, before: Meta) -> tuple[Meta, DataKey | None]:
    """Return a queue's record as to encryption, and the key that seals what is sent to it from now on."""
    managed, kms_key = encrypted_with(request.fields, managed=before.managed_sse_enabled, key=before.kms_master_key_id)
    meta = msgspec.structs.replace(meta, managed_sse_enabled=managed, kms_master_key_id=kms_key)
    key_id = wanted_key_id(request.partition, meta)
    if not key_id:
        return msgspec.structs.replace(meta, key_id=b""), None
    if request.data_key is None or request.data_key.key_id != key_id:
        raise DirectoryChanged
    data_key, keys_made = keep_key(txn, request.partition, request.data_key, meta.keys_made)
    return msgspec.structs.replace(meta, key_id=key_id, keys_made=keys_made), data_key


def _write_meta(txn: Txn, partition: bytes, meta: Meta, row: QueueName, data_key: DataKey | None) -> None:
    """Write a queue's record and its directory row, which repeats some of it; the policies are those of `row`."""
    txn.put(partition + META, records.encode(meta))
    written = QueueName(
        partition=partition,
        policy=row.policy,
        receive_wait_s=meta.receive_wait_s,
        dead_letter_name=meta.dead_letter_name,
        create_ms=meta.create_ms,
        redrive_allow_policy=row.redrive_allow_policy,
        data_key=data_key,
        kms_data_key_reuse_s=meta.kms_data_key_reuse_s,
        ends_by_itself=meta.expire_after_idle_s > 0,
    )
    txn.put(name_key(meta.account, meta.region, meta.name), records.encode(written))


def abandon_content(txn: Txn, queue: OpenQueue, now_ms: int) -> None:
    """Disarm the queue's timers and leave its content generation to be cleared."""
    forgets = txn.get(queue.partition + FIFO) if queue.meta.fifo else None
    forget_ms = 0 if forgets is None else decode_fifo_counters(forgets).forget_ms
    for kind, at_ms in ((WAKE, queue.wake_ms), (RETAIN, queue.retain_ms), (FORGET, forget_ms)):
        if at_ms:
            txn.undue(at_ms, kind, queue.partition)
    txn.delete(queue.partition + FIFO)
    txn.delete(queue.partition + FAIR)
    if queue.ready or queue.delayed or queue.leased or queue.group_count or forget_ms:
        txn.due(now_ms, CLEAR, layout(queue.partition, queue.meta.generation).content)
