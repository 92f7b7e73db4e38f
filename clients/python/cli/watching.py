"""`--watch`: a listing shown again and again, until it is interrupted."""

import functools
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from cumulo.cli.leaf import Session

INTERVAL_S = 2.0
INTERVAL_S_MIN = 0.1

Command = TypeVar("Command", bound=Callable[..., Any])

interval_option = click.option(
    "--interval",
    type=click.FloatRange(min=INTERVAL_S_MIN),
    default=INTERVAL_S,
    show_default=True,
    metavar="S",
    help="Seconds between two looks.",
)


def watchable(command: Command) -> Command:
    """Give a command `--watch` and `--interval`; stands below `@leaf`."""

    @click.option("--watch", is_flag=True, help="Show it again and again, until interrupted.")
    @interval_option
    @functools.wraps(command)
    def run(session: Session, *arguments: Any, watch: bool, interval: float, **options: Any) -> None:
        if not watch:
            command(session, *arguments, **options)
            return
        with session.client():
            while True:
                click.clear()  # does nothing where the output is no terminal
                command(session, *arguments, **options)
                sys.stdout.flush()
                time.sleep(interval)

    return run  # type: ignore[return-value]  # the same command with more options
