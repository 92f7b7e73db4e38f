"""A phase: some client processes at work on one server process, and what that cost the server.

Promises: clients start together, every wait is bounded, and no process outlives its phase.
"""

import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any

import msgspec

from rig import clients, peer_clients
from rig.clients import CALL_S, Failed, Plan, Report, Shared
from rig.machine import cpu_s

GRACE_S = 120.0
_spawn = multiprocessing.get_context("spawn")
CONSUMERS = ("consume", "consume_stream", "rabbitmq_consume", "redis_consume", "nats_consume")


class Measured(msgspec.Struct, frozen=True):
    """What a phase did and cost. `cpu_s` is the server's, all its threads counted."""

    items: int
    elapsed_s: float
    cpu_s: float
    p50_ms: float
    p99_ms: float

    @property
    def per_s(self) -> float:
        """Items a second of wall time."""
        return self.items / self.elapsed_s

    @property
    def cpu_us(self) -> float:
        """Server CPU of one item."""
        return self.cpu_s / self.items * 1e6

    @property
    def per_cpu_s(self) -> float:
        """Items a CPU-second of the server."""
        return self.items / self.cpu_s


@contextmanager
def child(target: Callable[..., None], *arguments: Any) -> Iterator[tuple[Any, Connection]]:
    """Run a process whose first argument is a pipe to here; it ends with the block."""
    ours, theirs = _spawn.Pipe(duplex=False)
    process = _spawn.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield process, ours
    finally:
        process.terminate()
        process.join()
        ours.close()


def answer_of(pipe: Connection, timeout_s: float = GRACE_S) -> Any:
    """Return what a child sends; raises where it sends nothing in time, or a failure."""
    if not pipe.poll(timeout_s):
        raise TimeoutError(f"no answer after {timeout_s} s")
    try:
        answer = pipe.recv()
    except EOFError:
        raise RuntimeError("the process ended without an answer") from None
    if isinstance(answer, Failed):
        raise RuntimeError(answer.reason)  # noqa: TRY004 - the client's own word, not a type
    return answer


def _client(answer: Connection, plan: Plan, shared: Shared) -> None:
    (peer_clients if plan.role in peer_clients.ROLES else clients).run(plan, shared, answer)


def measure(pid: int, plans: Sequence[Plan]) -> Measured:
    """Run clients and return what they did and what it cost the process `pid`.

    Where there are consumers, the items are the messages whose whole life is over; latencies are producers', if any.
    """
    shared = Shared(_spawn.Barrier(len(plans) + 1), _spawn.Value("q", -1), _spawn.Value("q", 0))
    producers = [plan for plan in plans if plan.role not in CONSUMERS]
    consumers = [plan for plan in plans if plan.role in CONSUMERS]
    with ExitStack() as running:
        pipes = [running.enter_context(child(_client, plan, shared))[1] for plan in (*producers, *consumers)]
        try:
            shared.gate.wait(CALL_S)
        except threading.BrokenBarrierError:  # a client that failed before the gate says why
            for pipe in pipes:
                if pipe.poll(1):
                    answer_of(pipe)
            raise
        cpu_before = cpu_s(pid)
        seconds = max(plan.seconds for plan in plans)
        produced: list[Report] = [answer_of(pipe, seconds + GRACE_S) for pipe in pipes[: len(producers)]]
        shared.expected.value = sum(report.items for report in produced)
        consumed: list[Report] = [answer_of(pipe) for pipe in pipes[len(producers) :]]
        cpu_used = cpu_s(pid) - cpu_before
    reports = [*produced, *consumed]
    started = min(report.started_s for report in reports)
    ended = max(report.ended_s for report in reports)
    calls = sorted(seconds for report in (produced or consumed) for seconds in report.call_s)
    cuts = statistics.quantiles(calls, n=100, method="inclusive") if len(calls) > 1 else [calls[0]] * 99
    return Measured(
        items=sum(report.items for report in (consumed or produced)),
        elapsed_s=ended - started,
        cpu_s=max(cpu_used, 0.01),
        p50_ms=cuts[49] * 1000,
        p99_ms=cuts[98] * 1000,
    )


def middle(taken: Sequence[Measured]) -> Measured:
    """Return the phase whose CPU an item is the median of several."""
    return sorted(taken, key=lambda it: it.cpu_us)[len(taken) // 2]


def settle(seconds: float = 0.2) -> None:
    """Let a server finish what a phase left behind, so that it is not charged to the next."""
    time.sleep(seconds)
