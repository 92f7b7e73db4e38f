"""SQS on the room, below the wire: shapes in, shapes out, in AWS's words."""

import asyncio
import base64
import hashlib
import json
from typing import Any

import msgspec
import pytest

from cumulo.core.context import AnonymousPrincipal, CallContext
from cumulo.core.errors import ServiceError
from cumulo.gateway import aws_json
from cumulo.gateway.aws_model import MalformedInput
from cumulo.gateway.aws_service import AwsCall
from cumulo.gateway.http1 import Request
from cumulo.gateway.http_body import WholeBody
from cumulo.identity.policy import Principal, PrincipalKind
from cumulo.queue_service import aws_sqs, model, permissions
from cumulo.queue_service.edge_aws import HANDLERS, edge
from cumulo.queue_service.edge_aws_errors import INPUT_ERRORS

ACCOUNT = "000000000000"
URL = f"http://localhost:4566/{ACCOUNT}/jobs"
ARN = f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"
JSON_HEADERS = {"x-amz-target": "AmazonSQS.Any", "content-type": "application/x-amz-json-1.0"}


def asker(stand, *, headers=JSON_HEADERS, region="us-east-1", principal=None, path="/", trace_header=""):
    """A function that calls one operation with members as a client writes them."""
    handlers = edge(stand.service).handlers

    async def ask(operation, **members):
        http = Request("POST", path, headers, tuple(headers.items()), "127.0.0.1", False, WholeBody(b""))
        caller = principal or stand.ctx.principal
        ctx = CallContext(principal=caller, request_id="r", region=region, trace_header=trace_header)
        request = msgspec.convert(members, aws_sqs.OPERATIONS[operation].input)
        answer = await handlers[operation](AwsCall(ctx, operation, request, None, http, "http://localhost:4566"))
        return {} if answer is None else msgspec.to_builtins(answer, builtin_types=(bytes,))

    return ask


async def refusal(work) -> tuple[str, str, str]:
    """What was refused: JSON's code, the query protocol's, and the message."""
    with pytest.raises(ServiceError) as refused:
        await work
    row = refused.value.row
    return row.code, row.query_code or row.code, refused.value.message


def invalid(message: str) -> tuple[str, str, str]:
    return "InvalidParameterValueException", "InvalidParameterValue", message


def in_a_queue(run, scenario, **attributes):
    """Run `scenario(stand, ask)` with the queue `jobs`."""

    async def go(stand):
        ask = asker(stand)
        await ask("CreateQueue", QueueName="jobs", Attributes=attributes)
        await scenario(stand, ask)

    run(go)


# Queues


def test_new_queue_has_the_attributes_of_a_new_queue_of_aws(run):
    async def scenario(stand, ask):
        shown = (await ask("GetQueueAttributes", QueueUrl=URL, AttributeNames=["All"]))["Attributes"]

        seconds = str(stand.clock.wall_ms() // 1000)
        assert shown == {
            "VisibilityTimeout": "30",
            "MaximumMessageSize": "1048576",
            "MessageRetentionPeriod": "345600",
            "DelaySeconds": "0",
            "ReceiveMessageWaitTimeSeconds": "0",
            "ApproximateNumberOfMessages": "0",
            "ApproximateNumberOfMessagesNotVisible": "0",
            "ApproximateNumberOfMessagesDelayed": "0",
            "CreatedTimestamp": seconds,
            "LastModifiedTimestamp": seconds,
            "QueueArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs",
            "SqsManagedSseEnabled": "true",
        }

    in_a_queue(run, scenario)


def test_attributes_are_shown_only_where_they_are_asked_for_and_there(run):
    async def scenario(_, ask):
        assert await ask("GetQueueAttributes", QueueUrl=URL) == {}
        assert await ask("GetQueueAttributes", QueueUrl=URL, AttributeNames=["Policy", "FifoQueue"]) == {}
        two = await ask("GetQueueAttributes", QueueUrl=URL, AttributeNames=["DelaySeconds", "Policy"])
        assert two == {"Attributes": {"DelaySeconds": "0"}}
        assert await refusal(ask("GetQueueAttributes", QueueUrl=URL, AttributeNames=["Nope"])) == (
            "InvalidAttributeName",
            "InvalidAttributeName",
            "Unknown Attribute Nope.",
        )

    in_a_queue(run, scenario)


def test_policy_and_redrive_policy_are_shown_byte_for_byte_as_written(run):
    async def scenario(_, ask):
        await ask("CreateQueue", QueueName="dead")
        policy = json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}],
            },
            indent=3,
        )
        redrive = f'{{ "maxReceiveCount" : "5",  "deadLetterTargetArn":"arn:aws:sqs:us-east-1:{ACCOUNT}:dead" }}'
        await ask("SetQueueAttributes", QueueUrl=URL, Attributes={"Policy": policy, "RedrivePolicy": redrive})
        names = ["Policy", "RedrivePolicy"]

        shown = await ask("GetQueueAttributes", QueueUrl=URL, AttributeNames=names)
        assert shown == {"Attributes": {"Policy": policy, "RedrivePolicy": redrive}}

        sources = await ask("ListDeadLetterSourceQueues", QueueUrl=URL.replace("jobs", "dead"))
        assert sources == {"queueUrls": [URL]}
        await ask("SetQueueAttributes", QueueUrl=URL, Attributes={"Policy": "", "RedrivePolicy": ""})
        assert await ask("GetQueueAttributes", QueueUrl=URL, AttributeNames=names) == {}
        assert await ask("ListDeadLetterSourceQueues", QueueUrl=URL.replace("jobs", "dead")) == {"queueUrls": []}

    in_a_queue(run, scenario)


def test_redrive_policy_of_another_edge_is_shown_as_json(run):
    async def scenario(stand, ask):
        await ask("CreateQueue", QueueName="dead")
        await stand.update(dead_letter_policy=model.DeadLetterPolicy("dead", 3))

        shown = await ask("GetQueueAttributes", QueueUrl=URL, AttributeNames=["RedrivePolicy"])

        assert json.loads(shown["Attributes"]["RedrivePolicy"]) == {
            "deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead",
            "maxReceiveCount": 3,
        }

    in_a_queue(run, scenario)


def test_creation_is_idempotent_until_an_attribute_differs(run):
    async def scenario(_, ask):
        same = {"QueueName": "jobs", "Attributes": {"DelaySeconds": "7"}}
        assert await ask("CreateQueue", **same) == {"QueueUrl": URL}
        assert await ask("CreateQueue", QueueName="jobs") == {"QueueUrl": URL}
        assert await refusal(ask("CreateQueue", QueueName="jobs", Attributes={"DelaySeconds": "8"})) == (
            "QueueNameExists",
            "QueueAlreadyExists",
            "A queue already exists with the same name and a different value for attribute DelaySeconds",
        )

    in_a_queue(run, scenario, DelaySeconds="7")


NAME = invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("", {}, invalid("Queue name cannot be empty")),
        ("a b", {}, NAME),
        ("a" * 81, {}, NAME),
        ("a.fifo", {}, NAME),
        ("a.fifo", {"FifoQueue": "false"}, NAME),
        ("a", {"FifoQueue": "false"}, ("InvalidAttributeName",) * 2 + ("Unknown Attribute FifoQueue.",)),
        (
            "a",
            {"FifoQueue": "true"},
            invalid(
                "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end"
                " with .fifo suffix and be 1 to 80 in length."
            ),
        ),
        ("a", {"Nope": "1"}, ("InvalidAttributeName",) * 2 + ("Unknown Attribute Nope.",)),
        ("a", {"QueueArn": "1"}, ("InvalidAttributeName",) * 2 + ("Unknown Attribute QueueArn.",)),
        (
            "a",
            {"DeduplicationScope": "queue"},
            ("InvalidAttributeName",) * 2
            + ("You can specify the DeduplicationScope only when FifoQueue is set to true.",),
        ),
        *(
            ("a", {name: value}, ("InvalidAttributeValue",) * 2 + (f"Invalid value for the parameter {name}.",))
            for name, value in (
                ("VisibilityTimeout", "43201"),
                ("VisibilityTimeout", "-1"),
                ("VisibilityTimeout", "1.5"),
                ("VisibilityTimeout", "٣"),
                ("VisibilityTimeout", ""),
                ("VisibilityTimeout", "9" * 5000),
                ("DelaySeconds", "901"),
                ("MessageRetentionPeriod", "59"),
                ("MaximumMessageSize", "1023"),
                ("MaximumMessageSize", "1048577"),
                ("ReceiveMessageWaitTimeSeconds", "21"),
            )
        ),
        (
            "a",
            {"RedrivePolicy": "nope"},
            (
                "InvalidAttributeValue",
                "InvalidAttributeValue",
                "Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a valid JSON map.",
            ),
        ),
        (
            "a",
            {"RedrivePolicy": "{}"},
            invalid(
                "Value {} for parameter RedrivePolicy is invalid. Reason: Redrive policy does not contain mandatory"
                " attribute: maxReceiveCount."
            ),
        ),
        (
            "a",
            {"RedrivePolicy": '{"deadLetterTargetArn":"x","maxReceiveCount":1,"redrivePermission":"allowAll"}'},
            invalid(
                'Value {"deadLetterTargetArn":"x","maxReceiveCount":1,"redrivePermission":"allowAll"} for parameter'
                " RedrivePolicy is invalid. Reason: Only following attributes are supported: [maxReceiveCount,"
                " deadLetterTargetArn]."
            ),
        ),
        *(
            (
                "a",
                {"RedrivePolicy": f'{{"deadLetterTargetArn":{target},"maxReceiveCount":1}}'},
                invalid(
                    f'Value {{"deadLetterTargetArn":{target},"maxReceiveCount":1}} for parameter RedrivePolicy is'
                    f" invalid. Reason: {reason}."
                ),
            )
            for target, reason in (
                ("7", "Invalid value for deadLetterTargetArn"),
                ('"dead"', "Dead-letter target ARN should be fully qualified ARN"),
                ('"arn:aws:sns:us-east-1:000000000000:a"', "Dead-letter target ARN should be fully qualified ARN"),
                ('"arn:aws:sqs:eu-west-1:111111111111:b"', "Dead-letter target must be in same region as the source"),
                ('"arn:aws:sqs:us-east-1:111111111111:b"', "Dead-letter target owner should be same as the source"),
            )
        ),
        (
            "a",
            {"RedrivePolicy": '{"maxReceiveCount":1}'},
            invalid(
                'Value {"maxReceiveCount":1} for parameter RedrivePolicy is invalid. Reason: Redrive policy does not'
                " contain mandatory attribute: deadLetterTargetArn."
            ),
        ),
        (
            "a",
            {"RedrivePolicy": '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:x","maxReceiveCount":1}'},
            invalid(
                'Value {"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:x","maxReceiveCount":1} for parameter'
                " RedrivePolicy is invalid. Reason: Dead letter target does not exist."
            ),
        ),
        (
            "a",
            {"RedrivePolicy": '{"deadLetterTargetArn":"x","maxReceiveCount":0}'},
            invalid(
                'Value {"deadLetterTargetArn":"x","maxReceiveCount":0} for parameter RedrivePolicy is invalid. Reason:'
                " Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive."
            ),
        ),
        (
            "a",
            {"SqsManagedSseEnabled": "true", "KmsMasterKeyId": "alias/aws/sqs"},
            (
                "InvalidAttributeName",
                "InvalidAttributeName",
                (
                    "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or"
                    " SQS SSE."
                ),
            ),
        ),
        (
            "a",
            {"SqsManagedSseEnabled": "yes"},
            (
                "InvalidAttributeValue",
                "InvalidAttributeValue",
                "Invalid value for the parameter SqsManagedSseEnabled.",
            ),
        ),
        (
            "a",
            {"KmsMasterKeyId": "a key"},
            (
                "InvalidAttributeValue",
                "InvalidAttributeValue",
                (
                    "Invalid value for the parameter KmsMasterKeyId. Reason: it must be the id, the alias or the ARN of"
                    " a KMS key."
                ),
            ),
        ),
        (
            "a",
            {"KmsDataKeyReusePeriodSeconds": "59"},
            (
                "InvalidAttributeValue",
                "InvalidAttributeValue",
                "Invalid value for the parameter KmsDataKeyReusePeriodSeconds.",
            ),
        ),
        (
            "a",
            {"KmsDataKeyReusePeriodSeconds": "86401"},
            (
                "InvalidAttributeValue",
                "InvalidAttributeValue",
                "Invalid value for the parameter KmsDataKeyReusePeriodSeconds.",
            ),
        ),
    ],
)
def test_creation_is_refused_in_the_words_of_aws(run, name, attributes, expected):
    async def scenario(stand):
        ask = asker(stand)

        assert await refusal(ask("CreateQueue", QueueName=name, Attributes=attributes)) == expected
        assert await ask("ListQueues") == {}

    run(scenario)


@pytest.mark.parametrize(
    "redrive",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "x" * 1_000_000,
        '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:x","maxReceiveCount":"' + "0" * 5_000 + '1"}',
        '{"deadLetterTargetArn":[],"maxReceiveCount":1}',
        '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111111111111:x","maxReceiveCount":1}',
        '{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:jobs","maxReceiveCount":1}',
        "[]",
        "1",
    ],
)
def test_bad_redrive_policy_is_refused_without_repeating_all_of_it(run, redrive):
    async def scenario(_, ask):
        refused = await refusal(ask("SetQueueAttributes", QueueUrl=URL, Attributes={"RedrivePolicy": redrive}))

        assert refused[1] in ("InvalidParameterValue", "InvalidAttributeValue")
        assert "parameter RedrivePolicy" in refused[2]
        assert ". Reason: " in refused[2]
        assert len(refused[2]) < 4_000

    in_a_queue(run, scenario)


def test_huge_names_are_neither_remembered_nor_repeated(run):
    async def scenario(_, ask):
        refused = await refusal(ask("DeleteQueue", QueueUrl=f"http://{'h' * 1_000_000}/{ACCOUNT}/jobs"))
        assert refused[0] == "InvalidAddress"
        assert len(refused[2]) < 2_000
        names = [f"{number}{'n' * 100}" for number in range(1_000)]
        assert await ask("ReceiveMessage", QueueUrl=URL, MessageAttributeNames=names) == {}
        assert await ask("ReceiveMessage", QueueUrl=URL, MessageAttributeNames=names[:2]) == {}

    in_a_queue(run, scenario)


def test_policy_that_speaks_of_no_arn_is_kept_and_allows_nothing(run):
    async def scenario(stand, ask):
        allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "'$queue_arn'"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": allow})
        await ask("SetQueueAttributes", QueueUrl=URL, Attributes={"Policy": policy})

        shown = await ask("GetQueueAttributes", QueueUrl=URL, AttributeNames=["Policy"])

        assert shown["Attributes"]["Policy"] == policy
        nobody = asker(stand, principal=AnonymousPrincipal())
        assert (await refusal(nobody("SendMessage", QueueUrl=URL, MessageBody="x")))[1] == "AccessDenied"

    in_a_queue(run, scenario)


def test_malformed_policy_is_an_invalid_attribute_value(run):
    async def scenario(_, ask):
        refused = await refusal(ask("SetQueueAttributes", QueueUrl=URL, Attributes={"Policy": "{}"}))

        assert refused[0] == "InvalidAttributeValue"
        assert refused[2].startswith("Invalid value for the parameter Policy. Reason: ")

    in_a_queue(run, scenario)


def test_values_that_stand_for_not_are_taken(run):
    """What Terraform and others write where a feature is off."""

    async def scenario(_, ask):
        off = {"SqsManagedSseEnabled": "false", "KmsMasterKeyId": "", "KmsDataKeyReusePeriodSeconds": "300"}
        await ask("SetQueueAttributes", QueueUrl=URL, Attributes=off)

        assert await encryption(ask) == {"SqsManagedSseEnabled": "false"}

    in_a_queue(run, scenario)


async def encryption(ask):
    attributes = (await ask("GetQueueAttributes", QueueUrl=URL, AttributeNames=["All"]))["Attributes"]
    return {name: value for name, value in attributes.items() if "Sse" in name or "Kms" in name}


def test_one_way_of_encryption_ends_the_other(run):
    key = {"KmsMasterKeyId": "alias/aws/sqs"}
    under_key = {"SqsManagedSseEnabled": "false", **key, "KmsDataKeyReusePeriodSeconds": "300"}
    steps = [
        (key, under_key),
        ({"SqsManagedSseEnabled": "false"}, under_key),
        ({"KmsDataKeyReusePeriodSeconds": "60"}, under_key | {"KmsDataKeyReusePeriodSeconds": "60"}),
        ({"SqsManagedSseEnabled": "true"}, {"SqsManagedSseEnabled": "true", "KmsDataKeyReusePeriodSeconds": "60"}),
        (key | {"KmsDataKeyReusePeriodSeconds": "300"}, under_key),
        ({"KmsMasterKeyId": ""}, {"SqsManagedSseEnabled": "true"}),
        ({"SqsManagedSseEnabled": "false"}, {"SqsManagedSseEnabled": "false"}),
        ({"KmsMasterKeyId": ""}, {"SqsManagedSseEnabled": "false"}),
        ({"KmsMasterKeyId": "", "SqsManagedSseEnabled": "true"}, {"SqsManagedSseEnabled": "true"}),
        ({"KmsMasterKeyId": "mrk-1", "SqsManagedSseEnabled": "false"}, under_key | {"KmsMasterKeyId": "mrk-1"}),
        ({"KmsMasterKeyId": "", "SqsManagedSseEnabled": "false"}, {"SqsManagedSseEnabled": "false"}),
    ]

    async def scenario(_, ask):
        for written, expected in steps:
            await ask("SetQueueAttributes", QueueUrl=URL, Attributes=written)

            assert await encryption(ask) == expected

    in_a_queue(run, scenario)


def test_queue_that_is_made_again_with_another_encryption_is_refused(run):
    async def scenario(_, ask):
        await ask("CreateQueue", QueueName="jobs", Attributes={"SqsManagedSseEnabled": "true"})
        for written, name in (
            ({"SqsManagedSseEnabled": "false"}, "SqsManagedSseEnabled"),
            ({"KmsMasterKeyId": "alias/aws/sqs"}, "KmsMasterKeyId"),
            ({"KmsDataKeyReusePeriodSeconds": "60"}, "KmsDataKeyReusePeriodSeconds"),
        ):
            code, _, message = await refusal(ask("CreateQueue", QueueName="jobs", Attributes=written))

            assert code == "QueueNameExists"
            assert message.endswith(f"different value for attribute {name}")

    in_a_queue(run, scenario)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/jobs",
        f"https://queue.amazonaws.com/{ACCOUNT}/jobs",
        f"http://other.host:1/{ACCOUNT}/jobs/",
        f"http://localhost:4566/queue/us-east-1/{ACCOUNT}/jobs",
        f"/{ACCOUNT}/jobs",
        "jobs",
    ],
)
def test_queue_is_found_by_every_form_of_its_url(run, url):
    async def scenario(_, ask):
        assert await ask("GetQueueAttributes", QueueUrl=url, AttributeNames=["DelaySeconds"])

    in_a_queue(run, scenario)


@pytest.mark.parametrize("url", ["jo bs", f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs", "http://localhost/jobs", "a/b"])
def test_what_is_no_queue_url_is_an_invalid_address(run, url):
    async def scenario(_, ask):
        assert await refusal(ask("DeleteQueue", QueueUrl=url)) == (
            "InvalidAddress",
            "InvalidAddress",
            f"The address {url} is not valid for this endpoint.",
        )

    in_a_queue(run, scenario)


@pytest.mark.parametrize("url", ["http://queues", "https://sqs.us-east-1.amazonaws.com/"])
def test_url_that_names_no_queue_is_one_of_none(run, url):
    async def scenario(_, ask):
        assert (await refusal(ask("DeleteQueue", QueueUrl=url)))[0] == "QueueDoesNotExist"

    in_a_queue(run, scenario)


def test_path_that_is_no_queue_is_named_as_a_url(run):
    async def scenario(stand, _):
        ask = asker(stand, headers={})
        expected = "The address http://localhost:4566/ is not valid for this endpoint."
        assert await refusal(ask("DeleteQueue", QueueUrl="/")) == ("InvalidAddress", "InvalidAddress", expected)

    in_a_queue(run, scenario)


@pytest.mark.parametrize("operation", ["CreateQueue", "ListQueues"])
def test_what_is_no_queues_operation_is_none_at_a_queues_url(run, operation):
    async def scenario(stand, _):
        members = {"QueueName": "new"} if operation == "CreateQueue" else {}
        path = f"/{ACCOUNT}/jobs"

        refused = await refusal(asker(stand, headers={}, path=path)(operation, **members))
        assert await asker(stand, path=path)(operation, **members)  # JSON names the operation in a header

        message = f"The action {operation} is not valid for this endpoint."
        assert refused == ("UnknownOperationException", "InvalidAction", message)
        found = await asker(stand, headers={}, path=path)("GetQueueUrl", QueueName="jobs")
        assert found["QueueUrl"] == URL

    in_a_queue(run, scenario)


def test_queue_is_never_made_a_fifo_queue(run):
    async def scenario(_, ask):
        expected = ("InvalidAttributeName", "InvalidAttributeName", "Unknown Attribute FifoQueue.")
        for value in ("true", "false"):
            assert await refusal(ask("SetQueueAttributes", QueueUrl=URL, Attributes={"FifoQueue": value})) == expected

    in_a_queue(run, scenario)


def test_who_signed_nothing_hears_the_url_that_is_denied_to_him(run):
    async def scenario(stand, _):
        ask = asker(stand, principal=AnonymousPrincipal())
        assert await refusal(ask("DeleteQueue", QueueUrl=URL)) == (
            "AccessDeniedException",
            "AccessDenied",
            f"Access to the resource {URL} is denied.",
        )
        assert (await refusal(ask("ListQueues")))[2] == "Access to the resource http://localhost:4566/ is denied."

    in_a_queue(run, scenario)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"QueueUrl":5}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"QueueUrl":"u","MessageBody":"x","DelaySeconds":"1"}', "STRING_VALUE can not be converted to an Integer"),
        (b'{"QueueUrl":"u","MessageBody":["x"]}', "Start of list found where not expected."),
        (b'{"QueueUrl":"u","MessageBody":{"x":1}}', "Start of structure or map found where not expected."),
        (b'{"QueueUrl":"u","MessageBody":"x","MessageAttributes":"x"}', "STRING_VALUE can not be converted to a map"),
        (b'{"QueueUrl"', "The request cannot be read: a well-formed document: Input data was truncated."),
    ],
)
def test_wrong_json_types_are_named_as_awss_framework_names_them(body, words):
    with pytest.raises(MalformedInput) as malformed:
        aws_json.decode(aws_sqs.OPERATIONS["SendMessage"], body)

    found = malformed.value
    said = INPUT_ERRORS.malformed.error(parameter=found.member, value=found.value, allowed=found.allowed)

    assert (said.row.code, said.message) == ("SerializationException", words)


@pytest.mark.parametrize("name", ["nope", "nope.fifo", "a b", ""])
def test_unknown_queue_is_named_as_each_protocol_names_it(run, name):
    async def scenario(stand):
        url = URL.replace("jobs", name)
        for headers, words in (
            (JSON_HEADERS, "The specified queue does not exist."),
            ({}, "The specified queue does not exist for this wsdl version."),
        ):
            ask = asker(stand, headers=headers)
            expected = ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", words)
            assert await refusal(ask("SendMessage", QueueUrl=url, MessageBody="x")) == expected
            assert await refusal(ask("GetQueueUrl", QueueName=name)) == expected

    run(scenario)


def test_regions_are_kept_apart(run):
    async def scenario(stand, ask):
        elsewhere = asker(stand, region="eu-west-1")
        await elsewhere("CreateQueue", QueueName="other")

        assert await ask("ListQueues") == {"QueueUrls": [URL]}
        assert await elsewhere("GetQueueUrl", QueueName="other") == {"QueueUrl": URL.replace("jobs", "other")}
        assert (await refusal(elsewhere("GetQueueUrl", QueueName="jobs")))[0] == "QueueDoesNotExist"

    in_a_queue(run, scenario)


def test_queues_are_listed_by_prefix_and_in_pages(run):
    async def scenario(_, ask):
        for name in ("a", "b", "jobs2"):
            await ask("CreateQueue", QueueName=name)

        everything = await ask("ListQueues")
        jobs = await ask("ListQueues", QueueNamePrefix="jobs")
        first = await ask("ListQueues", MaxResults=3)
        second = await ask("ListQueues", MaxResults=3, NextToken=first["NextToken"])

        assert [url.rpartition("/")[2] for url in everything["QueueUrls"]] == ["a", "b", "jobs", "jobs2"]
        assert "NextToken" not in everything
        assert jobs["QueueUrls"] == [URL, URL + "2"]
        assert first["QueueUrls"] + second["QueueUrls"] == everything["QueueUrls"]
        assert "NextToken" not in second
        assert await ask("ListQueues", MaxResults=9, NextToken=first["NextToken"]) == second
        assert await ask("ListQueues", QueueNamePrefix="zzz") == {}
        for members in ({"MaxResults": 0}, {"MaxResults": 1001}, {"NextToken": "x", "MaxResults": 2}):
            assert (await refusal(ask("ListQueues", **members)))[1] == "InvalidParameterValue"
        for ask_on in (
            ask("ListQueues", NextToken=first["NextToken"]),
            ask("ListDeadLetterSourceQueues", QueueUrl=URL, NextToken="x"),
        ):
            assert await refusal(ask_on) == invalid(
                "MaxResults is a mandatory parameter when you provide a value for NextToken."
            )

    in_a_queue(run, scenario)


def test_dead_letter_sources_are_listed_in_pages(run):
    async def scenario(_, ask):
        redrive = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs", "maxReceiveCount": 2})
        for name in ("a", "b", "z"):
            await ask("CreateQueue", QueueName=name, Attributes={"RedrivePolicy": redrive})

        first = await ask("ListDeadLetterSourceQueues", QueueUrl=URL, MaxResults=2)
        second = await ask("ListDeadLetterSourceQueues", QueueUrl=URL, MaxResults=2, NextToken=first["NextToken"])

        listed = [url.rpartition("/")[2] for url in first["queueUrls"] + second["queueUrls"]]
        assert listed == ["a", "b", "z"]
        assert "NextToken" not in second

    in_a_queue(run, scenario)


def test_tags_are_kept_replaced_and_removed(run):
    async def scenario(_, ask):
        assert await ask("ListQueueTags", QueueUrl=URL) == {}
        await ask("CreateQueue", QueueName="tagged", tags={"a": "1"})
        tagged = URL.replace("jobs", "tagged")
        await ask("TagQueue", QueueUrl=tagged, Tags={"b": "2", "a": ""})
        assert await ask("ListQueueTags", QueueUrl=tagged) == {"Tags": {"a": "", "b": "2"}}
        await ask("UntagQueue", QueueUrl=tagged, TagKeys=["a", "never"])
        assert await ask("ListQueueTags", QueueUrl=tagged) == {"Tags": {"b": "2"}}

        assert await refusal(ask("TagQueue", QueueUrl=tagged, Tags={})) == (
            "MissingRequiredParameterException",
            "MissingParameter",
            "The request must contain the parameter Tags.",
        )
        for tags in ({"": "x"}, {"k" * 129: ""}, {"k": "v" * 257}, {"aws:x": ""}, {f"k{i}": "" for i in range(50)}):
            assert (await refusal(ask("TagQueue", QueueUrl=tagged, Tags=tags)))[1] == "InvalidParameterValue"
        assert await refusal(ask("TagQueue", QueueUrl=tagged, Tags={f"k{i}": "" for i in range(50)})) == invalid(
            "Too many tags added for queue tagged."
        )
        assert await refusal(ask("UntagQueue", QueueUrl=tagged, TagKeys=[])) == invalid(
            "Tag keys must be between 1 and 128 characters in length."
        )
        assert await ask("ListQueueTags", QueueUrl=tagged) == {"Tags": {"b": "2"}}

        await ask("DeleteQueue", QueueUrl=tagged)
        await ask("CreateQueue", QueueName="tagged")
        assert await ask("ListQueueTags", QueueUrl=tagged) == {}

    in_a_queue(run, scenario)


def test_policy_has_at_most_twenty_statements(run):
    def policy(count):
        statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": ARN}
        statements = [statement | {"Sid": f"s{number}"} for number in range(count)]
        return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": statements})}

    def over(count):
        return "OverLimit", "OverLimit", f"{count} statements were found in the submitted policy, max allowed is 20"

    async def scenario(_, ask):
        await ask("SetQueueAttributes", QueueUrl=URL, Attributes=policy(20))

        assert await refusal(ask("SetQueueAttributes", QueueUrl=URL, Attributes=policy(22))) == over(22)
        assert await refusal(ask("CreateQueue", QueueName="more", Attributes=policy(21))) == over(21)
        more = {"QueueUrl": URL, "AWSAccountIds": [ACCOUNT], "Actions": ["SendMessage"]}
        assert await refusal(ask("AddPermission", Label="more", **more)) == (
            "OverLimit",
            "OverLimit",
            "21 Statements were found, maximum allowed is 20.",
        )
        await ask("RemovePermission", QueueUrl=URL, Label="s0")
        await ask("AddPermission", Label="more", **more)
        assert await refusal(ask("AddPermission", Label="a b", **more)) == invalid(
            "Value a b for parameter Label is invalid. Reason: Label can only include alphanumeric characters, hyphens,"
            " or underscores. 1 to 80 in length."
        )

    in_a_queue(run, scenario)


def test_permissions_are_added_and_removed_by_label(run):
    async def scenario(_, ask):
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"
        label = {"QueueUrl": URL, "Label": "theirs"}
        await ask("AddPermission", **label, AWSAccountIds=[ACCOUNT], Actions=["ReceiveMessage"])

        shown = await ask("GetQueueAttributes", QueueUrl=URL, AttributeNames=["Policy"])

        assert json.loads(shown["Attributes"]["Policy"]) == {
            "Version": "2008-10-17",
            "Id": f"{arn}/SQSDefaultPolicy",
            "Statement": [
                {
                    "Sid": "theirs",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                    "Action": "SQS:ReceiveMessage",
                    "Resource": arn,
                }
            ],
        }
        again = ask("AddPermission", **label, AWSAccountIds=[ACCOUNT], Actions=["SendMessage"])
        assert await refusal(again) == invalid("Value theirs for parameter Label is invalid. Reason: Already exists.")
        bad = ask("AddPermission", QueueUrl=URL, Label="x", AWSAccountIds=[ACCOUNT], Actions=["DeleteQueue"])
        assert (await refusal(bad))[2].startswith("Value SQS:DeleteQueue for parameter ActionName is invalid.")
        await ask("RemovePermission", **label)
        assert await ask("GetQueueAttributes", QueueUrl=URL, AttributeNames=["Policy"]) == {}
        assert await refusal(ask("RemovePermission", **label)) == invalid(
            "Value theirs for parameter Label is invalid. Reason: can't find label."
        )

    in_a_queue(run, scenario)


def test_permission_is_refused_in_the_words_of_aws(run):
    async def scenario(_, ask):
        async def refused(**members):
            members = {"AWSAccountIds": [ACCOUNT], "Actions": ["SendMessage"]} | members
            return await refusal(ask("AddPermission", QueueUrl=URL, Label="theirs", **members))

        assert await refused(Actions=["Fly"]) == invalid(
            "Value SQS:Fly for parameter ActionName is invalid. Reason: Please refer to the appropriate WSDL for a list"
            " of valid actions."
        )
        assert await refused(Actions=["RemovePermission"]) == invalid(
            "Value SQS:RemovePermission for parameter ActionName is invalid. Reason: Only the queue owner is allowed to"
            " invoke this action."
        )
        assert await refused(Actions=sorted(permissions.ACTIONS - {"*"})) == (
            "OverLimit",
            "OverLimit",
            "8 Actions were found, maximum allowed is 7.",
        )
        assert (await refused(Actions=[]))[2] == "The request must contain the parameter Actions."
        for accounts in ([], ["x"]):
            shown = accounts[0] if accounts else "[]"
            assert await refused(AWSAccountIds=accounts) == invalid(
                f"Value {shown} for parameter PrincipalId is invalid. Reason: Unable to verify."
            )

    in_a_queue(run, scenario)


def test_second_purge_within_a_minute_is_refused(run):
    async def scenario(stand, ask):
        await ask("SendMessage", QueueUrl=URL, MessageBody="x")
        await ask("PurgeQueue", QueueUrl=URL)
        assert await stand.counts() == (0, 0, 0)

        assert await refusal(ask("PurgeQueue", QueueUrl=URL)) == (
            "PurgeQueueInProgress",
            "AWS.SimpleQueueService.PurgeQueueInProgress",
            "Only one PurgeQueue operation on jobs is allowed every 60 seconds.",
        )
        await stand.advance(60)
        await ask("PurgeQueue", QueueUrl=URL)

    in_a_queue(run, scenario)


def test_powerless_caller_is_refused_every_operation(run):
    """And hears nothing about the queue; AWS's two names of a denial."""
    members: dict[str, dict[str, Any]] = {
        "CreateQueue": {"QueueName": "other"},
        "GetQueueUrl": {"QueueName": "jobs", "QueueOwnerAWSAccountId": ACCOUNT},
        "ListQueues": {},
        "SetQueueAttributes": {"QueueUrl": URL, "Attributes": {"DelaySeconds": "1"}},
        "TagQueue": {"QueueUrl": URL, "Tags": {"a": "b"}},
        "UntagQueue": {"QueueUrl": URL, "TagKeys": ["a"]},
        "AddPermission": {"QueueUrl": URL, "Label": "l", "AWSAccountIds": [ACCOUNT], "Actions": ["*"]},
        "RemovePermission": {"QueueUrl": URL, "Label": "l"},
        "SendMessage": {"QueueUrl": URL, "MessageBody": "x"},
        "SendMessageBatch": {"QueueUrl": URL, "Entries": [{"Id": "a", "MessageBody": "x"}]},
        "DeleteMessage": {"QueueUrl": URL, "ReceiptHandle": "x"},
        "DeleteMessageBatch": {"QueueUrl": URL, "Entries": [{"Id": "a", "ReceiptHandle": "x"}]},
        "ChangeMessageVisibility": {"QueueUrl": URL, "ReceiptHandle": "x", "VisibilityTimeout": 1},
        "ChangeMessageVisibilityBatch": {
            "QueueUrl": URL,
            "Entries": [{"Id": "a", "ReceiptHandle": "x", "VisibilityTimeout": 1}],
        },
        "StartMessageMoveTask": {"SourceArn": ARN},
        "ListMessageMoveTasks": {"SourceArn": ARN},
        "CancelMessageMoveTask": {
            "TaskHandle": base64.b64encode(json.dumps({"taskId": "x", "sourceArn": ARN}).encode()).decode()
        },
    }

    async def scenario(stand, _):
        nobody = asker(stand, principal=Principal(kind=PrincipalKind.ANONYMOUS))
        for operation in HANDLERS:
            code, query_code, message = await refusal(nobody(operation, **members.get(operation, {"QueueUrl": URL})))
            assert (code, query_code) == ("AccessDeniedException", "AccessDenied"), operation
            assert message.endswith("is denied."), operation

    in_a_queue(run, scenario)


# Messages


def test_message_travels_with_its_digests_and_attributes(run):
    async def scenario(stand, ask):
        attributes = {
            "text": {"DataType": "String.label", "StringValue": "grün"},
            "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
            "number": {"DataType": "Number", "StringValue": "1e3"},
        }
        trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
        sent = await ask(
            "SendMessage",
            QueueUrl=URL,
            MessageBody="hällo\n",
            MessageAttributes=attributes,
            MessageSystemAttributes=trace,
        )
        received = await ask("ReceiveMessage", QueueUrl=URL, AttributeNames=["All"], MessageAttributeNames=["All"])

        assert set(sent) == {
            "MessageId",
            "MD5OfMessageBody",
            "MD5OfMessageAttributes",
            "MD5OfMessageSystemAttributes",
        }
        assert sent["MD5OfMessageBody"] == hashlib.md5("hällo\n".encode()).hexdigest()
        [message] = received["Messages"]
        handle = message.pop("ReceiptHandle")
        assert message == {
            "MessageId": sent["MessageId"],
            "MD5OfBody": sent["MD5OfMessageBody"],
            "Body": "hällo\n",
            "Attributes": {
                "SenderId": ACCOUNT,
                "SentTimestamp": str(stand.clock.wall_ms()),
                "ApproximateReceiveCount": "1",
                "ApproximateFirstReceiveTimestamp": str(stand.clock.deadline_ms()),
                "AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793",
            },
            "MD5OfMessageAttributes": sent["MD5OfMessageAttributes"],
            "MessageAttributes": attributes,
        }
        await ask("DeleteMessage", QueueUrl=URL, ReceiptHandle=handle)
        assert await stand.counts() == (0, 0, 0)
        assert await ask("ReceiveMessage", QueueUrl=URL) == {}

    in_a_queue(run, scenario)


def test_trace_header_of_the_http_request_and_of_a_redriven_message_is_kept(run):
    async def scenario(stand, ask):
        await ask("CreateQueue", QueueName="dead")
        redrive = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead", "maxReceiveCount": 1})
        await ask("SetQueueAttributes", QueueUrl=URL, Attributes={"RedrivePolicy": redrive})
        traced = asker(stand, trace_header="Root=1-2-3")
        sent = await traced("SendMessage", QueueUrl=URL, MessageBody="x")
        assert "MD5OfMessageSystemAttributes" not in sent
        assert await ask("ReceiveMessage", QueueUrl=URL, VisibilityTimeout=0)
        await stand.advance(1)
        assert await ask("ReceiveMessage", QueueUrl=URL) == {}

        received = await ask(
            "ReceiveMessage",
            QueueUrl=URL.replace("jobs", "dead"),
            MessageSystemAttributeNames=["AWSTraceHeader", "DeadLetterQueueSourceArn"],
        )

        assert received["Messages"][0]["Attributes"] == {
            "AWSTraceHeader": "Root=1-2-3",
            "DeadLetterQueueSourceArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs",
        }

    in_a_queue(run, scenario)


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([], []),
        (["All"], ["General", "Hello", "Help.Me"]),
        (["*"], ["General", "Hello", "Help.Me"]),
        ([".*"], ["General", "Hello", "Help.Me"]),
        (["Foo", "Help"], []),
        (["Hello", "General"], ["General", "Hello"]),
        (["Hel.*"], ["Hello", "Help.Me"]),
        (["AWS.", "..foo"], []),
    ],
)
def test_receiver_chooses_message_attributes_and_gets_the_md5_of_these(run, names, shown):
    """As AWS answers; the first digest is AWS's own."""
    values = {"Help.Me": "Me", "Hello": "There", "General": "Kenobi"}

    async def scenario(_, ask):
        written = {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}
        await ask("SendMessage", QueueUrl=URL, MessageBody="msg", MessageAttributes=written)

        [message] = (await ask("ReceiveMessage", QueueUrl=URL, MessageAttributeNames=names))["Messages"]

        assert sorted(message.get("MessageAttributes", {})) == shown
        digests = {3: "4c360f3fdafd970e05fae2f149d997f5", 0: None}
        if names == ["Hel.*"]:
            digests[2] = "83fee93c1bcd8b9a5a923ffacdc636c7"
        elif len(shown) == 2:
            digests[2] = "fca026605781cb4126a1e9044df24232"
        assert message.get("MD5OfMessageAttributes") == digests[len(shown)]

    in_a_queue(run, scenario)


def test_receiver_chooses_system_attributes_by_either_name(run):
    async def scenario(_, ask):
        await ask("SendMessage", QueueUrl=URL, MessageBody="x")
        asked = {"QueueUrl": URL, "VisibilityTimeout": 0}

        none = await ask("ReceiveMessage", **asked)
        old = await ask("ReceiveMessage", **asked, AttributeNames=["SenderId"])
        both = await ask(
            "ReceiveMessage", **asked, AttributeNames=["SenderId"], MessageSystemAttributeNames=["SequenceNumber"]
        )

        assert "Attributes" not in none["Messages"][0]
        assert old["Messages"][0]["Attributes"] == {"SenderId": ACCOUNT}
        assert both["Messages"][0]["Attributes"] == {"SenderId": ACCOUNT}
        assert (await refusal(ask("ReceiveMessage", **asked, AttributeNames=["Nope"])))[0] == "InvalidAttributeName"

    in_a_queue(run, scenario)


def test_bytes_that_are_no_text_are_shown_as_text_with_the_digest_of_what_is_shown(run):
    async def scenario(stand, ask):
        await stand.send(b"a\xff\x00b")

        [message] = (await ask("ReceiveMessage", QueueUrl=URL))["Messages"]

        assert message["Body"] == "a\ufffd\ufffdb"
        assert message["MD5OfBody"] == hashlib.md5(message["Body"].encode()).hexdigest()

    in_a_queue(run, scenario)


def _string(value="v", data_type="String"):
    return {"DataType": data_type, "StringValue": value}


SENDS = [
    (
        {"MessageBody": ""},
        (
            "MissingRequiredParameterException",
            "MissingParameter",
            "The request must contain the parameter MessageBody.",
        ),
    ),
    *(
        (
            {"MessageBody": f"a{character}b"},
            (
                "InvalidMessageContents",
                "InvalidMessageContents",
                (
                    f"Invalid binary character '#x{ord(character):x}' was found in the message body, the set of allowed"
                    " characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
                ),
            ),
        )
        for character in "\x00\x08\x0b\x1f\ufffe\uffff"
    ),
    (
        {"DelaySeconds": 901},
        invalid("Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."),
    ),
    (
        {"DelaySeconds": -1},
        invalid("Value -1 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."),
    ),
    (
        {"MessageBody": "x" * 1025},
        invalid("One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."),
    ),
    (
        {"MessageBody": "x" * 1_048_577},
        invalid("One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."),
    ),
    (
        {"MessageDeduplicationId": "d"},
        invalid(
            "Value d for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter that is"
            " not valid for this queue type."
        ),
    ),
    (
        {"MessageAttributes": {"n": _string("")}},
        invalid("Message (user) attribute 'n' must contain a non-empty value of type 'String'."),
    ),
    (
        {"MessageAttributes": {"n": {"DataType": "Binary", "BinaryValue": b""}}},
        invalid("Message (user) attribute 'n' must contain a non-empty value of type 'Binary'."),
    ),
    (
        {"MessageAttributes": {"n": _string(data_type="Binary.x")}},
        invalid("Message (user) attribute 'n' with type 'Binary.x' must use field 'Binary'."),
    ),
    (
        {"MessageAttributes": {"n": {"DataType": "Number", "BinaryValue": b"1"}}},
        invalid("Message (user) attribute 'n' with type 'Number' must use field 'String'."),
    ),
    (
        {"MessageAttributes": {"n": _string() | {"BinaryValue": b"1"}}},
        invalid("Message (user) attribute 'n' must have a single value."),
    ),
    (
        {"MessageAttributes": {"n": _string("ten", "Number.x")}},
        invalid("Can't cast the value of message (user) attribute 'n' to a number."),
    ),
    (
        {"MessageAttributes": {"n": _string(data_type="Text")}},
        invalid(
            "The type of message (user) attribute 'n' is invalid. You must use only the following supported type"
            " prefixes: Binary, Number, String."
        ),
    ),
    (
        {"MessageAttributes": {"a b": _string()}},
        invalid(
            "The message (user) attribute name 'a b' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore"
            " (_), hyphen (-), and period (.) characters."
        ),
    ),
    (
        {"MessageAttributes": {"n": _string("a\x08")}},
        invalid(
            "Invalid binary character '#x8' was found in the message (user) attribute 'n', the set of allowed"
            " characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
        ),
    ),
    (
        {"MessageAttributes": {f"n{number}": _string() for number in range(11)}},
        invalid("Number of message attributes [11] exceeds the allowed maximum [10]."),
    ),
    *(
        (
            {"MessageAttributes": {name: _string()}},
            invalid(
                "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved"
                " for internal use. Additionally, they cannot start or end with '.'."
            ),
        )
        for name in ("AWS.x", "amazon.x", ".x", "x.")
    ),
]


def test_names_of_attributes_may_be_of_every_script(run):
    async def scenario(_, ask):
        sent = await ask("SendMessage", QueueUrl=URL, MessageBody="x", MessageAttributes={"attr.1øßä": _string()})
        received = await ask("ReceiveMessage", QueueUrl=URL, MessageAttributeNames=["attr.1ø.*", "attr.1øßä"])

        [message] = received["Messages"]
        assert list(message["MessageAttributes"]) == ["attr.1øßä"]
        assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]

    in_a_queue(run, scenario)


def test_a_plain_name_is_a_queue_of_the_callers_own(run):
    async def scenario(stand, _):
        stranger = Principal(kind=PrincipalKind.ROOT, account="111111111111", id="111111111111")
        nobody = asker(stand, principal=AnonymousPrincipal())

        assert (await refusal(nobody("DeleteQueue", QueueUrl="jobs")))[0] == "InvalidAddress"
        assert (await refusal(asker(stand, principal=stranger)("DeleteQueue", QueueUrl="jobs")))[0] == (
            "QueueDoesNotExist"
        )
        assert await asker(stand)("GetQueueAttributes", QueueUrl="jobs", AttributeNames=["QueueArn"])

    in_a_queue(run, scenario)


@pytest.mark.parametrize(("members", "expected"), SENDS)
def test_message_is_refused_in_the_words_of_aws(run, members, expected):
    async def scenario(stand, ask):
        assert await refusal(ask("SendMessage", QueueUrl=URL, **{"MessageBody": "x", **members})) == expected
        entries = [{"Id": "a", "MessageBody": "x", **members}, {"Id": "b", "MessageBody": "fine"}]
        if len(members.get("MessageBody", "")) <= 1_048_576:
            batch = await ask("SendMessageBatch", QueueUrl=URL, Entries=entries)
            _, query_code, message = expected
            message = message.replace("are invalid. Reason: Message must", "cannot be validated. Reason: Message must")
            assert batch["Failed"] == [{"Id": "a", "SenderFault": True, "Code": query_code, "Message": message}]
            assert [it["Id"] for it in batch["Successful"]] == ["b"]
        assert (await stand.counts())[0] <= 1

    in_a_queue(run, scenario, MaximumMessageSize="1024")


def test_surrogate_is_an_invalid_character(run):
    async def scenario(stand, ask):
        # No codec lets one through; the room's door must not rely on it.
        request = aws_sqs.SendMessageRequest(QueueUrl=URL, MessageBody="\ud800")
        http = Request("POST", "/", JSON_HEADERS, (), "", False, WholeBody(b""))
        call = AwsCall(stand.ctx, "SendMessage", request, None, http, "http://localhost")

        assert (await refusal(edge(stand.service).handlers["SendMessage"](call)))[0] == "InvalidMessageContents"

    in_a_queue(run, scenario)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"MaxNumberOfMessages": 0},
            "Value 0 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
        (
            {"MaxNumberOfMessages": 11},
            "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
        (
            {"WaitTimeSeconds": 21},
            "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
        ),
        (
            {"WaitTimeSeconds": -1},
            "Value -1 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
        ),
        (
            {"VisibilityTimeout": 43201},
            "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided.",
        ),
    ],
)
def test_receive_is_refused_in_the_words_of_aws(run, members, message):
    async def scenario(_, ask):
        assert await refusal(ask("ReceiveMessage", QueueUrl=URL, **members)) == invalid(message)

    in_a_queue(run, scenario)


BATCHES: dict[str, dict[str, Any]] = {
    "SendMessageBatch": {"MessageBody": "x"},
    "DeleteMessageBatch": {"ReceiptHandle": "x"},
    "ChangeMessageVisibilityBatch": {"ReceiptHandle": "x", "VisibilityTimeout": 1},
}


@pytest.mark.parametrize("operation", BATCHES)
@pytest.mark.parametrize(
    ("ids", "code", "message"),
    [
        ([], "EmptyBatchRequest", "There should be at least one {operation}RequestEntry in the request."),
        (
            [str(number) for number in range(11)],
            "TooManyEntriesInBatchRequest",
            "Maximum number of entries per request are 10. You have sent 11.",
        ),
        *(
            (
                [name],
                "InvalidBatchEntryId",
                (
                    "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at"
                    " most 80 letters long."
                ),
            )
            for name in ("", "a" * 81, "a:b", "a\n")
        ),
        (["a", "b", "a"], "BatchEntryIdsNotDistinct", "Id a repeated."),
    ],
)
def test_batch_is_refused_whole(run, operation, ids, code, message):
    async def scenario(stand, ask):
        entries = [{"Id": name, **BATCHES[operation]} for name in ids]

        refused = await refusal(ask(operation, QueueUrl=URL, Entries=entries))

        assert refused == (code, f"AWS.SimpleQueueService.{code}", message.format(operation=operation))
        assert await stand.counts() == (0, 0, 0)

    in_a_queue(run, scenario)


def test_batch_of_more_than_a_mebibyte_is_refused_whole(run):
    async def scenario(stand, ask):
        entries = [{"Id": "a", "MessageBody": "x" * 1_048_576}, {"Id": "b", "MessageBody": "x"}]

        assert await refusal(ask("SendMessageBatch", QueueUrl=URL, Entries=entries)) == (
            "BatchRequestTooLong",
            "AWS.SimpleQueueService.BatchRequestTooLong",
            "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
        )
        assert await stand.counts() == (0, 0, 0)

    in_a_queue(run, scenario)


def test_batches_answer_each_entry(run):
    async def scenario(stand, ask):
        sent = await ask("SendMessageBatch", QueueUrl=URL, Entries=[{"Id": name, "MessageBody": name} for name in "ab"])
        assert "Failed" not in sent
        received = (await ask("ReceiveMessage", QueueUrl=URL, MaxNumberOfMessages=10))["Messages"]
        assert [it["Body"] for it in received] == ["a", "b"]
        one, two = (it["ReceiptHandle"] for it in received)

        changed = await ask(
            "ChangeMessageVisibilityBatch",
            QueueUrl=URL,
            Entries=[
                {"Id": "good", "ReceiptHandle": one, "VisibilityTimeout": 0},
                {"Id": "long", "ReceiptHandle": two, "VisibilityTimeout": 43201},
                {"Id": "bad", "ReceiptHandle": "fake", "VisibilityTimeout": 1},
                {"Id": "none", "ReceiptHandle": two},
            ],
        )
        deleted = await ask(
            "DeleteMessageBatch",
            QueueUrl=URL,
            Entries=[{"Id": "two", "ReceiptHandle": two}, {"Id": "bad", "ReceiptHandle": "fake"}],
        )

        fake = {
            "Id": "bad",
            "SenderFault": True,
            "Code": "ReceiptHandleIsInvalid",
            "Message": 'The input receipt handle "fake" is not a valid receipt handle.',
        }
        assert changed["Successful"] == [{"Id": "good"}]
        assert [(it["Id"], it["Code"]) for it in changed["Failed"]] == [
            ("long", "InvalidParameterValue"),
            ("bad", "ReceiptHandleIsInvalid"),
            ("none", "MissingParameter"),
        ]
        assert deleted == {"Successful": [{"Id": "two"}], "Failed": [fake]}
        assert await stand.counts() == (1, 0, 0)

    in_a_queue(run, scenario)


def test_receipts_that_prove_nothing_are_refused_in_the_words_of_aws(run):
    async def scenario(stand, ask):
        await ask("CreateQueue", QueueName="other")
        await ask("SendMessage", QueueUrl=URL, MessageBody="x")
        [message] = (await ask("ReceiveMessage", QueueUrl=URL, VisibilityTimeout=5))["Messages"]
        handle = message["ReceiptHandle"]
        change = {"QueueUrl": URL, "ReceiptHandle": handle}

        assert await refusal(ask("DeleteMessage", QueueUrl=URL, ReceiptHandle="fake")) == (
            "ReceiptHandleIsInvalid",
            "ReceiptHandleIsInvalid",
            'The input receipt handle "fake" is not a valid receipt handle.',
        )
        foreign = await refusal(ask("DeleteMessage", QueueUrl=URL.replace("jobs", "other"), ReceiptHandle=handle))
        assert foreign[::2] == (
            "ReceiptHandleIsInvalid",
            f'The receipt handle "{handle}" is not valid for this queue.',
        )
        await stand.advance(4)
        assert await refusal(ask("ChangeMessageVisibility", **change, VisibilityTimeout=43_200)) == invalid(
            "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is"
            " beyond the limit [43200 seconds]."
        )
        await ask("DeleteMessage", QueueUrl=URL, ReceiptHandle=handle)
        assert await refusal(ask("ChangeMessageVisibility", **change, VisibilityTimeout=1)) == invalid(
            f"Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available"
            " for visibility timeout change."
        )

    in_a_queue(run, scenario)


def test_delete_with_an_outdated_receipt_succeeds_and_deletes_nothing(run):
    async def scenario(stand, ask):
        await ask("SendMessage", QueueUrl=URL, MessageBody="x")
        receive = {"QueueUrl": URL, "VisibilityTimeout": 0}
        [outdated], [latest] = [(await ask("ReceiveMessage", **receive))["Messages"] for _ in range(2)]
        entry = {"Id": "a", "ReceiptHandle": outdated["ReceiptHandle"]}

        alone = await ask("DeleteMessage", QueueUrl=URL, ReceiptHandle=outdated["ReceiptHandle"])
        batch = await ask("DeleteMessageBatch", QueueUrl=URL, Entries=[entry])

        assert (alone, batch) == ({}, {"Successful": [{"Id": "a"}]})
        assert sum(await stand.counts()) == 1
        moved = ask("ChangeMessageVisibility", QueueUrl=URL, ReceiptHandle=entry["ReceiptHandle"], VisibilityTimeout=9)
        assert (await refusal(moved))[0] == "ReceiptHandleIsInvalid"
        await ask("DeleteMessage", QueueUrl=URL, ReceiptHandle=latest["ReceiptHandle"])
        assert await stand.counts() == (0, 0, 0)

    in_a_queue(run, scenario)


def test_visibility_timeout_that_has_ended_is_set_anew(run):
    async def scenario(stand, ask):
        await ask("SendMessage", QueueUrl=URL, MessageBody="x")
        [message] = (await ask("ReceiveMessage", QueueUrl=URL, VisibilityTimeout=1))["Messages"]
        await stand.advance(2)

        handle = message["ReceiptHandle"]
        assert await ask("ChangeMessageVisibility", QueueUrl=URL, ReceiptHandle=handle, VisibilityTimeout=2) == {}

        assert await ask("ReceiveMessage", QueueUrl=URL) == {}

    in_a_queue(run, scenario)


def test_client_that_leaves_a_long_poll_takes_no_message_with_it(run, settle):
    async def scenario(stand, ask):
        polls = [asyncio.ensure_future(ask("ReceiveMessage", QueueUrl=URL, WaitTimeSeconds=20)) for _ in range(3)]
        await settle()
        polls[0].cancel()
        await ask("SendMessage", QueueUrl=URL, MessageBody="x")
        polls[1].cancel()
        await asyncio.wait(polls[:2])

        received = await asyncio.wait_for(polls[2], 5)

        assert [it["Body"] for it in received["Messages"]] == ["x"]
        assert await stand.counts() == (0, 1, 0)

    in_a_queue(run, scenario)


# FIFO queues

FIFO_URL = URL + ".fifo"


def in_a_fifo_queue(run, scenario, **attributes):
    """Run `scenario(stand, ask)` with the queue `jobs.fifo`."""

    async def go(stand):
        ask = asker(stand)
        await ask("CreateQueue", QueueName="jobs.fifo", Attributes={"FifoQueue": "true", **attributes})
        await scenario(stand, ask)

    run(go)


def test_new_fifo_queue_shows_what_makes_it_one(run):
    async def scenario(stand, ask):
        shown = (await ask("GetQueueAttributes", QueueUrl=FIFO_URL, AttributeNames=["All"]))["Attributes"]

        assert {name: shown[name] for name in shown if "Fifo" in name or "Dedup" in name} == {
            "FifoQueue": "true",
            "ContentBasedDeduplication": "false",
            "DeduplicationScope": "queue",
            "FifoThroughputLimit": "perQueue",
        }
        assert shown["QueueArn"] == ARN + ".fifo"

    in_a_fifo_queue(run, scenario)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"FifoQueue": "false"}, " FifoQueue. Reason: Modifying queue type is not supported."),
        ({"FifoQueue": "maybe"}, " FifoQueue."),
        ({"ContentBasedDeduplication": "yes"}, " ContentBasedDeduplication."),
        ({"DeduplicationScope": "group"}, " DeduplicationScope."),
        ({"FifoThroughputLimit": "none"}, " FifoThroughputLimit."),
        (
            {"FifoThroughputLimit": "perMessageGroupId"},
            (
                " FifoThroughputLimit. Reason: The perMessageGroupId value is allowed only when the value for"
                " DeduplicationScope is messageGroup."
            ),
        ),
    ],
)
def test_attribute_of_a_fifo_queue_is_refused_in_the_words_of_aws(run, attributes, reason):
    async def scenario(stand, ask):
        refused = await refusal(ask("SetQueueAttributes", QueueUrl=FIFO_URL, Attributes=attributes))

        assert refused == ("InvalidAttributeValue",) * 2 + (f"Invalid value for the parameter{reason}",)

    in_a_fifo_queue(run, scenario)


def test_fifo_attributes_are_written_as_booleans_and_words(run):
    async def scenario(stand, ask):
        written = {
            "FifoQueue": "true",
            "ContentBasedDeduplication": "True",
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
        }
        await ask("SetQueueAttributes", QueueUrl=FIFO_URL, Attributes=written)

        shown = await ask("GetQueueAttributes", QueueUrl=FIFO_URL, AttributeNames=list(written))

        assert shown["Attributes"] == written | {"ContentBasedDeduplication": "true"}

    in_a_fifo_queue(run, scenario)


ID_RULE = "can only include alphanumeric and punctuation characters. 1 to 128 in length."


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (
            {"MessageDeduplicationId": "d"},
            (
                "MissingRequiredParameterException",
                "MissingParameter",
                "The request must contain the parameter MessageGroupId.",
            ),
        ),
        (
            {"MessageGroupId": "g"},
            invalid(
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided"
                " explicitly"
            ),
        ),
        (
            {"MessageGroupId": "g", "MessageDeduplicationId": "d", "DelaySeconds": 2},
            invalid(
                "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid"
                " for this queue type."
            ),
        ),
        (
            {"MessageGroupId": "a b"},
            invalid(f"Value a b for parameter MessageGroupId is invalid. Reason: MessageGroupId {ID_RULE}"),
        ),
        (
            {"MessageGroupId": "g", "MessageDeduplicationId": ""},
            invalid(
                f"Value  for parameter MessageDeduplicationId is invalid. Reason: MessageDeduplicationId {ID_RULE}"
            ),
        ),
    ],
)
def test_message_for_a_fifo_queue_is_refused_in_the_words_of_aws(run, members, expected):
    async def scenario(stand, ask):
        assert await refusal(ask("SendMessage", QueueUrl=FIFO_URL, MessageBody="x", **members)) == expected

    in_a_fifo_queue(run, scenario)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"MessageDeduplicationId": "d"}, "The request must contain the parameter MessageGroupId."),
        ({"MessageGroupId": "g"}, "The queue should either have ContentBasedDeduplication enabled or"),
    ],
)
def test_batch_with_a_message_that_lacks_an_id_is_refused_whole(run, members, message):
    async def scenario(stand, ask):
        good = {"Id": "1", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "1"}
        entries = [good, {"Id": "2", "MessageBody": "y", **members}]

        json_code, query_code, text = await refusal(ask("SendMessageBatch", QueueUrl=FIFO_URL, Entries=entries))

        assert (json_code, query_code) == ("InvalidParameterValueException", "InvalidParameterValue")
        assert text.startswith(message)
        assert await stand.counts("jobs.fifo") == (0, 0, 0)

    in_a_fifo_queue(run, scenario)


def test_entry_with_a_delay_fails_alone(run):
    async def scenario(stand, ask):
        good = {"Id": "1", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "1", "DelaySeconds": 0}
        delayed = {**good, "Id": "2", "MessageDeduplicationId": "2", "DelaySeconds": 1}

        answer = await ask("SendMessageBatch", QueueUrl=FIFO_URL, Entries=[delayed, good])

        assert [it["Id"] for it in answer["Successful"]] == ["1"]
        assert answer["Successful"][0]["SequenceNumber"]
        assert answer["Failed"] == [
            {
                "Id": "2",
                "SenderFault": True,
                "Code": "InvalidParameterValue",
                "Message": "Value 1 for parameter DelaySeconds is invalid. Reason: The request include parameter that"
                " is not valid for this queue type.",
            }
        ]

    in_a_fifo_queue(run, scenario)


def test_attempt_id_is_for_fifo_queues(run):
    async def scenario(stand, ask):
        assert await refusal(ask("ReceiveMessage", QueueUrl=URL, ReceiveRequestAttemptId="a")) == invalid(
            "Value a for parameter ReceiveRequestAttemptId is invalid. Reason: The request include parameter that is"
            " not valid for this queue type."
        )
        assert await refusal(ask("ReceiveMessage", QueueUrl=URL, ReceiveRequestAttemptId="a b")) == invalid(
            f"Value a b for parameter ReceiveRequestAttemptId is invalid. Reason: ReceiveRequestAttemptId {ID_RULE}"
        )

    in_a_queue(run, scenario)


def test_dead_letter_queue_of_the_other_kind_is_refused_in_the_words_of_aws(run):
    async def scenario(stand, ask):
        await ask("CreateQueue", QueueName="jobs")
        policy = json.dumps({"deadLetterTargetArn": ARN, "maxReceiveCount": 1})

        assert await refusal(
            ask("SetQueueAttributes", QueueUrl=FIFO_URL, Attributes={"RedrivePolicy": policy})
        ) == invalid(
            f"Value {policy} for parameter RedrivePolicy is invalid. Reason: Dead-letter queue must be same type of"
            " queue as the source."
        )

    in_a_fifo_queue(run, scenario)


def test_group_on_a_standard_queue_is_shown_at_receive(run):
    async def scenario(stand, ask):
        sent = await ask("SendMessage", QueueUrl=URL, MessageBody="x", MessageGroupId="tenant-1")
        entries = [
            {"Id": "1", "MessageBody": "y", "MessageGroupId": "tenant-2", "DelaySeconds": 0},
            {"Id": "2", "MessageBody": "z"},
            {"Id": "3", "MessageBody": "z", "MessageGroupId": "g", "MessageDeduplicationId": "d"},
            {"Id": "4", "MessageBody": "z", "MessageGroupId": "a b"},
        ]
        batch = await ask("SendMessageBatch", QueueUrl=URL, Entries=entries)

        received = await ask(
            "ReceiveMessage", QueueUrl=URL, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        )
        assert "SequenceNumber" not in sent
        assert [it["Id"] for it in batch["Successful"]] == ["1", "2"]
        assert {it["Code"] for it in batch["Failed"]} == {"InvalidParameterValue"}
        assert {it["Id"]: it["Message"] for it in batch["Failed"]} == {
            "3": "Value d for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter"
            " that is not valid for this queue type.",
            "4": f"Value a b for parameter MessageGroupId is invalid. Reason: MessageGroupId {ID_RULE}",
        }
        shown = [it["Attributes"] for it in received["Messages"]]
        assert [it.get("MessageGroupId") for it in shown] == ["tenant-1", "tenant-2", None]
        assert all("SequenceNumber" not in it and "MessageDeduplicationId" not in it for it in shown)

    in_a_queue(run, scenario)


def test_group_on_a_standard_queue_is_shown_to_who_asks_for_it_alone(run):
    async def scenario(stand, ask):
        await ask("SendMessage", QueueUrl=URL, MessageBody="x", MessageGroupId="tenant-1")

        bare = await ask("ReceiveMessage", QueueUrl=URL, VisibilityTimeout=0)
        asked = await ask("ReceiveMessage", QueueUrl=URL, AttributeNames=["MessageGroupId"])

        assert "Attributes" not in bare["Messages"][0]
        assert asked["Messages"][0]["Attributes"] == {"MessageGroupId": "tenant-1"}

    in_a_queue(run, scenario)


@pytest.mark.parametrize("operation", ["DeleteMessage", "ChangeMessageVisibility"])
def test_expired_receipt_is_refused_in_the_words_of_aws(run, operation):
    async def scenario(stand, ask):
        members = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
        await ask("SendMessage", QueueUrl=FIFO_URL, MessageBody="x", **members)
        handle = (await ask("ReceiveMessage", QueueUrl=FIFO_URL))["Messages"][0]["ReceiptHandle"]
        await stand.advance(30)
        more = {"VisibilityTimeout": 5} if operation == "ChangeMessageVisibility" else {}

        assert await refusal(ask(operation, QueueUrl=FIFO_URL, ReceiptHandle=handle, **more)) == invalid(
            f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
        )

    in_a_fifo_queue(run, scenario)
