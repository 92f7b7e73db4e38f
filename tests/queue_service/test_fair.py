"""Fair queues: message groups on a standard queue, noisy and quiet ones, and everything else that a message lives."""

import asyncio

import pytest

from cumulo.core.clocks import ManualClock
from cumulo.core.errors import ServiceError
from cumulo.queue_service import fair, message_model, model, move_model

MINUTE_S = 60


async def refusal(work):
    with pytest.raises(ServiceError) as caught:
        await work
    return caught.value.message


async def take(stand, count, **more):
    """Receive so many, in tens: groups and bodies in their order."""
    taken: list[message_model.Message] = []
    while len(taken) < count:
        messages = await stand.receive(min(10, count - len(taken)), **more)
        if not messages:
            break
        taken += messages
    return taken


async def send(stand, group, count, queue="jobs", **more):
    for first in range(0, count, 100):
        bodies = [b"%s-%d" % ((group or "-").encode(), place) for place in range(first, min(first + 100, count))]
        await stand.send(*bodies, queue=queue, group_id=group, **more)


async def make_noisy(stand, group="loud", backlog=50):
    """Let a group have 30 messages in flight, and a backlog."""
    await send(stand, group, 30 + backlog)
    return await take(stand, 30)


def groups_of(messages):
    return [it.group_id for it in messages]


async def fairness(stand, queue="jobs"):
    return (await stand.queue(queue)).fairness


def on_a_queue(run, scenario, **attributes):
    async def go(it):
        await it.create(**attributes)
        await scenario(it)

    run(go)


def test_group_is_shown_at_receive_and_has_no_sequence_number(run):
    async def scenario(it):
        await it.send(b"x", group_id="tenant-1")

        (message,) = await it.receive()

        assert (message.group_id, message.deduplication_id, message.sequence_number) == ("tenant-1", "", "")

    on_a_queue(run, scenario)


@pytest.mark.parametrize("group", ["", "two words", "ä", "x" * 129])
def test_group_that_breaks_the_rule_is_refused_alone(run, group):
    async def scenario(it):
        (result,) = await it.send(b"x", group_id=group)

        assert "alphanumeric and punctuation" in result.message
        assert await it.counts() == (0, 0, 0)

    on_a_queue(run, scenario)


def test_messages_of_quiet_groups_and_of_none_come_in_the_order_of_their_sending(run):
    async def scenario(it):
        for group, body in (("a", b"1"), (None, b"2"), ("b", b"3"), ("a", b"4"), (None, b"5")):
            await it.send(body, group_id=group)

        assert [message.body for message in await it.receive()] == [b"1", b"2", b"3", b"4", b"5"]

    on_a_queue(run, scenario)


def test_quiet_group_overtakes_the_backlog_of_a_noisy_one(run):
    async def scenario(it):
        await make_noisy(it)
        await send(it, "quiet", 2)
        await send(it, None, 1)

        received = await it.receive(5)

        assert groups_of(received) == ["quiet", "quiet", "", "loud", "loud"]
        assert (await fairness(it)).noisy_groups == 1

    on_a_queue(run, scenario)


def test_group_is_noisy_from_its_thirtieth_message_in_flight_on(run):
    async def scenario(it):
        await send(it, "a", 60)
        await take(it, 29)
        await send(it, "b", 1)

        assert (await fairness(it)).noisy_groups == 0
        assert groups_of(await it.receive(3)) == ["a", "b", "a"]

    on_a_queue(run, scenario)


def test_group_with_a_tenth_of_the_messages_in_flight_is_not_noisy(run):
    async def scenario(it):
        for place in range(270):
            await it.send(b"x", group_id=f"t{place}")
        await take(it, 270)
        await send(it, "a", 40)
        await take(it, 30)
        await send(it, "b", 1)

        assert groups_of(await it.receive(1)) == ["a"]
        assert (await fairness(it)).noisy_groups == 1

        assert groups_of(await it.receive(1)) == ["b"]

    on_a_queue(run, scenario)


def test_group_that_takes_more_than_a_tenth_of_the_time_lately_is_noisy(run):
    async def scenario(it):
        for place in range(20):
            await it.send(b"quick", group_id=f"t{place}")
        quick = await take(it, 20)
        await it.send(b"1", b"2", b"3", b"4", group_id="slow")
        slow = await it.receive(3)
        await it.advance(1)
        for message in quick:
            await it.delete(message.receipt_handle)
        await it.advance(3)
        await it.send(b"late", group_id="t1")

        assert len(slow) == 3
        assert groups_of(await it.receive(1)) == ["t1"]
        assert groups_of(await it.receive(1)) == ["slow"]

    on_a_queue(run, scenario)


def test_time_in_flight_counts_for_two_minutes(run):
    async def scenario(it):
        await it.send(b"1", group_id="slow")
        (message,) = await it.receive()
        await it.advance(20)
        await it.delete(message.receipt_handle)

        await it.send(b"2", group_id="slow")
        assert (await fairness(it)).noisy_groups == 1

        await it.purge()
        await it.send(b"1", group_id="slow")
        (message,) = await it.receive()
        await it.advance(20)
        await it.delete(message.receipt_handle)
        await it.advance(2 * MINUTE_S)

        await it.send(b"2", group_id="slow")
        assert (await fairness(it)).noisy_groups == 0

    on_a_queue(run, scenario)


def test_noisy_group_with_the_fewest_in_flight_comes_first(run):
    async def scenario(it):
        await send(it, "a", 60)
        first = await take(it, 40)
        await send(it, "b", 60)
        await it.receive(1)
        await take(it, 34, visibility_timeout_s=600)
        assert (await fairness(it)).noisy_groups == 2

        received = await it.receive(10)

        assert groups_of(received) == ["b", "b", "b", "b", "b", "a", "b", "a", "b", "a"]
        assert len(first) == 40

    on_a_queue(run, scenario)


def test_group_is_quiet_again_once_nothing_of_it_waits(run):
    async def scenario(it):
        await make_noisy(it, backlog=5)
        await send(it, "b", 1)
        assert (await fairness(it)).noisy_groups == 1

        await take(it, 6)

        assert (await fairness(it)) == model.Fairness(
            noisy_groups=0, message_count=0, in_flight_count=36, delayed_count=0, oldest_age_s=0
        )

    on_a_queue(run, scenario)


def test_group_is_quiet_again_five_minutes_after_its_last_message(run):
    async def scenario(it):
        held = await make_noisy(it)
        await it.advance(4 * MINUTE_S)
        await it.send(b"one more", group_id="loud")
        await it.advance(4 * MINUTE_S)
        await send(it, "quiet", 1)
        assert (await fairness(it)).noisy_groups == 1
        assert groups_of(await it.receive(1)) == ["quiet"]

        await it.advance(MINUTE_S)
        await send(it, "quiet", 1)

        assert (await fairness(it)).noisy_groups == 0
        assert groups_of(await it.receive(1)) == ["loud"]
        assert len(held) == 30

    on_a_queue(run, scenario, visibility_timeout_s=3_600)


def test_receive_finds_a_group_quiet_before_any_timer_did(run):
    async def scenario(it):
        await make_noisy(it)
        await it.send(b"x", group_id="quiet")
        it.clock.advance(fair.QUIET_AFTER_MS)

        assert groups_of(await it.receive(1)) == ["loud"]

    on_a_queue(run, scenario, visibility_timeout_s=3_600)


def test_priority_counts_more_than_quiet(run):
    async def scenario(it):
        await make_noisy(it)
        await it.send(b"x", group_id="quiet")
        await it.send(b"now", group_id="loud", priority=9)
        await it.send(b"later", group_id="quiet", priority=0)

        received = await it.receive(3)

        assert [(message.group_id, message.body) for message in received[:2]] == [("loud", b"now"), ("quiet", b"x")]
        assert received[2].group_id == "loud"

    on_a_queue(run, scenario)


def test_scheduled_message_of_a_noisy_group_waits_for_quiet_ones_of_its_priority(run):
    async def scenario(it):
        await make_noisy(it)
        await it.send(b"due", group_id="loud", deliver_at_ms=it.clock.wall_ms() + 5_000)
        await it.advance(5)
        await it.send(b"x", group_id="quiet")

        received = await it.receive(2)

        assert [message.body for message in received] == [b"x", b"due"]

    on_a_queue(run, scenario)


def test_figures_leave_out_what_noisy_groups_have(run):
    async def scenario(it):
        await make_noisy(it, backlog=7)
        await it.send(b"x", group_id="loud", delay_s=5)
        it.clock.advance(1_000)
        await it.send(b"1", b"2", group_id="quiet")
        await it.send(b"3")
        await it.send(b"4", group_id="quiet", delay_s=5)
        (first,) = await it.receive(1)
        assert first.body == b"1"
        it.clock.advance(2_000)

        assert await fairness(it) == model.Fairness(
            noisy_groups=1, message_count=2, in_flight_count=1, delayed_count=1, oldest_age_s=2
        )
        assert await it.counts() == (9, 31, 2)

    on_a_queue(run, scenario)


def test_noisy_groups_survive_a_restart(run):
    async def scenario(it):
        await make_noisy(it)
        await send(it, "quiet", 1)

        await it.restart()

        assert (await fairness(it)).noisy_groups == 1
        assert groups_of(await it.receive(2)) == ["quiet", "loud"]

    on_a_queue(run, scenario)


def test_receipt_deletes_after_its_timeout_and_takes_the_message_back(run):
    async def scenario(it):
        await it.send(b"1", b"2", group_id="a")
        first, second = await it.receive(2, visibility_timeout_s=1)
        await it.advance(1)
        assert await it.counts() == (2, 0, 0)

        await it.delete(first.receipt_handle)
        await it.hold(second.receipt_handle, 60)

        assert await it.counts() == (0, 1, 0)
        await it.advance(60)
        (again,) = await it.receive(visibility_timeout_s=0)
        assert (again.body, again.receive_count) == (b"2", 2)

    on_a_queue(run, scenario)


def test_receipt_of_an_earlier_receive_is_refused(run):
    async def scenario(it):
        await it.send(b"1", group_id="a")
        (first,) = await it.receive(visibility_timeout_s=0)
        await it.receive()

        assert "receipt handle" in (await refusal(it.delete(first.receipt_handle))).lower()

    on_a_queue(run, scenario)


def test_group_goes_with_its_message_to_the_dead_letter_queue_and_back(run):
    async def scenario(it):
        await it.create("dead")
        await it.create("jobs", dead_letter_policy=model.DeadLetterPolicy("dead", 1))
        await it.send(b"1", b"2", group_id="a")
        await it.send(b"3", group_id="b")
        await it.send(b"4")
        await it.receive(4, visibility_timeout_s=0)

        assert await it.receive() == []
        assert await it.counts("dead") == (4, 0, 0)
        peeked = await it.call("PeekMessages", message_model.PeekMessages(queue="dead"))
        assert [message.group_id for message in peeked.messages] == ["a", "a", "b", ""]

        arn = "arn:aws:sqs:us-east-1:000000000000:dead"
        await it.call("StartMessageMoveTask", move_model.StartMessageMoveTask(source=arn))
        await it.advance(0)

        assert await it.counts("dead") == (0, 0, 0)
        received = await it.receive(4)
        assert {(message.group_id, message.body) for message in received} == {
            ("a", b"1"),
            ("a", b"2"),
            ("b", b"3"),
            ("", b"4"),
        }

    run(scenario)


def test_peek_shows_messages_of_groups_and_where_they_stand(run):
    async def scenario(it):
        await it.send(b"ready", group_id="a")
        await it.send(b"late", group_id="a", delay_s=5)
        await it.send(b"due", group_id="a", deliver_at_ms=it.clock.wall_ms() + 1_000)
        await it.send(b"held", group_id="b", priority=9)
        await it.receive(1)
        await it.send(b"urgent", group_id="b", priority=9)
        await it.advance(1)

        page = await it.call("PeekMessages", message_model.PeekMessages(queue="jobs"))

        assert [(message.body, message.group_id, message.state.name) for message in page.messages] == [
            (b"ready", "a", "READY"),
            (b"late", "a", "DELAYED"),
            (b"due", "a", "READY"),
            (b"held", "b", "IN_FLIGHT"),
            (b"urgent", "b", "READY"),
        ]

    on_a_queue(run, scenario)


def test_selected_messages_of_many_groups_are_moved_at_once_with_their_groups(run):
    async def scenario(it):
        await it.create("other")
        await it.create("jobs")
        for number in range(50):
            await it.send(b"x" * 40_000, group_id=f"g{number}")
        held = await take(it, 20, visibility_timeout_s=5)
        await take(it, 5, visibility_timeout_s=0)
        await it.advance(1)
        selected = [move_model.SelectedMessage(receipt_handle=message.receipt_handle) for message in held]
        selected += [move_model.SelectedMessage(position=position) for position in range(21, 51)]

        request = move_model.MoveMessages(source="jobs", destination="other", messages=tuple(selected))
        answers = await it.call("MoveMessages", request)

        assert answers == (None,) * 50
        assert (await it.counts(), await it.counts("other")) == ((0, 0, 0), (50, 0, 0))
        moved = await take(it, 50, queue="other")
        assert sorted(groups_of(moved)) == sorted(f"g{number}" for number in range(50))

    run(scenario)


def test_move_task_moves_many_groups_and_leaves_what_came_later(run):
    async def scenario(it):
        await it.create("dead")
        await it.create("jobs", dead_letter_policy=model.DeadLetterPolicy("dead", 1))
        for place in range(0, 330, 10):
            await it.send(*(b"%d" % (place + further) for further in range(10)), group_id=f"t{place % 250}")
        for _ in range(40):
            await it.receive(10, visibility_timeout_s=0)
        assert await it.counts("dead") == (330, 0, 0)

        arn = "arn:aws:sqs:us-east-1:000000000000:dead"
        await it.call("StartMessageMoveTask", move_model.StartMessageMoveTask(source=arn))
        for place in range(250):
            await it.send(b"later", queue="dead", group_id=f"s{place}")
        await it.send(b"later", queue="dead", group_id="t0")
        await it.advance(0)

        (task,) = await it.call("ListMessageMoveTasks", move_model.ListMessageMoveTasks(source=arn))
        assert (task.status, task.moved) == ("COMPLETED", 330)
        assert await it.counts("dead") == (251, 0, 0)
        assert await it.counts() == (330, 0, 0)

    run(scenario)


def test_messages_of_groups_go_when_they_are_too_old(run):
    async def scenario(it):
        await it.send(b"1", group_id="a")
        await it.send(b"2", group_id="a", priority=9)
        await it.advance(30)
        await it.send(b"3", group_id="a")
        await it.send(b"4", group_id="b")
        await it.advance(30)
        assert await it.counts() == (2, 0, 0)

        await it.advance(30)

        assert await it.counts() == (0, 0, 0)

    on_a_queue(run, scenario, message_retention_s=60)


def test_message_that_returns_to_its_group_is_deleted_in_time(run):
    async def scenario(it):
        await it.send(b"old", group_id="a")
        (held,) = await it.receive(visibility_timeout_s=40)
        await it.advance(20)
        await it.send(b"new", group_id="a")
        await it.advance(25)
        assert await it.counts() == (2, 0, 0)

        await it.advance(15)

        assert await it.counts() == (1, 0, 0)
        assert held.body == b"old"

    on_a_queue(run, scenario, message_retention_s=60)


def test_scheduled_and_moved_messages_of_groups_are_deleted_by_their_own_age(run):
    async def scenario(it):
        await it.create("dead", message_retention_s=100)
        await it.create("jobs", dead_letter_policy=model.DeadLetterPolicy("dead", 1))
        await it.send(b"moved", group_id="a")
        await it.receive(visibility_timeout_s=0)
        await it.advance(50)
        await it.send(b"own", queue="dead", group_id="a")
        await it.send(b"due", queue="dead", group_id="a", deliver_at_ms=it.clock.wall_ms() + 30_000)
        await it.receive()
        assert await it.counts("dead") == (2, 0, 1)

        await it.advance(50)
        assert await it.counts("dead") == (2, 0, 0)
        await it.advance(50)
        assert await it.counts("dead") == (1, 0, 0)
        await it.advance(30)
        assert await it.counts("dead") == (0, 0, 0)

    run(scenario)


def test_large_backlog_of_groups_expires_in_slices(run):
    async def scenario(it):
        await send(it, "a", 300)
        for place in range(150):
            await it.send(b"x", group_id=f"t{place}")
        await it.send(b"x" * 200_000, group_id="large")

        await it.advance(60)

        assert await it.counts() == (0, 0, 0)

    on_a_queue(run, scenario, message_retention_s=60)


def test_shorter_retention_is_in_force_for_groups_at_once(run):
    async def scenario(it):
        await it.send(b"1", group_id="a")
        await it.advance(100)

        await it.update(message_retention_s=60)
        await it.advance(0)

        assert await it.counts() == (0, 0, 0)

    on_a_queue(run, scenario)


def test_purge_forgets_the_groups(run):
    async def scenario(it):
        await make_noisy(it)

        await it.purge()

        assert await fairness(it) == model.Fairness(
            noisy_groups=0, message_count=0, in_flight_count=0, delayed_count=0, oldest_age_s=0
        )
        await it.send(b"x", group_id="loud")
        assert groups_of(await it.receive()) == ["loud"]
        await it.advance(0)

    on_a_queue(run, scenario)


def test_long_poll_is_woken_by_a_message_of_a_group(run, settle):
    async def scenario(it):
        waiting = asyncio.ensure_future(it.receive(wait_s=20))
        await settle()

        await it.send(b"x", group_id="a")

        assert groups_of(await asyncio.wait_for(waiting, 10)) == ["a"]

    on_a_queue(run, scenario)


def test_dwell_time_of_quiet_groups_stays_low_beside_a_noisy_one(make_stand):
    """Ten consumers that take a second a message; 2,000 messages of one tenant, and of each of 20 one in 5 seconds."""

    async def scenario():
        stand = make_stand(None, ManualClock())
        await stand.open()
        await stand.create()
        await send(stand, "loud", 2_000)
        dwell_s: list[int] = []
        busy: list[message_model.Message] = []
        for second in range(150):
            for tenant in range(second % 5, 20, 5):
                await stand.send(b"%d" % second, group_id=f"quiet-{tenant}")
            for message in busy:
                await stand.delete(message.receipt_handle)
            busy = await stand.receive(10)
            dwell_s += [second - int(it.body) for it in busy if it.group_id != "loud"]
            await stand.advance(1)
        await stand.close()
        return dwell_s

    dwell_s = asyncio.run(scenario())

    assert len(dwell_s) >= 590
    assert max(dwell_s[20:]) <= 1
