"""A server that is killed while it replicates: what was acknowledged arrives whole, with its id, in its order, once."""

import contextlib
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cumulo.testing import Server, ServerFailed
from tests.crash.server_loop import _alive
from tests.crash.test_move_tasks import problems

ARRIVED_S = 90.0
"""What the crash interrupted goes on after a minute (`replication.HELD_MS`)."""
PART_BYTES = 5 * 1024 * 1024
FAILPOINTS = (
    "engine.before_commit=crash@2",
    "engine.before_commit=crash@4",
    "engine.after_commit=crash@3",
    "engine.after_commit=crash@7",
    "engine.after_commit=crash@12",
    "due.after_deed=crash@1",
)


def set_up(server: Server) -> None:
    """Two buckets that keep versions, the second with replicas of the first."""
    s3 = server.boto3("s3")
    for bucket in ("inbox", "copies"):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    rule = {
        "ID": "all",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "Status": "Enabled",
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": {"Bucket": "arn:aws:s3:::copies"},
    }
    s3.put_bucket_replication(
        Bucket="inbox",
        ReplicationConfiguration={"Role": "arn:aws:iam::000000000000:role/replication", "Rules": [rule]},
    )


def work_until_killed(server: Server) -> None:
    """Write versions of a few keys, small, large and in parts, and delete markers, while the server lives."""
    s3 = server.boto3("s3", config=Config(retries={"total_max_attempts": 1}))
    with contextlib.suppress(BotoCoreError, ClientError):
        for number in range(4):
            s3.put_object(Bucket="inbox", Key="small", Body=b"%d" % number, Tagging=f"n={number}")
            s3.put_object(Bucket="inbox", Key="large", Body=b"%d" % number * 300_000)
        s3.delete_object(Bucket="inbox", Key="small")
        upload = s3.create_multipart_upload(Bucket="inbox", Key="parts")["UploadId"]
        parts = []
        for number in (1, 2):
            body = b"%d" % number * (PART_BYTES if number == 1 else 3)
            asked = {"Bucket": "inbox", "Key": "parts", "UploadId": upload, "PartNumber": number}
            parts.append({"PartNumber": number, "ETag": s3.upload_part(**asked, Body=body)["ETag"]})
        s3.complete_multipart_upload(Bucket="inbox", Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    until = time.monotonic() + 3
    while time.monotonic() < until and _alive(server.pid):
        time.sleep(0.01)


def versions(s3: Any, bucket: str) -> list[tuple[Any, ...]]:
    """What a bucket holds, in its order."""
    page = s3.list_object_versions(Bucket=bucket)
    found = [
        (it["Key"], it["VersionId"], it["IsLatest"], it["LastModified"], it.get("ETag"))
        for it in page.get("Versions", []) + page.get("DeleteMarkers", [])
    ]
    return sorted(found, key=lambda it: it[0])


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_what_was_acknowledged_is_replicated_across_a_crash(tmp_path: Path, failpoint: str) -> None:
    data = tmp_path / "data"
    with Server(data) as server:
        set_up(server)
    server = Server(data, settings={"failpoints": failpoint})
    died = True
    with contextlib.suppress(ServerFailed), server:
        work_until_killed(server)
        died = not _alive(server.pid)
    assert died
    with Server(data) as server:
        s3 = server.boto3("s3")
        s3.put_object(Bucket="inbox", Key="small", Body=b"after")
        until = time.monotonic() + ARRIVED_S
        while time.monotonic() < until and versions(s3, "copies") != versions(s3, "inbox"):
            time.sleep(0.5)
        assert versions(s3, "copies") == versions(s3, "inbox")
        for key, version_id, _, _, etag in versions(s3, "inbox"):
            if etag is None:
                continue
            source, replica = (
                s3.get_object(Bucket=bucket, Key=key, VersionId=version_id) for bucket in ("inbox", "copies")
            )
            assert (source["ReplicationStatus"], replica["ReplicationStatus"]) == ("COMPLETED", "REPLICA")
            assert source["Body"].read() == replica["Body"].read()
    assert problems(data) == []
