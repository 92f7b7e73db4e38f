"""The command line's root: names, summaries, and where each command stands.

Promises that `cumulo --help` imports no command: a command's module is loaded when the command is called. The server's
own commands are added by its console script with `add_lazy`.
"""

import importlib
from typing import Any

import click
import rich_click

from cumulo.cli.lazy_group import LazyGroup


def _show_version(context: click.Context, _: click.Parameter, wanted: Any) -> None:
    if wanted and not context.resilient_parsing:
        importlib.import_module("cumulo.cli.about").print_version()
        context.exit()


@rich_click.group(
    "cumulo", cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "-V", "--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version, help="Show the version."
)
def cli() -> None:
    """Queues, topics, logs, object storage, keys, identity and isolated jobs, on a server of your own.

    Commands find the server by CUMULO_TARGET and the access key by CUMULO_ACCESS_KEY_ID and CUMULO_SECRET_ACCESS_KEY;
    `eval "$(cumulo env)"` sets them for a server on this machine, and `cumulo iam login` keeps others as profiles.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 denied, 5 conflict, 6 no server answers,
    130 interrupted.
    """


for _name, _summary in (
    ("queue", "Queues and their messages."),
    ("log", "Logs: records in order, read from any position or time."),
    ("topic", "Topics: publish to many subscriptions at once."),
    ("bucket", "Buckets, their policies and notifications."),
    ("object", "Objects: copy, list, read, remove."),
    ("key", "Keys, and what is encrypted under them."),
    ("iam", "Users, groups, keys, policies, and why a call is allowed or denied."),
    ("job", "Jobs: run, submit, watch, cancel."),
    ("aws", "AWS's command line on this server."),
    ("terraform", "Terraform on this server."),
    ("config", "Settings and where they come from."),
):
    cli.add_lazy(_name, f"cumulo.cli.{_name}_commands:{_name}_group", _summary)
cli.add_lazy("env", "cumulo.cli.env_command:env_command", "Print what a shell needs to find a server on this machine.")
cli.add_lazy("status", "cumulo.cli.about:status_command", "Say whether the server answers, and who you are to it.")
cli.add_lazy("version", "cumulo.cli.about:version_command", "Show the version.")
cli.add_lazy("completion", "cumulo.cli.completion:completion_command", "Print a shell's completion script.")
