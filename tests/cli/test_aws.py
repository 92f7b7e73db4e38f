"""`cumulo aws` and `cumulo terraform`: programs of AWS's world, led to a server."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cumulo.testing import Server

PROGRAM = (sys.executable, "-P", "-c", "from cumulo.cli.main import cli; cli(prog_name='cumulo')")
STAND_IN = """#!/bin/sh
env | grep -E '^AWS_' | sort
printf '%s\\n' "arguments: $*"
exit 7
"""


def cumulo(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: it for name, it in os.environ.items() if not name.startswith(("AWS_", "CUMULO_"))}
    return subprocess.run((*PROGRAM, *words), env=clean | environment, capture_output=True, text=True, check=False)


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH on which `aws` says what it was given, and exits 7."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/aws").write_text(STAND_IN)
    (tmp_path / "bin/aws").chmod(0o755)
    return f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize(
    "words",
    [("--", "s3", "ls", "--profile", "x"), ("s3", "ls", "--profile", "x"), ("run", "s3", "ls", "--profile", "x")],
)
def test_aws_gets_server_key_and_arguments_and_its_exit_code_is_passed_on(server: Server, path: str, words):
    leading_elsewhere = {"AWS_PROFILE": "real", "AWS_SESSION_TOKEN": "t", "AWS_ENDPOINT_URL_S3": "https://aws"}

    done = cumulo("aws", *words, PATH=path, **server.environment(), **leading_elsewhere)

    given = dict(line.split("=", 1) for line in done.stdout.splitlines()[:-1])
    assert done.returncode == 7
    assert done.stdout.splitlines()[-1] == f"arguments: --endpoint-url {server.url} s3 ls --profile x"
    assert given == {name: it for name, it in server.environment().items() if name.startswith("AWS_")}


def test_words_of_aws_are_not_taken_for_our_own(server: Server, path: str):
    done = cumulo("aws", "-q", "--", "configure", "--help", "-o", PATH=path, **server.environment())

    assert done.stdout.splitlines()[-1] == f"arguments: --endpoint-url {server.url} configure --help -o"


def test_aws_without_variables_finds_the_server_of_the_data_folder(tmp_path: Path, path: str):
    real = {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": "real"}
    with Server(tmp_path / "data") as server:
        found = cumulo("aws", "--", "s3", "ls", PATH=path, CUMULO_DATA=str(server.data), HOME=str(tmp_path), **real)
        key = server.credentials["access_key_id"]
    nothing = cumulo("aws", "--", "s3", "ls", PATH=path, CUMULO_DATA=str(tmp_path / "none"), HOME=str(tmp_path))

    assert f"AWS_ACCESS_KEY_ID={key}" in found.stdout
    assert nothing.returncode == 6
    assert "cumulo serve" in nothing.stderr


def test_a_server_elsewhere_without_an_endpoint_is_not_mistaken_for_the_one_here(tmp_path: Path, path: str):
    with Server(tmp_path / "data") as server:
        there = server.environment() | {"CUMULO_TARGET": "elsewhere:4567", "CUMULO_DATA": str(server.data)}
        there = {name: it for name, it in there.items() if name.startswith("CUMULO_")}
        done = cumulo("aws", "--", "s3", "ls", PATH=path, HOME=str(tmp_path), **there)

    assert done.returncode == 6
    assert "CUMULO_URL" in done.stderr


def test_missing_aws_is_told_in_one_line(server: Server, tmp_path: Path):
    done = cumulo("aws", "--", "s3", "ls", **server.environment() | {"PATH": str(tmp_path)})

    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr == "cumulo: there is no `aws` on PATH; `pip install awscli` brings it\n"


def test_provider_of_terraform_names_the_server_and_no_secret(server: Server):
    text = cumulo("terraform", "init", **server.environment()).stdout

    for service in ("iam", "s3 ", "sns", "sqs", "sts"):
        assert f'    {service} = "{server.url}"\n' in text
    assert '  region = "us-east-1"\n' in text
    assert "s3_use_path_style           = true" in text
    assert server.credentials["secret_access_key"] not in text
    assert text.count("{") == text.count("}")


def test_provider_over_tls_names_the_authority(tmp_path: Path):
    with Server(tmp_path / "data", settings={"tls": "dev"}) as server:
        made = cumulo("terraform", "init", "--data", str(server.data), "-o", "json").stdout
        authority = server.environment()["AWS_CA_BUNDLE"]

    assert f'  custom_ca_bundle = "{authority}"\n' in json.loads(made)["provider_tf"]
