"""A refusal in each protocol, to the letter, and as botocore reads it."""

import functools

import botocore.parsers
import msgspec
import pytest
from botocore.awsrequest import HeadersDict

from cumulo.core.errors import INTERNAL_FAILURE, NOT_IMPLEMENTED, ErrorRow, Status
from cumulo.gateway import aws_errors
from cumulo.identity import aws_iam
from cumulo.object_store import aws_s3
from cumulo.queue_service import aws_sqs
from tests.gateway.botocore_side import generated

NO_QUEUE = ErrorRow(
    "QueueDoesNotExist",
    400,
    Status.NOT_FOUND,
    "The queue {queue} does not exist.",
    query_code="AWS.SimpleQueueService.NonExistentQueue",
).error(queue="<q>")
NO_KEY = ErrorRow("NoSuchKey", 404, Status.NOT_FOUND, "The specified key does not exist.").error(key="a&b\r")


def test_sqs_over_json_names_the_shape_and_for_older_clients_the_query_code():
    answer = aws_errors.render(NO_QUEUE, aws_sqs.SERVICE, "json", "r-1")

    assert (answer.status, answer.content_type) == (400, "application/x-amz-json-1.0")
    assert answer.body == b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The queue <q> does not exist."}'
    assert answer.headers == (
        ("x-amzn-RequestId", "r-1"),
        ("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender"),
    )


def test_sqs_over_query_says_the_query_code():
    answer = aws_errors.render(NO_QUEUE, aws_sqs.SERVICE, "query", "r-1")

    assert (answer.status, answer.content_type) == (400, "text/xml")
    assert answer.headers == (("x-amzn-RequestId", "r-1"),)
    assert answer.body.decode() == (
        '<?xml version="1.0"?><ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error>'
        "<Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code>"
        "<Message>The queue &lt;q&gt; does not exist.</Message><Detail/></Error>"
        "<RequestId>r-1</RequestId></ErrorResponse>"
    )


def test_a_row_of_sqs_without_a_query_code_gets_the_models():
    error = ErrorRow("EmptyBatchRequest", 400, Status.INVALID_ARGUMENT, "Empty.").error()

    answer = aws_errors.render(error, aws_sqs.SERVICE, "json", "r-1")

    assert ("x-amzn-query-error", "AWS.SimpleQueueService.EmptyBatchRequest;Sender") in answer.headers


def test_iam_has_no_detail_and_says_the_models_code_for_a_shapes_name():
    error = ErrorRow("NoSuchEntityException", 404, Status.NOT_FOUND, "No user.").error()

    answer = aws_errors.render(error, aws_iam.SERVICE, "query", "r-1")

    assert answer.body.decode() == (
        '<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
        "<Code>NoSuchEntity</Code><Message>No user.</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
    )


def test_s3_says_what_it_is_about_and_a_head_only_the_headers():
    render = functools.partial(
        aws_errors.render,
        NO_KEY,
        aws_s3.SERVICE,
        "rest-xml",
        "r-1",
        host_id="h-1",
        resource="/b/a&b",
        members={"key": "Key"},
    )

    answer = render()
    head = render(head=True)

    assert (answer.status, answer.content_type) == (404, "application/xml")
    assert answer.headers == head.headers == (("x-amz-request-id", "r-1"), ("x-amz-id-2", "h-1"))
    assert (head.status, head.body) == (404, b"")
    assert answer.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
        "<Message>The specified key does not exist.</Message><Key>a&amp;b&#xD;</Key><Resource>/b/a&amp;b</Resource>"
        "<RequestId>r-1</RequestId><HostId>h-1</HostId></Error>"
    )


def test_not_modified_has_no_body():
    error = ErrorRow("NotModified", 304, Status.FAILED_PRECONDITION, "Not modified.").error()

    answer = aws_errors.render(error, aws_s3.SERVICE, "rest-xml", "r-1")

    assert (answer.status, answer.body, answer.content_type) == (304, b"", "")


def test_values_with_capital_names_are_members_and_others_stay_inside():
    row = ErrorRow("InvalidObjectState", 403, Status.FAILED_PRECONDITION, "Archived: {secret}.")

    answer = aws_errors.render(row.error(StorageClass="GLACIER", secret="s"), aws_s3.SERVICE, "rest-xml", "r-1")

    assert b"<StorageClass>GLACIER</StorageClass>" in answer.body
    assert b"<secret>" not in answer.body


@pytest.mark.parametrize(
    ("load", "protocol"),
    [
        (lambda: aws_sqs, "json"),
        (lambda: aws_iam, "query"),
        (lambda: aws_s3, "rest-xml"),
        (lambda: generated("batch"), "rest-json"),
        (lambda: generated("cloudwatch"), "smithy-rpc-v2-cbor"),
    ],
)
@pytest.mark.parametrize("error", [NOT_IMPLEMENTED.error(what="it"), INTERNAL_FAILURE.error(request_id="r-1")])
def test_botocore_reads_code_and_message_in_every_protocol(load, protocol, error):
    answer = aws_errors.render(error, load().SERVICE, protocol, "r-1")

    response = {"headers": HeadersDict(answer.headers), "body": answer.body, "status_code": answer.status}
    parsed = botocore.parsers.create_parser(protocol).parse(response, None)

    assert (answer.status, parsed["Error"]["Code"]) == (error.row.http_status, error.row.code)
    assert parsed["Error"]["Message"] == error.message


def test_an_error_that_is_not_the_services_own_bears_the_frameworks_name():
    answer = aws_errors.render(INTERNAL_FAILURE.error(request_id="r-1"), aws_sqs.SERVICE, "json", "r-1")

    assert msgspec.json.decode(answer.body)["__type"] == "com.amazon.coral.service#InternalFailure"
    assert ("x-amzn-query-error", "InternalFailure;Receiver") in answer.headers
