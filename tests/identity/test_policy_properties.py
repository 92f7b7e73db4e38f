"""Section by section, what must hold for every policy and every request."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cumulo.identity.policy import (
    CallerPolicies,
    Decision,
    DocumentKind,
    Outcome,
    PolicyCache,
    PolicyKind,
    PolicySet,
    PrincipalKind,
    Request,
    ResourcePolicies,
    decide,
    explain,
    parse_policy,
)
from tests.identity.policy_interpreter import Asked, Texts, interpret
from tests.identity.policy_strategies import (
    ALICE,
    HOME,
    SESSION,
    as_document,
    condition_blocks,
    documents,
    requests,
    statements,
)

KINDS = {
    "identity": PolicyKind.IDENTITY,
    "boundary": PolicyKind.BOUNDARY,
    "session": PolicyKind.SESSION,
    "resource": PolicyKind.RESOURCE,
    "endpoint": PolicyKind.ENDPOINT,
}
NO_MORE_THAN = {
    Outcome.ALLOW: {Outcome.ALLOW, Outcome.IMPLICIT_DENY, Outcome.EXPLICIT_DENY},
    Outcome.IMPLICIT_DENY: {Outcome.IMPLICIT_DENY, Outcome.EXPLICIT_DENY},
    Outcome.EXPLICIT_DENY: {Outcome.EXPLICIT_DENY},
}


@dataclass(frozen=True)
class World:
    """All policies around a request, as lists of texts; None is `there is none`."""

    identity: list[str] = field(default_factory=list)
    boundary: list[str] | None = None
    session: list[str] | None = None
    scps: list[list[str]] = field(default_factory=list)
    resource: list[str] | None = None
    rcps: list[list[str]] = field(default_factory=list)
    endpoint: list[str] | None = None


def make_set(kind: PolicyKind, texts: list[str], cache: PolicyCache | None = None) -> PolicySet:
    named = tuple((f"policy-{index}", text) for index, text in enumerate(texts))
    return PolicySet(kind, named) if cache is None else cache.policy_set(kind, named)


def sides(world: World, cache: PolicyCache | None = None) -> tuple[CallerPolicies, ResourcePolicies]:
    def optional(name: str) -> PolicySet | None:
        texts = getattr(world, name)
        return None if texts is None else make_set(KINDS[name], texts, cache)

    caller = CallerPolicies(
        make_set(PolicyKind.IDENTITY, world.identity, cache),
        optional("boundary"),
        optional("session"),
        tuple(make_set(PolicyKind.SCP, level, cache) for level in world.scps),
    )
    rcps = tuple(make_set(PolicyKind.RCP, level, cache) for level in world.rcps)
    return caller, ResourcePolicies(optional("resource"), rcps, optional("endpoint"))


def run(request: Request, world: World, cache: PolicyCache | None = None) -> Decision:
    decision = decide(request, *sides(world, cache))
    assert not decision.failure
    return decision


def outcome(request: Request, world: World) -> Outcome:
    return run(request, world).outcome


def as_rcp(text: str) -> str:
    document = json.loads(text)
    for statement in document["Statement"]:
        for name in ("Resource", "NotResource"):
            if name in statement:
                listed = statement[name] if isinstance(statement[name], list) else [statement[name]]
                statement[name] = [arn for arn in listed if arn == "*" or arn.count(":") >= 5] or ["arn:aws:s3:::in/*"]
        statement["Principal"] = "*"
    return json.dumps(document)


def as_scp(text: str) -> str:
    document = json.loads(text)
    for statement in document["Statement"]:
        for name in ("Resource", "NotResource"):
            if statement.get(name) == "arn:aws:sqs" or "arn:aws:sqs" in statement.get(name, []):
                statement[name] = "arn:aws:sqs:*"
    return json.dumps(document)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    own, theirs = documents(), documents(principal=True)
    few, maybe = st.lists(own, max_size=2), st.none() | st.lists(own, min_size=1, max_size=1)
    return World(
        identity=draw(few),
        boundary=draw(maybe),
        session=draw(maybe),
        scps=draw(st.just([]) | st.lists(st.lists(own.map(as_scp), min_size=1, max_size=2), max_size=2)),
        resource=draw(st.none() | st.lists(theirs, min_size=1, max_size=1)),
        rcps=draw(st.just([]) | st.lists(st.lists(own.map(as_rcp), min_size=1, max_size=1), max_size=1)),
        endpoint=draw(st.none() | st.none() | st.lists(theirs, min_size=1, max_size=1)),
    )


simple_worlds = st.builds(
    World,
    identity=st.lists(documents(), min_size=1, max_size=2),
    resource=st.none() | st.lists(documents(principal=True), min_size=1, max_size=1),
)


def interpreted(request: Request, world: World) -> str:
    asked = Asked(request.principal, request.action, request.resource, request.resource_account, dict(request.keys))
    return interpret(asked, Texts(**vars(world)))


@given(requests(), worlds())
def test_compiled_policies_decide_as_interpreted_ones(request: Request, world: World) -> None:
    assert outcome(request, world) == interpreted(request, world)


@given(requests(), simple_worlds)
def test_compiled_identity_and_resource_policies_decide_as_interpreted_ones(request: Request, world: World) -> None:
    assert outcome(request, world) == interpreted(request, world)


@given(requests(), condition_blocks(), st.sampled_from(["2012-10-17", "2008-10-17"]))
def test_compiled_conditions_hold_as_interpreted_ones(request: Request, block: dict[str, Any], version: str) -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": block}
    world = World(identity=[as_document([statement], version)])
    asked = Request(ALICE, request.action, request.resource, HOME, request.keys)

    assert outcome(asked, world) == interpreted(asked, world)


@given(requests(), worlds())
def test_an_explanation_comes_to_the_decision_that_it_explains(request: Request, world: World) -> None:
    explanation = explain(request, *sides(world))

    decision = run(request, world)
    assert explanation.decision == decision
    denies = [result for result in explanation.kinds if result.outcome is Outcome.EXPLICIT_DENY]
    assert bool(denies) is (decision.outcome is Outcome.EXPLICIT_DENY)
    matched = [ref for result in explanation.kinds for ref in result.matched]
    assert all(ref in matched for ref in decision.matched)


@given(requests(), worlds())
def test_a_cached_set_decides_as_a_new_one(request: Request, world: World) -> None:
    cache = PolicyCache(sets_max=3)

    decisions = [run(request, world, cache) for _ in range(2)]

    assert decisions == [run(request, world)] * 2


@given(requests(), simple_worlds, statements(principal=False, effects=("Deny",)))
def test_another_deny_never_allows_more(request: Request, world: World, deny: dict[str, Any]) -> None:
    more = replace(world, identity=[*world.identity, as_document([deny])])

    assert outcome(request, more) in NO_MORE_THAN[outcome(request, world)]


@given(requests(), simple_worlds, statements(principal=False, effects=("Allow",)))
def test_another_allow_never_denies_more(request: Request, world: World, allow: dict[str, Any]) -> None:
    more = replace(world, identity=[*world.identity, as_document([allow])])

    assert outcome(request, world) in NO_MORE_THAN[outcome(request, more)]


@given(requests(), simple_worlds, statements(principal=True, effects=("Allow",)))
def test_another_allow_in_a_resource_policy_never_denies_more(
    request: Request, world: World, allow: dict[str, Any]
) -> None:
    more = replace(world, resource=[*(world.resource or []), as_document([allow])])

    assert outcome(request, world) in NO_MORE_THAN[outcome(request, more)]


@given(requests(), worlds(), documents(), st.sampled_from(["boundary", "session"]))
def test_a_ceiling_only_shrinks(request: Request, world: World, ceiling: str, kind: str) -> None:
    # A federated session has permissions only through its session policy: for it that one is no ceiling but the grant.
    assume(kind == "boundary" or request.principal.kind is not PrincipalKind.FEDERATED)

    if kind == "boundary":
        without, within = replace(world, boundary=None), replace(world, boundary=[ceiling])
    else:
        without, within = replace(world, session=None), replace(world, session=[ceiling])

    assert outcome(request, within) in NO_MORE_THAN[outcome(request, without)]


@given(requests(), worlds(), documents())
def test_another_level_of_organisation_policies_only_shrinks(request: Request, world: World, level: str) -> None:
    before = NO_MORE_THAN[outcome(request, world)]

    assert outcome(request, replace(world, scps=[*world.scps, [as_scp(level)]])) in before
    assert outcome(request, replace(world, rcps=[*world.rcps, [as_rcp(level)]])) in before


def shuffle_members(node: Any, random: Any) -> Any:
    if isinstance(node, dict):
        names = list(node)
        random.shuffle(names)
        return {name: shuffle_members(node[name], random) for name in names}
    if isinstance(node, list):
        members = [shuffle_members(member, random) for member in node]
        random.shuffle(members)
        return members
    return node


@given(requests(), worlds(), st.randoms(use_true_random=False))
def test_order_does_not_matter(request: Request, world: World, random: Any) -> None:
    def shuffled(texts: list[str] | None) -> list[str] | None:
        if texts is None:
            return None
        changed = [json.dumps(shuffle_members(json.loads(text), random)) for text in texts]
        random.shuffle(changed)
        return changed

    other = World(
        identity=shuffled(world.identity) or [],
        boundary=shuffled(world.boundary),
        session=shuffled(world.session),
        scps=[shuffled(level) or [] for level in world.scps],
        resource=shuffled(world.resource),
        rcps=[shuffled(level) or [] for level in world.rcps],
        endpoint=shuffled(world.endpoint),
    )

    assert outcome(request, other) == outcome(request, world)


@given(requests(), worlds())
def test_splitting_a_policy_in_two_does_not_matter(request: Request, world: World) -> None:
    def split(texts: list[str]) -> list[str]:
        parts = []
        for document in map(json.loads, texts):
            parts += [as_document([statement], document["Version"]) for statement in document["Statement"]]
        return parts

    assert outcome(request, replace(world, identity=split(world.identity))) == outcome(request, world)


@given(requests(), documents(principal=True))
def test_renaming_a_user_leaves_rights_by_id_unchanged(request: Request, bucket_policy: str) -> None:
    text = bucket_policy.replace(ALICE.arn, ALICE.id)
    renamed = type(ALICE)(kind=ALICE.kind, account=HOME, arn=f"arn:aws:iam::{HOME}:user/anna", id=ALICE.id, name="anna")
    before = Request(ALICE, request.action, request.resource, HOME, request.keys)
    after = Request(renamed, request.action, request.resource, HOME, request.keys)

    assert outcome(after, World(resource=[text])) == outcome(before, World(resource=[text]))


HOSTILE = st.text(st.sampled_from("*?${}:/ab\n\0'") | st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["*", "?", "${aws:userid}", "a/../*", "${*}", "*/*", "arn:aws:s3:::in", "\n", "\0", "x:*"]
)


@given(HOSTILE, HOSTILE)
def test_a_value_never_acts_as_a_pattern_in_a_resource(value: str, key: str) -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::home/${aws:username}/*"}
    world = World(identity=[as_document([statement])])
    resource = f"arn:aws:s3:::home/{key}"
    request = Request(ALICE, "s3:GetObject", resource, HOME, {"aws:username": value})

    assert run(request, world).allowed is resource.startswith(f"arn:aws:s3:::home/{value}/")


@given(HOSTILE, HOSTILE, st.sampled_from(["StringEquals", "StringLike"]))
def test_a_value_never_acts_as_a_pattern_in_a_condition(value: str, prefix: str, operator: str) -> None:
    condition = {operator: {"s3:prefix": "home/${aws:username}"}}
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
    world = World(identity=[as_document([statement])])
    request = Request(ALICE, "s3:ListBucket", "*", HOME, {"aws:username": value, "s3:prefix": f"home/{prefix}"})

    assert run(request, world).allowed is (prefix == value)


@given(HOSTILE, HOSTILE)
def test_a_value_never_moves_a_wildcard_of_an_arn_condition(value: str, other: str) -> None:
    condition = {"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:${aws:username}:in"}}
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
    world = World(identity=[as_document([statement])])
    source = f"arn:aws:s3:{other}:in"
    request = Request(ALICE, "s3:ListBucket", "*", HOME, {"aws:username": value, "aws:SourceArn": source})

    parts = source.split(":", 5)
    expected = len(parts) == 6 and parts[4:] == [value, "in"]
    assert run(request, world).allowed is expected


@given(st.text(st.sampled_from("ab/.-_"), max_size=8), requests())
def test_a_variable_does_what_its_value_would_do_as_text(value: str, request: Request) -> None:
    def world(text: str) -> World:
        condition = {
            "StringLike": {"s3:prefix": f"{text}*"},
            "ArnNotLike": {"aws:PrincipalArn": f"arn:aws:s3:::{text}"},
        }
        allow = {"Effect": "Allow", "Action": "*", "Resource": f"arn:aws:s3:::in/{text}*", "Condition": condition}
        return World(identity=[as_document([allow])])

    keys = {**request.keys, "aws:userid": value}
    asked = Request(ALICE, request.action, request.resource, HOME, keys)

    assert outcome(asked, world("${aws:userid}")) == outcome(asked, world(value))


@given(requests(), worlds())
def test_a_key_given_in_two_spellings_refuses_everything_that_looks_at_keys(request: Request, world: World) -> None:
    keys = {**request.keys, "AWS:UserName": "alice", "aws:username": "mallory"}

    decision = decide(Request(request.principal, request.action, request.resource, HOME, keys), *sides(world))

    plain = decide(Request(request.principal, request.action, request.resource, HOME, {}), *sides(world))
    assert decision.failure or decision.outcome == plain.outcome
    if decision.failure:
        assert decision.outcome is Outcome.IMPLICIT_DENY


class Breaking(dict[str, str | tuple[str, ...]]):
    """Condition keys that fail when they are read."""

    def items(self) -> Any:
        raise RuntimeError("a key could not be computed")


@pytest.mark.parametrize("resource", ["", "in/a", "arn:aws:s3", "arn:aws:s3:::in/a"])
def test_every_exception_is_a_refusal(resource: str) -> None:
    condition = {"Bool": {"aws:SecureTransport": "true"}}
    allow = {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b", "Condition": condition}
    caller, target = sides(World(identity=[as_document([allow])]))

    decision = decide(Request(ALICE, "s3:GetObject", resource, HOME, Breaking()), caller, target)

    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert decision.failure


@given(documents(), documents(principal=True))
def test_generated_policies_are_ones_that_a_caller_may_write(identity: str, bucket: str) -> None:
    parse_policy(identity, DocumentKind.ROLE_INLINE)
    parse_policy(bucket, DocumentKind.BUCKET)


def test_a_session_is_spared_only_with_its_role_and_account() -> None:
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    full = [SESSION.arn, SESSION.role_id, HOME]
    request = Request(SESSION, "s3:GetObject", "arn:aws:s3:::in/a", HOME)
    allow = as_document([{"Effect": "Allow", "Action": "*", "Resource": "*"}])

    for names, expected in ((full, True), (full[:2], False), (full[1:], False), ([full[0], full[2]], False)):
        bucket = as_document([{**deny, "NotPrincipal": {"AWS": names}}])
        assert run(request, World(identity=[allow], resource=[bucket])).allowed is expected
        assert not run(request, World(identity=[allow], boundary=[allow], resource=[bucket])).allowed
