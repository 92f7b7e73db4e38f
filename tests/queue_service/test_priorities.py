"""Priorities of messages in standard queues."""

import pytest

from cumulo.core.errors import ServiceError
from cumulo.queue_service import message_model, model, move_model


async def send(it, *priorities, queue="jobs", **more):
    """One message each, whose body is its priority and a number."""
    entries = tuple(
        message_model.SendEntry(f"{priority}-{number}".encode(), priority=priority, **more)
        for number, priority in enumerate(priorities)
    )
    return await it.call("BatchSendMessages", message_model.SendMessages(queue=queue, entries=entries))


async def bodies(it, count=100, queue="jobs", **more):
    return [message.body for message in await it.receive(count, queue, **more)]


def test_highest_priority_is_received_first_and_each_in_the_order_of_sending(run):
    async def scenario(it):
        await it.create()
        await send(it, *range(10), None, *range(9, -1, -1))

        messages = await it.receive(100)

        expected = [f"{p}-{n}" for p in range(9, 4, -1) for n in (p, 20 - p)]
        expected += ["4-4", "None-10", "4-16"]
        expected += [f"{p}-{n}" for p in range(3, -1, -1) for n in (p, 20 - p)]
        assert [message.body.decode() for message in messages] == expected
        assert [message.priority for message in messages[:2]] == [9, 9]
        assert next(message for message in messages if message.body == b"None-10").priority == 4
        for message in messages:
            await it.delete(message.receipt_handle)
        assert await it.counts() == (0, 0, 0)

    run(scenario)


def test_priority_is_kept_through_delay_lease_redelivery_and_restart(run):
    async def scenario(it):
        await it.create()
        await send(it, 0, 9, delay_s=5)
        await send(it, 4, 8)
        await it.restart()
        assert await bodies(it, 1, visibility_timeout_s=3) == [b"8-1"]
        await it.advance(5)

        assert await bodies(it, visibility_timeout_s=1) == [b"9-1", b"8-1", b"4-0", b"0-0"]
        await it.restart()
        await it.advance(1)
        assert await bodies(it, visibility_timeout_s=0) == [b"9-1", b"8-1", b"4-0", b"0-0"]

    run(scenario)


def test_receipt_finds_a_message_of_any_priority_wherever_it_stands(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=10)
        await send(it, 0, 4, 9, 9, 9)
        first, held, ended, middle, lowest = await it.receive(5)
        await it.hold(held.receipt_handle, 2)
        await it.advance(3)
        assert await it.counts() == (1, 4, 0)
        await it.hold(ended.receipt_handle, 1)
        await it.advance(2)

        for message in (first, held, ended, middle, lowest):
            await it.delete(message.receipt_handle)

        assert await it.counts() == (0, 0, 0)

    run(scenario)


def test_void_receipt_of_a_message_with_a_priority_is_refused(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=1)
        await send(it, 9)
        (first,) = await it.receive()
        await it.advance(1)
        (second,) = await it.receive()

        with pytest.raises(ServiceError) as void:
            await it.delete(first.receipt_handle)

        assert void.value.row.code == "ReceiptHandleIsInvalid"
        await it.delete(second.receipt_handle)

    run(scenario)


def test_message_of_any_priority_whose_timeout_has_ended_can_be_held_anew(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=1)
        await send(it, 9, 0)
        messages = await it.receive()
        await it.advance(1)
        for message in messages:
            await it.hold(message.receipt_handle, 5)
        assert await it.counts() == (0, 2, 0)
        await it.advance(5)

        assert await bodies(it) == [b"9-0", b"0-1"]

    run(scenario)


def test_priority_is_kept_in_the_dead_letter_queue_and_on_the_way_back(run):
    async def scenario(it):
        await it.create("dead")
        await it.create(dead_letter_policy=model.DeadLetterPolicy("dead", 1), visibility_timeout_s=0)
        await send(it, 1, 4, 9)
        await it.receive()
        await it.advance(0.001)
        assert await it.receive() == []
        assert await bodies(it, queue="dead", visibility_timeout_s=0) == [b"9-2", b"4-1", b"1-0"]
        await it.advance(0.001)

        await it.call("StartMessageMoveTask", move_model.StartMessageMoveTask(source="dead"))
        await it.advance(1)

        assert await it.counts("dead") == (0, 0, 0)
        assert [message.priority for message in await it.receive()] == [9, 4, 1]

    run(scenario)


def test_move_task_takes_every_lane_in_several_slices(run):
    async def scenario(it):
        await it.create("dead")
        await it.create("elsewhere")
        await it.create(dead_letter_policy=model.DeadLetterPolicy("dead", 1))
        for _ in range(4):
            await send(it, *(number % 10 for number in range(70)), queue="dead")

        task = move_model.StartMessageMoveTask(source="dead", destination="elsewhere")
        await it.call("StartMessageMoveTask", task)
        await it.advance(1)

        assert (await it.counts("dead"), await it.counts("elsewhere")) == ((0, 0, 0), (280, 0, 0))
        (listed,) = await it.call("ListMessageMoveTasks", move_model.ListMessageMoveTasks(source="dead"))
        assert (listed.status, listed.moved, listed.to_move) == ("COMPLETED", 280, 280)

    run(scenario)


def test_retention_ends_messages_of_every_priority(run):
    async def scenario(it):
        await it.create("dead", message_retention_s=120)
        await it.create(
            message_retention_s=60, visibility_timeout_s=0, dead_letter_policy=model.DeadLetterPolicy("dead", 1)
        )
        for _ in range(3):
            await send(it, *(number % 10 for number in range(90)))
        await it.advance(30)
        await send(it, *range(10))
        await it.advance(30)
        assert await it.counts() == (10, 0, 0)
        await it.receive(20)
        await it.advance(0.001)
        await it.receive(20)
        assert await it.counts("dead") == (10, 0, 0)
        (leased,) = await it.receive(1, "dead", visibility_timeout_s=1000)

        await it.advance(90)

        assert leased.priority == 9
        assert (await it.counts(), await it.counts("dead")) == ((0, 0, 0), (0, 1, 0))

    run(scenario)


def test_large_messages_have_priorities_too(run):
    async def scenario(it):
        await it.create()
        for priority in (1, 9):
            await it.send(bytes([priority]) * 200_000, priority=priority)

        messages = await it.receive()

        assert [message.body[:1] for message in messages] == [b"\x09", b"\x01"]
        assert {len(message.body) for message in messages} == {200_000}
        for message in messages:
            await it.delete(message.receipt_handle)

    run(scenario)


@pytest.mark.parametrize("priority", [-1, 10, 1 << 31])
def test_priority_out_of_range_is_refused(run, priority):
    async def scenario(it):
        await it.create()

        refused, sent = await send(it, priority, 9)

        assert refused.code == "InvalidParameterValue"
        assert f"Value {priority} for parameter priority is invalid" in refused.message
        assert sent.message_id
        assert await it.counts() == (1, 0, 0)

    run(scenario)


@pytest.mark.parametrize("priority", [0, 4, 9, 99])
def test_fifo_queue_refuses_a_priority(run, priority):
    async def scenario(it):
        await it.create("jobs.fifo")

        (refused,) = await send(it, priority, queue="jobs.fifo", group_id="g", deduplication_id="d")

        assert refused.code == "InvalidParameterValue"
        assert refused.message == (
            f"Value {priority} for parameter priority is invalid. Reason: The request include parameter that is not"
            " valid for this queue type."
        )

    run(scenario)


def test_peek_shows_priorities(run):
    async def scenario(it):
        await it.create()
        await send(it, 3, None, 9)

        page = await it.call("PeekMessages", message_model.PeekMessages(queue="jobs"))

        assert [message.priority for message in page.messages] == [3, 4, 9]

    run(scenario)
