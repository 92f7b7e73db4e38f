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
    values = {} if unset else variables(data, session.region)
    if unset:
        click.echo("unset " + " ".join(NAMES))
    elif session.output == "table":
        click.echo("\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items()))
    else:
        show_item(values, session.output)


AWS_NAMES = (
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",  # the one that boto3 and the aws command line read
    "AWS_CA_BUNDLE",
)
NAMES = (*AWS_NAMES, "CUMULO_TARGET", "CUMULO_TLS_CA")


def for_aws(url: str, access_key_id: str, secret_access_key: str, region: str, tls_ca: str) -> dict[str, str]:
    """Return the variables with which AWS's clients find a server."""
    values = zip(AWS_NAMES, (url, access_key_id, secret_access_key, region, region, tls_ca), strict=True)
    return {name: value for name, value in values if value}


def variables(data: str | None, region: str | None) -> dict[str, str]:
    """Return the variables by name; raises `NoServer`."""
    resolved = settings.load({"data": data, "region": region}, os.environ, Path.cwd())
    folder = Path(resolved["data"]) if resolved["data"] else settings.default_data_folder(os.environ)
    endpoints = _read(folder / "endpoints.json", f"no server runs on {folder}; start one with `cumulo serve`")
    root = _read(folder / "secrets" / "root_credentials.json", f"{folder} holds no root credentials")
    if not _is_alive(int(endpoints["pid"])):
        raise NoServer(f"the server on {folder} is gone (process {endpoints['pid']}); start it with `cumulo serve`")
    # A server whose certificate is not of its own making leaves the authority to who knows it.
    authority = endpoints.get("tls_ca", "")
    known = for_aws(
        endpoints["http"], root["access_key_id"], root["secret_access_key"], resolved["region"], authority
    ) | {"CUMULO_TARGET": endpoints["grpc"]}
    return known | {"CUMULO_TLS_CA": authority} if authority else known


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
