"""Logs: what callers ask, what they are answered, and every limit with its source.

A log keeps records in the order in which they were appended, each under a position that rises by one; reading takes
nothing away. Requests are what an edge parses; the service checks and stamps them. Names of logs are as the caller
wrote them (full name, short name or ARN). SQS has no logs: every limit here is ours, near those of queues.
"""

import enum

import msgspec

from cumulo.core.names import Arn, resource_name
from cumulo.queue_service.message_model import MessageAttributes

LOG_NAME_CHARACTERS_MAX = 80
LANES_MAX = 64
"""So that a group's record, which names the holder of each lane, stays small."""
RETENTION_S_DEFAULT = 604_800
"""7 days."""
RETENTION_S_MIN = 60
RETENTION_S_MAX = 315_360_000
"""10 years; 0 keeps records for ever."""
RETENTION_BYTES_MIN = 4 * 1024 * 1024
"""More than the largest record takes."""
RETENTION_MAX = (1 << 62) - 1
"""Of bytes and of records: what a signed number of the contract holds."""
RECORD_BYTES_MAX = 1_048_576
"""Key, attributes and body together."""
RECORD_KEY_BYTES_MAX = 256
RECORD_ATTRIBUTES_BYTES_MAX = 32_768
"""So that a record without its body fits into one value of the engine."""
APPEND_RECORDS_MAX = 100
APPEND_BYTES_MAX = 1_048_576
READ_RECORDS_MAX = 1_000
READ_BYTES_MAX = 1_048_576
"""What one read answers at most, or one larger record."""
READ_WAIT_S_MAX = 20
POSITION_MAX = (1 << 62) - 1
TIME_MS_MAX = (1 << 53) - 1
"""Far beyond the year 9999, and exact in JSON."""
LOGS_PAGE_MAX = 1_000
GROUPS_MAX = 100
"""Consumer groups of one log."""
GROUP_NAME_CHARACTERS_MAX = 80
MEMBER_ID_CHARACTERS_MAX = 64
MEMBERS_MAX = 100
"""Members of one group; those beyond the number of lanes stand by."""
LEASE_S_DEFAULT = 30
LEASE_S_MIN = 5
LEASE_S_MAX = 43_200


class LogAttributes(msgspec.Struct, frozen=True, kw_only=True):
    """Attributes as a caller gives them; None stands for "not given". An empty `policy` removes it."""

    lane_count: int | None = None
    retention_s: int | None = None
    retention_bytes: int | None = None
    retention_records: int | None = None
    policy: str | None = None


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """A log as it is; what a listing does not read is 0. A retention of 0 has no limit.

    Its records stand at `first_position` up to, and not with, `next_position`; `size_bytes` is what they take.
    """

    account: str
    region: str
    name: str
    create_ms: int
    update_ms: int = 0
    lane_count: int = 0
    retention_s: int = 0
    retention_bytes: int = 0
    retention_records: int = 0
    policy: str = ""
    first_position: int = 0
    next_position: int = 0
    size_bytes: int = 0
    last_append_ms: int = 0

    @property
    def arn(self) -> str:
        """The log's ARN."""
        return log_arn(self.account, self.region, self.name)

    @property
    def full_name(self) -> str:
        """The log's AIP-122 name."""
        return resource_name(self.account, self.region, "logs", self.name)


def log_arn(account: str, region: str, name: str) -> str:
    """Return the ARN of a log: beside the queues of SQS, whose names hold no slash."""
    return str(Arn("sqs", region, account, f"log/{name}"))


class CreateLog(msgspec.Struct, frozen=True, kw_only=True):
    """Make a log, or find the one that has the same attributes."""

    log: str
    attributes: LogAttributes = LogAttributes()
    request_id: str = ""


class GetLog(msgspec.Struct, frozen=True, kw_only=True):
    """Look at a log."""

    log: str


class ListLogs(msgspec.Struct, frozen=True, kw_only=True):
    """List logs by name, from the first that starts with `prefix`. `parent` is empty for the caller's own place."""

    parent: str = ""
    prefix: str = ""
    page_size: int = 0
    page_token: str = ""


class LogPage(msgspec.Struct, frozen=True):
    """Logs in the order of their names, without attributes; an empty token on the last page."""

    logs: tuple[Log, ...]
    next_page_token: str


class UpdateLog(msgspec.Struct, frozen=True, kw_only=True):
    """Change attributes: those given are written, those named in `defaults` return to their default."""

    log: str
    attributes: LogAttributes
    defaults: tuple[str, ...] = ()
    request_id: str = ""


class DeleteLog(msgspec.Struct, frozen=True, kw_only=True):
    """Delete a log, its records and its consumer groups."""

    log: str
    request_id: str = ""


class AppendEntry(msgspec.Struct, frozen=True):
    """One record to append. Records with the same `key` share a lane; without one the lanes take turns."""

    body: bytes
    key: str = ""
    attributes: MessageAttributes = ()


class AppendRecords(msgspec.Struct, frozen=True, kw_only=True):
    """Append records together; with `expected_position` only where the first of them gets that position."""

    log: str
    entries: tuple[AppendEntry, ...]
    expected_position: int | None = None
    request_id: str = ""


class Appended(msgspec.Struct, frozen=True, array_like=True):
    """Records that are durable: `count` of them from `first_position` on, all appended at `time_ms`."""

    first_position: int
    count: int
    time_ms: int


class From(enum.IntEnum):
    """How a reader says where to begin."""

    POSITION = 0
    TIME = 1
    END = 2


class Start(msgspec.Struct, frozen=True):
    """Where to begin: at a position (0 begins with the oldest record), at the first record that was appended at or
    after a time, or behind the last one.
    """

    by: From = From.POSITION
    value: int = 0


class ReadRecords(msgspec.Struct, frozen=True, kw_only=True):
    """Read records, of one `lane` or of all, waiting up to `wait_s` for the first."""

    log: str
    start: Start = Start()
    max_records: int = 100
    wait_s: int = 0
    lane: int | None = None
    bytes_max: int = READ_BYTES_MAX


class LogRecord(msgspec.Struct, frozen=True, gc=False):
    """A record as a reader gets it."""

    position: int
    time_ms: int
    key: str
    body: bytes
    attributes: MessageAttributes
    lane: int


class RecordPage(msgspec.Struct, frozen=True):
    """Records in the order of their positions, where to go on, and the positions between which the log has records."""

    records: tuple[LogRecord, ...]
    next_position: int
    first_position: int
    end_position: int


class LaneCursor(msgspec.Struct, frozen=True, array_like=True):
    """How far a member has come in a lane that it holds: `position` is of the next record that it wants. `token` proves
    the holding; `releasing` says that the member knows it is asked to release the lane.
    """

    lane: int
    token: int
    position: int = 0
    releasing: bool = False


class ConsumeRecords(msgspec.Struct, frozen=True, kw_only=True):
    """Read on as a member of a consumer group, which this joins, and holds for `lease_s` longer.

    `cursors` are the lanes that the member knows it holds; those in `released` it gives up. `start` is where a group
    begins that this makes.
    """

    log: str
    group: str
    member: str
    cursors: tuple[LaneCursor, ...] = ()
    released: tuple[LaneCursor, ...] = ()
    start: Start = Start()
    max_records: int = 100
    wait_s: int = 0
    lease_s: int = LEASE_S_DEFAULT


class HeldLane(msgspec.Struct, frozen=True):
    """A lane that a member holds: `position` is the committed one. `release` asks to finish, commit and release it."""

    lane: int
    token: int
    position: int
    release: bool


class Consumed(msgspec.Struct, frozen=True):
    """The lanes that a member holds now, and records of them, in order within each lane."""

    lanes: tuple[HeldLane, ...]
    records: tuple[LogRecord, ...]


class CommitConsumerGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Note durably how far a member has come in lanes that it holds: each position is of the next record to handle."""

    log: str
    group: str
    member: str
    cursors: tuple[LaneCursor, ...]
    request_id: str = ""


class LeaveConsumerGroup(msgspec.Struct, frozen=True, kw_only=True):
    """End a membership; the member's lanes are free at once."""

    log: str
    group: str
    member: str
    request_id: str = ""


class ListConsumerGroups(msgspec.Struct, frozen=True, kw_only=True):
    """List the consumer groups of a log by name."""

    log: str
    page_size: int = 0
    page_token: str = ""


class GroupLane(msgspec.Struct, frozen=True):
    """A lane as a group sees it: the next record to handle, who holds it (empty: nobody), and how many records wait."""

    lane: int
    position: int
    member: str
    lag: int


class ConsumerGroup(msgspec.Struct, frozen=True):
    """A consumer group as it is; members whose lease ended are not counted."""

    name: str
    create_ms: int
    member_count: int
    lanes: tuple[GroupLane, ...]

    @property
    def lag(self) -> int:
        """How many records wait for the group."""
        return sum(it.lag for it in self.lanes)


class GroupPage(msgspec.Struct, frozen=True):
    """Consumer groups in the order of their names; an empty token on the last page."""

    groups: tuple[ConsumerGroup, ...]
    next_page_token: str


class SeekConsumerGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Set where a group goes on, forwards or back, in all lanes; makes the group where there is none."""

    log: str
    group: str
    start: Start
    request_id: str = ""


class DeleteConsumerGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Forget a group and its positions."""

    log: str
    group: str
    request_id: str = ""
