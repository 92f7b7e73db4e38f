"""How the tests run a client of AWS as a program of its own: where it is, what it finds around itself, how it ends.

Promises: a client that is missing fails the test with the one line that says what to install; a client inherits no
credentials, settings or home folder of whoever runs the tests; when it fails, all that it wrote is the failure's text.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "scripts"
RUN_S = 240
OF_TODAY, OF_2022 = "compat", "compat-2022"
"""The environments of requirements.txt and requirements-2022.txt, inside the developer's own."""


def need(program: str, package: str = "") -> str:
    """Give the path of `program`; without it the test fails and says which package brings it."""
    path = shutil.which(program)
    if path is None:
        how = f"`make system-deps`, or install the package {package}" if package else "install it"
        pytest.fail(f"{program} is not on PATH: {how}", pytrace=False)
    return path


def need_python(environment: str = OF_TODAY, program: str = "python") -> str:
    """Give the path of a program of one of the clients' Python environments."""
    path = Path(sys.prefix, environment, "bin", program)
    if not path.exists():
        pytest.fail(f"{path} is missing: `make compat` installs the clients", pytrace=False)
    return str(path)


def whole_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return a client's environment: `environment`, and of this process's own nothing that speaks of a service."""
    foreign = ("AWS_", "CUMULO_", "RCLONE_", "RESTIC_", "PYTHON", "PIP_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | dict(environment)


def run(
    *command: str,
    environment: Mapping[str, str],
    cwd: Path,
    text: str = "",
    fails_with: int = 0,
) -> str:
    """Run a client to its end in `cwd`, with `text` as input; return what it printed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=whole_environment(environment),
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_S,
    )
    assert done.returncode == fails_with, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout + (done.stderr if fails_with else "")
