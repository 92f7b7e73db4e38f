"""Programs that are not ours: environments for what comes from PyPI, and servers that run for a block.

Promises: an environment is made once, below the user's cache folder, and again when its list changes; ours is left
alone. A server listens when its block begins and has ended when the block has. Knows no protocol.
"""

import contextlib
import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

BOOTSTRAP = Path(__file__).parents[2] / ".ci" / "bootstrap"
INSTALL_S, START_S, STOP_S = 600, 60, 10


def environment(requirements: Path) -> Path:
    """Return the folder of an environment that holds what the file lists; made at the first use."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    version = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    folder = cache / "cumulo-bench" / f"{requirements.stem}-{version}"
    made = folder / ".made"
    if not made.exists():
        print(f"installing {requirements.name} into {folder}", file=sys.stderr)
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["sh", BOOTSTRAP, folder], check=True, stdout=sys.stderr, timeout=INSTALL_S)
        words: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
        words += ["--disable-pip-version-check", "--requirement", requirements]
        unbound = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
        subprocess.run(words, check=True, stdout=sys.stderr, timeout=INSTALL_S, env=unbound)
        made.touch()
    return folder


@contextlib.contextmanager
def running(words: Sequence[str | Path], settings: Mapping[str, str], port: int) -> Iterator[int]:
    """Run a program until the block ends; give its process id once it listens on `port` of 127.0.0.1."""
    process = subprocess.Popen(
        words, env=os.environ | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + START_S
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{words[0]} did not start")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Return a port that nobody has taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _listens(port: int) -> bool:
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
