"""The quota of calls on FIFO queues, where an operator sets one."""

import pytest

from cumulo.core.errors import ServiceError
from cumulo.queue_service import message_model
from cumulo.queue_service.errors import REQUEST_THROTTLED
from cumulo.queue_service.throughput import BUCKETS_MAX, Throughput

NAME = "jobs.fifo"


def with_quota(run, scenario, calls_per_s=3):
    async def go(it):
        it.service._throughput = Throughput(calls_per_s)
        it.service.throttles = True
        await it.create(NAME, content_based_deduplication=True)
        await scenario(it)

    run(go)


async def is_throttled(work) -> bool:
    try:
        await work
    except ServiceError as error:
        return error.row is REQUEST_THROTTLED
    return False


def send(it, *bodies, queue=NAME, group="g"):
    entries = tuple(message_model.SendEntry(body, group_id=group) for body in bodies)
    return it.call("BatchSendMessages", message_model.SendMessages(queue=queue, entries=entries))


def test_calls_beyond_the_quota_of_a_second_are_throttled_and_store_nothing(run):
    async def scenario(it):
        assert [await is_throttled(send(it, b"%d" % n)) for n in range(5)] == [False] * 3 + [True] * 2
        assert await it.counts(NAME) == (3, 0, 0)

        it.clock.advance(400)

        assert [await is_throttled(send(it, b"later %d" % n)) for n in range(2)] == [False, True]

    with_quota(run, scenario)


def test_each_action_and_each_queue_has_a_quota_of_its_own(run):
    async def scenario(it):
        await it.create("other.fifo", content_based_deduplication=True)
        for n in range(3):
            await send(it, b"%d" % n)

        assert not await is_throttled(it.receive(queue=NAME))
        assert not await is_throttled(send(it, b"x", queue="other.fifo"))
        assert await is_throttled(send(it, b"x"))

    with_quota(run, scenario)


def test_batch_larger_than_sqs_has_counts_as_several_calls(run):
    async def scenario(it):
        assert not await is_throttled(send(it, *(b"%d" % n for n in range(11))))
        assert not await is_throttled(send(it, b"x"))
        assert await is_throttled(send(it, b"y"))
        it.clock.advance(1000)
        assert not await is_throttled(send(it, *(b"z%d" % n for n in range(100))))  # the whole second's, no more

    with_quota(run, scenario)


def test_high_throughput_and_standard_queues_have_no_quota(run):
    async def scenario(it):
        await it.create()
        await it.update(NAME, deduplication_scope="messageGroup", fifo_throughput_limit="perMessageGroupId")

        for n in range(10):
            assert not await is_throttled(send(it, b"%d" % n))
            assert not await is_throttled(it.send(b"x"))

    with_quota(run, scenario)


def test_there_is_no_quota_unless_one_is_set(run):
    async def scenario(it):
        await it.create(NAME, content_based_deduplication=True)
        for n in range(400):
            await send(it, b"%d" % n)

    run(scenario)


def test_buckets_that_are_remembered_have_a_limit():
    throughput = Throughput(1)

    for n in range(BUCKETS_MAX + 10):
        throughput.take(b"%d" % n, "SendMessage", 1, 0)

    throughput.take(b"0", "SendMessage", 1, 0)  # forgotten, and so full again
    with pytest.raises(ServiceError):
        throughput.take(b"0", "SendMessage", 1, 0)
    assert len(throughput._buckets) == BUCKETS_MAX


def test_commit_counts_at_each_of_its_fifo_queues(run):
    async def scenario(it):
        await it.create("other.fifo", content_based_deduplication=True)
        await it.create("jobs")

        def commit(queue, number):
            sends = [
                message_model.CommitSend(name, message_model.SendEntry(b"%d" % number, group_id="g"))
                for name in (NAME, queue)
            ]
            plain = message_model.CommitSend("jobs", message_model.SendEntry(b"x"))
            return it.call("CommitMessages", message_model.CommitMessages(sends=(*sends, plain)))

        assert [await is_throttled(commit("other.fifo", n)) for n in range(4)] == [False] * 3 + [True]
        assert await it.counts("jobs") == (3, 0, 0)

    with_quota(run, scenario)
