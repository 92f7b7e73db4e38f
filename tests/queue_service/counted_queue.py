"""A queue without any service, on which each function's operations are counted."""

from collections.abc import Callable
from typing import Any, Self

from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.queues import StampedCreate, allocate_partition, create_queue
from cumulo.storage.engine import ROOT
from cumulo.storage.memory import MemoryEngine

NOW_MS = 1_700_000_000_000


class Counted:
    """A transaction that counts its calls, and the rows that ranges returned."""

    def __init__(self, txn: Any) -> None:
        self._txn = txn
        self.calls = 0
        self.rows = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._txn, name)

        def counted(*arguments: Any, **more: Any) -> Any:
            self.calls += 1
            result = call(*arguments, **more)
            self.rows += len(result) if name == "range" else 0
            return result

        return counted


class CountedQueue:
    """A queue in memory."""

    name = "jobs"

    async def open(self) -> Self:
        self.engine = MemoryEngine()
        self.partition = await self.engine.transact((ROOT,), allocate_partition, None)
        plain: dict[str, object] = {"managed_sse_enabled": False}
        create = StampedCreate(Place("000000000000", "us-east-1", self.name), self.partition, True, plain, None, NOW_MS)
        await self.engine.transact((ROOT, self.partition), create_queue, create)
        return self

    async def cost(self, function: Callable[..., Any], request: Any) -> tuple[Any, int, int]:
        """Return what a function answered, its calls, and the rows of its ranges."""

        def run(txn: Any, request: Any) -> tuple[Any, int, int]:
            counted = Counted(txn)
            return function(counted, request), counted.calls, counted.rows

        measured: tuple[Any, int, int] = await self.engine.transact((self.partition,), run, request)
        return measured
