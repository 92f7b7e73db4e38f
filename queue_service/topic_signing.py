"""The key that signs what topics send to endpoints, and the certificate by which receivers verify it.

Owns two files in the data folder's `secrets/`, made at the first signature: an RSA key of 2,048 bits, as SNS has, and a
self-signed certificate, which the HTTP port serves. Source: SNS developer guide, "Verifying the signatures of Amazon
SNS messages". Making the key takes a tenth of a second, once; a signature takes half a millisecond.
"""

import base64
import datetime as dt
import threading
from pathlib import Path
from typing import Any, Final

from cumulo.core.lazy import LazyModule
from cumulo.queue_service.entrances import CERTIFICATE_PREFIX
from cumulo.storage.durable import write_file

x509: Any = LazyModule("cryptography.x509")
hashes: Any = LazyModule("cryptography.hazmat.primitives.hashes")
serialization: Any = LazyModule("cryptography.hazmat.primitives.serialization")
padding: Any = LazyModule("cryptography.hazmat.primitives.asymmetric.padding")
rsa: Any = LazyModule("cryptography.hazmat.primitives.asymmetric.rsa")
oid: Any = LazyModule("cryptography.x509.oid")

KEY_BITS: Final = 2_048
VALID_DAYS: Final = 3_650
FINGERPRINT_DIGITS: Final = 32
"""Of the certificate's SHA-256, in its path: another certificate has another URL, as SNS's have."""
_KEY_FILE: Final = "topic-signing.key"
_CERTIFICATE_FILE: Final = "topic-signing.crt"


class TopicSigner:
    """Signs in the name of the server whose secrets lie in `folder`; from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key: Any = None
        self._path = ""
        self._making = threading.Lock()

    def __repr__(self) -> str:
        return "TopicSigner()"

    def sign(self, text: str, version: str) -> str:
        """Return the signature of a text in base64: of SHA-1 for version "1", of SHA-256 for "2"."""
        digest = hashes.SHA1() if version == "1" else hashes.SHA256()
        return base64.b64encode(self._private().sign(text.encode(), padding.PKCS1v15(), digest)).decode()

    def certificate(self, path: str) -> bytes | None:
        """Return the certificate, PEM; None where another path is asked for than its own."""
        return self._pem() if path == self.certificate_path() else None

    def certificate_path(self) -> str:
        """Return the path under which the certificate is served."""
        if not self._path:
            made = x509.load_pem_x509_certificate(self._pem())
            self._path = f"{CERTIFICATE_PREFIX}{made.fingerprint(hashes.SHA256()).hex()[:FINGERPRINT_DIGITS]}.pem"
        return self._path

    def _pem(self) -> bytes:
        self._private()
        return (self._folder / _CERTIFICATE_FILE).read_bytes()

    def _private(self) -> Any:
        if self._key is None:
            with self._making:  # two threads' first signatures must not make two keys and one certificate
                path = self._folder / _KEY_FILE
                if not path.exists():
                    self._make(path)
                self._key = serialization.load_pem_private_key(path.read_bytes(), None)
        return self._key

    def _make(self, path: Path) -> None:
        """Write certificate and key; the key last, so that one that is there has its certificate."""
        key = rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)
        name = x509.Name([x509.NameAttribute(oid.NameOID.COMMON_NAME, "Cumulo topics")])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))  # receivers whose clock is behind
            .not_valid_after(now + dt.timedelta(days=VALID_DAYS))
            .sign(key, hashes.SHA256())
        )
        write_file(self._folder / _CERTIFICATE_FILE, certificate.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        write_file(path, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
