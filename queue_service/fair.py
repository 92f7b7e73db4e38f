"""Fair queues: which message groups of a standard queue are noisy, and what a transaction changes of its groups.

The rule is SQS's (developer guide, "How Amazon SQS fair queues work"). A group is a tenant; a message without one is a
tenant of its own, and quiet. A group becomes noisy when

    concurrency      more than 10 % of the queue's messages in flight, and at least 30, are its own, or
    processing time  it had more than 10 % of the time that messages of the queue were in flight lately,

and it stays noisy until none of its messages waits any more, or none came for five minutes. Receivers get messages of
quiet groups first, and then those of the noisy group that has the fewest in flight. What SQS leaves open: *lately* is
the period of a minute that runs and the one before it, and where messages were in flight for less than a second in all
that share says nothing. A group is judged when its turn to be received from comes, and whenever its messages moved.

The time in flight needs no book of single messages: it is the number in flight, summed over time, and grows by that
number times what has passed since the last move (`lapse`). So all figures are exact, and a function costs what the
groups cost that it touches, however many there are. Rows are written once per group and function, by `settle`.
"""

from cumulo.queue_service.fair_keys import (
    FAIR,
    RANK_BYTES,
    FairCounters,
    Group,
    decode_fair_counters,
    decode_group,
    fair_layout,
    front_of,
    name_part,
)
from cumulo.queue_service.keys import Lease, place_part
from cumulo.storage import records
from cumulo.storage.engine import Txn
from cumulo.storage.tuples import u64

SHARE = 10
"""A group is noisy that has more than one part in so many."""
NOISY_IN_FLIGHT_MIN = 30
"""Messages in flight that a group has at least that is noisy by their share."""
QUIET_AFTER_MS = 300_000
"""A group to which nothing came for so long is quiet."""
PERIOD_MS = 60_000
RECENT_MS_MIN = 1_000
"""Time in flight of all messages together below which the share of a group says nothing."""
GROUP_OPERATIONS = 10
"""What a group costs a function that touches it, at most: its record read and written, its rows moved."""


class OpenGroup:
    """One group while a function runs; made by `Groups.open`. `first` is the rank of its first ready message, empty
    where there is none, None where it must be looked up.
    """

    __slots__ = (
        "at_ms",
        "before_ms",
        "busy_ms",
        "delayed",
        "first",
        "leased",
        "look_ms",
        "name",
        "noisy",
        "oldest_ms",
        "part",
        "ready",
        "sent_ms",
        "stored",
    )

    def __init__(self, name: str, stored: Group | None) -> None:
        record = stored or Group()
        self.name = name
        self.part = name_part(name)
        self.stored = stored
        self.ready = record.ready
        self.delayed = record.delayed
        self.leased = record.leased
        self.noisy = record.noisy
        self.sent_ms = record.sent_ms
        self.oldest_ms = record.oldest_ms
        self.look_ms = record.look_ms
        self.at_ms, self.busy_ms, self.before_ms = record.at_ms, record.busy_ms, record.before_ms
        self.first: bytes | None = record.front[-RANK_BYTES:]

    @property
    def is_empty(self) -> bool:
        """Whether it has no messages at all."""
        return not (self.ready or self.delayed or self.leased)

    @property
    def has_moved(self) -> bool:
        """Whether its counts are other than they are written."""
        stored = self.stored or Group()
        return (self.ready, self.delayed, self.leased) != (stored.ready, stored.delayed, stored.leased)

    @property
    def recent_ms(self) -> int:
        """How long its messages were in flight lately, summed up."""
        return self.busy_ms + self.before_ms


def lapse(at_ms: int, busy_ms: int, before_ms: int, in_flight: int, now_ms: int) -> tuple[int, int, int]:
    """Return the same three figures at `now_ms`, where so many messages were in flight since `at_ms`."""
    if now_ms <= at_ms:
        return at_ms, busy_ms, before_ms
    begun_ms = now_ms - now_ms % PERIOD_MS
    if at_ms >= begun_ms:
        return now_ms, busy_ms + in_flight * (now_ms - at_ms), before_ms
    if at_ms >= begun_ms - PERIOD_MS:
        return now_ms, in_flight * (now_ms - begun_ms), busy_ms + in_flight * (begun_ms - at_ms)
    return now_ms, in_flight * (now_ms - begun_ms), in_flight * PERIOD_MS


class Groups:
    """The groups of one queue while a function runs; `leased` messages were in flight before it, at `now_ms`.

    `count` is how many groups are known: 0 of a queue that never saw one, which has nothing to read here.
    """

    def __init__(self, txn: Txn, partition: bytes, generation: int, count: int, leased: int, now_ms: int) -> None:
        self.places = fair_layout(partition, generation)
        self.count = count
        self._txn = txn
        self._key = partition + FAIR
        self._now_ms = now_ms
        raw = txn.get(self._key) if count else None
        self._stored = None if raw is None else decode_fair_counters(raw)
        stored = self._stored or FairCounters(at_ms=now_ms)
        self._noisy = [stored.noisy_groups, stored.noisy_ready, stored.noisy_delayed, stored.noisy_leased]
        self.at_ms, self.busy_ms, self.before_ms = lapse(stored.at_ms, stored.busy_ms, stored.before_ms, leased, now_ms)
        self.opened: dict[str, OpenGroup] = {}

    def open(self, name: str) -> OpenGroup:
        """Return a group, a new one where none of the name is known."""
        group = self.opened.get(name)
        if group is None:
            raw = self._txn.get(self.places.group + name_part(name))
            group = OpenGroup(name, None if raw is None else decode_group(raw))
            group.at_ms, group.busy_ms, group.before_ms = lapse(
                group.at_ms, group.busy_ms, group.before_ms, group.leased, self._now_ms
            )
            self.opened[name] = group
        return group

    def add_ready(self, seq: bytes, lease: Lease, state: bytes, kept_from_ms: int) -> None:
        """Write a message of a group that may be received now; it is kept since `kept_from_ms` or later."""
        group, place = self.open(lease.group), place_part(lease.group, lease.lane)
        self._txn.put(self.places.content + place + seq, state)
        if lease.token:
            self._txn.put(self.places.place + seq, place)
        rank = place[-1:] + seq
        group.ready += 1
        if group.first is not None and (not group.first or rank < group.first):
            group.first = rank
        if not lease.dated and not 0 < group.oldest_ms <= kept_from_ms:
            group.oldest_ms = kept_from_ms

    def remove_ready(self, key: bytes, lease: Lease) -> OpenGroup:
        """Remove the row of a ready message; return its group."""
        group, rank = self.open(lease.group), key[-RANK_BYTES:]
        self._txn.delete(key)
        if lease.token:
            self._txn.delete(self.places.place + rank[1:])
        group.ready -= 1
        if group.first is not None and group.first >= rank:
            group.first = None
        return group

    def look(self, key: bytes, name: str) -> None:
        """Open a group whose row under t is due, and make it quiet if its time has come."""
        self._txn.delete(key)
        group = self.open(name)
        group.look_ms = 0
        group.noisy = group.noisy and self._is_fed(group)

    def judge(self, group: OpenGroup, leased: int) -> None:
        """Say anew whether a group is noisy, where so many messages of the queue are in flight."""
        group.noisy = self._is_fed(group) and (
            group.noisy
            or (group.leased >= NOISY_IN_FLIGHT_MIN and group.leased * SHARE > leased)
            or self._takes_time(group)
        )

    def _is_fed(self, group: OpenGroup) -> bool:
        return group.ready > 0 and group.sent_ms + QUIET_AFTER_MS > self._now_ms

    def _takes_time(self, group: OpenGroup) -> bool:
        all_ms = self.busy_ms + self.before_ms
        return all_ms >= RECENT_MS_MIN and group.recent_ms * SHARE > all_ms

    def settle(self, leased: int) -> int:
        """Write what changed; return when a group must be looked at that was not known of, 0 for never.

        `leased` messages of the queue are in flight now.
        """
        earliest_ms = 0
        for group in list(self.opened.values()):
            if group.has_moved:
                self.judge(group, leased)
            else:
                group.noisy = group.noisy and self._is_fed(group)
            look_ms = self._settle_rows(group)
            if look_ms and not 0 < earliest_ms <= look_ms:
                earliest_ms = look_ms
        noisy = self._noisy
        counters = FairCounters(1, noisy[0], noisy[1], noisy[2], noisy[3], self.at_ms, self.busy_ms, self.before_ms)
        assert min(noisy) >= 0, counters
        assert self.count >= noisy[0], (self.count, counters)
        if not self.count:
            self._txn.delete(self._key)
        elif counters != self._stored:
            self._txn.put(self._key, records.encode(counters))
        self._stored = counters
        return earliest_ms

    def _settle_rows(self, group: OpenGroup) -> int:
        """Move a group's rows to where they belong; return when it must be looked at, where that is news, else 0."""
        txn, places, stored = self._txn, self.places, group.stored or Group()
        assert min(group.ready, group.delayed, group.leased) >= 0, group.name
        front = self._front(group)
        if front != stored.front:
            if stored.front:
                txn.delete(places.content + stored.front)
            if front:
                txn.put(places.content + front, group.name.encode())
        if not group.ready:
            group.oldest_ms = 0
        if group.oldest_ms != stored.oldest_ms:
            if stored.oldest_ms:
                txn.delete(places.age + u64(stored.oldest_ms) + group.part)
            if group.oldest_ms:
                txn.put(places.age + u64(group.oldest_ms) + group.part, b"")
        news_ms = self._settle_look(group)
        for index, before, now in zip(range(4), _share_of_noisy(stored), _share_of_noisy(group), strict=True):
            self._noisy[index] += now - before
        record = self._record(group, front)
        key = places.group + group.part
        if group.is_empty and not group.look_ms:
            del self.opened[group.name]
            if group.stored is not None:
                txn.delete(key)
                self.count -= 1
        elif record != group.stored:
            self.count += group.stored is None
            txn.put(key, records.encode(record))
            group.stored = record
        return news_ms

    def _settle_look(self, group: OpenGroup) -> int:
        """See to it that a group is looked at in time: a row that comes too early is put off when it is met."""
        look_ms = 0
        if group.noisy:
            look_ms = group.sent_ms + QUIET_AFTER_MS
        elif group.is_empty and self._takes_time(group):
            look_ms = (group.at_ms // PERIOD_MS + 2) * PERIOD_MS
        if group.look_ms and not 0 < group.look_ms <= look_ms:
            self._txn.delete(self.places.look + u64(group.look_ms) + group.part)
            group.look_ms = 0
        if look_ms and not group.look_ms:
            self._txn.put(self.places.look + u64(look_ms) + group.part, b"")
            group.look_ms = look_ms
            return look_ms
        return 0

    def _front(self, group: OpenGroup) -> bytes:
        if not group.ready:
            group.first = b""
            return b""
        if group.first is None:
            start = self.places.order + group.part
            ((key, _),) = self._txn.range(start, start + b"\xff" * 10, 1)
            group.first = key[len(start) :]
        assert group.first, group.name
        return front_of(group.first, group.leased if group.noisy else None)

    def _record(self, group: OpenGroup, front: bytes) -> Group:
        return Group(
            ready=group.ready,
            delayed=group.delayed,
            leased=group.leased,
            noisy=group.noisy,
            sent_ms=group.sent_ms,
            front=front,
            oldest_ms=group.oldest_ms,
            look_ms=group.look_ms,
            at_ms=group.at_ms,
            busy_ms=group.busy_ms,
            before_ms=group.before_ms,
        )


def _share_of_noisy(group: Group | OpenGroup) -> tuple[int, int, int, int]:
    return (1, group.ready, group.delayed, group.leased) if group.noisy else (0, 0, 0, 0)
