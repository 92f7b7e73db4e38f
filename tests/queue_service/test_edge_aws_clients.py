"""SQS as its clients speak it: boto3 over JSON, and signed requests of the query protocol, over real sockets."""

import asyncio
import hashlib
import json
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from lxml import etree

from cumulo.core.clocks import SystemClock
from cumulo.core.ids import SystemRandomness
from cumulo.core.ports import Credential
from cumulo.gateway.aws_edge import AwsEdge
from cumulo.gateway.http1 import HttpListener
from cumulo.queue_service.edge_aws import edge

KEY_ID, SECRET, REGION = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"
ACCOUNT = "000000000000"
NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"


class OneKey:
    """The credentials of a world with one access key."""

    def __init__(self, principal: Any) -> None:
        self._credential = Credential(access_key_id=KEY_ID, secret=SECRET, principal=principal)

    def credential(self, access_key_id: str, session_token: str = "") -> Credential | None:
        return self._credential if access_key_id == KEY_ID and not session_token else None


class NoMetrics:
    def finished(self, *_: object) -> None:
        pass


@pytest.fixture
def serve(run) -> Callable[[Callable[[str, Any], None]], None]:
    """Run a client in a thread against the room behind a real socket: `client(endpoint, stand)`."""

    def go(client: Callable[[str, Any], None]) -> None:
        async def scenario(stand: Any) -> None:
            services = [edge(stand.service)]
            door = AwsEdge(
                services, OneKey(stand.ctx.principal), SystemClock(), SystemRandomness(), NoMetrics(), ("localhost",)
            )
            listener = HttpListener(door.answer)
            port = await listener.start("127.0.0.1", 0)
            try:
                await asyncio.to_thread(client, f"http://127.0.0.1:{port}", stand)
            finally:
                await listener.stop()

        run(scenario)

    return go


def sqs(endpoint: str, **options: Any) -> Any:
    config = Config(retries={"total_max_attempts": 1}, **options)
    session = boto3.session.Session(KEY_ID, SECRET, region_name=REGION)
    return session.client("sqs", endpoint_url=endpoint, config=config)


def signed(action: str, url: str, **parameters: str) -> Any:
    """A signed request of the query protocol, prepared."""
    form = urllib.parse.urlencode({"Action": action, "Version": "2012-11-05", **parameters})
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("POST", url, headers, form.encode())
    SigV4Auth(Credentials(KEY_ID, SECRET), "sqs", REGION).add_auth(request)
    return request.prepare()


def query(endpoint: str, action: str, path: str = "/", **parameters: str) -> tuple[int, Any]:
    """One signed request of the query protocol: status and root element."""
    prepared = signed(action, endpoint + path, **parameters)
    asked = urllib.request.Request(prepared.url, prepared.body, dict(prepared.headers), method="POST")
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.status, etree.fromstring(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, etree.fromstring(error.read())


def text(root: Any, path: str) -> str | None:
    found: str | None = root.findtext("/".join(NAMESPACE + step for step in path.split("/")))
    return found


def test_boto3_lives_a_life(serve):
    def client(endpoint: str, _: Any) -> None:
        it = sqs(endpoint)
        url = it.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "10"}, tags={"a": "1"})["QueueUrl"]
        assert url == f"{endpoint}/{ACCOUNT}/jobs"
        assert it.get_queue_url(QueueName="jobs")["QueueUrl"] == url
        assert it.list_queues()["QueueUrls"] == [url]
        assert it.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "1"}
        shown = it.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert shown["VisibilityTimeout"] == "10"

        attributes = {
            "b": {"DataType": "Binary", "BinaryValue": b"\0\1"},
            "n": {"DataType": "Number", "StringValue": "1"},
        }
        sent = it.send_message(QueueUrl=url, MessageBody="grün\n", MessageAttributes=attributes)
        batch = it.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": f"m{n}"} for n in range(3)])
        assert "Failed" not in batch
        received = it.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"]
        )["Messages"]
        assert [message["Body"] for message in received] == ["grün\n", "m0", "m1", "m2"]
        assert received[0]["MessageId"] == sent["MessageId"]
        assert received[0]["MessageAttributes"] == attributes
        assert received[0]["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
        one, two, *rest = (message["ReceiptHandle"] for message in received)
        it.delete_message(QueueUrl=url, ReceiptHandle=one)
        it.change_message_visibility(QueueUrl=url, ReceiptHandle=two, VisibilityTimeout=0)
        gone = it.delete_message_batch(
            QueueUrl=url, Entries=[{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate(rest)]
        )
        assert [entry["Id"] for entry in gone["Successful"]] == ["0", "1"]
        assert [message["Body"] for message in it.receive_message(QueueUrl=url)["Messages"]] == ["m0"]
        assert "Messages" not in it.receive_message(QueueUrl=url)
        it.purge_queue(QueueUrl=url)
        it.delete_queue(QueueUrl=url)

        for raised, call in (
            (it.exceptions.QueueDoesNotExist, lambda: it.get_queue_url(QueueName="jobs")),
            (it.exceptions.QueueDoesNotExist, lambda: it.send_message(QueueUrl=url, MessageBody="x")),
        ):
            with pytest.raises(raised) as caught:
                call()
            assert caught.value.response["Error"] == {
                "Message": "The specified queue does not exist.",
                "Code": "AWS.SimpleQueueService.NonExistentQueue",
                "Type": "Sender",
                "QueryErrorCode": "QueueDoesNotExist",
            }

    serve(client)


@pytest.mark.parametrize(
    ("operation", "members", "code", "query_error_code", "status"),
    [
        (
            "receive_message",
            {"MaxNumberOfMessages": 11},
            "InvalidParameterValue",
            "InvalidParameterValueException",
            400,
        ),
        ("send_message", {"MessageBody": ""}, "MissingParameter", "MissingRequiredParameterException", 400),
        ("send_message", {"MessageBody": "\x01"}, "InvalidMessageContents", "InvalidMessageContents", 400),
        ("delete_message", {"ReceiptHandle": "x"}, "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404),
        (
            "send_message_batch",
            {"Entries": []},
            "AWS.SimpleQueueService.EmptyBatchRequest",
            "EmptyBatchRequest",
            400,
        ),
        ("get_queue_attributes", {"AttributeNames": ["x"]}, "InvalidAttributeName", "InvalidAttributeName", 400),
    ],
)
def test_boto3_hears_both_names_of_an_error(serve, operation, members, code, query_error_code, status):
    def client(endpoint: str, _: Any) -> None:
        it = sqs(endpoint)
        url = it.create_queue(QueueName="jobs")["QueueUrl"]

        with pytest.raises(ClientError) as refused:
            getattr(it, operation)(QueueUrl=url, **members)

        response = refused.value.response
        assert response["Error"]["Code"] == code
        assert response["Error"]["QueryErrorCode"] == query_error_code
        assert response["ResponseMetadata"]["HTTPStatusCode"] == status

    serve(client)


def json_query(
    endpoint: str, action: str, path: str = "/", accept: str = "application/json", **parameters: str
) -> tuple[int, Any]:
    """The same, of a caller who accepts JSON: status and document."""
    prepared = signed(action, endpoint + path, **parameters)
    headers = {**dict(prepared.headers), "Accept": accept}
    asked = urllib.request.Request(prepared.url, prepared.body, headers, method="POST")
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_query_protocol_answers_in_json_who_accepts_it(serve):
    def client(endpoint: str, _: Any) -> None:
        _, made = json_query(endpoint, "CreateQueue", QueueName="jobs")
        url = made["CreateQueueResponse"]["CreateQueueResult"]["QueueUrl"]
        path = f"/{ACCOUNT}/jobs"
        assert url == endpoint + path

        _, listed = json_query(endpoint, "ListQueues")
        assert listed["ListQueuesResponse"]["ListQueuesResult"] == {"NextToken": None, "queueUrls": [url]}
        _, shown = json_query(endpoint, "GetQueueAttributes", path, **{"AttributeName.1": "QueueArn"})
        assert shown["GetQueueAttributesResponse"]["GetQueueAttributesResult"] == {
            "Attributes": [{"Name": "QueueArn", "Value": f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs"}]
        }
        accept = "text/html, application/json;q=0.5"
        _, sent = json_query(endpoint, "SendMessage", path, accept, MessageBody='{"a": "\r"}')
        _, received = json_query(endpoint, "ReceiveMessage", path, "*/*", ContentType="JSON")
        (message,) = received["ReceiveMessageResponse"]["ReceiveMessageResult"]["messages"]
        assert message["Body"] == '{"a": "\r"}'
        assert message["MessageId"] == sent["SendMessageResponse"]["SendMessageResult"]["MessageId"]
        assert message["Attributes"] is None
        _, nothing = json_query(endpoint, "ReceiveMessage", path)
        assert nothing["ReceiveMessageResponse"]["ReceiveMessageResult"] == {"messages": None}
        _, deleted = json_query(endpoint, "DeleteMessage", path, ReceiptHandle=message["ReceiptHandle"])
        assert list(deleted["DeleteMessageResponse"]) == ["ResponseMetadata"]

    serve(client)


@pytest.mark.parametrize("action", ["CreateQueue", "GetQueueUrl"])
def test_queue_without_a_name_is_refused_in_the_words_of_aws(serve, action):
    def client(endpoint: str, _: Any) -> None:
        status, refused = json_query(endpoint, action, FooBar="baz")

        assert (status, refused["Error"]["Code"]) == (400, "InvalidParameterValue")
        assert refused["Error"]["Message"] == (
            "Value for parameter QueueName is invalid. Reason: Must specify a queue name."
        )

    serve(client)


def test_query_protocol_refuses_in_json_who_accepts_it(serve):
    def client(endpoint: str, _: Any) -> None:
        json_query(endpoint, "CreateQueue", QueueName="jobs")

        status, refused = json_query(endpoint, "ListQueues", f"/{ACCOUNT}/jobs")

        assert status == 400
        assert refused["Error"] == {
            "Code": "InvalidAction",
            "Message": "The action ListQueues is not valid for this endpoint.",
            "Type": "Sender",
        }
        assert refused["RequestId"]
        status, refused = json_query(endpoint, "GetQueueUrl", QueueName="gone")
        assert (status, refused["Error"]["Code"]) == (400, "AWS.SimpleQueueService.NonExistentQueue")

    serve(client)


def test_query_protocol_lives_a_life(serve):
    def client(endpoint: str, _: Any) -> None:
        status, made = query(
            endpoint, "CreateQueue", QueueName="jobs", **{"Attribute.1.Name": "DelaySeconds", "Attribute.1.Value": "0"}
        )
        url = text(made, "CreateQueueResult/QueueUrl") or ""
        assert (status, made.tag, url) == (200, f"{NAMESPACE}CreateQueueResponse", f"{endpoint}/{ACCOUNT}/jobs")
        assert text(made, "ResponseMetadata/RequestId")
        path = f"/{ACCOUNT}/jobs"

        parameters = {
            "QueueUrl": url,
            "MessageBody": "a & <b>",
            "MessageAttribute.1.Name": "n",
            "MessageAttribute.1.Value.DataType": "String",
            "MessageAttribute.1.Value.StringValue": "ü",
        }
        _, sent = query(endpoint, "SendMessage", path, **parameters)
        _, received = query(
            endpoint,
            "ReceiveMessage",
            path,
            **{"QueueUrl": url, "AttributeName.1": "SenderId", "MessageAttributeName.1": "All"},
        )
        message = "ReceiveMessageResult/Message"
        assert text(received, f"{message}/Body") == "a & <b>"
        assert text(received, f"{message}/Attribute/Name") == "SenderId"
        assert text(received, f"{message}/MessageAttribute/Value/StringValue") == "ü"
        assert text(received, f"{message}/MD5OfMessageAttributes") == text(
            sent, "SendMessageResult/MD5OfMessageAttributes"
        )
        handle = text(received, f"{message}/ReceiptHandle") or ""
        _, batch = query(
            endpoint,
            "DeleteMessageBatch",
            path,
            **{
                "QueueUrl": url,
                "DeleteMessageBatchRequestEntry.1.Id": "good",
                "DeleteMessageBatchRequestEntry.1.ReceiptHandle": handle,
                "DeleteMessageBatchRequestEntry.2.Id": "bad",
                "DeleteMessageBatchRequestEntry.2.ReceiptHandle": "fake",
            },
        )
        result = "DeleteMessageBatchResult"
        assert text(batch, f"{result}/DeleteMessageBatchResultEntry/Id") == "good"
        assert text(batch, f"{result}/BatchResultErrorEntry/Code") == "ReceiptHandleIsInvalid"
        _, empty = query(endpoint, "ReceiveMessage", path, QueueUrl=url)
        assert len(empty.find(f"{NAMESPACE}ReceiveMessageResult")) == 0

        status, refused = query(endpoint, "SendMessage", QueueUrl=f"{url}2", MessageBody="x")
        assert status == 400
        assert (text(refused, "Error/Type"), text(refused, "Error/Code"), text(refused, "Error/Message")) == (
            "Sender",
            "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist for this wsdl version.",
        )
        status, unknown = query(endpoint, "Nope")
        assert (status, text(unknown, "Error/Code")) == (400, "InvalidAction")

    serve(client)


def test_long_poll_of_boto3_wakes_at_the_send(serve):
    def client(endpoint: str, stand: Any) -> None:
        it = sqs(endpoint)
        url = it.create_queue(QueueName="jobs")["QueueUrl"]
        answers: list[Any] = []

        def poll() -> None:
            answers.append((sqs(endpoint).receive_message(QueueUrl=url, WaitTimeSeconds=20), time.monotonic()))

        waiting = threading.Thread(target=poll)
        waiting.start()
        while not stand.service.parked:
            time.sleep(0.001)
        sent_at = time.monotonic()
        it.send_message(QueueUrl=url, MessageBody="x")
        waiting.join(10)

        [(received, received_at)] = answers
        assert [message["Body"] for message in received["Messages"]] == ["x"]
        assert received_at - sent_at < 5

    serve(client)


@pytest.mark.parametrize("leave", ["close", "half"])
def test_message_is_not_taken_for_a_client_that_left_its_long_poll(serve, leave):
    def client(endpoint: str, stand: Any) -> None:
        it = sqs(endpoint)
        url = it.create_queue(QueueName="jobs")["QueueUrl"]
        address = urllib.parse.urlsplit(endpoint)
        asked = signed("ReceiveMessage", endpoint, QueueUrl=url, WaitTimeSeconds="20")
        head = "".join(f"{name}: {value}\r\n" for name, value in asked.headers.items())
        with socket.create_connection((address.hostname, address.port)) as left:
            left.sendall(f"POST / HTTP/1.1\r\nHost: {address.netloc}\r\n{head}\r\n".encode() + asked.body)
            while not stand.service.parked:
                time.sleep(0.001)
            if leave == "close":
                left.close()
            else:
                left.shutdown(socket.SHUT_WR)
            while stand.service.parked:
                time.sleep(0.001)

        it.send_message(QueueUrl=url, MessageBody="x")
        received = it.receive_message(QueueUrl=url)

        assert [message["Body"] for message in received["Messages"]] == ["x"]

    serve(client)


@pytest.mark.parametrize("operation", ["SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"])
def test_query_batch_without_entries_is_empty(serve, operation):
    def client(endpoint: str, stand: Any) -> None:
        sqs(endpoint).create_queue(QueueName="jobs")

        # How clients of 2022 spell an empty list.
        status, refused = query(endpoint, operation, f"/{ACCOUNT}/jobs", Entries="")

        assert status == 400
        assert text(refused, "Error/Code") == "AWS.SimpleQueueService.EmptyBatchRequest"
        assert text(refused, "Error/Message") == f"There should be at least one {operation}RequestEntry in the request."

    serve(client)


@pytest.mark.parametrize(
    ("operation", "method", "members", "parameters", "missing"),
    [
        ("SetQueueAttributes", "set_queue_attributes", {"Attributes": {}}, {}, "Attribute.Name"),
        ("DeleteMessage", "delete_message", {}, {}, "ReceiptHandle"),
        (
            "DeleteMessageBatch",
            "delete_message_batch",
            {"Entries": [{"Id": "a"}]},
            {"DeleteMessageBatchRequestEntry.1.Id": "a"},
            "DeleteMessageBatchRequestEntry.1.ReceiptHandle",
        ),
        (
            "SendMessageBatch",
            "send_message_batch",
            {"Entries": [{"MessageBody": "x"}]},
            {"SendMessageBatchRequestEntry.1.MessageBody": "x"},
            "SendMessageBatchRequestEntry.1.Id",
        ),
    ],
)
def test_what_is_missing_has_one_name_in_both_protocols(serve, operation, method, members, parameters, missing):
    def client(endpoint: str, _: Any) -> None:
        it = sqs(endpoint, parameter_validation=False)
        url = it.create_queue(QueueName="jobs")["QueueUrl"]

        with pytest.raises(ClientError) as refused:
            getattr(it, method)(QueueUrl=url, **members)
        status, answer = query(endpoint, operation, f"/{ACCOUNT}/jobs", **parameters)

        message = f"The request must contain the parameter {missing}."
        error = refused.value.response["Error"]
        assert (error["Code"], error["Message"]) == ("MissingParameter", message)
        assert (status, text(answer, "Error/Code"), text(answer, "Error/Message")) == (400, "MissingParameter", message)

    serve(client)


def test_trace_header_of_the_http_request_is_kept_unless_no_queue_takes_it(serve):
    def client(endpoint: str, _: Any) -> None:
        it = sqs(endpoint)
        url = it.create_queue(QueueName="jobs")["QueueUrl"]
        shown = []
        for trace in ("Root=1-2-3", "a" * 1024, "a" * 1025):

            def bear(request: Any, trace: str = trace, **_: Any) -> None:
                request.headers["X-Amzn-Trace-Id"] = trace

            it.meta.events.register("before-sign.sqs.SendMessage", bear, unique_id="trace")
            it.send_message(QueueUrl=url, MessageBody="x")
            it.meta.events.unregister("before-sign.sqs.SendMessage", unique_id="trace")
            (message,) = it.receive_message(QueueUrl=url, MessageSystemAttributeNames=["AWSTraceHeader"])["Messages"]
            it.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            shown.append(message.get("Attributes", {}).get("AWSTraceHeader"))

        assert shown == ["Root=1-2-3", "a" * 1024, None]

    serve(client)


def test_boto3_works_with_a_fifo_queue(serve):
    def client(endpoint: str, stand: Any) -> None:
        it = sqs(endpoint)
        dead = it.create_queue(QueueName="dead.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        arn = it.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        url = it.create_queue(
            QueueName="jobs.fifo",
            Attributes={
                "FifoQueue": "true",
                "ContentBasedDeduplication": "true",
                "RedrivePolicy": f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"1"}}',
            },
        )["QueueUrl"]
        assert url == f"{endpoint}/{ACCOUNT}/jobs.fifo"

        first = it.send_message(QueueUrl=url, MessageBody="one", MessageGroupId="g")
        again = it.send_message(QueueUrl=url, MessageBody="one", MessageGroupId="g")
        batch = it.send_message_batch(
            QueueUrl=url,
            Entries=[{"Id": str(n), "MessageBody": f"m{n}", "MessageGroupId": f"g{n % 2}"} for n in range(4)],
        )["Successful"]
        assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
        numbers = [first["SequenceNumber"], *(entry["SequenceNumber"] for entry in batch)]
        assert numbers == sorted(set(numbers))

        received = it.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], ReceiveRequestAttemptId="try"
        )["Messages"]
        repeated = it.receive_message(QueueUrl=url, MaxNumberOfMessages=10, ReceiveRequestAttemptId="try")["Messages"]
        assert [one["Body"] for one in received] == ["one", "m0", "m2", "m1", "m3"]
        assert [one["ReceiptHandle"] for one in repeated] == [one["ReceiptHandle"] for one in received]
        assert received[0]["Attributes"]["SequenceNumber"] == first["SequenceNumber"]
        assert received[0]["Attributes"]["MessageGroupId"] == "g"
        assert received[0]["Attributes"]["MessageDeduplicationId"] == hashlib.sha256(b"one").hexdigest()

        it.delete_message(QueueUrl=url, ReceiptHandle=received[0]["ReceiptHandle"])
        stand.clock.advance(31_000)
        with pytest.raises(ClientError) as expired:
            it.delete_message(QueueUrl=url, ReceiptHandle=received[1]["ReceiptHandle"])
        refused_value = f"Value {received[1]['ReceiptHandle']} for parameter ReceiptHandle is invalid."
        assert expired.value.response["Error"] == {
            "Code": "InvalidParameterValue",
            "Message": f"{refused_value} Reason: The receipt handle has expired.",
            "QueryErrorCode": "InvalidParameterValueException",
            "Type": "Sender",
        }
        assert "Messages" not in it.receive_message(QueueUrl=url)
        moved = it.receive_message(QueueUrl=dead, MaxNumberOfMessages=10)["Messages"]
        assert [one["Body"] for one in moved] == ["m0", "m2", "m1", "m3"]

        path = urllib.parse.urlsplit(url).path
        status, sent = query(endpoint, "SendMessage", path, MessageBody="one", MessageGroupId="g")
        assert status == 200
        assert text(sent, "SendMessageResult/SequenceNumber") == first["SequenceNumber"]
        status, refused = query(endpoint, "SendMessage", path, MessageBody="x")
        assert (status, text(refused, "Error/Code")) == (400, "MissingParameter")

    serve(client)


def test_two_consumers_by_boto3_see_each_group_in_order_and_once(serve):
    def client(endpoint: str, _: Any) -> None:
        it = sqs(endpoint)
        url = it.create_queue(QueueName="jobs.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        for number in range(20):
            entries = [
                {
                    "Id": str(index),
                    "MessageBody": f"{number}",
                    "MessageGroupId": f"g{index}",
                    "MessageDeduplicationId": f"{number}-{index}",
                }
                for index in range(5)
            ]
            it.send_message_batch(QueueUrl=url, Entries=entries)
        seen: dict[str, list[int]] = {f"g{index}": [] for index in range(5)}
        held: set[str] = set()

        def consume() -> None:
            mine = sqs(endpoint)
            while messages := mine.receive_message(
                QueueUrl=url, MaxNumberOfMessages=7, AttributeNames=["MessageGroupId"], WaitTimeSeconds=1
            ).get("Messages"):
                groups = {one["Attributes"]["MessageGroupId"] for one in messages}
                assert held.isdisjoint(groups)
                held.update(groups)
                for one in messages:
                    seen[one["Attributes"]["MessageGroupId"]].append(int(one["Body"]))
                held.difference_update(groups)
                for one in messages:
                    mine.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])

        threads = [threading.Thread(target=consume) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert seen == {f"g{index}": list(range(20)) for index in range(5)}

    serve(client)
