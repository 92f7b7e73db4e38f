"""Committed generated code is what the generators make out of today's protos, byte for byte.

Go and TypeScript: tests/clients.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_python_stubs_are_what_the_generators_make_of_the_protos():
    command = [str(ROOT / ".ci" / "gen"), "--check", "python"]

    done = subprocess.run(
        command, env={**os.environ, "PYTHON": sys.executable}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_stubs_import_one_another_by_absolute_names_only():
    for path in (ROOT / "clients" / "python" / "api").glob("*/v1/*.py*"):
        for line in path.read_text().splitlines():
            if line.startswith(("import ", "from ")) and "_pb2" in line:
                assert line.startswith(("from cumulo.api.", "from google.protobuf ")), f"{path.name}: {line}"
