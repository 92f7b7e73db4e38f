"""The engine port: an ordered, transactional key-value store, and the contract that every engine keeps.

Promises, for every engine (shown by `conformance.py`):
- `transact` answers only after the function's effects are on disk; an exception of the function undoes that function
  alone and reaches its caller.
- functions are pure: `(txn, request)`, no clock, no randomness, no I/O; they may run more than once before one run is
  committed.
- keys sort bytewise; a key starts with the 8-byte prefix of one of the partitions named in the call.
- limits below are enforced everywhere, so that no code is born that another engine refuses. Does not know what any key
  means.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from cumulo.storage import tuples

PARTITION_BYTES = 8
KEY_BYTES_MAX = 1_900
VALUE_BYTES_MAX = 65_536
FUNCTION_BYTES_MAX = 4 * 1024 * 1024
FUNCTION_OPERATIONS_MAX = 2_000
"""Operations of one function; a range counts one per 100 rows it returns, at least one."""
DUE_KIND_BYTES_MAX = 48
"""With it the longest due entry's key (prefix, kind, time, a longest key) stays below LMDB's 1,978 bytes."""
PAGE_ROWS = 1_000
"""Rows that `rows_under` reads at a time."""

ROOT = bytes(PARTITION_BYTES)
"""The engine's own partition: counters, the clock record, server-wide settings. Always allowed in a call that names it.
"""

Partitions = tuple[bytes, ...]
Row = tuple[bytes, bytes]


class Due(msgspec.Struct, frozen=True):
    """An entry of the due index: do the deed `kind` for `key` once the deadline clock has reached `at_ms`."""

    at_ms: int
    kind: str
    key: bytes
    payload: bytes = b""


class ReadTxn(Protocol):
    """A consistent view of the named partitions."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value of `key`, or None."""
        ...

    def range(self, start: bytes, end: bytes, limit: int, *, reverse: bool = False) -> list[Row]:
        """Return at most `limit` rows with `start <= key < end`, ascending, or descending with `reverse`."""
        ...


class Txn(ReadTxn, Protocol):
    """A read-write view; sees its own writes. All effects appear at the commit, together or not at all."""

    def put(self, key: bytes, value: bytes) -> None:
        """Write `value` under `key`."""
        ...

    def delete(self, key: bytes) -> bool:
        """Remove `key`; say whether it was there."""
        ...

    def delete_range(self, start: bytes, end: bytes, limit: int) -> int:
        """Remove at most `limit` rows with `start <= key < end`, lowest first; return how many. Each counts as an
        operation.
        """
        ...

    def notify(self, topic: bytes, count: int = 1) -> None:
        """After the commit, tell the watchers of `topic` that `count` more things are ready; a hint, summed over the
        commit.
        """
        ...

    def due(self, at_ms: int, kind: str, key: bytes, payload: bytes = b"") -> None:
        """Write a due entry in this commit; the same (at_ms, kind, key) overwrites. `key` starts with a partition of
        the call.
        """
        ...

    def undue(self, at_ms: int, kind: str, key: bytes) -> bool:
        """Remove a due entry in this commit; say whether it was there."""
        ...


class Watcher(Protocol):
    """Told once per commit, on the event loop, after the answers' durability is certain."""

    def committed(self, topics: Mapping[bytes, int], earliest_due_ms: int | None) -> None:
        """`topics` are the commit's notifications; `earliest_due_ms` the earliest due entry that it wrote, or None."""
        ...


class Engine(Protocol):
    """A store of partitions. Made by the event loop that uses it; `close` ends it."""

    @property
    def atomic_across(self) -> bool:
        """True where one transaction may span any partitions."""
        ...

    @property
    def notify_lossy(self) -> bool:
        """True where a notification may be lost, so that waiters must look again every few seconds."""
        ...

    @property
    def commits(self) -> int | None:
        """A number that rises with each commit, once reads see it and before a caller of it is answered: what was read
        stays true while the number does. None where other processes commit, too.
        """
        ...

    async def transact(
        self,
        partitions: Partitions,
        function: Callable[[Any, Any], Any],
        request: Any,
        *,
        reads: tuple[Any, ...] = (),
        grows: bool = True,
    ) -> Any:
        """Run `function(txn, request)` and return its result once it is durable.

        `reads` are keys and (start, end, limit) ranges worth prefetching. `grows=False` marks work that frees space
        (deletes, acknowledgements): it is admitted below the free-space reserve. Raises what the function raised;
        `STORAGE_FULL`; or `OUTCOME_UNKNOWN` when the commit's fate is not known.
        """
        ...

    async def read(self, partitions: Partitions, function: Callable[[Any, Any], Any], request: Any) -> Any:
        """Run `function(txn, request)` on a snapshot; `txn` is a `ReadTxn`."""
        ...

    async def inspect(self, function: Callable[[Any, Any], Any], request: Any) -> Any:
        """Run `function(txn, request)` over every partition on one snapshot, away from the loop and without the limits.

        For checks alone: a long snapshot keeps pages from being used again while it lasts.
        """
        ...

    async def take_due(self, now_ms: int, limit: int, *, skip: Collection[str] = ()) -> list[Due]:
        """Return entries with `at_ms <= now_ms`, earliest first: at most `limit` of each kind, none of kinds in `skip`.

        An entry stays until the transaction that does its deed removes it with `undue`: a crash between the two repeats
        the deed, never loses it.
        """
        ...

    async def next_due_ms(self, *, skip: Collection[str] = ()) -> int | None:
        """Return when the earliest due entry is due, kinds in `skip` aside, or None."""
        ...

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher` of each commit from now on."""
        ...

    def unwatch(self, watcher: Watcher) -> None:
        """Stop telling `watcher`."""
        ...

    async def close(self) -> None:
        """Finish what was taken on, then release everything."""
        ...


class ContractBroken(AssertionError):
    """A function went beyond the port's limits: a bug of ours, never a client's doing."""


class EngineFailed(RuntimeError):
    """The engine cannot go on (a failed sync, a damaged page). The process must stop and be restarted; nothing is
    retried.
    """


def rows_under(txn: ReadTxn, prefix: bytes, page_rows: int = PAGE_ROWS) -> Iterator[Row]:
    """Read all rows that start with `prefix`, ascending, in pages: for checks, which look at everything."""
    start, end = prefix, tuples.after(prefix)
    while rows := txn.range(start, end, page_rows):
        yield from rows
        start = rows[-1][0] + b"\x00"


def allocate(txn: Txn, counter: str, count: int = 1) -> int:
    """Take `count` consecutive numbers from a named counter of the root partition and return the first; never below 1,
    never reused.

    The call must name `ROOT` among its partitions.
    """
    key = ROOT + b"counter/" + counter.encode()
    value = txn.get(key)
    first = 1 if value is None else int.from_bytes(value, "big")
    txn.put(key, (first + count).to_bytes(8, "big"))
    return first


def new_partition(txn: Txn) -> bytes:
    """Return the prefix of a partition that was never used before; the call must name `ROOT`."""
    return allocate(txn, "partition").to_bytes(PARTITION_BYTES, "big")
