"""E-mail and SMS of topics: what they say, where they are recorded, and how mail is handed to a server."""

import asyncio
import contextlib
import datetime as dt
import json
import ssl
from email import message_from_bytes, policy

import pytest

from cumulo.core.clocks import ManualClock
from cumulo.gateway.outgoing_http import Forbidden, Unreachable
from cumulo.gateway.outgoing_mail import MailServer, OutgoingMail
from cumulo.queue_service import topic_model as topics
from cumulo.queue_service.endpoint_delivery import NotTaken, Parcel
from cumulo.queue_service.mail_carrier import MailCarrier, SmsCarrier
from cumulo.queue_service.outgoing_folder import OutgoingFolder, files, newest
from cumulo.server.tls import dev_certificate
from tests.queue_service.test_topics import Topics

TOPIC = "arn:aws:sns:us-east-1:000000000000:news"
ENTRY = Parcel(
    kind="Notification",
    protocol="email",
    endpoint="who@example.org",
    message_id="11111111-2222-3333-4444-555555555555",
    topic_arn=TOPIC,
    subscription_arn=f"{TOPIC}:66666666-7777-8888-9999-000000000000",
    body='{\n  "Type" : "Notification"\n}',
    text="grüße",
    subject="subject",
    link="http://127.0.0.1:4566/?Action=Unsubscribe",
    raw=False,
    content_type="text/plain; charset=UTF-8",
    display_name="News",
    published_ms=1_700_000_000_000,
)


class MailServerOfTests:
    """Takes mail as RFC 5321 says, or refuses with the given replies to certain commands."""

    def __init__(self, tls=None, **replies):
        self.tls = tls
        self.replies = replies
        self.commands = []
        self.mails = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        writer.write(b"220 ready\r\n")
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                command = line.decode().strip()
                self.commands.append(command)
                verb = command.partition(" ")[0].upper()
                if verb in self.replies:
                    writer.write(f"{self.replies[verb]} no\r\n".encode())
                elif verb == "EHLO":
                    writer.write(b"250-here\r\n250-AUTH PLAIN\r\n250-SMTPUTF8\r\n250 STARTTLS\r\n")
                elif verb == "STARTTLS":
                    writer.write(b"220 go\r\n")
                    await writer.drain()
                    await writer.start_tls(self.tls)
                elif verb == "AUTH":
                    writer.write(b"235 yes\r\n")
                elif verb == "DATA":
                    writer.write(b"354 go\r\n")
                    self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                    writer.write(b"250 taken\r\n")
                elif verb == "QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    writer.write(b"250 good\r\n")
                await writer.drain()
        writer.close()

    def mail(self):
        return message_from_bytes(self.mails[-1].removesuffix(b".\r\n"), policy=policy.default)


def at(server, **more):
    known = {"host": "127.0.0.1", "tls": "none", "user": "", "password_file": "", "sender": "news@example.com"}
    return MailServer(port=server.port, **(known | more))


def test_mail_says_what_sns_says_and_comes_from_the_display_name():
    async def scenario():
        async with MailServerOfTests() as server:
            carrier = MailCarrier(Recorded(), OutgoingMail(at(server)))

            await carrier.carry(ENTRY)

            mail = server.mail()
            assert mail["From"] == "News <news@example.com>"
            assert (mail["To"], mail["Subject"]) == ("who@example.org", "subject")
            assert mail.get_content().startswith("grüße\r\n\r\n--\r\nIf you wish to stop receiving notifications")
            assert ENTRY.link in mail.get_content()

    asyncio.run(scenario())


class Recorded:
    """A record that keeps what was written."""

    def __init__(self):
        self.written = []

    async def write(self, parcel, subject, body, sent_by):
        self.written.append((subject, body, sent_by))


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        ({"RCPT": 550}, Forbidden),
        ({"RCPT": 451}, Unreachable),
        ({"DATA": 554}, Forbidden),
        ({"MAIL": 421}, Unreachable),
    ],
)
def test_replies_of_the_mail_server_say_whether_it_is_tried_again(replies, error):
    async def scenario():
        async with MailServerOfTests(**replies) as server:
            carrier = MailCarrier(Recorded(), OutgoingMail(at(server)))

            with pytest.raises(NotTaken) as failure:
                await carrier.carry(ENTRY)

            assert failure.value.again is (error is Unreachable)

    asyncio.run(scenario())


def test_password_goes_over_verified_tls_alone(tmp_path):
    async def scenario():
        made = dev_certificate(tmp_path, dt.datetime.now(dt.UTC))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(made.chain, made.key)
        (tmp_path / "password").write_text("secret\n")
        async with MailServerOfTests(tls=context) as server:
            there = at(server, host="localhost", tls="starttls", user="me", password_file=str(tmp_path / "password"))
            trusting = OutgoingMail(there, ssl.create_default_context(cafile=made.chain))

            with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
                await OutgoingMail(there).send("who@example.org", "News", "subject", "text", "plain")
            assert not any(command.startswith("AUTH") for command in server.commands)
            await trusting.send("who@example.org", "News", "subject", "text", "plain")

            assert any(command.startswith("AUTH PLAIN") for command in server.commands)
            assert len(server.mails) == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("to", ["a,b@example.org", "<who@example.org", "who@exa>mple.org", "@example.org"])
def test_address_that_says_more_than_one_mailbox_gets_nothing(to):
    async def scenario():
        async with MailServerOfTests() as server:
            with pytest.raises(Forbidden):
                await OutgoingMail(at(server)).send(to, "News", "subject\r\nBcc: x@y", "text", "plain")

            assert server.mails == []

    asyncio.run(scenario())


def test_subject_adds_no_header():
    async def scenario():
        async with MailServerOfTests() as server:
            await OutgoingMail(at(server)).send("who@example.org", "Ne\r\nws", "sub\r\nBcc: x@y.z", "text", "plain")

            assert server.mail()["Bcc"] is None
            assert server.mail()["Subject"] == "sub Bcc: x@y.z"

    asyncio.run(scenario())


def test_record_holds_mail_and_link(tmp_path):
    async def scenario():
        folder = OutgoingFolder(tmp_path / "outgoing", ManualClock())

        await MailCarrier(folder, None).carry(ENTRY)
        await MailCarrier(folder, None).carry(ENTRY)
        await SmsCarrier(folder).carry(
            Parcel(**{name: getattr(ENTRY, name) for name in Parcel.__struct_fields__} | {"protocol": "sms"})
        )

        of_mail, of_sms = files(tmp_path / "outgoing")
        assert of_mail.name == "20231114T221320.000Z-email-11111111-2222-3333-4444-555555555555-66666666.json"
        assert of_mail.stat().st_mode & 0o777 == 0o600
        assert of_mail.parent.stat().st_mode & 0o777 == 0o700
        assert list(json.loads(of_mail.read_text())) == [
            "version",
            "at",
            "protocol",
            "to",
            "kind",
            "message_id",
            "topic_arn",
            "subscription_arn",
            "subject",
            "body",
            "link",
            "sent_by",
        ]
        assert json.loads(of_sms.read_text())["body"] == "News> grüße"
        assert [it["protocol"] for it in newest(tmp_path / "outgoing", 10)] == ["sms", "email"]

    asyncio.run(scenario())


def test_record_drops_its_oldest_files(tmp_path):
    async def scenario():
        folder = tmp_path / "outgoing"
        for first in (0, 5):  # the second one finds what the first one left
            record = OutgoingFolder(folder, ManualClock(), files_max=3)
            for number in range(first, first + 5):
                changes = {"published_ms": number, "message_id": str(number)}
                fields = {name: getattr(ENTRY, name) for name in Parcel.__struct_fields__}
                await record.write(Parcel(**fields | changes), "s", "b", "nobody")

        assert [it["message_id"] for it in newest(folder, 10)] == ["9", "8", "7"]

        small = OutgoingFolder(folder, ManualClock(), bytes_max=2 * files(folder)[0].stat().st_size + 200)
        await small.write(ENTRY, "s", "b", "nobody")
        assert len(files(folder)) == 2

    asyncio.run(scenario())


def test_address_confirms_by_the_link_of_its_mail_and_then_gets_messages(run, tmp_path):
    async def scenario(it):
        folder = tmp_path / f"outgoing-{it.folder is None}"
        record = OutgoingFolder(folder, it.clock)
        mail = MailCarrier(record, None)
        news = Topics(it, **{"email": mail, "email-json": mail, "sms": SmsCarrier(record)})
        call = news.call

        async def advance():
            it.clock.advance(1)
            while await it.pump.run_due():
                await news.service.endpoints.settle()

        await call(topics.CreateTopic(topic="news"))
        for protocol, endpoint in (("email", "a@b.c"), ("email-json", "a@b.c"), ("sms", "+491701234567")):
            await call(topics.Subscribe(topic="news", protocol=protocol, endpoint=endpoint))
        await advance()
        asked = newest(folder, 10)
        assert sorted(it["protocol"] for it in asked) == ["email", "email-json"]
        for mail_of in asked:
            assert mail_of["subject"] == "AWS Notification - Subscription Confirmation"
            token = mail_of["link"].partition("&Token=")[2]
            await call(topics.ConfirmSubscription(topic="news", token=token))

        await call(topics.Publish(topic="news", entries=(topics.PublishEntry(body="hello"),)))
        await advance()

        bodies = {it["protocol"]: it["body"] for it in newest(folder, 3)}
        assert bodies["email"].startswith("hello\n\n--\n")
        assert json.loads(bodies["email-json"])["Message"] == "hello"
        assert bodies["sms"] == "hello"
        await news.service.drain()
        assert await news.problems() == []

    run(scenario)
