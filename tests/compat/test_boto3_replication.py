"""Replication as boto3 configures and sees it, against a real server."""

import time

ROLE = "arn:aws:iam::000000000000:role/replication"


def test_tagged_versions_arrive_in_the_other_bucket_with_their_ids(s3, bucket, new_name):
    copies = f"{new_name}-copies"
    s3.create_bucket(Bucket=copies)
    for name in (bucket, copies):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    rule = {
        "ID": "photos",
        "Priority": 1,
        "Filter": {"And": {"Prefix": "photos/", "Tags": [{"Key": "keep", "Value": "yes"}]}},
        "Status": "Enabled",
        "Destination": {"Bucket": f"arn:aws:s3:::{copies}", "StorageClass": "STANDARD_IA"},
        "DeleteMarkerReplication": {"Status": "Disabled"},
    }
    s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": ROLE, "Rules": [rule]})

    ids = [
        s3.put_object(Bucket=bucket, Key="photos/a", Body=body, Tagging="keep=yes")["VersionId"]
        for body in (b"old", b"n" * 6_000_000)
    ]
    s3.put_object(Bucket=bucket, Key="photos/b", Body=b"stays")
    until = time.monotonic() + 30
    while s3.head_object(Bucket=bucket, Key="photos/a")["ReplicationStatus"] == "PENDING" and time.monotonic() < until:
        time.sleep(0.05)

    assert s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]["Rules"] == [rule]
    versions = s3.list_object_versions(Bucket=copies)["Versions"]
    assert [(it["Key"], it["VersionId"], it["StorageClass"]) for it in versions] == [
        ("photos/a", version_id, "STANDARD_IA") for version_id in reversed(ids)
    ]
    old = s3.get_object(Bucket=copies, Key="photos/a", VersionId=ids[0])
    assert (old["Body"].read(), old["ReplicationStatus"]) == (b"old", "REPLICA")
    assert s3.get_object_tagging(Bucket=copies, Key="photos/a")["TagSet"] == [{"Key": "keep", "Value": "yes"}]
    s3.delete_bucket_replication(Bucket=bucket)
