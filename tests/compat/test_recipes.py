"""The recipes of docs/clients_aws.md do what they promise, typed as they are printed, in their order."""

import os
import re
import sys
from pathlib import Path

import pytest

from tests.compat.client_programs import need, need_python, run

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
PAGE = Path(__file__).parents[2] / "docs" / "clients_aws.md"


def script(text):
    """Return the page's console and Python blocks as one shell script that stops at the first failure."""
    lines = ["set -euxo pipefail"]
    for language, content in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if language == "console":
            lines += re.findall(r"^\$ (.+)$", content, re.MULTILINE)
        elif language == "python":
            lines.append(f"python - <<'END_OF_PYTHON'\n{content}END_OF_PYTHON")
    return "\n".join(lines) + "\n"


def test_every_recipe_runs(server, aws, tmp_path, stored_in):
    for program in ("rclone", "restic", "s3cmd", "curl"):
        need(program, program)
    clients = Path(need_python(program="aws")).parent
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "cumulo").symlink_to(Path(sys.executable).with_name("cumulo"))
    path = os.pathsep.join([str(clients), str(tmp_path / "bin"), os.environ["PATH"]])
    environment = {"PATH": path, "HOME": aws["HOME"], "CUMULO_DATA": str(server.data)}

    run("bash", "-c", script(PAGE.read_text()), environment=environment, cwd=tmp_path)

    stored = stored_in("recipes")
    for key in ("aws/hello.txt", "rclone/hello.txt", "s3cmd/hello.txt", "curl"):
        assert stored[key] == b"hello\n"
    assert (stored["boto3"], stored["one.txt"], stored["two.txt"]) == (b"hello", b"one", b"two")
