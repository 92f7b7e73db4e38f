"""Reads that answer at once, for the decisions that every request waits for.

The port's `read` is a coroutine because an engine may be remote. An embedded one answers it without waiting, and then
the event loop has no part in it: one step runs it to its end, which keeps `authenticate` and `authorize` plain function
calls. Promises the answer or an exception: an engine that would have to wait is refused loudly, never guessed for.
"""

from collections.abc import Callable
from typing import Any

from cumulo.identity import directory, keys
from cumulo.storage.engine import Engine, Partitions


def read_now(engine: Engine, partitions: Partitions, function: Callable[[Any, Any], Any], request: Any) -> Any:
    """Run `function(txn, request)` on a snapshot and return its result; raises what the function raised."""
    step: Any = engine.read(partitions, function, request)
    try:
        step.send(None)
    except StopIteration as done:
        return done.value
    step.close()
    raise RuntimeError(f"{type(engine).__name__} cannot read without waiting; identity needs an embedded engine")


class PolicyEpoch:
    """The policy epoch as it is now. It is looked up at each request, and read anew where anything was committed since:
    three look-ups a request cost a read a commit.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._commits: int | None = None
        self._epoch: bytes | None = None

    def now(self) -> bytes | None:
        """Return the epoch; None before the first change of anything."""
        commits = self._engine.commits
        if commits is None or commits != self._commits:
            self._epoch = read_now(self._engine, keys.PARTITIONS, directory.epoch, None)
            self._commits = commits
        return self._epoch
