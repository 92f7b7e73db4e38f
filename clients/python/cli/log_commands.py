"""`cumulo log`."""

import sys
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any

import click
import rich_click

from cumulo.cli.leaf import Session, confirmed, leaf, pairs, text_of
from cumulo.cli.output import cell, show_item, show_items
from cumulo.cli.watching import watchable
from cumulo.client.model import LogRecord

OLDEST, END = "oldest", "end"
PAGE = 1_000
_WHERE = "`oldest`, `end`, a position, or a time as 2030-01-31T08:00, in local time; or …Z."

_where_option = click.option("--from", "where", default=OLDEST, show_default=True, metavar="WHERE", help=_WHERE)
_raw_option = click.option("--raw", is_flag=True, help="Write the bodies as they are, a line end behind each.")
_lane_option = click.option("--lane", type=int, metavar="LANE", help="Only records of this lane.")


@rich_click.group("log")
def log_group() -> None:
    """Work with logs: records in order, read from any position or time."""


def _retention(command: Any) -> Any:
    """Give a command the options of a log's retention."""
    for option in reversed(
        (
            click.option("--retention", type=int, metavar="S", help="Keep records: 60 to 315360000 s, 0 for ever."),
            click.option("--retention-bytes", type=int, metavar="BYTES", help="Keep so many bytes; 0 has no limit."),
            click.option("--retention-records", type=int, metavar="N", help="Keep so many; 0 has no limit."),
            click.option("--policy", metavar="FILE", help="The log's policy as JSON; - is standard input."),
        )
    ):
        command = option(command)
    return command


def _given(policy: str | None, **attributes: Any) -> dict[str, Any]:
    given = {name: value for name, value in attributes.items() if value is not None}
    return given if policy is None else given | {"policy": text_of(policy)}


def _start(where: str) -> dict[str, Any]:
    """Return where to begin, as the SDK says it."""
    if where == OLDEST:
        return {}
    if where == END:
        return {"from_end": True}
    if where.isdecimal():
        return {"from_position": int(where)}
    try:
        return {"from_time": datetime.fromisoformat(where).astimezone()}
    except ValueError as error:
        raise click.BadParameter(f"{where!r} is none of {_WHERE}", param_hint="--from") from error


@log_group.command("ls")
@click.argument("prefix", default="")
@click.option("-l", "--long", "counted", is_flag=True, help="Ask each log for its ends.")
@leaf
@watchable
def ls(session: Session, prefix: str, counted: bool) -> None:
    """List logs, by PREFIX if given."""
    with session.client() as client:
        if counted:
            infos = (client.log(it.full_name).info() for it in client.logs(prefix))
            columns = ("name", "lane_count", "first_position", "next_position", "size_bytes", "last_append")
            show_items(infos, columns, session.output)
        else:
            show_items(client.logs(prefix), ("name", "created"), session.output)


@log_group.command("create")
@click.argument("name")
@click.option("--lanes", "lane_count", type=int, metavar="N", help="1 to 64; 1 by default. They never change.")
@_retention
@leaf
def create(session: Session, name: str, **attributes: Any) -> None:
    """Make the log NAME; one that exists with the same attributes is no error."""
    with session.client() as client:
        info = client.log(name).create(**_given(**attributes))
        session.report(f"log {info.name} is there", info)


@log_group.command("set")
@click.argument("name")
@_retention
@click.option("--reset", multiple=True, metavar="ATTRIBUTE", help="Back to its default, e.g. retention_s.")
@leaf
def set_attributes(session: Session, name: str, reset: tuple[str, ...], **attributes: Any) -> None:
    """Change attributes of the log NAME."""
    given = _given(**attributes)
    if not given and not reset:
        raise click.UsageError("name at least one attribute to change")
    with session.client() as client:
        info = client.log(name).set(**given, reset=reset)
        session.report(f"log {info.name} is changed", info)


@log_group.command("show")
@click.argument("name")
@leaf
def show(session: Session, name: str) -> None:
    """Show the attributes and the ends of the log NAME."""
    with session.client() as client:
        show_item(client.log(name).info(), session.output)


@log_group.command("rm")
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@leaf
def rm(session: Session, name: str, yes: bool) -> None:
    """Delete the log NAME with its records and its consumer groups."""
    confirmed(f"Delete the log {name}, its records and its consumer groups?", yes=yes)
    with session.client() as client:
        client.log(name).delete()
        session.report(f"log {name} is gone", {"name": name})


@log_group.command("append")
@click.argument("name")
@click.argument("body", required=False)
@click.option("--file", "path", metavar="FILE", help="Append a file's content; - is standard input.")
@click.option("--lines", is_flag=True, help="Each line of standard input is a record.")
@click.option("--key", default="", metavar="KEY", help="Records with the same key stay in order for a group.")
@click.option("-a", "--attribute", multiple=True, metavar="NAME=TEXT", help="An attribute.")
@click.option("--expected-position", type=int, metavar="POSITION", help="Append there or not at all.")
@leaf
def append(
    session: Session,
    name: str,
    body: str | None,
    path: str | None,
    lines: bool,
    key: str,
    attribute: tuple[str, ...],
    expected_position: int | None,
) -> None:
    """Append BODY, a file's content, or every line of standard input to the log NAME."""
    if (body is not None) + (path is not None) + lines != 1:
        raise click.UsageError("give BODY, --file or --lines")
    if lines and expected_position is not None:
        raise click.UsageError("--expected-position is for one record, not for --lines")
    attributes = pairs(attribute, "--attribute")
    with session.client() as client:
        log = client.log(name)
        if lines:
            count = 0
            with log.append_stream() as stream:
                for line in sys.stdin.buffer:
                    stream.append(line.rstrip(b"\r\n"), key=key, attributes=attributes)
                    count += 1
            session.report(f"{count} records are appended", {"appended": count})
            return
        content: bytes | str = body or ""
        if path is not None:
            with click.open_file(path, "rb") as file:
                content = file.read()
        appended = log.append(content, key=key, attributes=attributes, expected_position=expected_position)
        session.report(f"appended at position {appended.first_position}", appended)


@log_group.command("read")
@click.argument("name")
@_where_option
@click.option(
    "-n", "--max", "count", type=click.IntRange(min=1), default=10, show_default=True, help="At most so many."
)
@click.option("-w", "--wait", type=int, default=0, metavar="S", help="Wait for the first: 0 to 20 s.")
@_lane_option
@_raw_option
@leaf
def read(session: Session, name: str, where: str, count: int, wait: int, lane: int | None, raw: bool) -> None:
    """Show records of the log NAME; they stay."""
    start = _start(where)
    with session.client() as client:
        log = client.log(name)
        found: list[LogRecord] = []
        while len(found) < count:
            page = log.read(min(count - len(found), PAGE), wait=0 if found else wait, lane=lane, **start)
            if not page:
                break
            found += page
            start = {"from_position": page[-1].position + 1}
        if raw:
            _write_raw(found)
        else:
            show_items(map(_row, found), ("position", "time", "key", "body"), session.output)


@log_group.command("tail")
@click.argument("name")
@click.option("--from", "where", default=END, show_default=True, metavar="WHERE", help=_WHERE)
@click.option("-n", "--max", "count", type=click.IntRange(min=1), help="End after so many.")
@click.option("--idle", type=float, metavar="S", help="End after so long without a record.")
@_lane_option
@_raw_option
@leaf
def tail(
    session: Session, name: str, where: str, count: int | None, idle: float | None, lane: int | None, raw: bool
) -> None:
    """Show records of the log NAME as they are appended, until interrupted."""
    start = {} if where == END else _start(where) or {"from_position": 0}
    with session.client() as client:
        records = islice(client.log(name).tail(lane=lane, idle_timeout=idle, **start), count)
        _show_each(session, records, raw=raw)


@log_group.command("consume")
@click.argument("name")
@click.argument("group")
@_where_option
@click.option("-n", "--max", "count", type=click.IntRange(min=1), help="End after so many.")
@click.option("--idle", type=float, metavar="S", help="End after so long without a record.")
@_raw_option
@leaf
def consume(
    session: Session, name: str, group: str, where: str, count: int | None, idle: float | None, raw: bool
) -> None:
    """Show records of the log NAME as a member of GROUP, and commit each once it is shown, until interrupted.

    --from says where the group begins that is not there yet.
    """
    with (
        session.client() as client,
        client.log(name).consumer(group, idle_timeout=idle, **_start(where)) as consumer,
    ):
        for record in islice(consumer, count):
            _show_each(session, (record,), raw=raw)
            consumer.commit()


@log_group.command("groups")
@click.argument("name")
@click.option("-l", "--long", "by_lane", is_flag=True, help="Show each lane, and who holds it.")
@click.option("--rm", "removed", metavar="GROUP", help="Forget this group and its positions instead.")
@leaf
@watchable
def groups(session: Session, name: str, by_lane: bool, removed: str | None) -> None:
    """List the consumer groups of the log NAME, and how many records wait for each."""
    with session.client() as client:
        log = client.log(name)
        if removed is not None:
            log.delete_group(removed)
            session.report(f"group {removed} is gone", {"name": removed})
        elif by_lane:
            rows = (
                {"name": group.name, "lane": it.lane, "position": it.position, "lag": it.lag, "member": it.member}
                for group in log.groups()
                for it in group.lanes
            )
            show_items(rows, ("name", "lane", "position", "lag", "member"), session.output)
        else:
            show_items(log.groups(), ("name", "lag", "member_count", "created"), session.output)


@log_group.command("seek")
@click.argument("name")
@click.argument("group")
@_where_option
@leaf
def seek(session: Session, name: str, group: str, where: str) -> None:
    """Let GROUP of the log NAME go on from another place: replay, or skip. Makes the group where there is none."""
    with session.client() as client:
        client.log(name).seek(group, **_start(where))
        session.report(f"group {group} goes on from {where}", {"name": group, "from": where})


def _show_each(session: Session, records: Iterable[LogRecord], *, raw: bool) -> None:
    """Show records as they come, each at once."""
    for record in records:
        if raw:
            _write_raw((record,))
        elif session.output == "table":
            row = _row(record)
            click.echo("  ".join(cell(row[name]) for name in ("position", "time", "key", "body")))
        else:
            show_item(_row(record), "jsonl" if session.output == "json" else session.output)
        sys.stdout.flush()


def _write_raw(records: Iterable[LogRecord]) -> None:
    for record in records:
        sys.stdout.buffer.write(record.body + b"\n")
    sys.stdout.buffer.flush()


def _row(record: LogRecord) -> dict[str, Any]:
    """Return a record as a row: a body that is not UTF-8 is shown in base64."""
    body: str | bytes
    try:
        body, encoding = record.text, "utf-8"
    except UnicodeDecodeError:
        body, encoding = record.body, "base64"
    return {
        "position": record.position,
        "time": record.time,
        "key": record.key,
        "body": body,
        "body_encoding": encoding,
        "attributes": record.attributes,
        "lane": record.lane,
    }
