"""Messages that leave without being deleted: to the dead-letter queue, or because they are too old."""

import asyncio

import pytest

from cumulo.queue_service import message_model, model
from cumulo.queue_service.keys import RETAIN
from cumulo.storage import failpoints


@pytest.fixture(autouse=True)
def disarmed():
    yield
    failpoints.disarm()


async def make_pair(it, receives=2, **attributes):
    await it.create("dead", **attributes)
    await it.create("jobs", visibility_timeout_s=10, dead_letter_policy=model.DeadLetterPolicy("dead", receives))


async def use_up(it, receives=2):
    """Receive everything as often as the policy allows."""
    for _ in range(receives):
        await it.receive(100)
        await it.advance(10)


def test_message_moves_to_the_dead_letter_queue_when_it_comes_up_once_too_often(run):
    async def scenario(it):
        await make_pair(it)
        sent = (await it.send(b"a", attributes=(message_model.MessageAttribute("n", "Number", b"1"),)))[0]
        first = await it.receive()
        await it.advance(10)
        await it.receive()
        await it.advance(10)

        nothing = await it.receive()
        moved = (await it.receive(queue="dead"))[0]

        assert nothing == []
        assert (moved.message_id, moved.body) == (sent.message_id, b"a")
        assert moved.sent_ms == first[0].sent_ms
        assert moved.attributes == first[0].attributes
        assert moved.receive_count == 3
        assert moved.dead_letter_source_arn == "arn:aws:sqs:us-east-1:000000000000:jobs"
        assert await it.counts("jobs") == (0, 0, 0)
        assert await it.counts("dead") == (0, 1, 0)

    run(scenario)


def test_policy_of_a_dead_letter_queue_counts_its_own_receives_alone(run):
    async def scenario(it):
        await make_pair(it, receives=1)
        await it.call("CreateQueue", model.CreateQueue(queue="last"))
        policy = model.DeadLetterPolicy(queue="last", max_receive_count=2)
        attributes = model.QueueAttributes(dead_letter_policy=policy, visibility_timeout_s=10)
        await it.call("UpdateQueue", model.UpdateQueue(queue="dead", attributes=attributes))
        await it.send(b"a")
        await use_up(it, 1)
        await it.receive()

        seen = []
        for _ in range(2):
            seen += await it.receive(queue="dead")
            await it.advance(10)
        assert await it.receive(queue="dead") == []
        seen += await it.receive(queue="last")

        assert [message.receive_count for message in seen] == [2, 3, 4]

    run(scenario)


def test_other_messages_are_received_while_exhausted_ones_move(run):
    async def scenario(it):
        await make_pair(it, receives=1)
        await it.send(b"bad")
        await use_up(it, 1)
        await it.send(b"good")

        assert [message.body for message in await it.receive(1)] == [b"good"]
        assert [message.body for message in await it.receive(queue="dead")] == [b"bad"]

    run(scenario)


@pytest.mark.parametrize("wait_s", [0, 1])
def test_many_exhausted_messages_move_in_several_transactions_of_one_receive(run, wait_s):
    async def scenario(it):
        await make_pair(it, receives=1)
        await it.send(*[b"bad"] * 100)
        await use_up(it, 1)
        await it.send(b"good")

        taken = await it.receive(10, wait_s=wait_s)

        assert [message.body for message in taken] == [b"good"]
        assert await it.counts("jobs") == (0, 1, 0)
        assert await it.counts("dead") == (100, 0, 0)

    run(scenario)


def test_large_messages_move_whole(run):
    async def scenario(it):
        await make_pair(it, receives=1)
        for number in range(5):
            await it.send(b"%d" % number * 1_000_000)
        for _ in range(5):
            await it.receive(10)
        await it.advance(10)

        assert await it.receive(10) == []
        await it.advance(0)
        moved = [await it.receive(10, queue="dead") for _ in range(5)]

        assert [len(messages[0].body) for messages in moved] == [1_000_000] * 5

    run(scenario)


def test_message_stays_while_the_dead_letter_queue_does_not_exist(run):
    async def scenario(it):
        await make_pair(it, receives=1)
        await it.send(b"a")
        await use_up(it, 1)
        await it.remove("dead")

        assert [message.receive_count for message in await it.receive()] == [2]
        await it.advance(10)
        await it.create("dead")

        assert await it.receive() == []
        assert await it.counts("dead") == (1, 0, 0)

    run(scenario)


def test_parked_receiver_of_the_dead_letter_queue_is_woken_by_a_move(run, settle):
    async def scenario(it):
        await make_pair(it, receives=1)
        await it.send(b"a")
        await use_up(it, 1)
        receiver = asyncio.ensure_future(it.receive(queue="dead", wait_s=20))
        while not it.service.parked:
            await settle()

        await it.receive()
        await receiver

        assert [message.body for message in receiver.result()] == [b"a"]

    run(scenario)


def test_message_older_than_the_retention_period_is_deleted_by_the_timer(run):
    async def scenario(it):
        await it.create(message_retention_s=60)
        await it.send(b"old")
        await it.advance(30)
        await it.send(b"young")

        await it.advance(29.999)
        before = await it.counts()
        await it.advance(0.001)

        assert before == (2, 0, 0)
        assert [message.body for message in await it.receive()] == [b"young"]
        assert await it.counts() == (0, 1, 0)

    run(scenario)


def test_message_that_is_too_old_is_not_received_even_when_the_timer_is_late(run):
    async def scenario(it):
        await it.create(message_retention_s=60)
        await it.send(*[b"old"] * 100)
        it.clock.advance(60_000)
        await it.send(b"young")

        assert [message.body for message in await it.receive()] == [b"young"]
        assert await it.counts() == (0, 1, 0)

    run(scenario)


def test_message_that_grows_too_old_under_its_lease_does_not_come_back(run):
    async def scenario(it):
        await it.create(message_retention_s=60, visibility_timeout_s=100)
        await it.send(b"a", b"b")
        handle = (await it.receive(1))[0].receipt_handle
        await it.advance(61)
        leased = await it.counts()
        await it.advance(40)

        assert leased == (0, 1, 0)
        assert await it.counts() == (0, 0, 0)
        await it.delete(handle)

    run(scenario)


def test_moved_message_keeps_the_age_it_had(run):
    async def scenario(it):
        await make_pair(it, receives=1, message_retention_s=100)
        await it.send(b"old")
        await it.advance(50)
        await it.send(b"straight into the other", queue="dead")
        await it.receive()
        await it.advance(10)
        await it.receive()
        before = await it.counts("dead")

        await it.advance(40)

        assert before == (2, 0, 0)
        assert [message.body for message in await it.receive(queue="dead")] == [b"straight into the other"]
        assert await it.counts("dead") == (0, 1, 0)

    run(scenario)


def test_dead_letter_that_was_leased_over_the_end_of_its_retention_goes_in_time_where_that_was_made_longer(run):
    async def scenario(it):
        await make_pair(it, message_retention_s=100)
        await it.send(b"old")
        await use_up(it)
        await it.advance(40)
        await it.send(b"younger", queue="dead")
        await it.receive()  # the old one moves, behind the younger one
        taken = await it.receive(10, queue="dead", visibility_timeout_s=60)
        assert [message.body for message in taken] == [b"younger", b"old"]

        await it.advance(45)  # the old one is too old by now, and in flight
        await it.update("dead", message_retention_s=130)
        await it.advance(15)
        assert await it.counts("dead") == (2, 0, 0)
        await it.advance(20)

        assert await it.counts("dead") == (1, 0, 0)

    run(scenario)


def test_thousands_of_old_messages_go_in_slices(run):
    async def scenario(it):
        await it.create(message_retention_s=60)
        for _ in range(15):
            await it.send(*[b"x"] * 100)
        await it.send(b"x" * 1_000_000)

        await it.advance(60)

        assert await it.counts() == (0, 0, 0)
        assert await it.engine.take_due(1 << 62, 10) == []

    run(scenario)


def test_shorter_retention_takes_effect_at_once(run):
    async def scenario(it):
        await it.create()
        await it.send(b"a")
        await it.advance(100)

        await it.update(message_retention_s=60)
        await it.advance(0)

        assert await it.counts() == (0, 0, 0)

    run(scenario)


def test_retention_has_one_due_entry_per_queue(run):
    async def scenario(it):
        await it.create()
        for _ in range(20):
            await it.send(*[b"x"] * 10)
            await it.advance(1)

        entries = await it.engine.take_due(1 << 62, 100)

        assert [entry.kind for entry in entries] == [RETAIN]

    run(scenario)


def test_message_sent_after_the_retention_was_shortened_goes_in_time_while_older_ones_were_leased(run):
    async def scenario(stand):
        await stand.create()
        await stand.send(b"leased")
        await stand.receive(1)
        await stand.update(message_retention_s=60)
        await stand.send(b"later")

        await stand.advance(61)

        assert await stand.counts() == (0, 0, 0)

    run(scenario)


@pytest.mark.parametrize("name", ["jobs", "jobs.fifo"])
def test_timer_whose_deed_failed_once_is_not_lost(run, name):
    async def scenario(it):
        await it.create(name, message_retention_s=60, visibility_timeout_s=10)
        fifo = {"group_id": "g", "deduplication_id": "d"} if name.endswith(".fifo") else {}
        await it.send(b"a", queue=name, **fifo)
        await it.receive(queue=name)
        failpoints.arm("due.before_deed=error@1")
        await it.advance(10)
        assert await it.counts(name) == (0, 1, 0)
        await it.advance(1)
        assert await it.counts(name) == (1, 0, 0)

        failpoints.disarm()
        failpoints.arm("due.before_deed=error@1")
        await it.advance(50)
        await it.advance(1)
        assert await it.counts(name) == (0, 0, 0)
        failpoints.disarm()
        await it.advance(600)

    run(scenario)


def test_queue_that_is_its_own_dead_letter_queue_goes_on_delivering(run):
    async def scenario(it):
        await it.create()
        await it.update(dead_letter_policy=model.DeadLetterPolicy("jobs", 1))
        await it.send(b"a")

        counts = [(await it.receive(visibility_timeout_s=0))[0].receive_count for _ in range(4)]

        assert counts == [1, 2, 3, 4]
        sources = await it.call("ListDeadLetterSources", model.ListDeadLetterSources(queue="jobs"))
        assert [queue.name for queue in sources.queues] == ["jobs"]

    run(scenario)
