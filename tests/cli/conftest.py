"""A real server for the whole run, and the command line beside it."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cumulo.cli.main import cli
from cumulo.testing import Server

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def run(server: Server) -> Run:
    """Run a command as root; `exits` is what it must exit with."""

    def run(*arguments: str, exits: int = 0, text: str | bytes | None = None, **environment: str) -> Result:
        result = CliRunner().invoke(cli, arguments, input=text, env=server.environment() | environment)
        assert result.exit_code == exits, (result.output, result.exception)
        return result

    return run


@pytest.fixture
def answer(run: Run) -> Callable[..., Any]:
    """Run a command and return what it answers as JSON."""
    return lambda *arguments, **options: json.loads(run(*arguments, "-o", "json", **options).stdout)


@pytest.fixture
def name() -> str:
    """A name that nothing on the server has yet."""
    return f"t-{uuid.uuid4().hex[:16]}"
