"""`cumulo queue schedule`."""

import contextlib
from typing import Any

import click
import msgspec
import rich_click

from cumulo.cli.leaf import Session, confirmed, leaf, pairs
from cumulo.cli.output import show_item, show_items
from cumulo.cli.times import time_of
from cumulo.client.model import ScheduleInfo


@rich_click.group("schedule")
def schedule_group() -> None:
    """Schedules: what a queue is sent again and again, by cron expressions or at rates."""


@schedule_group.command("add")
@click.argument("queue")
@click.argument("name")
@click.argument("body")
@click.option("--cron", metavar="EXPRESSION", help="Minute, hour, day of month, month, day of week: '0 9 * * MON-FRI'.")
@click.option("--time-zone", metavar="ZONE", help="Of --cron, as Europe/Berlin; UTC by default.")
@click.option("--every", type=click.IntRange(min=1), metavar="S", help="So many seconds from one to the next.")
@click.option("--at", metavar="TIME", help="Once: 2030-01-31T08:00, in local time; or …Z.")
@click.option("-a", "--attribute", multiple=True, metavar="NAME=TEXT", help="A message attribute.")
@click.option("--group", metavar="GROUP", help="Its group: FIFO queues keep its order, others deal fairly.")
@click.option("--priority", type=click.IntRange(0, 9), help="Standard queues: 9 is received first; 4 by default.")
@click.option("--skip-missed", is_flag=True, help="Do not make up for what was missed while no server ran.")
@click.option("--paused", is_flag=True, help="Send nothing until it is resumed.")
@leaf
def add(
    session: Session,
    queue: str,
    name: str,
    body: str,
    time_zone: str | None,
    every: int | None,
    at: str | None,
    attribute: tuple[str, ...],
    **more: Any,
) -> None:
    """Have the queue QUEUE sent BODY, by the schedule NAME."""
    if sum(it is not None for it in (more["cron"], every, at)) != 1:
        raise click.UsageError("give --cron, --every or --at")
    with session.client() as client:
        made = client.queue(queue).schedules.create(
            name,
            body,
            time_zone=time_zone,
            every=every,
            at=None if at is None else time_of(at, "--at"),
            attributes=pairs(attribute, "--attribute"),
            **more,
        )
        session.report(f"schedule {made.name} {_next(made)}", made)


def _next(schedule: ScheduleInfo) -> str:
    return "sends nothing now" if schedule.next is None else f"sends next at {schedule.next:%Y-%m-%d %H:%M:%SZ}"


@schedule_group.command("ls")
@click.argument("queue")
@leaf
def ls(session: Session, queue: str) -> None:
    """List the schedules of the queue QUEUE."""
    with session.client() as client:
        columns = ("name", "state", "cron", "time_zone", "every_s", "next", "last", "sent_count")
        show_items(client.queue(queue).schedules.list(), columns, session.output)


@schedule_group.command("show")
@click.argument("queue")
@click.argument("name")
@leaf
def show(session: Session, queue: str, name: str) -> None:
    """Show the schedule NAME of the queue QUEUE."""
    with session.client() as client:
        show_item(_row(client.queue(queue).schedules.get(name)), session.output)


def _row(schedule: ScheduleInfo) -> dict[str, Any]:
    """Return a schedule as a row; a body that is not UTF-8 is shown in base64."""
    row = msgspec.structs.asdict(schedule)
    with contextlib.suppress(UnicodeDecodeError):
        row["body"] = (schedule.body or b"").decode()
    return row


@schedule_group.command("pause")
@click.argument("queue")
@click.argument("name")
@leaf
def pause(session: Session, queue: str, name: str) -> None:
    """Have the schedule NAME of the queue QUEUE send nothing until it is resumed."""
    with session.client() as client:
        paused = client.queue(queue).schedules.pause(name)
        session.report(f"schedule {paused.name} is paused", paused)


@schedule_group.command("resume")
@click.argument("queue")
@click.argument("name")
@leaf
def resume(session: Session, queue: str, name: str) -> None:
    """Have the schedule NAME of the queue QUEUE send again, in your name."""
    with session.client() as client:
        resumed = client.queue(queue).schedules.resume(name)
        session.report(f"schedule {resumed.name} {_next(resumed)}", resumed)


@schedule_group.command("rm")
@click.argument("queue")
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@leaf
def rm(session: Session, queue: str, name: str, yes: bool) -> None:
    """Delete the schedule NAME of the queue QUEUE; what it has sent stays."""
    confirmed(f"Delete the schedule {name} of {queue}?", yes=yes)
    with session.client() as client:
        client.queue(queue).schedules.delete(name)
        session.report(f"schedule {name} is gone", {"name": name})
