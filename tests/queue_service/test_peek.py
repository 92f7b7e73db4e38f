"""Looking at messages by position, without taking them."""

import pytest

from cumulo.core.errors import ServiceError
from cumulo.core.names import FIRST_ACCOUNT
from cumulo.queue_service import model, peeking


async def peek(it, queue="jobs", **more):
    return await it.call("PeekMessages", model.PeekMessages(queue=queue, **more))


async def peek_all(it, queue="jobs", size=100):
    """Everything that there is, page by page."""
    found, after = [], 0
    while True:
        page = await peek(it, queue, max_messages=size, after=after)
        found += page.messages
        after = page.next_position
        if not after:
            return found


def test_messages_of_every_state_are_shown_and_stay_as_they_are(run):
    async def scenario(it):
        await it.create()
        attribute = model.MessageAttribute("n", "Number", b"1")
        (sent,) = await it.send(b"held", attributes=(attribute,))
        (held,) = await it.receive()
        await it.send(b"ready")
        await it.send(b"delayed", delay_s=60)

        pages = [await peek(it), await peek(it)]
        for page in pages:
            assert [one.body for one in page.messages] == [b"held", b"ready", b"delayed"]
            assert page.next_position == 0
        first = pages[0].messages[0]

        assert (first.message_id, first.md5_of_body) == (sent.message_id, sent.md5_of_body)
        assert (first.attributes, first.sender_id, first.sent_ms) == ((attribute,), FIRST_ACCOUNT, held.sent_ms)
        assert (first.group_id, first.sequence_number) == ("", "")
        assert await it.counts() == (1, 1, 1)
        assert [one.receive_count for one in await it.receive()] == [1]
        await it.delete(held.receipt_handle)
        assert [one.body for one in (await peek(it)).messages] == [b"ready", b"delayed"]

    run(scenario)


def test_pages_follow_each_other_by_position(run):
    async def scenario(it):
        await it.create()
        for first in range(0, 250, 50):
            await it.send(*(str(n).encode() for n in range(first, first + 50)))

        page = await peek(it, max_messages=7)
        rest = await peek(it, max_messages=100, after=page.next_position)

        assert [one.body for one in page.messages] == [str(n).encode() for n in range(7)]
        assert page.next_position == page.messages[-1].position
        assert rest.messages[0].body == b"7"
        for size in (1, 7, 100):
            found = await peek_all(it, size=size)
            assert [one.body for one in found] == [str(n).encode() for n in range(250)]
        assert (await peek(it, after=peeking.POSITION_MAX)).messages == ()

    run(scenario)


def test_large_messages_are_whole_and_a_look_is_bounded(run):
    async def scenario(it):
        await it.create()
        bodies = [bytes([65 + n]) * size for n, size in enumerate((1_000_000, 10, 600_000, 600_000, 64_000, 63_000))]
        for body in bodies:
            await it.send(body)

        sizes = [len((await peek(it, max_messages=100)).messages)]

        assert sizes == [2]
        for size in (1, 3, 100):
            assert [one.body for one in await peek_all(it, size=size)] == bodies

    run(scenario)


def test_pieces_of_messages_that_are_gone_are_stepped_over(run, monkeypatch):
    monkeypatch.setattr(peeking, "ROWS_MAX", 20)

    async def scenario(it):
        await it.create()
        for n in range(6):
            await it.send(bytes([65 + n]) * 500_000)
        for message in [one for _ in range(3) for one in await it.receive()]:
            await it.delete(message.receipt_handle)
        await it.send(b"last")

        assert (await peek(it)).messages == ()
        assert [one.body for one in await peek_all(it)] == [b"last"]

    run(scenario)


def test_messages_that_are_too_old_are_not_shown(run):
    async def scenario(it):
        await it.create(message_retention_s=60)
        await it.send(b"old")
        it.clock.advance(60_000)
        await it.send(b"new")

        assert [one.body for one in (await peek(it)).messages] == [b"new"]

    run(scenario)


def test_dead_letters_say_where_they_came_from(run):
    async def scenario(it):
        await it.create("dead")
        await it.create(dead_letter_policy=model.DeadLetterPolicy("dead", 1), visibility_timeout_s=0)
        await it.send(b"a")
        await it.receive()
        await it.advance(0.001)
        await it.receive()

        (one,) = (await peek(it, "dead")).messages

        assert one.dead_letter_source_arn == f"arn:aws:sqs:us-east-1:{FIRST_ACCOUNT}:jobs"

    run(scenario)


def test_messages_of_blocked_groups_are_shown(run):
    async def scenario(it):
        await it.create("jobs.fifo")
        for n in range(3):
            await it.send(str(n).encode(), queue="jobs.fifo", group_id="g", deduplication_id=f"d{n}")
        (held,) = await it.receive(1, "jobs.fifo")

        found = (await peek(it, "jobs.fifo")).messages

        assert [(one.body, one.group_id, one.deduplication_id) for one in found] == [
            (b"0", "g", "d0"),
            (b"1", "g", "d1"),
            (b"2", "g", "d2"),
        ]
        assert found[0].sequence_number == held.sequence_number
        assert await it.receive(10, "jobs.fifo") == []

    run(scenario)


def test_what_cannot_be_looked_at_is_refused(run):
    async def scenario(it):
        await it.create()
        for more, code in (
            ({"max_messages": 0}, "InvalidParameterValue"),
            ({"max_messages": 101}, "InvalidParameterValue"),
            ({"after": -1}, "InvalidParameterValue"),
            ({"after": 1 << 63}, "InvalidParameterValue"),
            ({"queue": "nobody"}, "QueueDoesNotExist"),
        ):
            with pytest.raises(ServiceError) as refused:
                await peek(it, **more)
            assert refused.value.row.code == code

    run(scenario)
