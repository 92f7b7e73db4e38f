"""Moving selected messages from queue to queue."""

import asyncio
import json

import pytest

from cumulo.core.errors import ServiceError
from cumulo.core.names import FIRST_ACCOUNT
from cumulo.queue_service import message_model, move_model
from cumulo.queue_service.move_model import MoveReason, SelectedMessage


async def move(it, *messages, source="jobs", to="other", **more):
    """Positions, receipt handles or selections; answer the code of each, empty where it is moved."""
    selected = tuple(
        SelectedMessage(position=one)
        if isinstance(one, int)
        else (SelectedMessage(receipt_handle=one) if isinstance(one, str) else one)
        for one in messages
    )
    request = move_model.MoveMessages(source=source, destination=to, messages=selected, **more)
    return ["" if error is None else error.code for error in await it.call("MoveMessages", request)]


async def peek(it, queue):
    return (await it.call("PeekMessages", message_model.PeekMessages(queue=queue, max_messages=100))).messages


async def bodies(it, queue):
    return [one.body for one in await peek(it, queue)]


async def make(it, suffix="", **attributes):
    await it.create(f"jobs{suffix}", **attributes)
    await it.create(f"other{suffix}")


def test_selected_messages_are_moved_in_the_order_of_the_request_and_the_others_stay(run):
    async def scenario(it):
        await make(it, message_retention_s=60)
        attribute = message_model.MessageAttribute("n", "Number", b"1")
        sent = await it.send(b"0", b"1", b"2", b"3", attributes=(attribute,))
        await it.advance(30)

        assert await move(it, 4, 2) == ["", ""]
        await it.restart()

        assert (await it.counts(), await it.counts("other")) == ((2, 0, 0), (2, 0, 0))
        assert await bodies(it, "jobs") == [b"0", b"2"]
        first, second = await it.receive(10, "other")
        assert [first.message_id, second.message_id] == [sent[3].message_id, sent[1].message_id]
        assert (first.body, first.attributes, first.receive_count) == (b"3", (attribute,), 1)
        assert first.sent_ms == it.clock.wall_ms() - 30_000
        assert first.dead_letter_source_arn == ""
        await it.advance(345_600)
        assert await it.counts("other") == (0, 0, 0)

    run(scenario)


def test_received_message_is_moved_by_its_receipt_wherever_it_stands(run):
    async def scenario(it):
        await make(it, visibility_timeout_s=10)
        await it.send(b"leased", b"held", b"ended", b"void", priority=9)
        leased, held, ended, void = await it.receive()
        await it.hold(leased.receipt_handle, 40)
        await it.hold(held.receipt_handle, 20)
        await it.advance(11)
        await it.hold(ended.receipt_handle, 0)
        (again,) = [one for one in await it.receive() if one.body == b"void"]

        codes = await move(
            it, leased.receipt_handle, held.receipt_handle, ended.receipt_handle, void.receipt_handle, "forged"
        )

        assert codes == ["", "", "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid"]
        assert [(one.body, one.priority) for one in await it.receive(10, "other")] == [(b"leased", 9), (b"held", 9)]
        await it.delete(again.receipt_handle)
        await it.delete(leased.receipt_handle)  # it is gone from this queue, which a delete takes for done
        assert await it.counts() == (0, 1, 0)

    run(scenario)


def test_message_whose_timeout_has_ended_is_moved_by_its_latest_receipt(run):
    async def scenario(it):
        await make(it, visibility_timeout_s=1)
        await it.send(b"a", priority=1)
        (message,) = await it.receive()
        await it.advance(1)

        assert await move(it, message.receipt_handle) == [""]

        assert (await it.counts(), await it.counts("other")) == ((0, 0, 0), (1, 0, 0))

    run(scenario)


def test_what_cannot_be_moved_is_refused_one_by_one(run):
    async def scenario(it):
        await make(it)
        sent = await it.send(b"leased", b"ready", b"named", b"other name", b"twice")
        await it.send(b"delayed", delay_s=10)
        (held,) = await it.receive(1)

        codes = await move(
            it,
            1,
            2,
            SelectedMessage(3, sent[2].message_id),
            SelectedMessage(4, sent[2].message_id),
            5,
            5,
            6,
            7,
            0,
            -1,
            1 << 63,
            SelectedMessage(),
        )

        invalid = "InvalidParameterValue"
        assert codes == [
            "MessageNotReady",
            "",
            "",
            "MessageNotThere",
            "",
            "MessageNotThere",
            "MessageNotReady",
            "MessageNotThere",
            *(invalid,) * 4,
        ]
        assert await bodies(it, "other") == [b"ready", b"named", b"twice"]
        assert await move(it, held.receipt_handle, 1) == ["", "MessageNotThere"]
        assert await it.counts() == (1, 0, 1)

    run(scenario)


def test_too_old_message_is_not_moved(run):
    async def scenario(it):
        await make(it, message_retention_s=60)
        await it.send(b"a")
        it.clock.advance(60_000)

        assert await move(it, 1) == ["MessageNotThere"]

    run(scenario)


def test_history_says_where_a_moved_message_was(run):
    async def scenario(it):
        await make(it)
        await it.send(b"a")
        (message,) = await it.receive()
        now_ms = it.clock.deadline_ms()
        await it.advance(5)
        await move(it, message.receipt_handle)

        (there,) = await peek(it, "other")

        arn = f"arn:aws:sqs:us-east-1:{FIRST_ACCOUNT}:jobs"
        assert there.history == (move_model.Hop(MoveReason.SELECTED, arn, now_ms + 5_000, 1, now_ms, now_ms, 0),)
        assert there.receive_count == 0

    run(scenario)


def test_messages_of_a_fifo_queue_are_moved_out_of_their_groups(run):
    async def scenario(it):
        await make(it, ".fifo", visibility_timeout_s=10)
        for body in ("a1", "a2", "a3", "b1", "c1", "c2"):
            await it.send(body.encode(), queue="jobs.fifo", group_id=body[0], deduplication_id=body)
        first, *_ = await it.receive(1, "jobs.fifo")

        codes = await move(it, first.receipt_handle, 3, 4, 5, 1, source="jobs.fifo", to="other.fifo")

        assert codes == ["", "", "", "", "MessageNotThere"]
        there = await it.receive(10, "other.fifo")
        assert [(one.body, one.group_id, one.deduplication_id) for one in there] == [
            (b"a1", "a", "a1"),
            (b"a3", "a", "a3"),
            (b"b1", "b", "b1"),
            (b"c1", "c", "c1"),
        ]
        assert sorted(one.body for one in await it.receive(10, "jobs.fifo")) == [b"a2", b"c2"]
        assert await move(it, first.receipt_handle, source="jobs.fifo", to="other.fifo") == ["MessageNotThere"]

    run(scenario)


def test_expired_receipt_of_a_fifo_queue_moves_nothing(run):
    async def scenario(it):
        await make(it, ".fifo", visibility_timeout_s=1)
        await it.send(b"a", queue="jobs.fifo", group_id="g", deduplication_id="d")
        (message,) = await it.receive(1, "jobs.fifo")
        await it.advance(1)

        assert await move(it, message.receipt_handle, source="jobs.fifo", to="other.fifo") == ["InvalidParameterValue"]
        assert await it.counts("jobs.fifo") == (1, 0, 0)

    run(scenario)


def test_one_transaction_has_room_for_two_mebibytes_and_the_rest_is_asked_for_again(run):
    async def scenario(it):
        await make(it)
        for number in range(5):
            await it.send(bytes([65 + number]) * 900_000)

        first = await move(it, 1, 2, 3, 4, 5)
        second = await move(it, 4, 5)

        full = "TransactionIsFull"
        assert (first, second) == (["", "", "", full, full], ["", ""])
        await it.advance(1)
        assert [(one.body[:1], len(one.body)) for one in await peek(it, "other")] == [(b"A", 900_000)]
        assert (await it.counts(), await it.counts("other")) == ((0, 0, 0), (5, 0, 0))

    run(scenario)


def test_fifty_messages_of_as_many_groups_are_moved_at_once(run):
    async def scenario(it):
        await make(it, ".fifo")
        for number in range(50):
            await it.send(b"x" * 40_000, queue="jobs.fifo", group_id=f"g{number}", deduplication_id=f"{number}")

        assert await move(it, *range(1, 51), source="jobs.fifo", to="other.fifo") == [""] * 50

        assert (await it.counts("jobs.fifo"), await it.counts("other.fifo")) == ((0, 0, 0), (50, 0, 0))

    run(scenario)


def test_fifty_messages_of_as_many_groups_of_a_standard_queue_are_moved_at_once(run):
    async def scenario(it):
        await make(it)
        for number in range(50):
            await it.send(b"x" * 40_000, group_id=f"g{number}", priority=number % 10)
            await it.send(b"stays", group_id=f"g{number}")

        assert await move(it, *range(1, 101, 2)) == [""] * 50

        assert (await it.counts(), await it.counts("other")) == ((50, 0, 0), (50, 0, 0))
        there = await peek(it, "other")
        assert [(one.group_id, one.priority) for one in there[:3]] == [("g0", 0), ("g1", 1), ("g2", 2)]

    run(scenario)


def test_fifty_messages_of_as_many_groups_are_moved_by_their_receipts(run):
    async def scenario(it):
        await make(it)
        for number in range(50):
            await it.send(b"x", group_id=f"g{number}", priority=number % 10)
        handles: list[str] = []
        while len(handles) < 50:
            handles += [one.receipt_handle for one in await it.receive(50)]

        assert await move(it, *handles) == [""] * 50

        assert (await it.counts(), await it.counts("other")) == ((0, 0, 0), (50, 0, 0))

    run(scenario)


def test_fifty_scheduled_messages_beside_many_leases_are_moved_or_refused_within_one_transaction(run):
    async def scenario(it):
        await make(it)
        for _ in range(20):
            await it.send(*(b"held",) * 100)
            await it.receive(100)
        await it.send(*(b"soon",) * 25, delay_s=1_000, priority=9)
        await it.send(*(b"delayed",) * 25, delay_s=900)
        await it.advance(0)
        it.clock.advance(899_000)

        codes = await move(it, *range(2_001, 2_051))

        assert codes == ["MessageNotReady"] * 50

    run(scenario)


def test_call_that_is_repeated_under_its_request_id_moves_nothing_twice(run):
    async def scenario(it):
        await make(it)
        await it.send(b"a")

        first = await move(it, 1, 2, request_id="5b4d4b1a-4a57-4bd5-9a3a-5f7a0f6f6c11")
        again = await move(it, 1, 2, request_id="5b4d4b1a-4a57-4bd5-9a3a-5f7a0f6f6c11")

        assert first == again == ["", "MessageNotThere"]
        assert await it.counts("other") == (1, 0, 0)

    run(scenario)


def test_receiver_who_waits_at_the_other_queue_gets_what_is_moved_there(run, settle):
    async def scenario(it):
        await make(it)
        await it.send(b"a")
        waiting = asyncio.ensure_future(it.receive(1, "other", wait_s=20))
        await settle()
        assert not waiting.done()

        await move(it, 1)

        assert [one.body for one in await waiting] == [b"a"]

    run(scenario)


def test_receiver_who_waits_for_room_among_messages_in_flight_gets_the_next_one(run, settle):
    async def scenario(it):
        await make(it)
        it.service.desk.in_flight_max = 1
        await it.send(b"a", b"b")
        (held,) = await it.receive(1)
        waiting = asyncio.ensure_future(it.receive(1, wait_s=20))
        await settle()
        assert not waiting.done()

        await move(it, held.receipt_handle)

        assert [one.body for one in await waiting] == [b"b"]

    run(scenario)


def test_delay_of_the_other_queue_applies(run):
    async def scenario(it):
        await it.create()
        await it.create("other", delay_s=10)
        await it.send(b"a")

        await move(it, 1)

        assert await it.counts("other") == (0, 0, 1)
        await it.advance(10)
        assert [one.body for one in await it.receive(1, "other")] == [b"a"]

    run(scenario)


@pytest.mark.parametrize(
    ("source", "to", "count", "code"),
    [
        ("jobs", "jobs", 1, "InvalidParameterValue"),
        ("jobs", "jobs.fifo", 1, "InvalidParameterValue"),
        ("jobs", "nobody", 1, "QueueDoesNotExist"),
        ("nobody", "jobs", 1, "QueueDoesNotExist"),
        ("jobs", "other", 0, "EmptyBatchRequest"),
        ("jobs", "other", 51, "TooManyEntriesInBatchRequest"),
    ],
)
def test_call_that_cannot_be_made_is_refused(run, source, to, count, code):
    async def scenario(it):
        await make(it)
        await it.create("jobs.fifo")
        await it.send(b"a")

        with pytest.raises(ServiceError) as refused:
            await move(it, *range(1, count + 1), source=source, to=to)

        assert refused.value.row.code == code
        assert await it.counts() == (1, 0, 0)

    run(scenario)


def test_caller_needs_to_receive_and_delete_here_and_to_send_there(run):
    async def deny(it, name, action):
        resource = f"arn:aws:sqs:us-east-1:{FIRST_ACCOUNT}:{name}"
        statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]}) if action else ""
        await it.update(name, policy=policy)

    async def scenario(it):
        await make(it)
        await it.send(b"a")
        for name, action in (
            ("jobs", "sqs:ReceiveMessage"),
            ("jobs", "sqs:DeleteMessage"),
            ("other", "sqs:SendMessage"),
        ):
            await deny(it, name, action)
            with pytest.raises(ServiceError) as refused:
                await move(it, 1)
            assert refused.value.row.code == "AccessDenied"
            await deny(it, name, "")

        assert await move(it, 1) == [""]

    run(scenario)
