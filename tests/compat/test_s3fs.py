"""s3fs: files of a bucket opened, read at a place, appended to, copied, and folders moved there and back."""

import pytest

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


def test_s3fs_reads_what_it_wrote(script, bucket, stored_in):
    script("s3fs_files.py", "bytes", bucket)

    assert stored_in(bucket)["copy/ü + &.txt"] == "text ü".encode()


def test_s3fs_reads_versions(script, bucket):
    script("s3fs_files.py", "versions", bucket)


def test_s3fs_moves_folders(script, bucket, stored_in):
    script("s3fs_files.py", "folders", bucket)

    assert stored_in(bucket) == {f"in/{name}": name.encode() for name in ("a.csv", "b.csv", "sub/c.txt")}
