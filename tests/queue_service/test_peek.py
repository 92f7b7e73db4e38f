"""Looking at messages by position, without taking them."""

import pytest

from cumulo.core.errors import ServiceError
from cumulo.core.names import FIRST_ACCOUNT
from cumulo.queue_service import message_model, model, peeking, whereabouts


async def peek(it, queue="jobs", **more):
    return await it.call("PeekMessages", message_model.PeekMessages(queue=queue, **more))


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
        attribute = message_model.MessageAttribute("n", "Number", b"1")
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


def states(page):
    return {one.body.decode(): one.state.name for one in page.messages}


def test_state_of_each_message_is_shown_wherever_it_stands(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=30)
        now_ms = it.clock.wall_ms()
        for body, more in (
            ("leased", {}),
            ("held", {}),
            ("given back", {}),
            ("ready", {}),
            ("high", {"priority": 9}),
            ("delayed", {"delay_s": 60}),
            ("delayed and high", {"delay_s": 60, "priority": 9}),
            ("scheduled", {"deliver_at_ms": now_ms + 5_000_000}),
            ("was scheduled", {"deliver_at_ms": now_ms + 1_000, "priority": 2}),
            ("large", {"delay_s": 5}),
        ):
            await it.send(body.encode(), **more)
        (high,) = await it.receive(1)
        await it.hold(high.receipt_handle, 0)
        (high,) = await it.receive(1)
        taken = {message.body.decode(): message for message in await it.receive(3)}
        await it.advance(1)
        await it.hold(taken["held"].receipt_handle, 2)
        await it.hold(taken["given back"].receipt_handle, 0)

        page = await peek(it, max_messages=100)

        assert states(page) == {
            "leased": "IN_FLIGHT",
            "held": "IN_FLIGHT",
            "given back": "READY",
            "ready": "READY",
            "high": "IN_FLIGHT",
            "delayed": "DELAYED",
            "delayed and high": "DELAYED",
            "scheduled": "DELAYED",
            "was scheduled": "READY",
            "large": "DELAYED",
        }
        shown = {one.body.decode(): one for one in page.messages}
        due = {body: one.due_ms - now_ms for body, one in shown.items() if one.due_ms}
        assert due == {
            "leased": 30_000,
            "held": 3_000,
            "high": 30_000,
            "delayed": 60_000,
            "delayed and high": 60_000,
            "scheduled": 5_000_000,
            "large": 5_000,
        }
        counts = {body: one.receive_count for body, one in shown.items() if one.receive_count}
        assert counts == {"leased": 1, "held": 1, "given back": 1, "high": 2}
        assert shown["high"].first_received_ms == shown["high"].last_received_ms == now_ms
        assert shown["ready"].last_received_ms == 0
        assert await it.counts() == (3, 3, 4)

    run(scenario)


@pytest.mark.parametrize(("delayed", "held"), [(3, 2), (9, 2), (3, 9)])
def test_state_is_known_by_elimination_where_there_are_too_many_of_one_kind(run, monkeypatch, delayed, held):
    monkeypatch.setattr(whereabouts, "ROWS_MAX", 5)

    async def scenario(it):
        await it.create()
        await it.send(*(b"held",) * held)
        await it.receive(held)
        await it.send(*(b"delayed",) * delayed, delay_s=60)

        found = await peek_all(it)

        assert [one.state.name for one in found] == ["IN_FLIGHT"] * held + ["DELAYED"] * delayed

    run(scenario)


def test_state_is_not_guessed_where_there_are_too_many_of_both_kinds(run, monkeypatch):
    monkeypatch.setattr(whereabouts, "ROWS_MAX", 5)

    async def scenario(it):
        await it.create()
        await it.send(*(b"held",) * 9)
        await it.receive(9)
        await it.send(*(b"delayed",) * 9, delay_s=60)

        found = await peek_all(it)

        names = [one.state.name for one in found]
        assert set(names[:9]) == {"IN_FLIGHT", "UNKNOWN"}
        assert set(names[9:]) == {"DELAYED", "UNKNOWN"}

    run(scenario)


def test_states_in_a_fifo_queue_are_shown(run):
    async def scenario(it):
        await it.create("jobs.fifo", visibility_timeout_s=30, delay_s=0)
        for body in ("a1", "a2", "b1"):
            await it.send(body.encode(), queue="jobs.fifo", group_id=body[0], deduplication_id=body)
        await it.receive(1, "jobs.fifo")
        await it.update("jobs.fifo", delay_s=60)
        await it.send(b"c1", queue="jobs.fifo", group_id="c", deduplication_id="c1")

        page = await peek(it, "jobs.fifo")

        assert states(page) == {"a1": "IN_FLIGHT", "a2": "READY", "b1": "READY", "c1": "DELAYED"}
        now_ms = it.clock.wall_ms()
        assert [one.due_ms - now_ms for one in page.messages if one.due_ms] == [30_000, 60_000]
        assert [one.receive_count for one in page.messages] == [1, 0, 0, 0]

    run(scenario)


def test_messages_are_found_by_their_ids(run):
    async def scenario(it):
        await it.create()
        sent = []
        for first in range(0, 1_000, 100):
            sent += await it.send(*(str(n).encode() for n in range(first, first + 100)))
        wanted = (sent[903].message_id, sent[5].message_id, sent[5].message_id, "no such id")

        some = await peek(it, max_messages=100, message_ids=wanted[:3])
        first = await peek(it, max_messages=1, message_ids=wanted[:3])
        second = await peek(it, max_messages=1, message_ids=wanted[:3], after=first.next_position)
        none = await peek(it, message_ids=wanted[3:])

        assert [one.body for one in some.messages] == [b"5", b"903"]
        assert some.next_position == 0
        assert [one.body for one in first.messages + second.messages] == [b"5", b"903"]
        assert (none.messages, none.next_position) == ((), 0)

    run(scenario)


def test_look_for_an_id_is_bounded_and_goes_on(run, monkeypatch):
    monkeypatch.setattr(peeking, "SEARCH_ROWS_MAX", 100)

    async def scenario(it):
        await it.create()
        for _ in range(3):
            await it.send(*(b"a",) * 100)
        (last,) = await it.send(b"x" * 1_000_000)
        await it.receive(100)

        pages = [await peek(it, message_ids=(last.message_id,))]
        while pages[-1].next_position:
            pages.append(await peek(it, message_ids=(last.message_id,), after=pages[-1].next_position))

        assert [page.next_position for page in pages] == [100, 200, 300, 0]
        assert [len(one.body) for page in pages for one in page.messages] == [1_000_000]

    run(scenario)


def test_look_for_an_id_among_large_messages_is_bounded_by_their_size(run, monkeypatch):
    monkeypatch.setattr(peeking, "SEARCH_BYTES_MAX", 1_000_000)

    async def scenario(it):
        await it.create()
        for _ in range(8):
            await it.send(b"x" * 1_000_000)

        page = await peek(it, message_ids=("no such id",))

        assert (page.messages, 0 < page.next_position < 8) == ((), True)

    run(scenario)


def test_what_cannot_be_looked_at_is_refused(run):
    async def scenario(it):
        await it.create()
        for more, code in (
            ({"max_messages": 0}, "InvalidParameterValue"),
            ({"max_messages": 101}, "InvalidParameterValue"),
            ({"after": -1}, "InvalidParameterValue"),
            ({"after": 1 << 63}, "InvalidParameterValue"),
            ({"message_ids": ("a",) * 101}, "InvalidParameterValue"),
            ({"queue": "nobody"}, "QueueDoesNotExist"),
        ):
            with pytest.raises(ServiceError) as refused:
                await peek(it, **more)
            assert refused.value.row.code == code

    run(scenario)
