"""The demo's report is one page that shows its data, asks nobody else for anything, and believes no file name."""

import importlib.util
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo"


def load_report() -> Any:
    spec = importlib.util.spec_from_file_location("demo_report", DEMO / "report.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


demo = load_report()


class Reader(HTMLParser):
    """Collects addresses and tags, and holds that every tag is closed."""

    VOID = frozenset({"meta", "link", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str | None] = []
        self.text: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in {"src", "href"}]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: Path) -> Reader:
    reader = Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    assert reader.open == []
    return reader


@pytest.fixture
def report(tmp_path):
    picture = tmp_path / "plot.png"
    Image.new("RGB", (30, 20), "teal").save(picture)
    lost = demo.Attempt("worker-2", 4702, 0.5, 1.0, "lost")
    done = demo.Attempt("worker-3", 4703, 3.0, 4.25, "succeeded", 0)
    refused = demo.Attempt("worker-1", 4701, 0.2, 0.3, "refused", 3)
    jobs = (
        demo.Job(
            "texts/psalms.txt",
            223_881,
            "text",
            0.1,
            (lost, done),
            (demo.Output("texts/psalms.txt/plot.png", 90_000), demo.Output("texts/psalms.txt/summary.txt", 2_000)),
            (demo.Picture(picture, "psalms.txt"),),
            ("reading", "done"),
        ),
        demo.Job("<script>alert(1)</script>.svg", 0, "other", 0.1, (refused,), note='is "an SVG" & <b>no job</b>'),
    )
    return demo.Report(
        started_at="2026-03-01 14:05",
        version="0.1.0",
        wall_s=4.3,
        workers=4,
        engine="LMDB, durable",
        isolation=demo.Isolation("process", "No namespaces: <operation not permitted>.", (("time", "60 s"),)),
        jobs=jobs,
        principals=(demo.Principal("producer", ("s3:PutObject on inbox/*",)), demo.Principal("nobody", ())),
        kill=demo.PlannedKill(
            "texts/psalms.txt", "5fea7756", "worker-2", 4702, 1.0, 2.0, 3.0, 2, "worker-3", 4703, 4.25, 2, 2
        ),
        refused_call=demo.RefusedCall("producer", "s3:GetObject", "arn:aws:s3:::outbox/x", "AccessDenied", "no policy"),
        snippets=(demo.Snippet("Shell", "cumulo ls s3://outbox && echo <done>"),),
    )


def test_page_shows_what_happened(report, tmp_path):
    text = " ".join(read(demo.build(report, tmp_path / "out")).text)

    for said in (
        "1 file became 2 results in 4.3 s",
        "SIGKILL to",
        "worker-2",
        "Receive count: 2.",
        "Nothing twice, nothing missing",
        "AccessDenied",
        "s3:GetObject",
        "Isolation: process",
        "<operation not permitted>",
        "worker-2 died",
        "1.2 s",
        "400 ms",
        "224 kB",
        "cumulo ls s3://outbox && echo <done>",
    ):
        assert said in text, said


def test_names_and_messages_from_outside_stay_text(report, tmp_path):
    reader = read(demo.build(report, tmp_path / "out"))

    assert "script" not in reader.tags
    assert "<script>alert(1)</script>.svg" in reader.text
    assert 'is "an SVG" & <b>no job</b>' in reader.text


def test_page_needs_nothing_but_its_own_folder(report, tmp_path):
    page = demo.build(report, tmp_path / "out")

    addresses = set(read(page).addresses) - {"data:,"}
    assert addresses == {"pictures/001-psalms-txt.png"}
    assert all((page.parent / str(address)).is_file() for address in addresses)
    assert not re.search(r"url\(|@import|https?:", page.read_text(encoding="utf-8"))


def test_same_data_gives_the_same_page(report, tmp_path):
    first, second = demo.build(report, tmp_path / "first"), demo.build(report, tmp_path / "second")

    assert first.read_bytes() == second.read_bytes()


def test_outbox_that_is_not_whole_is_not_called_whole(report, tmp_path):
    doubled = replace(report, kill=replace(report.kill, outputs_found=4))

    text = " ".join(read(demo.build(doubled, tmp_path / "out")).text)

    assert "The outbox is not as it should be" in text
    assert "nothing is missing" not in text


def test_run_without_jobs_still_gives_a_page(report, tmp_path):
    empty = replace(report, jobs=(), kill=None, refused_call=None, snippets=(), principals=())

    text = " ".join(read(demo.build(empty, tmp_path / "out")).text)

    assert "0 files became 0 results" in text


def test_thousands_of_jobs_are_cut_to_the_limits_and_the_page_says_so(report, tmp_path):
    many = replace(report, jobs=report.jobs[:1] * 3_000)

    page = demo.build(many, tmp_path / "out")

    reader = read(page)
    text = " ".join(reader.text)
    assert reader.tags.count("tr") == demo.TABLE_ROWS_MAX + 1
    assert len(list((page.parent / "pictures").iterdir())) == demo.PICTURES_MAX
    assert "2,500 more jobs not shown." in text
    assert "4,000 more attempts not shown." in text
    assert page.stat().st_size < 2_000_000


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (999_600, "1.0 MB"), (223_881, "224 kB"), (5 * 10**12, "5,000 GB")],
)
def test_sizes_have_few_digits(size_bytes, shown):
    assert demo.format_bytes(size_bytes) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 ms"), (0.0121, "12 ms"), (0.9996, "1.0 s"), (59.94, "59.9 s"), (99.96, "1 min 40 s"), (119.7, "2 min 0 s")],
)
def test_durations_have_few_digits(seconds, shown):
    assert demo.format_seconds(seconds) == shown
