"""Files in a bucket as s3fs shows them; the endpoint and the key come from AWS's variables."""

import random
import sys
from pathlib import Path

import s3fs


def moves_bytes(bucket: str) -> None:
    """Write, read, append, seek, list, copy, move and remove."""
    files = s3fs.S3FileSystem()
    content = random.Random(7).randbytes(12 << 20)
    with files.open(f"{bucket}/sub/large", "wb", block_size=5 << 20) as file:
        file.write(content)
    with files.open(f"{bucket}/sub/ü + &.txt", "w", encoding="utf-8") as file:
        file.write("text ü")

    with files.open(f"{bucket}/sub/large", "rb") as file:
        file.seek(6_000_000)
        assert file.read(1_000) == content[6_000_000:6_001_000]
    assert files.cat(f"{bucket}/sub/large") == content
    assert files.read_text(f"{bucket}/sub/ü + &.txt", encoding="utf-8") == "text ü"
    assert sorted(files.ls(f"{bucket}/sub")) == [f"{bucket}/sub/large", f"{bucket}/sub/ü + &.txt"]
    assert files.info(f"{bucket}/sub/large")["size"] == len(content)
    assert files.isdir(f"{bucket}/sub")
    assert not files.exists(f"{bucket}/none")

    with files.open(f"{bucket}/sub/large", "ab") as file:
        file.write(b"appended")
    assert files.tail(f"{bucket}/sub/large", 8) == b"appended"
    files.copy(f"{bucket}/sub", f"{bucket}/copy", recursive=True)
    files.mv(f"{bucket}/copy/large", f"{bucket}/moved")
    assert files.cat(f"{bucket}/moved") == content + b"appended"
    files.rm(f"{bucket}/sub", recursive=True)
    assert sorted(files.find(bucket)) == [f"{bucket}/copy/ü + &.txt", f"{bucket}/moved"]


def moves_folders(bucket: str) -> None:
    """Put and get folders; make and remove a bucket; find by pattern; sign a URL."""
    files = s3fs.S3FileSystem()
    for name in ("a.csv", "b.csv", "sub/c.txt"):
        Path("from", name).parent.mkdir(parents=True, exist_ok=True)
        Path("from", name).write_text(name)
    files.put("from/", f"{bucket}/in/", recursive=True)
    assert sorted(files.glob(f"{bucket}/in/*.csv")) == [f"{bucket}/in/a.csv", f"{bucket}/in/b.csv"]
    files.get(f"{bucket}/in/", "to/", recursive=True)
    assert [Path("to", name).read_text() for name in ("a.csv", "b.csv", "sub/c.txt")] == ["a.csv", "b.csv", "sub/c.txt"]
    files.mkdir(f"{bucket}-made")
    files.touch(f"{bucket}-made/k")
    files.setxattr(f"{bucket}-made/k", color="red")
    assert files.getxattr(f"{bucket}-made/k", "color") == "red"
    files.rm(f"{bucket}-made", recursive=True)
    assert not files.exists(f"{bucket}-made")


def reads_versions(bucket: str) -> None:
    """Read what was written over, and delete a version."""
    files = s3fs.S3FileSystem(version_aware=True)
    files.call_s3("put_bucket_versioning", Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    path, content = f"{bucket}/k", random.Random(9).randbytes(12 << 20)
    with files.open(path, "wb", block_size=5 << 20) as file:
        file.write(content)
    with files.open(path, "rb") as opened:
        files.pipe(path, b"new")
        assert opened.read() == content
    new, old = files.object_version_info(path)
    assert (new["IsLatest"], old["Size"]) == (True, len(content))
    with files.open(f"{path}?versionId={old['VersionId']}", "rb") as file:
        assert file.read() == content
    assert files.info(path, version_id=old["VersionId"])["size"] == len(content)
    assert files.cat(path) == b"new"
    files.rm(path)
    assert not files.exists(path)
    assert files.exists(f"{path}?versionId={new['VersionId']}")


if __name__ == "__main__":
    {"bytes": moves_bytes, "folders": moves_folders, "versions": reads_versions}[sys.argv[1]](sys.argv[2])
