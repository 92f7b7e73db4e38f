"""Judges job specifications at the door: every field has a limit, and a precise error."""

import re
from pathlib import PurePosixPath

from cumulo.core.errors import ServiceError
from cumulo.runner import model
from cumulo.runner.errors import CLIENT_EXCEPTION
from cumulo.runner.model import JobSpec

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHOWN_CHARACTERS = 80


def validate(spec: JobSpec) -> None:
    """Raise `ClientException` naming the first field that is out of bounds."""
    if not _NAME.fullmatch(spec.name):
        raise refused("spec.name", spec.name, "1 to 128 characters of [A-Za-z0-9_-]")
    _validate_command(spec.command)
    _validate_environment(spec.environment)
    if len(spec.inputs) > model.STAGED_MAX:
        raise refused("spec.inputs", f"of {len(spec.inputs)} items", f"at most {model.STAGED_MAX}")
    if len(spec.outputs) > model.STAGED_MAX:
        raise refused("spec.outputs", f"of {len(spec.outputs)} items", f"at most {model.STAGED_MAX}")
    for staged in spec.inputs:
        parse_object_uri("spec.inputs.source", staged.source, key_required=True)
        _validate_path("spec.inputs.path", staged.path)
    if len({PurePosixPath(staged.path) for staged in spec.inputs}) != len(spec.inputs):
        raise refused("spec.inputs.path", "given twice", "one input for each path")
    for output in spec.outputs:
        parse_object_uri("spec.outputs.destination", output.destination, key_required=False)
        _validate_path("spec.outputs.path", output.path)
        if any("**" in part and part != "**" for part in PurePosixPath(output.path).parts):
            raise refused("spec.outputs.path", output.path, "'**' only as a whole part of the path")
    _validate_range("spec.timeout_s", spec.timeout_s, 1, model.TIMEOUT_S_MAX)
    _validate_range("spec.memory_bytes", spec.memory_bytes, model.MEMORY_BYTES_MIN, 1 << 62)
    _validate_range("spec.cpu_millis", spec.cpu_millis, model.CPU_MILLIS_MIN, model.CPU_MILLIS_MAX)
    _validate_range("spec.pids_max", spec.pids_max, 1, model.PIDS_MAX)
    _validate_range("spec.max_attempts", spec.max_attempts, 1, model.ATTEMPTS_MAX)


def _validate_command(command: tuple[str, ...]) -> None:
    if not 1 <= len(command) <= model.COMMAND_ITEMS_MAX:
        raise refused("spec.command", f"of {len(command)} items", f"1 to {model.COMMAND_ITEMS_MAX} items")
    if not command[0]:
        raise refused("spec.command", "''", "a program's name first")
    size = sum(len(item.encode()) for item in command)
    if size > model.COMMAND_BYTES_MAX:
        raise refused("spec.command", f"of {size} bytes", f"at most {model.COMMAND_BYTES_MAX} bytes")
    if any("\0" in item for item in command):
        raise refused("spec.command", "with a NUL character", "texts without NUL")


def _validate_environment(environment: dict[str, str]) -> None:
    if len(environment) > model.ENVIRONMENT_NAMES_MAX:
        raise refused("spec.environment", f"of {len(environment)} names", f"at most {model.ENVIRONMENT_NAMES_MAX}")
    size = sum(len(name.encode()) + len(value.encode()) for name, value in environment.items())
    if size > model.ENVIRONMENT_BYTES_MAX:
        raise refused("spec.environment", f"of {size} bytes", f"at most {model.ENVIRONMENT_BYTES_MAX} bytes")
    for name, value in environment.items():
        if not _ENVIRONMENT_NAME.fullmatch(name):
            raise refused("spec.environment", name, "names of letters, digits and _, not starting with a digit")
        if "\0" in value:
            # The value may be a secret: name the variable, not what it holds.
            raise refused("spec.environment", f"of {name}", "texts without NUL")


def _validate_path(parameter: str, path: str) -> None:
    parts = PurePosixPath(path).parts
    bad = (
        not path
        or len(path.encode()) > model.PATH_BYTES_MAX
        or "\0" in path
        or path.startswith("/")
        or path.endswith("/")
    )
    if bad or ".." in parts or not parts:
        allowed = f"a path of a file below the job's folder, without '..', at most {model.PATH_BYTES_MAX} bytes"
        raise refused(parameter, path, allowed)


def _validate_range(parameter: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise refused(parameter, value, f"{low} to {high}")


def parse_object_uri(parameter: str, uri: str, *, key_required: bool) -> tuple[str, str]:
    """Return (bucket, key) of `s3://bucket/key`; raise `ClientException` otherwise."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    good_bucket = 0 < len(bucket) <= model.BUCKET_CHARACTERS_MAX
    if scheme != "s3" or not good_bucket or (key_required and not key) or len(key.encode()) > model.KEY_BYTES_MAX:
        form = "s3://bucket/key" if key_required else "s3://bucket/prefix"
        allowed = f"{form}, a bucket of at most {model.BUCKET_CHARACTERS_MAX} and a key of at most"
        raise refused(parameter, uri, f"{allowed} {model.KEY_BYTES_MAX} bytes")
    return bucket, key


def validate_output(output: model.OutputObject) -> None:
    """Raise `ClientException` for what cannot be an object that an attempt stored."""
    if not output.object.startswith("s3://") or len(output.object.encode()) > model.OUTPUT_BYTES_MAX:
        raise refused("outputs.object", output.object, f"s3://bucket/key, at most {model.OUTPUT_BYTES_MAX} bytes")
    if len(output.etag) > model.ETAG_CHARACTERS_MAX:
        raise refused("outputs.etag", output.etag, f"at most {model.ETAG_CHARACTERS_MAX} characters")
    if output.size_bytes < 0:
        raise refused("outputs.size_bytes", output.size_bytes, "0 or more")


def refused(parameter: str, value: object, allowed: str) -> ServiceError:
    """Return the error for a value that is not allowed, shown shortened."""
    shown = str(value)
    if len(shown) > _SHOWN_CHARACTERS:
        shown = shown[:_SHOWN_CHARACTERS] + "…"
    return CLIENT_EXCEPTION.error(parameter=parameter, value=shown, allowed=allowed)
