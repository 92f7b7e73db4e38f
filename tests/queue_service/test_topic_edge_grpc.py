"""Topics over gRPC on real sockets: every method, both streams, errors."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from cumulo.api.queue.v1.queue_pb2 import LeaseRenewal, MessageAttribute
from cumulo.api.topics.v1 import topics_pb2 as pb
from cumulo.api.topics.v1.topics_pb2_grpc import TopicServiceStub
from cumulo.core.ports import Authenticated
from cumulo.gateway.rpc import RpcAdaptor
from cumulo.queue_service import edge_grpc_topics
from tests.queue_service.test_topics import Topics

METADATA = (("authorization", "Bearer root"),)
PARENT = "accounts/000000000000/regions/us-east-1/topics/news"
FULL = f"{PARENT}/subscriptions/s"
SHORT = "topics/news/subscriptions/s"
ARN = "arn:aws:sns:us-east-1:000000000000:news:s"


class OneToken:
    """Takes the token `root` for the root of the first account."""

    def __init__(self, principal):
        self.principal = principal

    def authenticate(self, token):
        assert token == "root"
        return Authenticated(self.principal, 0)


class Unobserved:
    def finished(self, *facts):
        pass


@pytest.fixture
def over_wire(run):
    """Run a scenario `(stand, call)` on a server and a channel; `call` names a method and gives its request."""

    def go(scenario):
        async def serve(it):
            news = Topics(it)
            rpc = RpcAdaptor(OneToken(it.ctx.principal), it.clock, it.randomness, Unobserved())
            server = grpc.aio.server()
            server.add_generic_rpc_handlers((edge_grpc_topics.handlers(news.service, it.service, rpc),))
            port = server.add_insecure_port("127.0.0.1:0")
            await server.start()
            try:
                async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                    stub = TopicServiceStub(channel)

                    def call(method, *request, **fields):
                        message = request or (getattr(pb, f"{method}Request")(**fields),)
                        return getattr(stub, method)(*message, metadata=METADATA)

                    await scenario(it, call)
                    assert await news.problems() == []
            finally:
                await server.stop(None)

        run(serve)

    return go


def reason(error):
    """The code in an error's `google.rpc.ErrorInfo`."""
    raw = dict(error.trailing_metadata())["grpc-status-details-bin"]
    info = ErrorInfo()
    next(it for it in Status.FromString(raw).details if it.Is(ErrorInfo.DESCRIPTOR)).Unpack(info)
    return info.reason


async def set_up(call, **settings):
    await call("CreateTopic", topic=pb.Topic(name="news"))
    await call("CreateSubscription", subscription=pb.Subscription(name=SHORT, **settings))


def test_topic_is_made_changed_listed_and_deleted(over_wire):
    async def scenario(_, call):
        topic = pb.Topic(name="news", attributes={"DisplayName": "News"}, keep_s=60)
        made = (await call("CreateTopic", topic=topic, tags={"team": "press"})).topic
        changed = (await call("UpdateTopic", topic=pb.Topic(name="news", keep_s=120))).topic
        mask = FieldMask(paths=["keep_s", "attributes"])
        reset = (
            await call("UpdateTopic", topic=pb.Topic(name="news", attributes={"DisplayName": ""}), update_mask=mask)
        ).topic
        listed = await call("ListTopics")

        assert (made.name, made.arn) == (PARENT, "arn:aws:sns:us-east-1:000000000000:news")
        assert (changed.keep_s, dict(changed.attributes)) == (120, {"DisplayName": "News"})
        assert (reset.keep_s, dict(reset.attributes)) == (0, {})
        assert [it.name for it in listed.topics] == [PARENT]
        await call("DeleteTopic", name="news")
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await call("GetTopic", name="news")
        assert (refusal.value.code(), reason(refusal.value)) == (grpc.StatusCode.NOT_FOUND, "NotFound")

    over_wire(scenario)


def test_call_with_the_same_request_id_is_done_once(over_wire):
    async def scenario(_, call):
        await call("CreateTopic", topic=pb.Topic(name="news"))
        subscription = pb.Subscription(name=SHORT)
        for _ in range(2):
            answer = await call("CreateSubscription", subscription=subscription, request_id="r1")
            assert answer.subscription.name == FULL
        for _ in range(2):
            await call("DeleteSubscription", name=SHORT, request_id="r2")
        for _ in range(2):
            await call("DeleteTopic", name="news", request_id="r3")

    over_wire(scenario)


def test_message_is_not_larger_than_its_topic_allows(over_wire):
    async def scenario(it, call):
        await call("CreateTopic", topic=pb.Topic(name="news"))
        large = {"topic": "news", "entries": [pb.PublishEntry(body=b"small"), pb.PublishEntry(body=b"a" * 262_145)]}
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await call("Publish", **large)
        assert "entries[1] Reason: Message too long" in str(refusal.value.details())
        await call("Publish", topic="news", entries=[pb.PublishEntry(body=b"a" * 262_144)] * 3)

        larger = pb.Topic(name="news", attributes={"MaximumMessageSize": "1048576"})
        await call("UpdateTopic", topic=larger)

        await call("Publish", **large)
        await call("CreateSubscription", subscription=pb.Subscription(name=SHORT))

    over_wire(scenario)


def test_subscription_is_made_changed_listed_and_ended(over_wire):
    async def scenario(it, call):
        await it.create("dead")
        await set_up(call, filter_policy='{"a": ["b"]}', ack_deadline_s=5)

        made = (await call("GetSubscription", name=ARN)).subscription
        mask = FieldMask(paths=["filter_policy", "dead_letter_queue", "max_deliveries"])
        changed = (
            await call(
                "UpdateSubscription",
                subscription=pb.Subscription(name=FULL, dead_letter_queue="dead", max_deliveries=9),
                update_mask=mask,
            )
        ).subscription
        listed = (await call("ListSubscriptions", topic="news")).subscriptions

        assert (made.name, made.arn, made.protocol, made.ack_deadline_s) == (FULL, ARN, "native", 5)
        assert made.filter_policy == '{"a": ["b"]}'
        assert (changed.filter_policy, changed.max_deliveries) == ("", 9)
        assert changed.dead_letter_queue.endswith("/queues/dead")
        assert [(it.name, it.protocol) for it in listed] == [(FULL, "native")]
        await call("DeleteSubscription", name=ARN)
        assert list((await call("ListSubscriptions", topic="news")).subscriptions) == []

    over_wire(scenario)


def test_published_message_is_pulled_held_given_back_and_acknowledged(over_wire):
    async def scenario(_, call):
        await set_up(call)
        attribute = MessageAttribute(data_type="String", string_value="b")
        entry = pb.PublishEntry(body=b"hello", subject="Hi", attributes={"a": attribute})
        (result,) = (await call("Publish", topic="news", entries=[entry])).results

        (message,) = (await call("Pull", subscription=SHORT, max_messages=5)).messages
        change = pb.DeadlineChange(receipt_handle=message.receipt_handle, ack_deadline_s=0)
        (changed,) = (await call("ModifyAckDeadline", subscription=ARN, entries=[change])).results
        (again,) = (await call("Pull", subscription=FULL)).messages
        (done,) = (await call("Acknowledge", subscription=FULL, receipt_handles=[again.receipt_handle])).results

        assert (message.message_id, message.body) == (result.published.message_id, b"hello")
        assert message.attributes["a"].string_value == "b"
        assert message.attributes["AWS.SNS.Subject"].string_value == "Hi"
        assert not changed.HasField("error")
        assert again.receive_count == 2
        assert not done.HasField("error")
        assert (await call("GetSubscription", name=SHORT)).subscription.in_flight_count == 0

    over_wire(scenario)


def test_streams_carry_messages_from_publisher_to_subscriber(over_wire):
    async def scenario(_, call):
        await set_up(call)

        async def frames():
            for number in range(5):
                entries = [pb.PublishEntry(body=b"%d" % (10 * number + one)) for one in range(10)]
                yield pb.StreamPublishRequest(topic="news" if not number else "", sequence=number + 1, entries=entries)

        subscribing: asyncio.Queue[Any] = asyncio.Queue()
        stream = call("StreamSubscribe", iter_of(subscribing))
        start = pb.StreamSubscribeStart(subscription=SHORT, renew_leases=LeaseRenewal(hold_max_s=60))
        subscribing.put_nowait(pb.StreamSubscribeRequest(start=start, credits=50))
        answers = [answer async for answer in call("StreamPublish", frames())]
        bodies: list[bytes] = []
        handles: list[str] = []
        while len(bodies) < 50:
            answer = await stream.read()
            bodies += [it.body for it in answer.messages]
            handles += [it.receipt_handle for it in answer.messages]
        change = pb.DeadlineChange(receipt_handle=handles[0])
        subscribing.put_nowait(
            pb.StreamSubscribeRequest(acks=handles[1:], deadline_changes=[change], sequence=1, credits=1)
        )
        rest = [await stream.read() for _ in range(2)]
        subscribing.put_nowait(None)

        assert [answer.sequence for answer in answers] == [1, 2, 3, 4, 5]
        assert all(it.published.message_id for answer in answers for it in answer.results)
        assert bodies == [b"%d" % number for number in range(50)]
        assert [it.sequence for answer in rest for it in answer.ack_results] == [1]
        assert [it.body for answer in rest for it in answer.messages] == [b"0"]
        assert await stream.read() == grpc.aio.EOF

    over_wire(scenario)


async def iter_of(queue):
    while (item := await queue.get()) is not None:
        yield item


def test_seek_and_snapshots_go_over_the_wire(over_wire):
    async def scenario(it, call):
        await call("CreateTopic", topic=pb.Topic(name="news", keep_s=600))
        await call("CreateSubscription", subscription=pb.Subscription(name=SHORT))
        snapshot = pb.Snapshot(name="topics/news/snapshots/start", subscription=SHORT)
        made = (await call("CreateSnapshot", snapshot=snapshot)).snapshot
        await call("Publish", topic="news", entries=[pb.PublishEntry(body=b"one")])

        for target in ({"end": True}, {"snapshot": made.name}, {"time_ms": it.clock.wall_ms()}):
            await call("SeekSubscription", subscription=SHORT, **target)
            await it.advance(0.001)
            messages = (await call("Pull", subscription=SHORT)).messages
            assert [it.body for it in messages] == ([] if "end" in target else [b"one"])

        assert made.name == f"{PARENT}/snapshots/start"
        (listed,) = (await call("ListSnapshots", topic="news")).snapshots
        assert (listed.subscription, listed.message_count) == (FULL, 1)
        await call("DeleteSnapshot", name=made.name)
        assert list((await call("ListSnapshots", topic="news")).snapshots) == []

    over_wire(scenario)


@pytest.mark.parametrize(
    ("method", "fields", "status", "code"),
    [
        ("Pull", {"subscription": "jobs"}, "INVALID_ARGUMENT", "InvalidParameter"),
        ("Pull", {"subscription": ""}, "INVALID_ARGUMENT", "MissingParameter"),
        ("Pull", {"subscription": "topics/news/subscriptions/none"}, "NOT_FOUND", "NotFound"),
        ("Pull", {"subscription": SHORT, "max_messages": 101}, "INVALID_ARGUMENT", "InvalidParameterValue"),
        ("Publish", {"topic": "news"}, "INVALID_ARGUMENT", "EmptyBatchRequest"),
        (
            "Publish",
            {"topic": "news", "entries": [pb.PublishEntry(body=b"\xff")]},
            "INVALID_ARGUMENT",
            "InvalidParameter",
        ),
        ("SeekSubscription", {"subscription": SHORT}, "INVALID_ARGUMENT", "MissingParameter"),
        ("SeekSubscription", {"subscription": SHORT, "time_ms": 5}, "FAILED_PRECONDITION", "TopicKeepsNothing"),
        ("ListTopics", {"page_size": 101}, "INVALID_ARGUMENT", "InvalidParameter"),
        ("CreateTopic", {"topic": pb.Topic(name="news", keep_s=59)}, "INVALID_ARGUMENT", "InvalidParameter"),
        (
            "UpdateTopic",
            {"topic": pb.Topic(name="news"), "update_mask": FieldMask(paths=["arn"])},
            "INVALID_ARGUMENT",
            "InvalidParameter",
        ),
    ],
)
def test_refusal_names_its_reason(over_wire, method, fields, status, code):
    async def scenario(_, call):
        await set_up(call)

        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await call(method, **fields)

        assert (refusal.value.code().name, reason(refusal.value)) == (status, code)

    over_wire(scenario)
