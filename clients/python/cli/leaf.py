"""What every command has in common: where the server is, who calls, the form of the answer, how errors are shown."""

import contextlib
import functools
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from cumulo.cli.output import FORMATS, printable, show_item

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_FOUND = 3
EXIT_DENIED = 4
EXIT_CONFLICT = 5
EXIT_UNAVAILABLE = 6
EXIT_INTERRUPTED = 130

Command = TypeVar("Command", bound=Callable[..., Any])


class Session:
    """What a command was told about the server and the form of its answer."""

    def __init__(
        self, output: str, *, target: str | None, region: str | None, profile: str | None, quiet: bool
    ) -> None:
        self.output = output
        self.target = target
        self.region = region
        self.profile = profile
        self.quiet = quiet
        self._client: Any = None

    @contextlib.contextmanager
    def client(self, **options: Any) -> "Iterator[Any]":
        """Give a client, closed at the end; inside such a block it is the same one."""
        if self._client is not None:
            yield self._client
            return
        from cumulo.client import Client  # noqa: PLC0415 - help and completion do without gRPC

        with Client(self.target, region=self.region, profile=self.profile, **options) as client:
            self._client = client
            try:
                yield client
            finally:
                self._client = None

    def report(self, text: str, item: object) -> None:
        """Say what was done: one line for people unless `--quiet`, the thing itself for programs."""
        if self.output != "table":
            show_item(item, self.output)
        elif not self.quiet:
            click.echo(text)


def leaf(command: Command) -> Command:
    """Give a command the options that all have; it takes a `Session` first and may raise what the SDK raises."""

    @click.option(
        "-o", "--output", type=click.Choice(FORMATS), default="table", show_default=True, help="Form of the result."
    )
    @click.option("--target", metavar="HOST:PORT", default=None, help="The server's gRPC endpoint (CUMULO_TARGET).")
    @click.option("--region", default=None, help="Region of queues (CUMULO_REGION).")
    @click.option("--profile", metavar="NAME", default=None, help="As whom and where, by `iam login` (CUMULO_PROFILE).")
    @click.option("-q", "--quiet", is_flag=True, help="No reports and no progress, only results.")
    @functools.wraps(command)
    def run(
        *arguments: Any,
        output: str,
        target: str | None,
        region: str | None,
        profile: str | None,
        quiet: bool,
        **options: Any,
    ) -> None:
        try:
            command(Session(output, target=target, region=region, profile=profile, quiet=quiet), *arguments, **options)
            sys.stdout.flush()
        except (KeyboardInterrupt, click.Abort):
            sys.exit(EXIT_INTERRUPTED)
        except BrokenPipeError:  # the reader has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(EXIT_FAILED)
        except click.ClickException:
            raise
        except Exception as error:
            shown = _shown(error)
            if shown is None:
                raise
            code, text, fields = shown
            if output in ("json", "jsonl"):
                click.echo(json.dumps({"error": fields}), err=True)
            else:
                click.echo(f"cumulo: {printable(text)}", err=True)
            sys.exit(code)

    return run  # type: ignore[return-value]  # the same command with more options


def _shown(error: Exception) -> tuple[int, str, dict[str, Any]] | None:
    """Return exit code, line and JSON fields of an expected error; None for a bug."""
    from cumulo.client import errors  # noqa: PLC0415 - as above
    from cumulo.core.settings import InvalidSetting  # noqa: PLC0415

    if isinstance(error, InvalidSetting):
        return EXIT_USAGE, str(error), {"code": "InvalidSetting", "message": str(error)}
    if isinstance(error, (OSError, UnicodeDecodeError)):
        return EXIT_FAILED, str(error), {"code": type(error).__name__, "message": str(error)}
    if not isinstance(error, errors.CumuloError):
        return None
    fields: dict[str, Any] = {
        "code": error.code or type(error).__name__,
        "message": error.message,
        "status": error.status,
        "request_id": error.request_id,
        **error.details,
    }
    text = str(error)
    if isinstance(error, errors.PartialFailure):
        fields["failures"] = [{"item": item, "code": it.code, "message": it.message} for item, it in error.failures]
    for kinds, code in (
        ((errors.NotFound,), EXIT_NOT_FOUND),
        ((errors.PermissionDenied, errors.Unauthenticated), EXIT_DENIED),
        ((errors.AlreadyExists, errors.PreconditionFailed, errors.Conflict), EXIT_CONFLICT),
        ((errors.Unavailable, errors.DeadlineExceeded, errors.Throttled), EXIT_UNAVAILABLE),
    ):
        if isinstance(error, kinds):
            if code == EXIT_UNAVAILABLE and not error.code:
                text = f"no server answers: {error.message}"
            return code, text, {key: value for key, value in fields.items() if value}
    return EXIT_FAILED, text, {key: value for key, value in fields.items() if value}


def confirmed(question: str, *, yes: bool) -> None:
    """Ask a person before something is lost; a script, which has no terminal, has said it by calling."""
    if not yes and sys.stdin.isatty():
        click.confirm(question, abort=True, err=True)


def pairs(values: tuple[str, ...], option: str) -> dict[str, str]:
    """Return what `NAME=VALUE` options say."""
    made = {}
    for value in values:
        name, found, rest = value.partition("=")
        if not found or not name:
            raise click.UsageError(f"{option} {value}: NAME=VALUE was expected")
        made[name] = rest
    return made


def text_of(path: str) -> str:
    """Return a file's text; `-` is standard input."""
    if path == "-":
        return sys.stdin.read()
    with click.open_file(path, encoding="utf-8") as file:
        return str(file.read())
