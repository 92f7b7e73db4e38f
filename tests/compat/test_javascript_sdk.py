"""AWS's SDK for JavaScript, version 3: trailing checksums over plain HTTP, lib-storage, presigned URLs, SQS's MD5s."""

import shutil
from pathlib import Path

import pytest

from tests.compat.client_programs import need, run

# A first run downloads packages.
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
SOURCES = Path(__file__).parent / "javascript"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """A copy of the program with what its lock names, installed from nothing."""
    folder = tmp_path_factory.mktemp("javascript") / "compat"
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("node_modules"))
    run(need("npm"), "ci", "--no-audit", "--no-fund", "--loglevel=error", environment={}, cwd=folder)
    return str(folder / "main.js")


@pytest.mark.parametrize("what", ["objects", "multipart", "presigned", "queues"])
def test_javascript_sdk_moves_and_compares(program, aws, bucket, tmp_path, what):
    assert run(need("node"), program, what, bucket, environment=aws, cwd=tmp_path) == "ok\n"


def test_javascript_lock_names_no_place_that_packages_were_fetched_from():
    assert '"resolved"' not in (SOURCES / "package-lock.json").read_text()
