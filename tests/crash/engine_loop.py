"""The engine's crash loop: work, kill -9 at a random moment, restart, compare with what was acknowledged.

    python -m tests.crash.engine_loop [--cycles 50] [--seed N] [--folder DIR]

One data folder lives through all cycles. Prints one line a cycle and, at the end, how much was acknowledged; the exit
status is 1 where anything acknowledged was lost, torn or done twice.
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.ack_log import Call, Outcome, read_calls
from tests.crash.engine_check import check_folder

ROOT = Path(__file__).parent.parent.parent


def run_worker(
    folder: Path, seed: str, *, kill_after_s: float | None = None, items: int | None = None, failpoint: str = ""
) -> tuple[int, list[Call], str]:
    """Run `engine_work` until it ends, or is killed; return its exit status (-9: killed), calls and error output."""
    command = [sys.executable, "-m", "tests.crash.engine_work", str(folder), seed]
    command += [] if items is None else [str(items)]
    environment = os.environ | {"CUMULO_FAILPOINTS": failpoint}
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=err) as worker,
    ):
        if kill_after_s is not None:
            while out.seek(0, os.SEEK_END) == 0 and worker.poll() is None:
                time.sleep(0.01)
            time.sleep(kill_after_s)
            worker.send_signal(signal.SIGKILL)
        status = worker.wait()
        out.seek(0)
        err.seek(0)
        return status, read_calls(out), err.read().decode()


def main() -> int:
    """Run the loop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cycles", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    print(f"engine crash loop: {options.cycles} cycles, seed {options.seed}")
    source = random.Random(options.seed)
    calls: list[Call] = []
    bad = 0
    with tempfile.TemporaryDirectory(prefix="cumulo-crash-") as temporary:
        folder = options.folder or Path(temporary) / "data"
        for cycle in range(1, options.cycles + 1):
            after_s = source.uniform(0.01, 0.5)
            status, more, said = run_worker(folder, str(source.getrandbits(64)), kill_after_s=after_s)
            calls += more
            problems = asyncio.run(check_folder(folder, calls))
            if status != -signal.SIGKILL:
                problems.append(f"the worker ended with {status}: {said.strip()}")
            acked = sum(call.outcome is Outcome.ACKED for call in more)
            print(f"cycle {cycle}: killed after {after_s:.2f} s, {len(more)} calls, {acked} acknowledged;", end=" ")
            print("; ".join(problems) or "all there")
            bad += bool(problems)
    acked = sum(call.outcome is Outcome.ACKED for call in calls)
    print(f"{acked} calls acknowledged in {options.cycles} kills, {bad} bad cycles")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
