"""What the services of the room share: things found by name, which others may make or delete at the same time."""

from collections.abc import AsyncIterator
from typing import Any

from cumulo.core.context import CallContext
from cumulo.core.errors import TOO_BUSY
from cumulo.core.operations import Result
from cumulo.identity.room import Room
from cumulo.queue_service.queues import DirectoryChanged


class NamedRoom(Room):
    """A room whose functions raise `DirectoryChanged` where a name leads elsewhere than when it was followed."""

    resolves_max = 3
    """How often a request is resolved anew whose queue or log was deleted or made at the same time."""
    _changes = "The number of changes of one name at once"

    async def call(
        self, ctx: CallContext, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None
    ) -> Result:
        """Run one operation; anew, from the name on, where what it names was made or deleted at the same time."""
        for _ in range(self.resolves_max):
            try:
                return await super().call(ctx, operation, request, body)
            except DirectoryChanged:
                continue
        raise TOO_BUSY.error(what=self._changes, limit=self.resolves_max)
