"""TLS on both ports, with a certificate of our own making."""

import datetime as dt
import http.client
import ipaddress
import ssl
import subprocess
import urllib.parse
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cumulo.client import errors
from cumulo.testing import Server

LIMIT_S = 10


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
    address = urllib.parse.urlsplit(tls_server.url)
    context = ssl.create_default_context(cafile=certificate[0])
    connection = http.client.HTTPSConnection(address.netloc, context=context, timeout=LIMIT_S)
    try:
        connection.request("GET", "/_cumulo/health/ready")

        assert connection.getresponse().read() == b"ready\n"
    finally:
        connection.close()


def test_old_tls_versions_are_refused(tls_server):
    for address in (tls_server.target, urllib.parse.urlsplit(tls_server.url).netloc):
        words = ["openssl", "s_client", "-connect", address, "-tls1_1"]
        done = subprocess.run(words, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=LIMIT_S)

        assert done.returncode != 0
