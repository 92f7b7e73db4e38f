"""Section 7 of the policy language, operator by operator."""

import json
from collections.abc import Mapping

import pytest

from cumulo.identity.policy import (
    CallerPolicies,
    KeyValue,
    Outcome,
    PolicyKind,
    PolicySet,
    Principal,
    PrincipalKind,
    Request,
    decide,
)
from cumulo.identity.policy.conditions import OPERATOR_NAMES, OPERATORS

ALICE = Principal(
    kind=PrincipalKind.USER, account="1" * 12, arn=f"arn:aws:iam::{'1' * 12}:user/alice", id="AIDA0", name="alice"
)
ANY = {"Effect": "Allow", "Action": "*", "Resource": "*"}

TABLE = [
    # operator, listed values, value in the request, whether it holds
    ("StringEquals", "a", "a", True),
    ("StringEquals", "a", "A", False),
    ("StringEquals", ["b", "a"], "a", True),
    ("StringEquals", "a*", "ab", False),
    ("StringEquals", "${*}", "*", True),
    ("StringEquals", 10, "10", True),
    ("StringEquals", 1.50, "1.5", True),
    ("StringEquals", True, "true", True),
    ("StringNotEquals", "a", "a", False),
    ("StringNotEquals", ["b", "a"], "a", False),
    ("StringNotEquals", ["b", "c"], "a", True),
    ("StringEqualsIgnoreCase", "Straße", "STRASSE", True),
    ("StringEqualsIgnoreCase", "a", "b", False),
    ("StringNotEqualsIgnoreCase", "a", "A", False),
    ("StringNotEqualsIgnoreCase", "a", "b", True),
    ("StringLike", "a*", "a/b:c\n", True),
    ("StringLike", "a*", "A", False),
    ("StringLike", "a?c", "abc", True),
    ("StringLike", "a?c", "ac", False),
    ("StringLike", "a${*}c", "abc", False),
    ("StringLike", "a${*}c", "a*c", True),
    ("StringLike", "a${?}${$}", "a?$", True),
    ("StringNotLike", "a*", "ab", False),
    ("StringNotLike", "a*", "b", True),
    ("ArnLike", "arn:aws:s3:*:*:in/*", "arn:aws:s3:::in/a", True),
    ("ArnLike", "arn:aws:s3:*:in/*", "arn:aws:s3:::in/a", False),
    ("ArnLike", "arn:*:in", "arn:aws:s3:::in", False),
    ("ArnLike", "arn:aws:iam::1:user/?lice", "arn:aws:iam::1:user/alice", True),
    ("ArnLike", "*", "arn:aws:s3:::in", True),
    ("ArnLike", "*", "in", False),
    ("ArnLike", "a:b:c:d:e:f*", "a:b:c:d:e:f", False),
    ("ArnEquals", "arn:aws:s3:::in*", "arn:aws:s3:::inner", True),
    ("ArnEquals", "arn:aws:s3:::in", "arn:aws:s3:::IN", False),
    ("ArnNotEquals", "arn:aws:s3:::in*", "arn:aws:s3:::inner", False),
    ("ArnNotLike", "arn:aws:s3:::in", "arn:aws:s3:::other", True),
    ("ArnNotLike", "arn:aws:s3:::in", "no ARN", True),
    ("NumericEquals", "10", "10.0", True),
    ("NumericEquals", "10", "ten", False),
    ("NumericEquals", "ten", "ten", False),
    ("NumericEquals", "1000", "1e3", False),
    ("NumericNotEquals", "10", "11", True),
    ("NumericNotEquals", "10", "10.00", False),
    ("NumericNotEquals", "10", "ten", True),
    ("NumericLessThan", 10, "9.99", True),
    ("NumericLessThan", 10, "10", False),
    ("NumericLessThanEquals", 10, "10", True),
    ("NumericLessThanEquals", 10, "10.01", False),
    ("NumericGreaterThan", "9007199254740992", "9007199254740993", True),
    ("NumericGreaterThan", "-1", "-1", False),
    ("NumericGreaterThanEquals", "-1", "-1.0", True),
    ("NumericGreaterThanEquals", "-1", "-2", False),
    ("DateEquals", "2024-05-01T00:00:00Z", "2024-05-01T02:00:00+02:00", True),
    ("DateEquals", "2024-05-01", "1714521600", True),
    ("DateEquals", "2024-05", "2024-05-01T00:00Z", True),
    ("DateEquals", "2024-05-01", "2024-13-01", False),
    ("DateEquals", "yesterday", "yesterday", False),
    ("DateNotEquals", "2024-05-01", "2024-05-02", True),
    ("DateNotEquals", "2024-05-01", "2024-05-01T00:00:00.000Z", False),
    ("DateLessThan", "2024-05-01T00:00:00Z", "2024-04-30T23:59:59.9Z", True),
    ("DateLessThan", "2024-05-01T00:00:00Z", "2024-05-01T00:00:00Z", False),
    ("DateLessThanEquals", "2024-05-01T00:00:00Z", "2024-05-01T00:00:00Z", True),
    ("DateLessThanEquals", "0001-01-01T00:00:00+14:00", "1970-01-01", False),
    ("DateGreaterThan", "2024-05-01", "2024-05-01T00:00:00.000001Z", True),
    ("DateGreaterThan", "2024-05-01", "2024-05-01", False),
    ("DateGreaterThanEquals", "2024-05-01", "1714521600.5", True),
    ("DateGreaterThanEquals", "2024-05-01", "never", False),
    ("Bool", "true", "TRUE", True),
    ("Bool", False, "false", True),
    ("Bool", "true", "false", False),
    ("Bool", "yes", "yes", False),
    ("Bool", "${aws:username, 'true'}", "true", False),
    ("Bool", "${aws:none, 'True'}", "true", True),
    ("BinaryEquals", "aGk=", "aGk=", True),
    ("BinaryEquals", "aGk=", "aGo=", False),
    ("BinaryEquals", "aGk", "aGk", False),
    ("IpAddress", "10.0.0.0/8", "10.255.0.1", True),
    ("IpAddress", "10.0.0.0/8", "11.0.0.1", False),
    ("IpAddress", "10.0.0.1", "10.0.0.1", True),
    ("IpAddress", "10.0.0.1", "10.0.0.2", False),
    ("IpAddress", "10.0.0.0/8", "::ffff:10.0.0.1", True),
    ("IpAddress", "::ffff:10.0.0.0/104", "10.0.0.1", True),
    ("IpAddress", "2001:db8::/32", "2001:db8:1::1", True),
    ("IpAddress", "2001:db8::1", "2001:db8::2", False),
    ("IpAddress", "0.0.0.0/0", "::1", False),
    ("IpAddress", "0.0.0.0/0", "010.0.0.1", False),
    ("IpAddress", "10.0.0.0/33", "10.0.0.1", False),
    ("NotIpAddress", "10.0.0.0/8", "10.0.0.1", False),
    ("NotIpAddress", "10.0.0.0/8", "11.0.0.1", True),
    ("NotIpAddress", "10.0.0.0/8", "no address", True),
    ("Null", "true", "a", False),
    ("Null", "false", "a", True),
    ("Null", False, "", True),
    ("Null", ["true", "false"], "a", True),
    ("ForAnyValue:StringLike", "a*", "ab", True),
    ("ForAllValues:StringEquals", "a", "b", False),
]


def holds(
    operator: str,
    values: object,
    keys: Mapping[str, KeyValue],
    *,
    key: str = "x:key",
    version: str = "2012-10-17",
    effect: str = "Allow",
) -> bool:
    """Say whether a condition holds: an Allow under it grants, a Deny under it denies."""
    statement = {**ANY, "Effect": effect, "Condition": {operator: {key: values}}}
    statements = [statement] if effect == "Allow" else [ANY, statement]
    text = json.dumps({"Version": version, "Statement": statements})
    caller = CallerPolicies(PolicySet(PolicyKind.IDENTITY, (("own", text),)))
    decision = decide(Request(ALICE, "s3:GetObject", "arn:aws:s3:::in/a", ALICE.account, keys), caller)
    assert not decision.failure
    return decision.outcome is (Outcome.ALLOW if effect == "Allow" else Outcome.EXPLICIT_DENY)


@pytest.mark.parametrize(("operator", "values", "actual", "expected"), TABLE)
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_an_operator_compares_a_value(operator: str, values: object, actual: str, expected: bool, effect: str) -> None:
    keys: dict[str, KeyValue] = {"x:key": actual, "aws:username": "alice"}

    assert holds(operator, values, keys, effect=effect) is expected
    if operator != "Null" and ":" not in operator:
        assert holds(f"{operator}IfExists", values, keys, effect=effect) is expected


def test_the_table_speaks_of_every_operator() -> None:
    assert set(OPERATOR_NAMES) <= {operator for operator, *_ in TABLE}


@pytest.mark.parametrize("operator", [row.name for row in OPERATORS])
def test_a_missing_key_makes_a_positive_operator_false_and_a_negated_one_true(operator: str) -> None:
    assert holds(operator, "a", {}) is ("Not" in operator)
    assert holds(operator, "a", {"x:key": ()}) is ("Not" in operator)
    assert holds(f"{operator}IfExists", "a", {}) is True


@pytest.mark.parametrize("operator", [row.name for row in OPERATORS])
def test_without_values_for_all_is_true_and_for_any_is_false(operator: str) -> None:
    nothing: tuple[dict[str, KeyValue], ...] = ({}, {"x:key": ()})
    for keys in nothing:
        assert holds(f"ForAllValues:{operator}", "a", keys) is True
        assert holds(f"ForAnyValue:{operator}", "a", keys) is False
        assert holds(f"ForAllValues:{operator}IfExists", "a", keys) is True
        assert holds(f"ForAnyValue:{operator}IfExists", "a", keys) is True


@pytest.mark.parametrize("operator", [row.name for row in OPERATORS])
@pytest.mark.parametrize("suffix", ["", "IfExists"])
def test_a_plain_operator_on_a_multi_valued_key_is_false(operator: str, suffix: str) -> None:
    assert holds(operator + suffix, "a", {"x:key": ("b", "c")}) is False
    assert holds(operator + suffix, "a", {"x:key": ("a",)}) is False


@pytest.mark.parametrize(
    ("operator", "actual", "expected"),
    [
        ("ForAllValues:StringEquals", ("a", "b"), True),
        ("ForAllValues:StringEquals", ("a", "z"), False),
        ("ForAnyValue:StringEquals", ("a", "z"), True),
        ("ForAnyValue:StringEquals", ("y", "z"), False),
        ("ForAllValues:StringNotEquals", ("y", "z"), True),
        ("ForAllValues:StringNotEquals", ("a", "z"), False),
        ("ForAnyValue:StringNotEquals", ("a", "z"), True),
        ("ForAnyValue:StringNotEquals", ("a", "b"), False),
        ("ForAllValues:StringLikeIfExists", ("a", "z"), False),
        ("forallvalues:stringequals", ("b", "a"), True),
    ],
)
def test_a_set_operator_tests_each_value_against_the_list(
    operator: str, actual: tuple[str, ...], expected: bool
) -> None:
    assert holds(operator, ["a", "b"], {"x:key": actual}) is expected


@pytest.mark.parametrize(("values", "keys", "expected"), [("true", {}, True), ("false", {}, False)])
def test_null_tells_whether_a_key_is_there(values: str, keys: dict[str, KeyValue], expected: bool) -> None:
    assert holds("Null", values, keys) is expected
    assert holds("Null", values, {"x:key": ()}) is expected
    assert holds("Null", values, {"x:key": ("a",)}) is not expected


def test_key_names_are_compared_without_regard_to_case() -> None:
    assert holds("StringEquals", "red", {"aws:principaltag/TEAM": "red"}, key="AWS:PrincipalTag/team")
    assert not holds("StringEquals", "red", {"aws:PrincipalTag/\u212a": "red"}, key="aws:PrincipalTag/k")


def test_operators_and_keys_are_joined_by_and() -> None:
    condition = {"StringEquals": {"x:a": "1", "x:b": "2"}, "NumericLessThan": {"x:c": "3"}}
    text = json.dumps({"Version": "2012-10-17", "Statement": {**ANY, "Condition": condition}})
    caller = CallerPolicies(PolicySet(PolicyKind.IDENTITY, (("own", text),)))

    def allowed(**keys: str) -> bool:
        named = {f"x:{name}": value for name, value in keys.items()}
        return decide(Request(ALICE, "s3:GetObject", "arn:aws:s3:::in/a", ALICE.account, named), caller).allowed

    assert allowed(a="1", b="2", c="2")
    assert not allowed(a="1", b="2", c="3")
    assert not allowed(a="1", b="3", c="2")
    assert not allowed(a="1", c="2")


def test_a_variable_needs_version_2012() -> None:
    keys: dict[str, KeyValue] = {"x:key": "alice", "aws:username": "alice"}

    assert holds("StringEquals", "${aws:username}", keys)
    assert holds("StringEquals", "${ AWS:UserName , 'nobody'}", keys)
    assert not holds("StringEquals", "${aws:username}", keys, version="2008-10-17")
    assert holds("StringEquals", "${aws:username}", {"x:key": "${aws:username}"}, version="2008-10-17")
    assert holds("StringLike", "${*}", {"x:key": "${any}"}, version="2008-10-17")


def test_a_variable_without_value_and_default_matches_nothing() -> None:
    assert not holds("StringLike", "a${aws:username}*", {"x:key": "a"})
    assert holds("StringLike", "a${aws:username, ''}*", {"x:key": "a"})
    assert holds("StringNotLike", "a${aws:username}*", {"x:key": "a"})
    assert holds("StringEquals", ["${aws:username}", "a"], {"x:key": "a"})
    assert not holds("StringEquals", "${aws:TagKeys}", {"x:key": "a", "aws:TagKeys": ("a",)})
    assert not holds("ArnEquals", "${aws:PrincipalArn}", {"x:key": ALICE.arn})


def test_numbers_dates_and_addresses_know_no_variables() -> None:
    keys: dict[str, KeyValue] = {"x:key": "5", "x:limit": "5"}

    assert not holds("NumericEquals", "${x:limit}", keys)
    assert not holds("IpAddress", "${x:limit}", {"x:key": "10.0.0.1", "x:limit": "10.0.0.1"})


@pytest.mark.parametrize("hostile", ["*", "a*", "?", "${aws:userid}", "a/../*", "${*}", "x:y", "\n", "\0", ""])
@pytest.mark.parametrize("operator", ["StringEquals", "StringLike", "ArnLike", "StringEqualsIgnoreCase"])
def test_a_hostile_value_is_only_itself(hostile: str, operator: str) -> None:
    start = "arn:aws:s3:::" if operator == "ArnLike" else ""
    pattern = f"{start}home/${{aws:username}}"

    assert holds(operator, pattern, {"aws:username": hostile, "x:key": f"{start}home/{hostile}", "aws:userid": "a"})
    assert not holds(operator, pattern, {"aws:username": hostile, "x:key": f"{start}home/a/b", "aws:userid": "a/b"})


def test_a_variable_may_bring_in_a_whole_arn() -> None:
    keys: dict[str, KeyValue] = {"x:key": ALICE.arn, "aws:PrincipalArn": ALICE.arn}

    assert holds("ArnEquals", "${aws:PrincipalArn}", keys)
    assert not holds("ArnEquals", "${aws:PrincipalArn}*", keys)


def test_an_unknown_operator_of_a_stored_policy_refuses_in_allow_and_in_deny() -> None:
    assert holds("StringSoundsLike", "a", {"x:key": "a"}, effect="Allow") is False
    assert holds("StringSoundsLike", "a", {"x:key": "a"}, effect="Deny") is True
    assert holds("NullIfExists", "true", {}, effect="Allow") is False
