"""Compiled policies by their content.

Owns the one memory of this package, and its bounds. What is compiled depends on its text alone, so an entry can never
be stale: who changes a policy asks with another text. The key is the text itself, compared in full, so no collision of
hashes can give one principal another's policies. Threads may share one cache. Does not know which policies a principal
has; that needs storage and an epoch.
"""

import threading
from collections import OrderedDict
from typing import TypeAlias

from cumulo.identity.policy.compiled import NamedPolicy, PolicySet
from cumulo.identity.policy.decision import NO_RESOURCE_POLICIES, ResourcePolicies
from cumulo.identity.policy.document import PolicyKind

SETS_MAX = 4096
TEXT_BYTES_MAX = 2 * 1024 * 1024
"""Text whose compiled sets are kept; compiled form was measured at thirty times its text."""


class PolicyCache:
    """Compiled sets, each made once for its content; the least recently used is dropped at the bounds."""

    def __init__(self, sets_max: int = SETS_MAX, text_bytes_max: int = TEXT_BYTES_MAX) -> None:
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._sets_max = sets_max
        self._text_bytes_max = text_bytes_max
        self._text_bytes = 0
        self._lock = threading.Lock()

    def policy_set(self, kind: PolicyKind, policies: tuple[NamedPolicy, ...]) -> PolicySet:
        """Return the compiled set of these stored policies; raises `MalformedPolicy` as `PolicySet` does."""
        return self._entry(kind, policies)[0]

    def resource_policies(self, text: str) -> ResourcePolicies:
        """Return the stored policy of one resource, such as a bucket, ready for `decide`; an empty text is no policy.

        Raises `MalformedPolicy` as `PolicySet` does.
        """
        return self._entry(PolicyKind.RESOURCE, (("", text),))[1] if text else NO_RESOURCE_POLICIES

    def __len__(self) -> int:
        return len(self._entries)

    def _entry(self, kind: PolicyKind, policies: tuple[NamedPolicy, ...]) -> "_Entry":
        key = (kind, policies)
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
                return found
            policy_set = PolicySet(kind, policies)
            made = self._entries[key] = (policy_set, ResourcePolicies(policy_set))
            self._text_bytes += _text_bytes(policies)
            while self._is_over() and len(self._entries) > 1:
                (_, dropped), _ = self._entries.popitem(last=False)
                self._text_bytes -= _text_bytes(dropped)
            return made

    def _is_over(self) -> bool:
        return len(self._entries) > self._sets_max or self._text_bytes > self._text_bytes_max


_Key: TypeAlias = tuple[PolicyKind, tuple[NamedPolicy, ...]]
_Entry: TypeAlias = tuple[PolicySet, ResourcePolicies]


def _text_bytes(policies: tuple[NamedPolicy, ...]) -> int:
    return sum(len(text) for _, text in policies)
