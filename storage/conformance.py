"""The suite that every engine passes: what the port promises, as cases that need no test framework.

Use it for an engine of your own so (with hypothesis installed, the extra `cumulo[test]`):

    for name, case in CASES.items():
        asyncio.run(case(stand))                # each with a fresh stand
    run_model(lambda: stand)                    # random programs against a sorted dict

A `Stand` opens engines on one store. Faults (conflicts, commits that fail before or after the disk has them) are
injected through `failpoints`, whose `engine.*` points an engine must therefore pass; a test process must not be used
for anything else meanwhile.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from typing import Any, Protocol

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from cumulo.core.errors import OUTCOME_UNKNOWN, STORAGE_FULL, ServiceError
from cumulo.storage import failpoints, tuples
from cumulo.storage.engine import (
    DUE_KIND_BYTES_MAX,
    FUNCTION_BYTES_MAX,
    FUNCTION_OPERATIONS_MAX,
    KEY_BYTES_MAX,
    ROOT,
    VALUE_BYTES_MAX,
    ContractBroken,
    Due,
    Engine,
    EngineFailed,
    Row,
    Txn,
    allocate,
    new_partition,
)

P, Q = tuples.u64(1_000_001), tuples.u64(1_000_002)
"""Two partitions that no counter has reached."""


class Stand(Protocol):
    """One store and the engines that are opened on it, one after the other, each inside a running event loop."""

    @property
    def durable(self) -> bool:
        """True where a reopened engine finds what was committed."""
        ...

    def open(self) -> Engine:
        """Return an engine on the store."""
        ...

    def open_small(self) -> Engine | None:
        """Return an engine with room for about 4 MiB, or None where room has no limit."""
        ...


class Refused(Exception):
    """What the suite's functions raise."""


# Programs: transaction functions as data -----------------------------------------------------------------------------


class Step(msgspec.Struct, frozen=True):
    """One operation: the name of a `Txn` method (or `refuse`) and its arguments."""

    name: str
    arguments: tuple[Any, ...] = ()


Program = tuple[Step, ...]


def run_program(txn: Any, program: Program) -> list[Any]:
    """Run the steps and return their results; a transaction function."""
    results: list[Any] = []
    for step in program:
        if step.name == "refuse":
            raise Refused
        if step.name == "reverse":
            start, end, limit = step.arguments
            results.append(txn.range(start, end, limit, reverse=True))
        else:
            results.append(getattr(txn, step.name)(*step.arguments))
    return results


def put(key: bytes, value: bytes) -> Step:
    """Return the step that writes a key."""
    return Step("put", (key, value))


def get(key: bytes) -> Step:
    """Return the step that reads a key."""
    return Step("get", (key,))


REFUSE = Step("refuse")


async def do(engine: Engine, *steps: Step, grows: bool = True) -> list[Any]:
    """Run steps in one transaction on both partitions."""
    results: list[Any] = await engine.transact((P, Q), run_program, steps, grows=grows)
    return results


async def see(engine: Engine, *steps: Step) -> list[Any]:
    """Run steps on one snapshot of both partitions."""
    results: list[Any] = await engine.read((P, Q), run_program, steps)
    return results


async def rows(engine: Engine, partition: bytes = P) -> list[Row]:
    """Return all rows of a partition."""
    found: list[Row] = (await see(engine, Step("range", (partition, tuples.after(partition), 1_000))))[0]
    return found


@contextlib.asynccontextmanager
async def opened(stand: Stand) -> AsyncIterator[Engine]:
    """Open an engine and close it."""
    engine = stand.open()
    try:
        yield engine
    finally:
        await engine.close()


@contextlib.contextmanager
def _armed(text: str) -> Any:
    failpoints.arm(text)
    try:
        yield
    finally:
        failpoints.disarm()


async def _refuses(kind: type[BaseException], call: Awaitable[Any]) -> Any:
    """Return the exception of `kind` that `call` raises."""
    try:
        result = await call
    except kind as error:
        return error
    raise AssertionError(f"expected {kind.__name__}, got {result!r}")


class _Heard:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.topics: Counter[bytes] = Counter()
        self.earliest: list[int] = []

    def committed(self, topics: Mapping[bytes, int], earliest_due_ms: int | None) -> None:
        self.topics.update(topics)
        if earliest_due_ms is not None:
            self.earliest.append(earliest_due_ms)


async def _settle() -> None:
    """Let the event loop deliver what the last commit had to say."""
    for _ in range(3):
        await asyncio.sleep(0)


# Cases -------------------------------------------------------------------------------------------------------------

Case = Callable[[Stand], Coroutine[Any, Any, None]]
CASES: dict[str, Case] = {}
"""Every case by the sentence that it shows."""


def _case(case: Case) -> Case:
    CASES[case.__name__] = case
    return case


@_case
async def what_was_put_is_read_and_what_was_deleted_is_gone(stand: Stand) -> None:
    """Put, get, delete, and the answer of a delete."""
    async with opened(stand) as engine:
        await do(engine, put(P + b"a", b"1"), put(P + b"b", b""), put(P + b"a", b"2"))
        assert await see(engine, get(P + b"a"), get(P + b"b"), get(P + b"c")) == [b"2", b"", None]
        delete = Step("delete", (P + b"a",))
        assert await do(engine, delete, delete, get(P + b"a")) == [True, False, None]
        assert await rows(engine) == [(P + b"b", b"")]


@_case
async def function_sees_its_own_writes(stand: Stand) -> None:
    """Get and range inside a transaction show what it wrote."""
    async with opened(stand) as engine:
        await do(engine, put(P + b"a", b"1"), put(P + b"c", b"3"))
        seen = await do(
            engine,
            put(P + b"b", b"2"),
            Step("delete", (P + b"a",)),
            get(P + b"b"),
            Step("range", (P, Q, 10)),
            Step("reverse", (P, Q, 10)),
        )
        both = [(P + b"b", b"2"), (P + b"c", b"3")]
        assert seen[2:] == [b"2", both, both[::-1]]


@_case
async def prefetch_hints_change_nothing_but_time(stand: Stand) -> None:
    """Keys and ranges named in `reads`, there or not, right or wrong: the function reads what it would without them."""
    async with opened(stand) as engine:
        await do(engine, put(P + b"a", b"1"), put(Q + b"b", b"2"))
        hints = (P + b"a", P + b"absent", (P, Q, 10), (Q, tuples.after(Q), 1))
        program = (put(P + b"a", b"3"), get(P + b"a"), get(Q + b"b"), Step("range", (P, Q, 10)))
        seen = await engine.transact((P, Q), run_program, program, reads=hints)
        assert seen[1:] == [b"3", b"2", [(P + b"a", b"3")]]


@_case
async def range_is_ordered_bounded_and_limited(stand: Stand) -> None:
    """Bytewise order; start included, end excluded; limits; both directions; empty ranges."""
    async with opened(stand) as engine:
        names = [b"", b"\x00", b"\x00\xff", b"a", b"a\x00", b"ab", b"b", b"\xfe", b"\xff", b"\xff\xff"]
        await do(engine, *(put(P + name, name) for name in reversed(names)), put(Q + b"z", b"other"))
        every = [(P + name, name) for name in names]
        table = [
            ((P, Q, 100), every),
            ((P, Q, 3), every[:3]),
            ((P, Q, 1), every[:1]),
            ((P, Q, 0), []),
            ((P + b"a", P + b"b", 9), every[3:6]),
            ((P + b"a", P + b"a", 9), []),
            ((P + b"b", P + b"a", 9), []),
            ((P + b"aa", P + b"aaa", 9), []),
            ((P + b"a\x00", P + b"\xff\xff", 9), every[4:9]),
        ]
        for arguments, expected in table:
            assert await see(engine, Step("range", arguments)) == [expected], arguments
        for (start, end, limit), _ in table:
            inside = [row for row in every if start <= row[0] < end]
            assert await see(engine, Step("reverse", (start, end, limit))) == [inside[::-1][:limit]], (start, end)


@_case
async def delete_range_removes_the_lowest_rows_first(stand: Stand) -> None:
    """Stop at the limit and at the end, and say how many rows went."""
    async with opened(stand) as engine:
        await do(engine, *(put(P + bytes((n,)), b"") for n in range(10)), put(Q + b"a", b""))
        removed = await do(
            engine,
            Step("delete_range", (P, P + b"\x05", 2)),
            Step("delete_range", (P, P + b"\x05", 100)),
            Step("delete_range", (P, P + b"\x05", 100)),
            Step("delete_range", (P + b"\x09", Q, 100)),
        )
        assert removed == [2, 3, 0, 1]
        assert [key[8:] for key, _ in await rows(engine)] == [b"\x05", b"\x06", b"\x07", b"\x08"]
        assert len(await rows(engine, Q)) == 1


@_case
async def function_that_raises_undoes_itself_alone(stand: Stand) -> None:
    """Among many that wait together, before and after its first write; also when many fail."""
    async with opened(stand) as engine:
        await do(engine, put(P + b"kept", b"old"))

        def program(number: int) -> Program:
            name = P + b"%03d" % number
            spoil = (put(P + b"kept", b"new"), Step("delete", (P + b"kept",)), put(name, b"x"))
            return {0: (REFUSE,), 1: (*spoil, REFUSE)}.get(number % 4, (put(name, b"x"), get(P + b"kept")))

        for _ in range(3):
            calls = (do(engine, *program(number)) for number in range(100))
            answers = await asyncio.gather(*calls, return_exceptions=True)
            for number, answer in enumerate(answers):
                if number % 4 < 2:
                    assert isinstance(answer, Refused), answer
                else:
                    assert answer == [None, b"old"], answer
        expected = [b"%03d" % number for number in range(100) if number % 4 > 1]
        assert [key[8:] for key, _ in await rows(engine)] == [*expected, b"kept"]


@_case
async def exception_reaches_its_caller_as_it_was_raised(stand: Stand) -> None:
    """Type and arguments, expected errors and bugs alike."""
    async with opened(stand) as engine:
        for error in (ZeroDivisionError("x"), STORAGE_FULL.error(reserve_bytes=1), KeyError(3)):

            def fail(txn: Txn, request: Exception) -> None:
                txn.put(P + b"x", b"")
                raise request

            assert await _refuses(type(error), engine.transact((P,), fail, error)) is error
            assert await _refuses(type(error), engine.read((P,), _raise, error)) is error
        assert await rows(engine) == []


def _raise(txn: Any, request: Exception) -> None:
    del txn
    raise request


@_case
async def key_outside_the_call_is_refused(stand: Stand) -> None:
    """In every operation, whether or not there is such a key."""
    async with opened(stand) as engine:
        await do(engine, put(Q + b"a", b"1"))
        for step in (
            get(Q + b"a"),
            put(Q + b"a", b"2"),
            Step("delete", (Q + b"a",)),
            Step("range", (Q, Q + b"\xff", 1)),
            Step("delete_range", (Q, Q + b"\xff", 1)),
            Step("due", (1, "a.b", Q + b"a")),
            Step("undue", (1, "a.b", Q + b"a")),
            get(P[:7]),
            get(b""),
        ):
            await _refuses(ContractBroken, engine.transact((P,), run_program, (put(P + b"b", b""), step)))
        await _refuses(ContractBroken, engine.read((P,), run_program, (get(Q + b"a"),)))
        assert await rows(engine) == []
        assert await rows(engine, Q) == [(Q + b"a", b"1")]


@_case
async def contract_limits_hold_and_what_is_within_them_works(stand: Stand) -> None:
    """Longest key, largest value, most operations and bytes of one function; one more is refused."""
    async with opened(stand) as engine:
        key, value = P.ljust(KEY_BYTES_MAX, b"k"), b"v" * VALUE_BYTES_MAX
        kind = "k" * DUE_KIND_BYTES_MAX
        await do(engine, put(key, value), Step("due", (1, kind, key, value)))
        assert await see(engine, get(key)) == [value]
        assert await engine.take_due(1, 1) == [Due(1, kind, key, value)]
        await do(engine, *(put(P + b"%d" % n, b"") for n in range(FUNCTION_OPERATIONS_MAX)))
        whole = FUNCTION_BYTES_MAX // (VALUE_BYTES_MAX + 9)
        await do(engine, *(put(P + bytes((n,)), value) for n in range(whole)))

        for steps in (
            (put(key + b"k", b""),),
            (get(key + b"k"),),
            (put(P + b"a", value + b"v"),),
            (Step("due", (1, "a.b", P + b"a", value + b"v")),),
            tuple(get(P + b"a") for _ in range(FUNCTION_OPERATIONS_MAX + 1)),
            tuple(put(P + b"a", value) for _ in range(whole + 1)),
            tuple(Step("range", (P, Q, 1_000)) for _ in range(FUNCTION_OPERATIONS_MAX // 10)),
        ):
            await _refuses(ContractBroken, do(engine, put(P + b"z", b""), *steps))
        assert await see(engine, get(P + b"z")) == [None]


def _increment(txn: Txn, request: bytes) -> int:
    count = int.from_bytes(txn.get(request) or b"", "big") + 1
    txn.put(request, count.to_bytes(8, "big"))
    return count


@_case
async def no_update_is_lost_among_many_callers(stand: Stand) -> None:
    """Two hundred callers add to one counter five times each."""
    async with opened(stand) as engine:

        async def add() -> list[int]:
            return [await engine.transact((P,), _increment, P + b"n") for _ in range(5)]

        answers = await asyncio.gather(*(add() for _ in range(200)))
        assert sorted(count for counts in answers for count in counts) == list(range(1, 1_001))
        assert all(counts == sorted(counts) for counts in answers)


@_case
async def caller_that_gave_up_disturbs_nobody(stand: Stand) -> None:
    """Half of the callers are cancelled while they wait."""
    async with opened(stand) as engine:
        tasks = [asyncio.ensure_future(do(engine, put(P + b"%02d" % n, b""))) for n in range(40)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        keys = {key[8:] for key, _ in await rows(engine)}
        assert keys >= {b"%02d" % n for n in range(1, 40, 2)}


@_case
async def commits_are_numbered_once_reads_see_them(stand: Stand) -> None:
    """Hold that what was read stays true while the number does, for whoever asks for the number first."""
    async with opened(stand) as engine:
        number, seen = engine.commits, await see(engine, get(P + b"a"))

        async def look() -> None:
            nonlocal number, seen
            if number is None or engine.commits != number:
                number, seen = engine.commits, await see(engine, get(P + b"a"))

        async def write(value: bytes) -> None:
            await do(engine, put(P + b"a", value))
            await look()
            assert seen[0] is not None
            assert seen[0] >= value

        for value in (b"1", b"2", b"3"):
            await write(value)
        await asyncio.gather(do(engine, put(P + b"b", b""), REFUSE), return_exceptions=True)
        await look()
        assert seen == [b"3"]


@_case
async def notifications_are_summed_and_only_of_what_was_committed(stand: Stand) -> None:
    """Each commit tells each watcher once; a function that failed tells nothing."""
    async with opened(stand) as engine:
        heard, deaf = _Heard(), _Heard()
        engine.watch(heard)
        engine.watch(deaf)
        engine.unwatch(deaf)
        hello, more = Step("notify", (b"t",)), Step("notify", (b"t", 3))
        calls = (
            do(engine, put(P + b"a", b""), hello, more),
            do(engine, put(P + b"b", b""), more, REFUSE),
            do(engine, put(P + b"c", b""), Step("notify", (b"u",))),
            do(engine, hello),
        )
        await asyncio.gather(*calls, return_exceptions=True)
        await _settle()
        if not engine.notify_lossy:
            assert heard.topics == {b"t": 5, b"u": 1}
        assert not deaf.topics


@_case
async def due_entries_are_taken_in_time_order_and_stay_until_removed(stand: Stand) -> None:
    """Take without removing; the same entry written twice is one; a failed function leaves none."""
    async with opened(stand) as engine:
        heard = _Heard()
        engine.watch(heard)
        assert await engine.next_due_ms() is None
        late, early = Due(300, "a.b", P + b"1"), Due(100, "a.b", P + b"2", b"payload")
        other = Due(200, "c.d", P + b"\x00\xff", b"x")
        write = [Step("due", (due.at_ms, due.kind, due.key, due.payload)) for due in (late, early, other)]
        await do(engine, *write)
        await do(engine, Step("due", (300, "a.b", P + b"1", b"")))
        await _refuses(Refused, do(engine, Step("due", (1, "a.b", P + b"3")), REFUSE))
        await _settle()

        assert heard.earliest == [100, 300]
        assert await engine.next_due_ms() == 100
        assert await engine.take_due(99, 10) == []
        assert await engine.take_due(100, 10) == [early]
        assert await engine.take_due(1_000, 10) == [early, other, late]
        assert await engine.take_due(1_000, 10) == [early, other, late]
        undue = Step("undue", (100, "a.b", P + b"2"))
        assert await do(engine, undue, undue, Step("undue", (301, "a.b", P + b"1"))) == [True, False, False]
        assert await engine.take_due(1_000, 10) == [other, late]
        assert await engine.next_due_ms() == 200


@_case
async def no_kind_of_due_entries_crowds_out_another(stand: Stand) -> None:
    """Hold the limit for each kind, and skip kinds."""
    async with opened(stand) as engine:
        steps = [Step("due", (n, kind, P + b"%d" % n)) for kind in ("a", "a.b", "b") for n in range(5)]
        await do(engine, *steps)
        taken = await engine.take_due(10, 2)
        assert Counter(due.kind for due in taken) == {"a": 2, "a.b": 2, "b": 2}
        assert [due.at_ms for due in taken] == [0, 0, 0, 1, 1, 1]
        assert {due.kind for due in await engine.take_due(10, 2, skip=("a", "b"))} == {"a.b"}
        await do(engine, *(Step("undue", (n, "b", P + b"%d" % n)) for n in range(3)))
        assert await engine.next_due_ms(skip={"a", "a.b"}) == 3
        assert await engine.next_due_ms(skip={"a", "a.b", "b"}) is None


@_case
async def inspection_sees_every_partition_at_once(stand: Stand) -> None:
    """Inspect all there is with one function, without the limits of an ordinary one."""
    async with opened(stand) as engine:
        for partition in (P, Q):
            await do(engine, *(put(partition + b"%04d" % n, b"") for n in range(1_500)))
        keys = tuple(get(partition + b"%04d" % n) for partition in (P, Q) for n in range(1_500))
        assert await engine.inspect(run_program, keys) == [b""] * 3_000


@_case
async def function_that_runs_twice_takes_effect_once(stand: Stand) -> None:
    """Run functions again, as a conflict would: effects, hints and answers are of one run."""
    async with opened(stand) as engine:
        heard = _Heard()
        engine.watch(heard)
        with _armed("engine.rerun=error@1"):
            counts = await asyncio.gather(
                *(engine.transact((P,), _increment, P + b"n") for _ in range(5)), do(engine, Step("notify", (b"t",)))
            )
            assert failpoints.hits("engine.rerun") >= 1
        await _settle()
        assert counts[:5] == [1, 2, 3, 4, 5]
        assert heard.topics == {b"t": 1}


@_case
async def commit_that_fails_is_answered_as_unknown_and_ends_the_engine(stand: Stand) -> None:
    """Before the disk has it, and after; whoever comes later is told that the engine stopped."""
    for point, expected in (("engine.before_commit", [None]), ("engine.after_commit", [b"1"])):
        engine = stand.open()
        with _armed(f"{point}=error"):
            error = await _refuses(ServiceError, do(engine, put(P + point.encode(), b"1")))
            assert error.row is OUTCOME_UNKNOWN
        await _refuses(EngineFailed, do(engine, put(P + b"later", b"")))
        await _refuses(EngineFailed, see(engine, get(P + b"later")))
        await _refuses(EngineFailed, engine.take_due(1, 1))
        await engine.close()
        if stand.durable:
            async with opened(stand) as engine:
                assert await see(engine, get(P + point.encode())) == expected
                assert await see(engine, get(P + b"later")) == [None]


@_case
async def reopened_engine_has_everything_that_was_committed(stand: Stand) -> None:
    """Rows, due entries and counters; and a closed engine takes nothing on."""
    if not stand.durable:
        return
    async with opened(stand) as engine:
        await do(engine, put(P + b"a", b"1"), Step("due", (5, "a.b", P + b"a", b"x")))
        first = await engine.transact((ROOT,), allocate, "conformance")
    await _refuses(EngineFailed, do(engine, put(P + b"a", b"2")))
    await _refuses(EngineFailed, see(engine, get(P + b"a")))
    async with opened(stand) as engine:
        assert await rows(engine) == [(P + b"a", b"1")]
        assert await engine.take_due(5, 1) == [Due(5, "a.b", P + b"a", b"x")]
        assert await engine.transact((ROOT,), allocate, "conformance") == first + 1


@_case
async def closing_finishes_what_was_taken_on(stand: Stand) -> None:
    """Commit and answer the calls that wait when `close` begins."""
    engine = stand.open()
    tasks = [asyncio.ensure_future(do(engine, put(P + b"%03d" % n, b""))) for n in range(600)]
    await asyncio.sleep(0)
    await engine.close()
    assert await asyncio.gather(*tasks) == [[None]] * 600
    if stand.durable:
        async with opened(stand) as engine:
            assert len(await rows(engine)) == 600


@_case
async def partitions_and_counters_are_never_given_twice(stand: Stand) -> None:
    """Also among functions that run together, and when one of them fails."""
    async with opened(stand) as engine:
        made = await asyncio.gather(*(engine.transact((ROOT,), _new_partition, n) for n in range(50)))
        assert len(set(made)) == 50
        assert ROOT not in made
        assert all(len(prefix) == 8 for prefix in made)
        first = await engine.transact((ROOT,), _allocate_ten, None)
        assert await engine.transact((ROOT,), _allocate_ten, None) == first + 10


def _new_partition(txn: Txn, request: int) -> bytes:
    del request
    return new_partition(txn)


def _allocate_ten(txn: Txn, request: None) -> int:
    del request
    return allocate(txn, "ten", 10)


@_case
async def full_store_refuses_growth_and_still_frees_space(stand: Stand) -> None:
    """Growing work is refused, reads and deletes go on, and after them there is room again."""
    engine = stand.open_small()
    if engine is None:
        return
    value = b"v" * VALUE_BYTES_MAX
    stored = 0
    refused = None
    while refused is None:
        calls = (do(engine, *(put(P + b"%05d" % (stored + n), value) for n in range(8))) for _ in range(1))
        for answer in await asyncio.gather(*calls, return_exceptions=True):
            refused = answer if isinstance(answer, BaseException) else None
        stored += 0 if refused else 8
        assert stored < 10_000
    assert isinstance(refused, ServiceError), refused
    assert refused.row is STORAGE_FULL
    assert await see(engine, get(P + b"00000")) == [value]
    for number in range(stored):
        assert await do(engine, Step("delete", (P + b"%05d" % number,)), grows=False) == [True]
    assert await rows(engine) == []
    await do(engine, put(P + b"again", value))
    await engine.close()


# The model ---------------------------------------------------------------------------------------------------------

_LANES = tuple(tuples.u64(2_000_000 + number) for number in range(4))
"""Partitions of functions that run together: apart, since the port promises no order among them."""
_KINDS = ("a", "a.b", "queue.lease")
_names = st.binary(max_size=2) | st.sampled_from((b"\x00", b"\xff", b"\xff\xff", b"key", b"key\x00"))
_values = st.binary(max_size=8) | st.sampled_from((5_000, VALUE_BYTES_MAX)).map(bytes)
_times = st.integers(0, 6)


def _program(lane: bytes) -> st.SearchStrategy[Program]:
    keys = st.builds(lane.__add__, _names)
    ends = keys | st.just(tuples.after(lane))
    limits = st.integers(0, 4) | st.just(500)
    steps = st.one_of(
        st.builds(lambda *a: Step("put", a), keys, _values),
        st.builds(lambda *a: Step("put", a), keys, _values),
        st.builds(lambda *a: Step("get", a), keys),
        st.builds(lambda *a: Step("delete", a), keys),
        st.builds(lambda *a: Step("range", a), keys, ends, limits),
        st.builds(lambda *a: Step("reverse", a), keys, ends, limits),
        st.builds(lambda *a: Step("delete_range", a), keys, ends, limits),
        st.builds(lambda *a: Step("notify", a), st.sampled_from((b"t", b"u")), st.integers(1, 3)),
        st.builds(lambda *a: Step("due", a), _times, st.sampled_from(_KINDS), keys, _values),
        st.builds(lambda *a: Step("undue", a), _times, st.sampled_from(_KINDS), keys),
        st.just(REFUSE),
    )
    return st.lists(steps, max_size=12).map(tuple)


class _Model:
    """The port on a dict: what every engine must agree with."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.entries: dict[tuple[int, str, bytes], bytes] = {}
        self.topics: Counter[bytes] = Counter()

    def run(self, program: Program) -> list[Any] | None:
        """Return the results, or None where the program refuses."""
        before = dict(self.rows), dict(self.entries), Counter(self.topics)
        try:
            return run_program(self, program)
        except Refused:
            self.rows, self.entries, self.topics = before
            return None

    def get(self, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        self.rows[key] = value

    def delete(self, key: bytes) -> bool:
        return self.rows.pop(key, None) is not None

    def range(self, start: bytes, end: bytes, limit: int, *, reverse: bool = False) -> list[Row]:
        inside = sorted(row for row in self.rows.items() if start <= row[0] < end)
        return (inside[::-1] if reverse else inside)[:limit]

    def delete_range(self, start: bytes, end: bytes, limit: int) -> int:
        return sum(self.delete(key) for key, _ in self.range(start, end, limit))

    def notify(self, topic: bytes, count: int) -> None:
        self.topics[topic] += count

    def due(self, at_ms: int, kind: str, key: bytes, payload: bytes) -> None:
        self.entries[at_ms, kind, key] = payload

    def undue(self, at_ms: int, kind: str, key: bytes) -> bool:
        return self.entries.pop((at_ms, kind, key), None) is not None


def run_model(make_stand: Callable[[], Stand], examples: int = 50) -> None:
    """Run random programs, one alone or several at once, with conflicts and restarts, against the model."""

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.stand = make_stand()
            self.loop = asyncio.Runner()
            self.model = _Model()
            self.heard = _Heard()
            self.engine = self.loop.run(self.open())

        async def open(self) -> Engine:
            engine = self.stand.open()
            engine.watch(self.heard)
            return engine

        @rule(programs=st.tuples(*map(_program, _LANES)), count=st.integers(1, len(_LANES)), conflict=st.booleans())
        def transact(self, programs: tuple[Program, ...], count: int, conflict: bool) -> None:  # noqa: FBT001
            if conflict:
                failpoints.arm("engine.rerun=error@1")
            try:
                answers = self.loop.run(self.transact_all(programs[:count]))
            finally:
                failpoints.disarm()
            for program, answer in zip(programs, answers, strict=False):
                expected = self.model.run(program)
                assert answer == expected or (expected is None and isinstance(answer, Refused)), (program, answer)

        async def transact_all(self, programs: tuple[Program, ...]) -> list[Any]:
            calls = (
                self.engine.transact((lane,), run_program, program)
                for lane, program in zip(_LANES, programs, strict=False)
            )
            answers = await asyncio.gather(*calls, return_exceptions=True)
            await _settle()
            return answers

        @rule(now_ms=_times, limit=st.integers(1, 3), skip=st.frozensets(st.sampled_from(_KINDS), max_size=2))
        def take_due(self, now_ms: int, limit: int, skip: frozenset[str]) -> None:
            expected: list[tuple[int, str, bytes, bytes]] = []
            entries = sorted((*entry, payload) for entry, payload in self.model.entries.items())
            for kind in set(_KINDS) - skip:
                expected += [entry for entry in entries if entry[1] == kind and entry[0] <= now_ms][:limit]
            taken = self.loop.run(self.engine.take_due(now_ms, limit, skip=skip))
            found = [(due.at_ms, due.kind, due.key, due.payload) for due in taken]
            assert sorted(found) == sorted(expected)
            assert [entry[0] for entry in found] == sorted(entry[0] for entry in found)
            next_ms = self.loop.run(self.engine.next_due_ms(skip=skip))
            assert next_ms == min((entry[0] for entry in entries if entry[1] not in skip), default=None)

        @rule()
        def restart(self) -> None:
            if self.stand.durable:
                self.loop.run(self.engine.close())
                self.engine = self.loop.run(self.open())

        @invariant()
        def engine_holds_what_the_model_holds(self) -> None:
            whole = [Step("range", (lane, tuples.after(lane), 1_000)) for lane in _LANES]
            found = self.loop.run(self.engine.read(_LANES, run_program, tuple(whole)))
            assert [row for lane in found for row in lane] == sorted(self.model.rows.items())
            assert self.engine.notify_lossy or self.heard.topics == self.model.topics

        def teardown(self) -> None:
            self.loop.run(self.engine.close())
            self.loop.close()

    run_state_machine_as_test(Machine, settings=settings(max_examples=examples, stateful_step_count=25, deadline=None))
