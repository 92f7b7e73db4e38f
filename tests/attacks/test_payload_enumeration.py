"""Every value of `x-amz-content-sha256`, in every form of authentication, on every operation of S3 (row 4).

What passes is written down here from AWS's pages, not taken from the server's own table. The bucket does not exist, so
that what passes changes nothing either; what is refused is told by the words about the header.
"""

import hashlib
import urllib.parse

import pytest

from cumulo.gateway.aws_model import Header, Query
from cumulo.gateway.aws_shapes import members_of
from cumulo.object_store.aws_s3 import SERVICE
from tests.attacks.attacker import UNSIGNED, Answer, request, sha256

pytestmark = pytest.mark.usefixtures("unchanged")
BUCKET = "nobody-made-this-bucket"
SIGNED = sha256(b"")
CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
CHUNKS_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
VALUES = (
    None,
    SIGNED,
    UNSIGNED,
    CHUNKS,
    CHUNKS_TRAILER,
    UNSIGNED_TRAILER,
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
    "STREAMING-UNSIGNED-PAYLOAD",
    "UNSIGNED",
    "unsigned-payload",
    "SIGNED",
    SIGNED.upper(),
    SIGNED[:-1],
    SIGNED + "0",
    hashlib.md5(b"", usedforsecurity=False).hexdigest(),
    "null",
)
VALID: dict[tuple[str, bool], set[str | None]] = {
    # (form, the operation streams its body): API reference, "Signature calculations for the authorization header" and
    # "Authenticating requests: using query parameters". Chunks are signed from the header's signature only.
    ("header", True): {SIGNED, UNSIGNED, CHUNKS, CHUNKS_TRAILER, UNSIGNED_TRAILER},
    ("header", False): {SIGNED, UNSIGNED},
    ("query", True): {None, SIGNED, UNSIGNED},
    ("query", False): {None, SIGNED, UNSIGNED},
    ("anonymous", True): {None, SIGNED, UNSIGNED, UNSIGNED_TRAILER},
    ("anonymous", False): {None, SIGNED, UNSIGNED},
}
STREAMING = {"PutObject", "UploadPart", "PutObjectAnnotation", "WriteGetObjectResponse"}
ELSEWHERE = {"WriteGetObjectResponse", "ListDirectoryBuckets"}
"""Whose address is another service's: they are nobody's here, whatever they say of their payload."""
OPERATIONS = sorted(name for name, it in SERVICE.operations.items() if name not in ELSEWHERE and not it.deprecated)


def asked(name: str) -> tuple[str, str, dict[str, str]]:
    """Return method, target and headers that mean an operation and nothing else."""
    operation = SERVICE.operations[name]
    path, _, query = operation.uri.partition("?")
    bucket = BUCKET if name != "CreateBucket" else BUCKET.upper()  # whose name is refused, so that it is not made
    path = path.replace("{Bucket}", bucket).replace("{Key+}", "key")
    pairs, headers = [query] if query else [], {}
    for member in members_of(operation.input):
        if isinstance(member.place, Query) and member.place.name in operation.required_query:
            pairs.append(f"{member.place.name}=1")
        if isinstance(member.place, Header) and member.place.name.lower() in operation.required_headers:
            headers[member.place.name.lower()] = f"/{BUCKET}/source"
    return operation.method, path + ("?" + "&".join(pairs) if pairs else ""), headers


def is_refused(answer: Answer) -> bool:
    """Tell a refusal because of the payload from any other answer."""
    return answer.status in (400, 403) and (b"x-amz-content-sha256" in answer.body or b"ECDSA-P256" in answer.body)


@pytest.mark.parametrize("form", ["header", "query", "anonymous"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_only_valid_payloads_pass(root, name, form):
    method = SERVICE.operations[name].method
    valid = VALID[form, name in STREAMING]

    sent = b"".join(stated(root, name, form, value) for value in VALUES)
    answers = root.exchange(sent, *[method] * len(VALUES))

    # The answer to a HEAD has no words: there the status tells it.
    passed = [(it.status != 400) if method == "HEAD" else not is_refused(it) for it in answers]
    assert dict(zip(VALUES, passed, strict=True)) == {value: value in valid for value in VALUES}


def stated(who, name: str, form: str, value: str | None) -> bytes:
    """Return a request for an operation that says `value` of its payload."""
    method, target, headers = asked(name)
    said = headers | ({} if value is None else {"x-amz-content-sha256": value})
    if value in {CHUNKS, CHUNKS_TRAILER, UNSIGNED_TRAILER}:
        said |= {"x-amz-decoded-content-length": "0", "content-encoding": "aws-chunked"}
    if form == "header":
        return request(method, target, who.sign(method, target, said, payload=value))
    if form == "query":
        target = who.presign(method, target, said)
    return request(method, target, who.with_host(said.items()))


@pytest.mark.parametrize("value", VALUES)
def test_presigned_query_may_name_its_payload_as_a_header_may(root, value):
    if value is None:
        return
    target = root.presign("PUT", f"/{BUCKET}/key", payload=value)

    answer = root.send("PUT", target)

    assert is_refused(answer) == (value not in VALID["query", True]), answer


@pytest.mark.parametrize("value", VALUES)
def test_form_says_nothing_of_its_payload_but_that_it_is_unsigned(root, value):
    body = b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nx\r\n--b--\r\n'
    said = {"content-type": "multipart/form-data; boundary=b"} | (
        {} if value is None else {"x-amz-content-sha256": value}
    )

    answer = root.send("POST", f"/{BUCKET}", said.items(), body)

    assert is_refused(answer) == (value not in {None, UNSIGNED}), answer


def test_every_operation_is_asked():
    assert len(OPERATIONS) >= 100
    assert {name for name in OPERATIONS if SERVICE.operations[name].input_stream} == STREAMING - ELSEWHERE
    assert all(urllib.parse.urlsplit(asked(name)[1]).path.startswith("/") for name in OPERATIONS)
