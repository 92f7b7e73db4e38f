"""Messages that are sent to become visible at any time: by a time, or by a long delay."""

import asyncio

import pytest

from cumulo.core.errors import ServiceError
from cumulo.queue_service import message_model, model, move_model

DAY_S = 86_400
YEAR_S = 366 * DAY_S


async def schedule(it, body, in_s, queue="jobs", **more):
    await it.send(body, queue=queue, deliver_at_ms=it.clock.wall_ms() + int(in_s * 1000), **more)


def test_message_is_received_from_its_time_on_and_not_before(run):
    async def scenario(it):
        await it.create()
        await schedule(it, b"later", 3 * DAY_S)
        await schedule(it, b"sooner", 0.5)
        await it.send(b"much later", delay_s=YEAR_S)
        assert await it.counts() == (0, 0, 3)
        await it.advance(0.499)
        assert await it.receive() == []

        await it.advance(0.001)
        (sooner,) = await it.receive()
        await it.delete(sooner.receipt_handle)
        await it.restart()
        await it.advance(3 * DAY_S - 0.501)
        assert await it.receive() == []
        await it.advance(0.001)
        (later,) = await it.receive()

        assert (sooner.body, later.body) == (b"sooner", b"later")
        assert later.sent_ms < later.first_received_ms - 2 * DAY_S * 1000
        await it.advance(YEAR_S - 3 * DAY_S - 0.001)
        assert await it.receive() == []  # what was not deleted is too old by now
        await it.advance(0.001)
        assert [message.body for message in await it.receive()] == [b"much later"]

    run(scenario)


def test_waiting_receiver_gets_a_message_when_its_time_comes(run, settle):
    async def scenario(it):
        await it.create()
        await schedule(it, b"a", 5)
        waiting = asyncio.ensure_future(it.receive(wait_s=20))
        await settle()
        assert not waiting.done()

        await it.advance(5)

        assert [message.body for message in await waiting] == [b"a"]

    run(scenario)


def test_time_that_has_passed_holds_nothing_back_whatever_the_delay_of_the_queue(run):
    async def scenario(it):
        await it.create(delay_s=60)
        await schedule(it, b"past", -DAY_S)
        await schedule(it, b"now", 0)
        await it.send(b"by the queue")

        assert [message.body for message in await it.receive()] == [b"past", b"now"]

    run(scenario)


@pytest.mark.parametrize("timers_run", [True, False])
def test_retention_of_a_scheduled_message_counts_from_its_time(run, timers_run):
    async def scenario(it):
        await it.create(message_retention_s=60, visibility_timeout_s=0)
        await schedule(it, b"by time", 1_000)
        await it.send(b"by delay", delay_s=1_000)
        await it.advance(999)
        await it.send(b"plain")
        await it.advance(1)
        await it.advance(58.999) if timers_run else it.clock.advance(58_999)
        assert await it.counts() == (3, 0, 0)
        assert [message.body for message in await it.receive()] == [b"by time", b"by delay", b"plain"]

        await it.advance(0.001)
        assert await it.counts() == (2, 0, 0)
        await it.advance(1)

        assert await it.counts() == (0, 0, 0)

    run(scenario)


def test_delay_of_the_length_that_sqs_has_counts_as_retained(run):
    """As in SQS: a queue that keeps messages for a minute drops one that is held back for longer."""

    async def scenario(it):
        await it.create(message_retention_s=60)
        await it.send(b"a", delay_s=900)

        await it.advance(900)
        await it.advance(1)

        assert await it.receive() == []
        assert await it.counts() == (0, 0, 0)

    run(scenario)


def test_many_scheduled_messages_do_not_keep_the_timer_from_what_is_too_old(run):
    async def scenario(it):
        await it.create(message_retention_s=3_600)
        for _ in range(3):
            await it.send(*(b"scheduled",) * 100, delay_s=3_000)
        await it.send(*(b"plain",) * 100)
        await it.advance(3_600)
        assert await it.counts() == (300, 0, 0)

        await it.advance(3_000)

        assert await it.counts() == (0, 0, 0)

    run(scenario)


def test_scheduled_message_that_was_too_old_under_its_lease_is_dropped_or_kept_as_retention_says_then(run):
    async def scenario(it):
        await it.create(message_retention_s=60, visibility_timeout_s=100)
        await schedule(it, b"a", 10)
        await it.advance(10)
        await it.receive()
        await it.advance(60)
        await it.update(message_retention_s=200)
        await it.advance(40)
        assert await it.counts() == (1, 0, 0)

        await it.advance(100)

        assert await it.counts() == (0, 0, 0)

    run(scenario)


def test_scheduled_messages_keep_their_priority_and_stand_before_those_that_came_later(run):
    async def scenario(it):
        await it.create()
        await it.send(b"plain")
        await schedule(it, b"scheduled", 1)
        await schedule(it, b"high", 1, priority=5)
        await it.send(b"high and plain", priority=5)
        await it.advance(1)

        messages = await it.receive()

        assert [message.body for message in messages] == [b"high", b"high and plain", b"scheduled", b"plain"]
        for message in messages:
            await it.delete(message.receipt_handle)

    run(scenario)


def test_scheduled_message_goes_to_the_dead_letter_queue_as_any_other(run):
    async def scenario(it):
        await it.create("dead", message_retention_s=3_600)
        await it.create(dead_letter_policy=model.DeadLetterPolicy("dead", 1), visibility_timeout_s=0)
        await schedule(it, b"x" * 200_000, DAY_S)
        await it.advance(DAY_S)
        await it.receive()
        await it.advance(0.001)
        assert await it.receive() == []
        assert (await it.counts(), await it.counts("dead")) == ((0, 0, 0), (1, 0, 0))

        await it.advance(3_600)

        assert await it.counts("dead") == (0, 0, 0)

    run(scenario)


def test_batches_of_large_scheduled_messages_become_ready_in_slices(run):
    async def scenario(it):
        await it.create()
        for _ in range(12):
            await it.send(*(b"%d" % n for n in range(100)), delay_s=1_000)
        for _ in range(3):
            await it.send(b"x" * 1_000_000, delay_s=1_000)

        await it.advance(1_000)

        assert await it.counts() == (1_203, 0, 0)

    run(scenario)


def test_scheduled_messages_are_purged(run):
    async def scenario(it):
        await it.create()
        await schedule(it, b"a", 10)
        await it.purge()

        await it.advance(10)

        assert await it.counts() == (0, 0, 0)

    run(scenario)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"delay_s": YEAR_S + 1}, "delay_s is invalid. Reason: it must be >= 0 and <= 31622400"),
        ({"deliver_at_ms": -1}, "deliver_at_ms is invalid. Reason: it must be >= 0 and <= "),
        ({"deliver_at_ms": 1 << 60}, "deliver_at_ms is invalid. Reason: it must be >= 0 and <= "),
        ({"deliver_at_ms": 0, "delay_s": 0}, "deliver_at_ms is invalid. Reason: it stands in place of delay_s"),
    ],
)
def test_time_out_of_range_is_refused(run, more, reason):
    async def scenario(it):
        await it.create()

        (refused,) = await it.send(b"a", **more)

        assert refused.code == "InvalidParameterValue"
        assert reason in refused.message
        assert await it.counts() == (0, 0, 0)

    run(scenario)


def test_last_moment_within_the_limit_is_taken(run):
    async def scenario(it):
        await it.create()
        await schedule(it, b"a", YEAR_S)
        (refused,) = await it.send(b"a", deliver_at_ms=it.clock.wall_ms() + YEAR_S * 1000 + 1)

        assert refused.code == "InvalidParameterValue"
        assert await it.counts() == (0, 0, 1)

    run(scenario)


@pytest.mark.parametrize(("parameter", "value"), [("deliver_at_ms", 0), ("deliver_at_ms", 1), ("delay_s", 901)])
def test_fifo_queue_refuses_a_time_for_one_message(run, parameter, value):
    async def scenario(it):
        await it.create("jobs.fifo")
        entry = message_model.SendEntry(b"a", group_id="g", deduplication_id="d", **{parameter: value})

        with pytest.raises(ServiceError) as refused:
            await it.call("SendMessage", message_model.SendMessages(queue="jobs.fifo", entries=(entry,)))

        assert refused.value.message == (
            f"Value {value} for parameter {parameter} is invalid. Reason: The request include parameter that is not"
            " valid for this queue type."
        )

    run(scenario)


def test_move_task_takes_scheduled_messages_that_are_visible(run):
    async def scenario(it):
        await it.create("dead")
        await it.create(dead_letter_policy=model.DeadLetterPolicy("dead", 1))
        await schedule(it, b"due", 1, queue="dead")
        await schedule(it, b"not due", 100, queue="dead")
        await it.advance(1)

        task = move_model.StartMessageMoveTask(source="dead", destination="jobs")
        await it.call("StartMessageMoveTask", task)
        await it.advance(1)

        assert (await it.counts("dead"), await it.counts()) == ((0, 0, 1), (1, 0, 0))

    run(scenario)
