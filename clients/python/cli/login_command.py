"""`cumulo iam login`: writes a profile, after the server has taken its key."""

import json
import os
import sys
from pathlib import Path

import click
import rich_click

from cumulo.cli import sections
from cumulo.cli.leaf import Session, leaf
from cumulo.client import profiles


@rich_click.command("login")
@click.option("--access-key-id", default=None, help="Asked for where it is not given.")
@click.option("--endpoint", metavar="URL", default=None, help="The server's HTTP endpoint, for presigned URLs.")
@click.option("--tls-ca", metavar="FILE", default=None, help="PEM file of the authority of the server's certificate.")
@leaf
def login_command(session: Session, access_key_id: str | None, endpoint: str | None, tls_ca: str | None) -> None:
    """Keep a server and an access key as the profile --profile, or as `default`, which needs no naming.

    The secret is asked for; without a terminal it is the next line of standard input. It is written to
    ~/.config/cumulo/credentials.toml, which only you may read, once the server has taken the key.
    """
    name = sections.checked_name(session.profile or profiles.DEFAULT)
    at_terminal = sys.stdin.isatty()
    key_id = access_key_id or (
        click.prompt("Access key id", err=True) if at_terminal else sys.stdin.readline().rstrip("\r\n")
    )
    secret = (
        click.prompt("Secret access key", hide_input=True, err=True)
        if at_terminal
        else sys.stdin.readline().rstrip("\r\n")
    )
    if not key_id or not secret:
        raise click.UsageError("an access key id and its secret are needed")
    session.profile = None  # it may not exist yet, and must not say where this call goes
    key = {"access_key_id": key_id, "secret_access_key": secret}
    authority = None if tls_ca is None else str(Path(tls_ca).absolute())
    with session.client(**key, url=endpoint, tls_ca=authority) as client:
        caller = client.iam.whoami()
        known = {
            "target": client.target,
            "url": endpoint,
            "region": session.region,
            "tls_ca": authority,
            "access_key_id": key_id,
        }
    folder = profiles.folder(os.environ)
    _write(folder / profiles.CREDENTIALS_FILE, name, {profiles.SECRET: secret}, secret=True)
    _write(folder / profiles.CONFIG_FILE, name, known, secret=False)
    session.report(f"profile {name} is {caller.arn}", {"profile": name, "arn": caller.arn, "target": known["target"]})


def _write(path: Path, name: str, values: dict[str, str | None], *, secret: bool) -> None:
    """Write a table of texts; JSON's strings are TOML's."""
    given = {key: json.dumps(value, ensure_ascii=False) for key, value in values.items() if value}
    sections.write(path, sections.with_section(sections.read(path), name, given), secret=secret)
