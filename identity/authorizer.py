"""The one decision: may this caller do these things to this resource? Default deny.

Owns what stands around the pure policy engine: which policies and condition keys belong to a call, what may be
remembered and for how long, the few rules that no policy can change, and the words of a refusal. Promises that a change
of users, keys or policies is in force at the next request, because the policy epoch is read at each and everything
remembered is compared with it. Knows no service: actions, resources and resource policies come with the call.

Rules that no policy changes (policy_semantics, section 8):
- `sts:GetCallerIdentity` is allowed to everybody with a credential, `sts:GetSessionToken` with a long-term one;
- a session of `GetSessionToken` may call nothing else of IAM, STS and Organizations (there is no MFA yet);
- everybody may end his own tokens, and ask why he himself may or may not do something;
- what AWS provides nobody changes;
- what is done to the root of an account, only that root may do, whatever `iam:*` somebody else has.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import ACCESS_DENIED, INVALID_CLIENT_TOKEN_ID, ServiceError
from cumulo.core.operations import Check, Checks
from cumulo.identity import callers, keys, names
from cumulo.identity.callers import Claim
from cumulo.identity.model import Tags
from cumulo.identity.policy import (
    ANONYMOUS,
    NO_POLICIES,
    CallerPolicies,
    Decision,
    Explanation,
    FoldedKeys,
    KeyValue,
    NamedPolicy,
    Outcome,
    PolicyCache,
    PolicyKind,
    Principal,
    PrincipalKind,
    Request,
    StatementRef,
    decide,
    denial_text,
    explain,
    fold_keys,
    principal_keys,
)
from cumulo.identity.principal_model import Caller, root_arn
from cumulo.identity.resource_policy import decided_text
from cumulo.identity.snapshots import PolicyEpoch, read_now
from cumulo.storage.engine import Engine

ALWAYS_ALLOWED = "sts:GetCallerIdentity"
GET_SESSION_TOKEN = "sts:GetSessionToken"  # noqa: S105 - an action
_AWS_POLICIES = f"arn:aws:iam::{names.AWS}:policy/"
_READS = ("iam:Get", "iam:List")
_ALLOW_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
_NOT_FOR_SESSIONS = ("iam:", "organizations:")
REVOKE_TOKEN = "cumulo:RevokeToken"  # noqa: S105 - an action
SIMULATE = "iam:SimulatePrincipalPolicy"

CALLERS_REMEMBERED_MAX = 10_000
DECISIONS_REMEMBERED_MAX = 16_384
"""Permissions remembered of decisions that read no condition key. All are forgotten at the bound and at each epoch."""

_log = logging.getLogger("cumulo.authorizer")


class Guard(msgspec.Struct, frozen=True):
    """What protects a resource: the account that owns it, and its own policy.

    `policy` is the text that `resource_policy.validate` returned and the room stored; empty where there is none.
    `needs_grant` says that it must name the caller or his account, as the policy of a key must.
    """

    account: str
    policy: str = ""
    needs_grant: bool = False


class _Remembered(msgspec.Struct):
    """A caller's policies, the condition keys that follow from him alone, and the epoch at which he was looked up."""

    policies: CallerPolicies
    keys: FoldedKeys
    epoch: bytes | None
    tags: Tags = ()


class Authorizer:
    """Decides; default deny. One per server, shared by all rooms; `engine` must be an embedded one."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._epoch = PolicyEpoch(engine).now
        self._clock = clock
        self._sets = PolicyCache()
        self._callers: dict[str, _Remembered] = {}
        self._second = -1
        self._time_keys = FoldedKeys()
        self._allowed: set[tuple[str, str, str, str, str, bool, str]] = set()
        self._allowed_epoch: bytes | None = b"never"

    def authorize(self, ctx: CallContext, checks: Checks, guard: Guard) -> None:
        """Return when every check is allowed; raise `AccessDenied` with the reason otherwise.

        No check at all is refused, too: nothing was asked, so nothing was allowed. Raises `InvalidClientTokenId` where
        the caller's credential stopped being good during a long call.
        """
        epoch = self._epoch()
        if epoch != self._allowed_epoch:
            self._allowed.clear()
            self._allowed_epoch = epoch
        principal = ctx.principal
        credential = principal.credential if type(principal) is Caller else ""
        for check in checks:
            if type(principal) is Caller and principal.token_id:
                _refuse_session(principal, check.action)
            known = (
                credential,
                check.action,
                check.resource,
                guard.account,
                guard.policy,
                check.granted,
                check.owner,
            )
            if known in self._allowed and credential:
                continue
            decision, fixed = self._decide(ctx, principal, check, guard, epoch)
            if not decision.allowed:
                raise ACCESS_DENIED.error(reason=_reason(decision), action=check.action, resource=check.resource)
            if fixed and credential:
                if len(self._allowed) >= DECISIONS_REMEMBERED_MAX:
                    self._allowed.clear()
                self._allowed.add(known)
        if not checks:
            raise ACCESS_DENIED.error(reason="The operation names nothing that could be allowed.")

    def explain(
        self,
        ctx: CallContext,
        principal: Principal,
        check: Check,
        guard: Guard,
        simulated: Mapping[str, KeyValue],
    ) -> tuple[Explanation, str]:
        """Return how a check of `principal` would come out, with its grounds and one sentence for a person.

        `simulated` are condition keys that stand in for those of the real call, whatever they are called.
        """
        own = self._look_up(principal, self._epoch())
        ruled = _fixed_rule(principal, check, guard)
        if ruled is not None:
            explanation = Explanation(ruled, (), None, ())
        else:
            keys_of_call = self._condition_keys(ctx, own.keys, check, guard)
            keys_of_call.update(fold_keys(simulated))
            request = Request(
                principal,
                check.action,
                check.resource,
                guard.account,
                keys_of_call,
                needs_grant=guard.needs_grant,
            )
            target = self._sets.resource_policies(decided_text(guard.policy))
            explanation = explain(request, own.policies, target)
        return explanation, _sentence(explanation)

    def _decide(
        self, ctx: CallContext, caller: object, check: Check, guard: Guard, epoch: bytes | None
    ) -> tuple[Decision, bool]:
        """Return the decision, and whether it would be the same for every call of this caller at this epoch."""
        principal = caller if isinstance(caller, Principal) else ANONYMOUS
        action = check.action
        try:
            own = self._look_up(principal, epoch)
            ruled = _fixed_rule(principal, check, guard)
            if ruled is not None:
                return ruled, True
            target = self._sets.resource_policies(decided_text(guard.policy))
            reads_keys = own.policies.plan(action).reads_keys or (
                target.policy is not None and target.policy.plan(action).reads_keys
            )
            condition_keys = self._condition_keys(ctx, own.keys, check, guard) if reads_keys else _NO_KEYS
        except ServiceError:
            raise
        # Whatever it is (a stored policy that does not parse, a key given twice), the answer is no.
        except Exception as error:  # noqa: BLE001
            _log.exception("a decision failed and was refused", extra={"action": action})
            request = Request(principal, action, check.resource, guard.account)
            return Decision(Outcome.IMPLICIT_DENY, request, failure=type(error).__name__), False
        decision = decide(
            Request(
                principal,
                action,
                check.resource,
                check.owner or guard.account,
                condition_keys,
                check.granted,
                not check.owner,
                guard.needs_grant,
            ),
            own.policies,
            target,
        )
        if decision.failure:
            _log.error("a decision failed and was refused: %s", decision.failure, extra={"action": action})
        return decision, not reads_keys

    def _look_up(self, principal: Principal, epoch: bytes | None) -> _Remembered:
        """Return what a caller has as of `epoch`; raises `InvalidClientTokenId` where his credential ended."""
        if isinstance(principal, Caller):
            claim = Claim(
                principal.account,
                principal.id,
                principal.access_key_id,
                principal.token_id,
                principal.token_issued_ms,
                principal.is_session,
            )
            remembered_as = principal.credential
        elif principal.kind is PrincipalKind.USER:
            claim, remembered_as = Claim(principal.account, principal.id), principal.id
        elif principal.kind is PrincipalKind.ROLE_SESSION:
            # Nobody wrote the policies of a role: it has what its account can give it.
            allowing = CallerPolicies(self._sets.policy_set(PolicyKind.IDENTITY, (("", _ALLOW_ALL),)))
            return _Remembered(allowing, principal_keys(principal), epoch)
        else:
            return _Remembered(NO_POLICIES, principal_keys(principal), epoch)
        found = self._callers.get(remembered_as)
        if found is not None and found.epoch == epoch:
            return found
        named: tuple[NamedPolicy, ...] | None = read_now(
            self._engine, keys.PARTITIONS, callers.identity_policies, claim
        )
        tags: Tags = read_now(self._engine, keys.PARTITIONS, callers.tags_of, claim)
        if named is None:
            self._callers.pop(remembered_as, None)
            raise INVALID_CLIENT_TOKEN_ID.error()
        policy_set = self._sets.policy_set(PolicyKind.IDENTITY, named)
        if found is not None and found.policies.identity is policy_set and found.tags == tags:
            found.epoch = epoch
            return found
        if found is None and len(self._callers) >= CALLERS_REMEMBERED_MAX:
            del self._callers[next(iter(self._callers))]
        made = _Remembered(CallerPolicies(policy_set), _caller_keys(principal, tags), epoch, tags)
        self._callers[remembered_as] = made
        return made

    def _condition_keys(self, ctx: CallContext, of_caller: FoldedKeys, check: Check, guard: Guard) -> FoldedKeys:
        """Return every condition key of the call; raises `ValueError` where one would shadow another."""
        now_s = self._clock.wall_ms() // 1000
        if now_s != self._second:
            self._time_keys = FoldedKeys({"aws:currenttime": _iso(now_s), "aws:epochtime": str(now_s)})
            self._second = now_s
        found = FoldedKeys(of_caller)
        found.update(self._time_keys)
        found["aws:securetransport"] = "true" if ctx.secure_transport else "false"
        found["aws:requestedregion"] = ctx.region
        found["aws:resourceaccount"] = guard.account
        if check.action.startswith("s3:"):
            found["s3:resourceaccount"] = guard.account  # S3 had it before all services did
        if ctx.user_agent:
            found["aws:useragent"] = ctx.user_agent
        if ctx.source_ip:
            found["aws:sourceip"] = ctx.source_ip
        if ctx.condition_keys or check.keys:
            return fold_keys(found, ctx.condition_keys, check.keys)
        return found


_NO_KEYS = FoldedKeys()


def _caller_keys(principal: Principal, tags: Tags) -> FoldedKeys:
    """Return the condition keys that follow from the caller. A bearer token counts as a temporary credential."""
    found = principal_keys(principal)
    found.update(fold_keys({f"aws:PrincipalTag/{key}": value for key, value in tags}))
    if isinstance(principal, Caller) and principal.token_id:
        found["aws:tokenissuetime"] = _iso(principal.token_issued_ms // 1000)
        if principal.is_session:
            found["aws:multifactorauthpresent"] = "false"
    return found


def _iso(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _refuse_session(principal: Caller, action: str) -> None:
    """Refuse what temporary credentials may not ask for, in the words of IAM and STS; raises a `ServiceError`."""
    if action == GET_SESSION_TOKEN:
        raise ACCESS_DENIED.error(reason="Cannot call GetSessionToken with session credentials", action=action)
    if principal.is_session and action.startswith(_NOT_FOR_SESSIONS):
        raise INVALID_CLIENT_TOKEN_ID.error()


def token_arn(account: str, principal_id: str, token_id: str) -> str:
    """Return the ARN under which a token's revocation is asked for."""
    return f"arn:aws:cumulo::{account}:token/{principal_id}/{token_id}"


def _fixed_rule(principal: Principal, check: Check, guard: Guard) -> Decision | None:
    """Return what no policy can change, or None."""
    outcome = None
    if check.action == ALWAYS_ALLOWED:
        outcome = Outcome.ALLOW if principal.id else Outcome.IMPLICIT_DENY
    elif check.action == GET_SESSION_TOKEN:
        outcome = Outcome.ALLOW if isinstance(principal, Caller) and principal.access_key_id else Outcome.IMPLICIT_DENY
    elif check.action == REVOKE_TOKEN:
        if check.resource.startswith(token_arn(principal.account, principal.id, "")) and principal.id:
            outcome = Outcome.ALLOW
    elif check.action == SIMULATE and check.resource == principal.arn and principal.id:
        outcome = Outcome.ALLOW
    if check.resource.startswith(_AWS_POLICIES) and not check.action.startswith(_READS):
        outcome = Outcome.IMPLICIT_DENY
    if outcome is None and check.resource == root_arn(guard.account) and principal.arn != check.resource:
        outcome = Outcome.IMPLICIT_DENY
    if outcome is None:
        return None
    return Decision(outcome, Request(principal, check.action, check.resource, guard.account))


def _sentence(explanation: Explanation) -> str:
    """Return the grounds of a decision in words; for a refusal, also how near an Allow came."""
    decision, nearest = explanation.decision, explanation.nearest
    request = decision.request
    if decision.allowed:
        who = f"User: {request.principal.arn} is authorized to perform: {request.action}"
        who += f' on resource: "{request.resource}"'
        if decision.decided_by is None:
            is_root = request.principal.kind is PrincipalKind.ROOT
            return f"{who}, {'as the root of its account' if is_root else 'whatever policies say'}"
        article = "an" if decision.decided_by is PolicyKind.IDENTITY else "a"
        return f"{who} by {article} {decision.decided_by}{_where(decision.matched)}"
    if nearest is None or not request.same_account:
        return _reason(decision)
    found = "absent" if nearest.actual is None else nearest.actual
    element = f"{nearest.element} {nearest.operator} {nearest.key}".rstrip()
    expected = ", ".join(nearest.expected)
    return (
        f"{_reason(decision)}; the nearest{_where((nearest.statement,))} fails on {element}: it wants {expected}, "
        f"the request has {found}"
    )


def _where(statements: tuple[StatementRef, ...]) -> str:
    """Return in brackets where the first statement stands, or nothing."""
    if not statements:
        return ""
    statement = statements[0]
    policy = f"policy {statement.policy}, " if statement.policy else ""
    return f" ({policy}statement {statement.sid or f'number {statement.index + 1}'})"


def _reason(decision: Decision) -> str:
    """Return AWS's words and, for callers of the resource's own account, which statement it was."""
    text = denial_text(decision)
    return text + _where(decision.matched) if decision.request.same_account else text
