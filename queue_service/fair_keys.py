"""The schema of message groups in standard queues: what stands in their content beside the rows that `keys` describes.

Owns the bytes on disk; a golden-bytes test holds them. A message without a group has none of these rows.

    q     ("fair",)                                FairCounters; absent where no group is known
    q     ("content", g) g (name)                  Group
    q     ("content", g) o (name) lane seq         the ready messages of a group: Lease
    q     ("content", g) q lane seq                quiet groups in the order of their first ready messages: the name
    q     ("content", g) n base leased lane seq    noisy groups, that with the fewest messages in flight first: the name
    q     ("content", g) a kept_from (name)        groups in the order of age: no message of one under o is kept since
                                                   earlier, but for those that are under x, too
    q     ("content", g) t at (name)               groups that must be looked at then: they may be quiet, or forgotten
    q     ("content", g) p seq                     where a message under o stands that was received: its row's `o...`

A message of a group is under d, l and h as any other, with the group in its Lease; only r it never is. A group with
ready messages is under q or n once, and under a where one of them is not under x. `base` is the lane of a priority in
which messages stand that were not scheduled. A group without messages is forgotten, but for one that took much of the
consumers' time lately. Does not know what any move means.
"""

import functools

import msgspec

from cumulo.queue_service.keys import base_of
from cumulo.storage import records, tuples
from cumulo.storage.tuples import u64

FAIR = tuples.encode(("fair",))
RANK_BYTES = 9
"""Of what a row under r, q, n and o ends in: lane and number."""


class FairCounters(records.Record, frozen=True):
    """What is counted of all groups together: those that are noisy, and their messages.

    The last three say how long messages of the queue were in flight, those without a group included: `busy_ms` in the
    period of `at_ms` until then, `before_ms` in the period before it.
    """

    noisy_groups: int = 0
    noisy_ready: int = 0
    noisy_delayed: int = 0
    noisy_leased: int = 0
    at_ms: int = 0
    busy_ms: int = 0
    before_ms: int = 0


class Group(records.Record, frozen=True):
    """A message group of a standard queue. `sent_ms` is the deadline clock's time of the last message that came.

    `front` is its row under q or n from that letter on, `oldest_ms` and `look_ms` where it is under a and t; empty and
    0 where it is not. The last three are as in `FairCounters`, of the group's own messages.
    """

    ready: int = 0
    delayed: int = 0
    leased: int = 0
    noisy: bool = False
    sent_ms: int = 0
    front: bytes = b""
    oldest_ms: int = 0
    look_ms: int = 0
    at_ms: int = 0
    busy_ms: int = 0
    before_ms: int = 0


decode_fair_counters = records.decoder(FairCounters).decode
decode_group = records.decoder(Group).decode


class FairLayout(msgspec.Struct, frozen=True):
    """The precomputed prefixes of one content generation of a standard queue."""

    content: bytes
    group: bytes
    order: bytes
    quiet: bytes
    noisy: bytes
    age: bytes
    look: bytes
    place: bytes


@functools.lru_cache(maxsize=4096)
def fair_layout(partition: bytes, generation: int) -> FairLayout:
    """Return the prefixes of a queue's content generation."""
    content = partition + tuples.encode(("content", generation))
    return FairLayout(content, *(content + letter for letter in (b"g", b"o", b"q", b"n", b"a", b"t", b"p")))


def name_part(name: str) -> bytes:
    """Return how a group's name stands in a key."""
    return tuples.encode((name,))


def name_in(part: bytes) -> str:
    """Return the name that `name_part` wrote."""
    (name,) = tuples.decode(part)
    assert isinstance(name, str)
    return name


def front_of(rank: bytes, leased: int | None) -> bytes:
    """Return where a group stands whose first ready message is of this rank, from the letter on: under n with so many
    messages in flight, under q for None.
    """
    return b"q" + rank if leased is None else b"n" + base_of(rank) + u64(leased) + rank
