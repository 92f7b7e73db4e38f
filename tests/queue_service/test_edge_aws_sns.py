"""SNS as its clients speak it: boto3 and plain links over real sockets, held to AWS's documented answers."""

import base64
import contextlib
import json
import re
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from cumulo.testing import Server

OWNER, OTHER = "000000000000", "111122223333"
NAMESPACE = "{http://sns.amazonaws.com/doc/2010-03-31/}"
HIDDEN = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: {}]"


class Aws:
    """Clients of one server, as the roots of two accounts, and names that nobody used."""

    def __init__(self, server):
        self.server = server
        with server.client() as client:
            root = client.iam.create_account(account=OTHER)
        self.other_key = (root.access_key_id, root.secret_access_key)
        self._count = 0
        self._clients = contextlib.ExitStack()
        self.sns, self.sqs = self.client("sns"), self.client("sqs")
        self.other_sns, self.other_sqs = self.client("sns", self.other_key), self.client("sqs", self.other_key)

    def client(self, service, key=(), **options):
        root = self.server.credentials
        key_id, secret = key or (root["access_key_id"], root["secret_access_key"])
        names = {"endpoint_url": self.server.url, "region_name": "us-east-1"}
        names |= {"aws_access_key_id": key_id, "aws_secret_access_key": secret}
        config = Config(retries={"total_max_attempts": 1}).merge(options.pop("config", Config()))
        client = boto3.client(service, config=config, **(names | options))
        self._clients.callback(client.close)
        return client

    def close(self):
        self._clients.close()

    def name(self):
        self._count += 1
        return f"n{self._count}"

    def topic(self, **attributes):
        name = self.name() + (".fifo" if attributes.get("FifoTopic") == "true" else "")
        return self.sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]

    def queue(self, sqs=None, topic="", **attributes):
        """Make a queue that takes what `topic` sends; return its URL and its ARN."""
        sqs = sqs or self.sqs
        name = self.name() + (".fifo" if attributes.get("FifoQueue") == "true" else "")
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        if topic:
            statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
            statement |= {"Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(statement)})
        return url, arn

    def subscribed(self, topic, **attributes):
        """Make a queue that is subscribed; return its URL and the subscription's ARN."""
        url, arn = self.queue(topic=topic)
        made = self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
        return url, made["SubscriptionArn"]

    def received(self, url, sqs=None):
        asked = {"WaitTimeSeconds": 10, "MessageAttributeNames": ["All"], "AttributeNames": ["All"]}
        (message,) = (sqs or self.sqs).receive_message(QueueUrl=url, **asked)["Messages"]
        return message

    def link(self, **query):
        """Follow a link without a signature; return the status and the answer's text."""
        url = f"{self.server.url}/?{urllib.parse.urlencode(query)}"
        return follow(url)


def follow(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("sns") / "data") as server:
        made = Aws(server)
        yield made
        made.close()


def refusal(call, **members):
    """Return the code, the message and the status of a refusal."""
    with pytest.raises(ClientError) as refused:
        call(**members)
    answer = refused.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


def invalid(text):
    return "InvalidParameter", f"Invalid parameter: {text}", 400


def unchecked(aws):
    return aws.client("sns", config=Config(parameter_validation=False))


# Topics


def test_new_topic_has_the_attributes_of_a_new_topic_of_sns(aws):
    topic = aws.topic()

    shown = aws.sns.get_topic_attributes(TopicArn=topic)["Attributes"]

    assert set(shown) == {
        "TopicArn",
        "Owner",
        "Policy",
        "DisplayName",
        "SubscriptionsConfirmed",
        "SubscriptionsPending",
        "SubscriptionsDeleted",
        "EffectiveDeliveryPolicy",
    }
    assert (shown["Owner"], shown["DisplayName"], shown["SubscriptionsConfirmed"]) == (OWNER, "", "0")
    (statement,) = json.loads(shown["Policy"])["Statement"]
    assert statement["Sid"] == "__default_statement_ID"
    assert statement["Condition"] == {"StringEquals": {"AWS:SourceOwner": OWNER}}


def test_arn_of_a_topic_is_refused_in_the_words_of_sns(aws):
    ask = aws.sns.get_topic_attributes

    assert refusal(ask, TopicArn="news") == invalid("TopicArn Reason: An ARN must have at least 6 elements, not 1")
    assert refusal(ask, TopicArn=f"arn:aws:sns:eu-west-1:{OWNER}:news") == invalid("TopicArn")
    assert refusal(ask, TopicArn=f"arn:aws:sns:us-east-1:{OWNER}:gone") == ("NotFound", "Topic does not exist", 404)


def test_topic_is_looked_for_before_its_subscriber_is_looked_at(aws):
    gone = {"TopicArn": f"arn:aws:sns:us-east-1:{OWNER}:gone", "Protocol": "sqs", "Endpoint": "no ARN"}

    assert refusal(aws.sns.subscribe, **gone) == ("NotFound", "Topic does not exist", 404)


def test_who_may_not_subscribe_does_not_learn_from_a_wrong_endpoint_whether_a_topic_is_there(aws):
    topic = aws.topic()

    for arn in (topic, f"{topic}gone"):
        code, _, status = refusal(aws.other_sns.subscribe, TopicArn=arn, Protocol="sqs", Endpoint="no ARN")

        assert (code, status) == ("AuthorizationError", 403)


def test_regions_know_nothing_of_each_other(aws):
    topic = aws.topic()
    far = aws.client("sns", region_name="ap-south-1")

    made = far.create_topic(Name=topic.rpartition(":")[2])["TopicArn"]

    assert made != topic
    assert [it["TopicArn"] for it in far.list_topics()["Topics"]] == [made]
    far.delete_topic(TopicArn=made)
    assert aws.sns.get_topic_attributes(TopicArn=topic)["Attributes"]["TopicArn"] == topic


def test_deleted_topic_takes_subscriptions_that_were_pending_with_it(aws):
    topic = aws.topic()
    for number in range(3):
        aws.sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=f"reader{number}@example.com")

    aws.sns.delete_topic(TopicArn=topic)

    assert [it for it in aws.sns.list_subscriptions()["Subscriptions"] if it["TopicArn"] == topic] == []
    assert "due work failed" not in aws.server.output


@pytest.mark.parametrize("action", ["sns:CreateTopic", "SNS:SetSubscriptionAttributes", "sqs:SendMessage"])
def test_policy_about_what_is_none_of_a_topics_is_refused(aws, action):
    topic = aws.topic()
    statement = {"Effect": "Allow", "Principal": "*", "Action": ["sns:Publish", action], "Resource": topic}

    refused = refusal(
        aws.sns.set_topic_attributes, TopicArn=topic, AttributeName="Policy", AttributeValue=policy(statement)
    )

    assert refused == invalid("Policy statement action out of service scope!")


@pytest.mark.parametrize("text", ["{", "[" * 20_000, '{"Statement": 5}', '{"Statement": [5, {"Action": 5}]}'])
def test_malformed_policy_is_refused(aws, text):
    refused = refusal(aws.sns.set_topic_attributes, TopicArn=aws.topic(), AttributeName="Policy", AttributeValue=text)

    assert refused[0] == "InvalidParameter"
    assert refused[1].startswith("Invalid parameter: Policy Error: ")


WRONG_ATTRIBUTES = [
    ("ReplayPolicy", "{}", "AttributeName"),
    ("Owner", "x", "AttributeName"),
    ("FifoTopic", "true", "AttributeName"),
    ("DisplayName", "x" * 101, "DisplayName Reason: Display name must be at most 100 characters long"),
    ("SignatureVersion", "3", "SignatureVersion Reason: Invalid value [3]. Must be 1 or 2."),
    ("TracingConfig", "x", "TracingConfig Reason: Invalid value [x]. Must be PassThrough or Active."),
    (
        "SQSSuccessFeedbackSampleRate",
        "101",
        "SQSSuccessFeedbackSampleRate Reason: Invalid value [101]. Must be a whole number from 0 to 100.",
    ),
    (
        "HTTPFailureFeedbackRoleArn",
        "me",
        "HTTPFailureFeedbackRoleArn Reason: Invalid value [me]. Must be the ARN of a role.",
    ),
    (
        "ContentBasedDeduplication",
        "true",
        "Attributes Reason: ContentBasedDeduplication is only valid for FIFO topics",
    ),
    ("FifoThroughputScope", "Topic", "Attributes Reason: FifoThroughputScope is only valid for FIFO topics"),
]


@pytest.mark.parametrize(("name", "value", "says"), WRONG_ATTRIBUTES)
def test_wrong_attribute_of_a_topic_is_refused(aws, name, value, says):
    topic = aws.topic()
    before = aws.sns.get_topic_attributes(TopicArn=topic)["Attributes"]

    refused = refusal(aws.sns.set_topic_attributes, TopicArn=topic, AttributeName=name, AttributeValue=value)

    assert refused == invalid(says)
    assert aws.sns.get_topic_attributes(TopicArn=topic)["Attributes"] == before


WRONG_ARCHIVE_POLICIES = [
    ("", "ArchivePolicy: failed to parse JSON."),
    ("[]", "ArchivePolicy: failed to parse JSON."),
    ('{"Days": "1"}', "ArchivePolicy: invalid JSON. Attribute Days is unknown."),
    ('{"MessageRetentionPeriod": "0"}', "ArchivePolicy: MessageRetentionPeriod must be an integer between 1 and 365"),
    ('{"MessageRetentionPeriod": 366}', "ArchivePolicy: MessageRetentionPeriod must be an integer between 1 and 365"),
]


@pytest.mark.parametrize(("value", "says"), WRONG_ARCHIVE_POLICIES)
def test_wrong_archive_policy_is_refused(aws, value, says):
    topic = aws.topic(FifoTopic="true")

    refused = refusal(aws.sns.set_topic_attributes, TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue=value)

    assert refused == invalid(says)
    assert "ArchivePolicy" not in aws.sns.get_topic_attributes(TopicArn=topic)["Attributes"]


def test_standard_topic_has_no_archive_policy(aws):
    refused = refusal(
        aws.sns.set_topic_attributes, TopicArn=aws.topic(), AttributeName="ArchivePolicy", AttributeValue="{}"
    )

    assert refused == invalid("Attributes Reason: ArchivePolicy is only valid for FIFO topics")


def test_archive_of_a_fifo_topic_is_shown_replayed_and_guards_the_topic(aws):
    kept = json.dumps({"MessageRetentionPeriod": "30"})
    topic = aws.topic(FifoTopic="true", ContentBasedDeduplication="true", ArchivePolicy=kept)
    url, arn = aws.queue(topic=topic, FifoQueue="true")
    subscription = aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    sent = aws.sns.publish(TopicArn=topic, Message="e4", MessageGroupId="g")
    first = aws.received(url)
    aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])

    attributes = aws.sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["ArchivePolicy"] == kept
    replay = json.dumps({"PointType": "Timestamp", "StartingPoint": attributes["BeginningArchiveTime"]})
    aws.sns.set_subscription_attributes(
        SubscriptionArn=subscription, AttributeName="ReplayPolicy", AttributeValue=replay
    )
    again = json.loads(aws.received(url)["Body"])

    assert again.pop("Replayed") is True
    assert again == json.loads(first["Body"])
    assert again["SequenceNumber"] == sent["SequenceNumber"]
    shown = aws.sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert (shown["ReplayPolicy"], shown["ReplayStatus"]) == (replay, "Completed")
    refused = refusal(aws.sns.delete_topic, TopicArn=topic)
    assert refused == ("InvalidState", "Invalid state: Cannot delete a topic with an ArchivePolicy", 400)
    aws.sns.set_topic_attributes(TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue="{}")
    assert not {"ArchivePolicy", "BeginningArchiveTime"} & set(
        aws.sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    )
    aws.sns.delete_topic(TopicArn=topic)


WRONG_REPLAY_POLICIES = [
    ("[", "ReplayPolicy: failed to parse JSON."),
    ('{"StartingPoint": "2023-10-01T00:00:00.000Z"}', "ReplayPolicy: PointType is required"),
    ('{"PointType": "Timestamp"}', "ReplayPolicy: StartingPoint is required"),
    ('{"PointType": "Offset", "StartingPoint": "1"}', "ReplayPolicy: PointType must be Timestamp"),
    (
        '{"PointType": "Timestamp", "StartingPoint": 5}',
        "ReplayPolicy: StartingPoint must be a timestamp such as 2023-10-01T10:00:00.000Z",
    ),
    (
        '{"PointType": "Timestamp", "StartingPoint": "2023-10-02", "EndingPoint": "2023-10-01"}',
        "ReplayPolicy: EndingPoint must be later than StartingPoint",
    ),
    (
        '{"PointType": "Timestamp", "StartingPoint": "2023-10-01T00:00:00.000Z"}',
        "ReplayPolicy: the topic has no active ArchivePolicy",
    ),
]


@pytest.mark.parametrize(("value", "says"), WRONG_REPLAY_POLICIES)
def test_wrong_replay_policy_is_refused(aws, value, says):
    topic = aws.topic(FifoTopic="true")
    _, arn = aws.queue(topic=topic, FifoQueue="true")
    subscription = aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]

    asked = {"SubscriptionArn": subscription, "AttributeName": "ReplayPolicy", "AttributeValue": value}

    assert refusal(aws.sns.set_subscription_attributes, **asked) == invalid(says)
    assert "ReplayStatus" not in aws.sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]


# Malformed JSON, in the words of SNS's own reader

VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
MALFORMED = [
    ("{word}", "Unexpected character ('w' (code 119)): was expecting double-quote to start field name", 2),
    ("word", f"Unrecognized token 'word': was expecting {VALUES}", 5),
    ('{"a" "b"}', "Unexpected character ('\"' (code 34)): was expecting a colon to separate field name and value", 6),
    ('{"a":["b" "c"]}', "Unexpected character ('\"' (code 34)): was expecting comma to separate Array entries", 11),
    ('{"a":["b"],}', "Unexpected character ('}' (code 125)): was expecting double-quote to start field name", 12),
    ('{"a":?}', f"Unexpected character ('?' (code 63)): expected a valid value {VALUES}", 6),
    ('{"a":"b', "Unexpected end-of-input: was expecting closing quote for a string value", 8),
    (
        '{"a":["b"]',
        f"Unexpected end-of-input: expected close marker for Object (start marker at {HIDDEN.format(1)})",
        11,
    ),
]


@pytest.mark.parametrize(("text", "says", "column"), MALFORMED)
def test_malformed_json_is_refused_in_the_words_of_sns(aws, text, says, column):
    topic = aws.topic()
    _, subscription = aws.subscribed(topic)

    for name in ("FilterPolicy", "RedrivePolicy"):
        refused = refusal(
            aws.sns.set_subscription_attributes,
            SubscriptionArn=subscription,
            AttributeName=name,
            AttributeValue=text,
        )

        assert refused == invalid(f"{name}: failed to parse JSON. {says}\n at {HIDDEN.format(column)}")
    shown = aws.sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert "FilterPolicy" not in shown
    assert "RedrivePolicy" not in shown


def test_places_in_a_filter_policy_are_those_of_the_policy_without_blanks(aws):
    topic = aws.topic()
    _, arn = aws.queue()

    refused = refusal(
        aws.sns.subscribe,
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"FilterPolicy": '{"key": [{"suffix": 100}]}'},
    )

    assert refused == invalid(
        "Attributes Reason: FilterPolicy: suffix match pattern must be a string\n"
        ' at [Source: (String)"{"key":[{"suffix":100}]}"; line: 1, column: 22]'
    )


# Subscriptions


@pytest.mark.parametrize("number", ["+15--551234567", "NAA+15551234567", "+15551234567.", "/+15551234567"])
def test_number_that_is_no_phone_is_refused(aws, number):
    refused = refusal(aws.sns.subscribe, TopicArn=aws.topic(), Protocol="sms", Endpoint=number)

    assert refused == ("InvalidParameter", f"Invalid SMS endpoint: {number}", 400)


def test_number_may_be_written_in_groups(aws):
    made = aws.sns.subscribe(TopicArn=aws.topic(), Protocol="sms", Endpoint="+12/34-567.890")

    assert made["SubscriptionArn"].startswith("arn:aws:sns:")


def test_fifo_topic_has_only_queues_as_subscribers(aws):
    topic = aws.topic(FifoTopic="true")

    for protocol, endpoint in (("email", "a@example.com"), ("lambda", "arn:aws:lambda:us-east-1:1:function:f")):
        refused = refusal(aws.sns.subscribe, TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
        assert refused == invalid(f"Invalid protocol type: {protocol}")


def test_raw_delivery_is_refused_where_the_protocol_has_none(aws):
    topic = aws.topic()
    says = "Delivery protocol [email] does not support raw message delivery."
    members = {"TopicArn": topic, "Protocol": "email", "Endpoint": "reader@example.com"}

    on_subscribe = refusal(aws.sns.subscribe, **members, Attributes={"RawMessageDelivery": "true"})
    made = aws.sns.subscribe(**members, ReturnSubscriptionArn=True)["SubscriptionArn"]
    later = refusal(
        aws.sns.set_subscription_attributes,
        SubscriptionArn=made,
        AttributeName="RawMessageDelivery",
        AttributeValue="true",
    )

    assert on_subscribe == invalid(f"Attributes Reason: {says}")
    assert later == invalid(says)


def test_subscription_needs_an_endpoint(aws):
    assert refusal(aws.sns.subscribe, TopicArn=aws.topic(), Protocol="sqs") == invalid("Endpoint")


def test_unsubscribing_is_repeated_without_harm_and_refused_where_it_names_nothing(aws):
    topic = aws.topic()
    _, subscription = aws.subscribed(topic)

    aws.sns.unsubscribe(SubscriptionArn=subscription)
    aws.sns.unsubscribe(SubscriptionArn=subscription)

    ask = unchecked(aws).unsubscribe
    few = "SubscriptionArn Reason: An ARN must have at least 6 elements, not {}"
    assert refusal(ask, SubscriptionArn="random") == invalid(few.format(1))
    assert refusal(ask, SubscriptionArn=f"arn:aws:sns:us-east-1:{OWNER}:random") == invalid("SubscriptionId")
    assert refusal(ask) == invalid("SubscriptionArn Reason: no value for required parameter")


def test_forged_confirmation_tokens_are_refused(aws):
    topic = aws.topic()
    ask = aws.sns.confirm_subscription

    assert refusal(ask, TopicArn=topic, Token="random") == ("InvalidParameter", "Invalid token", 400)
    assert refusal(ask, TopicArn=topic, Token="51b2ff3edb47" * 20) == invalid("Token")


def test_notification_names_the_certificate_as_sns_does_and_no_other_is_served(aws):
    url, _ = aws.subscribed(topic := aws.topic())
    aws.sns.publish(TopicArn=topic, Message="hello")

    certificate_url = json.loads(aws.received(url)["Body"])["SigningCertURL"]

    path = certificate_url.removeprefix(aws.server.url)
    assert re.fullmatch(r"/SimpleNotificationService-[0-9a-f]{32}\.pem", path)
    status, text = follow(certificate_url)
    assert (status, text.startswith("-----BEGIN CERTIFICATE-----")) == (200, True)
    assert follow(f"{aws.server.url}/SimpleNotificationService-{'0' * 32}.pem")[0] == 404


def test_topic_counts_in_a_sequence_of_its_own(aws):
    topic = aws.topic(FifoTopic="true", ContentBasedDeduplication="true")
    url, queue = aws.queue(topic=topic, FifoQueue="true")
    aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)

    published = aws.sns.publish(TopicArn=topic, Message="hello", MessageGroupId="g")["SequenceNumber"]

    message = aws.received(url)
    of_queue = message["Attributes"]["SequenceNumber"]
    assert json.loads(message["Body"])["SequenceNumber"] == published
    assert published != of_queue
    assert (len(published), len(of_queue)) == (20, 20)


def test_message_with_its_attributes_is_not_larger_than_its_topic_allows(aws):
    topic = aws.topic()
    attributes = {"attr": {"DataType": "Number", "StringValue": "1"}}  # 11 bytes
    publish = aws.sns.publish

    publish(TopicArn=topic, Message="ü" * ((262_144 - 11) // 2), MessageAttributes=attributes)
    too_long = {"TopicArn": topic, "Message": "a" * (262_144 - 11 + 1), "MessageAttributes": attributes}
    assert refusal(publish, **too_long) == invalid("Message too long")
    by_protocol = json.dumps({"default": "a", "sqs": "b" * 262_144})
    structured = {"TopicArn": topic, "Message": by_protocol, "MessageStructure": "json"}
    assert refusal(publish, **structured) == invalid("Message too long")

    aws.sns.set_topic_attributes(TopicArn=topic, AttributeName="MaximumMessageSize", AttributeValue="1048576")
    publish(TopicArn=topic, Message="a" * (1_048_576 - 11), MessageAttributes=attributes)
    assert refusal(publish, TopicArn=topic, Message="a" * 1_048_577) == invalid("Message too long")
    aws.sns.set_topic_attributes(TopicArn=topic, AttributeName="MaximumMessageSize", AttributeValue="1024")
    assert refusal(publish, TopicArn=topic, Message="a" * 1025) == invalid("Message too long")


def test_batch_together_is_not_larger_than_a_message_of_its_topic_may_be(aws):
    topic = aws.topic()
    attributes = {"attr": {"DataType": "Number", "StringValue": "1"}}
    first = {"Id": "1", "Message": "a" * (262_144 - 11), "MessageAttributes": attributes}
    too_long = (
        "BatchRequestTooLong",
        "The length of all the messages put together is more than the limit.",
        400,
    )
    ask = aws.sns.publish_batch

    assert refusal(ask, TopicArn=topic, PublishBatchRequestEntries=[first, {"Id": "2", "Message": "b"}]) == too_long
    assert refusal(ask, TopicArn=topic, PublishBatchRequestEntries=[first | {"Message": "a" * 262_144}]) == too_long
    assert len(ask(TopicArn=topic, PublishBatchRequestEntries=[first])["Successful"]) == 1


def test_maximum_message_size_is_shown_where_it_was_given_and_is_within_its_range(aws):
    given, plain = aws.topic(MaximumMessageSize="2048"), aws.topic()

    shown = [aws.sns.get_topic_attributes(TopicArn=it)["Attributes"] for it in (given, plain)]

    assert [it.get("MaximumMessageSize") for it in shown] == ["2048", None]
    for value in ("1023", "1048577", "-1", "1e4", "2048.0", "many"):
        members = {"TopicArn": plain, "AttributeName": "MaximumMessageSize", "AttributeValue": value}
        code, message, status = refusal(aws.sns.set_topic_attributes, **members)
        assert (code, status) == ("InvalidParameter", 400)
        assert f"Invalid value [{value}]. Must be an integer from 1024 to 1048576." in message


def test_topic_of_large_messages_has_a_hundred_subscriptions_and_all_of_queues(aws):
    topic, mixed = aws.topic(MaximumMessageSize="262145"), aws.topic()
    _, queue = aws.queue()
    account = queue.rpartition(":")[0]

    phone = {"Protocol": "sms", "Endpoint": "+49301234567"}
    above = "MaximumMessageSize Reason: above 262144 bytes a topic has"
    assert refusal(aws.sns.subscribe, TopicArn=topic, **phone) == invalid(f"{above} no subscription of protocol sms")
    aws.sns.subscribe(TopicArn=mixed, **phone)
    enlarge = {"AttributeName": "MaximumMessageSize", "AttributeValue": "300000"}
    of_phone = invalid(f"{above} no subscription of protocol sms")
    assert refusal(aws.sns.set_topic_attributes, TopicArn=mixed, **enlarge) == of_phone

    for number in range(100):
        aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{account}:q{number}")
    one_more = {"Protocol": "sqs", "Endpoint": f"{account}:q100"}
    too_many = invalid(f"{above} at most 100 subscriptions")
    assert refusal(aws.sns.subscribe, TopicArn=topic, **one_more) == too_many
    default = {"AttributeName": "MaximumMessageSize", "AttributeValue": "262144"}
    aws.sns.set_topic_attributes(TopicArn=topic, **default)
    aws.sns.subscribe(TopicArn=topic, **one_more)
    assert refusal(aws.sns.set_topic_attributes, TopicArn=topic, **enlarge) == too_many


def test_page_token_is_base64(aws):
    topic = aws.topic()
    for number in range(101):
        aws.sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint=f"+4930{number:06}")

    first = aws.sns.list_subscriptions_by_topic(TopicArn=topic)

    base64.b64decode(first["NextToken"], validate=True)
    second = aws.sns.list_subscriptions_by_topic(TopicArn=topic, NextToken=first["NextToken"])
    assert (len(first["Subscriptions"]), len(second["Subscriptions"])) == (100, 1)


def test_link_is_answered_in_json_where_its_follower_accepts_that(aws):
    topic = aws.topic()
    _, document = asked(aws, topic)
    accepts = {"Accept": "application/json, text/plain, */*"}

    with urllib.request.urlopen(urllib.request.Request(document["SubscribeURL"], headers=accepts)) as answer:
        confirmed = json.load(answer)
    forged = urllib.request.Request(document["SubscribeURL"] + "00", headers=accepts)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(forged)

    (subscription,) = aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    response = confirmed["ConfirmSubscriptionResponse"]
    assert response["ConfirmSubscriptionResult"] == {"SubscriptionArn": subscription["SubscriptionArn"]}
    assert list(response["ResponseMetadata"]) == ["RequestId"]
    with refused.value as error:
        assert json.load(error)["Error"] == {
            "Code": "InvalidParameter",
            "Message": "Invalid parameter: Token",
            "Type": "Sender",
        }


def test_link_ends_no_subscription_whose_confirmation_was_signed(aws):
    url, subscription = aws.subscribed(topic := aws.topic())
    aws.sns.publish(TopicArn=topic, Message="hello")
    link = json.loads(aws.received(url)["Body"])["UnsubscribeURL"]
    assert urllib.parse.parse_qs(urllib.parse.urlparse(link).query) == {
        "Action": ["Unsubscribe"],
        "SubscriptionArn": [subscription],
    }

    status, text = follow(link)

    assert status == 403
    assert ET.fromstring(text).findtext(f"{NAMESPACE}Error/{NAMESPACE}Code") == "AuthorizationError"
    assert len(aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 1


def asked(aws, topic):
    """Subscribe the other account's queue in the owner's name; return the queue's URL and what it was asked."""
    url, queue = aws.queue(aws.other_sqs, topic=topic)
    made = aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    assert made["SubscriptionArn"] == "pending confirmation"
    message = aws.received(url, aws.other_sqs)
    aws.other_sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return url, json.loads(message["Body"])


def test_queue_of_another_account_is_asked_and_confirms_by_its_link(aws):
    topic = aws.topic()
    url, document = asked(aws, topic)
    listed = aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [it["SubscriptionArn"] for it in listed] == ["PendingConfirmation"]
    assert list(document) == [
        "Type",
        "MessageId",
        "Token",
        "TopicArn",
        "Message",
        "SubscribeURL",
        "Timestamp",
        "SignatureVersion",
        "Signature",
        "SigningCertURL",
    ]
    assert document["Type"] == "SubscriptionConfirmation"

    status, text = follow(document["SubscribeURL"])

    assert status == 200
    (subscription,) = aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    path = f"{NAMESPACE}ConfirmSubscriptionResult/{NAMESPACE}SubscriptionArn"
    assert ET.fromstring(text).findtext(path) == subscription["SubscriptionArn"]
    shown = aws.sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])["Attributes"]
    assert (shown["PendingConfirmation"], shown["ConfirmationWasAuthenticated"]) == ("false", "false")
    assert shown["SubscriptionPrincipal"] == f"arn:aws:iam::{OWNER}:root"
    aws.sns.publish(TopicArn=topic, Message="hello")
    assert json.loads(aws.received(url, aws.other_sqs)["Body"])["Message"] == "hello"


def test_link_ends_a_subscription_that_was_confirmed_by_a_link(aws):
    topic = aws.topic()
    url, document = asked(aws, topic)
    follow(document["SubscribeURL"])
    aws.sns.publish(TopicArn=topic, Message="hello")
    link = json.loads(aws.received(url, aws.other_sqs)["Body"])["UnsubscribeURL"]

    status, _ = follow(link)

    assert status == 200
    assert aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_links_work_in_every_region(aws):
    sns = aws.client("sns", region_name="eu-west-1")
    other_sqs = aws.client("sqs", aws.other_key, region_name="eu-west-1")
    topic = sns.create_topic(Name=aws.name())["TopicArn"]
    url, queue = aws.queue(other_sqs, topic=topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)

    status, _ = follow(json.loads(aws.received(url, other_sqs)["Body"])["SubscribeURL"])

    assert status == 200
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "1"


def test_signed_confirmation_keeps_links_from_ending_the_subscription(aws):
    topic = aws.topic()
    _, document = asked(aws, topic)

    made = aws.other_sns.confirm_subscription(
        TopicArn=topic, Token=document["Token"], AuthenticateOnUnsubscribe="true"
    )["SubscriptionArn"]

    assert aws.link(Action="Unsubscribe", SubscriptionArn=made)[0] == 403
    shown = aws.sns.get_subscription_attributes(SubscriptionArn=made)["Attributes"]
    assert shown["ConfirmationWasAuthenticated"] == "true"


def test_queue_that_lets_the_topic_send_nothing_is_not_asked(aws):
    topic = aws.topic()
    url, queue = aws.queue(aws.other_sqs)

    aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)

    assert "Messages" not in aws.other_sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    assert aws.sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsPending"] == "1"


# Who may


def test_refusals_spell_actions_as_sns_does(aws):
    iam = aws.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    sns = aws.client("sns", (key["AccessKeyId"], key["SecretAccessKey"]))
    topic = aws.topic()
    user = f"User: arn:aws:iam::{OWNER}:user/nobody is not authorized to perform: "
    everything = f"arn:aws:sns:us-east-1:{OWNER}:*"
    why = "because no identity-based policy allows the SNS:{} action"

    publish, lists = refusal(sns.publish, TopicArn=topic, Message="x"), refusal(sns.list_topics)

    assert publish[:2] == ("AuthorizationError", f"{user}SNS:Publish on resource: {topic} {why.format('Publish')}")
    assert lists[:2] == (
        "AuthorizationError",
        f"{user}SNS:ListTopics on resource: {everything} {why.format('ListTopics')}",
    )
    assert publish[2] == lists[2] == 403


def test_topic_policy_tells_who_subscribes_with_what(aws):
    topic = aws.topic()
    statement = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sns:Subscribe", "Resource": topic}
    statement["Condition"] = {"StringEquals": {"sns:Protocol": "sqs"}, "StringLike": {"sns:Endpoint": "*:wanted"}}
    aws.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(statement))
    queue = f"arn:aws:sqs:us-east-1:{OTHER}:"

    made = aws.other_sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{queue}wanted")
    by_queue = refusal(aws.other_sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=f"{queue}other")
    by_mail = refusal(aws.other_sns.subscribe, TopicArn=topic, Protocol="email", Endpoint="a@example.com")

    assert made["SubscriptionArn"].startswith(topic)
    assert by_queue[0] == by_mail[0] == "AuthorizationError"
    (listed,) = aws.other_sns.list_subscriptions()["Subscriptions"]
    assert (listed["Owner"], listed["Endpoint"]) == (OTHER, f"{queue}wanted")
    aws.sns.unsubscribe(SubscriptionArn=made["SubscriptionArn"])  # a topic's owner may end whatever hangs on it


def test_source_owner_in_a_topic_policy_is_the_callers_account(aws):
    topic = aws.topic()
    everybody = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "SNS:Publish", "Resource": topic}
    for owner, code in ((OWNER, "AuthorizationError"), (OTHER, "")):
        statement = everybody | {"Condition": {"StringEquals": {"AWS:SourceOwner": owner}}}
        aws.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(statement))

        if code:
            assert refusal(aws.other_sns.publish, TopicArn=topic, Message="x")[0] == code
        else:
            assert aws.other_sns.publish(TopicArn=topic, Message="x")["MessageId"]


# Publishing


def test_member_that_a_message_attribute_lacks_is_named(aws):
    topic = aws.topic()
    attributes = {"colour": {"StringValue": "red"}}
    says = "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null"

    one = refusal(unchecked(aws).publish, TopicArn=topic, Message="x", MessageAttributes=attributes)
    entry = {"Id": "1", "Message": "x", "MessageAttributes": attributes}
    batch = refusal(unchecked(aws).publish_batch, TopicArn=topic, PublishBatchRequestEntries=[entry])

    place = "messageAttributes.colour.member.dataType"
    assert one == ("ValidationError", says.format(place), 400)
    assert batch == ("ValidationError", says.format(f"publishBatchRequestEntries.1.member.{place}"), 400)


def test_fifo_topic_wants_a_way_to_tell_duplicates(aws):
    topic = aws.topic(FifoTopic="true")
    says = invalid(
        "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    )

    one = refusal(aws.sns.publish, TopicArn=topic, Message="x", MessageGroupId="g")
    entry = {"Id": "1", "Message": "x", "MessageGroupId": "g"}
    batch = refusal(aws.sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=[entry])

    assert one == batch == says


def test_message_structure_is_looked_at_before_the_group(aws):
    topic = aws.topic(FifoTopic="true")

    refused = refusal(aws.sns.publish, TopicArn=topic, Message='{"sqs": "x"}', MessageStructure="json")

    assert refused == invalid("Message Structure - No default entry in JSON message body")


def test_group_of_a_standard_topic_reaches_the_queue_and_of_a_fifo_topic_does_not(aws):
    standard, fifo = aws.topic(), aws.topic(FifoTopic="true", ContentBasedDeduplication="true")
    seen = []
    for topic in (standard, fifo):
        url, _ = aws.subscribed(topic)
        aws.sns.publish(TopicArn=topic, Message="x", MessageGroupId="g")
        seen.append(aws.received(url)["Attributes"].get("MessageGroupId"))

    assert seen == ["g", None]


def test_trace_of_the_publisher_reaches_the_queue(aws):
    trace = "Root=1-3152b799-8954dae64eda91bc9a23a7e8;Parent=7fa8c0f79203be72;Sampled=1"
    sns = aws.client("sns")
    sns.meta.events.register("before-sign.sns.Publish", lambda request, **_: _trace(request, trace))
    url, _ = aws.subscribed(topic := aws.topic())

    sns.publish(TopicArn=topic, Message="x")

    assert aws.received(url)["Attributes"]["AWSTraceHeader"] == trace


def _trace(request, trace):
    request.headers["X-Amzn-Trace-Id"] = trace


def test_message_needs_one_place_to_go(aws):
    assert refusal(aws.sns.publish, Message="x") == invalid(
        "TopicArn or TargetArn Reason: no value for required parameter"
    )


def test_endpoint_of_a_phone_that_nobody_made_is_not_found(aws):
    target = f"arn:aws:sns:us-east-1:{OWNER}:endpoint/APNS/app/5c54d0f6"

    refused = refusal(aws.sns.publish, TargetArn=target, Message="x")

    assert refused == invalid("TargetArn Reason: No endpoint found for the target arn specified")
