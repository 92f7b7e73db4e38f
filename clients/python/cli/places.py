"""What commands copy from and to: objects as `s3://BUCKET/KEY`, files by their paths."""

from pathlib import Path
from typing import NamedTuple

import click

SCHEME = "s3://"


class Place(NamedTuple):
    """An object, or the beginning of several."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"

    @property
    def as_folder(self) -> "Place":
        """The same with a slash at its end, unless it is the whole bucket."""
        return self if not self.key or self.key.endswith("/") else Place(self.bucket, self.key + "/")

    def below(self, relative: str) -> "Place":
        """Return the object of that name below this one."""
        folder = self.as_folder
        return Place(folder.bucket, folder.key + relative)


def place_of(text: str) -> Place:
    """Return the bucket and key of `s3://BUCKET/KEY`."""
    if not text.startswith(SCHEME):
        raise click.UsageError(f"{text}: an object is written s3://BUCKET/KEY")
    bucket, _, key = text.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise click.UsageError(f"{text}: a bucket is missing")
    return Place(bucket, key)


def object_of(text: str) -> Place:
    """Return what `place_of` does, where the key must be there."""
    place = place_of(text)
    if not place.key:
        raise click.UsageError(f"{text}: a key is missing")
    return place


def side_of(text: str) -> Path | Place:
    """Return one side of a copy."""
    return place_of(text) if text.startswith(SCHEME) else Path(text)


def path_below(folder: Path, relative: str) -> Path:
    """Return where an object goes; a key must not lead out of the folder, nor to another key's file."""
    path = Path(relative)
    if not relative or path.as_posix() != relative or ".." in path.parts or path.is_absolute():
        raise click.ClickException(f"{relative!r} is no path below {folder}; copy it by itself")
    return folder / relative
