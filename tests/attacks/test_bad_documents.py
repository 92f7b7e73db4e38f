"""Documents that are malformed, huge, ambiguous or bombs, in each protocol (row 26): AWS's error, nothing changed."""

import json
import time
import urllib.parse

import pytest

from cumulo.client.errors import CumuloError
from cumulo.gateway.aws_shapes import payload_member
from cumulo.object_store.aws_s3 import SERVICE
from tests.attacks.attacker import QUERY_TYPE, md5
from tests.attacks.calls import QUEUE_PATH, QUEUE_URL

pytestmark = pytest.mark.usefixtures("unchanged")
ANSWER_S_MAX = 5
"""A bomb that went off would take minutes or the memory; a shared machine may take a second for anything."""
DOCUMENTS = {
    # Operation -> (method, target, root element, how a text in it is spelled)
    "CreateBucket": ("PUT", "/forged", "CreateBucketConfiguration", "<LocationConstraint>{}</LocationConstraint>"),
    "DeleteObjects": ("POST", "/kept?delete", "Delete", "<Object><Key>{}</Key></Object>"),
    "CompleteMultipartUpload": (
        "POST",
        "/kept/object?uploadId={upload}",
        "CompleteMultipartUpload",
        "<Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part>",
    ),
    "PutBucketTagging": (
        "PUT",
        "/kept?tagging",
        "Tagging",
        "<TagSet><Tag><Key>{}</Key><Value>v</Value></Tag></TagSet>",
    ),
    "PutObjectTagging": (
        "PUT",
        "/kept/object?tagging",
        "Tagging",
        "<TagSet><Tag><Key>{}</Key><Value>v</Value></Tag></TagSet>",
    ),
    "PutBucketNotificationConfiguration": (
        "PUT",
        "/kept?notification",
        "NotificationConfiguration",
        "<QueueConfiguration><Queue>{}</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration>",
    ),
    "PutPublicAccessBlock": (
        "PUT",
        "/kept?publicAccessBlock",
        "PublicAccessBlockConfiguration",
        "<BlockPublicAcls>{}</BlockPublicAcls>",
    ),
    "PutBucketOwnershipControls": (
        "PUT",
        "/kept?ownershipControls",
        "OwnershipControls",
        "<Rule><ObjectOwnership>{}</ObjectOwnership></Rule>",
    ),
    "PutBucketVersioning": ("PUT", "/kept?versioning", "VersioningConfiguration", "<Status>{}</Status>"),
    "PutBucketAcl": (
        "PUT",
        "/kept?acl",
        "AccessControlPolicy",
        "<Owner><ID>{}</ID></Owner>",
    ),
    "PutObjectAcl": ("PUT", "/kept/object?acl", "AccessControlPolicy", "<Owner><ID>{}</ID></Owner>"),
}
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
DOCTYPES = {
    "billion laughs": ('<!DOCTYPE x [<!ENTITY l0 "ha">' + LAUGHS + "]>", "&l9;"),
    "quadratic blowup": ('<!DOCTYPE x [<!ENTITY l "' + "a" * 50_000 + '">]>', "&l;" * 5_000),
    "external file": ('<!DOCTYPE x [<!ENTITY l SYSTEM "file:///etc/passwd">]>', "&l;"),
    "external address": ('<!DOCTYPE x [<!ENTITY l SYSTEM "http://127.0.0.1:1/x">]>', "&l;"),
    "external subset": ('<!DOCTYPE x SYSTEM "file:///etc/passwd">', "a"),
    "parameter entity": ('<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]>', "a"),
    "public identifier": ('<!DOCTYPE x PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://127.0.0.1:1/x.dtd">', "a"),
    "default attribute": ('<!DOCTYPE x [<!ATTLIST x a CDATA "b">]>', "a"),
    "empty": ("<!DOCTYPE x>", "a"),
    "recursion": ('<!DOCTYPE x [<!ENTITY a "&b;"><!ENTITY b "&a;">]>', "&a;"),
}
NOT_XML = {
    "nothing but a tag": b"<{root}",
    "not closed": b"<{root}>",
    "closed by another": b"<{root}></other>",
    "two roots": b"<{root}/><{root}/>",
    "text": b"hello",
    "JSON": b'{"a": 1}',
    "NUL": b"<{root}>\x00</{root}>",
    "no UTF-8": b"<{root}>\xff\xfe</{root}>",
    "overlong UTF-8": b"<{root}>\xc0\xaf</{root}>",
    "surrogate": b"<{root}>\xed\xa0\x80</{root}>",
    "unknown encoding": b'<?xml version="1.0" encoding="nonsense"?><{root}/>',
    "another root": b"<Other/>",
    "an entity that is none": b"<{root}>&nbsp;</{root}>",
    "forbidden character": b"<{root}>&#0;</{root}>",
    "deep": b"<{root}>" * 100_000,
    "xinclude": b'<{root} xmlns:x="http://www.w3.org/2001/XInclude"><x:include href="/etc/passwd"/></{root}>',
    "too long": b"<{root}>" + b" " * (5 * 1024 * 1024) + b"</{root}>",
}
every_document = pytest.mark.parametrize("name", DOCUMENTS)


@pytest.fixture(scope="module")
def upload(root, unchanged):
    begun = root.ask("POST", "/kept/object?uploads").body.decode()
    upload_id = begun.partition("<UploadId>")[2].partition("<")[0]
    yield upload_id
    assert root.ask("DELETE", f"/kept/object?uploadId={upload_id}").status == 204


def put(who, name, upload, document):
    method, target, _, _ = DOCUMENTS[name]
    started = time.monotonic()
    answer = who.ask(method, target.format(upload=upload), {"content-md5": md5(document)}, document)
    assert time.monotonic() - started < ANSWER_S_MAX
    return answer


def test_every_document_of_s3_that_is_read_is_attacked(root, upload):
    for name, operation in SERVICE.operations.items():
        member = payload_member(operation.input)
        if member is None or operation.input_stream or name in DOCUMENTS or member.shape.kind != "structure":
            continue
        path = operation.uri.replace("{Bucket}", "kept").replace("{Key+}", "object")
        answer = root.ask(operation.method, path, {"content-md5": md5(b"<")}, b"<")
        assert answer.refusal == (501, "NotImplemented") or answer.status in (400, 501), (name, answer)


@every_document
@pytest.mark.parametrize("kind", DOCTYPES)
def test_document_with_a_doctype_is_refused(root, upload, name, kind):
    doctype, text = DOCTYPES[kind]
    element = DOCUMENTS[name][2]
    document = (
        f"{doctype.replace('DOCTYPE x', f'DOCTYPE {element}')}<{element}>{DOCUMENTS[name][3].format(text)}</{element}>"
    )

    for encoded in (document.encode(), document.encode("utf-16")):
        answer = put(root, name, upload, encoded)
        assert answer.refusal in {(400, "MalformedXML"), (501, "NotImplemented")}
        assert b"root:" not in answer.body


@every_document
@pytest.mark.parametrize("kind", NOT_XML)
def test_document_that_is_none_is_refused(root, upload, name, kind):
    document = NOT_XML[kind].replace(b"{root}", DOCUMENTS[name][2].encode())

    answer = put(root, name, upload, document)

    allowed = {(400, "MalformedXML"), (501, "NotImplemented")}
    if kind == "too long":
        allowed |= {(400, "MaxMessageLengthExceeded"), (400, "EntityTooLarge")}
    assert answer.refusal in allowed


def test_ten_thousand_and_one_parts_are_refused(root, upload):
    parts = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>x</ETag></Part>" for n in range(1, 10_002))

    answer = put(
        root,
        "CompleteMultipartUpload",
        upload,
        f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode(),
    )

    assert answer.refusal in {(400, "MalformedXML"), (400, "InvalidPart"), (400, "InvalidArgument")}


def test_a_thousand_and_one_keys_are_refused(root, upload):
    keys = "<Object><Key>object</Key></Object>" * 1001

    assert put(root, "DeleteObjects", upload, f"<Delete>{keys}</Delete>".encode()).refusal == (400, "MalformedXML")


@pytest.mark.parametrize(
    "number", ["0", "-1", "10001", "99999999999999999999", "9" * 5000, "1.5", "٣", "", "NaN", "1e3"]
)
def test_part_number_that_is_none_is_refused(root, upload, number):
    document = f"<Part><PartNumber>{number}</PartNumber><ETag>x</ETag></Part>"

    answer = put(
        root,
        "CompleteMultipartUpload",
        upload,
        f"<CompleteMultipartUpload>{document}</CompleteMultipartUpload>".encode(),
    )

    assert answer.status == 400
    assert answer.code in ("MalformedXML", "InvalidPart", "InvalidArgument")


# JSON and query of SQS, IAM and STS


BAD_JSON = {
    "twice": b'{"QueueUrl": "%(url)s", "MessageBody": "a", "MessageBody": "b"}',
    "twice, one escaped": b'{"QueueUrl": "%(url)s", "MessageBody": "a", "Message\\u0042ody": "b"}',
    "twice, deep": b'{"QueueUrl": "%(url)s", "MessageBody": "a", "MessageAttributes": {"a": {"DataType": "String",'
    b' "StringValue": "a", "StringValue": "b"}}}',
    "twice, unknown": b'{"QueueUrl": "%(url)s", "MessageBody": "a", "Other": 1, "Other": 2}',
    "deep": b'{"QueueUrl": "%(url)s", "MessageBody": "a", "Other": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "deep and unclosed": b"[" * 1_000_000,
    "deep in objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "NaN": b'{"QueueUrl": "%(url)s", "MessageBody": "a", "DelaySeconds": NaN}',
    "Infinity": b'{"QueueUrl": "%(url)s", "MessageBody": "a", "DelaySeconds": -Infinity}',
    "1e400": b'{"QueueUrl": "%(url)s", "MessageBody": "a", "DelaySeconds": 1e400}',
    "5000 digits": b'{"QueueUrl": "%(url)s", "MessageBody": "a", "DelaySeconds": ' + b"9" * 5000 + b"}",
    "leading zero": b'{"QueueUrl": "%(url)s", "MessageBody": "a", "DelaySeconds": 01}',
    "text for a number": b'{"QueueUrl": "%(url)s", "MessageBody": "a", "DelaySeconds": "1"}',
    "number for a text": b'{"QueueUrl": "%(url)s", "MessageBody": 1}',
    "null for a text": b'{"QueueUrl": "%(url)s", "MessageBody": null}',
    "list for a text": b'{"QueueUrl": "%(url)s", "MessageBody": ["a"]}',
    "half a surrogate pair": b'{"QueueUrl": "%(url)s", "MessageBody": "\\ud800"}',
    "half a pair in a name": b'{"QueueUrl": "%(url)s", "MessageBody": "a", "\\udc00": 1}',
    "no UTF-8": b'{"QueueUrl": "%(url)s", "MessageBody": "\xff"}',
    "overlong UTF-8": b'{"QueueUrl": "%(url)s", "MessageBody": "\xc0\xaf"}',
    "surrogate in UTF-8": b'{"QueueUrl": "%(url)s", "MessageBody": "\xed\xa0\x80"}',
    "UTF-16": '{"QueueUrl": "x", "MessageBody": "a"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"QueueUrl": "%(url)s", "MessageBody": "a"}',
    "comment": b'{"QueueUrl": "%(url)s", /* x */ "MessageBody": "a"}',
    "comma at the end": b'{"QueueUrl": "%(url)s", "MessageBody": "a",}',
    "more behind it": b'{"QueueUrl": "%(url)s", "MessageBody": "a"} {}',
    "single quotes": b"{'QueueUrl': '%(url)s', 'MessageBody': 'a'}",
    "cut off": b'{"QueueUrl": "%(url)s", "MessageBody": "a',
    "list": b"[]",
    "text": b'"a"',
    "null": b"null",
    "nothing": b"",
    "blanks": b" " * 100_000,
    "NUL": b"\x00",
    "control character": b'{"QueueUrl": "%(url)s", "MessageBody": "\x01"}',
    "form": b"Action=SendMessage&MessageBody=a",
    "XML": b"<a/>",
    "elements without end": b'{"QueueUrl": "%(url)s", "MessageBody": "a", "Other": [' + b"{}," * 1_000_000 + b"{}]}",
}


@pytest.mark.parametrize("kind", BAD_JSON)
@pytest.mark.parametrize("operation", ["SendMessage", "SendMessageBatch", "CreateQueue"])
def test_bad_json_is_refused(root, kind, operation):
    body = BAD_JSON[kind].replace(b"%(url)s", QUEUE_URL.encode())
    started = time.monotonic()

    answer = root.json("sqs", operation, body)

    assert time.monotonic() - started < ANSWER_S_MAX
    assert answer.status == 400
    missing = {"MissingRequiredParameterException", "MissingParameter", "EmptyBatchRequest"}
    if operation == "CreateQueue":
        missing = {"InvalidParameterValueException"}
    assert answer.code in {"SerializationException", "InvalidMessageContents"} | missing


@pytest.mark.parametrize(
    "target",
    [
        "AmazonSQS",
        "AmazonSQS.",
        ".",
        "",
        "AmazonSQS.sendmessage",
        "AmazonSQS.X" * 1000,
        "AmazonSQS.SendMessage.",
        "AmazonSNS.SendMessage",
        "AmazonSQS.__init__",
    ],
)
def test_unknown_target_is_refused(root, target):
    answer = root.ask("POST", "/", {"x-amz-target": target}, b"{}", service="sqs")

    assert answer.status in (400, 404)
    assert "Unknown" in answer.code or "Invalid" in answer.code or "Missing" in answer.code


BAD_QUERY = {
    "twice": "Action={action}&Version={version}&{name}=a&{name}=b",
    "action twice": "Action={action}&Action=ListUsers&Version={version}&{name}=a",
    "value and structure": "Action={action}&Version={version}&{name}=a&{name}.x=b",
    "deep": "Action={action}&Version={version}&{name}" + ".a" * 100_000 + "=1",
    "many": "Action={action}&Version={version}&" + "a=1&" * 50_000,
    "no UTF-8": "Action={action}&Version={version}&{name}=%ff",
    "overlong UTF-8": "Action={action}&Version={version}&{name}=%c0%af",
    "surrogate": "Action={action}&Version={version}&{name}=%ed%a0%80",
    "nothing": "",
    "no action": "Version={version}&{name}=a",
    "empty action": "Action=&Version={version}&{name}=a",
    "unknown action": "Action=Nonsense&Version={version}",
    "action of another case": "Action={lower}&Version={version}&{name}=a",
    "action of Python": "Action=__class__&Version={version}",
    "separators": "&" * 100_000,
    "JSON": '{{"Action": "{action}"}}',
    "all encoded": "Action={action}&Version={version}&Other=" + "%41" * 300_000,
}
ACTIONS = {
    "sqs": ("CreateQueue", "2012-11-05", "QueueName"),
    "iam": ("CreateUser", "2010-05-08", "UserName"),
    "sts": ("GetSessionToken", "2011-06-15", "DurationSeconds"),
}


@pytest.mark.parametrize("kind", BAD_QUERY)
@pytest.mark.parametrize("service", ACTIONS)
def test_bad_query_is_refused(root, kind, service):
    action, version, name = ACTIONS[service]
    if (service, kind) in {("sts", "many"), ("sts", "all encoded")}:
        action = "CreateUser"  # STS asks for nothing, so what it does not know it may ignore
    body = BAD_QUERY[kind].format(action=action, version=version, name=name, lower=action.lower())
    started = time.monotonic()

    answer = root.query(service, body.encode())

    assert time.monotonic() - started < ANSWER_S_MAX
    assert answer.status in (400, 404)
    assert answer.code or answer.body == b"<UnknownOperationException/>\n"


@pytest.mark.parametrize("index", ["0", "-1", "01", "99999999999999999999", "9" * 5000, "a", "٣", "", "1.1.1"])
def test_index_that_is_none_is_refused(root, index):
    name = f"SendMessageBatchRequestEntry.{index}"
    body = urllib.parse.urlencode(
        {
            "Action": "SendMessageBatch",
            "Version": "2012-11-05",
            f"{name}.Id": "a",
            f"{name}.MessageBody": "a",
        }
    )

    answer = root.query("sqs", body.encode(), QUEUE_PATH)

    assert answer.status == 400


@pytest.mark.parametrize(
    "form",
    [
        "Action=SendMessage&Version=2012-11-05&MessageBody=a&DelaySeconds={}",
        "Action=ReceiveMessage&MaxNumberOfMessages={}",
    ],
)
@pytest.mark.parametrize("number", ["", "x", "1e5", "99999999999999999999", "9" * 5000, "²", "٣", "NaN", "-1", "0x1"])
def test_number_that_is_none_is_refused(root, form, number):
    answer = root.query("sqs", form.format(urllib.parse.quote(number)).encode(), QUEUE_PATH)

    assert answer.status == 400
    assert answer.code in {"MalformedInput", "InvalidParameterValue", "MissingParameter", "ReadCountOutOfRange"}


# CBOR: spoken to CloudWatch alone, which is not here yet


BAD_CBOR = {
    "junk": b"\xff\xff",
    "deep": b"\x81" * 1_000_000,
    "long array": b"\x9b" + b"\xff" * 8,
    "long text": b"\x7b\x7f" + b"\xff" * 7,
    "long bytes": b"\x5b\x00\x00\x00\x7f\xff\xff\xff\xff",
    "number as a name": b"\xa1\x01\x02",
    "big number": b"\xc2\x58\xff" + b"\xff" * 255,
    "pattern": b"\xd8\x23\x62((",
    "shared": b"\xd8\x1c\x81\xd8\x1d\x00",
    "surrogate": b"\xa1\x63\xed\xa0\x80\x01",
    "twice": b"\xa2\x61a\x01\x61a\x02",
    "two documents": b"\xa0\xa0",
    "nothing": b"",
    "elements without end": b"\x9f" + b"\xa0" * 900_000 + b"\xff",
}


@pytest.mark.parametrize("kind", BAD_CBOR)
@pytest.mark.parametrize(("service", "operation"), [("sqs", "CreateQueue"), ("iam", "CreateUser"), ("monitoring", "X")])
def test_cbor_is_refused(root, kind, service, operation):
    started = time.monotonic()

    answer = root.cbor(service, operation, BAD_CBOR[kind])

    assert time.monotonic() - started < ANSWER_S_MAX
    assert answer.status in (400, 404, 501)
    assert answer.code


# Policies, which are JSON in a text


BAD_POLICIES = {
    "twice": '{"Version": "2012-10-17", "Version": "2008-10-17", "Statement": []}',
    "effect twice": '{"Statement": [{"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}]}',
    "effect twice, one escaped": '{"Statement": [{"Effect": "Deny", "\\u0045ffect": "Allow", "Action": "*"}]}',
    "deep": "[" * 5000,
    "deeper": '{"Statement":' * 1000 + "1" + "}" * 1000,
    "long": '{"Statement": "' + "a" * 300_000 + '"}',
    "NaN": '{"Version": NaN, "Statement": []}',
    "1e400": '{"Version": 1e400, "Statement": []}',
    "half a pair": '{"Version": "\\ud800", "Statement": []}',
    "nothing": "",
    "blank": " ",
    "null": "null",
    "list": "[]",
    "number": "1",
    "cut off": '{"Version": "2012-10-17", "Statement": [',
    "XML": "<!DOCTYPE a><a/>",
}


@pytest.mark.parametrize("kind", BAD_POLICIES)
def test_bad_policy_is_refused(root, kind):
    text = BAD_POLICIES[kind]

    bucket = root.ask("PUT", "/kept?policy", {}, text.encode())
    form = {"Action": "CreatePolicy", "Version": "2010-05-08", "PolicyName": "forged", "PolicyDocument": text}
    managed = root.query("iam", urllib.parse.urlencode(form).encode())
    queue = root.call("sqs", "SetQueueAttributes", QueueUrl=QUEUE_URL, Attributes={"Policy": text or " "})

    assert bucket.status == 400
    assert bucket.code in {"MalformedPolicy", "MalformedXML", "MissingRequestBodyError", "InvalidRequest"}
    assert managed.status == 400
    assert managed.code in {"MalformedPolicyDocument", "ValidationError", "MalformedInput"}
    assert queue.status == 400
    assert queue.code == "InvalidAttributeValue"


@pytest.mark.parametrize("kind", BAD_POLICIES)
def test_bad_policy_is_refused_over_grpc(server, kind):
    with server.client() as client, pytest.raises(CumuloError):
        client.iam.create_policy("forged", BAD_POLICIES[kind])


def test_a_redrive_policy_is_read_one_way(root):
    arn = "arn:aws:sqs:us-east-1:000000000000:kept-queue"
    for text in (
        f'{{"maxReceiveCount": 1, "maxReceiveCount": 1000, "deadLetterTargetArn": "{arn}"}}',
        f'{{"maxReceiveCount": 1e400, "deadLetterTargetArn": "{arn}"}}',
        f'{{"maxReceiveCount": NaN, "deadLetterTargetArn": "{arn}"}}',
        "[" * 10_000,
    ):
        answer = root.call("sqs", "SetQueueAttributes", QueueUrl=QUEUE_URL, Attributes={"RedrivePolicy": text})
        assert answer.refusal == (400, "InvalidAttributeValue")


def test_anonymous_large_body_does_not_stop_the_others(root):
    """Whoever signs nothing may send much, but the others' answers must not wait for the reading of it."""
    bodies = {
        "/": b'{"QueueUrl": "' + QUEUE_URL.encode() + b'", "Other": [' + b"{}," * 2_000_000 + b"{}]}",
        f"{QUEUE_PATH}?Action=SendMessage&Version=2012-11-05": b"a=" + b"%41" * 2_000_000,
    }
    for target, body in bodies.items():
        kind = ("x-amz-target", "AmazonSQS.SendMessage") if target == "/" else ("content-type", QUERY_TYPE)
        started = time.monotonic()
        answer = root.send("POST", target, (kind,), body)
        assert answer.status in (400, 403, 413)
        assert time.monotonic() - started < ANSWER_S_MAX, json.dumps(target)
