"""The examples of docs/clients.md run as they are printed."""

import re
import subprocess
import sys
from pathlib import Path

from cumulo.testing import Server

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"


def test_every_example_of_the_page_runs_in_order(tmp_path: Path):
    program = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))

    with Server() as server:
        made = subprocess.run(
            [sys.executable, "-P", "-W", "error", "-c", program],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=server.environment(),
        )

    assert made.returncode == 0, made.stderr
    for shown in (
        "arn:aws:iam::000000000000:root",
        "two 1",
        "order-7 shipped",
        "b'ell'",
        "sqs:PurgeQueue",
        "from asyncio",
    ):
        assert shown in made.stdout
