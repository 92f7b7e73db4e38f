"""Commits over several queues: all or nothing, who may, and what a repeat gets."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.identity.policy import Principal, PrincipalKind
from cumulo.queue_service import message_model
from cumulo.queue_service.message_model import CommitDelete, CommitMessages, CommitSend, SendEntry
from cumulo.storage.memory import MemoryEngine

STEPS = "steps.fifo"


def send(queue: str, body: bytes, **more: Any) -> CommitSend:
    return CommitSend(queue, SendEntry(body, **more))


async def commit(it: Any, *items: CommitSend | CommitDelete, **more: Any) -> list[message_model.SentMessage]:
    sends = tuple(item for item in items if isinstance(item, CommitSend))
    deletes = tuple(item for item in items if isinstance(item, CommitDelete))
    return list(await it.call("CommitMessages", CommitMessages(sends=sends, deletes=deletes, **more)))


async def refused(awaitable: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await awaitable
    return caught.value


async def bodies(it: Any, queue: str) -> list[bytes]:
    return [message.body for message in await it.receive(100, queue=queue)]


async def peeked(it: Any, queue: str) -> list[bytes]:
    page = await it.call("PeekMessages", message_model.PeekMessages(queue=queue, max_messages=100))
    return sorted(message.body for message in page.messages)


async def three_queues(it: Any) -> None:
    for name in ("jobs", "done", STEPS):
        await it.create(name)


def test_sends_and_deletes_of_several_queues_are_one_commit(run):
    async def scenario(it):
        await three_queues(it)
        await it.send(b"in")
        (message,) = await it.receive()

        sent = await commit(
            it,
            send("done", b"out", delay_s=5),
            send(STEPS, b"step", group_id="g", deduplication_id="d"),
            send("done", b"more"),
            CommitDelete("jobs", message.receipt_handle),
        )

        assert await it.counts("jobs") == (0, 0, 0)
        assert await it.counts("done") == (1, 0, 1)
        assert (await it.receive(queue="done"))[0].message_id == sent[2].message_id
        (step,) = await it.receive(queue=STEPS)
        assert (step.message_id, step.sequence_number) == (sent[1].message_id, sent[1].sequence_number)
        assert [it.sequence_number != "" for it in sent] == [False, True, False]
        assert len({it.message_id for it in sent}) == 3

    run(scenario)


def test_deleted_message_and_what_was_made_of_it_survive_a_restart_together(run):
    async def scenario(it):
        await three_queues(it)
        await it.send(b"in")
        (message,) = await it.receive()
        await commit(it, send("done", b"out"), CommitDelete("jobs", message.receipt_handle))

        await it.restart()
        await it.advance(60)

        assert await bodies(it, "jobs") == []
        assert await bodies(it, "done") == [b"out"]

    run(scenario)


@pytest.mark.parametrize("ends", ["received again", "deleted", "purged"])
def test_commit_with_a_delete_that_no_longer_holds_does_nothing(run, ends):
    async def scenario(it):
        await three_queues(it)
        await it.send(b"in")
        (message,) = await it.receive(visibility_timeout_s=10)
        if ends == "received again":
            await it.advance(11)
            await it.receive()
        elif ends == "deleted":
            await it.delete(message.receipt_handle)
        else:
            await it.purge()

        error = await refused(commit(it, send("done", b"out"), CommitDelete("jobs", message.receipt_handle)))

        assert (error.row.code, error.row.grpc_status.name) == ("ReceiptHandleIsInvalid", "FAILED_PRECONDITION")
        assert error.values["item"] == "deletes[0]"
        assert await it.counts("done") == (0, 0, 0)

    run(scenario)


@pytest.mark.parametrize("ends", ["held no longer", "deleted"])
def test_commit_with_a_delete_from_a_fifo_queue_that_no_longer_holds_does_nothing(run, ends):
    async def scenario(it):
        await three_queues(it)
        await it.send(b"in", queue=STEPS, group_id="g", deduplication_id="d")
        (message,) = await it.receive(queue=STEPS, visibility_timeout_s=10)
        if ends == "deleted":
            await it.delete(message.receipt_handle, queue=STEPS)
        else:
            await it.advance(11)

        error = await refused(commit(it, send("done", b"out"), CommitDelete(STEPS, message.receipt_handle)))

        assert error.row.code == "ReceiptHandleIsInvalid"
        assert await it.counts("done") == (0, 0, 0)

    run(scenario)


def test_message_named_twice_refuses_the_commit(run):
    async def scenario(it):
        await three_queues(it)
        await it.send(b"in")
        (message,) = await it.receive()
        handle = message.receipt_handle

        error = await refused(commit(it, CommitDelete("jobs", handle), CommitDelete("jobs", handle)))

        assert error.values["item"] == "deletes[1]"
        assert await it.counts("jobs") == (0, 1, 0)

    run(scenario)


def test_one_send_that_its_queue_refuses_refuses_the_commit(run):
    async def scenario(it):
        await three_queues(it)
        await it.create("small", maximum_message_size_bytes=1024)

        too_long = await refused(commit(it, send("done", b"ok"), send("small", b"x" * 1025)))
        invalid = await refused(commit(it, send("done", b"ok"), send("done", b"no", delay_s=-1)))
        no_group = await refused(commit(it, send("done", b"ok"), send(STEPS, b"no")))
        no_id = await refused(commit(it, send("done", b"ok"), send(STEPS, b"no", group_id="g")))
        no_queue = await refused(commit(it, send("done", b"ok"), send("nowhere", b"no")))
        no_receipt = await refused(commit(it, send("done", b"ok"), CommitDelete("jobs", "forged")))

        assert "shorter than 1024" in too_long.message
        assert (too_long.values["item"], invalid.values["item"]) == ("sends[1]", "sends[1]")
        assert (no_group.row.code, no_queue.row.code) == ("MissingParameter", "QueueDoesNotExist")
        assert "ContentBasedDeduplication" in no_id.message
        assert (no_receipt.row.code, no_receipt.values["item"]) == ("ReceiptHandleIsInvalid", "deletes[0]")
        assert await it.counts("done") == (0, 0, 0)

    run(scenario)


def test_duplicate_for_a_fifo_queue_is_answered_as_the_first_was(run):
    async def scenario(it):
        await three_queues(it)
        step = send(STEPS, b"step", group_id="g", deduplication_id="d")
        (first,) = await commit(it, step)

        other, again = await commit(it, send("done", b"out"), step)

        assert (again.message_id, again.sequence_number) == (first.message_id, first.sequence_number)
        assert other.sequence_number == ""
        assert await it.counts(STEPS) == (1, 0, 0)
        assert await it.counts("done") == (1, 0, 0)

    run(scenario)


def test_repeated_request_id_gets_the_first_answer_and_does_nothing(run):
    async def scenario(it):
        await three_queues(it)
        await it.send(b"in")
        (message,) = await it.receive()
        step = send(STEPS, b"step", group_id="g", deduplication_id="d")
        await commit(it, step)
        items = (
            send("done", b"a"),
            step,
            send(STEPS, b"next", group_id="g", deduplication_id="e"),
            send("done", b"b"),
            CommitDelete("jobs", message.receipt_handle),
        )
        first = await commit(it, *items, request_id="r")

        await it.restart()
        again = await commit(it, *items, request_id="r")
        other = await refused(commit(it, send("done", b"z"), request_id="r"))
        await it.remove(STEPS)
        still = await commit(it, *items, request_id="r")

        assert first == again == still
        assert other.row.code == "IdempotentParameterMismatch"
        assert await it.counts("done") == (2, 0, 0)

    run(scenario)


def test_full_commit_under_a_request_id_is_remembered(run):
    """All that can be remembered: every queue, and as many duplicates as there may be, in the second commit."""

    async def scenario(it):
        queues = [f"q{number}.fifo" for number in range(message_model.COMMIT_QUEUES_MAX)]
        for name in queues:
            await it.create(name)
        sends = [
            send(queues[number % len(queues)], b"x", group_id="g", deduplication_id=f"{number}")
            for number in range(message_model.COMMIT_FIFO_REMEMBERED_MAX)
        ]
        first = await commit(it, *sends)

        assert await commit(it, *sends, request_id="r") == first
        assert await commit(it, *sends, request_id="r") == first
        error = await refused(commit(it, *sends, sends[0], request_id="s"))
        assert error.row.code == "TooManyEntriesInBatchRequest"

    run(scenario)


def test_receivers_parked_at_every_queue_are_woken(run, settle):
    async def scenario(it):
        await three_queues(it)
        receivers = [asyncio.ensure_future(it.receive(queue=name, wait_s=20)) for name in ("jobs", "done", STEPS)]
        while it.service.parked < 3:
            await settle()

        await commit(it, send("jobs", b"a"), send("done", b"b"), send(STEPS, b"c", group_id="g", deduplication_id="d"))

        assert [(await receiver)[0].body for receiver in receivers] == [b"a", b"b", b"c"]

    run(scenario)


def test_commit_beyond_its_limits_is_refused(run):
    async def scenario(it):
        await three_queues(it)

        empty = await refused(commit(it))
        items = await refused(commit(it, *[send("jobs", b"x")] * (message_model.COMMIT_ITEMS_MAX + 1)))
        queues = await refused(commit(it, *(send(f"q{n}", b"x") for n in range(message_model.COMMIT_QUEUES_MAX + 1))))
        large = await refused(commit(it, send("jobs", b"x" * 600_000), send("done", b"x" * 600_000)))
        elsewhere = await refused(
            commit(it, send("jobs", b"x"), send("arn:aws:sqs:us-east-1:111111111111:other", b"x"))
        )

        assert empty.row.code == "EmptyBatchRequest"
        assert items.row.code == "TooManyEntriesInBatchRequest"
        assert "20 at most" in queues.message
        assert large.row.code == "BatchRequestTooLong"
        assert "belong to one account" in elsewhere.message
        assert await it.counts("jobs") == (0, 0, 0)

    run(scenario)


def test_engine_that_cannot_span_partitions_answers_unimplemented_for_several_queues_only(make_stand, monkeypatch):
    monkeypatch.setattr(MemoryEngine, "atomic_across", False)

    async def scenario():
        it = make_stand(None)
        await it.open()
        await it.create("jobs")
        await it.create("done")

        error = await refused(commit(it, send("jobs", b"a"), send("done", b"b")))
        await commit(it, send("jobs", b"a"), send("jobs", b"b"))

        assert error.row.grpc_status.name == "UNIMPLEMENTED"
        assert await it.counts("jobs") == (2, 0, 0)
        await it.close()

    asyncio.run(scenario())


def test_largest_commits_keep_within_what_one_function_may_do(run):
    """The engine refuses a function of more than 2,000 operations."""

    async def scenario(it):
        count, half = message_model.COMMIT_QUEUES_MAX, message_model.COMMIT_ITEMS_MAX // 2
        queues = [f"q{number}.fifo" for number in range(count)]
        for name in queues:
            await it.create(name, content_based_deduplication=True)

        def steps(first, amount):
            return [send(queues[n % count], b"%d" % n, group_id=f"g{n}") for n in range(first, first + amount)]

        await commit(it, *steps(0, 2 * half))
        handles = []
        for name in queues:
            handles += [CommitDelete(name, one.receipt_handle) for one in await it.receive(100, queue=name)]
        await commit(it, *steps(1_000, half), *handles[:half])
        await commit(it, *handles[half:])

        assert sum([(await it.counts(name))[0] for name in queues]) == half

    run(scenario)


def test_each_queue_is_decided_for_itself_and_one_refusal_refuses_all(run):
    async def scenario(it):
        policy = (
            '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},'
            '"Action":"sqs:SendMessage","Resource":"*"}]}'
        )
        await it.create("open", policy=policy)
        await it.create("shut")
        await it.send(b"in", queue="open")
        (message,) = await it.receive(queue="open")
        other = Principal(
            kind=PrincipalKind.ROOT, account="111111111111", arn="arn:aws:iam::111111111111:root", id="111111111111"
        )
        ctx = CallContext(principal=other, request_id="test")
        open_, shut = (f"arn:aws:sqs:us-east-1:000000000000:{name}" for name in ("open", "shut"))

        def of_other(*sends, deletes=()):
            return it.service.call(ctx, "CommitMessages", CommitMessages(sends=sends, deletes=deletes))

        await of_other(send(open_, b"a"))
        no_send = await refused(of_other(send(open_, b"b"), send(shut, b"b")))
        no_delete = await refused(of_other(send(open_, b"c"), deletes=(CommitDelete(open_, message.receipt_handle),)))
        unseen = await refused(of_other(send(open_, b"d"), send(shut + "-not-there", b"d")))

        assert {error.row.code for error in (no_send, no_delete, unseen)} == {"AccessDenied"}
        assert await it.counts("open") == (1, 1, 0)
        assert await it.counts("shut") == (0, 0, 0)

    run(scenario)


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("send")),
        st.tuples(st.just("receive")),
        st.tuples(st.just("hand on"), st.integers(0, 5), st.booleans()),
        st.tuples(st.just("advance"), st.integers(1, 20)),
        st.tuples(st.just("restart")),
    ),
    max_size=25,
)


async def hand_on_at_random(it: Any, acts: list[tuple[Any, ...]]) -> None:
    """Whatever handles are used, fresh or stale: each message of `jobs` is there, or its two results are, once."""
    for name in ("jobs", "done", STEPS):
        await it.create(name, visibility_timeout_s=10)
    sent = 0
    held: list[message_model.Message] = []
    for act in acts:
        match act:
            case ("send",):
                await it.send(b"%d" % sent)
                sent += 1
            case ("receive",):
                held += await it.receive(2)
            case ("hand on", choice, fails) if held:
                message = held[choice % len(held)]
                items: list[CommitSend | CommitDelete] = [
                    send("done", message.body),
                    send(STEPS, message.body, group_id="g", deduplication_id=f"{len(held)}{choice}{message.body!r}"),
                    CommitDelete("jobs", message.receipt_handle),
                ]
                if fails:
                    items.append(send("nowhere", b"x"))
                try:
                    await commit(it, *items)
                    assert not fails
                except ServiceError as error:
                    assert error.row.code in ("ReceiptHandleIsInvalid", "QueueDoesNotExist")  # noqa: PT017
            case ("advance", seconds):
                await it.advance(seconds)
            case ("restart",):
                await it.restart()
    left, done, steps = [await peeked(it, name) for name in ("jobs", "done", STEPS)]
    assert done == steps
    assert sorted(left + done) == sorted(b"%d" % number for number in range(sent))
    assert await it.problems() == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTS)
def test_message_is_handed_on_exactly_once_or_still_there(make_stand, acts):
    async def scenario():
        it = make_stand(None)
        await it.open()
        try:
            await hand_on_at_random(it, acts)
        finally:
            await it.close()

    asyncio.run(scenario())
