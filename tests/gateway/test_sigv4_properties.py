"""botocore's signers as oracle, and requests of which one byte was altered."""

import contextlib
from datetime import UTC, datetime
from unittest import mock
from urllib.parse import quote

import pytest
from botocore import auth, awsrequest, credentials
from hypothesis import assume, given
from hypothesis import strategies as st

from cumulo.gateway.presented import read_signature
from cumulo.gateway.signature_errors import SignatureError
from cumulo.gateway.sigv4 import canonical_request
from tests.gateway.signing import presign, sign
from tests.gateway.signing_world import EMPTY_SHA256, KEY_ID, SECRET, at, request, verifier, verify_s3

NOW = "20240102T030405Z"
INSTANT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
KEYS = credentials.Credentials(KEY_ID, SECRET)
HOST = "localhost:4566"

KEY = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
VALUE = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
QUERY = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(lambda name: name[:2] != "X-"),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    max_size=4,
)
META = st.dictionaries(st.from_regex(r"x-amz-meta-[a-z0-9]{1,8}", fullmatch=True), VALUE, max_size=4)


def url(path, query):
    text = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query.items())
    return f"http://{HOST}{path}" + (f"?{text}" if text else "")


def as_sent(made):
    """Return what botocore signed as our listener would see it."""
    lines = [("host", HOST), *((name, value) for name, value in made.headers.items() if name.lower() != "host")]
    return request(made.method, made.url.removeprefix(f"http://{HOST}"), lines)


@pytest.fixture(autouse=True)
def _fixed_time():
    with mock.patch("botocore.auth.get_current_datetime", return_value=INSTANT):
        yield


@given(KEY, QUERY, META, st.sampled_from(["GET", "PUT", "DELETE", "HEAD", "POST"]))
def test_what_botocore_signs_for_s3_is_verified(key, query, meta, method):
    made = awsrequest.AWSRequest(method, url("/bucket/" + quote(key, safe="/~"), query), headers=dict(meta), data=b"")
    auth.S3SigV4Auth(KEYS, "s3", "eu-central-1").add_auth(made)

    assert verify_s3(as_sent(made), at(NOW)).region == "eu-central-1"


@given(KEY, QUERY, st.integers(1, 604_800))
def test_what_botocore_presigns_for_s3_is_verified(key, query, expires):
    made = awsrequest.AWSRequest("GET", url("/bucket/" + quote(key, safe="/~"), query))
    auth.S3SigV4QueryAuth(KEYS, "s3", "us-east-1", expires=expires).add_auth(made)

    assert verify_s3(as_sent(made), at(NOW)).access_key_id == KEY_ID


@given(KEY, QUERY, st.binary(max_size=50))
def test_what_botocore_signs_for_other_services_is_verified(segment, query, body):
    path = "/000000000000/" + quote(segment, safe="~")
    assume(segment not in {".", ".."})
    headers = {"Content-Type": "application/x-amz-json-1.0"}
    made = awsrequest.AWSRequest("POST", url(path, query), data=body, headers=headers)
    signer = auth.SigV4Auth(KEYS, "sqs", "us-east-1")
    signer.add_auth(made)
    asked = as_sent(made)
    presented = read_signature(asked)

    assert presented is not None
    digest = signer.payload(made)
    assert canonical_request(asked, presented, digest).partition("\n")[0] == "POST"
    assert verifier(at(NOW)).verify(asked, presented, "sqs", digest).scope.service == "sqs"


def refused(asked):
    """Tell whether a request is served in nobody's name; one that lost its question mark bears no signature at all."""
    try:
        if read_signature(asked) is not None:
            verify_s3(asked, at(NOW))
            return False
    except SignatureError:
        pass
    return True


ORIGINALS = {
    "header": sign(method="GET", target="/bucket/some%20key?list-type=2&prefix=a%2Fb", stamp=NOW, token=""),
    "presigned": presign(method="GET", path="/bucket/some%20key", stamp=NOW),
}


@pytest.mark.parametrize("form", ORIGINALS)
@given(data=st.data())
def test_request_with_one_altered_byte_is_refused(form, data):
    """Every byte of method, target and signed headers. What says the same thing in two ways is left out, by name."""
    original = ORIGINALS[form]
    texts = [original.method, original.target, *(value for _, value in original.header_lines)]
    which = data.draw(st.integers(0, len(texts) - 1))
    place = data.draw(st.integers(0, len(texts[which]) - 1))
    new = chr(data.draw(st.integers(0x21, 0x7E)))
    before = texts[which][place]
    assume(new != before)
    texts[which] = texts[which][:place] + new + texts[which][place + 1 :]
    target = texts[1]
    # `%2f` and `%2F` are one octet; `+` and `%20` are one blank in a query, so no single byte turns one into the other.
    assume(not (which == 1 and new.lower() == before.lower() and original.target[place - 2 : place + 1].count("%")))
    lines = [(name, text) for (name, _), text in zip(original.header_lines, texts[2:], strict=True)]

    assert refused(request(texts[0], target, lines))


@pytest.mark.parametrize("form", ORIGINALS)
@given(data=st.data())
def test_request_with_one_byte_less_or_more_is_refused(form, data):
    """A `&` more beside another changes no parameter: it is not tried."""
    original = ORIGINALS[form]
    texts = [original.method, original.target, *(value for _, value in original.header_lines)]
    which = data.draw(st.integers(0, len(texts) - 1))
    place = data.draw(st.integers(0, len(texts[which])))
    text = texts[which]
    if data.draw(st.booleans()):
        assume(place < len(text))
        changed = text[:place] + text[place + 1 :]
    else:
        new = chr(data.draw(st.integers(0x21, 0x7E)))
        assume(not (which == 1 and new in "&#"))
        changed = text[:place] + new + text[place:]
    # `Credential=…, SignedHeaders=…`: the blank behind the comma is optional.
    assume(changed.replace(", ", ",") != text.replace(", ", ","))
    texts[which] = changed
    lines = [(name, value) for (name, _), value in zip(original.header_lines, texts[2:], strict=True)]

    assert refused(request(texts[0], texts[1], lines))


def test_originals_hold():
    for original in ORIGINALS.values():
        assert not refused(original)
    assert EMPTY_SHA256 in ORIGINALS["header"].headers.values()


@given(st.text(st.characters(max_codepoint=255), max_size=200))
def test_no_authorization_text_crashes(text):
    try:
        read_signature(request("GET", "/b/k", [("host", HOST), ("authorization", "AWS4-HMAC-SHA256 " + text)]))
    except SignatureError as error:
        error.service_error("s3"), error.service_error("query"), error.service_error("json")


@given(st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=100))
def test_no_query_crashes(text):
    for target in (f"/b/k?{text}", f"{ORIGINALS['presigned'].target}&{text}"):
        asked = request("GET", target, [("host", HOST)])
        with contextlib.suppress(SignatureError):
            if read_signature(asked) is not None:
                verify_s3(asked, at(NOW))
