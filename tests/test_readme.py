"""The README's five minutes do what they promise, typed exactly as they are printed; every shown command exists."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compat.client_programs import need_python

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "docs" / "quickstart.md"])
READY_S = 30
SCRIPT_S = 60


def blocks(text: str) -> list[tuple[str, str]]:
    """Fenced blocks as (language, content)."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(console: str) -> list[str]:
    """What is typed at the prompts of a console block."""
    return re.findall(r"^\$ (.+)$", console, re.MULTILINE)


def script(text: str) -> str:
    """A page's console and python blocks as one shell script that stops at the first failure."""
    lines = ["set -euo pipefail"]
    for language, content in blocks(text):
        if language == "console":
            lines += commands(content)
        elif language == "python":
            lines.append(f"python - <<'END_OF_PYTHON'\n{content}END_OF_PYTHON")
    return "\n".join(lines) + "\n"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a terminal beside a running `cumulo serve`, in `tmp_path`."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "aws").symlink_to(need_python(program="aws"))
    path = os.pathsep.join([str(Path(sys.executable).parent), str(programs), os.environ["PATH"]])
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CUMULO_", "AWS_"))}
    settings = {"CUMULO_DATA": str(tmp_path / "data"), "CUMULO_PORT": "0", "CUMULO_GRPC_PORT": "0"}
    environment = {**clean, **settings, "PATH": path, "TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    (tmp_path / "README.md").write_text((ROOT / "README.md").read_text())
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/activate").touch()  # the environment is this one already
    with (tmp_path / "banner").open("wb") as banner:
        server = subprocess.Popen(["cumulo", "serve"], env=environment, cwd=tmp_path, stdout=banner)
    try:
        deadline = time.monotonic() + READY_S
        while not (tmp_path / "data/endpoints.json").exists():
            assert server.poll() is None, "cumulo serve ended"
            assert time.monotonic() < deadline, "cumulo serve is not ready"
            time.sleep(0.02)
        yield environment
    finally:
        server.terminate()
        status = server.wait(READY_S)
    assert status == 0


def typed(text: str, environment: dict[str, str], folder: Path) -> str:
    """Type a page's blocks into the terminal, and return what it printed."""
    result = subprocess.run(
        ["bash", "-c", script(text)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SCRIPT_S,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_five_minutes_of_the_readme_run_as_printed(tmp_path: Path, terminal: dict[str, str]) -> None:
    readme = (ROOT / "README.md").read_text()

    printed = typed(readme.split("## Five minutes\n")[1].split("\n## ")[0], terminal, tmp_path)

    assert "upload: ./README.md to s3://demo/read/me.md" in printed
    assert re.search(r"^read/me\.md +\d", printed, re.MULTILINE)
    assert '"Body": "{\\"n\\": 1}"' in printed
    assert "{'n': 2}" in printed


def test_lines_of_the_banner_run_as_printed(tmp_path: Path, terminal: dict[str, str]) -> None:
    banner = (tmp_path / "banner").read_text()
    tries = "\n".join(f"$ {line.strip()}" for line in banner.split("  Try  ")[1].splitlines())

    printed = typed(f"```console\n{tries}\n```", terminal, tmp_path)

    assert (
        f"  AWS edge   {json.loads((tmp_path / 'data/endpoints.json').read_text())['http']}    s3 sqs sns iam sts"
        in banner
    )
    assert "README.md" in printed
    assert "hello" in printed


@pytest.mark.long  # a worker starts, probes its sandbox and waits for two idle seconds
def test_quickstart_runs_as_printed(tmp_path: Path, terminal: dict[str, str]) -> None:
    printed = typed((ROOT / "docs" / "quickstart.md").read_text(), terminal, tmp_path)

    assert "implicit deny because" in printed
    assert "is not authorized to perform: sqs:PurgeQueue" in printed
    assert "{'order': 1} received 2 times" in printed
    assert "SUCCEEDED" in printed
    assert "b'8\\n'" in printed


@pytest.mark.parametrize("page", [page.name for page in PAGES])
def test_every_shown_command_exists_with_its_options(page: str) -> None:
    (path,) = [known for known in PAGES if known.name == page]
    shown = [
        line for language, content in blocks(path.read_text()) if language == "console" for line in commands(content)
    ]
    words = [part for line in shown for part in re.findall(r"^cumulo (.+)$|\$\(cumulo ([^)]+)\)", line)]

    assert words
    assert ["".join(part) for part in words if not exists("".join(part))] == []


def exists(words: str) -> bool:
    """Whether the command line takes these words: an unknown command or option is an error even before `--help`.

    What stands behind `--` is another program's.
    """
    own = shlex.split(words.partition(" -- ")[0])
    command = [str(Path(sys.executable).with_name("cumulo")), *own, "--help"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
