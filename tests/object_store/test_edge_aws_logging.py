"""Access logs of requests over HTTP: each leaves its line, whoever asked and whatever became of it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cumulo.identity.principal_model import canonical_id
from tests.object_store.aws_door import ACCOUNT, Door, opened

FIELD = re.compile(r'\[[^]]*\]|"[^"]*"|\S+')
OWN = canonical_id(ACCOUNT)


@pytest.fixture
def door(stand_in: Any, tmp_path: Path) -> Iterator[Door]:
    def at_once(folder: Path, **more: Any) -> Any:
        stand = stand_in(folder, **more)
        stand.access_log_interval_s = 0
        return stand

    with opened(at_once, tmp_path) as it:
        yield it


def logged(door: Door) -> list[list[str]]:
    """Deliver what there is, and return the fields of each line."""

    async def deliver() -> None:
        await door.stand.service.access_log.flush()
        while await door.stand.pump.run_due():
            pass

    door.run(deliver())
    s3 = door.client()
    listed = s3.list_objects_v2(Bucket="logs").get("Contents", [])
    texts = [s3.get_object(Bucket="logs", Key=one["Key"])["Body"].read().decode() for one in listed]
    return [FIELD.findall(line) for text in texts for line in text.splitlines()]


def begin(door: Door, **more: Any) -> Any:
    s3 = door.client()
    s3.create_bucket(Bucket="logs")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::logs/*",
    }
    door.run(door.stand.set_policy(statement, bucket="logs"))
    enabled = {"TargetBucket": "logs", "TargetPrefix": "l/", **more}
    s3.put_bucket_logging(Bucket="inbox", BucketLoggingStatus={"LoggingEnabled": enabled})
    return s3


def test_logging_is_configured_read_and_ended(door: Door) -> None:
    shape = {"PartitionedPrefix": {"PartitionDateSource": "DeliveryTime"}}
    assert "LoggingEnabled" not in door.client().get_bucket_logging(Bucket="inbox")

    s3 = begin(door, TargetObjectKeyFormat=shape)

    assert s3.get_bucket_logging(Bucket="inbox")["LoggingEnabled"] == {
        "TargetBucket": "logs",
        "TargetPrefix": "l/",
        "TargetObjectKeyFormat": shape,
    }
    s3.put_bucket_logging(Bucket="inbox", BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket="inbox")
    with pytest.raises(ClientError, match="The target bucket for logging does not exist"):
        s3.put_bucket_logging(
            Bucket="inbox", BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "nowhere", "TargetPrefix": ""}}
        )


def test_each_request_leaves_its_line(door: Door) -> None:
    s3 = begin(door)
    whole = b"x" * 300_000
    s3.put_object(Bucket="inbox", Key="a b", Body=whole)
    s3.get_object(Bucket="inbox", Key="a b")["Body"].read()
    s3.get_object(Bucket="inbox", Key="a b", Range="bytes=0-9")["Body"].read()
    with pytest.raises(ClientError):
        s3.get_object(Bucket="inbox", Key="gone")
    door.ask("GET", "/inbox/a%20b", {"User-Agent": "nobody", "Referer": "http://a/"}, key=None)
    s3.list_objects_v2(Bucket="inbox")

    lines = logged(door)

    told = [(line[6], line[7], line[9], line[10], line[11], line[12]) for line in lines if "logging" not in line[8]]
    assert told[:3] == [
        ("REST.PUT.OBJECT", "a%20b", "200", "-", "-", "300000"),
        ("REST.GET.OBJECT", "a%20b", "200", "-", "300000", "300000"),
        ("REST.GET.OBJECT", "a%20b", "206", "-", "10", "300000"),
    ]
    assert [one[:4] for one in told[3:]] == [
        ("REST.GET.OBJECT", "gone", "404", "NoSuchKey"),
        ("REST.GET.OBJECT", "a%20b", "403", "AccessDenied"),
        ("REST.GET.BUCKET", "-", "200", "-"),
    ]
    put, nobody = (next(line for line in lines if mark in " ".join(line)) for mark in ("REST.PUT.OBJECT", "nobody"))
    assert (put[0], put[1], put[3], put[4]) == (OWN, "inbox", "127.0.0.1", OWN)
    assert (put[19], put[21], put[22]) == ("SigV4", "AuthHeader", f"127.0.0.1:{door.port}")
    assert (nobody[4], nobody[15], nobody[16], nobody[19], nobody[21]) == ("-", '"http://a/"', '"nobody"', "-", "-")
    assert {len(line) for line in lines} == {26}


def test_batch_delete_tells_of_each_object_and_a_copy_of_its_source(door: Door) -> None:
    s3 = begin(door)
    door.client().create_bucket(Bucket="copies")
    for key in ("a", "b & c"):
        s3.put_object(Bucket="inbox", Key=key, Body=b"x")
    s3.copy_object(Bucket="copies", Key="copied", CopySource={"Bucket": "inbox", "Key": "b & c"})
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteObject",
        "Resource": "arn:aws:s3:::inbox/b & c",
    }
    door.run(door.stand.set_policy(deny))

    s3.delete_objects(Bucket="inbox", Delete={"Objects": [{"Key": "a"}, {"Key": "b & c"}], "Quiet": True})

    told = [(line[6], line[7], line[8], line[9], line[10]) for line in logged(door)]
    assert [one for one in told if "COPY" in one[0]] == [
        ("REST.COPY.OBJECT_GET", "b%20%26%20c", '"PUT /copies/copied HTTP/1.1"', "200", "-")
    ]
    assert told[-3:] == [
        ("REST.POST.MULTI_OBJECT_DELETE", "-", '"POST /inbox?delete HTTP/1.1"', "200", "-"),
        ("BATCH.DELETE.OBJECT", "a", '"-"', "204", "-"),
        ("BATCH.DELETE.OBJECT", "b%20%26%20c", '"-"', "403", "AccessDenied"),
    ]


def test_website_and_preflight_leave_lines_and_other_buckets_none(door: Door) -> None:
    s3 = begin(door)
    s3.put_bucket_website(Bucket="inbox", WebsiteConfiguration={"IndexDocument": {"Suffix": "i"}})
    door.ask("GET", "/", {"Host": "inbox.s3-website.localhost"}, key=None)
    door.ask("OPTIONS", "/inbox/k", {"Origin": "http://a", "Access-Control-Request-Method": "GET"}, key=None)
    s3.list_objects_v2(Bucket="logs")

    told = [(line[6], line[9], line[10]) for line in logged(door)]

    assert told[-2:] == [
        ("WEBSITE.GET.BUCKET", "403", "AccessDenied"),
        ("REST.OPTIONS.PREFLIGHT", "403", "AccessForbidden"),
    ]
