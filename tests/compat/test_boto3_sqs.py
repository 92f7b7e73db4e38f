"""SQS as boto3's newest version speaks it (JSON 1.0): every operation that the service has."""

import concurrent.futures
import hashlib
import json
import threading
import time

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def queue(sqs, new_name):
    return sqs.create_queue(QueueName=new_name)["QueueUrl"]


def code_of(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def receive(sqs, queue, **options):
    return sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, **options).get("Messages", [])


def attributes(sqs, queue, *names):
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names or ("All",))["Attributes"]


def test_a_message_with_attributes_goes_round(sqs, queue):
    written = {
        "text": {"DataType": "String", "StringValue": "ü"},
        "number": {"DataType": "Number.int", "StringValue": "7"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\0\xff"},
    }

    sent = sqs.send_message(QueueUrl=queue, MessageBody="hello ü <&>", MessageAttributes=written)
    (message,) = receive(sqs, queue, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"])

    assert (message["Body"], message["MessageAttributes"]) == ("hello ü <&>", written)
    assert message["MessageId"] == sent["MessageId"]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MD5OfBody"] == hashlib.md5("hello ü <&>".encode()).hexdigest()
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert attributes(sqs, queue)["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_batches_send_prolong_and_delete(sqs, queue):
    sent = sqs.send_message_batch(
        QueueUrl=queue, Entries=[{"Id": str(n), "MessageBody": f"body {n}"} for n in range(10)]
    )
    messages = receive(sqs, queue)
    handles = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]

    back = sqs.change_message_visibility_batch(
        QueueUrl=queue, Entries=[one | {"VisibilityTimeout": 0} for one in handles]
    )
    again = receive(sqs, queue)
    done = sqs.delete_message_batch(
        QueueUrl=queue,
        Entries=[{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(again)],
    )

    assert [len(answer["Successful"]) for answer in (sent, back, done)] == [10, 10, 10]
    assert sorted(one["Body"] for one in again) == [f"body {n}" for n in range(10)]
    assert receive(sqs, queue) == []


def test_a_message_comes_again_when_its_visibility_is_given_up(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="again")
    (first,) = receive(sqs, queue)
    assert receive(sqs, queue) == []

    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)

    (second,) = receive(sqs, queue, MessageSystemAttributeNames=["ApproximateReceiveCount"])
    assert second["Attributes"] == {"ApproximateReceiveCount": "2"}


def test_a_delayed_message_wakes_a_long_poll(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="late", DelaySeconds=1)
    started = time.monotonic()

    (message,) = receive(sqs, queue, WaitTimeSeconds=10)

    assert message["Body"] == "late"
    assert 0.5 < time.monotonic() - started < 5


def test_a_sent_message_wakes_a_long_poll(sqs, clients, queue):
    other = clients("sqs")
    timer = threading.Timer(0.3, lambda: other.send_message(QueueUrl=queue, MessageBody="now"))
    timer.start()

    (message,) = receive(sqs, queue, WaitTimeSeconds=10)

    timer.join()
    assert message["Body"] == "now"


def test_attributes_are_set_and_read(sqs, queue):
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "7", "DelaySeconds": "1"})

    got = attributes(sqs, queue)

    assert (got["VisibilityTimeout"], got["DelaySeconds"]) == ("7", "1")
    assert got["QueueArn"].startswith("arn:aws:sqs:us-east-1:")
    assert attributes(sqs, queue, "VisibilityTimeout") == {"VisibilityTimeout": "7"}
    assert code_of(sqs.set_queue_attributes, QueueUrl=queue, Attributes={"DelaySeconds": "901"}) == (
        "InvalidAttributeValue"
    )


def test_queues_are_found_listed_and_deleted(sqs, new_name):
    names = [f"{new_name}-{n}" for n in range(5)]
    urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in names]

    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=new_name, PaginationConfig={"PageSize": 2})

    assert [url for page in pages for url in page["QueueUrls"]] == urls
    assert sqs.get_queue_url(QueueName=names[0])["QueueUrl"] == urls[0]
    sqs.delete_queue(QueueUrl=urls[0])
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName=names[0])
    assert code_of(sqs.send_message, QueueUrl=urls[0], MessageBody="x") == "AWS.SimpleQueueService.NonExistentQueue"


def test_a_message_that_fails_goes_to_the_dead_letter_queue(sqs, queue, new_name):
    dead = sqs.create_queue(QueueName=f"{new_name}-dead")["QueueUrl"]
    policy = {"deadLetterTargetArn": attributes(sqs, dead)["QueueArn"], "maxReceiveCount": 1}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": json.dumps(policy)})
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    (message,) = receive(sqs, queue)

    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)

    assert receive(sqs, queue) == []
    assert [one["Body"] for one in receive(sqs, dead)] == ["poison"]
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [queue]


def test_tags_and_permissions_are_kept(sqs, queue):
    sqs.tag_queue(QueueUrl=queue, Tags={"a": "1", "b": ""})
    sqs.untag_queue(QueueUrl=queue, TagKeys=["b"])
    sqs.add_permission(QueueUrl=queue, Label="them", AWSAccountIds=["111111111111"], Actions=["SendMessage"])

    policy = json.loads(attributes(sqs, queue)["Policy"])
    sqs.remove_permission(QueueUrl=queue, Label="them")

    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"a": "1"}
    assert [one["Sid"] for one in policy["Statement"]] == ["them"]
    assert "them" not in attributes(sqs, queue).get("Policy", "")


def test_a_purged_queue_is_empty(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")

    sqs.purge_queue(QueueUrl=queue)

    assert receive(sqs, queue) == []


def test_a_request_of_the_sdk_is_answered_by_its_attributes(sqs, queue, server):
    name = queue.rpartition("/")[2]

    def reply():
        (message,) = receive(sqs, queue, WaitTimeSeconds=20, MessageAttributeNames=["All"])
        asked = message["MessageAttributes"]
        sqs.send_message(
            QueueUrl=asked["ResponseQueueUrl"]["StringValue"],
            MessageBody=message["Body"].upper(),
            MessageAttributes={"CorrelationId": asked["CorrelationId"]},
        )

    with server.client() as client, concurrent.futures.ThreadPoolExecutor(1) as pool:
        replying = pool.submit(reply)
        answered = client.queue(name).request("hello")
        replying.result()

    assert (answered.text, answered.attributes) == ("HELLO", {})
