"""Runs under boto3 of 2022: SQS in the query protocol, S3 with `Content-MD5` instead of checksums."""

import io
import json
import random
import sys

import boto3
import botocore
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

assert botocore.__version__.startswith("1.29."), botocore.__version__
ENDPOINT = sys.argv[2]


def client(service: str, **options: object):
    return boto3.client(service, endpoint_url=ENDPOINT, **options)


def queues(name: str) -> None:
    """Send, receive, delete, batches, attributes and errors in the query protocol."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "9"}, tags={"a": "1"})["QueueUrl"]
    attributes = {
        "text": {"DataType": "String", "StringValue": "ü <&>"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\0\xff"},
    }
    sent = sqs.send_message(QueueUrl=url, MessageBody="body ü <&>", MessageAttributes=attributes)
    (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], AttributeNames=["All"])["Messages"]
    assert (message["Body"], message["MessageAttributes"]) == ("body ü <&>", attributes)
    assert (message["MessageId"], message["MD5OfBody"]) == (sent["MessageId"], sent["MD5OfMessageBody"])
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    entries = [{"Id": str(n), "MessageBody": f"body {n}", "DelaySeconds": 0} for n in range(10)]
    assert len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 10
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)["Messages"]
    handles = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]
    back = [one | {"VisibilityTimeout": 0} for one in handles]
    assert len(sqs.change_message_visibility_batch(QueueUrl=url, Entries=back)["Successful"]) == 10
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    handles = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]
    assert len(sqs.delete_message_batch(QueueUrl=url, Entries=handles)["Successful"]) == 10
    assert "Messages" not in sqs.receive_message(QueueUrl=url)

    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["VisibilityTimeout"] == "9"
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    assert sqs.list_queues(QueueNamePrefix=name)["QueueUrls"] == [url]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "1"}
    sqs.delete_queue(QueueUrl=url)
    try:
        sqs.get_queue_url(QueueName=name)
    except sqs.exceptions.QueueDoesNotExist as error:
        assert error.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"  # noqa: PT017
    else:
        raise AssertionError("the deleted queue was found")


def objects(bucket: str) -> None:
    """Whole and multipart objects, lists, copies, a multi-delete with its MD5, presigned URLs."""
    s3 = client("s3")
    content = random.Random(22).randbytes(11 << 20)
    config = TransferConfig(multipart_threshold=1 << 20, multipart_chunksize=5 << 20)
    s3.upload_fileobj(io.BytesIO(content), bucket, "ü/large", Config=config)
    back = io.BytesIO()
    s3.download_fileobj(bucket, "ü/large", back, Config=config)
    assert back.getvalue() == content
    s3.put_object(Bucket=bucket, Key="small", Body=b"small", Metadata={"a": "b"})
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "small"})
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert (got["Body"].read(), got["Metadata"]) == (b"small", {"a": "b"})
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["copy", "small", "ü/large"]
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    assert len(done["Deleted"]) == 3
    try:
        s3.head_object(Bucket=bucket, Key="small")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "404"  # noqa: PT017
    else:
        raise AssertionError("the deleted object was found")
    url = client("s3", config=Config(signature_version="s3v4")).generate_presigned_url(
        "put_object", {"Bucket": bucket, "Key": "presigned"}
    )
    sys.stdout.write(url)


def topics(name: str) -> None:
    """Publish to a topic with a filtered queue, one by one and in a batch, and errors."""
    sns, sqs = client("sns"), client("sqs")
    topic = sns.create_topic(Name=name, Tags=[{"Key": "a", "Value": "1"}])["TopicArn"]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    filters = {"FilterPolicy": json.dumps({"colour": ["red"]}), "RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=filters)
    red, blue = ({"colour": {"DataType": "String", "StringValue": it}} for it in ("red", "blue"))
    sns.publish(TopicArn=topic, Message="ü <&>", MessageAttributes=red)
    sns.publish(TopicArn=topic, Message="unwanted", MessageAttributes=blue)
    entries = [{"Id": str(n), "Message": f"body {n}", "MessageAttributes": red} for n in range(2)]
    assert len(sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)["Successful"]) == 2
    asked = {"MaxNumberOfMessages": 10, "WaitTimeSeconds": 5, "MessageAttributeNames": ["All"]}
    messages = sqs.receive_message(QueueUrl=url, **asked)["Messages"]
    assert sorted(it["Body"] for it in messages) == ["body 0", "body 1", "ü <&>"]
    assert all(it["MessageAttributes"] == red for it in messages)
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    assert [it["Endpoint"] for page in pages for it in page["Subscriptions"]] == [queue]
    sns.delete_topic(TopicArn=topic)
    try:
        sns.publish(TopicArn=topic, Message="x")
    except sns.exceptions.NotFoundException as error:
        assert error.response["Error"]["Message"] == "Topic does not exist"  # noqa: PT017
    else:
        raise AssertionError("the deleted topic was found")


if __name__ == "__main__":
    {"queues": queues, "objects": objects, "topics": topics}[sys.argv[1]](sys.argv[3])
