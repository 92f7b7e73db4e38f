"""Events to places beyond the engine: held, tried again, dropped; posted to endpoints."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from cumulo.core.errors import ServiceError
from cumulo.core.ports import Delivery
from cumulo.gateway.outgoing_addresses import PrivateAddresses
from cumulo.gateway.outgoing_http import OutgoingHttp
from cumulo.object_store import keys
from cumulo.object_store.endpoint_target import EndpointTarget
from cumulo.object_store.errors import EVENT_NOT_TAKEN
from cumulo.object_store.notification_model import NotificationRule
from cumulo.object_store.remote_deliveries import ATTEMPTS_MAX, HELD_MS, UNDER_WAY_OF_TARGET_MAX

TOPIC = "arn:aws:sns:us-east-1:000000000000:news"
URL = "http://127.0.0.1:1/hook"


class Place:
    """A `RemoteTarget` that fails, refuses or waits as it is told."""

    def __init__(self) -> None:
        self.taken: list[Delivery] = []
        self.attempts = 0
        self.failing = self.refusing = False
        self.open = asyncio.Event()
        self.open.set()

    async def check(self, target: str, source_arn: str, account: str) -> str:
        return "it refuses" if self.refusing else ""

    async def send(self, delivery: Delivery) -> bool:
        self.attempts += 1
        await self.open.wait()
        if self.failing:
            raise EVENT_NOT_TAKEN.error(target=delivery.target_arn, reason="for now")
        if not self.refusing:
            self.taken.append(delivery)
        return not self.refusing

    async def close(self) -> None:
        """Nothing is held."""


def rule(target: str = TOPIC, **more: Any) -> NotificationRule:
    return NotificationRule(target=target, events=("s3:ObjectCreated:*",), **more)


async def settled(stand: Any, seconds: float = 0) -> None:
    await stand.advance(seconds)
    await stand.service.remote.settle()


async def configured(stand: Any, *rules: NotificationRule) -> Place:
    """A place that has got the test event."""
    place = stand.remotes["sns"] = stand.remotes["http"] = Place()
    await stand.notify_me(*(rules or (rule(),)))
    await settled(stand)
    place.taken.clear()
    place.attempts = 0
    return place


def test_event_leaves_the_outbox_once_its_target_took_it(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        place = await configured(stand)
        await stand.put("k", b"1")

        await settled(stand)

        (delivery,) = place.taken
        assert msgspec.json.decode(delivery.body)["Records"][0]["s3"]["object"]["key"] == "k"
        assert (delivery.target_arn, delivery.source_arn) == (TOPIC, "arn:aws:s3:::inbox")
        assert await stand.due(keys.OBJECT_NOTIFY) == 0

    run(scenario)


def test_attempt_that_a_crash_ended_is_made_again(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        place = await configured(stand)
        await stand.put("k", b"1")
        place.open.clear()
        await stand.advance()
        assert await stand.due(keys.OBJECT_NOTIFY) == 1

        await stand.restart()
        place.open.set()
        await settled(stand)
        assert place.taken == []
        await settled(stand, HELD_MS / 1000)

        assert len(place.taken) == 1
        assert await stand.due(keys.OBJECT_NOTIFY) == 0

    run(scenario)


def test_failing_target_is_tried_later_and_given_up_in_the_end(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(stand: Any) -> None:
        place = await configured(stand)
        await stand.put("k", b"1")
        place.failing = True

        with caplog.at_level(logging.CRITICAL):
            for seconds in (0, 1, 2, 4):
                await settled(stand, seconds)
            assert place.attempts == 4
            await settled(stand, 7)
            assert place.attempts == 4
            for _ in range(ATTEMPTS_MAX):
                await settled(stand, 300)

        assert place.attempts == ATTEMPTS_MAX
        assert await stand.due(keys.OBJECT_NOTIFY) == 0

    run(scenario)


def test_target_that_refuses_for_good_loses_the_event(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(stand: Any) -> None:
        place = await configured(stand)
        await stand.put("k", b"1")
        place.refusing = True

        with caplog.at_level(logging.WARNING):
            await settled(stand)

        assert await stand.due(keys.OBJECT_NOTIFY) == 0
        assert "dropped" in caplog.text

    run(scenario)


def test_slow_target_holds_up_nobody_else(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        place = await configured(stand, rule(prefix="t/"), rule(URL, prefix="u/"))
        fast = stand.remotes["http"] = Place()
        place.open.clear()
        for number in range(UNDER_WAY_OF_TARGET_MAX + 5):
            await stand.put(f"t/{number}", b"")
        await stand.advance()
        await stand.put("u/k", b"")
        await stand.advance()
        await asyncio.sleep(0)

        assert place.attempts == UNDER_WAY_OF_TARGET_MAX
        assert len(fast.taken) == 1
        place.open.set()
        await stand.service.remote.settle()
        await settled(stand, 1)
        assert len(place.taken) == UNDER_WAY_OF_TARGET_MAX + 5

    run(scenario)


# Endpoints


@asynccontextmanager
async def endpoint(status: int) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that answers everything with a status; yields its URL and what it got."""
    got: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        got.append(head + await reader.readexactly(length))
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", got


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "taken"), (204, "taken"), (302, "refused"), (404, "refused"), (429, "later"), (503, "later")],
)
def test_answer_of_an_endpoint_says_what_becomes_of_an_event(status: int, outcome: str) -> None:
    async def whole() -> None:
        target = EndpointTarget(OutgoingHttp(PrivateAddresses.LOOPBACK))
        async with endpoint(status) as (url, got):
            delivery = Delivery(url, b'{"Records": []}', "one", "arn:aws:s3:::inbox", "000000000000")
            assert await target.check(url, delivery.source_arn, delivery.account) == ""
            if outcome == "later":
                with pytest.raises(ServiceError, match="did not take an event"):
                    await target.send(delivery)
            else:
                assert await target.send(delivery) is (outcome == "taken")
            assert got[0].endswith(b'{"Records": []}')
            assert b"x-cumulo-delivery-id: one" in got[0].lower()
        await target.close()

    asyncio.run(whole())


def test_endpoint_inside_is_refused_where_the_settings_say_so() -> None:
    async def whole() -> None:
        target = EndpointTarget(OutgoingHttp(PrivateAddresses.DENY))
        delivery = Delivery("http://127.0.0.1:80/", b"", "one", "arn:aws:s3:::inbox", "000000000000")

        assert await target.check(delivery.target_arn, "", "") != ""
        assert not await target.send(delivery)
        await target.close()

    asyncio.run(whole())
