"""ARNs and resource names: two spellings, read back as they were, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.names import (
    Arn,
    is_account_id,
    is_region,
    masked_url,
    parse_arn,
    parse_resource_name,
    resource_name,
)

ACCOUNT = "123456789012"
FULL = f"accounts/{ACCOUNT}/regions/eu-west-1/queues/jobs"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs", Arn("sqs", "us-east-1", ACCOUNT, "jobs")),
        ("arn:aws:s3:::bucket/a:b/c", Arn("s3", "", "", "bucket/a:b/c")),
        (f"arn:aws:iam::{ACCOUNT}:user/alice", Arn("iam", "", ACCOUNT, "user/alice")),
    ],
)
def test_arn_reads_and_writes(text, parts):
    assert parse_arn(text) == parts
    assert str(parts) == text


@pytest.mark.parametrize("text", ["", "arn", "arn:aws:sqs:::", "arn:gcp:s3:::b", "urn:aws:s3:::b", "arn:aws::::b"])
def test_other_text_is_no_arn(text):
    assert parse_arn(text) is None


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    arn = parse_arn(text)

    assert arn is None or str(arn) == text


@pytest.mark.parametrize(
    ("text", "good"),
    [("000000000000", True), ("12345678901", False), ("1234567890123", False), ("١٢٣٤٥٦٧٨٩٠١٢", False),
     ("12345678901a", False), ("123456789012\n", False)],
)  # fmt: skip
def test_account_id_is_twelve_ascii_digits(text, good):
    assert is_account_id(text) is good


@pytest.mark.parametrize(
    ("text", "good"),
    [("us-east-1", True), ("x", True), ("a" * 63, True), ("a" * 64, False), ("", False), ("-a", False), ("a-", False),
     ("US", False), ("a_b", False)],
)  # fmt: skip
def test_region_is_any_host_label(text, good):
    assert is_region(text) is good


def test_resource_name_reads_and_writes():
    assert resource_name(ACCOUNT, "eu-west-1", "queues", "jobs") == FULL
    assert parse_resource_name(FULL, "queues", "000000000000", "us-east-1") == (ACCOUNT, "eu-west-1", "jobs")


def test_short_name_is_of_the_callers_account_and_region():
    assert parse_resource_name("jobs", "queues", ACCOUNT, "us-east-1") == (ACCOUNT, "us-east-1", "jobs")


@pytest.mark.parametrize(
    "text",
    ["/", f"{FULL}/x", FULL.replace("queues", "topics"), FULL.replace(ACCOUNT, "me"), FULL.replace("eu-west-1", "EU"),
     f"/{FULL}"],
)  # fmt: skip
def test_other_path_is_no_resource_name(text):
    assert parse_resource_name(text, "queues", ACCOUNT, "us-east-1") is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@example.com/a?b=c:d@e", "https://me:****@example.com/a?b=c:d@e"),
        ("http://me:pass/word@example.com/", "http://me:****@example.com/"),
        ("http://me:a@b@example.com", "http://me:****@example.com"),
        ("http://:secret@example.com", "http://:****@example.com"),
        ("http://me@example.com:80/", "http://me@example.com:80/"),
        ("http://example.com:80/path@home", "http://example.com:80/path@home"),
        ("http://[::1]:80/", "http://[::1]:80/"),
        ("arn:aws:sqs:us-east-1:000000000000:q", "arn:aws:sqs:us-east-1:000000000000:q"),
    ],
)
def test_url_is_shown_without_its_password(url, shown):
    assert masked_url(url) == shown
