"""`cumulo aws`: AWS's own command line, led to this server."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import click
import rich_click

from cumulo.cli import sections
from cumulo.cli.found_server import aws_variables
from cumulo.cli.leaf import Session, leaf

EXIT_NO_PROGRAM = 127
LEADING_ELSEWHERE = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_ENDPOINT_URL_",
)
"""Variables, or their beginnings, that win over the endpoint and the key of this server."""


class _AwsGroup(rich_click.RichGroup):
    """Hands everything that is no command of its own to `run`, with all that stands behind `--`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else None
        if at is not None and not set(args[:at]) & set(self.commands):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            return "run", self.commands["run"], args
        return super().resolve_command(ctx, args)


@rich_click.group("aws", cls=_AwsGroup)
def aws_group() -> None:
    """AWS's command line on this server: `cumulo aws -- s3 ls`, or a profile for it by `cumulo aws configure`."""


def _server(command: Any) -> Any:
    """Give a command the options that say which server."""
    for option in (
        click.option("--endpoint", metavar="URL", default=None, help="The HTTP endpoint (CUMULO_URL)."),
        click.option("--data", metavar="DIR", default=None, help="The data folder of a server on this machine."),
    ):
        command = option(command)
    return command


@aws_group.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED)
@_server
@leaf
def run(session: Session, arguments: tuple[str, ...], data: str | None, endpoint: str | None) -> None:
    """Run `aws` with ARGUMENTS on this server; exits as it does. `cumulo aws -- ARGUMENTS` is the same."""
    found = aws_variables(session, data, endpoint)
    program = shutil.which("aws")
    if program is None:
        click.echo("cumulo: there is no `aws` on PATH; `pip install awscli` brings it", err=True)
        sys.exit(EXIT_NO_PROGRAM)
    # Version 1 has addresses of its own for SQS, which win over the variable but not over the option.
    place = () if any(it.startswith("--endpoint-url") for it in arguments) else ("--endpoint-url", _url(found))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(LEADING_ELSEWHERE)}
    sys.stdout.flush()
    os.execve(program, (program, *place, *arguments), kept | found)  # noqa: S606 - what was asked for


def _url(found: dict[str, str]) -> str:
    return found["AWS_ENDPOINT_URL"]


@aws_group.command("configure")
@click.option("--name", default="cumulo", show_default=True, help="The profile of AWS's files to write.")
@_server
@leaf
def configure(session: Session, name: str, data: str | None, endpoint: str | None) -> None:
    """Write this server and its key as a profile into ~/.aws/config and ~/.aws/credentials.

    Then `aws --profile cumulo s3 ls`, and every AWS SDK with AWS_PROFILE=cumulo, speak to this server. Other profiles'
    lines stay as they are; a profile that leads to AWS is not written over.

    Version 1 of `aws` has addresses of its own for SQS, profile or not: `cumulo aws -- sqs ...` tells it the right one.
    """
    found = aws_variables(session, data, endpoint)
    sections.checked_name(name)
    files = Path.home() / ".aws"
    config = Path(os.environ.get("AWS_CONFIG_FILE") or files / "config").expanduser()
    credentials = Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or files / "credentials").expanduser()
    header = name if name == "default" else f"profile {name}"
    config_text, credentials_text = sections.read(config), sections.read(credentials)
    known = sections.keys_of(config_text, header)
    foreign = known is not None or sections.keys_of(credentials_text, name) is not None
    if foreign and "endpoint_url" not in (known or ()):
        raise click.ClickException(f"profile {name} exists and leads to AWS; choose another one by --name")
    values = {"region": found["AWS_REGION"], "endpoint_url": _url(found)}
    if authority := found.get("AWS_CA_BUNDLE"):
        values["ca_bundle"] = authority
    # Version 1 presigns in a signature that no server takes any more; a name before localhost need not resolve.
    values["s3"] = "\n    addressing_style = path\n    signature_version = s3v4"
    key = {name: found[name.upper()] for name in ("aws_access_key_id", "aws_secret_access_key")}
    sections.write(credentials, sections.with_section(credentials_text, name, key), secret=True)
    sections.write(config, sections.with_section(config_text, header, values), secret=False)
    session.report(
        f"profile {name} leads to {_url(found)}: aws --profile {name} s3 ls",
        {"profile": name, "endpoint_url": _url(found), "config": str(config), "credentials": str(credentials)},
    )
