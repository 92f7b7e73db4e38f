"""`cumulo queue send-all`: messages for several queues in one commit."""

import json
from typing import Any

import click

from cumulo.cli.leaf import Session, leaf
from cumulo.cli.output import show_items
from cumulo.cli.times import time_of

_MEMBERS = (
    "queue",
    "body",
    "delay",
    "deliver_at",
    "attributes",
    "group",
    "deduplication_id",
    "priority",
    "trace_header",
)
MESSAGES_MAX = 100
"""Sends of one transaction."""
LINES_BYTES_MAX = 16 * 1024 * 1024
"""More than 100 messages that are 1 MiB together, whatever JSON makes of them."""


@click.command("send-all")
@click.argument("path", metavar="FILE")
@leaf
def send_all(session: Session, path: str) -> None:
    """Send every message in FILE, in one commit: all of them, or none. - is standard input.

    Each line is one message in JSON, for its own queue, of the same account:
    {"queue": "orders", "body": "paid", "group": "7"}; further members are delay, deliver_at, attributes,
    deduplication_id, priority and trace_header. A body that is no text is sent as JSON.
    """
    with click.open_file(path, "rb") as file:
        content = file.read(LINES_BYTES_MAX + 1)
    if len(content) > LINES_BYTES_MAX:
        raise click.UsageError(f"{path} has more than {LINES_BYTES_MAX} bytes")
    messages = [_message(path, number, line) for number, line in enumerate(content.splitlines(), 1) if line.strip()]
    if not 1 <= len(messages) <= MESSAGES_MAX:
        raise click.UsageError(f"{path} has {len(messages)} messages; one transaction sends 1 to {MESSAGES_MAX}")
    with session.client() as client:
        with client.transaction() as transaction:
            pending = [transaction.send(**message) for message in messages]
        sent = [
            {"queue": message["queue"], "message_id": it.message_id, "sequence_number": it.sequence_number}
            for message, it in zip(messages, pending, strict=True)
        ]
        if session.output != "table":
            show_items(sent, ("queue", "message_id", "sequence_number"), session.output)
        else:
            queues = len({message["queue"] for message in messages})
            session.report(f"{len(sent)} messages are sent to {queues} queues, in one commit", sent)


def _message(path: str, number: int, line: bytes) -> dict[str, Any]:
    """Return the arguments of one send."""
    where = f"{path}, line {number}"
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{where}: it is no JSON: {error}") from error
    if not isinstance(message, dict) or not isinstance(message.get("queue"), str) or "body" not in message:
        raise click.UsageError(f'{where}: an object with a "queue" and a "body" was expected')
    for name, value in message.items():
        if name not in _MEMBERS:
            raise click.UsageError(f"{where}: {name} is none of {', '.join(_MEMBERS)}")
        if name in ("deliver_at", "group", "deduplication_id", "trace_header") and not isinstance(value, str):
            raise click.UsageError(f"{where}: {name} is a text")
        if name in ("delay", "priority") and (not isinstance(value, int) or isinstance(value, bool)):
            raise click.UsageError(f"{where}: {name} is a whole number")
        if name == "attributes" and not (
            isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
        ):
            raise click.UsageError(f"{where}: attributes are texts by names")
    if "deliver_at" in message:
        message["deliver_at"] = time_of(message["deliver_at"], where)
    return message
