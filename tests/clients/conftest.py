"""A real server for the other languages' examples, and their toolchains."""

import os
import shutil
from collections.abc import Iterator

import pytest

from cumulo.testing.server import Server


def need(program: str, language: str) -> str:
    """Give the path of `program`; without it the test fails, unless the environment says that this is known."""
    path = shutil.which(program)
    if path is None:
        if os.environ.get(f"CUMULO_TEST_WITHOUT_{language}"):
            pytest.skip(f"{program} is not on PATH and CUMULO_TEST_WITHOUT_{language} is set")
        pytest.fail(f"{program} is not on PATH: install it, or set CUMULO_TEST_WITHOUT_{language}=1", pytrace=False)
    return path


@pytest.fixture(scope="session")
def go() -> str:
    return need("go", "GO")


@pytest.fixture(scope="session")
def npm() -> str:
    need("node", "NODE")
    return need("npm", "NODE")


@pytest.fixture(scope="session")
def server() -> Iterator[dict[str, str]]:
    """Start a server of the session's own; yields the environment in which a client finds it."""
    with Server() as running:
        yield running.environment()
