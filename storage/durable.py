"""Makes names and small files survive a power cut: a synced file whose directory was not synced can vanish whole.

Owns the two sequences; everything that creates files in the data folder uses them.
"""

import os
from pathlib import Path


def sync_directory(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(folder: Path, mode: int = 0o700) -> None:
    """Create `folder` with its parents, each name durable; a folder that exists is left as it is."""
    if folder.is_dir():
        return
    if not folder.parent.is_dir():
        make_directory(folder.parent, mode)
    folder.mkdir(mode=mode, exist_ok=True)
    sync_directory(folder.parent)


def write_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Create or replace `path` whole: a reader, and a power cut, finds the old content or the new."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(path)
    sync_directory(path.parent)
