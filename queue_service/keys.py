"""The schema: every subspace, key and record of the room.

Owns the bytes on disk; a golden-bytes test holds them. All rows of a queue lie in its own partition, except the
directory, which lies in ROOT and leads from names to partitions:

    ROOT  ("queues", account, region, name)        QueueName
    q     ("meta",)                                Meta
    q     ("counters",)                            Counters
    q     ("idle",)                                Idleness of a queue that ends by itself; absent for others
    q     ("tags",)                                Tags; absent where there are none
    q     ("moves",)                               MoveTasks out of this queue; absent where there was none
    q     ("schedules", name)                      a schedule: see `schedules`
    q     ("acks",) period token                   acknowledgements that are remembered: see `acknowledgements`
    q     ("keys",) key id                         DataKey: wrapped, of messages that are or were sealed here
    q     ("content", g) m seq                     StoredMessage: the first piece of its bytes, mostly the only one
    q     ("content", g) m seq piece               the further pieces of a large one
    q     ("content", g) r lane seq                ready: Lease, or empty where all of it is default: never received
    q     ("content", g) d due seq                 delayed: as ready
    q     ("content", g) l due seq                 leased: Lease, or empty: an alias that says "look under h"
    q     ("content", g) h seq                     Lease of a message whose lease was moved away from its first due time
    q     ("content", g) x kept_from seq           a message whose age its seq does not tell, because it came from
                                                   another queue or was scheduled: its lane's byte, or empty for the
                                                   middle lane; with a group, its row's key under o from that letter on

`g` is the content generation. Of a message exactly one of r, d, l-with-a-lease and h stands, and m stands with it.
A lane is a byte, a part of those who wait that is received before the lanes with greater bytes; a message keeps its own
in its queue. Most stand in the middle lane, whose state takes no bytes; those of higher priority stand before it, and
what was scheduled stands before what was not, in a lane that retention need not walk.
Where messages with a group stand instead of r is in `fair_keys`; what differs in the content of a FIFO queue is in
`fifo_keys`. Does not know what any move means.
"""

import functools

import msgspec

from cumulo.queue_service.message_model import PRIORITY_DEFAULT, MessageAttributes
from cumulo.queue_service.move_model import Hop
from cumulo.storage import records, tuples
from cumulo.storage.engine import ROOT

PIECE_BYTES = 64_000
"""A stored message longer than this is split; the engine takes values of 64 KiB."""

WAKE = "queue.wake"
"""Due kind: the earliest delay or lease of a queue ends. Key: its partition. At most one per queue."""
RETAIN = "queue.retain"
"""Due kind: the oldest message of a queue reaches its retention period. Key: its partition. At most one per queue."""
CLEAR = "queue.clear"
"""Due kind: every row whose key starts with the entry's key is garbage."""
IDLE = "queue.idle"
"""Due kind: a queue that ends by itself may have been idle for long enough. Key: its partition. One for each."""
MOVE = "queue.move"
"""Due kind: a move task goes on. Key: the partition of the queue that it empties. At most one per queue."""

META = tuples.encode(("meta",))
COUNTERS = tuples.encode(("counters",))
TAGS = tuples.encode(("tags",))
MOVES = tuples.encode(("moves",))
IDLENESS = tuples.encode(("idle",))
SCHEDULES = tuples.encode(("schedules",))
MIDDLE_LANE = 0x80
"""The byte of the middle lane; `Lease.lane` counts from it, in both directions."""
LANES_APART = 4
"""How far the lanes of neighbouring priorities are apart, so that further kinds of lanes can stand between them."""
SCHEDULED = -1
"""Of one priority, where the lane of scheduled messages is, from that of the others."""
KEYS = tuples.encode(("keys",))


class DataKey(records.Record, frozen=True):
    """A wrapped key under which messages of a queue are sealed (`sealing`). `account`, `region` and `kms_master_key_id`
    say under which master key it is wrapped; the latter is empty for the one that SQS manages.
    """

    key_id: bytes = b""
    account: str = ""
    region: str = ""
    kms_master_key_id: str = ""
    storage_key: int = 0
    sealed: bytes = b""

    def __repr__(self) -> str:
        return f"DataKey({self.key_id.hex()})"


class Envelope(records.Record, frozen=True):
    """A data key as the key service wrapped it; `context_arn` is its encryption context."""

    wrapped: bytes = b""
    context_arn: str = ""

    def __repr__(self) -> str:
        return f"Envelope({self.context_arn})"

    @property
    def is_of_topic(self) -> bool:
        """Whether a topic sealed with it, and not a queue: then no data key of a queue is needed beside."""
        return ":sns:" in self.context_arn


class QueueName(records.Record, frozen=True):
    """Where a name leads, with what is needed before a transaction on the queue: its policy, whether a receive waits,
    and which dead-letter queue a receive must name. The latter is a name and not an id, because SQS's redrive policy
    means whichever queue bears the name. `redrive_allow_policy` is the text that says for whom it may be one itself.
    `data_key` seals what is sent now; None where the queue is not encrypted. `ends_by_itself` says that its uses are to
    be noted.
    """

    partition: bytes = b""
    policy: str = ""
    receive_wait_s: int = 0
    dead_letter_name: str = ""
    create_ms: int = 0
    redrive_allow_policy: str = ""
    data_key: DataKey | None = None
    kms_data_key_reuse_s: int = 300
    ends_by_itself: bool = False


class Meta(records.Record, frozen=True):
    """A queue and its attributes, all but the policy and the tags, which no transaction on messages needs; absent once
    the queue is deleted. `dead_letter_text` is the redrive policy as SQS's clients wrote it, empty where another edge
    set it. `purged_ms` is the deadline clock's time of the last purge. `scope_before` is the deduplication scope before
    its latest change, and `scope_changed_ms` the deadline clock's time of that, 0 for none. `key_id` names the data key
    that seals what is sent now, empty for none; `keys_made` are the data keys that the queue was given.
    """

    account: str = ""
    region: str = ""
    name: str = ""
    generation: int = 1
    visibility_timeout_s: int = 30
    delay_s: int = 0
    message_retention_s: int = 345_600
    maximum_message_size_bytes: int = 1_048_576
    receive_wait_s: int = 0
    dead_letter_name: str = ""
    max_receive_count: int = 0
    create_ms: int = 0
    update_ms: int = 0
    dead_letter_text: str = ""
    purged_ms: int = 0
    fifo: bool = False
    content_based_deduplication: bool = False
    deduplication_scope: str = "queue"
    fifo_throughput_limit: str = "perQueue"
    scope_before: str = ""
    scope_changed_ms: int = 0
    managed_sse_enabled: bool = False
    kms_master_key_id: str = ""
    kms_data_key_reuse_s: int = 300
    key_id: bytes = b""
    keys_made: int = 0
    expire_after_idle_s: int = 0


class Idleness(records.Record, frozen=True):
    """When a queue that ends by itself is looked at, and its next number when that was planned."""

    due_ms: int = 0
    next_seq: int = 0


class Tags(records.Record, frozen=True):
    """The tags of a queue."""

    tags: dict[str, str] = msgspec.field(default_factory=dict)


class MoveTask(records.Record, frozen=True):
    """A task that moves messages out of a dead-letter queue.

    `destination` is an ARN, empty for the queue that each message came from; `rate` is messages a second, 0 for as fast
    as it goes. It moves messages whose number is below `end_seq`; `due_ms` is where its due entry stands (0: none).
    `on_behalf_of` is the encoded caller (`move_tasks.OnBehalfOf`), empty once the task is over. `position` is the first
    group of a FIFO queue that is not done, `place` where to go on under o in another queue: a key from that letter on.
    """

    task_id: str = ""
    status: str = ""
    destination: str = ""
    rate: int = 0
    to_move: int = 0
    moved: int = 0
    started_ms: int = 0
    failure_reason: str = ""
    end_seq: int = 0
    due_ms: int = 0
    on_behalf_of: bytes = b""
    position: int = 0
    place: bytes = b""


class MoveTasks(records.Record, frozen=True):
    """The latest tasks of a queue, newest first; only the first can be running."""

    tasks: tuple[MoveTask, ...] = ()


class Counters(records.Record, frozen=True):
    """What moves with every message: exact counts, the next number, and the due entries that are armed (0: none).
    `groups` is how many message groups a standard queue knows.
    """

    ready: int = 0
    delayed: int = 0
    leased: int = 0
    next_seq: int = 1
    wake_ms: int = 0
    retain_ms: int = 0
    groups: int = 0


class StoredMessage(records.Record, frozen=True):
    """What never changes of a message. `kept_from_ms` is the deadline clock's time of the first send, or for which it
    was scheduled, and retention counts from it; `sent_ms` is the wall clock's. `received_before` counts the receives in
    queues that it left. `deduplication_id` is of FIFO queues, `priority` of others. `arrived_ms` is the deadline
    clock's time at which it came into this queue, 0 where that is `kept_from_ms`. Of a sealed message
    (`key_id` is not empty) `body` is what `sealing` made of all that the sender wrote, and attributes, trace header and
    digest stand in it alone; `key_period_ms` says which message key sealed it, and `sealed_as` is the message id that
    it was sealed with, empty where that is its id still. `history` are its latest moves. `envelope` is the key of the
    key service that sealed it together with the data key, or alone where it is a topic's; None where there is none.
    """

    message_id: str = ""
    md5_of_body: str = ""
    sent_ms: int = 0
    kept_from_ms: int = 0
    sender_id: str = ""
    attributes: MessageAttributes = ()
    dead_letter_source: str = ""
    body: bytes = b""
    trace_header: str = ""
    received_before: int = 0
    group_id: str = ""
    deduplication_id: str = ""
    priority: int = PRIORITY_DEFAULT
    arrived_ms: int = 0
    key_id: bytes = b""
    key_period_ms: int = 0
    sealed_as: str = ""
    history: tuple[Hop, ...] = ()
    envelope: Envelope | None = None


_ID_BEGINS = b"\xd9\x24"
"""What stands before a text of 36 characters in MessagePack."""


def message_id_in(record: bytes) -> str:
    """Return the message id in the first bytes of a `StoredMessage`, without a look at the rest of it."""
    at = record.index(_ID_BEGINS, 0, 8) + len(_ID_BEGINS)
    return record[at : at + 36].decode()


class Lease(records.Record, frozen=True):
    """The small state of a message that moves between the subspaces; what was never received has the defaults.

    `token` is of the latest receive, `due_ms` when its visibility timeout ends. `alias_ms` is where the alias of a row
    under h stands (0 elsewhere). `pieces` are the rows under m. `kept_from_ms` is the message's, set by the first
    receive; of a message with a row under x (`dated`) it is set from the start. `lane` is where it stands under r or o,
    from the middle lane, and `group` the name of its group.
    """

    token: bytes = b""
    due_ms: int = 0
    received_ms: int = 0
    receive_count: int = 0
    first_received_ms: int = 0
    pieces: int = 1
    kept_from_ms: int = 0
    alias_ms: int = 0
    dated: bool = False
    lane: int = 0
    group: str = ""


decode_data_key = records.decoder(DataKey).decode
decode_name = records.decoder(QueueName).decode
# Remembered: every function on a queue reads its record, which hardly ever changes.
decode_meta = functools.lru_cache(maxsize=1024)(records.decoder(Meta).decode)
decode_idleness = records.decoder(Idleness).decode
decode_tags = records.decoder(Tags).decode
decode_moves = records.decoder(MoveTasks).decode
decode_counters = records.decoder(Counters).decode
decode_message = records.decoder(StoredMessage).decode
decode_lease = records.decoder(Lease).decode

FRESH = Lease()
"""The state that an empty value stands for."""

DIRECTORY = ROOT + tuples.encode(("queues",))
"""What the keys of all directory rows start with."""


@functools.lru_cache(maxsize=4096)
def name_key(account: str, region: str, name: str) -> bytes:
    """Return the key of a directory row."""
    return DIRECTORY + tuples.encode((account, region, name))


def names_prefix(account: str, region: str) -> bytes:
    """Return what the directory keys of one account and region start with."""
    return DIRECTORY + tuples.encode((account, region))


def name_of(key: bytes) -> str:
    """Return the queue name in a directory key."""
    name = tuples.decode(key[len(ROOT) :])[-1]
    assert isinstance(name, str)
    return name


class Layout(msgspec.Struct, frozen=True):
    """The precomputed prefixes of one content generation; ids are appended with `tuples.u64`.

    `ready` is that of the middle lane, `lanes` that of all lanes.
    """

    content: bytes
    message: bytes
    ready: bytes
    delayed: bytes
    leased: bytes
    held: bytes
    dated: bytes
    lanes: bytes

    def ready_at(self, lane: int, seq: bytes) -> bytes:
        """Return the key under r of a message."""
        return self.lanes + bytes((MIDDLE_LANE + lane,)) + seq if lane else self.ready + seq

    def ready_in(self, lane: int, group: str, seq: bytes) -> bytes:
        """Return the key under r or o of a message."""
        return self.content + place_part(group, lane) + seq if group else self.ready_at(lane, seq)

    def ready_of_dated(self, value: bytes, seq: bytes) -> bytes:
        """Return the key under r or o of a message whose row under x has this value."""
        if not value:
            return self.ready + seq
        return (self.lanes if len(value) == 1 else self.content) + value + seq


@functools.lru_cache(maxsize=4096)
def layout(partition: bytes, generation: int) -> Layout:
    """Return the prefixes of a queue's content generation."""
    content = partition + tuples.encode(("content", generation))
    return Layout(
        content,
        content + b"m",
        content + b"r" + bytes((MIDDLE_LANE,)),
        content + b"d",
        content + b"l",
        content + b"h",
        content + b"x",
        content + b"r",
    )


def lane_of(priority: int) -> int:
    """Return the lane of a priority: 9, which is received first, stands in the first."""
    return LANES_APART * (PRIORITY_DEFAULT - priority)


def is_scheduled(lane: int) -> bool:
    """Say whether a lane is one of scheduled messages."""
    return (lane - SCHEDULED) % LANES_APART == 0


def base_of(lane: bytes) -> bytes:
    """Return the lane of the same priority in which messages stand that were not scheduled; both are a lane's byte."""
    return bytes((MIDDLE_LANE + (lane[0] - MIDDLE_LANE - SCHEDULED) // LANES_APART * LANES_APART,))


def place_part(group: str, lane: int) -> bytes:
    """Return the key of a group's ready message from its letter on, but for the number."""
    return b"o" + tuples.encode((group,)) + bytes((MIDDLE_LANE + lane,))


def dated_value(lane: int, group: str) -> bytes:
    """Return the value of a row under x."""
    if group:
        return place_part(group, lane)
    return bytes((MIDDLE_LANE + lane,)) if lane else b""


def lane_in(dated_value: bytes) -> int:
    """Return the lane in the value of a row under x."""
    return dated_value[-1] - MIDDLE_LANE if dated_value else 0


def piece_key(message_key: bytes, piece: int) -> bytes:
    """Return the key of a further piece, 1 or more, of a large message."""
    return message_key + bytes((piece,))
