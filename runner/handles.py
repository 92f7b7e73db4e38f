"""The files by which a worker finds what a dead worker left on this machine.

One folder an attempt below the worker's work folder: `handle.json`, and `job`, the job's own folder. Promises that the
file is there before the command can run, and goes last.
"""

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

import msgspec

from cumulo.runner import cgroups, processes
from cumulo.runner.executor import Handle, Task, new_handle
from cumulo.runner.process_executor import members

HANDLE_FILE = "handle.json"
_KILL_TRIES = 200
_KILL_PAUSE_S = 0.02


def begin(folder: Path, task: Task) -> None:
    """Make an attempt's folder, for this user alone, with the handle of a task that was not started yet."""
    folder.mkdir(mode=0o700)
    write(folder, new_handle(task))


def write(folder: Path, handle: Handle) -> None:
    """Write an attempt's handle, whole or not at all."""
    partial = folder / (HANDLE_FILE + ".partial")
    partial.write_bytes(msgspec.json.encode(handle))
    partial.replace(folder / HANDLE_FILE)


def remove(folder: Path) -> None:
    """Remove an attempt's folder, its handle last: what cannot be removed is left to the next clean-up."""
    with contextlib.suppress(OSError):
        for entry in list(folder.iterdir()):
            if entry.name != HANDLE_FILE:
                _remove_tree(entry)
        if [entry.name for entry in folder.iterdir()] == [HANDLE_FILE]:
            (folder / HANDLE_FILE).unlink()
        folder.rmdir()


def _remove_tree(path: Path) -> None:
    """Remove a file or a folder, even where a job took away its own right to do so."""
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    shutil.rmtree(path, ignore_errors=True)
    if not path.exists():
        return
    path.chmod(0o700)
    for parent, folders, _ in os.walk(path):
        for name in folders:
            if not Path(parent, name).is_symlink():
                Path(parent, name).chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)


def clean_up(work_folder: Path) -> list[str]:
    """End and remove everything that workers which are gone left behind; return the marks of what was found."""
    found = []
    for path in sorted(work_folder.glob(f"*/{HANDLE_FILE}")):
        try:
            handle = msgspec.json.decode(path.read_bytes(), type=Handle)
        except (OSError, msgspec.DecodeError):
            continue  # being removed by another worker at this moment; written whole or not at all
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
