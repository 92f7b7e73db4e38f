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
    arn = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    assert kms.rotate_key_on_demand(KeyId=key)["KeyId"] == status["KeyId"] == arn
    assert kms.get_key_rotation_status(KeyId=key)["NextRotationDate"] == status["NextRotationDate"]
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
        ("create_key", {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}, "UnsupportedOperationException"),
        ("create_key", {"KeyUsage": "SIGN_VERIFY"}, "UnsupportedOperationException"),
        ("create_key", {"KeySpec": "SM2", "KeyUsage": "KEY_AGREEMENT"}, "UnsupportedOperationException"),
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


WELL_FORMED = "00000000-0000-4000-8000-000000000000"
ARN = "arn:aws:kms:{region}:000000000000:key/{key_id}"


@pytest.mark.parametrize(
    ("operation", "members", "code", "message"),
    [
        (
            "create_alias",
            {"AliasName": "photos", "TargetKeyId": "{key}"},
            "ValidationException",
            (
                'Alias must start with the prefix "alias/". Please see'
                " https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
            ),
        ),
        (
            "create_key",
            {"Tags": [{"TagKey": f"k{number}", "TagValue": ""} for number in range(51)]},
            "TagException",
            "Too many tags",
        ),
        (
            "create_key",
            {"Tags": [{"TagKey": "AWS:mine", "TagValue": ""}]},
            "TagException",
            "Tags beginning with aws: are reserved",
        ),
        (
            "tag_resource",
            {"KeyId": "{key}", "Tags": [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "2"}]},
            "TagException",
            "Duplicate tag keys",
        ),
        (
            "tag_resource",
            {"KeyId": "{key}", "Tags": [{"TagKey": "a" * 129, "TagValue": ""}]},
            "ValidationException",
            (
                f"1 validation error detected: Value '{'a' * 129}' at 'tags.1.member.tagKey' failed to satisfy"
                " constraint: Member must have length less than or equal to 128"
            ),
        ),
        (
            "create_key",
            {"Tags": [{"TagKey": "a", "TagValue": ""}, {"TagKey": "b", "TagValue": "v" * 257}]},
            "ValidationException",
            (
                f"1 validation error detected: Value '{'v' * 257}' at 'tags.2.member.tagValue' failed to satisfy"
                " constraint: Member must have length less than or equal to 256"
            ),
        ),
        (
            "describe_key",
            {"KeyId": ARN.format(region="eu-central-1", key_id=WELL_FORMED)},
            "NotFoundException",
            "Invalid arn eu-central-1",
        ),
        (
            "describe_key",
            {"KeyId": "mrk-" + "0a" * 16},
            "NotFoundException",
            f"Key '{ARN.format(region='us-east-1', key_id='mrk-' + '0a' * 16)}' does not exist",
        ),
        (
            "create_key",
            {"KeySpec": "HMAC_256"},
            "ValidationException",
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
        ),
        (
            "create_key",
            {"KeyUsage": "SIGN"},
            "ValidationException",
            (
                "1 validation error detected: Value 'SIGN' at 'keyUsage' failed to satisfy constraint: Member must"
                " satisfy enum value set: [ENCRYPT_DECRYPT, SIGN_VERIFY, GENERATE_VERIFY_MAC]"
            ),
        ),
        (
            "create_key",
            {"KeySpec": "RSA_1024"},
            "ValidationException",
            (
                "1 validation error detected: Value 'RSA_1024' at 'keySpec' failed to satisfy constraint: Member must"
                " satisfy enum value set: [RSA_2048, ECC_NIST_P384, ECC_NIST_P256, ECC_NIST_P521, HMAC_384, RSA_3072,"
                " ECC_SECG_P256K1, RSA_4096, SYMMETRIC_DEFAULT, HMAC_256, HMAC_224, HMAC_512]"
            ),
        ),
        ("generate_random", {}, "ValidationException", "NumberOfBytes is required."),
        (
            "encrypt",
            {"KeyId": "{key}", "Plaintext": bytes(4_097)},
            "ValidationException",
            (
                "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must"
                " have length less than or equal to 4096"
            ),
        ),
        ("decrypt", {"CiphertextBlob": b"nonsense"}, "InvalidCiphertextException", ""),
    ],
)
def test_refusals_are_worded_as_kms_words_them(server, kms, operation, members, code, message):
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    unchecked = server.boto3("kms", config=ONCE.merge(Config(parameter_validation=False)))
    filled = {name: key if value == "{key}" else value for name, value in members.items()}

    with pytest.raises(ClientError) as caught:
        getattr(unchecked, operation)(**filled)

    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == (code, message)


def test_on_demand_rotations_end_with_the_words_of_kms(kms):
    key = kms.create_key()["KeyMetadata"]
    for _ in range(25):
        kms.rotate_key_on_demand(KeyId=key["KeyId"])

    with pytest.raises(ClientError) as caught:
        kms.rotate_key_on_demand(KeyId=key["KeyId"])

    assert caught.value.response["Error"]["Code"] == "LimitExceededException"
    assert caught.value.response["Error"]["Message"] == (
        "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be"
        f" performed for this key: {key['Arn']}"
    )


def test_a_ciphertext_that_does_not_open_is_refused_without_a_word(kms):
    with pytest.raises(ClientError) as caught:
        kms.decrypt(CiphertextBlob=b"nonsense")

    assert "message" not in caught.value.response


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
