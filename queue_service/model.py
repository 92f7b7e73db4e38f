"""The room's types: what callers ask, what they are answered, and every limit with its source.

Requests are what an edge parses; the service checks and stamps them. Names of queues are as the caller wrote them (full
name, short name or ARN); results always carry the parts of the full one. Sources of the limits: Amazon SQS API
reference (CreateQueue, SendMessage, ReceiveMessage), and the SQS developer guide, "Amazon SQS message quotas".
"""

import enum

import msgspec

from cumulo.core.errors import ErrorRow, ServiceError
from cumulo.core.names import Arn, resource_name

QUEUE_NAME_CHARACTERS_MAX = 80
VISIBILITY_TIMEOUT_S_MAX = 43_200
DELAY_S_MAX = 900
SCHEDULE_S_MAX = 31_622_400
"""Ours: a message may be sent to become visible within 366 days. SQS's own protocol takes `DELAY_S_MAX`; retention of
what is held back longer than that, or has a `deliver_at_ms`, counts from when it becomes visible.
"""
PRIORITY_MAX = 9
PRIORITY_DEFAULT = 4
"""Ours, in the numbers of JMS (3.4.10): 9 is received first, and what has none counts as 4."""
MESSAGE_RETENTION_S_MIN = 60
MESSAGE_RETENTION_S_MAX = 1_209_600
MESSAGE_SIZE_BYTES_MIN = 1_024
MESSAGE_SIZE_BYTES_MAX = 1_048_576
RECEIVE_WAIT_S_MAX = 20
EXPIRE_AFTER_IDLE_S_MIN = 10
EXPIRE_AFTER_IDLE_S_MAX = 1_209_600
"""Ours: how long a queue that ends by itself may be asked to stay idle; as long as a message may be kept."""
MAX_RECEIVE_COUNT_MAX = 1_000
MESSAGE_ATTRIBUTES_MAX = 10
ATTRIBUTE_NAME_CHARACTERS_MAX = 256
ATTRIBUTE_TYPE_CHARACTERS_MAX = 256
FIFO_SUFFIX = ".fifo"
FIFO_ID_CHARACTERS_MAX = 128
"""Of a message group id, a deduplication id and a receive request attempt id."""
DEDUPLICATION_S = 300
"""How long a deduplication id and a receive request attempt are remembered."""
DEDUPLICATION_SCOPES = ("queue", "messageGroup")
FIFO_THROUGHPUT_LIMITS = ("perQueue", "perMessageGroupId")
SCOPE_CHANGE_S = 60
"""After a change of the deduplication scope the former one is in force for so long, as SQS was recorded to do it."""
FIFO_REMEMBERED_ENTRIES_MAX = 32
"""Ours: entries of a batch to a FIFO queue under a request id; the answer to more could not be remembered."""
IN_FLIGHT_MAX = 120_000
"""Messages of one queue that may be received and not deleted at once: SQS's quota; a server may be given another."""
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
LIST_PAGE_MAX = 1_000
TAGS_MAX = 50
TAG_KEY_CHARACTERS_MAX = 128
TAG_VALUE_CHARACTERS_MAX = 256
KMS_MASTER_KEY_ID_CHARACTERS_MAX = 2_048
KMS_DATA_KEY_REUSE_S_MIN = 60
KMS_DATA_KEY_REUSE_S_MAX = 86_400
KMS_DATA_KEY_REUSE_S = 300
"""The default."""
MANAGED_SSE = True
"""Whether a new queue is encrypted of which nothing else is said, as SQS's are since 2022."""
MOVE_MESSAGES_MAX = 50
"""Messages that one call moves at most: ours, of one transaction. Together they have 2 MiB, or are one larger."""
HISTORY_HOPS_MAX = 10
"""Moves that a message remembers, the latest: ours, so that one that goes in circles does not grow."""
MOVE_RATE_MAX = 500
"""Messages a second that a move task may be told to move at most."""
MOVE_TASKS_MAX = 10
"""Move tasks of one queue that are remembered, and listed."""
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


class DeadLetterPolicy(msgspec.Struct, frozen=True):
    """Where a message goes that was received `max_receive_count` times (1 to 1000) and comes up once more.

    `text` is the policy as the caller wrote it, where he shall read it again in the same words.
    """

    queue: str
    max_receive_count: int
    text: str = ""


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


class QueueAttributes(msgspec.Struct, frozen=True, kw_only=True):
    """Attributes as a caller gives them; None stands for "not given".

    An empty `policy` removes it, and so does a `dead_letter_policy` with an empty queue, and an empty
    `redrive_allow_policy`, which is SQS's JSON text. A `kms_master_key_id` ends `managed_sse_enabled`, and the other
    way round; an empty one ends the encryption under a KMS key. `expire_after_idle_s` is 0 for a queue that does not
    end by itself.
    """

    visibility_timeout_s: int | None = None
    delay_s: int | None = None
    message_retention_s: int | None = None
    maximum_message_size_bytes: int | None = None
    receive_wait_s: int | None = None
    dead_letter_policy: DeadLetterPolicy | None = None
    policy: str | None = None
    redrive_allow_policy: str | None = None
    content_based_deduplication: bool | None = None
    deduplication_scope: str | None = None
    fifo_throughput_limit: str | None = None
    managed_sse_enabled: bool | None = None
    kms_master_key_id: str | None = None
    kms_data_key_reuse_s: int | None = None
    expire_after_idle_s: int | None = None


class Fairness(msgspec.Struct, frozen=True, kw_only=True):
    """How many message groups of a standard queue are noisy, and the counts of all messages that these do not have: of
    a queue without groups all messages. `oldest_age_s` is the age of the oldest that waits of those, 0 for none.
    """

    noisy_groups: int
    message_count: int
    in_flight_count: int
    delayed_count: int
    oldest_age_s: int


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue as it is; the counts are exact, and 0 where the operation does not read them. `fairness` is absent there,
    and of FIFO queues.
    """

    account: str
    region: str
    name: str
    create_ms: int
    update_ms: int = 0
    visibility_timeout_s: int = 0
    delay_s: int = 0
    message_retention_s: int = 0
    maximum_message_size_bytes: int = 0
    receive_wait_s: int = 0
    dead_letter_name: str = ""
    max_receive_count: int = 0
    dead_letter_text: str = ""
    policy: str = ""
    redrive_allow_policy: str = ""
    message_count: int = 0
    in_flight_count: int = 0
    delayed_count: int = 0
    oldest_age_s: int = 0
    lag_s: int = 0
    content_based_deduplication: bool = False
    deduplication_scope: str = ""
    fifo_throughput_limit: str = ""
    managed_sse_enabled: bool = False
    kms_master_key_id: str = ""
    kms_data_key_reuse_s: int = KMS_DATA_KEY_REUSE_S
    expire_after_idle_s: int = 0
    fairness: Fairness | None = None

    @property
    def fifo(self) -> bool:
        """Whether it is a FIFO queue: its name says so."""
        return is_fifo(self.name)

    @property
    def arn(self) -> str:
        """The queue's ARN."""
        return queue_arn(self.account, self.region, self.name)

    @property
    def full_name(self) -> str:
        """The queue's AIP-122 name."""
        return resource_name(self.account, self.region, "queues", self.name)


def is_fifo(name: str) -> bool:
    """Say whether a queue of this name is a FIFO queue: those and no others end in .fifo."""
    return name.endswith(FIFO_SUFFIX)


def queue_arn(account: str, region: str, name: str) -> str:
    """Return the ARN of a queue."""
    return str(Arn("sqs", region, account, name))


class CreateQueue(msgspec.Struct, frozen=True, kw_only=True):
    """Make a queue, or find the one that has the same attributes."""

    queue: str
    attributes: QueueAttributes = QueueAttributes()
    tags: dict[str, str] = {}
    request_id: str = ""


class GetQueue(msgspec.Struct, frozen=True, kw_only=True):
    """Look at a queue."""

    queue: str


class GetQueueUrl(msgspec.Struct, frozen=True, kw_only=True):
    """Find out whether there is a queue of this name."""

    queue: str


class UpdateQueue(msgspec.Struct, frozen=True, kw_only=True):
    """Change attributes: those given are written, those named in `defaults` return to their default."""

    queue: str
    attributes: QueueAttributes
    defaults: tuple[str, ...] = ()
    request_id: str = ""


class ListQueues(msgspec.Struct, frozen=True, kw_only=True):
    """List queues by name, from the first that starts with `prefix`. `parent` is empty for the caller's own place."""

    parent: str = ""
    prefix: str = ""
    page_size: int = 0
    page_token: str = ""


class QueuePage(msgspec.Struct, frozen=True):
    """Queues in the order of their names, without attributes; an empty token on the last page."""

    queues: tuple[Queue, ...]
    next_page_token: str


class DeleteQueue(msgspec.Struct, frozen=True, kw_only=True):
    """Delete a queue and everything in it."""

    queue: str
    request_id: str = ""


class PurgeQueue(msgspec.Struct, frozen=True, kw_only=True):
    """Delete every message of a queue, unless that was done less than `interval_s` ago."""

    queue: str
    interval_s: int = 0
    request_id: str = ""


class ListDeadLetterSources(msgspec.Struct, frozen=True, kw_only=True):
    """List the queues whose dead-letter queue is this one, by name."""

    queue: str
    page_size: int = 0
    page_token: str = ""


class ListQueueTags(msgspec.Struct, frozen=True, kw_only=True):
    """Look at a queue's tags."""

    queue: str


class TagQueue(msgspec.Struct, frozen=True, kw_only=True):
    """Add tags; of a key that is there already the value is replaced."""

    queue: str
    tags: dict[str, str]
    request_id: str = ""


class UntagQueue(msgspec.Struct, frozen=True, kw_only=True):
    """Remove tags; a key that is not there does no harm."""

    queue: str
    keys: tuple[str, ...]
    request_id: str = ""


class AddPermission(msgspec.Struct, frozen=True, kw_only=True):
    """Add a statement to a queue's policy: these accounts may do these actions (`SendMessage`, `*`)."""

    queue: str
    label: str
    accounts: tuple[str, ...]
    actions: tuple[str, ...]
    request_id: str = ""


class RemovePermission(msgspec.Struct, frozen=True, kw_only=True):
    """Remove the statement of this label from a queue's policy."""

    queue: str
    label: str
    request_id: str = ""


class SendEntry(msgspec.Struct, frozen=True):
    """One message to store; without `delay_s` the queue's. `trace_header` is X-Ray's, kept and handed on.

    Of a FIFO queue: `group_id` must be given; without `deduplication_id` the queue must deduplicate by content. Of
    other queues: whoever has a `group_id` gets a fair share; `priority` is 0 to 9, and 9 is received first.
    `deliver_at_ms` stands in place of a delay: the time by
    the wall clock before which nobody receives it; one that has passed holds nothing back.
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
