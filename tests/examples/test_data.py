"""The files that the demo works on are those that their README names, byte for byte."""

import hashlib
import re
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "examples" / "data"
README = (DATA / "README.md").read_text(encoding="utf-8")
TOTAL_BYTES_MAX = 4_000_000


def list_files() -> list[str]:
    return sorted(
        path.relative_to(DATA).as_posix() for path in DATA.rglob("*") if path.is_file() and path.name != "README.md"
    )


def test_readme_gives_the_right_sha256_of_every_file():
    stated = {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (\S+)$", README, re.MULTILINE)}

    actual = {name: hashlib.sha256((DATA / name).read_bytes()).hexdigest() for name in list_files()}

    assert actual == stated


def test_readme_gives_size_author_source_and_licence_of_every_file():
    rows = {}
    for line in README.splitlines():
        if match := re.match(r"\| `([^`]+)` \|", line):
            rows[match[1]] = [cell.strip() for cell in line.strip("|").split("|")]

    assert sorted(rows) == list_files()
    for name, (_, size, *words) in rows.items():
        assert int(size) == (DATA / name).stat().st_size, name
        assert len(words) == 4, name
        assert all(words), name
        assert re.match(r"public domain|CC0", words[-1]), name


def test_all_files_together_are_small():
    assert sum((DATA / name).stat().st_size for name in list_files()) <= TOTAL_BYTES_MAX
