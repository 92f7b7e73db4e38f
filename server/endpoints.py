"""Where a running server answers: what its ready file and its data folder's `endpoints.json` say."""

import json
from pathlib import Path

import msgspec

ENDPOINTS_FILE = "endpoints.json"


class Endpoints(msgspec.Struct, frozen=True):
    """`grpc` is host:port, `http` a URL; `data` the data folder's path; `tls` holds for both ports.

    `tls_ca` is the path of the authority that clients need, where the server made its own; else empty.
    """

    grpc: str
    http: str
    data: str
    pid: int
    access_key_id: str
    tls: bool
    tls_ca: str
    version: str

    def write(self, path: Path) -> None:
        """Write the whole file under another name first: whoever waits for it never reads half of it."""
        partial = path.with_name(path.name + ".partial")
        partial.write_text(json.dumps(msgspec.to_builtins(self)) + "\n")
        partial.replace(path)
