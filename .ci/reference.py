"""Write docs/reference/ from the tables that the code runs on: settings, operations, error codes and metrics; and the
tables of AWS's operations at the end of docs/compatibility.md.

Promises that a page never says what the code does not: nothing is written by hand there, and `--check` (a test runs
it) fails when a page is not what this tree would write. Knows only the shapes of those tables, no room's content.
"""

import asyncio
import importlib
import importlib.util
import pkgutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from prometheus_client.metrics_core import Metric

from cumulo.core.errors import ErrorRow
from cumulo.core.operations import Operation, OperationTable
from cumulo.core.settings import SETTINGS
from cumulo.gateway import signature_errors
from cumulo.server.aws_services import aws_services
from cumulo.server.observability import Metrics
from cumulo.storage.lmdb_engine import LmdbEngine

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
SERVICES = ("queue_service", "object_store", "identity", "key_service", "runner")
WITH_ERRORS = ("core", "storage", "gateway", *SERVICES)
T = TypeVar("T")
COMPATIBILITY = "../compatibility.md"
BEGIN = "<!-- From here on made by `make gen` from the code. Do not edit. -->\n"
GENERATED = "<!-- Made by `make gen` from the code. Do not edit. -->\n"


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` name those that are stale."""
    pages = {
        "settings.md": settings_page(),
        "operations.md": operations_page(),
        "errors.md": errors_page(),
        "metrics.md": metrics_page(),
        COMPATIBILITY: _begun(FOLDER / COMPATIBILITY) + aws_tables(),
    }
    if "--check" in arguments:
        stale = [name for name, text in pages.items() if not _same(FOLDER / name, text)]
        print(*(f"docs/reference/{name} is not what the code says: run `make gen`" for name in stale), sep="\n")
        return len(stale)
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages.items():
        (FOLDER / name).write_text(text)
    return 0


def settings_page() -> str:
    """Every setting with its spelling in a file and in the environment."""
    rows = ((f"`{it.name}`", f"`{it.variable}`", _code(it.default), it.summary) for it in SETTINGS)
    return _page(
        "Settings",
        "Flags win over `CUMULO_*` variables, those over `cumulo.toml`, and that over the defaults. A name that stands "
        "in none of these rows is an error with a suggestion. `cumulo serve --help` lists the flags.",
        _table(("key in `cumulo.toml`", "variable", "default", "meaning"), rows),
    )


def operations_page() -> str:
    """Every operation with the permissions that it checks."""
    parts = []
    for room in SERVICES:
        for module in ("operations", "log_operations", "topic_operations"):
            for table in _found(room, module, OperationTable):
                parts += [
                    f"## {table.service}\n",
                    _table(("operation", "kind", "permissions", "what it does"), _rows(table)),
                ]
    return _page(
        "Operations",
        "What each service can do, and which policy actions a caller needs for it. A *refused* operation is known and "
        "answers `NotImplemented` with its reason.",
        *parts,
    )


def aws_tables() -> str:
    """Every operation of AWS's services that this server knows: done, with what departs from AWS, or refused."""
    room: Any = None  # an edge's table is the same for every room: its handlers are not called here
    parts = []
    for announced in aws_services(room, room, lambda: room, room, lambda: room, "aws"):
        service = announced.service()
        operations = service.load().operations
        done = sorted({*service.handlers} & {*operations} | {*service.handlers})
        refused = sorted({*operations} - {*done})
        parts.append(f"### {service.name}\n")
        if done:
            rows = ((f"`{name}`", "done", service.departures.get(name, "")) for name in done)
            parts.append(_table(("operation", "state", "departs from AWS in"), rows))
        names = ", ".join(f"`{name}`" for name in refused) or "every operation"
        parts.append(f"Refused by name ({len(refused) or 'all'}): {names}.\n")
    return "\n".join(parts)


def errors_page() -> str:
    """Every error code, once, with the rooms that answer it."""
    found: dict[tuple[str, int, str, bool], tuple[set[str], list[str]]] = {}
    for room in WITH_ERRORS:
        for row in _error_rows(room):
            identity = (row.code, row.http_status, row.grpc_status.name, row.retryable)
            rooms, messages = found.setdefault(identity, (set(), []))
            rooms.add(room)
            if row.message not in messages:
                messages.append(row.message)
    rows = (
        (
            f"`{code}`",
            str(http),
            f"`{grpc}`",
            "yes" if retryable else "",
            ", ".join(sorted(rooms)),
            "<br>".join(messages),
        )
        for (code, http, grpc, retryable), (rooms, messages) in sorted(found.items())
    )
    return _page(
        "Errors",
        "Each expected error has a code, AWS's to the letter where AWS has one. Over gRPC it is a status whose "
        "`google.rpc.ErrorInfo.reason` is the code. *Again* says that the same request may succeed later unchanged.",
        _table(("code", "HTTP", "gRPC status", "again", "answered by", "message"), rows),
    )


def metrics_page() -> str:
    """Every metric of `/_cumulo/metrics`; the engine's are read off a real one."""
    with tempfile.TemporaryDirectory() as folder:
        families = asyncio.run(_metrics(Path(folder)))
    rows = ((f"`{it.name}`", it.type, it.documentation) for it in families)
    return _page(
        "Metrics",
        "Served as OpenMetrics text below `/_cumulo/metrics` on the HTTP port. Labels are names of operations and "
        "statuses, so their number is bounded. `cumulo_queue_…` are of the largest queues, with their accounts, "
        "regions and names: of 100 for who comes with a token (`Authorization: Bearer …`) and may "
        "`cumulo:ReadMetrics`, for everybody of as many as `metrics_queues_max` says, none by default. "
        "Counters end in `_total` there.",
        _table(("metric", "type", "meaning"), rows),
    )


async def _metrics(folder: Path) -> list[Metric]:
    metrics, engine = Metrics(), LmdbEngine(folder)
    metrics.add_engine(engine)
    families = list(metrics.collect())
    await engine.close()
    return families


def _rows(table: OperationTable) -> Iterator[tuple[str, ...]]:
    for it in table:
        needs = ", ".join(f"`{action}`" for action in it.permissions) or f"none: {it.open_because}"
        yield f"`{it.name}`", it.kind.value, needs, _meaning(it)


def _meaning(it: Operation) -> str:
    return f"*refused:* {it.refused}" if it.refused else it.summary


def _begun(path: Path) -> str:
    """Return what is written by hand at the head of a page."""
    return path.read_text().partition(BEGIN)[0] + BEGIN + "\n"


def _error_rows(room: str) -> Iterator[ErrorRow]:
    """Each row that a module of the room defines, generated modules left out; a signature's refusal has several."""
    package = importlib.import_module(f"cumulo.{room}")
    for found in pkgutil.walk_packages(package.__path__, f"cumulo.{room}."):
        for value in vars(importlib.import_module(found.name)).values():
            if isinstance(value, ErrorRow):
                yield value
    if room == "gateway":
        for words in signature_errors.ROWS.values():
            yield from (row for row in (words.s3, words.s3_query, words.query, words.json) if row is not None)


def _found(room: str, module: str, kind: type[T]) -> Iterator[T]:
    """Each value of `kind` that the room's module itself defines or re-exports, in the order of definition."""
    if importlib.util.find_spec(f"cumulo.{room}") and importlib.util.find_spec(f"cumulo.{room}.{module}"):
        loaded: ModuleType = importlib.import_module(f"cumulo.{room}.{module}")
        yield from (value for value in vars(loaded).values() if isinstance(value, kind))


def _page(title: str, lead: str, *parts: str) -> str:
    return "\n".join((GENERATED, f"# {title}\n", f"{lead}\n", *parts))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (" | ".join(cell.replace("|", r"\|").replace("\n", " ") for cell in row) for row in rows)
    return "\n".join(
        (f"| {' | '.join(head)} |", "| " + " | ".join("---" for _ in head) + " |", *(f"| {it} |" for it in lines), "")
    )


def _code(value: object) -> str:
    return "" if value == "" else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
