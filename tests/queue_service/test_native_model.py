"""A native subscription beside a plain model: ordering keys, redelivery, seeks and snapshots, in random order."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cumulo.queue_service import native_model as native
from cumulo.queue_service import seeking
from tests.queue_service.conftest import FOREVER_MS, Stand
from tests.queue_service.test_native_subscriptions import Native

KEYS = "abc"
DEADLINE_S = 10
TOPIC = "news.fifo"
PUBLISH = st.tuples(st.just("publish"), st.sampled_from(KEYS), st.integers(1, 3))

steps = st.lists(
    st.one_of(
        PUBLISH,
        PUBLISH,
        PUBLISH,
        st.tuples(st.just("pull"), st.integers(1, 5)),
        st.tuples(st.just("ack"), st.integers(0, 9)),
        st.tuples(st.just("give back"), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.integers(1, DEADLINE_S)),
        st.tuples(st.just("fan out")),
        st.tuples(st.just("seek"), st.integers(0, 30)),
        st.tuples(st.just("snapshot")),
        st.tuples(st.just("back"), st.integers(0, 9)),
        st.tuples(st.just("restart")),
        st.tuples(st.just("slice")),
        st.tuples(st.just("slice")),
    ),
    min_size=5,
    max_size=60,
)


class Model:
    """What must be: `kept` is everything published, in order, with the times; `waiting` what is to come, by key."""

    def __init__(self):
        self.kept = []
        self.waiting: dict[str, list[Any]] = {key: [] for key in KEYS}
        self.leased = {}
        self.snapshots = []

    def publish(self, key, body, now_ms):
        self.kept.append((key, body, now_ms))
        self.waiting[key].append(body)

    def begin_at(self, position):
        self.leased.clear()
        self.waiting = {key: [] for key in KEYS}
        for key, body, _ in self.kept[position:]:
            self.waiting[key].append(body)

    def first_open(self):
        """The position of the first message that is not acknowledged."""
        open_bodies = {body for bodies in self.waiting.values() for body in bodies}
        return next((at for at, (_, body, _) in enumerate(self.kept) if body in open_bodies), len(self.kept))


class Run:
    """One sequence of steps on a subscription and the model."""

    def __init__(self, it):
        self.it = it
        self.news = Native(it)
        self.model = Model()
        self.held = []
        self.number = 0
        self.delivered = 0

    async def begin(self):
        await self.news.create(TOPIC)
        await self.news.keep(3600, TOPIC)
        await self.news.attach(topic=TOPIC, ack_deadline_s=DEADLINE_S)

    async def settled(self):
        """Let outboxes be emptied and seeks be done."""
        await self.wait(0)

    async def step(self, name, *arguments):
        await getattr(self, name.replace(" ", "_"))(*arguments)

    async def publish(self, key, count):
        for _ in range(count):
            body = f"{key}{self.number}"
            self.number += 1
            await self.news.publish(body, topic=TOPIC, group_id=key, deduplication_id=body)
            self.model.publish(key, body, self.it.clock.wall_ms())

    async def pull(self, count):
        await self.settled()
        now_ms = self.it.clock.deadline_ms()
        messages = await self.news.pull(count, topic=TOPIC)
        taken: dict[str, list[str]] = {}
        for message in messages:
            taken.setdefault(message.group_id, []).append(message.body.decode())
        for key, bodies in taken.items():
            assert all(self.model.leased.get(body, 0) <= now_ms for body in bodies), (key, bodies)
            waiting = self.model.waiting[key]
            assert bodies == waiting[: len(bodies)], (bodies, waiting)
        for message in messages:
            self.model.leased[message.body.decode()] = now_ms + DEADLINE_S * 1000
        self.held += messages
        if not messages:
            for waiting in self.model.waiting.values():
                assert not waiting or self.model.leased.get(waiting[0], 0) > now_ms, waiting

    def _pick(self, index):
        return self.held.pop(index % len(self.held)) if self.held else None

    async def ack(self, index):
        message = self._pick(index)
        if message is None:
            return
        body, now_ms = message.body.decode(), self.it.clock.deadline_ms()
        (answer,) = await self.news.ack(message, topic=TOPIC)
        waiting = self.model.waiting[message.group_id]
        if answer is None and self.model.leased.get(body, 0) > now_ms and body in waiting:
            looked = await self.news.look(topic=TOPIC)
            if looked.message_count + looked.in_flight_count < sum(map(len, self.model.waiting.values())):
                waiting.remove(body)
                del self.model.leased[body]

    async def give_back(self, index):
        message = self._pick(index)
        if message is not None:
            body = message.body.decode()
            if self.model.leased.get(body, 0) > self.it.clock.deadline_ms():
                before = await self.news.look(topic=TOPIC)
                source = f"topics/{TOPIC}/subscriptions/s"
                try:
                    await self.it.hold(message.receipt_handle, 0, source)
                except Exception:  # noqa: BLE001 - of an older receive, or of before a seek
                    return
                after = await self.news.look(topic=TOPIC)
                if after.in_flight_count < before.in_flight_count:
                    self.model.leased.pop(body)

    async def wait(self, seconds):
        await self.it.advance(seconds)
        self.delivered = len(self.model.kept)

    async def fan_out(self):
        """Empty the outbox, and leave a seek where it is."""
        await self._do("topic.fan_out", self.news.service.due_handlers()["topic.fan_out"])
        self.delivered = len(self.model.kept)

    async def slice(self):
        """Do one slice of a seek that is under way."""

        async def once(entries):
            for entry in entries:
                await self.news.service.refills.slice(entry)

        await self._do("topic.refill", once)

    async def _do(self, kind, deed):
        due = await self.it.engine.take_due(FOREVER_MS, 1_000)
        await deed([entry for entry in due if entry.kind == kind])

    async def seek(self, ago_s):
        """To a time, with messages on their way out of the outbox and a replay that may be under way."""
        since = self.it.clock.wall_ms() - int(timedelta(seconds=ago_s).total_seconds() * 1000)
        await self.news.seek(native.Target.TIME, topic=TOPIC, time_ms=since)
        # What is on its way out of the outbox is not kept yet, and comes.
        self.model.begin_at(min(self.delivered, sum(at < since for _, _, at in self.model.kept)))

    async def snapshot(self):
        await self.settled()
        if len(self.model.snapshots) < 10:
            name = f"s{len(self.model.snapshots)}"
            await self.news.snapshot(name, topic=TOPIC)
            first = self.model.first_open()
            # Of messages of one time the first is meant.
            times = [at for _, _, at in self.model.kept]
            position = times.index(times[first]) if first < len(times) else first
            self.model.snapshots.append(position)

    async def back(self, index):
        await self.settled()
        if self.model.snapshots:
            number = index % len(self.model.snapshots)
            await self.news.back_to(f"s{number}", topic=TOPIC)
            self.model.begin_at(self.model.snapshots[number])

    async def restart(self):
        await self.it.restart()
        self.news = Native(self.it)

    async def end(self):
        """Everything that is to come comes, in the order of its key."""
        await self.it.advance(DEADLINE_S + 1)
        rest: dict[str, list[str]] = {key: [] for key in KEYS}
        while messages := await self.news.pull(topic=TOPIC):
            for message in messages:
                rest[message.group_id].append(message.body.decode())
            await self.news.ack(*messages, topic=TOPIC)
        assert rest == self.model.waiting
        assert await self.news.problems() == []


@pytest.fixture(autouse=True)
def small_slices(monkeypatch):
    """Let seeks take several slices."""
    monkeypatch.setattr(seeking, "PAGE_MESSAGES", 2)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps)
def test_subscription_does_what_the_model_says(todo):
    async def scenario():
        it = Stand(None)
        await it.open()
        run = Run(it)
        await run.begin()
        for name, *arguments in todo:
            await run.step(name, *arguments)
        await run.end()
        await it.close()

    asyncio.run(scenario())
