"""The quota of messages in flight, as an operator sets it and a client meets it."""

import pytest
from botocore.exceptions import ClientError

from cumulo.testing import Server


def test_receive_beyond_the_quota_in_flight_is_over_limit_until_a_message_is_deleted():
    with Server(settings={"queue_in_flight_max": 2}) as server:
        sqs = server.boto3("sqs")
        url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        for _ in range(3):
            sqs.send_message(QueueUrl=url, MessageBody="x")
        held = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]

        with pytest.raises(ClientError) as refused:
            sqs.receive_message(QueueUrl=url)

        assert len(held) == 2
        assert refused.value.response["Error"]["Code"] == "OverLimit"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        sqs.delete_message(QueueUrl=url, ReceiptHandle=held[0]["ReceiptHandle"])
        assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1
