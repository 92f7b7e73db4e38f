"""Move tasks: messages leave a dead-letter queue once each, at a rate, in somebody's name, and across restarts."""

import json

import pytest

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.identity.policy import Principal, PrincipalKind
from cumulo.queue_service import keys, message_model, model, move_model
from cumulo.queue_service.move_tasks import CANCELLED, COMPLETED, FAILED, RUNNING
from cumulo.queue_service.mover import SOURCE_ACTIONS
from cumulo.storage import failpoints

OTHER = "111111111111"


@pytest.fixture(autouse=True)
def disarmed():
    yield
    failpoints.disarm()


async def make_dead(it, count, *, names=("jobs",), **attributes):
    """Queues whose dead-letter queue is `dead`, with `count` messages of each there."""
    await it.create("dead")
    for name in names:
        await it.create(
            name, dead_letter_policy=model.DeadLetterPolicy("dead", 1), visibility_timeout_s=0, **attributes
        )
        for first in range(0, count, 100):
            await it.send(*(f"{name}-{n}".encode() for n in range(first, min(count, first + 100))), queue=name)
        while (await it.counts(name)) != (0, 0, 0):
            await it.receive(100, name)
            await it.advance(0.001)


async def start(it, destination="", rate=None, source="dead"):
    request = move_model.StartMessageMoveTask(source=source, destination=destination, rate=rate)
    return await it.call("StartMessageMoveTask", request)


async def tasks(it, count=10, source="dead"):
    return await it.call("ListMessageMoveTasks", move_model.ListMessageMoveTasks(source=source, max_results=count))


async def cancel(it, task_id, source="dead"):
    return await it.call("CancelMessageMoveTask", move_model.CancelMessageMoveTask(source=source, task_id=task_id))


async def take_all(it, name):
    """Receive and delete everything that is visible."""
    found = []
    while messages := await it.receive(100, name, visibility_timeout_s=30):
        found += messages
        for message in messages:
            await it.delete(message.receipt_handle, name)
    return found


async def refused(work):
    with pytest.raises(ServiceError) as error:
        await work
    return error.value.row.code, error.value.message


def test_each_message_goes_back_to_the_queue_that_it_came_from(run):
    async def scenario(it):
        await make_dead(it, 3, names=("jobs", "mails"))

        await start(it)
        await it.advance(0)

        assert {one.body for one in await take_all(it, "jobs")} == {b"jobs-0", b"jobs-1", b"jobs-2"}
        assert {one.body for one in await take_all(it, "mails")} == {b"mails-0", b"mails-1", b"mails-2"}
        assert await it.counts("dead") == (0, 0, 0)
        (task,) = await tasks(it)
        assert (task.status, task.moved, task.to_move, task.destination_arn) == (COMPLETED, 6, 6, "")

    run(scenario)


def test_moved_message_is_a_new_message_with_the_same_content(run):
    async def scenario(it):
        await it.create("dead", message_retention_s=600)
        await it.create("jobs", dead_letter_policy=model.DeadLetterPolicy("dead", 1), message_retention_s=600)
        attribute = message_model.MessageAttribute("n", "Number", b"1")
        (sent,) = await it.send(b"a", attributes=(attribute,), trace_header="Root=1")
        await it.receive(visibility_timeout_s=0)
        await it.advance(500)
        await it.receive()

        await start(it)
        await it.advance(0)
        (moved,) = await it.receive(visibility_timeout_s=0)

        assert (moved.body, moved.attributes, moved.trace_header) == (b"a", (attribute,), "Root=1")
        assert moved.message_id != sent.message_id
        assert (moved.receive_count, moved.dead_letter_source_arn) == (1, "")
        assert moved.sent_ms == it.clock.wall_ms()
        await it.advance(500)
        assert await it.counts("dead") == (1, 0, 0) or await it.counts("jobs") == (1, 0, 0)

    run(scenario)


def test_messages_go_to_the_queue_that_was_asked_for_whatever_they_came_from(run):
    async def scenario(it):
        await make_dead(it, 150)
        await it.create("hospital")
        await it.send(b"direct", queue="dead")

        await start(it, "hospital")
        await it.advance(0)

        assert await it.counts("hospital") == (151, 0, 0)
        (task,) = await tasks(it)
        assert task.destination_arn == "arn:aws:sqs:us-east-1:000000000000:hospital"
        assert (task.status, task.moved) == (COMPLETED, 151)

    run(scenario)


def test_large_messages_move_with_all_their_pieces(run):
    async def scenario(it):
        await it.create("dead")
        await it.create("jobs", dead_letter_policy=model.DeadLetterPolicy("dead", 1))
        bodies = [bytes([65 + n]) * 900_000 for n in range(4)]
        for body in bodies:
            await it.send(body, queue="dead")

        await start(it, "jobs")
        await it.advance(0)

        assert [one.body for one in await take_all(it, "jobs")] == bodies
        assert await it.counts("dead") == (0, 0, 0)

    run(scenario)


def test_messages_that_wait_for_the_queues_delay_are_delayed(run):
    async def scenario(it):
        await make_dead(it, 2)
        await it.create("slow", delay_s=60)

        await start(it, "slow")
        await it.advance(0)

        assert await it.counts("slow") == (0, 0, 2)
        await it.advance(60)
        assert await it.counts("slow") == (2, 0, 0)

    run(scenario)


@pytest.mark.parametrize(("rate", "seconds", "moved"), [(1, 2.9, 3), (10, 0.95, 10), (500, 0.35, 200)])
def test_task_moves_no_faster_than_it_was_told(run, rate, seconds, moved):
    async def scenario(it):
        await make_dead(it, 250)
        await it.create("hospital")

        await start(it, "hospital", rate)
        await it.advance(0)
        for _ in range(round(seconds * 1000) // 10):
            await it.advance(0.01)

        (task,) = await tasks(it)
        assert (task.status, task.moved, task.rate) == (RUNNING, moved, rate)
        assert await it.counts("hospital") == (moved, 0, 0)

    run(scenario)


def test_task_does_not_rush_after_the_server_stood_still(run):
    async def scenario(it):
        await make_dead(it, 50)
        await it.create("hospital")
        await start(it, "hospital", 1)
        await it.advance(0)

        await it.restart()
        await it.advance(3600)

        assert await it.counts("hospital") == (2, 0, 0)
        await it.advance(0.5)
        assert await it.counts("hospital") == (2, 0, 0)

    run(scenario)


def test_task_goes_on_after_a_restart(run):
    async def scenario(it):
        await make_dead(it, 5)
        task_id = await start(it, rate=1)
        await it.advance(0)

        await it.restart()
        for _ in range(10):
            await it.advance(1)

        (task,) = await tasks(it)
        assert (task.task_id, task.status, task.moved) == (task_id, COMPLETED, 5)
        assert await it.counts("jobs") == (5, 0, 0)

    run(scenario)


def test_what_arrives_after_the_start_and_what_is_held_stays(run):
    async def scenario(it):
        await make_dead(it, 3)
        (held,) = await it.receive(1, "dead")
        await start(it, rate=1)
        await it.send(b"later", queue="dead")

        for _ in range(5):
            await it.advance(1)

        assert await it.counts("jobs") == (2, 0, 0)
        assert await it.counts("dead") == (1, 1, 0)
        await it.delete(held.receipt_handle, "dead")
        assert [one.body for one in await it.receive(10, "dead")] == [b"later"]
        (task,) = await tasks(it)
        assert (task.status, task.moved, task.to_move) == (COMPLETED, 2, 2)

    run(scenario)


def test_message_that_fails_again_at_once_does_not_go_in_circles(run):
    async def scenario(it):
        await make_dead(it, 1)
        await start(it, rate=1)
        await it.advance(0)

        await it.receive()
        await it.receive()
        for _ in range(5):
            await it.advance(1)

        assert await it.counts("dead") == (1, 0, 0)
        assert (await tasks(it))[0].moved == 1

    run(scenario)


def test_task_on_an_empty_queue_is_complete(run):
    async def scenario(it):
        await make_dead(it, 0)
        await start(it)
        await it.advance(0)

        (task,) = await tasks(it)
        assert (task.status, task.moved, task.to_move, task.started_ms) == (COMPLETED, 0, 0, it.clock.wall_ms())

    run(scenario)


def test_messages_that_are_too_old_are_dropped_and_not_counted(run):
    async def scenario(it):
        await make_dead(it, 2)
        await start(it, rate=1)
        await it.advance(0)
        await it.update("dead", message_retention_s=60)
        it.clock.advance(61_000)
        while await it.pump.run_due():
            pass

        (task,) = await tasks(it)
        assert (task.status, task.moved) == (COMPLETED, 1)
        assert await it.counts("dead") == (0, 0, 0)

    run(scenario)


def test_purge_of_the_queue_completes_its_task(run):
    async def scenario(it):
        await make_dead(it, 10)
        await start(it, rate=1)
        await it.advance(0)
        await it.purge("dead")
        await it.advance(1)

        assert [(one.status, one.moved) for one in await tasks(it)] == [(COMPLETED, 1)]

    run(scenario)


def test_deleted_queue_takes_its_tasks_with_it(run):
    async def scenario(it):
        await make_dead(it, 10)
        await start(it, rate=1)
        await it.remove("dead")
        await it.advance(5)
        await it.create("dead")

        assert await tasks(it) == ()
        assert [one for one in await it.engine.take_due(1 << 62, 100) if one.kind == keys.MOVE] == []

    run(scenario)


def test_task_fails_where_the_destination_was_deleted_and_loses_nothing(run):
    async def scenario(it):
        await make_dead(it, 10)
        await it.create("hospital")
        await start(it, "hospital", 1)
        await it.advance(0)
        await it.remove("hospital")
        await it.advance(1)

        (task,) = await tasks(it)
        assert (task.status, task.moved, task.failure_reason) == (
            FAILED,
            1,
            "AWS.SimpleQueueService.NonExistentQueue",
        )
        assert await it.counts("dead") == (9, 0, 0)

    run(scenario)


def test_task_fails_at_a_message_that_came_from_no_queue(run):
    async def scenario(it):
        await make_dead(it, 2)
        await it.send(b"direct", queue="dead")
        await start(it)
        await it.advance(0)

        (task,) = await tasks(it)
        assert (task.status, task.moved, task.failure_reason) == (FAILED, 2, "CouldNotDetermineMessageSource")
        assert await it.counts("dead") == (1, 0, 0)

    run(scenario)


def test_queue_that_is_made_anew_in_the_middle_gets_the_rest(run):
    async def scenario(it):
        await make_dead(it, 4)
        await it.create("hospital")
        await start(it, "hospital", 1)
        await it.advance(0)
        await it.remove("hospital")
        await it.create("hospital")
        for _ in range(6):
            await it.advance(1)

        assert await it.counts("hospital") == (3, 0, 0)
        assert (await tasks(it))[0].status == COMPLETED

    run(scenario)


def test_one_task_of_a_queue_runs_at_a_time(run):
    async def scenario(it):
        await make_dead(it, 3)
        await start(it, rate=1)

        assert await refused(start(it, rate=1)) == (
            "InvalidParameterValue",
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        )
        for _ in range(4):
            await it.advance(1)
        await start(it)

    run(scenario)


def test_cancelled_task_moves_nothing_more(run):
    async def scenario(it):
        await make_dead(it, 5)
        task_id = await start(it, rate=1)
        await it.advance(0)
        await it.advance(1)

        cancelled = await cancel(it, task_id)
        await it.advance(10)

        assert (cancelled.status, cancelled.moved) == (CANCELLED, 2)
        assert [(one.status, one.moved) for one in await tasks(it)] == [(CANCELLED, 2)]
        assert await it.counts("dead") == (3, 0, 0)
        assert await refused(cancel(it, task_id)) == ("InvalidParameterValue", "Only active tasks can be cancelled.")
        assert await refused(cancel(it, "nobody")) == ("ResourceNotFoundException", "Task does not exist.")

    run(scenario)


def test_latest_tasks_are_listed_first_and_ten_are_remembered(run):
    async def scenario(it):
        await make_dead(it, 0)
        ids = []
        for _ in range(12):
            ids.append(await start(it))
            await it.advance(1)

        assert [one.task_id for one in await tasks(it)] == ids[:1:-1]
        assert [one.task_id for one in await tasks(it, 1)] == ids[-1:]
        assert await refused(cancel(it, ids[0])) == ("ResourceNotFoundException", "Task does not exist.")

    run(scenario)


def test_tasks_that_cannot_be_are_refused(run):
    async def scenario(it):
        await make_dead(it, 1)
        resource = "The resource that you specified for the {} parameter doesn't exist."

        assert await refused(start(it, "nobody")) == ("ResourceNotFoundException", resource.format("DestinationArn"))
        assert await refused(start(it, source="nobody")) == ("ResourceNotFoundException", resource.format("SourceArn"))
        assert await refused(tasks(it, source="nobody")) == ("ResourceNotFoundException", resource.format("SourceArn"))
        assert await refused(start(it, source="jobs")) == (
            "InvalidParameterValue",
            "Source queue must be configured as a Dead Letter Queue.",
        )
        assert await refused(start(it, "dead")) == (
            "InvalidParameterValue",
            "Source queue arn and destination queue arn cannot be the same.",
        )
        for rate in (0, -1, 501):
            _, message = await refused(start(it, rate=rate))
            assert message == (
                "Value for parameter MaxNumberOfMessagesPerSecond is invalid."
                " Reason: You must enter a number that's between 1 and 500."
            )
        for count in (0, 11):
            assert (await refused(tasks(it, count)))[1].startswith("Value for parameter MaxResults is invalid.")
        assert await tasks(it) == ()

    run(scenario)


# In whose name


async def deny(it, name, *actions):
    """Let nobody do these things to a queue, its owner's root neither."""
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(actions),
        "Resource": f"arn:aws:sqs:us-east-1:000000000000:{name}",
    }
    await it.update(name, policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}) if actions else "")


def test_every_permission_is_needed_on_every_queue(run):
    async def scenario(it):
        await make_dead(it, 2)
        await it.create("hospital")
        for action in ("sqs:StartMessageMoveTask", *SOURCE_ACTIONS):
            await deny(it, "dead", action)
            assert (await refused(start(it)))[0] == "AccessDenied"
        await deny(it, "dead")
        for name, destination in (("hospital", "hospital"), ("jobs", "")):
            await deny(it, name, "sqs:SendMessage")
            assert (await refused(start(it, destination)))[0] == "AccessDenied"
        await deny(it, "jobs")
        await start(it)
        await it.advance(0)

        assert await it.counts("jobs") == (2, 0, 0)

    run(scenario)


@pytest.mark.parametrize(("name", "action"), [("dead", "sqs:DeleteMessage"), ("hospital", "sqs:SendMessage")])
def test_task_whose_caller_loses_a_permission_fails(run, name, action):
    async def scenario(it):
        await make_dead(it, 5)
        await it.create("hospital")
        await start(it, "hospital", 1)
        await it.advance(0)
        await deny(it, name, action)
        await it.advance(1)

        (task,) = await tasks(it)
        assert (task.status, task.moved, task.failure_reason) == (FAILED, 1, "AccessDenied")
        assert await it.counts("dead") == (4, 0, 0)

    run(scenario)


def test_other_account_learns_nothing_of_a_destination(run):
    """Neither whether it exists, nor by a task of its own queue."""

    async def scenario(it):
        other = Principal(kind=PrincipalKind.ROOT, account=OTHER, arn=f"arn:aws:iam::{OTHER}:root", id=OTHER)
        await make_dead(it, 0)
        home, it.ctx = it.ctx, CallContext(principal=other, request_id="other")
        await make_dead(it, 1)
        there = "arn:aws:sqs:us-east-1:000000000000:"

        for name in ("jobs", "nobody"):
            assert (await refused(start(it, there + name)))[0] == "AccessDenied"
        it.ctx = home
        await allow(it, "jobs", "sqs:SendMessage")
        it.ctx = CallContext(principal=other, request_id="other")
        await start(it, there + "jobs")
        await it.advance(0)

        assert (await tasks(it))[0].status == COMPLETED
        it.ctx = home
        assert await it.counts("jobs") == (1, 0, 0)

    run(scenario)


async def allow(it, name, action):
    """Let the other account do this to a queue."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": OTHER},
        "Action": action,
        "Resource": f"arn:aws:sqs:us-east-1:000000000000:{name}",
    }
    await it.update(name, policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


# Crashes


@pytest.mark.parametrize("point", ["due.before_deed", "due.after_deed"])
def test_deed_that_is_interrupted_is_done_once(run, point):
    async def scenario(it):
        await make_dead(it, 250)
        await start(it)
        failpoints.arm(f"{point}=error@2")
        for _ in range(30):
            await it.advance(1)

        assert (await tasks(it))[0].status == COMPLETED
        bodies = [one.body for one in await take_all(it, "jobs")]
        assert sorted(bodies) == sorted(f"jobs-{n}".encode() for n in range(250))

    run(scenario)


def test_queue_that_is_its_own_dead_letter_queue_is_moved_elsewhere(run):
    async def scenario(it):
        await it.create()
        await it.create("there")
        await it.update(dead_letter_policy=model.DeadLetterPolicy("jobs", 1))
        await it.send(b"a")

        task = move_model.StartMessageMoveTask(source="jobs", destination="there", rate=None)
        await it.call("StartMessageMoveTask", task)
        await it.advance(5)

        assert [await it.counts(name) for name in ("jobs", "there")] == [(0, 0, 0), (1, 0, 0)]

    run(scenario)
