"""A group whose commands are imported when they are called."""

import importlib

import click
import rich_click


class LazyGroup(rich_click.RichGroup):
    """Knows each command by name, summary and place; a help text needs no more."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # whatever click's group takes
        self._places: dict[str, tuple[str, str]] = {}
        self._listing = False

    def add_lazy(self, name: str, place: str, summary: str = "") -> None:
        """Add a command that stands at `place` (`module:attribute`); without a `summary`, help imports it."""
        self._places[name] = (place, summary)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, in the order in which they were added."""
        return [*self._places, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported unless it is only to be listed."""
        if cmd_name not in self._places:
            return super().get_command(ctx, cmd_name)
        place, summary = self._places[cmd_name]
        if self._listing and summary:
            return rich_click.RichCommand(name=cmd_name, help=summary)
        module, _, attribute = place.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command), place
        return command

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help text out of the summaries."""
        self._listing = True
        try:
            super().format_help(ctx, formatter)  # type: ignore[arg-type]  # rich-click's own formatter comes in here
        finally:
            self._listing = False
