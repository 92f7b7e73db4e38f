"""Encryption over S3's REST API: its headers both ways, its errors, and the configuration of a bucket."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.object_store.aws_door import Door, door

__all__ = ["door"]

OURS: dict[str, Any] = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}
SOURCE: dict[str, Any] = {"CopySourceSSECustomerAlgorithm": "AES256", "CopySourceSSECustomerKey": b"k" * 32}
OTHER: dict[str, Any] = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"o" * 32}
HEADER = "x-amz-server-side-encryption"


def refused(call: Any, **arguments: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_every_answer_about_an_object_says_how_it_is_encrypted(door: Door) -> None:
    s3 = door.client()

    answers = [s3.put_object(Bucket="inbox", Key="k", Body=b"x"), s3.get_object(Bucket="inbox", Key="k")]
    answers += [s3.head_object(Bucket="inbox", Key="k")]
    answers += [s3.copy_object(Bucket="inbox", Key="c", CopySource="inbox/k")]
    upload = s3.create_multipart_upload(Bucket="inbox", Key="m")
    named = {"Bucket": "inbox", "Key": "m", "UploadId": upload["UploadId"]}
    part = s3.upload_part(**named, PartNumber=1, Body=b"x")
    answers += [upload, part, s3.upload_part_copy(**named, PartNumber=2, CopySource="inbox/k")]
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    answers += [s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})]

    assert {answer["ServerSideEncryption"] for answer in answers} == {"AES256"}
    assert not any("SSEKMSKeyId" in answer or "SSECustomerAlgorithm" in answer for answer in answers)


def test_customers_key_is_brought_with_every_request_and_told_by_its_md5(door: Door) -> None:
    s3 = door.client()

    stored = s3.put_object(Bucket="inbox", Key="k", Body=b"secret", **OURS)
    found = s3.get_object(Bucket="inbox", Key="k", **OURS)

    assert "ServerSideEncryption" not in stored
    assert (stored["SSECustomerAlgorithm"], stored["SSECustomerKeyMD5"]) == ("AES256", found["SSECustomerKeyMD5"])
    assert found["Body"].read() == b"secret"
    assert s3.get_object(Bucket="inbox", Key="k", Range="bytes=1-2", **OURS)["Body"].read() == b"ec"
    assert refused(s3.get_object, Bucket="inbox", Key="k") == (400, "InvalidRequest")
    assert refused(s3.get_object, Bucket="inbox", Key="k", **OTHER)[1] in ("AccessDenied", "InvalidRequest")
    assert refused(s3.head_object, Bucket="inbox", Key="k")[0] == 400
    s3.head_object(Bucket="inbox", Key="k", **OURS)
    assert refused(s3.copy_object, Bucket="inbox", Key="c", CopySource="inbox/k")[1] == "InvalidRequest"
    s3.copy_object(Bucket="inbox", Key="c", CopySource="inbox/k", **SOURCE)
    assert s3.get_object(Bucket="inbox", Key="c")["Body"].read() == b"secret"
    s3.copy_object(Bucket="inbox", Key="k", CopySource="inbox/k", **SOURCE, **OTHER)
    assert s3.get_object(Bucket="inbox", Key="k", **OTHER)["Body"].read() == b"secret"


def test_parts_come_with_the_key_of_their_upload(door: Door) -> None:
    s3 = door.client()

    upload = s3.create_multipart_upload(Bucket="inbox", Key="m", **OURS)
    named = {"Bucket": "inbox", "Key": "m", "UploadId": upload["UploadId"]}
    assert refused(s3.upload_part, **named, PartNumber=1, Body=b"x") == (400, "InvalidRequest")
    assert refused(s3.upload_part, **named, PartNumber=1, Body=b"x", **OTHER) == (400, "InvalidRequest")
    part = s3.upload_part(**named, PartNumber=1, Body=b"x", **OURS)
    whole = {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}}
    assert refused(s3.complete_multipart_upload, **named, **whole, **OTHER) == (400, "InvalidRequest")
    done = s3.complete_multipart_upload(**named, **whole, **OURS)

    assert part["SSECustomerKeyMD5"] == upload["SSECustomerKeyMD5"]
    assert "SSECustomerAlgorithm" not in done
    assert s3.get_object(Bucket="inbox", Key="m", **OURS)["Body"].read() == b"x"


def test_completion_needs_the_key_of_an_upload_that_asked_for_a_checksum(door: Door) -> None:
    s3 = door.client()

    upload = s3.create_multipart_upload(Bucket="inbox", Key="m", ChecksumAlgorithm="CRC32", **OURS)
    named = {"Bucket": "inbox", "Key": "m", "UploadId": upload["UploadId"]}
    part = s3.upload_part(**named, PartNumber=1, Body=b"x", ChecksumAlgorithm="CRC32", **OURS)
    shown = {"PartNumber": 1, "ETag": part["ETag"], "ChecksumCRC32": part["ChecksumCRC32"]}
    whole = {"MultipartUpload": {"Parts": [shown]}}

    assert refused(s3.complete_multipart_upload, **named, **whole) == (400, "InvalidRequest")
    s3.complete_multipart_upload(**named, **whole, **OURS)


@pytest.mark.parametrize(
    ("headers", "argument", "value"),
    [
        ({HEADER: "aes:kms"}, HEADER, "aes:kms"),
        ({HEADER: "AES256", HEADER + "-aws-kms-key-id": "k"}, HEADER, "AES256"),
        ({HEADER + "-aws-kms-key-id": "k"}, HEADER, "null"),
        ({HEADER + "-customer-algorithm": "AES256"}, HEADER, None),
        ({HEADER + "-bucket-key-enabled": "perhaps"}, HEADER + "-bucket-key-enabled", "perhaps"),
    ],
)
def test_refusal_names_the_argument(door: Door, headers: dict[str, str], argument: str, value: str | None) -> None:
    answer = door.ask("PUT", "/inbox/key", headers, b"body")

    error = answer.xml["Error"]
    assert (answer.status, error["Code"]) == (400, "InvalidArgument")
    assert (error["ArgumentName"], error.get("ArgumentValue")) == (argument, value)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("header", [HEADER, HEADER + "-aws-kms-key-id"])
def test_reading_asks_for_no_encryption(door: Door, method: str, header: str) -> None:
    door.client().put_object(Bucket="inbox", Key="k", Body=b"x")

    answer = door.ask(method, "/inbox/k", {header: "AES256"})

    assert answer.status == 400
    if method == "GET":
        assert answer.error == (400, "InvalidArgument", f"{header} header is not supported for this operation.")


def test_configuration_of_a_bucket_is_kept_and_deleting_brings_the_default_back(door: Door) -> None:
    s3 = door.client()

    def shown() -> Any:
        return s3.get_bucket_encryption(Bucket="inbox")["ServerSideEncryptionConfiguration"]["Rules"]

    default = [
        {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
            "BucketKeyEnabled": False,
            "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
        }
    ]
    assert shown() == default
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/mine"},
        "BucketKeyEnabled": True,
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
    }
    s3.put_bucket_encryption(Bucket="inbox", ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert shown() == [rule]
    assert refused(s3.put_object, Bucket="inbox", Key="k", Body=b"x", **OURS) == (403, "AccessDenied")
    asked: dict[str, Any] = {"Bucket": "inbox", "ServerSideEncryptionConfiguration": {"Rules": [rule, rule]}}
    assert refused(s3.put_bucket_encryption, **asked) == (400, "MalformedXML")
    wrong_rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": "k"}}
    asked = {"Bucket": "inbox", "ServerSideEncryptionConfiguration": {"Rules": [wrong_rule]}}
    assert refused(s3.put_bucket_encryption, **asked) == (400, "InvalidArgument")
    s3.delete_bucket_encryption(Bucket="inbox")
    s3.delete_bucket_encryption(Bucket="inbox")
    assert shown() == default
