"""`cumulo completion bash|zsh|fish`."""

import click
import rich_click
from click.shell_completion import get_completion_class

from cumulo.cli.main import cli


@rich_click.command("completion")
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion_command(shell: str) -> None:
    """Print a shell's completion script, e.g. for ~/.bashrc: eval "$(cumulo completion bash)"."""
    kind = get_completion_class(shell)
    assert kind is not None, shell
    click.echo(kind(cli, {}, "cumulo", "_CUMULO_COMPLETE").source())
