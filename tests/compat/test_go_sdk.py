"""The AWS SDK for Go, version 2: trailing checksums over plain HTTP, its multipart manager, presigned URLs, SQS."""

import pytest

from tests.compat.client_programs import run

# A first run downloads modules and compiles the SDK.
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.mark.parametrize("what", ["objects", "multipart", "presigned", "queues"])
def test_go_sdk_moves_and_compares(go_program, aws, bucket, tmp_path, what):
    assert run(go_program, what, bucket, environment=aws, cwd=tmp_path) == "ok\n"
