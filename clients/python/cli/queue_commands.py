"""`cumulo queue`."""

import heapq
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import click
import rich_click

from cumulo.cli.leaf import Session, confirmed, leaf, pairs, text_of
from cumulo.cli.output import bold, show_item, show_items
from cumulo.cli.schedule_commands import schedule_group
from cumulo.cli.times import time_of
from cumulo.cli.transaction_commands import send_all
from cumulo.cli.watching import interval_option, watchable
from cumulo.client import DeadLetterPolicy, Message, Queue
from cumulo.client.model import PeekedMessage, Reply

BATCH = 100


@rich_click.group("queue")
def queue_group() -> None:
    """Queues and their messages."""


queue_group.add_command(schedule_group)
queue_group.add_command(send_all)


def _attributes(command: Any) -> Any:
    """Give a command the options of a queue's attributes."""
    for option in reversed(
        (
            click.option("--visibility-timeout", type=int, metavar="S", help="0 to 43200 s; 30 by default."),
            click.option("--delay", type=int, metavar="S", help="Hold new messages back: 0 to 900 s."),
            click.option("--retention", type=int, metavar="S", help="Keep messages: 60 to 1209600 s."),
            click.option("--maximum-message-size", type=int, metavar="BYTES", help="1024 to 1048576."),
            click.option("--receive-wait", type=int, metavar="S", help="How long a receive waits: 0 to 20 s."),
            click.option("--dead-letter-queue", metavar="QUEUE", help="Where messages go that nobody handles."),
            click.option("--max-receive-count", type=int, metavar="N", help="After so many receives: 1 to 1000."),
            click.option(
                "--expire-after-idle",
                type=int,
                metavar="S",
                help="Delete it once nobody used it for so long: 10 to 1209600 s; 0: never.",
            ),
            click.option("--policy", metavar="FILE", help="The queue's policy as JSON; - is standard input."),
            click.option(
                "--redrive-allow-policy", metavar="JSON", help="For which queues it may be the dead-letter queue."
            ),
            click.option(
                "--fifo-content-based-deduplication/--no-fifo-content-based-deduplication",
                "content_based_deduplication",
                default=None,
                help="Make a FIFO queue's missing deduplication ids from the bodies, or refuse such messages.",
            ),
            click.option(
                "--fifo-deduplication-scope",
                "deduplication_scope",
                type=click.Choice(["queue", "messageGroup"]),
                help="Where a deduplication id is unique.",
            ),
            click.option(
                "--fifo-throughput-limit",
                "throughput_limit",
                type=click.Choice(["perQueue", "perMessageGroupId"]),
                help="The second with the scope messageGroup only.",
            ),
            click.option(
                "--managed-sse/--no-managed-sse", default=None, help="Encrypt messages at rest under a managed key."
            ),
            click.option(
                "--kms-master-key-id", metavar="KEY", help="Encrypt them under this KMS key id, alias or ARN."
            ),
            click.option(
                "--kms-data-key-reuse", type=int, metavar="S", help="How long one key encrypts: 60 to 86400 s."
            ),
        )
    ):
        command = option(command)
    return command


def _given(
    dead_letter_queue: str | None, max_receive_count: int | None, policy: str | None, **attributes: Any
) -> dict[str, Any]:
    if (dead_letter_queue is None) != (max_receive_count is None):
        raise click.UsageError("--dead-letter-queue and --max-receive-count belong together")
    given = {name: value for name, value in attributes.items() if value is not None}
    if dead_letter_queue is not None and max_receive_count is not None:
        given["dead_letter_policy"] = DeadLetterPolicy(queue=dead_letter_queue, max_receive_count=max_receive_count)
    if policy is not None:
        given["policy"] = text_of(policy)
    return given


@queue_group.command("ls")
@click.argument("prefix", default="")
@click.option("-l", "--long", "counted", is_flag=True, help="Ask each queue for its counts.")
@leaf
@watchable
def ls(session: Session, prefix: str, counted: bool) -> None:
    """List queues, by PREFIX if given."""
    with session.client() as client:
        if counted:
            infos = (client.queue(it.full_name).info() for it in client.queues(prefix))
            columns = ("name", "message_count", "in_flight_count", "delayed_count", "created")
            show_items(infos, columns, session.output)
        else:
            show_items(client.queues(prefix), ("name", "created"), session.output)


@queue_group.command("create")
@click.argument("name")
@_attributes
@click.option("--tag", multiple=True, metavar="KEY=VALUE", help="A tag of the new queue.")
@leaf
def create(session: Session, name: str, tag: tuple[str, ...], **attributes: Any) -> None:
    """Make the queue NAME; one that exists with the same attributes is no error.

    A NAME that ends in .fifo makes a FIFO queue, which keeps the messages of each group in order.
    """
    with session.client() as client:
        info = client.queue(name).create(tags=pairs(tag, "--tag"), **_given(**attributes))
        session.report(f"queue {info.name} is there", info)


@queue_group.command("set")
@click.argument("name")
@_attributes
@click.option("--reset", multiple=True, metavar="ATTRIBUTE", help="Back to its default, e.g. delay_s.")
@leaf
def set_attributes(session: Session, name: str, reset: tuple[str, ...], **attributes: Any) -> None:
    """Change attributes of the queue NAME."""
    given = _given(**attributes)
    if not given and not reset:
        raise click.UsageError("name at least one attribute to change")
    with session.client() as client:
        info = client.queue(name).set(**given, reset=reset)
        session.report(f"queue {info.name} is changed", info)


@queue_group.command("show")
@click.argument("name")
@leaf
def show(session: Session, name: str) -> None:
    """Show the attributes and exact counts of the queue NAME."""
    with session.client() as client:
        show_item(client.queue(name).info(), session.output)


@queue_group.command("top")
@click.argument("prefix", default="")
@click.option("-n", "--max", "count", type=click.IntRange(min=1), default=20, show_default=True, help="So many queues.")
@click.option(
    "--by",
    type=click.Choice(["messages", "age", "lag"]),
    default="messages",
    show_default=True,
    help="What the order goes by: how many wait, the age of the oldest, or of the next to be received.",
)
@leaf
@watchable
def top(session: Session, prefix: str, count: int, by: str) -> None:
    """Show the queues with the most messages, or the oldest, first; by PREFIX if given."""
    field = {"messages": "message_count", "age": "oldest_age_s", "lag": "lag_s"}[by]
    with session.client() as client:
        infos = (client.queue(it.full_name).info() for it in client.queues(prefix))
        largest = heapq.nlargest(count, infos, key=lambda info: getattr(info, field))
        columns = ("name", "message_count", "in_flight_count", "delayed_count", "oldest_age_s", "lag_s")
        show_items(largest, columns, session.output)


@queue_group.command("watch")
@click.argument("name")
@interval_option
@leaf
def watch(session: Session, name: str, interval: float) -> None:
    """Show how the counts of the queue NAME change, one line a look, until interrupted."""
    with session.client() as client:
        queue = client.queue(name)
        before: int | None = None
        while True:
            info = queue.info()
            counts = {
                "time": datetime.now(UTC),
                "messages": info.message_count,
                "in_flight": info.in_flight_count,
                "delayed": info.delayed_count,
            }
            if session.output != "table":
                show_item(counts, "jsonl" if session.output == "json" else session.output)
            else:
                if before is None:
                    click.echo(bold("TIME          MESSAGES  IN FLIGHT   DELAYED   CHANGE"))
                change = "" if before is None else f"{info.message_count - before:+}"
                line = f"{counts['time']:%H:%M:%SZ}  {info.message_count:>11}  {info.in_flight_count:>9}"
                click.echo(f"{line}  {info.delayed_count:>8}  {change:>7}")
            before = info.message_count
            sys.stdout.flush()
            time.sleep(interval)


@queue_group.command("rm")
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@leaf
def rm(session: Session, name: str, yes: bool) -> None:
    """Delete the queue NAME and every message in it."""
    confirmed(f"Delete the queue {name} and every message in it?", yes=yes)
    with session.client() as client:
        client.queue(name).delete()
        session.report(f"queue {name} is gone", {"name": name})


@queue_group.command("purge")
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@leaf
def purge(session: Session, name: str, yes: bool) -> None:
    """Delete every message of the queue NAME, received and delayed ones too."""
    confirmed(f"Delete every message of {name}?", yes=yes)
    with session.client() as client:
        client.queue(name).purge()
        session.report(f"queue {name} is empty", {"name": name})


@queue_group.command("send")
@click.argument("name")
@click.argument("body", required=False)
@click.option("--file", "path", metavar="FILE", help="Send a file's content; - is standard input.")
@click.option("--lines", is_flag=True, help="Each line of standard input is a message.")
@click.option("--delay", type=int, metavar="S", help="Hold it back: up to 31622400 s, 366 days.")
@click.option(
    "--at", "deliver_at", metavar="TIME", help="Hold it back until then: 2030-01-31T08:00, in local time; or …Z."
)
@click.option("-a", "--attribute", multiple=True, metavar="NAME=TEXT", help="A message attribute.")
@click.option("--group", metavar="GROUP", help="Its group: FIFO queues keep its order, others deal fairly.")
@click.option(
    "--deduplication-id",
    "--dedup-id",
    metavar="ID",
    help="FIFO queues: what was sent with the same within 5 minutes is not stored again.",
)
@click.option("--priority", type=int, metavar="N", help="0 to 9, and 9 is received first; 4 by default.")
@click.option("--trace-header", default="", metavar="TEXT", help="An X-Ray trace header.")
@leaf
def send(
    session: Session,
    name: str,
    body: str | None,
    path: str | None,
    lines: bool,
    delay: int | None,
    deliver_at: str | None,
    attribute: tuple[str, ...],
    group: str | None,
    deduplication_id: str | None,
    priority: int | None,
    trace_header: str,
) -> None:
    """Send BODY, a file's content, or every line of standard input to the queue NAME."""
    if (body is not None) + (path is not None) + lines != 1:
        raise click.UsageError("give BODY, --file or --lines")
    if lines and deduplication_id is not None:
        raise click.UsageError("--deduplication-id is for one message, not for --lines")
    if delay is not None and deliver_at is not None:
        raise click.UsageError("--delay or --at, not both")
    belongings: dict[str, Any] = {
        "delay": delay,
        "deliver_at": None if deliver_at is None else time_of(deliver_at, "--at"),
        "attributes": pairs(attribute, "--attribute"),
        "group": group,
        "priority": priority,
        "trace_header": trace_header,
    }
    with session.client() as client:
        queue = client.queue(name)
        if lines:
            count = _send_lines(queue, **belongings)
            session.report(f"{count} messages are sent", {"sent": count})
            return
        content: bytes | str
        if path is not None:
            with click.open_file(path, "rb") as file:
                content = file.read()
        else:
            content = body or ""
        sent = queue.send(content, deduplication_id=deduplication_id, **belongings)
        number = f" as number {sent.sequence_number}" if sent.sequence_number else ""
        session.report(f"sent {sent.message_id}{number}", sent)


@queue_group.command("request")
@click.argument("name")
@click.argument("body")
@click.option("--timeout", type=click.FloatRange(0, 3600), default=30, show_default=True, metavar="S")
@click.option("-a", "--attribute", multiple=True, metavar="NAME=TEXT", help="A message attribute; at most 8.")
@click.option("--group", metavar="GROUP", help="Its group: FIFO queues keep its order, others deal fairly.")
@click.option("--deduplication-id", "--dedup-id", metavar="ID", help="FIFO queues: as of send.")
@click.option("--priority", type=int, metavar="N", help="0 to 9, and 9 is received first; 4 by default.")
@click.option("--raw", is_flag=True, help="Write the reply's body as it is.")
@leaf
def request(
    session: Session,
    name: str,
    body: str,
    timeout: float,
    attribute: tuple[str, ...],
    group: str | None,
    deduplication_id: str | None,
    priority: int | None,
    raw: bool,
) -> None:
    """Send BODY to the queue NAME and wait for the reply of whoever receives it."""
    with session.client() as client:
        reply = client.queue(name).request(
            body,
            timeout=timeout,
            attributes=pairs(attribute, "--attribute"),
            group=group,
            deduplication_id=deduplication_id,
            priority=priority,
        )
    if raw:
        sys.stdout.buffer.write(reply.body)
        sys.stdout.buffer.flush()
        return
    shown, encoding = _shown_body(reply)
    row = {"id": reply.message_id, "body": shown, "body_encoding": encoding, "attributes": reply.attributes}
    show_item(row | {"sent": reply.sent, "sender_id": reply.sender_id}, session.output)


def _send_lines(queue: Queue, **belongings: Any) -> int:
    count = 0
    with queue.send_stream() as stream:
        for line in sys.stdin.buffer:
            stream.send(line.rstrip(b"\r\n"), **belongings)
            count += 1
    return count


@queue_group.command("recv")
@click.argument("name")
@click.option("-n", "--max", "count", type=click.IntRange(min=1), default=1, show_default=True, help="At most so many.")
@click.option("-w", "--wait", type=int, metavar="S", help="Wait for the first: 0 to 20 s.")
@click.option("--visibility-timeout", type=int, metavar="S", help="Hide them from others: 0 to 43200 s.")
@click.option("--delete", "delete", is_flag=True, help="Delete each message once it is shown.")
@click.option("--raw", is_flag=True, help="Write the bodies as they are, a line end behind each.")
@leaf
def recv(
    session: Session,
    name: str,
    count: int,
    wait: int | None,
    visibility_timeout: int | None,
    delete: bool,
    raw: bool,
) -> None:
    """Take messages from the queue NAME; others see them again when the visibility timeout ends, unless --delete."""
    with session.client() as client:
        messages = _received(client.queue(name), count, wait, visibility_timeout)
        if raw:
            for message in messages:
                sys.stdout.buffer.write(message.body + b"\n")
                sys.stdout.buffer.flush()
                if delete:
                    message.delete()
            return
        taken = list(messages)
        columns = (*_first_columns("id", taken), *_priority_column(taken), "receive_count", "sent", "body")
        show_items(map(_row, taken), columns, session.output)
        sys.stdout.flush()
        if delete and taken:
            for start in range(0, len(taken), BATCH):
                client.queue(name).delete_batch(taken[start : start + BATCH])


def _received(queue: Queue, count: int, wait: int | None, visibility_timeout: int | None) -> "Iterator[Message]":
    """Take messages until there are `count`, or none comes."""
    while count > 0:
        taken = list(queue.receive(wait, min(count, BATCH), visibility_timeout=visibility_timeout))
        yield from taken
        if not taken:
            return
        count -= len(taken)
        wait = 0


def _first_columns(mark: str, messages: Sequence[Message] | Sequence[PeekedMessage]) -> tuple[str, ...]:
    """Return the columns that a table begins with: groups, where there are any, and of a FIFO queue the order."""
    if any(it.sequence_number for it in messages):
        return (mark, "group", "sequence_number")
    return (mark, "group") if any(it.group for it in messages) else (mark,)


def _priority_column(messages: Sequence[Message] | Sequence[PeekedMessage]) -> tuple[str, ...]:
    """Return the column of priorities, where they differ."""
    return ("priority",) if len({it.priority for it in messages}) > 1 else ()


def _shown_body(message: Message | PeekedMessage | Reply) -> tuple[str | bytes, str]:
    """Return a body and its encoding: one that is not UTF-8 is shown in base64."""
    try:
        return message.text, "utf-8"
    except UnicodeDecodeError:
        return message.body, "base64"


def _row(message: Message) -> dict[str, Any]:
    """Return a message as a row."""
    body, encoding = _shown_body(message)
    return {
        "id": message.id,
        "receipt_handle": message.receipt_handle,
        "body": body,
        "body_encoding": encoding,
        "md5_of_body": message.md5_of_body,
        "attributes": message.attributes,
        "receive_count": message.receive_count,
        "sent": message.sent,
        "first_received": message.first_received,
        "sender_id": message.sender_id,
        "dead_letter_source_arn": message.dead_letter_source_arn,
        "trace_header": message.trace_header,
        "group": message.group,
        "deduplication_id": message.deduplication_id,
        "sequence_number": message.sequence_number,
        "priority": message.priority,
    }


@queue_group.command("peek")
@click.argument("name")
@click.option(
    "-n", "--max", "count", type=click.IntRange(min=1), default=10, show_default=True, help="At most so many."
)
@click.option("--after", type=click.IntRange(min=0), default=0, metavar="POSITION", help="Begin behind this position.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="Only the message of this id; may be repeated.")
@leaf
def peek(session: Session, name: str, count: int, after: int, ids: tuple[str, ...]) -> None:
    """Show messages of the queue NAME by position or id, with their states, without taking them."""
    with session.client() as client:
        found = client.queue(name).peek(max(count, len(ids)), after=after, ids=ids)
        states = ("state", "due", "receive_count") if any(it.due for it in found) else ("state", "receive_count")
        columns = (*_first_columns("position", found), "id", *_priority_column(found), *states, "sent", "body")
        show_items(map(_peeked_row, found), columns, session.output)


def _peeked_row(message: PeekedMessage) -> dict[str, Any]:
    body, encoding = _shown_body(message)
    return {
        "position": message.position,
        "id": message.message_id,
        "body": body,
        "body_encoding": encoding,
        "md5_of_body": message.md5_of_body,
        "attributes": message.attributes,
        "sent": message.sent,
        "sender_id": message.sender_id,
        "dead_letter_source_arn": message.dead_letter_source_arn,
        "trace_header": message.trace_header,
        "group": message.group,
        "deduplication_id": message.deduplication_id,
        "sequence_number": message.sequence_number,
        "priority": message.priority,
        "state": message.state,
        "due": message.due,
        "receive_count": message.receive_count,
        "first_received": message.first_received,
        "last_received": message.last_received,
        "history": message.history,
    }


@queue_group.command("dead-letters")
@click.argument("name")
@click.option(
    "-n", "--max", "count", type=click.IntRange(min=1), default=10, show_default=True, help="At most so many."
)
@click.option("--after", type=click.IntRange(min=0), default=0, metavar="POSITION", help="Begin behind this position.")
@leaf
def dead_letters(session: Session, name: str, count: int, after: int) -> None:
    """Say of the messages in the dead-letter queue NAME why, when and from where they came.

    Each has a row for its latest way to a dead-letter queue; with -o json its whole history.
    """
    with session.client() as client:
        found = client.queue(name).peek(count, after=after)
        columns = ("position", "id", "source", "reason", "moved", "first_received", "last_received", "body")
        show_items(map(_dead_letter_row, found), columns, session.output)


def _dead_letter_row(message: PeekedMessage) -> dict[str, Any]:
    row = _peeked_row(message)
    hop = next((it for it in reversed(message.history) if it.reason == "RECEIVED_TOO_OFTEN"), None)
    row["source"] = (hop.queue_arn if hop else message.dead_letter_source_arn).rpartition(":")[2]
    row["reason"] = f"received {hop.receive_count} times of {hop.max_receive_count}" if hop else ""
    row["moved"] = hop.moved if hop else None
    if hop:
        row["first_received"], row["last_received"] = hop.first_received, hop.last_received
    return row


@queue_group.command("move")
@click.argument("name")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--to", "destination", required=True, metavar="QUEUE", help="Where they go: a queue of the same kind.")
@leaf
def move(session: Session, name: str, ids: tuple[str, ...], destination: str) -> None:
    """Move messages of the queue NAME that are ready to another queue, by their IDs.

    They keep their ids and times of sending; `queue peek` shows where they were.
    """
    with session.client() as client:
        client.queue(name).move(ids, destination)
        what = "1 message is" if len(ids) == 1 else f"{len(ids)} messages are"
        session.report(f"{what} in {destination}", {"moved": len(ids), "to": destination})


@queue_group.command("ack")
@click.argument("name")
@click.argument("receipt_handle")
@click.option("--exactly-once", is_flag=True, help="Fail where another receipt, or none, has deleted the message.")
@leaf
def ack(session: Session, name: str, receipt_handle: str, exactly_once: bool) -> None:
    """Delete a received message of the queue NAME by its RECEIPT_HANDLE."""
    with session.client() as client:
        client.queue(name).delete_message(receipt_handle, exactly_once=exactly_once)
        session.report("the message is gone", {"receipt_handle": receipt_handle})


@queue_group.command("policy")
@click.argument("name")
@click.option("--set", "path", metavar="FILE", help="Write the policy; - is standard input.")
@click.option("--rm", "remove", is_flag=True, help="Remove the policy.")
@leaf
def policy(session: Session, name: str, path: str | None, remove: bool) -> None:
    """Show, write or remove the policy of the queue NAME."""
    if path is not None and remove:
        raise click.UsageError("--set or --rm, not both")
    with session.client() as client:
        queue = client.queue(name)
        if path is not None:
            info = queue.set(policy=text_of(path))
            session.report(f"queue {info.name} has its policy", info)
        elif remove:
            info = queue.set(reset=("policy",))
            session.report(f"queue {info.name} has no policy", info)
        else:
            click.echo(queue.info().policy or "{}")


@queue_group.command("tags")
@click.argument("name")
@leaf
def tags(session: Session, name: str) -> None:
    """Show the tags of the queue NAME."""
    with session.client() as client:
        found = client.queue(name).tags()
        show_items([{"key": key, "value": value} for key, value in found.items()], ("key", "value"), session.output)


@queue_group.command("tag")
@click.argument("name")
@click.argument("tags", nargs=-1, required=True, metavar="KEY=VALUE...")
@leaf
def tag_queue(session: Session, name: str, tags: tuple[str, ...]) -> None:
    """Add tags to the queue NAME; of a KEY that is there the value is replaced."""
    added = pairs(tags, "tag")
    with session.client() as client:
        client.queue(name).tag(added)
        session.report(f"queue {name} has these tags", added)


@queue_group.command("untag")
@click.argument("name")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@leaf
def untag(session: Session, name: str, keys: tuple[str, ...]) -> None:
    """Remove tags of the queue NAME."""
    with session.client() as client:
        client.queue(name).untag(*keys)
        session.report(f"queue {name} has these tags no more", {"keys": keys})


@queue_group.command("sources")
@click.argument("name")
@leaf
def sources(session: Session, name: str) -> None:
    """List the queues whose dead-letter queue is NAME."""
    with session.client() as client:
        show_items(client.queue(name).dead_letter_sources(), ("name", "created"), session.output)


@queue_group.group("permission")
def permission_group() -> None:
    """Share a queue with other accounts, by labelled statements of its policy."""


@permission_group.command("add")
@click.argument("name")
@click.argument("label")
@click.option("--account", "accounts", multiple=True, required=True, metavar="NUMBER", help="Who; 12 digits.")
@click.option("--action", "actions", multiple=True, required=True, metavar="ACTION", help="SendMessage, or *.")
@leaf
def add_permission(
    session: Session, name: str, label: str, accounts: tuple[str, ...], actions: tuple[str, ...]
) -> None:
    """Allow other accounts actions on the queue NAME, by a statement of that LABEL."""
    with session.client() as client:
        client.queue(name).add_permission(label, accounts, actions)
        session.report(f"queue {name} has the permission {label}", {"label": label})


@permission_group.command("rm")
@click.argument("name")
@click.argument("label")
@leaf
def remove_permission(session: Session, name: str, label: str) -> None:
    """Remove the statement of that LABEL from the policy of the queue NAME."""
    with session.client() as client:
        client.queue(name).remove_permission(label)
        session.report(f"queue {name} has no permission {label}", {"label": label})


@queue_group.group("redrive")
def redrive_group() -> None:
    """Move the messages of a dead-letter queue back, or elsewhere."""


@redrive_group.command("start")
@click.argument("name")
@click.option("--to", "destination", default="", metavar="QUEUE", help="Where to; by default where each came from.")
@click.option("--rate", type=int, metavar="N", help="Messages a second at most: 1 to 500.")
@leaf
def start_redrive(session: Session, name: str, destination: str, rate: int | None) -> None:
    """Begin to move the messages of the dead-letter queue NAME, in the background."""
    with session.client() as client:
        task_id = client.queue(name).start_move(destination, max_messages_per_s=rate)
        session.report(f"task {task_id} moves the messages of {name}", {"task_id": task_id})


@redrive_group.command("ls")
@click.argument("name")
@leaf
@watchable
def list_redrives(session: Session, name: str) -> None:
    """List the latest move tasks out of the queue NAME, the newest first."""
    with session.client() as client:
        columns = ("task_id", "status", "moved_count", "to_move_count", "started", "failure_reason")
        show_items(client.queue(name).move_tasks(), columns, session.output)


@redrive_group.command("cancel")
@click.argument("name")
@click.argument("task_id")
@leaf
def cancel_redrive(session: Session, name: str, task_id: str) -> None:
    """End the running move task TASK_ID of the queue NAME; what it has moved stays moved."""
    with session.client() as client:
        task = client.queue(name).cancel_move(task_id)
        session.report(f"task {task_id} is over; it moved {task.moved_count} messages", task)
