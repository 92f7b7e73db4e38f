"""Move tasks: the messages of a dead-letter queue go back to where they came from, or to another queue.

A task is a record in the partition of the queue that it empties, and one due entry that drives it, a slice at a time. A
slice is one transaction over that queue and the queues that its messages go to: it takes them out there, adds them
here, counts them, and writes the entry of the next slice. So no crash loses a message or moves it twice, and a task
goes on after a restart by itself.

A moved message is a new message: it has a new id, its retention starts again, and its receives are counted from 0, as
in SQS ("Learn how to configure a dead-letter queue redrive"). It keeps body, attributes, trace header, sender and
priority, and its history goes on.

A task moves what was in the queue when it started, the first to be received first, and is complete when no such message
is visible any more: those that a receiver holds stay. Otherwise messages that fail at once would go in circles. Those
with a group come after those without, group by group, and each group once. Of a FIFO queue it goes from group to group,
in the order of their first messages, and moves each group's messages in order, up to the first that is not visible.
What it moves is not compared with the deduplication ids of what was sent: a message of a dead-letter queue is there,
and must not vanish on its way.
"""

import msgspec

from cumulo.identity.policy import Principal
from cumulo.queue_service.data_keys import take_key_along
from cumulo.queue_service.errors import MOVE_TASK_DOES_NOT_EXIST, MOVE_TASK_IS_OVER, MOVE_TASK_IS_RUNNING
from cumulo.queue_service.fair import GROUP_OPERATIONS
from cumulo.queue_service.fair_keys import fair_layout
from cumulo.queue_service.fifo_keys import FifoState, Standing, state_of
from cumulo.queue_service.fifo_queue import FifoQueue, find_any
from cumulo.queue_service.histories import history_with
from cumulo.queue_service.keys import (
    MOVE,
    MOVES,
    Lease,
    MoveTask,
    MoveTasks,
    QueueName,
    StoredMessage,
    decode_message,
    decode_moves,
    lane_of,
)
from cumulo.queue_service.messages import store
from cumulo.queue_service.model import queue_arn
from cumulo.queue_service.move_model import MOVE_TASKS_MAX, MessageMoveTask, MoveReason
from cumulo.queue_service.open_queue import OpenQueue, lease_of
from cumulo.queue_service.queue_attributes import Place, place_of
from cumulo.queue_service.queues import Lookup, confirm, follow
from cumulo.queue_service.redrive import MOVED_BYTES_MAX
from cumulo.queue_service.stamping import message_ids
from cumulo.storage import records
from cumulo.storage.engine import Due, ReadTxn, Txn
from cumulo.storage.tuples import u64

SLICE_MESSAGES_MAX = 100
"""Messages of one transaction."""
SLICES_A_SECOND = 10
"""Of a task that moves at a rate: one that moves fewer messages a second moves them one by one."""
SLICE_OPERATIONS_MAX = 1_500
_MESSAGE_OPERATIONS = 13
_GROUP_OPERATIONS = 2 * GROUP_OPERATIONS
"""What a group of another queue takes, once: in the queue that it leaves, and where it goes to."""
_FIFO_MESSAGE_OPERATIONS = 27
"""What one message takes at most, and two more for each piece of a large one."""
BLOCKED_GROUPS_MAX = 200
"""Groups that one slice steps over, of which there is nothing to move."""

RUNNING = "RUNNING"
COMPLETED = "COMPLETED"
CANCELLED = "CANCELLED"
FAILED = "FAILED"
NON_EXISTENT_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
COULD_NOT_DETERMINE_MESSAGE_SOURCE = "CouldNotDetermineMessageSource"
ACCESS_DENIED = "AccessDenied"
"""What SQS calls the reasons for which a task fails."""


class OnBehalfOf(msgspec.Struct, frozen=True):
    """In whose name a task runs, and what policies may ask about his call."""

    principal: Principal
    region: str
    source_ip: str
    secure_transport: bool
    user_agent: str


class StampedStart(msgspec.Struct, frozen=True):
    """A task to start."""

    place: Place
    partition: bytes
    destination: str
    rate: int
    task_id: str
    on_behalf_of: bytes
    wall_ms: int
    now_ms: int


class StampedTaskList(msgspec.Struct, frozen=True):
    """Tasks to list."""

    place: Place
    partition: bytes
    limit: int


class StampedCancel(msgspec.Struct, frozen=True):
    """A task to cancel."""

    place: Place
    partition: bytes
    task_id: str


class Target(msgspec.Struct, frozen=True):
    """A queue that messages of the next slice go to, as a snapshot showed it."""

    place: Place
    row: QueueName


class Plan(msgspec.Struct, frozen=True):
    """What the next slice of a task is about: the queue, and by their ARNs those queues that exist of its messages';
    `destination` is empty where each goes back to where it came from.
    """

    place: Place
    policy: str
    on_behalf_of: bytes
    targets: dict[str, Target]
    destination: str


class Visible(msgspec.Struct, frozen=True):
    """A message that may move: its number, and where it stands. `group` is the number of a FIFO queue's group, and
    `key` is where another queue's message stands under r or o; `place` is its key under o from that letter on.
    """

    seq: int
    state: Lease | FifoState
    group: int = 0
    key: bytes = b""
    place: bytes = b""


class Found(msgspec.Struct, frozen=True):
    """What may move next; `position` and `place` are where to look for more, where there may be more at all."""

    messages: list[Visible]
    position: int
    is_all: bool
    place: bytes = b""


class StampedSlice(msgspec.Struct, frozen=True):
    """A slice to move: partitions by ARN of the queues that the caller may send to, and those that he may not.

    `refusal` is why the task must end before it moves anything more. `resealed` are its messages by their numbers, as
    they are to be stored, or why the task ends there (`move_seals`); None where they stay as they are.
    """

    entry: Due
    partitions: dict[str, bytes]
    refused: frozenset[str]
    refusal: str
    seed: bytes
    wall_ms: int
    now_ms: int
    resealed: dict[int, StoredMessage | str] | None = None


def start_task(txn: Txn, request: StampedStart) -> str:
    """Write a task and its due entry; return its id. Raises where another one is running."""
    confirm(txn, request.place, request.partition)
    queue = find_any(txn, request.partition)
    assert queue is not None, request.place
    before = tasks_of(txn, request.partition)
    if before and before[0].status == RUNNING:
        raise MOVE_TASK_IS_RUNNING.error()
    task = MoveTask(
        task_id=request.task_id,
        status=RUNNING,
        destination=request.destination,
        rate=request.rate,
        to_move=queue.ready,
        started_ms=request.wall_ms,
        end_seq=queue.next_seq,
        due_ms=request.now_ms,
        on_behalf_of=request.on_behalf_of,
    )
    txn.due(task.due_ms, MOVE, request.partition, due_payload(task))
    _write(txn, request.partition, (task, *before))
    return task.task_id


def list_tasks(txn: ReadTxn, request: StampedTaskList) -> tuple[MessageMoveTask, ...]:
    """Return the latest tasks, newest first; a read function."""
    confirm(txn, request.place, request.partition)
    tasks = tasks_of(txn, request.partition)[: request.limit]
    return tuple(_shown(request.place, task) for task in tasks)


def cancel_task(txn: Txn, request: StampedCancel) -> MessageMoveTask:
    """End a running task at once: no slice of it runs after this commit."""
    confirm(txn, request.place, request.partition)
    tasks = tasks_of(txn, request.partition)
    found = next((task for task in tasks if task.task_id == request.task_id), None)
    if found is None:
        raise MOVE_TASK_DOES_NOT_EXIST.error()
    if found.status != RUNNING:
        raise MOVE_TASK_IS_OVER.error()
    assert found is tasks[0], request.task_id
    txn.undue(found.due_ms, MOVE, request.partition)
    cancelled = _over(found, CANCELLED)
    _write(txn, request.partition, (cancelled, *tasks[1:]))
    return _shown(request.place, cancelled)


def plan_slice(txn: Txn, partition: bytes) -> Plan | None:
    """Return what the next slice is about, None where no task is running; a read function."""
    queue = find_any(txn, partition)
    tasks = tasks_of(txn, partition)
    if queue is None or not tasks or tasks[0].status != RUNNING:
        return None
    task, meta = tasks[0], queue.meta
    place = Place(meta.account, meta.region, meta.name)
    own = follow(txn, Lookup(place))
    assert own is not None, place
    arns = {task.destination} if task.destination else set()
    size_bytes = 0
    for it in [] if arns else find_visible(queue, task, slice_messages(task)).messages:
        record = queue.message_bytes(it.seq, it.state.pieces)
        arns.add(decode_message(record).dead_letter_source)
        size_bytes += len(record)
        if size_bytes > MOVED_BYTES_MAX:
            break
    targets = {}
    for arn in arns:
        there = place_of(arn)
        found = None if there is None else follow(txn, Lookup(there))
        if there is not None and found is not None:
            targets[arn] = Target(there, found.row)
    return Plan(place, own.row.policy, task.on_behalf_of, targets, task.destination)


def move_slice(txn: Txn, request: StampedSlice) -> None:
    """Move one slice of the running task, and arm the next or end the task: the deed of `queue.move`."""
    entry, partition = request.entry, request.entry.key
    txn.undue(entry.at_ms, entry.kind, entry.key)
    queue = find_any(txn, partition)
    tasks = tasks_of(txn, partition)
    if queue is None or not tasks or tasks[0].status != RUNNING or due_payload(tasks[0]) != entry.payload:
        return
    task = tasks[0]
    moving = _Slice(queue, task, request)
    failure = request.refusal or moving.run()
    moving.save()
    moved = task.moved + moving.moved
    task = msgspec.structs.replace(task, moved=moved, position=moving.position, place=moving.place)
    left = find_visible(queue, task, 1)
    if failure:
        task = msgspec.structs.replace(_over(task, FAILED), failure_reason=failure)
    elif left.is_all and not left.messages:
        task = _over(task, COMPLETED)
    else:
        task = msgspec.structs.replace(task, due_ms=_next_ms(task, moving.moved, request.now_ms))
        txn.due(task.due_ms, MOVE, partition, due_payload(task))
    _write(txn, partition, (task, *tasks[1:]))


class _Slice:
    """One transaction's moves."""

    def __init__(self, queue: OpenQueue, task: MoveTask, request: StampedSlice) -> None:
        self._queue = queue
        self._task = task
        self._request = request
        self._ids = message_ids(request.seed, SLICE_MESSAGES_MAX)
        self._open: dict[str, OpenQueue] = {}
        self._groups: dict[int, None] = {}
        self.moved = 0
        self.position = task.position
        self.place = task.place
        self._seen: set[str] = set()

    def run(self) -> str:
        """Move messages until there are no more, or the slice is full; return why the task fails, empty if not."""
        queue, now_ms = self._queue, self._request.now_ms
        each = _FIFO_MESSAGE_OPERATIONS if isinstance(queue, FifoQueue) else _MESSAGE_OPERATIONS
        operations = size_bytes = 0
        found = find_visible(queue, self._task, slice_messages(self._task))
        for it in found.messages:
            self.position, self.place = it.group, it.place or self.place
            operations += each + 2 * it.state.pieces + self._operations_of_group(it)
            if operations > SLICE_OPERATIONS_MAX or size_bytes > MOVED_BYTES_MAX:
                return ""
            record = queue.message_bytes(it.seq, it.state.pieces)
            stored = decode_message(record)
            size_bytes += len(record)
            if not queue.is_too_old(stored.kept_from_ms, now_ms):
                arn = self._task.destination or stored.dead_letter_source
                target = self._target(arn)
                if isinstance(target, str):
                    return target
                if target is None:
                    return ""
                sealed = self._sealed(it.seq, stored, target)
                if isinstance(sealed, str):
                    return sealed
                if sealed is None:
                    return ""
                self._add(target, it, sealed)
            self._take_out(it)
        self.position, self.place = found.position, found.place
        return ""

    def save(self) -> None:
        """Write the counters of every queue that was touched."""
        if isinstance(self._queue, FifoQueue):
            for number in self._groups:
                self._queue.settle(number)
        for target in self._open.values():
            target.save()
        self._queue.save()

    def _operations_of_group(self, it: Visible) -> int:
        group = it.state.group if isinstance(it.state, Lease) else ""
        if not group or group in self._seen:
            return 0
        self._seen.add(group)
        return _GROUP_OPERATIONS

    def _target(self, arn: str) -> OpenQueue | str | None:
        """Return the queue of an ARN, why there is none, or None where the plan does not know it: plan again."""
        if arn in self._open:
            return self._open[arn]
        place = place_of(arn)
        if place is None:
            return COULD_NOT_DETERMINE_MESSAGE_SOURCE
        if arn in self._request.refused:
            return ACCESS_DENIED
        found = follow(self._queue.txn, Lookup(place))
        if found is None:
            return NON_EXISTENT_QUEUE
        partition = found.row.partition
        if partition == self._queue.partition:
            return COULD_NOT_DETERMINE_MESSAGE_SOURCE
        if self._request.partitions.get(arn) != partition:
            return None
        target = find_any(self._queue.txn, partition)
        assert target is not None, place
        assert target.meta.fifo is self._queue.meta.fifo, place
        self._open[arn] = target
        return target

    def _sealed(self, seq: int, stored: StoredMessage, target: OpenQueue) -> StoredMessage | str | None:
        """Return a message as it is to be stored, why it cannot be, or None where that was decided on something else
        than what is there now: plan again.
        """
        if self._request.resealed is None:
            return stored
        sealed = self._request.resealed.get(seq)
        if sealed is None or isinstance(sealed, str):
            return sealed
        assert sealed.message_id == stored.message_id, seq
        is_as_it_was = sealed.body == stored.body
        return sealed if is_as_it_was or sealed.key_id == target.meta.key_id else None

    def _take_out(self, it: Visible) -> None:
        queue, now_ms = self._queue, self._request.now_ms
        if isinstance(queue, FifoQueue):
            assert isinstance(it.state, FifoState), it.seq
            queue.remove(it.group, it.seq, it.state, now_ms)
            self._groups[it.group] = None
        else:
            assert isinstance(it.state, Lease), it.seq
            queue.take_ready(it.key, it.state, now_ms)
            queue.drop(it.seq, it.state, now_ms)

    def _add(self, target: OpenQueue, it: Visible, stored: StoredMessage) -> None:
        history = history_with(stored, self._queue.meta, it.state, MoveReason.MOVE_TASK, self._request.now_ms)
        fresh = msgspec.structs.replace(
            stored,
            message_id=self._ids[self.moved],
            sent_ms=self._request.wall_ms,
            kept_from_ms=self._request.now_ms,
            arrived_ms=0,
            dead_letter_source="",
            received_before=0,
            sealed_as=(stored.sealed_as or stored.message_id) if stored.key_id or stored.envelope else "",
            history=history,
        )
        if stored.key_id:
            take_key_along(self._queue.txn, self._queue.partition, target.partition, stored.key_id)
        record, delay_s, now_ms = records.encode(fresh), target.meta.delay_s, self._request.now_ms
        if isinstance(target, FifoQueue):
            target.enqueue(stored.group_id, record, delay_s, now_ms)
        else:
            store(target, record, delay_s, now_ms, lane_of(stored.priority), stored.group_id)
        self.moved += 1


def due_payload(task: MoveTask) -> bytes:
    """Return what marks the entry of a task's next slice: its time does not, since one that failed is put off."""
    return task.task_id.encode() + u64(task.due_ms)


def tasks_of(txn: ReadTxn, partition: bytes) -> tuple[MoveTask, ...]:
    """Return the tasks that a queue remembers, newest first."""
    raw = txn.get(partition + MOVES)
    return () if raw is None else decode_moves(raw).tasks


def _write(txn: Txn, partition: bytes, tasks: tuple[MoveTask, ...]) -> None:
    txn.put(partition + MOVES, records.encode(MoveTasks(tasks=tasks[:MOVE_TASKS_MAX])))


def _over(task: MoveTask, status: str) -> MoveTask:
    return msgspec.structs.replace(task, status=status, due_ms=0, on_behalf_of=b"")


def find_visible(queue: OpenQueue, task: MoveTask, limit: int) -> Found:
    """Return the first visible messages that the task is about."""
    if isinstance(queue, FifoQueue):
        return _find_in_groups(queue, task, limit)
    messages: list[Visible] = []
    for lane in queue.lanes_in_use():
        rows = queue.txn.range(lane, lane + u64(task.end_seq), limit - len(messages))
        messages += [Visible(int.from_bytes(key[-8:], "big"), lease_of(state), key=key) for key, state in rows]
        if len(messages) == limit:
            return Found(messages, 0, is_all=False, place=task.place)
    if not queue.group_count:
        return Found(messages, 0, is_all=True)
    further = _find_of_groups(queue, task, limit - len(messages))
    return msgspec.structs.replace(further, messages=messages + further.messages)


def _find_of_groups(queue: OpenQueue, task: MoveTask, limit: int) -> Found:
    """As `find_visible`: messages with a group, from `task.place` on."""
    places = fair_layout(queue.partition, queue.meta.generation)
    skipped = len(places.content)
    position, end = places.content + task.place if task.place else places.order, places.order + b"\xff"
    messages: list[Visible] = []
    for _ in range(BLOCKED_GROUPS_MAX):
        rows = queue.txn.range(position, end, limit - len(messages))
        for key, state in rows:
            seq = int.from_bytes(key[-8:], "big")
            if seq >= task.end_seq:
                position = key[:-8] + b"\xff" * 9  # behind the rest of its lane
                break
            messages.append(Visible(seq, lease_of(state), key=key, place=key[skipped:]))
            position = key + b"\0"
        else:
            return Found(messages, 0, len(messages) < limit, position[skipped:])
    return Found(messages, 0, is_all=False, place=position[skipped:])


def _find_in_groups(queue: FifoQueue, task: MoveTask, limit: int) -> Found:
    """As `find_visible`: messages of groups from `task.position` on; a group ends at its first one that is not visible.

    A group's number is that of its first message, so later groups than the task have later numbers.
    """
    order = queue.places.order
    position, end = order + u64(task.position), order + u64(task.end_seq)
    messages: list[Visible] = []
    group = task.position
    for _ in range(BLOCKED_GROUPS_MAX):
        rows = queue.txn.range(position, end, limit - len(messages))
        for key, value in rows:
            group, seq, state = int.from_bytes(key[-16:-8], "big"), int.from_bytes(key[-8:], "big"), state_of(value)
            if state.standing != Standing.READY or seq >= task.end_seq:
                group += 1
                position = order + u64(group)
                break
            messages.append(Visible(seq, state, group))
            position = key + b"\0"
        else:
            return Found(messages, group, len(messages) < limit)
    return Found(messages, group, is_all=False)


def slice_messages(task: MoveTask) -> int:
    """Return how many messages a task's next slice looks at."""
    if not task.rate:
        return SLICE_MESSAGES_MAX
    return min(max(1, task.rate // SLICES_A_SECOND), SLICE_MESSAGES_MAX)


def _next_ms(task: MoveTask, moved: int, now_ms: int) -> int:
    """Return when the next slice is due: so long after this one's time as its messages take at the task's rate.

    A slice that ran late is made up for only within its own time, so that a task does not rush after a standstill.
    """
    if not task.rate:
        return now_ms
    pause_ms = -(-moved * 1000 // task.rate)
    begun_ms = task.due_ms if now_ms - task.due_ms < pause_ms else now_ms
    return begun_ms + pause_ms


def _shown(place: Place, task: MoveTask) -> MessageMoveTask:
    return MessageMoveTask(
        task_id=task.task_id,
        status=task.status,
        source_arn=queue_arn(place.account, place.region, place.name),
        destination_arn=task.destination,
        rate=task.rate,
        to_move=task.to_move,
        moved=task.moved,
        started_ms=task.started_ms,
        failure_reason=task.failure_reason,
    )
