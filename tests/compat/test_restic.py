"""restic with a repository in a bucket: backups of a folder's states, a check of every pack, and both restored."""

import random

import pytest

from tests.compat.client_programs import need, run

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture
def restic(aws, bucket, tmp_path):
    environment = aws | {
        "RESTIC_REPOSITORY": f"s3:{aws['AWS_ENDPOINT_URL']}/{bucket}/backups",
        "RESTIC_PASSWORD": "a password",
        "RESTIC_CACHE_DIR": str(tmp_path / "cache"),
    }

    def call(*words):
        return run(need("restic", "restic"), *words, environment=environment, cwd=tmp_path)

    return call


def tree(folder):
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_restic_restores_what_it_backed_up(restic, tmp_path):
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "large").write_bytes(random.Random(3).randbytes(30 << 20))
    (source / "sub" / "ü.txt").write_bytes(b"first")
    first = tree(source)

    restic("init")
    restic("backup", "source", "--tag", "first")
    (source / "sub" / "ü.txt").write_bytes(b"second")
    (source / "new").write_bytes(b"")
    restic("backup", "source", "--tag", "second")
    restic("check", "--read-data")
    restic("restore", "latest", "--tag", "first", "--target", "one")
    restic("restore", "latest", "--tag", "second", "--target", "two")

    assert tree(tmp_path / "one" / "source") == first
    assert tree(tmp_path / "two" / "source") == tree(source)


def test_restic_forgets_and_prunes(restic, tmp_path, stored_in, bucket):
    (tmp_path / "source").mkdir()
    restic("init")
    for content in (b"1", b"2"):
        (tmp_path / "source" / "file").write_bytes(content * 1_000)
        restic("backup", "source")
    before = len(stored_in(bucket))

    restic("forget", "--keep-last=1", "--prune")

    restic("check", "--read-data")
    restic("restore", "latest", "--target", "back")
    assert (tmp_path / "back" / "source" / "file").read_bytes() == b"2" * 1_000
    assert len(stored_in(bucket)) < before
