"""Inputs from buckets into a job's folder, outputs from there into buckets.

Promises that nothing outside the job's folder is ever read or written, whatever links a job leaves behind, and that the
same files always get the same keys.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from cumulo.client import AsyncClient, errors, model
from cumulo.runner.away import AWAY
from cumulo.runner.model import KEY_BYTES_MAX, OUTPUT_OBJECTS_MAX
from cumulo.runner.specs import parse_object_uri

_WILDCARDS = "*?["


class StagingFailed(Exception):
    """An input or an output could not be staged: the attempt fails with this reason."""


class Found(msgspec.Struct, frozen=True):
    """A file to store, and where."""

    path: Path
    bucket: str
    key: str


async def fetch(client: AsyncClient, staged: model.JobInput, folder: Path) -> None:
    """Download an input to its path; one that is not there, or may not be read, fails the attempt."""
    bucket, key = parse_object_uri("source", staged.source, key_required=True)
    path = folder / staged.path
    path.parent.mkdir(parents=True, exist_ok=True)
    with _naming(staged.source):
        await client.bucket(bucket).download_file(key, path)


async def store(client: AsyncClient, file: Found) -> model.JobOutputObject:
    """Upload one file."""
    uri = f"s3://{file.bucket}/{file.key}"
    with _naming(uri):
        uploaded = await client.bucket(file.bucket).upload_file(file.path, file.key)
    return model.JobOutputObject(object=uri, size=uploaded.size, etag=uploaded.etag)


@contextlib.contextmanager
def _naming(uri: str) -> Iterator[None]:
    """Let a refusal name its object."""
    try:
        yield
    except AWAY:
        raise
    except errors.CumuloError as error:
        raise StagingFailed(f"StagingError: {uri}: {error}") from error


def find_outputs(outputs: tuple[model.JobOutput, ...], folder: Path) -> list[Found]:
    """Return every file to store, each key once; raise `StagingFailed` before anything is stored.

    A pattern that matches none fails the attempt, as do more files than a job may have, a name that is no key, and two
    files for one key.
    """
    found: dict[tuple[str, str], Found] = {}
    for output in outputs:
        matching = match(output, folder)
        if not matching:
            raise StagingFailed(f"MissingOutput: no file matches {output.path}")
        for file in matching:
            _check_key(file, folder)
            if found.setdefault((file.bucket, file.key), file).path != file.path:
                raise StagingFailed(f"OutputConflict: two files would be stored as s3://{file.bucket}/{file.key}")
    if len(found) > OUTPUT_OBJECTS_MAX:
        raise StagingFailed(f"TooManyOutputs: {len(found)} files match; at most {OUTPUT_OBJECTS_MAX}")
    return list(found.values())


def _check_key(file: Found, folder: Path) -> None:
    try:
        size_bytes = len(file.key.encode())
    except UnicodeEncodeError as error:
        shown = os.fsencode(file.path.relative_to(folder))
        raise StagingFailed(f"OutputName: {shown!r} is not UTF-8, as an object's key must be") from error
    if not 1 <= size_bytes <= KEY_BYTES_MAX:
        raise StagingFailed(f"OutputName: a key of {size_bytes} bytes; 1 to {KEY_BYTES_MAX} are allowed")


def match(output: model.JobOutput, folder: Path) -> list[Found]:
    """Return the regular files below `folder` that match a pattern, in order, with the keys they get.

    Links are not followed, neither at the end of a path nor within: a job cannot have the worker read for it.
    """
    bucket, prefix = parse_object_uri("destination", output.destination, key_required=False)
    parts = PurePosixPath(output.path).parts
    fixed = 0
    while fixed < len(parts) - 1 and not any(mark in parts[fixed] for mark in _WILDCARDS):
        fixed += 1
    base = folder.joinpath(*parts[:fixed])
    whole_key = not any(mark in output.path for mark in _WILDCARDS) and prefix and not prefix.endswith("/")
    found = []
    for path in sorted(folder.glob(output.path)):
        if _is_own_file(path, folder):
            key = prefix if whole_key else prefix + path.relative_to(base).as_posix()
            found.append(Found(path, bucket, key))
    return found


def _is_own_file(path: Path, folder: Path) -> bool:
    if os.path.realpath(path) != str(folder.resolve() / path.relative_to(folder)):
        return False
    return path.is_file() and not path.is_symlink()
