"""What every service room does with a call: look up what it is about, authorise, run, answer.

Owns the order of those steps, so that no room can forget one; knows no room's requests. A room subclasses `Room`, gives
its operation table and `resolve`.
"""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import NOT_IMPLEMENTED, TOO_BUSY, ServiceError
from cumulo.core.ids import Randomness
from cumulo.core.operations import Checks, Kind, Operation, OperationTable, Result
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.storage.engine import Engine, Partitions, Txn
from cumulo.storage.idempotency import Once, check_request_id, run_once


class Resolved(msgspec.Struct, frozen=True):
    """What a request turned out to be about, read on a snapshot before authorisation.

    `request` is stamped: `now`, ids and resolved partition ids are filled in. `guard` is the resource's account and
    policy. `missing` is the error to raise where the resource does not exist, after authorisation, so that existence
    does not leak. `grows` is false for work that frees space.
    """

    request: Any
    partitions: Partitions
    checks: Checks
    guard: Guard
    missing: ServiceError | None = None
    grows: bool = True


class Room:
    """Base of each room's `Service`, the only stateful object of the room."""

    table: OperationTable
    throttles = False
    """Whether `throttle` may refuse."""
    completes = False
    """Whether `complete` may add to what a read answered."""
    resolved_anew: tuple[type[Exception], ...] = ()
    """What a function raises where what a name leads to has changed since the request was resolved."""
    resolves_max = 1
    """How often a request is resolved in all, where that happens."""
    changes = "The number of changes at once"
    """What is too much where it happens as often."""

    def __init__(self, engine: Engine, authorizer: Authorizer, clock: Clock, randomness: Randomness) -> None:
        self.engine = engine
        self.authorizer = authorizer
        self.clock = clock
        self.randomness = randomness

    async def resolve(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Look up and stamp; each room's own."""
        raise NotImplementedError

    async def throttle(self, operation: Operation, resolved: Resolved) -> None:
        """Refuse an authorised call where there are too many; asked only where `throttles`."""
        raise NotImplementedError

    async def complete(self, ctx: CallContext, resolved: Resolved, value: Any) -> Any:
        """Return what a read answered with what another room must be asked for in the caller's name; asked only where
        `completes`.
        """
        raise NotImplementedError

    def present(self, request: Any, resolved: Resolved, value: Any) -> Any:
        """Return what the caller gets for what the transaction answered; a room overrides it to seal page tokens, or to
        add what must not be remembered with a repeated request.
        """
        del request, resolved
        return value

    async def call(
        self, ctx: CallContext, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None
    ) -> Result:
        """Run one operation for a caller: the only door of the room, for every edge.

        Raises the room's catalogue errors, `AccessDenied` and `NotImplemented`. `body` is the upload's bytes in
        borrowed pieces of at most 1 MiB.
        """
        row = self.table[operation]
        if row.refused:
            raise NOT_IMPLEMENTED.error(what=f"{self.table.service} {row.name} ({row.refused})")
        assert row.handler is not None
        for _ in range(self.resolves_max):
            try:
                resolved = await self.resolve(ctx, row, request)
                if not row.open_because:
                    self.authorizer.authorize(ctx, resolved.checks, resolved.guard)
                if resolved.missing is not None and not self._may_be_a_repeat(row, request, resolved):
                    raise resolved.missing
                if self.throttles:
                    await self.throttle(row, resolved)
                if row.kind is Kind.READ:
                    value = await self.engine.read(resolved.partitions, row.handler, resolved.request)
                    if self.completes:
                        value = await self.complete(ctx, resolved, value)
                    return Result(self.present(request, resolved, value))
                if row.kind is Kind.WRITE:
                    value = await self._write(ctx, row, request, resolved)
                    return Result(self.present(request, resolved, value))
                result: Result = await row.handler(self, ctx, resolved, body)
            except self.resolved_anew:
                continue
            return result
        raise TOO_BUSY.error(what=self.changes, limit=self.resolves_max)

    def _may_be_a_repeat(self, row: Operation, request: Any, resolved: Resolved) -> bool:
        """Say whether a missing resource may be missing because this very request deleted it before."""
        return (
            row.kind is Kind.WRITE
            and bool(row.idempotency_window_ms and getattr(request, "request_id", ""))
            and bool(resolved.partitions)
        )

    async def _write(self, ctx: CallContext, row: Operation, request: Any, resolved: Resolved) -> Any:
        assert row.handler is not None
        request_id = getattr(request, "request_id", "")
        if not request_id or not row.idempotency_window_ms:
            return await self.engine.transact(resolved.partitions, row.handler, resolved.request, grows=resolved.grows)
        check_request_id(request_id)
        once = Once(
            partition=resolved.partitions[0],
            account=ctx.principal.account,
            operation=row.name,
            request_id=request_id,
            # Two users of an account who both ask for "my own" ask for different things.
            identity=msgspec.msgpack.encode((ctx.principal.id, request)),
            now_ms=self.clock.deadline_ms(),
            window_ms=row.idempotency_window_ms,
            function=row.handler if resolved.missing is None else _raise,
            request=resolved.request if resolved.missing is None else resolved.missing,
            result_type=row.result,
        )
        return await self.engine.transact(resolved.partitions, run_once, once, grows=resolved.grows)


def _raise(_txn: Txn, missing: ServiceError) -> None:
    """Stand in for the handler where the resource is missing: reached only by a request that is no repeat."""
    raise missing
