"""What one kind of read answered, kept while nothing was committed since.

For look-ups that nearly every call makes and nearly no commit changes: the place of a queue, of a bucket. Promises an
answer that is as new as a read's (`Engine.commits`); an engine that shares its store is read each time. Answers are
shared, so they must be immutable.
"""

from collections.abc import Callable
from typing import Any

from cumulo.storage.engine import Engine, Partitions

ANSWERS_MAX = 1024
"""About as many different names as callers ask for between two commits. At the bound all are forgotten."""


class Remembered:
    """Reads by `function(txn, request)`; requests are hashable."""

    def __init__(self, engine: Engine, partitions: Partitions, function: Callable[[Any, Any], Any]) -> None:
        self._engine = engine
        self._partitions = partitions
        self._function = function
        self._answers: dict[Any, Any] = {}
        self._commits: int | None = None

    def known(self, request: Any) -> Any:
        """Return what `read` would answer where that is remembered, else None; spares a call the waiting."""
        return (
            self._answers.get(request) if self._commits is not None and self._commits == self._engine.commits else None
        )

    async def read(self, request: Any, also: Partitions = ()) -> Any:
        """Return what a read would answer now; `also` are partitions that the request itself names."""
        commits = self._engine.commits  # asked for before the read, whose answer may only be newer
        if commits is None:
            return await self._engine.read(self._partitions + also, self._function, request)
        answers = self._answers
        if commits != self._commits or len(answers) >= ANSWERS_MAX:
            answers = self._answers = {}
            self._commits = commits
        if request not in answers:
            answers[request] = await self._engine.read(self._partitions + also, self._function, request)
        return answers[request]
