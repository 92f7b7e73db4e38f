"""The TypeScript client installs from its lock, compiles, keeps the contract's proof vectors, and its example runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# A first run downloads packages.
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def run(folder: Path, *command: str, **environment: str) -> str:
    """Run a command in `folder`; its output is the failure's message."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(npm, tmp_path_factory):
    """A copy of the client, installed and compiled from nothing; the protos lie where its tests look for them."""
    tree = tmp_path_factory.mktemp("typescript")
    client = tree / "clients" / "typescript"
    shutil.copytree(ROOT / "protos", tree / "protos")
    shutil.copytree(ROOT / "clients" / "typescript", client, ignore=shutil.ignore_patterns("node_modules", "dist"))
    run(client, npm, "ci", "--no-audit", "--no-fund", "--loglevel=error")
    run(client, npm, "run", "build")
    return client


def test_typescript_client_passes_its_own_tests(npm, built):
    run(built, npm, "test")


def test_typescript_example_sends_a_message_and_stores_an_object(built, server):
    output = run(built, "node", "dist/example/main.js", **server)

    message, stored = output.splitlines()
    assert message == "message: hello from TypeScript"
    assert stored == "object: an object from TypeScript (text/plain, ETag 47603bfcf5e39caa767a0605e16c3ee8)"


def test_typescript_example_says_who_refused_it_when_the_secret_is_wrong(built, server):
    wrong = {**server, "CUMULO_SECRET_ACCESS_KEY": "x" * 40}

    done = subprocess.run(
        ["node", "dist/example/main.js"],
        cwd=built,
        env={**os.environ, **wrong},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "UNAUTHENTICATED" in done.stderr
    assert done.stdout == ""


def test_typescript_lock_names_no_place_that_packages_were_fetched_from():
    assert '"resolved"' not in (ROOT / "clients" / "typescript" / "package-lock.json").read_text()


def test_typescript_stubs_are_what_the_generator_makes_of_the_protos(npm):
    run(ROOT, str(ROOT / ".ci" / "gen"), "--check", "typescript", PYTHON=sys.executable)
