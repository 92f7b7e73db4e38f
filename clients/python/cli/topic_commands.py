"""`cumulo topic`."""

import sys
from itertools import islice
from typing import Any

import click
import rich_click

from cumulo.cli.leaf import Session, confirmed, leaf, pairs, text_of
from cumulo.cli.output import cell, show_item, show_items
from cumulo.cli.times import time_of
from cumulo.cli.watching import watchable
from cumulo.client import Message

END = "end"
SNAPSHOT = "snapshot:"
_SUBSCRIPTION = click.argument("subscription")
_SCOPES = click.Choice(["attributes", "body"])


@rich_click.group("topic")
def topic_group() -> None:
    """Work with topics: what is published to one reaches every subscription that wants it."""


@topic_group.command("ls")
@leaf
@watchable
def ls(session: Session) -> None:
    """List topics."""
    with session.client() as client:
        show_items(client.topics(), ("name", "arn"), session.output)


@topic_group.command("create")
@click.argument("name")
@click.option("--keep", type=int, metavar="S", help="Keep what is published: 60 to 31536000 s. By default it is not.")
@click.option("-a", "--attribute", multiple=True, metavar="NAME=TEXT", help="An attribute of SNS's, as DisplayName.")
@click.option("--policy", metavar="FILE", help="The topic's policy as JSON; - is standard input.")
@click.option("--tag", multiple=True, metavar="KEY=TEXT", help="A tag.")
@leaf
def create(
    session: Session,
    name: str,
    keep: int | None,
    attribute: tuple[str, ...],
    policy: str | None,
    tag: tuple[str, ...],
) -> None:
    """Make the topic NAME, a FIFO topic where that ends in .fifo; one with the same attributes is no error."""
    with session.client() as client:
        info = client.topic(name).create(
            keep=keep,
            policy=None if policy is None else text_of(policy),
            attributes=pairs(attribute, "--attribute"),
            tags=pairs(tag, "--tag"),
        )
        session.report(f"topic {info.name} is there", info)


@topic_group.command("set")
@click.argument("name")
@click.option("--keep", type=int, metavar="S", help="Keep what is published: 60 to 31536000 s; 0 lets go of it.")
@click.option("-a", "--attribute", multiple=True, metavar="NAME=TEXT", help="An attribute of SNS's; empty: none.")
@click.option("--policy", metavar="FILE", help="The topic's policy as JSON; - is standard input.")
@leaf
def set_attributes(
    session: Session, name: str, keep: int | None, attribute: tuple[str, ...], policy: str | None
) -> None:
    """Change attributes of the topic NAME."""
    if keep is None and not attribute and policy is None:
        raise click.UsageError("name at least one attribute to change")
    with session.client() as client:
        info = client.topic(name).set(
            keep=keep,
            policy=None if policy is None else text_of(policy),
            attributes=pairs(attribute, "--attribute"),
        )
        session.report(f"topic {info.name} is changed", info)


@topic_group.command("show")
@click.argument("name")
@leaf
def show(session: Session, name: str) -> None:
    """Show the attributes and counts of the topic NAME."""
    with session.client() as client:
        show_item(client.topic(name).info(), session.output)


@topic_group.command("rm")
@click.argument("name")
@click.argument("subscription", required=False)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@leaf
def rm(session: Session, name: str, subscription: str | None, yes: bool) -> None:
    """Delete the topic NAME with everything in it, or only its native SUBSCRIPTION."""
    what = f"the topic {name}" if subscription is None else f"the subscription {subscription} of {name}"
    confirmed(f"Delete {what} and every message in it?", yes=yes)
    with session.client() as client:
        topic = client.topic(name)
        if subscription is None:
            topic.delete()
        else:
            topic.subscription(subscription).delete()
        session.report(f"{what} is gone", {"name": subscription or name})


@topic_group.command("publish")
@click.argument("name")
@click.argument("body", required=False)
@click.option("--file", "path", metavar="FILE", help="Publish a file's content; - is standard input.")
@click.option("--lines", is_flag=True, help="Each line of standard input is a message.")
@click.option("--subject", default="", metavar="TEXT", help="What subscribers by e-mail see as the subject.")
@click.option("-a", "--attribute", multiple=True, metavar="NAME=TEXT", help="An attribute, for filter policies.")
@click.option("--group", metavar="KEY", help="The ordering key, which FIFO topics need.")
@click.option("--deduplication-id", "--dedup-id", metavar="ID", help="FIFO topics: published once within 5 minutes.")
@leaf
def publish(
    session: Session,
    name: str,
    body: str | None,
    path: str | None,
    lines: bool,
    subject: str,
    attribute: tuple[str, ...],
    group: str | None,
    deduplication_id: str | None,
) -> None:
    """Publish BODY, a file's content, or every line of standard input to the topic NAME."""
    if (body is not None) + (path is not None) + lines != 1:
        raise click.UsageError("give BODY, --file or --lines")
    if lines and deduplication_id is not None:
        raise click.UsageError("--deduplication-id is for one message, not for --lines")
    belongings: dict[str, Any] = {
        "subject": subject,
        "attributes": pairs(attribute, "--attribute"),
        "group": group,
        "deduplication_id": deduplication_id,
    }
    with session.client() as client:
        topic = client.topic(name)
        if lines:
            count = 0
            with topic.publish_stream() as stream:
                for line in sys.stdin.buffer:
                    stream.publish(line.rstrip(b"\r\n"), **belongings)
                    count += 1
            session.report(f"{count} messages are published", {"published": count})
            return
        content: bytes | str = body or ""
        if path is not None:
            with click.open_file(path, "rb") as file:
                content = file.read()
        published = topic.publish(content, **belongings)
        session.report(f"published {published.message_id}", published)


@topic_group.command("subscribe")
@click.argument("name")
@_SUBSCRIPTION
@click.option("--filter", "filter_policy", metavar="JSON", help="SNS's filter policy: only what it accepts comes.")
@click.option("--filter-scope", type=_SCOPES, help="What the filter looks at; the attributes by default.")
@click.option("--ack-deadline", type=int, metavar="S", help="1 to 43200 s until a message comes again; 30 by default.")
@click.option("--retention", type=int, metavar="S", help="Keep a message that waits: 60 to 1209600 s; 7 days.")
@click.option("--dead-letter-queue", metavar="QUEUE", help="Where messages go that nobody can handle.")
@click.option("--max-deliveries", type=int, metavar="N", help="After so many deliveries in vain; 5 by default.")
@click.option(
    "--job", "template", metavar="FILE", help="Make a job of each message, by this template in JSON; - is stdin."
)
@leaf
def subscribe(
    session: Session,
    name: str,
    subscription: str,
    filter_policy: str | None,
    template: str | None,
    **settings: Any,
) -> None:
    """Make the native SUBSCRIPTION of the topic NAME, or one whose messages become jobs; one that is the same is no
    error.
    """
    if template is not None:
        settings["job"] = text_of(template)
    with session.client() as client:
        info = client.topic(name).subscription(subscription).create(filter=filter_policy, **settings)
        session.report(f"subscription {info.name} is there", info)


@topic_group.command("subscriptions")
@click.argument("name")
@click.option("-l", "--long", "counted", is_flag=True, help="Ask each native one for its settings and counts.")
@leaf
@watchable
def subscriptions(session: Session, name: str, counted: bool) -> None:
    """List the subscriptions of the topic NAME."""
    with session.client() as client:
        topic = client.topic(name)
        columns: tuple[str, ...] = ("name", "protocol", "endpoint", "filter_policy")
        infos = iter(topic.subscriptions())
        if counted:
            infos = (topic.subscription(it.name).info() if it.protocol == "native" else it for it in infos)
            columns = ("name", "protocol", "endpoint", "message_count", "in_flight_count", "is_replaying")
        show_items(infos, columns, session.output)


@topic_group.command("tail")
@click.argument("name")
@click.option(
    "--subscription", metavar="SUBSCRIPTION", help="Receive from this one, instead of one made for the while."
)
@click.option("--filter", "filter_policy", metavar="JSON", help="Only what SNS's filter policy accepts.")
@click.option("--filter-scope", type=_SCOPES, help="What the filter looks at; the attributes by default.")
@click.option("-n", "--max", "count", type=click.IntRange(min=1), help="End after so many.")
@click.option("--idle", type=float, metavar="S", help="End after so long without a message.")
@click.option("--raw", is_flag=True, help="Write the bodies as they are, a line end behind each.")
@leaf
def tail(
    session: Session,
    name: str,
    subscription: str | None,
    filter_policy: str | None,
    filter_scope: str | None,
    count: int | None,
    idle: float | None,
    raw: bool,
) -> None:
    """Show what is published to the topic NAME, and acknowledge it, until interrupted."""
    if subscription is not None and filter_policy is not None:
        raise click.UsageError("a SUBSCRIPTION has its own filter")
    with session.client() as client:
        topic = client.topic(name)
        if subscription is None:
            tailing = topic.tail(filter=filter_policy, filter_scope=filter_scope, idle_timeout=idle)
            try:
                for message in islice(tailing, count):
                    _show(session, message, raw=raw)
            finally:
                tailing.close()  # which ends its subscription
            return
        with topic.subscription(subscription).stream(idle_timeout=idle) as stream:
            for message in islice(stream, count):
                with message:
                    _show(session, message, raw=raw)


@topic_group.command("seek")
@click.argument("name")
@_SUBSCRIPTION
@click.option("--to", "where", required=True, metavar="WHERE", help="A time, `end`, or `snapshot:NAME`.")
@leaf
def seek(session: Session, name: str, subscription: str, where: str) -> None:
    """Let the native SUBSCRIPTION of the topic NAME begin anew from another place: replay, or skip.

    A time is 2030-01-31T08:00, in local time; or …Z.
    """
    with session.client() as client:
        it = client.topic(name).subscription(subscription)
        if where == END:
            it.seek(end=True)
        elif where.startswith(SNAPSHOT):
            it.seek(snapshot=where.removeprefix(SNAPSHOT))
        else:
            it.seek(time=time_of(where, "--to"))
        session.report(f"subscription {subscription} goes on from {where}", {"name": subscription, "from": where})


@topic_group.command("snapshot")
@click.argument("name")
@_SUBSCRIPTION
@click.argument("snapshot")
@leaf
def snapshot(session: Session, name: str, subscription: str, snapshot: str) -> None:
    """Remember as SNAPSHOT how far the native SUBSCRIPTION of the topic NAME has come."""
    with session.client() as client:
        info = client.topic(name).subscription(subscription).snapshot(snapshot)
        session.report(f"snapshot {info.name} is there", info)


@topic_group.command("snapshots")
@click.argument("name")
@click.option("--rm", "removed", metavar="SNAPSHOT", help="Forget this snapshot instead.")
@leaf
def snapshots(session: Session, name: str, removed: str | None) -> None:
    """List the snapshots of the topic NAME."""
    with session.client() as client:
        topic = client.topic(name)
        if removed is not None:
            topic.delete_snapshot(removed)
            session.report(f"snapshot {removed} is gone", {"name": removed})
        else:
            show_items(topic.snapshots(), ("name", "message_count", "created"), session.output)


def _show(session: Session, message: Message, *, raw: bool) -> None:
    """Show a message as it comes, at once."""
    if raw:
        sys.stdout.buffer.write(message.body + b"\n")
    elif session.output == "table":
        row = _row(message)
        click.echo("  ".join(cell(row[name]) for name in ("sent", "group", "body")))
    else:
        show_item(_row(message), "jsonl" if session.output == "json" else session.output)
    sys.stdout.flush()


def _row(message: Message) -> dict[str, Any]:
    """Return a message as a row: a body that is not UTF-8 is shown in base64."""
    body: str | bytes
    try:
        body, encoding = message.text, "utf-8"
    except UnicodeDecodeError:
        body, encoding = message.body, "base64"
    return {
        "id": message.id,
        "sent": message.sent,
        "group": message.group,
        "body": body,
        "body_encoding": encoding,
        "attributes": message.attributes,
        "receive_count": message.receive_count,
    }
