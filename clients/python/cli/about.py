"""`cumulo version` and `cumulo status`."""

import time
from importlib import metadata

import click
import rich_click

from cumulo.cli.leaf import Session, leaf
from cumulo.cli.output import show_item


def print_version() -> None:
    """Print the version as one line."""
    click.echo(f"cumulo {metadata.version('cumulo')}")


@rich_click.command("version")
@leaf
def version_command(session: Session) -> None:
    """Show the version."""
    version = metadata.version("cumulo")
    session.report(f"cumulo {version}", {"version": version})


@rich_click.command("status")
@leaf
def status_command(session: Session) -> None:
    """Say whether the server answers, and who you are to it."""
    with session.client(retries=False) as client:
        caller = client.iam.whoami()
        started = time.perf_counter()
        client.iam.whoami()
        status = {
            "target": client.target,
            "status": "answers",
            "round_trip_ms": round((time.perf_counter() - started) * 1000, 1),
            "account": caller.account,
            "arn": caller.arn,
            "client_version": metadata.version("cumulo"),
        }
        show_item(status, session.output)
