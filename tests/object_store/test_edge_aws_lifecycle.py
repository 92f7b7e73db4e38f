"""Lifecycle rules and restores over S3's REST API, as boto3 and as bytes on the wire."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.object_store.aws_door import Door, door

__all__ = ["door"]

MIDNIGHT = datetime(2030, 1, 1, tzinfo=UTC)
RULES = [
    {"ID": "days", "Filter": {"Prefix": "a&b/"}, "Status": "Enabled", "Expiration": {"Days": 400}},
    {
        "ID": "date",
        "Filter": {"Tag": {"Key": "k", "Value": "v"}},
        "Status": "Disabled",
        "Expiration": {"Date": MIDNIGHT},
    },
    {"ID": "markers", "Filter": {}, "Status": "Enabled", "Expiration": {"ExpiredObjectDeleteMarker": True}},
    {
        "ID": "steps",
        "Filter": {
            "And": {
                "Prefix": "",
                "Tags": [{"Key": "k", "Value": "v"}, {"Key": "l", "Value": ""}],
                "ObjectSizeGreaterThan": 1,
                "ObjectSizeLessThan": 9,
            }
        },
        "Status": "Enabled",
        "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 60, "StorageClass": "GLACIER"}],
    },
    {
        "ID": "dated",
        "Filter": {"Prefix": "d"},
        "Status": "Enabled",
        "Transitions": [{"Date": MIDNIGHT, "StorageClass": "GLACIER"}],
    },
    {
        "ID": "versions",
        "Filter": {"ObjectSizeGreaterThan": 5},
        "Status": "Enabled",
        "NoncurrentVersionTransitions": [
            {"NoncurrentDays": 1, "StorageClass": "GLACIER", "NewerNoncurrentVersions": 3}
        ],
        "NoncurrentVersionExpiration": {"NoncurrentDays": 9, "NewerNoncurrentVersions": 3},
    },
    {
        "ID": "uploads",
        "Filter": {"Prefix": "u p/"},
        "Status": "Enabled",
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
    },
]


def put(s3: Any, *rules: Any, **more: Any) -> Any:
    return s3.put_bucket_lifecycle_configuration(Bucket="inbox", LifecycleConfiguration={"Rules": list(rules)}, **more)


def midnight_after(days: int) -> datetime:
    """The midnight that ends the day so many days from now. A test that runs over midnight fails, once."""
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=days + 1)


def refusal(call: Any, *arguments: Any, **named: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_rules_come_back_as_they_were_written(door: Door) -> None:
    s3 = door.client()

    put(s3, *RULES, TransitionDefaultMinimumObjectSize="varies_by_storage_class")

    found = s3.get_bucket_lifecycle_configuration(Bucket="inbox")
    assert found["Rules"] == RULES
    assert found["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"


def test_rules_of_the_old_form_come_back_in_it(door: Door) -> None:
    s3 = door.client()
    rules = [
        {"ID": "one", "Prefix": "a", "Status": "Enabled", "Expiration": {"Days": 1}},
        {"ID": "two", "Prefix": "b", "Status": "Disabled", "Expiration": {"Days": 2}},
    ]

    s3.put_bucket_lifecycle(Bucket="inbox", LifecycleConfiguration={"Rules": rules})

    assert s3.get_bucket_lifecycle_configuration(Bucket="inbox")["Rules"] == rules
    assert s3.delete_bucket_lifecycle(Bucket="inbox")["ResponseMetadata"]["HTTPStatusCode"] == 204
    gone = refusal(s3.get_bucket_lifecycle_configuration, Bucket="inbox")
    assert gone == (404, "NoSuchLifecycleConfiguration")


def test_rule_without_an_id_gets_one(door: Door) -> None:
    s3 = door.client()

    put(s3, {"Filter": {"Prefix": "a"}, "Status": "Enabled", "Expiration": {"Days": 1}})

    assert len(s3.get_bucket_lifecycle_configuration(Bucket="inbox")["Rules"][0]["ID"]) == 48


@pytest.mark.parametrize(
    "rule",
    [
        {"Filter": {}, "Status": "enabled", "Expiration": {"Days": 1}},
        {"Status": "Enabled", "Expiration": {"Days": 1}},
        {"Filter": {}, "Status": "Enabled", "Expiration": {}},
        {"Filter": {}, "Status": "Enabled", "NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 1}},
        {"Filter": {}, "Status": "Enabled", "AbortIncompleteMultipartUpload": {}},
        {
            "Filter": {"Prefix": "a", "And": {"ObjectSizeLessThan": 3, "Prefix": "a"}},
            "Status": "Enabled",
            "Expiration": {"Days": 1},
        },
    ],
)
def test_rules_that_do_not_fit_the_schema(door: Door, rule: dict[str, Any]) -> None:
    assert refusal(put, door.client(), rule) == (400, "MalformedXML")


def test_rules_that_contradict_themselves(door: Door) -> None:
    s3 = door.client()
    twice = {"And": {"Tags": [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]}}
    base = {"Status": "Enabled", "Expiration": {"Days": 1}}

    assert refusal(put, s3, {"Filter": twice, **base}) == (400, "InvalidRequest")
    assert refusal(put, s3, {"Filter": {}, "Prefix": "a", **base}) == (400, "InvalidRequest")
    other = {"Filter": {}, **base}
    assert refusal(put, s3, other, TransitionDefaultMinimumObjectSize="none") == (400, "InvalidRequest")
    with pytest.raises(ClientError, match="Invalid TransitionDefaultMinimumObjectSize found: none"):
        put(s3, other, TransitionDefaultMinimumObjectSize="none")


def test_headers_tell_what_rules_will_do(door: Door) -> None:
    s3 = door.client()
    put(
        s3,
        {"ID": "ends ü", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 1}},
        {
            "ID": "aborts",
            "Filter": {"Prefix": "u"},
            "Status": "Enabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
        },
    )
    tomorrow = midnight_after(1)

    stored = s3.put_object(Bucket="inbox", Key="k", Body=b"x")
    copied = s3.copy_object(Bucket="inbox", Key="c", CopySource="inbox/k")
    begun = s3.create_multipart_upload(Bucket="inbox", Key="u")
    part = s3.upload_part(Bucket="inbox", Key="u", UploadId=begun["UploadId"], PartNumber=1, Body=b"x")
    listed = s3.list_parts(Bucket="inbox", Key="u", UploadId=begun["UploadId"])
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    completed = s3.complete_multipart_upload(Bucket="inbox", Key="u", UploadId=begun["UploadId"], MultipartUpload=parts)

    got = s3.get_object(Bucket="inbox", Key="k")
    head = s3.head_object(Bucket="inbox", Key="u")
    expiration = f'expiry-date="{tomorrow:%a, %d %b %Y %H:%M:%S} GMT", rule-id="ends%20%C3%BC"'
    assert [one["Expiration"] for one in (stored, copied, completed, got, head)] == [expiration] * 5
    for one in (begun, listed):
        assert one["AbortDate"] == tomorrow + timedelta(days=1)
        assert one["AbortRuleId"] == "aborts"


def test_archived_object_is_restored(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="k", Body=b"x", StorageClass="GLACIER")
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket="inbox", Key="k")

    asked = s3.restore_object(
        Bucket="inbox", Key="k", RestoreRequest={"Days": 1, "GlacierJobParameters": {"Tier": "Bulk"}}
    )
    waiting = s3.head_object(Bucket="inbox", Key="k")
    tomorrow = midnight_after(1)
    door.run(door.stand.pump.run_due())
    there = s3.head_object(Bucket="inbox", Key="k")
    again = s3.restore_object(Bucket="inbox", Key="k", RestoreRequest={"Days": 2})

    error = caught.value.response["Error"]
    assert (error["Code"], error["StorageClass"]) == ("InvalidObjectState", "GLACIER")
    assert asked["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert waiting["Restore"] == 'ongoing-request="true"'
    assert there["Restore"] == f'ongoing-request="false", expiry-date="{tomorrow:%a, %d %b %Y %H:%M:%S} GMT"'
    assert again["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert s3.get_object(Bucket="inbox", Key="k")["Body"].read() == b"x"


def test_selecting_from_an_archive_is_refused(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="k", Body=b"x", StorageClass="GLACIER")

    code = refusal(s3.restore_object, Bucket="inbox", Key="k", RestoreRequest={"Type": "SELECT"})

    assert code == (501, "NotImplemented")
    assert refusal(s3.restore_object, Bucket="inbox", Key="k", RestoreRequest={}) == (400, "MalformedXML")
