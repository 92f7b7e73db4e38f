"""What must hold on disk of the message groups of a standard queue; a part of `invariants`.

- a group's counts are the numbers of its messages under o, under d, and under l and h;
- it is under q or n, as it is quiet or noisy, with its first ready message;
- no ready message of it is older than its row under a, but those that are under x;
- it is under t where it says so, and must be so while it is noisy, or has no messages;
- each row under p leads to a ready message that was received, and each such message has one;
- what is counted of all groups together is their sum.
"""

from collections.abc import Iterable, Iterator

from cumulo.queue_service.fair_keys import (
    FAIR,
    RANK_BYTES,
    FairCounters,
    FairLayout,
    Group,
    decode_fair_counters,
    decode_group,
    fair_layout,
    front_of,
    name_in,
)
from cumulo.queue_service.keys import Counters, Lease, Meta, place_part
from cumulo.queue_service.open_queue import lease_of
from cumulo.storage.engine import ReadTxn, rows_under

Ready = dict[bytes, tuple[str, Lease]]
"""The messages under o by priority and number: their group, their lease."""


def ready_of_groups(txn: ReadTxn, partition: bytes, meta: Meta) -> Ready:
    """Return what stands under o."""
    order = fair_layout(partition, meta.generation).order
    return {
        key[-RANK_BYTES:]: (name_in(key[len(order) : -RANK_BYTES]), lease_of(value))
        for key, value in rows_under(txn, order)
    }


def check_groups(
    txn: ReadTxn, partition: bytes, meta: Meta, counters: Counters, ready: Ready, held: Iterable[tuple[str, Lease]]
) -> Iterator[str]:
    """Name what is wrong with the groups of one queue; `held` are the messages under d (letter first), l and h."""
    places = fair_layout(partition, meta.generation)
    groups = {name_in(key[len(places.group) :]): decode_group(value) for key, value in rows_under(txn, places.group)}
    raw = txn.get(partition + FAIR)
    fair = FairCounters() if raw is None else decode_fair_counters(raw)
    if counters.groups != len(groups) or (raw is None) is not (not groups):
        yield f"{counters.groups} groups are counted, and {len(groups)} are there"
    yield from _check_counts(groups, ready, held)
    yield from _check_fronts(txn, places, groups, ready)
    yield from _check_places(txn, places, ready)
    yield from _check_looks(txn, places, groups, counters)
    noisy = [group for group in groups.values() if group.noisy]
    expected = (
        len(noisy),
        sum(group.ready for group in noisy),
        sum(group.delayed for group in noisy),
        sum(group.leased for group in noisy),
    )
    if (fair.noisy_groups, fair.noisy_ready, fair.noisy_delayed, fair.noisy_leased) != expected:
        yield f"of noisy groups {fair} is counted, and {expected} is there"


def _check_counts(groups: dict[str, Group], ready: Ready, held: Iterable[tuple[str, Lease]]) -> Iterator[str]:
    counts: dict[str, list[int]] = {name: [0, 0, 0] for name in groups}
    for rank, (name, lease) in ready.items():
        if lease.group != name or rank[:1] != place_part(name, lease.lane)[-1:]:
            yield f"a message stands in group {name}, lane {rank[0]}; its state says {lease}"
    found = [("r", name) for name, _ in ready.values()]
    found += [("d" if letter == "d" else "l", lease.group) for letter, lease in held if lease.group]
    for letter, name in found:
        counts.setdefault(name, [0, 0, 0])["rdl".index(letter)] += 1
    for name, (ready_count, delayed, leased) in counts.items():
        group = groups.get(name)
        if group is None:
            yield f"group {name} is not known"
        elif (group.ready, group.delayed, group.leased) != (ready_count, delayed, leased):
            yield f"group {name} has {ready_count}, {delayed}, {leased} messages; it says {group}"


def _check_fronts(txn: ReadTxn, places: FairLayout, groups: dict[str, Group], ready: Ready) -> Iterator[str]:
    fronts = {
        key[len(places.content) :]: value.decode()
        for prefix in (places.quiet, places.noisy)
        for key, value in rows_under(txn, prefix)
    }
    if fronts != {group.front: name for name, group in groups.items() if group.front}:
        yield "the lines of quiet and noisy groups differ from what the groups say"
    ages = {
        (int.from_bytes(key[len(places.age) : len(places.age) + 8], "big"), name_in(key[len(places.age) + 8 :]))
        for key, _ in rows_under(txn, places.age)
    }
    if ages != {(group.oldest_ms, name) for name, group in groups.items() if group.oldest_ms}:
        yield "the line of groups by age differs from what the groups say"
    firsts: dict[str, bytes] = {}
    undated = set()
    for rank in sorted(ready):
        name, lease = ready[rank]
        firsts.setdefault(name, rank)
        if not lease.dated and name in groups:
            undated.add(name)
            if 0 < lease.kept_from_ms < groups[name].oldest_ms:
                yield f"group {name} has a ready message that is older than it says"
    for name, group in groups.items():
        first = firsts.get(name)
        expected = b""
        if first is not None:
            expected = front_of(first, group.leased if group.noisy else None)
        if name in undated and not group.oldest_ms:
            yield f"group {name} has ready messages that retention does not know of"
        if group.front != expected or (group.oldest_ms and first is None):
            yield f"group {name} does not stand where its first ready message says"


def _check_places(txn: ReadTxn, places: FairLayout, ready: Ready) -> Iterator[str]:
    found = {key[-8:]: value for key, value in rows_under(txn, places.place)}
    expected = {rank[1:]: place_part(name, lease.lane) for rank, (name, lease) in ready.items() if lease.token}
    if found != expected:
        yield f"{len(found)} ready messages that were received are noted, and {len(expected)} are there"


def _check_looks(txn: ReadTxn, places: FairLayout, groups: dict[str, Group], counters: Counters) -> Iterator[str]:
    looks = {
        (int.from_bytes(key[len(places.look) : len(places.look) + 8], "big"), name_in(key[len(places.look) + 8 :]))
        for key, _ in rows_under(txn, places.look)
    }
    if looks != {(group.look_ms, name) for name, group in groups.items() if group.look_ms}:
        yield "the line of groups to look at differs from what the groups say"
    if looks and not 0 < counters.wake_ms <= min(looks)[0]:
        yield f"wake is armed for {counters.wake_ms}, and a group must be looked at at {min(looks)[0]}"
    for name, group in groups.items():
        is_empty = not (group.ready or group.delayed or group.leased)
        if (group.noisy or is_empty) and not group.look_ms:
            yield f"group {name} is noisy or has no messages, and nobody will look at it"
