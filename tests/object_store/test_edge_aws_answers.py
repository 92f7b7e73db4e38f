"""What S3 was seen to answer where its reference says nothing: names of headers, and refusals to the letter."""

from typing import Any

import pytest
from botocore.client import ClientError

from tests.object_store.aws_door import Door, door

__all__ = ["door"]

ASKED = {"Bucket": "inbox", "Key": "k"}
NOT_IMPLEMENTED = "A header you provided implies functionality that is not implemented"


def error_of(call: Any, **members: Any) -> dict[str, str]:
    with pytest.raises(ClientError) as error:
        call(**members)
    found: dict[str, str] = error.value.response["Error"]
    return found


def test_headers_are_spelt_as_http_spells_them(door: Door) -> None:
    s3 = door.client()
    s3.put_object(**ASKED, Body=b"body", CacheControl="max-age=1")
    seen: list[str] = []
    s3.meta.events.register(
        "before-parse.s3.GetObject", lambda response_dict, **_: seen.extend(response_dict["headers"])
    )
    s3.get_object(**ASKED)["Body"].read()

    assert {"ETag", "Last-Modified", "Content-Type", "Content-Length", "Accept-Ranges", "Cache-Control", "Date"} <= {
        *seen
    }
    assert "x-amz-request-id" in seen


def test_document_that_lacks_a_member_is_malformed(door: Door) -> None:
    answer = door.ask("PUT", "/inbox?encryption", body=b"<ServerSideEncryptionConfiguration/>")

    assert answer.error == (
        400,
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


@pytest.mark.parametrize("target", ["/inbox?tagging", "/inbox?notification", "/inbox?object-lock", "/inbox/k?tagging"])
def test_document_that_is_not_there_is_missing(door: Door, target: str) -> None:
    assert door.ask("PUT", target).error == (400, "MissingRequestBodyError", "Request Body is empty")


@pytest.mark.parametrize("target", ["/inbox/k?retention", "/inbox/k?legal-hold"])
def test_lock_that_is_not_there_is_malformed(door: Door, target: str) -> None:
    assert door.ask("PUT", target).error[:2] == (400, "MalformedXML")


def test_bucket_with_versions_says_that_they_hold_it(door: Door) -> None:
    s3 = door.client()
    s3.put_bucket_versioning(Bucket="inbox", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(**ASKED)
    s3.delete_object(**ASKED)

    assert error_of(s3.delete_bucket, Bucket="inbox")["Message"] == (
        "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
    )


def test_listed_buckets_have_their_arns(door: Door) -> None:
    (bucket,) = door.client().list_buckets(MaxBuckets=5)["Buckets"]

    assert bucket["BucketArn"] == "arn:aws:s3:::inbox"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC64NVME"])
def test_copied_part_shows_the_checksum_that_its_upload_chose(door: Door, algorithm: str) -> None:
    s3, name = door.client(), f"Checksum{algorithm}"
    stored = s3.put_object(Bucket="inbox", Key="from", Body=b"body", ChecksumAlgorithm=algorithm)
    upload = {**ASKED, "UploadId": s3.create_multipart_upload(**ASKED, ChecksumAlgorithm=algorithm)["UploadId"]}

    copied = s3.upload_part_copy(**upload, PartNumber=1, CopySource="inbox/from")["CopyPartResult"]

    assert {one: value for one, value in copied.items() if one.startswith("Checksum")} == {name: stored[name]}


def test_parts_of_an_upload_without_an_algorithm_show_no_checksum(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="from", Body=b"body")
    upload = {**ASKED, "UploadId": s3.create_multipart_upload(**ASKED)["UploadId"]}
    copied = s3.upload_part_copy(**upload, PartNumber=1, CopySource="inbox/from")["CopyPartResult"]
    (part,) = s3.list_parts(**upload)["Parts"]
    done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})

    assert {*copied} == {"ETag", "LastModified"}
    assert {*part} == {"ETag", "LastModified", "PartNumber", "Size"}
    assert "ChecksumCRC64NVME" in done


def test_range_of_a_part_copy_is_refused_by_what_is_wrong_with_it(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="from", Body=b"0123456789")
    upload = {**ASKED, "UploadId": s3.create_multipart_upload(**ASKED)["UploadId"], "CopySource": "inbox/from"}

    error = error_of(s3.upload_part_copy, **upload, PartNumber=1, CopySourceRange="bytes=0-100")
    assert (error["Code"], error["ArgumentName"], error["ArgumentValue"]) == (
        "InvalidArgument",
        "x-amz-copy-source-range",
        "bytes=0-100",
    )
    error = error_of(s3.upload_part_copy, **upload, PartNumber=1, CopySourceRange="bytes=100-200")
    assert (error["Code"], error["Message"]) == (
        "InvalidRequest",
        "The specified copy range is invalid for the source object size",
    )


@pytest.mark.parametrize(
    ("condition", "header"), [({"IfMatch": "*"}, "If-Match"), ({"IfNoneMatch": "e"}, "If-None-Match")]
)
def test_write_has_the_two_conditions_that_s3_has(door: Door, condition: dict[str, str], header: str) -> None:
    error = error_of(door.client().put_object, **ASKED, **condition)

    assert (error["Code"], error["Message"], error["Header"]) == ("NotImplemented", NOT_IMPLEMENTED, header)
    assert error["additionalMessage"] == f"We don't accept the provided value of {header} header for this API"


def test_completion_is_refused_where_the_object_was_written_after_the_upload_began(door: Door) -> None:
    s3 = door.client()
    upload = {**ASKED, "UploadId": s3.create_multipart_upload(**ASKED)["UploadId"]}
    part = s3.upload_part(**upload, PartNumber=1, Body=b"x")
    whole = {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}}
    etag = s3.put_object(**ASKED, Body=b"between")["ETag"]

    error = error_of(s3.complete_multipart_upload, **upload, **whole, IfMatch=etag)
    assert (error["Code"], error["Condition"], error["Key"]) == ("ConditionalRequestConflict", "If-Match", "k")
    s3.complete_multipart_upload(**upload, **whole)
    assert s3.get_object(**ASKED)["Body"].read() == b"x"


def test_marker_within_a_common_prefix_stands_for_all_of_it(door: Door) -> None:
    s3 = door.client()
    for key in ("folder/sub/1", "folder/sub/2", "folder/z"):
        s3.put_object(Bucket="inbox", Key=key)
    asked = {"Bucket": "inbox", "Prefix": "folder/", "Delimiter": "/"}

    page = s3.list_objects(**asked, Marker="folder/sub/1")
    assert ([one["Key"] for one in page["Contents"]], "CommonPrefixes" in page) == (["folder/z"], False)
    versions = s3.list_object_versions(**asked, KeyMarker="folder/sub/1")
    assert ([one["Key"] for one in versions["Versions"]], "CommonPrefixes" in versions) == (["folder/z"], False)


@pytest.mark.parametrize(
    ("bucket", "said"), [("inbox", "CORS is not enabled for this bucket."), ("gone", "Bucket not found")]
)
def test_preflight_of_a_bucket_without_rules_is_forbidden_whatever_it_asks(door: Door, bucket: str, said: str) -> None:
    answer = door.send("OPTIONS", f"/{bucket}/k", {"Host": f"127.0.0.1:{door.port}", "Origin": "http://a.example"}, b"")

    assert answer.error == (403, "AccessForbidden", f"CORSResponse: {said}")
    assert answer.xml["Error"]["Method"] == "OPTIONS"


def test_tags_are_refused_by_what_is_wrong_with_them(door: Door) -> None:
    s3 = door.client()
    s3.put_object(**ASKED)

    error = error_of(s3.put_object_tagging, **ASKED, Tagging={"TagSet": [{"Key": "aws:a", "Value": ""}]})
    assert (error["Code"], error["Message"]) == ("InvalidTag", "Your TagKey cannot be prefixed with aws:")
    error = error_of(s3.put_bucket_tagging, Bucket="inbox", Tagging={"TagSet": [{"Key": "k", "Value": "a,b"}]})
    assert (error["Code"], error["TagKey"], error["TagValue"]) == ("InvalidTag", "k", "a,b")
    error = error_of(s3.put_object, **ASKED, Tagging="a=1,b=2")
    assert (error["Code"], error["ArgumentName"]) == ("InvalidArgument", "x-amz-tagging")


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("text", "Policies must be valid JSON and the first byte must be '{'"),
        (" {}", "Policies must be valid JSON and the first byte must be '{'"),
        ("{}", "Missing required field Statement"),
    ],
)
def test_policy_that_is_none_is_refused_in_the_words_of_s3(door: Door, policy: str, said: str) -> None:
    error = error_of(door.client().put_bucket_policy, Bucket="inbox", Policy=policy)

    assert (error["Code"], error["Message"]) == ("MalformedPolicy", said)


def test_destination_and_marker_that_cannot_be_are_named(door: Door) -> None:
    s3 = door.client()
    rule = {"QueueArn": "queue", "Events": ["s3:ObjectCreated:*"]}
    error = error_of(
        s3.put_bucket_notification_configuration,
        Bucket="inbox",
        NotificationConfiguration={"QueueConfigurations": [rule]},
    )
    assert (error["Message"], error["ArgumentName"]) == ("The ARN could not be parsed", "Queue")
    error = error_of(s3.list_object_versions, Bucket="inbox", VersionIdMarker="some")
    assert (error["ArgumentName"], error["ArgumentValue"]) == ("version-id-marker", "some")


def test_completion_without_a_body_is_refused_behind_an_upload_that_is_not_there(door: Door) -> None:
    s3 = door.client()
    upload_id = s3.create_multipart_upload(**ASKED)["UploadId"]

    unknown = error_of(s3.complete_multipart_upload, **ASKED, UploadId="none")
    empty = error_of(s3.complete_multipart_upload, **ASKED, UploadId=upload_id)
    no_part = door.ask("POST", f"/inbox/k?uploadId={upload_id}", body=b"<CompleteMultipartUpload/>")

    assert (unknown["Code"], unknown["UploadId"]) == ("NoSuchUpload", "none")
    assert (empty["Code"], empty["Message"]) == ("InvalidRequest", "You must specify at least one part")
    assert no_part.error[:2] == (400, "MalformedXML")


def test_listing_of_uploads_names_its_last_one_whole_or_not(door: Door) -> None:
    s3 = door.client()
    empty = s3.list_multipart_uploads(Bucket="inbox")
    ids = [s3.create_multipart_upload(Bucket="inbox", Key=key)["UploadId"] for key in ("a", "b/c")]
    whole = s3.list_multipart_uploads(Bucket="inbox", Prefix="a")
    rolled = s3.list_multipart_uploads(Bucket="inbox", Delimiter="/", KeyMarker="a")
    first = s3.list_multipart_uploads(Bucket="inbox", MaxUploads=1)

    assert [(it["NextKeyMarker"], it["NextUploadIdMarker"]) for it in (empty, whole, rolled, first)] == [
        ("", ""),
        ("a", ids[0]),
        ("", ""),
        ("a", ids[0]),
    ]
    assert ("Prefix" in empty, whole["Prefix"], whole["IsTruncated"], first["IsTruncated"]) == (False, "a", False, True)


def test_empty_numbers_of_a_query_are_none(door: Door) -> None:
    s3 = door.client()
    upload_id = s3.create_multipart_upload(**ASKED)["UploadId"]

    answer = door.ask("GET", f"/inbox/k?uploadId={upload_id}&part-number-marker=&max-parts=")

    assert (answer.status, answer.xml["ListPartsResult"]["MaxParts"]) == (200, "1000")


@pytest.mark.parametrize("body", [b"<Tagging/>", b"<Tagging><TagSet/></Tagging>"])
def test_no_tags_are_no_tag_set(door: Door, body: bytes) -> None:
    s3 = door.client()
    tags = {"TagSet": [{"Key": "k", "Value": "v"}]}
    s3.put_object(**ASKED)
    s3.put_object_tagging(**ASKED, Tagging=tags)
    s3.put_bucket_tagging(Bucket="inbox", Tagging=tags)

    answers = [door.ask("PUT", target, body=body).status for target in ("/inbox?tagging", "/inbox/k?tagging")]

    assert answers == [204, 200]
    assert error_of(s3.get_bucket_tagging, Bucket="inbox")["Code"] == "NoSuchTagSet"
    assert s3.get_object_tagging(**ASKED)["TagSet"] == []


def test_bucket_with_tags_is_made_once_and_bears_none_of_the_systems(door: Door) -> None:
    s3 = door.client()

    def made(**tag: str) -> dict[str, str]:
        return error_of(s3.create_bucket, Bucket="inbox", CreateBucketConfiguration={"Tags": [tag]})

    assert made(Key="k", Value="v")["Code"] == "BucketAlreadyOwnedByYou"
    assert made(Key="aws:k", Value="v") == {
        "Code": "InvalidTag",
        "Message": 'User-defined tag keys can\'t start with "aws:". This prefix is reserved for system tags. Remove '
        '"aws:" from your tag keys and try again.',
    }


@pytest.mark.parametrize("ownership", ["", "Somebodys"])
def test_object_ownership_in_a_header_is_one_of_three(door: Door, ownership: str) -> None:
    error = error_of(door.client().create_bucket, Bucket="owned", ObjectOwnership=ownership)

    assert error == {
        "Code": "InvalidArgument",
        "Message": f"Invalid x-amz-object-ownership header: {ownership}",
        "ArgumentName": "x-amz-object-ownership",
    }


def test_empty_policy_is_malformed(door: Door) -> None:
    error = error_of(door.client().put_bucket_policy, Bucket="inbox", Policy="")

    assert error == {"Code": "MalformedPolicy", "Message": "Policies must be valid JSON and the first byte must be '{'"}


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("encryption", b"<ServerSideEncryptionConfiguration/>"),
        ("versioning", b"<VersioningConfiguration><Status>On</Status></VersioningConfiguration>"),
        ("accelerate", b"<AccelerateConfiguration><Status>On</Status></AccelerateConfiguration>"),
    ],
)
def test_bucket_that_is_not_there_comes_before_what_is_wrong_with_a_document(
    door: Door, target: str, body: bytes
) -> None:
    answer = door.ask("PUT", f"/nowhere?{target}", body=body)

    assert answer.error[:2] == (404, "NoSuchBucket")
    assert answer.xml["Error"]["BucketName"] == "nowhere"
    assert door.ask("PUT", "/nowhere", body=b"<rubbish").error[:2] == (400, "MalformedXML")


def test_access_control_list_begins_as_it_was_given(door: Door) -> None:
    s3 = door.client()
    s3.create_bucket(Bucket="lists", ObjectOwnership="ObjectWriter")
    s3.delete_public_access_block(Bucket="lists")
    s3.put_bucket_acl(Bucket="lists", ACL="public-read")

    grants = s3.get_bucket_acl(Bucket="lists")["Grants"]

    assert [(it["Grantee"]["Type"], it["Permission"]) for it in grants] == [
        ("CanonicalUser", "FULL_CONTROL"),
        ("Group", "READ"),
    ]


def test_of_rules_that_end_an_object_at_once_the_first_one_is_told(door: Door) -> None:
    s3 = door.client()
    rules = [
        {"ID": name, "Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Days": 7}}
        for name, prefix in (("z", "ke"), ("a", "k"), ("b", "key"))
    ]
    s3.put_bucket_lifecycle_configuration(Bucket="inbox", LifecycleConfiguration={"Rules": rules})

    told = s3.put_object(Bucket="inbox", Key="key")["Expiration"]

    assert told.endswith('rule-id="z"')


def test_date_of_a_rule_that_is_no_midnight_is_named(door: Door) -> None:
    rule = {"ID": "r", "Status": "Enabled", "Filter": {}, "Expiration": {"Date": "2030-01-01T01:00:00Z"}}

    error = error_of(
        door.client().put_bucket_lifecycle_configuration, Bucket="inbox", LifecycleConfiguration={"Rules": [rule]}
    )

    assert (error["ArgumentName"], error["ArgumentValue"]) == ("Date", "2030-01-01T01:00:00.000Z")


def test_region_of_a_listing_of_buckets_is_one(door: Door) -> None:
    error = error_of(door.client().list_buckets, BucketRegion="nowhere!")

    assert error == {
        "Code": "InvalidArgument",
        "Message": "Argument value nowhere! is not a valid AWS Region",
        "ArgumentName": "bucket-region",
    }


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
def test_listing_tells_where_its_bucket_is(door: Door, operation: str) -> None:
    s3 = door.client()
    s3.create_bucket(Bucket="west", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})

    regions = [
        getattr(s3, operation)(Bucket=name)["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"]
        for name in ("inbox", "west")
    ]

    assert regions == ["us-east-1", "us-west-2"]


def test_logs_that_cross_locations_are_refused_by_the_names_of_both_but_the_first_ones(door: Door) -> None:
    s3 = door.client()
    for name, region in (("west", "us-west-2"), ("north", "eu-north-1")):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})

    def refusal(source: str) -> dict[str, str]:
        target = {"LoggingEnabled": {"TargetBucket": "north", "TargetPrefix": ""}}
        return error_of(s3.put_bucket_logging, Bucket=source, BucketLoggingStatus=target)

    assert (refusal("west")["SourceBucketLocation"], refusal("west")["TargetBucketLocation"]) == (
        "us-west-2",
        "eu-north-1",
    )
    assert "SourceBucketLocation" not in refusal("inbox")


def test_log_may_be_granted_to_be_shared(door: Door) -> None:
    s3 = door.client()
    s3.create_bucket(Bucket="logs", ObjectOwnership="ObjectWriter")
    grantee = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}
    target = {
        "TargetBucket": "logs",
        "TargetPrefix": "",
        "TargetGrants": [{"Grantee": grantee, "Permission": "READ_ACP"}],
    }

    s3.put_bucket_logging(Bucket="inbox", BucketLoggingStatus={"LoggingEnabled": target})

    assert s3.get_bucket_logging(Bucket="inbox")["LoggingEnabled"] == target
