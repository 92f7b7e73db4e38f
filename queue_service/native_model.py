"""The types of native subscriptions and of what belongs to them: what callers ask, what they are answered, and limits.

A native subscription has a name in its topic, and is received from over gRPC. Names of subscriptions and snapshots are
as the caller wrote them (full name, short form or ARN).
"""

import enum

import msgspec

from cumulo.core.names import resource_name
from cumulo.queue_service.topic_model import PublishEntry, TopicPlace

NAME_CHARACTERS_MAX = 80
"""Of a subscription and of a snapshot."""
PUBLISH_ENTRIES_MAX = 100
"""Messages of one publish: those of a native batch of a queue."""
ACK_DEADLINE_S_DEFAULT = 30
ACK_DEADLINE_S_MAX = 43_200
RETENTION_S_DEFAULT = 604_800
RETENTION_S_MIN = 60
RETENTION_S_MAX = 1_209_600
MAX_DELIVERIES_DEFAULT = 5
MAX_DELIVERIES_MAX = 1_000
JOB_TEMPLATE_CHARACTERS_MAX = 16_384
"""Ours; a template stands in its subscription's row."""
TIME_MS_MAX = 1 << 53
IN_ATTRIBUTES, IN_BODY = "MessageAttributes", "MessageBody"


class NativePlace(msgspec.Struct, frozen=True):
    """Where a native subscription's, or a snapshot's, name stands; `collection` says which of the two."""

    topic: TopicPlace
    name: str
    collection: str = "subscriptions"

    @property
    def arn(self) -> str:
        """The subscription's ARN."""
        return f"{self.topic.arn}:{self.name}"

    @property
    def full_name(self) -> str:
        """The AIP-122 name."""
        return f"{resource_name(self.topic.account, self.topic.region, 'topics', self.topic.name)}/{self.short_name}"

    @property
    def short_name(self) -> str:
        """The name below the topic."""
        return f"{self.collection}/{self.name}"


class NativeAttributes(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set of a native subscription; None where it was not given. `dead_letter_queue` is a name or an ARN,
    empty for none. With a `job_template` messages become jobs, and nobody receives them.
    """

    filter_policy: str | None = None
    filter_scope: str | None = None
    ack_deadline_s: int | None = None
    retention_s: int | None = None
    dead_letter_queue: str | None = None
    max_deliveries: int | None = None
    job_template: str | None = None


class NativeSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """A native subscription as it is, with exact counts; `dead_letter_queue` is a full name, empty for none. One with a
    `job_template` is none: its messages wait until they are jobs.
    """

    place: NativePlace
    create_ms: int
    filter_policy: str
    filter_scope: str
    ack_deadline_s: int
    retention_s: int
    dead_letter_queue: str
    max_deliveries: int
    message_count: int
    in_flight_count: int
    is_replaying: bool
    job_template: str = ""


class CreateSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """Make a native subscription, or find the one of that name with the given attributes."""

    subscription: str
    attributes: NativeAttributes = NativeAttributes()
    request_id: str = ""


class DescribeSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """Look at a native subscription."""

    subscription: str


class UpdateSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """Change attributes of a native subscription, all or none."""

    subscription: str
    attributes: NativeAttributes
    request_id: str = ""


class UpdateTopic(msgspec.Struct, frozen=True, kw_only=True):
    """Change attributes of a topic, all or none; an empty value takes one away, `keep_s` 0 lets go of what is kept."""

    topic: str
    attributes: dict[str, str] = {}
    policy: str | None = None
    keep_s: int | None = None
    request_id: str = ""


class PublishMessages(msgspec.Struct, frozen=True, kw_only=True):
    """Publish up to `PUBLISH_ENTRIES_MAX` messages together, that are still to be checked."""

    topic: str
    entries: tuple[PublishEntry, ...]
    request_id: str = ""


class Target(enum.Enum):
    """What a seek goes by."""

    TIME = "time"
    SNAPSHOT = "snapshot"
    END = "end"


class SeekSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """Let a native subscription begin anew, from a time, a snapshot by its name, or the end."""

    subscription: str
    by: Target
    time_ms: int = 0
    snapshot: str = ""
    request_id: str = ""


class NativeSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot, the subscription whose place it remembers, and how many messages are kept behind that."""

    place: NativePlace
    subscription: str
    create_ms: int
    message_count: int


class CreateSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Remember how far a native subscription has come."""

    snapshot: str
    subscription: str
    request_id: str = ""


class ListSnapshots(msgspec.Struct, frozen=True, kw_only=True):
    """List the snapshots of a topic; there are `topic_model.SNAPSHOTS_MAX` at most."""

    topic: str


class DeleteSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Forget a snapshot; one that is not there does no harm."""

    snapshot: str
    request_id: str = ""
