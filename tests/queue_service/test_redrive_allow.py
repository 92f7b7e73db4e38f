"""Redrive-allow policies: which queues may use a queue as their dead-letter queue, in AWS's words."""

import json

import pytest

from cumulo.core.errors import ServiceError
from cumulo.queue_service import model, redrive_allow
from tests.queue_service.test_edge_aws import ACCOUNT, URL, asker, in_a_queue, invalid, refusal

ARN = f"arn:aws:sqs:us-east-1:{ACCOUNT}:"
FORMAT = (
    "InvalidAttributeValue",
    "InvalidAttributeValue",
    (
        "Invalid value for the parameter RedriveAllowPolicy."
        " Reason: Amazon SQS can't create the redrive allow policy, as it\u2019s in an unsupported format."
    ),
)
NOT_ALLOWED = "The redrive allow policy of the dead-letter queue does not allow this source queue."


def by_queue(*sources):
    return json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": list(sources)})


def redrive(name):
    return json.dumps({"deadLetterTargetArn": ARN + name, "maxReceiveCount": 2})


@pytest.mark.parametrize(
    "text",
    [
        '{ "redrivePermission" : "allowAll" }',
        '{"redrivePermission":"denyAll"}',
        '{"redrivePermission":"allowAll","sourceQueueArns":[]}',
        by_queue(*(f"{ARN}x{n}" for n in range(10))),
    ],
)
def test_policy_is_shown_byte_for_byte_as_written(run, text):
    async def scenario(stand, ask):
        created = await ask("CreateQueue", QueueName="made", Attributes={"RedriveAllowPolicy": text})
        await ask("SetQueueAttributes", QueueUrl=URL, Attributes={"RedriveAllowPolicy": text})
        await ask("SetQueueAttributes", QueueUrl=URL, Attributes={"DelaySeconds": "5"})
        await ask("AddPermission", QueueUrl=URL, Label="l", AWSAccountIds=[ACCOUNT], Actions=["SendMessage"])

        for url in (created["QueueUrl"], URL):
            for names in (["All"], ["RedriveAllowPolicy"]):
                shown = (await ask("GetQueueAttributes", QueueUrl=url, AttributeNames=names))["Attributes"]
                assert shown["RedriveAllowPolicy"] == text
        await ask("SetQueueAttributes", QueueUrl=URL, Attributes={"RedriveAllowPolicy": ""})
        assert await ask("GetQueueAttributes", QueueUrl=URL, AttributeNames=["RedriveAllowPolicy"]) == {}
        await stand.restart()

    in_a_queue(run, scenario)


@pytest.mark.parametrize(
    "text",
    [
        "badjson",
        "[]",
        "{}",
        "4",
        " " * 9_000,
        '{"redrivePermission":"allowAll"}' + " " * 9_000,
        "[" * 8_000,
        '{"redrivePermission":"dummy"}',
        '{"redrivePermission":"allowAll","dummy":1}',
        '{"redrivePermission":["allowAll"]}',
        '{"redrivePermission":"byQueue","sourceQueueArns":"arn:aws:sqs"}',
        '{"redrivePermission":"byQueue","sourceQueueArns":[{"a":1}]}',
    ],
)
def test_text_that_is_no_policy_is_refused(run, text):
    async def scenario(_, ask):
        assert await refusal(ask("CreateQueue", QueueName="x", Attributes={"RedriveAllowPolicy": text})) == FORMAT
        set_it = ask("SetQueueAttributes", QueueUrl=URL, Attributes={"RedriveAllowPolicy": text})
        assert await refusal(set_it) == FORMAT

    in_a_queue(run, scenario)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            '{"redrivePermission":"byQueue"}',
            "When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values.",
        ),
        (
            by_queue(),
            "When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values.",
        ),
        (
            by_queue(*(f"{ARN}x{n}" for n in range(11))),
            "The maximum number of source queue ARNs you can specify is 10.",
        ),
        (
            '{"redrivePermission":"allowAll","sourceQueueArns":["arn:aws:sqs:us-east-1:123456789012:x7"]}',
            "To specify one or more source queue ARNs, you must set redrivePermission to byQueue.",
        ),
        (
            '{"redrivePermission":"denyAll","sourceQueueArns":["arn:aws:sqs:us-east-1:123456789012:x7"]}',
            "To specify one or more source queue ARNs, you must set redrivePermission to byQueue.",
        ),
    ],
)
def test_policy_that_contradicts_itself_is_refused(run, text, reason):
    async def scenario(_, ask):
        assert await refusal(ask("CreateQueue", QueueName="x", Attributes={"RedriveAllowPolicy": text})) == invalid(
            f"Value {text} for parameter RedriveAllowPolicy is invalid."
            f" Reason: Amazon SQS can't create the redrive allow policy. {reason}"
        )

    in_a_queue(run, scenario)


def test_queue_gets_only_a_dead_letter_queue_that_allows_it(run):
    async def scenario(stand, ask):
        for name, text in (
            ("all", '{"redrivePermission":"allowAll"}'),
            ("none", '{"redrivePermission":"denyAll"}'),
            ("some", by_queue(f"{ARN}made", f"{ARN}friend")),
        ):
            await ask("CreateQueue", QueueName=name, Attributes={"RedriveAllowPolicy": text})

        for name in ("none", "some"):
            refused = invalid(f"Value {redrive(name)} for parameter RedrivePolicy is invalid. Reason: {NOT_ALLOWED}")
            attributes = {"RedrivePolicy": redrive(name)}
            assert await refusal(ask("SetQueueAttributes", QueueUrl=URL, Attributes=attributes)) == refused
            assert await refusal(ask("CreateQueue", QueueName="other", Attributes=attributes)) == refused
        await ask("SetQueueAttributes", QueueUrl=URL, Attributes={"RedrivePolicy": redrive("all")})
        await ask("CreateQueue", QueueName="made", Attributes={"RedrivePolicy": redrive("some")})
        shown = await ask("GetQueueAttributes", QueueUrl=URL, AttributeNames=["RedrivePolicy"])
        assert shown["Attributes"] == {"RedrivePolicy": redrive("all")}

        west = asker(stand, region="eu-west-1")
        await west("CreateQueue", QueueName="some", Attributes={"RedriveAllowPolicy": by_queue(f"{ARN}made")})
        there = {"RedrivePolicy": redrive("some").replace("us-east-1", "eu-west-1")}
        assert NOT_ALLOWED in (await refusal(west("CreateQueue", QueueName="made", Attributes=there)))[2]

    in_a_queue(run, scenario)


def test_policy_that_comes_later_leaves_the_queues_alone_that_are_there(run):
    async def scenario(stand, ask):
        await ask("CreateQueue", QueueName="dead")
        await ask("SetQueueAttributes", QueueUrl=URL, Attributes={"RedrivePolicy": redrive("dead")})
        deny = {"RedriveAllowPolicy": '{"redrivePermission":"denyAll"}'}
        await ask("SetQueueAttributes", QueueUrl=URL.replace("jobs", "dead"), Attributes=deny)
        await ask("SetQueueAttributes", QueueUrl=URL, Attributes={"VisibilityTimeout": "0"})
        await stand.send(b"a")
        for _ in range(3):
            await stand.receive()
            await stand.advance(0.001)

        assert await stand.counts("dead") == (1, 0, 0)

    in_a_queue(run, scenario)


def test_repeated_creation_compares_what_the_policy_says(run):
    async def scenario(_, ask):
        one, other = by_queue(f"{ARN}a", f"{ARN}b"), by_queue(f"{ARN}b", f"{ARN}a") + " "
        await ask("CreateQueue", QueueName="dead", Attributes={"RedriveAllowPolicy": one})
        await ask("CreateQueue", QueueName="dead", Attributes={"RedriveAllowPolicy": other})
        await ask("CreateQueue", QueueName="dead")

        assert await refusal(
            ask("CreateQueue", QueueName="dead", Attributes={"RedriveAllowPolicy": by_queue("c")})
        ) == (
            "QueueNameExists",
            "QueueAlreadyExists",
            "A queue already exists with the same name and a different value for attribute RedriveAllowPolicy",
        )

    in_a_queue(run, scenario)


def test_room_refuses_what_its_edge_did_not_look_at(run):
    async def scenario(it):
        with pytest.raises(ServiceError) as refused:
            await it.create("dead", redrive_allow_policy="{}")
        assert refused.value.values["parameter"] == redrive_allow.PARAMETER
        await it.create("dead", redrive_allow_policy='{"redrivePermission":"denyAll"}')
        with pytest.raises(ServiceError) as refused:
            await it.create("jobs", dead_letter_policy=model.DeadLetterPolicy("dead", 2))
        assert "does not allow" in refused.value.message

    run(scenario)
