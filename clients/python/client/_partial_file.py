"""A file that appears under its name only once it is whole."""

import contextlib
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self


class PartialFile:
    """Writes beside `path` and replaces it at the end of a `with` block that did not raise; else leaves nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.partial")
        self._file = self._partial.open("xb", buffering=0)

    def write(self, data: bytes) -> None:
        """Write all of `data`: an unbuffered file may take less at a time."""
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is None:
            self._partial.replace(self._path)
        else:
            with contextlib.suppress(FileNotFoundError):
                self._partial.unlink()
