"""Forged and altered requests against a running server: refused in AWS's words, and nothing is stored or changed."""

import http.client
import urllib.parse

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from lxml import etree

LIMIT_S = 10
BUCKET = "forged"
UNSIGNED_TRAILER = {
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x-amz-decoded-content-length": "5",
    "x-amz-trailer": "x-amz-checksum-crc32",
    "content-encoding": "aws-chunked",
}
CHUNKS = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"


def boto(server, service, key_id="", secret="", token=None):
    key = server.credentials
    return boto3.client(
        service,
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=key_id or key["access_key_id"],
        aws_secret_access_key=secret or key["secret_access_key"],
        aws_session_token=token,
        config=Config(retries={"max_attempts": 1}, signature_version="s3v4" if service == "s3" else None),
    )


@pytest.fixture(scope="module")
def s3(server):
    client = boto(server, "s3")
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="kept", Body=b"as it was")
    return client


def signed(server, method, path, headers, body=b"", secret=""):
    """Return the headers of a request that botocore signed; chunked where they say so, else with the body's hash."""
    key = server.credentials
    asked = AWSRequest(method, server.url + path, headers=headers, data=body)
    if "x-amz-trailer" in headers:
        asked.context["checksum"] = {"request_algorithm": {"in": "trailer"}}
    S3SigV4Auth(Credentials(key["access_key_id"], secret or key["secret_access_key"]), "s3", "us-east-1").add_auth(
        asked
    )
    return dict(asked.headers.items())


def send(server, method, path, headers, body=b""):
    place = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(place.netloc, timeout=LIMIT_S)
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, etree.fromstring(answer.read()).findtext("Code")
    finally:
        connection.close()


def unchanged(s3):
    listed = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    return [it["Key"] for it in listed] == ["kept"] and (
        s3.get_object(Bucket=BUCKET, Key="kept")["Body"].read() == b"as it was"
    )


def junk_query(key_id):
    credential = urllib.parse.quote(f"{key_id}/20240102/us-east-1/s3/aws4_request", safe="")
    return (
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date=20240102T030405Z"
        f"&X-Amz-Expires=604800&X-Amz-SignedHeaders=host&X-Amz-Signature={'0' * 64}"
    )


PATHS = {
    "put": ("PUT", f"/{BUCKET}/new", {}),
    "upload part": ("PUT", f"/{BUCKET}/new?partNumber=1&uploadId=x", {}),
    "copy": ("PUT", f"/{BUCKET}/new", {"x-amz-copy-source": f"/{BUCKET}/kept"}),
    "complete": ("POST", f"/{BUCKET}/new?uploadId=x", {}),
    "create upload": ("POST", f"/{BUCKET}/new?uploads", {}),
    "delete many": ("POST", f"/{BUCKET}?delete", {}),
    "delete": ("DELETE", f"/{BUCKET}/kept", {}),
    "policy": ("PUT", f"/{BUCKET}?policy", {}),
}


@pytest.mark.parametrize("name", PATHS)
def test_unsigned_chunks_under_a_wrong_signature_are_refused(server, s3, name):
    method, path, headers = PATHS[name]
    forged = signed(server, method, path, headers | UNSIGNED_TRAILER, secret="guessed")

    status, code = send(server, method, path, forged, CHUNKS)

    assert (status, code) in {(403, "SignatureDoesNotMatch"), (400, "InvalidArgument"), (501, "NotImplemented")}
    assert unchanged(s3)


@pytest.mark.parametrize("name", PATHS)
def test_unsigned_chunks_with_junk_in_the_query_are_refused(server, s3, name):
    method, path, headers = PATHS[name]
    target = path + ("&" if "?" in path else "?") + junk_query(server.credentials["access_key_id"])

    status, _ = send(server, method, target, headers | UNSIGNED_TRAILER, CHUNKS)

    assert status in {400, 403}
    assert unchanged(s3)


@pytest.mark.parametrize("name", PATHS)
def test_nobody_may_write_without_a_signature(server, s3, name):
    method, path, headers = PATHS[name]

    for more in ({}, UNSIGNED_TRAILER, {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}):
        status, _ = send(server, method, path, headers | more, CHUNKS if more == UNSIGNED_TRAILER else b"")
        assert status in {400, 403}
    assert unchanged(s3)


def test_form_under_a_wrong_signature_is_refused(server, s3):
    form = s3.generate_presigned_post(BUCKET, "new")
    fields = form["fields"] | {"x-amz-signature": "0" * 64}
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{fields[name]}\r\n' for name in fields]
    body = "".join(parts) + '--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nf\r\n--x--\r\n'

    answer = send(server, "POST", f"/{BUCKET}", {"content-type": "multipart/form-data; boundary=x"}, body.encode())

    assert answer == (403, "SignatureDoesNotMatch")
    assert unchanged(s3)


def test_body_that_was_not_signed_is_refused(server, s3):
    headers = signed(server, "PUT", f"/{BUCKET}/new", {}, b"signed")

    for body in (b"forged", b"", b"signed and more"):
        mine = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        status, code = send(server, "PUT", f"/{BUCKET}/new", mine, body)
        assert (status, code) == (400, "XAmzContentSHA256Mismatch")
    assert unchanged(s3)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"5\r\nhello\r\n0\r\n\r\n", "MalformedTrailerError"),
        (b"5\r\nhello\r\n", "IncompleteBody"),
        (b"4\r\nhell\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", "IncompleteBody"),
        (CHUNKS.replace(b"NhCmhg==", b"AAAAAA=="), "BadDigest"),
        (CHUNKS + b"more", "IncompleteBody"),
    ],
)
def test_chunks_that_are_not_as_announced_are_refused(server, s3, body, code):
    headers = signed(server, "PUT", f"/{BUCKET}/new", UNSIGNED_TRAILER)

    assert send(server, "PUT", f"/{BUCKET}/new", headers, body)[1] == code
    assert unchanged(s3)


@pytest.mark.parametrize("name", ["x-amz-copy-source", "x-amz-tagging", "x-amz-acl", "x-amz-storage-class"])
def test_header_added_to_a_presigned_url_is_refused(server, s3, name):
    url = s3.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "new"})
    target = url.removeprefix(server.url)

    assert send(server, "PUT", target, {name: f"/{BUCKET}/kept"}, b"x") == (403, "AccessDenied")
    assert unchanged(s3)


def test_url_presigned_for_another_method_is_refused(server, s3):
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "kept"})

    assert send(server, "DELETE", url.removeprefix(server.url), {}) == (403, "SignatureDoesNotMatch")
    assert unchanged(s3)


def code_of(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def test_session_is_nothing_without_its_own_token(server, s3):
    sts = boto(server, "sts")
    one, other = (sts.get_session_token()["Credentials"] for _ in range(2))
    key, secret = one["AccessKeyId"], one["SecretAccessKey"]

    def lists(token):
        return boto(server, "s3", key, secret, token).list_buckets

    assert lists(one["SessionToken"])()["Buckets"]
    assert code_of(lists(None)) == "InvalidAccessKeyId"
    assert code_of(lists(other["SessionToken"])) == "InvalidToken"
    assert code_of(lists(one["SessionToken"][:-2])) == "InvalidToken"
    assert code_of(boto(server, "s3", token=one["SessionToken"]).list_buckets) == "InvalidToken"


def test_key_is_refused_as_soon_as_it_is_disabled(server):
    iam = boto(server, "iam")
    iam.create_user(UserName="short-lived")
    made = iam.create_access_key(UserName="short-lived")["AccessKey"]
    sts = boto(server, "sts", made["AccessKeyId"], made["SecretAccessKey"])
    assert sts.get_caller_identity()["Arn"].endswith("user/short-lived")

    iam.update_access_key(UserName="short-lived", AccessKeyId=made["AccessKeyId"], Status="Inactive")

    assert code_of(sts.get_caller_identity) == "InvalidClientTokenId"


def test_unknown_and_known_key_are_refused_by_name_only(server):
    """S3 names an unknown key, as AWS does: an access key id is no secret."""
    wrong = boto(server, "s3", secret="guessed")
    unknown = boto(server, "s3", "AKIANOBODY0000000000", "guessed")

    assert code_of(wrong.list_buckets) == "SignatureDoesNotMatch"
    assert code_of(unknown.list_buckets) == "InvalidAccessKeyId"
