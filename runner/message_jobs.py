"""Jobs of messages: a topic's message fills a template, and becomes a job.

A template is a JSON object with a job's members and the `queue` that it is submitted to. Its texts may hold
`{message}`, `{message_id}`, `{subject}`, `{topic}`, `{published}` and `{attributes}` (a JSON object); what a message
puts there is not looked at again. Implements `core.ports.JobSubmitter`; owns templates, and nothing of what submitting
means.
"""

import re

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.names import parse_arn
from cumulo.core.ports import JobMessage
from cumulo.runner import model
from cumulo.runner.operations import TABLE
from cumulo.runner.service import Service
from cumulo.runner.specs import refused

_FIELD = re.compile(r"\{([a-z_]+)\}")
_FIELDS = ("message", "message_id", "subject", "topic", "published", "attributes")
_SAMPLE = JobMessage(deduplication_key="", **dict.fromkeys(_FIELDS, "x"))


class _Staged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    path: str


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    destination: str


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a job of each message is to be like; the limits are those of a job."""

    queue: str
    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = {}
    inputs: tuple[_Staged, ...] = ()
    outputs: tuple[_Stored, ...] = ()
    timeout_s: int = model.TIMEOUT_S_DEFAULT
    memory_bytes: int = model.MEMORY_BYTES_DEFAULT
    cpu_millis: int = model.CPU_MILLIS_DEFAULT
    pids_max: int = model.PIDS_DEFAULT
    max_attempts: int = model.ATTEMPTS_DEFAULT


def parse(text: str) -> Template:
    """Return the template that a text is; raises `ClientException`."""
    try:
        template = msgspec.json.decode(text, type=Template)
    except (msgspec.DecodeError, RecursionError) as error:
        raise refused("job_template", text, f"a JSON object as a job template is: {error}") from error
    texts = [*template.command, *template.environment.values()]
    texts += [it for staged in template.inputs for it in (staged.source, staged.path)]
    texts += [it for stored in template.outputs for it in (stored.path, stored.destination)]
    for name in (name for it in texts for name in _FIELD.findall(it)):
        if name not in _FIELDS:
            raise refused("job_template", f"{{{name}}}", f"fields of {', '.join(_FIELDS)}")
    return template


def fill(template: Template, message: JobMessage) -> model.JobSpec:
    """Return the job of a message."""

    def filled(text: str) -> str:
        return _FIELD.sub(lambda match: str(getattr(message, match[1])), text)

    return model.JobSpec(
        name=template.name,
        command=tuple(map(filled, template.command)),
        environment={name: filled(value) for name, value in template.environment.items()},
        inputs=tuple(model.Input(filled(it.source), filled(it.path)) for it in template.inputs),
        outputs=tuple(model.Output(filled(it.path), filled(it.destination)) for it in template.outputs),
        timeout_s=template.timeout_s,
        memory_bytes=template.memory_bytes,
        cpu_millis=template.cpu_millis,
        pids_max=template.pids_max,
        max_attempts=template.max_attempts,
    )


class MessageJobs:
    """Makes jobs of messages in a runner."""

    def __init__(self, runner: Service) -> None:
        self._runner = runner

    async def check(self, ctx: CallContext, template: str) -> None:
        """Raise where a text is no template, or the caller may not submit what it says."""
        operation, request = TABLE["SubmitJob"], _request(ctx, parse(template), _SAMPLE)
        resolved = await self._runner.resolve(ctx, operation, request)
        self._runner.authorizer.authorize(ctx, resolved.checks, resolved.guard)
        if resolved.missing is not None:
            raise resolved.missing

    async def submit(self, ctx: CallContext, template: str, message: JobMessage) -> str:
        """Return the job that a message has become."""
        job: model.Job = (await self._runner.call(ctx, "SubmitJob", _request(ctx, parse(template), message))).value
        return job.id


def _request(ctx: CallContext, template: Template, message: JobMessage) -> model.SubmitJob:
    arn = parse_arn(template.queue)
    account, region, queue = ctx.principal.account, ctx.region, template.queue
    if arn is not None and arn.service == "sqs":
        account, region, queue = arn.account, arn.region, arn.resource
    return model.SubmitJob(
        account=account,
        region=region,
        queue=queue,
        spec=fill(template, message),
        deduplication_key=message.deduplication_key,
    )
