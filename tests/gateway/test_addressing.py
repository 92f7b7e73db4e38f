"""What a request is addressed to."""

import pytest

from cumulo.core.errors import ServiceError
from cumulo.gateway.addressing import (
    S3Address,
    ServiceDirectory,
    bucket_of_host,
    decoded_query,
    hostname,
    s3_address,
    scope_service,
)
from cumulo.gateway.http1 import Request, WholeBody

DOMAINS = ("s3.localhost", "localhost")
DIRECTORY = ServiceDirectory((("sqs", "AmazonSQS", "2012-11-05"), ("iam", "", "2010-05-08"), ("s3", "", "2006-03-01")))


def request(target: str = "/", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(
        method="GET",
        target=target,
        headers=named,
        header_lines=tuple(named.items()),
        peer="127.0.0.1",
        secure=False,
        body=WholeBody(b""),
    )


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("photos.s3.localhost:4566", "photos"),
        ("photos.localhost", "photos"),
        ("a.b.s3.localhost", "a.b"),
        ("s3.localhost:4566", ""),
        ("LOCALHOST:4566", ""),
        ("127.0.0.1:4566", ""),
        ("[::1]:4566", ""),
        ("example.org", ""),
    ],
)
def test_the_labels_in_front_of_the_longest_domain_name_the_bucket(host, bucket):
    assert bucket_of_host(host, DOMAINS) == bucket


@pytest.mark.parametrize(
    ("host", "path", "address"),
    [
        ("localhost", "/", S3Address("", "")),
        ("localhost", "/b", S3Address("b", "")),
        ("localhost", "/b/", S3Address("b", "")),
        ("localhost", "/b/k", S3Address("b", "k")),
        ("localhost", "/b//k/", S3Address("b", "/k/")),
        ("localhost", "/b/../c", S3Address("b", "../c")),
        ("localhost", "/b/a%2Fb%00%252e", S3Address("b", "a/b\x00%2e")),
        ("localhost", "/b/a+b", S3Address("b", "a+b")),
        ("localhost", "/b/%E2%82%AC", S3Address("b", "€")),
        ("b.localhost", "/k/l", S3Address("b", "k/l", virtual_host=True)),
        ("b.localhost", "/", S3Address("b", "", virtual_host=True)),
    ],
)
def test_a_path_is_decoded_once_and_its_key_is_data(host, path, address):
    assert s3_address(host, path, DOMAINS) == address


@pytest.mark.parametrize("path", ["/b/%", "/b/%4", "/b/%zz", "/b/%ff", "/b/%c0%ae", "/b/\xff"])
def test_a_path_that_is_no_encoded_utf8_is_refused(path):
    with pytest.raises(ServiceError, match="InvalidURI"):
        s3_address("localhost", path, DOMAINS)


def test_a_query_is_decoded_with_plus_as_a_blank():
    assert decoded_query("a=1&b&c=x%20y+z&d=%E2%82%AC") == (("a", "1"), ("b", ""), ("c", "x y z"), ("d", "€"))
    assert decoded_query("") == ()


def test_a_query_that_is_no_utf8_is_refused():
    with pytest.raises(ServiceError, match="InvalidURI"):
        decoded_query("a=%ff")


@pytest.mark.parametrize(
    ("text", "name"),
    [("Example.org", "example.org"), ("a:80", "a"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("::1", "::1")],
)
def test_a_host_is_named_without_its_port(text, name):
    assert hostname(text) == name


def test_the_scope_of_a_signature_names_the_service():
    header = "AWS4-HMAC-SHA256 Credential=AKIA/20261124/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"

    assert scope_service(request(authorization=header)) == "sqs"
    assert scope_service(request("/b?X-Amz-Credential=AKIA%2F20261124%2Fus-east-1%2Fs3%2Faws4_request")) == "s3"
    assert scope_service(request(authorization="Basic x")) == ""
    assert scope_service(request("/b?X-Amz-Credential=nonsense")) == ""


def test_an_unsigned_request_names_its_service_by_target_action_or_host():
    assert DIRECTORY.of_head({"x-amz-target": "AmazonSQS.SendMessage", "host": "localhost"}, ()) == "sqs"
    assert DIRECTORY.of_head({"host": "x"}, (("Action", "ListUsers"), ("Version", "2010-05-08"))) == "iam"
    assert DIRECTORY.of_head({"host": "sqs.us-east-1.localhost:4566"}, ()) == "sqs"
    assert DIRECTORY.of_head({"host": "sqs.us-east-1.localhost"}, (("Action", "ReceiveMessage"),)) == "sqs"
    assert DIRECTORY.of_head({"host": "localhost"}, (("Action", "ReceiveMessage"), ("Version", "1"))) == ""
    assert DIRECTORY.of_head({"host": "bucket.localhost"}, ()) == ""
    assert DIRECTORY.of_head({"host": "sqs.s3.localhost"}, ()) == ""
    assert DIRECTORY.of_head({"x-amz-target": "Nobody.Knows", "host": "sqs.localhost"}, ()) == ""
