"""Topics: subscriptions, and messages on their way to queues."""

import asyncio
import json

import pytest

from cumulo.core.errors import ServiceError
from cumulo.queue_service import topic_invariants
from cumulo.queue_service import topic_model as topics
from cumulo.queue_service.message_model import MessageAttribute
from cumulo.queue_service.topic_service import TopicService
from cumulo.queue_service.topics import CLEARED_MAX
from cumulo.storage import tuples
from cumulo.storage.engine import ROOT

FOREVER_MS = 1 << 62
BASE_URL = "http://127.0.0.1:4566"


class NoSignature:
    """Signs by saying what it was asked to sign, for tests that look at other things."""

    def sign(self, text: str, version: str) -> str:
        return f"{version}:{len(text)}"

    def certificate_path(self) -> str:
        return "/SimpleNotificationService-0000.pem"


def _partitions(txn):
    return [name.partition for name in topic_invariants.names(txn)]


class Topics:
    """A service of topics beside the queues of a stand, and short forms of its calls."""

    def __init__(self, it, **carriers):
        self.it = it
        queues = it.service
        self.service = TopicService(
            it.engine,
            queues.authorizer,
            it.clock,
            it.randomness,
            it.sealer,
            queues.seals,
            NoSignature(),
            carriers,
            notice_seals=it.notice_seals,
        )
        self.service.base_url = BASE_URL
        for kind, handler in self.service.due_handlers().items():
            it.pump.register(kind, handler)

    async def problems(self):
        """What is wrong with topics on disk."""
        entries = await self.it.engine.take_due(FOREVER_MS, 10_000)

        def look(txn, _):
            return topic_invariants.check(txn) + topic_invariants.check_due(txn, entries)

        # As `cumulo check` looks: it may read more than one function may.
        return await self.it.engine.inspect(look, None)

    async def call(self, request):
        return (await self.service.call(self.it.ctx, type(request).__name__, request)).value

    async def create(self, name="news", **attributes):
        if name.endswith(".fifo"):
            attributes["FifoTopic"] = "true"
        return await self.call(topics.CreateTopic(topic=name, attributes=attributes))

    async def subscribe(self, queue, topic="news", **attributes):
        arn = (await self.it.queue(queue)).arn
        return await self.call(topics.Subscribe(topic=topic, protocol="sqs", endpoint=arn, attributes=attributes))

    async def publish(self, *bodies, topic="news", **more):
        entries = tuple(topics.PublishEntry(body=body, **more) for body in bodies)
        return await self.call(topics.Publish(topic=topic, entries=entries))


def with_topics(scenario):
    """Run a scenario on topics; afterwards every invariant must hold."""

    async def checked(it):
        news = Topics(it)
        await scenario(news)
        assert await news.problems() == []

    return checked


def test_message_reaches_every_queue_that_subscribed(run):
    async def scenario(news):
        it = news.it
        await news.create()
        for name in ("a", "b"):
            await it.create(name)
            await news.subscribe(name)

        (sent,) = await news.publish("hello", subject="greeting")

        for name in ("a", "b"):
            (message,) = await it.receive(queue=name)
            document = json.loads(message.body)
            assert document["Message"] == "hello"
            assert document["Subject"] == "greeting"
            assert document["MessageId"] == sent.message_id
            assert document["TopicArn"] == "arn:aws:sns:us-east-1:000000000000:news"

    run(with_topics(scenario))


def test_raw_delivery_hands_on_body_and_attributes(run):
    async def scenario(news):
        it = news.it
        await news.create()
        await it.create("a")
        await news.subscribe("a", RawMessageDelivery="true")
        attribute = MessageAttribute("kind", "String", b"greeting")

        await news.publish("hello", attributes=(attribute,))

        (message,) = await it.receive(queue="a")
        assert message.body == b"hello"
        assert message.attributes == (attribute,)

    run(with_topics(scenario))


def test_filter_policies_choose(run):
    async def scenario(news):
        it = news.it
        await news.create()
        for name in ("orders", "others", "large"):
            await it.create(name)
        await news.subscribe("orders", FilterPolicy='{"kind": ["order"]}')
        await news.subscribe("others", FilterPolicy='{"kind": [{"anything-but": "order"}]}')
        await news.subscribe(
            "large", FilterPolicy='{"size": [{"numeric": [">", 10]}]}', FilterPolicyScope="MessageBody"
        )

        await news.publish('{"size": 11}', attributes=(MessageAttribute("kind", "String", b"order"),))
        await news.publish('{"size": 9}', attributes=(MessageAttribute("kind", "String", b"bill"),))

        assert [(await it.queue(name)).message_count for name in ("orders", "others", "large")] == [1, 1, 1]

    run(with_topics(scenario))


def test_message_for_many_reaches_all_of_them_through_the_outbox(run):
    async def scenario(news):
        it = news.it
        await news.create()
        names = [f"q{number}" for number in range(150)]
        for name in names:
            await it.create(name)
            await news.subscribe(name)

        await news.publish("one", "two")
        await it.advance(0.001)

        assert [(await it.queue(name)).message_count for name in names] == [2] * 150

    run(with_topics(scenario))


@pytest.mark.parametrize("others", [1, 150])
def test_raw_message_that_sqs_would_refuse_holds_back_no_other_subscriber(run, others):
    async def scenario(news):
        it = news.it
        await news.create()
        names = [f"q{number}" for number in range(others)]
        await it.create("strict")
        await news.subscribe("strict", RawMessageDelivery="true")
        for name in names:
            await it.create(name)
            await news.subscribe(name)
        attributes = tuple(MessageAttribute(f"name-{number}", "String", b"value") for number in range(11))

        await news.publish("too many attributes", attributes=attributes)
        await news.publish("none")
        await it.advance(0.001)

        assert [message.body for message in await it.receive(queue="strict")] == [b"none"]
        assert [(await it.queue(name)).message_count for name in names] == [2] * others

    run(with_topics(scenario))


def test_message_ids_of_copies_differ(run):
    async def scenario(news):
        it = news.it
        await news.create()
        for name in ("a", "b"):
            await it.create(name)
            await news.subscribe(name, RawMessageDelivery="true")

        (sent,) = await news.publish("hello")

        received = [message for name in ("a", "b") for message in await it.receive(queue=name)]
        assert len({sent.message_id, *(message.message_id for message in received)}) == 3

    run(with_topics(scenario))


def test_queue_that_is_deleted_under_way_costs_no_other_its_messages(run):
    async def scenario(news):
        it = news.it
        await news.create()
        names = [f"q{number}" for number in range(100)]
        for name in names:
            await it.create(name)
            await news.subscribe(name)
        await news.publish("one", "two", "three")
        removals = [it.remove(name) for name in names[::10]]

        await asyncio.gather(it.advance(0.001), *removals)

        left = [name for number, name in enumerate(names) if number % 10]
        assert [(await it.queue(name)).message_count for name in left] == [3] * 90

    run(with_topics(scenario))


def test_fifo_topic_keeps_order_and_drops_duplicates(run):
    async def scenario(news):
        it = news.it
        await news.create("news.fifo")
        await it.create("a.fifo", content_based_deduplication=True)
        await news.subscribe("a.fifo", topic="news.fifo", RawMessageDelivery="true")
        for number in range(20):
            await news.publish(f"{number}", topic="news.fifo", group_id="g", deduplication_id=f"{number}")

        first = await news.publish("again", topic="news.fifo", group_id="g", deduplication_id="19")
        again = await news.publish("again", topic="news.fifo", group_id="g", deduplication_id="19")
        await it.advance(0.001)

        assert first == again
        received = await it.receive(100, queue="a.fifo")
        assert [message.body for message in received] == [b"%d" % number for number in range(20)]

    run(with_topics(scenario))


def test_queue_whose_policy_denies_gets_nothing(run):
    async def scenario(news):
        it = news.it
        await news.create()
        statement = {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
        await it.create("a", policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        await news.subscribe("a")

        await news.publish("hello")

        assert await it.counts("a") == (0, 0, 0)

    run(with_topics(scenario))


def test_deleted_topic_leaves_nothing(run):
    async def scenario(news):
        it = news.it
        await news.create()
        await it.create("a")
        subscription = await news.subscribe("a")
        await news.call(topics.DeleteTopic(topic="news"))
        await it.advance(1)

        with pytest.raises(ServiceError) as refusal:
            await news.publish("hello")

        assert refusal.value.row.code == "NotFound"
        assert (await news.call(topics.ListSubscriptions())).subscriptions == ()
        with pytest.raises(ServiceError):
            await news.call(topics.GetSubscription(subscription=subscription.place.arn))

    run(with_topics(scenario))


async def mail(news, address):
    return await news.call(topics.Subscribe(topic="news", protocol="email", endpoint=address))


def test_subscription_that_nobody_confirms_is_gone_after_two_days(run):
    async def scenario(news):
        await news.create()
        made = await mail(news, "reader@example.com")
        await news.it.advance(topics.CONFIRMATION_S - 1)
        assert (await news.call(topics.GetTopic(topic="news"))).pending == 1

        await news.it.advance(2)

        found = await news.call(topics.GetTopic(topic="news"))
        assert (found.pending, found.deleted) == (0, 0)
        with pytest.raises(ServiceError) as refusal:
            await news.call(topics.GetSubscription(subscription=made.place.arn))
        assert refusal.value.row.code == "NotFound"
        assert (await mail(news, "reader@example.com")).place != made.place

    run(with_topics(scenario))


def test_deleted_topic_takes_any_number_of_subscriptions_with_queues_of_their_own_with_it(run):
    async def scenario(news):
        await news.create()
        for number in range(CLEARED_MAX + 10):
            await mail(news, f"reader{number}@example.com")
        await news.it.advance(0)

        await news.call(topics.DeleteTopic(topic="news"))
        await news.it.advance(0)

        partitions = await news.it.engine.read((ROOT,), lambda txn, _: _partitions(txn), None)
        assert partitions == []
        assert (await news.call(topics.ListSubscriptions())).subscriptions == ()
        await news.create()  # under the same name, and with nothing of the other
        assert (await news.call(topics.ListSubscriptionsByTopic(topic="news"))).subscriptions == ()

    run(with_topics(scenario))


def test_topics_and_subscriptions_are_listed_in_pages(run):
    async def scenario(news):
        it = news.it
        for name in "abc":
            await news.create(name)
        for name in "cab":
            await it.create(name)
            await news.subscribe(name, topic="a")

        first = await news.call(topics.ListTopics(page_size=2))
        second = await news.call(topics.ListTopics(page_size=2, page_token=first.next_page_token))

        assert [place.name for place in (*first.topics, *second.topics)] == ["a", "b", "c"]
        page = await news.call(topics.ListSubscriptionsByTopic(topic="a", page_size=2))
        rest = await news.call(topics.ListSubscriptionsByTopic(topic="a", page_size=2, page_token=page.next_page_token))
        found = [one.endpoint.rpartition(":")[2] for one in (*page.subscriptions, *rest.subscriptions)]
        assert found == ["c", "a", "b"]
        everything = await news.call(topics.ListSubscriptions())
        assert len(everything.subscriptions) == 3

    run(with_topics(scenario))


@pytest.mark.parametrize(
    ("subspace", "says"),
    [
        ("id", "does not lead to it"),
        ("endpoint", "does not lead to it"),
        ("state", "it counts"),
        ("topic", "it has no record"),
    ],
)
def test_invariants_see_a_row_that_is_missing(run, subspace, says):
    async def scenario(it):
        news = Topics(it)
        await news.create()
        await it.create("a")
        await news.subscribe("a")
        (partition,) = await it.engine.read((ROOT,), lambda txn, _: _partitions(txn), None)
        prefix = partition + tuples.encode((subspace,))

        await it.engine.transact((partition,), _remove_first, prefix)

        assert any(says in problem for problem in await news.problems())

    run(scenario)


def _remove_first(txn, prefix):
    ((key, _),) = txn.range(prefix, prefix + b"\xff", 1)
    txn.delete(key)
