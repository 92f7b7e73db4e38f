"""What a message tells of the queues that it left."""

from cumulo.core.names import FIRST_ACCOUNT
from cumulo.queue_service import message_model, model, move_model
from cumulo.queue_service.move_model import HISTORY_HOPS_MAX, Hop, MoveReason


def arn(name):
    return f"arn:aws:sqs:us-east-1:{FIRST_ACCOUNT}:{name}"


async def peek(it, queue):
    return (await it.call("PeekMessages", message_model.PeekMessages(queue=queue, max_messages=100))).messages


async def move_back(it, source, destination=""):
    await it.call("StartMessageMoveTask", move_model.StartMessageMoveTask(source=source, destination=destination))
    await it.advance(0)


async def make(it, suffix=""):
    await it.create(f"dead{suffix}")
    await it.create(f"jobs{suffix}", dead_letter_policy=model.DeadLetterPolicy(f"dead{suffix}", 2))


def test_dead_letter_tells_why_when_and_from_where_it_came(run):
    async def scenario(it):
        await make(it)
        await it.send(b"a")
        start_ms = it.clock.deadline_ms()
        await it.advance(1)
        await it.receive(visibility_timeout_s=5)
        await it.advance(7)
        await it.receive(visibility_timeout_s=5)
        await it.advance(10)
        await it.receive()
        await it.restart()

        (message,) = await peek(it, "dead")

        reason = MoveReason.RECEIVED_TOO_OFTEN
        assert message.history == (
            Hop(reason, arn("jobs"), start_ms + 18_000, 2, start_ms + 1_000, start_ms + 8_000, 2),
        )
        assert (message.receive_count, message.last_received_ms) == (2, 0)

    run(scenario)


def test_history_goes_on_when_a_message_goes_back_and_fails_again(run):
    async def scenario(it):
        await make(it)
        await it.send(b"x" * 100_000, priority=7)
        for _ in range(2):
            for _ in range(3):
                await it.receive(visibility_timeout_s=0)
                await it.advance(0.001)
            assert await it.counts("dead") == (1, 0, 0)
            await it.receive(1, "dead", visibility_timeout_s=0)
            await it.advance(0.001)
            await move_back(it, "dead")

        (message,) = await peek(it, "jobs")

        assert [(hop.reason, hop.queue_arn.rpartition(":")[2], hop.receive_count) for hop in message.history] == [
            (MoveReason.RECEIVED_TOO_OFTEN, "jobs", 2),
            (MoveReason.MOVE_TASK, "dead", 1),
        ] * 2
        assert [hop.max_receive_count for hop in message.history] == [2, 0, 2, 0]
        assert (message.receive_count, message.priority, len(message.body)) == (0, 7, 100_000)

    run(scenario)


def test_history_of_a_message_in_a_fifo_queue_is_kept(run):
    async def scenario(it):
        await make(it, ".fifo")
        await it.send(b"a", queue="jobs.fifo", group_id="g", deduplication_id="d")
        now_ms = it.clock.deadline_ms()
        for _ in range(3):
            await it.receive(1, "jobs.fifo", visibility_timeout_s=0)
            await it.advance(0.001)
        (message,) = await peek(it, "dead.fifo")

        await move_back(it, "dead.fifo")
        (back,) = await peek(it, "jobs.fifo")

        assert message.history == (Hop(1, arn("jobs.fifo"), now_ms + 2, 2, now_ms, now_ms + 1, 2),)
        assert [hop.reason for hop in back.history] == [MoveReason.RECEIVED_TOO_OFTEN, MoveReason.MOVE_TASK]

    run(scenario)


def test_only_the_latest_moves_are_remembered(run):
    async def scenario(it):
        await make(it)
        await it.create("other", dead_letter_policy=model.DeadLetterPolicy("jobs", 1))
        await it.send(b"a", queue="dead")
        for _ in range(HISTORY_HOPS_MAX):
            await move_back(it, "dead", "jobs")
            await move_back(it, "jobs", "dead")

        (message,) = await peek(it, "dead")

        assert len(message.history) == HISTORY_HOPS_MAX
        assert message.history[-1].queue_arn == arn("jobs")

    run(scenario)


def test_message_that_was_sent_to_a_dead_letter_queue_has_no_history(run):
    async def scenario(it):
        await make(it)
        await it.send(b"a", queue="dead")

        (message,) = await peek(it, "dead")

        assert (message.history, message.dead_letter_source_arn) == ((), "")

    run(scenario)
