"""Output patterns: which files a job's outputs are, under which keys, and never one outside its folder."""

import os

import pytest

from cumulo.client.model import JobOutput
from cumulo.runner.staging import StagingFailed, find_outputs


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "secret").write_text("not the job's")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("not the job's")
    made = tmp_path / "job"
    for path in ("out/a.txt", "out/b.png", "out/deep/er/c.txt", "single", "out/.hidden"):
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_text(path)
    return made


def keys(folder, *outputs):
    return {
        f.key: str(f.path.relative_to(folder)) for f in find_outputs(tuple(JobOutput(*it) for it in outputs), folder)
    }


@pytest.mark.parametrize(
    ("pattern", "destination", "found"),
    [
        ("out/*.txt", "s3://b/p/", {"p/a.txt": "out/a.txt"}),
        ("out/*.txt", "s3://b/p-", {"p-a.txt": "out/a.txt"}),
        ("out/[ab].*", "s3://b", {"a.txt": "out/a.txt", "b.png": "out/b.png"}),
        ("out/?.txt", "s3://b/", {"a.txt": "out/a.txt"}),
        ("out/**/*.txt", "s3://b/x/", {"x/a.txt": "out/a.txt", "x/deep/er/c.txt": "out/deep/er/c.txt"}),
        ("out/deep/er/c.txt", "s3://b/", {"c.txt": "out/deep/er/c.txt"}),
        ("out/deep/er/c.txt", "s3://b/dir/", {"dir/c.txt": "out/deep/er/c.txt"}),
        ("single", "s3://b/whole/key.txt", {"whole/key.txt": "single"}),
        ("./single", "s3://b/k", {"k": "single"}),
        ("out/.hidden", "s3://b/", {".hidden": "out/.hidden"}),
        ("*/a.txt", "s3://b/", {"out/a.txt": "out/a.txt"}),
    ],
)
def test_a_pattern_gives_files_and_their_keys(folder, pattern, destination, found):
    assert keys(folder, (pattern, destination)) == found


@pytest.mark.parametrize("pattern", ["nothing", "out/*.csv", "out", "out/deep", "**/none"])
def test_a_pattern_that_matches_no_file_fails(folder, pattern):
    with pytest.raises(StagingFailed, match="MissingOutput"):
        keys(folder, (pattern, "s3://b/"))


@pytest.mark.parametrize(
    ("link", "target", "pattern"),
    [
        ("out/link", "../../secret", "out/link"),
        ("out/link", "../../secret", "out/l*"),
        ("out/link", "/etc/passwd", "out/link"),
        ("out/link", "a.txt", "out/link"),
        ("out/into", "../../outside", "out/into/file"),
        ("out/into", "../../outside", "out/into/*"),
        ("out/into", "../../outside", "out/*/file"),
        ("out/into", "../../outside", "out/into/**/*"),
        ("out/into", "/etc", "out/into/passwd"),
        ("out/loop", ".", "out/loop/a.txt"),
        ("out/broken", "nowhere", "out/broken"),
    ],
)
def test_links_are_not_followed_wherever_they_point(folder, link, target, pattern):
    (folder / link).symlink_to(target)

    with pytest.raises(StagingFailed, match="MissingOutput"):
        keys(folder, (pattern, "s3://b/"))


def test_a_job_folder_that_was_made_a_link_gives_nothing(folder, tmp_path):
    (folder / "out").rename(folder / "was")
    (folder / "out").symlink_to(tmp_path / "outside")

    with pytest.raises(StagingFailed, match="MissingOutput"):
        keys(folder, ("out/*", "s3://b/"))


def test_what_is_no_regular_file_is_no_output(folder):
    os.mkfifo(folder / "out" / "pipe")

    with pytest.raises(StagingFailed, match="MissingOutput"):
        keys(folder, ("out/pipe", "s3://b/"))


def test_a_name_that_is_no_key_fails_with_the_name(folder):
    with (folder / os.fsdecode(b"out/\xff.bin")).open("w"):
        pass
    with pytest.raises(StagingFailed, match=r"OutputName: b'out/\\xff.bin' is not UTF-8"):
        keys(folder, ("out/*.bin", "s3://b/"))
    with pytest.raises(StagingFailed, match="a key of 1028 bytes"):
        keys(folder, ("single", "s3://b/" + "k" * 1021 + "/"))


def test_a_file_that_two_patterns_match_is_stored_once_and_two_files_for_one_key_are_refused(folder):
    assert keys(folder, ("out/*.txt", "s3://b/"), ("out/a.txt", "s3://b/")) == {"a.txt": "out/a.txt"}
    with pytest.raises(StagingFailed, match="OutputConflict: two files would be stored as s3://b/k"):
        keys(folder, ("single", "s3://b/k"), ("out/a.txt", "s3://b/k"))


def test_more_files_than_a_job_may_store_are_refused(folder):
    (folder / "many").mkdir()
    for number in range(1001):
        (folder / "many" / str(number)).touch()

    with pytest.raises(StagingFailed, match="TooManyOutputs: 1001 files match; at most 1000"):
        keys(folder, ("many/*", "s3://b/"))
