"""Sections 3 to 5 and 9: how kinds of policy combine, case by case, and how a refusal is explained."""

import json
from typing import Any

import pytest

from cumulo.identity.policy import (
    ANONYMOUS,
    NO_POLICIES,
    NO_RESOURCE_POLICIES,
    CallerPolicies,
    Decision,
    Effect,
    Explanation,
    Outcome,
    PolicyCache,
    PolicyKind,
    PolicySet,
    Principal,
    Request,
    ResourcePolicies,
    StatementRef,
    decide,
    denial_text,
    explain,
    fold_keys,
)
from tests.identity.policy_strategies import ALICE, FEDERATED, HOME, OTHER, ROOT, SERVICE, SESSION, WEB_IDENTITY

KEY = "arn:aws:s3:::in/a"
YES: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::in/*"}
NO: dict[str, Any] = {**YES, "Effect": "Deny"}
ELSEWHERE: dict[str, Any] = {**YES, "Resource": "arn:aws:s3:::elsewhere/*"}
ALLOW, EXPLICIT, IMPLICIT = Outcome


def policies(kind: PolicyKind, *statements: dict[str, Any], version: str = "2012-10-17") -> PolicySet:
    text = json.dumps({"Version": version, "Statement": list(statements)})
    return PolicySet(kind, (("P", text),) if statements else ())


def caller(
    *identity: dict[str, Any],
    boundary: dict[str, Any] | None = None,
    session: dict[str, Any] | None = None,
    scps: tuple[dict[str, Any], ...] = (),
) -> CallerPolicies:
    return CallerPolicies(
        policies(PolicyKind.IDENTITY, *identity),
        policies(PolicyKind.BOUNDARY, boundary) if boundary else None,
        policies(PolicyKind.SESSION, session) if session else None,
        tuple(policies(PolicyKind.SCP, level) for level in scps),
    )


def bucket(*statements: dict[str, Any]) -> ResourcePolicies:
    return ResourcePolicies(policies(PolicyKind.RESOURCE, *statements))


def granting(principal: object, **members: Any) -> ResourcePolicies:
    return bucket({**YES, "Principal": principal, **members})


def ask(
    principal: Principal,
    own: CallerPolicies,
    target: ResourcePolicies = NO_RESOURCE_POLICIES,
    *,
    owner: str = HOME,
    resource: str = KEY,
    **keys: str,
) -> Decision:
    named = {f"aws:{name}": value for name, value in keys.items()}
    decision = decide(Request(principal, "s3:GetObject", resource, owner, named), own, target)
    assert not decision.failure
    return decision


NAMES_USER, NAMES_ROLE = granting({"AWS": ALICE.id}), granting({"AWS": SESSION.role_id})
NAMES_SESSION, NAMES_ACCOUNT = granting({"AWS": SESSION.arn}), granting({"AWS": HOME})
NAMES_FEDERATED, NAMES_ALL = granting({"AWS": FEDERATED.arn}), granting("*")

SAME_ACCOUNT = [
    # what, caller, caller's policies, bucket policy, outcome, decided by
    ("nothing", ALICE, caller(), None, IMPLICIT, PolicyKind.IDENTITY),
    ("identity", ALICE, caller(YES), None, ALLOW, PolicyKind.IDENTITY),
    ("identity elsewhere", ALICE, caller(ELSEWHERE), None, IMPLICIT, PolicyKind.IDENTITY),
    ("deny beats allow", ALICE, caller(YES, NO), None, EXPLICIT, PolicyKind.IDENTITY),
    ("boundary allows", ALICE, caller(YES, boundary=YES), None, ALLOW, PolicyKind.IDENTITY),
    ("boundary is silent", ALICE, caller(YES, boundary=ELSEWHERE), None, IMPLICIT, PolicyKind.BOUNDARY),
    ("boundary denies", ALICE, caller(YES, boundary=NO), None, EXPLICIT, PolicyKind.BOUNDARY),
    ("boundary grants nothing", ALICE, caller(boundary=YES), None, IMPLICIT, PolicyKind.IDENTITY),
    ("session is silent", SESSION, caller(YES, session=ELSEWHERE), None, IMPLICIT, PolicyKind.SESSION),
    ("session denies", SESSION, caller(YES, session=NO), NAMES_SESSION, EXPLICIT, PolicyKind.SESSION),
    ("session grants nothing", SESSION, caller(session=YES), None, IMPLICIT, PolicyKind.IDENTITY),
    ("bucket names user", ALICE, caller(), NAMES_USER, ALLOW, PolicyKind.RESOURCE),
    ("bucket names user over boundary", ALICE, caller(boundary=ELSEWHERE), NAMES_USER, ALLOW, PolicyKind.RESOURCE),
    ("bucket names all", ALICE, caller(boundary=ELSEWHERE), NAMES_ALL, ALLOW, PolicyKind.RESOURCE),
    # D1: the session's own ARN is enough, whatever its session policy leaves out.
    ("bucket names session", SESSION, caller(session=ELSEWHERE), NAMES_SESSION, ALLOW, PolicyKind.RESOURCE),
    ("bucket names role", SESSION, caller(), NAMES_ROLE, ALLOW, PolicyKind.RESOURCE),
    ("bucket names role, session silent", SESSION, caller(session=ELSEWHERE), NAMES_ROLE, IMPLICIT, PolicyKind.SESSION),
    (
        "bucket names role, boundary silent",
        SESSION,
        caller(boundary=ELSEWHERE),
        NAMES_ROLE,
        IMPLICIT,
        PolicyKind.BOUNDARY,
    ),
    ("bucket names account", ALICE, caller(), NAMES_ACCOUNT, IMPLICIT, PolicyKind.IDENTITY),
    ("bucket names account, and identity", ALICE, caller(YES), NAMES_ACCOUNT, ALLOW, PolicyKind.IDENTITY),
    ("bucket denies", ALICE, caller(YES), bucket({**NO, "Principal": "*"}), EXPLICIT, PolicyKind.RESOURCE),
    (
        "bucket denies others",
        ALICE,
        caller(YES),
        bucket({**NO, "NotPrincipal": {"AWS": ALICE.id}}),
        ALLOW,
        PolicyKind.IDENTITY,
    ),
    ("federated alone", FEDERATED, caller(YES), None, IMPLICIT, PolicyKind.IDENTITY),
    ("federated with session policy", FEDERATED, caller(YES, session=YES), None, ALLOW, PolicyKind.IDENTITY),
    ("bucket names federated", FEDERATED, caller(YES), NAMES_FEDERATED, ALLOW, PolicyKind.RESOURCE),
    ("bucket names federated's user", FEDERATED, caller(), NAMES_USER, ALLOW, PolicyKind.RESOURCE),
    ("root", ROOT, caller(), None, ALLOW, None),
    ("root, bucket denies", ROOT, caller(), bucket({**NO, "Principal": "*"}), EXPLICIT, PolicyKind.RESOURCE),
    ("root, scp silent", ROOT, caller(scps=(ELSEWHERE,)), None, IMPLICIT, PolicyKind.SCP),
    ("scp allows", ALICE, caller(YES, scps=(YES, YES)), None, ALLOW, PolicyKind.IDENTITY),
    ("one scp level silent", ALICE, caller(YES, scps=(YES, ELSEWHERE)), NAMES_USER, IMPLICIT, PolicyKind.SCP),
    ("scp denies", ALICE, caller(YES, scps=(YES, NO)), None, EXPLICIT, PolicyKind.SCP),
    ("anonymous", ANONYMOUS, caller(YES), None, IMPLICIT, PolicyKind.RESOURCE),
    ("anonymous, all", ANONYMOUS, caller(scps=(NO,)), NAMES_ALL, ALLOW, PolicyKind.RESOURCE),
    ("anonymous, account", ANONYMOUS, caller(), NAMES_ACCOUNT, IMPLICIT, PolicyKind.RESOURCE),
    ("service", SERVICE, caller(YES), None, IMPLICIT, PolicyKind.RESOURCE),
    ("service named", SERVICE, caller(NO), granting({"Service": SERVICE.name}), ALLOW, PolicyKind.RESOURCE),
    (
        "web identity named",
        WEB_IDENTITY,
        caller(),
        granting({"Federated": WEB_IDENTITY.name}),
        ALLOW,
        PolicyKind.RESOURCE,
    ),
    ("web identity", WEB_IDENTITY, caller(YES), NAMES_ACCOUNT, IMPLICIT, PolicyKind.RESOURCE),
]


@pytest.mark.parametrize(
    ("what", "who", "own", "target", "expected", "by"), SAME_ACCOUNT, ids=[row[0] for row in SAME_ACCOUNT]
)
def test_a_request_inside_an_account_is_decided(
    what: str,
    who: Principal,
    own: CallerPolicies,
    target: ResourcePolicies | None,
    expected: Outcome,
    by: PolicyKind | None,
) -> None:
    decision = ask(who, own, target or NO_RESOURCE_POLICIES)

    assert (decision.outcome, decision.decided_by) == (expected, by), what
    assert bool(decision.matched) is (expected is not IMPLICIT and by is not None)


CROSS_ACCOUNT = [
    ("nothing", ALICE, caller(), NO_RESOURCE_POLICIES, IMPLICIT, PolicyKind.IDENTITY),
    ("identity only", ALICE, caller(YES), NO_RESOURCE_POLICIES, IMPLICIT, PolicyKind.RESOURCE),
    ("bucket only", ALICE, caller(), NAMES_USER, IMPLICIT, PolicyKind.IDENTITY),
    ("both, user", ALICE, caller(YES), NAMES_USER, ALLOW, PolicyKind.RESOURCE),
    ("both, account", ALICE, caller(YES), NAMES_ACCOUNT, ALLOW, PolicyKind.RESOURCE),
    ("both, all", ALICE, caller(YES), NAMES_ALL, ALLOW, PolicyKind.RESOURCE),
    ("both, boundary silent", ALICE, caller(YES, boundary=ELSEWHERE), NAMES_USER, IMPLICIT, PolicyKind.BOUNDARY),
    ("both, session silent", SESSION, caller(YES, session=ELSEWHERE), NAMES_SESSION, IMPLICIT, PolicyKind.SESSION),
    ("role only", SESSION, caller(), NAMES_ROLE, IMPLICIT, PolicyKind.IDENTITY),
    ("root, account", ROOT, caller(), NAMES_ACCOUNT, ALLOW, PolicyKind.RESOURCE),
    ("root alone", ROOT, caller(), NO_RESOURCE_POLICIES, IMPLICIT, PolicyKind.RESOURCE),
    ("identity denies", ALICE, caller(NO), NAMES_USER, EXPLICIT, PolicyKind.IDENTITY),
]


@pytest.mark.parametrize(
    ("what", "who", "own", "target", "expected", "by"), CROSS_ACCOUNT, ids=[row[0] for row in CROSS_ACCOUNT]
)
def test_a_request_across_accounts_needs_both_sides(
    what: str, who: Principal, own: CallerPolicies, target: ResourcePolicies, expected: Outcome, by: PolicyKind
) -> None:
    decision = ask(who, own, target, owner=OTHER)

    assert (decision.outcome, decision.decided_by) == (expected, by), what


@pytest.mark.parametrize(
    ("principal", "own", "target", "outcome"),
    [
        (ALICE, caller(YES), None, IMPLICIT),
        (ALICE, caller(YES), NAMES_ACCOUNT, ALLOW),
        (ALICE, caller(), NAMES_ACCOUNT, IMPLICIT),
        (ALICE, caller(), NAMES_USER, ALLOW),
        (ALICE, caller(YES, NO), NAMES_USER, EXPLICIT),
    ],
)
def test_a_key_needs_a_grant_in_its_own_account_too(
    principal: Principal, own: CallerPolicies, target: ResourcePolicies | None, outcome: Outcome
) -> None:
    request = Request(principal, "s3:GetObject", KEY, HOME, needs_grant=True)

    assert decide(request, own, target or NO_RESOURCE_POLICIES).outcome is outcome


def test_resource_control_policies_only_deny() -> None:
    silent = policies(PolicyKind.RCP, {**ELSEWHERE, "Principal": "*"})
    denying = policies(PolicyKind.RCP, {**NO, "Principal": "*"})

    assert ask(ALICE, caller(YES), ResourcePolicies(rcps=(silent,))).allowed
    assert ask(ALICE, caller(YES), ResourcePolicies(rcps=(silent, denying))).decided_by is PolicyKind.RCP
    assert ask(ROOT, caller(), ResourcePolicies(rcps=(denying,))).outcome is EXPLICIT


def test_an_endpoint_policy_is_a_ceiling_for_everybody() -> None:
    silent = policies(PolicyKind.ENDPOINT, {**ELSEWHERE, "Principal": "*"})
    allowing = policies(PolicyKind.ENDPOINT, {**YES, "Principal": {"AWS": HOME}})

    assert ask(ALICE, caller(YES), ResourcePolicies(endpoint=allowing)).allowed
    assert ask(ALICE, caller(YES), ResourcePolicies(endpoint=silent)).decided_by is PolicyKind.ENDPOINT
    assert ask(ANONYMOUS, NO_POLICIES, ResourcePolicies(NAMES_ALL.policy, (), silent)).outcome is IMPLICIT


def test_not_action_speaks_of_every_other_action() -> None:
    other = {"Effect": "Allow", "NotAction": "sqs:*", "Resource": "arn:aws:s3:::in/*"}
    blank = {"Effect": "Deny", "NotAction": "s3:GetObject ", "Resource": "*"}

    assert ask(ALICE, caller(other)).allowed
    assert not ask(ALICE, caller({**other, "NotAction": "S3:Get*"})).allowed
    assert ask(ALICE, caller(YES, blank)).outcome is EXPLICIT


def test_not_resource_speaks_of_every_other_resource() -> None:
    other = {"Effect": "Allow", "Action": "*", "NotResource": ["arn:aws:s3:::elsewhere/*", "arn:aws:sqs:*:*:*"]}

    assert ask(ALICE, caller(other)).allowed
    assert ask(ALICE, caller(other), resource="*").allowed
    assert not ask(ALICE, caller(other), resource="arn:aws:s3:::elsewhere/a").allowed
    assert not ask(ALICE, caller({**other, "NotResource": "*"}), resource="*").allowed


def test_an_action_without_a_resource_needs_a_literal_star() -> None:
    for pattern, expected in (("*", True), ("arn:aws:s3:::*", False), ("arn:*:s3:*", False)):
        assert ask(ALICE, caller({**YES, "Resource": pattern}), resource="*").allowed is expected


def test_a_missing_variable_widens_a_deny_with_not_resource() -> None:
    deny = {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::in/${aws:username}*"}

    assert ask(ALICE, caller(YES, deny), username="a").allowed
    assert ask(ALICE, caller(YES, deny)).outcome is EXPLICIT
    # D4: a Deny on a resource whose variable has no value matches nothing.
    assert ask(ALICE, caller(YES, {**NO, "Resource": "arn:aws:s3:::in/${aws:username}*"})).allowed


def test_a_wildcard_principal_narrowed_by_a_condition_grants_directly() -> None:
    narrowed = granting("*", Condition={"ArnEquals": {"aws:PrincipalArn": ALICE.arn}})

    assert ask(ALICE, caller(boundary=ELSEWHERE), narrowed, PrincipalArn=ALICE.arn).allowed
    assert not ask(ALICE, caller(), narrowed, PrincipalArn=ROOT.arn).allowed


def test_letter_case_matters_in_all_but_actions_and_keys() -> None:
    assert ask(ALICE, caller({**YES, "Action": "S3:GETOBJECT"})).allowed
    assert not ask(ALICE, caller({**YES, "Resource": "arn:aws:S3:::in/*"})).allowed


def test_a_trust_policy_speaks_of_no_resource() -> None:
    trust = bucket({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ALICE.id}})
    role = "arn:aws:iam::111111111111:role/worker"

    def allowed(principal: Principal) -> bool:
        return decide(Request(principal, "sts:AssumeRole", role, HOME), caller(), trust).allowed

    assert allowed(ALICE)
    assert not allowed(SESSION)
    assert explain(Request(ALICE, "sts:AssumeRole", role, HOME), caller(), trust).kinds[-1].outcome is ALLOW


def test_keys_that_were_folded_before_are_joined_with_new_ones() -> None:
    kept = fold_keys({"aws:UserName": "a"})

    assert fold_keys(kept, {"S3:Prefix": "b"}) == {"aws:username": "a", "s3:prefix": "b"}
    with pytest.raises(ValueError, match="given twice"):
        fold_keys(kept, {"AWS:username": "b"})


def test_a_stored_bare_principal_is_read_as_aws() -> None:
    assert ask(ALICE, caller(), granting(ALICE.id)).allowed


def test_a_stored_not_principal_with_allow_grants_nothing() -> None:
    assert not ask(ALICE, caller(), bucket({**YES, "NotPrincipal": {"AWS": ROOT.arn}})).allowed
    assert not ask(ANONYMOUS, NO_POLICIES, bucket({**YES, "NotPrincipal": {"AWS": ROOT.arn}})).allowed


def test_an_allow_names_its_statement() -> None:
    own = caller(ELSEWHERE, {**YES, "Sid": "ReadIn"})

    decision = ask(ALICE, own)

    assert decision.matched == (StatementRef(PolicyKind.IDENTITY, "P", "ReadIn", 1, Effect.ALLOW),)


def explained(who: Principal, own: CallerPolicies, target: ResourcePolicies | None = None, **keys: str) -> Explanation:
    named = {f"aws:{name}": value for name, value in keys.items()}
    return explain(Request(who, "s3:GetObject", KEY, HOME, named), own, target or NO_RESOURCE_POLICIES)


@pytest.mark.parametrize(
    ("statement", "element", "expected", "actual"),
    [
        ({**YES, "Action": ["s3:Put*", "sqs:*"]}, "Action", ("s3:Put*", "sqs:*"), "s3:GetObject"),
        ({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}, "NotAction", ("s3:*",), "s3:GetObject"),
        (ELSEWHERE, "Resource", ("arn:aws:s3:::elsewhere/*",), KEY),
        ({"Effect": "Allow", "Action": "*", "NotResource": "*"}, "NotResource", ("*",), KEY),
    ],
)
def test_the_nearest_allow_tells_which_element_failed(
    statement: dict[str, Any], element: str, expected: tuple[str, ...], actual: str
) -> None:
    nearest = explained(ALICE, caller(statement)).nearest

    assert nearest is not None
    assert (nearest.element, nearest.expected, nearest.actual) == (element, expected, actual)


def test_the_nearest_allow_is_the_one_that_met_most() -> None:
    tls = {**YES, "Sid": "Tls", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}

    explanation = explained(ALICE, caller({**YES, "Action": "sqs:*"}, ELSEWHERE, tls), SecureTransport="false")

    nearest = explanation.nearest
    assert nearest is not None
    assert nearest.statement.sid == "Tls"
    assert (nearest.element, nearest.operator, nearest.key) == ("Condition", "Bool", "aws:SecureTransport")
    assert (nearest.expected, nearest.actual) == (("true",), "false")


def test_the_nearest_allow_tells_which_principal_was_meant() -> None:
    nearest = explained(ANONYMOUS, NO_POLICIES, NAMES_USER).nearest

    assert nearest is not None
    assert (nearest.element, nearest.expected, nearest.actual) == ("Principal", (ALICE.id,), "")


def test_an_explanation_lists_each_kind_and_the_missing_keys() -> None:
    tls = {**NO, "Sid": "Tls", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    home = {**YES, "Resource": "arn:aws:s3:::in/${aws:username, 'a'}"}

    explanation = explained(ALICE, caller(YES, tls, home, boundary=ELSEWHERE), NAMES_ACCOUNT)

    assert [(result.kind, result.outcome, len(result.matched)) for result in explanation.kinds] == [
        (PolicyKind.IDENTITY, ALLOW, 2),
        (PolicyKind.BOUNDARY, IMPLICIT, 0),
        (PolicyKind.RESOURCE, ALLOW, 1),
    ]
    assert explanation.decision.decided_by is PolicyKind.BOUNDARY
    assert explanation.missing_keys == ("aws:securetransport", "aws:username")


def test_a_failure_is_explained_without_reasons() -> None:
    request = Request(ALICE, "s3:GetObject", "in/a", HOME)

    explanation = explain(request, caller(YES))

    assert explanation.decision.failure.startswith("ValueError")
    assert (explanation.kinds, explanation.nearest, explanation.missing_keys) == ((), None, ())


DENIED = f'User: {ALICE.arn} is not authorized to perform: s3:GetObject on resource: "{KEY}"'


@pytest.mark.parametrize(
    ("own", "target", "reason"),
    [
        (caller(), None, " because no identity-based policy allows the s3:GetObject action"),
        (caller(YES, NO), None, " with an explicit deny in an identity-based policy"),
        (caller(YES, boundary=ELSEWHERE), None, " because no permissions boundary allows the s3:GetObject action"),
        (caller(YES, boundary=NO), None, " with an explicit deny in a permissions boundary"),
        (caller(YES, scps=(NO,)), None, " with an explicit deny in a service control policy"),
        (caller(YES), bucket({**NO, "Principal": "*"}), " with an explicit deny in a resource-based policy"),
    ],
)
def test_a_refusal_is_worded_as_aws_words_it(own: CallerPolicies, target: ResourcePolicies | None, reason: str) -> None:
    assert denial_text(ask(ALICE, own, target or NO_RESOURCE_POLICIES)) == DENIED + reason


def test_a_refusal_tells_other_accounts_no_reason() -> None:
    assert denial_text(ask(ALICE, caller(), owner=OTHER)) == "Access Denied"
    assert denial_text(ask(WEB_IDENTITY, NO_POLICIES)) == "Access Denied"
    assert denial_text(decide(Request(ALICE, "s3:GetObject", "in/a", HOME), caller())).endswith('resource: "in/a"')


def test_a_refusal_of_somebody_anonymous_names_nobody() -> None:
    queue = "arn:aws:sqs:us-east-1:000000000000:jobs"

    assert denial_text(ask(ANONYMOUS, NO_POLICIES)) == "Access Denied"
    assert denial_text(decide(Request(ANONYMOUS, "sqs:SendMessage", queue, HOME), NO_POLICIES)) == (
        f"Access to the resource {queue} is denied."
    )


def test_plans_are_bounded_in_number() -> None:
    own = caller(YES)

    for number in range(2_000):
        decide(Request(ALICE, f"s3:Invented{number}", KEY, HOME), own, NAMES_USER)

    assert ask(ALICE, own).allowed
    assert len(own._plans) <= 512
    assert len(own.identity._plans) <= 512
    assert len(NAMES_USER._plans) <= 512


def text_of(number: int) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {**YES, "Resource": f"arn:aws:s3:::{number}/*"}})


def test_a_set_is_compiled_once_for_its_content() -> None:
    cache = PolicyCache()

    first = cache.policy_set(PolicyKind.IDENTITY, (("P", text_of(1)),))

    assert cache.policy_set(PolicyKind.IDENTITY, (("P", "".join(text_of(1))),)) is first
    assert cache.policy_set(PolicyKind.BOUNDARY, (("P", text_of(1)),)) is not first
    assert cache.policy_set(PolicyKind.IDENTITY, (("P", text_of(2)),)) is not first
    assert cache.resource_policies("") is NO_RESOURCE_POLICIES


def test_the_cache_drops_what_was_not_asked_for_longest() -> None:
    cache = PolicyCache(sets_max=2)
    sets = [cache.policy_set(PolicyKind.IDENTITY, (("P", text_of(number)),)) for number in (1, 2)]

    assert cache.policy_set(PolicyKind.IDENTITY, (("P", text_of(1)),)) is sets[0]
    cache.policy_set(PolicyKind.IDENTITY, (("P", text_of(3)),))

    assert len(cache) == 2
    assert cache.policy_set(PolicyKind.IDENTITY, (("P", text_of(1)),)) is sets[0]
    assert cache.policy_set(PolicyKind.IDENTITY, (("P", text_of(2)),)) is not sets[1]


def test_the_cache_is_bounded_in_text() -> None:
    cache = PolicyCache(text_bytes_max=3 * len(text_of(10)))

    for number in range(10, 30):
        cache.policy_set(PolicyKind.IDENTITY, (("P", text_of(number)),))

    assert len(cache) == 3
