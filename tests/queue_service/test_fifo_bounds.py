"""What an operation on a FIFO queue costs, however long a blocked group is, and however many groups there are."""

import asyncio

import pytest

from cumulo.queue_service import fifo, message_model
from cumulo.queue_service.keys import StoredMessage
from cumulo.queue_service.messages import Demand, Outgoing, OutgoingInGroup, StampedReceive, StampedSend
from cumulo.storage import records
from tests.queue_service.counted_queue import NOW_MS, CountedQueue

NAME = "jobs.fifo"


class Bench(CountedQueue):
    """A FIFO queue in memory, without any service."""

    name = NAME

    async def open(self):
        await super().open()
        self.number = 0
        return self

    async def send(self, groups):
        messages = []
        for index, group in enumerate(groups):
            self.number += 1
            own = f"{self.number}"
            message_id = f"00000000-0000-4000-8000-{self.number:012}"
            stored = StoredMessage(message_id=message_id, kept_from_ms=NOW_MS, group_id=group, body=own.encode())
            in_group = OutgoingInGroup(message_id, group, own, by_content=False)
            messages.append(Outgoing(index, records.encode(stored), 10, None, in_group))
        return await self.cost(
            fifo.send_messages, StampedSend(NAME, self.partition, tuple(messages), bytes(16), NOW_MS)
        )

    async def receive(self, count, visibility_timeout_s=30):
        demand = Demand(count, visibility_timeout_s, b"t" * 16)
        received, calls, rows = await self.cost(
            fifo.receive_messages, StampedReceive(NAME, self.partition, (demand,), b"", NOW_MS)
        )
        return [it.stored.group_id for it in received.taken[0]], calls, rows


def measured(scenario):
    async def go():
        bench = await Bench().open()
        try:
            return await scenario(bench)
        finally:
            await bench.engine.close()

    return asyncio.run(go())


async def costs_beside_a_blocked_group(bench, length):
    for _ in range(0, length, 100):
        await bench.send(["blocked"] * 100)
    await bench.receive(1)
    await bench.send(["other"] * 10)
    taken, *receive = await bench.receive(10)
    _, *send = await bench.send(["blocked"])
    _, *empty = await bench.receive(10)
    assert taken == ["other"] * 10
    return receive, send, empty


def test_blocked_group_of_any_length_costs_others_nothing():
    short = measured(lambda bench: costs_beside_a_blocked_group(bench, 100))
    long = measured(lambda bench: costs_beside_a_blocked_group(bench, 20_000))

    assert long == short
    receive, send, empty = long
    assert receive[0] <= 45
    assert receive[1] <= 13
    assert send[0] <= 12
    assert empty[0] <= 4


@pytest.mark.long
def test_blocked_group_of_200_000_messages_costs_others_nothing():
    assert measured(lambda bench: costs_beside_a_blocked_group(bench, 200_000)) == measured(
        lambda bench: costs_beside_a_blocked_group(bench, 100)
    )


def test_many_blocked_groups_cost_others_nothing():
    async def scenario(bench):
        for number in range(30):
            await bench.send([f"g{number}-{index}" for index in range(80)])
            taken, *_ = await bench.receive(80)
            assert len(taken) == 80
        await bench.send(["other"])
        return await bench.receive(10)

    taken, calls, rows = measured(scenario)

    assert taken == ["other"]
    assert (calls, rows) <= (20, 4)


def test_largest_receives_keep_within_what_one_function_may_do():
    """The engine refuses a function of more than 2,000 operations."""

    async def scenario(bench):
        for number in range(8):
            await bench.send([f"{number}-{index}" for index in range(100)])
        for _ in range(4):
            assert len((await bench.receive(100, 0))[0]) == fifo.SERVED_MESSAGES_MAX
        return await bench.receive(100)

    taken, calls, _ = measured(scenario)

    assert len(taken) == fifo.SERVED_MESSAGES_MAX
    assert calls < 2_000


def test_batches_keep_within_what_one_function_may_do(run):
    """Groups of one message each, all of which end, are removed with their groups."""

    async def scenario(it):
        await it.create(NAME, content_based_deduplication=True)
        entries = tuple(message_model.SendEntry(b"%d" % index, group_id=f"g{index}") for index in range(100))
        await it.call("BatchSendMessages", message_model.SendMessages(queue=NAME, entries=entries))
        handles = []
        while messages := await it.receive(100, queue=NAME):
            handles += [message.receipt_handle for message in messages]

        await it.call("BatchDeleteMessages", message_model.DeleteMessages(queue=NAME, receipt_handles=tuple(handles)))

        assert await it.counts(NAME) == (0, 0, 0)

    run(scenario)
