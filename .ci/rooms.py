"""Place the rooms (folders at the top of the tree) inside the package ``cumulo``.

Owns the one mapping from folders to import names, the table ``[tool.cumulo.rooms]`` of pyproject.toml.
Promises: a wheel holds each room under ``cumulo/`` and nothing else; an editable install sees the same names
through directory links in the ignored folder ``.links``, which the wheel's ``.pth`` points at (``dev-mode-dirs``).
Knows nothing of what a room contains. Why it is so: docs/decisions/0001-rooms-and-packaging.md.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RoomsHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling leaves its parameter without a bound type
    """Build hook ``custom`` of the wheel target."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the rooms to the wheel; for an editable install make the links instead."""
        root = Path(self.root)
        rooms: dict[str, str] = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["cumulo"]["rooms"]
        if version == "editable":
            link_rooms(root, rooms)
        else:
            build_data["force_include"].update({folder: name.replace(".", "/") for folder, name in rooms.items()})


def link_rooms(root: Path, rooms: dict[str, str]) -> None:
    """Remake ``.links/cumulo/<name>`` as relative links, so that a removed or renamed room leaves no stale name."""
    links = root / ".links"
    shutil.rmtree(links, ignore_errors=True)
    for folder, name in rooms.items():
        link = links.joinpath(*name.split("."))
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(root / folder, link.parent), target_is_directory=True)
