"""What nobody may learn (row 42): no page, metric, error, log line or health call gives away what it should not."""

import json
import os
import re
import urllib.parse
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2

from cumulo.client.errors import CumuloError
from tests.attacks.attacker import request
from tests.attacks.calls import CALLS

PAGES = [
    "/_cumulo/health/live",
    "/_cumulo/health/ready",
    "/_cumulo/metrics",
    "/_localstack/health",
    "/_cumulo/check",
    "/_cumulo/",
    "/_cumulo",
    "/_cumulo/config",
    "/_cumulo/env",
    "/_cumulo/debug",
    "/_cumulo/debug/pprof/profile",
    "/_cumulo/../secrets/root_credentials.json",
    "/_cumulo/%2e%2e/secrets/root_credentials.json",
    "/_cumulo/..%2fsecrets%2froot_credentials.json",
    "/_localstack/init",
    "/_localstack/diagnose",
    "/_localstack/config",
    "/secrets/root_credentials.json",
    "/minio/bootstrap/v1/verify",
    "/minio/health/cluster",
    "/metrics",
    "/health",
    "/healthz",
    "/debug/vars",
    "/debug/pprof/",
    "/actuator/env",
    "/.env",
    "/.git/config",
    "/latest/meta-data/iam/security-credentials/",
    "/server-status",
    "/swagger.json",
    "/api/definitions",
]
METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "TRACE", "PATCH"]


@pytest.fixture(scope="module")
def private(server, root, make_user):
    """Texts that stand nowhere but where they belong."""
    keeper = make_user("keeper")
    root.call("iam", "PutUserPolicy", UserName="keeper", PolicyName="p", PolicyDocument=POLICY)
    root.ask("PUT", "/kept/private-key-name", {"x-amz-meta-a": "private-metadata"}, b"private-content")
    with server.client() as client:
        token = client.iam.issue_token().token
    yield [
        root.secret,
        keeper.secret,
        token,
        "private-key-name",
        "private-metadata",
        "private-content",
        "private-statement",
        str(server.data),
        os.environ.get("HOME", "/home"),
        *[text for path in sorted((server.data / "secrets").rglob("*")) for text in secrets_in(path)],
    ]
    root.ask("DELETE", "/kept/private-key-name")
    for name in ("all", "p"):
        root.call("iam", "DeleteUserPolicy", UserName="keeper", PolicyName=name)
    root.call("iam", "DeleteAccessKey", UserName="keeper", AccessKeyId=keeper.key_id)
    root.call("iam", "DeleteUser", UserName="keeper")


POLICY = '{"Version":"2012-10-17","Statement":[{"Sid":"privatestatement","Effect":"Deny","Action":"*","Resource":"*"}]}'


@pytest.fixture(scope="module")
def make_user(root):
    """As for everybody, but for the whole module."""
    from tests.attacks.conftest import with_key

    def make(name):
        assert root.call("iam", "CreateUser", UserName=name).status == 200
        return with_key(root, name)

    return make


def secrets_in(path):
    """Return long words of a file of secrets, as text and in hexadecimal."""
    if not path.is_file():
        return []
    content = path.read_bytes()
    words = re.findall(rb"[A-Za-z0-9+/=_-]{24,}", content)
    return [word.decode() for word in words] or [content.hex()]


def gives_away(private, *said):
    return [text[:6] for text in private for one in said if text in one]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_tells_more_than_it_must(root, private, path):
    sent = b"".join(request(method, path, [("host", root.place)]) for method in METHODS)

    for answer in root.exchange(sent, *METHODS):
        said = answer.body.decode("utf-8", "replace") + str(answer.headers)
        assert gives_away(private, said) == []
        assert "Traceback" not in said
        assert "server" not in answer.headers


def test_health_names_services_and_version_only(root):
    said = json.loads(root.send("GET", "/_localstack/health").body)

    assert set(said) == {"services", "edition", "version"}
    assert set(said["services"].values()) == {"available"}


def test_metrics_have_no_label_but_services_operations_and_states(root, private):
    root.ask("GET", "/kept/private-key-name")
    root.call("iam", "GetUser", UserName="keeper")
    root.ask("POST", "/", {"x-amz-target": "AmazonSQS.private-key-name"}, b"{}", service="sqs")
    root.send("GET", "/private-key-name?Action=private-key-name&Version=2010-05-08")
    root.ask("GET", "/", service="s3", scope_service="private-key-name")

    text = root.send("GET", "/_cumulo/metrics").body.decode()

    labels = set(re.findall(r'[{,]([a-z_]+)="', text))
    assert labels <= {
        "service",
        "operation",
        "status",
        "le",
        "version",
        "implementation",
        "major",
        "minor",
        "patchlevel",
        "generation",
        "kind",
        "state",
        "engine",
        "room",
        "reason",
    }
    assert gives_away(private, text) == []
    assert root.key_id not in text


@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer x", "Bearer " + "a.b.c", "Basic eDp5", "Bearer " + "x" * 10_000]
)
def test_check_of_the_data_is_the_owners(root, private, header):
    lines = [] if header is None else [("authorization", header)]

    answer = root.send("POST", "/_cumulo/check", lines)

    assert answer.status in (401, 403)
    assert set(json.loads(answer.body)) == {"code", "message"}
    assert gives_away(private, answer.body.decode()) == []


def test_check_is_refused_to_users_without_permission(server, root, make_user):
    user = make_user("onlooker")
    try:
        with server.client(access_key_id=user.key_id, secret_access_key=user.secret) as client:
            token = client.iam.issue_token().token
        answer = root.send("POST", "/_cumulo/check", [("authorization", f"Bearer {token}")])
        assert answer.status == 403
    finally:
        root.call("iam", "DeleteAccessKey", UserName="onlooker", AccessKeyId=user.key_id)
        root.call("iam", "DeleteUser", UserName="onlooker")


def test_health_over_grpc_says_a_state_and_nothing_else(server):
    with grpc.insecure_channel(server.target) as channel:
        check: Any = channel.unary_unary("/grpc.health.v1.Health/Check")
        assert check(b"") == b"\x08\x01"  # SERVING
        with pytest.raises(grpc.RpcError) as caught:
            check(health_pb2.HealthCheckRequest(service="cumulo.secrets").SerializeToString())
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_stranger_learns_nothing_from_refusals(server, root, private):
    """What is and what is not there is refused in the same words to whoever may not look."""
    stranger = root.whose("AKIANOBODYNOBODYNOBO", "guessed")
    answers = [stranger.ask("GET", path) for path in ("/kept/object", "/kept/nothing", "/not-there/object")]
    assert {answer.refusal for answer in answers} == {(403, "InvalidAccessKeyId")}
    anonymous = [root.send("GET", path) for path in ("/kept/object", "/kept/nothing", "/kept/private-key-name")]
    assert {answer.refusal for answer in anonymous} == {(403, "AccessDenied")}
    said = [answer.body.decode() for answer in (*answers, *anonymous)]
    assert gives_away([text for text in private if text != "private-key-name"], *said) == []
    with (
        server.client(access_key_id="AKIANOBODYNOBODYNOBO", secret_access_key="guessed") as client,
        pytest.raises(CumuloError) as caught,
    ):
        client.bucket("kept").get("object")
    assert gives_away(private, str(caught.value)) == []


@pytest.mark.parametrize("name", CALLS)
def test_refusal_of_a_signature_shows_neither_secret_nor_the_right_signature(root, name):
    call = CALLS[name]
    lines = dict(call.signed(root))
    right = lines["authorization"].rpartition("=")[2]
    lines["authorization"] = lines["authorization"].replace(right, "0" * 64)

    answer = call.send(root, lines.items())

    assert answer.status in (400, 403)
    for text in (root.secret, right, urllib.parse.quote(root.secret)):
        assert text.encode() not in answer.body


def test_refusals_are_logged_with_who_and_why_and_without_secrets(server, root, private):
    nobody = root.whose("AKIANOBODYNOBODYNOBO", "a-secret-of-nobody")
    ids = {}
    for name, call in CALLS.items():
        lines = (*call.signed(root, secret="guessed-secret"), ("cookie", "private-cookie"))
        answer = call.send(root, lines)
        ids[answer.headers.get("x-amz-request-id") or answer.headers["x-amzn-requestid"]] = (name, root.key_id)
        answer = call.send_presigned(nobody, call.presigned(nobody))
        ids[answer.headers.get("x-amz-request-id") or answer.headers["x-amzn-requestid"]] = (name, nobody.key_id)
    with server.client(secret_access_key="guessed-secret") as client, pytest.raises(CumuloError):
        client.iam.whoami()

    output = server.output
    logged = {}
    for line in output.splitlines():
        if line.startswith("{"):
            said = json.loads(line)
            logged[said.get("request_id", "")] = said
    for request_id, (name, key_id) in ids.items():
        assert logged[request_id]["message"].startswith("refused: "), name
        assert logged[request_id]["peer"] == "127.0.0.1"
        assert logged[request_id]["access_key_id"] == key_id
    assert any(it.get("logger") == "cumulo.rpc" and it["message"].startswith("refused: ") for it in logged.values())
    for text in (*private, "guessed-secret", "a-secret-of-nobody", "private-cookie"):
        if text not in (str(server.data), "private-key-name", os.environ.get("HOME", "/home")):
            assert text not in output, text[:6]


def test_log_holds_one_line_a_record_whatever_a_client_writes(server, root):
    for text in ("%0d%0a%7B%22level%22:%22error%22%7D", "%1b%5b31m", "%e2%80%a8"):
        root.send("GET", f"/kept/{text}")
        root.ask("GET", f"/kept/{text}", {"user-agent": "x\x1b[31m"}, secret="guessed")

    for line in server.output.splitlines():
        assert "\x1b" not in line
        if line.startswith("{"):
            assert json.loads(line)["logger"]
