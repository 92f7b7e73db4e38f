"""KMS through boto3, against a server: shapes, refusals, and who may use a key."""

import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from cumulo.testing import Server

ONCE = Config(retries={"total_max_attempts": 1})


@pytest.fixture(scope="module")
def server():
    with Server() as running:
        yield running


@pytest.fixture(scope="module")
def kms(server):
    return server.boto3("kms", config=ONCE)


def refusal(call, **members):
    with pytest.raises(ClientError) as caught:
        call(**members)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def test_a_key_is_described_as_kms_describes_it(kms):
    made = kms.create_key(Description="photos", Tags=[{"TagKey": "team", "TagValue": "a"}])["KeyMetadata"]

    assert made["Arn"] == f"arn:aws:kms:us-east-1:000000000000:key/{made['KeyId']}"
    assert (made["KeyState"], made["Enabled"], made["KeyManager"]) == ("Enabled", True, "CUSTOMER")
    assert (made["KeySpec"], made["KeyUsage"], made["Origin"]) == ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "AWS_KMS")
    assert kms.describe_key(KeyId=made["Arn"])["KeyMetadata"] == made
    assert kms.list_resource_tags(KeyId=made["KeyId"])["Tags"] == [{"TagKey": "team", "TagValue": "a"}]
    assert made["KeyId"] in [key["KeyId"] for key in kms.list_keys()["Keys"]]
    policy = json.loads(kms.get_key_policy(KeyId=made["KeyId"], PolicyName="default")["Policy"])
    assert policy["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::000000000000:root"}
    assert kms.list_key_policies(KeyId=made["KeyId"])["PolicyNames"] == ["default"]


def test_encrypt_decrypt_and_data_keys(kms):
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/edge", TargetKeyId=key["KeyId"])
    sealed = kms.encrypt(KeyId="alias/edge", Plaintext=b"text", EncryptionContext={"a": "b"})
    assert sealed["KeyId"] == key["Arn"]
    opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext={"a": "b"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"text", key["Arn"])
    moved = kms.re_encrypt(
        CiphertextBlob=sealed["CiphertextBlob"], SourceEncryptionContext={"a": "b"}, DestinationKeyId=key["KeyId"]
    )
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"text"
    made = kms.generate_data_key(KeyId="alias/edge", KeySpec="AES_256")
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    hidden = kms.generate_data_key_without_plaintext(KeyId="alias/edge", NumberOfBytes=16)
    assert len(kms.decrypt(CiphertextBlob=hidden["CiphertextBlob"])["Plaintext"]) == 16
    assert len(kms.generate_random(NumberOfBytes=9)["Plaintext"]) == 9


def test_rotation_and_deletion(kms):
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    status = kms.get_key_rotation_status(KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 90)
    kms.rotate_key_on_demand(KeyId=key)
    (rotation,) = kms.list_key_rotations(KeyId=key)["Rotations"]
    assert rotation["RotationType"] == "ON_DEMAND"
    scheduled = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (scheduled["KeyState"], scheduled["PendingWindowInDays"]) == ("PendingDeletion", 7)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["DeletionDate"] == scheduled["DeletionDate"]
    assert refusal(kms.encrypt, KeyId=key, Plaintext=b"x") == (400, "KMSInvalidStateException")
    kms.cancel_key_deletion(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"


@pytest.mark.parametrize(
    ("operation", "members", "code"),
    [
        ("describe_key", {"KeyId": "alias/none"}, "NotFoundException"),
        ("create_key", {"KeySpec": "RSA_2048"}, "UnsupportedOperationException"),
        ("create_key", {"KeyUsage": "SIGN_VERIFY"}, "UnsupportedOperationException"),
        ("create_key", {"Policy": "{}"}, "MalformedPolicyDocumentException"),
        ("decrypt", {"CiphertextBlob": b"nonsense"}, "InvalidCiphertextException"),
        ("generate_data_key", {"KeyId": "alias/x"}, "ValidationException"),
        ("list_keys", {"Marker": "x"}, "InvalidMarkerException"),
        ("generate_random", {"NumberOfBytes": 2_000}, "ValidationException"),
        ("sign", {"KeyId": "x", "Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}, "NotImplemented"),
    ],
)
def test_bad_input_is_refused(server, operation, members, code):
    unchecked = server.boto3("kms", config=ONCE.merge(Config(parameter_validation=False)))
    assert refusal(getattr(unchecked, operation), **members)[1] == code


def test_a_user_needs_his_own_policy_or_the_keys(server, kms):
    iam = server.boto3("iam", config=ONCE)
    iam.create_user(UserName="kim")
    made = iam.create_access_key(UserName="kim")["AccessKey"]
    kim = boto3.client(
        "kms",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
        config=ONCE,
    )
    key = kms.create_key()["KeyMetadata"]["Arn"]
    assert refusal(kim.encrypt, KeyId=key, Plaintext=b"x") == (400, "AccessDeniedException")
    statement = {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": key}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="kim", PolicyName="p", PolicyDocument=policy)
    assert kim.encrypt(KeyId=key, Plaintext=b"x")["KeyId"] == key
    assert refusal(kim.disable_key, KeyId=key) == (400, "AccessDeniedException")


def test_objects_are_encrypted_under_keys_of_ones_own(server, kms):
    s3 = server.boto3("s3", config=ONCE)
    s3.create_bucket(Bucket="sealed-objects")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    told = {"Bucket": "sealed-objects", "Key": "a", "ServerSideEncryption": "aws:kms"}
    stored = s3.put_object(**told, SSEKMSKeyId=key, Body=b"x" * 100_000)
    assert (stored["ServerSideEncryption"], stored["SSEKMSKeyId"]) == ("aws:kms", key)
    read = s3.get_object(Bucket="sealed-objects", Key="a", Range="bytes=65530-65545")
    assert (read["Body"].read(), read["SSEKMSKeyId"]) == (b"x" * 16, key)

    kms.disable_key(KeyId=key)
    assert refusal(s3.get_object, Bucket="sealed-objects", Key="a") == (400, "KMS.DisabledException")
    kms.enable_key(KeyId=key)
    own = s3.put_object(**told | {"Key": "b"}, Body=b"y")["SSEKMSKeyId"]
    assert kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"] == own
    assert s3.get_object(Bucket="sealed-objects", Key="b")["Body"].read() == b"y"
    assert refusal(s3.put_object, **told, SSEKMSKeyId="none", Body=b"") == (400, "KMS.NotFoundException")
