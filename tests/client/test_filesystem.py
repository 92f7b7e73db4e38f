"""The file system of fsspec, by fsspec's own operations against a real server."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cumulo.client import Bucket
from cumulo.testing import Server

fsspec: Any = pytest.importorskip("fsspec", reason="the extra `fsspec` is not installed")

TREE = {"a.txt": b"one", "dir/b.txt": b"two", "dir/sub/c.csv": b"three", "dir/sub/d.txt": b"four"}
LARGE = os.urandom(1024) * 20_000


@pytest.fixture
def fs(server: Server) -> Iterator[Any]:
    """A file system without caches of instances, of the server's root user."""
    from cumulo.client.filesystem import CumuloFileSystem

    options: dict[str, Any] = {"url": server.url, "skip_instance_cache": True, **server.credentials}
    made = CumuloFileSystem(server.target, **options)
    yield made
    made.client.close()


@pytest.fixture
def tree(fs: Any, bucket: Bucket, name: str) -> str:
    for key, data in TREE.items():
        bucket.put(key, data)
    return name


def test_protocol_is_known_to_fsspec() -> None:
    from cumulo.client.filesystem import CumuloFileSystem

    assert CumuloFileSystem._strip_protocol("cumulo://bucket/key/") == "bucket/key"
    assert CumuloFileSystem._strip_protocol(["cumulo://b", "/b/k"]) == ["b", "b/k"]


def test_listing_and_info(fs: Any, tree: str) -> None:
    assert f"{tree}" in fs.ls("", detail=False)
    assert fs.ls(tree, detail=False) == [f"{tree}/a.txt", f"{tree}/dir"]
    assert [(it["name"], it["type"], it["size"]) for it in fs.ls(f"cumulo://{tree}/dir")] == [
        (f"{tree}/dir/b.txt", "file", 3),
        (f"{tree}/dir/sub", "directory", 0),
    ]
    assert fs.ls(f"{tree}/a.txt", detail=False) == [f"{tree}/a.txt"]
    assert fs.info(f"{tree}/a.txt")["size"] == 3
    assert fs.info(f"{tree}/dir")["type"] == "directory"
    assert fs.isdir(tree)
    assert fs.isfile(f"{tree}/a.txt")
    assert fs.exists(f"{tree}/dir/sub")
    assert not fs.exists(f"{tree}/none")
    for missing in (f"{tree}/none", "no-such-bucket-here"):
        with pytest.raises(FileNotFoundError):
            fs.info(missing)
        with pytest.raises(FileNotFoundError):
            fs.ls(missing)


def test_find_glob_walk_and_du(fs: Any, tree: str) -> None:
    names = sorted(f"{tree}/{key}" for key in TREE)
    assert fs.find(tree) == names
    assert sorted(fs.find(tree, detail=True)) == names
    assert fs.find(f"{tree}/a.txt") == [f"{tree}/a.txt"]
    assert fs.find(tree, maxdepth=1) == [f"{tree}/a.txt"]
    assert f"{tree}/dir/sub" in fs.find(tree, withdirs=True)
    assert fs.glob(f"{tree}/**/*.txt") == [f"{tree}/a.txt", f"{tree}/dir/b.txt", f"{tree}/dir/sub/d.txt"]
    assert fs.glob(f"{tree}/dir/*") == [f"{tree}/dir/b.txt", f"{tree}/dir/sub"]
    assert [(root, sorted(dirs), sorted(files)) for root, dirs, files in fs.walk(tree)] == [
        (tree, ["dir"], ["a.txt"]),
        (f"{tree}/dir", ["sub"], ["b.txt"]),
        (f"{tree}/dir/sub", [], ["c.csv", "d.txt"]),
    ]
    assert fs.du(tree) == sum(map(len, TREE.values()))


def test_cat_and_pipe(fs: Any, tree: str) -> None:
    fs.pipe(f"{tree}/p", b"0123456789")

    assert fs.cat(f"{tree}/p") == b"0123456789"
    assert fs.cat_file(f"{tree}/p", 2, 5) == b"234"
    assert fs.cat_file(f"{tree}/p", -3) == b"789"
    assert fs.cat_file(f"{tree}/p", 8, 100) == b"89"
    assert fs.cat_file(f"{tree}/p", 20) == b""
    assert fs.head(f"{tree}/p", 2) == b"01"
    assert fs.tail(f"{tree}/p", 2) == b"89"
    assert fs.cat_ranges([f"{tree}/p"] * 2, [0, 5], [2, 7]) == [b"01", b"56"]
    assert set(fs.cat(fs.find(f"{tree}/dir")).values()) == {b"two", b"three", b"four"}
    with pytest.raises(FileExistsError):
        fs.pipe_file(f"{tree}/p", b"new", mode="create")
    with pytest.raises(FileNotFoundError):
        fs.cat(f"{tree}/none")


def test_files_are_read_and_written_as_files(fs: Any, tree: str) -> None:
    path = f"{tree}/large"
    with fs.open(path, "wb") as file:
        for at in range(0, len(LARGE), 3_000_000):
            file.write(LARGE[at : at + 3_000_000])
        assert not fs.exists(path)
    assert fs.size(path) == len(LARGE)
    with fs.open(path, "rb") as file:
        assert file.read(10) == LARGE[:10]
        file.seek(-5, os.SEEK_END)
        assert file.read() == LARGE[-5:]
        file.seek(12_345_678)
        assert file.read(7) == LARGE[12_345_678:12_345_685]
        file.seek(0)
        assert file.read() == LARGE
    with fs.open(f"{tree}/text", "w") as text:
        text.write("äöü\n")
    with fs.open(f"{tree}/text", "r") as text:
        assert text.read() == "äöü\n"
    with fs.open(f"{tree}/empty", "wb"):
        pass
    assert fs.cat(f"{tree}/empty") == b""


def test_append_and_exclusive_modes(fs: Any, tree: str) -> None:
    for data in (b"one,", b"two"):
        with fs.open(f"{tree}/log", "ab") as file:
            file.write(data)
    assert fs.cat(f"{tree}/log") == b"one,two"
    with fs.open(f"{tree}/x", "xb") as file:
        file.write(b"1")
    with pytest.raises(FileExistsError), fs.open(f"{tree}/x", "xb") as file:
        file.write(b"2")
    assert fs.cat(f"{tree}/x") == b"1"


def test_block_that_raises_writes_nothing(fs: Any, tree: str) -> None:
    def write_half() -> None:
        with fs.open(f"{tree}/half", "wb") as file:
            file.write(LARGE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()

    assert not fs.exists(f"{tree}/half")


def test_transaction_makes_its_files_visible_together(fs: Any, tree: str) -> None:
    with fs.transaction:
        for name in ("one", "two"):
            with fs.open(f"{tree}/{name}", "wb") as file:
                file.write(b"x")
            assert not fs.exists(f"{tree}/{name}")
    assert fs.cat(f"{tree}/one") == fs.cat(f"{tree}/two") == b"x"


def test_put_get_copy_move_and_remove(fs: Any, tree: str, tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a").write_bytes(b"a")
    (tmp_path / "in" / "deep" / "b").write_bytes(LARGE)

    fs.put(f"{tmp_path}/in/", f"{tree}/put/", recursive=True)
    assert fs.find(f"{tree}/put") == [f"{tree}/put/a", f"{tree}/put/deep/b"]
    fs.get(f"{tree}/put/", f"{tmp_path}/out/", recursive=True)
    assert (tmp_path / "out" / "deep" / "b").read_bytes() == LARGE
    fs.get_file(f"{tree}/a.txt", tmp_path / "one")
    assert (tmp_path / "one").read_bytes() == b"one"

    fs.cp(f"{tree}/put/", f"{tree}/copied/", recursive=True)
    assert fs.cat(f"{tree}/copied/deep/b") == LARGE
    fs.mv(f"{tree}/a.txt", f"{tree}/moved.txt")
    assert not fs.exists(f"{tree}/a.txt")
    assert fs.cat(f"{tree}/moved.txt") == b"one"

    with pytest.raises(IsADirectoryError):
        fs.rm(f"{tree}/copied")
    fs.rm(f"{tree}/copied", recursive=True)
    assert not fs.exists(f"{tree}/copied")
    fs.rm([f"{tree}/moved.txt", f"{tree}/dir/b.txt"])
    assert not fs.exists(f"{tree}/dir/b.txt")
    fs.touch(f"{tree}/touched")
    assert fs.size(f"{tree}/touched") == 0


def test_buckets_are_folders_at_the_root(fs: Any, name: str) -> None:
    fs.mkdir(name)
    assert fs.isdir(name)
    with pytest.raises(FileExistsError):
        fs.makedirs(name)
    fs.makedirs(f"{name}/any/folder", exist_ok=True)
    fs.pipe(f"{name}/k", b"1")
    with pytest.raises(OSError, match="not empty"):
        fs.rmdir(name)
    fs.rm(name, recursive=True)
    assert not fs.exists(name)


def test_etag_time_and_url_of_a_file(fs: Any, tree: str) -> None:
    path = f"{tree}/a.txt"

    assert fs.ukey(path) == fs.checksum(path) == fs.info(path)["ETag"]
    assert fs.modified(path) == fs.created(path)
    assert "X-Amz-Signature" in fs.sign(path, 60)


@pytest.fixture
def aware(server: Server) -> Iterator[Any]:
    """A file system that knows of versions."""
    from cumulo.client.filesystem import CumuloFileSystem

    options: dict[str, Any] = {"url": server.url, "skip_instance_cache": True, **server.credentials}
    made = CumuloFileSystem(server.target, version_aware=True, **options)
    yield made
    made.client.close()


def test_versions_are_read_by_path_and_by_argument(aware: Any, bucket: Bucket, name: str, tmp_path: Path) -> None:
    bucket.set_versioning("Enabled")
    path = f"{name}/dir/k"
    for data in (b"old", b"newer"):
        aware.pipe(path, data)

    new, old = aware.object_version_info(path)

    versioned = f"{path}?versionId={old['VersionId']}"
    assert (new["IsLatest"], old["IsLatest"], old["size"]) == (True, False, 3)
    assert (aware.info(path)["VersionId"], aware.info(versioned)["size"]) == (new["VersionId"], 3)
    assert aware.info(path, version_id=old["VersionId"]) == aware.info(versioned)
    assert aware.ls(f"{name}/dir", versions=True, detail=False) == [
        f"{path}?versionId={new['VersionId']}",
        versioned,
    ]
    assert (aware.cat(path), aware.cat(versioned), aware.cat_file(versioned, -2)) == (b"newer", b"old", b"ld")
    with aware.open(versioned, "rb") as file:
        assert (file.version_id, file.read()) == (old["VersionId"], b"old")
    with aware.open(path, "rb", version_id=old["VersionId"]) as file:
        assert file.read() == b"old"
    aware.get_file(versioned, tmp_path / "old")
    assert (tmp_path / "old").read_bytes() == b"old"
    aware.cp_file(versioned, path)
    assert aware.cat(path) == b"old"
    assert len(aware.object_version_info(path)) == 3
    for wrong in (aware.touch, lambda it: aware.pipe(it, b""), lambda it: aware.open(it, "wb")):
        with pytest.raises(ValueError, match="read, not written"):
            wrong(versioned)
    aware.rm(versioned)
    assert not aware.exists(versioned)
    with pytest.raises(ValueError, match="is not the version"):
        aware.cat_file(versioned, version_id="null")


def test_an_open_file_keeps_its_version_while_it_is_written_over(aware: Any, bucket: Bucket, name: str) -> None:
    bucket.set_versioning("Enabled")
    path = f"{name}/k"
    aware.pipe(path, LARGE)

    with aware.open(path, "rb", block_size=100_000) as file:
        assert file.read(10) == LARGE[:10]
        aware.pipe(path, b"other")
        file.seek(12_345_678)
        assert file.read(7) == LARGE[12_345_678:12_345_685]
    with aware.open(path, "wb") as file:
        file.write(b"third")
    assert file.version_id == aware.info(path)["VersionId"]


def test_a_path_with_a_version_makes_a_file_system_aware(server: Server, bucket: Bucket, name: str) -> None:
    bucket.set_versioning("Enabled")
    old = bucket.put("k", "old")
    bucket.put("k", "new")
    where = {"target": server.target, "url": server.url, **server.credentials}
    fsspec.register_implementation("cumulo", "cumulo.client.filesystem.CumuloFileSystem", clobber=True)

    with fsspec.open(f"cumulo://{name}/k?versionId={old.version_id}", **where) as file:
        assert file.read() == b"old"
    unaware = fsspec.filesystem("cumulo", **where)
    for asks in (lambda: unaware.ls(name, versions=True), lambda: unaware.info(f"{name}/k", version_id="null")):
        with pytest.raises(ValueError, match="version_aware"):
            asks()
    with pytest.raises(FileNotFoundError):
        unaware.info(f"{name}/k?versionId={old.version_id}")


def test_a_file_whose_versions_are_kept_is_moved_by_a_copy(fs: Any, bucket: Bucket, name: str) -> None:
    bucket.set_versioning("Enabled")
    fs.pipe(f"{name}/a", b"text")

    fs.mv(f"{name}/a", f"{name}/b")

    assert (fs.exists(f"{name}/a"), fs.cat(f"{name}/b")) == (False, b"text")
    assert [(it.key, it.delete_marker) for it in bucket.versions()] == [("a", True), ("a", False), ("b", False)]


def test_appending_where_versions_are_kept_writes_a_new_one(fs: Any, bucket: Bucket, name: str) -> None:
    bucket.set_versioning("Enabled")
    bucket.put("log", LARGE, content_type="text/x-log", metadata={"colour": "blue"})

    with fs.open(f"{name}/log", "ab") as file:
        file.write(LARGE)
        file.write(b"end")
    with fs.open(f"{name}/new", "ab") as file:
        file.write(b"first")

    assert fs.cat(f"{name}/log") == LARGE + LARGE + b"end"
    assert fs.cat(f"{name}/new") == b"first"
    head = bucket.head("log")
    assert (head.content_type, head.metadata) == ("text/x-log", {"colour": "blue"})
    assert [it.size for it in bucket.versions("log")] == [2 * len(LARGE) + 3, len(LARGE)]

    def fail() -> None:
        with fs.open(f"{name}/log", "ab", block_size=1_000_000) as file:
            file.write(LARGE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert len(list(bucket.versions("log"))) == 2
