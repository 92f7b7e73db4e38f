"""Objects under keys of the key service of a real server: keys that act, keys that are off, gone or forbidden."""

import json

import pytest
from botocore.exceptions import ClientError

from cumulo.testing import Server

MIB = 1024 * 1024


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "data") as it:
        it.boto3("s3").create_bucket(Bucket="secrets")
        yield it


def test_objects_are_read_as_long_as_their_key_is_there_and_enabled(server):
    s3, kms = server.boto3("s3"), server.boto3("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    key_id = arn.rpartition("/")[2]
    kms.create_alias(AliasName="alias/mine", TargetKeyId=key_id)
    body = b"x" * (MIB + 1)

    stored = [
        s3.put_object(Bucket="secrets", Key=f"k{n}", Body=body, ServerSideEncryption="aws:kms", SSEKMSKeyId=name)
        for n, name in enumerate((arn, key_id, "alias/mine"))
    ]

    assert {it["SSEKMSKeyId"] for it in stored} == {arn}
    for n in range(3):
        found = s3.get_object(Bucket="secrets", Key=f"k{n}")
        assert (found["Body"].read() == body, found["ServerSideEncryption"]) == (True, "aws:kms")
    assert stored[0]["ETag"] != stored[1]["ETag"]
    kms.disable_key(KeyId=key_id)
    assert refused(s3.get_object, Bucket="secrets", Key="k0") == "KMS.DisabledException"
    asked = {"Bucket": "secrets", "Key": "n", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id}
    assert refused(s3.put_object, **asked) == "KMS.DisabledException"
    s3.head_object(Bucket="secrets", Key="k0")
    kms.enable_key(KeyId=key_id)
    kms.schedule_key_deletion(KeyId=key_id)
    assert refused(s3.get_object, Bucket="secrets", Key="k0") == "KMS.KMSInvalidStateException"
    nobodys = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "no-such-key"}
    assert refused(s3.put_object, Bucket="secrets", Key="n", **nobodys) == "KMS.NotFoundException"
    assert refused(s3.create_multipart_upload, Bucket="secrets", Key="n", **nobodys) == "KMS.NotFoundException"


def test_without_a_key_the_services_own_is_taken_and_context_and_parts_come_back(server):
    s3 = server.boto3("s3")

    named = {"ServerSideEncryption": "aws:kms", "SSEKMSEncryptionContext": "eyJ0ZWFtIjogImJsdWUifQ=="}
    own = s3.put_object(Bucket="secrets", Key="own", Body=b"x", **named)
    upload = s3.create_multipart_upload(Bucket="secrets", Key="parts", ServerSideEncryption="aws:kms")
    part = {"Bucket": "secrets", "Key": "parts", "UploadId": upload["UploadId"]}
    tags = [s3.upload_part(**part, PartNumber=n + 1, Body=b"p" * (5 * MIB + n))["ETag"] for n in range(2)]
    parts = [{"PartNumber": n + 1, "ETag": tag} for n, tag in enumerate(tags)]
    s3.complete_multipart_upload(**part, MultipartUpload={"Parts": parts})
    server.stop()
    server.start()
    s3 = server.boto3("s3")

    assert own["SSEKMSKeyId"] == upload["SSEKMSKeyId"]
    assert s3.get_object(Bucket="secrets", Key="own")["Body"].read() == b"x"
    assert s3.get_object(Bucket="secrets", Key="parts")["Body"].read() == b"p" * (10 * MIB + 1)
    copied = s3.copy_object(Bucket="secrets", Key="copy", CopySource="secrets/parts")
    assert copied["ServerSideEncryption"] == "AES256", "a copy is encrypted as its bucket says"


def test_bucket_may_encrypt_under_a_key_by_default_with_a_key_of_its_own(server):
    s3, kms = server.boto3("s3"), server.boto3("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}

    s3.put_bucket_encryption(Bucket="secrets", ServerSideEncryptionConfiguration={"Rules": [rule]})
    stored = s3.put_object(Bucket="secrets", Key="k", Body=b"x")

    assert (stored["ServerSideEncryption"], stored["SSEKMSKeyId"], stored["BucketKeyEnabled"]) == ("aws:kms", arn, True)
    assert s3.get_object(Bucket="secrets", Key="k")["Body"].read() == b"x"


def test_who_may_not_use_the_key_may_not_read_the_object(server):
    s3, kms = server.boto3("s3"), server.boto3("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    asked = {"Bucket": "secrets", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn}
    s3.put_object(**asked, Key="k", Body=b"x")
    with server.client() as client:
        client.iam.create_user("reader")
        statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        server.boto3("iam").put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=policy)
        made = client.iam.create_access_key("reader")
    keys = {"aws_access_key_id": made.access_key_id, "aws_secret_access_key": made.secret_access_key}
    theirs = server.boto3("s3", **keys)

    assert refused(theirs.get_object, Bucket="secrets", Key="k") == "AccessDenied"
    assert refused(theirs.put_object, **asked, Key="n", Body=b"x") == "AccessDenied"
    theirs.head_object(Bucket="secrets", Key="k")
    assert theirs.put_object(Bucket="secrets", Key="plain", Body=b"x")["ServerSideEncryption"] == "AES256"


def test_two_layers_are_asked_for_told_and_read(server):
    s3 = server.boto3("s3")
    arn = server.boto3("kms").create_key()["KeyMetadata"]["Arn"]
    body = b"x" * (5 * MIB + 1)
    twice = {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": arn}

    stored = s3.put_object(Bucket="secrets", Key="one", Body=body, **twice)
    begun = s3.create_multipart_upload(Bucket="secrets", Key="parts", **twice)
    parts = [
        {
            "PartNumber": n,
            "ETag": s3.upload_part(Bucket="secrets", Key="parts", UploadId=begun["UploadId"], **it)["ETag"],
        }
        for n, it in ((1, {"PartNumber": 1, "Body": body}), (2, {"PartNumber": 2, "Body": b"end"}))
    ]
    s3.complete_multipart_upload(
        Bucket="secrets", Key="parts", UploadId=begun["UploadId"], MultipartUpload={"Parts": parts}
    )
    default = {"SSEAlgorithm": "aws:kms:dsse", "KMSMasterKeyID": arn}
    rule = {"ApplyServerSideEncryptionByDefault": default}
    s3.put_bucket_encryption(Bucket="secrets", ServerSideEncryptionConfiguration={"Rules": [rule]})
    by_default = s3.put_object(Bucket="secrets", Key="default", Body=b"y")

    for answer in (stored, begun, by_default, s3.head_object(Bucket="secrets", Key="parts")):
        assert (answer["ServerSideEncryption"], answer["SSEKMSKeyId"]) == ("aws:kms:dsse", arn)
    assert s3.get_object(Bucket="secrets", Key="parts", Range="bytes=-4")["Body"].read() == b"xend"
    assert s3.get_object(Bucket="secrets", Key="one")["Body"].read() == body
    (kept,) = s3.get_bucket_encryption(Bucket="secrets")["ServerSideEncryptionConfiguration"]["Rules"]
    assert kept["ApplyServerSideEncryptionByDefault"] == default
    with server.client() as client:
        bucket = client.bucket("secrets")
        assert (bucket.encryption().algorithm, bucket.head("default").encryption) == ("aws:kms:dsse", "aws:kms:dsse")
        assert bucket.get("default") == b"y"
