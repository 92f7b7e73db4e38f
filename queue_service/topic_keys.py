"""The schema of topics and subscriptions: every subspace, key and record.

    ROOT  ("topics", account, region, name)                TopicName
    ROOT  ("subscriptions", account, region, id)           SubscriptionName: of the subscriber's account
    ROOT  ("sms settings", account, region)                SmsSettings; absent before the first
    t     ("topic",)                                       TopicMeta
    t     ("tags",)                                        keys.Tags; absent where there are none
    t     ("state",)                                       TopicState
    t     ("subscription", n)                              SubscriptionRow; n rises with each subscription
    t     ("id", id)                                       u64 n
    t     ("ended", n)                                     SubscriptionRow: may be restored for a while
    t     ("endpoint", digest of protocol and endpoint)    u64 n
    t     ("snapshot", name)                               Snapshot
    t     ("replay", n)                                    Replay: of a queue of SQS, by its subscription's policy
    o     ("progress",)                                    u64 seq, u64 n: only in an outbox
    o     ("kept",)                                        archive, u64 seq, u64 position of the last: in an outbox
    q     ("replay",)                                      Replay: only in a native subscription's queue, after a seek

A topic is a name in the directory and a partition of its own. Messages never lie in it: they are sent to queues, the
subscribers' or the topic's own. Queues of its own (`outbox` of the topic, `queue` of a subscription) have no name in
the directory and lie in partitions of their own. What a topic keeps is a log (`log_keys`) without a name, in a
partition of its own, too (`archive`). Does not know what any of it means.
"""

import enum
import functools
import hashlib

import msgspec

from cumulo.storage import records, tuples
from cumulo.storage.engine import ROOT
from cumulo.storage.tuples import u64

TOPIC = tuples.encode(("topic",))
TAGS = tuples.encode(("tags",))
STATE = tuples.encode(("state",))
_SUBSCRIPTION = tuples.encode(("subscription",))
_ENDED = tuples.encode(("ended",))
_ID = tuples.encode(("id",))
_ENDPOINT = tuples.encode(("endpoint",))
SNAPSHOTS = tuples.encode(("snapshot",))
TOPICS = ROOT + tuples.encode(("topics",))
"""What the directory keys of all topics start with."""
_SUBSCRIPTIONS = ROOT + tuples.encode(("subscriptions",))
SMS_SETTINGS = ROOT + tuples.encode(("sms settings",))
"""What the keys of all accounts' settings of short messages start with."""

SQS = "sqs"
NATIVE = "native"
"""The protocol of subscriptions that are received from over gRPC. Their ids are their names."""

JOB = "job"
"""The protocol of subscriptions whose messages become jobs of the runner. Their ids are their names, too."""
NAMED = (NATIVE, JOB)
JOB_TEMPLATE = "JobTemplate"
"""The attribute of such a subscription that says what a job is to be like."""

PROGRESS = tuples.encode(("progress",))
"""In an outbox: the message that was delivered last, and up to which subscription; absent before the first."""
KEPT = tuples.encode(("kept",))
REPLAY = tuples.encode(("replay",))


class TopicName(records.Record, frozen=True):
    """Where a name leads, and the policy in its stored form, empty for the default one."""

    partition: bytes = b""
    policy: str = ""
    create_ms: int = 0


class TopicMeta(records.Record, frozen=True):
    """A topic and its attributes, all but the policy; absent once it is deleted. `outbox` is the partition of the queue
    in which messages wait for their delivery, `archive` of the log of what is kept for `keep_s`; empty for none.
    """

    account: str = ""
    region: str = ""
    name: str = ""
    create_ms: int = 0
    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    outbox: bytes = b""
    archive: bytes = b""
    keep_s: int = 0
    archive_ms: int = 0
    """Since when it keeps what is published, by the wall clock."""


class TopicState(records.Record, frozen=True):
    """Exact counts, the next subscription's number, and `revision`, which each change to the topic or to one of its
    subscriptions raises.
    """

    confirmed: int = 0
    pending: int = 0
    deleted: int = 0
    filtered: int = 0
    next_number: int = 1
    revision: int = 1


class SmsSettings(records.Record, frozen=True):
    """An account's settings of short messages in a region, by SNS's names."""

    attributes: dict[str, str] = msgspec.field(default_factory=dict)


class SubscriptionName(records.Record, frozen=True):
    """Which topic a subscription belongs to, and what lists show of it, so that they need no other partition."""

    topic: str = ""
    partition: bytes = b""
    protocol: str = ""
    endpoint: str = ""
    confirmed: bool = False


class SubscriptionRow(records.Record, frozen=True):
    """A subscription. `queue` is the partition of its own queue, empty where it delivers to one of SQS. `expire_ms` is
    where the due entry of an unconfirmed one stands. `nonce` is in its confirmation token. `dead_letter_name` is the
    queue of the topic's account and region that a native one's messages go to which nobody could handle. `on_behalf_of`
    is the encoded caller in whose name jobs are submitted (`move_tasks.OnBehalfOf`).
    """

    id: str = ""
    protocol: str = ""
    endpoint: str = ""
    owner: str = ""
    principal_arn: str = ""
    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    confirmed: bool = False
    authenticated: bool = False
    queue: bytes = b""
    create_ms: int = 0
    expire_ms: int = 0
    nonce: bytes = b""
    dead_letter_name: str = ""
    on_behalf_of: bytes = b""


class Snapshot(records.Record, frozen=True):
    """A position in what a topic keeps, and the name of the subscription whose place it was."""

    position: int = 0
    subscription: str = ""
    create_ms: int = 0


class Phase(enum.IntEnum):
    """How far a replay by a policy is: SNS's `ReplayStatus`."""

    PENDING = 0
    IN_PROGRESS = 1
    COMPLETED = 2
    FAILED = 3


class Replay(records.Record, frozen=True):
    """How far a subscription got what its topic keeps, since a seek or by its replay policy. While it is not live,
    messages that are published do not come to it, since they are kept and it will get to them; once it is, what is kept
    before `position` does not, since it came already. `archive` is where: a topic that stops to keep messages, and
    begins again, has another. One by a policy has a `phase`, and ends at `end_ms`, where that is not 0: it is not live
    then, and gets nothing more.
    """

    position: int = 0
    is_live: bool = False
    archive: bytes = b""
    end_ms: int = 0
    phase: Phase = Phase.PENDING

    @property
    def is_under_way(self) -> bool:
        """Whether there is more to replay."""
        return not self.is_live and self.phase < Phase.COMPLETED


class Farewell(records.Record, frozen=True):
    """What an endpoint is told once its subscription has ended, and how often that was tried; until `end_ms`, by the
    deadline clock, the subscription may be restored. `told`: there is nothing more to try.
    """

    message_id: str = ""
    published_ms: int = 0
    end_ms: int = 0
    attempts: int = 0
    told: bool = False


decode_farewell = records.decoder(Farewell).decode
decode_name = records.decoder(TopicName).decode
decode_topic = records.decoder(TopicMeta).decode
decode_state = records.decoder(TopicState).decode
decode_subscription_name = records.decoder(SubscriptionName).decode
decode_subscription = records.decoder(SubscriptionRow).decode
decode_snapshot = records.decoder(Snapshot).decode
decode_replay = records.decoder(Replay).decode
decode_sms_settings = records.decoder(SmsSettings).decode


@functools.lru_cache(maxsize=4096)
def name_key(account: str, region: str, name: str) -> bytes:
    """Return the key of a topic's directory row."""
    return TOPICS + tuples.encode((account, region, name))


def names_prefix(account: str, region: str) -> bytes:
    """Return what the directory keys of one account and region start with."""
    return TOPICS + tuples.encode((account, region))


def sms_settings_key(account: str, region: str) -> bytes:
    """Return the key of an account's settings of short messages in a region."""
    return SMS_SETTINGS + tuples.encode((account, region))


def subscription_name_key(account: str, region: str, subscription_id: str) -> bytes:
    """Return the key of a subscription's directory row."""
    return _SUBSCRIPTIONS + tuples.encode((account, region, subscription_id))


def listed_key(region: str, partition: bytes, row: SubscriptionRow) -> bytes:
    """Return the key under which a subscription's account lists it. A name as id is unique in its topic alone."""
    listed = f"{row.id}/{partition.hex()}" if row.protocol in NAMED else row.id
    return subscription_name_key(row.owner, region, listed)


def id_in(listed: str) -> str:
    """Return the id in what the key of a listed subscription ends with."""
    return listed.partition("/")[0]


def subscription_names_prefix(account: str, region: str) -> bytes:
    """Return what the directory keys of one account's and region's subscriptions start with."""
    return _SUBSCRIPTIONS + tuples.encode((account, region))


def last_part(key: bytes) -> str:
    """Return the name or id in a directory key."""
    name = tuples.decode(key[len(ROOT) :])[-1]
    assert isinstance(name, str)
    return name


def subscription_key(partition: bytes, number: int) -> bytes:
    """Return the key of a subscription."""
    return partition + _SUBSCRIPTION + u64(number)


def subscriptions_prefix(partition: bytes) -> bytes:
    """Return what the keys of a topic's subscriptions start with; the number follows."""
    return partition + _SUBSCRIPTION


def ended_key(partition: bytes, number: int) -> bytes:
    """Return the key of a subscription that has ended and may be restored."""
    return partition + _ENDED + u64(number)


def owner_of(partition: bytes, number: int) -> bytes:
    """Return what leads to a subscription: the topic's partition, and its number."""
    return partition + u64(number)


def owner_in(owner: bytes) -> tuple[bytes, int]:
    """Return what `owner_of` was made of."""
    return owner[:8], int.from_bytes(owner[8:], "big")


def id_key(partition: bytes, subscription_id: str) -> bytes:
    """Return the key that leads from an id to a subscription's number."""
    return partition + _ID + tuples.encode((subscription_id,))


def endpoint_key(partition: bytes, protocol: str, endpoint: str) -> bytes:
    """Return the key that leads from an endpoint to its subscription's number."""
    digest = hashlib.sha256(f"{protocol}\0{endpoint}".encode()).digest()
    return partition + _ENDPOINT + tuples.encode((digest,))


def replay_key(partition: bytes, number: int) -> bytes:
    """Return the key of the replay of a subscription that delivers to a queue of SQS."""
    return partition + REPLAY + u64(number)


def snapshot_key(partition: bytes, name: str) -> bytes:
    """Return the key of a snapshot."""
    return partition + SNAPSHOTS + tuples.encode((name,))


def snapshot_name(key: bytes, partition: bytes) -> str:
    """Return the name in a snapshot's key."""
    (name,) = tuples.decode(key[len(partition) + len(SNAPSHOTS) :])
    assert isinstance(name, str)
    return name
