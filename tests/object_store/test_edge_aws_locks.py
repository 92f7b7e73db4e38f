"""Object lock over S3's REST API: its documents, its headers, and its refusals word by word."""

import base64
import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.object_store.aws_door import OTHER_ACCOUNT, Answer, Door, door, opened

__all__ = ["door"]
ENABLED = "<ObjectLockEnabled>Enabled</ObjectLockEnabled>"
PROTECTED = (403, "AccessDenied", "Access Denied because object protected by object lock.")
FUTURE = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)


def refused(call: Any, **members: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def locked(door: Door) -> Any:
    """Return a client, and make a bucket `locked` with it."""
    s3 = door.client()
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    return s3


TOO_LONG = "<EventHoldDuration><Days>36501</Days></EventHoldDuration>"


def default(retention: str) -> str:
    return f"{ENABLED}<Rule><DefaultRetention>{retention}</DefaultRetention></Rule>"


def xml(door: Door, target: str, body: str, **headers: str) -> Answer:
    return door.ask("PUT", target, headers, body.encode())


def test_bucket_made_for_locks_keeps_versions_for_good(door: Door) -> None:
    s3 = locked(door)

    assert s3.get_bucket_versioning(Bucket="locked")["Status"] == "Enabled"
    assert s3.get_object_lock_configuration(Bucket="locked")["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled"
    }
    assert refused(s3.put_bucket_versioning, Bucket="locked", VersioningConfiguration={"Status": "Suspended"}) == (
        409,
        "InvalidBucketState",
        "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
    )
    s3.put_bucket_versioning(Bucket="locked", VersioningConfiguration={"Status": "Enabled"})


def test_default_retention_is_given_back_as_it_was_put(door: Door) -> None:
    s3 = locked(door)
    for period in ({"Days": 3}, {"Years": 2}):
        rule = {"DefaultRetention": {"Mode": "GOVERNANCE", **period}}
        configuration = {"ObjectLockEnabled": "Enabled", "Rule": rule}
        s3.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration=configuration)

        assert s3.get_object_lock_configuration(Bucket="locked")["ObjectLockConfiguration"] == configuration

    head = s3.put_object(Bucket="locked", Key="k", Body=b"1") and s3.head_object(Bucket="locked", Key="k")
    left = head["ObjectLockRetainUntilDate"] - dt.datetime.now(dt.UTC)
    assert head["ObjectLockMode"] == "GOVERNANCE"
    assert dt.timedelta(days=729) < left <= dt.timedelta(days=730)


def test_bucket_without_versions_cannot_be_given_locks(door: Door) -> None:
    s3 = door.client()
    configuration = {"ObjectLockEnabled": "Enabled"}

    assert refused(s3.put_object_lock_configuration, Bucket="inbox", ObjectLockConfiguration=configuration) == (
        409,
        "InvalidBucketState",
        "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    )
    assert refused(s3.get_object_lock_configuration, Bucket="inbox") == (
        404,
        "ObjectLockConfigurationNotFoundError",
        "Object Lock configuration does not exist for this bucket",
    )


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("", "MalformedXML"),
        ("<ObjectLockEnabled>Disabled</ObjectLockEnabled>", "MalformedXML"),
        (f"{ENABLED}<Rule/>", "MalformedXML"),
        (f"{ENABLED}<Rule><DefaultRetention/></Rule>", "MalformedXML"),
        (default("<Days>1</Days>"), "MalformedXML"),
        (default("<Mode>COMPLIANCE</Mode><Days>0</Days>"), "InvalidArgument"),
        (default("<DefaultEventHold><Days>1</Days></DefaultEventHold>"), "MalformedXML"),
        (default("<Mode>COMPLIANCE</Mode><DefaultEventHold/>"), "MalformedXML"),
        (default("<Mode>COMPLIANCE</Mode><DefaultEventHold><Days>0</Days></DefaultEventHold>"), "InvalidArgument"),
    ],
)
def test_configuration_that_cannot_be_is_refused(door: Door, document: str, code: str) -> None:
    locked(door)

    answer = xml(door, "/locked?object-lock", f"<ObjectLockConfiguration>{document}</ObjectLockConfiguration>")

    assert answer.error[1] == code


def test_retention_and_hold_are_read_back_and_shown_with_the_object(door: Door) -> None:
    s3 = locked(door)
    version_id = s3.put_object(Bucket="locked", Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket="locked", Key="k", Body=b"2")
    retention = {"Mode": "GOVERNANCE", "RetainUntilDate": FUTURE}
    named = {"Bucket": "locked", "Key": "k", "VersionId": version_id}

    s3.put_object_retention(**named, Retention=retention)
    s3.put_object_legal_hold(**named, LegalHold={"Status": "ON"})

    assert s3.get_object_retention(**named)["Retention"] == retention
    assert s3.get_object_legal_hold(**named)["LegalHold"] == {"Status": "ON"}
    got = s3.get_object(**named)
    assert got["Body"].read() == b"1"
    for answer in (s3.head_object(**named), got):
        assert (answer["ObjectLockMode"], answer["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", FUTURE)
        assert answer["ObjectLockLegalHoldStatus"] == "ON"
    assert "ObjectLockMode" not in s3.head_object(Bucket="locked", Key="k")
    for call in (s3.get_object_retention, s3.get_object_legal_hold):
        assert refused(call, Bucket="locked", Key="k") == (
            404,
            "NoSuchObjectLockConfiguration",
            "The specified object does not have a ObjectLock configuration",
        )
    headers = door.ask("HEAD", f"/locked/k?versionId={version_id}").headers
    assert headers["x-amz-object-lock-retain-until-date"] == "2099-01-01T00:00:00Z"


def test_event_hold_moves_the_end_on_until_it_is_released(door: Door) -> None:
    s3 = locked(door)
    s3.put_object(
        Bucket="locked",
        Key="k",
        Body=b"1",
        ObjectLockMode="COMPLIANCE",
        ObjectLockEventHold="ON",
        ObjectLockEventHoldDurationYears=2,
    )
    named = {"Bucket": "locked", "Key": "k"}

    head = s3.head_object(**named)
    held = s3.get_object_retention(**named)["Retention"]
    s3.put_object_retention(**named, Retention={"Mode": "COMPLIANCE", "EventHold": "OFF"})
    released = s3.head_object(**named)

    assert (head["ObjectLockEventHold"], head["ObjectLockEventHoldDurationYears"]) == ("ON", 2)
    assert (held["EventHold"], held["EventHoldDuration"]) == ("ON", {"Years": 2})
    for until in (head["ObjectLockRetainUntilDate"], held["RetainUntilDate"], released["ObjectLockRetainUntilDate"]):
        assert dt.timedelta(days=729) < until - dt.datetime.now(dt.UTC) <= dt.timedelta(days=730)
    assert released["ObjectLockEventHold"] == "OFF"
    assert "ObjectLockEventHoldDurationYears" not in released
    version = named | {"VersionId": head["VersionId"]}
    assert refused(s3.delete_object, **version, BypassGovernanceRetention=True) == PROTECTED


def test_default_event_hold_is_given_back_and_holds_new_objects(door: Door) -> None:
    s3 = locked(door)
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 40, "DefaultEventHold": {"Days": 30}}}
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration=configuration)

    s3.put_object(Bucket="locked", Key="k", Body=b"1")

    assert s3.get_object_lock_configuration(Bucket="locked")["ObjectLockConfiguration"] == configuration
    head = s3.head_object(Bucket="locked", Key="k")
    assert (head["ObjectLockEventHold"], head["ObjectLockEventHoldDurationDays"]) == ("ON", 30)
    left = head["ObjectLockRetainUntilDate"] - dt.datetime.now(dt.UTC)
    assert dt.timedelta(days=39) < left <= dt.timedelta(days=40)


def test_locked_version_is_deleted_only_by_who_bypasses_governance_mode(door: Door) -> None:
    s3 = locked(door)
    version_id = s3.put_object(
        Bucket="locked", Key="k", Body=b"1", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=FUTURE
    )["VersionId"]
    named = {"Bucket": "locked", "Key": "k", "VersionId": version_id}

    assert refused(s3.delete_object, **named) == PROTECTED
    assert s3.delete_object(Bucket="locked", Key="k")["DeleteMarker"]
    sooner = {"Mode": "GOVERNANCE", "RetainUntilDate": FUTURE - dt.timedelta(days=1)}
    assert refused(s3.put_object_retention, **named, Retention=sooner) == PROTECTED
    assert refused(s3.put_object_retention, **named, Retention={}) == PROTECTED
    s3.put_object_retention(**named, Retention=sooner, BypassGovernanceRetention=True)
    s3.delete_object(**named, BypassGovernanceRetention=True)

    assert [one["IsLatest"] for one in s3.list_object_versions(Bucket="locked")["DeleteMarkers"]] == [True]


def test_batch_delete_says_of_each_locked_version_that_it_stays(door: Door) -> None:
    s3 = locked(door)
    ids = [s3.put_object(Bucket="locked", Key=key, Body=b"1")["VersionId"] for key in "ab"]
    s3.put_object_retention(Bucket="locked", Key="a", Retention={"Mode": "GOVERNANCE", "RetainUntilDate": FUTURE})
    objects = [{"Key": key, "VersionId": id_} for key, id_ in zip("ab", ids, strict=True)]

    answer = s3.delete_objects(Bucket="locked", Delete={"Objects": objects})
    bypassing = s3.delete_objects(Bucket="locked", Delete={"Objects": objects[:1]}, BypassGovernanceRetention=True)

    assert answer["Deleted"] == [{"Key": "b", "VersionId": ids[1]}]
    assert answer["Errors"] == [{"Key": "a", "VersionId": ids[0], "Code": PROTECTED[1], "Message": PROTECTED[2]}]
    assert bypassing["Deleted"] == objects[:1]
    s3.put_object(Bucket="inbox", Key="k", Body=b"1")
    assert refused(
        s3.delete_objects, Bucket="inbox", Delete={"Objects": [{"Key": "k"}]}, BypassGovernanceRetention=True
    )[:2] == (400, "InvalidArgument")


def test_copies_and_uploads_in_parts_are_locked_by_their_headers(door: Door) -> None:
    s3 = locked(door)
    lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": FUTURE, "ObjectLockLegalHoldStatus": "OFF"}
    s3.put_object(Bucket="locked", Key="source", Body=b"1", ObjectLockLegalHoldStatus="ON")
    s3.copy_object(Bucket="locked", Key="copy", CopySource="locked/source", **lock)
    s3.copy_object(Bucket="locked", Key="free", CopySource="locked/source")
    upload = {"Bucket": "locked", "Key": "parts"}
    upload["UploadId"] = s3.create_multipart_upload(**upload, **lock)["UploadId"]
    part = {"PartNumber": 1, "ETag": s3.upload_part(**upload, PartNumber=1, Body=b"1")["ETag"]}
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]})

    for key in ("copy", "parts"):
        head = s3.head_object(Bucket="locked", Key=key)
        assert {name: head[name] for name in lock} == lock
        named = {"Bucket": "locked", "Key": key, "VersionId": head["VersionId"]}
        assert refused(s3.delete_object, **named, BypassGovernanceRetention=True) == PROTECTED
    assert "ObjectLockLegalHoldStatus" not in s3.head_object(Bucket="locked", Key="free")


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        (
            {"x-amz-object-lock-mode": "GOVERNANCE"},
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
        ),
        (
            {"x-amz-object-lock-mode": "worm", "x-amz-object-lock-retain-until-date": "2099-01-01T00:00:00Z"},
            "Unknown wormMode directive.",
        ),
        (
            {"x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": "2001-01-01T00:00:00Z"},
            "The retain until date must be in the future!",
        ),
        (
            {"x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": "4070908800"},
            "The retain until date must be provided in ISO 8601 format",
        ),
        (
            {"x-amz-object-lock-event-hold": "ON", "x-amz-object-lock-event-hold-duration-days": "1"},
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
        ),
        (
            {"x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-event-hold": "ON"},
            "The event hold duration must be 1 to 36500 days, or 1 to 100 years.",
        ),
        (
            {"x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-event-hold": "on"},
            "Event Hold must be either of 'ON' or 'OFF'",
        ),
        (
            {"x-amz-object-lock-event-hold-duration-days": "1"},
            "x-amz-object-lock-event-hold-duration-days must be supplied with x-amz-object-lock-event-hold",
        ),
        ({"x-amz-object-lock-legal-hold": "yes"}, "Legal Hold must be either of 'ON' or 'OFF'"),
    ],
)
def test_headers_of_a_lock_that_cannot_be_are_refused(door: Door, headers: dict[str, str], error: str) -> None:
    locked(door)
    headers["content-md5"] = base64.b64encode(hashlib.md5(b"1", usedforsecurity=False).digest()).decode()

    for bucket in ("locked", "inbox"):
        assert door.ask("PUT", f"/{bucket}/k", headers, b"1").error == (400, "InvalidArgument", error)
    assert door.ask("POST", "/locked/k?uploads", headers | {"content-md5": ""}).error[1] == "InvalidArgument"


def test_bytes_to_be_locked_must_come_with_a_checksum(door: Door) -> None:
    s3 = locked(door)
    header = {"x-amz-object-lock-legal-hold": "ON"}
    words = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put {} requests with Object Lock parameters"
    missing = (400, "InvalidRequest", words.format("Object"))
    upload_id = s3.create_multipart_upload(Bucket="locked", Key="k", ObjectLockLegalHoldStatus="ON")["UploadId"]

    assert door.ask("PUT", "/locked/k", header, b"1").error == missing
    part = f"/locked/k?partNumber=1&uploadId={upload_id}"
    assert door.ask("PUT", part, body=b"1").error == (400, "InvalidRequest", words.format("Part"))
    assert door.ask("PUT", "/locked/free", body=b"1").status == 200
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration=configuration)
    assert door.ask("PUT", "/locked/free", body=b"1").error == missing
    assert door.ask("PUT", "/locked/k", header | {"x-amz-checksum-crc32": "g9zvtw=="}, b"1").status == 200


@pytest.mark.parametrize(
    ("target", "document", "code"),
    [
        ("retention", "<Retention><Mode>governance</Mode></Retention>", "MalformedXML"),
        ("retention", "<Retention><Mode>GOVERNANCE</Mode></Retention>", "MalformedXML"),
        (
            "retention",
            "<Retention><RetainUntilDate>2099-01-01T00:00:00Z</RetainUntilDate></Retention>",
            "MalformedXML",
        ),
        (
            "retention",
            "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>tomorrow</RetainUntilDate></Retention>",
            "MalformedXML",
        ),
        (
            "retention",
            "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2001-01-01T00:00:00Z</RetainUntilDate></Retention>",
            "InvalidArgument",
        ),
        ("retention", "<Retention><EventHold>ON</EventHold></Retention>", "MalformedXML"),
        ("retention", "<Retention><Mode>GOVERNANCE</Mode><EventHold>on</EventHold></Retention>", "MalformedXML"),
        ("retention", "<Retention><Mode>GOVERNANCE</Mode><EventHold>ON</EventHold></Retention>", "MalformedXML"),
        ("retention", "<Retention><Mode>GOVERNANCE</Mode><EventHold>OFF</EventHold></Retention>", "MalformedXML"),
        (
            "retention",
            f"<Retention><Mode>GOVERNANCE</Mode><EventHold>ON</EventHold>{TOO_LONG}</Retention>",
            "InvalidArgument",
        ),
        ("retention", "", "MalformedXML"),
        ("legal-hold", "<LegalHold><Status>on</Status></LegalHold>", "MalformedXML"),
        ("legal-hold", "<LegalHold/>", "MalformedXML"),
        ("legal-hold", "", "MalformedXML"),
    ],
)
def test_document_that_says_no_lock_is_refused(door: Door, target: str, document: str, code: str) -> None:
    locked(door).put_object(Bucket="locked", Key="k", Body=b"1")

    assert xml(door, f"/locked/k?{target}", document).error[1] == code


def test_objects_of_other_buckets_have_no_lock(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="k", Body=b"1")
    named = {"Bucket": "inbox", "Key": "k"}
    missing = (400, "InvalidRequest", "Bucket is missing Object Lock Configuration")

    assert refused(s3.get_object_retention, **named) == missing
    assert refused(s3.get_object_legal_hold, **named) == missing
    retention = {"Mode": "GOVERNANCE", "RetainUntilDate": FUTURE}
    assert refused(s3.put_object_retention, **named, Retention=retention) == missing
    assert refused(s3.put_object_legal_hold, **named, LegalHold={"Status": "ON"}) == missing
    assert refused(s3.put_object, **named, Body=b"1", ObjectLockLegalHoldStatus="ON") == (
        400,
        "InvalidRequest",
        "Bucket is missing ObjectLockConfiguration",
    )


def test_object_that_is_not_there_has_no_lock(door: Door) -> None:
    s3 = locked(door)
    named = {"Bucket": "locked", "Key": "k"}

    assert refused(s3.get_object_retention, **named)[:2] == (404, "NoSuchKey")
    s3.put_object(**named, Body=b"1")
    marker = s3.delete_object(**named)["VersionId"]
    assert refused(s3.put_object_legal_hold, **named, VersionId=marker, LegalHold={"Status": "ON"})[:2] == (
        405,
        "MethodNotAllowed",
    )


def test_who_may_read_an_object_need_not_know_its_lock(door: Door) -> None:
    s3, other = locked(door), door.client("AKIAOTHER")
    s3.put_object(
        Bucket="locked",
        Key="k",
        Body=b"1",
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=FUTURE,
        ObjectLockLegalHoldStatus="ON",
    )

    def allow(*actions: str) -> None:
        allowed = {
            "Effect": "Allow",
            "Principal": {"AWS": OTHER_ACCOUNT},
            "Action": [f"s3:{action}" for action in actions],
            "Resource": "arn:aws:s3:::locked/*",
        }
        s3.put_bucket_policy(Bucket="locked", Policy=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))

    allow("GetObject")
    assert not {"ObjectLockMode", "ObjectLockLegalHoldStatus"} & set(other.head_object(Bucket="locked", Key="k"))
    assert refused(other.get_object_retention, Bucket="locked", Key="k")[:2] == (403, "AccessDenied")
    allow("GetObject", "GetObjectRetention")
    head = other.head_object(Bucket="locked", Key="k")
    assert head["ObjectLockMode"] == "GOVERNANCE"
    assert "ObjectLockLegalHoldStatus" not in head


def test_nobody_locks_what_he_puts_unsigned(door: Door) -> None:
    locked(door)

    answer = door.ask("PUT", "/locked/k", {"x-amz-object-lock-legal-hold": "ON"}, b"1", key=None)

    words = "Put Object requests with Object Lock parameters require AWS Signature Version 4"
    assert answer.error == (400, "InvalidArgument", words)


def test_a_new_object_is_locked_by_who_may_lock(door: Door) -> None:
    s3, other = locked(door), door.client("AKIAOTHER")
    allowed = {
        "Effect": "Allow",
        "Principal": {"AWS": OTHER_ACCOUNT},
        "Action": ["s3:PutObject", "s3:PutObjectLegalHold"],
        "Resource": "arn:aws:s3:::locked/*",
    }
    s3.put_bucket_policy(Bucket="locked", Policy=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
    named = {"Bucket": "locked", "Key": "k", "Body": b"1"}

    other.put_object(**named, ObjectLockLegalHoldStatus="ON")
    assert refused(other.put_object, **named, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=FUTURE)[:2] == (
        403,
        "AccessDenied",
    )


@pytest.mark.parametrize(("days", "message"), [(0, "must be a positive integer value."), (36_501, "too large.")])
def test_default_period_is_out_of_range_in_the_words_of_whom_the_dialect_is(
    stand_in: Any, tmp_path: Path, days: int, message: str
) -> None:
    retention = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": days}}
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": retention}
    rules = {"Rules": [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 0}}]}

    for dialect, code in (("aws", "InvalidArgument"), ("ceph", "InvalidRetentionPeriod")):
        with opened(stand_in, tmp_path / dialect, dialect=dialect) as it:
            s3 = locked(it)
            error = refused(s3.put_object_lock_configuration, Bucket="locked", ObjectLockConfiguration=configuration)
            others = refused(s3.put_bucket_lifecycle_configuration, Bucket="locked", LifecycleConfiguration=rules)
        assert error == (400, code, f"Default retention period {message}")
        assert others[1] == "InvalidArgument"
