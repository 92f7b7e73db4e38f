"""The decision: may this principal do this action on this resource?

Owns how the kinds of policy combine (IAM User Guide, "Policy evaluation logic" and "Cross-account policy evaluation
logic"), as a pure function of the request and compiled policies:

    a Deny that applies, in any kind                         -> EXPLICIT_DENY
    a level of service control policies, or the endpoint
    policy, without an Allow that applies                    -> IMPLICIT_DENY
    a key, whose policy names neither caller nor account     -> IMPLICIT_DENY
    root inside its own account                              -> ALLOW
    anonymous, services, bearers of foreign tokens           -> what the resource policy says, alone
    (a list of the resource's own, such as an ACL, that gives
    it to the caller's account is worth a resource policy Allow
    that names the account)
    same account: a resource policy Allow that names the
    caller itself                                            -> ALLOW, whatever boundary and session leave out
    an identity policy Allow, or (same account) a resource
    policy Allow that names the role of the session; then
    boundary and session policy must allow, too; then, in
    another account, the resource policy                     -> ALLOW
    otherwise                                                -> IMPLICIT_DENY

A grant to the account gives nothing by itself inside that account, but a key's policy must have one before the policies
of the account count (KMS developer guide, "Key policies in AWS KMS"). Resource control policies only deny: each of
their levels allows all else. Whatever goes wrong inside is a refusal. Does not load, cache or log; `explanation` says
why.
"""

import enum
from collections.abc import Mapping

import msgspec

from cumulo.identity.policy.compiled import PLANS_MAX, CompiledStatement, Index, Plan, PolicySet, StatementRef
from cumulo.identity.policy.context_keys import FoldedKeys, KeyValue, fold_keys
from cumulo.identity.policy.document import PolicyKind
from cumulo.identity.policy.patterns import ANY, ARN_SEGMENTS, Keys
from cumulo.identity.policy.principals import Level, Principal, PrincipalKind


class Outcome(enum.StrEnum):
    """The words of SimulatePrincipalPolicy's EvalDecision."""

    ALLOW = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


class Request(msgspec.Struct, frozen=True):
    """What is asked: one action on one resource.

    `resource` is an ARN, or `*` for an action without a resource; `resource_account` is the account that owns it (for
    `*` the caller's). `keys` are all condition keys, set by the server; names in any letter case, each once.

    `granted` says that a list of the resource's own gives it to the caller's account, or to everybody. `policy_grants`
    is false where the resource policy is another account's than the resource: then only its denials count.
    `needs_grant`: nobody may anything, root included, unless the resource's policy names him or his account.
    """

    principal: Principal
    action: str
    resource: str
    resource_account: str
    keys: Mapping[str, KeyValue] = {}
    granted: bool = False
    policy_grants: bool = True
    needs_grant: bool = False

    @property
    def same_account(self) -> bool:
        """Say whether caller and resource belong to one account; an anonymous caller belongs to none."""
        return self.principal.account == self.resource_account and self.principal.account != ""


class Decision(msgspec.Struct, frozen=True):
    """The answer, with what decided it.

    `matched` are the statements that decided: the Deny, or the Allows that granted. `decided_by` is the kind of
    policy that denied, that lacks an Allow, or that granted; None where no policy was asked (root, a failure).
    `failure` names an internal error that became a refusal: log it.
    """

    outcome: Outcome
    request: Request
    decided_by: PolicyKind | None = None
    matched: tuple[StatementRef, ...] = ()
    failure: str = ""

    @property
    def allowed(self) -> bool:
        """Say whether the request may go on."""
        return self.outcome is Outcome.ALLOW


class CallerPlan(msgspec.Struct, frozen=True):
    """What a caller's policies say about one action."""

    denies: tuple[tuple[PolicyKind, Index], ...]
    scps: tuple[Plan, ...]
    identity: Plan
    ceilings: tuple[Plan, ...]
    reads_keys: bool


class CallerPolicies:
    """All policies on the caller's side. Make one per session or user and keep it: it holds the plans.

    `boundary` and `session` are None where there is none. `scps` are the levels from the organisation's root down to
    the account, each the policies attached there.
    """

    def __init__(
        self,
        identity: PolicySet,
        boundary: PolicySet | None = None,
        session: PolicySet | None = None,
        scps: tuple[PolicySet, ...] = (),
    ) -> None:
        self.identity = identity
        self.boundary = boundary
        self.session = session
        self.scps = scps
        self._plans: dict[str, CallerPlan] = {}

    def plan(self, action: str) -> CallerPlan:
        """Return what these policies say about an action."""
        return self._plans.get(action) or self._make_plan(action)

    def _make_plan(self, action: str) -> CallerPlan:
        scps = tuple(level.plan(action) for level in self.scps)
        identity = self.identity.plan(action)
        ceilings = tuple(ceiling.plan(action) for ceiling in (self.boundary, self.session) if ceiling is not None)
        plans = (*scps, identity, *ceilings)
        made = CallerPlan(_denies(plans), scps, identity, ceilings, any(plan.reads_keys for plan in plans))
        if len(self._plans) >= PLANS_MAX:
            self._plans.clear()
        self._plans[action] = made
        return made


class ResourcePlan(msgspec.Struct, frozen=True):
    """What the resource's policies say about one action."""

    denies: tuple[tuple[PolicyKind, Index], ...]
    policy: Index | None
    endpoint: Index | None
    reads_keys: bool


class ResourcePolicies:
    """All policies on the resource's side, None where there is none. It holds the plans: make one per policy text."""

    def __init__(
        self, policy: PolicySet | None = None, rcps: tuple[PolicySet, ...] = (), endpoint: PolicySet | None = None
    ) -> None:
        self.policy = policy
        self.rcps = rcps
        self.endpoint = endpoint
        self._plans: dict[str, ResourcePlan] = {}

    def plan(self, action: str) -> ResourcePlan:
        """Return what these policies say about an action."""
        return self._plans.get(action) or self._make_plan(action)

    def _make_plan(self, action: str) -> ResourcePlan:
        rcps = tuple(level.plan(action) for level in self.rcps)
        endpoint = self.endpoint.plan(action) if self.endpoint is not None else None
        policy = self.policy.plan(action) if self.policy is not None else None
        plans = tuple(plan for plan in (*rcps, endpoint, policy) if plan is not None)
        made = ResourcePlan(
            _denies(plans),
            policy.allow if policy is not None else None,
            endpoint.allow if endpoint is not None else None,
            any(plan.reads_keys for plan in plans),
        )
        if len(self._plans) >= PLANS_MAX:
            self._plans.clear()
        self._plans[action] = made
        return made


NO_RESOURCE_POLICIES = ResourcePolicies()
NO_POLICIES = CallerPolicies(PolicySet(PolicyKind.IDENTITY, ()))
"""Of a caller whom no identity policy, boundary, session policy or service control policy speaks of."""

ALONE = frozenset({PrincipalKind.ANONYMOUS, PrincipalKind.SERVICE, PrincipalKind.WEB_IDENTITY})
"""Callers without policies of their own: only what the resource's side says counts."""

_NO_KEYS = FoldedKeys()

# An enumeration's member costs a look-up through its class; these stand on the path of every decision.
_ALLOW, _EXPLICIT_DENY, _IMPLICIT_DENY = Outcome
_IDENTITY, _RESOURCE = PolicyKind.IDENTITY, PolicyKind.RESOURCE
_ROOT, _FEDERATED = PrincipalKind.ROOT, PrincipalKind.FEDERATED
_NONE, _ROLE, _DIRECT = Level.NONE, Level.ROLE, Level.DIRECT


def decide(
    request: Request, caller: CallerPolicies, resource_policies: ResourcePolicies = NO_RESOURCE_POLICIES
) -> Decision:
    """Return whether the request may go on; never raises, since a caller must not mistake an error for a yes.

    `caller` is not looked at for anonymous callers, services and bearers of foreign tokens.
    """
    try:
        return _decide(request, caller, resource_policies)
    except Exception as error:  # noqa: BLE001  # whatever it is, the answer is no; the caller logs `failure`
        return Decision(Outcome.IMPLICIT_DENY, request, failure=f"{type(error).__name__}: {error}")


def _decide(request: Request, caller: CallerPolicies, target: ResourcePolicies) -> Decision:
    principal, action, resource = request.principal, request.action, request.resource
    if resource.count(":") < ARN_SEGMENTS - 1 and resource != ANY:
        raise ValueError(f"the resource {resource!a} is neither an ARN nor *")
    kind = principal.kind
    alone = kind in ALONE
    if alone:
        caller = NO_POLICIES
    own = caller.plan(action)
    theirs = target.plan(action)
    has_boundary = caller.boundary is not None
    keys = _folded(request.keys) if own.reads_keys or theirs.reads_keys else _NO_KEYS
    head = resource.partition("/")[0]

    for policy_kind, index in own.denies:
        statement = index.first(resource, head, keys)
        if statement is not None:
            return Decision(_EXPLICIT_DENY, request, policy_kind, (statement.ref,))
    for policy_kind, index in theirs.denies:
        _, statement = index.closest(resource, head, keys, principal, has_boundary)
        if statement is not None:
            return Decision(_EXPLICIT_DENY, request, policy_kind, (statement.ref,))

    for plan in own.scps:
        if plan.allow.first(resource, head, keys) is None:
            return Decision(_IMPLICIT_DENY, request, PolicyKind.SCP)
    if theirs.endpoint is not None:
        _, statement = theirs.endpoint.closest(resource, head, keys, principal, has_boundary)
        if statement is None:
            return Decision(_IMPLICIT_DENY, request, PolicyKind.ENDPOINT)

    same_account = request.same_account
    is_root = kind is _ROOT
    if is_root and same_account and not request.needs_grant:
        return Decision(_ALLOW, request)
    level, grant = _NONE, None
    if theirs.policy is not None and request.policy_grants:
        level, grant = theirs.policy.closest(resource, head, keys, principal, has_boundary)
    if request.needs_grant and grant is None:
        return Decision(_IMPLICIT_DENY, request, _RESOURCE)
    if grant is not None and (alone or (same_account and level is _DIRECT)):
        return Decision(_ALLOW, request, _RESOURCE, (grant.ref,))
    if alone:
        return Decision(_ALLOW if request.granted else _IMPLICIT_DENY, request, _RESOURCE)

    identity = None
    # A federated session without a session policy has no permissions of its own, only what resource policies give it.
    if kind is not _FEDERATED or caller.session is not None:
        identity = own.identity.allow.first(resource, head, keys)
    helped = same_account and level is _ROLE
    if identity is None and not is_root and not helped:
        return Decision(_IMPLICIT_DENY, request, _IDENTITY)
    for plan in own.ceilings:
        if plan.allow.first(resource, head, keys) is None:
            return Decision(_IMPLICIT_DENY, request, plan.kind)
    if same_account:
        if identity is not None:
            return Decision(_ALLOW, request, _IDENTITY, (identity.ref,))
        return Decision(_ALLOW, request, _RESOURCE, _refs(grant))
    if grant is None and not request.granted:
        return Decision(_IMPLICIT_DENY, request, _RESOURCE)
    return Decision(_ALLOW, request, _RESOURCE, _refs(identity, grant))


def _denies(plans: tuple[Plan, ...]) -> tuple[tuple[PolicyKind, Index], ...]:
    return tuple((plan.kind, plan.deny) for plan in plans if plan.deny is not None)


def _folded(keys: Mapping[str, KeyValue]) -> Keys:
    return keys if isinstance(keys, FoldedKeys) else fold_keys(keys)


def _refs(*statements: CompiledStatement | None) -> tuple[StatementRef, ...]:
    return tuple(statement.ref for statement in statements if statement is not None)
