"""What is signed is what is served, and names are data (rows 11, 56): keys come back as sent, paths lead nowhere."""

import urllib.parse

import pytest
from lxml import etree

from cumulo.client.errors import CumuloError
from tests.attacks.attacker import Answer, names_in, quoted

pytestmark = pytest.mark.usefixtures("unchanged")
KEYS = [
    b"..",
    b".",
    b"../../etc/passwd",
    b"a/../b",
    b"a/./b",
    b"a//b",
    b"/a",
    b"//a",
    b"a/",
    b"/",
    b"a%2Fb",
    b"a%2fb",
    b"%2e%2e/x",
    b"%00",
    b"a\x00b",
    b"\x00",
    b"\r\nset-cookie: a=b",
    b"\x01\x1f\x7f",
    b"a+b c",
    b"a%20b",
    b"a?b#c",
    b"a&b=c",
    b"<a>&amp;'\"",
    b"\\..\\..\\windows",
    b"C:\\a",
    "é".encode(),
    "e\u0301".encode(),
    "\u202eevil".encode(),
    "\ufeffbom".encode(),
    "\uffff".encode(),
    "\U0010ffff".encode(),
    b" ",
    b" a ",
    b"?uploads",
    b"_cumulo/metrics",
    b"a" * 1024,
]


@pytest.fixture(scope="module")
def bucket(root, unchanged):
    assert root.ask("PUT", "/names").status == 200
    yield "names"
    assert root.ask("DELETE", "/names").status == 204


@pytest.mark.parametrize("key", KEYS, ids=lambda key: repr(key[:30]))
def test_key_is_put_listed_got_and_deleted_byte_for_byte(root, bucket, key):
    target = f"/{bucket}/{quoted(key)}"

    assert root.ask("PUT", target, body=key).status == 200
    listed = root.ask("GET", f"/{bucket}?list-type=2&encoding-type=url")
    got = root.ask("GET", target)
    head = root.ask("HEAD", target)
    copied = root.ask("PUT", f"/{bucket}/copy", {"x-amz-copy-source": f"/{bucket}/{quoted(key)}"})
    copy = root.ask("GET", f"/{bucket}/copy")
    assert root.ask("DELETE", f"/{bucket}/copy").status == 204
    deleted = root.ask("DELETE", target)

    assert [urllib.parse.unquote_to_bytes(it.replace("+", "%20")) for it in names_in(listed, "Contents/{*}Key")] == [
        key
    ]
    assert (got.status, got.body) == (200, key)
    assert (head.status, head.headers["content-length"]) == (200, str(len(key)))
    assert (copied.status, copy.body) == (200, key)
    assert deleted.status == 204
    assert root.ask("GET", target).refusal == (404, "NoSuchKey")
    assert names_in(root.ask("GET", f"/{bucket}?list-type=2"), "Contents/{*}Key") == []


@pytest.mark.parametrize("key", [key for key in KEYS if b"\x00" not in key], ids=lambda key: repr(key[:30]))
def test_key_is_the_same_over_grpc(server, root, bucket, key):
    name = key.decode()
    with server.client() as client:
        client.bucket(bucket).put(name, key)
        try:
            assert root.ask("GET", f"/{bucket}/{quoted(key)}").body == key
            assert [it.key for it in client.bucket(bucket).list()] == [name]
        finally:
            client.bucket(bucket).delete(name)


def test_nothing_is_stored_outside_the_data_folder_nor_under_a_clients_name(server, root, bucket):
    names = [b"../../../../../../../../tmp/escaped", b"..%2f..%2fescaped", b"escaped\x00.txt"]
    for name in names:
        assert root.ask("PUT", f"/{bucket}/{quoted(name)}", body=b"x" * 200_000).status == 200

    assert [path for path in server.data.rglob("*") if "escaped" in path.name] == []
    assert [path for path in server.data.parent.iterdir() if path != server.data] == []

    for name in names:
        assert root.ask("DELETE", f"/{bucket}/{quoted(name)}").status == 204


@pytest.mark.parametrize(
    ("signed", "sent"),
    [
        ("/kept/a%2Fb", "/kept/a/b"),
        ("/kept/a/b", "/kept/a%2Fb"),
        ("/kept/a/b", "/kept/a//b"),
        ("/kept//a", "/kept/a"),
        ("/kept/a/../object", "/kept/object"),
        ("/kept/./object", "/kept/object"),
        ("/kept/object", "/kept/./object"),
        ("/kept/object", "/kept/x/../object"),
        ("/kept/object", "/kept/%2e%2e/kept/object"),
        ("/kept/a+b", "/kept/a%20b"),
        ("/kept/a%20b", "/kept/a+b"),
        ("/kept/object", "/kept/object/"),
        ("/kept/object", "/kept/Object"),
        ("/kept/object", "/kept/object%00"),
        ("/kept/object", "/kept/object?versionId=null"),
        ("/kept/object?tagging", "/kept/object"),
        ("/kept/object", "/kept/object?tagging"),
        ("/kept/object?partNumber=1", "/kept/object?partNumber=2"),
        ("/kept/object", "/kept/object?response-content-type=text/html"),
        ("/kept/object", "/kept/object?x-amz-acl=public-read"),
        ("/kept/object?a=%2520", "/kept/object?a=%20"),
        ("/kept/%25%32%65", "/kept/%2e"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_target_other_than_the_signed_one_is_refused(root, method, signed, sent):
    answer = root.send(method, sent, root.sign(method, signed))
    assert answer.refusal == (403, "SignatureDoesNotMatch")

    presigned = root.presign(method, signed).partition("X-Amz-Algorithm")[2]
    joint = "&" if "?" in sent else "?"
    answer = root.send(method, f"{sent}{joint}X-Amz-Algorithm{presigned}")
    assert answer.refusal == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    "query",
    [
        "versionId=null&versionId=x",
        "acl&acl",
        "uploads&delete",
        "partNumber=1&partNumber=2&uploadId=x",
        "list-type=2&list-type=1",
        "prefix=a&pre%66ix=b",
        "tagging&acl",
        "response-content-type=a&response-content-type=b",
    ],
)
def test_parameter_that_comes_twice_is_refused(root, query):
    for path in ("/kept", "/kept/object"):
        answer = root.ask("GET", f"{path}?{query}")
        assert answer.status == 400
        assert answer.code in {"InvalidURI", "InvalidArgument"}


@pytest.mark.parametrize(
    "path",
    [
        "/kept/%",
        "/kept/%zz",
        "/kept/%f",
        "/kept/%ff",
        "/kept/%c0%ae%c0%ae",
        "/kept/%ed%a0%80",
        "/%c0%afkept",
        "/kept?%zz",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_path_that_is_no_text_is_refused(root, method, path):
    answer = root.ask(method, path)

    assert answer.refusal == (400, "InvalidURI")


@pytest.mark.parametrize(
    "name", ["..", ".", "%2e%2e", "..%2F..", "%00", "a%00b", "_cumulo", "A", "a" * 64, "%2F", "..%5c.."]
)
def test_bucket_that_no_name_can_be_is_not_made(root, name):
    assert root.ask("PUT", f"/{name}").status in (400, 403, 404, 405, 501)
    assert root.ask("DELETE", f"/{name}").status in (400, 403, 404, 405, 501)


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "\x00", "a\x00b", "*", "%2e%2e", "a" * 200, "x\r\ny", "${aws:username}", ""]
)
def test_name_of_a_user_queue_or_bucket_leads_nowhere(server, root, name):
    user = root.call("iam", "CreateUser", UserName=name)
    queue = root.call("sqs", "CreateQueue", QueueName=name)

    assert user.status == 400
    assert queue.status == 400
    with server.client() as client:
        with pytest.raises(CumuloError):
            client.iam.create_user(name)
        with pytest.raises(CumuloError):
            client.queue(name, create=True)
        with pytest.raises(CumuloError):
            client.bucket(name, create=True)


@pytest.mark.parametrize("name", ["..", ".", "=", "-", "a@b"])
def test_user_may_be_called_by_a_word_of_paths(root, name):
    """AWS allows these; they are names and nothing else."""
    assert root.call("iam", "CreateUser", UserName=name).status == 200
    assert f"<UserName>{name}</UserName>".encode() in root.call("iam", "GetUser", UserName=name).body
    assert root.call("iam", "DeleteUser", UserName=name).status == 200


@pytest.mark.parametrize("account", ["..", "000000000000/..", "%2e%2e", "0", "*", "111111111111"])
def test_queue_of_another_place_is_not_reached(root, account):
    for url in (f"http://x/{account}/kept-queue", f"{account}/kept-queue", f"http://x/queue/{account}/kept-queue"):
        answer = root.call("sqs", "PurgeQueue", QueueUrl=url)
        assert answer.status in (400, 403, 404)


@pytest.mark.parametrize("host", ["kept.localhost", "kept.s3.localhost", "KEPT.localhost", "a.b.localhost"])
def test_host_that_names_a_bucket_and_a_path_that_names_another_mean_the_hosts(root, host):
    port = root.place.rpartition(":")[2]

    lines = root.sign("PUT", "/kept/object", {"host": f"{host}:{port}"}, b"x")
    answer = root.send("DELETE", "/kept/object", lines, b"x")
    assert answer.refusal == (403, "SignatureDoesNotMatch")
    gone = root.ask("DELETE", "/kept/object", {"host": f"{host}:{port}"})
    assert gone.status in (204, 404)  # of the key `kept/object` in the host's bucket, which is not there
    assert root.ask("GET", "/kept/object").body == b"as it was"


@pytest.mark.parametrize("target", ["http://evil/kept/object", "//evil/kept/object", "*", "kept/object", "http://"])
def test_target_that_is_no_path_of_ours_is_refused(root, target):
    answer = root.send("DELETE", target, root.sign("DELETE", "/kept/object"))

    assert answer.status in (400, 403)


@pytest.mark.parametrize("value", ["a\r\nset-cookie: b=c", "a\nb", "a\rb", "a\x00b", "\x7f", "€"])
@pytest.mark.parametrize("name", ["response-content-type", "response-content-disposition", "response-cache-control"])
def test_header_of_an_answer_holds_no_line_break(root, name, value):
    answer = root.ask("GET", f"/kept/object?{name}={quoted(value.encode())}")

    assert answer.refusal == (400, "InvalidArgument")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("value", ["a\r\nset-cookie: b=c", "a\nb", "a\x00b", "\x7f"])
@pytest.mark.parametrize("name", ["x-amz-meta-a", "x-amz-meta-a%0d%0ab", "x-amz-acl", "x-amz-storage-class"])
def test_header_in_a_presigned_query_holds_no_line_break(root, name, value):
    target = root.presign("PUT", f"/kept/forged?{name}={quoted(value.encode())}")

    answer = root.send("PUT", target, body=b"x")

    assert answer.status in (400, 403, 501), answer
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "a.localhost", "[::1]:4566", "000000000000"])
def test_queue_url_repeats_the_host_that_its_own_caller_signed(root, host):
    answer = root.ask(
        "POST",
        "/",
        {"host": host, "x-amz-target": "AmazonSQS.GetQueueUrl"},
        b'{"QueueName": "kept-queue"}',
        service="sqs",
    )
    other = root.call("sqs", "GetQueueUrl", QueueName="kept-queue")

    assert f'"http://{host}/000000000000/kept-queue"'.encode() in answer.body
    assert f'"http://{root.place}/000000000000/kept-queue"'.encode() in other.body


@pytest.mark.parametrize("host", ["a b", "a/b", 'a"b', "a<b>", "a@b", "a?b", "a#b", "a\\b", "é", "a,b"])
def test_host_that_is_none_is_refused(root, host):
    answer = root.send("GET", "/", (("host", host),))

    assert answer.status == 400


def test_refusal_repeats_what_was_sent_as_text_only(root):
    """A browser that is led here must not run what the address says."""
    for target in ("/kept/%3Cscript%3E", "/%3Cscript%3E", "/kept?%3Cscript%3E=1&list-type=%3Cscript%3E"):
        answer: Answer = root.ask("GET", target)
        assert b"<script" not in answer.body
        if answer.status >= 400:
            assert answer.headers["content-type"] == "application/xml"
            assert etree.fromstring(answer.body).tag == "Error"
