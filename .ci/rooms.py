"""Place the rooms (folders at the top of the tree) inside the package ``cumulo``.

Owns the one mapping from folders to import names, the table ``[tool.cumulo.rooms]`` of pyproject.toml.
Promises: a wheel holds each room under ``cumulo/`` and nothing else; an editable install sees the same names
through directory links in the ignored folder ``.links``, which the wheel's ``.pth`` points at (``dev-mode-dirs``).
Knows nothing of what a room contains. Why it is so: docs/decisions/0001-rooms-and-packaging.md.
"""

from __future__ import annotations

import os
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
    """Make ``.links/cumulo/<name>`` a relative link to each room, and remove the link of a room that is gone.

    A link that is right stays untouched: whoever runs from this tree meanwhile must not lose a room for a moment.
    """
    wanted = {root.joinpath(".links", *name.split(".")): root / folder for folder, name in rooms.items()}
    for link, folder in wanted.items():
        target = os.path.relpath(folder, link.parent)
        if not (link.is_symlink() and str(link.readlink()) == target):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(target, target_is_directory=True)
    for link in root.glob(".links/*/*"):
        if link not in wanted:
            link.unlink()
