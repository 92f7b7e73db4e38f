"""A boto3 from before SQS spoke JSON and S3 had default checksums: programs of that age still run."""

import urllib.request

import pytest

from tests.compat.client_programs import OF_2022

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


def test_old_boto3_speaks_sqs_in_the_query_protocol(script, server, new_name):
    script("boto3_of_2022.py", "queues", server.url, new_name, environment=OF_2022)


def test_old_boto3_publishes_to_topics(script, server, new_name):
    script("boto3_of_2022.py", "topics", server.url, new_name, environment=OF_2022)


def test_old_boto3_moves_objects_and_presigns(script, server, bucket, stored_in):
    url = script("boto3_of_2022.py", "objects", server.url, bucket, environment=OF_2022)

    with urllib.request.urlopen(urllib.request.Request(url, b"by URL", method="PUT")) as answer:
        assert answer.status == 200

    assert stored_in(bucket) == {"presigned": b"by URL"}
