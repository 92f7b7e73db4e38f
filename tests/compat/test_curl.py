"""curl with `--aws-sigv4`, the smallest client: no SDK, no checksum, the payload's hash or none."""

import random

import pytest

from tests.compat.client_programs import need, run

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]


@pytest.fixture
def curl(aws, tmp_path):
    """Run curl, signing for a service; return what it printed."""
    user = f"{aws['AWS_ACCESS_KEY_ID']}:{aws['AWS_SECRET_ACCESS_KEY']}"

    def call(service, *words, fails_with=0):
        flags = ("--silent", "--show-error", "--fail-with-body", "--user", user)
        signed = ("--aws-sigv4", f"aws:amz:{aws['AWS_REGION']}:{service}")
        program = need("curl", "curl")
        return run(program, *flags, *signed, *words, environment={}, cwd=tmp_path, fails_with=fails_with)

    return call


def unsigned_payload():
    return ("--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD")


def test_curl_puts_lists_and_gets(curl, server, bucket, tmp_path):
    content = random.Random(10).randbytes(3 << 20)
    (tmp_path / "up").write_bytes(content)
    place = f"{server.url}/{bucket}"

    curl("s3", *unsigned_payload(), "--upload-file", "up", f"{place}/folder/large")
    curl("s3", *unsigned_payload(), "--output", "down", f"{place}/folder/large")
    listed = curl("s3", *unsigned_payload(), f"{place}?list-type=2&prefix=folder%2F")
    curl("s3", *unsigned_payload(), "--request", "DELETE", f"{place}/folder/large")

    assert (tmp_path / "down").read_bytes() == content
    assert "<Key>folder/large</Key>" in listed
    assert "NoSuchKey" in curl("s3", *unsigned_payload(), f"{place}/folder/large", fails_with=22)


def test_curl_reaches_a_bucket_by_its_host(curl, server, bucket, tmp_path):
    port = server.url.rsplit(":", 1)[1]
    (tmp_path / "up").write_bytes(b"by host")
    place = f"http://{bucket}.s3.localhost:{port}/k"

    curl("s3", *unsigned_payload(), "--upload-file", "up", place)

    assert curl("s3", *unsigned_payload(), place) == "by host"


def test_curl_calls_sqs_and_sts_in_the_query_protocol(curl, server, new_name):
    made = curl("sqs", "--data", f"Action=CreateQueue&Version=2012-11-05&QueueName={new_name}", f"{server.url}/")
    caller = curl("sts", "--data", "Action=GetCallerIdentity&Version=2011-06-15", f"{server.url}/")

    assert f"/000000000000/{new_name}</QueueUrl>" in made
    assert "<Arn>arn:aws:iam::000000000000:root</Arn>" in caller


def test_curl_with_a_wrong_secret_is_refused(curl, server, bucket):
    refused = curl("s3", *unsigned_payload(), "--user", "AKIA:wrong", f"{server.url}/{bucket}", fails_with=22)

    assert "InvalidAccessKeyId" in refused
