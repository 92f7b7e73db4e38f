"""One section of a file in sections (`[name]`, then `key = value` lines): TOML tables of texts, and AWS's profiles.

Promises: lines of other sections, comments and keys that are not set stay as they are, byte for byte; a file is
replaced as a whole or not at all, a file with secrets is never readable by others, and a link stays a link.
"""

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

import click

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch
_HEADER = re.compile(r"\s*\[([^\[\]]*)\]\s*(?:[#;].*)?")
_KEY = re.compile(r"([A-Za-z0-9_-]+)\s*=")


def checked_name(name: str) -> str:
    """Return a profile's name, which needs no quotes in any of the files."""
    if not NAME(name):
        raise click.UsageError(f"profile {name!r}: 1 to 64 letters, digits, _ and - are allowed")
    return name


def keys_of(text: str, header: str) -> set[str] | None:
    """Return the keys that a section sets; None where there is no such section."""
    found: set[str] | None = None
    inside = False
    for line in text.splitlines():
        if head := _HEADER.fullmatch(line):
            inside = head[1].strip() == header
            found = found or set() if inside else found
        elif inside and found is not None and (key := _KEY.match(line)):
            found.add(key[1])
    return found


def with_section(text: str, header: str, values: Mapping[str, str]) -> str:
    """Return the text with a section in which the keys have these values, as the file's language writes them.

    A value may go on in indented lines; those of a key that is set anew go with it.
    """
    kept: list[str] = []
    inside = dropping = False
    at: int | None = None
    for line in text.splitlines(keepends=True):
        if head := _HEADER.fullmatch(line.rstrip("\r\n")):
            inside = head[1].strip() == header
        elif inside:
            key = _KEY.match(line)
            continued = line[:1] in (" ", "\t") and line.strip()
            dropping = key[1] in values if key else dropping and bool(continued)
            if dropping:
                continue
        kept.append(line if line.endswith("\n") else line + "\n")
        if inside and line.strip():
            at = len(kept)
    lines = [f"{key} = {value}\n" for key, value in values.items()]
    if at is None:
        gap = ["\n"] if kept and kept[-1].strip() else []
        return "".join([*kept, *gap, f"[{header}]\n", *lines])
    return "".join([*kept[:at], *lines, *kept[at:]])


def read(path: Path) -> str:
    """Return a file's text, nothing where there is none."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def write(path: Path, text: str, *, secret: bool) -> None:
    """Replace a file, or make it with its folder; one that is not secret keeps who may read it."""
    path = path.resolve()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = 0o600 if secret or not path.exists() else path.stat().st_mode & 0o777
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)
    partial.replace(path)
