"""Real servers: one that the tests of a module share, and a way to run the command line to its end."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cumulo.client import Client
from cumulo.testing import Server

RUN_S = 20
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A durable server for tests that leave it running."""
    with Server(tmp_path_factory.mktemp("server") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    """The shared server's root."""
    with server.client() as client:
        yield client


@pytest.fixture
def cumulo(tmp_path: Path) -> Run:
    """Run `cumulo` with some arguments, in an empty folder and without inherited settings, to its end."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CUMULO_", "AWS_"))}
        return subprocess.run(
            [str(Path(sys.executable).with_name("cumulo")), *words],
            cwd=tmp_path,
            env=inherited | environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=RUN_S,
        )

    return run
