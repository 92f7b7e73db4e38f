"""Make the SDK's synchronous flavour out of the asynchronous one: clients/python/client/_async -> _sync.

Promises: the same source and the same pinned tools give the same bytes; every file says that it is generated; `--check`
(a test runs it) writes nothing and fails when a file is stale. Works on tokens as unasync does, with names of our own:
`AsyncClient` becomes `Client`, `_async` becomes `_sync`, `_tasks` (asyncio) becomes `_threads`.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import tokenize_rt
import unasync

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "clients/python/client/_async"
TARGET = SOURCE.parent / "_sync"
HEADER = "# Generated from _async/{name} by `make gen` (.ci/sync_twin.py). Do not edit.\n"
NAMES = {"_async": "_sync", "_tasks": "_threads", "aiter": "iter", "anext": "next"}
ASYNC = re.compile(r"Async(?=[A-Z])")
PROSE = (
    (re.compile(r"\basync (with|for|def)\b"), r"\1"),
    (re.compile(r"\bawait "), ""),
    (re.compile(r"\basynchronous"), "synchronous"),
    (ASYNC, ""),
)


def synchronous(source: str) -> str:
    """Return the synchronous form of a module's text."""
    tokens = tokenize_rt.src_to_tokens(source)
    names = {token.src: ASYNC.sub("", token.src) for token in tokens if token.name == "NAME"}
    rule = unasync.Rule("/_async/", "/_sync/", {**names, **NAMES, **unasync._ASYNC_TO_SYNC})  # noqa: SLF001 - ours win
    converted = [token._replace(src=_prose(token)) for token in rule._unasync_tokens(tokens)]  # noqa: SLF001 - as above
    return str(tokenize_rt.tokens_to_src(converted))


def _prose(token: Any) -> str:
    """Return a token's text; comments and docstrings speak of the synchronous flavour, texts name its classes."""
    text = str(token.src)
    # Since Python 3.12 an f-string comes in parts, with the names in it as tokens of their own.
    if token.name == "FSTRING_MIDDLE" or (token.name == "STRING" and not text.startswith('"""')):
        return ASYNC.sub("", text)
    if token.name in {"COMMENT", "STRING"}:
        for pattern, replacement in PROSE:
            text = pattern.sub(replacement, text)
    return text


def main(arguments: list[str]) -> int:
    """Write the twin, or with `--check` name what is stale."""
    with tempfile.TemporaryDirectory() as folder:
        made = generate(Path(folder))
        if "--check" in arguments:
            stale = sorted(
                name
                for name in made.keys() | {path.name for path in TARGET.glob("*.py")}
                if not (TARGET / name).exists() or made.get(name) != (TARGET / name).read_text()
            )
            for name in stale:
                print(f"{TARGET.relative_to(ROOT)}/{name} is stale: run `make gen`")
            return len(stale)
    TARGET.mkdir(exist_ok=True)
    for path in TARGET.glob("*.py"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (TARGET / name).write_text(text)
    return 0


def generate(folder: Path) -> dict[str, str]:
    """Return every file of the twin by name; `folder` is where the formatter may work."""
    for path in SOURCE.glob("*.py"):
        text = synchronous(path.read_text())
        (folder / path.name).write_text(HEADER.format(name=path.name) + text)
    files = [str(path) for path in sorted(folder.glob("*.py"))]
    for command in (["check", "--select", "I,F401,UP028,C416", "--fix", "--unsafe-fixes"], ["format"]):
        config = ["--quiet", "--no-cache", "--config", str(ROOT / "pyproject.toml")]
        subprocess.run([sys.executable, "-m", "ruff", *command, *config, *files], check=True)
    return {path.name: path.read_text() for path in folder.glob("*.py")}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
