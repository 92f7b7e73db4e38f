"""The crash loop's part of fair queues, move tasks, logs, schedules and topics: a run, and that its check sees."""

import asyncio
from typing import Any

import grpc
import pytest

from tests.crash.ack_log import Call, Outcome
from tests.crash.places_work import FAIR, TOPICS, queue_of
from tests.crash.server_loop import PLACES_CLIENT, Loop

POINTS = (
    "engine.before_commit=crash@120",
    "engine.after_commit=crash@120",
    "engine.rerun=crash@60",
    "due.before_deed=crash@5",
    "due.after_deed=crash@5",
)
DONE = ("place_send", "place_receive", "place_append", "place_publish")


async def check(loop, server, calls):
    token = await asyncio.to_thread(loop._token, server)
    async with grpc.aio.insecure_channel(server.target) as channel:
        await loop._check_places(1, channel, token, calls)


@pytest.mark.long
@pytest.mark.timeout(180)
@pytest.mark.parametrize("failpoint", POINTS)
def test_nothing_acknowledged_is_lost_or_comes_twice_where_the_server_dies_there(tmp_path, failpoint):
    loop = Loop(tmp_path, 1, clients=(PLACES_CLIENT,))
    loop.prepare()

    calls, said = loop._load(1, failpoint)
    with loop.server() as server:
        asyncio.run(check(loop, server, calls))
    loop._check_closed()

    assert "ended the server" in said
    assert loop.model.problems == []
    assert {call.op for call in calls if call.outcome is Outcome.ACKED} >= set(DONE)


@pytest.mark.long
@pytest.mark.timeout(120)
def test_check_sees_what_was_acknowledged_and_is_not_there(tmp_path):
    loop = Loop(tmp_path, 1)
    loop.prepare()
    asked: dict[str, dict[str, Any]] = {
        "send": {"messages": {"gone-0-1": 0}, "delay_s": 0, "queue": FAIR},
        "append": {"names": ["gone-0-2"]},
        "publish": {"topic": TOPICS[0], "names": ["gone-0-3"], "group": ""},
    }
    answered: dict[str, dict[str, Any]] = {"append": {"first": 0}}
    calls = [
        Call(op, f"place_{op}", {"at": 1, **what}, Outcome.ACKED, {"at": 2, **answered.get(op, {})})
        for op, what in asked.items()
    ]

    with loop.server() as server:
        with server.client() as client:  # one of the subscribed queues gets what the others do not
            client.queue(queue_of(TOPICS[0], 1)).send("stray-0-4")
            client.queue(queue_of(TOPICS[1], 0)).send("stray-0-5", group="g", deduplication_id="5")
            client.log("places-log").append("stray-0-6")
        asyncio.run(check(loop, server, calls))

    for said in (
        "message gone-0-1: acknowledged and lost",
        "record gone-0-2: acknowledged at 0 and lost",
        "message gone-0-3: acknowledged and lost",
        "message stray-0-4: places-news-0 and places-news-1 do not agree",
        "message stray-0-5: never published",
        "message stray-0-5: the queues of places-news.fifo and a replay of it do not agree",
        "record stray-0-6: never appended",
    ):
        assert any(said in problem for problem in loop.model.problems), (said, loop.model.problems)
