"""The other servers that speak AWS's protocols, as they come from PyPI: MiniStack and moto, both in memory.

Owns their environment (made once, below the user's cache folder; ours is left alone), how they are started, and that
they end with the block.
"""

import contextlib
import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rig.signed_requests import Address

REQUIREMENTS = Path(__file__).parents[1] / "edge-requirements.txt"
BOOTSTRAP = Path(__file__).parents[2] / ".ci" / "bootstrap"
INSTALL_S, START_S, STOP_S = 600, 60, 10
ACCOUNT_KEY = ("test", "test")
"""Neither looks at a signature."""


def environment() -> Path:
    """Return the folder of an environment that holds both; made at the first use, and again when the list changes."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    version = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = cache / "cumulo-bench" / f"anchors-{version}"
    made = folder / ".made"
    if not made.exists():
        print(f"installing {REQUIREMENTS.name} into {folder}", file=sys.stderr)
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["sh", BOOTSTRAP, folder], check=True, stdout=sys.stderr, timeout=INSTALL_S)
        words: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
        words += ["--disable-pip-version-check", "--requirement", REQUIREMENTS]
        subprocess.run(words, check=True, stdout=sys.stderr, timeout=INSTALL_S)
        made.touch()
    return folder


@contextlib.contextmanager
def ministack() -> Iterator[tuple[int, Address]]:
    """Run MiniStack as it comes, with a line of log for each request; give its process id and address."""
    port = _free_port()
    settings = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1"}
    with _running([environment() / "bin" / "ministack"], settings, port) as running:
        yield running


@contextlib.contextmanager
def moto() -> Iterator[tuple[int, Address]]:
    """Run moto's server; give its process id and address."""
    port = _free_port()
    with _running([environment() / "bin" / "moto_server", "-p", str(port)], {}, port) as running:
        yield running


@contextlib.contextmanager
def _running(words: list[str | Path], settings: dict[str, str], port: int) -> Iterator[tuple[int, Address]]:
    process = subprocess.Popen(
        words, env=os.environ | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + START_S
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{words[0]} did not start")
            time.sleep(0.05)
        yield process.pid, Address("127.0.0.1", port, *ACCOUNT_KEY)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _listens(port: int) -> bool:
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
