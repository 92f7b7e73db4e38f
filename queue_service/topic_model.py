"""The types of topics and subscriptions: what callers ask, what they are answered, and every limit with its source.

Names of topics are as the caller wrote them (full name, short name or ARN). Attributes are SNS's, by its names and in
its texts, as they were given: so every edge gives them back to the byte. Sources of the limits: Amazon SNS API
reference (CreateTopic, Subscribe, Publish), and AWS's general reference, "Amazon SNS endpoints and quotas".
"""

import msgspec

from cumulo.core.names import Arn, resource_name
from cumulo.queue_service.message_model import ItemError, MessageAttributes, SentMessage
from cumulo.queue_service.model import FIFO_SUFFIX

TOPIC_NAME_CHARACTERS_MAX = 256
SUBJECT_CHARACTERS_MAX = 100
MESSAGE_BYTES_MIN = 1_024
MESSAGE_BYTES_DEFAULT = 262_144
MESSAGE_BYTES_MAX = 1_048_576
"""Of a message, its subject apart, with its attributes; of a batch together, too: the default, and what the topic's
`MaximumMessageSize` may be.
"""
BATCH_ENTRIES_MAX = 10
ENDPOINT_CHARACTERS_MAX = 2_048
"""Ours."""
LIST_PAGE = 100
"""Topics or subscriptions of one page, as in SNS."""
FILTER_POLICIES_MAX = 200
"""Subscriptions of one topic with a filter policy."""
SUBSCRIPTIONS_MAX = 100_000
"""Ours: subscriptions of one topic; SNS allows 12,500,000 (100 to a FIFO topic), most of which are phones."""
FIFO_SUBSCRIPTIONS_MAX = 100
SNAPSHOTS_MAX = 100
"""Ours: snapshots of one topic."""
KEEP_S_MIN = 60
KEEP_S_MAX = 31_536_000
"""How long a topic keeps what was published: 365 days, as SNS's archive policies."""
CONFIRMATION_S = 172_800
"""How long a subscription waits for its confirmation: two days."""
PROTOCOLS = ("http", "https", "email", "email-json", "sms", "sqs", "application", "lambda", "firehose")
"""Those that SNS knows."""


class TopicPlace(msgspec.Struct, frozen=True):
    """Where a topic's name stands."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The topic's ARN."""
        return str(Arn("sns", self.region, self.account, self.name))

    @property
    def full_name(self) -> str:
        """The topic's AIP-122 name."""
        return resource_name(self.account, self.region, "topics", self.name)

    @property
    def fifo(self) -> bool:
        """Whether it is a FIFO topic: its name says so."""
        return self.name.endswith(FIFO_SUFFIX)


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A topic as it is. `attributes` are those that were given; `policy` is empty for the default one. It keeps `kept`
    messages, for `keep_s`: those from `kept_from_ms` on.
    """

    place: TopicPlace
    create_ms: int
    attributes: dict[str, str] = {}
    policy: str = ""
    confirmed: int = 0
    pending: int = 0
    deleted: int = 0
    keep_s: int = 0
    kept: int = 0
    kept_from_ms: int = 0


class CreateTopic(msgspec.Struct, frozen=True, kw_only=True):
    """Make a topic, or find the one that has these attributes and tags. `tags` None: none were given."""

    topic: str
    attributes: dict[str, str] = {}
    tags: dict[str, str] = {}
    request_id: str = ""
    keep_s: int | None = None


class DeleteTopic(msgspec.Struct, frozen=True, kw_only=True):
    """Delete a topic with its subscriptions; one that is not there does no harm."""

    topic: str
    request_id: str = ""


class GetTopic(msgspec.Struct, frozen=True, kw_only=True):
    """Look at a topic."""

    topic: str


class SetTopicAttribute(msgspec.Struct, frozen=True, kw_only=True):
    """Change one attribute of a topic; an empty value takes it away."""

    topic: str
    name: str
    value: str


class ListTopics(msgspec.Struct, frozen=True, kw_only=True):
    """List the topics of the caller's account and region by name."""

    page_token: str = ""
    page_size: int = LIST_PAGE


class TopicPage(msgspec.Struct, frozen=True):
    """Topics in the order of their names; an empty token on the last page."""

    topics: tuple[TopicPlace, ...]
    next_page_token: str


class ListTopicTags(msgspec.Struct, frozen=True, kw_only=True):
    """Look at a topic's tags."""

    topic: str


class TagTopic(msgspec.Struct, frozen=True, kw_only=True):
    """Add tags; of a key that is there already the value is replaced."""

    topic: str
    tags: dict[str, str]


class UntagTopic(msgspec.Struct, frozen=True, kw_only=True):
    """Remove tags; a key that is not there does no harm."""

    topic: str
    keys: tuple[str, ...]


class AddTopicPermission(msgspec.Struct, frozen=True, kw_only=True):
    """Add a statement to a topic's policy: these accounts may do these actions (`Publish`)."""

    topic: str
    label: str
    accounts: tuple[str, ...]
    actions: tuple[str, ...]


class RemoveTopicPermission(msgspec.Struct, frozen=True, kw_only=True):
    """Remove the statement of this label from a topic's policy."""

    topic: str
    label: str


# Subscriptions


class SubscriptionPlace(msgspec.Struct, frozen=True):
    """Where a subscription stands: its topic, and its id, a UUID in text form."""

    topic: TopicPlace
    id: str

    @property
    def arn(self) -> str:
        """The subscription's ARN."""
        return f"{self.topic.arn}:{self.id}"


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription as it is. `owner` is the account of the subscriber, `principal_arn` who subscribed.

    `attributes` are those that were given, by SNS's names. `authenticated` says whether the confirmation was made by a
    signed call, and so whether unsubscribing needs one. `replay_status` is SNS's, empty where it has no replay policy.
    """

    place: SubscriptionPlace
    protocol: str
    endpoint: str
    owner: str
    principal_arn: str
    attributes: dict[str, str] = {}
    confirmed: bool = False
    authenticated: bool = False
    replay_status: str = ""


class Subscribe(msgspec.Struct, frozen=True, kw_only=True):
    """Subscribe an endpoint to a topic, or find its subscription."""

    topic: str
    protocol: str
    endpoint: str
    attributes: dict[str, str] = {}


class ConfirmSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """Confirm a subscription by the token that its endpoint was sent; without `authenticate_on_unsubscribe` anybody who
    has its ARN may end it.
    """

    topic: str
    token: str
    authenticate_on_unsubscribe: bool = False


class Unsubscribe(msgspec.Struct, frozen=True, kw_only=True):
    """End a subscription; one that is not there does no harm."""

    subscription: str
    request_id: str = ""


class GetSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """Look at a subscription."""

    subscription: str


class SetSubscriptionAttribute(msgspec.Struct, frozen=True, kw_only=True):
    """Change one attribute of a subscription; an empty value takes it away."""

    subscription: str
    name: str
    value: str


class ListSubscriptions(msgspec.Struct, frozen=True, kw_only=True):
    """List the subscriptions of the caller's account and region."""

    page_token: str = ""
    page_size: int = LIST_PAGE


class ListSubscriptionsByTopic(msgspec.Struct, frozen=True, kw_only=True):
    """List the subscriptions of a topic, oldest first."""

    topic: str
    page_token: str = ""
    page_size: int = LIST_PAGE


class SubscriptionPage(msgspec.Struct, frozen=True):
    """Subscriptions; an empty token on the last page."""

    subscriptions: tuple[Subscription, ...]
    next_page_token: str


# Publishing


class PublishEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One message to publish. `by_protocol` are the texts of a message of structure `json`, where the protocol has one
    of its own; `body` is then the default. Of a FIFO topic `group_id` must be given. `trace_header` is X-Ray's, which
    queues hand on.
    """

    body: str
    subject: str = ""
    by_protocol: dict[str, str] = {}
    attributes: MessageAttributes = ()
    group_id: str | None = None
    deduplication_id: str | None = None
    trace_header: str = ""


class Publish(msgspec.Struct, frozen=True, kw_only=True):
    """Publish messages together. `bytes_together` is their size where the topic's limit holds for all of them, as in
    SNS; 0 where it holds for each.
    """

    topic: str
    entries: tuple[PublishEntry, ...]
    request_id: str = ""
    bytes_together: int = 0


PublishAnswer = SentMessage | ItemError
"""What became of one entry: its message id, and of a FIFO topic its sequence number."""
