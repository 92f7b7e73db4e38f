"""The files by which a worker finds what a dead worker left on this machine.

One folder an attempt below the worker's work folder: `handle.json`, and `job`, the job's own folder. Promises that the
file is there before the command can run, and goes last.
"""

import shutil
import signal
import time
from pathlib import Path

import msgspec

from cumulo.runner import cgroups, processes
from cumulo.runner.executor import Handle
from cumulo.runner.process_executor import members

HANDLE_FILE = "handle.json"
_KILL_TRIES = 200
_KILL_PAUSE_S = 0.02


def write(folder: Path, handle: Handle) -> None:
    """Write an attempt's handle, whole or not at all."""
    partial = folder / (HANDLE_FILE + ".partial")
    partial.write_bytes(msgspec.json.encode(handle))
    partial.replace(folder / HANDLE_FILE)


def remove(folder: Path) -> None:
    """Remove an attempt's folder, its handle last: a crash in between leaves the rest to the next clean-up."""
    for entry in folder.iterdir():
        if entry.name != HANDLE_FILE:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
    (folder / HANDLE_FILE).unlink(missing_ok=True)
    folder.rmdir()


def clean_up(work_folder: Path) -> list[str]:
    """End and remove everything that workers which are gone left behind; return the marks of what was found."""
    found = []
    for path in sorted(work_folder.glob(f"*/{HANDLE_FILE}")):
        try:
            handle = msgspec.json.decode(path.read_bytes(), type=Handle)
        except (OSError, msgspec.DecodeError):
            continue
        if processes.is_same(handle.owner_pid, handle.owner_start_ticks):
            continue
        for _ in range(_KILL_TRIES):
            alive = members(handle)
            if not alive:
                break
            processes.send(alive, signal.SIGKILL)
            time.sleep(_KILL_PAUSE_S)
        cgroups.remove(handle.cgroups)
        remove(path.parent)
        found.append(handle.mark)
    return found
