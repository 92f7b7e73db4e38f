"""The room beside a plain model: whatever is done to two queues, one the dead-letter queue of the other, both agree.

The model knows SQS's rules and nothing of subspaces, aliases, promotion or counters. It works with the same manual
clock. Crashes are restarts on the bytes of the last commit.
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
from cumulo.queue_service import message_model, model, move_model
from tests.queue_service.machines import StandMachine, check

NAMES = ("jobs", "dead")
MAX_RECEIVES = 2
TWELVE_HOURS_MS = 43_200_000


class ModelMessage(msgspec.Struct, eq=False):
    body: bytes
    kept_from_ms: int
    state: str
    due_ms: int = 0
    received_ms: int = 0
    receives: int = 0
    handle: str = ""
    priority: int = 4
    scheduled: bool = False


class ModelQueue(msgspec.Struct):
    """Messages in the order of arrival; they are received by priority, those that were scheduled before
    those that were not, and then in this order.
    """

    messages: list[ModelMessage] = []
    retention_s: int = 345_600
    visibility_s: int = 30

    def in_order(self) -> list[ModelMessage]:
        return sorted(self.messages, key=lambda message: (-message.priority, not message.scheduled))

    def count(self, state: str) -> int:
        return sum(message.state == state for message in self.messages)

    def old(self, message: ModelMessage, now_ms: int) -> bool:
        return message.kept_from_ms + self.retention_s * 1000 <= now_ms

    def promote(self, now_ms: int) -> None:
        """What is due comes back; a message that has become too old meanwhile does not, as far as that is known."""
        for message in list(self.messages):
            if message.state in ("delayed", "leased") and message.due_ms <= now_ms:
                if (message.state == "leased" or message.scheduled) and self.old(message, now_ms):
                    self.messages.remove(message)
                else:
                    message.state = "ready"

    def tick(self, now_ms: int) -> None:
        """What the timers do."""
        self.promote(now_ms)
        self.messages = [it for it in self.messages if it.state != "ready" or not self.old(it, now_ms)]


class QueueMachine(StandMachine):
    """Two queues, their messages, and every handle that was ever given out."""

    def __init__(self, stand_type: Any) -> None:
        super().__init__(stand_type)
        self.queues: dict[str, ModelQueue] = {}
        self.handles: list[tuple[str, str, ModelMessage]] = []
        self.number = 0

    def refused(self, work: Any) -> str:
        """Return the code of a refusal, empty for none."""
        try:
            self.run(work)
        except ServiceError as error:
            return error.row.code
        return ""

    @initialize()
    def make_both(self) -> None:
        self.make("dead")
        self.make("jobs")

    def make(self, name: str) -> None:
        more: dict[str, Any] = {}
        if name == "jobs":
            more["dead_letter_policy"] = model.DeadLetterPolicy("dead", MAX_RECEIVES)
        self.run(self.stand.create(name, **more))
        self.queues[name] = ModelQueue([])

    @rule(
        name=st.sampled_from(NAMES),
        sizes=st.lists(st.sampled_from([1, 10, 63_900, 130_000]), min_size=1, max_size=5),
        delay_s=st.sampled_from([None, 0, 1, 5, 900]),
        priority=st.sampled_from([None, None, 0, 4, 5, 9]),
    )
    def send(self, name, sizes, delay_s, priority):
        bodies = []
        for size in sizes:
            self.number += 1
            bodies.append((b"%d;" % self.number).ljust(size, b"x"))

        self.run(self.stand.send(*bodies, queue=name, delay_s=delay_s, priority=priority))

        for body in bodies:
            state = "delayed" if delay_s else "ready"
            due_ms = self.now_ms + (delay_s or 0) * 1000
            sent = ModelMessage(body, self.now_ms, state, due_ms, priority=4 if priority is None else priority)
            self.queues[name].messages.append(sent)

    @rule(
        name=st.sampled_from(NAMES),
        held_back_s=st.sampled_from([-5, 0, 1, 40, 2_000, 400_000]),
        is_relative=st.booleans(),
        priority=st.sampled_from([None, 9]),
    )
    def schedule(self, name, held_back_s, is_relative, priority):
        """By a time, or by a delay that is longer than SQS has them."""
        self.number += 1
        body = b"%d;" % self.number
        if is_relative and held_back_s > model.DELAY_S_MAX:
            when = {"delay_s": held_back_s}
        else:
            when = {"deliver_at_ms": self.stand.clock.wall_ms() + held_back_s * 1000}

        self.run(self.stand.send(body, queue=name, priority=priority, **when))

        due_ms = self.now_ms + max(0, held_back_s) * 1000
        scheduled = held_back_s > 0
        sent = ModelMessage(body, due_ms, "delayed" if scheduled else "ready", due_ms, scheduled=scheduled)
        sent.priority = 4 if priority is None else priority
        self.queues[name].messages.append(sent)

    @rule(
        name=st.sampled_from(NAMES),
        count=st.integers(1, 12),
        visibility_s=st.sampled_from([None, 0, 1, 2, 30, 43_200]),
    )
    def receive(self, name, count, visibility_s):
        messages = self.run(self.stand.receive(count, queue=name, visibility_timeout_s=visibility_s))

        taken = self.model_receive(name, count, visibility_s)
        assert [(it.body, it.receive_count, it.priority) for it in messages] == [
            (it.body, it.receives, it.priority) for it in taken
        ]
        for received, expected in zip(messages, taken, strict=True):
            expected.handle = received.receipt_handle
            self.handles.append((name, received.receipt_handle, expected))

    def model_receive(self, name: str, count: int, visibility_s: int | None) -> list[ModelMessage]:
        queue = self.queues[name]
        queue.promote(self.now_ms)
        taken: list[ModelMessage] = []
        size = 0
        wanted = min(count, queue.count("ready"))
        for message in queue.in_order():
            if len(taken) == wanted:
                break
            if message.state != "ready":
                continue
            if queue.old(message, self.now_ms):
                queue.messages.remove(message)
                continue
            if name == "jobs" and message.receives >= MAX_RECEIVES and "dead" in self.queues:
                queue.messages.remove(message)
                moved = ModelMessage(message.body, message.kept_from_ms, "ready", receives=message.receives)
                moved.priority = message.priority
                self.queues["dead"].messages.append(moved)
                continue
            size += len(message.body)
            if size > message_model.BATCH_BYTES_MAX and taken:
                break
            taken.append(message)
        timeout_s = queue.visibility_s if visibility_s is None else visibility_s
        for message in taken:
            message.state = "leased"
            message.receives += 1
            message.received_ms = self.now_ms
            message.due_ms = self.now_ms + timeout_s * 1000
        return taken

    @rule(name=st.sampled_from(NAMES), which=st.integers(0, 100))
    def move_selected(self, name, which):
        """By its position: what is ready goes to the other queue, as new, and with its priority."""
        queue, other = self.queues[name], "dead" if name == "jobs" else "jobs"
        look = message_model.PeekMessages(queue=name, max_messages=100)
        shown = self.run(self.stand.call("PeekMessages", look)).messages
        if not shown:
            return
        peeked = shown[which % len(shown)]
        (message,) = (it for it in queue.messages if it.body == peeked.body)
        assert peeked.state.name in {"ready": ["READY"], "leased": ["IN_FLIGHT"], "delayed": ["DELAYED"]}[message.state]

        selected = (move_model.SelectedMessage(peeked.position, peeked.message_id),)
        (error,) = self.run(
            self.stand.call("MoveMessages", move_model.MoveMessages(source=name, destination=other, messages=selected))
        )

        assert (error is None) == (message.state == "ready")
        if error is None:
            queue.messages.remove(message)
            moved = ModelMessage(message.body, self.now_ms, "ready", priority=message.priority)
            self.queues[other].messages.append(moved)

    @precondition(lambda self: self.handles)
    @rule(data=st.data())
    def delete(self, data):
        name, handle, message = data.draw(st.sampled_from(self.handles[-30:]))
        queue = self.queues[name]

        code = self.refused(self.stand.delete(handle, queue=name))

        if message not in queue.messages:
            assert code in ("", "ReceiptHandleIsInvalid")  # the latter where the queue was made anew
        elif message.handle != handle:
            assert code == "ReceiptHandleIsInvalid"
        else:
            assert code == ""
            queue.messages.remove(message)

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), timeout_s=st.sampled_from([0, 1, 3, 60, 43_200, 43_201]))
    def change_visibility(self, data, timeout_s):
        name, handle, message = data.draw(st.sampled_from(self.handles[-30:]))
        queue, now_ms = self.queues[name], self.now_ms
        due_ms = now_ms + timeout_s * 1000

        code = self.refused(self.stand.hold(handle, timeout_s, queue=name))

        if timeout_s > model.VISIBILITY_TIMEOUT_S_MAX or message not in queue.messages:
            assert code in ("InvalidParameterValue", "ReceiptHandleIsInvalid")
        elif message.handle != handle:
            assert code == "ReceiptHandleIsInvalid"
        elif due_ms > message.received_ms + TWELVE_HOURS_MS:
            assert code == "InvalidParameterValue"
        else:
            assert code == ""
            message.due_ms = due_ms
            if timeout_s:
                message.state = "leased"
            elif message.state == "leased":
                if queue.old(message, now_ms):
                    queue.messages.remove(message)
                else:
                    message.state = "ready"

    @rule(seconds=st.sampled_from([0.001, 1, 2, 5, 31, 61, 901, 43_201, 345_600]))
    def let_time_pass_with_the_timers_behind(self, seconds):
        self.stand.clock.advance(int(seconds * 1000))

    @rule(seconds=st.sampled_from([0, 1, 2, 5, 31, 61, 901]))
    def let_time_pass(self, seconds):
        self.run(self.stand.advance(seconds))

        for queue in self.queues.values():
            queue.tick(self.now_ms)

    @rule(
        name=st.sampled_from(NAMES), retention_s=st.sampled_from([60, 1_000, 345_600]), visibility_s=st.integers(0, 40)
    )
    def change_attributes(self, name, retention_s, visibility_s):
        self.run(self.stand.update(name, message_retention_s=retention_s, visibility_timeout_s=visibility_s))

        self.queues[name].retention_s = retention_s
        self.queues[name].visibility_s = visibility_s

    @rule(name=st.sampled_from(NAMES))
    def purge(self, name):
        self.run(self.stand.purge(name))

        self.queues[name].messages = []

    @rule(name=st.sampled_from(NAMES))
    def make_anew(self, name):
        self.run(self.stand.remove(name))
        self.make(name)

    @invariant()
    def counts_agree(self) -> None:
        for name, queue in self.queues.items():
            counts = self.run(self.stand.counts(name))
            assert counts == (queue.count("ready"), queue.count("leased"), queue.count("delayed"))

    def teardown(self) -> None:
        assert self.run(self.stand.problems()) == []
        self.run(self.stand.advance(0))
        super().teardown()


def test_room_agrees_with_a_plain_model_in_memory(make_stand):
    check(QueueMachine, make_stand, 60, on_disk=False)


def test_room_agrees_with_a_plain_model_on_disk_through_crashes(make_stand):
    check(QueueMachine, make_stand, 15, on_disk=True)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("on_disk", "examples"), [(False, 3_000), (True, 300)])
def test_room_agrees_with_a_plain_model_for_long(make_stand, on_disk, examples):
    check(QueueMachine, make_stand, examples, on_disk=on_disk)
