"""Signatures that are forged, borrowed, out of date or bound to less than what is asked (rows 1-3, 6-10, 12, 13).

Each attack is made on every transport: refused in its transport's words, and nothing is stored, changed or given away.
"""

import re

import pytest

from tests.attacks.attacker import QUERY_TYPE, UNSIGNED, sha256, stamp_of
from tests.attacks.calls import CALLS

pytestmark = pytest.mark.usefixtures("unchanged")
MISMATCH = {
    "s3": (403, "SignatureDoesNotMatch"),
    "query": (403, "SignatureDoesNotMatch"),
    "json": (403, "InvalidSignatureException"),
}
INCOMPLETE = {
    "s3": (400, "AuthorizationHeaderMalformed"),
    "query": (400, "IncompleteSignature"),
    "json": (400, "IncompleteSignatureException"),
}
every_call = pytest.mark.parametrize("name", CALLS)
UNSIGNED_CHUNKS = b"6\r\nforged\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
UNSIGNED_CHUNKS_HEADERS = {
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x-amz-decoded-content-length": "6",
    "x-amz-trailer": "x-amz-checksum-crc32",
    "content-encoding": "aws-chunked",
}


@every_call
@pytest.mark.parametrize("secret", ["guessed", "x" * 40, "AWS4"])
def test_wrong_secret_is_refused(root, name, secret):
    call = CALLS[name]

    assert call.send(root, call.signed(root, secret=secret)).refusal == MISMATCH[call.dialect]


@every_call
def test_signature_is_compared_whole(root, name):
    call = CALLS[name]
    lines = dict(call.signed(root))
    right = lines["authorization"].rpartition("=")[2]

    for wrong in (right[:-1], right[:-1] + ("0" if right[-1] != "0" else "1"), right.upper(), "0" * 64, right + "0"):
        forged = lines | {"authorization": lines["authorization"].replace(right, wrong)}
        if wrong != right:
            assert call.send(root, forged.items()).refusal == MISMATCH[call.dialect]


@every_call
def test_nobody_is_let_in_without_a_signature(root, name):
    call = CALLS[name]
    answer = call.send(root, call.headers.items())

    expected = {"s3": (403, "AccessDenied"), "sqs": (403, "AccessDenied")}
    if name == "SQS in JSON":
        assert answer.refusal == (403, "AccessDeniedException")
    elif name == "S3 delete many":  # as S3 does, each key is refused by itself
        assert re.findall("<Code>(.*?)</Code>", answer.body.decode()) == ["AccessDenied"]
    else:
        assert answer.refusal == expected.get(call.service, (403, "MissingAuthenticationToken"))


@pytest.mark.parametrize("name", [name for name in CALLS if name.startswith("S3")])
@pytest.mark.parametrize("secret", ["guessed", ""])
def test_unsigned_chunks_under_a_wrong_signature_are_refused(root, name, secret):
    call = CALLS[name]
    headers = call.headers | UNSIGNED_CHUNKS_HEADERS
    payload = UNSIGNED_CHUNKS_HEADERS["x-amz-content-sha256"]
    lines = root.sign(call.method, call.target, headers, payload=payload, secret=secret or "x")

    streams = name == "S3 put"
    expected = (403, "SignatureDoesNotMatch") if streams else (400, "InvalidArgument")
    assert root.send(call.method, call.target, lines, UNSIGNED_CHUNKS).refusal == expected


@pytest.mark.parametrize("name", [name for name in CALLS if name.startswith("S3")])
def test_unsigned_chunks_with_a_made_up_query_are_refused(root, name):
    call = CALLS[name]
    target = re.sub("(?<=X-Amz-Signature=).*", "0" * 64, call.presigned(root))

    answer = root.send(call.method, target, (call.headers | UNSIGNED_CHUNKS_HEADERS).items(), UNSIGNED_CHUNKS)

    assert answer.refusal == (403, "AccessDenied")
    assert b"<HeadersNotSigned>" in answer.body


@every_call
def test_presigned_call_is_signed_with_the_secret(root, name):
    call = CALLS[name]

    for secret in ("guessed", root.key_id):
        answer = call.send_presigned(root, call.presigned(root, secret=secret))
        assert answer.refusal == MISMATCH[call.dialect]


@every_call
def test_presigned_call_made_of_public_data_alone_is_refused(root, name):
    """The hash of what is to be signed is no signature, keyed by nothing or by what everybody knows."""
    call = CALLS[name]
    target = call.presigned(root)

    for made in (sha256(target.encode()), sha256(root.key_id.encode()), sha256(b""), "", "null", "0"):
        forged = re.sub("(?<=X-Amz-Signature=).*", made, target)
        assert call.send_presigned(root, forged).refusal == MISMATCH[call.dialect]


@every_call
@pytest.mark.parametrize(
    "header",
    [
        ("x-amz-copy-source", "/kept/object"),
        ("x-amz-tagging", "a=b"),
        ("x-amz-storage-class", "GLACIER"),
        ("x-amz-acl", "public-read"),
        ("x-amz-website-redirect-location", "http://evil"),
        ("x-amz-target", "AmazonSQS.DeleteQueue"),
        ("x-amz-meta-more", "x"),
        ("x-amz-security-token", "x"),
        ("x-amz-bypass-governance-retention", "true"),
    ],
    ids=lambda header: header[0],
)
def test_header_that_was_not_signed_is_refused(root, name, header):
    call = CALLS[name]
    if header[0] in call.headers:
        call = call._replace(headers={})
    by_header = call.send(root, (*call.signed(root), header))
    by_query = call.send_presigned(root, call.presigned(root), header)

    if header[0] == "x-amz-target" and call.service in ("iam", "sts"):  # JSON, which they do not speak
        expected = (400, "InvalidSignatureException")
    else:
        of_target = "json" if header[0] == "x-amz-target" else call.dialect
        expected = (403, "AccessDenied") if call.service == "s3" else MISMATCH[of_target]
    assert by_header.refusal == expected
    assert by_query.refusal == expected


@every_call
@pytest.mark.parametrize("left_out", ["host", "x-amz-date"])
def test_what_decides_must_be_signed(root, name, left_out):
    call = CALLS[name]

    answer = call.send(root, call.signed(root, unsigned=left_out))

    assert answer.refusal == ((403, "AccessDenied") if call.service == "s3" else MISMATCH[call.dialect])


@every_call
@pytest.mark.parametrize("change", ["unsorted", "twice", "upper case", "empty", "absent"])
def test_list_of_signed_headers_has_one_spelling(root, name, change):
    call = CALLS[name]
    lines = dict(call.signed(root))
    names = re.findall("SignedHeaders=([^,]+)", lines["authorization"])[0]
    wrong = {
        "unsorted": ";".join(reversed(names.split(";"))),
        "twice": f"{names};{names.rpartition(';')[2]}",
        "upper case": names.replace("host", "Host"),
        "empty": ";",
        "absent": f"{names};zzz",
    }[change]
    lines["authorization"] = lines["authorization"].replace(names, wrong)

    answer = call.send(root, lines.items())

    not_sent = MISMATCH if call.service != "s3" else INCOMPLETE
    assert answer.refusal == (not_sent if change == "absent" else INCOMPLETE)[call.dialect]


@every_call
@pytest.mark.parametrize("moved_s", [-3600, -930, 930, 3600, 86_400 * 365])
def test_old_and_early_signatures_are_refused(root, name, moved_s):
    call = CALLS[name]

    answer = call.send(root, call.signed(root, moved_s=moved_s))

    assert answer.refusal == ((403, "RequestTimeTooSkewed") if call.service == "s3" else MISMATCH[call.dialect])


@every_call
@pytest.mark.parametrize(
    "change",
    [
        {"day": "20200101"},
        {"scope_service": "dynamodb"},
        {"terminator": "aws4_requesT"},
        {"region": "us-west-2/x"},
        {"region": ""},
    ],
    ids=str,
)
def test_scope_of_another_day_or_service_is_refused(root, name, change):
    call = CALLS[name]
    lines = call.signed(root, **change)

    answer = call.send(root, lines)

    if "scope_service" in change:  # the scope says whose words are spoken: a service that is not offered
        assert answer.refusal in {(501, "NotImplemented"), (501, "NotImplementedException")}
    else:
        assert 400 <= answer.status <= 403
        assert answer.code in {
            "AuthorizationHeaderMalformed",
            "IncompleteSignature",
            "IncompleteSignatureException",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
        }


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("other", ["s3", "sqs", "iam", "sts"])
def test_signature_for_one_service_serves_no_other(root, name, other):
    call = CALLS[name]
    if other == call.service:
        return

    answer = call.send(root, call.signed(root, scope_service=other))

    assert 400 <= answer.status < 500 or answer.refusal == (501, "NotImplemented")


@every_call
@pytest.mark.parametrize(
    ("changes", "s3"),
    [
        ({"moved_s": -1000, "expires": "900"}, (403, "AccessDenied")),
        ({"moved_s": 1000}, (403, "AccessDenied")),
        ({"moved_s": -604_900, "expires": "604800"}, (403, "AccessDenied")),
        ({"expires": "604801"}, (400, "AuthorizationQueryParametersError")),
        ({"expires": "-1"}, (400, "AuthorizationQueryParametersError")),
        ({"expires": "0"}, (403, "AccessDenied")),
        ({"expires": ""}, (400, "AuthorizationQueryParametersError")),
        ({"expires": "1e3"}, (400, "AuthorizationQueryParametersError")),
        ({"expires": "٩٠٠"}, (400, "AuthorizationQueryParametersError")),
        ({"expires": "9" * 5000}, (400, "AuthorizationQueryParametersError")),
        ({"expires": None}, (400, "AuthorizationQueryParametersError")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_presigned_call_outside_its_life_is_refused(root, name, changes, s3):
    call = CALLS[name]

    answer = call.send_presigned(root, call.presigned(root, **changes))

    others = MISMATCH if s3[0] == 403 else INCOMPLETE
    assert answer.refusal == (s3 if call.service == "s3" else others[call.dialect])


@every_call
@pytest.mark.parametrize("parameter", ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"])
def test_presigned_call_has_each_parameter_once(root, name, parameter):
    call = CALLS[name]
    target = call.presigned(root)
    pair = re.findall(f"X-Amz-{parameter}=[^&]*", target)[0]
    twice, none = f"{target}&{pair}", target.replace(pair, "")

    expected = (400, "AuthorizationQueryParametersError") if call.service == "s3" else INCOMPLETE[call.dialect]
    assert call.send_presigned(root, twice).refusal == expected
    answer = call.send_presigned(root, none)
    # Without a scope to be read nobody can tell IAM's words from S3's.
    assert answer.refusal == expected or (parameter == "Credential" and answer.status in (400, 403)), answer


@every_call
def test_presigned_call_serves_no_other_method_and_no_other_host(root, name):
    call = CALLS[name]
    target = call.presigned(root)

    for method in {"GET", "PUT", "POST", "DELETE", "HEAD"} - {call.method}:
        other = root.send(method, target, call.headers.items(), call.body)
        assert other.status in (400, 403, 405, 501)
    elsewhere = root.send(call.method, target, (("host", "evil.example:4566"), *call.headers.items()), call.body)
    assert elsewhere.refusal == MISMATCH[call.dialect]


@every_call
def test_two_authorizations_are_refused(root, name):
    call = CALLS[name]
    lines = call.signed(root)
    authorization = next(line for line in lines if line[0] == "authorization")

    for second in (authorization, ("Authorization", "Basic YTpi"), ("authorization", "")):
        assert call.send(root, (*lines, second)).refusal == INCOMPLETE[call.dialect]
        reversed_ = call.send(root, (second, *lines))
        assert reversed_.status in (400, 403)


@every_call
def test_header_and_query_at_once_are_refused(root, name):
    call = CALLS[name]
    lines = call.signed(root)

    answer = call.send(root, lines, target=call.presigned(root))

    assert answer.refusal == ((400, "InvalidArgument") if call.service == "s3" else INCOMPLETE[call.dialect])


@every_call
@pytest.mark.parametrize(
    "value",
    [
        "AWS {key}:frJIUN8DYpKDtOLCwo//yllqDzg=",
        "AWS4-HMAC-SHA1 Credential={key}/{day}/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=00",
        "AWS4-ECDSA-P256-SHA256 Credential={key}/{day}/{service}/aws4_request, SignedHeaders=host, Signature=3044",
        "Basic dXNlcjpwYXNz",
        "Bearer abc",
        "aws4-hmac-sha256 Credential={key}/{day}/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256",
        "",
    ],
    ids=lambda value: value[:14],
)
def test_other_ways_to_sign_are_refused(root, name, value):
    call = CALLS[name]
    lines = dict(call.signed(root))
    lines["authorization"] = value.format(key=root.key_id, day=stamp_of(0)[:8], service=call.service)

    answer = call.send(root, lines.items())

    assert answer.status in (400, 403, 412)


@every_call
def test_signature_of_version_2_in_the_query_is_refused(root, name):
    call = CALLS[name]
    more = f"AWSAccessKeyId={root.key_id}&Expires=4102444800&Signature=frJIUN8DYpKDtOLCwo%2F%2FyllqDzg%3D"
    target = call.target + ("&" if "?" in call.target else "?") + more

    assert call.send(root, call.headers.items(), target).status in (400, 403)
    assert call.send(root, call.signed(root), target).status in (400, 403)


@pytest.mark.parametrize("name", [name for name in CALLS if not name.startswith("S3")])
def test_body_that_was_not_signed_is_refused(root, name):
    call = CALLS[name]
    other = call._replace(body=call.body.replace(b"forged", b"altered").replace(b"Session", b"Federation"))
    lines = call.signed(root)

    if call.body:
        assert other.send(root, lines).refusal == MISMATCH[call.dialect]
        assert other._replace(body=b"").send(root, lines).refusal == MISMATCH[call.dialect]


@pytest.mark.parametrize("name", [name for name in CALLS if not name.startswith("S3")])
def test_only_s3_takes_an_unsigned_payload(root, name):
    call = CALLS[name]
    lines = root.sign(call.method, call.target, call.headers, service=call.service, payload=UNSIGNED)

    if call.body:
        assert call.send(root, lines).refusal == MISMATCH[call.dialect]


def test_query_call_is_not_read_as_json_nor_json_as_query(root):
    """A header that is not signed must not change what the signed body means."""
    call = CALLS["IAM"]
    lines = dict(call.signed(root)) | {"content-type": "application/json"}
    assert call.send(root, lines.items()).status == 400
    lines = dict(call.signed(root, unsigned="content-type")) | {"content-type": "application/json"}
    assert call.send(root, lines.items()).status == 400
    assert call.send(root, (*call.signed(root), ("smithy-protocol", "rpc-v2-cbor"))).status == 400


@pytest.mark.parametrize("service", ["iam", "sts"])
@pytest.mark.parametrize("target", [".CreateUser", ".GetSessionToken", "iam.CreateUser", "AmazonSQS.CreateQueue"])
def test_services_that_speak_query_alone_have_no_json(root, service, target):
    answer = root.ask("POST", "/", {"x-amz-target": target}, b'{"UserName":"by-json"}', service=service)

    assert answer.status == 400


def test_form_type_makes_no_form_of_a_signed_request(root):
    lines = root.sign("POST", "/kept", {"content-type": QUERY_TYPE}, b"x")

    assert root.send("POST", "/kept", lines, b"x").refusal == (400, "InvalidArgument")
