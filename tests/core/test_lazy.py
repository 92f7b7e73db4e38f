"""Lazy imports: nothing until the first use."""

import subprocess
import sys

from cumulo.core.lazy import LazyPart


def test_module_is_imported_at_its_first_use_and_not_before():
    code = """
import sys
from cumulo.core.lazy import LazyModule
colors = LazyModule("colorsys")
assert "colorsys" not in sys.modules
assert colors.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)
assert "colorsys" in sys.modules
"""

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_storage_imports_no_digest_library_before_a_body_passes():
    code = """
import sys
import cumulo.storage.blobs, cumulo.storage.lmdb_engine, cumulo.storage.data_folder
assert "awscrt" not in sys.modules
assert "hypothesis" not in sys.modules
"""

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_part_is_made_when_it_is_asked_for_and_only_once():
    made: list[str] = []

    def make() -> list[str]:
        made.append("it")
        return made

    part = LazyPart(make)
    assert (made, part.made) == ([], None)

    assert part() is part() is part.made is made
    assert made == ["it"]
