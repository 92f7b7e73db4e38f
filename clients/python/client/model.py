"""What the SDK answers with: frozen values, one type a thing, times as `datetime` in UTC.

Things that are called on (queues, messages, buckets, jobs) stand beside the calls, in both flavours; these values are
the same for both.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the values."""


T_co = TypeVar("T_co", covariant=True)


class Page(Generic[T_co]):
    """One answer of a listing. `next_page_token` is empty on the last one; `common_prefixes` exist for objects only."""

    def __init__(self, items: Sequence[T_co], next_page_token: str, common_prefixes: Sequence[str] = ()) -> None:
        self.items = tuple(items)
        self.next_page_token = next_page_token
        self.common_prefixes = tuple(common_prefixes)


# Queues


class DeadLetterPolicy(Value, frozen=True):
    """Where messages go that were received more than `max_receive_count` times: `queue` by name or ARN."""

    queue: str
    max_receive_count: int


class Fairness(Value, frozen=True):
    """How many message groups of a standard queue are noisy, the exact counts of all messages that these do not have,
    and the age of the oldest of those that waits.
    """

    noisy_groups: int
    message_count: int
    in_flight_count: int
    delayed_count: int
    oldest_age_s: int


class QueueInfo(Value, frozen=True):
    """A queue's attributes and exact counts; listings hold `name`, `full_name`, `arn` and `created` only."""

    name: str
    full_name: str
    arn: str
    created: datetime | None = None
    updated: datetime | None = None
    visibility_timeout_s: int | None = None
    delay_s: int | None = None
    message_retention_s: int | None = None
    maximum_message_size_bytes: int | None = None
    receive_wait_s: int | None = None
    dead_letter_policy: DeadLetterPolicy | None = None
    policy: str | None = None
    redrive_allow_policy: str | None = None
    content_based_deduplication: bool | None = None
    """This and the two below are of FIFO queues, None elsewhere."""
    deduplication_scope: str | None = None
    fifo_throughput_limit: str | None = None
    managed_sse_enabled: bool | None = None
    kms_master_key_id: str | None = None
    kms_data_key_reuse_s: int | None = None
    expire_after_idle_s: int | None = None
    """After so long without a use it is deleted; None: it stays."""
    message_count: int | None = None
    in_flight_count: int | None = None
    delayed_count: int | None = None
    oldest_age_s: int | None = None
    """Age of the oldest message in the queue, whoever holds it; 0 where there is none."""
    lag_s: int | None = None
    """Age of the message that the next receive gets; 0 where none is visible."""
    fairness: Fairness | None = None
    """None for FIFO queues."""


class SentMessage(Value, frozen=True):
    """A durable message's id, the MD5 of its body, and in a FIFO queue its number there."""

    message_id: str
    md5_of_body: str
    sequence_number: str = ""


Attribute = str | int | float | bytes
"""A message attribute's value: text is a `String`, a number a `Number`, bytes are `Binary`."""


class Reply(Value, frozen=True):
    """What a request was answered with."""

    message_id: str
    body: bytes
    sent: datetime
    sender_id: str
    attributes: Mapping[str, Attribute]

    @property
    def text(self) -> str:
        """The body as UTF-8 text."""
        return self.body.decode()

    def json(self) -> Any:
        """Return what the body's JSON text means."""
        return msgspec.json.decode(self.body)


PRIORITY_DEFAULT = 4
"""The priority of a message that was sent without one."""


MessageState = Literal["UNSPECIFIED", "READY", "DELAYED", "IN_FLIGHT"]
"""Where a message stands; unspecified where too many are delayed or in flight to look at."""


MoveReason = Literal["RECEIVED_TOO_OFTEN", "MOVE_TASK", "SELECTED"]
"""Why a message left a queue: for its dead-letter queue, by a move task, or by `Queue.move`."""


class Hop(Value, frozen=True):
    """One move of a message out of the queue of `queue_arn`, and how often it was received there, first and last (None
    for never). `max_receive_count` is what was reached, 0 where that was not the reason.
    """

    reason: MoveReason
    queue_arn: str
    moved: datetime
    receive_count: int
    first_received: datetime | None
    last_received: datetime | None
    max_receive_count: int


class ScheduleInfo(Value, frozen=True):
    """A schedule; listings leave `body`, `attributes`, `group` and `priority` out. One of `cron`, `every_s` and `at`
    says when it sends.
    """

    name: str
    full_name: str
    state: Literal["ACTIVE", "PAUSED", "COMPLETED", "FAILED"]
    cron: str | None
    time_zone: str | None
    every_s: int | None
    at: datetime | None
    next: datetime | None
    last: datetime | None
    """The last instant that a message was sent for."""
    last_message_id: str
    sent_count: int
    reason: str
    """Why it failed, or why its last message was not stored."""
    skip_missed: bool
    created: datetime
    updated: datetime
    body: bytes | None = None
    attributes: Mapping[str, Attribute] = msgspec.field(default_factory=dict)
    group: str | None = None
    priority: int | None = None


class PeekedMessage(Value, frozen=True):
    """A message that was looked at and not taken; `position` rises with every message of the queue.

    `due` is when it becomes ready, where it is not and that is known. `receive_count` counts receives in the queues
    that it came from, too; `first_received` and `last_received` are of this queue, None where it was never received.
    `group`, `deduplication_id` and `sequence_number` are of FIFO queues, empty elsewhere. `history` are its latest
    moves from queue to queue, at most 10, the last one last.
    """

    position: int
    message_id: str
    body: bytes
    md5_of_body: str
    sent: datetime
    sender_id: str
    attributes: Mapping[str, Attribute]
    dead_letter_source_arn: str
    trace_header: str
    group: str
    deduplication_id: str
    sequence_number: str
    priority: int
    state: MessageState
    due: datetime | None
    receive_count: int
    first_received: datetime | None
    last_received: datetime | None
    history: tuple[Hop, ...]

    @property
    def text(self) -> str:
        """The body as UTF-8 text."""
        return self.body.decode()


MoveTaskStatus = Literal["UNSPECIFIED", "RUNNING", "COMPLETED", "CANCELLED", "FAILED"]


class MoveTask(Value, frozen=True):
    """A task that moves messages out of a dead-letter queue.

    Without `destination_arn` each message goes to the queue that it came from. `to_move_count` are the messages that
    were visible when it started. `failure_reason` is SQS's word for why it failed, as `AccessDenied`; else empty.
    """

    task_id: str
    status: MoveTaskStatus
    source_arn: str
    destination_arn: str | None
    max_messages_per_s: int | None
    to_move_count: int
    moved_count: int
    started: datetime
    failure_reason: str


class Outgoing(Value, frozen=True):
    """One message of a batch with what belongs to it, as in `Queue.send`; a plain body stands for one without."""

    body: object
    delay: int | None = None
    attributes: Mapping[str, Attribute] | None = None
    group: str | None = None
    deduplication_id: str | None = None
    priority: int | None = None
    deliver_at: datetime | None = None
    trace_header: str = ""


class Enclosed(Outgoing, frozen=True, kw_only=True):
    """One message that is stored in an object's own commit, to `queue` by name, short name or ARN."""

    queue: str


# Topics


class Notice(Value, frozen=True):
    """One message of a batch to publish with what belongs to it, as in `Topic.publish`; a plain body stands for one
    without.
    """

    body: object
    subject: str = ""
    attributes: Mapping[str, Attribute] | None = None
    group: str | None = None
    deduplication_id: str | None = None


class PublishedMessage(Value, frozen=True):
    """A published message's id, the same for every subscriber, and in a FIFO topic its number there."""

    message_id: str
    sequence_number: str = ""


class TopicInfo(Value, frozen=True):
    """A topic's attributes and counts; listings hold `name`, `full_name` and `arn` only. `attributes` are SNS's."""

    name: str
    full_name: str
    arn: str
    created: datetime | None = None
    attributes: Mapping[str, str] | None = None
    policy: str | None = None
    keep_s: int | None = None
    kept_message_count: int | None = None
    subscription_count: int | None = None
    pending_subscription_count: int | None = None


class SubscriptionInfo(Value, frozen=True):
    """A subscription; of one that is not native, and in listings, settings and counts are None. `filter_scope` is
    `attributes` or `body`. `is_replaying` says that messages of a seek are on their way still. `job` is the template of
    one whose messages become jobs, JSON text.
    """

    name: str
    full_name: str
    arn: str
    protocol: str
    endpoint: str = ""
    filter_policy: str = ""
    filter_scope: str = "attributes"
    created: datetime | None = None
    ack_deadline_s: int | None = None
    retention_s: int | None = None
    dead_letter_queue: str | None = None
    max_deliveries: int | None = None
    message_count: int | None = None
    in_flight_count: int | None = None
    is_replaying: bool | None = None
    job: str = ""


class SnapshotInfo(Value, frozen=True):
    """A snapshot, the full name of the subscription whose place it remembers, and how many messages are kept behind."""

    name: str
    full_name: str
    subscription: str
    created: datetime
    message_count: int


# Logs


class LogInfo(Value, frozen=True):
    """A log's attributes and ends; listings hold `name`, `full_name`, `arn` and `created` only. A retention of 0 has no
    limit. Records stand at `first_position` up to, and not with, `next_position`.
    """

    name: str
    full_name: str
    arn: str
    created: datetime | None = None
    updated: datetime | None = None
    lane_count: int | None = None
    retention_s: int | None = None
    retention_bytes: int | None = None
    retention_records: int | None = None
    policy: str | None = None
    first_position: int | None = None
    next_position: int | None = None
    size_bytes: int | None = None
    last_append: datetime | None = None


class OutgoingRecord(Value, frozen=True):
    """One record of a batch with what belongs to it; a plain body stands for one without."""

    body: object
    key: str = ""
    attributes: Mapping[str, Attribute] | None = None


class Appended(Value, frozen=True):
    """Durable records: `count` of them, from `first_position` on without gaps, all of the same `time`."""

    first_position: int
    count: int
    time: datetime


class LogRecord(Value, frozen=True):
    """A record of a log; `time` is when it was appended, never less than that of the record before."""

    position: int
    time: datetime
    key: str
    body: bytes
    attributes: Mapping[str, Attribute]
    lane: int

    @property
    def text(self) -> str:
        """The body as UTF-8 text."""
        return self.body.decode()

    def json(self) -> Any:
        """Return what the body's JSON text means."""
        return json.loads(self.body)


class GroupLane(Value, frozen=True):
    """A lane as a consumer group sees it: `position` is of the next record to handle, `lag` how many wait, `member` who
    holds it (empty for nobody).
    """

    lane: int
    position: int
    member: str
    lag: int


class ConsumerGroup(Value, frozen=True):
    """A consumer group of a log; `lag` is how many records wait in all lanes."""

    name: str
    created: datetime
    member_count: int
    lag: int
    lanes: tuple[GroupLane, ...]


# Objects


class BucketInfo(Value, frozen=True):
    """A bucket."""

    name: str
    arn: str
    region: str
    account: str
    created: datetime


class Encryption(msgspec.Struct, frozen=True, kw_only=True):
    """How an object is to be encrypted at rest: by keys of the server (`AES256`), by one of its key service (`aws:kms`,
    or in two layers `aws:kms:dsse`, with `kms_key_id`, `kms_context` and `bucket_key`), or by `customer_key`, 32 bytes
    that the caller keeps himself.
    """

    algorithm: str = ""
    kms_key_id: str = ""
    kms_context: Mapping[str, str] = msgspec.field(default_factory=dict)
    bucket_key: bool | None = None
    customer_key: bytes = b""

    def __repr__(self) -> str:
        return f"Encryption({'SSE-C' if self.customer_key else self.algorithm!r})"


class EventHold(Value, frozen=True):
    """A retention that begins with an event: while it is on, so many days or years are always left; from its release
    (`on=False`) on they pass.
    """

    on: bool = True
    days: int = 0
    years: int = 0


class Retention(Value, frozen=True):
    """Until when a version of an object must not be deleted: in the mode `GOVERNANCE`, which who may can bypass, or
    `COMPLIANCE`, which nobody can. `until` needs a time zone; it may be left to an `event_hold`, and moves on with time
    while that is on.
    """

    mode: str
    until: datetime | None = None
    event_hold: EventHold | None = None


class ObjectLock(Value, frozen=True):
    """What protects a version of an object: None where it is not retained, or nobody said whether it is held."""

    retention: Retention | None = None
    legal_hold: bool | None = None


class Restore(Value, frozen=True):
    """The copy of an archived object: when it goes, None while it is waited for."""

    expires: datetime | None = None


class ObjectInfo(Value, frozen=True):
    """An object's description. Listings fill in `key`, `size`, `etag`, `modified`, `storage_class` and, where it is
    asked for and is not the bucket's, `owner`, the account that it belongs to; `messages` are those that
    were stored with it, told by `put` alone. `encryption` is `AES256`, `aws:kms`, `aws:kms:dsse`, `SSE-C` or empty.
    `version_id` is empty where the bucket never kept versions, and of what was written just now while that is
    suspended. `lock` is what the caller may know of what protects it, None for nothing, told by `head`, `get` and
    `open`. `replication_status` is `PENDING`, `COMPLETED`, `FAILED`, `REPLICA` or empty. `headers` are what HTTP
    answers say of it, by name in lower case. `restore` is of an archived object whose copy was asked for.
    """

    key: str
    size: int
    etag: str
    modified: datetime
    bucket: str = ""
    content_type: str = ""
    metadata: Mapping[str, str] = msgspec.field(default_factory=dict)
    crc64nvme: int | None = None
    crc32c: int | None = None
    part_count: int = 0
    messages: tuple[SentMessage, ...] = ()
    encryption: str = ""
    kms_key_arn: str = ""
    version_id: str = ""
    lock: ObjectLock | None = None
    replication_status: str = ""
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    storage_class: str = ""
    tag_count: int = 0
    restore: Restore | None = None
    owner: str = ""


class PartInfo(Value, frozen=True):
    """A part of an object; `checksums` are hexadecimal, by name: its CRC-64/NVME, and what its upload chose."""

    number: int
    size: int
    etag: str
    checksums: Mapping[str, str] = msgspec.field(default_factory=dict)


class ObjectAttributes(Value, frozen=True):
    """An object's description, checksums and parts. `checksums` are hexadecimal, by name: its CRC-64/NVME, and what its
    sender chose; the latter is with the type `COMPOSITE` the digest of the parts' digests.
    """

    info: ObjectInfo
    checksums: Mapping[str, str]
    checksum_type: str
    parts: tuple[PartInfo, ...] = ()


class ObjectVersion(Value, frozen=True):
    """A version of an object, or a delete marker, which has neither size nor ETag. `latest` says that it is the newest
    of its key, `owner` is the account that it belongs to, where that is not the bucket's.
    """

    key: str
    version_id: str
    latest: bool
    delete_marker: bool
    size: int
    etag: str
    modified: datetime
    storage_class: str = ""
    owner: str = ""


class Deleted(Value, frozen=True):
    """What a delete did: `version_id` is the version that went, or with `delete_marker` the marker that was made or
    went; empty where there is nothing to tell.
    """

    version_id: str = ""
    delete_marker: bool = False


class Synced(Value, frozen=True):
    """What making a folder and a bucket alike did: names that were copied, what was deleted, how many were alike."""

    copied: tuple[str, ...]
    deleted: tuple[str, ...]
    unchanged: int


class BucketQuota(msgspec.Struct, frozen=True, kw_only=True):
    """What a bucket may hold; 0 is no limit."""

    bytes_max: int = 0
    objects_max: int = 0


class BucketEncryption(Value, frozen=True):
    """How a bucket encrypts what comes to it without a word of it: by keys of the server (`AES256`), or by one of its
    key service (`aws:kms`, `aws:kms:dsse`), whose own for objects an empty `kms_key_id` means. With `bucket_key` one
    data key serves several objects for five minutes; `blocks_customer_keys` refuses writes under keys of their callers.
    """

    algorithm: str
    kms_key_id: str
    bucket_key: bool
    blocks_customer_keys: bool


class Grant(Value, frozen=True):
    """What an access control list gives to whom: an account (12 digits) or a group (`AllUsers`, `AuthenticatedUsers`,
    `LogDelivery`); in a request also `id=…`, `emailAddress=…` or `uri=…`. `permission` is `READ`, `WRITE`, `READ_ACP`,
    `WRITE_ACP` or `FULL_CONTROL`.
    """

    grantee: str
    permission: str


class AccessControlList(Value, frozen=True):
    """Who owns a bucket or an object (an account), and what others may do with it."""

    owner: str
    grants: tuple[Grant, ...]


class NotificationRule(Value, frozen=True):
    """Which `events` of which keys are sent where: to a `queue` (ARN, name or short name), a `topic` (ARN or name), or
    an `endpoint` (URL); one of the three.
    """

    queue: str = ""
    events: tuple[str, ...] = ("s3:ObjectCreated:*",)
    prefix: str = ""
    suffix: str = ""
    id: str = ""
    topic: str = ""
    endpoint: str = ""


class MultipartUploadInfo(Value, frozen=True):
    """An upload in parts that is neither completed nor aborted."""

    key: str
    upload_id: str
    created: datetime


# Identity


class Caller(Value, frozen=True):
    """Who the server takes the caller for."""

    account: str
    arn: str
    user_id: str
    access_key_id: str
    token_expires: datetime


class Token(Value, frozen=True):
    """A bearer token."""

    token: str
    token_id: str
    expires: datetime

    def __repr__(self) -> str:
        return f"Token(token_id={self.token_id!r}, expires={self.expires!r})"


class AccountInfo(Value, frozen=True):
    """An account."""

    account: str
    display_name: str
    email: str
    canonical_id: str
    created: datetime


class UserInfo(Value, frozen=True):
    """A user. `groups` (short names) are filled in where one user is asked for."""

    name: str
    full_name: str
    arn: str
    user_id: str
    path: str
    created: datetime
    groups: tuple[str, ...] = ()


class AccessKeyInfo(Value, frozen=True):
    """An access key without its secret. `user` is a short name, empty for an account's root."""

    access_key_id: str
    user: str
    active: bool
    created: datetime


class NewAccessKey(Value, frozen=True):
    """An access key with its secret, which is shown this once."""

    access_key_id: str
    secret_access_key: str
    user: str
    created: datetime

    def __repr__(self) -> str:
        return f"NewAccessKey(access_key_id={self.access_key_id!r}, user={self.user!r})"


class NewAccount(Value, frozen=True):
    """A new account with its root's access key, whose secret is shown this once."""

    account: str
    display_name: str
    email: str
    canonical_id: str
    access_key_id: str
    secret_access_key: str
    created: datetime

    def __repr__(self) -> str:
        return f"NewAccount(account={self.account!r}, access_key_id={self.access_key_id!r})"


class GroupInfo(Value, frozen=True):
    """A group of users."""

    name: str
    full_name: str
    arn: str
    group_id: str
    path: str
    created: datetime


class PolicyInfo(Value, frozen=True):
    """A managed policy. Listings leave out `document`; listings of attached ones hold `name` and `arn` only."""

    name: str
    full_name: str
    arn: str
    policy_id: str = ""
    path: str = ""
    description: str = ""
    document: str = ""
    created: datetime | None = None
    updated: datetime | None = None
    attachment_count: int = 0


class MatchedStatement(Value, frozen=True):
    """A statement that matched: where it stands, and what it does."""

    policy: str
    sid: str
    statement_index: int
    effect: Literal["Allow", "Deny"]


class Explanation(Value, frozen=True):
    """Whether a principal may do something, and why."""

    decision: Literal["allow", "explicit deny", "implicit deny"]
    reason: str
    matched_statements: tuple[MatchedStatement, ...]

    @property
    def allowed(self) -> bool:
        """Say whether the answer is yes."""
        return self.decision == "allow"


# Keys

KeyState = Literal["ENABLED", "DISABLED", "PENDING_DELETION"]


class KeyInfo(Value, frozen=True):
    """A key of the key service; listings hold `id`, `full_name` and `arn` only."""

    id: str
    full_name: str
    arn: str
    description: str = ""
    state: KeyState | None = None
    is_managed: bool | None = None
    """Whether it is a service's own key, used through that service alone."""
    created: datetime | None = None
    deletion: datetime | None = None
    """When it is deleted; None: it is not to be."""
    material_id: str = ""


class AliasInfo(Value, frozen=True):
    """Another name of a key: `alias/…`."""

    name: str
    full_name: str
    arn: str
    key_id: str
    created: datetime
    updated: datetime


class RotationPlan(Value, frozen=True):
    """How often a key is rotated by itself, and when next."""

    every_days: int
    next: datetime


class KeyRotation(Value, frozen=True):
    """A material of a key: only the current one encrypts, every one opens what it encrypted."""

    material_id: str
    kind: Literal["FIRST", "AUTOMATIC", "ON_DEMAND"]
    is_current: bool
    rotated: datetime | None
    """None for the key's first."""


class Encrypted(Value, frozen=True):
    """A ciphertext, and which key and material of it made it."""

    ciphertext: bytes
    key_id: str
    material_id: str


class Decrypted(Value, frozen=True):
    """What a ciphertext held, which its `repr` does not show, and which key and material of it had made it."""

    plaintext: bytes
    key_id: str
    material_id: str

    def __repr__(self) -> str:
        return f"Decrypted(key_id={self.key_id!r})"

    @property
    def text(self) -> str:
        """The plaintext as UTF-8 text."""
        return self.plaintext.decode()


class DataKey(Value, frozen=True):
    """A random key: in clear to encrypt with, and encrypted to be stored beside what it encrypts."""

    plaintext: bytes
    ciphertext: bytes
    key_id: str
    material_id: str

    def __repr__(self) -> str:
        return f"DataKey(key_id={self.key_id!r})"


# Jobs

JobState = Literal["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"]
FINAL_STATES = frozenset[str](("SUCCEEDED", "FAILED"))
LogStreamName = Literal["stdout", "stderr", "worker"]


class JobInput(Value, frozen=True):
    """An object (`s3://bucket/key`) that is put to `path` in the job's folder before it starts."""

    source: str
    path: str


class JobOutput(Value, frozen=True):
    """Files of the job's folder (`path` may hold wildcards) that are stored below `destination` (`s3://bucket/prefix`)."""

    path: str
    destination: str


class JobSpec(Value, frozen=True):
    """What to run, in which limits; what is None takes the server's default."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = msgspec.field(default_factory=dict)
    inputs: tuple[JobInput, ...] = ()
    outputs: tuple[JobOutput, ...] = ()
    timeout_s: int | None = None
    memory_bytes: int | None = None
    cpu_millis: int | None = None
    pids_max: int | None = None
    isolation: Literal["sandbox", "none"] = "sandbox"
    max_attempts: int | None = None


class JobUsage(Value, frozen=True):
    """What an attempt used, as far as its worker could measure it."""

    cpu_ms: int
    wall_ms: int
    memory_peak_bytes: int


class JobOutputObject(Value, frozen=True):
    """An object (`s3://bucket/key`) that an attempt stored."""

    object: str
    size: int
    etag: str


class JobAttempt(Value, frozen=True):
    """One try to run a job."""

    number: int
    worker: str
    claimed: datetime
    started: datetime | None
    stopped: datetime | None
    exit_code: int | None
    reason: str
    usage: JobUsage | None
    log_chunks: int


class JobInfo(Value, frozen=True):
    """A job's record. Listings leave out `attempts` and `outputs`."""

    id: str
    full_name: str
    arn: str
    queue: str
    spec: JobSpec
    state: JobState
    status_reason: str
    created: datetime
    started: datetime | None
    stopped: datetime | None
    cancel_requested: bool
    deduplication_key: str
    attempts: tuple[JobAttempt, ...] = ()
    outputs: tuple[JobOutputObject, ...] = ()


class LogChunk(Value, frozen=True):
    """A piece of an attempt's log."""

    attempt: int
    number: int
    stream: LogStreamName
    data: bytes
    written: datetime


class Claim(Value, frozen=True):
    """How a worker's claim came out: `lease_token` and `attempt` are set where it is `claimed`."""

    outcome: Literal["claimed", "already done", "held"]
    job: JobInfo
    attempt: int
    lease_token: str
    lease_expires: datetime | None


class Heartbeat(Value, frozen=True):
    """The lease holds on; `cancel_requested` says to stop the command."""

    lease_expires: datetime
    cancel_requested: bool
