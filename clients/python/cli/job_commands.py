"""`cumulo job`."""

import re
from typing import Any

import click
import rich_click

from cumulo.cli.leaf import EXIT_FAILED, Session, leaf, pairs
from cumulo.cli.output import printable, show_item, show_items
from cumulo.cli.watching import watchable
from cumulo.client import Job

_SIZE = re.compile(r"(\d+)\s*([kmg]?)(i?b)?", re.IGNORECASE)
_FACTORS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
SIGNAL_CANCELLED = "interrupted at the terminal"


@rich_click.group("job")
def job_group() -> None:
    """Jobs: commands that workers run isolated, with inputs from buckets and outputs to buckets."""


def _spec(command: Any) -> Any:
    """Give a command the options of a job's specification."""
    for option in reversed(
        (
            click.option("--queue", default="jobs", show_default=True, help="Which workers take it."),
            click.option("--name", default=None, help="By default the program's."),
            click.option("-e", "--env", "environment", multiple=True, metavar="NAME=TEXT", help="Environment."),
            click.option(
                "-i",
                "--input",
                "inputs",
                multiple=True,
                metavar="[PATH=]s3://BUCKET/KEY",
                help="An object, put to PATH (by default its name) before it starts.",
            ),
            click.option(
                "--store",
                "outputs",
                multiple=True,
                metavar="PATTERN=s3://BUCKET/PREFIX",
                help="Files that are stored after it ended well.",
            ),
            click.option("--timeout", "timeout_s", type=int, metavar="S", help="1 to 86400 s; 3600 by default."),
            click.option("--memory", metavar="SIZE", help="E.g. 512M; 512 MiB by default."),
            click.option("--cpu", type=float, metavar="CORES", help="E.g. 0.5; 1 by default."),
            click.option("--pids", "pids_max", type=int, help="Most processes and threads; 256 by default."),
            click.option("--attempts", "max_attempts", type=int, help="How often to try: 1 to 10; 3 by default."),
            click.option("--no-isolation", is_flag=True, help="A plain process, on workers that allow it."),
            click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED),
        )
    ):
        command = option(command)
    return command


def _submitted(
    client: Any,
    *,
    command: tuple[str, ...],
    environment: tuple[str, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    memory: str | None,
    cpu: float | None,
    no_isolation: bool,
    **rest: Any,
) -> Job:
    job: Job = client.jobs.submit(
        command,
        environment=pairs(environment, "--env"),
        inputs=dict(_input(text) for text in inputs),
        outputs=pairs(outputs, "--store"),
        memory_bytes=None if memory is None else _size_bytes(memory),
        cpu_millis=None if cpu is None else round(cpu * 1000),
        isolation="none" if no_isolation else "sandbox",
        **rest,
    )
    return job


def _input(text: str) -> tuple[str, str]:
    """Return path and source of `[PATH=]s3://BUCKET/KEY`."""
    if text.startswith("s3://"):
        return text.rpartition("/")[2], text
    path, found, source = text.partition("=")
    if not found or not source.startswith("s3://"):
        raise click.UsageError(f"--input {text}: [PATH=]s3://BUCKET/KEY was expected")
    return path, source


def _size_bytes(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise click.UsageError(f"--memory {text}: a number with K, M or G was expected")
    return int(match[1]) * _FACTORS[match[2].lower()]


@job_group.command("submit", context_settings={"allow_interspersed_args": False})
@_spec
@leaf
def submit(session: Session, **options: Any) -> None:
    """Store a job; COMMAND, behind --, is run by a worker without a shell."""
    with session.client() as client:
        job = _submitted(client, **options)
        session.report(job.id, job.info)


@job_group.command("run", context_settings={"allow_interspersed_args": False})
@_spec
@leaf
def run(session: Session, **options: Any) -> None:
    """Submit a job, show its log while it runs, and exit 0 if it succeeded. Ctrl-C cancels it."""
    with session.client() as client:
        job = _submitted(client, **options)
        if not session.quiet:
            click.echo(f"job {job.id}", err=True)
        try:
            for line in job.logs(follow=True):
                click.echo(printable(line), err=session.output != "table")
        except KeyboardInterrupt:
            job.cancel(SIGNAL_CANCELLED)
            raise
        job.refresh()
        if session.output != "table":
            show_item(job.info, session.output)
        elif job.state != "SUCCEEDED":
            click.echo(f"cumulo: job {job.id} {job.state}: {printable(job.info.status_reason)}", err=True)
        if job.state != "SUCCEEDED":
            click.get_current_context().exit(EXIT_FAILED)


@job_group.command("ls")
@click.option("--queue", default="", help="Only jobs of this queue.")
@click.option("--state", "states", multiple=True, help="Only jobs in one of these states, e.g. RUNNING.")
@click.option(
    "-n", "--max", "count", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many."
)
@leaf
@watchable
def ls(session: Session, queue: str, states: tuple[str, ...], count: int) -> None:
    """List jobs, newest first."""
    with session.client() as client:
        try:
            listing = client.jobs.list(queue=queue, states=states)
        except ValueError as error:
            raise click.UsageError(f"--state: {error}") from error
        rows = ({"name": it.spec.name, **_fields(it)} for _, it in zip(range(count), listing, strict=False))
        show_items(rows, ("id", "name", "queue", "state", "created", "stopped"), session.output)


def _fields(info: Any) -> dict[str, Any]:
    return {name: getattr(info, name) for name in info.__struct_fields__}


@job_group.command("show")
@click.argument("job")
@leaf
def show(session: Session, job: str) -> None:
    """Show the JOB with its attempts and outputs."""
    with session.client() as client:
        info = client.jobs.info(job)
        show_item(info, session.output, leave_out=("attempts", "outputs"))
        if session.output == "table" and info.attempts:
            click.echo()
            columns = ("number", "worker", "claimed", "started", "stopped", "exit_code", "reason")
            show_items(info.attempts, columns, "table")
        if session.output == "table" and info.outputs:
            click.echo()
            show_items(info.outputs, ("object", "size", "etag"), "table")


@job_group.command("logs")
@click.argument("job")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@click.option("--attempt", type=int, default=0, help="Which attempt; by default the latest.")
@leaf
def logs(session: Session, job: str, follow: bool, attempt: int) -> None:
    """Show the log of the JOB."""
    with session.client() as client:
        if session.output == "table":
            for line in client.jobs.get(job).logs(follow=follow, attempt=attempt):
                click.echo(printable(line.replace("\t", "    ")))
            return
        chunks = client.jobs.log_chunks(job, attempt=attempt, follow=follow)
        rows = ({**_fields(it), "data": it.data.decode(errors="replace")} for it in chunks)
        show_items(rows, (), session.output)


@job_group.command("cancel")
@click.argument("job")
@click.option("--reason", default="", help="Why; becomes part of the job's status.")
@leaf
def cancel(session: Session, job: str, reason: str) -> None:
    """Ask for the end of the JOB."""
    with session.client() as client:
        info = client.jobs.cancel(job, reason)
        session.report(f"job {info.id} is {info.state}", info)
