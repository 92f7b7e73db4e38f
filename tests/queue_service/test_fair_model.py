"""Fair queues beside a plain re-statement of the rule: whose turn it is, which groups are noisy, what is counted.

The model keeps a list of messages and one of the times that they were in flight, and looks through both each time. It
knows nothing of lines, periods that are summed up, or rows that are put off. It works with the same manual clock.
"""

from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
)

from cumulo.core.errors import ServiceError
from cumulo.queue_service import model
from tests.queue_service.machines import StandMachine, check

NAMES = ("jobs", "dead")
GROUPS = (None, "a", "b", "c")
MAX_RECEIVES = 3
MESSAGES_MAX = 42
"""Of one queue: so many may be set aside, or come back, in one function."""
MINUTE_MS = 60_000


class ModelMessage(msgspec.Struct, eq=False):
    body: bytes
    group: str | None
    priority: int
    state: str
    due_ms: int = 0
    receives: int = 0
    handle: str = ""


class Flight(msgspec.Struct, eq=False):
    """A time that a message was in flight; it goes on where `end_ms` is None."""

    group: str | None
    message: ModelMessage
    start_ms: int
    end_ms: int | None = None


class ModelGroup(msgspec.Struct):
    noisy: bool = False
    sent_ms: int = 0


class ModelQueue:
    """Messages in the order of arrival."""

    def __init__(self) -> None:
        self.messages: list[ModelMessage] = []
        self.flights: list[Flight] = []
        self.groups: dict[str, ModelGroup] = {}
        self.known_from_ms = 0
        self.visibility_s = 30
        self.looks: dict[str, int] = {}

    def of(self, group: str | None, state: str) -> list[ModelMessage]:
        """Those of the highest priority first."""
        found = [it for it in self.messages if it.group == group and it.state == state]
        return sorted(found, key=lambda it: -it.priority)

    def count(self, state: str) -> int:
        return sum(message.state == state for message in self.messages)

    def counts_of_groups(self) -> dict[str, tuple[int, ...]]:
        return {
            name: tuple(len(self.of(name, state)) for state in ("ready", "delayed", "leased")) for name in self.groups
        }

    def land(self, message: ModelMessage, now_ms: int) -> None:
        """A message is no longer in flight."""
        for flight in self.flights:
            if flight.message is message and flight.end_ms is None:
                flight.end_ms = now_ms

    def recent(self, group: str | None, now_ms: int, *, everybody: bool = False) -> int:
        window_ms = (now_ms // MINUTE_MS - 1) * MINUTE_MS
        total = 0
        for it in self.flights:
            if everybody or it.group == group:
                start = max(it.start_ms, window_ms, self.known_from_ms)
                total += max(0, (now_ms if it.end_ms is None else it.end_ms) - start)
        return total

    def takes_time(self, group: str, now_ms: int) -> bool:
        everybody = self.recent(None, now_ms, everybody=True)
        return everybody >= 1_000 and self.recent(group, now_ms) * 10 > everybody

    def judge(self, name: str, now_ms: int) -> None:
        group = self.groups[name]
        mine, all_of_it = len(self.of(name, "leased")), self.count("leased")
        group.noisy = (
            bool(self.of(name, "ready"))
            and now_ms < group.sent_ms + 5 * MINUTE_MS
            and (group.noisy or (mine >= 30 and mine * 10 > all_of_it) or self.takes_time(name, now_ms))
        )

    def arrive(self, message: ModelMessage, now_ms: int) -> None:
        self.messages.append(message)
        if message.group is not None:
            if not self.groups:
                self.known_from_ms = now_ms
            self.groups.setdefault(message.group, ModelGroup()).sent_ms = now_ms

    def settle(self, before: dict[str, tuple[int, ...]], now_ms: int) -> None:
        """The end of a function: judge the groups whose messages moved, forget those that have none."""
        for name, counts in self.counts_of_groups().items():
            if counts != before.get(name, (0, 0, 0)):
                self.judge(name, now_ms)
            self.groups[name].noisy = self.groups[name].noisy and counts[0] > 0
            if any(counts):
                self.looks.pop(name, None)
            elif name not in self.looks:
                self.keep_or_forget(name, now_ms)

    def keep_or_forget(self, name: str, now_ms: int) -> None:
        if self.takes_time(name, now_ms):
            self.looks[name] = (now_ms // MINUTE_MS + 2) * MINUTE_MS
            return
        del self.groups[name]
        self.looks.pop(name, None)
        for flight in self.flights:
            if flight.group == name:
                flight.group = None

    def promote(self, now_ms: int) -> None:
        for group in self.groups.values():
            group.noisy = group.noisy and now_ms < group.sent_ms + 5 * MINUTE_MS
        for message in self.messages:
            if message.state in ("delayed", "leased") and message.due_ms <= now_ms:
                message.state = "ready"
                self.land(message, now_ms)

    def forget(self, now_ms: int) -> None:
        for name, at_ms in list(self.looks.items()):
            if at_ms <= now_ms and not any(self.counts_of_groups()[name]):
                self.keep_or_forget(name, now_ms)

    def next_in_turn(self, now_ms: int) -> ModelMessage | None:
        """The highest priority first, then quiet groups, then of the others that with the fewest messages in flight."""
        while ready := [it for it in self.messages if it.state == "ready"]:
            first = min(ready, key=self.turn)
            if first.group is None or self.is_noisy(first.group):
                return first
            self.judge(first.group, now_ms)
            if not self.is_noisy(first.group):
                return first
        return None

    def turn(self, it: ModelMessage) -> tuple[int, ...]:
        noisy = self.is_noisy(it.group)
        return -it.priority, noisy, len(self.of(it.group, "leased")) if noisy else 0, self.messages.index(it)

    def is_noisy(self, group: str | None) -> bool:
        return group is not None and self.groups[group].noisy


class FairMachine(StandMachine):
    """Two queues, one the dead-letter queue of the other, and every handle that was ever given out."""

    def __init__(self, stand_type: Any) -> None:
        super().__init__(stand_type)
        self.queues: dict[str, ModelQueue] = {}
        self.handles: list[tuple[str, str, ModelMessage]] = []
        self.number = 0

    @initialize()
    def make_both(self) -> None:
        for name in ("dead", "jobs"):
            policy = model.DeadLetterPolicy("dead", MAX_RECEIVES) if name == "jobs" else None
            self.run(self.stand.create(name, dead_letter_policy=policy))
            self.queues[name] = ModelQueue()

    @rule(
        name=st.sampled_from(("jobs", "jobs", "jobs", "dead")),
        group=st.sampled_from(GROUPS),
        count=st.sampled_from([1, 2, 5, 34]),
        delay_s=st.sampled_from([None, None, None, 5]),
        priority=st.sampled_from([4, 4, 4, 4, 9, 0]),
    )
    def send(self, name, group, count, delay_s, priority):
        queue = self.queues[name]
        count = min(count, MESSAGES_MAX - sum(len(it.messages) for it in self.queues.values()))
        if count < 1:
            return
        bodies = [b"%d" % (self.number + place) for place in range(count)]
        self.number += count

        self.run(self.stand.send(*bodies, queue=name, delay_s=delay_s, group_id=group, priority=priority))

        before = queue.counts_of_groups()
        for body in bodies:
            state = "delayed" if delay_s else "ready"
            due_ms = self.now_ms + (delay_s or 0) * 1000
            queue.arrive(ModelMessage(body, group, priority, state, due_ms), self.now_ms)
        queue.settle(before, self.now_ms)

    @rule(
        name=st.sampled_from(("jobs", "jobs", "dead")),
        count=st.sampled_from([1, 2, 5, 31, 40]),
        visibility_s=st.sampled_from([None, 0, 5, 600]),
    )
    def receive(self, name, count, visibility_s):
        messages = self.run(self.stand.receive(count, queue=name, visibility_timeout_s=visibility_s))

        taken = self.model_receive(name, count, visibility_s)
        assert [(it.body, it.group_id or None, it.receive_count) for it in messages] == [
            (it.body, it.group, it.receives) for it in taken
        ]
        for received, expected in zip(messages, taken, strict=True):
            expected.handle = received.receipt_handle
            self.handles.append((name, received.receipt_handle, expected))

    def model_receive(self, name: str, count: int, visibility_s: int | None) -> list[ModelMessage]:
        """Go on where only messages were set aside, as the service does."""
        taken: list[ModelMessage] = []
        for _ in range(20):
            taken, is_done = self.model_receive_once(name, count, visibility_s)
            if is_done:
                break
        return taken

    def model_receive_once(self, name: str, count: int, visibility_s: int | None) -> tuple[list[ModelMessage], bool]:
        queue, dead, now_ms = self.queues[name], self.queues["dead"], self.now_ms
        before, before_dead = queue.counts_of_groups(), dead.counts_of_groups()
        queue.promote(now_ms)
        taken: list[ModelMessage] = []
        wanted = min(count, queue.count("ready"))
        while len(taken) < wanted and (message := queue.next_in_turn(now_ms)) is not None:
            if name == "jobs" and message.receives >= MAX_RECEIVES:
                queue.messages.remove(message)
                moved = ModelMessage(message.body, message.group, message.priority, "ready", receives=message.receives)
                dead.arrive(moved, now_ms)
                continue
            taken.append(message)
            message.state = "leased"
            message.receives += 1
            message.due_ms = now_ms + (queue.visibility_s if visibility_s is None else visibility_s) * 1000
            queue.flights.append(Flight(message.group, message, now_ms))
        queue.settle(before, now_ms)
        queue.forget(now_ms)
        if name == "jobs":
            dead.settle(before_dead, now_ms)
        return taken, bool(taken) or not queue.count("ready")

    def handle_of(self, data: Any) -> tuple[str, str, ModelMessage]:
        drawn: tuple[str, str, ModelMessage] = data.draw(st.sampled_from(self.handles[-50:]))
        return drawn

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), count=st.sampled_from([1, 1, 10, 40]))
    def delete(self, data, count):
        for name, handle, message in [self.handle_of(data)] if count == 1 else self.handles[-count:]:
            queue = self.queues[name]
            before = queue.counts_of_groups()
            try:
                self.run(self.stand.delete(handle, queue=name))
            except ServiceError:
                assert message not in queue.messages or message.handle != handle
                continue
            if message in queue.messages:
                assert message.handle == handle
                queue.land(message, self.now_ms)
                queue.messages.remove(message)
                queue.settle(before, self.now_ms)

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), timeout_s=st.sampled_from([0, 3, 600]))
    def change_visibility(self, data, timeout_s):
        name, handle, message = self.handle_of(data)
        queue = self.queues[name]
        before = queue.counts_of_groups()
        is_there = message in queue.messages and message.handle == handle
        try:
            self.run(self.stand.hold(handle, timeout_s, queue=name))
        except ServiceError:
            assert not is_there
            return
        assert is_there
        message.due_ms = self.now_ms + timeout_s * 1000
        if message.state == "ready" and timeout_s:
            message.state = "leased"
            queue.flights.append(Flight(message.group, message, self.now_ms))
        elif message.state == "leased" and not timeout_s:
            message.state = "ready"
            queue.land(message, self.now_ms)
        queue.settle(before, self.now_ms)

    @rule(seconds=st.sampled_from([0.4, 1, 7, 31, 61, 301]))
    def let_time_pass_with_the_timers_behind(self, seconds):
        self.stand.clock.advance(int(seconds * 1000))

    @rule(seconds=st.sampled_from([0, 0.4, 1, 7, 31, 61, 301]))
    def let_time_pass(self, seconds):
        self.run(self.stand.advance(seconds))

        for queue in self.queues.values():
            before = queue.counts_of_groups()
            queue.promote(self.now_ms)
            queue.settle(before, self.now_ms)
            queue.forget(self.now_ms)

    @rule(name=st.sampled_from(NAMES))
    def purge(self, name):
        self.run(self.stand.purge(name))

        self.queues[name] = ModelQueue()

    @invariant()
    def counts_agree(self) -> None:
        for name, queue in self.queues.items():
            found = self.run(self.stand.queue(name))
            counts = (found.message_count, found.in_flight_count, found.delayed_count)
            assert counts == (queue.count("ready"), queue.count("leased"), queue.count("delayed"))
            quiet = [it for it in queue.messages if not queue.is_noisy(it.group)]
            fairness = found.fairness
            assert (
                fairness.noisy_groups,
                fairness.message_count,
                fairness.in_flight_count,
                fairness.delayed_count,
            ) == (
                sum(group.noisy for group in queue.groups.values()),
                sum(it.state == "ready" for it in quiet),
                sum(it.state == "leased" for it in quiet),
                sum(it.state == "delayed" for it in quiet),
            )
        assert self.run(self.stand.problems()) == []

    def teardown(self) -> None:
        self.run(self.stand.advance(0))
        super().teardown()


def test_fair_queue_agrees_with_the_plain_rule_in_memory(make_stand):
    check(FairMachine, make_stand, 50, on_disk=False)


def test_fair_queue_agrees_with_the_plain_rule_on_disk_through_crashes(make_stand):
    check(FairMachine, make_stand, 8, on_disk=True)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("on_disk", "examples"), [(False, 2_000), (True, 150)])
def test_fair_queue_agrees_with_the_plain_rule_for_long(make_stand, on_disk, examples):
    check(FairMachine, make_stand, examples, on_disk=on_disk)
