"""Moving, synchronising, summing up and presigning objects by the command line, against a real server."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from cumulo.cli.main import cli
from cumulo.cli.places import Place
from cumulo.cli.synchronizing import Entry, plan
from cumulo.client.etags import PART_BYTES, file_has_etag, part_bytes


@pytest.fixture
def keys(answer, name):
    """List the keys of the test's bucket."""
    return lambda: [it["key"] for it in answer("object", "ls", "-r", f"s3://{name}")]


@pytest.fixture
def bucket(run, name) -> str:
    run("bucket", "mb", name)
    return f"s3://{name}"


def files(folder: Path, **contents: str) -> Path:
    """Write files into a folder; `__` stands for a slash."""
    for name, content in contents.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def tree(folder: Path) -> dict[str, str]:
    return {it.relative_to(folder).as_posix(): it.read_text() for it in folder.rglob("*") if it.is_file()}


def test_copies_that_can_be_resumed_arrive_whole(run, bucket, tmp_path: Path):
    files(tmp_path, a="x" * 100)

    run("object", "cp", "--resume", str(tmp_path / "a"), f"{bucket}/a")
    run("object", "cp", "--resume", f"{bucket}/a", f"{bucket}/b")
    run("object", "cp", "--resume", f"{bucket}/b", str(tmp_path / "b"))

    assert tree(tmp_path) == {"a": "x" * 100, "b": "x" * 100}


def test_files_and_objects_are_moved_every_way(run, answer, keys, bucket, tmp_path: Path):
    files(tmp_path / "in", a="1", deep__b="22")

    moved = answer("object", "mv", "-r", str(tmp_path / "in"), f"{bucket}/x")
    run("object", "mv", f"{bucket}/x/a", f"{bucket}/y")
    assert keys() == ["x/deep/b", "y"]
    run("object", "mv", "-r", f"{bucket}/x/", str(tmp_path / "out"))

    assert moved == {"moved": 2, "size_bytes": 3}
    assert tree(tmp_path / "in") == {}
    assert tree(tmp_path / "out") == {"deep/b": "22"}
    assert keys() == ["y"]


@pytest.mark.parametrize(
    "words", [("{0}/a/x", "{0}/a/x"), ("-r", "{0}/a/", "{0}/a/"), ("-r", "{0}/a/", "{0}/a/b"), ("-", "{0}/k")]
)
def test_nothing_is_moved_onto_what_is_moved_itself(run, keys, bucket, words):
    for key in ("a/x", "a/b/x"):
        run("object", "cp", "-", f"{bucket}/{key}", text=key)

    run("object", "mv", *(it.format(bucket) for it in words), exits=2)

    assert keys() == ["a/b/x", "a/x"]


def test_sync_copies_what_differs_and_deletes_what_is_surplus_only_when_asked(
    run, answer, keys, bucket, tmp_path: Path
):
    here = files(tmp_path / "here", a="1", deep__b="22", c="same size")
    first = answer("object", "sync", str(here), f"{bucket}/x")
    again = answer("object", "sync", str(here), f"{bucket}/x")
    files(here, c="SAME SIZE", d="new")
    (here / "deep/b").unlink()

    shown = answer("object", "sync", str(here), f"{bucket}/x", "--delete", "--dry-run")
    kept = answer("object", "sync", str(here), f"{bucket}/x")
    assert keys() == ["x/a", "x/c", "x/d", "x/deep/b"]
    deleted = answer("object", "sync", str(here), f"{bucket}/x", "--delete")

    assert first == {"copied": 3, "size_bytes": 12, "unchanged": 0, "deleted": 0}
    assert again == {"copied": 0, "size_bytes": 0, "unchanged": 3, "deleted": 0}
    assert [(it["step"], it["what"].rpartition("/")[2]) for it in shown] == [
        ("copy", "c"),
        ("copy", "d"),
        ("delete", "b"),
    ]
    assert (kept["copied"], kept["unchanged"], kept["deleted"]) == (2, 1, 0)
    assert (deleted["copied"], deleted["unchanged"], deleted["deleted"]) == (0, 3, 1)
    assert run("object", "cat", f"{bucket}/x/c").stdout == "SAME SIZE"
    assert keys() == ["x/a", "x/c", "x/d"]


def test_sync_makes_a_folder_and_a_prefix_like_a_prefix(run, answer, keys, bucket, tmp_path: Path):
    here = files(tmp_path / "here", a="1", deep__b="22")
    run("object", "sync", str(here), f"{bucket}/x")
    run("object", "cp", "-", f"{bucket}/x/empty/", text="")
    run("object", "cp", "-", f"{bucket}/xother", text="not below x/")
    there = files(tmp_path / "there", a="0", gone__far__c="3")

    down = answer("object", "sync", f"{bucket}/x", str(there), "--delete")
    across = answer("object", "sync", f"{bucket}/x/", f"{bucket}/y")
    again = answer("object", "sync", f"{bucket}/x/", f"{bucket}/y", "--delete")

    assert (down["copied"], down["deleted"]) == (2, 1)
    assert tree(there) == tree(here)
    assert not (there / "gone").exists()
    assert (across["copied"], again["copied"], again["unchanged"]) == (2, 0, 2)
    assert [it for it in keys() if it.startswith("y")] == ["y/a", "y/deep/b"]


def test_sync_of_a_folder_or_bucket_that_is_not_there_deletes_nothing(run, keys, bucket, tmp_path: Path):
    run("object", "cp", "-", f"{bucket}/k", text="a")
    files(tmp_path / "there", a="1")

    run("object", "sync", str(tmp_path / "none"), bucket, "--delete", exits=2)
    run("object", "sync", "s3://no-such-bucket-here", str(tmp_path / "there"), "--delete", exits=3)

    assert keys() == ["k"]
    assert tree(tmp_path / "there") == {"a": "1"}


def test_sync_knows_a_file_that_was_uploaded_in_parts(run, answer, bucket, tmp_path: Path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here/big").write_bytes(bytes(PART_BYTES + 17))
    run("object", "sync", str(tmp_path / "here"), bucket)

    again = answer("object", "sync", str(tmp_path / "here"), bucket)

    assert answer("object", "head", f"{bucket}/big")["etag"].endswith("-2")
    assert (again["copied"], again["unchanged"]) == (0, 1)


def test_etag_of_any_usual_part_size_is_recognised(tmp_path: Path):
    content = bytes(range(256)) * (11 << 12)
    (tmp_path / "file").write_bytes(content)
    parts = [hashlib.md5(content[at : at + (5 << 20)]).digest() for at in range(0, len(content), 5 << 20)]
    etag = f"{hashlib.md5(b''.join(parts)).hexdigest()}-{len(parts)}"

    assert file_has_etag(tmp_path / "file", etag)
    assert file_has_etag(tmp_path / "file", hashlib.md5(content).hexdigest())
    assert not file_has_etag(tmp_path / "file", etag.replace("-3", "-2"))
    assert not file_has_etag(tmp_path / "file", "no etag-at-all")
    assert [part_bytes(it) // PART_BYTES for it in (0, 999, 1000, 2000)] == [1, 1, 2, 4]


def test_plan_never_leads_out_of_the_folder(tmp_path: Path):
    from click import ClickException

    for name in ("../evil", "/evil", "a//b", "a/./b"):
        with pytest.raises(ClickException, match="no path below"):
            plan({name: Entry(Place("b", name), 1, "e")}, {}, tmp_path, 1)


def test_one_failed_copy_ends_the_run_with_its_error(run, bucket, tmp_path: Path):
    here = files(tmp_path / "here", **{f"f{number}": "1" for number in range(40)})
    (tmp_path / "out/f7").mkdir(parents=True)
    run("object", "sync", str(here), bucket)

    assert "f7" in run("object", "sync", bucket, str(tmp_path / "out"), exits=1).stderr


def test_objects_are_summed_up_by_folder(run, answer, bucket, name):
    for key in ("a/1", "a/2", "a/b/3", "c"):
        run("object", "cp", "-", f"{bucket}/{key}", text="12")

    assert answer("object", "du", bucket) == [
        {"where": f"s3://{name}/a/", "objects": 3, "size": 6},
        {"where": f"s3://{name}/", "objects": 4, "size": 8},
    ]
    assert answer("object", "du", "-s", f"{bucket}/a/") == [{"where": f"s3://{name}/a/", "objects": 3, "size": 6}]
    assert "8 B" in run("object", "du", bucket).stdout


def test_presigned_url_opens_one_object_for_one_method(run, answer, bucket):
    put = answer("object", "presign", f"{bucket}/a b", "--method", "PUT", "--expires", "60")
    urllib.request.urlopen(urllib.request.Request(put["url"], method="PUT", data=b"hello")).close()

    with urllib.request.urlopen(run("object", "presign", f"{bucket}/a b").stdout.strip()) as opened:
        assert opened.read() == b"hello"
    assert (put["method"], put["expires_s"]) == ("PUT", 60)


def test_presigning_without_an_endpoint_says_what_to_give(server):
    environment = {name: it for name, it in server.environment().items() if name.startswith("CUMULO_")}

    result = CliRunner().invoke(cli, ["object", "presign", "s3://b/k"], env=environment | {"AWS_ENDPOINT_URL": None})

    assert result.exit_code == 2
    assert "CUMULO_URL" in result.stderr


def test_quiet_reports_nothing_and_still_shows_results(run, bucket, name):
    assert run("queue", "create", name, "--quiet").stdout == ""
    assert run("object", "cp", "-", f"{bucket}/k", "-q", text="a").output == ""
    assert json.loads(run("object", "rm", f"{bucket}/k", "-q", "-o", "json").stdout) == {"deleted": 1}
    assert name in run("queue", "ls", name, "-q").stdout


def test_interrupted_transfer_ends_at_once_and_leaves_nothing_half_done(run, server, keys, bucket, tmp_path: Path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here/endless").write_bytes(b"")
    os.truncate(tmp_path / "here/endless", 1 << 36)
    words = ("object", "sync", str(tmp_path / "here"), bucket)
    program = (sys.executable, "-P", "-c", "from cumulo.cli.main import cli; cli()", *words)
    uploading = subprocess.Popen(program, env=os.environ | server.environment(), stderr=subprocess.DEVNULL)
    with server.client() as client:
        while not list(client.bucket(bucket.removeprefix("s3://")).uploads()):
            assert uploading.poll() is None

        uploading.send_signal(signal.SIGINT)

        assert uploading.wait(20) == 130
        assert list(client.bucket(bucket.removeprefix("s3://")).uploads()) == []
    assert keys() == []


def test_objects_under_a_key_in_a_file(run, answer, bucket, tmp_path: Path):
    key, short, back = tmp_path / "key", tmp_path / "short", tmp_path / "back"
    key.write_bytes(b"k" * 32)
    short.write_bytes(b"k")

    run("object", "cp", "-", f"{bucket}/secret", "--customer-key", str(key), text="a secret")

    assert run("object", "cat", f"{bucket}/secret", "--customer-key", str(key)).output == "a secret"
    assert answer("object", "head", f"{bucket}/secret", "--customer-key", str(key))["encryption"] == "SSE-C"
    run("object", "cp", f"{bucket}/secret", str(back), "--source-customer-key", str(key))
    assert back.read_text() == "a secret"
    assert "InvalidRequest" in run("object", "cat", f"{bucket}/secret", exits=1).stderr
    assert "a key has 32" in run("object", "cat", f"{bucket}/secret", "--customer-key", str(short), exits=2).stderr
    run("object", "cp", "-", f"{bucket}/plain", "--encryption", "AES256", text="x")
    assert answer("object", "head", f"{bucket}/plain")["encryption"] == "AES256"


def test_copied_files_bring_their_messages(run, answer, name, bucket, tmp_path: Path):
    run("queue", "create", name)
    folder = files(tmp_path / "in", a="1", b="2")

    run("object", "cp", "-r", str(folder), bucket, "--message", name, "arrived")
    refused = run("object", "cp", str(folder / "a"), f"{bucket}/c", "--message", f"{name}-nowhere", "x", exits=3)

    assert [it["body"] for it in answer("queue", "peek", name)] == ["arrived", "arrived"]
    assert "QueueDoesNotExist" in refused.stderr
    assert [it["key"] for it in answer("object", "ls", "-r", bucket)] == ["a", "b"]
