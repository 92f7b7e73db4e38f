"""What a history of calls on FIFO queues proves: each message once, in the order of its group, under one identity.

Knows calls and times, no server. What holds for every queue (a lease keeps others away, nothing comes after its delete
was acknowledged or before its delay is over) a `Model` of its own says; here stands what is FIFO's alone:

    a message is received only when those before it in its group are deleted, or stand before it in the same answer
    message id and sequence number are the same in every answer that names the message, however often it was sent
    sequence numbers rise in the order in which a group's messages were sent

A delete counts from the moment when it was asked for, unless it was refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tests.crash.ack_log import Call, Outcome
from tests.crash.server_model import NEVER, Model, _moment

PREFIX = "fifo_"


@dataclass
class Identity:
    """What the answers call a message, as far as any did; `place` counts its group's messages."""

    queue: str
    group: str
    place: int
    message_id: str = ""
    sequence: int = 0


@dataclass
class FifoHistory:
    """Everything that the logs say so far."""

    problems: list[str] = field(default_factory=list)
    groups: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """The names of each group's messages in the order in which they were sent."""
    identities: dict[str, Identity] = field(default_factory=dict)
    first: dict[tuple[str, str], int] = field(default_factory=dict)
    """Before this place every message of a group is known to be gone."""

    def __post_init__(self) -> None:
        self.model = Model(problems=self.problems)

    def absorb(self, calls: Iterable[Call]) -> None:
        """Take in the calls on FIFO queues, in the order in which they were made."""
        plain = [replace(call, op=call.op.removeprefix(PREFIX)) for call in calls if call.op.startswith(PREFIX)]
        for call in sorted(plain, key=_moment):
            if call.op == "send":
                self._place(call)
            self.model.absorb([call])
            if call.outcome is Outcome.ACKED:
                if call.op == "send":
                    self._sent(call)
                elif call.op == "receive":
                    self._received(call)

    def identify(self, name: str, message_id: str, sequence_number: str, who: str) -> None:
        """Note what an answer calls a message; it must be what every other does."""
        it, sequence = self.identities[name], int(sequence_number)
        if it.message_id and (it.message_id, it.sequence) != (message_id, sequence):
            self.problems.append(f"{name}: {who} has it as {message_id} {sequence}, not {it.message_id} {it.sequence}")
        if not it.message_id:
            it.message_id, it.sequence = message_id, sequence
            names = self.groups[it.queue, it.group]
            known = [self.identities[other].sequence for other in names if self.identities[other].sequence]
            if known != sorted(known):
                self.problems.append(f"{name}: its sequence number {sequence} is not in the order of its group")

    def expected(self, queue: str) -> tuple[set[str], set[str]]:
        """Return the messages that must be in a queue, and those that may."""
        of_queue = {name for name, it in self.identities.items() if it.queue == queue}
        must, may = self.model.expected_messages()
        return must & of_queue, may & of_queue

    def _place(self, call: Call) -> None:
        if call.outcome is Outcome.REFUSED:
            return
        for name, group in call.what["groups"].items():
            if name not in self.identities:
                names = self.groups.setdefault((call.what["queue"], group), [])
                self.identities[name] = Identity(call.what["queue"], group, len(names))
                names.append(name)

    def _sent(self, call: Call) -> None:
        failed = set(call.answer.get("failed", ()))
        for at, (name, (message_id, sequence)) in enumerate(
            zip(call.what["messages"], call.answer["sent"], strict=True)
        ):
            if at not in failed:
                self.identify(name, message_id, sequence, call.call)

    def _received(self, call: Call) -> None:
        together: set[str] = set()
        for name, (group, message_id, sequence) in zip(call.answer["names"], call.answer["seen"], strict=True):
            it = self.identities.get(name)
            if it is None:  # of which the model has told already
                continue
            if (it.queue, it.group) != (call.what["queue"], group):
                self.problems.append(f"{name}: sent to group {it.group} of {it.queue}, received from {group}")
            self.identify(name, message_id, sequence, call.call)
            ahead = [other for other in self._not_gone_before(it) if other not in together]
            if ahead:
                self.problems.append(f"{name}: {call.call} received it before {ahead[0]} of its group was deleted")
            together.add(name)

    def _not_gone_before(self, it: Identity) -> list[str]:
        """Return the messages before one in its group for which nobody has asked to be deleted yet."""
        names, first = self.groups[it.queue, it.group], self.first.get((it.queue, it.group), 0)
        while first < it.place and self.model.messages[names[first]].gone_since != NEVER:
            first += 1
        self.first[it.queue, it.group] = first
        return [name for name in names[first : it.place] if self._is_there(name)]

    def _is_there(self, name: str) -> bool:
        sent = self.model.messages[name]
        return sent.certain and not sent.maybe_gone and sent.gone_since == NEVER
