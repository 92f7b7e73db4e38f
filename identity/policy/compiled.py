"""Policies compiled for decisions: a set of documents of one kind, and its plan for each action.

Owns what makes a decision cheap. A set is compiled once for its content. Actions are resolved once per set into a plan,
which splits Deny from Allow and keeps statements in a dictionary by the literal head of their ARN (the text up to the
first `/`), with a short list for all others; conditions and patterns are closures. So a decision costs a dictionary
look-up and the few statements that speak of this bucket or queue, whatever the number of the rest.

Promises that a plan gives the same answers as reading the statements one by one. Does not know how the kinds of policy
combine; that is `decision`.
"""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from cumulo.identity.policy.conditions import CompiledCondition, Holds, all_hold, compile_condition
from cumulo.identity.policy.context_keys import fold
from cumulo.identity.policy.document import Effect, PolicyDocument, PolicyKind, Statement, read_policy
from cumulo.identity.policy.patterns import ANY, Keys, Matcher, ResourcePattern, compile_resource, fold_pattern
from cumulo.identity.policy.principals import Level, Principal, PrincipalMatcher

PLANS_MAX = 512
"""Plans kept per set. Requests name actions of the operation tables, a few hundred; a simulation may name any."""

NamedPolicy: TypeAlias = tuple[str, str]
"""A policy's name and its stored text."""

NamesCaller: TypeAlias = Callable[[Principal, bool], Level]
"""Says how closely a statement names a caller, who has a permissions boundary or has none."""


class StatementRef(msgspec.Struct, frozen=True):
    """Which statement it was, for answers, audit and simulation; `index` counts from 0."""

    kind: PolicyKind
    policy: str
    sid: str
    index: int
    effect: Effect


class CompiledStatement:
    """One statement with its tests; every test is about one element, so that an explanation can ask for each."""

    __slots__ = ("_actions", "conditions", "holds", "level", "reads", "ref", "resources", "source")

    def __init__(self, source: Statement, document: PolicyDocument, kind: PolicyKind, policy: str) -> None:
        path = f"$.Statement[{source.index}]"
        self.source = source
        self.ref = StatementRef(kind, policy, source.sid, source.index, source.effect)
        self._actions = tuple(map(fold_pattern, source.actions))
        self.level: NamesCaller = _level_of(source)
        self.resources: tuple[ResourcePattern, ...] = tuple(
            compile_resource(text, kind.short_arn, variables=document.variables, path=f"{path}.Resource")
            for text in source.resources or ()
        )
        self.conditions: tuple[CompiledCondition, ...] = tuple(
            compile_condition(
                condition,
                variables=document.variables,
                unknown=source.effect is Effect.DENY,
                path=f"{path}.Condition.{condition.operator}.{condition.key}",
            )
            for condition in source.conditions
        )
        self.holds: Holds | None = all_hold(self.conditions)
        self.reads: frozenset[str] = frozenset().union(
            *(pattern.variables for pattern in self.resources), *(condition.reads for condition in self.conditions)
        )

    def matches_action(self, action: str) -> bool:
        """Say whether the statement speaks of the folded `action`."""
        return any(matches(action, {}) for matches in self._actions) is not self.source.not_action

    def matches_resource(self, resource: str, keys: Keys) -> bool:
        """Say whether the statement speaks of `resource`; `*` stands for actions without a resource."""
        if self.source.resources is None:
            return True
        found = any(
            pattern.is_any or (resource != ANY and pattern.matches(resource, keys)) for pattern in self.resources
        )
        return found is not self.source.not_resource


def _level_of(source: Statement) -> NamesCaller:
    if source.principal is None:
        return lambda _principal, _has_boundary: Level.DIRECT
    if source.not_principal and source.effect is Effect.ALLOW:
        # Refused at write; should one be stored, it must not grant to the whole world.
        return lambda _principal, _has_boundary: Level.NONE
    return PrincipalMatcher(source.principal, negated=source.not_principal).level


_NONE, _DIRECT = Level.NONE, Level.DIRECT

_HeadEntry: TypeAlias = tuple[Matcher, Holds | None, CompiledStatement]
"""A test of the resource, the conditions (None: none), and the statement."""

_Entry: TypeAlias = tuple[Matcher | None, Holds | None, CompiledStatement]
"""As above; None for the test of the resource applies to every one, also to `*`."""


class Index:
    """Statements of one effect that speak of one action, by resource."""

    __slots__ = ("heads", "rest")

    def __init__(self, statements: list[CompiledStatement]) -> None:
        heads: dict[str, list[_HeadEntry]] = {}
        rest: list[_Entry] = []
        for statement in statements:
            if statement.source.resources is None:
                rest.append((None, statement.holds, statement))
            elif statement.source.not_resource:
                rest.append((statement.matches_resource, statement.holds, statement))
            else:
                for pattern in statement.resources:
                    if pattern.head is None:
                        rest.append((_headless_matcher(pattern), statement.holds, statement))
                    else:
                        entries = heads.setdefault(pattern.head, [])
                        entries.append((pattern.matches, statement.holds, statement))
        self.heads: dict[str, tuple[_HeadEntry, ...]] = {head: tuple(entries) for head, entries in heads.items()}
        self.rest: tuple[_Entry, ...] = tuple(rest)

    def first(self, resource: str, head: str, keys: Keys) -> CompiledStatement | None:
        """Return a statement that applies, in a kind without principals."""
        for matches, holds, statement in self.heads.get(head, ()):
            if matches(resource, keys) and (holds is None or holds(keys)):
                return statement
        for matches_any, holds, statement in self.rest:
            if (matches_any is None or matches_any(resource, keys)) and (holds is None or holds(keys)):
                return statement
        return None

    def closest(
        self,
        resource: str,
        head: str,
        keys: Keys,
        principal: Principal,
        has_boundary: bool,  # noqa: FBT001
    ) -> tuple[Level, CompiledStatement | None]:
        """Return the applicable statement that names the caller most closely, in a kind with principals."""
        best, found = _NONE, None
        both: tuple[tuple[_Entry, ...], ...] = (self.heads.get(head, ()), self.rest)
        for entries in both:
            for matches, holds, statement in entries:
                level = statement.level(principal, has_boundary)
                if level > best and (matches is None or matches(resource, keys)) and (holds is None or holds(keys)):
                    best, found = level, statement
                    if best is _DIRECT:
                        return best, found
        return best, found


def _headless_matcher(pattern: ResourcePattern) -> Matcher | None:
    """Only a literal `*` speaks of actions without a resource; a head needs no such guard, being no `*` itself."""
    if pattern.is_any:
        return None
    matches = pattern.matches
    return lambda resource, keys: resource != ANY and matches(resource, keys)


class Plan:
    """What a set says about one action. `deny` is None where no statement denies it."""

    __slots__ = ("allow", "deny", "kind", "reads_keys")

    def __init__(self, kind: PolicyKind, statements: list[CompiledStatement]) -> None:
        denies = [statement for statement in statements if statement.source.effect is Effect.DENY]
        self.kind = kind
        self.deny = Index(denies) if denies else None
        self.allow = Index([statement for statement in statements if statement.source.effect is Effect.ALLOW])
        self.reads_keys = any(statement.reads for statement in statements)


class PolicySet:
    """Documents of one kind that are asked together: all identity policies of a user, or a bucket's policy."""

    def __init__(self, kind: PolicyKind, policies: tuple[NamedPolicy, ...]) -> None:
        """Compile stored policies; raises `MalformedPolicy` where one cannot be read, which must deny the request."""
        self.kind = kind
        self.statements: tuple[CompiledStatement, ...] = tuple(
            CompiledStatement(statement, document, kind, name)
            for name, text in policies
            for document in (read_policy(text, kind),)
            for statement in document.statements
        )
        self._plans: dict[str, Plan] = {}

    def plan(self, action: str) -> Plan:
        """Return what the set says about an action such as `s3:GetObject`, in any letter case."""
        return self._plans.get(action) or self._make_plan(action)

    def _make_plan(self, action: str) -> Plan:
        folded = fold(action)
        plan = Plan(self.kind, [statement for statement in self.statements if statement.matches_action(folded)])
        if len(self._plans) >= PLANS_MAX:
            self._plans.clear()  # the actions of real requests never reach the bound
        self._plans[action] = plan
        return plan
