"""Readings of the machine and of processes: CPU time, memory, and what a number was measured on."""

import contextlib
import os
import platform
import statistics
import time
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
FSYNCS = 30


def cpu_s(pid: int) -> float:
    """Return the user and system time that a process, all its threads counted, has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def memory_mb(pid: int) -> tuple[float, float]:
    """Return a process's resident and proportional set size (pages shared with others counted in part)."""
    kilobytes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split()[:2]
        kilobytes[name] = int(value)
    return kilobytes["Rss:"] / 1000, kilobytes["Pss:"] / 1000


def fsync_ms(folder: Path) -> float:
    """Return the median time of an appended block's way to the disk."""
    path = folder / "fsync-probe"
    taken = []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        for _ in range(FSYNCS):
            os.write(descriptor, b"x" * 4096)
            started = time.perf_counter()
            os.fsync(descriptor)
            taken.append(time.perf_counter() - started)
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(taken) * 1000


def refuse_memory_disk(folder: Path) -> None:
    """Raise where `folder` lies in memory: an fsync would cost nothing there, and nothing would be durable."""
    best, kind = "", ""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, name = line.split()[:3]
        if str(folder.resolve()).startswith(mount) and len(mount) > len(best):
            best, kind = mount, name
    if kind in ("tmpfs", "ramfs"):
        raise SystemExit(f"{folder} is a {kind}: give --folder on a real disk")


def describe(folder: Path) -> dict[str, str | float | int]:
    """Return what the numbers of this run were measured on."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "kernel": platform.release(),
        "fsync_ms": round(fsync_ms(folder), 2),
        "load_before": round(os.getloadavg()[0], 2),
    }


def precise_cpu_s(pid: int) -> float:
    """Return the CPU time of a process's present threads, to the nanosecond; `cpu_s` counts in ticks of 10 ms."""
    total_ns = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has just ended
            total_ns += int((task / "schedstat").read_text().split()[0])
    return total_ns / 1e9
