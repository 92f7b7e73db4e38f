"""Archives of FIFO topics by policy, and replays to queues of SQS."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from cumulo.core.errors import ServiceError
from cumulo.queue_service import native_model as native
from cumulo.queue_service import replaying
from cumulo.queue_service import topic_model as topics
from cumulo.queue_service.entrances import REPLAY_DUE
from tests.queue_service.conftest import FOREVER_MS
from tests.queue_service.test_topics import Topics

TOPIC, QUEUE = "moves.fifo", "board.fifo"
KEEP = json.dumps({"MessageRetentionPeriod": "30"})


class Archived(Topics):
    """A FIFO topic that keeps what is published, and its queue."""

    async def begin(self, **attributes):
        await self.create(TOPIC, ArchivePolicy=KEEP, ContentBasedDeduplication="true", **attributes)
        await self.it.create(QUEUE)
        self.subscription = await self.subscribe(QUEUE, TOPIC)

    async def say(self, *bodies, group="g", **more):
        for body in bodies:
            await self.publish(body, topic=TOPIC, group_id=group, **more)
            await self.it.advance(0)

    async def taken(self):
        """Take and delete everything; return the documents in their order."""
        documents = []
        while messages := await self.it.receive(queue=QUEUE):
            for message in messages:
                documents.append(json.loads(message.body))
                await self.it.delete(message.receipt_handle, QUEUE)
        return documents

    async def texts(self):
        return [it["Message"] for it in await self.taken()]

    def policy(self, start_ms, end_ms=None):
        points = {"PointType": "Timestamp", "StartingPoint": written(start_ms)}
        if end_ms is not None:
            points["EndingPoint"] = written(end_ms)
        return json.dumps(points)

    async def replay(self, start_ms=0, end_ms=None):
        await self.set("ReplayPolicy", self.policy(start_ms, end_ms))

    async def set(self, name, value):
        arn = self.subscription.place.arn
        await self.call(topics.SetSubscriptionAttribute(subscription=arn, name=name, value=value))

    async def status(self):
        return (await self.call(topics.GetSubscription(subscription=self.subscription.place.arn))).replay_status

    async def slice(self):
        (entry,) = [it for it in await self.it.engine.take_due(FOREVER_MS, 10_000) if it.kind == REPLAY_DUE]
        return await self.service.replays.slice(entry)


def written(at_ms):
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture
def go(run):
    """Run a scenario on a topic with an archive; afterwards every invariant must hold."""

    def with_archive(scenario):
        async def checked(it):
            moves = Archived(it)
            await moves.begin()
            await scenario(moves)
            assert await moves.problems() == []

        run(checked)

    return with_archive


def test_replayed_message_is_the_one_that_was_published_and_says_so(go):
    async def scenario(moves):
        await moves.say("e4", subject="opening")
        (first,) = await moves.taken()
        moves.it.clock.advance(1000)

        await moves.replay()
        assert await moves.status() == "Pending"
        await moves.it.advance(0)

        (again,) = await moves.taken()
        assert again.pop("Replayed") is True
        assert again == first
        assert await moves.status() == "Completed"

    go(scenario)


def test_replay_without_an_end_goes_over_into_what_is_published(go):
    async def scenario(moves):
        await moves.say("a", "b")
        await moves.taken()
        await moves.replay()

        await moves.say("c")
        await moves.it.advance(0)
        await moves.say("d")

        documents = await moves.taken()
        assert [it["Message"] for it in documents] == ["a", "b", "c", "d"]
        assert [it.get("Replayed", False) for it in documents] == [True, True, True, False]

    go(scenario)


def test_replay_with_an_end_leaves_the_subscription_paused_until_the_next(go):
    async def scenario(moves):
        clock = moves.it.clock
        await moves.say("before")
        clock.advance(1000)
        start_ms = clock.wall_ms()
        await moves.say("within")
        clock.advance(1000)
        end_ms = clock.wall_ms()
        await moves.say("after")
        await moves.taken()

        await moves.replay(start_ms, end_ms)
        await moves.it.advance(0)
        await moves.say("paused")
        assert await moves.texts() == ["within"]
        assert await moves.status() == "Completed"

        await moves.replay(end_ms)
        await moves.it.advance(0)
        await moves.say("live")
        assert await moves.texts() == ["after", "paused", "live"]

    go(scenario)


def test_replay_policy_that_is_taken_away_lets_messages_come_again(go):
    async def scenario(moves):
        await moves.say("a")
        await moves.taken()
        await moves.replay(0, 1)
        await moves.it.advance(0)

        await moves.set("ReplayPolicy", "{}")
        await moves.say("b")

        assert await moves.texts() == ["b"]
        assert await moves.status() == ""

    go(scenario)


def test_filter_policy_chooses_what_is_replayed(go):
    async def scenario(moves):
        await moves.say(json.dumps({"piece": "pawn"}), json.dumps({"piece": "king"}))
        await moves.taken()

        await moves.set("FilterPolicyScope", "MessageBody")
        await moves.set("FilterPolicy", json.dumps({"piece": ["king"]}))
        await moves.replay()
        await moves.it.advance(0)

        assert [json.loads(text)["piece"] for text in await moves.texts()] == ["king"]

    go(scenario)


def test_new_subscription_can_begin_with_what_is_kept(go):
    async def scenario(moves):
        await moves.say("a", "b")
        await moves.it.create("late.fifo")
        await moves.subscribe("late.fifo", TOPIC, ReplayPolicy=moves.policy(0), RawMessageDelivery="true")
        await moves.it.advance(0)
        await moves.say("c")

        assert [it.body for it in await moves.it.receive(queue="late.fifo")] == [b"a", b"b", b"c"]

    go(scenario)


def test_replay_of_many_and_large_messages_comes_in_slices_and_in_order(go):
    async def scenario(moves):
        bodies = [f"{n}:{'x' * (300_000 if n % 7 == 0 else 10)}" for n in range(150)]
        await moves.call(topics.SetTopicAttribute(topic=TOPIC, name="MaximumMessageSize", value="400000"))
        await moves.say(*bodies)
        await moves.taken()

        await moves.replay()
        assert not await moves.slice()
        assert await moves.status() == "In progress"
        await moves.it.advance(0)

        assert await moves.texts() == bodies

    go(scenario)


def test_replay_begins_anew_where_its_policy_changes_amid_a_slice(go):
    async def scenario(moves):
        await moves.say("a", "b", "c")
        await moves.taken()
        await moves.replay()
        engine, transact = moves.it.engine, moves.it.engine.transact

        async def once_changed(partitions, function, request, **more):
            if function is replaying.replay_slice:
                engine.transact = transact
                await moves.replay(0, moves.it.clock.wall_ms() + 1)
            return await transact(partitions, function, request, **more)

        engine.transact = once_changed
        await moves.it.advance(0)

        assert await moves.texts() == ["a", "b", "c"]

    go(scenario)


def test_replay_fails_where_no_queue_takes_anything(go):
    async def scenario(moves):
        await moves.say("a")
        await moves.taken()
        await moves.it.remove(QUEUE)

        await moves.replay()
        await moves.it.advance(0)
        assert await moves.status() == "Failed"

        await moves.it.create(QUEUE)
        await moves.say("b")
        assert await moves.texts() == ["b"]

    go(scenario)


def test_topic_with_an_archive_policy_is_not_deleted_until_it_has_none(go):
    async def scenario(moves):
        await moves.say("a")
        with pytest.raises(ServiceError) as refused:
            await moves.call(topics.DeleteTopic(topic=TOPIC))
        assert str(refused.value) == "InvalidState: Invalid state: Cannot delete a topic with an ArchivePolicy"

        await moves.call(topics.SetTopicAttribute(topic=TOPIC, name="ArchivePolicy", value="{}"))
        topic = await moves.call(topics.GetTopic(topic=TOPIC))
        assert (topic.keep_s, topic.kept, "ArchivePolicy" in topic.attributes) == (0, 0, False)
        await moves.call(topics.DeleteTopic(topic=TOPIC))
        await moves.it.advance(0)

    go(scenario)


def test_replay_amid_which_the_archive_goes_has_failed_and_leaves_the_subscription_live(go):
    async def scenario(moves):
        await moves.say("a")
        await moves.taken()
        await moves.replay()
        await moves.call(topics.SetTopicAttribute(topic=TOPIC, name="ArchivePolicy", value="{}"))
        await moves.it.advance(0)
        await moves.say("b")

        assert await moves.texts() == ["b"]
        assert await moves.status() == "Failed"
        with pytest.raises(ServiceError, match="has no active ArchivePolicy"):
            await moves.replay()

    go(scenario)


def test_time_that_a_topic_keeps_messages_for_is_said_by_one_of_two(go):
    async def scenario(moves):
        topic = await moves.call(topics.GetTopic(topic=TOPIC))
        assert (topic.keep_s, topic.attributes["ArchivePolicy"]) == (30 * 86_400, KEEP)
        began_ms = topic.kept_from_ms
        moves.it.clock.advance(31 * 86_400_000)
        topic = await moves.call(topics.GetTopic(topic=TOPIC))
        assert topic.kept_from_ms == began_ms + 86_400_000

        topic = await moves.call(native.UpdateTopic(topic=TOPIC, keep_s=3600))
        assert (topic.keep_s, "ArchivePolicy" in topic.attributes) == (3600, False)
        with pytest.raises(ServiceError, match="keep_s Reason"):
            await moves.call(native.UpdateTopic(topic=TOPIC, keep_s=3600, attributes={"ArchivePolicy": KEEP}))

    go(scenario)


def test_replay_that_was_cut_short_goes_on_after_a_restart(make_stand, tmp_path):
    async def scenario():
        it = make_stand(tmp_path)
        await it.open()
        moves = Archived(it)
        await moves.begin()
        bodies = [str(n) for n in range(130)]
        await moves.say(*bodies)
        await moves.taken()
        await moves.replay()
        assert not await moves.slice()
        await it.restart()

        again = Archived(it)
        again.subscription = moves.subscription
        await it.advance(0)

        assert await again.texts() == bodies
        assert await again.problems() == []
        await it.close()

    asyncio.run(scenario())
