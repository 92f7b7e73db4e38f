"""Headers that only a server may set, sent by a client (row 55): no condition on the origin believes them."""

import json
from typing import Any

import grpc
import pytest

from cumulo.client.errors import CumuloError
from tests.attacks.calls import QUEUE_PATH, QUEUE_URL

pytestmark = pytest.mark.usefixtures("unchanged")
ARN = "arn:aws:sqs:us-east-1:000000000000:kept-queue"
ELSEWHERE = "192.0.2.7"
CLAIMS = {
    "x-forwarded-for": ELSEWHERE,
    "x-real-ip": ELSEWHERE,
    "forwarded": f"for={ELSEWHERE};proto=https",
    "true-client-ip": ELSEWHERE,
    "cf-connecting-ip": ELSEWHERE,
    "x-client-ip": ELSEWHERE,
    "x-forwarded-proto": "https",
    "x-forwarded-host": "sqs.us-east-1.amazonaws.com",
    "x-forwarded-port": "443",
    "front-end-https": "on",
    "x-amz-source-arn": "arn:aws:sns:us-east-1:000000000000:topic",
    "x-amz-source-account": "000000000000",
    "x-amz-via-aws-service": "true",
    "x-amz-principal": "arn:aws:iam::000000000000:root",
    "x-amzn-principal-arn": "arn:aws:iam::000000000000:root",
    "x-amz-user-id": "root",
    "x-cumulo-account": "000000000000",
    "x-remote-user": "root",
}
CONDITIONS = {
    "aws:SourceIp": {"IpAddress": {"aws:SourceIp": f"{ELSEWHERE}/32"}},
    "aws:SecureTransport": {"Bool": {"aws:SecureTransport": "true"}},
    "aws:SourceArn": {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}},
    "aws:SourceAccount": {"StringEquals": {"aws:SourceAccount": "000000000000"}},
    "aws:ViaAWSService": {"Bool": {"aws:ViaAWSService": "true"}},
    "aws:PrincipalArn": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::000000000000:root"}},
    "aws:PrincipalAccount": {"StringEquals": {"aws:PrincipalAccount": "000000000000"}},
}


def policy(resource, condition, action="*"):
    statement = {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource, "Condition": condition}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


@pytest.fixture(scope="module", params=CONDITIONS)
def guarded(request, root, unchanged):
    """A queue and a bucket that are open to whoever comes from where no client is."""
    condition = CONDITIONS[request.param]
    assert root.ask("DELETE", "/kept?publicAccessBlock").status == 204
    assert root.ask("PUT", "/kept?policy", {}, policy("arn:aws:s3:::kept/*", condition, "s3:*").encode()).status == 204
    attributes = {"Policy": policy(ARN, condition, "sqs:*")}
    assert root.call("sqs", "SetQueueAttributes", QueueUrl=QUEUE_URL, Attributes=attributes).status == 200
    yield request.param
    assert root.call("sqs", "SetQueueAttributes", QueueUrl=QUEUE_URL, Attributes={"Policy": ""}).status == 200
    assert root.ask("DELETE", "/kept?policy").status == 204
    blocked = "".join(
        f"<{name}>true</{name}>"
        for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    )
    document = f"<PublicAccessBlockConfiguration>{blocked}</PublicAccessBlockConfiguration>"
    assert root.ask("PUT", "/kept?publicAccessBlock", {}, document.encode()).status == 200


@pytest.fixture(scope="module")
def powerless(root, unchanged):
    """Somebody of whom no policy says anything."""
    from tests.attacks.conftest import with_key

    assert root.call("iam", "CreateUser", UserName="powerless").status == 200
    user = with_key(root, "powerless")
    yield user
    root.call("iam", "DeleteAccessKey", UserName="powerless", AccessKeyId=user.key_id)
    assert root.call("iam", "DeleteUser", UserName="powerless").status == 200


def test_nobody_is_where_he_says_he_is(root, guarded):
    for claims in ({}, CLAIMS, *[{name: value} for name, value in CLAIMS.items()]):
        got = root.send("GET", "/kept/object", claims.items())
        put = root.send("PUT", "/kept/forged", claims.items(), b"x")
        target = f"{QUEUE_PATH}?Action=SendMessage&Version=2012-11-05&MessageBody=forged"
        sent = root.send("GET", target, claims.items())
        assert [it.refusal for it in (got, put, sent)] == [(403, "AccessDenied")] * 3, claims


def test_user_is_where_his_connection_comes_from(root, guarded, powerless):
    if guarded == "aws:PrincipalAccount":  # that he has: it is his own
        return
    for claims in (CLAIMS, *[{name: value} for name, value in CLAIMS.items()]):
        answers = [
            powerless.ask("GET", "/kept/object", claims),
            powerless.ask("PUT", "/kept/forged", claims, b"x"),
            powerless.ask(
                "POST",
                QUEUE_PATH,
                claims | {"content-type": "application/x-www-form-urlencoded"},
                b"Action=SendMessage&Version=2012-11-05&MessageBody=forged",
                service="sqs",
            ),
        ]
        assert [it.refusal for it in answers] == [(403, "AccessDenied")] * 3, claims


def test_user_over_grpc_is_where_his_connection_comes_from(server, guarded, powerless):
    if guarded == "aws:PrincipalAccount":
        return
    credentials = {"access_key_id": powerless.key_id, "secret_access_key": powerless.secret}
    with server.client(**credentials) as client:
        token = client.iam.issue_token().token
        with pytest.raises(CumuloError):
            client.bucket("kept").get("object")
    metadata = (("authorization", f"Bearer {token}"), *CLAIMS.items())
    with grpc.insecure_channel(server.target) as channel:
        send: Any = channel.unary_unary("/cumulo.api.queue.v1.QueueService/SendMessage")
        from cumulo.api.queue.v1.queue_pb2 import SendMessageRequest

        asked = SendMessageRequest(queue="kept-queue", body=b"forged").SerializeToString()
        with pytest.raises(grpc.RpcError) as caught:
            send(asked, metadata=metadata)
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
