"""The query protocol's JSON, to the letter, for callers who accept it."""

import pytest

from cumulo.core.errors import ErrorRow, Status
from cumulo.gateway import aws_errors, aws_query_json
from cumulo.identity import aws_iam, aws_sts
from cumulo.queue_service import aws_sns, aws_sqs

NAMES = {"Messages": "messages"}


def encoded(service, operation, output, names=NAMES) -> str:
    answer = aws_query_json.encode(service.OPERATIONS[operation], output, "r-1", names)
    assert (answer.status, answer.content_type) == (200, "application/json")
    return answer.body.decode()


def test_members_come_in_the_order_of_their_names_and_null_where_there_is_nothing():
    sent = aws_sqs.SendMessageResult(MessageId="m", MD5OfMessageBody="d")

    assert encoded(aws_sqs, "SendMessage", sent) == (
        '{"SendMessageResponse":{"ResponseMetadata":{"RequestId":"r-1"},"SendMessageResult":{'
        '"MD5OfMessageAttributes":null,"MD5OfMessageBody":"d","MD5OfMessageSystemAttributes":null,"MessageId":"m",'
        '"SequenceNumber":null}}}'
    )


def test_a_flat_map_is_a_list_of_pairs_and_a_binary_value_is_base64():
    message = aws_sqs.Message(
        MessageId="m",
        ReceiptHandle="h",
        MD5OfBody="d",
        Body='<"ü\r">',
        Attributes={"SenderId": "1"},
        MessageAttributes={"n": aws_sqs.MessageAttributeValue(DataType="Binary", BinaryValue=b"\0\1")},
    )

    assert encoded(aws_sqs, "ReceiveMessage", aws_sqs.ReceiveMessageResult(Messages=[message])) == (
        '{"ReceiveMessageResponse":{"ReceiveMessageResult":{"messages":[{"Attributes":[{"Name":"SenderId","Value":"1"}],'
        '"Body":"<\\"ü\\r\\">","MD5OfBody":"d","MD5OfMessageAttributes":null,"MessageAttributes":[{"Name":"n","Value":{'
        '"BinaryListValues":null,"BinaryValue":"AAE=","DataType":"Binary","StringListValues":null,"StringValue":null}}],'
        '"MessageId":"m","ReceiptHandle":"h"}]},"ResponseMetadata":{"RequestId":"r-1"}}}'
    )


def test_nothing_received_is_null():
    assert encoded(aws_sqs, "ReceiveMessage", aws_sqs.ReceiveMessageResult()) == (
        '{"ReceiveMessageResponse":{"ReceiveMessageResult":{"messages":null},"ResponseMetadata":{"RequestId":"r-1"}}}'
    )


def test_an_operation_without_an_answer_has_the_request_id_alone():
    assert encoded(aws_sqs, "DeleteMessage", None) == (
        '{"DeleteMessageResponse":{"ResponseMetadata":{"RequestId":"r-1"}}}'
    )


def test_maps_with_entries_are_objects_and_times_are_seconds():
    topic = aws_sns.GetTopicAttributesResponse(Attributes={"b": "2", "a": "1"})
    user = aws_iam.User(Path="/", UserName="ann", UserId="i", Arn="arn", CreateDate=1_431_471_000_000)

    shown = encoded(aws_sns, "GetTopicAttributes", topic)
    seen = encoded(aws_iam, "GetUser", aws_iam.GetUserResponse(User=user))

    assert '"GetTopicAttributesResult":{"Attributes":{"a":"1","b":"2"}}' in shown
    assert '"CreateDate":1431471000,"PasswordLastUsed":null' in seen


def test_sts_says_in_json_who_asks():
    who = aws_sts.GetCallerIdentityResponse(UserId="u", Account="000000000000", Arn="arn")

    assert encoded(aws_sts, "GetCallerIdentity", who) == (
        '{"GetCallerIdentityResponse":{"GetCallerIdentityResult":{"Account":"000000000000","Arn":"arn","UserId":"u"},'
        '"ResponseMetadata":{"RequestId":"r-1"}}}'
    )


def test_a_refusal_in_json_has_no_detail():
    error = ErrorRow("QueueDoesNotExist", 400, Status.NOT_FOUND, "No <q>.", query_code="NonExistent").error()

    answer = aws_errors.render(error, aws_sqs.SERVICE, "query", "r-1", in_json=True)

    assert (answer.status, answer.content_type) == (400, "application/json")
    assert answer.body == (b'{"Error":{"Code":"NonExistent","Message":"No <q>.","Type":"Sender"},"RequestId":"r-1"}')


@pytest.mark.parametrize(
    ("accept", "is_accepted"),
    [
        ("application/json", True),
        ("text/html, Application/JSON;q=0.9", True),
        ("*/*", False),
        ("application/*", False),
        ("application/jsonp", False),
        ("text/xml", False),
        (None, False),
    ],
)
def test_json_is_accepted_by_name_alone(accept, is_accepted):
    assert aws_query_json.is_accepted({} if accept is None else {"accept": accept}) is is_accepted
