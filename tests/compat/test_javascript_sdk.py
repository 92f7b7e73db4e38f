"""AWS's SDK for JavaScript, version 3: trailing checksums over plain HTTP, lib-storage, presigned URLs, SQS's MD5s."""

from pathlib import Path

import pytest

from tests.compat.client_programs import need, run

# A first run downloads packages.
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.mark.parametrize("what", ["objects", "multipart", "presigned", "queues"])
def test_javascript_sdk_moves_and_compares(javascript_program, aws, bucket, tmp_path, what):
    assert run(need("node"), javascript_program, what, bucket, environment=aws, cwd=tmp_path) == "ok\n"


def test_javascript_lock_names_no_place_that_packages_were_fetched_from():
    assert '"resolved"' not in (Path(__file__).parent / "javascript" / "package-lock.json").read_text()
