"""Section 6: whom a policy means, and how names and unique ids are exchanged."""

import json
import time
from typing import Any

import pytest

from cumulo.identity.policy import (
    ANONYMOUS,
    NO_POLICIES,
    DocumentKind,
    MalformedPolicy,
    PolicyCache,
    Principal,
    Request,
    decide,
    parse_policy,
    principal_keys,
    show_principals,
    store_principals,
)
from cumulo.identity.policy.principals import Level, PrincipalMatcher, read_principal
from cumulo.identity.policy.strict_json import parse_json
from tests.identity.policy_strategies import ALICE, FEDERATED, HOME, OTHER, ROOT, SERVICE, SESSION, WEB_IDENTITY

PROVIDER = f"arn:aws:iam::{HOME}:oidc-provider/accounts.example.com"


def level(element: object, principal: Principal, *, negated: bool = False, has_boundary: bool = False) -> Level:
    parsed = read_principal(parse_json(json.dumps(element)), "$", stored=True)
    return PrincipalMatcher(parsed, negated=negated).level(principal, has_boundary)


def aws(*names: str) -> dict[str, list[str]]:
    return {"AWS": list(names)}


@pytest.mark.parametrize(
    ("element", "principal", "expected"),
    [
        ("*", ANONYMOUS, Level.DIRECT),
        ("*", ALICE, Level.DIRECT),
        (aws("*"), ANONYMOUS, Level.DIRECT),
        (aws(HOME), ANONYMOUS, Level.NONE),
        (aws(HOME), ALICE, Level.ACCOUNT),
        (aws(HOME), ROOT, Level.DIRECT),
        (aws(ROOT.arn), ALICE, Level.ACCOUNT),
        (aws(ROOT.arn), ROOT, Level.DIRECT),
        (aws(OTHER), ALICE, Level.NONE),
        ({"CanonicalUser": ROOT.canonical_id}, ROOT, Level.DIRECT),
        ({"CanonicalUser": ROOT.canonical_id}, ALICE, Level.NONE),
        (aws(ALICE.id), ALICE, Level.DIRECT),
        (aws(ALICE.arn), ALICE, Level.DIRECT),
        (aws(ALICE.arn.upper()), ALICE, Level.NONE),
        (ALICE.arn, ALICE, Level.DIRECT),
        (aws(SESSION.arn), SESSION, Level.DIRECT),
        (aws(SESSION.arn + "0"), SESSION, Level.NONE),
        (aws(SESSION.role_id), SESSION, Level.ROLE),
        (aws(SESSION.role_arn), SESSION, Level.ROLE),
        (aws(f"arn:aws:iam::{HOME}:role/worker"), SESSION, Level.ROLE),
        (aws(f"arn:aws:iam::{OTHER}:role/worker"), SESSION, Level.NONE),
        (aws(HOME), SESSION, Level.ACCOUNT),
        (aws(FEDERATED.arn), FEDERATED, Level.DIRECT),
        (aws(ALICE.id), FEDERATED, Level.ROLE),
        ({"Service": SERVICE.name}, SERVICE, Level.DIRECT),
        ({"Service": "sns.amazonaws.com"}, SERVICE, Level.NONE),
        ({"Service": SERVICE.name}, ALICE, Level.NONE),
        ({"Federated": WEB_IDENTITY.name}, WEB_IDENTITY, Level.DIRECT),
        ({"Federated": PROVIDER}, WEB_IDENTITY, Level.DIRECT),
        ({"Federated": "other.example.com"}, WEB_IDENTITY, Level.NONE),
    ],
)
def test_an_element_names_a_caller_at_a_level(element: object, principal: Principal, expected: Level) -> None:
    assert level(element, principal) is expected


@pytest.mark.parametrize(
    ("element", "principal", "hit"),
    [
        (aws(ALICE.id), ALICE, False),
        (aws(ALICE.id), ROOT, True),
        (aws(ALICE.id), ANONYMOUS, True),
        (aws(HOME), ALICE, True),
        (aws(HOME), ROOT, False),
        (aws(SESSION.arn), SESSION, True),
        (aws(SESSION.arn, SESSION.role_id), SESSION, True),
        (aws(SESSION.arn, HOME), SESSION, True),
        (aws(SESSION.arn, SESSION.role_id, HOME), SESSION, False),
        (aws(FEDERATED.arn, ALICE.id, ROOT.arn), FEDERATED, False),
        ({"Service": SERVICE.name}, SERVICE, False),
        ("*", ANONYMOUS, False),
        ("*", SESSION, False),
    ],
)
def test_not_principal_hits_all_but_those_listed_in_full(element: object, principal: Principal, hit: bool) -> None:
    assert (level(element, principal, negated=True) is not Level.NONE) is hit
    assert level(element, principal, negated=True, has_boundary=True) is Level.DIRECT


def bucket_policy(principal: object, **members: Any) -> str:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": principal, **members}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        aws("*"),
        aws(HOME, ROOT.arn, ALICE.arn, SESSION.role_arn, SESSION.arn, FEDERATED.arn, ALICE.id, SESSION.role_id),
        {"Service": ["s3.amazonaws.com", "sns.amazonaws.com"], "AWS": HOME},
        {"Federated": PROVIDER},
        {"Federated": f"arn:aws:iam::{HOME}:saml-provider/corp"},
        {"CanonicalUser": "0" * 64},
    ],
)
def test_a_well_formed_principal_may_be_written(principal: object) -> None:
    parse_policy(bucket_policy(principal), DocumentKind.BUCKET)


@pytest.mark.parametrize(
    ("principal", "path"),
    [
        (ALICE.arn, ""),
        ("", ""),
        ({}, ""),
        (aws(), ""),
        ({"aws": "*"}, ""),
        (["*"], ""),
        (aws(ALICE.arn, f"arn:aws:iam::{HOME}:user/*"), ".AWS[1]"),
        ({"AWS": f"arn:aws:iam::{HOME}:user/a?"}, ".AWS"),
        ({"AWS": f"arn:aws:iam::{HOME}:*"}, ".AWS"),
        ({"AWS": "arn:aws:iam::*:root"}, ".AWS"),
        ({"AWS": f"arn:aws:iam::{HOME}:group/staff"}, ".AWS"),
        ({"AWS": f"arn:aws:iam::{HOME}:user"}, ".AWS"),
        ({"AWS": f"arn:aws:iam:us-east-1:{HOME}:root"}, ".AWS"),
        ({"AWS": f"arn:aws:sts::{HOME}:assumed-role/worker"}, ".AWS"),
        ({"AWS": f"arn:aws:sts::{HOME}:assumed-role/worker/*"}, ".AWS"),
        ({"AWS": f"arn:aws:s3::{HOME}:root"}, ".AWS"),
        ({"AWS": "12345678901"}, ".AWS"),
        ({"AWS": "AKIAALICE000000000"}, ".AWS"),
        ({"AWS": 111111111111}, ".AWS"),
        ({"Service": "*"}, ".Service"),
        ({"Service": "s3"}, ".Service"),
        ({"Service": "*.amazonaws.com"}, ".Service"),
        ({"Federated": "*"}, ".Federated"),
        ({"CanonicalUser": "abc"}, ".CanonicalUser"),
    ],
)
def test_a_malformed_principal_is_refused_with_its_place(principal: object, path: str) -> None:
    with pytest.raises(MalformedPolicy) as refusal:
        parse_policy(bucket_policy(principal), DocumentKind.BUCKET)

    assert refusal.value.path == f"$.Statement[0].Principal{path}"


DIRECTORY = {ALICE.arn: ALICE.id, SESSION.role_arn: SESSION.role_id}
BY_ID = {unique_id: arn for arn, unique_id in DIRECTORY.items()}


def test_users_and_roles_are_stored_by_id_and_shown_by_name() -> None:
    names = [ALICE.arn, SESSION.role_arn, SESSION.arn, HOME, ROOT.arn, "*"]
    text = bucket_policy(aws(*names), Condition={"NumericLessThan": {"s3:max-keys": 10}})

    stored = store_principals(text, DIRECTORY.get, BY_ID.get)

    (statement,) = json.loads(stored)["Statement"]
    assert statement["Principal"] == aws(ALICE.id, SESSION.role_id, *names[2:])
    assert json.loads(show_principals(stored, BY_ID.get)) == json.loads(text)


def test_a_dangling_id_is_shown_as_an_id() -> None:
    stored = store_principals(bucket_policy({"AWS": ALICE.arn}), DIRECTORY.get, BY_ID.get)

    shown = show_principals(stored, dict[str, str]().get)

    assert json.loads(shown)["Statement"][0]["Principal"] == {"AWS": ALICE.id}


@pytest.mark.parametrize("principal", ["*", {"Service": "s3.amazonaws.com"}, {"AWS": HOME}])
def test_principals_without_a_name_are_stored_as_they_are(principal: object) -> None:
    text = bucket_policy(principal)

    assert json.loads(store_principals(text, DIRECTORY.get, BY_ID.get)) == json.loads(text)


@pytest.mark.parametrize("resource", ["user/" + "a/" * 9_000 + "*", "user/" + "/" * 9_000, "role/" + "a" * 9_000 + "!"])
def test_a_long_path_is_checked_in_bounded_time(resource: str) -> None:
    start = time.process_time()
    with pytest.raises(MalformedPolicy, match="Invalid principal"):
        parse_policy(bucket_policy({"AWS": f"arn:aws:iam::{HOME}:{resource}"}), DocumentKind.BUCKET)
    assert time.process_time() - start < 0.2


@pytest.mark.parametrize("name", [f"arn:aws:iam::{HOME}:user/bob", "AIDABOB00000000000"])
def test_a_principal_that_does_not_exist_cannot_be_stored(name: str) -> None:
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "NotPrincipal": aws(ALICE.arn, name)}
    text = json.dumps({"Version": "2012-10-17", "Statement": deny})

    with pytest.raises(MalformedPolicy, match="does not exist") as refusal:
        store_principals(text, DIRECTORY.get, BY_ID.get)

    assert refusal.value.path == "$.Statement.NotPrincipal.AWS[1]"


def test_a_user_made_anew_under_an_old_name_inherits_nothing() -> None:
    stored = store_principals(bucket_policy({"AWS": ALICE.arn}), DIRECTORY.get, BY_ID.get)
    policies = PolicyCache().resource_policies(stored)
    anew = Principal(kind=ALICE.kind, account=HOME, arn=ALICE.arn, id="AIDAANEW0000000000", name="alice")

    def allowed(principal: Principal) -> bool:
        return decide(Request(principal, "s3:GetObject", "arn:aws:s3:::in/a", HOME), NO_POLICIES, policies).allowed

    assert allowed(ALICE)
    assert not allowed(anew)


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        (
            ALICE,
            {
                "aws:principaltype": "User",
                "aws:principalarn": ALICE.arn,
                "aws:principalaccount": HOME,
                "aws:userid": ALICE.id,
                "aws:username": "alice",
                "aws:principalisawsservice": "false",
            },
        ),
        (
            SESSION,
            {
                "aws:principaltype": "AssumedRole",
                "aws:principalarn": SESSION.role_arn,
                "aws:principalaccount": HOME,
                "aws:userid": SESSION.id,
                "aws:principalisawsservice": "false",
            },
        ),
        (ANONYMOUS, {"aws:principaltype": "Anonymous", "aws:principalisawsservice": "false"}),
    ],
)
def test_the_caller_brings_its_condition_keys(principal: Principal, expected: dict[str, str]) -> None:
    assert principal_keys(principal) == expected


def test_a_service_is_known_as_one() -> None:
    keys = principal_keys(SERVICE)

    assert keys["aws:principalisawsservice"] == "true"
    assert keys["aws:principalservicename"] == "s3.amazonaws.com"
