"""Move tasks out of FIFO queues: in order within each group, past groups that are blocked, and only to FIFO queues."""

import pytest

from cumulo.core.errors import ServiceError
from cumulo.queue_service import message_model, model
from cumulo.queue_service.move_tasks import COMPLETED
from tests.queue_service.test_move_tasks import start, tasks

SOURCE = "jobs.fifo"
DEAD = "dead.fifo"


async def make(it, **attributes):
    await it.create(DEAD)
    await it.create(SOURCE, dead_letter_policy=model.DeadLetterPolicy(DEAD, 1), visibility_timeout_s=0, **attributes)


async def send(it, *bodies, queue=DEAD):
    """Send bodies such as `a1`: the first letter is the group."""
    for body in bodies:
        entry = message_model.SendEntry(body.encode(), group_id=body[0], deduplication_id=f"{queue}-{body}")
        await it.call("SendMessage", message_model.SendMessages(queue=queue, entries=(entry,)))


async def fill(it, *bodies):
    """Let messages go to the dead-letter queue by too many receives."""
    await send(it, *bodies, queue=SOURCE)
    while (await it.counts(SOURCE)) != (0, 0, 0):
        await it.receive(10, SOURCE)
        await it.advance(0.001)


async def take_all(it, queue):
    """Receive and delete everything: bodies by group, in their order."""
    found: dict[str, list[str]] = {}
    while messages := await it.receive(10, queue, visibility_timeout_s=30):
        for message in messages:
            found.setdefault(message.group_id, []).append(message.body.decode())
            await it.delete(message.receipt_handle, queue)
    return found


def test_messages_go_back_in_the_order_of_their_groups(run):
    async def scenario(it):
        await make(it)
        await fill(it, "a1", "b1", "a2", "c1", "b2", "a3")

        await start(it, source=DEAD)
        await it.advance(0)

        assert await take_all(it, SOURCE) == {"a": ["a1", "a2", "a3"], "b": ["b1", "b2"], "c": ["c1"]}
        assert await it.counts(DEAD) == (0, 0, 0)
        (task,) = await tasks(it, source=DEAD)
        assert (task.status, task.moved, task.to_move) == (COMPLETED, 6, 6)

    run(scenario)


def test_groups_keep_their_order_however_small_the_slices_are(run):
    async def scenario(it):
        await make(it)
        await it.create("hospital.fifo")
        await send(it, *(f"{letter}{n}" for n in range(3) for letter in "abc"))

        await start(it, "hospital.fifo", 1, source=DEAD)
        await it.advance(0)
        await it.restart()
        for _ in range(10):
            await it.advance(1)

        expected = {letter: [f"{letter}{n}" for n in range(3)] for letter in "abc"}
        assert await take_all(it, "hospital.fifo") == expected
        assert [one.status for one in await tasks(it, source=DEAD)] == [COMPLETED]

    run(scenario)


def test_blocked_groups_and_what_came_later_stay(run):
    async def scenario(it):
        await make(it)
        await it.create("hospital.fifo")
        await send(it, "a1", "a2", "b1", "b2")
        (held,) = await it.receive(1, DEAD)
        await start(it, "hospital.fifo", 1, source=DEAD)
        await send(it, "b3", "d1")

        for _ in range(5):
            await it.advance(1)

        assert held.body == b"a1"
        assert await take_all(it, "hospital.fifo") == {"b": ["b1", "b2"]}
        assert [one.status for one in await tasks(it, source=DEAD)] == [COMPLETED]
        await it.delete(held.receipt_handle, DEAD)
        assert await take_all(it, DEAD) == {"a": ["a2"], "b": ["b3"], "d": ["d1"]}

    run(scenario)


def test_many_blocked_groups_are_stepped_over(run):
    async def scenario(it):
        await make(it)
        await it.create("hospital.fifo")
        for first in range(0, 500, 100):
            entries = tuple(
                message_model.SendEntry(b"x", group_id=f"g{n}", deduplication_id=str(n))
                for n in range(first, first + 100)
            )
            await it.call("BatchSendMessages", message_model.SendMessages(queue=DEAD, entries=entries))
        for _ in range(6):
            await it.receive(100, DEAD, visibility_timeout_s=600)
        held = (await it.counts(DEAD))[1]
        await send(it, "z1", "z2")

        await start(it, "hospital.fifo", source=DEAD)
        await it.advance(0)
        await it.advance(0.001)
        await it.advance(0.001)

        assert held > 400
        assert await it.counts("hospital.fifo") == (502 - held, 0, 0)
        assert [one.status for one in await tasks(it, source=DEAD)] == [COMPLETED]

    run(scenario)


def test_id_that_was_sent_a_moment_ago_makes_no_message_vanish(run):
    async def scenario(it):
        await make(it)
        entry = message_model.SendEntry(b"one", group_id="g", deduplication_id="same")
        other = message_model.SendEntry(b"two", group_id="g", deduplication_id="same")
        await it.call("SendMessage", message_model.SendMessages(queue=SOURCE, entries=(entry,)))
        await it.call("SendMessage", message_model.SendMessages(queue=DEAD, entries=(other,)))

        await start(it, SOURCE, source=DEAD)
        await it.advance(0)

        assert await take_all(it, SOURCE) == {"g": ["one", "two"]}

    run(scenario)


@pytest.mark.parametrize(("source", "destination"), [("dead", "other.fifo"), (DEAD, "other")])
def test_queues_of_two_kinds_do_not_mix(run, source, destination):
    async def scenario(it):
        await make(it)
        await it.create("dead")
        await it.create("jobs", dead_letter_policy=model.DeadLetterPolicy("dead", 1))
        await it.create(destination)

        with pytest.raises(ServiceError) as refused:
            await start(it, destination, source=source)

        assert refused.value.message == "The source queue and destination queue must be of the same queue type."

    run(scenario)
