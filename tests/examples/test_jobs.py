"""The demo's jobs as a worker runs them: one program, one file, one folder, one exit code."""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TEXTS, IMAGES = EXAMPLES / "data" / "texts", EXAMPLES / "data" / "images"

TEXT_RESULTS = {"statistics.json", "summary.txt", "plot.png"}
IMAGE_RESULTS = {
    "contact_sheet.png",
    "metadata.json",
    "palette.png",
    "thumbnail_160.png",
    "thumbnail_320.png",
    "thumbnail_80.png",
}


def run_job(name: str, in_file: Path, out_dir: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """As in a sandbox: isolated Python, no variables but these, a home that does not exist."""
    return subprocess.run(
        [sys.executable, "-I", "-W", "error", EXAMPLES / "jobs" / f"{name}.py", in_file, out_dir],
        env={"HOME": str(home / "missing"), "PATH": "/usr/bin:/bin", "LANG": "C"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.fixture
def run(tmp_path):
    return lambda name, in_file, out_dir=None: run_job(name, in_file, out_dir or tmp_path / "out", tmp_path)


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_file


def read_all(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def read_statistics(tmp_path: Path) -> Any:
    return json.loads((tmp_path / "out" / "statistics.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "in_file", "results"),
    [
        ("text_statistics", TEXTS / "us-declaration.txt", TEXT_RESULTS),
        ("image_thumbnails", IMAGES / "rocket.jpg", IMAGE_RESULTS),
    ],
)
def test_same_input_gives_the_same_bytes(run, tmp_path, name, in_file, results):
    first, second = run(name, in_file, tmp_path / "first"), run(name, in_file, tmp_path / "second")

    assert (first.returncode, first.stderr) == (0, "")
    assert set(read_all(tmp_path / "first")) == results
    assert read_all(tmp_path / "first") == read_all(tmp_path / "second")
    assert first.stdout == second.stdout


@pytest.mark.parametrize(
    ("in_file", "job"),
    [(TEXTS / "us-constitution.txt", "text_statistics"), (IMAGES / "chelsea.png", "image_thumbnails")],
)
def test_dispatch_runs_the_job_that_fits_the_content(run, in_file, job):
    done = run("dispatch", in_file)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].endswith(job)
    assert done.stdout.splitlines()[-1].startswith("done: ")


def test_content_and_not_the_name_decides(run, write, tmp_path):
    misnamed = write("notes.txt", (IMAGES / "rocket.jpg").read_bytes())

    done = run("dispatch", misnamed)

    assert done.returncode == 0
    assert "its name (.txt) says otherwise" in done.stdout
    assert set(read_all(tmp_path / "out")) == IMAGE_RESULTS


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "an empty file"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"PK\x03\x04" + bytes(30), "a ZIP archive"),
        (b"\x7fELF" + bytes(30), "a Linux program"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b"\1\2\3\0\xff\xfe", "binary data of no kind known here (it begins 01 02 03 00 ff fe)"),
    ],
)
def test_unknown_input_ends_with_exit_code_3_and_says_what_it_is(run, write, tmp_path, content, kind):
    done = run("dispatch", write("upload", content))

    assert done.returncode == 3
    assert done.stderr.startswith(f"dispatch: upload: is {kind}")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "beginning", [b"ID3 is a tag.", b"BM means many things.", b"The big WAVE came.", b"PK is no zip."]
)
def test_text_that_begins_like_another_kind_is_a_text(beginning):
    choose = runpy.run_path(str(EXAMPLES / "jobs" / "dispatch.py"))["choose"]

    assert choose(beginning).job == "text_statistics"


PNG, JPEG = (IMAGES / "chelsea.png").read_bytes(), (IMAGES / "rocket.jpg").read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("cut.png", PNG[:100_000], "its PNG data is damaged"),
        ("cut.jpg", JPEG[:50_000], "its JPEG data is damaged"),
        ("head.png", PNG[:20], "its header is damaged"),
        ("spoilt.png", PNG[:9_000] + b"x" * 200 + PNG[9_200:], "its PNG data is damaged"),
    ],
)
def test_damaged_image_ends_with_exit_code_4_and_leaves_no_result(run, write, tmp_path, name, content, fault):
    done = run("dispatch", write(name, content))

    assert done.returncode == 4
    assert done.stderr.startswith(f"image_thumbnails: {name}: {fault}")
    assert not (tmp_path / "out").exists()


def test_image_of_too_many_pixels_is_refused_before_it_is_decoded(run, tmp_path):
    Image.new("1", (9000, 9000)).save(tmp_path / "bomb.png")

    done = run("image_thumbnails", tmp_path / "bomb.png")

    assert done.returncode == 4
    assert "9,000 x 9,000 pixels are more than the 64,000,000" in done.stderr


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGBA", (40, 300), (255, 0, 0, 128)),
        Image.new("L", (1, 1)),
        Image.new("I;16", (30, 20), 40_000),
        Image.new("P", (50, 60), 3),
        Image.new("LA", (9, 9)),
    ],
    ids=lambda image: image.mode,
)
def test_image_of_any_mode_gets_all_results(run, tmp_path, image):
    image.save(tmp_path / "image.png")

    done = run("image_thumbnails", tmp_path / "image.png")

    assert (done.returncode, done.stderr) == (0, "")
    assert set(read_all(tmp_path / "out")) == IMAGE_RESULTS


def test_camera_position_is_not_copied_and_rotation_is_applied(run, tmp_path):
    image = Image.new("RGB", (40, 20), "navy")
    exif = image.getexif()
    exif[0x0112], exif[0x010F] = 6, "Camera & Sons"
    exif[0x8825] = {1: "N", 2: (52.0, 30.0, 0.0)}
    image.save(tmp_path / "photo.jpg", exif=exif)

    run("image_thumbnails", tmp_path / "photo.jpg")

    metadata = json.loads((tmp_path / "out" / "metadata.json").read_text(encoding="utf-8"))
    assert metadata["exif"] == {"Make": "Camera & Sons"}
    assert metadata["measured_on"] == {"width": 20, "height": 40}


def test_words_and_sentences_are_counted(run, write, tmp_path):
    text = b'CHAPTER I\n\nMr. Elliot said: "Come!" he did. Don\'t stop. "Why?" She\nlaughed and laughed...\n'

    run("text_statistics", write("short.txt", text))

    statistics = read_statistics(tmp_path)
    assert statistics["words"] == 15
    assert statistics["sentences"] == {
        "count": 5,
        "mean_length": 3.0,
        "median_length": 2,
        "ninetieth_percentile_length": 6,
        "longest": 6,
    }
    assert statistics["most_frequent_words"][0] == ["laughed", 2]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("Grüße aus Köln".encode(), "UTF-8"),
        ("Grüße aus Köln".encode("utf-8-sig"), "UTF-8, by its byte order mark"),
        ("Grüße aus Köln".encode("utf-16"), "UTF-16, by its byte order mark"),
        ("Grüße aus Köln".encode("latin-1"), "Windows-1252, guessed: no UTF-8 (invalid start byte at offset 2)"),
        ("Gru\u0308ße aus Ko\u0308ln".encode(), "UTF-8"),
    ],
)
def test_text_of_another_encoding_gives_the_same_words(run, write, tmp_path, content, encoding):
    done = run("dispatch", write("$köln$.txt", content))

    statistics = read_statistics(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert statistics["source"]["encoding"] == encoding
    assert [word for word, _ in statistics["most_frequent_words"]] == ["aus", "grüße", "köln"]


@pytest.mark.parametrize(
    ("content", "exit_code", "fault"),
    [
        (b" \n 12 34 \n", 3, "holds no words"),
        (bytes(range(1, 256)) * 9, 3, "control characters"),
        (b"text" * 2000 + b"\0", 3, "NUL byte at offset 8,000"),
        ("Grüße".encode("utf-16")[:-1], 4, "UTF-16, but breaks off"),
    ],
)
def test_what_is_no_text_is_refused_by_name_and_reason(run, write, content, exit_code, fault):
    done = run("text_statistics", write("odd.txt", content))

    assert done.returncode == exit_code
    assert done.stderr.startswith("text_statistics: odd.txt: ")
    assert fault in done.stderr


def test_text_without_a_single_space_or_stop_is_read_in_bounded_pieces(run, write, tmp_path):
    done = run("text_statistics", write("long.txt", b"abcdefg1" * 400_000))

    assert done.returncode == 0
    assert read_statistics(tmp_path)["words"] == 400_000


def test_script_that_the_font_lacks_warns_of_nothing(run, write):
    done = run("text_statistics", write("猫.txt", "吾輩は猫である。名前はまだ無い。".encode()))

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["text_statistics", "image_thumbnails", "dispatch"])
def test_missing_file_is_a_wrong_call(run, tmp_path, name):
    done = run(name, tmp_path / "missing.txt")

    assert done.returncode == 2
    assert "missing.txt" in done.stderr
