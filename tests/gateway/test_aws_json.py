"""What AWS JSON refuses beyond what its decoder refuses, and that the refusals name the member."""

import json

import pytest

from cumulo.gateway import aws_codec
from cumulo.gateway.aws_json import JSON_DEPTH_MAX
from cumulo.gateway.aws_model import MalformedInput, MissingMember, RequestHead
from cumulo.queue_service import aws_sqs
from tests.gateway.botocore_side import generated

SEND = aws_sqs.OPERATIONS["SendMessage"]
HEAD = RequestHead()


def _decode(body: bytes, operation=SEND):
    return aws_codec.decode(operation, "json", HEAD, body)


def test_a_message_that_is_full_of_braces_colons_and_quotes_is_a_message():
    text = json.dumps({"a": [{"b": "c:d"}] * 50, '"': ":"}) + '":{[' * 100

    request = _decode(json.dumps({"QueueUrl": "http://h:1/q", "MessageBody": text}).encode())

    assert request.MessageBody == text


@pytest.mark.parametrize(
    "body",
    [
        b'{"QueueUrl":"a","MessageBody":"m","QueueUrl":"b"}',
        b'{"QueueUrl":"a","MessageBody":"m","Queue\\u0055rl":"b"}',
        b'{"QueueUrl":"a\\u003ab","MessageBody":"m","QueueUrl":"a:b"}',
        b'{"QueueUrl" :"a:b","MessageBody":"m\\u003a","QueueUrl":"b\\u003a"}',
        b'{"QueueUrl":"a","MessageBody":"m","Unknown":{"x":1,"x":2}}',
        b'{"QueueUrl":"a","MessageBody":"m","MessageAttributes":{"k":{"DataType":"String"},"k":{"DataType":"Binary"}}}',
        b'{"QueueUrl":"a","MessageBody":"m","MessageAttributes":{"k":{"DataType":"String","DataType":"Binary"}}}',
    ],
)
def test_a_member_that_stands_twice_is_refused(body):
    with pytest.raises(MalformedInput, match="each member once"):
        _decode(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"QueueUrl":"q","MessageBody":"m"} {}',
        b'{"QueueUrl":"\xff","MessageBody":"m"}',
        b'{"QueueUrl":1,"MessageBody":"m"}',
        b'{"QueueUrl":"q","MessageBody":"m","DelaySeconds":NaN}',
        b'{"QueueUrl":"q","MessageBody":"m","DelaySeconds":Infinity}',
        b'{"QueueUrl":"q","MessageBody":"m","DelaySeconds":1e400}',
        b'{"QueueUrl":"q","MessageBody":"m","DelaySeconds":2147483648}',
        b'{"QueueUrl":"q","MessageBody":"m","DelaySeconds":"5"}',
        b'{"QueueUrl":"q","MessageBody":"m","MessageAttributes":{"k":{"DataType":"B","BinaryValue":"%%"}}}',
        b'{"QueueUrl":"q","MessageBody":"m","Unknown":' + b"9" * 5000 + b"}",
        b'{"QueueUrl":"q","MessageBody":"m","Unknown":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"QueueUrl":"q","MessageBody":"m","Unknown":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
        b"[" * 1_000_000,
    ],
)
def test_what_is_no_input_is_refused_as_malformed(body):
    with pytest.raises(MalformedInput):
        _decode(body)


def test_nesting_within_the_bound_is_read_and_one_level_more_is_not():
    wide = b'"w":[' + b"[]," * 200 + b"[]]"
    deep = b'{"QueueUrl":"q","MessageBody":"m",' + wide + b',"u":%s}'
    levels = JSON_DEPTH_MAX - 1

    assert _decode(deep % (b"[" * levels + b"]" * levels)).QueueUrl == "q"
    with pytest.raises(MalformedInput, match="levels"):
        _decode(deep % (b"[" * (levels + 1) + b"]" * (levels + 1)))


@pytest.mark.parametrize(
    ("body", "name", "path"),
    [
        (b"", "QueueUrl", "QueueUrl"),
        (b'{"QueueUrl":"q"}', "MessageBody", "MessageBody"),
        (b'{"QueueUrl":null,"MessageBody":"m"}', "QueueUrl", "QueueUrl"),
    ],
)
def test_a_missing_member_is_named(body, name, path):
    with pytest.raises(MissingMember) as caught:
        _decode(body)

    assert (caught.value.name, caught.value.path) == (name, path)


def test_a_member_missing_within_a_batch_is_named_with_the_number_of_its_entry():
    body = b'{"QueueUrl":"q","Entries":[{"Id":"1","MessageBody":"m"},{"Id":"2"}]}'

    with pytest.raises(MissingMember) as caught:
        _decode(body, aws_sqs.OPERATIONS["SendMessageBatch"])

    assert caught.value.path == "Entries.2.MessageBody"


def test_unknown_members_and_nulls_are_ignored():
    request = _decode(b'{"QueueUrl":"q","MessageBody":"m","DelaySeconds":null,"New":[1,{"a":null}]}')

    assert request == aws_sqs.SendMessageRequest(QueueUrl="q", MessageBody="m")


def test_timestamps_are_seconds_and_become_milliseconds():
    logs = generated("cloudwatch")
    operation = logs.OPERATIONS["GetMetricStatistics"]
    body = b'{"Namespace":"n","MetricName":"m","StartTime":1.5,"EndTime":"1970-01-01T00:00:02Z","Period":60}'

    request = _decode(body, operation)

    assert (request.StartTime, request.EndTime) == (1500, 2000)
    for wrong in (b"true", b"[]", b"1e300", b'"soon"'):
        with pytest.raises(MalformedInput, match="timestamp"):
            _decode(body.replace(b"1.5", wrong), operation)
