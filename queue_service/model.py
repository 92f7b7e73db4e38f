"""Queues: what callers ask of them, what they are answered, and every limit with its source.

Requests are what an edge parses; the service checks and stamps them. Names of queues are as the caller wrote them (full
name, short name or ARN); results always carry the parts of the full one. Knows no message: those, and what moves them,
stand in `message_model.py` and `move_model.py`. Sources of the limits: Amazon SQS API reference (CreateQueue), and the
SQS developer guide, "Amazon SQS message quotas".
"""

import msgspec

from cumulo.core.names import Arn, resource_name

QUEUE_NAME_CHARACTERS_MAX = 80
VISIBILITY_TIMEOUT_S_MAX = 43_200
DELAY_S_MAX = 900
MESSAGE_RETENTION_S_MIN = 60
MESSAGE_RETENTION_S_MAX = 1_209_600
MESSAGE_SIZE_BYTES_MIN = 1_024
MESSAGE_SIZE_BYTES_MAX = 1_048_576
RECEIVE_WAIT_S_MAX = 20
EXPIRE_AFTER_IDLE_S_MIN = 10
EXPIRE_AFTER_IDLE_S_MAX = 1_209_600
"""Ours: how long a queue that ends by itself may be asked to stay idle; as long as a message may be kept."""
MAX_RECEIVE_COUNT_MAX = 1_000
FIFO_SUFFIX = ".fifo"
DEDUPLICATION_SCOPES = ("queue", "messageGroup")
FIFO_THROUGHPUT_LIMITS = ("perQueue", "perMessageGroupId")
SCOPE_CHANGE_S = 60
"""After a change of the deduplication scope the former one is in force for so long, as SQS was recorded to do it."""
IN_FLIGHT_MAX = 120_000
"""Messages of one queue that may be received and not deleted at once: SQS's quota; a server may be given another."""
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


class DeadLetterPolicy(msgspec.Struct, frozen=True):
    """Where a message goes that was received `max_receive_count` times (1 to 1000) and comes up once more.

    `text` is the policy as the caller wrote it, where he shall read it again in the same words.
    """

    queue: str
    max_receive_count: int
    text: str = ""


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
