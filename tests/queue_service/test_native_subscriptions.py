"""Native subscriptions: received from as queues are, sought back, remembered by snapshots."""

import asyncio

import pytest

from cumulo.core.errors import ServiceError
from cumulo.queue_service import message_model, seeking, topic_outboxes
from cumulo.queue_service import native_model as native
from cumulo.queue_service import topic_model as topics
from cumulo.queue_service.message_model import MessageAttribute
from cumulo.queue_service.topic_outboxes import Outboxes
from tests.queue_service.test_topics import Topics

NAME = "topics/{}/subscriptions/{}"


class Native(Topics):
    """Short forms of what is done to native subscriptions."""

    async def attach(self, name="s", topic="news", **attributes):
        request = native.CreateSubscription(
            subscription=NAME.format(topic, name), attributes=native.NativeAttributes(**attributes)
        )
        return await self.call(request)

    async def look(self, name="s", topic="news"):
        return await self.call(native.DescribeSubscription(subscription=NAME.format(topic, name)))

    async def change(self, name="s", topic="news", **attributes):
        given = native.NativeAttributes(**attributes)
        return await self.call(native.UpdateSubscription(subscription=NAME.format(topic, name), attributes=given))

    async def keep(self, seconds, topic="news"):
        return await self.call(native.UpdateTopic(topic=topic, keep_s=seconds))

    async def pull(self, count=100, name="s", topic="news", **more):
        return await self.it.receive(count, queue=NAME.format(topic, name), **more)

    async def bodies(self, count=100, name="s", topic="news", **more):
        return [it.body.decode() for it in await self.pull(count, name, topic, **more)]

    async def ack(self, *messages, name="s", topic="news"):
        handles = tuple(it.receipt_handle for it in messages)
        request = message_model.DeleteMessages(queue=NAME.format(topic, name), receipt_handles=handles)
        return await self.it.call("BatchDeleteMessages", request)

    async def seek(self, by, name="s", topic="news", **more):
        await self.call(native.SeekSubscription(subscription=NAME.format(topic, name), by=by, **more))

    async def snapshot(self, snapshot, name="s", topic="news"):
        request = native.CreateSnapshot(
            snapshot=f"topics/{topic}/snapshots/{snapshot}", subscription=NAME.format(topic, name)
        )
        return await self.call(request)

    async def back_to(self, snapshot, name="s", topic="news"):
        await self.seek(native.Target.SNAPSHOT, name, topic, snapshot=f"topics/{topic}/snapshots/{snapshot}")


@pytest.fixture
def go(run):
    """Run a scenario on topics with native subscriptions; afterwards every invariant must hold."""

    def with_topics(scenario):
        async def checked(it):
            news = Native(it)
            await scenario(news)
            assert await news.problems() == []

        run(checked)

    return with_topics


def test_message_waits_in_every_native_subscription_until_it_is_acknowledged(go):
    async def scenario(news):
        await news.create()
        await news.attach("a")
        await news.attach("b")
        attribute = MessageAttribute("kind", "String", b"greeting")

        (sent,) = await news.publish("hello", subject="Hi", attributes=(attribute,))

        for name in ("a", "b"):
            (message,) = await news.pull(name=name)
            assert (message.message_id, message.body) == (sent.message_id, b"hello")
            assert message.attributes == (attribute, MessageAttribute("AWS.SNS.Subject", "String", b"Hi"))
            assert message.sent_ms == news.it.clock.wall_ms()
            assert await news.ack(message, name=name) == (None,)
            looked = await news.look(name)
            assert (looked.message_count, looked.in_flight_count) == (0, 0)

    go(scenario)


def test_message_comes_again_when_its_acknowledgement_deadline_ends(go):
    async def scenario(news):
        await news.create()
        await news.attach(ack_deadline_s=10)
        await news.publish("hello")
        await news.pull()

        assert await news.pull() == []
        await news.it.advance(10)

        (again,) = await news.pull()
        assert again.receive_count == 2

    go(scenario)


def test_filter_policy_chooses_what_comes_and_can_be_changed(go):
    async def scenario(news):
        await news.create()
        await news.attach(filter_policy='{"kind": ["order"]}')
        order = (MessageAttribute("kind", "String", b"order"),)

        await news.publish("1", attributes=order)
        await news.publish("2")
        await news.change(filter_policy='{"n": [3]}', filter_scope=native.IN_BODY)
        await news.publish('{"n": 3}')
        await news.publish("4", attributes=order)
        await news.change(filter_policy="")
        await news.publish("5")

        assert await news.bodies() == ["1", '{"n": 3}', "5"]

    go(scenario)


def test_messages_of_an_ordering_key_come_one_after_the_other(go):
    async def scenario(news):
        await news.create("news.fifo")
        await news.attach(topic="news.fifo")
        for number in range(6):
            key = "ab"[number % 2]
            await news.publish(f"{number}", topic="news.fifo", group_id=key, deduplication_id=f"{number}")
        await news.it.advance(0.001)

        (first,) = await news.pull(1, topic="news.fifo")
        others = await news.pull(topic="news.fifo")

        assert first.body == b"0"
        assert [it.body for it in others] == [b"1", b"3", b"5"]
        await news.ack(first, topic="news.fifo")
        assert await news.bodies(topic="news.fifo") == ["2", "4"]

    go(scenario)


def test_message_that_nobody_handles_goes_to_the_dead_letter_queue_as_it_was_published(go):
    async def scenario(news):
        await news.create()
        await news.it.create("dead")
        await news.attach(dead_letter_queue="dead", max_deliveries=2, ack_deadline_s=5)
        await news.publish("poison", group_id="g")
        for _ in range(2):
            assert len(await news.pull()) == 1
            await news.it.advance(5)

        assert await news.pull() == []

        (dead,) = await news.it.receive(queue="dead")
        assert (dead.body, dead.group_id) == (b"poison", "g")
        assert dead.dead_letter_source_arn.endswith(":news/subscriptions/s")

    go(scenario)


def test_subscription_that_exists_is_found_and_one_with_other_settings_is_refused(go):
    async def scenario(news):
        await news.create()
        made = await news.attach(ack_deadline_s=7)

        assert await news.attach() == made
        assert await news.attach(ack_deadline_s=7) == made
        with pytest.raises(ServiceError) as refusal:
            await news.attach(ack_deadline_s=8)

        assert refusal.value.row.code == "SubscriptionExists"

    go(scenario)


@pytest.mark.parametrize(
    ("attributes", "complaint"),
    [
        ({"ack_deadline_s": 0}, "ack_deadline_s"),
        ({"retention_s": 59}, "retention_s"),
        ({"max_deliveries": 3}, "needs a dead_letter_queue"),
        ({"dead_letter_queue": "none"}, "does not exist"),
        ({"dead_letter_queue": "none.fifo"}, "FIFO"),
        ({"filter_policy": "{"}, "FilterPolicy"),
        ({"filter_scope": "Body"}, "filter_scope"),
    ],
)
def test_settings_beyond_their_limits_are_refused_and_nothing_is_made(go, attributes, complaint):
    async def scenario(news):
        await news.create()

        with pytest.raises(ServiceError, match=complaint):
            await news.attach(**attributes)

        with pytest.raises(ServiceError, match="does not exist"):
            await news.look()

    go(scenario)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (
            "RedrivePolicy",
            '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead"}',
            "UpdateSubscription sets its dead_letter_queue",
        ),
        ("DeliveryPolicy", "{}", "nothing is sent"),
        ("RawMessageDelivery", "true", "does not support raw message delivery"),
        ("ReplayPolicy", "{}", "only valid for protocol sqs"),
    ],
)
def test_attribute_that_would_mean_nothing_is_refused(go, name, value, says):
    async def scenario(news):
        await news.create()
        await news.it.create("dead")
        arn = (await news.attach()).place.arn

        with pytest.raises(ServiceError, match=says):
            await news.call(topics.SetSubscriptionAttribute(subscription=arn, name=name, value=value))

        assert (await news.call(topics.GetSubscription(subscription=arn))).attributes == {}

    go(scenario)


def test_ended_subscription_leaves_nothing_and_its_name_is_free(go):
    async def scenario(news):
        await news.create()
        made = await news.attach()
        await news.publish("hello")

        await news.call(topics.Unsubscribe(subscription=made.place.arn))

        with pytest.raises(ServiceError) as refusal:
            await news.pull()
        assert refusal.value.row.code == "NotFound"
        await news.attach()
        assert await news.pull() == []

    go(scenario)


def test_subscriptions_of_the_same_name_live_in_different_topics(go):
    async def scenario(news):
        for topic in ("news", "olds"):
            await news.create(topic)
            await news.attach(topic=topic)
        await news.publish("hello", topic="olds")

        assert await news.bodies() == []
        assert await news.bodies(topic="olds") == ["hello"]
        listed = (await news.call(topics.ListSubscriptions())).subscriptions
        assert [it.place.arn.rpartition(":")[2] for it in listed] == ["s", "s"]
        await news.call(topics.DeleteTopic(topic="olds"))
        await news.it.advance(1)
        assert len((await news.call(topics.ListSubscriptions())).subscriptions) == 1

    go(scenario)


def test_publish_with_the_same_request_id_is_answered_as_the_first_was(go):
    async def scenario(news):
        await news.create()
        await news.attach()
        entries = (topics.PublishEntry(body="once"), topics.PublishEntry(body="only"))
        request = native.PublishMessages(topic="news", entries=entries, request_id="r")

        first = await news.call(request)

        assert await news.call(request) == first
        assert await news.bodies() == ["once", "only"]

    go(scenario)


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"body": ""}, "Empty message"),
        ({"body": "x" * (1 << 20) + "x"}, "too long"),
        ({"body": "x", "subject": "a\nb"}, "Subject"),
        ({"body": "x", "deduplication_id": "d"}, "FIFO"),
        ({"body": "x", "group_id": "a b"}, "group_id"),
        ({"body": "x", "attributes": (MessageAttribute("AWS.x", "String", b"v"),)}, "AWS"),
    ],
)
def test_message_that_breaks_a_rule_refuses_its_publish(go, entry, complaint):
    async def scenario(news):
        await news.create()
        await news.attach()
        entries = (topics.PublishEntry(body="good"), topics.PublishEntry(**entry))

        with pytest.raises(ServiceError, match=complaint):
            await news.call(native.PublishMessages(topic="news", entries=entries[-1:]))

        assert await news.pull() == []

    go(scenario)


# Seeks


def test_seek_to_a_time_brings_back_what_was_published_since(go):
    async def scenario(news):
        await news.create()
        await news.keep(3600)
        await news.attach()
        await news.publish("before")
        await news.it.advance(10)
        since = news.it.clock.wall_ms()
        await news.publish("one", "two")
        await news.ack(*await news.pull())

        await news.seek(native.Target.TIME, time_ms=since)
        assert (await news.look()).is_replaying
        await news.it.advance(0.001)

        assert await news.bodies() == ["one", "two"]
        assert not (await news.look()).is_replaying

    go(scenario)


def test_what_is_published_while_a_seek_is_under_way_comes_once_and_in_its_place(go):
    async def scenario(news):
        await news.create()
        await news.keep(3600)
        await news.attach()
        numbers = [str(number) for number in range(seeking.PAGE_MESSAGES * 2 + 30)]
        for number in numbers:
            await news.publish(number)

        await news.seek(native.Target.TIME)
        await news.publish("late")
        await news.it.advance(0.001)
        await news.publish("later")

        found = []
        while some := await news.bodies():
            found += some
        assert found == [*numbers, "late", "later"]

    go(scenario)


def test_seek_goes_by_the_filter_as_it_is_now(go):
    async def scenario(news):
        await news.create()
        await news.keep(3600)
        await news.attach(filter_policy='{"kind": ["a"]}')
        for number, kind in enumerate("abab"):
            await news.publish(f"{number}", attributes=(MessageAttribute("kind", "String", kind.encode()),))

        await news.change(filter_policy='{"kind": ["b"]}')
        await news.seek(native.Target.TIME)
        await news.it.advance(0.001)

        assert await news.bodies() == ["1", "3"]

    go(scenario)


def test_seek_to_the_end_empties_a_subscription_whether_its_topic_keeps_or_not(go):
    async def scenario(news):
        await news.create()
        await news.attach()
        for keep_s in (0, 60):
            await news.keep(keep_s)
            await news.publish("gone")
            (held,) = await news.pull(1)

            await news.publish("gone, too")
            await news.seek(native.Target.END)
            await news.publish("here")

            assert await news.bodies() == ["here"]
            assert await news.ack(held) == (None,)
            await news.seek(native.Target.END)

    go(scenario)


def test_topic_that_keeps_nothing_cannot_be_sought_back(go):
    async def scenario(news):
        await news.create()
        await news.attach()
        await news.publish("stays")

        with pytest.raises(ServiceError) as refusal:
            await news.seek(native.Target.TIME)

        assert refusal.value.row.code == "TopicKeepsNothing"
        assert await news.bodies() == ["stays"]

    go(scenario)


def test_kept_messages_go_with_their_time(go):
    async def scenario(news):
        topic = await news.call(topics.CreateTopic(topic="news", keep_s=60))
        assert topic.name == "news"
        await news.attach()
        await news.publish("old")
        await news.it.advance(50)
        await news.publish("young")
        await news.it.advance(11)

        await news.seek(native.Target.TIME)
        await news.it.advance(0.001)

        assert await news.bodies() == ["young"]
        assert (await news.call(topics.GetTopic(topic="news"))).kept == 1

    go(scenario)


def test_topic_that_stops_to_keep_and_begins_again_loses_nothing_of_what_is_published(go):
    async def scenario(news):
        await news.create()
        await news.keep(60)
        await news.attach()
        for number in range(5):
            await news.publish(f"{number}")
        await news.seek(native.Target.TIME)
        await news.it.advance(0.001)
        await news.ack(*await news.pull())

        await news.seek(native.Target.TIME)
        await news.keep(0)
        await news.publish("without")
        await news.keep(60)
        await news.publish("again")
        await news.it.advance(0.001)

        assert await news.bodies() == ["without", "again"]

    go(scenario)


def test_seek_of_a_fifo_topic_keeps_order_and_what_is_on_its_way_comes_once(go):
    async def scenario(news):
        await news.create("news.fifo", ContentBasedDeduplication="true")
        await news.keep(3600, "news.fifo")
        await news.attach(topic="news.fifo")
        for number in range(4):
            await news.publish(f"{number}", topic="news.fifo", group_id="g")
        await news.it.advance(0.001)
        await news.publish("4", topic="news.fifo", group_id="g")

        await news.seek(native.Target.TIME, topic="news.fifo")
        await news.it.advance(0.001)
        await news.publish("5", topic="news.fifo", group_id="g")
        await news.it.advance(0.001)

        assert await news.bodies(topic="news.fifo") == ["0", "1", "2", "3", "4", "5"]

    go(scenario)


def test_snapshot_brings_back_what_was_not_acknowledged_then(go):
    async def scenario(news):
        await news.create()
        await news.keep(3600)
        await news.attach()
        messages = {}
        for number in range(4):
            await news.publish(f"{number}")
            await news.it.advance(1)
        messages = {it.body: it for it in await news.pull()}
        await news.ack(messages[b"0"])

        made = await news.snapshot("before")
        await news.ack(*(messages[body] for body in (b"1", b"2", b"3")))
        await news.publish("4")
        await news.ack(*await news.pull())
        await news.back_to("before")
        await news.it.advance(0.001)

        assert made.message_count == 3
        assert await news.bodies() == ["1", "2", "3", "4"]

    go(scenario)


def test_snapshots_are_listed_refused_twice_and_forgotten(go):
    async def scenario(news):
        await news.create()
        await news.keep(3600)
        await news.attach()
        await news.snapshot("b")
        await news.snapshot("a")

        with pytest.raises(ServiceError) as refusal:
            await news.snapshot("a")
        assert refusal.value.row.code == "SnapshotExists"
        listed = await news.call(native.ListSnapshots(topic="news"))
        assert [it.place.name for it in listed] == ["a", "b"]
        await news.call(native.DeleteSnapshot(snapshot="topics/news/snapshots/a"))
        with pytest.raises(ServiceError, match="does not exist"):
            await news.back_to("a")

    go(scenario)


def test_topic_has_no_more_snapshots_than_the_limit(go):
    async def scenario(news):
        await news.create()
        await news.keep(3600)
        await news.attach()
        for number in range(topics.SNAPSHOTS_MAX):
            await news.snapshot(f"{number}")

        with pytest.raises(ServiceError) as refusal:
            await news.snapshot("more")

        assert refusal.value.row.code == "SnapshotLimitExceeded"
        await news.call(topics.DeleteTopic(topic="news"))
        await news.it.advance(1)

    go(scenario)


def test_seek_that_was_cut_short_goes_on_after_a_restart(make_stand, tmp_path):
    """The server ends after the first slice of a replay; the next one brings the rest, once."""

    async def scenario():
        it = make_stand(tmp_path / "engine")
        await it.open()
        news = Native(it)
        await news.create()
        await news.keep(3600)
        await news.attach()
        numbers = [str(number) for number in range(seeking.PAGE_MESSAGES + 20)]
        for number in numbers:
            await news.publish(number)
        await news.seek(native.Target.TIME)
        (entry,) = [it for it in await it.engine.take_due(1 << 62, 1_000) if it.kind == "topic.refill"]
        await news.service.refills.slice(entry)

        await it.restart()
        news = Native(it)
        await news.publish("late")
        await it.advance(0.001)

        found = []
        while some := await news.bodies():
            found += some
        assert found == [*numbers, "late"]
        assert await news.problems() == []
        await it.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("behind", range(1, 14))
def test_seek_amid_a_fan_out_brings_each_message_once(make_stand, monkeypatch, behind):
    """A message goes to many subscriptions in several slices; two are sought back behind one of these, and get what is
    kept before the fan-out goes on.
    """

    async def scenario():
        it = make_stand(None)
        await it.open()
        news = Native(it)
        await news.create()
        await news.keep(3600)
        names = [f"s{number}" for number in range(150)]
        for name in names:
            await news.attach(name)
        await news.publish("0", "1", "2")
        slices = 0
        commit = Outboxes._commit

        async def commit_and_seek(self, request):
            nonlocal slices
            await commit(self, request)
            slices += 1
            if slices == behind:
                for name in (names[0], names[-1]):
                    await news.seek(native.Target.TIME, name)
                due = await it.engine.take_due(1 << 62, 1_000)
                await news.service.refills.run([entry for entry in due if entry.kind == "topic.refill"])

        monkeypatch.setattr(topic_outboxes, "SLICES_UNDER_WAY", 1)
        monkeypatch.setattr(Outboxes, "_commit", commit_and_seek)
        await it.advance(0)
        await it.advance(0)

        assert slices >= 3
        for name in names:
            assert await news.bodies(name=name) == ["0", "1", "2"], name
        assert await news.problems() == []
        await it.close()

    asyncio.run(scenario())


def test_message_kept_with_its_first_slice_is_kept_once(go):
    async def scenario(news):
        await news.create()
        await news.keep(3600)
        for number in range(150):
            await news.attach(f"s{number}")

        await news.publish("one", "two")
        await news.it.advance(0)

        assert (await news.call(topics.GetTopic(topic="news"))).kept == 2
        assert await news.bodies(name="s149") == ["one", "two"]

    go(scenario)
