"""Queues under keys of the key service of a real server: keys that act, keys that are off, gone or forbidden."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from cumulo.client import errors
from cumulo.testing import Server

ACCOUNT = "000000000000"
SECRET = "what a sender wrote, long enough that it stands nowhere by chance"


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "data") as it:
        yield it


def restarted(server):
    server.stop()
    server.start()
    return server.boto3("sqs"), server.boto3("kms")


def made(server, name="jobs", **attributes):
    """A key of its own, and a queue under it."""
    arn = server.boto3("kms").create_key()["KeyMetadata"]["Arn"]
    attributes = {"KmsMasterKeyId": arn.rpartition("/")[2], **attributes}
    url = server.boto3("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, arn


def user(server, *statements, service="sqs"):
    """A client of a user who may do what the statements allow."""
    with server.client() as client:
        client.iam.create_user("worker")
        allowed = [{"Effect": "Allow", "Resource": "*", **it} for it in statements]
        policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        server.boto3("iam").put_user_policy(UserName="worker", PolicyName="p", PolicyDocument=policy)
        keys = client.iam.create_access_key("worker")
    names = {"aws_access_key_id": keys.access_key_id, "aws_secret_access_key": keys.secret_access_key}
    return server.boto3(service, **names)


def bodies(sqs, url, **more):
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **more).get("Messages", [])
    return [it["Body"] for it in found]


@pytest.mark.parametrize("name", ["jobs", "jobs.fifo"])
def test_messages_are_read_as_long_as_their_key_is_there_and_enabled(server, name):
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if name.endswith(".fifo") else {}
    url, arn = made(server, name, VisibilityTimeout="0", **fifo)
    sqs, kms = server.boto3("sqs"), server.boto3("kms")
    group = {"MessageGroupId": "g"} if fifo else {}
    sqs.send_message(QueueUrl=url, MessageBody=SECRET, **group)
    entries = [{"Id": str(n), "MessageBody": f"{SECRET} {n}", **group} for n in range(3)]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)

    sqs, kms = restarted(server)
    assert SECRET in bodies(sqs, url)
    kms.disable_key(KeyId=arn)
    assert SECRET in bodies(sqs, url), "a data key that was opened is reused"
    sqs, kms = restarted(server)
    assert refused(sqs.receive_message, QueueUrl=url) == ("KMS.DisabledException", 400)
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="x", **group) == ("KMS.DisabledException", 400)
    batch = [{"Id": "1", "MessageBody": "x", **group}]
    assert refused(sqs.send_message_batch, QueueUrl=url, Entries=batch) == ("KMS.DisabledException", 400)
    kms.enable_key(KeyId=arn)
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    assert refused(sqs.receive_message, QueueUrl=url) == ("KMS.InvalidStateException", 400)
    kms.cancel_key_deletion(KeyId=arn)
    kms.enable_key(KeyId=arn)
    received = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"][0]
    assert received["Body"] == SECRET
    assert received["Attributes"]["ApproximateReceiveCount"] == "3", "refused receives are not counted"
    sqs.purge_queue(QueueUrl=url)
    sqs.delete_queue(QueueUrl=url)


def test_services_own_key_needs_no_permission_of_kms(server):
    sqs = server.boto3("sqs")
    url = sqs.create_queue(QueueName="jobs", Attributes={"KmsMasterKeyId": "alias/aws/sqs"})["QueueUrl"]
    theirs = user(server, {"Action": "sqs:*"})

    theirs.send_message(QueueUrl=url, MessageBody=SECRET)

    assert bodies(theirs, url) == [SECRET]
    aliases = [it["AliasName"] for it in server.boto3("kms").list_aliases()["Aliases"]]
    assert "alias/aws/sqs" in aliases


def test_key_that_is_not_there_is_told_when_it_is_needed(server):
    sqs = server.boto3("sqs")
    for name, key in (
        ("a", "alias/nobodys"),
        ("b", "mrk-1"),
        ("c", "1234abcd-12ab-34cd-56ef-1234567890ab"),
        ("d", "arn:aws:kms:eu-west-1:111122223333:alias/x"),
    ):
        url = sqs.create_queue(QueueName=name, Attributes={"KmsMasterKeyId": key})["QueueUrl"]
        assert refused(sqs.send_message, QueueUrl=url, MessageBody="x") == ("KMS.NotFoundException", 400)
        assert bodies(sqs, url) == []


def test_who_may_not_use_the_key_may_neither_send_nor_receive_nor_peek(server):
    url, _ = made(server)
    server.boto3("sqs").send_message(QueueUrl=url, MessageBody=SECRET)
    theirs = user(server, {"Action": "sqs:*"})

    denied = ("KMS.AccessDeniedException", 400)
    assert refused(theirs.send_message, QueueUrl=url, MessageBody="x") == denied
    assert refused(theirs.receive_message, QueueUrl=url) == denied
    assert bodies(server.boto3("sqs"), url) == [SECRET]


def test_sender_needs_decrypt_too_and_only_for_its_queue(server):
    url, arn = made(server)
    context = {"StringEquals": {"kms:EncryptionContext:aws:sqs:arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"}}
    allowed = {"Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Condition": context}
    theirs = user(server, {"Action": "sqs:*"}, allowed)
    other = server.boto3("sqs").create_queue(QueueName="other", Attributes={"KmsMasterKeyId": arn})["QueueUrl"]

    theirs.send_message(QueueUrl=url, MessageBody=SECRET)

    assert bodies(theirs, url) == [SECRET]
    assert refused(theirs.send_message, QueueUrl=other, MessageBody="x") == ("KMS.AccessDeniedException", 400)
    only_making = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": ["sqs:*", "kms:GenerateDataKey"], "Resource": "*"}],
        }
    )
    server.boto3("iam").put_user_policy(UserName="worker", PolicyName="p", PolicyDocument=only_making)
    assert refused(theirs.send_message, QueueUrl=other, MessageBody="x") == ("KMS.AccessDeniedException", 400)


def test_who_may_not_send_does_not_reach_the_key_service(server):
    url, arn = made(server)
    server.boto3("kms").disable_key(KeyId=arn)
    theirs = user(server, {"Action": "sqs:ListQueues"})

    assert refused(theirs.send_message, QueueUrl=url, MessageBody="x")[0] == "AccessDenied"


def test_message_stays_under_its_own_key_in_a_dead_letter_queue_and_after_the_queue_changed(server):
    sqs = server.boto3("sqs")
    dead = sqs.create_queue(QueueName="dead", Attributes={"SqsManagedSseEnabled": "true"})["QueueUrl"]
    dead_arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": "1"})
    url, _ = made(server, VisibilityTimeout="0", RedrivePolicy=redrive)
    sqs.send_message(QueueUrl=url, MessageBody=SECRET)
    second = server.boto3("kms").create_key()["KeyMetadata"]["Arn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": second})
    sqs.send_message(QueueUrl=url, MessageBody="the second")

    assert sorted(bodies(sqs, url)) == ["the second", SECRET]
    assert bodies(sqs, url) == []
    sqs, kms = restarted(server)
    kms.disable_key(KeyId=second)

    assert bodies(sqs, dead, VisibilityTimeout=0) == [SECRET]
    kms.enable_key(KeyId=second)
    assert sorted(bodies(sqs, dead)) == ["the second", SECRET]


def test_who_starts_a_move_task_must_be_allowed_the_keys_of_both_queues(server):
    sqs = server.boto3("sqs")
    dead, _ = made(server, "dead")
    queues = f"arn:aws:sqs:us-east-1:{ACCOUNT}:"
    redrive = json.dumps({"deadLetterTargetArn": f"{queues}dead", "maxReceiveCount": "1"})
    jobs, first = made(server, "jobs", VisibilityTimeout="0", RedrivePolicy=redrive)
    hospital, second = made(server, "hospital")
    sqs.send_message(QueueUrl=jobs, MessageBody=SECRET)
    assert (bodies(sqs, jobs), bodies(sqs, jobs)) == ([SECRET], [])
    task = {"SourceArn": f"{queues}dead", "DestinationArn": f"{queues}hospital"}
    theirs = user(server, {"Action": "sqs:*"})

    def allow_keys(*statements):
        queues_too = [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}, *statements]
        policy = json.dumps({"Version": "2012-10-17", "Statement": queues_too})
        server.boto3("iam").put_user_policy(UserName="worker", PolicyName="p", PolicyDocument=policy)

    reading = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": [first, second]}
    writing = {"Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": second}
    for statements in ((), (reading,), (writing,), (writing, {**reading, "Resource": second})):
        allow_keys(*statements)
        assert refused(theirs.start_message_move_task, **task) == ("KMS.AccessDeniedException", 400)
    assert sqs.list_message_move_tasks(SourceArn=task["SourceArn"])["Results"] == []
    allow_keys(reading, writing)
    theirs.start_message_move_task(**task)

    assert bodies(sqs, hospital, WaitTimeSeconds=10) == [SECRET]
    assert bodies(sqs, dead) == []
    (result,) = sqs.list_message_move_tasks(SourceArn=task["SourceArn"])["Results"]
    assert result["ApproximateNumberOfMessagesMoved"] == 1


def test_waiting_receiver_gets_what_is_sent_meanwhile(server):
    url, _ = made(server)
    sqs = server.boto3("sqs")
    assert bodies(sqs, url) == []
    sqs.send_message(QueueUrl=url, MessageBody=SECRET, DelaySeconds=1)

    before = time.monotonic()
    assert bodies(sqs, url, WaitTimeSeconds=10) == [SECRET]
    assert time.monotonic() - before < 8


def wire(server, headers, body):
    """The status and text of a call that the root signs."""
    environment = server.environment()
    keys = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
    request = AWSRequest("POST", environment["AWS_ENDPOINT_URL"] + "/", headers, body)
    SigV4Auth(keys, "sqs", "us-east-1").add_auth(request)
    prepared = request.prepare()
    asked = urllib.request.Request(prepared.url, prepared.body, dict(prepared.headers), method="POST")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(asked, timeout=30)
    with caught.value as answer:
        return answer.code, answer.headers.get("x-amzn-query-error"), answer.read().decode()


def test_refusals_are_named_in_each_protocol_as_sqs_names_them(server):
    url, arn = made(server)
    server.boto3("kms").disable_key(KeyId=arn)
    query = urllib.parse.urlencode(
        {"Action": "SendMessage", "Version": "2012-11-05", "QueueUrl": url, "MessageBody": "x"}
    )
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    json_headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessage"}

    status, _, text = wire(server, form, query.encode())
    json_status, header, json_text = wire(
        server, json_headers, json.dumps({"QueueUrl": url, "MessageBody": "x"}).encode()
    )

    assert (status, json_status) == (400, 400)
    assert "<Code>KMS.DisabledException</Code>" in text
    assert f"{arn} is disabled." in text
    assert header == "KMS.DisabledException;Sender"
    assert json.loads(json_text)["__type"].endswith("#KmsDisabled")


def test_over_grpc_the_same_keys_and_refusals_count_for_sending_peeking_and_schedules(server):
    _, arn = made(server)
    with server.client() as client:
        queue = client.queue("jobs")
        queue.send(SECRET)
        queue.schedules.create("later", SECRET, at=datetime.now(UTC) + timedelta(hours=1))
        paused = queue.schedules.pause("later")
        assert [it.body for it in queue.peek()] == [SECRET.encode()]
        shown = queue.schedules.get("later")
        assert (paused.body, shown.body) == (SECRET.encode(), SECRET.encode())
    server.stop()
    server.start()
    server.boto3("kms").disable_key(KeyId=arn)

    with server.client() as client:
        queue = client.queue("jobs")
        for ask in (lambda: queue.send("x"), lambda: list(queue.peek()), lambda: queue.schedules.get("later")):
            with pytest.raises(errors.CumuloError) as caught:
                ask()
            assert caught.value.code == "KmsDisabled"


def allow(server, arn, service, source):
    """Let a service use a key for one source, beside what the key's account may do."""
    kms = server.boto3("kms")
    policy = json.loads(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
    policy["Statement"].append(
        {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": ["kms:GenerateDataKey*", "kms:Decrypt"],
            "Resource": "*",
            "Condition": {"ArnEquals": {"aws:SourceArn": source}},
        }
    )
    kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=json.dumps(policy))


@pytest.mark.parametrize("name", ["jobs", "jobs.fifo"])
def test_topic_needs_the_leave_of_the_key_of_each_queue(server, name):
    fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    by_content = {"ContentBasedDeduplication": "true"} if fifo else {}
    url, arn = made(server, name, **fifo, **by_content)
    sqs, sns = server.boto3("sqs"), server.boto3("sns")
    queues = f"arn:aws:sqs:us-east-1:{ACCOUNT}:"
    suffix = ".fifo" if fifo else ""
    dead = sqs.create_queue(QueueName="dead" + suffix, Attributes=fifo)["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": f"{queues}dead{suffix}"})
    topics = [
        sns.create_topic(Name=it + suffix, Attributes={"FifoTopic": "true", **by_content} if fifo else {})["TopicArn"]
        for it in ("a", "b")
    ]
    for topic in topics:
        raw = {"RawMessageDelivery": "true", "RedrivePolicy": redrive}
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queues + name, Attributes=raw)
    allow(server, arn, "sns.amazonaws.com", topics[0])

    group = {"MessageGroupId": "g"} if fifo else {}
    for topic in topics:
        sns.publish(TopicArn=topic, Message=f"{SECRET} {topic}", **group)

    assert bodies(sqs, url, WaitTimeSeconds=10) == [f"{SECRET} {topics[0]}"]
    assert bodies(sqs, dead, WaitTimeSeconds=10) == [f"{SECRET} {topics[1]}"]


def test_bucket_needs_the_leave_of_the_queues_key(server):
    url, arn = made(server)
    s3, sqs = server.boto3("s3"), server.boto3("sqs")
    queue = {"QueueArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs", "Events": ["s3:ObjectCreated:*"]}
    for bucket in ("quiet", "heard"):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [queue]}
        )
    allow(server, arn, "s3.amazonaws.com", "arn:aws:s3:::heard")

    for bucket in ("quiet", "heard"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    told: list[str] = []
    while not any('"ObjectCreated' in body for body in told):
        told += bodies(sqs, url, WaitTimeSeconds=10)
    assert not any("quiet" in body for body in told)


def test_services_own_key_lets_no_other_service_in(server):
    sqs, sns = server.boto3("sqs"), server.boto3("sns")
    url = sqs.create_queue(QueueName="jobs", Attributes={"KmsMasterKeyId": "alias/aws/sqs"})["QueueUrl"]
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs")

    sns.publish(TopicArn=topic, Message="x")
    sqs.send_message(QueueUrl=url, MessageBody="y")

    assert bodies(sqs, url) == ["y"]


def test_topic_under_a_key_asks_it_for_whoever_publishes(server):
    sns, sqs, kms = server.boto3("sns"), server.boto3("sqs"), server.boto3("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    topic = sns.create_topic(Name="news", Attributes={"KmsMasterKeyId": arn})["TopicArn"]
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs")
    context = {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": topic}}
    allowed = {"Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Condition": context}
    theirs = user(server, {"Action": "sns:*"}, allowed, service="sns")
    other = sns.create_topic(Name="other", Attributes={"KmsMasterKeyId": arn})["TopicArn"]

    sns.publish(TopicArn=topic, Message="a")
    theirs.publish(TopicArn=topic, Message="b")

    assert sorted(json.loads(body)["Message"] for body in bodies(sqs, url)) == ["a", "b"]
    assert refused(theirs.publish, TopicArn=other, Message="x") == ("KMSAccessDenied", 400)
    kms.disable_key(KeyId=arn)
    sns.publish(TopicArn=topic, Message="a data key is reused")
    assert refused(sns.publish, TopicArn=other, Message="x") == ("KMSDisabled", 400)
    entries = [{"Id": "1", "Message": "x"}]
    assert refused(sns.publish_batch, TopicArn=other, PublishBatchRequestEntries=entries) == ("KMSDisabled", 400)
    kms.schedule_key_deletion(KeyId=arn)
    assert refused(sns.publish, TopicArn=other, Message="x") == ("KMSInvalidState", 400)
    sns.set_topic_attributes(TopicArn=other, AttributeName="KmsMasterKeyId", AttributeValue="alias/nobodys")
    assert refused(sns.publish, TopicArn=other, Message="x") == ("KMSNotFound", 400)
    sns.set_topic_attributes(TopicArn=other, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns")
    assert theirs.publish(TopicArn=other, Message="x")["MessageId"]


def test_bucket_needs_the_leave_of_the_topics_key(server):
    s3, sns, sqs, kms = (server.boto3(it) for it in ("s3", "sns", "sqs", "kms"))
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    topic = sns.create_topic(Name="news", Attributes={"KmsMasterKeyId": arn})["TopicArn"]
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs")
    for bucket in ("quiet", "heard"):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_notification_configuration(
            Bucket=bucket,
            NotificationConfiguration={
                "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}],
            },
        )
    allow(server, arn, "s3.amazonaws.com", "arn:aws:s3:::heard")

    for bucket in ("quiet", "heard"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    told: list[str] = []
    while not any("ObjectCreated" in body for body in told):
        told += bodies(sqs, url, WaitTimeSeconds=10)
    assert not any("quiet" in body for body in told)
