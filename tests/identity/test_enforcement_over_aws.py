"""Who may do what over AWS's protocols: a server's queues and buckets, and users of narrow rights, through boto3."""

import contextlib
import json
import urllib.error
import urllib.request

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from cumulo.testing import Server

ACCOUNT = "000000000000"
LIMIT_S = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("enforcement") / "data") as made:
        yield made


@pytest.fixture
def clients():
    """Clients by server, service and key; they are closed at the end."""
    made = contextlib.ExitStack()

    def make(server, service, *key, **config):
        root = server.credentials
        names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        credentials = dict(zip(names, key or (root["access_key_id"], root["secret_access_key"]), strict=False))
        settings = Config(retries={"total_max_attempts": 1}, **config)
        client = boto3.client(service, endpoint_url=server.url, region_name="us-east-1", config=settings, **credentials)
        made.callback(client.close)
        return client

    with made:
        yield make


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource, **rest):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **rest}


def user(iam, name, *statements):
    """Make a user with one policy; return his key."""
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


@contextlib.contextmanager
def refused(code, status=403):
    with pytest.raises(ClientError) as caught:
        yield caught
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


def test_a_producer_may_send_and_put_and_nothing_else(server, clients):
    sqs, s3, iam = (clients(server, service) for service in ("sqs", "s3", "iam"))
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    s3.create_bucket(Bucket="inbox")
    s3.put_object(Bucket="inbox", Key="a", Body=b"x")
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"
    key = user(iam, "producer", allow("sqs:SendMessage", arn), allow("s3:PutObject", "arn:aws:s3:::inbox/*"))
    his_sqs, his_s3 = clients(server, "sqs", *key), clients(server, "s3", *key)

    his_sqs.send_message(QueueUrl=url, MessageBody="hello")
    his_s3.put_object(Bucket="inbox", Key="b", Body=b"y")

    with refused("AccessDenied") as denied:
        his_sqs.receive_message(QueueUrl=url)
    assert denied.value.response["Error"]["Message"] == (
        f"User: arn:aws:iam::{ACCOUNT}:user/producer is not authorized to perform: sqs:ReceiveMessage on resource: "
        f"{arn} because no identity-based policy allows the sqs:ReceiveMessage action"
    )
    with refused("AccessDenied") as denied:
        his_s3.get_object(Bucket="inbox", Key="a")
    assert denied.value.response["Error"]["Message"] == (
        f"User: arn:aws:iam::{ACCOUNT}:user/producer is not authorized to perform: s3:GetObject on resource: "
        '"arn:aws:s3:::inbox/a" because no identity-based policy allows the s3:GetObject action'
    )
    with refused("AccessDenied"):
        his_s3.delete_object(Bucket="inbox", Key="a")
    with refused("AccessDenied"):
        clients(server, "iam", *key).list_users()
    assert s3.get_object(Bucket="inbox", Key="a")["Body"].read() == b"x"


def test_an_explicit_deny_of_a_bucket_is_told(server, clients):
    s3, iam = clients(server, "s3"), clients(server, "iam")
    s3.create_bucket(Bucket="denied")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::denied/*"}
    s3.put_bucket_policy(Bucket="denied", Policy=policy(deny))
    his = clients(server, "s3", *user(iam, "denied", allow("s3:*", "*")))

    with refused("AccessDenied") as denied:
        his.put_object(Bucket="denied", Key="a", Body=b"")

    assert "with an explicit deny in a resource-based policy" in denied.value.response["Error"]["Message"]


def test_a_deleted_or_disabled_key_and_a_deleted_user_are_refused_at_the_next_request(server, clients):
    iam = clients(server, "iam")
    key = user(iam, "leaver", allow("sqs:ListQueues", "*"))
    session = clients(server, "sts", *key).get_session_token()["Credentials"]
    his = clients(server, "sqs", *key)
    of_session = clients(server, "sqs", session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    his.list_queues()
    of_session.list_queues()

    iam.update_access_key(UserName="leaver", AccessKeyId=key[0], Status="Inactive")
    for client in (his, of_session):
        with refused("InvalidClientTokenId", 403):
            client.list_queues()
    iam.update_access_key(UserName="leaver", AccessKeyId=key[0], Status="Active")
    his.list_queues()
    of_session.list_queues()
    iam.delete_user_policy(UserName="leaver", PolicyName="own")
    for client in (his, of_session):
        with refused("AccessDenied"):
            client.list_queues()
    iam.delete_access_key(UserName="leaver", AccessKeyId=key[0])
    iam.delete_user(UserName="leaver")

    for client in (his, of_session):
        with refused("InvalidClientTokenId", 403):
            client.list_queues()


def test_a_session_works_on_each_service_and_survives_a_restart(tmp_path, clients):
    with Server(tmp_path / "data") as first:
        iam = clients(first, "iam")
        key = user(iam, "worker", allow(["s3:*", "sqs:*"], "*"))
        made = clients(first, "sts", *key).get_session_token(DurationSeconds=900)["Credentials"]
    session = made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]

    with Server(tmp_path / "data") as second:
        clients(second, "s3", *session).create_bucket(Bucket="of-a-session")
        clients(second, "sqs", *session).create_queue(QueueName="of-a-session")
        presigned = clients(second, "s3", *session, signature_version="s3v4").generate_presigned_url(
            "list_objects_v2", Params={"Bucket": "of-a-session"}
        )
        with urllib.request.urlopen(presigned, timeout=LIMIT_S) as answer:
            assert b"<KeyCount>0</KeyCount>" in answer.read()
        for wrong in ((*session[:2], session[2][:-4]), session[:2], (*key, session[2])):
            with pytest.raises(ClientError) as caught:
                clients(second, "s3", *wrong).list_buckets()
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


def test_somebody_anonymous_gets_what_a_policy_gives_to_everybody(server, clients):
    s3 = clients(server, "s3")
    for bucket in ("public", "private"):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="a", Body=b"read me")
    with contextlib.suppress(ClientError):
        s3.delete_public_access_block(Bucket="public")
    everybody = allow("s3:GetObject", "arn:aws:s3:::public/*", Principal="*")
    s3.put_bucket_policy(Bucket="public", Policy=policy(everybody))
    nobody = clients(server, "s3", signature_version=UNSIGNED)

    assert nobody.get_object(Bucket="public", Key="a")["Body"].read() == b"read me"
    with refused("AccessDenied") as denied:
        nobody.get_object(Bucket="private", Key="a")
    assert denied.value.response["Error"]["Message"] == "Access Denied"
    with refused("AccessDenied"):
        nobody.put_object(Bucket="public", Key="b", Body=b"")


def test_a_policy_of_aws_opens_what_it_says(server, clients):
    iam = clients(server, "iam")
    key = user(iam, "reader")
    iam.attach_user_policy(UserName="reader", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")

    clients(server, "s3", *key).list_buckets()
    with refused("AccessDenied"):
        clients(server, "s3", *key).create_bucket(Bucket="readers")
    with refused("AccessDenied"):
        clients(server, "sqs", *key).list_queues()
