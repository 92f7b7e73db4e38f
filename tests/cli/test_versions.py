"""Versions of objects by the command line, against a real server."""

import urllib.request

import pytest


@pytest.fixture
def bucket(run, name) -> str:
    run("bucket", "mb", name)
    run("bucket", "versioning", "enable", name)
    return f"s3://{name}"


@pytest.fixture
def versions(answer, bucket):
    """List the versions of the test's bucket, without sizes and times."""
    return lambda where="": [
        (it["key"], it["version_id"], it["latest"], it["delete_marker"])
        for it in answer("object", "versions", "-r", f"{bucket}/{where}")
    ]


def test_versioning_is_shown_enabled_and_suspended(run, answer, name):
    run("bucket", "mb", name)

    shown = [answer("bucket", "versioning", "get", name)]
    for step in ("enable", "suspend"):
        run("bucket", "versioning", step, name)
        shown.append(answer("bucket", "versioning", "get", f"s3://{name}"))

    assert [it["status"] for it in shown] == ["", "Enabled", "Suspended"]
    assert run("bucket", "versioning", "get", name).stdout == "Suspended\n"
    assert answer("bucket", "versioning", "enable", name) == {"name": name, "status": "Enabled"}


def test_versions_are_listed_read_and_restored(run, answer, bucket, versions, tmp_path):
    for text in ("old", "new"):
        run("object", "cp", "-", f"{bucket}/k", text=text)
    (_, new, *_), (_, old, *_) = versions()

    assert run("object", "cat", f"{bucket}/k").stdout == "new"
    assert run("object", "cat", f"{bucket}/k", "--version-id", old).stdout == "old"
    assert answer("object", "head", f"{bucket}/k")["version_id"] == new
    assert answer("object", "head", f"{bucket}/k", "--version-id", old)["version_id"] == old
    run("object", "cp", f"{bucket}/k", str(tmp_path / "old"), "--version-id", old)
    assert (tmp_path / "old").read_text() == "old"
    run("object", "cp", f"{bucket}/k", f"{bucket}/k", "--version-id", old)
    assert run("object", "cat", f"{bucket}/k").stdout == "old"
    assert len(versions()) == 3
    assert "VERSION ID" in run("object", "versions", f"{bucket}/").stdout
    assert run("object", "head", f"{bucket}/k", "--version-id", "null", exits=3).stdout == ""


def test_deleting_hides_and_deleting_the_marker_brings_back(run, answer, bucket, versions):
    run("object", "cp", "-", f"{bucket}/k", text="text")

    run("object", "rm", f"{bucket}/k")

    (_, marker, latest, is_marker), (_, kept, *_) = versions()
    assert (latest, is_marker) == (True, True)
    run("object", "cat", f"{bucket}/k", exits=3)
    assert answer("object", "rm", f"{bucket}/k", "--version-id", marker) == {"deleted": 1}
    assert versions() == [("k", kept, True, False)]


def test_all_versions_of_a_key_or_of_a_folder_are_deleted(run, answer, bucket, versions):
    for key in ("k", "k", "k2", "dir/a", "dir/a"):
        run("object", "cp", "-", f"{bucket}/{key}", text=key)
    run("object", "rm", f"{bucket}/dir/a")

    assert answer("object", "rm", "--versions", f"{bucket}/k") == {"deleted": 2}
    assert [it[0] for it in versions()] == ["dir/a"] * 3 + ["k2"]
    rows = answer("object", "versions", f"{bucket}/")
    assert [(it["key"], it["version_id"]) for it in rows] == [("dir/", None), ("k2", rows[1]["version_id"])]
    assert answer("object", "rm", "--versions", "-r", "-y", f"{bucket}/dir/") == {"deleted": 3}
    assert answer("object", "rm", "--versions", f"{bucket}/none") == {"deleted": 0}
    assert [it[0] for it in versions()] == ["k2"]


def test_a_bucket_with_versions_is_deleted_by_force(run, bucket, name):
    for _ in range(2):
        run("object", "cp", "-", f"{bucket}/k", text="x")
    run("object", "rm", f"{bucket}/k")

    run("bucket", "rb", name, exits=5)
    run("bucket", "rb", name, "--force", "--yes")
    run("bucket", "stat", name, exits=3)


def test_tags_and_lists_of_a_version(run, answer, bucket, versions):
    for text in ("old", "new"):
        run("object", "cp", "-", f"{bucket}/k", text=text)
    old = versions()[1][1]

    run("object", "tags", f"{bucket}/k", "--set", "colour=blue", "--set", "size=1", "--version-id", old)

    assert answer("object", "tags", f"{bucket}/k") == []
    found = answer("object", "tags", f"{bucket}/k", "--version-id", old)
    assert {it["key"]: it["value"] for it in found} == {"colour": "blue", "size": "1"}
    assert answer("object", "tags", f"{bucket}/k", "--clear", "--version-id", old) == []
    assert [it["permission"] for it in answer("object", "acl", f"{bucket}/k", "--version-id", old)] == ["FULL_CONTROL"]


def test_a_url_reads_a_version(run, bucket, versions):
    for text in ("old", "new"):
        run("object", "cp", "-", f"{bucket}/k", text=text)

    url = run("object", "presign", f"{bucket}/k", "--version-id", versions()[1][1]).stdout.strip()

    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"old"


@pytest.mark.parametrize(
    "words",
    [
        "object rm -r s3://b/ --version-id x",
        "object rm s3://b/k s3://b/l --version-id x",
        "object rm s3://b/k --versions --version-id x",
        "object cat s3://b/k s3://b/l --version-id x",
        "object cp -r s3://b/ folder --version-id x",
        "object cp file s3://b/ --version-id x",
        "object presign s3://b/k --method PUT --version-id x",
        "object tags s3://b/k --set a=b --clear",
    ],
)
def test_a_version_is_of_one_object_that_is_read_or_deleted(run, words):
    assert "Usage" in run(*words.split(), exits=2).stderr
