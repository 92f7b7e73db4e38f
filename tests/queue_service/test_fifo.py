"""FIFO queues: order, groups and what blocks them, deduplication, receipts, attempts, redrive, retention and purge."""

import asyncio

import pytest

from cumulo.core.errors import ServiceError
from cumulo.queue_service import invariants, message_model, model
from cumulo.queue_service.fifo_keys import fifo_layout
from cumulo.storage.engine import rows_under

QUEUE = "jobs.fifo"


async def refusal(work) -> str:
    """The message of a refusal."""
    with pytest.raises(ServiceError) as refused:
        await work
    return refused.value.message


async def send(it, *bodies, group="g", queue=QUEUE, **more):
    """Send messages to a group, each with its body for deduplication id unless another is given."""
    entries = tuple(
        message_model.SendEntry(body, group_id=group, deduplication_id=more.get("id", body.decode())) for body in bodies
    )
    return list(await it.call("BatchSendMessages", message_model.SendMessages(queue=queue, entries=entries)))


async def bodies(it, count=10, queue=QUEUE, **more):
    return [message.body for message in await it.receive(count, queue=queue, **more)]


def on_a_fifo_queue(run, scenario, **attributes):
    async def made(it):
        await it.create(QUEUE, **attributes)
        await scenario(it)

    run(made)


# Order and groups


def test_receive_is_filled_from_one_group_in_order_before_the_next(run):
    async def scenario(it):
        await send(it, b"a1", group="a")
        await send(it, b"b1", group="b")
        await send(it, b"a2", b"a3", group="a")

        assert await bodies(it) == [b"a1", b"a2", b"a3", b"b1"]

    on_a_fifo_queue(run, scenario)


def test_group_with_a_message_in_flight_is_blocked_and_others_are_not(run):
    async def scenario(it):
        await send(it, b"a1", b"a2", group="a")
        await send(it, b"b1", group="b")

        assert await bodies(it, 1) == [b"a1"]
        assert await bodies(it) == [b"b1"]
        assert await bodies(it) == []
        assert await it.counts(QUEUE) == (1, 2, 0)

    on_a_fifo_queue(run, scenario)


def test_delete_of_what_is_in_flight_releases_the_group(run):
    async def scenario(it):
        await send(it, b"1", b"2", b"3")
        first = await it.receive(2, queue=QUEUE)

        await it.delete(first[0].receipt_handle, QUEUE)
        assert await bodies(it) == []
        await it.delete(first[1].receipt_handle, QUEUE)

        assert await bodies(it) == [b"3"]

    on_a_fifo_queue(run, scenario)


def test_delete_of_a_later_message_leaves_the_group_blocked_by_the_first(run):
    async def scenario(it):
        await send(it, b"1", b"2", b"3")
        first = await it.receive(2, queue=QUEUE)

        await it.delete(first[1].receipt_handle, QUEUE)

        assert await bodies(it) == []
        await it.delete(first[0].receipt_handle, QUEUE)
        assert await bodies(it) == [b"3"]

    on_a_fifo_queue(run, scenario)


def test_message_that_is_given_back_is_received_again_up_to_the_next_in_flight(run):
    async def scenario(it):
        await send(it, b"a1", b"a2", b"a3", group="a")
        await send(it, b"b1", group="b")
        first = await it.receive(2, queue=QUEUE)

        await it.hold(first[0].receipt_handle, 0, QUEUE)

        assert await bodies(it) == [b"b1", b"a1"]

    on_a_fifo_queue(run, scenario)


@pytest.mark.parametrize(("held", "expected"), [(0, []), (1, [b"1"]), (2, [b"1", b"2"])])
def test_message_held_longer_blocks_those_behind_it_alone(run, held, expected):
    async def scenario(it):
        await send(it, b"1", b"2", b"3")
        received = await it.receive(3, queue=QUEUE, visibility_timeout_s=10)

        await it.hold(received[held].receipt_handle, 60, QUEUE)
        await it.advance(11)

        assert await bodies(it) == expected

    on_a_fifo_queue(run, scenario)


def test_group_comes_back_in_order_behind_the_others_when_its_timeout_ends(run):
    async def scenario(it):
        await send(it, b"a1", b"a2", group="a")
        await bodies(it, visibility_timeout_s=10)
        await send(it, b"b1", group="b")

        await it.advance(10)

        assert await bodies(it) == [b"b1", b"a1", b"a2"]

    on_a_fifo_queue(run, scenario)


def test_messages_of_a_receive_without_a_timeout_are_there_at_once(run):
    async def scenario(it):
        await send(it, b"a1", group="a")
        await send(it, b"b1", b"b2", group="b")
        await send(it, b"c1", group="c")

        assert await bodies(it, 2, visibility_timeout_s=0) == [b"a1", b"b1"]
        assert await bodies(it) == [b"c1", b"a1", b"b1", b"b2"]

    on_a_fifo_queue(run, scenario)


def test_two_receivers_who_wait_never_get_one_group(run, settle):
    async def scenario(it):
        waits = [asyncio.create_task(it.receive(1, queue=QUEUE, wait_s=20)) for _ in range(3)]
        while it.service.parked < 3:
            await settle()

        await send(it, b"a1", b"a2", group="a")
        await send(it, b"b1", group="b")

        assert [[message.body for message in await wait] for wait in waits[:2]] == [[b"a1"], [b"b1"]]
        await settle()
        assert not waits[2].done()
        waits[2].cancel()

    on_a_fifo_queue(run, scenario)


@pytest.mark.parametrize("how", ["delete", "give back", "expiry"])
def test_receiver_who_waits_is_woken_when_a_blocked_group_is_released(run, settle, how):
    async def scenario(it):
        await send(it, b"1", b"2")
        held = (await it.receive(1, queue=QUEUE, visibility_timeout_s=10))[0].receipt_handle
        wait = asyncio.create_task(it.receive(1, queue=QUEUE, wait_s=20))
        await settle()

        if how == "delete":
            await it.delete(held, QUEUE)
        elif how == "give back":
            await it.hold(held, 0, QUEUE)
        else:
            await it.advance(10)

        assert [message.body for message in await wait] == [b"2" if how == "delete" else b"1"]

    on_a_fifo_queue(run, scenario)


def test_large_batch_of_groups_is_received_whole_over_several_receives(run):
    async def scenario(it):
        for number in range(3):
            entries = tuple(
                message_model.SendEntry(
                    b"%d" % (number * 100 + index), group_id=f"g{number * 100 + index}", deduplication_id="d"
                )
                for index in range(100)
            )
            await it.call("BatchSendMessages", message_model.SendMessages(queue=QUEUE, entries=entries))

        received = []
        while got := await bodies(it, 100):
            received += got

        assert received == [b"%d" % number for number in range(300)]

    on_a_fifo_queue(run, scenario, deduplication_scope="messageGroup")


# Names and parameters


def test_name_decides_the_kind_of_a_queue(run):
    async def scenario(it):
        made = await it.create(QUEUE)

        assert made.fifo
        assert (made.deduplication_scope, made.fifo_throughput_limit) == ("queue", "perQueue")
        assert not (await it.create("jobs")).fifo
        for name in (".fifo", "a.fif", "a.b.fifo", "a" * 76 + ".fifo"):
            assert "a queue name has" in await refusal(it.create(name))
        await it.create("a" * 75 + ".fifo")

    run(scenario)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"deduplication_scope": "group"}, "one of queue, messageGroup"),
        ({"fifo_throughput_limit": "none"}, "one of perQueue, perMessageGroupId"),
        ({"fifo_throughput_limit": "perMessageGroupId"}, "allowed only when the value for DeduplicationScope"),
        ({"deduplication_scope": "queue", "fifo_throughput_limit": "perMessageGroupId"}, "allowed only when"),
    ],
)
def test_attribute_that_breaks_a_rule_is_refused(run, attributes, words):
    async def scenario(it):
        assert words in await refusal(it.create(QUEUE, **attributes))
        await it.create(QUEUE)
        assert words in await refusal(it.update(QUEUE, **attributes))

    run(scenario)


def test_scope_stays_with_a_throughput_limit_that_needs_it(run):
    async def scenario(it):
        assert "allowed only when" in await refusal(it.update(QUEUE, deduplication_scope="queue"))

        updated = await it.update(QUEUE, deduplication_scope="queue", fifo_throughput_limit="perQueue")

        assert (updated.deduplication_scope, updated.fifo_throughput_limit) == ("queue", "perQueue")

    on_a_fifo_queue(run, scenario, deduplication_scope="messageGroup", fifo_throughput_limit="perMessageGroupId")


def test_fifo_attributes_and_parameters_are_refused_on_a_standard_queue(run):
    async def scenario(it):
        await it.create()

        assert "it is for FIFO queues" in await refusal(it.update(content_based_deduplication=True))
        (result,) = await it.send(b"x", group_id="g", deduplication_id="d")
        assert "not valid for this queue type" in result.message
        assert "not valid for this queue type" in await refusal(it.receive(attempt_id="a"))

    run(scenario)


def test_message_without_a_group_refuses_the_batch(run):
    async def scenario(it):
        entries = (
            message_model.SendEntry(b"1", group_id="g", deduplication_id="1"),
            message_model.SendEntry(b"2", deduplication_id="2"),
        )

        assert "group_id" in await refusal(
            it.call("BatchSendMessages", message_model.SendMessages(queue=QUEUE, entries=entries))
        )
        assert await it.counts(QUEUE) == (0, 0, 0)

    on_a_fifo_queue(run, scenario)


def test_message_without_a_deduplication_id_refuses_the_batch(run):
    async def scenario(it):
        entries = (
            message_model.SendEntry(b"1", group_id="g", deduplication_id="1"),
            message_model.SendEntry(b"2", group_id="g"),
        )

        refused = await refusal(it.call("BatchSendMessages", message_model.SendMessages(queue=QUEUE, entries=entries)))

        assert refused.startswith("The queue should either have ContentBasedDeduplication enabled")
        assert await it.counts(QUEUE) == (0, 0, 0)

    on_a_fifo_queue(run, scenario)


@pytest.mark.parametrize("value", ["", "a b", "a" * 129, "ä", "a\n"])
@pytest.mark.parametrize("name", ["group_id", "deduplication_id"])
def test_id_of_other_characters_is_refused(run, name, value):
    async def scenario(it):
        entry = message_model.SendEntry(b"x", **({"group_id": "g", "deduplication_id": "d"} | {name: value}))

        refused = await refusal(it.call("SendMessage", message_model.SendMessages(queue=QUEUE, entries=(entry,))))

        assert "alphanumeric and punctuation characters" in refused

    on_a_fifo_queue(run, scenario)


def test_delay_of_a_message_is_refused_and_none_means_the_queue_s(run):
    async def scenario(it):
        delayed, at_once = (
            message_model.SendEntry(b"x", delay_s=delay_s, group_id="g", deduplication_id=f"{delay_s}")
            for delay_s in (1, 0)
        )

        refused = await refusal(it.call("SendMessage", message_model.SendMessages(queue=QUEUE, entries=(delayed,))))
        assert refused == (
            "Value 1 for parameter delay_s is invalid. Reason: The request include parameter that is not valid for this"
            " queue type."
        )
        await it.call("SendMessage", message_model.SendMessages(queue=QUEUE, entries=(at_once,)))
        assert await it.counts(QUEUE) == (0, 0, 1)

    on_a_fifo_queue(run, scenario, delay_s=5)


def test_delay_of_the_queue_holds_messages_back_and_a_new_one_those_that_wait_already(run):
    async def scenario(it):
        await send(it, b"1", b"2")
        await it.advance(5)
        assert await bodies(it) == []

        await it.update(QUEUE, delay_s=20)
        await it.advance(5)
        assert await bodies(it) == []
        await it.update(QUEUE, delay_s=8)
        await it.advance(0)

        assert await it.counts(QUEUE) == (2, 0, 0)
        assert await bodies(it) == [b"1", b"2"]

    on_a_fifo_queue(run, scenario, delay_s=10)


def test_shorter_delay_that_has_ended_already_makes_ready_at_once(run):
    async def scenario(it):
        await send(it, b"1")
        it.clock.advance(2)

        await it.update(QUEUE, delay_s=0)

        assert await it.problems() == []
        assert await bodies(it) == [b"1"]

    on_a_fifo_queue(run, scenario, delay_s=10)


# Deduplication


def test_duplicate_is_not_stored_and_answers_the_first_message(run):
    async def scenario(it):
        first, other, again = await send(it, b"1", b"2", b"1")
        late = (await send(it, b"another body", id="1"))[0]

        assert (again.message_id, again.sequence_number) == (first.message_id, first.sequence_number)
        assert (late.message_id, late.sequence_number) == (first.message_id, first.sequence_number)
        assert late.md5_of_body != first.md5_of_body
        assert other.message_id != first.message_id
        assert await bodies(it) == [b"1", b"2"]

    on_a_fifo_queue(run, scenario)


def test_window_outlives_delete_and_restart_and_ends_after_five_minutes(run):
    async def scenario(it):
        first = (await send(it, b"1"))[0]
        await it.delete((await it.receive(queue=QUEUE))[0].receipt_handle, QUEUE)
        await it.restart()

        await it.advance(299.999)
        assert (await send(it, b"1"))[0].message_id == first.message_id
        assert await bodies(it) == []
        await it.advance(0.001)

        assert (await send(it, b"1"))[0].message_id != first.message_id
        assert await bodies(it) == [b"1"]

    on_a_fifo_queue(run, scenario)


def test_purge_ends_messages_and_windows(run):
    async def scenario(it):
        first = (await send(it, b"1", b"2"))[0]
        await it.receive(1, queue=QUEUE)

        await it.purge(QUEUE)

        assert await it.counts(QUEUE) == (0, 0, 0)
        again = (await send(it, b"1"))[0]
        assert int(again.sequence_number) > int(first.sequence_number)
        assert await bodies(it) == [b"1"]
        await it.advance(400)

    on_a_fifo_queue(run, scenario)


@pytest.mark.parametrize(("scope", "stored"), [("queue", 1), ("messageGroup", 2)])
def test_id_is_unique_in_its_scope(run, scope, stored):
    async def scenario(it):
        await send(it, b"x", group="a")
        await send(it, b"x", group="b")

        assert await it.counts(QUEUE) == (stored, 0, 0)

    on_a_fifo_queue(run, scenario, deduplication_scope=scope)


def test_new_scope_is_in_force_after_a_minute(run):
    async def scenario(it):
        await it.update(QUEUE, deduplication_scope="messageGroup")
        await send(it, b"x", group="a")
        await send(it, b"x", group="b")
        assert await it.counts(QUEUE) == (1, 0, 0)

        await it.advance(60)
        await send(it, b"y", group="a")
        await send(it, b"y", group="b")

        assert await it.counts(QUEUE) == (3, 0, 0)

    on_a_fifo_queue(run, scenario)


def test_content_is_the_id_where_none_is_given(run):
    async def scenario(it):
        entries = tuple(message_model.SendEntry(body, group_id="g") for body in (b"1", b"2", b"1"))

        await it.call("BatchSendMessages", message_model.SendMessages(queue=QUEUE, entries=entries))

        received = await it.receive(queue=QUEUE)
        assert [message.body for message in received] == [b"1", b"2"]
        assert received[0].deduplication_id == "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"

    on_a_fifo_queue(run, scenario, content_based_deduplication=True)


def test_ids_that_have_ended_are_forgotten(run):
    async def scenario(it):
        await send(it, *(b"%d" % number for number in range(90)))
        await it.advance(1)
        await send(it, b"later")
        assert await it.engine.inspect(windows, None) == 182

        await it.advance(300)
        assert await it.engine.inspect(windows, None) <= 2
        await it.advance(2)

        assert await it.engine.inspect(windows, None) == 0

    on_a_fifo_queue(run, scenario)


def windows(txn, _):
    """The number of rows about windows of the only queue."""
    (partition,) = invariants.partitions(txn)
    content = fifo_layout(partition, 1).content
    return sum(len(list(rows_under(txn, content + letter))) for letter in (b"k", b"e"))


def test_repeated_request_answers_as_the_first_did(run):
    async def scenario(it):
        await send(it, b"1")
        entries = tuple(
            message_model.SendEntry(body, group_id="g", deduplication_id=body.decode()) for body in (b"1", b"2", b"3")
        )
        request = message_model.SendMessages(queue=QUEUE, entries=entries, request_id="once")

        first = await it.call("BatchSendMessages", request)

        assert await it.call("BatchSendMessages", request) == first
        await it.advance(400)
        assert await it.call("BatchSendMessages", request) == first
        assert await it.counts(QUEUE) == (3, 0, 0)

    on_a_fifo_queue(run, scenario)


def test_more_entries_than_can_be_remembered_are_refused_under_a_request_id(run):
    async def scenario(it):
        duplicates = tuple(message_model.SendEntry(b"x", group_id="g", deduplication_id="d") for _ in range(33))

        assert "32" in await refusal(
            it.call("BatchSendMessages", message_model.SendMessages(queue=QUEUE, entries=duplicates, request_id="r"))
        )
        await it.call(
            "BatchSendMessages", message_model.SendMessages(queue=QUEUE, entries=duplicates[:32], request_id="r")
        )
        assert await it.counts(QUEUE) == (1, 0, 0)

    on_a_fifo_queue(run, scenario)


def test_sequence_numbers_have_twenty_digits_and_rise(run):
    async def scenario(it):
        sent = [*await send(it, b"1", group="a"), *await send(it, b"2", b"3", group="b")]
        numbers = [it.sequence_number for it in sent]

        received = await it.receive(queue=QUEUE)

        assert numbers == sorted(set(numbers))
        assert {len(number) for number in numbers} == {20}
        assert [(one.group_id, one.deduplication_id, one.sequence_number) for one in received] == [
            ("a", "1", numbers[0]),
            ("b", "2", numbers[1]),
            ("b", "3", numbers[2]),
        ]

    on_a_fifo_queue(run, scenario)


# Receipts and attempts


@pytest.mark.parametrize("again", [False, True])
def test_receipt_of_a_receive_that_is_over_has_expired(run, again):
    async def scenario(it):
        await send(it, b"1")
        handle = (await it.receive(queue=QUEUE, visibility_timeout_s=10))[0].receipt_handle

        await it.advance(10)
        if again:
            assert await bodies(it) == [b"1"]

        assert await refusal(it.delete(handle, QUEUE)) == "The receipt handle has expired."
        assert await refusal(it.hold(handle, 5, QUEUE)) == "The receipt handle has expired."

    on_a_fifo_queue(run, scenario)


def test_receipt_expires_in_time_though_the_timers_are_behind(run):
    async def scenario(it):
        await send(it, b"1")
        handle = (await it.receive(queue=QUEUE, visibility_timeout_s=10))[0].receipt_handle

        it.clock.advance(10_000)

        assert await refusal(it.delete(handle, QUEUE)) == "The receipt handle has expired."

    on_a_fifo_queue(run, scenario)


def test_message_that_is_gone_is_deleted_again_without_complaint(run):
    async def scenario(it):
        await send(it, b"1")
        handle = (await it.receive(queue=QUEUE))[0].receipt_handle

        await it.delete(handle, QUEUE)
        await it.delete(handle, QUEUE)

        assert "does not exist" in await refusal(it.hold(handle, 5, QUEUE))

    on_a_fifo_queue(run, scenario)


def test_visibility_is_not_extended_beyond_twelve_hours(run):
    async def scenario(it):
        await send(it, b"1")
        handle = (await it.receive(queue=QUEUE))[0].receipt_handle
        await it.advance(1)

        assert "beyond the limit" in await refusal(it.hold(handle, 43_200, QUEUE))
        await it.hold(handle, 43_199, QUEUE)

    on_a_fifo_queue(run, scenario)


def test_attempt_is_answered_again_and_holds_its_messages_anew(run):
    async def scenario(it):
        await send(it, b"1", b"2", b"3")
        first = await it.receive(2, queue=QUEUE, attempt_id="try", visibility_timeout_s=30)
        await it.restart()
        await it.advance(20)

        again = await it.receive(2, queue=QUEUE, attempt_id="try", visibility_timeout_s=30, wait_s=1)

        assert [(one.body, one.receipt_handle, one.receive_count) for one in again] == [
            (one.body, one.receipt_handle, 1) for one in first
        ]
        await it.advance(20)
        await it.delete(again[0].receipt_handle, QUEUE)
        assert await bodies(it, attempt_id="other") == []

    on_a_fifo_queue(run, scenario)


@pytest.mark.parametrize("change", ["delete", "hold", "give back", "expire", "five minutes"])
def test_attempt_is_not_answered_again_once_something_changed(run, change):
    async def scenario(it):
        await send(it, b"a1", b"a2", group="a")
        await send(it, b"b1", group="b")
        timeout_s = 10 if change == "expire" else 600
        first = await it.receive(2, queue=QUEUE, attempt_id="try", visibility_timeout_s=timeout_s)

        if change == "delete":
            await it.delete(first[0].receipt_handle, QUEUE)
        elif change == "expire":
            await it.advance(10)
        elif change == "five minutes":
            await it.advance(300)
        else:
            await it.hold(first[0].receipt_handle, 0 if change == "give back" else 60, QUEUE)

        expected = [b"b1", b"a1", b"a2"] if change == "expire" else [b"b1", *[b"a1"] * (change == "give back")]
        assert await bodies(it, attempt_id="try") == expected

    on_a_fifo_queue(run, scenario)


# Redrive, retention, removal


def test_dead_letter_queue_is_of_the_same_kind(run):
    async def scenario(it):
        await it.create("dead")
        await it.create("dead.fifo")

        for queue, dead in ((QUEUE, "dead"), ("jobs", "dead.fifo")):
            refused = await refusal(it.create(queue, dead_letter_policy=model.DeadLetterPolicy(dead, 1)))
            assert "Dead-letter queue must be same type of queue as the source" in refused

    run(scenario)


def test_messages_move_to_the_dead_letter_queue_in_order_and_are_kept_anew(run):
    async def scenario(it):
        await it.create("dead.fifo", message_retention_s=100)
        await it.create(QUEUE, dead_letter_policy=model.DeadLetterPolicy("dead.fifo", 1))
        sent = await send(it, b"1", b"2", b"3")
        assert await bodies(it, visibility_timeout_s=10) == [b"1", b"2", b"3"]
        await it.advance(70)

        assert await bodies(it) == []

        assert await it.counts(QUEUE) == (0, 0, 0)
        await it.advance(70)
        moved = await it.receive(queue="dead.fifo", visibility_timeout_s=0)
        assert [(one.body, one.group_id, one.receive_count) for one in moved] == [
            (b"1", "g", 2),
            (b"2", "g", 2),
            (b"3", "g", 2),
        ]
        assert [one.deduplication_id for one in moved] == [one.message_id for one in sent]
        assert {one.dead_letter_source_arn for one in moved} == {model.queue_arn("000000000000", "us-east-1", QUEUE)}
        await it.advance(31)
        assert await it.counts("dead.fifo") == (0, 0, 0)
        await send(it, b"4")
        assert await bodies(it) == [b"4"]

    run(scenario)


def test_many_messages_move_to_the_dead_letter_queue_in_slices(run):
    async def scenario(it):
        await it.create("dead.fifo")
        await it.create(QUEUE, dead_letter_policy=model.DeadLetterPolicy("dead.fifo", 1))
        names = [b"%d" % number for number in range(70)]
        await send(it, *names)
        assert await bodies(it, 70, visibility_timeout_s=0) == names

        assert await bodies(it, 70) == []

        assert await bodies(it, 70, queue="dead.fifo") == names

    run(scenario)


def test_messages_are_deleted_at_their_retention_period_wherever_they_stand(run):
    async def scenario(it):
        await send(it, b"a1", b"a2", group="a")
        large = message_model.SendEntry(b"x" * 200_000, group_id="b", deduplication_id="large")
        await it.call("SendMessage", message_model.SendMessages(queue=QUEUE, entries=(large,)))
        await it.advance(30)
        await send(it, b"a3", group="a")
        held = await it.receive(1, queue=QUEUE, visibility_timeout_s=600)

        await it.advance(30)

        assert await it.counts(QUEUE) == (1, 0, 0)
        await it.delete(held[0].receipt_handle, QUEUE)
        assert await bodies(it) == [b"a3"]
        await it.advance(30)
        assert await it.counts(QUEUE) == (0, 0, 0)

    on_a_fifo_queue(run, scenario, message_retention_s=60)


def test_shorter_retention_is_in_force_at_once(run):
    async def scenario(it):
        await send(it, *(b"%d" % number for number in range(100)))
        await it.receive(1, queue=QUEUE, visibility_timeout_s=600)
        await it.advance(61)

        await it.update(QUEUE, message_retention_s=60)
        await it.advance(0)

        assert await it.counts(QUEUE) == (0, 0, 0)

    on_a_fifo_queue(run, scenario)


def test_deleted_queue_leaves_nothing_behind(run):
    async def scenario(it):
        await it.create(QUEUE)
        await send(it, b"1", b"2")
        await it.receive(1, queue=QUEUE, attempt_id="try")

        await it.remove(QUEUE)
        await it.advance(1)

        assert await it.engine.take_due(1 << 62, 10) == []
        await it.create(QUEUE)
        assert (await send(it, b"1"))[0].sequence_number

    run(scenario)


def test_receive_beyond_the_limit_in_flight_is_empty_and_goes_on_after_a_delete(run, settle):
    async def scenario(it):
        it.service.desk.in_flight_max = 2
        for group in "abc":
            await send(it, group.encode(), group=group)
        received = await it.receive(queue=QUEUE)
        assert [message.body for message in received] == [b"a", b"b"]
        assert await bodies(it) == []
        wait = asyncio.create_task(it.receive(queue=QUEUE, wait_s=20))
        await settle()

        await it.delete(received[0].receipt_handle, QUEUE)

        assert [message.body for message in await wait] == [b"c"]

    on_a_fifo_queue(run, scenario)
