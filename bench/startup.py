"""How long until a server is ready, how much memory does it take idle, and what do its imports cost?

Starts the server N times on one data folder (the first start, which makes the folder, is shown apart), and measures
from the spawn to the ready file; then, two seconds after it is ready, resident and proportional memory. Imports are
read from the interpreter's own `-X importtime`. Targets: 0.5 s, 80 MB.

As where it is installed, every module is there as byte code: a start before the first writes it, whatever
PYTHONDONTWRITEBYTECODE says here. Without it a start compiles each source again, and takes twice the CPU.

Run: python bench/startup.py [--runs 7] [--json] [--folder DIR]
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rig.machine import cpu_s, describe, memory_mb
from rig.table import Row, show

READY_TARGET_S = 0.5
MEMORY_TARGET_MB = 80
POLL_S = 0.001
READY_LIMIT_S = 30
SETTLE_S = 2.0
"""Beyond the second after which a ready server imports what bodies need."""
FAMILIES_SHOWN = 15
_IMPORT_LINE = re.compile(r"^import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)$", re.MULTILINE)


def command(data: Path, ready: Path, *interpreter: str) -> list[str]:
    """Return the command line of a server on free ports."""
    program = "from cumulo.server.main import main; main()"
    words = ["serve", "--data", str(data), "--port", "0", "--grpc-port", "0", "--ready-file", str(ready)]
    return [sys.executable, "-P", *interpreter, "-c", program, *words]


class Start:
    """One start: how long it took, and what the process was like two seconds later."""

    def __init__(self, folder: Path, *interpreter: str, data: str = "data", settle_s: float = SETTLE_S) -> None:
        ready, errors = folder / "ready.json", folder / "errors"
        ready.unlink(missing_ok=True)
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
        with errors.open("wb") as said:
            spawned = time.perf_counter()
            words = command(folder / data, ready, *interpreter)
            process = subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=said)
        try:
            while not ready.exists():
                if process.poll() is not None or time.perf_counter() - spawned > READY_LIMIT_S:
                    raise SystemExit(f"the server did not get ready:\n{errors.read_text()}")
                time.sleep(POLL_S)
            self.ready_s = time.perf_counter() - spawned
            self.cpu_s = cpu_s(process.pid)
            time.sleep(settle_s)
            self.rss_mb, self.pss_mb = memory_mb(process.pid)
        finally:
            process.terminate()
            process.wait(READY_LIMIT_S)
        self.said = errors.read_text()


def import_costs(folder: Path) -> tuple[Counter[str], Counter[str]]:
    """Return microseconds and modules of each top-level family that a server imports."""
    said = Start(folder, "-X", "importtime", settle_s=0).said
    microseconds: Counter[str] = Counter()
    modules: Counter[str] = Counter()
    for taken, name in _IMPORT_LINE.findall(said):
        parts = name.split(".")
        family = ".".join(parts[:2]) if parts[0] in ("cumulo", "google") else parts[0]
        microseconds[family] += int(taken)
        modules[family] += 1
    return microseconds, modules


def main() -> int:
    """Print the numbers; exit 1 where a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the tables")
    parser.add_argument(
        "--folder", type=Path, help="where data is kept meanwhile; default: the system's temporary folder"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cumulo-startup-", dir=options.folder) as name:
        folder = Path(name)
        machine = describe(folder)
        Start(folder, data="data of the start that writes byte code")
        first = Start(folder)
        starts = [Start(folder) for _ in range(options.runs)]
        microseconds, modules = import_costs(folder)
    rows = [
        Row(what="ready, first start ever", figure=first.ready_s, unit="s"),
        Row(
            what=f"ready, median of {options.runs}",
            figure=statistics.median(start.ready_s for start in starts),
            unit="s",
            target=READY_TARGET_S,
            at_most=True,
        ),
        Row(what="  its CPU until then", figure=statistics.median(start.cpu_s for start in starts), unit="s"),
        Row(
            what="idle RSS",
            figure=statistics.median(start.rss_mb for start in starts),
            unit="MB",
            target=MEMORY_TARGET_MB,
            at_most=True,
        ),
        Row(what="idle PSS", figure=statistics.median(start.pss_mb for start in starts), unit="MB"),
    ]
    total_ms = sum(microseconds.values()) / 1000
    if options.json:
        imports: Any = {family: round(cost / 1000, 1) for family, cost in microseconds.most_common()}
        print(
            json.dumps({"machine": machine, "rows": [row.encoded() for row in rows], "imports_ms": imports}, indent=2)
        )
    else:
        print(", ".join(f"{key} {value}" for key, value in machine.items()))
        show(rows)
        print(f"\nimports: {sum(modules.values())} modules, {total_ms:.0f} ms while being timed; by family:")
        for family, cost in microseconds.most_common(FAMILIES_SHOWN):
            print(f"  {family:<24} {cost / 1000:7.1f} ms  {modules[family]:4} modules")
    return 0 if all(row.met is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
