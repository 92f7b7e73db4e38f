"""Parked receivers: who is woken, in which order, at what cost, and what becomes of messages of those who leave."""

import asyncio
import time

import pytest

from cumulo.core.errors import ServiceError
from cumulo.queue_service import message_model
from cumulo.queue_service.kinds import receive_messages


def park(it, count=1, **more):
    """Start a receive that waits."""
    return asyncio.ensure_future(it.receive(count, **({"wait_s": 20} | more)))


async def until(condition, settle):
    while not condition():
        await settle()


def bodies(receiver):
    return [message.body for message in receiver.result()]


def test_parked_receiver_is_woken_by_a_send(run, settle):
    async def scenario(it):
        await it.create()
        receiver = park(it)
        await until(lambda: it.service.parked, settle)

        await it.send(b"a")
        await receiver

        assert bodies(receiver) == [b"a"]
        assert it.service.parked == 0

    run(scenario)


def test_queue_says_how_long_a_receive_waits_that_does_not_say_it(run, settle):
    async def scenario(it):
        await it.create(receive_wait_s=20)
        receiver = asyncio.ensure_future(it.receive())
        await until(lambda: it.service.parked, settle)

        await it.send(b"a")
        await receiver

        assert bodies(receiver) == [b"a"]

    run(scenario)


def test_waiting_receive_takes_at_once_what_is_there(run):
    async def scenario(it):
        await it.create()
        await it.send(b"a")

        assert [message.body for message in await it.receive(wait_s=20)] == [b"a"]

    run(scenario)


def test_receiver_leaves_with_nothing_when_its_wait_ends(run):
    async def scenario(it):
        await it.create()

        started = time.monotonic()
        messages = await it.receive(wait_s=1)

        assert messages == []
        assert 0.9 < time.monotonic() - started < 5
        assert it.service.parked == 0

    run(scenario)


def test_receivers_are_served_first_come_first(run, settle):
    async def scenario(it):
        await it.create()
        receivers = [park(it) for _ in range(4)]
        await until(lambda: it.service.parked == 4, settle)

        await it.send(b"0", b"1")
        await asyncio.wait(receivers[:2])
        parked = it.service.parked
        await it.send(b"2", b"3")
        await asyncio.wait(receivers)

        assert parked == 2
        assert [bodies(receiver) for receiver in receivers] == [[b"0"], [b"1"], [b"2"], [b"3"]]

    run(scenario)


def test_commit_that_makes_n_messages_ready_wakes_n_receivers_with_one_transaction(run, settle):
    async def scenario(it):
        await it.create()
        receivers = [park(it, 10) for _ in range(50)]
        await until(lambda: it.service.parked == 50, settle)
        served = []
        transact = it.engine.transact

        async def counting(partitions, function, request, **more):
            if function is receive_messages:
                served.append(len(request.demands))
            return await transact(partitions, function, request, **more)

        it.engine.transact = counting
        await it.send(*[b"x"] * 5)
        done, _ = await asyncio.wait(receivers, return_when=asyncio.FIRST_COMPLETED)
        await settle()

        assert served == [5]
        assert [len(receiver.result()) for receiver in done] == [1] * 5
        assert it.service.parked == 45
        for receiver in receivers:
            receiver.cancel()
        await asyncio.wait(receivers)

    run(scenario)


@pytest.mark.parametrize("event", ["delay", "lease", "nack"])
def test_parked_receiver_is_woken_when_a_message_comes_back(run, settle, event):
    async def scenario(it):
        await it.create(visibility_timeout_s=10)
        await it.send(b"a", delay_s=10 if event == "delay" else 0)
        taken = await it.receive()
        receiver = park(it)
        await until(lambda: it.service.parked, settle)

        if event == "nack":
            await it.hold(taken[0].receipt_handle, 0)
        else:
            await it.advance(10)
        await receiver

        assert bodies(receiver) == [b"a"]

    run(scenario)


def test_thousand_parked_receivers_cost_no_cpu_and_are_all_served(run, settle):
    async def scenario(it):
        await it.create()
        receivers = [park(it) for _ in range(1_000)]
        await until(lambda: it.service.parked == 1_000, settle)

        started = time.process_time()
        await asyncio.sleep(0.5)
        idle = time.process_time() - started
        for _ in range(10):
            await it.send(*[b"x"] * 100)
        await asyncio.wait(receivers)

        assert idle < 0.02
        assert {len(receiver.result()) for receiver in receivers} == {1}
        assert len({receiver.result()[0].message_id for receiver in receivers}) == 1_000
        assert await it.counts() == (0, 1_000, 0)

    run(scenario)


def test_more_messages_than_one_transaction_serves_reach_all_who_wait(run, settle):
    async def scenario(it):
        await it.create()
        receivers = [park(it, 100) for _ in range(5)]
        await until(lambda: it.service.parked == 5, settle)

        for _ in range(5):
            await it.send(*[b"x"] * 100)
        await asyncio.wait(receivers)
        taken = sum(len(receiver.result()) for receiver in receivers)

        assert taken + (await it.counts())[0] == 500

    run(scenario)


def test_cancelled_receiver_leaves_the_line_and_the_next_gets_the_message(run, settle):
    async def scenario(it):
        await it.create()
        first, second = park(it), park(it)
        await until(lambda: it.service.parked == 2, settle)

        first.cancel()
        await asyncio.wait((first,))
        await it.send(b"a")
        await second

        assert bodies(second) == [b"a"]
        assert await it.counts() == (0, 1, 0)

    run(scenario)


@pytest.mark.parametrize("turns", range(8))
@pytest.mark.parametrize("wait_s", [0, 20])
def test_message_taken_for_a_receiver_who_left_is_put_back(run, settle, turns, wait_s):
    """Whenever in the course of a receive its caller leaves, the message is visible to the next."""

    async def scenario(it):
        await it.create(visibility_timeout_s=10_000)
        await it.send(b"a")

        receiver = park(it, wait_s=wait_s)
        for _ in range(turns):
            await asyncio.sleep(0)
        left = receiver.cancel()
        await asyncio.wait((receiver,))
        await it.service.drain()
        await it.service.start()

        if left:
            assert await it.counts() == (1, 0, 0)
        else:
            assert bodies(receiver) == [b"a"]

    run(scenario)


def test_message_put_back_counts_its_receive(run, settle):
    async def scenario(it):
        await it.create(visibility_timeout_s=10_000)
        receiver = park(it)
        await until(lambda: it.service.parked, settle)
        transact = it.engine.transact

        async def leave_after_commit(partitions, function, request, **more):
            result = await transact(partitions, function, request, **more)
            if function is receive_messages:
                receiver.cancel()
            return result

        it.engine.transact = leave_after_commit
        await it.send(b"a")
        await asyncio.wait((receiver,))
        it.engine.transact = transact
        await until(lambda: not it.service._background, settle)

        assert receiver.cancelled()
        assert [message.receive_count for message in await it.receive()] == [2]

    run(scenario)


def test_drain_answers_everyone_with_nothing_and_nobody_parks_afterwards(run, settle):
    async def scenario(it):
        await it.create()
        receivers = [park(it) for _ in range(20)]
        await until(lambda: it.service.parked == 20, settle)

        await it.service.drain()
        await asyncio.wait(receivers)
        late = await it.receive(wait_s=20)
        await it.service.start()

        assert [receiver.result() for receiver in receivers] == [[]] * 20
        assert late == []

    run(scenario)


def test_who_waits_for_a_queue_hears_that_it_is_deleted(run, settle):
    async def scenario(it):
        await it.create()
        receivers = [park(it) for _ in range(3)]
        await until(lambda: it.service.parked == 3, settle)

        await it.remove()
        await asyncio.wait(receivers)

        assert [receiver.exception().row.code for receiver in receivers] == ["QueueDoesNotExist"] * 3

    run(scenario)


def test_receiver_waits_for_a_queue_with_too_many_messages_in_flight_until_one_is_deleted(run, settle):
    async def scenario(it):
        it.service.desk.in_flight_max = 3
        await it.create()
        await it.send(*[b"x"] * 5)
        taken = await it.receive(5)
        with pytest.raises(ServiceError) as refused:
            await it.receive()
        receiver = park(it)
        await until(lambda: it.service.parked, settle)

        await it.delete(taken[0].receipt_handle)
        await receiver

        assert len(taken) == 3
        assert refused.value.row.code == "OverLimit"
        assert len(receiver.result()) == 1

    run(scenario)


def test_receivers_of_one_queue_do_not_hold_up_another(run, settle):
    async def scenario(it):
        await it.create("jobs")
        await it.create("other")
        receiver, other = park(it), park(it, queue="other")
        await until(lambda: it.service.parked == 2, settle)

        await it.send(b"b", queue="other")
        await other

        assert bodies(other) == [b"b"]
        assert not receiver.done()
        receiver.cancel()
        await asyncio.wait((receiver,))

    run(scenario)


def test_parking_is_refused_beyond_the_limit(run, settle, monkeypatch):
    monkeypatch.setattr("cumulo.queue_service.waiting.WAITERS_MAX", 2)

    async def scenario(it):
        await it.create()
        receivers = [park(it), park(it)]
        await until(lambda: it.service.parked == 2, settle)

        with pytest.raises(ServiceError) as refused:
            await it.call("ReceiveMessages", message_model.ReceiveMessages(queue="jobs", wait_s=20))

        assert refused.value.row.code == "ServiceUnavailable"
        for receiver in receivers:
            receiver.cancel()
        await asyncio.wait(receivers)

    run(scenario)
