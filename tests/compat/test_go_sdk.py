"""The AWS SDK for Go, version 2: trailing checksums over plain HTTP, its multipart manager, presigned URLs, SQS."""

from pathlib import Path

import pytest

from tests.compat.client_programs import need, run

# A first run downloads modules and compiles the SDK.
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
SOURCES = Path(__file__).parent / "go"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("go") / "compat"
    run(need("go"), "build", "-mod=readonly", "-o", str(path), ".", environment={}, cwd=SOURCES)
    return str(path)


@pytest.mark.parametrize("what", ["objects", "multipart", "presigned", "queues"])
def test_go_sdk_moves_and_compares(program, aws, bucket, tmp_path, what):
    assert run(program, what, bucket, environment=aws, cwd=tmp_path) == "ok\n"
