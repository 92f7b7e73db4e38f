"""What may be written as a policy, and how precisely the rest is refused."""

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.identity.policy import (
    DocumentKind,
    Effect,
    MalformedPolicy,
    PolicyKind,
    PolicySet,
    counted_size,
    parse_policy,
    read_policy,
)
from cumulo.identity.policy.strict_json import parse_json, render_json

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::in/*"}
BUCKET_ALLOW = {**ALLOW, "Principal": "*"}
TRUST_ALLOW = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111111111111"}}


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)})


def without(statement: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if key != name}


def test_a_single_value_is_a_list_of_one() -> None:
    text = json.dumps({"Version": "2012-10-17", "Id": "own", "Statement": {**ALLOW, "Sid": "Read"}})

    document = parse_policy(text, DocumentKind.MANAGED)

    (statement,) = document.statements
    assert (document.version, document.id) == ("2012-10-17", "own")
    assert statement.actions == ("s3:GetObject",)
    assert statement.resources == ("arn:aws:s3:::in/*",)
    assert (statement.sid, statement.index, statement.effect) == ("Read", 0, Effect.ALLOW)


def test_a_policy_without_version_is_of_2008_and_has_no_variables() -> None:
    document = parse_policy(json.dumps({"Statement": ALLOW}), DocumentKind.MANAGED)

    assert document.version == "2008-10-17"
    assert not document.variables


def test_condition_values_keep_their_spelling() -> None:
    text = policy(ALLOW).replace(
        '"Effect"', '"Condition": {"NumericEquals": {"s3:max-keys": [1.50, 10, true, "x"]}}, "Effect"'
    )

    (statement,) = parse_policy(text, DocumentKind.MANAGED).statements

    assert statement.conditions[0].values == ("1.50", "10", "true", "x")


MALFORMED = [
    # kind, text, JSON path, part of the message
    (DocumentKind.MANAGED, "", "$", "Not JSON"),
    (DocumentKind.MANAGED, "{", "$", "Not JSON"),
    (DocumentKind.MANAGED, "[]", "$", "no JSON object"),
    (DocumentKind.MANAGED, "null", "$", "null is no JSON object"),
    (DocumentKind.MANAGED, policy(ALLOW, version="2012-10-18"), "$.Version", '"2012-10-18" is not one of 2012-10-17'),
    (DocumentKind.MANAGED, '{"Version": 2012}', "$.Version", "2012 is no JSON string"),
    (DocumentKind.MANAGED, '{"Version": "2012-10-17"}', "$", "Missing required field Statement"),
    (DocumentKind.MANAGED, policy(), "$.Statement", "0 statements; 1 to 500"),
    (DocumentKind.MANAGED, '{"Statement": [1]}', "$.Statement[0]", "1 is no JSON object"),
    (DocumentKind.MANAGED, '{"statement": []}', "$", 'Unknown element "statement"; allowed are Version, Id, Statement'),
    (DocumentKind.MANAGED, policy({**ALLOW, "Ressource": "*"}), "$.Statement[0]", 'Unknown element "Ressource"'),
    (DocumentKind.MANAGED, policy(without(ALLOW, "Effect")), "$.Statement[0]", "Effect is missing"),
    (DocumentKind.MANAGED, policy({**ALLOW, "Effect": "allow"}), "$.Statement[0].Effect", '"allow" is not one of'),
    (DocumentKind.MANAGED, policy({**ALLOW, "Effect": ["Allow"]}), "$.Statement[0].Effect", "no JSON string"),
    (DocumentKind.MANAGED, policy(without(ALLOW, "Action")), "$.Statement[0]", "Action or NotAction is due"),
    (DocumentKind.MANAGED, policy({**ALLOW, "NotAction": "s3:*"}), "$.Statement[0]", "Action and NotAction stand"),
    (DocumentKind.MANAGED, policy({**ALLOW, "Action": []}), "$.Statement[0].Action", "The list is empty"),
    (DocumentKind.MANAGED, policy({**ALLOW, "Action": ["s3:*", 1]}), "$.Statement[0].Action[1]", "no JSON string"),
    (DocumentKind.MANAGED, policy({**ALLOW, "Action": "GetObject"}), "$.Statement[0].Action", "service:Name"),
    (DocumentKind.MANAGED, policy({**ALLOW, "Action": "s3:G\u00e9t"}), "$.Statement[0].Action", "printable ASCII"),
    (DocumentKind.MANAGED, policy(without(ALLOW, "Resource")), "$.Statement[0]", "Resource or NotResource is due"),
    (DocumentKind.MANAGED, policy({**ALLOW, "NotResource": "*"}), "$.Statement[0]", "Resource and NotResource stand"),
    (DocumentKind.MANAGED, policy({**ALLOW, "Resource": "in/*"}), "$.Statement[0].Resource", 'ARN format or "*"'),
    (DocumentKind.BUCKET, policy({**BUCKET_ALLOW, "Resource": "in/*"}), "$.Statement[0].Resource", 'ARN format or "*"'),
    (
        DocumentKind.QUEUE,
        policy({**without(BUCKET_ALLOW, "Resource"), "NotResource": "in/*"}),
        "$.Statement[0].NotResource",
        'ARN format or "*"',
    ),
    (
        DocumentKind.MANAGED,
        policy({**ALLOW, "Resource": ["*", "arn:aws:s*:::b"]}),
        "$.Statement[0].Resource[1]",
        "its service",
    ),
    (DocumentKind.MANAGED, policy({**ALLOW, "Resource": "arn::s3:::b"}), "$.Statement[0].Resource", 'Partition ""'),
    (DocumentKind.MANAGED, policy({**ALLOW, "Resource": "arn:aws:s3:::${aws"}), "$.Statement[0].Resource", "variable"),
    (DocumentKind.MANAGED, policy(BUCKET_ALLOW), "$.Statement[0].Principal", "Principal is not allowed"),
    (DocumentKind.SESSION, policy(BUCKET_ALLOW), "$.Statement[0].Principal", "session policy"),
    (DocumentKind.SCP, policy({**ALLOW, "Resource": "arn:*:s3"}), "$.Statement[0].Resource", '"*" at the end'),
    (DocumentKind.RCP, policy({**BUCKET_ALLOW, "Resource": "arn:aws:s3:*"}), "$.Statement[0].Resource", "six segments"),
    (DocumentKind.RCP, policy({**ALLOW, "Principal": {"AWS": "1" * 12}}), "$.Statement[0]", 'names "*"'),
    (DocumentKind.MANAGED, policy({**ALLOW, "Sid": "a b"}), "$.Statement[0].Sid", "letters A-Z"),
    (DocumentKind.MANAGED, policy({**ALLOW, "Sid": "a"}, {**ALLOW, "Sid": "a"}), "$.Statement[1].Sid", "stands twice"),
    (DocumentKind.BUCKET, policy(ALLOW), "$.Statement[0]", "Principal or NotPrincipal is due"),
    (
        DocumentKind.BUCKET,
        policy({**BUCKET_ALLOW, "NotPrincipal": "*"}),
        "$.Statement[0]",
        "Principal and NotPrincipal stand together",
    ),
    (
        DocumentKind.BUCKET,
        policy({**ALLOW, "NotPrincipal": {"AWS": "111111111111"}}),
        "$.Statement[0].NotPrincipal",
        "NotPrincipal with Allow",
    ),
    (
        DocumentKind.BUCKET,
        policy({"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3", "Principal": "*"}),
        "$.Statement[0].NotResource",
        "fewer than six segments",
    ),
    (DocumentKind.TRUST, policy({**TRUST_ALLOW, "Resource": "*"}), "$.Statement[0].Resource", "trust policy"),
    (DocumentKind.TRUST, policy({**TRUST_ALLOW, "Action": "s3:*"}), "$.Statement[0].Action", "sts only"),
    (
        DocumentKind.TRUST,
        policy(without(TRUST_ALLOW, "Principal")),
        "$.Statement[0]",
        "Principal or NotPrincipal is due",
    ),
]


@pytest.mark.parametrize(("kind", "text", "path", "message"), MALFORMED)
def test_a_malformed_policy_is_refused_with_its_place(kind: DocumentKind, text: str, path: str, message: str) -> None:
    with pytest.raises(MalformedPolicy) as refusal:
        parse_policy(text, kind)

    assert refusal.value.path == path
    assert message in refusal.value.detail


@pytest.mark.parametrize(
    ("condition", "path", "message"),
    [
        ([], "", "no JSON object"),
        ({"StringIs": {"x:a": "b"}}, "", 'operator "StringIs"; allowed are StringEquals'),
        ({"NullIfExists": {"x:a": "true"}}, "", "Unknown condition operator"),
        ({"ForAnyValue:Null": {"x:a": "true"}}, "", "Unknown condition operator"),
        ({"ForEachValue:StringLike": {"x:a": "b"}}, "", "Unknown condition operator"),
        ({"StringEquals": "b"}, ".StringEquals", "no JSON object"),
        ({"StringEquals": {"key": "b"}}, ".StringEquals.key", "no service"),
        ({"StringEquals": {"x:a": []}}, ".StringEquals.x:a", "The list is empty"),
        ({"StringEquals": {"x:a": [None]}}, ".StringEquals.x:a", "null is no string"),
        ({"StringEquals": {"x:a": {"b": 1}}}, ".StringEquals.x:a", "no string, number or boolean"),
        ({"StringLike": {"x:a": ["b", "${c"]}}, ".StringLike.x:a[1]", "no policy variable"),
        ({"Null": {"x:a": "maybe"}}, ".Null.x:a", 'not "maybe"'),
    ],
)
def test_a_malformed_condition_is_refused_with_its_place(condition: object, path: str, message: str) -> None:
    with pytest.raises(MalformedPolicy) as refusal:
        parse_policy(policy({**ALLOW, "Condition": condition}), DocumentKind.MANAGED)

    assert refusal.value.path == f"$.Statement[0].Condition{path}"
    assert message in refusal.value.detail


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"Version": "2012-10-17", "Version": "2012-10-17", "Statement": []}', "$"),
        ('{"Statement": [{"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}]}', "$.Statement[0]"),
        (
            policy(ALLOW)[:-3] + ', "Condition": {"Bool": {"x:a": true, "x:a": false}}}]}',
            "$.Statement[0].Condition.Bool",
        ),
        (policy(ALLOW)[:-3] + ', "Condition": {"Bool": {}, "Bool": {}}}]}', "$.Statement[0].Condition"),
    ],
)
def test_a_member_that_stands_twice_is_refused(text: str, path: str) -> None:
    with pytest.raises(MalformedPolicy, match="stands twice") as refusal:
        parse_policy(text, DocumentKind.MANAGED)

    assert refusal.value.path == path


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_know_is_refused(value: str) -> None:
    with pytest.raises(MalformedPolicy, match="no JSON number"):
        parse_policy('{"Statement": ' + value + "}", DocumentKind.MANAGED)


@pytest.mark.parametrize("text", ["\\ud800", "\\udfff", "\ud800"])
def test_half_a_surrogate_pair_is_refused(text: str) -> None:
    whole = policy({**ALLOW, "Sid": "Pair"})
    parse_policy(whole, DocumentKind.MANAGED)

    for place in ("Pair", "s3:GetObject", "in/"):
        with pytest.raises(MalformedPolicy, match="surrogate pair"):
            parse_policy(whole.replace(place, place + text), DocumentKind.MANAGED)


@pytest.mark.parametrize(
    "text",
    ["[" * 10_000, '{"a":' * 10_000, "[" * 10_000 + "]" * 10_000, '"' + '\\"' * 10_000, "1" * 10_000],
)
def test_deep_and_endless_text_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    with pytest.raises(MalformedPolicy):
        read_policy(text, PolicyKind.IDENTITY)
    assert time.process_time() - start < 0.2


@pytest.mark.parametrize("kind", DocumentKind)
def test_the_size_of_each_kind_is_limited_without_white_space(kind: DocumentKind) -> None:
    statement = TRUST_ALLOW if kind is DocumentKind.TRUST else ALLOW
    if kind.policy_kind.has_principal and kind is not DocumentKind.TRUST:
        statement = BUCKET_ALLOW
    text = json.dumps({"Id": "", "Statement": [statement]}, separators=(",", ":"))
    full = text.replace('"Id":""', '"Id":"' + "x" * (kind.size_max - len(text)) + '"')

    parse_policy(full.replace(",", " ,\n\t\r "), kind)

    assert counted_size(full) == kind.size_max
    with pytest.raises(MalformedPolicy, match=f"has {kind.size_max + 1} bytes .* at most {kind.size_max}"):
        parse_policy(full.replace('"Id":"', '"Id":"x'), kind)


def test_white_space_is_limited_too() -> None:
    with pytest.raises(MalformedPolicy, match="white space included"):
        parse_policy(policy(ALLOW) + " " * 100_000, DocumentKind.MANAGED)


@pytest.mark.parametrize("text", [policy(*[ALLOW] * 100_000), "x" * 10_000_000], ids=["statements", "bytes"])
def test_a_huge_policy_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    with pytest.raises(MalformedPolicy):
        parse_policy(text, DocumentKind.BUCKET)
    with pytest.raises(MalformedPolicy):
        read_policy(text, PolicyKind.RESOURCE)
    assert time.process_time() - start < 0.5


def test_the_worst_patterns_that_fit_compile_in_bounded_time() -> None:
    stars = "*a" * ((DocumentKind.BUCKET.size_max - 200) // 2)
    text = policy({**BUCKET_ALLOW, "Resource": f"arn:aws:s3:::in/{stars}"})

    start = time.process_time()
    parse_policy(text, DocumentKind.BUCKET)
    PolicySet(PolicyKind.RESOURCE, (("bucket", text),))
    assert time.process_time() - start < 3


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda octets: octets.decode("latin-1")))
def test_random_text_is_refused_and_never_an_error(text: str) -> None:
    with pytest.raises(MalformedPolicy):
        parse_policy(text, DocumentKind.MANAGED)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Version", "Statement", "Effect", "Action", "Resource", "Condition", "Principal", "AWS", "x:a"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from(DocumentKind))
def test_random_json_is_accepted_or_refused_and_never_an_error(node: object, kind: DocumentKind) -> None:
    for text in (json.dumps(node), json.dumps({"Statement": node}), policy({**ALLOW, "Condition": node})):
        with contextlib.suppress(MalformedPolicy):
            parse_policy(text, kind)


@given(JSON)
def test_json_is_written_back_without_loss(node: object) -> None:
    text = json.dumps(node)
    try:
        nodes = parse_json(text)
    except MalformedPolicy:
        return  # deeper than any policy

    assert json.loads(render_json(nodes)) == node
    assert parse_json(render_json(nodes)) == nodes


def test_numbers_are_written_back_as_they_were() -> None:
    assert render_json(parse_json("[1.50, 1E3, -0]")) == "[1.50,1E3,-0]"


def test_what_cannot_be_read_from_storage_is_refused_so_that_the_request_is() -> None:
    for text in ("", "{}", policy({**ALLOW, "Resource": "in/*"}), policy(BUCKET_ALLOW)):
        with pytest.raises(MalformedPolicy):
            PolicySet(PolicyKind.IDENTITY, (("own", text),))
