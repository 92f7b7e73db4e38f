"""The quota of messages in flight, as an operator sets it and a client meets it."""

import pytest
from botocore.config import Config
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


def test_fifo_queue_throttles_calls_beyond_the_quota_that_is_set():
    with Server(settings={"queue_fifo_calls_per_s": 1}) as server:
        sqs = server.boto3("sqs", config=Config(retries={"total_max_attempts": 1}))
        url = sqs.create_queue(QueueName="jobs.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]

        def send_many() -> None:
            for number in range(20):  # the second at the latest, unless the machine sleeps for seconds
                sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId=str(number))

        with pytest.raises(sqs.exceptions.RequestThrottled) as throttled:
            send_many()

    answer = throttled.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert (answer["Error"]["Code"], answer["Error"]["Message"]) == ("RequestThrottled", "Request is throttled.")
