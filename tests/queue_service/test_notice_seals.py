"""Topics under keys of the key service on a manual clock: what waits inside them is sealed, and waits for its key."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cumulo.gateway.outgoing_addresses import PrivateAddresses
from cumulo.gateway.outgoing_http import OutgoingHttp
from cumulo.key_service import model as key_model
from cumulo.key_service import service as key_room
from cumulo.queue_service import message_model, move_model, topic_invariants
from cumulo.queue_service import native_model as native
from cumulo.queue_service import topic_model as topics
from cumulo.queue_service.http_carrier import HttpCarrier
from cumulo.queue_service.message_model import MessageAttribute
from cumulo.queue_service.notice_seals import REUSE_S, SEALINGS_REMEMBERED_MAX, NoticeSeals
from cumulo.queue_service.sealed_notices import WAIT_MS, NotOpened, notice_bytes, opened
from cumulo.queue_service.topic_envelopes import StoredNotice
from tests.queue_service.conftest import ACCOUNT, root_of
from tests.queue_service.endpoints import Endpoint
from tests.queue_service.test_kms_data_keys import OTHER, Asked, KeyedStand, allow_all, refusal
from tests.queue_service.test_native_subscriptions import NAME, Native

SECRET = "what a publisher wrote, long enough that it stands nowhere by chance"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
TOPICS = f"arn:aws:sns:us-east-1:{ACCOUNT}:"


class SealedStand(KeyedStand):
    """Topics beside a key service."""

    def make_notice_seals(self) -> NoticeSeals:
        self.asked_of_topics = Asked(key_room.DataKeys(self.kms, "sns"))
        return NoticeSeals(self.asked_of_topics, self.randomness)


class Sealed(Native):
    """A topic under a key, and short forms of what becomes of it."""

    def __init__(self, it: Any) -> None:
        carrier = HttpCarrier(OutgoingHttp(PrivateAddresses.LOOPBACK, answer_s=15))
        super().__init__(it, http=carrier)

    async def begin(self, name: str = "news", **attributes: str) -> None:
        self.key = await self.it.key()
        self.name = name
        if name.endswith(".fifo"):
            attributes = {"ContentBasedDeduplication": "true", **attributes}
        await self.create(name, KmsMasterKeyId=self.key, **attributes)

    async def restart(self) -> "Sealed":
        """The server's end and new beginning: nothing is remembered."""
        await self.service.drain()
        await self.it.restart()
        again = Sealed(self.it)
        again.name, again.key = self.name, self.key
        return again

    async def say(self, *bodies: str, **more: Any) -> Any:
        if self.name.endswith(".fifo"):
            more = {"group_id": "g", **more}
        return await self.publish(*bodies, topic=self.name, **more)

    async def allow(self, principal: Any, condition: Any = None) -> None:
        """Let somebody use the key, and nobody else."""
        use = {"Effect": "Allow", "Principal": principal, "Action": ["kms:GenerateDataKey", "kms:Decrypt"]}
        rule = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:Put*", "Resource": "*"}
        statements = [{**use, "Resource": "*", "Condition": condition or {}}, rule]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        await self.it.of_key(key_model.PutKeyPolicy(key_id=self.key, policy=policy))

    async def disable(self) -> None:
        await self.it.of_key(key_model.DisableKey(key_id=self.key))

    async def enable(self) -> None:
        await self.it.of_key(key_model.EnableKey(key_id=self.key))

    async def advance(self, seconds: float = 0.001) -> None:
        """Let time pass, and due work and deliveries be done."""
        self.it.clock.advance(int(seconds * 1000))
        while await self.it.pump.run_due():
            await self.service.endpoints.settle()

    async def subscribed(self, endpoint: Endpoint, **attributes: str) -> None:
        request = topics.Subscribe(topic=self.name, protocol="http", endpoint=endpoint.url, attributes=attributes)
        await self.call(request)
        await self.advance()
        token = endpoint.of_type("SubscriptionConfirmation")[-1].document["Token"]
        await self.call(topics.ConfirmSubscription(topic=self.name, token=token))

    async def texts(self, queue: str) -> list[str]:
        return [json.loads(it.body)["Message"] for it in await self.it.receive(queue=queue)]


def sealed(scenario: Any, folder: Any = None) -> None:
    async def go() -> None:
        stand = SealedStand(folder)
        await stand.open()
        try:
            news = await scenario(Sealed(stand))
            await news.service.drain()
            assert await news.problems() == [] == await stand.problems()
        finally:
            await stand.close()

    asyncio.run(go())


def is_plain(folder: Any, text: str = SECRET) -> bool:
    """Say whether what was written stands in a file of the engine."""
    found = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"news" in found
    return text.encode() in found


@pytest.mark.parametrize("name", ["news", "news.fifo"])
def test_nothing_that_a_publisher_wrote_is_plain_on_disk(tmp_path, name):
    folder = tmp_path / "engine"

    async def scenario(news):
        await news.begin(name)
        await news.call(native.UpdateTopic(topic=name, keep_s=3_600))
        await news.attach(topic=name)
        await news.it.create("jobs" + name[4:])
        await news.subscribe("jobs" + name[4:], name)
        async with Endpoint(500) as endpoint:
            if name == "news":
                await news.subscribed(endpoint)

            attribute = MessageAttribute("kind", "String", f"{SECRET} attribute".encode())
            await news.say(f"{SECRET} body", subject=f"{SECRET} subject", attributes=(attribute,))

            assert not is_plain(folder)
            await news.advance()
            assert not is_plain(folder)
            (message,) = await news.pull(topic=name)
            assert message.body == f"{SECRET} body".encode()
            assert message.attributes[0] == attribute
            assert await news.texts("jobs" + name[4:]) == [f"{SECRET} body"]
        await news.seek(native.Target.TIME, topic=name)
        await news.advance()
        assert await news.bodies(topic=name) == [f"{SECRET} body"]
        assert not is_plain(folder)
        return news

    sealed(scenario, folder)


def test_unsealed_topic_would_be_found_plain_on_disk(tmp_path):
    async def scenario(news):
        await news.create()
        await news.attach()
        await news.publish(SECRET)

        assert is_plain(tmp_path / "engine")
        return news

    sealed(scenario, tmp_path / "engine")


def test_messages_for_queues_wait_in_their_order_until_their_key_is_back():
    async def scenario(news):
        await news.begin("news.fifo")
        await news.it.create("jobs.fifo")
        await news.subscribe("jobs.fifo", "news.fifo", RawMessageDelivery="true")
        await news.say("a")
        await news.say("b")
        await news.disable()
        news = await news.restart()

        await news.advance(1)
        assert await news.it.counts("jobs.fifo") == (0, 0, 0)
        await news.advance(3_600)
        assert await news.it.counts("jobs.fifo") == (0, 0, 0)
        await news.enable()
        await news.advance(WAIT_MS / 1000)

        assert [it.body for it in await news.it.receive(queue="jobs.fifo")] == [b"a", b"b"]
        return news

    sealed(scenario)


def test_messages_before_one_that_waits_go_on():
    async def scenario(news):
        await news.create("news.fifo", ContentBasedDeduplication="true")
        await news.it.create("jobs.fifo")
        await news.subscribe("jobs.fifo", "news.fifo", RawMessageDelivery="true")
        news.name, news.key = "news.fifo", await news.it.key()
        await news.say("plain")
        request = topics.SetTopicAttribute(topic="news.fifo", name="KmsMasterKeyId", value=news.key)
        await news.call(request)
        await news.say("sealed")
        await news.disable()
        news = await news.restart()

        await news.advance()

        assert [it.body for it in await news.it.receive(queue="jobs.fifo")] == [b"plain"]
        return news

    sealed(scenario)


def test_services_own_key_opens_what_waited_across_a_restart():
    async def scenario(news):
        await news.create("news.fifo", ContentBasedDeduplication="true", KmsMasterKeyId="alias/aws/sns")
        news.name, news.key = "news.fifo", ""
        await news.attach(topic="news.fifo")
        await news.say("a")
        news = await news.restart()
        await news.advance(3_600)

        assert await news.bodies(topic="news.fifo") == ["a"]
        return news

    sealed(scenario)


def test_deliveries_that_wait_leave_one_due_entry_whatever_is_published():
    async def scenario(news):
        await news.begin("news.fifo")
        await news.it.create("jobs.fifo")
        await news.subscribe("jobs.fifo", "news.fifo")
        await news.say("a")
        await news.disable()
        news = await news.restart()
        await news.call(topics.SetTopicAttribute(topic="news.fifo", name="KmsMasterKeyId", value=""))

        await news.advance(1)
        asked = news.it.asked_of_topics.opened
        for number in range(5):
            await news.say(str(number))
            await news.advance(1)

        entries = await news.it.engine.take_due(1 << 62, 1_000)
        assert [it.kind for it in entries].count("topic.fan_out") == 1
        assert news.it.asked_of_topics.opened == asked, "whatever is published, the key is asked for every 20 seconds"
        return news

    sealed(scenario)


def test_endpoint_gets_what_waited_and_the_dead_letter_queue_what_it_did_not_take():
    async def scenario(news):
        await news.begin()
        await news.it.create("dead")
        redrive = json.dumps({"deadLetterTargetArn": (await news.it.queue("dead")).arn})
        async with Endpoint(200, 500, 200, 500) as endpoint:
            await news.subscribed(endpoint, RedrivePolicy=redrive)
            await news.say("first")
            await news.disable()
            news = await news.restart()

            for _ in range(20):
                await news.advance(60)
            assert endpoint.of_type("Notification") == []
            assert await news.it.counts("dead") == (0, 0, 0), "what nobody can read stands in no dead-letter queue"
            await news.enable()
            await news.advance(60)
            assert [it.document["Message"] for it in endpoint.of_type("Notification")] == ["first"]
            assert await news.texts("dead") == ["first"], "its attempts are over"

            await news.say("second")
            await news.advance()
            assert [it.document["Message"] for it in endpoint.of_type("Notification")] == ["first", "second"]
        return news

    sealed(scenario)


def test_native_subscriber_is_refused_as_long_as_the_key_is_off():
    async def scenario(news):
        await news.begin()
        await news.attach()
        await news.say(SECRET)
        await news.disable()
        assert await news.bodies() == [SECRET], "the data key is at hand"
        news = await news.restart()
        await news.advance(3_600)

        assert await refusal(news.pull()) == "KMSDisabled"
        peek = message_model.PeekMessages(queue=NAME.format("news", "s"), max_messages=1)
        assert await refusal(news.it.call("PeekMessages", peek)) == "KMSDisabled"
        await news.enable()
        (peeked,) = (await news.it.call("PeekMessages", peek)).messages
        assert peeked.body == SECRET.encode()
        assert await news.bodies() == [SECRET]
        return news

    sealed(scenario)


def test_dead_letter_of_a_native_subscription_is_read_where_it_lies_and_where_it_is_moved_to(tmp_path):
    async def scenario(news):
        await news.begin()
        await news.it.create("dead", managed_sse_enabled=False)
        await news.it.create("other", managed_sse_enabled=False)
        await news.attach(dead_letter_queue="dead", max_deliveries=1)
        await news.say(SECRET)
        (message,) = await news.pull()
        assert message.body == SECRET.encode()
        await news.advance(3_600)
        assert await news.bodies() == []

        news = await news.restart()
        (peeked,) = (
            await news.it.call("PeekMessages", message_model.PeekMessages(queue="dead", max_messages=1))
        ).messages
        moved = move_model.SelectedMessage(position=peeked.position)
        move = move_model.MoveMessages(source="dead", destination="other", messages=(moved,))
        await news.it.call("MoveMessages", move)

        assert not is_plain(tmp_path / "engine")
        assert [it.body for it in await news.it.receive(queue="other")] == [SECRET.encode()]
        return news

    sealed(scenario, tmp_path / "engine")


def test_replay_waits_for_the_key():
    async def scenario(news):
        archive = json.dumps({"MessageRetentionPeriod": "30"})
        await news.begin("news.fifo", ArchivePolicy=archive)
        await news.it.create("jobs.fifo")
        made = await news.subscribe("jobs.fifo", "news.fifo", RawMessageDelivery="true")
        await news.attach(topic="news.fifo")
        await news.say("a")
        await news.say("b")
        await news.advance()
        for message in await news.it.receive(queue="jobs.fifo"):
            await news.it.delete(message.receipt_handle, "jobs.fifo")
        await news.disable()
        news = await news.restart()
        policy = json.dumps({"PointType": "Timestamp", "StartingPoint": "1970-01-01T00:00:00.000Z"})
        await news.call(topics.SetSubscriptionAttribute(subscription=made.place.arn, name="ReplayPolicy", value=policy))
        await news.seek(native.Target.TIME, topic="news.fifo")
        await news.advance(60)
        assert await news.it.counts("jobs.fifo") == (0, 0, 0)
        assert (await news.look(topic="news.fifo")).message_count == 0

        await news.enable()
        await news.advance(WAIT_MS / 1000)

        assert [it.body for it in await news.it.receive(queue="jobs.fifo")] == [b"a", b"b"]
        assert await news.bodies(topic="news.fifo") == ["a", "b"]
        return news

    sealed(scenario)


def test_key_service_is_asked_once_in_five_minutes_by_a_publisher_and_by_deliveries():
    async def scenario(news):
        await news.begin()
        await news.attach()
        for _ in range(3):
            await news.say(SECRET)
        assert len(await news.pull(visibility_timeout_s=0)) == 3
        assert (news.it.asked_of_topics.made, news.it.asked_of_topics.opened) == (1, 1)

        await news.advance(REUSE_S)
        await news.pull(visibility_timeout_s=0)
        await news.pull(visibility_timeout_s=0)
        assert (news.it.asked_of_topics.made, news.it.asked_of_topics.opened) == (1, 2)
        await news.say(SECRET)
        assert news.it.asked_of_topics.made == 2
        return news

    sealed(scenario)


def test_message_of_a_publisher_who_is_gone_is_delivered_in_the_name_of_the_topics_account():
    async def scenario(news):
        await news.begin()
        await news.attach()
        policy = allow_all(f"arn:aws:iam::{OTHER}:root", "sns:Publish", f"{TOPICS}news")
        await news.call(topics.SetTopicAttribute(topic="news", name="Policy", value=policy))
        await news.allow({"AWS": f"arn:aws:iam::{OTHER}:root"})
        stranger = msgspec.structs.replace(news.it.ctx, principal=root_of(OTHER))
        call = topics.Publish(topic=f"{TOPICS}news", entries=(topics.PublishEntry(body=SECRET),))
        await news.service.call(stranger, "Publish", call)
        news = await news.restart()

        assert await refusal(news.pull()) == "KMSAccessDenied"
        await news.allow({"AWS": ROOT})
        assert await news.bodies(visibility_timeout_s=0) == [SECRET]
        news = await news.restart()
        await news.allow({"Service": "sns.amazonaws.com"}, {"ArnEquals": {"aws:SourceArn": f"{TOPICS}news"}})
        assert await news.bodies() == [SECRET]
        return news

    sealed(scenario)


def test_what_was_published_before_the_topic_had_a_key_is_read_as_it_was(tmp_path):
    async def scenario(news):
        await news.create("news.fifo", ContentBasedDeduplication="true")
        news.name, news.key = "news.fifo", await news.it.key()
        await news.keep(3_600, "news.fifo")
        await news.attach(topic="news.fifo")
        await news.say("before")
        await news.call(topics.SetTopicAttribute(topic="news.fifo", name="KmsMasterKeyId", value=news.key))
        await news.say("after")
        await news.advance()
        assert await news.bodies(topic="news.fifo") == ["before", "after"]

        await news.call(topics.SetTopicAttribute(topic="news.fifo", name="KmsMasterKeyId", value=""))
        await news.seek(native.Target.TIME, topic="news.fifo")
        news = await news.restart()
        await news.advance()

        assert await news.bodies(topic="news.fifo") == ["before", "after"]
        return news

    sealed(scenario, tmp_path / "engine")


def test_altered_message_is_not_opened():
    async def scenario(news):
        await news.begin()
        seals, now_ms = news.it.notice_seals, news.it.clock.deadline_ms()
        sealing = await seals.sealing(news.it.ctx, f"{TOPICS}news", news.key, now_ms)
        notice = StoredNotice(topics.PublishEntry(body=SECRET), "id", 5)
        body = notice_bytes(notice, sealing)

        assert (await opened(seals, body, now_ms)).notice == notice
        other = body.replace(b"\xa2id", b"\xa2ie")
        for altered in (body[:-1] + bytes([body[-1] ^ 1]), other, body.replace(b":news", b":olds")):
            with pytest.raises(NotOpened, match="altered"):
                await opened(seals, altered, now_ms)
        with pytest.raises(NotOpened, match="no key service"):
            await opened(None, body, now_ms)
        assert SECRET not in repr(body)
        return news

    sealed(scenario)


@pytest.mark.parametrize("where", ["outbox", "subscription"])
def test_check_finds_what_is_sealed_for_another_topic(where):
    async def scenario(news):
        await news.begin("news.fifo")
        await news.attach(topic="news.fifo")
        await news.say(SECRET)
        if where == "subscription":
            await news.advance()

        def change(txn: Any, words: tuple[bytes, bytes]) -> None:
            for key, value in txn.range(queue, queue + b"\xff", 100):
                txn.put(key, value.replace(*words))

        found = await news.service.desk.find(topics.TopicPlace(ACCOUNT, "us-east-1", "news.fifo"))
        own = await news.it.engine.inspect(topic_invariants.own_queues, found.partition)
        (queue,) = [queue for queue, kind in own.items() if bool(kind) is (where == "outbox")]
        await news.it.engine.transact((queue,), change, (b":news.fifo", b":olds.fifo"))
        (problem,) = await news.problems()
        assert problem.endswith(f"is sealed with a key that was made for {TOPICS}olds.fifo")

        await news.it.engine.transact((queue,), change, (b":olds.fifo", b":news.fifo"))
        return news

    sealed(scenario)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.none()),
        st.tuples(st.sampled_from(("disable", "enable", "restart", "take")), st.none()),
        st.tuples(st.just("advance"), st.sampled_from((1, 100, REUSE_S))),
    ),
    min_size=10,
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_what_is_delivered_in_which_order_is_what_a_model_says(steps):
    """Told by the model: who has a data key at hand, and so who may publish, and what has come to the queue."""

    async def scenario(news):
        await news.begin("news.fifo")
        await news.it.create("jobs.fifo")
        await news.subscribe("jobs.fifo", "news.fifo", RawMessageDelivery="true")
        enabled, at_hand, now_ms = True, None, 0
        published: list[str] = []
        taken: list[str] = []
        for step, what in steps:
            if step == "say":
                body = str(len(published))
                if at_hand is not None or enabled:
                    at_hand = now_ms if at_hand is None else at_hand
                    await news.say(body)
                    published.append(body)
                else:
                    assert await refusal(news.say(body)) == "KMSDisabled"
            elif step == "disable":
                await news.disable()
                enabled = False
            elif step == "enable":
                await news.enable()
                enabled = True
            elif step == "restart":
                news = await news.restart()
                at_hand = None
            elif step == "advance":
                await news.advance(what)
                now_ms += what * 1000
            else:
                taken += await take(news)
            if at_hand is not None and now_ms - at_hand >= REUSE_S * 1000:
                at_hand = None
            assert taken == published[: len(taken)]
        await news.enable()
        await news.advance(WAIT_MS / 1000)
        assert taken + await take(news) == published
        return news

    sealed(scenario)


async def take(news: Sealed) -> list[str]:
    bodies = []
    while messages := await news.it.receive(queue="jobs.fifo"):
        for message in messages:
            bodies.append(message.body.decode())
            await news.it.delete(message.receipt_handle, "jobs.fifo")
    return bodies


def test_what_is_remembered_of_seals_is_bounded():
    async def scenario(news):
        await news.begin()
        seals = news.it.notice_seals
        known = await seals.sealing(news.it.ctx, f"{TOPICS}news", news.key, 0)
        for number in range(SEALINGS_REMEMBERED_MAX):
            envelope = msgspec.structs.replace(known.envelope, wrapped=str(number).encode())
            seals._remembered(envelope, bytes(32), 0)

        assert len(seals._known) == SEALINGS_REMEMBERED_MAX
        return news

    sealed(scenario)
