"""The other servers that speak AWS's protocols, as they come from PyPI: MiniStack and moto, both in memory.

Owns how they are started; that they end with the block is programs.py's promise.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from rig.programs import environment, free_port, running
from rig.signed_requests import Address

REQUIREMENTS = Path(__file__).parents[1] / "edge-requirements.txt"
ACCOUNT_KEY = ("test", "test")
"""Neither looks at a signature."""


@contextlib.contextmanager
def ministack() -> Iterator[tuple[int, Address]]:
    """Run MiniStack as it comes, with a line of log for each request; give its process id and address."""
    port = free_port()
    settings = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1"}
    with running([environment(REQUIREMENTS) / "bin" / "ministack"], settings, port) as pid:
        yield pid, Address("127.0.0.1", port, *ACCOUNT_KEY)


@contextlib.contextmanager
def moto() -> Iterator[tuple[int, Address]]:
    """Run moto's server; give its process id and address."""
    port = free_port()
    with running([environment(REQUIREMENTS) / "bin" / "moto_server", "-p", str(port)], {}, port) as pid:
        yield pid, Address("127.0.0.1", port, *ACCOUNT_KEY)
