"""`cumulo key`."""

import base64
import binascii
import sys

import click
import rich_click

from cumulo.cli.leaf import Session, confirmed, leaf, pairs, text_of
from cumulo.cli.output import show_item, show_items
from cumulo.client.model import Encrypted

_KEY = click.argument("key")
_CONTEXT = click.option(
    "-c", "--context", multiple=True, metavar="NAME=TEXT", help="The encryption context, without which nothing opens."
)


@rich_click.group("key")
def key_group() -> None:
    """Work with keys, which never leave the server. A KEY is an id, an ARN, or an alias: alias/NAME."""


@key_group.command("ls")
@click.option("-l", "--long", "described", is_flag=True, help="Ask for what each is for, and its state.")
@leaf
def ls(session: Session, described: bool) -> None:
    """List keys."""
    with session.client() as client:
        if described:
            columns: tuple[str, ...] = ("id", "state", "is_managed", "created", "description")
            show_items((client.keys.get(it.id) for it in client.keys.list()), columns, session.output)
        else:
            show_items(client.keys.list(), ("id", "arn"), session.output)


@key_group.command("create")
@click.argument("description", default="")
@click.option("--alias", metavar="ALIAS", help="Another name for it at once: alias/NAME.")
@click.option("--policy", metavar="FILE", help="The key's policy as JSON; - is standard input.")
@click.option("--tag", multiple=True, metavar="KEY=TEXT", help="A tag.")
@leaf
def create(session: Session, description: str, alias: str | None, policy: str | None, tag: tuple[str, ...]) -> None:
    """Make a key that is for what DESCRIPTION says."""
    with session.client() as client:
        made = client.keys.create(
            description, policy=None if policy is None else text_of(policy), tags=pairs(tag, "--tag")
        )
        if alias is not None:
            client.keys.create_alias(alias, made.id)
        session.report(f"key {made.id} is there", made)


@key_group.command("show")
@_KEY
@leaf
def show(session: Session, key: str) -> None:
    """Show the key KEY."""
    with session.client() as client:
        show_item(client.keys.get(key), session.output)


@key_group.command("describe")
@_KEY
@click.argument("description")
@leaf
def describe(session: Session, key: str, description: str) -> None:
    """Write what the key KEY is for."""
    with session.client() as client:
        client.keys.describe(key, description)
        session.report(f"key {key} is described", {"key": key})


@key_group.command("enable")
@_KEY
@leaf
def enable(session: Session, key: str) -> None:
    """Let the key KEY be used again."""
    with session.client() as client:
        client.keys.enable(key)
        session.report(f"key {key} is enabled", {"key": key})


@key_group.command("disable")
@_KEY
@leaf
def disable(session: Session, key: str) -> None:
    """Keep the key KEY from being used."""
    with session.client() as client:
        client.keys.disable(key)
        session.report(f"key {key} is disabled", {"key": key})


@key_group.command("rm")
@_KEY
@click.option("--days", type=int, default=30, show_default=True, metavar="N", help="In how many days: 7 to 30.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@leaf
def rm(session: Session, key: str, days: int, yes: bool) -> None:
    """Have the key KEY deleted in some days, and with it what it encrypted; it is not used until then."""
    confirmed(f"Delete the key {key} in {days} days, and with it everything that it encrypted?", yes=yes)
    with session.client() as client:
        when = client.keys.schedule_deletion(key, days=days)
        session.report(f"key {key} is deleted at {when:%Y-%m-%d %H:%M:%SZ}", {"key": key, "deletion": when})


@key_group.command("keep")
@_KEY
@leaf
def keep(session: Session, key: str) -> None:
    """Do not delete the key KEY after all; it is disabled then."""
    with session.client() as client:
        client.keys.cancel_deletion(key)
        session.report(f"key {key} stays, and is disabled", {"key": key})


@key_group.command("policy")
@_KEY
@click.option("--set", "path", metavar="FILE", help="Write the policy; - is standard input.")
@leaf
def policy(session: Session, key: str, path: str | None) -> None:
    """Show or write the policy of the key KEY."""
    with session.client() as client:
        if path is None:
            click.echo(client.keys.policy(key))
        else:
            client.keys.set_policy(key, text_of(path))
            session.report(f"key {key} has its policy", {"key": key})


@key_group.command("tags")
@_KEY
@leaf
def tags(session: Session, key: str) -> None:
    """Show the tags of the key KEY."""
    with session.client() as client:
        found = client.keys.tags(key)
        show_items([{"key": name, "value": value} for name, value in found.items()], ("key", "value"), session.output)


@key_group.command("tag")
@_KEY
@click.argument("tag", nargs=-1, required=True, metavar="KEY=TEXT...")
@leaf
def tag(session: Session, key: str, tag: tuple[str, ...]) -> None:
    """Set tags of the key KEY."""
    with session.client() as client:
        client.keys.tag(key, pairs(tag, "tag"))
        session.report(f"key {key} has its tags", {"key": key})


@key_group.command("untag")
@_KEY
@click.argument("tag_keys", nargs=-1, required=True, metavar="KEY...")
@leaf
def untag(session: Session, key: str, tag_keys: tuple[str, ...]) -> None:
    """Remove tags of the key KEY."""
    with session.client() as client:
        client.keys.untag(key, *tag_keys)
        session.report(f"the tags of key {key} are gone", {"key": key})


@key_group.command("aliases")
@click.argument("key", required=False)
@leaf
def aliases(session: Session, key: str | None) -> None:
    """List the aliases of the key KEY, or all."""
    with session.client() as client:
        show_items(client.keys.aliases(key), ("name", "key_id", "updated"), session.output)


@key_group.command("alias")
@click.argument("alias")
@click.argument("key", required=False)
@click.option("--move", is_flag=True, help="Lead an alias that is there to another key.")
@click.option("--rm", "remove", is_flag=True, help="Delete the alias; its key stays.")
@leaf
def alias(session: Session, alias: str, key: str | None, move: bool, remove: bool) -> None:
    """Name the key KEY by ALIAS (alias/NAME), too, or delete that name."""
    if (key is None) != remove or (move and remove):
        raise click.UsageError("give KEY or --rm; --move needs KEY")
    with session.client() as client:
        if remove:
            client.keys.delete_alias(alias)
            session.report(f"{alias} is gone", {"alias": alias})
        else:
            (client.keys.update_alias if move else client.keys.create_alias)(alias, key)
            session.report(f"{alias} leads to key {key}", {"alias": alias, "key": key})


# Rotation


@key_group.command("rotate")
@_KEY
@leaf
def rotate(session: Session, key: str) -> None:
    """Give the key KEY new material now; what it encrypted stays readable."""
    with session.client() as client:
        client.keys.rotate(key)
        session.report(f"key {key} has new material", {"key": key})


@key_group.command("rotation")
@_KEY
@click.option("--every", type=int, metavar="DAYS", help="Rotate it by itself, every 90 to 2560 days.")
@click.option("--off", is_flag=True, help="Rotate it no more by itself.")
@leaf
def rotation(session: Session, key: str, every: int | None, off: bool) -> None:
    """Show or say whether the key KEY is rotated by itself."""
    if every is not None and off:
        raise click.UsageError("--every or --off, not both")
    with session.client() as client:
        if every is not None:
            client.keys.enable_rotation(key, every_days=every)
        elif off:
            client.keys.disable_rotation(key)
        plan = client.keys.rotation(key)
        if plan is None:
            session.report(f"key {key} is not rotated by itself", {"every_days": None, "next": None})
        else:
            next_day = f"{plan.next:%Y-%m-%d}"
            session.report(f"key {key} is rotated every {plan.every_days} days, next on {next_day}", plan)


@key_group.command("rotations")
@_KEY
@leaf
def rotations(session: Session, key: str) -> None:
    """List the materials of the key KEY, the first included."""
    with session.client() as client:
        columns = ("material_id", "kind", "rotated", "is_current")
        show_items(client.keys.rotations(key, with_first=True), columns, session.output)


# Use


@key_group.command("encrypt")
@_KEY
@click.argument("text", required=False)
@click.option("--file", "path", metavar="FILE", help="Encrypt a file's content; - is standard input.")
@_CONTEXT
@click.option("--raw", is_flag=True, help="Write the ciphertext as it is, not in base64.")
@leaf
def encrypt(
    session: Session, key: str, text: str | None, path: str | None, context: tuple[str, ...], raw: bool
) -> None:
    """Encrypt TEXT or a file, of 4096 bytes at most, under the key KEY."""
    if (text is None) == (path is None):
        raise click.UsageError("give TEXT or --file")
    plaintext: str | bytes = _content(path) if path is not None else text or ""
    with session.client() as client:
        made = client.keys.encrypt(key, plaintext, context=pairs(context, "--context"))
        _show_ciphertext(session, made, raw=raw)


@key_group.command("decrypt")
@click.argument("ciphertext", required=False)
@click.option("--file", "path", metavar="FILE", help="Open a file with a ciphertext as it is; - is standard input.")
@click.option("--key", metavar="KEY", help="The key that must have encrypted it.")
@_CONTEXT
@leaf
def decrypt(
    session: Session, ciphertext: str | None, path: str | None, key: str | None, context: tuple[str, ...]
) -> None:
    """Open CIPHERTEXT, which is in base64, or a file, and write what it held."""
    with session.client() as client:
        opened = client.keys.decrypt(_ciphertext(ciphertext, path), context=pairs(context, "--context"), key=key)
        if session.output == "table":
            sys.stdout.buffer.write(opened.plaintext)
            if sys.stdout.isatty():
                click.echo()
        else:
            show_item(opened, session.output)


@key_group.command("re-encrypt")
@_KEY
@click.argument("ciphertext", required=False)
@click.option("--file", "path", metavar="FILE", help="A file with the ciphertext as it is; - is standard input.")
@click.option("--source-context", multiple=True, metavar="NAME=TEXT", help="Its encryption context until now.")
@_CONTEXT
@click.option("--raw", is_flag=True, help="Write the ciphertext as it is, not in base64.")
@leaf
def re_encrypt(
    session: Session,
    key: str,
    ciphertext: str | None,
    path: str | None,
    source_context: tuple[str, ...],
    context: tuple[str, ...],
    raw: bool,
) -> None:
    """Encrypt under the key KEY what CIPHERTEXT, in base64, or a file holds; nobody sees it meanwhile."""
    with session.client() as client:
        made = client.keys.re_encrypt(
            _ciphertext(ciphertext, path),
            key,
            context=pairs(context, "--context"),
            source_context=pairs(source_context, "--source-context"),
        )
        _show_ciphertext(session, made, raw=raw)


@key_group.command("data-key")
@_KEY
@click.option("--size", type=int, default=32, show_default=True, metavar="BYTES", help="1 to 1024.")
@_CONTEXT
@click.option("--sealed", is_flag=True, help="Only its ciphertext, for whoever may decrypt it.")
@leaf
def data_key(session: Session, key: str, size: int, context: tuple[str, ...], sealed: bool) -> None:
    """Make a random key to encrypt with, in clear and encrypted under the key KEY, both in base64."""
    with session.client() as client:
        make = client.keys.sealed_data_key if sealed else client.keys.data_key
        made = make(key, size=size, context=pairs(context, "--context"))
        show_item(made, "json" if session.output == "table" else session.output)  # a table shows bytes as text


@key_group.command("random")
@click.argument("size", type=int, default=32)
@leaf
def random(session: Session, size: int) -> None:
    """Write SIZE random bytes, 1 to 1024, in base64."""
    with session.client() as client:
        drawn = base64.b64encode(client.keys.random(size)).decode()
        if session.output == "table":
            click.echo(drawn)
        else:
            show_item({"bytes": drawn}, session.output)


def _content(path: str) -> bytes:
    with click.open_file(path, "rb") as file:
        return bytes(file.read())


def _ciphertext(text: str | None, path: str | None) -> bytes:
    if (text is None) == (path is None):
        raise click.UsageError("give CIPHERTEXT or --file")
    if path is not None:
        return _content(path)
    try:
        return base64.b64decode(text or "", validate=True)
    except binascii.Error:
        raise click.UsageError("CIPHERTEXT: base64 was expected") from None


def _show_ciphertext(session: Session, made: Encrypted, *, raw: bool) -> None:
    if raw:
        sys.stdout.buffer.write(made.ciphertext)
    elif session.output == "table":
        click.echo(base64.b64encode(made.ciphertext).decode())
    else:
        show_item(made, session.output)
