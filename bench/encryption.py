"""What does the encryption of objects at rest cost?

Starts our server twice, durable, on data folders on a real disk: as it is by default (SSE-S3), and with
`s3_default_encryption` empty, which keeps bodies as they come. Both get the same signed requests from the same clients,
in turns. A figure is calls, or MB, per CPU-second of the server that encrypts; its floor is the other's. The target is
what the object store promises: at most 15 % of the rate.

Run: python bench/encryption.py [--seconds 4] [--rounds 4] [--short] [--json] [--folder DIR]
"""

import argparse
import json
import secrets
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from rig.http_client import HttpClient
from rig.http_load import Load, download, processes, upload, wrk
from rig.machine import cpu_s, describe, refuse_memory_disk
from rig.phases import settle
from rig.signed_requests import UNSIGNED, Address, Asked, s3
from rig.table import Row, show

from cumulo.testing import Server

KIB, MIB = 1024, 1024**2
BUCKET = "encryption-bench"
SMALL_CONNECTIONS, LARGE_CONNECTIONS = 32, 2
TARGET = 0.85


class Peer(NamedTuple):
    """A server under load."""

    pid: int
    address: Address


Phase = Callable[[Peer], Load]


class Bench:
    """One run: the two servers, and the rows so far."""

    def __init__(self, sealed: Peer, plain: Peer, seconds: float, rounds: int) -> None:
        self.peers = (sealed, plain)
        self.seconds = seconds
        self.rounds = rounds
        self.rows: list[Row] = []
        for peer in self.peers:
            HttpClient(peer.address).call(s3(peer.address, "PUT", f"/{BUCKET}"))

    def compare(self, what: str, phase: Phase, size_bytes: int) -> None:
        """Add a row; bodies of 1 MiB and more are counted in MB."""
        items, seconds = [0, 0], [0.0, 0.0]
        for _ in range(self.rounds):
            for place, peer in enumerate(self.peers):
                settle()
                before = cpu_s(peer.pid)
                items[place] += phase(peer).items
                seconds[place] += cpu_s(peer.pid) - before
        scale, unit = (size_bytes / 1e6, "MB/CPU-s") if size_bytes >= MIB else (1.0, "calls/CPU-s")
        figure, floor = (count * scale / spent for count, spent in zip(items, seconds, strict=True))
        cpu_us = seconds[0] / items[0] * 1e6
        row = Row(what=what, figure=figure, unit=unit, cpu_us=cpu_us, floor=floor, target=TARGET)
        self.rows.append(row)

    def small(self) -> None:
        """Put and get of what is kept with the metadata."""
        for size, name in ((KIB, "1 KiB"), (64 * KIB, "64 KiB")):
            # Random: what a disk below makes of text is no saving of ours, and nothing that encryption costs.
            path, body = f"/{BUCKET}/{size}", secrets.token_bytes(size)

            def put(address: Address, path: str = path, body: bytes = body) -> Asked:
                return s3(address, "PUT", path, body=body)

            def get(address: Address, path: str = path) -> Asked:
                return s3(address, "GET", path)

            self.compare(f"PUT {name}", self._repeat(put), size)
            self.compare(f"GET {name}", self._repeat(get), size)

    def large(self) -> None:
        """Put and get of what lies in the blob store."""
        size, path = 8 * MIB, f"/{BUCKET}/8m"
        count = max(4, round(self.seconds * 6))

        def put(peer: Peer) -> Load:
            return processes(LARGE_CONNECTIONS, upload, peer.address, path, size, count, UNSIGNED)

        def get(peer: Peer) -> Load:
            return processes(LARGE_CONNECTIONS, download, peer.address, path, size, 8 * count)

        self.compare("PUT 8 MiB", put, size)
        self.compare("GET 8 MiB (the plain one by sendfile)", get, size)

    def _repeat(self, make: Callable[[Address], Asked]) -> Phase:
        return lambda peer: wrk(make(peer.address), connections=SMALL_CONNECTIONS, seconds=self.seconds)


def main() -> int:
    """Run the measurement; the exit status is 1 where a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long a round of each server takes")
    parser.add_argument("--rounds", type=int, default=4, help="how many rounds each has")
    parser.add_argument("--short", action="store_true", help="two rounds of a second")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--folder", help="where the data folders lie, on a real disk; default: the temporary directory")
    options = parser.parse_args()
    with ExitStack() as running:
        folder = Path(options.folder or running.enter_context(tempfile.TemporaryDirectory(prefix="cumulo-encryption-")))
        refuse_memory_disk(folder)
        machine = describe(folder)
        peers = []
        for name, default in (("sealed", "AES256"), ("plain", "")):
            server = running.enter_context(Server(folder / name, settings={"s3_default_encryption": default}))
            url, key = urlsplit(server.url), server.credentials
            address = Address(str(url.hostname), int(url.port or 0), key["access_key_id"], key["secret_access_key"])
            peers.append(Peer(server.pid, address))
        seconds, rounds = (1.0, 2) if options.short else (options.seconds, options.rounds)
        bench = Bench(peers[0], peers[1], seconds, rounds)
        bench.small()
        bench.large()
    if options.json:
        print(json.dumps({"machine": machine, "rows": [row.encoded() for row in bench.rows]}, indent=2))
    else:
        print(", ".join(f"{key} {value}" for key, value in machine.items()))
        show(bench.rows)
    return 0 if all(row.met is not False for row in bench.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
