"""What the documents say is true: links lead somewhere, words are in order, and the reference is what the code does."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
RECORDS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
SECTIONS = ["Context", "Decision", "Consequences", "What would change our mind"]

page_names = [str(page.relative_to(ROOT)) for page in PAGES]
record_names = [record.stem for record in RECORDS]


def links(page: Path) -> list[str]:
    """Relative link targets of a page, without their anchors."""
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    return [target.split("#")[0] for target in targets if "://" not in target and not target.startswith("#")]


@pytest.mark.parametrize("name", page_names)
def test_every_relative_link_leads_to_a_file(name: str) -> None:
    page = ROOT / name

    assert [target for target in links(page) if not (page.parent / target).exists()] == []


def test_every_page_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    open_pages = [ROOT / "README.md"]
    while open_pages:
        page = open_pages.pop()
        if page not in seen:
            seen.add(page)
            open_pages += [(page.parent / target).resolve() for target in links(page) if target.endswith(".md")]

    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in seen] == []


@pytest.mark.parametrize("name", record_names)
def test_decision_record_has_its_number_its_status_and_its_sections(name: str) -> None:
    text = (DOCS / "decisions" / f"{name}.md").read_text()

    assert text.startswith(f"# {name[:4]}. ")
    assert re.search(r"^Status: (proposed|accepted|superseded by \d{4})", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS


@pytest.mark.parametrize("name", record_names[1:])
def test_decision_record_is_listed_under_its_title(name: str) -> None:
    title = (DOCS / "decisions" / f"{name}.md").read_text().splitlines()[0].removeprefix(f"# {name[:4]}. ")

    assert f"| [{name[:4]}](decisions/{name}.md) | {title} |" in (DOCS / "index.md").read_text()


def test_glossary_is_sorted_and_defines_each_word_once() -> None:
    rows = re.findall(r"^\| ([^|]+?) \|", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    words = [row.lower() for row in rows if row not in ("word", "---")]

    assert words == sorted(set(words))


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        (page.name, target)
        for page in PAGES
        for target in re.findall(r"(?:`|^\$ )make ([a-z0-9-]+)", page.read_text(), re.MULTILINE)
    }

    assert {(page, target) for page, target in named if target not in targets} == set()


def test_map_of_the_rooms_names_every_room() -> None:
    rooms = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["cumulo"]["rooms"]
    architecture = (DOCS / "architecture.md").read_text()

    assert [folder for folder in rooms if f"`{folder.split('/')[0]}/`" not in architecture] == []


def test_reference_says_what_the_code_does() -> None:
    check = [sys.executable, str(ROOT / ".ci" / "reference.py"), "--check"]
    result = subprocess.run(check, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr
