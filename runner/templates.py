"""Job templates: how a worker makes a job of a message that is not a job's own, e.g. a bucket's notification.

A template is a TOML file with the fields of a job; texts may hold `{bucket}`, `{key}`, `{file}` (the key's last part),
`{stem}` (the key without its last suffix) and `{message}` (the message's id). The same message always makes the same
job, so a repeated one overwrites its outputs with themselves.
"""

import json
import re
import tomllib
from pathlib import Path, PurePosixPath
from urllib.parse import unquote_plus

import msgspec

from cumulo.client import model

_FIELD = re.compile(r"\{([a-z]+)\}")
_KNOWN = frozenset(("bucket", "key", "file", "stem", "message"))
JOB_MEMBER = "cumulo_job"
"""The member of a submitted job's own message that holds its id."""


class TemplateError(ValueError):
    """A template that cannot be used; the message names the file, the field and what is allowed."""


class _Staged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    path: str


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    destination: str


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of a template file; the limits are those of a job."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = {}
    inputs: tuple[_Staged, ...] = ()
    outputs: tuple[_Stored, ...] = ()
    timeout_s: int | None = None
    memory_bytes: int | None = None
    cpu_millis: int | None = None
    pids_max: int | None = None
    max_attempts: int | None = None


class ObjectCreated(msgspec.Struct, frozen=True):
    """What a notification says: an object, and a key that tells this event from others."""

    bucket: str
    key: str
    deduplication_key: str


def load(path: Path) -> Template:
    """Read a template file; raises `TemplateError`."""
    try:
        table = tomllib.loads(path.read_text())
        template = msgspec.convert(table, Template)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise TemplateError(f"{path}: {error}") from error
    for text in _texts(template):
        unknown = {name for name in _FIELD.findall(text) if name not in _KNOWN}
        if unknown:
            raise TemplateError(f"{path}: unknown field {{{min(unknown)}}}; known are {', '.join(sorted(_KNOWN))}")
    return template


def _texts(template: Template) -> list[str]:
    texts = [*template.command, *template.environment.values()]
    texts += [text for staged in template.inputs for text in (staged.source, staged.path)]
    return texts + [text for stored in template.outputs for text in (stored.path, stored.destination)]


def job_of(body: bytes) -> str:
    """Return the job that a message tells of; empty where it is not a job's own message."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    job = content.get(JOB_MEMBER, "") if isinstance(content, dict) else ""
    return job if _is_text(job) else ""


def events_of(body: bytes, message_id: str) -> list[ObjectCreated] | None:
    """Return the created objects that an S3 notification tells of; None where the message is something else.

    A test event (`s3:TestEvent`) and removals tell of none.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    if content.get("Event") == "s3:TestEvent":
        return []
    events = []
    try:
        for number, record in enumerate(content["Records"]):
            if record["eventSource"] != "aws:s3" or not record["eventName"].removeprefix("s3:").startswith(
                "ObjectCreated:"
            ):
                continue
            described = record["s3"]
            bucket, key = described["bucket"]["name"], unquote_plus(described["object"]["key"], errors="strict")
            if not _is_text(bucket) or not _is_text(key):
                return None
            events.append(ObjectCreated(bucket, key, f"{message_id}/{number}"))
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError):
        return None
    return events


def _is_text(value: object) -> bool:
    """Say whether a value out of JSON is a text that UTF-8 can write: JSON can name half a surrogate pair."""
    return isinstance(value, str) and not any("\ud800" <= it <= "\udfff" for it in value)


def fill(template: Template, event: ObjectCreated, message_id: str) -> model.JobSpec:
    """Return the job for one created object."""
    path = PurePosixPath(event.key)
    values = {
        "bucket": event.bucket,
        "key": event.key,
        "file": path.name,
        "stem": str(path.with_suffix("")) if path.suffix else event.key,
        "message": message_id,
    }

    def filled(text: str) -> str:
        return _FIELD.sub(lambda match: values[match.group(1)], text)

    return model.JobSpec(
        name=template.name,
        command=tuple(filled(item) for item in template.command),
        environment={name: filled(value) for name, value in template.environment.items()},
        inputs=tuple(model.JobInput(source=filled(it.source), path=filled(it.path)) for it in template.inputs),
        outputs=tuple(
            model.JobOutput(path=filled(it.path), destination=filled(it.destination)) for it in template.outputs
        ),
        timeout_s=template.timeout_s,
        memory_bytes=template.memory_bytes,
        cpu_millis=template.cpu_millis,
        pids_max=template.pids_max,
        max_attempts=template.max_attempts,
    )
