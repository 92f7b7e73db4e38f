"""A client speaks to whoever holds the right certificate and to nobody else."""

import datetime as dt
import ipaddress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cumulo.client import errors
from cumulo.testing import Server


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, secret


def test_certificate_is_checked(tmp_path: Path):
    chain, key = write_certificate(tmp_path)
    (tmp_path / "other").mkdir()
    other, _ = write_certificate(tmp_path / "other")

    with Server(settings={"tls_cert": chain, "tls_key": key}) as server:
        with server.client(tls_ca=str(chain)) as client:
            arn = client.iam.whoami().arn
        for options in ({"tls_ca": str(other)}, {}):
            with server.client(retries=False, **options) as client, pytest.raises(errors.Unavailable):
                client.iam.whoami()

    assert arn.endswith(":root")
