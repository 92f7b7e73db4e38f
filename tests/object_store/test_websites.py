"""Where websites lead, and what access logs say: whatever a client sends, a header stays one and a line stays one."""

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cumulo.object_store import aws_s3, cors
from cumulo.object_store.access_lines import Access, line
from cumulo.object_store.websites import Place, find_redirect, index_of, redirection

TEXTS = st.text(max_size=40)
LOCATION = re.compile(r"https?://[\x21-\x7e]+")
FIELD = re.compile(r'\[[^]]*\]|"[^"]*"|\S+')


@given(key=TEXTS, replaced=TEXTS, prefix=TEXTS, by_prefix=st.booleans())
def test_location_is_fit_for_a_header(key: str, replaced: str, prefix: str, by_prefix: bool) -> None:
    redirect = aws_s3.Redirect(ReplaceKeyPrefixWith=replaced) if by_prefix else aws_s3.Redirect(ReplaceKeyWith=replaced)
    rule = aws_s3.RoutingRule(Condition=aws_s3.Condition(KeyPrefixEquals=prefix), Redirect=redirect)

    status, location = redirection(rule, Place("http", "b.s3-website.localhost", key))

    assert status == 301
    assert LOCATION.fullmatch(location)


@given(key=TEXTS, agent=TEXTS, target=TEXTS, version=TEXTS, host=TEXTS)
def test_line_of_an_access_log_has_26_fields(key: str, agent: str, target: str, version: str, host: str) -> None:
    numbers: dict[str, Any] = {
        "wall_ms": 0,
        "status": 200,
        "bytes_sent": 1,
        "object_size": 1,
        "total_ms": 0,
        "turn_around_ms": 0,
    }
    texts = dict.fromkeys(Access.__struct_fields__, "x")
    said = {"key": key, "user_agent": agent, "request_line": target, "version_id": version, "host": host}

    written = line(Access(**(texts | numbers | said)))

    assert "\n" not in written
    assert "\r" not in written
    assert len(FIELD.findall(written)) == 26


@given(origin=TEXTS, pattern=TEXTS.filter(lambda text: text.count("*") <= 1))
def test_origin_fits_a_pattern_as_its_two_halves_say(origin: str, pattern: str) -> None:
    rule = aws_s3.CORSRule(AllowedMethods=["GET"], AllowedOrigins=[pattern])
    begin, star, end = pattern.partition("*")
    fits = origin == pattern
    if star:
        fits = origin.startswith(begin) and origin.endswith(end) and len(origin) >= len(begin) + len(end)

    assert (cors.find_rule([rule], origin, "GET", []) is rule) == fits


def test_rules_are_asked_in_their_order_and_those_of_errors_after_the_look() -> None:
    first = aws_s3.RoutingRule(
        Condition=aws_s3.Condition(HttpErrorCodeReturnedEquals="404"), Redirect=aws_s3.Redirect(HostName="a")
    )
    second = aws_s3.RoutingRule(Redirect=aws_s3.Redirect(HostName="b"))
    site = aws_s3.WebsiteConfiguration(
        IndexDocument=aws_s3.IndexDocument(Suffix="index.html"), RoutingRules=[first, second]
    )

    assert (find_redirect(site, "k"), find_redirect(site, "k", 404), find_redirect(site, "k", 403)) == (
        second,
        first,
        None,
    )
    assert [index_of(site, key) for key in ("", "a/", "a")] == ["index.html", "a/index.html", "a"]
