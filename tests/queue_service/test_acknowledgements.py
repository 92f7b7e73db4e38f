"""Exactly-once acknowledgement: each is answered for certain, again and again, over restarts."""

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cumulo.core.errors import ServiceError
from cumulo.queue_service import message_model, model
from cumulo.queue_service.acknowledgements import ACKS, WINDOW_MS
from cumulo.storage import failpoints
from cumulo.storage.engine import rows_under

NAMES = ("jobs", "jobs.fifo")
DONE, ALREADY, LOST = "done", "already", "LeaseLost"


@pytest.fixture(autouse=True)
def _unarmed():
    yield
    failpoints.disarm()


def answer(result):
    if isinstance(result, message_model.ItemError):
        return result.code
    return ALREADY if isinstance(result, message_model.AlreadyAcknowledged) else DONE


async def acknowledge(it, queue, *handles, **more):
    request = message_model.DeleteMessages(queue=queue, receipt_handles=handles, exactly_once=True, **more)
    return [answer(result) for result in await it.call("BatchDeleteMessages", request)]


async def remembered(it, queue):
    """How many rows remember acknowledgements."""
    place = it.service.desk.place(it.ctx, queue)
    partition = (await it.service.desk.find(place)).row.partition
    return await it.engine.read((partition,), lambda txn, _: len(list(rows_under(txn, partition + ACKS))), None)


def in_group(queue):
    return {"group_id": "g"} if model.is_fifo(queue) else {}


async def sent(it, queue, *bodies, **attributes):
    if model.is_fifo(queue):
        attributes["content_based_deduplication"] = True
    await it.create(queue, **attributes)
    await it.send(*bodies, queue=queue, **in_group(queue))


@pytest.mark.parametrize("queue", NAMES)
def test_repeated_acknowledgement_says_that_the_same_receipt_did_it(run, queue):
    async def scenario(it):
        await sent(it, queue, b"a", b"b")
        first, second = [message.receipt_handle for message in await it.receive(queue=queue)]

        answers = [await acknowledge(it, queue, first), await acknowledge(it, queue, first, second)]
        await it.restart()
        again = await acknowledge(it, queue, second, first)

        assert answers == [[DONE], [ALREADY, DONE]]
        assert again == [ALREADY, ALREADY]

    run(scenario)


@pytest.mark.parametrize("queue", NAMES)
def test_twice_in_one_batch_is_done_once(run, queue):
    async def scenario(it):
        await sent(it, queue, b"a")
        (message,) = await it.receive(queue=queue)

        assert await acknowledge(it, queue, message.receipt_handle, message.receipt_handle) == [DONE, ALREADY]

    run(scenario)


@pytest.mark.parametrize("queue", NAMES)
def test_lost_lease_is_told_whether_the_other_receiver_is_done_or_not(run, queue):
    async def scenario(it):
        await sent(it, queue, b"a", visibility_timeout_s=5)
        (lost,) = await it.receive(queue=queue)
        await it.advance(6)
        (held,) = await it.receive(queue=queue)

        before = await acknowledge(it, queue, lost.receipt_handle)
        done = await acknowledge(it, queue, held.receipt_handle)
        after = await acknowledge(it, queue, lost.receipt_handle, held.receipt_handle)

        assert (before, done, after) == ([LOST], [DONE], [LOST, ALREADY])

    run(scenario)


def test_lease_that_ended_still_acknowledges_while_nobody_else_was_handed_the_message(run):
    async def scenario(it):
        await sent(it, "jobs", b"a", visibility_timeout_s=5)
        (message,) = await it.receive()
        await it.advance(6)

        assert await acknowledge(it, "jobs", message.receipt_handle) == [DONE]

    run(scenario)


def test_lease_of_a_fifo_queue_ends_with_its_time(run):
    async def scenario(it):
        await sent(it, "jobs.fifo", b"a", visibility_timeout_s=5)
        (message,) = await it.receive(queue="jobs.fifo")
        await it.advance(6)

        assert await acknowledge(it, "jobs.fifo", message.receipt_handle) == [LOST]
        assert await it.counts("jobs.fifo") == (1, 0, 0)

    run(scenario)


@pytest.mark.parametrize("queue", NAMES)
def test_purge_loses_leases_and_changes_no_answer(run, queue):
    async def scenario(it):
        await sent(it, queue, b"a", b"b")
        done, purged = [message.receipt_handle for message in await it.receive(queue=queue)]
        await acknowledge(it, queue, done)
        await it.purge(queue)
        await it.advance(1)

        assert await acknowledge(it, queue, done, purged) == [ALREADY, LOST]

    run(scenario)


def test_single_form_raises_what_the_batch_answers(run):
    async def scenario(it):
        await sent(it, "jobs", b"a", visibility_timeout_s=5)
        (lost,) = await it.receive()
        await it.advance(6)
        (held,) = await it.receive()
        single = [
            message_model.DeleteMessages(queue="jobs", receipt_handles=(message.receipt_handle,), exactly_once=True)
            for message in (held, held, lost)
        ]

        assert await it.call("DeleteMessage", single[0]) is None
        assert isinstance(await it.call("DeleteMessage", single[1]), message_model.AlreadyAcknowledged)
        with pytest.raises(ServiceError, match="another receipt or none") as refused:
            await it.call("DeleteMessage", single[2])
        assert refused.value.row.code == LOST

    run(scenario)


@pytest.mark.parametrize("queue", NAMES)
def test_acknowledgement_is_remembered_for_a_window_and_forgotten_after_two(run, queue):
    async def scenario(it):
        await sent(it, queue, b"a", visibility_timeout_s=40_000)
        (message,) = await it.receive(queue=queue)
        await acknowledge(it, queue, message.receipt_handle)

        await it.advance(WINDOW_MS / 1000)
        within = await acknowledge(it, queue, message.receipt_handle)
        rows = await remembered(it, queue)
        await it.advance(WINDOW_MS / 1000)

        assert (within, rows) == ([ALREADY], 1)
        assert await remembered(it, queue) == 0
        assert await acknowledge(it, queue, message.receipt_handle) == [LOST]

    run(scenario)


def test_messages_of_one_receive_share_a_row_and_others_leave_none(run):
    async def scenario(it):
        await it.create()
        await it.send(*(b"%d" % number for number in range(40)))
        messages = await it.receive(40)

        await it.delete(messages[0].receipt_handle)
        nothing = await remembered(it, "jobs")
        for message in messages[1:20]:
            await acknowledge(it, "jobs", message.receipt_handle)
        await acknowledge(it, "jobs", *(message.receipt_handle for message in messages[20:]))

        assert (nothing, await remembered(it, "jobs")) == (0, 1)

    run(scenario)


def test_repeat_after_a_commit_whose_answer_was_lost_gets_the_answer(make_stand, tmp_path):
    async def scenario():
        it = make_stand(tmp_path / "engine")
        await it.open()
        await sent(it, "jobs", b"a", b"b")
        first, second = [message.receipt_handle for message in await it.receive()]
        told = []
        for point, handle in (("engine.after_commit", first), ("engine.before_commit", second)):
            failpoints.arm(f"{point}=error@1")
            with pytest.raises(ServiceError):
                await acknowledge(it, "jobs", handle)
            failpoints.disarm()
            await it.restart()
            told += await acknowledge(it, "jobs", handle)
        await it.close()

        assert told == [ALREADY, DONE]

    asyncio.run(scenario())


class AcknowledgedMessages(RuleBasedStateMachine):
    """Receivers that acknowledge late, twice, and after restarts, beside a model of who may."""

    def __init__(self, make_stand, queue):
        super().__init__()
        self.queue = queue
        self.loop = asyncio.new_event_loop()
        self.it = make_stand(None)

    @initialize()
    def begin(self):
        self.holder: dict[str, tuple[str, int] | None] = {}
        """Of each message that exists its latest receipt, None before the first."""
        self.receipts = []
        self.done = {}
        """The receipt that deleted each message that is gone, and when."""
        self.do(self.it.open())
        self.do(sent(self.it, self.queue, b"0", visibility_timeout_s=30))
        self.holder["0"] = None

    def do(self, work):
        return self.loop.run_until_complete(work)

    @rule()
    def send(self):
        body = str(len(self.holder) + len(self.done))
        self.do(self.it.send(body.encode(), queue=self.queue, **in_group(self.queue)))
        self.holder[body] = None

    @rule(count=st.integers(1, 3))
    def receive(self, count):
        for message in self.do(self.it.receive(count, queue=self.queue)):
            body = message.body.decode()
            assert body in self.holder
            self.holder[body] = (message.receipt_handle, self.it.clock.deadline_ms() + 30_000)
            self.receipts.append((body, message.receipt_handle))

    @precondition(lambda self: self.receipts)
    @rule(data=st.data())
    def acknowledge(self, data):
        body, handle = data.draw(st.sampled_from(self.receipts))
        (told,) = self.do(acknowledge(self.it, self.queue, handle))
        now_ms = self.it.clock.deadline_ms()
        if body in self.done:
            by, at_ms = self.done[body]
            expected = {ALREADY} if by == handle else {LOST}
            if now_ms - at_ms >= WINDOW_MS:
                expected.add(LOST)
        else:
            held = self.holder[body]
            assert held is not None
            latest, until_ms = held
            holds = latest == handle and (not model.is_fifo(self.queue) or now_ms < until_ms)
            expected = {DONE} if holds else {LOST}
            if holds:
                del self.holder[body]
                self.done[body] = (handle, now_ms)
        assert told in expected

    @rule(seconds=st.sampled_from([1, 31, 400, 1_300]))
    def pass_time(self, seconds):
        self.do(self.it.advance(seconds))

    @rule()
    def restart(self):
        self.do(self.it.restart())

    @invariant()
    def counts_agree(self):
        assert sum(self.do(self.it.counts(self.queue))) == len(self.holder)

    def teardown(self):
        assert self.do(self.it.problems()) == []
        self.do(self.it.close())
        self.loop.close()


@pytest.mark.parametrize("queue", NAMES)
def test_acknowledgements_agree_with_a_plain_model(make_stand, queue):
    class Machine(AcknowledgedMessages):
        def __init__(self):
            super().__init__(make_stand, queue)

    run_state_machine_as_test(Machine, settings=settings(max_examples=25, stateful_step_count=25, deadline=None))
