"""The life of messages: send, receive, delete, delay, limits, and what each costs."""

import hashlib

import pytest

from cumulo.core.errors import ServiceError
from cumulo.queue_service import invariants, message_model, stamping
from cumulo.queue_service.messages import Demand, _shares
from cumulo.storage.engine import ROOT


def test_message_is_received_with_what_was_sent(run):
    attributes = (message_model.MessageAttribute("colour", "String", b"red"),)

    async def scenario(it):
        await it.create()

        sent = (await it.send(b"hello", attributes=attributes))[0]
        message = (await it.receive())[0]

        assert message.body == b"hello"
        assert message.message_id == sent.message_id
        assert message.md5_of_body == sent.md5_of_body == hashlib.md5(b"hello").hexdigest()
        assert message.attributes == attributes
        assert message.sent_ms == it.clock.wall_ms()
        assert message.receive_count == 1
        assert message.first_received_ms == it.clock.deadline_ms()
        assert message.sender_id == it.ctx.principal.id

    run(scenario)


def test_messages_are_received_in_the_order_they_were_sent(run):
    async def scenario(it):
        await it.create()
        await it.send(*(b"%d" % number for number in range(25)))

        first = await it.receive(10)
        rest = await it.receive(100)

        assert [int(message.body) for message in first + rest] == list(range(25))

    run(scenario)


def test_received_message_is_invisible_until_its_timeout_ends(run):
    async def scenario(it):
        await it.create(visibility_timeout_s=30)
        await it.send(b"a")
        await it.receive()

        it.clock.advance(29_999)
        before = await it.receive()
        it.clock.advance(1)
        after = await it.receive()

        assert before == []
        assert [message.receive_count for message in after] == [2]

    run(scenario)


def test_deleted_message_does_not_come_back(run):
    async def scenario(it):
        await it.create()
        await it.send(b"a")

        await it.delete((await it.receive())[0].receipt_handle)
        await it.advance(3600)

        assert await it.receive() == []
        assert await it.counts() == (0, 0, 0)

    run(scenario)


def test_delayed_message_is_invisible_until_its_delay_ends(run):
    async def scenario(it):
        await it.create(delay_s=5)
        await it.send(b"queue's delay")
        await it.send(b"own delay", delay_s=10)
        await it.send(b"none", delay_s=0)
        counts = await it.counts()

        now = await it.receive()
        await it.advance(5)
        later = await it.receive()
        await it.advance(5)
        latest = await it.receive()

        assert counts == (1, 0, 2)
        assert [message.body for message in now + later + latest] == [b"none", b"queue's delay", b"own delay"]

    run(scenario)


@pytest.mark.parametrize("size", [63_000, 64_000, 64_001, 300_000, 1_048_576])
def test_large_body_comes_back_whole_and_leaves_nothing(run, size):
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    async def scenario(it):
        await it.create()
        await it.send(body)

        message = (await it.receive())[0]
        await it.delete(message.receipt_handle)
        await it.pump.run_due()

        assert message.body == body
        (partition,) = await it.engine.read((ROOT,), lambda txn, _: invariants.partitions(txn), None)
        rows = await it.engine.read((partition,), lambda txn, start: txn.range(start, start + b"\xff", 100), partition)
        assert len(rows) == 3, "record, counters and encryption key"

    run(scenario)


def test_answer_of_a_receive_holds_at_most_a_mebibyte_or_one_message(run):
    async def scenario(it):
        await it.create()
        for _ in range(3):
            await it.send(b"x" * 600_000)

        assert [len(await it.receive(3)) for _ in range(4)] == [1, 1, 1, 0]

    run(scenario)


@pytest.mark.parametrize(
    ("entry", "code", "words"),
    [
        (message_model.SendEntry(b""), "MissingParameter", "body"),
        (message_model.SendEntry(b"a", delay_s=31_622_401), "InvalidParameterValue", ">= 0 and <= 31622400"),
        (message_model.SendEntry(b"a", delay_s=-1), "InvalidParameterValue", "delay_s"),
        (message_model.SendEntry(b"x" * 1_048_577), "InvalidParameterValue", "1048576 bytes"),
        (message_model.SendEntry(b"x" * 2_000), "InvalidParameterValue", "1500 bytes"),
        (
            message_model.SendEntry(b"x" * 1_490, (message_model.MessageAttribute("a", "String", b"x" * 10),)),
            "InvalidParameterValue",
            "1500 bytes",
        ),
        (
            message_model.SendEntry(b"a", (message_model.MessageAttribute("", "String", b"x"),)),
            "InvalidParameterValue",
            "name",
        ),
    ],
)
def test_message_that_breaks_a_limit_is_refused(run, entry, code, words):
    async def scenario(it):
        await it.create(maximum_message_size_bytes=1_500)

        with pytest.raises(ServiceError) as refused:
            await it.call("SendMessage", message_model.SendMessages(queue="jobs", entries=(entry,)))

        assert refused.value.row.code == code
        assert words in refused.value.message
        assert await it.counts() == (0, 0, 0)

    run(scenario)


def test_bad_entry_of_a_batch_is_refused_alone(run):
    entries = (
        message_model.SendEntry(b"first"),
        message_model.SendEntry(b""),
        message_model.SendEntry(b"x" * 5_000),
        message_model.SendEntry(b"last"),
    )

    async def scenario(it):
        await it.create(maximum_message_size_bytes=1_024)

        answers = await it.call("BatchSendMessages", message_model.SendMessages(queue="jobs", entries=entries))

        assert [type(answer).__name__ for answer in answers] == ["SentMessage", "ItemError", "ItemError", "SentMessage"]
        assert [answers[1].code, answers[2].code] == ["MissingParameter", "InvalidParameterValue"]
        assert [message.body for message in await it.receive()] == [b"first", b"last"]

    run(scenario)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (message_model.SendMessages(queue="jobs", entries=()), "EmptyBatchRequest"),
        (
            message_model.SendMessages(queue="jobs", entries=(message_model.SendEntry(b"a"),) * 101),
            "TooManyEntriesInBatchRequest",
        ),
        (
            message_model.SendMessages(queue="jobs", entries=(message_model.SendEntry(b"a"),) * 11, entries_max=10),
            "TooManyEntriesInBatchRequest",
        ),
        (
            message_model.SendMessages(queue="jobs", entries=(message_model.SendEntry(b"x" * 600_000),) * 2),
            "BatchRequestTooLong",
        ),
    ],
)
def test_batch_that_breaks_a_limit_is_refused_whole(run, request_, code):
    async def scenario(it):
        await it.create()

        with pytest.raises(ServiceError) as refused:
            await it.call("BatchSendMessages", request_)

        assert refused.value.row.code == code

    run(scenario)


@pytest.mark.parametrize(
    "wrong",
    [{"max_messages": 0}, {"max_messages": 101}, {"wait_s": 21}, {"wait_s": -1}, {"visibility_timeout_s": 43_201}],
)
def test_receive_out_of_range_is_refused(run, wrong):
    async def scenario(it):
        await it.create()

        with pytest.raises(ServiceError) as refused:
            await it.call("ReceiveMessages", message_model.ReceiveMessages(queue="jobs", **wrong))

        assert refused.value.row.code == "InvalidParameterValue"
        assert next(iter(wrong)) in refused.value.message

    run(scenario)


def test_repeated_send_with_a_request_id_stores_once_and_answers_the_same_ids(run):
    request = message_model.SendMessages(
        queue="jobs", entries=tuple(message_model.SendEntry(b"%d" % n) for n in range(100)), request_id="r"
    )

    async def scenario(it):
        await it.create()

        first = await it.call("BatchSendMessages", request)
        again = await it.call("BatchSendMessages", request)

        assert first == again
        assert await it.counts() == (100, 0, 0)
        assert {message.message_id for message in await it.receive(100)} == {sent.message_id for sent in first}

    run(scenario)


def test_message_ids_are_uuids_of_version_4_and_a_prefix_of_longer_lists():
    ids = stamping.message_ids(b"seed" * 4, 100)

    assert len(set(ids)) == 100
    assert all(len(it) == 36 and it[14] == "4" and it[19] in "89ab" for it in ids)
    assert stamping.message_ids(b"seed" * 4, 3) == ids[:3]


@pytest.mark.parametrize(("size", "writes_max"), [(1, 9), (100, 6.1)])
def test_life_of_a_message_takes_no_more_writes_than_promised(run, size, writes_max):
    """In batches of one: 3 to send, 3 to receive, 3 to delete; the timers are armed already."""

    async def scenario(it):
        await it.create()
        written = []
        transact = it.engine.transact

        async def counting(partitions, function, request, **more):
            def counted(txn, request):
                result = function(txn, request)
                written.append(txn.writes)
                return result

            return await transact(partitions, counted, request, **more)

        async def live():
            await it.send(*[b"x"] * size)
            handles = tuple(message.receipt_handle for message in await it.receive(size))
            await it.call("BatchDeleteMessages", message_model.DeleteMessages(queue="jobs", receipt_handles=handles))

        await live()
        it.engine.transact = counting

        await live()

        assert sum(written) / size <= writes_max

    run(scenario)


@pytest.mark.parametrize(
    ("wishes", "available", "shares"),
    [([10, 10], 4, [2, 2]), ([1, 10], 5, [1, 4]), ([10, 10, 10], 2, [1, 1]), ([10], 100, [10]), ([5, 5], 0, [])],
)
def test_receivers_who_are_served_together_share_what_is_there(wishes, available, shares):
    assert _shares(tuple(Demand(wish, None, b"") for wish in wishes), available) == shares
