"""The form in which every script prints its numbers: figure beside floor, ratio, target, and whether it was met."""

from collections.abc import Sequence
from typing import Any

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `figure` and `floor` are in `unit`; where there is a floor, the ratio is held against the target."""

    what: str
    figure: float
    unit: str
    per_s: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    cpu_us: float | None = None
    floor: float | None = None
    target: float | None = None
    at_most: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure as a part of its floor."""
        return self.figure / self.floor if self.floor else None

    @property
    def met(self) -> bool | None:
        """Whether the target was met; None where there is none."""
        if self.target is None:
            return None
        value = self.figure if self.ratio is None else self.ratio
        return value <= self.target if self.at_most else value >= self.target

    def encoded(self) -> dict[str, Any]:
        """Return the row for --json."""
        return msgspec.structs.asdict(self) | {"ratio": self.ratio, "met": self.met}


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) < 10 else f"{value:,.1f}"


def show(rows: Sequence[Row]) -> None:
    """Print the table, without the columns that nobody fills."""
    heads = ("what", "per s", "p50 ms", "p99 ms", "CPU µs each", "figure", "unit", "floor", "ratio", "target", "met")
    lines: list[tuple[str, ...]] = [heads]
    for row in rows:
        sign = "" if row.target is None else ("<= " if row.at_most else ">= ")
        met = {None: "", True: "yes", False: "NO"}[row.met]
        lines.append(
            (
                row.what,
                *(_number(value) for value in (row.per_s, row.p50_ms, row.p99_ms, row.cpu_us, row.figure)),
                row.unit,
                _number(row.floor),
                _number(row.ratio),
                sign + _number(row.target),
                met + (f" ({row.note})" if row.note else ""),
            )
        )
    shown = [column for column in range(len(heads)) if any(line[column] for line in lines[1:])]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        cells = [
            cell.ljust(width) if column in (0, 6, 10) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            if column in shown
        ]
        print("  ".join(cells).rstrip())
