"""Inputs from buckets into a job's folder, outputs from there into buckets.

Promises that nothing outside the job's folder is ever read or written, whatever links a job leaves behind, and that the
same files always get the same keys.
"""

import os
from pathlib import Path, PurePosixPath

import msgspec

from cumulo.client import AsyncClient, model
from cumulo.runner.specs import parse_object_uri

_WILDCARDS = "*?["


class StagingFailed(Exception):
    """An input or an output could not be staged: the attempt fails with this reason."""


class Found(msgspec.Struct, frozen=True):
    """A file to store, and where."""

    path: Path
    bucket: str
    key: str


async def fetch_inputs(client: AsyncClient, inputs: tuple[model.JobInput, ...], folder: Path) -> None:
    """Download every input to its path."""
    for staged in inputs:
        bucket, key = parse_object_uri("source", staged.source, key_required=True)
        path = folder / staged.path
        path.parent.mkdir(parents=True, exist_ok=True)
        await client.bucket(bucket).download_file(key, path)


async def store_outputs(
    client: AsyncClient, outputs: tuple[model.JobOutput, ...], folder: Path
) -> list[model.JobOutputObject]:
    """Upload every file that an output pattern matches; a pattern that matches none fails the attempt."""
    stored = []
    for output in outputs:
        found = find_outputs(output, folder)
        if not found:
            raise StagingFailed(f"MissingOutput: no file matches {output.path}")
        for file in found:
            uploaded = await client.bucket(file.bucket).upload_file(file.path, file.key)
            uri = f"s3://{file.bucket}/{file.key}"
            stored.append(model.JobOutputObject(object=uri, size=file.path.stat().st_size, etag=uploaded.etag))
    return stored


def find_outputs(output: model.JobOutput, folder: Path) -> list[Found]:
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
