"""The Go client builds from its pinned modules, keeps the contract's proof vectors, and its example really runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GO_CLIENT = ROOT / "clients" / "go"
# A first run downloads modules and compiles gRPC.
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def run(*command: str, **environment: str) -> str:
    """Run a command in the client's folder; its output is the failure's message."""
    done = subprocess.run(
        command,
        cwd=GO_CLIENT,
        env={**os.environ, "GOFLAGS": "-mod=readonly", **environment},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_go_client_passes_vet_and_its_own_tests(go):
    run(go, "vet", "./...")
    run(go, "test", "-count=1", ".")


def test_go_example_sends_a_message_and_stores_an_object(go, server, tmp_path):
    run(go, "build", "-o", str(tmp_path / "example"), "./example")

    output = run(str(tmp_path / "example"), **server)

    message, stored = output.splitlines()
    assert message == "message: hello from Go"
    assert stored == "object: an object from Go (text/plain, ETag 57da7377e18bc54e47f42d863e1a7a7e)"


def test_go_example_says_who_refused_it_when_the_secret_is_wrong(go, server, tmp_path):
    run(go, "build", "-o", str(tmp_path / "example"), "./example")
    wrong = {**server, "CUMULO_SECRET_ACCESS_KEY": "x" * 40}

    done = subprocess.run(
        tmp_path / "example", env={**os.environ, **wrong}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "Unauthenticated" in done.stderr
    assert done.stdout == ""


def test_go_example_takes_an_aws_key_where_no_other_is_named(go, server, tmp_path):
    run(go, "build", "-o", str(tmp_path / "example"), "./example")
    aws = {name.replace("CUMULO_", "AWS_"): value for name, value in server.items() if "KEY" in name}

    output = run(str(tmp_path / "example"), CUMULO_TARGET=server["CUMULO_TARGET"], **aws)

    assert output.startswith("message: hello from Go\n")


def test_go_stubs_are_what_the_generators_make_of_the_protos(go):
    run(str(ROOT / ".ci" / "gen"), "--check", "go", PYTHON=sys.executable)
