"""The wheel holds the package ``cumulo`` and nothing else; the tree holds nothing of the machine it was written on."""

import importlib
import re
import runpy
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS: dict[str, str] = PYPROJECT["tool"]["cumulo"]["rooms"]

# Written so that this file does not match itself.
REGISTRY_HOSTS = [
    "pypi[.]org",
    "pythonhosted[.]org",
    "registry[.]npmjs",
    "proxy[.]golang",
    "deb[.]debian",
    "crates[.]io",
]
MACHINE_PATHS = ["/work/[a-z]", "/home/[a-z]+/", "/tmp/[v]env", "[.]pyenv/"]
FORBIDDEN = re.compile("|".join(REGISTRY_HOSTS + MACHINE_PATHS))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names in a wheel built from this tree, without its metadata."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("cumulo-*.whl")
    return [name for name in zipfile.ZipFile(path).namelist() if ".dist-info/" not in name]


def test_only_top_level_name_of_the_wheel_is_cumulo(wheel: list[str]) -> None:
    assert {name.split("/")[0] for name in wheel} == {"cumulo"}


@pytest.mark.parametrize("room", ROOMS.values())
def test_every_room_is_in_the_wheel_and_is_typed(wheel: list[str], room: str) -> None:
    folder = room.replace(".", "/")

    assert f"{folder}/__init__.py" in wheel
    assert f"{folder}/py.typed" in wheel


def test_every_module_of_a_room_is_in_the_wheel(wheel: list[str]) -> None:
    for folder, room in ROOMS.items():
        for module in (ROOT / folder).rglob("*.py"):
            assert f"{room.replace('.', '/')}/{module.relative_to(ROOT / folder)}" in wheel


def test_cumulo_is_a_namespace_so_that_other_distributions_may_add_to_it(wheel: list[str]) -> None:
    assert "cumulo/__init__.py" not in wheel


def test_a_room_that_is_gone_loses_its_link_and_the_others_keep_theirs(tmp_path: Path) -> None:
    link_rooms = runpy.run_path(str(ROOT / ".ci" / "rooms.py"))["link_rooms"]
    for folder in ("core", "old"):
        (tmp_path / folder).mkdir()
    link_rooms(tmp_path, {"core": "cumulo.core", "old": "cumulo.old"})
    made_at = (tmp_path / ".links/cumulo/core").lstat().st_ctime_ns

    link_rooms(tmp_path, {"core": "cumulo.core"})

    assert [link.name for link in (tmp_path / ".links/cumulo").iterdir()] == ["core"]
    assert (tmp_path / ".links/cumulo/core").resolve() == tmp_path / "core"
    assert (tmp_path / ".links/cumulo/core").lstat().st_ctime_ns == made_at


@pytest.mark.parametrize("room", ROOMS.values())
def test_every_room_imports_under_its_own_name(room: str) -> None:
    assert importlib.import_module(room).__doc__


def test_no_room_is_loaded_a_second_time_under_its_folder_name() -> None:
    assert str(ROOT) not in sys.path, "run `pytest`, not `python -m pytest`"
    for folder in ROOMS:
        assert folder.split("/")[0] not in sys.modules


def test_no_committed_file_names_a_registry_host_or_a_path_of_one_machine() -> None:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    found = []
    for name in filter(None, listing.decode().split("\0")):
        path = ROOT / name
        try:
            text = path.read_text()
        except (UnicodeDecodeError, FileNotFoundError):  # pictures; files removed but not yet committed
            continue
        found += [f"{name}: {match.group()}" for match in FORBIDDEN.finditer(text)]

    assert found == []
