"""Chunked uploads: AWS's published examples, and everything that a broken or altered body can be."""

import asyncio
import base64
import binascii
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.errors import ServiceError
from cumulo.gateway.aws_chunked import CHUNK_BYTES_MIN
from tests.gateway.signing_world import at, code_of, open_s3, read, request

DATE = "20130524T000000Z"
DATA = b"a" * 66_560
SIGNATURES = (
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
)
TRAILER_SIGNATURES = (
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
)
TRAILER = (
    b"x-amz-checksum-crc32c:sOO8/Q==\r\n"
    b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n"
)


def signed_body(signatures=SIGNATURES, trailer=b""):
    first, second, last = (signature.encode() for signature in signatures)
    return (
        b"10000;chunk-signature=" + first + b"\r\n" + DATA[:65_536] + b"\r\n"
        b"400;chunk-signature=" + second + b"\r\n" + DATA[65_536:] + b"\r\n"
        b"0;chunk-signature=" + last + b"\r\n" + trailer + b"\r\n"
    )


def signed(body, *, decoded=b"66560", trailer=False, pieces=None):
    """Return the example's request: its head is signed, so that only its body can be altered."""
    names = "content-encoding;%shost;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class%s"
    mode = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    lines = [
        ("Host", "s3.amazonaws.com"),
        ("x-amz-date", DATE),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("Content-Encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
    ]
    if trailer:
        names %= ("", ";x-amz-trailer")
        seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
        lines += [("x-amz-content-sha256", f"{mode}-TRAILER"), ("x-amz-trailer", "x-amz-checksum-crc32c")]
    else:
        names %= ("content-length;", "")
        seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
        lines += [("x-amz-content-sha256", mode), ("Content-Length", "66824")]
    scope = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
    value = f"AWS4-HMAC-SHA256 Credential={scope},SignedHeaders={names},Signature={seed}"
    return request("PUT", "/examplebucket/chunkObject.txt", [*lines, ("Authorization", value)], pieces or [body])


def unsigned(body, *, decoded=5, announced="x-amz-checksum-crc32", pieces=None):
    """Return an anonymous upload with an unsigned trailer."""
    lines = [
        ("Host", "h"),
        ("Content-Encoding", "aws-chunked"),
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
    ]
    if decoded is not None:
        lines.append(("x-amz-decoded-content-length", str(decoded)))
    if announced is not None:
        lines.append(("x-amz-trailer", announced))
    return request("PUT", "/b/k", lines, pieces or [body])


def take(asked):
    return read(open_s3(asked, at(DATE)))


def cut(body, cuts):
    """Return a body in pieces that end at the given places."""
    places = sorted({min(place, len(body)) for place in cuts} | {len(body)})
    pieces, start = [], 0
    for place in places:
        pieces.append(body[start:place])
        start = place
    return pieces


def test_aws_example_of_signed_chunks_is_taken():
    assert take(signed(signed_body())) == DATA


def test_aws_example_with_a_trailer_is_taken():
    body = open_s3(signed(signed_body(TRAILER_SIGNATURES, TRAILER), trailer=True), at(DATE))

    assert read(body) == DATA
    assert body.trailer == {"x-amz-checksum-crc32c": "sOO8/Q=="}
    assert body.decoded_length == len(DATA)


def test_trailer_may_bring_the_end_of_line_that_is_signed():
    doubled = TRAILER.replace(b"==\r\n", b"==\n\r\n")
    of_unsigned = GOOD.replace(b"\r\n\r\n", b"\n\r\n\r\n")

    for taken in (signed(signed_body(TRAILER_SIGNATURES, doubled), trailer=True), unsigned(of_unsigned)):
        body = open_s3(taken, at(DATE))
        read(body)
        assert [len(value) for value in body.trailer.values()] == [8]


@given(st.lists(st.integers(0, 67_300), max_size=12))
def test_pieces_may_end_anywhere(cuts):
    body = signed_body(TRAILER_SIGNATURES, TRAILER)

    assert take(signed(body, trailer=True, pieces=cut(body, cuts))) == DATA


def test_body_may_come_byte_by_byte_around_its_lines():
    body = signed_body()
    edge = [*range(200), *range(65_500, 65_800), *range(66_600, len(body))]

    assert take(signed(body, pieces=cut(body, edge))) == DATA


def test_data_is_passed_on_without_a_copy():
    body = signed_body()
    asked = signed(body)
    whole = asked.body._pieces[0]

    async def first():
        piece = await anext(open_s3(asked, at(DATE)))
        return piece.obj

    assert asyncio.run(first()) is whole


@given(st.integers(0, 66_823), st.integers(1, 255))
def test_signed_body_with_one_altered_byte_is_refused(place, flip):
    body = bytearray(signed_body())
    before = body[place]
    body[place] ^= flip
    # A chunk's size may be spelt in either case; nothing else says the same in two ways.
    if bytes((before,)).lower() == bytes((body[place],)).lower() and place < 6:
        return

    code = code_of(lambda: take(signed(bytes(body))))

    assert code in {"SignatureDoesNotMatch", "IncompleteBody", "InvalidChunkSizeError", "MalformedTrailerError"}


@pytest.mark.parametrize("place", range(len(TRAILER)))
def test_altered_trailer_is_refused(place):
    altered = bytearray(TRAILER)
    altered[place] ^= 0x01
    # White space is not part of a value, and names have no case.
    assert altered[place : place + 1].lower() != TRAILER[place : place + 1].lower()

    code = code_of(lambda: take(signed(signed_body(TRAILER_SIGNATURES, bytes(altered)), trailer=True)))

    assert code in {"SignatureDoesNotMatch", "MalformedTrailerError", "IncompleteBody"}


@given(st.integers(0, 66_823))
def test_truncated_body_never_ends_well(length):
    assert code_of(lambda: take(signed(signed_body()[:length]))) in {"IncompleteBody", "SignatureDoesNotMatch"}


def test_missing_final_chunk_is_refused():
    body = signed_body()

    assert code_of(lambda: take(signed(body[: body.rindex(b"0;chunk-")]))) == "IncompleteBody"


def test_bytes_after_the_end_are_refused():
    assert code_of(lambda: take(signed(signed_body() + b"x"))) == "IncompleteBody"


def test_wrong_signature_of_the_last_chunk_is_refused():
    body = signed_body((*SIGNATURES[:2], SIGNATURES[0]))

    assert code_of(lambda: take(signed(body))) == "SignatureDoesNotMatch"


def test_swapped_chunks_are_refused():
    first = signed_body()
    second = first[first.index(b"400;") : first.index(b"0;chunk-signature=b6")]
    swapped = second + first[: first.index(b"400;")] + first[first.index(b"0;chunk-signature=b6") :]

    assert code_of(lambda: take(signed(swapped))) in {"SignatureDoesNotMatch", "InvalidChunkSizeError"}


def crc32(data):
    return base64.b64encode(binascii.crc32(data).to_bytes(4, "big"))


GOOD = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:" + crc32(b"hello") + b"\r\n\r\n"


def test_unsigned_trailer_is_given_with_its_name_and_value():
    body = open_s3(unsigned(GOOD), at(DATE))

    assert read(body) == b"hello"
    assert body.trailer == {"x-amz-checksum-crc32": crc32(b"hello").decode()}


def test_anonymous_chunked_upload_is_known_by_its_encoding():
    asked = request(
        "PUT",
        "/b/k",
        [
            ("Host", "h"),
            ("Content-Encoding", "gzip, aws-chunked"),
            ("x-amz-decoded-content-length", "5"),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
        ],
        GOOD,
    )

    assert take(asked) == b"hello"


def test_body_of_many_chunks_is_taken():
    data = bytes(range(256)) * 32
    chunk = b"2000\r\n" + data + b"\r\n"
    assert len(data) == CHUNK_BYTES_MIN
    body = chunk * 9 + b"1\r\n!\r\n0\r\n\r\n"

    assert take(unsigned(body, decoded=9 * len(data) + 1, announced=None)) == data * 9 + b"!"


def test_empty_body_is_taken():
    assert take(unsigned(b"0\r\n\r\n", decoded=0, announced=None)) == b""


REFUSED = {
    "small chunk in the middle": (b"1\r\nh\r\n4\r\nello\r\n0\r\n\r\n", 5, None, "InvalidChunkSizeError"),
    "more than announced": (GOOD, 4, "x-amz-checksum-crc32", "IncompleteBody"),
    "less than announced": (GOOD, 6, "x-amz-checksum-crc32", "IncompleteBody"),
    "size with sign": (b"+5\r\nhello\r\n0\r\n\r\n", 5, None, "IncompleteBody"),
    "size with prefix": (b"0x5\r\nhello\r\n0\r\n\r\n", 5, None, "IncompleteBody"),
    "size with blank": (b"5 \r\nhello\r\n0\r\n\r\n", 5, None, "IncompleteBody"),
    "size with underscore": (b"0_5\r\nhello\r\n0\r\n\r\n", 5, None, "IncompleteBody"),
    "no size": (b"\r\nhello\r\n0\r\n\r\n", 5, None, "IncompleteBody"),
    "huge size": (b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n", 5, None, "IncompleteBody"),
    "size of many digits": (b"0" * 17 + b"5\r\nhello\r\n0\r\n\r\n", 5, None, "IncompleteBody"),
    "endless line": (b"5" * 100_000, 5, None, "IncompleteBody"),
    "extension": (b"5;x=y\r\nhello\r\n0\r\n\r\n", 5, None, "IncompleteBody"),
    "signature where none is due": (
        b"5;chunk-signature=" + b"0" * 64 + b"\r\nhello\r\n0\r\n\r\n",
        5,
        None,
        "IncompleteBody",
    ),
    "bare line feed": (b"5\nhello\n0\n\n", 5, None, "IncompleteBody"),
    "carriage return in a line": (b"5\r\r\nhello\r\n0\r\n\r\n", 5, None, "IncompleteBody"),
    "data longer than its size": (b"5\r\nhello!\r\n0\r\n\r\n", 5, None, "IncompleteBody"),
    "no line break behind the data": (b"5\r\nhello0\r\n\r\n", 5, None, "IncompleteBody"),
    "second final chunk": (b"5\r\nhello\r\n0\r\n0\r\n\r\n", 5, None, "MalformedTrailerError"),
    "no empty line at the end": (b"5\r\nhello\r\n0\r\n", 5, None, "IncompleteBody"),
    "trailer not announced": (GOOD, 5, None, "MalformedTrailerError"),
    "other trailer than announced": (GOOD, 5, "x-amz-checksum-sha256", "MalformedTrailerError"),
    "announced trailer not sent": (b"5\r\nhello\r\n0\r\n\r\n", 5, "x-amz-checksum-crc32", "MalformedTrailerError"),
    "trailer sent twice": (GOOD[:-2] + GOOD[13:], 5, "x-amz-checksum-crc32", "MalformedTrailerError"),
    "trailer without value": (
        b"0\r\nx-amz-checksum-crc32:\r\n\r\n",
        0,
        "x-amz-checksum-crc32",
        "MalformedTrailerError",
    ),
    "trailer without colon": (b"0\r\nx-amz-checksum-crc32\r\n\r\n", 0, "x-amz-checksum-crc32", "MalformedTrailerError"),
    "long trailer": (b"0\r\nx-amz-checksum-crc32:" + b"A" * 40_000, 0, "x-amz-checksum-crc32", "MalformedTrailerError"),
    "signed trailer where none is due": (
        GOOD[:-2] + b"x-amz-trailer-signature:" + b"0" * 64 + b"\r\n\r\n",
        5,
        "x-amz-checksum-crc32",
        "MalformedTrailerError",
    ),
    "unknown trailer": (GOOD, 5, "x-amz-meta-x", "InvalidRequest"),
    "trailer announced twice": (GOOD, 5, "x-amz-checksum-crc32,x-amz-checksum-crc32", "InvalidRequest"),
    "no decoded length": (GOOD, None, "x-amz-checksum-crc32", "MissingContentLength"),
    "negative decoded length": (GOOD, -5, "x-amz-checksum-crc32", "MissingContentLength"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_body_is_refused(name):
    body, decoded, announced, code = REFUSED[name]

    assert code_of(lambda: take(unsigned(body, decoded=decoded, announced=announced))) == code


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_no_bytes_crash_the_decoder(junk, cuts):
    with contextlib.suppress(ServiceError):
        take(unsigned(junk, decoded=5, announced=None, pieces=cut(junk, cuts) if junk else [b""]))
