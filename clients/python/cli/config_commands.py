"""`cumulo config`: every setting, its value, and where that comes from."""

import os
from pathlib import Path

import click
import rich_click

from cumulo.cli.leaf import Session, leaf
from cumulo.cli.output import show_items
from cumulo.core import settings


@rich_click.group("config")
def config_group() -> None:
    """Show and check settings: flags win over CUMULO_* variables, those over cumulo.toml, that over the defaults."""


@config_group.command("show")
@click.option("--origin", is_flag=True, help="Show where each value comes from.")
@leaf
def show(session: Session, origin: bool) -> None:
    """Show every setting with its value; secrets are not shown."""
    resolved = settings.load({}, os.environ, Path.cwd())
    rows = [
        {
            "name": it.name,
            "value": "(set)" if "secret" in it.name and resolved[it.name] else resolved[it.name],
            "origin": resolved.origins[it.name],
            "meaning": it.summary,
        }
        for it in settings.SETTINGS
    ]
    show_items(rows, ("name", "value", "origin") if origin else ("name", "value", "meaning"), session.output)


@config_group.command("check")
@leaf
def check(session: Session) -> None:
    """Exit 0 when every name and value is known and allowed, 2 with the one that is not."""
    resolved = settings.load({}, os.environ, Path.cwd())
    changed = [name for name, origin in resolved.origins.items() if origin != "default"]
    session.report(f"ok: {len(changed)} settings are given", {"given": changed})
