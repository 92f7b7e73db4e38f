"""The query protocol: SQS's names, which today's description lacks, and what its parameters may not say."""

import pytest

from cumulo.gateway import aws_codec, aws_query
from cumulo.gateway.aws_model import MalformedInput, MissingMember, RequestHead
from cumulo.identity import aws_iam
from cumulo.queue_service import aws_sns, aws_sqs

HEAD = RequestHead()


def _decode(service, name, form):
    return aws_codec.decode(service.OPERATIONS[name], "query", HEAD, form.encode())


def test_sqs_parameters_bear_the_names_that_clients_of_2022_send():
    request = _decode(
        aws_sqs,
        "SendMessage",
        "Action=SendMessage&Version=2012-11-05&QueueUrl=http%3A%2F%2Fh%2Fq&MessageBody=a+b%2Bc&DelaySeconds=5"
        "&MessageAttribute.1.Name=n&MessageAttribute.1.Value.DataType=Binary&MessageAttribute.1.Value.BinaryValue=YQ%3D%3D"
        "&MessageSystemAttribute.1.Name=AWSTraceHeader&MessageSystemAttribute.1.Value.DataType=String"
        "&MessageSystemAttribute.1.Value.StringValue=t",
    )

    assert request == aws_sqs.SendMessageRequest(
        QueueUrl="http://h/q",
        MessageBody="a b+c",
        DelaySeconds=5,
        MessageAttributes={"n": aws_sqs.MessageAttributeValue(DataType="Binary", BinaryValue=b"a")},
        MessageSystemAttributes={
            "AWSTraceHeader": aws_sqs.MessageSystemAttributeValue(DataType="String", StringValue="t")
        },
    )


def test_sqs_lists_maps_and_batches_are_flat():
    create = _decode(
        aws_sqs, "CreateQueue", "QueueName=q&Attribute.1.Name=a&Attribute.1.Value=1&Tag.1.Key=k&Tag.1.Value=v"
    )
    receive = _decode(
        aws_sqs, "ReceiveMessage", "QueueUrl=q&AttributeName.1=All&MessageAttributeName.1=x&MessageAttributeName.2=y"
    )
    batch = _decode(
        aws_sqs,
        "DeleteMessageBatch",
        "QueueUrl=q&DeleteMessageBatchRequestEntry.2.Id=b&DeleteMessageBatchRequestEntry.2.ReceiptHandle=s"
        "&DeleteMessageBatchRequestEntry.1.Id=a&DeleteMessageBatchRequestEntry.1.ReceiptHandle=r",
    )

    assert create == aws_sqs.CreateQueueRequest(QueueName="q", Attributes={"a": "1"}, tags={"k": "v"})
    assert (receive.AttributeNames, receive.MessageAttributeNames) == (["All"], ["x", "y"])
    assert [entry.Id for entry in batch.Entries] == ["a", "b"]


def test_sqs_answers_bear_the_elements_that_clients_of_2022_read():
    message = aws_sqs.Message(
        MessageId="m",
        Body="<&>\r\x01",
        Attributes={"SentTimestamp": "1"},
        MessageAttributes={"n": aws_sqs.MessageAttributeValue(DataType="String", StringValue="v")},
    )
    output = aws_sqs.ReceiveMessageResult(Messages=[message])

    encoded = aws_codec.encode(aws_sqs.SERVICE, aws_sqs.OPERATIONS["ReceiveMessage"], "query", output, "r-1")

    assert encoded.content_type == "text/xml"
    assert encoded.body.decode() == (
        '<?xml version="1.0"?><ReceiveMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/">'
        "<ReceiveMessageResult><Message>"
        "<MessageId>m</MessageId><Body>&lt;&amp;&gt;&#xD;&#x1;</Body>"
        "<Attribute><Name>SentTimestamp</Name><Value>1</Value></Attribute>"
        "<MessageAttribute><Name>n</Name><Value><StringValue>v</StringValue><DataType>String</DataType></Value>"
        "</MessageAttribute></Message></ReceiveMessageResult>"
        "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></ReceiveMessageResponse>"
    )


def test_an_answer_with_an_empty_output_has_an_empty_result_element():
    empty = aws_sqs.ReceiveMessageResult()

    encoded = aws_codec.encode(aws_sqs.SERVICE, aws_sqs.OPERATIONS["ReceiveMessage"], "query", empty, "r-1")

    assert b"<ReceiveMessageResult/><ResponseMetadata>" in encoded.body


def test_an_answer_without_output_has_no_result_element():
    encoded = aws_codec.encode(aws_iam.SERVICE, aws_iam.OPERATIONS["DeleteUser"], "query", None, "r-1")

    assert encoded.body == (
        b'<DeleteUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        b"<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></DeleteUserResponse>"
    )


def test_parameters_may_stand_in_the_url_and_unknown_ones_are_ignored():
    head = RequestHead(query=[("Action", "GetUser"), ("UserName", "u"), ("X-Amz-Expires", "60")])

    assert aws_codec.decode(aws_iam.OPERATIONS["GetUser"], "query", head) == aws_iam.GetUserRequest(UserName="u")


def test_numbers_may_have_gaps_and_a_list_may_be_empty():
    gaps = _decode(
        aws_iam,
        "TagUser",
        "UserName=u&Tags.member.7.Key=a&Tags.member.7.Value=1&Tags.member.20.Key=b&Tags.member.20.Value=",
    )

    assert [(tag.Key, tag.Value) for tag in gaps.Tags] == [("a", "1"), ("b", "")]
    assert _decode(aws_iam, "TagUser", "UserName=u&Tags=").Tags == []


@pytest.mark.parametrize(
    "form",
    [
        "UserName=a&UserName=b",
        "UserName=u&Tags.member.1.Key=a&Tags.member.1.Key=b&Tags.member.1.Value=c",
        "UserName=u&Tags=x&Tags.member.1.Key=a",
        "UserName=u&Tags.member.1.Key=a&Tags=x",
        "UserName.x=u&Tags=",
        "UserName=u&Tags=x",
        "UserName=u&Tags.member=x",
        "UserName=u&Tags.member.1=x",
        "UserName=u&Tags.entry.1.Key=a",
        "UserName=u&Tags.member.0.Key=a&Tags.member.0.Value=b",
        "UserName=u&Tags.member.01.Key=a&Tags.member.01.Value=b",
        "UserName=u&Tags.member.-1.Key=a",
        "UserName=u&Tags.member.x.Key=a",
        "UserName=u&Tags.member.\u0661.Key=a",
        "UserName=u&Tags.member.99999999999999999999.Key=a",
        "UserName=%ff",
        "UserName=u&" + ".".join("a" * 5000) + "=1",
        "&".join(f"a{i}=1" for i in range(aws_query.QUERY_PARAMETERS_MAX + 1)),
    ],
)
def test_parameters_that_say_two_things_or_nothing_are_refused(form):
    with pytest.raises(MalformedInput):
        _decode(aws_iam, "TagUser", form)


def test_a_missing_member_of_an_item_is_named_with_its_number():
    with pytest.raises(MissingMember) as caught:
        _decode(aws_iam, "TagUser", "UserName=u&Tags.member.1.Key=a")

    assert caught.value.path == "Tags.1.Value"


@pytest.mark.parametrize("number", ["", "x", "1.5", "2147483648", "9" * 5000, " 1", "null"])
def test_a_number_that_is_none_is_refused_by_name(number):
    with pytest.raises(MalformedInput) as caught:
        _decode(aws_sqs, "ChangeMessageVisibility", f"QueueUrl=q&ReceiptHandle=r&VisibilityTimeout={number}")

    assert caught.value.member == "VisibilityTimeout"


def test_a_map_wants_key_and_value_and_each_key_once():
    publish = "TopicArn=t&Message=m&MessageAttributes.entry.1.Name=n&MessageAttributes.entry.1.Value.DataType=String"
    assert _decode(aws_sns, "Publish", publish).MessageAttributes == {
        "n": aws_sns.MessageAttributeValue(DataType="String")
    }

    for wrong in (
        publish.replace(".Name=n", ".Nome=n"),
        publish + publish[publish.index("&MessageAttributes") :].replace("entry.1", "entry.2"),
    ):
        with pytest.raises(MalformedInput):
            _decode(aws_sns, "Publish", wrong)
