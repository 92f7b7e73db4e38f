"""What an operation on a queue with message groups costs, however many messages wait, and however many groups."""

import asyncio

import pytest

from cumulo.queue_service import leases, message_model, messages, model
from cumulo.queue_service.keys import StoredMessage
from cumulo.queue_service.leases import StampedDelete
from cumulo.queue_service.messages import Demand, Outgoing, StampedReceive, StampedSend
from cumulo.queue_service.receipts import Receipt
from cumulo.storage import records
from tests.queue_service.counted_queue import NOW_MS, CountedQueue


class Bench(CountedQueue):
    """A queue in memory, without any service."""

    async def open(self):
        await super().open()
        self.now_ms = NOW_MS
        return self

    async def send(self, groups):
        outgoing = []
        for index, group in enumerate(groups):
            stored = StoredMessage(message_id="id", kept_from_ms=self.now_ms, group_id=group, body=b"x")
            outgoing.append(Outgoing(index, records.encode(stored), 10, group=group))
        return await self.cost(
            messages.send_messages, StampedSend(self.name, self.partition, tuple(outgoing), bytes(16), self.now_ms)
        )

    async def receive(self, count):
        demand = Demand(count, 3_600, b"t" * 16)
        request = StampedReceive(self.name, self.partition, (demand,), b"", self.now_ms)
        received, calls, rows = await self.cost(messages.receive_messages, request)
        return received.taken[0], calls, rows

    async def delete(self, taken):
        receipts = tuple(Receipt(index, 1, it.seq, it.lease_at, b"t" * 16) for index, it in enumerate(taken))
        return await self.cost(leases.delete_messages, StampedDelete(self.name, self.partition, receipts, self.now_ms))


def measured(scenario):
    async def go():
        bench = await Bench().open()
        try:
            return await scenario(bench)
        finally:
            await bench.engine.close()

    return asyncio.run(go())


async def costs_beside_a_noisy_group(bench, length):
    for _ in range(0, length, 100):
        await bench.send(["loud"] * 100)
    await bench.receive(40)
    await bench.send(["quiet"] * 10)
    taken, *receive = await bench.receive(10)
    assert [it.stored.group_id for it in taken] == ["quiet"] * 10
    _, *delete = await bench.delete(taken)
    taken, *loud = await bench.receive(10)
    assert [it.stored.group_id for it in taken] == ["loud"] * 10
    _, *send = await bench.send(["quiet"])
    return receive, delete, loud, send


def test_backlog_of_a_noisy_group_costs_nobody_anything():
    short = measured(lambda bench: costs_beside_a_noisy_group(bench, 100))
    long = measured(lambda bench: costs_beside_a_noisy_group(bench, 20_000))

    assert long == short
    receive, delete, loud, send = long
    assert receive[0] <= 55
    assert receive[1] <= 20
    assert delete[0] <= 45
    assert loud[0] <= 60
    assert send[0] <= 14


@pytest.mark.long
@pytest.mark.timeout(900)
def test_backlog_of_a_million_messages_of_a_noisy_group_costs_nobody_anything():
    assert measured(lambda bench: costs_beside_a_noisy_group(bench, 1_000_000)) == measured(
        lambda bench: costs_beside_a_noisy_group(bench, 100)
    )


async def costs_beside_other_groups(bench, count):
    for number in range(0, count, 100):
        await bench.send([f"g{number + index}" for index in range(100)])
    _, *receive = await bench.receive(10)
    _, *send = await bench.send(["other"])
    return receive, send


def test_number_of_groups_costs_nobody_anything():
    few = measured(lambda bench: costs_beside_other_groups(bench, 100))

    assert measured(lambda bench: costs_beside_other_groups(bench, 10_000)) == few


def test_queue_that_knows_no_group_is_asked_nothing_about_groups():
    async def scenario(bench):
        await bench.send([""] * 100)
        taken, *receive = await bench.receive(10)
        _, *delete = await bench.delete(taken)
        return receive, delete

    receive, delete = measured(scenario)

    assert receive == [35, 10]
    assert delete == [33, 0]


def test_batches_of_as_many_groups_keep_within_what_one_function_may_do(run):
    """The engine refuses a function of more than 2,000 operations."""

    async def scenario(it):
        await it.create("dead")
        await it.create("jobs", dead_letter_policy=model.DeadLetterPolicy("dead", 4))
        for first in range(0, 300, 100):
            entries = tuple(message_model.SendEntry(b"x", group_id=f"g{first + index}") for index in range(100))
            await it.call("BatchSendMessages", message_model.SendMessages(queue="jobs", entries=entries))

        async def all_of_them(timeout_s):
            held: list[message_model.Message] = []
            while len(held) < 300:
                got = await it.receive(100, visibility_timeout_s=timeout_s)
                assert got
                held += got
            return held

        async def change(held, timeout_s):
            for first in range(0, 300, 100):
                changes = tuple(
                    message_model.VisibilityChange(message.receipt_handle, timeout_s)
                    for message in held[first : first + 100]
                )
                answers = await it.call(
                    "BatchChangeMessageVisibility", message_model.ChangeVisibilities(queue="jobs", entries=changes)
                )
                assert answers == (None,) * 100

        held = await all_of_them(600)
        await change(held, 300)
        await change(held, 900)
        await it.advance(600)
        assert await it.counts() == (0, 300, 0)
        it.clock.advance(300_000)
        assert len(await it.receive(1, visibility_timeout_s=0)) == 1
        await it.advance(0)
        assert await it.counts() == (300, 0, 0)
        await it.advance(600)
        await change(await all_of_them(60), 0)
        await it.advance(0)
        while (await it.counts("dead"))[0] < 300:
            await it.receive(100, visibility_timeout_s=0)

        handles = []
        while got := await it.receive(100, queue="dead", visibility_timeout_s=5):
            handles += [message.receipt_handle for message in got]
        await it.advance(5)
        for first in range(0, 300, 100):
            batch = tuple(handles[first : first + 100])
            await it.call("BatchDeleteMessages", message_model.DeleteMessages(queue="dead", receipt_handles=batch))
        assert await it.counts("dead") == (0, 0, 0)

    run(scenario)


def test_many_noisy_groups_become_quiet_in_slices(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=3_600)
        for number in range(9):
            await it.send(*[b"x"] * 50, group_id=f"g{number}")
        held: list[message_model.Message] = []
        while len(held) < 300:
            held += await it.receive(10)
        await it.advance(60)
        for number in range(9):
            await it.send(b"more", group_id=f"g{number}")
        await it.receive(100)
        noisy = (await it.queue()).fairness.noisy_groups
        await it.restart()

        await it.advance(300)

        assert noisy >= 8
        assert (await it.queue()).fairness.noisy_groups == 0

    run(scenario)
