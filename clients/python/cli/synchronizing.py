"""What makes a target like a source: the files or objects to copy, and those to delete.

Promises: what has the same size and ETag on both sides is not copied, so that an interrupted run goes on where it was;
nothing is deleted that the source has, and nothing at all before the source was listed to its end.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from cumulo.cli.places import Place, path_below
from cumulo.cli.transfers import Copy, files_below, side_by_side
from cumulo.client import Client
from cumulo.client.etags import file_has_etag

DELETE_BATCH = 1_000


class Entry(NamedTuple):
    """A file or an object on one side; a file's `etag` is empty, it is found out where it matters."""

    where: Path | Place
    size: int
    etag: str


class Plan(NamedTuple):
    """What is to be done."""

    copies: list[Copy]
    surplus: list[Path | Place]
    """What only the target has."""
    unchanged: int


def listed(client: Client, side: Path | Place, *, must_exist: bool) -> dict[str, Entry]:
    """Return what there is on one side, by its name from there on; the markers of empty folders are left out."""
    if isinstance(side, Path):
        if not must_exist and not side.exists():
            return {}
        return {name: Entry(it, it.stat().st_size, "") for name, it in files_below(side).items()}
    folder = side.as_folder
    return {
        it.key[len(folder.key) :]: Entry(Place(folder.bucket, it.key), it.size, it.etag)
        for it in client.bucket(folder.bucket).list(folder.key)
        if not it.key.endswith("/")
    }


def plan(source: Mapping[str, Entry], target: Mapping[str, Entry], to: Path | Place, jobs: int) -> Plan:
    """Return what makes `target`, which is listed below `to`, like `source`; reads files to know their ETags."""
    places = {name: path_below(to, name) if isinstance(to, Path) else to.below(name) for name in source}
    alike = [name for name in source if name in target and source[name].size == target[name].size]
    checks = [partial(_same, source[name], target[name]) for name in alike]
    same = {name for name, it in zip(alike, side_by_side(checks, jobs), strict=True) if it}
    return Plan(
        copies=[Copy(it.where, places[name], it.size) for name, it in source.items() if name not in same],
        surplus=[it.where for name, it in target.items() if name not in source],
        unchanged=len(same),
    )


def _same(one: Entry, other: Entry) -> bool:
    for file, of_object in ((one, other), (other, one)):
        if isinstance(file.where, Path):
            return file_has_etag(file.where, of_object.etag)
    return one.etag == other.etag


def delete_surplus(client: Client, surplus: list[Path | Place], root: Path | Place) -> None:
    """Delete what only the target has, and folders of `root` that are empty then."""
    keys = [it.key for it in surplus if isinstance(it, Place)]
    for start in range(0, len(keys), DELETE_BATCH):
        assert isinstance(root, Place), "objects lie below an object"
        client.bucket(root.bucket).delete_batch(keys[start : start + DELETE_BATCH])
    for path in surplus:
        if isinstance(path, Path):
            path.unlink()
            for folder in path.parents:
                if folder == root or any(folder.iterdir()):
                    break
                folder.rmdir()
