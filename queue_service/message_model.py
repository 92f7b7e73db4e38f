"""Messages: what callers send, receive, look at and delete, what they are answered, and every limit with its source.

Requests are what an edge parses; the service checks and stamps them. A queue is named as in `model.py`. Sources of the
limits: Amazon SQS API reference (SendMessage, ReceiveMessage), and the SQS developer guide, "Amazon SQS message
quotas".
"""

import enum

import msgspec

from cumulo.core.errors import ErrorRow, ServiceError
from cumulo.queue_service.move_model import Hop

SCHEDULE_S_MAX = 31_622_400
"""Ours: a message may be sent to become visible within 366 days. SQS's own protocol takes `DELAY_S_MAX`; retention of
what is held back longer than that, or has a `deliver_at_ms`, counts from when it becomes visible.
"""
PRIORITY_MAX = 9
PRIORITY_DEFAULT = 4
"""Ours, in the numbers of JMS (3.4.10): 9 is received first, and what has none counts as 4."""
MESSAGE_ATTRIBUTES_MAX = 10
ATTRIBUTE_NAME_CHARACTERS_MAX = 256
ATTRIBUTE_TYPE_CHARACTERS_MAX = 256
FIFO_ID_CHARACTERS_MAX = 128
"""Of a message group id, a deduplication id and a receive request attempt id."""
DEDUPLICATION_S = 300
"""How long a deduplication id and a receive request attempt are remembered."""
FIFO_REMEMBERED_ENTRIES_MAX = 32
"""Ours: entries of a batch to a FIFO queue under a request id; the answer to more could not be remembered."""
BATCH_BYTES_MAX = 1_048_576
"""Bodies and attributes of one batch together, as in SQS, over every edge; also what one receive answers at most."""
BATCH_ENTRIES_MAX = 100
"""Ours, over gRPC. SQS's ten are the AWS edge's to ask for, by `entries_max`."""
COMMIT_ITEMS_MAX = 100
"""Ours: sends and deletes of one commit over queues together."""
COMMIT_QUEUES_MAX = 20
"""Ours: queues that one commit is about; each costs operations of its own."""
COMMIT_FIFO_REMEMBERED_MAX = 24
"""Ours: sends to FIFO queues in one commit under a request id, as `FIFO_REMEMBERED_ENTRIES_MAX`."""
RECEIVE_MESSAGES_MAX = 100
"""Ours, over gRPC; SQS takes ten."""
HELD_MESSAGES_MAX = 10_000
"""Ours: messages that one receiving stream may hold by automatic renewal of their leases."""
RENEWED_PER_SECOND_MAX = 2_000
"""Ours: leases that one stream may have renewed in a second; with short visibility timeouts it holds fewer messages."""
HOLD_S_DEFAULT = 3_600
"""Ours: how long a stream holds a message where it did not say; as Google Pub/Sub's clients extend a lease by default.
"""
TRACE_HEADER_CHARACTERS_MAX = 1_024
"""Ours: an X-Ray trace header takes less than 200, and it does not count as a part of the message."""


class MessageAttribute(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A typed value that travels beside the body. `value` is text in UTF-8, or bytes where `binary` says so, which must
    agree with `data_type`.
    """

    name: str
    data_type: str
    value: bytes
    binary: bool = False


MessageAttributes = tuple[MessageAttribute, ...]


class SendEntry(msgspec.Struct, frozen=True):
    """One message to store; without `delay_s` the queue's. `trace_header` is X-Ray's, kept and handed on.

    Of a FIFO queue: `group_id` must be given; without `deduplication_id` the queue must deduplicate by content. Of
    other queues: whoever has a `group_id` gets a fair share; `priority` is 0 to 9, and 9 is received first.
    `deliver_at_ms` stands in place of a delay: the time by the wall clock before which nobody receives it; one that has
    passed holds nothing back.
    """

    body: bytes
    attributes: MessageAttributes = ()
    delay_s: int | None = None
    trace_header: str = ""
    group_id: str | None = None
    deduplication_id: str | None = None
    priority: int | None = None
    deliver_at_ms: int | None = None


class SendMessages(msgspec.Struct, frozen=True, kw_only=True):
    """Store messages together."""

    queue: str
    entries: tuple[SendEntry, ...]
    entries_max: int = BATCH_ENTRIES_MAX
    request_id: str = ""


class SentMessage(msgspec.Struct, frozen=True, gc=False):
    """A message that is durable; `sequence_number` is a FIFO queue's."""

    message_id: str
    md5_of_body: str
    md5_of_attributes: str = ""
    sequence_number: str = ""


class ItemError(msgspec.Struct, frozen=True):
    """Why one item of a batch was refused; `sender_fault` says that the same item would be refused again. `row` and
    `values` are for an edge that has words of its own.
    """

    code: str
    message: str
    sender_fault: bool
    row: ErrorRow
    values: dict[str, object]

    @property
    def cause(self) -> ServiceError:
        """The error that a single call would have raised."""
        return ServiceError(self.row, self.values)


class ReceiveMessages(msgspec.Struct, frozen=True, kw_only=True):
    """Take messages; without `wait_s` and `visibility_timeout_s` as the queue says.

    A FIFO queue answers the same messages again to the same `attempt_id`.
    """

    queue: str
    max_messages: int = 1
    wait_s: int | None = None
    visibility_timeout_s: int | None = None
    attempt_id: str = ""


class Message(msgspec.Struct, frozen=True):
    """A message as a receiver gets it; `priority` is of standard queues, the two before it are of FIFO queues."""

    message_id: str
    receipt_handle: str
    body: bytes
    md5_of_body: str
    sent_ms: int
    receive_count: int
    first_received_ms: int
    sender_id: str
    attributes: MessageAttributes
    dead_letter_source_arn: str
    trace_header: str = ""
    group_id: str = ""
    deduplication_id: str = ""
    sequence_number: str = ""
    priority: int = PRIORITY_DEFAULT


class DeleteMessages(msgspec.Struct, frozen=True, kw_only=True):
    """Delete received messages by their receipt handles.

    With `exactly_once` a message that is gone is not simply counted as deleted: it is `AlreadyAcknowledged` where the
    same receipt deleted it before, and `LeaseLost` otherwise.
    """

    queue: str
    receipt_handles: tuple[str, ...]
    entries_max: int = BATCH_ENTRIES_MAX
    request_id: str = ""
    exactly_once: bool = False


class AlreadyAcknowledged(msgspec.Struct, frozen=True):
    """The answer to an exactly-once delete that the same receipt has done before."""


class VisibilityChange(msgspec.Struct, frozen=True):
    """A new visibility timeout of one received message, counted from now; 0 gives it back at once."""

    receipt_handle: str
    visibility_timeout_s: int


class ChangeVisibilities(msgspec.Struct, frozen=True, kw_only=True):
    """Change when received messages become visible again."""

    queue: str
    entries: tuple[VisibilityChange, ...]
    entries_max: int = BATCH_ENTRIES_MAX
    request_id: str = ""


class CommitSend(msgspec.Struct, frozen=True):
    """One message of a commit, and the queue that it goes to."""

    queue: str
    entry: SendEntry


class CommitDelete(msgspec.Struct, frozen=True):
    """One received message that a commit deletes."""

    queue: str
    receipt_handle: str


class CommitMessages(msgspec.Struct, frozen=True, kw_only=True):
    """Store messages in queues of one account and delete received ones: all of it, or nothing."""

    sends: tuple[CommitSend, ...] = ()
    deletes: tuple[CommitDelete, ...] = ()
    request_id: str = ""


class RenewLeases(msgspec.Struct, frozen=True, kw_only=True):
    """Hold received messages for `timeout_s` from now, for the stream that received them."""

    queue: str
    receipt_handles: tuple[str, ...]
    timeout_s: int


class MessageState(enum.IntEnum):
    """Where a message stands. UNKNOWN: delayed or in flight, where there are too many of either to look at."""

    UNKNOWN = 0
    READY = 1
    DELAYED = 2
    IN_FLIGHT = 3


class PeekMessages(msgspec.Struct, frozen=True, kw_only=True):
    """Look at messages behind the position `after` (0: from the first), whatever their state, without taking them; with
    `message_ids` at those alone.
    """

    queue: str
    max_messages: int = 10
    after: int = 0
    message_ids: tuple[str, ...] = ()


class PeekedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it is stored; its position rises with every message of the queue.

    `due_ms` is when it becomes ready (0: it is, or it is not known), `last_received_ms` when it was received last.
    `history` are its latest moves, the last one last.
    """

    position: int
    message_id: str
    body: bytes
    md5_of_body: str
    sent_ms: int
    sender_id: str
    attributes: MessageAttributes
    dead_letter_source_arn: str
    trace_header: str
    group_id: str
    deduplication_id: str
    sequence_number: str
    priority: int
    state: MessageState
    due_ms: int
    receive_count: int
    first_received_ms: int
    last_received_ms: int
    history: tuple[Hop, ...]


class PeekedPage(msgspec.Struct, frozen=True):
    """Messages in the order of their positions, and behind which position to go on, 0 where there are no more."""

    messages: tuple[PeekedMessage, ...]
    next_position: int
