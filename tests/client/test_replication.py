"""Replication by the SDK against a real server: rules are written, and objects tell how far theirs is."""

import time

import pytest

from cumulo.client import Bucket, Client, errors


def test_versions_are_replicated_and_say_how_far_that_is(client: Client, bucket: Bucket, name: str):
    copies = client.bucket(f"{name}-copies", create=True)
    for one in (bucket, copies):
        one.set_versioning()
    rules = {
        "Role": "arn:aws:iam::000000000000:role/replication",
        "Rules": [
            {
                "ID": "all",
                "Priority": 1,
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "DeleteMarkerReplication": {"Status": "Enabled"},
                "Destination": {"Bucket": f"arn:aws:s3:::{name}-copies"},
            }
        ],
    }
    bucket.set_configuration("replication", rules)
    put = bucket.put("k", b"1")
    until = time.monotonic() + 30
    while bucket.head("k").replication_status == "PENDING" and time.monotonic() < until:
        time.sleep(0.02)

    replica = copies.head("k")

    assert bucket.configuration("replication") == rules
    assert bucket.head("k").replication_status == "COMPLETED"
    assert (replica.replication_status, replica.version_id, replica.etag) == ("REPLICA", put.version_id, put.etag)
    assert copies.get("k") == b"1"
    bucket.delete_configuration("replication")
    with pytest.raises(errors.NotFound):
        bucket.configuration("replication")
