"""The schema of FIFO queues: what stands in their content beside the messages under m.

Owns the bytes on disk; a golden-bytes test holds them. Directory, `meta`, `counters` and `tags` are as for every queue
(`keys`), and so are the bytes of a message under m. Where a message stands differs, since its group decides:

    q     ("fifo",)                                FifoCounters
    q     ("content", g) n (name)                  the number of the group of this name
    q     ("content", g) g number                  Group
    q     ("content", g) o number seq              the messages of a group in order: empty for one that is ready and was
                                                   never received, else FifoState
    q     ("content", g) r lane turn               ready groups, in the order of their turns: the group's number
    q     ("content", g) d sent seq                delayed: the group's number. Due at `sent` and the queue's delay, so
                                                   that a new delay is in force for the messages that wait already
    q     ("content", g) l due seq                 leased: the group's number
    q     ("content", g) k (scope, id)             Duplicate: a deduplication id in its window; scope "" is the queue
    q     ("content", g) a (id)                    Attempt: what a receive request attempt was answered
    q     ("content", g) e until letter...         a row under k or a that ends then

A message is under m and o until it is deleted, wherever it stands. A group exists while it has messages; its number is
that of its first. A group is under r exactly while its first message is ready: a blocked group costs a receive nothing,
however long it is. Does not know what any move means.
"""

import enum
import functools

import msgspec

from cumulo.queue_service.keys import MIDDLE_LANE
from cumulo.storage import records, tuples

FORGET = "queue.forget"
"""Due kind: the earliest deduplication id or receive attempt of a queue ends. Key: its partition. At most one a queue.
"""
FIFO = tuples.encode(("fifo",))


class Standing(enum.IntEnum):
    """Where a message of a FIFO queue stands; the number is on disk."""

    READY = 0
    DELAYED = 1
    LEASED = 2


class FifoCounters(records.Record, frozen=True):
    """What a FIFO queue has beside `Counters`: the next turn, how many groups are ready, and when FORGET is armed."""

    next_turn: int = 1
    ready_groups: int = 0
    forget_ms: int = 0


class Group(records.Record, frozen=True):
    """A message group; `turn` is where it stands under r, 0 where it is not ready."""

    name: str = ""
    turn: int = 0


class FifoState(records.Record, frozen=True):
    """The state of a message. `at_ms` is where it stands under d or l; `token` is of the latest receive."""

    standing: int = Standing.READY
    at_ms: int = 0
    token: bytes = b""
    received_ms: int = 0
    receive_count: int = 0
    first_received_ms: int = 0
    pieces: int = 1


class Duplicate(records.Record, frozen=True):
    """The message that a deduplication id stands for, whether it exists still or not, until `until_ms`."""

    message_id: str = ""
    seq: int = 0
    until_ms: int = 0


class Attempt(records.Record, frozen=True):
    """The answer to a receive request attempt: one token, one due time, and (group's number, seq) of each message."""

    token: bytes = b""
    due_ms: int = 0
    until_ms: int = 0
    messages: tuple[tuple[int, int], ...] = ()


decode_fifo_counters = records.decoder(FifoCounters).decode
decode_group = records.decoder(Group).decode
decode_duplicate = records.decoder(Duplicate).decode
decode_attempt = records.decoder(Attempt).decode
_decode_state = records.decoder(FifoState).decode
_FRESH = FifoState()


def state_of(value: bytes) -> FifoState:
    """Return the state in a row under o."""
    return _decode_state(value) if value else _FRESH


def encoded_state(state: FifoState) -> bytes:
    """Return the value of a row under o."""
    return b"" if state == _FRESH else records.encode(state)


class FifoLayout(msgspec.Struct, frozen=True):
    """The precomputed prefixes of one content generation of a FIFO queue."""

    content: bytes
    message: bytes
    name: bytes
    group: bytes
    order: bytes
    ready: bytes
    delayed: bytes
    leased: bytes
    ends: bytes


@functools.lru_cache(maxsize=4096)
def fifo_layout(partition: bytes, generation: int) -> FifoLayout:
    """Return the prefixes of a FIFO queue's content generation."""
    content = partition + tuples.encode(("content", generation))
    return FifoLayout(
        content,
        content + b"m",
        content + b"n",
        content + b"g",
        content + b"o",
        content + b"r" + bytes((MIDDLE_LANE,)),
        content + b"d",
        content + b"l",
        content + b"e",
    )


def duplicate_row(scope: str, deduplication_id: str) -> bytes:
    """Return where a deduplication id stands, behind `FifoLayout.content`."""
    return b"k" + tuples.encode((scope, deduplication_id))


def attempt_row(attempt_id: str) -> bytes:
    """Return where a receive request attempt stands, behind `FifoLayout.content`."""
    return b"a" + tuples.encode((attempt_id,))
