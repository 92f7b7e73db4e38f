"""Finds those of many rules whose prefix a key has: a binary search and the prefixes themselves, however many others
there are.
"""

import bisect
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

R = TypeVar("R")


class PrefixIndex(Generic[R]):
    """Rules by their prefixes; an empty prefix is every key's."""

    __slots__ = ("_by_prefix", "_parents", "_prefixes")

    def __init__(self, rules: Iterable[tuple[str, R]]) -> None:
        self._by_prefix: dict[str, list[R]] = {}
        for prefix, rule in rules:
            self._by_prefix.setdefault(prefix, []).append(rule)
        self._prefixes = sorted(self._by_prefix)
        # Of each prefix the longest other one that it begins with. In sorted order that is on the stack.
        self._parents: dict[str, str | None] = {}
        stack: list[str] = []
        for prefix in self._prefixes:
            while stack and not prefix.startswith(stack[-1]):
                stack.pop()
            self._parents[prefix] = stack[-1] if stack else None
            stack.append(prefix)

    def of(self, key: str) -> Iterator[R]:
        """Return the rules whose prefix a key has, those of longer prefixes first."""
        place = bisect.bisect_right(self._prefixes, key)
        # The prefixes of a key that are in the list are all ancestors of the last one that sorts before it.
        prefix = self._prefixes[place - 1] if place else None
        while prefix is not None:
            if key.startswith(prefix):
                yield from self._by_prefix[prefix]
            prefix = self._parents[prefix]
