"""rclone's S3 backend: folders there and back, server-side copies, large files in parts, checks of what is there."""

import random

import pytest

from tests.compat.client_programs import need, run

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture
def rclone(aws, tmp_path):
    """Run rclone with the server as the remote `cumulo:`, configured by environment variables alone."""
    environment = aws | {
        "RCLONE_CONFIG": "/dev/null",
        "RCLONE_CONFIG_CUMULO_TYPE": "s3",
        "RCLONE_CONFIG_CUMULO_PROVIDER": "Other",
        "RCLONE_CONFIG_CUMULO_ENV_AUTH": "true",
        "RCLONE_CONFIG_CUMULO_ENDPOINT": aws["AWS_ENDPOINT_URL"],
        "RCLONE_CONFIG_CUMULO_REGION": aws["AWS_REGION"],
        "RCLONE_RETRIES": "1",
        "RCLONE_LOW_LEVEL_RETRIES": "1",
    }

    def call(*words, text="", fails_with=0):
        return run(
            need("rclone", "rclone"), *words, environment=environment, cwd=tmp_path, text=text, fails_with=fails_with
        )

    return call


@pytest.fixture
def files(tmp_path):
    """A folder with small, empty, oddly named and large files."""
    content = {
        "one.txt": b"1",
        "sub/ü & +%.bin": bytes(range(256)),
        "sub/deep/empty": b"",
        "large": random.Random(2).randbytes(12 << 20),
    }
    write(tmp_path / "from", content)
    return content


def write(folder, content):
    for name, data in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def tree(folder):
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_rclone_copies_a_folder_in_parts_and_back(rclone, bucket, files, stored_in, tmp_path):
    rclone("copy", "from", f"cumulo:{bucket}/x", "--s3-upload-cutoff=5Mi", "--s3-chunk-size=5Mi")
    rclone("copy", f"cumulo:{bucket}/x", "to")

    assert stored_in(bucket) == {f"x/{name}": data for name, data in files.items()}
    assert tree(tmp_path / "to") == files
    rclone("check", "from", f"cumulo:{bucket}/x", "--download")
    rclone("check", "from", f"cumulo:{bucket}/x")


def test_rclone_syncs_what_changed(rclone, bucket, files, stored_in, tmp_path):
    rclone("sync", "from", f"cumulo:{bucket}")
    (tmp_path / "from" / "large").unlink()
    (tmp_path / "from" / "one.txt").write_bytes(b"changed")

    rclone("check", "from", f"cumulo:{bucket}", fails_with=1)
    rclone("sync", "from", f"cumulo:{bucket}")

    assert stored_in(bucket) == tree(tmp_path / "from")
    assert sorted(rclone("lsf", "-R", "--files-only", f"cumulo:{bucket}").splitlines()) == sorted(stored_in(bucket))


def test_rclone_copies_and_moves_on_the_server(rclone, bucket, new_name, files, stored_in):
    rclone("copy", "from", f"cumulo:{bucket}/a")

    rclone("copy", f"cumulo:{bucket}/a", f"cumulo:{bucket}/b", "--s3-copy-cutoff=6Mi", "--s3-chunk-size=5Mi")
    rclone("moveto", f"cumulo:{bucket}/a/one.txt", f"cumulo:{bucket}/moved")

    moved = {"moved": files["one.txt"]} | {f"b/{name}": data for name, data in files.items()}
    assert stored_in(bucket) == moved | {f"a/{name}": data for name, data in files.items() if name != "one.txt"}


def test_rclone_lists_reads_and_cleans_up_versions(rclone, bucket, stored_in, tmp_path):
    where = f"cumulo:{bucket}"
    assert "Enabled" in rclone("backend", "versioning", where, "Enabled")
    for text in ("old", "new"):
        rclone("rcat", f"{where}/k.txt", text=text)
    rclone("rcat", f"{where}/gone.txt", text="gone")
    rclone("deletefile", f"{where}/gone.txt")

    names = rclone("lsf", "--s3-versions", where).splitlines()
    old = next(it for it in names if it.startswith("k-v"))
    rclone("copy", "--s3-versions", f"{where}/{old}", "to")
    rclone("backend", "cleanup-hidden", where)

    assert len(names) == 3
    assert [it.read_text() for it in (tmp_path / "to").iterdir()] == ["old"]
    assert stored_in(bucket) == {"k.txt": b"new"}
    assert rclone("lsf", "--s3-versions", where).split() == ["k.txt"]


def test_rclone_streams_cats_and_purges(rclone, new_name):
    rclone("mkdir", f"cumulo:{new_name}-made")
    rclone("rcat", f"cumulo:{new_name}-made/k", text="piped" * 100_000)

    assert rclone("cat", f"cumulo:{new_name}-made/k") == "piped" * 100_000
    assert rclone("cat", "--offset=5", "--count=5", f"cumulo:{new_name}-made/k") == "piped"
    assert f"{new_name}-made" in rclone("lsd", "cumulo:")
    rclone("purge", f"cumulo:{new_name}-made")
    assert f"{new_name}-made" not in rclone("lsd", "cumulo:")
