"""Queues that end by themselves: what keeps them, what ends them, and that a restart ends none too early."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cumulo.core.errors import ServiceError
from cumulo.core.ports import Delivery
from cumulo.queue_service import idleness, message_model, model
from cumulo.queue_service.expiry import IdleTimer, expire
from cumulo.queue_service.keys import IDLE
from cumulo.storage import failpoints
from cumulo.storage.engine import ROOT

IDLE_S = 60


async def names(it: Any) -> list[str]:
    return [queue.name for queue in (await it.call("ListQueues", model.ListQueues())).queues]


async def make(it: Any, name: str = "jobs", seconds: int = IDLE_S) -> None:
    await it.create(name, expire_after_idle_s=seconds)


async def due(it: Any) -> int:
    return sum(entry.kind == IDLE for entry in await it.engine.take_due(1 << 62, 1_000))


def test_queue_is_deleted_with_its_messages_once_it_was_idle_for_so_long(run):
    """A message that came shows when the timer looks: then the time begins anew, so it may be twice as long."""

    async def scenario(it):
        await it.create("other")
        await make(it)
        await it.send(b"a", b"b")

        await it.advance(IDLE_S)
        await it.advance(IDLE_S - 1)
        before = await names(it)
        await it.advance(1)

        assert (before, await names(it)) == (["jobs", "other"], ["other"])
        assert await due(it) == 0

    run(scenario)


def test_unused_queue_is_deleted_to_the_second(run):
    async def scenario(it):
        await make(it)

        await it.advance(IDLE_S - 1)
        assert await names(it) == ["jobs"]
        await it.advance(1)

        assert await names(it) == []

    run(scenario)


@pytest.mark.parametrize(
    "use",
    [
        lambda it: it.receive(),
        lambda it: it.receive(wait_s=0),
        lambda it: it.send(b"x"),
        lambda it: it.call(
            "CommitMessages",
            message_model.CommitMessages(sends=(message_model.CommitSend("jobs", message_model.SendEntry(b"x")),)),
        ),
    ],
    ids=["receive", "poll", "send", "commit"],
)
def test_every_use_keeps_the_queue_for_as_long_again(run, use):
    async def scenario(it):
        await make(it)
        for _ in range(4):
            await it.advance(IDLE_S - 1)
            await use(it)

        await it.advance(IDLE_S - 1)
        kept = await names(it)
        await it.advance(IDLE_S)
        await it.advance(IDLE_S)

        assert (kept, await names(it)) == (["jobs"], [])

    run(scenario)


def test_acknowledging_and_holding_a_message_are_uses(run):
    async def scenario(it):
        await make(it)
        await it.send(b"a", b"b")
        first, second = await it.receive(2, visibility_timeout_s=1_000)
        await it.advance(2 * IDLE_S - 5)

        await it.hold(first.receipt_handle, 2_000)
        await it.advance(IDLE_S - 5)
        await it.delete(second.receipt_handle)
        await it.advance(IDLE_S - 5)

        assert await names(it) == ["jobs"]

    run(scenario)


def test_looking_at_a_queue_does_not_keep_it(run):
    async def scenario(it):
        await make(it)
        await it.advance(IDLE_S - 1)

        await it.queue()
        await it.call("PeekMessages", message_model.PeekMessages(queue="jobs"))
        await names(it)
        await it.advance(1)

        assert await names(it) == []

    run(scenario)


def test_receiver_that_waits_keeps_the_queue_and_for_so_long_after_it_left(run, settle):
    async def scenario(it):
        await make(it, seconds=10)
        receiver = asyncio.ensure_future(it.receive(wait_s=20))
        while not it.service.parked:
            await settle()

        await it.advance(15)
        waited = await names(it)
        await it.send(b"a")
        assert [message.body for message in await receiver] == [b"a"]
        await it.advance(9)
        left = await names(it)
        await it.advance(10)
        await it.advance(10)

        assert (waited, left, await names(it)) == (["jobs"], ["jobs"], [])

    run(scenario)


def test_delivery_from_another_room_keeps_the_queue(run):
    async def scenario(it):
        await make(it)
        await it.advance(IDLE_S - 1)
        arn = "arn:aws:sqs:us-east-1:000000000000:jobs"
        target = it.service.delivery_target
        delivery = Delivery(arn, b"x", "id", "arn:aws:s3:::bucket", "000000000000")
        delivery = await target.prepared(delivery, it.clock.deadline_ms())

        def deliver(txn, now_ms):
            return target.deliver(txn, delivery, now_ms)

        assert await it.engine.transact(target.partitions(arn), deliver, it.clock.deadline_ms())
        await it.advance(1)
        kept = await names(it)
        await it.advance(IDLE_S)

        assert (kept, await names(it)) == (["jobs"], [])

    run(scenario)


def test_restart_ends_no_queue_too_early_and_forgets_none(run):
    async def scenario(it):
        await make(it)
        await it.advance(IDLE_S - 10)
        await it.receive()

        await it.restart()
        await it.advance(IDLE_S - 1)
        kept = await names(it)
        await it.advance(1)

        assert (kept, await names(it)) == (["jobs"], [])

    run(scenario)


def test_attribute_is_set_changed_and_taken_away(run):
    async def scenario(it):
        await it.create("jobs")
        made = await it.update(expire_after_idle_s=IDLE_S)
        changed = await it.update(expire_after_idle_s=2 * IDLE_S)
        await it.advance(IDLE_S)
        assert await names(it) == ["jobs"]
        assert await due(it) == 1

        await it.update(expire_after_idle_s=0)
        await it.advance(10 * IDLE_S)

        assert (made.expire_after_idle_s, changed.expire_after_idle_s) == (IDLE_S, 2 * IDLE_S)
        assert (await it.queue()).expire_after_idle_s == 0
        assert await due(it) == 0

    run(scenario)


@pytest.mark.parametrize("seconds", [-1, 1, 9, 1_209_601])
def test_time_out_of_range_is_refused(run, seconds):
    async def scenario(it):
        with pytest.raises(ServiceError) as caught:
            await make(it, seconds=seconds)

        assert caught.value.row.code == "InvalidAttributeValue"
        assert "0 or between 10 and 1209600" in caught.value.message

    run(scenario)


def test_deleted_and_made_anew_is_another_queue(run):
    async def scenario(it):
        await make(it)
        await it.advance(IDLE_S - 1)
        await it.remove()
        await make(it)

        await it.advance(IDLE_S - 1)

        assert await names(it) == ["jobs"]
        assert await due(it) == 1

    run(scenario)


def test_fifo_queue_ends_by_itself_too(run):
    async def scenario(it):
        await make(it, "jobs.fifo")
        await it.send(b"a", queue="jobs.fifo", group_id="g", deduplication_id="d")
        await it.receive(queue="jobs.fifo")
        await it.advance(IDLE_S + 1)
        assert await names(it) == ["jobs.fifo"]

        await it.advance(IDLE_S + 1)
        await it.advance(0)

        assert await names(it) == []
        rows = await it.engine.read((ROOT,), lambda txn, _: txn.range(ROOT, b"\0" * 7 + b"\1", 100), None)
        assert not any(b"queues" in key for key, _ in rows)

    run(scenario)


def test_deed_that_failed_is_done_later(run):
    async def scenario(it):
        await make(it)
        failpoints.arm("due.before_deed=error@1")
        try:
            await it.advance(IDLE_S)
            failed = await names(it)
            await it.advance(2)
        finally:
            failpoints.arm("")

        assert (failed, await names(it)) == (["jobs"], [])
        assert await due(it) == 0

    run(scenario)


def test_message_that_comes_while_the_queue_is_to_end_keeps_it(run):
    """What the service knew when the timer came may be old by the time of the transaction."""

    async def scenario(it):
        await make(it)
        it.clock.advance(IDLE_S * 1000)
        (entry,) = await it.engine.take_due(it.clock.deadline_ms(), 1)
        timer = IdleTimer(entry, it.clock.deadline_ms(), 0)
        await it.send(b"x")

        gone = await it.engine.transact((ROOT, entry.key), expire, timer)

        assert not gone
        assert await it.counts() == (1, 0, 0)

    run(scenario)


def test_times_of_use_that_are_forgotten_count_as_late_as_they_may_be(monkeypatch):
    monkeypatch.setattr(idleness, "USES_REMEMBERED_MAX", 2)
    uses = idleness.Uses(100)

    for number, at_ms in ((b"a", 200), (b"b", 300), (b"c", 400)):
        uses.note(number, at_ms)
    uses.note_again(b"a", 500)
    uses.forget(b"c")

    assert [uses.last_ms(number) for number in (b"a", b"b", b"c", b"d")] == [200, 300, 200, 200]


ACTS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["send", "poll", "peek", "restart"])),
        st.tuples(st.just("advance"), st.integers(1, 14)),
        st.tuples(st.just("set"), st.sampled_from([0, 10, 40, 60])),
    ),
    max_size=30,
)


async def act_at_random(it: Any, acts: list[tuple[Any, ...]]) -> None:
    """The queue is there while it must be, and gone when it must be; in between is what restarts and sends allow."""
    await make(it, seconds=40)
    idle_s, earliest, latest, there = 40, 40, 40, True
    now = 0
    for act in acts:
        match act:
            case ("advance", fives):  # in steps, for a timer that looks late counts from when it looks
                for _ in range(fives):
                    now += 5
                    await it.advance(5)
            case ("restart",):
                await it.restart()
                latest = max(latest, now + idle_s)
            case ("set", seconds) if there:
                if seconds != idle_s:
                    await it.update(expire_after_idle_s=seconds)
                    idle_s, earliest, latest = seconds, now + seconds, now + seconds
            case ("send",) if there:
                await it.send(b"x")
                earliest, latest = now + idle_s, now + 2 * idle_s
            case ("poll",) if there:
                await it.receive()
                earliest, latest = now + idle_s, max(latest, now + idle_s)
            case ("peek",) if there:
                await it.call("PeekMessages", message_model.PeekMessages(queue="jobs"))
        there = await names(it) == ["jobs"]
        assert there or (idle_s and now >= earliest)
        assert not there or not idle_s or now < max(latest, earliest)
        assert await it.problems() == []
        if not there:
            return


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTS)
def test_queue_is_there_for_as_long_as_it_must_be_and_no_longer(make_stand, acts):
    async def scenario():
        it = make_stand(None)
        await it.open()
        try:
            await act_at_random(it, acts)
        finally:
            await it.close()

    asyncio.run(scenario())
