"""What the logs of a crash loop's clients prove: what must be there, what may be, and what must never come back.

Knows calls and times, no server. A *fact* is a name with the set of values that it may have now: one after an
acknowledged call, two after one of unknown fate. A *hold* is a lease: from the moment when it was certainly not yet
given until the moment before which it certainly had not ended.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.crash.ack_log import Call, Outcome
from tests.crash.server_work import JOB_LEASE_S

CLOCK_SLACK_MS = 20
"""The server counts whole milliseconds by another clock of the same machine."""
NEVER = 1 << 62


@dataclass
class Hold:
    """A lease: it was given between `start` and `end`, and holds at least until `until`."""

    start: int
    end: int
    until: int
    who: str


@dataclass
class Sent:
    """A message that may exist."""

    certain: bool
    not_before: int
    gone_since: int = NEVER
    maybe_gone: bool = False


@dataclass
class Job:
    """A job that was submitted, and what was acknowledged of it."""

    name: str
    attempts: dict[int, int] = field(default_factory=dict)
    """Attempt -> chunks of its log."""
    completed: dict[int, int] = field(default_factory=dict)
    """Attempt -> exit code."""
    cancelled: bool = False
    final: str = ""


@dataclass
class Model:
    """Everything that the logs say so far."""

    facts: dict[str, set[str | None]] = field(default_factory=dict)
    messages: dict[str, Sent] = field(default_factory=dict)
    holds: dict[str, list[Hold]] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    secrets: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Access key id -> user and secret."""
    created: dict[str, list[tuple[str, Outcome]]] = field(default_factory=dict)
    """Contended key -> what each tried to create, and how that ended."""
    touched: set[str] = field(default_factory=set)
    """Facts that changed since the last look."""
    problems: list[str] = field(default_factory=list)
    counted: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    """Calls by operation and outcome."""

    def absorb(self, calls: Iterable[Call]) -> None:
        """Take in calls, in the order in which they were made."""
        for call in sorted(calls, key=_moment):
            self.counted[call.op, call.outcome] += 1
            for name, value in call.what.get("facts", {}).items():
                self._change(name, value, call.outcome)
            if call.op in _TAKEN:
                _TAKEN[call.op](self, call)

    def count(self, outcome: Outcome) -> int:
        """Return how many calls ended so."""
        return sum(count for (_, ended), count in self.counted.items() if ended is outcome)

    def settle(self, name: str, value: str | None) -> None:
        """Note the value that a fact was seen to have."""
        self.facts[name] = {value}

    def settle_messages(self, there: set[str], now: int) -> None:
        """Note which messages were seen up to `now`; what was not is gone for good."""
        for name, sent in self.messages.items():
            sent.certain = sent.certain or name in there
            sent.maybe_gone = False
            if name not in there:
                sent.gone_since = min(sent.gone_since, now)

    def expected_messages(self) -> tuple[set[str], set[str]]:
        """Return the messages that must be there, and those that may."""
        must: set[str] = set()
        may: set[str] = set()
        for name, sent in self.messages.items():
            if sent.gone_since != NEVER:
                continue
            (must if sent.certain and not sent.maybe_gone else may).add(name)
        return must, may

    def _change(self, name: str, value: str | None, outcome: Outcome) -> None:
        if outcome is Outcome.REFUSED:
            return
        self.touched.add(name)
        if outcome is Outcome.ACKED:
            self.facts[name] = {value}
        else:
            self.facts[name] = self.facts.get(name, {None}) | {value}

    def _violation(self, call: Call) -> None:
        self.problems.append(call.what["text"])

    # Queues

    def _send(self, call: Call) -> None:
        failed = set(call.answer.get("failed", ()))
        not_before = call.what["at"] + call.what["delay_s"] * 1000
        for at, name in enumerate(call.what["messages"]):
            if call.outcome is Outcome.REFUSED or at in failed:
                continue
            sent = self.messages.setdefault(name, Sent(certain=False, not_before=not_before))
            sent.certain = sent.certain or call.outcome is Outcome.ACKED

    def _receive(self, call: Call) -> None:
        if call.outcome is not Outcome.ACKED:
            return
        start, end = call.what["at"], call.answer["at"]
        names = call.answer["names"]
        if len(set(names)) != len(names):
            self.problems.append(f"{call.call}: a message came twice in one answer")
        for name in names:
            sent = self.messages.get(name)
            if sent is None:
                self.problems.append(f"{name}: delivered, but its send was refused or never made")
                continue
            if start >= sent.gone_since:
                self.problems.append(
                    f"{name}: delivered {start - sent.gone_since} ms after its deletion was acknowledged"
                )
            if end < sent.not_before - CLOCK_SLACK_MS:
                self.problems.append(f"{name}: delivered {sent.not_before - end} ms before its delay was over")
            self._give(name, Hold(start, end, start + call.what["visibility_s"] * 1000, call.call))

    def _give(self, name: str, new: Hold) -> None:
        holds = self.holds.setdefault(name, [])
        for old in holds:
            first, second = (old, new) if old.start <= new.start else (new, old)
            early = first.until - CLOCK_SLACK_MS - second.end
            if second.start < first.end:  # either may have come first: wrong only if both orders are
                early = min(early, second.until - CLOCK_SLACK_MS - first.end)
            if early > 0:
                self.problems.append(f"{name}: given to {second.who} {early} ms before the lease of {first.who} ended")
        holds.append(new)

    def _delete(self, call: Call) -> None:
        failed = set(call.answer.get("failed", ()))
        for at, name in enumerate(call.what["names"]):
            if call.outcome is Outcome.REFUSED or at in failed:
                continue
            sent = self.messages[name]
            if call.outcome is Outcome.ACKED:
                sent.gone_since = min(sent.gone_since, call.answer["at"])
            else:
                sent.maybe_gone = True

    def _end_hold(self, call: Call, name: str, until: int) -> None:
        holds = self.holds.get(name)
        if not holds or call.outcome is Outcome.REFUSED:
            return
        last = holds[-1]
        last.until = until if call.outcome is Outcome.ACKED else min(last.until, until)

    def _extend(self, call: Call) -> None:
        self._end_hold(call, call.what["name"], call.what["at"] + call.what["visibility_timeout_s"] * 1000)

    # Identity and objects

    def _access_key(self, call: Call) -> None:
        if call.outcome is Outcome.ACKED:
            self.secrets[call.answer["id"]] = (call.what["user"], call.answer["secret"])
            self._change(f"key {call.answer['id']}", "active", call.outcome)

    def _create(self, call: Call) -> None:
        self.created.setdefault(call.what["key"], []).append((call.what["made"], call.outcome))

    # Jobs

    def _submit(self, call: Call) -> None:
        if call.outcome is Outcome.ACKED:
            self.jobs.setdefault(call.answer["job"], Job(call.answer["job"]))

    def _claim(self, call: Call) -> None:
        if call.outcome is not Outcome.ACKED or not call.answer["claimed"]:
            return
        job, attempt = self.jobs[call.what["job"]], call.answer["attempt"]
        if attempt in job.attempts:
            self.problems.append(f"{job.name}: attempt {attempt} was given twice")
        job.attempts.setdefault(attempt, 0)
        start = call.what["at"]
        self._give(f"job {job.name}", Hold(start, call.answer["at"], start + JOB_LEASE_S * 1000, call.call))

    def _heartbeat(self, call: Call) -> None:
        if call.outcome is Outcome.ACKED:
            self._end_hold(call, f"job {call.what['job']}", call.what["at"] + JOB_LEASE_S * 1000)

    def _log(self, call: Call) -> None:
        if call.outcome is Outcome.ACKED:
            self.jobs[call.what["job"]].attempts[call.what["attempt"]] = call.what["chunks"]

    def _complete(self, call: Call) -> None:
        self._end_hold(call, f"job {call.what['job']}", call.what["at"])
        if call.outcome is Outcome.ACKED:
            self.jobs[call.what["job"]].completed[call.what["attempt"]] = call.what["exit_code"]

    def _cancel(self, call: Call) -> None:
        if call.outcome is not Outcome.REFUSED:
            self._end_hold(call, f"job {call.what['job']}", call.what["at"])
            self.jobs[call.what["job"]].cancelled = True


def overtaken(call: Call, calls: Iterable[Call]) -> bool:
    """Say whether a later call may have changed a fact that this one wrote: its repeat would undo that, or be refused
    by a condition that no longer holds.
    """
    names = call.what.get("facts", {}).keys()
    return any(
        other.what["at"] > call.what["at"] and other.outcome is not Outcome.REFUSED
        for other in calls
        if not names.isdisjoint(other.what.get("facts", ()))
    )


def _moment(call: Call) -> int:
    """Return when to take a call in: a receive when it was answered, for it may have waited long before it took."""
    at: int = call.answer.get("at", call.what["at"]) if call.op == "receive" else call.what["at"]
    return at


_TAKEN: dict[str, Callable[[Model, Call], None]] = {
    "violation": Model._violation,
    "send": Model._send,
    "receive": Model._receive,
    "extend": Model._extend,
    "delete": Model._delete,
    "access_key": Model._access_key,
    "create": Model._create,
    "submit": Model._submit,
    "claim": Model._claim,
    "heartbeat": Model._heartbeat,
    "log": Model._log,
    "complete": Model._complete,
    "cancel": Model._cancel,
}
