"""Notifications of a whole server: to topics, endpoints and EventBridge's target, over S3's API and the SDK."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cumulo.client import NotificationRule
from cumulo.testing import Server

ACCOUNT = "000000000000"
BUS = f"arn:aws:sqs:us-east-1:{ACCOUNT}:bus"


def received(sqs: Any, name: str, count: int) -> list[dict[str, Any]]:
    """The next messages of a queue, in no order."""
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found: list[dict[str, Any]] = []
    while len(found) < count:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=10)
        assert answer.get("Messages"), f"{name} has {len(found)} messages of {count}"
        for message in answer["Messages"]:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(json.loads(message["Body"]))
    return found


def test_event_reaches_topic_endpoint_and_event_bridge() -> None:
    posted: list[dict[str, Any]] = []
    arrived = threading.Semaphore(0)

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()
            arrived.release()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    hook = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    with Server(settings={"s3_event_bus": BUS}) as server:
        s3, sqs, sns = server.boto3("s3"), server.boto3("sqs"), server.boto3("sns")
        for name in ("bus", "reader"):
            sqs.create_queue(QueueName=name)
        topic = sns.create_topic(Name="news")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:reader")
        s3.create_bucket(Bucket="inbox")
        rule = {"Id": "t", "TopicArn": topic, "Events": ["s3:ObjectCreated:Put"]}
        s3.put_bucket_notification_configuration(
            Bucket="inbox",
            NotificationConfiguration={"TopicConfigurations": [rule], "EventBridgeConfiguration": {}},
        )
        shown = s3.get_bucket_notification_configuration(Bucket="inbox")
        assert shown["TopicConfigurations"] == [rule]
        assert shown["EventBridgeConfiguration"] == {}
        with server.client() as client:
            bucket = client.bucket("inbox")
            url = f"http://127.0.0.1:{hook.server_port}/hook"
            endpoint = NotificationRule(endpoint=url, events=("s3:ObjectRemoved:*",))
            rules = bucket.set_notifications((*bucket.notifications(), endpoint), event_bridge=True)
            assert [(it.topic, it.endpoint) for it in rules] == [(topic, ""), ("", url)]
            assert bucket.event_bridge()

        s3.put_object(Bucket="inbox", Key="k", Body=b"hello")
        s3.delete_object(Bucket="inbox", Key="k")

        told = [json.loads(it["Message"]) for it in received(sqs, "reader", 3)]
        assert [it["Records"][0]["eventName"] for it in told if "Records" in it] == ["ObjectCreated:Put"]
        assert sum(it.get("Event") == "s3:TestEvent" for it in told) == 2
        assert {it["detail-type"] for it in received(sqs, "bus", 2)} == {"Object Created", "Object Deleted"}
        for _ in range(2):
            assert arrived.acquire(timeout=10)
        assert [it["Records"][0]["eventName"] for it in posted if "Records" in it] == ["ObjectRemoved:Delete"]
    hook.shutdown()
    hook.server_close()


def test_destination_that_takes_nothing_is_refused_unless_nobody_asks() -> None:
    with Server() as server:
        s3, sns = server.boto3("s3"), server.boto3("sns")
        s3.create_bucket(Bucket="inbox")
        fifo = sns.create_topic(Name="news.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
        missing = f"arn:aws:sns:us-east-1:{ACCOUNT}:none"
        for arn, shown in ((fifo, f"{fifo}, null"), (missing, missing)):
            asked = {"TopicConfigurations": [{"TopicArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
            with pytest.raises(ClientError) as refused:
                s3.put_bucket_notification_configuration(Bucket="inbox", NotificationConfiguration=asked)
            error = refused.value.response["Error"]
            assert (error["Code"], error["ArgumentName1"]) == ("InvalidArgument", shown)
            assert error["Message"] == "Unable to validate the following destination configurations"

            s3.put_bucket_notification_configuration(
                Bucket="inbox", NotificationConfiguration=asked, SkipDestinationValidation=True
            )


def test_each_destination_that_is_not_there_is_named() -> None:
    with Server() as server:
        s3 = server.boto3("s3")
        s3.create_bucket(Bucket="inbox")
        arns = [f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}" for name in ("later", "earlier")]
        rules = [
            {"QueueArn": arn, "Events": [event]}
            for arn, event in zip(arns, ("s3:ObjectCreated:*", "s3:ObjectRemoved:*"), strict=True)
        ]

        with pytest.raises(ClientError) as refused:
            s3.put_bucket_notification_configuration(
                Bucket="inbox", NotificationConfiguration={"QueueConfigurations": rules}
            )

        assert refused.value.response["Error"] == {
            "Code": "InvalidArgument",
            "Message": "Unable to validate the following destination configurations",
            "ArgumentName1": arns[0],
            "ArgumentValue1": "The destination queue does not exist",
            "ArgumentName2": arns[1],
            "ArgumentValue2": "The destination queue does not exist",
        }


def test_trace_of_a_call_reaches_the_queue_of_its_event_and_that_of_its_topic() -> None:
    trace = "Root=1-3152b799-8954dae64eda91bc9a23a7e8;Parent=7fa8c0f79203be72;Sampled=1"

    def traced(request: Any, **_: Any) -> None:
        request.headers["X-Amzn-Trace-Id"] = trace

    with Server() as server:
        s3, sqs, sns = server.boto3("s3"), server.boto3("sqs"), server.boto3("sns")
        urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("direct", "by-topic")]
        direct, by_topic = (f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}" for name in ("direct", "by-topic"))
        topic = sns.create_topic(Name="news")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=by_topic)
        s3.create_bucket(Bucket="inbox")
        asked = {
            "QueueConfigurations": [{"QueueArn": direct, "Events": ["s3:ObjectCreated:Put"]}],
            "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:Copy"]}],
        }
        s3.put_bucket_notification_configuration(
            Bucket="inbox", NotificationConfiguration=asked, SkipDestinationValidation=True
        )
        s3.meta.events.register("before-send.s3.*", traced)

        s3.put_object(Bucket="inbox", Key="k", Body=b"hello")
        s3.copy_object(Bucket="inbox", Key="copy", CopySource="inbox/k")

        for url in urls:
            answer = sqs.receive_message(
                QueueUrl=url, WaitTimeSeconds=10, MessageSystemAttributeNames=["AWSTraceHeader"]
            )
            assert [message["Attributes"] for message in answer["Messages"]] == [{"AWSTraceHeader": trace}]
