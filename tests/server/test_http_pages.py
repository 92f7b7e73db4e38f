"""What the HTTP port serves, and that it gives nothing away."""

import http.client
import json
import urllib.parse

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.server.running import value_of

LIMIT_S = 10


def ask(server, method, path, headers=()):
    """Make one request; return the answer with its body."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc, timeout=LIMIT_S)
    try:
        connection.request(method, path, headers=dict(headers))
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/_cumulo/health/live", 200, b"ok\n"),
        ("GET", "/_cumulo/health/ready", 200, b"ready\n"),
        ("HEAD", "/_cumulo/health/ready", 200, b""),
        ("GET", "/_cumulo/health/ready?x=y", 200, b"ready\n"),
        ("GET", "/_cumulo/no/such/page", 404, b"no such page\n"),
        ("GET", "/_cumulo/", 404, b"no such page\n"),
        ("GET", "/_cumulo/health/../health/live", 404, b"no such page\n"),
        ("DELETE", "/_cumulo/health/live", 405, b"GET and HEAD are allowed here\n"),
        ("GET", "/_cumulo/check", 405, b"POST is allowed here\n"),
    ],
)
def test_own_pages(server, method, path, status, body):
    answer, found = ask(server, method, path)

    assert (answer.status, found) == (status, body)


@pytest.mark.parametrize("path", ["/", "/bucket/key", "/metrics", "/health", "/console/x", "/healthz"])
def test_every_other_path_is_s3_and_nobody_may_without_a_signature(server, path):
    answer, body = ask(server, "GET", path)

    assert answer.status in (403, 404)
    assert answer.getheader("content-type") == "application/xml"
    assert b"<Code>AccessDenied</Code>" in body or b"<Code>NoSuchBucket</Code>" in body


def test_path_cannot_break_out_of_the_error(server):
    _, body = ask(server, "GET", "/<script>&amp;")

    assert b"<script>" not in body


def test_localstack_health_is_answered_for_drop_in_set_ups(server):
    answer, body = ask(server, "GET", "/_localstack/health")

    assert answer.status == 200
    assert json.loads(body)["edition"] == "cumulo"
    assert json.loads(body)["services"]["s3"] == json.loads(body)["services"]["sqs"] == "available"


def test_metrics_are_openmetrics_and_count_calls(server, client):
    client.iam.whoami()

    answer, body = ask(server, "GET", "/_cumulo/metrics")

    assert answer.getheader("content-type", "").startswith("application/openmetrics-text")
    families = {family.name: family for family in text_string_to_metric_families(body.decode())}
    calls = {sample.labels["operation"]: sample.value for sample in families["cumulo_rpc_requests"].samples}
    assert calls["GetCallerIdentity"] >= 1
    assert {"cumulo_rpc_duration_seconds", "cumulo_parked_receivers", "cumulo_engine_commits"} <= set(families)


def test_metrics_show_the_scrub(server):
    assert value_of(server, "cumulo_scrub_bytes_total") == 0
    assert value_of(server, 'cumulo_replications_total{status="failed"}') == 0
    assert value_of(server, "cumulo_replication_keys") == 0
    assert value_of(server, "cumulo_replication_lag_seconds") == 0
    assert value_of(server, "cumulo_blobs_damaged") == 0


def test_metrics_and_health_give_no_name_and_no_secret_away(server, client):
    client.queue("a-secret-project").create()
    secret = server.credentials

    for path in ("/_cumulo/metrics", "/_cumulo/health/ready", "/_localstack/health", "/_cumulo/no"):
        _, body = ask(server, "GET", path)
        for word in (secret["access_key_id"], secret["secret_access_key"], "a-secret-project", str(server.data)):
            assert word.encode() not in body


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "MissingAuthenticationToken"),
        ({"Authorization": "Basic eDp5"}, "MissingAuthenticationToken"),
        ({"Authorization": "Bearer x"}, "InvalidClientTokenId"),
    ],
)
def test_check_needs_a_token(server, headers, code):
    answer, body = ask(server, "POST", "/_cumulo/check", headers)

    assert answer.status == 403
    assert json.loads(body)["code"] == code


def test_check_needs_permission_and_answers_root(server, client):
    client.iam.create_user("nobody")
    key = client.iam.create_access_key("nobody")
    with server.client(access_key_id=key.access_key_id, secret_access_key=key.secret_access_key) as nobody:
        token = nobody.iam.issue_token().token

    refused, why = ask(server, "POST", "/_cumulo/check", {"Authorization": f"Bearer {token}"})
    root = client.iam.issue_token().token
    allowed, found = ask(server, "POST", "/_cumulo/check", {"Authorization": f"Bearer {root}"})

    assert refused.status == 403
    assert json.loads(why)["code"] == "AccessDenied"
    assert (allowed.status, json.loads(found)) == (200, {"problems": []})


def test_metrics_name_the_largest_queues_to_who_may_read_them(server, client):
    name = "a-queue-with-figures"
    queue = client.queue(name).create()
    client.queue(name).send("a")
    token = client.iam.issue_token().token

    answer, body = ask(server, "GET", "/_cumulo/metrics", {"authorization": f"Bearer {token}"})
    _, unnamed = ask(server, "GET", "/_cumulo/metrics")

    assert answer.status == 200
    figures = {
        family.name: {sample.labels["queue"]: sample for sample in family.samples}
        for family in text_string_to_metric_families(body.decode())
        if family.name.startswith("cumulo_queue_")
    }
    visible = figures["cumulo_queue_messages_visible"][name]
    assert visible.value == 1
    assert visible.labels == {"account": queue.arn.split(":")[4], "region": "us-east-1", "queue": name}
    assert figures["cumulo_queue_oldest_message_age_seconds"][name].value >= 0
    assert figures["cumulo_queue_lag_seconds"][name].value >= 0
    assert figures["cumulo_queue_noisy_groups"][name].value == 0
    assert figures["cumulo_queue_messages_visible_in_quiet_groups"][name].value == 1
    assert name.encode() not in unnamed


def test_metrics_of_queues_are_refused_to_who_may_not_read_them(server, client):
    client.iam.create_user("scraper")
    key = client.iam.create_access_key("scraper")
    with server.client(access_key_id=key.access_key_id, secret_access_key=key.secret_access_key) as scraper:
        token = scraper.iam.issue_token().token

    refused, _ = ask(server, "GET", "/_cumulo/metrics", {"authorization": f"Bearer {token}"})
    forged, _ = ask(server, "GET", "/_cumulo/metrics", {"authorization": "Bearer x"})

    assert (refused.status, forged.status) == (403, 403)
