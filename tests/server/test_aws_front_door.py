"""The AWS edge as a whole: which service a request is for, who may speak to it, and in which words it answers."""

import hashlib
import http.client
import json
import urllib.parse

import boto3
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from lxml import etree

from cumulo.gateway.aws_edge import FORM_BYTES_MAX
from tests.server.running import value_of

LIMIT_S = 10


def boto(server, service, region="us-east-1", **options):
    key = server.credentials
    return boto3.client(
        service,
        endpoint_url=options.pop("endpoint_url", server.url),
        region_name=region,
        aws_access_key_id=options.pop("access_key_id", key["access_key_id"]),
        aws_secret_access_key=options.pop("secret_access_key", key["secret_access_key"]),
        config=Config(retries={"max_attempts": 1}, **options),
    )


def send(server, method, path, body=b"", headers=(), service="", host=""):
    """Make one request, signed for `service` where one is named, to the server as `host`; return answer and body."""
    headers = dict(headers)
    place = urllib.parse.urlsplit(server.url)
    host = f"{host or place.hostname}:{place.port}"
    if service:
        key = server.credentials
        request = AWSRequest(method=method, url=f"http://{host}{path}", data=body, headers=headers)
        credentials = Credentials(key["access_key_id"], key["secret_access_key"])
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        signer(credentials, service, "us-east-1").add_auth(request)
        headers = dict(request.headers.items())
    connection = http.client.HTTPConnection(place.netloc, timeout=LIMIT_S)
    try:
        connection.request(method, path, body=body or None, headers={"Host": host} | headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def error_code(body):
    return etree.fromstring(body).findtext(".//{*}Code")


def test_regions_keep_their_queues_apart(server):
    here, there = boto(server, "sqs", "eu-west-1"), boto(server, "sqs", "mars-north-7")

    here.create_queue(QueueName="apart")

    assert [url.rsplit("/", 1)[1] for url in here.list_queues()["QueueUrls"]] == ["apart"]
    assert "QueueUrls" not in there.list_queues()


def test_a_bucket_is_found_by_its_host_and_by_its_path(server):
    s3, path = boto(server, "s3"), "/_cumulo/health/live"
    s3.create_bucket(Bucket="front-door")

    put, _ = send(server, "PUT", path, b"a key like a page", service="s3", host="front-door.s3.localhost")

    assert put.status == 200
    assert s3.get_object(Bucket="front-door", Key=path[1:])["Body"].read() == b"a key like a page"
    assert send(server, "GET", path, service="s3", host="front-door.localhost")[1] == b"a key like a page"
    assert send(server, "GET", path)[1] == b"ok\n"


@pytest.mark.parametrize("name", ["metrics", "console", "healthz"])
def test_a_bucket_may_bear_the_name_of_a_page(server, name):
    s3 = boto(server, "s3")

    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="health", Body=b"x")

    assert s3.get_object(Bucket=name, Key="health")["Body"].read() == b"x"


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("batch", lambda client: client.describe_job_queues()),
        ("cloudwatch", lambda client: client.list_metrics()),
        ("logs", lambda client: client.describe_log_groups()),
        ("s3", lambda client: client.get_bucket_abac(Bucket="front-door")),
    ],
)
def test_what_is_not_built_yet_is_refused_by_name_in_the_callers_protocol(server, service, call):
    with pytest.raises(ClientError) as refused:
        call(boto(server, service))

    answer = refused.value.response
    assert answer["Error"]["Code"] == "NotImplemented"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert answer["ResponseMetadata"]["RequestId"]


def test_a_service_that_nobody_knows_is_refused_by_name(server):
    answer, body = send(
        server, "POST", "/", b"{}", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}, service="dynamodb"
    )

    assert answer.status == 501
    assert json.loads(body)["__type"].endswith("#NotImplemented")
    assert "dynamodb" in json.loads(body)["message"]


@pytest.mark.parametrize("target", ["AmazonSQS.Nonsense", "AmazonSQS.", "AmazonSQS"])
def test_an_unknown_operation_is_refused_by_name(server, target):
    answer, body = send(
        server,
        "POST",
        "/",
        b"{}",
        {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"},
        service="sqs",
    )

    assert answer.status in (400, 404)
    assert "UnknownOperation" in json.loads(body)["__type"]


def test_an_unknown_action_is_refused_by_name(server):
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    answer, body = send(server, "POST", "/", b"Action=Nonsense&Version=2010-05-08", form, service="iam")

    assert answer.status == 400
    assert error_code(body) == "InvalidAction"


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/?Action=ListUsers&Version=2010-05-08", {}, 403, "MissingAuthenticationToken"),
        ("/?Action=GetCallerIdentity&Version=2011-06-15", {}, 403, "MissingAuthenticationToken"),
        ("/?Action=ListQueues&Version=2012-11-05", {}, 403, "AccessDenied"),
    ],
)
def test_a_call_without_a_signature_is_refused_in_its_services_words(server, path, headers, status, code):
    answer, body = send(server, "GET", path, headers=headers)

    assert answer.status == status
    assert error_code(body) == code


@pytest.mark.parametrize(
    ("service", "parameters", "status", "code"),
    [
        ("iam", b"Action=ListUsers&Version=2010-05-08", 403, "MissingAuthenticationToken"),
        ("sts", b"Action=GetCallerIdentity&Version=2011-06-15", 403, "MissingAuthenticationToken"),
        ("sqs", b"Action=ListQueues&Version=2012-11-05", 403, "AccessDenied"),
        ("sqs", b"Action=ListQueues&Version=2012-11-05&" + b"x" * 200_000, 403, "AccessDenied"),
        ("s3", b"Action=Nothing", 412, "PreconditionFailed"),
        ("s3", b"%ff&Action=ListQueues", 412, "PreconditionFailed"),
    ],
)
def test_a_form_that_nobody_signed_tells_the_service_by_its_parameters(server, service, parameters, status, code):
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}

    answer, body = send(server, "POST", "/", parameters, form)

    assert (answer.status, error_code(body)) == (status, code), service


def test_a_form_that_nobody_signed_is_bounded(server):
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    answer, _ = send(server, "POST", "/", b"Action=ListQueues&Version=2012-11-05&" + b"x" * FORM_BYTES_MAX, form)

    assert answer.status in (400, 413)


def test_boto3_may_send_to_an_open_queue_without_a_signature(server):
    sqs = boto(server, "sqs")
    url = sqs.create_queue(QueueName="open-to-forms")["QueueUrl"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
    )
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    answer, _ = send(
        server,
        "POST",
        "/000000000000/open-to-forms",
        b"Action=SendMessage&Version=2012-11-05&MessageBody=hello",
        form,
    )

    assert answer.status == 200
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"


def test_a_request_that_names_no_operation_is_refused_as_aws_does(server):
    sqs, sqs_body = send(server, "GET", "/000000000000/any", service="sqs")
    json_call, json_body = send(
        server, "POST", "/", b"{}", {"Content-Type": "application/x-amz-json-1.0"}, service="sqs"
    )
    iam, iam_body = send(server, "GET", "/", service="iam")

    assert (sqs.status, sqs_body) == (404, b"<UnknownOperationException/>\n")
    assert json_call.status == 400
    assert json.loads(json_body)["__type"] == "com.amazon.coral.service#UnknownOperationException"
    assert (iam.status, error_code(iam_body)) == (400, "MissingAction")


@pytest.mark.parametrize(
    ("parameters", "version"), [("", "NO_VERSION_SPECIFIED"), ("&Version=2001-01-01", "2001-01-01")]
)
def test_iam_and_sts_know_one_version_each(server, parameters, version):
    for service, action in (("iam", "GetUser"), ("sts", "GetCallerIdentity")):
        answer, body = send(server, "GET", f"/?Action={action}{parameters}", service=service)

        assert (answer.status, error_code(body)) == (400, "InvalidAction")
        assert f"Could not find operation {action} for version {version}".encode() in body


def test_sqs_needs_no_version(server):
    answer, body = send(server, "GET", "/?Action=ListQueues", service="sqs")

    assert answer.status == 200, body


@pytest.mark.parametrize(
    ("options", "code", "query_code"),
    [
        ({"secret_access_key": "x" * 40}, "SignatureDoesNotMatch", "InvalidSignatureException"),
        ({"access_key_id": "AKIA" + "A" * 16}, "InvalidClientTokenId", "UnrecognizedClientException"),
    ],
)
def test_a_key_that_does_not_hold_is_forbidden_in_both_protocols_of_sqs(server, options, code, query_code):
    with pytest.raises(ClientError) as refused:
        boto(server, "sqs", **options).list_queues()

    answer = refused.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert (answer["Error"]["Code"], answer["Error"]["QueryErrorCode"]) == (code, query_code)


def test_a_json_call_without_a_signature_is_refused_in_json(server):
    answer, body = send(server, "POST", "/", b"{}", {"X-Amz-Target": "Logs_20140328.DescribeLogGroups"})

    assert answer.status == 400
    assert json.loads(body)["__type"].endswith("#MissingAuthenticationTokenException")
    assert answer.getheader("x-amzn-requestid")


def test_the_path_of_a_query_call_is_its_queue(server):
    boto(server, "sqs").create_queue(QueueName="by-path")

    answer, body = send(
        server,
        "POST",
        "/000000000000/by-path",
        b"Action=SendMessage&Version=2012-11-05&MessageBody=hello",
        {"Content-Type": "application/x-www-form-urlencoded"},
        service="sqs",
    )

    assert answer.status == 200, body
    assert etree.fromstring(body).findtext(".//{*}MD5OfMessageBody") == "5d41402abc4b2a76b9719d911017c592"


def test_a_queues_policy_may_let_in_whoever_signs_nothing(server):
    sqs = boto(server, "sqs")
    url = sqs.create_queue(QueueName="open")["QueueUrl"]
    call = "/000000000000/open?Action=SendMessage&Version=2012-11-05&MessageBody=hello"

    refused, body = send(server, "GET", call)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    allowed, _ = send(server, "GET", call)

    assert (refused.status, error_code(body)) == (403, "AccessDenied")
    assert allowed.status == 200
    assert send(server, "GET", call.replace("SendMessage", "PurgeQueue"))[0].status == 403


def test_head_is_answered_without_a_body(server):
    answer, body = send(server, "HEAD", "/nobody-made-this-bucket/key", service="s3")

    assert answer.status in (403, 404)
    assert body == b""
    assert answer.getheader("x-amz-request-id")


def test_a_signature_for_one_service_does_not_serve_another(server):
    answer, body = send(
        server,
        "POST",
        "/",
        b"Action=ListUsers&Version=2010-05-08",
        {"Content-Type": "application/x-www-form-urlencoded"},
        service="sts",
    )

    assert answer.status == 400
    assert error_code(body) == "InvalidAction"


@pytest.mark.parametrize("service", ["s3", "sqs", "iam", "sts"])
def test_a_wrong_secret_is_refused(server, service):
    calls = {
        "s3": lambda client: client.list_buckets(),
        "sqs": lambda client: client.list_queues(),
        "iam": lambda client: client.list_users(),
        "sts": lambda client: client.get_caller_identity(),
    }

    with pytest.raises(ClientError) as refused:
        calls[service](boto(server, service, secret_access_key="a" * 40))

    assert refused.value.response["Error"]["Code"] in ("SignatureDoesNotMatch", "InvalidSignatureException")


def test_metrics_count_the_calls_of_the_aws_edge(server):
    before = value_of(server, "cumulo_aws_requests_total", service="sts", operation="GetCallerIdentity", status="OK")

    boto(server, "sts").get_caller_identity()

    after = value_of(server, "cumulo_aws_requests_total", service="sts", operation="GetCallerIdentity", status="OK")
    assert after == before + 1


def presigned_path(server, path, headers=None):
    key = server.credentials
    request = AWSRequest(method="PUT", url=f"{server.url}{path}", headers=headers)
    credentials = Credentials(key["access_key_id"], key["secret_access_key"])
    S3SigV4QueryAuth(credentials, "s3", "us-east-1", 60).add_auth(request)
    return request.url.removeprefix(server.url)


def test_headers_that_a_signer_wrote_into_the_query_count(server):
    s3 = boto(server, "s3")
    s3.create_bucket(Bucket="hoisted")
    path = presigned_path(server, "/hoisted/k?x-amz-meta-color=red&X-Amz-Storage-Class=NONE")

    refused, body = send(server, "PUT", path, b"x")
    stored, _ = send(server, "PUT", presigned_path(server, "/hoisted/k?X-Amz-Meta-Color=red"), b"x")

    assert (refused.status, error_code(body)) == (400, "InvalidStorageClass")
    assert stored.status == 200
    assert s3.head_object(Bucket="hoisted", Key="k")["Metadata"] == {"color": "red"}


def test_checksum_in_a_presigned_query_says_nothing_of_the_body(server):
    s3 = boto(server, "s3")
    s3.create_bucket(Bucket="hoisted-sum")
    path = "/hoisted-sum/k?x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32"

    stored, _ = send(server, "PUT", presigned_path(server, path), b"whoever holds the URL chooses it")

    assert stored.status == 200
    got = s3.get_object(Bucket="hoisted-sum", Key="k")
    assert got["Body"].read() == b"whoever holds the URL chooses it"


def test_a_signed_header_that_does_not_come_leaves_a_presigned_request_without_its_signature(server):
    boto(server, "s3").create_bucket(Bucket="absent-header")
    path = presigned_path(server, "/absent-header/k", {"x-amz-meta-color": "red"})

    refused, body = send(server, "PUT", path, b"x")
    stored, _ = send(server, "PUT", path, b"x", {"x-amz-meta-color": "red"})
    beside, body_beside = send(server, "PUT", path, b"x", {"x-amz-meta-color": "red", "x-amz-meta-size": "9"})

    assert (refused.status, error_code(body)) == (403, "SignatureDoesNotMatch")
    assert "x-amz-meta-color:\n" in str(etree.fromstring(body).findtext("CanonicalRequest"))
    assert stored.status == 200
    assert (beside.status, error_code(body_beside)) == (403, "AccessDenied")
    assert etree.fromstring(body_beside).findtext("HeadersNotSigned") == "x-amz-meta-size"


def test_a_signed_header_may_come_in_the_query_of_a_presigned_request(server):
    s3 = boto(server, "s3")
    s3.create_bucket(Bucket="signed-twice")
    path = presigned_path(server, "/signed-twice/k?X-Amz-Meta-Color=red", {"x-amz-meta-color": "red"})

    stored, _ = send(server, "PUT", path, b"x")
    sent_too, _ = send(server, "PUT", path, b"x", {"x-amz-meta-color": "red"})
    altered, body = send(server, "PUT", path, b"x", {"x-amz-meta-color": "blue"})

    assert (stored.status, sent_too.status) == (200, 200)
    assert (altered.status, error_code(body)) == (403, "SignatureDoesNotMatch")
    assert s3.head_object(Bucket="signed-twice", Key="k")["Metadata"] == {"color": "red"}


@pytest.mark.parametrize("said", ["UNSIGNED-PAYLOAD", "0" * 64])
def test_a_payload_hash_that_is_not_signed_says_nothing_of_a_presigned_body(server, said):
    s3 = boto(server, "s3")
    s3.create_bucket(Bucket="unsigned-hash")

    path = presigned_path(server, "/unsigned-hash/k")
    stored, _ = send(server, "PUT", path, b"something", {"x-amz-content-sha256": said})

    assert stored.status == 200
    assert s3.get_object(Bucket="unsigned-hash", Key="k")["Body"].read() == b"something"


def test_chunks_in_a_presigned_request_are_refused_behind_headers_that_are_not_signed(server):
    boto(server, "s3").create_bucket(Bucket="presigned-chunks")
    path = presigned_path(server, "/presigned-chunks/k")
    said = {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}

    unsigned, body = send(server, "PUT", path, b"x", {**said, "x-amz-decoded-content-length": "1"})
    chunks, body_of_chunks = send(server, "PUT", path, b"x", said)

    assert (unsigned.status, error_code(body)) == (403, "AccessDenied")
    assert etree.fromstring(body).findtext("HeadersNotSigned") == "x-amz-decoded-content-length"
    assert (chunks.status, error_code(body_of_chunks)) == (400, "InvalidArgument")


def test_conditions_that_a_signer_wrote_into_the_query_count_before_headers(server):
    s3 = boto(server, "s3")
    s3.create_bucket(Bucket="conditions")
    create = presigned_path(server, "/conditions/k?If-None-Match=%2A")
    replace = presigned_path(server, "/conditions/k?If-Match=d41d8cd98f00b204e9800998ecf8427e")

    first, _ = send(server, "PUT", create, b"first")
    second, body = send(server, "PUT", create, b"second", {"If-None-Match": '"0"'})
    third, body_of_third = send(server, "PUT", replace, b"third")

    assert first.status == 200
    assert (second.status, error_code(body)) == (412, "PreconditionFailed")
    assert (third.status, error_code(body_of_third)) == (412, "PreconditionFailed")
    assert s3.get_object(Bucket="conditions", Key="k")["Body"].read() == b"first"


def test_policies_see_only_what_a_presigned_request_says_of_its_payload_under_its_signature(server, monkeypatch):
    s3 = boto(server, "s3")
    s3.create_bucket(Bucket="hashes-only")
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::hashes-only/*",
        "Condition": {"StringEquals": {"s3:x-amz-content-sha256": "UNSIGNED-PAYLOAD"}},
    }
    s3.put_bucket_policy(Bucket="hashes-only", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    said = {"x-amz-content-sha256": hashlib.sha256(b"body").hexdigest()}
    monkeypatch.setattr(S3SigV4QueryAuth, "payload", lambda *_: said["x-amz-content-sha256"])
    signed_path = presigned_path(server, "/hashes-only/k?X-Amz-Content-Sha256=" + said["x-amz-content-sha256"])
    monkeypatch.undo()

    unsigned, body = send(server, "PUT", presigned_path(server, "/hashes-only/k"), b"body", said)
    signed, _ = send(server, "PUT", signed_path, b"body")
    other, body_of_other = send(server, "PUT", signed_path, b"else")

    assert (unsigned.status, error_code(body)) == (403, "AccessDenied")
    assert signed.status == 200
    assert (other.status, error_code(body_of_other)) == (400, "XAmzContentSHA256Mismatch")
