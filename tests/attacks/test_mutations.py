"""Random bytes, and valid requests with something altered, through the whole server: no bug's answer and no effect.

Every module's own parser is fuzzed beside it (`tests/gateway`); here the same goes over a socket, signed, so that it
gets behind the signature. `HYPOTHESIS_PROFILE=thorough` tries ten times as much.
"""

import json
import urllib.parse

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attacks.attacker import JSON_TYPE, UNSIGNED, md5, request
from tests.attacks.calls import CALLS, QUEUE_URL

pytestmark = pytest.mark.usefixtures("unchanged")
EXAMPLES = settings().max_examples * 2 // 5
every = settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
junk = st.one_of(st.binary(max_size=300), st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
words = st.sampled_from(
    [b"<", b">", b"</", b"&", b";", b"%", b"%00", b"\x00", b"\xff", b"{", b"}", b"[", b'"', b"\\u", b"9" * 40, b"=",
     b"+", b"\r\n", b"\n", b"-1", b"..", b"/", b"\xed\xa0\x80", b"$", b"e400", b"null", b"*"]
)  # fmt: skip
NOTIFICATION = (
    b"<NotificationConfiguration><QueueConfiguration><Queue>arn:aws:sqs:us-east-1:000000000000:q</Queue>"
    b"<Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>"
)
LOCATION = b"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"
POLICY = b'{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}'
BLOCK = b"<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>"
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n'
    b'--b\r\nContent-Disposition: form-data; name="policy"\r\n\r\ne30=\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n--b--\r\n'
)


def has_no_bug(answers) -> bool:
    return all(answer.status < 500 or answer.status == 501 for answer in answers)


@st.composite
def altered(draw, original: bytes):
    """Return a text with a few pieces put in, left out or replaced."""
    text = original
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 8)))
        text = text[:at] + draw(st.one_of(words, st.binary(max_size=4))) + text[end:]
    return text


@pytest.mark.parametrize("name", CALLS)
@every
@given(data=st.data())
def test_altered_request_has_no_effect(root, name, data):
    call = CALLS[name]
    # Signed with another secret, so that no alteration can be the one that makes it right.
    sent = request(call.method, call.target, call.signed(root, secret="guessed"), call.body)
    changed = data.draw(altered(sent))

    answers = root.exchange(changed, *[call.method] * 20)

    assert has_no_bug(answers), (changed, answers)
    # What is no signature any more is nobody's request: that for many deletions is refused key by key.
    assert all(answer.status >= 400 or b"<Code>AccessDenied</Code>" in answer.body for answer in answers), answers


@every
@given(sent=st.lists(st.one_of(words, junk, st.sampled_from([b"GET / HTTP/1.1\r\n", b"host: x\r\n", b"\r\n\r\n"]))))
def test_any_bytes_are_answered_without_a_bug(root, sent):
    answers = root.exchange(b"".join(sent))

    assert has_no_bug(answers)


@pytest.mark.parametrize(
    ("method", "target", "document"),
    [
        ("POST", "/kept?delete", b"<Delete><Quiet>true</Quiet><Object><Key>none</Key></Object></Delete>"),
        (
            "POST",
            "/kept/none?uploadId=x",
            b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>",
        ),
        ("PUT", "/none?tagging", b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"),
        ("PUT", "/kept/none?tagging", b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"),
        ("PUT", "/none?notification", NOTIFICATION),
        ("PUT", "/UPPER", LOCATION),
        ("PUT", "/none?policy", POLICY),
        ("PUT", "/none?publicAccessBlock", BLOCK),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
@every
@given(data=st.data())
def test_altered_document_of_s3_is_answered_without_a_bug(root, method, target, document, data):
    body = data.draw(st.one_of(altered(document), junk))

    answer = root.ask(method, target, {"content-md5": md5(body)}, body)

    assert has_no_bug([answer]), answer


JSON_CALLS = {
    "SendMessage": {"QueueUrl": "http://x/000000000000/none", "MessageBody": "a", "DelaySeconds": 1,
                    "MessageAttributes": {"a": {"DataType": "String", "StringValue": "b"}}},
    "SendMessageBatch": {"QueueUrl": "http://x/000000000000/none", "Entries": [{"Id": "a", "MessageBody": "b"}]},
    "ReceiveMessage": {"QueueUrl": "http://x/000000000000/none", "MaxNumberOfMessages": 1, "AttributeNames": ["All"]},
    "DeleteMessage": {"QueueUrl": QUEUE_URL, "ReceiptHandle": "AQEB"},
    "ChangeMessageVisibility": {"QueueUrl": QUEUE_URL, "ReceiptHandle": "AQEB", "VisibilityTimeout": 1},
    "SetQueueAttributes": {"QueueUrl": "http://x/000000000000/none", "Attributes": {"Policy": "{}"}},
    "CreateQueue": {"QueueName": "a/b", "Attributes": {"RedrivePolicy": "{}"}, "tags": {"a": "b"}},
    "ListQueues": {"QueueNamePrefix": "x", "MaxResults": 1, "NextToken": "t"},
    "TagQueue": {"QueueUrl": "http://x/000000000000/none", "Tags": {"a": "b"}},
}  # fmt: skip


@pytest.mark.parametrize("operation", JSON_CALLS)
@every
@given(data=st.data())
def test_altered_json_is_answered_without_a_bug(root, operation, data):
    body = data.draw(st.one_of(altered(json.dumps(JSON_CALLS[operation]).encode()), junk))
    if b"kept-queue" in body or operation != "CreateQueue" or b"a/b" in body:
        answer = root.json("sqs", operation, body)
        assert has_no_bug([answer]), answer


QUERY_CALLS = {
    "sqs": [
        {"Action": "SendMessage", "QueueUrl": "http://x/000000000000/none", "MessageBody": "a", "DelaySeconds": "1"},
        {"Action": "SendMessageBatch", "QueueUrl": "http://x/000000000000/none",
         "SendMessageBatchRequestEntry.1.Id": "a", "SendMessageBatchRequestEntry.1.MessageBody": "b"},
        {"Action": "DeleteMessage", "QueueUrl": QUEUE_URL, "ReceiptHandle": "AQEB"},
        {"Action": "GetQueueAttributes", "QueueUrl": QUEUE_URL, "AttributeName.1": "All"},
    ],
    "iam": [
        {"Action": "GetUser", "UserName": "none"},
        {"Action": "ListUsers", "PathPrefix": "/", "MaxItems": "1", "Marker": "x"},
        {"Action": "PutUserPolicy", "UserName": "none", "PolicyName": "a", "PolicyDocument": "{}"},
        {"Action": "TagUser", "UserName": "none", "Tags.member.1.Key": "a", "Tags.member.1.Value": "b"},
        {"Action": "GetPolicy", "PolicyArn": "arn:aws:iam::000000000000:policy/none"},
    ],
    "sts": [
        {"Action": "GetCallerIdentity"},
        {"Action": "AssumeRole", "RoleArn": "arn:aws:iam::000000000000:role/none", "RoleSessionName": "a"},
    ],
}  # fmt: skip
_VERSIONS = {"sqs": "2012-11-05", "iam": "2010-05-08", "sts": "2011-06-15"}


@pytest.mark.parametrize("service", QUERY_CALLS)
@every
@given(data=st.data())
def test_altered_query_is_answered_without_a_bug(root, service, data):
    call = data.draw(st.sampled_from(QUERY_CALLS[service])) | {"Version": _VERSIONS[service]}
    body = data.draw(st.one_of(altered(urllib.parse.urlencode(call).encode()), junk))

    answer = root.query(service, body)

    assert has_no_bug([answer]), answer


HEADERS = [
    "range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "content-type", "content-md5",
    "content-encoding", "expires", "cache-control", "x-amz-copy-source", "x-amz-copy-source-range", "x-amz-tagging",
    "x-amz-acl", "x-amz-storage-class", "x-amz-checksum-crc32", "x-amz-checksum-sha256", "x-amz-sdk-checksum-algorithm",
    "x-amz-trailer", "x-amz-decoded-content-length", "x-amz-meta-a", "x-amz-metadata-directive", "x-amz-mp-object-size",
    "x-amz-object-attributes", "x-amz-expected-bucket-owner", "x-amz-checksum-mode", "x-amz-server-side-encryption",
    "x-amz-copy-source-if-modified-since", "x-amz-website-redirect-location", "x-amz-object-lock-mode",
    "x-amz-bypass-governance-retention", "x-amz-request-payer", "x-amz-max-parts", "x-amz-part-number-marker",
]  # fmt: skip
QUERIES = [
    "acl", "tagging", "policy", "versions", "uploads", "delete", "attributes", "location", "versionId", "uploadId",
    "partNumber", "list-type", "prefix", "delimiter", "max-keys", "marker", "continuation-token", "start-after",
    "encoding-type", "fetch-owner", "key-marker", "version-id-marker", "upload-id-marker", "max-uploads", "max-parts",
    "part-number-marker", "response-expires", "response-content-type", "notification", "versioning", "max-buckets",
    "bucket-region", "x-id", "session", "select", "restore", "torrent", "retention", "legal-hold", "object-lock",
]  # fmt: skip
texts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, blacklist_characters="\x7f"), max_size=30)
values = st.one_of(
    texts,
    st.sampled_from(
        ["", "0", "1", "-1", "2", "9" * 30, "1e9", "null", "true", "*", "bytes=0-", "bytes=-0", "/kept/object"]
    ),
)


@every
@given(
    method=st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE"]),
    path=st.sampled_from(["/", "/none", "/none/key", "/none/a%2fb", "/kept", "/kept/none", "/kept/object"]),
    query=st.dictionaries(st.sampled_from(QUERIES), st.text(max_size=20), max_size=3),
    headers=st.dictionaries(st.sampled_from(HEADERS), values.map(str.strip), max_size=3),
    body=junk,
)
def test_any_request_of_s3_is_answered_without_a_bug(root, method, path, query, headers, body):
    if method in {"PUT", "POST", "DELETE"} and path.startswith("/kept"):
        method = "GET"  # reads meet what is there, writes what is not
    if method == "PUT" and path in {"/none", "/"}:
        path = "/none/key"
    encoded = urllib.parse.urlencode({n: v.encode("utf-8", "surrogatepass") for n, v in query.items()})
    target = path + ("?" + encoded if query else "")
    sent = body if method in {"PUT", "POST"} else b""

    signed = root.sign(method, target, headers, sent, payload=UNSIGNED)
    answers = root.exchange(request(method, target, signed, sent) + health(root), method, "GET")

    assert has_no_bug(answers), answers
    assert len(answers) == 2 or answers[0].headers.get("connection") == "close"


def health(who) -> bytes:
    return request("GET", "/_cumulo/health/live", [("host", who.place)])


@every
@given(value=st.one_of(texts, st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore").decode("latin-1"))))
def test_any_authorization_is_answered_without_a_bug(root, value):
    value = "".join(letter for letter in value if letter >= " " and letter != "\x7f")

    for call in (CALLS["S3 get"], CALLS["SQS in JSON"], CALLS["IAM"]):
        answer = root.send(call.method, call.target, [*call.headers.items(), ("authorization", value)], call.body)
        assert 400 <= answer.status < 500 or answer.status == 501


@every
@given(body=st.one_of(junk, altered(FORM)), kind=st.one_of(st.just("multipart/form-data; boundary=b"), texts))
def test_any_form_is_answered_without_a_bug(root, body, kind):
    answer = root.send("POST", "/kept", [("content-type", kind.strip())], body)

    assert 400 <= answer.status < 500


@every
@given(chunks=st.one_of(junk, altered(b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n")))
def test_any_chunks_are_answered_without_a_bug(root, chunks):
    said = {
        "x-amz-decoded-content-length": "5",
        "x-amz-trailer": "x-amz-checksum-crc32",
        "content-encoding": "aws-chunked",
    }
    lines = root.sign("PUT", "/none/key", said, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER")

    answer = root.send("PUT", "/none/key", lines, chunks)

    assert answer.status in (400, 403, 404)


@every
@given(body=junk)
def test_any_cbor_is_answered_without_a_bug(root, body):
    for service in ("sqs", "monitoring"):
        assert 400 <= root.cbor(service, "ListMetrics", body).status <= 501


@every
@given(target=texts, body=junk)
def test_any_target_is_answered_without_a_bug(root, target, body):
    headers = {"content-type": JSON_TYPE, "x-amz-target": target.strip()}

    for service in ("sqs", "iam", "logs"):
        answer = root.ask("POST", "/", headers, body, service=service)
        assert 400 <= answer.status < 500 or answer.status == 501
