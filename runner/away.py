"""What a worker does about a server that is away: it waits, for its jobs run on.

Owns the list of failures that pass by themselves; everything else is an answer.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cumulo.client import errors

AWAY = (errors.Unavailable, errors.DeadlineExceeded, errors.Throttled, errors.OutcomeUnknown, errors.Conflict)
"""What a call may raise for a reason that passes."""
PAUSE_S = 1.0
"""Between two calls; each has tried several times itself."""

T = TypeVar("T")

_log = logging.getLogger("cumulo.worker")


async def persist(step: Callable[[], Awaitable[T]], what: str, for_s: float) -> T:
    """Do a step that may be repeated, again while the server is away; raise its failure after `for_s` seconds."""
    end = time.monotonic() + for_s
    while True:
        try:
            return await step()
        except AWAY as error:
            if time.monotonic() >= end:
                raise
            _log.warning("the server does not answer", extra={"what": what, "error": str(error)})
        await asyncio.sleep(PAUSE_S)
