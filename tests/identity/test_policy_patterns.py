"""Globs, variables and ARN patterns: what they match, and that no text makes them slow."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.identity.policy import MalformedPolicy
from cumulo.identity.policy.patterns import (
    ShortArn,
    Wild,
    compile_arn_condition,
    compile_glob,
    compile_resource,
    fold_pattern,
    match_glob,
    parse_pattern,
)

PATTERN = st.text("ab*?", max_size=12)
TEXT = st.text("ab\n", max_size=16)


def by_table(pattern: str, text: str) -> bool:
    """Match a glob by the textbook table: one row per character of the pattern."""
    row = [True] + [False] * len(text)
    for mark in pattern:
        if mark == "*":
            reached = False
            new = [reached := reached or cell for cell in row]
        else:
            new = [False] + [cell and mark in ("?", at) for cell, at in zip(row, text, strict=False)]
        row = new
    return row[-1]


def tokens_of(pattern: str, *, variables: bool = True) -> tuple[object, ...]:
    return parse_pattern(pattern, variables=variables, wildcards=True)


@given(PATTERN, TEXT)
def test_both_matchers_agree_with_the_textbook(pattern: str, text: str) -> None:
    tokens = parse_pattern(pattern, variables=False, wildcards=True)

    assert compile_glob(tokens)(text, {}) is by_table(pattern, text)
    assert match_glob(tokens, text) is by_table(pattern, text)  # type: ignore[arg-type]


@given(PATTERN, PATTERN, TEXT, TEXT)
def test_a_bound_variable_is_literal_text(before: str, after: str, value: str, text: str) -> None:
    tokens = parse_pattern(f"{before}${{x:v}}{after}", variables=True, wildcards=True)

    as_expression = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in before)
    as_expression += re.escape(value)
    as_expression += "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in after)
    expected = re.fullmatch(as_expression, text, re.DOTALL) is not None
    assert compile_glob(tokens)(text, {"x:v": value}) is expected


# Twelve stars over forty characters take `.*`-expressions 87 s.
BLOW_UPS = [
    ("*a" * 12 + "b", "a" * 1024),
    ("*a*b" * 200, "ab" * 500),
    ("*" + "a" * 500 + "b*", "a" * 1024),
    ("*" + "?" * 400 + "b", "a" * 1024),
    ("*?a" * 300 + "b", "a" * 1024),
    ("*" * 3000 + "b", "a" * 1024),
    ("*" + "a?" * 250 + "b*c", "a" * 1024),
]


@pytest.mark.parametrize(("pattern", "text"), BLOW_UPS)
def test_no_pattern_blows_up(pattern: str, text: str) -> None:
    fixed = compile_glob(parse_pattern(pattern, variables=False, wildcards=True))
    bound = compile_glob(parse_pattern("${x:v}" + pattern, variables=True, wildcards=True))
    arn = compile_resource(f"arn:aws:s3:{pattern}:{pattern}:{pattern}", ShortArn.INVALID, variables=True)

    start = time.process_time()
    fixed(text, {})
    bound("v" + text, {"x:v": "v"})
    arn.matches(f"arn:aws:s3:{text}:{text}:{text}", {})
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "arn:aws:s3:::b", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", False),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b:c", True),
        ("arn:aws:s3:::b*", "arn:aws:s3:::bucket/key", True),
        ("arn:aws:s3:::b?", "arn:aws:s3:::b/", True),
        ("arn:aws:s3:::B", "arn:aws:s3:::b", False),
        ("arn:aws:s3:::b", "arn:AWS:s3:::b", False),
        ("arn:aws:s3:*:b", "arn:aws:s3:::b", False),
        ("arn:aws:sqs:*:*:jobs", "arn:aws:sqs:us-east-1:1:jobs", True),
        ("arn:aws:sqs:us-*:1:jobs", "arn:aws:sqs:us-east-1:1:jobs", True),
        ("arn:aws:sqs:us-*:jobs", "arn:aws:sqs:us-east-1:1:jobs", False),
        ("arn:aws:sqs:us-?ast-1:1:jobs", "arn:aws:sqs:us-east-1:1:jobs", True),
        ("arn:aws:sqs:*s*t*:1:j*s", "arn:aws:sqs:us-east-1:1:jobs", True),
        ("arn:aws:sqs:*s*x*:1:j*s", "arn:aws:sqs:us-east-1:1:jobs", False),
        ("arn:*:sqs:us-east-1:1:a:*", "arn:aws:sqs:us-east-1:1:a:b:c", True),
        ("arn:aws:s3:::a*b", "arn:aws:s3:::a*b", True),
        ("arn:aws:s3:::a${*}b", "arn:aws:s3:::axb", False),
        ("arn:aws:s3:::a${*}b", "arn:aws:s3:::a*b", True),
        ("arn:aws:s3:::a.b", "arn:aws:s3:::axb", False),
        ("arn:aws:s3:::a*", "arn:aws:s3:::a\n\0b", True),
        ("arn:aws:sqs:*:1:${x:v}*", "arn:aws:sqs:us-east-1:1:jobs", True),
        ("arn:aws:sqs:*:1:${x:v}", "arn:aws:sqs:us-east-1:1:jobs", False),
    ],
)
def test_a_resource_is_matched_segment_by_segment(pattern: str, text: str, expected: bool) -> None:
    compiled = compile_resource(pattern, ShortArn.REST_IS_ANY, variables=True)

    assert compiled.matches(text, {"x:v": "jo"}) is expected
    if compiled.head is not None and expected:
        assert text.partition("/")[0] == compiled.head


@pytest.mark.parametrize(
    ("pattern", "short", "expected"),
    [
        ("arn:aws:s3", ShortArn.REST_IS_ANY, True),
        ("arn:aws:sqs", ShortArn.REST_IS_ANY, False),
        ("arn:aws:s3", ShortArn.REST_IS_ANY_IF_WILD, False),
        ("arn:aws:s3:*", ShortArn.REST_IS_ANY_IF_WILD, True),
        ("arn:*:s3", ShortArn.REST_IS_ANY_IF_WILD, True),
        ("arn:aws:s3:*", ShortArn.REST_IS_ANY_IF_WILD_END, True),
        ("arn:*:s3", ShortArn.REST_IS_ANY_IF_WILD_END, None),
        ("arn:aws:s3:*", ShortArn.INVALID, None),
        ("in/*", ShortArn.REST_IS_ANY_IF_WILD, False),
    ],
)
def test_a_short_arn_means_what_its_kind_of_policy_says(pattern: str, short: ShortArn, expected: bool | None) -> None:
    if expected is None:
        with pytest.raises(MalformedPolicy, match="fewer than six segments"):
            compile_resource(pattern, short, variables=True)
    else:
        assert compile_resource(pattern, short, variables=True).matches("arn:aws:s3:::b/k", {}) is expected


@pytest.mark.parametrize(
    ("pattern", "head"),
    [
        ("arn:aws:s3:::b/k*", "arn:aws:s3:::b"),
        ("arn:aws:s3:::b", "arn:aws:s3:::b"),
        ("arn:aws:s3:::b/${x:v}", "arn:aws:s3:::b"),
        ("arn:aws:sqs:us-east-1:1:jobs", "arn:aws:sqs:us-east-1:1:jobs"),
        ("arn:aws:s3:::b*", None),
        ("arn:aws:s3:::${x:v}/k", None),
        ("arn:aws:sqs:*:1:jobs", None),
        ("arn:aws:s3:a/b::b", None),
        ("*", None),
    ],
)
def test_a_literal_head_is_found_where_there_is_one(pattern: str, head: str | None) -> None:
    assert compile_resource(pattern, ShortArn.REST_IS_ANY, variables=True).head == head


@pytest.mark.parametrize(
    "text", ["b", "**", "", "s3:::b", "arn", "arn::s3:::b", "arn:aws:s*:::b", "arn:aws:?3:::b", "arn:aws:s3:${x:v}::b"]
)
def test_a_malformed_resource_is_refused_by_name(text: str) -> None:
    with pytest.raises(MalformedPolicy) as refusal:
        compile_resource(text, ShortArn.REST_IS_ANY, variables=True, path="$.Statement[0].Resource[1]")

    assert refusal.value.path == "$.Statement[0].Resource[1]"


@pytest.mark.parametrize("text", ["${", "${}", "${a", "${a,b}", "${a, 'b}", "${a*}", "${a{b}}", "x${ }"])
def test_a_broken_variable_is_refused(text: str) -> None:
    with pytest.raises(MalformedPolicy, match="no policy variable"):
        parse_pattern(text, variables=True, wildcards=True)

    assert parse_pattern(text, variables=False, wildcards=False) == (text,)


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        compile_resource(text, ShortArn.REST_IS_ANY, variables=True)
        compile_arn_condition(parse_pattern(text, variables=True, wildcards=True))
    except MalformedPolicy:
        pass


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("*", "s3:GetObject", True),
        ("S3:getOBJECT", "s3:GetObject", True),
        ("s3:Get*", "s3:GetObject", True),
        ("s?:*Object", "s3:GetObject", True),
        ("s3:GetObject ", "s3:GetObject", False),
        ("s3:GetObject", "s3:GetObjectAcl", False),
        ("sqs:*", "s3:GetObject", False),
        ("\u017f3:GetObject", "s3:GetObject", False),
    ],
)
def test_an_action_is_matched_without_regard_to_case(pattern: str, action: str, expected: bool) -> None:
    assert fold_pattern(pattern)(action.lower(), {}) is expected


def test_neighbouring_stars_are_one() -> None:
    assert tokens_of("a**?*") == ("a", Wild.RUN, Wild.ONE, Wild.RUN)
