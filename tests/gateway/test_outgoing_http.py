"""Posts to URLs that others chose: where the client goes, and where it does not."""

import asyncio
import contextlib
import datetime as dt
import socket
import ssl

import pytest

from cumulo.gateway.outgoing_addresses import PrivateAddresses, address_refusal, port_refusal
from cumulo.gateway.outgoing_http import Forbidden, OutgoingHttp, SystemResolver, Unreachable
from cumulo.server.tls import dev_certificate
from tests.queue_service.endpoints import Endpoint

HEADERS = {"x-amz-sns-message-type": "Notification"}
PUBLIC = ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c")
INSIDE = (
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "fd00::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
)
LOOPBACK = ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1")
NEVER = ("0.0.0.0", "169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "224.0.0.1", "::", "ff02::1")


@pytest.mark.parametrize(
    ("private", "allowed", "refused"),
    [
        (PrivateAddresses.DENY, PUBLIC, (*INSIDE, *LOOPBACK, *NEVER)),
        (PrivateAddresses.LOOPBACK, (*PUBLIC, *LOOPBACK), (*INSIDE, *NEVER)),
        (PrivateAddresses.ALLOW, (*PUBLIC, *LOOPBACK, *INSIDE), NEVER),
    ],
)
def test_addresses_of_the_inside_are_refused_as_set(private, allowed, refused):
    assert [it for it in allowed if address_refusal(it, private)] == []
    assert [it for it in refused if not address_refusal(it, private)] == []


def test_ports_where_no_web_server_listens_are_refused():
    assert [port for port in (22, 25, 6667) if not port_refusal(port)] == []
    assert [port for port in (80, 443, 8080, 49152) if port_refusal(port)] == []


def resolving(*addresses):
    """A resolver that gives each of these answers in turn."""
    answers = iter(addresses)

    async def resolve(host, port):
        return [next(answers)]

    return resolve


def run(scenario):
    asyncio.run(scenario())


def test_name_that_changes_its_mind_is_checked_at_the_connection():
    async def scenario():
        async with Endpoint() as endpoint:
            client = OutgoingHttp(PrivateAddresses.DENY, resolving("93.184.215.14", "127.0.0.1"))
            url = f"http://rebinding.example:{endpoint.port}/"
            assert await client.refusal(url) == ""

            with pytest.raises(Forbidden, match=r"127\.0\.0\.1 is not a public one"):
                await client.post(url, HEADERS, b"hello")

            assert endpoint.posted == []
            await client.close()

    run(scenario)


def test_connection_goes_to_the_address_that_was_checked():
    async def scenario():
        async with Endpoint() as endpoint:
            client = OutgoingHttp(PrivateAddresses.LOOPBACK, resolving("127.0.0.1", "10.0.0.1"))

            status = await client.post(f"http://a.example:{endpoint.port}/", HEADERS, b"hello")

            assert status == 200
            assert endpoint.posted[0].headers["host"] == f"a.example:{endpoint.port}"
            await client.close()

    run(scenario)


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "\uff11\uff12\uff17.0.0.1"])
def test_other_spellings_of_an_address_are_refused(host):
    async def scenario():
        client = OutgoingHttp(PrivateAddresses.DENY)

        with pytest.raises((Forbidden, Unreachable)):
            await client.post(f"http://{host}:8080/", HEADERS, b"hello")
        await client.close()

    run(scenario)


def test_redirects_are_answers():
    async def scenario():
        async with Endpoint() as elsewhere, Endpoint(302, headers=f"Location: {elsewhere.url}\r\n") as endpoint:
            client = OutgoingHttp(PrivateAddresses.LOOPBACK)

            assert await client.post(endpoint.url, HEADERS, b"hello") == 302
            assert elsewhere.posted == []
            await client.close()

    run(scenario)


def test_body_without_end_does_not_hold_the_client():
    async def scenario():
        async def serve(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(b"x" * 65536)
                    await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        client = OutgoingHttp(PrivateAddresses.LOOPBACK)

        status = await client.post(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", HEADERS, b"")

        assert status == 200
        await client.close()
        server.close()

    run(scenario)


def test_certificate_of_nobody_is_refused(tmp_path):

    async def scenario():
        made = dev_certificate(tmp_path, dt.datetime.now(dt.UTC))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(made.chain, made.key)
        posted = []

        async def serve(reader, writer):
            posted.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
        trusting = OutgoingHttp(
            PrivateAddresses.LOOPBACK, resolving("127.0.0.1"), ssl.create_default_context(cafile=made.chain)
        )
        strict = OutgoingHttp(PrivateAddresses.LOOPBACK, resolving("127.0.0.1"))

        with pytest.raises(Unreachable, match="Certificate"):
            await strict.post(url, HEADERS, b"")
        assert posted == []
        assert await trusting.post(url, HEADERS, b"") == 200
        await strict.close()
        await trusting.close()
        server.close()

    run(scenario)


def test_credentials_of_a_url_are_sent_as_basic_authentication():
    async def scenario():
        async with Endpoint() as endpoint:
            client = OutgoingHttp(PrivateAddresses.LOOPBACK)

            await client.post(f"http://me:secret@127.0.0.1:{endpoint.port}/", HEADERS, b"hello")

            assert endpoint.posted[0].headers["authorization"] == "Basic bWU6c2VjcmV0"
            assert "secret" not in endpoint.posted[0].line
            await client.close()

    run(scenario)


def test_name_that_many_ask_for_is_looked_up_once_at_a_time():
    async def scenario():
        resolver = SystemResolver()

        found = await asyncio.gather(*(resolver("localhost", 80) for _ in range(50)))

        assert all("127.0.0.1" in addresses for addresses in found)
        assert resolver._asking == {}
        with pytest.raises(socket.gaierror):
            await resolver("nowhere.invalid", 80)

    run(scenario)
