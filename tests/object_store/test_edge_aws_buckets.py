"""Buckets and their configurations over S3's REST API, as boto3 and as bytes on the wire."""

import json
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.object_store.aws_door import ACCOUNT, SECRET, Door, door

__all__ = ["door"]

QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"


def refused(call: Any, **arguments: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_bucket_lives_from_creation_to_deletion(door: Door) -> None:
    s3 = door.client()

    assert s3.create_bucket(Bucket="outbox")["Location"] == "/outbox"
    assert s3.head_bucket(Bucket="outbox")["BucketRegion"] == "us-east-1"
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["inbox", "outbox"]
    s3.delete_bucket(Bucket="outbox")
    assert refused(s3.head_bucket, Bucket="outbox") == (404, "404")
    assert refused(s3.delete_bucket, Bucket="outbox") == (404, "NoSuchBucket")


@pytest.mark.parametrize("name", ["metrics", "console", "healthz", "v2"])
def test_bucket_may_be_called_as_a_page_of_ours_is(door: Door, name: str) -> None:
    wanted = name if len(name) > 2 else name + "x"

    assert door.ask("PUT", f"/{wanted}").status == 200
    assert door.ask("PUT", f"/{wanted}/key", body=b"body").status == 200
    assert door.ask("GET", f"/{wanted}/key").body == b"body"


def test_own_bucket_made_again_is_the_same_in_the_oldest_region_only(door: Door) -> None:
    s3 = door.client()
    elsewhere = {"LocationConstraint": "eu-west-1"}

    s3.create_bucket(Bucket="inbox")
    s3.create_bucket(Bucket="far", CreateBucketConfiguration=elsewhere)
    assert refused(s3.create_bucket, Bucket="far", CreateBucketConfiguration=elsewhere) == (
        409,
        "BucketAlreadyOwnedByYou",
    )
    assert s3.get_bucket_location(Bucket="far")["LocationConstraint"] == "eu-west-1"
    assert s3.get_bucket_location(Bucket="inbox")["LocationConstraint"] is None


@pytest.mark.parametrize("constraint", ["us-east-1", "nowhere", "aws-global"])
def test_location_constraint_of_the_first_region_names_one_of_the_others(door: Door, constraint: str) -> None:
    said = (
        f"<CreateBucketConfiguration><LocationConstraint>{constraint}</LocationConstraint></CreateBucketConfiguration>"
    )

    answer = door.ask("PUT", "/new-bucket", body=said.encode())

    assert answer.error == (400, "InvalidLocationConstraint", "The specified location-constraint is not valid")
    assert answer.xml["Error"]["LocationConstraint"] == constraint


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_bucket_in_the_region_of_the_old_name_keeps_that_name(door: Door, region: str) -> None:
    s3 = door.client(region=region)

    s3.create_bucket(Bucket="old-name", CreateBucketConfiguration={"LocationConstraint": "EU"})

    assert s3.get_bucket_location(Bucket="old-name")["LocationConstraint"] == "EU"
    assert s3.head_bucket(Bucket="old-name")["BucketRegion"] == "eu-west-1"


def test_location_of_the_first_region_is_an_empty_element(door: Door) -> None:
    answer = door.ask("GET", "/inbox?location")

    assert answer.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>'
    )


def test_signature_for_the_region_that_is_none_is_sent_to_the_first_one(door: Door) -> None:
    host = {"Host": f"127.0.0.1:{door.port}"}
    asked = AWSRequest("PUT", f"http://127.0.0.1:{door.port}/outbox", headers=host)
    S3SigV4Auth(Credentials("AKIAOWNER", SECRET), "s3", "aws-global").add_auth(asked)

    answer = door.send("PUT", "/outbox", dict(asked.headers.items()), b"")

    assert answer.error == (
        400,
        "AuthorizationHeaderMalformed",
        "The authorization header is malformed; the region 'aws-global' is wrong; expecting 'us-east-1'",
    )
    assert answer.xml["Error"]["Region"] == "us-east-1"


def test_bucket_of_another_account_is_not_made_again(door: Door) -> None:
    answer = door.ask("PUT", "/inbox", key="AKIAOTHER")

    assert answer.status == 409
    assert answer.xml["Error"]["Code"] == "BucketAlreadyExists"
    assert answer.xml["Error"]["BucketName"] == "inbox"


@pytest.mark.parametrize("name", ["ab", "Upper", "a..b", "192.168.0.1", "xn--a", "under_score"])
def test_name_that_no_bucket_may_have_is_refused(door: Door, name: str) -> None:
    answer = door.ask("PUT", f"/{name}")

    assert answer.error == (400, "InvalidBucketName", "The specified bucket is not valid.")
    assert answer.xml["Error"]["BucketName"] == name


def test_bucket_that_holds_something_is_not_deleted(door: Door) -> None:
    door.ask("PUT", "/inbox/key", body=b"body")

    answer = door.ask("DELETE", "/inbox")

    assert answer.error == (409, "BucketNotEmpty", "The bucket you tried to delete is not empty")
    assert answer.xml["Error"]["BucketName"] == "inbox"


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("x-amz-acl", "private", None),
        ("x-amz-acl", "public-read", "InvalidBucketAclWithObjectOwnership"),
        ("x-amz-grant-read", "id=1", "InvalidBucketAclWithObjectOwnership"),
        ("x-amz-object-ownership", "BucketOwnerEnforced", None),
        ("x-amz-object-ownership", "Nobody", "InvalidArgument"),
        ("x-amz-bucket-object-lock-enabled", "true", None),
        ("x-amz-bucket-object-lock-enabled", "false", None),
    ],
)
def test_header_of_a_new_bucket(door: Door, header: str, value: str, code: str | None) -> None:
    answer = door.ask("PUT", "/outbox", {header: value})

    assert (None if answer.status == 200 else answer.xml["Error"]["Code"]) == code


def test_buckets_are_listed_in_pages(door: Door) -> None:
    s3 = door.client()
    for name in ("alpha", "beta", "gamma"):
        s3.create_bucket(Bucket=name)

    first = s3.list_buckets(MaxBuckets=2)
    rest = s3.list_buckets(MaxBuckets=2, ContinuationToken=first["ContinuationToken"])

    assert [one["Name"] for one in first["Buckets"] + rest["Buckets"]] == ["alpha", "beta", "gamma", "inbox"]
    assert first["Buckets"][0]["BucketRegion"] == "us-east-1"
    assert "ContinuationToken" not in rest
    assert [one["Name"] for one in s3.list_buckets(Prefix="be")["Buckets"]] == ["beta"]
    assert s3.list_buckets(BucketRegion="eu-west-1")["Buckets"] == []
    assert door.ask("GET", "/?max-buckets=0").error[:2] == (400, "InvalidArgument")


def test_other_accounts_buckets_are_not_listed(door: Door) -> None:
    assert door.client("AKIAOTHER").list_buckets()["Buckets"] == []


def test_region_of_a_bucket_is_told_to_everybody(door: Door) -> None:
    for key in (None, "AKIAOTHER"):
        answer = door.ask("HEAD", "/inbox", key=key)

        assert (answer.status, answer.body) == (403, b"")
        assert answer.headers["x-amz-bucket-region"] == "us-east-1"


def test_open_upload_does_not_keep_a_bucket(door: Door) -> None:
    s3 = door.client()
    s3.create_multipart_upload(Bucket="inbox", Key="key")

    s3.delete_bucket(Bucket="inbox")

    assert refused(s3.list_multipart_uploads, Bucket="inbox") == (404, "NoSuchBucket")


def test_nobody_is_told_otherwise_than_that_a_bucket_is_missing(door: Door) -> None:
    assert door.ask("GET", "/nowhere/key", key=None).error[:2] == (404, "NoSuchBucket")
    assert door.ask("GET", "/nowhere?list-type=2", key="AKIAOTHER").error[:2] == (404, "NoSuchBucket")
    assert door.ask("PUT", "/nowhere/key", body=b"body", key=None).error[:2] == (404, "NoSuchBucket")
    assert door.ask("HEAD", "/nowhere", key=None).status == 404


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("get_bucket_policy", "NoSuchBucketPolicy"),
        ("get_bucket_policy_status", "NoSuchBucketPolicy"),
        ("get_bucket_cors", "NoSuchCORSConfiguration"),
        ("get_bucket_website", "NoSuchWebsiteConfiguration"),
        ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
        ("get_bucket_replication", "ReplicationConfigurationNotFoundError"),
        ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError"),
        ("get_bucket_tagging", "NoSuchTagSet"),
    ],
)
def test_what_is_not_configured_is_said_with_s3s_code(door: Door, operation: str, code: str) -> None:
    assert refused(getattr(door.client(), operation), Bucket="inbox") == (404, code)
    assert refused(getattr(door.client("AKIAOTHER"), operation), Bucket="inbox") == (403, "AccessDenied")
    assert refused(getattr(door.client(), operation), Bucket="nowhere") == (404, "NoSuchBucket")


@pytest.mark.parametrize(
    ("target", "document"),
    [
        ("versioning", "VersioningConfiguration"),
        ("accelerate", "AccelerateConfiguration"),
        ("logging", "BucketLoggingStatus"),
        ("notification", "NotificationConfiguration"),
    ],
)
def test_empty_configuration(door: Door, target: str, document: str) -> None:
    answer = door.ask("GET", f"/inbox?{target}=")

    assert (answer.status, answer.xml) == (200, {document: ""})


def test_requests_are_paid_by_the_owner(door: Door) -> None:
    assert door.client().get_bucket_request_payment(Bucket="inbox")["Payer"] == "BucketOwner"


def test_bucket_acl_says_that_the_owner_has_full_control(door: Door) -> None:
    s3 = door.client()

    acl = s3.get_bucket_acl(Bucket="inbox")

    assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]
    assert acl["Owner"]["ID"] == s3.list_buckets()["Owner"]["ID"]
    s3.put_bucket_acl(Bucket="inbox", AccessControlPolicy={"Owner": acl["Owner"], "Grants": acl["Grants"]})
    assert refused(s3.put_bucket_acl, Bucket="inbox", ACL="public-read") == (400, "AccessControlListNotSupported")


def test_defaults_of_today_and_their_removal(door: Door) -> None:
    s3 = door.client()

    block = s3.get_public_access_block(Bucket="inbox")["PublicAccessBlockConfiguration"]
    owned = s3.get_bucket_ownership_controls(Bucket="inbox")["OwnershipControls"]

    assert block == dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    assert owned == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    s3.delete_public_access_block(Bucket="inbox")
    s3.delete_bucket_ownership_controls(Bucket="inbox")
    assert refused(s3.get_public_access_block, Bucket="inbox") == (404, "NoSuchPublicAccessBlockConfiguration")
    assert refused(s3.get_bucket_ownership_controls, Bucket="inbox") == (404, "OwnershipControlsNotFoundError")
    s3.put_public_access_block(Bucket="inbox", PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert s3.get_public_access_block(Bucket="inbox")["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": False,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }


@pytest.mark.parametrize(
    "operation",
    [
        "delete_bucket_cors",
        "delete_bucket_lifecycle",
        "delete_bucket_website",
        "delete_bucket_encryption",
        "delete_bucket_replication",
        "delete_bucket_tagging",
        "delete_bucket_policy",
    ],
)
def test_removing_what_is_not_configured_succeeds(door: Door, operation: str) -> None:
    answer = getattr(door.client(), operation)(Bucket="inbox")

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_bucket_policy_is_given_back_as_written(door: Door) -> None:
    s3 = door.client()
    policy = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": "111111111111"},
                    "Action": "s3:GetObject",
                    "Resource": "arn:aws:s3:::inbox/*",
                }
            ],
        },
        indent=3,
    )

    answer = s3.put_bucket_policy(Bucket="inbox", Policy=policy)

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_bucket_policy(Bucket="inbox")["Policy"] == policy
    assert s3.get_bucket_policy_status(Bucket="inbox")["PolicyStatus"] == {"IsPublic": False}
    door.ask("PUT", "/inbox/key", body=b"body")
    assert door.ask("GET", "/inbox/key", key="AKIAOTHER").body == b"body"
    s3.delete_bucket_policy(Bucket="inbox")
    assert door.ask("GET", "/inbox/key", key="AKIAOTHER").status == 403
    assert refused(s3.put_bucket_policy, Bucket="inbox", Policy="{}") == (400, "MalformedPolicy")


def test_public_policy_is_blocked_by_default(door: Door) -> None:
    s3 = door.client()
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::inbox/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    assert refused(s3.put_bucket_policy, Bucket="inbox", Policy=policy) == (403, "AccessDenied")


def test_bucket_tagging(door: Door) -> None:
    s3 = door.client()
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]

    s3.put_bucket_tagging(Bucket="inbox", Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket="inbox")["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket="inbox")
    assert refused(s3.get_bucket_tagging, Bucket="inbox") == (404, "NoSuchTagSet")


def test_notifications_to_queues(door: Door) -> None:
    s3 = door.client()
    rule = {
        "Id": "thumbs",
        "QueueArn": QUEUE,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "in&/"}, {"Name": "Suffix", "Value": ".jpg"}]}},
    }

    s3.put_bucket_notification_configuration(Bucket="inbox", NotificationConfiguration={"QueueConfigurations": [rule]})

    found = s3.get_bucket_notification_configuration(Bucket="inbox")
    assert found["QueueConfigurations"] == [rule]
    rule["Filter"] = {"Key": {"FilterRules": [{"Name": "Suffix", "Value": ""}]}}
    s3.put_bucket_notification_configuration(Bucket="inbox", NotificationConfiguration={"QueueConfigurations": [rule]})
    assert s3.get_bucket_notification_configuration(Bucket="inbox")["QueueConfigurations"] == [rule]
    s3.put_bucket_notification_configuration(Bucket="inbox", NotificationConfiguration={})
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket="inbox")


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        (
            {"TopicConfigurations": [{"TopicArn": "arn:aws:sns:us-east-1:1:t", "Events": ["s3:ObjectCreated:*"]}]},
            (400, "InvalidArgument"),
        ),
        (
            {
                "LambdaFunctionConfigurations": [
                    {"LambdaFunctionArn": "arn:aws:lambda:us-east-1:1:f", "Events": ["s3:ObjectCreated:*"]}
                ]
            },
            (501, "NotImplemented"),
        ),
        (
            {"QueueConfigurations": [{"QueueArn": QUEUE, "Events": ["s3:Nothing"]}]},
            (400, "InvalidArgument"),
        ),
    ],
)
def test_notification_that_cannot_be_is_refused(
    door: Door, configuration: dict[str, Any], expected: tuple[int, str]
) -> None:
    call = door.client().put_bucket_notification_configuration

    assert refused(call, Bucket="inbox", NotificationConfiguration=configuration) == expected


@pytest.mark.parametrize("written", ["", "<Name>prefix</Name>", "<Value>in/</Value>"])
def test_filter_of_notifications_needs_a_name_and_a_value(door: Door, written: str) -> None:
    body = (
        f"<NotificationConfiguration><QueueConfiguration><Queue>{QUEUE}</Queue><Event>s3:ObjectCreated:*</Event>"
        f"<Filter><S3Key><FilterRule>{written}</FilterRule></S3Key></Filter>"
        "</QueueConfiguration></NotificationConfiguration>"
    )

    assert door.ask("PUT", "/inbox?notification=", body=body.encode()).error[:2] == (400, "MalformedXML")


def test_filter_of_notifications_knows_prefix_and_suffix_only(door: Door) -> None:
    body = (
        f"<NotificationConfiguration><QueueConfiguration><Queue>{QUEUE}</Queue><Event>s3:ObjectCreated:*</Event>"
        "<Filter><S3Key><FilterRule><Name>Infix</Name><Value>x</Value></FilterRule></S3Key></Filter>"
        "</QueueConfiguration></NotificationConfiguration>"
    )

    answer = door.ask("PUT", "/inbox?notification=", body=body.encode())

    assert answer.error == (400, "InvalidArgument", "filter rule name must be either prefix or suffix")
    assert b"<ArgumentName>FilterRule.Name</ArgumentName><ArgumentValue>Infix</ArgumentValue>" in answer.body


def test_operation_that_is_not_built_is_refused_by_name(door: Door) -> None:
    answer = door.ask("GET", "/inbox?metadataConfiguration=")

    assert answer.status == 501
    assert answer.xml["Error"]["Code"] == "NotImplemented"
    assert "GetBucketMetadataConfiguration" in answer.xml["Error"]["Message"]
