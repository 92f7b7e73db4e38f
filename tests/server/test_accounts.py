"""Several accounts on one server: each with its own root, its own queues, and what it lets the others do, over SQS."""

import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

FIRST, SECOND = "000000000000", "222222222222"
DENIED = (403, "AccessDenied")


def sqs(server, key_id, secret):
    return boto3.client(
        "sqs",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.fixture(scope="module")
def first(server):
    return sqs(server, server.credentials["access_key_id"], server.credentials["secret_access_key"])


@pytest.fixture(scope="module")
def second(server, client):
    key = client.iam.create_account(SECOND, "second")
    return sqs(server, key.access_key_id, key.secret_access_key)


def refusal(work, **members):
    with pytest.raises(ClientError) as error:
        work(**members)
    response = error.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"].removesuffix("Exception")


def allow(it, url, *actions, effect="Allow"):
    account, name = url.rsplit("/", 2)[1:]
    statement = {
        "Effect": effect,
        "Principal": {"AWS": f"arn:aws:iam::{SECOND}:root"},
        "Action": list(actions),
        "Resource": f"arn:aws:sqs:us-east-1:{account}:{name}",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    it.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def test_accounts_have_their_own_queues_of_one_name(first, second):
    urls = [it.create_queue(QueueName="mine")["QueueUrl"] for it in (first, second)]

    assert [url.rsplit("/", 2)[1] for url in urls] == [FIRST, SECOND]
    first.send_message(QueueUrl=urls[0], MessageBody="for the first")
    assert "Messages" not in second.receive_message(QueueUrl=urls[1])
    assert second.list_queues(QueueNamePrefix="mine")["QueueUrls"] == [urls[1]]
    second.delete_queue(QueueUrl=urls[1])
    assert first.list_queues(QueueNamePrefix="mine")["QueueUrls"] == [urls[0]]


def test_queue_of_another_account_is_closed_and_looks_like_one_that_is_not_there(first, second):
    url = first.create_queue(QueueName="closed")["QueueUrl"]

    for there in (url, url.replace("closed", "nowhere")):
        assert refusal(second.send_message, QueueUrl=there, MessageBody="x") == DENIED
        assert refusal(second.receive_message, QueueUrl=there) == DENIED
    for name in ("closed", "nowhere"):
        assert refusal(second.get_queue_url, QueueName=name, QueueOwnerAWSAccountId=FIRST) == DENIED
    assert refusal(second.get_queue_url, QueueName="closed") == (400, "AWS.SimpleQueueService.NonExistentQueue")


def test_policy_opens_what_it_names_to_the_other_account(first, second):
    url = first.create_queue(QueueName="shared")["QueueUrl"]
    allow(first, url, "sqs:SendMessage", "sqs:GetQueueUrl")

    assert second.get_queue_url(QueueName="shared", QueueOwnerAWSAccountId=FIRST)["QueueUrl"] == url
    second.send_message(QueueUrl=url, MessageBody="hello")
    second.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "both"}])
    assert refusal(second.receive_message, QueueUrl=url) == DENIED
    found = first.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["SenderId"])["Messages"]
    assert {(one["Body"], one["Attributes"]["SenderId"]) for one in found} == {("hello", SECOND), ("both", SECOND)}


def test_permission_by_account_number_opens_and_closes_a_queue(first, second):
    url = first.create_queue(QueueName="labelled")["QueueUrl"]
    first.add_permission(
        QueueUrl=url, Label="both", AWSAccountIds=[SECOND], Actions=["ReceiveMessage", "DeleteMessage"]
    )
    first.send_message(QueueUrl=url, MessageBody="take me")

    (message,) = second.receive_message(QueueUrl=url)["Messages"]
    second.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    first.remove_permission(QueueUrl=url, Label="both")
    assert refusal(second.receive_message, QueueUrl=url) == DENIED


def test_no_policy_gives_a_queue_out_of_its_owners_hands(first, second):
    url = first.create_queue(QueueName="kept")["QueueUrl"]
    allow(first, url, "sqs:*")
    arn = f"arn:aws:sqs:us-east-1:{FIRST}:kept"

    second.send_message(QueueUrl=url, MessageBody="x")
    assert second.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"] == arn
    second.purge_queue(QueueUrl=url)
    for work, members in (
        (second.set_queue_attributes, {"QueueUrl": url, "Attributes": {"DelaySeconds": "1"}}),
        (second.delete_queue, {"QueueUrl": url}),
        (second.tag_queue, {"QueueUrl": url, "Tags": {"a": "b"}}),
        (second.untag_queue, {"QueueUrl": url, "TagKeys": ["a"]}),
        (second.list_queue_tags, {"QueueUrl": url}),
        (
            second.add_permission,
            {"QueueUrl": url, "Label": "l", "AWSAccountIds": [SECOND], "Actions": ["SendMessage"]},
        ),
        (second.remove_permission, {"QueueUrl": url, "Label": "l"}),
        (second.start_message_move_task, {"SourceArn": arn}),
        (second.list_message_move_tasks, {"SourceArn": arn}),
    ):
        assert refusal(work, **members) == DENIED, members


def test_dead_letter_queue_of_another_account_is_refused(first, second):
    first.create_queue(QueueName="dead")
    redrive = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{FIRST}:dead", "maxReceiveCount": 1})

    assert refusal(second.create_queue, QueueName="q", Attributes={"RedrivePolicy": redrive}) == (
        400,
        "InvalidParameterValue",
    )
