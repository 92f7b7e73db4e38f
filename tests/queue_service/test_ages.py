"""How old a queue's messages are, found by a few reads, and the census that shows it for the largest queues."""

import asyncio

import pytest

from cumulo.core.names import Arn
from cumulo.queue_service import model, move_model
from cumulo.queue_service.ages import SCHEDULED_MAX
from cumulo.queue_service.census import PAGE_QUEUES, take_census


async def ages(it, queue="jobs"):
    """Age of the oldest, and lag."""
    shown = await it.queue(queue)
    return shown.oldest_age_s, shown.lag_s


@pytest.mark.parametrize("queue", ["jobs", "jobs.fifo"])
def test_ages_are_of_the_oldest_message_and_of_the_next_one(run, queue):
    more = {"group_id": "g"} if queue.endswith(".fifo") else {}

    async def scenario(it):
        await it.create(queue, **({"content_based_deduplication": True} if more else {}))
        empty = await ages(it, queue)
        await it.send(b"a", queue=queue, **more)
        await it.advance(7)
        await it.send(b"b", queue=queue, **(more and {"group_id": "h"}))
        await it.advance(5)
        both = await ages(it, queue)
        (first,) = await it.receive(1, queue=queue)
        held = await ages(it, queue)
        await it.delete(first.receipt_handle, queue=queue)

        assert (empty, both, held) == ((0, 0), (12, 12), (12, 5))
        assert await ages(it, queue) == (5, 5)

    run(scenario)


def test_blocked_groups_have_an_age_and_no_lag(run):
    async def scenario(it):
        await it.create("jobs.fifo", content_based_deduplication=True)
        await it.send(b"a", b"b", queue="jobs.fifo", group_id="g")
        await it.receive(1, queue="jobs.fifo")
        await it.advance(9)

        assert await ages(it, "jobs.fifo") == (9, 0)

    run(scenario)


def test_age_in_a_dead_letter_queue_counts_from_the_move(run):
    async def scenario(it):
        await it.create("dead")
        await it.create(visibility_timeout_s=0, dead_letter_policy=model.DeadLetterPolicy("dead", max_receive_count=1))
        await it.send(b"a")
        await it.advance(100)
        await it.receive()
        await it.receive()
        await it.advance(5)
        in_dead = await ages(it, "dead")
        arn = str(Arn("sqs", "us-east-1", it.ctx.principal.account, "dead"))
        await it.call("StartMessageMoveTask", move_model.StartMessageMoveTask(source=arn))
        await it.advance(0)
        await it.advance(3)

        assert in_dead == (5, 5)
        assert await ages(it) == (3, 3)

    run(scenario)


def test_age_of_a_scheduled_message_counts_from_its_time_and_hides_no_other(run):
    async def scenario(it):
        await it.create()
        await it.send(*(b"%d" % number for number in range(SCHEDULED_MAX + 5)), delay_s=100_000)
        await it.send(b"soon", delay_s=2_000)
        later = await ages(it)
        await it.advance(2_010)
        visible = await ages(it)
        await it.send(b"now")
        await it.advance(5)
        (soon,) = await it.receive(1)
        await it.delete(soon.receipt_handle)

        assert (later, visible) == ((0, 0), (10, 10))
        assert await ages(it) == (5, 5)

    run(scenario)


def test_age_of_a_large_message_is_found_behind_what_is_left_of_others(run):
    async def scenario(it):
        await it.create()
        await it.send(b"x" * 300_000)
        await it.send(b"y" * 300_000)
        (first,) = await it.receive(1)
        it.clock.advance(4_000)
        await it.delete(first.receipt_handle)

        assert await ages(it) == (4, 4)
        await it.advance(0)

    run(scenario)


def test_census_shows_the_largest_queues_first_and_no_more_than_asked_for(make_stand):
    async def scenario():
        it = make_stand(None)
        await it.open()
        await it.create("jobs.fifo", content_based_deduplication=True)
        for number in range(PAGE_QUEUES + 3):
            await it.create(f"q{number}")
        await it.send(b"a", b"b", b"c", queue="q201")
        await it.send(b"later", queue="q201", delay_s=100)
        await it.send(b"d", queue="jobs.fifo", group_id="g")
        await it.send(b"a", b"b", queue="q7")
        await it.receive(1, queue="q201")
        await it.advance(6)

        first, second, third = await take_census(it.engine, it.clock, 3)
        await it.close()

        assert (first.name, first.visible, first.in_flight, first.delayed) == ("q201", 2, 1, 1)
        assert (first.account, first.region) == (it.ctx.principal.account, "us-east-1")
        assert (second.name, second.oldest_age_s, second.lag_s) == ("q7", 6, 6)
        assert (third.name, third.visible) == ("jobs.fifo", 1)

    asyncio.run(scenario())
