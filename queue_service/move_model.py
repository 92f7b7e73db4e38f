"""Moves of messages from queue to queue: tasks, selected messages, and what a message remembers of its moves.

A `Hop` is kept with its message, so its fields only ever grow. Knows no other word about a message. Source of the
words of a task: Amazon SQS API reference, StartMessageMoveTask, ListMessageMoveTasks; the limits are ours.
"""

import enum

import msgspec

MOVE_MESSAGES_MAX = 50
"""Messages that one call moves at most: ours, of one transaction. Together they have 2 MiB, or are one larger."""
HISTORY_HOPS_MAX = 10
"""Moves that a message remembers, the latest: ours, so that one that goes in circles does not grow."""
MOVE_RATE_MAX = 500
"""Messages a second that a move task may be told to move at most."""
MOVE_TASKS_MAX = 10
"""Move tasks of one queue that are remembered, and listed."""


class MoveReason(enum.IntEnum):
    """Why a message left a queue; the number is on disk."""

    RECEIVED_TOO_OFTEN = 1
    MOVE_TASK = 2
    SELECTED = 3


class Hop(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One move of a message: why and when it left which queue (ARN), and how often it was received there, first and
    last. `max_receive_count` is what was reached, 0 for other reasons. Times are the deadline clock's.
    """

    reason: int
    queue_arn: str
    moved_ms: int
    receive_count: int = 0
    first_received_ms: int = 0
    last_received_ms: int = 0
    max_receive_count: int = 0


class StartMessageMoveTask(msgspec.Struct, frozen=True, kw_only=True):
    """Move the messages of a dead-letter queue: to `destination`, or where it is empty to the queue that each came
    from; `rate` is messages a second at most, None for as fast as it goes.
    """

    source: str
    destination: str = ""
    rate: int | None = None
    request_id: str = ""


class ListMessageMoveTasks(msgspec.Struct, frozen=True, kw_only=True):
    """Look at the latest move tasks out of a queue, newest first."""

    source: str
    max_results: int = 1


class CancelMessageMoveTask(msgspec.Struct, frozen=True, kw_only=True):
    """End a running move task; what it has moved stays moved."""

    source: str
    task_id: str
    request_id: str = ""


class SelectedMessage(msgspec.Struct, frozen=True):
    """A message to move: one that is ready by its `position`, where `message_id` may say that no other is meant, one
    that is held by its receipt handle.
    """

    position: int = 0
    message_id: str = ""
    receipt_handle: str = ""


class MoveMessages(msgspec.Struct, frozen=True, kw_only=True):
    """Move selected messages to another queue of the same kind, in one transaction."""

    source: str
    destination: str
    messages: tuple[SelectedMessage, ...]
    request_id: str = ""


class MessageMoveTask(msgspec.Struct, frozen=True, kw_only=True):
    """A move task as it is. `to_move` are the messages that were visible when it started. `status` is one of SQS's
    words: `RUNNING`, `COMPLETED`, `CANCELLED`, `FAILED`.
    """

    task_id: str
    status: str
    source_arn: str
    destination_arn: str
    rate: int
    to_move: int
    moved: int
    started_ms: int
    failure_reason: str
