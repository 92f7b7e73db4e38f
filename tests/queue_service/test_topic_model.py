"""Topics beside a plain model: whatever is done to a topic and its queues, each queue has what the model says.

The model knows who subscribed with which filter, and lists of messages; nothing of outboxes, slices, routes or plans.
Publishes are torn by disks that fail at one of their commits, and of those before them: then all subscribers have a
message afterwards, or none has, and all have it where the publish was answered.
"""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from cumulo.core.errors import ServiceError
from cumulo.queue_service import topic_model as topics
from cumulo.queue_service.message_model import MessageAttribute
from cumulo.storage import failpoints
from cumulo.storage.engine import EngineFailed
from tests.queue_service.machines import StandMachine, check
from tests.queue_service.test_topics import Topics

FILTERS: dict[str, dict[str, str]] = {
    "ab": {},
    "a": {"FilterPolicy": '{"kind": ["a"]}'},
    "b": {"FilterPolicy": '{"kind": [{"anything-but": "a"}]}'},
    "": {"FilterPolicy": '{"kind": ["none"]}'},
}
"""By the kinds of messages that they want."""
WINDOW_MS = 300_000
COMMITS = st.integers(1, 8)
"""At which commit a disk fails: the publish's own is the first."""


class Sent(msgspec.Struct, frozen=True):
    """A message of the model."""

    body: str
    kind: str
    group: str
    deduplication_id: str


class TopicMachine(StandMachine):
    """A topic and its queues."""

    suffix = ""
    count = 10
    """With messages in groups as many as make a batch of ten go through the outbox, in several slices."""

    def __init__(self, stand_type: Any) -> None:
        super().__init__(stand_type)
        self.news = Topics(self.stand)
        self.number = 0
        self.queues: dict[str, list[Sent]] = {}
        self.subscriptions: dict[str, tuple[str, str]] = {}
        self.windows: dict[str, tuple[int, Any]] = {}

    @property
    def topic(self) -> str:
        return f"news{self.suffix}"

    @property
    def dead(self) -> str:
        return f"dead{self.suffix}"

    @property
    def names(self) -> list[str]:
        return [f"q{number}{self.suffix}" for number in range(self.count)]

    @initialize()
    def set_up(self) -> None:
        self.run(self.news.create(self.topic))
        for name in (self.dead, *self.names):
            self.make_queue(name)
        for number, name in enumerate(self.names):
            self.subscribe(name, ["ab", "ab", "a", "b"][number % 4])

    def restart(self, clean: bool) -> None:
        super().restart(clean)
        self.news = Topics(self.stand)

    # Queues and subscriptions

    def make_queue(self, name: str) -> None:
        self.run(self.stand.create(name))
        self.queues[name] = []

    def subscribe(self, name: str, kinds: str) -> None:
        attributes = {"RawMessageDelivery": "true"} | FILTERS[kinds]
        if name == self.names[0]:
            arn = f"arn:aws:sqs:us-east-1:000000000000:{self.dead}"
            attributes["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": arn})
        endpoint = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        request = topics.Subscribe(topic=self.topic, protocol="sqs", endpoint=endpoint, attributes=attributes)
        made = self.run(self.news.call(request))
        self.subscriptions[name] = (kinds, made.place.arn)

    @rule(number=st.integers(0, 9), kinds=st.sampled_from(list(FILTERS)))
    def subscribe_or_change_the_filter(self, number: int, kinds: str) -> None:
        name = self.names[number % self.count]
        if name not in self.subscriptions:
            self.subscribe(name, kinds)
            return
        _, arn = self.subscriptions[name]
        policy = FILTERS[kinds].get("FilterPolicy", "")
        change = topics.SetSubscriptionAttribute(subscription=arn, name="FilterPolicy", value=policy)
        self.run(self.news.call(change))
        self.subscriptions[name] = (kinds, arn)

    @precondition(lambda self: self.subscriptions)
    @rule(data=st.data())
    def unsubscribe(self, data: Any) -> None:
        name = data.draw(st.sampled_from(sorted(self.subscriptions)))
        self.run(self.news.call(topics.Unsubscribe(subscription=self.subscriptions.pop(name)[1])))

    @rule(number=st.integers(0, 9))
    def remove_a_queue_or_make_it_anew(self, number: int) -> None:
        name = self.names[number % self.count]
        if name in self.queues:
            self.run(self.stand.remove(name))
            del self.queues[name]
        else:
            self.make_queue(name)

    @rule(number=st.integers(0, 9), encrypted=st.booleans())
    def change_the_encryption(self, number: int, encrypted: bool) -> None:
        name = self.names[number % self.count]
        if name in self.queues:
            self.run(self.stand.update(name, managed_sse_enabled=encrypted))

    # Messages

    def drawn(self, kinds: list[str], *, fresh: bool) -> list[Sent]:
        """Return messages to publish; those that are `fresh` are like no other before."""
        sent = []
        for kind in kinds:
            self.number += 1
            shared = self.number % 3 == 0 and not fresh
            sent.append(Sent(f"{self.number}", kind, f"g{self.number % 2}", "shared" if shared else f"{self.number}"))
        return sent

    def publish(self, sent: list[Sent]) -> list[Any]:
        entries = tuple(
            topics.PublishEntry(
                body=it.body,
                attributes=(MessageAttribute("kind", "String", it.kind.encode()),),
                group_id=it.group,
                deduplication_id=it.deduplication_id if self.suffix else None,
            )
            for it in sent
        )
        return list(self.run(self.news.call(topics.Publish(topic=self.topic, entries=entries))))

    def deliver(self) -> None:
        self.run(self.stand.advance(0.001))

    def wanting(self, it: Sent) -> list[str]:
        """Return the queues that a message reaches by the model."""
        reached = []
        for name, (kinds, _) in self.subscriptions.items():
            if it.kind in kinds:
                if name in self.queues:
                    reached.append(name)
                elif name == self.names[0]:
                    reached.append(self.dead)
        return reached

    @rule(kinds=st.lists(st.sampled_from("ab"), min_size=1, max_size=10), late=st.booleans())
    def publish_messages(self, kinds: list[str], late: bool) -> None:
        sent = self.drawn(kinds, fresh=False)
        now_ms = self.now_ms

        answers = self.publish(sent)
        if late:
            self.restart(clean=False)
        self.deliver()

        for it, answer in zip(sent, answers, strict=True):
            until_ms, first = self.windows.get(it.deduplication_id, (0, None))
            if self.suffix and until_ms > now_ms:
                assert (answer.message_id, answer.sequence_number) == first
                continue
            self.windows[it.deduplication_id] = (now_ms + WINDOW_MS, (answer.message_id, answer.sequence_number))
            for name in self.wanting(it):
                self.queues[name].append(it)

    @precondition(lambda self: self.folder is not None)
    @rule(
        kinds=st.lists(st.sampled_from("ab"), min_size=1, max_size=10),
        point=st.sampled_from(["engine.before_commit", "engine.after_commit"]),
        commit=COMMITS,
    )
    def publish_while_the_disk_fails(self, kinds: list[str], point: str, commit: int) -> None:
        sent = self.drawn(kinds, fresh=True)
        before = {name: self.count_of(name) for name in self.queues}

        answered = False
        failpoints.arm(f"{point}=error@{commit}")
        try:
            self.publish(sent)
            answered = True
            self.deliver()
        except (EngineFailed, ServiceError):
            pass
        finally:
            failpoints.disarm()
        self.restart(clean=True)
        self.deliver()

        expected = {name: [it for it in sent if name in self.wanting(it)] for name in self.queues}
        came = {name: self.count_of(name) - before[name] for name in self.queues}
        if answered or any(came.values()):
            assert came == {name: len(them) for name, them in expected.items()}
            for name, them in expected.items():
                self.queues[name] += them

    def count_of(self, name: str) -> int:
        return int(self.run(self.stand.counts(name))[0])

    @rule(data=st.data())
    def take_everything(self, data: Any) -> None:
        name = data.draw(st.sampled_from(sorted(self.queues)))
        received = []
        while more := self.run(self.stand.receive(100, queue=name)):
            for message in more:
                received.append((message.group_id, message.body.decode()))
                self.run(self.stand.delete(message.receipt_handle, queue=name))

        expected = [(it.group, it.body) for it in self.queues[name]]
        if self.suffix:
            for group in ("g0", "g1"):
                assert [it for it in received if it[0] == group] == [it for it in expected if it[0] == group]
        assert sorted(received) == sorted(expected)
        self.queues[name] = []

    @rule(seconds=st.sampled_from([1, 100, 301]))
    def let_time_pass(self, seconds: int) -> None:
        self.run(self.stand.advance(seconds))

    @invariant()
    def queues_have_as_much_as_the_model_says(self) -> None:
        assert {name: self.count_of(name) for name in self.queues} == {
            name: len(them) for name, them in self.queues.items()
        }

    @invariant()
    def what_is_stored_holds_together(self) -> None:
        assert self.run(self.news.problems()) == []


class FifoTopicMachine(TopicMachine):
    """A FIFO topic and its queues, FIFO, too."""

    suffix = ".fifo"
    count = 5


MACHINES = [TopicMachine, FifoTopicMachine]


@pytest.mark.parametrize("machine", MACHINES)
def test_topics_agree_with_a_plain_model_in_memory(make_stand, machine):
    check(machine, make_stand, 15, on_disk=False)


@pytest.mark.parametrize("machine", MACHINES)
def test_topics_agree_with_a_plain_model_on_disks_that_fail(make_stand, machine):
    check(machine, make_stand, 6, on_disk=True)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("on_disk", "examples"), [(False, 600), (True, 150)])
def test_topics_agree_with_a_plain_model_for_long(make_stand, machine, on_disk, examples):
    check(machine, make_stand, examples, on_disk=on_disk)
