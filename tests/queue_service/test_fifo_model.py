"""FIFO queues beside a plain model: whatever is done to two, one the dead-letter queue of the other, both agree.

The model knows SQS's rules as lists of messages by group and a line of groups; nothing of rows, numbers or counters. It
works with the same manual clock. Crashes are restarts on the bytes of the last commit. Retention has its own tests.
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
from cumulo.queue_service import fifo, message_model, model
from tests.queue_service.machines import StandMachine, check

NAMES = ("jobs.fifo", "dead.fifo")
MAX_RECEIVES = 2
DUE_AT_ONCE = fifo.PROMOTE_OPERATIONS_OF_RECEIVE // 9
LARGE = 64_500
"""A body in two pieces."""


class Message(msgspec.Struct, eq=False):
    body: bytes
    group: str
    number: int
    sent_ms: int
    state: str = "ready"
    due_ms: int = 0
    receives: int = 0
    receives_before: int = 0
    handle: str = ""


class Attempt(msgspec.Struct):
    messages: list[Message]
    handles: list[str]
    due_ms: int
    until_ms: int


class Queue(msgspec.Struct):
    groups: dict[str, list[Message]] = {}
    line: list[str] = []
    windows: dict[tuple[str, str], tuple[int, str, str]] = {}
    attempts: dict[str, Attempt] = {}
    visibility_s: int = 30
    delay_s: int = 0
    scope: str = "queue"
    scope_before: str = "queue"
    scope_changed_ms: int = -(1 << 60)

    def all(self) -> list[Message]:
        return [message for messages in self.groups.values() for message in messages]

    def count(self, state: str) -> int:
        return sum(message.state == state for message in self.all())

    def settle(self, group: str) -> None:
        messages = self.groups.get(group, [])
        ready = bool(messages) and messages[0].state == "ready"
        if ready and group not in self.line:
            self.line.append(group)
        if not ready and group in self.line:
            self.line.remove(group)
        if not messages:
            self.groups.pop(group, None)

    def add(self, message: Message) -> None:
        self.groups.setdefault(message.group, []).append(message)
        self.settle(message.group)

    def remove(self, message: Message) -> None:
        self.groups[message.group].remove(message)

    def promote(self, now_ms: int, limit: int) -> None:
        delayed = [it for it in self.all() if it.state == "delayed" and it.sent_ms + self.delay_s * 1000 <= now_ms]
        leased = [it for it in self.all() if it.state == "leased" and it.due_ms <= now_ms]
        delayed.sort(key=lambda it: (it.sent_ms, it.number))
        leased.sort(key=lambda it: (it.due_ms, it.number))
        due = (delayed + leased)[:limit]
        for message in due:
            message.state = "ready"
        for message in due:
            self.settle(message.group)

    def scope_of(self, group: str, now_ms: int) -> str:
        scope = self.scope_before if now_ms < self.scope_changed_ms + 60_000 else self.scope
        return group if scope == "messageGroup" else ""


class FifoMachine(StandMachine):
    """Two queues, their messages, and every handle that was ever given out."""

    def __init__(self, stand_type: Any) -> None:
        super().__init__(stand_type)
        self.queues: dict[str, Queue] = {}
        self.handles: list[tuple[str, str, Message]] = []
        self.number = 0

    def refused(self, work: Any) -> str:
        """Return the message of a refusal, empty for none."""
        try:
            self.run(work)
        except ServiceError as error:
            return error.message
        return ""

    @initialize()
    def make_both(self) -> None:
        self.make("dead.fifo")
        self.make("jobs.fifo")

    def make(self, name: str) -> None:
        more: dict[str, Any] = {}
        if name == "jobs.fifo":
            more["dead_letter_policy"] = model.DeadLetterPolicy("dead.fifo", MAX_RECEIVES)
        self.run(self.stand.create(name, **more))
        self.queues[name] = Queue()

    @rule(
        name=st.sampled_from(NAMES),
        sent=st.lists(
            st.tuples(st.sampled_from("abc"), st.sampled_from([*"1234", ""]), st.sampled_from([1, 10, LARGE])),
            min_size=1,
            max_size=6,
        ),
    )
    def send(self, name, sent):
        queue, entries, expected = self.queues[name], [], []
        for group, shared_id, size in sent:
            self.number += 1
            body = (b"%d;" % self.number).ljust(size, b"x")
            entries.append(
                message_model.SendEntry(body, group_id=group, deduplication_id=shared_id or f"own{self.number}")
            )

        results = self.run(
            self.stand.call("BatchSendMessages", message_model.SendMessages(queue=name, entries=tuple(entries)))
        )

        numbers = []
        for entry, result in zip(entries, results, strict=True):
            assert entry.group_id is not None
            assert entry.deduplication_id is not None
            key = (queue.scope_of(entry.group_id, self.now_ms), entry.deduplication_id)
            until_ms, message_id, number = queue.windows.get(key, (0, "", ""))
            expected.append((message_id, number) if until_ms > self.now_ms else None)
            if until_ms > self.now_ms:
                continue
            queue.windows[key] = (self.now_ms + 300_000, result.message_id, result.sequence_number)
            numbers.append(result.sequence_number)
            message = Message(entry.body, entry.group_id, int(result.sequence_number), self.now_ms)
            message.state = "delayed" if queue.delay_s else "ready"
            queue.add(message)
        for result, first in zip(results, expected, strict=True):
            assert first is None or (result.message_id, result.sequence_number) == first
        assert numbers == sorted(set(numbers))

    @rule(
        name=st.sampled_from(NAMES),
        count=st.integers(1, 12),
        visibility_s=st.sampled_from([None, 0, 1, 2, 30]),
        attempt_id=st.sampled_from(["", "", "x", "y"]),
    )
    def receive(self, name, count, visibility_s, attempt_id):
        received = self.run(
            self.stand.receive(count, queue=name, visibility_timeout_s=visibility_s, attempt_id=attempt_id)
        )

        taken = self.model_receive(name, count, visibility_s, attempt_id)
        assert [(it.body, it.group_id, it.receive_count) for it in received] == [
            (it.body, it.group, it.receives + it.receives_before) for it in taken
        ]
        for got, expected in zip(received, taken, strict=True):
            assert not expected.handle or expected.handle == got.receipt_handle
            expected.handle = got.receipt_handle
            self.handles.append((name, got.receipt_handle, expected))
        if attempt_id and taken:
            attempt = self.queues[name].attempts[attempt_id]
            attempt.handles = attempt.handles or [it.handle for it in taken]

    def model_receive(self, name: str, count: int, visibility_s: int | None, attempt_id: str) -> list[Message]:
        queue = self.queues[name]
        due_ms = self.now_ms + (queue.visibility_s if visibility_s is None else visibility_s) * 1000
        while True:  # what one call does in several transactions where it finds only messages to set aside
            queue.promote(self.now_ms, DUE_AT_ONCE)
            attempt = queue.attempts.get(attempt_id)
            if attempt is not None and self.is_untouched(queue, attempt):
                attempt.due_ms = due_ms
                for message in attempt.messages:
                    message.due_ms = due_ms
                return attempt.messages
            taken = self.take(name, count, due_ms)
            if taken or not queue.line:
                break
        if attempt_id and taken:
            queue.attempts[attempt_id] = Attempt(taken, [], due_ms, self.now_ms + 300_000)
        return taken

    def is_untouched(self, queue: Queue, attempt: Attempt) -> bool:
        return min(attempt.due_ms, attempt.until_ms) > self.now_ms and all(
            it in queue.groups.get(it.group, [])
            and (it.state, it.handle, it.due_ms) == ("leased", handle, attempt.due_ms)
            for it, handle in zip(attempt.messages, attempt.handles, strict=True)
        )

    def take(self, name: str, count: int, due_ms: int) -> list[Message]:
        queue = self.queues[name]
        taken: list[Message] = []
        budget = fifo.SET_ASIDE_OPERATIONS_MAX
        while queue.line and len(taken) < count and budget >= 0:
            group = queue.line[0]
            for message in list(queue.groups[group]):
                if message.state != "ready" or len(taken) == count:
                    break
                if name == "jobs.fifo" and message.receives >= MAX_RECEIVES:
                    budget -= 13 + 2 * (2 if len(message.body) == LARGE else 1)
                    if budget < 0:
                        break
                    queue.remove(message)
                    before = message.receives_before + message.receives
                    self.number += 1
                    moved = Message(message.body, group, self.number_in_dead(), self.now_ms, receives_before=before)
                    self.queues["dead.fifo"].add(moved)
                    continue
                message.state, message.due_ms, message.handle = "leased", due_ms, ""
                message.receives += 1
                taken.append(message)
            queue.settle(group)
        return taken

    def number_in_dead(self) -> int:
        """A number above those that were sent there: only their order counts."""
        return max((it.number for it in self.queues["dead.fifo"].all()), default=0) + 1

    @precondition(lambda self: self.handles)
    @rule(data=st.data())
    def delete(self, data):
        name, handle, message = data.draw(st.sampled_from(self.handles[-30:]))
        queue = self.queues[name]

        refusal = self.refused(self.stand.delete(handle, queue=name))

        if message not in queue.groups.get(message.group, []):
            assert refusal == "" or "another queue" in refusal  # the latter where the queue was made anew
        elif (message.state, message.handle) != ("leased", handle) or message.due_ms <= self.now_ms:
            assert refusal == "The receipt handle has expired."
        else:
            assert refusal == ""
            queue.remove(message)
            queue.settle(message.group)

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), timeout_s=st.sampled_from([0, 0, 1, 3, 60]))
    def change_visibility(self, data, timeout_s):
        name, handle, message = data.draw(st.sampled_from(self.handles[-30:]))
        queue = self.queues[name]

        refusal = self.refused(self.stand.hold(handle, timeout_s, queue=name))

        if message not in queue.groups.get(message.group, []):
            assert "does not exist" in refusal or "another queue" in refusal
        elif (message.state, message.handle) != ("leased", handle) or message.due_ms <= self.now_ms:
            assert refusal == "The receipt handle has expired."
        else:
            assert refusal == ""
            message.due_ms = self.now_ms + timeout_s * 1000
            if not timeout_s:
                message.state = "ready"
            queue.settle(message.group)

    @rule(seconds=st.sampled_from([0.001, 1, 2, 5, 31, 61, 301]))
    def let_time_pass_with_the_timers_behind(self, seconds):
        self.stand.clock.advance(int(seconds * 1000))

    @rule(seconds=st.sampled_from([0, 1, 2, 5, 31, 61, 301]))
    def let_time_pass(self, seconds):
        self.run(self.stand.advance(seconds))

        for queue in self.queues.values():
            queue.promote(self.now_ms, 1_000)

    @rule(
        name=st.sampled_from(NAMES),
        visibility_s=st.integers(0, 40),
        delay_s=st.sampled_from([0, 0, 2, 10]),
        scope=st.sampled_from(model.DEDUPLICATION_SCOPES),
    )
    def change_attributes(self, name, visibility_s, delay_s, scope):
        self.run(self.stand.update(name, visibility_timeout_s=visibility_s, delay_s=delay_s, deduplication_scope=scope))

        queue = self.queues[name]
        queue.visibility_s, queue.delay_s = visibility_s, delay_s
        if scope != queue.scope:
            queue.scope_before, queue.scope, queue.scope_changed_ms = queue.scope, scope, self.now_ms

    @rule(name=st.sampled_from(NAMES))
    def purge(self, name):
        self.run(self.stand.purge(name))

        queue = self.queues[name]
        queue.groups, queue.line, queue.windows, queue.attempts = {}, [], {}, {}

    @rule(name=st.sampled_from(NAMES))
    def make_anew(self, name):
        self.run(self.stand.remove(name))
        self.make(name)

    @invariant()
    def counts_agree(self) -> None:
        for name, queue in self.queues.items():
            counts = self.run(self.stand.counts(name))
            assert counts == (queue.count("ready"), queue.count("leased"), queue.count("delayed"))

    @invariant()
    def what_is_stored_holds_together(self) -> None:
        assert self.run(self.stand.problems()) == []

    def teardown(self) -> None:
        self.run(self.stand.advance(400))
        super().teardown()


def test_fifo_queues_agree_with_a_plain_model_in_memory(make_stand):
    check(FifoMachine, make_stand, 60, on_disk=False)


def test_fifo_queues_agree_with_a_plain_model_on_disk_through_crashes(make_stand):
    check(FifoMachine, make_stand, 15, on_disk=True)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("on_disk", "examples"), [(False, 3_000), (True, 300)])
def test_fifo_queues_agree_with_a_plain_model_for_long(make_stand, on_disk, examples):
    check(FifoMachine, make_stand, examples, on_disk=on_disk)
