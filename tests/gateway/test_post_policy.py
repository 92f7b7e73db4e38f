"""POST forms: AWS's example, botocore's forms, and what a form or its policy may not be."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from unittest import mock

import pytest
from botocore import auth, awsrequest, credentials
from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.errors import ServiceError
from cumulo.gateway.post_form import FIELDS_BYTES_MAX, read_post_form
from cumulo.gateway.post_policy import check_post_head, open_form, read_policy
from cumulo.gateway.signature_errors import Refusal, SignatureError
from tests.gateway.signing_world import KEY_ID, SECRET, at, code_of, refusal_of, request, verifier

NOW = "20151229T000000Z"
BUCKET = "sigv4examplebucket"
BOUNDARY = "----WebKitFormBoundary7MA4YWxk"


def part(name, value, *options, headers=b""):
    disposition = "; ".join([f'form-data; name="{name}"', *options])
    return (
        f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n".encode()
        + headers
        + b"\r\n"
        + (value if isinstance(value, bytes) else value.encode())
        + b"\r\n"
    )


def form(fields, file=b"bytes of the file", *, file_name="photo.jpg", end=True, after=b"", pieces=1):
    options = [f'filename="{file_name}"'] if file_name is not None else []
    body = b"".join(part(name, value) for name, value in fields)
    if file is not None:
        body += part("file", file, *options, headers=b"Content-Type: image/jpeg\r\n")
    body += after + (f"--{BOUNDARY}--\r\n".encode() if end else b"")
    size = max(1, -(-len(body) // pieces))
    cut = [body[start : start + size] for start in range(0, len(body), size)]
    return request("POST", "/", [("Host", "h"), ("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")], cut)


def post(asked, *, bucket=BUCKET, clock=NOW, takes_version_2=False):
    """Take a form through all steps; return its fields and its file."""

    async def run():
        check_post_head(asked)
        got = await read_post_form(asked)
        opened = open_form(got, bucket, verifier(at(clock)), at(clock), takes_version_2=takes_version_2)
        return got, opened.verified, b"".join([bytes(piece) async for piece in opened.file])

    return asyncio.run(run())


def encode(policy):
    return base64.b64encode((policy if isinstance(policy, str) else json.dumps(policy)).encode()).decode()


SIGNED = {
    "x-amz-algorithm": "AWS4-HMAC-SHA256",
    "x-amz-credential": f"{KEY_ID}/20151229/us-east-1/s3/aws4_request",
    "x-amz-date": NOW,
}


def signed(conditions, fields, *, policy=None, expiration="2015-12-30T12:00:00.000Z", secret=SECRET, **changes):
    """Return a form's fields, with a policy that botocore's key derivation signs."""
    named = {**SIGNED, **changes}
    covering = [{name: value} for name, value in named.items()]
    document = {"expiration": expiration, "conditions": [*conditions, *covering]} if policy is None else policy
    text = encode(document)
    signer = auth.S3SigV4PostAuth(credentials.Credentials(KEY_ID, secret), "s3", "us-east-1")
    made = awsrequest.AWSRequest("POST", "/")
    made.context["timestamp"] = NOW
    signature = signer.signature(text, made)
    return [*fields, *named.items(), ("policy", text), ("x-amz-signature", signature)]


KEY = [{"bucket": BUCKET}, ["starts-with", "$key", "user/"]]

EXAMPLE_POLICY = (
    "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2"
    "NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMt"
    "cmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29t"
    "L3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4"
    "LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0s"
    "DQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZP"
    "RE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1B"
    "Qy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9"
)
EXAMPLE = [
    ("key", "user/user1/${filename}"),
    ("acl", "public-read"),
    ("success_action_redirect", "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"),
    ("Content-Type", "image/jpeg"),
    ("x-amz-meta-uuid", "14365123651274"),
    ("x-amz-server-side-encryption", "AES256"),
    ("X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"),
    ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
    ("X-Amz-Date", "20151229T000000Z"),
    ("x-amz-meta-tag", ""),
    ("Policy", EXAMPLE_POLICY),
    ("X-Amz-Signature", "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"),
]


@pytest.mark.parametrize("pieces", [1, 2, 7, 300, 5_000])
def test_example_of_the_s3_reference_is_taken(pieces):
    asked = form(EXAMPLE, b"jpeg\r\n--x" * 100, after=part("submit", "Upload"), pieces=pieces)

    got, verified, file = post(asked)

    assert verified.access_key_id == KEY_ID
    assert got.fields["key"] == "user/user1/photo.jpg"
    assert got.names["x-amz-date"] == "X-Amz-Date"
    assert got.file_content_type == "image/jpeg"
    assert file == b"jpeg\r\n--x" * 100


def test_form_of_botocore_is_taken():
    instant = datetime(2015, 12, 29, tzinfo=UTC)
    keys = credentials.Credentials(KEY_ID, SECRET)
    made = awsrequest.AWSRequest("POST", f"http://h/{BUCKET}")
    fields = {"key": "a/b"}
    conditions = [{"bucket": BUCKET}, {"key": "a/b"}, ["content-length-range", 1, 100]]
    made.context["s3-presign-post-fields"] = fields
    made.context["s3-presign-post-policy"] = {"expiration": "2015-12-29T01:00:00Z", "conditions": conditions}
    with mock.patch("botocore.auth.get_current_datetime", return_value=instant):
        auth.S3SigV4PostAuth(keys, "s3", "us-east-1").add_auth(made)

    assert post(form(fields.items()))[2] == b"bytes of the file"


def test_form_without_signature_is_anonymous():
    got, verified, file = post(form([("key", "k"), ("policy", "anything")]))

    assert verified is None
    assert file == b"bytes of the file"
    assert got.fields["key"] == "k"


def test_file_without_a_name_leaves_the_variable_as_it_is():
    got, _, _ = post(form([("key", "x-${filename}")], file_name=None))

    assert got.fields["key"] == "x-${filename}"


def test_path_of_a_browser_is_cut_off():
    got, _, _ = post(form([("key", "${filename}")], file_name="C:/pictures/../photo.jpg"))

    assert got.fields["key"] == "photo.jpg"


def test_condition_sees_the_key_with_the_files_name():
    fields = signed([{"bucket": BUCKET}, {"key": "user/photo.jpg"}], [("key", "user/${filename}")])

    assert post(form(fields))[0].fields["key"] == "user/photo.jpg"
    assert code_of(lambda: post(form(fields, file_name="other.jpg"))) == "AccessDenied"


def test_names_have_no_case_and_values_have():
    conditions = [{"bUcKeT": BUCKET}, ["StArTs-WiTh", "$KeY", "user/"], {"aCl": "private"}]

    post(form(signed(conditions, [("kEy", "user/x"), ("ACL", "private")])))
    assert code_of(lambda: post(form(signed(conditions, [("key", "User/x"), ("acl", "private")])))) == "AccessDenied"


def test_field_to_ignore_needs_no_condition():
    post(form(signed(KEY, [("key", "user/x"), ("x-ignore-foo", "bar")])))


@pytest.mark.parametrize("size", [5, 10])
def test_bounds_of_the_size_are_inclusive(size):
    for bounds in ([5, 10], ["5", "10"]):
        fields = signed([*KEY, ["content-length-range", *bounds]], [("key", "user/x")])
        assert len(post(form(fields, b"x" * size))[2]) == size


@pytest.mark.parametrize(
    ("size", "code", "values"),
    [
        (11, "EntityTooLarge", {"ProposedSize": 11, "MaxSizeAllowed": 10}),
        (4, "EntityTooSmall", {"ProposedSize": 4, "MinSizeAllowed": 5}),
        (0, "EntityTooSmall", {"ProposedSize": 0, "MinSizeAllowed": 5}),
    ],
)
def test_file_outside_the_bounds_is_refused(size, code, values):
    fields = signed([*KEY, ["content-length-range", 5, 10]], [("key", "user/x")])

    with pytest.raises(ServiceError) as caught:
        post(form(fields, b"x" * size))

    assert (caught.value.row.code, caught.value.values) == (code, values)


AGAINST = {
    "expired": (signed(KEY, [("key", "user/x")], expiration="2015-12-28T23:59:59Z"), "Policy expired."),
    "expires now": (signed(KEY, [("key", "user/x")], expiration="2015-12-29T00:00:00Z"), "Policy expired."),
    "other bucket": (
        signed([{"bucket": "other"}, KEY[1]], [("key", "user/x")]),
        'Policy Condition failed: ["eq", "$bucket", "other"]',
    ),
    "bucket field of another bucket": (
        signed([{"bucket": "other"}, KEY[1]], [("key", "user/x"), ("bucket", "other")]),
        'Policy Condition failed: ["eq", "$bucket", "other"]',
    ),
    "wrong prefix": (
        signed(KEY, [("key", "users/x")]),
        'Policy Condition failed: ["starts-with", "$key", "user/"]',
    ),
    "absent field": (
        signed([*KEY, ["starts-with", "$Content-Type", ""]], [("key", "user/x")]),
        'Policy Condition failed: ["starts-with", "$Content-Type", ""]',
    ),
    "no dollar": (
        signed([*KEY, ["eq", "acl", "private"]], [("key", "user/x"), ("acl", "private")]),
        'Policy Condition failed: ["eq", "acl", "private"]',
    ),
    "field that nothing covers": (
        signed(KEY, [("key", "user/x"), ("X-Amz-Meta-Foo", "1")]),
        "Extra input fields: X-Amz-Meta-Foo",
    ),
    "size that is no number": (
        signed([*KEY, ["content-length-range", "test", "10"]], [("key", "user/x")]),
        'Policy Condition failed: ["content-length-range", "test", "10"]',
    ),
}


@pytest.mark.parametrize("name", AGAINST)
def test_form_against_its_policy_is_refused(name):
    fields, reason = AGAINST[name]

    with pytest.raises(ServiceError) as caught:
        post(form(fields))

    assert caught.value.row.http_status == 403
    assert caught.value.message == f"Invalid according to Policy: {reason}"


MALFORMED = {
    "not base64": ("!!", "invalid Base64 encoding."),
    "not UTF-8": (base64.b64encode(b"\xff").decode(), "invalid Base64 encoding."),
    "not JSON": (encode("{"), "Invalid JSON."),
    "a list": (encode("[]"), "Invalid JSON."),
    "deep": (encode("[" * 10_000), "Invalid JSON."),
    "NaN": (encode('{"expiration": NaN}'), "Invalid JSON."),
    "huge number": (encode('{"expiration": 1' + "0" * 5_000 + "}"), "Invalid JSON."),
    "member twice": (encode('{"conditions": [], "conditions": []}'), "Invalid JSON."),
    "other member": (encode({"Version": 1}), "Unexpected: 'version'"),
    "capital member": (encode({"EXPIRATION": 1}), "Unexpected: 'expiration'"),
    "no expiration": (encode({"conditions": []}), "Policy missing expiration."),
    "no conditions": (encode({"expiration": "2015-12-30T12:00:00Z"}), "Policy missing conditions."),
    "conditions no list": (
        encode({"expiration": "x", "conditions": {}}),
        "Invalid 'conditions' value: must be a List.",
    ),
    "expiration with offset": (
        encode({"expiration": "2011-09-13T07:52:58+02:00", "conditions": []}),
        "Invalid 'expiration' value: '2011-09-13T07:52:58+02:00'",
    ),
    "expiration of no day": (
        encode({"expiration": "2015-02-30T12:00:00Z", "conditions": []}),
        "Invalid 'expiration' value: '2015-02-30T12:00:00Z'",
    ),
    "condition of two": (
        encode({"expiration": "x", "conditions": [{"a": "b", "c": "d"}]}),
        "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
    ),
    "condition with a number": (
        encode({"expiration": "x", "conditions": [{"a": 1}]}),
        "Invalid Simple-Condition: value must be a string.",
    ),
    "condition with null": (encode({"expiration": "x", "conditions": [{"a": None}]}), "Invalid JSON."),
    "empty condition": (
        encode({"expiration": "x", "conditions": [[]]}),
        "Invalid Condition: missing operation identifier.",
    ),
    "unknown operation": (
        encode({"expiration": "x", "conditions": [["in", "$a", "b"]]}),
        "Invalid Condition: unknown operation 'in'.",
    ),
    "short condition": (
        encode({"expiration": "x", "conditions": [["eq", "$a"]]}),
        "Invalid eq: wrong number of arguments.",
    ),
    "short range": (
        encode({"expiration": "x", "conditions": [["content-length-range", 0]]}),
        "Invalid content-length-range: wrong number of arguments.",
    ),
    "float range": (encode({"expiration": "x", "conditions": [["content-length-range", 0, 5.5]]}), "Invalid JSON."),
    "number for a condition": (
        encode({"expiration": "x", "conditions": [7]}),
        "Invalid condition 7: must be a List or Object.",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_policy_is_refused(name):
    text, reason = MALFORMED[name]

    with pytest.raises(ServiceError) as caught:
        read_policy(text)

    assert caught.value.row.code == "InvalidPolicyDocument"
    assert caught.value.message == f"Invalid Policy: {reason}"


# The signature.

GOOD = signed(KEY, [("key", "user/x")])


def changed(**new):
    return form([(name, new.get(name.replace("-", "_"), value)) for name, value in GOOD])


def dropped(*names):
    return form([(name, value) for name, value in GOOD if name not in names])


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (changed(x_amz_signature="0" * 64), Refusal.MISMATCH),
        (changed(x_amz_signature="x"), Refusal.MISMATCH),
        (changed(policy=dict(GOOD)["policy"][:-4]), Refusal.MISMATCH),
        (form(signed(KEY, [("key", "user/x")], secret="")), Refusal.MISMATCH),
        (changed(x_amz_credential="AKIAX/20151229/us-east-1/s3/aws4_request"), Refusal.UNKNOWN_KEY),
        (changed(x_amz_credential=f"{KEY_ID}/20151229/us-east-1/sqs/aws4_request"), Refusal.SCOPE_SERVICE),
        (changed(x_amz_credential=f"{KEY_ID}/20151228/us-east-1/s3/aws4_request"), Refusal.SCOPE_DATE),
        (changed(x_amz_credential=KEY_ID), Refusal.CREDENTIAL_MALFORMED),
        (changed(x_amz_date="2015"), Refusal.DATE_MALFORMED),
        (changed(x_amz_algorithm="AWS4-ECDSA-P256-SHA256"), Refusal.UNSUPPORTED_MECHANISM),
        (dropped("x-amz-signature"), Refusal.INCOMPLETE),
        (dropped("x-amz-algorithm", "x-amz-credential"), Refusal.INCOMPLETE),
        (dropped("policy"), Refusal.INCOMPLETE),
        (form([("key", "k"), ("AWSAccessKeyId", KEY_ID), ("signature", "x")]), Refusal.UNSUPPORTED_VERSION),
        (form([*GOOD, ("x-amz-security-token", "t")]), Refusal.SESSION_INVALID),
        (form([*GOOD, ("x-amz-security-token", "expired")]), Refusal.SESSION_EXPIRED),
    ],
)
def test_form_with_a_wrong_signature_is_refused(asked, refusal):
    assert refusal_of(lambda: post(asked)) is refusal


def test_checksum_of_the_file_needs_no_condition():
    checksum = base64.b64encode(hashlib.sha256(b"bytes of the file").digest()).decode()

    got, verified, _ = post(form([*GOOD, ("x-amz-checksum-sha256", checksum)]))

    assert verified is not None
    assert got.fields["x-amz-checksum-sha256"] == checksum


def old_form(key, secret=SECRET, **more):
    """A form signed with version 2, as the clients of before 2014 sign it."""
    policy = encode({"expiration": "2030-01-01T00:00:00Z", "conditions": [["starts-with", "$key", "user/"]]})
    signature = base64.b64encode(hmac.digest(secret.encode(), policy.encode(), "sha1")).decode()
    fields = {"AWSAccessKeyId": key, "policy": policy, "signature": signature} | more
    return form([("key", "user/x"), *fields.items()])


def test_form_of_version_2_is_taken_where_the_server_says_so():
    got, verified, file = post(old_form(KEY_ID), takes_version_2=True)

    assert (verified.access_key_id, verified.region, file) == (KEY_ID, "us-east-1", b"bytes of the file")
    assert got.fields["key"] == "user/x"
    assert refusal_of(lambda: post(old_form(KEY_ID))) is Refusal.UNSUPPORTED_VERSION


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (lambda: old_form(KEY_ID, "another secret"), Refusal.MISMATCH),
        (lambda: old_form(KEY_ID, signature="é"), Refusal.MISMATCH),
        (lambda: old_form("AKIANOBODY", ""), Refusal.UNKNOWN_KEY),
        (lambda: form([*GOOD, ("AWSAccessKeyId", KEY_ID), ("signature", "x")]), Refusal.TWO_MECHANISMS),
        (lambda: form([("key", "k"), ("AWSAccessKeyId", KEY_ID)]), Refusal.INCOMPLETE),
        (lambda: form([("key", "k"), ("AWSAccessKeyId", KEY_ID), ("signature", "x")]), Refusal.INCOMPLETE),
    ],
)
def test_form_with_a_wrong_signature_of_version_2_is_refused(asked, refusal):
    assert refusal_of(lambda: post(asked(), takes_version_2=True)) is refusal


def test_missing_field_is_named_as_s3_names_it():
    with pytest.raises(SignatureError) as caught:
        post(dropped("x-amz-signature"))

    assert caught.value.service_error("s3").message == (
        "Bucket POST must contain a field named 'X-Amz-Signature'.  If it is specified, please check the order of the"
        " fields."
    )


@pytest.mark.parametrize(
    ("target", "line"),
    [
        (
            "/",
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=x/20151229/r/s3/aws4_request,SignedHeaders=host,Signature=y",
            ),
        ),
        ("/?X-Amz-Signature=y", ("x", "y")),
    ],
)
def test_second_signature_in_the_head_is_refused(target, line):
    made = form(GOOD)
    asked = request("POST", target, [*made.header_lines, line, ("x-amz-date", NOW)])

    with pytest.raises(SignatureError):
        check_post_head(asked)


@pytest.mark.parametrize("value", ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", "0" * 64])
def test_form_has_no_payload_mode(value):
    made = form(GOOD)
    asked = request("POST", "/", [*made.header_lines, ("x-amz-content-sha256", value)])

    assert refusal_of(lambda: check_post_head(asked)) is Refusal.PAYLOAD_NOT_HERE


# The form.


def of_type(content_type, body=b""):
    return request("POST", "/", [("Host", "h"), ("Content-Type", content_type)], body)


BAD_FORMS = {
    "no form": (of_type("text/html"), "PreconditionFailed"),
    "no boundary": (of_type("multipart/form-data"), "MalformedPOSTRequest"),
    "long boundary": (of_type("multipart/form-data; boundary=" + "x" * 300), "MalformedPOSTRequest"),
    "no body": (of_type("multipart/form-data; boundary=x"), "MalformedPOSTRequest"),
    "other boundary": (of_type("multipart/form-data; boundary=x", b"--y\r\n\r\n--y--"), "MalformedPOSTRequest"),
    "cut off": (form([("key", "k")], end=False), "MalformedPOSTRequest"),
    "no file": (form([("key", "k")], None), "InvalidArgument"),
    "two files": (form([("key", "k")], after=part("file", "x", 'filename="x"')), "InvalidArgument"),
    "field twice": (form([("key", "k"), ("KEY", "l")]), "InvalidArgument"),
    "fields too long": (form([("key", "k" * FIELDS_BYTES_MAX)]), "MaxPostPreDataLengthExceeded"),
    "many fields": (form([(f"x-ignore-{n}", "") for n in range(3_000)]), "MaxPostPreDataLengthExceeded"),
    "name that is no text": (form([("key", b"\xff")]), "MalformedPOSTRequest"),
}


@pytest.mark.parametrize("name", BAD_FORMS)
def test_form_is_refused(name):
    asked, code = BAD_FORMS[name]

    assert code_of(lambda: post(asked)) == code


def test_part_without_a_name_is_refused():
    body = f"--{BOUNDARY}\r\nContent-Disposition: attachment\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode()

    assert code_of(lambda: post(of_type(f"multipart/form-data; boundary={BOUNDARY}", body))) == "MalformedPOSTRequest"


def test_field_behind_the_file_is_ignored():
    got, _, file = post(form([("key", "k")], after=part("key", "other") + part("acl", "x" * 100_000)))

    assert got.fields == {"key": "k"}
    assert file == b"bytes of the file"


def test_file_streams_in_the_pieces_that_came():
    data = bytes(range(256)) * 4_096
    asked = form([("key", "k")], data, pieces=16)

    async def run():
        got = await read_post_form(asked)
        return [len(piece) async for piece in got.file]

    assert max(asyncio.run(run())) <= len(data) / 8


@given(st.binary(max_size=400))
def test_no_bytes_crash_the_form_reader(junk):
    body = form([("key", "k")])
    whole = bytes(body.body._pieces[0])
    half = len(whole) // 2
    try:
        post(of_type(f"multipart/form-data; boundary={BOUNDARY}", whole[:half] + junk + whole[half:]))
    except (ServiceError, SignatureError):
        return
