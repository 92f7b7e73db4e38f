"""`cumulo object`: what `ls`, `cp`, `rm` and `cat` are to files. Objects are written `s3://BUCKET/KEY`."""

import contextlib
import mimetypes
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import click
import rich_click

from cumulo.cli.leaf import Session, confirmed, leaf, pairs
from cumulo.cli.output import human_size, say, show_item, show_items
from cumulo.client import Client

DELETE_BATCH = 1_000
SCHEME = "s3://"


class Place(NamedTuple):
    """An object, or the beginning of several."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"


def place_of(text: str) -> Place:
    """Return the bucket and key of `s3://BUCKET/KEY`."""
    if not text.startswith(SCHEME):
        raise click.UsageError(f"{text}: an object is written s3://BUCKET/KEY")
    bucket, _, key = text.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise click.UsageError(f"{text}: a bucket is missing")
    return Place(bucket, key)


def _object_of(text: str) -> Place:
    place = place_of(text)
    if not place.key:
        raise click.UsageError(f"{text}: a key is missing")
    return place


@rich_click.group("object")
def object_group() -> None:
    """Objects: copy, list, read, remove. They are written s3://BUCKET/KEY."""


@object_group.command("ls")
@click.argument("where")
@click.option("-r", "--recursive", is_flag=True, help="Also what lies below the next slash.")
@leaf
def ls(session: Session, where: str, recursive: bool) -> None:
    """List the objects whose keys start as WHERE (s3://BUCKET/PREFIX) says."""
    place = place_of(where)
    with session.client() as client:
        listing = client.bucket(place.bucket).list(place.key, delimiter="" if recursive else "/")
        show_items(_entries(listing, human=session.output == "table"), ("key", "size", "modified"), session.output)


def _entries(listing: Any, *, human: bool) -> Iterator[dict[str, Any]]:
    for page in listing.pages():
        for prefix in page.common_prefixes:
            yield {"key": prefix, "size": None, "modified": None, "etag": None}
        for it in page.items:
            size = human_size(it.size) if human else it.size
            yield {"key": it.key, "size": size, "modified": it.modified, "etag": it.etag}


@object_group.command("head")
@click.argument("what")
@leaf
def head(session: Session, what: str) -> None:
    """Show the description of the object WHAT."""
    place = _object_of(what)
    with session.client() as client:
        show_item(client.bucket(place.bucket).head(place.key), session.output)


@object_group.command("cat")
@click.argument("what", nargs=-1, required=True)
@leaf
def cat(session: Session, what: tuple[str, ...]) -> None:
    """Write the bytes of objects to standard output."""
    places = [_object_of(text) for text in what]
    with session.client() as client:
        for place in places:
            with client.bucket(place.bucket).open(place.key) as reader:
                for piece in reader.chunks():
                    sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()


@object_group.command("rm")
@click.argument("what", nargs=-1, required=True)
@click.option("-r", "--recursive", is_flag=True, help="Every object whose key starts so.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@leaf
def rm(session: Session, what: tuple[str, ...], recursive: bool, yes: bool) -> None:
    """Delete objects."""
    places = [place_of(text) if recursive else _object_of(text) for text in what]
    if recursive:
        confirmed(f"Delete every object below {', '.join(what)}?", yes=yes)
    count = 0
    with session.client() as client:
        for place in places:
            bucket = client.bucket(place.bucket)
            if not recursive:
                bucket.delete(place.key)
                count += 1
                continue
            for page in bucket.list(place.key, page_size=DELETE_BATCH).pages():
                if page.items:
                    bucket.delete_batch([it.key for it in page.items])
                    count += len(page.items)
    say(f"{count} deleted", {"deleted": count}, session.output)


class Copy(NamedTuple):
    """One thing to copy: `-`, a file or an object on either side; `size` is None where it is not known."""

    source: str | Path | Place
    target: str | Path | Place
    size: int | None


@object_group.command("cp")
@click.argument("source")
@click.argument("destination", metavar="TARGET")
@click.option("-r", "--recursive", is_flag=True, help="A folder, or every object below a prefix.")
@click.option("--content-type", default="", help="By default guessed from a file's name.")
@click.option("-m", "--metadata", multiple=True, metavar="NAME=TEXT", help="User metadata of what is stored.")
@click.option("--no-clobber", is_flag=True, help="Store only where there is no object.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar.")
@leaf
def cp(
    session: Session,
    source: str,
    destination: str,
    recursive: bool,
    content_type: str,
    metadata: tuple[str, ...],
    no_clobber: bool,
    quiet: bool,
) -> None:
    """Copy SOURCE to TARGET: files and objects (s3://BUCKET/KEY); - is standard input or output."""
    if SCHEME not in (source[: len(SCHEME)], destination[: len(SCHEME)]):
        raise click.UsageError("one side must be an object: s3://BUCKET/KEY")
    options: dict[str, Any] = {"content_type": content_type, "metadata": pairs(metadata, "--metadata")}
    if no_clobber:
        options["if_none_match"] = "*"
    with session.client() as client:
        copies = _copies(client, source, destination, recursive=recursive)
        total = sum(it.size for it in copies if it.size is not None)
        known = all(it.size is not None for it in copies)
        with _progress(total if known else None, quiet=quiet) as progress:
            for copy in copies:
                _copy(client, copy, options, progress)
    if "-" not in (source, destination) or session.output != "table":
        done = {"copied": len(copies), "size_bytes": total}
        text = f"{len(copies)} copied, {human_size(total)}"
        if destination == "-":
            click.echo(text, err=True)
        else:
            say(text, done, session.output)


def _copies(client: Client, source: str, target: str, *, recursive: bool) -> list[Copy]:
    """Return what is to be copied where."""
    if source == "-":
        return [Copy("-", _object_of(target), None)]
    if source.startswith(SCHEME):
        return _copies_of_objects(client, place_of(source), target, recursive=recursive)
    place, path = place_of(target), Path(source)
    if not recursive:
        if path.is_dir():
            raise click.UsageError(f"{path} is a folder: --recursive copies it")
        key = place.key + path.name if not place.key or place.key.endswith("/") else place.key
        return [Copy(path, Place(place.bucket, key), path.stat().st_size)]
    if not path.is_dir():
        raise click.UsageError(f"{path} is no folder")
    below = place.key if not place.key or place.key.endswith("/") else place.key + "/"
    files = sorted(it for it in path.rglob("*") if it.is_file())
    return [Copy(it, Place(place.bucket, below + it.relative_to(path).as_posix()), it.stat().st_size) for it in files]


def _copies_of_objects(client: Client, source: Place, target: str, *, recursive: bool) -> list[Copy]:
    if not recursive:
        if not source.key:
            raise click.UsageError(f"{source}: a key is missing, or --recursive")
        size = client.bucket(source.bucket).head(source.key).size
        name = source.key.rpartition("/")[2]
        if target == "-":
            return [Copy(source, "-", size)]
        if target.startswith(SCHEME):
            place = place_of(target)
            key = place.key + name if not place.key or place.key.endswith("/") else place.key
            return [Copy(source, Place(place.bucket, key), size)]
        path = Path(target)
        return [Copy(source, path / name if path.is_dir() or target.endswith("/") else path, size)]
    folder = source.key.rpartition("/")[0]
    skip = len(folder) + 1 if folder else 0
    copies = []
    for it in client.bucket(source.bucket).list(source.key):
        relative = it.key[skip:]
        if target.startswith(SCHEME):
            place = place_of(target)
            below = place.key if not place.key or place.key.endswith("/") else place.key + "/"
            copies.append(Copy(Place(source.bucket, it.key), Place(place.bucket, below + relative), it.size))
        else:
            copies.append(Copy(Place(source.bucket, it.key), _below(Path(target), relative), it.size))
    return copies


def _below(folder: Path, relative: str) -> Path:
    """Return where an object goes; a key must not lead out of the folder, whoever chose it."""
    path = folder / relative
    if not relative or relative.endswith("/") or ".." in Path(relative).parts or Path(relative).is_absolute():
        raise click.ClickException(f"{relative!r} is no path below {folder}; copy it by itself")
    return path


def _copy(client: Client, copy: Copy, options: dict[str, Any], progress: Callable[[int], object]) -> None:
    source, target = copy.source, copy.target
    if isinstance(source, Place):
        bucket = client.bucket(source.bucket)
        if isinstance(target, Path):
            target.parent.mkdir(parents=True, exist_ok=True)
            bucket.download_file(source.key, target, progress=progress)
        elif isinstance(target, Place):
            with bucket.open(source.key) as reader:
                kept = {"content_type": reader.info.content_type, "metadata": reader.info.metadata}
                given = {name: value for name, value in options.items() if value}
                client.bucket(target.bucket).put(target.key, reader.chunks(), **(kept | given), progress=progress)
        else:
            with bucket.open(source.key) as reader:
                for piece in reader.chunks():
                    sys.stdout.buffer.write(piece)
                    progress(len(piece))
            sys.stdout.buffer.flush()
    else:
        assert isinstance(target, Place), "one side is an object"
        bucket = client.bucket(target.bucket)
        if isinstance(source, Path):
            guessed = options["content_type"] or mimetypes.guess_type(source.name)[0] or ""
            bucket.upload_file(source, target.key, **(options | {"content_type": guessed}), progress=progress)
        else:
            standard_input: BinaryIO = sys.stdin.buffer
            bucket.put(target.key, standard_input, **options, progress=progress)


@contextlib.contextmanager
def _progress(total: int | None, *, quiet: bool) -> Iterator[Callable[[int], object]]:
    """Give what is told of bytes, shown as a bar on a terminal."""
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal pays for it
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (BarColumn(), DownloadColumn(binary_units=True), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.advance(task, count)
