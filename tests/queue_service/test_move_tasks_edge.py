"""Move tasks as SQS's clients see them: boto3 over JSON, signed requests of the query protocol, AWS's words."""

import base64
import json
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.queue_service.test_edge_aws_clients import ACCOUNT, query, serve, sqs, text

__all__ = ["serve"]

DEAD = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"
HOSPITAL = f"arn:aws:sqs:us-east-1:{ACCOUNT}:hospital"
RESOURCE = "The resource that you specified for the {} parameter doesn't exist."
FORMAT = "You must use this format to specify the {}: arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
RANGE = "Value for parameter {} is invalid. Reason: You must enter a number that's between 1 and {}."


def make_dead(it, count):
    """The queues `hospital`, `jobs`, and its dead-letter queue `dead` with messages that came from it; the last two."""
    it.create_queue(QueueName="hospital")
    dead = it.create_queue(QueueName="dead")["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": DEAD, "maxReceiveCount": "1"})
    attributes = {"RedrivePolicy": redrive, "VisibilityTimeout": "0"}
    jobs = it.create_queue(QueueName="jobs", Attributes=attributes)["QueueUrl"]
    for n in range(count):
        it.send_message(QueueUrl=jobs, MessageBody=f"message-{n}")
    for _ in range(2 * count):
        it.receive_message(QueueUrl=jobs, MaxNumberOfMessages=10)
    return jobs, dead


def waiting(it, url):
    names = ["ApproximateNumberOfMessages"]
    return int(it.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"][names[0]])


def refused(work, **members):
    with pytest.raises(ClientError) as error:
        work(**members)
    response = error.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


def handle_of(source, task_id="10f57157-fc38-4da9-a113-4de7e12d05aa"):
    return base64.b64encode(json.dumps({"taskId": task_id, "sourceArn": source}).encode()).decode()


def test_boto3_moves_messages_back(serve):
    def client(endpoint, stand):
        it = sqs(endpoint)
        jobs, dead = make_dead(it, 3)
        assert it.list_message_move_tasks(SourceArn=DEAD)["Results"] == []
        started_ms = stand.clock.wall_ms()

        handle = it.start_message_move_task(SourceArn=DEAD)["TaskHandle"]

        named = json.loads(base64.b64decode(handle))
        assert named["sourceArn"] == DEAD
        assert str(uuid.UUID(named["taskId"])) == named["taskId"]
        stand.advance_from_outside(0)
        assert (waiting(it, jobs), waiting(it, dead)) == (3, 0)
        assert it.list_message_move_tasks(SourceArn=DEAD)["Results"] == [
            {
                "Status": "COMPLETED",
                "SourceArn": DEAD,
                "ApproximateNumberOfMessagesMoved": 3,
                "ApproximateNumberOfMessagesToMove": 3,
                "StartedTimestamp": started_ms,
            }
        ]

    serve(client)


def test_boto3_cancels_a_task_and_sees_one_fail(serve):
    def client(endpoint, stand):
        it = sqs(endpoint)
        make_dead(it, 5)
        handle = it.start_message_move_task(SourceArn=DEAD, DestinationArn=HOSPITAL, MaxNumberOfMessagesPerSecond=1)[
            "TaskHandle"
        ]
        started_ms = stand.clock.wall_ms()
        stand.advance_from_outside(0)
        stand.advance_from_outside(1)
        running = {
            "TaskHandle": handle,
            "Status": "RUNNING",
            "SourceArn": DEAD,
            "DestinationArn": HOSPITAL,
            "MaxNumberOfMessagesPerSecond": 1,
            "ApproximateNumberOfMessagesMoved": 2,
            "ApproximateNumberOfMessagesToMove": 5,
            "StartedTimestamp": started_ms,
        }
        assert it.list_message_move_tasks(SourceArn=DEAD)["Results"] == [running]
        assert refused(it.start_message_move_task, SourceArn=DEAD) == (
            400,
            "InvalidParameterValue",
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        )

        assert it.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"] == 2

        del running["TaskHandle"]
        running["Status"] = "CANCELLED"
        assert it.list_message_move_tasks(SourceArn=DEAD)["Results"] == [running]
        assert refused(it.cancel_message_move_task, TaskHandle=handle) == (
            400,
            "InvalidParameterValue",
            "Only active tasks can be cancelled.",
        )

        it.start_message_move_task(SourceArn=DEAD, DestinationArn=HOSPITAL)
        it.delete_queue(QueueUrl=f"{endpoint}/{ACCOUNT}/hospital")
        stand.advance_from_outside(0)
        failed, cancelled = it.list_message_move_tasks(SourceArn=DEAD, MaxResults=10)["Results"]
        assert (failed["Status"], failed["FailureReason"]) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
        assert cancelled == running

    serve(client)


def test_boto3_is_refused_in_the_words_of_aws(serve):
    def client(endpoint, _):
        it = sqs(endpoint)
        make_dead(it, 0)
        nobody = DEAD.replace("dead", "nobody")
        jobs = DEAD.replace("dead", "jobs")
        start, tasks, cancel = it.start_message_move_task, it.list_message_move_tasks, it.cancel_message_move_task

        for members, said in (
            ({"SourceArn": ""}, FORMAT.format("SourceArn")),
            ({"SourceArn": "invalid"}, FORMAT.format("SourceArn")),
            ({"SourceArn": DEAD, "DestinationArn": ""}, FORMAT.format("DestinationArn")),
            ({"SourceArn": DEAD, "DestinationArn": "invalid"}, FORMAT.format("DestinationArn")),
            ({"SourceArn": jobs}, "Source queue must be configured as a Dead Letter Queue."),
            (
                {"SourceArn": DEAD, "DestinationArn": DEAD},
                "Source queue arn and destination queue arn cannot be the same.",
            ),
            (
                {"SourceArn": DEAD, "MaxNumberOfMessagesPerSecond": 0},
                RANGE.format("MaxNumberOfMessagesPerSecond", 500),
            ),
            (
                {"SourceArn": DEAD, "MaxNumberOfMessagesPerSecond": 501},
                RANGE.format("MaxNumberOfMessagesPerSecond", 500),
            ),
        ):
            assert refused(start, **members) == (400, "InvalidParameterValue", said)
        for members, parameter in (
            ({"SourceArn": nobody}, "SourceArn"),
            ({"SourceArn": DEAD.replace("us-east-1", "eu-west-1")}, "SourceArn"),
            ({"SourceArn": DEAD.replace(":sqs:", ":sns:")}, "SourceArn"),
            ({"SourceArn": DEAD, "DestinationArn": nobody}, "DestinationArn"),
        ):
            assert refused(start, **members) == (404, "ResourceNotFoundException", RESOURCE.format(parameter))
        assert refused(tasks, SourceArn=nobody)[1:] == ("ResourceNotFoundException", RESOURCE.format("SourceArn"))
        assert refused(tasks, SourceArn=DEAD, MaxResults=11)[2] == RANGE.format("MaxResults", 10)
        for handle in ("foobared", "x" * 5000, base64.b64encode(b"{}").decode(), base64.b64encode(b"\xff").decode()):
            assert refused(cancel, TaskHandle=handle) == (
                400,
                "InvalidParameterValue",
                "Value for parameter TaskHandle is invalid.",
            )
        assert refused(cancel, TaskHandle=handle_of(nobody)) == (
            404,
            "ResourceNotFoundException",
            RESOURCE.format("SourceArn"),
        )
        assert refused(cancel, TaskHandle=handle_of(DEAD)) == (
            404,
            "ResourceNotFoundException",
            "Task does not exist.",
        )

    serve(client)


def test_query_protocol_starts_lists_and_cancels(serve):
    def client(endpoint, stand):
        make_dead(sqs(endpoint), 3)
        status, started = query(
            endpoint,
            "StartMessageMoveTask",
            SourceArn=DEAD,
            DestinationArn=HOSPITAL,
            MaxNumberOfMessagesPerSecond="1",
        )
        handle = text(started, "StartMessageMoveTaskResult/TaskHandle") or ""
        assert (status, bool(handle)) == (200, True)
        stand.advance_from_outside(0)

        _, listed = query(endpoint, "ListMessageMoveTasks", SourceArn=DEAD)

        entry = "ListMessageMoveTasksResult/ListMessageMoveTasksResultEntry/"
        found = {
            name: text(listed, entry + name)
            for name in ("TaskHandle", "Status", "SourceArn", "DestinationArn", "ApproximateNumberOfMessagesMoved")
        }
        assert found == {
            "TaskHandle": handle,
            "Status": "RUNNING",
            "SourceArn": DEAD,
            "DestinationArn": HOSPITAL,
            "ApproximateNumberOfMessagesMoved": "1",
        }
        _, cancelled = query(endpoint, "CancelMessageMoveTask", TaskHandle=handle)
        assert text(cancelled, "CancelMessageMoveTaskResult/ApproximateNumberOfMessagesMoved") == "1"

        status, error = query(endpoint, "CancelMessageMoveTask", TaskHandle="foobared")
        assert (status, text(error, "Error/Code"), text(error, "Error/Message")) == (
            400,
            "InvalidParameterValue",
            "Value for parameter TaskHandle is invalid.",
        )
        status, error = query(endpoint, "StartMessageMoveTask", SourceArn=DEAD + "nowhere")
        assert (status, text(error, "Error/Code")) == (404, "ResourceNotFoundException")
        status, error = query(endpoint, "ListMessageMoveTasks", f"/{ACCOUNT}/dead", SourceArn=DEAD)
        assert (status, text(error, "Error/Code")) == (400, "InvalidAction")

    serve(client)
