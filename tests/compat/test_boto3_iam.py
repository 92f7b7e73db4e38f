"""IAM and STS as boto3's newest version speaks them: users who may what policies say, groups, sessions."""

import json

import pytest
from botocore.exceptions import ClientError

READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}],
}


@pytest.fixture
def iam(clients):
    return clients("iam")


@pytest.fixture
def key_of(iam):
    """Make a key of a user, as options of a client."""

    def make(user):
        key = iam.create_access_key(UserName=user)["AccessKey"]
        return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    return make


def code_of(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def test_a_user_may_what_his_attached_policy_says(iam, s3, clients, key_of, bucket, new_name):
    s3.put_object(Bucket=bucket, Key="k", Body=b"read me")
    arn = iam.create_policy(PolicyName=new_name, PolicyDocument=json.dumps(READ))["Policy"]["Arn"]
    iam.create_user(UserName=new_name, Tags=[{"Key": "team", "Value": "ü"}])
    user = clients("s3", **key_of(new_name))
    assert code_of(user.get_object, Bucket=bucket, Key="k") == "AccessDenied"

    iam.attach_user_policy(UserName=new_name, PolicyArn=arn)

    assert user.get_object(Bucket=bucket, Key="k")["Body"].read() == b"read me"
    assert code_of(user.put_object, Bucket=bucket, Key="k", Body=b"") == "AccessDenied"
    assert [one["PolicyArn"] for one in iam.list_attached_user_policies(UserName=new_name)["AttachedPolicies"]] == [arn]
    assert code_of(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.detach_user_policy(UserName=new_name, PolicyArn=arn)
    assert code_of(user.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    iam.delete_policy(PolicyArn=arn)


def test_a_group_gives_its_policies_to_its_members(iam, clients, key_of, bucket, new_name):
    iam.create_group(GroupName=new_name)
    iam.put_group_policy(GroupName=new_name, PolicyName="read", PolicyDocument=json.dumps(READ))
    iam.create_user(UserName=new_name)
    user = clients("s3", **key_of(new_name))

    iam.add_user_to_group(GroupName=new_name, UserName=new_name)

    assert user.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert iam.get_group_policy(GroupName=new_name, PolicyName="read")["PolicyDocument"] == READ
    assert [one["UserName"] for one in iam.get_group(GroupName=new_name)["Users"]] == [new_name]
    iam.remove_user_from_group(GroupName=new_name, UserName=new_name)
    assert code_of(user.list_objects_v2, Bucket=bucket) == "AccessDenied"


def test_a_key_that_is_made_inactive_or_deleted_opens_nothing(iam, clients, key_of, new_name):
    iam.create_user(UserName=new_name)
    key = key_of(new_name)
    sts = clients("sts", **key)
    assert sts.get_caller_identity()["Arn"].endswith(f":user/{new_name}")

    iam.update_access_key(UserName=new_name, AccessKeyId=key["aws_access_key_id"], Status="Inactive")
    inactive = code_of(sts.get_caller_identity)
    iam.delete_access_key(UserName=new_name, AccessKeyId=key["aws_access_key_id"])

    assert inactive == "InvalidClientTokenId"
    assert code_of(sts.get_caller_identity) == "InvalidClientTokenId"
    iam.delete_user(UserName=new_name)
    assert code_of(iam.get_user, UserName=new_name) == "NoSuchEntity"


def test_users_are_listed_page_by_page(iam, new_name):
    names = [f"{new_name}-{n}" for n in range(5)]
    for name in names:
        iam.create_user(UserName=name, Path="/paged/")

    pages = iam.get_paginator("list_users").paginate(PathPrefix="/paged/", PaginationConfig={"PageSize": 2})

    assert [one["UserName"] for page in pages for one in page["Users"]] == names


def test_a_session_moves_data_until_it_ends(clients, bucket):
    session = clients("sts").get_session_token(DurationSeconds=900)["Credentials"]
    key = {"aws_access_key_id": session["AccessKeyId"], "aws_secret_access_key": session["SecretAccessKey"]}
    s3 = clients("s3", **key, aws_session_token=session["SessionToken"])

    s3.put_object(Bucket=bucket, Key="k", Body=b"by session")

    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"by session"
    assert code_of(clients("s3", **key).list_buckets) == "InvalidAccessKeyId"
    forged = clients("s3", **key, aws_session_token=session["SessionToken"][:-4] + "AAAA")
    assert code_of(forged.list_buckets) in {"InvalidToken", "InvalidAccessKeyId"}
