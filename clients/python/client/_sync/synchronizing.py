# Generated from _async/synchronizing.py by `make gen` (.ci/sync_twin.py). Do not edit.
"""Folders and buckets that are made alike.

Promises: what has the same size and ETag on both sides is not sent, so that an interrupted run goes on where it was;
nothing is deleted that the source has, and nothing before all else is done; no key leads out of the folder.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cumulo.client import model
from cumulo.client._sync.uploads import Progress
from cumulo.client._threads import Crew, Method, run_blocking
from cumulo.client.etags import file_has_etag

if TYPE_CHECKING:
    from cumulo.client._sync.buckets import Bucket

FILES_AT_ONCE = 8
DELETE_BATCH = 1_000


def sync_from_folder(
    bucket: "Bucket", folder: Path, prefix: str, progress: Progress | None, *, delete: bool
) -> model.Synced:
    """Make what is under a prefix like a folder."""
    files = run_blocking(_files_below, folder)
    objects = {it.key[len(prefix) :]: it for it in bucket.list(prefix)}
    copied: list[str] = []

    def send(name: str) -> None:
        if not _is_alike(files[name], objects.get(name)):
            bucket.upload_file(files[name], prefix + name, progress=progress)
            copied.append(name)

    _each(list(files), send)
    surplus = [it.key for name, it in objects.items() if name not in files and delete]
    for first in range(0, len(surplus), DELETE_BATCH):
        bucket.delete_batch(surplus[first : first + DELETE_BATCH])
    return model.Synced(tuple(sorted(copied)), tuple(surplus), len(files) - len(copied))


def sync_to_folder(
    bucket: "Bucket", folder: Path, prefix: str, progress: Progress | None, *, delete: bool
) -> model.Synced:
    """Make a folder like what is under a prefix; the markers of empty folders are left out."""
    objects = {it.key[len(prefix) :]: it for it in bucket.list(prefix) if not it.key.endswith("/")}
    paths = {name: _path_below(folder, name) for name in objects}
    files = run_blocking(_files_below, folder) if run_blocking(folder.exists) else {}
    copied: list[str] = []

    def fetch(name: str) -> None:
        if not (name in files and _is_alike(files[name], objects[name])):
            run_blocking(partial(paths[name].parent.mkdir, parents=True, exist_ok=True))
            bucket.download_file(objects[name].key, paths[name], progress=progress)
            copied.append(name)

    _each(list(objects), fetch)
    surplus = [name for name in files if name not in objects and delete]
    for name in surplus:
        run_blocking(files[name].unlink)
    return model.Synced(tuple(sorted(copied)), tuple(surplus), len(objects) - len(copied))


def _each(names: list[str], function: Method[None]) -> None:
    """Do something for every name, several at a time; the first failure ends it."""
    crew = Crew(FILES_AT_ONCE)
    try:
        for name in names:
            crew.start(partial(function, name))
        crew.finish()
    except BaseException:
        crew.abandon()
        raise


def _is_alike(path: Path, it: model.ObjectInfo | None) -> bool:
    if it is None or (run_blocking(path.stat)).st_size != it.size:
        return False
    return run_blocking(file_has_etag, path, it.etag)


def _files_below(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise NotADirectoryError(folder)
    return {it.relative_to(folder).as_posix(): it for it in sorted(folder.rglob("*")) if it.is_file()}


def _path_below(folder: Path, name: str) -> Path:
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\\" in part or "\x00" in part for part in parts):
        raise ValueError(f"the key {name!r} cannot be a file below a folder")
    return folder.joinpath(*parts)
