"""The certificate of `--tls dev`: made here, for this machine's own names, and its own authority.

Promises: it is kept in the data folder for as long as it is valid for a week more, so that a client may go on trusting
the same file, and remade otherwise; its key is readable by the server's user only. Knows no listener.
"""

import datetime as dt
import ipaddress
import os
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS = 365
LEFT_DAYS_MIN = 7
NAMES = ("localhost",)
ADDRESSES = ("127.0.0.1", "::1")


class DevCertificate(msgspec.Struct, frozen=True):
    """Where a certificate and its key are (PEM), and the SHA-256 fingerprint as OpenSSL prints it."""

    chain: Path
    key: Path
    fingerprint: str


def dev_certificate(folder: Path, now: dt.datetime) -> DevCertificate:
    """Return the certificate `tls-dev.crt` of `folder`, made or remade where it is of no use after `now`."""
    chain, key = folder / "tls-dev.crt", folder / "tls-dev.key"
    certificate = _read(chain, key, now)
    if certificate is None:
        certificate = _make(chain, key, now)
    return DevCertificate(chain, key, certificate.fingerprint(hashes.SHA256()).hex(":").upper())


def _read(chain: Path, key: Path, now: dt.datetime) -> x509.Certificate | None:
    """Return the certificate that is there, or None: there is none, it ends soon, or the key is another's."""
    try:
        certificate = x509.load_pem_x509_certificate(chain.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except (FileNotFoundError, ValueError):
        return None
    if certificate.not_valid_after_utc - now <= dt.timedelta(days=LEFT_DAYS_MIN):
        return None
    return certificate if certificate.public_key() == private.public_key() else None


def _make(chain: Path, key: Path, now: dt.datetime) -> x509.Certificate:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Cumulo development")])
    names: list[x509.GeneralName] = [x509.DNSName(text) for text in NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(text)) for text in ADDRESSES]
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign"), False
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))  # clients whose clock is a little behind
        .not_valid_after(now + dt.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, key_cert_sign=True, encipher_only=False, decipher_only=False, **usage
            ),
            critical=True,
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .sign(private, hashes.SHA256())
    )
    _write(
        key,
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    _write(chain, certificate.public_bytes(serialization.Encoding.PEM))
    return certificate


def _write(path: Path, content: bytes) -> None:
    """Replace a file, readable by its owner only; a crash between key and certificate is seen by `_read`."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    partial.replace(path)
