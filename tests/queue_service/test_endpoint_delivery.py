"""Deliveries to HTTP endpoints: what they are sent, when it is tried again, and what becomes of it in the end."""

import asyncio
import contextlib
import json
import logging

import pytest

from cumulo.core.errors import ServiceError
from cumulo.gateway.outgoing_addresses import PrivateAddresses
from cumulo.gateway.outgoing_http import OutgoingHttp
from cumulo.queue_service import endpoint_delivery
from cumulo.queue_service import topic_model as topics
from cumulo.queue_service.http_carrier import HttpCarrier
from tests.queue_service.endpoints import Endpoint
from tests.queue_service.test_topics import Topics as TopicsOfQueues

HTTP = "http"


class Topics(TopicsOfQueues):
    """A service of topics that posts, and short forms of what its endpoints do."""

    def __init__(self, it, private=PrivateAddresses.LOOPBACK, answer_s=15):
        carrier = HttpCarrier(OutgoingHttp(private, answer_s=answer_s))
        super().__init__(it, http=carrier, https=carrier)

    async def subscribe_url(self, url, topic="news", **attributes):
        request = topics.Subscribe(topic=topic, protocol=HTTP, endpoint=url, attributes=attributes)
        return await self.call(request)

    async def subscribed(self, endpoint, topic="news", **attributes):
        """Subscribe an endpoint, and confirm it by the token that it was sent."""
        made = await self.subscribe_url(endpoint.url, topic, **attributes)
        await self.advance()
        token = endpoint.of_type("SubscriptionConfirmation")[-1].document["Token"]
        await self.call(topics.ConfirmSubscription(topic=topic, token=token))
        return made.place.arn

    async def advance(self, seconds=0.001):
        """Let time pass, and the deliveries that are due then be attempted, as far as they are over at once."""
        self.it.clock.advance(int(seconds * 1000))
        while await self.it.pump.run_due():
            await self.service.endpoints.settle()
            await self.service.farewells.settle()


@pytest.fixture
def go(run):
    """Run a scenario with topics, on each engine; deliveries are ended before invariants are looked at."""

    def going(scenario, **more):
        async def whole(it):
            news = Topics(it, **more)
            await news.create()
            try:
                await scenario(news)
            finally:
                await news.service.drain()
            assert await news.problems() == []

        run(whole)

    return going


def test_endpoint_is_asked_to_confirm_and_then_gets_what_is_published(go):
    async def scenario(news):
        async with Endpoint() as endpoint:
            arn = await news.subscribed(endpoint)

            (sent,) = await news.publish("hello", subject="greeting")
            await news.advance()

            asked, notified = endpoint.posted
            assert asked.line == "POST /path?of=it HTTP/1.1"
            assert asked.headers["content-type"] == "text/plain; charset=UTF-8"
            assert asked.headers["user-agent"] == "Amazon Simple Notification Service Agent"
            assert (asked.headers["connection"], asked.headers["accept-encoding"]) == ("Keep-Alive", "gzip,deflate")
            assert asked.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
            assert asked.headers["x-amz-sns-topic-arn"] == "arn:aws:sns:us-east-1:000000000000:news"
            assert list(asked.document) == [
                "Type",
                "MessageId",
                "Token",
                "TopicArn",
                "Message",
                "SubscribeURL",
                "Timestamp",
                "SignatureVersion",
                "Signature",
                "SigningCertURL",
            ]
            assert asked.document["Message"] == (
                "You have chosen to subscribe to the topic arn:aws:sns:us-east-1:000000000000:news.\n"
                "To confirm the subscription, visit the SubscribeURL included in this message."
            )
            assert asked.headers["x-amz-sns-message-id"] == asked.document["MessageId"]
            assert notified.headers["x-amz-sns-message-type"] == "Notification"
            assert notified.headers["x-amz-sns-message-id"] == sent.message_id
            assert notified.headers["x-amz-sns-subscription-arn"] == arn
            assert notified.document["Message"] == "hello"
            assert notified.document["Subject"] == "greeting"
            assert notified.document["UnsubscribeURL"].endswith(f"/?Action=Unsubscribe&SubscriptionArn={arn}")

    go(scenario)


def test_endpoint_that_has_not_confirmed_gets_nothing_but_the_question(go):
    async def scenario(news):
        async with Endpoint() as endpoint:
            await news.subscribe_url(endpoint.url)
            await news.publish("hello")
            await news.advance()
            await news.subscribe_url(endpoint.url)
            await news.advance()

            assert [it.headers["x-amz-sns-message-type"] for it in endpoint.posted] == ["SubscriptionConfirmation"] * 2

    go(scenario)


def test_raw_delivery_posts_the_message_alone(go):
    async def scenario(news):
        async with Endpoint() as endpoint:
            await news.subscribed(endpoint, RawMessageDelivery="true")

            await news.publish("hällo")
            await news.advance()

            raw = endpoint.posted[-1]
            assert raw.body == "hällo".encode()
            assert raw.headers["x-amz-sns-rawdelivery"] == "true"

    go(scenario)


def test_endpoint_gets_the_text_of_its_protocol_and_the_content_type_of_its_policy(go):
    async def scenario(news):
        async with Endpoint() as endpoint:
            policy = json.dumps({"requestPolicy": {"headerContentType": "application/json"}})
            await news.subscribed(endpoint, RawMessageDelivery="true", DeliveryPolicy=policy)

            await news.publish("for others", by_protocol={"http": "for http"})
            await news.advance()

            assert endpoint.posted[-1].body == b"for http"
            assert endpoint.posted[-1].headers["content-type"] == "application/json"

    go(scenario)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_message_that_was_not_taken_comes_again_after_the_delays_of_the_policy(go, status):
    async def scenario(news):
        async with Endpoint() as endpoint:
            retries = {"minDelayTarget": 2, "maxDelayTarget": 10, "numRetries": 4}
            retries |= {"numNoDelayRetries": 1, "numMinDelayRetries": 1, "numMaxDelayRetries": 2}
            await news.subscribed(endpoint, DeliveryPolicy=json.dumps({"healthyRetryPolicy": retries}))
            endpoint.statuses = [status] * 4

            await news.publish("hello")
            seen = []
            for _ in range(24):
                seen.append(len(endpoint.bodies))
                await news.advance(1)

            # At once twice; then after 2, 10 and 10 seconds.
            assert seen == [0, 2, 2, *[3] * 10, *[4] * 10, 5]
            assert news.service.endpoints.outcomes == {(HTTP, "delivered"): 2, (HTTP, "failed"): 4}

    go(scenario)


def test_password_of_an_endpoint_is_used_and_never_shown(go, caplog):
    async def scenario(news):
        async with Endpoint() as endpoint:
            host = f"127.0.0.1:{endpoint.port}"
            endpoint.url = f"http://me:hunter2@{host}/"
            arn = await news.subscribed(endpoint)
            endpoint.statuses = [500]

            await news.publish("hello")
            await news.advance(60)

            assert endpoint.posted[-1].headers["authorization"] == "Basic bWU6aHVudGVyMg=="
            shown = [
                await news.call(topics.GetSubscription(subscription=arn)),
                await news.call(topics.Subscribe(topic="news", protocol="http", endpoint=endpoint.url)),
                *(await news.call(topics.ListSubscriptions())).subscriptions,
                *(await news.call(topics.ListSubscriptionsByTopic(topic="news"))).subscriptions,
            ]
            assert {it.endpoint for it in shown} == {f"http://me:****@{host}/"}
            for wrong in (f"me:hunter2/@{host}/", f"me:hunter2@{host}:port/", "me:hunter2@169.254.169.254/"):
                with pytest.raises(ServiceError) as refused:
                    await news.call(topics.Subscribe(topic="news", protocol="http", endpoint=f"http://{wrong}"))
                assert "hunter" not in str(refused.value)
            assert "an endpoint took no message" in caplog.text
            assert "hunter2" not in f"{caplog.text}{[record.__dict__ for record in caplog.records]}"

    with caplog.at_level(logging.DEBUG):
        go(scenario)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404])
def test_message_that_was_refused_is_not_tried_again(go, status):
    async def scenario(news):
        async with Endpoint() as endpoint, Endpoint() as elsewhere:
            await news.subscribed(endpoint)
            endpoint.statuses, endpoint.headers = [status], f"Location: {elsewhere.url}\r\n"

            await news.publish("hello")
            for _ in range(10):
                await news.advance(60)

            assert endpoint.bodies == ["hello"]
            assert elsewhere.posted == []
            assert news.service.endpoints.outcomes[HTTP, "dropped"] == 1

    go(scenario)


def test_message_that_is_given_up_goes_to_the_dead_letter_queue(go):
    async def scenario(news):
        async with Endpoint() as endpoint:
            await news.it.create("dead", kms_master_key_id="alias/aws/sqs")
            redrive = json.dumps({"deadLetterTargetArn": (await news.it.queue("dead")).arn})
            await news.subscribed(endpoint, RedrivePolicy=redrive)
            endpoint.statuses = [500] * 9

            (sent,) = await news.publish("hello")
            for _ in range(10):
                await news.advance(20)

            assert len(endpoint.bodies) == 4
            (dead,) = await news.it.receive(queue="dead")
            assert json.loads(dead.body)["MessageId"] == sent.message_id
            assert json.loads(dead.body)["Message"] == "hello"
            assert news.service.endpoints.outcomes[HTTP, "dead_lettered"] == 1

    go(scenario)


def test_server_that_ends_does_not_wait_for_an_endpoint_that_never_answers(go, monkeypatch):
    monkeypatch.setattr(endpoint_delivery, "DRAIN_S", 0.05)

    async def scenario(news):
        async with Endpoint() as endpoint:
            await news.subscribed(endpoint)
            endpoint.silent = True
            await news.publish("hello")
            news.it.clock.advance(1)
            await news.it.pump.run_due()
            await endpoint.wait_for(1)

            async with asyncio.timeout(5):
                await news.service.drain()

            assert news.service.endpoints.outcomes == {(HTTP, "delivered"): 1}

    go(scenario)


def test_message_that_is_too_large_for_the_dead_letter_queue_is_dropped_and_counted(go):
    async def scenario(news):
        async with Endpoint() as endpoint:
            await news.it.create("dead", maximum_message_size_bytes=1024)
            redrive = json.dumps({"deadLetterTargetArn": (await news.it.queue("dead")).arn})
            await news.subscribed(endpoint, RedrivePolicy=redrive)
            endpoint.statuses = [404]

            await news.publish("x" * 2000)
            await news.advance()

            assert news.service.endpoints.outcomes[HTTP, "dropped"] == 1
            assert await news.it.counts("dead") == (0, 0, 0)

    go(scenario)


def test_throttle_lets_so_many_attempts_through_a_second(go):
    async def scenario(news):
        async with Endpoint() as endpoint:
            policy = json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 3}})
            await news.subscribed(endpoint, DeliveryPolicy=policy)
            await news.advance(1)

            await news.publish(*(str(number) for number in range(10)))
            seen = []
            for _ in range(4):
                await news.advance(1)
                seen.append(len(endpoint.bodies))

            assert seen == [3, 6, 9, 10]

    go(scenario)


def test_dead_endpoints_do_not_hold_up_a_live_one(go):
    async def scenario(news):
        async with contextlib.AsyncExitStack() as stack:
            dead = [await stack.enter_async_context(Endpoint()) for _ in range(3)]
            live = await stack.enter_async_context(Endpoint())
            for endpoint in (*dead, live):
                await news.subscribed(endpoint)
            for endpoint in dead:
                endpoint.silent = True

            await news.publish(*(str(number) for number in range(30)))
            news.it.clock.advance(1)
            while await news.it.pump.run_due():
                pass
            await live.wait_for(30)

            assert sorted(live.bodies, key=int) == [str(number) for number in range(30)]
            assert all(endpoint.open_max <= 8 for endpoint in dead)

    go(scenario, answer_s=1)


def test_endpoint_that_does_not_answer_in_time_has_failed(go):
    async def scenario(news):
        async with Endpoint() as endpoint:
            await news.subscribed(endpoint)
            endpoint.silent = True

            await news.publish("hello")
            await news.advance()
            endpoint.silent = False
            await news.advance(20)

            assert endpoint.bodies == ["hello"] * 2
            assert news.service.endpoints.outcomes[HTTP, "failed"] == 1

    go(scenario, answer_s=0.2)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:80/", "not a public one"),
        ("http://localhost:8080/", "not a public one"),
        ("http://10.0.0.7/", "not a public one"),
        ("http://[::ffff:192.168.0.1]/", "not a public one"),
        ("http://2130706433/", "not a public one"),
        ("http://127.1/", "not a public one"),
        ("http://169.254.169.254/latest/meta-data/", "never connected to"),
        ("http://[fe80::1]/", "never connected to"),
        ("http://0.0.0.0/", "never connected to"),
        ("http://example.com:25/", "port 25"),
        ("http:///nowhere", "no URL"),
    ],
)
def test_endpoint_at_an_address_of_the_inside_cannot_be_subscribed(go, url, reason):
    async def scenario(news):
        with pytest.raises(ServiceError, match=reason) as refusal:
            await news.subscribe_url(url)

        assert refusal.value.row.code == "InvalidParameter"
        assert (await news.call(topics.ListSubscriptions())).subscriptions == ()

    go(scenario, private=PrivateAddresses.DENY)


def test_forged_tokens_confirm_nothing(go):
    async def scenario(news):
        async with Endpoint() as endpoint, Endpoint() as other:
            await news.create("other")
            made = await news.subscribe_url(endpoint.url)
            await news.subscribe_url(other.url, topic="other")
            await news.advance()
            token = endpoint.posted[0].document["Token"]
            of_other = other.posted[0].document["Token"]
            altered = token[:-1] + ("A" if token[-1] != "A" else "B")

            for forged in ("", "abc", altered, of_other, token[:40]):
                with pytest.raises(ServiceError) as refusal:
                    await news.call(topics.ConfirmSubscription(topic="news", token=forged))
                assert refusal.value.row.code == "InvalidParameter"

            assert not (await news.call(topics.GetSubscription(subscription=made.place.arn))).confirmed

    go(scenario)


def test_token_confirms_its_subscription_beside_the_name_of_a_topic_that_is_not_there(go):
    async def scenario(news):
        async with Endpoint() as endpoint:
            made = await news.subscribe_url(endpoint.url)
            await news.advance()
            token = endpoint.posted[0].document["Token"]
            elsewhere = "arn:aws:sns:eu-central-1:000000000000:newt"
            with pytest.raises(ServiceError) as refusal:
                await news.call(topics.ConfirmSubscription(topic=elsewhere, token=token))
            assert (refusal.value.row.code, refusal.value.message) == ("InvalidParameter", "Invalid parameter: Topic")

            confirmed = await news.call(topics.ConfirmSubscription(topic="newt", token=token))

            assert (confirmed.place, confirmed.confirmed) == (made.place, True)

    go(scenario)


def test_delivery_goes_on_after_a_restart(run):
    async def scenario(it):
        news = Topics(it)
        await news.create()
        async with Endpoint() as endpoint:
            await news.subscribed(endpoint)
            await news.publish("hello")
            await news.service.drain()
            await it.restart()
            again = Topics(it)

            await again.advance()

            assert endpoint.bodies == ["hello"]
            await again.service.drain()

    run(scenario)


def test_ended_subscription_gets_nothing_more(go):
    async def scenario(news):
        async with Endpoint() as endpoint:
            arn = await news.subscribed(endpoint)
            endpoint.statuses = [500]
            await news.publish("hello")
            await news.advance()
            await news.call(topics.Unsubscribe(subscription=arn))
            await news.publish("again")
            await news.advance(60)

            assert endpoint.bodies == ["hello"]

    go(scenario)


def test_endpoint_is_told_that_its_subscription_has_ended_and_may_restore_it(go):
    async def scenario(news):
        async with Endpoint() as endpoint:
            arn = await news.subscribed(endpoint, RawMessageDelivery="true")
            endpoint.statuses = [500]
            await news.call(topics.Unsubscribe(subscription=arn))
            assert (await news.call(topics.ListSubscriptions())).subscriptions == ()
            await news.advance()
            await news.advance(20)

            first, told = endpoint.of_type("UnsubscribeConfirmation")
            assert first.document == told.document
            assert told.document["Message"] == (
                f"You have chosen to deactivate subscription {arn}.\n"
                "To cancel this operation and restore the subscription, visit the SubscribeURL included in this"
                " message."
            )
            asked = endpoint.of_type("SubscriptionConfirmation")[0]
            with pytest.raises(ServiceError):
                await news.call(topics.ConfirmSubscription(topic="news", token=asked.document["Token"]))
            restored = await news.call(topics.ConfirmSubscription(topic="news", token=told.document["Token"]))
            await news.publish("again")
            await news.advance()

            assert restored.place.arn == arn
            assert endpoint.posted[-1].body == b"again"

    go(scenario)


def test_ended_subscription_is_forgotten_after_two_days(go):
    async def scenario(news):
        async with Endpoint() as endpoint:
            arn = await news.subscribed(endpoint)
            await news.call(topics.Unsubscribe(subscription=arn))
            await news.advance()
            (told,) = endpoint.of_type("UnsubscribeConfirmation")
            await news.advance(topics.CONFIRMATION_S)

            with pytest.raises(ServiceError):
                await news.call(topics.ConfirmSubscription(topic="news", token=told.document["Token"]))

            assert len(endpoint.of_type("UnsubscribeConfirmation")) == 1
            assert await news.it.engine.next_due_ms() is None

    go(scenario)


def test_endpoint_that_subscribed_anew_is_not_restored_besides(go):
    async def scenario(news):
        async with Endpoint() as endpoint:
            arn = await news.subscribed(endpoint)
            await news.call(topics.Unsubscribe(subscription=arn))
            await news.advance()
            (told,) = endpoint.of_type("UnsubscribeConfirmation")
            await news.subscribed(endpoint)

            with pytest.raises(ServiceError):
                await news.call(topics.ConfirmSubscription(topic="news", token=told.document["Token"]))

            assert len((await news.call(topics.ListSubscriptions())).subscriptions) == 1

    go(scenario)
