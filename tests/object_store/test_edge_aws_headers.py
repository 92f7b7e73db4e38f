"""What S3's headers mean: ranges, dates, checksums, sources of copies, tags."""

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.gateway.aws_service import AwsCall
from cumulo.gateway.http1 import Request
from cumulo.gateway.http_body import WholeBody
from cumulo.identity.principal_model import root_of
from cumulo.object_store import edge_aws_headers as headers
from cumulo.object_store.edge_aws_copies import parsed_source
from cumulo.object_store.edge_aws_listings import url_encoded
from cumulo.object_store.edge_aws_tagging import tags_in_header
from cumulo.object_store.object_model import ByteRange

CRC32 = base64.b64encode(zlib.crc32(b"body").to_bytes(4, "big")).decode()
MD5 = "hBotaJrYa9FhFEdFPCLG/A=="


def call_with(said: Mapping[str, str]) -> AwsCall:
    http = Request("PUT", "/inbox/key", said, tuple(said.items()), "127.0.0.1", False, WholeBody(b"body"))
    ctx = CallContext(principal=root_of("000000000000"), request_id="test")
    return AwsCall(ctx, "PutObject", None, http.body, http, "http://localhost")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes=0-4", ByteRange(0, 4)),
        ("bytes=5-", ByteRange(5)),
        ("bytes=-3", ByteRange(-3)),
        ("bytes=-0", ByteRange(headers.BEYOND_ANY)),
        ("bytes= 1 - 2 ", ByteRange(1, 2)),
        ("bytes=4-2", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
        ("bytes=0-99999999999999999999", None),
        ("", None),
        (None, None),
    ],
)
def test_single_range_is_taken_and_any_other_means_the_whole_object(
    text: str | None, expected: ByteRange | None
) -> None:
    assert headers.byte_range(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thu, 01 Jan 1970 00:00:01 GMT", 1_000),
        ("Thursday, 01-Jan-70 00:00:01 GMT", 1_000),
        ("1970-01-01T00:00:01Z", 1_000),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_date_that_is_none_is_no_condition(text: str | None, expected: int | None) -> None:
    assert headers.parse_date(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [('"abc"', "abc"), ("abc", "abc"), ('W/"abc"', "abc"), ("*", "*"), ('abc"', "abc"), ('"abc', "abc"), ("", "")],
)
def test_entity_tag_is_taken_with_and_without_any_of_its_quotes(text: str, expected: str) -> None:
    assert headers.etag(text) == expected


def test_checksums_in_headers_are_expected_of_the_body() -> None:
    expected = headers.expected_content(
        call_with({"content-md5": MD5, "x-amz-checksum-crc32": CRC32, "x-amz-sdk-checksum-algorithm": "CRC32"}),
        4,
    )

    assert expected.content_length == 4
    assert expected.digests == {"content-md5": base64.b64decode(MD5), "crc32": base64.b64decode(CRC32)}


def test_trailing_checksum_is_announced() -> None:
    said = {"x-amz-trailer": "x-amz-checksum-sha256", "x-amz-sdk-checksum-algorithm": "SHA256"}

    assert headers.expected_content(call_with(said), 4).announced == ("sha256",)


@pytest.mark.parametrize(
    ("said", "code", "message"),
    [
        ({"content-md5": "rubbish"}, "InvalidDigest", "The Content-MD5 you specified was invalid."),
        ({"content-md5": "AAAA"}, "InvalidDigest", "The Content-MD5 you specified was invalid."),
        (
            {"x-amz-checksum-crc32": "AAAAAAAA"},
            "InvalidRequest",
            "Value for x-amz-checksum-crc32 header is invalid.",
        ),
        (
            {"x-amz-checksum-crc32": CRC32, "x-amz-checksum-crc32c": CRC32},
            "InvalidRequest",
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        ),
        (
            {"x-amz-sdk-checksum-algorithm": "CRC32"},
            "InvalidRequest",
            (
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers"
                " were found."
            ),
        ),
        (
            {"x-amz-sdk-checksum-algorithm": "SHA1", "x-amz-checksum-crc32": CRC32},
            "InvalidRequest",
            "Value for x-amz-sdk-checksum-algorithm header is invalid.",
        ),
        (
            {"x-amz-trailer": "x-amz-meta-late"},
            "InvalidRequest",
            "The value specified in the x-amz-trailer header is not supported",
        ),
    ],
)
def test_checksum_that_cannot_be_is_refused_as_in_s3(said: Mapping[str, str], code: str, message: str) -> None:
    with pytest.raises(ServiceError) as refused:
        headers.expected_content(call_with(said), 4)

    assert (refused.value.row.code, refused.value.message) == (code, message)


@pytest.mark.parametrize(
    ("encoding", "kept"),
    [("aws-chunked", None), ("aws-chunked,gzip", "gzip"), ("gzip, aws-chunked", "gzip"), ("gzip, br", "gzip, br")],
)
def test_encoding_of_the_transfer_is_not_the_objects(encoding: str, kept: str | None) -> None:
    assert headers.content_headers({"content-encoding": encoding}).get("content-encoding") == kept


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("inbox/key", ("inbox", "key", "")),
        ("/inbox/key", ("inbox", "key", "")),
        ("/inbox/a%2Fb/../c", ("inbox", "a/b/../c", "")),
        ("inbox/a+b%2B", ("inbox", "a b+", "")),
        ("inbox//key", ("inbox", "/key", "")),
        ("inbox/%3FversionId", ("inbox", "?versionId", "")),
        ("inbox/key?versionId=null", ("inbox", "key", "null")),
    ],
)
def test_source_of_a_copy_is_decoded_once(source: str, expected: tuple[str, str, str]) -> None:
    assert parsed_source(source) == expected


@pytest.mark.parametrize("source", ["", "inbox", "inbox/", "/", "inbox/%FF", "inbox/key?other=1", "inbox/k?versionId="])
def test_source_of_a_copy_that_names_no_object_is_refused(source: str) -> None:
    with pytest.raises(ServiceError) as refused:
        parsed_source(source)

    assert refused.value.row.code == "InvalidArgument"


def test_tags_of_a_header_are_a_querys() -> None:
    assert tags_in_header("a=1&b=&c%20d=e%26f") == {"a": "1", "b": "", "c d": "e&f"}
    assert tags_in_header(None) == {}


@pytest.mark.parametrize("text", ["a=1&a=2", "a=%FF"])
def test_tags_of_a_header_that_are_ambiguous_are_refused(text: str) -> None:
    with pytest.raises(ServiceError) as refused:
        tags_in_header(text)

    assert refused.value.row.code == "InvalidArgument"


def test_listings_encode_what_a_url_encodes_and_leave_slashes() -> None:
    assert url_encoded("a/b c+d(3)%\n") == "a/b%20c%2Bd%283%29%25%0A"
    assert url_encoded("ä") == "%C3%A4"


@given(st.text(st.characters(max_codepoint=255)))
def test_no_text_breaks_a_header(text: str) -> None:
    headers.byte_range(text)
    headers.byte_range("bytes=" + text)
    headers.parse_date(text)
    headers.etags(text)
    headers.content_headers({"content-encoding": text})
    for reader in (parsed_source, tags_in_header):
        assert refusal(lambda read=reader: read(text)) in ("", "InvalidArgument")
    for name in ("content-md5", "x-amz-checksum-sha256", "x-amz-trailer", "x-amz-sdk-checksum-algorithm"):
        call = call_with({name: text})
        code = refusal(lambda asked=call: headers.expected_content(asked, 4))
        assert code in ("", "InvalidDigest", "InvalidRequest", "NotImplemented")


def refusal(call: Any) -> str:
    """Return the code with which a call is refused, an empty text where it is not."""
    try:
        call()
    except ServiceError as error:
        return error.row.code
    return ""
