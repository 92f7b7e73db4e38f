"""The synchronous flavour is what the generator makes of the asynchronous one."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_synchronous_flavour_is_what_the_source_gives():
    made = subprocess.run(
        [sys.executable, ROOT / ".ci" / "sync_twin.py", "--check"], capture_output=True, text=True, check=False
    )

    assert (made.returncode, made.stdout) == (0, "")


def test_synchronous_flavour_says_that_it_is_generated():
    files = list((ROOT / "clients/python/client/_sync").glob("*.py"))

    assert files
    assert all(it.read_text().startswith("# Generated from _async/") for it in files)
