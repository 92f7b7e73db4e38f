"""The operation table: what a service can do, and which permission each thing needs.

Each room fills one table; edges, authorisation, metrics, policy actions and the compatibility tables in the docs are
read from it. Promises that no operation can be registered without saying what it checks.
"""

import enum
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import msgspec


class Kind(enum.StrEnum):
    """How an operation runs."""

    READ = "read"
    """A pure function on a snapshot."""
    WRITE = "write"
    """A pure function in a transaction."""
    UPLOAD = "upload"
    """Takes a body, commits once at its end."""
    DOWNLOAD = "download"
    """Answers with a body."""
    WAIT = "wait"
    """May park until a commit or a deadline wakes it."""


class Check(msgspec.Struct, frozen=True):
    """One permission that a request needs: an action on a resource, with the condition keys that this request adds.

    `needs_state` marks a check whose keys depend on what is stored: the service repeats it inside the transaction.
    `granted` says that the resource itself gives it to the caller's account, or to everybody, by a list of its own.
    `owner` is the account whose resource it is, where that is not the guard's: then the guard's policy only denies.
    """

    action: str
    resource: str
    keys: Mapping[str, str | tuple[str, ...]] = {}
    needs_state: bool = False
    granted: bool = False
    owner: str = ""


Checks = tuple[Check, ...]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One row. `permissions` are all the policy actions that `checks` may return, for the docs and the registration
    test.

    `handler` is, for READ and WRITE, a module-level function `(txn, request) -> result`; for the other kinds an async
    function `(service, ctx, resolved, body) -> Result`. `result` is the type of what a WRITE handler returns; an
    operation with an `idempotency_window_ms` remembers it for repeated request ids. `refused` names why an operation is
    known but not offered. `open_because` is set only where the request itself proves who calls.
    """

    name: str
    kind: Kind
    request: type
    permissions: tuple[str, ...]
    checks: Callable[[Any], Checks] | None
    handler: Callable[..., Any] | None
    result: Any = None
    idempotency_window_ms: int = 0
    refused: str = ""
    open_because: str = ""
    summary: str = ""


class Result(msgspec.Struct, frozen=True):
    """What a call gives back: the room's result model and, for a download, its body in pieces of at most 1 MiB.

    A piece is borrowed: it is valid until the next one is asked for.
    """

    value: Any
    body: AsyncIterator[memoryview] | None = None


class OperationTable:
    """A room's operations by name, validated when it is made."""

    def __init__(self, service: str, rows: tuple[Operation, ...]) -> None:
        self.service = service
        self._rows: dict[str, Operation] = {}
        for row in rows:
            if row.name in self._rows:
                raise ValueError(f"{service}: operation {row.name} is registered twice")
            if not row.open_because and (row.checks is None or not row.permissions):
                raise ValueError(f"{service}: operation {row.name} has no permission or no resource check")
            if not row.refused and row.handler is None:
                raise ValueError(f"{service}: operation {row.name} has no handler and does not say why")
            self._rows[row.name] = row

    def __getitem__(self, name: str) -> Operation:
        return self._rows[name]

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)
