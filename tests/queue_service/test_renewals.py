"""Receiving streams that hold their messages: leases are renewed while they live, up to a maximum, and no longer."""

import grpc
import pytest

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.api.queue.v1.queue_pb2_grpc import QueueServiceStub
from cumulo.queue_service import edge_grpc
from tests.queue_service.grpc_door import METADATA, served


class Consumer:
    """A client of one receiving stream."""

    def __init__(self, it, stub, **start):
        self.it = it
        self.stream = stub.StreamReceiveMessages(metadata=METADATA)
        start.setdefault("queue", "jobs")
        start.setdefault("renew_leases", pb.LeaseRenewal())
        self._start = pb.StreamReceiveMessagesStart(**start)

    async def begin(self, count, **frame):
        """Open the stream with so many credits, and return as many messages."""
        await self.stream.write(pb.StreamReceiveMessagesRequest(start=self._start, credits=count, **frame))
        return await self.take(count)

    async def take(self, count):
        messages: list[pb.Message] = []
        while len(messages) < count:
            messages += (await self.stream.read()).messages
        return messages

    async def say(self, **frame):
        await self.stream.write(pb.StreamReceiveMessagesRequest(**frame))

    async def ack(self, *handles):
        await self.say(acks=handles, sequence=1)
        (result,) = (await self.stream.read()).ack_results
        return [failure.error.code for failure in result.failures], list(result.already_acknowledged)


@pytest.fixture
def consuming(run):
    """Run a scenario `(stand, consumer)`, which makes consumers, on a server with the queue `jobs` (30 s)."""

    def go(scenario):
        async def serve(it):
            await it.create()
            async with served(it, edge_grpc, it.service) as channel:
                stub = QueueServiceStub(channel)
                await scenario(it, lambda **start: Consumer(it, stub, **start))

        run(serve)

    return go


async def pass_time(it, seconds, step=10):
    """Let time pass in steps, with renewals and due work at each."""
    for _ in range(seconds // step):
        it.clock.advance(step * 1000)
        await it.service.renewals.run_due()
        await it.advance(0)


def test_message_is_held_while_its_stream_lives(consuming):
    async def scenario(it, consumer):
        await it.send(b"a", b"b")
        stream = consumer()
        first, second = await stream.begin(2)

        await pass_time(it, 600)
        held = await it.counts()
        answer = await stream.ack(first.receipt_handle, second.receipt_handle)

        assert held == (0, 2, 0)
        assert answer == ([], [])
        assert await it.counts() == (0, 0, 0)

    consuming(scenario)


def test_message_of_a_fifo_queue_is_held_with_its_group(consuming):
    async def scenario(it, consumer):
        await it.create("jobs.fifo", content_based_deduplication=True)
        await it.send(b"a", b"b", queue="jobs.fifo", group_id="g")
        stream = consumer(queue="jobs.fifo", exactly_once=True)
        (message,) = await stream.begin(1)

        await pass_time(it, 200)
        blocked = await it.receive(queue="jobs.fifo")

        assert blocked == []
        assert await stream.ack(message.receipt_handle) == ([], [])

    consuming(scenario)


def test_consumer_that_hangs_loses_a_message_at_its_maximum_and_is_told(consuming):
    async def scenario(it, consumer):
        await it.send(b"a")
        stream = consumer(renew_leases=pb.LeaseRenewal(hold_max_s=100))
        (message,) = await stream.begin(1)

        await pass_time(it, 90)
        held = await it.counts()
        await pass_time(it, 10)
        told = await stream.stream.read()
        await pass_time(it, 20)

        assert held == (0, 1, 0)
        assert list(told.ended_renewals) == [message.receipt_handle]
        (again,) = await it.receive()
        assert again.receive_count == 2

    consuming(scenario)


def test_messages_of_a_stream_that_ended_come_back(consuming, settle):
    async def scenario(it, consumer):
        await it.send(b"a")
        stream = consumer()
        await stream.begin(1)
        await pass_time(it, 60)

        stream.stream.cancel()
        for _ in range(20):  # the server hears of it in its own time; a stream that lives is renewed at every step
            await settle()
            await pass_time(it, 30)
            if await it.counts() == (1, 0, 0):
                break

        assert await it.counts() == (1, 0, 0)

    consuming(scenario)


def test_only_what_is_held_still_is_renewed_in_one_transaction_a_receive(consuming):
    async def scenario(it, consumer):
        await it.send(*(b"%d" % number for number in range(100)))
        stream = consumer()
        messages = await stream.begin(100)
        await stream.say(
            acks=[message.receipt_handle for message in messages[:50]],
            visibility_changes=[
                pb.VisibilityChange(receipt_handle=message.receipt_handle, visibility_timeout_s=300)
                for message in messages[50:60]
            ],
            sequence=1,
        )
        await stream.stream.read()

        before = it.engine.commits
        it.clock.advance(15_000)
        await it.service.renewals.run_due()
        one = it.engine.commits - before
        await it.service.renewals.run_due()
        await stream.ack(*(message.receipt_handle for message in messages[50:]))
        before = it.engine.commits
        it.clock.advance(15_000)
        await it.service.renewals.run_due()

        assert one == 1
        assert it.engine.commits == before
        assert await it.counts() == (0, 0, 0)

    consuming(scenario)


def test_lost_leases_are_told(consuming):
    async def scenario(it, consumer):
        await it.send(b"a", b"b")
        stream = consumer()
        messages = await stream.begin(2)

        await it.purge()
        await pass_time(it, 20)
        told = await stream.stream.read()

        assert sorted(told.ended_renewals) == sorted(message.receipt_handle for message in messages)

    consuming(scenario)


def test_next_stream_holds_on_to_what_the_last_one_received(consuming, settle):
    async def scenario(it, consumer):
        await it.send(b"a")
        renewing = pb.LeaseRenewal(hold_max_s=120)
        stream = consumer(renew_leases=renewing)
        (message,) = await stream.begin(1)
        await pass_time(it, 20)
        stream.stream.cancel()
        await settle()
        it.clock.advance(10_000)

        stream = consumer(renew_leases=renewing)
        resumed = pb.ResumedLease(receipt_handle=message.receipt_handle, held_s=30)
        before = it.engine.commits
        await stream.begin(0, resumed=[resumed])
        while it.engine.commits == before:
            await settle()
        await pass_time(it, 80)
        held = await it.counts()
        await pass_time(it, 10)
        told = await stream.stream.read()

        assert held == (0, 1, 0)
        assert list(told.ended_renewals) == [message.receipt_handle]

    consuming(scenario)


def test_stream_with_short_leases_holds_as_many_as_may_be_renewed(consuming, settle):
    async def scenario(it, consumer):
        for start in range(0, 1_100, 100):
            await it.send(*(b"%d" % number for number in range(start, start + 100)))
        stream = consumer(visibility_timeout_s=1)

        await stream.say(start=stream._start, credits=1_100)
        messages = await stream.take(1_000)
        full = await it.counts()
        await stream.say(acks=[message.receipt_handle for message in messages[:70]], sequence=1)
        rest: list[pb.Message] = []
        while len(rest) < 70:
            rest += (await stream.stream.read()).messages

        assert full == (100, 1_000, 0)

    consuming(scenario)


@pytest.mark.parametrize(
    ("start", "frame", "parameter"),
    [
        ({"renew_leases": pb.LeaseRenewal(hold_max_s=43_201)}, {}, "hold_max_s"),
        ({"renew_leases": pb.LeaseRenewal(hold_max_s=-1)}, {}, "hold_max_s"),
        ({"visibility_timeout_s": 0}, {}, "visibility_timeout_s"),
        ({"renew_leases": None}, {"resumed": [pb.ResumedLease()]}, "resumed"),
        ({}, {"resumed": [pb.ResumedLease(held_s=-1)]}, "held_s"),
        ({}, {"resumed": [pb.ResumedLease(held_s=43_201)]}, "held_s"),
        ({}, {"resumed": [pb.ResumedLease()] * 1_001}, "1000"),
    ],
)
def test_bad_renewal_ends_the_stream(consuming, start, frame, parameter):
    async def scenario(it, consumer):
        stream = consumer(**start)

        with pytest.raises(grpc.aio.AioRpcError, match=parameter) as refused:
            await stream.begin(1, **frame)

        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT

    consuming(scenario)


def test_forged_handle_that_is_resumed_is_told_as_lost(consuming):
    async def scenario(it, consumer):
        stream = consumer()
        await stream.begin(0, resumed=[pb.ResumedLease(receipt_handle="forged")])

        assert list((await stream.stream.read()).ended_renewals) == ["forged"]

    consuming(scenario)


def test_stream_with_exactly_once_answers_each_acknowledgement_for_certain(consuming):
    async def scenario(it, consumer):
        await it.send(b"a", b"b")
        stream = consumer(exactly_once=True, renew_leases=None)
        first, second = await stream.begin(2)
        answers = [await stream.ack(first.receipt_handle), await stream.ack(first.receipt_handle)]
        stream.stream.cancel()
        await it.advance(31)
        await it.receive()

        stream = consumer(exactly_once=True)
        await stream.begin(0)
        again = await stream.ack(first.receipt_handle, second.receipt_handle)

        assert answers == [([], []), ([], [first.receipt_handle])]
        assert again == (["LeaseLost"], [first.receipt_handle])

    consuming(scenario)


def test_acknowledged_receives_with_long_leases_leave_little_planned(run):
    async def scenario(it):
        hold = it.service.hold(it.ctx, "jobs", 43_200, 43_200)

        for number in range(5_000):
            hold.add([str(number)])
            hold.let_go(str(number))

        assert len(hold) == 0
        assert it.service.renewals.planned <= 1_001

    run(scenario)
