"""HTTP endpoints of topics against a real server: signatures by the served certificate, links, and a server that dies.

What the endpoint is sent is read by the standard library's HTTP server, and verified as SNS's developer guide says.
"""

import base64
import contextlib
import json
import queue
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from cumulo.testing import Server
from tests.server.running import end_of, value_of

LIMIT_S = 60
"""A server that was killed goes on with a delivery 30 s later."""
OF_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
OF_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


class Endpoint:
    """An HTTP server that puts the documents that it is sent into `documents`, with their headers."""

    def __init__(self):
        self.documents: queue.Queue[tuple[dict[str, str], dict[str, str]]] = queue.Queue()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.documents.put((dict(self.headers), json.loads(body)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def next(self):
        return self.documents.get(timeout=LIMIT_S)[1]


@pytest.fixture
def endpoint():
    with Endpoint() as endpoint:
        yield endpoint


def fetched(url):
    with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
        return answer.read()


def refused(url):
    """Return status and body of a refusal."""
    with pytest.raises(urllib.error.HTTPError) as refusal:
        fetched(url)
    with refusal.value as answer:
        return answer.code, answer.read()


def verify(document):
    """Raise unless the served certificate says that the document is the server's."""
    certificate = x509.load_pem_x509_certificate(fetched(document["SigningCertURL"]))
    names = OF_NOTIFICATION if document["Type"] == "Notification" else OF_CONFIRMATION
    text = "".join(f"{name}\n{document[name]}\n" for name in names if name in document)
    digest = {"1": hashes.SHA1, "2": hashes.SHA256}[document["SignatureVersion"]]()
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    key.verify(base64.b64decode(document["Signature"]), text.encode(), PKCS1v15(), digest)


@pytest.mark.parametrize("version", ["1", "2"])
def test_documents_are_verified_by_the_certificate_that_the_server_serves(server, endpoint, version):
    sns = server.boto3("sns")
    topic = sns.create_topic(Name=f"signed-{version}", Attributes={"SignatureVersion": version})["TopicArn"]
    arn = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url, ReturnSubscriptionArn=True)
    asked = endpoint.next()
    verify(asked)

    fetched(asked["SubscribeURL"])
    sns.publish(TopicArn=topic, Message="grüße", Subject="subject")
    notified = endpoint.next()

    verify(notified)
    assert (asked["Type"], notified["Type"]) == ("SubscriptionConfirmation", "Notification")
    assert (asked["SignatureVersion"], notified["SignatureVersion"]) == (version, version)
    assert notified["Message"] == "grüße"
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn["SubscriptionArn"])["Attributes"]
    assert (attributes["PendingConfirmation"], attributes["ConfirmationWasAuthenticated"]) == ("false", "false")
    assert value_of(server, "cumulo_topic_deliveries_total", protocol="http", outcome="delivered") >= 2


def test_link_in_a_document_ends_the_subscription(server, endpoint):
    sns = server.boto3("sns")
    topic = sns.create_topic(Name="ended")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    fetched(endpoint.next()["SubscribeURL"])
    sns.publish(TopicArn=topic, Message="hello")

    fetched(endpoint.next()["UnsubscribeURL"])

    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_link_does_not_end_a_subscription_that_only_its_owner_may_end(server, endpoint):
    sns = server.boto3("sns")
    topic = sns.create_topic(Name="kept")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    token = endpoint.next()["Token"]
    sns.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")
    sns.publish(TopicArn=topic, Message="hello")

    status, _ = refused(endpoint.next()["UnsubscribeURL"])

    assert status == 403
    assert len(sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 1


def test_link_with_a_forged_token_is_refused(server, endpoint):
    sns = server.boto3("sns")
    topic = sns.create_topic(Name="forged")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    url = endpoint.next()["SubscribeURL"]

    status, body = refused(url[:-2] + ("aa" if not url.endswith("aa") else "bb"))

    assert status == 400
    assert b"<Code>InvalidParameter</Code>" in body


@pytest.mark.long
@pytest.mark.parametrize("failpoint", ["topic.before_carrying", "topic.after_carrying"])
def test_server_that_dies_between_publish_and_delivery_delivers_after_its_restart(tmp_path, endpoint, failpoint):
    with Server(tmp_path / "data") as server:
        sns = server.boto3("sns")
        topic = sns.create_topic(Name="news")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
        fetched(endpoint.next()["SubscribeURL"])
    with Server(tmp_path / "data", environment={"CUMULO_FAILPOINTS": f"{failpoint}=crash"}) as server:
        with contextlib.suppress(BotoCoreError):  # it may die before it answers: the message is durable by then
            server.boto3("sns").publish(TopicArn=topic, Message="hello")
        end_of(server)

    with Server(tmp_path / "data"):
        found = [endpoint.next() for _ in range(2 if failpoint == "topic.after_carrying" else 1)]

    assert {it["Message"] for it in found} == {"hello"}
    assert len({it["MessageId"] for it in found}) == 1


def test_mail_that_nobody_sends_is_shown_with_its_link(server, client, cumulo):
    sns = server.boto3("sns")
    topic = sns.create_topic(Name="mailed")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="who@example.org")
    wait_for(lambda: value_of(server, "cumulo_topic_deliveries_total", protocol="email", outcome="delivered"))

    listed = cumulo("outgoing", "--data", str(server.data), "-o", "json")
    shown = cumulo("outgoing", "--data", str(server.data))

    (mail,) = (it for it in json.loads(listed.stdout) if it["topic_arn"] == topic)
    assert mail["link"] in shown.stdout
    fetched(mail["link"])
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]["SubscriptionArn"].startswith(topic)
    assert refused(server.url + "/_cumulo/outgoing")[0] == 403
    token = client.iam.issue_token().token
    request = urllib.request.Request(server.url + "/_cumulo/outgoing", headers={"authorization": f"Bearer {token}"})
    assert mail in json.loads(fetched(request))["messages"]


def wait_for(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.long
def test_server_that_is_killed_again_and_again_delivers_everything_that_it_took(tmp_path, endpoint):
    data = tmp_path / "data"
    with Server(data) as server:
        sns = server.boto3("sns")
        topic = sns.create_topic(Name="news")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
        fetched(endpoint.next()["SubscribeURL"])
    taken: set[str] = set()

    for cycle in range(5):
        server = Server(data)
        server.start()
        killer = threading.Timer(0.3 + cycle * 0.2, server.kill)
        killer.start()
        sns = server.boto3("sns", config=Config(retries={"total_max_attempts": 1}))
        with contextlib.suppress(BotoCoreError):
            while True:
                taken.add(sns.publish(TopicArn=topic, Message=str(len(taken)))["MessageId"])
        sns.close()
        killer.join()

    delivered: set[str] = set()
    with Server(data):
        while not taken <= delivered:
            delivered.add(endpoint.next()["MessageId"])
    assert len(taken) > 20
