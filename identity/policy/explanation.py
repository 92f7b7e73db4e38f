"""Why a decision came out as it did, in words and as data.

Owns the explanation that the denial text, the `explain` call, SimulatePrincipalPolicy and the audit record are made
from. It reads every statement element by element, so it costs what a decision saves: ask for it after a refusal or on
demand, not per request. Promises the same outcome as `decide`. Does not decide anything.
"""

import msgspec

from cumulo.identity.policy.compiled import CompiledStatement, PolicySet, StatementRef
from cumulo.identity.policy.context_keys import KeyValue, fold, fold_keys
from cumulo.identity.policy.decision import (
    ALONE,
    NO_RESOURCE_POLICIES,
    CallerPolicies,
    Decision,
    Outcome,
    Request,
    ResourcePolicies,
    decide,
)
from cumulo.identity.policy.document import Effect, PolicyKind
from cumulo.identity.policy.patterns import Keys
from cumulo.identity.policy.principals import Level, PrincipalKind


class KindResult(msgspec.Struct, frozen=True):
    """What the policies of one kind say alone; a level of service control policies is one result."""

    kind: PolicyKind
    outcome: Outcome
    matched: tuple[StatementRef, ...]


class NearMiss(msgspec.Struct, frozen=True):
    """The Allow that came nearest to granting, and the element on which it failed.

    `element` is Action, Resource, Principal or Condition (with Not… where the statement says so); `expected` is what
    the statement lists there, `actual` what the request brought: None for a condition key that it lacks. `operator`
    and `key` tell the condition.
    """

    statement: StatementRef
    element: str
    expected: tuple[str, ...]
    actual: KeyValue | None
    operator: str = ""
    key: str = ""


class Explanation(msgspec.Struct, frozen=True):
    """A decision with its reasons.

    `kinds` has one result for each kind of policy that was asked. `nearest` is None where the request was allowed,
    explicitly denied, or no Allow exists in the policies that decided. `missing_keys` are the folded names of
    condition keys that some statement about this action and resource looks at and the request lacks.
    """

    decision: Decision
    kinds: tuple[KindResult, ...]
    nearest: NearMiss | None
    missing_keys: tuple[str, ...]


def explain(
    request: Request, caller: CallerPolicies, resource_policies: ResourcePolicies = NO_RESOURCE_POLICIES
) -> Explanation:
    """Return the decision and its reasons. Never raises: a failure inside `decide` leaves the reasons empty."""
    decision = decide(request, caller, resource_policies)
    if decision.failure:
        return Explanation(decision, (), None, ())
    keys = fold_keys(request.keys)
    sets = _asked(request, caller, resource_policies)
    has_boundary = caller.boundary is not None and request.principal.kind not in ALONE
    kinds = tuple(_kind_result(policies, request, keys, has_boundary=has_boundary) for policies in sets)
    deciding = [policies for policies in sets if policies.kind is decision.decided_by]
    nearest = (
        _nearest(deciding, request, keys, has_boundary=has_boundary)
        if decision.outcome is Outcome.IMPLICIT_DENY
        else None
    )
    return Explanation(decision, kinds, nearest, _missing_keys(sets, request, keys))


def denial_text(decision: Decision) -> str:
    """Return the words in which AWS refuses; the reason only for callers of the resource's own account.

    Others must not learn from the words what exists or which policies hold in somebody else's account; S3 tells them
    nothing at all ("Troubleshoot access denied errors", S3 User Guide), and it alone puts the resource in quotes.
    """
    request = decision.request
    of_s3 = request.action.startswith("s3:")
    if of_s3 and (not request.same_account or request.principal.kind in ALONE):
        return "Access Denied"
    if request.principal.kind is PrincipalKind.ANONYMOUS:
        return f"Access to the resource {request.resource} is denied."
    who = request.principal.arn or request.principal.name
    resource = f'"{request.resource}"' if of_s3 else request.resource
    text = f"User: {who} is not authorized to perform: {request.action} on resource: {resource}"
    if decision.decided_by is None or not request.same_account or request.principal.kind in ALONE:
        return text
    kind = decision.decided_by
    if decision.outcome is Outcome.EXPLICIT_DENY:
        article = "an" if kind is PolicyKind.IDENTITY else "a"
        return f"{text} with an explicit deny in {article} {kind}"
    return f"{text} because no {kind} allows the {request.action} action"


def _asked(request: Request, caller: CallerPolicies, target: ResourcePolicies) -> list[PolicySet]:
    own = [*caller.scps, caller.identity, caller.boundary, caller.session]
    if request.principal.kind in ALONE:
        own = []
    return [policies for policies in (*own, *target.rcps, target.endpoint, target.policy) if policies is not None]


def _elements(
    statement: CompiledStatement, request: Request, keys: Keys, *, has_boundary: bool
) -> tuple[bool, bool, bool, bool]:
    """Return whether action, resource, principal and conditions of a statement meet the request."""
    return (
        statement.matches_action(fold(request.action)),
        statement.matches_resource(request.resource, keys),
        statement.level(request.principal, has_boundary) is not Level.NONE,
        all(condition.holds(keys) for condition in statement.conditions),
    )


def _kind_result(policies: PolicySet, request: Request, keys: Keys, *, has_boundary: bool) -> KindResult:
    applicable = [
        statement.ref
        for statement in policies.statements
        if all(_elements(statement, request, keys, has_boundary=has_boundary))
    ]
    denies = tuple(ref for ref in applicable if ref.effect is Effect.DENY)
    if denies:
        return KindResult(policies.kind, Outcome.EXPLICIT_DENY, denies)
    allowed = bool(applicable) or policies.kind is PolicyKind.RCP
    return KindResult(policies.kind, Outcome.ALLOW if allowed else Outcome.IMPLICIT_DENY, tuple(applicable))


def _nearest(sets: list[PolicySet], request: Request, keys: Keys, *, has_boundary: bool) -> NearMiss | None:
    """Return the Allow that meets most elements, the earlier ones weighing more; the first of equals."""
    misses = [
        (elements, statement)
        for policies in sets
        for statement in policies.statements
        if statement.source.effect is Effect.ALLOW
        and not all(elements := _elements(statement, request, keys, has_boundary=has_boundary))
    ]
    if not misses:
        return None
    elements, statement = max(misses, key=lambda miss: miss[0])
    return _near_miss(statement, elements.index(False), request, keys)


def _near_miss(statement: CompiledStatement, failed: int, request: Request, keys: Keys) -> NearMiss:
    source = statement.source
    match failed:
        case 0:
            return NearMiss(statement.ref, _name("Action", source.not_action), source.actions, request.action)
        case 1:
            listed = source.resources or ()
            return NearMiss(statement.ref, _name("Resource", source.not_resource), listed, request.resource)
        case 2:
            element = source.principal
            assert element is not None
            listed = ("*",) if element.everyone else ()
            listed += element.aws + element.service + element.federated + element.canonical_user
            caller = request.principal.arn or request.principal.name
            return NearMiss(statement.ref, _name("Principal", source.not_principal), listed, caller)
    condition = next(condition for condition in statement.conditions if not condition.holds(keys))
    return NearMiss(
        statement.ref,
        "Condition",
        condition.source.values,
        keys.get(condition.key),
        condition.source.operator,
        condition.source.key,
    )


def _name(element: str, negated: bool) -> str:  # noqa: FBT001
    return f"Not{element}" if negated else element


def _missing_keys(sets: list[PolicySet], request: Request, keys: Keys) -> tuple[str, ...]:
    action = fold(request.action)
    return tuple(
        sorted(
            {
                key
                for policies in sets
                for statement in policies.statements
                if statement.matches_action(action) and statement.matches_resource(request.resource, keys)
                for key in statement.reads
                if key not in keys
            }
        )
    )
