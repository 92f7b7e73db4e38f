"""The examples of the pages on clients, keys, logs and topics run as they are printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

from cumulo.testing import Server

DOCS = Path(__file__).parents[2] / "docs"


def run_examples(page: str, server: Server, folder: Path) -> str:
    """Run the Python of a page as one program, and return what it prints."""
    program = "\n".join(re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL))
    made = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=server.environment(),
    )
    assert made.returncode == 0, made.stderr
    return made.stdout


def test_every_example_of_the_page_runs_in_order(tmp_path: Path):
    with Server() as server:
        printed = run_examples("clients.md", server, tmp_path)

    for shown in (
        "arn:aws:iam::000000000000:root",
        "two 1",
        "order-7 shipped",
        "b'ell'",
        "sqs:PurgeQueue",
        "from asyncio",
    ):
        assert shown in printed


def test_every_example_of_logs_runs_in_order(tmp_path: Path):
    commands = re.findall(r"^\$ (.+)$", (DOCS / "logs.md").read_text(), re.MULTILINE)
    with Server() as server:
        printed = run_examples("logs.md", server, tmp_path)
        environment = server.environment()
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        typed = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=environment,
        )

    assert "appended at 0" in printed
    assert "LogPositionMismatch" in printed
    assert "0 order-7 paid" in printed
    assert "1004 records of the last hour" in printed
    assert "billing 0" in printed
    assert typed.returncode == 0, typed.stderr
    assert "99\n100\n" in typed.stdout
    assert '"lag": 0' in typed.stdout


def test_every_example_of_topics_runs_in_order(tmp_path: Path):
    with Server() as server:
        printed = run_examples("topics.md", server, tmp_path)

    assert printed.splitlines() == ["order 7 is paid", "red, at 50", "e4 e5 Nf3", "resigns True"]


def test_every_example_of_native_topics_runs_in_order(tmp_path: Path):
    commands = re.findall(r"^\$ (.+)$", (DOCS / "topics_native.md").read_text(), re.MULTILINE)
    with Server() as server:
        printed = run_examples("topics_native.md", server, tmp_path)
        environment = server.environment()
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        typed = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=environment,
        )

    for shown in (
        "order 7 {'kind': 'order'}",
        "['order 1 paid', 'order 1 sent']",
        "acknowledged: handled badly",
        "['handled badly']",
        "0 wait",
        "TopicKeepsNothing",
        "job: print me",
    ):
        assert shown in printed
    assert typed.returncode == 0, typed.stderr
    assert typed.stdout.count("disk is full") == 2


def test_every_example_of_keys_runs_in_order(tmp_path: Path):
    commands = re.findall(r"^\$ (.+)$", (DOCS / "keys.md").read_text(), re.MULTILINE)
    with Server() as server:
        printed = run_examples("keys.md", server, tmp_path)
        environment = server.environment()
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        typed = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=environment,
        )

    assert printed == "text\nb'text'\n"
    assert typed.returncode == 0, typed.stderr
    assert "is rotated every 90 days" in typed.stdout
