"""TLS on both ports, with a given certificate and with the one that the server makes for development."""

import datetime as dt
import http.client
import ipaddress
import json
import os
import signal
import ssl
import stat
import subprocess
import time
import urllib.parse
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cumulo.client import Client, errors
from cumulo.server.tls import LEFT_DAYS_MIN, VALID_DAYS, dev_certificate
from cumulo.testing import Server, ServerFailed

LIMIT_S = 10
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def write_certificate(folder):
    """Write a self-signed certificate for 127.0.0.1 and its key; return their paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cumulo test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain_file, key_file = folder / "cert.pem", folder / "key.pem"
    chain_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain_file, key_file


def ready(url, authority):
    """Ask for readiness over HTTPS, and check the server's certificate against `authority`."""
    context = ssl.create_default_context(cafile=authority)
    connection = http.client.HTTPSConnection(urllib.parse.urlsplit(url).netloc, context=context, timeout=LIMIT_S)
    try:
        connection.request("GET", "/_cumulo/health/ready")
        return connection.getresponse().read()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def tls_server(certificate, tmp_path_factory):
    chain_file, key_file = certificate
    data = tmp_path_factory.mktemp("tls") / "data"
    with Server(data, settings={"tls_cert": chain_file, "tls_key": key_file}) as server:
        yield server


def test_client_that_knows_the_authority_speaks_grpc_over_tls(tls_server, certificate):
    with tls_server.client(tls_ca=str(certificate[0])) as client:
        client.queue("q").create()
        client.queue("q").send(b"x")

        assert [message.body for message in client.queue("q").receive_batch(0)] == [b"x"]


def test_client_that_does_not_know_the_authority_is_not_connected(tls_server, certificate, tmp_path):
    other, _ = write_certificate(tmp_path)

    with (
        tls_server.client(tls_ca=str(other), timeout=1) as client,
        pytest.raises((errors.Unavailable, errors.DeadlineExceeded)),
    ):
        client.iam.whoami()


def test_plain_grpc_is_not_answered_on_a_tls_port(tls_server):
    with grpc.insecure_channel(tls_server.target) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)

        with pytest.raises(grpc.RpcError) as caught:
            stub.Check(health_pb2.HealthCheckRequest(), timeout=LIMIT_S)

    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_pages_are_served_over_https_and_checked_against_the_authority(tls_server, certificate):
    assert ready(tls_server.url, certificate[0]) == b"ready\n"


def shown(address):
    """Return the certificate that a new connection gets to see."""
    host, _, port = address.rpartition(":")
    return ssl.get_server_certificate((host, int(port)), timeout=LIMIT_S)


def wait_until(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_new_certificate_is_shown_on_both_ports_after_sighup_and_a_broken_one_is_not(tmp_path):
    chain_file, key_file = write_certificate(tmp_path)
    (tmp_path / "next").mkdir()
    first = chain_file.read_text()
    with Server(tmp_path / "data", settings={"tls_cert": chain_file, "tls_key": key_file}) as server:
        addresses = (server.target, urllib.parse.urlsplit(server.url).netloc)
        before = [shown(address) for address in addresses]
        next_chain, next_key = write_certificate(tmp_path / "next")

        chain_file.write_bytes(next_chain.read_bytes())
        os.kill(server.pid, signal.SIGHUP)  # the key is the first one's still
        wait_until(lambda: "is not reloaded" in server.output)
        broken = [shown(address) for address in addresses]
        key_file.write_bytes(next_key.read_bytes())
        os.kill(server.pid, signal.SIGHUP)
        wait_until(lambda: shown(addresses[1]) != first)
        after = [shown(address) for address in addresses]

    assert before == broken == [first] * 2
    assert after == [next_chain.read_text()] * 2


def test_old_tls_versions_are_refused(tls_server):
    for address in (tls_server.target, urllib.parse.urlsplit(tls_server.url).netloc):
        words = ["openssl", "s_client", "-connect", address, "-tls1_1"]
        done = subprocess.run(words, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=LIMIT_S)

        assert done.returncode != 0


def test_development_certificate_serves_both_ports_and_env_names_its_authority(cumulo, tmp_path):
    with Server(tmp_path / "data", settings={"tls": "dev"}) as server:
        printed = cumulo("env", "--data", str(server.data), "-o", "json")
        environment = json.loads(printed.stdout)
        authority = environment["CUMULO_TLS_CA"]
        with Client(
            environment["CUMULO_TARGET"],
            access_key_id=environment["AWS_ACCESS_KEY_ID"],
            secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            tls_ca=authority,
        ) as client:
            who = client.iam.whoami()
        checked = cumulo("check", "--data", str(server.data))
        answer = ready(environment["AWS_ENDPOINT_URL"], authority)
        banner = server.output
    fingerprint = x509.load_pem_x509_certificate((tmp_path / "data/secrets/tls-dev.crt").read_bytes()).fingerprint(
        hashes.SHA256()
    )

    assert authority == str(tmp_path / "data/secrets/tls-dev.crt")
    assert who.account == "000000000000"
    assert checked.returncode == 0, checked.stderr
    assert answer == b"ready\n"
    assert fingerprint.hex(":").upper() in banner


def test_client_of_the_test_fixture_trusts_a_development_certificate():
    with Server(settings={"tls": "dev"}) as server, server.client() as client:
        assert client.iam.whoami().account == "000000000000"


def test_server_with_a_given_certificate_names_no_authority(tls_server, cumulo):
    printed = cumulo("env", "--data", str(tls_server.data), "-o", "json")

    assert "CUMULO_TLS_CA" not in json.loads(printed.stdout)


def test_made_and_given_certificates_exclude_each_other(certificate, tmp_path):
    chain_file, key_file = certificate
    settings = {"tls": "dev", "tls_cert": chain_file, "tls_key": key_file}

    with (
        pytest.raises(ServerFailed, match="tls makes a certificate and tls_cert names one"),
        Server(tmp_path / "data", settings=settings),
    ):
        pass


def test_development_certificate_is_for_this_machines_names_and_passes_strict_checks(tmp_path):
    made = dev_certificate(tmp_path, NOW)

    certificate = x509.load_pem_x509_certificate(made.chain.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    words = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-attime", str(int(NOW.timestamp()))]
    words += ["-CAfile", str(made.chain), str(made.chain)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(it) for it in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert done.returncode == 0, done.stderr
    for path in (made.chain, made.key):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"tls-dev.crt", "tls-dev.key"}


def test_development_certificate_is_kept_until_its_last_week(tmp_path):
    made = dev_certificate(tmp_path, NOW)
    last = NOW + dt.timedelta(days=VALID_DAYS - LEFT_DAYS_MIN)

    assert dev_certificate(tmp_path, last - dt.timedelta(seconds=1)) == made
    assert dev_certificate(tmp_path, last) != made


def test_development_certificate_without_its_own_key_is_remade(tmp_path):
    made = dev_certificate(tmp_path, NOW)
    other = tmp_path / "other"
    other.mkdir()

    made.key.write_bytes(dev_certificate(other, NOW).key.read_bytes())
    remade = dev_certificate(tmp_path, NOW)

    assert remade != made
    assert dev_certificate(tmp_path, NOW) == remade
