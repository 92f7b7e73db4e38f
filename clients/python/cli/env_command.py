"""`cumulo env`: what a shell needs to find a server that runs on this machine, read from its data folder."""

import json
import os
import shlex
from pathlib import Path
from typing import Any

import click
import rich_click

from cumulo.cli.leaf import EXIT_UNAVAILABLE, Session, leaf
from cumulo.cli.output import show_item
from cumulo.core import settings


class NoServer(click.ClickException):
    """Nothing runs on the data folder, or it may not be read."""

    exit_code = EXIT_UNAVAILABLE

    def show(self, file: Any = None) -> None:
        """Write one line."""
        click.echo(f"cumulo: {self.message}", err=True, file=file)


@rich_click.command("env")
@click.option("--data", metavar="DIR", default=None, help="The server's data folder (CUMULO_DATA).")
@click.option("--unset", is_flag=True, help="Print what takes the variables away again.")
@leaf
def env_command(session: Session, data: str | None, unset: bool) -> None:
    """Print the root credentials and endpoints of a running server as shell commands: eval "$(cumulo env)"."""
    values = {} if unset else variables(data)
    if unset:
        click.echo("unset " + " ".join(NAMES))
    elif session.output == "table":
        click.echo("\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items()))
    else:
        show_item(values, session.output)


NAMES = (
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",  # the one that boto3 and the aws command line read
    "CUMULO_TARGET",
    "AWS_CA_BUNDLE",
    "CUMULO_TLS_CA",
)


def variables(data: str | None) -> dict[str, str]:
    """Return the variables by name; raises `NoServer`."""
    resolved = settings.load({"data": data}, os.environ, Path.cwd())
    folder = Path(resolved["data"]) if resolved["data"] else settings.default_data_folder(os.environ)
    endpoints = _read(folder / "endpoints.json", f"no server runs on {folder}; start one with `cumulo serve`")
    root = _read(folder / "secrets" / "root_credentials.json", f"{folder} holds no root credentials")
    if not _is_alive(int(endpoints["pid"])):
        raise NoServer(f"the server on {folder} is gone (process {endpoints['pid']}); start it with `cumulo serve`")
    values = (
        endpoints["http"],
        root["access_key_id"],
        root["secret_access_key"],
        resolved["region"],
        resolved["region"],
        endpoints["grpc"],
        endpoints.get("tls_ca", ""),
        endpoints.get("tls_ca", ""),
    )
    # A server whose certificate is not of its own making leaves CUMULO_TLS_CA to who knows its authority.
    return {name: value for name, value in zip(NAMES, values, strict=True) if value}


def _read(path: Path, missing: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        raise NoServer(missing) from None
    except OSError as error:
        raise NoServer(f"{path}: {error.strerror}") from error
    return content


def _is_alive(pid: int) -> bool:
    """Say whether a process of that number exists: a killed server leaves its endpoints behind."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
