"""The gRPC edge over real sockets: unary calls, both streams, errors."""

import asyncio

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.api.queue.v1.queue_pb2_grpc import QueueServiceStub
from cumulo.queue_service import edge_grpc
from tests.queue_service.grpc_door import METADATA, reason, served


@pytest.fixture
def over_wire(run):
    """Run a scenario `(stand, stub)` on a server and a channel."""

    def go(scenario):
        async def serve(it):
            async with served(it, edge_grpc, it.service) as channel:
                await scenario(it, QueueServiceStub(channel))

        run(serve)

    return go


def test_queue_is_made_changed_listed_and_deleted(over_wire):
    async def scenario(it, stub):
        full = "accounts/000000000000/regions/us-east-1/queues/jobs"
        await stub.CreateQueue(pb.CreateQueueRequest(queue=pb.Queue(name="dead")), metadata=METADATA)

        made = await stub.CreateQueue(
            pb.CreateQueueRequest(
                queue=pb.Queue(
                    name="jobs", delay_s=3, dead_letter_policy=pb.DeadLetterPolicy(queue="dead", max_receive_count=4)
                )
            ),
            metadata=METADATA,
        )
        changed = await stub.UpdateQueue(
            pb.UpdateQueueRequest(
                queue=pb.Queue(name=full, visibility_timeout_s=0),
                update_mask=FieldMask(paths=["visibility_timeout_s", "delay_s"]),
            ),
            metadata=METADATA,
        )
        got = await stub.GetQueue(pb.GetQueueRequest(name="arn:aws:sqs:us-east-1:000000000000:jobs"), metadata=METADATA)
        first = await stub.ListQueues(pb.ListQueuesRequest(page_size=1), metadata=METADATA)
        second = await stub.ListQueues(
            pb.ListQueuesRequest(page_size=1, page_token=first.next_page_token), metadata=METADATA
        )
        await stub.DeleteQueue(pb.DeleteQueueRequest(name="jobs"), metadata=METADATA)
        left = await stub.ListQueues(pb.ListQueuesRequest(), metadata=METADATA)

        assert made.queue.name == full
        assert made.queue.dead_letter_policy.queue.endswith("/queues/dead")
        assert (made.queue.delay_s, changed.queue.delay_s) == (3, 0)
        assert (made.queue.visibility_timeout_s, changed.queue.visibility_timeout_s) == (30, 0)
        assert got.queue.fairness == pb.Fairness()
        got.queue.ClearField("fairness")
        assert got.queue == changed.queue
        assert [queue.arn.rpartition(":")[2] for page in (first, second) for queue in page.queues] == ["dead", "jobs"]
        assert [queue.name.rpartition("/")[2] for queue in left.queues] == ["dead"]

    over_wire(scenario)


def test_message_goes_through_unary_calls(over_wire):
    async def scenario(it, stub):
        await it.create()
        attributes = {
            "text": pb.MessageAttribute(data_type="String", string_value="grün"),
            "bytes": pb.MessageAttribute(data_type="Binary.png", binary_value=b"\x00\xff"),
        }

        sent = await stub.SendMessage(
            pb.SendMessageRequest(queue="jobs", body=b"hello", attributes=attributes), metadata=METADATA
        )
        received = await stub.ReceiveMessages(pb.ReceiveMessagesRequest(queue="jobs"), metadata=METADATA)
        message = received.messages[0]
        await stub.ChangeMessageVisibility(
            pb.ChangeMessageVisibilityRequest(
                queue="jobs", receipt_handle=message.receipt_handle, visibility_timeout_s=100
            ),
            metadata=METADATA,
        )
        await stub.DeleteMessage(
            pb.DeleteMessageRequest(queue="jobs", receipt_handle=message.receipt_handle), metadata=METADATA
        )

        assert (message.message_id, message.body, message.receive_count) == (sent.message_id, b"hello", 1)
        assert dict(message.attributes) == attributes
        assert await it.counts() == (0, 0, 0)

    over_wire(scenario)


@pytest.mark.parametrize(
    ("call", "code", "status"),
    [
        (("GetQueue", pb.GetQueueRequest(name="nope")), "QueueDoesNotExist", grpc.StatusCode.NOT_FOUND),
        (("GetQueue", pb.GetQueueRequest(name="a/b")), "InvalidParameterValue", grpc.StatusCode.INVALID_ARGUMENT),
        (("SendMessage", pb.SendMessageRequest(queue="jobs")), "MissingParameter", grpc.StatusCode.INVALID_ARGUMENT),
        (
            ("DeleteMessage", pb.DeleteMessageRequest(queue="jobs", receipt_handle="x")),
            "ReceiptHandleIsInvalid",
            grpc.StatusCode.INVALID_ARGUMENT,
        ),
        (
            ("ListQueues", pb.ListQueuesRequest(page_token="x")),
            "InvalidNextToken",
            grpc.StatusCode.INVALID_ARGUMENT,
        ),
        (
            ("CreateQueue", pb.CreateQueueRequest(queue=pb.Queue(name="jobs", delay_s=1))),
            "QueueNameExists",
            grpc.StatusCode.ALREADY_EXISTS,
        ),
        (
            ("CreateQueue", pb.CreateQueueRequest(queue=pb.Queue(name="a", deduplication_scope="queue"))),
            "InvalidAttributeValue",
            grpc.StatusCode.INVALID_ARGUMENT,
        ),
    ],
)
def test_refusal_carries_the_code_of_sqs(over_wire, call, code, status):
    async def scenario(it, stub):
        await it.create()
        method, request = call

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await getattr(stub, method)(request, metadata=METADATA)

        assert refused.value.code() is status
        assert reason(refused.value) == code

    over_wire(scenario)


def test_sending_stream_answers_each_frame_in_order(over_wire):
    async def frames():
        for number in range(20):
            entries = [pb.SendMessageEntry(body=b"%d" % (number * 10 + place)) for place in range(10)]
            if number == 3:
                entries[4] = pb.SendMessageEntry()
            yield pb.StreamSendMessagesRequest(queue="" if number else "jobs", sequence=number, entries=entries)

    async def scenario(it, stub):
        await it.create()

        answers = [answer async for answer in stub.StreamSendMessages(frames(), metadata=METADATA)]

        assert [answer.sequence for answer in answers] == list(range(20))
        assert [len(answer.results) for answer in answers] == [10] * 20
        assert answers[3].results[4].error.code == "MissingParameter"
        assert await it.counts() == (199, 0, 0)

    over_wire(scenario)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (pb.StreamSendMessagesRequest(entries=[pb.SendMessageEntry(body=b"a")]), "MissingParameter"),
        (
            pb.StreamSendMessagesRequest(queue="jobs", entries=[pb.SendMessageEntry(body=b"a")] * 101),
            "TooManyEntriesInBatchRequest",
        ),
        (
            pb.StreamSendMessagesRequest(queue="jobs", entries=[pb.SendMessageEntry(body=b"a" * 200_000)] * 2),
            "BatchRequestTooLong",
        ),
        (pb.StreamSendMessagesRequest(queue="nope", entries=[pb.SendMessageEntry(body=b"a")]), "QueueDoesNotExist"),
    ],
)
def test_bad_frame_ends_a_sending_stream(over_wire, frame, code):
    async def scenario(it, stub):
        await it.create()
        stream = stub.StreamSendMessages(metadata=METADATA)
        await stream.write(frame)

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stream.read()

        assert reason(refused.value) == code

    over_wire(scenario)


def test_receiving_stream_gives_as_many_as_there_are_credits_and_takes_acknowledgements(over_wire):
    async def scenario(it, stub):
        await it.create()
        await it.send(*(b"%d" % number for number in range(30)))
        stream = stub.StreamReceiveMessages(metadata=METADATA)

        await stream.write(
            pb.StreamReceiveMessagesRequest(start=pb.StreamReceiveMessagesStart(queue="jobs"), credits=25)
        )
        taken: list[pb.Message] = []
        while len(taken) < 25:
            taken += (await stream.read()).messages
        counts = await it.counts()
        handles = [message.receipt_handle for message in taken]
        await stream.write(
            pb.StreamReceiveMessagesRequest(
                acks=[*handles[:20], "bad"],
                visibility_changes=[
                    pb.VisibilityChange(receipt_handle=handle, visibility_timeout_s=0) for handle in handles[20:]
                ],
                sequence=1,
            )
        )
        answer = await stream.read()
        await stream.done_writing()
        rest = await stream.read()

        assert counts == (5, 25, 0)
        assert answer.ack_results[0].sequence == 1
        assert [failure.receipt_handle for failure in answer.ack_results[0].failures] == ["bad"]
        assert rest is grpc.aio.EOF
        assert await it.counts() == (10, 0, 0)

    over_wire(scenario)


def test_receiving_stream_wakes_up_for_a_message_that_comes_later(over_wire, settle):
    async def scenario(it, stub):
        await it.create()
        stream = stub.StreamReceiveMessages(metadata=METADATA)
        await stream.write(
            pb.StreamReceiveMessagesRequest(start=pb.StreamReceiveMessagesStart(queue="jobs"), credits=1)
        )
        while not it.service.parked:
            await settle()

        await it.send(b"late")
        frame = await stream.read()
        stream.cancel()

        assert [message.body for message in frame.messages] == [b"late"]

    over_wire(scenario)


@pytest.mark.parametrize(
    "frames",
    [
        [pb.StreamReceiveMessagesRequest(credits=1)],
        [pb.StreamReceiveMessagesRequest(start=pb.StreamReceiveMessagesStart(queue="jobs"), credits=10_001)],
        [pb.StreamReceiveMessagesRequest(start=pb.StreamReceiveMessagesStart(queue="jobs"), credits=-1)],
        [pb.StreamReceiveMessagesRequest(start=pb.StreamReceiveMessagesStart(queue="jobs"))] * 2,
        [pb.StreamReceiveMessagesRequest(start=pb.StreamReceiveMessagesStart(queue="jobs"), acks=["x"] * 1_001)],
    ],
)
def test_bad_frame_ends_a_receiving_stream(over_wire, frames):
    async def scenario(it, stub):
        await it.create()
        stream = stub.StreamReceiveMessages(metadata=METADATA)
        for frame in frames:
            await stream.write(frame)

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stream.read()

        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT

    over_wire(scenario)


def test_receiving_stream_ends_when_the_server_drains(over_wire, settle):
    async def scenario(it, stub):
        await it.create()
        stream = stub.StreamReceiveMessages(metadata=METADATA)
        await stream.write(
            pb.StreamReceiveMessagesRequest(start=pb.StreamReceiveMessagesStart(queue="jobs"), credits=1)
        )
        while not it.service.parked:
            await settle()

        draining = asyncio.ensure_future(it.service.drain())
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await stream.read()
        await draining
        await it.service.start()

        assert ended.value.code() is grpc.StatusCode.UNAVAILABLE

    over_wire(scenario)


def test_fifo_queue_is_used_over_grpc(over_wire):
    async def scenario(it, stub):
        made = await stub.CreateQueue(
            pb.CreateQueueRequest(queue=pb.Queue(name="jobs.fifo", content_based_deduplication=True)),
            metadata=METADATA,
        )
        one = await stub.SendMessage(
            pb.SendMessageRequest(queue="jobs.fifo", body=b"1", group_id="g"), metadata=METADATA
        )
        batch = await stub.BatchSendMessages(
            pb.BatchSendMessagesRequest(
                queue="jobs.fifo",
                entries=[
                    pb.SendMessageEntry(body=b"1", group_id="g"),
                    pb.SendMessageEntry(body=b"2", group_id="g", deduplication_id="d"),
                ],
            ),
            metadata=METADATA,
        )
        asked = pb.ReceiveMessagesRequest(queue="jobs.fifo", max_messages=10, attempt_id="try")
        received = (await stub.ReceiveMessages(asked, metadata=METADATA)).messages
        again = (await stub.ReceiveMessages(asked, metadata=METADATA)).messages

        assert (made.queue.content_based_deduplication, made.queue.deduplication_scope) == (True, "queue")
        assert batch.results[0].sent.sequence_number == one.sequence_number
        assert batch.results[0].sent.message_id == one.message_id
        assert [(it.body, it.group_id, it.sequence_number) for it in received] == [
            (b"1", "g", one.sequence_number),
            (b"2", "g", batch.results[1].sent.sequence_number),
        ]
        assert received[1].deduplication_id == "d"
        assert list(again) == list(received)

    over_wire(scenario)


def test_fair_queue_is_used_over_grpc(over_wire):
    async def scenario(it, stub):
        await stub.CreateQueue(pb.CreateQueueRequest(queue=pb.Queue(name="jobs")), metadata=METADATA)
        entries = [pb.SendMessageEntry(body=b"%d" % place, group_id="loud") for place in range(50)]
        await stub.BatchSendMessages(pb.BatchSendMessagesRequest(queue="jobs", entries=entries), metadata=METADATA)
        await stub.ReceiveMessages(pb.ReceiveMessagesRequest(queue="jobs", max_messages=40), metadata=METADATA)
        await stub.SendMessage(pb.SendMessageRequest(queue="jobs", body=b"x", group_id="quiet"), metadata=METADATA)
        it.clock.advance(3_000)

        shown = (await stub.GetQueue(pb.GetQueueRequest(name="jobs"), metadata=METADATA)).queue
        received = (
            await stub.ReceiveMessages(pb.ReceiveMessagesRequest(queue="jobs", max_messages=2), metadata=METADATA)
        ).messages

        assert shown.fairness == pb.Fairness(noisy_groups=1, message_count=1, oldest_age_s=3)
        assert [(it.body, it.group_id, it.sequence_number) for it in received] == [
            (b"x", "quiet", ""),
            (b"40", "loud", ""),
        ]

    over_wire(scenario)


def test_commit_over_queues_goes_over_the_wire(over_wire):
    async def scenario(it, stub):
        await it.create("jobs")
        await it.create("steps.fifo")
        await it.send(b"in")
        (message,) = await it.receive()
        entry = pb.SendMessageEntry(body=b"step", group_id="g", deduplication_id="d")
        request = pb.CommitMessagesRequest(
            sends=[
                pb.CommitSend(queue="jobs", entry=pb.SendMessageEntry(body=b"out", delay_s=5)),
                pb.CommitSend(queue="steps.fifo", entry=entry),
            ],
            deletes=[pb.CommitDelete(queue="jobs", receipt_handle=message.receipt_handle)],
            request_id="r",
        )

        committed = await stub.CommitMessages(request, metadata=METADATA)
        again = await stub.CommitMessages(request, metadata=METADATA)
        request.request_id = ""
        with pytest.raises(grpc.RpcError) as refused:
            await stub.CommitMessages(request, metadata=METADATA)

        assert committed == again
        assert [len(sent.sequence_number) for sent in committed.sent] == [0, 20]
        assert reason(refused.value) == "ReceiptHandleIsInvalid"
        assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert await it.counts() == (0, 0, 1)

    over_wire(scenario)


def test_queue_that_ends_by_itself_is_made_shown_and_kept_over_the_wire(over_wire):
    async def scenario(it, stub):
        asked = pb.Queue(name="jobs", expire_after_idle_s=60)
        made = await stub.CreateQueue(pb.CreateQueueRequest(queue=asked), metadata=METADATA)
        got = await stub.GetQueue(pb.GetQueueRequest(name="jobs"), metadata=METADATA)
        kept = await stub.UpdateQueue(
            pb.UpdateQueueRequest(queue=pb.Queue(name="jobs"), update_mask=FieldMask(paths=["expire_after_idle_s"])),
            metadata=METADATA,
        )
        with pytest.raises(grpc.RpcError) as refused:
            await stub.CreateQueue(
                pb.CreateQueueRequest(queue=pb.Queue(name="other", expire_after_idle_s=5)), metadata=METADATA
            )

        assert (made.queue.expire_after_idle_s, got.queue.expire_after_idle_s) == (60, 60)
        assert not kept.queue.HasField("expire_after_idle_s")
        assert reason(refused.value) == "InvalidAttributeValue"

    over_wire(scenario)
