"""The table of `docs/security_tests.md`: it has every row that concerns the edges, and the tests it names exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "security_tests.md").read_text()
ROWS = {*map(str, range(1, 17)), "26", "42", "55", "56"}
NAMED = sorted(set(re.findall(r"`((?:tests/)?[\w/]+\.py)::(\w+)`", TABLE)))


def test_every_row_of_the_edges_is_there():
    assert set(re.findall(r"^\| ([\d-]+) \|", TABLE, re.MULTILINE)) >= ROWS


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_named_test_exists(file, test):
    path = ROOT / file if file.startswith("tests/") else Path(__file__).parent / file

    assert f"def {test}(" in path.read_text()
