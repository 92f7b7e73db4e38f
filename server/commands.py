"""The commands that need the server's rooms: `serve`, `check`, `outgoing`, `worker`."""

import asyncio
import gc
import json
import logging
import os
import signal
import ssl
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from cumulo.core import settings as registry
from cumulo.core.lazy import LazyModule
from cumulo.core.settings import InvalidSetting, default_data_folder
from cumulo.server.observability import configure_logging

if TYPE_CHECKING:
    from urllib import error as url_error
    from urllib import request as url_request
else:
    url_error = LazyModule("urllib.error")
    url_request = LazyModule("urllib.request")

EXIT_PROBLEMS = 1
EXIT_USAGE = 2
EXIT_SECOND_SIGNAL = 130
_SERVER_SETTINGS = (
    "config",
    "data",
    "ephemeral",
    "host",
    "port",
    "s3_domains",
    "s3_website_hosts",
    "s3_lifecycle_day_s",
    "s3_transition_bytes_min",
    "s3_restore_delay_s",
    "s3_default_object_ownership",
    "s3_default_public_access_block",
    "s3_event_bus",
    "s3_default_encryption",
    "s3_version_2_signatures",
    "s3_dialect",
    "s3_access_log_interval_s",
    "grpc_port",
    "ready_file",
    "tls",
    "tls_cert",
    "tls_key",
    "insecure_remote",
    "log_level",
    "log_format",
    "free_space_reserve_bytes",
    "queue_in_flight_max",
    "queue_fifo_calls_per_s",
    "sns_http_private_addresses",
    "smtp_host",
    "smtp_port",
    "smtp_tls",
    "smtp_user",
    "smtp_password_file",
    "smtp_from",
)


def _options(command: click.Command) -> click.Command:
    """Give `command` one option for each of the server's settings; what is not given stays None."""
    for name in _SERVER_SETTINGS:
        setting = registry.BY_NAME[name]
        shown_default = "" if setting.default in ("", "false") else f"  [default: {setting.default}]"
        command.params.append(
            click.Option(
                ["--" + name.replace("_", "-")],
                is_flag=setting.default == "false",
                flag_value="true" if setting.default == "false" else None,
                default=None,
                help=f"{setting.summary} ({setting.variable}){shown_default}",
            )
        )
    return command


@click.command("serve", context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def serve_command(context: click.Context, /, **flags: Any) -> None:
    """Run the server until SIGTERM or Ctrl-C.

    Flags beat CUMULO_* variables, those beat cumulo.toml, that beats the defaults.
    """
    gc.disable()  # a start makes thousands of modules, classes and functions, and hardly any garbage; until it is ready
    from cumulo.server.grpc_listener import PortTaken  # noqa: PLC0415 - a mistyped flag is answered without loading gRPC
    from cumulo.server.serve import serve  # noqa: PLC0415 - as above
    from cumulo.storage.data_folder import DataFolderRefused  # noqa: PLC0415 - as above

    started = context.obj if isinstance(context.obj, float) else time.perf_counter()
    try:
        settings = registry.load(flags, os.environ, Path.cwd())
        configure_logging(settings["log_level"], settings["log_format"])
        asyncio.run(serve(settings, started, metadata.version("cumulo")))
    except InvalidSetting as error:
        _fail(str(error), EXIT_USAGE)
    except (DataFolderRefused, PortTaken, OSError) as error:
        _fail(str(error), EXIT_PROBLEMS)


_options(serve_command)


@click.command("check", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", default=None, help="the data folder (CUMULO_DATA)")
@click.option("--output", "-o", type=click.Choice(["table", "json"]), default="table", help="form of the report")
def check_command(data: str | None, output: str) -> None:
    """Check every fact that must hold in a data folder; exit 0 when all hold, 1 with the list of problems.

    A folder that a server has open is checked by that server, with the folder's root credentials; where the server
    uses TLS, CUMULO_TLS_CA names the authority of its certificate.
    """
    try:
        settings = registry.load({"data": data}, os.environ, Path.cwd())
    except InvalidSetting as error:
        _fail(str(error), EXIT_USAGE)
    configure_logging("warning", "text")
    path = Path(settings["data"]) if settings["data"] else default_data_folder(os.environ)
    problems = _check(path, settings["tls_ca"])
    if output == "json":
        click.echo(json.dumps({"data": str(path), "problems": problems}))
    elif problems:
        click.echo("\n".join(problems))
        click.echo(f"{len(problems)} problems in {path}")
    else:
        click.echo(f"ok: every invariant holds in {path}")
    sys.exit(EXIT_PROBLEMS if problems else 0)


@click.command("outgoing", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", default=None, help="the data folder (CUMULO_DATA)")
@click.option(
    "--count", "-n", type=click.IntRange(1, 1_000), default=20, show_default=True, help="how many, the newest first"
)
@click.option("--output", "-o", type=click.Choice(["table", "json"]), default="table", help="form of the list")
def outgoing_command(data: str | None, count: int, output: str) -> None:
    """Show the e-mail and SMS that topics sent or recorded, with the links that confirm or end subscriptions.

    Reads the data folder itself, which a server may have open.
    """
    from cumulo.queue_service.outgoing_folder import newest  # noqa: PLC0415 - only this command needs it

    try:
        settings = registry.load({"data": data}, os.environ, Path.cwd())
    except InvalidSetting as error:
        _fail(str(error), EXIT_USAGE)
    path = Path(settings["data"]) if settings["data"] else default_data_folder(os.environ)
    if not path.is_dir():
        _fail(f"{path}: no such data folder", EXIT_PROBLEMS)
    found = newest(path / "outgoing", count)
    if output == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for it in found:
        click.echo(
            f"{it['at']}  {it['protocol']} to {it['to']}  sent by {it['sent_by']}  {it['kind']}  {it['subject']}"
        )
        click.echo(f"  {it['link']}")


def _check(path: Path, tls_ca: str) -> list[str]:
    from cumulo.server.wiring import check_closed_folder  # noqa: PLC0415 - a live folder is checked without loading the engine
    from cumulo.storage.data_folder import DataFolderRefused  # noqa: PLC0415 - as above

    endpoints_file, hint = path / "endpoints.json", ""
    if endpoints_file.exists():
        endpoints = json.loads(endpoints_file.read_text())
        authority = (tls_ca or endpoints.get("tls_ca", "")) if endpoints["tls"] else ""
        try:
            answer = _check_through_server(path, endpoints, authority)
        except OSError as error:  # no credentials or wrong ones; where the server was killed, none are needed
            answer, hint = None, f"; its server cannot be asked: {error}"
        else:
            hint = "; it uses TLS: CUMULO_TLS_CA names the authority of its certificate" if endpoints["tls"] else ""
        if answer is not None:
            return answer
    if not path.is_dir():
        _fail(f"{path}: no such data folder", EXIT_PROBLEMS)
    try:
        return asyncio.run(check_closed_folder(path))
    except DataFolderRefused as error:
        _fail(f"{error}{hint}", EXIT_PROBLEMS)


def _check_through_server(path: Path, endpoints: dict[str, Any], tls_ca: str) -> list[str] | None:
    """Return what the running server found, or None where none answers (the file of a killed one)."""
    from cumulo.client import Client, errors  # noqa: PLC0415 - only a live folder needs the SDK

    credentials = json.loads((path / "secrets" / "root_credentials.json").read_text())
    try:
        with Client(
            endpoints["grpc"],
            access_key_id=credentials["access_key_id"],
            secret_access_key=credentials["secret_access_key"],
            tls_ca=tls_ca,
            retries=False,  # where nobody answers, the folder is looked at directly
        ) as client:
            token = client.iam.issue_token().token
        request = url_request.Request(  # the address comes from our own file
            endpoints["http"] + "/_cumulo/check", method="POST", headers={"authorization": f"Bearer {token}"}
        )
        context = ssl.create_default_context(cafile=tls_ca) if tls_ca else None
        with url_request.urlopen(request, context=context) as response:
            problems: list[str] = json.load(response)["problems"]
            return problems
    except (errors.Unavailable, url_error.URLError):
        return None
    except errors.CumuloError as error:  # the key in the file was deleted or is another server's
        raise PermissionError(f"{path / 'secrets' / 'root_credentials.json'}: {error}") from None


def _fail(message: str, code: int) -> NoReturn:
    logging.shutdown()
    click.echo(f"cumulo: {message}", err=True)
    sys.exit(code)


@click.command("worker", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--queue", required=True, help="queue to take messages from")
@click.option(
    "--template",
    "template_path",
    type=click.Path(path_type=Path),
    help="TOML file: the job to make of a bucket's notification",
)
@click.option(
    "--work",
    "work_folder",
    type=click.Path(path_type=Path),
    help="folder for jobs' files  [default: a temporary folder's cumulo-worker]",
)
@click.option("--slots", type=click.IntRange(1, 256), default=1, show_default=True, help="jobs at a time")
@click.option(
    "--lease",
    "lease_s",
    type=click.IntRange(5, 43_200),
    default=60,
    show_default=True,
    help="seconds without a sign of life after which another worker takes the job",
)
@click.option(
    "--visible",
    multiple=True,
    type=click.Path(exists=True, resolve_path=True),
    help="host folder that jobs may read; repeatable",
)
@click.option("--allow-plain", is_flag=True, help="run jobs that ask for no isolation as plain processes")
@click.option(
    "--exit-when-idle",
    "once_idle_s",
    type=click.FloatRange(0),
    default=0,
    help="end when the queue was empty for so many seconds",
)
@click.option("--log-format", type=click.Choice(["auto", "json", "text"]), default="auto", show_default=True)
def worker_command(
    queue: str,
    template_path: Path | None,
    work_folder: Path | None,
    slots: int,
    lease_s: int,
    visible: tuple[str, ...],
    allow_plain: bool,  # noqa: FBT001 - click passes a flag so
    once_idle_s: float,
    log_format: str,
) -> None:
    """Take jobs from a queue and run them isolated, with inputs from buckets and outputs to buckets.

    Credentials and target as for every client command: CUMULO_TARGET, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.
    SIGTERM and Ctrl-C finish what runs and exit 0; a second one ends the worker at once, with its jobs.
    """
    from cumulo.client import errors  # noqa: PLC0415 - only a worker needs the SDK and the executors
    from cumulo.runner import templates  # noqa: PLC0415 - as above
    from cumulo.runner.worker import WorkerOptions, WorkFolderRefused, prepare_work_folder  # noqa: PLC0415 - as above

    configure_logging("info", log_format)
    try:
        template = templates.load(template_path) if template_path else None
    except templates.TemplateError as error:
        _fail(str(error), EXIT_USAGE)
    folder = work_folder or Path(tempfile.gettempdir()) / f"cumulo-worker-{os.getuid()}"
    options = WorkerOptions(queue, folder.absolute(), template, slots, lease_s, visible, once_idle_s)
    try:
        prepare_work_folder(options.work_folder)
        asyncio.run(_work(options, allow_plain=allow_plain))
    except (errors.CumuloError, InvalidSetting, WorkFolderRefused, OSError) as error:
        _fail(str(error), EXIT_PROBLEMS)


async def _work(options: Any, *, allow_plain: bool) -> None:
    from cumulo.client import AsyncClient  # noqa: PLC0415 - as in worker_command
    from cumulo.runner.isolation import find_isolation  # noqa: PLC0415 - as in worker_command
    from cumulo.runner.worker import Worker, prepare_process  # noqa: PLC0415 - as in worker_command

    prepare_process()
    isolation = await asyncio.to_thread(find_isolation, options.work_folder, allow_plain=allow_plain)
    click.echo(f"isolation: {isolation.description}", err=True)
    async with AsyncClient() as client:
        worker = Worker(client, options, isolation)

        def received() -> None:
            if worker.stopping:
                os._exit(EXIT_SECOND_SIGNAL)
            worker.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, received)
        await worker.run()
