"""Hypothesis strategies for policies and requests in a small world, where things meet often."""

import json
from typing import Any

from hypothesis import strategies as st

from cumulo.identity.policy import ANONYMOUS, Principal, PrincipalKind, Request

HOME, OTHER = "111111111111", "222222222222"

ALICE = Principal(
    kind=PrincipalKind.USER, account=HOME, arn=f"arn:aws:iam::{HOME}:user/alice", id="AIDAALICE000000000", name="alice"
)
ROOT = Principal(kind=PrincipalKind.ROOT, account=HOME, arn=f"arn:aws:iam::{HOME}:root", id=HOME, canonical_id="c" * 64)
SESSION = Principal(
    kind=PrincipalKind.ROLE_SESSION,
    account=HOME,
    arn=f"arn:aws:sts::{HOME}:assumed-role/worker/run-1",
    id="AROAWORKER0000000:run-1",
    role_arn=f"arn:aws:iam::{HOME}:role/batch/worker",
    role_id="AROAWORKER0000000",
)
FEDERATED = Principal(
    kind=PrincipalKind.FEDERATED,
    account=HOME,
    arn=f"arn:aws:sts::{HOME}:federated-user/carol",
    id=f"{HOME}:carol",
    user_arn=ALICE.arn,
    user_id=ALICE.id,
)
SERVICE = Principal(kind=PrincipalKind.SERVICE, name="s3.amazonaws.com")
WEB_IDENTITY = Principal(kind=PrincipalKind.WEB_IDENTITY, account=HOME, name="accounts.example.com")
PRINCIPALS = (ALICE, ROOT, SESSION, FEDERATED, SERVICE, WEB_IDENTITY, ANONYMOUS)

ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:ListAllMyBuckets", "sqs:SendMessage")
ACTION_PATTERNS = ("*", "s3:*", "s3:Get*", "S3:getobject", "s3:?utObject", "sqs:Send*", "s3:GetObject ", "*:*Object")
RESOURCES = (
    "*",
    "arn:aws:s3:::in",
    "arn:aws:s3:::in/a",
    "arn:aws:s3:::in/a/b:c",
    "arn:aws:s3:::in/*",
    "arn:aws:s3:::in/alice/x",
    "arn:aws:s3:::inner/a",
    f"arn:aws:sqs:us-east-1:{HOME}:jobs",
    f"arn:aws:sqs:us-east-1:{HOME}:jobs:a",
)
RESOURCE_PATTERNS = (
    "*",
    "arn:aws:s3:::in",
    "arn:aws:s3:::in*",
    "arn:aws:s3:::in/*",
    "arn:aws:s3:::*/a",
    "arn:aws:s3:::i?/a*c",
    "arn:aws:s3:::in/${aws:username}/*",
    "arn:aws:s3:::in/${*}",
    "arn:aws:s3:::${aws:PrincipalTag/team, 'in'}/a",
    f"arn:aws:sqs:*:{HOME}:jobs",
    "arn:*:sqs:us-*-1:*:j?bs*",
    f"arn:aws:sqs:*:{HOME}:${{s3:prefix}}*",
    "arn:aws:s3:*",
    "arn:aws:sqs",
    "arn:aws:s3:::IN/a",
)
AWS_PRINCIPALS = (
    "*",
    HOME,
    OTHER,
    ROOT.arn,
    ALICE.id,
    ALICE.arn,
    SESSION.role_id,
    SESSION.role_arn,
    SESSION.arn,
    FEDERATED.arn,
)
TEXTS = ("alice", "Alice", "in", "a*", "*", "a", "", "${aws:username}", "jobs", "10", "true", "x:y", "a?c")
ARNS = (
    ALICE.arn,
    "arn:aws:iam::111111111111:user/*",
    "arn:aws:s3:::in",
    "arn:aws:*:*:*:in",
    "${aws:PrincipalArn}",
    "*",
)
NUMBERS = ("10", "10.0", "9.5", "-3", "1e3", "ten", "")
DATES = (
    "2024-05-01",
    "2024-05-01T00:00:00Z",
    "2024-05-01T02:00:00+02:00",
    "1714521600",
    "2024-13-01",
    "now",
    "2024-05",
)
ADDRESSES = ("10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "::ffff:10.0.0.1", "10.0.0.300", "x")
BYTES = ("aGk=", "aGk", "aGl=", "!")
BOOLS = ("true", "false", "TRUE", "yes", "${s3:prefix}")
KEYS = {
    "aws:username": TEXTS,
    "s3:prefix": TEXTS,
    "aws:PrincipalTag/Team": TEXTS,
    "aws:PrincipalArn": ARNS[:3],
    "s3:max-keys": NUMBERS,
    "aws:CurrentTime": DATES,
    "aws:SourceIp": ADDRESSES,
    "aws:SecureTransport": BOOLS[:4],
    "x:Digest": BYTES,
    "aws:TagKeys": TEXTS,
}
OPERATOR_VALUES = {
    "StringEquals": TEXTS,
    "StringNotEquals": TEXTS,
    "StringEqualsIgnoreCase": TEXTS,
    "StringNotEqualsIgnoreCase": TEXTS,
    "StringLike": TEXTS,
    "StringNotLike": TEXTS,
    "ArnEquals": ARNS,
    "ArnLike": ARNS,
    "ArnNotEquals": ARNS,
    "ArnNotLike": ARNS,
    "NumericEquals": NUMBERS,
    "NumericNotEquals": NUMBERS,
    "NumericLessThan": NUMBERS,
    "NumericLessThanEquals": NUMBERS,
    "NumericGreaterThan": NUMBERS,
    "NumericGreaterThanEquals": NUMBERS,
    "DateEquals": DATES,
    "DateNotEquals": DATES,
    "DateLessThan": DATES,
    "DateLessThanEquals": DATES,
    "DateGreaterThan": DATES,
    "DateGreaterThanEquals": DATES,
    "Bool": BOOLS,
    "BinaryEquals": BYTES,
    "IpAddress": ADDRESSES,
    "NotIpAddress": ADDRESSES,
}


def one_or_list(values: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """A single value, or a list of up to three."""
    return st.sampled_from(values) | st.lists(st.sampled_from(values), min_size=1, max_size=3)


@st.composite
def condition_blocks(draw: st.DrawFn) -> dict[str, Any]:
    block: dict[str, Any] = {}
    for _ in range(draw(st.integers(0, 2))):
        if draw(st.integers(0, 9)) == 0:
            block["Null"] = {draw(st.sampled_from(tuple(KEYS))): draw(st.sampled_from(("true", "false", True)))}
            continue
        operator = draw(st.sampled_from(tuple(OPERATOR_VALUES)))
        name = draw(st.sampled_from(("", "", "", "ForAllValues:", "ForAnyValue:"))) + operator
        name += draw(st.sampled_from(("", "", "IfExists")))
        fitting = [key for key, values in KEYS.items() if set(values) & set(OPERATOR_VALUES[operator])]
        key = draw(st.sampled_from(fitting))
        block.setdefault(name, {})[key] = draw(one_or_list(OPERATOR_VALUES[operator]))
    return block


@st.composite
def statements(draw: st.DrawFn, *, principal: bool, effects: tuple[str, ...] = ("Allow", "Deny")) -> dict[str, Any]:
    """One statement that `parse_policy` accepts in a policy with or without principals."""
    effect = draw(st.sampled_from(effects))
    patterns = tuple(p for p in RESOURCE_PATTERNS if not principal or p != "arn:aws:sqs")
    statement: dict[str, Any] = {
        "Effect": effect,
        draw(st.sampled_from(("Action", "Action", "Action", "NotAction"))): draw(one_or_list(ACTION_PATTERNS)),
        draw(st.sampled_from(("Resource", "Resource", "Resource", "NotResource"))): draw(one_or_list(patterns)),
    }
    block = draw(condition_blocks())
    if block:
        statement["Condition"] = block
    if principal:
        element = draw(
            st.just("*")
            | st.builds(lambda names: {"AWS": names}, one_or_list(AWS_PRINCIPALS))
            | st.sampled_from(
                (
                    {"Service": "s3.amazonaws.com"},
                    {"Federated": "accounts.example.com"},
                    {"CanonicalUser": "c" * 64},
                    {"AWS": [SESSION.arn, SESSION.role_id, HOME]},
                )
            )
        )
        names = ("Principal",) if effect == "Allow" else ("Principal", "Principal", "NotPrincipal")
        statement[draw(st.sampled_from(names))] = element
    return statement


def as_document(parts: list[dict[str, Any]], version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": parts})


@st.composite
def documents(draw: st.DrawFn, *, principal: bool = False, effects: tuple[str, ...] = ("Allow", "Deny")) -> str:
    parts = draw(st.lists(statements(principal=principal, effects=effects), min_size=1, max_size=3))
    version = draw(st.sampled_from(("2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17")))
    return as_document(parts, version)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    keys: dict[str, str | tuple[str, ...]] = {}
    for key, values in KEYS.items():
        if draw(st.booleans()):
            value = st.sampled_from(values)
            keys[key] = tuple(draw(st.lists(value, max_size=2))) if key == "aws:TagKeys" else draw(value)
    return Request(
        draw(st.sampled_from(PRINCIPALS)),
        draw(st.sampled_from(ACTIONS)),
        draw(st.sampled_from(RESOURCES)),
        draw(st.sampled_from((HOME, HOME, OTHER))),
        keys,
    )
