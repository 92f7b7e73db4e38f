"""The aws command line, version 1: S3's high-level commands, and the plain operations of S3, SQS, IAM and STS."""

import json
import os
import random
import urllib.request

import pytest

from tests.compat.client_programs import need_python, run

# Each command starts an interpreter that reads botocore's models.
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

A_WHILE_AGO = 1_700_000_000
USER_POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}'


@pytest.fixture
def cli(aws, tmp_path):
    """Run `aws` with some words in the test's folder; return what it printed, JSON as what it means.

    For SQS this version knows hosts of its own in AWS's regions, and forgets AWS_ENDPOINT_URL over them.
    """

    def call(*words, fails_with=0, text="", **environment):
        place = ("--endpoint-url", aws["AWS_ENDPOINT_URL"]) if words[0] == "sqs" else ()
        program = need_python(program="aws")
        output = run(
            program, *place, *words, environment=aws | environment, cwd=tmp_path, text=text, fails_with=fails_with
        )
        return json.loads(output) if output.startswith("{") else output

    return call


def tree(folder):
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_cli_copies_a_large_file_there_and_back(cli, bucket, tmp_path):
    content = random.Random(1).randbytes(20 << 20)
    (tmp_path / "up").write_bytes(content)

    cli("s3", "cp", "up", f"s3://{bucket}/a folder/large", "--no-progress")
    cli("s3", "cp", f"s3://{bucket}/a folder/large", "down", "--no-progress")
    listed = cli("s3", "ls", f"s3://{bucket}", "--recursive")

    assert (tmp_path / "down").read_bytes() == content
    assert listed.split(maxsplit=2)[2] == "20971520 a folder/large\n"


def test_cli_makes_fills_syncs_and_removes_a_bucket(cli, new_name, stored_in, tmp_path):
    files = {"one.txt": b"1", "sub/two ü.bin": bytes(range(256)), "sub/deep/empty": b""}
    for name, content in files.items():
        (tmp_path / "from" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "from" / name).write_bytes(content)
        # An object's time has whole seconds: a file of the same second is newer than its copy, and is sent again.
        os.utime(tmp_path / "from" / name, (A_WHILE_AGO, A_WHILE_AGO))

    cli("s3", "mb", f"s3://{new_name}")
    cli("s3", "sync", "from", f"s3://{new_name}/x")
    assert stored_in(new_name) == {f"x/{name}": content for name, content in files.items()}
    assert cli("s3", "sync", "from", f"s3://{new_name}/x") == ""
    (tmp_path / "from" / "one.txt").unlink()
    cli("s3", "sync", "from", f"s3://{new_name}/x", "--delete")
    cli("s3", "sync", f"s3://{new_name}/x", "to")
    assert tree(tmp_path / "to") == tree(tmp_path / "from")
    assert "PRE x/" in cli("s3", "ls", f"s3://{new_name}")
    cli("s3", "mv", f"s3://{new_name}/x", f"s3://{new_name}/y", "--recursive")
    cli("s3", "rm", f"s3://{new_name}/y/sub/deep", "--recursive")
    assert list(stored_in(new_name)) == ["y/sub/two ü.bin"]
    cli("s3", "rb", f"s3://{new_name}", "--force")
    assert new_name not in cli("s3", "ls")


def test_cli_streams_and_presigns(cli, bucket):
    cli("configure", "set", "default.s3.signature_version", "s3v4")  # presigns in version 2 otherwise
    cli("s3", "cp", "-", f"s3://{bucket}/k", text="piped")

    url = cli("s3", "presign", f"s3://{bucket}/k", "--expires-in", "60").strip()

    assert cli("s3", "cp", f"s3://{bucket}/k", "-") == "piped"
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"piped"


def test_cli_s3api_speaks_single_operations(cli, bucket, tmp_path):
    (tmp_path / "up").write_bytes(b"content")

    put = cli("s3api", "put-object", "--bucket", bucket, "--key", "k", "--body", "up", "--metadata", "a=b")
    got = cli("s3api", "get-object", "--bucket", bucket, "--key", "k", "down")
    listed = cli("s3api", "list-objects-v2", "--bucket", bucket)
    refused = cli("s3api", "get-bucket-policy", "--bucket", bucket, fails_with=255)

    assert (tmp_path / "down").read_bytes() == b"content"
    assert (got["ETag"], got["Metadata"]) == (put["ETag"], {"a": "b"})
    assert [one["Key"] for one in listed["Contents"]] == ["k"]
    assert "NoSuchBucketPolicy" in refused


def test_cli_s3api_lists_reads_restores_and_deletes_versions(cli, bucket, stored_in, tmp_path):
    of_k = ("--bucket", bucket, "--key", "k")
    cli("s3api", "put-bucket-versioning", "--bucket", bucket, "--versioning-configuration", "Status=Enabled")
    for text in ("old", "new"):
        (tmp_path / "up").write_text(text)
        cli("s3api", "put-object", *of_k, "--body", "up")

    hidden = cli("s3api", "delete-object", *of_k)
    listed = cli("s3api", "list-object-versions", "--bucket", bucket)
    _new, old = (it["VersionId"] for it in listed["Versions"])
    cli("s3api", "get-object", *of_k, "--version-id", old, "down")
    marker = cli("s3api", "head-object", *of_k, "--version-id", hidden["VersionId"], fails_with=255)
    restored = cli("s3api", "copy-object", *of_k, "--copy-source", f"{bucket}/k?versionId={old}")
    cli("s3api", "delete-object", *of_k, "--version-id", old)

    assert listed["DeleteMarkers"][0]["VersionId"] == hidden["VersionId"]
    assert (tmp_path / "down").read_text() == "old"
    assert "405" in marker
    assert restored["CopySourceVersionId"] == old
    assert stored_in(bucket) == {"k": b"old"}
    assert "BucketNotEmpty" in cli("s3api", "delete-bucket", "--bucket", bucket, fails_with=255)


def test_cli_sqs_sends_receives_and_deletes(cli, new_name):
    url = cli("sqs", "create-queue", "--queue-name", new_name, "--attributes", "VisibilityTimeout=9")["QueueUrl"]

    cli("sqs", "send-message", "--queue-url", url, "--message-body", "hello")
    (message,) = cli("sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "5")["Messages"]
    cli("sqs", "delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"])

    got = cli("sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", "All")["Attributes"]
    assert message["Body"] == "hello"
    assert (got["VisibilityTimeout"], got["ApproximateNumberOfMessagesNotVisible"]) == ("9", "0")
    assert cli("sqs", "list-queues", "--queue-name-prefix", new_name)["QueueUrls"] == [url]
    cli("sqs", "delete-queue", "--queue-url", url)


def test_cli_sns_publishes_to_a_queue_that_subscribed(cli, new_name):
    topic = cli("sns", "create-topic", "--name", new_name, "--attributes", "DisplayName=News")["TopicArn"]
    url = cli("sqs", "create-queue", "--queue-name", new_name)["QueueUrl"]
    queue = topic.replace(":sns:", ":sqs:")
    endpoint = ("--protocol", "sqs", "--notification-endpoint", queue, "--return-subscription-arn")
    subscription = cli("sns", "subscribe", "--topic-arn", topic, *endpoint)["SubscriptionArn"]

    filter_policy = '{"colour":["red"]}'
    attribute = ("--attribute-name", "FilterPolicy", "--attribute-value", filter_policy)
    cli("sns", "set-subscription-attributes", "--subscription-arn", subscription, *attribute)
    colour = '{"colour":{"DataType":"String","StringValue":"red"}}'
    sent = cli("sns", "publish", "--topic-arn", topic, "--message", "body ü", "--message-attributes", colour)
    received = cli("sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "5")

    document = json.loads(received["Messages"][0]["Body"])
    assert (document["MessageId"], document["Message"]) == (sent["MessageId"], "body ü")
    shown = cli("sns", "get-subscription-attributes", "--subscription-arn", subscription)["Attributes"]
    assert (shown["FilterPolicy"], shown["PendingConfirmation"]) == (filter_policy, "false")
    listed = cli("sns", "list-subscriptions-by-topic", "--topic-arn", topic)["Subscriptions"]
    assert [it["SubscriptionArn"] for it in listed] == [subscription]
    cli("sns", "unsubscribe", "--subscription-arn", subscription)
    cli("sns", "delete-topic", "--topic-arn", topic)
    assert "NotFound" in cli("sns", "get-topic-attributes", "--topic-arn", topic, fails_with=255)


def test_cli_iam_makes_a_user_who_may_only_what_his_policy_says(cli, new_name):
    cli("iam", "create-user", "--user-name", new_name)
    cli("iam", "put-user-policy", "--user-name", new_name, "--policy-name", "p", "--policy-document", USER_POLICY)
    key = cli("iam", "create-access-key", "--user-name", new_name)["AccessKey"]
    user = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    identity = cli("sts", "get-caller-identity", **user)
    refused = cli("s3", "ls", fails_with=255, **user)
    cli("sqs", "list-queues", **user)

    assert identity["Arn"].endswith(f":user/{new_name}")
    assert "AccessDenied" in refused
    cli("iam", "delete-access-key", "--user-name", new_name, "--access-key-id", key["AccessKeyId"])
    cli("iam", "delete-user-policy", "--user-name", new_name, "--policy-name", "p")
    cli("iam", "delete-user", "--user-name", new_name)
    assert new_name not in [one["UserName"] for one in cli("iam", "list-users")["Users"]]


def test_cli_sts_gives_a_session(cli):
    session = cli("sts", "get-session-token")["Credentials"]

    caller = cli(
        "sts",
        "get-caller-identity",
        AWS_ACCESS_KEY_ID=session["AccessKeyId"],
        AWS_SECRET_ACCESS_KEY=session["SecretAccessKey"],
        AWS_SESSION_TOKEN=session["SessionToken"],
    )

    assert caller["Account"] == "000000000000"
