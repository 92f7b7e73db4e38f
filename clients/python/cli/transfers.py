"""Copies between files and objects, several at a time, with one progress bar for all.

Promises: at most `jobs` copies are under way; the first failure, or an interrupt, ends them all; what is moved is
deleted once its copy is durable, and only if it is still what was copied.
"""

import contextlib
import mimetypes
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

import click

from cumulo.cli.places import SCHEME, Place, object_of, path_below, place_of
from cumulo.client import Client

JOBS = 8
INTERRUPT_SEEN_S = 0.2
"""An interrupt just before a wait without an end would be seen only after it."""
Progress = Callable[[int], object]
T = TypeVar("T")


class Copy(NamedTuple):
    """One thing to copy: `-`, a file or an object on either side; `size` is None where it is not known. `version_id` is
    of an object that is read, empty for the current one.
    """

    source: str | Path | Place
    target: str | Path | Place
    size: int | None
    version_id: str = ""


def copies_of(
    client: Client, source: str, target: str, *, recursive: bool, source_key: bytes = b"", version_id: str = ""
) -> list[Copy]:
    """Return what is to be copied where."""
    if SCHEME not in (source[: len(SCHEME)], target[: len(SCHEME)]):
        raise click.UsageError("one side must be an object: s3://BUCKET/KEY")
    if version_id and (recursive or not source.startswith(SCHEME)):
        raise click.UsageError("--version-id belongs to one object that is read")
    if source == "-":
        return [Copy("-", object_of(target), None)]
    if source.startswith(SCHEME):
        place = place_of(source)
        if recursive:
            return _copies_of_objects(client, place, target)
        return [_copy_of_object(client, place, target, source_key, version_id)]
    return _copies_of_files(Path(source), place_of(target), recursive=recursive)


def _copies_of_files(path: Path, place: Place, *, recursive: bool) -> list[Copy]:
    if not recursive:
        if path.is_dir():
            raise click.UsageError(f"{path} is a folder: --recursive copies it")
        key = place.key + path.name if not place.key or place.key.endswith("/") else place.key
        return [Copy(path, Place(place.bucket, key), path.stat().st_size)]
    return [Copy(it, place.below(name), it.stat().st_size) for name, it in files_below(path).items()]


def files_below(folder: Path) -> dict[str, Path]:
    """Return every file of a folder and of its folders, by its name from there on."""
    if not folder.is_dir():
        raise click.UsageError(f"{folder} is no folder")
    return {it.relative_to(folder).as_posix(): it for it in sorted(folder.rglob("*")) if it.is_file()}


def _copy_of_object(client: Client, source: Place, target: str, source_key: bytes, version_id: str) -> Copy:
    if not source.key:
        raise click.UsageError(f"{source}: a key is missing, or --recursive")
    size = client.bucket(source.bucket).head(source.key, customer_key=source_key, version_id=version_id).size
    name = source.key.rpartition("/")[2]
    to: str | Path | Place = "-"
    if target.startswith(SCHEME):
        place = place_of(target)
        to = Place(place.bucket, place.key + name if not place.key or place.key.endswith("/") else place.key)
    elif target != "-":
        to = Path(target) / name if Path(target).is_dir() or target.endswith("/") else Path(target)
    return Copy(source, to, size, version_id)


def _copies_of_objects(client: Client, source: Place, target: str) -> list[Copy]:
    if target == "-":
        raise click.UsageError("several objects cannot go to standard output; `object cat` writes them one by one")
    folder = source.key.rpartition("/")[0]
    skip = len(folder) + 1 if folder else 0
    copies = []
    for it in client.bucket(source.bucket).list(source.key):
        relative = it.key[skip:]
        to = place_of(target).below(relative) if target.startswith(SCHEME) else path_below(Path(target), relative)
        copies.append(Copy(Place(source.bucket, it.key), to, it.size))
    return copies


def run_copies(
    client: Client,
    copies: Sequence[Copy],
    options: dict[str, Any],
    *,
    jobs: int = JOBS,
    move: bool = False,
    quiet: bool = False,
    source_key: bytes = b"",
) -> int:
    """Make all copies; return the bytes that they hold, as far as they are known. `source_key` is the customer's key of
    the objects that are read.
    """
    sources = {it.source for it in copies}
    for it in copies:  # else one copy writes over what another one has yet to read, and a move deletes its own target
        if it.target in sources and (move or it.target != it.source):
            raise click.UsageError(f"{it.target} is a source and a target")
    sizes = [it.size for it in copies if it.size is not None]
    stopping = threading.Event()
    with _progress(sum(sizes) if len(sizes) == len(copies) else None, quiet=quiet) as progress:

        def told(count: int) -> None:
            if stopping.is_set():  # a thread can be ended only from inside
                raise CancelledError
            progress(count)

        side_by_side(
            [partial(_copy, client, it, options, told, move=move, source_key=source_key) for it in copies],
            jobs,
            stopping,
        )
    return sum(sizes)


def side_by_side(calls: Iterable[Callable[[], T]], jobs: int, stopping: threading.Event | None = None) -> list[T]:
    """Make calls, up to `jobs` at a time, and return their results in order; raises the first failure.

    After a failure, or when it is interrupted, no further call is begun, and `stopping` tells those that are under way.
    """
    with ThreadPoolExecutor(jobs) as crew:
        try:  # an interrupt may come while calls are being handed out, when some run already
            futures = [crew.submit(it) for it in calls]
            pending = set(futures)
            while pending:
                done, pending = wait(pending, INTERRUPT_SEEN_S, FIRST_EXCEPTION)
                for it in done:
                    it.result()
        except BaseException:
            if stopping is not None:
                stopping.set()
            crew.shutdown(wait=False, cancel_futures=True)
            raise
    return [it.result() for it in futures]


def _copy(
    client: Client, copy: Copy, options: dict[str, Any], progress: Progress, *, move: bool, source_key: bytes
) -> None:
    source, target = copy.source, copy.target
    if isinstance(source, Place):
        etag = _copy_object(client, source, copy, options, progress, source_key)
        if move:
            client.bucket(source.bucket).delete(source.key, if_match=etag)
        return
    assert isinstance(target, Place), "one side is an object"
    bucket = client.bucket(target.bucket)
    if isinstance(source, Path):
        guessed = options.get("content_type") or mimetypes.guess_type(source.name)[0] or ""
        bucket.upload_file(source, target.key, **(options | {"content_type": guessed}), progress=progress)
        if move:
            source.unlink()
    else:
        standard_input: BinaryIO = sys.stdin.buffer
        bucket.put(target.key, standard_input, **(options | {"resume": False}), progress=progress)


def _copy_object(
    client: Client,
    source: Place,
    copy: Copy,
    options: dict[str, Any],
    progress: Progress,
    customer_key: bytes,
) -> str:
    """Copy an object; return the ETag of what was copied."""
    bucket, target = client.bucket(source.bucket), copy.target
    if isinstance(target, Path):
        target.parent.mkdir(parents=True, exist_ok=True)
        info = bucket.download_file(
            source.key,
            target,
            customer_key=customer_key,
            version_id=copy.version_id,
            progress=progress,
            resume=bool(options.get("resume")),
        )
        return info.etag
    if isinstance(target, Place) and target != source and not options.get("messages"):
        return _copy_inside(client, source, target, copy.version_id, options, progress, customer_key)
    with bucket.open(source.key, customer_key=customer_key, version_id=copy.version_id) as reader:
        if isinstance(target, Place):
            info = reader.info
            kept = {"content_type": info.content_type, "metadata": info.metadata, "headers": info.headers}
            given = {name: value for name, value in options.items() if value and name != "resume"}
            client.bucket(target.bucket).put(target.key, reader.chunks(), **(kept | given), progress=progress)
        else:
            for piece in reader.chunks():
                sys.stdout.buffer.write(piece)
                progress(len(piece))
            sys.stdout.buffer.flush()
        return reader.info.etag


def _copy_inside(
    client: Client,
    source: Place,
    target: Place,
    version_id: str,
    options: dict[str, Any],
    progress: Progress,
    customer_key: bytes,
) -> str:
    """Copy an object inside the server, its parts as they are: `sync` compares ETags. Return the source's."""
    info = client.bucket(source.bucket).head(source.key, customer_key=customer_key, version_id=version_id)
    given = {name: value for name, value in options.items() if value and name != "resume"}
    if not given.keys().isdisjoint(("content_type", "metadata", "headers")):
        given = {"content_type": info.content_type, "metadata": info.metadata, "headers": info.headers} | given
    client.bucket(target.bucket).copy(
        source.key,
        target.key,
        source_bucket=source.bucket,
        source_if_match=info.etag,
        source_version_id=version_id,
        source_customer_key=customer_key,
        keep_parts=bool(info.part_count),
        progress=progress,
        **given,
    )
    return info.etag


@contextlib.contextmanager
def _progress(total: int | None, *, quiet: bool) -> Iterator[Progress]:
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
