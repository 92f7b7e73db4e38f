"""A real server for the other languages' examples, and their toolchains."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

READY_S = 30
STOP_S = 30


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
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start a server in a folder of its own; yields the environment that `cumulo env` would set."""
    folder = tmp_path_factory.mktemp("server")
    ready_file, log_file = folder / "ready.json", folder / "log"
    command = [str(Path(sys.executable).parent / "cumulo"), "serve", "--ephemeral", "--grpc-port", "0", "--port", "0"]
    with (
        log_file.open("wb") as log,
        subprocess.Popen(
            [*command, "--ready-file", str(ready_file)], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        ) as process,
    ):
        try:
            deadline = time.monotonic() + READY_S
            while not ready_file.exists():
                assert process.poll() is None, f"the server ended:\n{log_file.read_text()}"
                assert time.monotonic() < deadline, f"not ready after {READY_S} s:\n{log_file.read_text()}"
                time.sleep(0.05)
            endpoints = json.loads(ready_file.read_text())
            root = json.loads((Path(endpoints["data"]) / "secrets" / "root_credentials.json").read_text())
            yield {
                "CUMULO_TARGET": endpoints["grpc"],
                "AWS_ACCESS_KEY_ID": root["access_key_id"],
                "AWS_SECRET_ACCESS_KEY": root["secret_access_key"],
            }
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
