"""Messages in an object's own commit: both or neither, by the real queues."""

from typing import Any

import pytest

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.ports import EnclosedMessage
from cumulo.identity.principal_model import root_of
from cumulo.object_store import body_model, enclosures, object_model
from cumulo.queue_service import message_model
from cumulo.queue_service import model as queue_model
from cumulo.storage import failpoints
from cumulo.storage.memory import MemoryEngine

MIB = 1024 * 1024
SIZES = (5, 100_000)
"""Inline, and in a blob."""


def enclosed(queue: str, body: bytes, **more: Any) -> EnclosedMessage:
    return EnclosedMessage(queue, pb.SendMessageEntry(body=body, **more).SerializeToString())


@pytest.fixture
def with_queues(run: Any) -> Any:
    """Run a scenario on a stand whose messages go to real queues `jobs`, `small` and `steps.fifo`."""

    def play(scenario: Any) -> None:
        async def whole(stand: Any) -> None:
            queues = stand.queues

            async def peek(name: str) -> list[bytes]:
                page = await queues.call(stand.ctx, "PeekMessages", message_model.PeekMessages(queue=name))
                return [message.body for message in page.value.messages]

            stand.peek = peek
            for name in ("jobs", "small", "steps.fifo"):
                attributes = queue_model.QueueAttributes(
                    maximum_message_size_bytes=1024 if name == "small" else None,
                )
                await queues.call(stand.ctx, "CreateQueue", queue_model.CreateQueue(queue=name, attributes=attributes))
            await scenario(stand)

        run(whole)

    return play


@pytest.mark.parametrize("size", SIZES)
def test_object_and_messages_are_stored_in_one_commit(with_queues: Any, size: int) -> None:
    async def scenario(it: Any) -> None:
        before = it.engine.commits
        stored = await it.put(
            "k",
            b"x" * size,
            messages=(
                enclosed("jobs", b"a", delay_s=5),
                enclosed("steps.fifo", b"b", group_id="g", deduplication_id="d"),
            ),
        )

        assert it.engine.commits - before <= (1 if size < 65_536 else 2)  # a blob has its number from a commit before
        assert await it.get("k") == b"x" * size
        assert (await it.peek("jobs"), await it.peek("steps.fifo")) == ([b"a"], [b"b"])
        assert [len(sent.sequence_number) for sent in stored.messages] == [0, 20]

    with_queues(scenario)


@pytest.mark.parametrize("size", SIZES)
def test_message_that_cannot_be_stored_refuses_the_object(with_queues: Any, refused: Any, size: int) -> None:
    async def scenario(it: Any) -> None:
        ok = enclosed("jobs", b"a")
        for wrong, code in (
            (enclosed("small", b"x" * 1025), "InvalidParameterValue"),
            (enclosed("nowhere", b"x"), "QueueDoesNotExist"),
            (enclosed("jobs", b""), "MissingParameter"),
            (enclosed("steps.fifo", b"x"), "MissingParameter"),
        ):
            error = await refused(it.put("k", b"x" * size, messages=(ok, wrong)))
            assert error.row.code == code
        await it.swept()

        assert (await refused(it.head("k"))).row.code == "NoSuchKey"
        assert await it.peek("jobs") == []
        assert it.files() == set()

    with_queues(scenario)


def test_messages_that_were_encrypted_before_their_queue_changed_refuse_the_object(
    with_queues: Any, refused: Any
) -> None:
    async def scenario(it: Any) -> None:
        enclose = it.service.sender.enclose
        changes = [queue_model.QueueAttributes(kms_master_key_id="k")]

        async def enclose_and_race(ctx: CallContext, messages: Any) -> Any:
            ready = await enclose(ctx, messages)
            if it.races and changes:
                update = queue_model.UpdateQueue(queue="jobs", attributes=changes.pop())
                await it.queues.call(it.ctx, "UpdateQueue", update)
            it.races = True  # at the second time: when the body is there
            return ready

        it.races, it.service.sender.enclose = False, enclose_and_race
        error = await refused(it.put("k", b"x", messages=(enclosed("jobs", b"a"),)))

        assert error.row.retryable
        assert (await refused(it.head("k"))).row.code == "NoSuchKey"
        await it.put("k", b"x", messages=(enclosed("jobs", b"a"),))
        assert await it.peek("jobs") == [b"a"]

    with_queues(scenario)


def test_object_that_is_refused_sends_nothing(with_queues: Any, refused: Any) -> None:
    async def scenario(it: Any) -> None:
        await it.put("k", b"1")

        error = await refused(it.put("k", b"2", if_none_match="*", request_id="r", messages=(enclosed("jobs", b"a"),)))

        assert error.row.code == "PreconditionFailed"
        assert await it.peek("jobs") == []

    with_queues(scenario)


def test_repeated_put_gets_the_first_answer_and_sends_once(with_queues: Any, refused: Any) -> None:
    async def scenario(it: Any) -> None:
        messages = (enclosed("jobs", b"a"), enclosed("steps.fifo", b"b", group_id="g", deduplication_id="d"))

        first = await it.put("k", b"x", request_id="r", messages=messages)
        again = await it.put("k", b"x", request_id="r", messages=messages)
        other = await refused(it.put("k", b"x", request_id="r", messages=messages[:1]))

        assert again == first
        assert other.row.code == "IdempotentParameterMismatch"
        assert await it.peek("jobs") == [b"a"]

    with_queues(scenario)


def test_completed_upload_carries_messages_and_its_repeat_answers_them_again(with_queues: Any, refused: Any) -> None:
    async def scenario(it: Any) -> None:
        upload_id = await it.begin("k")
        part = await it.part("k", upload_id, 1, b"x")
        messages = (enclosed("jobs", b"a"), enclosed("steps.fifo", b"b", group_id="g", deduplication_id="d"))

        too_long = (enclosed("small", b"x" * 1025),)
        error = await refused(it.complete("k", upload_id, [part], messages=too_long))
        assert error.row.code == "InvalidParameterValue"
        assert (await refused(it.head("k"))).row.code == "NoSuchKey"

        first = await it.complete("k", upload_id, [part], messages=messages)
        again = await it.complete("k", upload_id, [part], messages=messages)
        other = await refused(it.complete("k", upload_id, [part]))

        assert len(first.messages) == 2
        assert again.messages == first.messages
        assert other.row.code == "NoSuchUpload"
        assert (await it.peek("jobs"), await it.peek("steps.fifo")) == ([b"a"], [b"b"])

    with_queues(scenario)


def test_fullest_commit_is_taken_and_remembered(with_queues: Any) -> None:
    """The engine refuses what is more than one function may do, and a remembered answer has a limit."""

    async def scenario(it: Any) -> None:
        body = b"x" * (enclosures.MESSAGES_BYTES_MAX // enclosures.MESSAGES_MAX - 300)
        messages = []
        for number in range(enclosures.MESSAGES_MAX):
            await it.queues.call(it.ctx, "CreateQueue", queue_model.CreateQueue(queue=f"q{number}.fifo"))
            messages.append(enclosed(f"q{number}.fifo", body, group_id="g" * 128, deduplication_id="d" * 128))

        stored = await it.put("k", b"x" * body_model.INLINE_BYTES_MAX, request_id="r", messages=tuple(messages))
        again = await it.put("k", b"x" * body_model.INLINE_BYTES_MAX, request_id="r", messages=tuple(messages))
        duplicates = await it.put("l", b"x", request_id="s", messages=tuple(messages))
        repeated = await it.put("l", b"x", request_id="s", messages=tuple(messages))

        assert stored == again
        assert duplicates == repeated
        assert duplicates.messages == stored.messages

    with_queues(scenario)


def test_messages_beyond_their_limits_are_refused(with_queues: Any, refused: Any) -> None:
    async def scenario(it: Any) -> None:
        many = await refused(it.put("k", b"x", messages=(enclosed("jobs", b"a"),) * 11))
        large = await refused(it.put("k", b"x", messages=(enclosed("jobs", b"a" * 150_000),) * 2))

        assert (many.row.code, large.row.code) == ("InvalidArgument", "InvalidArgument")
        assert many.values["parameter"] == "messages"
        assert await it.peek("jobs") == []

    with_queues(scenario)


def test_who_may_store_the_object_and_not_send_stores_nothing(with_queues: Any, refused: Any) -> None:
    async def scenario(it: Any) -> None:
        await it.open_to_public()
        await it.set_policy(
            {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::inbox/*"}
        )
        other = CallContext(principal=root_of("111111111111"), request_id="test")
        queue = "arn:aws:sqs:us-east-1:000000000000:jobs"

        await it.call("PutObject", object_model.PutObject(bucket="inbox", key="plain"), ctx=other)
        request = object_model.PutObject(bucket="inbox", key="k", messages=(enclosed(queue, b"a"),))
        error = await refused(it.call("PutObject", request, ctx=other))

        assert error.row.code == "AccessDenied"
        assert "sqs:SendMessage" in error.message
        assert (await refused(it.head("k"))).row.code == "NoSuchKey"
        assert await it.peek("jobs") == []

    with_queues(scenario)


def test_engine_that_cannot_span_partitions_answers_unimplemented(
    with_queues: Any, refused: Any, monkeypatch: Any
) -> None:
    async def scenario(it: Any) -> None:
        if not isinstance(it.engine, MemoryEngine):
            return
        monkeypatch.setattr(MemoryEngine, "atomic_across", False)

        error = await refused(it.put("k", b"x", messages=(enclosed("jobs", b"a"),)))
        monkeypatch.undo()

        assert error.row.grpc_status.name == "UNIMPLEMENTED"

    with_queues(scenario)


@pytest.mark.parametrize("size", SIZES)
def test_commit_that_has_to_run_twice_stores_once(with_queues: Any, size: int) -> None:
    async def scenario(it: Any) -> None:
        if isinstance(it.engine, MemoryEngine):
            return
        failpoints.arm("engine.rerun=error@1")
        try:
            await it.put("k", b"x" * size, messages=(enclosed("jobs", b"a"),))
        finally:
            failpoints.arm("")

        assert await it.peek("jobs") == [b"a"]
        assert await it.get("k") == b"x" * size

    with_queues(scenario)


def test_queue_whose_encryption_changes_meanwhile_refuses_the_object_for_now(with_queues: Any) -> None:
    async def scenario(it: Any) -> None:
        sender = it.service.sender
        enclosure = await sender.enclose(it.ctx, (enclosed("jobs", b"a"),))
        other = queue_model.QueueAttributes(managed_sse_enabled=False)
        await it.queues.call(it.ctx, "UpdateQueue", queue_model.UpdateQueue(queue="jobs", attributes=other))

        with pytest.raises(ServiceError) as caught:
            await it.engine.transact(enclosure.partitions, sender.store, enclosure)

        assert (caught.value.row.code, caught.value.row.retryable) == ("ServiceUnavailable", True)
        assert await it.peek("jobs") == []

    with_queues(scenario)
