"""The port's limits as code, and the rows of the due index: what both engines share so that they refuse the same
things.

Owns the checks and the due entry's key; knows no engine.
"""

from collections.abc import Callable, Collection

from cumulo.storage import tuples
from cumulo.storage.engine import (
    DUE_KIND_BYTES_MAX,
    FUNCTION_BYTES_MAX,
    FUNCTION_OPERATIONS_MAX,
    KEY_BYTES_MAX,
    PARTITION_BYTES,
    VALUE_BYTES_MAX,
    ContractBroken,
    Due,
    Partitions,
    Row,
)

DUE_PREFIX = b"\xff" * PARTITION_BYTES
"""A prefix that no partition counter reaches; the due index lies under it, kind by kind, each in time order."""

_DUE_END = DUE_PREFIX + b"\xff"
_ROWS_PER_OPERATION = 100
_FOREVER_MS = (1 << 63) - 1

EVERY_PARTITION = (b"",)
"""What `inspect` looks at: every key starts with nothing."""


class Meter:
    """Counts what one function does, and stops it at the contract's limits: the base of each engine's transaction.

    Sizes are checked at each operation, sums once, by `finish`: an operation costs 0.15 µs here, beside 0.3-0.5 µs in
    LMDB. `writes` tells an engine whether a function that failed left anything to undo.
    """

    __slots__ = ("bytes", "earliest_due_ms", "partitions", "reads", "topics", "writes")

    def __init__(self) -> None:
        self.topics: dict[bytes, int] = {}
        self.reset(())

    def reset(self, partitions: Partitions) -> None:
        """Begin to count a function that may touch `partitions`."""
        self.partitions = partitions
        self.reads = 0
        self.writes = 0
        self.bytes = 0
        if self.topics:
            self.topics = {}
        self.earliest_due_ms: int | None = None

    @property
    def operations(self) -> int:
        """How many operations the function did: each counts itself once, as a read or as a write."""
        return self.reads + self.writes

    def check(self, key: bytes, value: bytes = b"") -> None:
        """Refuse a key outside the call's partitions, and a key or value that is too long."""
        if not key.startswith(self.partitions):
            raise ContractBroken(f"key {key[:40]!r} lies in no partition of the call")
        if len(key) > KEY_BYTES_MAX:
            raise ContractBroken(f"key of {len(key)} bytes; at most {KEY_BYTES_MAX}")
        if len(value) > VALUE_BYTES_MAX:
            raise ContractBroken(f"value of {len(value)} bytes; at most {VALUE_BYTES_MAX}")

    def rows(self, count: int) -> None:
        """Count the rows that a range returned beyond its first hundred."""
        self.reads += count // _ROWS_PER_OPERATION

    def finish(self) -> None:
        """Refuse a function that did more than one function may."""
        operations = self.operations
        if operations > FUNCTION_OPERATIONS_MAX:
            raise ContractBroken(f"{operations} operations in one function; at most {FUNCTION_OPERATIONS_MAX}")
        if self.bytes > FUNCTION_BYTES_MAX:
            raise ContractBroken(f"{self.bytes} bytes written by one function; at most {FUNCTION_BYTES_MAX}")

    def notify(self, topic: bytes, count: int = 1) -> None:
        """Sum the hint up for after the commit."""
        self.topics[topic] = self.topics.get(topic, 0) + count


def due_key(at_ms: int, kind: str, key: bytes) -> bytes:
    """Return the key of a due entry: kind, time, key.

    Kind first, so that a kind with a million entries that wait to be tried again is stepped over with one seek.
    """
    name = kind.encode()
    assert 0 < len(name) <= DUE_KIND_BYTES_MAX, kind
    return b"%b%b\x00%b%b" % (DUE_PREFIX, name, tuples.u64(at_ms), key)


def parse_due(row_key: bytes, payload: bytes) -> Due:
    """Return the entry stored under `row_key`."""
    kind, _, rest = row_key[PARTITION_BYTES:].partition(b"\x00")
    return Due(int.from_bytes(rest[:8], "big"), kind.decode(), rest[8:], payload)


ReadRows = Callable[[bytes, bytes, int], list[Row]]
"""Reads at most `limit` rows with `start <= key < end`, ascending."""


def take_due(read_rows: ReadRows, now_ms: int, limit: int, skip: Collection[str]) -> list[Due]:
    """Return at most `limit` entries of each kind that are due, earliest first."""
    entries: list[Due] = []
    for kind, start in _kinds(read_rows, skip):
        end = start + tuples.u64(min(now_ms, _FOREVER_MS) + 1)
        at = len(kind) + PARTITION_BYTES + 1
        entries += [
            Due(int.from_bytes(key[at : at + 8], "big"), kind, key[at + 8 :], payload)
            for key, payload in read_rows(start, end, limit)
        ]
    entries.sort(key=lambda entry: entry.at_ms)
    return entries


def next_due_ms(read_rows: ReadRows, skip: Collection[str]) -> int | None:
    """Return when the earliest entry is due, or None."""
    heads = [read_rows(start, _DUE_END, 1)[0] for _, start in _kinds(read_rows, skip)]
    return min((parse_due(*row).at_ms for row in heads), default=None)


def _kinds(read_rows: ReadRows, skip: Collection[str]) -> list[tuple[str, bytes]]:
    """Return each kind that has entries, with the start of its entries: one seek a kind."""
    kinds: list[tuple[str, bytes]] = []
    position = DUE_PREFIX
    while rows := read_rows(position, _DUE_END, 1):
        name = rows[0][0][PARTITION_BYTES:].partition(b"\x00")[0]
        kind = name.decode()
        if kind not in skip:
            kinds.append((kind, DUE_PREFIX + name + b"\x00"))
        position = DUE_PREFIX + name + b"\x01"
    return kinds
