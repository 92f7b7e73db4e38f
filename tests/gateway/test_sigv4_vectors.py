"""AWS's published vectors: the SigV4 test suite, and the examples of S3's reference."""

import json
from pathlib import Path

import pytest

from cumulo.gateway.presented import read_signature
from cumulo.gateway.signature_errors import Refusal
from cumulo.gateway.sigv4 import canonical_request
from tests.gateway.signing_world import EMPTY_SHA256, at, refusal_of, request, verifier, verify_s3

SUITE = json.loads((Path(__file__).parent / "sigv4_vectors.json").read_text())["cases"]
SUITE_SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
LONG_TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUu"
    "wthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQc"
    "HNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/o"
    "LxBA=="
)
TOKENS = (
    "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
    LONG_TOKEN,
)
CLOCK = "20150830T123600Z"


def parse(text):
    """Return the request of a vector's text: UTF-8 as it goes over the wire, folded lines joined."""
    head, _, _body = text.encode("utf-8").decode("latin-1").partition("\n\n")
    first, *rest = head.splitlines()
    method, _, target = first.removesuffix(" HTTP/1.1").partition(" ")
    lines: list[tuple[str, str]] = []
    for line in rest:
        if line.startswith(" "):
            name, value = lines.pop()
            lines.append((name, f"{value} {line.strip()}"))
        else:
            name, _, value = line.partition(":")
            lines.append((name, value))
    return request(method, target, lines)


def served_as_signed(case):
    """Our servers route the path as sent, so a path that only normalises to the signed one is refused."""
    path = parse(SUITE[case]["header"]).path
    return "//" not in path and not {".", ".."} & set(path.split("/"))


def verify(case, form):
    asked = parse(SUITE[case][form])
    presented = read_signature(asked)
    assert presented is not None
    secrets = {("AKIDEXAMPLE", token): SUITE_SECRET for token in ("", *TOKENS)}
    return verifier(at(CLOCK), secrets).verify(asked, presented, "service", EMPTY_SHA256)


GOOD = sorted(case for case in SUITE if served_as_signed(case) and "token_not_signed" not in SUITE[case])
# Of these the suite's bodies are hashed, or their query says the same name twice: the canonical form has its own test.
BODIES = {"post-x-www-form-urlencoded", "post-x-www-form-urlencoded-parameters"}


def test_suite_is_whole():
    assert len(SUITE) == 38
    assert len(GOOD) > 20


@pytest.mark.parametrize("form", ["header", "query"])
@pytest.mark.parametrize("case", sorted(set(GOOD) - BODIES))
def test_request_of_the_suite_is_verified(case, form):
    assert verify(case, form).access_key_id == "AKIDEXAMPLE"


@pytest.mark.parametrize("case", sorted(case for case in SUITE if served_as_signed(case)))
def test_canonical_request_is_the_suites(case):
    asked = parse(SUITE[case]["header"])
    presented = read_signature(asked)
    expected = SUITE[case]["canonical"]

    assert presented is not None
    made = canonical_request(asked, presented, expected.rpartition("\n")[2])
    assert made == expected


@pytest.mark.parametrize("case", sorted(case for case in SUITE if not served_as_signed(case)))
def test_path_that_would_be_served_other_than_signed_is_refused(case):
    assert refusal_of(lambda: verify(case, "header")) is Refusal.URI_AMBIGUOUS


@pytest.mark.parametrize("case", [case for case in SUITE if "token_not_signed" in SUITE[case]])
def test_session_token_outside_the_signature_is_refused(case):
    assert refusal_of(lambda: verify(case, "header")) is Refusal.HEADERS_NOT_SIGNED
    assert refusal_of(lambda: verify(case, "query")) is Refusal.MISMATCH


HOST = ("Host", "examplebucket.s3.amazonaws.com")
DATE = ("x-amz-date", "20130524T000000Z")
EMPTY = ("x-amz-content-sha256", EMPTY_SHA256)
CREDENTIAL = "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"


def authorization(names, signature):
    return ("Authorization", f"AWS4-HMAC-SHA256 {CREDENTIAL},SignedHeaders={names},Signature={signature}")


S3_EXAMPLES = {
    "GET object": request(
        "GET",
        "/test.txt",
        [
            HOST,
            authorization(
                "host;range;x-amz-content-sha256;x-amz-date",
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
            ("Range", "bytes=0-9"),
            EMPTY,
            DATE,
        ],
    ),
    "PUT object": request(
        "PUT",
        "/test%24file.text",
        [
            HOST,
            ("Date", "Fri, 24 May 2013 00:00:00 GMT"),
            authorization(
                "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            ),
            DATE,
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
        ],
    ),
    "GET bucket lifecycle": request(
        "GET",
        "/?lifecycle",
        [
            HOST,
            authorization(
                "host;x-amz-content-sha256;x-amz-date",
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            ),
            DATE,
            EMPTY,
        ],
    ),
    "list objects": request(
        "GET",
        "/?max-keys=2&prefix=J",
        [
            HOST,
            authorization(
                "host;x-amz-content-sha256;x-amz-date",
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
            DATE,
            EMPTY,
        ],
    ),
    "presigned GET": request(
        "GET",
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
        "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        [HOST],
    ),
}


@pytest.mark.parametrize("name", S3_EXAMPLES)
def test_example_of_the_s3_reference_is_verified(name):
    verified = verify_s3(S3_EXAMPLES[name], at("20130524T000000Z"))

    assert verified.region == "us-east-1"
    assert verified.principal == "owner of AKIAIOSFODNN7EXAMPLE"
