"""A read that answers at once, for the decisions that every request waits for.

The port's `read` is a coroutine because an engine may be remote. An embedded one answers it without waiting, and then
the event loop has no part in it: one step runs it to its end, which keeps `authenticate` and `authorize` plain function
calls. Promises the answer or an exception: an engine that would have to wait is refused loudly, never guessed for.
"""

from collections.abc import Callable
from typing import Any

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
