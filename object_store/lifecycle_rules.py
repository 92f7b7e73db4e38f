"""A bucket's rules made ready to be asked: which of them an object meets, what they do to it, and when.

Pure: times come in, times go out, all of the wall clock. Promises that asking costs a binary search and the rules whose
prefix the key has, however many others there are. Who writes due entries and does the deeds is `lifecycle.py`.

The times are S3's (user guide, "Lifecycle rules: based on an object's age"): so many days after the object was made, or
replaced, and then the next midnight UTC. Where several rules end an object the earliest does; of transitions that are
due together the coldest class wins ("Conflicting lifecycle actions").
"""

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
from cumulo.object_store.prefix_index import PrefixIndex

DAY_MS: Final = 86_400_000
SMALL_BYTES: Final = 128 * 1024
"""Objects below this size stay in their class, unless a rule says of which size it speaks."""
_COLD: Final = ("GLACIER", "DEEP_ARCHIVE")
_RANKS: Final = {name: rank for rank, name in enumerate(TRANSITION_CLASSES, 1)}


class Thing(msgspec.Struct, frozen=True):
    """What rules look at: a version of an object, or an upload or a delete marker (then without size and tags)."""

    key: str
    modified_ms: int
    size_bytes: int = 0
    tags: Mapping[str, str] = {}
    storage_class: str = ""
    is_marker: bool = False


class Terms(msgspec.Struct, frozen=True):
    """By what rules act on this server: how long a day lasts, which objects are too small to go to another class, and
    how long the restore of an archived one takes. Where a day is a true one, what falls due falls due at midnight.
    """

    day_ms: int = DAY_MS
    small_bytes: int = SMALL_BYTES
    restore_delay_ms: int = 0

    def after(self, begin_ms: int, days: int) -> int:
        """Return the moment so many days after another."""
        moment_ms = begin_ms + days * self.day_ms
        return -(-moment_ms // DAY_MS) * DAY_MS if self.day_ms == DAY_MS else moment_ms


S3_TERMS: Final = Terms()
"""S3's own, and what callers are shown: a test's short day ends objects early, and no header promises that."""


class Step(msgspec.Struct, frozen=True):
    """A transition: when, and to which class."""

    wall_ms: int
    storage_class: str


class Deed(msgspec.Struct, frozen=True):
    """What a rule does to a version that is not current: when, and with how many newer ones at least. An empty
    `storage_class` ends it.
    """

    wall_ms: int
    newer: int = 0
    storage_class: str = ""


class Rules:
    """The enabled rules of one configuration, by prefix."""

    __slots__ = ("_minimum_size", "_places", "_rules")

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._minimum_size = lifecycle.minimum_size
        self._places = {rule.id: place for place, rule in enumerate(lifecycle.rules)}
        self._rules = PrefixIndex((rule.filter.prefix or "", rule) for rule in lifecycle.rules if rule.is_enabled)

    def _of(self, thing: Thing) -> Iterator[LifecycleRule]:
        """Return the rules that a thing meets."""
        return (rule for rule in self._rules.of(thing.key) if _meets(rule.filter, thing))

    def end_of_current(self, thing: Thing, terms: Terms) -> Ending | None:
        """Return when a current version expires, and by which rule: of those that end it then the first one."""
        ends = []
        for rule in self._of(thing):
            if rule.expiration_days is not None:
                ends.append((terms.after(thing.modified_ms, rule.expiration_days), rule.id))
            elif rule.expiration_date_ms is not None:
                ends.append((max(rule.expiration_date_ms, thing.modified_ms), rule.id))
        return self._first(ends)

    def steps_of_current(self, thing: Thing, terms: Terms) -> list[Step]:
        """Return the transitions of a current version that lead to a colder class than its own."""
        steps = []
        for rule in self._of(thing):
            for one in rule.transitions:
                if not self._may_go(rule, thing, one.storage_class, terms):
                    continue
                wall_ms = max(one.date_ms or 0, thing.modified_ms)
                if one.days is not None:
                    wall_ms = terms.after(thing.modified_ms, one.days)
                steps.append(Step(wall_ms, one.storage_class))
        return steps

    def deeds_of_other(self, thing: Thing, since_ms: int, terms: Terms) -> list[Deed]:
        """Return what is done to a version that is not current since `since_ms`."""
        deeds = []
        for rule in self._of(thing):
            if rule.noncurrent_days is not None:
                deeds.append(Deed(terms.after(since_ms, rule.noncurrent_days), rule.newer_versions or 0))
            for one in rule.noncurrent_transitions:
                if thing.is_marker or not self._may_go(rule, thing, one.storage_class, terms):
                    continue
                moment_ms = terms.after(since_ms, one.noncurrent_days)
                deeds.append(Deed(moment_ms, one.newer_versions or 0, one.storage_class))
        return deeds

    def ends_of_marker(self, thing: Thing, terms: Terms) -> list[int]:
        """Return when a delete marker goes that nothing is left beneath."""
        moments = []
        for rule in self._of(thing):
            if rule.expires_markers:
                moments.append(thing.modified_ms)
            elif rule.expiration_days is not None:
                moments.append(terms.after(thing.modified_ms, rule.expiration_days))
            elif rule.expiration_date_ms is not None:
                moments.append(max(rule.expiration_date_ms, thing.modified_ms))
        return moments

    def abort_of(self, thing: Thing, terms: Terms) -> Ending | None:
        """Return when an upload that was begun at `modified_ms` is aborted, and by which rule."""
        ends = [
            (terms.after(thing.modified_ms, rule.abort_days), rule.id)
            for rule in self._of(thing)
            if rule.abort_days is not None
        ]
        return self._first(ends)

    def _first(self, ends: list[tuple[int, str]]) -> Ending | None:
        return Ending(*min(ends, key=lambda end: (end[0], self._places[end[1]]))) if ends else None

    def _may_go(self, rule: LifecycleRule, thing: Thing, storage_class: str, terms: Terms) -> bool:
        if _RANKS[storage_class] <= _RANKS.get(thing.storage_class, 0):
            return False
        has_size = rule.filter.size_greater_than is not None or rule.filter.size_less_than is not None
        if has_size or thing.size_bytes >= terms.small_bytes:
            return True
        return self._minimum_size == VARIES_BY_CLASS and storage_class in _COLD


def coldest(storage_classes: list[str]) -> str:
    """Return the coldest of some classes, empty for none."""
    return max(storage_classes, key=_RANKS.__getitem__, default="")


def moments_of(end: Ending | None, steps: list[Step]) -> list[int]:
    """Return when there is something to do."""
    return [step.wall_ms for step in steps] + ([] if end is None else [end.wall_ms])


def _meets(it: RuleFilter, thing: Thing) -> bool:
    """Say whether a thing has the sizes and tags of a filter; its prefix was looked at. A delete marker has none."""
    if thing.is_marker:
        return not it.tags and it.size_greater_than is None and it.size_less_than is None
    return (
        (it.size_greater_than is None or thing.size_bytes > it.size_greater_than)
        and (it.size_less_than is None or thing.size_bytes < it.size_less_than)
        and all(thing.tags.get(key) == value for key, value in it.tags.items())
    )
