"""Rooms that a server makes when somebody first comes to them: by a call, a due entry, or a question about a policy.

Promises what holds of a room that is there from the start: it listens before it answers, is drained with the others,
and where it is first needed while the server drains, it parks nobody. Knows no room.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from cumulo.core.context import CallContext
from cumulo.core.lazy import LazyPart
from cumulo.core.ports import DataKey, KeyService
from cumulo.identity.authorizer import Guard
from cumulo.storage.due_pump import DueHandler
from cumulo.storage.engine import Due


class LateService(Protocol):
    """What such a room has beside its calls."""

    def begin(self) -> None:
        """Begin, before the first call."""
        ...

    def close(self) -> None:
        """Take on nothing that lasts."""
        ...

    async def drain(self) -> None:
        """Close, and finish what is under way."""
        ...

    async def guard(self, arn: str) -> Guard | None:
        """Return what protects the resource of an ARN."""
        ...

    def due_handlers(self) -> Mapping[str, DueHandler]:
        """Return the room's due kinds."""
        ...


R = TypeVar("R", bound=LateService)


class LateRoom(LazyPart[R]):
    """A room that is made at its first use; `due_kinds` are those of its `due_handlers`."""

    def __init__(self, make: Callable[[], R], due_kinds: Iterable[str]) -> None:
        super().__init__(lambda: self._begun(make()))
        self._due_kinds = tuple(due_kinds)
        self._is_closed = False

    def _begun(self, room: R) -> R:
        assert {*room.due_handlers()} == {*self._due_kinds}  # an entry of another kind would wake nobody
        if self._is_closed:
            room.close()
        else:
            room.begin()
        return room

    async def start(self) -> None:
        """Begin; there is nothing to do."""

    async def drain(self) -> None:
        """Drain the room, if it is there."""
        self._is_closed = True
        if self.made is not None:
            await self.made.drain()

    async def guard(self, arn: str) -> Guard | None:
        """Return what protects the resource of an ARN, None where there is no such resource."""
        return await self().guard(arn)

    def due_handlers(self) -> Mapping[str, DueHandler]:
        """Return the room's due kinds."""
        return {kind: self._due_handler(kind) for kind in self._due_kinds}

    def _due_handler(self, kind: str) -> DueHandler:
        async def handle(entries: list[Due]) -> None:
            await self().due_handlers()[kind](entries)

        return handle


class LateKeyService:
    """The key service as a room asks it (`core.ports.KeyService`), made at the first question."""

    def __init__(self, make: Callable[[], KeyService]) -> None:
        self._service = LazyPart(make)

    async def generate_data_key(self, ctx: CallContext, key_id: str, context: Mapping[str, str]) -> DataKey:
        """Make a data key in the caller's name."""
        return await self._service().generate_data_key(ctx, key_id, context)

    async def open_data_key(self, ctx: CallContext, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """Open a data key in the caller's name."""
        return await self._service().open_data_key(ctx, wrapped, context)
