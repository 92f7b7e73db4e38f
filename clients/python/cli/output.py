"""How results and errors are shown: a table for people, JSON, JSON lines or YAML for programs.

Promises: results go to standard output, everything else to standard error; a table never carries control characters of
names or bodies to the terminal; colour only on a terminal, and not with `NO_COLOR`.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click
import msgspec

FORMATS = ("table", "json", "jsonl", "yaml")
CELL_CHARACTERS_MAX = 80


def builtins_of(value: object) -> Any:
    """Return a value as JSON can say it: times in ISO 8601, bytes that are not UTF-8 in base64."""
    return msgspec.to_builtins(value, enc_hook=str)


def show_items(items: Iterable[object], columns: Sequence[str], form: str) -> None:
    """Show a list as it comes: one row or document an item. `columns` names what a table shows."""
    if form == "jsonl":
        for item in items:
            click.echo(json.dumps(builtins_of(item)))
    elif form == "json":
        click.echo(json.dumps([builtins_of(item) for item in items], indent=2))
    elif form == "yaml":
        click.echo(yaml_of([builtins_of(item) for item in items]), nl=False)
    else:
        rows = [[cell(_value(item, column)) for column in columns] for item in items]
        _show_table([column.replace("_", " ").upper() for column in columns], rows)


def show_item(item: object, form: str, *, leave_out: Sequence[str] = ()) -> None:
    """Show one thing with all that is known of it; a table leaves out what is empty or named in `leave_out`."""
    value = builtins_of(item)
    if form in ("json", "jsonl"):
        click.echo(json.dumps(value, indent=2 if form == "json" else None))
    elif form == "yaml":
        click.echo(yaml_of(value), nl=False)
    else:
        names = [name for name in value if name not in leave_out and _value(item, name) not in (None, "", (), {}, [])]
        width = max(map(len, names), default=0)
        for name in names:
            click.echo(f"{bold(name.replace('_', ' ').ljust(width))}  {cell(_value(item, name), whole=True)}")


def bold(text: str) -> str:
    """Return text that stands out on a terminal."""
    return click.style(text, bold=True) if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else text


def _value(item: object, name: str) -> Any:
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name)


def cell(value: object, *, whole: bool = False) -> str:
    """Return a value as a table shows it: short unless `whole`, and without control characters."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        text = value
    elif isinstance(value, (list, tuple)) and all(isinstance(it, str) for it in value):
        text = ", ".join(value)
    else:
        text = json.dumps(builtins_of(value))
    text = printable(text)
    if not whole and len(text) > CELL_CHARACTERS_MAX:
        text = text[: CELL_CHARACTERS_MAX - 1] + "…"
    return text


def printable(text: str) -> str:
    """Return text with control characters written out: a name must not move the terminal's cursor."""
    if text.isprintable():
        return text
    return "".join(it if it.isprintable() else it.encode("unicode_escape").decode() for it in text)


def _show_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    click.echo(bold(_line(heads, widths)))
    for row in rows:
        click.echo(_line(row, widths))


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def yaml_of(value: Any, indent: str = "") -> str:
    """Return YAML block style; scalars are written as JSON, which YAML includes."""
    if isinstance(value, dict) and value:
        return "".join(f"{indent}{json.dumps(key)}:{_yaml_below(below, indent)}" for key, below in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{indent}-{_yaml_below(below, indent)}" for below in value)
    return f"{indent}{json.dumps(value)}\n"


def _yaml_below(value: Any, indent: str) -> str:
    if isinstance(value, (dict, list)) and value:
        return "\n" + yaml_of(value, indent + "  ")
    return f" {json.dumps(value)}\n"


def human_size(size: int) -> str:
    """Return a number of bytes for people."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"
