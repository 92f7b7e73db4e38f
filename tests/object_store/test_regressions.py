"""Defects that were found from outside, each kept away by the call that showed it."""

from typing import Any

import msgspec

from cumulo.core.context import CallContext
from cumulo.identity.model import root_of
from cumulo.identity.policy import ANONYMOUS
from cumulo.object_store import model

OTHER = CallContext(principal=root_of("111111111111"), request_id="other")
NOBODY = CallContext(principal=ANONYMOUS, request_id="anonymous")
QUEUE = "arn:aws:sqs:us-east-1:000000000000:jobs"


def notification(bucket: str = "inbox") -> model.SetBucketNotification:
    rule = model.NotificationRule(queue=QUEUE, events=("s3:ObjectCreated:*",))
    return model.SetBucketNotification(bucket, (rule,))


def test_guest_of_a_bucket_cannot_direct_its_events_to_the_owners_queues(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": "111111111111"},
            "Action": "s3:PutBucketNotification",
            "Resource": "arn:aws:s3:::inbox",
        }
        policy = msgspec.json.encode({"Version": "2012-10-17", "Statement": [statement]}).decode()
        await stand.call("SetBucketPolicy", model.SetBucketPolicy("inbox", policy))

        error = await refused(stand.call("SetBucketNotification", notification(), ctx=OTHER))

        assert error.row.code == "AccessDenied"
        assert "sqs:SendMessage" in error.message

    run(scenario)


def test_refusal_to_configure_notifications_says_nothing_of_the_queue(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        error = await refused(stand.call("SetBucketNotification", notification(), ctx=NOBODY))

        assert "s3:PutBucketNotification" in error.message

    run(scenario)


def test_batch_delete_that_is_refused_does_not_say_whether_the_bucket_exists(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        answers = []
        for bucket in ("inbox", "nobody-made-this"):
            request = model.BatchDeleteObjects(bucket=bucket, entries=(model.DeleteEntry("a"), model.DeleteEntry("")))
            results = await stand.call("BatchDeleteObjects", request, ctx=NOBODY)
            answers.append([error.code for error in results])

        assert answers[0] == answers[1]
        assert answers[0][0] == "AccessDenied"

    run(scenario)
