"""Move tasks: the messages of a dead-letter queue go back to where they came from, or to another queue.

A task is a record in the partition of the queue that it empties, and one due entry that drives it, a slice at a time.
A slice is one transaction over that queue and the queues that its messages go to: it takes them out there, adds them
here, counts them, and writes the entry of the next slice. So no crash loses a message or moves it twice, and a task
goes on after a restart by itself.

A moved message is a new message: it has a new id, its retention starts again, and its receives are counted from 0, as
in SQS ("Learn how to configure a dead-letter queue redrive"). It keeps body, attributes, trace header and sender.

A task moves what was in the queue when it started, the lowest number first, and is complete when no such message is
visible any more: those that a receiver holds stay. Otherwise messages that fail at once would go in circles.
"""

import msgspec

from cumulo.identity.policy import Principal
from cumulo.queue_service.errors import MOVE_TASK_DOES_NOT_EXIST, MOVE_TASK_IS_OVER, MOVE_TASK_IS_RUNNING
from cumulo.queue_service.keys import MOVE, MOVES, MoveTask, MoveTasks, QueueName, StoredMessage, decode_message
from cumulo.queue_service.keys import decode_moves as _decode
from cumulo.queue_service.messages import store
from cumulo.queue_service.model import MOVE_TASKS_MAX, MessageMoveTask, queue_arn
from cumulo.queue_service.open_queue import OpenQueue, find_queue, lease_of, open_queue
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
_MESSAGE_OPERATIONS = 9
"""What one message takes at most, and two more for each piece of a large one."""

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
    """What the next slice of a task is about: the queue, and by their ARNs those queues that exist of its messages'."""

    place: Place
    policy: str
    on_behalf_of: bytes
    targets: dict[str, Target]


class StampedSlice(msgspec.Struct, frozen=True):
    """A slice to move: partitions by ARN of the queues that the caller may send to, and those that he may not.

    `refusal` is why the task must end before it moves anything more.
    """

    entry: Due
    partitions: dict[str, bytes]
    refused: frozenset[str]
    refusal: str
    seed: bytes
    wall_ms: int
    now_ms: int


def start_task(txn: Txn, request: StampedStart) -> str:
    """Write a task and its due entry; return its id. Raises where another one is running."""
    confirm(txn, request.place, request.partition)
    queue = open_queue(txn, request.partition, request.place.name)
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
    queue = find_queue(txn, partition)
    tasks = tasks_of(txn, partition)
    if queue is None or not tasks or tasks[0].status != RUNNING:
        return None
    task, meta = tasks[0], queue.meta
    place = Place(meta.account, meta.region, meta.name)
    own = follow(txn, Lookup(place))
    assert own is not None, place
    arns = {task.destination} if task.destination else set()
    size_bytes = 0
    for key, state in [] if arns else _rows(queue, task, _slice_messages(task)):
        record = queue.message_bytes(int.from_bytes(key[-8:], "big"), lease_of(state).pieces)
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
    return Plan(place, own.row.policy, task.on_behalf_of, targets)


def move_slice(txn: Txn, request: StampedSlice) -> None:
    """Move one slice of the running task, and arm the next or end the task: the deed of `queue.move`."""
    entry, partition = request.entry, request.entry.key
    txn.undue(entry.at_ms, entry.kind, entry.key)
    queue = find_queue(txn, partition)
    tasks = tasks_of(txn, partition)
    if queue is None or not tasks or tasks[0].status != RUNNING or due_payload(tasks[0]) != entry.payload:
        return
    task = tasks[0]
    moving = _Slice(queue, task, request)
    failure = request.refusal or moving.run()
    moving.save()
    task = msgspec.structs.replace(task, moved=task.moved + moving.moved)
    if failure:
        task = msgspec.structs.replace(_over(task, FAILED), failure_reason=failure)
    elif not _rows(queue, task, 1):
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
        self.moved = 0

    def run(self) -> str:
        """Move messages until there are no more, or the slice is full; return why the task fails, empty if not."""
        queue, now_ms = self._queue, self._request.now_ms
        operations = size_bytes = 0
        for key, state in _rows(queue, self._task, _slice_messages(self._task)):
            lease, seq = lease_of(state), int.from_bytes(key[-8:], "big")
            operations += _MESSAGE_OPERATIONS + 2 * lease.pieces
            if operations > SLICE_OPERATIONS_MAX or size_bytes > MOVED_BYTES_MAX:
                break
            record = queue.message_bytes(seq, lease.pieces)
            stored = decode_message(record)
            size_bytes += len(record)
            if not queue.is_too_old(stored.kept_from_ms, now_ms):
                arn = self._task.destination or stored.dead_letter_source
                target = self._target(arn)
                if isinstance(target, str):
                    return target
                if target is None:
                    break
                self._add(target, stored)
            queue.txn.delete(key)
            queue.ready -= 1
            queue.drop(seq, lease, now_ms)
        return ""

    def save(self) -> None:
        """Write the counters of every queue that was touched."""
        for target in self._open.values():
            target.save()
        self._queue.save()

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
        self._open[arn] = open_queue(self._queue.txn, partition, place.name)
        return self._open[arn]

    def _add(self, target: OpenQueue, stored: StoredMessage) -> None:
        fresh = msgspec.structs.replace(
            stored,
            message_id=self._ids[self.moved],
            sent_ms=self._request.wall_ms,
            kept_from_ms=self._request.now_ms,
            dead_letter_source="",
            received_before=0,
        )
        store(target, records.encode(fresh), target.meta.delay_s, self._request.now_ms)
        self.moved += 1


def due_payload(task: MoveTask) -> bytes:
    """Return what marks the entry of a task's next slice: its time does not, since one that failed is put off."""
    return task.task_id.encode() + u64(task.due_ms)


def tasks_of(txn: ReadTxn, partition: bytes) -> tuple[MoveTask, ...]:
    """Return the tasks that a queue remembers, newest first."""
    raw = txn.get(partition + MOVES)
    return () if raw is None else _decode(raw).tasks


def _write(txn: Txn, partition: bytes, tasks: tuple[MoveTask, ...]) -> None:
    txn.put(partition + MOVES, records.encode(MoveTasks(tasks=tasks[:MOVE_TASKS_MAX])))


def _over(task: MoveTask, status: str) -> MoveTask:
    return msgspec.structs.replace(task, status=status, due_ms=0, on_behalf_of=b"")


def _rows(queue: OpenQueue, task: MoveTask, limit: int) -> list[tuple[bytes, bytes]]:
    """Return the first visible messages that the task is about."""
    return queue.txn.range(queue.layout.ready, queue.layout.ready + u64(task.end_seq), limit)


def _slice_messages(task: MoveTask) -> int:
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
