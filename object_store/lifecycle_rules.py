"""A bucket's rules made ready to be asked: which of them an object meets, what they do to it, and when.

Pure: times come in, times go out, all of the wall clock. Promises that asking costs a binary search and the rules whose
prefix the key has, however many others there are. Who writes due entries and does the deeds is `lifecycle.py`.

The times are S3's (user guide, "Lifecycle rules: based on an object's age"): so many days after the object was made, or
replaced, and then the next midnight UTC. Where several rules end an object the earliest does; of transitions that are
due together the coldest class wins ("Conflicting lifecycle actions").
"""

import bisect
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from cumulo.object_store.lifecycle_model import (
    TRANSITION_CLASSES,
    VARIES_BY_CLASS,
    Ending,
    Lifecycle,
    LifecycleRule,
    RuleFilter,
)

DAY_MS: Final = 86_400_000
SMALL_BYTES: Final = 128 * 1024
"""Objects below this size stay where they are, unless a rule says of which size it speaks."""
_COLD: Final = ("GLACIER", "DEEP_ARCHIVE")
_RANKS: Final = {name: rank for rank, name in enumerate(TRANSITION_CLASSES, 1)}


class Thing(msgspec.Struct, frozen=True):
    """What rules look at: a version of an object, or an upload (then without size and tags)."""

    key: str
    modified_ms: int
    size_bytes: int = 0
    tags: Mapping[str, str] = {}
    storage_class: str = ""


class Days(msgspec.Struct, frozen=True):
    """How long a day lasts. Where it is a true one, what falls due falls due at midnight."""

    day_ms: int = DAY_MS

    def after(self, begin_ms: int, days: int) -> int:
        """Return the moment so many days after another."""
        moment_ms = begin_ms + days * self.day_ms
        return -(-moment_ms // DAY_MS) * DAY_MS if self.day_ms == DAY_MS else moment_ms


TRUE_DAYS: Final = Days()
"""What callers are shown: a test's short day ends objects early, and no header promises that."""


class Step(msgspec.Struct, frozen=True):
    """A transition: when, and to which class."""

    wall_ms: int
    storage_class: str


class Rules:
    """The enabled rules of one configuration, by prefix."""

    __slots__ = ("_by_prefix", "_minimum_size", "_parents", "_prefixes")

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._minimum_size = lifecycle.minimum_size
        by_prefix: dict[str, list[LifecycleRule]] = {}
        for rule in lifecycle.rules:
            if rule.is_enabled:
                by_prefix.setdefault(rule.filter.prefix or "", []).append(rule)
        self._by_prefix = by_prefix
        self._prefixes = sorted(by_prefix)
        # Of each prefix the longest other one that it begins with. In sorted order that is on the stack.
        self._parents: dict[str, str | None] = {}
        stack: list[str] = []
        for prefix in self._prefixes:
            while stack and not prefix.startswith(stack[-1]):
                stack.pop()
            self._parents[prefix] = stack[-1] if stack else None
            stack.append(prefix)

    def _of(self, thing: Thing) -> Iterator[LifecycleRule]:
        """Return the rules that a thing meets."""
        place = bisect.bisect_right(self._prefixes, thing.key)
        # The prefixes of a key that are in the list are all ancestors of the last one that sorts before it.
        prefix = self._prefixes[place - 1] if place else None
        while prefix is not None:
            if thing.key.startswith(prefix):
                for rule in self._by_prefix[prefix]:
                    if _meets(rule.filter, thing):
                        yield rule
            prefix = self._parents[prefix]

    def end_of_current(self, thing: Thing, days: Days) -> Ending | None:
        """Return when a current version expires, and by which rule."""
        ends = []
        for rule in self._of(thing):
            if rule.expiration_days is not None:
                ends.append((days.after(thing.modified_ms, rule.expiration_days), rule.id))
            elif rule.expiration_date_ms is not None:
                ends.append((max(rule.expiration_date_ms, thing.modified_ms), rule.id))
        return Ending(*min(ends)) if ends else None

    def steps_of_current(self, thing: Thing, days: Days) -> list[Step]:
        """Return the transitions of a current version that lead to a colder class than its own."""
        steps = []
        for rule in self._of(thing):
            for one in rule.transitions:
                if not self._may_go(rule, thing, one.storage_class):
                    continue
                wall_ms = max(one.date_ms or 0, thing.modified_ms)
                if one.days is not None:
                    wall_ms = days.after(thing.modified_ms, one.days)
                steps.append(Step(wall_ms, one.storage_class))
        return steps

    def abort_of(self, thing: Thing, days: Days) -> Ending | None:
        """Return when an upload that was begun at `modified_ms` is aborted, and by which rule."""
        ends = [
            (days.after(thing.modified_ms, rule.abort_days), rule.id)
            for rule in self._of(thing)
            if rule.abort_days is not None
        ]
        return Ending(*min(ends)) if ends else None

    def _may_go(self, rule: LifecycleRule, thing: Thing, storage_class: str) -> bool:
        if _RANKS[storage_class] <= _RANKS.get(thing.storage_class, 0):
            return False
        has_size = rule.filter.size_greater_than is not None or rule.filter.size_less_than is not None
        if has_size or thing.size_bytes >= SMALL_BYTES:
            return True
        return self._minimum_size == VARIES_BY_CLASS and storage_class in _COLD


def coldest_due(steps: list[Step], wall_ms: int) -> str:
    """Return the class to go to now, empty for none."""
    due = [step.storage_class for step in steps if step.wall_ms <= wall_ms]
    return max(due, key=_RANKS.__getitem__, default="")


def moments_of(end: Ending | None, steps: list[Step]) -> list[int]:
    """Return when there is something to do."""
    return [step.wall_ms for step in steps] + ([] if end is None else [end.wall_ms])


def _meets(it: RuleFilter, thing: Thing) -> bool:
    """Say whether a thing has the sizes and tags of a filter; its prefix was looked at."""
    return (
        (it.size_greater_than is None or thing.size_bytes > it.size_greater_than)
        and (it.size_less_than is None or thing.size_bytes < it.size_less_than)
        and all(thing.tags.get(key) == value for key, value in it.tags.items())
    )
