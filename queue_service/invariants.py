"""Every fact that must hold on disk, checked.

`check` walks a snapshot; it is run after tests and by `cumulo check`. Promises to name each broken fact with its queue,
and to read in pages. What it holds:

- a directory row leads to a queue's record of the same name, and no two rows to the same partition;
- each message under m stands exactly once under r, o, d, l or h, and nothing stands there without its message;
- each lease under h has its alias under l and each alias its lease; a lease under l is due no earlier than its place;
- the pieces of a message are as many as its state says;
- each message under r stands in its lane;
- rows under x are of messages whose age their numbers do not tell, and name their lanes; every ready one that was
  scheduled has its row there;
- the counters are the numbers of rows, the next number is above all, and armed times are no later than what they wait
  for;
- the key that seals what is sent is the one that the attributes mean, and each message's key is there;
- only the newest move task of a queue runs, at most ten are kept, and one that is over keeps no caller;
- a queue has no more schedules than it may, those that are active, and no others, are armed, with their due entries;
- remembered acknowledgements are well formed, and the clearing of their period is planned;
- queues that end by themselves, and no others, have a timer, and their directory rows say so;
- armed times, and the running move task, have their due entries (`check_due`, which needs the due index);
- every data key opens under the storage keys (`check_keys`, which needs those);
- the message groups of other queues are as `fair_invariants` says;
- the content of FIFO queues is as `fifo_invariants` says.
"""

from collections.abc import Iterable, Iterator

import msgspec

from cumulo.queue_service import rewraps
from cumulo.queue_service.acknowledgements import ACKS, problem_of
from cumulo.queue_service.data_keys import data_key_in, wanted_key_id
from cumulo.queue_service.fair_invariants import Ready, check_groups, ready_of_groups
from cumulo.queue_service.fifo_invariants import check_fifo
from cumulo.queue_service.fifo_keys import FIFO, FORGET, decode_fifo_counters
from cumulo.queue_service.idleness import find_idleness
from cumulo.queue_service.keys import (
    CLEAR,
    COUNTERS,
    DIRECTORY,
    IDLE,
    KEYS,
    META,
    MOVE,
    RETAIN,
    SCHEDULES,
    WAKE,
    Layout,
    Lease,
    Meta,
    QueueName,
    dated_value,
    decode_counters,
    decode_data_key,
    decode_message,
    decode_meta,
    decode_name,
    layout,
    name_key,
)
from cumulo.queue_service.model import is_fifo
from cumulo.queue_service.move_model import MOVE_TASKS_MAX
from cumulo.queue_service.move_tasks import RUNNING, due_payload, tasks_of
from cumulo.queue_service.open_queue import lease_of
from cumulo.queue_service.receipts import TOKEN_BYTES
from cumulo.queue_service.schedule_model import SCHEDULES_MAX, ScheduleState
from cumulo.queue_service.schedules import FIRE, decode_schedule, schedule_id_of
from cumulo.queue_service.schedules import due_payload as due_payload_of_schedule
from cumulo.queue_service.sealing import unwrap
from cumulo.storage.engine import Due, ReadTxn, rows_under
from cumulo.storage.rewraps import check_walk
from cumulo.storage.storage_keys import KeyUnreadable, StorageKeys
from cumulo.storage.tuples import u64

MESSAGE_PAGE_ROWS = 100
"""Of rows that hold bodies, up to 64 KB each."""


class _Standing(msgspec.Struct):
    """Where one message was found."""

    places: list[str]
    lease: Lease


def partitions(txn: ReadTxn) -> tuple[bytes, ...]:
    """Return the partitions of all queues."""
    return tuple(decode_name(value).partition for _, value in rows_under(txn, DIRECTORY))


def check(txn: ReadTxn) -> list[str]:
    """Return what is wrong with any queue; `txn` can read ROOT and every queue's partition."""
    problems: list[str] = []
    seen: set[bytes] = set()
    for key, value in rows_under(txn, DIRECTORY):
        row = decode_name(value)
        if row.partition in seen:
            problems.append(f"queue partition {row.partition.hex()}: two names lead to it")
        seen.add(row.partition)
        meta = txn.get(row.partition + META)
        if meta is None:
            problems.append(f"queue partition {row.partition.hex()}: a name leads to it, and it has no record")
            continue
        decoded = decode_meta(meta)
        where = f"queue {decoded.account}/{decoded.region}/{decoded.name}"
        if is_fifo(decoded.name) is not decoded.fifo:
            problems.append(f"{where}: its name and its record differ about its kind")
        if name_key(decoded.account, decoded.region, decoded.name) != key:
            problems.append(f"{where}: it is listed under another name")
        ends_by_itself = decoded.expire_after_idle_s > 0
        if ends_by_itself is (find_idleness(txn, row.partition) is None):
            problems.append(f"{where}: its attributes and its timer differ about whether it ends by itself")
        if (row.receive_wait_s, row.dead_letter_name, row.ends_by_itself) != (
            decoded.receive_wait_s,
            decoded.dead_letter_name,
            ends_by_itself,
        ):
            problems.append(f"{where}: the directory row differs from the record")
        problems += [f"{where}: {problem}" for problem in check_content(txn, row.partition, decoded)]
        problems += [f"{where}: {problem}" for problem in _check_moves(txn, row.partition)]
        problems += [f"{where}: {problem}" for problem in _check_schedules(txn, row.partition)]
        problems += [
            f"{where}: {problem}"
            for key, value in rows_under(txn, row.partition + ACKS)
            if (problem := problem_of(key, value)) is not None
        ]
        problems += [f"{where}: {problem}" for problem in _check_sealing(txn, row, decoded)]
    return problems


def check_due(txn: ReadTxn, entries: Iterable[Due]) -> list[str]:
    """Return the queues whose armed timers are not among `entries`, all those of the due index."""
    there = {(entry.kind, entry.key, entry.at_ms) for entry in entries}
    moves = {(entry.key, entry.payload) for entry in entries if entry.kind == MOVE}
    fires = {(entry.key, entry.payload) for entry in entries if entry.kind == FIRE}
    clears = {entry.key for entry in entries if entry.kind == CLEAR}
    problems = check_walk(txn, rewraps.ROUTE, entries)
    for partition in partitions(txn):
        raw = txn.get(partition + COUNTERS)
        counters = decode_counters(raw) if raw else None
        timers = [(WAKE, counters.wake_ms), (RETAIN, counters.retain_ms)] if counters else []
        if (idleness := find_idleness(txn, partition)) is not None:
            timers.append((IDLE, idleness.due_ms))
        if (fifo := txn.get(partition + FIFO)) is not None:
            timers.append((FORGET, decode_fifo_counters(fifo).forget_ms))
        for kind, at_ms in timers:
            if at_ms and (kind, partition, at_ms) not in there:
                problems.append(f"queue partition {partition.hex()}: {kind} is armed for {at_ms} without a due entry")
        problems += [
            f"queue partition {partition.hex()}: move task {task.task_id} has no due entry"
            for task in tasks_of(txn, partition)
            if task.status == RUNNING and (partition, due_payload(task)) not in moves
        ]
        problems += [
            f"queue partition {partition.hex()}: schedule {schedule_id_of(key)} has no due entry"
            for key, value in rows_under(txn, partition + SCHEDULES)
            if (row := decode_schedule(value)).due_ms and (key, due_payload_of_schedule(row)) not in fires
        ]
        periods = {key[:-TOKEN_BYTES] for key, _ in rows_under(txn, partition + ACKS)}
        problems += [
            f"queue partition {partition.hex()}: acknowledgements are kept whose clearing is not planned"
            for _ in periods - clears
        ]
    return problems


def check_keys(txn: ReadTxn, storage_keys: StorageKeys) -> list[str]:
    """Return the data keys that do not open: what they sealed cannot be read."""
    problems = []
    for partition in partitions(txn):
        for key, value in rows_under(txn, partition + KEYS):
            data_key = decode_data_key(value)
            if key[len(partition + KEYS) :] != data_key.key_id:
                problems.append(f"queue partition {partition.hex()}: data key {data_key.key_id.hex()} is misplaced")
            try:
                unwrap(storage_keys, data_key)
            except KeyUnreadable as error:
                problems.append(f"queue partition {partition.hex()}: data key {data_key.key_id.hex()}: {error}")
    return problems


def _check_sealing(txn: ReadTxn, row: QueueName, meta: Meta) -> Iterator[str]:
    partition = row.partition
    if meta.key_id != wanted_key_id(partition, meta) or (meta.managed_sse_enabled and meta.kms_master_key_id):
        yield "its encryption key is not the one that its attributes mean"
    if (row.data_key.key_id if row.data_key else b"") != meta.key_id:
        yield "the directory row names another encryption key than the record"
    if row.data_key and data_key_in(txn, (partition, meta.key_id)) != row.data_key:
        yield "its encryption key is not among its keys"
    keys = {key[len(partition + KEYS) :] for key, _ in rows_under(txn, partition + KEYS)}
    for seq, record in messages_of(txn, layout(partition, meta.generation)):
        stored = decode_message(record)
        if stored.key_id and stored.key_id not in keys:
            yield f"message {seq} is sealed with a key that is not there"
        envelope = stored.envelope
        if envelope is not None and not (envelope.wrapped and bool(stored.key_id) is not envelope.is_of_topic):
            yield f"message {seq} has an envelope without a key, or a topic's with one"


def messages_of(txn: ReadTxn, places: Layout) -> Iterator[tuple[int, bytes]]:
    """Return number and bytes of each message, in order; not the pieces of those that are gone."""
    base = len(places.message) + 8
    seq, pieces = 0, b""
    for key, value in rows_under(txn, places.message, MESSAGE_PAGE_ROWS):
        if len(key) == base:
            if pieces:
                yield seq, pieces
            seq, pieces = int.from_bytes(key[-8:], "big"), value
        elif key[:base] == places.message + u64(seq):
            pieces += value
    if pieces:
        yield seq, pieces


def _check_moves(txn: ReadTxn, partition: bytes) -> Iterator[str]:
    tasks = tasks_of(txn, partition)
    if len(tasks) > MOVE_TASKS_MAX:
        yield f"{len(tasks)} move tasks are kept"
    for index, task in enumerate(tasks):
        if task.status == RUNNING and index:
            yield f"move task {task.task_id} is running, and is not the newest"
        if task.status != RUNNING and (task.due_ms or task.on_behalf_of):
            yield f"move task {task.task_id} is over, and is armed or keeps its caller"


def _check_schedules(txn: ReadTxn, partition: bytes) -> Iterator[str]:
    rows = {schedule_id_of(key): decode_schedule(value) for key, value in rows_under(txn, partition + SCHEDULES)}
    if len(rows) > SCHEDULES_MAX:
        yield f"{len(rows)} schedules are kept"
    for name, row in rows.items():
        is_armed = row.state == ScheduleState.ACTIVE
        if bool(row.due_ms) is not is_armed or bool(row.next_ms) is not is_armed:
            yield f"schedule {name} is {row.state}, and its next instant is {row.next_ms}, due at {row.due_ms}"
        if row.key_id and txn.get(partition + KEYS + row.key_id) is None:
            yield f"schedule {name} is sealed under a key that is not there"
        if row.next_ms and row.next_ms <= row.last_ms:
            yield f"schedule {name} is to send for {row.next_ms}, and has sent for {row.last_ms}"


def check_content(txn: ReadTxn, partition: bytes, meta: Meta) -> Iterator[str]:
    """Return what is wrong with what a queue holds, and with its counters."""
    raw = txn.get(partition + COUNTERS)
    if raw is None:
        yield "it has no counters"
        return
    counters = decode_counters(raw)
    if meta.fifo:
        yield from check_fifo(txn, partition, meta, counters)
        return
    places = layout(partition, meta.generation)
    standing: dict[int, _Standing] = {}
    ready_in_groups = ready_of_groups(txn, partition, meta)
    yield from _walk_states(txn, places, ready_in_groups, standing)
    held = [(place, it.lease) for it in standing.values() for place in it.places if place in "dlh"]
    yield from check_groups(txn, partition, meta, counters, ready_in_groups, held)
    yield from _walk_messages(txn, places, standing)
    found = [place for it in standing.values() for place in it.places]
    for name, count, letters in (
        ("ready", counters.ready, "ro"),
        ("delayed", counters.delayed, "d"),
        ("leased", counters.leased, "lh"),
    ):
        there = sum(place in letters for place in found)
        if there != count:
            yield f"{name} is {count}, and {there} messages are"
    if standing and max(standing) >= counters.next_seq:
        yield f"the next number {counters.next_seq} is not above {max(standing)}"
    firsts = [_first_due(txn, places.delayed), _first_due(txn, places.leased)]
    earliest = min((due for due in firsts if due is not None), default=None)
    if earliest is not None and not 0 < counters.wake_ms <= earliest:
        yield f"wake is armed for {counters.wake_ms}, and something is due at {earliest}"
    if counters.ready and not counters.retain_ms:
        yield "there are messages, and retention is not armed"


def _walk_states(txn: ReadTxn, places: Layout, ready_in_groups: Ready, standing: dict[int, _Standing]) -> Iterator[str]:
    for rank, (_, lease) in ready_in_groups.items():
        standing.setdefault(int.from_bytes(rank[-8:], "big"), _Standing([], lease)).places.append("o")
    aliases: dict[int, int] = {}
    for letter, prefix in (("r", places.lanes), ("d", places.delayed), ("l", places.leased), ("h", places.held)):
        for key, value in rows_under(txn, prefix):
            seq = int.from_bytes(key[-8:], "big")
            if letter == "l":
                due_ms = int.from_bytes(key[-16:-8], "big")
                if not value:
                    if seq in aliases:
                        yield f"message {seq} has two aliases"
                    aliases[seq] = due_ms
                    continue
                if lease_of(value).due_ms < due_ms:
                    yield f"message {seq}: its lease is due before its place"
            lease = lease_of(value)
            if letter in "lh" and not lease.token:
                yield f"message {seq} is leased without a token"
            if letter == "h" and (aliases.pop(seq, None) != lease.alias_ms or lease.alias_ms > lease.due_ms):
                yield f"message {seq}: its alias is not where its lease says, or too late"
            if letter == "r" and key != places.ready_at(lease.lane, key[-8:]):
                yield f"message {seq} stands in another lane than its state says"
            if letter != "h" and lease.alias_ms:
                yield f"message {seq} names an alias under {letter}"
            standing.setdefault(seq, _Standing([], lease)).places.append(letter)
    for seq in aliases:
        yield f"message {seq} has an alias and no lease"
    for seq, it in standing.items():
        if len(it.places) > 1:
            yield f"message {seq} stands in {' and '.join(it.places)}"


def _walk_messages(txn: ReadTxn, places: Layout, standing: dict[int, _Standing]) -> Iterator[str]:
    """Compare what stands under m and x; pieces of a message that is gone are garbage, not an error."""
    base = len(places.message) + 8
    found: dict[int, int] = {}
    for key, _ in rows_under(txn, places.message, MESSAGE_PAGE_ROWS):
        seq = int.from_bytes(key[base - 8 : base], "big")
        if len(key) == base:
            found[seq] = 1
        elif seq in found:
            found[seq] += 1
    for seq in found.keys() - standing.keys():
        yield f"message {seq} stands nowhere"
    for seq in standing.keys() - found.keys():
        yield f"message {seq} stands in {standing[seq].places[0]} and has no bytes"
    for seq in standing.keys() & found.keys():
        if standing[seq].lease.pieces != found[seq]:
            yield f"message {seq} has {found[seq]} pieces; its state says {standing[seq].lease.pieces}"
    dated = set()
    for key, value in rows_under(txn, places.dated):
        seq = int.from_bytes(key[-8:], "big")
        dated.add(seq)
        if seq not in standing or not standing[seq].lease.dated:
            yield f"message {seq} stands under x, and its state says otherwise"
        elif value != dated_value(standing[seq].lease.lane, standing[seq].lease.group):
            yield f"message {seq} stands under x with another lane or group than its state says"
    for seq, it in standing.items():
        if it.places in (["r"], ["o"]) and it.lease.dated and seq not in dated:
            yield f"message {seq} is older than its number says, or was scheduled, and does not stand under x"


def _first_due(txn: ReadTxn, prefix: bytes) -> int | None:
    rows = txn.range(prefix, prefix + b"\xff" * 8, 1)
    return int.from_bytes(rows[0][0][-16:-8], "big") if rows else None
