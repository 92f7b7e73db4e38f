"""What must hold on disk in the content of a FIFO queue; a part of `invariants`.

- the messages under m are those under o, with as many pieces as their state says;
- each message that is delayed or leased has its row under d or l, and no other has one;
- each group under g has messages and a name that leads to it, and each group of messages is there;
- a group is under r, at the turn that it says, exactly where its first message is ready;
- the counters are the numbers of rows, and armed times are no later than what they wait for;
- each row under k and a has its end under e, and each end its row.
"""

from collections.abc import Iterator

from cumulo.queue_service.fifo_keys import (
    FIFO,
    FifoCounters,
    FifoLayout,
    FifoState,
    Group,
    Standing,
    decode_attempt,
    decode_duplicate,
    decode_fifo_counters,
    decode_group,
    fifo_layout,
    state_of,
)
from cumulo.queue_service.keys import Counters, Meta
from cumulo.storage import tuples
from cumulo.storage.engine import ReadTxn, rows_under

MESSAGE_PAGE_ROWS = 100
"""Of rows that hold bodies, up to 64 KB each."""

_States = dict[tuple[int, int], FifoState]
"""By the group's number and the message's."""


def check_fifo(txn: ReadTxn, partition: bytes, meta: Meta, counters: Counters) -> Iterator[str]:
    """Name what is wrong with one FIFO queue."""
    places = fifo_layout(partition, meta.generation)
    raw = txn.get(partition + FIFO)
    fifo = FifoCounters() if raw is None else decode_fifo_counters(raw)
    states: _States = {}
    for key, value in rows_under(txn, places.order):
        states[int.from_bytes(key[-16:-8], "big"), int.from_bytes(key[-8:], "big")] = state_of(value)
    yield from _check_bytes(txn, places, states)
    yield from _check_counters(counters, states)
    yield from _check_times(txn, places, meta, counters, states)
    yield from _check_groups(txn, places, fifo, states)
    yield from _check_windows(txn, places, fifo)


def _check_bytes(txn: ReadTxn, places: FifoLayout, states: _States) -> Iterator[str]:
    """Pieces of a message that is gone are garbage, not an error."""
    base = len(places.message) + 8
    found: dict[int, int] = {}
    for key, _ in rows_under(txn, places.message, MESSAGE_PAGE_ROWS):
        seq = int.from_bytes(key[base - 8 : base], "big")
        if len(key) == base or seq in found:
            found[seq] = found.get(seq, 0) + 1
    expected = {seq: state.pieces for (_, seq), state in states.items()}
    if len(expected) < len(states):
        yield "a message stands in two groups"
    for seq in sorted(found.keys() ^ expected.keys()):
        yield f"message {seq} stands nowhere" if seq in found else f"message {seq} has no bytes"
    for seq in sorted(found.keys() & expected.keys()):
        if found[seq] != expected[seq]:
            yield f"message {seq} has {found[seq]} pieces; its state says {expected[seq]}"


def _check_counters(counters: Counters, states: _States) -> Iterator[str]:
    for name, count, standing in (
        ("ready", counters.ready, Standing.READY),
        ("delayed", counters.delayed, Standing.DELAYED),
        ("leased", counters.leased, Standing.LEASED),
    ):
        there = sum(state.standing == standing for state in states.values())
        if there != count:
            yield f"{name} is {count}, and {there} messages are"
    highest = max((seq for _, seq in states), default=0)
    if highest >= counters.next_seq:
        yield f"the next number {counters.next_seq} is not above {highest}"
    if states and not counters.retain_ms:
        yield "there are messages, and retention is not armed"


def _check_times(txn: ReadTxn, places: FifoLayout, meta: Meta, counters: Counters, states: _States) -> Iterator[str]:
    earliest = []
    for name, prefix, standing, further_ms in (
        ("d", places.delayed, Standing.DELAYED, meta.delay_s * 1000),
        ("l", places.leased, Standing.LEASED, 0),
    ):
        rows = {
            (int.from_bytes(value, "big"), int.from_bytes(key[-8:], "big")): int.from_bytes(key[-16:-8], "big")
            for key, value in rows_under(txn, prefix)
        }
        expected = {place: state.at_ms for place, state in states.items() if state.standing == standing}
        for place in sorted(rows.keys() | expected.keys()):
            if rows.get(place) != expected.get(place):
                yield f"message {place[1]} is under {name} at {rows.get(place)}; its state says {expected.get(place)}"
        earliest += [at_ms + further_ms for at_ms in rows.values()]
        if standing == Standing.LEASED and not all(states[place].token for place in rows if place in states):
            yield "a message is leased without a token"
    if earliest and not 0 < counters.wake_ms <= min(earliest):
        yield f"wake is armed for {counters.wake_ms}, and something is due at {min(earliest)}"


def _check_groups(txn: ReadTxn, places: FifoLayout, fifo: FifoCounters, states: _States) -> Iterator[str]:
    groups: dict[int, Group] = {
        int.from_bytes(key[-8:], "big"): decode_group(value) for key, value in rows_under(txn, places.group)
    }
    firsts: dict[int, FifoState] = {}
    for number, seq in sorted(states):
        firsts.setdefault(number, states[number, seq])
    for number in sorted(groups.keys() ^ firsts.keys()):
        yield f"group {number} has no messages" if number in groups else f"group {number} is not known"
    names = {key[len(places.name) :]: int.from_bytes(value, "big") for key, value in rows_under(txn, places.name)}
    if names != {tuples.encode((group.name,)): number for number, group in groups.items()}:
        yield "the names of groups lead elsewhere than to the groups"
    line = {
        int.from_bytes(key[-8:], "big"): int.from_bytes(value, "big") for key, value in rows_under(txn, places.ready)
    }
    if line != {group.turn: number for number, group in groups.items() if group.turn}:
        yield "the line of ready groups differs from what the groups say"
    ready = {number for number, state in firsts.items() if state.standing == Standing.READY}
    if set(line.values()) != ready:
        yield f"groups {sorted(line.values())} are in the line, and {sorted(ready)} are ready"
    if fifo.ready_groups != len(line) or max(line, default=0) >= fifo.next_turn:
        yield f"{fifo.ready_groups} ready groups before turn {fifo.next_turn} are counted, and {len(line)} are there"


def _check_windows(txn: ReadTxn, places: FifoLayout, fifo: FifoCounters) -> Iterator[str]:
    skipped = len(places.content)
    windows = {
        key[skipped:]: decode_duplicate(value).until_ms for key, value in rows_under(txn, places.content + b"k")
    } | {key[skipped:]: decode_attempt(value).until_ms for key, value in rows_under(txn, places.content + b"a")}
    base = len(places.ends)
    ends = {key[base + 8 :]: int.from_bytes(key[base : base + 8], "big") for key, _ in rows_under(txn, places.ends)}
    if windows != ends:
        yield f"{len(windows)} windows, and {len(ends)} ends of windows that differ from them"
    if ends and not fifo.forget_ms:
        yield "windows end, and forgetting is not armed"
