"""Short messages to telephone numbers, as boto3 asks for them and SNS answers."""

import json

import pytest

from cumulo.testing import Server
from tests.queue_service.test_edge_aws_sns import Aws, invalid, policy, refusal

NUMBER = "+33600000000"


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("phones") / "data") as server:
        made = Aws(server)
        yield made
        made.close()


def recorded(aws, message_id):
    """Return what the outgoing folder holds of a message."""
    (file,) = (aws.server.data / "outgoing").glob(f"*-sms-{message_id}-*.json")
    return json.loads(file.read_bytes())


def test_message_to_a_number_is_recorded(aws):
    sent = aws.sns.publish(PhoneNumber=NUMBER, Message="your code is 1234")

    message = recorded(aws, sent["MessageId"])

    assert (message["protocol"], message["to"], message["body"]) == ("sms", NUMBER, "your code is 1234")
    assert (message["topic_arn"], message["subscription_arn"], message["sent_by"]) == ("", "", "nobody")


def test_message_of_structure_json_is_that_for_sms(aws):
    by_protocol = json.dumps({"default": "a", "sms": "b"})

    sent = aws.sns.publish(PhoneNumber=NUMBER, Message=by_protocol, MessageStructure="json")

    assert recorded(aws, sent["MessageId"])["body"] == "b"


@pytest.mark.parametrize("number", ["+1a234", "NAA+15551234567", "", "+0123", "+1234567890123456"])
def test_what_is_no_number_is_not_published_to(aws, number):
    refused = refusal(aws.sns.publish, PhoneNumber=number, Message="hello")

    assert refused == invalid(f"PhoneNumber Reason: {number} is not valid to publish to")


def test_message_to_a_number_is_refused_beside_a_topic_and_beyond_its_length(aws):
    code, message, status = refusal(aws.sns.publish, PhoneNumber=NUMBER, TopicArn=aws.topic(), Message="hello")
    assert (code, status, message.startswith("Invalid parameter: PhoneNumber")) == ("InvalidParameter", 400, True)

    assert refusal(aws.sns.publish, PhoneNumber=NUMBER, Message="a" * 1601) == invalid("Message too long")
    assert refusal(aws.sns.publish, PhoneNumber=NUMBER, Message="") == invalid("Empty message")


def test_settings_are_kept_for_a_region_and_shown_with_the_default_limit(aws):
    assert aws.sns.get_sms_attributes()["attributes"] == {"MonthlySpendLimit": "1"}

    aws.sns.set_sms_attributes(attributes={"DefaultSenderID": "Shop", "DefaultSMSType": "Promotional"})
    aws.sns.set_sms_attributes(attributes={"DefaultSMSType": "Transactional"})

    everything = {"DefaultSenderID": "Shop", "DefaultSMSType": "Transactional", "MonthlySpendLimit": "1"}
    assert aws.sns.get_sms_attributes()["attributes"] == everything
    assert aws.sns.get_sms_attributes(attributes=["DefaultSenderID"])["attributes"] == {"DefaultSenderID": "Shop"}
    assert aws.other_sns.get_sms_attributes()["attributes"] == {"MonthlySpendLimit": "1"}
    elsewhere = aws.client("sns", region_name="eu-central-1")
    assert elsewhere.get_sms_attributes()["attributes"] == {"MonthlySpendLimit": "1"}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Colour", "red", "Colour is not a valid attribute"),
        ("DefaultSMSType", "loud", "DefaultSMSType is invalid"),
        ("DefaultSenderID", "123456789", "DefaultSenderID is invalid"),
        ("DefaultSenderID", "a" * 12, "DefaultSenderID is invalid"),
        ("MonthlySpendLimit", "much", "MonthlySpendLimit is invalid"),
        ("DeliveryStatusSuccessSamplingRate", "101", "DeliveryStatusSuccessSamplingRate is invalid"),
    ],
)
def test_settings_that_do_not_exist_or_may_not_be_so_are_refused(aws, name, value, message):
    assert refusal(aws.other_sns.set_sms_attributes, attributes={name: value}) == ("InvalidParameter", message, 400)
    assert aws.other_sns.get_sms_attributes()["attributes"] == {"MonthlySpendLimit": "1"}


def test_no_number_is_opted_out_and_each_may_opt_in(aws):
    assert aws.sns.check_if_phone_number_is_opted_out(phoneNumber=NUMBER)["isOptedOut"] is False
    assert aws.sns.list_phone_numbers_opted_out()["phoneNumbers"] == []
    aws.sns.opt_in_phone_number(phoneNumber=NUMBER)

    malformed = invalid("PhoneNumber Reason: input incorrectly formatted")
    assert refusal(aws.sns.opt_in_phone_number, phoneNumber="invalid") == malformed
    assert refusal(aws.sns.check_if_phone_number_is_opted_out, phoneNumber="invalid") == malformed


def test_leave_to_publish_to_topics_is_no_leave_to_publish_to_numbers(aws):
    iam = aws.client("iam")
    iam.create_user(UserName="clerk")
    of_topics = {"Effect": "Allow", "Action": "sns:Publish", "Resource": "arn:aws:sns:*:*:*"}
    iam.put_user_policy(UserName="clerk", PolicyName="topics", PolicyDocument=policy(of_topics))
    key = iam.create_access_key(UserName="clerk")["AccessKey"]
    clerk = aws.client("sns", (key["AccessKeyId"], key["SecretAccessKey"]))

    clerk.publish(TopicArn=aws.topic(), Message="hello")
    code, message, status = refusal(clerk.publish, PhoneNumber=NUMBER, Message="hello")

    assert (code, status) == ("AuthorizationError", 403)
    assert "SNS:Publish" in message


def test_subscription_of_a_number_is_confirmed_and_authenticated(aws):
    arn = aws.sns.subscribe(TopicArn=aws.topic(), Protocol="sms", Endpoint=NUMBER)["SubscriptionArn"]

    shown = aws.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]

    assert (shown["PendingConfirmation"], shown["ConfirmationWasAuthenticated"]) == ("false", "true")
