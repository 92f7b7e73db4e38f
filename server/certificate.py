"""The certificate that both ports show: read from its files at the start, and again when it is told to.

Promises: connections that are open keep what they have, later ones get the new certificate; files that do not belong
together, or are no certificate, change nothing but a line in the log. Knows no listener, and not who made the files.
"""

import logging
import ssl
from pathlib import Path

_log = logging.getLogger("cumulo.server")


class ServedCertificate:
    """A chain and its key (PEM). `context` is the HTTP listener's; `pem`, (key, chain), is what gRPC asks for."""

    def __init__(self, chain: Path, key: Path) -> None:
        self._chain = chain
        self._key = key
        self.context = _context(chain, key)
        self.pem = (key.read_bytes(), chain.read_bytes())

    def reload(self) -> None:
        """Read the files again."""
        try:
            _context(self._chain, self._key)  # one that refused a key would be left with the new chain and the old key
            pem = (self._key.read_bytes(), self._chain.read_bytes())
            self.context.load_cert_chain(self._chain, self._key)
        except OSError as error:  # ssl.SSLError is one
            _log.error("the certificate is not reloaded; the last one is kept: %s", error)
            return
        self.pem = pem
        _log.info("the certificate is reloaded", extra={"path": str(self._chain)})


def _context(chain: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain, key)
    return context
